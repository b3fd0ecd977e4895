"""Run the cases beside a scheme, which `appraise scheme test` does: scores with expected results.

A case gives scores of some units, at the grain of any of the scheme's steps or as a stage's score,
and the results and findings that are expected of them. Officials can read and add cases.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import _
from wuhu_appraisal.model import (
    Absent,
    Grade,
    Key,
    Record,
    Score,
    ScoreTable,
    StageTrace,
    Standing,
    StepRow,
    StepTable,
)
from wuhu_appraisal.names import nearest
from wuhu_appraisal.numbers import exact_text, plain
from wuhu_appraisal.read.records import drop_repeated, no_points
from wuhu_appraisal.scheme.final import Stated
from wuhu_appraisal.scheme.load import validate
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import PlannedStep, planned
from wuhu_appraisal.scheme.rules import Localised, Model
from wuhu_appraisal.scheme.yaml_source import parse
from wuhu_appraisal.score.ranking import finals, standings, tied
from wuhu_appraisal.score.steps import composites, run_steps

EVERY = "*"
"""In place of a member: every member of the dimension that no other score of the unit names."""

FULL = "full"
"""In place of a score: the full marks."""

_ABSENT = {absent.value: absent for absent in Absent}


class CaseScore(Model):
    """A score with the member of each dimension: ``{tier: township, body: 甲镇, score: 88}``.

    ``score`` is a number, a grade, ``full``, '/' for not applicable or '' for missing.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    score: Decimal | str

    @property
    def dimensions(self) -> dict[str, str]:
        """The member of each dimension, from the other keys."""
        return {name: str(value) for name, value in (self.model_extra or {}).items()}


class CaseAdjustment(Model):
    """A record of an adjustment: the points or the value that its sheet states."""

    id: str
    states: Decimal


class Expected(Model):
    """The results that are expected of a unit; those that are not given are not compared."""

    stages: dict[str, Decimal] = {}
    composite: Decimal | None = None
    final: Decimal | None = None
    rank: int | None = None


class CaseUnit(Model):
    """A unit with the score of each stage, or a list of scores with the same dimensions."""

    unit: str
    stages: dict[str, Decimal | Annotated[list[CaseScore], Field(min_length=1)]] = {}
    adjustments: list[CaseAdjustment] = []
    expect: Expected = Expected()


class Case(Model):
    """A named case: units with their scores, and what is expected of them."""

    name: Localised
    clause: str
    group: str
    worked: str = Field("", description="how the expected numbers were worked out by hand")
    units: Annotated[list[CaseUnit], Field(min_length=1)]
    findings: list[str] = Field([], description="the codes of all findings that are expected")


class CaseFile(Model):
    """A file of cases."""

    cases: Annotated[list[Case], Field(min_length=1)]


def run_cases(scheme: Scheme, folder: Path) -> tuple[int, list[Finding]]:
    """Run all cases in a folder's YAML files; return their number and what is wrong with them."""
    count = 0
    findings: list[Finding] = []
    for path in sorted(path for path in folder.glob("*.y*ml") if path.is_file()):
        document = parse(str(path), path.read_bytes())
        file, problems = validate(CaseFile, document)
        findings += problems
        for place, case in enumerate(file.cases if file else []):
            count += 1
            findings += _check_case(scheme, case, document.place(("cases", place)))
    if not count and not findings:
        findings.append(finding("cases-missing", Source(str(folder))))
    return count, findings


def _check_case(scheme: Scheme, case: Case, place: Source) -> list[Finding]:
    """Compute a case and report, at ``place``, unknown names or what is not as expected."""
    problems = [
        finding("scheme-id-twice", place, id=name)
        for name, count in Counter(unit.unit for unit in case.units).items()
        if count > 1
    ]
    problems += [
        finding("scheme-reference", place, name=name, suggestion=nearest(name, known))
        for name, known in _names(scheme, case)
        if name not in known
    ]
    return problems or _CaseRun(scheme, case, place).run()


def _names(scheme: Scheme, case: Case) -> Iterator[tuple[str, Collection[str]]]:
    """Each name in a case with the names that it may be."""
    groups = {group.id: [unit.name for unit in group.units] for group in scheme.groups}
    stages = {stage.id: stage for stage in scheme.stages}
    adjustments = [item.id for item in scheme.adjustments if case.group in item.groups]
    yield case.group, list(groups)
    for unit in case.units:
        yield unit.unit, groups.get(case.group, [unit.unit])
        for name in (*unit.stages, *unit.expect.stages):
            yield name, [stage.id for stage in scheme.stages_of(unit.unit)]
        for adjustment in unit.adjustments:
            yield adjustment.id, adjustments
        for name, scores in unit.stages.items():
            plan = stages[name].plans.get(case.group) if name in stages else None
            if plan is not None and isinstance(scores, list):
                for score in scores:
                    yield from _names_in_score(scheme, plan, score)


def _names_in_score(
    scheme: Scheme, plan: Plan, score: CaseScore
) -> Iterator[tuple[str, Collection[str]]]:
    for name, member in score.dimensions.items():
        yield name, plan.dimensions
        if name in plan.dimensions:
            members = scheme.members(plan.dimensions[name])
            tree = scheme.indicators_in(plan) if name == plan.indicator_dimension else None
            if members is not None:
                yield member, [*members, *(tree.nodes if tree else ()), EVERY]
            elif member == EVERY:
                yield member, []


class _CaseRun:
    """The computation of one case, which collects the problems of the case and other findings."""

    def __init__(self, scheme: Scheme, case: Case, place: Source) -> None:
        self._scheme = scheme
        self._case = case
        self._place = place
        self._problems: list[Finding] = []
        self._findings: list[Finding] = []
        self._tables: dict[str, list[StepTable]] = {}

    def run(self) -> list[Finding]:
        """Compute the case and return its problems."""
        scheme, case = self._scheme, self._case
        traces = {stage.id: self._stage(stage) for stage in scheme.stages}
        records = self._records()
        composite, _findings = composites(scheme, case.group, traces)
        final = finals(scheme, composite, records)
        ties = tied(scheme, case.group, self._tables)
        ranked = standings(scheme, composite, final, records, ties)
        by_unit = {item.unit: item for item in ranked}
        for unit in case.units:
            self._compare(unit, by_unit[unit.unit])
        for item in self._findings:
            if item.code not in case.findings:
                self._problem("case-finding", code=item.code, message=item.message)
        for code in case.findings:
            if code not in {item.code for item in self._findings}:
                self._problem("case-no-finding", code=code)
        return self._problems

    def _problem(self, code: str, /, **params: object) -> None:
        self._problems.append(finding(code, self._place, case=self._case.name, **params))

    def _find(self, code: str, /, **params: object) -> None:
        self._findings.append(finding(code, self._place, **params))

    def _compare(self, unit: CaseUnit, standing: Standing) -> None:
        """Compare a unit's results with what is expected of it."""
        expect = unit.expect
        stages = self._scheme.stages
        if any(value is not None for value in (expect.composite, expect.final, expect.rank)):
            for stage in self._scheme.stages_of(unit.unit):
                if standing.stages[stage.id] is None:
                    self._find("stage-missing-unit", stage=stage.title, unit=unit.unit)
        results: list[tuple[object, Decimal | int | None, Decimal | int | None]] = [
            *((it.title, expect.stages.get(it.id), standing.stages[it.id]) for it in stages),
            (_("composite"), expect.composite, standing.composite),
            (_("final"), expect.final, standing.final),
            (_("rank"), expect.rank, standing.rank),
        ]
        for what, expected, computed in results:
            if expected is not None and computed != expected:
                shown = "—" if computed is None else computed
                self._problem(
                    "case-wrong", what=what, unit=unit.unit, computed=shown, expected=expected
                )

    def _stage(self, stage: Stage) -> StageTrace:
        """The trace of a stage: of each unit's scores, the steps from the one that takes them."""
        plan = stage.plans[self._case.group]
        steps = planned(self._scheme, plan)
        rows: list[dict[Key, StepRow]] = [{} for _table in range(len(steps) + 1)]
        for unit in self._case.units:
            scores = unit.stages.get(stage.id)
            if isinstance(scores, Decimal):
                self._check_limits(scores, stage.end)
                rows[-1][(unit.unit,)] = StepRow(scores, (), (), ())
            elif scores is not None:
                rest = _steps_from(steps, scores)
                if not rest:
                    names = dict.fromkeys(name for score in scores for name in score.dimensions)
                    self._problem("case-grain", dimensions=", ".join(names))
                    continue
                table = self._table(rest[0], unit.unit, scores)
                tables, findings = run_steps(self._scheme, stage, plan, rest, table)
                self._findings += findings
                for of_step, made in zip(rows[-len(rest) - 1 :], [table, *tables], strict=True):
                    of_step |= {key: StepRow(value, (), (), ()) for key, value in made.items()}
        self._tables[stage.id] = [StepTable(("unit",), of_step) for of_step in rows]
        final = self._tables[stage.id][-1:]
        return StageTrace(stage.id, self._case.group, ScoreTable(("unit",), []), final)

    def _table(self, step: PlannedStep, unit: str, scores: Sequence[CaseScore]) -> StepTable:
        """A unit's scores as the table before a step."""
        named = [score.dimensions for score in scores]
        rows: dict[Key, StepRow] = {}
        for score in scores:
            for dimensions in _without_every(step, score.dimensions):
                if dimensions != score.dimensions and dimensions in named:
                    continue
                members = {"unit": unit, **dimensions}
                key = tuple(members[name] for name in step.before.dimensions)
                value = self._score(score.score, step, key)
                if key in rows:
                    self._problem("case-score-twice", of=" ".join(key))
                elif value is not None:
                    rows[key] = StepRow(value, (), (), ())
        return StepTable(step.before.dimensions, rows)

    def _score(self, written: Decimal | str, step: PlannedStep, key: Key) -> Score | None:
        """The score for what a case says at a key; None with a finding where it is no score."""
        full_marks = step.before.marks_of(key)
        if isinstance(written, Decimal):
            self._check_limits(written, full_marks)
            return written
        if written == FULL and full_marks is not None:
            return full_marks
        if written in _ABSENT:
            return _ABSENT[written]
        if written in step.grades:
            return Grade(written)
        self._find("score-not-number", value=written)
        return None

    def _check_limits(self, value: Decimal, most: Fraction | None) -> None:
        if most is not None and value > most:
            self._find("score-over-marks", value=plain(value), marks=exact_text(most))
        elif value < 0:
            self._find("score-below-zero", value=plain(value))

    def _records(self) -> list[Record]:
        records: list[Record] = []
        for unit in self._case.units:
            for number, item in enumerate(unit.adjustments):
                rule = self._scheme.adjustment(item.id)
                if isinstance(rule.points, Stated) and item.states > rule.points.max:
                    value, most = plain(item.states), plain(rule.points.max)
                    params = {"value": value, "adjustment": rule.title, "most": most}
                    self._find("adjustment-over-ceiling", **params)
                elif isinstance(rule.points, Stated):
                    self._check_limits(item.states, Fraction(rule.points.max))
                points = rule.signed_points(item.states)
                if points is None:
                    self._findings.append(no_points(rule, item.states, self._place))
                else:
                    records.append(Record(item.id, unit.unit, points, str(number), "", self._place))
        records, findings = drop_repeated(self._scheme, records)
        self._findings += findings
        return records


def _steps_from(steps: Sequence[PlannedStep], scores: Sequence[CaseScore]) -> Sequence[PlannedStep]:
    """The steps from the one that takes the scores' dimensions; none if there is no such step.

    Rescaling and converting leave the dimensions as they are: a grade then goes through all steps
    that take it, and a number, which is out of the stage's marks, only through the last of them.
    """
    members = {item for score in scores for item in score.dimensions.items()}
    names = {"unit", *(name for name, _member in members)}
    places = [
        place
        for place, step in enumerate(steps)
        if set(step.before.dimensions) == names
        # Indicators may be there at several levels of their tree.
        and all(
            member == EVERY or member in step.before.members.get(name, (member,))
            for name, member in members
        )
    ]
    if not places:
        return []
    words = {FULL, *_ABSENT}
    graded = any(isinstance(item.score, str) and item.score not in words for item in scores)
    return steps[places[0 if graded else -1] :]


def _without_every(step: PlannedStep, dimensions: dict[str, str]) -> Iterator[dict[str, str]]:
    """The dimensions with '*' replaced by each member before a step in turn."""
    every = [name for name, member in dimensions.items() if member == EVERY]
    for members in product(*(step.before.members.get(name, ()) for name in every)):
        yield {**dimensions, **dict(zip(every, members, strict=True))}
