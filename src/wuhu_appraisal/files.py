"""Files that we write: whole or not at all, and never over something a person may have made."""

import errno
import hashlib
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from wuhu_appraisal.language import N_

PREFIX = ".appraise."
"""How the names begin of what stands in an output folder only while it is written to."""

LOCK = PREFIX + "lock"

SYSTEM_SAYS = (
    N_("No space left on device"),
    N_("Disk quota exceeded"),
    N_("Read-only file system"),
    N_("Permission denied"),
    N_("Operation not permitted"),
    N_("No such file or directory"),
    N_("Not a directory"),
    N_("Is a directory"),
    N_("File exists"),
    N_("File name too long"),
    N_("File too large"),
    N_("Too many open files"),
    N_("Too many levels of symbolic links"),
    N_("Input/output error"),
    N_("Stale file handle"),
)
"""What Linux says of a write that fails, word for word (errno(3)), so that it is translated."""

IN_USE: set[str] = set()
"""The real paths of files that this process appends to meanwhile: nothing is written over them."""

_LONGEST_NAME = 180
_PATIENCE = 2.0
_TEMPORARY = re.compile(re.escape(PREFIX) + "[a-z0-9_]{8}")


class FolderBusyError(OSError):
    """Another run writes to the folder that ``filename`` names, or has just written there."""

    def __init__(self, folder: Path) -> None:
        problem = N_("another run is writing to this folder")
        super().__init__(errno.EAGAIN, problem, str(folder))


@dataclass(slots=True, eq=False)
class _Held:
    """A folder whose lock this process holds: since when, in ns, and what of it was tidied."""

    folder: Path
    since: int
    tidied: set[Path] = field(default_factory=set)


_held: list[_Held] = []


def log(name: str, event: str, level: int = 20, /, **fields: Any) -> None:
    """Log an event of the module ``name`` with its fields, as ``fields`` of its record.

    Those that may hold a score, a unit's name or a cell's content stand in a mapping ``told``, which
    a log leaves out unless it is asked for them. ``level`` is one of those of ``logging``: 20 is
    INFO. A field that is a function is called if somebody listens. Who does has imported
    ``logging``, so for nobody else is it loaded.
    """
    logging = sys.modules.get("logging")
    # Where nobody listens to it, what is logged as a warning would be printed.
    if logging is not None and logging.getLogger(name).isEnabledFor(logging.INFO):
        found = {key: it() if callable(it) else it for key, it in fields.items()}
        logging.getLogger(name).log(level, event, extra={"fields": found})


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep out the runs that lock the same folder; made if it is not there.

    One that locks a folder above or below is not kept out. Within this process a lock holds for
    all below its folder: nothing there is locked again. The lock is the system's own on a hidden,
    empty, private file, so it ends with its process, however that ends.
    Raises FolderBusyError if another run holds it for longer than 2 seconds, else OSError.
    """
    real = Path(os.path.realpath(folder))
    if _holder(real) is not None:
        yield
        return
    from filelock import FileLock, Timeout

    private_folder(real)
    file = real / LOCK
    lock = FileLock(file, timeout=_PATIENCE, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise FolderBusyError(folder) from None
    try:
        file.touch()
        held = _Held(real, file.stat().st_mtime_ns)
        _held.append(held)
        try:
            _tidy(real)
            yield
        finally:
            _held.remove(held)
    finally:
        # Gone while it is still held: who waited for it sees that it has no name and takes a new one.
        with suppress(OSError):
            file.unlink()
        lock.release()


def write_whole(path: Path, content: bytes, *, keep: bool = True) -> Path | None:
    """Write a file in one step. One that stands there with other content is kept under a number.

    Without ``keep`` it is not, as befits a file that holds all that it held before: the new one has
    its mode, and a link is refused. Else a link is followed to the file that it names, and the new
    file is private to its owner; so are the folders made for it. Returns the path under which the
    earlier file was kept, or None. Raises OSError, also for a place that holds a folder, a device
    or a file that may not be written, and FolderBusyError while another run writes to the folder.
    """
    if path.is_symlink() and not keep:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    irregular = path.exists() and not path.is_file()
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if os.path.realpath(path) in IN_USE:
        raise OSError(errno.EBUSY, N_("the log of this command stands in its place"), str(path))
    if irregular:
        raise OSError(errno.EINVAL, N_("a folder or a device stands in its place"), str(path))
    with locked(path.parent):
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        private_folder(path.parent)
        _tidy(path.parent)
        with _beside(path, content) as written:
            kept = _keep(path, content) if keep else None
            if not keep:
                _give_mode(path, written)
            written.replace(path)
            _flush(path.parent)
    digest = hashlib.sha256(content).hexdigest()
    log(__name__, "file.written", file=path, size=len(content), sha256=digest, kept=kept)
    return kept


@contextmanager
def working_folder(beside: Path) -> Iterator[Path]:
    """A private folder for what is needed while an output is made; it goes when the work is done.

    It stands in the output's own folder, which is locked meanwhile, and is where every library
    puts its temporary files, so that nothing is left elsewhere on the disk.
    """
    usual = tempfile.tempdir
    with (
        locked(beside),
        tempfile.TemporaryDirectory(dir=beside, prefix=PREFIX, ignore_cleanup_errors=True) as name,
    ):
        tempfile.tempdir = name
        try:
            yield Path(name)
        finally:
            tempfile.tempdir = usual


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it, that only its owner may look into. Raises OSError."""
    if folder.is_dir():
        return
    private_folder(folder.parent)
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
    _flush(folder.parent)


@contextmanager
def _beside(path: Path, content: bytes) -> Iterator[Path]:
    """A private file with the content, safe on the disk; it is gone unless it was moved away."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=PREFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _keep(path: Path, content: bytes) -> Path | None:
    """Give what stands at ``path`` the first free number too; None if nothing or the same is there."""
    if not path.exists() or (old := path.read_bytes()) == content:
        return None
    number = 0
    while True:
        number += 1
        kept = path.with_name(f"{path.stem}.{number}{path.suffix}")
        if os.path.lexists(kept) and os.path.samestat(kept.lstat(), path.stat()):
            # A run that was killed had come this far.
            return kept
        try:
            os.link(path, kept)
        except FileExistsError:
            continue
        except OSError:
            # Some file systems know no second name of a file, and some owners may not give one.
            if os.path.lexists(kept):
                continue
            with _beside(path, old) as copied:
                shutil.copystat(path, copied)
                copied.replace(kept)
        _flush(path.parent)
        return kept


def _give_mode(path: Path, written: Path) -> None:
    """Give a new file the group and the mode of the one that it replaces, if there is one."""
    if not path.exists():
        return
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode) & 0o777
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(written, -1, found.st_gid)
    if written.stat().st_gid != found.st_gid:
        # What one group may do is not for another.
        mode &= ~0o070
    written.chmod(mode)


def _holder(folder: Path) -> _Held | None:
    """What this process holds that covers a folder, given with its links followed."""
    return next((held for held in _held if folder.is_relative_to(held.folder)), None)


def _tidy(folder: Path) -> None:
    """Remove, once while the lock is held, what a run that was killed before has left in a folder."""
    folder = Path(os.path.realpath(folder))
    held = _holder(folder)
    if held is None or folder in held.tidied:
        return
    held.tidied.add(folder)
    # What cannot be removed, or a folder that cannot be listed, is no reason not to write.
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name)]:
            with suppress(OSError):
                _remove_older(path, held.since)


def _remove_older(path: Path, moment: int) -> None:
    """Remove a file or folder of this user that was last written to before a moment, in ns."""
    found = path.lstat()
    ours = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    if not ours or found.st_mtime_ns >= moment:
        return
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(path)
    elif stat.S_ISREG(found.st_mode):
        path.unlink()


def _flush(folder: Path) -> None:
    """Make the names in a folder safe on the disk, as fsync(2) says of a folder's entries."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        # Windows opens no folder, and one may be written to that may not be read.
        return
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems flush no folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def inner_path(name: str, ending: str) -> PurePosixPath:
    """A path below a folder for what is made of the file called ``name``; it never leads out of it.

    A long name is cut and told apart by its digest.
    """
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", ".", "..")]
    stem = parts[-1].removesuffix(".xlsx") if parts else "_"
    if len(stem.encode()) > _LONGEST_NAME:
        digest = hashlib.sha256(stem.encode()).hexdigest()[:8]
        stem = stem.encode()[:_LONGEST_NAME].decode(errors="ignore") + "-" + digest
    return PurePosixPath(*parts[:-1], stem + ending)
