"""Broken schemes and cases, and the marks in them that say what is found where."""

import re
from collections.abc import Iterable
from pathlib import Path

from helpers import TESTS
from wuhu_appraisal.findings import Finding

SCHEMES = sorted(
    path for path in (TESTS / "bad_schemes").iterdir() if path.is_dir() or path.suffix == ".yaml"
)
MARK = re.compile(r"!([a-z-]+)")

Place = tuple[str, str, int]
"""A code, and the file's name and the line; '' and 0 where the finding names no line."""


def expected(path: Path) -> set[Place]:
    """The marks in a fixture's file, or in all files of its folder."""
    found: set[Place] = set()
    for file in [path] if path.is_file() else path.iterdir():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            place = ("", 0) if line.startswith("#") else (file.name, number)
            codes = MARK.findall(f" {line}".partition(" # ")[2])
            found |= {(code, *place) for code in codes}
    return found


def places(findings: Iterable[Finding]) -> set[Place]:
    """Where findings stand. What is wrong with a case itself comes inside a case-finding."""
    found: set[Place] = set()
    for item in findings:
        inner = str(item.params.get("code", ""))
        code = inner if inner.startswith("case-") else item.code
        line = item.source.line
        found.add((code, Path(item.source.file).name if line else "", line))
    return found


CASES = sorted(path for path in (TESTS / "bad_cases").iterdir() if path.is_dir())
