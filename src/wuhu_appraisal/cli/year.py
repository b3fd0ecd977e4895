"""The commands that record what happens around a computation: freeze, decide."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import paths_argument, reading_options, scheme_option
from wuhu_appraisal.cli.options import PATH, Option, argument, command, option
from wuhu_appraisal.language import N_, _, listed

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.language import Bilingual
    from wuhu_appraisal.model import Decision
    from wuhu_appraisal.output.tables import Table
    from wuhu_appraisal.read.reading import Reading
    from wuhu_appraisal.scheme.load import LoadedScheme
    from wuhu_appraisal.scheme.models import Scheme
    from wuhu_appraisal.year.freeze import Difference, Frozen

_DIGEST_LENGTH = 12


@command(
    help=N_(
        "Record which files each stage has at its deadline, in frozen.yaml in their folder.\n\n"
        "From then on 'compute' reports every file that was changed, added or removed. Freezing "
        "again needs a reason, and the earlier freezings stay in the record.\n\n"
        "\b\nExamples:\n"
        "  appraise freeze stage-files/\n"
        "  appraise freeze stage-files/ --stage 双向互评 --by 张三\n"
        "  appraise freeze stage-files/ --reason 镜湖区更正打分表"
    ),
)
@paths_argument
@scheme_option
@reading_options
@option(
    "--stage",
    "stages",
    multiple=True,
    metavar="STAGE",
    help=N_(
        "Freeze only this stage, adjustment or veto, given by its id or title; 'adjustments' and "
        "'vetoes' mean all of them. Can be repeated. The default is everything that has files."
    ),
)
@option(
    "--by", metavar="NAME", help=N_("Who freezes; the default is the name of the system's user.")
)
@option("--reason", metavar="TEXT", help=N_("Why the files are frozen, or frozen again."))
def freeze(
    paths: tuple[Path, ...],
    scheme: str,
    stages: tuple[str, ...],
    by: str | None,
    reason: str | None,
    read_options: "ReadOptions",
) -> None:
    """Freeze."""
    from wuhu_appraisal.appraisal import now, read_sources
    from wuhu_appraisal.cli.log import log_findings
    from wuhu_appraisal.workbooks.folder import FROZEN, not_applied
    from wuhu_appraisal.year import freeze as record

    if len(paths) != 1 or paths[0].is_file():
        raise click.UsageError(_("give the one folder that holds the stage files"))
    folder = paths[0]
    reason = _one_line(reason)
    loaded = inputs.scheme_or_exit(scheme)
    assert loaded.scheme is not None
    titles = {item.id: item.title for item in loaded.scheme.stages}
    titles |= {item.id: item.title for item in loaded.scheme.recorded}
    distinct = titles | dict(loaded.scheme.record_titles)
    shown = {name: str(title) for name, title in distinct.items()}
    selected = _selected(loaded.scheme, titles, stages)
    frozen, findings = record.load(folder)
    # What is frozen in the wrong folder would guard nothing.
    options.fail_if_any([*findings, *not_applied([folder])])
    reading = read_sources(loaded.scheme, [folder], read_options)
    log_findings(reading.findings)
    if not folder.is_dir():
        options.fail(reading.findings)
    before = frozen or record.Frozen(stages=[])
    present = {stage for item in reading.sources for stage in item.stages}
    names = selected or [name for name in titles if name in present or before.stage(name)]
    about = {
        "at": now(),
        "by": _one_line(by) or _user(),
        "reason": reason,
        "scheme": {"id": loaded.scheme.id, "sha256": loaded.sha256},
    }
    freezings = {
        name: record.freeze_stage(reading.sources, reading.sizes, name, **about) for name in names
    }
    differing = {
        name: record.differences(stage.last, freezings[name])
        for name in names
        if (stage := before.stage(name)) is not None
    }
    accepted = _accepted(folder, differing)
    again = {name: rows for name, rows in differing.items() if rows and name not in accepted}
    if again:
        reason = _reason_or_exit(folder, shown, before, again, reason)
    after = before
    for name, freezing in freezings.items():
        if name in again or name not in differing:
            changed = freezing.model_copy(update={"reason": reason})
            after = record.with_freezing(after, name, titles[name], changed)
            options.logger().info(
                N_("Frozen: %(stage)s (files: %(files)s)"),
                {"stage": name, "files": len(freezing.files)},
                extra={"event": "stage.frozen"},
            )
    written = _("Nothing was changed: everything is as it was frozen.")
    if after != before:
        record.save(folder, frozen, after)
        written = _("Written: {path}").format(path=folder / FROZEN)
    options.print_table(_frozen_table(shown, before, after, names))
    _print_file_counts(reading, names)
    left_out = [title for name, title in shown.items() if name not in names]
    if left_out and not selected:
        text = _("Not frozen, because they have no files yet: {stages}")
        click.echo(text.format(stages=listed(left_out)))
    if accepted:
        text = _("Not frozen again, because the changes were accepted by decision: {stages}")
        click.echo(text.format(stages=listed([shown[name] for name in accepted])))
    click.echo(written)


def _selected(
    scheme: "Scheme", titles: "Mapping[str, Bilingual]", written: Sequence[str]
) -> list[str]:
    """Return the ids of the stages, adjustments and vetoes that are named, in the scheme's order."""
    ids: set[str] = set()
    for name in written:
        if name.casefold() in ("adjustments", _("Adjustments").casefold()):
            ids |= {item.id for item in scheme.adjustments}
        elif name.casefold() in ("vetoes", _("Vetoes").casefold()):
            ids |= {item.id for item in scheme.vetoes}
        else:
            ids |= {*inputs.stages_or_exit(titles, name)}
    return [name for name in titles if name in ids]


def _accepted(folder: Path, differing: "Mapping[str, Sequence[Difference]]") -> list[str]:
    """Return the stages that differ in nothing but files that were accepted by decision.

    Frozen again, they would leave the decisions without anything that they are about.
    """
    from wuhu_appraisal.year.decisions import load_decisions

    entries, problems = load_decisions([folder])
    options.fail_if_any(problems)
    files = {
        (entry.decision.file, entry.decision.sha256)
        for entry in entries
        if entry.decision.decide == "accept"
        and (not entry.decision.finding or entry.decision.finding.startswith("frozen-file-"))
    }
    changes = {name: {(item.name, item.now) for item in rows} for name, rows in differing.items()}
    return [name for name, changed in changes.items() if changed and changed <= files]


def _reason_or_exit(
    folder: Path,
    titles: Mapping[str, str],
    before: "Frozen",
    again: "Mapping[str, Sequence[Difference]]",
    reason: str,
) -> str:
    """Show what differs in the stages that are frozen again, and return why they are."""
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.output.tables import Column, Table
    from wuhu_appraisal.workbooks.folder import FROZEN

    rows = [
        (titles[name], item.name, _(item.change), *(d[:_DIGEST_LENGTH] for d in item[2:]))
        for name, differences in again.items()
        for item in differences
    ]
    columns = (
        Column(_("Stage")),
        Column(_("File")),
        Column(_("Change")),
        Column(_("SHA-256 when frozen"), "code"),
        Column(_("SHA-256 now"), "code"),
    )
    title = _("Changed since it was frozen")
    options.print_table(Table(title, title, columns, rows))
    if not reason and sys.stdin.isatty():
        reason = _one_line(click.prompt(_("Reason for freezing again"), err=True))
    if not reason:
        place = Source(str(folder / FROZEN))
        last = {name: stage.last for name in again if (stage := before.stage(name))}
        options.fail(
            [
                finding("freeze-reason-missing", place, stage=titles[name], at=item.at, by=item.by)
                for name, item in last.items()
            ]
        )
    return reason


def _frozen_table(
    titles: Mapping[str, str], before: "Frozen", after: "Frozen", names: Sequence[str]
) -> "Table":
    """Return what holds now for each stage."""
    from wuhu_appraisal.output.tables import Column, Table

    rows = []
    for name in names:
        stage, known = after.stage(name), before.stage(name)
        assert stage is not None
        state = _("frozen") if known is None else _("frozen again")
        state = _("frozen as before") if stage == known else state
        rows.append((titles[name], state, len(stage.last.files), stage.last.at, stage.last.by))
    columns = (
        Column(_("Stage")),
        Column(_("State")),
        Column(_("Files"), "count"),
        Column(_("Frozen at")),
        Column(_("Frozen by")),
    )
    return Table(_("Frozen stages"), _("Frozen stages"), columns, rows)


def _print_file_counts(reading: "Reading", names: Sequence[str]) -> None:
    """Print how many errors stand in the frozen files, and how many files are of no stage."""
    from wuhu_appraisal.findings import Severity

    files = {item.file for item in reading.sources if not {*names}.isdisjoint(item.stages)}
    errors = sum(
        item.severity is Severity.ERROR and item.source.file in files for item in reading.findings
    )
    if errors:
        text = _("these files have {count} errors; they are frozen as they are")
        click.echo(text.format(count=errors))
    others = sum(not item.stages for item in reading.sources)
    others += sum(item.code == "file-unreadable" for item in reading.findings)
    if others:
        text = _("{count} files belong to no stage and are not frozen: see 'appraise validate'")
        click.echo(text.format(count=others))


def _one_line(text: str | None) -> str:
    """Return a text on one line; '' where nothing of it is seen."""
    from wuhu_appraisal.names import blank

    return "" if blank(text or "") else " ".join((text or "").split())


def _user() -> str:
    """Return the system's name of the user, or the number of one without a name; '' without both."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def _today() -> str:
    from wuhu_appraisal.appraisal import now

    return now()[:10]


class Asked(Option):
    """An option of 'decide' that is asked for on a terminal where it was not given.

    ``usual`` returns what it is otherwise. Without one it must be given where nobody can be asked.
    An option about the input is asked for only where the kind of decision needs it.
    """

    def __init__(
        self, names: Sequence[str], usual: Callable[[], str] | None = None, **settings: Any
    ) -> None:
        super().__init__(names, **settings)
        self.usual = usual

    def prompt_for_value(self, ctx: click.Context) -> Any:
        """See ``click.Option.prompt_for_value``."""
        from wuhu_appraisal.year.decisions import KINDS, USED

        kind = ctx.params.get("decide")
        about = {key for keys in USED.values() for key in keys}
        if kind is not None and self.name in about and self.name not in KINDS[kind]:
            return None
        default = None if self.usual is None else self.usual()
        terminal = sys.stdin.isatty()
        if default is not None and (ctx.params.get("yes") or not terminal):
            return default
        if not terminal:
            raise click.MissingParameter(ctx=ctx, param=self)
        # A blank cell is answered with Enter.
        default = "" if self.name == "was" else default
        question = _(str(self.prompt))
        return click.prompt(question, default=default, type=self.type, err=True).strip()


asked = partial(click.option, cls=Asked)


@command(
    help=N_(
        "Write a decision about the stage files into decisions.yaml in their folder.\n\n"
        "On a terminal you are asked for what the options leave open. The decision is shown, and "
        "checked against the files, before it is written; nothing else in the folder is touched.\n\n"
        "\b\nExamples:\n"
        "  appraise decide stage-files/\n"
        "  appraise decide stage-files/ --as set_aside --file votes/a.xlsx\n"
        "  appraise decide stage-files/ --as read_as --file a.xlsx --cell B7 --value 85"
    ),
)
@argument("path", metavar="PATHS", type=PATH)
@scheme_option
@reading_options
@asked(
    "--as",
    "decide",
    prompt=N_("What is decided"),
    help=N_("What is decided."),
    type=click.Choice(("accept", "set_aside", "waive", "read_as", "correct")),
    is_eager=True,
)
@asked(
    "--finding",
    prompt=N_("Code of the finding"),
    help=N_("The code of the finding it is about."),
    metavar="CODE",
)
@asked("--file", prompt=N_("File"), help=N_("The file it is about, as findings name it."))
@option("--sheet", help=N_("The sheet it is about."))
@asked("--cell", prompt=N_("Cell"), help=N_("The cell it is about, such as B7."))
@asked("--was", prompt=N_("What the cell holds"), help=N_("What the cell holds: correct."))
@asked("--value", prompt=N_("Counts as"), help=N_("What the cell counts as: read_as, correct."))
@asked("--reason", prompt=N_("Reason"), help=N_("Why."))
@asked("--by", prompt=N_("Decided by"), help=N_("Who decides."), usual=_user)
@asked("--at", prompt=N_("When"), help=N_("When: a date or a time of ISO 8601."), usual=_today)
@asked(
    "--clause",
    prompt=N_("Clause (may be left empty)"),
    help=N_("The clause of the document that allows it."),
    usual=str,
)
@option("--yes", is_flag=True, is_eager=True, help=N_("Write without asking for confirmation."))
def decide(
    path: Path, scheme: str, read_options: "ReadOptions", yes: bool, **keys: str | None
) -> None:
    """Decide."""
    from wuhu_appraisal.appraisal import read_with_decisions
    from wuhu_appraisal.model import Decision
    from wuhu_appraisal.output.text import printable
    from wuhu_appraisal.workbooks.folder import DECISIONS, read_beside
    from wuhu_appraisal.year import decisions

    if not yes and not sys.stdin.isatty():
        raise click.UsageError(_("nobody can be asked without a terminal: use --yes"))
    if not path.is_dir():
        raise click.UsageError(_("Give the folder of the stage files."))
    place = path / DECISIONS
    old, findings = read_beside(place, DECISIONS)
    options.fail_if_any(findings)
    options.fail_if_any(decisions.parse(DECISIONS, old)[1] if old is not None else [])
    loaded = inputs.scheme_or_exit(scheme)
    reading, _entries = read_with_decisions(loaded, [path], read_options)
    # What is decided in the wrong folder would never be applied.
    options.fail_if_any([item for item in reading.findings if item.code == "beside-not-applied"])
    values = {name: text for name, text in keys.items() if text is not None}
    values["cell"] = values.get("cell", "").upper()
    decision = decisions.with_slashes(Decision.model_validate(values), reading.paths)
    decision = _completed(reading, decision)
    for line in decisions.entry(decision).splitlines():
        options.console().print(printable(line), markup=False, soft_wrap=True)
    new, findings = decisions.added(DECISIONS, old, decision)
    findings = findings or _problems(loaded, reading, new)
    options.logger().info(
        N_("Decision checked: %(decide)s (problems: %(findings)s)"),
        {"decide": decision.decide, "findings": len(findings)},
        extra={
            "event": "decision.checked",
            "private": {"file": decision.file, "sheet": decision.sheet, "cell": decision.cell},
        },
    )
    options.fail_if_any(findings)
    if not yes and not click.confirm(_("Write this into {path}?").format(path=place), err=True):
        click.echo(_("Nothing was written."))
        return
    decisions.save(place, new, old)
    click.echo(_("Written: {path}").format(path=place))


def _completed(reading: "Reading", decision: "Decision") -> "Decision":
    """Return the decision with what its file or cell holds now, so that it covers nothing else."""
    from wuhu_appraisal.year.decisions import WAIVABLE, cell_content

    changes = ("", "frozen-file-came", "frozen-file-changed")
    if decision.decide == "accept" and decision.finding in changes:
        for item in reading.findings:
            if "sha256" in item.params and item.source.file == decision.file:
                digest = str(item.params["sha256"])
                return decision.model_copy(update={"sha256": digest})
    waived = decision.decide == "waive" and decision.finding in WAIVABLE
    if (waived or decision.decide == "read_as") and decision.was is None:
        held = cell_content(decision, reading.blocks, reading.findings, reading.ledger)
        return decision.model_copy(update={"was": held})
    return decision


def _problems(loaded: "LoadedScheme", reading: "Reading", content: bytes) -> "list[Finding]":
    """Return what would be wrong with the last decision of a decisions.yaml."""
    from wuhu_appraisal.appraisal import run_of
    from wuhu_appraisal.findings import Severity
    from wuhu_appraisal.workbooks.folder import DECISIONS
    from wuhu_appraisal.year.decisions import parse

    entries, findings = parse(DECISIONS, content)
    if findings:
        return findings
    return [
        item
        for item in run_of(loaded, reading, entries).findings
        if item.source == entries[-1].place and item.severity is Severity.ERROR
    ]
