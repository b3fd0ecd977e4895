"""Scores made of facts: against an oracle in fractions that shares no code, and as sentences."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from helpers import ROOT, TESTS
from helpers.fact_oracle import Unit, item_score
from helpers.small import Rows, write
from hypothesis import given, settings
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.model import Absent, Axis, Block, Score, ScoreTable
from wuhu_appraisal.output.explain import explain
from wuhu_appraisal.output.tables import Node
from wuhu_appraisal.scheme.facts import FactBand, bands_meet
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.contributions import ScoredStage
from wuhu_appraisal.score.steps import evaluate

FACTS = TESTS / "facts_scheme.yaml"
NAMES = ["a", "b", "c"]


def _data(item: Mapping[str, Any], units: int, **policies: str) -> dict[str, Any]:
    loaded = load_scheme(FACTS)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    data = loaded.scheme.model_dump(by_alias=True)
    data["groups"][0]["units"] = [{"name": f"u{at}"} for at in range(units)]
    data["indicators"][0]["items"] = [
        {"id": "it", "title": "It", "marks": 10, **item},
        {"id": "plain", "title": "Plain", "marks": 30},
    ]
    step = data["stages"][0]["plans"]["city"]["steps"][0]
    step.update(policies)
    return data


def _table(facts: Sequence[str], rows: Sequence[Sequence[Score]]) -> ScoreTable:
    members = (*(f"it/{fact}" for fact in facts), "plain")
    units = tuple(f"u{at}" for at in range(len(rows)))
    places = tuple(range(1, len(rows) + 1)), tuple(range(1, len(members) + 1))
    block = Block(
        "f",
        "s",
        {},
        Axis("unit", units, places[0]),
        Axis("indicator", members, places[1]),
        [[*row, Decimal(7)] for row in rows],
    )
    return ScoreTable(("unit", "indicator"), [block])


def _run(item: Mapping[str, Any], rows: Sequence[Sequence[Score]], **policies: str) -> ScoredStage:
    scheme = Scheme.model_validate(_data(item, len(rows), **policies))
    stage = scheme.stages[0]
    trace, _findings = evaluate(scheme, stage, "city", _table(list(item["facts"]), rows))
    return ScoredStage(scheme, stage, "city", trace)


def _scores(scored: ScoredStage) -> list[Score]:
    rows = scored.trace.steps[0].rows
    for row in rows.values():
        if not isinstance(row.value, Absent):
            assert row.value == sum(
                (
                    share * Fraction(value)
                    for share, value in zip(row.coefficients, row.values, strict=True)
                    if not isinstance(value, Absent)
                ),
                Fraction(0),
            )
    return [rows[(unit, "it")].value for (unit, item) in rows if item == "it"]


def _oracle(item: Mapping[str, Any], unit: Unit, group: Sequence[Unit]) -> Fraction:
    return item_score({"marks": 10, **item}, unit, group)


fact = st.sampled_from(NAMES)
few = st.integers(1, 6)
nothing = st.sampled_from(["full", "zero"])
each = few | st.fixed_dictionaries(
    {"points": few}, optional={"each": few, "above": st.integers(0, 4)}
)
bound = st.dictionaries(
    st.sampled_from(["above", "at_least", "at_most", "below", "equal"]),
    st.integers(0, 6),
    min_size=1,
    max_size=2,
)
earning = st.fixed_dictionaries(
    {"earn": st.dictionaries(fact, each, min_size=1)}, optional={"cap": few}
)
losing = st.fixed_dictionaries(
    {"lose": st.dictionaries(fact, each, min_size=1)}, optional={"cap": few}
)


@st.composite
def bands(draw: st.DrawFn) -> dict[str, Any]:
    edges = sorted(draw(st.sets(st.integers(1, 8), max_size=4)))
    parts: list[dict[str, Any]] = [
        {
            **({"at_least": low} if low else {}),
            **({"below": high} if high else {"at_least": low}),
            "marks": draw(st.integers(0, 10)),
        }
        for low, high in zip([0, *edges], [*edges, 0], strict=True)
    ]
    return {"bands": parts, "of": draw(st.lists(fact, min_size=1, unique=True) | st.just("all"))}


giving = (
    bands()
    | st.fixed_dictionaries({"proportion": fact, "to": few}, optional={"marks": few})
    | st.fixed_dictionaries({"proportion": fact, "to": fact, "if_nothing": nothing})
    | st.fixed_dictionaries({"best": fact, "if_nothing": nothing}, optional={"marks": few})
    | st.fixed_dictionaries(
        {
            "rank": fact,
            "points": st.lists(st.integers(0, 10), min_size=1, max_size=4),
            "rest": st.integers(0, 2),
            "ties": st.sampled_from(["mean", "highest", "lowest"]),
            "order": st.sampled_from(["highest_first", "lowest_first"]),
        }
    )
    | st.fixed_dictionaries(
        {"min_max": fact, "better": st.sampled_from(["higher", "lower"]), "if_equal": nothing}
    )
)


def branching(rules: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    inner = st.lists(rules, max_size=2)
    conditions = st.dictionaries(fact, bound, min_size=1, max_size=2)
    return rules | st.fixed_dictionaries({"when": conditions, "then": inner, "else": inner})


either = st.lists(branching(losing | earning), min_size=1, max_size=3) | st.lists(
    branching(giving | earning), min_size=1, max_size=3
)
items = st.fixed_dictionaries(
    {"score": either, "facts": st.just({name: {"quantity": "km"} for name in NAMES})},
    optional={"cap": st.integers(5, 20), "floor": st.integers(-9, 5)},
)
number = st.integers(0, 8).map(Decimal) | st.sampled_from([Decimal("0.5"), Decimal("2.25")])
groups = st.lists(st.tuples(number, number, number), min_size=1, max_size=4)


@settings(max_examples=300, deadline=None)
@given(items, groups)
def test_random_rules_of_random_facts_give_what_an_oracle_in_fractions_gives(
    item: dict[str, Any], rows: list[tuple[Decimal, ...]]
) -> None:
    units = [dict(zip(NAMES, map(Fraction, row), strict=True)) for row in rows]
    assert _scores(_run(item, rows)) == [_oracle(item, unit, units) for unit in units]


ITEM = {
    "facts": {"a": {"count": "条"}, "b": {"count": "条"}},
    "score": [{"lose": {"a": 2, "b": 1}}],
}


@pytest.mark.parametrize(
    ("row", "policies", "score"),
    [
        ((Decimal(1), Absent.MISSING), {"missing": "zero"}, 8),
        ((Decimal(1), Absent.MISSING), {"missing": "error"}, Absent.MISSING),
        ((Decimal(1), Absent.NOT_APPLICABLE), {"not_applicable": "zero"}, 8),
        ((Decimal(1), Absent.NOT_APPLICABLE), {"not_applicable": "error"}, Absent.MISSING),
        ((Absent.NOT_APPLICABLE,) * 2, {"not_applicable": "zero"}, Absent.NOT_APPLICABLE),
        ((Absent.NOT_APPLICABLE,) * 2, {"not_applicable": "error"}, Absent.NOT_APPLICABLE),
        ((Decimal(1), Absent.SET_ASIDE), {"missing": "zero"}, Absent.SET_ASIDE),
    ],
)
def test_an_absent_fact_counts_as_the_step_says_and_an_item_without_any_does_not_apply(
    row: Sequence[Score], policies: dict[str, str], score: Score
) -> None:
    assert _scores(_run(ITEM, [row], **policies)) == [score]


def test_an_absent_fact_that_is_no_zero_does_not_count_in_the_group() -> None:
    item = {
        "facts": {"a": {"count": "条"}},
        "score": [{"min_max": "a", "better": "lower", "if_equal": "full"}],
    }
    rows: list[list[Score]] = [[Decimal(2)], [Absent.MISSING], [Decimal(4)], [Decimal(3)]]
    assert _scores(_run(item, rows, missing="error")) == [10, Absent.MISSING, 0, 5]
    assert _scores(_run(item, rows, missing="zero")) == [5, 10, 0, Fraction(5, 2)]


def test_what_the_items_add_up_to_is_the_score_of_the_stage() -> None:
    scored = _run(ITEM, [(Decimal(1), Decimal(2)), (Decimal(9), Decimal(9))])
    for unit, score in (("u0", 6 + 7), ("u1", 0 + 7)):
        parts = scored.points_by("indicator", unit)
        assert [part.member for part in parts] == ["it", "plain"]
        assert (
            sum(part.points for part in parts) == scored.values[unit] == Fraction(score * 100, 40)
        )
        assert sum(part.full for part in parts) == 100


def _result(folder: Path) -> Result:
    header = ["单位", "超期", "公开率", "主动公开年报", "采用数", "Plain"]
    rows: Rows = [
        header,
        ["甲市", 1, 90, "2021-03-12", 6, 12],
        ["乙市", 0, 96, "2021-01-31", 9, 20],
    ]
    write(folder, {"work": rows})
    return appraise(load_scheme(FACTS), [folder])


def _texts(node: Node) -> list[str]:
    return [node.text, *(text for child in node.children for text in _texts(child))]


def test_facts_are_found_by_their_names_with_and_without_the_item(tmp_path: Path) -> None:
    result = _result(tmp_path)
    assert result.findings == []
    scores = {unit: result.traces["city"].stages["work"].value(unit) for unit in ("甲市", "乙市")}
    assert scores == {"甲市": (2 + Fraction(60, 9) + 12) * 100 / 40, "乙市": Fraction(100)}


def test_the_explanation_names_each_fact_with_its_number_and_what_it_loses(tmp_path: Path) -> None:
    texts = _texts(explain(_result(tmp_path), "甲市", 9))
    told = (
        "starts at 10; 超期 1 条 × 5 = -5; 年报 40 days late, 1 for each full 20 = -2; "
        "as this holds: 公开率 90% (< 95): 超期 1 条 × 1 = -1; together 2"
    )
    assert told in texts
    assert "超期: 1" in texts
    assert not any("constant" in text for text in texts)


def test_the_facts_in_the_docs_are_scored_as_they_say(tmp_path: Path) -> None:
    (text,) = re.findall(
        r"<!-- facts -->\n```yaml\n(.*?)```",
        (ROOT / "docs" / "schemes.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    whole = FACTS.read_text(encoding="utf-8")
    start, end = whole.index("      - id: 主动公开"), whole.index("      - {id: plain")
    (tmp_path / "scheme.yaml").write_text(
        whole[:start] + indent(text, " " * 6) + whole[end:], encoding="utf-8"
    )
    loaded = load_scheme(tmp_path / "scheme.yaml")
    assert [item.message for item in loaded.findings] == []
    header = ["单位", "超期", "要素不规范", "公开率", "年报", "采用数", "报送数", "Plain"]
    rows: Rows = [
        header,
        ["甲市", 1, 41, 94, "2021-02-02", 5, 10, 20],
        ["乙市", 0, 1, 94, "2021-01-31", 10, 9, 20],
    ]
    write(tmp_path / "in", {"work": rows})
    steps = appraise(loaded, [tmp_path / "in"]).traces["city"].stages["work"].steps
    values = {key: row.value for key, row in steps[0].rows.items()}
    # 10 − 5 − 2 − 2 − 41 is below 0; 10 − 0 − 1.
    assert [values[unit, "主动公开"] for unit in ("甲市", "乙市")] == [0, 9]
    assert [values[unit, "采用"] for unit in ("甲市", "乙市")] == [4 + 3, 0 + 6]


@pytest.mark.parametrize(
    ("bands", "highest", "right"),
    [
        ([{"below": 80}, {"at_least": 80}], None, True),
        ([{"at_least": 80}, {"below": 80}], None, True),
        ([{"equal": 0}, {"above": 0, "at_most": 3}, {"above": 3}], None, True),
        ([{"below": 80}, {"at_least": 80, "at_most": 100}], 100, True),
        ([{"below": 80}, {"at_least": 80, "below": 100}], 100, False),
        ([{"below": 80}, {"at_least": 80, "at_most": 100}], None, False),
        ([{"below": 80}, {"above": 80}], None, False),
        ([{"at_most": 80}, {"at_least": 80}], None, False),
        ([{"below": 80}, {"at_least": 70}], None, False),
        ([{"at_least": 1}], None, False),
        ([{"below": 5, "at_most": 4}, {"at_least": 5}], None, False),
        ([{"below": 5}, {"at_least": 5, "below": 5}, {"at_least": 5}], None, False),
    ],
)
def test_bands_are_right_where_each_value_from_0_to_the_highest_lies_in_one(
    bands: list[dict[str, int]], highest: int | None, right: bool
) -> None:
    models = [FactBand.model_validate({**band, "marks": 1}) for band in bands]
    assert bands_meet(models, None if highest is None else Fraction(highest)) is right


def test_a_fact_that_nobody_sent_is_a_finding_at_its_cell(tmp_path: Path) -> None:
    header = ["单位", "超期", "公开率", "年报", "采用数", "Plain"]
    rows: Rows = [
        header,
        ["甲市", 1, None, "2021-01-30", 6, 12],
        ["乙市", 0, 96, "2021-01-31", 9, 20],
    ]
    write(tmp_path, {"work": rows})
    found = appraise(load_scheme(FACTS), [tmp_path]).findings
    assert [(item.code, item.source.cell) for item in found] == [("score-missing", "C2")]
    assert "主动公开 公开率" in found[0].message
