"""Vetoes: fixed finals, units without rank, and classes that a unit is barred from."""

import io
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from docx import Document
from helpers import TESTS, Appraise
from helpers.office import convert_all
from helpers.recalculation import differing, opened, rows_of
from helpers.small import Rows, Sheets, write
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme, store
from wuhu_appraisal.findings import Source
from wuhu_appraisal.model import VETO, Absent, Record, Score, Standing, StepRow, StepTable
from wuhu_appraisal.output import workbook
from wuhu_appraisal.output.compare import differences
from wuhu_appraisal.output.explain import explain
from wuhu_appraisal.output.feedback import next_rank, unit_tables
from wuhu_appraisal.output.papers import letter_docx, notice
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.tables import Node, rankings, vetoes
from wuhu_appraisal.scheme.audiences import Audience
from wuhu_appraisal.scheme.final import ClassRule, GradeClass, Ranking
from wuhu_appraisal.scheme.load import load_model
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.ranking import classed, finals, ranked, standings
from wuhu_appraisal.year.cases import run_cases

SCHEME = TESTS / "veto_scheme.yaml"
LOADED = load_scheme(SCHEME)
CITIES = ("甲市", "乙市", "丙市", "丁市", "戊市")
EFFECT = "no rank, barred from Excellent, barred from Good"
HEAD = ["单位", "事由", "依据"]
SHEETS: Sheets = {
    "城市": [
        ["单位", "上半年", "下半年"],
        ["甲市", 95, 97],
        ["乙市", 90, 92],
        ["丙市", 85, 86],
        ["丁市", 80, 81.5],
        ["戊市", 70, 72],
    ],
    "乡镇": [["单位", "上半年", "下半年"], ["东镇", 95, 97], ["西镇", 90, 92]],
    "表彰": [["单位", "加分", "原因"], ["甲市", 3, "a"], ["丙市", 5, "b"]],
    "泄密": [HEAD, ["甲市", "丢失文件", "通报1号"]],
    "造假": [HEAD, ["丙市", "改数", "通报2号"], ["甲市", "补写", "通报3号"]],
    "拒绝": [HEAD, ["乙市", "不开门", "记录"], ["西镇", "不接待", "记录"]],
    "投诉": [HEAD, ["丁市", "来信", "信访件"]],
}


def scheme() -> Scheme:
    assert LOADED.scheme is not None, [item.message for item in LOADED.findings]
    return LOADED.scheme


def computed(folder: Path, sheets: Sheets = SHEETS) -> Result:
    write(folder, sheets)
    return appraise(LOADED, [folder])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    found = computed(tmp_path_factory.mktemp("vetoes") / "in")
    assert found.findings == []
    return found


def by_unit(found: Result) -> dict[str, Standing]:
    return {item.unit: item for units in found.standings.values() for item in units}


def texts(node: Node) -> list[str]:
    return [node.text, *(text for child in node.children for text in texts(child))]


def exact(value: Score) -> Fraction:
    assert not isinstance(value, str | Absent)
    return Fraction(value)


def record(veto: str, unit: str = "甲市", points: Decimal = Decimal(0)) -> Record:
    return Record(veto, unit, points, "r", "e", Source("f", "s", "A1"))


def test_the_lowest_final_holds_the_unranked_stand_below_and_bars_add_up(result: Result) -> None:
    rows = [(it.rank, it.unit, it.final, it.class_id) for it in result.standings["city"]]
    assert rows == [
        # 40 per cent of 4 are one place of 优秀, which nobody may have who reaches it.
        (1, "丁市", Decimal("80.75"), "良好"),
        (2, "戊市", Decimal("71.00"), "良好"),
        # 60 in place of the composite, and 5 points more.
        (3, "丙市", Decimal("65.00"), "合格"),
        # 60 + 3 by one veto, 59 by the other: the lower.
        (4, "甲市", Decimal("59.00"), "合格"),
        (None, "乙市", Decimal("91.00"), "合格"),
    ]
    standing = by_unit(result)["甲市"]
    assert standing.composite == Decimal("96.00")
    assert standing.points == Decimal("3.00")
    assert {(it.id, it.reason, it.evidence) for it in standing.vetoes} == {
        ("data", "补写", "通报3号"),
        ("secrets", "丢失文件", "通报1号"),
    }


@given(
    st.fractions(0, 100, max_denominator=60),
    st.integers(0, 10),
    st.integers(0, 10),
    st.booleans(),
    st.booleans(),
)
def test_a_final_is_the_sum_of_its_inputs_and_what_the_document_says(
    composite: Fraction, award: int, fault: int, secrets: bool, data: bool
) -> None:
    records = [record("award", points=Decimal(award)), record("fault", points=Decimal(-fault))]
    records += [record(name) for name, has in (("secrets", secrets), ("data", data)) if has]
    row = StepRow(composite, (), (), ())
    table = finals(scheme(), StepTable(("unit",), {("甲市",): row}), records)
    stands = Fraction(60) if data else composite
    expected = min(Fraction(105), stands + (award if stands >= 60 else 0) - fault)
    if secrets:
        expected = min(expected, Fraction(59)) if data else Fraction(59)
    final = table.rows[("甲市",)]
    assert final.value == expected
    sums = zip(final.coefficients, map(exact, final.values), strict=True)
    assert sum((share * value for share, value in sums), Fraction(0)) == expected
    # A veto that another one undercuts has no part in the final.
    named = {member.removesuffix(VETO) for member in final.members if member.endswith(VETO)}
    assert named <= {name for name, has in (("secrets", secrets), ("data", data)) if has}
    assert named or not (secrets or data)


Drawn = tuple[int, frozenset[str]]


def classes_of(units: Sequence[Drawn], rule: dict[str, Any]) -> dict[str, str | None]:
    names = ("none", "a", "b")
    fake: Any = SimpleNamespace(
        classes=[
            GradeClass(id="A", title="A", at_least=Decimal(85), percent=Decimal(rule["first"])),
            GradeClass(id="B", title="B", percent=Decimal(rule["second"])),
            GradeClass(id="C", title="C", at_least=Decimal(75)),
            GradeClass(id="D", title="D"),
        ],
        class_rule=ClassRule(**{key: rule[key] for key in ("rounding", "ties", "vacated")}),
        ranking=Ranking(),
        vetoes=[
            SimpleNamespace(id="none", unranked=True, barred_from=["C"]),
            SimpleNamespace(id="a", unranked=False, barred_from=["A"]),
            SimpleNamespace(id="b", unranked=False, barred_from=["A", "B"]),
        ],
    )
    drawn_units = [
        Standing(str(n), None, Decimal(final), None, {}, None, [], vetoes=list(map(record, own)))
        for n, (final, own) in enumerate(units)
    ]
    assert all(own <= set(names) for _final, own in units)
    found = classed(fake, ranked(fake, drawn_units))
    scored = [final for final, own in units if "none" not in own]
    for item in found:
        final, own = units[int(item.unit)]
        higher = None if "none" in own else 1 + sum(other > final for other in scored)
        assert item.rank == higher
    assert [item.rank is None for item in found] == sorted(item.rank is None for item in found)
    return {item.unit: item.class_id for item in found}


def oracle(units: Sequence[Drawn], rule: Mapping[str, Any]) -> dict[str, str | None]:
    """Count for each unit who stands before it and beside it among those that contend for a class."""
    barred = {"A": {"a", "b"}, "B": {"b"}, "C": {"none"}, "D": set()}
    places = {"down": floor, "up": ceil, "half_up": lambda x: floor(x + Fraction(1, 2))}
    ranked_units = {n for n, (_final, own) in enumerate(units) if "none" not in own}
    found: dict[int, str] = {}
    for name, least, share in (
        ("A", 85, rule["first"]),
        ("B", 0, rule["second"]),
        ("C", 75, None),
        ("D", 0, None),
    ):
        open_to = {n for n, (_final, own) in enumerate(units) if not own & barred[name]}
        left = {n for n, (final, _own) in enumerate(units) if n not in found and final >= least}
        if share is None:
            found |= dict.fromkeys(left & open_to, name)
            continue
        contending = left & ranked_units
        if rule["vacated"] == "next":
            contending &= open_to
        count = places[rule["rounding"]](Fraction(share) * len(ranked_units) / 100)
        for n in contending & open_to:
            before = sum(units[m][0] > units[n][0] for m in contending)
            beside = sum(units[m][0] == units[n][0] for m in contending)
            if before < count if rule["ties"] == "in" else before + beside <= count:
                found[n] = name
    return {str(n): found.get(n) for n in range(len(units))}


@given(
    st.lists(
        st.tuples(
            st.integers(70, 95),
            st.frozensets(st.sampled_from(["none", "a", "b"]), max_size=2),
        ),
        max_size=12,
    ),
    st.fixed_dictionaries(
        {
            "first": st.integers(1, 50),
            "second": st.integers(1, 50),
            "rounding": st.sampled_from(["half_up", "down", "up"]),
            "ties": st.sampled_from(["in", "out"]),
            "vacated": st.sampled_from(["next", "empty"]),
        }
    ),
)
def test_classes_with_vetoes_are_those_that_counting_gives(
    units: list[Drawn], rule: dict[str, Any]
) -> None:
    assert classes_of(units, rule) == oracle(units, rule)


@pytest.mark.parametrize(("vacated", "expected"), [("next", "BABBB"), ("empty", "BBBBC")])
def test_the_place_of_a_barred_unit_goes_to_the_next_or_stays_empty(
    vacated: str, expected: str
) -> None:
    units = [(95, frozenset("a")), *((final, frozenset[str]()) for final in (94, 90, 88, 86))]
    rule = {"first": 20, "second": 80, "rounding": "down", "ties": "out", "vacated": vacated}
    assert "".join(filter(None, classes_of(units, rule).values())) == expected


def test_the_explanation_says_why_no_rank_and_why_not_the_class_above(result: Result) -> None:
    told = texts(explain(result, "乙市", 0))
    assert "not ranked" in told[0]
    assert any("not Good" in text and "barred by Refusal of inspection" in text for text in told)
    assert any("not Excellent" in text and "barred by Refusal" in text for text in told)
    assert any(f"veto Refusal of inspection: {EFFECT} · 不开门 · 记录" in text for text in told)
    told = texts(explain(result, "甲市", 0))
    assert any("Disclosure of state secrets · a final of 59: -4" in text for text in told)
    assert any("Faked data · 60 as the composite: -36" in text for text in told)
    assert not any("equal" in text for text in texts(explain(result, "丁市", 3)))


def test_two_units_differ_by_their_vetoes_too(result: Result) -> None:
    parts = differences(result, "甲市", "乙市")
    assert sum(part.points for part in parts) == 59 - 91
    assert {part.id for part in parts if part.kind == "veto"} == {"secrets/veto", "data/veto"}


def test_a_unit_with_a_fixed_final_has_no_next_rank(result: Result) -> None:
    city = result.standings["city"]
    assert next_rank(scheme(), city, "丙市") is None
    near = next_rank(scheme(), city, "戊市")
    assert near is not None
    assert near.final == Decimal("80.76")


def test_tables_letters_and_notice_have_the_grounds_and_letters_only_the_own(
    result: Result,
) -> None:
    assert [row[-1] for row in rankings(result)[0].rows] == [
        "Complaint",
        None,
        "Faked data",
        "Disclosure of state secrets; Faked data",
        "not ranked: Refusal of inspection",
    ]
    assert vetoes(result).rows[-2][:3] == ("Cities", "乙市", "Refusal of inspection")
    own = [table for table in unit_tables(result, "乙市") if table.name == "Vetoes"]
    assert [row[:4] for row in own[0].rows] == [("Refusal of inspection", EFFECT, "不开门", "记录")]
    assert not [table for table in unit_tables(result, "戊市") if table.name == "Vetoes"]
    letter = words(letter_docx(result, "乙市", final=False))
    assert "不开门" in letter
    assert not any(text in letter for text in ("丢失文件", "Disclosure", "Faked", "Complaint"))
    published = words(notice(result, final=False))
    assert "4. Vetoes" in published
    assert "丢失文件" in published


def words(content: bytes) -> str:
    paper = Document(io.BytesIO(content))
    cells = [cell.text for table in paper.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in paper.paragraphs), *cells])


def test_who_may_not_see_scores_sees_no_veto(result: Result) -> None:
    changed = scheme().model_copy(deep=True)
    changed.confidentiality.audiences.public.clear()
    shown = redacted(replace(result, scheme=changed), Audience.PUBLIC)
    assert [column.title for column in rankings(shown)[0].columns] == ["Rank", "Unit", "Class"]
    assert all(not item.records for item in by_unit(shown).values())


def test_a_result_is_read_back_and_one_without_vetoes_says_nothing_of_them(
    result: Result, tmp_path: Path
) -> None:
    content = store.dump(result)
    again, findings = store.load(content, LOADED, "r")
    assert findings == []
    assert again is not None
    assert again.standings == result.standings
    changed = content.replace("不开门".encode(), "没开门".encode())
    assert store.load(changed, LOADED, "r")[0] is not None
    moved = content.replace(b'"id": "refusal"', b'"id": "complaint"')
    assert [item.code for item in store.load(moved, LOADED, "r")[1]] == ["result-inconsistent"]


def test_the_data_frame_names_the_vetoes(result: Result) -> None:
    frame = result.ranking()
    assert list(frame.columns[-2:]) == ["class", "vetoes"]
    assert dict(zip(frame["unit"], frame["vetoes"], strict=True))["丁市"] == "complaint"


WRONG: Mapping[str, tuple[Rows, str]] = {
    "no reason": ([HEAD, ["甲市", "", "通报"]], "adjustment-no-reason"),
    "another group": ([HEAD, ["东镇", "a", "b"]], "adjustment-group"),
    "twice": ([HEAD, ["甲市", "a", "b"], ["甲市", "a", "b"]], "adjustment-twice"),
    "unknown": ([HEAD, ["子市", "a", "b"]], "name-unknown"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_record_is_one_finding_at_its_cell(case: str, tmp_path: Path) -> None:
    rows, code = WRONG[case]
    sheets = {name: SHEETS[name] for name in ("城市", "乡镇")}
    found = computed(tmp_path, {**sheets, "泄密": rows})
    assert [(it.code, it.source.file) for it in found.findings] == [(code, "泄密.xlsx")]
    assert found.findings[0].source.cell


def test_a_veto_may_not_be_forgotten_where_its_sheet_is_due(tmp_path: Path) -> None:
    text = SCHEME.read_text("utf-8").replace("    if_absent: none\n", "")
    (tmp_path / "s.yaml").write_text(text, "utf-8")
    write(tmp_path / "in", {name: SHEETS[name] for name in ("城市", "乡镇")})
    found = appraise(load_scheme(tmp_path / "s.yaml"), [tmp_path / "in"])
    assert [item.code for item in found.findings] == ["adjustment-missing"] * 6


def test_forms_for_vetoes_filled_in_are_read(appraise_cli: Appraise, tmp_path: Path) -> None:
    done = appraise_cli("template", "out", "--scheme", SCHEME)
    assert done.exit_code == 0, done.output
    path = next(Path("out").rglob("*泄密*.xlsx"))
    book = opened(path, values=False)
    sheet = book.worksheets[0]
    head = next(row for row in sheet.iter_rows() if "单位" in [cell.value for cell in row])
    assert [cell.value for cell in head if cell.value] == ["序号", "单位", "事由"]
    assert any("a final of 59" in str(cell.value) for row in sheet.iter_rows() for cell in row)
    for cell in head:
        if cell.value in ("单位", "事由"):
            below = sheet[f"{cell.coordinate[0]}{int(cell.row or 0) + 1}"]
            below.value = "甲市" if cell.value == "单位" else "丢失文件"
    write(tmp_path / "in", {name: SHEETS[name] for name in ("城市", "乡镇")})
    book.save(tmp_path / "in" / "泄密.xlsx")
    found = appraise(LOADED, [tmp_path / "in"])
    assert found.findings == []
    assert by_unit(found)["甲市"].final == Decimal("59.00")
    status = appraise_cli("status", tmp_path / "in", "--scheme", SCHEME).output
    assert "Faked data" in status


def test_a_case_gives_vetoes_and_expects_their_effects(tmp_path: Path) -> None:
    case = """
cases:
  - name: Vetoes
    clause: 第九条
    group: city
    units:
      - unit: 甲市
        stages: {work: 90}
        vetoes: [refusal]
        expect: {final: 90, unranked: true, class_id: 合格}
      - {unit: 乙市, stages: {work: 88}, vetoes: [secrets], expect: {final: 59, rank: 2}}
      - {unit: 丙市, stages: {work: 87}, expect: {rank: 1, class_id: 良好}}
"""
    (tmp_path / "case.yaml").write_text(case, "utf-8")
    count, problems = run_cases(scheme(), tmp_path)
    assert count == 1
    assert problems == []
    wrong = case.replace("[refusal]", "[complaint]").replace("class_id: 良好", "class_id: 合格")
    (tmp_path / "case.yaml").write_text(wrong, "utf-8")
    codes = [item.code for item in run_cases(scheme(), tmp_path)[1]]
    assert set(codes) == {"case-wrong"}
    (tmp_path / "case.yaml").write_text(case.replace("[secrets]", "[secret]"), "utf-8")
    assert [item.code for item in run_cases(scheme(), tmp_path)[1]] == ["scheme-reference"]


def drawn(seed: int, names: Sequence[str] = ("泄密", "造假", "拒绝", "投诉")) -> Sheets:
    """Scores with ties, adjustments, and records of vetoes, drawn at random."""
    picked = random.Random(seed)
    scores = [[unit, *[picked.choice([40, 62.5, 80, 88, 95]) for _half in "ab"]] for unit in CITIES]
    sheets: dict[str, Rows] = {**SHEETS, "城市": [["单位", "上半年", "下半年"], *scores]}
    sheets["通报"] = [["单位", "扣分", "原因"], [picked.choice(CITIES), 4, "d"]]
    for name in names:
        own = picked.sample(CITIES, picked.randint(0, 2))
        sheets[name] = [HEAD, *([unit, name, f"{seed}"] for unit in own)]
    return sheets


THRESHOLDS = (
    ("at_least: 80, percent: 40", "at_least: 80"),
    ("class_rule: {rounding: down, ties: out, vacated: next}\n", ""),
)


@pytest.mark.slow
def test_a_spreadsheet_program_comes_to_the_same_finals_ranks_and_classes(
    tmp_path: Path, soffice: str
) -> None:
    """By shares and by thresholds alone, where the class is a formula too."""
    text = SCHEME.read_text("utf-8")
    for before, after in THRESHOLDS:
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "thresholds.yaml").write_text(text, "utf-8")
    paths = []
    for seed in range(8):
        write(tmp_path / str(seed), drawn(seed))
        loaded = load_scheme(tmp_path / "thresholds.yaml") if seed % 2 else LOADED
        found = appraise(loaded, [tmp_path / str(seed)])
        assert {item.code for item in found.findings} <= {"veto-raises"}
        paths.append(tmp_path / f"{seed}.xlsx")
        paths[-1].write_bytes(workbook.render(found, final=False))
    folder = convert_all(soffice, tmp_path, paths, "xlsx:Calc MS Excel 2007 XML")
    for path in paths:
        wrong, compared = differing(path, folder / path.name)
        assert not wrong, wrong[:5]
        assert compared > 90


@pytest.mark.slow
def test_records_and_numbers_changed_in_the_workbook_move_finals_and_ranks(
    tmp_path: Path, soffice: str
) -> None:
    """The veto of 甲市 becomes one of 丁市, and its final 58: as for an input that says so."""
    stored, changed = tmp_path / "stored.xlsx", tmp_path / "changed.xlsx"
    stored.write_bytes(workbook.render(computed(tmp_path / "in"), final=False))
    book = opened(stored, values=False)
    [row] = [row for row in book["Vetoes"].iter_rows() if row[4].value == "丢失文件"]
    row[1].value = "丁市"
    [row] = [row for row in book["Rules and weights"].iter_rows() if row[3].value == 59]
    row[3].value = 58
    book.save(changed)
    text = SCHEME.read_text("utf-8").replace("final: 59", "final: 58")
    (tmp_path / "s.yaml").write_text(text, "utf-8")
    write(tmp_path / "in", {"泄密": [HEAD, ["丁市", "丢失文件", "通报1号"]]})
    other = appraise(load_scheme(tmp_path / "s.yaml"), [tmp_path / "in"])
    folder = convert_all(soffice, tmp_path, [changed], "xlsx:Calc MS Excel 2007 XML")
    rows = rows_of(opened(folder / changed.name).worksheets[0])
    got = {row["Unit"]: (row["Rank"], row["Final"]) for row in rows}
    assert got == {
        item.unit: (item.rank or "—", float(item.final or 0)) for item in by_unit(other).values()
    }


PAGE = TESTS.parent / "docs" / "documents.md"


@pytest.mark.parametrize(("vacated", "of_the_last"), [("next", "优秀"), ("empty", "良好")])
def test_the_table_of_the_page_is_what_its_scheme_gives(vacated: str, of_the_last: str) -> None:
    match = re.search(
        r"<!-- vetoes -->\n```yaml\n(.*?)```\n\n(\|.*?)\n\n", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert match is not None
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in match[2].split("\n")]
    data = yaml.safe_load(SCHEME.read_text("utf-8")) | yaml.safe_load(match[1])
    data["class_rule"]["vacated"] = vacated
    data["groups"] = [
        {"id": "all", "title": "全部", "clause": "一", "units": [{"name": r[0]} for r in rows[2:]]}
    ]
    data["adjustments"] = [{**data["adjustments"][0], "groups": ["all"]}]
    data["stages"][0]["plans"] = {"all": data["stages"][0]["plans"]["city"]}
    loaded = load_model(Scheme.model_validate(data))
    assert loaded.findings == []
    assert loaded.scheme is not None
    records = [record("award", row[0], Decimal(row[2])) for row in rows[2:]]
    records += [record(row[3], row[0]) for row in rows[2:] if row[3]]
    composite = StepTable(
        ("unit",), {(row[0],): StepRow(Decimal(row[1]), (), (), ()) for row in rows[2:]}
    )
    final = finals(loaded.scheme, composite, records)
    found = {item.unit: item for item in standings(loaded.scheme, composite, final, records)}
    for unit, _composite, _award, _veto, published, rank, class_id in rows[2:]:
        item = found[unit]
        assert (item.final, str(item.rank or "—")) == (Decimal(published), rank)
        assert item.class_id == (of_the_last if unit == "己" else class_id)


def test_the_word_of_the_document_is_answered_with_the_key(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    text = SCHEME.read_text("utf-8").replace("\nvetoes:", "\n一票否决:")
    (tmp_path / "s.yaml").write_text(text, "utf-8")
    assert "did you mean 'vetoes'?" in appraise_cli("scheme", "check", "s.yaml").output


def test_sheets_of_vetoes_are_frozen_and_set_aside_as_those_of_adjustments(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    write(tmp_path / "in", SHEETS)
    done = appraise_cli("freeze", "in", "--stage", "vetoes", "--by", "张三", "--scheme", SCHEME)
    assert done.exit_code == 0, done.output
    frozen = yaml.safe_load((tmp_path / "in" / "frozen.yaml").read_text("utf-8"))
    assert [item["id"] for item in frozen["stages"]] == [
        "secrets",
        "data",
        "refusal",
        "complaint",
    ]
    decided = ("--as", "set_aside", "--file", "拒绝.xlsx", "--reason", "查无此事", "--yes")
    done = appraise_cli("decide", "in", *decided, "--by", "张三", "--scheme", SCHEME)
    assert done.exit_code == 0, done.output
    found = appraise(LOADED, [tmp_path / "in"])
    assert by_unit(found)["乙市"].rank == 1
    assert by_unit(found)["乙市"].vetoes == []
