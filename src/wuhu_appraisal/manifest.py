"""What went in: every file found, named as a person names it, hashed as it was read."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from wuhu_appraisal.files import PREFIX
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.sealed import NAME as SEALED

PASSED_OVER = (".DS_Store", "Thumbs.db", "desktop.ini")
RESULT = "appraisal.json"
RESULTS = frozenset({RESULT, SEALED})
"""The names of a result; a folder that holds one holds what this program wrote."""

FROZEN, DECISIONS = "frozen.yaml", "decisions.yaml"
"""What stands beside the stage files and is about them: how they were fixed, what was decided."""

LOCK_PREFIXES = ("~$", ".~lock.")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: ``name`` is its path under the folder it was found in, with '/' between parts."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A file that went in, with the stages or adjustments that its sheets were read as."""

    file: str
    sha256: str
    stages: tuple[str, ...]


def find_files(
    paths: Sequence[Path], suffixes: frozenset[str]
) -> tuple[list[SourceFile], list[Finding]]:
    """The workbooks under the paths in a fixed order; what is no workbook is said."""
    files: list[SourceFile] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    names: set[str] = set()
    for path in paths:
        folder = os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where one may not look
        if not folder and not os.path.lexists(path):
            findings.append(finding("file-not-found", Source(shown(path))))
            continue
        found = list(_walk(path, findings)) if folder else [path]
        if not found:
            findings.append(finding("folder-empty", Source(shown(path))))
        for file in found:
            # Two folders may hold files of one name, and a finding must tell them apart.
            short = file.relative_to(path) if folder and len(paths) == 1 else file
            name = shown(short if folder or len(paths) > 1 else Path(file.name))
            real = os.path.realpath(file)
            if folder and file.parent == path and file.name in (FROZEN, DECISIONS):
                continue
            if real in seen:
                findings.append(finding("file-twice", Source(name)))
            elif file.name in PASSED_OVER or file.name.startswith(LOCK_PREFIXES):
                findings.append(finding("file-passed-over", Source(name)))
            elif folder and file.suffix.lower() not in suffixes:
                findings.append(finding("file-not-spreadsheet", Source(name)))
            elif not stat.S_ISREG(_mode(file)):
                findings.append(finding("file-not-regular", Source(name)))
            else:
                files.append(SourceFile(file, _free(name, names)))
                names.add(files[-1].name)
            seen.add(real)
    return files, findings


def _free(name: str, taken: Set[str]) -> str:
    """The name, with a number behind it where another file is shown under the same."""
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found


def shown(path: Path) -> str:
    """A path as text that can be printed and kept: one line, valid Unicode, '/' between parts."""
    text = os.fsencode(path).decode("utf-8", errors="replace").replace(os.sep, "/")
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def sha256(content: bytes) -> str:
    """The hex digest by which a file is known."""
    return hashlib.sha256(content).hexdigest()


def _walk(folder: Path, findings: list[Finding]) -> Iterator[Path]:
    """Every file below a folder; a folder that cannot be looked into, or is a link, is said."""

    def refused(error: OSError) -> None:
        where = Source(shown(Path(error.filename)))
        findings.append(finding("file-unreadable", where, problem=error.strerror))

    for here, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(inner for inner in folders if not inner.startswith(PREFIX))
        for name in folders:
            inner = Path(here) / name
            if inner.is_symlink():
                findings.append(finding("folder-link", Source(shown(inner.relative_to(folder)))))
        if RESULTS & set(names) and Path(here) != folder:
            findings.append(
                finding("folder-results", Source(shown(Path(here).relative_to(folder))))
            )
            continue
        for name in sorted(names):
            if not name.startswith(PREFIX):
                yield Path(here) / name


def _mode(file: Path) -> int:
    """The kind of a file as stat says it; 0, which is no kind, for one that is gone or barred."""
    try:
        return file.stat().st_mode
    except OSError:
        return 0
