"""What a sheet states of its own scores, held against what they give: totals, averages, ranks, marks.

The scores count; what differs from them is said.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.findings import Finding, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, Block, Score
from wuhu_appraisal.numbers import decimal_total, decimals, from_float, plain, round_half_up
from wuhu_appraisal.read.cells import read_text
from wuhu_appraisal.read.layout import Layout
from wuhu_appraisal.workbooks.cell import Sheet
from wuhu_appraisal.workbooks.formats import number_in

_MOST_DIGITS = 9
"""Further digits of a stated number are the rounding of the program that computed it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the scheme says of a rectangle of scores.

    ``rows_add`` and ``columns_add`` say whether the members of the rows, or of the columns, are
    items that add up; ``row_marks`` and ``column_marks`` are the full marks of each, empty where
    they are not its own. ``called`` gives a member's title, ``words`` may stand behind a number.
    """

    rows_add: bool
    columns_add: bool
    row_marks: Sequence[Decimal]
    column_marks: Sequence[Decimal]
    called: Callable[[str, str], Bilingual]
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Statements:
    """A sheet's scores, and where it states something of them."""

    grid: Sheet
    layout: Layout
    block: Block
    known: Known

    def differences(self) -> Iterator[Finding]:
        """Stated totals, averages, ranks and full marks that are not those of the scores."""
        yield from self._beside()
        yield from self._below()
        yield from self._ranks()
        yield from self._row_marks()
        yield from self._column_marks()

    def _beside(self) -> Iterator[Finding]:
        total, average = (self.layout.beside.get(kind) for kind in ("total", "average"))
        if total is None and average is None:
            return
        for name, position, values in self._rows():
            alone = not self.layout.columns.dimension and not self.known.rows_add
            if total is not None and (self.known.columns_add or alone):
                yield from self._total((position - 1, total), values, Bilingual(name, name))
            if average is not None and self.layout.columns.dimension:
                title = self.known.called(self.block.rows.dimension, name)
                yield from self._average((position - 1, average), values, title)

    def _below(self) -> Iterator[Finding]:
        total, average = (self.layout.below.get(kind) for kind in ("total", "average"))
        if total is None and average is None:
            return
        for place, position in enumerate(self.block.columns.positions):
            values = [row[place] for row in self.block.values]
            name = self._column_title(place)
            if total is not None and self.known.rows_add:
                yield from self._total((total, position - 1), values, name)
            if average is not None and not self.known.rows_add:
                yield from self._average((average, position - 1), values, name)

    def _column_title(self, place: int) -> Bilingual:
        member = self.block.columns.members[place]
        whole = self.block.fixed.get("unit", self.block.sheet)
        dimension = self.block.columns.dimension
        return self.known.called(dimension, member) if member else Bilingual(whole, whole)

    def _ranks(self) -> Iterator[Finding]:
        """Ranks of the rows among themselves, the highest first; absent scores leave them open."""
        column = self.layout.beside.get("rank")
        one_number = self.known.columns_add or not self.layout.columns.dimension
        if column is None or self.known.rows_add or not one_number:
            return
        if any(isinstance(value, Absent | str) for row in self.block.values for value in row):
            return
        sums = [decimal_total(_numbers(row)) for row in self.block.values]
        ordered = sorted(sums, reverse=True)
        for (name, position, _values), points in zip(self._rows(), sums, strict=True):
            place = (position - 1, column)
            stated, computed = self._stated(place), 1 + ordered.index(points)
            if stated is not None and stated != computed:
                title = self.known.called(self.block.rows.dimension, name)
                yield self._differs("rank", place, title, stated, str(computed))

    def _row_marks(self) -> Iterator[Finding]:
        """Full marks stated in a column beside the rows."""
        column = self.layout.beside.get("marks")
        if column is not None and self.known.row_marks:
            for (name, position, _values), marks in zip(
                self._rows(), self.known.row_marks, strict=True
            ):
                place = (position - 1, column)
                stated = self._stated(place)
                if stated is not None and stated != marks:
                    title = self.known.called(self.block.rows.dimension, name)
                    yield self._other_marks(place, title, stated, marks)

    def _column_marks(self) -> Iterator[Finding]:
        """Full marks stated behind the names of the columns, or in a row below them."""
        row = self.layout.below.get("marks")
        if not self.known.column_marks or (row is None and not self.layout.marks):
            return
        for index, (position, marks) in enumerate(
            zip(self.block.columns.positions, self.known.column_marks, strict=True)
        ):
            behind = self.layout.marks.get(position - 1)
            below = None if row is None else self._stated((row, position - 1))
            for stated, at in ((behind, self.layout.header), (below, row)):
                if stated is not None and at is not None and stated != marks:
                    title = self._column_title(index)
                    yield self._other_marks((at, position - 1), title, stated, marks)

    def _rows(self) -> Iterator[tuple[str, int, Sequence[Score]]]:
        rows = self.block.rows
        yield from zip(rows.members, rows.positions, self.block.values, strict=True)

    def _total(
        self, place: tuple[int, int], values: Sequence[Score], name: Bilingual
    ) -> Iterator[Finding]:
        stated = self._stated(place)
        if stated is None:
            return
        added = decimal_total(_numbers(values))
        if not self.layout.scored:
            added = decimal_total(self.known.row_marks) - added
        # Nearly every total is right to the last digit, which is soon seen.
        if added != stated:
            yield from self._compared("total", place, Fraction(added), stated, name)

    def _average(
        self, place: tuple[int, int], values: Sequence[Score], name: Bilingual
    ) -> Iterator[Finding]:
        stated = self._stated(place)
        numbers = _numbers(values)
        if numbers and stated is not None:
            mean = Fraction(decimal_total(numbers)) / len(numbers)
            yield from self._compared("average", place, mean, stated, name)

    def _compared(
        self,
        what: str,
        place: tuple[int, int],
        computed: Fraction,
        stated: Decimal,
        name: Bilingual,
    ) -> Iterator[Finding]:
        """A stated number held against the computed one, to the digits that it shows."""
        digits = min(decimals(stated), _MOST_DIGITS)
        if round_half_up(computed, digits) != round_half_up(stated, digits):
            shown = plain(round_half_up(computed, max(digits, 2)))
            yield self._differs(what, place, name, stated, shown)

    def _differs(
        self, what: str, place: tuple[int, int], name: Bilingual, stated: Decimal, computed: str
    ) -> Finding:
        params = {"name": name, "stated": plain(stated), "computed": computed}
        return finding(f"{what}-differs", self.grid.source(*place), **params)

    def _other_marks(
        self, place: tuple[int, int], name: Bilingual, stated: Decimal, marks: Decimal
    ) -> Finding:
        params = {"name": name, "stated": plain(stated), "marks": plain(marks)}
        return finding("marks-differ", self.grid.source(*place), **params)

    def _stated(self, place: tuple[int, int]) -> Decimal | None:
        """The number that a cell shows; None where it shows none."""
        row, column = place
        value = self.grid.value(row, column)
        if isinstance(value, str):
            written = read_text(value, self.known.words) if value else None
            return written.number if written is not None and not written.percent else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        look = self.grid.look(row, column)
        shown = number_in(look.shown) if look.shown and not look.percent else None
        return shown if shown is not None else from_float(float(value))


def _numbers(values: Sequence[Score]) -> list[Decimal]:
    return [value for value in values if type(value) is Decimal]
