"""What a fast reader leaves out: errors, uncalculated formulas, looks, notes, what is hidden.

python-calamine gives an error value and a formula without a stored value as an empty cell, and 95 %
as 0.95. All would be misread, so each format is looked into for them. There is nothing to look into
in a table as text; .xls is read by ``intake.xls``.
"""

import io
import zipfile
from collections.abc import Mapping

from wuhu_appraisal.workbooks import ods, xlsb, xlsx
from wuhu_appraisal.workbooks.cell import (
    MOST_BYTES,
    MOST_CELLS,
    Fault,
    Look,
    SheetFacts,
    TooLargeError,
)

_HARMLESS = 96_000
"""What is smaller than this cannot unpack to MOST_BYTES: deflate makes at most 1,032 of one."""

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What spreadsheet programs write; others can unpack to far more."""

_CHUNK = 1 << 20


def read_facts(content: bytes) -> Mapping[str, SheetFacts] | None:
    """The facts of each sheet by its name; None if a damaged file cannot be looked into.

    Raises TooLargeError.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if any(part.compress_type not in _METHODS for part in archive.infolist()):
                return None
            if len(content) > _HARMLESS:
                _weigh(archive)
            names = set(archive.namelist())
            if xlsx.WORKBOOK in names:
                return xlsx.read(archive)
            if xlsb.WORKBOOK in names:
                return xlsb.read(archive)
            return ods.read(archive.read(ods.CONTENT)) if ods.CONTENT in names else {}
    except TooLargeError:
        raise
    except Exception:
        # Damaged bytes make parsers raise whatever they come upon.
        return None


def _weigh(archive: zipfile.ZipFile) -> None:
    """Unpack every part once: what an archive says of its sizes need not be true."""
    unpacked = 0
    if sum(part.file_size for part in archive.infolist()) > MOST_BYTES:
        raise TooLargeError
    for part in archive.infolist():
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                unpacked += len(chunk)
                if unpacked > MOST_BYTES:
                    raise TooLargeError


__all__ = ["MOST_BYTES", "MOST_CELLS", "Fault", "Look", "SheetFacts", "TooLargeError", "read_facts"]
