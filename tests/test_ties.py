"""Equal finals told apart by the score of an item, or by a fact."""

import re
from collections.abc import Mapping
from dataclasses import replace
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
from wuhu_appraisal.output.explain import explain
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.scheme_tree import scheme_tree
from wuhu_appraisal.output.tables import Node
from wuhu_appraisal.output.workbook import render
from wuhu_appraisal.scheme.audiences import Audience
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.store import dump, load, report
from wuhu_appraisal.year.cases import run_cases

XLSX = "xlsx:Calc MS Excel 2007 XML"
FACT = {
    "by": "fact",
    "stage": "daily",
    "item": "主动公开",
    "fact": "超期",
    "order": "lowest_first",
}
PART = {"by": "item", "stage": "daily", "item": "平台"}
LEAF = {"by": "item", "stage": "daily", "item": "网站"}
ITEM = {"by": "item", "stage": "daily", "item": "主动公开"}
Facts = Mapping[str, tuple[Any, ...]]


def scheme_of(*ties: Mapping[str, object], units: str = "甲乙丙丁", **stage: Any) -> dict[str, Any]:
    """An item of facts, and a part with two items that are added up in two steps."""
    rule = {"missing": "error", "not_applicable": "error"}
    return {
        "id": "small",
        "title": "Ties",
        "document": {"title": "A document"},
        "groups": [
            {"id": "city", "title": "Cities", "clause": "1", "units": [{"name": u} for u in units]}
        ],
        "indicators": [
            {
                "id": "content",
                "title": "Content",
                "clause": "annex",
                "marks": 100,
                "items": [
                    {
                        "id": "主动公开",
                        "title": "主动公开",
                        "marks": 40,
                        "facts": {"超期": {"count": "条"}, "更新": {"count": "条"}},
                        "score": [{"lose": {"超期": 5, "更新": 5}}],
                    },
                    {
                        "id": "平台",
                        "title": "平台建设",
                        "marks": 60,
                        "items": [
                            {"id": "网站", "title": "网站", "marks": 30},
                            {"id": "公报", "title": "公报", "marks": 30},
                        ],
                    },
                ],
            }
        ],
        "stages": [
            {
                "id": "daily",
                "title": "Daily",
                "clause": "2",
                "weight": 100,
                "assessors": ["Office"],
                "window": {"from": "2020-01-01", "to": "2020-12-31"},
                "plans": {
                    "city": {
                        "dimensions": {"indicator": {"indicators": "content"}},
                        "forms": [
                            {
                                "id": "sheet",
                                "title": "Sheet",
                                "file": "daily",
                                "axes": ["unit", "indicator"],
                            }
                        ],
                        "steps": [
                            {"roll_up": "indicator", "by": "facts", **rule},
                            {"roll_up": "indicator", "by": "sum", "to": 1, **rule},
                            {"roll_up": "indicator", "by": "sum", **rule},
                        ],
                        **stage,
                    }
                },
            }
        ],
        "composite": {"missing": "error", "not_applicable": "error", "digits": 2},
        "ranking": {"clause": "第七条", "ties": list(ties)},
        "final": {"digits": 2, "rounding": "half_up"},
    }


def loaded_of(folder: Path, scheme: object) -> LoadedScheme:
    folder.mkdir(exist_ok=True)
    text = yaml.safe_dump(scheme, allow_unicode=True, sort_keys=False)
    for day in ("2020-01-01", "2020-12-31"):
        text = text.replace(f"'{day}'", day)
    (folder / "scheme.yaml").write_text(text, "utf-8")
    return load_scheme(folder / "scheme.yaml")


def computed(folder: Path, scheme: object, facts: Facts) -> Result:
    loaded = loaded_of(folder, scheme)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    rows = [
        ["单位", "超期", "更新", "网站", "公报"],
        *([unit, *row] for unit, row in facts.items()),
    ]
    write(folder / "in", {"daily": rows})
    return appraise(loaded, [folder / "in"])


def ranks(result: Result) -> dict[str, int | None]:
    return {item.unit: item.rank for item in result.standings["city"]}


def texts(node: Node) -> list[str]:
    return [node.text, *(text for child in node.children for text in texts(child))]


EQUAL: Facts = {
    "甲": (2, 0, 20, 20),  # 主动公开 30, 平台 40
    "乙": (0, 2, 25, 15),  # 30, 40
    "丙": (4, 0, 25, 25),  # 20, 50
    "丁": (1, 1, 10, 29),  # 30, 39: another final
}


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        ([], {"甲": 1, "乙": 1, "丙": 1, "丁": 4}),
        ([FACT], {"乙": 1, "甲": 2, "丙": 3, "丁": 4}),
        ([{**FACT, "order": "highest_first"}], {"丙": 1, "甲": 2, "乙": 3, "丁": 4}),
        ([ITEM], {"甲": 1, "乙": 1, "丙": 3, "丁": 4}),
        ([PART], {"丙": 1, "甲": 2, "乙": 2, "丁": 4}),
        ([PART, LEAF], {"丙": 1, "乙": 2, "甲": 3, "丁": 4}),
        ([{**LEAF, "order": "lowest_first"}], {"甲": 1, "乙": 2, "丙": 2, "丁": 4}),
    ],
)
def test_an_item_or_a_fact_tells_equal_finals_apart(
    tmp_path: Path, ties: list[dict[str, object]], expected: dict[str, int]
) -> None:
    result = computed(tmp_path, scheme_of(*ties), EQUAL)
    assert result.findings == []
    assert ranks(result) == expected
    content = dump(result)
    again, findings = load(content, load_scheme(tmp_path / "scheme.yaml"), "appraisal.json")
    assert findings == [] and again is not None and again.standings == result.standings
    assert (b'"ties"' in content) is bool(ties)


def test_the_worked_table_of_the_page_is_what_the_tie_breaks_give(tmp_path: Path) -> None:
    page = (TESTS.parent / "docs" / "documents.md").read_text(encoding="utf-8")
    match = re.search(r"<!-- ties -->\n```yaml\n(.*?)```.*?\n(\|.*?)\n\n", page, re.DOTALL)
    assert match is not None
    lines = [line.strip("| ").split("|") for line in match[2].split("\n")[2:]]
    rows = {row[0].strip(): [*map(int, row[1:])] for row in lines}
    facts = {unit: tuple(row[:4]) for unit, row in rows.items()}
    result = computed(tmp_path, scheme_of() | yaml.safe_load(match[1]), facts)
    assert result.findings == []
    assert {item.unit: [item.final, item.rank] for item in result.standings["city"]} == {
        unit: row[4:] for unit, row in rows.items()
    }


def test_the_lowest_first_holds_for_a_stage_too(tmp_path: Path) -> None:
    tie = {"by": "stage", "stage": "daily", "order": "lowest_first"}
    scheme = scheme_of(tie) | {"final": {"digits": 0, "rounding": "half_up", "cap": 60}}
    result = computed(tmp_path, scheme, EQUAL)
    assert ranks(result) == {"丁": 1, "甲": 2, "乙": 2, "丙": 2}


SCORE = st.integers(0, 6)


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(SCORE, SCORE, SCORE, SCORE), min_size=4, max_size=4),
    st.lists(st.sampled_from([FACT, PART, LEAF, ITEM]), max_size=3),
    st.booleans(),
)
def test_ranks_are_those_of_sorting_by_final_and_ties(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[int, int, int, int]],
    ties: list[dict[str, str]],
    lowest: bool,
) -> None:
    ties = [{**tie, "order": "lowest_first"} if lowest else dict(tie) for tie in ties]
    facts: Facts = {
        unit: (one, two, Fraction(20 + 5 * three, 1), 20 + 5 * (four % 3))
        for unit, (one, two, three, four) in zip("甲乙丙丁", drawn, strict=True)
    }
    facts = {unit: tuple(min(float(value), 30) for value in row) for unit, row in facts.items()}
    result = computed(tmp_path_factory.mktemp("drawn"), scheme_of(*ties), facts)
    keys = {}
    for unit, row in facts.items():
        late, new, site, paper = map(Fraction, row)
        item = max(40 - 5 * late - 5 * new, Fraction(0))
        values = {"平台": site + paper, "网站": site, "主动公开": item}
        key = [item + site + paper]
        for tie in ties:
            value = late if tie["by"] == "fact" else values[tie["item"]]
            key.append(-value if tie.get("order") == "lowest_first" else value)
        keys[unit] = key
    expected = {unit: 1 + sum(other > key for other in keys.values()) for unit, key in keys.items()}
    assert ranks(result) == expected


def test_a_unit_without_the_item_comes_behind_those_that_have_it(tmp_path: Path) -> None:
    scheme = scheme_of({**LEAF, "order": "lowest_first"})
    for step in scheme["stages"][0]["plans"]["city"]["steps"][1:]:
        step["not_applicable"] = "exclude"
    scheme["stages"][0]["plans"]["city"]["forms"][0]["not_applicable"] = "anywhere"
    facts: Facts = {
        "甲": (4, 0, "/", 15),
        "乙": (4, 0, 15, 15),
        "丙": (4, 0, 14, 16),
        "丁": (9, 0, 1, 1),
    }
    result = computed(tmp_path, scheme, facts)
    assert ranks(result) == {"丙": 1, "乙": 2, "甲": 3, "丁": 4}
    assert any(
        "网站 decides, the lowest first: 15 to —" in text
        for text in texts(explain(result, "乙", 0))
    )


def test_the_explanation_says_which_number_decided(tmp_path: Path) -> None:
    result = computed(tmp_path, scheme_of(FACT, PART), EQUAL)
    assert (
        "乙 also has the final 70.00; Daily · 主动公开 · 超期 decides, the lowest first: 2 to 0"
    ) in texts(explain(result, "甲", 0))
    result = computed(tmp_path / "b", scheme_of(PART), EQUAL)
    assert "丙 also has the final 70.00; Daily · 平台 平台建设 decides: 40 to 50" in texts(
        explain(result, "甲", 0)
    )
    chain = "final → Daily · 平台 平台建设 → shared rank"
    assert chain in texts(scheme_tree(result.scheme))


@pytest.mark.parametrize("audience", [Audience.LEADING_GROUP, Audience.PUBLIC, Audience.UNIT])
def test_who_may_not_see_the_items_does_not_see_what_broke_the_tie(
    tmp_path: Path, audience: Audience
) -> None:
    result = computed(tmp_path, scheme_of(FACT, PART), EQUAL)
    assert b'"ties"' in report(result, final=False)
    copy = redacted(result, audience)
    assert [item.rank for item in copy.standings["city"]] == [1, 2, 3, 4]
    shows_all = copy.copy.shows == result.copy.shows
    assert (b'"ties"' in report(copy, final=False)) is shows_all


CASES = """
cases:
  - name: ties
    clause: 第七条
    group: city
    units:
      - unit: 甲
        stages:
          daily:
            - {indicator: 主动公开/超期, score: 2}
            - {indicator: 主动公开/更新, score: 0}
            - {indicator: 网站, score: 20}
            - {indicator: 公报, score: 20}
        expect: {final: 70, rank: 2}
      - unit: 乙
        stages:
          daily:
            - {indicator: 主动公开/超期, score: 0}
            - {indicator: 主动公开/更新, score: 2}
            - {indicator: 网站, score: 25}
            - {indicator: 公报, score: 15}
        expect: {final: 70, rank: 1}
"""


def test_cases_break_ties_as_the_appraisal_does(tmp_path: Path) -> None:
    loaded = loaded_of(tmp_path, scheme_of(FACT))
    assert loaded.scheme is not None
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "a.yaml").write_text(CASES, "utf-8")
    assert run_cases(loaded.scheme, tmp_path / "cases") == (1, [])
    (tmp_path / "cases" / "a.yaml").write_text(CASES.replace("rank: 2", "rank: 1"), "utf-8")
    _count, findings = run_cases(loaded.scheme, tmp_path / "cases")
    assert [item.code for item in findings] == ["case-wrong"]


@pytest.mark.parametrize(
    ("tie", "stage", "found"),
    [
        ({**FACT, "fact": "逾期"}, {}, "scheme-reference"),
        ({**FACT, "item": "主动公示"}, {}, "scheme-reference"),
        ({**LEAF, "stage": "dayly"}, {}, "scheme-reference"),
        ({"by": "item", "stage": "daily"}, {}, "scheme-value-wrong"),
        ({"by": "fact", "stage": "daily", "fact": "超期"}, {}, "scheme-value-wrong"),
        ({"by": "composite", "stage": "daily"}, {}, "scheme-value-wrong"),
        ({**PART, "fact": "超期"}, {}, "scheme-value-wrong"),
    ],
)
def test_a_tie_break_that_names_nothing_or_too_much_is_refused(
    tmp_path: Path, tie: dict[str, object], stage: dict[str, Any], found: str
) -> None:
    loaded = loaded_of(tmp_path, scheme_of(tie, **stage))
    assert [item.code for item in loaded.findings] == [found]


RULE = {"missing": "error", "not_applicable": "error"}
BY_ROUND = {
    "dimensions": {
        "round": {"members": {"r1": "第一轮", "r2": "第二轮"}},
        "indicator": {"indicators": "content"},
    },
    "forms": [
        {"id": "sheet", "title": "Sheet", "file": "daily-{round}", "axes": ["unit", "indicator"]}
    ],
}
FACTS_STEP = {"roll_up": "indicator", "by": "facts", **RULE}
SUM = {"roll_up": "indicator", "by": "sum", **RULE}
MEAN = {"roll_up": "round", "by": "mean", **RULE}


@pytest.mark.parametrize(
    ("tie", "stage", "found"),
    [
        (LEAF, {**BY_ROUND, "steps": [FACTS_STEP, SUM, MEAN]}, ["scheme-tie"]),
        (LEAF, {**BY_ROUND, "steps": [FACTS_STEP, MEAN, SUM]}, []),
        (ITEM, {**BY_ROUND, "steps": [FACTS_STEP, MEAN, SUM]}, []),
        (FACT, {**BY_ROUND, "steps": [FACTS_STEP, MEAN, SUM]}, ["scheme-tie"]),
        (PART, {**BY_ROUND, "steps": [FACTS_STEP, MEAN, SUM]}, ["scheme-tie"]),
        (PART, {**BY_ROUND, "steps": [FACTS_STEP, MEAN, {**SUM, "to": 1}, SUM]}, []),
    ],
)
def test_an_item_that_has_several_numbers_a_unit_or_none_is_refused(
    tmp_path: Path, tie: dict[str, object], stage: dict[str, Any], found: list[str]
) -> None:
    loaded = loaded_of(tmp_path, scheme_of(tie, **stage))
    assert [item.code for item in loaded.findings] == found


@pytest.mark.parametrize("steps", range(3))
def test_the_workbook_takes_the_number_from_where_it_last_stands(
    tmp_path: Path, steps: int
) -> None:
    """Items side by side; by round, rolled up before them; at a level of the tree."""
    tie = PART if steps == 2 else LEAF
    plan: dict[str, Any] = {"steps": [SUM]}
    if steps:
        plan = {**BY_ROUND, "steps": [MEAN, *[{**SUM, "to": 1}] * (steps == 2), SUM]}
    scheme = scheme_of(tie, **plan)
    scheme["indicators"][0]["items"][0] = {"id": "主动公开", "title": "主动公开", "marks": 40}
    loaded = loaded_of(tmp_path, scheme)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    rows: list[list[Any]] = [
        ["单位", "主动公开", "网站", "公报"],
        ["甲", 30, 20, 20],
        ["乙", 30, 25, 15],
        ["丙", 21, 25, 24],
        ["丁", 29, 10, 29],
    ]
    names = ("daily-第一轮", "daily-第二轮") if steps else ("daily",)
    write(tmp_path / "in", dict.fromkeys(names, rows))
    result = appraise(loaded, [tmp_path / "in"])
    assert {item.unit: item.rank for item in result.standings["city"]} == (
        {"丙": 1, "甲": 2, "乙": 2, "丁": 4} if steps == 2 else {"乙": 1, "丙": 1, "甲": 3, "丁": 4}
    )
    path = tmp_path / "book.xlsx"
    path.write_bytes(render(result, final=True))
    formulas, values = opened(path, values=False), opened(path)
    for row in formulas["Overall ranking"].iter_rows():
        if row[2].value in EQUAL:
            match = re.search(r"ROUND\(Daily!\$(\w+)\$(\d+),10\)", str(row[-1].value))
            assert match is not None
            (own,) = next(i.ties for i in result.standings["city"] if i.unit == row[2].value)
            assert values["Daily"][f"{match[1]}{match[2]}"].value == own


def test_a_group_whose_stage_has_no_such_item_is_ranked_without_it(tmp_path: Path) -> None:
    scheme = scheme_of(PART)
    scheme["groups"].append(
        {
            "id": "county",
            "title": "Counties",
            "clause": "1",
            "units": [{"name": "戊"}, {"name": "己"}],
        }
    )
    form = {"id": "one", "title": "One", "file": "county", "axes": ["unit"]}
    scheme["stages"][0]["plans"]["county"] = {"full_marks": 100, "forms": [form]}
    loaded = loaded_of(tmp_path, scheme)
    assert loaded.findings == []
    write(tmp_path / "in", {"county": [["单位", "得分"], ["戊", 80], ["己", 80]]})
    result = computed(tmp_path, scheme, EQUAL)
    assert [item.rank for item in result.standings["county"]] == [1, 1]
    assert render(result, final=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ties", "rank"),
    [([FACT], (1, 2, 3)), ([PART, LEAF], (2, 3, 1)), ([ITEM, FACT, LEAF], (1, 2, 3))],
)
def test_the_workbook_ranks_by_what_breaks_ties(
    tmp_path: Path, soffice: str, ties: list[dict[str, object]], rank: tuple[int, ...]
) -> None:
    result = computed(tmp_path / "a", scheme_of(*ties), EQUAL)
    stored = tmp_path / "book.xlsx"
    stored.write_bytes(render(result, final=True))
    again = convert_all(soffice, tmp_path / "out", [stored], XLSX) / stored.name
    found, compared = differing(stored, again)
    assert not found and compared > 40
    # 甲 and 乙 change places: their facts and items are exchanged in the stage's sheet.
    swapped = {**EQUAL, "甲": EQUAL["乙"], "乙": EQUAL["甲"]}
    right = tmp_path / "right.xlsx"
    right.write_bytes(render(computed(tmp_path / "b", scheme_of(*ties), swapped), final=True))
    book = openpyxl.load_workbook(stored)
    values = {(u, m): v for u, row in swapped.items() for m, v in zip(MEMBERS, row, strict=True)}
    sheet = book["Daily"]
    column = next(c.column for r in sheet.iter_rows() for c in r if c.value == "Score or fact")
    for row in sheet.iter_rows():
        names = [str(cell.value) for cell in row[:4]]
        member = next((name for name in reversed(names) if name in MEMBERS), "")
        if (names[0], member) in values:
            row[column - 1].value = values[names[0], member]
    book.save(tmp_path / "changed.xlsx")
    again = convert_all(soffice, tmp_path / "out", [tmp_path / "changed.xlsx"], XLSX)
    rows = list(opened(again / "changed.xlsx")["Overall ranking"].iter_rows(values_only=True))
    wanted = list(opened(right)["Overall ranking"].iter_rows(values_only=True))
    by_unit = {row[2]: row[1] for row in rows if row[2] in EQUAL}
    assert by_unit == {row[2]: row[1] for row in wanted if row[2] in EQUAL}
    assert tuple(by_unit[unit] for unit in "甲乙丙") == rank


MEMBERS = ("超期", "更新", "网站", "公报")


def test_scores_closer_than_a_formula_compares_are_ranked_by_value(tmp_path: Path) -> None:
    result = computed(tmp_path, scheme_of(LEAF), {**EQUAL, "乙": (2, 0, 20, 20)})
    assert ranks(result) == {"丙": 1, "甲": 2, "乙": 2, "丁": 4}
    standings = [
        replace(item, ties=(Fraction(20) + Fraction(1, 10**12),), rank=2)
        if item.unit == "甲"
        else item
        for item in result.standings["city"]
    ]
    for made, formulas in ((result, True), (replace(result, standings={"city": standings}), False)):
        book = tmp_path / "book.xlsx"
        book.write_bytes(render(made, final=True))
        page = opened(book, values=False)["Overall ranking"]
        cells = [row[1] for row in page.iter_rows() if row[2].value in EQUAL]
        assert {cell.data_type == "f" for cell in cells} == {formulas}
