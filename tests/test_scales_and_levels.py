"""Schemes whose numbers would not mean what they say are refused, others keep their scale."""

from fractions import Fraction
from pathlib import Path

import pytest
from helpers.drawn_stages import ADJUSTMENTS
from helpers.stages import (
    INDICATOR,
    MARKS,
    WEIGHTS,
    Data,
    Scores,
    blocks,
    by_level,
    codes,
    content,
    line,
    load,
    members,
    of_unit,
    one_stage,
    result,
    roll_up,
    rounds_of,
    run,
    scheme_data,
    stage,
)

# --- scales and levels: a scheme whose numbers would not mean what it says ------------------------


def test_stopping_at_the_level_that_the_scores_have_joins_nothing(folder: Path) -> None:
    """Either such a step is refused when the scheme loads, or it changes no number."""
    scores = of_unit("甲", {"a11": 100, "a12": 0, "a21": 0, "b11": 0})
    steps = [roll_up("indicator", "weighted", to=3), *by_level("weighted")]
    data = scheme_data(stage(steps, INDICATOR), units=["甲"], **WEIGHTS)
    if not codes(folder, data):
        assert result(one_stage(folder, steps, INDICATOR, scores, **WEIGHTS)) == 6


def test_weights_of_several_levels_are_not_joined_by_one_step_that_names_the_lowest(
    folder: Path,
) -> None:
    steps = [roll_up("indicator", "weighted", to=3)]
    assert codes(folder, scheme_data(stage(steps, INDICATOR), units=["甲"], **WEIGHTS))


def test_full_marks_of_some_items_are_the_same_in_one_step_or_by_levels(folder: Path) -> None:
    dimensions = {"indicator": {"indicators": "content", "items": ["a11", "b11"]}}
    scores = of_unit("甲", {"a11": 10, "b11": 40})
    for steps in ([roll_up("indicator", "sum")], by_level("sum")):
        found = one_stage(
            folder,
            [*steps, {"rescale": 100}],
            dimensions,
            scores,
            full_marks=None,
            **MARKS,
        )
        assert result(found) == 100


def test_an_item_left_out_of_some_is_made_up_by_the_marks_of_those_alone(folder: Path) -> None:
    dimensions = {"indicator": {"indicators": "content", "items": ["a11", "a21", "b11"]}}
    found = one_stage(
        folder,
        [
            roll_up("indicator", "sum", to=2),
            roll_up("indicator", "sum", not_applicable="exclude"),
            {"rescale": 100},
        ],
        dimensions,
        of_unit("甲", {"a11": "/", "a21": 20, "b11": 20}),
        full_marks=None,
        **MARKS,
    )
    assert result(found) == Fraction(4000, 60)


def test_a_sum_by_levels_of_items_with_one_full_mark_keeps_full_scores_full(
    folder: Path,
) -> None:
    scores = of_unit("甲", dict.fromkeys(("a11", "a12", "a21", "b11"), 25))
    steps = [*by_level("sum"), {"rescale": 100}]
    data = scheme_data(stage(steps, INDICATOR, full_marks=25), units=["甲"], **WEIGHTS)
    if not codes(folder, data):
        found = one_stage(folder, steps, INDICATOR, scores, full_marks=25, **WEIGHTS)
        assert result(found) == 100


def test_a_sum_of_items_with_one_full_mark_is_made_up_by_their_number(folder: Path) -> None:
    steps = [roll_up("indicator", "sum", not_applicable="exclude")]
    data = scheme_data(stage(steps, INDICATOR, full_marks=25), units=["甲"], **MARKS)
    if not codes(folder, data):
        scores = of_unit("甲", {"a11": 25, "a12": 25, "a21": 25, "b11": "/"})
        found = one_stage(folder, steps, INDICATOR, scores, full_marks=25, **MARKS)
        assert result(found) == 100


def test_full_marks_in_every_item_and_round_make_100_after_any_order_of_sums(
    folder: Path,
) -> None:
    dimensions = {"round": members("1", "2"), **INDICATOR}
    marks = {"a11": 10, "a12": 30, "a21": 20, "b11": 40}
    scores: Scores = {("甲", number, item): most for number in "12" for item, most in marks.items()}
    sums = [roll_up("round", "sum"), roll_up("indicator", "sum")]
    for steps in ([*sums, {"rescale": 100}], [*reversed(sums), {"rescale": 100}]):
        data = scheme_data(stage(steps, dimensions, full_marks=None), units=["甲"], **MARKS)
        if not codes(folder, data):
            found = one_stage(folder, steps, dimensions, scores, full_marks=None, **MARKS)
            assert result(found) == 100


def test_a_scale_of_nothing_is_refused_when_the_scheme_loads(folder: Path) -> None:
    dimensions = {
        "round": members("1", "2"),
        "indicator": {"indicators": "content", "items": ["b11"]},
    }
    steps = [roll_up("round", "sum"), {"rescale": 100}, roll_up("indicator", "mean")]
    data = scheme_data(stage(steps, dimensions, full_marks=None), units=["甲"], **MARKS)
    if not codes(folder, data):
        scores: Scores = {("甲", "1", "b11"): 40, ("甲", "2", "b11"): 20}
        found = one_stage(folder, steps, dimensions, scores, full_marks=None, **MARKS)
        assert result(found) == 75


def test_grades_are_converted_before_they_are_rescaled(folder: Path) -> None:
    """A rescaling of grades is refused when the scheme loads."""
    steps: list[Data] = [
        {"rescale": 50},
        {"convert": {"优秀": 50}},
        roll_up("round", "mean"),
        {"rescale": 100},
    ]
    assert codes(folder, scheme_data(stage(steps, {"round": members("1")}), units=["甲"]))


def test_two_lists_of_grades_in_one_plan_are_refused(folder: Path) -> None:
    steps: list[Data] = [
        {"convert": {"优秀": 95}},
        {"convert": {"良好": 80}},
        roll_up("round", "mean"),
    ]
    assert codes(folder, scheme_data(stage(steps, {"round": members("1")}), units=["甲"]))


def test_a_grade_worth_more_than_its_items_marks_is_refused(folder: Path) -> None:
    steps = [{"convert": {"优秀": 95}}, roll_up("indicator", "sum")]
    data = scheme_data(stage(steps, INDICATOR, full_marks=None), units=["甲"], **MARKS)
    assert codes(folder, data)


def test_a_leaf_that_stands_higher_is_bound_by_the_policy_of_its_own_level(
    folder: Path,
) -> None:
    tree = content(
        line("a", 70, "weight", line("a1", 90, "weight"), line("a2", 10, "weight")),
        line("b", 30, "weight"),
    )
    found = one_stage(
        folder,
        [roll_up("indicator", "weighted", to=1, missing="zero"), roll_up("indicator", "weighted")],
        INDICATOR,
        of_unit("甲", {"a1": 100, "a2": None, "b": None}),
        **tree,
    )
    assert result(found) == 90
    assert found.errors


def test_of_two_scores_for_one_open_body_neither_counts(folder: Path) -> None:
    data = scheme_data(stage([roll_up("body", "mean")], {"body": {"open": True}}), units=["甲"])
    names = ["unit", "body"]
    pages = [
        *blocks(names, {("甲", "x"): 100, ("甲", "y"): 60}, columns="body"),
        *blocks(names, {("甲", "x"): 0}, columns="body"),
    ]
    found = run(load(folder, data), {"work": pages})
    assert "score-twice" in found.errors
    assert result(found) == 60


def test_of_two_scores_for_one_round_neither_counts(folder: Path) -> None:
    data = scheme_data(
        stage([roll_up("round", "mean")], {"round": members("1", "2")}), units=["甲"]
    )
    names = ["unit", "round"]
    pages = [*blocks(names, rounds_of(100, 60)), *blocks(names, rounds_of(0))]
    found = run(load(folder, data), {"work": pages})
    assert "score-twice" in found.errors
    assert result(found) == 60


def test_a_blank_is_reported_once_however_many_levels_follow(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 100, "a12": 50, "a21": 80, "b11": None})
    found = one_stage(folder, by_level("weighted"), INDICATOR, scores, **WEIGHTS)
    assert found.errors == ["score-missing"]


def test_a_stage_that_the_composite_may_go_without_is_no_error(folder: Path) -> None:
    composite = {"missing": "exclude", "not_applicable": "error", "digits": 2}
    data = scheme_data(
        stage(name="s0", weight=50), stage(name="s1", weight=50), units=["甲"], composite=composite
    )
    scheme = load(folder, data)
    found = run(scheme, {"s0": blocks(["unit"], {("甲",): 80})})
    assert found.published == {"甲": "80.00"}
    assert not found.errors


def test_a_unit_without_a_final_is_an_error_whatever_the_policies(folder: Path) -> None:
    found = one_stage(
        folder,
        [roll_up("round", "mean", missing="exclude")],
        {"round": members("1")},
        rounds_of(None),
        composite={"missing": "exclude", "not_applicable": "exclude", "digits": 2},
    )
    assert found.published == {"甲": None}
    assert found.errors


@pytest.mark.parametrize("name", ["composite", "adjusting", "final"])
def test_an_adjustment_cannot_be_called_as_another_part_of_the_final_is(
    folder: Path, name: str
) -> None:
    item = {"id": name, "title": name, "clause": "3", "groups": ["all"], **ADJUSTMENTS["praise"]}
    assert codes(folder, scheme_data(stage(), adjustments=[item])) == ["scheme-id-twice"]
    assert codes(folder, scheme_data(stage(), adjustments=[{**item, "id": "praise"}])) == []


@pytest.mark.parametrize("unit", ["1", "甲"])
def test_a_unit_or_a_round_of_an_items_id_does_not_take_that_items_marks(
    folder: Path, unit: str
) -> None:
    """Items 1 and 2 have 60 and 40 marks; units and rounds may be called 1 and 2 as well."""
    content = {
        "id": "content",
        "title": "content",
        "clause": "1",
        "items": [
            {"id": "1", "title": "one", "marks": 60},
            {"id": "2", "title": "two", "marks": 40},
        ],
    }
    dimensions = {"round": members("2", "1"), "indicator": {"indicators": "content"}}
    steps = [{"rescale": 100}, roll_up("indicator", "mean"), roll_up("round", "mean")]
    scores: Scores = {(unit, number, item): 30 for number in ("1", "2") for item in ("1", "2")}
    found = one_stage(folder, steps, dimensions, scores, full_marks=None, indicators=[content])
    assert found.stages["work"][unit] == Fraction(30 * 100, 60 * 2) + Fraction(30 * 100, 40 * 2)
