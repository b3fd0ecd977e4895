"""Checks across scores: duplicates, and those that a plan declares."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.numbers import short_text
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.table import Group, Key, ScoreTable, Table


def duplicates(
    stage: Stage, table: Table, dimension: str, groups: Mapping[Key, Group]
) -> Iterator[Finding]:
    """Two scores for one place: both are named, and neither is preferred."""
    distinct: set[tuple[str, ...]] = set()
    place = table.dimensions.index(dimension)
    for key, group in groups.items():
        members = tuple(group.members)
        if members in distinct or len(set(members)) == len(members):
            distinct.add(members)
            continue
        twice = next(name for name in members if members.count(name) > 1)
        sources = table.sources(insert(key, place, twice))
        of = " ".join((*key, twice))
        yield finding("score-twice", sources[-1], stage=stage.title, of=of, first=sources[0])


def spreads(stage: Stage, plan: Plan, scores: ScoreTable) -> Iterator[Finding]:
    """Members whose highest and lowest score differ by less than the plan asks."""
    others = [name for name in scores.dimensions if name != "unit"]
    for rule in plan.checks:
        for key, group in scores.groups("unit").items():
            numbers = [Fraction(v) for v in group.values if isinstance(v, Decimal | Fraction)]
            if len(numbers) < 2:
                continue
            high, low = max(numbers), min(numbers)
            whole = high if rule.of == "highest" else Fraction(plan.full_marks or 0)
            needed = whole * Fraction(rule.at_least_percent) / 100
            if high - low >= needed:
                continue
            unit = scores.dimensions.index("unit")
            place = scores.sources(insert(key, unit, group.members[0]))[0]
            small = finding(
                "spread-too-small",
                Source(place.file, place.sheet),
                member=dict(zip(others, key, strict=True))[rule.spread],
                stage=stage.title,
                highest=short_text(high),
                lowest=short_text(low),
                needed=short_text(needed),
                clause=rule.clause,
            )
            yield replace(small, severity=Severity(rule.severity))


def insert(key: Key, place: int, member: str) -> Key:
    """The key with one more member at ``place``."""
    return (*key[:place], member, *key[place:])
