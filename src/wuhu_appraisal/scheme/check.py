"""What must hold in a scheme beyond the shape of its parts: functions that yield problems.

A problem is a finding's code and particulars with a path in the YAML data, which the loader turns
into a line.
"""

import glob
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction

from wuhu_appraisal.language import N_
from wuhu_appraisal.names import nearest
from wuhu_appraisal.numbers import exact_text, plain
from wuhu_appraisal.scheme.audiences import DETAIL_NEEDS
from wuhu_appraisal.scheme.facts import Banded, FactRule, Proportion, When, bands_meet, walk
from wuhu_appraisal.scheme.final import Bands, Each, RecordForm
from wuhu_appraisal.scheme.models import Form, Indicator, IndicatorSet, Plan, Scheme, placeholders
from wuhu_appraisal.scheme.plan import Problem, composition_problems, tie_table
from wuhu_appraisal.scheme.rules import Flat, Identical, Inapplicable, Outlier, Spread
from wuhu_appraisal.scheme.yaml_source import Path

_PARTS_OF_A_FINAL = frozenset({"composite", "/bonuses", "/deductions", "adjusting", "final"})
"""The names that a trace has for parts of a final, which no adjustment's id may be."""


_MOST_OF_RATIO = 20
"""Whole numbers that add up to more are taken for shares in per cent, of which one is wrong."""


def check(scheme: Scheme) -> list[Problem]:
    """All problems of a scheme whose parts are each well formed.

    Checks that follow references run only if every reference leads somewhere.
    """
    problems = [problem for rule in REFERENCES for problem in rule(scheme)]
    rules = RULES if problems else (*RULES, *COMPOSED)
    return [*problems, *(problem for rule in rules for problem in rule(scheme))]


def ids_are_unique(scheme: Scheme) -> Iterator[Problem]:
    """Nothing is defined or listed twice."""
    for key in (
        "groups",
        "raters",
        "indicators",
        "stages",
        "adjustments",
        "classes",
        "assumptions",
    ):
        yield from _twice((item.id for item in getattr(scheme, key)), (key,), "id")
    for a, adjustment in enumerate(scheme.adjustments):
        if adjustment.id in _PARTS_OF_A_FINAL:
            yield "scheme-id-twice", {"id": adjustment.id}, ("adjustments", a, "id")
    names = scheme.unit_names()
    for r, raters in enumerate(scheme.raters):
        yield from _twice(
            (names.match(unit) or unit for unit in raters.units), ("raters", r, "units")
        )
        kinds = (raters.units, raters.group is not None, raters.names)
        if sum(map(bool, kinds)) != 1:
            yield "scheme-raters", {"raters": raters.id}, ("raters", r)
    for path, plan in _plans(scheme):
        for name, dimension in plan.dimensions.items():
            yield from _twice(dimension.items or (), (*path, "dimensions", name, "items"))
    for i, indicators in enumerate(scheme.indicators):
        nodes = list(_nodes(indicators.items, ("indicators", i)))
        counts = Counter(node.id for _path, node in nodes)
        for path, node in nodes:
            if counts[node.id] > 1:
                yield "scheme-id-twice", {"id": node.id}, (*path, "id")


def unit_names_are_distinct(scheme: Scheme) -> Iterator[Problem]:
    """No written name stands for two units, and no unit is listed twice."""
    units = [
        (("groups", g, "units", u), unit)
        for g, group in enumerate(scheme.groups)
        for u, unit in enumerate(group.units)
    ]
    for written, first, second in scheme.unit_names().clashes:
        for path, unit in units:
            if unit.name == second:
                params = {"name": written, "first": first, "second": second}
                yield "scheme-name-clash", params, path
    seen: set[str] = set()
    for path, unit in units:
        if unit.name in seen:
            yield "scheme-id-twice", {"id": unit.name}, (*path, "name")
        seen.add(unit.name)


def rater_names_are_distinct(scheme: Scheme) -> Iterator[Problem]:
    """Raters that are listed by name are no units, and no written name stands for two of them."""
    units = scheme.unit_names()
    places: dict[str, Path] = {}
    for r, raters in enumerate(scheme.raters):
        here: Path = ("raters", r, "names")
        yield from _twice((rater.name for rater in raters.names), here)
        for place, rater in enumerate(raters.names):
            places[rater.name] = (*here, place)
            unit = next(filter(None, map(units.match, (rater.name, *rater.written))), None)
            if unit is not None:
                params = {"rater": rater.name, "unit": unit}
                yield "scheme-rater-appraised", params, places[rater.name]
    for written, first, second in scheme.rater_names().clashes:
        params = {"name": written, "first": first, "second": second}
        yield "scheme-name-clash", params, places[second]


def group_references(scheme: Scheme) -> Iterator[Problem]:
    """Groups that are named exist, and each has a plan in each stage."""
    groups = [group.id for group in scheme.groups]
    for r, raters in enumerate(scheme.raters):
        if raters.group is not None:
            yield from _known(raters.group, groups, ("raters", r, "group"))
    for s, stage in enumerate(scheme.stages):
        for name in stage.plans:
            yield from _known(name, groups, ("stages", s, "plans", name))
        for name in groups:
            if name not in stage.plans:
                params = {"stage": stage.id, "group": name}
                yield "scheme-plan-missing", params, ("stages", s, "plans")
    for a, adjustment in enumerate(scheme.adjustments):
        for place, name in enumerate(adjustment.groups):
            yield from _known(name, groups, ("adjustments", a, "groups", place))


def unit_references(scheme: Scheme) -> Iterator[Problem]:
    """Raters, and the units that indicators are assessed for, are units of the scheme."""
    names = scheme.unit_names()
    lists: list[tuple[Path, list[str]]] = [
        (("raters", r, "units"), raters.units) for r, raters in enumerate(scheme.raters)
    ]
    lists += [
        (("composite", "factors", f, "units"), item.units)
        for f, item in enumerate(scheme.composite.factors)
    ]
    for i, indicators in enumerate(scheme.indicators):
        lists += [
            ((*path, "assessed", "units"), node.assessed.units)
            for path, node in _nodes(indicators.items, ("indicators", i))
            if node.assessed
        ]
    for path, units in lists:
        for place, unit in enumerate(units):
            if names.match(unit) is None:
                params = {"name": unit, "suggestion": names.suggest(unit)}
                yield "scheme-reference", params, (*path, place)


def dimension_references(scheme: Scheme) -> Iterator[Problem]:
    """Each dimension names its members in exactly one way, and what it names exists."""
    raters = [item.id for item in scheme.raters]
    leaves = {item.id: [leaf.id for leaf in item.leaves] for item in scheme.indicators}
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
                yield from _known(dimension.indicators, leaves, (*here, "indicators"))
            if dimension.same_as is not None:
                others = [
                    stage.id
                    for stage in scheme.stages
                    if (other := stage.plans.get(str(path[-1]))) not in (None, plan)
                    and other is not None
                    and name in other.dimensions
                    and other.dimensions[name].open
                ]
                yield from _known(dimension.same_as, others, (*here, "same_as"))
            for place, item in enumerate(dimension.items or []):
                known = leaves.get(dimension.indicators or "", [])
                yield from _known(item, known, (*here, "items", place))


def form_references(scheme: Scheme) -> Iterator[Problem]:
    """A form's axes, fixed dimensions and placeholders name dimensions of its plan, each once.

    No other form or register of the plan has its id.
    """
    for path, plan in _plans(scheme):
        dimensions = ["unit", *plan.dimensions]
        forms: list[tuple[Path, Form]] = [
            ((*path, key, f), form)
            for key in ("forms", "registers")
            for f, form in enumerate(getattr(plan, key))
        ]
        ids = Counter(form.id for _here, form in forms)
        for here, form in forms:
            if ids[form.id] > 1:
                yield "scheme-id-twice", {"id": form.id}, (*here, "id")
            for place, axis in enumerate(form.axes):
                yield from _known(axis, dimensions, (*here, "axes", place))
            for name, value in form.fixed.items():
                yield from _known(name, dimensions, (*here, "fixed", name))
                members = plan.dimensions[name].members if name in plan.dimensions else None
                if members is not None and not placeholders(value):
                    yield from _known(value, members, (*here, "fixed", name))
            for name in form.named:
                yield from _known(name, dimensions, (*here, "file"))
            axes = [plan.indicator_dimension] if form.list_ else []
            axes = [*form.axes, *(name for name in axes if name not in form.axes)]
            counts = Counter([*axes, *form.fixed, *form.named])
            for name in dimensions:
                if counts[name] != 1:
                    params = {"dimension": name, "times": str(counts[name])}
                    yield "scheme-form-dimension", params, here


def registers_have_items(scheme: Scheme) -> Iterator[Problem]:
    """A register shows the items along an axis, and '/' may stand in it."""
    for path, plan in _plans(scheme):
        for f, form in enumerate(plan.registers):
            items = plan.indicator_dimension
            if items not in form.axes or form.not_applicable == "nowhere":
                yield "scheme-register", {"dimension": items or "—"}, (*path, "registers", f)


_LIST_AXES = N_(
    "its axes must be the unit alone, or the indicators alone where the file names the unit"
)
_LIST_EMPTY = N_("no fact with a count is left for it")
_LIST_REGISTER = N_("a register says what applies, and its plan can have no list")


def lists_count_facts(scheme: Scheme) -> Iterator[Problem]:
    """A list has the unit or the indicators as its axis, and counts that no other list gives too."""
    for path, plan in _plans(scheme):
        counted: dict[tuple[str, ...], str] = {}
        tree = scheme.indicators_in(plan)
        counts = [item.id for item in scheme.items_in(plan) if item.fact and item.fact.count]
        known = {*counts, *(tree.item_of(name).id for name in counts if tree)}
        for f, form in enumerate(plan.forms):
            if form.list_ is None:
                continue
            here: Path = (*path, "forms", f, "list")
            for place, name in enumerate(form.list_.facts):
                yield from _known(name, known, (*here, "facts", place))
            fixed = [f"{key}={value}" for key, value in sorted(form.fixed.items())]
            keys = [(item.id, *fixed) for item in scheme.items_of(plan, form)]
            twice = next((key for key in keys if key in counted), None)
            if form.axes not in (["unit"], [plan.indicator_dimension]):
                yield "scheme-list", {"problem_word": _LIST_AXES}, here
            elif plan.registers or plan.registered_by:
                yield "scheme-list", {"problem_word": _LIST_REGISTER}, here
            elif not keys and not form.list_.facts:
                yield "scheme-list", {"problem_word": _LIST_EMPTY}, here
            elif twice:
                yield "scheme-list-twice", {"fact": twice[0], "first": counted[twice]}, here
            counted.update(dict.fromkeys(keys, form.id))
        for r, form in enumerate(plan.registers):
            if form.list_ is not None:
                yield (
                    "scheme-list",
                    {"problem_word": _LIST_REGISTER},
                    (*path, "registers", r, "list"),
                )


def registers_are_shared(scheme: Scheme) -> Iterator[Problem]:
    """A stage whose registers another uses has some for the group, by the same dimensions."""
    for path, plan in _plans(scheme):
        if plan.registered_by is not None:
            having = [
                stage.id
                for stage in scheme.stages
                if (other := stage.plans.get(str(path[-1]))) is not None
                and other.registers
                and list(other.dimensions) == list(plan.dimensions)
            ]
            having = [] if plan.registers else having
            yield from _known(plan.registered_by, having, (*path, "registered_by"))


def assessed_members_exist(scheme: Scheme) -> Iterator[Problem]:
    """The dimensions by which an item is assessed list their members in a plan with the item."""
    for i, indicators in enumerate(scheme.indicators):
        known: dict[str, set[str]] = {}
        for _path, plan in _plans(scheme):
            declared = plan.dimensions.get(plan.indicator_dimension)
            if declared is not None and declared.indicators == indicators.id:
                for name, dimension in plan.dimensions.items():
                    known.setdefault(name, set()).update(dimension.members or ())
        for path, node in _nodes(indicators.items, ("indicators", i)):
            for name, only in (node.assessed.members if node.assessed else {}).items():
                here: Path = (*path, "assessed", "members", name)
                yield from _known(name, known, here)
                for place, member in enumerate(only if name in known else ()):
                    yield from _known(member, known[name], (*here, place))


def other_references(scheme: Scheme) -> Iterator[Problem]:
    """Tie-breaks name stages; checks name dimensions; adjustments' patterns name nothing."""
    for a, adjustment in enumerate(scheme.adjustments):
        for name in placeholders(adjustment.form.file + adjustment.form.sheet):
            yield "scheme-placeholder", {"placeholder": f"{{{name}}}"}, ("adjustments", a, "form")
    stages = [stage.id for stage in scheme.stages]
    for place, tie in enumerate(scheme.ranking.ties):
        if tie.stage is not None:
            yield from _known(tie.stage, stages, ("ranking", "ties", place, "stage"))
    for place, check in enumerate(scheme.composite.checks):
        yield from _known(check.distance, ["stage"], ("composite", "checks", place, "distance"))
    for path, plan in _plans(scheme):
        for place, rule in enumerate(plan.checks):
            if rule.dimension is not None:
                key, name = rule.dimension
                items = [plan.indicator_dimension]
                known = items if isinstance(rule, Inapplicable) else plan.dimensions
                yield from _known(name, known, (*path, "checks", place, key))


def kinds_have_weights(scheme: Scheme) -> Iterator[Problem]:
    """Kinds of units are those with stage weights, and these are of stages and of kinds that there are."""
    weights, stages = scheme.composite.weights, [stage.id for stage in scheme.stages]
    unknown = [
        problem
        for g, group in enumerate(scheme.groups)
        for u, unit in enumerate(group.units)
        if unit.kind is not None
        for problem in _known(unit.kind, weights, ("groups", g, "units", u, "kind"))
    ]
    yield from unknown
    for r, raters in enumerate(scheme.raters):
        for n, rater in enumerate(raters.names):
            if rater.kind is not None:
                yield from _known(rater.kind, (), ("raters", r, "names", n, "kind"))
    kinds = [unit.kind for unit in scheme.all_units if unit.kind is not None]
    for kind, of_kind in weights.items():
        # A kind that is misspelt at its units is one mistake.
        if not unknown:
            yield from _known(kind, kinds, ("composite", "weights", kind))
        for name in of_kind:
            yield from _known(name, stages, ("composite", "weights", kind, name))


def stage_weights_make_100(scheme: Scheme) -> Iterator[Problem]:
    """The weights of the stages, and those of each kind of unit, add up to 100 where they count."""
    if scheme.composite.by == "weighted":
        for kind, weights in scheme.composite.weights.items():
            if (whole := sum(weights.values())) != 100:
                where: Path = ("composite", "weights", kind)
                yield "scheme-stage-weights", {"sum": str(whole)}, where
    total = sum(stage.weight or 0 for stage in scheme.stages)
    lack = any(stage.weight is None or stage.end is None for stage in scheme.stages)
    if total != 100 and scheme.composite.by == "weighted" and not lack:
        yield "scheme-stage-weights", {"sum": str(total)}, ("stages",)


def stages_fit_the_composite(scheme: Scheme) -> Iterator[Problem]:
    """A weighted composite has stages with a weight and an end, a sum stages without weights."""
    rule = scheme.composite
    for place, stage in enumerate(scheme.stages):
        path: Path = ("stages", place)
        if rule.by == "sum" and stage.weight is not None:
            yield "scheme-sum-weights", {}, (*path, "weight")
        elif rule.by == "weighted" and stage.end is None:
            yield "scheme-weighted-open", {"stage": stage.id}, (*path, "out_of")
        elif rule.by == "weighted" and stage.weight is None:
            where = (*path, "weight") if "weight" in stage.model_fields_set else path
            yield "scheme-stage-weight", {"stage": stage.id}, where
    if rule.by == "weighted":
        return
    if rule.weights:
        yield "scheme-sum-weights", {}, ("composite", "weights")
    if rule.out_of is not None and rule.out_of != scheme.end:
        scale = exact_text(scheme.end) if scheme.end else "open"
        params = {"given": plain(rule.out_of), "scale": scale}
        yield "scheme-sum-out-of", params, ("composite", "out_of")
    if scheme.end is None and "exclude" in (rule.missing, rule.not_applicable):
        yield "scheme-open-exclude", {}, ("composite",)


def marks_add_up(scheme: Scheme) -> Iterator[Problem]:
    """At every level of an indicator tree marks make their parent's, or weights the whole.

    Weights are shares that make 100 or 1, or a ratio in whole numbers that make at most 20. A level
    may have neither; a step that needs them says so.
    """
    for i, indicators in enumerate(scheme.indicators):
        yield from _level(indicators.items, indicators.marks, indicators.id, ("indicators", i))


def _level(
    items: Sequence[Indicator], marks: Decimal | None, parent: str, path: Path
) -> Iterator[Problem]:
    kinds = {(item.marks is not None, item.weight is not None) for item in items}
    if kinds == {(True, False)}:
        total = sum(item.marks or 0 for item in items)
        if marks is not None and total != marks:
            params = {"parent": parent, "sum": str(total), "marks": str(marks)}
            yield "scheme-marks-sum", params, (*path, "items")
    elif kinds == {(False, True)}:
        weights = [item.weight or Fraction(0) for item in items]
        whole = sum(weights, Fraction(0))
        ratio = whole <= _MOST_OF_RATIO and all(item.denominator == 1 for item in weights)
        if whole not in (1, 100) and not ratio:
            params = {"parent": parent, "sum": exact_text(whole)}
            yield "scheme-weights-sum", params, (*path, "items")
    elif kinds != {(False, False)}:
        yield "scheme-marks-or-weights", {"parent": parent}, (*path, "items")
        return
    for place, item in enumerate(items):
        if item.items:
            yield from _level(item.items, item.marks, item.id, (*path, "items", place))


def spreads_have_full_marks(scheme: Scheme) -> Iterator[Problem]:
    """A check of the spread as a share of the full marks is in a plan that has full marks."""
    for path, plan in _plans(scheme):
        for place, rule in enumerate(plan.checks):
            if isinstance(rule, Spread) and rule.of == "full_marks" and plan.full_marks is None:
                yield "scheme-spread", {"dimension": rule.spread}, (*path, "checks", place)


def adjustments_have_their_own_sheets(scheme: Scheme) -> Iterator[Problem]:
    """No two adjustments of a group read the same sheet, whatever their patterns stand for."""
    for a, adjustment in enumerate(scheme.adjustments):
        for other in scheme.adjustments[:a]:
            if set(adjustment.groups) & set(other.groups) and _share(adjustment.form, other.form):
                params = {"adjustment": adjustment.id, "other": other.id}
                yield "scheme-form-shared", params, ("adjustments", a, "form")
                break


def _share(one: RecordForm, other: RecordForm) -> bool:
    """Tell whether a sheet can be of both forms; a file's pattern is that of the end of a path."""
    parts = zip(reversed(one.file.split("/")), reversed(other.file.split("/")), strict=False)
    return all(_overlap(*pair) for pair in (*parts, (one.sheet, other.sheet)))


def _overlap(one: str, other: str) -> bool:
    """Tell whether a text can match both patterns, in which * stands for any text.

    Of two that only ask what a text contains, one must be part of the other: a text that contains
    both of two words, nobody means.
    """
    if _covers(one, other) or _covers(other, one):
        return True
    open_ends = all(pattern.startswith("*") and pattern.endswith("*") for pattern in (one, other))
    if "*" not in one or "*" not in other or open_ends:
        return False
    # Between the first * and the last, each has room for all that the other asks for.
    start, other_start = one.partition("*")[0], other.partition("*")[0]
    end, other_end = one.rpartition("*")[2], other.rpartition("*")[2]
    starts_alike = start.startswith(other_start) or other_start.startswith(start)
    return starts_alike and (end.endswith(other_end) or other_end.endswith(end))


def _covers(one: str, other: str) -> bool:
    """Tell whether each text that matches the other pattern matches this one."""
    return fnmatchcase(other.replace("*", "\0"), "*".join(map(glob.escape, one.split("*"))))


def raters_are_declared(scheme: Scheme) -> Iterator[Problem]:
    """No dimension but one of raters has members who rate.

    They do where ballots are compared, and where they have the names of units or of raters. A sheet
    for each member is no sign of it: rounds have that too.
    """
    units, raters = scheme.unit_names(), scheme.rater_names()
    for path, plan in _plans(scheme):
        for name, dimension in plan.dimensions.items():
            if dimension.raters or dimension.indicators:
                continue
            members = dimension.members or {}
            signs = [
                place[0]
                for rule in plan.checks
                if isinstance(rule, Spread | Flat | Identical | Outlier)
                and (place := rule.dimension)
                and place[1] == name
            ]
            written = [text for key, title in members.items() for text in (key, *title)]
            # A number names a round rather than a unit.
            names = [text for text in written if not text.isdecimal()]
            signs += [text for text in names if units.match(text) or raters.match(text)]
            if signs:
                params = {"dimension": name, "sign": signs[0]}
                yield "scheme-raters-undeclared", params, (*path, "dimensions", name)


def windows_run_forward(scheme: Scheme) -> Iterator[Problem]:
    """No stage ends before it begins."""
    for s, stage in enumerate(scheme.stages):
        if stage.window.to < stage.window.from_:
            yield "scheme-window", {"stage": stage.id}, ("stages", s, "window")


def bands_do_not_overlap(scheme: Scheme) -> Iterator[Problem]:
    """The bands of an adjustment follow each other; only the last has no upper end."""
    for a, adjustment in enumerate(scheme.adjustments):
        if not isinstance(adjustment.points, Bands | Each):
            continue
        params = {"adjustment": adjustment.id}
        if not adjustment.form.value:
            yield "scheme-bands-value", params, ("adjustments", a, "form")
        if isinstance(adjustment.points, Each):
            continue
        bands = adjustment.points.bands
        for place, (band, after) in enumerate(zip(bands, [*bands[1:], None], strict=True)):
            if band.to is None:
                wrong = after is not None
            else:
                wrong = band.to < band.from_ or (after is not None and after.from_ <= band.to)
            if wrong:
                yield "scheme-bands", params, ("adjustments", a, "points", "bands", place)


def bounds_are_ordered(scheme: Scheme) -> Iterator[Problem]:
    """No cap is below its floor; without a cap, an indicator has at most its marks."""
    for name, bounds in (("final", scheme.final), ("adjusting", scheme.adjusting)):
        if bounds.cap is not None and bounds.floor is not None and bounds.cap < bounds.floor:
            yield "scheme-bounds", {"name": name}, (name, "cap")
    for i, indicators in enumerate(scheme.indicators):
        whole: list[tuple[Path, Indicator | IndicatorSet]] = [(("indicators", i), indicators)]
        for path, item in [*whole, *_nodes(indicators.items, ("indicators", i))]:
            highest = item.marks if item.cap is None else item.cap
            if item.floor is not None and highest is not None and item.floor > highest:
                yield "scheme-bounds", {"name": item.id}, (*path, "floor")


def units_have_one_factor(scheme: Scheme) -> Iterator[Problem]:
    """No unit's composite is multiplied twice."""
    names, seen = scheme.unit_names(), set[str]()
    for f, item in enumerate(scheme.composite.factors):
        for u, unit in enumerate(item.units):
            if (name := names.match(unit) or unit) in seen:
                yield "scheme-id-twice", {"id": unit}, ("composite", "factors", f, "units", u)
            seen.add(name)


def audiences_see_what_they_may(scheme: Scheme) -> Iterator[Problem]:
    """The public sees nothing secret, and no audience a detail without those it also reveals."""
    audiences = scheme.confidentiality.audiences
    for name, shown in (("leading-group", audiences.leading_group), ("public", audiences.public)):
        for place, detail in enumerate(shown):
            path: Path = ("confidentiality", "audiences", name, place)
            if name == "public" and detail in scheme.confidentiality.secret:
                yield "scheme-secret-public", {"detail": detail}, path
            lacking = [needed for needed in DETAIL_NEEDS.get(detail, ()) if needed not in shown]
            if lacking:
                params = {"detail": detail, "needed": ", ".join(lacking)}
                yield "scheme-audience-idle", params, path


def classes_descend(scheme: Scheme) -> Iterator[Problem]:
    """The finals of classes descend, the last is open; shares make at most 100 and have a rule."""
    lowest: tuple[Decimal, bool] | None = None
    for place, item in enumerate(scheme.classes):
        here: Path = ("classes", place)
        last = place == len(scheme.classes) - 1
        bare = item.least is None and item.percent is None
        if bare != last or (item.at_least is not None and item.above is not None):
            yield "scheme-class-open", {"id": item.id}, here
        if item.least is not None:
            # The same number is a higher threshold where it must be exceeded.
            least = (item.least, item.above is not None)
            if lowest is not None and (
                least > lowest or (least == lowest and item.percent is None)
            ):
                yield "scheme-class-order", {"id": item.id}, here
            lowest = least
    shares = [item.percent for item in scheme.classes if item.percent is not None]
    if sum(shares) > 100:
        yield "scheme-class-shares", {"sum": str(sum(shares))}, ("classes",)
    if bool(shares) != (scheme.class_rule is not None):
        yield "scheme-class-rule", {}, ("classes",) if shares else ("class_rule",)


def members_are_distinct(scheme: Scheme) -> Iterator[Problem]:
    """No title or alias stands for two members of a dimension."""
    for path, plan in _plans(scheme):
        for name, dimension in plan.dimensions.items():
            names = scheme.member_names(dimension)
            for written, first, second in names.clashes if names else []:
                params = {"name": written, "first": first, "second": second}
                yield "scheme-name-clash", params, (*path, "dimensions", name)


def steps_compose(scheme: Scheme) -> Iterator[Problem]:
    """The steps of each plan leave one number for each unit, out of its stage's full marks."""
    marks_are_wrong = any(True for _problem in marks_add_up(scheme))
    for path, plan in _plans(scheme):
        end = scheme.stages[int(path[1])].end
        for code, params, place in composition_problems(scheme, plan, end):
            # Wrong marks cause a wrong scale, and are reported already.
            if not (marks_are_wrong and code == "scheme-steps-scale"):
                yield code, params, (*path, *place)


def ties_are_of_units(scheme: Scheme) -> Iterator[Problem]:
    """An item or a fact that breaks ties has one number a unit in a table of its stage."""
    if any(True for _problem in steps_compose(scheme)):
        return
    for place, tie in enumerate(scheme.ranking.ties):
        if tie.member is None:
            continue
        here: Path = ("ranking", "ties", place)
        plans = scheme.stage(tie.stage or "").plans.values()
        trees = [tree for tree in map(scheme.indicators_in, plans) if tree]
        items = [node for tree in trees for node in tree.nodes.values() if not node.fact]
        facts = [fact for node in items if node.id == tie.item for fact in node.facts]
        problems = list(_known(tie.item or "", [node.id for node in items], (*here, "item")))
        if tie.fact is not None and not problems:
            problems += _known(tie.fact, facts, (*here, "fact"))
        yield from problems
        tables = [tie_table(scheme, plan, tie.member) for plan in plans]
        alone = [len(table[1].dimensions) == 2 for table in tables if table]
        if not problems and not (alone and all(alone)):
            yield "scheme-tie", {"item": tie.member, "stage": tie.stage or ""}, here


def facts_have_scores(scheme: Scheme) -> Iterator[Problem]:
    """Facts stand where scores do, with rules that name all of them and fit together."""
    for i, indicators in enumerate(scheme.indicators):
        for path, node in _nodes(indicators.items, ("indicators", i)):
            if bool(node.facts) != bool(node.score) or (node.facts and node.items):
                yield "scheme-facts-score", {"item": node.id}, path
            bounds = [key for key in ("floor", "cap") if getattr(node, key) is not None]
            if bounds and not node.facts and not node.items:
                yield "scheme-facts-bounds", {"item": node.id}, (*path, bounds[0])
            if node.facts and node.score and not node.items:
                yield from _fact_rules(node, path)


def _fact_rules(item: Indicator, path: Path) -> Iterator[Problem]:
    rules = list(walk(item.score, (*path, "score")))
    used = {fact for _here, rule in rules for fact in rule.named}
    for here, rule in rules:
        if isinstance(rule, Banded) and rule.of == "all":
            used.update(item.facts)
        if any(rule.takes for _here, rule in rules) and rule.gives:
            yield "scheme-facts-mixed", {"item": item.id}, here
        own = list(rule.when) if isinstance(rule, When) else rule.named
        unknown = [fact for fact in own if fact not in item.facts]
        for fact in unknown:
            yield from _known(fact, item.facts, here)
        if not unknown:
            yield from _fits(item, rule, here)
    for fact in item.facts:
        if fact not in used:
            yield "scheme-fact-unused", {"item": item.id, "fact": fact}, (*path, "facts", fact)


def _fits(item: Indicator, rule: FactRule, here: Path) -> Iterator[Problem]:
    """What a rule cannot do with the facts that it names."""
    if isinstance(rule, When):
        for fact, bound in rule.when.items():
            if isinstance(bound, bool) != (item.facts[fact].kind == "yes_no"):
                yield "scheme-fact-kind", {"fact": fact}, (*here, "when", fact)
        return
    named = rule.named or list(item.facts)
    if rule.gives or isinstance(rule, Banded):
        for fact in named:
            if item.facts[fact].kind == "yes_no":
                yield "scheme-fact-kind", {"fact": fact}, here
    if isinstance(rule, Banded):
        highest = [item.facts[fact].highest for fact in named]
        if not all(bands_meet(rule.bands, end) for end in highest):
            yield "scheme-fact-bands", {"item": item.id}, (*here, "bands")
    if isinstance(rule, Proportion) and (rule.if_nothing is not None) != isinstance(rule.to, str):
        yield "scheme-fact-nothing", {"fact": rule.proportion}, here


Rules = tuple[Callable[[Scheme], Iterator[Problem]], ...]

REFERENCES: Rules = (
    ids_are_unique,
    unit_names_are_distinct,
    rater_names_are_distinct,
    group_references,
    unit_references,
    kinds_have_weights,
    dimension_references,
    form_references,
    registers_are_shared,
    assessed_members_exist,
    other_references,
)
RULES: Rules = (
    stage_weights_make_100,
    marks_add_up,
    registers_have_items,
    spreads_have_full_marks,
    adjustments_have_their_own_sheets,
    raters_are_declared,
    windows_run_forward,
    bands_do_not_overlap,
    bounds_are_ordered,
    units_have_one_factor,
    audiences_see_what_they_may,
    stages_fit_the_composite,
    facts_have_scores,
    lists_count_facts,
    classes_descend,
)
COMPOSED: Rules = (members_are_distinct, steps_compose, ties_are_of_units)


def _plans(scheme: Scheme) -> Iterator[tuple[Path, Plan]]:
    for s, stage in enumerate(scheme.stages):
        for name, plan in stage.plans.items():
            yield ("stages", s, "plans", name), plan


def _nodes(items: Sequence[Indicator], path: Path) -> Iterator[tuple[Path, Indicator]]:
    for place, item in enumerate(items):
        here: Path = (*path, "items", place)
        yield here, item
        yield from _nodes(item.items, here)


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
