"""Workbooks of openpyxl that are the same bytes whenever they are written."""

import io
import zipfile
from datetime import datetime
from typing import Any

_UNDATED = datetime(1980, 1, 1)
"""The first date that a zip archive can hold (APPNOTE.TXT 4.4.6)."""


def undated(book: Any) -> bytes:
    """A workbook as .xlsx (ECMA-376): the same bytes for the same content.

    A file that is written again and differs in its date alone would be kept beside itself.
    Raises OSError if there is no room for openpyxl's temporary files.
    """
    from openpyxl.xml.constants import ARC_CORE
    from openpyxl.xml.functions import tostring

    dated, target = io.BytesIO(), io.BytesIO()
    book.save(dated)
    book.properties.created = book.properties.modified = _UNDATED
    core = tostring(book.properties.to_tree())
    with (
        zipfile.ZipFile(dated) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in source.namelist():
            part = core if name == ARC_CORE else source.read(name)
            written.writestr(zipfile.ZipInfo(name), part, zipfile.ZIP_DEFLATED)
    return target.getvalue()
