"""Write files whole or not at all, and never over something that a person may have made."""

import errno
import hashlib
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath

from wuhu_appraisal.language import N_

PREFIX = ".appraise."
"""The start of the names of temporary files in an output folder."""

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
"""Linux's messages for a write that fails, word for word (errno(3)), so that they are translated."""

IN_USE: set[str] = set()
"""The real paths of files that this process appends to: nothing is written over them."""

_LONGEST_NAME = 180
_LOCK_TIMEOUT = 2.0
_TEMPORARY = re.compile(re.escape(PREFIX) + "[a-z0-9_]{8}")

log = logging.getLogger(__name__)


class WriteError(OSError):
    """A file or folder cannot be written: ``filename`` names it, ``strerror`` says why."""


class FolderBusyError(WriteError):
    """Another run writes to the folder that ``filename`` names, or has just written there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(errno.EAGAIN, N_("another run is writing to this folder"), str(folder))


class FileOpenError(WriteError):
    """Another program holds the file that ``filename`` names, so that it cannot be replaced."""


_HELD = {errno.EACCES, errno.EBUSY, errno.ETXTBSY}
"""What systems say of a file that another program has open, where the file itself may be written."""


@contextmanager
def _unless_open(path: Path) -> Iterator[None]:
    """Turn what a system says of an open file into a FileOpenError that names ``path``."""
    try:
        yield
    except OSError as error:
        if error.errno in _HELD or (error.errno is None and isinstance(error, PermissionError)):
            problem = N_("another program has it open")
            raise FileOpenError(error.errno, problem, str(path)) from error
        raise


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a WriteError that names ``path``."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(error.errno, error.strerror or str(error), str(path)) from error


@dataclass(slots=True, eq=False)
class _Lock:
    """A lock that this process holds: its folder, since when (ns), and the folders tidied since."""

    folder: Path
    since: int
    tidied: set[Path] = field(default_factory=set)


_locks: list[_Lock] = []


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep out other runs that lock the same folder; make the folder if it is not there.

    A run that locks a folder above or below is not kept out. Within this process a lock covers
    everything below its folder, which is not locked again. The lock is the system's own, on a
    hidden, empty, private file, so it ends with its process, however that ends.
    Raises FolderBusyError if another run holds it for longer than 2 seconds, else WriteError.
    """
    real = Path(os.path.realpath(folder))
    if _lock_over(real) is not None:
        yield
        return
    from filelock import FileLock, Timeout

    file = real / LOCK
    lock = FileLock(file, timeout=_LOCK_TIMEOUT, mode=0o600)
    try:
        with write_errors(folder):
            private_folder(real)
            try:
                lock.acquire()
            except Timeout:
                raise FolderBusyError(folder) from None
            file.touch()
            held = _Lock(real, file.stat().st_mtime_ns)
        _locks.append(held)
        try:
            _tidy(real)
            yield
        finally:
            _locks.remove(held)
    finally:
        if lock.is_locked:
            # Gone while it is still held: who waited for it sees that it has no name and takes a new one.
            with suppress(OSError):
                file.unlink()
            lock.release()


def write_whole(path: Path, content: bytes, *, keep: bool = True) -> Path | None:
    """Write a file in one step; keep a file with other content that stands there under a number.

    ``keep=False`` is for a file that holds all that it held before: the earlier file is replaced,
    the new one gets its mode, and a link is refused. Otherwise a link is followed to the file that
    it names, and the new file, and folders made for it, are private to their owner. Return the
    path under which the earlier file was kept, or None. Raises WriteError, also for a place that
    holds a folder, a device or a file that may not be written, and FolderBusyError while another
    run writes to the folder.
    """
    with write_errors(path):
        kept = _write(path, content, keep=keep)
    digest = hashlib.sha256(content).hexdigest()
    values = {"file": path, "size": len(content), "sha256": digest, "kept": kept}
    sentence = N_("Written: %(file)s (bytes: %(size)s)")
    if kept is not None:
        sentence = N_("Written: %(file)s (bytes: %(size)s); the earlier file was kept as %(kept)s")
    log.info(sentence, values, extra={"event": "file.written"})
    return kept


def _write(path: Path, content: bytes, *, keep: bool) -> Path | None:
    """Write a file as ``write_whole`` says. Raises OSError."""
    if path.is_symlink() and not keep:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    irregular = path.exists() and not path.is_file()
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if os.path.realpath(path) in IN_USE:
        raise OSError(errno.EBUSY, N_("the log of this command is in its place"), str(path))
    if irregular:
        raise OSError(errno.EINVAL, N_("there is a folder or a device in its place"), str(path))
    with locked(path.parent):
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        private_folder(path.parent)
        _tidy(path.parent)
        with _temporary(path, content) as written:
            kept = _keep(path, content) if keep else None
            if not keep:
                _copy_mode(path, written)
            with _unless_open(path):
                written.replace(path)
            _flush(path.parent)
    return kept


@contextmanager
def working_folder(beside: Path) -> Iterator[Path]:
    """Make a private folder for temporary files while an output is made, and remove it afterwards.

    It stands in the output's own folder, which is locked meanwhile, and every library puts its
    temporary files there, so that nothing is left elsewhere on the disk. Raises WriteError.
    """
    usual = tempfile.tempdir
    with locked(beside):
        with write_errors(beside):
            folder = tempfile.TemporaryDirectory(
                dir=beside, prefix=PREFIX, ignore_cleanup_errors=True
            )
        with folder as name:
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
def _temporary(path: Path, content: bytes) -> Iterator[Path]:
    """Put the content into a private file beside ``path``, flushed to the disk.

    Whoever takes the file moves it away. It is removed where the block fails.
    """
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
    for number in count(1):
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
            with _temporary(path, old) as copied:
                shutil.copystat(path, copied)
                copied.replace(kept)
        break
    _flush(path.parent)
    return kept


def _copy_mode(path: Path, written: Path) -> None:
    """Give a new file the group and the mode of the one that it replaces, if there is one."""
    if not path.exists():
        return
    old = path.stat()
    mode = stat.S_IMODE(old.st_mode) & 0o777
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(written, -1, old.st_gid)
    if written.stat().st_gid != old.st_gid:
        # What one group may do is not for another.
        mode &= ~0o070
    written.chmod(mode)


def _lock_over(folder: Path) -> _Lock | None:
    """Return the lock of this process that covers a folder, whose links were followed."""
    return next((lock for lock in _locks if folder.is_relative_to(lock.folder)), None)


def _tidy(folder: Path) -> None:
    """Remove, once while the lock is held, what a run that was killed has left in a folder."""
    folder = Path(os.path.realpath(folder))
    lock = _lock_over(folder)
    if lock is None or folder in lock.tidied:
        return
    lock.tidied.add(folder)
    # What cannot be removed, or a folder that cannot be listed, is no reason not to write.
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if _TEMPORARY.fullmatch(path.name)]:
            with suppress(OSError):
                status = path.lstat()
                ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
                if not ours or status.st_mtime_ns >= lock.since:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    shutil.rmtree(path)
                elif stat.S_ISREG(status.st_mode):
                    path.unlink()


def _flush(folder: Path) -> None:
    """Flush the names in a folder to the disk, as fsync(2) says of a folder's entries."""
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
    """Return a path below a folder for what is made of the file called ``name``.

    It never leads out of the folder. A long name is cut and told apart by its digest.
    """
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", ".", "..")]
    stem = parts[-1].removesuffix(".xlsx") if parts else "_"
    if len(stem.encode()) > _LONGEST_NAME:
        digest = hashlib.sha256(stem.encode()).hexdigest()[:8]
        stem = stem.encode()[:_LONGEST_NAME].decode(errors="ignore") + "-" + digest
    return PurePosixPath(*parts[:-1], stem + ending)
