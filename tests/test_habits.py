"""What offices do to sheets by habit: each is read as it is meant, or asked about."""

from pathlib import Path

import pytest
import xlsxwriter
from helpers import ROOT
from helpers.small import SMALL, Rows, write

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.findings import has_errors
from wuhu_appraisal.model import Absent

CHANGES = {
    "          tier: {members: {upper: Upper, lower: Lower}}\n": "          body: {open: true}\n"
    "          tier: {members: {upper: Upper, lower: Lower}}\n",
    'file: "work/{tier}", axes: [unit, indicator]': 'file: "work/{tier}/{unit}",'
    " axes: [body, indicator]",
    "          - {roll_up: tier, by: weighted": "          - {roll_up: body, by: mean,"
    " missing: error, not_applicable: exclude}\n          - {roll_up: tier, by: weighted",
}
HEAD = ["单位", "A", "B one", "B two"]
BODIES: Rows = [["甲镇", 50, 20, 10], ["乙镇", 40, 15, 5], ["丙镇", 30, 25, 15]]
BALLOT: Rows = [["单位", "得分"], ["甲市", 90], ["乙市", 80]]


def towns(folder: Path, rows: Rows) -> Result:
    """The run of a city with towns, of which one sheet is given."""
    text = SMALL.read_text(encoding="utf-8")
    for there, instead in CHANGES.items():
        assert there in text
        text = text.replace(there, instead)
    folder.mkdir(exist_ok=True)
    scheme = folder / "scheme.yaml"
    scheme.write_text(text, encoding="utf-8")
    write(folder / "in", {"work/upper/甲市": rows})
    return appraise(load_scheme(scheme), [folder / "in"])


def ballot(folder: Path, rows: Rows, name: str = "甲市") -> Result:
    write(folder, {f"vote/{name}": rows})
    return appraise(load_scheme(SMALL), [folder])


def bodies(run: Result) -> set[str]:
    return {key[1] for key, _value in run.traces["city"].stages["work"].scores.items()}


def codes(run: Result) -> set[str]:
    """The codes of the findings about the sheet itself; what did not come is no matter here."""
    absent = {"stage-missing", "stage-missing-unit", "scores-missing", "final-missing"}
    return {item.code for item in run.findings} - absent


@pytest.mark.parametrize("label", ["小计", "平均值", "最高分", "最低分", "得分率", "合计", "平均"])
def test_a_row_of_statistics_is_no_body(tmp_path: Path, label: str) -> None:
    run = towns(tmp_path, [HEAD, *BODIES, [label, 40, 20, 10]])
    assert bodies(run) == {"甲镇", "乙镇", "丙镇"}


@pytest.mark.parametrize("label", ["全区平均", "各镇合计", "乡镇最高分"])
def test_a_name_that_speaks_of_statistics_is_asked_about(tmp_path: Path, label: str) -> None:
    run = towns(tmp_path, [HEAD, *BODIES, [label, 40, 20, 10]])
    assert bodies(run) == {"甲镇", "乙镇", "丙镇"}
    assert "name-unknown" in codes(run)


def test_a_row_of_full_marks_is_no_body_and_is_held_against_the_scheme(tmp_path: Path) -> None:
    right = towns(tmp_path / "right", [HEAD, ["分值", 60, 25, 15], *BODIES])
    assert bodies(right) == {"甲镇", "乙镇", "丙镇"}
    assert codes(right) == set()
    wrong = towns(tmp_path / "wrong", [HEAD, ["分值", 50, 35, 15], *BODIES])
    assert codes(wrong) == {"marks-differ"}


def test_a_header_repeated_at_a_page_break_is_passed_over(tmp_path: Path) -> None:
    run = towns(tmp_path, [HEAD, *BODIES[:2], HEAD, *BODIES[2:]])
    assert bodies(run) == {"甲镇", "乙镇", "丙镇"}
    assert codes(run) == set()


def test_cells_that_look_blank_are_blank(tmp_path: Path) -> None:
    assert codes(ballot(tmp_path, [*BALLOT, ["", "  "], ["联系人:张三", "电话:123"]])) == set()


def test_a_deduction_that_a_formula_makes_of_a_blank_score_is_no_score(tmp_path: Path) -> None:
    path = tmp_path / "vote" / "甲市.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate(
            [["单位", "分值", "得分", "扣分"], ["甲市", 100, 90], ["乙市", 100, ""]]
        ):
            sheet.write_row(row, 0, cells)
        sheet.write_formula("D2", "=B2-C2", None, 10)
        sheet.write_formula("D3", "=B3-C3", None, 100)
    run = appraise(load_scheme(SMALL), [tmp_path])
    values = dict(run.traces["city"].stages["vote"].scores.items())
    assert values[("乙市", "甲市")] is Absent.MISSING
    assert "score-missing" in codes(run)


def test_a_deduction_beside_each_item_must_agree_with_its_score(tmp_path: Path) -> None:
    names: Rows = [["单位", "A", None, "B one", None, "B two", None]]
    kinds: Rows = [[None, *["得分", "扣分"] * 3]]
    right = towns(tmp_path / "right", [*names, *kinds, ["甲镇", 50, 10, 20, 5, 10, 5]])
    assert codes(right) == set()
    wrong = towns(tmp_path / "wrong", [*names, *kinds, ["甲镇", 50, 11, 20, 5, 10, 5]])
    assert "deduction-disagrees" in codes(wrong)


def test_a_total_beside_a_single_score_must_be_the_score(tmp_path: Path) -> None:
    run = ballot(tmp_path, [["单位", "得分", "总分"], ["甲市", 90, 90], ["乙市", 80, 60]])
    assert codes(run) == {"total-differs"}


def test_zeros_that_are_not_shown_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "vote" / "甲市.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.hide_zero()
        for row, cells in enumerate([["单位", "得分"], ["甲市", 90], ["乙市", 0]]):
            sheet.write_row(row, 0, cells)
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert "score-format-fixed" in codes(run)


def test_a_sheet_of_notes_beside_the_form_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "vote" / "甲市.xlsx"
    path.parent.mkdir(parents=True)
    with xlsxwriter.Workbook(path) as book:
        for rows in (BALLOT, [["填写说明"], ["请如实填写"]]):
            sheet = book.add_worksheet()
            for row, cells in enumerate(rows):
                sheet.write_row(row, 0, cells)
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert codes(run) == {"sheet-unrecognised"}
    assert not has_errors([item for item in run.findings if item.source.sheet == "Sheet2"])


@pytest.mark.parametrize(
    "label", ["得分(分)", "得分（满分100分）", "评分（百分制）", "得分/分", "得分*", "考评得分"]
)
def test_a_label_may_say_how_scores_are_given(tmp_path: Path, label: str) -> None:
    assert codes(ballot(tmp_path, [["单位", label], *BALLOT[1:]])) == set()


@pytest.mark.parametrize("name", ["甲市*", "(1)甲市", "1、甲市", "一、甲市"])
def test_a_name_may_bear_a_number_or_a_mark(tmp_path: Path, name: str) -> None:
    assert codes(ballot(tmp_path, [["单位", "得分"], [name, 90], ["乙市", 80]])) == set()


@pytest.mark.parametrize("name", ["甲市(1)", "甲市 - 副本", "甲市（2）"])
def test_the_mark_of_a_copy_is_no_part_of_a_files_name(tmp_path: Path, name: str) -> None:
    assert codes(ballot(tmp_path, BALLOT, name)) == set()


def test_a_sender_that_is_not_the_one_of_the_name_is_an_error(tmp_path: Path) -> None:
    assert codes(ballot(tmp_path, [["填报单位:乙市"], *BALLOT])) == {"sheet-disagrees"}


def test_the_examples_in_the_usual_folder_have_one_finding() -> None:
    run = appraise(load_scheme("wuhu-2020"), [ROOT / "examples" / "stage-files"])
    assert [item.code for item in run.findings] == ["spread-too-small"]
