"""What LibreOffice makes of a workbook of ours when it works every formula out anew."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

EXACTLY = 1e-9
"""How far an unrounded number in binary may lie from the exact one."""


class Differing(NamedTuple):
    """A cell whose recalculated value is another than the stored one."""

    sheet: str
    cell: str
    formula: str
    stored: object
    recalculated: object


def opened(path: Path, *, values: bool = True) -> Workbook:
    """A workbook as openpyxl reads it: the stored values, or the formulas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(path, data_only=values)


def differing(stored: Path, recalculated: Path) -> tuple[list[Differing], int]:
    """All cells that differ, and how many formulas were compared."""
    ours, theirs, formulas = opened(stored), opened(recalculated), opened(stored, values=False)
    found: list[Differing] = []
    compared = 0
    for sheet in ours.worksheets:
        other, source = theirs[sheet.title], formulas[sheet.title]
        for row in sheet.iter_rows():
            for cell in row:
                formula = source[cell.coordinate]
                value, again = cell.value, other[cell.coordinate].value
                is_formula = formula.data_type == "f"
                compared += is_formula
                if (is_formula or isinstance(value, int | float)) and not alike(value, again):
                    said = str(formula.value)
                    found.append(Differing(sheet.title, cell.coordinate, said, value, again))
    return found, compared


def alike(value: object, other: object) -> bool:
    """Whether two contents are one text, or numbers that differ by no more than binary does."""
    if isinstance(value, int | float) and isinstance(other, int | float):
        return abs(value - other) <= EXACTLY
    return value == other


def header_row(sheet: Worksheet) -> int:
    """The row of column titles: that of the filter."""
    assert sheet.auto_filter.ref is not None
    return int("".join(char for char in sheet.auto_filter.ref.partition(":")[0] if char.isdigit()))


def rows_of(sheet: Worksheet) -> list[dict[str, Any]]:
    """The rows below the column titles, by title."""
    top = header_row(sheet)
    names = [str(cell.value) for cell in sheet[top]]
    return [
        dict(zip(names, values, strict=True))
        for values in sheet.iter_rows(min_row=top + 1, values_only=True)
    ]


def ranking_of(book: Workbook) -> dict[str, tuple[int | None, Sequence[Decimal | None]]]:
    """Each unit's rank and published numbers on the first sheet: stages, composite, points, final."""
    return dict(_ranked(rows_of(book.worksheets[0])))


def _ranked(
    rows: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[str, tuple[int | None, list[Decimal | None]]]]:
    for row in rows:
        _group, rank, unit, *numbers = row.values()
        found = [Decimal(repr(n)) if isinstance(n, int | float) else None for n in numbers]
        yield str(unit), (rank if isinstance(rank, int) else None, found)
