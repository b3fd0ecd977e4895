"""What only .xls, .ods or tables as text have: containers, records, repeats, quotation marks."""

import math
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter
from helpers.bombs import validated
from helpers.office import SAVED, assert_saved_alike
from helpers.packages import (
    CLOSED,
    DOCUMENT,
    ODS_ROWS,
    TABLE,
    XLS_ROWS,
    biff,
    ods,
    ole,
    short_text,
    xls,
)
from helpers.small import SHEETS, SMALL, write

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.workbooks.cell import Fault, Raw
from wuhu_appraisal.workbooks.open import read_sheets

NAMES = b"".join(
    biff(0x204, struct.pack("<HHH", row, column, 0) + short_text(words))
    for row, column, words in [(0, 0, "单位"), (0, 1, "得分"), (1, 0, "甲市"), (2, 0, "乙市")]
)
RECALCULATED = biff(0x1C1, struct.pack("<HHI", 0x1C1, 0, 101972))
"""The version of the program that calculated a workbook last."""

EMPTY_TEXT = b"\3\0\0\0\0\0\xff\xff"
UNKNOWN = Fault("formula-without-value", "")


def codes(name: str, content: bytes) -> list[str]:
    return [item.code for item in read_sheets(name, content)[1]]


def cell(path: Path, row: int = 1, column: int = 1) -> Raw:
    """A cell of the only sheet of a file about which there is nothing to say."""
    [sheet], findings = read_sheets(path.name, path.read_bytes())
    assert findings == []
    return sheet.value(row, column)


def number(value: float, row: int = 1, style: int = 0) -> bytes:
    return biff(0x203, struct.pack("<HHHd", row, 1, style, value))


def formula(result: bytes, options: int = 0) -> bytes:
    return biff(0x06, struct.pack("<HHH8sHIH", 1, 1, 0, result, options, 0, 3) + b"\x1e\x50\0")


# --- .xls


@pytest.mark.parametrize(
    ("result", "options", "before", "within", "expected"),
    [
        (bytes(8), 0, RECALCULATED, b"", 0.0),
        (bytes(8), 1, RECALCULATED, b"", UNKNOWN),
        (bytes(8), 2, RECALCULATED, b"", UNKNOWN),
        (bytes(8), 0, RECALCULATED, biff(0x5E, bytes(2)), UNKNOWN),
        (bytes(8), 0, biff(0x1C1, struct.pack("<HHI", 0x1C1, 0, 0)), b"", UNKNOWN),
        (bytes(8), 0, b"", b"", UNKNOWN),
        (EMPTY_TEXT, 0, b"", b"", UNKNOWN),
        (EMPTY_TEXT, 3, RECALCULATED, b"", UNKNOWN),
        (EMPTY_TEXT, 0, RECALCULATED, b"", ""),
        (struct.pack("<d", 86.23), 3, b"", b"", 86.23),
    ],
)
def test_a_formula_of_xls_that_is_to_be_calculated_anew_and_comes_to_0_has_no_value(
    tmp_path: Path, result: bytes, options: int, before: bytes, within: bytes, expected: Raw
) -> None:
    path = tmp_path / "a.xls"
    rows = within + NAMES + formula(result, options)
    xls(path, rows=rows, globally=before)
    assert cell(path) == expected
    [sheet], _findings = read_sheets(path.name, path.read_bytes())
    if expected != UNKNOWN:
        assert sheet.look(1, 1).formula


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("date", [False, True])
def test_what_is_no_number_in_xls_is_an_error_of_its_cell(
    tmp_path: Path, value: float, date: bool
) -> None:
    path = tmp_path / "a.xls"
    style = biff(0xE0, struct.pack("<HH", 0, 14) + bytes(16)) if date else b""
    xls(path, rows=NAMES + number(value, style=21 * date), globally=style)
    assert cell(path) == Fault("score-is-error", "#NUM!")


def test_a_date_of_xls_that_no_calendar_has_is_an_error_of_its_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    style = biff(0xE0, struct.pack("<HH", 0, 14) + bytes(16))
    for value in (-1e300, 1e300):
        xls(path, rows=NAMES + number(value, style=21), globally=style)
        assert cell(path) == Fault("score-is-error", "#####")


def test_a_style_of_xls_that_the_file_leaves_out_takes_no_number_away(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    xls(path, rows=NAMES + number(86.23, style=4000))
    assert cell(path) == 86.23


@pytest.mark.parametrize(
    "record",
    [biff(0x1B8, b"\1"), biff(0x1B, b"\1"), biff(0x18, b"\1"), biff(0xA0, b""), biff(0x1B0, b"")],
    ids=["hyperlink", "page break", "name", "zoom", "conditional format"],
)
def test_a_damaged_record_of_xls_that_holds_no_score_is_no_matter(
    tmp_path: Path, record: bytes
) -> None:
    path = tmp_path / "a.xls"
    xls(path, rows=XLS_ROWS + record)
    assert cell(path) == 90.0


@pytest.mark.parametrize("kind", [1, 2, 6], ids=["macro sheet", "chart", "module"])
def test_a_sheet_of_xls_without_cells_is_no_matter(tmp_path: Path, kind: int) -> None:
    path = tmp_path / "a.xls"
    xls(path, globally=biff(0x85, struct.pack("<IBBBB", 99, 0, kind, 1, 0) + b"C"))
    assert cell(path) == 90.0


def test_a_chart_sheet_that_libreoffice_saved_beside_scores_is_no_matter() -> None:
    path = SAVED / "chart-sheet.xls"
    assert cell(path) == 90.0
    assert cell(path, 2) == 80.0


@pytest.mark.slow
def test_libreoffice_saves_a_chart_sheet_as_it_is_committed(
    convert: Callable[[Path, str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "chart-sheet.xlsx"
    with xlsxwriter.Workbook(path) as book:
        chart = book.add_chart({"type": "column"})
        chart.add_series({"values": "=S!$B$2:$B$3"})
        book.add_chartsheet("图").set_chart(chart)
        sheet = book.add_worksheet("S")
        for row, cells in enumerate(SHEETS["vote/甲市"]):
            sheet.write_row(row, 0, cells)
    assert_saved_alike("chart-sheet.xls", convert(path, "xls").read_bytes())


@pytest.mark.parametrize("password", [None, "考评"])
@pytest.mark.parametrize("data", [b"\1\2\3\4", bytes(6), b"\1\0\1\0\1\0" + bytes(48)])
@pytest.mark.parametrize("name", ["Workbook", "Book"])
def test_an_encrypted_xls_is_protected_and_not_damaged(
    tmp_path: Path, name: str, data: bytes, password: str | None
) -> None:
    path = tmp_path / "a.xls"
    xls(path, globally=biff(0x2F, data))
    content = path.read_bytes()
    written = [text.encode("utf-16-le").ljust(64, b"\0") for text in ("Workbook", name)]
    assert content.count(written[0]) == 1
    size = struct.pack("<H", 2 * len(name) + 2)
    content = content.replace(written[0] + struct.pack("<H", 18), written[1] + size)
    [finding] = read_sheets(path.name, content, password)[1]
    expected = {"file-protected", "file-password-wrong"} if password else {"file-protected"}
    if name == "Workbook" and password:
        expected |= {"file-damaged"}
    assert finding.code in expected


def test_a_compound_file_without_a_workbook_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    xls(path)
    old, new = ("Workbook".encode("utf-16-le"), "WordFile".encode("utf-16-le"))
    assert codes(path.name, path.read_bytes().replace(old, new)) == ["file-not-workbook"]


@pytest.mark.parametrize(
    ("at", "value"),
    [(30, 21), (32, 31), (64, 0xFFFFFFF0), (68, 0), (72, 0x7FFFFFFF), (44, 0xFFFFFFFF)],
)
def test_a_wrong_number_in_the_header_of_xls_is_no_matter(
    tmp_path: Path, at: int, value: int
) -> None:
    path = tmp_path / "a.xls"
    xls(path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<H" if at < 40 else "<I", content, at, value)
    path.write_bytes(content)
    assert cell(path) == 90.0


def circle() -> bytes:
    """A workbook of which a sector leads back to itself."""
    content = bytearray(ole(biff(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) * 1000))
    directory = struct.unpack_from("<I", content, 48)[0]
    struct.pack_into("<I", content, 512 + 4 * (directory + 2), directory + 2)
    return bytes(content)


def endless_tables() -> bytes:
    """A table of the tables of sectors that holds itself, with numbers that agree."""
    content = bytearray(circle().ljust(9_000_000, b"\0"))
    struct.pack_into("<I", content, 44, 109 + 127 * 1_000_000)
    struct.pack_into("<II", content, 68, 4, 1_000_000)
    content[512 + 4 * 512 : 512 + 5 * 512] = struct.pack("<I", 4) * 128
    return bytes(content)


def endless_small_tables() -> bytes:
    """A table of small sectors in a circle that says to be thousand millions of sectors long."""
    content = bytearray(circle())
    directory = struct.unpack_from("<I", content, 48)[0]
    entry = 512 + directory * 512 + 128
    struct.pack_into("<II", content, 60, directory + 2, 0xFFFFFFF0)
    struct.pack_into("<I", content, entry + 120, 100)
    return bytes(content)


def huge_stream() -> bytes:
    """A stream in a circle that says to have four thousand million bytes."""
    content = bytearray(circle())
    directory = struct.unpack_from("<I", content, 48)[0]
    struct.pack_into("<I", content, 512 + directory * 512 + 128 + 120, 0xFFFFFFF0)
    return bytes(content)


def circle_of_entries() -> bytes:
    """A directory that goes on in itself."""
    content = bytearray(circle())
    directory = struct.unpack_from("<I", content, 48)[0]
    struct.pack_into("<I", content, 512 + 4 * directory, directory)
    return bytes(content)


@pytest.mark.parametrize(
    "build", [circle, endless_tables, endless_small_tables, huge_stream, circle_of_entries]
)
def test_a_chain_of_sectors_that_never_ends_is_refused(
    tmp_path: Path, build: Callable[[], bytes]
) -> None:
    path = tmp_path / "vote" / "甲市.xls"
    path.parent.mkdir()
    path.write_bytes(build())
    status, printed = validated(path)
    assert status == 1
    assert "damaged" in printed


@pytest.mark.slow
@pytest.mark.parametrize(
    "record",
    [
        biff(0xE0, bytes(20)),
        biff(0x41E, struct.pack("<HHB", 200, 3, 0) + b"0.0"),
        biff(0x31, struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + b"\1\0A"),
    ],
    ids=["styles", "formats", "fonts"],
)
def test_a_million_records_of_xls_are_refused(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "vote" / "甲市.xls"
    path.parent.mkdir()
    xls(path, globally=record * (6_900_000 // len(record)))
    status, printed = validated(path)
    assert status == 1
    assert "million cells" in printed


@pytest.mark.slow
@pytest.mark.parametrize(
    "record",
    [
        biff(0x7D, struct.pack("<HHHHHH", 0, 255, 0, 0, 0, 0)),
        biff(0xE5, struct.pack("<H", 1000) + struct.pack("<HHHH", 0, 9, 0, 9) * 1000),
        biff(0x208, struct.pack("<HHHHIHH", 1, 0, 9, 9, 0, 0, 0)),
        biff(0x1C, struct.pack("<HHHHHBB", 1, 1, 0, 1, 1, 0, 65)),
    ],
    ids=["columns", "merged", "rows", "notes"],
)
def test_a_million_records_of_a_sheet_of_xls_take_little(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "vote" / "甲市.xls"
    path.parent.mkdir()
    xls(path, inside=record * (6_900_000 // len(record)))
    status, _printed = validated(path)
    assert status in (0, 1)


# --- .ods


def ods_cells(more: str) -> bytes:
    row = f"<table:table-row>{more}</table:table-row>".encode()
    return DOCUMENT + TABLE + ODS_ROWS + row + CLOSED


def ods_cell(attributes: str, inner: str = "") -> bytes:
    calc = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    return ods_cells(
        f'<table:table-cell/><table:table-cell xmlns:calcext="{calc}" {attributes}>{inner}'
        "</table:table-cell>"
    )


FLOAT = 'office:value-type="float"'
FORMULA = 'table:formula="of:=[.A1]"'


@pytest.mark.parametrize(
    ("attributes", "inner", "expected"),
    [
        (f'{FORMULA} {FLOAT} office:value="0"', "", UNKNOWN),
        (f'{FORMULA} {FLOAT} office:value="0.0"', "", UNKNOWN),
        (f'{FORMULA} {FLOAT} office:value="0"', "<text:p>0</text:p>", 0.0),
        (f"{FORMULA} {FLOAT}", "", UNKNOWN),
        (FORMULA, "", UNKNOWN),
        (f'{FORMULA} office:value-type="string"', "", UNKNOWN),
        (f'{FORMULA} office:value-type="string" office:string-value=""', "<text:p/>", ""),
        (f'{FORMULA} {FLOAT} office:value="86.23"', "", 86.23),
        (f'{FLOAT} office:value="NaN"', "", "NaN"),
        (f'{FLOAT} office:value="1e999"', "", "1e999"),
        (f'{FLOAT} office:value="1_0"', "", "1_0"),
        (FLOAT, "<text:p>86</text:p>", "86"),
        ('office:value-type="date" office:date-value="0000-99-99"', "", "0000-99-99"),
        (
            'office:value-type="time" office:time-value="PT99999999999999H"',
            "",
            "PT99999999999999H",
        ),
        (
            'office:value-type="string"',
            "<text:p>甲<text:ruby><text:ruby-base>市</text:ruby-base>"
            "<text:ruby-text>shì</text:ruby-text></text:ruby></text:p>",
            "甲市",
        ),
        (
            'office:value-type="string"',
            '<text:p>甲<text:s text:c="2"/>市<text:tab/><text:span>区</text:span></text:p>',
            "甲  市\t区",
        ),
    ],
)
def test_what_a_cell_of_ods_holds(
    tmp_path: Path, attributes: str, inner: str, expected: Raw
) -> None:
    path = tmp_path / "a.ods"
    ods(path, ods_cell(attributes, inner))
    if expected == "" or isinstance(expected, str):
        assert cell(path, 3) == expected
    else:
        found = cell(path, 3)
        assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize("order", ["no mimetype", "mimetype last", "mimetype packed"])
def test_the_entries_of_an_ods_may_stand_in_any_order(tmp_path: Path, order: str) -> None:
    path = tmp_path / "a.ods"
    parts = {"content.xml": ods_cells("")}
    if order != "no mimetype":
        parts["mimetype"] = b"application/vnd.oasis.opendocument.spreadsheet"
    if order == "mimetype packed":
        parts = dict(reversed(parts.items()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    assert cell(path) == 90.0


def test_an_ods_may_be_written_with_lines_between_its_elements(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    ods(path, ods_cells("").replace(b"><", b">\n  <"))
    assert cell(path) == 90.0


def test_rows_in_groups_and_changes_that_are_kept_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    kept = (
        b"<table:tracked-changes><table:cell-content-change><table:previous>"
        b'<table:change-track-table-cell office:value-type="float" office:value="1"/>'
        b"</table:previous></table:cell-content-change></table:tracked-changes>"
    )
    grouped = b"<table:table-header-rows>%s</table:table-header-rows>" % ODS_ROWS
    content = ods_cells("").replace(
        ODS_ROWS, b"<table:table-row-group>%s</table:table-row-group>" % grouped
    )
    ods(path, content.replace(b"<table:table ", kept + b"<table:table "))
    assert cell(path) == 90.0


def test_a_table_in_a_cell_and_a_copy_of_another_file_are_no_sheets(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    inner = '<table:table table:name="inner"><table:table-row><table:table-cell '
    inner += 'office:value-type="float" office:value="5"/></table:table-row></table:table>'
    ods(path, ods_cells(f"<table:table-cell>{inner}</table:table-cell>"))
    assert cell(path) == 90.0


def test_a_sheet_of_ods_that_is_not_displayed_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    style = (
        b'<office:automatic-styles><style:style style:name="ta1" style:family="table">'
        b'<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    )
    content = ods_cells("").replace(b"<office:body>", style + b"<office:body>")
    ods(path, content.replace(b'table:name="S"', b'table:name="S" table:style-name="ta1"'))
    assert codes(path.name, path.read_bytes()) == ["sheet-hidden"]


def test_an_encrypted_ods_is_protected_and_not_damaged(tmp_path: Path) -> None:
    content = (SAVED / "encrypted.ods").read_bytes()
    assert codes("a.ods", content) == ["file-protected"]
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("encrypted-package", b"\1\2\3")
    assert codes("a.ods", path.read_bytes()) == ["file-protected"]


def test_a_text_document_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    ods(path, ods_cells("").replace(b"office:spreadsheet", b"office:text"))
    assert codes(path.name, path.read_bytes()) == ["file-not-workbook"]


MILLION = 'table:number-columns-repeated="999999999"'
ROWS = '<table:table-row table:number-rows-repeated="999999999">'
VALUE = f'<table:table-cell {FLOAT} office:value="1"/>'
TEXT = '<table:table-cell office:value-type="string"><text:p>{}𠀀</text:p></table:table-cell>'


@pytest.mark.parametrize(
    "cells",
    [
        '<table:table-cell office:value-type="string"><text:p>x<text:s text:c="2000000000"/>'
        "</text:p></table:table-cell>",
        '<table:table-cell office:value-type="string"><text:p>'
        + '<text:s text:c="999999"/>' * 1000
        + "</text:p></table:table-cell>",
        f'<table:table-cell {MILLION} {FLOAT} office:value="1"/>',
        f'<table:table-cell table:number-columns-repeated="16000"/>{VALUE}</table:table-row>{ROWS}'
        f"<table:table-cell/></table:table-row><table:table-row>{VALUE}",
        f"</table:table-row>{ROWS}{VALUE}",
        f"<table:table-cell {MILLION}><office:annotation><text:p>x</text:p></office:annotation>"
        "</table:table-cell>",
        f'<table:table-cell {MILLION} table:number-columns-spanned="2"/>',
        pytest.param(lambda: TEXT.format("x" * 50_000_000), marks=pytest.mark.slow),
        pytest.param(lambda: TEXT.format(("x" * 900_000 + "<!---->") * 50), marks=pytest.mark.slow),
    ],
    ids=["spaces", "more spaces", "columns", "far", "rows", "notes", "merged", "text", "pieces"],
)
def test_repeats_of_ods_are_refused_before_they_unfold(
    tmp_path: Path, cells: str | Callable[[], str]
) -> None:
    path = tmp_path / "vote" / "甲市.ods"
    path.parent.mkdir()
    ods(path, ods_cells(cells if isinstance(cells, str) else cells()))
    status, printed = validated(path)
    assert status == 1
    assert "too-large" in printed


def test_a_file_that_is_refused_does_not_end_the_reading_of_the_others(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    (tmp_path / "vote" / "甲市.xlsx").unlink()
    (tmp_path / "vote" / "甲市.xls").write_bytes(circle())
    found = appraise(load_scheme(SMALL), [tmp_path])
    assert {item.code for item in found.findings if item.source.file} >= {"file-damaged"}
    assert "vote/乙市.xlsx" in {source.file for source in found.sources}


# --- Tables as text


def ballot(folder: Path, text: str, encoding: str = "utf-8") -> list[str]:
    """The findings about a ballot as text, each with its cell."""
    write(folder, SHEETS)
    (folder / "vote" / "甲市.xlsx").unlink()
    (folder / "vote" / "甲市.csv").write_bytes(text.encode(encoding))
    found = appraise(load_scheme(SMALL), [folder])
    return [
        " ".join(filter(None, [item.code, item.source.cell, *map(str, item.params.values())]))
        for item in found.findings
        if item.source.file == "vote/甲市.csv"
    ]


RIGHT = "单位,得分,备注\n甲市,90,\n乙市,80,\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RIGHT, []),
        ("单位,得分\n甲市,90,,,\n乙市,80,\n", []),
        ("单位,得分\n甲市,90,25\n乙市,80\n", ["row-too-long C2 2"]),
        ("单位;得分\n甲市;90;25\n乙市;80\n", ["row-too-long C2 2"]),
        ("单位\t得分\n甲市\t90\t25\n乙市\t80\n", ["row-too-long C2 2"]),
        ("打分表,,,,\n单位,得分,备注\n甲市,90,25,迟报\n乙市,80,\n", ["row-too-long D3 3"]),
        ("打分表,2020,12,31,日\n单位,得分\n甲市,90,25\n乙市,80\n", ["row-too-long C3 3"]),
        ("sep=;\n单位;得分\n甲市;90;25\n乙市;80\n", ["row-too-long C2 3"]),
        ('"单\n位",得分\n甲市,90,25\n乙市,80\n', ["row-too-long C2 3"]),
        ('单位,得分\n甲市,"86,23"\n乙市,80\n', ["score-decimal-comma B2 86,23"]),
        ("单位;得分\n甲市;86,23\n乙市;81\n", ["score-decimal-comma B2 86,23"]),
        ("sep=;\r\n单位;得分\r\n甲市;90\r\n乙市;80\r\n", []),
        ("SEP=\t\n单位\t得分\n甲市\t90\n乙市\t80\n", []),
        ('单位,得分,备注\n甲市,90,"迟报\n乙市,80,\n', ["text-quote-open 2"]),
        ('单位,得分,备注\n甲市,90,"迟""报\n乙市,80,\n', ["text-quote-open 2"]),
        ('单位,得分,备注\n甲市,90,"一\n二"\n乙市,80,"迟报\n', ["text-quote-open 4"]),
        ('单位,得分,备注\n甲市,90,"一\n乙市,80,"二"\n', ["text-quote-open 2"]),
        ('单位,得分,备注\n甲市,90,"一\n二"\n乙市,80,"三"\n', []),
        ('单位,得分,备注\n甲市,90,5" 屏\n乙市,80,"三"四\n', []),
        ('单位,得分,备注\n甲市,90,""\n乙市,80,""""\n', []),
        ("单位,得分,备注\n甲市,90,25\n乙市,80,5\n", ["scores-split C2 备注"]),
        ("单位,得分,备注\n甲市,90,25,\n乙市,80,5,\n", ["scores-split C2 备注"]),
        ("单位,得分,备注\n甲市,90,1\n乙市,80,2\n", []),
        ("单位,得分,备注\n甲市,90,2020\n乙市,80,2021\n", []),
        ("单位,得分,备注\n甲市,90.5,25\n乙市,80.5,5\n", []),
        ("单位,得分,备注\n甲市,90,25\n乙市,80,迟报\n", []),
        ("单位,得分,序号\n甲市,80,11\n乙市,90,12\n", []),
    ],
)
def test_a_table_as_text_is_read_or_its_mistake_reported(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    assert ballot(tmp_path, text) == expected


def test_a_row_that_is_too_long_gives_nobody_a_score(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    (tmp_path / "vote" / "甲市.xlsx").unlink()
    text = "单位,得分\n甲市,90\n乙市,80,5\n"
    (tmp_path / "vote" / "甲市.csv").write_text(text, encoding="utf-8")
    assert [finding.code for finding in appraise(load_scheme(SMALL), [tmp_path]).findings] == [
        "row-too-long"
    ]
    [sheet], _findings = read_sheets("甲市.csv", text.encode())
    assert list(sheet.lines[:3]) == [1, 2, 3]


@pytest.mark.parametrize("digits", [16, 400])
def test_a_long_row_of_digits_in_text_stays_what_it_is(tmp_path: Path, digits: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"单位,得分,电话\n甲市,90,{'9' * digits}\n", encoding="utf-8")
    assert cell(path, 1, 2) == "9" * digits


def test_a_million_quotation_marks_are_gone_through_once(tmp_path: Path) -> None:
    path = tmp_path / "vote" / "甲市.csv"
    path.parent.mkdir()
    for body in ('"' * 3_000_001, '"a\n' * 400_000, '"",' * 400_000 + '"'):
        path.write_text("单位,得分\n甲市," + body, encoding="utf-8")
        status, printed = validated(path)
        assert status == 1
        assert "line 2" in printed
