"""Values that decide a band: a rank or a count that none can have, and a rank that two units have."""

from pathlib import Path
from typing import Any

import pytest
from helpers.small import SHEETS, Rows, judged, place

from wuhu_appraisal import Result

RANKED = """
adjustments:
  - id: praise
    title: Rank in the province
    clause: "5"
    kind: bonus
    groups: [city]
    form: {file: "bonus*", value: [名次]}
    points: {bands: [{from: 1, to: 10, points: 5}, {from: 11, points: 3}], MORE}
"""


def ranked(folder: Path, *rows: list[Any], more: str = "unique: true") -> Result:
    """The small scheme with a bonus by rank, and records in one or more sheets."""
    sheets: dict[str, Rows] = {
        f"bonus{number}": [["单位", "名次", "原因", "依据"], *([*row, "a", "b"] for row in part)]
        for number, part in enumerate(rows)
    }
    text = "ranking: {}\n"
    return judged(folder, {**SHEETS, **sheets}, (text, text + RANKED.replace("MORE", more)))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (5.8, "adjustment-not-whole"),
        ("5.8", "adjustment-not-whole"),
        (10.5, "adjustment-not-whole"),
        (0, "adjustment-outside-bands"),
        (-3, "score-below-zero"),
        ("5.8名", "score-not-number"),
        ("第五名", "score-not-number"),
        (True, "score-is-boolean"),
        ("50%", "score-is-percent"),
    ],
)
def test_a_value_that_no_rank_has_is_an_error_at_its_cell_and_gives_no_points(
    tmp_path: Path, value: object, code: str
) -> None:
    run = ranked(tmp_path, [["甲市", value]])
    assert [(item.code, place(item), str(item.severity)) for item in run.findings] == [
        (code, "bonus0.xlsx B2", "error")
    ]
    assert [item.points for item in run.standings["city"]] == [0, 0]


@pytest.mark.parametrize(("value", "points"), [(1, 5), (10, 5), ("11", 3), ("５", 5), (11.0, 3)])
def test_a_whole_value_gives_the_points_of_its_band(
    tmp_path: Path, value: object, points: int
) -> None:
    run = ranked(tmp_path, [["甲市", value]])
    assert run.findings == []
    assert run.standing_of("甲市")[1].points == points


def test_a_value_that_may_have_decimals_is_declared_so(tmp_path: Path) -> None:
    run = ranked(tmp_path, [["甲市", 5.8]], more="whole: false")
    assert run.findings == []
    assert run.standing_of("甲市")[1].points == 5


@pytest.mark.parametrize("sheets", ["one sheet", "two sheets"])
def test_two_units_with_one_rank_are_an_error_and_neither_counts(
    tmp_path: Path, sheets: str
) -> None:
    parts = [[["甲市", 3], ["乙市", "3"]]]
    if sheets == "two sheets":
        parts = [[row] for row in parts[0]]
    run = ranked(tmp_path, *parts)
    [item] = run.findings
    assert (item.code, str(item.severity)) == ("adjustment-shared", "error")
    second = "bonus0.xlsx B3" if sheets == "one sheet" else "bonus1.xlsx B2"
    assert place(item) == second
    assert "乙市 and 甲市 both have 3" in item.message
    assert "bonus0.xlsx › Sheet › B2" in item.message
    assert [item.points for item in run.standings["city"]] == [0, 0]


def test_where_ranks_can_be_shared_two_units_may_have_one(tmp_path: Path) -> None:
    run = ranked(tmp_path, [["甲市", 3], ["乙市", 3]], more="unique: false")
    assert run.findings == []
    assert [item.points for item in run.standings["city"]] == [5, 5]


def test_a_unit_that_is_entered_twice_with_its_rank_has_one_finding(tmp_path: Path) -> None:
    run = ranked(tmp_path, [["甲市", 3], ["甲市", 3]])
    assert [item.code for item in run.findings] == ["adjustment-twice"]
