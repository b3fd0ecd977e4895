"""The facts of .xls ([MS-XLS], BIFF8), as xlrd reads them."""

import os

import xlrd
from xlrd.biffh import error_text_from_code

from wuhu_appraisal.intake.facts.kinds import Fault, SheetFacts


def read(content: bytes) -> dict[str, SheetFacts]:
    """The facts of each sheet by its name. Raises xlrd's errors for what it cannot read."""
    with open(os.devnull, "w", encoding="utf-8") as log:  # noqa: PTH123 - a device, not a path
        book = xlrd.open_workbook(file_contents=content, formatting_info=True, logfile=log)
    return {sheet.name: _sheet_facts(book, sheet) for sheet in book.sheets()}


def _sheet_facts(book: xlrd.Book, sheet: xlrd.sheet.Sheet) -> SheetFacts:
    facts = SheetFacts(
        hidden_rows=[row + 1 for row, info in sheet.rowinfo_map.items() if info.hidden],
        hidden_columns=[column + 1 for column, info in sheet.colinfo_map.items() if info.hidden],
    )
    for row in range(sheet.nrows):
        for column, cell in enumerate(sheet.row(row)):
            if cell.ctype == xlrd.XL_CELL_ERROR:
                name = error_text_from_code.get(cell.value, "#N/A")
                facts.faults[(row, column)] = Fault("score-is-error", name)
            elif cell.ctype == xlrd.XL_CELL_NUMBER and "%" in _shown_as(book, cell.xf_index):
                facts.faults[(row, column)] = Fault("score-is-percent", str(cell.value))
    return facts


def _shown_as(book: xlrd.Book, style: int) -> str:
    """The number format of a cell style."""
    return str(book.format_map[book.xf_list[style].format_key].format_str)
