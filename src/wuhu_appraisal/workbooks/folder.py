"""What went in: every file found, named as a person names it, hashed as it was read.

Also what stands beside the stage files and is about them, frozen.yaml and decisions.yaml: whether it
applies to what is read, and what it holds.
"""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from wuhu_appraisal.encryption import NAME as SEALED
from wuhu_appraisal.files import PREFIX
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_

PASSED_OVER = (".DS_Store", "Thumbs.db", "desktop.ini")
RESULT = "appraisal.json"
RESULTS = frozenset({RESULT, SEALED})
"""The names of a result; a folder that holds one holds what this program wrote."""

FROZEN, DECISIONS = "frozen.yaml", "decisions.yaml"
"""What stands beside the stage files and is about them: how they were fixed, what was decided."""

MOST_BESIDE = 5_000_000
"""What no frozen.yaml or decisions.yaml comes near, in bytes."""

_PLAINLY = os.O_RDONLY
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    _PLAINLY |= getattr(os, _flag, 0)

_ASIDE = N_("of several folders or files it does not apply")
_BELOW = N_("it stands below the folder that was given, and not in it")
_ABOVE = N_("it stands above what was given")

LOCK_PREFIXES = ("~$", ".~lock.")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: ``name`` is its path under the folder it was found in, with '/' between parts."""

    path: Path
    name: str


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
            if folder and file.name in (FROZEN, DECISIONS):
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
    r"""A path as text that can be printed and kept: one line, valid Unicode, '/' between parts.

    A sign that is not seen stands as its number, \u{200b}, and a byte that is no text as \x{ff}:
    two names are never shown alike.
    """
    text = os.fsencode(path).decode("utf-8", errors="surrogateescape").replace(os.sep, "/")
    text = re.sub(r"\\(?=[ux]\{)", r"\\u{5c}", text)
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(sign: str) -> str:
    number = ord(sign)
    lone = 0xDC80 <= number <= 0xDCFF
    return f"\\x{{{number - 0xDC00:x}}}" if lone else f"\\u{{{number:x}}}"


def sha256(content: bytes) -> str:
    """The hex digest by which a file is known."""
    return hashlib.sha256(content).hexdigest()


def read_beside(path: Path, name: str) -> tuple[bytes | None, list[Finding]]:
    """What frozen.yaml or decisions.yaml holds: None where there is none, or with a finding.

    Whoever may write in the folder could lead the reading or the writing elsewhere by a link, or
    hold it up by a pipe, so nothing but a plain file of at most MOST_BESIDE bytes is read.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None, [finding("beside-not-regular", Source(name))]
        handle = os.open(path, _PLAINLY)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None, [finding("beside-not-regular", Source(name))]
            content = file.read(MOST_BESIDE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None, []
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None, [finding("beside-not-regular", Source(name))]
        problem = error.strerror or str(error)
        return None, [finding("file-unreadable", Source(name), problem=problem)]
    if len(content) > MOST_BESIDE:
        return None, [finding("yaml-too-large", Source(name))]
    return content, []


def not_applied(paths: Sequence[Path], *, decisions: bool = True) -> list[Finding]:
    """Each frozen.yaml and decisions.yaml about what is read at ``paths`` that does not apply to it.

    Where one folder is given, those in it apply; of several folders, their decisions. They are
    looked for in these folders, below them and above all paths. Without ``decisions`` no
    decisions.yaml is meant to apply.
    """
    names = (FROZEN, DECISIONS) if decisions else (FROZEN,)
    given = {os.path.realpath(path) for path in paths if os.path.isdir(path)}  # noqa: PTH112
    found: dict[str, Finding] = {}
    for file, why in [*_below(paths), *_above(paths)]:
        folder = os.path.realpath(file.parent)
        applied = folder in given and (file.name == DECISIONS or len(paths) == 1)
        if file.name in names and not applied:
            why = _ASIDE if folder in given else why
            about = {"why_word": why, "folder": shown(file.parent)}
            place = Source(shown(file))
            found.setdefault(f"{folder}/{file.name}", finding("beside-not-applied", place, **about))
    return list(found.values())


def _below(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where one may not look
            yield from ((f, _BELOW) for f in _walk(path, []) if f.name in (FROZEN, DECISIONS))


def _above(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """What stands above the paths, also above where a link leads; by its path from here if it can."""
    here = Path.cwd()
    for path in paths:
        for place in (Path(os.path.abspath(path)), Path(os.path.realpath(path))):  # noqa: PTH100
            for folder in place.parents:
                near = folder.relative_to(here) if folder.is_relative_to(here) else folder
                for name in (FROZEN, DECISIONS):
                    if os.path.lexists(near / name):
                        yield near / name, _ABOVE


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
