"""Scores at one grain: the sheet's rectangles as they were read, and the tables that steps leave.

A score's value is a decimal as read, a fraction once a step has worked on it, a grade as text,
or absent: missing (nothing was written), not applicable (someone wrote so) and set aside (someone
decided so) are three things.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Protocol, TypeAlias

from wuhu_appraisal.findings import Source
from wuhu_appraisal.numbers import Number


class Absent(Enum):
    """Why there is no number: the three reasons, with the marks that stand for them in a trace.

    What is set aside is left out whatever a step's policy says.
    """

    MISSING = ""
    NOT_APPLICABLE = "/"
    SET_ASIDE = "set aside"


Value: TypeAlias = Number | str | Absent
Key: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Group:
    """The scores that differ in one dimension only: its members and, beside them, their values."""

    members: Sequence[str]
    values: Sequence[Value]


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
    values: Sequence[Sequence[Value]]

    def source(self, row: int, column: int) -> Source:
        """Where the value at these 0-based indexes stands in its file."""
        at = self.columns.positions[column], self.rows.positions[row]
        cell = f"{column_letters(at[0])}{at[1]}" if all(at) else ""
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

    def items(self) -> Iterator[tuple[Key, Value]]:
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

    def items(self) -> Iterator[tuple[Key, Value]]:
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

    value: Value
    members: Sequence[str]
    values: Sequence[Value]
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

    def items(self) -> Iterator[tuple[Key, Value]]:
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


def column_letters(position: int) -> str:
    """A 1-based column as a spreadsheet names it: 1 is A, 27 is AA."""
    letters = ""
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _gather(
    found: dict[Key, Group], key: Key, members: Sequence[str], values: Sequence[Value]
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


def _cells(block: Block, names: tuple[str, ...]) -> Iterator[tuple[Key, Value]]:
    """Every value of a block with its full key in the order of ``names``, row by row."""
    place = names.index(block.columns.dimension) if block.columns.dimension else None
    for key, values in zip(row_keys(block, names), block.values, strict=True):
        for member, value in zip(block.columns.members, values, strict=True):
            if place is None:
                yield key, value
            else:
                yield (*key[:place], member, *key[place + 1 :]), value
