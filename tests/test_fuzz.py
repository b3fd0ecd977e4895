"""At least 5,000 broken files in all formats: each is read or refused, none ends the program."""

import re
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from helpers import TESTS
from helpers.office import stage_files

MUTANTS, SLOW_MUTANTS = 100, 1200
"""How often each of four files is broken where time is short, and how often beyond that."""
MEMORY = 2 << 30


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize(
    ("count", "seed"), [(MUTANTS, 2020), pytest.param(SLOW_MUTANTS, 2021, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("form", ["xlsx", "xls", "ods", "csv"])
def test_a_broken_file_is_read_or_refused_and_never_ends_the_program(
    tmp_path: Path, form: str, count: int, seed: int
) -> None:
    (tmp_path / "files").mkdir()
    with zipfile.ZipFile(stage_files(form)) as archive:
        name = next(name for name in archive.namelist() if "第1轮" in name)
        (tmp_path / "files" / f"file.{form}").write_bytes(archive.read(name))
    command = [sys.executable, str(TESTS / "helpers" / "fuzz.py"), str(tmp_path / "files")]
    done = subprocess.run(
        [*command, str(count), str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        preexec_fn=limit_memory,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    counted = re.search(r"mutants (\d+)", done.stdout)
    assert counted is not None
    assert int(counted[1]) == count
