"""The checks across cells that a plan asks for: each reports, none changes a score."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from statistics import median

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.numbers import plain, short_text
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.scheme.watches import Empty, Flat, Identical, Outlier, Spread
from wuhu_appraisal.table import Absent, Key, ScoreTable

_NORMAL = Fraction(6745, 10000)
"""What the median absolute deviation of a normal distribution is to its standard deviation."""

_MEAN_NORMAL = Fraction(7979, 10000)
"""What its mean absolute deviation is to it; taken where more than half of the values are equal."""

_FEWEST = 3
"""Fewer scores, or raters, are no ground for saying that one is out of line."""

Ballots = Mapping[str, Mapping[Key, Fraction]]
"""The numbers that each member of a dimension gave, by what they were given for."""


def watch(scheme: Scheme, stage: Stage, plan: Plan, scores: ScoreTable) -> Iterator[Finding]:
    """What the plan's checks find in the scores of a stage and group."""
    for rule in plan.checks:
        match rule:
            case Spread():
                found = _spreads(rule, stage, plan, scores)
            case Flat():
                found = _flat(rule, stage, scores)
            case Identical():
                found = _identical(rule, stage, scores)
            case Outlier():
                found = _outliers(rule, stage, scores)
            case Empty():
                found = _empty(rule, scheme, stage, plan, scores)
            case _:
                continue
        yield from (replace(item, severity=Severity(rule.severity)) for item in found)


def _ballots(scores: ScoreTable, dimension: str) -> Ballots:
    place = scores.dimensions.index(dimension)
    given: dict[str, dict[Key, Fraction]] = {}
    for key, value in scores.items():
        if isinstance(value, Decimal | Fraction):
            rest = key[:place] + key[place + 1 :]
            given.setdefault(key[place], {})[rest] = Fraction(value)
    return given


def _sheet(scores: ScoreTable, dimension: str, member: str) -> Source:
    return scores.sheet_for({dimension: member}) or Source("")


def _spreads(rule: Spread, stage: Stage, plan: Plan, scores: ScoreTable) -> Iterator[Finding]:
    for member, numbers in _ballots(scores, rule.spread).items():
        high, low = max(numbers.values()), min(numbers.values())
        whole = high if rule.of == "highest" else Fraction(plan.full_marks or 0)
        needed = whole * Fraction(rule.at_least_percent) / 100
        if len(numbers) > 1 and high - low < needed:
            yield finding(
                "spread-too-small",
                _sheet(scores, rule.spread, member),
                member=member,
                stage=stage.title,
                highest=short_text(high),
                lowest=short_text(low),
                needed=short_text(needed),
                clause=rule.clause,
            )


def _flat(rule: Flat, stage: Stage, scores: ScoreTable) -> Iterator[Finding]:
    for member, numbers in _ballots(scores, rule.flat).items():
        distinct = set(numbers.values())
        if len(numbers) >= _FEWEST and len(distinct) == 1:
            where = _sheet(scores, rule.flat, member)
            said = {"member": member, "value": short_text(distinct.pop()), "clause": rule.clause}
            yield finding("ballot-flat", where, stage=stage.title, **said)


def _identical(rule: Identical, stage: Stage, scores: ScoreTable) -> Iterator[Finding]:
    """A ballot that is another's: flat ones are alike without having been copied."""
    first: dict[frozenset[tuple[Key, Fraction]], str] = {}
    for member, numbers in _ballots(scores, rule.identical).items():
        if len(numbers) < _FEWEST or len(set(numbers.values())) == 1:
            continue
        other = first.setdefault(frozenset(numbers.items()), member)
        if other != member:
            where = _sheet(scores, rule.identical, member)
            said = {"member": member, "other": other, "clause": rule.clause}
            yield finding("ballot-identical", where, stage=stage.title, **said)


def _outliers(rule: Outlier, stage: Stage, scores: ScoreTable) -> Iterator[Finding]:
    """Raters by their mean distance from the median of all scores for the same (modified z-score)."""
    ballots = _ballots(scores, rule.outlier)
    given: dict[Key, list[Fraction]] = {}
    for numbers in ballots.values():
        for key, number in numbers.items():
            given.setdefault(key, []).append(number)
    middles = {key: median(numbers) for key, numbers in given.items()}
    distances = {
        member: sum((number - middles[key] for key, number in numbers.items()), Fraction(0))
        / len(numbers)
        for member, numbers in ballots.items()
    }
    for member, z in _modified_z(distances).items():
        if abs(z) > Fraction(rule.beyond):
            yield finding(
                "rater-outlier",
                _sheet(scores, rule.outlier, member),
                stage=stage.title,
                member=member,
                distance=short_text(distances[member], 2),
                z=short_text(z, 1),
                limit=plain(rule.beyond),
                clause=rule.clause,
            )


def _modified_z(values: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Each value's distance from the median in robust standard deviations (Iglewicz, Hoaglin 1993)."""
    if len(values) < _FEWEST:
        return {}
    middle = median(values.values())
    away = [abs(value - middle) for value in values.values()]
    usual, factor = median(away), _NORMAL
    if not usual:
        usual, factor = _mean(away), _MEAN_NORMAL
    if not usual:
        return {}
    return {name: factor * (value - middle) / usual for name, value in values.items()}


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _empty(
    rule: Empty, scheme: Scheme, stage: Stage, plan: Plan, scores: ScoreTable
) -> Iterator[Finding]:
    place = scores.dimensions.index(rule.empty)
    unit = scores.dimensions.index("unit")
    filled: dict[str, set[str]] = {}
    for key, value in scores.items():
        filled.setdefault(key[unit], set())
        # What a person set aside is not for the office to supply.
        if isinstance(value, Decimal | Fraction) or value is Absent.SET_ASIDE:
            filled[key[unit]].add(key[place])
    for name, members in filled.items():
        for member in scheme.members(plan.dimensions[rule.empty]) or ():
            if member not in members:
                where = scores.sheet_for({"unit": name, rule.empty: member}) or Source("")
                title = scheme.title_of(plan, rule.empty, member)
                said = {"of": name, "member": title, "clause": rule.clause}
                yield finding("member-empty", where, stage=stage.title, **said)
