"""Scores at one grain: the sheet's rectangles as they were read, and the tables that steps leave.

A score's value is a decimal as read, a fraction once a step has worked on it, a grade as text,
or absent: missing (nothing was written), not applicable (someone wrote so) and set aside (someone
decided so) are three things.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeAlias

from pydantic import BeforeValidator, Field

from wuhu_appraisal.findings import Finding, Severity, Source, address, has_errors
from wuhu_appraisal.language import N_
from wuhu_appraisal.numbers import Number
from wuhu_appraisal.scheme.models import Audience, Detail, Scheme
from wuhu_appraisal.scheme.rules import Model

if TYPE_CHECKING:
    import pandas as pd


class Absent(Enum):
    """Why there is no number: the three reasons, with the marks that stand for them in a trace.

    What is set aside is left out whatever a step's policy says.
    """

    MISSING = ""
    NOT_APPLICABLE = "/"
    SET_ASIDE = "set aside"


Score: TypeAlias = Number | str | Absent
Key: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Group:
    """The scores that differ in one dimension only: its members and, beside them, their values."""

    members: Sequence[str]
    values: Sequence[Score]


@dataclass(frozen=True, slots=True)
class Axis:
    """One side of a rectangle: the dimension it shows and each member's 1-based row or column.

    0 stands for a place that is not told.
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
    dimension '' has one nameless member: a sheet with a single column of scores.
    """

    file: str
    sheet: str
    fixed: Mapping[str, str]
    rows: Axis
    columns: Axis
    values: Sequence[Sequence[Score]]

    def source(self, row: int, column: int) -> Source:
        """Where the value at these 0-based indexes stands in its file."""
        place = self.rows.positions[row], self.columns.positions[column]
        cell = address(place[0] - 1, place[1] - 1) if all(place) else ""
        return Source(self.file, self.sheet, cell)


class Table(Protocol):
    """Scores by their dimensions: what a step takes."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names that a key's parts stand for, in their order."""
        ...

    def groups(self, dimension: str) -> dict[Key, Group]:
        """The scores gathered along ``dimension``, under the key of the others."""
        ...

    def items(self) -> Iterator[tuple[Key, Score]]:
        """Every score with its key."""
        ...

    def sources(self, key: Key) -> list[Source]:
        """The cells a score was read from: more than one is a duplicate, none is a computed one."""
        ...


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The scores of one stage and group as they were read."""

    dimensions: tuple[str, ...]
    blocks: Sequence[Block]

    def groups(self, dimension: str) -> dict[Key, Group]:
        """See ``Table.groups``. Rows along the dimension are passed on without being copied."""
        found: dict[Key, Group] = {}
        rest = tuple(name for name in self.dimensions if name != dimension)
        for block in self.blocks:
            if block.columns.dimension == dimension:
                members = block.columns.members
                for key, values in zip(row_keys(block, rest), block.values, strict=True):
                    _gather(found, key, members, values)
            else:
                for full, value in _cells(block, (*rest, dimension)):
                    _gather(found, full[:-1], (full[-1],), (value,))
        return found

    def items(self) -> Iterator[tuple[Key, Score]]:
        """See ``Table.items``."""
        for block in self.blocks:
            yield from _cells(block, self.dimensions)

    def sheet_for(self, wanted: Mapping[str, str]) -> Source | None:
        """The first sheet that should hold scores with these members, as far as it says."""
        for block in self.blocks:
            if all(wanted.get(name, member) == member for name, member in block.fixed.items()):
                return Source(block.file, block.sheet)
        return None

    def sources(self, key: Key) -> list[Source]:
        """See ``Table.sources``."""
        wanted = dict(zip(self.dimensions, key, strict=True))
        return [
            block.source(row, column)
            for block in self.blocks
            if all(wanted[name] == member for name, member in block.fixed.items())
            for row in block.rows.places(wanted)
            for column in block.columns.places(wanted)
        ]


@dataclass(frozen=True, slots=True)
class StepRow:
    """What one step made of one group of scores.

    ``value`` equals the sum of ``coefficients`` times ``values``, whatever the step: a mean has
    equal coefficients, a median has one or two that are not 0. Absent inputs have coefficient 0.
    """

    value: Score
    members: Sequence[str]
    values: Sequence[Score]
    coefficients: Sequence[Fraction]


@dataclass(frozen=True, slots=True)
class StepTable:
    """The scores that a step leaves, each with how it came to be.

    ``told`` has the keys of absent numbers that a finding has told of already.
    """

    dimensions: tuple[str, ...]
    rows: Mapping[Key, StepRow]
    told: frozenset[Key] = field(default=frozenset(), compare=False)

    def groups(self, dimension: str) -> dict[Key, Group]:
        """See ``Table.groups``."""
        place = self.dimensions.index(dimension)
        found: dict[Key, Group] = {}
        for key, row in self.rows.items():
            _gather(found, key[:place] + key[place + 1 :], (key[place],), (row.value,))
        return found

    def items(self) -> Iterator[tuple[Key, Score]]:
        """See ``Table.items``."""
        for key, row in self.rows.items():
            yield key, row.value

    def sources(self, key: Key) -> list[Source]:
        """See ``Table.sources``: these scores are computed."""
        del key
        return []


@dataclass(frozen=True, slots=True)
class Record:
    """One line of an adjustment's sheet: signed points, below 0 for a deduction, and their grounds."""

    id: str
    unit: str
    points: Decimal
    reason: str
    evidence: str
    source: Source


def _gather(
    found: dict[Key, Group], key: Key, members: Sequence[str], values: Sequence[Score]
) -> None:
    group = found.get(key)
    if group is None:
        found[key] = Group(members, values)
        return
    if not isinstance(group.members, list):
        group.members, group.values = list(group.members), list(group.values)
    assert isinstance(group.members, list) and isinstance(group.values, list)
    group.members.extend(members)
    group.values.extend(values)


def row_keys(block: Block, names: tuple[str, ...]) -> Iterator[Key]:
    """The key of each row of a block; ``names`` are fixed in it or along its rows."""
    template = [block.fixed.get(name, "") for name in names]
    if block.rows.dimension not in names:
        yield from [tuple(template)] * len(block.rows.members)
        return
    place = names.index(block.rows.dimension)
    for member in block.rows.members:
        template[place] = member
        yield tuple(template)


def _cells(block: Block, names: tuple[str, ...]) -> Iterator[tuple[Key, Score]]:
    """Every value of a block with its full key in the order of ``names``, row by row."""
    place = names.index(block.columns.dimension) if block.columns.dimension else None
    for key, values in zip(row_keys(block, names), block.values, strict=True):
        for member, value in zip(block.columns.members, values, strict=True):
            if place is None:
                yield key, value
            else:
                yield (*key[:place], member, *key[place + 1 :]), value


class Rule(StrEnum):
    """By which rule a cell was read as other than the number it holds; the values are message ids."""

    TEXT = N_("a number stored as text")
    FULL_WIDTH = N_("full-width characters read as half-width ones")
    WORD = N_("the word behind the number left out")
    THOUSANDS = N_("the commas between thousands left out")
    PERCENT = N_("a percentage of the full marks")
    SCIENTIFIC = N_("scientific notation")
    DIGITS = N_("the 15 significant digits that a spreadsheet shows")
    FORMULA = N_("the value that a formula left")
    DEDUCTION = N_("the full marks less the deduction")
    DECISION = N_("by decision")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One cell that was read as other than a plain number: what it holds, and as what it counts."""

    source: Source
    raw: str
    format: str
    value: str
    rules: tuple[Rule, ...]


class RemarkKind(StrEnum):
    """Where a remark was found; the values are message ids."""

    NOTE = N_("note on the cell")
    REASON = N_("reason for the deduction")


@dataclass(frozen=True, slots=True)
class Remark:
    """What an office wrote beside a score; ``source`` is the score's cell."""

    source: Source
    kind: RemarkKind
    text: str


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that went in, with the stages or adjustments that its sheets were read as."""

    file: str
    sha256: str
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """A unit's published numbers and rank; None where a provisional result has no number.

    ``points`` is what the adjustments come to after their own caps.
    """

    unit: str
    rank: int | None
    final: Decimal | None
    composite: Decimal | None
    stages: Mapping[str, Decimal | None]
    points: Decimal
    adjustments: Sequence[Record]


@dataclass(frozen=True, slots=True)
class StageTrace:
    """How the scores of one stage and group became one number a unit: each step's table in turn."""

    stage: str
    group: str
    scores: ScoreTable
    steps: Sequence[StepTable]

    @property
    def tables(self) -> list[Table]:
        """The scores and what each step left of them."""
        return [self.scores, *self.steps]

    def value(self, unit: str) -> Score:
        """The stage's score of a unit."""
        return dict(self.tables[-1].items()).get((unit,), Absent.MISSING)


@dataclass(frozen=True, slots=True)
class Trace:
    """How a group's finals came to be: its stages, their composite, and the adjustments."""

    stages: Mapping[str, StageTrace]
    composite: StepTable
    final: StepTable


Kind = Literal["accept", "set_aside", "waive", "read_as", "correct"]


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


LONGEST_RECIPIENT = 40
"""So many signs of a recipient's name stand on one line of a page."""


@dataclass(frozen=True, slots=True)
class Copy:
    """For whom a run is told, what of it is shown there, and who gets the copy.

    ``run`` is the ``Run.id`` of the whole run, ``notes`` say under the rankings what is withheld.
    """

    audience: Audience = Audience.OFFICE
    recipient: str = ""
    run: str = ""
    shows: frozenset[Detail] = frozenset(Detail)
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The ranking of each group, how it came to be, and what a person must know about it."""

    scheme: Scheme
    scheme_sha256: str
    computed_at: str
    standings: Mapping[str, Sequence[Standing]]
    traces: Mapping[str, Trace]
    sources: Sequence[InputFile]
    findings: Sequence[Finding]
    ledger: Sequence[LedgerEntry] = ()
    remarks: Sequence[Remark] = ()
    decisions: Sequence[Applied] = ()
    edition: Copy = Copy()
    secret: str = ""

    @property
    def key(self) -> bytes:
        """32 bytes from which the run's id and the raters' numbers follow.

        They are of ``secret``, drawn at random when the run was computed and kept in the result
        alone; without one, of what the run follows from, which somebody could guess who can guess
        each file to the byte.
        """
        followed = [
            self.scheme_sha256,
            *sorted(f"{item.sha256} {item.file}" for item in self.sources),
            *sorted(item.decision.model_dump_json() for item in self.decisions),
            *(f"{item.code} {item.severity} {item.source}" for item in self.findings),
        ]
        return hashlib.sha256((self.secret or "\n".join(followed)).encode()).digest()

    @property
    def id(self) -> str:
        """By which a copy of a report leads back to the run: 12 hexadecimal digits."""
        return self.edition.run or hmac.digest(self.key, b"id", "sha256")[:6].hex().upper()

    @property
    def provisional(self) -> bool:
        """Whether findings of severity error stand between this and a final result."""
        return has_errors(self.findings)

    @property
    def missing(self) -> list[Finding]:
        """What a provisional result went on without."""
        return [item for item in self.findings if item.severity is Severity.ERROR]

    def ranking(self) -> "pd.DataFrame":
        """One row a unit, as it is published, the groups one below the other in order of rank.

        Columns, all of dtype object but ``rank``:

        - ``group`` (str): the group's id
        - ``rank`` (Int64): <NA> where a provisional result has none
        - ``unit`` (str)
        - one for each stage, named by its id (Decimal or None): the stage's score
        - ``composite`` (Decimal or None)
        - ``points`` (Decimal): what the adjustments come to
        - ``final`` (Decimal or None)

        Decimals have the digits that the scheme publishes, and None stands where there is no number.
        A stage whose id is the name of another column has '_' behind it.
        """
        from wuhu_appraisal.output import dataframes as frames

        return frames.ranking(self.scheme, self.standings)

    def scores(self) -> "pd.DataFrame":
        """One row a cell with a score, as it was read, with the place where it stands.

        Columns, all of dtype object:

        - ``stage``, ``group`` (str): their ids
        - ``unit`` (str), then one for each dimension of any stage, in the scheme's words (str): the
          member, None where the stage does not have the dimension
        - ``score``: the number as a Decimal, a grade as str, None for a missing score, '/' for one
          that does not apply, 'set aside' for one that was decided not to count
        - ``file``, ``sheet``, ``cell`` (str): the score's cell

        A dimension that has the name of another column has '_' behind it.
        """
        from wuhu_appraisal.output import dataframes as frames

        return frames.scores(self.traces)

    def trace(self) -> "pd.DataFrame":
        """One row for each input of each number that was computed.

        Columns, all of dtype object but ``step``:

        - ``stage`` (str): the stage's id; 'composite' for what joins the stages and 'final' for what
          adds the adjustments, each with '_' behind it where a stage has that id
        - ``group`` (str): its id
        - ``step`` (int64): the place of the step in the plan, from 0; 0 for composite and final
        - ``kind`` (str): sum, mean, weighted, median, trimmed_mean, best, latest, rescale, convert,
          or adjust for the final
        - ``unit`` (str), then one for each dimension of any stage (str): the member that the number
          stands for, None where the number does not have the dimension (any more)
        - ``member`` (str): which input this is, a member of the dimension that the step takes away;
          a stage for the composite; for the final 'composite', an adjustment, or the bound that
          binds; for convert the grade; None for rescale, and for convert where there is no grade
        - ``value``: the input as a Fraction; None where it is missing, '/' where it does not apply,
          'set aside' where a decision leaves it out; for convert the number that the scheme gives the grade
        - ``coefficient`` (Fraction)
        - ``result`` (Fraction or None): the number; None where there is none

        The rows that share ``stage``, ``group``, ``step``, ``unit`` and the dimensions are the inputs
        of one number: the sum of ``coefficient`` times ``value`` is exactly its ``result``, where
        None, '/' and 'set aside' count as 0. A dimension that has the name of another column has
        '_' behind it.
        """
        from wuhu_appraisal.output import dataframes as frames

        return frames.trace(self.scheme, self.traces)
