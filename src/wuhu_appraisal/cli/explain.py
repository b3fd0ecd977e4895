"""The command that says why a unit has the score that it has."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import result_options, scheme_option
from wuhu_appraisal.cli.options import Count, argument, command, json_option, option
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.output.tables import Node
    from wuhu_appraisal.result import Result


@command(
    help=N_(
        "Explain a unit's final score, from the stages down to the cells, or the difference "
        "between the final scores of two units.\n\n"
        "\b\nExamples:\n"
        "  appraise explain 镜湖区\n"
        "  appraise explain 市发改委 --depth 3\n"
        "  appraise explain 镜湖区 --stage professional\n"
        "  appraise explain 镜湖区 --against 弋江区"
    ),
)
@argument("unit")
@scheme_option
@result_options
@json_option
@option("--stage", metavar="STAGE", help=N_("Show only this stage, given by its id or title."))
@option(
    "--against",
    "other",
    metavar="UNIT",
    help=N_("Explain the difference to the final score of this unit."),
)
@option(
    "--depth",
    type=Count(),
    help=N_(
        "How many steps to show below each stage; the default is 2, with --stage or --against all."
    ),
)
@option(
    "--format",
    "form",
    type=click.Choice(["text", "md"]),
    default="text",
    help=N_("Print text or Markdown."),
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
    from wuhu_appraisal.output import explain as output

    if stage is not None and other is not None:
        raise click.UsageError(_("--stage and --against cannot be used together"))
    loaded = inputs.result_or_exit(result, scheme)
    name = inputs.unit_or_exit(loaded.scheme, unit)
    if depth is None:
        depth = 2 if stage is None and other is None else output.ALL_THE_WAY
    if other is not None:
        tree = _compare(loaded, name, inputs.unit_or_exit(loaded.scheme, other), depth)
    elif stage is not None:
        # Of several stages that share a title the first is shown.
        titles = {item.id: item.title for item in loaded.scheme.stages}
        tree = output.explain(loaded, name, depth, inputs.stages_or_exit(titles, stage)[0])
    else:
        tree = output.explain(loaded, name, depth)
    _print(loaded, name, tree, "json" if as_json else form)


def _compare(result: "Result", unit: str, other: str, depth: int) -> "Node":
    """Return the comparison of two units, or options.fail where they cannot be compared."""
    from wuhu_appraisal.findings import finding
    from wuhu_appraisal.output.compare import compare

    if unit == other:
        options.fail([finding("comparison-itself", unit=unit)])
    unscored = [name for name in (unit, other) if result.standing_of(name)[1].final is None]
    options.fail_if_any([finding("comparison-no-final", unit=name) for name in unscored])
    return compare(result, unit, other, depth)


def _print(result: "Result", unit: str, tree: "Node", form: str) -> None:
    from wuhu_appraisal.output import text
    from wuhu_appraisal.output.tables import banner, node_data

    lines = banner(result)
    if form == "json":
        about = {"unit": unit, "provisional": result.provisional, "banner": lines}
        options.print_json({**about, "tree": node_data(tree)})
    elif form == "md":
        click.echo(text.markdown_tree(tree, lines), nl=False)
    else:
        out = options.console()
        for line in lines:
            out.print(text.printable(line), markup=False, style="bold red")
        text.print_tree(out, tree)
