"""Roll-ups, levels, bounds and ties by example, each worked out by hand."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from helpers.oracle import Cell
from helpers.stages import (
    INDICATOR,
    MARKS,
    WEIGHTS,
    D,
    Data,
    Scores,
    blocks,
    by_level,
    closing_with,
    load,
    members,
    of_unit,
    one_stage,
    over_rounds,
    ranked,
    result,
    roll_up,
    rounds_of,
    run,
    scheme_data,
    stage,
)


def test_two_rounds_weighing_15_and_25_make_a_stage_of_40(folder: Path) -> None:
    weights = {"1": 15, "2": 25}
    rounds = stage(
        [roll_up("round", "weighted", weights=weights)],
        {"round": members("1", "2")},
        name="rounds",
        weight=40,
    )
    scheme = load(folder, scheme_data(rounds, stage(name="rest", weight=60), units=["甲"]))
    found = run(
        scheme,
        {
            "rounds": blocks(["unit", "round"], rounds_of(80, 96), columns="round"),
            "rest": blocks(["unit"], {("甲",): 70}),
        },
    )
    assert found.stages["rounds"]["甲"] == 90
    assert found.composites["甲"] == Fraction(15 * 80 + 25 * 96 + 60 * 70, 100) == 78


def test_tiers_join_in_another_ratio_by_data_alone(folder: Path) -> None:
    found = one_stage(
        folder,
        [
            roll_up("body", "mean"),
            roll_up("tier", "weighted", weights={"upper": 6, "middle": 3, "lower": 1}),
        ],
        {"body": {"open": True}, "tier": members("upper", "middle", "lower")},
        {
            ("甲", "x", "upper"): 90,
            ("甲", "y", "middle"): 80,
            ("甲", "z", "middle"): 71,
            ("甲", "v", "lower"): 60,
        },
    )
    assert result(found) == Fraction(6 * 90 + 3 * Fraction(151, 2) + 60, 10)
    assert found.published["甲"] == "82.65"


def test_a_mean_of_bodies_in_tiers_is_not_the_mean_of_all_bodies(folder: Path) -> None:
    scores: Scores = {
        ("甲", "x", "upper"): 90,
        ("甲", "y", "lower"): 60,
        ("甲", "z", "lower"): 60,
    }
    dimensions = {"body": {"open": True}, "tier": members("upper", "lower")}
    steps = [roll_up("body", "mean"), roll_up("tier", "mean")]
    assert result(one_stage(folder, steps, dimensions, scores)) == 75


def test_weights_at_three_levels_multiply_down_to_the_leaf(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 100, "a12": 50, "a21": 80, "b11": 60})
    found = one_stage(folder, by_level("weighted"), INDICATOR, scores, **WEIGHTS)
    assert result(found) == Decimal("0.6") * (Decimal("0.5") * 60 + Decimal("0.5") * 80) + 24


def test_marks_at_three_levels_add_up(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 10, "a12": Decimal("22.5"), "a21": 7, "b11": 31})
    found = one_stage(folder, by_level("sum"), INDICATOR, scores, full_marks=None, **MARKS)
    assert result(found) == Decimal("70.5")


def test_a_line_left_out_is_made_up_for_at_its_own_level_of_weights(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 100, "a12": "/", "a21": 80, "b11": 60})
    steps = by_level("weighted", not_applicable="exclude")
    found = one_stage(folder, steps, INDICATOR, scores, **WEIGHTS)
    assert result(found) == Decimal("0.6") * 90 + Decimal("0.4") * 60


def test_a_line_left_out_is_made_up_for_at_its_own_level_of_marks(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 5, "a12": "/", "a21": 10, "b11": 40})
    by_levels = one_stage(
        folder,
        by_level("sum", not_applicable="exclude"),
        INDICATOR,
        scores,
        full_marks=None,
        **MARKS,
    )
    at_once = one_stage(
        folder,
        [roll_up("indicator", "sum", not_applicable="exclude")],
        INDICATOR,
        scores,
        full_marks=None,
        **MARKS,
    )
    assert result(by_levels) == 20 + 10 + 40
    assert result(at_once) == Fraction(5500, 70)


def test_a_branch_without_any_line_left_is_itself_left_out(folder: Path) -> None:
    scores = of_unit("甲", {"a11": "/", "a12": "/", "a21": 80, "b11": 60})
    steps = by_level("weighted", not_applicable="exclude")
    assert result(one_stage(folder, steps, INDICATOR, scores, **WEIGHTS)) == 48 + 24


@pytest.mark.parametrize(
    ("by", "more", "expected"),
    [
        ("mean", {}, Fraction(360, 5)),
        ("sum", {}, Fraction(360, 5)),
        ("weighted", {"weights": {"1": 1, "2": 2, "3": 3, "4": 4, "5": 10}}, Fraction(1050, 20)),
        ("median", {}, Fraction(80)),
        ("trimmed_mean", {"drop_high": 1, "drop_low": 1}, Fraction(240, 3)),
        ("trimmed_mean", {"drop_high": 2, "drop_low": 1}, Fraction(70 + 80, 2)),
        ("trimmed_mean", {"drop_low": 2}, Fraction(80 + 90 + 100, 3)),
        ("best", {"n": 2}, Fraction(95)),
        ("best", {"n": 9}, Fraction(72)),
        ("latest", {}, Fraction(20)),
    ],
)
def test_each_roll_up_of_90_70_100_80_20(
    folder: Path, by: str, more: Data, expected: Fraction
) -> None:
    assert result(over_rounds(folder, by, 90, 70, 100, 80, 20, **more)) == expected


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two(folder: Path) -> None:
    assert result(over_rounds(folder, "median", 10, 90, 81, 70)) == Fraction(151, 2)


def test_of_equal_highest_scores_a_trimmed_mean_drops_one(folder: Path) -> None:
    found = over_rounds(folder, "trimmed_mean", 90, 90, 60, drop_high=1, drop_low=0)
    assert result(found) == 75


def test_the_latest_is_the_last_that_is_there(folder: Path) -> None:
    assert result(over_rounds(folder, "latest", 90, 70, None, missing="exclude")) == 70


def test_the_latest_follows_the_declared_order_and_not_the_sheets(folder: Path) -> None:
    scores: Scores = {("甲", "2"): 60, ("甲", "1"): 90}
    steps = [roll_up("round", "latest")]
    assert result(one_stage(folder, steps, {"round": members("1", "2")}, scores)) == 60


def test_a_trimmed_mean_needs_one_score_more_than_it_drops(folder: Path) -> None:
    drops = {"drop_high": 1, "drop_low": 1}
    found = over_rounds(folder, "trimmed_mean", 90, 80, "/", not_applicable="exclude", **drops)
    assert result(found) is None
    assert "scores-too-few" in found.errors


def test_a_trimmed_mean_of_too_few_bodies_is_a_finding_and_no_crash(folder: Path) -> None:
    found = one_stage(
        folder,
        [roll_up("body", "trimmed_mean", drop_high=1, drop_low=1)],
        {"body": {"open": True}},
        {("甲", "x"): 90, ("甲", "y"): 80},
    )
    assert result(found) is None
    assert "scores-too-few" in found.errors


def test_grades_become_the_scores_that_the_scheme_gives_them(folder: Path) -> None:
    found = one_stage(
        folder,
        [{"convert": {"优秀": 95, "良好": 82.5, "一般": 60}}, roll_up("round", "mean")],
        {"round": members("1", "2", "3")},
        rounds_of("优秀", "一般", "良好"),
    )
    assert result(found) == Fraction(475, 6)
    assert found.published["甲"] == "79.17"


def test_an_absent_grade_keeps_its_policy(folder: Path) -> None:
    found = one_stage(
        folder,
        [{"convert": {"优秀": 95, "一般": 60}}, roll_up("round", "mean", missing="exclude")],
        {"round": members("1", "2")},
        rounds_of("优秀", None),
    )
    assert result(found) == 95


def test_scores_out_of_46_are_brought_to_100(folder: Path) -> None:
    found = one_stage(folder, [{"rescale": 100, "from": 46}], {}, {("甲",): 37}, full_marks=46)
    assert result(found) == Fraction(3700, 46)
    assert found.published["甲"] == "80.43"


def test_some_items_of_a_set_are_brought_to_100_from_their_own_marks(folder: Path) -> None:
    dimensions = {"indicator": {"indicators": "content", "items": ["a11", "b11"]}}
    found = one_stage(
        folder,
        [roll_up("indicator", "sum"), {"rescale": 100}],
        dimensions,
        of_unit("甲", {"a11": 10, "b11": 20}),
        full_marks=None,
        **MARKS,
    )
    assert result(found) == 60


@pytest.mark.parametrize(
    ("policy", "cell", "expected", "code"),
    [
        ("error", None, Fraction(85), "score-missing"),
        ("error", "/", Fraction(85), "score-not-applicable"),
        ("exclude", None, Fraction(85), None),
        ("exclude", "/", Fraction(85), None),
        ("zero", None, Fraction(170, 3), None),
        ("zero", "/", Fraction(170, 3), None),
    ],
)
def test_each_policy_for_an_absent_score(
    folder: Path, policy: str, cell: Cell, expected: Fraction, code: str | None
) -> None:
    name = "missing" if cell is None else "not_applicable"
    found = over_rounds(folder, "mean", 90, cell, 80, **{name: policy})
    assert result(found) == expected
    assert found.errors == ([] if code is None else [code])


def test_a_sum_with_a_score_left_out_is_made_up_to_the_whole(folder: Path) -> None:
    assert result(over_rounds(folder, "sum", 90, "/", 60, not_applicable="exclude")) == 75


def test_weights_of_the_rest_are_made_up_to_the_whole(folder: Path) -> None:
    weights = {"1": 7, "2": 2, "3": 1}
    found = over_rounds(folder, "weighted", 90, "/", 50, weights=weights, not_applicable="exclude")
    assert result(found) == 85


def test_a_member_whose_sheet_never_came_is_missing_and_not_zero(folder: Path) -> None:
    data = scheme_data(
        stage([roll_up("round", "mean")], {"round": members("1", "2")}), units=["甲"]
    )
    found = run(load(folder, data), {"work": blocks(["unit", "round"], {("甲", "1"): 90})})
    assert result(found) == 90
    assert found.errors == ["scores-missing"]


@pytest.mark.parametrize(
    ("composite", "points", "more", "expected"),
    [
        (D(80), [D(3), D(4)], {}, "87.00"),
        (D(80), [D(3), D(4)], {"own_cap": 5}, "85.00"),
        (D(80), [D(-3), D(-4)], {"own_cap": 5}, "75.00"),
        (D(80), [D(8), D(-1)], {"own_cap": 5}, "84.00"),
        (D(80), [D(8), D(-1)], {"adjusting": {"cap": 6}}, "86.00"),
        (D(80), [D(-8), D(1)], {"adjusting": {"floor": -6, "cap": 6}}, "74.00"),
        (D(80), [D(8), D(-1)], {"adjusting": {"bonus_cap": 6}}, "85.00"),
        (D(80), [D(8), D(-3)], {"own_cap": 7, "adjusting": {"bonus_cap": 6, "cap": 2}}, "82.00"),
        (D(80), [D(4), D(4), D(-1)], {"adjusting": {"bonus_cap": 6}}, "85.00"),
        (D(80), [D(-8)], {"adjusting": {"bonus_cap": 6}}, "72.00"),
        (D(3), [D(-8)], {"final": {"digits": 2, "rounding": "half_up", "floor": 0}}, "0.00"),
        (D(3), [D(-8)], {}, "-5.00"),
        (D(98), [D(8)], {"final": {"digits": 2, "rounding": "half_up", "cap": 100}}, "100.00"),
        (D(98), [D(8)], {}, "106.00"),
    ],
)
def test_caps_and_floors_bind_where_they_are_declared(
    folder: Path, composite: Decimal, points: list[Decimal], more: Data, expected: str
) -> None:
    assert closing_with(folder, composite, *points, **more).published == {"甲": expected}


TIED = {"甲": (60, 80), "乙": (80, 60), "丙": (80, 80), "丁": (60, 80)}


def test_equal_finals_share_a_rank_where_no_tie_break_is_declared(folder: Path) -> None:
    assert ranked(folder, TIED) == {"甲": 1, "乙": 1, "丙": 1, "丁": 1}


def test_equal_finals_are_told_apart_by_the_composite(folder: Path) -> None:
    found = ranked(folder, TIED, {"by": "composite"})
    assert found == {"丙": 1, "甲": 2, "乙": 2, "丁": 2}


def test_what_the_composite_leaves_equal_is_told_apart_by_a_stage_else_shared(
    folder: Path,
) -> None:
    found = ranked(folder, TIED, {"by": "composite"}, {"by": "stage", "stage": "s1"})
    assert found == {"丙": 1, "甲": 2, "丁": 2, "乙": 4}


def test_the_first_tie_break_binds_before_the_second(folder: Path) -> None:
    found = ranked(folder, TIED, {"by": "stage", "stage": "s1"}, {"by": "composite"})
    assert found == {"丙": 1, "甲": 2, "丁": 2, "乙": 4}
    found = ranked(folder, TIED, {"by": "stage", "stage": "s0"}, {"by": "stage", "stage": "s1"})
    assert found == {"丙": 1, "乙": 2, "甲": 3, "丁": 3}


def test_finals_that_differ_beyond_the_published_digits_share_a_rank(folder: Path) -> None:
    data = scheme_data(stage(), units=["甲", "乙", "丙"])
    scores: Scores = {("甲",): D("87.341"), ("乙",): D("87.344"), ("丙",): D("87.345")}
    found = run(load(folder, data), {"work": blocks(["unit"], scores)})
    assert found.published == {"甲": "87.34", "乙": "87.34", "丙": "87.35"}
    assert found.ranks == {"丙": 1, "甲": 2, "乙": 2}
