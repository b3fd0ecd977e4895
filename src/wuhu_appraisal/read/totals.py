"""What a sheet states of its own scores: totals, averages, ranks, full marks. The scores count.

What differs from the scores, or from the scheme's full marks, is a finding.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.findings import Finding, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, Score
from wuhu_appraisal.numbers import decimal_total, decimals, plain, round_half_up
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
    yield from statements.row_marks()
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
        """Compare the totals and averages beside the rows."""
        total, average = self._layout.beside.get("total"), self._layout.beside.get("average")
        if self._layout.columns.dimension:
            total = total if self._columns_add else None
        else:
            total, average = None if self._rows_add else total, None
        if total is None and average is None:
            return
        for name, row, values in self._rows():
            if total is not None:
                yield from self._total((row, total), values, Bilingual(name, name))
            if average is not None:
                yield from self._average((row, average), values, self._row_title(name))

    def below(self) -> Iterator[Finding]:
        """Compare the totals or averages below the columns."""
        row = self._layout.below.get("total" if self._rows_add else "average")
        if row is None:
            return
        compare = self._total if self._rows_add else self._average
        for index, column, title in self._columns():
            values = [line[index] for line in self._scores.values]
            yield from compare((row, column), values, title)

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
        for (name, row, _values), points in zip(self._rows(), sums, strict=True):
            stated, rank = self._stated((row, column)), 1 + ordered.index(points)
            if stated is not None and stated != rank:
                title = self._row_title(name)
                yield self._finding("rank-differs", (row, column), title, stated, computed=rank)

    def row_marks(self) -> Iterator[Finding]:
        """Compare the full marks stated beside the rows."""
        column = self._layout.beside.get("marks")
        if column is not None:
            for (name, row, _values), marks in zip(
                self._rows(), self._scores.row_marks, strict=True
            ):
                yield from self._marks((row, column), self._row_title(name), marks)

    def column_marks(self) -> Iterator[Finding]:
        """Compare the full marks stated behind the names of the columns, or in a row below them."""
        below = self._layout.below.get("marks")
        if self._whole_marks or (below is None and not self._layout.marks):
            return
        for index, column, title in self._columns():
            marks, behind = self._scores.column_marks[index], self._layout.marks.get(column)
            if behind is not None:
                yield from self._marks((self._layout.header, column), title, marks, behind)
            if below is not None:
                yield from self._marks((below, column), title, marks)

    def _rows(self) -> Iterator[tuple[str, int, Sequence[Score]]]:
        """Yield each row's member, its 0-based row in the sheet, and its scores."""
        members = self._layout.rows.members
        yield from zip(members, self._scores.rows, self._scores.values, strict=True)

    def _columns(self) -> Iterator[tuple[int, int, Bilingual]]:
        """Yield the index of each column of scores, its 0-based column in the sheet, and its title."""
        scores, axis = self._scores, self._layout.columns
        whole = scores.match.fixed.get("unit", scores.sheet.name)
        for index, member in enumerate(axis.members):
            title = scores.scheme.title_of(scores.plan, axis.dimension, member or whole)
            yield index, scores.columns[index], title

    def _row_title(self, name: str) -> Bilingual:
        dimension = self._layout.rows.dimension
        return self._scores.scheme.title_of(self._scores.plan, dimension, name)

    def _total(
        self, place: tuple[int, int], values: Sequence[Score], title: Bilingual
    ) -> Iterator[Finding]:
        stated = self._stated(place)
        if stated is None:
            return
        total = decimal_total(_numbers(values))
        if not self._layout.scored:
            total = decimal_total(filter(None, self._scores.row_marks)) - total
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
        marks: Decimal | None,
        behind: Decimal | None = None,
    ) -> Iterator[Finding]:
        """Compare full marks with those that a cell, or the text behind its name, states."""
        stated = self._stated(place) if behind is None else behind
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
