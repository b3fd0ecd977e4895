"""The view's tables as sheets, and what the formulas of other sheets find in them."""

from dataclasses import dataclass
from decimal import Decimal

from rich.cells import cell_len

from wuhu_appraisal.language import _
from wuhu_appraisal.numbers import Number, exact_text
from wuhu_appraisal.output.excel import count_lines
from wuhu_appraisal.output.parameters import Key, Parameter
from wuhu_appraisal.output.tables import Column, Content, Table, show
from wuhu_appraisal.output.workbook.book import (
    POINTED,
    SOFT,
    Page,
    number_format,
    unsorted,
)
from wuhu_appraisal.output.workbook.refs import Cell, summed
from wuhu_appraisal.scheme.models import Scheme

_WIDEST, _PAGE = 44, 110
"""In half-width characters: a column of texts at most, and all columns together at least."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where a table stands: its first cell under the header, and the number of its rows."""

    first: Cell
    count: int

    def column(self, place: int) -> tuple[Cell, Cell]:
        """The ends of a column; one blank row where the table has none."""
        top = self.first.right(place)
        return top, top.down(max(self.count, 1) - 1)


def write_table(page: Page, sheet: Table, frozen: int = 0) -> Written:
    """One of the view's tables: title, notes, header, rows."""
    last = len(sheet.columns) - 1
    widths = _widths(sheet)
    page.widths(widths)
    page.begin(sheet.title, last, sheet.notes)
    header = page.row
    page.header([column.title for column in sheet.columns])
    first = page.cell(0)
    for cells in sheet.rows:
        shown = [show(content, c) for content, c in zip(cells, sheet.columns, strict=True)]
        page.tall(max(count_lines(text, w) for text, w in zip(shown, widths, strict=True)))
        for place, (content, column) in enumerate(zip(cells, sheet.columns, strict=True)):
            _write(page, place, content, column)
        page.row += 1
    page.finish(last=last, header=header, frozen=frozen, rows=len(sheet.rows))
    return Written(first, len(sheet.rows))


class Stated:
    """The sheet of weights and rules, and where each number of the scheme stands in it."""

    def __init__(self, scheme: Scheme, lines: list[Parameter]) -> None:
        self._scheme = scheme
        self._lines = lines
        self._numbers = {line.key: line.number for line in lines if line.key}
        self._cells: dict[Key, Cell] = {}

    def write(self, page: Page) -> None:
        """All lines; sums of other lines as formulas; below them the assumptions."""
        titles = (_("Part"), _("Group"), _("Rule"), _("Number"), _("Clause"))
        widths = (30, 20, 60, 12, 20)
        page.widths(widths)
        page.begin(
            _("Weights, marks, steps and assumptions"),
            len(titles) - 1,
            [
                _("Formulas point at the yellow numbers: change one and every rank follows."),
                unsorted(),
            ],
        )
        header = page.row
        page.header(titles)
        for at, line in enumerate(self._lines):
            if line.key:
                self._cells[line.key] = Cell(page.name, page.row + at, 3)
        for line in self._lines:
            page.tall(max(count_lines(line.text, widths[2]), count_lines(line.part, widths[0])))
            page.text(0, line.part, text_wrap=True)
            page.text(1, line.group, text_wrap=True)
            page.text(2, line.text, text_wrap=True)
            self._number(page, line)
            page.text(4, line.clause, text_wrap=True)
            page.row += 1
        for item in self._scheme.assumptions:
            page.tall(
                max(count_lines(str(item.text), widths[2]), count_lines(item.set_in, widths[1]))
            )
            texts = (_("Assumption"), item.set_in, str(item.text), "", item.clause)
            for column, text in enumerate(texts):
                page.text(column, text, text_wrap=True, bg_color=SOFT)
            page.row += 1
        count = len(self._lines) + len(self._scheme.assumptions)
        page.finish(last=4, header=header, frozen=0, rows=count)
        page.forbid_sorting()

    def _number(self, page: Page, line: Parameter) -> None:
        if line.number is None:
            page.text(3, "")
            return
        look = {
            "align": "right",
            "num_format": "General",
            "bg_color": POINTED if line.key else SOFT,
        }
        value = float(line.number)
        if line.adds:
            added = [self._cells[key].fixed for key in line.adds]
            page.formula(3, summed(added), value, **look)
        else:
            page.number(3, value, **look)

    def cell(self, *key: str) -> Cell | None:
        """Where a number stands; None if the scheme does not state it."""
        return self._cells.get(key)

    def afar(self, number: Number, *key: str) -> str:
        """The address of a number from any sheet; the number itself if it does not stand there."""
        found = self._cells.get(key)
        if found is None or self._numbers[key] != number:
            return f"({exact_text(number)})"
        return found.afar


def _write(page: Page, place: int, content: Content, column: Column) -> None:
    if isinstance(content, int | Decimal):
        look: dict[str, object] = {"align": "right", "num_format": number_format(column.digits)}
        if column.kind == "count":
            look = {"align": "center", "num_format": "0"}
        # A published number has few digits: the nearest double shows as the same decimal.
        page.number(place, float(content), **look)
    else:
        page.text(place, show(content, column), text_wrap=column.kind == "text")


def _widths(sheet: Table) -> list[int]:
    """The columns' widths in half-width characters; what the page leaves goes to columns of texts."""
    widths, wanted = [], []
    for place, column in enumerate(sheet.columns):
        texts = "\n".join(show(cells[place], column) for cells in sheet.rows).split("\n")
        title = min(cell_len(column.title), _WIDEST // 2)
        widest = max(title, *map(cell_len, texts)) + 3
        widths.append(min(widest, _WIDEST) if column.kind == "text" else widest)
        wanted.append(widest - widths[-1])
    if not any(wanted):
        wanted = [int(column.kind == "text") for column in sheet.columns]
    spare = max(_PAGE - sum(widths), 0)
    whole = max(sum(wanted), 1)
    return [width + spare * want // whole for width, want in zip(widths, wanted, strict=True)]
