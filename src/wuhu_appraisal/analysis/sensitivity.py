"""What a ranking rests on: margins, weights, single members, single ballots, and assumptions.

Nothing is estimated: thresholds and bounds are exact, and what is tried (drawn weights, a member set
aside, another reading of the document) is computed again in full.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import islice, pairwise, product
from typing import TYPE_CHECKING

from wuhu_appraisal.analysis.groups import ScoredGroup, with_scheme, without_member
from wuhu_appraisal.analysis.thresholds import Crossing, Pair
from wuhu_appraisal.analysis.weightings import (
    NEARLY_ALL,
    ZERO,
    Weighting,
    is_linear,
    movements,
    stage_weighting,
    step_weightings,
)
from wuhu_appraisal.model import Absent, Standing
from wuhu_appraisal.numbers import round_half_up
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Detail
from wuhu_appraisal.scheme.load import alternatives
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.contributions import Contribution, ScoredStage
from wuhu_appraisal.score.ranking import RankKey

if TYPE_CHECKING:
    import pandas as pd

POINTS = (1, 2, 5)
"""How many points every stage's weight may move by, for the bounds of the ranks."""

DRAWS = 30
_MOST_FOR_CORNERS = 6
"""The most stages for which the corners of their weights are tried: they double with each."""
SEED = 20200929


@dataclass(frozen=True, slots=True)
class PairSensitivity:
    """Two units that follow each other, and what makes them share a rank or turns them round.

    ``published`` and ``exact`` are the differences of their finals. ``held`` says that no weights of
    the stages turn them round; None where that cannot be told.
    """

    group: str
    ahead: Standing
    behind: Standing
    published: Decimal
    exact: Fraction
    held: bool | None
    crossings: Sequence[Crossing]


@dataclass(frozen=True, slots=True)
class RankBounds:
    """The ranks between which a unit stays while every stage's weight moves by at most ``points``.

    ``highest`` and ``lowest`` are proven; ``highest_seen`` and ``lowest_seen`` are the best and the
    worst rank that drawn weights gave.
    """

    group: str
    unit: str
    points: int
    rank: int
    highest: int
    lowest: int
    highest_seen: int
    lowest_seen: int


@dataclass(frozen=True, slots=True)
class RankChange:
    """The rank of a unit as it is and as it would be; None where it would have none."""

    unit: str
    rank: int | None
    other: int | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The ranks that change where one member of a dimension does not count."""

    group: str
    stage: str
    dimension: str
    member: str
    changes: Sequence[RankChange]


@dataclass(frozen=True, slots=True)
class Ballot:
    """The least change of one rater's score for one unit that turns a pair round.

    ``points`` are above 0 where the lower unit gains them, below 0 where the higher one loses them.
    ``beyond`` says that it takes more than the points, else exactly them.
    """

    group: str
    ahead: str
    behind: str
    stage: str
    rater: str
    unit: str
    score: Fraction
    points: Fraction
    beyond: bool


@dataclass(frozen=True, slots=True)
class Flipped:
    """The ranks that change where one assumption is made otherwise; None if it cannot be computed."""

    assumption: str
    changes: Mapping[str, Sequence[RankChange]] | None


def pairs(group: ScoredGroup) -> Iterator[PairSensitivity]:
    """Yield each two units that follow each other in the ranking, with all thresholds of weights."""
    of_stages = stage_weighting(group)
    weightings = [*([of_stages] if of_stages else []), *step_weightings(group)]
    moves = [move for weighting in weightings for move in movements(weighting)]
    anywhere = None
    if of_stages is not None:
        none, all_of = (dict.fromkeys(of_stages.weights, end) for end in (ZERO, of_stages.whole))
        anywhere = _Box(group, of_stages, none, all_of)
    for ahead, behind in pairwise(group.ranked):
        pair = Pair(group, ahead.unit, behind.unit)
        assert ahead.final is not None and behind.final is not None
        least = None if anywhere is None else anywhere.least(ahead.unit, behind.unit)
        yield PairSensitivity(
            group.id,
            ahead,
            behind,
            ahead.final - behind.final,
            pair.margin,
            None if least is None else least >= 0,
            [
                pair.crossing(move)
                for move in moves
                if {ahead.unit, behind.unit} <= move.weighting.parts.keys()
            ],
        )


@dataclass(frozen=True)
class _Box:
    """The weights between bounds that add up to their whole, and what finals do among them."""

    group: ScoredGroup
    weighting: Weighting
    lows: Mapping[str, Fraction]
    highs: Mapping[str, Fraction]

    @cached_property
    def finals(self) -> Mapping[str, tuple[Fraction, Fraction] | None]:
        """The lowest and the highest final of each unit; None for one whose final is not linear."""
        return {unit: self._finals(unit) for unit in self.weighting.parts}

    def _finals(self, unit: str) -> tuple[Fraction, Fraction] | None:
        parts = self._parts(unit)
        if len(parts) < len(self.lows):
            return None
        rest = self.weighting.rest[unit]
        lowest = rest + self._mean(parts)
        highest = rest - self._mean({name: -part for name, part in parts.items()})
        if any(lowest <= bend <= highest for bend in self.group.bends[unit]):
            return None
        return self.group.final(unit, lowest), self.group.final(unit, highest)

    def _parts(self, unit: str) -> dict[str, Fraction]:
        parts = self.weighting.parts[unit].items()
        return {name: part for name, part in parts if part is not None}

    def least(self, unit: str, other: str) -> Fraction | None:
        """Return the least difference of two finals; None where one is not linear in the weights.

        Where the finals of the two do not even come near each other, what their ends tell.
        """
        own, others = self.finals[unit], self.finals[other]
        if own is None or others is None:
            return None
        if own[0] - others[1] >= self.group.unit_of_final:
            return own[0] - others[1]
        if own[1] < others[0]:
            return own[1] - others[0]
        if own[0] == own[1] or others[0] == others[1]:
            # A veto or a bound holds one of them all through, or no weight moves it.
            return own[0] - others[1]
        first, second = self._parts(unit), self._parts(other)
        whole = self._mean({name: first[name] - second[name] for name in first})
        added = [
            self.weighting.rest[name] + self.group.finals[name] - self.group.composite[name]
            for name in (unit, other)
        ]
        return whole + added[0] - added[1]

    def _mean(self, parts: Mapping[str, Fraction]) -> Fraction:
        """Return the least weighted mean of the parts.

        A linear programme with one equation: the weights start at their lowest, and what is left goes
        to the smallest parts first.
        """
        left = self.weighting.whole - sum(self.lows.values(), ZERO)
        added = ZERO
        for name in sorted(parts, key=parts.__getitem__):
            more = min(left, self.highs[name] - self.lows[name])
            added += (self.lows[name] + more) * parts[name]
            left -= more
        return added / self.weighting.whole


def rank_bounds(group: ScoredGroup, seed: int = SEED, draws: int = DRAWS) -> Iterator[RankBounds]:
    """Yield each unit's proven bounds of its rank, and the ranks that drawn weights gave."""
    weighting = stage_weighting(group)
    if weighting is None:
        return
    weights, whole = weighting.weights, weighting.whole
    rank = {item.unit: item.rank or 0 for item in group.ranked}
    for points in POINTS:
        box = _Box(
            group,
            weighting,
            {name: max(it - points, it * (1 - NEARLY_ALL)) for name, it in weights.items()},
            {name: min(it + points, whole) for name, it in weights.items()},
        )
        drawn = [rank, *(_ranks(group, weighting, it) for it in _drawn(box, seed, draws))]
        for unit in rank:
            others = [other for other in rank if other != unit]
            always = [box.least(other, unit) for other in others]
            ever = [box.least(unit, other) for other in others]
            yield RankBounds(
                group.id,
                unit,
                points,
                rank[unit],
                1 + sum(it is not None and it >= group.unit_of_final for it in always),
                1 + sum(it is None or it < 0 or _breaks_ties(group, it) for it in ever),
                min(ranks[unit] for ranks in drawn),
                max(ranks[unit] for ranks in drawn),
            )


def _breaks_ties(group: ScoredGroup, least: Fraction) -> bool:
    """Tell whether finals may come so near that what breaks ties decides."""
    return bool(group.scheme.ranking.ties) and least < group.unit_of_final


def _drawn(box: _Box, seed: int, draws: int) -> Iterator[dict[str, Fraction]]:
    """Yield corners of the weights between bounds, then weights drawn from between them."""
    yield from islice(_corners(box), draws)
    lows, highs = box.lows, box.highs
    first, *names = lows
    drawn = random.Random(seed)
    found = 0
    for _attempt in range(20 * draws):
        if found == draws:
            return
        weights = {
            name: lows[name] + (highs[name] - lows[name]) * Fraction(drawn.randrange(1001), 1000)
            for name in names
        }
        weights[first] = box.weighting.whole - sum(weights.values(), ZERO)
        if lows[first] <= weights[first] <= highs[first]:
            found += 1
            yield weights


def _corners(box: _Box) -> Iterator[dict[str, Fraction]]:
    """Yield the weights of which all but one are at an end; none where these are very many."""
    for free in box.lows if len(box.lows) <= _MOST_FOR_CORNERS else ():
        others = [name for name in box.lows if name != free]
        for ends in product(*((box.lows[name], box.highs[name]) for name in others)):
            weights = dict(zip(others, ends, strict=True))
            weights[free] = box.weighting.whole - sum(ends, ZERO)
            if box.lows[free] <= weights[free] <= box.highs[free]:
                yield weights


def _ranks(
    group: ScoredGroup, weighting: Weighting, weights: Mapping[str, Fraction]
) -> dict[str, int]:
    """Return the rank of each ranked unit by other weights."""
    keys = {
        item.unit: group.key(item.unit, weighting.composite(item.unit, weights))
        for item in group.ranked
    }
    ranks: dict[RankKey, int] = {}
    for place, key in enumerate(sorted(keys.values(), reverse=True), 1):
        ranks.setdefault(key, place)
    return {unit: ranks[key] for unit, key in keys.items()}


def left_out(group: ScoredGroup) -> Iterator[LeftOut]:
    """Yield what changes where one member of a rolled-up dimension does not count, each in turn.

    Indicators are no such members: without one of them the marks are others.
    """
    for stage in group.scheme.stages:
        plan, trace = stage.plans[group.id], group.result.traces[group.id].stages[stage.id]
        for step in plan.roll_ups:
            dimension = step.roll_up
            if dimension == plan.indicator_dimension:
                continue
            place = trace.scores.dimensions.index(dimension)
            members = dict.fromkeys(key[place] for key, _value in trace.scores.items())
            for member in members if len(members) > 1 else ():
                again = without_member(group, stage.id, dimension, member)
                yield LeftOut(group.id, stage.id, dimension, member, changes(group, again))


def changes(group: ScoredGroup, again: Sequence[Standing]) -> list[RankChange]:
    """Return the units whose rank differs, in the order of the ranking."""
    other = {item.unit: item.rank for item in again}
    return [
        RankChange(item.unit, item.rank, other.get(item.unit))
        for item in group.standings
        if other.get(item.unit) != item.rank
    ]


def ballots(group: ScoredGroup) -> Iterator[Ballot]:
    """Yield for each two units that follow each other the smallest change of a ballot that turns them.

    Only a stage in which each ballot has a fixed share is looked at, and no score goes beyond its
    full marks or below 0.
    """
    of_unit: dict[str, list[tuple[str, str, Contribution]]] = {}
    for stage in group.scheme.stages:
        scored = ScoredStage(
            group.scheme, stage, group.id, group.result.traces[group.id].stages[stage.id]
        )
        raters = scored.plan.rater_dimensions
        if raters and all(is_linear(step) for step in scored.steps):
            place = scored.place(raters[0])
            for unit in group.composite:
                for item in scored.contributions(unit):
                    row = (stage.id, item.key[place], item)
                    of_unit.setdefault(unit, []).append(row)
    for ahead, behind in pairwise(group.ranked):
        tried = [
            ballot
            for unit in (ahead, behind)
            for stage_id, rater, item in of_unit.get(unit.unit, ())
            if (ballot := _ballot(group, ahead, behind, unit.unit, stage_id, rater, item))
        ]
        if tried:
            yield min(tried, key=lambda ballot: abs(ballot.points))


def _ballot(
    group: ScoredGroup,
    ahead: Standing,
    behind: Standing,
    unit: str,
    stage: str,
    rater: str,
    item: Contribution,
) -> Ballot | None:
    """Return the change of one score that turns two units round; None where there is no room."""
    row = group.rows[unit]
    of_stage = dict(zip(row.members, row.coefficients, strict=True))[stage]
    share, half = of_stage * item.share, group.unit_of_final / 2
    if not share or isinstance(item.value, Absent | str):
        return None
    assert ahead.final is not None and behind.final is not None
    rises = unit == behind.unit
    needed = Fraction(ahead.final) + half if rises else Fraction(behind.final) - half
    more = needed - group.finals[unit]
    now = group.composite[unit]
    if group.final(unit, now + more) != needed:
        # A bound or a veto holds it.
        return None
    points = more / share
    number = Fraction(item.number)
    room = item.marks - number if points > 0 else number
    published = round_half_up(needed, group.scheme.final.digits)
    beyond = published <= ahead.final if rises else published >= behind.final
    if abs(points) > room or (beyond and abs(points) == room):
        return None
    return Ballot(group.id, ahead.unit, behind.unit, stage, rater, unit, number, points, beyond)


def flipped(result: Result) -> Iterator[Flipped]:
    """Yield what changes where one assumption alone is made as its alternative says."""
    for assumption, loaded in alternatives(result.scheme):
        if isinstance(loaded, str) or loaded.scheme is None:
            yield Flipped(assumption.id, None)
            continue
        again = with_scheme(result, loaded.scheme)
        yield Flipped(
            assumption.id,
            {
                group: found
                for group in result.standings
                if (found := changes(ScoredGroup(result, group), again[group]))
            },
        )


@dataclass(frozen=True)
class Sensitivity:
    """All that a ranking of one result rests on, each part computed when it is asked for."""

    result: Result
    seed: int = SEED

    @property
    def scheme(self) -> Scheme:
        """The scheme of the result."""
        return self.result.scheme

    @cached_property
    def groups(self) -> list[ScoredGroup]:
        """The groups of the result."""
        return [ScoredGroup(self.result, group) for group in self.result.standings]

    @cached_property
    def pairs(self) -> list[PairSensitivity]:
        """The units that follow each other, with the thresholds of weights."""
        return [item for group in self.groups for item in pairs(group)]

    @cached_property
    def bounds(self) -> list[RankBounds]:
        """The bounds of each unit's rank."""
        return [item for group in self.groups for item in rank_bounds(group, self.seed)]

    @cached_property
    def left_out(self) -> list[LeftOut]:
        """What changes without one member."""
        return [item for group in self.groups for item in left_out(group)]

    @cached_property
    def ballots(self) -> list[Ballot]:
        """The least change of a ballot that turns two units round."""
        return [item for group in self.groups for item in ballots(group)]

    @cached_property
    def flipped(self) -> list[Flipped]:
        """What changes by one assumption made otherwise."""
        return list(flipped(self.result))


def sensitivity(result: Result) -> "pd.DataFrame":
    """One row for each two units that follow each other and each way to move weight between members.

    Columns, all of dtype object:

    - ``group``, ``ahead``, ``behind`` (str): the group's id and the two units
    - ``published`` (Decimal), ``exact`` (Fraction): the difference of their finals
    - ``stage`` (str or None): the stage of the weights; None for the weights of the stages
    - ``of`` (str or None), ``to`` (str): whose weight becomes less and whose more; with None the
      weight of ``to`` alone changes, the others in proportion
    - ``direction`` (str): up or down, where the weight of ``to`` goes
    - ``shares``, ``turns`` (Fraction or None): the points at which they share a rank and at which they
      are turned round; None where they never do
    - ``shares_included``, ``turns_included`` (bool or None): whether it begins at the points, or just
      beyond them

    Raise ValueError for a copy that withholds scores.
    """
    import pandas as pd

    if Detail.RATERS not in result.copy.shows:
        raise ValueError("this copy does not show all scores")

    rows = [
        (
            *(pair.group, pair.ahead.unit, pair.behind.unit, pair.published, pair.exact),
            *(move.weighting.stage or None, move.of, move.to, move.direction),
            *(crossing.shares and crossing.shares.points, crossing.turns and crossing.turns.points),
            crossing.shares and crossing.shares.included,
            crossing.turns and crossing.turns.included,
        )
        for group in result.standings
        for pair in pairs(ScoredGroup(result, group))
        for crossing in pair.crossings
        for move in (crossing.movement,)
    ]
    columns = ["group", "ahead", "behind", "published", "exact", "stage", "of", "to", "direction"]
    columns += ["shares", "turns", "shares_included", "turns_included"]
    return pd.DataFrame(rows, columns=columns, dtype=object)
