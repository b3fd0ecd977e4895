"""Return slips: the findings of a file, as a workbook for the office that sent it.

The first sheet lists the findings; behind it stand the sheets of the file with the cells in
question coloured and noted. What an office wrote stays text: nothing in a slip is calculated, and
no link leads out of it. openpyxl is imported where it is used, because most runs write no slip.
"""

import io
import math
import re
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import PureWindowsPath
from typing import Any

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
from wuhu_appraisal.output.excel import (
    A4,
    LINE,
    count_lines,
    page_number,
    save_openpyxl,
    split_lines,
)
from wuhu_appraisal.output.tables import counted
from wuhu_appraisal.workbooks.cell import Fault, Sheet

_MAX_BYTES, _MAX_UNPACKED, _MAX_PART = 5_000_000, 20_000_000, 5_000_000
"""A larger file is not loaded with its formatting: the file, all its parts, one part."""
_MAX_LISTED, _MAX_CELLS = 2000, 50_000
"""Findings in the list, and cells that are copied."""
_MAX_ROWS, _MAX_COLUMNS, _MAX_TEXT = 1_048_576, 16_384, 32_767
"""What a sheet and a cell can hold."""
_MAX_HEIGHT, _LINES_IN_ROW = 409, 16
"""A row's greatest height in points; lines after which a text of the list goes on in a new row."""
_WIDTHS, _MAX_WIDTH = (6, 10, 20, 9, 54, 40), 36
"""Columns of the list, and the widest column of a copy, in characters."""

_FONT = "宋体"
_RED, _YELLOW, _GREY, _BLUE = "FFC7CE", "FFF2CC", "DDE6EF", "0563C1"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_EXPANDED = {"mergeCell", "hyperlink", "comment"}
"""Elements for whose ranges openpyxl makes every cell."""


@dataclass(slots=True)
class _Slip:
    """A slip in the making, and the copied sheets by the names that findings use."""

    book: Any
    sheets: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def slip(
    file: str,
    content: bytes,
    sheets: Sequence[Sheet],
    findings: Sequence[Finding],
    *,
    encrypted: bool = False,
) -> bytes:
    """The slip of a file as .xlsx, made of its content or, if that does not load, of what was read.

    The sheets of an encrypted file are not copied. Raises OSError if the disk has no room.
    """
    if encrypted:
        alone = _values_copied(file, [])
        alone.remarks = [finding("slip-without-sheets").message]
        return _finished(alone, file, findings)
    # An office's workbook can hold anything that fails, if only when it is saved.
    try:
        with warnings.catch_warnings(action="ignore"):
            if (loaded := _file_copied(content)) is not None:
                return _finished(loaded, file, findings)
    except Exception as error:
        if getattr(error, "errno", None):
            raise
    return _finished(_values_copied(file, sheets), file, findings)


def _finished(made: _Slip, file: str, findings: Sequence[Finding]) -> bytes:
    """Mark the findings in the copied sheets, list them in front, and save the slip."""
    ordered = by_place(findings)
    if _mark_cells(made, ordered[:_MAX_LISTED]):
        key = _("Errors are red in a thick border, warnings yellow in a dashed one; see the notes.")
        made.remarks.append(key)
    _list_findings(made, file, ordered)
    return save_openpyxl(made.book)


def _file_copied(content: bytes) -> _Slip | None:
    """An .xlsx or .xlsm with its formatting, but nothing in it that calculates or leads elsewhere."""
    from openpyxl import load_workbook
    from openpyxl.workbook.views import BookView

    if not content.startswith(b"PK") or len(content) > _MAX_BYTES or not _is_modest(content):
        return None
    book: Any = load_workbook(io.BytesIO(content), data_only=True, keep_links=False)
    for chart in book.chartsheets:
        book.remove(chart)
    made = _Slip(book, {sheet.title: sheet for sheet in book.worksheets})
    book.custom_doc_props = type(book.custom_doc_props)()
    book.security, book.template, book.views = None, False, [BookView()]
    book.defined_names.clear()
    used: set[str] = set()
    for name, sheet in made.sheets.items():
        sheet.title = sheet_name(name, used)
        _disarm(sheet)
    return made if made.sheets else None


def _is_modest(content: bytes) -> bool:
    """Whether a zip unpacks to little, and no range in it would become countless cells."""
    cells = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = [part.file_size for part in archive.infolist()]
        if sum(sizes) > _MAX_UNPACKED or max(sizes, default=0) > _MAX_PART:
            return False
        for name in archive.namelist():
            # Pictures are no XML; what else does not parse does not load either.
            with suppress(SyntaxError):
                for _event, element in iterparse(io.BytesIO(archive.read(name))):
                    first, colon, last = element.get("ref", "").partition(":")
                    if colon and element.tag.rpartition("}")[2] in _EXPANDED:
                        top, left = _place(first) or (1, 1)
                        bottom, right = _place(last) or (_MAX_ROWS, _MAX_COLUMNS)
                        cells += (bottom - top + 1) * (right - left + 1)
                    element.clear()
    return cells <= _MAX_CELLS


def _disarm(sheet: Any) -> None:
    """Keep values and formatting; remove what acts, leads elsewhere or would hide the colours."""
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
            _set_value(cell, cell.value)


def _values_copied(file: str, sheets: Sequence[Sheet]) -> _Slip:
    """Plain sheets of the values that were read."""
    from openpyxl import Workbook

    made = _Slip(Workbook())
    made.book.remove(made.book.worksheets[0])
    made.book.properties.creator = "appraise"
    used: set[str] = set()
    room = _MAX_CELLS
    for read in sheets:
        name = sheet_name(read.name or PureWindowsPath(file).stem, used)
        target = made.book.create_sheet(name)
        made.sheets.setdefault(read.name, target)
        room = _copy_rows(target, read.rows, room)
    if room < 0:
        made.remarks.append(_("The sheets are too long to be copied whole; the rest is left out."))
    if not sheets:
        made.remarks.append(_("The sheets of the file could not be copied."))
    return made


def _copy_rows(sheet: Any, raw: Sequence[Sequence[object]], room: int) -> int:
    """Copy rows while there is room for their cells; the room left, below 0 if there was too little."""
    rows = [[_storable(value) for value in row[:_MAX_COLUMNS]] for row in raw[:_MAX_ROWS]]
    entries = [sum(value != "" for value in row) for row in rows]
    # A row with one entry is a title or a remark, which may run over the cells beside it.
    fewest = 2 if max(entries, default=0) > 1 else 1
    table = [row for row, count in zip(rows, entries, strict=True) if count >= fewest]
    columns = zip_longest(*table[:500], fillvalue="")
    widths = [max(cell_len(str(value)) for value in column) for column in columns]
    while widths and not widths[-1]:
        widths.pop()
    widths = [min(width + 4, _MAX_WIDTH) for width in widths]
    _set_page(sheet, widths)
    for number, (row, count) in enumerate(zip(rows, entries, strict=True), 1):
        framed = len(widths) if count >= fewest else 0
        room -= max(count, framed)
        if room < 0:
            break
        for at, value in enumerate([*row, *[""] * (framed - len(row))], 1):
            if value != "" or at <= framed:
                _write(sheet, number, at, value, framed=at <= framed, wrapped=framed > 0)
        if framed:
            lines = max(map(count_lines, map(str, row), widths))
            sheet.row_dimensions[number].height = min(lines * LINE, _MAX_HEIGHT)
    return room


def _mark_cells(made: _Slip, findings: Sequence[Finding]) -> bool:
    """Colour and note the cells that findings are about; whether there were any."""
    merged = {
        name: {place: area for area in sheet.merged_cells.ranges for place in area.cells}
        for name, sheet in made.sheets.items()
    }
    by_cell: dict[tuple[str, int, int], list[Finding]] = {}
    for item in findings:
        name, place = item.source.sheet, _place(item.source.cell)
        if place is not None and name in merged:
            area = merged[name].get(place)
            row, column = (area.min_row, area.min_col) if area else place
            by_cell.setdefault((name, row, column), []).append(item)
    for (name, row, column), items in by_cell.items():
        area = merged[name].get((row, column))
        _mark(made.sheets[name], [*area.cells] if area else [(row, column)], items)
    return bool(by_cell)


def _mark(sheet: Any, places: Sequence[tuple[int, int]], items: Sequence[Finding]) -> None:
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


def _list_findings(made: _Slip, file: str, ordered: Sequence[Finding]) -> None:
    """The first sheet: what to do, and a row for each finding."""
    used = {sheet.title.casefold() for sheet in made.book.worksheets}
    sheet = made.book.create_sheet(sheet_name(_("List of findings"), used), 0)
    advice = _(
        "Mend the cells in the original file, not in this slip, and send the original again."
    )
    _write_line(sheet, 1, _("List of findings: {file}").format(file=file), size=16)
    _write_line(sheet, 2, counted(ordered))
    _write_line(sheet, 3, advice)
    for row, text in enumerate(made.remarks, 4):
        _write_line(sheet, row, text, bold=False)
    header = 4 + len(made.remarks)
    titles = (_("No."), _("Severity"), _("Sheet"), _("Cell"), _("Finding"), _("What to do"))
    for at, text in enumerate(titles, 1):
        _write(sheet, header, at, text, bold=True, fill=_GREY, framed=True, centred=True)
    row = header + 1
    for number, item in enumerate(ordered[:_MAX_LISTED], 1):
        row = _list_finding(sheet, row, number, item, made.sheets.get(item.source.sheet))
    if len(ordered) > _MAX_LISTED:
        more = _("and {count} more findings that are not listed")
        _write_line(sheet, row, more.format(count=len(ordered) - _MAX_LISTED))
    sheet.freeze_panes = f"A{header + 1}"
    sheet.print_title_rows = f"{header}:{header}"
    _set_page(sheet, _WIDTHS)
    made.book.active = 0
    sheet.sheet_view.tabSelected = True


def _list_finding(sheet: Any, row: int, number: int, item: Finding, target: Any) -> int:
    """Write a finding in a row, and in rows below what is too high for one; the row after it."""
    title, link = "", ""
    if target is not None:
        title = target.title
        below, right = _place(item.source.cell) or (1, 1)
        link = "'{}'!{}".format(title.replace("'", "''"), address(below - 1, right - 1))
    severity = item.severity or Severity.ERROR
    error = severity is Severity.ERROR
    columns: tuple[tuple[str, dict[str, Any]], ...] = (
        (str(number), {"centred": True}),
        (_(severity), {"centred": True, "bold": error, "fill": _RED if error else _YELLOW}),
        (item.source.sheet or title, {"link": link}),
        (item.source.cell, {"centred": True, "link": link if item.source.cell else ""}),
        (item.message, {}),
        (item.hint, {}),
    )
    lines = [
        split_lines(_clean(text), width)
        for (text, _style), width in zip(columns, _WIDTHS, strict=True)
    ]
    for start in range(0, max(map(len, lines)), _LINES_IN_ROW):
        parts = ["".join(column[start : start + _LINES_IN_ROW]) for column in lines]
        for at, (part, (_text, style)) in enumerate(zip(parts, columns, strict=True), 1):
            _write(sheet, row, at, number if part and at == 1 else part, framed=True, **style)
        sheet.row_dimensions[row].height = max(map(count_lines, parts, _WIDTHS)) * LINE + 4
        row += 1
    return row


def _write_line(sheet: Any, row: int, text: str, *, size: int = 11, bold: bool = True) -> None:
    """Write a text over the whole width of the list."""
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(_WIDTHS))
    _write(sheet, row, 1, text, size=size, bold=bold)
    height = (count_lines(text, sum(_WIDTHS) * 11 // size) * LINE + 4) * size / 11
    sheet.row_dimensions[row].height = min(height, _MAX_HEIGHT)


def _write(
    sheet: Any,
    row: int,
    column: int,
    value: object,
    *,
    size: int = 11,
    bold: bool = False,
    link: str = "",
    fill: str = "",
    framed: bool = False,
    centred: bool = False,
    wrapped: bool = True,
) -> None:
    """Write a cell of our own; ``link`` is a place in the workbook."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.worksheet.hyperlink import Hyperlink

    cell = sheet.cell(row, column)
    _set_value(cell, value)
    cell.font = Font(_FONT, size, bold=bold)
    if link:
        cell.font = Font(_FONT, size, underline="single", color=_BLUE)
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=link)
    across, down = "center" if centred else None, "top" if framed else "center"
    cell.alignment = Alignment(across, down, wrap_text=wrapped)
    if fill:
        cell.fill = PatternFill("solid", fgColor=fill)
    if framed:
        side = Side("thin")
        cell.border = Border(side, side, side, side)


def _set_page(sheet: Any, widths: Sequence[int]) -> None:
    """The columns' widths, and A4 landscape, as wide as the page."""
    for at, width in enumerate(widths):
        sheet.column_dimensions[column_letters(at)].width = width
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.center.text = page_number()


def _set_value(cell: Any, value: object) -> None:
    """Set a value. Text stays text, whatever it begins with, also when somebody edits it."""
    value = _storable(value)
    cell.value = _clean(value) if isinstance(value, str) else value
    if isinstance(value, str):
        cell.data_type = "s" if value else "n"
        cell.quotePrefix = cell.quotePrefix or value.startswith(_FORMULA_SIGNS)


def _storable(value: object) -> object:
    """A value that a cell can hold: the text of a fault, and of a float that is no number."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.value if isinstance(value, Fault) else value


def _clean(text: str) -> str:
    """A text that XML and a cell can hold; three dots stand for what is cut off."""
    clean = _UNPRINTABLE.sub("\ufffd", text)
    short = shorten(clean, _MAX_TEXT)
    return clean if short == clean else shorten(clean, _MAX_TEXT - 1) + "…"


def _place(cell: str) -> tuple[int, int] | None:
    """Return the row and column from 1 of a cell that a sheet can have, or of a range's first one."""
    row, column = parse_address(cell) or (_MAX_ROWS, 0)
    return (row + 1, column + 1) if row < _MAX_ROWS and column < _MAX_COLUMNS else None
