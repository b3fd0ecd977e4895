"""Named situations with expected scores that stand beside a scheme: what `appraise scheme test` runs.

A case gives the scores of some units at any grain that the scheme's steps pass through, or a
stage's score outright, and says what must come of them. An official can read and add one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import _
from wuhu_appraisal.model import (
    Absent,
    Grade,
    Key,
    Record,
    ScoreTable,
    StageTrace,
    Standing,
    StepRow,
    StepTable,
)
from wuhu_appraisal.names import nearest
from wuhu_appraisal.numbers import exact_text, plain
from wuhu_appraisal.read.records import drop_repeated
from wuhu_appraisal.scheme import yaml_source as yaml12
from wuhu_appraisal.scheme.load import validate
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import PlannedStep, planned
from wuhu_appraisal.scheme.rules import Localised, Model, Stated
from wuhu_appraisal.score.ranking import finals, standings
from wuhu_appraisal.score.steps import composites, run_steps

EVERY = "*"
"""In a case's score: every member of the dimension that no other score of the unit names."""


_WHOLE = Fraction(100)
_WORDS = {absent.value: absent for absent in Absent} | {"full": "full"}


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
    for path in sorted(path for path in folder.glob("*.y*ml") if path.is_file()):
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
        traces[stage.id], found = _stage(scheme, stage, case, place)
        findings += found
    records, found = _records(scheme, case, place)
    findings += found
    composite, _unscored = composites(scheme, case.group, traces)
    final = finals(scheme, composite, records)
    found_units = {item.unit: item for item in standings(scheme, composite, final, records)}
    problems = [item for item in findings if item.code.startswith("case-")]
    findings = [item for item in findings if item not in problems]
    for unit in case.units:
        standing = found_units[unit.unit]
        findings += _untold(scheme, unit, standing)
        problems += _differences(scheme, case, unit, standing, place)
    problems += _other_findings(case, findings, place)
    return problems


def _unknown(scheme: Scheme, case: Case, place: Source) -> Iterator[Finding]:
    """Names in a case that the scheme does not have."""
    groups = {group.id: [unit.name for unit in group.units] for group in scheme.groups}
    adjustments = [item.id for item in scheme.adjustments if case.group in item.groups]
    stages = {stage.id: stage for stage in scheme.stages}
    wanted: list[tuple[str, Iterable[str]]] = [(case.group, groups)]
    for unit in case.units:
        wanted.append((unit.unit, groups.get(case.group, [unit.unit])))
        wanted += [(name, stages) for name in (*unit.stages, *unit.expect.stages)]
        wanted += [(record.id, adjustments) for record in unit.adjustments]
        for name, given in unit.stages.items():
            plan = stages[name].plans.get(case.group) if name in stages else None
            if plan is not None and isinstance(given, list):
                wanted += _named(scheme, plan, given)
    for name, count in Counter(unit.unit for unit in case.units).items():
        if count > 1:
            yield finding("scheme-id-twice", place, id=name)
    for name, known in wanted:
        if name not in known:
            yield finding("scheme-reference", place, name=name, suggestion=nearest(name, known))


def _named(
    scheme: Scheme, plan: Plan, given: Sequence[CaseScore]
) -> Iterator[tuple[str, Iterable[str]]]:
    """Each dimension and member that scores name, with those that there are."""
    for score in given:
        for dimension, member in score.dimensions.items():
            yield dimension, plan.dimensions
            if dimension in plan.dimensions:
                declared = plan.dimensions[dimension]
                members = scheme.members(declared)
                if members is None:
                    yield member, [member] if member != EVERY else []
                elif declared.indicators:
                    nodes = scheme.indicator_set(declared.indicators).nodes
                    yield member, [*members, *nodes, EVERY]
                else:
                    yield member, [*members, EVERY]


def _untold(scheme: Scheme, unit: CaseUnit, standing: Standing) -> Iterator[Finding]:
    """Stages that a case says nothing of although it expects what they come to."""
    expect = unit.expect
    if expect.composite is None and expect.final is None and expect.rank is None:
        return
    for stage in scheme.stages:
        if standing.stages[stage.id] is None:
            yield finding("stage-missing-unit", stage=stage.title, unit=unit.unit)


def _other_findings(case: Case, found: Sequence[Finding], place: Source) -> Iterator[Finding]:
    for item in found:
        if item.code not in case.findings:
            yield finding(
                "case-finding", place, case=case.name, code=item.code, message=item.message
            )
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
        (_("composite"), expect.composite, standing.composite),
        (_("final"), expect.final, standing.final),
        (_("rank"), expect.rank, standing.rank),
    ]
    for what, expected, computed in compared:
        if expected is not None and (computed is None or computed != expected):
            yield finding(
                "case-wrong",
                place,
                case=case.name,
                what=what,
                unit=unit.unit,
                computed="—" if computed is None else computed,
                expected=expected,
            )


def _stage(
    scheme: Scheme, stage: Stage, case: Case, place: Source
) -> tuple[StageTrace, list[Finding]]:
    """The stage from the case's scores, each unit's from the step that takes their dimensions."""
    steps = planned(scheme, stage.plans[case.group])
    rows: dict[Key, StepRow] = {}
    findings: list[Finding] = []
    for unit in case.units:
        given = unit.stages.get(stage.id)
        if isinstance(given, list):
            rest = _rest(steps, given)
            if not rest:
                names = ", ".join(dict.fromkeys(name for s in given for name in s.dimensions))
                findings.append(finding("case-grain", place, case=case.name, dimensions=names))
                continue
            scores, found = _scores(rest[0], unit.unit, given, place)
            findings += found
            tables, found = run_steps(scheme, stage, stage.plans[case.group], rest, scores)
            findings += found
            rows.update((key, StepRow(value, (), (), ())) for key, value in tables[-1].items())
        elif given is not None:
            findings += _outside(given, _WHOLE, place)
            rows[(unit.unit,)] = StepRow(given, (), (), ())
    nothing = ScoreTable(("unit",), [])
    return StageTrace(stage.id, case.group, nothing, [StepTable(("unit",), rows)]), findings


def _rest(steps: Sequence[PlannedStep], given: Sequence[CaseScore]) -> Sequence[PlannedStep]:
    """The steps from the one that takes the scores' dimensions; none where none does.

    Steps that only change the scale leave the dimensions as they are. A number is then taken as
    it stands after them, out of 100, and a grade as it stands before.
    """
    names = {"unit", *(name for score in given for name in score.dimensions)}
    fitting = [
        at
        for at, step in enumerate(steps)
        if set(step.before.dimensions) == names and _takes(step, given)
    ]
    if not fitting:
        return []
    graded = any(isinstance(score.score, str) and score.score not in _WORDS for score in given)
    return steps[fitting[0 if graded else -1] :]


def _takes(step: PlannedStep, given: Sequence[CaseScore]) -> bool:
    """Whether all members that scores name are there before a step: a tree has several levels."""
    return all(
        member == EVERY or member in step.before.members.get(name, (member,))
        for score in given
        for name, member in score.dimensions.items()
    )


def _outside(value: Decimal, most: Fraction, place: Source) -> Iterator[Finding]:
    """A score that no sheet could hold."""
    if value > most:
        yield finding("score-over-marks", place, value=value, marks=exact_text(most))
    elif value < 0:
        yield finding("score-below-zero", place, value=value)


def _scores(
    first: PlannedStep, unit: str, given: Sequence[CaseScore], place: Source
) -> tuple[StepTable, list[Finding]]:
    """The unit's scores as the table before a step; findings for those that cannot be scores."""
    named = [score.dimensions for score in given]
    rows: dict[Key, StepRow] = {}
    findings: list[Finding] = []
    for score in given:
        for here in _spelled_out(first, score.dimensions):
            if here != score.dimensions and here in named:
                continue
            full: Mapping[str, str] = {"unit": unit, **here}
            key = tuple(full.get(name, "") for name in first.before.dimensions)
            most = first.before.marks_of(key)
            value = most if score.score == "full" else _WORDS.get(str(score.score), score.score)
            if key in rows:
                findings.append(finding("case-score-twice", place, of=" ".join(key)))
            elif isinstance(value, str) and value not in first.grades:
                findings.append(finding("score-not-number", place, value=value))
                continue
            elif isinstance(value, Decimal):
                findings += _outside(value, most, place)
            number = Grade(value) if isinstance(value, str) else value
            rows[key] = StepRow(number, (), (), ())
    return StepTable(first.before.dimensions, rows), findings


def _spelled_out(first: PlannedStep, dimensions: dict[str, str]) -> Iterator[dict[str, str]]:
    """The dimensions with every '*' replaced by each member in turn."""
    every = [name for name, member in dimensions.items() if member == EVERY]
    for members in product(*(first.before.members.get(name, ()) for name in every)):
        yield {**dimensions, **dict(zip(every, members, strict=True))}


def _records(scheme: Scheme, case: Case, place: Source) -> tuple[list[Record], list[Finding]]:
    rules = {adjustment.id: adjustment for adjustment in scheme.adjustments}
    records: list[Record] = []
    findings: list[Finding] = []
    for unit in case.units:
        for number, item in enumerate(unit.adjustments):
            rule = rules[item.id]
            points = rule.signed_points(item.states)
            if isinstance(rule.points, Stated) and not 0 <= item.states <= rule.points.max:
                params = {"value": plain(item.states), "marks": plain(rule.points.max)}
                findings.append(finding("score-over-marks", place, **params))
            if points is None:
                params = {"value": plain(item.states), "adjustment": str(rule.title)}
                findings.append(finding("adjustment-outside-bands", place, **params))
            else:
                records.append(Record(item.id, unit.unit, points, str(number), "", place))
    records, found = drop_repeated(scheme, records)
    return records, [*findings, *found]
