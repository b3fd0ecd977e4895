"""The facts of .ods (OpenDocument 1.3, part 3, 9): gone through row by row, each let go of."""

import io
import re
from collections.abc import Iterable, Iterator
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
    SheetFacts,
    TooLargeError,
)
from wuhu_appraisal.workbooks.formats import as_shown

CONTENT = "content.xml"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_TIME = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_MOST_STYLES, _MOST_LIVE = 2000, 1_000_000
_MOST_REPEATS = 1000
"""Cells and rows that repeat more often than this are the empty rest of a sheet."""


@dataclass(slots=True)
class _Sheet:
    """A sheet as far as it was gone through."""

    facts: SheetFacts = field(default_factory=SheetFacts)
    rows: int = 0
    columns: int = 0
    last_row: int = 0
    last_column: int = 0
    styles: list[tuple[int, str]] = field(default_factory=list)
    noted: int = 0

    def style_of(self, column: int) -> str:
        """The style of a 0-based column's cells that have none of their own."""
        return next((style for end, style in self.styles if column < end), "")


def read(content: bytes) -> dict[str, SheetFacts]:
    """The facts of each sheet by its name."""
    found: dict[str, SheetFacts] = {}
    styles: dict[str, Look] = {}
    open_sheets: list[_Sheet] = []
    events = ElementTree.iterparse(io.BytesIO(content), events=("start", "end"))
    live = 0
    before_row = 0
    for event, item in events:
        if event == "start":
            live += 1
            if live > _MOST_LIVE:
                raise TooLargeError
            if item.tag == f"{_TABLE}table-row":
                before_row = live
        if item.tag == f"{_TABLE}table":
            if event == "start":
                open_sheets.append(_Sheet())
            else:
                sheet = open_sheets.pop()
                sheet.facts.too_large = sheet.last_row * sheet.last_column > MOST_CELLS
                found[str(item.get(f"{_TABLE}name"))] = sheet.facts
                item.clear()
        elif event == "start":
            continue
        elif item.tag == f"{_STYLE}style":
            styles[str(item.get(f"{_STYLE}name"))] = _style(item)
        elif item.tag == f"{_TABLE}table-column" and open_sheets:
            _column(open_sheets[-1], item)
        elif item.tag == f"{_TABLE}table-row" and open_sheets:
            _row(open_sheets[-1], item, styles)
            item.clear()
            live = before_row
    return found


def _style(item: Element) -> Look:
    """What a cell style says of its text: struck out, or in the colour of its background."""
    struck, ink, paper = False, "#000000", "#ffffff"
    for part in item:
        lines = (
            part.get(f"{_STYLE}text-line-through-{what}", "none") for what in ("style", "type")
        )
        struck = struck or any(line != "none" for line in lines)
        ink = part.get(f"{_FO}color", ink)
        paper = part.get(f"{_FO}background-color", paper)
    paper = "#ffffff" if paper == "transparent" else paper
    return Look(struck=struck, invisible=ink.lower() == paper.lower())


def _column(sheet: _Sheet, item: Element) -> None:
    count = _count(item, "columns")
    style = item.get(f"{_TABLE}default-cell-style-name", "")
    sheet.styles.append((sheet.columns + count, style))
    if len(sheet.styles) > _MOST_STYLES:
        raise TooLargeError
    if _hidden(item) and count <= _MOST_REPEATS:
        sheet.facts.hidden_columns += range(sheet.columns + 1, sheet.columns + count + 1)
    sheet.columns += count


def _row(sheet: _Sheet, item: Element, styles: dict[str, Look]) -> None:
    count = _count(item, "rows")
    if count <= _MOST_REPEATS:
        rows = range(sheet.rows, sheet.rows + count)
        if _hidden(item) and len(sheet.facts.hidden_rows) < MOST_CELLS:
            sheet.facts.hidden_rows += [row + 1 for row in rows]
            sheet.facts.filtered |= item.get(f"{_TABLE}visibility") == "filter"
        for column, cell in _cells(item):
            _note(sheet, rows, column, cell, styles)
    sheet.rows += count


def _note(
    sheet: _Sheet, rows: Iterable[int], column: int, cell: Element, styles: dict[str, Look]
) -> None:
    """What is to be known of a cell, for each row in which it is repeated."""
    facts = sheet.facts
    fault, look = _fault(cell), PLAIN
    remark = " ".join(map(_words, cell.iterfind(f"{_OFFICE}annotation")))
    valued = cell.get(f"{_OFFICE}value-type") is not None
    if valued and fault is None:
        name = cell.get(f"{_TABLE}style-name") or sheet.style_of(column)
        look = _look(cell, styles.get(name, PLAIN), styles)
    across, down = (
        int(cell.get(f"{_TABLE}number-{what}-spanned", "1")) for what in ("columns", "rows")
    )
    for row in rows:
        sheet.noted += 1
        if sheet.noted > MOST_CELLS:
            raise TooLargeError
        place = (row, column)
        if valued or fault is not None:
            sheet.last_row, sheet.last_column = row + 1, max(sheet.last_column, column + 1)
        if fault is not None:
            facts.faults[place] = fault
        if cell.get(f"{_OFFICE}value-type") == "time":
            facts.left_out[place] = _duration(str(cell.get(f"{_OFFICE}time-value")))
        if look is not PLAIN:
            facts.looks[place] = look
        if remark:
            facts.remarks[place] = remark
        if across > 1 or down > 1:
            facts.merged.append(Range(row, column, row + down - 1, column + across - 1))


def _fault(cell: Element) -> Fault | None:
    kind = cell.get(f"{_OFFICE}value-type")
    if cell.get(f"{_CALC}value-type") == "error":
        return Fault("score-is-error", _words(cell))
    # What came to an empty text has an empty paragraph.
    unknown = kind is None and cell.find(f"{_TEXT}p") is None
    if unknown and cell.get(f"{_TABLE}formula") is not None:
        return Fault("formula-without-value", "")
    return None


def _duration(text: str) -> timedelta | str:
    """A time as the file holds it, PT70H20M10S; the fast reader knows only those below a day."""
    found = _TIME.fullmatch(text)
    if found is None:
        return text
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _look(cell: Element, style: Look, styles: dict[str, Look]) -> Look:
    look = style
    written = cell.find(f"{_TEXT}p") is not None
    if written and cell.get(f"{_OFFICE}value-type") in ("float", "percentage", "currency"):
        percent = cell.get(f"{_OFFICE}value-type") == "percentage"
        seen = as_shown(_words(cell), str(cell.get(f"{_OFFICE}value")), percent=percent)
        if seen is not PLAIN:
            look = replace(seen, struck=look.struck, invisible=look.invisible)
    if any(styles.get(part.get(f"{_TEXT}style-name", ""), PLAIN).struck for part in cell.iter()):
        look = replace(look, struck=True)
    if cell.get(f"{_TABLE}formula") is not None:
        look = replace(look, formula=True)
    return PLAIN if look == PLAIN else look


def _words(item: Element) -> str:
    """The paragraphs of a cell or of a note."""
    return " ".join("".join(part.itertext()) for part in item.iterfind(f"{_TEXT}p")).strip()


def _hidden(item: Element) -> bool:
    return item.get(f"{_TABLE}visibility", "visible") != "visible"


def _count(item: Element, what: str) -> int:
    return int(item.get(f"{_TABLE}number-{what}-repeated", "1"))


def _cells(row: Element) -> Iterator[tuple[int, Element]]:
    """The cells of a row with their 0-based columns, as often as each is repeated."""
    column = 0
    for cell in row:
        count = _count(cell, "columns")
        if count <= _MOST_REPEATS:
            for offset in range(count):
                yield column + offset, cell
        column += count
