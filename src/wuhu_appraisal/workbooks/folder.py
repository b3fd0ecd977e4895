"""Find the files to read, and the frozen.yaml and decisions.yaml that stand beside them."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from wuhu_appraisal.encryption import NAME as SEALED
from wuhu_appraisal.files import PREFIX
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".et", ".xlsb", ".ods", ".csv", ".tsv"})
"""The endings of the files in a folder that are read, or refused with a finding."""

_LITTER = re.compile(
    r"~\$.*|\.~.*|\._.*|\.ds_store|\.localized|\.directory|(?:eh)?thumbs\.db|desktop\.ini|icon\r"
    r"|~wrl\d+\.tmp",
    re.IGNORECASE | re.DOTALL,
)
"""The names of files that operating systems and open office programs leave in a folder."""

RESULT = "appraisal.json"
RESULTS = frozenset({RESULT, SEALED})
"""The names of a result; a folder with one of them holds what this program wrote."""

FROZEN, DECISIONS = "frozen.yaml", "decisions.yaml"
"""What stands beside the stage files: how they were frozen, and what was decided about them."""

MOST_BESIDE = 5_000_000
"""A larger frozen.yaml or decisions.yaml, in bytes, is not read."""

_OPEN_FLAGS = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _name, 0)

_SEVERAL = N_("it does not apply when several folders or files are given")
_BELOW = N_("it is in a folder below the one that was given")
_ABOVE = N_("it is in a folder above what was given")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: ``name`` is its path under its folder, with '/' between parts."""

    path: Path
    name: str


# --- Files to read


def find_files(paths: Sequence[Path]) -> tuple[list[SourceFile], list[Finding]]:
    """Return the workbooks under the paths in a fixed order, and findings for other files.

    The files' names are their paths under the one folder that is given, or under the nearest folder
    that holds all paths: the same files have the same names however they are given.
    """
    base = common_folder(paths)
    files: list[SourceFile] = []
    findings: list[Finding] = []
    seen: set[str] = set()
    names: set[str] = set()
    for path in paths:
        in_folder = _is_folder(path)
        if not in_folder and not os.path.lexists(path):
            findings.append(finding("file-not-found", Source(shown(path))))
            continue
        if not in_folder and len(paths) > 1 and _LITTER.fullmatch(path.name):
            continue
        inner = list(_walk(path, findings)) if in_folder else [path]
        if not inner:
            findings.append(finding("folder-empty", Source(shown(path))))
        for file in inner:
            if in_folder and file.name in (FROZEN, DECISIONS):
                continue
            name = name_under(base, file)
            real = os.path.realpath(file)
            code = "file-twice" if real in seen else _why_not_read(file, in_folder=in_folder)
            seen.add(real)
            if code:
                findings.append(finding(code, Source(name)))
            else:
                # Two files may be shown under one name.
                numbered = (f"{name} ({number})" for number in count(2))
                free = next(other for other in chain([name], numbered) if other not in names)
                names.add(free)
                files.append(SourceFile(file, free))
    return files, findings


def _walk(folder: Path, findings: list[Finding]) -> Iterator[Path]:
    """Yield every file below a folder; a folder that is a link or cannot be read is a finding.

    What operating systems and open programs leave in a folder is nobody's, and is passed over.
    """

    def refuse(error: OSError) -> None:
        place = Path(error.filename)
        where = Source(shown(place if place == folder else place.relative_to(folder)))
        findings.append(finding("file-unreadable", where, problem=error.strerror))

    for here, folders, names in os.walk(folder, onerror=refuse):
        place = Path(here)
        folders[:] = sorted(name for name in folders if not name.startswith(PREFIX))
        for name in folders:
            if (place / name).is_symlink():
                where = Source(shown((place / name).relative_to(folder)))
                findings.append(finding("folder-link", where))
        if RESULTS & set(names) and place != folder:
            findings.append(finding("folder-results", Source(shown(place.relative_to(folder)))))
            continue
        yield from (
            place / name
            for name in sorted(names)
            if not name.startswith(PREFIX) and not _LITTER.fullmatch(name)
        )


def _why_not_read(file: Path, *, in_folder: bool) -> str:
    """Return the code of the finding that says why a file is not read; '' if it is."""
    if in_folder and file.suffix.lower() not in SUFFIXES:
        return "file-not-spreadsheet"
    try:
        regular = stat.S_ISREG(file.stat().st_mode)
    except OSError:
        regular = False
    return "" if regular else "file-not-regular"


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where one may not look


# --- Names and digests


def common_folder(paths: Sequence[Path]) -> Path | None:
    """Return the folder under which files are named; None where no folder holds all paths."""
    folders = [path if _is_folder(path) else path.parent for path in paths]
    try:
        return Path(os.path.commonpath([os.path.abspath(path) for path in folders]))  # noqa: PTH100
    except ValueError:
        # Of no paths, and of two drives.
        return None


def name_under(base: Path | None, path: Path) -> str:
    """Return a path as ``shown``, from the folder that ``common_folder`` returned."""
    full = Path(os.path.abspath(path))  # noqa: PTH100
    if base is not None and full.is_relative_to(base):
        full = full.relative_to(base)
    return shown(full)


def shown(path: Path) -> str:
    r"""Return a path as text to print and keep: one line, valid Unicode, '/' between parts.

    A sign that is not seen stands as its number, \u{200b}, and a byte that is no text as \x{ff}:
    two names are never shown alike.
    """
    text = os.fsencode(path).decode("utf-8", errors="surrogateescape").replace(os.sep, "/")
    text = re.sub(r"\\(?=[ux]\{)", r"\\u{5c}", text)
    return "".join(char if char.isprintable() else _escape(ord(char)) for char in text)


def _escape(number: int) -> str:
    no_text = 0xDC80 <= number <= 0xDCFF
    return f"\\x{{{number - 0xDC00:x}}}" if no_text else f"\\u{{{number:x}}}"


def sha256(content: bytes) -> str:
    """Return the hex digest by which a file is known."""
    return hashlib.sha256(content).hexdigest()


# --- frozen.yaml and decisions.yaml


def read_beside(path: Path, name: str) -> tuple[bytes | None, list[Finding]]:
    """Return the content of a frozen.yaml or decisions.yaml; None without a finding if there is none.

    Whoever may write in the folder could lead the reading or the writing elsewhere by a link, or
    hold it up by a pipe, so nothing but a plain file of at most MOST_BESIDE bytes is read.
    """
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
        if regular:
            handle = os.open(path, _OPEN_FLAGS)
            with os.fdopen(handle, "rb") as file:
                regular = stat.S_ISREG(os.fstat(handle).st_mode)
                content = file.read(MOST_BESIDE + 1) if regular else b""
    except (FileNotFoundError, NotADirectoryError):
        return None, []
    except OSError as error:
        if error.errno != errno.ELOOP:
            problem = error.strerror or str(error)
            return None, [finding("file-unreadable", Source(name), problem=problem)]
        regular = False
    if not regular:
        return None, [finding("beside-not-regular", Source(name))]
    if len(content) > MOST_BESIDE:
        return None, [finding("yaml-too-large", Source(name))]
    return content, []


def not_applied(paths: Sequence[Path], *, decisions: bool = True) -> list[Finding]:
    """Return a finding for each frozen.yaml and decisions.yaml that does not apply to the paths.

    Those in the one folder that is given apply; of several folders, their decisions. The files are
    looked for in these folders, below them, and above all paths. Without ``decisions`` no
    decisions.yaml is meant to apply, and none is looked for.
    """
    names = (FROZEN, DECISIONS) if decisions else (FROZEN,)
    roots = {os.path.realpath(path) for path in paths if _is_folder(path)}
    findings: dict[str, Finding] = {}
    below = ((file, _BELOW) for path in filter(_is_folder, paths) for file in _walk(path, []))
    above = ((file, _ABOVE) for file in _above(paths))
    for file, why in chain(below, above):
        if file.name not in names:
            continue
        folder = os.path.realpath(file.parent)
        in_root = folder in roots
        if not in_root or (file.name == FROZEN and len(paths) > 1):
            about = {"why_word": _SEVERAL if in_root else why, "folder": shown(file.parent)}
            item = finding("beside-not-applied", Source(shown(file)), **about)
            findings.setdefault(f"{folder}/{file.name}", item)
    return list(findings.values())


def _above(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files above the paths, also above where a link leads, by their paths from here."""
    here = Path.cwd()
    for path in paths:
        for place in (Path(os.path.abspath(path)), Path(os.path.realpath(path))):  # noqa: PTH100
            for folder in place.parents:
                near = folder.relative_to(here) if folder.is_relative_to(here) else folder
                for name in (FROZEN, DECISIONS):
                    if os.path.lexists(near / name):
                        yield near / name
