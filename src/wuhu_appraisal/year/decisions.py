"""The decisions about the stage files: read decisions.yaml, apply it, and append to it."""

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

import yaml
from pydantic import BeforeValidator

from wuhu_appraisal.files import FolderBusyError, locked, write_whole
from wuhu_appraisal.findings import Finding, Severity, Source, codes, finding
from wuhu_appraisal.language import N_
from wuhu_appraisal.model import (
    Absent,
    Applied,
    Block,
    Decision,
    Grade,
    Kind,
    LedgerEntry,
    Record,
    Rule,
    Score,
    within,
)
from wuhu_appraisal.names import blank, nearest, normalise
from wuhu_appraisal.numbers import Number, exact_text
from wuhu_appraisal.read.cells import CellRule
from wuhu_appraisal.scheme import yaml_source
from wuhu_appraisal.scheme.load import validate
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Model
from wuhu_appraisal.workbooks.folder import DECISIONS, common_folder, name_under, read_beside
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
    "set_aside": ("file", "sheet", "cell"),
    "waive": ("finding", "file", "sheet", "cell", "was"),
    "read_as": ("finding", "file", "sheet", "cell", "value", "was"),
    "correct": ("finding", "file", "sheet", "cell", "value", "was"),
}
"""Each kind of decision with all the keys that it uses beside those that every decision has."""

WORDS: dict[Kind, str] = {
    "accept": N_("accepted"),
    "set_aside": N_("set aside"),
    "waive": N_("waived"),
    "read_as": N_("read as"),
    "correct": N_("corrected"),
}
"""What each kind is called; the values are message ids."""

ALWAYS = ("reason", "by", "at")
"""The keys that every decision needs."""

ACCEPTED = ("frozen-file-", "sheet-date")
"""How the codes begin of what can be accepted of a file."""

WAIVABLE = frozenset(
    {"score-distant", "scores-distant", "scores-apart", "total-distant", "stage-distant"}
)
"""The errors that a person can waive: the score counts, and may well be right."""

Blocks: TypeAlias = dict[tuple[str, str], list[Block]]
"""The blocks of scores of each stage and group."""

_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")

_OWN_CODES = {
    "scheme-key-missing": "decision-incomplete",
    "scheme-value-wrong": "decision-value-wrong",
}
"""The codes for what is said of a scheme's keys in words that do not fit a decision's."""


class DecisionsFile(Model):
    """decisions.yaml: the decisions in the order in which they were made."""

    decisions: Annotated[
        list[Decision], BeforeValidator(lambda value: [] if value is None else value)
    ]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of decisions.yaml, for editors to point to."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **DecisionsFile.model_json_schema()}


def load_decisions(paths: Sequence[Path]) -> tuple[list[Applied], list[Finding]]:
    """Read decisions.yaml in each folder of stage files; findings say what is wrong with the files.

    A file with an error gives no decision at all: half of what was decided is not what was decided.
    Where several folders are read, the decisions' files have the folder in their names.
    """
    entries: list[Applied] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    base = common_folder(paths)
    for folder in paths:
        path = folder / DECISIONS
        real = os.path.realpath(path)
        if real in seen or not os.path.isdir(folder) or not os.path.lexists(path):  # noqa: PTH112
            continue
        seen.add(real)
        name = name_under(base, path)
        content, refused = read_beside(path, name)
        parsed, problems = ([], refused) if content is None else parse(name, content)
        findings += problems
        for entry in parsed:
            decision = entry.decision
            if decision.file and len(paths) > 1:
                decision = decision.model_copy(
                    update={"file": name_under(base, folder / decision.file)}
                )
            entries.append(Applied(decision, entry.place))
    return entries, findings


def parse(name: str, content: bytes) -> tuple[list[Applied], list[Finding]]:
    """Parse the text of one file; no decisions where findings say what is wrong."""
    document = yaml_source.parse(name, content)
    if document.data is not None and not isinstance(document.data, dict):
        return [], [_unreadable(name, N_("it does not begin with 'decisions:'"))]
    file, problems = validate(DecisionsFile, document)
    findings = [
        _unreadable(name, N_("the file is empty"))
        if item.code == "yaml-empty"
        else replace(item, code=_OWN_CODES.get(item.code, item.code))
        for item in problems
    ]
    if file is None or findings:
        return [], findings
    for number, decision in enumerate(file.decisions):
        findings += _check(decision, document, ("decisions", number))
    if findings:
        return [], findings
    return [
        Applied(
            decision.model_copy(update={"cell": decision.cell.upper()}),
            document.place(("decisions", number)),
        )
        for number, decision in enumerate(file.decisions)
    ], []


def _unreadable(name: str, problem: str) -> Finding:
    return finding("decisions-unreadable", Source(name), problem_word=problem)


def _check(
    decision: Decision, document: yaml_source.Document, path: tuple[str | int, ...]
) -> Iterator[Finding]:
    """Find keys that are missing, blank, unused or unknown, and a time that is none."""
    code = decision.finding
    if decision.decide == "accept" and code in codes() and not code.startswith(ACCEPTED):
        meant = _meant(code, codes()[code].severity, decision)
        yield _other_kind(decision, meant, document.place((*path, "decide")))
        return
    for key in (*KINDS[decision.decide], *ALWAYS):
        value = getattr(decision, key)
        # A cell may have held nothing.
        if value is None or (blank(value) and key != "was"):
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
    problem = "" if blank(decision.at) else _time_problem(decision.at)
    if problem:
        yield finding(
            "decision-value-wrong",
            document.place((*path, "at")),
            key="at",
            value_word=decision.at,
            problem_word=problem,
        )


def _time_problem(text: str) -> str:
    """Return why nothing can have been decided at a time, as a message id; '' if it can."""
    try:
        # A date alone is the local midnight with which it begins.
        at = moment(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
        at = at.replace(tzinfo=present().tzinfo) if _DATE.fullmatch(text) else at
    except ValueError:
        return N_("a date such as 2020-12-31, or 2020-12-31T10:30:00+08:00, is expected")
    return N_("it is still to come") if is_to_come(at) else ""


def _meant(code: str, severity: Severity | None, decision: Decision) -> Kind:
    """Return the kind of decision by which a finding can be settled."""
    if code.startswith(ACCEPTED):
        return "accept"
    if severity is Severity.WARNING or code in WAIVABLE:
        return "waive"
    return "read_as" if decision.cell else "set_aside"


def _other_kind(decision: Decision, meant: Kind, place: Source) -> Finding:
    kinds = {"kind": decision.decide, "meant": meant}
    return finding("decision-other-kind", place, what=about(decision), **kinds)


def with_slashes(decision: Decision, files: Collection[str]) -> Decision:
    r"""Return the decision with / for each \\ in the file's path, unless there is a file of that name.

    A sign that is not seen stands as its number, \\u{200b}, and stays as it is.
    """
    path = decision.file
    if path in files or "\\" not in path:
        return decision
    return decision.model_copy(update={"file": re.sub(r"\\(?![ux]\{)", "/", path)})


class _Spot(NamedTuple):
    """A score: its stage and group, its block, and the 0-based indexes in it."""

    key: tuple[str, str]
    block: Block
    row: int
    column: int

    @property
    def value(self) -> Score:
        """The score."""
        return self.block.values[self.row][self.column]

    @property
    def source(self) -> Source:
        """Its cell."""
        return self.block.source(self.row, self.column)


@dataclass
class DecidedInput:
    """The input as the decisions change it.

    Call ``change_scores`` before the scoring and ``settle`` after it, once each. What the instance
    is made of is not changed: its own lists are replaced. ``applied`` are the decisions that were
    applied, and ``problems`` the findings about the decisions themselves.
    """

    scheme: Scheme
    entries: Sequence[Applied]
    blocks: Blocks
    records: list[Record]
    findings: list[Finding]
    ledger: list[LedgerEntry]
    applied: list[Applied] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    _cells: dict[Source, Applied] = field(default_factory=dict)
    _set_aside: list[Applied] = field(default_factory=list)
    _files: set[str] = field(default_factory=set)

    def change_scores(self) -> None:
        """Set files aside, then give cells other values."""
        self.blocks = dict(self.blocks)
        self._files = {block.file for blocks in self.blocks.values() for block in blocks}
        self._files |= {item.source.file for item in self.findings}
        self.entries = [
            replace(entry, decision=with_slashes(entry.decision, self._files))
            for entry in self.entries
        ]
        for entry in self.entries:
            if entry.decision.decide == "set_aside" and not entry.decision.cell:
                self._leave_out(entry)
        for entry in self.entries:
            if entry.decision.decide in ("read_as", "correct") or (
                entry.decision.decide == "set_aside" and entry.decision.cell
            ):
                self._change_cell(entry)

    def settle(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return the findings that no decision settles, and what is wrong with the decisions."""
        left = list(findings)
        for entry in self.entries:
            if entry.decision.decide in ("waive", "accept"):
                left = self._settle(entry, left)
        order = {id(entry.decision): number for number, entry in enumerate(self.entries)}
        self.applied.sort(key=lambda item: order[id(item.decision)])
        return [*left, *self.problems]

    def _leave_out(self, entry: Applied) -> None:
        """Set the scores and records of a file or sheet aside."""
        decision = entry.decision
        blocks = {
            key: [
                replace(block, values=[[Absent.SET_ASIDE] * len(row) for row in block.values])
                if _names(decision, block)
                else block
                for block in old
            ]
            for key, old in self.blocks.items()
        }
        records = [record for record in self.records if not within(decision, record.source)]
        old = [block for blocks in self.blocks.values() for block in blocks]
        touched = any(_names(decision, block) for block in old)
        if not touched and len(records) == len(self.records):
            self._unmatched(entry)
            return
        for other in self._set_aside:
            one = other.decision
            if one.file == decision.file and (not one.sheet or decision.sheet in ("", one.sheet)):
                self._twice(entry, other)
                return
        self.blocks, self.records = blocks, records
        self._set_aside.append(entry)
        # What is wrong with a file as a whole is not mended by leaving its scores out.
        self._apply(
            entry, [item for item in self.findings if item.source.sheet or item.source.cell]
        )

    def _change_cell(self, entry: Applied) -> None:
        """Give a cell the decided value."""
        decision = entry.decision
        spots = list(_spots(decision, self.blocks))
        if len({spot.block.sheet for spot in spots}) > 1:
            self.problems.append(finding("decision-incomplete", entry.place, key="sheet"))
            return
        if not spots:
            self._unmatched(entry)
            return
        source = replace(spots[0].source, cell=decision.cell)
        aside = next((one for one in self._set_aside if within(one.decision, source)), None)
        other = self._cells.get(source, aside)
        if other is not None:
            self._twice(entry, other)
            return
        if spots[0].block.counted or decision.decide == "set_aside":
            self._leave_fault_out(entry, spots)
            return
        value = self._decided_score(spots[0], decision.value or "", entry.place)
        if value is None or not self._holds(entry, spots[0]):
            return
        self._cells[source] = entry
        before = next((item for item in self.ledger if item.source == source), None)
        raw = (
            before.raw if before else decision.was or _content(spots[0], self.findings, self.ledger)
        )
        look = before.format if before else ""
        added = LedgerEntry(source, raw, look, _text(value), (Rule.DECISION,))
        self.ledger = [*(item for item in self.ledger if item.source != source), added]
        for spot in spots:
            self._give(spot, value)
        self._apply(entry, [item for item in self.findings if item.source == source])

    def _give(self, spot: _Spot, value: Score) -> None:
        """Give a score another value."""
        values = [list(row) for row in spot.block.values]
        values[spot.row][spot.column] = value
        changed = replace(spot.block, values=values)
        self.blocks[spot.key] = [
            changed if block is spot.block else block for block in self.blocks[spot.key]
        ]

    def _leave_fault_out(self, entry: Applied, spots: Sequence[_Spot]) -> None:
        """Take a row of a list off the count that it is part of; its cell stays among the grounds."""
        decision = entry.decision
        if not spots[0].block.counted:
            params = {"key": "cell", "kind": decision.decide}
            self.problems.append(finding("decision-key-idle", entry.place, **params))
            return
        if decision.decide != "set_aside":
            self.problems.append(_other_kind(decision, "set_aside", entry.place))
            return
        source = Source(spots[0].block.file, spots[0].block.sheet, decision.cell)
        self._cells[source] = entry
        for spot in spots:
            assert isinstance(spot.value, Decimal), "a row is counted, so its list is not set aside"
            self._give(spot, spot.value - 1)
        self._apply(entry, [item for item in self.findings if item.source == source])

    def _holds(self, entry: Applied, spot: _Spot) -> bool:
        """Whether the cell is still what the decision is about; else a finding says so."""
        decision, value = entry.decision, spot.value
        here = [item for item in self.findings if item.source == spot.source]
        content, was = _content(spot, self.findings, self.ledger), decision.was or ""
        if decision.decide == "read_as":
            names = {item.code for item in here}
            # Only the scoring, which comes later, says that a score is absent.
            names |= {_ABSENT_CODES[value]} if value in _ABSENT_CODES else set()
            if not names and not isinstance(value, Absent):
                self.problems.append(_other_kind(decision, "correct", entry.place))
                return False
            if not names or (decision.finding and decision.finding not in names):
                self._unmatched(entry)
                return False
            same = decision.was is None or normalise(content) == normalise(was)
        else:
            errors = any(item.severity is Severity.ERROR for item in here)
            same = self._cell_rule(spot).read(was).value == value and not errors
            listed = any(item.source == spot.source for item in self.ledger)
            same = same or (listed and normalise(content) == normalise(was))
            if errors and normalise(content) == normalise(was):
                self.problems.append(_other_kind(decision, "read_as", entry.place))
                return False
        if not same:
            self.problems.append(finding("decision-outdated", entry.place, now=content, was=was))
        return same

    def _settle(self, entry: Applied, findings: list[Finding]) -> list[Finding]:
        """Return the findings that are left once a decision that changes no score is applied."""
        decision = entry.decision
        matching = [item for item in findings if _matches(decision, item)]
        for item in matching:
            now = item.params.get("sha256", decision.sha256)
            if now != decision.sha256:
                self.problems.append(finding("decision-other-file", entry.place, now=str(now)))
                return findings
        if not matching:
            for other in self.applied:
                if any(_matches(decision, item) for item in other.covered):
                    self._twice(entry, other)
                    return findings
            for item in findings:
                meant = _meant(item.code, item.severity, decision)
                named = decision.finding in ("", item.code) and within(decision, item.source)
                if decision.decide == "accept" and meant != "accept" and named:
                    self.problems.append(_other_kind(decision, meant, entry.place))
                    return findings
            self._unmatched(entry)
            return findings
        problem = self._not_waived(entry, matching) if decision.decide == "waive" else None
        if problem is not None:
            self.problems.append(problem)
            return findings
        self.applied.append(replace(entry, covered=tuple(matching)))
        settled = set(map(id, matching))
        return [item for item in findings if id(item) not in settled]

    def _not_waived(self, entry: Applied, matching: Sequence[Finding]) -> Finding | None:
        """Return why a waiver does not settle the findings that it names; None if it does.

        An error is waived for one place, as long as its cell holds what it held.
        """
        decision = entry.decision
        errors = [item for item in matching if item.severity is Severity.ERROR]
        for item in errors:
            if item.code.startswith(ACCEPTED):
                return _other_kind(decision, "accept", entry.place)
            if item.code not in WAIVABLE:
                return finding("decision-not-waivable", entry.place, code=item.code)
            for key in ("file", "cell"):
                if getattr(item.source, key) and not getattr(decision, key):
                    return finding("decision-incomplete", entry.place, key=key)
        if not errors and decision.was is None:
            return None
        spots = list(_spots(decision, self.blocks))
        sheets = {spot.block.sheet for spot in spots} | {item.source.sheet for item in matching}
        if len(sheets) > 1:
            return finding("decision-incomplete", entry.place, key="sheet")
        now = _content(spots[0], self.findings, self.ledger) if spots else ""
        if decision.was is not None and normalise(now) != normalise(decision.was):
            params = {"now": now, "was": decision.was}
            return finding("decision-outdated", entry.place, **params)
        return None

    def _apply(self, entry: Applied, candidates: Sequence[Finding]) -> None:
        """Take a decision that changes scores as applied, with those of the findings it settles."""
        covered = [item for item in candidates if within(entry.decision, item.source)]
        settled = set(map(id, covered))
        self.findings = [item for item in self.findings if id(item) not in settled]
        self.applied.append(replace(entry, covered=tuple(covered)))

    def _unmatched(self, entry: Applied) -> None:
        file, what = entry.decision.file, about(entry.decision)
        near = "" if not file or file in self._files else nearest(file, sorted(self._files))
        unmatched = finding("decision-unmatched", entry.place, what=what, suggestion=near)
        self.problems.append(unmatched)

    def _twice(self, entry: Applied, other: Applied) -> None:
        what = about(entry.decision)
        self.problems.append(finding("decision-twice", entry.place, what=what, first=other.place))

    def _cell_rule(self, spot: _Spot) -> CellRule:
        """Return how a cell is read: the marks that it is out of, and its stage's grades."""
        stage_id, group = spot.key
        plan = next(item for item in self.scheme.stages if item.id == stage_id).plans[group]
        members = {
            **spot.block.fixed,
            **spot.block.rows.member(spot.row),
            **spot.block.columns.member(spot.column),
        }
        indicators = self.scheme.indicators_in(plan)
        item = indicators.nodes[members[plan.indicator_dimension]] if indicators else None
        return CellRule.of(self.scheme.reading, plan, item)

    def _decided_score(self, spot: _Spot, text: str, place: Source) -> Number | Grade | None:
        """Return a decided value, checked as a cell's is; None with a finding where it is no score."""
        answer = self._cell_rule(spot).read(text)
        severity = Severity.ERROR if isinstance(answer.value, Absent) else None
        self.problems += [
            Finding(item.code, item.params, place, severity) for item in answer.findings
        ]
        if not isinstance(answer.value, Absent):
            return answer.value
        if not answer.findings:
            self.problems.append(finding("score-not-number", place, value=text))
        return None


_ABSENT_CODES: Mapping[Score, str] = {
    Absent.MISSING: "score-missing",
    Absent.NOT_APPLICABLE: "score-not-applicable",
}
"""The findings that the scoring makes of an absent score."""

_QUOTING = ("value", "text", "shown")
"""The particulars of a finding that quote its cell."""


def about(decision: Decision) -> str:
    """Return in short what a decision is about: the place and the finding's code, where it has them."""
    place = str(Source(decision.file, decision.sheet, decision.cell))
    return " · ".join(filter(None, (place, decision.finding)))


def cell_content(
    decision: Decision,
    blocks: Blocks,
    findings: Sequence[Finding],
    ledger: Sequence[LedgerEntry],
) -> str | None:
    """Return what the cell holds that a decision names; None if no score is there."""
    spot = next(_spots(decision, blocks), None)
    return None if spot is None else _content(spot, findings, ledger)


def _content(spot: _Spot, findings: Sequence[Finding], ledger: Sequence[LedgerEntry]) -> str:
    """Return what a cell holds: as the ledger has it, else its score, else what a finding quotes."""
    source, value = spot.source, spot.value
    raw = next((item.raw for item in ledger if item.source == source), None)
    if raw is not None:
        return raw
    if not isinstance(value, Absent):
        return _text(value)
    here = [item for item in findings if item.source == source]
    quoted = (str(item.params[name]) for item in here for name in _QUOTING if name in item.params)
    return next(quoted, value.value)


def _spots(decision: Decision, blocks: Blocks) -> Iterator[_Spot]:
    """Yield the scores in the cell that a decision names: one for each stage and group it counts for."""
    for key, of_key in blocks.items():
        for block in of_key:
            if not _names(decision, block):
                continue
            for row in range(len(block.rows.members)):
                for column in range(len(block.columns.members)):
                    if decision.cell in (at.cell for at in block.sources(row, column)):
                        yield _Spot(key, block, row, column)


def _matches(decision: Decision, item: Finding) -> bool:
    """Whether a decision that changes no score settles a finding."""
    if decision.decide == "accept" and not item.code.startswith(ACCEPTED):
        return False
    return decision.finding in ("", item.code) and within(decision, item.source)


def _names(decision: Decision, block: Block) -> bool:
    return block.file == decision.file and decision.sheet in ("", block.sheet)


def _text(value: Number | Grade) -> str:
    return value if isinstance(value, str) else exact_text(value)


START = "decisions:\n"
_LIST_ENTRY = re.compile(r"^([ ]*)-[ ]", re.MULTILINE)
_EMPTY_LIST = re.compile(r"^decisions:[ ]*(?:\[[ ]*\]|~|null)?[ ]*(?=#|\r?$)", re.MULTILINE)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_ENDLESS = float("inf")
_BYTE_ORDER_MARK = "\ufeff"


def entry(decision: Decision, indent: int = 2) -> str:
    """Return a decision as a list entry of YAML, one key a line, without keys that have no value."""
    lines = [
        f"{name}: {_scalar(text, plain=name in ('value', 'was'))}"
        for name, text in decision.model_dump().items()
        if text or (name == "was" and text is not None)
    ]
    space = " " * indent
    return f"{space}- " + f"\n{space}  ".join(lines) + "\n"


def added(name: str, content: bytes | None, decision: Decision) -> tuple[bytes, list[Finding]]:
    """Append a decision to a file's content as text, so that what a person wrote stays as it is.

    ``content`` is None if there is no file yet. Findings, and the old content, where it cannot be
    appended without touching the rest.
    """
    if content is None:
        return (START + entry(decision)).encode(), []
    before, problems = parse(name, content)
    if problems:
        return content, problems
    try:
        text = content.decode()
    except UnicodeDecodeError:
        problem = N_("it is not in UTF-8; save it so, then add the decision again")
        return content, [_unreadable(name, problem)]
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    text = text.removeprefix(_BYTE_ORDER_MARK)
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    if not before:
        text = _EMPTY_LIST.sub("decisions: ", text, count=1)
    indents = _LIST_ENTRY.findall(text)
    indent = len(indents[0]) if before and indents else 2
    ending = "" if text.endswith("\n") else end
    new = (mark + text + ending + entry(decision, indent).replace("\n", end)).encode()
    after, problems = parse(name, new)
    if problems or [item.decision for item in after] != [
        *(item.decision for item in before),
        decision,
    ]:
        problem = N_("another decision cannot be added below; write it in by hand")
        return content, [_unreadable(name, problem)]
    return new, []


def save(path: Path, new: bytes, old: bytes | None) -> None:
    """Write decisions.yaml in one step; it only grows, so no earlier one is kept beside it.

    Raises FolderBusyError if it no longer holds what was read as ``old``, else WriteError.
    """
    with locked(path.parent):
        if read_beside(path, path.name) != (old, []):
            raise FolderBusyError(path.parent)
        write_whole(path, new, keep=False)


def _scalar(text: str, *, plain: bool) -> str:
    """Return a text on one line as YAML 1.2 reads it back; a number as it is where one is meant."""
    if plain and _NUMBER.fullmatch(text):
        return text
    dumped = yaml.safe_dump(text, allow_unicode=True, width=_ENDLESS).removesuffix("...\n")
    # PyYAML quotes what is no text under YAML 1.1, which is not all that is none under 1.2.
    parsed = yaml_source.parse("", f"key: {dumped}".encode()).data
    if parsed != {"key": text} or "\n" in dumped[:-1]:
        dumped = yaml.safe_dump(text, allow_unicode=True, width=_ENDLESS, default_style='"')
    return dumped.rstrip("\n")
