"""Items scored from facts in the workbook: a spreadsheet program comes to what the engine says."""

import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from helpers import TESTS
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
from helpers.recalculation import differing, opened, ranking_of
from helpers.stages import Written

from wuhu_appraisal.model import Remark, RemarkKind
from wuhu_appraisal.output.feedback import unit_tables
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.tables import report_tables
from wuhu_appraisal.scheme.audiences import Audience

SCHEME = TESTS / "facts_workbook_scheme.yaml"
UNITS = ("甲市", "乙市", "丙市", "丁市")
HIGHEST = {
    "late/超期": 4,
    "late/要素": 90,
    "news/发布": 4,
    "news/专题": 90,
    "news/被采用": 9,
    "rate/公开率": 100,
    "columns/甲栏": 5,
    "columns/乙栏": 5,
    "done/办结数": 150,
    "answered/答复": 9,
    "answered/收到": 12,
    "place/有专栏": 1,
    "place/面积": 60,
    "used/采用数": 6,
    "visits/访问": 3,
    "time/用时": 5,
    "look": 5,
}
"""Every fact, and the plain item, with the highest number that is drawn for it."""


def drawn(seed: int) -> Numbers:
    """Facts of four units in two halves: all 0, all alike, or drawn, with many ties."""
    picked = random.Random(seed)
    found: Numbers = {}
    for unit in UNITS:
        for half in ("first", "second"):
            for member, highest in HIGHEST.items():
                number = picked.randint(0, highest) if seed > 1 else min(seed * 3, highest)
                half_more = seed > 1 and member in ("rate/公开率", "time/用时") and number < highest
                found[unit, half, member] = Decimal(number) + Decimal("0.5") * half_more
    return found


@pytest.mark.slow
def test_facts_changed_in_the_workbook_give_what_the_engine_gives_for_them(
    tmp_path: Path, soffice: str
) -> None:
    """A workbook of other facts, changed cell by cell, is in all formulas the one of these facts."""
    scheme, seeds = loaded(SCHEME), range(8)
    stored = [
        written(result_of(scheme, drawn(seed)), tmp_path / f"stored-{seed}.xlsx") for seed in seeds
    ]
    changed = []
    for seed in seeds:
        book = opened(stored[(seed + 3) % len(seeds)], values=False)
        put_facts(book["Work"], scheme, drawn(seed))
        changed.append(tmp_path / f"changed-{seed}.xlsx")
        book.save(changed[-1])
    folder = convert_all(soffice, tmp_path, changed, XLSX)
    for right, path in zip(stored, changed, strict=True):
        assert_alike(right, folder / path.name)


@pytest.mark.slow
def test_absent_facts_leave_a_score_out_or_count_as_0_in_the_workbook_as_in_the_engine(
    tmp_path: Path, soffice: str
) -> None:
    text = SCHEME.read_text("utf-8")
    policy = "by: facts, missing: error, not_applicable: error"
    assert policy in text
    as_zero = policy.replace("error", "zero")
    (tmp_path / "zero.yaml").write_text(text.replace(policy, as_zero), "utf-8")
    facts: dict[tuple[str, ...], Written] = {**drawn(6)}
    for key in (("甲市", "first", "late/超期"), ("乙市", "first", "used/采用数")):
        facts[key] = None
    for key in (("丙市", "first", "answered/收到"), ("丁市", "second", "visits/访问")):
        facts[key] = "/"
    paths = [
        written(result_of(loaded(scheme), facts), tmp_path / f"{scheme.stem}.xlsx")
        for scheme in (SCHEME, tmp_path / "zero.yaml")
    ]
    folder = convert_all(soffice, tmp_path, paths, XLSX)
    for path in paths:
        found, compared = differing(path, folder / path.name)
        assert not found, found[:5]
        assert compared > 250
    assert ranking_of(opened(paths[0])) != ranking_of(opened(paths[1]))


OTHER_RULES = {
    "{超期: 3, 要素: {points: 1, each: 20, above: 30}}": "{超期: 2, 要素: {points: 3, each: 10, above: 25}}",
    "cap: 9": "cap: 6.5",
    "cap: 12": "cap: 11",
    "{below: 80, marks: 0}": "{below: 60, marks: 1}",
    "{at_least: 80, below: 95, marks: 8}": "{at_least: 60, below: 90, marks: 7.5}",
    "{at_least: 95, marks: 10}": "{at_least: 90, marks: 10}",
    "{below: 2, lose: 2}": "{below: 2, lose: 2.5}",
    "floor: 2": "floor: 1.5",
    "to: 120": "to: 90",
    "marks: 9,": "marks: 7,",
    "面积: {at_least: 20}": "面积: {at_least: 31}",
    "{points: 0.25, each: 1}": "{points: 0.2, each: 1}",
    "points: [10, 7, 5], rest: 2": "points: [9, 8, 3], rest: 1",
    "{id: look, title: Look, marks: 5}": "{id: look, title: Look, marks: 8}",
    "title: Used\n        marks: 10": "title: Used\n        marks: 7",
}


@pytest.mark.slow
def test_rules_changed_among_the_numbers_of_the_scheme_move_every_score_as_another_scheme_would(
    tmp_path: Path, soffice: str
) -> None:
    text = SCHEME.read_text("utf-8")
    for before, after in OTHER_RULES.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (tmp_path / "other.yaml").write_text(text, "utf-8")
    facts = drawn(5)
    first = written(result_of(loaded(SCHEME), facts), tmp_path / "first.xlsx")
    right = written(result_of(loaded(tmp_path / "other.yaml"), facts), tmp_path / "right.xlsx")
    book, other = opened(first, values=False), opened(right, values=False)
    changed = 0
    for row in book["Rules and weights"].iter_rows():
        for cell in row:
            number = other["Rules and weights"][cell.coordinate].value
            if isinstance(number, int | float) and number != cell.value:
                cell.value = number
                changed += 1
    assert changed > len(OTHER_RULES)
    book.save(tmp_path / "changed.xlsx")
    folder = convert_all(soffice, tmp_path, [tmp_path / "changed.xlsx"], XLSX)
    assert_alike(right, folder / "changed.xlsx")
    assert ranking_of(opened(right)) != ranking_of(opened(first))


def secret_facts() -> Numbers:
    """Facts by which each unit can be told wherever they show: 甲市 7771, 乙市 7772 and so on."""
    found = drawn(3)
    for number, unit in enumerate(UNITS):
        for half in ("first", "second"):
            for member in ("used/采用数", "visits/访问", "time/用时"):
                found[unit, half, member] = Decimal(7771 + number)
    return found


@pytest.mark.parametrize("audience", [Audience.PUBLIC, Audience.UNIT])
def test_outside_the_office_no_report_shows_a_fact_of_a_unit(
    tmp_path: Path, audience: Audience
) -> None:
    result = redacted(result_of(loaded(SCHEME), secret_facts()), audience)
    texts = [str(table) for table in report_tables(result)]
    for sheet in opened(written(result, tmp_path / "copy.xlsx")):
        texts += [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row]
    assert not [text for text in texts if "777" in text]
    assert any("丁市" in text for text in texts)


def test_a_letter_shows_no_fact_of_another_unit_and_names_none() -> None:
    result = result_of(loaded(SCHEME), secret_facts())
    for unit in UNITS:
        tables = unit_tables(result, unit)
        text = "".join(map(str, tables))
        own = 7771 + UNITS.index(unit)
        assert not [other for other in range(7771, 7775) if str(other) in text and other != own]
        assert not [other for other in UNITS if other in text and other != unit]
        losses = next(table for table in tables if table.name == "Marks lost")
        assert len(losses.rows) > 3


def test_a_remark_beside_a_fact_stands_with_the_marks_that_its_item_lost() -> None:
    result = result_of(loaded(SCHEME), secret_facts())
    trace = result.traces["city"].stages["work"]
    cell = trace.scores.sources(("甲市", "first", "late/要素"))[0]
    remarked = replace(result, remarks=[Remark(cell, RemarkKind.NOTE, "缺少文号")])
    losses = next(table for table in unit_tables(remarked, "甲市") if table.name == "Marks lost")
    assert [row[1] for row in losses.rows if "缺少文号" in str(row)] == ["late Published in time"]


def test_a_letter_names_the_own_facts_by_which_an_item_lost_marks() -> None:
    result = result_of(loaded(SCHEME), secret_facts())
    losses = next(table for table in unit_tables(result, "乙市") if table.name == "Marks lost")
    assert any("7772" in str(row[-1]) for row in losses.rows)
    assert any("7771" in str(row) for row in losses.rows) is False
