"""A template as .xlsx: pages written with XlsxWriter, locked but for the cells to fill, laid out for A4."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from wuhu_appraisal.findings import address
from wuhu_appraisal.language import _
from wuhu_appraisal.output.excel import A4, LINE, count_lines, new_workbook, page_number
from wuhu_appraisal.output.templates.fit import NARROW, ROW, header_height, row_heights
from wuhu_appraisal.output.templates.page import Cell, Page, Rule
from wuhu_appraisal.output.templates.records import record_page
from wuhu_appraisal.output.templates.scores import score_page
from wuhu_appraisal.output.templates.sheet import ScoreSheet
from wuhu_appraisal.read.forms import FormIndex
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.year.expected import Template, TemplateSheet, entry_of

_BODY, _HEADING = "宋体", "黑体"
_PORTRAIT, _VISIBLE = 130, 120
"""Widths in characters: of a page that stands upright, and of what a screen shows at once."""
_PROMPT_TITLE, _PROMPT = 32, 255
_BORDER = {"border": 1, "valign": "vcenter"}
_HEAD = {**_BORDER, "font_name": _HEADING, "bg_color": "#DDE6EF", "align": "center"}
_OPEN = {**_BORDER, "bg_color": "#F9ECBC", "locked": False}
_LOOKS: dict[str, dict[str, object]] = {
    "heading": {"font_name": _HEADING, "font_size": 16, "align": "center", "valign": "vcenter"},
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


def render(scheme: Scheme, template: Template, password: str | None = None) -> bytes:
    """The workbook of a template as .xlsx (ECMA-376): the same bytes for the same scheme."""
    target = io.BytesIO()
    book = new_workbook(target, in_memory=True)
    opens = min(stage.window.from_ for stage in scheme.stages)
    created = datetime.combine(scheme.document.issued or opens, time())
    book.set_properties({"title": str(scheme.title), "created": created})
    base = {"font_name": _BODY, "font_size": 11, "text_wrap": True}
    formats = {look: book.add_format({**base, **shown}) for look, shown in _LOOKS.items()}
    index = FormIndex(scheme)
    for sheet in template.sheets:
        page = page_of(scheme, index, sheet)
        _Writer(book.add_worksheet(page.name), page, formats).write(password or "")
    book.close()
    return target.getvalue()


def page_of(scheme: Scheme, index: FormIndex, sheet: TemplateSheet) -> Page:
    """What a sheet shows: scores, or the records of adjustments."""
    place = sheet.places[0]
    if place.group:
        return score_page(ScoreSheet(scheme, index, entry_of(index, place), place), sheet.name)
    adjustments = {item.id: item for item in scheme.adjustments}
    return record_page(scheme, [adjustments[place.form] for place in sheet.places], sheet.name)


@dataclass(frozen=True)
class _Writer:
    """Writes one page into one worksheet."""

    target: Worksheet
    page: Page
    formats: Mapping[str, Format]

    def write(self, password: str) -> None:
        """The whole page, protected."""
        for at, column in enumerate(self.page.columns):
            self.target.set_column(at, at, column.width)
        self._write_top()
        self._write_table()
        self._write_foot()
        self._write_rules()
        self._arrange()
        self.target.protect(password, {"format_columns": True, "format_rows": True})

    @property
    def _last(self) -> int:
        return len(self.page.columns) - 1

    def _write_top(self) -> None:
        page, whole = self.page, sum(column.width for column in self.page.columns)
        heading = f"{page.heading}\n{page.title}"
        self.target.merge_range(0, 0, 0, self._last, heading, self.formats["heading"])
        self.target.set_row(0, 22 * count_lines(heading, whole * 11 / 16))
        last, width = self._visible()
        self.target.merge_range(1, 0, 1, last, page.tag, self.formats["tag"])
        for row, note in enumerate(page.notes, 2):
            style = self.formats["live" if note.formula else "note"]
            self.target.merge_range(row, 0, row, last, "", style)
            self._put(row, 0, note, style)
            self.target.set_row(row, LINE * count_lines(str(note.content), width) + 4)

    def _visible(self) -> tuple[int, float]:
        """The last column that a text at the top covers, so that a screen shows it whole."""
        width = 0.0
        for at, column in enumerate(self.page.columns):
            width += column.width
            if width >= _VISIBLE and at:
                break
        return at, width

    def _write_table(self) -> None:
        page = self.page
        for at, column in enumerate(page.columns):
            look = "head-narrow" if column.width < NARROW else "head"
            self.target.write_string(page.header, at, column.head, self.formats[look])
        self.target.set_row(page.header, header_height(page))
        for offset, cells in enumerate(page.rows):
            for at, cell in enumerate(cells):
                self._put(page.header + 1 + offset, at, cell, self.formats[cell.look])
        for top, left, bottom, right in page.merges:
            cell = page.rows[top][left]
            corners = (page.header + 1 + top, left, page.header + 1 + bottom, right)
            self.target.merge_range(*corners, cell.content, self.formats[cell.look])
        for offset, height in enumerate(row_heights(page)):
            self.target.set_row(page.header + 1 + offset, height)

    def _write_foot(self) -> None:
        for row, line in enumerate(self.page.foot, self._foot):
            if line.column > 1:
                label = self.formats["label"]
                self.target.merge_range(row, 0, row, line.column - 1, line.label, label)
            elif line.column:
                self.target.write_string(row, 0, line.label, self.formats["label"])
            self._put(row, line.column, line.entry, self.formats[line.entry.look])
            self.target.set_row(row, ROW)

    @property
    def _foot(self) -> int:
        """The row where the lines to sign begin, one below the table."""
        return self.page.header + len(self.page.rows) + 2

    def _write_rules(self) -> None:
        for (top, left), (bottom, right), rule in self._ruled():
            options = _options(rule, address(top, left))
            self.target.data_validation(top, left, bottom, right, options)

    def _ruled(self) -> Iterator[tuple[tuple[int, int], tuple[int, int], Rule]]:
        """Each run of cells below each other with the same rule."""
        for at in range(len(self.page.columns)):
            row = self.page.header + 1
            for rule, cells in groupby(line[at].rule for line in self.page.rows):
                bottom = row + len(list(cells)) - 1
                if rule is not None:
                    yield (row, at), (bottom, at), rule
                row = bottom + 1
        for row, line in enumerate(self.page.foot, self._foot):
            if line.entry.rule is not None:
                yield (row, line.column), (row, line.column), line.entry.rule

    def _put(self, row: int, at: int, cell: Cell, style: Format) -> None:
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
        page = self.page
        self.target.freeze_panes(page.header + 1, page.frozen)
        self.target.repeat_rows(page.header)
        self.target.set_paper(A4)
        if sum(column.width for column in page.columns) > _PORTRAIT:
            self.target.set_landscape()
        self.target.fit_to_pages(1, 0)
        self.target.center_horizontally()
        self.target.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        self.target.set_footer("&C" + page_number())
        opened = next(at for at, cell in enumerate(page.rows[0]) if cell.look.startswith("open"))
        self.target.set_selection(page.header + 1, opened, page.header + 1, opened)


class _Text(str):
    """The text that a formula shows. XlsxWriter takes one equal to '' for 'not computed yet'."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return other is self


_SHOWS_NOTHING = _Text()


def _options(rule: Rule, cell: str) -> dict[str, object]:
    """A rule as XlsxWriter takes it, for the first of the cells that it is for."""
    title = (
        rule.title if len(rule.title) <= _PROMPT_TITLE else rule.title[: _PROMPT_TITLE - 1] + "…"
    )
    text = rule.text if len(rule.text) <= _PROMPT else rule.text[: _PROMPT - 1] + "…"
    options: dict[str, object] = {
        "input_title": title,
        "input_message": text,
        "error_title": _("Not accepted") if rule.stops else _("Is this meant?"),
        "error_message": text,
        "error_type": "stop" if rule.stops else "warning",
    }
    if rule.choices:
        return {**options, "validate": "list", "source": list(rule.choices)}
    if rule.formula:
        formula = rule.formula.replace("{cell}", cell)
        return {**options, "validate": "custom", "value": f"={formula}"}
    match rule.between:
        case None:
            return {**options, "validate": "any"}
        case (date() as start, date() as end):
            ends = {"criteria": "between", "minimum": start, "maximum": end}
            return {**options, "validate": "date", **ends}
        case (date() as start, None):
            return {**options, "validate": "date", "criteria": ">=", "value": start}
        case (low, high):
            limits = {"minimum": str(low), "maximum": str(high)}
            return {**options, "validate": "decimal", "criteria": "between", **limits}
