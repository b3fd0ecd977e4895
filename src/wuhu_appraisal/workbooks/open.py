"""Read any spreadsheet file: its content, not its ending, decides which reader reads it.

python-calamine reads the values of .xlsx and .xlsm. It gives errors and formulas without a stored
value as empty cells, and 95 % as 0.95, so the reader of these formats searches the file for what it
leaves out.
"""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator

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

from wuhu_appraisal.encryption import COMPOUND_FILE, decrypt
from wuhu_appraisal.findings import Finding, Source, column_letters, finding
from wuhu_appraisal.workbooks import ods, xlsx
from wuhu_appraisal.workbooks.cell import MOST_BYTES, MOST_CELLS, Raw, Sheet, TooLargeError
from wuhu_appraisal.workbooks.package import Package

_ZIP = b"PK"
_HARMLESS = 96_000
"""A smaller file cannot unpack to MOST_BYTES: deflate makes at most 1,032 bytes of one."""

_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""What spreadsheet programs write; other methods can unpack to far more."""

_CHUNK = 1 << 20

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A spreadsheet program keeps no more digits than 15; longer ones are a telephone or card number.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_DELIMITERS = "\t;,"
_SEPARATOR = re.compile(r"\s*sep=([\t;,|])[ \t;,]*(?:\r\n?|\n|\Z)", re.IGNORECASE)
"""A first line that Excel writes and shows to nobody."""
_SAMPLE = 4096


def read_sheets(
    file: str, content: bytes, password: str | None = None
) -> tuple[list[Sheet], list[Finding]]:
    """Return the worksheets of a file that hold anything, and findings for what cannot be read.

    A table as text is one sheet named ''. An encrypted workbook is decrypted in memory with
    ``password``.
    """
    if not content:
        return [], [finding("file-empty", Source(file))]
    if content.startswith(COMPOUND_FILE):
        content, refused = decrypt(file, content, password)
        if refused is not None:
            return [], [refused]
    if content.startswith(_ZIP):
        return _read_zip(file, content)
    if content.startswith(COMPOUND_FILE):
        # Imported here because few files are of the old format.
        from wuhu_appraisal.workbooks import xls

        sheets = xls.read(file, content)
        return ([], [sheets]) if isinstance(sheets, Finding) else _kept(file, sheets)
    table = _read_text(file, content)
    return ([], [table]) if isinstance(table, Finding) else _kept(file, [table])


def _read_text(file: str, content: bytes) -> Sheet | Finding:
    """Read a table as text, CSV or TSV (RFC 4180), as one sheet without a name.

    Text has no kinds of cells, so what looks like a number is one, as it would be when the file is
    opened in a spreadsheet program.
    """
    text = _decode(content)
    if text is None:
        return finding("file-not-workbook", Source(file))
    sample = text[:_SAMPLE]
    head = sample.lstrip().lower()
    if head.startswith("<") and any(tag in head for tag in ("<html", "<table", "<?xml")):
        return finding("file-is-markup", Source(file))
    stated = _SEPARATOR.match(text)
    passed = stated.end() if stated else 0
    delimiter = stated[1] if stated else _delimiter(sample)
    cells = text.count(delimiter) + text.count("\n") + text.count("\r") + 1
    if cells > MOST_CELLS:
        return Sheet(file, "", too_large=True)
    opened = _open_quote(text, passed, delimiter)
    if opened is not None:
        return finding("text-quote-open", Source(file), line=_lines(text[:opened]) + 1)
    rows = csv.reader(io.StringIO(text[passed:], newline=""), delimiter=delimiter)
    values: list[list[Raw]] = []
    lines = [1 + _lines(text[:passed])]
    try:
        for row in rows if delimiter in sample else ():
            values.append(list(map(_value, row)))
            lines.append(lines[0] + rows.line_num)
    except csv.Error:
        # A field of over 128 KB, or a sign that no table holds.
        values = []
    if not values:
        return finding("file-not-workbook", Source(file))
    return Sheet(file, "", values, lines=lines)


def _delimiter(sample: str) -> str:
    """Return the sign that stands in most lines of a table, however often in each.

    Decimal commas stand in fewer lines than the semicolons between cells.
    """
    lines = sample.splitlines()
    return max(
        _DELIMITERS, key=lambda sign: (sum(sign in line for line in lines), sample.count(sign))
    )


def _open_quote(text: str, start: int, delimiter: str) -> int | None:
    """Return where a quotation mark opens a cell that it never closes; None if each is closed.

    A mark that is followed by more text, some lines below, opens another cell and closes none.
    """
    if '"' not in text:
        return None
    edge = f"{delimiter}\r\n"
    quoted = re.compile(f'(?<![^{edge}])"[^"]*+(?:""[^"]*+)*+(?P<closed>"?)(?P<more>[^{edge} ])?')
    for cell in quoted.finditer(text, start):
        if not cell["closed"] or (cell["more"] and set("\r\n") & set(cell[0])):
            return cell.start()
    return None


def _lines(text: str) -> int:
    """Return how many lines end in a text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


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


def _read_zip(file: str, content: bytes) -> tuple[list[Sheet], list[Finding]]:
    try:
        described, package, findings = _describe_sheets(file, content)
    except TooLargeError:
        most = str(MOST_BYTES // 1_000_000)
        return [], [finding("file-too-large", Source(file), most=most)]
    except Exception:
        # Damaged bytes make parsers raise whatever they come upon.
        return [], [finding("file-damaged", Source(file))]
    if findings and not described:
        return [], findings
    if isinstance(described, list):
        return _kept(file, described)
    try:
        workbook = load_workbook(package)
    except PasswordError:
        return [], [finding("file-protected", Source(file))]
    except BaseException as error:
        _raise_unless_unreadable(error)
        return [], [finding("file-not-workbook", Source(file))]
    sheets: list[Sheet] = []
    for about in workbook.sheets_metadata:
        if about.typ == SheetTypeEnum.WorkSheet:
            sheet = described.get(about.name)
            if sheet is not None and _fill(sheet, workbook, about.name):
                if about.visible != SheetVisibleEnum.Visible:
                    very = about.visible == SheetVisibleEnum.VeryHidden
                    sheet.hidden = "very-hidden" if very else "hidden"
                sheets.append(sheet)
            else:
                name = sheet.name if sheet is not None else about.name
                findings.append(finding("sheet-unreadable", Source(file, name)))
    return _kept(file, sheets, findings)


def _describe_sheets(
    file: str, content: bytes
) -> tuple[dict[str, Sheet] | list[Sheet], io.BytesIO, list[Finding]]:
    """Return each sheet of an .xlsx or .xlsm without values, the package to read, and findings.

    The sheets go by the names that they have in that package; those of an .ods are complete and a
    list. Raises TooLargeError, and for a damaged file whatever the parsers come upon.
    """
    whole = io.BytesIO(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(part.compress_type not in _METHODS for part in archive.infolist()):
            raise ValueError("packed as no spreadsheet program packs")
        if len(content) > _HARMLESS:
            _check_size(archive)
        if {ods.CONTENT, ods.ENCRYPTED} & set(archive.namelist()):
            sheets = ods.read(file, archive)
            return ([], whole, [sheets]) if isinstance(sheets, Finding) else (sheets, whole, [])
        package = Package(archive)
        part, xml = package.workbook()
        if part.endswith(".bin"):
            return {}, whole, [finding("file-format-refused", Source(file))]
        return xlsx.read(file, package, part, xml) if part else ({}, whole, [])


def _check_size(archive: zipfile.ZipFile) -> None:
    """Unpack every part once, because an archive can lie about its sizes. Raises TooLargeError."""
    if sum(part.file_size for part in archive.infolist()) > MOST_BYTES:
        raise TooLargeError
    unpacked = 0
    for part in archive.infolist():
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                unpacked += len(chunk)
                if unpacked > MOST_BYTES:
                    raise TooLargeError


def _fill(sheet: Sheet, workbook: CalamineWorkbook, name: str) -> bool:
    """Read the values of a sheet that is not too large; return whether they can be read.

    ``name`` is the sheet's in the package.
    """
    if sheet.too_large:
        return True
    try:
        values = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except BaseException as error:
        _raise_unless_unreadable(error)
        return False
    rows: list[list[object]] = values  # type: ignore[assignment]
    for (row, column), value in sheet.replaced.items():
        while len(rows) <= row:
            rows.append([])
        rows[row] += [""] * (column + 1 - len(rows[row]))
        rows[row][column] = value
    sheet.rows = rows  # type: ignore[assignment]
    return True


def _kept(
    file: str, sheets: Iterable[Sheet], findings: Iterable[Finding] = ()
) -> tuple[list[Sheet], list[Finding]]:
    """Return the sheets that hold anything, and findings for what else is to be known of them."""
    kept: list[Sheet] = []
    findings = list(findings)
    for sheet in sheets:
        if sheet.too_large:
            most = MOST_CELLS // 1_000_000
            findings.append(finding("sheet-too-large", Source(file, sheet.name), most=most))
        elif sheet.rows:
            kept.append(sheet)
            findings += _hidden(sheet)
    if not kept and not findings:
        findings.append(finding("file-empty", Source(file)))
    return kept, findings


def _hidden(sheet: Sheet) -> Iterator[Finding]:
    """Yield what a person does not see although it is read."""
    where = Source(sheet.file, sheet.name)
    if sheet.hidden:
        yield finding(f"sheet-{sheet.hidden}", where)
    width = max(map(len, sheet.rows))
    rows = [str(row + 1) for row in sheet.hidden_rows if row < len(sheet.rows)]
    columns = [column_letters(column) for column in sheet.hidden_columns if column < width]
    if rows:
        code = "rows-filtered" if sheet.filtered else "rows-hidden"
        yield finding(code, where, rows=", ".join(rows))
    if columns:
        yield finding("columns-hidden", where, columns=", ".join(columns))


def _raise_unless_unreadable(error: BaseException) -> None:
    """Raise again what python-calamine does not raise for a file that it cannot read.

    A damaged file can make its compiled code panic, and a panic is no Exception.
    """
    known = isinstance(error, CalamineError | ZipError | XmlError | OSError | ValueError)
    if not known and type(error).__name__ != "PanicException":
        raise error
