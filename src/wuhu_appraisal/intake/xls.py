"""Sheets of .xls ([MS-XLS], BIFF8) as xlrd reads them: cells and facts in one go.

The fast reader of the other formats can be made to exhaust the memory by a damaged .xls.
"""

import os
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import xlrd
from xlrd.biffh import error_text_from_code

from wuhu_appraisal.intake.facts import Fault, SheetFacts


@dataclass(frozen=True, slots=True)
class XlsSheet:
    """One sheet: its cells, '' where there is none, and what is known of it beside them."""

    name: str
    visible: bool
    rows: list[list[float | str | bool | datetime | time | timedelta | Fault]]
    facts: SheetFacts


def read_sheets(content: bytes) -> list[XlsSheet] | None:
    """The sheets of a workbook; None for a damaged one."""
    try:
        with open(os.devnull, "w", encoding="utf-8") as log:  # noqa: PTH123 - a device, not a path
            book = xlrd.open_workbook(
                file_contents=content, formatting_info=True, ragged_rows=True, logfile=log
            )
        return [_sheet(book, sheet) for sheet in book.sheets()]
    except Exception:
        # Damaged bytes make the parser raise whatever it comes upon.
        return None


def _sheet(book: xlrd.Book, sheet: xlrd.sheet.Sheet) -> XlsSheet:
    hidden = SheetFacts(
        hidden_rows=[row + 1 for row, info in sheet.rowinfo_map.items() if info.hidden],
        hidden_columns=[column + 1 for column, info in sheet.colinfo_map.items() if info.hidden],
    )
    rows = [[_content(book, cell) for cell in sheet.row(row)] for row in range(sheet.nrows)]
    while rows and not any(cell != "" for cell in rows[-1]):
        rows.pop()
    return XlsSheet(sheet.name, sheet.visibility == 0, rows, hidden)


def _content(
    book: xlrd.Book, cell: xlrd.sheet.Cell
) -> float | str | bool | datetime | time | timedelta | Fault:
    match cell.ctype:
        case xlrd.XL_CELL_NUMBER if "%" in _shown_as(book, cell.xf_index):
            return Fault("score-is-percent", str(cell.value))
        case xlrd.XL_CELL_NUMBER:
            return float(cell.value)
        case xlrd.XL_CELL_TEXT:
            return str(cell.value)
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_DATE:
            return timedelta(days=cell.value) if cell.value < 1 else _date(book, cell.value)
        case xlrd.XL_CELL_ERROR:
            return Fault("score-is-error", error_text_from_code.get(cell.value, "#N/A"))
        case _:
            return ""


def _date(book: xlrd.Book, value: float) -> datetime:
    made: datetime = xlrd.xldate_as_datetime(value, book.datemode)
    return made


def _shown_as(book: xlrd.Book, style: int) -> str:
    """The number format of a cell style."""
    return str(book.format_map[book.xf_list[style].format_key].format_str)
