"""The ranked workbook: the view's tables as sheets, laid out for A4 landscape.

XlsxWriter writes it, because only it can store a formula together with its value, which the
workbook's sheets will need.
"""

import io
from datetime import UTC, datetime
from decimal import Decimal

import xlsxwriter
from rich.cells import cell_len
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from wuhu_appraisal.i18n import _
from wuhu_appraisal.report.view import Column, Content, Sheet, banner, sheets, show
from wuhu_appraisal.run import Run

_A4 = 9
_WIDEST = 44
_LINE = 15
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))
_FONT = "宋体"


def render(run: Run) -> bytes:
    """The workbook of a run as .xlsx (ECMA-376)."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(
        target,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    created = datetime.fromisoformat(run.computed_at).astimezone(UTC).replace(tzinfo=None)
    book.set_properties({"title": str(run.scheme.title), "created": created})
    writer = _Writer(book, banner(run))
    for sheet in sheets(run):
        writer.add(sheet)
    book.close()
    return target.getvalue()


class _Writer:
    """Writes view tables into one workbook, with the formats that they share."""

    def __init__(self, book: xlsxwriter.Workbook, above: list[str]) -> None:
        self._book = book
        self._above = above
        self._names: set[str] = set()
        self._formats: dict[tuple[str, int], Format] = {}
        self._title = self._format(bold=True, font_size=16, align="center", valign="vcenter")
        self._note = self._format(italic=True, align="left")
        self._warn = self._format(bold=True, font_color="#9C0006", text_wrap=True, valign="top")
        self._head = self._format(
            bold=True,
            bg_color="#DDE6EF",
            border=1,
            align="center",
            valign="vcenter",
            text_wrap=True,
        )

    def add(self, sheet: Sheet) -> None:
        """One sheet: title, the banner of a provisional result, notes, header, rows."""
        page = self._book.add_worksheet(self._name(sheet.name))
        last = len(sheet.columns) - 1
        page.merge_range(0, 0, 0, last, sheet.title, self._title)
        page.set_row(0, 30)
        row = 1
        for text in self._above:
            page.merge_range(row, 0, row, last, text, self._warn)
            row += 1
        for text in sheet.notes:
            page.merge_range(row, 0, row, last, text, self._note)
            row += 1
        for place, column in enumerate(sheet.columns):
            page.write_string(row, place, column.title, self._head)
        for offset, cells in enumerate(sheet.rows, 1):
            for place, (content, column) in enumerate(zip(cells, sheet.columns, strict=True)):
                self._write(page, row + offset, place, content, column)
        self._arrange(page, sheet, row)

    def _name(self, title: str) -> str:
        """A sheet name that spreadsheet programs accept: 31 characters at most, each name once."""
        bare = title.translate(_FORBIDDEN).strip(" '")[:31] or "-"
        name, number = bare, 1
        while name.casefold() in self._names:
            number += 1
            behind = f" ({number})"
            name = bare[: 31 - len(behind)] + behind
        self._names.add(name.casefold())
        return name

    def _write(
        self, page: Worksheet, row: int, place: int, content: Content, column: Column
    ) -> None:
        style = self._cell(column)
        if isinstance(content, int | Decimal):
            # A published number has few digits: the nearest double shows as the same decimal.
            page.write_number(row, place, float(content), style)
        else:
            page.write_string(row, place, show(content, column), style)

    def _cell(self, column: Column) -> Format:
        key = (column.kind, column.digits)
        if key not in self._formats:
            look: dict[str, object] = {"border": 1, "valign": "vcenter"}
            if column.kind == "number":
                look["num_format"] = "0" + ("." + "0" * column.digits if column.digits else "")
                look["align"] = "right"
            elif column.kind == "count":
                look |= {"num_format": "0", "align": "center"}
            elif column.kind == "text":
                look["text_wrap"] = True
            self._formats[key] = self._format(**look)
        return self._formats[key]

    def _arrange(self, page: Worksheet, sheet: Sheet, header: int) -> None:
        last = len(sheet.columns) - 1
        widths = [_width(sheet, place, column) for place, column in enumerate(sheet.columns)]
        for place, width in enumerate(widths):
            page.set_column(place, place, width)
        for offset, cells in enumerate(sheet.rows, 1):
            shown = [show(content, c) for content, c in zip(cells, sheet.columns, strict=True)]
            lines = max(
                -(-cell_len(text) // (w - 2)) for text, w in zip(shown, widths, strict=True)
            )
            # Spreadsheet programs do not all fit a row to its wrapped text when they open a file.
            if lines > 1:
                page.set_row(header + offset, _LINE * lines)
        page.freeze_panes(header + 1, 2 if last > 2 else 0)
        page.autofilter(header, 0, header + max(len(sheet.rows), 1), last)
        page.repeat_rows(header)
        page.set_landscape()
        page.set_paper(_A4)
        page.fit_to_pages(1, 0)
        page.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        page.set_footer("&C" + _("page {page} of {pages}").format(page="&P", pages="&N"))
        if self._above:
            page.set_header("&C" + _("PROVISIONAL"))

    def _format(self, **look: object) -> Format:
        return self._book.add_format({"font_name": _FONT, "font_size": 11, **look})


def _width(sheet: Sheet, place: int, column: Column) -> int:
    """A column's width in characters: of its widest content, but texts wrap."""
    texts = [column.title, *(show(cells[place], column) for cells in sheet.rows)]
    widest = max(map(cell_len, texts)) + 3
    return min(widest, _WIDEST) if column.kind == "text" else widest
