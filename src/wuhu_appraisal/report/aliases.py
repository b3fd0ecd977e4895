"""Ballots under numbers: every score can be seen and followed, and nobody sees who gave it.

The order of the numbers follows from the hashes of all ballots, so it is the same wherever the run
is told, another one in another run, and known to nobody who has not got all of them.
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from wuhu_appraisal.i18n import _
from wuhu_appraisal.manifest import SourceRecord
from wuhu_appraisal.run import Run
from wuhu_appraisal.scheme.compose import planned
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.scheme.steps import RollUp
from wuhu_appraisal.scoring.evaluate import StageTrace, run_steps
from wuhu_appraisal.table import ScoreTable

Numbers: TypeAlias = Mapping[str, str]
"""What each rater of a set is called instead, in the order of the numbers."""


def rated_by(plan: Plan) -> list[str]:
    """The dimensions of a plan whose members are raters."""
    return [name for name, dimension in plan.dimensions.items() if dimension.raters]


def rated_stages(scheme: Scheme) -> Iterator[tuple[Stage, str, Plan]]:
    """Every stage with a group whose scores raters give, and the plan of it."""
    for stage in scheme.stages:
        for group, plan in stage.plans.items():
            if rated_by(plan):
                yield stage, group, plan


def can_be_numbered(run: Run) -> bool:
    """Whether a ballot without its rater's name does not tell the name all the same.

    It would where raters stand side by side in one sheet, whose order is known; where they are
    appraised in the group that they rate, and leave themselves out; and where they have weights.
    """
    return all(_tells_nobody(run, *rated) for rated in rated_stages(run.scheme))


def numbered(run: Run) -> Run:
    """The run with its raters numbered: scheme, traces, sources. ValueError if they cannot be.

    Findings and what else may name a rater in words is the caller's to leave out.
    """
    if not can_be_numbered(run):
        raise ValueError("a ballot would tell its rater without a name")
    return _Numbered(run).made()


def _tells_nobody(run: Run, stage: Stage, group: str, plan: Plan) -> bool:
    [dimension, *others] = rated_by(plan)
    raters = plan.dimensions[dimension].raters
    assert raters is not None
    units = {unit.name for unit in run.scheme.group(group).units}
    weighed = any(
        isinstance(step, RollUp) and step.roll_up == dimension and step.by in ("weighted", "latest")
        for step in plan.steps
    )
    blocks = run.traces[group].stages[stage.id].scores.blocks
    own_sheets = all(dimension in block.fixed for block in blocks)
    return (
        own_sheets and not others and not weighed and units.isdisjoint(run.scheme.raters_of(raters))
    )


@dataclass(frozen=True)
class _Numbered:
    run: Run

    @cached_property
    def names(self) -> Mapping[str, Numbers]:
        """What the raters of each set are called."""
        return {raters.id: self._drawn(raters.id) for raters in self.run.scheme.raters}

    def _drawn(self, raters: str) -> Numbers:
        key = bytes.fromhex(self.run.fingerprint)
        drawn = sorted(
            self.run.scheme.raters_of(raters),
            key=lambda name: hmac.digest(key, f"{raters}\n{name}".encode(), "sha256"),
        )
        called = _("Rater {number}")
        return {name: called.format(number=number) for number, name in enumerate(drawn, 1)}

    @cached_property
    def scheme(self) -> Scheme:
        """The scheme with numbers in the place of the raters' names."""
        raters = [
            item.model_copy(update={"units": [*self.names[item.id].values()], "group": None})
            for item in self.run.scheme.raters
        ]
        return self.run.scheme.model_copy(update={"raters": raters})

    def made(self) -> Run:
        """The run under numbers."""
        traces = dict(self.run.traces)
        ballots: dict[SourceRecord, None] = {}
        for stage, group, _plan in rated_stages(self.run.scheme):
            trace = self._trace(stage, group)
            traces[group] = replace(traces[group], stages={**traces[group].stages, stage.id: trace})
            for block in trace.scores.blocks:
                ballots[SourceRecord(block.file, "", (stage.id,))] = None
        return replace(
            self.run, scheme=self.scheme, traces=traces, sources=[*self.run.sources, *ballots]
        )

    def _trace(self, stage: Stage, group: str) -> StageTrace:
        """The same scores through the same steps, in the order of the numbers."""
        plan = stage.plans[group]
        [dimension] = rated_by(plan)
        numbers = self.names[plan.dimensions[dimension].raters or ""]
        order = [*numbers]
        trace = self.run.traces[group].stages[stage.id]
        where = f"{stage.title}/{self.scheme.group(group).title}"
        blocks = [
            replace(
                block,
                file=f"{where}/{numbers[block.fixed[dimension]]}",
                sheet="",
                fixed={**block.fixed, dimension: numbers[block.fixed[dimension]]},
            )
            for block in sorted(trace.scores.blocks, key=lambda b: order.index(b.fixed[dimension]))
        ]
        scores = ScoreTable(trace.scores.dimensions, blocks)
        steps, _found = run_steps(self.scheme, stage, plan, planned(self.scheme, plan), scores)
        return replace(trace, scores=scores, steps=steps)
