"""Columns that hold two kinds of numbers, such as 0.95 beside 95: nobody can say which is meant."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from wuhu_appraisal.findings import Finding, finding
from wuhu_appraisal.model import Absent, LedgerEntry, Rule
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.read.sheet import SheetScores
from wuhu_appraisal.workbooks.formats import number_in

_FEWEST = 3
_LARGE = 20
"""Of fewer full marks than this, a score of 1 or less is nothing unusual."""


def take_out_mixed(scores: SheetScores) -> Iterator[Finding]:
    """Yield findings for mixed columns; take their scores out unless the scheme only warns."""
    percent = {entry.source.cell: entry for entry in scores.ledger if Rule.PERCENT in entry.rules}
    for column, marks in enumerate(scores.column_marks):
        if percent:
            yield from _percentages(scores, column, percent)
        if marks is not None and marks >= _LARGE:
            yield from _shares(scores, column, marks)


def _percentages(
    scores: SheetScores, column: int, percent: Mapping[str, LedgerEntry]
) -> Iterator[Finding]:
    """Take out percentages of the full marks in a column that also holds plain numbers."""
    places = [scores.source(row, column).cell for row in range(len(scores.rows))]
    numbers = [type(values[column]) is Decimal for values in scores.values]
    if all(cell in percent for cell, number in zip(places, numbers, strict=True) if number):
        return
    for row, cell in enumerate(places):
        entry = percent.get(cell)
        if entry is not None:
            scores.values[row][column] = Absent.MISSING
            look = scores.sheet.look(scores.rows[row], scores.columns[column])
            shown = look.shown or entry.raw
            number = number_in(shown)
            share = plain(number / 100) if number is not None else entry.raw
            params = {"shown": shown, "share": share, "whole": entry.value}
            yield finding("score-is-percent", entry.source, **params)


def _shares(scores: SheetScores, column: int, marks: Decimal) -> Iterator[Finding]:
    """Take out numbers up to 1 if all are, or if most others are over half of the full marks."""
    numbers = {
        row: value
        for row, values in enumerate(scores.values)
        if isinstance(value := values[column], Decimal)
    }
    small = {row: value for row, value in numbers.items() if 0 < value <= 1}
    large = [value for value in numbers.values() if 2 * value > marks]
    if not small:
        return
    highest = max(numbers.values())
    if highest <= 1 and len(numbers) >= _FEWEST:
        code, rows = "scores-all-small", list(numbers)
        params = {"highest": plain(highest), "marks": plain(marks)}
        yield finding(code, scores.source(0, column), **params)
    elif len(large) >= len(small):
        code, rows = "scores-mixed", list(small)
        for row, value in small.items():
            whole = plain(value * marks)
            params = {"value": plain(value), "other": plain(large[0]), "whole": whole}
            yield finding(code, scores.source(row, column), **params, marks=plain(marks))
    else:
        return
    if scores.scheme.reading.severity(code) != "warning":
        for row in rows:
            scores.values[row][column] = Absent.MISSING
