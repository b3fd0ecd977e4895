"""What all sheets of a workbook share: formats, titles, print set-up, addresses, and tables."""

import io
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from rich.cells import cell_len
from xlsxwriter.format import Format
from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from wuhu_appraisal.language import _, language
from wuhu_appraisal.names import sheet_name
from wuhu_appraisal.output.excel import A4, LINE, count_lines, new_workbook, page_number
from wuhu_appraisal.output.tables import Table, banner, marker, show, stamp
from wuhu_appraisal.result import Result

DARK, HEAD, SOFT, RED, GREY = "#1F3864", "#D9E2EF", "#F3F6FA", "#9C0006", "#7F7F7F"
INPUT = "#FFF8E1"
"""Behind a number or a choice that a person may change."""
ABSENT = "—"
"""Stands where there is no number."""
FONT = "宋体"

_BODY = {
    "font_name": FONT,
    "font_size": 11,
    # The family and the character set tell a program without the font what to use instead.
    "font_family": 1,
    "font_charset": 134,
    "border_color": "#808080",
    "locked": False,
    "valign": "vcenter",
}
_MOST_TITLE_COLUMNS = 12
_WIDEST, _PAGE = 44, 110
"""In half-width characters: a column of texts at most, and all columns of a table at least."""
_MOST_LINKS = 60_000
"""Excel opens sheets with at most 65,530 links."""


class Cell(NamedTuple):
    """One cell: its sheet, and its 0-based row and column."""

    sheet: str
    row: int
    column: int

    @property
    def address(self) -> str:
        """Its address within its sheet, which follows its row when rows are sorted: B7."""
        return xl_rowcol_to_cell(self.row, self.column)  # type: ignore[no-any-return]

    @property
    def fixed(self) -> str:
        """Its address within its sheet, which stays the same when rows are sorted: $B$7."""
        return xl_rowcol_to_cell(self.row, self.column, True, True)  # type: ignore[no-any-return]

    @property
    def full(self) -> str:
        """Its address from any sheet."""
        return f"{quote_sheetname(self.sheet)}!{self.fixed}"

    def right(self, columns: int) -> "Cell":
        """The cell ``columns`` to the right."""
        return self._replace(column=self.column + columns)

    def down(self, rows: int) -> "Cell":
        """The cell ``rows`` below."""
        return self._replace(row=self.row + rows)


class Range(NamedTuple):
    """A rectangle of cells by its first and its last cell."""

    first: Cell
    last: Cell

    @property
    def address(self) -> str:
        """Its address within its sheet: B7:C9."""
        return f"{self.first.address}:{self.last.address}"

    @property
    def fixed(self) -> str:
        """Its address within its sheet, which stays the same when rows are sorted: $B$7:$C$9."""
        return f"{self.first.fixed}:{self.last.fixed}"

    @property
    def full(self) -> str:
        """Its address from any sheet."""
        return f"{self.first.full}:{self.last.fixed}"

    def at_row(self, row: int) -> "Range":
        """The cells of the 0-based ``row`` of the sheet, above or below it, in the same columns."""
        return Range(self.first._replace(row=row), self.last._replace(row=row))

    def at_column(self, column: int) -> "Range":
        """The cells of the 0-based ``column`` of the sheet in the same rows."""
        return Range(self.first._replace(column=column), self.last._replace(column=column))


class Book:
    """A workbook whose sheets are written row by row.

    By its document properties ``verify`` makes it again.
    """

    def __init__(
        self,
        result: Result,
        *,
        final: bool,
        title: str = "",
        warnings: Sequence[str] = (),
        unit: str = "",
        folder: str | None = None,
    ) -> None:
        """Begin a workbook of a result, or of one ``unit`` of it.

        Rows are written to ``folder`` meanwhile, so that size is no matter of memory; without one
        all is held in memory, and nothing is written to the disk.

        ``warnings`` stand under each title, in place of the banner of a provisional result. Raises
        ValueError if a provisional result is to be final.
        """
        self._target = io.BytesIO()
        # Values are stored, and a program that can recalculate does so when it opens the file.
        self.file = new_workbook(
            self._target, constant_memory=bool(folder), in_memory=not folder, tmpdir=folder
        )
        self.file.set_calc_mode("auto")
        self.stamp = stamp(result, final=final)
        self.warnings = warnings or banner(result) or [self.stamp] * bool(self.stamp)
        self.marker = marker(result)
        self._names: set[str] = set()
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        created = datetime.fromisoformat(result.computed_at).astimezone(UTC).replace(tzinfo=None)
        scheme = result.scheme
        self.file.set_properties(
            {
                "title": title or str(scheme.title),
                "subject": str(scheme.document.title),
                "author": scheme.document.issued_by,
                "status": self.stamp,
                "created": created,
            }
        )
        properties = {
            "scheme": f"{scheme.id} {result.scheme_sha256}",
            "audience": str(result.copy.audience),
            "recipient": result.copy.recipient,
            "unit": unit,
            "result": result.copy.result if self.marker else "",
            "language": language(),
            "computed_at": result.computed_at,
            "final": str(final),
        }
        for name, value in properties.items():
            if value:
                self.file.set_custom_property(name, value, "text")

    def page(self, name: str) -> "Page":
        """Add a sheet behind those before it."""
        free_name = sheet_name(name, self._names)
        return Page(self, self.file.add_worksheet(free_name), free_name)

    def add_table(self, table: Table) -> Range:
        """Write a table on a sheet of its own; return the cells of its rows.

        A table without rows has one blank row.
        """
        page = self.page(table.name)
        page.begin(table.title, _widths(table), table.notes)
        page.header([column.title for column in table.columns])
        first = page.cell(0)
        for row in table.rows:
            texts = [
                show(content, column) for content, column in zip(row, table.columns, strict=True)
            ]
            page.fit_height(texts)
            cells = zip(row, texts, table.columns, strict=True)
            for place, (content, text, column) in enumerate(cells):
                if not isinstance(content, int | Decimal):
                    page.write(place, text, text_wrap=column.kind == "text")
                elif column.kind == "count":
                    page.write(place, float(content), align="center", num_format="0")
                else:
                    # A published number has few digits: the nearest double shows the same decimal.
                    digits = number_format(column.digits)
                    page.write(place, float(content), align="right", num_format=digits)
            page.row += 1
        page.finish()
        last = first.down(max(len(table.rows), 1) - 1).right(len(table.columns) - 1)
        return Range(first, last)

    def format(self, **properties: Any) -> Format:
        """Return the format with these properties of XlsxWriter, made once."""
        key = tuple(properties.items())
        if key not in self._formats:
            self._formats[key] = self.file.add_format({**_BODY, **properties})
        return self._formats[key]

    def save(self) -> bytes:
        """Return the workbook as .xlsx (ECMA-376)."""
        self.file.close()
        return self._target.getvalue()


class Page:
    """One sheet, written from the top down: ``row`` is the one that is written now."""

    def __init__(self, book: Book, sheet: Worksheet, name: str) -> None:
        self.book = book
        self.sheet = sheet
        self.name = name
        self.row = 0
        self._widths: Sequence[float] = ()
        self._header = 0
        self._links = 0

    def cell(self, column: int) -> Cell:
        """Return a cell of this row."""
        return Cell(self.name, self.row, column)

    def begin(
        self,
        title: str,
        widths: Sequence[float],
        notes: Sequence[str] = (),
        *,
        sortable: bool = True,
    ) -> None:
        """Set the columns' widths in characters; write the title, warnings, marker and notes.

        Rows of a sheet that is not ``sortable`` can be filtered and changed but not sorted, as
        other sheets point at them. There is no password.
        """
        self._widths = widths
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)
        if not sortable:
            notes = [
                *notes,
                _(
                    "Other sheets refer to this one: its rows can be filtered and changed, but not sorted."
                ),
            ]
            allowed = ("autofilter", "format_cells", "format_columns", "format_rows")
            self.sheet.protect("", dict.fromkeys(allowed, True))
        format_ = self.book.format
        head = format_(bold=True, font_size=18, align="center", font_color=DARK)
        alert = format_(bold=True, font_color=RED, text_wrap=True, valign="top")
        note = format_(font_size=10, text_wrap=True)
        lines = [(title, head), *((text, alert) for text in self.book.warnings)]
        lines += [(text, note) for text in (self.book.marker, *notes) if text]
        across = min(len(widths), _MOST_TITLE_COLUMNS)
        room = sum(widths[:across])
        for text, look in lines:
            self.sheet.set_row(self.row, 34 if look is head else LINE * count_lines(text, room))
            if across > 1:
                self.sheet.merge_range(self.row, 0, self.row, across - 1, text, look)
            else:
                self.sheet.write_string(self.row, 0, text, look)
            self.row += 1

    def header(
        self, titles: Sequence[str], height: float = 0, upright: Collection[int] = ()
    ) -> None:
        """Write the column titles, repeated on each printed page; ``upright`` ones are turned."""
        style = {"bold": True, "bg_color": HEAD, "border": 1, "align": "center", "text_wrap": True}
        flat = self.book.format(**style, font_size=10)
        turned = self.book.format(**style, font_size=8, rotation=90)
        if height:
            self.sheet.set_row(self.row, height)
        for column, text in enumerate(titles):
            self.sheet.write_string(self.row, column, text, turned if column in upright else flat)
        self.sheet.repeat_rows(self.row)
        self._header = self.row
        self.row += 1

    def finish(self, *, frozen: int = 0, pages: int = 1) -> None:
        """Set panes, filter and print set-up: ``frozen`` columns, ``pages`` side by side."""
        sheet = self.sheet
        sheet.freeze_panes(self._header + 1, frozen)
        last_row = max(self.row - 1, self._header + 1)
        sheet.autofilter(self._header, 0, last_row, len(self._widths) - 1)
        self.set_up_print(pages)
        if pages > 1:
            sheet.repeat_columns(0, frozen - 1)
        sheet.set_margins(left=0.5, right=0.5, top=0.75, bottom=0.7)

    def set_up_print(self, pages: int = 1) -> None:
        """Print on A4 landscape with the stamp above, and the page number and the marker below."""
        self.sheet.set_landscape()
        self.sheet.set_paper(A4)
        self.sheet.fit_to_pages(pages, 0)
        # In a header or footer & begins a code. The marker can be as long as the page is wide.
        stamp_text, marker_text = (
            text.replace("&", "&&") for text in (self.book.stamp, self.book.marker)
        )
        line = f"\n{marker_text}" if marker_text else ""
        self.sheet.set_footer(f"&L&9&A&C&9{page_number()}{line}")
        if stamp_text:
            self.sheet.set_header(f"&C&B{stamp_text}")

    def write(self, column: int, content: float | str | None, note: str = "", **style: Any) -> None:
        """Write a number, a text (never a formula or a link), or for None an empty cell."""
        look = self.book.format(border=1, **style)
        if content is None:
            code = self.sheet.write_blank(self.row, column, None, look)
        elif isinstance(content, str):
            code = self.sheet.write_string(self.row, column, content, look)
        else:
            code = self.sheet.write_number(self.row, column, content, look)
        # XlsxWriter drops what is written above rows that it has let go of.
        assert code != -1, "each sheet is written row by row"
        if note:
            self.sheet.write_comment(self.row, column, note)

    def formula(self, column: int, formula: str, value: float | str, **style: Any) -> None:
        """Write a formula and the value that it has."""
        look = self.book.format(border=1, **style)
        code = self.sheet.write_formula(self.row, column, f"={formula}", look, value)
        assert code != -1, "each sheet is written row by row"

    def link(self, column: int, to: Cell | None, text: str, **style: Any) -> None:
        """Write a text that leads to another cell; without a link where there are too many."""
        if to is None or self._links >= _MOST_LINKS:
            self.write(column, text, **style)
            return
        self._links += 1
        look = self.book.format(border=1, font_color=DARK, underline=1, **style)
        # A link's text is an attribute, which cannot hold all that a cell can.
        text = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
        self.sheet.write_url(self.row, column, f"internal:{to.full}", look, text)

    def set_height(self, lines: float) -> None:
        """Make room for ``lines`` of text in this row."""
        if lines > 1:
            self.sheet.set_row(self.row, LINE * lines)

    def fit_height(self, texts: Sequence[str]) -> None:
        """Make room in this row for texts that are wrapped, one for each column."""
        self.set_height(max(map(count_lines, texts, self._widths)))


def tables_book(
    result: Result, title: str, tables: Iterable[Table], *, final: bool | None = None
) -> bytes:
    """Return a workbook with a sheet for each table; final unless the result is provisional."""
    book = Book(result, final=not result.provisional if final is None else final, title=title)
    for table in tables:
        book.add_table(table)
    return book.save()


def number_format(digits: int) -> str:
    """Return the format of a published number: ``digits`` decimals, more where it has more."""
    return f"0.{'0' * digits}{'#' * (6 - digits)}" if digits else "0"


def if_enough(formula: str, values: str, fewest: int, absent: str) -> str:
    """Return the formula, or ``absent`` for as long as ``values`` hold too few numbers."""
    return f"IF(COUNT({values})<{fewest},{absent},{formula})"


def _widths(table: Table) -> list[int]:
    """Return the columns' widths in half-width characters; columns of texts share what is left."""
    widths, wanted = [], []
    for place, column in enumerate(table.columns):
        texts = "\n".join(show(row[place], column) for row in table.rows).split("\n")
        widest = max(min(cell_len(column.title), _WIDEST // 2), *map(cell_len, texts)) + 3
        widths.append(min(widest, _WIDEST) if column.kind == "text" else widest)
        wanted.append(widest - widths[-1])
    if not any(wanted):
        wanted = [int(column.kind == "text") for column in table.columns]
    spare = max(_PAGE - sum(widths), 0)
    whole = max(sum(wanted), 1)
    return [width + spare * want // whole for width, want in zip(widths, wanted, strict=True)]
