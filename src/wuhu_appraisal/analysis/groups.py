"""A group's finals and ranks computed again from what a result holds."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from wuhu_appraisal.model import (
    FINAL,
    VETO,
    Absent,
    Record,
    StageTrace,
    Standing,
    StepRow,
    StepTable,
    Table,
)
from wuhu_appraisal.numbers import round_half_up
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.plan import planned
from wuhu_appraisal.score.ranking import RankKey, adjusted, finals, rank_key, standings, tied
from wuhu_appraisal.score.steps import composites, run_steps


@dataclass(frozen=True)
class ScoredGroup:
    """The units of one group of a result, with what their finals follow from."""

    result: Result
    id: str

    @property
    def scheme(self) -> Scheme:
        """The scheme of the result."""
        return self.result.scheme

    @property
    def standings(self) -> Sequence[Standing]:
        """The standings in order of rank."""
        return self.result.standings[self.id]

    @cached_property
    def ranked(self) -> list[Standing]:
        """The standings that have a rank."""
        return [item for item in self.standings if item.rank is not None]

    @cached_property
    def records(self) -> list[Record]:
        """The records of the adjustments and vetoes of all units."""
        return [record for item in self.standings for record in item.records]

    @cached_property
    def rows(self) -> Mapping[str, StepRow]:
        """The composite of each unit that has one, with its stages."""
        rows = self.result.traces[self.id].composite.rows
        return {key[0]: row for key, row in rows.items() if isinstance(row.value, Fraction)}

    @cached_property
    def finals(self) -> Mapping[str, Fraction]:
        """The exact final of each unit that has one."""
        rows = self.result.traces[self.id].final.rows
        return {key[0]: row.value for key, row in rows.items() if isinstance(row.value, Fraction)}

    @cached_property
    def unit_of_final(self) -> Fraction:
        """One in the last published place of a final."""
        return Fraction(1, 10**self.scheme.final.digits)

    @cached_property
    def _standing(self) -> dict[str, Standing]:
        return {item.unit: item for item in self.standings}

    @cached_property
    def _own(self) -> dict[str, list[Record]]:
        return {item.unit: item.records for item in self.standings}

    def final_row(self, unit: str, composite: Fraction) -> StepRow:
        """Return the final that a unit has with another composite."""
        table = StepTable(("unit",), {(unit,): StepRow(composite, (), (), ())})
        return finals(self.scheme, table, self._own[unit]).rows[unit,]

    def key(self, unit: str, composite: Fraction, stages: Mapping[str, Fraction] = {}) -> RankKey:
        """Return what a unit is ranked by with another composite, and other scores of some stages."""
        digits = self.scheme.composite.digits
        final = self.final(unit, composite)
        if not self.scheme.ranking.ties:
            return ((True, Fraction(round_half_up(final, self.scheme.final.digits))),)
        standing = self._standing[unit]
        changed = {name: round_half_up(value, digits) for name, value in stages.items()}
        return rank_key(
            self.scheme,
            replace(
                standing,
                final=round_half_up(final, self.scheme.final.digits),
                composite=round_half_up(composite, digits),
                stages={**standing.stages, **changed},
            ),
        )

    def final(self, unit: str, composite: Fraction) -> Fraction:
        """Return the exact final that a unit has with another composite."""
        bends = self.bends[unit]
        place = bisect_left(bends, composite)
        if bends[place : place + 1] == [composite]:
            return self._final_row(unit, composite)[0]
        span = unit, place
        if span not in self._spans:
            final, is_bound = self._final_row(unit, composite)
            self._spans[span] = final, composite, is_bound
        final, at, is_bound = self._spans[span]
        return final if is_bound else final + composite - at

    def is_held(self, unit: str, composite: Fraction) -> bool:
        """Tell whether a bound or a veto holds the final that a unit has with another composite."""
        return self._final_row(unit, composite)[1]

    def _final_row(self, unit: str, composite: Fraction) -> tuple[Fraction, bool]:
        """Return the final with another composite, and whether a bound or a veto holds it."""
        row = self.final_row(unit, composite)
        assert isinstance(row.value, Fraction)
        held = any(name == FINAL or name.endswith(VETO) for name in row.members)
        return row.value, held

    @cached_property
    def _spans(self) -> dict[tuple[str, int], tuple[Fraction, Fraction, bool]]:
        """For each span between bends a final, its composite, and whether a bound binds."""
        return {}

    @cached_property
    def composite(self) -> Mapping[str, Fraction]:
        """The exact composite of each unit that has one."""
        return {
            unit: row.value for unit, row in self.rows.items() if isinstance(row.value, Fraction)
        }

    @cached_property
    def jumps(self) -> frozenset[Fraction]:
        """The composites at which adjustments begin or end to count, so that finals may jump."""
        whens = (item.when for item in self.scheme.adjustments if item.when is not None)
        return frozenset(bound for when in whens for _sign, bound in when.stated)

    @cached_property
    def bends(self) -> Mapping[str, list[Fraction]]:
        """The composites at which each unit's final stops following its composite one to one."""
        return {unit: self._bends(unit) for unit in self.composite}

    def _bends(self, unit: str) -> list[Fraction]:
        whens = {
            bound
            for item in self.scheme.adjustments
            if item.when is not None and any(own.id == item.id for own in self._own[unit])
            for _sign, bound in item.when.stated
        }
        ends = sorted(whens)
        between = [
            *([ends[0] - 1] if ends else [self.composite[unit]]),
            *((low + high) / 2 for low, high in pairwise(ends)),
            *ends,
            *([ends[-1] + 1] if ends else []),
        ]
        bounds = [
            Fraction(bound)
            for bound in (self.scheme.final.cap, self.scheme.final.floor)
            if bound is not None
        ]
        points = {adjusted(self.final_row(unit, Fraction(at))) for at in between}
        return sorted(whens | {bound - added for bound in bounds for added in points})

    def again(self, stages: Mapping[str, StageTrace]) -> list[Standing]:
        """Return the standings with other traces of some stages."""
        traces = {**self.result.traces[self.id].stages, **stages}
        return standings_of(self.scheme, self.id, traces, self.records)


def with_scheme(result: Result, scheme: Scheme) -> dict[str, list[Standing]]:
    """Score what a result holds by another scheme with the same groups, stages and sheets."""
    ranked = {}
    for group in scheme.groups:
        stages = {}
        for stage in scheme.stages:
            plan, trace = stage.plans[group.id], result.traces[group.id].stages[stage.id]
            steps, _findings = run_steps(scheme, stage, plan, planned(scheme, plan), trace.scores)
            stages[stage.id] = replace(trace, steps=steps)
        records = ScoredGroup(result, group.id).records
        ranked[group.id] = standings_of(scheme, group.id, stages, records)
    return ranked


def standings_of(
    scheme: Scheme, group: str, stages: Mapping[str, StageTrace], records: Sequence[Record]
) -> list[Standing]:
    """Return the standings of a group that follow from the traces of its stages."""
    composite, _findings = composites(scheme, group, stages)
    final = finals(scheme, composite, records)
    ties = tied(scheme, group, {name: trace.tables for name, trace in stages.items()})
    return standings(scheme, composite, final, records, ties)


def without_member(
    group: ScoredGroup, stage_id: str, dimension: str, member: str
) -> list[Standing]:
    """Return the standings where the scores of one member of a dimension are set aside."""
    scheme = group.scheme
    stage = scheme.stage(stage_id)
    plan, trace = stage.plans[group.id], group.result.traces[group.id].stages[stage_id]
    steps = planned(scheme, plan)
    place = next(
        at for at, step in enumerate(steps) if getattr(step.step, "roll_up", "") == dimension
    )
    table: Table = trace.tables[place]
    at = table.dimensions.index(dimension)
    rows = {
        key: StepRow(Absent.SET_ASIDE if key[at] == member else value, (), (), ())
        for key, value in table.items()
    }
    less = StepTable(table.dimensions, rows)
    later, _findings = run_steps(scheme, stage, plan, steps[place:], less)
    changed = replace(trace, steps=[*trace.steps[:place], *later])
    return group.again({stage_id: changed})
