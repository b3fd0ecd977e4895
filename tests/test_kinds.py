"""Stage weights of a kind of unit: what its composite is, and what is not asked of it."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from helpers import TESTS
from helpers.office import convert_all
from helpers.recalculation import differing, opened
from helpers.small import write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.appraisal import submitted
from wuhu_appraisal.numbers import round_half_up
from wuhu_appraisal.output.explain import explain
from wuhu_appraisal.output.feedback import unit_tables
from wuhu_appraisal.output.parameters import parameters
from wuhu_appraisal.output.scheme_tree import scheme_tree
from wuhu_appraisal.output.tables import Node, rankings
from wuhu_appraisal.output.workbook import render
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.store import dump, load
from wuhu_appraisal.year.cases import run_cases
from wuhu_appraisal.year.expected import templates

XLSX = "xlsx:Calc MS Excel 2007 XML"
STAGES = ("daily", "social", "review")
OWN = {"daily": 50, "social": 30, "review": 20}
WINDOW = {"窗口单位": {"daily": 40, "social": 60}}
Scores = Mapping[str, Mapping[str, float | None]]


def scheme_of(
    kinds: Mapping[str, str | None],
    weights: Mapping[str, Mapping[str, object]],
    ends: Mapping[str, int] | None = None,
    **composite: object,
) -> dict[str, Any]:
    ends = ends or {}
    return {
        "id": "kinds",
        "title": "Kinds",
        "document": {"title": "A document"},
        "groups": [
            {
                "id": "city",
                "title": "Cities",
                "clause": "1",
                "units": [
                    {"name": name} if kind is None else {"name": name, "kind": kind}
                    for name, kind in kinds.items()
                ],
            }
        ],
        "stages": [
            {
                "id": name,
                "title": name.capitalize(),
                "clause": "2",
                "weight": OWN[name],
                "out_of": ends.get(name, 100),
                "assessors": ["Office"],
                "window": {"from": "2020-01-01", "to": "2020-12-31"},
                "plans": {
                    "city": {
                        "full_marks": ends.get(name, 100),
                        "forms": [
                            {"id": "sheet", "title": "Sheet", "file": name, "axes": ["unit"]}
                        ],
                    }
                },
            }
            for name in STAGES
        ],
        "composite": {
            "missing": "error",
            "not_applicable": "error",
            "digits": 2,
            "clause": "第五条",
            "weights": weights,
            **composite,
        },
        "ranking": {},
        "final": {"digits": 2, "rounding": "half_up"},
    }


def loaded_of(folder: Path, scheme: object) -> LoadedScheme:
    folder.mkdir(exist_ok=True)
    text = yaml.safe_dump(scheme, allow_unicode=True, sort_keys=False)
    for day in ("2020-01-01", "2020-12-31"):
        text = text.replace(f"'{day}'", day)
    (folder / "scheme.yaml").write_text(text, "utf-8")
    return load_scheme(folder / "scheme.yaml")


def sheets_of(scores: Scores) -> dict[str, list[list[Any]]]:
    return {
        stage: [["单位", "得分"], *([unit, score] for unit, score in of.items())]
        for stage, of in scores.items()
        if of
    }


def computed(folder: Path, scheme: object, scores: Scores) -> Result:
    loaded = loaded_of(folder, scheme)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    write(folder / "in", sheets_of(scores))
    return appraise(loaded, [folder / "in"])


KINDS = {"甲局": "窗口单位", "乙局": None, "丙局": "窗口单位"}
SCORES: Scores = {
    "daily": {"甲局": 80, "乙局": 91, "丙局": 70.5},
    "social": {"甲局": 95, "乙局": 60, "丙局": 88},
    "review": {"乙局": 77},
}


@pytest.fixture
def result(tmp_path: Path) -> Result:
    made = computed(tmp_path, scheme_of(KINDS, WINDOW), SCORES)
    assert made.findings == []
    return made


def lines(node: Node) -> list[str]:
    return [node.text, *(text for child in node.children for text in lines(child))]


# --- what it computes -----------------------------------------------------------------------------


def shares(draw: st.DrawFn, stages: Sequence[str]) -> dict[str, int]:
    cuts = sorted(
        draw(
            st.lists(
                st.integers(1, 99),
                min_size=len(stages) - 1,
                max_size=len(stages) - 1,
                unique=True,
            )
        )
    )
    return {
        stage: high - low for stage, low, high in zip(stages, [0, *cuts], [*cuts, 100], strict=True)
    }


@st.composite
def groups(draw: st.DrawFn) -> tuple[dict[str, str | None], dict[str, dict[str, int]], Scores]:
    weights = {
        kind: shares(
            draw, draw(st.lists(st.sampled_from(STAGES), min_size=1, max_size=3, unique=True))
        )
        for kind in ("窗口", "党群")
    }
    drawn: list[str | None] = draw(
        st.lists(st.sampled_from([None, "窗口", "党群"]), min_size=1, max_size=5)
    )
    kinds = {f"{at}局": kind for at, kind in enumerate([*drawn, "窗口", "党群"], 1)}
    scores = {
        stage: {
            unit: draw(st.integers(100, 240)) / 4
            for unit, kind in kinds.items()
            if kind is None or stage in weights[kind]
        }
        for stage in STAGES
    }
    return kinds, weights, scores


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(groups(), st.sampled_from([{}, {"daily": 120, "review": 60}]))
def test_a_composite_is_made_by_the_weights_of_the_units_kind(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: tuple[dict[str, str | None], dict[str, dict[str, int]], Scores],
    ends: dict[str, int],
) -> None:
    kinds, weights, scores = drawn
    folder = tmp_path_factory.mktemp("drawn")
    made = computed(folder, scheme_of(kinds, weights, ends), scores)
    assert made.findings == []
    for item in made.standings["city"]:
        kind = kinds[item.unit]
        own = OWN if kind is None else weights[kind]
        expected = sum(
            (
                Fraction(weight) * Fraction(scores[stage][item.unit] or 0) / ends.get(stage, 100)
                for stage, weight in own.items()
            ),
            Fraction(0),
        )
        assert item.final == round_half_up(expected, 2)
        assert {stage for stage, score in item.stages.items() if score is not None} == set(own)
    again, findings = load(dump(made), load_scheme(folder / "scheme.yaml"), "appraisal.json")
    assert findings == [] and again is not None and again.standings == made.standings


def test_a_stage_without_a_weight_for_the_kind_is_not_asked_for(
    result: Result, tmp_path: Path
) -> None:
    ranks = {item.unit: (item.final, item.stages["review"]) for item in result.standings["city"]}
    assert {unit: str(final) for unit, (final, _score) in ranks.items()} == {
        "甲局": "89.00",
        "丙局": "81.00",
        "乙局": "78.90",
    }
    assert [unit for unit, (_final, score) in ranks.items() if score is None] == ["甲局", "丙局"]
    rows = {row[1]: row for row in rankings(result)[0].rows}
    assert rows["甲局"][4] is None
    scheme = result.scheme
    books = {str(book.path): book for book in templates(scheme)[0]}
    assert set(books) == {"daily.xlsx", "social.xlsx", "review.xlsx"}


def test_a_stage_that_counts_for_no_unit_is_not_expected_at_all(tmp_path: Path) -> None:
    kinds: dict[str, str | None] = dict.fromkeys(("甲局", "乙局"), "窗口单位")
    scores: Scores = {stage: {"甲局": 80, "乙局": 90} for stage in ("daily", "social")}
    made = computed(tmp_path, scheme_of(kinds, WINDOW), scores)
    assert made.findings == []
    assert [str(book.path) for book in templates(made.scheme)[0]] == ["daily.xlsx", "social.xlsx"]
    expected, findings = submitted(made.scheme, [tmp_path / "in"])
    assert findings == []
    assert [item.place.stage for item in expected] == ["daily", "social"]
    assert render(made, final=True)


def test_no_sheet_of_its_own_is_made_for_a_unit_that_the_stage_does_not_count_for(
    tmp_path: Path,
) -> None:
    scheme = scheme_of(KINDS, WINDOW)
    for stage in scheme["stages"]:
        stage["plans"]["city"]["forms"][0] |= {"file": stage["id"] + "/{unit}", "axes": ["unit"]}
        stage["plans"]["city"]["dimensions"] = {
            "half": {"members": {"h1": "上半年", "h2": "下半年"}}
        }
        stage["plans"]["city"]["forms"][0]["axes"] = ["half"]
        stage["plans"]["city"]["steps"] = [
            {"roll_up": "half", "by": "mean", "missing": "error", "not_applicable": "error"}
        ]
    loaded = loaded_of(tmp_path, scheme)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    books = {str(book.path) for book in templates(loaded.scheme)[0]}
    assert books == {f"{stage}/{unit}.xlsx" for stage, of in SCORES.items() for unit in of}
    rows: list[list[Any]] = [["测评对象", "得分"], ["上半年", 80], ["下半年", 90.5]]
    write(tmp_path / "in", dict.fromkeys((book.removesuffix(".xlsx") for book in books), rows))
    assert appraise(loaded, [tmp_path / "in"]).findings == []
    write(tmp_path / "in", {"review/甲局": rows})
    found = appraise(loaded, [tmp_path / "in"]).findings
    assert [(item.code, item.source.file) for item in found] == [
        ("scores-idle", "review/甲局.xlsx")
    ]


def test_the_other_stages_of_the_unit_and_of_others_are_still_asked_for(tmp_path: Path) -> None:
    scores: Scores = {**SCORES, "social": {"乙局": 60, "丙局": 88}, "review": {}}
    made = computed(tmp_path, scheme_of(KINDS, WINDOW), scores)
    assert {(item.code, item.params.get("unit")) for item in made.findings} >= {
        ("stage-missing-unit", "甲局")
    }
    assert all(item.params.get("unit") != "丙局" for item in made.findings)


def test_scores_of_a_stage_that_does_not_count_are_a_warning_and_blanks_are_none(
    tmp_path: Path,
) -> None:
    scores: Scores = {**SCORES, "review": {"甲局": 99, "乙局": 77, "丙局": None}}
    made = computed(tmp_path, scheme_of(KINDS, WINDOW), scores)
    assert [(item.code, str(item.source)) for item in made.findings] == [
        ("scores-idle", "review.xlsx › Sheet › B2")
    ]
    assert "甲局" in made.findings[0].message and not made.provisional
    assert str(next(i.final for i in made.standings["city"] if i.unit == "甲局")) == "89.00"


def test_the_worked_table_of_the_page_is_what_the_weights_give(tmp_path: Path) -> None:
    page = (TESTS.parent / "docs" / "documents.md").read_text(encoding="utf-8")
    match = re.search(r"<!-- kinds -->\n```yaml\n(.*?)```.*?\n(\|.*?)\n\n", page, re.DOTALL)
    assert match is not None
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in match[2].split("\n")]
    scheme = scheme_of({}, {}) | yaml.safe_load(match[1])
    for stage in scheme["stages"]:
        stage["plans"] = {"municipal": stage["plans"]["city"]}
    scores = {
        stage: {row[0]: float(row[at]) for row in rows[2:] if row[at] != "—"}
        for at, stage in enumerate(rows[0][1:-1], 1)
    }
    result = computed(tmp_path, scheme, scores)
    assert result.findings == []
    finals = {item.unit: item.final for item in result.standings["municipal"]}
    assert finals == {row[0]: Decimal(row[-1]) for row in rows[2:]}


# --- who says it ----------------------------------------------------------------------------------


def test_the_explanation_says_the_kind_and_its_weights(result: Result) -> None:
    tree = explain(result, "甲局", 2)
    texts = lines(tree)
    assert "the kind of the unit is 窗口单位, with the stage weights Daily 40, Social 60" in texts
    assert not any("Review" in text for text in texts)
    assert any(text.startswith("Daily: 80, weight 40") for text in texts)
    assert explain(result, "甲局", 2, "review").text == "甲局 · Review: does not count for 窗口单位"
    own = lines(explain(result, "乙局", 2))
    assert not any("窗口单位" in text for text in own)
    assert any(text.startswith("Review: 77, weight 20") for text in own)


def test_the_scheme_and_its_parameters_show_the_weights_of_a_kind(result: Result) -> None:
    texts = lines(scheme_tree(result.scheme))
    at = texts.index("weights for 窗口单位: Daily 40, Social 60")
    assert texts[at + 1] == "甲局、丙局"
    numbers = {
        line.key: line.number for line in parameters(result.scheme) if line.key[:1] == ("weight",)
    }
    assert numbers == {("weight", "窗口单位", "daily"): 40, ("weight", "窗口单位", "social"): 60}


def test_a_letter_states_the_weights_that_hold_for_its_unit(result: Result) -> None:
    rows = unit_tables(result, "甲局")[0].rows
    assert [row[:3] for row in rows[:2]] == [("Daily", 40, 80), ("Social", 60, 95)]
    assert "Review" not in [row[0] for row in rows]
    assert ("Review", 20, 77) in [row[:3] for row in unit_tables(result, "乙局")[0].rows]


def test_other_weights_of_the_stages_leave_those_of_a_kind(result: Result, tmp_path: Path) -> None:
    again = appraise(result.scheme.with_weights(daily=10, social=10, review=80), [tmp_path / "in"])
    assert {item.unit: str(item.final) for item in again.standings["city"]} == {
        "甲局": "89.00",
        "丙局": "81.00",
        "乙局": "76.70",
    }


CASES = """
cases:
  - name: kinds
    clause: 第五条
    group: city
    units:
      - {unit: 甲局, stages: {daily: 80, social: 95}, expect: {final: 89, rank: 1}}
      - {unit: 乙局, stages: {daily: 91, social: 60, review: 77}, expect: {final: 78.9, rank: 2}}
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CASES, []),
        (CASES.replace("social: 95", "social: 95, review: 3"), ["scheme-reference"]),
        (CASES.replace("final: 89,", "final: 89.01,"), ["case-wrong"]),
    ],
)
def test_cases_go_by_the_weights_of_the_kind(
    result: Result, tmp_path: Path, text: str, found: list[str]
) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "a.yaml").write_text(text, "utf-8")
    _count, findings = run_cases(result.scheme, tmp_path / "cases")
    assert [item.code for item in findings] == found


# --- what is wrong with a scheme ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "weights", "composite", "found"),
    [
        ({"甲局": "窗囗单位"}, WINDOW, {}, ["scheme-reference"]),
        ({"甲局": None}, WINDOW, {}, ["scheme-reference"]),
        ({"甲局": "a"}, {"a": {"daily": 40, "dialy": 60}}, {}, ["scheme-reference"]),
        ({"甲局": "a"}, {"a": {"daily": 40, "social": 50}}, {}, ["scheme-stage-weights"]),
        ({"甲局": "a"}, {"a": {"daily": 100, "social": 0}}, {}, ["scheme-value-wrong"]),
        ({"甲局": "a"}, {"a": {}}, {}, ["scheme-stage-weights"]),
    ],
)
def test_a_kind_that_is_not_there_and_weights_that_cannot_hold_are_refused(
    tmp_path: Path,
    kinds: dict[str, str | None],
    weights: Any,
    composite: dict[str, Any],
    found: list[str],
) -> None:
    loaded = loaded_of(tmp_path, scheme_of(kinds, weights, **composite))
    assert [item.code for item in loaded.findings] == found


# --- the workbook ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_workbook_recalculates_after_a_weight_of_the_kind_is_changed(
    result: Result, tmp_path: Path, soffice: str
) -> None:
    stored = tmp_path / "book.xlsx"
    stored.write_bytes(render(result, final=True))
    again = convert_all(soffice, tmp_path / "out", [stored], XLSX) / stored.name
    found, compared = differing(stored, again)
    assert not found and compared > 30
    book = openpyxl.load_workbook(stored)
    rules = book["Rules and weights"]
    for row in rules.iter_rows():
        if row[2].value in ("weight of Daily for 窗口单位", "weight of Social for 窗口单位"):
            row[3].value = 90 if "Daily" in str(row[2].value) else 10
    changed = tmp_path / "changed.xlsx"
    book.save(changed)
    again = convert_all(soffice, tmp_path / "out", [changed], XLSX) / changed.name
    table = list(opened(again)["Overall ranking"].iter_rows(values_only=True))
    assert {row[2]: (row[1], row[-1]) for row in table if row[2] in KINDS} == {
        "甲局": (1, 81.5),
        "乙局": (2, 78.9),
        "丙局": (3, 72.25),
    }
