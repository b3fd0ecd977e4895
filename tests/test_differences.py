"""The difference between two published finals, taken apart: the parts add up to it exactly."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from helpers.years import BOUNDED, Books, Year, computed, drawn, of_rounds, single
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import Result
from wuhu_appraisal.output.compare import Difference, differences


def compared(run: Result, first: str, second: str) -> list[Difference]:
    """The parts, after it has been seen that they add up on every level and come in their order."""
    found = differences(run, first, second)
    finals = [run.standing_of(unit)[1].final for unit in (first, second)]
    assert finals[0] is not None and finals[1] is not None
    whole = Fraction(finals[0]) - Fraction(finals[1])
    assert sum((item.points for item in found), Fraction(0)) == whole
    for parts in (found, *(item.parts for item in found)):
        sizes = [abs(item.points) for item in parts]
        assert sizes == sorted(sizes, reverse=True)
    for item in found:
        if item.parts:
            assert sum(part.points for part in item.parts) == item.points
            for own in ("first", "second"):
                values = [getattr(part, own) or 0 for part in item.parts]
                assert sum(values) == (getattr(item, own) or 0)
    return found


def test_the_parts_of_every_two_counties_add_up_to_the_difference_of_their_finals(
    wuhu_run: Result,
) -> None:
    units = [item.unit for item in wuhu_run.standings["county"]]
    for first, second in combinations(units, 2):
        found = compared(wuhu_run, first, second)
        told = {item.id: item.dimension for item in found if item.kind == "stage"}
        assert told == {
            "professional": "indicator",
            "mutual": "rater",
            "daily": "round",
            "social": "indicator",
        }
        mutual = next(item for item in found if item.id == "mutual")
        assert len(mutual.parts) == 16


@drawn(examples=40)
@given(data=st.data())
def test_the_parts_of_two_municipal_units_add_up_to_the_difference_of_their_finals(
    wuhu_run: Result, data: st.DataObject
) -> None:
    units = st.sampled_from([item.unit for item in wuhu_run.standings["municipal"]])
    first, second = data.draw(units), data.draw(units)
    compared(wuhu_run, first, second)


def test_the_parts_add_up_where_a_stage_is_one_sheet_of_indicators(sichuan_run: Result) -> None:
    units = [item.unit for item in sichuan_run.standings["city"]]
    for first, second in combinations(units[:8], 2):
        found = compared(sichuan_run, first, second)
        assert {item.kind for item in found} <= {"stage", "rounding"}


@pytest.mark.slow
@drawn(examples=25)
@given(seed=st.integers(0, 2**32), blank=st.sampled_from([0.0, 0.1, 0.4]))
def test_the_parts_add_up_with_every_kind_of_step_with_bounds_and_with_gaps(
    places: Iterator[Path], seed: int, blank: float
) -> None:
    run = computed(places, Year(seed, blank).books(), BOUNDED)
    units = [item.unit for item in run.standings["all"] if item.final is not None]
    for first, second in combinations(units, 2):
        compared(run, first, second)


def test_drawn_years_have_each_bound(places: Iterator[Path]) -> None:
    kinds = set()
    for seed in range(12):
        run = computed(places, Year(seed).books(), BOUNDED)
        units = [item.unit for item in run.standings["all"]]
        for first, second in combinations(units, 2):
            found = differences(run, first, second)
            kinds |= {item.kind for item in found}
    assert kinds == {"stage", "adjustment", "cap", "adjusting", "final", "rounding"}


def test_each_part_is_in_points_of_the_final(wuhu_run: Result) -> None:
    """A rater's score counts a sixteenth of the stage, and the stage a quarter of the composite."""
    first, second = "镜湖区", "弋江区"
    mutual = next(item for item in compared(wuhu_run, first, second) if item.id == "mutual")
    scores = dict(wuhu_run.traces["county"].stages["mutual"].scores.items())
    for part in mutual.parts:
        share = Fraction(25, 100) / 16
        own, other = scores[("镜湖区", part.id)], scores[("弋江区", part.id)]
        assert part.first == share * Fraction(str(own))
        assert part.second == share * Fraction(str(other))


def test_units_of_two_groups_are_compared_stage_by_stage_and_closer_where_both_are_told_alike(
    wuhu_run: Result,
) -> None:
    first = "镜湖区"
    second = "市发改委"
    stages = {item.id: item for item in compared(wuhu_run, first, second) if item.kind == "stage"}
    assert {name: bool(item.parts) for name, item in stages.items()} == {
        "professional": False,
        "mutual": False,
        "daily": True,
        "social": False,
    }
    assert {part.id for part in stages["daily"].parts} == {"1", "2", "3", "4"}


def test_what_only_one_of_the_two_has_stands_against_nothing(wuhu_run: Result) -> None:
    """An item that is not assessed for one unit counts for the other, and is not left out here."""
    group = wuhu_run.traces["municipal"].stages["professional"]
    scores = group.scores.groups("indicator")

    def assessed(unit: str) -> set[str]:
        found = scores[(unit,)]
        return {
            name
            for name, value in zip(found.members, found.values, strict=True)
            if not hasattr(value, "name")
        }

    units = [item.unit for item in wuhu_run.standings["municipal"]]
    first, second = next(
        pair for pair in combinations(units, 2) if assessed(pair[0]) - assessed(pair[1])
    )
    found = compared(wuhu_run, first, second)
    stage = next(item for item in found if item.id == "professional")
    alone = {part.id for part in stage.parts if part.second is None}
    assert alone == assessed(first) - assessed(second)
    assert {part.id for part in stage.parts} == assessed(first) | assessed(second)
    assert all(part.points == part.first for part in stage.parts if part.id in alone)


def of_one_stage(**scores: list[float]) -> Books:
    rows: dict[str, list[float]] = dict(scores)
    for unit in ("甲县", "乙县", "丙县", "丁县"):
        rows.setdefault(unit, [50, 50, 50])
    return of_rounds({unit: list(values) for unit, values in rows.items()})


def test_a_bound_and_the_rounding_are_parts_of_their_own(places: Iterator[Path]) -> None:
    """甲县 has 90 and is held to 85; 乙县 has 80 1/3, published as 80.33."""
    scheme = single("mean").replace(
        "final: {digits: 2, rounding: half_up}", "final: {digits: 2, rounding: half_up, cap: 85}"
    )
    run = computed(places, of_one_stage(甲县=[90, 90, 90], 乙县=[80, 80, 81]), scheme)
    found = compared(run, "甲县", "乙县")
    assert [(item.kind, item.first, item.second) for item in found] == [
        ("stage", Fraction(90), Fraction(241, 3)),
        ("final", Fraction(-5), None),
        ("rounding", Fraction(0), Fraction(-1, 300)),
    ]
    assert [(part.id, part.points) for part in found[0].parts] == [
        ("1", Fraction(10, 3)),
        ("2", Fraction(10, 3)),
        ("3", Fraction(3)),
    ]


def test_a_score_that_was_dropped_or_came_too_late_adds_nothing(places: Iterator[Path]) -> None:
    run = computed(places, of_one_stage(甲县=[90, 80, 70], 乙县=[50, 60, 66]), single("latest"))
    stage = compared(run, "甲县", "乙县")[0]
    assert [(part.id, part.first, part.second) for part in stage.parts] == [
        ("3", Fraction(70), Fraction(66))
    ]
