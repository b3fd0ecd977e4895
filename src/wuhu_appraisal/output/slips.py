"""Return slips: what is wrong with a file, as a workbook for the office that sent it.

The first sheet lists the findings; behind it stand the sheets as they came, with the cells in
question coloured and noted. What an office wrote stays text: nothing in a slip is calculated, and
no link leads out of it. openpyxl is imported where it is used, because most runs write no slip.
"""

import io
import math
import re
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any, NamedTuple

from defusedxml.ElementTree import iterparse
from rich.cells import cell_len

from wuhu_appraisal.findings import (
    Finding,
    Severity,
    address,
    by_place,
    column_letters,
    finding,
    has_errors,
    parse_address,
)
from wuhu_appraisal.language import _
from wuhu_appraisal.names import sheet_name, shorten
from wuhu_appraisal.output.excel import LINE, count_lines, page_number, save_openpyxl, split_lines
from wuhu_appraisal.output.tables import counted
from wuhu_appraisal.workbooks.cell import Fault, Sheet

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_MOST_BYTES, _MOST_UNPACKED, _MOST_PART = 5_000_000, 20_000_000, 5_000_000
_MOST_LISTED, _MOST_CELLS = 2000, 50_000
_MOST_ROWS, _MOST_COLUMNS, _MOST_TEXT = 1_048_576, 16_384, 32_767

_WIDTHS = (6, 10, 20, 9, 54, 40)
_WIDEST, _MOST_LINES, _HIGHEST = 36, 16, 409
_FONT = "宋体"
_RED, _YELLOW, _GREY, _BLUE = "FFC7CE", "FFF2CC", "DDE6EF", "0563C1"

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_DRAWN_OUT = {"mergeCell", "hyperlink", "comment"}


@dataclass(slots=True)
class _Copy:
    """The workbook that a slip is made of, and its sheets by the names that findings use."""

    book: Any
    sheets: dict[str, "Worksheet"] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


class _Look(NamedTuple):
    """How a cell of our own making looks."""

    size: int = 11
    bold: bool = False
    link: str = ""
    fill: str = ""
    framed: bool = False
    centred: bool = False
    wrapped: bool = True


def slip(
    file: str,
    content: bytes,
    grids: Sequence[Sheet],
    findings: Sequence[Finding],
    *,
    encrypted: bool = False,
) -> bytes:
    """The slip of a file, made of its findings and sheets; encrypted ones are not copied."""
    if encrypted:
        alone = _from_sheets(file, [])
        alone.remarks = [finding("slip-without-sheets").message]
        return _finished(alone, file, findings)
    # An office's workbook can hold anything that fails, if only when saved; a number is the disk's.
    try:
        with warnings.catch_warnings(action="ignore"):
            if (loaded := _as_it_came(content)) is not None:
                return _finished(loaded, file, findings)
    except Exception as error:
        if getattr(error, "errno", None):
            raise
    return _finished(_from_sheets(file, grids), file, findings)


def _finished(made: _Copy, file: str, findings: Sequence[Finding]) -> bytes:
    ordered = by_place(findings)
    if _mark(made, ordered[:_MOST_LISTED]):
        key = _("Errors are red in a thick border, warnings yellow in a dashed one; see the notes.")
        made.remarks.append(key)
    _list(made, _("List of findings: {file}").format(file=file), ordered)
    return save_openpyxl(made.book)


def _as_it_came(content: bytes) -> _Copy | None:
    """An .xlsx or .xlsm with its looks, but nothing in it that calculates or leads elsewhere."""
    from openpyxl import load_workbook
    from openpyxl.workbook.views import BookView

    if not content.startswith(b"PK") or len(content) > _MOST_BYTES or not _is_modest(content):
        return None
    book = load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
    for chart in book.chartsheets:
        book.remove(chart)
    made = _Copy(book, {sheet.title: sheet for sheet in book.worksheets})
    made.book.custom_doc_props = type(made.book.custom_doc_props)()
    made.book.security, made.book.template, made.book.views = None, False, [BookView()]
    book.defined_names.clear()
    taken: set[str] = set()
    for name, sheet in made.sheets.items():
        sheet.title = sheet_name(name, taken)
        _disarm(sheet)
    return made if made.sheets else None


def _is_modest(content: bytes) -> bool:
    """Whether a zip unpacks to little, and no range in it would be drawn out to countless cells."""
    cells = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = [part.file_size for part in archive.infolist()]
        if sum(sizes) > _MOST_UNPACKED or max(sizes, default=0) > _MOST_PART:
            return False
        for name in archive.namelist():
            # Pictures are no XML; what else does not parse does not load either.
            with suppress(SyntaxError):
                for _event, element in iterparse(io.BytesIO(archive.read(name))):
                    first, colon, last = element.get("ref", "").partition(":")
                    if colon and element.tag.rpartition("}")[2] in _DRAWN_OUT:
                        top, left = _place(first) or (1, 1)
                        bottom, right = _place(last) or (_MOST_ROWS, _MOST_COLUMNS)
                        cells += (bottom - top + 1) * (right - left + 1)
                    element.clear()
    return cells <= _MOST_CELLS


def _disarm(sheet: Any) -> None:
    """Keep values and looks; take away what acts, leads elsewhere, or would hide the colours."""
    sheet._images, sheet._charts, sheet._pivots = [], [], []
    sheet.tables.clear()
    sheet.defined_names.clear()
    for part in ("conditional_formatting", "data_validations", "protection", "scenarios"):
        setattr(sheet, part, type(getattr(sheet, part))())
    sheet.views.sheetView = sheet.views.sheetView[:1]
    for view in sheet.views.sheetView:
        view.workbookViewId, view.tabSelected = 0, False
    # Going through the rows would make every empty cell up to the furthest one.
    for cell in sheet._cells.values():
        if cell.hyperlink is not None:
            cell.hyperlink = None
        # An error becomes its text, because some programs read an error as a formula.
        if isinstance(cell.value, str | float) or (cell.value is None and cell.data_type != "n"):
            _put(cell, cell.value)


def _from_sheets(file: str, grids: Sequence[Sheet]) -> _Copy:
    """Plain sheets of the values that were read."""
    from openpyxl import Workbook

    made = _Copy(Workbook())
    made.book.remove(made.book.worksheets[0])
    made.book.properties.creator = "appraise"
    taken: set[str] = set()
    room = _MOST_CELLS
    for grid in grids:
        name = sheet_name(grid.name or PureWindowsPath(file).stem, taken)
        sheet = made.book.create_sheet(name)
        made.sheets.setdefault(grid.name, sheet)
        room = _fill(sheet, grid.rows, room)
    if room < 0:
        made.remarks.append(_("The sheets are too long to be copied whole; the rest is left out."))
    if not grids:
        made.remarks.append(_("The sheets of the file could not be copied."))
    return made


def _fill(sheet: "Worksheet", raw: Sequence[Sequence[object]], room: int) -> int:
    """Write rows as long as there is room for their cells; the room left, below 0 for too little."""
    rows = [list(map(_plain, row[:_MOST_COLUMNS])) for row in raw[:_MOST_ROWS]]
    entries = [sum(value != "" for value in row) for row in rows]
    # A row with one entry is a title or a remark, which may run over the cells beside it.
    lone = 1 if max(entries, default=0) > 1 else 0
    table = [row for row, count in zip(rows, entries, strict=True) if count > lone]
    columns = zip_longest(*table[:500], fillvalue="")
    widths = [max(cell_len(str(value)) for value in column) for column in columns]
    while widths and not widths[-1]:
        widths.pop()
    widths = [min(width + 4, _WIDEST) for width in widths]
    _arrange(sheet, widths)
    for number, (row, count) in enumerate(zip(rows, entries, strict=True), 1):
        frame = len(widths) if count > lone else 0
        room -= max(count, frame)
        if room < 0:
            break
        for place, value in enumerate([*row, *[""] * (frame - len(row))], 1):
            if value != "" or place <= frame:
                _write(sheet, number, place, value, _Look(framed=place <= frame, wrapped=frame > 0))
        if frame:
            lines = max(map(count_lines, map(str, row), widths))
            sheet.row_dimensions[number].height = min(lines * LINE, _HIGHEST)
    return room


def _mark(made: _Copy, listed: Iterable[Finding]) -> bool:
    """Colour and note the cells that findings speak of; whether there were any."""
    merged = {
        name: {place: area for area in sheet.merged_cells.ranges for place in area.cells}
        for name, sheet in made.sheets.items()
    }
    found: dict[tuple[str, int, int], list[Finding]] = {}
    for item in listed:
        name, place = item.source.sheet, _place(item.source.cell)
        if place is not None and name in merged:
            area = merged[name].get(place)
            row, column = (area.min_row, area.min_col) if area else place
            found.setdefault((name, row, column), []).append(item)
    for (name, row, column), items in found.items():
        area = merged[name].get((row, column))
        _paint(made.sheets[name], [*area.cells] if area else [(row, column)], items)
    return bool(found)


def _place(cell: str) -> tuple[int, int] | None:
    """Return the row and column from 1 of a cell that a sheet can have, or of a range's first one."""
    row, column = parse_address(cell) or (_MOST_ROWS, 0)
    return (row + 1, column + 1) if row < _MOST_ROWS and column < _MOST_COLUMNS else None


def _paint(sheet: Any, places: Sequence[tuple[int, int]], items: Sequence[Finding]) -> None:
    """Colour a cell, or several merged into one, and note it; the border shows in grey print."""
    from openpyxl.comments import Comment
    from openpyxl.styles import Border, Color, PatternFill, Side

    error = has_errors(items)
    cell = sheet.cell(*places[0])
    cell.fill = PatternFill("solid", fgColor=_RED if error else _YELLOW)
    font = copy(cell.font)
    font.color = Color("FF000000")
    cell.font = font
    side = Side("thick", color="9C0006") if error else Side("mediumDashed", color="7F6000")
    for row, column in places:
        sheet.cell(row, column).border = Border(side, side, side, side)
    texts = [
        f"【{_(item.severity or Severity.ERROR)}】{item.message}\n→ {item.hint}" for item in items
    ]
    if cell.comment is not None:
        texts.append(_("Note in the file: {text}").format(text=cell.comment.text))
    text = _clean("\n".join(texts))
    cell.comment = Comment(text, "appraise", min(18 * count_lines(text, 50) + 16, 600), 340)


def _list(made: _Copy, title: str, ordered: Sequence[Finding]) -> None:
    """The first sheet: what to do, and a row for each finding."""
    taken = {sheet.title.casefold() for sheet in made.book.worksheets}
    sheet = made.book.create_sheet(sheet_name(_("List of findings"), taken), 0)
    advice = _(
        "Mend the cells in the original file, not in this slip, and send the original again."
    )
    _banner(sheet, 1, title, _Look(16, bold=True))
    for row, text in enumerate([counted(ordered), advice, *made.remarks], 2):
        _banner(sheet, row, text, _Look(bold=row < 4))
    header = 4 + len(made.remarks)
    titles = (_("No."), _("Severity"), _("Sheet"), _("Cell"), _("Finding"), _("What to do"))
    for place, text in enumerate(titles, 1):
        _write(sheet, header, place, text, _Look(11, True, "", _GREY, framed=True, centred=True))
    row = header + 1
    for number, item in enumerate(ordered[:_MOST_LISTED], 1):
        row = _entry(sheet, row, number, item, made.sheets.get(item.source.sheet))
    if len(ordered) > _MOST_LISTED:
        more = _("and {count} more findings that are not listed")
        _banner(sheet, row, more.format(count=len(ordered) - _MOST_LISTED), _Look(bold=True))
    sheet.freeze_panes = f"A{header + 1}"
    sheet.print_title_rows = f"{header}:{header}"
    _arrange(sheet, _WIDTHS)
    made.book.active = 0
    sheet.sheet_view.tabSelected = True


def _banner(sheet: "Worksheet", row: int, text: str, look: _Look) -> None:
    """A line over the whole width."""
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(_WIDTHS))
    _write(sheet, row, 1, text, look)
    height = (count_lines(text, sum(_WIDTHS) * 11 // look.size) * LINE + 4) * look.size / 11
    sheet.row_dimensions[row].height = min(height, _HIGHEST)


def _entry(sheet: "Worksheet", row: int, number: int, item: Finding, target: Any) -> int:
    """The row of one finding; what is higher than a row can be goes on below. The row after it."""
    cell, severity = item.source.cell, item.severity or Severity.ERROR
    title = target.title if target else ""
    name, quoted = item.source.sheet or title, title.replace("'", "''")
    below, right = _place(cell) or (1, 1)
    link = f"'{quoted}'!{address(below - 1, right - 1)}" if target else ""
    error = severity is Severity.ERROR
    plain, centred = _Look(framed=True), _Look(framed=True, centred=True)
    severe = centred._replace(bold=error, fill=_RED if error else _YELLOW)
    at = centred._replace(link=link if cell else "")
    looks = (centred, severe, plain._replace(link=link), at, plain, plain)
    texts = (str(number), _(severity), name, cell, item.message, item.hint)
    pieces = [_pieces(text, width) for text, width in zip(texts, _WIDTHS, strict=True)]
    for part, contents in enumerate(zip_longest(*pieces, fillvalue=""), row):
        for place, (text, look) in enumerate(zip(contents, looks, strict=True), 1):
            _write(sheet, part, place, number if text and place == 1 else text, look)
        sheet.row_dimensions[part].height = max(map(count_lines, contents, _WIDTHS)) * LINE + 4
    return row + max(map(len, pieces))


def _pieces(text: str, width: int) -> list[str]:
    """A text in parts that each fit into one row: a row has a greatest height, and a screen too."""
    lines = split_lines(_clean(text), width)
    starts = range(0, len(lines), _MOST_LINES)
    return ["".join(lines[start : start + _MOST_LINES]) for start in starts] or [""]


def _arrange(sheet: Any, widths: Iterable[int]) -> None:
    """The columns' widths, and A4 landscape, as wide as the page."""
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[column_letters(place - 1)].width = width
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.center.text = page_number()


def _write(sheet: "Worksheet", row: int, column: int, value: object, look: _Look) -> None:
    """Write a cell of our own making with its looks."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.worksheet.hyperlink import Hyperlink

    cell: Any = sheet.cell(row, column)
    _put(cell, value)
    cell.font = Font(_FONT, look.size, bold=look.bold)
    if look.link:
        cell.font = Font(_FONT, look.size, underline="single", color=_BLUE)
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=look.link)
    across, down = "center" if look.centred else None, "top" if look.framed else "center"
    cell.alignment = Alignment(across, down, wrap_text=look.wrapped)
    cell.fill = PatternFill("solid" if look.fill else None, fgColor=look.fill or _GREY)
    side = Side("thin" if look.framed else None)
    cell.border = Border(side, side, side, side)


def _put(cell: Any, value: object) -> None:
    """Set a value. Text stays text, whatever it begins with, also when somebody edits it."""
    value = _plain(value)
    cell.value = _clean(value) if isinstance(value, str) else value
    if isinstance(value, str):
        cell.data_type = "s" if value else "n"
        cell.quotePrefix = cell.quotePrefix or value.startswith(_FORMULA_SIGNS)


def _plain(value: object) -> object:
    """A value that a cell can hold: a fault as its text, a number that is none too."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.value if isinstance(value, Fault) else value


def _clean(text: str) -> str:
    """A text that XML and a cell can hold; what is cut off is shown by three dots."""
    clean = _UNPRINTABLE.sub("\ufffd", text)
    cut = shorten(clean, _MOST_TEXT)
    return clean if cut == clean else shorten(clean, _MOST_TEXT - 1) + "…"
