"""What a plan's steps compile to: the dimensions and full marks before and after each of them.

Scores may be out of the marks of their own indicators until a step sums them; after that all have
the same full marks. The steps of a plan must leave only the unit, out of its stage's full marks;
in an open stage scores may have none.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

from wuhu_appraisal.numbers import exact_text
from wuhu_appraisal.scheme.final import Bounds
from wuhu_appraisal.scheme.models import Indicator, IndicatorSet, Plan, Scheme
from wuhu_appraisal.scheme.rules import Convert, Rescale, RollUp, Step
from wuhu_appraisal.scheme.yaml_source import Path

Problem: TypeAlias = tuple[str, Mapping[str, str], Path]
"""The code of a finding, what fills its text, and the path in the YAML data."""


@dataclass(frozen=True, slots=True)
class Grain:
    """What a table of scores is before a step: dimensions, their members in order, full marks.

    ``members`` has no entry for an open dimension. ``full_marks`` is None while each score is out
    of its own indicator's marks; these are in ``marks``, and ``marked`` is the indicators'
    dimension. ``graded`` scores are not numbers yet.
    """

    dimensions: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]
    full_marks: Fraction | None
    marks: Mapping[str, Fraction]
    graded: bool = False
    marked: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the scores have no full marks."""
        return self.full_marks is None and not self.marks

    def marks_of(self, key: tuple[str, ...]) -> Fraction | None:
        """The full marks of the score with this key; None where scores, or this fact, have none."""
        if self.full_marks is not None or self.is_open:
            return self.full_marks
        return self.marks.get(key[self.dimensions.index(self.marked)])


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with the table before it, the table after it, and what it needs of the scheme.

    ``shares`` holds each member's weight or marks, and is empty where all count alike. ``parents``
    holds the indicator that each member is rolled up into where the step stops at a level of the
    tree, and is empty where the whole dimension is rolled up. ``scored`` are the items that the step
    scores by their facts, by id. ``bounds`` has the floors and caps of the indicators that it makes
    numbers of, by id, and under '' those of the whole set.
    """

    step: Step
    before: Grain
    after: Grain
    shares: Mapping[str, Fraction]
    parents: Mapping[str, str]
    scored: Mapping[str, Indicator] = field(default_factory=dict)
    bounds: Mapping[str, Bounds] = field(default_factory=dict)

    @property
    def by_facts(self) -> bool:
        """Whether it makes scores of facts."""
        return isinstance(self.step, RollUp) and self.step.by == "facts"

    @property
    def grades(self) -> Collection[str]:
        """The grades that may stand before a convert step; none before any other."""
        return self.step.convert if isinstance(self.step, Convert) else ()

    def bounds_of(self, key: tuple[str, ...]) -> Bounds | None:
        """The floor and the cap of the number with this key; None if it has none."""
        if not self.bounds or not isinstance(self.step, RollUp):
            return None
        place = self.before.dimensions.index(self.step.roll_up)
        return self.bounds.get(key[place] if self.parents else "")

    def input_key(self, key: tuple[str, ...], member: str) -> tuple[str, ...]:
        """The key, in the table before the step, of the input from ``member`` to the output at ``key``."""
        if not isinstance(self.step, RollUp):
            return key
        place = self.before.dimensions.index(self.step.roll_up)
        rest = key[:place] + key[place + 1 :] if self.parents else key
        return (*rest[:place], member, *rest[place:])


def weighted_nodes(scheme: Scheme, indicators: IndicatorSet) -> frozenset[str]:
    """Return the indicators whose weight, or marks, a step of any plan uses as a weight."""
    return frozenset(
        name
        for stage in scheme.stages
        for plan in stage.plans.values()
        if scheme.indicators_in(plan) is indicators
        for item in planned(scheme, plan)
        if isinstance(item.step, RollUp)
        and item.step.by == "weighted"
        and item.step.roll_up == plan.indicator_dimension
        for name in item.shares
    )


def initial(scheme: Scheme, plan: Plan) -> Grain:
    """The grain of the scores in a plan's sheets."""
    members = {
        name: tuple(ids)
        for name, dimension in plan.dimensions.items()
        if (ids := scheme.members(dimension)) is not None
    }
    full = None if plan.full_marks is None else Fraction(plan.full_marks)
    items = scheme.items_in(plan)
    marks = {item.id: Fraction(item.marks) for item in items if item.marks is not None}
    if len(marks) < sum(item.fact is None for item in items):
        marks = {}
    graded = any(isinstance(step, Convert) for step in plan.steps)
    dimensions = ("unit", *plan.dimensions)
    return Grain(dimensions, members, full, marks, graded, plan.indicator_dimension)


def planned(scheme: Scheme, plan: Plan) -> list[PlannedStep]:
    """The steps of a plan for which ``composition_problems`` has none."""
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
    if step.by == "facts":
        return _facts_step(step, grain, tree, members)
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
            full = None if parents or not shares else sum(shares.values(), Fraction(0))
        else:
            full = full * len(members) if members is not None else None
            marks = marks if members is not None else {}
    return PlannedStep(
        step,
        grain,
        Grain(dimensions, left, full, marks, grain.graded, grain.marked),
        shares,
        parents,
        bounds=_bounds(tree, parents),
    )


def _bounds(tree: IndicatorSet | None, parents: Mapping[str, str]) -> dict[str, Bounds]:
    """The bounds of what a roll-up makes numbers of; a score that passes as it is has none."""
    if tree is None:
        return {}
    made: dict[str, Bounds] = {
        parent: tree.nodes[parent] for member, parent in parents.items() if parent != member
    }
    return {name: item for name, item in (made if parents else {"": tree}).items() if item.bind}


def _facts_step(
    step: RollUp, grain: Grain, tree: IndicatorSet | None, members: Sequence[str] | None
) -> PlannedStep:
    """The step that makes scores of facts; scores that are no facts are passed on."""
    assert tree is not None and members is not None
    items = {name: tree.item_of(name) for name in members}
    left = {item.id: item for item in items.values()}
    marks = {name: Fraction(item.marks) for name, item in left.items() if item.marks is not None}
    after = replace(grain, members={**grain.members, step.roll_up: tuple(left)}, marks=marks)
    scored = {name: item for name, item in left.items() if item.facts}
    return PlannedStep(
        step, grain, after, {}, {name: item.id for name, item in items.items()}, scored
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
        return dict(grain.marks) if grain.full_marks is None else {}
    nodes = [tree.nodes[name] for name in members]
    if step.by != "weighted":
        return {}
    return {node.id: Fraction(node.weight or node.marks or 1) for node in nodes}


def _parents(
    step: RollUp, members: Sequence[str] | None, tree: IndicatorSet | None
) -> dict[str, str]:
    if step.to is None or tree is None or members is None:
        return {}
    # A node that stands higher than the deepest passes through under its own name.
    return {name: tree.paths[name][: step.to][-1] for name in members}


def tie_table(scheme: Scheme, plan: Plan, member: str) -> tuple[int, Grain] | None:
    """The last table that has an item or a fact, 0 as read and n after step n; None if none has it."""
    grains = [initial(scheme, plan), *(step.after for step in planned(scheme, plan))]
    having = [
        (at, grain)
        for at, grain in enumerate(grains)
        if member in grain.members.get(plan.indicator_dimension, ())
    ]
    return having[-1] if having else None


def composition_problems(scheme: Scheme, plan: Plan, end: Fraction | None) -> list[Problem]:
    """Why a plan's steps do not leave one number for each unit, out of the stage's end; [] if they do.

    In an open stage, ``end`` is None: points add up.
    """
    grain = initial(scheme, plan)
    items = scheme.items_in(plan)
    tree = scheme.indicators_in(plan)
    scored = {tree.item_of(item.id).id: tree.item_of(item.id) for item in items} if tree else {}
    has_facts = any(item.fact for item in items)
    without = has_facts and not all(item.marks for item in scored.values())
    if without or (end is not None and not has_facts and grain.is_open):
        return [("scheme-full-marks", {}, ())]
    problems = list(_facts_problems(plan, has_facts))
    if problems:
        return problems
    steps: list[PlannedStep] = []
    for place, step in enumerate(plan.steps):
        problems = [
            (code, params, ("steps", place, *path))
            for code, params, path in _step_problems(scheme, plan, step, grain, end)
        ]
        if problems:
            return problems
        steps.append(_plan_step(scheme, plan, step, grain))
        grain = steps[-1].after
    left = ", ".join(name for name in grain.dimensions if name != "unit")
    if left:
        return [("scheme-steps-left", {"dimensions": left}, ("steps",))]
    if end is not None and grain.full_marks != end:
        params = {"scale": _scale(grain), "end": exact_text(end)}
        return [("scheme-steps-scale", params, ("steps",))]
    return list(_bounds_problems(tree, items, steps)) if tree else []


def _bounds_problems(
    tree: IndicatorSet, items: Sequence[Indicator], steps: Sequence[PlannedStep]
) -> Iterator[Problem]:
    """Each indicator with bounds that has others below it is the result of a step of its own."""
    arrived = {name for step in steps for name in step.bounds}
    above = dict.fromkeys(name for item in items for name in tree.paths[item.id])
    for name in above:
        node = tree.nodes[name]
        if node.bind and node.items and name not in arrived:
            params = {"item": name, "level": str(len(tree.paths[name]))}
            yield "scheme-bounds-level", params, ("steps",)


def _facts_problems(plan: Plan, has_facts: bool) -> Iterator[Problem]:
    """Scores are made of facts by the first step, where items have facts, and by no other."""
    if has_facts and plan.full_marks is not None:
        yield "scheme-facts-full-marks", {}, ("full_marks",)
    if has_facts and not plan.steps:
        yield "scheme-facts-step", {"dimension": plan.indicator_dimension}, ()
    for place, step in enumerate(plan.steps):
        by_facts = isinstance(step, RollUp) and step.by == "facts"
        right = isinstance(step, RollUp) and step.roll_up == plan.indicator_dimension
        if by_facts != (has_facts and place == 0) or (by_facts and not right):
            yield "scheme-facts-step", {"dimension": plan.indicator_dimension}, ("steps", place)
            return
        if by_facts and isinstance(step, RollUp):
            wrong = {step.missing, step.not_applicable} - {"error", "zero"}
            if wrong or step.to is not None:
                yield "scheme-facts-policy", {}, ("steps", place)


def _step_problems(
    scheme: Scheme, plan: Plan, step: Step, grain: Grain, end: Fraction | None
) -> Iterator[Problem]:
    """Why a step cannot follow a grain, with paths from the step on."""
    if isinstance(step, RollUp) and step.by == "facts":
        yield from _parameter_problems(step, is_open=False, adds_up=False)
    elif isinstance(step, RollUp):
        tree = _tree(scheme, plan, step.roll_up)
        yield from _roll_up_problems(step, grain, tree, end)
        after_open = grain.is_open or step.roll_up not in grain.members
        if step.by == "sum" and after_open and "exclude" in (step.missing, step.not_applicable):
            yield "scheme-open-exclude", {}, ()
        if step.equally and step.roll_up in grain.dimensions:
            yield from _equally_problems(step, None if after_open else tree)
    elif isinstance(step, Rescale):
        if grain.graded:
            yield "scheme-step-grades", {"step": "rescale"}, ()
        if grain.is_open:
            yield "scheme-rescale-open", {}, ("rescale",)
            return
        if step.from_ is not None and Fraction(step.from_) != grain.full_marks:
            params = {"given": str(step.from_), "scale": _scale(grain)}
            yield "scheme-rescale-from", params, ("from",)
    elif grain.full_marks is None and not grain.is_open:
        yield "scheme-step-per-item", {"step": "convert"}, ()
    elif not grain.graded:
        yield "scheme-convert-numbers", {}, ()
    else:
        highest = max(step.convert.values())
        if grain.full_marks is not None and Fraction(highest) > grain.full_marks:
            params = {"highest": str(highest), "scale": _scale(grain)}
            yield "scheme-convert-scale", params, ("convert",)


def _roll_up_problems(
    step: RollUp, grain: Grain, tree: IndicatorSet | None, end: Fraction | None
) -> Iterator[Problem]:
    left = [name for name in grain.dimensions if name != "unit"]
    if step.roll_up not in left:
        params = {"dimension": step.roll_up, "left": ", ".join(left) or "—"}
        yield "scheme-step-dimension", params, ("roll_up",)
        return
    if grain.graded:
        yield "scheme-step-grades", {"step": step.by}, ()
    members = grain.members.get(step.roll_up)
    deepest = max(len(tree.paths[name]) for name in members or ()) if tree else 0
    if step.to is not None and deepest <= step.to:
        yield "scheme-step-to", {"dimension": step.roll_up}, ("to",)
        return
    if (step.weights is not None) != (step.by == "weighted" and tree is None):
        yield "scheme-step-weights", {"dimension": step.roll_up}, ()
    elif step.weights is not None and (members is None or set(step.weights) != set(members)):
        params = {
            "dimension": step.roll_up,
            "given": ", ".join(step.weights),
            "members": ", ".join(members or ()),
        }
        yield "scheme-weight-members", params, ("weights",)
    if step.by == "weighted" and tree is not None:
        for name in members or ():
            above = [tree.id, *tree.paths[name]][-2]
            level = tree.items if above == tree.id else tree.nodes[above].items
            # A level of which only some have one is wrong for every step.
            if not any(item.weight or item.marks for item in level):
                yield "scheme-marks-or-weights", {"parent": above}, ()
                return
    has_weights = tree is not None and any(node.weight for _path, node in tree.walk())
    if step.by == "weighted" and has_weights and deepest > (step.to or 0) + 1:
        yield "scheme-step-levels", {"level": str(deepest - 1)}, ()
    yield from _parameter_problems(step, is_open=members is None, adds_up=end is None)
    yield from _count_problems(step, members, tree)
    if step.by == "sum" and step.to is not None and grain.full_marks is not None:
        yield "scheme-step-sum-levels", {}, ()
    # Only a sum over the indicators themselves joins scores that are out of different marks; a
    # sum over anything else would take them above their marks.
    if grain.marks and grain.full_marks is None and (step.by == "sum") != (tree is not None):
        yield "scheme-step-per-item", {"step": step.by}, ()


def _equally_problems(step: RollUp, tree: IndicatorSet | None) -> Iterator[Problem]:
    """Marks given to others in equal parts where no items are added up, or beside another way."""
    policies = {"missing": step.missing, "not_applicable": step.not_applicable}
    if step.by != "sum" or tree is None:
        key = next(key for key, policy in policies.items() if policy == "exclude_equally")
        yield "scheme-step-equally", {}, (key,)
    elif "exclude" in policies.values():
        yield "scheme-step-equally", {}, ()


def _parameter_problems(step: RollUp, *, is_open: bool, adds_up: bool) -> Iterator[Problem]:
    """Parameters that do not fit the kind of roll-up."""
    if step.by == "sum" and is_open and not adds_up:
        yield "scheme-step-open-sum", {"dimension": step.roll_up}, ()
    if step.by == "latest" and is_open:
        yield "scheme-step-latest", {"dimension": step.roll_up}, ()
    if (step.n is not None) != (step.by == "best"):
        yield "scheme-step-best", {}, ()
    if bool(step.drop_high or step.drop_low) != (step.by == "trimmed_mean"):
        yield "scheme-step-trimmed", {}, ()


def _count_problems(
    step: RollUp, members: Sequence[str] | None, tree: IndicatorSet | None
) -> Iterator[Problem]:
    """More scores that are to be dropped, or to be the best, than there are."""
    if members is None:
        return
    parents = _parents(step, members, tree)
    fewest = min(Counter(parents.values()).values()) if parents else len(members)
    needed = (step.n or 0) if step.by == "best" else 0
    path: Path = ("n",)
    if step.by == "trimmed_mean":
        needed = step.drop_high + step.drop_low + 1
        path = ("drop_high",) if step.drop_high else ("drop_low",)
    if needed > fewest:
        params = {"dimension": step.roll_up, "needed": str(needed), "count": str(fewest)}
        yield "scheme-step-too-few", params, path


def _tree(scheme: Scheme, plan: Plan, dimension: str) -> IndicatorSet | None:
    return scheme.indicators_in(plan) if dimension == plan.indicator_dimension else None


def _scale(grain: Grain) -> str:
    return "—" if grain.full_marks is None else exact_text(grain.full_marks)
