"""The facts of .xlsx and .xlsm (ECMA-376, part 1, 18.3).

The sheet's XML is searched for the marks of what matters, which costs little, and its cells are
only gone through where there are any.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from posixpath import normpath
from typing import NamedTuple
from xml.etree.ElementTree import Element, tostring

from defusedxml import ElementTree

from wuhu_appraisal.findings import address, column_index, parse_address
from wuhu_appraisal.workbooks.cell import (
    MOST_BYTES,
    MOST_CELLS,
    PLAIN,
    Fault,
    Look,
    Place,
    Range,
    SheetFacts,
    TooLargeError,
)
from wuhu_appraisal.workbooks.formats import BUILT_IN, harmless, look

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_WHITE = "FFFFFF"
_INDEXED = {"0": "000000", "1": _WHITE, "8": "000000", "9": _WHITE, "64": "000000", "65": _WHITE}
_THEME = {"0": _WHITE, "1": "000000"}


@dataclass(frozen=True, slots=True)
class CellStyle:
    """How the cells of one style look."""

    format: str
    struck: bool
    invisible: bool


@lru_cache(maxsize=64)
def remarkable(content: bytes) -> dict[int, CellStyle]:
    """The styles that can show something else than what the cell holds, by their numbers."""
    styles = ElementTree.fromstring(content)
    formats = dict(BUILT_IN)
    for item in styles.iter(f"{_MAIN}numFmt"):
        formats[int(str(item.get("numFmtId")))] = str(item.get("formatCode"))
    fonts, fills = (_children(styles, name) for name in ("fonts", "fills"))
    found: dict[int, CellStyle] = {}
    for number, item in enumerate(_children(styles, "cellXfs")):
        code = formats.get(int(item.get("numFmtId", "0")), "General")
        font, fill = _at(fonts, item.get("fontId")), _at(fills, item.get("fillId"))
        style = CellStyle(code, _struck(font), _ink(font) == _paper(fill))
        if style.struck or style.invisible or not harmless(code):
            found[number] = style
    return found


def _children(styles: Element, name: str) -> Sequence[Element]:
    found = styles.find(f"{_MAIN}{name}")
    return list(found) if found is not None else []


def _at(items: Sequence[Element], number: str | None) -> Element:
    index = int(number or "0")
    return items[index] if index < len(items) else Element("none")


def _struck(font: Element) -> bool:
    strike = font.find(f"{_MAIN}strike")
    return strike is not None and strike.get("val", "1") not in ("0", "false")


def _ink(font: Element) -> str:
    return _colour(font.find(f"{_MAIN}color"), "000000")


def _paper(fill: Element) -> str:
    pattern = fill.find(f"{_MAIN}patternFill")
    if pattern is None or pattern.get("patternType", "none") != "solid":
        return _WHITE
    # A solid fill that names no colour has the system's for writing, which is black.
    return _colour(pattern.find(f"{_MAIN}fgColor"), "000000")


def _colour(item: Element | None, default: str) -> str:
    """A colour by its red, green and blue where they are known, else by what names it."""
    if item is None:
        return default
    if item.get("rgb"):
        return str(item.get("rgb"))[-6:].upper()
    if item.get("theme") and not float(item.get("tint", "0")):
        return _THEME.get(str(item.get("theme")), f"theme {item.get('theme')}")
    if item.get("indexed"):
        return _INDEXED.get(str(item.get("indexed")), f"indexed {item.get('indexed')}")
    return default if not item.get("theme") else f"theme {item.get('theme')} {item.get('tint')}"


WORKBOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_MAIN_xlsx = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINKED = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}id",
)
_CELL = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*?\br="([A-Z]{1,3})(\d{1,7})")([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)',
    re.DOTALL,
)
_VALUED = re.compile(rb'<(?:\w+:)?c\b(?=[^>]*?\br="([A-Z]{1,3})(\d{1,7})")[^>]*[^/]>')
_IN_PIECES = re.compile(rb"<(?:\w+:)?v>[0-9.eE+-]*(?:&#|<(?!/))")
_CODED_ATTRIBUTE = re.compile(rb"<[^<>]*&#")
_VALUE = re.compile(rb"<(?:\w+:)?v(?: [^>]*)?>([^<]+)</")
_STYLE = re.compile(rb'\bs="(\d+)"')
_FAR = re.compile(rb' r="(?:[A-Z]{3}|[A-Z]{0,2}\d{5})')
_BEYOND = re.compile(rb' r="(?:[A-Z]{4}|[A-Z]{0,3}\d{8})')
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row (?=[^>]*hidden="(?:1|true)")[^>]*?r="(\d+)"')
_HIDDEN_COLUMN = re.compile(
    rb'<(?:\w+:)?col (?=[^>]*hidden="(?:1|true)")(?=[^>]*?min="(\d{1,7})")[^>]*?max="(\d{1,7})"'
)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_HEAD = 2000
_STRICT, _USUAL = (
    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
)
_SMALL_LETTERS = re.compile(rb'c r="[a-z]')
_MANNER = 20_000
"""What is enough of a sheet to see in which manner a program writes."""

MOST_TREE = 8_000_000
_MOST_RANGES, _MOST_MERGED = 1000, 20_000
_ZERO = re.compile(rb"0+(?:\.0+)?")


@dataclass(frozen=True, slots=True)
class _Book:
    """What the sheets of a workbook share."""

    styles: Mapping[int, CellStyle]
    struck_texts: frozenset[int]
    uncalculated: bool


def read(archive: zipfile.ZipFile) -> dict[str, SheetFacts]:
    """The facts of each sheet of an .xlsx or .xlsm by its name."""
    # A part is found whatever the case of its name.
    names = {name.lower(): name for name in archive.namelist()}
    links = archive.read(_LINKS)
    styles, shared = (_linked(links, kind, names) for kind in ("/styles", "/sharedStrings"))
    workbook = _transitional(archive.read(WORKBOOK))
    texts = archive.read(shared) if shared else b""
    book = _Book(
        remarkable(_tree_of(_transitional(archive.read(styles)))) if styles else {},
        _struck_texts(_tree_of(_transitional(texts))) if b"strike" in texts else frozenset(),
        b'fullCalcOnLoad="1"' in workbook or b'fullCalcOnLoad="true"' in workbook,
    )
    found: dict[str, SheetFacts] = {}
    unpacked = 0
    for name, target in _parts(_tree_of(workbook), links):
        part = names.get(target.lower())
        if part is None:
            continue
        xml = archive.read(part)
        unpacked += len(xml)
        if unpacked > MOST_BYTES:
            raise TooLargeError
        coded = b"&#" in xml
        odd = b"<!" in xml or xml.find(b"<?", 5) > 0
        if (coded or odd) and _IN_PIECES.search(xml):
            # The fast reader knows the first piece of such a number only.
            continue
        # Texts in character codes are usual: some programs write all Chinese so.
        odd = odd or (coded and _CODED_ATTRIBUTE.search(xml) is not None)
        found[name] = _sheet_facts(_usual(xml, odd=odd), book)
        folder, _slash, file = part.rpartition("/")
        beside = names.get(f"{folder}/_rels/{file}.rels".lower())
        if beside is not None:
            found[name].remarks = _remarks(archive, folder, archive.read(beside), names)
    return found


def _tree_of(xml: bytes) -> bytes:
    """A part that is made a tree of, which takes many times its size."""
    if len(xml) > MOST_TREE:
        raise TooLargeError
    return xml


def _linked(links: bytes, kind: str, names: Mapping[str, str]) -> str | None:
    """The part of a kind that the workbook links to."""
    for link in ElementTree.fromstring(_tree_of(links)):
        if str(link.get("Type")).endswith(kind):
            return names.get(_resolved("xl", str(link.get("Target"))).lower())
    return None


@lru_cache(maxsize=64)
def _parts(workbook: bytes, links: bytes) -> tuple[tuple[str, str], ...]:
    """Each sheet's name and the part that holds it; workbooks of one maker have the same."""
    targets = {
        str(link.get("Id")): str(link.get("Target")) for link in ElementTree.fromstring(links)
    }
    found = []
    for sheet in ElementTree.fromstring(workbook).iter(f"{_MAIN_xlsx}sheet"):
        link = next((sheet.get(name) for name in _LINKED if sheet.get(name)), "")
        target = targets.get(str(link), "")
        found.append((str(sheet.get("name")), _resolved("xl", target)))
    return tuple(found)


def _transitional(xml: bytes) -> bytes:
    """The XML with the names of the usual form of the format instead of the strict one's."""
    return xml.replace(_STRICT, _USUAL) if b"purl.oclc.org" in xml[:_HEAD] else xml


def _usual(xml: bytes, *, odd: bool) -> bytes:
    """A sheet as the searches expect it: every cell says where it stands, in double quotes.

    The format leaves more freedom than nearly all programs take, and one program writes all of a
    sheet in one way; what is ``odd`` is written anew.
    """
    xml = _transitional(xml)
    head = xml[:_MANNER]
    tag, end = (b"<c ", b"</c>") if b"<worksheet" in head else (b":c ", b":c>")
    cells, closed = xml.count(tag), xml.count(end)
    if cells > closed and cells > closed + xml.count(b"/>"):
        # Not well formed, and slow to search.
        raise ValueError("a tag is not closed")
    odd = odd or b"='" in xml or b" =" in head or b"= " in head
    odd = odd or _SMALL_LETTERS.search(head) is not None
    if not odd and closed <= cells == xml.count(tag + b'r="'):
        return xml
    sheet = ElementTree.fromstring(_tree_of(xml))
    row = 0
    for line in sheet.iter(f"{_MAIN_xlsx}row"):
        row = int(line.get("r", row + 1))
        line.set("r", str(row))
        column = 0
        for cell in line.iter(f"{_MAIN_xlsx}c"):
            place = parse_address(cell.get("r", "").upper())
            column = place[1] if place is not None else column
            cell.set("r", address(row - 1, column))
            column += 1
    return tostring(sheet)


def _resolved(folder: str, target: str) -> str:
    """The part that a link from a folder's part leads to."""
    return target.removeprefix("/") if target.startswith("/") else normpath(f"{folder}/{target}")


def _struck_texts(content: bytes) -> frozenset[int]:
    """The numbers of the shared texts of which a piece is struck out."""
    return frozenset(
        number
        for number, item in enumerate(ElementTree.fromstring(content))
        if any(
            strike.get("val", "1") not in ("0", "false")
            for strike in item.iter(f"{_MAIN_xlsx}strike")
        )
    )


def _remarks(
    archive: zipfile.ZipFile, folder: str, links: bytes, names: Mapping[str, str]
) -> dict[Place, str]:
    """The notes on cells; the threads of newer programs stand for the notes they leave beside."""
    found: dict[Place, str] = {}
    linked = dict.fromkeys(
        (str(link.get("Type")), link.get("Target"))
        for link in ElementTree.fromstring(_tree_of(links))
    )
    for kind in ("/comments", "/threadedComment"):
        written: dict[Place, list[str]] = {}
        for part in [
            _resolved(folder, str(target)) for name, target in linked if name.endswith(kind)
        ]:
            known = names.get(part.lower())
            if known is None:
                continue
            tree = ElementTree.fromstring(_tree_of(archive.read(known)))
            for item in (*tree, *(item for child in tree for item in child)):
                reference = item.get("ref", "") if item.tag.endswith("omment") else ""
                place = parse_address(reference)
                if place is not None:
                    texts = (t.text or "" for t in item.iter() if t.tag.endswith(("}t", "}text")))
                    written.setdefault(place, []).append("".join(texts).strip())
        found |= {place: " ".join(texts) for place, texts in written.items()}
    return {place: text for place, text in found.items() if text}


def _sheet_facts(xml: bytes, book: _Book) -> SheetFacts:
    facts = SheetFacts(too_large=_too_large(xml))
    if b"hidden=" in xml:
        _demand_closed(xml)
        facts.hidden_rows = [int(row) for row in _HIDDEN_ROW.findall(xml)]
        ranges = set(_HIDDEN_COLUMN.findall(xml))
        facts.too_large |= len(ranges) > _MOST_RANGES
        facts.hidden_columns = [
            column
            for first, last in ranges
            if len(ranges) <= _MOST_RANGES
            for column in range(int(first), min(int(last), 16384) + 1)
        ]
        facts.filtered = b"filterColumn" in xml
    if b"mergeCell " in xml:
        _demand_closed(xml)
        facts.merged = [
            Range(int(top) - 1, _column(left), int(bottom) - 1, _column(right))
            for left, top, right, bottom in _MERGED.findall(xml)
        ]
        facts.too_large |= len(facts.merged) > _MOST_MERGED
    styled = any(b's="%d"' % style in xml for style in book.styles)
    struck = book.struck_texts or b"strike" in xml
    zeros = b'showZeros="0"' in xml[:_HEAD] or b'showZeros="false"' in xml[:_HEAD]
    if styled or struck or zeros or b't="e"' in xml or _has_formula(xml):
        _look_through(xml, book, facts, zeros=zeros)
    return facts


class _Written(NamedTuple):
    """A cell as it stands in the XML."""

    attributes: bytes
    inner: bytes

    @property
    def numeric(self) -> bool:
        return b't="' not in self.attributes or b't="n"' in self.attributes


def _demand_closed(xml: bytes) -> None:
    """Refuse what is not well formed, and slow to search."""
    if xml.count(b"<") > xml.count(b">"):
        raise ValueError("a tag is not closed")


def _uncalculated(value: re.Match[bytes] | None, book: _Book) -> bool:
    """Whether a formula's value is none: a program that does not calculate leaves out, or 0."""
    return value is None or (book.uncalculated and _ZERO.fullmatch(value[1]) is not None)


def _look_through(xml: bytes, book: _Book, facts: SheetFacts, *, zeros: bool) -> None:
    """Fill in the faults and the looks of the cells that have any; ``zeros`` are not shown."""
    _demand_closed(xml)
    known: dict[tuple[int, bytes], Look] = {}
    for letters, row, attributes, inner in _CELL.findall(xml):
        cell = _Written(attributes, inner)
        place = (int(row) - 1, _column(letters))
        value = _VALUE.search(inner)
        formula = _has_formula(inner)
        if b't="e"' in attributes:
            facts.faults[place] = Fault("score-is-error", value[1].decode() if value else "#N/A")
        elif formula and b't="str"' not in attributes and _uncalculated(value, book):
            facts.faults[place] = Fault("formula-without-value", "")
        elif value is not None or b"<is" in inner or b":is>" in inner:
            text = value[1] if value is not None else b""
            found = _look(cell, text, book, formula, known)
            if zeros and cell.numeric and _ZERO.fullmatch(text):
                found = replace(found, shown="", fixed=True)
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
    if _BEYOND.search(xml) is not None:
        return True
    rows = columns = 0
    for letters, row in _VALUED.findall(xml):
        rows, columns = max(rows, int(row)), max(columns, _column(letters) + 1)
    return rows * columns > MOST_CELLS


def _column(letters: bytes) -> int:
    """Return the 0-based column that letters name."""
    return column_index(letters.decode())
