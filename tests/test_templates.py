"""The forms made from a scheme: complete, locked but for the cells to fill, and read as they are filled."""

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import openpyxl
import pytest
import yaml
from helpers import TESTS
from helpers.small import SMALL
from openpyxl.cell.cell import Cell
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from wuhu_appraisal import language as i18n
from wuhu_appraisal import load_scheme
from wuhu_appraisal.appraisal import check_sources
from wuhu_appraisal.findings import Source
from wuhu_appraisal.model import Absent
from wuhu_appraisal.output.forms import render
from wuhu_appraisal.read.forms import FormIndex, Place, parse_tag, tag_in
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.workbooks.open import read_sheets
from wuhu_appraisal.year.expected import Template, submissions, templates

WUHU, SICHUAN = "wuhu-2020", "sichuan-2011"
SCHEMES = [str(SMALL), WUHU, SICHUAN]
KINDS = (
    "双向互评/测评县市区/市发改委.xlsx",
    "专业机构测评/县市区/南陵县.xlsx",
    "专业机构测评/市直单位.xlsx",
    "日常测评/第1轮.xlsx",
    "加扣分/加扣分.xlsx",
)
FORMATS = ("xlsx", "xls", "ods")
FUNCTIONS = {"IF", "AND", "OR", "ISNUMBER", "COUNT", "SUM", "ROUND", "MAX", "MIN"}
TO_FILL = "F9ECBC"


@cache
def scheme_of(name: str) -> Scheme:
    loaded = load_scheme(name)
    assert loaded.scheme is not None, loaded.findings
    return loaded.scheme


def changed(
    tmp_path: Path, *replaced: tuple[str, str], more: Mapping[str, Any] | None = None
) -> Scheme:
    """The small scheme with some of its text replaced and keys added."""
    text = SMALL.read_text(encoding="utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "scheme.yaml"
    if more:
        text += yaml.safe_dump(dict(more), allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    loaded = load_scheme(path)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    return loaded.scheme


def made(scheme: Scheme) -> list[Template]:
    found, findings = templates(scheme)
    assert findings == []
    return found


def template_at(scheme: Scheme, path: str) -> Template:
    return next(item for item in made(scheme) if str(item.path) == path)


def opened(scheme: Scheme, template: Template, password: str | None = None) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(render(scheme, template, password)))


@cache
def sheets_of(name: str, language: str = "en") -> list[tuple[Template, Worksheet]]:
    """The sheets of a scheme's templates, as another program reads them: one workbook of a kind."""
    i18n.activate(language)
    scheme = scheme_of(name)
    kinds = {
        tuple(place.form for sheet in item.sheets for place in sheet.places): item
        for item in reversed(made(scheme))
    }
    return [
        (template, sheet)
        for template in kinds.values()
        for sheet in opened(scheme, template).worksheets
    ]


def cells_of(sheet: Worksheet) -> Iterator[Cell]:
    for row in sheet.iter_rows():
        yield from (cell for cell in row if isinstance(cell, Cell))


def to_fill(sheet: Worksheet) -> list[Cell]:
    return [cell for cell in cells_of(sheet) if not cell.protection.locked]


def validated(sheet: Worksheet) -> dict[str, DataValidation]:
    """The rule of each cell that has one."""
    return {
        sheet.cell(row, column).coordinate: rule
        for rule in sheet.data_validations.dataValidation
        for found in rule.sqref.ranges
        for row, column in found.cells
    }


def header_of(sheet: Worksheet) -> dict[str, str]:
    """The letter of each column by its header."""
    assert isinstance(sheet.freeze_panes, str)
    row = int(re.sub("[A-Z]", "", sheet.freeze_panes)) - 1
    return {str(cell.value): cell.column_letter for cell in sheet[row] if cell.value}


# What is made


@pytest.mark.parametrize("name", SCHEMES)
def test_every_sheet_that_is_expected_has_one_template_whose_name_is_read_as_it(name: str) -> None:
    scheme = scheme_of(name)
    index = FormIndex(scheme)
    found: list[Place] = []
    for template in made(scheme):
        for sheet in template.sheets:
            matches, findings = index.sheets(template.path, str(template.path), sheet.name)
            assert findings == []
            known = [match.place for match in matches]
            known += [Place.of(item) for item in index.adjustments(template.path, sheet.name)]
            assert sorted(known, key=str) == sorted(sheet.places, key=str)
            found += known
    # Registers are expected as soon as one of them came.
    came = {place: [Source("")] for place in found if place.form.startswith("register")}
    expected = [item.place for item in submissions(scheme, came)]
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_the_bundled_scheme_has_all_its_workbooks() -> None:
    # 7 counties and one for the municipal units twice, and once in registers, 16 and 7 raters,
    # 4 rounds, the adjustments.
    found = made(scheme_of(WUHU))
    assert len(found) == 8 + 8 + 8 + 16 + 7 + 4 + 1
    assert sum(len(item.sheets) for item in found) == 22 + 22 + 22 + 16 + 7 + 8 + 4


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_tag_in_a_sheet_gives_its_place(name: str, language: str) -> None:
    i18n.activate(language)
    scheme = scheme_of(name)
    for template in made(scheme):
        grids, _findings = read_sheets("", render(scheme, template))
        for sheet, grid in zip(template.sheets, grids, strict=True):
            written = tag_in([cell for row in grid.rows for cell in row if isinstance(cell, str)])
            assert written is not None
            assert parse_tag(written) == (scheme.id, sheet.places[0])


def test_adjustments_that_share_a_sheet_have_one_between_them() -> None:
    scheme = scheme_of(WUHU)
    shared = [sheet for item in made(scheme) for sheet in item.sheets if len(sheet.places) > 1]
    assert [[place.form for place in sheet.places] for sheet in shared] == [
        ["outstanding_interpretation_county", "outstanding_interpretation_municipal"]
    ]


@pytest.mark.parametrize(
    "member",
    [
        "甲/乙",
        "甲\\乙",
        "甲:乙",
        "甲*",
        "甲?",
        "甲<",
        "甲|乙",
        "..",
        "甲.",
        "甲\t乙",
        "NUL",
        "甲\u202e乙",
    ],
)
def test_a_member_that_no_file_can_be_called_after_is_a_finding(
    tmp_path: Path, member: str
) -> None:
    quoted = json.dumps(member)
    scheme = changed(
        tmp_path,
        ("{name: 甲市, aliases: [甲]}", f"{{name: {quoted}}}"),
        ("units: [甲市, 乙市]", f"units: [{quoted}, 乙市]"),
    )
    found, findings = templates(scheme)
    assert [(item.code, item.params) for item in findings] == [
        ("template-name", {"pattern": "vote/{rater}"})
    ]
    assert [str(item.path) for item in found] == [
        "work/upper.xlsx",
        "work/lower.xlsx",
        "vote/乙市.xlsx",
    ]


@pytest.mark.parametrize(
    "file", ["../{rater}", "a//{rater}", "a?/{rater}", "/{rater}", "con/{rater}"]
)
def test_a_pattern_that_leads_elsewhere_or_to_no_name_is_a_finding(
    tmp_path: Path, file: str
) -> None:
    scheme = changed(tmp_path, ("vote/{rater}", file))
    found, findings = templates(scheme)
    assert [item.code for item in findings] == ["template-name"] * 2
    assert len(found) == 2


@pytest.mark.parametrize(
    "sheet",
    ["'{rater}'", "[{rater}]", "{rater}: 评分", "History", "评分" * 16, "{rater}" + " " * 30 + "x"],
)
def test_a_pattern_that_no_sheet_can_be_called_after_is_a_finding(
    tmp_path: Path, sheet: str
) -> None:
    form = 'file: "vote/{rater}", axes' if "{rater}" not in sheet else 'file: "vote", axes'
    scheme = changed(
        tmp_path,
        (
            'file: "vote/{rater}", axes',
            f"{form[:-4]}sheet: {json.dumps(sheet, ensure_ascii=False)}, axes",
        ),
    )
    _found, findings = templates(scheme)
    assert [item.code for item in findings] == ["template-name"] * 2


def test_sheets_of_one_workbook_have_names_of_their_own(tmp_path: Path) -> None:
    scheme = changed(tmp_path, ('file: "work/{tier}"', 'file: "work", sheet: "{tier}"'))
    assert [sheet.name for sheet in template_at(scheme, "work.xlsx").sheets] == ["upper", "lower"]
    scheme = changed(
        tmp_path,
        ('file: "work/{tier}"', 'file: "both"'),
        ('file: "vote/{rater}"', 'file: "both"'),
        ("tier: {members: {upper: Upper, lower: Lower}}", "tier: {members: {upper: Upper}}"),
        ("weights: {upper: 7, lower: 3}", "weights: {upper: 1}"),
        ("axes: [unit, indicator]}", "axes: [unit, indicator], fixed: {tier: upper}}"),
        ("title: Ballot", "title: Sheet"),
        ("axes: [unit]}", "axes: [unit, rater]}"),
    )
    assert [sheet.name for sheet in template_at(scheme, "both.xlsx").sheets] == [
        "Sheet",
        "Sheet (2)",
    ]


def test_names_that_differ_in_case_alone_are_not_two_files(tmp_path: Path) -> None:
    scheme = changed(
        tmp_path,
        ("{name: 甲市, aliases: [甲]}\n      - {name: 乙市}", "{name: Ab}\n      - {name: aB}"),
        ("units: [甲市, 乙市]", "units: [Ab, aB]"),
    )
    found, findings = templates(scheme)
    assert [str(item.path) for item in found][2:] == ["vote/Ab.xlsx"]
    assert [item.code for item in findings] == ["template-name"]


# What a form is like


@pytest.mark.parametrize("name", SCHEMES)
def test_only_the_cells_to_fill_are_unlocked_and_they_show_it(name: str) -> None:
    for _template, sheet in sheets_of(name):
        assert sheet.protection.sheet
        assert not sheet.protection.selectLockedCells
        assert not sheet.protection.formatColumns
        filled = {cell.coordinate for cell in to_fill(sheet)}
        shaded = {
            cell.coordinate
            for cell in cells_of(sheet)
            if str(cell.fill.fgColor.rgb).endswith(TO_FILL)
        }
        assert filled == shaded
        assert filled
        assert all(sheet[at].value is None and sheet[at].border.left.style for at in filled)
        assert validated(sheet).keys() <= filled
        assert {sheet[at].number_format for at in filled} <= {"General", "yyyy-mm-dd"}


def test_a_password_protects_every_sheet() -> None:
    scheme = scheme_of(str(SMALL))
    book = opened(scheme, made(scheme)[0], "考评")
    assert all(sheet.protection.password for sheet in book.worksheets)
    assert not any(sheet.protection.password for _template, sheet in sheets_of(str(SMALL)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_score_cell_says_what_may_be_entered(language: str) -> None:
    for name in SCHEMES:
        for _template, sheet in sheets_of(name, language):
            rules = validated(sheet)
            assert rules
            for rule in rules.values():
                assert 0 < len(rule.promptTitle or "") <= 32
                assert 0 < len(rule.prompt or "") <= 255
                assert 0 < len(rule.errorTitle or "") <= 32
                assert rule.error == rule.prompt
                assert all(len(part or "") <= 255 for part in (rule.formula1, rule.formula2))


@pytest.mark.parametrize("name", SCHEMES)
def test_no_text_begins_like_a_formula_and_formulas_need_no_new_program(name: str) -> None:
    for _template, sheet in sheets_of(name):
        for cell in cells_of(sheet):
            if cell.data_type == "f":
                called = set(re.findall(r"([A-Z]+)\(", re.sub('"[^"]*"', "", str(cell.value))))
                assert called <= FUNCTIONS
                assert cell.protection.locked
            elif isinstance(cell.value, str):
                assert not cell.value.startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("name", SCHEMES)
def test_a_form_prints_on_a4_with_its_header_on_every_page(name: str) -> None:
    for _template, sheet in sheets_of(name):
        header = next(iter(sheet[re.sub("[A-Z]", "", str(sheet.freeze_panes))])).row - 1
        assert sheet.print_title_rows == f"${header}:${header}"
        assert int(str(sheet.page_setup.paperSize)) == 9
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        width = sum(sheet.column_dimensions[letter].width for letter in header_of(sheet).values())
        assert (sheet.page_setup.orientation == "landscape") == (width > 140)


def test_the_same_scheme_gives_the_same_bytes() -> None:
    scheme = scheme_of(str(SMALL))
    for template in made(scheme):
        content = render(scheme, template)
        assert render(scheme, template) == content
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            assert b"2020-01-01T00:00:00Z" in package.read("docProps/core.xml")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_top_says_whose_form_it_is_and_when_it_is_due(language: str) -> None:
    found = {str(item.path): sheet for item, sheet in sheets_of(WUHU, language)}
    sheet = found["双向互评/测评县市区/市发改委.xlsx"]
    top = " ".join(str(sheet.cell(row, 1).value) for row in range(1, 6))
    scheme = scheme_of(WUHU)
    i18n.activate(language)
    for text in (scheme.title, scheme.stages[1].plans["county"].forms[0].title, "市发改委"):
        assert str(text) in top
    for text in ("2020-12-20", "2021-01-20", "三(二)"):
        assert text in top


# The tables


def test_a_ballot_has_a_row_a_unit_with_its_full_marks() -> None:
    sheet = opened(scheme_of(WUHU), template_at(scheme_of(WUHU), KINDS[0])).worksheets[0]
    letters = header_of(sheet)
    assert list(letters) == ["序号", "测评对象", "分值", "得分", "备注"]
    units = [unit.name for unit in scheme_of(WUHU).group("county").units]
    named = [cell.value for cell in sheet[letters["测评对象"]] if cell.value in units]
    assert named == units


def test_a_sheet_of_items_has_their_marks_and_computes_deductions_and_totals() -> None:
    sheet = opened(scheme_of(WUHU), template_at(scheme_of(WUHU), KINDS[1]))["本级"]
    letters = header_of(sheet)
    assert list(letters) == ["序号", "一级指标", "二级指标", "分值", "得分", "扣分", "扣分原因"]
    first = int(re.sub("[A-Z]", "", str(sheet.freeze_panes)))
    items = scheme_of(WUHU).indicator_set("county").leaves
    assert sheet[f"{letters['二级指标']}{first}"].value == "一(一) Publish how powers are allocated"
    assert [sheet[f"D{first + at}"].value for at in range(len(items))] == [
        int(item.marks or 0) for item in items
    ]
    deduction = str(sheet[f"F{first}"].value)
    assert deduction == f'=IF(ISNUMBER(E{first}),ROUND(D{first}-E{first},8),"")'
    last = first + len(items)
    assert sheet[f"A{last}"].value == "合计"
    assert f"SUM(E{first}:E{last - 1})" in str(sheet[f"E{last}"].value)


def test_in_chinese_items_are_called_by_number_and_title() -> None:
    i18n.activate("zh")
    book = opened(scheme_of(WUHU), template_at(scheme_of(WUHU), KINDS[1]))
    assert book["本级"]["C6"].value == "一(一) 加强权力配置信息公开"
    assert book["本级"]["B6"].value == "一 围绕贯彻落实党的十九届四中全会精神加强用权公开"
    letters = header_of(book["乡镇"])
    assert letters["一(一) 加强权力配置信息公开(5分)"] == "C"
    assert list(letters)[-1] == "合计"


def test_bodies_that_the_scheme_does_not_name_have_thirty_empty_rows() -> None:
    sheet = opened(scheme_of(WUHU), template_at(scheme_of(WUHU), KINDS[1]))["乡镇"]
    names = [cell for cell in to_fill(sheet) if cell.column_letter == "B"]
    assert len(names) == 30 + len(("填表人", "审核人", "填表日期"))


def test_a_label_that_reading_does_not_know_is_not_used(tmp_path: Path) -> None:
    labels = {"ignored": [], "unit": ["who"], "score": ["points"], "foot": ["填表人"]}
    scheme = changed(tmp_path, more={"reading": {"labels": labels}})
    sheet = opened(scheme, template_at(scheme, "vote/甲市.xlsx")).worksheets[0]
    assert list(header_of(sheet)) == ["who", "分值", "points"]
    # The entry goes behind the only label that is left, in a column that is no score's.
    assert [cell.value for cell in to_fill(sheet) if cell.value] == ["填表人："]


# What may be entered


def rule_at(scheme: Scheme, path: str, cell: str, sheet: str = "") -> DataValidation:
    book = opened(scheme, template_at(scheme, path))
    return validated(book[sheet] if sheet else book.worksheets[0])[cell]


def test_a_score_lies_between_nothing_and_its_marks() -> None:
    rule = rule_at(scheme_of(str(SMALL)), "work/upper.xlsx", "D6")
    assert (rule.type, rule.operator) == ("decimal", None)
    assert (rule.formula1, rule.formula2) == ("0", "25")
    assert rule.errorStyle in (None, "stop")


def test_decimals_are_limited_where_the_scheme_limits_them(tmp_path: Path) -> None:
    for digits in (0, 2):
        scheme = changed(tmp_path, more={"reading": {"decimals": digits}})
        rule = rule_at(scheme, "work/upper.xlsx", "D6")
        assert rule.type == "custom"
        expected = f"IF(ISNUMBER(D6),AND(D6>=0,D6<=25,ROUND(D6,{digits})=D6),FALSE)"
        assert rule.formula1 == expected


def test_a_mark_for_not_applicable_may_stand_where_the_form_allows_it() -> None:
    scheme = scheme_of(WUHU)
    template = template_at(scheme, KINDS[2])
    sheet = opened(scheme, template).worksheets[0]
    rules = validated(sheet)
    columns = header_of(sheet)
    market = next(at for name, at in columns.items() if "market regulation" in name)
    rows = {str(cell.value): cell.row for cell in sheet["B"]}
    # 三(一) is assessed for 市市场监管局 alone: for the others it is settled.
    assert '="/"' not in str(rules[f"{market}{rows['市市场监管局']}"].formula1)
    settled = sheet[f"{market}{rows['市教育局']}"]
    assert (settled.value, settled.protection.locked) == ("/", True)
    # 三(二) is mainly assessed for 市数据资源管理局, and open to others.
    service = next(at for name, at in columns.items() if "government services" in name)
    mine, other = (rules[f"{service}{rows[unit]}"] for unit in ("市数据资源管理局", "市教育局"))
    assert '="/"' not in str(mine.formula1)
    assert f'{service}{rows["皖江江北新兴产业集中区"]}="/"' in str(other.formula1)
    # 一(一) names nobody, so it is for all.
    assert '="/"' not in str(rules[f"C{rows['市教育局']}"].formula1)


def test_grades_are_offered_as_a_list(tmp_path: Path) -> None:
    scheme = changed(
        tmp_path,
        ("- {roll_up: rater,", "- {convert: {优秀: 95, 一般: 60}}\n          - {roll_up: rater,"),
    )
    sheet = opened(scheme, template_at(scheme, "vote/甲市.xlsx")).worksheets[0]
    assert list(header_of(sheet)) == ["序号", "测评对象", "得分", "备注"]
    rule = validated(sheet)["C6"]
    assert (rule.type, rule.formula1) == ("list", '"优秀,一般"')


def test_dates_lie_in_the_stages_window_and_a_late_one_is_asked_about() -> None:
    sheet = opened(scheme_of(WUHU), template_at(scheme_of(WUHU), KINDS[0])).worksheets[0]
    rules = [rule for rule in validated(sheet).values() if rule.type == "date"]
    first, last = (
        (day - date(1899, 12, 30)).days for day in (date(2020, 12, 20), date(2021, 1, 20))
    )
    assert [(rule.formula1, rule.formula2) for rule in rules] == [(str(first), str(last))]
    assert rules[0].errorStyle == "warning"


def test_units_of_an_adjustment_are_a_list_where_excel_takes_one_so_long() -> None:
    book = opened(scheme_of(WUHU), template_at(scheme_of(WUHU), KINDS[4]))
    few, many = (validated(book[name])["B6"] for name in ("先进单位", "标准化规范化"))
    assert (few.type, few.formula1) == (
        "list",
        '"无为市,南陵县,湾沚区,繁昌区,镜湖区,弋江区,鸠江区"',
    )
    assert many.type in (None, "none")
    assert many.prompt


def test_what_a_record_states_lies_in_the_bands_or_below_the_maximum() -> None:
    book = opened(scheme_of(WUHU), template_at(scheme_of(WUHU), KINDS[4]))
    rank = validated(book["先进单位"])["C6"]
    assert rank.formula1 == (
        "IF(ISNUMBER(C6),AND(C6=INT(C6),OR(AND(C6>=1,C6<=10),AND(C6>=11,C6<=20),C6>=21)),FALSE)"
    )
    points = validated(book["标准化规范化"])["C6"]
    assert (points.type, points.formula1, points.formula2) == ("decimal", "0", "5")


# Filled in by a spreadsheet program

Office = Callable[[Sequence[Mapping[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def office(bridge: str, soffice: str, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Have LibreOffice do jobs over its bridge."""

    def run(jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        path = tmp_path_factory.mktemp("jobs") / "jobs.json"
        path.write_text(json.dumps(jobs), encoding="utf-8")
        script = TESTS / "helpers" / "fill_in.py"
        command = [bridge, str(script), soffice, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return run


def most(rule: DataValidation) -> Decimal:
    """The marks that a rule of entry allows."""
    if rule.type == "decimal":
        return Decimal(str(rule.formula2))
    found = re.search(r"<=([0-9.]+)", str(rule.formula1))
    assert found is not None
    return Decimal(found[1])


def entry(cell: Cell, rule: DataValidation | None, at: int) -> Any:
    """Something right for a cell to fill: ``at`` tells apart the cells of a sheet."""
    if rule is None or rule.type in (None, "none"):
        return None
    if rule.type == "date":
        return {"date": "2020-12-25"}
    if rule.type == "list":
        return str(rule.formula1).strip('"').split(",")[cell.row % 2]
    if at % 4 == 3 and '="/"' in str(rule.formula1):
        return "/"
    if "=INT(" in str(rule.formula1):
        return float(cell.row)
    share = Decimal(70 + 5 * (at % 6)) / 100
    return float((most(rule) * share).quantize(Decimal("0.01")))


def filled_in(sheet: Worksheet, units: Sequence[str]) -> dict[str, Any]:
    """Right entries for all cells of a sheet; of rows whose names are open, for the first four."""
    rules = validated(sheet)
    cells = to_fill(sheet)
    header = int(re.sub("[A-Z]", "", str(sheet.freeze_panes))) - 1
    heads = {letter: head for head, letter in header_of(sheet).items()}
    foot = next(c.row for c in sheet["A"] if str(c.value).startswith("填表人"))
    names = {c.row for c in cells if heads.get(c.column_letter) == "测评对象" and c.row < foot}
    found: dict[str, Any] = {}
    for at, cell in enumerate(cells):
        if names and header + 4 < cell.row < foot:
            continue
        if cell.row in names and heads[cell.column_letter] == "测评对象":
            found[cell.coordinate] = units[cell.row - header]
            continue
        value = entry(cell, rules.get(cell.coordinate), at)
        found[cell.coordinate] = f"字样{at}" if value is None else value
    return found


def job_of(folder: Path, scheme: Scheme, template: Template) -> dict[str, Any]:
    """One template written to disk, with what to fill in and where to save it."""
    path = folder / "empty" / template.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render(scheme, template))
    book = openpyxl.load_workbook(path)
    units = [unit.name for unit in scheme.groups[0].units] + ["丙市"]
    return {
        "path": str(path),
        "cells": {sheet.title: filled_in(sheet, units) for sheet in book.worksheets},
        "save": {
            form: str((folder / form / template.path).with_suffix(f".{form}")) for form in FORMATS
        },
    }


@pytest.mark.slow
def test_forms_filled_in_by_libreoffice_are_read_as_they_were_filled_in(
    office: Office, tmp_path: Path
) -> None:
    i18n.activate("zh")
    small, wuhu = scheme_of(str(SMALL)), scheme_of(WUHU)
    chosen = {"small": (small, [str(item.path) for item in made(small)]), "wuhu": (wuhu, KINDS)}
    jobs = {
        (name, path): job_of(tmp_path / name, scheme, template_at(scheme, path))
        for name, (scheme, paths) in chosen.items()
        for path in paths
    }
    jobs["wuhu", KINDS[0]]["ask"] = {"测评县(市)区评分表": ["A5"]}
    jobs["wuhu", KINDS[1]]["ask"] = {"本级": ["F6", "E37", "F37"]}
    answers = dict(zip(jobs, office(list(jobs.values())), strict=True))
    for name, (scheme, paths) in chosen.items():
        for form in FORMATS:
            folder = tmp_path / name / form
            intake = check_sources(scheme, [folder])
            assert [f"{item.source}: {item.code}" for item in intake.findings] == []
            written = {
                str(PurePosixPath(path).with_suffix(f".{form}")): jobs[name, path]["cells"]
                for path in paths
            }
            assert_read(intake, written)
    ballot = numbers(jobs["wuhu", KINDS[0]]["cells"]["测评县(市)区评分表"])
    line = answers["wuhu", KINDS[0]]["texts"]["测评县(市)区评分表"]["A5"]
    assert f"{(max(ballot) - min(ballot)).normalize():f}" in line
    items = numbers(jobs["wuhu", KINDS[1]]["cells"]["本级"])
    shown = answers["wuhu", KINDS[1]]["texts"]["本级"]
    # Every item of a county that must show all of them: 100 marks, 31 items, the first out of 5.
    assert Decimal(shown["E37"]) == sum(items)
    assert Decimal(shown["F37"]) == 100 - sum(items)
    assert Decimal(shown["F6"]) == 5 - items[0]


def numbers(cells: Mapping[str, Any]) -> list[Decimal]:
    return [Decimal(str(value)) for value in cells.values() if isinstance(value, float)]


def assert_read(intake: Reading, written: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """The scores and records that were read are those that were written, each from its cell."""
    given = {
        Source(file, sheet, cell): Decimal(str(value)) if value != "/" else Absent.NOT_APPLICABLE
        for file, sheets in written.items()
        for sheet, cells in sheets.items()
        for cell, value in cells.items()
        if isinstance(value, float) or value == "/"
    }
    read = {
        block.source(row, column): value
        for blocks in intake.blocks.values()
        for block in blocks
        for row, values in enumerate(block.values)
        for column, value in enumerate(values)
        # What does not apply by the scheme is filled in already.
        if block.source(row, column) in given or value is not Absent.NOT_APPLICABLE
    }
    stated = {record.source for record in intake.records}
    assert stated == {place for place in given if place.file.startswith("加扣分")}
    assert read == {place: value for place, value in given.items() if place not in stated}
    for record in intake.records:
        cells = written[record.source.file][record.source.sheet]
        assert record.unit == cells[f"B{record.source.cell[1:]}"]
        if record.source.sheet != "先进单位":
            assert abs(record.points) == given[record.source]


def test_the_program_accepts_what_may_be_entered_and_nothing_else(
    office: Office, tmp_path: Path
) -> None:
    scheme = changed(
        tmp_path,
        ("axes: [unit, indicator]}", "axes: [unit, indicator], not_applicable: anywhere}"),
        more={"reading": {"decimals": 1}},
    )
    template = template_at(scheme, "work/upper.xlsx")
    path = tmp_path / "upper.xlsx"
    path.write_bytes(render(scheme, template))
    values = [0, 25, 12.5, 0.3, "/", "无", 25.1, 26, -1, 12.55, "x", "25"]
    job = {"path": str(path), "cells": {}, "try": {"Sheet": {"D6": values}}}
    assert office([job])[0]["tried"]["Sheet"]["D6"] == [True] * 6 + [False] * 6
