"""Input made to lose, hide or exhaust something ends in a finding."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from conftest import Appraise
from test_intake import SHEETS, SMALL, Rows, Sheets, run, write

from wuhu_appraisal import appraise, load_scheme

ADJUSTMENT = """
adjustments:
  - id: fault
    title: Fault
    clause: "5"
    kind: deduction
    groups: [city]
    form: {file: faults}
    points: {stated: true, max: 50}
"""
FAULTS: Rows = [["单位", "扣分", "原因", "依据"], ["甲市", 2, "a", "b"]]


@pytest.fixture
def with_faults(tmp_path: Path) -> Path:
    path = tmp_path / "scheme" / "scheme.yaml"
    path.parent.mkdir()
    path.write_text(SMALL.read_text(encoding="utf-8") + ADJUSTMENT, encoding="utf-8")
    return path


def codes(folder: Path, scheme: Path = SMALL) -> dict[str, str]:
    found = appraise(load_scheme(scheme), [folder]).findings
    return {item.code: str(item.source) for item in found}


def test_a_linked_folder_is_said_and_not_left_out_in_silence(tmp_path: Path) -> None:
    write(tmp_path / "in", SHEETS)
    (tmp_path / "in" / "vote").rename(tmp_path / "elsewhere")
    (tmp_path / "in" / "vote").symlink_to(tmp_path / "elsewhere")
    assert codes(tmp_path / "in")["folder-link"] == "vote"


def test_a_linked_workbook_is_read_under_its_own_name(tmp_path: Path) -> None:
    write(tmp_path / "in", SHEETS)
    path = tmp_path / "in" / "vote" / "甲市.xlsx"
    path.rename(tmp_path / "blob")
    path.symlink_to(tmp_path / "blob")
    assert codes(tmp_path / "in") == {}


def test_a_pipe_and_a_socket_are_findings_and_do_not_hang(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    os.mkfifo(tmp_path / "vote" / "丙.xlsx")
    assert codes(tmp_path)["file-not-regular"] == "vote/丙.xlsx"
    (tmp_path / "vote" / "丙.xlsx").unlink()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s.xlsx"))
        assert codes(tmp_path)["file-not-regular"] == "s.xlsx"


def test_a_name_that_is_not_unicode_or_has_a_line_break_is_shown_on_one_line(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    write(tmp_path / "in", SHEETS)
    for name in (b"\xff.txt", b"a\nb.txt"):
        Path(os.fsdecode(bytes(tmp_path / "in") + b"/" + name)).write_bytes(b"x")
    result = appraise_cli("compute", tmp_path / "in", "--scheme", SMALL)
    assert result.exit_code == 0, result.output
    assert "\ufffd.txt  warning" in result.output
    assert "a\ufffdb.txt  warning" in result.output


def test_the_same_folder_twice_counts_once(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    found = appraise(load_scheme(SMALL), [tmp_path, tmp_path])
    assert {item.code for item in found.findings} == {"file-twice"}
    assert str(found.standings["city"][0].final) == "94.46"


@pytest.mark.parametrize("reason", ["注销信息未公开", "日期造假", "备注不全", "填报单位未按时填报"])
def test_a_record_whose_reason_begins_like_a_foot_still_counts(
    tmp_path: Path, with_faults: Path, reason: str
) -> None:
    rows: Rows = [
        ["原因", "单位", "扣分", "依据"],
        [reason, "甲市", 10, "b"],
        ["备注:无", "", "", ""],
    ]
    write(tmp_path / "in", {**SHEETS, "faults": rows})
    found = appraise(load_scheme(with_faults), [tmp_path / "in"])
    assert found.findings == []
    assert [str(item.final) for item in found.standings["city"]] == ["94.46", "74.36"]


def test_two_columns_that_could_hold_the_points_are_an_error(
    tmp_path: Path, with_faults: Path
) -> None:
    rows: Rows = [["单位", "分值", "扣分", "原因", "依据"], ["甲市", 50, 2, "a", "b"]]
    write(tmp_path / "in", {**SHEETS, "faults": rows})
    assert codes(tmp_path / "in", with_faults)["column-ambiguous"].endswith("C1")


def test_the_same_record_twice_does_not_count_in_a_provisional_result(
    tmp_path: Path, with_faults: Path
) -> None:
    write(tmp_path / "in", {**SHEETS, "faults": [*FAULTS, FAULTS[1]]})
    found = appraise(load_scheme(with_faults), [tmp_path / "in"])
    assert [item.code for item in found.findings] == ["adjustment-twice"]
    assert str(found.standings["city"][1].final) == "84.36"


def test_a_score_column_headed_by_a_number_is_read_or_said(tmp_path: Path) -> None:
    rows: Rows = [["单位", "得分", 3], ["甲市", 90, 10], ["乙市", 80, 20]]
    found = run(tmp_path, {"vote/甲市": rows})
    assert [(item.code, item.source.cell) for item in found.findings] == [("column-unknown", "C1")]


def test_a_sheet_that_lacks_a_unit_fails_on_its_own(appraise_cli: Appraise, tmp_path: Path) -> None:
    write(tmp_path, {"vote/甲市": [["单位", "得分"], ["甲市", 90]]})
    result = appraise_cli("validate", tmp_path / "vote" / "甲市.xlsx", "--scheme", SMALL)
    assert result.exit_code == 1
    assert "甲市.xlsx › Sheet  error [stage-missing-unit] Vote: nothing was found for 乙市" in (
        result.output
    )


def test_a_scheme_of_aliases_that_unfold_without_end_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        inner = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} [{inner}]")
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert [item.code for item in load_scheme(path).findings] == ["yaml-too-large"]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 5_000, "a: " + "{b: " * 3_000])
def test_a_scheme_that_nests_without_end_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(text, encoding="utf-8")
    program = (
        "import sys; from wuhu_appraisal import load_scheme;"
        "sys.exit(len(load_scheme(sys.argv[1]).findings))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert done.returncode == 1


@pytest.mark.parametrize(
    "number", ["1e9999999", "1e999999999", "9" * 5000, "1e99999999999999999999", "!!int abc"]
)
def test_a_number_that_no_scheme_needs_is_refused_at_its_line(tmp_path: Path, number: str) -> None:
    path = tmp_path / "scheme.yaml"
    text = SMALL.read_text(encoding="utf-8").replace("weight: 60", f"weight: {number}")
    path.write_text(text, encoding="utf-8")
    found = load_scheme(path).findings
    assert {item.code for item in found} <= {"yaml-number", "scheme-value-wrong"}
    assert {item.source.line for item in found} == {30}


def test_group_titles_that_are_no_sheet_names_become_such(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    path = tmp_path / "scheme.yaml"
    text = SMALL.read_text(encoding="utf-8").replace("title: Cities", "title: 'Findings'")
    path.write_text(text, encoding="utf-8")
    write(tmp_path / "in", SHEETS)
    appraise_cli("compute", tmp_path / "in", "--scheme", path)
    result = appraise_cli("report", "--scheme", path)
    assert result.exit_code == 0, result.output
    names = openpyxl.load_workbook(tmp_path / "results" / "small.xlsx").sheetnames
    assert names[0] == "Findings"
    assert "Findings (2)" in names


def test_a_report_is_not_written_over_a_folder_or_a_device(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    write(tmp_path / "in", SHEETS)
    appraise_cli("compute", tmp_path / "in", "--scheme", SMALL)
    for place in (tmp_path, Path("/dev/null"), ""):
        result = appraise_cli("report", "--scheme", SMALL, "--out", place)
        assert result.exit_code == 1
        assert "[write-failed]" in result.output
    assert not Path("/dev/null").is_file()


def test_a_result_can_be_kept_where_hard_links_are_refused(
    appraise_cli: Appraise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise PermissionError("no links here")

    write(tmp_path / "in", SHEETS)
    monkeypatch.setattr(os, "link", refused)
    for moment in ("1600000000", "1600000001"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", moment)
        result = appraise_cli("compute", tmp_path / "in", "--scheme", SMALL)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "results" / "appraisal.1.json").is_file()


def test_a_score_given_again_in_a_sheet_turned_round_does_not_count_twice(tmp_path: Path) -> None:
    turned: Rows = [["指标", "甲市", "乙市"], ["A", 1, 2], ["B one", 1, 2], ["B two", 1, 2]]
    found = run(tmp_path, {"again/work/upper": turned})
    twice = [item for item in found.findings if item.code == "score-twice"]
    assert {item.source.file for item in twice} <= {"work/upper.xlsx", "again/work/upper.xlsx"}
    assert twice
    # Neither counts: what is left of the stage is the lower tier, 87 and 97.
    works = {item.unit: str(item.stages["work"]) for item in found.standings["city"]}
    assert works == {"甲市": "87.00", "乙市": "97.00"}


def test_three_sheets_of_which_only_two_share_a_column_are_told_apart(tmp_path: Path) -> None:
    parts: Sheets = {
        "a/work/upper": [["单位", "A"], ["甲市", 50], ["乙市", 60]],
        "b/work/upper": [["单位", "B one"], ["甲市", 20], ["乙市", 25]],
        "c/work/upper": [["单位", "B one", "B two"], ["甲市", 1, 10], ["乙市", 1, 15]],
    }
    sheets = {name: rows for name, rows in SHEETS.items() if name != "work/upper"}
    write(tmp_path, {**sheets, **parts})
    found = appraise(load_scheme(SMALL), [tmp_path])
    assert {(item.code, item.source.file) for item in found.findings} == {
        ("score-twice", "c/work/upper.xlsx")
    }
