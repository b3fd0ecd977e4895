"""Any workbook as grids of raw cells with their addresses; python-calamine does the reading."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    XmlError,
    ZipError,
    load_workbook,
)

from wuhu_appraisal.findings import Finding, Source, address, column_letters, finding
from wuhu_appraisal.numbers import from_float, plain
from wuhu_appraisal.workbooks import text as delimited
from wuhu_appraisal.workbooks.facts import (
    MOST_BYTES,
    MOST_CELLS,
    Fault,
    SheetFacts,
    TooLargeError,
    read_facts,
)

Raw: TypeAlias = int | float | str | bool | date | datetime | time | timedelta | Fault

HEADER_ROWS = 40
"""How many rows from the top a header is looked for in."""

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xls", ".et", ".xlsb", ".ods", ".csv", ".tsv"})
"""The endings of files that a folder is searched for; what a file is, its content says."""

_HIDDEN, _VERY_HIDDEN = 1, 2
_ZIP, _OLE = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: ``rows[0][0]`` is A1, an empty cell is ''. ``file`` is the name shown to people.

    ``noted_rows`` are the 0-based rows with a cell that looks otherwise than its value.
    """

    file: str
    sheet: str
    rows: Sequence[Sequence[Raw]]
    facts: SheetFacts = field(default_factory=SheetFacts, compare=False)
    noted_rows: frozenset[int] = frozenset()

    def source(self, row: int, column: int) -> Source:
        """The place of the cell at 0-based indexes."""
        return Source(self.file, self.sheet, address(row, column))

    def word(self, row: int, column: int) -> str:
        """The cell at 0-based indexes if it is a text, '' otherwise."""
        cells = self.rows[row]
        value = cells[column] if column < len(cells) else ""
        return value.strip() if isinstance(value, str) else ""

    def text(self, row: int, column: int) -> str:
        """The cell at 0-based indexes as text, '' outside the sheet; a number as it is shown."""
        if row < len(self.rows) and column < len(self.rows[row]):
            value = self.rows[row][column]
            if isinstance(value, str):
                return value.strip()
            if isinstance(value, Fault):
                return value.value
            return plain(from_float(value)) if isinstance(value, float) else str(value)
        return ""


def read_sheets(
    file: str, content: bytes, password: str | None = None
) -> tuple[list[Sheet], list[Finding]]:
    """The worksheets of a file that hold anything; what cannot be read is a finding.

    The content decides what the file is, not its ending. A table as text is one sheet named ''.
    An encrypted workbook is decrypted in memory with ``password``.
    """
    if not content:
        return [], [finding("file-empty", Source(file))]
    if content.startswith(_OLE):
        content, refused = decrypted(file, content, password)
        if refused is not None:
            return [], [refused]
    if not content.startswith((_ZIP, _OLE)):
        return _read_text(file, content)
    if content.startswith(_OLE):
        return _read_xls(file, content)
    return _read_fast(file, content)


def _read_fast(file: str, content: bytes) -> tuple[list[Sheet], list[Finding]]:
    """The formats that are zips: .xlsx, .xlsm, .xlsb, .ods."""
    try:
        facts = read_facts(content)
    except TooLargeError:
        most = str(MOST_BYTES // 1_000_000)
        return [], [finding("file-too-large", Source(file), most=most)]
    if facts is None:
        return [], [finding("file-damaged", Source(file))]
    try:
        workbook = load_workbook(io.BytesIO(content))
    except PasswordError:
        return [], [finding("file-protected", Source(file))]
    except BaseException as error:
        _raise_unless_unreadable(error)
        return [], [finding("file-not-workbook", Source(file))]
    grids: list[Sheet] = []
    findings: list[Finding] = []
    for meta in workbook.sheets_metadata:
        if meta.typ != SheetTypeEnum.WorkSheet:
            continue
        known = facts.get(meta.name)
        if known is None:
            findings.append(finding("sheet-unreadable", Source(file, meta.name)))
            continue
        grid, problem = _read_sheet(file, workbook, meta.name, known)
        findings += problem
        if grid is not None:
            grids.append(grid)
            findings += _hidden(grid, _visibility(meta.visible))
    if not grids and not findings:
        findings.append(finding("file-empty", Source(file)))
    return grids, findings


def is_encrypted(content: bytes) -> bool:
    """Whether a workbook needs a password before it can be read."""
    return content.startswith(_OLE) and decrypted("", content, None)[1] is not None


def decrypted(file: str, content: bytes, password: str | None) -> tuple[bytes, Finding | None]:
    """The content in the clear ([MS-OFFCRYPTO]); a finding where it cannot be had.

    That is: the password is missing or wrong, or the file was changed or damaged.
    """
    # Imported here because few files are encrypted.
    import msoffcrypto

    from wuhu_appraisal.encryption import WrongPasswordError, opened

    try:
        encrypted = msoffcrypto.OfficeFile(io.BytesIO(content)).is_encrypted()
    except Exception:
        # Damaged bytes make it raise whatever it comes upon; the reading will say so.
        encrypted = False
    if not encrypted:
        return content, None
    if password is None:
        return content, finding("file-protected", Source(file))
    try:
        return opened(content, password), None
    except WrongPasswordError:
        return content, finding("file-password-wrong", Source(file))
    except Exception:
        return content, finding("file-damaged", Source(file))


def _read_xls(file: str, content: bytes) -> tuple[list[Sheet], list[Finding]]:
    # Imported here because few files are of the old format.
    from wuhu_appraisal.workbooks.xls import read

    sheets = read(content)
    if sheets is None:
        return [], [finding("file-damaged", Source(file))]
    grids: list[Sheet] = []
    findings: list[Finding] = []
    for sheet in sheets:
        if sheet.facts.too_large:
            findings.append(_too_large(file, sheet.name))
        elif sheet.rows:
            grids.append(_grid(file, sheet.name, sheet.rows, sheet.facts))
            findings += _hidden(grids[-1], sheet.visibility)
    return grids, findings if grids or findings else [finding("file-empty", Source(file))]


def _read_text(file: str, content: bytes) -> tuple[list[Sheet], list[Finding]]:
    text = delimited.decode(content)
    if text is not None and delimited.is_markup(text):
        return [], [finding("file-is-markup", Source(file))]
    if text is not None and delimited.counted(text) > MOST_CELLS:
        return [], [_too_large(file, "")]
    rows = delimited.read_rows(text) if text is not None else []
    if not rows:
        return [], [finding("file-not-workbook", Source(file))]
    return [Sheet(file, "", rows)], []


def _too_large(file: str, sheet: str) -> Finding:
    return finding("sheet-too-large", Source(file, sheet), most=MOST_CELLS // 1_000_000)


def _read_sheet(
    file: str, workbook: CalamineWorkbook, name: str, facts: SheetFacts
) -> tuple[Sheet | None, list[Finding]]:
    if facts.too_large:
        return None, [_too_large(file, name)]
    try:
        rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except BaseException as error:
        _raise_unless_unreadable(error)
        return None, [finding("sheet-unreadable", Source(file, name))]
    cells: list[list[Raw]] = rows  # type: ignore[assignment]
    for (row, column), content in (*facts.left_out.items(), *facts.faults.items()):
        while len(cells) <= row:
            cells.append([])
        cells[row] += [""] * (column + 1 - len(cells[row]))
        cells[row][column] = content
    return (_grid(file, name, cells, facts) if cells else None), []


def _grid(file: str, name: str, rows: Sequence[Sequence[Raw]], facts: SheetFacts) -> Sheet:
    noted = frozenset(row for row, _column in (*facts.looks, *facts.remarks))
    return Sheet(file, name, rows, facts, noted)


def _hidden(grid: Sheet, visibility: int) -> Iterator[Finding]:
    """What a person does not see and is read all the same."""
    where = Source(grid.file, grid.sheet)
    facts = grid.facts
    if visibility:
        yield finding("sheet-hidden" if visibility == _HIDDEN else "sheet-very-hidden", where)
    width = max(map(len, grid.rows))
    rows = [str(row) for row in facts.hidden_rows if row <= len(grid.rows)]
    columns = [column_letters(column - 1) for column in facts.hidden_columns if column <= width]
    if rows:
        code = "rows-filtered" if facts.filtered else "rows-hidden"
        yield finding(code, where, rows=", ".join(rows))
    if columns:
        yield finding("columns-hidden", where, columns=", ".join(columns))


def _visibility(visible: SheetVisibleEnum) -> int:
    if visible == SheetVisibleEnum.Visible:
        return 0
    return _VERY_HIDDEN if visible == SheetVisibleEnum.VeryHidden else _HIDDEN


def _raise_unless_unreadable(error: BaseException) -> None:
    """Let through only what the reader says of a file that it cannot read.

    A damaged file can make its compiled code panic, and a panic is no Exception.
    """
    known = isinstance(error, CalamineError | ZipError | XmlError | OSError | ValueError)
    if not known and type(error).__name__ != "PanicException":
        raise error
