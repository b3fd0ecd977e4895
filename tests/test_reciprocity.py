"""Mutual scores: what is planted is found as often as stated, and what is absent is not found."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from statistics import correlation
from typing import Any

import numpy as np
import pytest

from wuhu_appraisal import Result
from wuhu_appraisal.analysis.raters import Ballots, Lack, ballots
from wuhu_appraisal.analysis.reciprocity import Reciprocity, reciprocities, residuals
from wuhu_appraisal.model import Key

COUNTIES = [f"c{place}" for place in range(7)]
BUREAUS = [f"b{place}" for place in range(47)]
SENIOR = BUREAUS[:16]


def panel(units: Sequence[str], raters: Sequence[str], table: Any) -> Ballots:
    """A panel of a table with a row for each unit; NaN is a missing score."""
    rows: dict[Key, dict[str, Fraction]] = {
        (unit,): {
            rater: Fraction(float(score))
            for rater, score in zip(raters, row, strict=True)
            if score == score
        }
        for unit, row in zip(units, table, strict=True)
    }
    return Ballots("mutual", units[0], "rater", "mean", ("unit",), raters, rows)


def simulated(draw: np.random.Generator, planted: float) -> list[Ballots]:
    """Counties and bureaus that rate each other, as in the example, some with a planted correlation.

    Units differ in what they deserve and raters in severity, far more than in what is mutual.
    """
    noise, other = draw.standard_normal((2, 7, 16))
    returned = planted * noise + (1 - planted**2) ** 0.5 * other

    def means(units: int, raters: int) -> Any:
        return 85 + 4 * draw.standard_normal((units, 1)) + 3 * draw.standard_normal((1, raters))

    counties = means(7, 16) + noise
    bureaus = means(47, 7) + np.vstack([returned.T, draw.standard_normal((31, 7))])
    return [panel(COUNTIES, SENIOR, counties), panel(BUREAUS, COUNTIES, bureaus)]


def share_found(planted: float, times: int) -> float:
    draw = np.random.default_rng(2020)
    found = 0
    for time in range(times):
        (item,) = reciprocities(simulated(draw, planted), seed=time, permutations=199)
        found += item.found
    return found / times


def test_what_is_absent_is_found_in_about_one_of_twenty_cases() -> None:
    # 400 cases: three standard errors are 3.3 %.
    assert share_found(0.0, 400) <= 0.05 + 0.033


def test_the_correlation_that_is_called_detectable_is_found_in_about_80_of_100_cases() -> None:
    (item,) = reciprocities(simulated(np.random.default_rng(1), 0.0), permutations=9)
    assert item.detectable == pytest.approx(0.26, abs=0.005)
    assert len(item.pairs) == 112
    assert 0.72 <= share_found(item.detectable, 300) <= 0.88


def test_a_strong_return_is_found_and_its_opposite_is_not() -> None:
    assert share_found(0.6, 20) == 1
    assert share_found(-0.6, 20) == 0


def test_severity_and_merit_leave_no_trace_in_the_residuals() -> None:
    merit, severity = np.arange(5.0)[:, None] * 10, np.array([[0.0, 3.0, -7.0, 1.5]])
    additive = panel(COUNTIES[:5], SENIOR[:4], merit + severity)
    assert residuals(additive) == pytest.approx(dict.fromkeys(residuals(additive), 0.0), abs=1e-9)


def test_residuals_of_an_incomplete_design_are_those_of_least_squares() -> None:
    table = np.random.default_rng(3).normal(85, 5, (6, 5))
    table[0, 1] = table[2, 3] = table[5, 0] = table[4, 4] = np.nan
    places = [
        (row, column)
        for row in range(6)
        for column in range(5)
        if table[row, column] == table[row, column]
    ]
    design = np.zeros((len(places), 11))
    for at, (row, column) in enumerate(places):
        design[at, row] = design[at, 6 + column] = 1
    values = np.array([table[place] for place in places])
    fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
    expected = {
        (SENIOR[column], COUNTIES[row]): value - fit
        for (row, column), value, fit in zip(places, values, fitted, strict=True)
    }
    assert residuals(panel(COUNTIES[:6], SENIOR[:5], table)) == pytest.approx(expected, abs=1e-8)


def small(seed: int) -> list[Ballots]:
    draw = np.random.default_rng(seed)
    left, right = ["a1", "a2", "a3", "a4"], ["b1", "b2", "b3"]
    return [
        panel(left, right, draw.normal(size=(4, 3))),
        panel(right, left, draw.normal(size=(3, 4))),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_p_is_close_to_the_share_of_all_permutations(seed: int) -> None:
    panels = small(seed)
    (item,) = reciprocities(panels, permutations=4999)
    gave, given = residuals(panels[0]), residuals(panels[1])
    left, right = [p[0] for p in panels[0].rows], [p[0] for p in panels[1].rows]
    keys = [(b, a) for b in right for a in left]
    mine = [gave[key] for key in keys]

    def of(rows: Sequence[str], columns: Sequence[str]) -> float:
        renamed = dict(zip([*left, *right], [*rows, *columns], strict=True))
        return correlation(mine, [given[renamed[a], renamed[b]] for b, a in keys])

    assert item.correlation == pytest.approx(of(left, right))
    every = [of(rows, columns) for rows in permutations(left) for columns in permutations(right)]
    exact = sum(value >= item.correlation - 1e-9 for value in every) / len(every)
    assert float(item.p) == pytest.approx(exact, abs=0.03)


def round_robin(draw: np.random.Generator, size: int, planted: float) -> Ballots:
    """Units that rate each other within one group, never themselves."""
    names = [f"u{place:02}" for place in range(size)]
    noise, other = np.triu(draw.standard_normal((2, size, size)), 1)
    table = noise + (planted * noise + (1 - planted**2) ** 0.5 * other).T
    table += 4 * draw.standard_normal((size, 1)) + 3 * draw.standard_normal((1, size))
    np.fill_diagonal(table, np.nan)
    return panel(names, names, table)


def within(planted: float, times: int) -> list[Reciprocity]:
    draw = np.random.default_rng(7)
    boards = (round_robin(draw, 10, planted) for _time in range(times))
    return [item for board in boards for item in reciprocities([board], permutations=199)]


def test_within_one_group_each_pair_counts_once_and_the_same_shares_hold() -> None:
    absent = within(0.0, 400)
    assert {len(item.pairs) for item in absent} == {45}
    assert sum(item.found for item in absent) / 400 <= 0.05 + 0.033
    planted = within(absent[0].detectable, 300)
    assert 0.72 <= sum(item.found for item in planted) / 300 <= 0.88


def test_two_raters_or_flat_ballots_leave_nothing_to_compare() -> None:
    few = [
        panel(["a", "b"], ["x", "y"], [[1, 2], [3, 5]]),
        panel(["x", "y"], ["a", "b"], [[1, 2], [3, 5]]),
    ]
    (item,) = reciprocities(few)
    assert (item.lack, item.found) == (Lack.UNITS, False)
    flat = [
        replace(one, rows={key: dict.fromkeys(row, Fraction(80)) for key, row in one.rows.items()})
        for one in small(0)
    ]
    (item,) = reciprocities(flat)
    assert (item.lack, item.found) == (Lack.SAME, False)


def test_panels_whose_raters_are_no_units_of_each_other_are_not_compared(wuhu_run: Result) -> None:
    county, municipal = ballots(wuhu_run)
    assert [*reciprocities([county])] == []
    assert [*reciprocities([municipal])] == []
    assert len([*reciprocities([county, municipal], permutations=9)]) == 1


def test_every_pair_is_the_residual_of_both_scores(wuhu_run: Result) -> None:
    boards = [*ballots(wuhu_run)]
    (item,) = reciprocities(boards, permutations=9)
    table = {
        (one, key[0]): float(score)
        for key, row in boards[0].rows.items()
        for one, score in row.items()
    }
    grand = np.mean([*table.values()])
    pair = item.pairs[5]
    row = np.mean([value for (_one, unit), value in table.items() if unit == pair.second])
    column = np.mean([value for (one, _unit), value in table.items() if one == pair.first])
    assert pair.gave == pytest.approx(table[pair.first, pair.second] - row - column + grand)
