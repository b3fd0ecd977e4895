"""What makes the difference between two units' published finals, exactly, in points of the final.

A final is a sum: the stages times their coefficients in the composite, the adjustments, what the
bounds take away or add, and the rounding. Each part of one unit less the same part of the other
is a part of the difference, so the parts add up to it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias

from wuhu_appraisal.scheme.compose import initial, planned
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.scoring.contributions import by_member, contributions, telling_dimension
from wuhu_appraisal.scoring.evaluate import GroupTrace
from wuhu_appraisal.scoring.rank import ADJUSTING, CAP, COMPOSITE, FINAL
from wuhu_appraisal.table import Absent, StepRow

Kind: TypeAlias = Literal["stage", "member", "adjustment", "cap", "adjusting", "final", "rounding"]

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Side:
    """One unit of a comparison: its group, how that group's finals came to be, its own as published."""

    unit: str
    group: str
    trace: GroupTrace
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
        return (self.first or _ZERO) - (self.second or _ZERO)


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
