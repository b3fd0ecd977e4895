"""The numbers that a scheme states, one line each: what a workbook's formulas point at."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from wuhu_appraisal.language import N_, _, listed
from wuhu_appraisal.numbers import Number, exact_text, plain
from wuhu_appraisal.output.rule_words import number_texts
from wuhu_appraisal.scheme.final import (
    Adjustment,
    Band,
    Bands,
    Bounds,
    Each,
    Recorded,
    Stated,
    TieBreak,
    Veto,
)
from wuhu_appraisal.scheme.models import (
    Deadline,
    Indicator,
    IndicatorSet,
    Plan,
    Scheme,
    Stage,
    with_id,
)
from wuhu_appraisal.scheme.plan import PlannedStep, planned, weighted_nodes
from wuhu_appraisal.scheme.rules import Convert, RollUp, Step
from wuhu_appraisal.score.facts import FactScore

Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line: the part of the scheme, the group, what it says, its number, and its clause.

    ``key`` is what formulas look the number up by. A number that is the sum of others has their
    keys in ``adds``.
    """

    part: str
    group: str
    text: str
    number: Number | int | None
    clause: str
    key: Key = ()
    adds: Sequence[Key] = ()


def parameters(scheme: Scheme) -> Iterator[Parameter]:
    """Yield every weight, mark, step, cap, bound and rounding of a scheme, in the scheme's order."""
    for stage in scheme.stages:
        title = str(stage.title)
        if stage.weight is not None or stage.out_of == "open":
            text = _("stage") if stage.end else _("stage, open: points add up without an end")
            yield Parameter(title, "", text, stage.weight, stage.clause, ("stage", stage.id))
        if stage.end and (scheme.composite.by == "sum" or scheme.brought):
            text = _("stage, full marks")
            yield Parameter(title, "", text, stage.end, stage.clause, ("out_of", stage.id))
        for group, plan in stage.plans.items():
            for place, step in enumerate(planned(scheme, plan)):
                yield from _step(scheme, stage, group, place, step)
    for indicators in scheme.indicators:
        yield from _indicators(indicators, weighted_nodes(scheme, indicators))
    yield from _of_units(scheme)
    for adjustment in scheme.adjustments:
        yield from _adjustment(scheme, adjustment)
    yield from adjusting(scheme)
    for item in scheme.vetoes:
        groups = ", ".join(str(scheme.group(group).title) for group in item.groups)
        text = f"{item.title} ({listed(describe_veto(scheme, item))})"
        yield Parameter(_("Vetoes"), groups, text, item.final, item.clause, ("veto", item.id))
    yield from _of_final(scheme)
    if scheme.brought and scheme.end:
        key, text = ("out_of", ""), _("full marks that each stage is brought to")
        yield Parameter(_("Composite"), "", text, scheme.end, scheme.composite.clause, key)
    for part, rule, name in (
        (_("Composite"), scheme.composite, "composite"),
        (_("Final"), scheme.final, "final"),
    ):
        text = _("decimals, rounded half up")
        yield Parameter(part, "", text, rule.digits, rule.clause, ("digits", name))
    yield from _classes(scheme)


def _of_units(scheme: Scheme) -> Iterator[Parameter]:
    """Yield what holds for the composite of some units: stage weights of a kind, and factors."""
    part, rule = _("Composite"), scheme.composite
    for kind, weights in rule.weights.items():
        for name, weight in weights.items():
            text = _("weight of {stage} for {kind}")
            text = text.format(stage=scheme.stage(name).title, kind=kind)
            yield Parameter(part, "", text, weight, rule.clause, ("weight", kind, name))
    for place, item in enumerate(rule.factors):
        text = _("factor of {units}").format(units=listed(item.units))
        yield Parameter(part, "", text, item.factor, item.clause, ("factor", str(place)))


def out_of(stage: Stage) -> str:
    """Return what a stage is out of, in words."""
    if stage.end is None:
        return _("points without an end")
    return _("full marks {marks}").format(marks=exact_text(stage.end))


def weights_text(scheme: Scheme, kind: str) -> str:
    """Return the stage weights of a kind of unit: 'daily 40, social 60'."""
    weights = scheme.composite.weights[kind].items()
    return listed(f"{scheme.stage(name).title} {plain(weight)}" for name, weight in weights)


def tie_text(scheme: Scheme, tie: TieBreak) -> str:
    """Return what a tie-break compares: the composite, a stage, or an item or a fact in a stage."""
    if tie.stage is None:
        return _("composite")
    stage = scheme.stage(tie.stage)
    trees = (tree for tree in map(scheme.indicators_in, stage.plans.values()) if tree)
    parts = [str(stage.title)]
    if tie.item is not None and tie.member is not None:
        nodes = next(tree.nodes for tree in trees if tie.member in tree.nodes)
        parts.append(with_id(tie.item, nodes[tie.item].title))
        parts += [str(nodes[tie.member].title)] if tie.fact else []
    return " · ".join(parts)


def describe_deadlines(items: Sequence[Indicator]) -> str:
    """Return by when something must be done for the items, '' if for none."""
    texts = [
        f"{item.id} {listed(map(describe_deadline, item.deadlines))}"
        for item in items
        if item.deadlines
    ]
    return _("Deadlines: {deadlines}").format(deadlines=listed(texts)) if texts else ""


def describe_deadline(deadline: Deadline) -> str:
    """Return one deadline in a few words: 'catalogues: by 2020-10-31 (clause)'."""
    if deadline.by is not None:
        text = _("{what}: by {day}").format(what=deadline.of, day=deadline.by)
    elif deadline.working_days is not None:
        text = _("{what}: within {days} working days")
        text = text.format(what=deadline.of, days=deadline.working_days)
    else:
        text = _("{what}: every month").format(what=deadline.of)
    if not deadline.clause:
        return text
    return _("{text} ({inner})").format(text=text, inner=deadline.clause)


def describe(step: Step, plan: Plan) -> str:
    """Return one step of a plan in a few words."""
    if isinstance(step, RollUp):
        name = plan.dimension_title(step.roll_up)
        words = _(_ROLL_UPS[step.by])
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


def describe_recorded(scheme: Scheme, item: Recorded) -> list[str]:
    """Return what an adjustment gives, or what a veto does."""
    if isinstance(item, Adjustment):
        return describe_adjustment(item)
    return describe_veto(scheme, item) if isinstance(item, Veto) else []


def describe_veto(scheme: Scheme, item: Veto) -> list[str]:
    """Return what a veto does: 'a final of 59', 'no rank', 'not 优秀'."""
    parts = []
    if item.final is not None:
        text = _("{final} as the composite") if item.adjusted else _("a final of {final}")
        parts.append(text.format(final=plain(item.final)))
    if item.unranked:
        parts.append(_("no rank"))
    barred = [str(scheme.class_titles[name]) for name in item.barred_from]
    return [*parts, *(_("barred from {name}").format(name=name) for name in barred)]


def describe_adjustment(item: Adjustment) -> list[str]:
    """Return what an adjustment is and gives: 'bonus', 'at most 5 points a record', 'once a unit'."""
    if isinstance(item.points, Bands):
        record = listed(map(band_text, item.points.bands))
    elif isinstance(item.points, Stated):
        record = _("at most {points} points a record").format(points=plain(item.points.max))
    elif isinstance(item.points, Each):
        record = _("{points} points for each").format(points=plain(item.points.each))
        if item.points.max is not None:
            most = _("at most {points} points a record").format(points=plain(item.points.max))
            record = listed([record, most])
    else:
        record = _("{points} points a record").format(points=plain(item.points.fixed))
    parts = [_("bonus") if item.kind == "bonus" else _("deduction"), record]
    if item.cap is not None:
        parts.append(_("at most {points} points a unit").format(points=plain(item.cap)))
    if item.once:
        parts.append(_("once a unit"))
    if item.when is not None:
        parts.append(_("only with a composite {bound}").format(bound=item.when))
    return parts


def band_text(band: Band) -> str:
    """Return a band and its points: '11 to 20: 3 points'."""
    low, points = plain(band.from_), plain(band.points)
    if band.to is None:
        return _("{low} and above: {points} points").format(low=low, points=points)
    high = plain(band.to)
    return _("{low} to {high}: {points} points").format(low=low, high=high, points=points)


_ROLL_UPS = {
    "sum": N_("sum"),
    "mean": N_("mean"),
    "weighted": N_("weighted mean"),
    "median": N_("median"),
    "trimmed_mean": N_("mean without the highest and lowest"),
    "best": N_("mean of the best"),
    "latest": N_("the latest"),
    "facts": N_("by each item's rules for its facts"),
}


def _step(
    scheme: Scheme, stage: Stage, group: str, place: int, planned_step: PlannedStep
) -> Iterator[Parameter]:
    """Yield a step, and below it the numbers that it states."""
    plan, step = stage.plans[group], planned_step.step
    part, title = str(stage.title), str(scheme.group(group).title)
    yield Parameter(part, title, describe(step, plan), None, step.clause)

    def line(text: object, number: Decimal, name: str, adds: Sequence[Key] = ()) -> Parameter:
        key = (stage.id, group, str(place), name)
        return Parameter(part, title, f"  {text}", number, step.clause, key, adds)

    if isinstance(step, RollUp):
        for member, weight in (step.weights or {}).items():
            yield line(scheme.title_of(plan, step.roll_up, member), weight, member)
    elif isinstance(step, Convert):
        for grade, score in step.convert.items():
            yield line(grade, score, grade)
    else:
        yield line(_("to full marks of"), step.rescale, "to")
        if planned_step.before.full_marks is not None:
            full_marks = Decimal(exact_text(planned_step.before.full_marks))
            # Full marks that no step states are the sum of the indicators' marks.
            indicators = None if step.from_ is not None else scheme.indicators_in(plan)
            items = scheme.items_in(plan) if indicators else []
            adds = _marks_that_add(indicators, items, full_marks)
            yield line(_("from full marks of"), full_marks, "of", adds)


def _indicators(indicators: IndicatorSet, weighted: Collection[str]) -> Iterator[Parameter]:
    """Yield the indicators with their marks, or with the weights that a step uses."""
    part = str(indicators.title)
    yield from _bounds(part, indicators, indicators.clause, (indicators.id, ""))
    for path, node in indicators.walk():
        if node.fact and node.marks is None:
            continue
        name = str(node.title) if node.fact else with_id(node.id, node.title)
        text = f"{'  ' * (len(path) - 1)}{name}"
        weight = node.weight if node.id in weighted else None
        number = weight if node.marks is None else node.marks
        key = ("marks", indicators.id, node.id)
        adds = _marks_that_add(indicators, node.items, number)
        clause = indicators.cited(node)
        yield Parameter(part, "", text, number, clause, key, adds)
        if node.items:
            yield from _bounds(part, node, clause, (indicators.id, node.id), "  " * len(path))
        if node.facts:
            yield from _fact_numbers(indicators, node, "  " * len(path))


def _bounds(
    part: str, bounds: Bounds, clause: str, key: Key, indent: str = ""
) -> Iterator[Parameter]:
    """Yield the floor and the cap of a sum of indicators."""
    for text, number, end in (
        (_("at least"), bounds.floor, "floor"),
        (_("at most"), bounds.cap, "cap"),
    ):
        if number is not None:
            yield Parameter(part, "", indent + text, number, clause, (end, *key))


def _fact_numbers(indicators: IndicatorSet, item: Indicator, indent: str) -> Iterator[Parameter]:
    """Yield the numbers that an item's rules for its facts state, by their place in the formula."""
    score, part = FactScore(item), str(indicators.title)
    texts: list[str | None] = [None] * bool(score.start)
    texts += [text for rule in item.score for text in number_texts(item, rule)]
    texts += [
        None if item.floor is None else _("at least"),
        None if item.cap is None else _("at most"),
    ]
    for place, (text, number) in enumerate(zip(texts, score.constants, strict=True)):
        if text is not None:
            key = ("fact", indicators.id, item.id, str(place))
            stated = Decimal(exact_text(number))
            yield Parameter(part, "", indent + text, stated, indicators.cited(item), key)


def _marks_that_add(
    indicators: IndicatorSet | None, items: Sequence[Indicator], whole: Number | None
) -> Sequence[Key]:
    """Return the keys of the items' marks if they all have marks that add up to ``whole``."""
    marks = [item.marks for item in items if item.marks is not None]
    if indicators is None or not items or len(marks) < len(items) or sum(marks) != whole:
        return ()
    return [("marks", indicators.id, item.id) for item in items]


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
    elif isinstance(item.points, Each):
        yield line(_("for each one"), item.points.each)
        if item.points.max is not None:
            yield line(_("most for a record"), item.points.max)
    else:
        yield line(_("for each record"), item.points.fixed)
    if item.cap is not None:
        yield line(_("most for a unit"), item.cap, "cap", item.id)
    for place, (sign, bound) in enumerate(item.when.stated if item.when else ()):
        text = _("counts with a composite {sign}").format(sign=sign)
        yield Parameter(
            part, groups, f"  {text}", bound, item.clause, ("when", item.id, str(place))
        )


def adjusting(scheme: Scheme) -> Iterator[Parameter]:
    """Yield the caps and the floor of all adjustments together."""
    rule = scheme.adjusting
    for text, number, key in (
        (_("upper limit of all bonuses"), rule.bonus_cap, ("cap", "bonuses")),
        (_("upper limit of all deductions"), rule.deduction_cap, ("cap", "deductions")),
        (_("upper limit of all adjustments"), rule.cap, ("cap", "adjusting")),
        (_("lower limit of all adjustments"), rule.floor, ("floor", "adjusting")),
    ):
        if number is not None:
            yield Parameter(_("Adjustments"), "", text, number, "", key)


def _of_final(scheme: Scheme) -> Iterator[Parameter]:
    """Yield the cap and the floor of the final."""
    final = scheme.final
    for text, number, key in (
        (_("upper limit of the final"), final.cap, ("cap", "final")),
        (_("lower limit of the final"), final.floor, ("floor", "final")),
    ):
        if number is not None:
            yield Parameter(_("Final"), "", text, number, final.clause, key)


def _classes(scheme: Scheme) -> Iterator[Parameter]:
    """Yield the thresholds and the shares of the classes."""
    for grade in scheme.classes:
        sign = "≥" if grade.above is None else ">"
        for text, number, end in (
            (_("{name}: a final {sign}").format(name=grade.title, sign=sign), grade.least, "least"),
            (_("{name}: per cent of the group").format(name=grade.title), grade.percent, "percent"),
        ):
            if number is not None:
                yield Parameter(
                    _("Class"), "", text, number, grade.clause, ("class", grade.id, end)
                )
