"""Files made to exhaust memory or time, and a run of the program that may not use much."""

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


_LIMITED = """
import os, resource, sys
space, cpu, measured, *command = sys.argv[1:]
child = os.fork()
if not child:
    resource.setrlimit(resource.RLIMIT_AS, (int(space),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu),) * 2)
    os.execv(command[0], command)
_child, status, used = os.wait4(child, 0)
with open(measured, "w") as file:
    print(used.ru_maxrss, used.ru_utime + used.ru_stime, file=file)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""
"""Run a command within limits and measure it. A process of its own does so, because the system
counts what the parent of a process had in memory as the process's own."""


def validated(path: Path, *options: str) -> tuple[int, str]:
    """The exit code of ``appraise validate``, which took little, and the end of what it printed."""
    command = [sys.executable, "-m", "wuhu_appraisal", "--lang", "en", "validate", str(path)]
    measured = path.parent.parent / "measured"
    limits = [str(ADDRESS_SPACE), str(CPU), str(measured)]
    child = subprocess.run(
        [sys.executable, "-c", _LIMITED, *limits, *command, "--scheme", str(SMALL), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    printed = child.stdout.decode(errors="replace")
    assert "Traceback" not in printed, printed[-2000:]
    assert "panicked at" not in printed, printed[-2000:]
    kilobytes, seconds = map(float, measured.read_text(encoding="utf-8").split())
    assert kilobytes / 1024 < MEGABYTES
    assert seconds < SECONDS
    return child.returncode, printed[-2000:]
