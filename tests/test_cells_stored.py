"""Cells as spreadsheet programs store them, where no writer of the tests does."""

import datetime
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from helpers.cell_cases import FORMULAS, JUDGED
from helpers.cell_sheets import WHITE, Cell, Form, Page
from helpers.cells import Books, Rules, _replaced, by_openpyxl, edited
from helpers.office import assert_saved_alike
from helpers.small import SHEETS, SMALL, computed, found_at, put, write
from openpyxl.styles import Color, Font, NamedStyle
from openpyxl.worksheet.worksheet import Worksheet

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.model import Rule
from wuhu_appraisal.workbooks.cell import Fault
from wuhu_appraisal.workbooks.open import read_sheets

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


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods"])
def test_libreoffice_saves_all_cells_as_they_are_committed(
    books: Books, convert: Callable[[Path, str], Path], ending: str
) -> None:
    [path] = books.paths(Form.OPENPYXL)
    assert_saved_alike(f"cells.{ending}", convert(path, ending).read_bytes())


def in_a_named_style(sheet: Worksheet) -> None:
    book = sheet.parent
    assert isinstance(book, openpyxl.Workbook)
    book.add_named_style(NamedStyle("弃用", font=Font(strike=True, color=WHITE)))
    sheet["B3"].style = "弃用"


@pytest.mark.parametrize("form", ["xlsx", "xls", "ods"])
def test_a_style_with_a_name_is_looked_into(
    tmp_path: Path, saved: Callable[[Path, str], bytes], form: str
) -> None:
    folder = tmp_path / "in"
    computed(folder, in_a_named_style)
    path = folder / "vote" / "甲市.xlsx"
    made = saved(path, f"named-style.{form}")
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
