"""A worksheet and its cells, as the reader of every format returns them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, TypeAlias

from wuhu_appraisal.findings import Source, address
from wuhu_appraisal.numbers import from_float, plain

MOST_BYTES = 100_000_000
"""A workbook that unpacks to more bytes than this is refused."""

MOST_CELLS = 2_000_000
"""A sheet of more cells than this is refused: one stray cell at the end makes 17 thousand million."""


class TooLargeError(Exception):
    """The workbook unpacks to more than MOST_BYTES, or one of its parts to too large a tree."""


Place: TypeAlias = tuple[int, int]
"""The 0-based row and column of a cell."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that is not empty and yet holds no score: the code and the value of the finding."""

    code: str
    value: str


Raw: TypeAlias = int | float | str | bool | date | datetime | time | timedelta | Fault
"""What a cell holds; '' for an empty one."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks, where that says more than its value.

    ``shown`` is the text that a person sees if it is another number or no number; ``fixed`` means
    that the text is the same whatever the cell holds.
    """

    format: str = ""
    shown: str | None = None
    fixed: bool = False
    percent: bool = False
    scientific: bool = False
    formula: bool = False
    struck: bool = False
    invisible: bool = False


PLAIN = Look()


class Range(NamedTuple):
    """A rectangle of cells by its first and last 0-based row and column."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Sheet:
    """One worksheet: ``rows[0][0]`` is A1, and rows and columns count from 0.

    ``file`` is the name of the file as people are shown it. ``hidden`` is '', 'hidden', or
    'very-hidden' where no menu shows the sheet. ``styled`` holds the cells that do not look plain.
    ``totals`` has the rows of totals of the sheet's tables. ``replaced`` holds the cells that
    python-calamine misreads; they are already put into ``rows``. ``lines`` has the line in which
    each row of a table as text begins.
    """

    file: str
    name: str
    rows: Sequence[Sequence[Raw]] = ()
    styled: dict[Place, Look] = field(default_factory=dict)
    notes: dict[Place, str] = field(default_factory=dict)
    replaced: dict[Place, Raw] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    hidden: str = ""
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    filtered: bool = False
    too_large: bool = False
    lines: Sequence[int] = ()

    def source(self, row: int, column: int) -> Source:
        """Return the source of a cell."""
        return Source(self.file, self.name, address(row, column))

    def value(self, row: int, column: int) -> Raw:
        """Return what a cell holds, '' outside the sheet."""
        if row < len(self.rows) and column < len(self.rows[row]):
            return self.rows[row][column]
        return ""

    def word(self, row: int, column: int) -> str:
        """Return the text of a cell, '' if it holds anything else."""
        value = self.value(row, column)
        return value.strip() if isinstance(value, str) else ""

    def text(self, row: int, column: int) -> str:
        """Return what a cell holds as text, a number without needless digits."""
        value = self.value(row, column)
        if isinstance(value, Fault):
            return value.value
        return plain(from_float(value)) if isinstance(value, float) else str(value).strip()

    def look(self, row: int, column: int) -> Look:
        """Return how a cell looks."""
        return self.styled.get((row, column), PLAIN)
