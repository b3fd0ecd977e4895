"""Absent items' marks in equal parts, and the keys that people mean by their own words."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import pytest
from helpers import TESTS, Appraise
from helpers.oracle import Cell
from helpers.recalculation import differing
from helpers.small import SHEETS, judged
from helpers.stages import MARKS, codes, drawn, of_unit, one_stage, result, roll_up, scheme_data
from helpers.stages import stage as stage_data
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import language as i18n
from wuhu_appraisal import load_scheme
from wuhu_appraisal.output import workbook

ITEMS = ("a", "b", "c", "d")
FULL = {"a": 10, "b": 20, "c": 30, "d": 40}

PARENTS = [
    {
        "id": parent,
        "title": parent,
        "marks": sum(FULL[name] for name in names),
        "items": [{"id": name, "title": name, "marks": FULL[name]} for name in names],
    }
    for parent, names in (("one", "abc"), ("two", "d"))
]
TREE = {"indicators": [{"id": "content", "title": "c", "clause": "1", "items": PARENTS}]}


def one_level(*names: str) -> dict[str, object]:
    items = [{"id": name, "title": name, "marks": FULL[name]} for name in names]
    return {"indicators": [{"id": "content", "title": "c", "clause": "1", "items": items}]}


CELLS: st.SearchStrategy[Cell] = st.one_of(st.just("/"), st.integers(0, 10))


def in_equal_parts(scores: Mapping[str, Cell], marks: Mapping[str, int]) -> Fraction:
    """Each score of those that are there, out of its marks and an equal part of the absent marks."""
    there = {name: Fraction(cell) for name, cell in scores.items() if isinstance(cell, int)}
    part = Fraction(sum(marks[name] for name in marks if name not in there), len(there))
    return sum((there[n] * (marks[n] + part) / marks[n] for n in there), Fraction(0))


@drawn(60)
@given(cells=st.tuples(CELLS, CELLS, CELLS, CELLS).filter(lambda c: set(c) != {"/"}))
def test_marks_of_absent_items_go_to_the_others_in_equal_parts(
    tmp_path_factory: pytest.TempPathFactory, cells: tuple[Cell, ...]
) -> None:
    scores = dict(zip(ITEMS, cells, strict=True))
    steps = [roll_up("indicator", "sum", not_applicable="exclude_equally")]
    dimensions = {"indicator": {"indicators": "content"}}
    found = one_stage(
        tmp_path_factory.mktemp("equally"),
        steps,
        dimensions,
        of_unit("甲", scores),
        full_marks=None,
        **one_level(*ITEMS),
    )
    assert result(found) == in_equal_parts(scores, FULL)


def test_by_levels_the_marks_stay_within_the_parent(folder: Path) -> None:
    steps = [
        roll_up("indicator", "sum", to=1, not_applicable="exclude_equally"),
        roll_up("indicator", "sum"),
    ]
    scores: dict[str, Cell] = {"a": 8, "b": 5, "c": "/", "d": 20}
    found = one_stage(
        folder,
        steps,
        {"indicator": {"indicators": "content"}},
        of_unit("甲", scores),
        full_marks=None,
        **TREE,
    )
    assert result(found) == Fraction(8 * 25, 10) + Fraction(5 * 35, 20) + 20 == Fraction(195, 4)


@pytest.mark.parametrize("by", ["mean", "weighted", "median", "latest"])
def test_nothing_but_a_sum_over_indicators_gives_marks_in_equal_parts(
    folder: Path, by: str
) -> None:
    step = roll_up("indicator", by, missing="exclude_equally")
    dimensions = {"indicator": {"indicators": "content"}}
    data = scheme_data(stage_data([step], dimensions), **MARKS)
    assert "scheme-step-equally" in codes(folder, data)


@pytest.mark.parametrize(
    ("word", "key"), [("权重", "weight"), ("条款", "clause"), ("名称", "title")]
)
def test_a_word_that_people_write_is_answered_with_its_key(
    folder: Path, word: str, key: str
) -> None:
    text = (TESTS / "small_scheme.yaml").read_text(encoding="utf-8")
    (folder / "scheme.yaml").write_text(
        text.replace("    weight: 60\n", f"    weight: 60\n    {word}: x\n"), encoding="utf-8"
    )
    i18n.activate("en")
    (found,) = load_scheme(folder / "scheme.yaml").findings
    assert (found.code, found.params["suggestion"]) == ("scheme-key-unknown", key)


def test_the_command_says_which_key_is_meant(appraise_cli: Appraise) -> None:
    output = appraise_cli("scheme", "check", TESTS / "bad_schemes" / "other_words.yaml").output
    assert "did you mean 'weight'?" in output


@pytest.mark.slow
@pytest.mark.parametrize("by_levels", [True, False])
def test_libreoffice_comes_to_the_same_equal_parts(
    tmp_path: Path, convert: Callable[[Path, str], Path], *, by_levels: bool
) -> None:
    """Scores side by side in columns, and in rows below each parent."""
    policies = "missing: error, not_applicable: exclude_equally"
    step = f"{{roll_up: indicator, by: sum, {policies}}}"
    first = f"{{roll_up: indicator, by: sum, to: 1, {policies}}}\n          - "
    found = judged(
        tmp_path,
        {
            **SHEETS,
            "work/upper": [
                ["单位", "A", "B one", "B two"],
                ["甲市", 50, 20, "/"],
                ["乙市", "/", 25, 15],
            ],
        },
        (
            "{roll_up: indicator, by: sum, missing: error, not_applicable: exclude}",
            first + step if by_levels else step,
        ),
        ("axes: [unit, indicator]}", "axes: [unit, indicator], not_applicable: anywhere}"),
    )
    assert not found.findings
    upper = Fraction(50) + 20 * Fraction(40, 25)
    if not by_levels:
        upper = 50 * (60 + Fraction(15, 2)) / 60 + 20 * (25 + Fraction(15, 2)) / 25
    stage = found.traces["city"].stages["work"]
    assert stage.value("甲市") == (7 * upper + 3 * 87) / 10
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook.render(found, final=False))
    differences, compared = differing(path, convert(path, "xlsx"))
    assert compared > 0
    assert differences == [], "\n".join(map(str, differences))
