"""What went in: every file found, named as a person names it, hashed as it was read."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wuhu_appraisal.findings import Finding, Source, finding

PASSED_OVER = (".DS_Store", "Thumbs.db", "desktop.ini")
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
    for path in paths:
        if path.is_dir():
            found = list(_walk(path))
            if not found:
                findings.append(finding("folder-empty", Source(str(path))))
            for file in found:
                name = file.relative_to(path).as_posix()
                if file.name in PASSED_OVER or file.name.startswith(LOCK_PREFIXES):
                    findings.append(finding("file-passed-over", Source(name)))
                elif file.suffix.lower() in suffixes:
                    files.append(SourceFile(file, name))
                else:
                    findings.append(finding("file-not-spreadsheet", Source(name)))
        elif path.is_file():
            files.append(SourceFile(path, path.name))
        else:
            findings.append(finding("file-not-found", Source(str(path))))
    return files, findings


def sha256(content: bytes) -> str:
    """The hex digest by which a file is known."""
    return hashlib.sha256(content).hexdigest()


def _walk(folder: Path) -> Iterator[Path]:
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(here) / name
