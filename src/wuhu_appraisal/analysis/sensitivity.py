"""What a ranking rests on: margins, weights, single members, single ballots, and assumptions.

Nothing is estimated: thresholds and bounds are exact, and what is tried (drawn weights, a member set
aside, another reading of the document) is computed again in full.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, product
from typing import TYPE_CHECKING

from wuhu_appraisal.analysis.again import ScoredGroup, with_scheme, without_member
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
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Detail
from wuhu_appraisal.scheme.load import alternatives
from wuhu_appraisal.score.contributions import Contribution, ScoredStage

if TYPE_CHECKING:
    import pandas as pd

POINTS = (1, 2, 5)
"""How many points every stage's weight may move by, for the bounds of the ranks."""

DRAWS = 200
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
    for ahead, behind in pairwise(group.ranked):
        pair = Pair(group, ahead.unit, behind.unit)
        assert ahead.final is not None and behind.final is not None
        yield PairSensitivity(
            group.id,
            ahead,
            behind,
            ahead.final - behind.final,
            pair.margin,
            None if of_stages is None else _is_held(group, of_stages, ahead.unit, behind.unit),
            [
                pair.crossing(move)
                for move in moves
                if {ahead.unit, behind.unit} <= move.weighting.parts.keys()
            ],
        )


def _is_held(group: ScoredGroup, weighting: Weighting, ahead: str, behind: str) -> bool | None:
    """Tell whether a unit stays before another by any weights; None where that cannot be told."""
    least = _least(group, weighting, ahead, behind, ZERO, weighting.whole)
    return None if least is None else least >= 0


def _least(
    group: ScoredGroup,
    weighting: Weighting,
    unit: str,
    other: str,
    low: Fraction | Mapping[str, Fraction],
    high: Fraction | Mapping[str, Fraction],
) -> Fraction | None:
    """Return the least difference of two finals for weights between bounds that keep their sum.

    None where finals are not linear in them.
    """
    weights = weighting.weights
    lows = low if isinstance(low, Mapping) else dict.fromkeys(weights, low)
    highs = high if isinstance(high, Mapping) else dict.fromkeys(weights, high)
    numbers = []
    for name in (unit, other):
        parts = {key: part for key, part in weighting.parts[name].items() if part is not None}
        if len(parts) < len(weights):
            return None
        rest = weighting.rest[name]
        lowest = rest + _mean(parts, weights, lows, highs)
        highest = rest - _mean({key: -part for key, part in parts.items()}, weights, lows, highs)
        if any(lowest <= bend <= highest for bend in group.bends[name]):
            return None
        numbers.append(parts)
    gaps = {name: numbers[0][name] - numbers[1][name] for name in weights}
    added = [
        weighting.rest[name] + group.finals[name] - group.composite[name] for name in (unit, other)
    ]
    return _mean(gaps, weights, lows, highs) + added[0] - added[1]


def _mean(
    parts: Mapping[str, Fraction],
    weights: Mapping[str, Fraction],
    lows: Mapping[str, Fraction],
    highs: Mapping[str, Fraction],
) -> Fraction:
    """Return the least weighted mean for weights between bounds that keep their sum.

    A linear programme with one equation: the weights start at their lowest, and what is left goes
    to the smallest parts first.
    """
    whole = sum(weights.values(), ZERO)
    left = whole - sum(lows.values(), ZERO)
    added = ZERO
    for name in sorted(parts, key=parts.__getitem__):
        more = min(left, highs[name] - lows[name])
        added += (lows[name] + more) * parts[name]
        left -= more
    return added / whole


def rank_bounds(group: ScoredGroup, seed: int = SEED, draws: int = DRAWS) -> Iterator[RankBounds]:
    """Yield each unit's proven bounds of its rank, and the ranks that drawn weights gave."""
    weighting = stage_weighting(group)
    if weighting is None:
        return
    units = [item.unit for item in group.ranked]
    rank = {item.unit: item.rank or 0 for item in group.ranked}
    for points in POINTS:
        lows = {
            name: max(weight - points, weight * (1 - NEARLY_ALL))
            for name, weight in weighting.weights.items()
        }
        highs = {
            name: min(weight + points, weighting.whole)
            for name, weight in weighting.weights.items()
        }
        seen = [rank]
        seen += [_ranks(group, weighting, it) for it in _drawn(weighting, lows, highs, seed, draws)]
        least = {
            (unit, other): _least(group, weighting, unit, other, lows, highs)
            for unit, other in product(units, units)
            if unit != other
        }
        for unit in units:
            others = [other for other in units if other != unit]
            always = [least[other, unit] for other in others]
            ever = [least[unit, other] for other in others]
            yield RankBounds(
                group.id,
                unit,
                points,
                rank[unit],
                1 + sum(it is not None and it >= group.unit_of_final for it in always),
                1 + sum(it is None or it < 0 or _breaks_ties(group, it) for it in ever),
                min(ranks[unit] for ranks in seen),
                max(ranks[unit] for ranks in seen),
            )


def _breaks_ties(group: ScoredGroup, least: Fraction) -> bool:
    """Tell whether finals may come so near that what breaks ties decides."""
    return bool(group.scheme.ranking.ties) and least < group.unit_of_final


def _drawn(
    weighting: Weighting,
    lows: Mapping[str, Fraction],
    highs: Mapping[str, Fraction],
    seed: int,
    draws: int,
) -> Iterator[dict[str, Fraction]]:
    """Yield the corners of the weights between bounds, then weights drawn from between them."""
    names, whole = list(lows), weighting.whole
    for free in names:
        others = [name for name in names if name != free]
        for ends in product(*((lows[name], highs[name]) for name in others)):
            weights = dict(zip(others, ends, strict=True))
            weights[free] = whole - sum(ends, ZERO)
            if lows[free] <= weights[free] <= highs[free]:
                yield weights
    drawn = random.Random(seed)
    while draws:
        weights = {
            name: lows[name] + (highs[name] - lows[name]) * Fraction(drawn.randrange(1001), 1000)
            for name in names[1:]
        }
        weights[names[0]] = whole - sum(weights.values(), ZERO)
        if lows[names[0]] <= weights[names[0]] <= highs[names[0]]:
            draws -= 1
            yield weights


def _ranks(
    group: ScoredGroup, weighting: Weighting, weights: Mapping[str, Fraction]
) -> dict[str, int]:
    """Return the rank of each ranked unit by other weights."""
    keys = {
        item.unit: group.key(item.unit, weighting.composite(item.unit, weights))
        for item in group.ranked
    }
    return {unit: 1 + sum(other > key for other in keys.values()) for unit, key in keys.items()}


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
        if raters and all(is_linear(step.step) for step in scored.steps):
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
    if any(min(now, now + more) <= bend <= max(now, now + more) for bend in group.bends[unit]):
        return None
    points = more / share
    number = Fraction(item.number)
    room = item.marks - number if points > 0 else number
    beyond = points < 0
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
