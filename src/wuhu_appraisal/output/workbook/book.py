"""The workbook's looks and pages: what every sheet shares, whatever it holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from wuhu_appraisal.language import _, language
from wuhu_appraisal.names import sheet_name
from wuhu_appraisal.output.excel import A4, LINE, count_lines, new_workbook, page_number
from wuhu_appraisal.output.workbook.refs import Cell
from wuhu_appraisal.result import Copy

BODY = {
    "font_name": "宋体",
    "font_size": 11,
    "font_family": 1,
    "font_charset": 134,
    "border_color": "#808080",
    "locked": False,
}
"""Song type; family and character set tell a program without it what to take instead."""

DARK, HEAD, SOFT, RED, POINTED = "#1F3864", "#D9E2EF", "#F3F6FA", "#9C0006", "#FFF8E1"
ALERT = {"bold": True, "font_color": RED, "text_wrap": True, "valign": "top"}

_TITLED = 11
_PAGE = 110
_TALL = 100


@dataclass(frozen=True, slots=True)
class Front:
    """What all sheets of a workbook bear, and its document properties.

    ``stamp`` stands in the header of each page, ``above`` under each title. ``moment`` is the time
    of the result in ISO 8601. ``marker`` says at the foot of each page whose copy it is; the
    properties name the scheme and the ``edition``, by which a program knows what was made.
    """

    title: str
    moment: str
    stamp: str = ""
    above: Sequence[str] = ()
    subject: str = ""
    author: str = ""
    scheme: str = ""
    unit: str = ""
    final: bool = False
    copy: Copy = field(default_factory=Copy)
    marker: str = ""


class Book:
    """A workbook, held in memory until it is complete: nothing else is written to the disk."""

    def __init__(self, target: IO[bytes], front: Front) -> None:
        self.file = new_workbook(target, in_memory=True)
        self.stamp = front.stamp
        self.above = front.above or ([front.stamp] if front.stamp else [])
        self.marker = front.marker
        self._names: set[str] = set()
        self._looks: dict[tuple[tuple[str, Any], ...], Format] = {}
        created = datetime.fromisoformat(front.moment).astimezone(UTC).replace(tzinfo=None)
        self.file.set_properties(
            {
                "title": front.title,
                "subject": front.subject,
                "author": front.author,
                "status": front.stamp,
                "created": created,
            }
        )
        # By these `verify` makes the same workbook again.
        properties = {
            "scheme": front.scheme,
            "audience": str(front.copy.audience),
            "recipient": front.copy.recipient,
            "unit": front.unit,
            "result": front.copy.result if front.marker else "",
            "language": language(),
            "computed_at": front.moment,
            "final": str(front.final),
        }
        for name, value in properties.items():
            if value:
                self.file.set_custom_property(name, value, "text")
        # Values are stored, and a program that can recalculate does so when it opens the file.
        self.file.set_calc_mode("auto")

    def page(self, name: str) -> "Page":
        """A new sheet, behind those before it."""
        free = sheet_name(name, self._names)
        return Page(self, self.file.add_worksheet(free), free)

    def look(self, **properties: Any) -> Format:
        """The format with these properties, made once."""
        key = tuple(properties.items())
        if key not in self._looks:
            self._looks[key] = self.file.add_format({**BODY, "valign": "vcenter", **properties})
        return self._looks[key]


class Page:
    """One sheet, written from the top down."""

    def __init__(self, book: Book, sheet: Worksheet, name: str) -> None:
        self.book = book
        self.sheet = sheet
        self.name = name
        self.row = 0
        self._widths: list[float] = []

    def cell(self, column: int) -> Cell:
        """A cell of the row that is written now."""
        return Cell(self.name, self.row, column)

    def begin(self, title: str, last: int, notes: Sequence[str] = ()) -> None:
        """The title, what a draft or a provisional result bears, and notes; ``last`` column."""
        across = min(last, _TITLED)
        room = sum(self._widths[: across + 1]) or _PAGE
        head = self.book.look(bold=True, font_size=18, align="center", font_color=DARK)
        self._across(title, across, head, 34)
        for text in self.book.above:
            self._across(text, across, self.book.look(**ALERT), LINE * count_lines(text, room))
        for text in [*([self.book.marker] if self.book.marker else []), *notes]:
            look = self.book.look(font_size=10, text_wrap=True)
            self._across(text, across, look, LINE * count_lines(text, room))

    def header(self, titles: Sequence[str], height: float = 0, turned: int = 0) -> None:
        """The row of column titles, which is repeated on each printed page.

        In a tall row the titles from ``turned`` on, but for the last, stand upright.
        """
        style = {"bold": True, "bg_color": HEAD, "border": 1, "align": "center", "text_wrap": True}
        flat = self.book.look(**style, font_size=10)
        upright = self.book.look(**style, font_size=8, rotation=90)
        if height:
            self.sheet.set_row(self.row, height)
        for column, text in enumerate(titles):
            stands = height >= _TALL and turned <= column < len(titles) - 1
            self.sheet.write_string(self.row, column, text, upright if stands else flat)
        self.sheet.repeat_rows(self.row)
        self.row += 1

    def finish(self, *, last: int, header: int, frozen: int, rows: int, pages: int = 1) -> None:
        """Panes, filter and print set-up; ``header`` is the row of column titles, ``rows`` of data."""
        sheet = self.sheet
        sheet.freeze_panes(header + 1, frozen)
        sheet.autofilter(header, 0, header + max(rows, 1), last)
        self.running()
        sheet.fit_to_pages(pages, 0)
        if pages > 1:
            sheet.repeat_columns(0, frozen - 1)
        sheet.set_margins(left=0.5, right=0.5, top=0.75, bottom=0.7)

    def running(self) -> None:
        """A4 landscape with what stands on each printed page: the stamp, the number, whose copy."""
        self.sheet.set_landscape()
        self.sheet.set_paper(A4)
        # On a line of its own: it can be as long as the page is wide.
        marker = f"\n{_plain(self.book.marker)}" if self.book.marker else ""
        self.sheet.set_footer(f"&L&9&A&C&9{page_number()}{marker}")
        if self.book.stamp:
            self.sheet.set_header(f"&C&B{_plain(self.book.stamp)}")

    def forbid_sorting(self) -> None:
        """Let a person change and filter but not sort what other sheets point at; no password."""
        allowed = ("autofilter", "format_cells", "format_columns", "format_rows")
        self.sheet.protect("", dict.fromkeys(allowed, True))

    def text(self, column: int, text: str, **look: Any) -> None:
        """A text, never taken for a formula, a link or a number."""
        self.sheet.write_string(self.row, column, text, self.book.look(border=1, **look))

    def blank(self, column: int, **look: Any) -> None:
        """An empty cell with the lines of its row."""
        self.sheet.write_blank(self.row, column, None, self.book.look(border=1, **look))

    def number(self, column: int, number: float, **look: Any) -> None:
        """A number."""
        self.sheet.write_number(self.row, column, number, self.book.look(border=1, **look))

    def value(self, column: int, value: float | str, why: str, **look: Any) -> None:
        """A value in the place of a formula, with a note that says why."""
        if isinstance(value, str):
            self.text(column, value, italic=True, **look)
        else:
            self.number(column, value, italic=True, **look)
        self.sheet.write_comment(self.row, column, why)

    def formula(self, column: int, formula: str, value: float | str, **look: Any) -> None:
        """A formula with the value that it has."""
        made = self.book.look(border=1, **look)
        self.sheet.write_formula(self.row, column, f"={formula}", made, value)

    def link(self, column: int, to: Cell, text: str, **look: Any) -> None:
        """A text that leads to another cell of the workbook; without a link where there are too many."""
        made = self.book.look(border=1, font_color=DARK, underline=1, **look)
        # A link's text is an attribute, which cannot hold all that a cell can.
        text = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
        if self.sheet.write_url(self.row, column, to.link, made, text) < 0:
            self.sheet.write_string(self.row, column, text, made)

    def widths(self, widths: Sequence[float]) -> None:
        """The columns' widths in characters, from the first on; before anything is written."""
        self._widths = list(widths)
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)

    def tall(self, lines: float) -> None:
        """Room for so many lines of text in this row."""
        if lines > 1:
            self.sheet.set_row(self.row, LINE * lines)

    def _across(self, text: str, last: int, look: Format, height: float | None = None) -> None:
        if height:
            self.sheet.set_row(self.row, height)
        if last:
            self.sheet.merge_range(self.row, 0, self.row, last, text, look)
        else:
            self.sheet.write_string(self.row, 0, text, look)
        self.row += 1


def unsorted() -> str:
    """What stands over a sheet that may not be sorted."""
    return _("Other sheets point here, so rows can be filtered and changed but not sorted.")


def number_format(digits: int) -> str:
    """The number format of a published number: two digits at least for two, more if it has more."""
    return f"0.{'0' * digits}{'#' * (6 - digits)}" if digits else "0"


def _plain(text: str) -> str:
    """A text in a header or footer, in which & begins a code."""
    return text.replace("&", "&&")
