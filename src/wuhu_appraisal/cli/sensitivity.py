"""The command that says what a ranking rests on."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import result_options, scheme_option
from wuhu_appraisal.cli.options import PATH, Count, argument, command, json_option, option
from wuhu_appraisal.cli.report import AUDIENCES, check_paths
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.result import Result


@command(
    help=N_(
        "Say what the ranking rests on: how near units are to each other, which weights would turn "
        "them round, and whose rank hangs on one rater, one round or one assumption. No score is "
        "changed.\n\n"
        "\b\nExamples:\n"
        "  appraise sensitivity\n"
        "  appraise sensitivity --page --audience leading-group\n"
        "  appraise sensitivity results/appraisal.json --json\n"
        "  appraise sensitivity --out sensitivity.xlsx"
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
    help=N_("For whom it is: one who may see the units' scores."),
)
@option("--page", is_flag=True, help=N_("Show only which ranks are firm, and what others hang on."))
@option(
    "--seed", type=Count(), help=N_("Where the drawn weights begin; a fixed number by default.")
)
@option("--out", type=PATH, metavar="FILE", help=N_("Write the tables to this workbook (.xlsx)."))
def sensitivity(
    target: Path | None,
    scheme: str,
    result: Path,
    audience: str,
    page: bool,
    seed: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say what the ranking rests on."""
    from wuhu_appraisal.analysis.sensitivity import SEED, Sensitivity
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.output import sensitivity_tables as output
    from wuhu_appraisal.output.redact import redacted
    from wuhu_appraisal.output.workbook.book import tables_book
    from wuhu_appraisal.scheme.audiences import AUDIENCE_NAMES, Audience, Detail

    path = target or result
    loaded = inputs.result_or_exit(path, scheme, named=target is not None)
    readers = Audience(audience)
    copy, name = redacted(loaded, readers), AUDIENCE_NAMES[readers]
    if readers in (Audience.PUBLIC, Audience.UNIT) or Detail.SCORES not in copy.copy.shows:
        options.fail([finding("sensitivity-withheld", Source(str(path)), audience_word=name)])
    raters = Detail.RATERS in copy.copy.shows
    if not raters and _withheld(loaded, copy):
        options.fail([finding("sensitivity-withheld", Source(str(path)), audience_word=name)])
    found = Sensitivity(loaded, SEED if seed is None else seed)
    tables = [*output.page(found, raters=raters)]
    if not page:
        tables += output.details(found, raters=raters)
    if as_json:
        options.print_json(output.sensitivity_data(found, raters=raters))
    else:
        options.print_tables(copy, tables)
    if out is not None:
        check_paths(loaded, [out])
        content = tables_book(copy, _("What the ranking rests on"), tables)
        click.echo(options.write(out, content), err=as_json)


def _withheld(result: "Result", copy: "Result") -> bool:
    """Tell whether a copy lacks a number that a threshold would tell."""
    return any(
        (own.final, own.stages) != (shown.final, shown.stages)
        for group, standings in result.standings.items()
        for own, shown in zip(standings, copy.standings[group], strict=True)
    )
