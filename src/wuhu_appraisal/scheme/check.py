"""What must hold in a scheme beyond the shape of its parts: a list of functions that return findings.

Each finding is (code, particulars, path in the YAML data); the loader turns paths into lines.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from wuhu_appraisal.names import nearest
from wuhu_appraisal.scheme.audiences import DETAIL_NEEDS
from wuhu_appraisal.scheme.models import Indicator, Plan, Scheme, placeholders
from wuhu_appraisal.scheme.plan import composition
from wuhu_appraisal.scheme.rules import Bands, Spread
from wuhu_appraisal.scheme.yaml_source import Path

Problem: TypeAlias = tuple[str, Mapping[str, str], Path]


def check(scheme: Scheme) -> list[Problem]:
    """All that is wrong with a scheme whose parts are each well formed.

    What follows references is only looked at once every reference leads somewhere.
    """
    dangling = [problem for test in REFERENCES for problem in test(scheme)]
    rules = RULES if dangling else (*RULES, *COMPOSED)
    return [*dangling, *(problem for test in rules for problem in test(scheme))]


def unique_ids(scheme: Scheme) -> Iterator[Problem]:
    """Nothing is defined twice."""
    yield from _twice((group.id for group in scheme.groups), ("groups",), "id")
    yield from _twice((raters.id for raters in scheme.raters), ("raters",), "id")
    yield from _twice((found.id for found in scheme.indicators), ("indicators",), "id")
    yield from _twice((stage.id for stage in scheme.stages), ("stages",), "id")
    yield from _twice((item.id for item in scheme.adjustments), ("adjustments",), "id")
    for place, item in enumerate(scheme.adjustments):
        if item.id in _PARTS_OF_A_FINAL:
            yield "scheme-id-twice", {"id": item.id}, ("adjustments", place, "id")
    yield from _twice((item.id for item in scheme.assumptions), ("assumptions",), "id")
    names = scheme.unit_names()
    for r, raters in enumerate(scheme.raters):
        known = (names.match(unit) or unit for unit in raters.units)
        yield from _twice(known, ("raters", r, "units"))
        if bool(raters.units) == (raters.group is not None):
            yield "scheme-raters", {"raters": raters.id}, ("raters", r)
    for path, plan in _plans(scheme):
        for name, dimension in plan.dimensions.items():
            yield from _twice(dimension.items or (), (*path, "dimensions", name, "items"))
    for place, found in enumerate(scheme.indicators):
        nodes = list(_indicator_paths(found.items, ("indicators", place)))
        counts = Counter(node.id for _path, node in nodes)
        for path, node in nodes:
            if counts[node.id] > 1:
                yield "scheme-id-twice", {"id": node.id}, (*path, "id")


def names_are_distinct(scheme: Scheme) -> Iterator[Problem]:
    """No written name stands for two units."""
    for written, first, second in scheme.unit_names().clashes:
        for g, group in enumerate(scheme.groups):
            for u, unit in enumerate(group.units):
                if unit.name == second:
                    path: Path = ("groups", g, "units", u)
                    yield (
                        "scheme-name-clash",
                        {"name": written, "first": first, "second": second},
                        path,
                    )
    seen: set[str] = set()
    for g, group in enumerate(scheme.groups):
        for u, unit in enumerate(group.units):
            if unit.name in seen:
                yield "scheme-id-twice", {"id": unit.name}, ("groups", g, "units", u, "name")
            seen.add(unit.name)


def group_references(scheme: Scheme) -> Iterator[Problem]:
    """Groups that are named exist, and each has a plan in each stage."""
    groups = [group.id for group in scheme.groups]
    for r, raters in enumerate(scheme.raters):
        if raters.group is not None:
            yield from _known(raters.group, groups, ("raters", r, "group"))
    for s, stage in enumerate(scheme.stages):
        for name in stage.plans:
            yield from _known(name, groups, ("stages", s, "plans", name))
        for missing in [name for name in groups if name not in stage.plans]:
            params = {"stage": stage.id, "group": missing}
            yield "scheme-plan-missing", params, ("stages", s, "plans")
    for a, adjustment in enumerate(scheme.adjustments):
        for place, name in enumerate(adjustment.groups):
            yield from _known(name, groups, ("adjustments", a, "groups", place))


def unit_references(scheme: Scheme) -> Iterator[Problem]:
    """Raters and the units that items are assessed for are units of the scheme."""
    names = scheme.unit_names()
    listed: list[tuple[Path, str]] = [
        (("raters", r, "units", place), unit)
        for r, raters in enumerate(scheme.raters)
        for place, unit in enumerate(raters.units)
    ]
    for s, found in enumerate(scheme.indicators):
        for path, node in _indicator_paths(found.items, ("indicators", s)):
            units = node.assessed.units if node.assessed else []
            listed += [
                ((*path, "assessed", "units", place), unit) for place, unit in enumerate(units)
            ]
    for path, unit in listed:
        if names.match(unit) is None:
            yield "scheme-reference", {"name": unit, "suggestion": names.suggest(unit)}, path


def dimension_references(scheme: Scheme) -> Iterator[Problem]:
    """Each dimension says in exactly one way who its members are, and what it names exists."""
    raters = [item.id for item in scheme.raters]
    sets = {item.id: item for item in scheme.indicators}
    for path, plan in _plans(scheme):
        for name, dimension in plan.dimensions.items():
            here: Path = (*path, "dimensions", name)
            if not name.isidentifier():
                yield "scheme-dimension-name", {"dimension": name}, here
            kinds = (dimension.members, dimension.raters, dimension.indicators, dimension.open)
            if sum(kind is not None for kind in kinds) != 1:
                yield "scheme-dimension-kind", {"dimension": name}, here
            if dimension.raters:
                yield from _known(dimension.raters, raters, (*here, "raters"))
            if dimension.indicators:
                yield from _known(dimension.indicators, sets, (*here, "indicators"))
            leaves = [
                leaf.id
                for leaf in (
                    sets[dimension.indicators].leaves if dimension.indicators in sets else []
                )
            ]
            for place, item in enumerate(dimension.items or []):
                yield from _known(item, leaves, (*here, "items", place))


def form_references(scheme: Scheme) -> Iterator[Problem]:
    """A form's axes, fixed dimensions and placeholders name dimensions of its plan, each once."""
    for path, plan in _plans(scheme):
        dimensions = ["unit", *plan.dimensions]
        for f, form in enumerate(plan.forms):
            here: Path = (*path, "forms", f)
            for place, axis in enumerate(form.axes):
                yield from _known(axis, dimensions, (*here, "axes", place))
            for name, value in form.fixed.items():
                yield from _known(name, dimensions, (*here, "fixed", name))
                members = plan.dimensions[name].members if name in plan.dimensions else None
                if members is not None and not placeholders(value):
                    yield from _known(value, members, (*here, "fixed", name))
            named = form.named
            for name in named:
                yield from _known(name, dimensions, (*here, "file"))
            said = Counter([*form.axes, *form.fixed, *named])
            for name in dimensions:
                if said[name] != 1:
                    params = {"dimension": name, "times": str(said[name])}
                    yield "scheme-form-dimension", params, here


def other_references(scheme: Scheme) -> Iterator[Problem]:
    """Tie-breaks name stages; checks name dimensions; adjustments' patterns name nothing."""
    for place, item in enumerate(scheme.adjustments):
        for placeholder in placeholders(item.form.file + item.form.sheet):
            params = {"placeholder": f"{{{placeholder}}}"}
            yield "scheme-placeholder", params, ("adjustments", place, "form")
    stages = [stage.id for stage in scheme.stages]
    for place, tie in enumerate(scheme.ranking.ties):
        if tie.by == "stage":
            yield from _known(tie.stage or "", stages, ("ranking", "ties", place, "stage"))
    for path, plan in _plans(scheme):
        for place, rule in enumerate(plan.checks):
            named = rule.dimension
            if named is not None:
                here = (*path, "checks", place, named[0])
                yield from _known(named[1], plan.dimensions, here)


def stage_weights_make_100(scheme: Scheme) -> Iterator[Problem]:
    """The weights of the stages add up to 100."""
    weights = [stage.weight for stage in scheme.stages]
    if sum(weights) != 100:
        yield "scheme-stage-weights", {"sum": str(sum(weights))}, ("stages",)


def marks_add_up(scheme: Scheme) -> Iterator[Problem]:
    """At every level of an indicator tree marks make their parent's, or weights make 100 (or 1)."""
    for place, found in enumerate(scheme.indicators):
        yield from _level(found.items, found.marks, found.id, ("indicators", place))


def _level(
    items: Sequence[Indicator], marks: Decimal | None, parent: str, path: Path
) -> Iterator[Problem]:
    kinds = {(item.marks is not None, item.weight is not None) for item in items}
    if kinds not in ({(True, False)}, {(False, True)}):
        yield "scheme-marks-or-weights", {"parent": parent}, (*path, "items")
        return
    if kinds == {(True, False)}:
        added = sum(item.marks or Decimal(0) for item in items)
        if marks is not None and added != marks:
            params = {"parent": parent, "sum": str(added), "marks": str(marks)}
            yield "scheme-marks-sum", params, (*path, "items")
    else:
        added = sum(item.weight or Decimal(0) for item in items)
        if added not in (Decimal(1), Decimal(100)):
            yield "scheme-weights-sum", {"parent": parent, "sum": str(added)}, (*path, "items")
    for place, item in enumerate(items):
        if item.items:
            yield from _level(item.items, item.marks, item.id, (*path, "items", place))


def steps_compose(scheme: Scheme) -> Iterator[Problem]:
    """The steps of each plan leave one number a unit, on a scale of 100."""
    marks_hold = not list(marks_add_up(scheme))
    for path, plan in _plans(scheme):
        for code, params, place in composition(scheme, plan):
            # Wrong marks lead to a wrong scale, and are said once.
            if marks_hold or code != "scheme-steps-scale":
                yield code, params, (*path, *place)


def members_are_distinct(scheme: Scheme) -> Iterator[Problem]:
    """No title or alias stands for two members of a dimension."""
    for path, plan in _plans(scheme):
        for name, dimension in plan.dimensions.items():
            names = scheme.member_names(dimension)
            for written, first, second in names.clashes if names else []:
                params = {"name": written, "first": first, "second": second}
                yield "scheme-name-clash", params, (*path, "dimensions", name)


def spreads_can_be_judged(scheme: Scheme) -> Iterator[Problem]:
    """A spread of the full marks needs full marks."""
    for path, plan in _plans(scheme):
        for place, rule in enumerate(plan.checks):
            if not isinstance(rule, Spread) or rule.of != "full_marks":
                continue
            if plan.full_marks is None:
                yield "scheme-spread", {"dimension": rule.spread}, (*path, "checks", place)


def adjustments_have_their_own_sheets(scheme: Scheme) -> Iterator[Problem]:
    """No two adjustments of a group read the same sheet."""
    first: dict[tuple[str, str, str], str] = {}
    for place, item in enumerate(scheme.adjustments):
        for group in item.groups:
            other = first.setdefault((item.form.file, item.form.sheet, group), item.id)
            if other != item.id:
                params = {"adjustment": item.id, "other": other}
                yield "scheme-form-shared", params, ("adjustments", place, "form")


def windows_run_forward(scheme: Scheme) -> Iterator[Problem]:
    """A stage does not end before it begins."""
    for place, stage in enumerate(scheme.stages):
        if stage.window.to < stage.window.from_:
            yield "scheme-window", {"stage": stage.id}, ("stages", place, "window")


def bands_do_not_overlap(scheme: Scheme) -> Iterator[Problem]:
    """The bands of an adjustment follow each other; only the last is open at its upper end."""
    for a, adjustment in enumerate(scheme.adjustments):
        if not isinstance(adjustment.points, Bands):
            continue
        path: Path = ("adjustments", a, "points", "bands")
        if not adjustment.form.value:
            yield "scheme-bands-value", {"adjustment": adjustment.id}, ("adjustments", a, "form")
        bands = adjustment.points.bands
        for place, band in enumerate(bands):
            after = bands[place + 1] if place + 1 < len(bands) else None
            wrong = band.to is not None and band.to < band.from_
            if wrong or (after and (band.to is None or after.from_ <= band.to)):
                yield "scheme-bands", {"adjustment": adjustment.id}, (*path, place)


def bounds_are_ordered(scheme: Scheme) -> Iterator[Problem]:
    """A cap is not below its floor."""
    for name, bounds in (("final", scheme.final), ("adjusting", scheme.adjusting)):
        if bounds.cap is not None and bounds.floor is not None and bounds.cap < bounds.floor:
            yield "scheme-bounds", {"name": name}, (name, "cap")


def secrets_are_kept(scheme: Scheme) -> Iterator[Problem]:
    """The public sees nothing that the scheme calls secret."""
    rule = scheme.confidentiality
    for place, detail in enumerate(rule.audiences.public):
        if detail in rule.secret:
            path: Path = ("confidentiality", "audiences", "public", place)
            yield "scheme-secret-public", {"detail": detail}, path


def audiences_see_what_is_declared(scheme: Scheme) -> Iterator[Problem]:
    """Nothing is declared to be shown that nothing shows: a detail comes with those it stands in."""
    audiences = scheme.confidentiality.audiences
    for name, shown in (("leading-group", audiences.leading_group), ("public", audiences.public)):
        for place, detail in enumerate(shown):
            lacking = [needed for needed in DETAIL_NEEDS.get(detail, ()) if needed not in shown]
            if lacking:
                params = {"detail": detail, "needed": ", ".join(lacking)}
                path: Path = ("confidentiality", "audiences", name, place)
                yield "scheme-audience-idle", params, path


REFERENCES: tuple[Callable[[Scheme], Iterator[Problem]], ...] = (
    unique_ids,
    names_are_distinct,
    group_references,
    unit_references,
    dimension_references,
    form_references,
    other_references,
)
RULES: tuple[Callable[[Scheme], Iterator[Problem]], ...] = (
    stage_weights_make_100,
    marks_add_up,
    spreads_can_be_judged,
    adjustments_have_their_own_sheets,
    windows_run_forward,
    bands_do_not_overlap,
    bounds_are_ordered,
    secrets_are_kept,
    audiences_see_what_is_declared,
)


COMPOSED: tuple[Callable[[Scheme], Iterator[Problem]], ...] = (
    members_are_distinct,
    steps_compose,
)


_PARTS_OF_A_FINAL = frozenset({"composite", "adjusting", "final"})
"""What a final is made of beside the adjustments, by the names that the trace has for it."""


def _plans(scheme: Scheme) -> Iterator[tuple[Path, Plan]]:
    for s, stage in enumerate(scheme.stages):
        for name, plan in stage.plans.items():
            yield ("stages", s, "plans", name), plan


def _indicator_paths(items: Sequence[Indicator], path: Path) -> Iterator[tuple[Path, Indicator]]:
    for place, item in enumerate(items):
        here: Path = (*path, "items", place)
        yield here, item
        yield from _indicator_paths(item.items, here)


def _twice(values: Iterable[str], path: Path, *key: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, value in enumerate(values):
        if value in seen:
            yield "scheme-id-twice", {"id": value}, (*path, place, *key)
        seen.add(value)


def _known(name: str, names: Iterable[str], path: Path) -> Iterator[Problem]:
    known = list(names)
    if name not in known:
        yield "scheme-reference", {"name": name, "suggestion": nearest(name, known)}, path
