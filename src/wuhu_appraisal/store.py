"""A result as a file: JSON that people and programs can read, from which every report is made.

The file has format 2. Numbers are texts: a published one has the digits that are published, an
exact one is a decimal, or p/q in lowest terms where it does not end as a decimal. Of the trace the
file has the scores as read and the value of every step; reading it takes the scores through the
steps again, and every value must come out as it was written.
"""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import metadata
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from wuhu_appraisal.findings import Finding, Source, codes, finding
from wuhu_appraisal.model import (
    Applied,
    Block,
    InputFile,
    LedgerEntry,
    Remark,
    ScoreTable,
    StageTrace,
    Standing,
    StepTable,
    Trace,
    score_text,
)
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Detail
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.plan import planned
from wuhu_appraisal.score.ranking import finals, standings, tied
from wuhu_appraisal.score.steps import composites, run_steps

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
make 0.8 a percentage; msoffcrypto-tool decrypts workbooks; PyYAML reads weights, full marks and
decisions; pydantic makes decimals of all of them. The others show a result that is there already.
"""

LEEWAY = timedelta(hours=1)
"""How far the clock of another computer may be ahead."""

Exact: TypeAlias = Annotated[
    str | dict[str, str],
    Field(
        description="a decimal or p/q; '' missing, '/' not applicable, 'set aside' by a decision"
    ),
]
Values: TypeAlias = Annotated[
    list[tuple[list[str], Exact]],
    Field(
        description="each number of a table: the members that it is of, the unit first; its value"
    ),
]


def _without_texts(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in ("message", "hint")}


FindingWithTexts: TypeAlias = Annotated[
    Finding,
    BeforeValidator(_without_texts),
    WithJsonSchema(
        {
            "type": "object",
            "description": "a finding; message and hint are in the language of the result",
            "properties": {
                "code": {"type": "string", "description": "as in docs/findings.md"},
                "severity": {"enum": ["error", "warning"]},
                "message": {"type": "string"},
                "hint": {"type": "string"},
                "params": {"type": "object"},
                "source": {"type": "object", "description": "file, sheet, cell; line, column"},
                "also": {"type": "array", "description": "the further places of the same cause"},
            },
            "required": ["code", "severity", "message", "hint", "params", "source"],
        }
    ),
]


class SchemeName(BaseModel):
    """The scheme by which a result was computed; ``sha256`` is that of its files."""

    id: str
    title: str
    sha256: str


class TraceValues(BaseModel):
    """The values of a group: of each step of each stage in turn, of the composite, of the final."""

    stages: dict[str, list[Values]]
    composite: Values
    final: Values


class ResultFile(BaseModel):
    """A result as it is written; a report in JSON has ``copy`` and leaves out what is behind it."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[2]
    tool: str = Field(
        pattern=r"^appraise \d+(\.\d+)*([a-z]+\d*)?(\.[a-z]+\d+)*$",
        description="the program and its version (PEP 440)",
    )
    versions: dict[str, str] = Field(
        {}, description="of Python and the packages that numbers go through; '' where unknown"
    )
    computed_at: str = Field(description="ISO 8601 with offset")
    provisional: bool = Field(description="whether a finding of severity error is among them")
    final: bool = Field(False, description="whether a report is approved")
    copy_: Copy | None = Field(None, alias="copy", description="whose copy a report is")
    scheme: SchemeName
    standings: dict[str, list[Standing]] = Field(
        description="by the group's id, in order of rank, behind them the units without one"
    )
    inputs: list[str] = Field(
        [], description="the folders and files that were read, as paths from the result's folder"
    )
    frozen: dict[str, Any] | None = Field(
        None, description="what frozen.yaml said; {} where none applied, null where unknown"
    )
    sources: list[InputFile] = []
    findings: list[FindingWithTexts] = []
    ledger: list[LedgerEntry] = []
    remarks: list[Remark] = []
    decisions: list[Applied] = []
    scores: dict[str, dict[str, list[Block]]] = Field(
        {}, description="the scores as read by the ids of group and stage"
    )
    trace: dict[str, TraceValues] = Field({}, description="by the group's id")


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a result and of a report in JSON."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **ResultFile.model_json_schema()}


def versions() -> dict[str, str]:
    """Return the versions of Python and of ``PACKAGES``; '' where an installation has none."""
    return {"Python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def data(result: Result) -> dict[str, Any]:
    """Return the whole result as JSON data; findings also say their message in the active language."""
    return _head(result) | {
        "inputs": list(result.inputs),
        "frozen": result.frozen,
        "ledger": _json(list[LedgerEntry], result.ledger),
        "remarks": _json(list[Remark], result.remarks),
        "decisions": _json(list[Applied], result.decisions),
        "scores": {
            group: {
                stage: _json(list[Block], of_stage.scores.blocks)
                for stage, of_stage in trace.stages.items()
            }
            for group, trace in result.traces.items()
        },
        "trace": {group: _values(trace) for group, trace in result.traces.items()},
    }


def dump(result: Result) -> bytes:
    """Return the result as UTF-8 JSON, the scores and the trace on one long line each."""
    head = data(result)
    long = {part: head.pop(part) for part in ("scores", "trace")}
    pieces = [json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}").encode()]
    for part in list(long):
        body = json.dumps(long.pop(part), ensure_ascii=False, separators=(",", ":"))
        pieces.append(f',\n  "{part}": '.encode() + body.encode())
    return b"".join([*pieces, b"\n}\n"])


def report(result: Result, *, final: bool) -> bytes:
    """Return what is published of a result as UTF-8 JSON, without the scores and steps behind it.

    Raise ValueError for a provisional result that is to be final.
    """
    if result.provisional and final:
        raise ValueError("a provisional result cannot be rendered as final")
    copy = Copy(
        result.copy.audience,
        result.copy.recipient,
        result.id,
        result.copy.shows,
        result.copy.notes,
    )
    head = _head(result) | {"final": final, "copy": json_data(copy)}
    head["copy"]["shows"] = [str(detail) for detail in Detail if detail in result.copy.shows]
    del head["versions"]
    return (json.dumps(head, ensure_ascii=False, indent=2) + "\n").encode()


def finding_data(item: Finding) -> dict[str, Any]:
    """Return a finding as JSON data, with its message and hint in the active language."""
    content: dict[str, Any] = json_data(item)
    if not item.also:
        del content["also"]
    return {**content, "message": item.message, "hint": item.hint}


def json_data(item: object) -> Any:
    """Return a shape of ``model``, such as a ledger entry or a source, as JSON data."""
    return _json(type(item), item)


def load(content: bytes, loaded: LoadedScheme, name: str) -> tuple[Result | None, list[Finding]]:
    """Return the result that a file holds, None with findings where file and scheme do not agree.

    The scores go through the scheme's steps again: every value and every published number and rank
    of the file must come out. ``name`` is the file's name for findings.
    """
    try:
        file = parse(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        problem = f"{place}: {first['msg']}" if place else first["msg"]
        return None, [finding("result-unreadable", Source(name), problem=problem)]
    except ValueError as error:
        return None, [finding("result-unreadable", Source(name), problem=str(error))]
    scheme = loaded.scheme
    if scheme is None or file.scheme.sha256 != loaded.sha256:
        return None, [finding("result-other-scheme", Source(name), id=file.scheme.id)]
    try:
        traces = _traces(scheme, file)
        result = Result(
            scheme=scheme,
            scheme_sha256=loaded.sha256,
            computed_at=file.computed_at,
            standings=file.standings,
            traces=traces,
            sources=file.sources,
            findings=file.findings,
            ledger=file.ledger,
            remarks=file.remarks,
            decisions=file.decisions,
            tool=file.tool,
            versions=file.versions,
            frozen=file.frozen or {},
            inputs=file.inputs,
        )
        agrees = result.provisional == file.provisional and _agrees(result, file)
    except (LookupError, ValueError, ArithmeticError, TypeError, AssertionError) as error:
        problem = f"{type(error).__name__}: {error}"
        return None, [finding("result-unreadable", Source(name), problem=problem)]
    return (result, []) if agrees else (None, [finding("result-inconsistent", Source(name))])


def parse(content: bytes) -> ResultFile:
    """Return a result file's data.

    Raise pydantic's ValidationError, and ValueError for a key that stands twice in one object, for
    an unknown code of a finding, and for a time without an offset or still to come: no two readers
    may read different things out of a result.
    """
    try:
        read = json.loads(content, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("it nests too deep") from error
    file = ResultFile.model_validate(read)
    moment = datetime.fromisoformat(file.computed_at)
    if moment.tzinfo is None or moment > datetime.now(UTC) + LEEWAY:
        raise ValueError(f"computed_at: {file.computed_at}")
    covered = [item for decision in file.decisions for item in decision.covered]
    unknown = [item.code for item in (*file.findings, *covered) if item.code not in codes()]
    if unknown:
        raise ValueError(f"findings: {unknown[0]}")
    return file


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _value in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)}: twice")
    return content


def _head(result: Result) -> dict[str, Any]:
    standings = _json(dict[str, list[Standing]], result.standings)
    for unit in (unit for units in standings.values() for unit in units):
        if not result.scheme.classes:
            del unit["class_id"]
        if not unit["ties"]:
            del unit["ties"]
    return {
        "format": 2,
        "tool": result.tool,
        "versions": dict(result.versions),
        "computed_at": result.computed_at,
        "provisional": result.provisional,
        "scheme": {
            "id": result.scheme.id,
            "title": str(result.scheme.title),
            "sha256": result.scheme_sha256,
        },
        "standings": standings,
        "sources": _json(list[InputFile], result.sources),
        "findings": [finding_data(item) for item in result.findings],
    }


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _json(shape: Any, content: Any) -> Any:
    return _adapter(shape).dump_python(content, mode="json", warnings=False)


def _values(trace: Trace) -> dict[str, Any]:
    return {
        "stages": {
            stage: [_table(table) for table in of_stage.steps]
            for stage, of_stage in trace.stages.items()
        },
        "composite": _table(trace.composite),
        "final": _table(trace.final),
    }


def _table(table: StepTable) -> list[tuple[Sequence[str], str | dict[str, str]]]:
    return [(key, score_text(value)) for key, value in table.items()]


def _traces(scheme: Scheme, file: ResultFile) -> dict[str, Trace]:
    """Take the scores of a file through the steps of the scheme. Raise LookupError for a gap."""
    traces: dict[str, Trace] = {}
    records = [
        record for units in file.standings.values() for unit in units for record in unit.adjustments
    ]
    for group in scheme.groups:
        stages: dict[str, StageTrace] = {}
        for stage in scheme.stages:
            plan = stage.plans[group.id]
            blocks = file.scores[group.id][stage.id]
            scores = ScoreTable(("unit", *plan.dimensions), blocks)
            steps, _findings = run_steps(scheme, stage, plan, planned(scheme, plan), scores)
            stages[stage.id] = StageTrace(stage.id, group.id, scores, steps)
        composite, _findings = composites(scheme, group.id, stages)
        traces[group.id] = Trace(stages, composite, finals(scheme, composite, records))
    return traces


def _agrees(result: Result, file: ResultFile) -> bool:
    """Tell whether the values and the standings of a file are those that its scores lead to."""
    if list(file.standings) != list(result.traces) or file.scores.keys() != result.traces.keys():
        return False
    for group, trace in result.traces.items():
        published = file.standings[group]
        records = [record for unit in published for record in unit.adjustments]
        values = TraceValues.model_validate(_values(trace))
        if values != file.trace[group] or file.scores[group].keys() != trace.stages.keys():
            return False
        ties = tied(result.scheme, group, trace.tables)
        if standings(result.scheme, trace.composite, trace.final, records, ties) != published:
            return False
    return True
