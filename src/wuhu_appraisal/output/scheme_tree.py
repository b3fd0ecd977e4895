"""A scheme as a tree of sentences with their clauses."""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.language import N_, _, listed
from wuhu_appraisal.numbers import exact_text, plain
from wuhu_appraisal.output.parameters import (
    adjusting,
    describe,
    describe_adjustment,
    describe_deadline,
    out_of,
    tie_text,
    weights_text,
)
from wuhu_appraisal.output.rule_words import describe_rule
from wuhu_appraisal.output.tables import Node
from wuhu_appraisal.scheme.audiences import AUDIENCE_NAMES, DETAIL_NAMES, Audience
from wuhu_appraisal.scheme.facts import Fact
from wuhu_appraisal.scheme.final import Adjustment, Bounds
from wuhu_appraisal.scheme.models import (
    Group,
    Indicator,
    IndicatorSet,
    Note,
    Plan,
    Raters,
    Scheme,
    Stage,
    with_id,
)
from wuhu_appraisal.scheme.plan import weighted_nodes
from wuhu_appraisal.scheme.rules import (
    Check,
    Dated,
    Distance,
    Empty,
    Flat,
    Identical,
    Inapplicable,
    Outlier,
    Reasoned,
    RollUp,
    Spread,
    Step,
)

_POLICIES = {
    "error": N_("an error"),
    "exclude": N_("left out"),
    "exclude_equally": N_("left out, its marks given to the others in equal parts"),
    "zero": N_("counted as 0"),
}


def scheme_tree(scheme: Scheme) -> Node:
    """Return groups, raters, indicators, stages, adjustments, ranking, assumptions and notes."""
    document = scheme.document
    about = f"{document.title} · {document.issued_by} · {document.issued or ''}"
    groups = [_names(group, [unit.name for unit in group.units]) for group in scheme.groups]
    raters = [_names(raters, scheme.raters_of(raters.id)) for raters in scheme.raters]
    factors = [
        Node(
            f"{_('factor of {units}').format(units=listed(item.units))} · {exact_text(item.factor)}"
        )
        for item in scheme.composite.factors
    ]
    adjustments = factors + [_adjustment(scheme, item) for item in scheme.adjustments]
    adjustments += [
        Node(f"{item.text} · {exact_text(Fraction(item.number or 0))}")
        for item in adjusting(scheme)
    ]
    assumptions = [
        Node(f"{item.text} ← {item.set_in}", clause=item.clause) for item in scheme.assumptions
    ]
    return Node(
        f"{scheme.id} · {scheme.title}",
        [
            Node(about.strip(" ·")),
            Node(_("Groups"), groups),
            Node(_("Raters"), raters),
            Node(_("Indicators"), [_indicator_set(scheme, item) for item in scheme.indicators]),
            Node(
                _("Stages"), [*(_stage(scheme, stage) for stage in scheme.stages), *_kinds(scheme)]
            ),
            Node(_("Adjustments"), adjustments),
            Node(_("Ranking"), [*_ranking(scheme), *_audiences(scheme)]),
            Node(_("Assumptions") + f" ({len(assumptions)})", assumptions),
            Node(_("Rules for people"), _notes(scheme.notes)),
        ],
    )


def _names(item: Group | Raters, names: Sequence[str]) -> Node:
    return Node(f"{item.title} ({len(names)})", [Node("、".join(names))], clause=item.clause)


def _notes(notes: Sequence[Note]) -> list[Node]:
    return [Node(str(note.text), clause=note.clause) for note in notes]


def _indicator_set(scheme: Scheme, indicators: IndicatorSet) -> Node:
    text = _("{title}: {categories} categories, {items} items, {marks} marks").format(
        title=indicators.title,
        categories=len(indicators.items),
        items=len({indicators.item_of(leaf.id).id for leaf in indicators.leaves}),
        marks=plain(indicators.marks),
    )
    text += _bounds(indicators) if indicators.bind else ""
    children = _indicators(indicators, indicators.items, weighted_nodes(scheme, indicators))
    return Node(text, children, clause=indicators.clause)


def _indicators(
    indicators: IndicatorSet, items: Sequence[Indicator], weighted: Collection[str]
) -> list[Node]:
    """Return the indicators of a level, with their marks or the weights that a step uses."""
    whole = sum((item.weight or Fraction(0) for item in items), Fraction(0))
    return [_indicator(indicators, item, weighted, whole) for item in items]


def _indicator(
    indicators: IndicatorSet, item: Indicator, weighted: Collection[str], whole: Fraction
) -> Node:
    text = with_id(item.id, item.title)
    if item.marks is not None:
        text += f" · {plain(item.marks)}"
    elif item.weight is not None and item.id in weighted:
        text += f" · {exact_text(item.weight)}" + (" %" if whole == 100 else "")
    text += _bounds(item) if item.bind else ""
    if item.assessed:
        names = "、".join(item.assessed.units)
        more = _("and others concerned") if item.assessed.open else ""
        only = [str(member) for members in item.assessed.members.values() for member in members]
        text += " ← " + " ".join(part for part in (names, *only, more) if part)
    clause = "" if item.items else indicators.cited(item)
    children = [Node(describe_deadline(deadline)) for deadline in item.deadlines]
    children += [Node(f"{part.title} · {fact_kind(part.fact)}") for part in item.parts if part.fact]
    children += [Node(describe_rule(item, rule)) for rule in item.score]
    children += _indicators(indicators, item.items, weighted)
    return Node(text, children, clause=clause)


def _bounds(bounds: Bounds) -> str:
    """Return ' · from 0 to 20'."""
    low, high = ("—" if it is None else plain(it) for it in (bounds.floor, bounds.cap))
    return " · " + _("from {low} to {high}").format(low=low, high=high)


def fact_kind(fact: Fact) -> str:
    """Return what a fact is, with its unit, date or marks."""
    match fact.kind:
        case "count" | "quantity":
            return str(fact.count or fact.quantity)
        case "rate":
            return _("per cent") if fact.rate == "percent" else _("share of 1")
        case "yes_no":
            return _("yes or no")
        case "due":
            return _("due by {date}").format(date=fact.due)
        case _:
            return _("score out of {marks}").format(marks=plain(fact.score or Decimal(0)))


def _stage(scheme: Scheme, stage: Stage) -> Node:
    window = f"{stage.window.from_} – {stage.window.to}"
    children = [Node("; ".join(map(str, stage.assessors))), *_notes(stage.notes)]
    for group, plan in stage.plans.items():
        forms = [
            Node(
                f"{form.title} ← {form.file} › {form.sheet}"
                + (" · " + _("one fault a row") if form.list_ else "")
            )
            for form in (*plan.forms, *plan.registers)
        ]
        if plan.registered_by:
            other = scheme.stage(plan.registered_by).title
            forms.append(Node(_("the registers of {stage} hold here too").format(stage=other)))
        steps = [_step(step, plan) for step in plan.steps]
        checks = [_check(check, plan) for check in plan.checks]
        children.append(Node(str(scheme.group(group).title), [*forms, *steps, *checks]))
    counts = f"{plain(stage.weight)} %" if stage.weight else ""
    if stage.end != 100 or not counts:
        counts += ", " * bool(counts) + out_of(stage)
    text = f"{stage.title} · {counts} · {window}"
    return Node(text, children, clause=stage.clause)


def _kinds(scheme: Scheme) -> Iterator[Node]:
    """Yield the stage weights of each kind of unit that has its own, with its units."""
    for kind in scheme.composite.weights:
        units = [unit.name for unit in scheme.all_units if unit.kind == kind]
        text = _("weights for {kind}: {weights}").format(
            kind=kind, weights=weights_text(scheme, kind)
        )
        yield Node(text, [Node("、".join(units))], clause=scheme.composite.clause)


def _step(step: Step, plan: Plan) -> Node:
    text = describe(step, plan)
    if isinstance(step, RollUp):
        text += _("; missing: {missing}; not applicable: {not_applicable}").format(
            missing=_(_POLICIES[step.missing]), not_applicable=_(_POLICIES[step.not_applicable])
        )
    return Node(text, clause=step.clause)


def _check(check: Check, plan: Plan) -> Node:
    name = plan.dimension_title(check.dimension[1]) if check.dimension else ""
    return Node(f"{_asked(check, name)} · {_(check.severity)}", clause=check.clause)


def _asked(check: Check, name: str) -> str:
    """Return what a check asks for; ``name`` is the title of its dimension, if it has one."""
    match check:
        case Spread():
            text = _(
                "the highest and the lowest score must differ by at least {share} of the highest"
            )
            if check.of == "full_marks":
                text = _(
                    "the highest and the lowest score must differ by at least {share} of the full marks"
                )
            return text.format(share=f"{plain(check.at_least_percent)} %")
        case Flat():
            return _("{name}: none may give everyone the same score").format(name=name)
        case Identical():
            return _("{name}: no two may agree in every score").format(name=name)
        case Outlier():
            text = _("{name}: none may be far from all others (robust z-score above {limit})")
            return text.format(name=name, limit=plain(check.beyond))
        case Distance():
            text = _("{name}: none may be more than {limit} points from the median of the others")
            return text.format(name=name, limit=plain(check.beyond))
        case Empty():
            return _("{name}: each must have a score").format(name=name)
        case Inapplicable():
            text = _("{name}: without a register at most {share} of the marks may be '/'")
            return text.format(name=name, share=f"{plain(check.at_most_percent)} %")
        case Dated():
            return _("the date on the sheet must lie between the stage's dates")
        case Reasoned():
            return _("a reason must stand beside every score below full marks")


def _adjustment(scheme: Scheme, item: Adjustment) -> Node:
    groups = "、".join(str(scheme.group(group).title) for group in item.groups)
    kind, *points = describe_adjustment(item)
    return Node(" · ".join([str(item.title), kind, groups, *points]), clause=item.clause)


def _tie(scheme: Scheme, tie: TieBreak) -> str:
    name = tie_text(scheme, tie) if tie.item else tie.stage or _("composite")
    text = _("{name} (the lowest first)") if tie.order == "lowest_first" else "{name}"
    return text.format(name=name)


def _ranking(scheme: Scheme) -> Iterator[Node]:
    final, secrecy = scheme.final, scheme.confidentiality
    ties = [_tie(scheme, tie) for tie in scheme.ranking.ties]
    chain = " → ".join([_("final"), *ties, _("shared rank")])
    yield Node(chain, clause=scheme.ranking.clause)
    if scheme.classes:
        yield Node(_("classes"), [Node(text) for text in _classes(scheme)])
    for check in scheme.composite.checks:
        text = f"{_asked(check, _('stage'))} · {_(check.severity)}"
        yield Node(text, clause=check.clause)
    digits = _("{digits} decimals, rounded half up").format(digits=final.digits)
    yield Node(digits + _bounds(final), clause=final.clause)
    text = _("scores of fewer than {count} raters are kept within the office")
    yield Node(text.format(count=secrecy.fewest_raters), clause=secrecy.clause)


def _classes(scheme: Scheme) -> Iterator[str]:
    """Yield each class with its conditions, and the rule of shares."""
    for item in scheme.classes:
        least = "" if item.least is None else plain(item.least)
        sign = "≥" if item.above is None else ">"
        share = "" if item.percent is None else f"{plain(item.percent)} %"
        parts = [str(item.title), f"{sign} {least}" if least else "", share]
        yield " · ".join(filter(None, parts))
    rule = scheme.class_rule
    if rule is not None:
        text = _("places: rounding {rounding}, ties {ties}")
        yield text.format(rounding=rule.rounding, ties=rule.ties)


def _audiences(scheme: Scheme) -> Iterator[Node]:
    """Yield what each audience sees beside rules and ranks."""
    rule, seen = scheme.confidentiality, scheme.confidentiality.audiences
    for audience, shown, always in (
        (Audience.LEADING_GROUP, seen.leading_group, ""),
        (Audience.PUBLIC, seen.public, ""),
        (Audience.UNIT, seen.unit, _("its own result and its group's mean")),
    ):
        details = [_(name) for detail, name in DETAIL_NAMES.items() if detail in shown]
        text = _("{audience} sees: {details}").format(
            audience=_(AUDIENCE_NAMES[audience]),
            details=listed(filter(None, [always, *details])) or _("ranks alone"),
        )
        yield Node(text, clause=rule.clause)
