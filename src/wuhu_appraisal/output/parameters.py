"""What the scheme states in numbers, one line each: what a workbook's formulas point at."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.language import N_, _
from wuhu_appraisal.numbers import exact_text, plain
from wuhu_appraisal.scheme.models import Indicator, IndicatorSet, Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import PlannedStep, planned
from wuhu_appraisal.scheme.rules import (
    Adjustment,
    Bands,
    Bounds,
    Convert,
    Rescale,
    RollUp,
    Stated,
    Step,
)

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line: the part of the scheme, the group, what it says, its number, and its clause.

    ``key`` is what formulas look it up by; a number that is the sum of others names them in
    ``adds``.
    """

    part: str
    group: str
    text: str
    number: Decimal | int | None
    clause: str
    key: Key = ()
    adds: tuple[Key, ...] = ()


def parameters(scheme: Scheme) -> Iterator[Parameter]:
    """Every weight, mark, step, cap, bound and rounding of a scheme, in the scheme's order."""
    for stage in scheme.stages:
        title = str(stage.title)
        yield Parameter(title, "", _("stage"), stage.weight, stage.clause, ("stage", stage.id))
        for group, plan in stage.plans.items():
            for place, step in enumerate(planned(scheme, plan)):
                yield from _step(scheme, stage, group, place, step)
    for found in scheme.indicators:
        yield from _indicators(found)
    for adjustment in scheme.adjustments:
        yield from _adjustment(scheme, adjustment)
    yield from _bounds(_("Adjustments"), _("of all adjustments"), scheme.adjusting, "adjusting", "")
    yield from _bounds(_("Final"), _("of the final"), scheme.final, "final", scheme.final.clause)
    for name, digits, clause in (
        (N_("Composite"), scheme.composite.digits, scheme.composite.clause),
        (N_("Final"), scheme.final.digits, scheme.final.clause),
    ):
        text = _("decimals, rounded half up")
        yield Parameter(_(name), "", text, digits, clause, ("digits", name.lower()))


def describe(step: Step, plan: Plan) -> str:
    """One step of a plan in a few words."""
    if isinstance(step, RollUp):
        dimension = plan.dimensions.get(step.roll_up)
        name = str(dimension.title) if dimension and dimension.title else step.roll_up
        words = _(_BY[step.by])
        if step.weights:
            words += " " + " : ".join(plain(weight) for weight in step.weights.values())
        if step.by == "trimmed_mean":
            words += f" (−{step.drop_high}/−{step.drop_low})"
        if step.n:
            words += f" ({step.n})"
        return _("over {dimension}: {words}").format(dimension=name, words=words)
    if isinstance(step, Convert):
        grades = ", ".join(f"{grade} = {plain(score)}" for grade, score in step.convert.items())
        return _("grades to scores: {grades}").format(grades=grades)
    return _("brought to full marks of {marks}").format(marks=plain(step.rescale))


_BY = {
    "sum": N_("sum"),
    "mean": N_("mean"),
    "weighted": N_("weighted mean"),
    "median": N_("median"),
    "trimmed_mean": N_("mean without the highest and lowest"),
    "best": N_("mean of the best"),
    "latest": N_("the latest"),
}


def _step(
    scheme: Scheme, stage: Stage, group: str, place: int, step: PlannedStep
) -> Iterator[Parameter]:
    """A step, and under it the numbers that it states."""
    plan, declared = stage.plans[group], step.step
    part, title = str(stage.title), str(scheme.group(group).title)
    yield Parameter(part, title, describe(declared, plan), None, declared.clause)
    at = (stage.id, group, str(place))

    def line(text: str, number: Decimal, name: str, adds: tuple[Key, ...] = ()) -> Parameter:
        return Parameter(part, title, f"  {text}", number, declared.clause, (*at, name), adds)

    if isinstance(declared, RollUp):
        for member, weight in (declared.weights or {}).items():
            yield line(str(scheme.title_of(plan, declared.roll_up, member)), weight, member)
    elif isinstance(declared, Convert):
        for grade, score in declared.convert.items():
            yield line(grade, score, grade)
    else:
        yield line(_("to full marks of"), declared.rescale, "to")
        if step.before.full_marks is not None:
            of = Decimal(exact_text(step.before.full_marks))
            yield line(_("from full marks of"), of, "of", _added_marks(scheme, plan, declared, of))


def _added_marks(scheme: Scheme, plan: Plan, step: Rescale, of: Decimal) -> tuple[Key, ...]:
    """The indicators whose marks the full marks are the sum of; none where they are stated."""
    found = scheme.indicators_in(plan)
    items = scheme.items_in(plan)
    if found is None or step.from_ is not None:
        return ()
    if sum((item.marks or 0 for item in items), Decimal(0)) != of:
        return ()
    return tuple(marks_key(found, item) for item in items)


def marks_key(found: IndicatorSet, node: Indicator) -> Key:
    """What the marks or the weight of an indicator are looked up by."""
    return ("marks", found.id, node.id)


def _indicators(found: IndicatorSet) -> Iterator[Parameter]:
    for path, node in found.walk():
        text = f"{'  ' * (len(path) - 1)}{node.id} {node.title}"
        number = node.weight if node.marks is None else node.marks
        below = [item.marks for item in node.items]
        adds: tuple[Key, ...] = ()
        if node.items and all(below) and sum(map(Fraction, filter(None, below))) == number:
            adds = tuple(marks_key(found, item) for item in node.items)
        cited = found.cited(node)
        yield Parameter(str(found.title), "", text, number, cited, marks_key(found, node), adds)


def _adjustment(scheme: Scheme, item: Adjustment) -> Iterator[Parameter]:
    groups = ", ".join(str(scheme.group(group).title) for group in item.groups)
    kind = _("bonus") if item.kind == "bonus" else _("deduction")
    part = _("Adjustments")
    yield Parameter(part, groups, f"{item.title} ({kind})", None, item.clause)

    def line(text: str, number: Decimal, *key: str) -> Parameter:
        return Parameter(part, groups, f"  {text}", number, item.clause, key)

    if isinstance(item.points, Bands):
        for band in item.points.bands:
            high = _("and above") if band.to is None else f"– {plain(band.to)}"
            yield line(f"{plain(band.from_)} {high}", band.points)
    elif isinstance(item.points, Stated):
        yield line(_("most for a record"), item.points.max)
    else:
        yield line(_("for each record"), item.points.fixed)
    if item.cap is not None:
        yield line(_("most for a unit"), item.cap, "cap", item.id)


def _bounds(part: str, of: str, bounds: Bounds, name: str, clause: str) -> Iterator[Parameter]:
    for text, number, key in (
        (N_("highest {of}"), bounds.cap, "cap"),
        (N_("lowest {of}"), bounds.floor, "floor"),
    ):
        if number is not None:
            yield Parameter(part, "", _(text).format(of=of), number, clause, (key, name))
