"""The example input is what its generator makes, and is full size."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers import EXAMPLES, ROOT, STAGE_FILES
from python_calamine import CalamineWorkbook

from wuhu_appraisal import appraise, load_scheme


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    command = [sys.executable, str(EXAMPLES / "generate.py"), "--out", str(folder / "stage-files")]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def contents(path: Path) -> dict[str, Any]:
    book = CalamineWorkbook.from_path(path)
    return {
        name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in book.sheet_names
    }


@pytest.mark.parametrize("folder", ["stage-files", "sichuan-2011"])
def test_the_generator_makes_the_workbooks_that_are_committed(generated: Path, folder: str) -> None:
    committed = sorted(path.relative_to(EXAMPLES) for path in (EXAMPLES / folder).rglob("*.xlsx"))
    made = sorted(path.relative_to(generated) for path in (generated / folder).rglob("*.xlsx"))
    assert committed == made
    for path in committed:
        assert contents(EXAMPLES / path) == contents(generated / path), path


def test_the_input_is_full_size() -> None:
    run = appraise(load_scheme("wuhu-2020"), [STAGE_FILES])
    scores = sum(
        isinstance(value, Decimal)
        for traced in run.traces.values()
        for trace in traced.stages.values()
        for block in trace.scores.blocks
        for row in block.values
        for value in row
    )
    assert scores > 12_000
    assert len(run.sources) >= 44


def test_nothing_in_the_project_needs_a_file_outside_it() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert "shared/" not in path.read_text(encoding="utf-8")


def test_the_generator_makes_the_next_year_that_is_committed(tmp_path: Path) -> None:
    out, committed = tmp_path / "next-year", EXAMPLES / "next-year"
    command = [sys.executable, str(EXAMPLES / "generate_year.py"), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    files = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    there = (path.relative_to(committed) for path in committed.rglob("*") if path.is_file())
    assert files == sorted(there)
    for path in files:
        if path.suffix == ".xlsx":
            assert contents(out / path) == contents(committed / path), path
        else:
            assert (out / path).read_bytes() == (committed / path).read_bytes()
