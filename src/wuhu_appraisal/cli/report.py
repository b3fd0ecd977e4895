"""What a result is used for: the reports that are made of it."""

from pathlib import Path

import click

from wuhu_appraisal.cli.frame import Command, Option, result_or_exit, shared, write
from wuhu_appraisal.i18n import N_


@click.command(
    cls=Command,
    help=N_(
        "Render the result of 'compute' as a ranked workbook.\n\n"
        "\b\nExamples:\n"
        "  appraise report --format xlsx\n"
        "  appraise report --result results/appraisal.json --out ranking.xlsx"
    ),
)
@shared("scheme", "result")
@click.option(
    "--format",
    "form",
    cls=Option,
    type=click.Choice(["xlsx"]),
    default="xlsx",
    show_default=True,
    help=N_("The kind of file to write."),
)
@click.option(
    "--out",
    cls=Option,
    type=click.Path(path_type=Path),
    help=N_("The file to write; by default beside the result, named after the scheme."),
)
def report(scheme: str, result: Path, form: str, out: Path | None) -> None:
    """Render a report."""
    from wuhu_appraisal.report import workbook

    run = result_or_exit(result, scheme)
    write(out or result.parent / f"{run.scheme.id}.{form}", workbook.render(run, final=False))()
