"""The command that says what changed between two results."""

from pathlib import Path

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import password_options, scheme_option, since_options
from wuhu_appraisal.cli.options import PATH, argument, command, json_option, option
from wuhu_appraisal.cli.report import check_paths
from wuhu_appraisal.language import N_, _

AUDIENCES = ("office", "leading-group", "public")


@command(
    help=N_(
        "Compare two results, of two years or before and after a decision: what the change of each "
        "unit's final is made of, exactly, and what changed in the scheme.\n\n"
        "OLD and NEW are results of 'compute', or folders that hold one.\n\n"
        "\b\nExamples:\n"
        "  appraise compare last-year/ results/ --scheme scheme/ --old-scheme last-year/scheme/\n"
        "  appraise compare draft/ results/ --unit 镜湖区\n"
        "  appraise compare last-year/ results/ --matches matches.yaml --out change.xlsx"
    ),
)
@argument("old", type=PATH)
@argument("new", type=PATH)
@scheme_option
@since_options
@password_options
@option("--unit", metavar="NAME", help=N_("Only this unit, each part by its stage."))
@option(
    "--audience",
    type=click.Choice(AUDIENCES),
    default="office",
    help=N_("For whom it is, which decides what it shows, as the schemes declare."),
)
@option("--out", type=PATH, help=N_("Also write the tables to this workbook (.xlsx)."))
@json_option
def compare(
    old: Path,
    new: Path,
    scheme: str,
    old_scheme: str | None,
    matches: Path | None,
    unit: str | None,
    audience: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare two results."""
    from wuhu_appraisal.output import compare_tables as output
    from wuhu_appraisal.output.workbook.book import tables_book
    from wuhu_appraisal.scheme.audiences import Audience

    result = inputs.result_or_exit(inputs.result_in_or_exit(new), scheme)
    name = None if unit is None else inputs.unit_or_exit(result.scheme, unit)
    whole = inputs.comparison_or_exit(old, old_scheme or scheme, result, matches)
    shown = output.seen(whole, Audience(audience))
    if name is not None:
        shown = output.only(shown, name)
        if not shown.changes:
            from wuhu_appraisal.findings import finding

            options.fail([finding("unit-not-in-both", unit=name)])
    made = output.tables(shown) if name is None else [output.unit_table(shown, name)]
    if as_json:
        options.print_json(output.data(shown))
    else:
        for table in made:
            options.print_table(table)
    if out is not None:
        check_paths(result, [out])
        title = _("What changed: {scheme}").format(scheme=shown.new.scheme.title)
        content = tables_book(shown.new, title, made, final=False)
        click.echo(options.write(out, content), err=as_json)
