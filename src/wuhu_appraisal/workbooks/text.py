"""Tables as text: CSV and TSV as spreadsheet programs and web systems write them (RFC 4180).

Text has no kinds of cells, so what looks like a number is one, as it would be when the file is
opened in a spreadsheet program.
"""

import codecs
import csv
import io
import re
from collections.abc import Sequence

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_DELIMITERS = "\t,;"
_SAMPLE = 4096


def decode(content: bytes) -> str | None:
    """The text of a file in UTF-8, UTF-16 with its mark, or GB18030; None if it is no text."""
    encodings = [name for mark, name in _BOMS if content.startswith(mark)]
    for encoding in encodings or ["utf-8", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _CONTROL.search(text) else text
    return None


def is_markup(text: str) -> bool:
    """Whether a text is a web page or an XML table rather than delimited columns."""
    head = text[:_SAMPLE].lstrip().lower()
    return head.startswith("<") and any(tag in head for tag in ("<html", "<table", "<?xml"))


def counted(text: str) -> int:
    """How many cells a delimited text has at most."""
    return text.count(_delimiter(text)) + text.count("\n") + text.count("\r") + 1


def read_rows(text: str) -> Sequence[Sequence[str | float]]:
    """The rows of a delimited text, [] where there is no delimiter; empty cells are ''."""
    delimiter = _delimiter(text)
    if delimiter not in text[:_SAMPLE]:
        return []
    try:
        return [
            [_content(cell) for cell in row]
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        ]
    except csv.Error:
        # A field of over 128 KB, or a sign that no table holds.
        return []


def _delimiter(text: str) -> str:
    """The likeliest delimiter, by its number in the first lines."""
    return max(_DELIMITERS, key=text[:_SAMPLE].count)


def _content(cell: str) -> str | float:
    return float(cell) if _NUMBER.fullmatch(cell.strip()) else cell
