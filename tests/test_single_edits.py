"""No single change in a workbook passes in silence, but those that a person could have meant."""

from collections import Counter

import pytest
from helpers import plain_2020
from helpers.single_edits import EXCUSED, KINDS, LATER, Example, finals_of

EACH = 250
"""Changes in one test of the slow run, of which there are four."""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return Example(tmp_path_factory.mktemp("changed"))


def test_the_plain_reading_of_the_example_comes_to_the_same_finals(example: Example) -> None:
    assert finals_of(example.right) == example.finals == plain_2020.finals(example.facts)


def test_what_may_be_silent_is_a_kind_of_change() -> None:
    assert {*EXCUSED, *LATER} <= KINDS.keys()
    assert not EXCUSED.keys() & LATER.keys()


def test_no_single_change_is_silent_in_a_small_sample(example: Example) -> None:
    outcomes = list(map(example.outcome, range(30)))
    assert [item.what for item in outcomes if item.is_silent] == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(1, 5))
def test_no_single_change_is_silent(example: Example, part: int) -> None:
    outcomes = [example.outcome(seed) for seed in range(part * 1000, part * 1000 + EACH)]
    assert [item.what for item in outcomes if item.is_silent] == []
    kinds = Counter(item.kind for item in outcomes)
    assert kinds.keys() == KINDS.keys() - LATER.keys()
