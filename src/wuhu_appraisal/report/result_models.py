"""The shape of results/appraisal.json, validated when it is read.

docs/result.schema.json is the JSON Schema of these models. A published number is a decimal as
text; an exact one is a decimal as text too, or p/q in lowest terms where it does not end.
"""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
