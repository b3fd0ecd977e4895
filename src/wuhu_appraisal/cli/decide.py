"""The command that writes a decision down, and what the ranking would be without the decisions."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.frame import (
    Command,
    Option,
    exit_on_errors,
    fail,
    fail_to_write,
    scheme_or_exit,
    shared,
)
from wuhu_appraisal.cli.naming import user
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.model import Decision
    from wuhu_appraisal.read.reading import Reading
    from wuhu_appraisal.scheme.load import LoadedScheme

KINDS = ("accept", "set_aside", "waive", "read_as", "correct")
_FROZEN = ("frozen-file-came", "frozen-file-changed")
_ABOUT = ("finding", "file", "sheet", "cell")


def print_without(loaded: "LoadedScheme", paths: Sequence[Path], options: "ReadOptions") -> None:
    """The rankings with and without the decisions side by side; nothing is written."""
    from wuhu_appraisal.appraisal import read_with_decisions, run_of
    from wuhu_appraisal.output import tables as view
    from wuhu_appraisal.output import text as terminal
    from wuhu_appraisal.output.tables import rankings_without

    intake, taken = read_with_decisions(loaded, paths, options)
    run, other = run_of(loaded, intake, taken), run_of(loaded, intake, ())
    console = terminal.console(sys.stdout)
    console.print(_("WITHOUT DECISIONS: what the ranking would be; nothing was written"))
    if not taken:
        console.print(_("There are no decisions: both rankings are the same."))
    for said, lines in (
        (_("with the decisions"), view.banner(run)),
        (_("without the decisions"), view.banner(other)),
    ):
        for line in lines:
            console.print(f"{said}: {terminal.printable(line)}", style="bold red", markup=False)
    for group in run.standings:
        terminal.print_table(console, rankings_without(run, other, group))
    if run.decisions:
        terminal.print_texts(console, view.decisions(run))
    exit_on_errors(run.findings)


@click.command(
    cls=Command,
    help=N_(
        "Write a decision about the stage files into decisions.yaml in their folder.\n\n"
        "What is not given by options is asked for. The decision is shown, and checked against the "
        "files, before it is written; nothing else in the folder is touched.\n\n"
        "\b\nExamples:\n"
        "  appraise decide stage-files/\n"
        "  appraise decide stage-files/ --as set_aside --file votes/a.xlsx\n"
        "  appraise decide stage-files/ --as read_as --file a.xlsx --cell B7 --value 85"
    ),
)
@click.argument("path", metavar="PATHS", type=click.Path(path_type=Path))
@shared("scheme", "reading")
@click.option(
    "--finding", cls=Option, metavar="CODE", help=N_("The code of the finding it is about.")
)
@click.option("--file", cls=Option, help=N_("The file it is about, as findings name it."))
@click.option("--sheet", cls=Option, help=N_("The sheet it is about."))
@click.option("--cell", cls=Option, help=N_("The cell it is about, such as B7."))
@click.option("--as", "decide", cls=Option, type=click.Choice(KINDS), help=N_("What is decided."))
@click.option("--value", cls=Option, help=N_("As what the cell counts: read_as, correct."))
@click.option("--was", cls=Option, help=N_("What the cell holds: correct."))
@click.option("--reason", cls=Option, help=N_("Why."))
@click.option("--by", cls=Option, help=N_("Who decides."))
@click.option("--at", cls=Option, help=N_("When: a date or a time of ISO 8601."))
@click.option("--clause", cls=Option, help=N_("The clause of the document that allows it."))
@click.option("--yes", cls=Option, is_flag=True, help=N_("Write without asking."))
def decide(path: Path, scheme: str, options: "ReadOptions", yes: bool, **given: Any) -> None:
    """Ask, show, check, write."""
    from wuhu_appraisal.appraisal import read_with_decisions, run_of
    from wuhu_appraisal.output import text as terminal
    from wuhu_appraisal.workbooks.folder import DECISIONS
    from wuhu_appraisal.year.decisions import added, entry, parse

    if not path.is_dir():
        raise click.UsageError(_("Give the folder of the stage files."))
    where = path / DECISIONS
    content = _content(where)
    before, problems = parse(DECISIONS, content) if content is not None else ([], [])
    if problems:
        fail(problems)
    loaded = scheme_or_exit(scheme)
    intake, taken = read_with_decisions(loaded, [path], options)
    # What is decided in the wrong folder would never be applied.
    fail_on([item for item in intake.findings if item.code == "beside-not-applied"])
    findings = run_of(loaded, intake, taken).findings
    decision = _as_found(loaded, intake, _asked(findings, given, yes=yes))
    console = terminal.console(sys.stdout)
    for line in entry(decision).splitlines():
        console.print(terminal.printable(line), markup=False, soft_wrap=True)
    new, problems = added(DECISIONS, content, decision)
    problems = problems or _refused(loaded, intake, new)
    about = {"file": decision.file, "sheet": decision.sheet, "cell": decision.cell}
    kind = decision.decide
    logged.log("decision.checked", decide=kind, findings=len(problems), told=about)
    fail_on(problems)
    if not yes and not click.confirm(_("Write this into {path}?").format(path=where)):
        click.echo(_("Nothing was written."))
        return
    _write(where, new, content)
    stands, problems = parse(DECISIONS, _content(where) or b"")
    fail_on(problems)
    assert len(stands) == len(before) + 1, "what was added reads back as one decision more"
    click.echo(_("Written: {path}").format(path=where))


def _as_found(loaded: "LoadedScheme", intake: "Reading", decision: "Decision") -> "Decision":
    """The decision with what its file or cell holds now: of anything else it is not to be."""
    from wuhu_appraisal.year.decisions import Docket

    assert loaded.scheme is not None
    frozen = {
        str(item.params["sha256"])
        for item in intake.findings
        if "sha256" in item.params and item.source.file == decision.file
    }
    if decision.decide == "accept" and frozen and decision.finding in ("", *_FROZEN):
        return decision.model_copy(update={"sha256": frozen.pop()})
    if decision.decide == "read_as" and decision.was is None:
        docket = Docket(loaded.scheme, (), intake.blocks, [], intake.findings, intake.ledger)
        return decision.model_copy(update={"was": docket.held(decision)})
    return decision


def fail_on(problems: "Sequence[Finding]") -> None:
    """Print findings and exit with 1 if there are any."""
    if problems:
        fail(problems)


def _content(where: Path) -> bytes | None:
    """What decisions.yaml holds; None if there is none yet."""
    from wuhu_appraisal.workbooks.folder import read_beside

    content, refused = read_beside(where, where.name)
    fail_on(refused)
    return content


def _write(where: Path, content: bytes, read: bytes | None) -> None:
    """Write decisions.yaml in one step; it only grows, so no earlier one is kept beside it.

    Whoever else decided since it was ``read`` is not written over.
    """
    from wuhu_appraisal.files import FolderBusyError, locked, write_whole

    try:
        with locked(where.parent):
            if _content(where) != read:
                raise FolderBusyError(where.parent)
            write_whole(where, content, keep=False)
    except OSError as error:
        fail_to_write(where, error)


def _refused(loaded: "LoadedScheme", intake: "Reading", content: bytes) -> "list[Finding]":
    """What would be wrong with the last of the decisions."""
    from wuhu_appraisal.appraisal import run_of
    from wuhu_appraisal.findings import Severity
    from wuhu_appraisal.workbooks.folder import DECISIONS
    from wuhu_appraisal.year.decisions import parse

    taken, problems = parse(DECISIONS, content)
    if problems:
        return problems
    place = taken[-1].place
    found = run_of(loaded, intake, taken).findings
    return [item for item in found if item.source == place and item.severity is Severity.ERROR]


def _asked(findings: "Sequence[Finding]", given: dict[str, Any], *, yes: bool) -> "Decision":
    """The decision that the options and the answers make; with ``yes`` what is usual is not asked."""
    from wuhu_appraisal.appraisal import now
    from wuhu_appraisal.model import Decision
    from wuhu_appraisal.year.decisions import KINDS as NEEDED
    from wuhu_appraisal.year.decisions import USED

    asked_for = {name for name in _ABOUT if given[name]}
    if not asked_for:
        given |= _chosen(findings)
    if not given["decide"]:
        given["decide"] = click.prompt(_("What is decided"), type=click.Choice(KINDS))
    questions = {
        "finding": _("Code of the finding"),
        "file": _("File"),
        "cell": _("Cell"),
        "was": _("What the cell holds"),
        "value": _("As what it counts"),
    }
    needed = NEEDED[given["decide"]]
    for name, question in questions.items():
        if name in needed and given[name] is None:
            default = "" if name == "was" else None
            given[name] = click.prompt(question, default=default)
    # What was chosen from the list may say more than this kind of decision heeds.
    for name in _ABOUT:
        if name not in USED[given["decide"]] and name not in asked_for:
            given[name] = None
    for name, question, default in (
        ("reason", _("Reason"), None),
        ("by", _("Decided by"), user() or None),
        ("at", _("When"), now()[:10]),
        ("clause", _("Clause (may be left empty)"), ""),
    ):
        if given[name] is None and default is not None and yes:
            given[name] = default
        if given[name] is None:
            given[name] = click.prompt(question, default=default, value_proc=str.strip)
    cell = (given["cell"] or "").upper()
    values = {name: text for name, text in given.items() if text is not None}
    return Decision(**{**values, "cell": cell})


def _chosen(findings: "Sequence[Finding]") -> dict[str, Any]:
    """What the finding that is chosen from a list is about; nothing if none is chosen."""
    from wuhu_appraisal.output import text as terminal

    console = terminal.console(sys.stdout)
    for number, item in enumerate(findings, 1):
        text = f"{number:>3}  {terminal.printable(str(item.source))}  [{item.code}] "
        console.print(text + terminal.printable(item.message), markup=False, soft_wrap=True)
    if not findings:
        click.echo(_("There are no findings; the decision can still be about a file or a cell."))
        return {}
    asked = _("Number of the finding that it is about (0: none of them)")
    number = click.prompt(asked, type=click.IntRange(0, len(findings)), default=0)
    if not number:
        return {}
    item = findings[number - 1]
    at = item.source
    return {"finding": item.code, "file": at.file, "sheet": at.sheet, "cell": at.cell}
