"""Rows that vanish, appear, or add up others: each is told with its place, and none is lost."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from helpers import STAGE_FILES
from helpers.small import ADJUSTMENT, ONE_UNIT, SHEETS, SMALL, Rows, judged, write
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.table import Table

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.read.rows import Rows as Lines
from wuhu_appraisal.scheme.rules import Reading
from wuhu_appraisal.workbooks.cell import Range, Sheet

OPEN = (
    (
        "          tier: {members: {upper: Upper, lower: Lower}}\n",
        "          body: {open: true}\n          tier: {members: {upper: Upper, lower: Lower}}\n",
    ),
    (
        'file: "work/{tier}", axes: [unit, indicator]',
        'file: "work/{tier}/{unit}", axes: [body, indicator]',
    ),
    (
        "          - {roll_up: tier, by: weighted",
        "          - {roll_up: body, by: mean, missing: error, not_applicable: exclude}\n"
        "          - {roll_up: tier, by: weighted",
    ),
)
HEAD = ["序号", "单位", "A", "B one", "B two"]
TOWNS: Rows = [
    [1, "甲镇", 50, 20, 10],
    [2, "乙镇", 40, 15.5, 5],
    [3, "丙镇", 31, 25, 14.5],
    [4, "丁镇", 42, 18, 9],
]
MEAN = [40.75, 19.63, 9.63]
SUM = [163, 78.5, 38.5]
OURS = "work/upper/甲市"


def towns(folder: Path, rows: Rows, head: Sequence[str] = HEAD, **changes: Any) -> Result:
    """The small appraisal with the scores of towns, one sheet of them as given."""
    right = [HEAD, *TOWNS]
    places = [f"work/{tier}/{unit}" for tier in ("upper", "lower") for unit in ("甲市", "乙市")]
    votes = {name: rows for name, rows in SHEETS.items() if name.startswith("vote")}
    sheets = {OURS: [head, *rows], **dict.fromkeys(places[1:], right), **votes}
    return judged(folder, sheets, *OPEN, **changes)


def bodies(run: Result) -> list[str]:
    """The towns that count in the sheet as given."""
    scores = run.traces["city"].stages["work"].scores
    place = scores.dimensions.index("body")
    keys = [key for key, _value in scores.items() if "甲市" in key and "upper" in key]
    return list(dict.fromkeys(key[place] for key in keys))


def said(run: Result) -> list[tuple[str, str]]:
    return [(item.code, item.source.cell) for item in run.findings]


NAMES = ["甲镇", "乙镇", "丙镇", "丁镇"]


def test_a_right_list_has_no_finding(tmp_path: Path) -> None:
    run = towns(tmp_path, TOWNS)
    assert said(run) == [] and bodies(run) == NAMES


# --- totals in open lists ---------------------------------------------------------------------------

ADDED = [*["合计", "汇总", "小计", "总体", "Total"], "合 计"]
MEANT = ["平均", "均分", "平均值", "汇总", "总体", "Average", "TOTAL"]


@pytest.mark.parametrize(
    ("word", "numbers"), [*((word, SUM) for word in ADDED), *((word, MEAN) for word in MEANT)]
)
def test_a_row_that_is_called_a_total_and_is_one_is_passed_over(
    tmp_path: Path, word: str, numbers: list[float]
) -> None:
    run = towns(tmp_path, [*TOWNS, [None, word, *numbers]])
    assert said(run) == [] and bodies(run) == NAMES


@pytest.mark.parametrize("word", ["合计", "汇总", "小计", "Total", "平均"])
def test_a_numbered_row_that_is_called_a_total_and_is_none_is_asked_about(
    tmp_path: Path, word: str
) -> None:
    rows = [list(row) for row in TOWNS]
    rows[2][1] = word
    run = towns(tmp_path, rows)
    assert said(run) == [("row-total-unsure", "B4")]
    assert bodies(run) == ["甲镇", "乙镇", "丁镇"]


@pytest.mark.parametrize("word", ["合计", "汇总", "小计", "Total", "总体"])
def test_without_running_numbers_a_total_must_add_up_the_others(tmp_path: Path, word: str) -> None:
    rows = [row[1:] for row in TOWNS]
    rows[3] = [word, *rows[3][1:]]
    run = towns(tmp_path, rows, HEAD[1:])
    assert said(run) == [("row-total-unsure", "A5")]


def test_a_total_that_is_wrong_in_one_column_is_a_total_that_differs(tmp_path: Path) -> None:
    run = towns(tmp_path, [*TOWNS, [None, "汇总", 40.75, 19.63, 11]])
    assert said(run) == [("average-differs", "E6")]
    assert bodies(run) == NAMES


def test_a_mean_may_be_rounded_half_up_or_half_to_even(tmp_path: Path) -> None:
    for folder, mean in (("up", 19.63), ("even", 19.62)):
        run = towns(tmp_path / folder, [*TOWNS, [None, "平均", 40.75, mean, 9.63]])
        assert said(run) == []


def test_a_total_of_a_part_is_that_of_the_rows_since_the_last(tmp_path: Path) -> None:
    parts: Rows = [
        *TOWNS[:2],
        [None, "小计", 90, 35.5, 15],
        *TOWNS[2:],
        [None, "小计", 73, 43, 23.5],
    ]
    run = towns(tmp_path, [*parts, [None, "合计", *SUM]])
    assert said(run) == [] and bodies(run) == NAMES


def test_the_highest_and_the_lowest_scores_are_no_entries(tmp_path: Path) -> None:
    statistics: Rows = [
        [None, "最高分", 50, 25, 14.5],
        [None, "最低分", 31, 15.5, 5],
        [None, "得分率", 1],
    ]
    run = towns(tmp_path, [*TOWNS, *statistics])
    assert said(run) == [] and bodies(run) == NAMES


@pytest.mark.parametrize("numbers", [SUM, MEAN, [1, 2, 3]], ids=["sum", "mean", "other"])
def test_a_row_without_the_running_number_that_all_others_have_is_asked_about(
    tmp_path: Path, numbers: list[float]
) -> None:
    run = towns(tmp_path, [*TOWNS, [None, "全市", *numbers]])
    assert ("row-total-unsure", "B6") in said(run)
    assert bodies(run) == NAMES


def test_a_row_is_asked_about_that_is_the_mean_of_the_others_by_another_name(
    tmp_path: Path,
) -> None:
    run = towns(tmp_path, [*(row[1:] for row in TOWNS), ["全市", *MEAN]], HEAD[1:])
    assert said(run) == [("row-total-unsure", "A6")]
    assert bodies(run) == NAMES


def test_a_numbered_entry_with_the_mean_scores_of_the_others_counts(tmp_path: Path) -> None:
    run = towns(tmp_path, [*TOWNS, [5, "戊镇", 40.75, 19.63, 9.63]])
    assert bodies(run) == [*NAMES, "戊镇"]
    assert said(run) == []


def test_entries_with_equal_scores_all_count(tmp_path: Path) -> None:
    equal = [[name, 60, 25, 15] for name in NAMES]
    run = towns(tmp_path, equal, HEAD[1:])
    assert said(run) == [] and bodies(run) == NAMES


def test_an_entry_whose_running_number_was_lost_counts(tmp_path: Path) -> None:
    rows = [list(row) for row in TOWNS]
    rows[1][0] = None
    run = towns(tmp_path, rows)
    assert said(run) == [] and bodies(run) == NAMES


def test_an_office_whose_name_holds_the_word_for_a_total_is_an_entry(tmp_path: Path) -> None:
    run = towns(tmp_path, [*TOWNS, [5, "综合计划科", 30, 20, 10]])
    assert said(run) == [] and bodies(run) == [*NAMES, "综合计划科"]


@pytest.mark.parametrize("name", ["汇总", "全市"])
def test_the_row_of_totals_of_a_table_is_no_entry(tmp_path: Path, name: str) -> None:
    def change(sheet: Any) -> None:
        sheet.append([None if name == "汇总" else 5, name, *MEAN])
        table = Table(displayName="scores", ref="A1:E6", totalsRowCount=1)
        table._initialise_columns()  # type: ignore[attr-defined]
        for column, title in zip(table.tableColumns, HEAD, strict=True):
            column.name = title
        sheet.add_table(table)

    run = towns(tmp_path, TOWNS, change=change)
    assert said(run) == ([] if name == "汇总" else [("row-total-unsure", "B6")])
    assert bodies(run) == NAMES


@pytest.mark.parametrize("value", [0, 40.75], ids=["not calculated", "calculated"])
@pytest.mark.parametrize(
    ("number", "name"), [("=ROW()-1", "全市"), (5, "全市"), ("=ROW()-1", "汇总")]
)
def test_a_row_of_formulas_over_the_others_is_no_entry(
    tmp_path: Path, number: Any, name: str, value: float
) -> None:
    towns(tmp_path, TOWNS)
    path = tmp_path / "in" / f"{OURS}.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([HEAD, *TOWNS, [number, name]]):
            for column, cell in enumerate(row):
                if str(cell).startswith("="):
                    sheet.write_formula(at, column, str(cell), None, 5)
                else:
                    sheet.write(at, column, cell)
        for letter, mean in zip("CDE", MEAN, strict=True):
            sheet.write_formula(
                f"{letter}6", f"=AVERAGE({letter}2:{letter}5)", None, value and mean
            )
    if not value:
        openpyxl.load_workbook(path).save(path)
    run = appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])
    assert bodies(run) == NAMES
    assert said(run) == ([] if name == "汇总" else [("row-total-unsure", "B6")])


# --- running numbers ------------------------------------------------------------------------------


def test_a_deleted_row_of_an_open_list_is_told(tmp_path: Path) -> None:
    run = towns(tmp_path, [*TOWNS[:1], *TOWNS[2:]])
    assert said(run) == [("row-number-missing", "A3")]


def test_a_deleted_first_row_is_told(tmp_path: Path) -> None:
    assert said(towns(tmp_path, TOWNS[1:])) == [("row-number-missing", "A2")]


def test_a_row_that_was_emptied_but_for_its_number_is_told(tmp_path: Path) -> None:
    run = towns(tmp_path, [*TOWNS[:1], [2], *TOWNS[2:], [5], [6]])
    assert said(run) == [("row-number-missing", "A4")]


def test_a_copied_row_is_one_finding_whether_or_not_its_name_was_changed(tmp_path: Path) -> None:
    run = towns(tmp_path / "a", [*TOWNS[:3], TOWNS[2], *TOWNS[3:]])
    assert [code for code, _cell in said(run)] == ["name-twice"]
    run = towns(tmp_path / "b", [*TOWNS[:3], [3, "戊镇", 40, 20, 10], *TOWNS[3:]])
    assert said(run) == [("row-number-twice", "A5")]


def test_a_deleted_row_of_a_list_of_units_is_one_finding_whatever_the_policy(
    tmp_path: Path,
) -> None:
    vote: Rows = [["序号", "单位", "得分"], [2, "乙市", 80]]
    run = judged(tmp_path / "a", {**SHEETS, "vote/甲市": vote})
    assert [item.code for item in run.findings] == ["scores-missing"]
    lenient = ("rater, by: mean, missing: error", "rater, by: mean, missing: exclude")
    run = judged(tmp_path / "b", {**SHEETS, "vote/甲市": vote}, lenient)
    assert said(run) == [("row-number-missing", "A2")]


def numbered(cells: Sequence[Any], merged: Sequence[Range] = ()) -> list[Finding]:
    """What is said of a column of running numbers, every row of which has an entry."""
    rows = [["序号", "名称"], *([cell, f"n{at}"] for at, cell in enumerate(cells))]
    sheet = Sheet("f", "s", rows, merged=list(merged))
    return list(
        Lines(Reading(), sheet, {0: "序号", 1: "名称"}, [1]).check_numbers(range(1, len(rows)))
    )


WAYS: dict[str, Callable[[int], Any]] = {
    "numbers": lambda n: float(n),
    "texts": str,
    "with a point": lambda n: f"{n}.",
    "with a comma": lambda n: f"{n}、",
    "in brackets": lambda n: f"（{n}）",
    "two digits": lambda n: f"{n:02}",
    "Chinese": lambda n: (
        "零一二三四五六七八九十"[n] if n < 11 else "十" + "零一二三四五六七八九"[n - 10]
    ),
    "circled": lambda n: chr(0x2460 + n - 1),
}


@pytest.mark.parametrize("way", WAYS)
def test_running_numbers_are_understood_as_people_write_them(way: str) -> None:
    cells = [WAYS[way](n) for n in range(1, 13)]
    assert numbered(cells) == []
    del cells[6]
    assert [item.code for item in numbered(cells)] == ["row-number-missing"]


@pytest.mark.parametrize(
    "cells",
    [
        [1, 2, 3, 1, 2, 1, 2, 3, 4],
        [9, 10, 11, 12],
        [3, 1, 2, 4],
        ["一", 1, 2, 3, "二", 1, 2],
        [1, 2, 3, None, 2, 1, 3],
        [101, 205, 310, 402],
        [1.1, 1.2, 2.1],
        ["A1", "A2", "A7"],
        [1, None, None, 2, None, 3],
        [None, None, None],
        [1],
        [1, 2, None, 4],
        [],
    ],
    ids=str,
)
def test_numbers_that_do_not_run_from_1_say_nothing_of_rows(cells: list[Any]) -> None:
    assert numbered(cells) == []


@given(
    sizes=st.lists(st.integers(2, 12), min_size=1, max_size=4),
    data=st.data(),
)
def test_of_numbered_blocks_every_deleted_inner_row_is_told_once(
    sizes: list[int], data: st.DataObject
) -> None:
    cells = [number for size in sizes for number in range(1, size + 1)]
    assert numbered(cells) == []
    inner = [at for at in range(1, len(cells) - 1) if cells[at] > 1 and cells[at + 1] > 1]
    if inner:
        at = data.draw(st.sampled_from(inner))
        [item] = numbered(cells[:at] + cells[at + 1 :])
        assert (item.code, item.source.cell) == ("row-number-missing", f"A{at + 2}")


# --- records --------------------------------------------------------------------------------------

RECORDS: Rows = [
    ["序号", "单位", "扣分", "原因", "依据"],
    [1, "甲市", 2, "a", "x"],
    [2, "乙市", 1.5, "b", "x"],
    [3, "甲市", 0.5, "c", "x"],
]


def faults(folder: Path, rows: Rows) -> Result:
    (folder / "scheme.yaml").write_text(
        SMALL.read_text(encoding="utf-8") + ADJUSTMENT + "    requires: [reason]\n",
        encoding="utf-8",
    )
    write(folder / "in", {**SHEETS, "faults": rows})
    return appraise(load_scheme(folder / "scheme.yaml"), [folder / "in"])


def points(run: Result) -> list[float]:
    return [float(item.points or 0) for item in sorted(run.standings["city"], key=lambda s: s.unit)]


@pytest.mark.parametrize("word", ["合计", "总分", "备注", "说明", "汇总", "填表人", "小计", "无"])
def test_a_numbered_record_under_a_word_is_told(tmp_path: Path, word: str) -> None:
    rows = [list(row) for row in RECORDS]
    rows[2][1] = word
    run = faults(tmp_path, rows)
    assert [cell for _code, cell in said(run)] == ["B3"]


@pytest.mark.parametrize("word", ["合计", "备注", "说明", "汇总"])
def test_a_record_under_a_word_is_told_without_running_numbers(tmp_path: Path, word: str) -> None:
    rows = [list(row[1:]) for row in RECORDS]
    rows[2][0] = word
    run = faults(tmp_path, rows)
    assert [cell for _code, cell in said(run)] == ["A3"]


def test_a_record_without_a_name_is_told(tmp_path: Path) -> None:
    rows = [list(row) for row in RECORDS]
    rows[2][1] = None
    assert said(faults(tmp_path, rows)) == [("row-without-name", "B3")]
    rows[2] = [None, None, 1.5, "合计", "说明:x"]
    assert said(faults(tmp_path, rows)) == [("row-without-name", "B3")]


def test_a_deleted_record_is_told(tmp_path: Path) -> None:
    run = faults(tmp_path, [*RECORDS[:2], *RECORDS[3:]])
    assert said(run) == [("row-number-missing", "A3")]
    run = faults(tmp_path, [RECORDS[0], *RECORDS[2:]])
    assert said(run) == [("row-number-missing", "A2")]


def test_a_copied_record_is_one_finding(tmp_path: Path) -> None:
    run = faults(tmp_path, [*RECORDS[:3], RECORDS[2], *RECORDS[3:]])
    assert [code for code, _cell in said(run)] == ["adjustment-twice"]
    run = faults(tmp_path, [*RECORDS[:3], [2, "乙市", 1, "d", "x"], *RECORDS[3:]])
    assert said(run) == [("row-number-twice", "A4")]


@pytest.mark.parametrize("total", [4, None, "3条", 3])
def test_a_total_of_records_is_passed_over_and_held_against_them(
    tmp_path: Path, total: Any
) -> None:
    right = faults(tmp_path, [*RECORDS, [None, "合计", total], ["填表人:", None, None, "审核人:"]])
    assert said(right) == [] and points(right) == [-1.5, -2.5]
    wrong = faults(tmp_path, [*RECORDS, ["合计", None, 5]])
    assert said(wrong) == [("total-differs", "C5")]


def test_blank_numbered_rows_and_a_row_that_says_none_are_no_records(tmp_path: Path) -> None:
    assert said(faults(tmp_path, [*RECORDS, [4], [5], [6]])) == []
    assert said(faults(tmp_path, [RECORDS[0], [1, "无"]])) == []


# --- the same members in two stages ----------------------------------------------------------------


def changed_towns(folder: Path, change: Any, tier: str = "社会评议") -> list[Finding]:
    """What the example is found to have after a change in one county's sheet of townships."""
    shutil.copytree(STAGE_FILES, folder / "in")
    path = folder / "in" / tier / "县市区" / "镜湖区.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book["乡镇(街道)"]
    for area in list(sheet.merged_cells.ranges):
        if area.min_row > 4:
            sheet.unmerge_cells(str(area))
    change(sheet)
    book.save(path)
    run = appraise(load_scheme("wuhu-2020"), [folder / "in"])
    return [item for item in run.findings if item.code != "spread-too-small"]


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["社会评议", "专业机构测评"])
def test_a_township_that_one_stage_lacks_is_named_with_its_sheet(
    tmp_path: Path, stage: str
) -> None:
    [item] = changed_towns(tmp_path, lambda sheet: sheet.delete_rows(7), stage)
    assert (item.code, item.params["name"]) == ("member-not-here", "丙镇")
    assert item.source.file == f"{stage}/县市区/镜湖区.xlsx"


@pytest.mark.slow
def test_a_township_under_another_name_is_one_finding_that_suggests_the_first(
    tmp_path: Path,
) -> None:
    def change(sheet: Any) -> None:
        sheet["B7"] = "丙开发区"

    [item] = changed_towns(tmp_path, change)
    assert (item.code, item.params["suggestion"]) == ("name-not-there", "丙镇")
    assert item.source.cell == "C7"


# --- statements about indicators with weights -----------------------------------------------------

WEIGHTS = (
    ("{id: a, title: A, marks: 60}", "{id: a, title: A, weight: 60}"),
    ("        marks: 40\n", "        weight: 40\n"),
    ("marks: 25}", "weight: 60}"),
    ("marks: 15}", "weight: 40}"),
    (
        "{roll_up: indicator, by: sum, missing: error, not_applicable: exclude}",
        "{roll_up: indicator, by: weighted, to: 1, missing: error, not_applicable: exclude}\n"
        "          - {roll_up: indicator, by: weighted, missing: error, not_applicable: exclude}",
    ),
    (
        "          indicator: {indicators: content}\n",
        "          indicator: {indicators: content}\n",
    ),
    (
        "        forms:\n          - {id: sheet",
        "        full_marks: 100\n        forms:\n          - {id: sheet",
    ),
)
WEIGHTED: Rows = [
    ["单位", "A", "B one", "B two", "总分", "平均分", "名次"],
    ["甲市", 80, 90, 70, 80.8, 80, 2],
    ["乙市", 90, 85, 95, 89.6, 89.6, 1],
]


def test_totals_averages_and_ranks_of_weighted_items_are_held_against_the_scores(
    tmp_path: Path,
) -> None:
    lower = [row[:4] for row in WEIGHTED]
    votes = {name: rows for name, rows in SHEETS.items() if name.startswith("vote")}
    right = judged(tmp_path / "a", {"work/upper": WEIGHTED, "work/lower": lower, **votes}, *WEIGHTS)
    assert said(right) == []
    rows = [list(row) for row in WEIGHTED]
    rows[1][4:], rows[2][6] = [82, 77, 1], 2
    wrong = judged(tmp_path / "b", {"work/upper": rows, "work/lower": lower, **votes}, *WEIGHTS)
    assert said(wrong) == [
        ("total-differs", "E2"),
        ("average-differs", "F2"),
        ("rank-differs", "G2"),
        ("rank-differs", "G3"),
    ]


@pytest.mark.parametrize(("total", "codes"), [(80.8, []), (80, ["total-differs"])])
def test_a_total_below_weighted_items_is_their_weighted_mean(
    tmp_path: Path, total: float, codes: list[str]
) -> None:
    items: Rows = [["指标", "得分"], ["A", 80], ["B one", 90], ["B two", 70]]
    others = [f"work/{tier}/{unit}" for tier in ("upper", "lower") for unit in ("甲市", "乙市")]
    votes = {name: rows for name, rows in SHEETS.items() if name.startswith("vote")}
    sheets = {OURS: [*items, ["合计", total]], **dict.fromkeys(others[1:], items), **votes}
    run = judged(tmp_path, sheets, ONE_UNIT, *WEIGHTS)
    assert [item.code for item in run.findings] == codes
