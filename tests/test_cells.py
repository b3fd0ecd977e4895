"""What stands in a score's cell, in every way to fill one, as other programs write it.

Each row of the tables below is a sheet of one workbook. XlsxWriter and openpyxl write that workbook,
LibreOffice saves it as .xls, .ods and .xlsx, and SheetJS wrote the files in ``written_by_others``. As text
each sheet is a file of its own. Whoever wrote it, a cell must be understood in the same way.
"""

import csv
import datetime
import io
import re
import shutil
import subprocess
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path, PurePath
from typing import Any, TypeAlias

import openpyxl
import pytest
import xlsxwriter
from hypothesis import event, given
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Color, Font, NamedStyle, PatternFill
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet
from test_facts import computed, found_at, put
from test_intake import SHEETS, SMALL, write
from test_invariants import drawn

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.appraisal import ReadOptions
from wuhu_appraisal.findings import Finding, Severity, Source
from wuhu_appraisal.model import Absent, LedgerEntry, Remark, RemarkKind, Rule, Score
from wuhu_appraisal.read.cells import CellRule
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.scheme.rules import Reading
from wuhu_appraisal.workbooks.cell import Fault
from wuhu_appraisal.workbooks.open import read_sheets

OTHERS = Path(__file__).parent / "written_by_others"
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


# --- numbers as text ------------------------------------------------------------------------------

PLAIN_AS_TEXT: Mapping[Form, Mapping[str, Any]] = {Form.TEXT: {"rules": ()}}
READ_TEXTS = [
    Case("text", both("80"), score("80"), rules=(Rule.TEXT,), unlike=PLAIN_AS_TEXT),
    Case("spaces", both("  80 "), score("80"), rules=(Rule.TEXT,), unlike=PLAIN_AS_TEXT),
    Case(
        "other spaces",
        both(f"{WIDE}80{NO_BREAK}"),
        score("80"),
        rules=(Rule.TEXT,),
        forms=(*STYLED, Form.TEXT),
        unlike=PLAIN_AS_TEXT,
    ),
    Case(
        "line break",
        both("80\n"),
        score("80"),
        rules=(Rule.TEXT,),
        forms=(*STYLED, Form.TEXT),
        unlike=PLAIN_AS_TEXT,
    ),
    Case("full width", both("８０"), score("80"), rules=(Rule.TEXT, Rule.FULL_WIDTH)),
    Case("full-width point", both("９．５"), score("9.5"), rules=(Rule.TEXT, Rule.FULL_WIDTH)),
    Case("circle point", both("9。5"), score("9.5"), rules=(Rule.TEXT, Rule.FULL_WIDTH)),
    Case("word", both("95分"), score("95"), rules=(Rule.TEXT, Rule.WORD)),
    Case(
        "full width and word",
        both(f"{WIDE}９５ 分 "),
        score("95"),
        rules=(Rule.TEXT, Rule.FULL_WIDTH, Rule.WORD),
        forms=(*STYLED, Form.TEXT),
    ),
]
THOUSANDS = [
    Case("thousands", both("1,000"), score("1000"), rules=(Rule.TEXT, Rule.THOUSANDS)),
    Case(
        "wide thousands",
        both("１，０００．５"),
        score("1000.5"),
        rules=(Rule.TEXT, Rule.FULL_WIDTH, Rule.THOUSANDS),
        forms=(*STYLED, Form.TEXT),
    ),
]
REFUSED_TEXTS = [
    Case("numeral", both("九十五"), codes=("score-is-numeral",), says=("'九十五'", "mean 95")),
    Case(
        "numeral and word",
        both("九十五点五分"),
        codes=("score-is-numeral",),
        says=("95.5",),
        forms=(*STYLED, Form.TEXT),
    ),
    Case("a word", both("良好"), codes=("score-not-number",), says=("'良好'",)),
    Case(
        "two numbers",
        both("95/100"),
        codes=("score-not-number",),
        says=("'95/100'",),
        forms=(*STYLED, Form.TEXT),
    ),
    Case(
        "comma for a point",
        both("9,5"),
        codes=("score-not-number",),
        says=("'9,5'",),
        forms=(*STYLED, Form.TEXT),
    ),
    Case(
        "a gap",
        both("8 0"),
        codes=("score-not-number",),
        says=("'8 0'",),
        forms=(*STYLED, Form.TEXT),
    ),
]

# --- percentages and two kinds of numbers ---------------------------------------------------------

PERCENT_TEXT = Case(
    "percent text",
    both("95%"),
    codes=("score-is-percent",),
    says=("shows 95%", "0.95 or 95"),
    rules=(Rule.TEXT, Rule.PERCENT),
)
PERCENTAGES = [
    Case(
        "percent",
        both(Cell(0.95, "0%")),
        codes=("score-is-percent",),
        says=("shows 95%", "0.95 or 95"),
        rules=(Rule.PERCENT,),
        forms=WORKBOOKS,
    ),
    Case(
        "percent with decimals",
        both(Cell(0.9555, "0.00%")),
        codes=("score-is-percent",),
        says=("shows 95.55%", "0.9555 or 95.55"),
        rules=(Rule.PERCENT,),
        forms=STYLED,
    ),
    PERCENT_TEXT,
    Case(
        "wide percent text",
        both("９５％"),
        codes=("score-is-percent",),
        says=("shows ９５％", "0.95 or 95"),
        rules=(Rule.TEXT, Rule.FULL_WIDTH, Rule.PERCENT),
        forms=(*STYLED, Form.TEXT),
    ),
]
OF_FULL_MARKS = {
    "percent": "95",
    "percent with decimals": "95.55",
    "percent text": "95",
    "wide percent text": "95",
}
MIXED_PERCENTAGES = [
    Case(
        "percent and number",
        Page([["单位", "得分"], ["甲市", Cell(0.95, "0%")], ["乙市", 80]]),
        codes=("score-is-percent",),
        says=("shows 95%", "0.95 or 95"),
        cells=("B2",),
        forms=STYLED,
    ),
    Case(
        "percent text and number",
        Page([["单位", "得分"], ["甲市", "95%"], ["乙市", 80]]),
        codes=("score-is-percent",),
        says=("shows 95%", "0.95 or 95"),
        cells=("B2",),
        forms=(*STYLED, Form.TEXT),
    ),
]
MIXED = [
    Case(
        "share and score",
        Page([["单位", "得分"], ["甲市", 0.95], ["乙市", 95]]),
        codes=("scores-mixed",),
        says=("0.95 or 95",),
        cells=("B2",),
        forms=(*STYLED, Form.TEXT),
    ),
]

# --- what is shown and what is held ---------------------------------------------------------------

DIGITS = [
    Case(
        "digits above",
        both(Cell(20.4, stored="20.400000000000002")),
        score("20.4"),
        rules=(Rule.DIGITS,),
        forms=WORKBOOKS,
        unlike={Form.OFFICE_XLSX: {"rules": ()}, Form.OFFICE_ODS: {"rules": ()}},
    ),
    Case(
        "digits below",
        both(Cell(20.4, stored="20.399999999999999")),
        score("20.4"),
        forms=WORKBOOKS,
    ),
]
SHOWN_OTHERWISE = [
    Case(
        "shown rounded",
        both(Cell(9.55, "0.0")),
        score("9.55"),
        codes=("score-shown-otherwise",),
        says=("shows 9.6", "holds 9.55"),
        forms=WORKBOOKS,
    ),
    Case(
        "shown as a whole",
        both(Cell(79.5, "0")),
        score("79.5"),
        codes=("score-shown-otherwise",),
        says=("shows 80", "holds 79.5"),
        forms=STYLED,
    ),
    Case(
        "shown with another number",
        both(Cell(95, '0"/100"')),
        score("95"),
        codes=("score-shown-otherwise",),
        says=("shows 95/100", "holds 95"),
        forms=STYLED,
    ),
    Case(
        "shown with a digit added",
        both(Cell(9, '0"5"')),
        score("9"),
        codes=("score-shown-otherwise",),
        says=("shows 95", "holds 9"),
        forms=STYLED,
    ),
]
ACCOUNTING = '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ '
SHOWN_RIGHT = [
    Case("all digits shown", both(Cell(9.5, "0.00")), score("9.5"), forms=STYLED),
    Case("unit behind", both(Cell(95, '0"分"')), score("95"), forms=STYLED),
    Case("red", both(Cell(95, "[Red]0;[Blue]-0")), score("95"), forms=STYLED),
    Case("nought before the point", both(Cell(0.5, "#.00")), score("0.5"), forms=STYLED),
    Case("fraction", both(Cell(9.5, "# ?/?")), score("9.5"), forms=STYLED),
    Case(
        "a third",
        both(85.3333333333333),
        score("85.3333333333333"),
        codes=("score-decimals",),
        forms=(*STYLED, Form.TEXT),
    ),
    Case("shown as text", both(Cell(95, "@")), score("95"), forms=STYLED),
    Case("currency", both(Cell(95.5, '"¥"#,##0.00')), score("95.5"), forms=STYLED),
    Case("accounting", both(Cell(95.5, ACCOUNTING)), score("95.5"), forms=STYLED),
    Case("white on black", both(Cell(95, ink=WHITE, paper=BLACK)), score("95"), forms=STYLED),
]
FIXED = [
    Case(
        "format word",
        both(Cell(9.55, '"优秀"')),
        codes=("score-format-fixed",),
        says=("'优秀'", "9.55"),
        forms=WORKBOOKS,
    ),
    Case(
        "format nothing",
        both(Cell(9.55, ";;;")),
        codes=("score-format-fixed",),
        says=("''", "9.55"),
        forms=WORKBOOKS,
    ),
    Case(
        "nought shown as nothing",
        both(Cell(0, "#")),
        codes=("score-format-fixed",),
        says=("''", "0"),
        forms=STYLED,
    ),
    Case(
        "nought left out",
        both(Cell(0, "0;-0;;@")),
        codes=("score-format-fixed",),
        says=("''", "0"),
        forms=STYLED,
    ),
    Case(
        "format words",
        both(Cell(80, '[>=60]"合格";"不合格"')),
        codes=("score-format-fixed",),
        says=("'合格'", "80"),
        forms=STYLED,
    ),
]

# --- formulas, errors, dates, truth ---------------------------------------------------------------

NEVER = {
    "value": MISSING,
    "codes": ("formula-without-value",),
    "says": ("never calculated",),
    "rules": (),
}
FORMULAS = [
    Case(
        "formula",
        both(Cell(80, formula="40+40")),
        score("80"),
        rules=(Rule.FORMULA,),
        forms=STYLED,
        unlike={Form.OPENPYXL: NEVER},
    ),
    Case(
        "formula shown rounded",
        both(Cell(9.55, "0.0", formula="19.1/2")),
        score("9.55"),
        codes=("score-shown-otherwise",),
        says=("shows 9.6", "holds 9.55"),
        rules=(Rule.FORMULA,),
        forms=STYLED,
        unlike={Form.OPENPYXL: NEVER},
    ),
]


def _error(name: str, shown: str, formula: str) -> Case:
    """A formula that comes to an error; as text there is but its name, which is no number."""
    return Case(
        f"error {name}",
        both(Cell(shown, formula=formula)),
        codes=("score-is-error",),
        says=(f"the error {shown}",),
        unlike={
            Form.OPENPYXL: NEVER,
            Form.TEXT: {"codes": ("score-not-number",), "says": (f"'{shown}'",)},
        },
    )


ERRORS = [
    _error("division", "#DIV/0!", "1/0"),
    _error("reference", "#REF!", "#REF!"),
    _error("none", "#N/A", "NA()"),
    *(
        Case(
            f"stored error {name}",
            both(Cell(shown)),
            codes=("score-is-error",),
            says=(f"the error {shown}",),
            forms=(Form.OPENPYXL, *OFFICE),
        )
        for name, shown in {"division": "#DIV/0!", "name": "#NAME?", "value": "#VALUE!"}.items()
    ),
]
DATES = [
    Case(
        "date",
        both(Cell(datetime.date(2021, 5, 9), 'm"月"d"日"')),
        codes=("score-is-date",),
        says=("5.9", "9.5", "5/9"),
        forms=WORKBOOKS,
    ),
    Case(
        "time",
        both(Cell(datetime.time(7, 2, 1), "h:mm:ss")),
        codes=("score-is-date",),
        says=("7:2:1",),
        forms=WORKBOOKS,
    ),
    Case(
        "weights",
        both(Cell(datetime.timedelta(hours=70, minutes=20, seconds=10), "[h]:mm:ss")),
        codes=("score-is-date",),
        says=("70:20:10",),
        forms=STYLED,
    ),
    Case(
        "long date",
        both(Cell(datetime.date(2021, 5, 9), 'yyyy"年"m"月"d"日"')),
        codes=("score-is-date",),
        says=("9.5",),
        forms=STYLED,
    ),
]
BOOLEANS = [
    Case("boolean", both(True), codes=("score-is-boolean",), says=("TRUE",), forms=WORKBOOKS)
]

# --- nothing, and not applicable ------------------------------------------------------------------

BLANKS = [
    Case("blank", both(None)),
    Case("only spaces", both(f" {WIDE}{NO_BREAK}"), forms=(*STYLED, Form.TEXT)),
    Case("formula of nothing", both(Cell("", formula='""')), forms=OFFICE),
    Case("formatted blank", both(Cell(None, "0.00", ink=WHITE)), forms=STYLED),
]
NOT_APPLICABLES = [
    Case("stroke", both("/"), NOT_APPLICABLE),
    Case("dash", both("—"), NOT_APPLICABLE),
    Case("none", both("无"), NOT_APPLICABLE),
    Case("not applicable", both("N/A"), NOT_APPLICABLE),
    Case("not applicable in words", both("不适用"), NOT_APPLICABLE),
    Case("wide stroke", both(" ／ "), NOT_APPLICABLE, forms=(*STYLED, Form.TEXT)),
]

# --- what the scheme judges -----------------------------------------------------------------------

JUDGED = [
    Case("below zero", both(-1), score("-1"), ("score-below-zero",), ("-1",)),
    Case("over marks", both(100.5), score("100.5"), ("score-over-marks",), ("100.5", "of 100")),
    Case("decimals", both(9.567), score("9.567"), ("score-decimals",), ("9.567", "the 2 decimals")),
    Case(
        "scientific",
        both(Cell(95, "0.00E+00")),
        score("95"),
        ("score-scientific",),
        ("'9.50E+01'", "read as 95"),
        rules=(Rule.SCIENTIFIC,),
        forms=WORKBOOKS,
    ),
    Case(
        "scientific text",
        both("9.5e1"),
        score("95"),
        ("score-scientific",),
        ("'9.5e1'", "read as 95"),
        rules=(Rule.TEXT, Rule.SCIENTIFIC),
        forms=(*STYLED, Form.TEXT),
    ),
    Case(
        "struck out",
        both(Cell(80, struck=True)),
        score("80"),
        ("score-struck-out",),
        ("80",),
        forms=STYLED,
    ),
    Case(
        "shown without its sign",
        both(Cell(-5, "0;[Red]0")),
        score("-5"),
        ("score-below-zero", "score-shown-otherwise"),
        ("-5 is below 0", "shows 5"),
        forms=STYLED,
    ),
    Case(
        "struck-out column",
        Page(
            [
                ["单位", Cell("得分", struck=True)],
                ["甲市", Cell(80, struck=True)],
                ["乙市", Cell(80, struck=True)],
            ],
            struck_columns=("B",),
        ),
        score("80"),
        ("score-struck-out",),
        ("80",),
        forms=STYLED,
    ),
    Case(
        "struck-out text",
        both(Cell("80", struck=True)),
        score("80"),
        ("score-struck-out",),
        ("80",),
        rules=(Rule.TEXT,),
        forms=STYLED,
    ),
    Case(
        "white on white",
        both(Cell(80, ink=WHITE)),
        score("80"),
        ("score-invisible",),
        ("80",),
        forms=STYLED,
    ),
    Case(
        "red on red",
        both(Cell("80", ink=RED, paper=RED)),
        score("80"),
        ("score-invisible",),
        ("80",),
        rules=(Rule.TEXT,),
        forms=STYLED,
    ),
    *SHOWN_OTHERWISE,
]
PARTLY_STRUCK = [
    Case(
        "partly struck out",
        both(Cell("80 90", struck_part="80")),
        codes=("score-not-number", "score-struck-out"),
        says=("'80 90'",),
        forms=STYLED,
    ),
    Case(
        "struck-out word",
        both(Cell("80分", struck_part="分")),
        score("80"),
        codes=("score-struck-out",),
        says=("80分",),
        rules=(Rule.TEXT, Rule.WORD),
        forms=STYLED,
    ),
]

# --- what is not seen -----------------------------------------------------------------------------

HIDDEN = [
    Case(
        "hidden row",
        both(80, hidden_rows=(2,)),
        score("80"),
        ("rows-hidden",),
        ("read: 2",),
        cells=("",),
        forms=STYLED,
    ),
    Case(
        "hidden column",
        both(80, hidden_columns=("B",)),
        score("80"),
        ("columns-hidden",),
        ("read: B",),
        cells=("",),
        forms=WORKBOOKS,
    ),
    Case(
        "hidden sheet",
        both(80, state="hidden"),
        score("80"),
        ("sheet-hidden",),
        cells=("",),
        forms=WORKBOOKS,
    ),
    Case(
        "very hidden sheet",
        both(80, state="veryHidden"),
        score("80"),
        ("sheet-very-hidden",),
        cells=("",),
        forms=(*XLSX, Form.SHEETJS_XLS),
    ),
    Case(
        "filtered rows",
        Page([["单位", "得分"], ["甲市", 80], ["乙市", 70]], hidden_rows=(2,), filtered="70"),
        score("80"),
        ("rows-filtered",),
        ("read: 2",),
        cells=("",),
        forms=STYLED,
    ),
]

# --- merged, twice, and other places --------------------------------------------------------------

MERGED_SCORES = [
    Case(
        "merged scores",
        both(80, merged=("B2:B3",)),
        codes=("score-merged",),
        says=("B2:B3",),
        cells=("B2",),
        forms=WORKBOOKS,
    ),
]
MERGED_LABELS = [
    Case(
        "merged title",
        Page(
            [["2020年评分表"], [], ["单位", "得分", "备注"], ["甲市", 80], ["乙市", 70]],
            merged=("A1:C2",),
        ),
        score("80"),
        forms=STYLED,
    ),
    Case(
        "merged unit label",
        Page(
            [["单位", "测评情况", None], [None, "得分", "备注"], ["甲市", 80], ["乙市", 70]],
            merged=("A1:A2", "B1:C1"),
        ),
        score("80"),
        forms=STYLED,
    ),
]
ELSEWHERE = [
    Case(
        "unit twice",
        Page([["单位", "得分"], ["甲市", 80], ["乙市", 80], ["甲市", 70]]),
        codes=("name-twice",),
        says=("甲市", "A2"),
        cells=("A4",),
    ),
    Case(
        "other group",
        Page([["单位", "得分"], ["甲市", 80], ["乙市", 80], ["丙县", 70]]),
        score("80"),
        codes=("name-other-group",),
        says=("丙县", "Counties"),
        cells=("A4",),
    ),
]
FORMATTED_REST = Case(
    "formatted rest",
    Page([*both(80).rows, *[[Cell(None, "0.0", paper=RED)] * 2] * 300]),
    score("80"),
    forms=STYLED,
)
UNIT_MISSING = Case(
    "unit missing",
    Page([["单位", "得分"], ["乙市", 80]]),
    forms=(*STYLED, Form.TEXT),
)
NOTED = [
    Case(
        "note",
        Page([["单位", "得分"], ["甲市", Cell(80, note="信息公开不及时\n扣20分")], ["乙市", 80]]),
        score("80"),
        forms=STYLED,
    ),
    Case(
        "note on a blank",
        Page([["单位", "得分"], ["甲市", Cell(None, note="未测评")], ["乙市", 80]]),
        forms=STYLED,
    ),
]
TITLED: Rows = [["单位", "公开", None, "解读", None], [None, "得分", "扣分", "得分", "扣分"]]
SCORED: Rows = [["甲市", 50, 10, 30, 10], ["乙市", 60, 0, 40, 0]]
ITEMS = {
    "two levels": Page([*TITLED, *SCORED], merged=("A1:A2", "B1:C1", "D1:E1")),
    "two levels turned": Page(
        [
            ["单位", "公开", None, "解读", None],
            [None, "扣分", "得分", "扣分", "得分"],
            ["甲市", 10, 50, 10, 30],
            ["乙市", 0, 60, 0, 40],
        ],
        merged=("A1:A2", "B1:C1", "D1:E1"),
    ),
    "three levels": Page(
        [
            ["2020年政务公开考评", None, None, None, None],
            ["单位", "主动公开(60分)", None, "解读回应(40分)", None],
            [None, "公开(60分)", None, "解读(40分)", None],
            [None, "得分", "扣分", "得分", "扣分"],
            *SCORED,
        ],
        merged=("A1:E1", "A2:A4", "B2:C2", "D2:E2", "B3:C3", "D3:E3"),
    ),
    "categories": Page(
        [["单位", "一级指标", None], [None, "公开", "解读"], ["甲市", 50, 30], ["乙市", 60, 40]],
        merged=("A1:A2", "B1:C1"),
    ),
}
CASES = [
    *READ_TEXTS,
    *THOUSANDS,
    *REFUSED_TEXTS,
    *PERCENTAGES,
    *MIXED_PERCENTAGES,
    *MIXED,
    *DIGITS,
    *SHOWN_RIGHT,
    *FIXED,
    *FORMULAS,
    *ERRORS,
    *DATES,
    *BOOLEANS,
    *BLANKS,
    *NOT_APPLICABLES,
    *JUDGED,
    *PARTLY_STRUCK,
    *HIDDEN,
    *MERGED_SCORES,
    *MERGED_LABELS,
    *ELSEWHERE,
    FORMATTED_REST,
    UNIT_MISSING,
    *NOTED,
]

# --- the writers ----------------------------------------------------------------------------------


def by_xlsxwriter(path: Path, pages: Mapping[str, Page]) -> None:
    with xlsxwriter.Workbook(path) as book:
        struck = book.add_format({"font_strikeout": True})
        for name, page in pages.items():
            sheet = book.add_worksheet(name)
            for area in page.merged:
                sheet.merge_range(area, "")
            covered = _covered(page)
            for row, column, cell in page.cells():
                if (row, column) not in covered:
                    style = book.add_format(_style_of(cell))
                    _put_by_xlsxwriter(sheet, (row, column), cell, style, struck)
            for row in page.hidden_rows:
                sheet.set_row(row - 1, None, None, {"hidden": True})
            for letters in page.hidden_columns:
                sheet.set_column(f"{letters}:{letters}", None, None, {"hidden": True})
            for letters in page.struck_columns:
                sheet.set_column(f"{letters}:{letters}", None, struck)
            if page.filtered:
                sheet.autofilter(0, 0, len(page.rows) - 1, 1)
                sheet.filter_column("B", f"x == {page.filtered}")
            {"hidden": sheet.hide, "veryHidden": sheet.very_hidden}.get(page.state, int)()


def _style_of(cell: Cell) -> dict[str, Any]:
    style: dict[str, Any] = {"num_format": cell.format}
    if cell.struck:
        style["font_strikeout"] = True
    if cell.ink:
        style["font_color"] = f"#{cell.ink}"
    if cell.paper:
        style |= {"pattern": 1, "bg_color": f"#{cell.paper}"}
    return style


def _put_by_xlsxwriter(
    sheet: Any, place: tuple[int, int], cell: Cell, style: Any, struck: Any
) -> None:
    if cell.note:
        sheet.write_comment(*place, cell.note)
    if cell.formula:
        sheet.write_formula(*place, f"={cell.formula}", style, cell.value)
    elif cell.struck_part:
        before, part, after = str(cell.value).partition(cell.struck_part)
        pieces = [*([before] if before else []), struck, part, *([after] if after else [])]
        sheet.write_rich_string(*place, *pieces)
    elif isinstance(cell.value, str):
        sheet.write_string(*place, cell.value, style)
    else:
        sheet.write(*place, cell.value, style)


def by_openpyxl(path: Path, pages: Mapping[str, Page]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, page in pages.items():
        sheet = book.create_sheet(name)
        for row, column, cell in page.cells():
            _put_by_openpyxl(sheet, (row + 1, column + 1), cell)
        for area in page.merged:
            sheet.merge_cells(area)
        for row in page.hidden_rows:
            sheet.row_dimensions[row].hidden = True
        for letters in page.hidden_columns:
            sheet.column_dimensions[letters].hidden = True
        for letters in page.struck_columns:
            sheet.column_dimensions[letters].font = Font(strike=True)
        if page.filtered:
            sheet.auto_filter.ref = f"A1:B{len(page.rows)}"
            sheet.auto_filter.add_filter_column(1, [page.filtered])
        sheet.sheet_state = page.state
    book.save(path)


def _put_by_openpyxl(sheet: Worksheet, place: tuple[int, int], cell: Cell) -> None:
    made = sheet.cell(*place)
    value: Any = f"={cell.formula}" if cell.formula else cell.value
    if cell.struck_part:
        before, part, after = str(cell.value).partition(cell.struck_part)
        value = CellRichText(before, TextBlock(InlineFont(strike=True), part), after)
    made.value = value
    made.number_format = cell.format
    made.font = Font(strike=cell.struck, color=cell.ink or None)
    if cell.paper:
        made.fill = PatternFill("solid", fgColor=cell.paper)
    if cell.note:
        made.comment = Comment(cell.note, "测评组")


def _covered(page: Page) -> set[tuple[int, int]]:
    """The cells of merged areas of which the program that merges them keeps nothing."""
    found: set[tuple[int, int]] = set()
    for area in page.merged:
        left, top, right, bottom = (int(side or 1) - 1 for side in range_boundaries(area))
        places = product(range(top, bottom + 1), range(left, right + 1))
        found |= set(places) - {(top, left)}
    return found


def edited(path: Path, changes: Mapping[str, Callable[[bytes], bytes]]) -> None:
    """Change parts of a workbook as another program would have written them; new ones begin empty."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        parts[name] = change(parts.get(name, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _with_all_digits(path: Path, pages: Mapping[str, Page]) -> None:
    """Both writers store 16 digits of a number, where spreadsheet programs store 17."""
    changes: dict[str, Callable[[bytes], bytes]] = {}
    for number, page in enumerate(pages.values(), 1):
        stored = {cell.stored: cell.value for _row, _column, cell in page.cells() if cell.stored}
        for digits, value in stored.items():
            before, after = (f"<v>{text}</v>".encode() for text in (value, digits))
            changes[f"xl/worksheets/sheet{number}.xml"] = partial(_replaced, before, after)
    edited(path, changes)


def _replaced(before: bytes, after: bytes, content: bytes) -> bytes:
    assert before in content
    return content.replace(before, after)


def as_texts(folder: Path, pages: Mapping[str, Page]) -> None:
    """A file for each sheet, named behind the workbook that it is a sheet of."""
    for name, page in pages.items():
        rows: list[list[Content]] = [[""] * len(line) for line in page.rows]
        for row, column, cell in page.cells():
            rows[row][column] = cell.value
        with (folder / f"cells-{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)


def by_libreoffice(soffice: str, path: Path, ending: str) -> Path:
    """The workbook loaded and saved, its formulas calculated: none was stored with a value."""
    profile, out = path.parent / "profile", path.parent / ending
    command = [soffice, f"-env:UserInstallation={profile.as_uri()}", "--headless"]
    command += ["--convert-to", ending, "--outdir", str(out), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return out / f"{path.stem}.{ending}"


# --- the readers ----------------------------------------------------------------------------------

SCHEME = f"""
id: cells
title: Cells
document: {{title: Cells}}
groups:
  - {{id: city, title: Cities, clause: "1", units: [{{name: 甲市}}, {{name: 乙市}}]}}
  - {{id: county, title: Counties, clause: "1", units: [{{name: 丙县}}]}}
indicators:
  - id: content
    title: Content
    clause: annex
    items:
      - {{id: a, title: 公开, marks: 60}}
      - {{id: b, title: 解读, marks: 40}}
reading: {{decimals: 2, severities: {{}}}}
stages:
  - id: vote
    title: Vote
    clause: "2"
    weight: 60
    assessors: []
    window: {{from: 2020-01-01, to: 2020-12-31}}
    plans:
      city:
        dimensions:
          case: {{members: {{{", ".join(f'"{case.name}": "{case.name}"' for case in CASES)}}}}}
        percentages: error
        full_marks: 100
        forms:
          - id: cells
            title: Cells of cities
            file: "cells*"
            sheet: "cell {{case}}"
            axes: [unit]
            not_applicable: anywhere
        steps:
          - {{roll_up: case, by: mean, missing: exclude, not_applicable: exclude}}
          - {{rescale: 100}}
      county: &elsewhere
        full_marks: 100
        forms:
          - {{id: counties, title: Cells of counties, file: counties, axes: [unit]}}
  - id: work
    title: Work
    clause: "3"
    weight: 40
    assessors: []
    window: {{from: 2020-01-01, to: 2020-12-31}}
    plans:
      city:
        dimensions:
          indicator: {{indicators: content}}
          layout: {{members: {{{", ".join(f'"{name}": "{name}"' for name in ITEMS)}}}}}
        forms:
          - id: items
            title: Items of cities
            file: "cells*"
            sheet: "items {{layout}}"
            axes: [unit, indicator]
        steps:
          - {{roll_up: indicator, by: sum, missing: error, not_applicable: error}}
          - {{roll_up: layout, by: mean, missing: exclude, not_applicable: error}}
      county: *elsewhere
composite: {{missing: exclude, not_applicable: exclude, digits: 2}}
final: {{digits: 2, rounding: half_up}}
ranking: {{}}
"""
JUDGED_CODES = sorted({code for case in (*JUDGED, *PARTLY_STRUCK) for code in case.codes})


def _severities(severity: str) -> tuple[str, str]:
    judged = ", ".join(f"{code}: {severity}" for code in JUDGED_CODES if code != "score-not-number")
    return "severities: {}", f"severities: {{{judged}}}"


class Rules(StrEnum):
    """What a scheme may say of how cells are read."""

    USUAL = "usual"
    LENIENT = "all judged findings are warnings"
    STRICT = "all judged findings are errors"
    PERCENTAGES = "percentages are shares of the full marks"
    LARGE = "full marks in the thousands"
    COMPLETE = "no score may be missing"
    SEEN = "nothing may be hidden"

    @property
    def scheme(self) -> str:
        changes = {
            Rules.LENIENT: _severities("warning"),
            Rules.STRICT: _severities("error"),
            Rules.PERCENTAGES: ("percentages: error", "percentages: of_full_marks"),
            Rules.LARGE: ("error\n        full_marks: 100", "error\n        full_marks: 2000"),
            Rules.COMPLETE: ("missing: exclude, not", "missing: error, not"),
        }
        return SCHEME.replace(*changes[self]) if self in changes else SCHEME


@dataclass(frozen=True)
class Understood:
    """What a run says of one sheet."""

    values: Mapping[str, Score]
    findings: Sequence[Finding]
    ledger: Sequence[LedgerEntry]
    remarks: Sequence[Remark]

    @property
    def said(self) -> set[tuple[str, str]]:
        return {(item.code, item.source.cell) for item in self.findings}


@dataclass
class Books:
    """The workbook of all cases in every form, each written and each read once."""

    folder: Path
    soffice: Callable[[], str]
    _paths: dict[Form, list[Path]] = field(default_factory=dict)
    _runs: dict[tuple[Form, Rules], Result] = field(default_factory=dict)

    def understood(self, case: Case, form: Form, rules: Rules = Rules.USUAL) -> Understood:
        run = self.run(form, rules)

        def here(source: Source) -> bool:
            named = PurePath(source.file).stem == f"cells-{case.sheet}"
            return bool(source.sheet == case.sheet or (named and not source.sheet))

        scores = run.traces["city"].stages["vote"].scores
        return Understood(
            {unit: value for (unit, name), value in scores.items() if name == case.name},
            [item for item in run.findings if here(item.source)],
            [entry for entry in run.ledger if here(entry.source)],
            [remark for remark in run.remarks if here(remark.source)],
        )

    def run(self, form: Form, rules: Rules) -> Result:
        if (form, rules) not in self._runs:
            options = ReadOptions(strict_hidden=rules is Rules.SEEN)
            self._runs[form, rules] = appraise(self.scheme(rules), self.paths(form), options)
        return self._runs[form, rules]

    def scheme(self, rules: Rules) -> LoadedScheme:
        path = self.folder / f"{rules.name}.yaml"
        path.write_text(rules.scheme, encoding="utf-8")
        loaded = load_scheme(path)
        assert loaded.scheme is not None, [item.message for item in loaded.findings]
        return loaded

    def paths(self, form: Form) -> list[Path]:
        if form not in self._paths:
            self._paths[form] = self._written(form)
        return self._paths[form]

    def _written(self, form: Form) -> list[Path]:
        if form is Form.SHEETJS_XLS:
            return sorted(OTHERS.glob(f"cells*.{form.ending}"))
        program = self.soffice() if form in OFFICE else ""
        folder = self.folder / form
        folder.mkdir()
        pages = {case.sheet: case.page for case in CASES if form in case.forms or form != Form.TEXT}
        pages |= {f"items {name}": page for name, page in ITEMS.items()}
        if form is Form.TEXT:
            as_texts(folder, pages)
            return [folder]
        path = folder / "cells.xlsx"
        (by_xlsxwriter if form is Form.XLSXWRITER else by_openpyxl)(path, pages)
        _with_all_digits(path, pages)
        if form in XLSX:
            return [path]
        return [by_libreoffice(program, path, form.ending)]


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Books:
    return Books(tmp_path_factory.mktemp("cells"), lambda: request.getfixturevalue("soffice"))


def in_each_form(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Each case in each form that can hold it."""
    return pytest.mark.parametrize(
        ("case", "form"),
        [
            pytest.param(case.inside(form), form, id=f"{case.name}-{form}")
            for case in cases
            for form in Form
            if form in case.forms
        ],
    )


def holds(case: Case, found: Understood) -> None:
    """The value, the findings with their places and words, and the ledger are those of the case."""
    assert found.said == {(code, cell) for code in case.codes for cell in case.cells}
    assert found.values["甲市"] == case.value
    messages = " ".join(item.message for item in found.findings)
    assert [words for words in case.says if words not in messages] == [], messages
    rules = {entry.source.cell: entry.rules for entry in found.ledger}
    kept = not isinstance(case.value, Absent)
    assert rules == (dict.fromkeys(("B2", "B3"), case.rules) if case.rules and kept else {})
    if case.rules and kept:
        assert {entry.value for entry in found.ledger} == {str(case.value)}


# --- the specification ----------------------------------------------------------------------------


@in_each_form(READ_TEXTS)
def test_a_number_written_as_text_is_read_and_stands_in_the_ledger(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(THOUSANDS)
def test_commas_between_thousands_are_left_out_and_stand_in_the_ledger(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form, Rules.LARGE))


@in_each_form(REFUSED_TEXTS)
def test_a_text_that_is_no_number_is_refused_and_numerals_with_their_reading(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(PERCENTAGES)
def test_a_percentage_is_an_error_that_names_both_readings(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(PERCENTAGES)
def test_a_percentage_is_a_share_of_the_full_marks_where_the_plan_says_so(
    books: Books, case: Case, form: Form
) -> None:
    read = replace(case, value=score(OF_FULL_MARKS[case.name]), codes=(), says=())
    holds(read, books.understood(case, form, Rules.PERCENTAGES))


@pytest.mark.parametrize("rules", [Rules.USUAL, Rules.PERCENTAGES])
@in_each_form(MIXED_PERCENTAGES)
def test_a_column_of_percentages_and_numbers_is_an_error_whatever_the_plan_says(
    books: Books, case: Case, form: Form, rules: Rules
) -> None:
    found = books.understood(case, form, rules)
    holds(case, found)
    assert found.values["乙市"] == 80


@in_each_form(MIXED)
def test_a_column_of_shares_and_scores_is_an_error(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert found.values["乙市"] == 95


@in_each_form(DIGITS)
def test_digits_that_no_spreadsheet_shows_are_not_part_of_the_score(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert str(found.values["甲市"]) == "20.4"


@in_each_form(SHOWN_RIGHT)
def test_a_format_that_shows_all_of_the_number_is_no_matter(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(FIXED)
def test_a_format_that_shows_the_same_whatever_the_cell_holds_is_an_error(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(FORMULAS)
def test_the_value_of_a_formula_counts_and_one_never_calculated_is_an_error(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(ERRORS)
def test_what_a_formula_failed_with_is_an_error_with_its_name(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form([*DATES, *BOOLEANS])
def test_a_date_a_time_or_a_truth_value_is_an_error_that_says_what_was_typed(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(BLANKS)
def test_a_blank_is_missing_and_never_zero(books: Books, case: Case, form: Form) -> None:
    holds(case, books.understood(case, form))
    found = books.understood(case, form, Rules.COMPLETE)
    assert found.said == {("score-missing", "B2"), ("score-missing", "B3")}
    assert found.values == {"甲市": MISSING, "乙市": MISSING}


@in_each_form(NOT_APPLICABLES)
def test_a_mark_for_not_applicable_is_neither_a_score_nor_missing(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form, Rules.COMPLETE))


USUALLY_ERRORS = {"score-below-zero", "score-over-marks", "score-not-number"}


@in_each_form(JUDGED)
def test_a_doubtful_score_is_an_error_or_a_warning_as_its_kind_is(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form)
    refused = USUALLY_ERRORS.intersection(case.codes)
    holds(replace(case, value=MISSING) if refused else case, found)
    errors = {item.code for item in found.findings if item.severity is Severity.ERROR}
    assert errors == refused


@in_each_form(JUDGED)
def test_a_doubtful_score_counts_where_the_scheme_only_warns(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form, Rules.LENIENT)
    holds(case, found)
    assert {str(item.severity) for item in found.findings} == {"warning"}


@in_each_form(JUDGED)
def test_a_doubtful_score_does_not_count_where_the_scheme_takes_it_for_an_error(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form, Rules.STRICT)
    holds(replace(case, value=MISSING), found)
    assert {str(item.severity) for item in found.findings} == {"error"}


@in_each_form(PARTLY_STRUCK)
def test_a_piece_of_a_text_that_is_struck_out_is_said(books: Books, case: Case, form: Form) -> None:
    holds(case, books.understood(case, form))


@in_each_form(HIDDEN)
def test_what_is_hidden_is_read_and_named(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert {str(item.severity) for item in found.findings} == {"warning"}


@in_each_form(HIDDEN)
def test_what_is_hidden_is_an_error_where_the_reader_is_strict(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form, Rules.SEEN)
    holds(case, found)
    assert {str(item.severity) for item in found.findings} == {"error"}


@in_each_form(MERGED_SCORES)
def test_scores_merged_into_one_cell_are_nobodys(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert set(found.values.values()) == {MISSING}


@in_each_form(MERGED_LABELS)
def test_merged_titles_and_labels_are_understood(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert found.values["乙市"] == 70


@in_each_form(ELSEWHERE)
def test_a_unit_that_stands_twice_or_belongs_elsewhere_is_an_error_with_its_places(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form)
    assert found.values["乙市"] == 80
    values = {"甲市": MISSING, **found.values}
    holds(case, replace(found, values=values))


@in_each_form([UNIT_MISSING])
def test_a_unit_that_does_not_stand_in_a_sheet_is_missing_there(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form, Rules.COMPLETE)
    assert found.said == {("scores-missing", "")}
    assert "甲市" in found.findings[0].message
    assert found.values == {"乙市": 80}


@in_each_form(NOTED)
def test_a_note_on_a_score_is_kept_as_a_remark(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    [remark] = found.remarks
    assert (remark.kind, remark.source.cell) == (RemarkKind.NOTE, "B2")
    [note] = [cell.note for _row, _column, cell in case.page.cells() if cell.note]
    assert remark.text.split() == note.split()


@pytest.mark.parametrize("form", STYLED)
@pytest.mark.parametrize("layout", ITEMS)
def test_merged_headers_of_several_levels_are_understood(
    books: Books, layout: str, form: Form
) -> None:
    run = books.run(form, Rules.USUAL)
    scores = run.traces["city"].stages["work"].scores.items()
    assert {(unit, item): value for (unit, item, name), value in scores if name == layout} == {
        ("甲市", "a"): 50,
        ("甲市", "b"): 30,
        ("乙市", "a"): 60,
        ("乙市", "b"): 40,
    }
    assert [item for item in run.findings if item.source.sheet == f"items {layout}"] == []


@in_each_form([FORMATTED_REST])
def test_rows_that_are_only_formatted_are_no_part_of_the_sheet(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))
    [path] = books.paths(form)
    grids, _findings = read_sheets(path.name, path.read_bytes())
    [grid] = [grid for grid in grids if grid.name == case.sheet]
    assert [len(row) for row in grid.rows] == [2, 2, 2]


def test_a_million_formatted_rows_are_no_part_of_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "cells.xlsx"
    by_openpyxl(path, {"cell text": Page([*both("80").rows, [Cell(None, "0.0", paper=RED)] * 2])})
    rest = "".join(f'<row r="{row}"><c r="B{row}" s="1"/></row>' for row in range(5, 1_048_577))
    end = b"</sheetData>"
    edited(path, {"xl/worksheets/sheet1.xml": partial(_replaced, end, rest.encode() + end)})
    [grid], findings = read_sheets(path.name, path.read_bytes())
    assert findings == []
    assert grid.rows == [["单位", "得分"], ["甲市", "80"], ["乙市", "80"]]


@pytest.mark.parametrize(
    ("area", "found"),
    [("B2:C2", ["work/upper.xlsx B2"]), ("B2:D3", ["work/upper.xlsx B2"]), ("D3:E4", [])],
)
def test_scores_merged_across_items_are_nobodys_and_a_wide_cell_with_one_score_is_its_own(
    tmp_path: Path, area: str, found: Sequence[str]
) -> None:
    run = computed(tmp_path, lambda sheet: sheet.merge_cells(area), "work/upper")
    assert found_at(run, "score-merged") == found
    assert run.provisional == bool(found)


def test_an_indicator_that_stands_twice_is_an_error_with_both_places(tmp_path: Path) -> None:
    rows = [[*row, row[1]] for row in SHEETS["work/upper"]]
    write(tmp_path, {**SHEETS, "work/upper": rows})
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert found_at(run, "name-twice") == ["work/upper.xlsx E1"]
    assert "B1" in next(item.message for item in run.findings if item.code == "name-twice")
    scores = dict(run.traces["city"].stages["work"].scores.items())
    assert ("甲市", "upper", "a") not in scores
    assert scores["甲市", "upper", "b1"] == 20


# --- as spreadsheet programs store it, where no writer here does ----------------------------------


def stored_in(folder: Path, cell: str) -> Result:
    """The small input with the XML of one score's cell as given."""
    write(folder, SHEETS)
    path = folder / "vote" / "甲市.xlsx"
    held = re.compile(rb'<c r="B3".*?</c>')
    edited(path, {"xl/worksheets/sheet1.xml": lambda xml: held.sub(cell.encode(), xml)})
    return appraise(load_scheme(SMALL), [folder])


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ('<c r="B3" t="str"><f>IF(A9="","",A9)</f><v></v></c>', "score-missing"),
        ('<c r="B3" t="str"><v/></c>', "score-missing"),
        ('<c r="B3"><f>40+40</f></c>', "formula-without-value"),
        ('<c r="B3"><f>40+40</f><v/></c>', "formula-without-value"),
        ('<c r="B3"><f>40+40</f><v></v></c>', "formula-without-value"),
        ('<c r="B3" t="e"><f>A9/0</f><v>#DIV/0!</v></c>', "score-is-error"),
        ('<c r="B3" t="e"><v>#NUM!</v></c>', "score-is-error"),
        ('<c r="B3" t="b"><f>1=1</f><v>1</v></c>', "score-is-boolean"),
        ('<c r="B3" t="d"><v>2021-05-09T00:00:00</v></c>', "score-is-date"),
        (
            '<c r="B3" t="inlineStr"><is><r><t>良</t></r><r><t>好</t></r></is></c>',
            "score-not-number",
        ),
    ],
)
def test_a_cell_without_a_score_is_known_however_it_is_stored(
    tmp_path: Path, cell: str, code: str
) -> None:
    assert found_at(stored_in(tmp_path, cell), code) == ["vote/甲市.xlsx B3"]


@pytest.mark.parametrize(
    ("cell", "rules"),
    [
        ('<c r="B3"><f>40+40</f><v>80</v></c>', (Rule.FORMULA,)),
        ('<c r="B3"><f t="shared" si="0"/><v>80</v></c>', (Rule.FORMULA,)),
        ('<c r="B3" t="n"><f aca="false">40+40</f><v>80</v></c>', (Rule.FORMULA,)),
        ('<c r="B3" t="str"><f>"80"</f><v>80</v></c>', (Rule.FORMULA, Rule.TEXT)),
        ('<c r="B3" t="inlineStr"><is><t>80</t></is></c>', (Rule.TEXT,)),
        ('<c r="B3" t="inlineStr"><is><r><t>8</t></r><r><t>0</t></r></is></c>', (Rule.TEXT,)),
        ('<c r="B3"><v>79.999999999999986</v></c>', (Rule.DIGITS,)),
        ('<c r="B3"><v>8.0E1</v></c>', ()),
    ],
)
def test_a_score_is_read_however_it_is_stored(
    tmp_path: Path, cell: str, rules: tuple[Rule, ...]
) -> None:
    run = stored_in(tmp_path, cell)
    assert run.findings == []
    assert [entry.rules for entry in run.ledger] == ([rules] if rules else [])
    assert str(run.standings["city"][0].final) == "94.46"


@pytest.mark.parametrize("number", [14, 17, 20, 22, 27, 30, 31, 36, 45, 46, 47, 50, 57, 58])
def test_a_date_is_known_by_the_formats_that_are_named_by_number_alone(
    tmp_path: Path, number: int
) -> None:
    # An entry such as 5-9 is stored as a day with format 58 where the program is in Chinese.
    computed(tmp_path, put("B3", 44325.5, "0.00"))
    known = partial(_replaced, b'numFmtId="2"', f'numFmtId="{number}"'.encode())
    edited(tmp_path / "vote" / "甲市.xlsx", {"xl/styles.xml": known})
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert found_at(run, "score-is-date") == ["vote/甲市.xlsx B3"]


def test_white_is_known_by_its_place_in_the_theme(tmp_path: Path) -> None:
    white = Font(color=Color(theme=0))
    run = computed(tmp_path, lambda sheet: setattr(sheet["B3"], "font", white))
    assert found_at(run, "score-invisible") == ["vote/甲市.xlsx B3"]


def in_a_named_style(sheet: Worksheet) -> None:
    book = sheet.parent
    assert isinstance(book, openpyxl.Workbook)
    book.add_named_style(NamedStyle("弃用", font=Font(strike=True, color=WHITE)))
    sheet["B3"].style = "弃用"


@pytest.mark.parametrize("form", ["xlsx", "xls", "ods"])
def test_a_style_with_a_name_is_looked_into(
    tmp_path: Path, convert: Callable[[Path, str], Path], form: str
) -> None:
    folder = tmp_path / "in"
    computed(folder, in_a_named_style)
    path = folder / "vote" / "甲市.xlsx"
    made = convert(path, form).read_bytes()
    path.unlink()
    path.with_suffix(f".{form}").write_bytes(made)
    run = appraise(load_scheme(SMALL), [folder])
    for code in ("score-struck-out", "score-invisible"):
        assert found_at(run, code) == [f"vote/甲市.{form} B3"]


def test_a_number_in_ods_without_its_text_beside_it_is_the_number(
    books: Books, tmp_path: Path
) -> None:
    [case] = [case for case in JUDGED if case.name == "decimals"]
    path = tmp_path / "cells.ods"
    shutil.copy(books.paths(Form.OFFICE_ODS)[0], path)
    edited(path, {"content.xml": partial(_replaced, b"<text:p>9.567</text:p>", b"")})
    run = appraise(books.scheme(Rules.USUAL), [path])
    found = [item for item in run.findings if item.source.sheet == case.sheet]
    assert {(item.code, item.source.cell) for item in found} == {
        ("score-decimals", "B2"),
        ("score-decimals", "B3"),
    }


def test_what_was_typed_is_known_where_days_are_counted_from_1904(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    with xlsxwriter.Workbook(tmp_path / "vote" / "甲市.xlsx", {"date_1904": True}) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(SHEETS["vote/甲市"]):
            sheet.write_row(row, 0, cells)
        style = book.add_format({"num_format": 'm"月"d"日"'})
        sheet.write_datetime("B3", datetime.datetime(2021, 5, 9), style)
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert "5.9, 9.5" in next(i.message for i in run.findings if i.code == "score-is-date")


def test_a_formula_never_calculated_is_an_error_in_ods_too(books: Books, tmp_path: Path) -> None:
    [case] = [case for case in FORMULAS if case.name == "formula"]
    path = tmp_path / "cells.ods"
    shutil.copy(books.paths(Form.OFFICE_ODS)[0], path)
    value = rb'(table:formula="of:=40\+40") [^>]*>.*?</table:table-cell>'
    edited(path, {"content.xml": lambda xml: re.sub(value, rb"\1></table:table-cell>", xml)})
    grids, _findings = read_sheets(path.name, path.read_bytes())
    [grid] = [grid for grid in grids if grid.name == case.sheet]
    assert grid.rows[1][1] == Fault("formula-without-value", "")


THREAD = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">
<threadedComment ref="B3" dT="2021-01-05T08:00:00.00" personId="{1}" id="{A}"><text>公开不及时</text>
</threadedComment><threadedComment ref="B3" dT="2021-01-06T08:00:00.00" personId="{2}" id="{B}"
 parentId="{A}"><text>已整改</text></threadedComment></ThreadedComments>"""
PERSONS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<personList xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">
<person displayName="甲" id="{1}"/><person displayName="乙" id="{2}"/></personList>"""
BESIDE_THREAD = """[Threaded comment]

Your version of Excel allows you to read this threaded comment; however, any edits to it will get
removed if the file is opened in a newer version of Excel.

Comment:
    公开不及时
Reply:
    已整改"""


def _link(kind: str, target: str) -> Callable[[bytes], bytes]:
    made = f'<Relationship Id="rIdNew" Type="{kind}" Target="{target}"/></Relationships>'.encode()
    return partial(_replaced, b"</Relationships>", made)


def test_a_thread_of_comments_stands_for_the_note_left_beside_it(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote" / "甲市.xlsx"
    first = Cell(90, note="按时公开")
    second = Cell(80, note=BESIDE_THREAD)
    by_openpyxl(path, {"Sheet": Page([["单位", "得分"], ["甲市", first], ["乙市", second]])})
    base = "http://schemas.microsoft.com/office/2017/10/relationships"
    edited(
        path,
        {
            "xl/threadedComments/threadedComment1.xml": lambda _none: THREAD.encode(),
            "xl/persons/person.xml": lambda _none: PERSONS.encode(),
            "xl/_rels/workbook.xml.rels": _link(f"{base}/person", "persons/person.xml"),
            "xl/worksheets/_rels/sheet1.xml.rels": _link(
                f"{base}/threadedComment", "../threadedComments/threadedComment1.xml"
            ),
        },
    )
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert run.findings == []
    assert {(remark.source.cell, remark.text) for remark in run.remarks} == {
        ("B2", "按时公开"),
        ("B3", "公开不及时 已整改"),
    }


# --- whatever the number is -----------------------------------------------------------------------

WIDE_SIGNS = str.maketrans("0123456789.,-", "０１２３４５６７８９．，－")
NARROW_SIGNS = {wide: plain for plain, wide in WIDE_SIGNS.items()}
HUGE = Decimal(10) ** 9


def numbers(most: int) -> st.SearchStrategy[Decimal]:
    """Decimals from 0 with up to six places, as a person would write them."""
    return st.integers(0, 6).flatmap(lambda places: st.decimals(0, most, places=places))


def read_as(raw: Any, full_marks: Decimal) -> tuple[Score, tuple[Rule, ...]]:
    answer = CellRule(full_marks, Reading()).read(raw)
    assert answer.remarked == ()
    return answer.value, answer.rules


def spellings(text: str) -> dict[str, tuple[Rule, ...]]:
    """The ways to write a number as text, with the rules by which each is read."""
    wide = text.translate(WIDE_SIGNS)
    return {
        text: (),
        f"  {text} ": (),
        f"{WIDE}{text}{NO_BREAK}": (),
        wide: (Rule.FULL_WIDTH,),
        f"{text}分": (Rule.WORD,),
        f"{wide} 分 ": (Rule.FULL_WIDTH, Rule.WORD),
    }


@drawn(examples=40)
@given(number=numbers(100))
def test_a_number_is_the_same_exact_decimal_however_a_workbook_holds_it(number: Decimal) -> None:
    written = [*spellings(f"{number:f}"), float(number)]
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for row, cell in enumerate(written):
            sheet.write(row, 0, cell)
    [grid], findings = read_sheets("cells.xlsx", content.getvalue())
    assert findings == []
    assert [read_as(row[0], Decimal(100))[0] for row in grid.rows] == [number] * len(written)


@drawn(examples=40)
@given(number=numbers(100))
def test_a_number_is_the_same_exact_decimal_however_a_text_file_holds_it(number: Decimal) -> None:
    written = list(spellings(f"{number:f}"))
    text = io.StringIO()
    csv.writer(text).writerows([cell, "x"] for cell in written)
    [grid], findings = read_sheets("cells.csv", text.getvalue().encode())
    assert findings == []
    assert [read_as(row[0], Decimal(100))[0] for row in grid.rows] == [number] * len(written)


@drawn(examples=300)
@given(number=numbers(100) | numbers(int(HUGE)))
def test_the_ledger_has_every_rule_by_which_a_text_was_read(number: Decimal) -> None:
    plain, grouped = f"{number:f}", f"{number:,f}"
    event(f"thousands: {plain != grouped}")
    for text, rules in spellings(plain).items():
        assert read_as(text, HUGE) == (number, (Rule.TEXT, *rules))
    if plain != grouped:
        for text, rules in spellings(grouped).items():
            assert read_as(text, HUGE) == (number, (Rule.TEXT, *rules, Rule.THOUSANDS))


def meant_by(text: str) -> Fraction | None:
    """The number that a text can mean, by rules of its own; None where it means none."""
    bare = "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip()
    bare = bare.translate({**NARROW_SIGNS, **str.maketrans("。＋ｅＥ", ".+eE")})
    bare = bare.removesuffix("分").rstrip()
    whole, point, places = bare.partition(".")
    head, *groups = whole.lstrip("+-").split(",")
    if groups and not (1 <= len(head) <= 3 and all(len(group) == 3 for group in groups)):
        return None
    bare = whole.replace(",", "") + point + places
    if not set(bare) <= set("0123456789.+-eE"):
        return None
    try:
        return Fraction(Decimal(bare))
    except InvalidOperation:
        return None


LIKE_NUMBERS = st.text("0123456789.,%分０５９．，％。+-－eE_ \u3000\u200b٣५Ⅷ²½十九O", max_size=12)
WITH_A_SLIP = st.builds(
    lambda number, at, slip: f"{number:f}"[:at] + slip + f"{number:f}"[at:],
    numbers(1000),
    st.integers(0, 8),
    st.sampled_from(["", ".", ",", " ", "-", "O", "分", "%", "_", "e1", "０", "²", "/100"]),
)


@drawn(examples=2000)
@given(text=LIKE_NUMBERS | WITH_A_SLIP | st.text(max_size=8))
def test_a_text_is_the_number_that_it_says_or_none(text: str) -> None:
    value = CellRule(HUGE, Reading()).read(text).value
    event(f"read: {isinstance(value, Decimal)}")
    if isinstance(value, Decimal):
        assert Fraction(value) == meant_by(text)
    else:
        assert isinstance(value, Absent)
