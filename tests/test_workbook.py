"""The ranked workbook: what it holds, and that real spreadsheet programs open it."""

import json
import re
import shutil
import zipfile
from contextlib import chdir
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from helpers import EXAMPLES, STAGE_FILES, Appraise
from helpers.recalculation import header_row, opened, rows_of
from helpers.small import SHEETS, SMALL, Rows, write

from wuhu_appraisal.cli import main


@pytest.fixture(scope="module")
def made(wuhu_json: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("report")
    (folder / "appraisal.json").write_bytes(wuhu_json)
    command = ["report", "--result", "appraisal.json", "--format", "xlsx", "--lang", "zh"]
    with chdir(folder):
        result = CliRunner().invoke(main, [*command, "--out", "report.xlsx"])
    assert result.exit_code == 0, result.output
    return (folder / "report.xlsx").read_bytes()


@pytest.fixture
def report(made: bytes, results: Path) -> Path:
    """The workbook beside its result, in the test's own folder."""
    path = results / "wuhu-2020.xlsx"
    path.write_bytes(made)
    return path


def test_it_has_all_sheets_in_the_order_of_reading(report: Path) -> None:
    groups = ("县(市)区", "市直有关单位")
    stages = ("专业机构测评", "双向互评", "日常测评", "社会评议")
    assert opened(report).sheetnames == [
        "成绩总表",
        "环节得分",
        *(f"{stage} {group}" for stage in stages for group in groups),
        *(f"指标得分 {group}" for group in groups),
        "加分扣分",
        "图表",
        "口径与权重",
        "问题",
        "备注",
        "数据来源",
    ]


def test_a_scheme_of_one_group_needs_no_group_in_the_names_of_its_sheets(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    appraise_cli("compute", EXAMPLES / "sichuan-2011", "--scheme", "sichuan-2011")
    appraise_cli("report", "--scheme", "sichuan-2011")
    names = opened(tmp_path / "results" / "sichuan-2011.xlsx").sheetnames
    assert names[2:4] == ["Evaluation of online disclosure", "Scores by item"]


def test_its_numbers_are_those_of_the_result(report: Path) -> None:
    groups = json.loads(report.with_name("appraisal.json").read_text("utf-8"))["standings"]
    units = [unit for group in groups.values() for unit in group]
    rows = rows_of(opened(report).worksheets[0])
    assert len(rows) == len(units) == 54
    for row, unit in zip(rows, units, strict=True):
        assert (row["名次"], row["考评对象"]) == (unit["rank"], unit["unit"])
        assert Decimal(str(row["最后得分"])) == Decimal(unit["final"])
        assert Decimal(str(row["综合得分"])) == Decimal(unit["composite"])
        shown = [Decimal(str(value)) for value in list(row.values())[3:7]]
        assert shown == [Decimal(text) for text in unit["stages"].values()]


def test_from_the_scores_to_the_rank_every_number_is_a_formula(report: Path) -> None:
    book = opened(report, values=False)
    for sheet in book.worksheets[:2]:
        for row in rows_of(sheet):
            made = [value for name, value in row.items() if name not in ("组别", "考评对象")]
            filled = [value for value in made if value not in (None, "")]
            assert all(str(value).startswith("=") for value in filled), row


def test_formulas_use_only_functions_that_all_spreadsheet_programs_have(report: Path) -> None:
    shared = {
        *("IF", "ISNUMBER", "ROUND", "SIGN", "RANK", "SUM", "SUMPRODUCT", "COUNT", "AVERAGE"),
        *("MIN", "MAX", "MEDIAN", "LARGE", "SMALL", "INDEX", "MATCH", "SUMIF", "ISERROR", "EXACT"),
    }
    used = set()
    for sheet in opened(report, values=False).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    used |= set(re.findall(r"([A-Z][A-Z0-9.]*)\(", str(cell.value)))
    assert used
    assert used <= shared


def test_a_formula_points_at_the_rules_for_every_weight_and_digit(report: Path) -> None:
    """No weight and no mark stands in a formula as a number of its own."""
    for sheet in opened(report, values=False).worksheets[:10]:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                bare = re.sub(r"'[^']*'!|\$?[A-Z]{1,3}\$?\d+|1E-10|\"[^\"]*\"", "", str(cell.value))
                assert set(re.findall(r"\d+(?:\.\d+)?", bare)) <= {"0", "1"}, cell.value


def test_every_sheet_is_set_up_for_reading_and_for_a4_landscape(report: Path) -> None:
    for sheet in opened(report).worksheets:
        assert sheet.page_setup.orientation == "landscape"
        assert int(str(sheet.page_setup.paperSize)) == 9
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.oddFooter is not None
        footer = sheet.oddFooter.center
        assert footer is not None
        assert "&P" in str(footer.text)
        if sheet.title == "图表":
            continue
        top = header_row(sheet)
        assert f"${top}:${top}" in str(sheet.print_title_rows)
        assert str(sheet.freeze_panes).lstrip("ABCD") == str(top + 1)


def test_columns_are_wide_enough_for_chinese_names(report: Path) -> None:
    sheet = opened(report).worksheets[0]
    longest = max(2 * len(str(row["考评对象"])) for row in rows_of(sheet))
    assert sheet.column_dimensions["C"].width >= longest


def test_scores_show_the_digits_that_the_scheme_publishes(report: Path) -> None:
    sheet = opened(report).worksheets[0]
    cell = sheet.cell(header_row(sheet) + 1, len(sheet[header_row(sheet)]))
    assert cell.number_format == "0.00####"


def test_rules_adjustments_and_sources_are_all_in_it(report: Path, wuhu: Any) -> None:
    book = opened(report)
    rules = rows_of(book["口径与权重"])
    texts = {str(row["规则"]) for row in rules}
    assert {item.text.zh for item in wuhu.assumptions} <= texts
    numbers = {(row["部分"], str(row["规则"]).strip()): row["数值"] for row in rules}
    for found in wuhu.indicators:
        for _path, node in found.walk():
            assert numbers[found.title.zh, f"{node.id} {node.title.zh}"] == float(node.marks)
    files = {row["文件"] for row in rows_of(book["数据来源"])}
    assert len(files) == len(list(STAGE_FILES.rglob("*.xlsx")))
    assert sum(row["得分数"] for row in rows_of(book["数据来源"])) == 12175 + len(
        rows_of(book["加分扣分"])
    )
    records = rows_of(book["加分扣分"])
    assert records
    for record in records:
        assert all(record[name] for name in ("依据", "条款", "来源"))


def test_a_unit_leads_to_its_stages_and_a_row_of_scores_to_its_source(report: Path) -> None:
    book = opened(report, values=True)
    ranking, exact = book["成绩总表"], book["环节得分"]
    row = header_row(ranking) + 1
    link = ranking.cell(row, 3).hyperlink
    assert link is not None
    sheet, _bang, address = str(link.location).partition("!")
    assert sheet.strip("'") == exact.title
    assert exact[address.replace("$", "")].value == ranking.cell(row, 3).value
    scores = book["专业机构测评 市直有关单位"]
    last = scores.max_column
    link = scores.cell(header_row(scores) + 1, last).hyperlink
    assert link is not None
    sheet, _bang, address = str(link.location).partition("!")
    source = book[sheet.strip("'")][address.replace("$", "")].value
    assert str(source) in str(scores.cell(header_row(scores) + 1, last).value)


def test_charts_bars_and_colour_scales_are_the_spreadsheets_own(report: Path) -> None:
    with zipfile.ZipFile(report) as package:
        charts = [name for name in package.namelist() if name.startswith("xl/charts/chart")]
        sheets = [
            package.read(name).decode()
            for name in package.namelist()
            if name.startswith("xl/worksheets/sheet")
        ]
    assert len(charts) == 4
    assert sum("<dataBar" in text for text in sheets) == 1
    assert sum("<colorScale>" in text for text in sheets) == 2
    assert sum("<dataValidation " in text for text in sheets) == 1


def test_the_heat_map_of_one_sheet_units_is_their_scores(report: Path) -> None:
    """A municipal unit has one score an item: what it got of the marks is that score."""
    book = opened(report)
    scores = book["专业机构测评 市直有关单位"]
    heat = book["指标得分 市直有关单位"]
    titles = [str(cell.value) for cell in scores[header_row(scores)]][2:-1]
    read = {row["考评对象"]: [row[title] for title in titles] for row in rows_of(scores)}
    top = header_row(heat)
    for row in heat.iter_rows(min_row=top + 1, values_only=True):
        shown = row[1 : 1 + len(titles)]
        for value, score in zip(shown, read[row[0]], strict=True):
            assert value == score or value == pytest.approx(score)


def test_a_draft_says_so_on_every_sheet_and_a_final_report_nowhere(
    appraise_cli: Appraise, report: Path, tmp_path: Path
) -> None:
    for sheet in opened(report).worksheets:
        assert sheet["A2"].value == "送审稿"
        assert sheet.oddHeader is not None
        assert "送审稿" in str(sheet.oddHeader.center.text)
    appraise_cli("report", "--final", "--lang", "zh", "--out", "final.xlsx")
    with zipfile.ZipFile(tmp_path / "final.xlsx") as package:
        assert all("送审稿".encode() not in package.read(name) for name in package.namelist())


def test_a_provisional_workbook_says_on_every_sheet_what_is_missing(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    files = shutil.copytree(STAGE_FILES, tmp_path / "files")
    shutil.rmtree(files / "社会评议")
    appraise_cli("compute", files, "--provisional")
    assert appraise_cli("report").exit_code == 0
    for sheet in opened(tmp_path / "results" / "wuhu-2020.xlsx").worksheets:
        above = [str(sheet.cell(row, 1).value) for row in range(1, 9)]
        assert any(text.startswith("PROVISIONAL") for text in above)
        assert any("Public assessment" in text for text in above)
        assert "PROVISIONAL" in str(sheet.oddHeader.center.text)  # type: ignore[union-attr]
    refused = appraise_cli("report", "--final", "--out", "final.xlsx")
    assert refused.exit_code == 1
    assert "result-provisional" in refused.output
    assert not (tmp_path / "final.xlsx").exists()


def test_the_same_result_makes_the_same_bytes(appraise_cli: Appraise, report: Path) -> None:
    first = report.read_bytes()
    appraise_cli("report", "--lang", "zh", "--out", "again.xlsx")
    assert (report.parents[1] / "again.xlsx").read_bytes() == first


def test_nothing_is_left_beside_the_workbook(appraise_cli: Appraise, results: Path) -> None:
    assert appraise_cli("report").exit_code == 0
    assert {path.name for path in results.iterdir()} == {"appraisal.json", "wuhu-2020.xlsx"}


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
    assert not [c for c in cells if c.data_type == "f" and "cmd" in str(c.value)]
