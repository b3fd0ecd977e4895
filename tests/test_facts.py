"""What a fast reader leaves out of a workbook does not get past: whoever wrote the workbook."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from helpers.small import SHEETS, SMALL, computed, found_at, put, write
from openpyxl.worksheet.worksheet import Worksheet

from wuhu_appraisal import Result, appraise, load_scheme


def by_xlsxwriter(folder: Path, fill: Callable[[Any, Any], object]) -> Result:
    write(folder, SHEETS)
    book = xlsxwriter.Workbook(folder / "vote" / "甲市.xlsx")
    page = book.add_worksheet()
    for row, cells in enumerate(SHEETS["vote/甲市"]):
        page.write_row(row, 0, cells)
    fill(book, page)
    book.close()
    return appraise(load_scheme(SMALL), [folder])


@pytest.mark.parametrize("name", ["#DIV/0!", "#REF!", "#N/A", "#VALUE!"])
def test_an_error_in_a_cell_is_an_error_with_its_name(tmp_path: Path, name: str) -> None:
    run = computed(tmp_path, put("B3", name))
    assert found_at(run, "score-is-error") == ["vote/甲市.xlsx B3"]
    assert name in next(i.message for i in run.findings if i.code == "score-is-error")


def test_an_error_that_a_formula_came_to_is_an_error_with_its_name(tmp_path: Path) -> None:
    run = by_xlsxwriter(
        tmp_path, lambda book, page: page.write_formula("B3", "=1/0", None, "#DIV/0!")
    )
    assert found_at(run, "score-is-error") == ["vote/甲市.xlsx B3"]


def test_a_formula_without_a_stored_value_is_an_error(tmp_path: Path) -> None:
    run = computed(tmp_path, put("B3", "=40+40"))
    assert found_at(run, "formula-without-value") == ["vote/甲市.xlsx B3"]
    assert run.provisional


def test_a_formula_with_a_stored_value_is_read(tmp_path: Path) -> None:
    run = by_xlsxwriter(tmp_path, lambda book, page: page.write_formula("B3", "=40+40", None, 80))
    assert run.findings == []
    assert str(run.standings["city"][0].final) == "94.46"


@pytest.mark.parametrize("shown_as", ["0%", "0.00%", '0.0"约"%'])
def test_a_score_shown_as_a_percentage_is_an_error_that_names_the_stored_value(
    tmp_path: Path, shown_as: str
) -> None:
    run = computed(tmp_path, put("B3", 0.8, shown_as))
    assert found_at(run, "score-is-percent") == ["vote/甲市.xlsx B3"]
    assert "0.8" in next(i.message for i in run.findings if i.code == "score-is-percent")


def test_a_percentage_beside_the_scores_is_no_matter(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        put("C1", "备注")(sheet)
        put("C3", 0.8, "0%")(sheet)

    assert computed(tmp_path, change).findings == []


def test_hidden_rows_columns_and_sheets_are_read_and_named(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["B"].hidden = True

    run = computed(tmp_path, change)
    assert sorted(item.code for item in run.findings) == ["columns-hidden", "rows-hidden"]
    messages = " ".join(item.message for item in run.findings)
    assert "rows were read: 3" in messages
    assert "columns were read: B" in messages
    assert str(run.standings["city"][0].final) == "94.46"


def test_a_hidden_sheet_is_read_and_named(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote" / "甲市.xlsx"
    book = openpyxl.load_workbook(path)
    book.worksheets[0].sheet_state = "veryHidden"
    book.create_sheet("empty")
    book.active = 1
    book.save(path)
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert [item.code for item in run.findings] == ["sheet-very-hidden"]


def test_a_stray_cell_at_the_end_of_the_sheet_is_a_finding_and_no_crash(tmp_path: Path) -> None:
    run = computed(tmp_path, put("XFD1048576", "x"))
    assert found_at(run, "sheet-too-large") == ["vote/甲市.xlsx"]


def test_a_million_formatted_rows_cost_nothing(tmp_path: Path) -> None:
    def fill(book: Any, page: Any) -> None:
        bold = book.add_format({"bold": True})
        page.write_blank(1_048_575, 16_383, None, bold)
        page.set_row(1_048_000, 20, bold)

    run = by_xlsxwriter(tmp_path, fill)
    assert run.findings == []


def test_a_damaged_reference_is_a_finding_and_no_crash(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote" / "甲市.xlsx"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'r="B3"', b'r="ZZZZZZZZ99999999999999"')
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert run.provisional
    assert "vote/甲市.xlsx" in {item.source.file for item in run.findings}


@pytest.mark.parametrize("form", ["xlsx", "xls", "ods"])
def test_what_libreoffice_saves_is_judged_alike_in_every_format(
    tmp_path: Path, saved: Callable[[Path, str], bytes], form: str
) -> None:
    write(tmp_path / "in", SHEETS)
    path = tmp_path / "in" / "vote" / "甲市.xlsx"
    book = openpyxl.load_workbook(path)
    put("B2", 0.9, "0%")(book.worksheets[0])
    put("B3", "=1/0")(book.worksheets[0])
    book.worksheets[0].row_dimensions[3].hidden = True
    book.save(path)
    made = saved(path, f"percent-and-error.{form}")
    path.unlink()
    path.with_suffix(f".{form}").write_bytes(made)
    run = appraise(load_scheme(SMALL), [tmp_path / "in"])
    assert found_at(run, "score-is-percent") == [f"vote/甲市.{form} B2"]
    assert found_at(run, "score-is-error") == [f"vote/甲市.{form} B3"]
    assert "#DIV/0!" in next(i.message for i in run.findings if i.code == "score-is-error")
    assert found_at(run, "rows-hidden") == [f"vote/甲市.{form}"]


@pytest.mark.parametrize("form", ["xlsx", "xls", "ods"])
def test_a_file_cut_off_is_a_finding_wherever_the_cut_is(
    tmp_path: Path, saved: Callable[[Path, str], bytes], form: str
) -> None:
    write(tmp_path / "in", SHEETS)
    path = tmp_path / "in" / "vote" / "甲市.xlsx"
    whole = saved(path, f"ballot.{form}")
    path.unlink()
    for share in range(1, 20):
        path.with_suffix(f".{form}").write_bytes(whole[: len(whole) * share // 20])
        run = appraise(load_scheme(SMALL), [tmp_path / "in"])
        # What can still be read of it must be read right; all else must be said.
        right = [str(item.final) for item in run.standings["city"]] == ["94.46", "84.36"]
        assert run.provisional or right, share


def test_a_sheet_whose_xml_has_prefixes_and_another_order_is_looked_into_all_the_same(
    tmp_path: Path,
) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote" / "甲市.xlsx"
    book = openpyxl.load_workbook(path)
    put("B2", 0.9, "0%")(book.worksheets[0])
    put("B3", "=1/0")(book.worksheets[0])
    book.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    xml = re.sub(rb"<(/?)(\w+)", rb"<\1x:\2", parts[sheet])
    xml = re.sub(rb'<x:c r="(\w+)" s="(\d+)"', rb'<x:c s="\2" r="\1"', xml)
    parts[sheet] = xml.replace(b"xmlns=", b"xmlns:x=")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert found_at(run, "score-is-percent") == ["vote/甲市.xlsx B2"]
    assert found_at(run, "formula-without-value") == ["vote/甲市.xlsx B3"]
