"""The ranked workbook: scores in, steps as live formulas, ranks out.

XlsxWriter writes it, because it can store a formula together with its value: programs that do not
recalculate show the value, those that do come to the same one. Each sheet is written row by row.
"""

import io
from collections.abc import Mapping

from wuhu_appraisal.language import _
from wuhu_appraisal.names import LONGEST_SHEET_NAME
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.parameters import parameters
from wuhu_appraisal.output.workbook.book import Book, Front
from wuhu_appraisal.output.workbook.charts import ChartSheet
from wuhu_appraisal.output.workbook.indicators import heat_maps, write_heat_maps
from wuhu_appraisal.output.workbook.refs import Cell
from wuhu_appraisal.output.workbook.stages import StageSheet
from wuhu_appraisal.output.workbook.standings import ExactSheet, RankingSheet
from wuhu_appraisal.output.workbook.tables import Stated, write_table
from wuhu_appraisal.output.workbook.tree import StageTree
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Detail


def render(result: Result, *, final: bool) -> bytes:
    """The workbook of a run as .xlsx (ECMA-376): the tables alone where not every score is shown.

    Raises ValueError for a provisional run that is to be final.
    """
    if final and result.provisional:
        raise ValueError("a provisional result cannot be final")
    target = io.BytesIO()
    front = Front(
        title=str(result.scheme.title),
        moment=result.computed_at,
        stamp=view.stamp(result, final=final),
        above=view.banner(result),
        subject=str(result.scheme.document.title),
        author=result.scheme.document.issued_by,
        scheme=f"{result.scheme.id} {result.scheme_sha256}",
        copy=result.copy,
        final=final,
        marker=view.marker(result),
    )
    book = Book(target, front)
    if result.copy.shows >= _LIVE:
        _Workbook(book, result).write()
    else:
        pages = [(book.page(sheet.name), sheet) for sheet in view.report_tables(result)]
        for page, sheet in pages:
            write_table(page, sheet)
    book.file.close()
    return target.getvalue()


_LIVE = frozenset({Detail.BALLOTS, Detail.FINDINGS, Detail.SCORES})
"""What a workbook shows whose formulas begin at the scores that came."""

_FEWEST = 8
"""So many signs of a stage's title are kept before its group's."""


class _Workbook:
    """All sheets: made in the order of their tabs, written so that each knows those it points at."""

    def __init__(self, book: Book, result: Result) -> None:
        self._run = result
        self._maps = {group: heat_maps(result, group) for group in result.standings}
        self._ranking = book.page(_("Overall ranking"))
        self._exact = book.page(_("Stage scores"))
        self._stages = {
            (group, stage.id): book.page(self._with_group(str(stage.title), group))
            for stage in result.scheme.stages
            for group in result.standings
        }
        self._heat = {
            group: book.page(self._with_group(_("Scores by item"), group))
            for group, maps in self._maps.items()
            if maps
        }
        self._adjustments = book.page(_("Adjustments"))
        self._charts = book.page(_("Charts"))
        self._stated = book.page(_("Rules and weights"))
        self._findings = book.page(_("Findings"))
        self._decisions = book.page(_("Decisions")) if result.decisions else None
        self._ledger = book.page(_("Reading ledger")) if result.ledger else None
        self._remarks = book.page(_("Remarks")) if result.remarks else None
        self._sources = book.page(_("Sources"))

    def write(self) -> None:
        """Write the sheets, those first that others point at."""
        result = self._run
        table = view.sources(result)
        written = write_table(self._sources, table)
        sheets = {
            (str(row[0]), str(row[1])): written.first.down(at) for at, row in enumerate(table.rows)
        }
        stated = Stated(result.scheme, list(parameters(result.scheme)))
        stated.write(self._stated)
        records = write_table(self._adjustments, view.adjustments(result))
        units = self._write_stages(stated, sheets)
        exact = ExactSheet(self._exact, result, stated, units, records).write()
        RankingSheet(self._ranking, result, stated, units, exact).write(view.rankings(result))
        for group, page in self._heat.items():
            write_heat_maps(page, result, group, self._maps[group])
        ChartSheet(self._charts, result, exact).write(self._maps)
        write_table(self._findings, view.findings(result))
        if self._decisions is not None:
            write_table(self._decisions, view.decisions(result))
        if self._ledger is not None:
            write_table(self._ledger, view.ledger(result.ledger, ()))
        if self._remarks is not None:
            write_table(self._remarks, view.remarks(result.remarks))

    def _write_stages(
        self, stated: Stated, sheets: Mapping[tuple[str, str], Cell]
    ) -> dict[tuple[str, str], dict[str, Cell]]:
        """Each stage's sheets; the cells of its scores by group and stage."""
        result = self._run
        found = {}
        for stage in result.scheme.stages:
            for group in result.standings:
                page = self._stages[group, stage.id]
                tree = StageTree(result.scheme, stage, group, result.traces[group].stages[stage.id])
                title = f"{stage.title} · {result.scheme.group(group).title}"
                found[group, stage.id] = StageSheet(page, tree, stated, sheets).write(title)
        return found

    def _with_group(self, title: str, group: str) -> str:
        """A sheet's name, with the group where there are several."""
        if len(self._run.standings) == 1:
            return title
        behind = f" {self._run.scheme.group_titles[group]}"
        return title[: max(LONGEST_SHEET_NAME - len(behind), _FEWEST)] + behind


__all__ = ["render"]
