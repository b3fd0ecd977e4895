"""Files that we write: whole or not at all, and never over something a person may have made."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from wuhu_appraisal.i18n import N_

_LONGEST_NAME = 180


def write_whole(path: Path, content: bytes) -> Path | None:
    """Write a file in one step. One that stands there with other content is kept under a number.

    A link is followed to the file that it names. The new file is private to its owner. Returns the
    path under which the earlier file was kept, or None. Raises OSError, also for a place that
    holds a folder, a device or a file that may not be written.
    """
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, N_("a folder or a device stands in its place"), str(path))
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".appraise.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        kept = _keep(path, content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return kept


@contextmanager
def working_folder(beside: Path) -> Iterator[Path]:
    """A private folder for what is needed while an output is made; it goes when the work is done.

    It stands in the output's own folder, so that nothing is left elsewhere on the disk.
    """
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=beside, prefix=".appraise.") as name:
        yield Path(name)


def _keep(path: Path, content: bytes) -> Path | None:
    """Copy what stands at ``path`` to the first free number; None if nothing or the same is there."""
    if not path.exists() or path.read_bytes() == content:
        return None
    number = 1
    while (kept := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    shutil.copy2(path, kept)
    return kept


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
