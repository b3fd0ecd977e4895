"""The report as JSON: what is published, for other programs, without the trace behind it.

docs/report.schema.json is the JSON Schema of these models. Texts are in the language that was
active when it was made; numbers are the texts that every other rendering shows.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from wuhu_appraisal import __version__
from wuhu_appraisal.model import Result, Standing
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.tables import Sheet, show
from wuhu_appraisal.scheme.models import Audience
from wuhu_appraisal.store import Json, SchemeJson, SourceJson, json_schema

Status: TypeAlias = Literal["provisional", "draft", "final"]
Digits: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^-?[0-9]+(\.[0-9]+)?$",
        description="a decimal with the digits that are published, trailing zeros kept",
    ),
]


class Stage(Json):
    """One weighted part of the composite."""

    id: str
    title: str
    weight: Digits = Field(description="its share of the composite, of 100 for all stages")
    clause: str = Field(description="of the document that the scheme encodes; may be empty")


class Adjustment(Json):
    """One record of a bonus or a deduction, with its grounds."""

    id: str
    title: str
    points: Digits = Field(description="below 0 for a deduction; before any cap")
    reason: str = Field(description="as the sheet gives it; may be empty")
    evidence: str = Field(description="as the sheet gives it; may be empty")
    clause: str
    source: SourceJson


class Unit(Json):
    """A unit with its published numbers."""

    rank: int | None = Field(description="equal finals share a rank; null where there is none")
    unit: str
    stages: dict[str, Digits | None] = Field(
        description="the score of each stage by the stage's id; null where there is none"
    )
    composite: Digits | None = Field(description="null where there is none")
    points: Digits | None = Field(
        description="what the adjustments come to, after the caps; null where no score is shown"
    )
    final: Digits | None = Field(description="null where there is none")
    adjustments: list[Adjustment]


class Group(Json):
    """A group, its units in order of rank and behind them those without one."""

    id: str
    title: str
    units: list[Unit]


class Assumption(Json):
    """A choice that the document leaves open."""

    id: str
    clause: str = Field(description="the clause that is silent")
    text: str = Field(description="what the scheme chooses")
    set_in: str = Field(description="the place in the scheme where the choice is made")


class Finding(Json):
    """One thing to know about the input."""

    code: str = Field(description="as in docs/findings.md")
    severity: Literal["error", "warning"]
    message: str
    hint: str = Field(description="what to do about it; may be empty")
    source: SourceJson


class SourceFile(Json):
    """A file that went in."""

    file: str
    sha256: str
    read_as: list[str] = Field(
        description="the ids of the stages and adjustments that its sheets hold"
    )


class EditionJson(Json):
    """Whose copy this is."""

    audience: Audience
    recipient: str = Field(description="who got this copy; may be empty")
    result: str = Field(description="by which the copy leads back to the run that it tells of")
    notes: list[str] = Field(description="what is withheld, where a null also stands for that")


class Report(Json):
    """The published report of an appraisal."""

    format: Literal[1] = Field(description="of this file; another number is another shape")
    tool: str = Field(description="the program and its version")
    computed_at: str = Field(description="when the result was computed, as ISO 8601 with offset")
    status: Status = Field(
        description="provisional: something is missing, see 'missing'; draft: complete and not "
        "approved yet; final"
    )
    edition: EditionJson
    missing: list[str] = Field(description="what a provisional result lacks; else empty")
    scheme: SchemeJson
    stages: list[Stage]
    groups: list[Group]
    assumptions: list[Assumption]
    findings: list[Finding]
    sources: list[SourceFile]


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a report."""
    return json_schema(Report)


def status(result: Result, *, final: bool) -> Status:
    """What a rendering is; ValueError where a provisional result is to be rendered as final."""
    if result.provisional and final:
        raise ValueError("a provisional result cannot be rendered as final")
    if result.provisional:
        return "provisional"
    return "final" if final else "draft"


def render(result: Result, *, final: bool) -> bytes:
    """The report as indented UTF-8 JSON; raises as ``status`` does."""
    scheme = result.scheme
    report = Report.model_validate(
        {
            "format": 1,
            "tool": f"appraise {__version__}",
            "computed_at": result.computed_at,
            "status": status(result, final=final),
            "edition": {
                "audience": result.edition.audience,
                "recipient": result.edition.recipient,
                "run": result.id,
                "notes": list(result.edition.notes),
            },
            "missing": [item.message for item in result.missing],
            "scheme": {"id": scheme.id, "title": str(scheme.title), "sha256": result.scheme_sha256},
            "stages": [
                {
                    "id": stage.id,
                    "title": str(stage.title),
                    "weight": plain(stage.weight),
                    "clause": stage.clause,
                }
                for stage in scheme.stages
            ],
            "groups": list(_groups(result)),
            **_grounds(result),
        }
    )
    # Only the parts of a source have defaults: those that its kind of file does not have.
    return f"{report.model_dump_json(indent=2, exclude_defaults=True)}\n".encode()


def _grounds(result: Result) -> dict[str, Any]:
    """What the published numbers rest on."""
    return {
        "assumptions": [
            {
                "id": item.id,
                "clause": item.clause,
                "text": str(item.text),
                "set_in": item.set_in,
            }
            for item in result.scheme.assumptions
        ],
        "findings": [
            {
                "code": item.code,
                "severity": item.severity,
                "message": item.message,
                "hint": item.hint,
                "source": asdict(item.source),
            }
            for item in result.findings
        ],
        "sources": [
            {"file": item.file, "sha256": item.sha256, "read_as": list(item.stages)}
            for item in result.sources
        ],
    }


def _groups(result: Result) -> Iterator[dict[str, Any]]:
    stages = [stage.id for stage in result.scheme.stages]
    adjusted = _texts(view.adjustments(result))
    for (group, standings), sheet in zip(
        result.standings.items(), view.rankings(result), strict=True
    ):
        units = []
        for item, texts in zip(standings, _texts(sheet), strict=True):
            _rank, unit, *numbers = texts
            if not numbers:
                numbers = [None] * (len(stages) + 3)
            *scores, composite, points, final = numbers
            units.append(
                {
                    "rank": item.rank,
                    "unit": unit,
                    "stages": dict(zip(stages, scores, strict=True)),
                    "composite": composite,
                    "points": points,
                    "final": final,
                    "adjustments": list(_adjustments(item, adjusted)),
                }
            )
        yield {"id": group, "title": str(result.scheme.group(group).title), "units": units}


def _adjustments(item: Standing, adjusted: Iterator[list[str | None]]) -> Iterator[dict[str, Any]]:
    """A unit's records with the next rows of the view's table, which holds them in this order."""
    for record in item.adjustments:
        _group, _unit, title, points, reason, evidence, clause, *_source = next(adjusted)
        yield {
            "id": record.id,
            "title": title,
            "points": points,
            "reason": reason,
            "evidence": evidence,
            "clause": clause,
            "source": asdict(record.source),
        }


def _texts(sheet: Sheet) -> Iterator[list[str | None]]:
    """Each row of a table as texts, None where there is nothing to show."""
    for row in sheet.rows:
        yield [
            None if content is None else show(content, column)
            for content, column in zip(row, sheet.columns, strict=True)
        ]
