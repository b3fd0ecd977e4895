"""Files made to exhaust memory or time, and a run of the program that may not use much."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from helpers.packages import Parts, xlsx
from helpers.small import SMALL

SECONDS, MEGABYTES = 10, 500
LARGEST_FILE = 20_000_000
ADDRESS_SPACE, CPU = 1_500_000_000, 11


Build: TypeAlias = Callable[[Path], None]


class Bombs(dict[str, tuple[str, Build]]):
    """By what is in each file: the end of its name, and what writes it."""

    def bomb(self, title: str, ending: str = "xlsx") -> Callable[[Build], Build]:
        def keep(build: Build) -> Build:
            self[title] = ending, build
            return build

        return keep

    def changed(self, title: str, make: Callable[[], Parts]) -> None:
        """An .xlsx with changed parts."""
        self.bomb(title)(lambda path: xlsx(path, make()))


def assert_harmless(folder: Path, ending: str, build: Build) -> None:
    """The file is refused or read, in little time and memory."""
    path = folder / "vote" / f"甲市.{ending}"
    path.parent.mkdir()
    build(path)
    assert path.stat().st_size <= LARGEST_FILE
    status, printed = validated(path)
    assert status in (0, 1), printed


def validated(path: Path, *options: str) -> tuple[int, str]:
    """The exit code of ``appraise validate``, which took little, and the end of what it printed."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))

    command = [sys.executable, "-m", "wuhu_appraisal", "--lang", "en", "validate", str(path)]
    said = path.parent.parent / "said"
    with said.open("wb") as stream:
        child = subprocess.Popen(
            [*command, "--scheme", str(SMALL), *options],
            stdout=stream,
            stderr=subprocess.STDOUT,
            preexec_fn=limit,
        )
        _pid, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    printed = said.read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in printed, printed[-2000:]
    assert "panicked at" not in printed, printed[-2000:]
    assert used.ru_maxrss / 1024 < MEGABYTES
    assert used.ru_utime + used.ru_stime < SECONDS
    return child.returncode, printed[-2000:]
