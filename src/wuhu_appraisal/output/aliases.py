"""Ballots under numbers: every score can be seen and followed, and nobody sees who gave it.

The order of the numbers follows from the run's key, so it is the same wherever the run is told,
another one in another run, and known to nobody who has not got the result.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from wuhu_appraisal.language import _
from wuhu_appraisal.model import (
    Absent,
    Axis,
    Block,
    InputFile,
    Key,
    Result,
    Score,
    ScoreTable,
    StageTrace,
)
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import planned
from wuhu_appraisal.scheme.rules import RollUp
from wuhu_appraisal.score.steps import run_steps

NOWHERE = 0
"""The row or column of a score that is not told: in its cell it would stand where others do not."""


def rated_by(plan: Plan) -> list[str]:
    """The dimensions of a plan whose members are raters."""
    return [name for name, dimension in plan.dimensions.items() if dimension.raters]


def rated_stages(scheme: Scheme) -> Iterator[tuple[Stage, str, Plan]]:
    """Every stage with a group whose scores raters give, and the plan of it."""
    for stage in scheme.stages:
        for group, plan in stage.plans.items():
            if rated_by(plan):
                yield stage, group, plan


def can_be_numbered(result: Result) -> bool:
    """Whether a ballot without its rater's name does not tell the name all the same.

    It would where raters stand side by side in one sheet, whose order is known; where they are
    appraised in the group that they rate, and leave themselves out; where they have weights; where
    one leaves out what others score; and where they are too few.
    """
    return all(_tells_nobody(result, *rated) for rated in rated_stages(result.scheme))


def numbered(result: Result) -> Result:
    """The run with its raters numbered: scheme, traces, sources. ValueError if they cannot be.

    Findings and what else may name a rater in words is the caller's to leave out.
    """
    if not can_be_numbered(result):
        raise ValueError("a ballot would tell its rater without a name")
    traces = dict(result.traces)
    ballots: dict[InputFile, None] = {}
    scheme = _numbered_scheme(result)
    for stage, group, plan in rated_stages(result.scheme):
        trace = _trace(result, scheme, stage, group, plan)
        traces[group] = replace(traces[group], stages={**traces[group].stages, stage.id: trace})
        for block in trace.scores.blocks:
            ballots[InputFile(block.file, "", (stage.id,))] = None
    return replace(result, scheme=scheme, traces=traces, sources=[*result.sources, *ballots])


def _tells_nobody(result: Result, stage: Stage, group: str, plan: Plan) -> bool:
    [dimension, *others] = rated_by(plan)
    raters = result.scheme.raters_of(plan.dimensions[dimension].raters or "")
    units = {unit.name for unit in result.scheme.group(group).units}
    weighed = any(
        isinstance(step, RollUp) and step.roll_up == dimension and step.by in ("weighted", "latest")
        for step in plan.steps
    )
    scores = result.traces[group].stages[stage.id].scores
    if others or weighed or not units.isdisjoint(raters):
        return False
    if not all(dimension in block.fixed for block in scores.blocks):
        return False
    given: dict[str, set[Key]] = {}
    place = scores.dimensions.index(dimension)
    for key, value in scores.items():
        scored = given.setdefault(key[place], set())
        if not isinstance(value, Absent):
            scored.add((*key[:place], *key[place + 1 :]))
    alike = {frozenset(found) for found in given.values() if found}
    count = sum(bool(found) for found in given.values())
    return len(alike) <= 1 and (not count or count >= result.scheme.confidentiality.fewest_raters)


def _numbered_scheme(result: Result) -> Scheme:
    """The scheme with numbers in the place of the raters' names."""
    called = _("Rater {number}")
    raters = [
        item.model_copy(
            update={
                "units": [
                    called.format(number=number)
                    for number in range(1, len(result.scheme.raters_of(item.id)) + 1)
                ],
                "group": None,
            }
        )
        for item in result.scheme.raters
    ]
    return result.scheme.model_copy(update={"raters": raters})


def _trace(result: Result, scheme: Scheme, stage: Stage, group: str, plan: Plan) -> StageTrace:
    """The same scores through the same steps, in the order of the numbers."""
    [dimension] = rated_by(plan)
    raters = plan.dimensions[dimension].raters or ""
    key = result.key
    # Numbers of a stage and group of their own: a gap in one says nothing of another.
    drawn = sorted(
        result.scheme.raters_of(raters),
        key=lambda name: hmac.digest(
            key, "\n".join((stage.id, group, raters, name)).encode(), "sha256"
        ),
    )
    trace = result.traces[group].stages[stage.id]
    given: dict[str, dict[Key, Score]] = {name: {} for name in drawn}
    place = trace.scores.dimensions.index(dimension)
    for at, value in trace.scores.items():
        given[at[place]][(*at[:place], *at[place + 1 :])] = value
    rest = [name for name in trace.scores.dimensions if name != dimension]
    units = {unit.name: at for at, unit in enumerate(result.scheme.group(group).units)}
    where = f"{stage.title}/{result.scheme.group(group).title}"
    blocks: list[Block] = []
    for name, number in zip(drawn, scheme.raters_of(raters), strict=True):
        # In the scheme's order: that of a sheet may be its office's own.
        scores_of = sorted(given[name].items(), key=lambda item: (units[item[0][0]], item[0]))
        blocks += _ballot(f"{where}/{number}", {dimension: number}, rest, scores_of)
    scores = ScoreTable(trace.scores.dimensions, blocks)
    steps, _found = run_steps(scheme, stage, plan, planned(scheme, plan), scores)
    return replace(trace, scores=scores, steps=steps)


def _ballot(
    file: str, fixed: Mapping[str, str], rest: Sequence[str], given: Sequence[tuple[Key, Score]]
) -> Iterator[Block]:
    """One rater's scores, a row a unit and a column a member, without their places in the sheet."""
    columns = rest[1] if len(rest) > 1 else ""
    rows: dict[Key, dict[str, Score]] = {}
    for key, value in given:
        rows.setdefault((key[0], *key[2:]), {})[key[1] if columns else ""] = value
    for at, values in rows.items():
        named = dict(zip(rest[2:], at[1:], strict=True))
        yield Block(
            file,
            "",
            {**fixed, **named},
            Axis("unit", at[:1], (NOWHERE,)),
            Axis(columns, tuple(values), (NOWHERE,) * len(values)),
            [list(values.values())],
        )
