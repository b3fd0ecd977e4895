"""The command that compares the raters of a result."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import result_options, scheme_option
from wuhu_appraisal.cli.options import PATH, Count, argument, command, json_option, option
from wuhu_appraisal.cli.report import AUDIENCES, check_paths
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.analysis.raters import Ballots
    from wuhu_appraisal.analysis.reciprocity import Reciprocity
    from wuhu_appraisal.output.tables import Table
    from wuhu_appraisal.result import Result


@command(
    help=N_(
        "Compare the raters of each stage: who scores high or low, how far they agree, and whether "
        "units that rate each other return the scores they are given. No score is changed.\n\n"
        "\b\nExamples:\n"
        "  appraise raters\n"
        "  appraise raters results/appraisal.json --json\n"
        "  appraise raters --out raters.xlsx"
    ),
)
@argument("target", metavar="[RESULT]", required=False, type=PATH)
@scheme_option
@result_options
@json_option
@option(
    "--audience",
    type=click.Choice(AUDIENCES),
    default="office",
    help=N_("For whom it is: one who may see the raters' scores. Mutual scores are the office's."),
)
@option(
    "--name-pairs",
    is_flag=True,
    help=N_("List the pairs of units that gave each other high scores, to be checked."),
)
@option("--seed", type=Count(), help=N_("Where the permutations begin; a fixed number by default."))
@option("--out", type=PATH, metavar="FILE", help=N_("Write the tables to this workbook (.xlsx)."))
def raters(
    target: Path | None,
    scheme: str,
    result: Path,
    audience: str,
    name_pairs: bool,
    seed: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare the raters."""
    from wuhu_appraisal.analysis.raters import ballots
    from wuhu_appraisal.analysis.reciprocity import SEED, reciprocities
    from wuhu_appraisal.findings import finding
    from wuhu_appraisal.output import raters_tables
    from wuhu_appraisal.output.redact import redacted
    from wuhu_appraisal.scheme.audiences import AUDIENCE_NAMES, Audience, Detail

    loaded = inputs.result_or_exit(target or result, scheme, named=target is not None)
    readers = Audience(audience)
    copy = redacted(loaded, readers)
    if Detail.RATERS not in copy.copy.shows:
        options.fail([finding("raters-withheld", audience_word=AUDIENCE_NAMES[readers])])
    panels = [*ballots(copy)]
    mutual = None
    if readers is Audience.OFFICE:
        mutual = [*reciprocities(panels, SEED if seed is None else seed)]
    tables = [it for scores in panels for it in raters_tables.panel_tables(copy.scheme, scores)]
    for item in mutual or ():
        tables += raters_tables.reciprocity_tables(copy.scheme, item, name_pairs=name_pairs)
    written = ""
    if out is not None:
        check_paths(loaded, [out])
        written = options.write(out, _workbook(copy, tables))
    if as_json:
        _print_json(copy, panels, mutual, name_pairs=name_pairs)
        return
    _print(copy, tables)
    if panels and mutual is None:
        click.echo(_("Whether units return the scores they are given is for the office alone."))
    if written:
        click.echo(written)


def _print_json(
    result: "Result",
    panels: "list[Ballots]",
    mutual: "list[Reciprocity] | None",
    *,
    name_pairs: bool,
) -> None:
    from wuhu_appraisal.output.raters_tables import panel_data, reciprocity_data
    from wuhu_appraisal.output.tables import banner

    data: dict[str, Any] = {"provisional": result.provisional, "banner": banner(result)}
    data["panels"] = [panel_data(result.scheme, scores) for scores in panels]
    data["mutual"] = None
    if mutual is not None:
        data["mutual"] = [reciprocity_data(item, name_pairs=name_pairs) for item in mutual]
    options.print_json(data)


def _print(result: "Result", tables: "list[Table]") -> None:
    from wuhu_appraisal.output import text
    from wuhu_appraisal.output.tables import banner

    out = options.console()
    for line in banner(result):
        out.print(text.printable(line), markup=False, style="bold red")
    for table in tables:
        options.print_table(table)
        out.print()
    if not tables:
        out.print(_("No stage of this scheme has raters."), markup=False)


def _workbook(result: "Result", tables: "list[Table]") -> bytes:
    from wuhu_appraisal.output.workbook.book import Book

    book = Book(result, final=not result.provisional, title=_("Raters"))
    for table in tables:
        book.add_table(table)
    return book.save()
