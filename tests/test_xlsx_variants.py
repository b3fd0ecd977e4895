"""The freedom that .xlsx leaves: what libraries make of it is read, or told with its place."""

import re
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from helpers.cells import edited
from helpers.packages import (
    BOOK,
    HEAD,
    LINKS,
    MAIN,
    RELATIONS,
    ROWS,
    SHEET,
    Parts,
    links,
    pack,
    right,
    sheet,
    strict,
    xlsx,
)
from helpers.small import SHEETS, SMALL, found_at, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.formula import ArrayFormula

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.model import Rule
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.workbooks.cell import Fault, Sheet
from wuhu_appraisal.workbooks.open import read_sheets

BALLOT = [["单位", "得分"], ["甲市", 90.0], ["乙市", 80.0]]
PLACE = ["vote/甲市.xlsx B3"]


def read(folder: Path, parts: Parts) -> tuple[list[Sheet], list[Finding]]:
    """What is read of a ballot with changed parts."""
    xlsx(folder / "a.xlsx", parts)
    return read_sheets("a.xlsx", (folder / "a.xlsx").read_bytes())


def rows_of(folder: Path, parts: Parts) -> list[list[object]]:
    """The rows of the one sheet of a ballot in which nothing is wrong."""
    [made], findings = read(folder, parts)
    assert findings == []
    return [list(row) for row in made.rows]


@cache
def small() -> LoadedScheme:
    return load_scheme(SMALL)


def ballot_with(folder: Path, cell: str, *, book: tuple[bytes, bytes] | None = None) -> Result:
    """The small input with the XML of one score's cell, and a change of its workbook."""
    write(folder, SHEETS)
    changes: dict[str, Callable[[bytes], bytes]] = {
        SHEET: lambda xml: re.sub(rb'<c r="B3".*?</c>', cell.encode(), xml)
    }
    # Openpyxl always asks for a calculation.
    before, after = book or (b' fullCalcOnLoad="1"', b"")
    changes[BOOK] = lambda xml: xml.replace(before, after)
    edited(folder / "vote" / "甲市.xlsx", changes)
    return appraise(small(), [folder])


# --- formulas that no program has calculated ------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="B3"><f>40+40</f><v>0</v></c>',
        '<c r="B3"><f>40+40</f><v>0.0</v></c>',
        '<c r="B3"><f>40+40</f><v>-0</v></c>',
        '<c r="B3"><f>40+40</f><v>0E0</v></c>',
        '<c r="B3" t="n"><f>40+40</f><v> 0 </v></c>',
        '<c r="B3" t="str"><f>40+40</f><v>0</v></c>',
        '<c r="B3"><f t="shared" si="0"/><v>0</v></c>',
        '<c r="B3"><f t="shared" ref="B3:B4" si="0">40+40</f><v>0</v></c>',
        '<c r="B3" cm="1"><f t="array" ref="B3">40+40</f><v>0</v></c>',
    ],
)
def test_a_formula_that_comes_to_0_is_told_with_its_cell(tmp_path: Path, cell: str) -> None:
    run = ballot_with(tmp_path, cell)
    assert found_at(run, "formula-gives-zero") == PLACE
    assert [entry.rules[0] for entry in run.ledger] == [Rule.FORMULA]


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="B3"><f>40+40</f><v>0</v></c>',
        '<c r="B3"><f>40+40</f><v>0.0</v></c>',
        '<c r="B3" t="str"><f>40+40</f><v>0</v></c>',
        '<c r="B3"><f>40+40</f><v> </v></c>',
        '<c r="B3" t="str"><f>40+40</f></c>',
    ],
)
@pytest.mark.parametrize(
    "sign",
    [
        b' fullCalcOnLoad="1"',
        b' fullCalcOnLoad="true"',
        b' calcCompleted="0"',
        b" calcCompleted='false'",
    ],
)
def test_a_workbook_that_asks_for_a_calculation_has_no_results_of_0(
    tmp_path: Path, cell: str, sign: bytes
) -> None:
    run = ballot_with(tmp_path, cell, book=(b' fullCalcOnLoad="1"', sign))
    assert found_at(run, "formula-without-value") == PLACE
    assert found_at(run, "formula-gives-zero") == []


@pytest.mark.parametrize(
    "cell",
    ['<c r="B3"><f>40+40</f></c>', '<c r="B3"><f>40+40</f><v/></c>', '<c r="B3"><f/><v></v></c>'],
)
def test_a_formula_without_a_result_is_told_whatever_the_workbook_says(
    tmp_path: Path, cell: str
) -> None:
    assert found_at(ballot_with(tmp_path, cell), "formula-without-value") == PLACE


@pytest.mark.parametrize("sign", [b"", b' fullCalcOnLoad="1"'])
def test_what_an_array_formula_fills_is_a_formula_too(tmp_path: Path, sign: bytes) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote" / "甲市.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["单位", "得分"])
        page.write_column(1, 0, ["甲市", "乙市"])
        page.write_array_formula("B2:B3", "{=D2:D3+E2:E3}", None, 90)
    edited(path, {BOOK: lambda xml: xml.replace(b' fullCalcOnLoad="1"', sign)})
    run = appraise(small(), [tmp_path])
    code = "formula-without-value" if sign else "formula-gives-zero"
    assert found_at(run, code) == PLACE


def test_openpyxl_leaves_an_array_formula_without_results(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote" / "甲市.xlsx"
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["B3"] = ArrayFormula("B3:B3", "=SUM(D3:E3)")
    book.save(path)
    run = appraise(small(), [tmp_path])
    assert found_at(run, "formula-without-value") == PLACE


def test_a_scheme_may_make_a_formula_that_comes_to_0_an_error(tmp_path: Path) -> None:
    ballot_with(tmp_path / "in", '<c r="B3"><f>40+40</f><v>0</v></c>')
    text = SMALL.read_text(encoding="utf-8")
    (tmp_path / "scheme.yaml").write_text(
        f"{text}reading: {{severities: {{formula-gives-zero: error}}}}\n", encoding="utf-8"
    )
    run = appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])
    assert [item.severity for item in run.findings if item.source.cell == "B3"] == ["error"]


def test_a_deduction_of_0_beside_full_marks_is_calculated(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote" / "甲市.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["单位", "分值", "得分", "扣分"])
        page.write_row(1, 0, ["甲市", 100, 100])
        page.write_row(2, 0, ["乙市", 100, 80])
        page.write_formula("D2", "=B2-C2", None, 0)
        page.write_formula("D3", "=B3-C3", None, 20)
    edited(path, {BOOK: lambda xml: xml.replace(b' fullCalcOnLoad="1"', b"")})
    assert appraise(small(), [tmp_path]).findings == []


def test_a_deduction_of_0_that_alone_makes_full_marks_is_told(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote" / "甲市.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["单位", "扣分"])
        page.write_row(1, 0, ["甲市", 10])
        page.write_row(2, 0, ["乙市"])
        page.write_formula("B3", "=D3+E3", None, 0)
    edited(path, {BOOK: lambda xml: xml.replace(b' fullCalcOnLoad="1"', b"")})
    assert found_at(appraise(small(), [tmp_path]), "formula-gives-zero") == PLACE


# --- texts -----------------------------------------------------------------------------------------

FONT = '<rPr><b/><sz val="11"/><color rgb="FF000000"/><rFont val="宋体"/><family val="3"/></rPr>'


@pytest.mark.parametrize(
    "text",
    [
        f"<r>{FONT}<t>乙</t></r><r><t>市</t></r>",
        f'<r>{FONT}<t>乙市</t></r><rPh sb="0" eb="2"><t>yǐshì</t></rPh><phoneticPr fontId="1"/>',
        '<t>乙市</t><rPh sb="0" eb="2"><t>yǐshì</t></rPh>',
        f"<r><t>乙市</t></r><r>{FONT}<t/></r>",
    ],
)
def test_a_text_in_several_fonts_in_its_cell_is_its_text(tmp_path: Path, text: str) -> None:
    there = "<t>乙市</t>".encode()
    assert rows_of(tmp_path, {SHEET: sheet(rows=ROWS.replace(there, text.encode()))}) == BALLOT


@pytest.mark.parametrize(
    "text", [f"<r>{FONT}<t>8</t></r><r><t>0</t></r>", f"<r>{FONT}<t>80</t></r>"]
)
def test_a_score_in_several_fonts_is_a_number_typed_as_text(tmp_path: Path, text: str) -> None:
    run = ballot_with(tmp_path, f'<c r="B3" t="inlineStr"><is>{text}</is></c>')
    assert run.findings == []
    assert [(entry.source.cell, entry.rules) for entry in run.ledger] == [("B3", (Rule.TEXT,))]


# --- what stands twice, or out of order -----------------------------------------------------------

OTHER = b'<row r="3"><c r="B3"><v>70</v></c></row>'


def damaged(folder: Path, content: bytes) -> str:
    """The cell at which a sheet is refused as damaged."""
    sheets, [item] = read(folder, {SHEET: content})
    assert sheets == []
    assert (item.code, item.source.file, item.source.sheet) == ("sheet-damaged", "a.xlsx", "S")
    return item.source.cell


def test_two_tables_are_refused(tmp_path: Path) -> None:
    two = sheet().replace(b"</sheetData>", b"</sheetData><sheetData>" + OTHER + b"</sheetData>")
    assert damaged(tmp_path, two) == ""
    assert damaged(tmp_path, sheet().replace(b"<sheetData>", b"<sheetData/><sheetData>")) == ""


def test_two_rows_of_one_number_are_refused(tmp_path: Path) -> None:
    assert damaged(tmp_path, sheet(OTHER)) == "A3"
    assert damaged(tmp_path, sheet(b'<row r="3" hidden="1"/>')) == "A3"


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="B3"><v>70</v></c>',
        b'<c r="B3" t="str"><v>80</v></c>',
        b'<c r="B3"><f>40+40</f><v>80</v></c>',
        b'<c r="b3"><v>70</v></c>',
    ],
)
def test_two_cells_in_one_place_are_refused(tmp_path: Path, cell: bytes) -> None:
    there = b'<c r="B3"><v>80</v></c>'
    beside = ROWS.replace(there, there + cell)
    assert damaged(tmp_path, sheet(rows=beside)) == "B3"
    elsewhere = sheet(b'<row r="4">' + cell + b"</row>")
    assert damaged(tmp_path, elsewhere) == "B3"


def test_a_cell_with_two_values_is_refused(tmp_path: Path) -> None:
    content = sheet(rows=ROWS.replace(b"<v>80</v>", b"<v>80</v><v>70</v>"))
    assert damaged(tmp_path, content) == "B3"


@pytest.mark.parametrize(
    "cell", [b'<c r="B3"/>', b'<c r="B3" s="1"></c>', b'<c r="B3"><v>80</v></c>']
)
def test_a_cell_that_says_the_same_again_or_nothing_is_no_damage(
    tmp_path: Path, cell: bytes
) -> None:
    there = b'<c r="B3"><v>80</v></c>'
    for both in (there + cell, cell + there):
        assert rows_of(tmp_path, {SHEET: sheet(rows=ROWS.replace(there, both))}) == BALLOT


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_rows_out_of_order_are_read_by_their_numbers(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    lines = re.findall(rb"<row.*?</row>", ROWS)
    content = sheet(rows=b"".join(lines[at] for at in order))
    assert rows_of(tmp_path, {SHEET: content}) == BALLOT


def test_one_bad_sheet_does_not_end_the_reading_of_the_others(tmp_path: Path) -> None:
    book = b'<workbook xmlns="%s" xmlns:r="%s"><sheets>' % (MAIN, RELATIONS)
    book += b"".join(
        b'<sheet name="S%d" sheetId="%d" r:id="rId%d"/>' % (n, n, n) for n in (1, 2, 3)
    )
    parts = {
        BOOK: book + b"</sheets></workbook>",
        LINKS: links(*(("worksheet", f"worksheets/sheet{n}.xml") for n in (1, 2, 3))),
        SHEET: sheet(OTHER),
        "xl/worksheets/sheet2.xml": sheet()[:-30],
        "xl/worksheets/sheet3.xml": sheet(),
    }
    sheets, findings = read(tmp_path, parts)
    assert [made.name for made in sheets] == ["S3"]
    assert [(item.code, item.source.sheet) for item in findings] == [
        ("sheet-damaged", "S1"),
        ("sheet-unreadable", "S2"),
    ]


# --- what is not seen ------------------------------------------------------------------------------


def hidden(folder: Path, content: bytes) -> tuple[list[int], list[int]]:
    """The numbers of the rows and columns that are told to be hidden."""
    [made], findings = read(folder, {SHEET: content})
    codes = {"rows-hidden": bool(made.hidden_rows), "columns-hidden": bool(made.hidden_columns)}
    assert {item.code for item in findings} == {code for code, some in codes.items() if some}
    return [row + 1 for row in made.hidden_rows], [column + 1 for column in made.hidden_columns][:3]


@pytest.mark.parametrize(
    "attributes", ['hidden="1"', 'hidden="true"', 'ht="0"', 'ht="0.0" customHeight="1"']
)
def test_a_row_without_height_is_hidden_with_or_without_a_number(
    tmp_path: Path, attributes: str
) -> None:
    row = f'<row r="3" {attributes}>'.encode()
    assert hidden(tmp_path, sheet(rows=ROWS.replace(b'<row r="3">', row))) == ([3], [])
    unnumbered = re.sub(rb' r="[A-Z]?\d"', b"", ROWS.replace(b'<row r="3">', row))
    assert hidden(tmp_path, sheet(rows=unnumbered)) == ([3], [])


@pytest.mark.parametrize("default", ['zeroHeight="1"', 'defaultRowHeight="0"'])
def test_rows_without_a_height_of_their_own_are_hidden_where_the_sheet_gives_none(
    tmp_path: Path, default: str
) -> None:
    rows = ROWS.replace(b'<row r="1">', b'<row r="1" ht="20">')
    rows = rows.replace(b'<row r="2">', b'<row r="2" hidden="0">')
    content = sheet(rows=rows).replace(HEAD, HEAD + f"<sheetFormatPr {default}/>".encode())
    assert hidden(tmp_path, content) == ([3], [])


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ('<cols><col min="2" max="2" width="0" customWidth="1"/></cols>', [2]),
        ('<cols><col min="1" max="2" width="0.0"/></cols>', [1, 2]),
        ('<cols><col max="2" min="2" hidden="true"/></cols>', [2]),
        (
            '<sheetFormatPr defaultColWidth="0"/><cols><col min="1" max="1" width="9"/></cols>',
            [2, 3, 4],
        ),
        ('<cols><col min="2" max="2" width="0.5"/></cols>', []),
    ],
)
def test_a_column_without_width_is_hidden(tmp_path: Path, columns: str, found: list[int]) -> None:
    content = sheet().replace(HEAD, HEAD + columns.encode())
    assert hidden(tmp_path, content) == ([], found)


# --- packages that programs open ------------------------------------------------------------------


def moved(change: Callable[[str], str]) -> list[tuple[str, bytes]]:
    """The parts of a right ballot under other names."""
    return [(change(name), part) for name, part in right().items()]


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name.replace("/", "\\"),
        str.upper,
        str.title,
        lambda name: f"/{name}",
        lambda name: name.replace("xl/worksheets", "XL\\WorkSheets"),
    ],
)
def test_parts_are_found_whatever_the_case_and_the_slashes(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    path = tmp_path / "a.xlsx"
    pack(path, moved(change))
    [made], findings = read_sheets("a.xlsx", path.read_bytes())
    assert findings == []
    assert [list(row) for row in made.rows] == BALLOT


@pytest.mark.parametrize("folder", ["", "book/", "deep/er/"])
def test_the_workbook_is_where_the_package_says(tmp_path: Path, folder: str) -> None:
    parts = {name.replace("xl/", folder): part for name, part in right().items()}
    parts["_rels/.rels"] = links(("officeDocument", f"{folder}workbook.xml"))
    path = tmp_path / "a.xlsx"
    pack(path, parts.items())
    [made], findings = read_sheets("a.xlsx", path.read_bytes())
    assert findings == []
    assert [list(row) for row in made.rows] == BALLOT


def test_two_different_parts_of_one_name_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    pack(path, [*right().items(), (SHEET.upper(), sheet(OTHER))])
    _sheets, findings = read_sheets("a.xlsx", path.read_bytes())
    assert [item.code for item in findings] == ["file-damaged"]


def book_of(*entries: str) -> bytes:
    items = "".join(entries).encode()
    return b'<workbook xmlns="%s" xmlns:r="%s"><sheets>%s</sheets></workbook>' % (
        MAIN,
        RELATIONS,
        items,
    )


OURS = '<sheet name="S" sheetId="1" r:id="rId1"/>'


@pytest.mark.parametrize(
    "other",
    [
        '<sheet name="Module1" sheetId="2" state="veryHidden" r:id=""/>',
        '<sheet name="Module1" sheetId="2"/>',
    ],
)
def test_an_entry_without_a_part_is_no_sheet(tmp_path: Path, other: str) -> None:
    assert rows_of(tmp_path, {BOOK: book_of(other, OURS)}) == BALLOT
    assert rows_of(tmp_path, {BOOK: book_of(OURS, other)}) == BALLOT


@pytest.mark.parametrize("kind", ["chartsheet", "dialogsheet", "xlMacrosheet", "xlIntlMacrosheet"])
def test_a_sheet_without_a_table_beside_the_scores_is_no_matter(tmp_path: Path, kind: str) -> None:
    parts = {
        BOOK: book_of(OURS, '<sheet name="T" sheetId="2" r:id="rId2"/>'),
        LINKS: links(("worksheet", "worksheets/sheet1.xml"), (kind, "other/sheet1.xml")),
        "xl/other/sheet1.xml": b'<other xmlns="%s"/>' % MAIN,
    }
    assert rows_of(tmp_path, parts) == BALLOT


def test_a_sheet_whose_part_is_gone_is_told(tmp_path: Path) -> None:
    gone = '<sheet name="T" sheetId="2" r:id="rId7"/>'
    sheets, [item] = read(tmp_path, {BOOK: book_of(OURS, gone)})
    assert [made.name for made in sheets] == ["S"]
    assert (item.code, item.source.sheet) == ("sheet-unreadable", "T")


@pytest.mark.parametrize("state", ["", "show", "Visible", "1"])
def test_a_sheet_in_a_state_that_nobody_knows_is_seen(tmp_path: Path, state: str) -> None:
    entry = OURS.replace("r:id", f'state="{state}" r:id')
    assert rows_of(tmp_path, {BOOK: book_of(entry)}) == BALLOT


@pytest.mark.parametrize(
    "reference", ["A:D", "1:3", "A", "", "A1:", "#REF!", "A1:XFD1048576", "中"]
)
def test_a_dimension_is_no_more_than_a_hint(tmp_path: Path, reference: str) -> None:
    content = sheet().replace(HEAD, HEAD + f'<dimension ref="{reference}"/>'.encode())
    assert rows_of(tmp_path, {SHEET: content}) == BALLOT


@pytest.mark.parametrize(
    ("reference", "area"),
    [
        ("D:D", (0, 3, 1_048_575, 3)),
        ("$E:D", (0, 3, 1_048_575, 4)),
        ("5:6", (4, 0, 5, 16_383)),
        ("d5:$C$4", (3, 2, 4, 3)),
        ("D4", (3, 3, 3, 3)),
        ("#REF!", None),
    ],
)
def test_merged_cells_may_be_whole_rows_or_columns(
    tmp_path: Path, reference: str, area: tuple[int, ...] | None
) -> None:
    behind = f'<mergeCells><mergeCell ref="{reference}"/></mergeCells>'.encode()
    [made], findings = read(tmp_path, {SHEET: sheet(behind=behind)})
    assert findings == []
    assert [list(row) for row in made.rows] == BALLOT
    assert made.merged == ([area] if area else [])


# --- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number",
    [
        "86,23",
        "1e309",
        "-1e309",
        "1e-400",
        "9" * 320,
        "NaN",
        "INF",
        "-Infinity",
        "N/A",
        "8 0",
        "1_0",
        "0x5",
    ],
)
def test_a_number_that_no_program_can_hold_is_told_with_its_cell(
    tmp_path: Path, number: str
) -> None:
    run = ballot_with(tmp_path, f'<c r="B3"><v>{number}</v></c>')
    assert found_at(run, "number-unreadable") == PLACE
    assert found_at(run, "score-missing") == []


def test_a_total_that_no_program_can_hold_is_told_with_its_cell(tmp_path: Path) -> None:
    write(
        tmp_path,
        {**SHEETS, "vote/甲市": [["单位", "得分", "总分"], ["甲市", 90, 90], ["乙市", 80, 81]]},
    )
    path = tmp_path / "vote" / "甲市.xlsx"
    edited(path, {SHEET: lambda xml: xml.replace(b"<v>81</v>", b"<v>1e309</v>")})
    run = appraise(small(), [tmp_path])
    assert [(item.code, item.source.cell) for item in run.findings] == [("number-unreadable", "C3")]


@pytest.mark.parametrize(
    "number",
    ["80", " 80 ", "\n80\t", "+80", "80.", "8e1", "8.0E+01", "080", "80.0000000000000000001"],
)
def test_a_number_in_any_form_of_the_format_is_the_number(tmp_path: Path, number: str) -> None:
    there = b"<v>80</v>"
    content = sheet(rows=ROWS.replace(there, f"<v>{number}</v>".encode()))
    assert rows_of(tmp_path, {SHEET: content}) == BALLOT


# --- ways to write the same ------------------------------------------------------------------------


def prefixed(xml: bytes) -> bytes:
    """A part as the Open XML SDK writes it."""
    named = re.sub(rb"<(/?)(?=\w)", rb"<\1x:", xml)
    return named.replace(b"xmlns=", b"xmlns:x=")


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda xml: xml,
    "with a prefix": prefixed,
    "between single quotes": lambda xml: xml.replace(b'"', b"'"),
    "in capitals first": lambda xml: re.sub(rb'<c r="(\w+)"([^>/]*)', rb'<c\2 r="\1"', xml),
    "without addresses": lambda xml: re.sub(rb' r="\w+"', b"", xml),
    "with line breaks": lambda xml: xml.replace(b"<", b"\n<").replace(b"<t>\n", b"<t>"),
    "with line breaks in its tags": lambda xml: xml.replace(b"<c r", b"<c\n  r"),
    "strict": strict,
    "in UTF-16": lambda xml: xml.decode().encode("utf-16"),
    "in GBK": lambda xml: b'<?xml version="1.0" encoding="GBK"?>' + xml.decode().encode("gbk"),
    "with a mark at its beginning": lambda xml: b"\xef\xbb\xbf" + xml,
    "with comments": lambda xml: xml.replace(b"<v>", b"<v><!-- v -->"),
    "in character codes": lambda xml: xml.decode().encode("ascii", "xmlcharrefreplace"),
    "with unknown names": lambda xml: xml.replace(
        b"<row r", b'<row xmlns:o="urn:other" o:r="7" r'
    ).replace(b"<v>", b'<o:c xmlns:o="urn:other" r="A9"/><v>'),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_sheet_is_read_however_it_is_written(tmp_path: Path, way: str) -> None:
    assert rows_of(tmp_path, {SHEET: WAYS[way](sheet())}) == BALLOT


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.tuples(st.integers(1, 8), st.integers(1, 5)), st.integers(0, 100), min_size=1
    ),
    st.sampled_from(sorted(set(WAYS) - {"without addresses"})),
    st.randoms(use_true_random=False),
)
def test_cells_in_any_order_stand_where_openpyxl_puts_them(
    tmp_path: Path, cells: dict[tuple[int, int], int], way: str, order: object
) -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    lines: dict[int, list[str]] = {}
    for (row, column), number in cells.items():
        page.cell(row, column).value = number
        place = page.cell(row, column).coordinate
        lines.setdefault(row, []).append(f'<c r="{place}"><v>{number}</v></c>')
    rows = [f'<row r="{row}">{"".join(line)}</row>' for row, line in lines.items()]
    order.shuffle(rows)  # type: ignore[attr-defined]
    [made], findings = read(tmp_path, {SHEET: WAYS[way](sheet(rows="".join(rows).encode()))})
    assert findings == []
    for row in range(8):
        for column in range(5):
            value = page.cell(row + 1, column + 1).value
            assert made.value(row, column) == ("" if value is None else value)


def test_a_number_in_a_table_as_text_that_no_double_holds_is_a_text() -> None:
    digits = "9" * 400
    [made], findings = read_sheets("a.csv", f"单位,得分\n甲市,{digits}\n".encode())
    assert findings == []
    assert made.rows[1][1] == digits


def test_a_package_that_holds_no_workbook_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_rels/.rels", links(("officeDocument", "word/document.xml")))
        archive.writestr("word/document.xml", "<document/>")
    _sheets, findings = read_sheets("a.xlsx", path.read_bytes())
    assert [item.code for item in findings] == ["file-not-workbook"]


def test_a_day_with_a_zone_is_a_date(tmp_path: Path) -> None:
    run = ballot_with(tmp_path, '<c r="B3" t="d"><v>2021-05-09T00:00:00Z</v></c>')
    assert found_at(run, "score-is-date") == PLACE


def test_an_error_in_a_number_is_kept_as_a_fault(tmp_path: Path) -> None:
    content = sheet(rows=ROWS.replace(b"<v>80</v>", b"<v>80,5</v>"))
    [made], _findings = read(tmp_path, {SHEET: content})
    assert made.rows[2][1] == Fault("number-unreadable", "80,5")
