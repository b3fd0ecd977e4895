"""The command that renders a result: a workbook, the notice, a table, what goes back to units."""

import errno
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import (
    encryption_options,
    result_options,
    scheme_option,
    since_options,
)
from wuhu_appraisal.cli.options import PATH, command, option
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.result import Result

FORMATS = ("xlsx", "docx", "csv", "json", "md")
LETTERS = ("xlsx", "docx")
AUDIENCES = ("office", "leading-group", "public", "unit")


@command(
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
        "  appraise report --unit 镜湖区 --since last-year/\n"
        "  appraise report --encrypt --ask-password"
    ),
)
@scheme_option
@result_options
@option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="xlsx",
    help=N_(
        "The kind of file: a workbook, the notice, the ranking as a table, all that is published "
        "as data, or a page of text. For one unit: xlsx or docx."
    ),
)
@option("--final", is_flag=True, help=N_("Leave out the draft mark: the result has been approved."))
@option(
    "--unit",
    metavar="NAME",
    help=N_("Only what goes back to this unit; it names no other unit and no rater."),
)
@option(
    "--each-unit",
    type=PATH,
    metavar="DIR",
    help=N_("What goes back to each unit, one file a unit, into this folder."),
)
@option(
    "--audience",
    type=click.Choice(AUDIENCES),
    help=N_(
        "For whom it is, which decides what it shows, as the scheme declares: office by default, "
        "for one unit: unit. The notice leaves the office and only shows what the public may see."
    ),
)
@option(
    "--recipient",
    metavar="NAME",
    help=N_("Who gets this copy; it is named on every page, so that a leaked copy can be traced."),
)
@option(
    "--since",
    type=PATH,
    help=N_(
        "For units: an older result, or a folder that holds one; a unit is told what its own change "
        "since then is made of."
    ),
)
@since_options
@option(
    "--out",
    type=PATH,
    help=N_("The file to write; by default beside the result, named after the scheme."),
)
@encryption_options(
    "--encrypt",
    N_("Encrypt the output (xlsx or docx), so that it opens only with a password."),
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
    since: Path | None,
    old_scheme: str | None,
    matches: Path | None,
    out: Path | None,
    encrypt: bool,
) -> None:
    """Render a report."""
    if each_unit and (unit or out):
        raise click.UsageError(_("--each-unit cannot be used with --unit or --out"))
    for_units = unit is not None or each_unit is not None
    if since is not None and not for_units:
        raise click.UsageError(_("--since must be used with --unit or --each-unit"))
    if since is None and (old_scheme or matches):
        raise click.UsageError(_("--old-scheme and --matches must be used with --since"))
    _check_usage(form, audience, for_units=for_units, encrypt=encrypt)
    holder = _recipient(recipient)
    loaded = inputs.result_or_exit(result, scheme)
    if final and loaded.provisional:
        from wuhu_appraisal.findings import Source, finding

        where = Source(str(result))
        options.fail([finding("result-provisional", where, count=len(loaded.missing))])
    name = None if unit is None else inputs.unit_or_exit(loaded.scheme, unit)
    suffix = "" if audience in (None, "office") else f"-{audience}"
    suffix = f"-{_file_name(name)}" if name else suffix
    path = out or result.parent / f"{loaded.scheme.id}{suffix}.{form}"
    paths = _unit_paths(loaded, each_unit, form) if each_unit else {"": path}
    check_paths(loaded, paths.values())
    password = inputs.new_password(for_units=for_units) if encrypt else None
    copy = _copy(loaded, audience, holder, whole=for_units or form == "docx")
    render = _renderer(form, scheme, for_units=for_units)
    if since is not None:
        compared = inputs.comparison_or_exit(since, old_scheme or scheme, loaded, matches)
        render = partial(render, since=compared)

    def content(*about: str) -> bytes:
        if form == "xlsx" and not for_units and password is None:
            return _workbook(render, copy, path, final=final)
        rendered = render(copy, *about, final=final)
        if password is None:
            return rendered
        from wuhu_appraisal.encryption import encrypt

        return encrypt(rendered, password)

    if each_unit:
        from wuhu_appraisal.files import locked

        with locked(each_unit):
            for key, place in options.progress(paths.items(), len(paths), _("Writing reports")):
                options.write(place, content(key))
        text = _("Written: {count} files in {path}")
        click.echo(text.format(count=len(paths), path=each_unit))
    else:
        click.echo(options.write(path, content() if name is None else content(name)))
    if encrypt:
        inputs.warn_of_plain_copies([*paths.values()])


def _check_usage(form: str, audience: str | None, *, for_units: bool, encrypt: bool) -> None:
    """Raise a usage error for options that do not go together."""
    if for_units and form not in LETTERS:
        raise click.UsageError(_("for one unit the format is one of: xlsx, docx"))
    if audience is not None and (audience == "unit") is not for_units:
        raise click.UsageError(_("--audience unit must be used with --unit or --each-unit"))
    if encrypt and form not in LETTERS:
        raise click.UsageError(_("only these formats can be encrypted: xlsx, docx"))


def _recipient(written: str | None) -> str:
    """Return the recipient as it is printed.

    A usage error for a name that is too long, or that has a character that nobody sees: two names
    that look alike name nobody.
    """
    from unicodedata import category, normalize

    from wuhu_appraisal.names import blank
    from wuhu_appraisal.result import LONGEST_RECIPIENT

    name = normalize("NFC", " ".join((written or "").split()))
    visible = all(
        char.isprintable() and category(char)[0] not in "CM" and not blank(char)
        for char in name.replace(" ", "")
    )
    if written is not None and not (name and visible and len(name) <= LONGEST_RECIPIENT):
        text = _("--recipient is a name of 1 to {most} characters")
        raise click.UsageError(text.format(most=LONGEST_RECIPIENT))
    return name


def _copy(result: "Result", audience: str | None, recipient: str, *, whole: bool) -> "Result":
    """Return the result as its audience may see it; ``whole`` where the renderer itself leaves out.

    What a copy holds less than the office's own report is printed on standard error.
    """
    from dataclasses import replace

    from wuhu_appraisal.output.redact import redacted
    from wuhu_appraisal.result import Copy
    from wuhu_appraisal.scheme.audiences import Audience

    readers = Audience(audience or "office")
    if whole:
        return replace(result, copy=Copy(readers, recipient, result.id))
    copy = redacted(result, readers, recipient)
    withheld = [item for item in copy.findings if item.code.endswith("-withheld")]
    if withheld:
        from wuhu_appraisal.cli.log import log_findings
        from wuhu_appraisal.output import text

        log_findings(withheld)
        text.print_findings(text.console(sys.stderr), withheld)
    return copy


def _renderer(form: str, scheme: str, *, for_units: bool) -> Callable[..., bytes]:
    """Return what renders a result, or what goes back to a unit; only what is needed is imported."""
    if for_units:
        from wuhu_appraisal.output import papers

        return papers.letter_docx if form == "docx" else papers.letter_xlsx
    if form == "xlsx":
        from wuhu_appraisal.output import workbook

        return workbook.render
    if form == "docx":
        from wuhu_appraisal.scheme.load import locate

        return partial(_notice, folder=locate(scheme))
    if form == "json":
        from wuhu_appraisal import store

        return store.report
    from wuhu_appraisal.output import text

    return text.ranking_csv if form == "csv" else text.markdown_report


def _workbook(render: Callable[..., bytes], copy: "Result", path: Path, *, final: bool) -> bytes:
    """Render a workbook whose rows go to the disk meanwhile; one to be encrypted never does."""
    from xlsxwriter.exceptions import FileCreateError

    from wuhu_appraisal.files import working_folder, write_errors

    with working_folder(path.parent) as folder, write_errors(path):
        try:
            return render(copy, final=final, folder=str(folder))
        except FileCreateError as error:
            raise error.args[0] from error


def _notice(result: "Result", *, final: bool, folder: Path) -> bytes:
    """Render the notice, from the template in the scheme's folder if there is one."""
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.output.papers import NOTICE_TEMPLATE, TemplateError, notice

    path = folder / NOTICE_TEMPLATE
    try:
        template = path.read_bytes() if path.is_file() else None
        return notice(result, final=final, template=template)
    except TemplateError as error:
        options.fail([finding("notice-template-wrong", Source(str(path)), problem=error)])
    except OSError as error:
        problem = error.strerror or error
        options.fail([finding("file-unreadable", Source(str(path)), problem=problem)])


def _unit_paths(result: "Result", folder: Path, form: str) -> dict[str, Path]:
    """Return where what goes back to each unit is written, by the unit."""
    paths: dict[str, Path] = {}
    for group, standings in result.standings.items():
        title = _file_name(str(result.scheme.group(group).title))
        place = folder / title if len(result.standings) > 1 else folder
        paths |= {item.unit: place / f"{_file_name(item.unit)}.{form}" for item in standings}
    return paths


def check_paths(result: "Result", paths: Iterable[Path]) -> None:
    """Raise WriteError for a path where an input stands, or something that is no file."""
    from wuhu_appraisal.files import write_errors

    hashes = {source.sha256 for source in result.sources}
    for path in paths:
        with write_errors(path):
            problem = _problem(path, hashes)
            if problem:
                raise OSError(errno.EINVAL, problem)


def _problem(path: Path, hashes: set[str]) -> str:
    """Return the message id of why nothing may be written to a path; '' where it may be."""
    from wuhu_appraisal.workbooks.folder import DECISIONS, FROZEN, RESULTS, sha256

    if path.exists() and not path.is_file():
        return N_("there is a folder or a device in its place")
    beside = (FROZEN, DECISIONS)
    real = Path(os.path.realpath(path))
    occupied = path.name in beside or real.name in beside
    occupied = occupied or (real.is_file() and sha256(real.read_bytes()) in hashes)
    # The folder of a result is passed over when stage files are read.
    marks = (*beside, *RESULTS)
    folder = next((item for item in real.parents if _has(item, marks)), None)
    occupied = occupied or (folder is not None and _has(folder, beside))
    return (
        N_("the stage files, or the record or decisions about them, are there") if occupied else ""
    )


def _has(folder: Path, names: Iterable[str]) -> bool:
    return any((folder / name).exists() for name in names)


def _file_name(text: str) -> str:
    """Return a name from a scheme as one part of a path."""
    from wuhu_appraisal.files import inner_path

    return inner_path(text.replace("/", "_").replace("\\", "_"), "").name
