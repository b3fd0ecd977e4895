"""What a fast reader leaves out: errors, uncalculated formulas, percent, what is hidden.

python-calamine gives an error value and a formula without a stored value as an empty cell, and 95 %
as 0.95. All would be misread, so each format is looked into for them. There is nothing to look into
in a table as text; .xls is read by ``intake.xls``; .xlsb is not looked into.
"""

import io
import zipfile
from collections.abc import Mapping

from wuhu_appraisal.intake.facts import ods, xlsx
from wuhu_appraisal.intake.facts.kinds import Fault, SheetFacts


def read_facts(content: bytes) -> Mapping[str, SheetFacts] | None:
    """The facts of each sheet by its name; None if a damaged file cannot be looked into."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if xlsx.WORKBOOK in names:
                return xlsx.read(archive)
            return ods.read(archive.read(ods.CONTENT)) if ods.CONTENT in names else {}
    except Exception:
        # Damaged bytes make parsers raise whatever they come upon.
        return None


__all__ = ["Fault", "SheetFacts", "read_facts"]
