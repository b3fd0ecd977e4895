"""A password as it is taken in: the same one however it was typed, and wherever it stood."""

import re
from pathlib import Path
from typing import TypeVar

from wuhu_appraisal.language import N_

_END = re.compile(rb"\r\n|\r|\n")
_MOST = 65_536
Given = TypeVar("Given", str, str | None)


def taken_in(password: Given) -> Given:
    """The password in NFC: keyboards and systems spell one accent in two ways, which look alike."""
    from unicodedata import normalize

    return password and normalize("NFC", password)


def first_line(path: Path) -> str:
    """The first line of a file in UTF-8, without its end: a line feed, a carriage return, or both.

    Raises OSError for a file that cannot be read, and ValueError with a message id for one that
    holds no text.
    """
    # A device has no end.
    with path.open("rb") as file:
        content = file.read(_MOST)
    if not content:
        raise ValueError(N_("it is empty"))
    try:
        line = _END.split(content, maxsplit=1)[0].decode("utf-8-sig")
    except UnicodeDecodeError:
        line = "\0"
    if "\0" in line:
        raise ValueError(N_("it is not in UTF-8; save it so"))
    return line
