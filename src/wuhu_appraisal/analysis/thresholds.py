"""How far weights must change until two units share a rank, or turn round.

Ranks follow what is published, so both points lie where a final, or what breaks a tie, crosses half
a unit of its last digit; between two such points nothing changes. All of it is exact.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from wuhu_appraisal.analysis.groups import ScoredGroup
from wuhu_appraisal.analysis.weightings import ZERO, Movement, Recomputed, Weighting
from wuhu_appraisal.score.ranking import RankKey

_STEPS, _HALVINGS = 20, 20
"""How a point is searched where all is computed again: by steps of a movement, then by halves."""

_FEW = 6
"""The rounding points of a unit in a span that is not divided any further."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """The points at which something begins: at them if ``included``, else just beyond."""

    points: Fraction
    included: bool


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a movement makes the lower unit share the rank of the higher one, and pass it.

    Where it is not ``exact`` it was found by computing again, step by step.
    """

    movement: Movement
    shares: Threshold | None
    turns: Threshold | None
    exact: bool = True


@dataclass(frozen=True)
class Pair:
    """Two units of a group, the first ranked before the second or sharing its rank."""

    group: ScoredGroup
    ahead: str
    behind: str

    @cached_property
    def margin(self) -> Fraction:
        """The exact difference of their finals."""
        return self.group.finals[self.ahead] - self.group.finals[self.behind]

    def crossing(self, movement: Movement) -> Crossing:
        """Return where a movement makes them share a rank, and where it turns them round."""
        if isinstance(movement.weighting, Recomputed):
            shares, turns = (self._searched(movement, order) for order in (0, -1))
            return Crossing(movement, shares, turns, exact=False)
        # Of two finals the higher one is never published as the lower one.
        apart = self.group.unit_of_final if self.group.scheme.ranking.ties else ZERO
        shares = self._first(movement, ZERO, self.group.unit_of_final, 0)
        turns = self._first(movement, shares.points, apart, -1) if shares else None
        return Crossing(movement, shares, turns)

    def _first(
        self, movement: Movement, start: Fraction, apart: Fraction, order: int
    ) -> Threshold | None:
        """Return where the order of the two is first at most ``order``; not where they are apart."""
        for begin, end in pairwise(self._ends(movement, start, apart)):
            for low, high in self._spans(movement, begin, end, apart):
                points = [low, *self._breaks(movement, low, high), high]
                for point, other in pairwise(points):
                    for place, included in ((point, True), ((point + other) / 2, False)):
                        if self._order(movement, place) <= order:
                            return Threshold(point, included)
        return None

    def _ends(self, movement: Movement, start: Fraction, apart: Fraction) -> list[Fraction]:
        """Return where to search: from the start, or if both are linear from where they come near."""
        slopes = movement.slopes
        for unit in (self.ahead, self.behind):
            ends = [movement.composite(unit, at) for at in (ZERO, movement.most)]
            finals = [self.group.final(unit, composite) for composite in ends]
            follows = finals[1] - finals[0] == ends[1] - ends[0]
            bends = self._bends(unit, movement, ZERO, movement.most)
            if unit not in slopes or bends or not follows:
                return [start, movement.most]
        closing = slopes[self.behind] - slopes[self.ahead]
        if closing <= 0:
            return [start, movement.most]
        begin = max(start, (self.margin - apart) / closing)
        steepest = max(abs(slopes[self.ahead]), abs(slopes[self.behind]))
        near = begin + _FEW * self._step / steepest
        return sorted({min(point, movement.most) for point in (begin, near, movement.most)})

    @property
    def _step(self) -> Fraction:
        """The distance of two numbers at which what a unit is ranked by may change."""
        return min(self.group.unit_of_final, Fraction(1, 10**self.group.scheme.composite.digits))

    def _searched(self, movement: Movement, order: int) -> Threshold | None:
        """Return about where the order is first at most ``order``, tried in steps and then halved."""
        low = ZERO
        for step in range(_STEPS + 1):
            high = movement.most * step / _STEPS
            if self._order(movement, high) <= order:
                for _halving in range(_HALVINGS if step else 0):
                    middle = (low + high) / 2
                    before = self._order(movement, middle) > order
                    low, high = (middle, high) if before else (low, middle)
                return Threshold(high, included=True)
            low = high
        return None

    def _order(self, movement: Movement, points: Fraction) -> int:
        """Return whether the first is before (1), at (0) or behind (-1) the second after a movement."""
        first, second = (self._key(unit, movement, points) for unit in (self.ahead, self.behind))
        return (first > second) - (first < second)

    def _key(self, unit: str, movement: Movement, points: Fraction) -> RankKey:
        composite = movement.composite(unit, points)
        before = movement.composite(unit, ZERO)
        weighting = movement.weighting
        changed = {
            stage: Fraction(more + self._stage_score(unit, stage))
            for stage, more in weighting.stages(unit, composite, before).items()
        }
        return self.group.key(unit, composite, changed)

    def _stage_score(self, unit: str, stage: str) -> Fraction:
        row = self.group.rows[unit]
        value = dict(zip(row.members, row.values, strict=True))[stage]
        assert isinstance(value, Fraction | Decimal)
        return Fraction(value)

    def _spans(
        self, movement: Movement, low: Fraction, high: Fraction, apart: Fraction
    ) -> Iterator[tuple[Fraction, Fraction]]:
        """Yield, in order, the spans of a movement in which the two may be less than ``apart``."""
        if self._is_apart(movement, low, high, apart):
            return
        if self._count(movement, low, high) <= _FEW:
            yield low, high
            return
        middle = (low + high) / 2
        yield from self._spans(movement, low, middle, apart)
        yield from self._spans(movement, middle, high, apart)

    def _is_apart(self, movement: Movement, low: Fraction, high: Fraction, apart: Fraction) -> bool:
        """Tell whether the first final is higher by at least ``apart`` all through a span."""
        ends = []
        for unit in (self.ahead, self.behind):
            if self._bends(unit, movement, low, high):
                return False
            ends.append(
                [self.group.final(unit, movement.composite(unit, at)) for at in (low, high)]
            )
        first, second = ends
        if movement.weighting.counts_alike(self.ahead, self.behind):
            # Their difference goes one way all through, so it is smallest at an end.
            return min(a - b for a, b in zip(first, second, strict=True)) >= apart
        # Each of them does.
        return min(first) - max(second) >= apart

    def _bends(self, unit: str, movement: Movement, low: Fraction, high: Fraction) -> bool:
        """Tell whether a final stops following its composite somewhere in a span."""
        if not self.group.bends[unit]:
            return False
        ends = sorted(movement.composite(unit, at) for at in (low, high))
        return any(
            ends[0] < bend < ends[1] or (bend in ends and bend in self.group.jumps)
            for bend in self.group.bends[unit]
        )

    def _count(self, movement: Movement, low: Fraction, high: Fraction) -> Fraction:
        """Return about how many rounding points the units pass in a span."""
        return max(self._moved(unit, movement, low, high) for unit in (self.ahead, self.behind))

    def _moved(self, unit: str, movement: Movement, low: Fraction, high: Fraction) -> Fraction:
        ends = [movement.composite(unit, at) for at in (low, high)]
        ties = self.group.scheme.ranking.ties
        others = movement.weighting.share or any(tie.by == "composite" for tie in ties)
        by_final = not (ties and others)
        if by_final and not self._bends(unit, movement, low, high):
            ends = [self.group.final(unit, composite) for composite in ends]
        return abs(ends[1] - ends[0]) / self._step

    def _breaks(self, movement: Movement, low: Fraction, high: Fraction) -> list[Fraction]:
        """Return the points inside a span at which what a unit is ranked by may change."""
        breaks = set()
        for unit in (self.ahead, self.behind):
            ends = movement.composite(unit, low), movement.composite(unit, high)
            for composite in self._composites(unit, movement.weighting, min(ends), max(ends)):
                points = movement.points_for(unit, composite)
                if points is not None and low < points < high:
                    breaks.add(points)
        return sorted(breaks)

    def _composites(
        self, unit: str, weighting: Weighting, low: Fraction, high: Fraction
    ) -> Iterator[Fraction]:
        """Yield the composites between two at which what a unit is ranked by may change."""
        group, scheme = self.group, self.group.scheme
        bends = [bend for bend in group.bends[unit] if low <= bend <= high]
        yield from bends
        ends = [low, *bends, high]
        # A final follows its composite between two bends, at another distance in each span.
        for start, end in pairwise(ends):
            middle = (start + end) / 2
            if group.is_held(unit, middle):
                continue
            final = group.final(unit, middle)
            for half in _halves(start + final - middle, end + final - middle, scheme.final.digits):
                yield half - final + middle
        if not scheme.ranking.ties:
            return
        if any(tie.by == "composite" for tie in scheme.ranking.ties):
            yield from _halves(low, high, scheme.composite.digits)
        share = weighting.share.get(unit)
        if share:
            now, score = group.composite[unit], self._stage_score(unit, weighting.stage)
            scores = [score + (end - now) / share for end in (low, high)]
            for half in _halves(min(scores), max(scores), scheme.composite.digits):
                yield now + (half - score) * share


def _halves(low: Fraction, high: Fraction, digits: int) -> Iterator[Fraction]:
    """Yield the numbers between two, both included, at which rounding to ``digits`` places turns."""
    scale = 10**digits
    for number in range(math.floor(low * scale - 1), math.ceil(high * scale + 1)):
        half = Fraction(2 * number + 1, 2 * scale)
        if low <= half <= high:
            yield half
