"""A result read back from its file, checked to follow from its own trace."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from pydantic import ValidationError

from wuhu_appraisal.codes import CODES
from wuhu_appraisal.decisions.models import Applied, Decision
from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.i18n import Bilingual
from wuhu_appraisal.ledger import LedgerEntry, Remark, RemarkKind, Rule
from wuhu_appraisal.manifest import SourceRecord
from wuhu_appraisal.numbers import parse_exact
from wuhu_appraisal.report.result_models import (
    DecisionJson,
    FinalJson,
    FindingJson,
    GroupTraceJson,
    ResultJson,
    StageTraceJson,
    UnitJson,
)
from wuhu_appraisal.run import Run
from wuhu_appraisal.scheme.compose import planned
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scoring.evaluate import GroupTrace, StageTrace, composites, gather
from wuhu_appraisal.scoring.rank import Standing, finals, standings
from wuhu_appraisal.table import (
    Absent,
    Axis,
    Block,
    Key,
    Record,
    ScoreTable,
    StepRow,
    StepTable,
    Table,
    Value,
)

LEEWAY = timedelta(hours=1)
"""How far another computer's clock may be ahead."""

_ABSENT = {item.value: item for item in Absent}


def load(content: bytes, loaded: LoadedScheme, name: str) -> tuple[Run | None, list[Finding]]:
    """The run that a result file holds, with its scheme; findings if they do not belong together."""
    try:
        result = parsed(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        problem = f"{place}: {first['msg']}" if place else first["msg"]
        return None, [finding("result-unreadable", Source(name), problem=problem)]
    except ValueError as error:
        return None, [finding("result-unreadable", Source(name), problem=str(error))]
    scheme = loaded.scheme
    if scheme is None or result.scheme.sha256 != loaded.sha256:
        return None, [finding("result-other-scheme", Source(name), id=result.scheme.id)]
    try:
        run = _run(scheme, loaded.sha256, result)
        follows = run.provisional == result.provisional and _follows(run)
    except (LookupError, ValueError, ArithmeticError, TypeError, AssertionError) as error:
        problem = f"{type(error).__name__}: {error}"
        return None, [finding("result-unreadable", Source(name), problem=problem)]
    return (run, []) if follows else (None, [finding("result-inconsistent", Source(name))])


def parsed(content: bytes) -> ResultJson:
    """A result file's data, in which a number is no text and each key stands once.

    Raises pydantic's ValidationError, and ValueError for a key that stands twice in one object or
    a time without an offset or still to come: no two readers may find different things in a result.
    """
    result = ResultJson.model_validate_json(content, strict=True)
    json.loads(content, object_pairs_hook=_once)
    moment = datetime.fromisoformat(result.computed_at)
    if moment.tzinfo is None or moment > datetime.now(UTC) + LEEWAY:
        raise ValueError(f"computed_at: {result.computed_at}")
    return result


def _once(pairs: Sequence[tuple[str, object]]) -> None:
    """Refuse an object with a key twice; what it holds is not kept."""
    seen = set()
    for key, _value in pairs:
        if key in seen:
            raise ValueError(f"{key}: twice")
        seen.add(key)


def _run(scheme: Scheme, sha256: str, result: ResultJson) -> Run:
    return Run(
        scheme=scheme,
        scheme_sha256=sha256,
        computed_at=result.computed_at,
        standings={group.id: [_standing(unit) for unit in group.units] for group in result.groups},
        traces={group: _traced(scheme, group, found) for group, found in result.trace.items()},
        sources=[
            SourceRecord(item.file, item.sha256, tuple(filter(None, item.stage.split(", "))))
            for item in result.sources
        ],
        findings=[_finding(item) for item in result.findings],
        ledger=[
            LedgerEntry(
                Source(**item.source.model_dump()),
                item.raw,
                item.format,
                item.value,
                tuple(Rule[name.upper()] for name in item.rules),
            )
            for item in result.ledger
        ],
        remarks=[
            Remark(Source(**item.source.model_dump()), RemarkKind[item.kind.upper()], item.text)
            for item in result.remarks
        ],
        decisions=[_decision(item) for item in result.decisions],
        secret=result.secret,
    )


def _follows(run: Run) -> bool:
    """Whether the published numbers and ranks are those that the trace and the records give."""
    if list(run.standings) != [group.id for group in run.scheme.groups]:
        return False
    for group, published in run.standings.items():
        records = [record for item in published for record in item.adjustments]
        trace = run.traces[group]
        composite, _found = composites(run.scheme, group, trace.stages)
        final = finals(run.scheme, composite, records)
        if dict(final.items()) != dict(trace.final.items()):
            return False
        if standings(run.scheme, composite, final, records) != published:
            return False
    return True


def _standing(unit: UnitJson) -> Standing:
    def number(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Standing(
        unit=unit.unit,
        rank=unit.rank,
        final=number(unit.final),
        composite=number(unit.composite),
        stages={name: number(value) for name, value in unit.stages.items()},
        points=Decimal(unit.points),
        adjustments=[
            Record(
                item.id,
                unit.unit,
                Decimal(item.points),
                item.reason,
                item.evidence,
                Source(**item.source.model_dump()),
            )
            for item in unit.adjustments
        ],
    )


def _finding(item: FindingJson) -> Finding:
    params: Mapping[str, str | Bilingual] = {
        name: value if isinstance(value, str) else Bilingual(*value)
        for name, value in item.params.items()
    }
    if item.code not in CODES:
        raise LookupError(item.code)
    source = Source(**item.source.model_dump())
    return Finding(item.code, params, source, Severity(item.severity))


def _decision(item: DecisionJson) -> Applied:
    decision = Decision.model_validate(item.model_dump(exclude={"written", "covered"}))
    place = Source(**item.written.model_dump())
    return Applied(decision, place, tuple(_finding(found) for found in item.covered))


def _number(text: str) -> Value:
    return _ABSENT.get(text) or parse_exact(text)


def _traced(scheme: Scheme, group: str, found: GroupTraceJson) -> GroupTrace:
    declared = [stage.id for stage in scheme.stages]
    if unknown := sorted(found.stages.keys() - declared):
        raise LookupError(unknown[0])
    stages = {stage: _stage_traced(scheme, stage, group, found.stages[stage]) for stage in declared}
    return GroupTrace(stages, _finals(found.composite), _finals(found.final))


def _stage_traced(scheme: Scheme, stage_id: str, group: str, found: StageTraceJson) -> StageTrace:
    stage = next(stage for stage in scheme.stages if stage.id == stage_id)
    plan = stage.plans[group]
    steps = planned(scheme, plan)
    graded = bool(steps) and steps[0].before.graded
    known: dict[str, Value] = {}

    def value(text: str) -> Value:
        if text not in known:
            known[text] = text if graded and text not in _ABSENT else _number(text)
        return known[text]

    blocks = [
        Block(
            block.file,
            block.sheet,
            block.fixed,
            Axis(block.rows.dimension, tuple(block.rows.members), tuple(block.rows.positions)),
            Axis(
                block.columns.dimension,
                tuple(block.columns.members),
                tuple(block.columns.positions),
            ),
            [[value(text) for text in row] for row in block.values],
        )
        for block in found.blocks
    ]
    scores = ScoreTable(("unit", *plan.dimensions), blocks)
    tables: list[StepTable] = []
    before: Table = scores
    for step, rows in zip(steps, found.steps, strict=True):
        groups = gather(step, before)
        table = {}
        for key, text, coefficients in rows:
            inputs = groups[tuple(key)]
            shares = _spread(coefficients, len(inputs.values))
            table[tuple(key)] = StepRow(_number(text), inputs.members, inputs.values, shares)
        before = StepTable(step.after.dimensions, table)
        tables.append(before)
    return StageTrace(stage_id, group, scores, tables)


def _spread(texts: str | list[str], count: int) -> list[Fraction]:
    if isinstance(texts, str):
        return [parse_exact(texts)] * count
    return [parse_exact(text) for text in texts]


def _finals(found: Iterable[FinalJson]) -> StepTable:
    rows: dict[Key, StepRow] = {
        (item.unit,): StepRow(
            _number(item.value),
            item.members,
            [_number(text) for text in item.values],
            [parse_exact(text) for text in item.coefficients],
        )
        for item in found
    }
    return StepTable(("unit",), rows)
