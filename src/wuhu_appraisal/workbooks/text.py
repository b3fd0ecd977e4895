"""Read tables as text: CSV and TSV as spreadsheet programs and web systems write them (RFC 4180).

Text has no kinds of cells, so what looks like a number is one, as it would be when the file is
opened in a spreadsheet program.
"""

import codecs
import csv
import io
import re

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.workbooks.cell import MOST_CELLS, Raw, Sheet

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_DELIMITERS = "\t,;"
_SAMPLE = 4096


def read(file: str, content: bytes) -> Sheet | Finding:
    """Return the table as one sheet without a name, or a finding where the file is none."""
    text = _decode(content)
    if text is None:
        return finding("file-not-workbook", Source(file))
    sample = text[:_SAMPLE]
    head = sample.lstrip().lower()
    if head.startswith("<") and any(tag in head for tag in ("<html", "<table", "<?xml")):
        return finding("file-is-markup", Source(file))
    delimiter = max(_DELIMITERS, key=sample.count)
    cells = text.count(delimiter) + text.count("\n") + text.count("\r") + 1
    if cells > MOST_CELLS:
        return Sheet(file, "", too_large=True)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        values = [[_value(cell) for cell in row] for row in rows] if delimiter in sample else []
    except csv.Error:
        # A field of over 128 KB, or a sign that no table holds.
        values = []
    return Sheet(file, "", values) if values else finding("file-not-workbook", Source(file))


def _decode(content: bytes) -> str | None:
    """Return the text of a file in UTF-8, in UTF-16 with its mark, or in GB18030; None if binary."""
    marked = [encoding for mark, encoding in _BOMS if content.startswith(mark)]
    for encoding in marked or ["utf-8", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _CONTROL.search(text) else text
    return None


def _value(cell: str) -> Raw:
    return float(cell) if _NUMBER.fullmatch(cell.strip()) else cell
