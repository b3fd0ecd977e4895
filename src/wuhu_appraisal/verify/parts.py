"""Whether the XML of a workbook's parts says one thing to every program that reads it.

Each part is held against the form that it has in a rendering and after programs have saved that
again (ECMA-376, part 1, 18 and 20.5): rows, cells and texts stand in their own places alone, and over
the cells lie only charts and the notes on cells.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from wuhu_appraisal.findings import column_index
from wuhu_appraisal.verify.package import AMBIGUOUS, FOREIGN, Odd, Package, tree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_DRAWN = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_OFFICE = "{urn:schemas-microsoft-com:office:excel}"
_VML = "{urn:schemas-microsoft-com:vml}"

_IN_SHEET = frozenset(
    {
        "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr",
        "sheetProtection", "autoFilter", "mergeCells", "phoneticPr", "conditionalFormatting",
        "dataValidations", "hyperlinks", "printOptions", "pageMargins", "pageSetup", "headerFooter",
        "rowBreaks", "colBreaks", "ignoredErrors", "drawing", "legacyDrawing", "extLst",
    }
)  # fmt: skip
_IN_EXTENSION = frozenset(
    {
        "extLst", "ext", "id", "conditionalFormattings", "conditionalFormatting", "cfRule", "dataBar",
        "cfvo", "f", "sqref", "axisColor", "borderColor", "fillColor", "negativeFillColor",
        "negativeBorderColor", "dataValidations", "dataValidation", "formula1", "formula2",
    }
)  # fmt: skip
"""Bars behind numbers, and lists to choose from, as newer programs write them again."""

_OF_CELLS = frozenset(["sheetData", "row", "c", "v", "is", "AlternateContent"])
_OF_BOOKS = frozenset(["sheets", "sheet", "workbookPr", "calcPr", "definedNames", "definedName"])
_ENTRIES = {"sheets": "sheet", "definedNames": "definedName"}
_ANCHORS = frozenset(_DRAWN + name for name in ("twoCellAnchor", "oneCellAnchor", "absoluteAnchor"))
_ANCHORED = frozenset(
    _DRAWN + name for name in ("from", "to", "pos", "ext", "graphicFrame", "clientData")
)
_SHAPES = frozenset(
    {
        "arc", "curve", "group", "image", "imagedata", "line", "oval", "polyline", "rect", "roundrect",
        "textpath",
    }
)  # fmt: skip
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")
_NO = {"0", "false", "off"}


def odd(package: Package) -> Iterator[Odd]:
    """The parts that a program could read otherwise than another one, or that lie over cells."""
    checks: Mapping[str, Callable[[Any], str]] = {
        "workbook": _workbook,
        "worksheet": _sheet,
        "styles": _styles,
        "sharedstrings": _strings,
        "drawing": _drawing,
        "chart": _chart,
        "vmldrawing": _notes,
    }
    for name, kind in package.kinds.items():
        if kind == "printersettings":
            continue
        try:
            root = tree(package.parts[name])
        except ValueError:
            yield Odd(name, AMBIGUOUS)
            continue
        if problem := checks.get(kind, _any)(root):
            yield Odd(name, problem)


def _any(_root: Any) -> str:
    return ""


def _local(element: Any) -> str:
    """The name without its namespace; a comment has none."""
    return str(element.tag).rpartition("}")[2]


def _names(elements: Iterable[Any]) -> set[str]:
    return {_local(element) for element in elements}


def _twice(elements: Iterable[Any], several: tuple[str, ...] = ()) -> bool:
    """Whether any name comes twice that comes once in the format."""
    counts = Counter(map(_local, elements))
    return any(count > 1 for name, count in counts.items() if name not in several)


def _workbook(root: Any) -> str:
    if root.tag != _MAIN + "workbook" or _twice(root, ("AlternateContent",)):
        return AMBIGUOUS
    for child in root:
        name, inside = _local(child), _names(child.iter())
        if name == "AlternateContent":
            # Where the file was saved, as Excel writes it.
            apart = inside - {name, "Choice", "Fallback", "absPath"}
        else:
            own = {name, _ENTRIES.get(name, name)} if child.tag == _MAIN + name else set()
            apart = inside & (_OF_BOOKS | {"AlternateContent"}) - own
        if apart:
            return AMBIGUOUS
    return ""


def _sheet(root: Any) -> str:
    """A worksheet (18.3.1.99): what programs look for in it stands where all of them look."""
    if root.tag != _MAIN + "worksheet" or _twice(root, ("conditionalFormatting",)):
        return AMBIGUOUS
    data = None
    for child in root:
        name = _local(child)
        if child.tag != _MAIN + name or name not in _IN_SHEET:
            return FOREIGN
        if name == "sheetData":
            data = child
        elif _names(child.iter()) & _OF_CELLS or (name == "cols" and not _told_once(child)):
            return AMBIGUOUS
    extensions = [item for item in root.iter(_MAIN + "extLst") if not _extended(item)]
    if data is None or extensions or not _rows(data):
        return AMBIGUOUS
    return ""


def _extended(extension: Any) -> bool:
    """Whether an extension holds no more than it does in a rendering that was saved again."""
    return all(
        _local(item) in _IN_EXTENSION
        and "prompt" not in item.attrib
        and item.get("showValue", "1") not in _NO
        and (item.get("type") == "dataBar" or _local(item) != "cfRule")
        for item in extension.iter()
    )


def _told_once(columns: Any) -> bool:
    """Whether no two entries for columns (18.3.1.13) begin at the same one: readers keep either."""
    first = [item.get("min") for item in columns]
    return len(first) == len(set(first))


def _rows(data: Any) -> bool:
    """Whether rows and cells say where they stand, each once and in order, and hold one content."""
    last = 0
    for row in data:
        number = row.get("r", "")
        if row.tag != _MAIN + "row" or not number.isdecimal() or int(number) <= last:
            return False
        last = int(number)
        column = 0
        for cell in row:
            found = _REFERENCE.fullmatch(cell.get("r", ""))
            if cell.tag != _MAIN + "c" or found is None or int(found[2]) != last:
                return False
            before, column = column, column_index(found[1]) + 1
            if column <= before or not _content(cell):
                return False
    return True


def _content(cell: Any) -> bool:
    """Whether a cell (18.3.1.4) has one content, of the type that it says."""
    names = [item.tag for item in cell]
    if _twice(cell) or not set(names) <= {_MAIN + "f", _MAIN + "v", _MAIN + "is"}:
        return False
    inline = _MAIN + "is" in names
    if inline and (len(names) > 1 or cell.get("t") != "inlineStr"):
        return False
    if cell.get("t") == "inlineStr" and _MAIN + "v" in names:
        return False
    return all(_text(item) if item.tag == _MAIN + "is" else not len(item) for item in cell)


def _strings(root: Any) -> str:
    if root.tag != _MAIN + "sst":
        return AMBIGUOUS
    return "" if all(item.tag == _MAIN + "si" and _text(item) for item in root) else AMBIGUOUS


def _text(item: Any) -> bool:
    """Whether a text (18.4.8) is written once, as a whole or in pieces."""
    names = [_local(child) for child in item]
    if any(not child.tag.startswith(_MAIN) for child in item.iter()):
        return False
    if names.count("t") > ("r" not in names) or not set(names) <= {"t", "r", "rPh", "phoneticPr"}:
        return False
    pieces = [sorted(map(_local, child)) for child in item if _local(child) == "r"]
    return all(piece in (["t"], ["rPr", "t"]) for piece in pieces)


def _styles(root: Any) -> str:
    formats = [item.get("numFmtId") for item in root.findall(f"{_MAIN}numFmts/{_MAIN}numFmt")]
    plain = root.tag == _MAIN + "styleSheet" and not _twice(root)
    several = "AlternateContent" in _names(root.iter()) or len(formats) != len(set(formats))
    return "" if plain and not several else AMBIGUOUS


def _drawing(root: Any) -> str:
    """What lies over a sheet (20.5.2.35): charts alone."""
    for anchor in root:
        if anchor.tag not in _ANCHORS or any(item.tag not in _ANCHORED for item in anchor):
            return FOREIGN
        frames = [item for item in anchor.iter() if _local(item) == "graphicData"]
        if len(frames) != 1 or frames[0].get("uri") != _CHART:
            return FOREIGN
    return "" if root.tag == _DRAWN + "wsDr" else AMBIGUOUS


def _chart(root: Any) -> str:
    """A chart; Excel writes its style in two ways."""
    for item in root.iter():
        if _local(item) == "AlternateContent" and (
            _names(item.iter()) - {"AlternateContent", "Choice", "Fallback", "style"}
        ):
            return AMBIGUOUS
    return "" if root.tag == f"{{{_CHART}}}chartSpace" else AMBIGUOUS


def _notes(root: Any) -> str:
    """The shapes of notes (19.4.2.12), which show when a reader points at their cells."""
    if _names(root.iter()) & _SHAPES:
        return FOREIGN
    for shape in root.iter(_VML + "shape"):
        data = shape.findall(_OFFICE + "ClientData")
        kinds = [item.get("ObjectType") for item in data]
        shown = "visibility:hidden" not in shape.get("style", "").replace(" ", "")
        if kinds != ["Note"] or shown or data[0].find(_OFFICE + "Visible") is not None:
            return FOREIGN
        if "".join(text for box in shape.findall(_VML + "textbox") for text in box.itertext()):
            return FOREIGN
    return ""
