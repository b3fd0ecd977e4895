"""Files that we write: whole or not at all, and never over something a person may have made."""

import errno
import os
import shutil
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path | None:
    """Write a file in one step. One that stands there with other content is kept under a number.

    A link is followed to the file that it names. The new file is private to its owner. Returns the
    path under which the earlier file was kept, or None. Raises OSError, also for a place that
    holds a folder, a device or a file that may not be written.
    """
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "a folder or a device stands in its place", str(path))
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


def _keep(path: Path, content: bytes) -> Path | None:
    """Copy what stands at ``path`` to the first free number; None if nothing or the same is there."""
    if not path.exists() or path.read_bytes() == content:
        return None
    number = 1
    while (kept := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    shutil.copy2(path, kept)
    return kept
