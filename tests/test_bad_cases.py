"""What is wrong with a case, or does not come out as it expects, is said at the case."""

import re
from pathlib import Path
from shutil import copy, copytree

import pytest
from helpers import Appraise
from helpers.marks import CASES, expected, places
from helpers.small import SMALL

from wuhu_appraisal import load_scheme
from wuhu_appraisal.findings import has_errors
from wuhu_appraisal.year.cases import run_cases


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_a_broken_case_is_said_at_its_line_and_nothing_else_is(folder: Path) -> None:
    scheme = load_scheme(SMALL).scheme
    assert scheme is not None
    _count, found = run_cases(scheme, folder)
    assert expected(folder)
    assert places(found) == expected(folder)
    assert has_errors(found)
    assert all(item.hint for item in found)


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_the_command_names_the_broken_case_and_exits_1(
    folder: Path, appraise_cli: Appraise, tmp_path: Path
) -> None:
    copy(SMALL, tmp_path / "scheme.yaml")
    copytree(folder, tmp_path / "cases")
    result = appraise_cli("scheme", "test", tmp_path)
    assert result.exit_code == 1
    for code, name, line in expected(folder):
        place = rf"{re.escape(name)}:{line}:\d+" if line else "cases"
        assert re.search(rf"{place} .*\b{code}\b", result.output)
    assert "Traceback" not in result.output


ROLLED_UP = "          - {roll_up: indicator, by: sum, missing: error, not_applicable: exclude}\n"
A_CASE = """
cases:
  - name: one
    clause: "1"
    group: city
    units:
"""


def said(tmp_path: Path, units: str, name: str = "one.yaml", levels: bool = False) -> list[str]:
    """What the cases of a scheme say, whose tree may be rolled up level by level."""
    text = SMALL.read_text(encoding="utf-8")
    if levels:
        text = text.replace(ROLLED_UP, ROLLED_UP.replace("sum,", "sum, to: 1,") + ROLLED_UP)
    (tmp_path / "cases").mkdir(exist_ok=True)
    (tmp_path / "scheme.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "cases" / name).write_text(A_CASE + units, encoding="utf-8")
    scheme = load_scheme(tmp_path).scheme
    assert scheme is not None
    count, found = run_cases(scheme, tmp_path / "cases")
    assert count == 1
    return [item.message for item in found]


@pytest.mark.parametrize(
    "scores",
    [
        '{tier: "*", indicator: a, score: 50}, {tier: "*", indicator: b1, score: 20},'
        ' {tier: "*", indicator: b2, score: 10}',
        '{tier: "*", indicator: a, score: 50}, {tier: "*", indicator: b, score: 30}',
    ],
)
def test_scores_stand_at_any_level_of_a_tree_that_is_rolled_up_level_by_level(
    tmp_path: Path, scores: str
) -> None:
    unit = f"      - {{unit: 甲市, stages: {{work: [{scores}]}}, expect: {{stages: {{work: 80}}}}}}"
    assert said(tmp_path, unit, levels=True) == []


@pytest.mark.parametrize(
    ("stage", "what"),
    [
        ('[{rater: "*", score: -5}]', "-5 is below 0"),
        ("150", "150 is more than the full marks of 100"),
        ("-1", "-1 is below 0"),
    ],
)
def test_a_score_that_no_sheet_could_hold_is_said(tmp_path: Path, stage: str, what: str) -> None:
    messages = said(tmp_path, f"      - {{unit: 甲市, stages: {{vote: {stage}}}}}")
    assert messages
    assert all(what in message for message in messages)


def test_a_unit_stands_once_in_a_case(tmp_path: Path) -> None:
    unit = "      - {unit: 甲市, stages: {vote: 80}}\n"
    assert said(tmp_path, unit + unit) == ["'甲市' is defined twice"]


def test_cases_stand_in_files_with_either_ending(tmp_path: Path) -> None:
    wrong = "      - {unit: 甲市, stages: {vote: 80}, expect: {stages: {vote: 90}}}"
    assert len(said(tmp_path, wrong, name="one.yml")) == 1
