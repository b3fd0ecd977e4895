"""Columns that hold two kinds of numbers, such as 0.95 beside 95: nobody can say which is meant."""

from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal

from wuhu_appraisal.findings import Finding, address, finding
from wuhu_appraisal.model import Absent, LedgerEntry, Rule, Score
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.read.layout import Layout
from wuhu_appraisal.workbooks.cell import Sheet
from wuhu_appraisal.workbooks.formats import number_in

_FEWEST = 3
_LARGE = 20
"""Of fewer full marks than this, a score of 1 or less is nothing unusual."""


def mixed(
    grid: Sheet,
    layout: Layout,
    values: list[list[Score]],
    marks: Sequence[Decimal | None],
    ledger: Sequence[LedgerEntry],
    tolerated: Set[str],
) -> Iterator[Finding]:
    """The cells of mixed columns as findings; their values are taken out of ``values``.

    ``marks`` are the full marks of each column, None where its cells have different ones. Cells
    count all the same where the finding is among the ``tolerated`` ones.
    """
    percent = {entry.source.cell: entry for entry in ledger if Rule.PERCENT in entry.rules}
    for at, (position, full) in enumerate(zip(layout.columns.positions, marks, strict=True)):
        if percent:
            yield from _percentages(grid, layout, values, (at, position), percent)
        if full is not None and full >= _LARGE:
            yield from _shares(grid, layout, values, (at, position), full, tolerated)


def _percentages(
    grid: Sheet,
    layout: Layout,
    values: list[list[Score]],
    column: tuple[int, int],
    percent: Mapping[str, LedgerEntry],
) -> Iterator[Finding]:
    """Percentages that were read as such, in a column that also holds plain numbers."""
    at, position = column
    cells = [address(row - 1, position - 1) for row in layout.rows.positions]
    numbers = [cell for cell, row in zip(cells, values, strict=True) if type(row[at]) is Decimal]
    if all(cell in percent for cell in numbers):
        return
    for index, cell in enumerate(cells):
        entry = percent.get(cell)
        if entry is not None:
            values[index][at] = Absent.MISSING
            place = (layout.rows.positions[index] - 1, position - 1)
            shown = grid.look(*place).shown or entry.raw
            said = number_in(shown)
            share = plain(said / 100) if said is not None else entry.raw
            params = {"shown": shown, "share": share, "whole": entry.value}
            yield finding("score-is-percent", entry.source, **params)


def _shares(
    grid: Sheet,
    layout: Layout,
    values: list[list[Score]],
    place: tuple[int, int],
    full: Decimal,
    tolerated: Set[str],
) -> Iterator[Finding]:
    """Numbers up to 1 where most others are over half of the full marks."""
    at, position = place
    column = [row[at] for row in values]
    given = [value for value in column if isinstance(value, Decimal)]
    highest = max(given, default=Decimal(0))
    if len(given) >= _FEWEST and 0 < highest <= 1:
        where = grid.source(layout.rows.positions[0] - 1, position - 1)
        said = {"highest": plain(highest), "marks": plain(full)}
        yield finding("scores-all-small", where, **said)
        for line in () if "scores-all-small" in tolerated else values:
            line[at] = Absent.MISSING if isinstance(line[at], Decimal) else line[at]
        return
    numbers = [value for value in column if isinstance(value, Decimal)]
    small = [value for value in numbers if 0 < value <= 1]
    large = [value for value in numbers if 2 * value > full]
    if not small or len(large) < len(small):
        return
    for index, value in enumerate(column):
        if isinstance(value, Decimal) and 0 < value <= 1:
            if "scores-mixed" not in tolerated:
                values[index][at] = Absent.MISSING
            where = grid.source(layout.rows.positions[index] - 1, position - 1)
            said = {"value": plain(value), "other": plain(large[0]), "whole": plain(value * full)}
            yield finding("scores-mixed", where, **said, marks=plain(full))
