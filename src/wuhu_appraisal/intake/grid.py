"""Any workbook as grids of raw cells with their addresses; python-calamine does the reading."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    XmlError,
    ZipError,
    load_workbook,
)

from wuhu_appraisal.findings import Finding, Source, finding

Raw: TypeAlias = int | float | str | bool | date | datetime | time | timedelta

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
"""The endings of files that a folder is searched for."""


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet: ``rows[0][0]`` is A1, an empty cell is ''. ``file`` is the name shown to people."""

    file: str
    sheet: str
    rows: Sequence[Sequence[Raw]]

    def text(self, row: int, column: int) -> str:
        """The text at 0-based indexes, '' outside the sheet and for what is not text."""
        if row < len(self.rows) and column < len(self.rows[row]):
            value = self.rows[row][column]
            return value.strip() if isinstance(value, str) else ""
        return ""


def read_grids(file: str, content: bytes) -> tuple[list[Grid], list[Finding]]:
    """The worksheets of a workbook that hold anything; what cannot be read is a finding."""
    if not content:
        return [], [finding("file-empty", Source(file))]
    try:
        workbook = load_workbook(io.BytesIO(content))
    except PasswordError:
        return [], [finding("file-protected", Source(file))]
    except (CalamineError, ZipError, XmlError, OSError, ValueError) as error:
        return [], [finding("file-not-workbook", Source(file), problem=error)]
    grids: list[Grid] = []
    findings: list[Finding] = []
    for meta in workbook.sheets_metadata:
        if meta.typ != SheetTypeEnum.WorkSheet:
            continue
        grid, problem = _read_sheet(file, workbook, meta.name)
        findings += problem
        if grid is not None:
            grids.append(grid)
    if not grids and not findings:
        findings.append(finding("file-empty", Source(file)))
    return grids, findings


def _read_sheet(
    file: str, workbook: CalamineWorkbook, name: str
) -> tuple[Grid | None, list[Finding]]:
    try:
        rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (CalamineError, XmlError, ZipError, OSError, ValueError) as error:
        return None, [finding("sheet-unreadable", Source(file, name), problem=error)]
    return (Grid(file, name, rows) if rows else None), []
