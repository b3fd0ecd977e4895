"""Read .xls ([MS-XLS], BIFF8) with xlrd; python-calamine can be made to exhaust the memory by it."""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import xlrd
from xlrd.biffh import error_text_from_code

from wuhu_appraisal.workbooks.cell import MOST_CELLS, PLAIN, Fault, Look, Place, Range, Raw, Sheet
from wuhu_appraisal.workbooks.formats import number_look

_BEGIN, _END, _FORMULA, _FILTERED, _LINK, _SHEET = 0x809, 0x0A, 0x06, 0x9B, 0x1B8, 0x85
_MOST_SHEETS, _MOST_LINKED = 500, 100_000
_WHITE, _BLACK, _AUTOMATIC = 9, 8, (64, 65, 0x7FFF)
_SOLID = 1
_VISIBILITY = ("", "hidden", "very-hidden")


def _pass_over_names(_book: xlrd.Book) -> None:
    """Leave out defined names: nobody needs them, and evaluating them can fill the memory."""


xlrd.book.Book.names_epilogue = _pass_over_names


@dataclass(slots=True)
class _Records:
    """What xlrd does not tell of a sheet: which cells are formulas, and whether a filter is on."""

    formulas: set[Place] = field(default_factory=set)
    filtered: bool = False


def read(file: str, content: bytes) -> list[Sheet] | None:
    """Return the sheets of a workbook; None if it is damaged."""
    try:
        records = list(_sheet_records(content))
        with open(os.devnull, "w", encoding="utf-8") as log:  # noqa: PTH123 - a device, not a path
            book = xlrd.open_workbook(
                file_contents=content, formatting_info=True, ragged_rows=True, logfile=log
            )
        return [
            _read_sheet(file, book, sheet, about)
            for sheet, about in zip(book.sheets(), records, strict=True)
        ]
    except Exception:
        # Damaged bytes make the parser raise whatever it comes upon.
        return None


def _read_sheet(file: str, book: xlrd.Book, sheet: xlrd.sheet.Sheet, records: _Records) -> Sheet:
    rows = [[_value(book, cell) for cell in sheet.row(row)] for row in range(sheet.nrows)]
    while rows and not any(cell != "" for cell in rows[-1]):
        rows.pop()
    return Sheet(
        file,
        sheet.name,
        rows,
        styled=dict(_styled(book, sheet, records, len(rows))),
        notes={place: note.text.strip() for place, note in sheet.cell_note_map.items()},
        merged=[
            Range(top, left, bottom - 1, right - 1)
            for top, bottom, left, right in sheet.merged_cells
        ],
        hidden=_VISIBILITY[sheet.visibility],
        hidden_rows=[row for row, info in sheet.rowinfo_map.items() if info.hidden],
        hidden_columns=[column for column, info in sheet.colinfo_map.items() if info.hidden],
        filtered=records.filtered,
        too_large=sheet.nrows * sheet.ncols > MOST_CELLS,
    )


def _value(book: xlrd.Book, cell: xlrd.sheet.Cell) -> Raw:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return Fault("score-is-error", error_text_from_code.get(cell.value, "#N/A"))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype != xlrd.XL_CELL_DATE:
        value: Raw = cell.value
        return value
    if cell.value < 1:
        return timedelta(days=cell.value)
    try:
        moment: Raw = xlrd.xldate_as_datetime(cell.value, book.datemode)
    except (ValueError, OverflowError):
        # No day has this number; the programs show such a cell so.
        return Fault("score-is-error", "#####")
    return moment


def _styled(
    book: xlrd.Book, sheet: xlrd.sheet.Sheet, records: _Records, rows: int
) -> Iterator[tuple[Place, Look]]:
    """Yield each number or text in the first rows that does not look plain."""
    known: dict[tuple[object, ...], Look] = {}
    for row in range(rows):
        for column, cell in enumerate(sheet.row(row)):
            if cell.ctype not in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_TEXT):
                continue
            place = row, column
            fonts = tuple(font for _at, font in sheet.rich_text_runlist_map.get(place, ()))
            key = (cell.xf_index, cell.value, fonts)
            if key not in known:
                known[key] = _look(book, cell, fonts)
            look = known[key]
            if not sheet.show_zero_values and cell.value == 0:
                look = replace(look, shown="", fixed=True)
            if place in records.formulas:
                look = replace(look, formula=True, format=look.format or _format(book, cell))
            if look != PLAIN:
                yield place, look


def _look(book: xlrd.Book, cell: xlrd.sheet.Cell, fonts: Sequence[int]) -> Look:
    """Return how a cell looks whose text is written in several fonts, or in its style's own."""
    style = book.xf_list[cell.xf_index]
    font = book.font_list[style.font_index]
    number = cell.ctype == xlrd.XL_CELL_NUMBER
    look = number_look(_format(book, cell), cell.value) if number else PLAIN
    ink = _BLACK if font.colour_index in _AUTOMATIC else font.colour_index
    fill = style.background
    paper = fill.pattern_colour_index if fill.fill_pattern == _SOLID else _WHITE
    paper = _WHITE if paper in _AUTOMATIC else paper
    struck = bool(font.struck_out) or any(book.font_list[other].struck_out for other in fonts)
    return replace(look, struck=struck, invisible=ink == paper)


def _format(book: xlrd.Book, cell: xlrd.sheet.Cell) -> str:
    """Return the number format of a cell."""
    return str(book.format_map[book.xf_list[cell.xf_index].format_key].format_str)


def _sheet_records(content: bytes) -> Iterator[_Records]:
    """Yield what xlrd does not tell of each sheet ([MS-XLS] 2.4.127).

    Raises ValueError for more sheets or links than any office sends.
    """
    depth, sheets, records = 0, 0, _Records()
    at_start = True
    for kind, data in _stream(content):
        if kind == _BEGIN:
            depth += 1
            if depth == 1:
                records = _Records()
        elif kind == _END:
            depth -= 1
            if depth == 0 and not at_start:
                yield records
            at_start = at_start and depth > 0
        elif depth == 1:
            sheets += kind == _SHEET
            linked = 0
            if kind == _LINK:
                top, bottom, left, right = (_integer(data, at) for at in (0, 2, 4, 6))
                linked = (bottom - top + 1) * (right - left + 1)
            if sheets > _MOST_SHEETS or linked > _MOST_LINKED:
                raise ValueError("more than a workbook of scores has")
            if kind == _FORMULA:
                records.formulas.add((_integer(data, 0), _integer(data, 2)))
            records.filtered |= kind == _FILTERED


def _stream(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the data of each record of a workbook."""
    from olefile import OleFileIO

    with OleFileIO(io.BytesIO(content)) as ole:
        name = next(name for name in ("Workbook", "Book") if ole.exists(name))
        stream = ole.openstream(name).read()
    at = 0
    while at + 4 <= len(stream):
        size = _integer(stream, at + 2)
        yield _integer(stream, at), stream[at + 4 : at + 4 + size]
        at += 4 + size


def _integer(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
