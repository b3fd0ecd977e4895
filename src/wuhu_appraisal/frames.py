"""A run as pandas data frames, for those who go on working with it in Python.

Numbers stay exact: published ones are decimals, scores are decimals as they were read.
"""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from typing import Any

import pandas as pd

from wuhu_appraisal.run import Run
from wuhu_appraisal.table import Absent, Value


def ranking(run: Run) -> pd.DataFrame:
    """One row a unit: group, rank, unit, each stage, composite, points, final; as published."""
    return pd.DataFrame(
        [
            {
                "group": group,
                "rank": item.rank,
                "unit": item.unit,
                **item.stages,
                "composite": item.composite,
                "points": item.points,
                "final": item.final,
            }
            for group, standings in run.standings.items()
            for item in standings
        ]
    )


def scores(run: Run) -> pd.DataFrame:
    """One row a cell: stage, group, its dimensions, the score, and its source.

    A missing score is None, one that does not apply is "/". A dimension that a stage does not have
    is None.
    """
    return pd.DataFrame(_scores(run))


def _score(value: Value) -> Any:
    if value is Absent.MISSING:
        return None
    return value.value if isinstance(value, Absent) else value


def _scores(run: Run) -> Iterator[dict[str, Any]]:
    for group, traced in run.traces.items():
        for stage, trace in traced.stages.items():
            for block in trace.scores.blocks:
                size = (len(block.rows.members), len(block.columns.members))
                for row, column in product(*map(range, size)):
                    yield {
                        "stage": stage,
                        "group": group,
                        **block.fixed,
                        **block.rows.member(row),
                        **block.columns.member(column),
                        "score": _score(block.values[row][column]),
                        **asdict(block.source(row, column)),
                    }
