"""What one unit gets back, as .xlsx (ECMA-376): each table a page of A4 landscape."""

import io

from wuhu_appraisal.report import feedback, view
from wuhu_appraisal.report.workbook.book import Book, Front
from wuhu_appraisal.report.workbook.tables import write_table
from wuhu_appraisal.run import Run


def render(run: Run, unit: str, *, final: bool) -> bytes:
    """The workbook of one unit; it bears the run's stamp unless the run is approved.

    Raises KeyError if the unit is not in the run, ValueError if ``final`` is asked of a provisional
    run.
    """
    if final and run.provisional:
        raise ValueError("nothing final goes back of a provisional result")
    target = io.BytesIO()
    front = Front(
        title=feedback.heading(run, unit),
        moment=run.computed_at,
        stamp=view.stamp(run, final=final),
        above=feedback.banner(run, unit),
    )
    book = Book(target, front)
    for sheet in feedback.sheets(run, unit):
        write_table(book.page(sheet.name), sheet)
    book.file.close()
    return target.getvalue()
