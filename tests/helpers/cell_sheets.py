"""Sheets with one cell in question, and what must be read from it."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from wuhu_appraisal.model import Absent, Rule, Score

MISSING, NOT_APPLICABLE = Absent.MISSING, Absent.NOT_APPLICABLE
WHITE, BLACK, RED = "FFFFFF", "000000", "FF0000"
NO_BREAK, WIDE = "\u00a0", "\u3000"


# --- what is written -----------------------------------------------------------------------------


class Form(StrEnum):
    """A format and who wrote it."""

    XLSXWRITER = "xlsx-by-xlsxwriter"
    OPENPYXL = "xlsx-by-openpyxl"
    OFFICE_XLSX = "xlsx-by-libreoffice"
    OFFICE_XLS = "xls-by-libreoffice"
    OFFICE_ODS = "ods-by-libreoffice"
    SHEETJS_XLS = "xls-by-sheetjs"
    TEXT = "csv"

    @property
    def ending(self) -> str:
        return self.partition("-")[0]


XLSX = (Form.XLSXWRITER, Form.OPENPYXL)
OFFICE = (Form.OFFICE_XLSX, Form.OFFICE_XLS, Form.OFFICE_ODS)
STYLED = (*XLSX, *OFFICE)
WORKBOOKS = (*STYLED, Form.SHEETJS_XLS)
ALL = (*WORKBOOKS, Form.TEXT)

Time: TypeAlias = datetime.date | datetime.time | datetime.timedelta
Content: TypeAlias = float | str | bool | Time | None


@dataclass(frozen=True)
class Cell:
    """One cell; a formula's ``value`` is the one stored with it, where the writer can store one.

    ``stored`` are the digits that a spreadsheet program stores of a number, where they are more
    than the writers store.
    """

    value: Content = None
    format: str = "General"
    formula: str = ""
    stored: str = ""
    struck: bool = False
    struck_part: str = ""
    ink: str = ""
    paper: str = ""
    note: str = ""


Rows: TypeAlias = Sequence[Sequence[Content | Cell]]


@dataclass(frozen=True)
class Page:
    """One sheet; rows and columns are named as a spreadsheet names them."""

    rows: Rows
    merged: tuple[str, ...] = ()
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[str, ...] = ()
    struck_columns: tuple[str, ...] = ()
    filtered: str = ""
    state: str = "visible"

    def cells(self) -> Iterable[tuple[int, int, Cell]]:
        """The cells that hold or bear anything, with their 0-based places."""
        for row, line in enumerate(self.rows):
            for column, content in enumerate(line):
                cell = content if isinstance(content, Cell) else Cell(content)
                if cell != Cell():
                    yield row, column, cell


@dataclass(frozen=True)
class Case:
    """A sheet and what is to be understood of its scores.

    ``value`` is that of 甲市; ``codes`` are the findings on the sheet, each said at ``cells``, and
    ``says`` are words in their messages. ``unlike`` has what is different in a form.
    """

    name: str
    page: Page
    value: Score = MISSING
    codes: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    cells: tuple[str, ...] = ("B2", "B3")
    forms: tuple[Form, ...] = ALL
    unlike: Mapping[Form, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def sheet(self) -> str:
        return f"cell {self.name}"

    def inside(self, form: Form) -> "Case":
        return replace(self, **self.unlike.get(form, {}))


def both(cell: Content | Cell, **page: Any) -> Page:
    """The same cell for both units: a column of one kind."""
    return Page([["单位", "得分"], ["甲市", cell], ["乙市", cell]], **page)


def score(text: str) -> Decimal:
    return Decimal(text)
