"""Whether a plan's steps compose: which dimensions and which full marks each of them leaves.

Scores that are out of their own indicator's marks have the scale ``PER_ITEM`` until they are
summed; everything else has one number as its full marks. A plan is whole when only the unit is
left, out of 100.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from wuhu_appraisal.numbers import exact_text
from wuhu_appraisal.scheme.models import IndicatorSet, Plan, Scheme
from wuhu_appraisal.scheme.rules import Convert, Rescale, RollUp, Step
from wuhu_appraisal.scheme.yaml_source import Path

PlanProblem: TypeAlias = tuple[str, Mapping[str, str], Path]


@dataclass(frozen=True, slots=True)
class Grain:
    """What a table holds before a step: its dimensions, their members in order, and the full marks.

    ``members`` has no entry for an open dimension. ``full_marks`` is None while each score is out
    of its own indicator's marks, which are then in ``marks``; ``marked`` is the dimension that has
    them. ``graded`` scores are not numbers yet.
    """

    dimensions: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    full_marks: Fraction | None
    marks: Mapping[str, Fraction]
    graded: bool = False
    marked: str = ""

    def marks_of(self, key: tuple[str, ...]) -> Fraction:
        """The full marks of the score with this key; its indicator's where each has its own."""
        if self.full_marks is not None:
            return self.full_marks
        return self.marks[key[self.dimensions.index(self.marked)]]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with all that the scheme says about its inputs, looked up.

    ``shares`` holds each member's weight or marks; ``parents`` the member each becomes when the
    step stops at a level of the tree, and is empty when the dimension goes.
    """

    step: Step
    before: Grain
    after: Grain
    shares: Mapping[str, Fraction]
    parents: Mapping[str, str]

    @property
    def grades(self) -> Collection[str]:
        """The grades that scores are before a convert step; none before any other."""
        return self.step.convert if isinstance(self.step, Convert) else ()

    def input_key(self, key: tuple[str, ...], member: str) -> tuple[str, ...]:
        """The key that an input has in the table before the step; ``key`` is of what it makes."""
        if not isinstance(self.step, RollUp):
            return key
        place = self.before.dimensions.index(self.step.roll_up)
        rest = key[:place] + key[place + 1 :] if self.parents else key
        return (*rest[:place], member, *rest[place:])


def initial(scheme: Scheme, plan: Plan) -> Grain:
    """The grain at which a plan's sheets are read."""
    members = {
        name: tuple(found)
        for name, dimension in plan.dimensions.items()
        if (found := scheme.members(dimension)) is not None
    }
    full = None if plan.full_marks is None else Fraction(plan.full_marks)
    marks = {
        item.id: Fraction(item.marks) for item in scheme.items_in(plan) if item.marks is not None
    }
    graded = any(isinstance(step, Convert) for step in plan.steps)
    dimensions = ("unit", *plan.dimensions)
    return Grain(dimensions, members, full, marks, graded, plan.indicator_dimension)


def composition(scheme: Scheme, plan: Plan) -> list[PlanProblem]:
    """Why a plan's steps do not leave one number a unit out of 100, or nothing."""
    problems: list[PlanProblem] = []
    grain = initial(scheme, plan)
    items = scheme.items_in(plan)
    if grain.full_marks is None and (not items or len(grain.marks) < len(items)):
        return [("scheme-full-marks", {}, ())]
    for place, step in enumerate(plan.steps):
        here: Path = ("steps", place)
        found = list(_problems(scheme, plan, step, grain, here))
        problems += found
        if found:
            return problems
        grain = _plan_step(scheme, plan, step, grain).after
    left = [name for name in grain.dimensions if name != "unit"]
    if left:
        problems.append(("scheme-steps-left", {"dimensions": ", ".join(left)}, ("steps",)))
    elif grain.full_marks != 100:
        problems.append(("scheme-steps-scale", {"scale": _scale(grain.full_marks)}, ("steps",)))
    return problems


def planned(scheme: Scheme, plan: Plan) -> list[PlannedStep]:
    """The steps of a plan that composes, each with its inputs looked up."""
    steps: list[PlannedStep] = []
    grain = initial(scheme, plan)
    for step in plan.steps:
        steps.append(_plan_step(scheme, plan, step, grain))
        grain = steps[-1].after
    return steps


def _plan_step(scheme: Scheme, plan: Plan, step: Step, grain: Grain) -> PlannedStep:
    if isinstance(step, Rescale):
        return PlannedStep(step, grain, replace(grain, full_marks=Fraction(step.rescale)), {}, {})
    if isinstance(step, Convert):
        return PlannedStep(step, grain, replace(grain, graded=False), {}, {})
    members = grain.members.get(step.roll_up)
    tree = _tree(scheme, plan, step.roll_up)
    shares = _shares(step, grain, members, tree)
    parents = _parents(step, members, tree)
    left = dict(grain.members)
    dimensions = grain.dimensions
    marks = dict(grain.marks)
    if parents:
        left[step.roll_up] = tuple(dict.fromkeys(parents.values()))
        marks = {}
        for member, share in grain.marks.items():
            marks[parents[member]] = marks.get(parents[member], Fraction(0)) + share
    else:
        left.pop(step.roll_up, None)
        dimensions = tuple(name for name in dimensions if name != step.roll_up)
    full = grain.full_marks
    if step.by == "sum":
        if full is None:
            full = None if parents else sum(shares.values(), Fraction(0))
        elif members is not None:
            full *= len(members)
    return PlannedStep(
        step,
        grain,
        Grain(dimensions, left, full, marks, grain.graded, grain.marked),
        shares,
        parents,
    )


def _shares(
    step: RollUp, grain: Grain, members: Sequence[str] | None, tree: IndicatorSet | None
) -> dict[str, Fraction]:
    """Each member's weight, or its marks where scores are out of them; {} where all count alike."""
    if step.weights is not None:
        return {name: Fraction(weight) for name, weight in step.weights.items()}
    if tree is None or members is None:
        return {}
    if step.by == "sum":
        return {name: grain.marks[name] for name in members} if grain.full_marks is None else {}
    nodes = [tree.nodes[name] for name in members]
    return {node.id: Fraction(node.weight or node.marks or 1) for node in nodes}


def _parents(
    step: RollUp, members: Sequence[str] | None, tree: IndicatorSet | None
) -> dict[str, str]:
    if step.to is None or tree is None or members is None:
        return {}
    # A node that stands higher than the deepest passes through under its own name.
    return {name: tree.paths[name][: step.to][-1] for name in members}


def _problems(
    scheme: Scheme, plan: Plan, step: Step, grain: Grain, here: Path
) -> Iterator[PlanProblem]:
    if isinstance(step, RollUp):
        yield from _roll_up_problems(scheme, plan, step, grain, here)
        return
    name = "rescale" if isinstance(step, Rescale) else "convert"
    if isinstance(step, Convert) and grain.full_marks is None:
        yield "scheme-step-per-item", {"step": name}, here
    elif isinstance(step, Rescale):
        if grain.graded:
            yield "scheme-step-grades", {"step": name}, here
        if grain.full_marks is None and plan.indicator_dimension not in grain.dimensions:
            yield "scheme-step-per-item", {"step": name}, here
        elif step.from_ is not None and Fraction(step.from_) != grain.full_marks:
            params = {"given": str(step.from_), "scale": _scale(grain.full_marks)}
            yield "scheme-rescale-from", params, (*here, "from")
    elif not grain.graded:
        yield "scheme-convert-numbers", {}, here
    else:
        highest = max(step.convert.values(), default=Decimal(0))
        if grain.full_marks is not None and Fraction(highest) > grain.full_marks:
            params = {"highest": str(highest), "scale": _scale(grain.full_marks)}
            yield "scheme-convert-scale", params, (*here, "convert")


def _roll_up_problems(
    scheme: Scheme, plan: Plan, step: RollUp, grain: Grain, here: Path
) -> Iterator[PlanProblem]:
    left = [name for name in grain.dimensions if name != "unit"]
    if step.roll_up not in left:
        params = {"dimension": step.roll_up, "left": ", ".join(left) or "—"}
        yield "scheme-step-dimension", params, (*here, "roll_up")
        return
    if grain.graded:
        yield "scheme-step-grades", {"step": step.by}, here
    tree = _tree(scheme, plan, step.roll_up)
    members = grain.members.get(step.roll_up)
    if step.to is not None and (tree is None or _deepest(tree, members) <= step.to):
        yield "scheme-step-to", {"dimension": step.roll_up}, (*here, "to")
        return
    if (step.weights is not None) != (step.by == "weighted" and tree is None):
        yield "scheme-step-weights", {"dimension": step.roll_up}, here
    elif step.weights is not None and (members is None or set(step.weights) != set(members)):
        params = {
            "dimension": step.roll_up,
            "given": ", ".join(step.weights),
            "members": ", ".join(members or ()),
        }
        yield "scheme-weight-members", params, (*here, "weights")
    if step.by == "weighted" and tree is not None:
        deepest = _deepest(tree, members)
        if deepest > (step.to or 0) + 1 and any(node.weight for _path, node in tree.walk()):
            yield "scheme-step-levels", {"level": str(deepest - 1)}, here
    yield from _parameter_problems(step, members, here, indicators=tree is not None)
    if step.by == "sum" and step.to is not None and grain.full_marks is not None:
        yield "scheme-step-sum-levels", {}, here
    # Only a sum over the indicators themselves joins scores that are out of different marks; a
    # sum over anything else would take them above their marks.
    if grain.full_marks is None and (step.by == "sum") != (tree is not None):
        yield "scheme-step-per-item", {"step": step.by}, here


def _parameter_problems(
    step: RollUp, members: Sequence[str] | None, here: Path, *, indicators: bool
) -> Iterator[PlanProblem]:
    """Particulars that do not go with the kind of roll-up."""
    if step.by == "sum" and members is None and not indicators:
        yield "scheme-step-open-sum", {"dimension": step.roll_up}, here
    if step.by == "latest" and members is None:
        yield "scheme-step-latest", {"dimension": step.roll_up}, here
    if (step.n is not None) != (step.by == "best"):
        yield "scheme-step-best", {}, here
    if bool(step.drop_high or step.drop_low) != (step.by == "trimmed_mean"):
        yield "scheme-step-trimmed", {}, here


def _tree(scheme: Scheme, plan: Plan, dimension: str) -> IndicatorSet | None:
    return scheme.indicators_in(plan) if dimension == plan.indicator_dimension else None


def _deepest(tree: IndicatorSet, members: Sequence[str] | None) -> int:
    return max(len(tree.paths[name]) for name in members or ())


def _scale(full_marks: Fraction | None) -> str:
    return "—" if full_marks is None else exact_text(full_marks)
