"""Files that we write: whole or not at all, and never over something a person may have made."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> Path | None:
    """Write a file in one step. One that stands there with other content is kept under a number.

    Returns the path under which the earlier file was kept, or None. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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
    """Move what stands at ``path`` to the first free number; None if nothing or the same is there."""
    if not path.exists() or (path.is_file() and path.read_bytes() == content):
        return None
    number = 1
    while (kept := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    os.link(path, kept)
    return kept
