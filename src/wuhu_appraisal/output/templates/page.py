"""What a template's sheet shows, before any file is made of it: cells, formulas, rules of entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from string import Formatter
from typing import Literal

from wuhu_appraisal.findings import address
from wuhu_appraisal.language import _, language

Look = Literal["text", "number", "sum", "open", "open-text", "open-date"]

OPEN_ROWS = 30
"""Empty rows where the scheme does not know who will stand in them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What may be entered in a cell, and what a person is told before and after.

    ``formula`` is true of what may be entered, with ``{cell}`` for its address. What does not stop
    an entry only asks whether it is meant.
    """

    title: str
    text: str
    formula: str = ""
    choices: tuple[str, ...] = ()
    between: tuple[Decimal, Decimal] | tuple[date, date | None] | None = None
    stops: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its content, or its formula with the content as the value that it has now."""

    content: str | int | Decimal = ""
    look: Look = "text"
    formula: str = ""
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column's header and its width in characters."""

    head: str
    width: float


@dataclass(frozen=True, slots=True)
class FootLine:
    """A line to sign; without a column of its own the entry goes behind the label."""

    label: str
    entry: Cell
    column: int


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet: the texts at its top, one table, and the lines to sign."""

    name: str
    heading: str
    title: str
    tag: str
    notes: Sequence[Cell]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    foot: Sequence[FootLine]
    merges: Sequence[tuple[int, int, int, int]] = ()
    """Cells of the table shown as one: first row and column, last row and column."""
    frozen: int = 0
    """How many columns stay in view."""

    @property
    def header(self) -> int:
        """The 0-based row of the header."""
        return first_row(len(self.notes)) - 1


def first_row(notes: int) -> int:
    """The 0-based row where a table begins below the title, the tag, the notes and its header."""
    return notes + 3


def area(first: tuple[int, int], last: tuple[int, int]) -> str:
    """The cells between two corners: ``B7:B20``."""
    return f"{address(*first)}:{address(*last)}"


def quoted(text: str) -> str:
    """A text inside a formula."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def concatenated(sentence: str, **formulas: str) -> str:
    """The formula that makes a sentence whose placeholders are computed."""
    parts: list[str] = []
    for text, name, _spec, _conversion in Formatter().parse(sentence):
        parts += [quoted(text)] if text else []
        parts += [formulas[name]] if name else []
    return "&".join(parts)


def sentences(*found: str) -> str:
    """Sentences as one paragraph, with a space between them where the language has one."""
    return ("" if language() == "zh" else " ").join(filter(None, found))


def bracketed(text: str, inner: str) -> str:
    """A text with another in brackets behind it, if there is one."""
    return _("{text} ({inner})").format(text=text, inner=inner) if inner else text
