"""Named situations with expected scores that stand beside a scheme: what `appraise scheme test` runs.

A case gives the scores of some units at any grain that the scheme's steps pass through, or a
stage's score outright, and says what must come of them. An official can read and add one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.i18n import N_
from wuhu_appraisal.names import nearest
from wuhu_appraisal.scheme import yaml12
from wuhu_appraisal.scheme.basics import Localised, Model
from wuhu_appraisal.scheme.compose import PlannedStep, planned
from wuhu_appraisal.scheme.load import validate
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.scoring.evaluate import StageTrace, composites, run_steps
from wuhu_appraisal.scoring.rank import Standing, finals, standings
from wuhu_appraisal.table import Absent, Key, Record, ScoreTable, StepRow, StepTable, Table, Value

EVERY = "*"
"""In a case's score: every member of the dimension that no other score of the unit names."""


class CaseScore(Model):
    """One score with its dimensions beside it: ``{tier: township, body: 甲镇, score: 88}``.

    ``score`` is a number, ``full`` for full marks, '/' for not applicable, '' for missing, or a
    grade.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    score: Decimal | str

    @property
    def dimensions(self) -> dict[str, str]:
        """The other keys: dimension to member."""
        return {name: str(value) for name, value in (self.model_extra or {}).items()}


class CaseAdjustment(Model):
    """One record of an adjustment: the points or the value that its sheet states."""

    id: str
    states: Decimal


class Expected(Model):
    """What must come of a unit's scores; what is not given is not looked at."""

    stages: dict[str, Decimal] = {}
    composite: Decimal | None = None
    final: Decimal | None = None
    rank: int | None = None


class CaseUnit(Model):
    """A unit's scores: a stage's score outright, or a list of scores at one grain."""

    unit: str
    stages: dict[str, Decimal | Annotated[list[CaseScore], Field(min_length=1)]] = {}
    adjustments: list[CaseAdjustment] = []
    expect: Expected = Expected()


class Case(Model):
    """A named situation: who scored what, and what that must come to."""

    name: Localised
    clause: str
    group: str
    worked: str = Field("", description="how the expected numbers were worked out by hand")
    units: Annotated[list[CaseUnit], Field(min_length=1)]
    findings: list[str] = Field(
        [], description="codes of the findings that must come, and no others"
    )


class CaseFile(Model):
    """A file of cases."""

    cases: Annotated[list[Case], Field(min_length=1)]


def run_cases(scheme: Scheme, folder: Path) -> tuple[int, list[Finding]]:
    """Run all cases in a folder's YAML files: how many there are, and what does not hold."""
    count = 0
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.yaml")):
        document = yaml12.parse(str(path), path.read_bytes())
        file, found = validate(CaseFile, document)
        findings += found
        for place, case in enumerate(file.cases if file else []):
            count += 1
            findings += check_case(scheme, case, document.place(("cases", place)))
    if not count and not findings:
        findings.append(finding("cases-missing", Source(str(folder))))
    return count, findings


def check_case(scheme: Scheme, case: Case, place: Source) -> list[Finding]:
    """Score the case's units by the scheme and say what differs from what is expected."""
    unknown = list(_unknown(scheme, case, place))
    if unknown:
        return unknown
    findings: list[Finding] = []
    traces: dict[str, StageTrace] = {}
    for stage in scheme.stages:
        traces[stage.id], found = _stage(scheme, stage, case)
        findings += found
    records = list(_records(scheme, case))
    composite, _unscored = composites(scheme, case.group, traces)
    final = finals(scheme, composite, records)
    found_units = {item.unit: item for item in standings(scheme, composite, final, records)}
    problems = list(_other_findings(case, findings, place))
    for unit in case.units:
        problems += _differences(scheme, case, unit, found_units[unit.unit], place)
    return problems


def _unknown(scheme: Scheme, case: Case, place: Source) -> Iterator[Finding]:
    """Names in a case that the scheme does not have."""
    groups = {group.id: [unit.name for unit in group.units] for group in scheme.groups}
    stages = [stage.id for stage in scheme.stages]
    adjustments = [adjustment.id for adjustment in scheme.adjustments]
    wanted: list[tuple[str, Iterable[str]]] = [(case.group, groups)]
    for unit in case.units:
        wanted.append((unit.unit, groups.get(case.group, [unit.unit])))
        wanted += [(name, stages) for name in (*unit.stages, *unit.expect.stages)]
        wanted += [(record.id, adjustments) for record in unit.adjustments]
    for name, known in wanted:
        if name not in known:
            yield finding("scheme-reference", place, name=name, suggestion=nearest(name, known))


def _other_findings(case: Case, found: Sequence[Finding], place: Source) -> Iterator[Finding]:
    for item in found:
        if item.code not in case.findings:
            yield finding("case-finding", place, case=case.name, message=item.message)
    for code in case.findings:
        if code not in {item.code for item in found}:
            yield finding("case-no-finding", place, case=case.name, code=code)


def _differences(
    scheme: Scheme, case: Case, unit: CaseUnit, standing: Standing, place: Source
) -> Iterator[Finding]:
    expect = unit.expect
    compared: list[tuple[Any, Decimal | int | None, Decimal | int | None]] = [
        (stage.title, expect.stages.get(stage.id), standing.stages[stage.id])
        for stage in scheme.stages
    ]
    compared += [
        (N_("composite"), expect.composite, standing.composite),
        (N_("final"), expect.final, standing.final),
        (N_("rank"), expect.rank, standing.rank),
    ]
    for what, expected, computed in compared:
        if expected is not None and (computed is None or computed != expected):
            yield finding(
                "case-wrong",
                place,
                case=case.name,
                what_word=what,
                unit=unit.unit,
                computed="—" if computed is None else computed,
                expected=expected,
            )


def _stage(scheme: Scheme, stage: Stage, case: Case) -> tuple[StageTrace, list[Finding]]:
    """The stage from the case's scores, each unit's from the step that takes their dimensions."""
    plan = stage.plans[case.group]
    steps = planned(scheme, plan)
    rows: dict[Key, StepRow] = {}
    findings: list[Finding] = []
    for unit in case.units:
        given = unit.stages.get(stage.id)
        if given is None:
            continue
        if not isinstance(given, list):
            rows[(unit.unit,)] = StepRow(given, (), (), ())
            continue
        names = {"unit", *(name for score in given for name in score.dimensions)}
        rest = _from(steps, names)
        table: Table = StepTable(
            rest[0].before.dimensions,
            {
                key: StepRow(value, (), (), ())
                for key, value in _scores(plan, rest[0], unit.unit, given)
            },
        )
        tables, found = run_steps(stage, rest, table)
        findings += found
        rows.update((key, StepRow(value, (), (), ())) for key, value in tables[-1].items())
    scores = ScoreTable(("unit",), [])
    return StageTrace(stage.id, case.group, scores, [StepTable(("unit",), rows)]), findings


def _from(steps: Sequence[PlannedStep], names: set[str]) -> Sequence[PlannedStep]:
    """The steps from the first whose input has just these dimensions; all where there is none."""
    for place, step in enumerate(steps):
        if set(step.before.dimensions) == names:
            return steps[place:]
    return steps


def _scores(
    plan: Plan, first: PlannedStep, unit: str, given: Sequence[CaseScore]
) -> Iterator[tuple[Key, Value]]:
    named = [score.dimensions for score in given]
    for score in given:
        every = next((name for name, who in score.dimensions.items() if who == EVERY), "")
        for member in first.before.members.get(every, ()) if every else ("",):
            here = {**score.dimensions, every: member} if every else score.dimensions
            if every and here in named:
                continue
            place: Mapping[str, str] = {"unit": unit, **here}
            key = tuple(place.get(name, "") for name in first.before.dimensions)
            yield key, _value(score.score, first, key, plan)


def _value(score: Decimal | str, first: PlannedStep, key: Key, plan: Plan) -> Value:
    if score == "full":
        marks = [share for member, share in first.shares.items() if member in key]
        return plan.full_marks if plan.full_marks is not None else Fraction(marks[0])
    by_mark = {absent.value: absent for absent in Absent}
    return by_mark.get(score, score) if isinstance(score, str) else score


def _records(scheme: Scheme, case: Case) -> Iterator[Record]:
    rules = {adjustment.id: adjustment for adjustment in scheme.adjustments}
    for unit in case.units:
        for item in unit.adjustments:
            points = rules[item.id].signed_points(item.states)
            if points is not None:
                yield Record(item.id, unit.unit, points, "", "", Source(""))
