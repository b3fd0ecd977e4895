"""The facts of .ods (OpenDocument 1.3, part 3, 9): gone through cell by cell."""

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from wuhu_appraisal.intake.facts.kinds import Fault, SheetFacts

CONTENT = "content.xml"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_MOST_REPEATS = 1000
"""Cells and rows that repeat more often than this are the empty rest of a sheet."""


def read(content: bytes) -> dict[str, SheetFacts]:
    """The facts of each sheet by its name."""
    found: dict[str, SheetFacts] = {}
    for _event, table in ElementTree.iterparse(io.BytesIO(content)):
        if table.tag == f"{_TABLE}table":
            found[str(table.get(f"{_TABLE}name"))] = _sheet_facts(table)
    return found


def _sheet_facts(table: Element) -> SheetFacts:
    facts = SheetFacts()
    for column, item in _repeated(table.iter(f"{_TABLE}table-column"), "columns"):
        if _hidden(item):
            facts.hidden_columns.append(column + 1)
    for row, item in _repeated(table.iter(f"{_TABLE}table-row"), "rows"):
        if _hidden(item):
            facts.hidden_rows.append(row + 1)
        for column, cell in _repeated(iter(item), "columns"):
            fault = _fault(cell)
            if fault is not None:
                facts.faults[(row, column)] = fault
    return facts


def _fault(cell: Element) -> Fault | None:
    kind = cell.get(f"{_OFFICE}value-type")
    if cell.get(f"{_CALC}value-type") == "error":
        return Fault("score-is-error", "".join(cell.itertext()).strip())
    if kind == "percentage":
        return Fault("score-is-percent", str(cell.get(f"{_OFFICE}value")))
    if kind is None and cell.get(f"{_TABLE}formula") is not None:
        return Fault("formula-without-value", "")
    return None


def _hidden(item: Element) -> bool:
    return item.get(f"{_TABLE}visibility", "visible") != "visible"


def _repeated(items: Iterator[Element], what: str) -> Iterator[tuple[int, Element]]:
    """Each item with its 0-based place, as often as it is repeated."""
    place = 0
    for item in items:
        count = int(item.get(f"{_TABLE}number-{what}-repeated", "1"))
        if count <= _MOST_REPEATS:
            for offset in range(count):
                yield place + offset, item
        place += count
