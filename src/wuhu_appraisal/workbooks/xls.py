"""Read .xls ([MS-XLS], BIFF5 and BIFF8) with xlrd; python-calamine can exhaust the memory by it."""

import math
import os
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import xlrd
from xlrd.biffh import error_text_from_code

from wuhu_appraisal.encryption import biff_records, open_compound, workbook_stream
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.workbooks.cell import (
    MOST_CELLS,
    PLAIN,
    Fault,
    Look,
    Place,
    Range,
    Raw,
    Sheet,
    TooLargeError,
)
from wuhu_appraisal.workbooks.formats import number_look

_BEGIN, _END, _FILE_PASS, _SHEET, _WORKSHEET = 0x809, 0x0A, 0x2F, 0x85, 0
_FORMULA, _FILTERED, _RECALCULATE, _UNCALCULATED = 0x06, 0x9B, 0x1C1, 0x5E
_ALWAYS_OR_ON_LOAD = 3
"""The bits of a formula that is to be calculated anew, whatever result is stored (2.4.127)."""

_EMPTY = 3
"""What a formula's result begins with that is an empty text (2.5.133)."""

_TEXTS, _CONTINUE, _ROW_OF_NUMBERS, _ROW_OF_BLANKS, _MERGED = 0xFC, 0x3C, 0xBD, 0xBE, 0xE5
_COSTS = {
    0x01: 1, 0x06: 1, 0x201: 1, 0x203: 1, 0x204: 1, 0x205: 1, 0x27E: 1, 0xFD: 1, 0xD6: 1,  # cells
    0x208: 4,  # ROW
    0x1C: 20, 0x1B6: 20, 0x31: 20, 0x41E: 20, 0xE0: 20, 0x293: 20,  # NOTE, TXO, FONT, FORMAT, XF, STYLE
    0x7D: 100,  # COLINFO, for up to 256 columns
}  # fmt: skip
"""What a record costs to read, in cells."""

_COSTS_OF_BYTES = {_TEXTS: 0.25, _ROW_OF_NUMBERS: 0.25, _ROW_OF_BLANKS: 0.5, _MERGED: 12.0}
"""What a byte costs of the records whose cost grows with their length."""

_NEEDLESS = {
    0x17, 0x18, 0x23, 0x1AE,  # links, names
    0x1A, 0x1B, 0xA0, 0xAB, 0x8C, 0x15F,  # page breaks, zoom, standard widths, country, ranges of labels
    0x1B0, 0x1B1, 0x1B8, 0x800, 0x862, 0x872,  # conditional formats, hyperlinks, tabs, features
}  # fmt: skip
"""The records that xlrd reads for nobody, and refuses a file for.

Names and hyperlinks of a few bytes can fill the memory.
"""
_UNKNOWN = struct.pack("<H", 0xFFFF)

_MOST_SHEETS = 500
_WHITE, _BLACK, _AUTOMATIC = 9, 8, (64, 65, 0x7FFF)
_SOLID = 1
_VISIBILITY = ("", "hidden", "very-hidden")


@dataclass(slots=True)
class _Records:
    """What xlrd does not tell of a sheet: which cells are formulas, and whether a filter is on.

    ``zeros`` holds the formulas whose result is 0 or an empty text, with whether they are to be
    calculated anew; ``uncalculated`` means that all of the sheet's are.
    """

    formulas: set[Place] = field(default_factory=set)
    zeros: dict[Place, bool] = field(default_factory=dict)
    uncalculated: bool = False
    filtered: bool = False


def read(file: str, content: bytes) -> list[Sheet] | Finding:
    """Return the sheets of a workbook, or why there are none."""
    try:
        with open_compound(content) as ole:
            stream = workbook_stream(ole)
        if stream is None:
            return finding("file-not-workbook", Source(file))
        return _read_stream(file, stream)
    except TooLargeError:
        return finding("sheet-too-large", Source(file), most=MOST_CELLS // 1_000_000)
    except Exception:
        # Damaged bytes make the parsers raise whatever they come upon.
        return finding("file-damaged", Source(file))


def _read_stream(file: str, stream: bytes) -> list[Sheet] | Finding:
    """Raises TooLargeError, and for a damaged file whatever xlrd comes upon."""
    stream, records = _sheet_records(stream)
    if records is None:
        return finding("file-protected", Source(file))
    with open(os.devnull, "w", encoding="utf-8") as log:  # noqa: PTH123 - a device, not a path
        book = xlrd.open_workbook(
            file_contents=stream,
            formatting_info=True,
            on_demand=True,
            ragged_rows=True,
            logfile=log,
        )
        # A cell may have a style that the file leaves out: its number is a number.
        kinds = book._xf_index_to_xl_type_map
        book._xf_index_to_xl_type_map = defaultdict(lambda: xlrd.XL_CELL_NUMBER, kinds)
        return [
            _read_sheet(file, book, book.sheet_by_index(number), about)
            for number, about in enumerate(records)
        ]


def _read_sheet(file: str, book: xlrd.Book, sheet: xlrd.sheet.Sheet, records: _Records) -> Sheet:
    rows = [[_value(book, cell) for cell in sheet.row(row)] for row in range(sheet.nrows)]
    for (row, column), anew in records.zeros.items():
        if anew or records.uncalculated:
            rows[row][column] = Fault("formula-without-value", "")
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
    if isinstance(cell.value, float) and not math.isfinite(cell.value):
        return Fault("score-is-error", "#NUM!")
    if cell.ctype != xlrd.XL_CELL_DATE:
        value: Raw = cell.value
        return value
    try:
        if cell.value < 1:
            return timedelta(days=cell.value)
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
    number = cell.ctype == xlrd.XL_CELL_NUMBER
    look = number_look(_format(book, cell), cell.value) if number else PLAIN
    # What the file leaves out cannot say more than the value.
    style = _at(book.xf_list, cell.xf_index)
    font = _at(book.font_list, style.font_index) if style else None
    struck = any(other and other.struck_out for other in map(partial(_at, book.font_list), fonts))
    if style is None or font is None:
        return replace(look, struck=struck)
    ink = _BLACK if font.colour_index in _AUTOMATIC else font.colour_index
    fill = style.background
    paper = fill.pattern_colour_index if fill.fill_pattern == _SOLID else _WHITE
    paper = _WHITE if paper in _AUTOMATIC else paper
    return replace(look, struck=struck or bool(font.struck_out), invisible=ink == paper)


def _format(book: xlrd.Book, cell: xlrd.sheet.Cell) -> str:
    """Return the number format of a cell."""
    style = _at(book.xf_list, cell.xf_index)
    known = book.format_map.get(style.format_key) if style else None
    return str(known.format_str) if known else "General"


def _at(items: Sequence[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def _sheet_records(stream: bytes) -> tuple[bytes, list[_Records] | None]:
    """Return the records that xlrd is to read, and what it does not tell of each worksheet.

    None in its place if the workbook is encrypted. Raises TooLargeError for more than can be read,
    and ValueError for what is no workbook, or has more sheets than any office sends.
    """
    if not stream.startswith(struct.pack("<H", _BEGIN)):
        raise ValueError("no workbook begins so")
    changed = bytearray(stream)
    depth, cost = 0, 0.0
    anew, texts = True, False
    worksheets: list[int] = []
    begun: dict[int, _Records] = {}
    records = _Records()
    for kind, at, data in biff_records(stream):
        texts = kind == _TEXTS or (texts and kind == _CONTINUE)
        a_byte = _COSTS_OF_BYTES.get(_TEXTS if texts else kind, 0.0)
        cost += a_byte * len(data) + _COSTS.get(kind, 0)
        if cost > MOST_CELLS:
            raise TooLargeError
        if kind in _NEEDLESS:
            changed[at : at + 2] = _UNKNOWN
        depth += (kind == _BEGIN) - (kind == _END)
        if kind == _BEGIN and depth == 1:
            records = begun[at] = _Records(uncalculated=anew)
        elif kind == _FILE_PASS and len(begun) == 1:
            return stream, None
        elif kind == _SHEET and data[5] == _WORKSHEET:
            worksheets.append(int.from_bytes(data[:4], "little"))
        elif kind == _RECALCULATE:
            # Programs that calculate state their version; others leave it out, or state 0.
            anew = not any(data[4:8])
        elif depth == 1:
            _read_record(records, kind, data)
    if len(worksheets) > _MOST_SHEETS:
        raise ValueError("more sheets than a workbook of scores has")
    return bytes(changed), [begun[at] for at in worksheets]


def _read_record(records: _Records, kind: int, data: bytes) -> None:
    records.uncalculated |= kind == _UNCALCULATED
    records.filtered |= kind == _FILTERED
    if kind == _FORMULA:
        row, column, _style, result, options = struct.unpack_from("<HHH8sH", data)
        records.formulas.add((row, column))
        number = result[6:] != b"\xff\xff"
        if not any(result) if number else result[0] == _EMPTY:
            records.zeros[row, column] = bool(options & _ALWAYS_OR_ON_LOAD)
