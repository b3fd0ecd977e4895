"""What a result is used for: the reports that are made of it."""

import errno
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.encrypting import encrypting, new_password, say_plain_copies
from wuhu_appraisal.cli.frame import (
    Command,
    Option,
    fail,
    fail_to_write,
    locked,
    progress,
    result_or_exit,
    shared,
    unit_or_exit,
    write,
)
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.result import Result


Renderer: TypeAlias = Callable[..., bytes]

FORMATS = ("xlsx", "docx", "csv", "json", "md")
LETTERS = ("xlsx", "docx")
AUDIENCES = ("office", "leading-group", "public", "unit")


@click.command(
    cls=Command,
    help=N_(
        "Render the result of 'compute': the ranked workbook with live formulas, the draft of the "
        "notice, tables for other programs, or what goes back to one unit.\n\n"
        "Everything is marked as a draft until --final; a provisional result cannot be final.\n\n"
        "\b\nExamples:\n"
        "  appraise report --format xlsx\n"
        "  appraise report --format docx --final\n"
        "  appraise report --format csv --out ranking.csv\n"
        "  appraise report --audience leading-group --recipient 张三\n"
        "  appraise report --unit 镜湖区\n"
        "  appraise report --each-unit feedback/ --format docx\n"
        "  appraise report --encrypt --ask-password"
    ),
)
@shared("scheme", "result")
@click.option(
    "--format",
    "form",
    cls=Option,
    type=click.Choice(FORMATS),
    default="xlsx",
    show_default=True,
    help=N_(
        "The kind of file: a workbook, the notice, the ranking as a table, all that is published "
        "as data, or a page of text. For one unit: xlsx or docx."
    ),
)
@click.option(
    "--final",
    cls=Option,
    is_flag=True,
    help=N_("Leave out the mark of a draft: the result has been approved."),
)
@click.option(
    "--unit",
    cls=Option,
    metavar="NAME",
    help=N_("Only what goes back to this unit; it names no other unit and no rater."),
)
@click.option(
    "--each-unit",
    cls=Option,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=N_("What goes back to each unit, one file a unit, into this folder."),
)
@click.option(
    "--audience",
    cls=Option,
    type=click.Choice(AUDIENCES),
    help=N_(
        "For whom it is, which decides what it shows, as the scheme declares: office by default, "
        "for one unit: unit. The notice always tells what the public is told."
    ),
)
@click.option(
    "--recipient",
    cls=Option,
    metavar="NAME",
    help=N_("Who gets this copy; it is named on every page, so that a leaked copy can be traced."),
)
@click.option(
    "--out",
    cls=Option,
    type=click.Path(path_type=Path),
    help=N_("The file to write; by default beside the result, named after the scheme."),
)
@encrypting(
    "--encrypt",
    N_("Encrypt what is written, xlsx or docx, so that it opens with a password alone."),
)
def report(
    scheme: str,
    result: Path,
    form: str,
    final: bool,
    unit: str | None,
    each_unit: Path | None,
    audience: str | None,
    recipient: str | None,
    out: Path | None,
    encrypt: bool,
) -> None:
    """Render a report."""
    if each_unit and (unit or out):
        raise click.UsageError(_("--each-unit does not go together with --unit or --out"))
    letters = unit is not None or each_unit is not None
    _refuse_together(form, audience, letters=letters, encrypt=encrypt)
    copy_of = _recipient(recipient)
    run = result_or_exit(result, scheme)
    if final and run.provisional:
        from wuhu_appraisal.findings import Source, finding

        where = Source(str(result))
        fail([finding("result-provisional", where, count=len(run.missing))])
    name = None if unit is None else unit_or_exit(run.scheme, unit)
    behind = "" if audience in (None, "office") else f"-{audience}"
    behind = behind if name is None else f"-{_named(name)}"
    place = out or result.parent / f"{run.scheme.id}{behind}.{form}"
    places = _places(run, each_unit, form) if each_unit else {"": place}
    _refuse_inputs(run, places.values())
    password = new_password(for_units=letters) if encrypt else None
    run = _edition(run, audience, copy_of, whole=letters or form == "docx")
    render = _letter(form) if letters else _renderer(form, scheme)
    render = partial(_encrypted(render, password) if password else render, final=final)
    if each_unit:
        _each(run, each_unit, places, render)
    else:
        write(place, render(run) if name is None else render(run, name))()
    if encrypt:
        say_plain_copies([*places.values()])


def _refuse_together(form: str, audience: str | None, *, letters: bool, encrypt: bool) -> None:
    """Usage errors for options that do not go together."""
    if letters and form not in LETTERS:
        raise click.UsageError(_("for one unit the format is one of: xlsx, docx"))
    if audience is not None and (audience == "unit") is not letters:
        raise click.UsageError(_("--audience unit and --unit or --each-unit go together"))
    if encrypt and form not in LETTERS:
        raise click.UsageError(_("only these formats can be encrypted: xlsx, docx"))


def _recipient(written: str | None) -> str:
    """The recipient as it is printed; a usage error for a name that is none or takes too much room."""
    from unicodedata import normalize

    from wuhu_appraisal.result import LONGEST_RECIPIENT

    name = normalize("NFC", " ".join((written or "").split()))
    if written is not None and not (_is_seen(name) and len(name) <= LONGEST_RECIPIENT):
        raise click.UsageError(
            _("--recipient is a name of 1 to {most} characters").format(most=LONGEST_RECIPIENT)
        )
    return name


def _is_seen(name: str) -> bool:
    """Whether each sign of a name is seen: two names that look alike name nobody."""
    from unicodedata import category

    from wuhu_appraisal.names import blank

    return bool(name) and all(
        sign.isprintable() and category(sign)[0] not in "CM" and not blank(sign)
        for sign in name.replace(" ", "")
    )


def _edition(run: "Result", audience: str | None, recipient: str, *, whole: bool) -> "Result":
    """The run as its readers are told it; ``whole`` where the renderer itself leaves out."""
    from dataclasses import replace

    from wuhu_appraisal.output.redact import redacted
    from wuhu_appraisal.result import Copy
    from wuhu_appraisal.scheme.audiences import Audience

    readers = Audience(audience or "office")
    if whole:
        return replace(run, copy=Copy(readers, recipient, run.id))
    told = redacted(run, readers, recipient)
    _say_withheld(told)
    return told


def _say_withheld(run: "Result") -> None:
    """On standard error, that a copy holds less than the office's own report."""
    from wuhu_appraisal.output import text as terminal

    found = [item for item in run.findings if item.code.endswith("-withheld")]
    logged.findings(found)
    if found:
        terminal.print_findings(terminal.console(sys.stderr), found)


def _encrypted(render: Renderer, password: str) -> Renderer:
    """What renders in memory and gives out only what is encrypted."""
    from wuhu_appraisal.encryption import encrypt

    def rendered(*args: Any, **named: Any) -> bytes:
        return encrypt(render(*args, **named), password)

    return rendered


def _renderer(form: str, scheme: str) -> Renderer:
    """What renders a whole result; only the one that is needed is imported."""
    if form == "xlsx":
        from wuhu_appraisal.output import workbook

        return workbook.render
    if form == "docx":
        from wuhu_appraisal.scheme.load import locate

        return partial(_notice, folder=locate(scheme))
    if form == "csv":
        from wuhu_appraisal.output.text import ranking_csv

        return ranking_csv
    if form == "json":
        from wuhu_appraisal import store

        return store.report
    from wuhu_appraisal.output.text import markdown_report

    return markdown_report


def _notice(run: "Result", *, final: bool, folder: Path) -> bytes:
    """The notice, made of the template in the scheme's folder if there is one."""
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.output import notice
    from wuhu_appraisal.output.docx import TemplateError

    own = folder / notice.TEMPLATE
    try:
        template = own.read_bytes() if own.is_file() else None
        return notice.render(run, final=final, template=template)
    except TemplateError as error:
        fail([finding("notice-template-wrong", Source(str(own)), problem=error)])
    except OSError as error:
        fail([finding("file-unreadable", Source(str(own)), problem=error.strerror or error)])


def _letter(form: str) -> Renderer:
    """What renders what goes back to one unit."""
    if form == "docx":
        from wuhu_appraisal.output.letters import letter_docx

        return letter_docx
    from wuhu_appraisal.output.letters import letter_xlsx

    return letter_xlsx


def _places(run: "Result", folder: Path, form: str) -> dict[str, Path]:
    """Where what goes back to each unit is written, by the unit."""
    several = len(run.standings) > 1
    places: dict[str, Path] = {}
    for group, found in run.standings.items():
        place = folder / _named(str(run.scheme.group(group).title)) if several else folder
        places |= {item.unit: place / f"{_named(item.unit)}.{form}" for item in found}
    return places


def _each(run: "Result", folder: Path, places: dict[str, Path], render: Renderer) -> None:
    """Write what goes back to each unit."""
    with locked(folder):
        for unit, place in progress(places.items(), len(places), _("Writing reports")):
            write(place, render(run, unit))
    click.echo(_("Written: {count} files in {path}").format(count=len(places), path=folder))


def _refuse_inputs(run: "Result", places: Iterable[Path]) -> None:
    """A finding and exit code 1 for a place of something that goes in, or of what is no file."""
    known = {source.sha256 for source in run.sources}
    for place in places:
        try:
            problem = _problem(place, known)
        except OSError as error:
            fail_to_write(place, error)
        if problem:
            fail_to_write(place, OSError(errno.EINVAL, problem, str(place)))


def _problem(place: Path, known: set[str]) -> str:
    """The message id of why nothing is written there; '' where something may be."""
    from wuhu_appraisal.workbooks.folder import DECISIONS, FROZEN, RESULTS, sha256

    if place.exists() and not place.is_file():
        return N_("a folder or a device stands in its place")
    about = (FROZEN, DECISIONS)
    real = Path(os.path.realpath(place))
    problem = N_("the stage files, or what was fixed or decided about them, stand there")
    if place.name in about or real.name in about:
        return problem
    if real.is_file() and sha256(real.read_bytes()) in known:
        return problem
    for folder in real.parents:
        if any((folder / name).exists() for name in about):
            return problem
        # The folder of a result is passed over when stage files are read.
        if any((folder / name).exists() for name in RESULTS):
            return ""
    return ""


def _named(text: str) -> str:
    """A name from a scheme as one part of a path."""
    from wuhu_appraisal.files import inner_path

    return inner_path(text.replace("/", "_").replace("\\", "_"), "").name
