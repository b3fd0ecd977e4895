"""Why a unit has the score that it has."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli.frame import (
    Command,
    Count,
    Option,
    fail,
    print_json,
    result_or_exit,
    shared,
    unit_or_exit,
)
from wuhu_appraisal.cli.naming import ids_of
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.output.explain import Node
    from wuhu_appraisal.result import Result


@click.command(
    cls=Command,
    help=N_(
        "Say how a unit's final score came to be, from the stages down to the cells, or what makes "
        "the difference between two units' finals.\n\n"
        "\b\nExamples:\n"
        "  appraise explain 镜湖区\n"
        "  appraise explain 市发改委 --depth 3\n"
        "  appraise explain 镜湖区 --stage professional\n"
        "  appraise explain 镜湖区 --against 弋江区"
    ),
)
@click.argument("unit")
@shared("scheme", "result", "json")
@click.option(
    "--stage", cls=Option, metavar="STAGE", help=N_("Show this stage alone: its id or its title.")
)
@click.option(
    "--against",
    "other",
    cls=Option,
    metavar="UNIT",
    help=N_("Show what makes the difference to this unit's final."),
)
@click.option(
    "--depth",
    cls=Option,
    type=Count(),
    help=N_("How many steps below each stage to show: 2, and with --stage or --against all."),
)
@click.option(
    "--format",
    "form",
    cls=Option,
    type=click.Choice(["text", "md"]),
    default="text",
    show_default=True,
    help=N_("How to print it: as text or as Markdown."),
)
def explain(
    unit: str,
    scheme: str,
    result: Path,
    stage: str | None,
    other: str | None,
    depth: int | None,
    form: str,
    as_json: bool,
) -> None:
    """Explain a score."""
    from wuhu_appraisal.output import explain as explained

    if stage is not None and other is not None:
        raise click.UsageError(_("--stage and --against do not go together"))
    run = result_or_exit(result, scheme)
    name = unit_or_exit(run.scheme, unit)
    if depth is None:
        depth = 2 if stage is None and other is None else explained.ALL_THE_WAY
    if other is None:
        tree = explained.explain(run, name, depth, None if stage is None else _stage(run, stage))
    else:
        tree = _against(run, name, unit_or_exit(run.scheme, other), depth)
    _print(run, name, tree, "json" if as_json else form)


def _stage(run: "Result", written: str) -> str:
    """The id of the stage that an id or a title stands for: the first where several share it."""
    return ids_of({stage.id: stage.title for stage in run.scheme.stages}, written)[0]


def _against(run: "Result", unit: str, other: str, depth: int) -> "Node":
    """The comparison of two units; a finding if they cannot be compared."""
    from wuhu_appraisal.findings import finding
    from wuhu_appraisal.output.compare import compare
    from wuhu_appraisal.output.explain import standing_of

    if unit == other:
        fail([finding("comparison-itself", unit=unit)])
    without = [name for name in (unit, other) if standing_of(run, name)[1].final is None]
    if without:
        fail([finding("comparison-no-final", unit=name) for name in without])
    return compare(run, unit, other, depth)


def _print(run: "Result", unit: str, tree: "Node", form: str) -> None:
    from wuhu_appraisal.output import text as terminal
    from wuhu_appraisal.output.explain import data
    from wuhu_appraisal.output.tables import banner
    from wuhu_appraisal.output.text import markdown_tree

    lines = banner(run)
    if form == "json":
        about = {"unit": unit, "provisional": run.provisional, "banner": lines}
        print_json({**about, "tree": data(tree)})
    elif form == "md":
        click.echo(markdown_tree(tree, lines), nl=False)
    else:
        console = terminal.console(sys.stdout)
        for line in lines:
            console.print(terminal.printable(line), markup=False, style="bold red")
        terminal.print_tree(console, tree)
