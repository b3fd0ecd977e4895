"""Weights of indicators: shares in per cent or of 1, ratios, fractions, or none where none is used."""

from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from helpers.stages import (
    INDICATOR,
    Data,
    codes,
    content,
    load,
    of_unit,
    one_stage,
    result,
    roll_up,
    scheme_data,
    stage,
)

from wuhu_appraisal.output.parameters import parameters
from wuhu_appraisal.output.scheme_tree import scheme_tree
from wuhu_appraisal.output.tables import Node, weights
from wuhu_appraisal.scheme.models import Scheme

LEVELS = [roll_up("indicator", "weighted", to=1), roll_up("indicator", "weighted")]
SCORES = of_unit("甲", {"a1": 90, "a2": 60, "b1": 50})


def tree(*shares: object) -> Data:
    """Two categories, the first of two items; each with a weight, or with none where it is None."""
    own = ({} if share is None else {"weight": share} for share in shares)
    named = ({"id": name, "title": name, **share} for name, share in zip("abxyz", own, strict=True))
    a, b, a1, a2, b1 = named
    a["items"], b["items"] = [a1 | {"id": "a1"}, a2 | {"id": "a2"}], [b1 | {"id": "b1"}]
    return content(a, b)


def texts(node: Node) -> list[str]:
    return [node.text, *chain.from_iterable(map(texts, node.children))]


@pytest.mark.parametrize(
    "shares",
    [
        (2, 1, 1, 2, 1),
        (2, 1, 1, 2, 7),
        ("2/3", "1/3", "1/3", "2/3", "1/1"),
        ("2/3", "1/3", 1, 2, 100),
        ("4/6", "2/6", 5, 10, 100),
    ],
    ids=str,
)
def test_a_ratio_and_its_fractions_are_one(folder: Path, shares: tuple[object, ...]) -> None:
    """a is (90 + 2 * 60) / 3 = 70, and the whole (2 * 70 + 50) / 3 = 190/3."""
    found = one_stage(folder, LEVELS, INDICATOR, SCORES, **tree(*shares))
    assert result(found) == Fraction(190, 3)


@pytest.mark.parametrize("shares", [(60, 40, 30, 70, 100), (0.6, 0.4, 0.3, 0.7, 1)], ids=str)
def test_shares_in_per_cent_and_of_1_stay_what_they_were(
    folder: Path, shares: tuple[object, ...]
) -> None:
    found = one_stage(folder, LEVELS, INDICATOR, SCORES, **tree(*shares))
    assert result(found) == Fraction(60 * (30 * 90 + 70 * 60) + 40 * 100 * 50, 10_000)


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        ((50, 40, 1, 1, 1), "scheme-weights-sum"),
        ((0.5, 0.4, 1, 1, 1), "scheme-weights-sum"),
        (("1/3", "1/3", 1, 1, 1), "scheme-weights-sum"),
        ((14, 7, 1, 1, 1), "scheme-weights-sum"),
        ((1, None, 1, 1, 1), "scheme-marks-or-weights"),
        ((None, None, 1, 1, 1), "scheme-marks-or-weights"),
        ((1, 1, None, None, 1), "scheme-marks-or-weights"),
        (("1/0", 1, 1, 1, 1), "scheme-value-wrong"),
        (("0/3", 1, 1, 1, 1), "scheme-value-wrong"),
        ((-1, 1, 1, 1, 1), "scheme-value-wrong"),
        ((True, 1, 1, 1, 1), "scheme-value-wrong"),
        (("1e999999999", 1, 1, 1, 1), "scheme-value-wrong"),
        (("1:2", 1, 1, 1, 1), "scheme-value-wrong"),
    ],
    ids=str,
)
def test_what_is_neither_shares_nor_a_ratio_is_one_finding(
    folder: Path, shares: tuple[Any, ...], code: str
) -> None:
    data = scheme_data(stage(LEVELS, INDICATOR), units=["甲"], **tree(*shares))
    assert codes(folder, data) == [code]


MEANS = [roll_up("indicator", "mean", to=1), roll_up("indicator", "mean")]


def loaded(folder: Path, steps: list[Data], *shares: object) -> Scheme:
    return load(folder, scheme_data(stage(steps, INDICATOR), units=["甲"], **tree(*shares)))


def test_no_weight_is_asked_for_where_every_step_is_a_mean(folder: Path) -> None:
    found = one_stage(folder, MEANS, INDICATOR, SCORES, **tree(None, None, None, None, None))
    assert result(found) == Fraction(125, 2)


def test_no_weight_is_asked_for_below_a_level_that_a_mean_combines(folder: Path) -> None:
    steps = [roll_up("indicator", "mean", to=1), roll_up("indicator", "weighted")]
    found = one_stage(folder, steps, INDICATOR, SCORES, **tree(2, 1, None, None, None))
    assert result(found) == Fraction(200, 3)


def test_weights_that_nothing_uses_are_printed_nowhere_as_rules(folder: Path) -> None:
    shares = (60, 40, "1/3", "2/3", 100)
    numbers = {
        item.text.strip(): item.number for item in parameters(loaded(folder, MEANS, *shares))
    }
    assert [numbers[name] for name in ("a", "b")] == [None, None]
    shown = texts(scheme_tree(loaded(folder, MEANS, *shares)))
    assert not [text for text in shown if text.startswith(("a ", "a1 ", "b ")) and "·" in text]
    half = [roll_up("indicator", "mean", to=1), roll_up("indicator", "weighted")]
    scheme = loaded(folder, half, *shares)
    by_key = {item.key[-1]: item.number for item in parameters(scheme) if item.key}
    assert (by_key["a"], by_key["b"], by_key["a1"]) == (60, 40, None)
    shown = texts(scheme_tree(scheme))
    assert "a · 60 %" in shown
    assert "a1 x" in shown


def test_a_fraction_and_a_ratio_are_shown_as_they_are_meant(folder: Path) -> None:
    scheme = loaded(folder, LEVELS, "1/3", "2/3", 1, 2, 100)
    shown = texts(scheme_tree(scheme))
    assert {"a · 1/3", "a1 x · 1", "a2 y · 2", "b1 z · 100 %"} <= {*shown}
    rows = {str(row[2]).strip(): row[3] for row in weights(scheme).rows}
    assert (rows["a"], rows["a2 y"]) == ("1/3", 2)
