"""The command that computes a result again and compares."""

import gc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import reading_options, scheme_option, since_options
from wuhu_appraisal.cli.options import PATH, argument, command, option
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.result import Result
    from wuhu_appraisal.scheme.load import LoadedScheme
    from wuhu_appraisal.verify import Comparison, Since

_MOST_DIFFERENCES = 50


@command(
    help=N_(
        "Compute a result again from the stage files and compare everything, to the last digit: "
        "files, scores, steps, finals, ranks, findings. A workbook is either the original, byte "
        "for byte, or every cell's value and formula is compared, and what is hidden. Other "
        "reports (docx, csv, md, json) cannot be verified.\n\n"
        "The result says where its files are. A file is known by its content first, by its name "
        "second; one that is not read makes no difference.\n\n"
        "\b\nExamples:\n"
        "  appraise verify\n"
        "  appraise verify results/ranking.xlsx --files stage-files/\n"
        "  appraise verify copy.xlsx --result results/appraisal.json\n\n"
        "Exit codes: 0 all agrees, 1 anything differs or cannot be verified."
    ),
)
@argument("target", required=False, type=PATH)
@scheme_option
@reading_options
@option(
    "--result",
    "result_path",
    type=PATH,
    metavar="PATH",
    help=N_(
        "For a workbook: the result that it was made of; else the one beside it, or that in the "
        "folder results."
    ),
)
@option(
    "--files",
    multiple=True,
    type=PATH,
    metavar="PATH",
    help=N_("The stage files; else those that the result names, else the folder stage-files."),
)
@option(
    "--without-decisions",
    is_flag=True,
    help=N_("Ignore decisions.yaml: for a result that was made before the decisions."),
)
@option(
    "--since",
    type=PATH,
    help=N_("The older result that a letter to a unit was made with, or its folder."),
)
@since_options
def verify(
    target: Path | None,
    scheme: str,
    result_path: Path | None,
    files: tuple[Path, ...],
    without_decisions: bool,
    since: Path | None,
    old_scheme: str | None,
    matches: Path | None,
    read_options: "ReadOptions",
) -> None:
    """Verify."""
    # Cells and tables hold no cycles; the collector would walk millions of them for nothing.
    gc.disable()
    from dataclasses import replace

    from wuhu_appraisal.appraisal import read_with_decisions, run_of
    from wuhu_appraisal.verify import recorded_inputs, recorded_names, renamed

    path = target or result_path
    path = path or inputs.default_result_or_exit(options.RESULTS / "appraisal.json")
    content = _content_or_exit(path, read_options.password)
    is_workbook = content.startswith(b"PK")
    if result_path is not None and path != result_path and not is_workbook:
        raise click.UsageError(_("--result must be used with a workbook"))
    record: tuple[Path, bytes] | None = path, content
    made_of_record = True
    if is_workbook:
        record, made_of_record = _result_of(path, content, result_path, read_options.password)
    recorded, sources = recorded_inputs(record[1]) if record else ([], [])
    folders = files or _files_or_exit(record[0].parent if record else Path(), recorded)
    loaded = inputs.scheme_or_exit(scheme)
    names = recorded_names(folders, sources) if made_of_record else {}
    read_options = replace(read_options, decisions=not without_decisions, names=names)
    again = run_of(loaded, *read_with_decisions(loaded, folders, read_options))
    before = (since, old_scheme or scheme) if since else None
    change = before and (lambda new: inputs.comparison_or_exit(*before, new, matches))
    compared = _compared(path, content, record if made_of_record else None, loaded, again, change)
    compared = replace(compared, findings=[*compared.findings, *renamed(names)])
    options.logger().info(
        N_("Computed again and compared: %(file)s (differing: %(findings)s)"),
        {"file": path, "findings": len(compared.findings)},
        extra={"event": "verify.compared"},
    )
    click.echo(_("Files: {paths}").format(paths=", ".join(map(str, folders))))
    _print_comparison(compared, decisions=read_options.decisions)
    options.exit_on_errors(compared.findings)
    text = _("Everything agrees: the files lead to what {path} says.")
    if is_workbook and compared.original:
        text = _("{path} is the original: byte for byte the workbook that the files lead to.")
    elif is_workbook:
        text = _(
            "Every cell of {path} agrees. The file was saved again by another program: its look "
            "(formats, colours, charts) is not vouched for."
        )
    click.echo(text.format(path=path))


def _content_or_exit(path: Path, password: str | None) -> bytes:
    """Return a file's content in the clear; exit where it is neither a result nor a workbook."""
    from wuhu_appraisal.encryption import decrypt, is_sealed, unseal
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.verify import other_kind

    content = inputs.content_or_exit(path)
    open_content = unseal if is_sealed(content) else decrypt
    content, refused = open_content(str(path), content, password)
    options.fail_if_any([refused] if refused is not None else [])
    kind = other_kind(content, path.name)
    if kind:
        options.fail([finding("verify-other-kind", Source(str(path)), kind_word=kind)])
    return content


def _result_of(
    path: Path, content: bytes, given: Path | None, password: str | None
) -> tuple[tuple[Path, bytes] | None, bool]:
    """Return the result of a workbook with its path, and whether the workbook was made of it.

    It is the one that is given, or one that stands where results stand and can be opened.
    """
    from wuhu_appraisal.encryption import NAME, is_sealed, unseal
    from wuhu_appraisal.verify import is_made_of

    if given is not None:
        return (given, _content_or_exit(given, password)), True
    nearest = None
    for folder in (path.parent, options.RESULTS):
        for place in (folder / "appraisal.json", folder / NAME):
            try:
                result = place.read_bytes()
            except OSError:
                continue
            if is_sealed(result):
                result, refused = unseal(str(place), result, password)
                if refused is not None:
                    continue
            if is_made_of(content, result):
                return (place, result), True
            nearest = nearest or (place, result)
    return nearest, False


def _files_or_exit(folder: Path, recorded: Sequence[str]) -> list[Path]:
    """Return the files that a result in a folder names, else the folder that is usual."""
    from wuhu_appraisal.findings import Source, finding

    places = [Path(os.path.normpath(folder / place)) for place in recorded]
    if any(map(os.path.lexists, places)):
        return places
    if not options.STAGE_FILES.is_dir():
        missing = places or [options.STAGE_FILES]
        options.fail([finding("verify-no-files", Source(str(place))) for place in missing])
    return [options.STAGE_FILES]


def _compared(
    path: Path,
    content: bytes,
    record: tuple[Path, bytes] | None,
    loaded: "LoadedScheme",
    again: "Result",
    since: "Since | None",
) -> "Comparison":
    """Compare a result with the one computed again, and a workbook with the result that it is of.

    A workbook without ``record`` is compared with the result computed again itself.
    """
    from dataclasses import replace

    from wuhu_appraisal import store
    from wuhu_appraisal.findings import has_errors
    from wuhu_appraisal.verify import compare_result, compare_workbook

    if record is None:
        return compare_workbook(content, again, str(path), since)
    name = str(record[0])
    compared = compare_result(record[1], again, name)
    if record[1] is content:
        return compared
    result, _findings = store.load(record[1], loaded, name)
    if result is None and has_errors(compared.findings):
        # What is wrong with the result is known, and all of the workbook would differ with it.
        return compared
    book = compare_workbook(content, result or again, str(path), since)
    findings = [*compared.findings, *book.findings]
    counts = {**compared.counts, **book.counts}
    return replace(book, findings=findings, counts=counts, versions=compared.versions)


def _print_comparison(compared: "Comparison", *, decisions: bool) -> None:
    """Print what was compared, by which versions, and what differs."""
    from wuhu_appraisal.output.tables import Column, Table
    from wuhu_appraisal.output.text import printable
    from wuhu_appraisal.verify import PROGRAM

    columns = (
        Column(_("Compared")),
        Column(_("Number"), "count"),
        Column(_("Differing"), "count"),
    )
    rows = [(_(kind), count, wrong) for kind, (count, wrong) in compared.counts.items()]
    if rows:
        options.print_table(
            Table(_("Verification"), _("Computed again and compared"), columns, rows)
        )
    if not decisions:
        click.echo(_("Computed again without decisions.yaml."))
    text = _("The result was made with {name} {was}, this is {now}.")
    for name, (was, now) in compared.versions.items():
        click.echo(printable(text.format(name=name, was=was, now=now)))
    if PROGRAM in compared.versions:
        click.echo(_("Sentences of findings were not compared: each version has its own."))
    if compared.versions and compared.numbers_differ:
        click.echo(_("Numbers differ: verify with those versions to tell whether they are why."))
    elif compared.versions:
        click.echo(_("The other versions changed no number."))
    options.print_findings(compared.findings[:_MOST_DIFFERENCES])
    more = len(compared.findings) - _MOST_DIFFERENCES
    if more > 0:
        click.echo(_("and {count} more differences").format(count=more))
