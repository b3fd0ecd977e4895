"""Read what python-calamine leaves out of .xlsx and .xlsm (ECMA-376, part 1, 18.3).

A sheet's XML is searched for the marks of what matters, which costs little; its cells are gone
through only where there are any.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence, Set
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
    Sheet,
    TooLargeError,
)
from wuhu_appraisal.workbooks.formats import BUILT_IN, is_harmless, number_look

WORKBOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT, _TRANSITIONAL = (
    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
)
_LINK_IDS = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}id",
)

_CELL = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*?\br="([A-Z]{1,3})(\d{1,7})")([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)',
    re.DOTALL,
)
_VALUED = re.compile(rb'<(?:\w+:)?c\b(?=[^>]*?\br="([A-Z]{1,3})(\d{1,7})")[^>]*[^/]>')
_VALUE = re.compile(rb"<(?:\w+:)?v(?: [^>]*)?>([^<]+)</")
_STYLE = re.compile(rb'\bs="(\d+)"')
_ZERO = re.compile(rb"0+(?:\.0+)?")
_FAR = re.compile(rb' r="(?:[A-Z]{3}|[A-Z]{0,2}\d{5})')
_BEYOND = re.compile(rb' r="(?:[A-Z]{4}|[A-Z]{0,3}\d{8})')
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row (?=[^>]*hidden="(?:1|true)")[^>]*?r="(\d+)"')
_HIDDEN_COLUMN = re.compile(
    rb'<(?:\w+:)?col (?=[^>]*hidden="(?:1|true)")(?=[^>]*?min="(\d{1,7})")[^>]*?max="(\d{1,7})"'
)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
_SPLIT_NUMBER = re.compile(rb"<(?:\w+:)?v>[0-9.eE+-]*(?:&#|<(?!/))")
_CODED_ATTRIBUTE = re.compile(rb"<[^<>]*&#")
_SMALL_LETTERS = re.compile(rb'c r="[a-z]')

_HEAD = 2000
_SAMPLE = 20_000
"""What is enough of a sheet to see how a program writes: each writes a whole sheet in one way."""

_MOST_TREE = 8_000_000
_MOST_RANGES, _MOST_MERGED, _MOST_COLUMNS = 1000, 20_000, 16_384

_WHITE, _BLACK = "FFFFFF", "000000"
_INDEXED = {"0": _BLACK, "1": _WHITE, "8": _BLACK, "9": _WHITE, "64": _BLACK, "65": _WHITE}
_THEME = {"0": _WHITE, "1": _BLACK}


class _CellStyle(NamedTuple):
    """How the cells of one style look."""

    format: str
    struck: bool
    invisible: bool


class _Link(NamedTuple):
    """A link from one part to another."""

    id: str
    kind: str
    part: str


@dataclass(frozen=True, slots=True)
class _Book:
    """What the sheets of a workbook share: styles by number, texts that are in part struck out."""

    styles: Mapping[int, _CellStyle]
    struck_texts: Set[int]
    uncalculated: bool


def read(file: str, archive: zipfile.ZipFile) -> dict[str, Sheet]:
    """Return each worksheet by its name, without its values.

    A sheet of which python-calamine would read only parts of numbers is left out. Raises
    TooLargeError, and for a damaged file whatever the parsers come upon.
    """
    package = _Package(archive)
    links = archive.read(_LINKS)
    workbook = _transitional(archive.read(WORKBOOK))
    parts = {link.kind.rpartition("/")[2]: link.part for link in reversed(_links("xl", links))}
    styles, texts = (
        _transitional(package.read(parts.get(kind, "")) or b"")
        for kind in ("styles", "sharedStrings")
    )
    struck_texts = {
        number
        for number, item in enumerate(_tree(texts) if b"strike" in texts else ())
        if any(map(_is_struck, item.iter(f"{_MAIN}strike")))
    }
    book = _Book(
        _remarkable_styles(styles) if styles else {},
        struck_texts,
        b'fullCalcOnLoad="1"' in workbook or b'fullCalcOnLoad="true"' in workbook,
    )
    sheets: dict[str, Sheet] = {}
    unpacked = 0
    for name, part in _sheet_parts(workbook, links):
        xml = package.read(part)
        if xml is None:
            continue
        unpacked += len(xml)
        if unpacked > MOST_BYTES:
            raise TooLargeError
        usual = _usual(xml)
        if usual is not None:
            sheets[name] = _read_sheet(Sheet(file, name), usual, book)
            sheets[name].notes = _notes(package, part)
            if b"tablePart" in xml:
                sheets[name].totals = _totals_rows(package, part)
    return sheets


class _Package:
    """The parts of a workbook, each found whatever the case of its name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lower(): name for name in archive.namelist()}

    def read(self, part: str) -> bytes | None:
        """Return the content of a part, None where there is no such part."""
        name = self._names.get(part.lower())
        return None if name is None else self._archive.read(name)


def _tree(xml: bytes) -> Element:
    """Parse a part; a tree takes many times the size of its XML. Raises TooLargeError."""
    if len(xml) > _MOST_TREE:
        raise TooLargeError
    tree: Element = ElementTree.fromstring(xml)
    return tree


def _transitional(xml: bytes) -> bytes:
    """Return the XML with the names of the usual form of the format instead of the strict one's."""
    return xml.replace(_STRICT, _TRANSITIONAL) if b"purl.oclc.org" in xml[:_HEAD] else xml


@lru_cache(maxsize=64)
def _links(folder: str, xml: bytes) -> tuple[_Link, ...]:
    """Return the links from a part in a folder, each once."""
    links: dict[_Link, None] = {}
    for item in _tree(xml):
        target = item.get("Target", "")
        part = target[1:] if target.startswith("/") else normpath(f"{folder}/{target}")
        links[_Link(item.get("Id", ""), item.get("Type", ""), part)] = None
    return tuple(links)


@lru_cache(maxsize=64)
def _sheet_parts(workbook: bytes, links: bytes) -> tuple[tuple[str, str], ...]:
    """Return the name and the part of each sheet; workbooks of one program have the same."""
    parts = {link.id: link.part for link in _links("xl", links)}
    sheets = []
    for sheet in _tree(workbook).iter(f"{_MAIN}sheet"):
        link = next(filter(None, map(sheet.get, _LINK_IDS)), "")
        sheets.append((str(sheet.get("name")), parts.get(link, "")))
    return tuple(sheets)


# --- Styles


@lru_cache(maxsize=64)
def _remarkable_styles(xml: bytes) -> dict[int, _CellStyle]:
    """Return the styles that can show something else than a cell holds, by their numbers."""
    tree = _tree(xml)
    formats = dict(BUILT_IN)
    for item in tree.iter(f"{_MAIN}numFmt"):
        formats[int(str(item.get("numFmtId")))] = str(item.get("formatCode"))
    fonts, fills, cells = (
        list(tree.iterfind(f"{_MAIN}{name}/*")) for name in ("fonts", "fills", "cellXfs")
    )
    styles: dict[int, _CellStyle] = {}
    for number, item in enumerate(cells):
        code = formats.get(int(item.get("numFmtId", "0")), "General")
        font, fill = _at(fonts, item.get("fontId")), _at(fills, item.get("fillId"))
        ink = _colour(font.find(f"{_MAIN}color"), _BLACK)
        style = _CellStyle(code, _is_struck(font.find(f"{_MAIN}strike")), ink == _paper(fill))
        if style.struck or style.invisible or not is_harmless(code):
            styles[number] = style
    return styles


def _at(items: Sequence[Element], number: str | None) -> Element:
    index = int(number or "0")
    return items[index] if index < len(items) else Element("none")


def _is_struck(strike: Element | None) -> bool:
    return strike is not None and strike.get("val", "1") not in ("0", "false")


def _paper(fill: Element) -> str:
    pattern = fill.find(f"{_MAIN}patternFill")
    if pattern is None or pattern.get("patternType", "none") != "solid":
        return _WHITE
    # A solid fill that names no colour has the system's for writing, which is black.
    return _colour(pattern.find(f"{_MAIN}fgColor"), _BLACK)


def _colour(item: Element | None, default: str) -> str:
    """Return a colour by its red, green and blue where they are known, else by what names it."""
    if item is None:
        return default
    rgb, theme, indexed = (item.get(name, "") for name in ("rgb", "theme", "indexed"))
    if rgb:
        return rgb[-6:].upper()
    if theme and not float(item.get("tint", "0")):
        return _THEME.get(theme, f"theme {theme}")
    if indexed:
        return _INDEXED.get(indexed, f"indexed {indexed}")
    return f"theme {theme} {item.get('tint')}" if theme else default


# --- Notes


def _notes(package: _Package, sheet: str) -> dict[Place, str]:
    """Return the notes on a sheet's cells.

    Newer programs leave a note beside each thread of comments, which the thread replaces.
    """
    folder, _slash, name = sheet.rpartition("/")
    links = package.read(f"{folder}/_rels/{name}.rels")
    notes: dict[Place, str] = {}
    if links is None:
        return notes
    for kind in ("/comments", "/threadedComment"):
        parts = {link.part: None for link in _links(folder, links) if link.kind.endswith(kind)}
        texts: dict[Place, list[str]] = {}
        for xml in filter(None, map(package.read, parts)):
            tree = _tree(xml)
            for item in (*tree, *(item for child in tree for item in child)):
                place = parse_address(item.get("ref", "")) if item.tag.endswith("omment") else None
                if place is not None:
                    pieces = (t.text or "" for t in item.iter() if t.tag.endswith(("}t", "}text")))
                    texts.setdefault(place, []).append("".join(pieces).strip())
        notes |= {place: " ".join(lines) for place, lines in texts.items()}
    return {place: text for place, text in notes.items() if text}


def _totals_rows(package: _Package, sheet: str) -> list[int]:
    """Return the 0-based rows of totals of the tables in a sheet (ECMA-376 18.5.1.2)."""
    folder, _slash, name = sheet.rpartition("/")
    links = package.read(f"{folder}/_rels/{name}.rels")
    rows: list[int] = []
    for link in _links(folder, links) if links is not None else ():
        xml = package.read(link.part) if link.kind.endswith("/table") else None
        table = _tree(xml) if xml is not None else None
        if table is not None and table.get("totalsRowCount", "0") != "0":
            last = parse_address(table.get("ref", "").rpartition(":")[2])
            rows += [last[0]] if last is not None else []
    return rows


# --- Sheets


def _usual(xml: bytes) -> bytes | None:
    """Return a sheet as the searches expect it: every cell with its address in double quotes.

    The format leaves more freedom than nearly all programs use; what is odd is written anew. None
    for a sheet with numbers of which python-calamine would read only the first piece. Raises
    TooLargeError, and ValueError for what is not well formed.
    """
    coded = b"&#" in xml
    odd = b"<!" in xml or xml.find(b"<?", 5) > 0
    if (coded or odd) and _SPLIT_NUMBER.search(xml):
        return None
    # Texts in character codes are usual: some programs write all Chinese so.
    odd = odd or (coded and _CODED_ATTRIBUTE.search(xml) is not None)
    xml = _transitional(xml)
    head = xml[:_SAMPLE]
    tag, end = (b"<c ", b"</c>") if b"<worksheet" in head else (b":c ", b":c>")
    cells, closed = xml.count(tag), xml.count(end)
    if cells > closed and cells > closed + xml.count(b"/>"):
        # Not well formed, and slow to search.
        raise ValueError("a tag is not closed")
    odd = odd or b"='" in xml or b" =" in head or b"= " in head
    odd = odd or _SMALL_LETTERS.search(head) is not None
    if not odd and closed <= cells == xml.count(tag + b'r="'):
        return xml
    sheet = _tree(xml)
    number = 0
    for row in sheet.iter(f"{_MAIN}row"):
        number = int(row.get("r", number + 1))
        row.set("r", str(number))
        column = -1
        for cell in row.iter(f"{_MAIN}c"):
            place = parse_address(cell.get("r", "").upper())
            column = place[1] if place is not None else column + 1
            cell.set("r", address(number - 1, column))
    return tostring(sheet)


def _read_sheet(sheet: Sheet, xml: bytes, book: _Book) -> Sheet:
    """Fill in what is merged or hidden in a sheet, and the cells that do not look plain."""
    sheet.too_large = _is_too_large(xml)
    styled = any(b's="%d"' % style in xml for style in book.styles)
    struck = book.struck_texts or b"strike" in xml
    no_zeros = b'showZeros="0"' in xml[:_HEAD] or b'showZeros="false"' in xml[:_HEAD]
    cells = styled or struck or no_zeros or b't="e"' in xml or _has_formula(xml)
    hidden, merged = b"hidden=" in xml, b"mergeCell " in xml
    if (cells or hidden or merged) and xml.count(b"<") > xml.count(b">"):
        # Not well formed, and slow to search.
        raise ValueError("a tag is not closed")
    if hidden:
        sheet.hidden_rows = [int(row) - 1 for row in _HIDDEN_ROW.findall(xml)]
        ranges = set(_HIDDEN_COLUMN.findall(xml))
        if len(ranges) > _MOST_RANGES:
            sheet.too_large = True
        else:
            sheet.hidden_columns = [
                column
                for first, last in ranges
                for column in range(int(first) - 1, min(int(last), _MOST_COLUMNS))
            ]
        sheet.filtered = b"filterColumn" in xml
    if merged:
        sheet.merged = [
            Range(int(top) - 1, _column(left), int(bottom) - 1, _column(right))
            for left, top, right, bottom in _MERGED.findall(xml)
        ]
        sheet.too_large |= len(sheet.merged) > _MOST_MERGED
    if cells:
        _read_cells(sheet, xml, book, no_zeros=no_zeros)
    return sheet


def _is_too_large(xml: bytes) -> bool:
    """Return whether the rectangle around all cells that hold anything has over MOST_CELLS."""
    if _FAR.search(xml) is None:
        return False
    if _BEYOND.search(xml) is not None:
        return True
    rows = columns = 0
    for letters, row in _VALUED.findall(xml):
        rows, columns = max(rows, int(row)), max(columns, _column(letters) + 1)
    return rows * columns > MOST_CELLS


def _has_formula(xml: bytes) -> bool:
    if b"<f" in xml:
        return True
    prefixed = b"<worksheet" not in xml[:_HEAD]
    return prefixed and (b":f>" in xml or b":f " in xml)


def _read_cells(sheet: Sheet, xml: bytes, book: _Book, *, no_zeros: bool) -> None:
    """Go through all cells; with ``no_zeros`` the sheet shows none."""
    for letters, row, attributes, inner in _CELL.findall(xml):
        place = (int(row) - 1, _column(letters))
        value = _VALUE.search(inner)
        text = value[1] if value is not None else b""
        formula = _has_formula(inner)
        # A program that does not calculate leaves the value out, or writes 0.
        unknown = value is None or (book.uncalculated and _ZERO.fullmatch(text))
        if b't="e"' in attributes:
            sheet.replaced[place] = Fault("score-is-error", text.decode() or "#N/A")
        elif formula and unknown and b't="str"' not in attributes:
            sheet.replaced[place] = Fault("formula-without-value", "")
        elif value is not None or b"<is" in inner or b":is>" in inner:
            number = b't="' not in attributes or b't="n"' in attributes
            match = _STYLE.search(attributes)
            style = book.styles.get(int(match[1])) if match else None
            look = _style_look(style, text if number else b"") if style else PLAIN
            shared = book.struck_texts and b't="s"' in attributes
            if b"strike" in inner or (shared and int(text) in book.struck_texts):
                look = replace(look, struck=True)
            if formula:
                look = replace(look, formula=True, format=style.format if style else "")
            if no_zeros and number and _ZERO.fullmatch(text):
                look = replace(look, shown="", fixed=True)
            if look is not PLAIN:
                sheet.styled[place] = look


@lru_cache(maxsize=65536)
def _style_look(style: _CellStyle, number: bytes) -> Look:
    """Return how a style shows a cell that holds a number, or b'' for anything else."""
    look = number_look(style.format, number.decode()) if number else PLAIN
    if style.struck or style.invisible:
        look = replace(look, struck=style.struck, invisible=style.invisible)
    return look


def _column(letters: bytes) -> int:
    return column_index(letters.decode())
