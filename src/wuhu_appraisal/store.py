"""The shape of results/appraisal.json, validated when it is read.

docs/result.schema.json is the JSON Schema of these models. A published number is a decimal as
text; an exact one is a decimal as text too, or p/q in lowest terms where it does not end.
"""

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib import metadata
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wuhu_appraisal import __version__
from wuhu_appraisal.findings import Finding, Severity, Source, codes, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import (
    Absent,
    Applied,
    Axis,
    Block,
    Decision,
    InputFile,
    Key,
    LedgerEntry,
    Record,
    Remark,
    RemarkKind,
    Result,
    Rule,
    Score,
    ScoreTable,
    StageTrace,
    Standing,
    StepRow,
    StepTable,
    Table,
    Trace,
)
from wuhu_appraisal.numbers import exact_text, parse_exact, plain
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.plan import planned
from wuhu_appraisal.score.ranking import finals, standings
from wuhu_appraisal.score.steps import composites, gather
from wuhu_appraisal.year.expected import Submission

StepJson: TypeAlias = Annotated[
    tuple[
        Annotated[
            list[str],
            Field(description="the members that the number stands for, the unit first"),
        ],
        Annotated[
            str,
            Field(
                description="the exact number; '' where it is missing, '/' not applicable, "
                "'set aside' by a decision"
            ),
        ],
        Annotated[
            str | list[str],
            Field(description="the exact coefficient of each input; one text where all are equal"),
        ],
    ],
    Field(description="one number of a step: key, value, coefficients"),
]
Exact: TypeAlias = Annotated[
    str,
    Field(
        description="a decimal, or p/q in lowest terms; '' where it is missing, '/' not applicable, "
        "'set aside' by a decision"
    ),
]
Published: TypeAlias = Annotated[
    str, Field(description="a decimal with the digits that are published, trailing zeros kept")
]


class Json(BaseModel):
    """The base: unknown keys are refused, so a damaged result is not half read."""

    model_config = ConfigDict(extra="forbid")


class SourceJson(Json):
    """A place in a file: a sheet and a cell, or a line and column of a text file."""

    file: str = Field(description="its path under the folder that was read; may be empty")
    sheet: str = ""
    cell: str = Field("", description="such as B7")
    line: int = Field(0, description="from 1; only in text files")
    column: int = Field(0, description="from 1; only in text files")


class AdjustmentJson(Json):
    """One record of a bonus or, below 0, of a deduction."""

    id: str = Field(description="of the adjustment in the scheme")
    points: str = Field(description="a decimal, below 0 for a deduction; before any cap")
    reason: str
    evidence: str
    source: SourceJson


class UnitJson(Json):
    """A unit's published numbers; null where a provisional result has none."""

    unit: str
    rank: int | None = Field(description="equal finals share a rank")
    final: Published | None
    composite: Published | None
    stages: dict[str, Published | None] = Field(description="by the stage's id")
    points: Published = Field(description="what the adjustments come to, after the caps")
    adjustments: list[AdjustmentJson]


class GroupJson(Json):
    """A group in order of rank, behind them the units without one."""

    id: str
    title: str
    units: list[UnitJson]


class FindingJson(Json):
    """A finding, said in the language of the run; ``params`` say it again in another."""

    code: str = Field(description="as in docs/findings.md")
    severity: Literal["error", "warning"]
    message: str
    source: SourceJson
    hint: str = Field(description="what to do about it; may be empty")
    params: dict[str, str | tuple[str, str]] = Field(
        description="the particulars by name: a text, or it in Chinese and in English"
    )


class LedgerJson(Json):
    """A cell that was read as other than a plain number: what it holds, and by which rules."""

    source: SourceJson
    raw: str = Field(description="what the cell holds")
    format: str = Field(description="its number format; may be empty")
    value: str = Field(description="as what it counts")
    rules: list[str]


class RemarkJson(Json):
    """What an office wrote beside a score: a note on the cell, or a reason for the deduction."""

    source: SourceJson
    kind: Literal["note", "reason"]
    text: str


class DecisionJson(Json):
    """A decision that was applied; its keys are those of decisions.yaml but for the last two."""

    finding: str = Field(description="the code of the finding that it is about; may be empty")
    file: str
    sheet: str
    cell: str
    decide: Literal["accept", "set_aside", "waive", "read_as", "correct"]
    value: str | None = Field(description="as what the cell counts; null where that is not decided")
    was: str | None = Field(description="what the cell held; null where nothing is said of it")
    sha256: str = Field("", description="of the file that was accepted; may be empty")
    reason: str
    by: str
    at: str = Field(description="a date or a time of ISO 8601")
    clause: str
    written: SourceJson = Field(description="its line in decisions.yaml")
    covered: list[FindingJson] = Field(description="the findings that it settled")


class SourceFileJson(Json):
    """A file that went in."""

    file: str
    sha256: str
    stage: str = Field(
        description="the ids of the stages and adjustments that its sheets were read as, with ', ' "
        "between them"
    )


class SchemeJson(Json):
    """The scheme by which the result was computed."""

    id: str
    title: str
    sha256: str = Field(description="of its files")


class AxisJson(Json):
    """One side of a rectangle."""

    dimension: str = Field(description="'' for a side with one nameless member")
    members: list[str]
    positions: list[Annotated[int, Field(ge=1)]] = Field(
        description="each member's row or column, from 1"
    )


class BlockJson(Json):
    """A rectangle of scores from one sheet."""

    file: str
    sheet: str
    fixed: dict[str, str] = Field(description="the dimensions that are the same for all its scores")
    rows: AxisJson
    columns: AxisJson
    values: list[list[str]] = Field(
        description="for each row its scores: a decimal or a grade; '' missing, '/' not applicable, "
        "'set aside' by a decision"
    )

    @model_validator(mode="after")
    def _is_rectangle(self) -> Self:
        rows, columns = (
            {len(side.members), len(side.positions)} for side in (self.rows, self.columns)
        )
        if rows != {len(self.values)} or len(columns.union(map(len, self.values))) > 1:
            raise ValueError("not as many values as rows and columns")
        return self


class StageTraceJson(Json):
    """The scores of a stage and group, and each step's numbers.

    The inputs of a step's numbers are not written again: they are the table before it.
    """

    blocks: list[BlockJson]
    steps: list[list[StepJson]] = Field(description="for each step, in order, its numbers")


class FinalJson(Json):
    """How a unit's composite came of its stages, or its final of composite and adjustments."""

    unit: str
    members: list[str] = Field(
        description="what went in: stages; or the composite, adjustments and the bounds that bind"
    )
    values: list[Exact] = Field(description="one for each member")
    coefficients: list[Exact] = Field(description="one for each member")
    value: Exact = Field(description="the sum of the coefficients times the values")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not len(self.members) == len(self.values) == len(self.coefficients):
            raise ValueError("not as many values and coefficients as members")
        return self


class GroupTraceJson(Json):
    """How a group's finals came to be."""

    stages: dict[str, StageTraceJson] = Field(description="by the stage's id")
    composite: list[FinalJson]
    final: list[FinalJson]


class ResultJson(Json):
    """results/appraisal.json: the ranking, what must be known of it, and how it came to be."""

    format: Literal[1] = Field(description="of this file; another number is another shape")
    tool: str = Field(description="the program and its version")
    versions: dict[str, str] = Field(
        default={},
        description="of Python and of the packages that numbers went through, by name; '' where an "
        "installation does not say",
    )
    computed_at: str = Field(description="ISO 8601 with offset")
    secret: str = Field(
        "",
        pattern="^(?:[0-9a-f]{64})?$",
        description="drawn at random; the numbers of raters in copies, and the number of the result "
        "on them, follow from it",
    )
    provisional: bool = Field(description="whether a finding of severity error stands among them")
    scheme: SchemeJson
    groups: list[GroupJson]
    sources: list[SourceFileJson]
    findings: list[FindingJson]
    ledger: list[LedgerJson]
    remarks: list[RemarkJson]
    decisions: list[DecisionJson] = Field(
        default=[], description="what a person decided, in the order of decisions.yaml"
    )
    trace: dict[str, GroupTraceJson] = Field(description="by the group's id")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of results/appraisal.json."""
    return json_schema(ResultJson)


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a model."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **model.model_json_schema()}


PACKAGES = (
    "defusedxml",
    "msoffcrypto-tool",
    "pydantic",
    "python-calamine",
    "PyYAML",
    "xlrd",
)
"""The packages through which a number goes on its way into a result, as pyproject.toml names them.

python-calamine and xlrd read cells, defusedxml those that calamine leaves out and the formats that
make 0.8 a percentage; msoffcrypto-tool puts an encrypted workbook together again; PyYAML reads
weights, full marks and decisions; pydantic (whose core it pins) makes all of them decimals.

The others carry none: openpyxl, XlsxWriter, python-docx, pandas and rich show a result that is there
already, cn2an and rapidfuzz only make suggestions, olefile finds formulas and filters, cryptography's
ciphers give the bytes of a file or none that can be read, click and filelock see no cell.
"""


def versions() -> dict[str, str]:
    """The versions of Python and of ``PACKAGES``, by name; '' where an installation does not say."""
    return {"Python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def dump(run: Result) -> bytes:
    """The result as UTF-8 JSON with a stable order of keys, the trace on few long lines."""
    head = {
        "format": 1,
        "tool": f"appraise {__version__}",
        "versions": versions(),
        "computed_at": run.computed_at,
        "secret": run.secret,
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
        "ledger": [ledger_json(item) for item in run.ledger],
        "remarks": [_remark(item) for item in run.remarks],
        "decisions": [_decision(item) for item in run.decisions],
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


def ledger_json(item: LedgerEntry) -> dict[str, Any]:
    """A cell that was read as other than a plain number, as JSON data; rules by their names."""
    return {
        "source": _source(item.source),
        "raw": item.raw,
        "format": item.format,
        "value": item.value,
        "rules": [rule.name.lower() for rule in item.rules],
    }


def _remark(item: Remark) -> dict[str, Any]:
    return {"source": _source(item.source), "kind": item.kind.name.lower(), "text": item.text}


def _decision(item: Applied) -> dict[str, Any]:
    return item.decision.model_dump() | {
        "written": _source(item.place),
        "covered": [finding_json(found) for found in item.covered],
    }


def submission_json(item: Submission) -> dict[str, Any]:
    """An expected sheet as JSON data: came, missing or twice, and the sheets that came."""
    state = {"state": item.state.name.lower()}
    return asdict(item.place) | state | {"sources": [_source(at) for at in item.sources]}


def _group(run: Result, group_id: str) -> dict[str, Any]:
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


def _text(value: Score) -> str:
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

    def written(row: Sequence[Score]) -> list[str]:
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


LEEWAY = timedelta(hours=1)
"""How far another computer's clock may be ahead."""

_ABSENT = {item.value: item for item in Absent}


def load(content: bytes, loaded: LoadedScheme, name: str) -> tuple[Result | None, list[Finding]]:
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


def _run(scheme: Scheme, sha256: str, result: ResultJson) -> Result:
    return Result(
        scheme=scheme,
        scheme_sha256=sha256,
        computed_at=result.computed_at,
        standings={group.id: [_standing(unit) for unit in group.units] for group in result.groups},
        traces={group: _traced(scheme, group, found) for group, found in result.trace.items()},
        sources=[
            InputFile(item.file, item.sha256, tuple(filter(None, item.stage.split(", "))))
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
        decisions=[_decision_stored(item) for item in result.decisions],
        secret=result.secret,
    )


def _follows(run: Result) -> bool:
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
    if item.code not in codes():
        raise LookupError(item.code)
    source = Source(**item.source.model_dump())
    return Finding(item.code, params, source, Severity(item.severity))


def _decision_stored(item: DecisionJson) -> Applied:
    decision = Decision.model_validate(item.model_dump(exclude={"written", "covered"}))
    place = Source(**item.written.model_dump())
    return Applied(decision, place, tuple(_finding(found) for found in item.covered))


def _number(text: str) -> Score:
    return _ABSENT.get(text) or parse_exact(text)


def _traced(scheme: Scheme, group: str, found: GroupTraceJson) -> Trace:
    declared = [stage.id for stage in scheme.stages]
    if unknown := sorted(found.stages.keys() - declared):
        raise LookupError(unknown[0])
    stages = {stage: _stage_traced(scheme, stage, group, found.stages[stage]) for stage in declared}
    return Trace(stages, _finals(found.composite), _finals(found.final))


def _stage_traced(scheme: Scheme, stage_id: str, group: str, found: StageTraceJson) -> StageTrace:
    stage = next(stage for stage in scheme.stages if stage.id == stage_id)
    plan = stage.plans[group]
    steps = planned(scheme, plan)
    graded = bool(steps) and steps[0].before.graded
    known: dict[str, Score] = {}

    def value(text: str) -> Score:
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
