"""What stands in a score's cell, case by case, and what must be read from it."""

import datetime
from collections.abc import Mapping
from typing import Any

from helpers.cell_sheets import (
    BLACK,
    MISSING,
    NO_BREAK,
    NOT_APPLICABLE,
    OFFICE,
    RED,
    STYLED,
    WHITE,
    WIDE,
    WORKBOOKS,
    XLSX,
    Case,
    Cell,
    Form,
    Page,
    Rows,
    both,
    score,
)
from wuhu_appraisal.model import Rule

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
        codes=("score-decimal-comma",),
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
