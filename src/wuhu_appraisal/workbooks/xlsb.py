"""The facts of .xlsb ([MS-XLSB] 2.1.4 and 2.4): records gone through one by one.

Some programs write short cells, which follow the one before them without saying their column; the
fast reader passes over those, so they are read here. Notes and colours are not looked for.
"""

import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from defusedxml import ElementTree

from wuhu_appraisal.workbooks.cell import MOST_CELLS, PLAIN, Fault, Range, SheetFacts, TooLargeError
from wuhu_appraisal.workbooks.formats import BUILT_IN, look, shows_date

WORKBOOK, _LINKS, _STYLES = "xl/workbook.bin", "xl/_rels/workbook.bin.rels", "xl/styles.bin"
_TEXTS = "xl/sharedStrings.bin"
_ROW, _RK, _ERROR, _BOOL, _REAL, _TEXT, _SHARED, _FORMULA, _FORMULA_ERROR = (
    0,
    2,
    3,
    4,
    5,
    6,
    7,
    9,
    11,
)
_CELLS, _FORMULAS, _SHORT = range(1, 12), range(8, 12), range(12, 19)
_FROM_SHORT = 11
"""A short cell's type is that of the full one and this."""
_DATES = {14, 15, 16, 17, 18, 19, 20, 21, 22, 45, 46, 47}
_SHARED_TEXT = 19
MOST_RECORDS = 10_000_000
"""A sheet of more bytes than this would take longer than anyone waits."""

_EPOCH = datetime(1899, 12, 30)
_FONT, _FORMAT, _STYLE, _COLUMN, _DIMENSION = 43, 44, 47, 60, 148
_SHEET, _MERGED, _FILTER, _STYLES_BEGIN, _STYLES_END = 156, 176, 163, 617, 618
_STRUCK, _HIDDEN_ROW = 0x08, 0x10
_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?",
    0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _CellStyle:
    format: str = "General"
    struck: bool = False
    date: bool = False


@dataclass(frozen=True, slots=True)
class _Book:
    styles: Sequence[_CellStyle]
    texts: Sequence[str]


class _Cell(NamedTuple):
    """A cell's record: its type as a full one, its column, its style, and what stands behind."""

    kind: int
    column: int
    style: int
    data: bytes
    short: bool


def read(archive: zipfile.ZipFile) -> dict[str, SheetFacts]:
    """The facts of each sheet of an .xlsb by its name."""
    names = set(archive.namelist())
    book = _Book(
        _styles(archive.read(_STYLES)) if _STYLES in names else [],
        _shared(archive.read(_TEXTS)) if _TEXTS in names else [],
    )
    links = ElementTree.fromstring(archive.read(_LINKS))
    targets = {str(link.get("Id")): str(link.get("Target")) for link in links}
    found: dict[str, SheetFacts] = {}
    for kind, data in _records(archive.read(WORKBOOK)):
        if kind == _SHEET:
            link, name = _texts(data[8:])
            target = targets.get(link, "")
            part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            if part in names:
                found[name] = _sheet_facts(archive.read(part), book)
    return found


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Each record's type and data; both its type and its size are written in groups of 7 bits."""
    at = 0
    while at < len(content):
        kind, at = _number(content, at, 2)
        size, at = _number(content, at, 4)
        yield kind, content[at : at + size]
        at += size


def _shared(content: bytes) -> list[str]:
    """The texts that cells share."""
    if len(content) > MOST_RECORDS:
        raise TooLargeError
    return [_texts(data[1:])[0] for kind, data in _records(content) if kind == _SHARED_TEXT]


def _number(content: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return value, at


def _texts(data: bytes) -> list[str]:
    """The counted UTF-16 texts that follow one another in a record."""
    found, at = [], 0
    while at + 4 <= len(data):
        count = int.from_bytes(data[at : at + 4], "little")
        found.append(data[at + 4 : at + 4 + 2 * count].decode("utf-16-le", errors="replace"))
        at += 4 + 2 * count
    return found


def _styles(content: bytes) -> list[_CellStyle]:
    """The cell styles in the order of their numbers."""
    formats, struck = dict(BUILT_IN), []
    found: list[_CellStyle] = []
    inside = False
    for kind, data in _records(content):
        if kind == _FORMAT:
            formats[int.from_bytes(data[:2], "little")] = _texts(data[2:])[0]
        elif kind == _FONT:
            struck.append(bool(data[2] & _STRUCK))
        elif kind in (_STYLES_BEGIN, _STYLES_END):
            inside = kind == _STYLES_BEGIN
        elif kind == _STYLE and inside:
            _parent, code, font = struct.unpack_from("<HHH", data)
            format_ = formats.get(code, "General")
            date = code in _DATES or shows_date(format_)
            found.append(_CellStyle(format_, font < len(struck) and struck[font], date))
    return found


def _sheet_facts(content: bytes, book: _Book) -> SheetFacts:
    if len(content) > MOST_RECORDS:
        raise TooLargeError
    facts = SheetFacts()
    row = column = -1
    last_row = last_column = 0
    for kind, data in _records(content):
        if kind == _ROW:
            row, column = int.from_bytes(data[:4], "little"), -1
            if data[11] & _HIDDEN_ROW:
                facts.hidden_rows.append(row + 1)
        elif kind in _CELLS or kind in _SHORT:
            cell = _cell(kind, data, column)
            column = cell.column
            last_row, last_column = max(last_row, row), max(last_column, column)
            if (last_row + 1) * (last_column + 1) > MOST_CELLS:
                return SheetFacts(too_large=True)
            _note(facts, row, cell, book)
        elif kind == _COLUMN and data[16] & 1 and len(facts.hidden_columns) < 16384:
            first, last = struct.unpack_from("<II", data)
            facts.hidden_columns += range(first + 1, min(last, 16383) + 2)
        elif kind == _MERGED:
            top, bottom, left, right = struct.unpack_from("<IIII", data)
            facts.merged.append(Range(top, left, bottom, right))
        elif kind == _FILTER:
            facts.filtered = True
        elif kind == _DIMENSION:
            top, bottom, left, right = struct.unpack_from("<IIII", data)
            facts.too_large |= (bottom + 1) * (right + 1) > MOST_CELLS
    return facts


def _cell(kind: int, data: bytes, before: int) -> _Cell:
    if kind in _SHORT:
        style = int.from_bytes(data[:3], "little")
        return _Cell(kind - _FROM_SHORT, before + 1, style, data[4:], short=True)
    column, style = int.from_bytes(data[:4], "little"), int.from_bytes(data[4:7], "little")
    return _Cell(kind, column, style, data[8:], short=False)


def _note(facts: SheetFacts, row: int, cell: _Cell, book: _Book) -> None:
    place = (row, cell.column)
    style = book.styles[cell.style] if cell.style < len(book.styles) else _CellStyle()
    value = _value(cell, book)
    if cell.kind in (_ERROR, _FORMULA_ERROR):
        facts.faults[place] = Fault("score-is-error", _ERRORS.get(cell.data[0], "#N/A"))
    elif cell.short and style.date and isinstance(value, float):
        facts.left_out[place] = _EPOCH + timedelta(days=value)
    elif cell.short and value is not None:
        facts.left_out[place] = value
    found = look(style.format, value) if type(value) is float else PLAIN
    if style.struck and value is not None:
        found = replace(found, struck=True)
    if cell.kind in _FORMULAS:
        found = replace(found, formula=True, format=style.format)
    if found != PLAIN:
        facts.looks[place] = found


def _value(cell: _Cell, book: _Book) -> float | str | bool | None:
    """What a cell holds, None where this module need not know; RkNumber is [MS-XLSB] 2.5.122."""
    data = cell.data
    if cell.kind == _RK:
        raw = int.from_bytes(data[:4], "little")
        value: float = struct.unpack("<d", struct.pack("<Q", (raw & ~3) << 32))[0]
        if raw & 2:
            value = float(int.from_bytes(data[:4], "little", signed=True) >> 2)
        return value / 100 if raw & 1 else value
    if cell.kind in (_REAL, _FORMULA):
        number: float = struct.unpack_from("<d", data)[0]
        return number
    if cell.kind == _BOOL:
        return bool(data[0])
    if cell.kind == _TEXT:
        return _texts(data)[0]
    if cell.kind == _SHARED and book.texts:
        return book.texts[int.from_bytes(data[:4], "little")]
    return None
