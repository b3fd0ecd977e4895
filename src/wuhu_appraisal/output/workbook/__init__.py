"""The ranked workbook: scores in, steps as live formulas, ranks out.

XlsxWriter writes it, as it can store a formula together with its value: programs that do not
recalculate show the value, those that do come to the same one.
"""

from wuhu_appraisal.language import _
from wuhu_appraisal.names import LONGEST_SHEET_NAME
from wuhu_appraisal.output import tables
from wuhu_appraisal.output.workbook.book import Book, Range
from wuhu_appraisal.output.workbook.charts import add_item_scores, write_charts
from wuhu_appraisal.output.workbook.ranking import ExactSheet, RankingSheet
from wuhu_appraisal.output.workbook.rules import Rules
from wuhu_appraisal.output.workbook.stages import StageSheet
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Detail
from wuhu_appraisal.score.contributions import ScoredStage

_LIVE = frozenset(Detail)
"""What a workbook shows whose formulas begin at the scores as read."""
_FEWEST = 8
"""The characters of a stage's title that are kept at least before its group's."""


def render(result: Result, *, final: bool, folder: str | None = None) -> bytes:
    """Return the workbook of a result as .xlsx (ECMA-376).

    It holds the tables alone, without formulas, for an audience that does not see every score.
    Rows are written to ``folder`` meanwhile; without one all is held in memory. Raises ValueError
    for a provisional result that is to be final.
    """
    book = Book(result, final=final, folder=folder)
    if result.copy.shows >= _LIVE:
        _write(book, result)
    else:
        for table in tables.report_tables(result):
            book.add_table(table)
    return book.save()


def _write(book: Book, result: Result) -> None:
    """Add the sheets in the order of their tabs, and write each once the cells it needs are known."""
    ranking, exact = book.page(_("Overall ranking")), book.page(_("Stage scores"))
    stages = [
        ScoredStage(result.scheme, stage, group, result.traces[group].stages[stage.id])
        for stage in result.scheme.stages
        for group in result.standings
    ]
    pages = [book.page(_name(result, str(stage.stage.title), stage.group)) for stage in stages]
    items = {
        group: add_item_scores(book, _name(result, _("Scores by item"), group), result, group)
        for group in result.standings
    }
    adjusts = bool(result.scheme.adjustments)
    records = (
        book.add_table(tables.adjustments(result)) if adjusts else Range(*[ranking.cell(0)] * 2)
    )
    charts = book.page(_("Charts"))
    shared = result.scheme.class_rule is not None
    classes = book.page(_("Places of the classes")) if shared else None
    rules = Rules(book.page(_("Rules and weights")), result.scheme)
    book.add_table(tables.findings(result))
    if result.decisions:
        book.add_table(tables.decisions(result))
    if result.ledger:
        book.add_table(tables.ledger(result.ledger, ()))
    if result.remarks:
        book.add_table(tables.remarks(result.remarks))
    sources = tables.sources(result)
    first = book.add_table(sources).first
    files = {(str(row[0]), str(row[1])): first.down(at) for at, row in enumerate(sources.rows)}
    sheets = {
        (stage.group, stage.stage.id): StageSheet(page, stage, rules, files)
        for stage, page in zip(stages, pages, strict=True)
    }
    stage_cells = {key: sheet.write() for key, sheet in sheets.items()}
    exact_sheet = ExactSheet(exact, result, rules, stage_cells, records)
    exact_sheet.write()
    made = RankingSheet(ranking, result, rules, exact_sheet, sheets)
    made.write(tables.rankings(result, alike=True), classes)
    write_charts(charts, result, exact_sheet, items)


def _name(result: Result, title: str, group: str) -> str:
    """Return a sheet's name, with the group where there are several."""
    if len(result.standings) == 1:
        return title
    ending = f" {result.scheme.group_titles[group]}"
    return title[: max(LONGEST_SHEET_NAME - len(ending), _FEWEST)] + ending


__all__ = ["render"]
