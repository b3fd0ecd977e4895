"""A decision added to decisions.yaml as text, so that what a person wrote there stays as it is."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

import yaml
from pydantic import BeforeValidator

from wuhu_appraisal.findings import Finding, Severity, Source, codes, finding
from wuhu_appraisal.language import N_
from wuhu_appraisal.model import (
    Absent,
    Applied,
    Block,
    Decision,
    Kind,
    LedgerEntry,
    Record,
    Rule,
    Score,
    within,
)
from wuhu_appraisal.names import blank, nearest, normalise
from wuhu_appraisal.numbers import exact_text
from wuhu_appraisal.read.cells import CellRule
from wuhu_appraisal.scheme import yaml_source as yaml12
from wuhu_appraisal.scheme.load import validate
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Model
from wuhu_appraisal.workbooks.folder import DECISIONS, read_beside, shown
from wuhu_appraisal.year.freeze import is_to_come, moment, present

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
    if decision.finding and decision.finding not in codes():
        yield finding(
            "decision-finding-unknown",
            document.place((*path, "finding")),
            code=decision.finding,
            suggestion=nearest(decision.finding, list(codes())),
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


Blocks: TypeAlias = dict[tuple[str, str], list[Block]]
"""The rectangles of each stage and group."""

ACCEPTED = ("frozen-file-", "sheet-date")
"""How the codes begin of what can be accepted of a file."""

_HELD = ("value", "text", "shown")
"""The particulars of a finding that say what its cell holds."""


class _Spot(NamedTuple):
    """A score's place: stage and group, which rectangle, and the 0-based indexes in it."""

    at: tuple[str, str]
    block: int
    row: int
    column: int


@dataclass
class Docket:
    """What was read, on its way through the decisions; ``problems`` are the decisions' own findings.

    ``settle`` comes before the scoring and ``cover`` behind it, once each. What is given is not
    changed.
    """

    scheme: Scheme
    taken: Sequence[Taken]
    blocks: Blocks
    records: list[Record]
    findings: list[Finding]
    ledger: list[LedgerEntry]
    applied: list[Applied] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    _cells: dict[Source, Taken] = field(default_factory=dict)
    _aside: list[Taken] = field(default_factory=list)
    _known: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Keep what is given from change, and know every file, for a guess at a misspelt one."""
        self.blocks = dict(self.blocks)
        self._known = sorted(
            {block.file for blocks in self.blocks.values() for block in blocks}
            | {item.source.file for item in self.findings}
        )

    def settle(self) -> None:
        """Set files aside and give cells other values."""
        for item in self.taken:
            if item.decision.decide == "set_aside":
                self._set_aside(item)
        for item in self.taken:
            if item.decision.decide in ("read_as", "correct"):
                self._give(item)

    def cover(self, found: Sequence[Finding]) -> list[Finding]:
        """What of the findings still needs attention, with what is wrong with the decisions."""
        left = list(found)
        for item in self.taken:
            if item.decision.decide in ("waive", "accept"):
                left = self._covered(item, left)
        order = {id(item.decision): place for place, item in enumerate(self.taken)}
        self.applied.sort(key=lambda item: order[id(item.decision)])
        return [*left, *self.problems]

    def _set_aside(self, item: Taken) -> None:
        decision = item.decision
        blocks = {
            at: [_all_aside(block) if _of(decision, block) else block for block in self.blocks[at]]
            for at in self.blocks
        }
        records = [record for record in self.records if not within(decision, record.source)]
        old = [block for found in self.blocks.values() for block in found]
        touched = any(_of(decision, block) for block in old)
        if not touched and len(records) == len(self.records):
            self._unmatched(item)
            return
        other = next((one for one in self._aside if _overlap(one.decision, decision)), None)
        if other is not None:
            self._twice(item, other)
            return
        self.blocks, self.records = blocks, records
        self._aside.append(item)
        # What is wrong with a file as a whole is not mended by leaving its scores out.
        self._apply(item, [one for one in self.findings if one.source.sheet or one.source.cell])

    def _give(self, item: Taken) -> None:
        decision = item.decision
        spots = list(self._spots(decision))
        sheets = {self._block(spot).sheet for spot in spots}
        if len(sheets) > 1:
            self.problems.append(finding("decision-incomplete", item.place, key="sheet"))
            return
        if not spots:
            self._unmatched(item)
            return
        source = self._block(spots[0]).source(spots[0].row, spots[0].column)
        aside = next((one for one in self._aside if within(one.decision, source)), None)
        other = self._cells.get(source, aside)
        if other is not None:
            self._twice(item, other)
            return
        given = self._score(spots[0], decision.value or "", item.place)
        if given is None or not self._stands(item, spots[0], source):
            return
        self._cells[source] = item
        entry = self._entry(decision, source, self._value(spots[0]), given)
        for spot in spots:
            self.blocks[spot.at] = [
                _with(block, spot, given) if at == spot.block else block
                for at, block in enumerate(self.blocks[spot.at])
            ]
        self.ledger = [*(one for one in self.ledger if one.source != source), entry]
        self._apply(item, [one for one in self.findings if one.source == source])

    def _stands(self, item: Taken, spot: _Spot, source: Source) -> bool:
        """Whether the cell is still what the decision is about; else a finding says so."""
        decision, value = item.decision, self._value(spot)
        here = [one for one in self.findings if one.source == source]
        if decision.decide == "read_as":
            codes = {one.code for one in here}
            # The scoring has not been yet, which alone says that a score is absent.
            codes |= _CALLED.get(value, set()) if isinstance(value, Absent) else set()
            if not codes or (decision.finding and decision.finding not in codes):
                self._unmatched(item)
                return False
            now = self.held(decision) or ""
            if decision.was is not None and normalise(now) != normalise(decision.was):
                outdated = finding("decision-outdated", item.place, now=now, was=decision.was)
                self.problems.append(outdated)
                return False
            return True
        held = next((one.raw for one in self.ledger if one.source == source), None)
        was = decision.was or ""
        same = self._rule(spot).read(was).value == value and not any(
            one.severity is Severity.ERROR for one in here
        )
        if not same and (held is None or normalise(held) != normalise(was)):
            now = held if held is not None else _held(value, here)
            self.problems.append(finding("decision-outdated", item.place, now=now, was=was))
            return False
        return True

    def _covered(self, item: Taken, found: list[Finding]) -> list[Finding]:
        decision = item.decision
        matching = [one for one in found if _matches(decision, one)]
        others = [
            one for one in matching if one.params.get("sha256", decision.sha256) != decision.sha256
        ]
        if others:
            now = str(others[0].params["sha256"])
            self.problems.append(finding("decision-other-file", item.place, now=now))
            return found
        if not matching:
            other = next(
                (
                    one
                    for one in self.applied
                    if any(_matches(decision, covered) for covered in one.covered)
                ),
                None,
            )
            if other is None:
                self._unmatched(item)
            else:
                self._twice(item, other)
            return found
        if decision.decide == "waive" and any(one.severity is Severity.ERROR for one in matching):
            self.problems.append(
                finding("decision-not-waivable", item.place, code=matching[0].code)
            )
            return found
        self.applied.append(Applied(decision, item.place, tuple(matching)))
        gone = set(map(id, matching))
        return [one for one in found if id(one) not in gone]

    def held(self, decision: Decision) -> str | None:
        """What the cell holds that a decision names, before it is applied; None if no score is there."""
        for spot in self._spots(decision):
            source = self._block(spot).source(spot.row, spot.column)
            here = [one for one in self.findings if one.source == source]
            raw = next((one.raw for one in self.ledger if one.source == source), None)
            return raw if raw is not None else _held(self._value(spot), here)
        return None

    def _apply(self, item: Taken, candidates: Sequence[Finding]) -> None:
        covered = [one for one in candidates if within(item.decision, one.source)]
        gone = set(map(id, covered))
        self.findings = [one for one in self.findings if id(one) not in gone]
        self.applied.append(Applied(item.decision, item.place, tuple(covered)))

    def _unmatched(self, item: Taken) -> None:
        decision = item.decision
        file = decision.file
        near = "" if not file or file in self._known else nearest(file, self._known)
        what = about(decision)
        self.problems.append(finding("decision-unmatched", item.place, what=what, suggestion=near))

    def _twice(self, item: Taken, other: Taken | Applied) -> None:
        what = about(item.decision)
        self.problems.append(finding("decision-twice", item.place, what=what, first=other.place))

    def _spots(self, decision: Decision) -> Iterator[_Spot]:
        for at, blocks in self.blocks.items():
            for place, block in enumerate(blocks):
                if not _of(decision, block):
                    continue
                for row in range(len(block.rows.members)):
                    for column in range(len(block.columns.members)):
                        if block.source(row, column).cell == decision.cell:
                            yield _Spot(at, place, row, column)

    def _block(self, spot: _Spot) -> Block:
        return self.blocks[spot.at][spot.block]

    def _value(self, spot: _Spot) -> Score:
        return self._block(spot).values[spot.row][spot.column]

    def _rule(self, spot: _Spot) -> CellRule:
        """How a cell is read: the marks that it is out of, and its stage's grades."""
        stage_id, group = spot.at
        stage = next(one for one in self.scheme.stages if one.id == stage_id)
        plan = stage.plans[group]
        block = self._block(spot)
        named = {
            **block.fixed,
            **block.rows.member(spot.row),
            **block.columns.member(spot.column),
        }
        indicators = self.scheme.indicators_in(plan)
        item = indicators.nodes[named[plan.indicator_dimension]] if indicators else None
        return CellRule.of(self.scheme.reading, plan, item)

    def _score(self, spot: _Spot, text: str, place: Source) -> Score | None:
        """A decided value, checked as a cell's is; None with a finding where it is no score."""
        answer = self._rule(spot).read(text)
        refused = isinstance(answer.value, Absent)
        for said in answer.findings:
            severity = Severity.ERROR if refused else None
            self.problems.append(Finding(said.code, said.params, place, severity))
        if refused and not answer.findings:
            self.problems.append(finding("score-not-number", place, value=text))
        return None if refused else answer.value

    def _entry(self, decision: Decision, source: Source, value: Score, given: Score) -> LedgerEntry:
        before = next((one for one in self.ledger if one.source == source), None)
        here = [one for one in self.findings if one.source == source]
        raw = before.raw if before else decision.was or _held(value, here)
        look = before.format if before else ""
        return LedgerEntry(source, raw, look, _text(given), (Rule.DECISION,))


_CALLED: Mapping[Score, set[str]] = {
    Absent.MISSING: {"score-missing"},
    Absent.NOT_APPLICABLE: {"score-not-applicable"},
}


def about(decision: Decision) -> str:
    """What a decision is about in short: the finding's code and the place, as far as they are given."""
    place = str(Source(decision.file, decision.sheet, decision.cell))
    return " · ".join(filter(None, (place, decision.finding)))


def _matches(decision: Decision, item: Finding) -> bool:
    """Whether a decision that changes no score covers a finding."""
    if decision.decide == "accept" and not item.code.startswith(ACCEPTED):
        return False
    return decision.finding in ("", item.code) and within(decision, item.source)


def _overlap(one: Decision, other: Decision) -> bool:
    return one.file == other.file and (not one.sheet or other.sheet in ("", one.sheet))


def _of(decision: Decision, block: Block) -> bool:
    return block.file == decision.file and decision.sheet in ("", block.sheet)


def _all_aside(block: Block) -> Block:
    return replace(block, values=[[Absent.SET_ASIDE] * len(row) for row in block.values])


def _with(block: Block, spot: _Spot, given: Score) -> Block:
    values = [list(row) if at == spot.row else row for at, row in enumerate(block.values)]
    changed = list(values[spot.row])
    changed[spot.column] = given
    values[spot.row] = changed
    return replace(block, values=values)


def _held(value: Score, here: Sequence[Finding]) -> str:
    """What a cell holds, as far as it is known: its value, else what a finding quotes of it."""
    if not isinstance(value, Absent):
        return _text(value)
    quoted = (str(one.params[name]) for one in here for name in _HELD if name in one.params)
    return next(quoted, value.value)


def _text(value: Score) -> str:
    if isinstance(value, Absent):
        return value.value
    return value if isinstance(value, str) else exact_text(value)


START = "decisions:\n"
_ENTRY = re.compile(r"^([ ]*)-[ ]", re.MULTILINE)
_NOTHING = re.compile(r"^decisions:[ ]*(?:\[[ ]*\]|~|null)?[ ]*(?=#|\r?$)", re.MULTILINE)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_ENDLESS = float("inf")
_MARK = "\ufeff"
"""What some editors put at the beginning of a file in UTF-8; it is no part of its text."""

_AS_NUMBERS = ("value", "was")


def entry(decision: Decision, indent: int = 2) -> str:
    """A decision as a list entry of YAML, one key a line; keys without a value are left out."""
    lines = [
        f"{name}: {_scalar(text, plain=name in _AS_NUMBERS)}"
        for name, text in decision.model_dump().items()
        if text or (name == "was" and text is not None)
    ]
    space = " " * indent
    return f"{space}- " + f"\n{space}  ".join(lines) + "\n"


def added(name: str, content: bytes | None, decision: Decision) -> tuple[bytes, list[Finding]]:
    """The file's new content with the decision behind those that stand there.

    Findings where it cannot be added without touching the rest; ``content`` is None if there is no
    file yet.
    """
    if content is None:
        return (START + entry(decision)).encode(), []
    before, problems = parse(name, content)
    if problems:
        return content, problems
    try:
        text = content.decode()
    except UnicodeDecodeError:
        said = N_("it is not in UTF-8; save it so, then add the decision again")
        return content, [_not_added(name, said)]
    mark = _MARK if text.startswith(_MARK) else ""
    text = text.removeprefix(_MARK)
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    if not before:
        text = _NOTHING.sub("decisions: ", text, count=1)
    here = _ENTRY.findall(text)
    indent = len(here[0]) if before and here else 2
    ending = "" if text.endswith("\n") else end
    new = (mark + text + ending + entry(decision, indent).replace("\n", end)).encode()
    after, problems = parse(name, new)
    if problems or _plainly(after) != [*_plainly(before), decision]:
        said = N_("another decision cannot be added below; write it in by hand")
        return content, [_not_added(name, said)]
    return new, []


def _not_added(name: str, said: str) -> Finding:
    return finding("decisions-unreadable", Source(name), problem_word=said)


def _plainly(taken: Sequence[Taken]) -> list[Decision]:
    return [item.decision for item in taken]


def _scalar(text: str, *, plain: bool) -> str:
    """A text on one line as YAML 1.2 reads it back; a number as it is where one is meant."""
    if plain and _NUMBER.fullmatch(text):
        return text
    dumped = yaml.safe_dump(text, allow_unicode=True, width=_ENDLESS).removesuffix("...\n")
    # PyYAML quotes what is no text under YAML 1.1, which is not all that is none under 1.2.
    if yaml12.parse("", f"key: {dumped}".encode()).data != {"key": text} or "\n" in dumped[:-1]:
        dumped = yaml.safe_dump(text, allow_unicode=True, width=_ENDLESS, default_style='"')
    return dumped.rstrip("\n")
