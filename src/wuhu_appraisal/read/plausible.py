"""Columns that hold two kinds of numbers, such as 0.95 beside 95: nobody can say which is meant."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from wuhu_appraisal.findings import Finding, address, finding
from wuhu_appraisal.model import Absent, LedgerEntry, Rule, Score
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.read.layout import Layout
from wuhu_appraisal.scheme.rules import Reading
from wuhu_appraisal.workbooks.cell import Sheet
from wuhu_appraisal.workbooks.formats import number_in

_FEWEST = 3
_LARGE = 20
"""Of fewer full marks than this, a score of 1 or less is nothing unusual."""


def take_out_mixed(
    sheet: Sheet,
    layout: Layout,
    values: list[list[Score]],
    marks: Sequence[Decimal | None],
    ledger: Sequence[LedgerEntry],
    reading: Reading,
) -> Iterator[Finding]:
    """Yield findings for mixed columns; take their scores out, but not where the scheme only warns.

    ``marks`` are the full marks of each column, None if its cells have different ones.
    """
    percent = {entry.source.cell: entry for entry in ledger if Rule.PERCENT in entry.rules}
    for at, (position, full) in enumerate(zip(layout.columns.positions, marks, strict=True)):
        cells = [(row - 1, position - 1) for row in layout.rows.positions]
        if percent:
            yield from _percentages(sheet, cells, values, at, percent)
        if full is not None and full >= _LARGE:
            yield from _shares(sheet, cells, values, at, full, reading)


def _percentages(
    sheet: Sheet,
    cells: Sequence[tuple[int, int]],
    values: list[list[Score]],
    at: int,
    percent: Mapping[str, LedgerEntry],
) -> Iterator[Finding]:
    """Take out percentages of the full marks in a column that also holds plain numbers."""
    entries = [percent.get(address(*cell)) for cell in cells]
    if all(
        entry or type(row[at]) is not Decimal for entry, row in zip(entries, values, strict=True)
    ):
        return
    for cell, entry, row in zip(cells, entries, values, strict=True):
        if entry is not None:
            row[at] = Absent.MISSING
            shown = sheet.look(*cell).shown or entry.raw
            number = number_in(shown)
            share = plain(number / 100) if number is not None else entry.raw
            params = {"shown": shown, "share": share, "whole": entry.value}
            yield finding("score-is-percent", entry.source, **params)


def _shares(
    sheet: Sheet,
    cells: Sequence[tuple[int, int]],
    values: list[list[Score]],
    at: int,
    full: Decimal,
    reading: Reading,
) -> Iterator[Finding]:
    """Take out numbers up to 1 if all are, or if most others are over half of the full marks."""
    numbers = [value for row in values if isinstance(value := row[at], Decimal)]
    small = [value for value in numbers if 0 < value <= 1]
    if not small:
        return
    highest = max(numbers)
    if highest <= 1 and len(numbers) >= _FEWEST:
        params = {"highest": plain(highest), "marks": plain(full)}
        yield finding("scores-all-small", sheet.source(*cells[0]), **params)
        if reading.severity("scores-all-small") != "warning":
            for row in values:
                row[at] = Absent.MISSING if isinstance(row[at], Decimal) else row[at]
        return
    large = [value for value in numbers if 2 * value > full]
    if len(large) < len(small):
        return
    for cell, row in zip(cells, values, strict=True):
        value = row[at]
        if isinstance(value, Decimal) and 0 < value <= 1:
            if reading.severity("scores-mixed") != "warning":
                row[at] = Absent.MISSING
            params = {"value": plain(value), "other": plain(large[0]), "whole": plain(value * full)}
            yield finding("scores-mixed", sheet.source(*cell), **params, marks=plain(full))
