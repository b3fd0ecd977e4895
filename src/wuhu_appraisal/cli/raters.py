"""The command that compares the raters of a result."""

from pathlib import Path

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import result_options, scheme_option
from wuhu_appraisal.cli.options import PATH, Count, argument, command, json_option, option
from wuhu_appraisal.cli.report import AUDIENCES, check_paths
from wuhu_appraisal.language import N_, _


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
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.output import raters_tables as output
    from wuhu_appraisal.output.redact import redacted
    from wuhu_appraisal.output.workbook.book import tables_book
    from wuhu_appraisal.scheme.audiences import AUDIENCE_NAMES, Audience, Detail

    path = target or result
    loaded = inputs.result_or_exit(path, scheme, named=target is not None)
    readers = Audience(audience)
    copy = redacted(loaded, readers)
    if Detail.RATERS not in copy.copy.shows:
        name = AUDIENCE_NAMES[readers]
        options.fail([finding("raters-withheld", Source(str(path)), audience_word=name)])
    panels = [*ballots(copy)]
    mutual = None
    if readers is Audience.OFFICE:
        mutual = [*reciprocities(panels, SEED if seed is None else seed)]
    tables = [table for scores in panels for table in output.panel_tables(copy.scheme, scores)]
    for item in mutual or ():
        tables += output.reciprocity_tables(copy.scheme, item, name_pairs=name_pairs)
    lines = [] if tables else [_("No stage of this scheme has raters.")]
    if tables and mutual is None:
        lines = [_("Whether units return the scores they are given is for the office alone.")]
    if out is not None:
        check_paths(loaded, [out])
        content = tables_book(copy, _("Raters"), tables)
        click.echo(options.write(out, content), err=as_json)
    if as_json:
        options.print_json(output.raters_data(copy, panels, mutual, name_pairs=name_pairs))
        return
    options.print_tables(copy, tables)
    for line in lines:
        click.echo(line)
