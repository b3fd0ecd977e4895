"""What is wrong with a case, or does not come out as it expects, is said at the case."""

import re
from pathlib import Path
from shutil import copy, copytree

import pytest
from conftest import Appraise
from test_bad_schemes import HERE, expected, places

from wuhu_appraisal import load_scheme
from wuhu_appraisal.cases import run_cases
from wuhu_appraisal.findings import has_errors

SMALL = HERE / "small_scheme.yaml"
CASES = sorted(path for path in (HERE / "bad_cases").iterdir() if path.is_dir())


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
