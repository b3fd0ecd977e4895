"""A run as pandas data frames, for those who go on working with it in Python.

The columns and their types are said at the methods of ``Run`` with these names. Numbers stay
exact, and what is absent stays None: pandas would make floats and NaN of them, so the columns are
of dtype object.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any, TypeAlias

import pandas as pd

from wuhu_appraisal.model import Absent, Score, Standing, StepTable, Trace
from wuhu_appraisal.numbers import exact_text
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Convert, Rescale, RollUp, Step
from wuhu_appraisal.score.operations import Adjust, Grades, Scale, Weighted
from wuhu_appraisal.score.ranking import COMPOSITE, FINAL

Row: TypeAlias = tuple[object, ...]

_UNIT = "unit"
_BEFORE_STAGES, _AFTER_STAGES = ("group", "rank", _UNIT), ("composite", "points", "final")
_BEFORE_SCORE, _AFTER_SCORE = ("stage", "group", _UNIT), ("score", "file", "sheet", "cell")
_BEFORE_INPUT = ("stage", "group", "step", "kind", _UNIT)
_AFTER_INPUT = ("member", "value", "coefficient", "result")


def ranking(scheme: Scheme, standings: Mapping[str, Sequence[Standing]]) -> pd.DataFrame:
    """See ``Run.ranking``; ``standings`` are those of each group by its id."""
    stages = [stage.id for stage in scheme.stages]
    rows = (
        (
            group,
            item.rank,
            item.unit,
            *(item.stages[stage] for stage in stages),
            item.composite,
            item.points,
            item.final,
        )
        for group, found in standings.items()
        for item in found
    )
    frame = _frame(rows, _BEFORE_STAGES, stages, _AFTER_STAGES)
    return frame.astype({"rank": "Int64"})


def scores(traces: Mapping[str, Trace]) -> pd.DataFrame:
    """See ``Run.scores``; ``traces`` are those of each group by its id."""
    dimensions = _dimensions(traces)
    return _frame(_scores(traces, dimensions), _BEFORE_SCORE, dimensions, _AFTER_SCORE)


def trace(scheme: Scheme, traces: Mapping[str, Trace]) -> pd.DataFrame:
    """See ``Run.trace``; ``traces`` are those of each group by its id."""
    dimensions = _dimensions(traces)
    rows = _inputs(scheme, traces, dimensions)
    return _frame(rows, _BEFORE_INPUT, dimensions, _AFTER_INPUT).astype({"step": "int64"})


def _frame(
    rows: Iterable[Row], before: Sequence[str], named: Sequence[str], behind: Sequence[str]
) -> pd.DataFrame:
    """The rows under fixed columns and, between them, those that the scheme ``named``."""
    own = (*before, *behind)
    between = [_apart(name, (*own, *named)) if name in own else name for name in named]
    return pd.DataFrame(list(rows), columns=[*before, *between, *behind], dtype=object)


def _apart(name: str, taken: Collection[str]) -> str:
    """The name, with '_' behind it for as long as another has it."""
    while name in taken:
        name += "_"
    return name


def _dimensions(traces: Mapping[str, Trace]) -> list[str]:
    """The dimensions of all stages beside the unit."""
    named = (
        name
        for traced in traces.values()
        for stage in traced.stages.values()
        for name in stage.scores.dimensions
    )
    return [name for name in dict.fromkeys(named) if name != _UNIT]


def _scores(traces: Mapping[str, Trace], dimensions: Sequence[str]) -> Iterator[Row]:
    for group, traced in traces.items():
        for stage, found in traced.stages.items():
            for block in found.scores.blocks:
                size = (len(block.rows.members), len(block.columns.members))
                for row, column in product(*map(range, size)):
                    at = {**block.fixed, **block.rows.member(row), **block.columns.member(column)}
                    source = block.source(row, column)
                    yield (
                        stage,
                        group,
                        *map(at.get, (_UNIT, *dimensions)),
                        _score(block.values[row][column]),
                        source.file,
                        source.sheet,
                        source.cell,
                    )


def _inputs(
    scheme: Scheme, traces: Mapping[str, Trace], dimensions: Sequence[str]
) -> Iterator[Row]:
    ids = [stage.id for stage in scheme.stages]
    for group, traced in traces.items():
        for stage in scheme.stages:
            steps = zip(stage.plans[group].steps, traced.stages[stage.id].steps, strict=True)
            for place, (step, table) in enumerate(steps):
                head = (stage.id, group, place, _kind(step))
                yield from _table(head, table, dimensions, step)
        joined = (_apart(COMPOSITE, ids), group, 0, Weighted.name)
        yield from _table(joined, traced.composite, dimensions)
        adjusted = (_apart(FINAL, ids), group, 0, Adjust.name)
        yield from _table(adjusted, traced.final, dimensions)


def _table(
    head: Row, table: StepTable, dimensions: Sequence[str], step: Step | None = None
) -> Iterator[Row]:
    """The inputs of each number in a table."""
    for key, row in table.rows.items():
        at: Mapping[str, Any] = dict(zip(table.dimensions, key, strict=True))
        number = (*head, *map(at.get, (_UNIT, *dimensions)))
        result = None if isinstance(row.value, Absent) else Fraction(row.value)
        inputs = zip(row.members, row.values, row.coefficients, strict=True)
        for member, value, coefficient in inputs:
            yield (*number, *_input(member, value, step), coefficient, result)


def _input(member: str, value: Score, step: Step | None) -> Row:
    """Member and value; what a step takes one by one is no member of anything."""
    if isinstance(step, Convert) and isinstance(value, str):
        return value, Fraction(step.convert[value])
    name = None if isinstance(step, Convert | Rescale) else member
    return name, _absent(value) if isinstance(value, Absent) else Fraction(value)


def _kind(step: Step) -> str:
    if isinstance(step, RollUp):
        return step.by
    return Scale.name if isinstance(step, Rescale) else Grades.name


def _absent(value: Absent) -> str | None:
    return value.value or None


def _score(value: Score) -> Decimal | str | None:
    if isinstance(value, Absent):
        return _absent(value)
    # A result that was read from its file holds its scores as fractions.
    return Decimal(exact_text(value)) if isinstance(value, Fraction) else value
