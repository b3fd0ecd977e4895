"""Sheets of one unit with its items in rows, and what sheets state of their own scores."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.small import (
    MARKS,
    NO_REASON,
    OURS,
    PLAIN,
    SHEETS,
    Rows,
    Sheets,
    found_at,
    judged,
    of_items,
    of_one_unit,
    only,
    place,
    put,
)

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.model import Absent, RemarkKind, Rule, Score

RATERS_ACROSS = ('file: "vote/{rater}", axes: [unit]', "file: vote, axes: [unit, rater]")
DISTRICTS = ("- {name: 乙市}\n", "- {name: 乙市}\n      - {name: 丙市}\n      - {name: 丁市}\n")
UNITS_DOWN = SHEETS["work/upper"]


def scores(run: Result) -> list[Score]:
    """The scores of the sheet of one unit, in the order of its items."""
    found = dict(run.traces["city"].stages["work"].scores.items())
    return [found["甲市", "upper", item] for item in ("a", "b1", "b2")]


FULL = tuple(MARKS.values())
ALL_COLUMNS = ("指标", "分值", "得分", "扣分", "扣分原因")


# --- scores and deductions ------------------------------------------------------------------------


def test_items_run_down_with_a_score_beside_each(tmp_path: Path) -> None:
    run = of_one_unit(tmp_path, PLAIN)
    assert run.findings == []
    assert (list(run.ledger), list(run.remarks)) == ([], [])
    assert scores(run) == [50, 20, 10]


def test_a_deduction_alone_is_taken_from_the_full_marks_and_stands_in_the_ledger(
    tmp_path: Path,
) -> None:
    rows = of_items(("指标", "分值", "扣分", "扣分原因"), FULL, (10, 5.5, 0), NO_REASON)
    run = of_one_unit(tmp_path, rows)
    assert run.findings == []
    assert scores(run) == [50, Decimal("19.5"), 15]
    assert [(e.source.cell, e.raw, e.value, e.rules) for e in run.ledger] == [
        ("C2", "10", "50", (Rule.DEDUCTION,)),
        ("C3", "5.5", "19.5", (Rule.DEDUCTION,)),
        ("C4", "0", "15", (Rule.DEDUCTION,)),
    ]


def test_a_deduction_written_as_text_is_read_by_every_rule_that_it_takes(tmp_path: Path) -> None:
    run = of_one_unit(tmp_path, of_items(("指标", "扣分"), ("10分", " 5 ", "１．５")))
    assert run.findings == []
    assert scores(run) == [50, 20, Decimal("13.5")]
    assert [entry.rules for entry in run.ledger] == [
        (Rule.TEXT, Rule.WORD, Rule.DEDUCTION),
        (Rule.TEXT, Rule.DEDUCTION),
        (Rule.TEXT, Rule.FULL_WIDTH, Rule.DEDUCTION),
    ]


@pytest.mark.parametrize(
    ("deduction", "code"),
    [
        (61, "score-over-marks"),
        (-1, "score-below-zero"),
        (None, "score-missing"),
        ("严重", "score-not-number"),
    ],
)
def test_a_deduction_alone_that_cannot_be_taken_leaves_no_score(
    tmp_path: Path, deduction: object, code: str
) -> None:
    run = of_one_unit(tmp_path, of_items(("指标", "扣分"), (deduction, 5, 5)))
    assert found_at(run, code) == [f"{OURS}.xlsx B2"]
    assert scores(run) == [Absent.MISSING, 20, 10]
    assert run.provisional


def test_a_score_and_a_deduction_that_agree_are_one_score(tmp_path: Path) -> None:
    run = of_one_unit(tmp_path, of_items(ALL_COLUMNS, FULL, (50, 20, 15), (10, 5, 0), NO_REASON))
    assert run.findings == []
    assert list(run.ledger) == []
    assert scores(run) == [50, 20, 15]


def test_a_score_without_its_deduction_counts_and_so_does_a_deduction_without_its_score(
    tmp_path: Path,
) -> None:
    rows = of_items(("指标", "得分", "扣分"), (50, None, 15), (None, 5, None))
    run = of_one_unit(tmp_path, rows)
    assert run.findings == []
    assert scores(run) == [50, 20, 15]
    assert [(e.source.cell, e.raw, e.rules) for e in run.ledger] == [("B3", "5", (Rule.DEDUCTION,))]


def test_a_score_and_a_deduction_that_disagree_are_an_error_and_neither_counts(
    tmp_path: Path,
) -> None:
    run = of_one_unit(tmp_path, of_items(("指标", "得分", "扣分"), (50, 20, 15), (9, 5, 0)))
    assert found_at(run, "deduction-disagrees") == [f"{OURS}.xlsx C2"]
    said = next(item for item in run.findings if item.code == "deduction-disagrees").message
    assert "score 50" in said
    assert "deduction 9" in said
    assert "marks of 60" in said
    assert scores(run) == [Absent.MISSING, 20, 15]
    assert run.provisional


@pytest.mark.parametrize("deduction", [-10, "-10", "－１０分"])
def test_a_deduction_below_zero_beside_a_score_is_the_same_deduction(
    tmp_path: Path, deduction: object
) -> None:
    run = of_one_unit(
        tmp_path, of_items(("指标", "得分", "扣分"), (50, 20, 15), (deduction, -5, 0))
    )
    assert run.findings == []
    assert scores(run) == [50, 20, 15]


def test_a_deduction_below_zero_is_held_against_the_score_too(tmp_path: Path) -> None:
    run = of_one_unit(tmp_path, of_items(("指标", "得分", "扣分"), (50, 20, 15), (-9, -5, 0)))
    assert found_at(run, "deduction-disagrees") == [f"{OURS}.xlsx C2"]


# --- full marks and reasons -----------------------------------------------------------------------


@pytest.mark.parametrize("stated", [50, "50", "50分"])
def test_full_marks_that_are_not_the_schemes_are_an_error(tmp_path: Path, stated: object) -> None:
    rows = of_items(("指标", "分值", "得分"), (stated, 25, 15), (50, 20, 10))
    item = only(of_one_unit(tmp_path, rows))
    assert (item.code, place(item)) == ("marks-differ", f"{OURS}.xlsx B2")
    assert "50" in item.message
    assert "60" in item.message


def test_full_marks_in_the_header_that_are_not_the_schemes_are_an_error(tmp_path: Path) -> None:
    header = ["单位", "A(50分)", "B one（25分）", "2.B two"]
    rows: Rows = [header, *UNITS_DOWN[1:]]
    item = only(judged(tmp_path, {**SHEETS, "work/upper": rows}))
    assert (item.code, place(item)) == ("marks-differ", "work/upper.xlsx B1")


def test_other_full_marks_are_a_warning_where_the_scheme_says_so(tmp_path: Path) -> None:
    lenient = ("stages:\n", "reading: {severities: {marks-differ: warning}}\nstages:\n")
    rows = of_items(("指标", "分值", "得分"), (50, 25, 15), (50, 20, 10))
    run = of_one_unit(tmp_path, rows, lenient)
    assert only(run).code == "marks-differ"
    assert not run.provisional
    assert scores(run) == [50, 20, 10]


def test_reasons_and_notes_are_kept_beside_the_scores_that_they_are_for(tmp_path: Path) -> None:
    reasons = ("未公开预算", None, " 解读\n过少 ")
    run = of_one_unit(tmp_path, of_items(ALL_COLUMNS, FULL, (50, 20, 15), (10, 5, 0), reasons))
    assert run.findings == []
    assert [(r.kind, r.source.cell, r.text) for r in run.remarks] == [
        (RemarkKind.REASON, "C2", "未公开预算"),
        (RemarkKind.REASON, "C4", "解读\n过少"),
    ]


def test_a_reason_beside_a_deduction_alone_is_kept(tmp_path: Path) -> None:
    rows = of_items(("指标", "扣分", "扣分原因"), (10, 0, 0), ("未公开预算", None, None))
    run = of_one_unit(tmp_path, rows)
    assert [(r.kind, r.source.cell, r.text) for r in run.remarks] == [
        (RemarkKind.REASON, "B2", "未公开预算")
    ]


def test_two_columns_of_deductions_are_an_error(tmp_path: Path) -> None:
    rows = of_items(("指标", "得分", "扣分", "失分"), (50, 20, 15), (10, 5, 0), (9, 5, 0))
    run = of_one_unit(tmp_path, rows)
    assert found_at(run, "column-ambiguous") == [f"{OURS}.xlsx D1"]


# --- totals ---------------------------------------------------------------------------------------


def with_total(total: Any, *points: float) -> Rows:
    return [*of_items(("指标", "得分"), points or (50, 20, 10)), ["合计", total]]


@pytest.mark.parametrize("total", [80, 80.0, "80", None, "见附件"])
def test_a_right_total_below_is_no_finding(tmp_path: Path, total: object) -> None:
    assert of_one_unit(tmp_path, with_total(total)).findings == []


@pytest.mark.parametrize("total", [81, 80.1, 79.99, "81"])
def test_a_wrong_total_below_is_said_with_the_right_one(tmp_path: Path, total: object) -> None:
    item = only(of_one_unit(tmp_path, with_total(total)))
    assert (item.code, place(item)) == ("total-differs", f"{OURS}.xlsx B5")
    assert f"is {total}" in item.message
    assert "add up to 80" in item.message


@pytest.mark.parametrize(
    ("shown_as", "holds", "points", "right"),
    [
        ("0.0", 95.567, (55.567, 25, 15), True),
        ("0.0", 95.567, (55.64, 25, 15), True),
        ("0.0", 95.567, (55.65, 25, 15), False),
        ("0.0", 95.567, (55.54, 25, 15), False),
        ("0", 95.567, (56.4, 25, 15), True),
        ("0", 95.567, (56.5, 25, 15), False),
        ("0.00", 95.567, (55.57, 25, 15), True),
        ("0.00", 95.567, (55.56, 25, 15), False),
        ("General", 95.567, (55.57, 25, 15), False),
    ],
)
def test_a_total_is_held_against_the_scores_to_the_digits_that_it_shows(
    tmp_path: Path, shown_as: str, holds: float, points: tuple[float, ...], right: bool
) -> None:
    change = put("B5", holds, shown_as)
    run = of_one_unit(tmp_path, with_total(holds, *points), change=change)
    assert found_at(run, "total-differs") == ([] if right else [f"{OURS}.xlsx B5"])


@pytest.mark.parametrize("form", ["xls", "ods"])
def test_the_digits_that_a_total_shows_are_known_in_every_format(
    tmp_path: Path, saved: Callable[[Path, str], bytes], form: str
) -> None:
    change = put("B5", 95.567, "0.0")
    of_one_unit(tmp_path, with_total(95.567, 55.64, 25, 15), change=change)
    path = tmp_path / "in" / f"{OURS}.xlsx"
    made = saved(path, f"total.{form}")
    path.unlink()
    path.with_suffix(f".{form}").write_bytes(made)
    assert appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"]).findings == []


def test_a_total_of_deductions_is_one_of_deductions(tmp_path: Path) -> None:
    rows = of_items(("指标", "分值", "扣分"), FULL, (10, 5, 0))
    assert of_one_unit(tmp_path, [*rows, ["合计", 100, 15]]).findings == []


def test_totals_of_marks_scores_and_deductions_may_stand_side_by_side(tmp_path: Path) -> None:
    rows = of_items(ALL_COLUMNS, FULL, (50, 20, 15), (10, 5, 0), NO_REASON)
    assert of_one_unit(tmp_path, [*rows, ["合计", 100, 85, 15, None]]).findings == []


def units_down(*beside: Sequence[Any], below: Sequence[Any] = ()) -> Sheets:
    """Items across and units down, with further columns, and a row below."""
    rows = [[*row, *(column[at] for column in beside)] for at, row in enumerate(UNITS_DOWN)]
    return {**SHEETS, "work/upper": [*rows, *([below] if below else [])]}


def test_right_totals_and_ranks_beside_units_are_no_finding(tmp_path: Path) -> None:
    sheets = units_down(("合计", 80, 100), ("排名", 2, 1))
    assert judged(tmp_path, sheets).findings == []


def test_a_wrong_total_beside_a_unit_is_said(tmp_path: Path) -> None:
    item = only(judged(tmp_path, units_down(("总分", 80, 99))))
    assert (item.code, place(item)) == ("total-differs", "work/upper.xlsx E3")
    assert "乙市" in item.message


def test_a_total_of_units_below_their_items_is_no_matter(tmp_path: Path) -> None:
    assert judged(tmp_path, units_down(below=["合计", 110, 45, 25])).findings == []


def test_units_across_have_their_totals_below_and_a_wrong_one_is_said(tmp_path: Path) -> None:
    rows: Rows = [
        ["指标", "甲市", "乙市"],
        ["A", 50, 60],
        ["B one", 20, 25],
        ["B two", 10, 15],
        ["合计", 80, 101],
    ]
    item = only(judged(tmp_path, {**SHEETS, "work/upper": rows}))
    assert (item.code, place(item)) == ("total-differs", "work/upper.xlsx C5")


# --- averages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "right"), [(85, True), (85.0, True), (84, False), (85.01, False)]
)
def test_an_average_below_a_column_is_held_against_its_scores(
    tmp_path: Path, stated: float, right: bool
) -> None:
    rows: Rows = [*SHEETS["vote/甲市"], ["平均分", stated]]
    run = judged(tmp_path, {**SHEETS, "vote/甲市": rows})
    assert found_at(run, "average-differs") == ([] if right else ["vote/甲市.xlsx B4"])
    assert len(run.findings) == (not right)


def raters_across(*averages: float, below: Sequence[Any] = ()) -> Sheets:
    rows: Rows = [
        ["单位", "甲市", "乙市", "平均"],
        ["甲市", 90, 85.5, averages[0]],
        ["乙市", 80, 95, averages[1]],
        *([below] if below else []),
    ]
    sheets = {name: rows for name, rows in SHEETS.items() if name.startswith("work")}
    return {"vote": rows, **sheets}


def test_right_averages_beside_and_below_are_no_finding(tmp_path: Path) -> None:
    sheets = raters_across(87.75, 87.5, below=["平均", 85, 90.25])
    assert judged(tmp_path, sheets, RATERS_ACROSS).findings == []


def test_a_wrong_average_beside_a_row_is_said(tmp_path: Path) -> None:
    item = only(judged(tmp_path, raters_across(87.75, 87.6), RATERS_ACROSS))
    assert (item.code, place(item)) == ("average-differs", "vote.xlsx D3")
    assert "is 87.6" in item.message
    assert "its scores is 87.5" in item.message


def test_a_wrong_average_below_a_column_of_several_is_said(tmp_path: Path) -> None:
    sheets = raters_across(87.75, 87.5, below=["平均", 85, 91])
    item = only(judged(tmp_path, sheets, RATERS_ACROSS))
    assert (item.code, place(item)) == ("average-differs", "vote.xlsx C4")


@pytest.mark.parametrize(
    ("shown_as", "holds", "right"),
    [
        ("0.0", 87.75, True),
        ("0.0", 87.8, True),
        ("0", 88.4, True),
        ("0.0", 87.7, False),
        ("General", 87.8, True),
        ("General", 87.76, False),
        ("General", 87.750000000000014, True),
    ],
)
def test_an_average_is_held_against_the_scores_to_the_digits_that_it_shows(
    tmp_path: Path, shown_as: str, holds: float, right: bool
) -> None:
    change = put("D2", holds, shown_as)
    run = judged(tmp_path, raters_across(holds, 87.5), RATERS_ACROSS, change=change)
    assert found_at(run, "average-differs") == ([] if right else ["vote.xlsx D2"])


def test_an_average_of_thirds_is_right_to_its_last_digit(tmp_path: Path) -> None:
    units: Rows = [["单位", "得分"], ["甲市", 90], ["乙市", 80], ["丙市", 80]]
    three: Rows = [*units, ["平均", 250 / 3]]
    run = judged(tmp_path, {**SHEETS, "vote/甲市": three}, DISTRICTS)
    assert found_at(run, "average-differs") == []
    wrong: Rows = [*units, ["平均", 83.33334]]
    run = judged(tmp_path, {"vote/甲市": wrong}, DISTRICTS)
    assert found_at(run, "average-differs") == ["vote/甲市.xlsx B5"]


# --- ranks ----------------------------------------------------------------------------------------


def ranked(folder: Path, points: Sequence[Any], ranks: Sequence[Any]) -> list[str]:
    """Where a ballot on four units states a wrong rank."""
    names = ("甲市", "乙市", "丙市", "丁市")
    rows: Rows = [["单位", "得分", "排名"], *zip(names, points, ranks, strict=True)]
    return found_at(judged(folder, {**SHEETS, "vote/甲市": rows}, DISTRICTS), "rank-differs")


@pytest.mark.parametrize(
    ("points", "ranks"),
    [
        ((90, 80, 70, 60), (1, 2, 3, 4)),
        ((60, 90, 80, 70), (4, 1, 2, 3)),
        ((90, 80, 80, 60), (1, 2, 2, 4)),
        ((90, 90, 90, 90), (1, 1, 1, 1)),
        ((80.05, 80.1, 80, 80.049), (2, 1, 4, 3)),
        ((90, 80, 70, 60), (None, 2, None, 4)),
        ((90, 80, 70, 60), ("一", "二", "三", "四")),
        ((90, None, 70, 60), (1, None, 2, 3)),
    ],
)
def test_right_ranks_are_no_finding(
    tmp_path: Path, points: Sequence[Any], ranks: Sequence[Any]
) -> None:
    assert ranked(tmp_path, points, ranks) == []


def test_wrong_ranks_are_said_with_the_right_ones(tmp_path: Path) -> None:
    wrong = ranked(tmp_path, (90, 80, 80, 60), (1, 2, 3, 5))
    assert wrong == ["vote/甲市.xlsx C4", "vote/甲市.xlsx C5"]


def test_a_wrong_rank_by_totals_names_the_unit_and_both_ranks(tmp_path: Path) -> None:
    items = [
        item
        for item in judged(tmp_path, units_down(("名次", 1, 2))).findings
        if item.code == "rank-differs"
    ]
    assert [place(item) for item in items] == ["work/upper.xlsx E2", "work/upper.xlsx E3"]
    assert "甲市" in items[0].message
    assert "is 1" in items[0].message
    assert "give rank 2" in items[0].message


def test_what_a_sheet_states_of_its_scores_changes_none_of_them(tmp_path: Path) -> None:
    wrong = units_down(("合计", 1, 2), ("排名", 1, 2), ("平均", 1, 2))
    run = judged(tmp_path, wrong)
    assert {item.code for item in run.findings} == {
        "total-differs",
        "average-differs",
        "rank-differs",
    }
    assert not run.provisional
    assert [str(item.final) for item in run.standings["city"]] == ["94.46", "84.36"]


@pytest.mark.parametrize(
    ("code", "sheets"),
    [
        ("total-differs", units_down(("合计", 80, 99))),
        ("average-differs", units_down(("平均", 1, 2))),
        ("rank-differs", units_down(("排名", 1, 2))),
    ],
)
def test_what_a_sheet_states_wrongly_is_an_error_where_the_scheme_says_so(
    tmp_path: Path, code: str, sheets: Sheets
) -> None:
    strict = ("stages:\n", f"reading: {{severities: {{{code}: error}}}}\nstages:\n")
    run = judged(tmp_path, sheets, strict)
    assert {item.code for item in run.findings} == {code}
    assert run.provisional
