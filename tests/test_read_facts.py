"""Facts are read from sheets by their kind; wrong content is a finding at its cell."""

import io
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.model import Absent, Rule
from wuhu_appraisal.output.forms import render
from wuhu_appraisal.read.cells import FactCellRule
from wuhu_appraisal.scheme.facts import Fact
from wuhu_appraisal.scheme.rules import Reading
from wuhu_appraisal.workbooks.cell import Look
from wuhu_appraisal.year.expected import templates

SCHEME = """
id: tiny
title: Tiny
document: {title: A document}
groups:
  - {id: city, title: Cities, clause: "1", units: [{name: 甲市}, {name: 乙市}]}
indicators:
  - id: content
    title: Content
    clause: annex
    marks: 100
    items:
      - id: 公开
        title: 公开
        marks: 50
        facts: {超期: {count: 条}, 公开率: {rate: percent}, 专栏: {yes_no: true}}
        score:
          - lose: {超期: 5}
          - when: {公开率: {below: 95}}
            then: [{lose: {超期: 1}}]
          - when: {专栏: false}
            then: [{lose: {超期: 2}}]
      - id: 回应
        title: 回应
        marks: 30
        facts: {超期: {count: 件}, 年报: {due: 2021-01-31}}
        score:
          - lose: {超期: 3, 年报: 1}
      - {id: plain, title: Plain, marks: 20}
stages:
  - id: work
    title: Work
    clause: "3"
    weight: 100
    assessors: [Office]
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      city:
        dimensions:
          indicator: {indicators: content}
        forms:
          - {id: sheet, title: Sheet, file: "work", axes: [unit, indicator]}
        steps:
          - {roll_up: indicator, by: facts, missing: error, not_applicable: zero}
          - {roll_up: indicator, by: sum, missing: error, not_applicable: exclude}
composite: {missing: error, not_applicable: error, digits: 2}
final: {digits: 2, rounding: half_up}
ranking: {}
"""
HEADER = ["单位", "公开超期", "公开率", "专栏", "回应 超期", "年报", "Plain"]
FIRST = ["甲市", 2, "96%", "是", "1件", date(2021, 2, 3), 20]
SECOND = ["乙市", 0, 95, "无", 0, "2021年1月31日", 10]
# 甲市: 50 - 2×5, 30 - 1×3 - 3 days, 20; 乙市: all of 50 and 30, 10.
FINALS = {"甲市": Decimal(40 + 24 + 20), "乙市": Decimal(50 + 30 + 10)}


def run(folder: Path, *rows: list[Any], merged: tuple[str, ...] = ()) -> Result:
    (folder / "scheme.yaml").write_text(SCHEME, encoding="utf-8")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for area in merged:
        sheet.merge_cells(area)
    (folder / "in").mkdir()
    book.save(folder / "in" / "work.xlsx")
    loaded = load_scheme(folder / "scheme.yaml")
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    return appraise(loaded, [folder / "in"])


def finals(result: Result) -> dict[str, Any]:
    assert not result.findings, [item.message for item in result.findings]
    return {item.unit: item.final for item in result.standings["city"]}


def test_facts_stand_in_columns_under_their_names_or_with_their_items(tmp_path: Path) -> None:
    result = run(tmp_path, HEADER, FIRST, SECOND)
    assert finals(result) == FINALS
    entries = {entry.source.cell: (entry.value, entry.rules) for entry in result.ledger}
    assert entries["C2"] == ("96", (Rule.TEXT, Rule.FACT))
    assert entries["D3"] == ("0", (Rule.FACT,))
    assert entries["E2"] == ("1", (Rule.TEXT, Rule.WORD))
    assert entries["F2"] == ("3", (Rule.FACT,))


def test_an_item_may_stand_above_its_facts_in_merged_cells(tmp_path: Path) -> None:
    upper = ["单位", "公开", None, None, "回应", None, "Plain"]
    lower = [None, "超期", "公开率", "专栏", "超期", "年报", None]
    merged = ("A1:A2", "B1:D1", "E1:F1", "G1:G2")
    assert finals(run(tmp_path, upper, lower, FIRST, SECOND, merged=merged)) == FINALS


def test_facts_may_stand_in_rows_behind_their_items(tmp_path: Path) -> None:
    items = [("公开", "超期"), (None, "公开率"), (None, "专栏"), ("回应", "超期"), (None, "年报")]
    items.append((None, "Plain"))
    rows = [[*names, FIRST[place], SECOND[place]] for place, names in enumerate(items, start=1)]
    result = run(tmp_path, ["一级指标", "指标", "甲市", "乙市"], *rows, merged=("A2:A4", "A5:A6"))
    assert finals(result) == FINALS


@pytest.mark.parametrize(
    ("column", "value"),
    [(1, 1.5), (1, -1), (1, "若干"), (2, 0.95), (2, 101), (3, "也许"), (4, "2条"), (5, "1月底")],
)
def test_a_fact_of_another_kind_is_one_error_at_its_cell(
    tmp_path: Path, column: int, value: object
) -> None:
    first: list[Any] = [*FIRST]
    first[column] = value
    result = run(tmp_path, HEADER, first, SECOND)
    assert [item.code for item in result.findings] == ["fact-wrong"]
    assert result.findings[0].source.cell == f"{'ABCDEF'[column]}2"
    assert str(value) in result.findings[0].message


def test_a_blank_fact_is_missing_and_never_nothing(tmp_path: Path) -> None:
    first: list[Any] = [*FIRST]
    first[1] = None
    result = run(tmp_path, HEADER, first, SECOND)
    assert [item.code for item in result.findings] == ["score-missing"]
    assert result.provisional


def read(fact: dict[str, Any], raw: Any, **look: Any) -> Any:
    rule = FactCellRule(Decimal(0), Reading(), fact=Fact.model_validate(fact))
    answer = rule.read(raw, Look(**look))
    codes = [item.code for item in answer.findings]
    return codes[0] if codes else answer.value


@pytest.mark.parametrize(
    ("fact", "raw", "expected"),
    [
        ({"count": "条"}, 3.0, Decimal(3)),
        ({"count": "条"}, "３ 条", Decimal(3)),
        ({"count": "条"}, "无", Absent.NOT_APPLICABLE),
        ({"count": "条"}, "3%", "fact-wrong"),
        ({"count": "条"}, True, "fact-wrong"),
        ({"quantity": "平方米"}, "1,200.5平方米", Decimal("1200.5")),
        ({"quantity": "平方米"}, -0.5, "fact-wrong"),
        ({"rate": "percent"}, "95.5%", Decimal("95.5")),
        ({"rate": "percent"}, 0.0, Decimal(0)),
        ({"rate": "percent"}, 1.0, "fact-wrong"),
        ({"rate": "percent"}, "0.5%", Decimal("0.5")),
        ({"rate": "share"}, 0.95, Decimal("0.95")),
        ({"rate": "share"}, "95%", Decimal("0.95")),
        ({"rate": "share"}, 95.0, "fact-wrong"),
        ({"yes_no": True}, "有", Decimal(1)),
        ({"yes_no": True}, "YES", Decimal(1)),
        ({"yes_no": True}, "√", Decimal(1)),
        ({"yes_no": True}, "×", Decimal(0)),
        ({"yes_no": True}, True, Decimal(1)),
        ({"yes_no": True}, 0.0, Decimal(0)),
        ({"yes_no": True}, 2.0, "fact-wrong"),
        ({"yes_no": True}, "不适用", Absent.NOT_APPLICABLE),
        ({"yes_no": True}, "", Absent.MISSING),
        ({"due": date(2021, 1, 31)}, datetime(2021, 1, 31, 17), Decimal(0)),
        ({"due": date(2021, 1, 31)}, datetime(2020, 12, 1), Decimal(0)),
        ({"due": date(2021, 1, 31)}, "2021/3/1", Decimal(29)),
        ({"due": date(2021, 1, 31)}, "2021-02-30", "fact-wrong"),
        ({"due": date(2021, 1, 31)}, 44227.0, "fact-wrong"),
        ({"due": date(2021, 1, 31)}, datetime(2012, 2, 7), "fact-wrong"),
    ],
)
def test_each_kind_of_fact_is_read_by_its_rule(fact: Any, raw: Any, expected: Any) -> None:
    assert read(fact, raw) == expected


def test_a_cell_that_is_shown_as_a_percentage_is_one() -> None:
    assert read({"rate": "percent"}, 0.95, percent=True, shown="95%") == 95
    assert read({"rate": "share"}, 0.95, percent=True, shown="95%") == Decimal("0.95")
    assert read({"rate": "percent"}, 95.0, percent=True, shown="9500%") == "fact-wrong"


@pytest.mark.parametrize("across", [True, False])
def test_a_form_made_for_facts_is_read_as_it_is_filled(tmp_path: Path, across: bool) -> None:
    text = SCHEME
    if not across:
        text = text.replace(
            'file: "work", axes: [unit, indicator]', 'file: "{unit}", axes: [indicator]'
        )
    (tmp_path / "scheme.yaml").write_text(text, encoding="utf-8")
    scheme = load_scheme(tmp_path / "scheme.yaml").scheme
    assert scheme is not None
    found, problems = templates(scheme)
    assert not problems
    (tmp_path / "in").mkdir()
    given = {"甲市": FIRST[1:], "乙市": SECOND[1:]}
    kinds: list[str] = []
    for template in found:
        book = openpyxl.load_workbook(io.BytesIO(render(scheme, template)))
        sheet = book.worksheets[0]
        rules = sheet.data_validations.dataValidation
        kinds = [rule.type for rule in rules if "date" not in str(rule.promptTitle)]
        table = [
            [cell for cell in row if cell.fill.start_color.rgb == "FFF9ECBC"]
            for row in sheet.iter_rows()
        ]
        rows = [row for row in table if len(row) == (6 if across else 1)]
        units = list(given) if across else [str(template.path).removesuffix(".xlsx")]
        if across:
            entries = [(row, given[unit]) for row, unit in zip(rows, units, strict=True)]
        else:
            entries = [([row[0] for row in rows[:6]], given[units[0]])]
        for cells, values in entries:
            for cell, value in zip(cells, values, strict=True):
                cell.value = value  # type: ignore[assignment]
        book.save(tmp_path / "in" / template.path)
    assert {"whole", "decimal", "list", "date"} <= set(kinds)
    assert finals(appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])) == FINALS


def test_a_decided_fact_is_read_by_the_same_rule(tmp_path: Path) -> None:
    first: list[Any] = [*FIRST]
    first[1] = "若干"
    run(tmp_path, HEADER, first, SECOND)
    for value, found in (("2条", []), ("1.5", ["fact-wrong"])):
        (tmp_path / "in" / "decisions.yaml").write_text(
            "decisions:\n  - {file: work.xlsx, cell: B2, decide: read_as, "
            f"value: {value}, reason: asked, by: A, at: 2021-02-25}}\n",
            encoding="utf-8",
        )
        result = appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])
        codes = {item.code for item in result.findings}
        assert codes == set(found), [item.message for item in result.findings]
        if not found:
            assert {item.unit: item.final for item in result.standings["city"]} == FINALS
