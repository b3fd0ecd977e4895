"""The cell styles of .xlsx under which a number or a text may not be seen as it is (18.8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from wuhu_appraisal.intake.facts.formats import BUILT_IN, harmless

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
