"""What one unit gets back, as .xlsx (ECMA-376): each table a page of A4 landscape."""

import io

from wuhu_appraisal.report.letters import letter
from wuhu_appraisal.report.workbook.book import Book, Front
from wuhu_appraisal.report.workbook.tables import write_table
from wuhu_appraisal.run import Run


def render(run: Run, unit: str, *, final: bool) -> bytes:
    """The workbook of one unit; raises as ``letter`` does."""
    found = letter(run, unit, final=final)
    target = io.BytesIO()
    front = Front(
        title=found.heading,
        moment=run.computed_at,
        stamp=found.stamp,
        above=found.banner,
        edition=found.edition,
        marker=found.marker,
    )
    book = Book(target, front)
    for sheet in found.sheets:
        write_table(book.page(sheet.name), sheet)
    book.file.close()
    return target.getvalue()
