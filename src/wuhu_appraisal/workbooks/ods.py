"""Read .ods (OpenDocument 1.3, part 3, 9).

The sheets are gone through row by row, and each row is let go of before the next is read.
"""

import io
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import product
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.workbooks.cell import (
    MOST_CELLS,
    PLAIN,
    Fault,
    Look,
    Range,
    Raw,
    Sheet,
    TooLargeError,
)
from wuhu_appraisal.workbooks.formats import text_look

CONTENT, ENCRYPTED, _MANIFEST = "content.xml", "encrypted-package", "META-INF/manifest.xml"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_VISIBILITY, _FORMULA, _KIND = f"{_TABLE}visibility", f"{_TABLE}formula", f"{_OFFICE}value-type"
_CELLS = {f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"}
_SPANS = (f"{_TABLE}number-columns-spanned", f"{_TABLE}number-rows-spanned")
_HOLDING = {_KIND, _FORMULA, *_SPANS}
_NUMBERS = {"float", "percentage", "currency"}
_STORED = {
    "boolean": "boolean-value",
    "date": "date-value",
    "time": "time-value",
    "string": "string-value",
}
"""The attribute that holds the value, by the kind of the value; of all others ``value``."""

_PARAGRAPH, _SPACES = f"{_TEXT}p", f"{_TEXT}s"
_SIGNS = {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}
_NOT_READ = {f"{_TEXT}ruby-text", f"{_OFFICE}annotation"}
"""What stands in a text without being part of it: how it is pronounced, and notes."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Such as PT70H20M10S.
_TIME = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_SHEET_DEPTH = 4
"""Tables stand elsewhere too: in cells, and as copies of what other files hold."""

_MOST_STYLES, _MOST_ELEMENTS, _MOST_SPACES = 2000, 1_000_000, 1_000_000
_MOST_COLUMNS = 16_384
_MOST_REPEATS = 1000
"""Hidden rows and columns that repeat more often than this are the empty rest of a sheet."""

_LARGE = 8_000_000
_LONG_TEXT = re.compile(rb"[^<]{1000000}")


@dataclass(slots=True)
class _Reading:
    """A sheet as far as it is read: ``styles`` are the columns' own, each with its last column.

    ``count`` is how many rows have passed, whether they hold anything or not.
    """

    sheet: Sheet
    rows: list[list[Raw]] = field(default_factory=list)
    count: int = 0
    columns: int = 0
    width: int = 0
    styles: list[tuple[int, str]] = field(default_factory=list)
    cells: int = 0


def read(file: str, archive: zipfile.ZipFile) -> list[Sheet] | Finding:
    """Return the sheets of a workbook, or why there are none.

    Raises TooLargeError, and for a damaged file whatever the parser comes upon.
    """
    names = archive.namelist()
    manifest = archive.read(_MANIFEST) if _MANIFEST in names else b""
    if b"encryption-data" in manifest or ENCRYPTED in names:
        return finding("file-protected", Source(file))
    content = archive.read(CONTENT)
    # A text may be in many pieces, and a tree holds it as one.
    if len(content) > _LARGE and (b"<!" in content or _LONG_TEXT.search(content)):
        raise TooLargeError
    return _Document(file).read(content)


class _Document:
    """The content of a workbook as far as it is read."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._sheets: list[Sheet] = []
        self._styles: dict[str, Look] = {}
        self._hidden: set[str] = set()
        self._open: list[_Reading | None] = []
        self._spaces = 0

    def read(self, content: bytes) -> list[Sheet] | Finding:
        """Go through the elements; no more of them are held at once than _MOST_ELEMENTS."""
        elements = before_row = depth = 0
        spreadsheet = False
        for event, item in ElementTree.iterparse(io.BytesIO(content), events=("start", "end")):
            if event == "start":
                depth += 1
                elements += 1
                if elements > _MOST_ELEMENTS:
                    raise TooLargeError
                if item.tag == f"{_TABLE}table-row":
                    before_row = elements
                elif item.tag == f"{_TABLE}table":
                    self._open.append(self._begun(item) if depth == _SHEET_DEPTH else None)
                spreadsheet = spreadsheet or item.tag == f"{_OFFICE}spreadsheet"
            else:
                depth -= 1
                self._end(item)
                if item.tag == f"{_TABLE}table-row":
                    elements = before_row
        return self._sheets if spreadsheet else finding("file-not-workbook", Source(self._file))

    def _begun(self, item: Element) -> _Reading:
        hidden = item.get(f"{_TABLE}style-name") in self._hidden
        name = item.get(f"{_TABLE}name", "")
        return _Reading(Sheet(self._file, name, hidden="hidden" if hidden else ""))

    def _end(self, item: Element) -> None:
        """Read an element that is complete, and let go of what is no longer needed."""
        tag, reading = item.tag, self._open[-1] if self._open else None
        if tag == _SPACES:
            self._spaces += _spaces(item)
            if self._spaces > _MOST_SPACES:
                raise TooLargeError
        elif tag == f"{_STYLE}style":
            name = str(item.get(f"{_STYLE}name"))
            self._styles[name] = _style(item)
            if any(part.get(f"{_TABLE}display") == "false" for part in item):
                self._hidden.add(name)
        elif tag == f"{_TABLE}table":
            self._open.pop()
            if reading is not None:
                reading.sheet.rows = reading.rows
                self._sheets.append(reading.sheet)
            item.clear()
        elif tag == f"{_TABLE}table-row":
            if reading is not None:
                _read_row(reading, item, self._styles)
            item.clear()
        elif tag == f"{_TABLE}table-column" and reading is not None:
            _read_column(reading, item)


def _style(item: Element) -> Look:
    """Return what a style says of a text: struck out, or in the colour of its background."""
    struck, ink, paper = False, "#000000", "#ffffff"
    for part in item:
        lines = (
            part.get(f"{_STYLE}text-line-through-{what}", "none") for what in ("style", "type")
        )
        struck = struck or any(line != "none" for line in lines)
        ink = part.get(f"{_FO}color", ink)
        paper = part.get(f"{_FO}background-color", paper)
    paper = "#ffffff" if paper == "transparent" else paper
    invisible = ink.lower() == paper.lower()
    return Look(struck=struck, invisible=invisible) if struck or invisible else PLAIN


def _read_column(reading: _Reading, item: Element) -> None:
    first, end = reading.columns, reading.columns + _count(item, "columns")
    reading.styles.append((end, item.get(f"{_TABLE}default-cell-style-name", "")))
    if len(reading.styles) > _MOST_STYLES:
        raise TooLargeError
    if item.get(_VISIBILITY, "visible") != "visible" and end - first <= _MOST_REPEATS:
        reading.sheet.hidden_columns += range(first, end)
    reading.columns = end


def _read_row(reading: _Reading, item: Element, styles: Mapping[str, Look]) -> None:
    """Read a row as often as it is repeated, unless the sheet is too large already."""
    sheet, count = reading.sheet, _count(item, "rows")
    hidden = item.get(_VISIBILITY, "visible") != "visible"
    if hidden and count <= _MOST_REPEATS and len(sheet.hidden_rows) < MOST_CELLS:
        sheet.hidden_rows += range(reading.count, reading.count + count)
        sheet.filtered |= item.get(_VISIBILITY) == "filter"
    row: list[Raw] = []
    end = 0
    for cell in item:
        if cell.tag in _CELLS and not sheet.too_large:
            first, end = end, end + _count(cell, "columns")
            if len(cell) or not _HOLDING.isdisjoint(cell.attrib):
                _read_cell(reading, row, range(first, end), count, cell, styles)
    if row and not sheet.too_large:
        reading.rows += [[]] * (reading.count - len(reading.rows))
        reading.rows += [row] * count
    reading.count += count


def _read_cell(
    reading: _Reading,
    row: list[Raw],
    columns: range,
    count: int,
    cell: Element,
    styles: Mapping[str, Look],
) -> None:
    """Read a cell for each column and each of ``count`` rows in which it is repeated."""
    sheet, value, valued = reading.sheet, _value(cell), _KIND in cell.attrib
    notes = " ".join(map(_text, cell.iterfind(f"{_OFFICE}annotation")))
    note = notes.replace("\n", " ").strip()
    across, down = (int(cell.get(name, "1")) for name in _SPANS)
    rows = range(reading.count, reading.count + count)
    width = max(reading.width, columns.stop)
    reading.cells += len(columns) * count
    if width > _MOST_COLUMNS or max(rows.stop * width, reading.cells) > MOST_CELLS:
        sheet.too_large, reading.rows = True, []
        return
    if value != "" or valued:
        reading.width = width
        row += [""] * (columns.start - len(row)) + [value] * len(columns)
    look = PLAIN
    if valued and not isinstance(value, Fault):
        by_column = (style for end, style in reading.styles if columns.start < end)
        style = cell.get(f"{_TABLE}style-name") or next(by_column, "")
        look = _look(cell, value, styles.get(style, PLAIN), styles)
    if look is PLAIN and not note and across == down == 1:
        return
    for at, column in product(rows, columns):
        if look is not PLAIN:
            sheet.styled[at, column] = look
        if note:
            sheet.notes[at, column] = note
        if across > 1 or down > 1:
            sheet.merged.append(Range(at, column, at + down - 1, column + across - 1))


def _value(cell: Element) -> Raw:
    """Return what a cell holds."""
    kind, formula = cell.get(_KIND, ""), _FORMULA in cell.attrib
    written = cell.find(_PARAGRAPH) is not None
    if cell.get(f"{_CALC}value-type") == "error":
        return Fault("score-is-error", _text(cell).strip())
    stored = cell.get(f"{_OFFICE}{_STORED.get(kind, 'value')}")
    # A formula with an empty text as its value has an empty paragraph. Programs that do not
    # calculate leave the value out, or write 0 and no text that shows it.
    unknown = stored is None or (kind in _NUMBERS and not stored.strip("0."))
    if formula and unknown and not written:
        return Fault("formula-without-value", "")
    if stored is None:
        return _text(cell)
    if kind in _NUMBERS:
        number = float(stored) if _NUMBER.fullmatch(stored) else math.nan
        return number if math.isfinite(number) else stored
    if kind == "boolean":
        return stored == "true"
    if kind == "date":
        return _date(stored)
    return _duration(stored) if kind == "time" else stored


def _date(text: str) -> Raw:
    """Return a date or a moment; the text if it is none."""
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        return text


def _duration(text: str) -> Raw:
    """Return a duration; the text if it is none."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        return text
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    try:
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return text


def _look(cell: Element, value: Raw, style: Look, styles: Mapping[str, Look]) -> Look:
    kind, look = cell.get(_KIND), style
    if isinstance(value, float) and cell.find(_PARAGRAPH) is not None:
        shown = text_look(_text(cell).strip(), value, percent=kind == "percentage")
        if shown is not PLAIN:
            look = replace(shown, struck=style.struck, invisible=style.invisible)
    if any(styles.get(part.get(f"{_TEXT}style-name", ""), PLAIN).struck for part in cell.iter()):
        look = replace(look, struck=True)
    if _FORMULA in cell.attrib:
        look = replace(look, formula=True)
    return look


def _text(item: Element) -> str:
    """Return the text of a cell or of a note, with a line for each paragraph."""
    return "\n".join("".join(_pieces(part)) for part in item.iterfind(_PARAGRAPH))


def _pieces(item: Element) -> Iterator[str]:
    """Yield the pieces of a text as they are shown."""
    yield item.text or ""
    for part in item:
        if part.tag == _SPACES:
            yield " " * _spaces(part)
        elif part.tag in _SIGNS:
            yield _SIGNS[part.tag]
        elif part.tag not in _NOT_READ:
            yield from _pieces(part)
        yield part.tail or ""


def _spaces(item: Element) -> int:
    return int(item.get(f"{_TEXT}c", "1"))


def _count(item: Element, what: str) -> int:
    return int(item.get(f"{_TABLE}number-{what}-repeated", "1"))
