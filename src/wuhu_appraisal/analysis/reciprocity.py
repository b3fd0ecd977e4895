"""Whether units that rate each other return what they were given, over all pairs together.

A residual is what the means of rater and unit leave of a score. The residuals of both scores of each
pair are correlated, and the correlation is compared with those under permuted identities. The numbers
are floats, as a permutation needs no exact ones.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from math import sqrt, tanh
from operator import itemgetter, mul
from random import Random
from statistics import NormalDist, fmean
from typing import NamedTuple

from wuhu_appraisal.analysis.raters import Ballots, Lack
from wuhu_appraisal.model import Key

SEED, PERMUTATIONS = 20200929, 9999
LEVEL, POWER = Fraction(5, 100), Fraction(80, 100)
_ROUNDS, _STILL = 500, 1e-12
_FEWEST = 3
"""Of two raters the residuals of one are those of the other with the sign turned."""


class Pair(NamedTuple):
    """Two units that rated each other, and the residuals of what the first and the second gave."""

    first: str
    second: str
    gave: float
    was_given: float


@dataclass(frozen=True)
class Reciprocity:
    """What the pairs of two panels say together, or of one panel whose raters rate each other.

    ``p`` is the share of the permutations, this one included, with a correlation at least as large;
    ``detectable`` the correlation that p ≤ 5 % finds in 80 of 100 cases; ``lack`` why there are none.
    """

    panels: tuple[Ballots, Ballots]
    pairs: Sequence[Pair]
    seed: int
    permutations: int
    lack: Lack | None = None
    correlation: float = 0.0
    p: Fraction = Fraction(1)
    detectable: float = 1.0

    @property
    def found(self) -> bool:
        """Whether the residuals go together more than chance explains."""
        return self.lack is None and self.p <= LEVEL


def reciprocities(
    panels: Sequence[Ballots], seed: int = SEED, permutations: int = PERMUTATIONS
) -> Iterator[Reciprocity]:
    """Yield what each two panels, or one with itself, say where raters of each are units of the other."""
    for one, other in combinations_with_replacement(panels, 2):
        gave, given = residuals(one), residuals(other)
        pairs = [
            Pair(*key, value, given[key[::-1]]) for key, value in gave.items() if key[::-1] in given
        ]
        pairs = [pair for pair in pairs if pair.first != pair.second]
        if pairs:
            yield _compared((one, other), pairs, seed, permutations)


def residuals(scores: Ballots) -> dict[tuple[str, str], float]:
    """Return the residual of a rater's scores of a unit, by rater and unit, in the raters' order.

    Where scores are missing the two means are taken away in turn until nothing changes: the least
    squares of the two-way model.
    """
    rows = scores.rows.items()
    cells = {
        (one, key): float(row[one]) for one in scores.raters for key, row in rows if one in row
    }
    sides: list[dict[object, list[tuple[str, Key]]]] = [{}, {}]
    for cell in cells:
        for side, of in zip(sides, cell, strict=True):
            side.setdefault(of, []).append(cell)
    for _round in range(_ROUNDS):
        largest = 0.0
        for group in (group for side in sides for group in side.values()):
            centre = fmean(map(cells.__getitem__, group))
            largest = max(largest, abs(centre))
            for cell in group:
                cells[cell] -= centre
        if largest < _STILL:
            break
    by_unit: dict[tuple[str, str], list[float]] = {}
    for (rater, key), value in cells.items():
        by_unit.setdefault((rater, scores.unit(key)), []).append(value)
    return {pair: fmean(values) for pair, values in by_unit.items()}


def _compared(
    panels: tuple[Ballots, Ballots], pairs: Sequence[Pair], seed: int, permutations: int
) -> Reciprocity:
    own = panels[0] is panels[1]
    kept = [pair for pair in pairs if not own or pair.first < pair.second]
    names = [list(dict.fromkeys(side)) for side in zip(*(it[:2] for it in pairs), strict=True)]
    alike = set(names[0]) == set(names[1])
    names[1] = names[0] if alike else names[1]
    # The residuals that vary freely; within one panel they hold both scores of a pair.
    free = (len(pairs) - sum(map(len, names)) + 1) / (2 if own else 1)
    if min(map(len, names)) < _FEWEST or free <= 2:
        return Reciprocity(panels, kept, seed, permutations, Lack.UNITS)
    gave, given = (_centred(names, pairs, itemgetter(side)) for side in (2, 3))
    size = sqrt(_product(gave, gave) * _product(given, given))
    if size < _STILL:
        return Reciprocity(panels, kept, seed, permutations, Lack.SAME)
    if own:
        # Each pair once: twice the same product would vary more than what permutations give.
        gave = [[2 * x if b > a else 0.0 for b, x in enumerate(row)] for a, row in enumerate(gave)]
    together = _product(gave, given)
    shuffled = _permuted(given, seed, permutations, alike=alike)
    reached = sum(_product(gave, table) >= together - _STILL * size for table in shuffled)
    p = Fraction(reached + 1, permutations + 1)
    # Fisher's z of a correlation has the variance 1 / (free - 2) here.
    shift = NormalDist().inv_cdf(1 - float(LEVEL)) + NormalDist().inv_cdf(float(POWER))
    detectable = tanh(shift / sqrt(free - 2))
    return Reciprocity(panels, kept, seed, permutations, None, together / size, p, detectable)


def _centred(
    names: Sequence[Sequence[str]], pairs: Sequence[Pair], side: Callable[[Pair], float]
) -> list[list[float]]:
    """Return one side's residuals about their mean as a table; 0 where there is none."""
    values = {pair[:2]: side(pair) for pair in pairs}
    centre = fmean(values.values())
    return [[values.get((a, b), centre) - centre for b in names[1]] for a in names[0]]


def _product(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    return sum(sum(map(mul, *rows)) for rows in zip(one, other, strict=True))


def _permuted(
    table: Sequence[Sequence[float]], seed: int, count: int, *, alike: bool
) -> Iterator[list[tuple[float, ...]]]:
    """Yield the table with the identities of both sides permuted, in the same way if ``alike``."""
    draw = Random(seed).random
    for _time in range(count):
        order = sorted(range(len(table)), key=lambda _place: draw())
        columns = order if alike else sorted(range(len(table[0])), key=lambda _place: draw())
        yield [itemgetter(*columns)(table[row]) for row in order]
