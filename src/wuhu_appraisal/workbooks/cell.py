"""What is known of a sheet beside its values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

MOST_BYTES = 100_000_000
"""A workbook that unpacks to more than this is refused."""

MOST_CELLS = 2_000_000
"""A sheet of more cells than this is refused: one stray cell at the end makes 17 thousand million."""


class TooLargeError(Exception):
    """The workbook unpacks to more than MOST_BYTES, or a part of it to a tree too large."""


Place: TypeAlias = tuple[int, int]
"""A cell by its 0-based row and column."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that holds no score although it is not empty: a finding without its place."""

    code: str
    value: str


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell looks, where that says more than its value.

    ``shown`` is what a person sees where that is another number or no number; ``fixed`` says that
    it would be the same whatever the cell held.
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


@dataclass(frozen=True, slots=True)
class Range:
    """A rectangle of cells by its first and last 0-based row and column."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class SheetFacts:
    """What is known of one sheet; rows and columns that are hidden count from 1.

    ``left_out`` are cells that the fast reader does not know.
    """

    left_out: dict[Place, float | str | bool | datetime | timedelta] = field(default_factory=dict)
    faults: dict[Place, Fault] = field(default_factory=dict)
    looks: dict[Place, Look] = field(default_factory=dict)
    remarks: dict[Place, str] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    filtered: bool = False
    too_large: bool = False
