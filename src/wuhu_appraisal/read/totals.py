"""What a sheet states of its own scores: totals, averages, ranks, full marks. The scores count.

What differs from the scores, or from the scheme's full marks, is a finding.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial

from wuhu_appraisal.findings import Finding, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, Block, Score
from wuhu_appraisal.numbers import decimal_total, decimals, plain, round_half_up
from wuhu_appraisal.read.cells import shown_number
from wuhu_appraisal.read.layout import Layout
from wuhu_appraisal.scheme.models import Indicator, Plan, Scheme
from wuhu_appraisal.workbooks.cell import Sheet

_MOST_DIGITS = 9
"""Further digits of a stated number are the rounding of the program that computed it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the scheme says of a rectangle of scores.

    ``rows_add`` and ``columns_add`` tell whether the members of the rows, or of the columns, are
    items that add up; ``row_marks`` and ``column_marks`` are the full marks of each, empty if they
    are not its own. ``title`` gives the title of a dimension's member; ``words`` may stand behind a
    number.
    """

    rows_add: bool
    columns_add: bool
    row_marks: Sequence[Decimal]
    column_marks: Sequence[Decimal]
    title: Callable[[str, str], Bilingual]
    words: Sequence[str]

    @classmethod
    def of(
        cls,
        scheme: Scheme,
        plan: Plan,
        rows: Sequence[Indicator | None],
        columns: Sequence[Indicator | None],
    ) -> "Expected":
        """Return what a plan says of rows and columns, given the indicator of each, if any."""
        full = plan.full_marks
        title, words = partial(scheme.title_of, plan), scheme.reading.number_words
        if full is not None:
            return cls(False, False, [full] * len(rows), [], title, words)
        row_marks, column_marks = (
            [item.marks for item in items if item is not None and item.marks is not None]
            for items in (rows, columns)
        )
        return cls(any(rows), any(columns), row_marks, column_marks, title, words)


def differences(
    sheet: Sheet, layout: Layout, block: Block, expected: Expected
) -> Iterator[Finding]:
    """Yield a finding for each stated total, average, rank and full mark that is another number."""
    statements = _Statements(sheet, layout, block, expected)
    yield from statements.beside()
    yield from statements.below()
    yield from statements.ranks()
    yield from statements.row_marks()
    yield from statements.column_marks()


@dataclass(frozen=True, slots=True)
class _Statements:
    sheet: Sheet
    layout: Layout
    block: Block
    expected: Expected

    def beside(self) -> Iterator[Finding]:
        """Compare the totals and averages beside the rows."""
        total, average = self.layout.beside.get("total"), self.layout.beside.get("average")
        if self.layout.columns.dimension:
            total = total if self.expected.columns_add else None
        else:
            total, average = None if self.expected.rows_add else total, None
        if total is None and average is None:
            return
        for name, row, values in self._rows():
            if total is not None:
                yield from self._total((row, total), values, Bilingual(name, name))
            if average is not None:
                yield from self._average((row, average), values, self._row_title(name))

    def below(self) -> Iterator[Finding]:
        """Compare the totals or averages below the columns."""
        row = self.layout.below.get("total" if self.expected.rows_add else "average")
        if row is None:
            return
        compare = self._total if self.expected.rows_add else self._average
        for index, column, title in self._columns():
            values = [line[index] for line in self.block.values]
            yield from compare((row, column), values, title)

    def ranks(self) -> Iterator[Finding]:
        """Compare ranks of the rows among themselves, unless a score is absent or a grade."""
        column = self.layout.beside.get("rank")
        one_number = self.expected.columns_add or not self.layout.columns.dimension
        if column is None or self.expected.rows_add or not one_number:
            return
        if any(isinstance(value, Absent | str) for line in self.block.values for value in line):
            return
        sums = [decimal_total(_numbers(line)) for line in self.block.values]
        ordered = sorted(sums, reverse=True)
        for (name, row, _values), points in zip(self._rows(), sums, strict=True):
            stated, rank = self._stated((row, column)), 1 + ordered.index(points)
            if stated is not None and stated != rank:
                title = self._row_title(name)
                yield self._finding("rank-differs", (row, column), title, stated, computed=rank)

    def row_marks(self) -> Iterator[Finding]:
        """Compare the full marks stated beside the rows."""
        column = self.layout.beside.get("marks")
        row_marks = self.expected.row_marks
        if column is not None and row_marks:
            for (name, row, _values), marks in zip(self._rows(), row_marks, strict=True):
                yield from self._marks((row, column), self._row_title(name), marks)

    def column_marks(self) -> Iterator[Finding]:
        """Compare the full marks stated behind the names of the columns, or in a row below them."""
        below, column_marks = self.layout.below.get("marks"), self.expected.column_marks
        if not column_marks or (below is None and not self.layout.marks):
            return
        for (_index, column, title), marks in zip(self._columns(), column_marks, strict=True):
            behind = self.layout.marks.get(column)
            if behind is not None:
                yield from self._marks((self.layout.header, column), title, marks, behind)
            if below is not None:
                yield from self._marks((below, column), title, marks)

    def _rows(self) -> Iterator[tuple[str, int, Sequence[Score]]]:
        """Yield each row's member, its 0-based row in the sheet, and its scores."""
        rows = self.block.rows
        for name, position, values in zip(
            rows.members, rows.positions, self.block.values, strict=True
        ):
            yield name, position - 1, values

    def _columns(self) -> Iterator[tuple[int, int, Bilingual]]:
        """Yield the index of each column of scores, its 0-based column in the sheet, and its title."""
        columns = self.block.columns
        whole = self.block.fixed.get("unit", self.block.sheet)
        for index, member in enumerate(columns.members):
            title = self.expected.title(columns.dimension, member or whole)
            yield index, columns.positions[index] - 1, title

    def _row_title(self, name: str) -> Bilingual:
        return self.expected.title(self.block.rows.dimension, name)

    def _total(
        self, place: tuple[int, int], values: Sequence[Score], title: Bilingual
    ) -> Iterator[Finding]:
        stated = self._stated(place)
        if stated is None:
            return
        total = decimal_total(_numbers(values))
        if not self.layout.scored:
            total = decimal_total(self.expected.row_marks) - total
        # Nearly every total is right to the last digit, which is soon seen.
        if total != stated:
            yield from self._compare("total-differs", place, Fraction(total), stated, title)

    def _average(
        self, place: tuple[int, int], values: Sequence[Score], title: Bilingual
    ) -> Iterator[Finding]:
        stated = self._stated(place)
        numbers = _numbers(values)
        if numbers and stated is not None:
            mean = Fraction(decimal_total(numbers)) / len(numbers)
            yield from self._compare("average-differs", place, mean, stated, title)

    def _compare(
        self,
        code: str,
        place: tuple[int, int],
        computed: Fraction,
        stated: Decimal,
        title: Bilingual,
    ) -> Iterator[Finding]:
        """Compare a stated number with the computed one, to the digits that it shows."""
        digits = min(decimals(stated), _MOST_DIGITS)
        if round_half_up(computed, digits) != round_half_up(stated, digits):
            shown = plain(round_half_up(computed, max(digits, 2)))
            yield self._finding(code, place, title, stated, computed=shown)

    def _marks(
        self,
        place: tuple[int, int],
        title: Bilingual,
        marks: Decimal,
        behind: Decimal | None = None,
    ) -> Iterator[Finding]:
        """Compare full marks with those that a cell, or the text behind its name, states."""
        stated = self._stated(place) if behind is None else behind
        if stated is not None and stated != marks:
            yield self._finding("marks-differ", place, title, stated, marks=plain(marks))

    def _stated(self, place: tuple[int, int]) -> Decimal | None:
        """Return the number that a cell shows."""
        value, look = self.sheet.value(*place), self.sheet.look(*place)
        return shown_number(value, look, self.expected.words)

    def _finding(
        self, code: str, place: tuple[int, int], title: Bilingual, stated: Decimal, **other: object
    ) -> Finding:
        params = {"name": title, "stated": plain(stated), **other}
        return finding(code, self.sheet.source(*place), **params)


def _numbers(values: Sequence[Score]) -> list[Decimal]:
    return [value for value in values if type(value) is Decimal]
