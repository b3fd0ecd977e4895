"""At least 5,000 broken files in all formats: each is read or refused, none ends the program."""

import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import STAGE_FILES, TESTS
from helpers.small import SHEETS, write

pytestmark = pytest.mark.slow

MUTANTS_A_FILE = 1300
MEMORY = 2 << 30


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize("form", ["xlsx", "xls", "ods", "csv"])
def test_a_broken_file_is_read_or_refused_and_never_ends_the_program(
    tmp_path: Path, convert: Callable[[Path, str], Path], form: str
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    write(tmp_path / "in", SHEETS)
    small = tmp_path / "in" / "vote" / "甲市.xlsx"
    office = STAGE_FILES / "日常测评" / "第1轮.xlsx"
    source = small if form in {"xlsx", "csv"} else office
    shutil.copy(source if form == "xlsx" else convert(source, form), folder / f"file.{form}")
    command = [sys.executable, str(TESTS / "helpers" / "fuzz.py"), str(folder)]
    done = subprocess.run(
        [*command, str(MUTANTS_A_FILE), "2020"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        preexec_fn=limit_memory,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    counted = re.search(r"mutants (\d+)", done.stdout)
    assert counted is not None
    assert int(counted[1]) == MUTANTS_A_FILE
