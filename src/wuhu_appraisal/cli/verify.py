"""The command that computes a result again and compares."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import reading_options, scheme_option
from wuhu_appraisal.cli.options import PATH, command, option
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.verify import Comparison

_MOST_DIFFERENCES = 50


@command(
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
@click.argument("target", required=False, type=PATH)
@scheme_option
@reading_options
@option(
    "--files",
    multiple=True,
    type=PATH,
    metavar="PATH",
    help=N_("The stage files, as 'compute' was given them; else the folder stage-files."),
)
@option(
    "--without-decisions",
    is_flag=True,
    help=N_("Ignore decisions.yaml: for a result that was made before the decisions."),
)
def verify(
    target: Path | None,
    scheme: str,
    files: tuple[Path, ...],
    without_decisions: bool,
    read_options: "ReadOptions",
) -> None:
    """Verify."""
    # Cells and tables hold no cycles; the collector would walk millions of them for nothing.
    gc.disable()
    from dataclasses import replace

    from wuhu_appraisal.appraisal import read_with_decisions, run_of
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.verify import compare_result, compare_workbook

    path = target or inputs.default_result_or_exit(options.RESULTS / "appraisal.json")
    content = _decrypted_or_exit(path, inputs.content_or_exit(path), read_options.password)
    if not files and not options.STAGE_FILES.is_dir():
        options.fail([finding("verify-no-files", Source(str(options.STAGE_FILES)))])
    loaded = inputs.scheme_or_exit(scheme)
    read_options = replace(read_options, decisions=not without_decisions)
    files = files or (options.STAGE_FILES,)
    result = run_of(loaded, *read_with_decisions(loaded, files, read_options))
    is_workbook = content.startswith(b"PK")
    compare = compare_workbook if is_workbook else compare_result
    compared = compare(content, result, str(path))
    options.logger().info(
        N_("Computed again and compared: %(file)s (differing: %(findings)s)"),
        {"file": path, "findings": len(compared.findings)},
        extra={"event": "verify.compared"},
    )
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


def _decrypted_or_exit(path: Path, content: bytes, password: str | None) -> bytes:
    """Return the content in the clear."""
    from wuhu_appraisal.encryption import decrypt, is_sealed, unseal

    open_content = unseal if is_sealed(content) else decrypt
    content, refused = open_content(str(path), content, password)
    options.fail_if_any([refused] if refused is not None else [])
    return content


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
