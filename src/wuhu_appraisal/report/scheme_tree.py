"""A scheme as a tree to read, and as plain data: `appraise scheme show`."""

from collections.abc import Iterator
from typing import Any

from wuhu_appraisal.i18n import N_, _, listed
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.report.explain import Node
from wuhu_appraisal.report.parameters import describe
from wuhu_appraisal.scheme.adjustments import Adjustment, Bands, Fixed, Stated
from wuhu_appraisal.scheme.confidentiality import CALLED, DETAILS, Audience, Detail
from wuhu_appraisal.scheme.indicators import Indicator, IndicatorSet
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.scheme.steps import RollUp, Step
from wuhu_appraisal.scheme.units import Group
from wuhu_appraisal.scheme.watches import (
    Dated,
    Empty,
    Flat,
    Identical,
    Outlier,
    Reasoned,
    Spread,
    Watch,
    dimension_of,
)

_SEVERITIES = {"error": N_("error"), "warning": N_("warning")}
_POLICIES = {"error": N_("an error"), "exclude": N_("left out"), "zero": N_("counted as 0")}


def scheme_tree(scheme: Scheme) -> Node:
    """Groups, units, raters, indicators, stages, adjustments, ranking and assumptions, with clauses."""
    document = scheme.document
    about = f"{document.title} · {document.issued_by} · {document.issued or ''}"
    return Node(
        f"{scheme.id} · {scheme.title}",
        [
            Node(about.strip(" ·")),
            Node(_("Groups"), [_group(group) for group in scheme.groups]),
            Node(
                _("Raters"),
                [
                    Node(
                        _count(raters.title, len(scheme.raters_of(raters.id)), raters.clause),
                        [Node("、".join(scheme.raters_of(raters.id)))],
                    )
                    for raters in scheme.raters
                ],
            ),
            Node(_("Indicators"), [_indicators(found) for found in scheme.indicators]),
            Node(_("Stages"), [_stage(scheme, stage) for stage in scheme.stages]),
            Node(_("Adjustments"), [_adjustment(scheme, item) for item in scheme.adjustments]),
            Node(_("Ranking"), _ranking(scheme)),
            Node(
                f"{_('Assumptions')} ({len(scheme.assumptions)})",
                [
                    Node(f"{item.text}  [{item.clause}] ← {item.set_in}")
                    for item in scheme.assumptions
                ],
            ),
            Node(_("Rules for people"), [Node(f"{n.text}  [{n.clause}]") for n in scheme.notes]),
        ],
    )


def scheme_data(scheme: Scheme) -> dict[str, Any]:
    """The scheme as JSON data, as it was loaded, defaults filled in."""
    return scheme.model_dump(mode="json", by_alias=True, exclude_none=True)


def _count(title: object, count: int, clause: str) -> str:
    return f"{title} ({count})  [{clause}]"


def _group(group: Group) -> Node:
    units = "、".join(unit.name for unit in group.units)
    return Node(_count(group.title, len(group.units), group.clause), [Node(units)])


def _indicators(found: IndicatorSet) -> Node:
    root = Node(
        _("{title}: {categories} categories, {items} items, {marks} marks").format(
            title=found.title,
            categories=len(found.items),
            items=len(found.leaves),
            marks=plain(found.marks),
        )
        + f"  [{found.clause}]"
    )
    root.children = [_indicator(found, item) for item in found.items]
    return root


def _indicator(found: IndicatorSet, item: Indicator) -> Node:
    share = (
        plain(item.marks)
        if item.marks is not None
        else f"{plain(item.weight)} %"
        if item.weight
        else ""
    )
    text = f"{item.id} {item.title} · {share}"
    if not item.items:
        text += f"  [{found.cited(item)}]"
    if item.assessed:
        names = "、".join(item.assessed.units)
        more = _("and others concerned") if item.assessed.open else ""
        text += "  ← " + " ".join(part for part in (names, more) if part)
    return Node(text, [_indicator(found, child) for child in item.items])


def _stage(scheme: Scheme, stage: Stage) -> Node:
    window = f"{stage.window.from_} – {stage.window.to}"
    node = Node(f"{stage.title} · {plain(stage.weight)} % · {window}  [{stage.clause}]")
    node.children.append(Node("; ".join(map(str, stage.assessors))))
    node.children += [Node(f"{note.text}  [{note.clause}]") for note in stage.notes]
    for group, plan in stage.plans.items():
        steps = [
            Node(_step(step, plan) + (f"  [{step.clause}]" if step.clause else ""))
            for step in plan.steps
        ]
        steps += [Node(_watch(rule, plan)) for rule in plan.checks]
        files = [Node(f"{form.title} ← {form.file} › {form.sheet}") for form in plan.forms]
        node.children.append(Node(str(scheme.group(group).title), [*files, *steps]))
    return node


def _step(step: Step, plan: Plan) -> str:
    if not isinstance(step, RollUp):
        return describe(step, plan)
    return describe(step, plan) + _(
        "; missing: {missing}; not applicable: {not_applicable}"
    ).format(missing=_(_POLICIES[step.missing]), not_applicable=_(_POLICIES[step.not_applicable]))


def _watch(rule: Watch, plan: Plan) -> str:
    found = dimension_of(rule)
    title = plan.dimensions[found[1]].title if found else None
    name = str(title or (found[1] if found else ""))
    return f"{_watched(rule, name)}  [{rule.clause}] · {_(_SEVERITIES[rule.severity])}"


def _watched(rule: Watch, name: str) -> str:
    """What a check asks for; ``name`` is the dimension that it names."""
    match rule:
        case Spread():
            share = f"{plain(rule.at_least_percent)} %"
            text = (
                _("highest and lowest at least {share} of the full marks apart")
                if rule.of == "full_marks"
                else _("highest and lowest at least {share} of the highest apart")
            )
            return text.format(share=share)
        case Flat():
            return _("{name}: not the same score for everyone").format(name=name)
        case Identical():
            return _("{name}: no two alike, cell for cell").format(name=name)
        case Outlier():
            text = _("{name}: none far from all others (robust z-score beyond {limit})")
            return text.format(name=name, limit=plain(rule.beyond))
        case Empty():
            return _("{name}: none without any score").format(name=name)
        case Dated():
            return _("the date on the sheet lies in the stage's window")
        case Reasoned():
            return _("a reason beside every score below full marks")


def _adjustment(scheme: Scheme, item: Adjustment) -> Node:
    groups = "、".join(str(scheme.group(group).title) for group in item.groups)
    kind = _("bonus") if item.kind == "bonus" else _("deduction")
    rule = item.points
    if isinstance(rule, Bands):
        points = ", ".join(
            f"{plain(band.from_)}–{'' if band.to is None else plain(band.to)}: {plain(band.points)}"
            for band in rule.bands
        )
    elif isinstance(rule, Stated):
        points = _("as stated, at most {max} each").format(max=plain(rule.max))
    else:
        assert isinstance(rule, Fixed)
        points = plain(rule.fixed)
    if item.cap is not None:
        points += " · " + _("at most {cap} a unit").format(cap=plain(item.cap))
    if item.once:
        points += " · " + _("once a unit")
    return Node(f"{item.title} · {kind} · {groups} · {points}  [{item.clause}]")


def _ranking(scheme: Scheme) -> list[Node]:
    ties = [tie.stage or _("composite") for tie in scheme.ranking.ties]
    chain = " → ".join([_("final"), *ties, _("shared rank")])
    digits = _("{digits} decimals, rounded half up").format(digits=scheme.final.digits)
    low, high = (
        "—" if bound is None else plain(bound) for bound in (scheme.final.floor, scheme.final.cap)
    )
    bounds = _("from {low} to {high}").format(low=low, high=high)
    secret = _("scores of fewer than {count} raters are kept within the office").format(
        count=scheme.confidentiality.fewest_raters
    )
    return [
        Node(f"{chain}  [{scheme.ranking.clause}]"),
        Node(f"{digits} · {bounds}  [{scheme.final.clause}]"),
        Node(f"{secret}  [{scheme.confidentiality.clause}]"),
        *_audiences(scheme),
    ]


def _audiences(scheme: Scheme) -> Iterator[Node]:
    """Who is shown what beside rules and ranks."""
    rule = scheme.confidentiality
    nothing = (_("ranks alone"), _("nothing but its own"))
    for audience in (Audience.LEADING_GROUP, Audience.PUBLIC, Audience.UNIT):
        shown = rule.shown_to(audience)
        words = listed(_(DETAILS[detail]) for detail in Detail if detail in shown)
        seen = _("{audience} sees: {details}").format(
            audience=_(CALLED[audience]), details=words or nothing[audience is Audience.UNIT]
        )
        yield Node(f"{seen}  [{rule.clause}]")
