"""Return slips: the findings of a file, and its sheets with the cells in question marked."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from helpers.office import SAVED, assert_saved_alike
from openpyxl.workbook import Workbook

from wuhu_appraisal import language as i18n
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.output.slips import slip
from wuhu_appraisal.workbooks.cell import Fault, Sheet
from wuhu_appraisal.workbooks.open import read_sheets

Convert = Callable[[Path, str], Path]
ROWS: Sequence[Sequence[Any]] = (
    ("单位", "得分", "说明"),
    ("甲市", 90.5, "按期完成"),
    ("乙市", 102, "迟报"),
    ("丙县", "好", None),
)
HOSTILE = (
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
)


def written(build: Callable[[xlsxwriter.Workbook], None]) -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"strings_to_formulas": False, "strings_to_urls": False})
    build(book)
    book.close()
    return target.getvalue()


def table(book: xlsxwriter.Workbook, name: str = "表一") -> Any:
    sheet = book.add_worksheet(name)
    for row, values in enumerate(ROWS):
        sheet.write_row(row, 0, values)
    return sheet


def simple(book: xlsxwriter.Workbook) -> None:
    table(book)


def changed(content: bytes, part: str, old: str, new: str) -> bytes:
    """A workbook with a text in one of its parts exchanged."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            if name == part:
                assert old.encode() in data
                data = data.replace(old.encode(), new.encode())
            after.writestr(name, data)
    return target.getvalue()


def over(cell: str, sheet: str = "表一", file: str = "a.xlsx") -> Finding:
    return finding("score-over-marks", Source(file, sheet, cell), value="102", marks="100")


def struck(cell: str, sheet: str = "表一") -> Finding:
    return finding("score-struck-out", Source("a.xlsx", sheet, cell), value="102")


def reading(content: bytes) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def slip_of(content: bytes, *found: Finding, file: str = "a.xlsx") -> Workbook:
    grids, _findings = read_sheets(file, content)
    return reading(slip(file, content, grids, found))


def cells_of(book: Workbook) -> Iterator[Any]:
    return (cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row)


def entries(book: Workbook) -> list[tuple[Any, ...]]:
    """The rows of the list of findings."""
    rows = list(book.worksheets[0].iter_rows())
    top = next(number for number, row in enumerate(rows) if row[0].value == i18n._("No."))
    return rows[top + 1 :]


def is_grid_copy(book: Workbook) -> bool:
    return bool(book.properties.creator == "appraise")


@pytest.fixture(params=["xlsxwriter", "pandas", "xls", "ods", "csv"])
def came(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same table as different programs write it."""
    path = tmp_path / "来件.xlsx"
    frame = pd.DataFrame(ROWS[1:], columns=list(ROWS[0]))
    if request.param == "csv":
        path = path.with_suffix(".csv")
        frame.to_csv(path, index=False, encoding="gb18030")
    elif request.param == "pandas":
        frame.to_excel(path, sheet_name="表一", index=False)
    else:
        path.write_bytes(written(simple))
    if request.param in ("xls", "ods"):
        content = (SAVED / f"slip.{request.param}").read_bytes()
        path = path.with_suffix(f".{request.param}")
        path.write_bytes(content)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xls", "ods"])
def test_libreoffice_saves_the_table_as_it_is_committed(
    convert: Convert, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "slip.xlsx"
    path.write_bytes(written(simple))
    assert_saved_alike(f"slip.{form}", convert(path, form).read_bytes())


def test_every_finding_with_a_cell_is_coloured_and_noted_and_linked_to(came: Path) -> None:
    content = came.read_bytes()
    grids, _findings = read_sheets(came.name, content)
    places = [Source(came.name, grids[0].name, cell) for cell in ("B3", "B4", "D9")]
    found = [
        finding("score-over-marks", places[0], value="102", marks="100"),
        finding("score-struck-out", places[1], value="好"),
        finding("score-below-zero", places[2], value="-1"),
    ]
    book = reading(slip(came.name, content, grids, found))
    assert len(book.sheetnames) == 2
    assert len(entries(book)) == 3
    for row in entries(book):
        match = re.fullmatch(r"'(.+)'!([A-Z]+\d+)", row[3].hyperlink.location)
        assert match is not None
        assert match[2] == row[3].value
        assert row[2].hyperlink.location == row[3].hyperlink.location
        cell: Any = book[match[1]][match[2]]
        assert row[4].value in cell.comment.text
        assert row[5].value in cell.comment.text
        assert cell.fill.fill_type == "solid"
        assert cell.fill.fgColor.rgb[2:] in ("FFC7CE", "FFF2CC")


def test_the_copy_holds_the_values_as_they_came(came: Path) -> None:
    content = came.read_bytes()
    grids, _findings = read_sheets(came.name, content)
    before = bytes(content)
    source = Source(came.name, grids[0].name, "B3")
    book = reading(
        slip(came.name, content, grids, [finding("score-is-boolean", source, value="x")])
    )
    assert (content, came.read_bytes()) == (before, before)
    values = [[cell.value for cell in row[:3]] for row in book.worksheets[1].iter_rows()]
    assert values == [list(row) for row in ROWS]


def test_errors_and_warnings_differ_in_grey_print_too() -> None:
    sheet = slip_of(written(simple), over("B3"), struck("B4")).worksheets[1]
    assert sheet["B3"].fill.fgColor.rgb != sheet["B4"].fill.fgColor.rgb
    assert (sheet["B3"].border.top.style, sheet["B4"].border.top.style) == ("thick", "mediumDashed")
    texts = [str(sheet[name].comment and sheet[name].comment.text) for name in ("B3", "B4")]
    assert "error" in texts[0]
    assert "warning" in texts[1]


def test_the_list_says_what_to_do_and_numbers_the_findings_errors_first() -> None:
    book = slip_of(written(simple), struck("B4"), over("B3"))
    sheet = book.worksheets[0]
    above = [str(row[0].value) for row in sheet.iter_rows(max_row=4)]
    assert book.active is sheet
    assert "a.xlsx" in above[0]
    assert above[1] == "errors: 1, warnings: 1"
    assert "send the original again" in above[2]
    assert [[cell.value for cell in row[:4]] for row in entries(book)] == [
        [1, "error", "表一", "B3"],
        [2, "warning", "表一", "B4"],
    ]
    assert [row[4].value for row in entries(book)] == [over("B3").message, struck("B4").message]
    assert [row[5].value for row in entries(book)] == [over("B3").hint, struck("B4").hint]


def test_the_list_is_set_up_for_reading_and_for_a4_landscape() -> None:
    book = slip_of(written(simple), over("B3"))
    sheet: Any = book.worksheets[0]
    header = entries(book)[0][0].row - 1
    assert (sheet.page_setup.orientation, int(str(sheet.page_setup.paperSize))) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.page_setup.fitToHeight == 0
    assert sheet.print_title_rows == f"${header}:${header}"
    assert sheet.freeze_panes == f"A{header + 1}"
    assert all(cell.alignment.wrap_text for row in entries(book) for cell in row)


def test_a_message_higher_than_a_row_goes_on_in_the_next() -> None:
    of = "、".join(f"第{number}中心小学" for number in range(300))
    item = finding(
        "scores-missing", Source("a.xlsx", "表一"), stage="甲", member="乙", count=300, of=of
    )
    book = slip_of(written(simple), item)
    rows = entries(book)
    assert len(rows) > 1
    assert "".join(str(row[4].value) for row in rows) == item.message
    assert [row[0].value for row in rows] == [1] + [None] * (len(rows) - 1)
    heights = [book.worksheets[0].row_dimensions[row[0].row].height for row in rows]
    assert all(height is not None and height <= 409 for height in heights)


def test_two_findings_on_a_cell_are_one_note_with_the_colour_of_the_worse() -> None:
    cell: Any = slip_of(written(simple), struck("B3"), over("B3")).worksheets[1]["B3"]
    assert over("B3").message in cell.comment.text
    assert struck("B3").message in cell.comment.text
    assert cell.border.top.style == "thick"


def test_a_note_that_the_office_wrote_is_kept_behind_the_findings() -> None:
    def noted(book: xlsxwriter.Workbook) -> None:
        sheet = table(book)
        sheet.write_comment("B3", "经办人已核")
        sheet.write_comment("A2", "旧批注")

    sheet: Any = slip_of(written(noted), over("B3")).worksheets[1]
    assert sheet["B3"].comment.text.endswith("Note in the file: 经办人已核")
    assert "旧批注" in sheet["A2"].comment.text


def test_a_finding_inside_merged_cells_marks_all_of_them() -> None:
    def merged(book: xlsxwriter.Workbook) -> None:
        table(book).merge_range("E2:F4", "合并的说明")

    sheet: Any = slip_of(written(merged), over("F3"), over("E4")).worksheets[1]
    assert [str(area) for area in sheet.merged_cells.ranges] == ["E2:F4"]
    assert sheet["E2"].fill.fgColor.rgb[2:] == "FFC7CE"
    assert sheet["E2"].comment.text.count(over("F3").message) == 2
    assert sheet["F4"].border.bottom.style == sheet["F2"].border.right.style == "thick"


def test_a_sheet_as_it_came_keeps_its_looks_and_what_is_hidden() -> None:
    def looks(book: xlsxwriter.Workbook) -> None:
        sheet = table(book)
        sheet.set_column("A:A", 33)
        sheet.set_column("C:C", 12, None, {"hidden": True})
        sheet.set_row(1, 40, None, {"hidden": True})
        sheet.write("D1", 0.5, book.add_format({"num_format": "0.0%", "bg_color": "#00FF00"}))
        sheet.write("D2", "白字", book.add_format({"font_color": "white", "bold": True}))
        sheet.freeze_panes(1, 0)
        hidden = book.add_worksheet("藏")
        hidden.write("A1", 1)
        hidden.hide()

    book = slip_of(written(looks), over("B3"), over("D2"), over("A1", "藏"))
    sheet: Any = book.worksheets[1]
    assert not is_grid_copy(book)
    assert round(sheet.column_dimensions["A"].width) == 34
    assert sheet.column_dimensions["C"].hidden
    assert sheet.row_dimensions[2].hidden
    assert sheet["D1"].number_format == "0.0%"
    assert sheet["D1"].fill.fgColor.rgb == "FF00FF00"
    assert sheet.freeze_panes == "A2"
    # A marked text is black and keeps the rest of its font.
    assert (sheet["D2"].font.color.rgb, sheet["D2"].font.b) == ("FF000000", True)
    assert [item.sheet_state for item in book.worksheets] == ["visible", "visible", "hidden"]
    assert book["藏"]["A1"].comment is not None
    assert [item.sheet_view.tabSelected for item in book.worksheets] == [True, False, False]


def test_a_workbook_of_nothing_but_a_hidden_sheet_opens_with_the_list() -> None:
    content = changed(
        written(simple), "xl/workbook.xml", 'sheetId="1"', 'state="veryHidden" sheetId="1"'
    )
    book = slip_of(content, over("B3"))
    assert [item.sheet_state for item in book.worksheets] == ["visible", "veryHidden"]
    assert book.active is book.worksheets[0]


def test_formulas_links_and_all_that_acts_are_gone_and_their_values_stay() -> None:
    def acting(book: xlsxwriter.Workbook) -> None:
        sheet = table(book)
        sheet.write_formula("D2", "=SUM(B2:B3)", None, 192.5)
        sheet.write_formula("D3", '=HYPERLINK("http://x","点")', None, "点")
        sheet.write_formula("D4", "=1/0", None, "#DIV/0!")
        sheet.write_array_formula("D5:D6", "{=B2:B3*2}", None, 181)
        sheet.write_url("E2", "http://example.org/")
        sheet.write_url("E3", "external:other.xlsx")
        sheet.conditional_format("B2:B4", {"type": "2_color_scale"})
        sheet.data_validation("B2:B4", {"validate": "list", "source": "=Names"})
        sheet.add_table("G1:H3", {"columns": [{"header": "x"}, {"header": "y", "formula": "=1+1"}]})
        book.define_name("Names", "=表一!$A$2:$A$4")
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=表一!$B$2:$B$3"})
        sheet.insert_chart("J2", chart)
        sheet.protect("secret")
        book.add_chartsheet("图").set_chart(_chart(book))

    book = slip_of(written(acting), over("B3"))
    sheet: Any = book.worksheets[1]
    assert not is_grid_copy(book)
    assert [sheet[name].value for name in ("D2", "D3", "D4")] == [192.5, "点", "#DIV/0!"]
    assert all(cell.data_type not in "fe" for cell in cells_of(book))
    assert not any(cell.hyperlink for row in sheet.iter_rows() for cell in row)
    assert sheet["E2"].value == "http://example.org/"
    assert not sheet.conditional_formatting
    assert not sheet.data_validations.dataValidation
    assert not sheet.tables
    assert not sheet._charts
    assert not sheet.protection.sheet
    assert not book.defined_names
    assert not book.chartsheets


def _chart(book: xlsxwriter.Workbook) -> Any:
    chart = book.add_chart({"type": "bar"})
    chart.add_series({"values": "=表一!$B$2:$B$3"})
    return chart


@pytest.mark.parametrize("kind", ["e", "str", "inlineStr", "", "f", "nb"])
def test_a_stored_value_that_looks_like_a_formula_is_text(kind: str) -> None:
    text = "=cmd|' /C calc'!A0"
    stored = f"<is><t>{text}</t></is>" if kind == "inlineStr" else f"<v>{text}</v>"
    new = f'<c r="B3" t="{kind}">{stored}</c>'
    part = "xl/worksheets/sheet1.xml"
    book = slip_of(changed(written(simple), part, '<c r="B3"><v>102</v></c>', new), over("B3"))
    assert not is_grid_copy(book)
    cell: Any = book.worksheets[1]["B3"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def test_a_workbook_with_macros_comes_back_without_them() -> None:
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    macros = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    content = changed(written(simple), "[Content_Types].xml", sheet, macros)
    with_project = io.BytesIO(content)
    with zipfile.ZipFile(with_project, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    content = with_project.getvalue()
    made = slip("a.xlsm", content, read_sheets("a.xlsm", content)[0], [over("B3")])
    assert not is_grid_copy(reading(made))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert not any("vba" in name for name in archive.namelist())
        assert sheet in archive.read("[Content_Types].xml").decode()


def hostile_slips() -> Iterator[bytes]:
    """Slips of a workbook as it came and of a table as text, with hostile texts everywhere."""

    def hostile(book: xlsxwriter.Workbook) -> None:
        for number, text in enumerate(HOSTILE[:4]):
            sheet = book.add_worksheet(text.replace("\t", ""))
            sheet.write_row(0, 0, [*HOSTILE, number])

    content = written(hostile)
    name = '=HYPERLINK("http:x").xlsx'
    grids, _findings = read_sheets(name, content)
    found = [
        finding("name-unknown", Source(name, grid.name, "B1"), name=text)
        for grid, text in zip(grids, HOSTILE, strict=False)
    ]
    yield slip(name, content, grids, found)
    rows: list[list[Any]] = [[*HOSTILE, 1], [Fault("score-is-error", "=1+1"), "\r=1"]]
    wild = [Sheet(name, text, rows) for text in ("", *HOSTILE)]
    places = [Source(name, grid.name, "A2") for grid in wild]
    yield slip(name, b"", wild, [finding("name-unknown", at, name="=1+1") for at in places])


def test_text_from_an_office_never_becomes_a_formula() -> None:
    for made in hostile_slips():
        book = reading(made)
        cells = list(cells_of(book))
        assert all(cell.data_type not in "fe" for cell in cells)
        kept = {cell.value for cell in cells}
        assert set(HOSTILE) - {"\t=1"} <= kept
        risky = [cell for cell in cells if str(cell.value).startswith(("=", "+", "-", "@"))]
        assert all(cell.quotePrefix for cell in risky if cell.data_type == "s")
        assert len(risky) > 8


@pytest.mark.slow
def test_text_from_an_office_is_no_formula_to_libreoffice_either(
    convert: Convert, tmp_path: Path
) -> None:
    for number, made in enumerate(hostile_slips()):
        path = tmp_path / f"slip{number}.xlsx"
        path.write_bytes(made)
        theirs = openpyxl.load_workbook(convert(path, "xlsx"))
        ours = openpyxl.load_workbook(path)
        assert theirs.sheetnames == ours.sheetnames
        assert all(cell.data_type not in "fe" for cell in cells_of(theirs))
        for one, other in zip(cells_of(ours), cells_of(theirs), strict=False):
            if isinstance(one.value, str) and not one.value.isspace():
                assert str(other.value).strip() == one.value.strip()


def test_libreoffice_keeps_notes_links_and_colours(convert: Convert, tmp_path: Path) -> None:
    path = tmp_path / "slip.xlsx"
    content = written(simple)
    grids, _findings = read_sheets("a.xlsx", content)
    path.write_bytes(slip("a.xlsx", content, grids, [over("B3"), struck("B4")]))
    book = openpyxl.load_workbook(convert(path, "xlsx"))
    sheet: Any = book.worksheets[1]
    assert over("B3").message in sheet["B3"].comment.text
    assert sheet["B3"].fill.fgColor.rgb[2:] == "FFC7CE"
    links = [row[3].hyperlink.location.replace("'", "") for row in entries(book)]
    assert [link.replace("表一.", "表一!") for link in links] == ["表一!B3", "表一!B4"]


@pytest.mark.parametrize("text", ["控制\x00\x0b\x1f符", "\ud800半个", "\ufffe"])
def test_characters_that_xml_cannot_hold_are_replaced(text: str) -> None:
    grids = [Sheet(text, text, [[text, 1], ["x", text]])]
    found = [
        finding("name-unknown", Source(text, text, "A1"), name=text),
        finding("name-unknown", Source(text, text), name=text),
    ]
    book = reading(slip(text, b"", grids, found))
    assert "\ufffd" in str(book.worksheets[1]["A1"].value)
    assert book.sheetnames[1].isprintable()
    said = str(entries(book)[0][4].value)
    assert "\ufffd" in said or r"\ud800" in said


@pytest.mark.parametrize("letter", ["长", "𠮷"])
def test_a_text_longer_than_a_cell_can_hold_is_cut(letter: str) -> None:
    grids = [Sheet("a.xls", "表一", [[letter * 40_000, 1]])]
    book = reading(slip("a.xls", b"", grids, [over("B1")]))
    value = str(book.worksheets[1]["A1"].value)
    assert value.endswith("…")
    assert 32_760 < len(value.encode("utf-16-le")) // 2 <= 32_767


def test_numbers_that_are_none_dates_and_faults_are_shown() -> None:
    values: list[Any] = [
        float("nan"),
        float("inf"),
        Fault("score-is-error", "#DIV/0!"),
        True,
        20.4,
        "",
    ]
    grids = [Sheet("a.xls", "表一", [values])]
    sheet = reading(slip("a.xls", b"", grids, [over("B1")])).worksheets[1]
    shown = [cell.value for cell in sheet[1]]
    assert shown == ["nan", "inf", "#DIV/0!", True, 20.4]


def test_a_plain_copy_is_framed_and_wide_enough_for_chinese() -> None:
    title = "2020年度政务公开工作社会评议得分统计表（第二次报送）"
    rows: list[list[Any]] = [[title], ["单位名称和代码", "得分"], ["发展和改革委员会", 1.5]]
    sheet = reading(
        slip("a.xls", b"", [Sheet("a.xls", "表", rows)], [over("B3", "表")])
    ).worksheets[1]
    assert sheet.column_dimensions["A"].width == 20
    assert sheet["A2"].border.left.style == "thin"
    assert sheet["A2"].alignment.wrap_text
    # A title runs over its neighbours.
    assert not sheet["A1"].alignment.wrap_text
    assert sheet["A1"].border.left.style is None


def test_a_table_as_text_is_called_after_its_file() -> None:
    content = "单位,得分\n甲市,=1+1\n".encode()
    name = "报送/评分:表[1].csv"
    grids, _findings = read_sheets(name, content)
    book = reading(slip(name, content, grids, [over("B2", "", name)]))
    assert book.sheetnames[1] == "评分 表 1 "
    assert entries(book)[0][2].value == "评分 表 1 "
    assert book.worksheets[1]["B2"].comment is not None


def test_names_of_sheets_are_made_valid_and_unique() -> None:
    wanted = ["a/b", "a?b", "A B", "'x'", "", "History", "长" * 40, "长" * 41, "𠮷" * 20, "x" * 31]
    grids = [Sheet("f.xls", name, [[name, 1]]) for name in wanted]
    found = [over("B1", name, "f.xls") for name in wanted]
    book = reading(slip("f.xls", b"", grids, found))
    names = book.sheetnames
    assert len({name.casefold() for name in names}) == len(wanted) + 1
    assert all(len(name.encode("utf-16-le")) <= 62 for name in names)
    assert not any(set("[]:*?/\\") & set(name) or name.strip("'") != name for name in names)
    assert "History" not in names
    for row in entries(book):
        title = row[3].hyperlink.location.rpartition("!")[0].strip("'")
        assert book[title]["B1"].comment is not None


def test_a_sheet_that_has_the_name_of_the_list_keeps_it() -> None:
    title = i18n._("List of findings")
    book = slip_of(written(lambda new: table(new, title)), over("B3", title))
    assert book.sheetnames == [f"{title} (2)", title]
    assert entries(book)[0][3].hyperlink.location == f"'{title}'!B3"


def test_an_apostrophe_in_a_name_is_doubled_in_links() -> None:
    book = slip_of(written(lambda new: table(new, "a'b")), over("B3", "a'b"))
    assert entries(book)[0][3].hyperlink.location == "'a''b'!B3"


def test_a_name_that_is_too_long_is_cut_in_the_copy_and_whole_in_the_list() -> None:
    content = changed(written(simple), "xl/workbook.xml", "表一", "长" * 40)
    book = slip_of(content, over("B3", "长" * 40))
    assert not is_grid_copy(book)
    assert len(book.sheetnames[1]) == 31
    assert entries(book)[0][2].value == "长" * 40
    assert book.worksheets[1]["B3"].comment is not None


def test_a_finding_without_a_cell_leads_to_its_sheet_or_nowhere() -> None:
    book = slip_of(
        written(simple),
        finding("sheet-hidden", Source("a.xlsx", "表一")),
        finding("file-twice", Source("a.xlsx")),
        struck("B3", "没有这张表"),
    )
    links = {row[2].value: row[2].hyperlink and row[2].hyperlink.location for row in entries(book)}
    assert links == {None: None, "表一": "'表一'!A1", "没有这张表": None}
    assert all(row[3].hyperlink is None for row in entries(book))


def test_addresses_that_are_none_are_no_obstacle() -> None:
    found = [over(cell) for cell in ("ZZZ1", "A99999999", "B2:C3", "x")]
    book = slip_of(written(simple), *found)
    assert len(entries(book)) == 4
    assert book.worksheets[1]["B2"].comment is not None


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut off", b"", b"\xd0\xcf\x11\xe0"])
def test_what_does_not_load_is_built_of_what_was_read_or_is_the_list_alone(content: bytes) -> None:
    found = [over("B2"), finding("file-damaged", Source("a.xlsx"))]
    grids = [Sheet("a.xlsx", "表一", [["单位", "得分"], ["甲市", 102]])]
    book = reading(slip("a.xlsx", content, grids, found))
    assert is_grid_copy(book)
    assert book.worksheets[1]["B2"].comment is not None
    alone = reading(slip("a.xlsx", content, [], found))
    assert len(alone.sheetnames) == 1
    assert len(entries(alone)) == 2
    assert "could not be copied" in str(alone.worksheets[0]["A4"].value)


def test_a_file_that_would_unfold_to_countless_cells_is_built_of_what_was_read() -> None:
    def acting(book: xlsxwriter.Workbook) -> None:
        sheet = table(book)
        sheet.merge_range("E2:F4", "x")
        sheet.write_url("H1", "http://example.org/")
        sheet.write_comment("I1", "note")

    content = written(acting)
    parts = [
        ("xl/worksheets/sheet1.xml", 'mergeCell ref="E2:F4"', 'mergeCell ref="E2:XFD1048576"'),
        ("xl/worksheets/sheet1.xml", 'hyperlink ref="H1"', 'hyperlink ref="H1:XFD1048576"'),
        ("xl/comments1.xml", 'comment ref="I1"', 'comment ref="A:XFD"'),
    ]
    grids, _findings = read_sheets("a.xlsx", content)
    assert not is_grid_copy(reading(slip("a.xlsx", content, grids, [over("B3")])))
    for part in parts:
        assert is_grid_copy(reading(slip("a.xlsx", changed(content, *part), grids, [over("B3")])))


def test_a_file_that_unpacks_to_very_much_is_built_of_what_was_read() -> None:
    target = io.BytesIO(written(simple))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/much.bin", bytes(60_000_000))
    content = target.getvalue()
    assert len(content) < 1_000_000
    grids = [Sheet("a.xlsx", "表一", ROWS[:2])]
    assert is_grid_copy(reading(slip("a.xlsx", content, grids, [over("B2")])))


@pytest.mark.slow
def test_a_sheet_that_is_too_long_is_cut_and_the_list_says_so() -> None:
    grids = [Sheet("a.csv", "", [["甲", 1.5]] * 40_000)]
    book = reading(slip("a.csv", b"", grids, [over("B3", ""), over("B39000", "")]))
    assert "too long" in str(book.worksheets[0]["A4"].value)
    assert book.worksheets[1]["A25000"].value == "甲"
    assert book.worksheets[1]["A25001"].value is None
    assert book.worksheets[1]["B39000"].comment is not None


@pytest.mark.slow
def test_after_two_thousand_findings_a_last_row_says_how_many_more_there_are() -> None:
    found = [over(f"{letter}{row}") for letter in "AB" for row in range(1, 1103)]
    book = slip_of(written(simple), *found)
    rows = entries(book)
    assert (len(rows), rows[-2][0].value) == (2001, 2000)
    assert rows[-1][0].value == "and 204 more findings that are not listed"
    assert sum(cell.comment is not None for cell in cells_of(book)) == 2000
    assert book.worksheets[0]["A2"].value == "errors: 2204, warnings: 0"


def test_what_came_encrypted_is_not_copied() -> None:
    content = written(simple)
    grids, _findings = read_sheets("a.xlsx", content)
    book = reading(slip("a.xlsx", content, grids, [over("B3")], encrypted=True))
    assert len(book.sheetnames) == 1
    assert "the file is encrypted" in str(book.worksheets[0]["A4"].value)
    assert not any(cell.hyperlink for cell in cells_of(book))
    assert len(entries(book)) == 1


def test_rows_of_the_list_do_not_overlap_and_have_room_for_their_text() -> None:
    book = slip_of(written(simple), *[over(f"B{row}") for row in range(2, 9)])
    rows = [row[0].row for row in entries(book)]
    assert all(after == before + 1 for before, after in pairwise(rows))
    assert all(book.worksheets[0].row_dimensions[row].height for row in rows)


def test_a_slip_speaks_chinese() -> None:
    i18n.activate("zh")
    book = slip_of(written(simple), over("B3"), struck("B4"))
    assert book.sheetnames[0] == i18n._("List of findings")
    assert [row[1].value for row in entries(book)] == ["错误", "提示"]
    note = book.worksheets[1]["B3"].comment
    assert note is not None
    assert note.text.startswith("【错误】102")
