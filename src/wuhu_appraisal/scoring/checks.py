"""Checks across scores: duplicates, and those that a plan declares."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.numbers import short_text
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.table import Absent, Key, ScoreTable, Value, row_keys


def without_duplicates(
    scheme: Scheme, stage: Stage, plan: Plan, scores: ScoreTable
) -> tuple[ScoreTable, list[Finding]]:
    """The scores with every place that was filled twice made missing, and a finding for each row.

    Both places are named and neither is preferred.
    """
    first: dict[Key, tuple[int, int]] = {}
    findings: list[Finding] = []
    blanked: dict[int, list[list[Value]]] = {}
    for at, block in enumerate(scores.blocks):
        rest = tuple(name for name in scores.dimensions if name != block.columns.dimension)
        for row, key in enumerate(row_keys(block, rest)):
            full = (block.columns.dimension, *key)
            other, line = first.setdefault(full, (at, row))
            if other == at:
                continue
            common = set(block.columns.members) & set(scores.blocks[other].columns.members)
            if not common:
                continue
            for index, where in ((at, row), (other, line)):
                columns = scores.blocks[index].columns.members
                values = blanked.setdefault(index, [list(v) for v in scores.blocks[index].values])
                for column, member in enumerate(columns):
                    if member in common:
                        values[where][column] = Absent.MISSING
            column = block.columns.members.index(
                next(m for m in block.columns.members if m in common)
            )
            before = scores.blocks[other].columns.members.index(block.columns.members[column])
            findings.append(
                finding(
                    "score-twice",
                    block.source(row, column),
                    stage=stage.title,
                    of=scheme.titles_of(plan, rest, key),
                    first=scores.blocks[other].source(line, before),
                )
            )
    blocks = [
        replace(block, values=blanked[at]) if at in blanked else block
        for at, block in enumerate(scores.blocks)
    ]
    return ScoreTable(scores.dimensions, blocks), findings


def spreads(stage: Stage, plan: Plan, scores: ScoreTable) -> Iterator[Finding]:
    """Members whose highest and lowest score differ by less than the plan asks."""
    for rule in plan.checks:
        place = scores.dimensions.index(rule.spread)
        given: dict[str, list[tuple[Fraction, Key]]] = {}
        for key, value in scores.items():
            if isinstance(value, Decimal | Fraction):
                given.setdefault(key[place], []).append((Fraction(value), key))
        for member, numbers in given.items():
            high, low = max(numbers)[0], min(numbers)[0]
            whole = high if rule.of == "highest" else Fraction(plan.full_marks or 0)
            needed = whole * Fraction(rule.at_least_percent) / 100
            if len(numbers) < 2 or high - low >= needed:
                continue
            source = scores.sources(numbers[0][1])[0]
            small = finding(
                "spread-too-small",
                Source(source.file, source.sheet),
                member=member,
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
