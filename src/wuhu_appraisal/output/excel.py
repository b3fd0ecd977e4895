"""Office files that are the same bytes whenever they are written."""

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
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
    book.properties.created = book.properties.modified = _EARLIEST.replace(tzinfo=None)
    core = tostring(book.properties.to_tree())
    with (
        zipfile.ZipFile(dated) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in source.namelist():
            part = core if name == ARC_CORE else source.read(name)
            written.writestr(zipfile.ZipInfo(name), part, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def reproducible(content: bytes, moment: datetime) -> bytes:
    """A zip archive's members in their order, each dated ``moment`` (UTC; 1980 if earlier)."""
    dated = max(moment.astimezone(UTC), _EARLIEST).timetuple()[:6]
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in source.namelist():
            member = zipfile.ZipInfo(name, dated)
            # By default this is the system that the program runs on.
            member.create_system = 0
            written.writestr(member, source.read(name), zipfile.ZIP_DEFLATED)
    return target.getvalue()
