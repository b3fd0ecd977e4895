"""Read what python-calamine leaves out of .ods (OpenDocument 1.3, part 3, 9).

The sheets are gone through row by row, and each row is let go of before the next is read.
"""

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

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

CONTENT = "content.xml"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_VISIBILITY = f"{_TABLE}visibility"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
# Such as PT70H20M10S.
_TIME = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_MOST_STYLES, _MOST_ELEMENTS = 2000, 1_000_000
_MOST_REPEATS = 1000
"""Cells and rows that repeat more often than this are the empty rest of a sheet."""


@dataclass(slots=True)
class _Reading:
    """A sheet as far as it is read: ``styles`` are the columns' own, each with its last column."""

    sheet: Sheet
    rows: int = 0
    columns: int = 0
    last_row: int = 0
    last_column: int = 0
    styles: list[tuple[int, str]] = field(default_factory=list)
    cells: int = 0


def read(file: str, content: bytes) -> dict[str, Sheet]:
    """Return each sheet by its name, without its values.

    Raises TooLargeError, and for a damaged file whatever the parser comes upon.
    """
    sheets: dict[str, Sheet] = {}
    styles: dict[str, Look] = {}
    open_sheets: list[_Reading] = []
    elements = before_row = 0
    for event, item in ElementTree.iterparse(io.BytesIO(content), events=("start", "end")):
        if event == "start":
            elements += 1
            if elements > _MOST_ELEMENTS:
                raise TooLargeError
            if item.tag == f"{_TABLE}table-row":
                before_row = elements
            elif item.tag == f"{_TABLE}table":
                open_sheets.append(_Reading(Sheet(file, str(item.get(f"{_TABLE}name")))))
        elif item.tag == f"{_TABLE}table":
            reading = open_sheets.pop()
            reading.sheet.too_large = reading.last_row * reading.last_column > MOST_CELLS
            sheets[reading.sheet.name] = reading.sheet
            item.clear()
        elif item.tag == f"{_STYLE}style":
            styles[str(item.get(f"{_STYLE}name"))] = _style(item)
        elif item.tag == f"{_TABLE}table-column" and open_sheets:
            _read_column(open_sheets[-1], item)
        elif item.tag == f"{_TABLE}table-row" and open_sheets:
            _read_row(open_sheets[-1], item, styles)
            item.clear()
            elements = before_row
    return sheets


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
    sheet, count = reading.sheet, _count(item, "rows")
    if count <= _MOST_REPEATS:
        rows = range(reading.rows, reading.rows + count)
        if item.get(_VISIBILITY, "visible") != "visible" and len(sheet.hidden_rows) < MOST_CELLS:
            sheet.hidden_rows += rows
            sheet.filtered |= item.get(_VISIBILITY) == "filter"
        end = 0
        for cell in item:
            first, end = end, end + _count(cell, "columns")
            for column in range(first, end) if end - first <= _MOST_REPEATS else ():
                _read_cell(reading, rows, column, cell, styles)
    reading.rows += count


def _read_cell(
    reading: _Reading, rows: Iterable[int], column: int, cell: Element, styles: Mapping[str, Look]
) -> None:
    """Read a cell for each row in which it is repeated."""
    sheet = reading.sheet
    replaced, look = _replaced(cell), PLAIN
    note = " ".join(map(_paragraphs, cell.iterfind(f"{_OFFICE}annotation")))
    valued = cell.get(f"{_OFFICE}value-type") is not None
    if valued and not isinstance(replaced, Fault):
        by_column = (style for end, style in reading.styles if column < end)
        style = cell.get(f"{_TABLE}style-name") or next(by_column, "")
        look = _look(cell, styles.get(style, PLAIN), styles)
    across, down = (
        int(cell.get(f"{_TABLE}number-{what}-spanned", "1")) for what in ("columns", "rows")
    )
    for row in rows:
        reading.cells += 1
        if reading.cells > MOST_CELLS:
            raise TooLargeError
        if valued or replaced is not None:
            reading.last_row = row + 1
            reading.last_column = max(reading.last_column, column + 1)
        if replaced is not None:
            sheet.replaced[row, column] = replaced
        if look is not PLAIN:
            sheet.styled[row, column] = look
        if note:
            sheet.notes[row, column] = note
        if across > 1 or down > 1:
            sheet.merged.append(Range(row, column, row + down - 1, column + across - 1))


def _replaced(cell: Element) -> Raw | None:
    """Return what python-calamine misreads: errors, uncalculated formulas, times over a day."""
    kind = cell.get(f"{_OFFICE}value-type")
    if cell.get(f"{_CALC}value-type") == "error":
        return Fault("score-is-error", _paragraphs(cell))
    # A formula with an empty text as its value has an empty paragraph.
    unknown = kind is None and cell.find(f"{_TEXT}p") is None
    if unknown and cell.get(f"{_TABLE}formula") is not None:
        return Fault("formula-without-value", "")
    if kind != "time":
        return None
    text = str(cell.get(f"{_OFFICE}time-value"))
    parts = _TIME.fullmatch(text)
    if parts is None:
        return text
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _look(cell: Element, style: Look, styles: Mapping[str, Look]) -> Look:
    kind, look = cell.get(f"{_OFFICE}value-type"), style
    written = cell.find(f"{_TEXT}p") is not None
    if written and kind in ("float", "percentage", "currency"):
        stored = str(cell.get(f"{_OFFICE}value"))
        shown = text_look(_paragraphs(cell), stored, percent=kind == "percentage")
        if shown is not PLAIN:
            look = replace(shown, struck=style.struck, invisible=style.invisible)
    if any(styles.get(part.get(f"{_TEXT}style-name", ""), PLAIN).struck for part in cell.iter()):
        look = replace(look, struck=True)
    if cell.get(f"{_TABLE}formula") is not None:
        look = replace(look, formula=True)
    return look


def _paragraphs(item: Element) -> str:
    """Return the text of a cell or of a note."""
    return " ".join("".join(part.itertext()) for part in item.iterfind(f"{_TEXT}p")).strip()


def _count(item: Element, what: str) -> int:
    return int(item.get(f"{_TABLE}number-{what}-repeated", "1"))
