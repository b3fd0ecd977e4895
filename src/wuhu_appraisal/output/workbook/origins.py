"""Where the scores of a stage stand in the files that came."""

from collections.abc import Iterator, Mapping

from wuhu_appraisal.findings import Source
from wuhu_appraisal.model import Block, Key, ScoreTable


def origins(
    scores: ScoreTable, dimension: str | None
) -> tuple[dict[Key, list[Source]], dict[str, Source]]:
    """The stretches of cells behind each row of a sheet of ours, and the sheets behind its columns.

    ``dimension`` runs along our columns and is no part of the rows' keys; None where each score
    has a row. A column has a source where a whole sheet that came is of one member.
    """
    rest = [name for name in scores.dimensions if name != dimension]
    rows: dict[Key, list[Source]] = {}
    columns: dict[str, Source] = {}
    for block in scores.blocks:
        if dimension is not None and dimension in block.fixed:
            columns[block.fixed[dimension]] = Source(block.file, block.sheet)
            continue
        for named, first, last in _stretches(block, dimension):
            cells = first if first == last else f"{first}:{last}"
            key = tuple(named[name] for name in rest)
            rows.setdefault(key, []).append(Source(block.file, block.sheet, cells))
    return rows, columns


def _stretches(block: Block, dimension: str | None) -> Iterator[tuple[Mapping[str, str], str, str]]:
    """The first and last cell of each row, column or score of a rectangle, and what it is of."""
    rows, columns = range(len(block.rows.members)), range(len(block.columns.members))
    if dimension is None:
        pairs = [((row, column), (row, column)) for row in rows for column in columns]
    elif block.columns.dimension == dimension:
        pairs = [((row, 0), (row, -1)) for row in rows]
    else:
        pairs = [((0, column), (-1, column)) for column in columns]
    for (row, column), end in pairs:
        named = {**block.fixed, **block.rows.member(row), **block.columns.member(column)}
        yield named, block.source(row, column).cell, block.source(*end).cell
