"""One cause gives one finding: what people do to whole files, columns, names and folders."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from helpers import ROOT, STAGE_FILES, Appraise
from helpers.small import SHEETS, SMALL, Rows, judged, write
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal.cli import main
from wuhu_appraisal.findings import Finding, Source, by_cause, finding, unfolded
from wuhu_appraisal.read.forms import without_version

BALLOT: Rows = [["单位", "得分"], ["甲市", 90], ["乙市", 80]]
OTHER: Rows = [["单位", "得分"], ["甲市", 91], ["乙市", 82]]
HAN = re.compile("[\u4e00-\u9fff]")

Mistake = Callable[[Path], object]


def small(folder: Path) -> Result:
    return appraise(load_scheme(SMALL), [folder])


def said(item: Finding, language: str) -> str:
    i18n.activate(language)
    return f"{item.message} -> {item.hint}"


def only(result: Result) -> Finding:
    """The one finding, which both languages can say and which stops the result."""
    [item] = result.findings
    assert HAN.search(said(item, "zh")) and not re.search("[{}]", said(item, "zh"))
    assert said(item, "en") != said(item, "zh")
    assert result.provisional
    return item


def copied(name: str, to: str) -> Mistake:
    return lambda folder: shutil.copy(folder / name, folder / to)


def moved(name: str, to: str) -> Mistake:
    return lambda folder: shutil.move(folder / name, folder / to)


def table(name: str, rows: Rows) -> Mistake:
    return lambda folder: write(folder, {name: rows})


def replaced(name: str, by: str, content: bytes = b"x") -> Mistake:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / by).write_bytes(content)

    return change


def backup(folder: Path) -> None:
    shutil.copytree(folder, folder.parent / "backup")
    shutil.move(folder.parent / "backup", folder / "备份")


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def strays(folder: Path) -> None:
    emptied(folder)
    for number in range(50):
        (folder / f"{number}.docx").write_bytes(b"x")


HEADS = ["单位", "A", "B one", "B two"]
MISTAKES: list[tuple[str, Mistake, str, str]] = [
    ("a copy", copied("vote/甲市.xlsx", "vote/甲市 - 副本.xlsx"), "file-copy", "vote/甲市.xlsx"),
    (
        "a Copy",
        copied("vote/甲市.xlsx", "vote/甲市 - Copy (2).xlsx"),
        "file-copy",
        "vote/甲市.xlsx",
    ),
    (
        "a copy of",
        copied("vote/甲市.xlsx", "vote/Copy of 甲市.xlsx"),
        "file-copy",
        "vote/甲市.xlsx",
    ),
    ("a copy elsewhere", copied("vote/甲市.xlsx", "旧.xlsx"), "file-copy", "vote/甲市.xlsx"),
    ("a backup", backup, "folder-copy", "4"),
    ("a final version", table("vote/甲市最终版", OTHER), "score-twice", "vote/甲市.xlsx"),
    ("a second version", table("vote/甲市 v2", OTHER), "score-twice", "set_aside"),
    ("a revision", table("vote/甲市（修订）", OTHER), "score-twice", "vote/甲市.xlsx"),
    ("a version of many", table("work/upper定稿", [HEADS, ["甲市", 1, 2, 3]]), "score-twice", "3"),
    ("a scan", replaced("vote/甲市.xlsx", "vote/甲市.pdf"), "file-instead", ".pdf"),
    ("a document", replaced("work/upper.xlsx", "work/upper.doc"), "file-instead", "Sheet upper"),
    ("a photograph", replaced("vote/甲市.xlsx", "vote/甲市.JPG"), "file-instead", "Ballot 甲市"),
    ("an archive", replaced("vote/甲市.xlsx", "vote/甲市.zip"), "file-instead", ".zip"),
    (
        "a document in disguise",
        replaced("vote/甲市.xlsx", "vote/甲市.xls"),
        "file-not-workbook",
        "",
    ),
    ("an empty file", replaced("vote/甲市.xlsx", "vote/甲市.xlsx", b""), "file-empty", ""),
    (
        "a blank form",
        table("vote/甲市", [["单位", "得分"], ["甲市"], ["乙市"]]),
        "sheet-no-rows",
        "",
    ),
    ("a form without rows", table("vote/甲市", [["单位", "得分"]]), "sheet-no-rows", ""),
    (
        "a blank column",
        table("work/upper", [HEADS, ["甲市", 1, "", 3], ["乙市", 1, "", 3]]),
        "column-without-scores",
        "B one",
    ),
    (
        "a blank row",
        table("work/upper", [HEADS, ["甲市", 1, 2, 3], ["乙市"]]),
        "row-without-scores",
        "乙市",
    ),
    (
        "a renamed column beside totals",
        table(
            "work/upper",
            [["单位", "A", "甲项", "B two", "合计"], ["甲市", 1, 2, 3, 6], ["乙市", 1, 2, 3, 6]],
        ),
        "column-unknown",
        "did you mean 'b1 B one'",
    ),
    (
        "marks in brackets",
        table(
            "work/upper",
            [["单位", "A", "B one", "B two (15)"], ["甲市", 1, 2, 3], ["乙市", 1, 2, 3]],
        ),
        "column-unknown",
        "did you mean 'b2 B two'",
    ),
    (
        "no column",
        table("work/upper", [HEADS[:-1], ["甲市", 1, 2], ["乙市", 1, 2]]),
        "scores-missing",
        "B two",
    ),
    ("a misspelt ballot", moved("vote/甲市.xlsx", "vote/甲甲市.xlsx"), "file-name-unknown", "甲市"),
    (
        "no heads",
        table("vote/甲市", [["a", "b"], ["甲市", 1], ["乙市", 2]]),
        "sheet-no-header",
        "",
    ),
    ("an empty folder", emptied, "folder-empty", ""),
    ("another folder", strays, "folder-unrecognised", "small"),
]


@pytest.mark.parametrize(
    ("mistake", "code", "part"), [item[1:] for item in MISTAKES], ids=[item[0] for item in MISTAKES]
)
def test_a_mistake_is_one_finding(tmp_path: Path, mistake: Mistake, code: str, part: str) -> None:
    folder = tmp_path / "in"
    write(folder, SHEETS)
    mistake(folder)
    item = only(small(folder))
    assert (item.code, part in said(item, "en")) == (code, True)


@pytest.mark.parametrize(
    "name",
    [
        *("~$甲市.xlsx", ".~甲市.xlsx", ".~lock.甲市.xlsx#", "._甲市.xlsx"),
        *(".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini", "Desktop.ini"),
    ],
)
def test_what_systems_and_open_programs_leave_in_a_folder_is_nothing(
    tmp_path: Path, name: str
) -> None:
    write(tmp_path, SHEETS)
    (tmp_path / "vote" / name).write_bytes(b"x")
    assert small(tmp_path).findings == []


def test_a_scan_beside_its_workbook_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    (tmp_path / "vote" / "甲市.pdf").write_bytes(b"%PDF")
    result = small(tmp_path)
    assert [item.code for item in result.findings] == ["file-not-spreadsheet"]
    assert not result.provisional


def test_two_raters_whose_tables_are_alike_byte_for_byte_are_no_copies(tmp_path: Path) -> None:
    write(tmp_path, {name: rows for name, rows in SHEETS.items() if name.startswith("work")})
    (tmp_path / "vote").mkdir()
    for rater in ("甲市", "乙市"):
        (tmp_path / "vote" / f"{rater}.csv").write_text("单位,得分\n甲市,90\n乙市,80\n")
    assert small(tmp_path).findings == []


def test_of_two_versions_the_one_that_is_not_set_aside_counts(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    write(tmp_path / "in", {**SHEETS, "vote/甲市最终版": OTHER})
    about = "--as set_aside --reason 以最终版为准 --by 张三 --yes"
    decision = [*about.split(), "--file", "vote\\甲市.xlsx"]
    done = appraise_cli("decide", "in", "--scheme", SMALL, *decision)
    assert done.exit_code == 0, done.output
    assert "file: vote/甲市.xlsx" in (tmp_path / "in" / "decisions.yaml").read_text("utf-8")
    result = small(tmp_path / "in")
    assert result.findings == []
    assert str(result.standings["city"][0].stages["vote"]) == "88.50"


def test_a_corrected_list_of_deductions_does_not_count_beside_the_first(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8") + (
        "\nadjustments: [{id: fault, title: Fault, clause: '5', kind: deduction, groups: [city],"
        " form: {file: '*faults*'}, points: {stated: true, max: 50}}]\n"
    )
    (tmp_path / "scheme.yaml").write_text(text, encoding="utf-8")
    heads = ["单位", "扣分", "原因", "依据"]
    lists: dict[str, Rows] = {
        "faults": [heads, ["甲市", 2, "a", "b"]],
        "faults_final": [heads, ["甲市", 3, "a", "c"]],
    }
    write(tmp_path / "in", {**SHEETS, **lists})
    loaded = load_scheme(tmp_path / "scheme.yaml")
    item = only(appraise(loaded, [tmp_path / "in"]))
    assert (item.code, item.source.file) == ("file-version", "faults_final.xlsx")
    (tmp_path / "in" / "decisions.yaml").write_text(
        "decisions:\n  - {file: faults.xlsx, decide: set_aside, reason: a, by: b, at: 2020-12-31}\n"
    )
    result = appraise(loaded, [tmp_path / "in"])
    assert result.findings == []
    assert [str(one.points) for one in result.standings["city"][0].adjustments] in ([], ["-3"])
    assert sum(one.points for unit in result.standings["city"] for one in unit.adjustments) == -3


def test_a_decision_about_one_cell_of_a_blank_column_still_holds(tmp_path: Path) -> None:
    write(tmp_path, {**SHEETS, "work/upper": [HEADS, ["甲市", 1, "", 3], ["乙市", 1, "", 3]]})
    decided = (
        "  - {file: work/upper.xlsx, cell: C%s, decide: read_as, value: 20, reason: a, by: b,"
        " at: 2020-12-31}\n"
    )
    (tmp_path / "decisions.yaml").write_text("decisions:\n" + decided % 2)
    [left] = small(tmp_path).findings
    assert (left.code, left.source.cell) == ("score-missing", "C3")
    (tmp_path / "decisions.yaml").write_text("decisions:\n" + decided % 2 + decided % 3)
    assert small(tmp_path).findings == []


def test_what_explains_a_gap_explains_it_no_longer_once_it_is_settled(tmp_path: Path) -> None:
    rows: Rows = [["单位", "A", "甲项", "B two"], ["甲市", 1, 2, 3], ["乙市", 1, 2, 3]]
    tolerant = ("id: small\n", "id: small\nreading: {severities: {column-unknown: warning}}\n")
    result = judged(tmp_path, {**SHEETS, "work/upper": rows}, tolerant)
    assert {item.code for item in result.findings} == {"column-unknown", "scores-missing"}
    assert result.provisional


# --- Names and years in all files at once


@pytest.fixture
def stage_files(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    shutil.copytree(STAGE_FILES, folder)
    return folder


def errors(result: Result) -> list[Finding]:
    return [item for item in result.findings if item.severity == "error"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("湾沚区", "鸠兹新区"), ("市扶贫办", "市乡村振兴局"), ("加强政务信息管理", "规范信息")],
    ids=["a unit", "a rater", "an item"],
)
def test_what_the_scheme_calls_otherwise_is_one_finding(tmp_path: Path, old: str, new: str) -> None:
    scheme = tmp_path / "scheme"
    shutil.copytree(ROOT / "config" / "wuhu-2020", scheme)
    for path in scheme.glob("*.yaml"):
        path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    [item] = errors(appraise(load_scheme(scheme), [STAGE_FILES]))
    assert item.code == "name-unknown" and len(item.also) > 10
    for language, places in (("en", f"(in {len(item.also) + 1} places)"), ("zh", "处）")):
        text = said(item, language)
        assert all(part in text for part in (old, places, f"aliases: [{old}]"))
    assert new in said(item, "zh")


def test_the_forms_as_they_were_sent_out_are_one_finding_a_sheet(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    assert appraise_cli("template", "forms").exit_code == 0
    result = appraise(load_scheme("wuhu-2020"), [tmp_path / "forms"])
    assert {item.code for item in result.findings} == {"sheet-no-rows", "register-blank"}
    places = [(item.source.file, item.source.sheet) for item in result.findings]
    assert len(set(places)) == len(places)
    # A register may have all its marks from the scheme's lists, and a list of records may be empty.
    may_be_so = ("适用情况登记表", "加扣分")
    sheets = [
        (path.relative_to(tmp_path / "forms").as_posix(), name)
        for path in (tmp_path / "forms").rglob("*.xlsx")
        for name in openpyxl.load_workbook(path).sheetnames
    ]
    due = {place for place in sheets if not place[0].startswith(may_be_so)}
    assert {place for place in places if not place[0].startswith(may_be_so)} == due


def later(folder: Path, pattern: str) -> None:
    """Write the next year for each year that stands as the pattern says."""
    for path in folder.rglob("*.xlsx"):
        book = openpyxl.load_workbook(path)
        for cell in (cell for sheet in book for row in sheet.iter_rows() for cell in row):
            if isinstance(cell.value, str):
                cell.value = re.sub(pattern, lambda year: str(int(year[0]) + 1), cell.value)
        book.save(path)


@pytest.mark.parametrize(
    "pattern",
    [
        r"20\d\d(?=年\d)|20\d\d(?=[./-])",
        pytest.param(r"20\d\d(?=年\D)", marks=pytest.mark.slow),
    ],
    ids=["dates", "titles"],
)
def test_next_years_files_are_one_error_that_names_the_scheme_and_where_it_came_from(
    stage_files: Path, appraise_cli: Appraise, pattern: str
) -> None:
    later(stage_files, pattern)
    for options, origins in (
        ((), ("the default", "默认")),
        (("--scheme", "wuhu-2020"), ("given with --scheme", "--scheme")),
    ):
        for language, origin in zip(("en", "zh"), origins, strict=True):
            done = appraise_cli("compute", stage_files, *options, "--lang", language)
            assert done.exit_code == 1
            assert done.output.count("[folder-other-scheme]") == 1
            assert done.output.count("[sheet-date-outside]") == 0
            assert all(part in done.output for part in ("wuhu-2020", origin))
    [item] = errors(appraise(load_scheme("wuhu-2020"), [stage_files]))
    assert len(item.also) > 70


def test_one_sheet_of_another_time_is_a_warning_as_ever(stage_files: Path) -> None:
    other = stage_files.parent / "other"
    (other / "日常测评").mkdir(parents=True)
    shutil.copy(stage_files / "日常测评" / "第1轮.xlsx", other / "日常测评")
    later(other, r"20\d\d(?=[年./-])")
    shutil.copytree(other, stage_files, dirs_exist_ok=True)
    result = appraise(load_scheme("wuhu-2020"), [stage_files])
    assert errors(result) == []
    assert {item.code for item in result.findings} >= {"sheet-date-outside"}


def test_the_forms_of_another_scheme_are_one_error(tmp_path: Path, appraise_cli: Appraise) -> None:
    scheme = tmp_path / "scheme"
    shutil.copytree(ROOT / "config" / "wuhu-2020", scheme)
    text = (scheme / "scheme.yaml").read_text("utf-8").replace("id: wuhu-2020", "id: wuhu-2021", 1)
    (scheme / "scheme.yaml").write_text(text, encoding="utf-8")
    assert appraise_cli("template", "forms", "--scheme", scheme).exit_code == 0
    item = only(appraise(load_scheme("wuhu-2020"), [tmp_path / "forms"]))
    assert item.code == "folder-other-scheme"
    assert "wuhu-2021" in item.message and "wuhu-2020" in item.message


# --- How they are shown


def test_many_of_a_kind_are_counted_and_all_are_there_when_asked_for(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    names = [f"{name}/{ballot}" for name in "abcde" for ballot in ("vote/甲市", "vote/乙市")]
    ballots: dict[str, Rows] = {
        name: [["单位", "得分"], ["甲市", 900 + number], ["乙市", 800]]
        for number, name in enumerate(names)
    }
    write(tmp_path / "in", ballots)
    command = ("validate", "in", "--scheme", SMALL)
    folded, whole = appraise_cli(*command), appraise_cli(*command, "--all")
    assert folded.output.count("[score-over-marks] ") == 5
    assert "    and 15 more of [score-over-marks]: " in folded.output
    assert "--all shows all of them" in folded.output
    assert whole.output.count("[score-over-marks] ") == 20
    assert "--all" not in whole.output
    listed = json.loads(appraise_cli(*command, "--json").output)
    assert sum(item["code"] == "score-over-marks" for item in listed) == 20
    assert folded.exit_code == whole.exit_code == 1


def test_five_thousand_stray_files_are_one_finding_with_all_their_names(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    write(tmp_path / "in", SHEETS)
    for number in range(500):
        (tmp_path / "in" / f"{number}.txt").write_bytes(b"x")
    done = appraise_cli("compute", "in", "--scheme", SMALL)
    assert done.exit_code == 0 and done.output.count("file-not-spreadsheet") == 1
    assert len(done.output.splitlines()) < 20
    assert "499.txt" in appraise_cli("compute", "in", "--scheme", SMALL, "--all").output
    [item] = json.loads((tmp_path / "results" / "appraisal.json").read_text("utf-8"))["findings"]
    assert len(item["also"]) == 499
    book = tmp_path / "r.xlsx"
    assert appraise_cli("report", "--scheme", SMALL, "--out", book).exit_code == 0
    rows = [row for sheet in openpyxl.load_workbook(book) for row in sheet.values]
    assert sum("file-not-spreadsheet" in row for row in rows) == 500


CODES = st.sampled_from(["name-unknown", "column-unknown", "file-not-spreadsheet", "file-empty"])
PLACES = st.builds(
    Source,
    st.sampled_from(["a.xlsx", "b.xlsx"]),
    st.sampled_from("st"),
    st.sampled_from(["A1", "B2"]),
)


@given(st.lists(st.tuples(CODES, st.sampled_from("xy"), PLACES)))
def test_no_place_is_lost_when_findings_of_one_cause_become_one(
    drawn: list[tuple[str, str, Source]],
) -> None:
    findings = [
        finding(code, place, name=name, label=name, suggestion="") for code, name, place in drawn
    ]
    merged = by_cause(findings)
    assert {item.source for item in unfolded(merged)} == {item.source for item in findings}
    assert by_cause(merged) == merged
    causes = [
        {(item.code, *item.params.values()) for item in by_cause(one)}
        for one in (findings, findings[::-1])
    ]
    assert causes[0] == causes[1]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        *(
            ("甲市 - 副本", "甲市"),
            ("甲市(1)", "甲市"),
            ("甲市_final", "甲市"),
            ("复件 甲市", "甲市"),
        ),
        *(("【定稿】甲市", "甲市"), ("甲市-最终版-修改后", "甲市"), ("甲市20210105", "甲市")),
        *(
            ("第1轮", "第1轮"),
            ("甲市2", "甲市2"),
            ("renew", "renew"),
            ("副本", "副本"),
            ("v2", "v2"),
        ),
    ],
)
def test_the_words_of_versions_are_told_from_names(written: str, plain: str) -> None:
    assert without_version(written) == plain


# --- Paths, kinds of decisions, texts of others


def test_a_path_with_backslashes_is_the_same_path(tmp_path: Path, appraise_cli: Appraise) -> None:
    write(tmp_path / "a" / "in", SHEETS)
    scheme = SMALL.read_text("utf-8").replace('"work/{tier}"', "'work\\{tier}'")
    (tmp_path / "a" / "s.yaml").write_text(scheme, encoding="utf-8")
    done = appraise_cli("compute", "a\\in", "--scheme", "a\\s.yaml", "--out", "b\\c")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "b" / "c" / "appraisal.json").is_file()


@pytest.mark.parametrize(
    ("kind", "about", "meant"),
    [
        ("accept", "--finding column-unknown --file vote/甲市.xlsx --cell C1", "waive"),
        ("accept", "--file vote/甲市.xlsx", "waive"),
        ("accept", "--finding score-over-marks --file vote/乙市.xlsx --cell B2", "read_as"),
        ("read_as", "--file vote/甲市.xlsx --cell B2 --value 80", "correct"),
        ("correct", "--file vote/乙市.xlsx --cell B2 --was 900 --value 90", "read_as"),
    ],
)
def test_a_decision_of_another_kind_than_is_meant_names_that(
    tmp_path: Path, appraise_cli: Appraise, kind: str, about: str, meant: str
) -> None:
    ballots: dict[str, Rows] = {
        "vote/甲市": [["单位", "得分", "附加"], ["甲市", 90, 1], ["乙市", 80, 2]],
        "vote/乙市": [["单位", "得分"], ["甲市", 900], ["乙市", 80]],
    }
    write(tmp_path / "in", {**SHEETS, **ballots})
    words = f"--as {kind} {about} --reason a --by b --yes".split()
    for language, said_ in (("en", f"'{meant}' is meant"), ("zh", f"应为“{meant}”")):
        done = CliRunner().invoke(
            main, ["decide", "in", "--scheme", str(SMALL), *words, "--lang", language]
        )
        assert (done.exit_code, said_ in done.output) == (1, True), done.output
        assert not (tmp_path / "in" / "decisions.yaml").exists()
