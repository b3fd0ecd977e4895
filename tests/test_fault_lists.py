"""A list with one fault a row: the tool counts the rows, and each row stays as the ground."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import openpyxl
import pytest
from helpers import TESTS
from helpers.recalculation import differing
from helpers.small import Rows, Sheets, write
from hypothesis import given, settings
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme, store
from wuhu_appraisal.model import Absent
from wuhu_appraisal.output import workbook
from wuhu_appraisal.output.explain import explain
from wuhu_appraisal.output.feedback import unit_tables
from wuhu_appraisal.output.forms import render
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.tables import Node, sources
from wuhu_appraisal.scheme.audiences import Audience
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.year.expected import templates

LISTS = TESTS / "list_scheme.yaml"
UNITS = ("甲局", "乙局", "丙局", "丁县")
Fault: TypeAlias = tuple[str, str, str]
FAULTS = (("主动公开", "错链"), ("主动公开", "超期"), ("依申请公开", "超期"))
LOSES = {"主动公开/错链": 1, "主动公开/超期": 2, "依申请公开/超期": 3}
RATES: Rows = [["单位", "按时率"], *([unit, 90] for unit in UNITS)]
HEAD = ["序号", "单位", "问题类型", "指标", "日期", "具体情况"]
SHOWN: list[list[Any]] = [
    ["甲局", "链接失效", "", date(2020, 5, 3), "首页第2栏"],
    ["甲局", "错链", "主动公开", date(2020, 6, 1), "年报栏"],
    ["甲局", "超期", "主动公开", "2020年7月", "第5号文件"],
    ["乙局", "超期", "依申请公开", date(2020, 8, 9), "张某的申请"],
]


def listed(faults: Sequence[Sequence[Any]]) -> Rows:
    return [["2020年问题清单"], HEAD, *([at, *row] for at, row in enumerate(faults, 1))]


def scheme(folder: Path, *replaced: tuple[str, str]) -> LoadedScheme:
    text = LISTS.read_text(encoding="utf-8")
    for before, after in replaced:
        assert before in text
        text = text.replace(before, after)
    folder.mkdir(exist_ok=True)
    (folder / "scheme.yaml").write_text(text, encoding="utf-8")
    return load_scheme(folder / "scheme.yaml")


def run(
    folder: Path,
    faults: Rows,
    more: Sheets | None = None,
    change: Callable[[Any], object] | None = None,
) -> Result:
    write(folder / "in", {"rates": RATES, "2020年问题清单": faults, **(more or {})})
    if change:
        path = folder / "in" / "2020年问题清单.xlsx"
        book = openpyxl.load_workbook(path)
        change(book.worksheets[0])
        book.save(path)
    return appraise(load_scheme(LISTS), [folder / "in"])


def counts(result: Result) -> dict[tuple[str, str], Any]:
    return {
        (key[0], key[1]): value
        for trace in result.traces.values()
        for key, value in trace.stages["work"].scores.items()
        if key[1] in LOSES
    }


def codes(result: Result) -> list[str]:
    return sorted(item.code for item in result.findings)


def texts(node: Node) -> list[str]:
    return [node.sentence, *(text for child in node.children for text in texts(child))]


def losses(result: Result, unit: str) -> str:
    table = next(table for table in unit_tables(result, unit) if table.name == "Marks lost")
    return "\n".join(str(cell) for row in table.rows for cell in row)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(UNITS), st.sampled_from(FAULTS)), max_size=40))
def test_every_count_is_that_of_the_rows_and_every_row_is_a_source_of_one_count(
    faults: list[tuple[str, tuple[str, str]]],
) -> None:
    number = count(1)
    rows = [[unit, fact, item, None, next(number)] for unit, (item, fact) in faults]
    with TemporaryDirectory() as folder:
        result = run(Path(folder), listed(rows or [["无"]]))
    right = Counter((unit, f"{item}/{fact}") for unit, (item, fact) in faults)
    assert codes(result) == []
    assert counts(result) == {
        (unit, fact): Decimal(right[unit, fact]) for unit in UNITS for fact in LOSES
    }
    for group, trace in result.traces.items():
        table = trace.stages["work"].scores
        for unit in result.scheme.group(group).units:
            for fact in LOSES:
                cells = [source.cell for source in table.sources((unit.name, fact))]
                at = [
                    f"C{row}"
                    for row, (who, (item, what)) in enumerate(faults, 3)
                    if (who, f"{item}/{what}") == (unit.name, fact)
                ]
                assert cells == (at or [""])
    for standing in (standing for some in result.standings.values() for standing in some):
        first = max(
            0,
            10 - right[standing.unit, "主动公开/错链"] - 2 * right[standing.unit, "主动公开/超期"],
        )
        second = max(0, 10 - 3 * right[standing.unit, "依申请公开/超期"])
        final = Fraction(first + second + 9) * 100 / 30
        assert standing.final is not None
        assert abs(Fraction(standing.final) - final) <= Fraction(1, 200)


def test_a_unit_without_a_row_has_0_and_a_list_that_did_not_come_gives_no_0(
    tmp_path: Path,
) -> None:
    assert counts(run(tmp_path, listed(SHOWN)))["丙局", "主动公开/超期"] == 0
    write(tmp_path / "other", {"rates": RATES})
    without = appraise(load_scheme(LISTS), [tmp_path / "other"])
    assert set(codes(without)) == {"list-missing"}
    assert without.provisional
    assert counts(without) == {}
    assert all(
        standing.rank is None or standing.final is not None
        for standing in without.standings["city"]
    )


def test_the_empty_form_is_asked_about_and_one_that_says_that_there_is_none_is_not(
    tmp_path: Path,
) -> None:
    empty = run(tmp_path / "a", listed([]))
    assert set(codes(empty)) == {"list-empty"}
    assert not empty.provisional
    assert codes(run(tmp_path / "b", [HEAD, [None, "无"]])) == []
    assert codes(run(tmp_path / "c", [HEAD, [1, "甲局", "无"]])) == []


def test_units_and_items_that_are_merged_over_rows_hold_for_each(tmp_path: Path) -> None:
    def merge(sheet: Any) -> None:
        sheet.merge_cells("B3:B5")

    result = run(tmp_path, listed(SHOWN), change=merge)
    assert codes(result) == []
    assert counts(result)["甲局", "主动公开/错链"] == 2


def test_what_a_merged_fault_counts_is_not_guessed(tmp_path: Path) -> None:
    rows = [SHOWN[0], ["甲局", "链接失效", "", None, "另一处"]]
    result = run(tmp_path, listed(rows), change=lambda sheet: sheet.merge_cells("C3:C4"))
    assert [(item.code, item.source.cell) for item in result.findings] == [("fault-blank", "C4")]


@pytest.mark.parametrize("total", [["合计", 4], [None, "合计", 4], [None, "总计", "", 4]])
def test_a_total_is_no_fault_and_one_that_states_another_number_is_asked_about(
    total: list[Any], tmp_path: Path
) -> None:
    assert codes(run(tmp_path / "a", [*listed(SHOWN), total])) == []
    wrong = run(tmp_path / "b", [*listed(SHOWN), [5 if cell == 4 else cell for cell in total]])
    assert codes(wrong) == ["total-differs"]


def test_a_foot_is_no_fault(tmp_path: Path) -> None:
    rows = [*listed(SHOWN), [], ["填表人：", "李四"], ["填表日期：", date(2020, 12, 1)]]
    assert codes(run(tmp_path, rows)) == []


def test_unknown_units_and_faults_are_errors_with_their_cell_and_what_was_meant(
    tmp_path: Path,
) -> None:
    rows = [
        ["甲居", *SHOWN[0][1:]],
        ["乙局", "错连", "", None, "x"],
        ["乙局", "超期", "", None, "y"],
    ]
    result = run(tmp_path, listed(rows))
    places = {item.code: item.source.cell for item in result.findings}
    assert places == {"name-unknown": "B3", "fault-unknown": "C4", "fault-ambiguous": "C5"}
    hints = {item.code: item.hint for item in result.findings}
    assert "Disclosure Broken link" in hints["fault-unknown"]
    assert result.provisional


def test_the_same_row_twice_is_asked_about_once_and_both_count(tmp_path: Path) -> None:
    rows = [[HEAD[0], *HEAD[1:]], [1, *SHOWN[0]], [1, *SHOWN[0]], [2, *SHOWN[1]]]
    result = run(tmp_path, rows)
    assert [(item.code, item.source.cell) for item in result.findings] == [("fault-twice", "C3")]
    assert counts(result)["甲局", "主动公开/错链"] == 3


def test_two_lists_of_one_form_are_two_versions_and_neither_counts(tmp_path: Path) -> None:
    result = run(tmp_path, listed(SHOWN), {"问题清单2": listed(SHOWN[:1])})
    assert "score-twice" in codes(result)
    assert set(counts(result).values()) == {Absent.MISSING}


def test_a_list_of_each_unit_is_named_by_its_file(tmp_path: Path) -> None:
    county = LISTS.read_text(encoding="utf-8").partition("  - {id: county")[2].partition("\n")[0]
    loaded = scheme(
        tmp_path,
        ('file: "*问题清单*"', 'file: "问题/{unit}"'),
        ("axes: [unit]\n", "axes: [indicator]\n"),
        (f"  - {{id: county{county}\n", ""),
        ("      county: *plan\n", ""),
    )
    heads: list[Any] = [HEAD[0], *HEAD[2:]]
    sheets = {f"问题/{unit}": [heads] for unit in UNITS[:3]}
    sheets["问题/甲局"] = [heads, [1, *SHOWN[0][1:]], [2, *SHOWN[2][1:]]]
    write(tmp_path / "in", {"rates": RATES[:4], **sheets})
    result = appraise(loaded, [tmp_path / "in"])
    assert codes(result) == []
    assert {key: it for key, it in counts(result).items() if it} == {
        ("甲局", "主动公开/错链"): 1,
        ("甲局", "主动公开/超期"): 1,
    }


def test_the_explanation_shows_each_fault_with_its_row(tmp_path: Path) -> None:
    shown = texts(explain(run(tmp_path, listed(SHOWN)), "甲局", 9))
    assert "Broken link: 2 · 2020年问题清单.xlsx › Sheet" in [
        it.partition("  [")[0] for it in shown
    ]
    text = (
        "fault: 链接失效 · 日期 2020-05-03 · 具体情况 首页第2栏 · 2020年问题清单.xlsx › Sheet › C3"
    )
    assert text in shown


def test_the_letter_of_a_unit_lists_the_faults_and_withholds_the_names_of_others(
    tmp_path: Path,
) -> None:
    rows = [*SHOWN, ["乙局", "错链", "", None, "与甲局相同"]]
    result = run(tmp_path, listed(rows))
    letter = losses(result, "甲局")
    assert letter.count("日期") == 3
    assert "Broken link 2 places" in letter
    assert "超期 · 日期 2020年7月 · 具体情况 第5号文件" in letter
    assert "甲局" not in losses(result, "乙局")
    assert "A text that names others is withheld." in losses(result, "乙局")


def test_who_sees_no_findings_sees_no_faults(tmp_path: Path) -> None:
    result = run(tmp_path, listed(SHOWN))
    assert len(result.remarks) == 4
    assert redacted(result, Audience.PUBLIC).remarks == ()


DECISION = (
    "decisions:\n  - {file: 2020年问题清单.xlsx, cell: C4, decide: KIND, reason: 重复, by: 王五, "
    "at: 2021-02-01}\n"
)


def decided(folder: Path, kind: str, faults: Sequence[Sequence[Any]] = SHOWN) -> Result:
    (folder / "in").mkdir()
    text = DECISION.replace("KIND", kind)
    (folder / "in" / "decisions.yaml").write_text(text, encoding="utf-8")
    return run(folder, listed(faults))


def test_of_a_row_that_stands_twice_one_can_be_set_aside(tmp_path: Path) -> None:
    result = decided(tmp_path, "set_aside", [SHOWN[0], SHOWN[0]])
    assert codes(result) == []
    assert counts(result)["甲局", "主动公开/错链"] == 1


def test_a_row_that_is_set_aside_counts_no_more_and_stays_explained(tmp_path: Path) -> None:
    result = decided(tmp_path, "set_aside")
    assert codes(result) == []
    assert counts(result)["甲局", "主动公开/错链"] == 1
    shown = "\n".join(texts(explain(result, "甲局", 9)))
    assert "年报栏" in shown
    assert "set aside; 重复" in shown
    letter = losses(result, "甲局")
    assert "首页第2栏" in letter
    assert "年报栏" not in letter


def test_a_row_cannot_be_corrected_to_another_number(tmp_path: Path) -> None:
    result = decided(tmp_path, "correct, value: 3, was: 错链")
    assert codes(result) == ["decision-other-kind"]
    assert counts(result)["甲局", "主动公开/错链"] == 2


def test_a_stored_result_comes_back_whole_and_without_lists_as_it_was(tmp_path: Path) -> None:
    loaded = load_scheme(LISTS)
    result = run(tmp_path, listed(SHOWN))
    again, problems = store.load(store.dump(result), loaded, "appraisal.json")
    assert problems == []
    assert again is not None
    assert store.dump(again) == store.dump(result)
    blocks = store.data(result)["scores"]["city"]["work"]
    assert ["counted" in block for block in blocks] == [True, False]


def test_tables_of_the_result_count_the_faults_and_have_the_first_cell(tmp_path: Path) -> None:
    result = run(tmp_path, listed(SHOWN))
    rows = [row[:5] for row in sources(result).rows if "问题清单" in str(row[0])]
    assert ("2020年问题清单.xlsx", "Sheet", "Work · Offices", "3–6", 4) in rows
    frame = result.scores()
    ours = frame[(frame["unit"] == "甲局") & (frame["indicator"] == "主动公开/错链")]
    assert ours[["cell"]].values.tolist() == [["C3"]]


def test_the_workbook_has_the_count_as_a_number_and_the_rows_as_its_source(
    tmp_path: Path, soffice: str, convert: Callable[[Path, str], Path]
) -> None:
    path = tmp_path / "ranking.xlsx"
    path.write_bytes(workbook.render(run(tmp_path, listed(SHOWN)), final=False))
    cells = [
        [cell.value for cell in row]
        for sheet in openpyxl.load_workbook(path).worksheets
        for row in sheet.iter_rows()
    ]
    assert any("2020年问题清单.xlsx › Sheet › C3, C4" in row and 2 in row for row in cells)
    found, compared = differing(path, convert(path, "xlsx:Calc MS Excel 2007 XML"))
    assert found == []
    assert compared


def test_the_form_that_is_sent_out_is_read_as_it_is_filled_in(tmp_path: Path) -> None:
    loaded = load_scheme(LISTS)
    assert loaded.scheme is not None
    books, problems = templates(loaded.scheme)
    assert problems == []
    book = next(book for book in books if "问题清单" in str(book.path))
    path = tmp_path / "in" / "any.xlsx"
    write(tmp_path / "in", {"rates": RATES})
    path.write_bytes(render(loaded.scheme, book))
    filled = openpyxl.load_workbook(path)
    city = filled.worksheets[0]
    rules = [str(rule.formula1) for rule in city.data_validations.dataValidation]
    assert '"甲局,乙局,丙局"' in rules
    for column, text in enumerate(SHOWN[0], 2):
        city.cell(6, column).value = text or None
    filled.save(path)
    result = appraise(loaded, [tmp_path / "in"])
    assert counts(result)["甲局", "主动公开/错链"] == 1


def test_an_item_for_others_only_is_not_counted_for_a_unit_but_its_faults_are_asked_about(
    tmp_path: Path,
) -> None:
    loaded = scheme(
        tmp_path,
        (
            "        score: [{lose: {超期: 3}}]",
            "        assessed: {units: [甲局, 乙局, 丁县]}\n        score: [{lose: {超期: 3}}]",
        ),
        (
            "            axes: [unit]\n",
            "            axes: [unit]\n            not_applicable: listed\n",
        ),
        (
            "by: facts, missing: error, not_applicable: error}",
            "by: facts, missing: error, not_applicable: zero}",
        ),
        (
            "by: sum, missing: error, not_applicable: error}",
            "by: sum, missing: error, not_applicable: exclude}",
        ),
    )
    write(tmp_path / "in", {"rates": RATES, "问题清单": listed(SHOWN)})
    result = appraise(loaded, [tmp_path / "in"])
    assert codes(result) == []
    assert counts(result)["丙局", "依申请公开/超期"] is Absent.NOT_APPLICABLE
    wrong = [*SHOWN, ["丙局", "超期", "依申请公开", None, "x"]]
    write(tmp_path / "in", {"问题清单": listed(wrong)})
    assert codes(appraise(loaded, [tmp_path / "in"])) == ["score-misplaced"]
