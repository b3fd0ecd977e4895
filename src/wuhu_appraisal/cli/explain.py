"""Why a unit has the score that it has."""

import sys
from pathlib import Path

import click

from wuhu_appraisal.cli.frame import Command, Count, Option, fail, result_or_exit, shared
from wuhu_appraisal.i18n import N_


@click.command(
    cls=Command,
    help=N_(
        "Say how a unit's final score came to be, from the stages down to the cells.\n\n"
        "\b\nExamples:\n"
        "  appraise explain 镜湖区\n"
        "  appraise explain 市发改委 --depth 3"
    ),
)
@click.argument("unit")
@shared("scheme", "result")
@click.option(
    "--depth",
    cls=Option,
    type=Count(),
    default=2,
    show_default=True,
    help=N_("How many steps below each stage to show."),
)
def explain(unit: str, scheme: str, result: Path, depth: int) -> None:
    """Explain a score."""
    from wuhu_appraisal.findings import finding
    from wuhu_appraisal.report import terminal
    from wuhu_appraisal.report.explain import explain as tree
    from wuhu_appraisal.report.view import banner

    run = result_or_exit(result, scheme)
    names = run.scheme.unit_names()
    name = names.match(unit)
    if name is None:
        fail([finding("unit-unknown", name=unit, suggestion=names.suggest(unit))])
    console = terminal.console(sys.stdout)
    for line in banner(run):
        console.print(terminal.seen(line), markup=False)
    terminal.print_tree(console, tree(run, name, depth))
