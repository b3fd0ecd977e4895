"""The rules for facts in words: each as a sentence, and what each of its numbers is."""

from collections.abc import Iterator
from decimal import Decimal

from wuhu_appraisal.language import N_, _, joined, listed
from wuhu_appraisal.numbers import short_text
from wuhu_appraisal.scheme.facts import (
    Banded,
    BestOf,
    Earn,
    FactRule,
    Lose,
    MinMax,
    Proportion,
    Ranked,
    When,
)
from wuhu_appraisal.scheme.models import Indicator
from wuhu_appraisal.scheme.rules import Bound

_TIES = {
    "mean": N_("units of one rank share the mean"),
    "highest": N_("units of one rank get the points of the first of them"),
    "lowest": N_("units of one rank get the points of the last of them"),
}
_NOTHING = {"full": N_("full marks where there is nothing"), "zero": N_("0 where there is nothing")}
_EQUAL = {"full": N_("full marks where all are equal"), "zero": N_("0 where all are equal")}
_SIGNS = {">=": "≥", "<=": "≤"}
_ORDERS = {"highest_first": N_("the highest first"), "lowest_first": N_("the lowest first")}


def fact_title(item: Indicator, name: str) -> str:
    """Return the title of a fact of an item; its name where it has none."""
    return str(item.facts[name].title or name)


def describe_rule(item: Indicator, rule: FactRule) -> str:
    """Return one rule of an item's score as a sentence, without a value of any unit."""
    facts = listed(fact_title(item, name) for name in rule.named) or _("each of them")
    match rule:
        case Lose() | Earn():
            text = joined(_cases(item, rule))
            if rule.cap is None:
                return text
            return _("{parts} (together at most {cap})").format(
                parts=text, cap=short_text(rule.cap)
            )
        case Banded():
            bands = listed(
                f"{Bound.__str__(band)}: {short_text(band.number)}" for band in rule.bands
            )
            return f"{facts}: {bands}"
        case When():
            return _when(item, rule)
        case Proportion():
            to = short_text(rule.to) if not isinstance(rule.to, str) else fact_title(item, rule.to)
            text = _("{fact} in proportion to {to}, at most {marks} marks")
            text = text.format(
                fact=fact_title(item, rule.proportion), to=to, marks=_marks(item, rule)
            )
            return listed(filter(None, [text, _(_NOTHING.get(rule.if_nothing or "", ""))]))
        case BestOf():
            text = _("{fact}: {marks} marks for the highest of the group, the others in proportion")
            text = text.format(fact=facts, marks=_marks(item, rule))
            return listed([text, _(_NOTHING[rule.if_nothing])])
        case Ranked():
            points = listed([*map(short_text, rule.at_ranks), f"… {short_text(rule.rest)}"])
            text = _("{fact}: points by rank in the group, {order}: {points}; {ties}")
            return text.format(
                fact=facts, order=_(_ORDERS[rule.order]), points=points, ties=_(_TIES[rule.ties])
            )
        case MinMax():
            text = _("{fact}: {marks} marks for the lowest of the group, 0 for the highest")
            if rule.better == "higher":
                text = _("{fact}: {marks} marks for the highest of the group, 0 for the lowest")
            text = text.format(fact=facts, marks=_marks(item, rule))
            return listed([text, _(_EQUAL[rule.if_equal])])
    raise NotImplementedError(type(rule))


def _marks(item: Indicator, rule: Proportion | BestOf | MinMax) -> str:
    return short_text(rule.marks or item.marks or Decimal(0))


def _cases(item: Indicator, rule: Lose | Earn) -> list[str]:
    lost = isinstance(rule, Lose)
    texts = []
    for name, case in rule.cases.items():
        text = _("{fact}: lose {points} for each") if lost else _("{fact}: {points} for each")
        if case.each is not None:
            text = _("{fact}: {points} for each full {each}")
            if lost:
                text = _("{fact}: lose {points} for each full {each}")
        text = text.format(
            fact=fact_title(item, name),
            points=short_text(case.points),
            each=short_text(case.each or Decimal(0)),
        )
        if case.above is not None:
            text = _("{text} above {above}").format(text=text, above=short_text(case.above))
        texts.append(text)
    return texts


def _when(item: Indicator, rule: When) -> str:
    conditions = listed(
        f"{fact_title(item, name)} "
        + (str(bound) if isinstance(bound, Bound) else _("yes") if bound else _("no"))
        for name, bound in rule.when.items()
    )
    then, other = (
        joined(describe_rule(item, inner) for inner in rules) or "0"
        for rules in (rule.then, rule.else_)
    )
    text = _("if {conditions}: [{then}]; otherwise: [{other}]")
    return text.format(conditions=conditions, then=then, other=other)


def number_texts(item: Indicator, rule: FactRule) -> Iterator[str | None]:
    """Yield what each number of ``FactRule.numbers`` is; None for the marks of the item."""
    match rule:
        case Lose() | Earn():
            yield from _case_texts(item, rule)
        case Banded():
            facts = listed(fact_title(item, name) for name in rule.named or item.facts)
            for band in rule.bands:
                yield from (f"{facts} {_SIGNS.get(sign, sign)}" for sign, _bound in band.stated)
                yield _("{fact} · points if {bounds}").format(fact=facts, bounds=band)
        case When():
            yield from _when_texts(item, rule)
        case Ranked():
            text, fact = _("{fact} · points at rank {rank}"), fact_title(item, rule.rank)
            ranks = range(1, len(rule.at_ranks) + 1)
            yield from (text.format(fact=fact, rank=rank) for rank in ranks)
            yield _("{fact} · points at all other ranks").format(fact=fact)
        case Proportion() | BestOf() | MinMax():
            fact = fact_title(item, rule.named[0])
            yield None if rule.marks is None else _("{fact} · marks").format(fact=fact)
            if isinstance(rule, Proportion) and not isinstance(rule.to, str):
                yield _("{fact} · full marks at").format(fact=fact)


def _case_texts(item: Indicator, rule: Lose | Earn) -> Iterator[str]:
    points = _("{fact} · points lost for each") if rule.takes else _("{fact} · points for each")
    for name, each in rule.cases.items():
        fact = fact_title(item, name)
        yield points.format(fact=fact)
        if each.each is not None:
            yield _("{fact} · how many make one").format(fact=fact)
        if each.above is not None:
            yield _("{fact} · only those above").format(fact=fact)
    if rule.cap is not None:
        yield _("together at most")


def _when_texts(item: Indicator, rule: When) -> Iterator[str | None]:
    for name, bound in rule.when.items():
        if isinstance(bound, Bound):
            text = _("if {fact} {sign}")
            yield from (
                text.format(fact=fact_title(item, name), sign=_SIGNS.get(sign, sign))
                for sign, _bound in bound.stated
            )
    for inner in (*rule.then, *rule.else_):
        yield from number_texts(item, inner)
