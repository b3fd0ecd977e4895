"""Showing that a result or a workbook is what it says."""

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.frame import (
    RESULTS,
    Command,
    Option,
    exit_on_errors,
    fail,
    print_findings,
    print_sheet,
    scheme_or_exit,
    shared,
    standing,
)
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.output.tables import Table
    from wuhu_appraisal.verify import Comparison

STAGE_FILES = Path("stage-files")
_SHOWN = 50


@click.command(
    cls=Command,
    help=N_(
        "Compute a result again from the stage files and compare everything, to the last digit: "
        "files, scores, steps, finals, ranks, findings. A workbook is either the original, byte "
        "for byte, or every cell's value and formula is compared, and what is hidden.\n\n"
        "\b\nExamples:\n"
        "  appraise verify\n"
        "  appraise verify results/ranking.xlsx --files stage-files/\n\n"
        "Exit codes: 0 all agrees, 1 anything differs."
    ),
)
@click.argument("target", required=False, type=click.Path(path_type=Path))
@shared("scheme", "reading")
@click.option(
    "--files",
    cls=Option,
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help=N_("The stage files, as 'compute' was given them; else the folder stage-files."),
)
@click.option(
    "--without-decisions",
    cls=Option,
    is_flag=True,
    help=N_("Leave decisions.yaml aside: for a result that was made before anything was decided."),
)
def verify(
    target: Path | None,
    scheme: str,
    files: tuple[Path, ...],
    without_decisions: bool,
    options: "ReadOptions",
) -> None:
    """Verify."""
    from dataclasses import replace

    path = target or standing(RESULTS / "appraisal.json")
    content = _read(path)
    logged.read(path, content)
    options = replace(options, decisions=not without_decisions)
    _compute_again(path, content, scheme, files, options)


def _read(path: Path) -> bytes:
    from wuhu_appraisal.findings import Source, finding

    try:
        return path.read_bytes()
    except FileNotFoundError:
        fail([finding("result-not-found", Source(str(path)))])
    except OSError as error:
        fail([finding("file-unreadable", Source(str(path)), problem=error.strerror)])


def _compute_again(
    path: Path, content: bytes, scheme: str, files: Sequence[Path], options: "ReadOptions"
) -> None:
    """Compute, compare, say what differs."""
    # Cells and tables hold no cycles; the collector would walk millions of them for nothing.
    gc.disable()
    from wuhu_appraisal.appraisal import appraise
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.verify import compare_result, compare_workbook

    if not files and not STAGE_FILES.is_dir():
        fail([finding("verify-no-files", Source(str(STAGE_FILES)))])
    loaded = scheme_or_exit(scheme)
    content = _opened(path, content, options.password)
    result = appraise(loaded, files or [STAGE_FILES], options)
    is_workbook = content.startswith(b"PK")
    compare = compare_workbook if is_workbook else compare_result
    compared = compare(content, result, str(path))
    logged.log("verify.compared", file=path, findings=len(compared.findings))
    if compared.counts:
        print_sheet(_compared(compared))
    if not options.decisions:
        click.echo(_("Computed again without decisions.yaml."))
    if compared.versions:
        _say_versions(compared)
    print_findings(compared.findings[:_SHOWN], as_json=False)
    if len(compared.findings) > _SHOWN:
        count = len(compared.findings) - _SHOWN
        click.echo(_("and {count} more differences").format(count=count))
    exit_on_errors(compared.findings)
    text = _("All agrees: what {path} says comes out of the files again.")
    if is_workbook and compared.original:
        text = _("{path} is the original: byte for byte the workbook that the files lead to.")
    elif is_workbook:
        text = _(
            "Every cell of {path} agrees. The file was saved again by another program: its look "
            "(formats, colours, charts) is not vouched for."
        )
    click.echo(text.format(path=path))


def _opened(path: Path, content: bytes, password: str | None) -> bytes:
    """The content in the clear; a finding and exit code 1 where the password does not open it."""
    from wuhu_appraisal.encryption import decrypt, is_sealed, unseal

    if is_sealed(content):
        content, refused = unseal(str(path), content, password)
    else:
        content, refused = decrypt(str(path), content, password)
    if refused is not None:
        fail([refused])
    return content


def _compared(compared: "Comparison") -> "Table":
    """How many things of each kind were compared, and how many of them differ."""
    from wuhu_appraisal.output.tables import Column, Table

    rows = [(_(kind), count, wrong) for kind, (count, wrong) in compared.counts.items()]
    columns = (
        Column(_("Compared")),
        Column(_("Number"), "count"),
        Column(_("Differing"), "count"),
    )
    return Table(_("Verification"), _("Computed again and compared"), columns, rows)


def _say_versions(compared: "Comparison") -> None:
    """What other versions made the result, and whether any number is another one."""
    from wuhu_appraisal.output import text as terminal
    from wuhu_appraisal.verify import PROGRAM

    text = _("The result was made with {name} {was}, this is {now}.")
    for name, (was, now) in compared.versions.items():
        click.echo(terminal.printable(text.format(name=name, was=was, now=now)))
    if PROGRAM in compared.versions:
        click.echo(_("Sentences of findings were not compared: each version has its own."))
    if compared.numbers_differ:
        click.echo(_("Numbers differ: verify with those versions to tell whether they are why."))
    else:
        click.echo(_("The other versions changed no number."))
