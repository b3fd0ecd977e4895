"""Recording what a stage had at its deadline."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.frame import (
    Command,
    Option,
    fail,
    fail_to_write,
    print_sheet,
    scheme_or_exit,
    shared,
)
from wuhu_appraisal.cli.naming import ids_of, user
from wuhu_appraisal.language import N_, _, listed

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.language import Bilingual
    from wuhu_appraisal.output.tables import Table
    from wuhu_appraisal.read.reading import Reading
    from wuhu_appraisal.scheme.models import Scheme
    from wuhu_appraisal.year.freeze import Difference, Freezing, Frozen

_SHORT = 12
_ADJUSTMENTS = "adjustments"


@click.command(
    cls=Command,
    help=N_(
        "Record which files each stage has at its deadline, in frozen.yaml in their folder.\n\n"
        "From then on 'compute' tells of every file that changed, came or went. To freeze again "
        "needs a reason, and what was frozen before stays in the record.\n\n"
        "\b\nExamples:\n"
        "  appraise freeze stage-files/\n"
        "  appraise freeze stage-files/ --stage 双向互评 --by 张三\n"
        "  appraise freeze stage-files/ --reason 镜湖区更正打分表"
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@shared("scheme", "reading")
@click.option(
    "--stage",
    "stages",
    cls=Option,
    multiple=True,
    metavar="STAGE",
    help=N_(
        "Only this stage or adjustment: its id or its title; 'adjustments' for all of these. Can be "
        "given again. Else all of which anything has come."
    ),
)
@click.option(
    "--by", cls=Option, metavar="NAME", help=N_("Who freezes; else the name of the system's user.")
)
@click.option("--reason", cls=Option, metavar="TEXT", help=N_("Why it is frozen, or frozen again."))
def freeze(
    paths: tuple[Path, ...],
    scheme: str,
    stages: tuple[str, ...],
    by: str | None,
    reason: str | None,
    options: "ReadOptions",
) -> None:
    """Freeze."""
    from wuhu_appraisal.appraisal import now, read_sources
    from wuhu_appraisal.year import freeze as freezing

    if len(paths) != 1 or paths[0].is_file():
        raise click.UsageError(_("give the one folder that holds the stage files"))
    folder = paths[0]
    loaded = scheme_or_exit(scheme)
    assert loaded.scheme is not None
    titles = {item.id: item.title for item in loaded.scheme.stages}
    titles |= {item.id: item.title for item in loaded.scheme.adjustments}
    shown = {name: str(title) for name, title in titles.items()}
    shown |= {name: str(title) for name, title in loaded.scheme.adjustment_titles.items()}
    only = _named(loaded.scheme, titles, stages)
    frozen = _frozen_before(folder)
    intake = read_sources(loaded.scheme, [folder], options)
    logged.findings(intake.findings)
    if not folder.is_dir():
        fail(intake.findings)
    said = {
        "at": now(),
        "by": _one_line(by) or user(),
        "reason": _one_line(reason),
        "scheme": {"id": loaded.scheme.id, "sha256": loaded.sha256},
    }
    names = only or _chosen(titles, intake, frozen)
    made = {name: freezing.fix(intake.sources, intake.sizes, name, **said) for name in names}
    accepted = _accepted(folder, frozen, made)
    made = {name: item for name, item in made.items() if name not in accepted}
    after = _after(frozen, titles, _with_reasons(folder, shown, frozen, made))
    say = _write_frozen(folder, frozen, after)
    print_sheet(_frozen(shown, frozen, after, names))
    _say_of_files(intake, names)
    if not only:
        _say_stages(
            _("Not frozen, because nothing has come of them: {stages}"),
            [title for name, title in shown.items() if name not in names],
        )
    _say_stages(
        _("Left as they were frozen, because what differs was accepted by decision: {stages}"),
        [shown[name] for name in accepted],
    )
    say()


def _frozen_before(folder: Path) -> "Frozen | None":
    """What is frozen in a folder already; findings where that cannot be told."""
    from wuhu_appraisal.workbooks.folder import not_applied
    from wuhu_appraisal.year import freeze as freezing

    frozen, found = freezing.load(folder)
    # What is frozen in the wrong folder would guard nothing.
    found += not_applied([folder])
    if found:
        fail(found)
    return frozen


def _after(
    before: "Frozen | None", titles: "Mapping[str, Bilingual]", made: "Mapping[str, Freezing]"
) -> "Frozen":
    """What is frozen with those freezings that differ from the last."""
    from wuhu_appraisal.year import freeze as freezing

    after = before or freezing.Frozen(stages=[])
    for name, item in made.items():
        if not freezing.holds(before, name, item):
            after = freezing.with_freezing(after, name, titles[name], item)
            logged.log("stage.frozen", stage=name, files=len(item.files))
    return after


def _say_stages(text: str, stages: Sequence[str]) -> None:
    """A sentence about stages, if it is about any."""
    if stages:
        click.echo(text.format(stages=listed(stages)))


def _named(
    scheme: "Scheme", titles: "Mapping[str, Bilingual]", written: Sequence[str]
) -> list[str]:
    """The ids of the stages and adjustments that are named, in the scheme's order."""
    found: set[str] = set()
    for name in written:
        if name.casefold() in (_ADJUSTMENTS, _("Adjustments").casefold()):
            found |= {item.id for item in scheme.adjustments}
        else:
            found |= {*ids_of(titles, name)}
    return [name for name in titles if name in found]


def _accepted(
    folder: Path, frozen: "Frozen | None", made: "Mapping[str, Freezing]"
) -> dict[str, None]:
    """The stages that differ from what was frozen in nothing but files accepted by decision.

    Frozen anew, they would leave the decisions without anything that they are about.
    """
    from wuhu_appraisal.year.decisions import load_decisions
    from wuhu_appraisal.year.freeze import differences

    taken, problems = load_decisions([folder])
    if problems:
        fail(problems)
    files = {
        (item.decision.file, item.decision.sha256)
        for item in taken
        if item.decision.decide == "accept"
        and (not item.decision.finding or item.decision.finding.startswith("frozen-file-"))
    }
    found = {
        name: {(item.name, item.now) for item in differences(known.last, made[name])}
        for name in made
        if frozen and (known := frozen.stage(name))
    }
    return {name: None for name, differing in found.items() if differing and differing <= files}


def _chosen(
    titles: "Mapping[str, Bilingual]", intake: "Reading", frozen: "Frozen | None"
) -> list[str]:
    """The stages of which anything has come or is frozen, in the scheme's order."""
    came = {name for item in intake.sources for name in item.stages}
    return [name for name in titles if name in came or (frozen and frozen.stage(name))]


def _with_reasons(
    folder: Path,
    titles: Mapping[str, str],
    frozen: "Frozen | None",
    made: "Mapping[str, Freezing]",
) -> "dict[str, Freezing]":
    """The freezings, those that replace another with their reason; shows what differs."""
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.workbooks.folder import FROZEN
    from wuhu_appraisal.year.freeze import differences, holds

    again = {
        name: known.last
        for name in made
        if frozen and (known := frozen.stage(name)) and not holds(frozen, name, made[name])
    }
    if not again:
        return dict(made)
    found = {name: differences(last, made[name]) for name, last in again.items()}
    print_sheet(_differing(titles, found))
    reason = next(iter(made.values())).reason
    if not reason and sys.stdin.isatty():
        reason = _one_line(click.prompt(_("Reason for freezing again"), err=True))
    if not reason:
        where = Source(str(folder / FROZEN))
        fail(
            [
                finding("freeze-reason-missing", where, stage=titles[name], at=last.at, by=last.by)
                for name, last in again.items()
            ]
        )
    return {name: item.model_copy(update={"reason": reason}) for name, item in made.items()}


def _differing(titles: Mapping[str, str], found: "Mapping[str, Sequence[Difference]]") -> "Table":
    """What is otherwise than it was frozen."""
    from wuhu_appraisal.output.tables import Column, Table

    rows = [
        (titles[name], item.name, _(item.change), item.was[:_SHORT], item.now[:_SHORT])
        for name, differing in found.items()
        for item in differing
    ]
    columns = (
        Column(_("Stage")),
        Column(_("File")),
        Column(_("Change")),
        Column(_("SHA-256 when frozen"), "code"),
        Column(_("SHA-256 now"), "code"),
    )
    title = _("Changed since it was frozen")
    return Table(title, title, columns, rows)


def _frozen(
    titles: Mapping[str, str], before: "Frozen | None", after: "Frozen", names: Sequence[str]
) -> "Table":
    """What holds now for each stage."""
    from wuhu_appraisal.output.tables import Column, Table

    rows = []
    for name in names:
        entry, known = after.stage(name), before.stage(name) if before else None
        assert entry is not None
        state = _("frozen as before") if entry == known else _("frozen")
        if known is not None and entry != known:
            state = _("frozen again")
        rows.append((titles[name], state, len(entry.last.files), entry.last.at, entry.last.by))
    columns = (
        Column(_("Stage")),
        Column(_("State")),
        Column(_("Files"), "count"),
        Column(_("Frozen at")),
        Column(_("Frozen by")),
    )
    return Table(_("Frozen stages"), _("Frozen stages"), columns, rows)


def _say_of_files(intake: "Reading", names: Sequence[str]) -> None:
    """How many errors stand in what was frozen, and how many files are of no stage."""
    from wuhu_appraisal.findings import Severity
    from wuhu_appraisal.year.freeze import files_of

    files = {item.file for name in names for item in files_of(name, intake.sources)}
    errors = sum(
        item.severity is Severity.ERROR and item.source.file in files for item in intake.findings
    )
    if errors:
        text = _(
            "{count} findings of severity error stand in these files; they are frozen as they came"
        )
        click.echo(text.format(count=errors))
    others = sum(not item.stages for item in intake.sources)
    others += sum(item.code == "file-unreadable" for item in intake.findings)
    if others:
        text = _("{count} files are of no stage and are not frozen: see 'appraise validate'")
        click.echo(text.format(count=others))


def _write_frozen(folder: Path, before: "Frozen | None", after: "Frozen") -> Callable[[], None]:
    """Write frozen.yaml if it is otherwise; what it returns says so.

    It holds its own history, so no earlier one is kept beside the stage files.
    """
    from wuhu_appraisal.files import FolderBusyError, locked, write_whole
    from wuhu_appraisal.workbooks.folder import FROZEN
    from wuhu_appraisal.year.freeze import dump, load

    path = folder / FROZEN
    if after == before or not after.stages:
        return lambda: click.echo(_("Nothing was changed: all is as it was frozen."))
    try:
        with locked(folder):
            if load(folder) != (before, []):
                # Somebody else froze meanwhile.
                raise FolderBusyError(folder)
            write_whole(path, dump(after), keep=False)
    except OSError as error:
        fail_to_write(path, error)
    return lambda: click.echo(_("Written: {path}").format(path=path))


def _one_line(text: str | None) -> str:
    """A text on one line; '' where nothing of it is seen."""
    from wuhu_appraisal.names import blank

    return "" if blank(text or "") else " ".join((text or "").split())
