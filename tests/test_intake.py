"""Files, sheets and cells that are not right are findings with their place, never a traceback."""

import datetime
import json
from pathlib import Path

import pytest
from helpers import Appraise
from helpers.small import SHEETS, SMALL, Rows, only, place, run, write

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.model import Rule


def test_right_files_have_no_findings_and_exact_scores(tmp_path: Path) -> None:
    found = run(tmp_path)
    assert found.findings == []
    # 甲市: work (80×7 + 87×3)/10 = 82.1, vote 87.75: 0.6×82.1 + 0.4×87.75 = 84.36
    # 乙市: work (100×7 + 97×3)/10 = 99.1, vote 87.5: 0.6×99.1 + 0.4×87.5 = 94.46
    finals = [(item.rank, item.unit, str(item.final)) for item in found.standings["city"]]
    assert finals == [(1, "乙市", "94.46"), (2, "甲市", "84.36")]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("good", "score-not-number"),
        (-1, "score-below-zero"),
        (100.5, "score-over-marks"),
        (True, "score-is-boolean"),
        (datetime.date(2020, 5, 9), "score-is-date"),
        (datetime.time(7, 2, 1), "score-is-date"),
        ("nan", "score-not-number"),
        ("1e400", "score-not-number"),
    ],
)
def test_a_cell_that_is_no_score_is_refused_at_its_address(
    tmp_path: Path, value: object, code: str
) -> None:
    found = run(tmp_path, {"vote/甲市": [["单位", "得分"], ["甲市", 90], ["乙市", value]]})
    refused = [item for item in found.findings if item.code == code]
    assert [place(item) for item in refused] == ["vote/甲市.xlsx B3"]
    assert found.provisional


def test_a_blank_is_missing_and_never_zero(tmp_path: Path) -> None:
    found = run(tmp_path, {"vote/甲市": [["单位", "得分"], ["甲市", 90], ["乙市", None]]})
    item = only(found)
    assert (item.code, place(item)) == ("score-missing", "vote/甲市.xlsx B3")
    stages = {item.unit: item.stages for item in found.standings["city"]}
    assert str(stages["乙市"]["vote"]) == "95.00"


def test_not_applicable_is_refused_where_the_form_does_not_allow_it(tmp_path: Path) -> None:
    found = run(tmp_path, {"vote/甲市": [["单位", "得分"], ["甲市", 90], ["乙市", "/"]]})
    assert {item.code for item in found.findings} == {"score-not-applicable"}
    assert {place(item) for item in found.findings} == {"vote/甲市.xlsx B3"}


def test_a_number_stored_as_text_is_read_and_stands_in_the_ledger(tmp_path: Path) -> None:
    found = run(tmp_path, {"vote/甲市": [["单位", "得分"], ["甲市", 90], ["乙市", " 80 "]]})
    assert list(found.findings) == []
    [entry] = found.ledger
    assert (str(entry.source), entry.raw, entry.value) == (
        "vote/甲市.xlsx › Sheet › B3",
        " 80 ",
        "80",
    )
    assert entry.rules == (Rule.TEXT,)
    assert str(found.standings["city"][0].final) == "94.46"


def test_an_unknown_unit_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    rows: Rows = [["单位", "得分"], ["甲市", 90], ["乙镇", 80]]
    item = only(run(tmp_path, {"vote/甲市": rows}))
    assert (item.code, place(item)) == ("name-unknown", "vote/甲市.xlsx A3")
    assert "did you mean '乙市'?" in item.hint


def test_a_unit_twice_in_a_sheet_names_both_places_and_neither_counts(tmp_path: Path) -> None:
    rows: Rows = [["单位", "得分"], ["甲市", 90], ["乙市", 80], ["乙市", 70]]
    found = run(tmp_path, {"vote/甲市": rows})
    twice = next(item for item in found.findings if item.code == "name-twice")
    assert place(twice) == "vote/甲市.xlsx A4"
    assert "A3" in twice.message
    stages = {item.unit: item.stages for item in found.standings["city"]}
    assert str(stages["乙市"]["vote"]) == "95.00"


def test_a_score_that_came_twice_names_both_files(tmp_path: Path) -> None:
    other: Rows = [["单位", "得分"], ["甲市", 91], ["乙市", 81]]
    item = only(run(tmp_path, {"late/vote/甲市": other}))
    assert (item.code, item.params["count"]) == ("score-twice", "2")
    assert {item.source.file, item.params["file"]} == {"vote/甲市.xlsx", "late/vote/甲市.xlsx"}


def test_a_ballot_that_did_not_come_is_one_finding(tmp_path: Path) -> None:
    write(tmp_path, {name: rows for name, rows in SHEETS.items() if name != "vote/乙市"})
    item = only(appraise(load_scheme(SMALL), [tmp_path]))
    assert item.code == "scores-missing"
    assert item.message == "Vote: no scores of 乙市 were found; 2 are due: 甲市, 乙市"


def test_an_unknown_column_with_entries_is_said(tmp_path: Path) -> None:
    rows: Rows = [["单位", "得分", "说不清"], ["甲市", 90, 1], ["乙市", 80, 2]]
    item = only(run(tmp_path, {"vote/甲市": rows}))
    assert (item.code, place(item)) == ("column-unknown", "vote/甲市.xlsx C1")


def test_titles_number_columns_totals_and_foot_rows_are_understood(tmp_path: Path) -> None:
    rows: Rows = [
        ["2020年评分表"],
        [],
        ["序号", "单位", "得分(100分)", "备注"],
        [1, "乙市", 80, "好"],
        [2, "甲市", 90, None],
        [None, "合计", 170, None],
        ["填表人:某某  审核人:某某"],
    ]
    found = run(tmp_path, {"vote/甲市": rows})
    assert found.findings == []
    assert str(found.standings["city"][0].final) == "94.46"


def test_columns_may_stand_in_any_order_and_side(tmp_path: Path) -> None:
    rows: Rows = [["B two", "单位", "A", "B one"], [10, "甲市", 50, 20], [15, "乙市", 60, 25]]
    found = run(tmp_path, {"work/upper": rows})
    assert found.findings == []
    assert str(found.standings["city"][0].final) == "94.46"


def test_units_may_run_across_and_items_down(tmp_path: Path) -> None:
    rows: Rows = [["指标", "甲市", "乙市"], ["A", 50, 60], ["B one", 20, 25], ["B two", 10, 15]]
    found = run(tmp_path, {"work/upper": rows})
    assert found.findings == []
    assert str(found.standings["city"][0].final) == "94.46"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("vote/甲市.xlsx", b"", "file-empty"),
        ("vote/甲市.xlsx", b"not a workbook", "file-not-workbook"),
        ("vote/甲市.xlsx", b"PK\x03\x04 cut off", "file-damaged"),
        ("vote/甲市.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut off", "file-damaged"),
        ("readme.txt", b"hello", "file-not-spreadsheet"),
    ],
)
def test_files_that_are_no_workbooks_are_findings(
    tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / name
    path.write_bytes(content)
    found = appraise(load_scheme(SMALL), [tmp_path])
    assert (code, name) in {(item.code, item.source.file) for item in found.findings}


def test_a_workbook_of_no_stage_is_an_error_that_says_where_it_could_go(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    write(tmp_path, {"strange": [["单位", "得分"], ["甲市", 1]]})
    result = appraise_cli("validate", tmp_path / "strange.xlsx", "--scheme", SMALL)
    assert result.exit_code == 1
    assert "strange.xlsx  error [file-unrecognised]" in result.output
    assert "vote/<rater>" in result.output


def test_a_misspelt_file_name_asks_for_the_rater_that_was_meant(tmp_path: Path) -> None:
    ballots = {name: rows for name, rows in SHEETS.items() if name != "vote/甲市"}
    write(tmp_path, {**ballots, "vote/甲甲市": SHEETS["vote/甲市"]})
    item = only(appraise(load_scheme(SMALL), [tmp_path]))
    assert item.code == "file-name-unknown"
    assert "did you mean '甲市'?" in item.hint


@pytest.mark.parametrize("command", ["compute", "validate"])
def test_a_path_that_is_not_there_is_a_finding(appraise_cli: Appraise, command: str) -> None:
    result = appraise_cli(command, "nowhere.xlsx", "--scheme", SMALL)
    assert result.exit_code == 1
    assert "nowhere.xlsx  error [file-not-found]" in result.output


def test_validate_of_one_right_file_is_clean(appraise_cli: Appraise, tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    result = appraise_cli("validate", tmp_path / "vote" / "甲市.xlsx", "--scheme", SMALL)
    assert result.output == "errors: 0, warnings: 0\n"
    assert result.exit_code == 0


def test_findings_come_as_json_with_their_place(appraise_cli: Appraise, tmp_path: Path) -> None:
    write(tmp_path, {"vote/甲市": [["单位", "得分"], ["甲市", 990], ["乙市", 80]]})
    result = appraise_cli("validate", tmp_path / "vote", "--scheme", SMALL, "--json")
    found = json.loads(result.output)
    refused = next(item for item in found if item["code"] == "score-over-marks")
    assert refused["severity"] == "error"
    where = {"file": "甲市.xlsx", "sheet": "Sheet", "cell": "B2"}
    assert refused["source"] == {**where, "line": 0, "column": 0}
    assert refused["hint"]
