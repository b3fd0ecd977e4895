"""What a person decided: it counts exactly as decided, it is said everywhere, nothing is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from helpers import ROOT, STAGE_FILES, Appraise
from helpers.recalculation import differing, opened, ranking_of
from helpers.sheets import RIGHT, write_input, write_scheme

from wuhu_appraisal import load_scheme
from wuhu_appraisal import store as result
from wuhu_appraisal import store as stored
from wuhu_appraisal.appraisal import appraise, read_with_decisions, run_of
from wuhu_appraisal.findings import Finding, Source
from wuhu_appraisal.model import Absent, Applied, Decision, Rule
from wuhu_appraisal.numbers import from_float, round_half_up
from wuhu_appraisal.output import explain, workbook
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.tables import Node
from wuhu_appraisal.output.text import markdown_report
from wuhu_appraisal.result import Result
from wuhu_appraisal.year.decisions import added, entry, json_schema, parse

BALLOTS = STAGE_FILES / "双向互评" / "测评县市区"
ASIDE = "双向互评/测评县市区/市财政局.xlsx"
BY = "reason: 已向测评单位核实, by: 王五, at: 2021-02-25"
SET_ASIDE = f"decisions:\n  - {{file: {ASIDE}, decide: set_aside, {BY}, clause: 三(二)}}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The full-size input with one of the sixteen ballots on the counties set aside."""
    copied = tmp_path_factory.mktemp("year") / "stage-files"
    shutil.copytree(STAGE_FILES, copied)
    (copied / "decisions.yaml").write_text(SET_ASIDE, encoding="utf-8")
    return copied


@pytest.fixture(scope="module")
def year(folder: Path) -> Result:
    return appraise(load_scheme("wuhu-2020"), [folder])


def small(
    tmp_path: Path, decisions: str, cells: dict[str, str | float | None] | None = None
) -> Result:
    """The three cities of tests/bad_sheets with decisions; ``cells`` go into 甲市's ballot."""
    tmp_path.mkdir(exist_ok=True)
    write_scheme(RIGHT, tmp_path / "scheme.yaml")
    write_input(RIGHT, tmp_path / "in")
    book = openpyxl.load_workbook(tmp_path / "in" / "vote" / "甲市.xlsx")
    for cell, value in (cells or {}).items():
        book.worksheets[0][cell] = value
    book.save(tmp_path / "in" / "vote" / "甲市.xlsx")
    (tmp_path / "in" / "decisions.yaml").write_text(decisions, encoding="utf-8")
    return appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])


def votes(run: Result) -> list[object]:
    return [run.traces["city"].stages["vote"].value(unit) for unit in ("甲市", "乙市", "丙市")]


def listed(*entries: str) -> str:
    return "decisions:\n" + "".join(f"  - {{{one}, {BY}}}\n" for one in entries)


def codes(found: Sequence[Finding]) -> list[str]:
    return [item.code for item in found]


def fifteen_ballots() -> dict[str, Fraction]:
    """Each county's mean of the ballots but one, from the cells by openpyxl alone."""
    given: dict[str, list[Fraction]] = {}
    for path in sorted(BALLOTS.glob("*.xlsx")):
        if path.name == "市财政局.xlsx":
            continue
        for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True):
            if len(row) > 2 and isinstance(row[2], int | float) and isinstance(row[1], str):
                given.setdefault(row[1], []).append(Fraction(from_float(float(row[2]))))
    assert {len(values) for values in given.values()} == {15}
    return {name: sum(values, Fraction(0)) / 15 for name, values in given.items()}


def test_a_ballot_set_aside_leaves_the_exact_mean_of_the_other_fifteen(year: Result) -> None:
    expected = fifteen_ballots()
    names = load_scheme("wuhu-2020").scheme.unit_names()  # type: ignore[union-attr]
    trace = year.traces["county"].stages["mutual"]
    assert len(expected) == 7
    published = {item.unit: item.stages["mutual"] for item in year.standings["county"]}
    for written, mean in expected.items():
        unit = names.match(written) or ""
        assert trace.value(unit) == mean
        assert published[unit] == round_half_up(mean, 2)
    assert not year.provisional


def test_the_result_read_back_holds_the_decision_and_follows_from_its_trace(year: Result) -> None:
    read, found = stored.load(result.dump(year), load_scheme("wuhu-2020"), "appraisal.json")
    assert read is not None and found == []
    assert list(read.decisions) == list(year.decisions)
    assert dict(read.standings) == {k: list(v) for k, v in year.standings.items()}
    blocks = read.traces["county"].stages["mutual"].scores.blocks
    (aside,) = [block for block in blocks if block.file == ASIDE]
    assert {value for row in aside.values for value in row} == {Absent.SET_ASIDE}


def test_a_result_that_was_written_before_there_were_decisions_can_still_be_read(
    tmp_path: Path,
) -> None:
    run = small(tmp_path, "decisions: []\n")
    data = json.loads(result.dump(run))
    del data["decisions"]
    loaded = load_scheme(tmp_path / "scheme.yaml")
    read, found = stored.load(json.dumps(data).encode(), loaded, "appraisal.json")
    assert found == [] and read is not None and read.decisions == []


@pytest.mark.slow
def test_the_workbook_shows_the_ballot_as_set_aside_and_recalculates_to_the_same_ranking(
    year: Result, tmp_path: Path, convert: Callable[[Path, str], Path]
) -> None:
    path = tmp_path / "year.xlsx"
    path.write_bytes(workbook.render(year, final=False))
    again = convert(path, "xlsx:Calc MS Excel 2007 XML")
    found, compared = differing(path, again)
    assert found == [] and compared > 1000
    ranked = ranking_of(opened(again))
    for item in year.standings["county"]:
        assert ranked[item.unit][0] == item.rank
        assert ranked[item.unit][1][-1] == item.final
        assert item.stages["mutual"] in ranked[item.unit][1]
    book = opened(path)
    texts = [
        cell.value
        for sheet in book.worksheets
        if sheet.title != "Decisions"
        for row in sheet.iter_rows()
        for cell in row
    ]
    assert texts.count("set aside") == 7
    told = [cell.value for row in book["Decisions"].iter_rows() for cell in row]
    assert {"set aside", ASIDE, "王五", "2021-02-25", "三(二)"} <= set(told)


def test_a_workbook_without_decisions_has_no_sheet_of_them(tmp_path: Path) -> None:
    path = tmp_path / "none.xlsx"
    path.write_bytes(workbook.render(small(tmp_path, "decisions: []\n"), final=False))
    assert "Decisions" not in opened(path).sheetnames


def test_compute_prints_who_decided_what_and_why_and_writes_the_result(
    folder: Path, appraise_cli: Appraise
) -> None:
    done = appraise_cli("compute", folder)
    assert done.exit_code == 0, done.output
    line = next(line for line in done.output.splitlines() if ASIDE in line)
    assert all(word in line for word in ("set aside", "已向测评单位核实", "王五", "2021-02-25"))
    explained = appraise_cli("explain", "镜湖区", "--stage", "mutual").output
    assert "mean of 15:" in explained and "(left out: 市财政局)" in explained
    assert explained.count("已向测评单位核实 (decided by 王五, 2021-02-25)  [三(二)]") == 1


def test_the_other_reports_list_the_decisions_too(year: Result) -> None:
    assert "Decisions about the input" in [sheet.title for sheet in view.report_tables(year)]
    assert "已向测评单位核实" in markdown_report(year, final=False).decode()


def test_a_text_in_place_of_a_score_counts_as_what_was_decided(tmp_path: Path) -> None:
    one = "file: vote/甲市.xlsx, cell: b3, finding: score-not-number, decide: read_as, value: 82.5"
    run = small(tmp_path, listed(one), {"B3": "良好"})
    assert run.findings == []
    assert votes(run)[1] == (Fraction("82.5") + 95 + 84) / 3
    (applied,) = run.decisions
    assert codes(applied.covered) == ["score-not-number"]
    (entry_,) = [item for item in run.ledger if item.rules == (Rule.DECISION,)]
    assert (entry_.raw, entry_.value) == ("良好", "82.5")


def test_a_blank_cell_can_be_read_as_a_score(tmp_path: Path) -> None:
    run = small(
        tmp_path, listed("file: vote/甲市.xlsx, cell: B3, decide: read_as, value: 60"), {"B3": None}
    )
    assert run.findings == [] and votes(run)[1] == Fraction(60 + 95 + 84, 3)


def test_a_correction_counts_while_the_cell_holds_what_it_held(tmp_path: Path) -> None:
    one = "file: vote/甲市.xlsx, sheet: 评分表, cell: B3, decide: correct, was: 80, value: 81"
    run = small(tmp_path, listed(one))
    assert run.findings == [] and votes(run)[1] == Fraction(81 + 95 + 84, 3)


def test_a_correction_of_a_cell_that_changed_is_an_error_and_does_not_count(tmp_path: Path) -> None:
    one = "file: vote/甲市.xlsx, cell: B3, decide: correct, was: 80, value: 81"
    run = small(tmp_path, listed(one), {"B3": 79})
    (found,) = run.findings
    assert (found.code, str(found.source)) == ("decision-outdated", "decisions.yaml:2:5")
    assert run.provisional and run.decisions == []
    assert votes(run)[1] == Fraction(79 + 95 + 84, 3)


@pytest.mark.parametrize(
    ("value", "code"),
    [("101", "score-over-marks"), ("-1", "score-below-zero"), ("高", "score-not-number")],
)
def test_a_decided_value_must_be_a_score(tmp_path: Path, value: str, code: str) -> None:
    one = f"file: vote/甲市.xlsx, cell: B3, decide: correct, was: 80, value: {value}"
    run = small(tmp_path, listed(one))
    assert [(item.code, item.source.file, item.source.line) for item in run.findings] == [
        (code, "decisions.yaml", 2)
    ]
    assert run.provisional and votes(run)[1] == Fraction(80 + 95 + 84, 3)


def test_a_waived_warning_is_kept_beside_the_decision_and_no_longer_among_the_findings(
    tmp_path: Path,
) -> None:
    cells: dict[str, str | float | None] = {"B3": "8E1"}
    before = small(tmp_path / "before", "decisions: []\n", cells)
    run = small(tmp_path / "after", listed("finding: score-scientific, decide: waive"), cells)
    assert codes(before.findings) == ["score-scientific"] and run.findings == []
    assert list(run.decisions[0].covered) == before.findings
    assert run.decisions[0].covered[0].source == Source("vote/甲市.xlsx", "评分表", "B3")
    assert votes(run) == votes(before)


def test_an_error_cannot_be_waived_and_keeps_the_result_provisional(tmp_path: Path) -> None:
    run = small(tmp_path, listed("finding: score-not-number, decide: waive"), {"B3": "良好"})
    assert sorted(codes(run.findings)) == ["decision-not-waivable", "score-not-number"]
    assert run.provisional


def test_one_decision_leaves_the_other_errors_standing(tmp_path: Path) -> None:
    one = "file: vote/甲市.xlsx, cell: B3, decide: read_as, value: 82"
    run = small(tmp_path, listed(one), {"B3": "良好", "B4": "差"})
    assert [str(item.source) for item in run.findings] == ["vote/甲市.xlsx › 评分表 › B4"]
    assert run.provisional


def test_setting_a_file_aside_covers_what_is_wrong_in_it(tmp_path: Path) -> None:
    run = small(tmp_path, listed("file: vote/甲市.xlsx, decide: set_aside"), {"B3": "良好"})
    assert run.findings == [] and codes(run.decisions[0].covered) == ["score-not-number"]
    assert votes(run) == [Fraction("85.5") / 2 + 44, Fraction(95 + 84, 2), Fraction(72 + 75, 2)]


def test_of_two_ballots_of_one_rater_the_one_that_is_not_set_aside_counts(tmp_path: Path) -> None:
    decided = listed("file: vote/甲.xlsx, decide: set_aside")
    small(tmp_path, decided)
    shutil.copy(tmp_path / "in/vote/甲市.xlsx", tmp_path / "in/vote/甲.xlsx")
    loaded = load_scheme(tmp_path / "scheme.yaml")
    intake, taken = read_with_decisions(loaded, [tmp_path / "in"])
    assert codes(run_of(loaded, intake, ()).findings) == ["file-copy"]
    run = run_of(loaded, intake, taken)
    assert run.findings == [] and votes(run)[1] == Fraction(80 + 95 + 84, 3)


def test_scores_of_which_none_is_left_are_missing_and_say_so(tmp_path: Path) -> None:
    files = ("甲市", "乙市", "丙市")
    run = small(tmp_path, listed(*(f"file: vote/{one}.xlsx, decide: set_aside" for one in files)))
    assert codes(run.findings) == ["scores-set-aside"]
    assert votes(run) == [Absent.MISSING] * 3 and run.provisional


@pytest.mark.parametrize(
    ("one", "code"),
    [
        ("file: vote/丁市.xlsx, decide: set_aside", "decision-unmatched"),
        ("file: vote/甲市.xlsx, cell: B9, decide: read_as, value: 1", "decision-unmatched"),
        ("file: vote/甲市.xlsx, cell: B3, decide: read_as, value: 1", "decision-other-kind"),
        ("finding: ballot-flat, decide: waive", "decision-unmatched"),
        ("file: vote/甲市.xlsx, decide: accept", "decision-unmatched"),
        ("file: vote/甲市.xlsx, decide: set_aside, reson: x", "scheme-key-unknown"),
        ("file: vote/甲市.xlsx, decide: setaside", "scheme-value-unknown"),
        ("decide: set_aside", "decision-incomplete"),
    ],
)
def test_a_decision_that_is_about_nothing_or_cannot_be_understood_is_an_error(
    tmp_path: Path, one: str, code: str
) -> None:
    run = small(tmp_path, listed(one))
    assert [(item.code, item.source.line) for item in run.findings] == [(code, 2)]
    assert run.provisional and run.decisions == []


def test_a_misspelt_key_is_answered_with_the_one_that_was_meant(tmp_path: Path) -> None:
    (found,) = small(tmp_path, listed("file: vote/甲市.xlsx, decide: waive, claus: x")).findings
    assert found.params["suggestion"] == "clause"


def test_a_late_sheet_is_accepted_by_its_file(tmp_path: Path) -> None:
    from wuhu_appraisal.findings import finding
    from wuhu_appraisal.year.decisions import DecidedInput

    loaded = load_scheme("wuhu-2020")
    assert loaded.scheme is not None
    file = "双向互评/甲.xlsx"
    taken, _found = parse("decisions.yaml", listed(f"file: {file}, decide: accept").encode())
    late = finding(
        "sheet-date-outside",
        Source(file, "评分表", "A2"),
        stage="x",
        date="x",
        start="x",
        end="x",
        clause="x",
    )
    came = finding("frozen-file-came", Source(file), stage="x", at="x", by="x")
    other = finding("sheet-hidden", Source(file, "评分表"))
    decided = DecidedInput(loaded.scheme, taken, {}, [], [], [])
    decided.change_scores()
    assert decided.settle([late, came, other]) == [other]
    assert decided.applied == [Applied(taken[0].decision, taken[0].place, (late, came))]


def test_an_accepted_file_is_the_one_that_was_looked_at_and_no_other(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    small(tmp_path, "decisions: []")
    ballot, folder = tmp_path / "in" / "vote" / "甲市.xlsx", tmp_path / "in"
    scheme = ("--scheme", tmp_path / "scheme.yaml")
    appraise_cli("freeze", folder, *scheme)
    changed = openpyxl.load_workbook(ballot)
    changed.worksheets[0]["B3"] = 81
    changed.save(ballot)
    grounds = ("--reason", "笔误", "--by", "王五", "--at", "2021-02-25", "--yes")
    accept = ("--as", "accept", "--file", "vote/甲市.xlsx", *grounds)
    assert appraise_cli("decide", folder, *scheme, *accept).exit_code == 0
    assert appraise_cli("compute", folder, *scheme).exit_code == 0
    changed.worksheets[0]["B3"] = 1
    changed.save(ballot)
    refused = appraise_cli("compute", folder, *scheme)
    assert refused.exit_code == 1
    assert "decision-other-file" in refused.output
    assert "frozen-file-changed" in refused.output


def test_a_cell_that_was_read_by_decision_is_read_so_while_it_holds_what_it_held(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    small(tmp_path, "decisions: []", {"B3": "良好"})
    folder, scheme = tmp_path / "in", ("--scheme", tmp_path / "scheme.yaml")
    place = ("--as", "read_as", "--file", "vote/甲市.xlsx", "--cell", "B3", "--value", "60")
    grounds = ("--reason", "电话核实", "--by", "王五", "--at", "2021-02-25", "--yes")
    assert appraise_cli("decide", folder, *scheme, *place, *grounds).exit_code == 0
    assert "was: 良好" in (folder / "decisions.yaml").read_text(encoding="utf-8")
    assert appraise_cli("compute", folder, *scheme).exit_code == 0
    book = openpyxl.load_workbook(folder / "vote" / "甲市.xlsx")
    book.worksheets[0]["B3"] = "优秀"
    book.save(folder / "vote" / "甲市.xlsx")
    refused = appraise_cli("compute", folder, *scheme)
    assert "decision-outdated" in refused.output
    assert "holds '优秀' instead of '良好'" in refused.output


def test_without_decisions_shows_both_rankings_and_writes_nothing(
    folder: Path, year: Result, wuhu_run: Result, appraise_cli: Appraise
) -> None:
    done = appraise_cli("compute", folder, "--without-decisions")
    assert done.exit_code == 0 and not Path("results").exists()
    assert done.output.startswith("WITHOUT DECISIONS")
    before = {item.unit: item for item in wuhu_run.standings["county"]}
    for item in year.standings["county"]:
        line = next(line for line in done.output.splitlines() if f" {item.unit} " in line)
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        was = before[item.unit]
        assert cells[:5] == [
            str(item.rank),
            item.unit,
            str(item.final),
            str(was.rank),
            str(was.final),
        ]


@pytest.mark.parametrize("kind", ["read_as", "correct"])
def test_a_decided_score_does_not_reach_the_ranking_without_decisions(
    tmp_path: Path, kind: str
) -> None:
    cells: dict[str, tuple[str | float, int, str]] = {
        "correct": (80, 81, ", was: 80"),
        "read_as": ("八十", 60, ""),
    }
    held, value, was = cells[kind]
    one = f"file: vote/甲市.xlsx, cell: B3, decide: {kind}, value: {value}{was}"
    small(tmp_path, listed(one), {"B3": held})
    loaded = load_scheme(tmp_path / "scheme.yaml")
    intake, taken = read_with_decisions(loaded, [tmp_path / "in"])
    before = run_of(loaded, intake, ())
    decided = run_of(loaded, intake, taken)
    after = run_of(loaded, intake, ())
    assert (votes(after), after.ledger) == (votes(before), before.ledger)
    assert votes(decided)[1] == Fraction(value + 95 + 84, 3) != votes(after)[1]


def test_decide_adds_below_what_stands_there_and_touches_nothing_else(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    text = "# 一把手已阅\ndecisions:\n- file: vote/丙市.xlsx   # 迟交\n  decide: set_aside\n"
    text += "  reason: 迟交\n  by: 王五\n  at: 2021-02-01"
    small(tmp_path, text)
    sums = {path: path.read_bytes() for path in (tmp_path / "in").rglob("*") if path.is_file()}
    options = ["--as", "correct", "--file", "vote/甲市.xlsx", "--cell", "b3", "--was", "80"]
    options += ["--value", "81.50", "--reason", "笔误: 见 # 3", "--by", "1e3", "--at", "2021-02-02"]
    scheme = ["--scheme", tmp_path / "scheme.yaml"]
    done = appraise_cli("decide", tmp_path / "in", *options, "--yes", *scheme)
    assert done.exit_code == 0, done.output
    where = tmp_path / "in" / "decisions.yaml"
    assert where.read_text(encoding="utf-8").startswith(text + "\n")
    taken, found = parse("decisions.yaml", where.read_bytes())
    assert found == []
    assert taken[1].decision == Decision(
        file="vote/甲市.xlsx",
        cell="B3",
        decide="correct",
        was="80",
        value="81.50",
        reason="笔误: 见 # 3",
        by="1e3",
        at="2021-02-02",
    )
    del sums[where]
    assert all(path.read_bytes() == content for path, content in sums.items())
    run = appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])
    assert votes(run)[1] == (Fraction("81.5") + 95) / 2


def on_a_terminal(answers: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line with answers that somebody types."""
    ours, theirs = os.openpty()
    os.write(ours, answers.encode())
    command = [sys.executable, "-m", "wuhu_appraisal", "--lang", "en", *arguments]
    done = subprocess.run(command, capture_output=True, stdin=theirs, timeout=60, text=True)
    os.close(ours)
    os.close(theirs)
    return done


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals of its own here")
def test_decide_asks_for_what_is_not_given_and_writes_nothing_unless_it_is_confirmed(
    tmp_path: Path,
) -> None:
    small(tmp_path, "decisions: []\n", {"B3": "良好"})
    where = tmp_path / "in" / "decisions.yaml"
    where.unlink()
    arguments = ["decide", str(tmp_path / "in"), "--scheme", str(tmp_path / "scheme.yaml")]
    answers = "reed_as\nread_as\nvote/甲市.xlsx\nB3\n82\n电话核实\n王五\n2021-02-02\n\n"
    done = on_a_terminal(answers + "n\n", *arguments)
    assert done.returncode == 0 and not where.exists(), done.stderr
    assert "Nothing was written." in done.stdout
    assert "'reed_as' is not one of" in done.stderr
    done = on_a_terminal(answers + "y\n", *arguments)
    assert done.returncode == 0, done.stderr
    run = appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])
    assert run.findings == [] and run.decisions[0].decision.reason == "电话核实"
    assert run.decisions[0].decision.by == "王五"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals of its own here")
def test_decide_offers_who_and_when_and_does_not_ask_for_them_with_yes(tmp_path: Path) -> None:
    small(tmp_path, "decisions: []\n")
    arguments = ["decide", str(tmp_path / "in"), "--scheme", str(tmp_path / "scheme.yaml")]
    arguments += ["--as", "correct", "--file", "vote/甲市.xlsx", "--cell", "B3", "--value", "81"]
    done = on_a_terminal("80\n笔误\n\n\n\ny\n", *arguments)
    assert done.returncode == 0, done.stderr
    (tmp_path / "in" / "decisions.yaml").unlink()
    done = on_a_terminal("80\n笔误\n", *arguments, "--yes")
    assert done.returncode == 0, done.stderr
    run = appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])
    (applied,) = run.decisions
    assert applied.decision.by and applied.decision.at


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("--as", "Missing option '--as'"),
        ("--file", "Missing option '--file'"),
        ("--was", "Missing option '--was'"),
        ("--reason", "Missing option '--reason'"),
        ("--yes", "nobody can be asked without a terminal"),
    ],
)
def test_where_nobody_can_be_asked_decide_says_what_is_missing(
    tmp_path: Path, appraise_cli: Appraise, left_out: str, said: str
) -> None:
    small(tmp_path, "decisions: []\n")
    options = {
        "--as": "correct", "--file": "vote/甲市.xlsx", "--cell": "B3", "--was": "80",
        "--value": "81", "--reason": "笔误",
    }  # fmt: skip
    words = [word for pair in options.items() if pair[0] != left_out for word in pair]
    words += [] if left_out == "--yes" else ["--yes"]
    scheme = ("--scheme", tmp_path / "scheme.yaml")
    done = appraise_cli("decide", tmp_path / "in", *words, *scheme)
    assert done.exit_code == 2
    assert said in done.output
    assert (tmp_path / "in" / "decisions.yaml").read_text(encoding="utf-8") == "decisions: []\n"


def test_decide_refuses_a_damaged_file_and_a_decision_that_would_not_hold(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    small(tmp_path, "decisions: [\n")
    where = tmp_path / "in" / "decisions.yaml"
    common = ["--reason", "x", "--by", "y", "--yes", "--scheme", tmp_path / "scheme.yaml"]
    aside = ["--as", "set_aside", "--file", "vote/甲市.xlsx"]
    done = appraise_cli("decide", tmp_path / "in", *aside, *common)
    assert done.exit_code == 1 and "yaml-syntax" in done.output
    assert where.read_text(encoding="utf-8") == "decisions: [\n"
    where.write_text("decisions: []  # 尚无\n", encoding="utf-8")
    done = appraise_cli("decide", tmp_path / "in", *aside[:3], "vote/丁市.xlsx", *common)
    assert done.exit_code == 1 and "decision-unmatched" in done.output
    assert where.read_text(encoding="utf-8") == "decisions: []  # 尚无\n"
    done = appraise_cli("decide", tmp_path / "in", *aside, *common)
    assert done.exit_code == 0, done.output
    assert "# 尚无" in where.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["no", "7:2:1", "- a", "'q'", "1e3", "0x10", "a\nb", "{x}", "~", "\x1b[31m"]
)
def test_whatever_a_reason_holds_reads_back_the_same(text: str) -> None:
    made = Decision(file=text, decide="set_aside", reason=text, by=text, at="2021-02-01")
    content, found = added("decisions.yaml", None, made)
    assert found == [] and "\x1b" not in content.decode()
    assert [item.decision for item in parse("decisions.yaml", content)[0]] == [made]
    assert entry(made).count("\n") == 5


def test_a_decision_that_a_person_folded_into_braces_is_not_rewritten() -> None:
    content = f"decisions: [{{file: a, decide: set_aside, {BY}}}]\n".encode()
    made = Decision(file="b", decide="set_aside", reason="x", by="y", at="2021-02-01")
    left, found = added("decisions.yaml", content, made)
    assert left == content and codes(found) == ["decisions-unreadable"]


def test_an_explanation_says_the_decision_at_the_cell_it_gave_a_value(tmp_path: Path) -> None:
    one = "file: vote/甲市.xlsx, cell: B3, decide: correct, was: 80, value: 81, clause: 三(二)"
    run = small(tmp_path, listed(one))

    def said(node: Node) -> list[tuple[str, str]]:
        below = [pair for child in node.children for pair in said(child)]
        own = [(node.kind, child.clause) for child in node.children if child.kind == "decision"]
        return own + below

    assert said(explain.explain(run, "乙市", explain.ALL_THE_WAY)) == [("cell", "三(二)")]
    assert said(explain.explain(run, "乙市", 1)) == [("stage", "三(二)")]
    assert said(explain.explain(run, "甲市", explain.ALL_THE_WAY)) == []


def test_a_reason_is_said_in_either_language_and_is_never_obeyed_by_a_terminal(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    decided = listed("file: vote/甲市.xlsx, decide: set_aside").replace(
        "已向测评单位核实", '"=1+1 \\u001b[31m[red]"'
    )
    small(tmp_path, decided)
    for language in ("zh", "en"):
        scheme = ["--scheme", tmp_path / "scheme.yaml"]
        done = appraise_cli("compute", tmp_path / "in", *scheme, "--lang", language)
        assert done.exit_code == 0, done.output
        assert "\x1b" not in done.output and "=1+1" in done.output


def test_the_committed_schema_is_that_of_the_models() -> None:
    path = ROOT / "config" / "decisions.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(json_schema()))


def test_numbers_in_decisions_stay_as_they_are_written() -> None:
    text = listed("file: a.xlsx, sheet: 2020, cell: B3, decide: correct, was: 80.50, value: 81")
    taken, found = parse("decisions.yaml", text.encode())
    assert found == []
    made = taken[0].decision
    assert (made.sheet, made.was, made.value) == ("2020", "80.50", "81")
    assert Decimal(made.was or "") == Decimal("80.5")
