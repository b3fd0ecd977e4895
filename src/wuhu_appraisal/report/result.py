"""The result as a file: JSON that people and programs can read, from which every report is made.

Numbers are decimal strings. The trace keeps exact values; the inputs of each step are not written
again, because they are the table before it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pydantic import ValidationError

from wuhu_appraisal import __version__
from wuhu_appraisal.codes import CODES
from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.i18n import Bilingual
from wuhu_appraisal.manifest import SourceRecord
from wuhu_appraisal.numbers import exact_text, parse_exact, plain
from wuhu_appraisal.report.result_models import (
    FinalJson,
    FindingJson,
    GroupTraceJson,
    ResultJson,
    StageTraceJson,
    UnitJson,
)
from wuhu_appraisal.run import GroupTrace, Run
from wuhu_appraisal.scheme.compose import planned
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scoring.evaluate import StageTrace, composites, gather
from wuhu_appraisal.scoring.rank import Standing, finals, standings
from wuhu_appraisal.submissions import Submission
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


def dump(run: Run) -> bytes:
    """The result as UTF-8 JSON with a stable order of keys, the trace on few long lines."""
    head = {
        "format": 1,
        "tool": f"appraise {__version__}",
        "computed_at": run.computed_at,
        "provisional": run.provisional,
        "scheme": {
            "id": run.scheme.id,
            "title": str(run.scheme.title),
            "sha256": run.scheme_sha256,
        },
        "groups": [_group(run, group_id) for group_id in run.standings],
        "sources": [
            {"file": item.file, "sha256": item.sha256, "stage": ", ".join(item.stages)}
            for item in run.sources
        ],
        "findings": [finding_json(item) for item in run.findings],
    }
    trace = {
        group: {
            "stages": {stage: _stage(found) for stage, found in traced.stages.items()},
            "composite": _rows(traced.composite),
            "final": _rows(traced.final),
        }
        for group, traced in run.traces.items()
    }
    start = json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}")
    body = json.dumps(trace, ensure_ascii=False, separators=(",", ":"))
    return f'{start},\n  "trace": {body}\n}}\n'.encode()


def finding_json(item: Finding) -> dict[str, Any]:
    """A finding as JSON data, in the active language."""
    return {
        "code": item.code,
        "severity": str(item.severity),
        "message": item.message,
        "source": _source(item.source),
        "hint": item.hint,
        "params": dict(item.params),
    }


def submission_json(item: Submission) -> dict[str, Any]:
    """An expected sheet as JSON data: came, missing or twice, and the sheets that came."""
    state = {"state": item.state.name.lower()}
    return asdict(item.place) | state | {"sources": [_source(at) for at in item.sources]}


def load(content: bytes, loaded: LoadedScheme, name: str) -> tuple[Run | None, list[Finding]]:
    """The run that a result file holds, with its scheme; findings if they do not belong together."""
    try:
        result = ResultJson.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        return None, [finding("result-unreadable", Source(name), problem=problem)]
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


def _run(scheme: Scheme, sha256: str, result: ResultJson) -> Run:
    datetime.fromisoformat(result.computed_at)
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


def _group(run: Run, group_id: str) -> dict[str, Any]:
    return {
        "id": group_id,
        "title": str(run.scheme.group(group_id).title),
        "units": [
            {
                "unit": item.unit,
                "rank": item.rank,
                "final": _published(item.final),
                "composite": _published(item.composite),
                "stages": {name: _published(value) for name, value in item.stages.items()},
                "points": _published(item.points),
                "adjustments": [
                    {
                        "id": record.id,
                        "points": plain(record.points),
                        "reason": record.reason,
                        "evidence": record.evidence,
                        "source": _source(record.source),
                    }
                    for record in item.adjustments
                ],
            }
            for item in run.standings[group_id]
        ],
    }


def _published(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _source(source: Source) -> dict[str, Any]:
    found: dict[str, Any] = {"file": source.file, "sheet": source.sheet, "cell": source.cell}
    if source.line:
        found |= {"line": source.line, "column": source.column}
    return found


def _text(value: Value) -> str:
    if isinstance(value, Absent):
        return value.value
    if isinstance(value, str):
        return value
    return plain(value) if isinstance(value, Decimal) else exact_text(value)


def _axis(axis: Axis) -> dict[str, Any]:
    return {"dimension": axis.dimension, "members": axis.members, "positions": axis.positions}


def _stage(trace: StageTrace) -> dict[str, Any]:
    # Equal cells share one object, so a large table has few distinct texts to make.
    texts: dict[int, str] = {}

    def written(row: Sequence[Value]) -> list[str]:
        try:
            return [texts[id(value)] for value in row]
        except KeyError:
            texts.update((id(value), _text(value)) for value in row)
            return written(row)

    return {
        "blocks": [
            {
                "file": block.file,
                "sheet": block.sheet,
                "fixed": dict(block.fixed),
                "rows": _axis(block.rows),
                "columns": _axis(block.columns),
                "values": [written(row) for row in block.values],
            }
            for block in trace.scores.blocks
        ],
        "steps": [
            [
                (key, _text(row.value), _coefficients(row.coefficients))
                for key, row in table.rows.items()
            ]
            for table in trace.steps
        ],
    }


def _coefficients(coefficients: Sequence[Fraction]) -> str | list[str]:
    first = coefficients[0]
    if tuple(coefficients).count(first) == len(coefficients):
        return "1" if first == 1 else exact_text(first)
    return [exact_text(item) for item in coefficients]


def _rows(table: StepTable) -> list[dict[str, Any]]:
    return [
        {
            "unit": key[0],
            "members": list(row.members),
            "values": [_text(value) for value in row.values],
            "coefficients": [exact_text(item) for item in row.coefficients],
            "value": _text(row.value),
        }
        for key, row in table.rows.items()
    ]


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


def _number(text: str) -> Value:
    if text == Absent.MISSING.value:
        return Absent.MISSING
    if text == Absent.NOT_APPLICABLE.value:
        return Absent.NOT_APPLICABLE
    return parse_exact(text)


def _traced(scheme: Scheme, group: str, found: GroupTraceJson) -> GroupTrace:
    stages = {
        stage.id: _stage_traced(scheme, stage.id, group, found.stages[stage.id])
        for stage in scheme.stages
    }
    return GroupTrace(stages, _finals(found.composite), _finals(found.final))


def _stage_traced(scheme: Scheme, stage_id: str, group: str, found: StageTraceJson) -> StageTrace:
    stage = next(stage for stage in scheme.stages if stage.id == stage_id)
    plan = stage.plans[group]
    steps = planned(scheme, plan)
    graded = bool(steps) and steps[0].before.graded
    known: dict[str, Value] = {}

    def value(text: str) -> Value:
        if text not in known:
            absent = text in {item.value for item in Absent}
            known[text] = text if graded and not absent else _number(text)
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
