"""The ranked workbook: what it holds, and that real spreadsheet programs open it."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import STAGE_FILES, Appraise
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook
from test_intake import SHEETS, SMALL, Rows, write


@pytest.fixture
def report(appraise_cli: Appraise, tmp_path: Path) -> Path:
    appraise_cli("compute", STAGE_FILES)
    result = appraise_cli("report", "--format", "xlsx", "--lang", "zh")
    assert result.exit_code == 0, result.output
    return tmp_path / "results" / "wuhu-2020.xlsx"


def header_row(sheet: Worksheet) -> int:
    assert sheet.auto_filter.ref is not None
    return int("".join(char for char in sheet.auto_filter.ref.partition(":")[0] if char.isdigit()))


def rows_of(sheet: Worksheet) -> list[dict[str, Any]]:
    top = header_row(sheet)
    names = [str(cell.value) for cell in sheet[top]]
    return [
        dict(zip(names, values, strict=True))
        for values in sheet.iter_rows(min_row=top + 1, values_only=True)
    ]


def test_it_has_a_sheet_a_group_and_those_for_all_else(report: Path) -> None:
    assert openpyxl.load_workbook(report).sheetnames == [
        "县(市)区", "市直有关单位", "加扣分", "问题", "口径与权重", "口径说明", "数据来源",
    ]  # fmt: skip


def test_its_numbers_are_those_of_the_result(report: Path) -> None:
    groups = json.loads(report.with_name("appraisal.json").read_text("utf-8"))["groups"]
    book = openpyxl.load_workbook(report)
    for sheet, group in zip(book.worksheets, groups, strict=False):
        rows = rows_of(sheet)
        assert len(rows) == len(group["units"])
        for row, unit in zip(rows, group["units"], strict=True):
            assert (row["名次"], row["考评对象"]) == (unit["rank"], unit["unit"])
            assert Decimal(str(row["最后得分"])) == Decimal(unit["final"])
            assert Decimal(str(row["综合得分"])) == Decimal(unit["composite"])
            shown = [Decimal(str(value)) for value in list(row.values())[2:6]]
            assert shown == [Decimal(text) for text in unit["stages"].values()]


def test_every_sheet_is_set_up_for_reading_and_for_a4_landscape(report: Path) -> None:
    for sheet in openpyxl.load_workbook(report).worksheets:
        top = header_row(sheet)
        assert sheet.page_setup.orientation == "landscape"
        assert int(str(sheet.page_setup.paperSize)) == 9
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.print_title_rows == f"${top}:${top}"
        assert str(sheet.freeze_panes).lstrip("ABC") == str(top + 1)
        assert sheet.oddFooter is not None
        footer = sheet.oddFooter.center
        assert footer is not None
        assert "&P" in str(footer.text)


def test_columns_are_wide_enough_for_chinese_names(report: Path) -> None:
    sheet = openpyxl.load_workbook(report).worksheets[1]
    longest = max(2 * len(str(row["考评对象"])) for row in rows_of(sheet))
    assert sheet.column_dimensions["B"].width >= longest


def test_scores_show_the_digits_that_the_scheme_publishes(report: Path) -> None:
    sheet = openpyxl.load_workbook(report).worksheets[0]
    cell = sheet.cell(header_row(sheet) + 1, len(sheet[header_row(sheet)]))
    assert cell.number_format == "0.00"


def test_assumptions_adjustments_and_sources_are_all_in_it(report: Path, wuhu: Any) -> None:
    book = openpyxl.load_workbook(report)
    assert len(rows_of(book["口径说明"])) == len(wuhu.assumptions)
    assert len(rows_of(book["数据来源"])) == len(list(STAGE_FILES.rglob("*.xlsx")))
    records = rows_of(book["加扣分"])
    assert records
    for record in records:
        assert all(record[name] for name in ("原因", "依据", "条款", "来源") if name != "原因")


def test_text_from_sheets_never_becomes_a_formula(appraise_cli: Appraise, tmp_path: Path) -> None:
    rows: Rows = [["单位", "得分", "=cmd|' /C calc'!A0"], ["甲市", 90, 1], ["乙市", 80, 2]]
    write(tmp_path / "in", {**SHEETS, "vote/甲市": rows})
    book = openpyxl.load_workbook(tmp_path / "in" / "vote" / "甲市.xlsx")
    book.worksheets[0]["C1"].data_type = "s"
    book.save(tmp_path / "in" / "vote" / "甲市.xlsx")
    appraise_cli("compute", tmp_path / "in", "--scheme", SMALL)
    assert appraise_cli("report", "--scheme", SMALL).exit_code == 0
    written = openpyxl.load_workbook(tmp_path / "results" / "small.xlsx")
    cells = [cell for sheet in written for row in sheet.iter_rows() for cell in row]
    assert any("cmd|" in str(cell.value) for cell in cells)
    assert all(cell.data_type != "f" for cell in cells)


def test_libreoffice_opens_it_with_the_same_numbers(
    report: Path, convert: Callable[[Path, str], Path]
) -> None:
    ours = CalamineWorkbook.from_path(report)
    theirs = CalamineWorkbook.from_path(convert(report, "ods"))
    assert theirs.sheet_names == ours.sheet_names
    for name in ours.sheet_names:
        expected = ours.get_sheet_by_name(name).to_python(skip_empty_area=False)
        found = theirs.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for row, other in zip(expected, found, strict=False):
            numbers = [value for value in row if isinstance(value, float)]
            assert [value for value in other if isinstance(value, float)] == numbers
