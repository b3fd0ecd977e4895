"""Whether units that rate each other return what they were given, over all pairs together.

A score's residual is what is left of it once the unit's mean and the rater's mean are taken away.
The residuals of the two scores of each pair are correlated, and the correlation is compared with
those under permuted identities. The numbers are floats: a permutation needs no exact ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from math import sqrt, tanh
from operator import attrgetter, itemgetter
from random import Random
from statistics import NormalDist, fmean

from wuhu_appraisal.analysis.raters import Ballots, Lack

SEED, PERMUTATIONS = 20200929, 9999
LEVEL, POWER = Fraction(5, 100), Fraction(80, 100)
_ROUNDS, _STILL = 500, 1e-12
_FEWEST = 3
"""Of two raters the residuals of one are those of the other with the sign turned."""
_NAMES = attrgetter("first", "second")


@dataclass(frozen=True)
class Pair:
    """Two units that rated each other, with the residual of what the first and the second gave."""

    first: str
    second: str
    given: float
    returned: float


@dataclass(frozen=True)
class Reciprocity:
    """What the pairs of two panels, or of one whose raters rate each other, say together.

    ``p`` is the share of the permutations, the identity among them, whose correlation is at least
    as large. ``detectable`` is the correlation that would be found in 80 of 100 cases at 5 %.
    ``lack`` says why there is no correlation.
    """

    one: Ballots
    other: Ballots
    pairs: Sequence[Pair]
    seed: int
    permutations: int
    lack: Lack | None = None
    correlation: float = 0.0
    p: Fraction = Fraction(1)
    detectable: float = 1.0

    @property
    def found(self) -> bool:
        """Whether the residuals go together more than chance explains, at 5 %."""
        return self.lack is None and self.p <= LEVEL


def reciprocities(
    panels: Sequence[Ballots], seed: int = SEED, permutations: int = PERMUTATIONS
) -> Iterator[Reciprocity]:
    """Yield the comparison of every two panels, or of one with itself, with units that rate each other."""
    for one, other in combinations_with_replacement(panels, 2):
        left = [name for name in one.raters if name in other.units]
        right = [name for name in other.raters if name in one.units]
        given, returned = residuals(one), residuals(other)
        pairs = [
            Pair(a, b, given[a, b], returned[b, a])
            for a in left
            for b in right
            if a != b and (a, b) in given and (b, a) in returned
        ]
        if pairs:
            yield _compared(one, other, pairs, seed, permutations)


def residuals(scores: Ballots) -> dict[tuple[str, str], float]:
    """Return what is left of a rater's scores of a unit without the means of both, by rater and unit.

    Where scores are missing the two means are taken away in turn until nothing changes: the least
    squares of the two-way model.
    """
    cells = {
        (key, rater): float(value)
        for key, row in scores.rows.items()
        for rater, value in row.items()
    }
    by_place: list[dict[object, list[tuple[tuple[str, ...], str]]]] = [{}, {}]
    for cell in cells:
        for place in (0, 1):
            by_place[place].setdefault(cell[place], []).append(cell)
    for _round in range(_ROUNDS):
        largest = 0.0
        for group in (group for groups in by_place for group in groups.values()):
            centre = fmean(map(cells.__getitem__, group))
            largest = max(largest, abs(centre))
            for cell in group:
                cells[cell] -= centre
        if largest < _STILL:
            break
    of_pairs: dict[tuple[str, str], list[float]] = {}
    for (key, rater), value in cells.items():
        of_pairs.setdefault((rater, scores.unit(key)), []).append(value)
    return {pair: fmean(values) for pair, values in of_pairs.items()}


def _compared(
    one: Ballots, other: Ballots, pairs: Sequence[Pair], seed: int, permutations: int
) -> Reciprocity:
    own = one is other
    kept = [pair for pair in pairs if not own or pair.first < pair.second]
    bare = Reciprocity(one, other, kept, seed, permutations, Lack.UNITS)
    names = [list(dict.fromkeys(side)) for side in zip(*map(_NAMES, pairs), strict=True)]
    alike = set(names[0]) == set(names[1])
    if alike:
        names[1] = names[0]
    # The residuals that can vary freely; in one panel both scores of a pair are among them.
    free = (len(pairs) - sum(map(len, names)) + 1) / (2 if own else 1)
    if min(map(len, names)) < _FEWEST or free <= 2:
        return bare
    given = _centred(names, {_NAMES(pair): pair.given for pair in pairs})
    returned = _centred(names, {_NAMES(pair): pair.returned for pair in pairs})
    size = sqrt(_product(given, given) * _product(returned, returned))
    if size < _STILL:
        return Reciprocity(one, other, kept, seed, permutations, Lack.SAME)
    together = _product(given, returned)
    limit = together - _STILL * size
    shuffled = _permuted(returned, seed, permutations, alike=alike)
    reached = sum(_product(given, table) >= limit for table in shuffled)
    normal = NormalDist()
    shift = normal.inv_cdf(1 - float(LEVEL)) + normal.inv_cdf(float(POWER))
    return Reciprocity(
        one,
        other,
        kept,
        seed,
        permutations,
        None,
        together / size,
        Fraction(reached + 1, permutations + 1),
        tanh(shift / sqrt(free - 2)),
    )


def _centred(
    names: Sequence[Sequence[str]], values: Mapping[tuple[str, str], float]
) -> list[list[float]]:
    """Return the values about their mean as a table; 0 where there is none."""
    centre = fmean(values.values())
    return [
        [values[a, b] - centre if (a, b) in values else 0.0 for b in names[1]] for a in names[0]
    ]


def _product(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    return sum(a * b for rows in zip(one, other, strict=True) for a, b in zip(*rows, strict=True))


def _permuted(
    table: Sequence[Sequence[float]], seed: int, count: int, *, alike: bool
) -> Iterator[list[tuple[float, ...]]]:
    """Yield the table with the identities on both sides permuted, together where they are ``alike``."""
    draw = Random(seed).random
    rows, columns = range(len(table)), range(len(table[0]))
    for _time in range(count):
        order = sorted(rows, key=lambda _place: draw())
        pick = itemgetter(*(order if alike else sorted(columns, key=lambda _place: draw())))
        yield [pick(table[row]) for row in order]
