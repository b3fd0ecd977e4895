"""How raters compare: figures against published tables and an oracle, and the command."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import correlation, fmean, linear_regression, stdev
from typing import Any

import pytest
import yaml
from helpers import TESTS, Appraise
from helpers.small import SMALL, Rows, run, write
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from wuhu_appraisal import Result
from wuhu_appraisal.analysis.raters import (
    COEFFICIENTS,
    Ballots,
    Figure,
    Lack,
    ballots,
    panel_figures,
    rater_figures,
)
from wuhu_appraisal.model import Key
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.scheme.audiences import Audience

F = Fraction
SHROUT_FLEISS = ["9258", "6132", "8468", "7126", [10, 5, 6, 9], "6247"]
"""Shrout and Fleiss 1979, table 2: six targets, four judges."""

KRIPPENDORFF = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
"""Krippendorff 2011, section C: four observers, twelve units."""


def panel(rows: Any, by: str = "mean") -> Ballots:
    """A panel with a row for each unit; a full stop is a missing score."""
    names = [f"r{place}" for place in range(max(map(len, rows)))]
    scores: dict[Key, dict[str, Fraction]] = {
        (f"u{at}",): {
            name: F(str(score)) for name, score in zip(names, row, strict=True) if score != "."
        }
        for at, row in enumerate(rows)
    }
    kept = {key: row for key, row in scores.items() if row}
    return Ballots("vote", "city", "rater", by, ("unit",), names, kept)


def number(figure: Figure) -> Fraction:
    assert not isinstance(figure, Lack), figure
    return Fraction(figure)


def test_the_icc_of_shrout_and_fleiss_come_out_exactly() -> None:
    figures = panel_figures(panel(SHROUT_FLEISS))
    assert [figures[name] for name in COEFFICIENTS[:4]] == [
        F(184, 635),
        F(736, 1187),
        F(920, 1287),
        F(3680, 4047),
    ]


def _others() -> list[dict[str, Any]]:
    path = TESTS / "written_by_others" / "raters.json"
    panels: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["panels"]
    return panels


@pytest.mark.parametrize("drawn", _others(), ids=lambda drawn: str(len(drawn["scores"])))
def test_the_figures_of_a_panel_are_those_that_other_libraries_compute(
    drawn: dict[str, Any],
) -> None:
    rows = [["." if score is None else score for score in row] for row in drawn["scores"]]
    figures = panel_figures(panel(rows))
    assert {"alpha"} <= set(drawn["figures"]) <= set(COEFFICIENTS)
    for name, value in drawn["figures"].items():
        assert float(number(figures[name])) == pytest.approx(value, abs=1e-9), name


def test_the_alpha_of_krippendorff_is_0_849_with_missing_scores_and_nothing_else_is_defined() -> (
    None
):
    figures = panel_figures(panel(list(zip(*KRIPPENDORFF, strict=True))))
    assert figures["alpha"] == F(951, 1120)
    assert round(float(F(951, 1120)), 3) == 0.849
    assert {figures[name] for name in COEFFICIENTS[:5]} == {Lack.INCOMPLETE}


def test_w_of_the_six_applicants_of_siegel_is_0_16_and_ties_are_corrected_for() -> None:
    # Siegel 1956, chapter 9: three executives rank six applicants, the rank sums are 8 to 14.
    judges = [(1, 6, 3, 2, 5, 4), (1, 5, 6, 4, 2, 3), (6, 3, 2, 5, 4, 1)]
    w = panel_figures(panel(list(zip(*judges, strict=True))))["kendall_w"]
    assert w == 12 * F(51, 2) / (3**2 * (6**3 - 6))
    assert round(float(number(w)), 2) == 0.16
    # By hand: ranks 1, 5/2, 5/2 and 1, 2, 3 have the sums 2, 9/2, 11/2.
    tied = panel_figures(panel([(70, 70), (80, 80), (80, 90)]))["kendall_w"]
    assert tied == 12 * F(13, 2) / (2**2 * (3**3 - 3) - 2 * (2**3 - 2))


scores = st.integers(0, 400).map(lambda quarter: Fraction(quarter, 4))
tables = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(scores, min_size=k, max_size=k), min_size=2, max_size=8)
)
holes = st.integers(2, 5).flatmap(
    lambda k: st.lists(
        st.lists(st.one_of(scores, st.just(".")), min_size=k, max_size=k), min_size=1, max_size=8
    )
)


def moved(rows: list[list[Any]], by: Fraction, place: int = 0) -> list[list[Any]]:
    return [[x + by if at == place and x != "." else x for at, x in enumerate(row)] for row in rows]


@given(tables, scores)
def test_a_rater_who_gives_more_has_as_much_more_distance_and_the_consistency_stays(
    rows: list[list[Any]], more: Fraction
) -> None:
    before, after = panel(rows), panel(moved(rows, more))
    one, two = rater_figures(before)["r0"], rater_figures(after)["r0"]
    assert number(two["severity"]) == number(one["severity"]) + more
    assert [two[name] for name in ("error", "spread", "agreement")] == [
        one[name] for name in ("error", "spread", "agreement")
    ]
    for name in ("icc_c1", "icc_ck", "kendall_w"):
        assert panel_figures(after)[name] == panel_figures(before)[name]


@given(tables, scores)
def test_where_all_give_more_or_all_twice_as_much_they_agree_as_before(
    rows: list[list[Any]], more: Fraction
) -> None:
    twice = [[2 * x + more for x in row] for row in rows]
    assert panel_figures(panel(twice)) == panel_figures(panel(rows))


@given(holes)
def test_no_scores_lead_to_an_error_and_every_figure_is_a_number_or_says_why_not(
    rows: list[list[Any]],
) -> None:
    board = panel(rows)
    figures = [panel_figures(board), *rater_figures(board).values()]
    for figure in (item for of in figures for item in of.values()):
        assert isinstance(figure, int | Fraction | Lack) or figure.is_finite()


@given(tables)
def test_the_figures_are_those_of_the_standard_library_in_floats(rows: list[list[Any]]) -> None:
    n, k = len(rows), len(rows[0])
    for place, figures in enumerate(rater_figures(panel(rows)).values()):
        mine = [float(row[place]) for row in rows]
        others = [float(sum(row) - row[place]) / (k - 1) for row in rows]
        distances = [a - b for a, b in zip(mine, others, strict=True)]
        assert float(number(figures["severity"])) == pytest.approx(fmean(distances), abs=1e-9)
        error = stdev(distances) / n**0.5
        assert float(number(figures["error"])) == pytest.approx(error, abs=1e-6)
        if len(set(others)) > 1:
            slope = linear_regression(others, mine).slope
            assert float(number(figures["spread"])) == pytest.approx(slope, abs=1e-6)
        if not isinstance(figures["agreement"], Lack):
            r = correlation(others, mine)
            assert float(number(figures["agreement"])) == pytest.approx(r, abs=1e-6)


@given(tables)
def test_alpha_is_one_less_the_mean_square_within_units_over_that_of_all(
    rows: list[list[Any]],
) -> None:
    """The textbook form with pairs of scores, where none is missing."""
    alpha = panel_figures(panel(rows))["alpha"]
    values = [x for row in rows for x in row]

    def mean_square(pool: list[Any]) -> Fraction:
        pairs = [(a - b) ** 2 for i, a in enumerate(pool) for j, b in enumerate(pool) if i != j]
        return sum(pairs, F(0)) / len(pairs)

    if mean_square(values):
        within = sum(map(mean_square, rows), F(0)) / len(rows)
        assert alpha == 1 - within / mean_square(values)
    else:
        assert alpha is Lack.SAME


def test_flat_and_single_ballots_are_not_defined_and_say_why() -> None:
    flat = rater_figures(panel([(80, 70, 71), (80, 75, 77), (80, 90, 95)]))["r0"]
    assert flat["agreement"] is Lack.BALLOT
    assert flat["spread"] == 0
    others = rater_figures(panel([(80, 70), (80, 75)]))["r1"]
    assert (others["spread"], others["agreement"]) == (Lack.OTHERS, Lack.OTHERS)
    alone = panel([(80,), (90,)])
    assert rater_figures(alone)["r0"]["severity"] is Lack.RATERS
    assert set(panel_figures(alone).values()) == {Lack.RATERS}
    one_unit = panel([(80, 90)])
    assert set(panel_figures(one_unit).values()) == {Lack.UNITS}
    assert rater_figures(one_unit)["r0"]["severity"] == -10
    assert rater_figures(one_unit)["r0"]["error"] is Lack.UNITS
    same = panel_figures(panel([(80, 80), (80, 80)]))
    assert set(same.values()) == {Lack.SAME}


def test_severity_moves_no_unit_only_where_all_scored_all_and_all_scores_count_in_fixed_shares() -> (
    None
):
    rows = [(80, 70), (90, 85)]
    assert panel(rows).severity_moves_none
    assert panel(rows, "weighted").severity_moves_none
    assert not panel(rows, "median").severity_moves_none
    assert not panel(rows, "trimmed_mean").severity_moves_none
    assert not panel([(80, "."), (90, 85)]).severity_moves_none
    keys: list[Key] = [("u0", "upper"), ("u0", "lower"), ("u1", "upper"), ("u1", "lower")]
    both = {key: {"r0": F(80), "r1": F(70)} for key in keys}
    assert replace(panel(rows), names=("unit", "tier"), rows=both).severity_moves_none
    one_less = {key: both[key] for key in keys[:3]}
    assert not replace(panel(rows), names=("unit", "tier"), rows=one_less).severity_moves_none


def test_the_frames_have_the_raters_of_the_example_and_agree_with_the_scores(
    wuhu_run: Result,
) -> None:
    frame = wuhu_run.raters()
    assert list(frame.columns) == [
        *("stage", "group", "dimension", "rater", "count", "mean"),
        *("severity", "error", "spread", "agreement"),
    ]
    assert len(frame) == 16 + 7
    scores = wuhu_run.scores()
    own = scores[(scores["stage"] == "mutual") & (scores["group"] == "county")]
    for _place, row in frame[frame["group"] == "county"].iterrows():
        given = own[own["rater"] == row["rater"]]["score"]
        assert row["mean"] == sum(map(Fraction, given), F(0)) / row["count"]
    assert list(wuhu_run.panels().columns) == ["stage", "group", "dimension", *COEFFICIENTS]
    assert len(wuhu_run.panels()) == 2
    assert {type(value) for value in wuhu_run.panels()["alpha"]} == {Fraction}


def test_to_correct_severity_in_the_example_changes_no_distance(wuhu_run: Result) -> None:
    for board in ballots(wuhu_run):
        assert board.severity_moves_none
        severity = {
            name: number(figures["severity"]) for name, figures in rater_figures(board).items()
        }
        shifts = set()
        for row in board.rows.values():
            corrected = [score - severity[name] for name, score in row.items()]
            shifts.add((sum(corrected, F(0)) - sum(row.values(), F(0))) / len(row))
        assert len(shifts) == 1


@pytest.mark.parametrize("audience", [Audience.LEADING_GROUP, Audience.PUBLIC, Audience.UNIT])
def test_a_copy_without_raters_has_no_figures_of_them(wuhu_run: Result, audience: Audience) -> None:
    for function in (Result.raters, Result.panels):
        with pytest.raises(ValueError, match="does not show"):
            function(redacted(wuhu_run, audience))


@pytest.mark.usefixtures("results")
def test_the_command_prints_the_tables_and_names_no_pair(appraise_cli: Appraise) -> None:
    done = appraise_cli("raters")
    assert done.exit_code == 0, done.output
    for text in ("0.709", "市民政局", "-3.869", "over 112 pairs", "no corrected scores"):
        assert text in done.output
    assert "a single favour cannot be seen" in done.output
    assert "Pairs to check" not in done.output
    assert "Pairs to check" in appraise_cli("raters", "--name-pairs").output


@pytest.mark.usefixtures("results")
def test_the_result_may_be_named_as_an_argument_or_with_an_option(appraise_cli: Appraise) -> None:
    assert (
        appraise_cli("raters", "results/appraisal.json").output
        == appraise_cli("raters", "--result", "results/appraisal.json").output
        == appraise_cli("raters").output
    )
    assert "result-not-found" in appraise_cli("raters", "nowhere.json").stderr


@pytest.mark.usefixtures("results")
def test_the_json_has_exact_numbers_and_its_documented_keys(appraise_cli: Appraise) -> None:
    data = json.loads(appraise_cli("raters", "--json").stdout)
    assert list(data) == ["provisional", "banner", "panels", "mutual"]
    county = data["panels"][0]
    assert list(county) == [
        *("stage", "group", "dimension", "severity_moves_no_unit", "raters", "missed"),
        *("panel", "notes"),
    ]
    assert list(county["raters"][0]) == [
        *("rater", "count", "mean", "severity", "error", "spread", "agreement", "undefined"),
    ]
    assert list(county["panel"]) == [*COEFFICIENTS, "undefined"]
    assert county["panel"]["kendall_w"] == "10873/14304"
    (mutual,) = data["mutual"]
    assert list(mutual) == [
        *("between", "pairs", "correlation", "p", "detectable", "permutations", "seed", "notes"),
    ]
    assert mutual["pairs"] == 112
    named = json.loads(appraise_cli("raters", "--json", "--name-pairs").stdout)["mutual"][0]
    assert list(named["high_pairs"][0]) == ["first", "second", "gave", "was_given"]
    assert len(named["high_pairs"]) == 10


@pytest.mark.usefixtures("results")
def test_another_seed_draws_other_permutations_and_the_same_one_the_same(
    appraise_cli: Appraise,
) -> None:
    def p(*words: str) -> str:
        data = json.loads(appraise_cli("raters", "--json", *words).stdout)
        return str(data["mutual"][0]["p"])

    assert p() == p("--seed", "20200929")
    assert p("--seed", "1") == p("--seed", "1") != p("--seed", "2")


def test_the_workbook_has_the_tables_and_an_earlier_one_is_kept(
    appraise_cli: Appraise, results: Path, tmp_path: Path
) -> None:
    out = tmp_path / "raters.xlsx"
    assert appraise_cli("raters", "--out", out, "--name-pairs").exit_code == 0
    sheets = load_workbook(out).worksheets
    assert len(sheets) == 6
    values = [row for row in sheets[0].iter_rows(values_only=True) if row[0] == "市民政局"]
    assert values[0][1:4] == (7, 85.414, -3.869)
    again = appraise_cli("raters", "--out", out)
    assert "kept" in again.output
    decisions = results / "decisions.yaml"
    decisions.write_text("", encoding="utf-8")
    over = appraise_cli("raters", "--out", decisions)
    assert (over.exit_code, decisions.read_text(encoding="utf-8")) == (1, "")


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("audience", ["leading-group", "public", "unit"])
def test_who_may_not_see_the_raters_gets_a_finding_and_no_name(
    appraise_cli: Appraise, audience: str
) -> None:
    done = appraise_cli("raters", "--audience", audience, "--json")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "[raters-withheld]" in done.stderr
    assert "市民政局" not in done.stderr


def small(folder: Path, ballots: Mapping[str, Rows], **changes: Any) -> Path:
    """A scheme in which three cities rate each other, and never themselves, and its ballots."""
    scheme = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    names = [f"{sign}市" for sign in "甲乙丙丁"]
    scheme["groups"][0]["units"] = [{"name": name} for name in names]
    scheme["raters"] = [{"id": "panel", "title": "Panel", "clause": "2", "group": "city"}]
    stage = scheme["stages"][1]
    stage["weight"] = 100
    step = {"roll_up": "rater", "by": "mean", "missing": "exclude", "not_applicable": "exclude"}
    stage["plans"]["city"]["steps"] = [step | changes.pop("step", {})]
    stage["plans"]["city"]["forms"][0]["not_applicable"] = "anywhere"
    scheme["stages"] = [stage]
    scheme["confidentiality"] = changes
    del scheme["indicators"]
    path = folder / "scheme.yaml"
    path.write_text(yaml.safe_dump(scheme, allow_unicode=True), encoding="utf-8")
    write(folder / "in", {f"vote/{name}": rows for name, rows in ballots.items()})
    return path


HEAD: Rows = [["单位", "得分"]]
ROUND = {
    "甲市": [*HEAD, ["甲市", "/"], ["乙市", 80], ["丙市", 70], ["丁市", 90]],
    "乙市": [*HEAD, ["甲市", 85], ["乙市", "/"], ["丙市", 75], ["丁市", 92]],
    "丙市": [*HEAD, ["甲市", 60], ["乙市", 60], ["丙市", "/"], ["丁市", 60]],
    "丁市": [*HEAD, ["甲市", 80], ["乙市", 82], ["丙市", 77], ["丁市", "/"]],
}


def test_where_raters_leave_out_units_the_output_says_whom_and_that_severity_may_matter(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    scheme = small(tmp_path, ROUND)
    computed = appraise_cli("compute", "in", "--scheme", scheme)
    assert computed.exit_code == 0, computed.output
    done = appraise_cli("raters", "--scheme", scheme)
    assert done.exit_code == 0, done.output
    assert "Not every rater scored every unit" in done.output
    assert "No score of 甲市 for: 甲市" in done.output
    assert "Agreement of 丙市 not defined: all scores of this rater are the same" in done.output
    assert "not defined: not every rater scored every unit" in done.output
    assert "over 6 pairs" in done.output
    data = json.loads(appraise_cli("raters", "--scheme", scheme, "--json").stdout)
    (board,) = data["panels"]
    assert board["missed"] == [{"rater": name, "unit": name} for name in ROUND]
    assert board["raters"][2]["agreement"] is None
    assert list(board["raters"][2]["undefined"]) == ["agreement"]
    assert Decimal(board["panel"]["alpha"].partition("/")[0]).is_finite()


def test_an_audience_that_sees_raters_sees_no_mutual_scores(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    shown = {"leading-group": ["raters", "findings", "scores"]}
    scheme = small(tmp_path, ROUND, audiences=shown)
    computed = appraise_cli("compute", "in", "--scheme", scheme)
    assert computed.exit_code == 0, computed.output
    words = ("raters", "--scheme", scheme, "--audience", "leading-group", "--name-pairs")
    done = appraise_cli(*words)
    assert done.exit_code == 0, done.output
    assert "for the office alone" in done.output
    assert "pairs" not in done.output
    assert json.loads(appraise_cli(*words, "--json").stdout)["mutual"] is None


def test_a_median_keeps_severity_in_play_even_where_all_scored_all(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    full = {name: [*HEAD, *([f"{sign}市", 80] for sign in "甲乙丙丁")] for name in ROUND}
    scheme = small(tmp_path, full, step={"by": "median"})
    computed = appraise_cli("compute", "in", "--scheme", scheme)
    assert computed.exit_code == 0, computed.output
    done = appraise_cli("raters", "--scheme", scheme)
    assert "not every score counts in the same share" in done.output
    assert "the scores do not differ between the units" in done.output


def test_a_scheme_without_raters_says_so(
    appraise_cli: Appraise, sichuan_run: Result, tmp_path: Path
) -> None:
    from wuhu_appraisal import store

    (tmp_path / "result.json").write_bytes(store.dump(sichuan_run))
    done = appraise_cli("raters", "result.json", "--scheme", "sichuan-2011")
    assert done.exit_code == 0, done.output
    assert done.output.strip() == "No stage of this scheme has raters."


def test_a_provisional_result_says_so_and_a_panel_without_scores_names_its_raters(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    scheme = small(tmp_path, {})
    text = SMALL.read_text(encoding="utf-8")
    (tmp_path / "work.yaml").write_text(text, encoding="utf-8")
    write(tmp_path / "in", {"vote/甲市": [*HEAD, ["甲市", "/"]]})
    computed = appraise_cli("compute", "in", "--scheme", scheme, "--provisional")
    assert computed.exit_code == 0, computed.output
    done = appraise_cli("raters", "--scheme", scheme, "--out", "raters.xlsx")
    assert done.exit_code == 0, done.output
    assert "PROVISIONAL" in done.output
    assert "No scores came from: 甲市, 乙市, 丙市, 丁市" in done.output
    assert "fewer than two raters gave scores" in done.output
    assert "Every rater" not in done.output
    assert json.loads(appraise_cli("raters", "--scheme", scheme, "--json").stdout)["mutual"] == []


def test_a_unit_that_nobody_scored_is_missed_by_every_rater(tmp_path: Path) -> None:
    changes: dict[str, Rows] = {
        f"vote/{rater}": [["单位", "得分"], ["甲市", 90], ["乙市", None]]
        for rater in ("甲市", "乙市")
    }
    result = run(tmp_path, changes)
    (scores,) = [item for item in ballots(result) if item.stage == "vote"]
    assert {rater: [key[0] for key in keys] for rater, keys in scores.missed.items()} == {
        "甲市": ["乙市"],
        "乙市": ["乙市"],
    }
    assert not scores.severity_moves_none
    assert isinstance(panel_figures(scores)["icc_a1"], Lack)
