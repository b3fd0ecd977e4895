"""The facts of .xlsx and .xlsm (ECMA-376, part 1, 18.3).

The sheet's XML is searched for the marks of what matters, which costs little, and its cells are
only gone through where there are any.
"""

import re
import zipfile
from collections.abc import Iterator, Set
from functools import lru_cache

from defusedxml import ElementTree

from wuhu_appraisal.intake.facts.kinds import MOST_CELLS, Fault, SheetFacts

WORKBOOK, _LINKS, _STYLES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*?\br="([A-Z]+)(\d+)")([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)', re.DOTALL
)
_VALUED = re.compile(rb'<(?:\w+:)?c\b(?=[^>]*?\br="([A-Z]+)(\d+)")[^>]*[^/]>')
_VALUE = re.compile(rb"<(?:\w+:)?v(?: [^>]*)?>([^<]+)</")
_STYLE = re.compile(rb's="(\d+)"')
_FAR = re.compile(rb'"(?:[A-Z]{3,}\d|[A-Z]{0,2}\d{5})')
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row (?=[^>]*hidden="(?:1|true)")[^>]*?r="(\d+)"')
_HIDDEN_COLUMN = re.compile(
    rb'<(?:\w+:)?col (?=[^>]*hidden="(?:1|true)")[^>]*?min="(\d+)"[^>]*?max="(\d+)"'
)
_PERCENT_FORMATS = {9, 10}
_HEAD = 2000


def read(archive: zipfile.ZipFile) -> dict[str, SheetFacts]:
    """The facts of each sheet of an .xlsx or .xlsm by its name."""
    names = set(archive.namelist())
    styles = archive.read(_STYLES) if _STYLES in names else b""
    percent = _percent_styles(styles) if styles else frozenset()
    parts = _parts(archive.read(WORKBOOK), archive.read(_LINKS))
    return {
        name: _sheet_facts(archive.read(part), percent) for name, part in parts if part in names
    }


@lru_cache(maxsize=64)
def _parts(workbook: bytes, links: bytes) -> tuple[tuple[str, str], ...]:
    """Each sheet's name and the part that holds it; workbooks of one maker have the same."""
    targets = {
        str(link.get("Id")): str(link.get("Target")) for link in ElementTree.fromstring(links)
    }
    found = []
    for sheet in ElementTree.fromstring(workbook).iter(f"{_MAIN}sheet"):
        target = targets.get(str(sheet.get(_LINK)), "")
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        found.append((str(sheet.get("name")), part))
    return tuple(found)


@lru_cache(maxsize=64)
def _percent_styles(content: bytes) -> frozenset[int]:
    """The numbers of the cell styles that show a number as a percentage."""
    styles = ElementTree.fromstring(content)
    percent = _PERCENT_FORMATS | {
        int(str(item.get("numFmtId")))
        for item in styles.iter(f"{_MAIN}numFmt")
        if "%" in str(item.get("formatCode"))
    }
    formats = styles.find(f"{_MAIN}cellXfs")
    return frozenset(
        number
        for number, item in enumerate(formats if formats is not None else ())
        if int(item.get("numFmtId", "0")) in percent
    )


def _sheet_facts(xml: bytes, percent: Set[int]) -> SheetFacts:
    facts = SheetFacts(too_large=_too_large(xml))
    if b"hidden=" in xml:
        facts.hidden_rows = [int(row) for row in _HIDDEN_ROW.findall(xml)]
        facts.hidden_columns = [
            column
            for first, last in _HIDDEN_COLUMN.findall(xml)
            for column in range(int(first), min(int(last), 16384) + 1)
        ]
    if b't="e"' in xml or _has_formula(xml) or any(b's="%d"' % style in xml for style in percent):
        facts.faults = dict(_faults(xml, percent))
    return facts


def _faults(xml: bytes, percent: Set[int]) -> Iterator[tuple[tuple[int, int], Fault]]:
    for letters, row, attributes, inner in _CELL.findall(xml):
        place = (int(row) - 1, column_number(letters) - 1)
        value = _VALUE.search(inner)
        style = _STYLE.search(attributes)
        if b't="e"' in attributes:
            yield place, Fault("score-is-error", value[1].decode() if value else "#N/A")
        elif _has_formula(inner) and value is None and b't="str"' not in attributes:
            yield place, Fault("formula-without-value", "")
        elif value is not None and style and int(style[1]) in percent and _number(attributes):
            yield place, Fault("score-is-percent", value[1].decode())


def _has_formula(xml: bytes) -> bool:
    if b"<f" in xml:
        return True
    prefixed = b"<worksheet" not in xml[:_HEAD]
    return prefixed and (b":f>" in xml or b":f " in xml)


def _number(attributes: bytes) -> bool:
    return b't="' not in attributes or b't="n"' in attributes


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
