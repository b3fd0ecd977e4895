"""A floor or a cap at any level of the indicators: against an oracle in fractions, and in words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import ROOT, TESTS, Appraise
from helpers.fact_workbooks import (
    XLSX,
    Numbers,
    assert_alike,
    loaded,
    put_facts,
    result_of,
    written,
)
from helpers.office import convert_all
from helpers.recalculation import opened
from helpers.small import write
from helpers.stages import drawn
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import load_scheme, store
from wuhu_appraisal.model import HELD, Absent, Axis, Block, Score, ScoreTable
from wuhu_appraisal.output.compare import compare, differences
from wuhu_appraisal.output.explain import explain
from wuhu_appraisal.output.feedback import unit_tables
from wuhu_appraisal.output.parameters import parameters
from wuhu_appraisal.output.tables import Node
from wuhu_appraisal.scheme.load import load_model
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.contributions import ScoredStage
from wuhu_appraisal.score.steps import evaluate

Data = dict[str, Any]
SCHEME = TESTS / "bounds_scheme.yaml"
UNITS = {"甲市": (14, 0, 6, 3), "乙市": (0, 15, 0, 40), "丙市": (3, 9, 1, 33)}
"""What the facts and the plain scores of each unit are: late, form, asked, plain."""


def facts_of(units: Mapping[str, Sequence[int]]) -> Numbers:
    members = ("late/超期", "form", "asked/逾期", "plain")
    return {
        (unit, half, member): Decimal(number)
        for unit, numbers in units.items()
        for half in ("first", "second")
        for member, number in zip(members, numbers, strict=True)
    }


# --- an oracle ---------------------------------------------------------------------------------


@st.composite
def trees(draw: st.DrawFn, depth: int = 3) -> Data:
    """A tree of items that may lose more than their marks, each level with bounds or without."""
    node: Data = {}
    if depth and draw(st.integers(0, 3)):
        node["items"] = draw(st.lists(trees(depth - 1), min_size=1, max_size=3))
        node["marks"] = sum(item["marks"] for item in node["items"])
        floor = draw(st.none() | st.integers(-20, 10))
        cap = draw(st.none() | st.integers(floor or 0, 40))
        node |= {} if floor is None else {"floor": floor}
        node |= {} if cap is None else {"cap": cap}
        return node
    node["marks"] = draw(st.integers(1, 20))
    node["lost"] = draw(st.none() | st.integers(0, 40))
    return node


def deepest(node: Data) -> int:
    return 1 + max(map(deepest, node.get("items", [])), default=0)


def oracle(node: Data) -> Fraction | None:
    """The score of a node: None where nothing below it applies."""
    if "items" not in node:
        return None if node["lost"] is None else Fraction(node["marks"] - node["lost"])
    parts = [(item["marks"], oracle(item)) for item in node["items"]]
    present = [(marks, value) for marks, value in parts if value is not None]
    if not present:
        return None
    whole = sum(marks for marks, _value in parts)
    value = sum((value for _marks, value in present), Fraction(0))
    value *= Fraction(whole, sum(marks for marks, _value in present))
    value = min(value, Fraction(node.get("cap", 10**6)))
    return max(value, Fraction(node.get("floor", -(10**6))))


def indicators(node: Data, name: str = "n") -> Data:
    """The node as a scheme has it."""
    data = {key: value for key, value in node.items() if key not in ("items", "lost")}
    data |= {"id": name, "title": name}
    if "items" in node:
        items = enumerate(node["items"])
        return data | {"items": [indicators(item, f"{name}{at}") for at, item in items]}
    return data | {
        "floor": -99,
        "facts": {"lost": {"count": "条"}},
        "score": [{"lose": {"lost": 1}}],
    }


def leaves(node: Data, name: str = "n") -> Iterator[tuple[str, Score]]:
    for at, item in enumerate(node.get("items", [])):
        yield from leaves(item, f"{name}{at}")
    if "items" not in node:
        lost = Absent.NOT_APPLICABLE if node["lost"] is None else Decimal(node["lost"])
        yield f"{name}/lost", lost


def scored(tree: Data) -> ScoredStage:
    data = loaded(SCHEME).model_dump(by_alias=True)
    whole = indicators(tree)
    data["indicators"] = [{**whole, "id": "content", "clause": "annex"}]
    data["groups"][0]["units"] = [{"name": "甲市"}]
    plan = data["stages"][0]["plans"]["city"]
    plan["dimensions"].pop("half")
    facts, *_rest = plan["steps"]
    total = {**_rest[2], "to": None}
    levels = range(deepest(tree) - 2, 0, -1)
    plan["steps"] = [facts, *({**total, "to": level} for level in levels), total]
    scheme = Scheme.model_validate(data)
    members, values = zip(*leaves(tree), strict=True)
    axes = Axis("unit", ("甲市",), (1,)), Axis("indicator", members, tuple(range(len(members))))
    table = ScoreTable(("unit", "indicator"), [Block("f", "s", {}, *axes, [list(values)])])
    trace, _findings = evaluate(scheme, scheme.stages[0], "city", table)
    return ScoredStage(scheme, scheme.stages[0], "city", trace)


@given(trees().filter(lambda tree: "items" in tree))
@drawn(300)
def test_bounds_of_every_level_hold_nested_as_in_the_oracle_and_the_parts_add_up(
    tree: Data,
) -> None:
    stage, right = scored(tree), oracle(tree)
    value = stage.values["甲市"]
    assert value == (Absent.NOT_APPLICABLE if right is None else right)
    for table in stage.trace.steps:
        for row in table.rows.values():
            if not isinstance(row.value, Absent):
                numbers = [
                    Fraction(0) if isinstance(v, Absent) else Fraction(v) for v in row.values
                ]
                pairs = zip(row.coefficients, numbers, strict=True)
                assert row.value == sum(share * number for share, number in pairs)
    points = sum((part.points for part in stage.points_by("indicator", "甲市")), Fraction(0))
    assert points == (right or 0)


# --- in words ----------------------------------------------------------------------------------


def texts(node: Node) -> list[str]:
    return [node.text, *(text for child in node.children for text in texts(child))]


def nodes(node: Node) -> list[Node]:
    return [node, *(item for child in node.children for item in nodes(child))]


def test_the_worked_numbers_of_a_category_that_cannot_go_below_0() -> None:
    result = result_of(loaded(SCHEME), facts_of(UNITS))
    finals = {item.unit: item.final for item in result.standings["city"]}
    # 甲市: 25 - 14×5 = -45, 20 - 6×10 held at -30, together -75, held at 0; 3 more.
    # 乙市: 25 + 15 held at 30, 20 more, and 40: 90, which is the cap. 丙市: 10 + 9 + 10 + 33.
    assert finals == {"甲市": Decimal("3.00"), "乙市": Decimal("90.00"), "丙市": Decimal("62.00")}


def test_an_explanation_names_the_bound_its_clause_and_what_it_adds() -> None:
    result = result_of(loaded(SCHEME), facts_of(UNITS))
    bounds = [item for item in nodes(explain(result, "甲市", 9)) if item.kind == "bound"]
    shown = [(item.text, item.value, item.clause) for item in bounds]
    assert shown == [("at least 0: +75", Fraction(75), "annex 1")] * 2
    whole = {**UNITS, "乙市": (0, 15, 0, 45)}
    tree = explain(result_of(loaded(SCHEME), facts_of(whole)), "乙市", 9)
    bounds = [item for item in nodes(tree) if item.kind == "bound"]
    assert {(item.text, item.clause) for item in bounds} == {
        ("at most 30: -10", "annex own"),
        ("at most 90: -5", "annex"),
    }
    assert "sum of 2: 25 + 15 = 40" in texts(tree)


def test_a_bound_that_does_not_bind_leaves_no_trace() -> None:
    result = result_of(loaded(SCHEME), facts_of(UNITS))
    steps = result.traces["city"].stages["work"].steps
    held = {key for table in steps for key, row in table.rows.items() if HELD in row.members}
    assert held == {
        (unit, half, node)
        for unit, node in (("甲市", "open"), ("乙市", "own"))
        for half in ("first", "second")
    }


def test_two_units_are_compared_with_what_their_bounds_add_or_take_away() -> None:
    result = result_of(loaded(SCHEME), facts_of({**UNITS, "乙市": (0, 15, 0, 45)}))
    (stage, *_rest) = differences(result, "甲市", "乙市")
    assert sum(part.points for part in stage.parts) == stage.points == -87
    shown = texts(compare(result, "甲市", "乙市", 2))
    assert "open Openness: within its limits: 75 vs —" in shown
    assert "Content: within its limits: — vs -5" in shown


def test_a_letter_states_the_marks_that_a_bound_gives_back_so_that_the_losses_add_up() -> None:
    result = result_of(loaded(SCHEME), facts_of(UNITS))
    for unit, final in (("甲市", 3), ("乙市", 90), ("丙市", 62)):
        losses = next(table for table in unit_tables(result, unit) if table.name == "Marks lost")
        assert sum(row[2] for row in losses.rows) == 100 - final  # type: ignore[misc]
    rows = {row[1]: row[2] for row in losses.rows}
    assert not [name for name in rows if "limits" in str(name)]


def test_rates_of_categories_are_those_of_the_scores_within_the_bounds() -> None:
    result = result_of(loaded(SCHEME), facts_of(UNITS))
    table = next(item for item in unit_tables(result, "甲市") if item.name == "Categories")
    assert [row[2] for row in table.rows] == [Decimal("0.00"), Decimal("7.50")]


def test_bounds_stand_among_the_numbers_of_the_scheme_with_their_clauses() -> None:
    lines = [item for item in parameters(loaded(SCHEME)) if item.key[:1] in (("floor",), ("cap",))]
    assert [(item.key, item.number, item.clause) for item in lines] == [
        (("cap", "content", ""), 90, "annex"),
        (("floor", "content", "open"), 0, "annex 1"),
        (("cap", "content", "own"), 30, "annex own"),
    ]


def test_the_worked_table_of_the_page_is_what_its_category_gives() -> None:
    page = (ROOT / "docs" / "documents.md").read_text("utf-8")
    match = re.search(r"<!-- category -->\n```yaml\n(.*?)```.*?(\n\|.*?)\n\n", page, re.DOTALL)
    assert match is not None
    head, _line, *rows = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in match[2].split("\n")[1:]
    ]
    category, units = yaml.safe_load(match[1]), tuple(row[0] for row in rows)
    data = loaded(SCHEME).model_dump(by_alias=True)
    data["groups"][0]["units"] = [{"name": unit} for unit in units]
    content = {"id": "content", "title": "内容", "clause": "附", "marks": 30, "items": [category]}
    data["indicators"] = [content]
    plan = data["stages"][0]["plans"]["city"]
    plan["dimensions"].pop("half")
    plan["forms"][0]["file"] = "work"
    plan["steps"] = [plan["steps"][0], plan["steps"][2], plan["steps"][3], {"rescale": 100}]
    found = load_model(Scheme.model_validate(data))
    assert found.scheme is not None, [item.message for item in found.findings]
    members = tuple(
        f"{item['id']}/{fact}"
        for fact in head[1:3]
        for item in category["items"]
        if fact in item["facts"]
    )
    axes = Axis("unit", units, (1, 2, 3, 4)), Axis("indicator", members, (1, 2))
    values = [[Decimal(cell) for cell in row[1:3]] for row in rows]
    table = ScoreTable(("unit", "indicator"), [Block("f", "s", {}, *axes, values)])
    trace, findings = evaluate(found.scheme, found.scheme.stages[0], "city", table)
    assert not findings
    for row in rows:
        assert trace.steps[1].rows[row[0], head[3]].value == Fraction(row[3]), row


# --- in the workbook ---------------------------------------------------------------------------

OTHERS = [
    {"甲市": (4, 0, 2, 3), "乙市": (0, 15, 0, 45), "丙市": (9, 9, 5, 33)},
    {"甲市": (0, 2, 0, 3), "乙市": (20, 15, 9, 40), "丙市": (0, 15, 1, 33)},
]


@pytest.mark.slow
def test_facts_changed_in_the_workbook_make_bounds_bind_or_no_longer_bind(
    tmp_path: Path, soffice: str
) -> None:
    scheme = loaded(SCHEME)
    results = [result_of(scheme, facts_of(units)) for units in (UNITS, *OTHERS)]
    stored = [written(result, tmp_path / f"stored-{at}.xlsx") for at, result in enumerate(results)]
    changed = []
    for at, units in enumerate((UNITS, *OTHERS)):
        book = opened(stored[at - 1], values=False)
        put_facts(book["Work"], scheme, facts_of(units))
        changed.append(tmp_path / f"changed-{at}.xlsx")
        book.save(changed[-1])
    folder = convert_all(soffice, tmp_path, changed, XLSX)
    for right, path in zip(stored, changed, strict=True):
        assert_alike(right, folder / path.name, at_least=50)


@pytest.mark.slow
def test_bounds_changed_among_the_rules_of_the_workbook_move_the_scores(
    tmp_path: Path, soffice: str
) -> None:
    text = SCHEME.read_text("utf-8")
    text = text.replace("floor: 0", "floor: 7").replace("cap: 30", "cap: 28.5")
    (tmp_path / "other.yaml").write_text(text.replace("cap: 90", "cap: 70"), "utf-8")
    first = written(result_of(loaded(SCHEME), facts_of(UNITS)), tmp_path / "first.xlsx")
    other = loaded(tmp_path / "other.yaml")
    right = written(result_of(other, facts_of(UNITS)), tmp_path / "right.xlsx")
    book = opened(first, values=False)
    left = {0: 7, 30: 28.5, 90: 70}
    for row in book["Rules and weights"].iter_rows():
        number = row[3].value
        bound = str(row[2].value).strip() in ("at least", "at most")
        if bound and isinstance(number, int) and number in left:
            row[3].value = left.pop(number)
    assert not left
    book.save(tmp_path / "changed.xlsx")
    folder = convert_all(soffice, tmp_path, [tmp_path / "changed.xlsx"], XLSX)
    assert_alike(right, folder / "changed.xlsx", at_least=50)


# --- the whole way -----------------------------------------------------------------------------

CASE = """
cases:
  - name: A category stops at 0
    clause: annex 1
    group: city
    worked: 25 - 70 = -45, 20 - 60 held at -30, together -75, held at 0; 0 + 3 = 3
    units:
      - unit: 甲市
        stages:
          work:
            - {half: "*", indicator: late/超期, score: 14}
            - {half: "*", indicator: asked/逾期, score: 6}
            - {half: "*", indicator: form, score: 0}
            - {half: "*", indicator: plain, score: 3}
        expect: {stages: {work: 3}, final: 3}
      - unit: 乙市
        stages:
          work:
            - {half: "*", indicator: own, score: 40}
            - {half: "*", indicator: asked, score: 20}
            - {half: "*", indicator: plain, score: 40}
        expect: {final: 90, rank: 1}
"""


def test_a_case_takes_items_or_their_sums_through_the_bounds(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    folder = tmp_path / "mine"
    (folder / "cases").mkdir(parents=True)
    (folder / "scheme.yaml").write_text(SCHEME.read_text("utf-8"), "utf-8")
    (folder / "cases" / "floor.yaml").write_text(CASE, "utf-8")
    done = appraise_cli("scheme", "test", folder)
    assert done.exit_code == 0, done.output


@pytest.fixture
def computed(tmp_path: Path, appraise_cli: Appraise) -> Path:
    """The stage files of all units, and the result of them."""
    head = ["单位", "超期", "逾期", "Form", "Plain"]
    rows = [[unit, n[0], n[2], n[1], n[3]] for unit, n in UNITS.items()]
    write(tmp_path / "in", {f"work/{half}": [head, *rows] for half in ("first", "second")})
    done = appraise_cli("compute", "--scheme", SCHEME, "in", "--out", "results")
    assert done.exit_code == 0, done.output
    return tmp_path


def test_a_result_with_bounds_is_read_back_verified_and_explained(
    computed: Path, appraise_cli: Appraise
) -> None:
    content = (computed / "results" / "appraisal.json").read_bytes()
    stored, _findings = store.load(content, load_scheme(SCHEME), "appraisal.json")
    assert stored is not None
    rows = stored.traces["city"].stages["work"].steps[2].rows
    assert rows["甲市", "first", "open"].members == ("own", "asked", HELD)
    assert appraise_cli("report", "--format", "xlsx", "--scheme", SCHEME).exit_code == 0
    for path in ("results/appraisal.json", *computed.glob("results/*.xlsx")):
        done = appraise_cli("verify", path, "--scheme", SCHEME, "--files", "in")
        assert done.exit_code == 0, done.output
    done = appraise_cli("explain", "甲市", "--depth", "9", "--scheme", SCHEME)
    assert done.exit_code == 0
    assert "at least 0: +75" in done.output
