"""Scores that were given twice."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import product

from wuhu_appraisal.findings import Finding, finding
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.table import Absent, Block, Key, ScoreTable


def without_duplicates(
    scheme: Scheme, stage: Stage, plan: Plan, scores: ScoreTable
) -> tuple[ScoreTable, list[Finding]]:
    """The scores with every place that was filled twice made missing, and a finding for each row.

    Both places are named and neither is preferred; a sheet that was set aside gives way to the other.
    """
    findings: list[Finding] = []
    scores = ScoreTable(scores.dimensions, list(_without_replaced(scores.blocks)))
    pairs = list(_overlaps(scores.blocks))
    values = {
        at: [list(row) for row in scores.blocks[at].values] for pair in pairs for at in pair[:2]
    }
    for at, other, common in pairs:
        for index in (at, other):
            for row, column in _cells_in(scores.blocks[index], common):
                values[index][row][column] = Absent.MISSING
        block = scores.blocks[at]
        rows: set[int] = set()
        for row, column in _cells_in(block, common):
            if row in rows:
                continue
            rows.add(row)
            named = {**block.fixed, **block.rows.member(row), **block.columns.member(column)}
            key = tuple(named[name] for name in scores.dimensions)
            before = ScoreTable(scores.dimensions, [scores.blocks[other]]).sources(key)[0]
            of = scheme.titles_of(plan, scores.dimensions, key)
            where = block.source(row, column)
            findings.append(finding("score-twice", where, stage=stage.title, of=of, first=before))
    blocks = [
        replace(block, values=values[at]) if at in values else block
        for at, block in enumerate(scores.blocks)
    ]
    return ScoreTable(scores.dimensions, blocks), findings


def _without_replaced(blocks: Sequence[Block]) -> Iterator[Block]:
    """The rectangles without those that were set aside and of which another gives every score."""
    aside = {at for at, block in enumerate(blocks) if _set_aside(block)}
    replaced = set()
    if aside:
        for at, other, common in _overlaps(blocks):
            for own, rival in ((at, other), (other, at)):
                cells = len(list(_cells_in(blocks[own], common)))
                whole = cells == len(blocks[own].rows.members) * len(blocks[own].columns.members)
                if own in aside and (rival not in aside or own > rival) and whole:
                    replaced.add(own)
    yield from (block for at, block in enumerate(blocks) if at not in replaced)


def _set_aside(block: Block) -> bool:
    values = [value for row in block.values[:1] for value in row[:1]]
    return values == [Absent.SET_ASIDE] and all(
        value is Absent.SET_ASIDE for row in block.values for value in row
    )


def _overlaps(blocks: Sequence[Block]) -> Iterator[tuple[int, int, Mapping[str, Set[str]]]]:
    """Each pair of rectangles with a score in common, and the members that both have.

    A dimension may run along a side of one and be fixed in the other.
    """
    extents: list[dict[str, Set[str]]] = []
    by_unit: dict[str, list[int]] = {}
    for at, block in enumerate(blocks):
        extent: dict[str, Set[str]] = {name: {member} for name, member in block.fixed.items()}
        for axis in (block.rows, block.columns):
            if axis.dimension:
                extent[axis.dimension] = set(axis.members)
        others = {other for unit in extent["unit"] for other in by_unit.get(unit, ())}
        for other in sorted(others):
            common = {name: extent[name] & extents[other][name] for name in extent}
            if all(common.values()):
                yield at, other, common
        extents.append(extent)
        for unit in extent["unit"]:
            by_unit.setdefault(unit, []).append(at)


def _cells_in(block: Block, common: Mapping[str, Set[str]]) -> Iterator[tuple[int, int]]:
    """The 0-based rows and columns of a rectangle's cells whose members are all in common."""
    yield from product(
        *(
            [at for at, name in enumerate(axis.members) if name in common.get(axis.dimension, {""})]
            for axis in (block.rows, block.columns)
        )
    )


def insert(key: Key, place: int, member: str) -> Key:
    """The key with one more member at ``place``."""
    return (*key[:place], member, *key[place:])
