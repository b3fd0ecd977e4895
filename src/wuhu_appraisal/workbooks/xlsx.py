"""Read what python-calamine leaves out of .xlsx and .xlsm (ECMA-376, part 1, 18.3).

A sheet's XML is searched for the marks of what matters, which costs little; its cells are gone
through only where there are any. Python-calamine then reads a package that is written here of what
was searched, so that it cannot take one of two parts, tables or cells where the other was searched.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import groupby, pairwise
from math import isfinite
from typing import NamedTuple
from xml.etree.ElementTree import Element, tostring

from wuhu_appraisal.findings import Finding, Source, address, column_index, finding, parse_address
from wuhu_appraisal.language import N_
from wuhu_appraisal.workbooks.cell import (
    MOST_BYTES,
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
from wuhu_appraisal.workbooks.formats import BUILT_IN, is_harmless, number_look
from wuhu_appraisal.workbooks.package import (
    HEAD,
    MAIN,
    Link,
    Package,
    parse_xml,
    transitional,
    write_part,
    write_workbook,
)

_LINK_IDS = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}id",
)
_NO_TABLES = {"chartsheet", "dialogsheet", "xlMacrosheet", "xlIntlMacrosheet"}
"""The kinds of sheets that hold no table of cells with scores."""

_STATES = {"hidden": "hidden", "veryHidden": "very-hidden"}

_PREFIX = re.compile(rb"<(\w+):worksheet\b")
_TABLE = re.compile(rb"<sheetData(?:>|[^<>]*[^<>/]>)")
_ROW = re.compile(rb"<row ([^<>]*)>")
_ROW_NUMBER = re.compile(rb'<row (?:[^<>]*? )?r="(\d+)"')
_NUMBERED = re.compile(rb'\br="(\d+)"')
_ADDRESS = re.compile(rb'<c r="([A-Z]{1,3}[0-9]+)"')
_CELL = re.compile(rb'r="([A-Z]{1,3})(\d{1,7})"([^<>]*)>')
_VALUED = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"(?:[^<>]*[^<>/])?>')
_OF_ANOTHER_FORMAT = re.compile(rb":(?:sheetData|row|c|f|v|is|t)[\s/>]")
_CELL_TAG = re.compile(rb"<c[\s/>]")
_VALUE = re.compile(rb"<v(?:\s[^<>]*)?>([^<]*)</v\s*>")
_STYLE = re.compile(rb'\bs="(\d+)"')
_FORMULA = re.compile(rb"<f[\s/>]")
_FORMULAS = (b"<f>", b"<f ", b"<f/", b"<f\n", b"<f\r", b"<f\t")
_FILLED = re.compile(rb'<f\s(?=[^<>]*\bt="(?:array|dataTable)")[^<>]*?\bref="([^"]*)"')
_REMARKABLE_VALUE = re.compile(rb"<v(?!>[0-9]{1,300}+(?:\.[0-9]++)?+</v></c>)")
_NUMBER = re.compile(rb"\s*[-+]?(\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*")
_FAR = re.compile(rb' r="(?:[A-Z]{3}|[A-Z]{0,2}\d{5})')
_BEYOND = re.compile(rb' r="(?:[A-Z]{4}|[A-Z]{0,3}\d{8})')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_SHOWN = re.compile(rb'\bhidden="(?:0|false)"')
_HEIGHT = re.compile(rb'\bht="')
_FLAT, _NARROW = re.compile(rb'\bht="0[.0]*"'), re.compile(rb'\bwidth="0[.0]*"')
_NO_HEIGHT = re.compile(
    rb'<sheetFormatPr [^<>]*(?:\bzeroHeight="(?:1|true)"|\bdefaultRowHeight="0[.0]*")'
)
_NO_WIDTH = re.compile(rb'<sheetFormatPr [^<>]*\bdefaultColWidth="0[.0]*"')
_COLUMNS = re.compile(rb'<col (?=[^<>]*\bmin="(\d{1,7})")(?=[^<>]*\bmax="(\d{1,7})")([^<>]*)>')
_MERGED = re.compile(rb'<mergeCell [^<>]*?\bref="([^"]*)"')
_RANGE = re.compile(r"\$?([A-Z]{0,3})\$?(\d{0,7})(?::\$?([A-Z]{0,3})\$?(\d{0,7}))?")
_CODED_VALUE = re.compile(rb"<(?:\w+:)?v>[^<]*&#")
_CODED_ATTRIBUTE = re.compile(rb"<[^<>]*&#")
_CAPITALS = bytes(range(ord("A"), ord("Z") + 1))

_DECLARED = 10
_SAMPLE = 20_000
"""What is enough of a sheet to see how a program writes: each writes a whole sheet in one way."""

_LONGEST_NUMBER = 400
"""No program writes a number with more characters."""

_MOST_COMPARED = 20_000_000
_MOST_RANGES, _MOST_MERGED = 1000, 20_000
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384

_WHITE, _BLACK = "FFFFFF", "000000"
_INDEXED = {"0": _BLACK, "1": _WHITE, "8": _BLACK, "9": _WHITE, "64": _BLACK, "65": _WHITE}
_THEME = {"0": _WHITE, "1": _BLACK}

_TWO_TABLES = N_("it has two tables of cells")
_TWO_ROWS = N_("this row stands in it twice")
_TWO_CELLS = N_("this cell stands in it twice with different contents")
_TWO_VALUES = N_("this cell has two values")


class _CellStyle(NamedTuple):
    """How the cells of one style look."""

    format: str
    struck: bool
    invisible: bool


class _Workbook(NamedTuple):
    """What a workbook says of its sheets: their names, how they are hidden, and their links.

    An entry without a link is no sheet: Excel keeps an old module of macros so. ``uncalculated``
    means that the formulas are still to be calculated.
    """

    sheets: tuple[tuple[str, str, str], ...]
    since_1904: bool
    uncalculated: bool


@dataclass(frozen=True, slots=True)
class _Book:
    """What the sheets of a workbook share: styles by number, texts that are in part struck out."""

    styles: Mapping[int, _CellStyle]
    struck_texts: Set[int]
    uncalculated: bool


class _DamagedError(Exception):
    """A sheet says two things of which only one can be meant: what, and at which cell."""


def read(
    file: str, package: Package, part: str, xml: bytes
) -> tuple[dict[str, Sheet], io.BytesIO, list[Finding]]:
    """Return each worksheet without its values, the package to read these from, and findings.

    ``xml`` is the part that is the workbook. In the package that is returned the sheets have the
    names by which they are returned. A sheet that cannot be read is a finding. Raises TooLargeError,
    and for a damaged file whatever the parsers come upon.
    """
    links = package.links(part)
    workbook = _workbook(transitional(xml))
    parts = {link.kind.rpartition("/")[2]: link.part for link in reversed(links)}
    styles, texts = (
        transitional(package.read(parts.get(kind, "")) or b"")
        for kind in ("styles", "sharedStrings")
    )
    struck_texts = {
        number
        for number, item in enumerate(parse_xml(texts) if b"strike" in texts else ())
        if any(map(_is_struck, item.iter(f"{MAIN}strike")))
    }
    book = _Book(_remarkable_styles(styles) if styles else {}, struck_texts, workbook.uncalculated)
    sheets: dict[str, Sheet] = {}
    findings: list[Finding] = []
    made = io.BytesIO()
    unpacked = 0
    with zipfile.ZipFile(made, "w") as archive:
        for sheet, link in _worksheets(file, workbook, links):
            where = Source(file, sheet.name)
            content = package.read(link)
            if content is None:
                findings.append(finding("sheet-unreadable", where))
                continue
            unpacked += len(content)
            if unpacked > MOST_BYTES:
                raise TooLargeError
            try:
                content = _read_sheet(sheet, _usual(content), book)
                sheet.notes = _notes(package, link)
                sheet.totals = _totals_rows(package, link)
            except _DamagedError as error:
                problem, cell = error.args
                where = replace(where, cell=cell)
                findings.append(finding("sheet-damaged", where, problem_word=problem))
                continue
            except (ValueError, SyntaxError):
                findings.append(finding("sheet-unreadable", where))
                continue
            number = str(len(sheets) + 1)
            sheets[number] = sheet
            write_part(archive, f"xl/{number}.xml", b"<worksheet>", content, b"</worksheet>")
        write_workbook(
            archive, sheets, workbook.since_1904, {"styles": styles, "sharedStrings": texts}
        )
    made.seek(0)
    return sheets, made, findings


@lru_cache(maxsize=64)
def _workbook(xml: bytes) -> _Workbook:
    """Return what a workbook says; those of one program say the same."""
    tree = parse_xml(xml)
    dates, settings = (tree.find(f"{MAIN}{name}") for name in ("workbookPr", "calcPr"))
    return _Workbook(
        tuple(
            # A program shows a sheet whose state it does not know.
            (str(item.get("name")), _STATES.get(item.get("state", ""), ""), number)
            for item in tree.iter(f"{MAIN}sheet")
            if (number := next(filter(None, map(item.get, _LINK_IDS)), ""))
        ),
        dates is not None and dates.get("date1904") in ("1", "true"),
        settings is not None
        and (
            settings.get("fullCalcOnLoad") in ("1", "true")
            or settings.get("calcCompleted") in ("0", "false")
        ),
    )


def _worksheets(
    file: str, workbook: _Workbook, links: Iterable[Link]
) -> Iterator[tuple[Sheet, str]]:
    """Yield each worksheet, and the part that it is."""
    parts = {link.id: link for link in links}
    for name, hidden, number in workbook.sheets:
        link = parts.get(number, Link("", "", ""))
        if link.kind.rpartition("/")[2] not in _NO_TABLES:
            yield Sheet(file, name, hidden=hidden), link.part


# --- Styles


@lru_cache(maxsize=64)
def _remarkable_styles(xml: bytes) -> dict[int, _CellStyle]:
    """Return the styles that can show something else than a cell holds, by their numbers."""
    tree = parse_xml(xml)
    formats = dict(BUILT_IN)
    for item in tree.iter(f"{MAIN}numFmt"):
        formats[int(str(item.get("numFmtId")))] = str(item.get("formatCode"))
    fonts, fills, cells = (
        list(tree.iterfind(f"{MAIN}{name}/*")) for name in ("fonts", "fills", "cellXfs")
    )
    styles: dict[int, _CellStyle] = {}
    for number, item in enumerate(cells):
        code = formats.get(int(item.get("numFmtId", "0")), "General")
        font, fill = _at(fonts, item.get("fontId")), _at(fills, item.get("fillId"))
        ink = _colour(font.find(f"{MAIN}color"), _BLACK)
        style = _CellStyle(code, _is_struck(font.find(f"{MAIN}strike")), ink == _paper(fill))
        if style.struck or style.invisible or not is_harmless(code):
            styles[number] = style
    return styles


def _at(items: Sequence[Element], number: str | None) -> Element:
    index = int(number or "0")
    return items[index] if index < len(items) else Element("none")


def _is_struck(strike: Element | None) -> bool:
    return strike is not None and strike.get("val", "1") not in ("0", "false")


def _paper(fill: Element) -> str:
    pattern = fill.find(f"{MAIN}patternFill")
    if pattern is None or pattern.get("patternType", "none") != "solid":
        return _WHITE
    # A solid fill that names no colour has the system's for writing, which is black.
    return _colour(pattern.find(f"{MAIN}fgColor"), _BLACK)


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


def _notes(package: Package, sheet: str) -> dict[Place, str]:
    """Return the notes on a sheet's cells.

    Newer programs leave a note beside each thread of comments, which the thread replaces.
    """
    notes: dict[Place, str] = {}
    links = package.links(sheet)
    for kind in ("/comments", "/threadedComment") if links else ():
        parts = {link.part: None for link in links if link.kind.endswith(kind)}
        texts: dict[Place, list[str]] = {}
        for xml in filter(None, map(package.read, parts)):
            tree = parse_xml(xml)
            for item in (*tree, *(item for child in tree for item in child)):
                place = parse_address(item.get("ref", "")) if item.tag.endswith("omment") else None
                if place is not None:
                    pieces = (t.text or "" for t in item.iter() if t.tag.endswith(("}t", "}text")))
                    texts.setdefault(place, []).append("".join(pieces).strip())
        notes |= {place: " ".join(lines) for place, lines in texts.items()}
    return {place: text for place, text in notes.items() if text}


def _totals_rows(package: Package, sheet: str) -> list[int]:
    """Return the 0-based rows of totals of the tables in a sheet (ECMA-376 18.5.1.2)."""
    rows: list[int] = []
    for link in package.links(sheet):
        xml = package.read(link.part) if link.kind.endswith("/table") else None
        table = parse_xml(xml) if xml else None
        if table is not None and table.get("totalsRowCount", "0") != "0":
            last = parse_address(table.get("ref", "").rpartition(":")[2])
            rows += [last[0]] if last is not None else []
    return rows


# --- Sheets


def _usual(xml: bytes) -> bytes:
    """Return a sheet as the searches expect it, with every row and cell in order and once.

    Every cell begins with its address in double quotes, and no name has a prefix. The format leaves
    more freedom than nearly all programs use; what is odd is written anew. Raises _DamagedError,
    TooLargeError, and ValueError for what is not well formed.
    """
    xml = _without_prefix(transitional(xml))
    head = xml[:_SAMPLE]
    declared = xml.find(b"?>") + len("?>") if b"<?xml " in xml[:_DECLARED] else 0
    # Rare signs are looked for first, which is many times faster than what stands around them.
    coded = b"&" in xml and b"&#" in xml
    # Texts in character codes are usual: some programs write all Chinese so.
    odd = (
        (coded and (_CODED_ATTRIBUTE.search(xml) or _CODED_VALUE.search(xml)))
        or (b"!" in xml and b"<!" in xml)
        or (xml.find(b"?", declared) >= 0 and xml.find(b"<?", declared) >= 0)
        or (b"'" in xml and b"='" in xml)
        or b" =" in head
        or b"= " in head
    )
    return xml if not odd and _is_in_order(xml) else _written_anew(xml)


def _without_prefix(xml: bytes) -> bytes:
    """Return a sheet without the prefix that some programs give all names of the format."""
    prefix = _PREFIX.search(xml[:HEAD])
    if prefix is None or b' xmlns="' in xml[: xml.find(b">", prefix.start())]:
        return xml
    name = prefix[1]
    xml = xml.replace(b"<%s:" % name, b"<").replace(b"</%s:" % name, b"</")
    return xml.replace(b"xmlns:%s=" % name, b"xmlns=", 1)


def _is_in_order(xml: bytes) -> bool:
    """Return whether a sheet has one table in which every row and cell has its own place, in order."""
    if xml.count(b"<sheetData") != 1:
        return False
    start, end = _table(xml)
    if _has_too_many_cells(xml):
        return True
    if _OF_ANOTHER_FORMAT.search(xml, start, end):
        return False
    addresses = _ADDRESS.findall(xml, start, end)
    cells = xml.count(b"<c", start, end)
    if cells > len(addresses):
        # Texts in several fonts have a colour and a character set.
        cells = len(_CELL_TAG.findall(xml, start, end))
    if len(set(addresses)) != cells:
        return False
    rows = list(map(int, _ROW_NUMBER.findall(xml, start, end)))
    cell_rows = b" ".join(addresses).translate(None, _CAPITALS).split()
    filled = [int(row) for row, _cells in groupby(cell_rows)]
    in_order = all(one < other for line in (rows, filled) for one, other in pairwise(line))
    return in_order and set(filled) <= set(rows)


def _table(xml: bytes) -> tuple[int, int]:
    """Return where the table of cells begins and ends. Raises ValueError if it does not end."""
    begin = _TABLE.search(xml)
    if begin is None:
        at = xml.index(b"<sheetData")
        return at, at
    return begin.start(), xml.rindex(b"</sheetData>", begin.start()) + len(b"</sheetData>")


def _written_anew(xml: bytes) -> bytes:
    """Return a sheet with its rows and cells in order, each with its own address.

    Of two cells in one place of which one is empty, or that are alike, one stands for both.
    """
    sheet = parse_xml(xml)
    tables = sheet.findall(f"{MAIN}sheetData")
    if sheet.tag != f"{MAIN}worksheet" or not tables:
        raise ValueError("there is no table of cells")
    if len(tables) > 1:
        raise _DamagedError(_TWO_TABLES, "")
    rows: dict[int, Element] = {}
    cells: dict[Place, Element] = {}
    number = 0
    for row in tables[0].iterfind(f"{MAIN}row"):
        number = int(row.get("r", number + 1))
        if number in rows:
            raise _DamagedError(_TWO_ROWS, address(number - 1, 0))
        rows[number] = row
        column = -1
        for cell in row.iterfind(f"{MAIN}c"):
            place = _place(cell.get("r", ""), (number - 1, column + 1))
            column = place[1]
            cells[place] = _one_of(cells.get(place, cell), cell, place)
    for item in sheet.iter():
        known = item.tag.startswith(MAIN) and (item is tables[0] or item.tag != tables[0].tag)
        item.tag = item.tag.removeprefix(MAIN) if known else "other"
    lines: dict[int, list[Element]] = {number: [] for number in rows}
    for (above, left), cell in sorted(cells.items(), key=lambda pair: pair[0]):
        _address(cell, address(above, left))
        cell[:] = [part for part in cell if part.tag in ("f", "v", "is")]
        lines.setdefault(above + 1, []).append(cell)
    tables[0][:] = [
        _address(_with(rows.get(number, Element("row")), line), str(number))
        for number, line in sorted(lines.items())
    ]
    made: bytes = tostring(sheet, "utf-8")
    return made


def _place(cell: str, following: Place) -> Place:
    """Return the place that an address names, or the following one if there is no address."""
    place = parse_address(cell.upper().replace("$", "")) if cell else following
    if place is None:
        raise ValueError("no address of a cell")
    return place


def _one_of(one: Element, other: Element, place: Place) -> Element:
    """Return the one of two cells in one place that holds what both hold."""
    if one is other or not len(other):
        return one
    contents = [
        (cell.get("t", "n"), "".join(cell.itertext()), [part.tag for part in cell])
        for cell in (one, other)
    ]
    if len(one) and contents[0] != contents[1]:
        raise _DamagedError(_TWO_CELLS, address(*place))
    return other


def _with(row: Element, cells: Sequence[Element]) -> Element:
    row[:] = cells
    return row


def _address(item: Element, place: str) -> Element:
    """Put the address first among the attributes of a row or a cell; keep none with a prefix."""
    others = {name: text for name, text in item.items() if name != "r" and name[:1] != "{"}
    item.attrib.clear()
    item.attrib.update({"r": place} | others)
    return item


def _read_sheet(sheet: Sheet, xml: bytes, book: _Book) -> bytes:
    """Fill in what is merged or hidden in a sheet, and the cells that do not look plain.

    Return its table of cells as it can be read.
    """
    start, end = _table(xml)
    before, table, after = xml[:start], xml[start:end], xml[end:]
    sheet.too_large = _is_too_large(table)
    if sheet.too_large:
        return b"<sheetData/>"
    _read_hidden(sheet, before, table)
    sheet.filtered = b"filterColumn" in after
    sheet.merged = [area for area in map(_range, _MERGED.findall(after)) if area is not None]
    sheet.too_large |= len(sheet.merged) > _MOST_MERGED
    no_zeros = b'showZeros="0"' in before or b'showZeros="false"' in before
    if (
        no_zeros
        or any(b's="%d"' % style in table for style in book.styles)
        or book.struck_texts
        or (b"k" in table and b"strike" in table)
        or b't="e"' in table
        or (b"f" in table and any(mark in table for mark in _FORMULAS))
        or _REMARKABLE_VALUE.search(table)
    ):
        table = _read_cells(sheet, table, book, no_zeros=no_zeros)
    return table or b"<sheetData/>"


def _is_too_large(table: bytes) -> bool:
    """Return whether the rectangle around all cells that hold anything has over MOST_CELLS."""
    if _has_too_many_cells(table):
        return True
    last = _ROW_NUMBER.match(table, max(table.rfind(b"<row "), 0))
    if last is None or int(last[1]) * _MOST_COLUMNS < MOST_CELLS:
        return False
    if _FAR.search(table) is None:
        return False
    if _BEYOND.search(table) is not None:
        return True
    rows = columns = 0
    for letters, row in _VALUED.findall(table):
        rows, columns = max(rows, int(row)), max(columns, _column(letters) + 1)
    return rows * columns > MOST_CELLS


def _has_too_many_cells(xml: bytes) -> bool:
    tags = (b"<c ", b"<c/>", b"<c>")
    return len(xml) > len("<c/>") * MOST_CELLS and sum(map(xml.count, tags)) > MOST_CELLS


def _range(reference: bytes) -> Range | None:
    """Return the cells that B2:C3, B2, B:C or 2:3 names; None for any other text."""
    match = _RANGE.fullmatch(reference.decode().upper())
    if match is None or not (match[1] or match[2]):
        return None
    first, last = (
        match.group(1, 2),
        match.group(3, 4) if match[3] or match[4] else match.group(1, 2),
    )
    columns = [column_index(letters) for letters in (first[0], last[0]) if letters]
    rows = [int(row) - 1 for row in (first[1], last[1]) if row]
    columns, rows = columns or [0, _MOST_COLUMNS - 1], rows or [0, _MOST_ROWS - 1]
    return Range(min(rows), min(columns), max(rows), max(columns))


# --- What is hidden


def _read_hidden(sheet: Sheet, before: bytes, table: bytes) -> None:
    """Fill in the rows and columns that are hidden, or have no height or width.

    With ``zeroHeight`` only the rows are seen that have a height of their own, or say so.
    """
    no_height, no_width = _NO_HEIGHT.search(before), _NO_WIDTH.search(before)
    if no_height or b"hidden=" in table or b'ht="0' in table:
        sheet.hidden_rows = [
            int(number[1]) - 1
            for row in _ROW.findall(table)
            if (number := _NUMBERED.search(row)) is not None
            and (
                _HIDDEN.search(row)
                or _FLAT.search(row)
                or (no_height and not _HEIGHT.search(row) and not _SHOWN.search(row))
            )
        ]
    ranges = set(_COLUMNS.findall(before))
    if len(ranges) > _MOST_RANGES:
        sheet.too_large = True
        return
    hidden: set[int] = set()
    seen: set[int] = set()
    for first, last, column in ranges:
        unseen = _HIDDEN.search(column) or _NARROW.search(column)
        target = hidden if unseen else seen
        target.update(range(int(first) - 1, min(int(last), _MOST_COLUMNS)))
    if no_width:
        hidden |= set(range(_MOST_COLUMNS)) - seen
    sheet.hidden_columns = sorted(hidden)


# --- Cells


class _Cell(NamedTuple):
    """A cell that is not empty: its place, its attributes, its value, and all that is in it."""

    place: Place
    attributes: bytes
    text: bytes
    formula: bool
    inner: bytes

    @property
    def number(self) -> bool:
        """Whether the cell says that it holds a number."""
        return b't="' not in self.attributes or b't="n"' in self.attributes


def _read_cells(sheet: Sheet, table: bytes, book: _Book, *, no_zeros: bool) -> bytes:
    """Go through all cells; with ``no_zeros`` the sheet shows none.

    Return the table without the values of numbers that are none.
    """
    pieces = table.split(b"<c ")
    areas = set(map(_range, _FILLED.findall(table)))
    filled = [area for area in areas if area is not None and area[:2] != area[2:]]
    if len(filled) * len(pieces) > _MOST_COMPARED:
        raise TooLargeError
    for at in range(1, len(pieces)):
        cell = _cell(pieces[at], filled)
        if cell is None:
            continue
        other = _instead(cell, uncalculated=book.uncalculated)
        if cell.number:
            value = b"" if other is not None or not cell.text else b"<v>%s</v>" % cell.text
            pieces[at] = _VALUE.sub(value, pieces[at])
        if other is not None:
            sheet.replaced[cell.place] = other
        elif cell.text or b"<is" in cell.inner:
            look = _look(cell, book)
            if no_zeros and cell.number and _is_nought(cell.text):
                look = replace(look, shown="", fixed=True)
            if look is not PLAIN:
                sheet.styled[cell.place] = look
    return b"<c ".join(pieces)


def _cell(piece: bytes, filled: Iterable[Range]) -> _Cell | None:
    """Return a cell, None for an empty one; ``filled`` are the areas that one formula fills."""
    match = _CELL.match(piece)
    if match is None:
        raise ValueError("no address of a cell")
    if match[3].endswith(b"/"):
        return None
    inner = piece[match.end() :]
    row, column = place = (int(match[2]) - 1, _column(match[1]))
    values = _VALUE.findall(inner)
    if len(values) > 1:
        raise _DamagedError(_TWO_VALUES, address(*place))
    text = values[0].strip() if values else b""
    formula = _FORMULA.search(inner) is not None or any(
        area.top <= row <= area.bottom and area.left <= column <= area.right for area in filled
    )
    return _Cell(place, match[3], text, formula, inner)


def _instead(cell: _Cell, *, uncalculated: bool) -> Raw | None:
    """Return what a cell holds that python-calamine would give as nothing, as 0, or otherwise."""
    if b't="e"' in cell.attributes:
        return Fault("score-is-error", cell.text.decode() or "#N/A")
    # A formula with an empty text as its value has an empty value.
    empty = not cell.text and (b't="str"' not in cell.attributes or b"<v" not in cell.inner)
    # A program that does not calculate leaves the value out, or writes 0.
    if cell.formula and (empty or (uncalculated and _is_nought(cell.text))):
        return Fault("formula-without-value", "")
    if cell.text and cell.number and not _is_double(cell.text):
        return Fault("number-unreadable", cell.text.decode())
    if b't="d"' in cell.attributes and cell.text.endswith(b"Z"):
        return datetime.fromisoformat(cell.text.decode()).replace(tzinfo=None)
    return None


def _is_double(text: bytes) -> bool:
    """Return whether a text is a number of the format, and one that a double can hold."""
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if match is None:
        return False
    value = float(text)
    return isfinite(value) and (value != 0 or not match[1].strip(b"0."))


def _is_nought(text: bytes) -> bool:
    return _is_double(text) and not float(text)


def _look(cell: _Cell, book: _Book) -> Look:
    """Return how a cell looks."""
    match = _STYLE.search(cell.attributes)
    style = book.styles.get(int(match[1])) if match else None
    look = _style_look(style, cell.text if cell.number else b"") if style else PLAIN
    shared = book.struck_texts and b't="s"' in cell.attributes
    if b"strike" in cell.inner or (shared and int(cell.text) in book.struck_texts):
        look = replace(look, struck=True)
    if cell.formula:
        look = replace(look, formula=True, format=style.format if style else "")
    return look


@lru_cache(maxsize=65536)
def _style_look(style: _CellStyle, number: bytes) -> Look:
    """Return how a style shows a cell that holds a number, or b'' for anything else."""
    look = number_look(style.format, number.decode()) if number else PLAIN
    if style.struck or style.invisible:
        look = replace(look, struck=style.struck, invisible=style.invisible)
    return look


def _column(letters: bytes) -> int:
    return column_index(letters.decode())
