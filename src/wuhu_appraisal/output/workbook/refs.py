"""Addresses and formulas: functions that Excel 2010, WPS and LibreOffice share."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell

from wuhu_appraisal.numbers import Number, round_half_up

GUARD = "1E-10"
"""What is added before a rounding: a double may lie a little below the exact half that it means."""


_MOST_ARGUMENTS = 250


class Cell(NamedTuple):
    """One cell: its sheet, and its 0-based row and column."""

    sheet: str
    row: int
    column: int

    @property
    def local(self) -> str:
        """Its address within its sheet, which moves with its row: B7."""
        return xl_rowcol_to_cell(self.row, self.column)  # type: ignore[no-any-return]

    @property
    def fixed(self) -> str:
        """Its address within its sheet, which stays when rows are sorted: $B$7."""
        return xl_rowcol_to_cell(self.row, self.column, True, True)  # type: ignore[no-any-return]

    @property
    def afar(self) -> str:
        """Its address from any sheet."""
        return f"{quote_sheetname(self.sheet)}!{self.fixed}"

    @property
    def link(self) -> str:
        """Its address as a hyperlink within the workbook."""
        return f"internal:{self.afar}"

    def right(self, columns: int) -> "Cell":
        """The cell so many columns to the right."""
        return self._replace(column=self.column + columns)

    def down(self, rows: int) -> "Cell":
        """The cell so many rows below."""
        return self._replace(row=self.row + rows)


def span(first: Cell, last: Cell, *, fixed: bool = False) -> str:
    """The range between two cells of a sheet, as that sheet's own formulas write it."""
    if fixed:
        return f"{first.fixed}:{last.fixed}"
    return f"{first.local}:{last.local}"


def span_afar(first: Cell, last: Cell) -> str:
    """The range between two cells, from any sheet."""
    return f"{first.afar}:{last.fixed}"


def rounded(value: str, digits: str, otherwise: str) -> str:
    """The value rounded half up as a person would; ``otherwise`` where there is no number."""
    text = otherwise.replace('"', '""')
    return f'IF(ISNUMBER({value}),ROUND({value}+SIGN({value})*{GUARD},{digits}),"{text}")'


def rounds_alike(value: Number, digits: int) -> bool:
    """Whether ``rounded`` gives what the exact rounding gives.

    It does not for a number that is no half but nearer to one than the guard reaches.
    """
    exact = Fraction(value)
    guard = Fraction(Decimal(GUARD)) * (1 if exact >= 0 else -1)
    return round_half_up(exact + guard, digits) == round_half_up(exact, digits)


def if_enough(formula: str, values: str, fewest: int, otherwise: str) -> str:
    """The formula, or what stands for an absent number while it has too few numbers to work on."""
    return f"IF(COUNT({values})<{fewest},{otherwise},{formula})"


def rank(group: str, columns: Sequence[tuple[Cell, Cell, Cell]]) -> str:
    """A cell's place among its column from above, ties told apart by the further columns.

    ``group`` says which rows are ranked together. Each entry of ``columns`` is the row's own cell
    and the ends of its column; the first decides, equals share a place. A cell without a number
    comes behind all numbers. It holds in whatever order the rows stand.
    """
    parts = ["1"]
    equal = [group]
    for own, first, last in columns:
        whole = span(first, last, fixed=True)
        alike = "*".join(equal)
        higher = f"SUMPRODUCT({alike}*ISNUMBER({whole})*({whole}>{own.local}))"
        any_number = f"SUMPRODUCT({alike}*ISNUMBER({whole}))"
        parts.append(f"IF(ISNUMBER({own.local}),{higher},{any_number})")
        equal.append(f"({whole}={own.local})")
    return "+".join(parts)


def summed(cells: Sequence[str]) -> str:
    """The sum of single cells; spreadsheet programs take at most 255 at a time."""
    if len(cells) <= _MOST_ARGUMENTS:
        return f"SUM({','.join(cells)})"
    parts = range(0, len(cells), _MOST_ARGUMENTS)
    return summed([summed(cells[at : at + _MOST_ARGUMENTS]) for at in parts])
