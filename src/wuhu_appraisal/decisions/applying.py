"""Decisions applied: values before the scoring, findings behind it.

Nothing is lost on the way: each decision keeps the findings that it covered, and one that is about
nothing any more is a finding itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from wuhu_appraisal.decisions.models import Applied, Decision, Taken, within
from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.intake.cells import CellRule
from wuhu_appraisal.ledger import LedgerEntry, Rule
from wuhu_appraisal.names import nearest, normalise
from wuhu_appraisal.numbers import exact_text
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.steps import Convert
from wuhu_appraisal.table import Absent, Block, Record, Value

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

    def _value(self, spot: _Spot) -> Value:
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
        marks = plan.full_marks
        for name, dimension in plan.dimensions.items():
            if marks is None and dimension.indicators:
                marks = self.scheme.indicator_set(dimension.indicators).nodes[named[name]].marks
        assert marks is not None, "a scheme without full marks for a sheet does not load"
        grades = [
            grade for step in plan.steps if isinstance(step, Convert) for grade in step.convert
        ]
        percentages = plan.percentages == "of_full_marks"
        return CellRule(marks, self.scheme.reading, grades, percentages)

    def _score(self, spot: _Spot, text: str, place: Source) -> Value | None:
        """A decided value, checked as a cell's is; None with a finding where it is no score."""
        answer = self._rule(spot).read(text)
        refused = isinstance(answer.value, Absent)
        for said in answer.remarked:
            severity = Severity.ERROR if refused else None
            self.problems.append(Finding(said.code, said.params, place, severity))
        if refused and not answer.remarked:
            self.problems.append(finding("score-not-number", place, value=text))
        return None if refused else answer.value

    def _entry(self, decision: Decision, source: Source, value: Value, given: Value) -> LedgerEntry:
        before = next((one for one in self.ledger if one.source == source), None)
        here = [one for one in self.findings if one.source == source]
        raw = before.raw if before else decision.was or _held(value, here)
        look = before.format if before else ""
        return LedgerEntry(source, raw, look, _text(given), (Rule.DECISION,))


_CALLED: Mapping[Value, set[str]] = {
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


def _with(block: Block, spot: _Spot, given: Value) -> Block:
    values = [list(row) if at == spot.row else row for at, row in enumerate(block.values)]
    changed = list(values[spot.row])
    changed[spot.column] = given
    values[spot.row] = changed
    return replace(block, values=values)


def _held(value: Value, here: Sequence[Finding]) -> str:
    """What a cell holds, as far as it is known: its value, else what a finding quotes of it."""
    if not isinstance(value, Absent):
        return _text(value)
    quoted = (str(one.params[name]) for one in here for name in _HELD if name in one.params)
    return next(quoted, value.value)


def _text(value: Value) -> str:
    if isinstance(value, Absent):
        return value.value
    return value if isinstance(value, str) else exact_text(value)
