"""The checks across cells that a scheme asks for: each reports by its clause, none changes a score."""

import datetime
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from helpers.small import (
    NO_REASON,
    SHEETS,
    Rows,
    found_at,
    judged,
    of_items,
    of_one_unit,
    only,
    place,
    put,
    texts,
    write,
)
from helpers.years import drawn
from hypothesis import event, given
from hypothesis import strategies as st
from openpyxl.comments import Comment

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.model import Absent, Axis, Block, Score, ScoreTable
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.score.checks import check_scores

CITIES = ("甲市", "乙市", "丙市", "丁市", "戊市", "己市")
SCHEME = f"""
id: watched
title: Watched
document: {{title: Watched}}
groups:
  - {{id: city, title: Cities, clause: "1", units: [{", ".join(f"{{name: {c}}}" for c in CITIES)}]}}
raters:
  - {{id: panel, title: Panel, clause: "2", group: city}}
stages:
  - id: vote
    title: Vote
    clause: "3"
    weight: 100
    assessors: []
    window: {{from: 2020-01-01, to: 2020-12-31}}
    plans:
      city:
        dimensions:
          rater: {{raters: panel}}
        full_marks: 100
        forms:
          - {{id: ballot, title: Ballot, file: "vote/{{rater}}", axes: [unit]}}
        steps:
          - {{roll_up: rater, by: mean, missing: exclude, not_applicable: error}}
        checks: [CHECKS]
composite: {{missing: exclude, not_applicable: error, digits: 4}}
final: {{digits: 4, rounding: half_up}}
ranking: {{}}
"""
SPREAD = "spread: rater, at_least_percent: 10, of: full_marks"
FLAT, IDENTICAL, OUTLIER = "flat: rater", "identical: rater", "outlier: rater"
Ballot: TypeAlias = Sequence[float | str | None]
Ballots: TypeAlias = Mapping[str, Ballot]
APART: Ballots = {
    "甲市": (90, 80, 70, 60, 95, 85),
    "乙市": (91, 79, 71, 61, 94, 86),
    "丙市": (89, 81, 69, 62, 96, 84),
}


def loaded(folder: Path, *checks: str, severity: str = "warning") -> LoadedScheme:
    said = ", ".join(
        f'{{{check}, severity: {severity}, clause: "7({check[0]})"}}' for check in checks
    )
    path = folder / "scheme.yaml"
    path.write_text(SCHEME.replace("CHECKS", said), encoding="utf-8")
    found = load_scheme(path)
    assert found.scheme is not None, [item.message for item in found.findings]
    return found


def voted(folder: Path, ballots: Ballots, *checks: str, severity: str = "warning") -> Result:
    """The ballots as workbooks, one for each rater."""
    sheets = {
        f"vote/{rater}": [["单位", "得分"], *zip(CITIES, ballot, strict=True)]
        for rater, ballot in ballots.items()
    }
    write(folder / "in", sheets)
    return appraise(loaded(folder, *checks, severity=severity), [folder / "in"])


def changed(**ballots: Ballot) -> Ballots:
    return {**APART, **ballots}


# --- spread, flat, identical ----------------------------------------------------------------------


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_what_a_check_finds_has_its_severity_its_clause_and_its_sheet(
    tmp_path: Path, severity: str
) -> None:
    item = only(voted(tmp_path, changed(乙市=(80,) * 6), FLAT, severity=severity))
    assert (item.code, place(item), str(item.severity)) == (
        "ballot-flat",
        "vote/乙市.xlsx",
        severity,
    )
    assert "Vote: 乙市 gave every unit 80 (7(f))" in item.message


@pytest.mark.parametrize(
    ("ballot", "small"),
    [
        ((90, 81, 85, 85, 85, 85), True),
        ((90, 80.01, 85, 85, 85, 85), True),
        ((90, 80, 85, 85, 85, 85), False),
        ((90.1, 80.1, 85, 85, 85, 85), False),
        ((95, None, None, None, None, None), False),
        ((95, 94, None, None, None, None), True),
        ((9, 0, 1, 2, 3, 4), True),
    ],
)
def test_a_spread_is_asked_for_in_percent_of_the_full_marks(
    tmp_path: Path, ballot: Ballot, small: bool
) -> None:
    run = voted(tmp_path, changed(乙市=ballot), SPREAD)
    assert found_at(run, "spread-too-small") == (["vote/乙市.xlsx"] if small else [])
    assert len(run.findings) == small


@pytest.mark.parametrize(
    ("ballot", "small"),
    [
        ((50, 45.5, 46, 46, 46, 46), True),
        ((50, 45, 46, 46, 46, 46), False),
        ((90, 81, 85, 85, 85, 85), False),
        ((0, 0, 0, 0, 0, 0), False),
    ],
)
def test_a_spread_is_asked_for_in_percent_of_the_highest_score(
    tmp_path: Path, ballot: Ballot, small: bool
) -> None:
    run = voted(tmp_path, changed(乙市=ballot), SPREAD.replace("full_marks", "highest"))
    assert found_at(run, "spread-too-small") == (["vote/乙市.xlsx"] if small else [])


def test_a_spread_that_is_too_small_is_said_with_both_ends_and_what_is_needed(
    tmp_path: Path,
) -> None:
    item = only(voted(tmp_path, changed(丙市=(90, 81, 85, 85.5, 85, 85)), SPREAD))
    assert item.message == (
        "Vote: 丙市 gave scores from 81 to 90; the highest and the lowest must be at least 10 apart (7(s))"
    )


@pytest.mark.parametrize(
    ("ballot", "flat"),
    [
        ((80, 80, 80, 80, 80, 80), True),
        ((80, "80", "80.0", "８０", "80分", 80), True),
        ((80, 80, 80, None, None, None), True),
        ((80, 80, None, None, None, None), False),
        ((80, 80, 80, 80, 80, 80.01), False),
        ((0, 0, 0, 0, 0, 0), True),
    ],
)
def test_a_ballot_of_three_or_more_equal_scores_is_flat(
    tmp_path: Path, ballot: Ballot, flat: bool
) -> None:
    run = voted(tmp_path, changed(乙市=ballot), FLAT)
    assert found_at(run, "ballot-flat") == (["vote/乙市.xlsx"] if flat else [])


def test_a_ballot_that_is_another_cell_for_cell_names_it(tmp_path: Path) -> None:
    item = only(voted(tmp_path, changed(丙市=APART["甲市"]), IDENTICAL))
    assert {place(item), str(item.params["other"])} in (
        {"vote/丙市.xlsx", "甲市"},
        {"vote/甲市.xlsx", "丙市"},
    )
    assert "cell for cell (7(i))" in item.message


def test_each_copy_of_a_ballot_is_named(tmp_path: Path) -> None:
    copies = changed(丙市=APART["甲市"], 丁市=APART["甲市"])
    run = voted(tmp_path, copies, IDENTICAL)
    assert [item.code for item in run.findings] == ["ballot-identical"] * 2
    named = {str(item.params[key]) for item in run.findings for key in ("member", "other")}
    assert named == {"甲市", "丙市", "丁市"}


@pytest.mark.parametrize(
    "ballot",
    [
        (90, 80, 70, 60, 95, 85.01),
        (90, 80, 70, 60, 95, None),
        (80, 90, 70, 60, 95, 85),
    ],
)
def test_a_ballot_that_differs_in_one_cell_is_not_identical(tmp_path: Path, ballot: Ballot) -> None:
    assert voted(tmp_path, changed(丙市=ballot), IDENTICAL).findings == []


def test_flat_ballots_that_are_alike_are_flat_and_not_called_identical(tmp_path: Path) -> None:
    run = voted(tmp_path, changed(乙市=(80,) * 6, 丙市=(80,) * 6), FLAT, IDENTICAL)
    assert [(item.code, place(item)) for item in run.findings] == [
        ("ballot-flat", "vote/丙市.xlsx"),
        ("ballot-flat", "vote/乙市.xlsx"),
    ]


# --- outliers -------------------------------------------------------------------------------------

SLIPPED: Ballots = {
    "甲市": (90, 80, 70, 60, 95, 85),
    "乙市": (91, 79, 71, 61, 94, 86),
    "丙市": (89, 81, 69, 62, 96, 84),
    "丁市": (92, 80, 70, 60, 95, 85),
    "戊市": (45, 40, 35, 30, 47, 42),
}
Given: TypeAlias = Mapping[str, Sequence[Decimal | None]]


def middle(values: Sequence[Fraction]) -> Fraction:
    ordered = sorted(values)
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2


def modified_z(given_: Given) -> dict[str, Fraction]:
    """0.6745·(x − median) / MAD of each rater's mean distance from the medians of the units.

    Where the MAD is 0, 0.7979·(x − median) over the mean absolute deviation stands for it.
    """
    by_unit = {
        at: middle(given_here)
        for at in range(len(CITIES))
        if (given_here := [Fraction(s) for s in (b[at] for b in given_.values()) if s is not None])
    }
    distances: dict[str, Fraction] = {}
    for rater, ballot in given_.items():
        away = [
            Fraction(score) - by_unit[at] for at, score in enumerate(ballot) if score is not None
        ]
        if away:
            distances[rater] = sum(away, Fraction(0)) / len(away)
    if len(distances) < 3:
        return {}
    centre = middle(list(distances.values()))
    deviations = [abs(distance - centre) for distance in distances.values()]
    factor, scale = Fraction("0.6745"), middle(deviations)
    if scale == 0:
        factor, scale = Fraction("0.7979"), sum(deviations, Fraction(0)) / len(deviations)
    if scale == 0:
        return {}
    return {rater: factor * (distance - centre) / scale for rater, distance in distances.items()}


def rounded(value: Fraction, digits: int) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> LoadedScheme:
    return loaded(tmp_path_factory.mktemp("watches"), OUTLIER)


def outliers(found: LoadedScheme, given_: Given) -> dict[str, Finding]:
    """The raters that the check reports of ballots that were read."""
    assert found.scheme is not None
    [stage] = found.scheme.stages
    rows = Axis("unit", CITIES, tuple(range(2, 2 + len(CITIES))))
    blocks = []
    for rater, ballot in given_.items():
        values: list[list[Score]] = [[Absent.MISSING if s is None else s] for s in ballot]
        column = Axis("", ("",), (2,))
        blocks.append(Block(f"{rater}.xlsx", "1", {"rater": rater}, rows, column, values))
    scores = ScoreTable(("unit", "rater"), blocks)
    reported = check_scores(found.scheme, stage, stage.plans["city"], scores)
    return {str(item.params["member"]): item for item in reported}


SCORES = st.decimals(0, 60, places=1)
BALLOTS = st.dictionaries(
    st.sampled_from(CITIES),
    st.tuples(*[SCORES | st.none()] * len(CITIES)) | st.tuples(*[SCORES] * len(CITIES)),
    min_size=1,
)
NEAR = st.decimals(30, 32, places=1)
ALL_NEAR_BUT_SOME = st.dictionaries(
    st.sampled_from(CITIES),
    st.tuples(*[NEAR] * len(CITIES)) | st.tuples(*[SCORES] * len(CITIES)),
    min_size=3,
)


def test_a_rater_far_from_all_others_is_said_with_its_distance(tmp_path: Path) -> None:
    item = only(voted(tmp_path, SLIPPED, OUTLIER))
    assert (item.code, place(item)) == ("rater-outlier", "vote/戊市.xlsx")
    z = modified_z({rater: [Decimal(str(s)) for s in row] for rater, row in SLIPPED.items()})
    assert str(item.params["z"]).removeprefix("≈") == str(rounded(z["戊市"], 1))
    assert "limit 3.5)" in item.message
    assert " lower than those of the other raters" in item.message
    assert "-" not in item.message
    assert abs(z["戊市"]) > Fraction("3.5")


def test_a_limit_of_the_schemes_own_is_kept(tmp_path: Path) -> None:
    assert voted(tmp_path, SLIPPED, f"{OUTLIER}, beyond: 1000").findings == []
    run = voted(tmp_path, SLIPPED, f"{OUTLIER}, beyond: 0.5")
    z = modified_z({rater: [Decimal(str(s)) for s in row] for rater, row in SLIPPED.items()})
    beyond = {rater for rater, value in z.items() if abs(value) > Fraction("0.5")}
    assert {str(item.params["member"]) for item in run.findings} == beyond


@drawn(examples=300)
@given(ballots=BALLOTS | ALL_NEAR_BUT_SOME)
def test_raters_beyond_the_limit_are_reported_and_no_others(
    watching: LoadedScheme, ballots: Given
) -> None:
    z = modified_z(ballots)
    beyond = {rater: value for rater, value in z.items() if abs(value) > Fraction("3.5")}
    reported = outliers(watching, ballots)
    event(f"reported: {len(reported)}")
    assert reported.keys() == beyond.keys()
    for rater, item in reported.items():
        assert Decimal(str(item.params["z"]).removeprefix("≈")) == rounded(beyond[rater], 1)
        assert item.params["direction_word"] == ("lower" if beyond[rater] < 0 else "higher")
        assert not re.search("[-+−]", item.message.partition("; ")[2])


@drawn(examples=100)
@given(
    ballot=st.tuples(*[SCORES] * len(CITIES)),
    raters=st.sets(st.sampled_from(CITIES), min_size=1),
)
def test_raters_who_all_agree_are_never_reported(
    watching: LoadedScheme, ballot: Sequence[Decimal], raters: set[str]
) -> None:
    assert outliers(watching, dict.fromkeys(raters, ballot)) == {}


@drawn(examples=200)
@given(ballots=BALLOTS | ALL_NEAR_BUT_SOME, more=st.decimals(0, 40, places=1), dice=st.randoms())
def test_neither_more_marks_for_all_nor_another_order_of_raters_changes_what_is_reported(
    watching: LoadedScheme, ballots: Given, more: Decimal, dice: Any
) -> None:
    moved = {
        rater: [None if score is None else score + more for score in ballot]
        for rater, ballot in ballots.items()
    }
    names = dice.sample([*moved], len(moved))
    found = outliers(watching, ballots)
    assert outliers(watching, {name: moved[name] for name in names}) == found
    event(f"reported: {len(found)}")


@pytest.mark.parametrize("raters", [1, 2])
def test_of_two_raters_neither_is_out_of_line(tmp_path: Path, raters: int) -> None:
    few = dict([("甲市", (90,) * 6), ("乙市", (10,) * 6)][:raters])
    assert voted(tmp_path, few, OUTLIER).findings == []


# --- what is empty --------------------------------------------------------------------------------

EMPTY = (
    "        forms:\n          - {id: sheet",
    "        checks: [{empty: tier, severity: SEVERITY, clause: 7(e)}]\n"
    "        forms:\n          - {id: sheet",
)
LOWER = SHEETS["work/lower"]


def tiers(folder: Path, row: Sequence[object] | None, severity: str = "warning") -> list[Finding]:
    """What is found of a unit without scores in a tier, of the check alone."""
    rows: Rows = [LOWER[0], *([row] if row else []), LOWER[2]]
    check = (EMPTY[0], EMPTY[1].replace("SEVERITY", severity))
    run = judged(folder, {**SHEETS, "work/lower": rows}, check)
    return [item for item in run.findings if item.code == "member-empty"]


@pytest.mark.parametrize("severity", ["warning", "error"])
@pytest.mark.parametrize(
    "row", [["甲市", None, None, None], ["甲市", "/", "/", "/"], ["甲市", "/", None, "x"], None]
)
def test_a_unit_without_any_score_in_a_member_is_said(
    tmp_path: Path, row: Sequence[object] | None, severity: str
) -> None:
    [item] = tiers(tmp_path, row, severity)
    assert str(item.severity) == severity
    assert place(item) == "work/lower.xlsx"
    assert item.message == "Work: 甲市 has no score at all in Lower (7(e))"


@pytest.mark.parametrize("row", [["甲市", 0, None, None], ["甲市", "/", "/", 11], LOWER[1]])
def test_a_unit_with_one_score_in_a_member_is_not_without_any(
    tmp_path: Path, row: Sequence[object]
) -> None:
    assert tiers(tmp_path, row) == []


def test_a_member_of_which_no_sheet_came_is_empty_for_every_unit(tmp_path: Path) -> None:
    sheets = {name: rows for name, rows in SHEETS.items() if name != "work/lower"}
    rule = EMPTY[0], EMPTY[1].replace("SEVERITY", "warning")
    for name in "ab":
        (tmp_path / name).mkdir()
    run = judged(tmp_path / "a", sheets, rule)
    assert {item.code for item in run.findings} == {"scores-missing"}
    exclude = "lower: 3}, missing: error", "lower: 3}, missing: exclude"
    run = judged(tmp_path / "b", sheets, rule, exclude)
    empty = [item for item in run.findings if item.code == "member-empty"]
    assert {str(item.params["of"]) for item in empty} == {"甲市", "乙市"}


# --- dates ----------------------------------------------------------------------------------------

DATED = "date: in_window"


def dated(
    folder: Path, *heads: Sequence[Any], foot: Sequence[Any] = (), check: str = DATED
) -> Result:
    """A right ballot with further rows above and one below."""
    rows: Rows = [*heads, ["单位", "得分"], *zip(CITIES, APART["甲市"], strict=True), foot]
    write(folder / "in", {"vote/甲市": rows})
    return appraise(loaded(folder, check), [folder / "in"])


@pytest.mark.parametrize(
    "head",
    [
        ["填表日期:2021年1月5日"],
        ["填表日期：２０２１年０１月０５日"],
        ["填报日期: 2021-01-05"],
        ["日期:2021/1/5"],
        ["测评日期:2021.1.5"],
        ["填表日期", "2021年1月5日"],
        ["填表日期:", "2021-1-5"],
        ["填表日期", datetime.date(2021, 1, 5)],
        ["填表日期:", None, datetime.datetime(2021, 1, 5, 16, 30)],
        ["填表人:某某", "填表日期:2021年1月5日"],
        ["填表人:某某  填表日期:2021年1月5日"],
    ],
)
def test_a_date_outside_the_window_is_said_however_it_is_written(
    tmp_path: Path, head: Sequence[Any]
) -> None:
    item = only(dated(tmp_path, head))
    assert item.code == "sheet-date-outside"
    assert place(item).startswith("vote/甲市.xlsx ")
    for words in ("dated 2021-01-05", "from 2020-01-01 to 2020-12-31", "(7(d))"):
        assert words in item.message


@pytest.mark.parametrize(
    "foot",
    [
        ["填表日期:2021年1月5日"],
        ["填表人:某某  填表日期:2021年1月5日"],
        ["填表人:某某", "填表日期:2021年1月5日"],
        ["填表日期", datetime.date(2021, 1, 5)],
        ["填表人:某某", None, "填表日期:2021年1月5日"],
    ],
)
def test_a_date_below_the_scores_is_looked_at_too(tmp_path: Path, foot: Sequence[Any]) -> None:
    item = only(dated(tmp_path, foot=foot))
    assert item.code == "sheet-date-outside"
    assert item.source.cell.endswith("8")


@pytest.mark.parametrize(
    "head",
    [
        ["填表日期:2020年1月1日"],
        ["填表日期:2020-12-31"],
        ["填表日期", datetime.date(2020, 12, 31)],
        ["填表日期:2020年6月"],
        ["填表日期:"],
        ["填表日期:    年  月  日"],
        ["填表日期:____年__月__日"],
        ["填表日期"],
        ["日期镇2021年1月5日"],
        ["2021年1月5日"],
    ],
)
def test_a_date_in_the_window_or_none_at_all_is_no_finding(
    tmp_path: Path, head: Sequence[Any]
) -> None:
    run = dated(tmp_path, head)
    assert [item.code for item in run.findings if item.code == "sheet-date-outside"] == []
    if head != ["填表日期:2020年6月"]:
        assert run.findings == []


@pytest.mark.parametrize(
    "text",
    ["一月五日", "二〇二一年一月五日", "2021年13月5日", "2021年2月30日", "1月5日", "2021", "昨天"],
)
def test_a_date_that_cannot_be_read_is_said(tmp_path: Path, text: str) -> None:
    item = only(dated(tmp_path, [f"填表日期:{text}"]))
    assert (item.code, place(item)) == ("sheet-date-unread", "vote/甲市.xlsx A1")
    assert f"'{text}'" in item.message
    assert str(item.severity) == "warning"


@pytest.mark.parametrize("text", ["2021年1月5日", "昨天"])
def test_a_date_has_the_severity_that_its_check_gives_it(tmp_path: Path, text: str) -> None:
    rows: Rows = [[f"填表日期:{text}"], ["单位", "得分"], *zip(CITIES, APART["甲市"], strict=True)]
    write(tmp_path / "in", {"vote/甲市": rows})
    item = only(appraise(loaded(tmp_path, DATED, severity="error"), [tmp_path / "in"]))
    assert str(item.severity) == "error"


def test_a_date_in_a_table_as_text_is_looked_at_too(tmp_path: Path) -> None:
    rows: Rows = [
        ["填表日期:2021-1-5", ""],
        ["单位", "得分"],
        *zip(CITIES, APART["甲市"], strict=True),
    ]
    (tmp_path / "in" / "vote").mkdir(parents=True)
    (tmp_path / "in" / "vote" / "甲市.csv").write_bytes(texts(rows, "gbk"))
    item = only(appraise(loaded(tmp_path, DATED), [tmp_path / "in"]))
    assert item.code == "sheet-date-outside"


def test_without_the_check_no_date_is_looked_at(tmp_path: Path) -> None:
    assert dated(tmp_path, ["填表日期:2021年1月5日"], check=FLAT).findings == []


# --- reasons --------------------------------------------------------------------------------------

REASON = (
    "        forms:\n          - {id: sheet",
    "        checks: [{reason: where_marks_are_lost, severity: SEVERITY, clause: 7(r)}]\n"
    "        forms:\n          - {id: sheet",
)


def lost(folder: Path, rows: Rows, severity: str = "warning", **more: Any) -> list[Finding]:
    """Where the check misses a reason in one unit's sheet."""
    check = (REASON[0], REASON[1].replace("SEVERITY", severity))
    run = of_one_unit(folder, rows, check, **more)
    return [
        item
        for item in run.findings
        if item.code == "reason-missing" and item.source.file == "work/upper/甲市.xlsx"
    ]


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_marks_that_are_lost_without_a_reason_are_said(tmp_path: Path, severity: str) -> None:
    reasons = (None, " ", None)
    rows = of_items(("指标", "得分", "扣分原因"), (50, 24.5, 15), reasons)
    found = lost(tmp_path, rows, severity)
    assert [(place(item), str(item.severity), item.message) for item in found] == [
        ("work/upper/甲市.xlsx B2", severity, "A lost 10, but no reason is given (7(r))"),
        ("work/upper/甲市.xlsx B3", severity, "B one lost 0.5, but no reason is given (7(r))"),
    ]


def test_a_deduction_alone_asks_for_a_reason_too(tmp_path: Path) -> None:
    rows = of_items(("指标", "扣分", "扣分原因"), (10, 0, 5), ("未公开预算", None, None))
    assert [place(item) for item in lost(tmp_path, rows)] == ["work/upper/甲市.xlsx B4"]


def test_a_reason_or_a_note_answers_for_the_marks_that_are_lost(tmp_path: Path) -> None:
    def note(sheet: Any) -> None:
        put("B3", 20)(sheet)
        sheet["B3"].comment = Comment("未及时更新", "测评组")

    rows = of_items(("指标", "得分", "扣分原因"), (50, 20, 15), ("未公开预算", None, None))
    assert lost(tmp_path, rows, change=note) == []


def test_full_marks_and_blanks_ask_for_no_reason(tmp_path: Path) -> None:
    rows = of_items(("指标", "得分", "扣分原因"), (60, None, 15), NO_REASON)
    assert lost(tmp_path, rows) == []


def test_a_sheet_of_many_units_asks_for_no_reasons(tmp_path: Path) -> None:
    run = judged(tmp_path, SHEETS, (REASON[0], REASON[1].replace("SEVERITY", "error")))
    assert run.findings == []


# --- none changes a score -------------------------------------------------------------------------


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_no_check_changes_a_score(tmp_path: Path, severity: str) -> None:
    ballots = changed(丁市=APART["甲市"], 戊市=(80, 80, 80, 80, 80, 80), 己市=(5, 4, 3, 2, 9, 8))
    checks = (SPREAD, FLAT, IDENTICAL, OUTLIER, "empty: rater", DATED)
    without = voted(tmp_path, ballots)
    run = voted(tmp_path, ballots, *checks, severity=severity)
    assert without.findings == []
    assert {item.code for item in run.findings} == {
        "spread-too-small",
        "ballot-flat",
        "ballot-identical",
        "rater-outlier",
    }
    assert run.provisional == (severity == "error")
    assert list(run.standings["city"]) == list(without.standings["city"])
    assert run.traces["city"].stages["vote"].steps == without.traces["city"].stages["vote"].steps
