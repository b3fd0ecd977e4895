"""The shape of results/appraisal.json, validated when it is read."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

StepJson: TypeAlias = tuple[list[str], str, str | list[str]]


class Json(BaseModel):
    """The base: unknown keys are refused, so a damaged result is not half read."""

    model_config = ConfigDict(extra="forbid")


class SourceJson(Json):
    """A place in a file; ``line`` and ``column`` only in text files."""

    file: str
    sheet: str = ""
    cell: str = ""
    line: int = 0
    column: int = 0


class AdjustmentJson(Json):
    """One record of a bonus or, below 0, of a deduction."""

    id: str
    points: str
    reason: str
    evidence: str
    source: SourceJson


class UnitJson(Json):
    """A unit's published numbers; null where a provisional result has none."""

    unit: str
    rank: int | None
    final: str | None
    composite: str | None
    stages: dict[str, str | None]
    points: str
    adjustments: list[AdjustmentJson]


class GroupJson(Json):
    """A group in order of rank."""

    id: str
    title: str
    units: list[UnitJson]


class FindingJson(Json):
    """A finding, said in the language of the run; ``params`` say it again in another."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    source: SourceJson
    hint: str
    params: dict[str, str | tuple[str, str]]


class LedgerJson(Json):
    """A cell that was read as other than a plain number: what it holds, and by which rules."""

    source: SourceJson
    raw: str
    format: str
    value: str
    rules: list[str]


class RemarkJson(Json):
    """What an office wrote beside a score: a note on the cell, or a reason for the deduction."""

    source: SourceJson
    kind: Literal["note", "reason"]
    text: str


class SourceFileJson(Json):
    """A file that went in; ``stage`` names the stages or adjustments its sheets were read as."""

    file: str
    sha256: str
    stage: str


class SchemeJson(Json):
    """The scheme by which the result was computed."""

    id: str
    title: str
    sha256: str


class AxisJson(Json):
    """One side of a rectangle: members and their 1-based rows or columns."""

    dimension: str
    members: list[str]
    positions: list[int]


class BlockJson(Json):
    """A rectangle of scores; '' is missing, '/' not applicable."""

    file: str
    sheet: str
    fixed: dict[str, str]
    rows: AxisJson
    columns: AxisJson
    values: list[list[str]]


class StageTraceJson(Json):
    """The scores and, for each step, [key, value, coefficients of the inputs] of each number."""

    blocks: list[BlockJson]
    steps: list[list[StepJson]]


class FinalJson(Json):
    """A unit's composite and adjustments on their way to the final."""

    unit: str
    members: list[str]
    values: list[str]
    coefficients: list[str]
    value: str


class GroupTraceJson(Json):
    """How a group's finals came to be."""

    stages: dict[str, StageTraceJson]
    composite: list[FinalJson]
    final: list[FinalJson]


class ResultJson(Json):
    """results/appraisal.json."""

    format: Literal[1]
    tool: str
    computed_at: str
    provisional: bool
    scheme: SchemeJson
    groups: list[GroupJson]
    sources: list[SourceFileJson]
    findings: list[FindingJson]
    ledger: list[LedgerJson]
    remarks: list[RemarkJson]
    trace: dict[str, GroupTraceJson]
