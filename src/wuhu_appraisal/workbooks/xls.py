"""Sheets of .xls ([MS-XLS], BIFF8) as xlrd reads them: cells and facts in one go.

The fast reader of the other formats can be made to exhaust the memory by a damaged .xls.
"""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

import xlrd
from xlrd.biffh import error_text_from_code

from wuhu_appraisal.workbooks.cell import MOST_CELLS, PLAIN, Place, Range
from wuhu_appraisal.workbooks.facts import Fault, Look, SheetFacts
from wuhu_appraisal.workbooks.formats import look

_BEGIN, _END, _FORMULA, _FILTERED, _LINK, _SHEET = 0x809, 0x0A, 0x06, 0x9B, 0x1B8, 0x85
_MOST_SHEETS, _MOST_LINKED = 500, 100_000
_WHITE, _BLACK, _AUTOMATIC = 9, 8, (64, 65, 0x7FFF)
_SOLID = 1


def _names_passed_over(_book: xlrd.Book) -> None:
    """Defined names are not needed, and working them out can be made to fill the memory."""


xlrd.book.Book.names_epilogue = _names_passed_over


@dataclass(frozen=True, slots=True)
class XlsSheet:
    """One sheet: its cells, '' where there is none, and what is known of it beside them.

    ``visibility`` is 0 for a sheet that is shown, 1 for a hidden one, 2 for one no menu shows.
    """

    name: str
    visibility: int
    rows: list[list[float | str | bool | datetime | time | timedelta | Fault]]
    facts: SheetFacts


@dataclass(slots=True)
class _Records:
    """What xlrd passes over in a sheet."""

    formulas: set[Place]
    filtered: bool = False


def read(content: bytes) -> list[XlsSheet] | None:
    """The sheets of a workbook; None for a damaged one."""
    try:
        records = list(_sheet_records(content))
        with open(os.devnull, "w", encoding="utf-8") as log:  # noqa: PTH123 - a device, not a path
            book = xlrd.open_workbook(
                file_contents=content, formatting_info=True, ragged_rows=True, logfile=log
            )
        return [
            _sheet(book, sheet, found) for sheet, found in zip(book.sheets(), records, strict=True)
        ]
    except Exception:
        # Damaged bytes make the parser raise whatever it comes upon.
        return None


def _sheet(book: xlrd.Book, sheet: xlrd.sheet.Sheet, records: _Records) -> XlsSheet:
    facts = SheetFacts(
        hidden_rows=[row + 1 for row, info in sheet.rowinfo_map.items() if info.hidden],
        hidden_columns=[column + 1 for column, info in sheet.colinfo_map.items() if info.hidden],
        merged=[
            Range(top, left, bottom - 1, right - 1)
            for top, bottom, left, right in sheet.merged_cells
        ],
        remarks={place: note.text.strip() for place, note in sheet.cell_note_map.items()},
        filtered=records.filtered,
        too_large=sheet.nrows * sheet.ncols > MOST_CELLS,
    )
    rows = [[_content(book, cell) for cell in sheet.row(row)] for row in range(sheet.nrows)]
    while rows and not any(cell != "" for cell in rows[-1]):
        rows.pop()
    known: dict[tuple[object, ...], Look] = {}
    for row in range(len(rows)):
        for column, cell in enumerate(sheet.row(row)):
            if cell.ctype in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_TEXT):
                runs = tuple(
                    font for _at, font in sheet.rich_text_runlist_map.get((row, column), ())
                )
                key = (cell.xf_index, cell.value, runs)
                if key not in known:
                    known[key] = _look(book, cell, runs)
                found = known[key]
                if not sheet.show_zero_values and cell.value == 0:
                    found = replace(found, shown="", fixed=True)
                if (row, column) in records.formulas:
                    code = found.format or _format(book, cell.xf_index)
                    found = replace(found, formula=True, format=code)
                if found != PLAIN:
                    facts.looks[(row, column)] = found
    return XlsSheet(sheet.name, sheet.visibility, rows, facts)


def _content(
    book: xlrd.Book, cell: xlrd.sheet.Cell
) -> float | str | bool | datetime | time | timedelta | Fault:
    match cell.ctype:
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


def _date(book: xlrd.Book, value: float) -> datetime | Fault:
    try:
        made: datetime = xlrd.xldate_as_datetime(value, book.datemode)
    except (ValueError, OverflowError):
        # No day has this number; the programs show such a cell so.
        return Fault("score-is-error", "#####")
    return made


def _look(book: xlrd.Book, cell: xlrd.sheet.Cell, runs: Sequence[int]) -> Look:
    style = book.xf_list[cell.xf_index]
    font = book.font_list[style.font_index]
    found = PLAIN
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        found = look(_format(book, cell.xf_index), cell.value)
    ink = _BLACK if font.colour_index in _AUTOMATIC else font.colour_index
    fill = style.background
    paper = fill.pattern_colour_index if fill.fill_pattern == _SOLID else _WHITE
    paper = _WHITE if paper in _AUTOMATIC else paper
    struck = bool(font.struck_out) or any(book.font_list[run].struck_out for run in runs)
    if struck or ink == paper:
        found = replace(found, struck=struck, invisible=ink == paper)
    return found


def _format(book: xlrd.Book, style: int) -> str:
    """The number format of a cell style."""
    return str(book.format_map[book.xf_list[style].format_key].format_str)


def _sheet_records(content: bytes) -> Iterator[_Records]:
    """Which cells of each sheet are formulas, and whether a filter is on ([MS-XLS] 2.4.127).

    Raises ValueError for more sheets or links than any office sends.
    """
    depth, sheets, found = 0, 0, _Records(set())
    at_start = True
    for kind, data in _stream(content):
        if kind == _BEGIN:
            depth += 1
            if depth == 1:
                found = _Records(set())
        elif kind == _END:
            depth -= 1
            if depth == 0 and not at_start:
                yield found
            at_start = at_start and depth > 0
        elif depth == 1:
            sheets += kind == _SHEET
            if sheets > _MOST_SHEETS or (kind == _LINK and _covered(data) > _MOST_LINKED):
                raise ValueError("more than a workbook of scores has")
            if kind == _FORMULA:
                row, column = (int.from_bytes(data[n : n + 2], "little") for n in (0, 2))
                found.formulas.add((row, column))
            found.filtered |= kind == _FILTERED


def _stream(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of a workbook: each a type, a size, and data."""
    # Imported here because few files are of the old format.
    from olefile import OleFileIO

    with OleFileIO(io.BytesIO(content)) as ole:
        name = next(name for name in ("Workbook", "Book") if ole.exists(name))
        stream = ole.openstream(name).read()
    at = 0
    while at + 4 <= len(stream):
        kind, size = (int.from_bytes(stream[at + n : at + n + 2], "little") for n in (0, 2))
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _covered(data: bytes) -> int:
    """How many cells a link covers."""
    top, bottom, left, right = (int.from_bytes(data[n : n + 2], "little") for n in (0, 2, 4, 6))
    return (bottom - top + 1) * (right - left + 1)
