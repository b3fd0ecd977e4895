"""What is known of a sheet beside its values."""

from dataclasses import dataclass, field

MOST_CELLS = 20_000_000
"""A sheet of more cells than this is refused: one stray cell at the end makes 17 thousand million."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that holds no score although it is not empty: a finding without its place."""

    code: str
    value: str


@dataclass(slots=True)
class SheetFacts:
    """What is known of one sheet: faults by 0-based row and column, and what is hidden, 1-based."""

    faults: dict[tuple[int, int], Fault] = field(default_factory=dict)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    too_large: bool = False
