"""What makes the difference between two units' finals, in points of the final, exactly.

A final is a sum: the stages times their coefficients in the composite, the adjustments, what the
bounds take away or add, and the rounding. Each part of one unit less the same part of the other
is a part of the difference, so the parts add up to it. It is for the office: it names raters.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from wuhu_appraisal.language import _
from wuhu_appraisal.model import (
    ADJUSTING,
    BONUSES,
    CAP,
    COMPOSITE,
    DEDUCTIONS,
    FINAL,
    WHEN,
    Absent,
    Standing,
    StepTable,
)
from wuhu_appraisal.numbers import short_text
from wuhu_appraisal.output.explain import final_part, signed
from wuhu_appraisal.output.tables import Node, published_text
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Scheme, Stage
from wuhu_appraisal.score.contributions import ScoredStage, part_title
from wuhu_appraisal.score.operations import ONE

Kind: TypeAlias = Literal["stage", "member", "adjustment", "cap", "adjusting", "final", "rounding"]
_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """What one part adds to either final, in points; None for a unit that has no such part.

    ``id`` is the stage, an input of the final (an adjustment, or a bound that binds), or the member
    of ``dimension``. The ``parts`` of a stage add up to its points; there are none where the two
    units' scores of the stage are of other members.
    """

    kind: Kind
    id: str
    first: Fraction | None
    second: Fraction | None
    dimension: str = ""
    parts: Sequence["Difference"] = ()

    @property
    def points(self) -> Fraction:
        """The first less the second; what a unit does not have counts as 0."""
        return (self.first or _ZERO) - (self.second or _ZERO)


def differences(result: Result, first: str, second: str) -> list[Difference]:
    """Return the parts of the difference between two units' published finals, the largest first.

    Raise KeyError if a unit is not in the result, ValueError if one has no final.
    """
    points, others = _final_parts(result, first), _final_parts(result, second)
    parts = []
    for kind, id_ in dict.fromkeys([*points, *others]):
        members: tuple[str, Sequence[Difference]] = ("", ())
        if kind == "stage":
            members = _members(result, result.scheme.stage(id_), first, second)
        pair = points.get((kind, id_)), others.get((kind, id_))
        parts.append(Difference(kind, id_, *pair, *members))
    return _largest_first(parts)


def _final_parts(result: Result, unit: str) -> dict[tuple[Kind, str], Fraction]:
    """Return what adds up to a unit's published final, in points, by kind and id."""
    group, standing = result.standing_of(unit)
    if standing.final is None:
        raise ValueError(unit)
    parts: dict[tuple[Kind, str], Fraction] = {}
    for member, value, _one in _inputs(result.traces[group].final, unit):
        if member != COMPOSITE:
            parts[_kind(member), member] = value
            continue
        for stage, score, share in _inputs(result.traces[group].composite, unit):
            parts["stage", stage] = share * score
    parts["rounding", ""] = Fraction(standing.final) - sum(parts.values(), _ZERO)
    return parts


def _inputs(table: StepTable, unit: str) -> Iterator[tuple[str, Fraction, Fraction]]:
    """Yield member, value and coefficient of each input of a unit's number that is not absent."""
    row = table.rows[(unit,)]
    for member, value, coefficient in zip(row.members, row.values, row.coefficients, strict=True):
        if not isinstance(value, Absent | str):
            yield member, Fraction(value), coefficient


def _kind(member: str) -> Kind:
    if member in (ADJUSTING, FINAL):
        return "adjusting" if member == ADJUSTING else "final"
    bound = member in (BONUSES, DEDUCTIONS) or member.endswith((CAP, WHEN))
    return "cap" if bound else "adjustment"


def _members(result: Result, stage: Stage, first: str, second: str) -> tuple[str, list[Difference]]:
    """Return the dimension that takes both units' scores of a stage apart, and its differences.

    '' and nothing where their members are not the same: two sets of indicators may use one number
    for different things.
    """
    sides, points = [], []
    for unit in (first, second):
        group, _standing = result.standing_of(unit)
        trace = result.traces[group]
        scored = ScoredStage(result.scheme, stage, group, trace.stages[stage.id])
        name = scored.main_dimension
        if not name:
            return "", []
        dimension = scored.plan.dimensions[name]
        sides.append((name, dimension.indicators, result.scheme.members(dimension)))
        shares = {member: share for member, _score, share in _inputs(trace.composite, unit)}
        members = scored.points_by(name, unit)
        points.append({part.member: shares[stage.id] * part.points for part in members})
    if sides[0] != sides[1]:
        return "", []
    return sides[0][0], _largest_first(
        Difference("member", member, points[0].get(member), points[1].get(member), sides[0][0])
        for member in dict.fromkeys([*points[0], *points[1]])
    )


def _largest_first(parts: Iterable[Difference]) -> list[Difference]:
    return sorted(parts, key=lambda item: abs(item.points), reverse=True)


def compare(result: Result, first: str, second: str, depth: int) -> Node:
    """Return the difference between two units' published finals as a tree.

    ``depth`` 0 shows the stages, adjustments, bounds and the rounding; more, what each stage is
    made of. Every node's value is a difference in points of the final, first less second. Raise as
    ``differences`` does.
    """
    scheme = result.scheme
    parts = differences(result, first, second)
    group, standing = result.standing_of(first)
    other_group, other = result.standing_of(second)
    finals = Fraction(standing.final or 0), Fraction(other.final or 0)
    whole = finals[0] - finals[1]
    text = _("{first} compared with {second}: {difference}").format(
        first=_with_rank(scheme, standing),
        second=_with_rank(scheme, other),
        difference=signed(whole),
    )
    root = Node(text, kind="comparison", value=whole, sides=finals)
    if group != other_group:
        text = _("ranked in different groups: {first} in {group}, {second} in {other}").format(
            first=first,
            group=scheme.group(group).title,
            second=second,
            other=scheme.group(other_group).title,
        )
        root.children.append(Node(text, kind="note"))
    text = _(
        "each line shows, in points of the final: the difference, the part, {first} vs {second}"
    )
    root.children.append(Node(text.format(first=first, second=second), kind="note"))
    root.children += [_part(scheme, (group, other_group), item, depth) for item in parts]
    return root


def _with_rank(scheme: Scheme, standing: Standing) -> str:
    final = published_text(standing.final, scheme.final.digits)
    text = _("{unit} {final} (rank {rank})")
    return text.format(unit=standing.unit, final=final, rank=standing.rank)


def _part(scheme: Scheme, groups: Sequence[str], item: Difference, depth: int) -> Node:
    """Return a stage with what it is made of, an adjustment, a bound that binds, or the rounding."""
    if item.kind == "rounding":
        return _node(item, _("rounding of the finals"), scheme.final.clause)
    if item.kind != "stage":
        return _node(item, *final_part(scheme, item.id))
    stage = scheme.stage(item.id)
    node = _node(item, str(stage.title), stage.clause)
    if depth < 1:
        return node
    plans = [stage.plans[group] for group in groups]
    if not item.dimension and any(plan.dimensions for plan in plans):
        text = _("compared as a whole: the two groups are not scored by the same members")
        node.children.append(Node(text, kind="note"))
    for part in item.parts:
        title = part_title(scheme, plans[0], item.dimension, part.id)
        node.children.append(_node(part, title, ""))
    return node


def _node(item: Difference, name: str, clause: str) -> Node:
    sides = (item.first, item.second)
    first, second = ("—" if points is None else short_text(points) for points in sides)
    return Node(
        _("{name}: {first} vs {second}").format(name=name, first=first, second=second),
        kind=item.kind,
        value=item.points,
        coefficient=ONE,
        clause=clause,
        lead=signed(item.points),
        sides=sides,
    )
