"""How a sheet shows what its cells hold: formats, colours, notes, links, what stands on its pages.

LibreOffice and openpyxl keep all of this when they save a workbook. Lines, fonts, alignment and the
looks of charts are not compared.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from openpyxl.cell.rich_text import CellRichText
from openpyxl.styles.colors import COLOR_INDEX
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from wuhu_appraisal.language import _
from wuhu_appraisal.numbers import from_float, plain
from wuhu_appraisal.verify.appearance import Differing
from wuhu_appraisal.verify.package import tree

_DRAWN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_BLACK, _WHITE = "000000", "FFFFFF"
_SYSTEM = {"windowText": _BLACK, "window": _WHITE}
_THEME = [
    "lt1",
    "dk1",
    "lt2",
    "dk2",
    "accent1",
    "accent2",
    "accent3",
    "accent4",
    "accent5",
    "accent6",
    "hlink",
    "folHlink",
]
"""The colours of a theme in the order of their numbers (ECMA-376, part 1, 18.8.3)."""

_AUTOMATIC, _PAPER = 64, 65
_FONT_CODE = re.compile(r'(&&)|&(?:"[^"]*"|[BIUESXYOH](?![a-z])|\d+)')
_PAGES = [f"{which}{what}" for which in ("odd", "even", "first") for what in ("Header", "Footer")]


class Look(NamedTuple):
    """How a cell shows what it holds."""

    format: str
    colour: str
    background: str
    size: float
    struck: bool
    raised: str
    set: tuple[object, ...]


class Looks:
    """The looks of a workbook's cells, each style worked out once."""

    def __init__(self, book: Workbook) -> None:
        self._theme = _theme(book)
        self._indexed = [str(item)[-6:] for item in getattr(book, "_colors", None) or COLOR_INDEX]
        self._known: dict[int, Look] = {}

    def of(self, cell: Any) -> Look:
        """The look of one cell."""
        style = cell.style_id
        if style not in self._known:
            set_as = cell.alignment
            colour, size, struck, raised = self.font(cell.font, 0)
            self._known[style] = Look(
                cell.number_format,
                colour,
                self.background(cell.fill),
                size,
                struck,
                raised,
                (
                    set_as.textRotation or 0,
                    int(set_as.indent or 0),
                    set_as.horizontal == "fill",
                    bool(set_as.shrinkToFit),
                ),
            )
        return self._known[style]

    def font(self, font: Any, size: float) -> tuple[str, float, bool, str]:
        """Colour, size, whether it is struck out, whether raised or lowered."""
        colour = self.colour(font.color, _BLACK)
        return colour, float(font.sz or size), bool(font.strike), font.vertAlign or "baseline"

    def background(self, fill: Any) -> str:
        """The colour of a filled cell; '' for one that is not."""
        kind = getattr(fill, "fill_type", None)
        if kind in (None, "none"):
            return ""
        if kind == "solid":
            return self.colour(fill.fgColor, _BLACK)
        stops = [self.colour(item.color, "") for item in getattr(fill, "stop", ())]
        sides = [self.colour(getattr(fill, side, None), "") for side in ("fgColor", "bgColor")]
        return " ".join([kind, *stops, *sides])

    def colour(self, colour: Any, usual: str) -> str:
        """A colour as six hexadecimal digits, whichever way it is written."""
        if colour is None or colour.type == "auto":
            return usual
        if colour.type == "rgb":
            return str(colour.rgb)[-6:].upper()
        at = int(colour.value)
        if colour.type == "indexed":
            own = {_AUTOMATIC: _BLACK, _PAPER: _WHITE}
            found = own.get(at) or (self._indexed[at] if at < len(self._indexed) else str(at))
        else:
            found = self._theme.get(at, f"theme {at}")
        return f"{found} {colour.tint:+g}" if colour.tint else found.upper()


def _theme(book: Workbook) -> Mapping[int, str]:
    """The theme's colours by their numbers; those of Office where the workbook has no theme."""
    found = {0: _WHITE, 1: _BLACK}
    if not book.loaded_theme:
        return found
    named = {}
    for item in tree(book.loaded_theme).findall(f"{_DRAWN}themeElements/{_DRAWN}clrScheme/*/*/.."):
        said = item[0].get("val", "")
        name = str(item.tag).removeprefix(_DRAWN)
        named[name] = _SYSTEM.get(said) or item[0].get("lastClr") or said
    return found | {at: named[name] for at, name in enumerate(_THEME) if name in named}


def cell(ours: Looks, theirs: Looks, made: Any, other: Any) -> tuple[str, str] | None:
    """In what a cell that holds something looks another way than the one that was made."""
    expected, found = ours.of(made), theirs.of(other)
    pieces = other.value if isinstance(other.value, CellRichText) else ()
    for piece in [item for item in pieces if not isinstance(item, str)]:
        # A program may write a text in pieces, each with a font of its own.
        colour, size, struck, raised = theirs.font(piece.font, found.size)
        own = found._replace(colour=colour, size=size, struck=struck, raised=raised)
        found = own if own != expected else found
    if expected == found:
        return None
    none = _("nothing")
    for text, name, one, two in (
        (_("the number format {format}"), "format", expected.format, found.format),
        (_("text in the colour {colour}"), "colour", expected.colour, found.colour),
        (_("the background {colour}"), "colour", expected.background, found.background),
        (_("text of the size {size}"), "size", _number(expected.size), _number(found.size)),
    ):
        if one != two:
            return text.format(**{name: one or none}), text.format(**{name: two or none})
    return _("text as it was set"), _("text that is struck out, raised, turned, moved or shrunk")


def _number(size: float) -> str:
    return plain(from_float(size))


def sheet(ours: Looks, theirs: Looks, made: Worksheet, other: Worksheet) -> Iterator[Differing]:
    """What else differs in how a sheet shows itself; the cell is '' for the sheet as a whole."""
    told = [_told(looks, item) for looks, item in ((ours, made), (theirs, other))]
    one, two = (Counter(found) for found in told)
    for place, text in dict.fromkeys([*told[0], *told[1]]):
        expected, found = one[place, text], two[place, text]
        if expected != found:
            shown = [text if count else _("nothing of it") for count in (expected, found)]
            if expected and found:
                shown = [f"{expected} × {text}", f"{found} × {text}"]
            yield Differing(place, *shown)


def _told(looks: Looks, sheet: Worksheet) -> list[tuple[str, str]]:
    """Each thing with the cell at which it begins."""
    found = [
        *_conditional(looks, sheet),
        *(
            (_first(cells), _("{cells} as one cell").format(cells=cells))
            for cells in _merged(sheet)
        ),
        *_on_cells(sheet),
        *(("", _("on printed pages: {text}").format(text=text)) for text in _pages(sheet)),
    ]
    view = sheet.sheet_view
    if view.showFormulas:
        found.append(("", _("formulas in the place of their values")))
    if view.showZeros is False:
        found.append(("", _("no zeros")))
    if view.pane is not None and view.topLeftCell not in (None, "A1"):
        found.append(("", _("rows or columns out of reach behind those that stay in sight")))
    return found


def _first(cells: object) -> str:
    return re.split("[: ]", str(cells))[0]


def _merged(sheet: Worksheet) -> list[str]:
    return sorted(map(str, sheet.merged_cells.ranges))


def _on_cells(sheet: Worksheet) -> Iterator[tuple[str, str]]:
    """Notes, links, and what is said where something is to be chosen."""
    for cell in sheet._cells.values():
        if cell.comment is not None:
            text = str(cell.comment.text).strip()
            yield cell.coordinate, _("the note {text}").format(text=text)
        if cell.hyperlink is not None:
            link = cell.hyperlink
            place = " ".join(filter(None, (link.target, link.location)))
            yield cell.coordinate, _("a link to {place}").format(place=place)
            if link.tooltip:
                yield cell.coordinate, _("the note {text}").format(text=link.tooltip)
    for item in sheet.data_validations.dataValidation:
        if item.prompt or item.promptTitle:
            text = f"{item.promptTitle or ''} {item.prompt or ''}"
            yield _first(item.sqref), _("the note {text}").format(text=text)


def _pages(sheet: Worksheet) -> Iterator[str]:
    """What stands at the head and the foot of printed pages, without its fonts."""
    head = sheet.HeaderFooter
    for name in _PAGES:
        part = getattr(head, name)
        for side in ("left", "center", "right"):
            piece = getattr(part, side)
            text = _FONT_CODE.sub(r"\1", piece.text or "")
            if text:
                yield " ".join(filter(None, (text, piece.color)))
    if head.differentFirst or head.differentOddEven:
        yield _("others on some pages")


def _conditional(looks: Looks, sheet: Worksheet) -> Iterator[tuple[str, str]]:
    text = _("the conditional format {what}")
    for found, rules in sheet.conditional_formatting._cf_rules.items():  # type: ignore[attr-defined]
        cells = " ".join(sorted(str(found.sqref).split()))
        for rule in rules:
            what = [cells, rule.type, rule.operator or "", *rule.formula]
            what += _look_of(looks, rule.dxf) if rule.dxf is not None else []
            for part in filter(None, (rule.colorScale, rule.dataBar, rule.iconSet)):
                what += _scale(looks, part)
            yield _first(cells), text.format(what=" ".join(what))


def _look_of(looks: Looks, style: Any) -> list[str]:
    """The look that a condition gives; a fill in one colour names it as the background."""
    found = [f'"{style.numFmt.formatCode}"'] if style.numFmt else []
    if style.font is not None:
        found += map(str, looks.font(style.font, 0))
    if style.fill is not None:
        sides = (getattr(style.fill, side, None) for side in ("fgColor", "bgColor"))
        found += [looks.colour(item, "-") for item in sides]
    return found


def _scale(looks: Looks, part: Any) -> list[str]:
    """A scale of colours, bars or icons: its bounds, its colours, whether numbers are shown."""
    bounds = [f"{item.type} {item.val or 0}" for item in part.cfvo]
    colours = getattr(part, "color", None) or []
    colours = colours if isinstance(colours, list | tuple) else [colours]
    hidden = ["-"] if getattr(part, "showValue", None) is False else []
    icons = [str(part.iconSet)] if hasattr(part, "iconSet") else []
    return [*bounds, *(looks.colour(item, "") for item in colours), *hidden, *icons]
