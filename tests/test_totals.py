"""Stages of other full marks than 100, or of none, and what is not shown twice."""

import random
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.office import convert_all
from helpers.recalculation import differing
from helpers.small import write

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.numbers import round_half_up
from wuhu_appraisal.output.tables import rankings
from wuhu_appraisal.output.workbook import render

XLSX = "xlsx:Calc MS Excel 2007 XML"
UNITS = ("甲市", "乙市", "丙市")
Score = int | float | str | None


def scheme_of(
    ends: Sequence[int | str], weights: Sequence[int] | None, out_of: int | None = None
) -> dict[str, object]:
    """A scheme whose stages hold one score a unit."""
    stages = []
    for place, end in enumerate(ends):
        plan: dict[str, object] = {
            "forms": [{"id": "sheet", "title": "Sheet", "file": f"s{place}", "axes": ["unit"]}]
        }
        if end != "open":
            plan["full_marks"] = end
        stage = {
            "id": f"s{place}",
            "title": f"S{place}",
            "clause": "1",
            "assessors": ["Office"],
            "window": {"from": "2020-01-01", "to": "2020-12-31"},
            "plans": {"city": plan},
            "out_of": end,
        }
        stages.append(stage if weights is None else {**stage, "weight": weights[place]})
    composite = {"missing": "error", "not_applicable": "error", "digits": 2}
    composite |= {"by": "sum"} if weights is None else {"out_of": out_of or 100}
    group = {"id": "city", "title": "Cities", "clause": "1"}
    return {
        "id": "totals",
        "title": "Totals",
        "document": {"title": "A document"},
        "groups": [group | {"units": [{"name": name} for name in UNITS]}],
        "stages": stages,
        "composite": composite,
        "ranking": {},
        "final": {"digits": 2, "rounding": "half_up"},
    }


def computed(folder: Path, scheme: object, scores: Sequence[Sequence[Score]]) -> Result:
    folder.mkdir(exist_ok=True)
    text = yaml.safe_dump(scheme, allow_unicode=True).replace("'2020-01-01'", "2020-01-01")
    (folder / "scheme.yaml").write_text(text.replace("'2020-12-31'", "2020-12-31"), "utf-8")
    rows: dict[str, list[list[Any]]] = {
        f"s{place}": [
            ["单位", "得分"],
            *([unit, score] for unit, score in zip(UNITS, of, strict=True)),
        ]
        for place, of in enumerate(scores)
    }
    write(folder / "in", rows)
    loaded = load_scheme(folder / "scheme.yaml")
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    return appraise(loaded, [folder / "in"])


def finals(result: Result) -> dict[str, Decimal | None]:
    return {item.unit: item.final for item in result.standings["city"]}


@pytest.mark.parametrize("seed", range(12))
def test_stages_of_any_end_make_the_composite_that_fractions_make(
    tmp_path: Path, seed: int
) -> None:
    drawn = random.Random(seed)
    count = drawn.randint(1, 4)
    by_weights = seed % 2 == 0
    ends: list[int | str] = [drawn.choice([5, 10, 30, 60, 100, 120, 150]) for _ in range(count)]
    cuts = sorted(drawn.sample(range(1, 100), count - 1))
    weights = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    if not by_weights and seed % 3 == 0:
        ends[0] = "open"
    scores = [
        [
            drawn.randint(*((80, 400) if end == "open" else (2 * int(end), 4 * int(end)))) / 4
            for _unit in UNITS
        ]
        for end in ends
    ]
    whole = drawn.choice([100, 120, 10])
    scheme = scheme_of(ends, weights if by_weights else None, whole)
    result = computed(tmp_path / "a", scheme, scores)
    assert not result.findings, [(item.message, scores) for item in result.findings]
    for place, unit in enumerate(UNITS):
        parts = [Fraction(of[place]) for of in scores]
        expected = sum(parts, Fraction(0))
        if by_weights:
            shares = zip(parts, ends, weights, strict=True)
            expected = sum((p / Fraction(e) * whole * w / 100 for p, e, w in shares), Fraction(0))
        assert finals(result)[unit] == round_half_up(expected, 2)


def test_a_score_over_the_stages_end_is_found_and_one_without_an_end_is_not(tmp_path: Path) -> None:
    closed = computed(tmp_path / "a", scheme_of([120, 30], None), [[120, 90, 80], [31, 20, 10]])
    assert [item.code for item in closed.findings if item.code == "score-over-marks"]
    opened = computed(
        tmp_path / "b", scheme_of([120, "open"], None), [[120, 90, 80], [31, 2000, 0]]
    )
    assert finals(opened) == {"乙市": 2090, "甲市": 151, "丙市": 80}


@pytest.mark.parametrize(
    ("ends", "weights", "titles"),
    [
        ([10], [100], ["Final"]),
        (["open"], None, ["Final"]),
        ([120, 30], None, ["S0", "S1", "Final"]),
        ([10, 20], [50, 50], ["S0", "S1", "Final"]),
    ],
)
def test_no_number_stands_in_the_ranking_twice(
    tmp_path: Path, ends: Sequence[int | str], weights: Sequence[int] | None, titles: Sequence[str]
) -> None:
    scores = [[3, 2, 1]] * len(ends)
    result = computed(tmp_path / "a", scheme_of(ends, weights, 10), scores)
    assert [column.title for column in rankings(result)[0].columns[2:]] == titles


CASES = [
    ([10], [100], 10),
    (["open"], None, None),
    ([120, 30], None, None),
    ([120, "open"], None, None),
]
CASES += [([10, 50], [40, 60], 100), ([60, 50, 7], [40, 30, 30], 120)]


@pytest.mark.slow
@pytest.mark.parametrize(("ends", "weights", "out_of"), CASES)
def test_the_workbooks_formulas_recalculate_to_the_composite(
    tmp_path: Path,
    soffice: str,
    ends: Sequence[int | str],
    weights: Sequence[int] | None,
    out_of: int | None,
) -> None:
    scores = [[3.3, 2.25, 1], [7, 6.5, 0.3], [0, 1, 2.2]][: len(ends)]
    result = computed(tmp_path / "a", scheme_of(ends, weights, out_of), scores)
    stored = tmp_path / "book.xlsx"
    stored.write_bytes(render(result, final=True))
    again = convert_all(soffice, tmp_path / "out", [stored], XLSX) / stored.name
    found, compared = differing(stored, again)
    assert not found
    assert compared > len(UNITS) * (len(ends) + 2)


def test_a_scheme_may_show_how_far_each_final_is_above_that_of_the_next_rank(
    tmp_path: Path, soffice: str
) -> None:
    scheme = scheme_of([100, 100], [50, 50])
    scheme["ranking"] = {"margin": True}
    scheme["groups"][0]["title"] = "Cities* [1]"  # type: ignore[index]
    result = computed(tmp_path / "a", scheme, [[90, 80, 80], [80.5, 90.25, 90.25]])
    (table,) = rankings(result)
    at = [column.title for column in table.columns].index("Margin")
    # 85.25, and 85.125 twice, which is published as 85.13.
    margins = {row[1]: row[at] for row in table.rows}
    assert margins == {"甲市": Decimal("0.12"), "乙市": None, "丙市": None}
    stored = tmp_path / "book.xlsx"
    stored.write_bytes(render(result, final=True))
    again = convert_all(soffice, tmp_path / "out", [stored], XLSX) / stored.name
    found, _compared = differing(stored, again)
    assert not found
