"""Who is assessed on what: the scheme's lists, registers of applicability, and the forms made by them."""

import io
import json
import shutil
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from helpers import STAGE_FILES, TESTS, Appraise
from helpers.small import write
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal.findings import Source
from wuhu_appraisal.model import Absent, Axis, Block, Grade, Score
from wuhu_appraisal.output.forms import render
from wuhu_appraisal.read.applicability import check_applicability
from wuhu_appraisal.read.forms import Place
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.scheme.models import Assessed, Scheme
from wuhu_appraisal.year.expected import templates

SCHEME = TESTS / "register_scheme.yaml"
HEAD = ["单位", "规划公开", "扶贫公开", "热线服务", "留言答复"]
# The hotline is not 丑镇's, and poverty is 甲县's alone.
MARKS = {
    "甲县": {"子镇": "√√√√", "丑镇": "√√/√"},
    "乙县": {"寅镇": "√/√√", "卯镇": "√/√√"},
}
# 子镇 32+24+10+8 = 74; 丑镇 (40+15+10)/80 = 81.25; the mean is 77.625.
# 寅镇 (36+12+9)/70 = 81.43; 卯镇 (28+20+7)/70 = 78.57; the mean is 112/140 = 80.
SCORES: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "甲县": {"子镇": [32, 24, 10, 8], "丑镇": [40, 15, "/", 10]},
    "乙县": {"寅镇": [36, "/", 12, 9], "卯镇": [28, "/", 20, 7]},
}
FINALS = {"甲县": Decimal("77.63"), "乙县": Decimal("80.00")}


def put(folder: Path, name: str, rows: Mapping[str, Sequence[Any]]) -> None:
    write(folder, {name: [HEAD, *([body, *values] for body, values in rows.items())]})


def put_all(folder: Path, *, registers: bool = True) -> None:
    for unit in SCORES:
        put(folder, f"得分/{unit}", SCORES[unit])
        if registers:
            put(folder, f"登记/{unit}", {body: list(text) for body, text in MARKS[unit].items()})


def run(folder: Path) -> Result:
    return appraise(load_scheme(SCHEME), [folder])


def finals(result: Result) -> dict[str, Decimal | None]:
    return {item.unit: item.final for item in result.standings["county"]}


def told(result: Result) -> list[tuple[str, str]]:
    return [(item.code, str(item.source)) for item in result.findings]


def test_scores_by_the_register_give_the_finals_worked_by_hand(tmp_path: Path) -> None:
    put_all(tmp_path)
    result = run(tmp_path)
    assert told(result) == []
    assert finals(result) == FINALS
    assert {item.file for item in result.sources} >= {"登记/甲县.xlsx", "登记/乙县.xlsx"}
    assert all(len(item.sha256) == 64 for item in result.sources)


def test_a_mark_that_lifts_a_county_is_told_once_a_register_binds_it(tmp_path: Path) -> None:
    # Without the hotline 寅镇 has (36+9)/50 = 90, and 乙县 (90+78.571…)/2 = 84.29.
    put_all(tmp_path, registers=False)
    put(tmp_path, "得分/乙县", {**SCORES["乙县"], "寅镇": [36, "/", "/", 9]})
    before = run(tmp_path)
    assert told(before) == []
    assert finals(before)["乙县"] == Decimal("84.29")
    put(tmp_path, "登记/乙县", {body: list(text) for body, text in MARKS["乙县"].items()})
    put(tmp_path, "登记/甲县", {body: list(text) for body, text in MARKS["甲县"].items()})
    after = run(tmp_path)
    assert told(after) == [("register-disagrees", "得分/乙县.xlsx › Sheet › D2")]
    assert str(after.findings[0].params["register"]) == "登记/乙县.xlsx › Sheet › D2"


def test_a_score_for_what_does_not_apply_is_told_with_and_without_a_register(
    tmp_path: Path,
) -> None:
    put_all(tmp_path, registers=False)
    put(tmp_path, "得分/乙县", {**SCORES["乙县"], "寅镇": [36, 0, 12, 9]})
    assert told(run(tmp_path)) == [("score-misplaced", "得分/乙县.xlsx › Sheet › C2")]
    put_all(tmp_path)
    put(tmp_path, "得分/乙县", {**SCORES["乙县"], "寅镇": [36, 0, 12, 9]})
    assert told(run(tmp_path)) == [("register-disagrees", "得分/乙县.xlsx › Sheet › C2")]


def test_a_register_against_the_schemes_list_is_told_at_its_own_cell_alone(tmp_path: Path) -> None:
    put_all(tmp_path)
    put(tmp_path, "登记/乙县", {"寅镇": list("√√√√"), "卯镇": list("√/√√")})
    put(tmp_path, "得分/乙县", {**SCORES["乙县"], "寅镇": [36, 20, 12, 9]})
    assert told(run(tmp_path)) == [("score-misplaced", "登记/乙县.xlsx › Sheet › C2")]


@pytest.mark.parametrize(
    "yes", ["√", "✓", "✔", "✔\ufe0f", "☑", "v", "V", "ｖ", "Y", "是", " 适用 ", "1", 1, 1.0]
)
def test_what_applies_is_marked_in_many_ways(yes: Any, tmp_path: Path) -> None:
    put_all(tmp_path)
    put(tmp_path, "登记/甲县", {"子镇": [yes] * 4, "丑镇": [yes, yes, "/", yes]})
    assert told(run(tmp_path)) == []


@pytest.mark.parametrize(
    "no", ["/", "／", "否", "×", "✗", "✖\ufe0f", "x", "X", "不适用", "—", "-", "无", "N/A", "0", 0]
)
def test_what_does_not_apply_is_marked_in_many_ways(no: Any, tmp_path: Path) -> None:
    put_all(tmp_path)
    put(tmp_path, "登记/甲县", {"子镇": list("√√√√"), "丑镇": ["√", "√", no, "√"]})
    assert told(run(tmp_path)) == []


@pytest.mark.parametrize("text", ["待定", "√/", "2", 5, True, "ü", "?"])
def test_any_other_mark_is_told_at_its_cell_and_binds_nothing(text: Any, tmp_path: Path) -> None:
    put_all(tmp_path)
    put(tmp_path, "登记/甲县", {"子镇": list("√√√√"), "丑镇": ["√", "√", text, "√"]})
    assert told(run(tmp_path)) == [("register-mark-unknown", "登记/甲县.xlsx › Sheet › D3")]


def test_a_blank_is_told_once_a_body_and_an_item_without_a_column_once_a_sheet(
    tmp_path: Path,
) -> None:
    put_all(tmp_path)
    put(tmp_path, "登记/甲县", {"子镇": list("√√√√"), "丑镇": ["√", None, None, "√"]})
    rows = [[*HEAD[:4]], ["寅镇", *"√/√"], ["卯镇", *"√/√"]]
    write(tmp_path, {"登记/乙县": rows})
    result = run(tmp_path)
    assert told(result) == [
        ("register-blank", "登记/乙县.xlsx › Sheet › B2"),
        ("register-blank", "登记/甲县.xlsx › Sheet › C3"),
    ]
    assert [item.params["count"] for item in result.findings] == ["1", "2"]


def test_a_body_written_otherwise_is_one_finding_with_the_name_in_the_register(
    tmp_path: Path,
) -> None:
    put_all(tmp_path)
    put(
        tmp_path, "得分/甲县", {"子 镇": SCORES["甲县"]["子镇"], "丑镇政府": SCORES["甲县"]["丑镇"]}
    )
    result = run(tmp_path)
    assert told(result) == [("register-body-missing", "得分/甲县.xlsx › Sheet › B3")]
    assert result.findings[0].params["suggestion"] == "丑镇"


def test_a_county_without_a_register_beside_others_is_one_finding(tmp_path: Path) -> None:
    put_all(tmp_path)
    (tmp_path / "登记" / "乙县.xlsx").unlink()
    assert told(run(tmp_path)) == [("register-body-missing", "得分/乙县.xlsx › Sheet")]


def test_a_body_to_which_nothing_applies_is_told_at_its_place(tmp_path: Path) -> None:
    put_all(tmp_path, registers=False)
    put(tmp_path, "得分/乙县", {**SCORES["乙县"], "寅镇": ["/"] * 4})
    assert told(run(tmp_path)) == [("not-applicable-all", "得分/乙县.xlsx › Sheet › B2")]
    put_all(tmp_path)
    put(tmp_path, "得分/乙县", {**SCORES["乙县"], "寅镇": ["/"] * 4})
    put(tmp_path, "登记/乙县", {"寅镇": list("////"), "卯镇": list("√/√√")})
    assert told(run(tmp_path)) == [("not-applicable-all", "登记/乙县.xlsx › Sheet › B2")]


def test_status_and_validate_know_the_registers_and_the_shares(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    put_all(tmp_path / "in")
    states = json.loads(appraise_cli("status", "in", "--scheme", SCHEME, "--json").output)
    assert [item["form"] for item in states] == ["scores", "scores", "register", "register"]
    # 丑镇 has 20 of 200 marks in 甲县 not applicable, 乙县 has twice 30.
    assert states[0]["not_applicable"] == {"甲县": "10%"}
    assert states[1]["not_applicable"] == {"乙县": "30%"}
    table = appraise_cli("status", "in", "--scheme", SCHEME, "--lang", "en").output
    assert "10%" in table
    assert "20%" in table
    (tmp_path / "in" / "登记" / "乙县.xlsx").unlink()
    states = json.loads(appraise_cli("status", "in", "--scheme", SCHEME, "--json").output)
    assert [item["state"] for item in states] == ["came", "came", "came", "missing"]
    put(tmp_path / "in", "登记/甲县", {"子镇": ["?"] * 4})
    done = appraise_cli("validate", "in/登记", "--scheme", SCHEME)
    assert done.exit_code == 1
    assert done.output.count("[register-mark-unknown]") == 4


# The forms


def fill(path: Path, rows: Mapping[str, Sequence[Any]]) -> None:
    """Enter names and values into the cells that are not locked, as an office does."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    first = int(str(sheet.freeze_panes).lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    names = {sheet.cell(row, 2).value: row for row in range(first, first + len(rows))}
    for at, (name, values) in enumerate(rows.items()):
        row = names.get(name, first + at)
        for column, value in enumerate([name, *values], 2):
            cell = sheet.cell(row, column)
            if cell.protection.locked:
                assert cell.value == value
            else:
                cell.value = value
    book.save(path)


def test_templates_filled_in_twice_are_computed_without_findings(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    assert appraise_cli("template", "in", "--scheme", SCHEME).exit_code == 0
    for unit, marks in MARKS.items():
        fill(tmp_path / "in" / "登记" / f"{unit}.xlsx", {k: list(v) for k, v in marks.items()})
    agreed = (tmp_path / "in" / "登记" / "甲县.xlsx").read_bytes()
    shutil.rmtree(tmp_path / "in" / "得分")
    done = appraise_cli("template", "in", "--scheme", SCHEME)
    assert done.exit_code == 0, done.output
    assert "2 registers were used" in done.output
    assert (tmp_path / "in" / "登记" / "甲县.xlsx").read_bytes() == agreed
    sheet = openpyxl.load_workbook(tmp_path / "in" / "得分" / "甲县.xlsx").worksheets[0]
    assert sheet.protection.sheet
    assert not sheet.protection.password
    assert locked(sheet) == {"子镇", "丑镇", "/"}
    for unit, scores in SCORES.items():
        fill(tmp_path / "in" / "得分" / f"{unit}.xlsx", scores)
    result = run(tmp_path / "in")
    assert told(result) == []
    assert finals(result) == FINALS


def locked(sheet: Worksheet) -> set[object]:
    """The names and marks below the header that nobody can change."""
    first = int(str(sheet.freeze_panes).lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    cells = [
        cell
        for row in sheet.iter_rows(min_row=first, max_row=first + 1, max_col=6)
        for cell in row[1:]
    ]
    return {cell.value for cell in cells if cell.protection.locked}


def test_a_register_given_with_errors_stops_and_one_in_the_folder_is_left_aside(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    put(tmp_path / "in", "登记/甲县", {"子镇": ["√", "√", None, "√"]})
    refused = appraise_cli("template", "out", "--scheme", SCHEME, "--register", "in")
    assert refused.exit_code == 1
    assert "[register-blank]" in refused.output
    assert not (tmp_path / "out").exists()
    done = appraise_cli("template", "in", "--scheme", SCHEME)
    assert done.exit_code == 0
    assert "were not used" in done.output


def test_a_register_says_beforehand_what_the_scheme_settles(wuhu: Scheme) -> None:
    i18n.activate("zh")
    books, _findings = templates(wuhu)
    book = next(
        item for item in books if item.path.name == "市直单位.xlsx" and "适用" in str(item.path)
    )
    sheets = openpyxl.load_workbook(io.BytesIO(render(wuhu, book))).worksheets
    head = [cell.value for cell in sheets[0][5]]
    rows = {row[1].value: row for row in sheets[0].iter_rows(min_row=6)}
    at = {str(title).partition(" ")[0]: column for column, title in enumerate(head)}
    row = rows["市教育局"]
    # 一(一) is for all, 二(一) for others, 七(七) for it, 五(一) is open.
    assert [row[at[item]].value for item in ("一(一)", "二(一)", "七(七)", "五(一)")] == [
        "√",
        "/",
        "√",
        None,
    ]
    assert [row[at[item]].protection.locked for item in ("一(一)", "二(一)", "五(一)")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(("language", "words"), [("zh", "3个工作日"), ("en", "3 working days")])
def test_deadlines_stand_in_the_forms_and_in_the_scheme(
    language: str, words: str, appraise_cli: Appraise
) -> None:
    assert appraise_cli("template", "out", "--scheme", SCHEME, "--lang", language).exit_code == 0
    sheet = openpyxl.load_workbook("out/得分/甲县.xlsx").worksheets[0]
    top = " ".join(str(sheet.cell(row, 1).value) for row in range(1, 6))
    shown = appraise_cli("scheme", "show", SCHEME, "--lang", language).output
    for text in (words, "2021-01-31"):
        assert text in top
        assert text in shown


# The bundled scheme


@pytest.mark.parametrize(
    ("sheet", "cells", "code"),
    [
        ("本级", {"五(二)": 0}, "score-misplaced"),
        ("乡镇", {"五(二)": 3}, "score-misplaced"),
        ("乡镇", "most", "not-applicable-share"),
        ("乡镇", "all", "not-applicable-all"),
    ],
)
def test_the_bundled_scheme_tells_what_a_county_may_not_leave_out_or_be_given(
    sheet: str, cells: Any, code: str, appraise_cli: Appraise, tmp_path: Path
) -> None:
    path = Path("专业机构测评") / "县市区" / "镜湖区.xlsx"
    (tmp_path / path.parent).mkdir(parents=True)
    book = openpyxl.load_workbook(STAGE_FILES / path)
    page = next(item for item in book.worksheets if sheet in item.title)
    change(page, cells)
    book.save(tmp_path / path)
    done = appraise_cli("validate", path, "--json")
    found = [item["code"] for item in json.loads(done.output) if item["severity"] == "error"]
    assert found == [code]


def change(page: Worksheet, cells: Any) -> None:
    """Change the scores of the first body: an item, or leave out most or all of them."""
    titles = {"五(二)": "加强脱贫攻坚信息公开"}
    for row in page.iter_rows(max_row=60):
        texts = [str(cell.value or "") for cell in row]
        for item, value in cells.items() if isinstance(cells, dict) else ():
            if any(titles[item] in text for text in texts):
                found = [cell for cell in row if cell.value == "/"]
                if found:
                    found[0].value = value
                    return
                at = next(i for i, text in enumerate(texts) if titles[item] in text)
                below = (page.cell(r, at + 1) for r in range(int(row[0].row or 1), 60))
                next(cell for cell in below if cell.value == "/").value = value
                return
        numbers = [cell for cell in row if isinstance(cell.value, int | float) or cell.value == "/"]
        if not isinstance(cells, dict) and len(numbers) > 25:
            for cell in numbers[2 if cells == "most" else 0 : 32]:
                if cell.data_type != "f":
                    cell.value = "/"
            return


def test_items_can_be_for_one_tier_alone(wuhu: Scheme) -> None:
    item = wuhu.indicator_set("county").nodes["七(四)"]
    only = Assessed(members={"tier": ["government"]})
    gazette = item.model_copy(update={"assessed": only})
    assert wuhu.applies(gazette, {"unit": "镜湖区", "tier": "government"}) is True
    assert wuhu.applies(gazette, {"unit": "镜湖区", "tier": "township"}) is False
    assert wuhu.applies(item, {"unit": "镜湖区", "tier": "township"}) is True


@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=4),
    st.data(),
)
def test_exactly_the_cells_that_differ_from_the_register_are_told(
    agreed: list[list[bool]], data: st.DataObject
) -> None:
    scheme = load_scheme(SCHEME).scheme
    assert scheme is not None
    shape = st.lists(
        st.lists(st.booleans(), min_size=4, max_size=4), min_size=len(agreed), max_size=len(agreed)
    )
    scored = data.draw(shape)
    names = tuple(f"{at}镇" for at in range(len(agreed)))

    def block(file: str, yes: Score, rows: list[list[bool]]) -> Block:
        values = [[yes if mark else Absent.NOT_APPLICABLE for mark in row] for row in rows]
        down = Axis("body", names, tuple(range(2, 2 + len(names))))
        across = Axis("indicator", tuple("abcd"), (2, 3, 4, 5))
        return Block(file, "s", {"unit": "甲县"}, down, across, values)

    reading = Reading(
        blocks={("work", "county"): [block("scores", Decimal(5), scored)]},
        sheets={
            Place("work", "county", "scores", ("甲县",)): [Source("scores", "s")],
            Place("work", "county", "register", ("甲县",)): [Source("register", "s")],
        },
        registers={("work", "county"): [block("register", Grade("√"), agreed)]},
    )
    found = check_applicability(scheme, scheme.stages[0], "county", reading)
    cells = {item.source.cell for item in found if item.code == "register-disagrees"}
    assert cells == {
        f"{'BCDE'[column]}{row + 2}"
        for row, marks in enumerate(agreed)
        for column, mark in enumerate(marks)
        if mark != scored[row][column]
    }


def test_a_copy_of_a_register_is_one_finding_and_neither_binds(tmp_path: Path) -> None:
    put_all(tmp_path)
    put(tmp_path, "copy/登记/甲县", {"子镇": list("√√√/"), "丑镇": list("√√/√")})
    [item] = run(tmp_path).findings
    assert item.code == "register-twice"
    assert {item.source.file, str(item.params["first"]).partition(" ")[0]} == {
        "登记/甲县.xlsx",
        "copy/登记/甲县.xlsx",
    }


def test_a_mark_that_a_register_refuses_can_be_read_as_a_score_by_decision(tmp_path: Path) -> None:
    put_all(tmp_path)
    put(tmp_path, "得分/乙县", {**SCORES["乙县"], "寅镇": [36, "/", "/", 9]})
    (tmp_path / "decisions.yaml").write_text(
        "decisions:\n"
        "  - {finding: register-disagrees, file: 得分/乙县.xlsx, cell: D2, decide: read_as,\n"
        "     value: 12, reason: 补正, by: 市办, at: 2021-01-05}\n",
        encoding="utf-8",
    )
    result = run(tmp_path)
    assert told(result) == []
    assert finals(result) == FINALS
    assert [item.code for item in result.decisions[0].covered] == ["register-disagrees"]
