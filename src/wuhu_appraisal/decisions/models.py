"""The shape of decisions.yaml, and reading it: every error names its line.

Decisions stand beside the stage files they are about. config/decisions.schema.json is the JSON
Schema of these models.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from wuhu_appraisal.codes import CODES
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.freeze import is_to_come, moment, present
from wuhu_appraisal.i18n import N_
from wuhu_appraisal.manifest import DECISIONS, read_beside, shown
from wuhu_appraisal.names import blank, nearest
from wuhu_appraisal.scheme import yaml12
from wuhu_appraisal.scheme.basics import Model
from wuhu_appraisal.scheme.load import validate

Kind = Literal["accept", "set_aside", "waive", "read_as", "correct"]

KINDS: dict[Kind, tuple[str, ...]] = {
    "accept": ("file",),
    "set_aside": ("file",),
    "waive": ("finding",),
    "read_as": ("file", "cell", "value"),
    "correct": ("file", "cell", "value", "was"),
}
"""Each kind of decision with the keys that it needs beside those that every decision needs."""

USED: dict[Kind, tuple[str, ...]] = {
    "accept": ("finding", "file", "sheet", "sha256"),
    "set_aside": ("file", "sheet"),
    "waive": ("finding", "file", "sheet", "cell"),
    "read_as": ("finding", "file", "sheet", "cell", "value", "was"),
    "correct": ("finding", "file", "sheet", "cell", "value", "was"),
}
"""Each kind of decision with all the keys that it heeds beside those that every decision has."""

WORDS: dict[Kind, str] = {
    "accept": N_("accepted"),
    "set_aside": N_("set aside"),
    "waive": N_("waived"),
    "read_as": N_("read as"),
    "correct": N_("corrected"),
}
"""What each kind is called; the values are message ids."""

ALWAYS = ("reason", "by", "at")
_ALLOWED_BLANK = ("was",)
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")

_OURS = {
    "scheme-key-missing": "decision-incomplete",
    "scheme-value-wrong": "decision-value-wrong",
}
"""What is said of a scheme's keys in words that do not fit a decision's."""


def _as_text(value: Any) -> Any:
    """YAML takes 85 for a number; a decision keeps it as it is written."""
    return format(value, "f") if isinstance(value, Decimal) else value


Written = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | float)]


class Decision(Model):
    """One decision: what it is about, what was decided, and who decided it, when and why."""

    finding: str = Field("", description="the code of the finding that it is about")
    file: Written = Field("", description="its path under the folder, with '/' between parts")
    sheet: Written = ""
    cell: str = Field("", description="such as B7")
    decide: Kind
    value: Written | None = Field(None, description="as what the cell counts: read_as, correct")
    was: Written | None = Field(None, description="what the cell held: correct, read_as")
    sha256: str = Field(
        "",
        pattern="^(?:[0-9a-f]{64})?$",
        description="of the file that came or changed after the freezing: accept",
    )
    reason: Written = Field(description="why; not blank")
    by: Written = Field(description="who decided; not blank")
    at: Written = Field(description="when: a date or a time of ISO 8601")
    clause: Written = Field("", description="of the document; may be empty")


class DecisionsFile(Model):
    """decisions.yaml: the decisions in the order in which they were made."""

    decisions: Annotated[
        list[Decision], BeforeValidator(lambda value: [] if value is None else value)
    ]


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision with its line; ``decision.file`` is the name by which the run knows the file."""

    decision: Decision
    place: Source


@dataclass(frozen=True, slots=True)
class Applied:
    """A decision that was applied, and the findings that it covered: they stand in no way any more."""

    decision: Decision
    place: Source
    covered: tuple[Finding, ...] = ()

    def is_about(self, source: Source) -> bool:
        """Whether it is about this cell itself and not about all of its file or sheet."""
        if self.decision.decide == "waive":
            return any(item.source == source for item in self.covered)
        return bool(self.decision.cell) and within(self.decision, source)

    def bears_on(self, source: Source) -> bool:
        """Whether it is about this cell, or about a file or sheet that the cell is in."""
        if self.decision.decide != "waive":
            return within(self.decision, source)
        return any(
            (at.file, at.sheet or source.sheet, at.cell or source.cell)
            == (source.file, source.sheet, source.cell)
            for at in (item.source for item in self.covered)
        )


def within(decision: Decision, source: Source) -> bool:
    """Whether a place lies in what a decision names: the file, and its sheet and cell if given."""
    return (
        (not decision.file or source.file == decision.file)
        and (not decision.sheet or source.sheet == decision.sheet)
        and (not decision.cell or source.cell == decision.cell)
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of decisions.yaml, for editors to point to."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **DecisionsFile.model_json_schema()}


def load_decisions(paths: Sequence[Path]) -> tuple[list[Taken], list[Finding]]:
    """What decisions.yaml says in each folder of stage files, and what is wrong with the files.

    A file with an error gives no decision at all: half of what was decided is not what was decided.
    """
    taken: list[Taken] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    for folder in paths:
        where = folder / DECISIONS
        real = os.path.realpath(where)
        if real in seen or not os.path.isdir(folder) or not os.path.lexists(where):  # noqa: PTH112
            continue
        seen.add(real)
        name = DECISIONS if len(paths) == 1 else shown(where)
        content, refused = read_beside(where, name)
        found, problems = ([], refused) if content is None else parse(name, content)
        findings += problems
        taken += found if len(paths) == 1 else [_below(folder, item) for item in found]
    return taken, findings


def parse(name: str, content: bytes) -> tuple[list[Taken], list[Finding]]:
    """The decisions of one file's text; none with the findings that say what is wrong."""
    document = yaml12.parse(name, content)
    if document.data is not None and not isinstance(document.data, dict):
        return [], [_unreadable(name, N_("it does not begin with 'decisions:'"))]
    file, found = validate(DecisionsFile, document)
    findings = [
        _unreadable(name, N_("the file is empty"))
        if item.code == "yaml-empty"
        else replace(item, code=_OURS.get(item.code, item.code))
        for item in found
    ]
    if file is None or findings:
        return [], findings
    for place, decision in enumerate(file.decisions):
        findings += _lacking(decision, document, ("decisions", place))
    if findings:
        return [], findings
    return [
        Taken(
            decision.model_copy(update={"cell": decision.cell.upper()}),
            document.place(("decisions", place)),
        )
        for place, decision in enumerate(file.decisions)
    ], []


def _unreadable(name: str, problem: str) -> Finding:
    return finding("decisions-unreadable", Source(name), problem_word=problem)


def _below(folder: Path, item: Taken) -> Taken:
    """The decision with the file's name as it is where several folders are read."""
    if not item.decision.file:
        return item
    name = shown(folder / item.decision.file)
    return replace(item, decision=item.decision.model_copy(update={"file": name}))


def _lacking(
    decision: Decision, document: yaml12.Document, path: tuple[str | int, ...]
) -> Iterator[Finding]:
    for key in (*KINDS[decision.decide], *ALWAYS):
        given = getattr(decision, key)
        if given is None or (blank(given) and key not in _ALLOWED_BLANK):
            yield finding("decision-incomplete", document.place((*path, key)), key=key)
    known = {name for names in USED.values() for name in names}
    for key in sorted(known.difference(USED[decision.decide])):
        if getattr(decision, key):
            kind = decision.decide
            yield finding("decision-key-idle", document.place((*path, key)), key=key, kind=kind)
    if decision.finding and decision.finding not in CODES:
        yield finding(
            "decision-finding-unknown",
            document.place((*path, "finding")),
            code=decision.finding,
            suggestion=nearest(decision.finding, list(CODES)),
        )
    problem = "" if blank(decision.at) else _untimely(decision.at)
    if problem:
        yield finding(
            "decision-value-wrong",
            document.place((*path, "at")),
            key="at",
            value_word=decision.at,
            problem_word=problem,
        )


def _untimely(text: str) -> str:
    """Why a text is no time at which anything can have been decided, a message id; '' if it is one."""
    try:
        # A date alone is the midnight here with which it begins.
        at = moment(text) if "T" in text else _midnight(text)
    except ValueError:
        return N_("a date such as 2020-12-31, or 2020-12-31T10:30:00+08:00, is expected")
    return N_("it is still to come") if is_to_come(at) else ""


def _midnight(text: str) -> datetime:
    if not _DATE.fullmatch(text):
        raise ValueError("not written as a date")
    return datetime.fromisoformat(text).replace(tzinfo=present().tzinfo)
