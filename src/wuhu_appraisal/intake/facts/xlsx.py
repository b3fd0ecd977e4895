"""The facts of .xlsx and .xlsm (ECMA-376, part 1, 18.3).

The sheet's XML is searched for the marks of what matters, which costs little, and its cells are
only gone through where there are any.
"""

import re
import zipfile
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from posixpath import normpath
from typing import NamedTuple

from defusedxml import ElementTree

from wuhu_appraisal.intake.facts.formats import look
from wuhu_appraisal.intake.facts.kinds import (
    MOST_CELLS,
    PLAIN,
    Fault,
    Look,
    Place,
    Range,
    SheetFacts,
)
from wuhu_appraisal.intake.facts.xlsx_styles import CellStyle, remarkable

WORKBOOK, _LINKS, _STYLES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"
_TEXTS = "xl/sharedStrings.xml"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*?\br="([A-Z]+)(\d+)")([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)', re.DOTALL
)
_VALUED = re.compile(rb'<(?:\w+:)?c\b(?=[^>]*?\br="([A-Z]+)(\d+)")[^>]*[^/]>')
_VALUE = re.compile(rb"<(?:\w+:)?v(?: [^>]*)?>([^<]+)</")
_STYLE = re.compile(rb'\bs="(\d+)"')
_FAR = re.compile(rb'"(?:[A-Z]{3,}\d|[A-Z]{0,2}\d{5})')
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row (?=[^>]*hidden="(?:1|true)")[^>]*?r="(\d+)"')
_HIDDEN_COLUMN = re.compile(
    rb'<(?:\w+:)?col (?=[^>]*hidden="(?:1|true)")(?=[^>]*?min="(\d+)")[^>]*?max="(\d+)"'
)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_HEAD = 2000


@dataclass(frozen=True, slots=True)
class _Book:
    """What the sheets of a workbook share."""

    styles: Mapping[int, CellStyle]
    struck_texts: frozenset[int]


def read(archive: zipfile.ZipFile) -> dict[str, SheetFacts]:
    """The facts of each sheet of an .xlsx or .xlsm by its name."""
    names = set(archive.namelist())
    texts = archive.read(_TEXTS) if _TEXTS in names else b""
    book = _Book(
        remarkable(archive.read(_STYLES)) if _STYLES in names else {},
        _struck_texts(texts) if b"strike" in texts else frozenset(),
    )
    found: dict[str, SheetFacts] = {}
    for name, part in _parts(archive.read(WORKBOOK), archive.read(_LINKS)):
        if part in names:
            found[name] = _sheet_facts(archive.read(part), book)
            folder, _slash, file = part.rpartition("/")
            links = f"{folder}/_rels/{file}.rels"
            if links in names:
                found[name].remarks = _remarks(archive, folder, archive.read(links), names)
    return found


@lru_cache(maxsize=64)
def _parts(workbook: bytes, links: bytes) -> tuple[tuple[str, str], ...]:
    """Each sheet's name and the part that holds it; workbooks of one maker have the same."""
    targets = {
        str(link.get("Id")): str(link.get("Target")) for link in ElementTree.fromstring(links)
    }
    found = []
    for sheet in ElementTree.fromstring(workbook).iter(f"{_MAIN}sheet"):
        target = targets.get(str(sheet.get(_LINK)), "")
        found.append((str(sheet.get("name")), _resolved("xl", target)))
    return tuple(found)


def _resolved(folder: str, target: str) -> str:
    """The part that a link from a folder's part leads to."""
    return target.removeprefix("/") if target.startswith("/") else normpath(f"{folder}/{target}")


def _struck_texts(content: bytes) -> frozenset[int]:
    """The numbers of the shared texts of which a piece is struck out."""
    return frozenset(
        number
        for number, item in enumerate(ElementTree.fromstring(content))
        if any(
            strike.get("val", "1") not in ("0", "false") for strike in item.iter(f"{_MAIN}strike")
        )
    )


def _remarks(
    archive: zipfile.ZipFile, folder: str, links: bytes, names: Set[str]
) -> dict[Place, str]:
    """The notes on cells; the threads of newer programs stand for the notes they leave beside."""
    found: dict[Place, str] = {}
    linked = [(str(link.get("Type")), link.get("Target")) for link in ElementTree.fromstring(links)]
    for kind in ("/comments", "/threadedComment"):
        written: dict[Place, list[str]] = {}
        for part in [
            _resolved(folder, str(target)) for name, target in linked if name.endswith(kind)
        ]:
            if part not in names:
                continue
            for item in ElementTree.fromstring(archive.read(part)).iter():
                reference = item.get("ref", "") if item.tag.endswith("omment") else ""
                place = _place(reference)
                if place is not None:
                    texts = (t.text or "" for t in item.iter() if t.tag.endswith(("}t", "}text")))
                    written.setdefault(place, []).append("".join(texts).strip())
        found |= {place: " ".join(texts) for place, texts in written.items()}
    return {place: text for place, text in found.items() if text}


def _place(reference: str) -> Place | None:
    found = re.fullmatch(r"([A-Z]{1,3})([1-9]\d{0,6})", reference)
    return (int(found[2]) - 1, column_number(found[1].encode()) - 1) if found else None


def _sheet_facts(xml: bytes, book: _Book) -> SheetFacts:
    facts = SheetFacts(too_large=_too_large(xml))
    if b"hidden=" in xml:
        facts.hidden_rows = [int(row) for row in _HIDDEN_ROW.findall(xml)]
        facts.hidden_columns = [
            column
            for first, last in _HIDDEN_COLUMN.findall(xml)
            for column in range(int(first), min(int(last), 16384) + 1)
        ]
        facts.filtered = b"filterColumn" in xml
    if b"mergeCell " in xml:
        facts.merged = [
            Range(int(top) - 1, column_number(left) - 1, int(bottom) - 1, column_number(right) - 1)
            for left, top, right, bottom in _MERGED.findall(xml)
        ]
    styled = any(b's="%d"' % style in xml for style in book.styles)
    struck = book.struck_texts or b"strike" in xml
    if styled or struck or b't="e"' in xml or _has_formula(xml):
        _look_through(xml, book, facts)
    return facts


class _Written(NamedTuple):
    """A cell as it stands in the XML."""

    attributes: bytes
    inner: bytes

    @property
    def numeric(self) -> bool:
        return b't="' not in self.attributes or b't="n"' in self.attributes


def _look_through(xml: bytes, book: _Book, facts: SheetFacts) -> None:
    """Fill in the faults and the looks of the cells that have any."""
    known: dict[tuple[int, bytes], Look] = {}
    for letters, row, attributes, inner in _CELL.findall(xml):
        cell = _Written(attributes, inner)
        place = (int(row) - 1, column_number(letters) - 1)
        value = _VALUE.search(inner)
        formula = _has_formula(inner)
        if b't="e"' in attributes:
            facts.faults[place] = Fault("score-is-error", value[1].decode() if value else "#N/A")
        elif formula and value is None and b't="str"' not in attributes:
            facts.faults[place] = Fault("formula-without-value", "")
        elif value is not None or b"<is" in inner:
            text = value[1] if value is not None else b""
            found = _look(cell, text, book, formula, known)
            if found is not PLAIN:
                facts.looks[place] = found


def _look(
    cell: _Written, text: bytes, book: _Book, formula: bool, known: dict[tuple[int, bytes], Look]
) -> Look:
    number = _STYLE.search(cell.attributes)
    style = book.styles.get(int(number[1])) if number else None
    found = PLAIN
    if style is not None:
        assert number is not None
        key = (int(number[1]), text if cell.numeric else b"")
        if key not in known:
            shown = look(style.format, text.decode()) if cell.numeric else PLAIN
            if style.struck or style.invisible:
                shown = replace(shown, struck=style.struck, invisible=style.invisible)
            known[key] = shown
        found = known[key]
    shared = book.struck_texts and b't="s"' in cell.attributes and int(text) in book.struck_texts
    if shared or b"strike" in cell.inner:
        found = replace(found, struck=True)
    if formula:
        found = replace(found, formula=True, format=style.format if style else "")
    return found


def _has_formula(xml: bytes) -> bool:
    if b"<f" in xml:
        return True
    prefixed = b"<worksheet" not in xml[:_HEAD]
    return prefixed and (b":f>" in xml or b":f " in xml)


def _too_large(xml: bytes) -> bool:
    """Whether the rectangle around all cells that hold something has more than MOST_CELLS."""
    if _FAR.search(xml) is None:
        return False
    rows = columns = 0
    for letters, row in _VALUED.findall(xml):
        rows, columns = max(rows, int(row)), max(columns, column_number(letters))
    return rows * columns > MOST_CELLS


def column_number(letters: bytes) -> int:
    """A column's 1-based number from its letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
