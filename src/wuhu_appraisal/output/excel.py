"""What all spreadsheets that are written share: heights of rows, page numbers, the same bytes again."""

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from typing import IO, Any

from rich.cells import cell_len, chop_cells

from wuhu_appraisal.language import _

A4 = 9
"""The paper size (ECMA-376-1, 18.3.1.63)."""
LINE = 15
"""The height of a line of 11 pt, in points."""

_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""The first date that a zip archive can hold (APPNOTE.TXT 4.4.6)."""


def new_workbook(target: IO[bytes], **options: Any) -> Any:
    """An XlsxWriter workbook in which a text stays a text: no formula, link or number."""
    import xlsxwriter

    kept = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    return xlsxwriter.Workbook(target, {**kept, **options})


def page_number() -> str:
    """The page number in a footer, as spreadsheet programs fill it in."""
    return _("page {page} of {pages}").format(page="&P", pages="&N")


def count_lines(text: str, width: float) -> int:
    """How many lines a text takes in a column that is ``width`` characters wide.

    Programs do not all fit rows to wrapped text when they open a file, so heights are stored.
    """
    room = _room(width)
    return sum(max(1, ceil(cell_len(line) / room)) for line in text.split("\n"))


def split_lines(text: str, width: float) -> list[str]:
    """The lines that a text takes in a column, with their line breaks."""
    room = _room(width)
    return [part for line in text.splitlines(keepends=True) for part in chop_cells(line, room)]


def _room(width: float) -> int:
    """Half-width characters in a line of a column; a Chinese one is a little wider than two digits."""
    return max(int((width - 1) / 1.07) // 2 * 2, 2)


def save_openpyxl(book: Any) -> bytes:
    """An openpyxl workbook as .xlsx: the same bytes for the same content, without a date.

    Raises OSError if there is no room for openpyxl's temporary files.
    """
    from openpyxl.xml.constants import ARC_CORE
    from openpyxl.xml.functions import tostring

    saved = io.BytesIO()
    book.save(saved)
    # Saving sets the time of the last change.
    book.properties.created = book.properties.modified = _EARLIEST.replace(tzinfo=None)
    return date_zip(saved.getvalue(), _EARLIEST, {ARC_CORE: tostring(book.properties.to_tree())})


def date_zip(
    content: bytes, moment: datetime, replaced: Mapping[str, bytes] | None = None
) -> bytes:
    """A zip archive with all members dated ``moment`` (UTC; 1980 if earlier), some ``replaced``."""
    date_time = max(moment.astimezone(UTC), _EARLIEST).timetuple()[:6]
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in source.namelist():
            member = zipfile.ZipInfo(name, date_time)
            # By default this is the system that the program runs on.
            member.create_system = 0
            part = (replaced or {}).get(name) or source.read(name)
            written.writestr(member, part, zipfile.ZIP_DEFLATED)
    return target.getvalue()
