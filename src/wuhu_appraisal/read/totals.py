"""What a sheet states of its own scores: totals, averages, ranks, full marks. The scores count.

What differs from the scores, or from the scheme's full marks, is a finding.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.findings import Finding, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, Score
from wuhu_appraisal.numbers import Number, decimal_total, decimals, plain, round_half_up
from wuhu_appraisal.read.cells import shown_number
from wuhu_appraisal.read.sheet import SheetScores

_MOST_DIGITS = 9
"""Further digits of a stated number are the rounding of the program that computed it."""


def differences(scores: SheetScores) -> Iterator[Finding]:
    """Yield a finding for each stated total, average, rank and full mark that is another number."""
    statements = _Statements(scores)
    yield from statements.beside()
    yield from statements.below()
    yield from statements.ranks()
    yield from statements.column_marks()


class _Statements:
    """The statements of a sheet about its scores.

    ``_rows_add`` and ``_columns_add`` tell whether the members of the rows, or of the columns, are
    items that add up.
    """

    def __init__(self, scores: SheetScores) -> None:
        self._scores = scores
        self._layout = scores.layout
        self._whole_marks = scores.plan.full_marks is not None
        self._rows_add = any(scores.row_items) and not self._whole_marks
        self._columns_add = any(scores.column_items) and not self._whole_marks

    def beside(self) -> Iterator[Finding]:
        """Compare the totals, averages and full marks beside the rows."""
        beside, two = self._layout.beside, bool(self._layout.columns.dimension)
        totals = self._columns_add if two else not self._rows_add
        for index, (row, title) in enumerate(self._rows()) if beside else ():
            values = self._scores.values[index]
            if totals and "total" in beside:
                yield from self._sum("total-differs", (row, beside["total"]), values, title)
            if two and "average" in beside:
                yield from self._sum("average-differs", (row, beside["average"]), values, title)
            if "marks" in beside:
                place, marks = (row, beside["marks"]), self._scores.row_marks[index]
                yield from self._marks(place, title, marks, self._stated(place))

    def below(self) -> Iterator[Finding]:
        """Compare the totals or averages below the columns."""
        kind = "total" if self._rows_add else "average"
        if kind in self._layout.below:
            row = self._layout.below[kind]
            for index, column, title in self._columns():
                values = [line[index] for line in self._scores.values]
                yield from self._sum(f"{kind}-differs", (row, column), values, title)

    def ranks(self) -> Iterator[Finding]:
        """Compare ranks of the rows among themselves, unless a score is absent or a grade."""
        column = self._layout.beside.get("rank")
        one_number = self._columns_add or not self._layout.columns.dimension
        if column is None or self._rows_add or not one_number:
            return
        if any(isinstance(value, Absent | str) for line in self._scores.values for value in line):
            return
        sums = [decimal_total(_numbers(line)) for line in self._scores.values]
        ordered = sorted(sums, reverse=True)
        for (row, title), points in zip(self._rows(), sums, strict=True):
            stated, rank = self._stated((row, column)), 1 + ordered.index(points)
            if stated is not None and stated != rank:
                yield self._finding("rank-differs", (row, column), title, stated, computed=rank)

    def column_marks(self) -> Iterator[Finding]:
        """Compare the full marks stated behind the names of the columns, or in a row below them."""
        below = self._layout.below.get("marks")
        if self._whole_marks or (below is None and not self._layout.marks):
            return
        for index, column, title in self._columns():
            marks, behind = self._scores.column_marks[index], self._layout.marks.get(column)
            yield from self._marks((self._layout.header, column), title, marks, behind)
            if below is not None:
                place = below, column
                yield from self._marks(place, title, marks, self._stated(place))

    def _rows(self) -> Iterator[tuple[int, Bilingual]]:
        """Yield each row's 0-based place in the sheet and its member's title."""
        scores, axis = self._scores, self._layout.rows
        for row, member in zip(scores.rows, axis.members, strict=True):
            yield row, scores.scheme.title_of(scores.plan, axis.dimension, member)

    def _columns(self) -> Iterator[tuple[int, int, Bilingual]]:
        """Yield the index of each column of scores, its 0-based column in the sheet, and its title."""
        scores, axis = self._scores, self._layout.columns
        whole = scores.match.fixed.get("unit", scores.sheet.name)
        for index, member in enumerate(axis.members):
            title = scores.scheme.title_of(scores.plan, axis.dimension, member or whole)
            yield index, scores.columns[index], title

    def _sum(
        self, code: str, place: tuple[int, int], values: Sequence[Score], title: Bilingual
    ) -> Iterator[Finding]:
        """Compare a stated total or average with that of the scores, to the digits that it shows."""
        stated, numbers = self._stated(place), _numbers(values)
        average = code == "average-differs"
        if stated is None or (average and not numbers):
            return
        total = decimal_total(numbers)
        if not average and not self._layout.scored:
            total = decimal_total(filter(None, self._scores.row_marks)) - total
        computed: Number = Fraction(total) / len(numbers) if average else total
        # Nearly every total is right to the last digit, which is soon seen.
        digits = min(decimals(stated), _MOST_DIGITS)
        if computed != stated and round_half_up(computed, digits) != round_half_up(stated, digits):
            shown = plain(round_half_up(computed, max(digits, 2)))
            yield self._finding(code, place, title, stated, computed=shown)

    def _marks(
        self,
        place: tuple[int, int],
        title: Bilingual,
        marks: Decimal | None,
        stated: Decimal | None,
    ) -> Iterator[Finding]:
        if stated is not None and marks is not None and stated != marks:
            yield self._finding("marks-differ", place, title, stated, marks=plain(marks))

    def _stated(self, place: tuple[int, int]) -> Decimal | None:
        """Return the number that a cell shows."""
        sheet, words = self._scores.sheet, self._scores.scheme.reading.number_words
        return shown_number(sheet.value(*place), sheet.look(*place), words)

    def _finding(
        self, code: str, place: tuple[int, int], title: Bilingual, stated: Decimal, **other: object
    ) -> Finding:
        params = {"name": title, "stated": plain(stated), **other}
        return finding(code, self._scores.sheet.source(*place), **params)


def _numbers(values: Sequence[Score]) -> list[Decimal]:
    return [value for value in values if type(value) is Decimal]
