"""The forms that a scheme expects, as workbooks: locked but for the cells to fill, laid out for A4."""

import io
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from itertools import accumulate, groupby
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell

from wuhu_appraisal.output.excel import A4, LINE, count_lines, new_workbook, page_number
from wuhu_appraisal.output.form_pages import Cell, Page, form_page, header_row
from wuhu_appraisal.output.form_rules import Rule
from wuhu_appraisal.read.applicability import Registers
from wuhu_appraisal.read.forms import FormIndex
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.year.expected import Template

_PORTRAIT, _VISIBLE = 130, 120
"""Widths in characters: of an upright page, and of what a screen shows at once."""
_ROW, _MARGIN, _NARROW = 20, 5, 8
"""A row's least height in points, what it needs besides its text, and a narrow column's width."""
_BORDER = {"border": 1, "valign": "vcenter"}
_HEAD = {**_BORDER, "font_name": "黑体", "bg_color": "#DDE6EF", "align": "center"}
_OPEN = {**_BORDER, "bg_color": "#F9ECBC", "locked": False}
_STYLES: dict[str, dict[str, object]] = {
    "heading": {"font_name": "黑体", "font_size": 16, "align": "center", "valign": "vcenter"},
    "tag": {"font_size": 8, "font_color": "#808080", "align": "right", "valign": "vcenter"},
    "note": {"font_size": 10, "valign": "vcenter"},
    "live": {"bold": True, "valign": "vcenter"},
    "head": _HEAD,
    "head-narrow": {**_HEAD, "font_size": 9},
    "label": {"align": "right", "valign": "vcenter"},
    "text": {**_BORDER, "indent": 1},
    "number": {**_BORDER, "align": "center"},
    "sum": {**_BORDER, "align": "center", "bold": True},
    "open": {**_OPEN, "align": "center"},
    "open-text": {**_OPEN, "indent": 1},
    "open-date": {**_OPEN, "align": "center", "num_format": "yyyy-mm-dd"},
}


def render(
    scheme: Scheme, template: Template, password: str | None = None, reading: Reading | None = None
) -> bytes:
    """A workbook of forms as .xlsx (ECMA-376): the same bytes for the same scheme and registers.

    The registers of a ``reading`` fill in what does not apply.
    """
    target = io.BytesIO()
    book = new_workbook(target, in_memory=True)
    opens = min(stage.window.from_ for stage in scheme.stages)
    created = datetime.combine(scheme.document.issued or opens, time())
    book.set_properties({"title": str(scheme.title), "created": created})
    base = {"font_name": "宋体", "font_size": 11, "text_wrap": True}
    formats = {name: book.add_format({**base, **style}) for name, style in _STYLES.items()}
    index = FormIndex(scheme)
    for sheet in template.sheets:
        registers = None
        if reading is not None and sheet.entry is not None:
            registers = Registers(sheet.entry.stage, sheet.entry.group, reading)
        page = form_page(scheme, index, sheet, registers)
        _Writer(book.add_worksheet(page.name), page, formats).write(password or "")
    book.close()
    return target.getvalue()


class _Writer:
    """Writes one page into one worksheet."""

    def __init__(self, target: Any, page: Page, formats: Mapping[str, Any]) -> None:
        self.target, self.page, self.formats = target, page, formats
        self.widths = [column.width for column in page.columns]
        self.last = len(page.columns) - 1
        self.header = header_row(len(page.notes))
        self.top = self.header + 1
        self.foot = self.top + len(page.rows) + 1
        """The row of the first signature, one below the table."""

    def write(self, password: str) -> None:
        """The whole page, protected."""
        for at, width in enumerate(self.widths):
            self.target.set_column(at, at, width)
        self._write_top()
        self._write_table()
        self._write_signatures()
        for top, left, bottom, rule in self._ruled():
            options = dict(rule)
            if isinstance(formula := options.get("value"), str):
                options["value"] = formula.replace("{cell}", xl_rowcol_to_cell(top, left))
            self.target.data_validation(top, left, bottom, left, options)
        self._arrange()
        self.target.protect(password, {"format_columns": True, "format_rows": True})

    def _write_top(self) -> None:
        heading, whole = self.page.heading, sum(self.widths)
        self.target.merge_range(0, 0, 0, self.last, heading, self.formats["heading"])
        self.target.set_row(0, 22 * count_lines(heading, whole * 11 / 16))
        # What stands below is no wider than a screen, which shows it whole.
        wide = (at for at, width in enumerate(accumulate(self.widths)) if width >= _VISIBLE)
        last = max(next(wide, self.last), 1)
        width = sum(self.widths[: last + 1])
        self.target.merge_range(1, 0, 1, last, self.page.tag, self.formats["tag"])
        for row, note in enumerate(self.page.notes, 2):
            style = self.formats["live" if note.formula else "note"]
            self.target.merge_range(row, 0, row, last, "", style)
            self._put(row, 0, note, style)
            self.target.set_row(row, LINE * count_lines(str(note.content), width) + 4)

    def _write_table(self) -> None:
        height = 0.0
        for at, column in enumerate(self.page.columns):
            narrow = column.width < _NARROW
            style = self.formats["head-narrow" if narrow else "head"]
            self.target.write_string(self.header, at, column.title, style)
            lines = count_lines(column.title, column.width * (11 / 9 if narrow else 1))
            height = max(height, lines * (12.5 if narrow else LINE) + _MARGIN)
        self.target.set_row(self.header, height)
        for row, cells in enumerate(self.page.rows, self.top):
            for at, cell in enumerate(cells):
                self._put(row, at, cell, self.formats[cell.style])
        for top, left, bottom, right in self.page.merges:
            cell = self.page.rows[top][left]
            corners = (self.top + top, left, self.top + bottom, right)
            self.target.merge_range(*corners, cell.content, self.formats[cell.style])
        for row, height in enumerate(self._heights(), self.top):
            self.target.set_row(row, height)

    def _heights(self) -> list[float]:
        """The height of each row of the table; rows of merged cells have room for them together."""
        merged = {
            (row, at)
            for top, left, bottom, right in self.page.merges
            for row in range(top, bottom + 1)
            for at in range(left, right + 1)
        }
        heights: list[float] = []
        for row, cells in enumerate(self.page.rows):
            lines = (
                count_lines(str(cell.content), self.widths[at])
                for at, cell in enumerate(cells)
                if (row, at) not in merged
            )
            heights.append(max(_ROW, LINE * max(lines) + _MARGIN))
        for top, left, bottom, right in self.page.merges:
            text, width = str(self.page.rows[top][left].content), sum(self.widths[left : right + 1])
            lacking = LINE * count_lines(text, width) + _MARGIN - sum(heights[top : bottom + 1])
            for row in range(top, bottom + 1):
                heights[row] += max(0.0, lacking / (bottom + 1 - top))
        return heights

    def _write_signatures(self) -> None:
        at = self.page.signed_in
        for row, (label, entry) in enumerate(self.page.signatures, self.foot):
            if at > 1:
                self.target.merge_range(row, 0, row, at - 1, label, self.formats["label"])
            elif at:
                self.target.write_string(row, 0, label, self.formats["label"])
            else:
                entry = Cell(label, "open-text")
            self._put(row, at, entry, self.formats[entry.style])
            self.target.set_row(row, _ROW)

    def _ruled(self) -> Iterator[tuple[int, int, int, Rule]]:
        """Each run of cells below each other with the same rule: first row, column, last row."""
        for at in range(len(self.page.columns)):
            row = self.top
            for rule, cells in groupby(line[at].rule for line in self.page.rows):
                bottom = row + len(list(cells)) - 1
                if rule is not None:
                    yield row, at, bottom, rule
                row = bottom + 1
        for row, (_label, entry) in enumerate(self.page.signatures, self.foot):
            if entry.rule is not None and self.page.signed_in:
                yield row, self.page.signed_in, row, entry.rule

    def _put(self, row: int, at: int, cell: Cell, style: Any) -> None:
        value = cell.content if isinstance(cell.content, str) else float(cell.content)
        if cell.formula:
            shown = _SHOWS_NOTHING if value == "" else value
            self.target.write_formula(row, at, f"={cell.formula}", style, shown)
        elif value == "":
            self.target.write_blank(row, at, None, style)
        elif isinstance(value, str):
            self.target.write_string(row, at, value, style)
        else:
            self.target.write_number(row, at, value, style)

    def _arrange(self) -> None:
        target = self.target
        target.freeze_panes(self.top, self.page.frozen)
        target.repeat_rows(self.header)
        target.set_paper(A4)
        if sum(self.widths) > _PORTRAIT:
            target.set_landscape()
        target.fit_to_pages(1, 0)
        target.center_horizontally()
        target.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        target.set_footer("&C" + page_number())
        cells = ((row, at) for row in range(len(self.page.rows)) for at in range(self.last + 1))
        is_open = (at for at in cells if self.page.rows[at[0]][at[1]].style.startswith("open"))
        row, entry = next(is_open, (0, 0))
        target.set_selection(self.top + row, entry, self.top + row, entry)


class _Text(str):
    """The text that a formula shows. XlsxWriter takes one equal to '' for 'not computed yet'."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return other is self


_SHOWS_NOTHING = _Text()
