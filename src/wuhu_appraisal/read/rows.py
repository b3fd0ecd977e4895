"""Rows of a sheet by their running numbers, and rows that add others up."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from wuhu_appraisal.findings import Finding, finding
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import decimal_total, decimals
from wuhu_appraisal.read.cells import shown_number
from wuhu_appraisal.read.labels import labelled
from wuhu_appraisal.scheme.rules import Reading
from wuhu_appraisal.workbooks.cell import Fault, Sheet

_NUMBER = re.compile(r"[(\[]?(?:(\d{1,4})|([一二三四五六七八九十]{1,3}))[)\].、]*")
_MOST_DIGITS = 9
"""Further digits of a stated number are the rounding of the program that computed it."""

_EXACT_DIGITS = 2
"""A sum or a mean with as many decimals is hardly another number by chance."""

_FEWEST = 3
"""So many numbers that each equal the sum or the mean of their columns do so on purpose."""


class Rows:
    """The rows below a header: which are numbered, and which numbers they hold.

    ``heads`` are the labels of the columns by their places, ``scores`` the columns of numbers.
    """

    def __init__(
        self, reading: Reading, sheet: Sheet, heads: Mapping[int, str], scores: Iterable[int]
    ) -> None:
        self._sheet, self._words = sheet, reading.number_words
        self.scores = sorted(scores)
        self._numbers: dict[int, tuple[str, int] | None] = {}
        labels = reading.labels.number
        self.column = next((at for at, text in sorted(heads.items()) if labelled(text, labels)), -1)

    def number(self, row: int) -> tuple[str, int] | None:
        """Return the running number of a row and the script that it is written in, None without."""
        if self.column < 0:
            return None
        if row not in self._numbers:
            self._numbers[row] = _running_number(self._sheet.text(row, self.column))
        return self._numbers[row]

    def is_numbered(self, row: int) -> bool:
        """Return whether a row has a running number, or shares one that is merged over several."""
        return self.number(row) is not None or any(
            area.left <= self.column <= area.right
            and area.top < row <= area.bottom
            and self.number(area.top) is not None
            for area in self._sheet.merged
        )

    def check_numbers(self, rows: Sequence[int]) -> Iterator[Finding]:
        """Yield where the running numbers of the rows with entries leave one out or have it twice.

        They may begin anew at 1, begin where those of another sheet end, or be out of order, as in
        a list that was sorted. Numbers most of which do not follow each other are no running ones.
        """
        numbered = [(row, number) for row in rows if (number := self.number(row)) is not None]
        scripts = [script for _row, (script, _number) in numbered]
        usual = max(scripts, key=scripts.count, default="")
        places = {row: number for row, (script, number) in numbered if script == usual}
        bare = [row for row in rows if row not in places]
        for block in _blocks(places, rows):
            findings = [*self._gaps(block, bare), *self._repeats(block)]
            if len(findings) <= max(1, len(block) // 2):
                yield from findings

    def _gaps(self, block: Sequence[tuple[int, int]], bare: Sequence[int]) -> Iterator[Finding]:
        """Yield the numbers that are left out, unless rows that lost theirs stand there."""
        places = {number: row for row, number in reversed(block)}
        # A list that begins at 2 has lost its first row; a higher one goes on from another sheet.
        before = [0] if min(places) == 2 else []
        for last, number in pairwise([*before, *sorted(places)]):
            row, above = places[number], places.get(last, 0)
            gap = number - last - 1 - sum(above < other < row for other in bare)
            if number > last + 1 and 0 < gap <= len(block):
                missing = str(last + 1) if number == last + 2 else f"{last + 1}-{number - 1}"
                where = self._sheet.source(row, self.column)
                yield finding("row-number-missing", where, missing=missing, number=number)

    def _repeats(self, block: Sequence[tuple[int, int]]) -> Iterator[Finding]:
        first_rows: dict[int, int] = {}
        for row, number in block:
            first = first_rows.setdefault(number, row)
            if first != row:
                where, other = (self._sheet.source(at, self.column) for at in (row, first))
                yield finding("row-number-twice", where, number=number, first=other.cell)

    def is_formula(self, row: int) -> bool:
        """Return whether a row has numbers, and formulas give them all."""
        filled = False
        for column in self.scores:
            value = self._sheet.value(row, column)
            if value == "":
                continue
            unknown = isinstance(value, Fault) and value.code == "formula-without-value"
            if not unknown and not self._sheet.look(row, column).formula:
                return False
            filled = True
        return filled

    def has_number(self, row: int) -> bool:
        """Return whether a row has any number in the columns of scores."""
        return any(self.stated(row, column) is not None for column in self.scores)

    def agrees(self, row: int, above: Sequence[int]) -> bool:
        """Return whether every number of a row is the sum, or every one the mean, of those above.

        They must be so many, and so different from those above, that this is no chance.
        """
        kinds: list[_Statistic] = [_sum, _mean]
        telling = 0
        for column in self.scores:
            stated = self.stated(row, column)
            numbers = self.numbers(above, column)
            if stated is None or not numbers:
                continue
            kinds = [kind for kind in kinds if _is(stated, kind(numbers))]
            if not kinds:
                return False
            if kinds == [_sum] and sum(map(bool, numbers)) >= _FEWEST:
                telling = _FEWEST
            exact = any(_is(stated, kind(numbers), _EXACT_DIGITS) for kind in kinds)
            telling += exact and len(set(numbers)) > 1
        return telling >= _FEWEST

    def share_agreeing(self, row: int, above: Sequence[int]) -> Fraction | None:
        """Return how many of a row's numbers are one statistic of those above; None without any."""
        kinds: list[_Statistic] = [_sum, _mean, max, min]
        counts = dict.fromkeys(kinds, 0)
        filled = 0
        for column in self.scores:
            stated = self.stated(row, column)
            numbers = self.numbers(above, column)
            if stated is not None and numbers:
                filled += 1
                for kind in counts:
                    counts[kind] += _is(stated, kind(numbers))
        return Fraction(max(counts.values()), filled) if filled else None

    def stated(self, row: int, column: int) -> Decimal | None:
        """Return the number that a cell shows."""
        sheet = self._sheet
        return shown_number(sheet.value(row, column), sheet.look(row, column), self._words)

    def numbers(self, rows: Sequence[int], column: int) -> list[Decimal]:
        """Return the numbers that rows show in a column."""
        stated = (self.stated(row, column) for row in rows)
        return [number for number in stated if number is not None]


_Statistic = Callable[[Sequence[Decimal]], Decimal | Fraction]


def _sum(numbers: Sequence[Decimal]) -> Decimal:
    return decimal_total(numbers)


def _mean(numbers: Sequence[Decimal]) -> Fraction:
    return Fraction(decimal_total(numbers)) / len(numbers)


def _is(stated: Decimal, computed: Decimal | Fraction, least: int = 0) -> bool:
    """Return whether a stated number is the computed one, to the digits that it shows or more."""
    return stated == computed or shows(stated, computed, max(least, decimals(stated)))


def shows(stated: Decimal, computed: Decimal | Fraction, digits: int) -> bool:
    """Return whether a stated number is a computed one to so many digits, a half up or down."""
    off = abs(Fraction(stated) - Fraction(computed))
    return off <= Fraction(1, 2 * 10 ** min(digits, _MOST_DIGITS))


def _blocks(places: Mapping[int, int], rows: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield the rows and numbers of each list that is numbered for itself.

    A list ends where the next number is 1 again, or where another follows a row without a number.
    """
    block: list[tuple[int, int]] = []
    for run in _runs(places, rows):
        seen = {number for _row, number in block}
        if block and seen & {number for _row, number in run}:
            yield block
            block = []
        for row, number in run:
            # Twice 1 at the very beginning is a row that stands twice.
            if number == 1 and len(block) > 1 and 1 in {number for _row, number in block}:
                yield block
                block = []
            block.append((row, number))
    if block:
        yield block


def _runs(places: Mapping[int, int], rows: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield the numbered rows that no other row divides."""
    run: list[tuple[int, int]] = []
    before = None
    for row in rows:
        apart = before is not None and row - before > 1
        if run and (apart or row not in places):
            yield run
            run = []
        if row in places:
            run.append((row, places[row]))
        before = row
    if run:
        yield run


@lru_cache(maxsize=4096)
def _running_number(text: str) -> tuple[str, int] | None:
    match = _NUMBER.fullmatch(normalise(text))
    if match is None:
        return None
    return ("digits", int(match[1])) if match[1] else ("han", _from_han(match[2]))


def _from_han(text: str) -> int:
    """Return the number that Chinese numerals up to 99 stand for."""
    tens, ten, ones = text.partition("十")
    if ten:
        return 10 * _digits(tens or "一") + (_digits(ones) if ones else 0)
    return _digits(text)


def _digits(text: str) -> int:
    """Return 12 for 一二."""
    return int("".join(str(int(unicodedata.numeric(sign))) for sign in text))
