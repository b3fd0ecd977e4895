"""The shapes in which numbers travel: scores as read, the trace of the steps, the result.

A ``Block`` holds the scores of a sheet with their cells, a ``Trace`` what each step made of them, a
``Standing`` what is published of a unit, and a ``Result`` all of it.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from itertools import product
from typing import Annotated, Any, Literal, Protocol, TypeAlias

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from wuhu_appraisal.findings import Finding, Source, address, parse_address
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.numbers import Number, exact_text, parse_exact, plain
from wuhu_appraisal.scheme.rules import Model

_GRADE = {"type": "object", "properties": {"grade": {"type": "string"}}, "required": ["grade"]}
_SCORE = {
    "anyOf": [{"type": "string"}, _GRADE],
    "description": "a decimal or p/q; a grade; '' missing, '/' not applicable, 'set aside'",
}
_ROWS = {"type": "array", "items": {"type": "array", "items": _SCORE}}


class Absent(Enum):
    """Why there is no number: nothing was written, it does not apply, or a decision leaves it out.

    The values are the marks that stand for them in files. A score that was set aside is left out
    whatever the policy of a step says.
    """

    MISSING = ""
    NOT_APPLICABLE = "/"
    SET_ASIDE = "set aside"


_MARKS = {absent.value: absent for absent in Absent}


class Grade(str):
    """A grade such as 优秀, before the scheme turns it into a number."""

    __slots__ = ()


Score: TypeAlias = Number | Grade | Absent
"""A number (a decimal as read, a fraction once a step has worked on it), a grade, or none of both."""

COMPOSITE, CAP, BONUSES, ADJUSTING, FINAL = "composite", "/cap", "/bonuses", "adjusting", "final"
WHEN, DEDUCTIONS = "/when", "/deductions"
"""What the inputs of a final are called beside the adjustments: the composite, and for each bound
that binds what it takes away or adds (the id of an adjustment and CAP, BONUSES, DEDUCTIONS,
ADJUSTING, FINAL). The id of an adjustment and WHEN is what its threshold takes away."""

CONSTANT = "/constant"
"""What the input is called that a score of facts has beside them: all that no fact is multiplied for."""

HELD = "/held"
"""What the input of a step's number is called that a floor or a cap adds or takes away."""

Key: TypeAlias = tuple[str, ...]
"""The members that a score is of, one for each dimension of its table."""


def insert(key: Key, place: int, member: str) -> Key:
    """Return the key with one more member at ``place``."""
    return (*key[:place], member, *key[place:])


def score_text(score: Score) -> str | dict[str, str]:
    """Return a score as JSON: an exact number as text, the mark of an absent one, or a grade."""
    if isinstance(score, Absent):
        return score.value
    if isinstance(score, Grade):
        return {"grade": str(score)}
    return plain(score) if isinstance(score, Decimal) else exact_text(score)


def parse_score(text: str | Mapping[str, str]) -> Score:
    """Return the score that ``score_text`` wrote. Raise ValueError for anything else."""
    if isinstance(text, Mapping):
        return Grade(text["grade"])
    return _MARKS.get(text) or parse_exact(text)


def _parse_rows(rows: Sequence[Sequence[Any]]) -> list[list[Score]]:
    known: dict[str, Score] = {}

    def parsed(text: Any) -> Score:
        if not isinstance(text, str):
            return text if isinstance(text, Score) else parse_score(text)
        if text not in known:
            known[text] = parse_score(text)
        return known[text]

    return [[parsed(text) for text in row] for row in rows]


def _row_texts(rows: Sequence[Sequence[Score]]) -> list[list[str | dict[str, str]]]:
    # Equal cells share one object, so a large table has few distinct texts to make.
    texts: dict[int, str | dict[str, str]] = {}

    def written(row: Sequence[Score]) -> list[str | dict[str, str]]:
        try:
            return [texts[id(score)] for score in row]
        except KeyError:
            texts.update((id(score), score_text(score)) for score in row)
            return written(row)

    return [written(row) for row in rows]


@dataclass(slots=True)
class Inputs:
    """The scores that one number is made of: the members of a dimension and their values."""

    members: Sequence[str]
    values: Sequence[Score]


@dataclass(frozen=True, slots=True)
class Axis:
    """One side of a rectangle: the dimension it shows and each member's 1-based row or column.

    0 stands for a place that an audience may not see.
    """

    dimension: str
    members: tuple[str, ...]
    positions: tuple[int, ...]

    def member(self, index: int) -> dict[str, str]:
        """The dimension and member at a 0-based index; nothing for a nameless axis."""
        return {self.dimension: self.members[index]} if self.dimension else {}

    def places(self, wanted: Mapping[str, str]) -> list[int]:
        """The 0-based indexes of the member that ``wanted`` names along this axis."""
        member = wanted.get(self.dimension, "")
        return [index for index, name in enumerate(self.members) if name == member]


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of scores from one sheet.

    ``fixed`` holds the dimensions that are the same for the whole sheet; ``values`` has one row
    for each member of ``rows`` and in it one value for each member of ``columns``. An axis with
    dimension '' has one nameless member: a sheet with a single column of scores. Of a list of
    faults ``counted`` has the cells that each value counts, and the axes have no places.
    """

    file: str
    sheet: str
    fixed: Mapping[str, str]
    rows: Axis
    columns: Axis
    values: Annotated[
        Sequence[Sequence[Score]],
        PlainValidator(_parse_rows),
        PlainSerializer(_row_texts),
        WithJsonSchema(_ROWS),
    ]
    counted: Annotated[
        Sequence[Sequence[Sequence[str]]],
        Field(
            description="in a list of faults the cells that each value counts",
            exclude_if=lambda cells: not cells,
        ),
    ] = ()

    def cells_in(self, common: Mapping[str, Set[str]]) -> Iterator[tuple[int, int]]:
        """Yield the 0-based row and column of each value whose members are all in ``common``."""
        yield from product(
            *(
                [at for at, name in enumerate(it.members) if name in common.get(it.dimension, {""})]
                for it in (self.rows, self.columns)
            )
        )

    def source(self, row: int, column: int) -> Source:
        """Where the value at these 0-based indexes stands in its file: of several cells the first."""
        if self.counted:
            return self.sources(row, column)[0]
        place = self.rows.positions[row], self.columns.positions[column]
        cell = address(place[0] - 1, place[1] - 1) if all(place) else ""
        return Source(self.file, self.sheet, cell)

    def sources(self, row: int, column: int) -> list[Source]:
        """All cells of a value: those that it counts; of a count of 0 the sheet."""
        if not self.counted:
            return [self.source(row, column)]
        return [Source(self.file, self.sheet, cell) for cell in self.counted[row][column] or [""]]

    @property
    def lines(self) -> list[int]:
        """The rows of the sheet in which its values stand, or the faults that they count."""
        if not self.counted:
            return list(self.rows.positions)
        cells = (cell for row in self.counted for some in row for cell in some)
        return sorted(place[0] + 1 for cell in cells if (place := parse_address(cell)))


class Table(Protocol):
    """The scores of a stage and group by their dimensions: what a step works on."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names that a key's parts stand for, in their order."""
        ...

    def groups(self, dimension: str) -> dict[Key, Inputs]:
        """Return the scores along ``dimension``, under the key of the other dimensions."""
        ...

    def items(self) -> Iterator[tuple[Key, Score]]:
        """Yield every score with its key."""
        ...

    def sources(self, key: Key) -> list[Source]:
        """Return the cells of a score: several of a duplicate or a count, none of a computed one."""
        ...


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The scores of one stage and group as they were read."""

    dimensions: tuple[str, ...]
    blocks: Sequence[Block]

    def groups(self, dimension: str) -> dict[Key, Inputs]:
        """See ``Table.groups``. Rows along the dimension are passed on without being copied."""
        gathered: dict[Key, Inputs] = {}
        rest = tuple(name for name in self.dimensions if name != dimension)
        for block in self.blocks:
            if block.columns.dimension == dimension:
                members = block.columns.members
                for key, values in zip(row_keys(block, rest), block.values, strict=True):
                    _gather(gathered, key, members, values)
            else:
                for full, value in _cells(block, (*rest, dimension)):
                    _gather(gathered, full[:-1], (full[-1],), (value,))
        return gathered

    def items(self) -> Iterator[tuple[Key, Score]]:
        """See ``Table.items``."""
        for block in self.blocks:
            yield from _cells(block, self.dimensions)

    def sheet_for(self, wanted: Mapping[str, str]) -> Source | None:
        """Return the first sheet that should hold scores of these members, None where no sheet does."""
        for block in self.blocks:
            sides = (block.rows, block.columns) if block.counted else ()
            fixed = all(wanted.get(name, it) == it for name, it in block.fixed.items())
            # A list is of nothing but the facts that it counts.
            if fixed and all(wanted.get(it.dimension, it.members[0]) in it.members for it in sides):
                return Source(block.file, block.sheet)
        return None

    def sources(self, key: Key) -> list[Source]:
        """See ``Table.sources``."""
        wanted = dict(zip(self.dimensions, key, strict=True))
        return [
            source
            for block in self.blocks
            if all(wanted[name] == member for name, member in block.fixed.items())
            for row in block.rows.places(wanted)
            for column in block.columns.places(wanted)
            for source in block.sources(row, column)
        ]


@dataclass(frozen=True, slots=True)
class StepRow:
    """One number of a step, with its inputs.

    ``value`` is the sum of ``coefficients`` times ``values``, whatever the step: a mean has equal
    coefficients, a median has one or two that are not 0. Absent inputs have coefficient 0.
    """

    value: Score
    members: Sequence[str]
    values: Sequence[Score]
    coefficients: Sequence[Fraction]


@dataclass(frozen=True, slots=True)
class StepTable:
    """The numbers of a step by their keys.

    ``reported`` has the keys of absent numbers that a finding is about already.
    """

    dimensions: tuple[str, ...]
    rows: Mapping[Key, StepRow]
    reported: frozenset[Key] = field(default=frozenset(), compare=False)

    def groups(self, dimension: str) -> dict[Key, Inputs]:
        """See ``Table.groups``."""
        place = self.dimensions.index(dimension)
        gathered: dict[Key, Inputs] = {}
        for key, row in self.rows.items():
            _gather(gathered, key[:place] + key[place + 1 :], (key[place],), (row.value,))
        return gathered

    def items(self) -> Iterator[tuple[Key, Score]]:
        """See ``Table.items``."""
        for key, row in self.rows.items():
            yield key, row.value

    def sources(self, key: Key) -> list[Source]:
        """See ``Table.sources``: these scores are computed."""
        del key
        return []


Published: TypeAlias = Annotated[
    Decimal, PlainSerializer(lambda number: format(number, "f"), return_type=str)
]
"""A decimal with the digits that are published, trailing zeros kept."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of an adjustment's sheet: its grounds and its points, below 0 for a deduction."""

    id: str
    unit: str
    points: Published
    reason: str
    evidence: str
    source: Source


def _gather(
    gathered: dict[Key, Inputs], key: Key, members: Sequence[str], values: Sequence[Score]
) -> None:
    group = gathered.get(key)
    if group is None:
        gathered[key] = Inputs(members, values)
        return
    if not isinstance(group.members, list):
        group.members, group.values = list(group.members), list(group.values)
    assert isinstance(group.members, list) and isinstance(group.values, list)
    group.members.extend(members)
    group.values.extend(values)


def row_keys(block: Block, names: tuple[str, ...]) -> Iterator[Key]:
    """Yield the key of each row of a block; ``names`` are fixed in it or along its rows."""
    template = [block.fixed.get(name, "") for name in names]
    if block.rows.dimension not in names:
        yield from [tuple(template)] * len(block.rows.members)
        return
    place = names.index(block.rows.dimension)
    for member in block.rows.members:
        template[place] = member
        yield tuple(template)


def _cells(block: Block, names: tuple[str, ...]) -> Iterator[tuple[Key, Score]]:
    """Yield every value of a block with its key in the order of ``names``, row by row."""
    place = names.index(block.columns.dimension) if block.columns.dimension else None
    for key, values in zip(row_keys(block, names), block.values, strict=True):
        for member, value in zip(block.columns.members, values, strict=True):
            if place is None:
                yield key, value
            else:
                yield (*key[:place], member, *key[place + 1 :]), value


class Rule(StrEnum):
    """Why a cell counts as something else than the number that it holds."""

    TEXT = "text"
    FULL_WIDTH = "full_width"
    WORD = "word"
    THOUSANDS = "thousands"
    PERCENT = "percent"
    SCIENTIFIC = "scientific"
    DIGITS = "digits"
    FORMULA = "formula"
    DEDUCTION = "deduction"
    DECISION = "decision"
    FACT = "fact"

    @property
    def words(self) -> str:
        """The rule in the active language."""
        return _(_RULES[self])


_RULES = {
    Rule.TEXT: N_("a number stored as text"),
    Rule.FULL_WIDTH: N_("full-width characters read as half-width ones"),
    Rule.WORD: N_("the word behind the number left out"),
    Rule.THOUSANDS: N_("the commas between thousands left out"),
    Rule.PERCENT: N_("a percentage of the full marks"),
    Rule.SCIENTIFIC: N_("scientific notation"),
    Rule.DIGITS: N_("the 15 significant digits that a spreadsheet shows"),
    Rule.FORMULA: N_("the value that a formula left"),
    Rule.DEDUCTION: N_("the full marks less the deduction"),
    Rule.DECISION: N_("by decision"),
    Rule.FACT: N_("a yes or no, a date or a percentage as a number"),
}


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A cell that holds something else than a plain number: its content, and what it counts as."""

    source: Source
    raw: str
    format: str
    value: str
    rules: tuple[Rule, ...]


class RemarkKind(StrEnum):
    """What a remark is."""

    NOTE = "note"
    REASON = "reason"
    FAULT = "fault"

    @property
    def words(self) -> str:
        """The kind in the active language."""
        return _(_REMARKS[self])


_REMARKS = {
    RemarkKind.NOTE: N_("note on the cell"),
    RemarkKind.REASON: N_("reason for the deduction"),
    RemarkKind.FAULT: N_("fault"),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """What an office wrote beside a score, or of a fault; ``source`` is the cell that counts."""

    source: Source
    kind: RemarkKind
    text: str


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that was read, with the stages and adjustments that its sheets belong to."""

    file: str
    sha256: str
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The published numbers and the rank of a unit; None where there is none or it is withheld.

    ``points`` is the sum of the adjustments after their caps; ``class_id`` the class by the scheme.
    ``ties`` are the exact scores and facts that break ties, in the order of the scheme's tie-breaks by
    item or fact.
    """

    unit: str
    rank: int | None
    final: Published | None
    composite: Published | None
    stages: Mapping[str, Published | None]
    points: Published | None
    adjustments: Sequence[Record]
    class_id: str | None = None
    ties: Annotated[
        tuple[Score, ...],
        PlainValidator(lambda texts: tuple(_parse_rows([texts])[0])),
        PlainSerializer(lambda scores: _row_texts([scores])[0]),
        WithJsonSchema(_ROWS["items"]),
    ] = ()


@dataclass(frozen=True, slots=True)
class StageTrace:
    """The scores of a stage and group, and the table that each step made of them."""

    stage: str
    group: str
    scores: ScoreTable
    steps: Sequence[StepTable]

    @property
    def tables(self) -> list[Table]:
        """The scores, then the table of each step."""
        return [self.scores, *self.steps]

    def value(self, unit: str) -> Score:
        """Return the score of a unit in the stage."""
        return dict(self.tables[-1].items()).get((unit,), Absent.MISSING)


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of a group's numbers: its stages, the composite of them, and the final."""

    stages: Mapping[str, StageTrace]
    composite: StepTable
    final: StepTable

    @property
    def tables(self) -> dict[str, list[Table]]:
        """The tables of each stage."""
        return {name: trace.tables for name, trace in self.stages.items()}


Kind = Literal["accept", "set_aside", "waive", "read_as", "correct"]


def _as_text(value: Any) -> Any:
    """Keep a number as it is written: YAML takes 85 for a number."""
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
    was: Written | None = Field(None, description="what the cell held: correct, read_as, waive")
    sha256: str = Field(
        "",
        pattern="^(?:[0-9a-f]{64})?$",
        description="of the file that came or changed after the freezing: accept",
    )
    reason: Written = Field(description="why; not blank")
    by: Written = Field(description="who decided; not blank")
    at: Written = Field(description="when: a date or a time of ISO 8601")
    clause: Written = Field("", description="of the document; may be empty")


@dataclass(frozen=True, slots=True)
class Applied:
    """A decision with its line in decisions.yaml, and the findings that it settles."""

    decision: Decision
    place: Source
    covered: tuple[Finding, ...] = ()

    def is_about(self, source: Source) -> bool:
        """Tell whether the decision names this very cell, not all of its file or sheet."""
        if self.decision.decide == "waive":
            return any(item.source == source for item in self.covered)
        return bool(self.decision.cell) and within(self.decision, source)

    def bears_on(self, source: Source) -> bool:
        """Tell whether the decision is about this cell, or about a file or sheet that holds it."""
        if self.decision.decide != "waive":
            return within(self.decision, source)
        return any(
            (at.file, at.sheet or source.sheet, at.cell or source.cell)
            == (source.file, source.sheet, source.cell)
            for at in (item.source for item in self.covered)
        )


def within(decision: Decision, source: Source) -> bool:
    """Tell whether a place lies in the file, and in the sheet and cell if any, that a decision names."""
    return (
        (not decision.file or source.file == decision.file)
        and (not decision.sheet or source.sheet == decision.sheet)
        and (not decision.cell or source.cell == decision.cell)
    )
