"""What makes the difference between two units' published finals, exactly, in points of the final.

A final is a sum: the stages times their coefficients in the composite, the adjustments, what the
bounds take away or add, and the rounding. Each part of one unit less the same part of the other
is a part of the difference, so the parts add up to it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias

from wuhu_appraisal.model import (
    ADJUSTING,
    CAP,
    COMPOSITE,
    FINAL,
    Absent,
    Key,
    Score,
    StageTrace,
    StepRow,
    Trace,
)
from wuhu_appraisal.numbers import Number, total
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import Grain, PlannedStep, initial, planned
from wuhu_appraisal.score.operations import ONE

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One score's part in its unit's stage score.

    ``key`` is the score's key in the stage's table; ``number`` is what it counts as: the score of
    a grade, 0 where it is absent and counts as 0. One that was left out is not listed.
    """

    key: Key
    value: Score
    number: Number
    share: Fraction
    marks: Fraction

    @property
    def points(self) -> Fraction:
        """What it adds to the stage's score."""
        return self.share * Fraction(self.number)

    @property
    def full(self) -> Fraction:
        """What it would add at its full marks."""
        return self.share * self.marks


@dataclass(frozen=True, slots=True)
class Part:
    """The contributions of all scores with one member of a dimension, added up."""

    member: str
    points: Fraction
    full: Fraction


def contributions(
    grain: Grain, steps: Sequence[PlannedStep], trace: StageTrace, unit: str
) -> Iterator[Contribution]:
    """Each score that counts in a unit's stage score, in the order of the steps' inputs.

    ``grain`` is that of the scores as read, ``steps`` are those that the trace went through.
    Nothing comes for a unit whose stage score is absent.
    """
    whole = trace.value(unit)
    if isinstance(whole, Absent | str):
        return
    reached: list[tuple[Key, Fraction, Score]] = [((unit,), ONE, whole)]
    for step, table in zip(reversed(steps), reversed(trace.steps), strict=True):
        reached = [
            (step.input_key(key, member), further, value)
            for key, share, _value in reached
            for member, value, further in _inputs(table.rows[key], share)
        ]
    grades = dict(_grades(steps))
    for key, share, value in reached:
        number = grades.get(value, _ZERO) if isinstance(value, str) else value
        counted = _ZERO if isinstance(number, Absent) else number
        yield Contribution(key, value, counted, share, grain.marks_of(key))


def by_member(parts: Iterable[Contribution], place: int) -> list[Part]:
    """The contributions gathered by the member that their keys have at ``place``."""
    # Many scores have one share: to add them first and multiply once is many times faster.
    found: dict[str, dict[Fraction, tuple[list[Number], list[Number]]]] = {}
    for part in parts:
        numbers, marks = found.setdefault(part.key[place], {}).setdefault(part.share, ([], []))
        numbers.append(part.number)
        marks.append(part.marks)
    return [
        Part(
            member,
            sum((share * total(numbers) for share, (numbers, _m) in by_share.items()), _ZERO),
            sum((share * total(marks) for share, (_n, marks) in by_share.items()), _ZERO),
        )
        for member, by_share in found.items()
    ]


def telling_dimension(plan: Plan, steps: Sequence[PlannedStep]) -> str | None:
    """The dimension that tells best where a stage's score comes from.

    The indicators where there are any; else what the first roll-up takes away, if its members are
    declared: raters, rounds. None where the sheets hold one number a unit.
    """
    for name, dimension in plan.dimensions.items():
        if dimension.indicators:
            return name
    for step in steps:
        rolled = getattr(step.step, "roll_up", None)
        if rolled in step.before.members:
            return str(rolled)
    return None


def _inputs(row: StepRow, share: Fraction) -> Iterator[tuple[str, Score, Fraction]]:
    """The inputs that count in a number, each with its share in the whole."""
    # The coefficients of a row are mostly one and the same object.
    known: dict[int, Fraction] = {}
    for member, value, coefficient in zip(row.members, row.values, row.coefficients, strict=True):
        if coefficient:
            further = known.get(id(coefficient))
            if further is None:
                further = known[id(coefficient)] = share * coefficient
            yield member, value, further


def _grades(steps: Sequence[PlannedStep]) -> Iterator[tuple[str, Fraction]]:
    for step in steps:
        for grade, score in getattr(step.step, "convert", {}).items():
            yield grade, Fraction(score)


Kind: TypeAlias = Literal["stage", "member", "adjustment", "cap", "adjusting", "final", "rounding"]

_ZERO_differences = Fraction(0)


@dataclass(frozen=True, slots=True)
class Side:
    """One unit of a comparison: its group, how that group's finals came to be, its own as published."""

    unit: str
    group: str
    trace: Trace
    published: Decimal


@dataclass(frozen=True, slots=True)
class Difference:
    """What one part adds to either final, in points; None for a unit that has no such part.

    ``id`` is the stage, the adjustment (of kind 'cap': that whose cap binds), or the member of
    ``dimension`` that the part is of. The ``parts`` of a stage add up to its points; a stage has
    none where nothing takes it apart or where the two units' scores are of other members.
    """

    kind: Kind
    id: str
    first: Fraction | None
    second: Fraction | None
    dimension: str = ""
    parts: tuple["Difference", ...] = ()

    @property
    def points(self) -> Fraction:
        """The first less the second; what a unit does not have counts as 0."""
        return (self.first or _ZERO_differences) - (self.second or _ZERO_differences)


def differences(scheme: Scheme, first: Side, second: Side) -> list[Difference]:
    """The parts of the difference between two published finals, the largest absolute one first.

    Their points add up to ``first.published`` less ``second.published``.
    """
    weights = [_stage_weights(side) for side in (first, second)]
    found = [
        _stage(scheme, stage, (first, weights[0].get(stage.id)), (second, weights[1].get(stage.id)))
        for stage in scheme.stages
    ]
    found += _adjustments(_final(first), _final(second))
    found.append(Difference("rounding", "", _rounding(first), _rounding(second)))
    return _largest_first(item for item in found if (item.first, item.second) != (None, None))


def _stage(
    scheme: Scheme,
    stage: Stage,
    first: tuple[Side, Fraction | None],
    second: tuple[Side, Fraction | None],
) -> Difference:
    """A stage's part; ``first`` and ``second`` are the sides with what a point of it counts."""
    dimension = _common_dimension(scheme, stage, first[0].group, second[0].group)
    values = [
        None if weight is None else weight * Fraction(_stage_score(side, stage.id))
        for side, weight in (first, second)
    ]
    parts = []
    if dimension:
        found = [_members(scheme, stage, dimension, *side) for side in (first, second)]
        members = dict.fromkeys([*found[0], *found[1]])
        parts = [
            Difference("member", member, found[0].get(member), found[1].get(member), dimension)
            for member in members
        ]
    ordered = tuple(_largest_first(parts))
    return Difference("stage", stage.id, values[0], values[1], dimension, ordered)


def _members(
    scheme: Scheme, stage: Stage, dimension: str, side: Side, weight: Fraction | None
) -> Mapping[str, Fraction]:
    """What each member of a dimension adds to a unit's final."""
    if weight is None:
        return {}
    plan = stage.plans[side.group]
    steps = planned(scheme, plan)
    grain = initial(scheme, plan)
    found = contributions(grain, steps, side.trace.stages[stage.id], side.unit)
    place = grain.dimensions.index(dimension)
    return {part.member: part.points * weight for part in by_member(found, place)}


def _common_dimension(scheme: Scheme, stage: Stage, group: str, other: str) -> str:
    """The dimension by which both units' scores of a stage can be told apart; '' if there is none."""
    plans = [stage.plans[group], stage.plans[other]]
    names = [telling_dimension(plan, planned(scheme, plan)) for plan in plans]
    if names[0] is None or names[0] != names[1]:
        return ""
    alike = _who(scheme, plans[0], names[0]) == _who(scheme, plans[1], names[0])
    return names[0] if alike else ""


def _who(scheme: Scheme, plan: Plan, name: str) -> tuple[str | None, list[str] | None]:
    """The members of a dimension; two sets of indicators may use one number for different things."""
    dimension = plan.dimensions[name]
    return dimension.indicators, scheme.members(dimension)


def _stage_weights(side: Side) -> dict[str, Fraction]:
    """What a point of each stage counts in a unit's final; stages without a score are left out."""
    row = side.trace.composite.rows[(side.unit,)]
    share = _final(side).coefficients[list(_final(side).members).index(COMPOSITE)]
    return {
        member: share * coefficient
        for member, value, coefficient in zip(
            row.members, row.values, row.coefficients, strict=True
        )
        if not isinstance(value, Absent)
    }


def _stage_score(side: Side, stage: str) -> Fraction:
    value = side.trace.stages[stage].value(side.unit)
    assert not isinstance(value, Absent | str), "a stage that counts has a score"
    return Fraction(value)


def _final(side: Side) -> StepRow:
    return side.trace.final.rows[(side.unit,)]


def _adjustments(first: StepRow, second: StepRow) -> Iterator[Difference]:
    """Each adjustment and each bound that binds for either unit."""
    found = [_parts(row) for row in (first, second)]
    for member in dict.fromkeys([*found[0], *found[1]]):
        kind, id_ = _kind(member)
        yield Difference(kind, id_, found[0].get(member), found[1].get(member))


def _parts(row: StepRow) -> dict[str, Fraction]:
    return {
        member: coefficient * Fraction(value)
        for member, value, coefficient in zip(
            row.members, row.values, row.coefficients, strict=True
        )
        if member != COMPOSITE and not isinstance(value, Absent | str)
    }


def _kind(member: str) -> tuple[Kind, str]:
    if member == ADJUSTING:
        return "adjusting", ""
    if member == FINAL:
        return "final", ""
    if member.endswith(CAP):
        return "cap", member.removesuffix(CAP)
    return "adjustment", member


def _rounding(side: Side) -> Fraction:
    exact = _final(side).value
    assert not isinstance(exact, Absent | str), "a unit with a published final has an exact one"
    return Fraction(side.published) - Fraction(exact)


def _largest_first(found: Iterable[Difference]) -> list[Difference]:
    return sorted(found, key=lambda item: abs(item.points), reverse=True)
