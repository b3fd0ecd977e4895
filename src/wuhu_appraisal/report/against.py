"""Two units' finals held against each other: a tree of what makes the difference, nothing computed.

It is the office's own view: it names raters.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from wuhu_appraisal.i18n import _
from wuhu_appraisal.numbers import plain, short_text
from wuhu_appraisal.report import sentences
from wuhu_appraisal.report.explain import standing_of
from wuhu_appraisal.report.nodes import Node
from wuhu_appraisal.run import Run
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan
from wuhu_appraisal.scoring.differences import Difference, Side, differences
from wuhu_appraisal.scoring.ops import ONE
from wuhu_appraisal.scoring.rank import Standing


def against(run: Run, first: str, second: str, depth: int) -> Node:
    """What makes the difference between two units' published finals, the largest part first.

    ``depth`` 0 shows the stages, adjustments, bounds and the rounding; more, what each stage is
    made of. Every node's value is a difference in points of the final, first less second; the
    parts add up to the whole. Raises KeyError if a unit is not in the run, ValueError if one has
    no final.
    """
    sides = [_side(run, unit) for unit in (first, second)]
    standings = [standing_of(run, unit)[1] for unit in (first, second)]
    scheme = run.scheme
    whole = Fraction(sides[0].published) - Fraction(sides[1].published)
    shown = [_ranked(scheme, standing) for standing in standings]
    text = _("{first} against {second}: {difference}").format(
        first=shown[0], second=shown[1], difference=sentences.signed(whole)
    )
    root = Node(text, kind="comparison", value=whole)
    root.sides = (Fraction(sides[0].published), Fraction(sides[1].published))
    root.children += [Node(note, kind="note") for note in _notes(scheme, sides)]
    for item in differences(scheme, *sides):
        root.children.append(_part(scheme, sides, item, depth))
    return root


def _side(run: Run, unit: str) -> Side:
    group, standing = standing_of(run, unit)
    if standing.final is None:
        raise ValueError(unit)
    return Side(unit, group, run.traces[group], standing.final)


def _ranked(scheme: Scheme, standing: Standing) -> str:
    final = sentences.published_text(standing.final, scheme.final.digits)
    return _("{unit} {final} (rank {rank})").format(
        unit=standing.unit, final=final, rank=standing.rank
    )


def _notes(scheme: Scheme, sides: Sequence[Side]) -> Iterator[str]:
    groups = [scheme.group(side.group).title for side in sides]
    if sides[0].group != sides[1].group:
        yield _("ranked apart: {first} in {group}, {second} in {other}").format(
            first=sides[0].unit, group=groups[0], second=sides[1].unit, other=groups[1]
        )
    yield _("each line, in points of the final: difference, part, {first} vs {second}").format(
        first=sides[0].unit, second=sides[1].unit
    )


def _part(
    scheme: Scheme, sides: Sequence[Side], item: Difference, depth: int, plan: Plan | None = None
) -> Node:
    """A part and what it is made of; ``plan`` is that of the stage whose member it is."""
    if plan is not None:
        name, clause = str(scheme.title_of(plan, item.dimension, item.id)), ""
    else:
        name, clause = _called(scheme, item)
    first, second = (
        "—" if side is None else short_text(side) for side in (item.first, item.second)
    )
    text = _("{name}: {first} vs {second}").format(name=name, first=first, second=second)
    node = Node(text, kind=item.kind, clause=clause, lead=sentences.signed(item.points))
    node.value, node.coefficient = item.points, ONE
    node.sides = (item.first, item.second)
    if item.kind != "stage" or depth < 1:
        return node
    stage = {stage.id: stage for stage in scheme.stages}[item.id]
    plans = [stage.plans[side.group] for side in sides]
    if not item.dimension and any(plan.dimensions for plan in plans):
        text = _("compared whole: the two groups are scored by different members")
        node.children.append(Node(text, kind="note"))
    node.children += [_part(scheme, sides, part, depth - 1, plans[0]) for part in item.parts]
    return node


def _called(scheme: Scheme, item: Difference) -> tuple[str, str]:
    """What a part is called, and its clause."""
    match item.kind:
        case "stage":
            stage = {stage.id: stage for stage in scheme.stages}[item.id]
            return str(stage.title), stage.clause
        case "adjusting":
            return _("held to the bounds of all adjustments"), ""
        case "final":
            return _("held to the bounds of the final"), scheme.final.clause
        case "rounding":
            return _("rounding of the finals"), scheme.final.clause
    rule = {rule.id: rule for rule in scheme.adjustments}[item.id]
    if item.kind == "adjustment":
        return str(rule.title), rule.clause
    assert rule.cap is not None
    held = _("held to {cap}").format(cap=plain(rule.cap))
    return f"{rule.title} · {held}", rule.clause
