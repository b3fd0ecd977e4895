"""Files as other programs write them: each is read as they show it, or told with its place."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import ROOT, STAGE_FILES, TESTS
from helpers.bombs import validated

from wuhu_appraisal import Result as Appraisal
from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.appraisal import check_sources
from wuhu_appraisal.findings import Finding, has_errors
from wuhu_appraisal.model import Absent, Block
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.scheme.models import Scheme

CASES = TESTS / "cases_of_others"
NAMES = sorted(path.parent.name for path in CASES.glob("*/in"))
HOSTILE = yaml.safe_load((CASES / "hostile" / "expected.yaml").read_text(encoding="utf-8"))
WUHU = ROOT / "config" / "wuhu-2020"


def expected(name: str) -> Any:
    return yaml.safe_load((CASES / name / "expected.yaml").read_text(encoding="utf-8"))


def whole(name: str) -> bool:
    """Whether every score of a case is the example's own, and no error comes."""
    case, same = expected(name), expected("18-cells-out-of-order")
    return case.get("scores") == same["scores"] and not case["error"]


def scores(blocks: list[Block]) -> dict[str, str | None]:
    """The scores of a ballot by the units in its rows."""
    return {
        unit: None if isinstance(values[0], Absent) else str(values[0])
        for block in blocks
        for unit, values in zip(block.rows.members, block.values, strict=True)
    }


def assert_told(findings: list[Finding], told: Mapping[str, str], besides: list[str]) -> None:
    """Every finding that must come has come, and no other but those that may."""

    def is_told(item: Finding, cell: str, code: str) -> bool:
        return bool(re.fullmatch(cell, item.source.cell) and re.fullmatch(code, item.code))

    for cell, code in told.items():
        assert any(is_told(item, cell, code) for item in findings), (cell, code)
    others = [item for item in findings if not any(is_told(item, *pair) for pair in told.items())]
    assert [item for item in others if item.code not in besides] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_others_is_read_as_they_show_it_or_told_with_its_place(
    wuhu: Scheme, name: str
) -> None:
    case = expected(name)
    reading = check_sources(wuhu, [CASES / name / "in"])
    blocks = [block for blocks in reading.blocks.values() for block in blocks]
    if "scores" in case:
        found = scores(blocks)
        assert {unit: found.get(unit) for unit in case["scores"]} == case["scores"]
    if "members" in case:
        rows = [block.rows.members for block in blocks if block.sheet in ("", "乡镇(街道)")]
        assert [list(members) for members in rows] == [case["members"]]
    assert_told(reading.findings, case.get("told", {}), case.get("besides", []))
    assert has_errors(reading.findings) is case["error"]
    assert_kept(reading, case)


def assert_kept(reading: Reading, case: Mapping[str, Any]) -> None:
    """The ledger and the remarks are those of the case."""
    ledger = {
        entry.source.cell: [str(rule.value) for rule in entry.rules] for entry in reading.ledger
    }
    assert ledger == case.get("ledger", {})
    remarks = {remark.source.cell: remark.text for remark in reading.remarks}
    assert "members" in case or remarks == case.get("remarks", {})


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if whole(name)])
def test_a_file_of_others_in_place_of_the_examples_own_changes_no_final(
    wuhu_run: Appraisal, tmp_path: Path, name: str
) -> None:
    shutil.copytree(STAGE_FILES, tmp_path / "in")
    [path] = (path for path in (CASES / name / "in").rglob("*") if path.is_file())
    place = tmp_path / "in" / path.relative_to(CASES / name / "in")
    place.with_suffix(".xlsx").unlink()
    shutil.copy(path, place)
    run = appraise(load_scheme(WUHU), [tmp_path / "in"])
    assert not has_errors(run.findings)
    assert finals(run) == finals(wuhu_run)


def finals(run: Appraisal) -> dict[str, str]:
    return {item.unit: str(item.final) for group in run.standings.values() for item in group}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_or_read_in_little_time_and_memory(
    tmp_path: Path, name: str
) -> None:
    place = tmp_path / "in" / HOSTILE[name]["at"]
    place.parent.mkdir(parents=True)
    shutil.copy(CASES / "hostile" / name, place)
    status, printed = validated(place, "--scheme", str(WUHU))
    assert status in (0, 1), printed
    code = HOSTILE[name].get("code")
    assert code is None or (f"[{code}]" in printed and status == 1), printed
