"""Scores far from the others of the same unit: each cause is named once, with its cell."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from helpers import STAGE_FILES, Appraise
from helpers.small import SHEETS, judged, write
from helpers.stages import Scores, blocks, drawn, load, members, roll_up, run, scheme_data, stage
from hypothesis import event, given
from hypothesis import strategies as st

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.appraisal import read_sources, score
from wuhu_appraisal.findings import Finding, Severity
from wuhu_appraisal.model import Block, Score
from wuhu_appraisal.output.redact import redacted, unit_view
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.scheme.audiences import Audience
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.distances import far_from_others

CODES = ("score-distant", "scores-distant", "scores-apart", "total-distant", "stage-distant")
Values = Mapping[str, Sequence[Decimal | int | None]]


# --- the rule against brute force -----------------------------------------------------------------


def middle(values: Sequence[Fraction]) -> Fraction:
    ordered = sorted(values)
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2


def worked_out(numbers: Mapping[str, Fraction], limit: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Distance and value of what is reported: the farthest of all that are left, one by one."""
    left, found = dict(numbers), []
    while len(left) > 1:
        away = {
            name: abs(value - middle([other for it, other in left.items() if it != name]))
            for name, value in left.items()
        }
        most = max(away.values())
        if most <= limit:
            break
        worst = min((name for name in left if away[name] == most), key=lambda name: left[name])
        found.append((most, left.pop(worst)))
        if len(left) == 1:
            break
    return found


NUMBERS = st.dictionaries(
    st.sampled_from("甲乙丙丁戊己"),
    st.one_of(st.integers(0, 100), st.sampled_from([90, 91, 92])).map(Fraction),
    min_size=1,
)


@drawn(examples=500)
@given(numbers=NUMBERS, limit=st.integers(1, 60))
def test_what_is_far_from_the_others_is_what_brute_force_says(
    numbers: Mapping[str, Fraction], limit: int
) -> None:
    found = list(far_from_others(numbers, Fraction(limit)))
    expected = worked_out(numbers, Fraction(limit))
    assert [(item.distance, numbers[item.members[0]]) for item in found] == expected
    event(f"reported: {len(found)}")
    for item in found:
        assert item.distance > limit


@drawn(examples=300)
@given(
    near=st.lists(st.integers(85, 95), min_size=3, max_size=8),
    slip=st.integers(0, 59),
    place=st.integers(0, 7),
)
def test_one_slip_among_scores_that_agree_is_reported_alone_by_the_plain_rule(
    near: list[int], slip: int, place: int
) -> None:
    numbers = {str(at): Fraction(value) for at, value in enumerate(near)}
    slipped = str(place % len(near))
    numbers[slipped] = Fraction(slip)
    [item] = far_from_others(numbers, Fraction(25))
    others = middle([value for name, value in numbers.items() if name != slipped])
    assert item == ((slipped,), others - slip, others)


# --- in a small scheme ----------------------------------------------------------------------------

ROUNDS = ("1", "2", "3", "4")
WARNING = {"distance": "round", "beyond": 25, "severity": "warning", "clause": "7"}
ERROR = {**WARNING, "beyond": 50, "severity": "error"}


def rounds(
    folder: Path,
    scores: Values,
    *checks: object,
    full_marks: int = 100,
) -> list[Finding]:
    """What the checks of the rounds find of each unit's scores, round by round."""
    count = max(map(len, scores.values()))
    steps = [roll_up("round", "mean", missing="exclude")]
    if full_marks != 100:
        steps.append({"rescale": 100})
    made = stage(steps, {"round": members(*ROUNDS[:count])}, full_marks=full_marks)
    made["plans"]["all"]["checks"] = list(checks)
    made["plans"]["all"]["dimensions"]["round"]["title"] = {"zh": "轮次", "en": "round"}
    data = scheme_data(made, units=list(scores))
    cells: Scores = {
        (unit, ROUNDS[at]): value
        for unit, values in scores.items()
        for at, value in enumerate(values)
    }
    found = run(load(folder, data), {"work": blocks(["unit", "round"], cells)})
    return [item for item in found.findings if item.code in CODES]


RIGHT: Mapping[str, tuple[int, ...]] = {
    "甲": (90, 91, 92, 93),
    "乙": (70, 80, 75, 85),
    "丙": (88, 86, 84, 82),
}


def test_a_slip_is_named_with_its_cell_its_value_the_median_and_the_distance(
    tmp_path: Path,
) -> None:
    slipped: Values = {**RIGHT, "乙": (70, 80, Decimal("7.5"), 85)}
    [item] = rounds(tmp_path, slipped, WARNING)
    assert (item.code, item.source.file, item.source.cell) == ("score-distant", "2.xlsx", "B3")
    assert item.message == (
        "work (乙) B3: 7.5 is 72.5 points from the median 80 of the unit's other scores by round (7)"
    )
    assert item.severity is Severity.WARNING


@pytest.mark.parametrize("checks", [(WARNING, ERROR), (ERROR, WARNING)])
def test_two_limits_give_one_finding_with_the_severity_of_the_stricter(
    tmp_path: Path, checks: Sequence[object]
) -> None:
    slipped = {"甲": (90, 91, 92, 60), "乙": (70, 80, 7, 85), "丙": (88, 86, 84, 59)}
    found = rounds(tmp_path, slipped, *checks)
    assert {str(item.params["unit"]): item.severity for item in found} == {
        "甲": Severity.WARNING,
        "乙": Severity.ERROR,
        "丙": Severity.WARNING,
    }
    assert len(found) == 3


@pytest.mark.parametrize(("value", "reported"), [(65, False), (Decimal("64.99"), True)])
def test_a_distance_at_the_limit_is_not_beyond_it(
    tmp_path: Path, value: Decimal | int, reported: bool
) -> None:
    assert bool(rounds(tmp_path, {"甲": (90, 90, 90, value)}, WARNING)) is reported


@pytest.mark.parametrize(("value", "reported"), [(13, False), (12, True)])
def test_the_limit_is_in_proportion_to_the_full_marks(
    tmp_path: Path, value: int, reported: bool
) -> None:
    found = rounds(tmp_path, {"甲": (18, 18, 18, value)}, WARNING, full_marks=20)
    assert [item.params["distance"] for item in found] == ["6"] * reported


def test_of_three_scores_the_wrong_one_is_named_and_not_the_right_ones(tmp_path: Path) -> None:
    [item] = rounds(tmp_path, {"甲": (90, 9, 92)}, WARNING)
    assert (item.code, item.params["value"], item.params["median"]) == ("score-distant", "9", "91")


def test_of_two_scores_both_are_named_in_one_finding(tmp_path: Path) -> None:
    [item] = rounds(tmp_path, {"甲": (90, 9)}, WARNING, ERROR)
    assert (item.code, item.severity, item.source.file) == (
        "scores-apart",
        Severity.ERROR,
        "1.xlsx",
    )
    assert item.message == (
        "work (甲): 2 is 9 and 1 is 90, 81 points apart (7); there is no other round to compare "
        "with; they are at 1.xlsx › Sheet1 › B2, 0.xlsx › Sheet1 › B2"
    )


def test_a_single_score_and_scores_that_are_absent_are_compared_with_nothing(
    tmp_path: Path,
) -> None:
    assert rounds(tmp_path, {"甲": (90, None, None), "乙": (None, 9, None)}, WARNING) == []


def test_a_sheet_out_of_other_marks_is_one_finding_with_its_cells(tmp_path: Path) -> None:
    halved = {unit: (*values[:3], values[3] // 2) for unit, values in RIGHT.items()}
    [item] = rounds(tmp_path, halved, WARNING, ERROR)
    assert (item.code, item.source.file, item.source.cell) == (
        "scores-distant",
        "3.xlsx",
        "B2:B4",
    )
    assert "3 of the 3 scores of 4 are more than 25 points" in item.message
    assert item.message.endswith(": B2, B3, B4")


def test_with_two_sheets_one_of_which_is_out_of_other_marks_there_is_one_finding(
    tmp_path: Path,
) -> None:
    found = rounds(tmp_path, {unit: (values[0], 9) for unit, values in RIGHT.items()}, WARNING)
    assert [item.code for item in found] == ["scores-distant"]


@drawn(examples=100)
@given(
    cells=st.lists(
        st.lists(st.sampled_from([9, 55, 88, 90, 92]), min_size=4, max_size=4),
        min_size=2,
        max_size=4,
    )
)
def test_no_cell_is_reported_twice(folder: Path, cells: list[list[int]]) -> None:
    found = rounds(folder, dict(zip("甲乙丙丁", cells, strict=False)), WARNING, ERROR)
    named = [(item.source.file, item.source.cell) for item in found]
    assert len(named) == len(set(named))
    sheets = {item.source.file for item in found if item.code == "scores-distant"}
    assert not sheets & {item.source.file for item in found if item.code == "score-distant"}


# --- bodies and stages ----------------------------------------------------------------------------


def test_two_stages_of_a_unit_that_are_far_apart_are_said_with_their_places(
    tmp_path: Path,
) -> None:
    low = {**SHEETS}
    for tier in ("upper", "lower"):
        low[f"work/{tier}"] = [*SHEETS[f"work/{tier}"][:2], ["乙市", 20, 8, 5]]
    check = 'checks: [{distance: stage, beyond: 25, severity: error, clause: "9"}]'
    done = judged(
        tmp_path,
        low,
        ("composite: {missing: error,", "composite: {" + check + ", missing: error,"),
    )
    [item] = done.findings
    assert (item.code, item.source.cell, item.severity) == (
        "stage-distant",
        "B3:D3",
        Severity.ERROR,
    )
    assert "Work: 乙市 has 33, 54.5 points from the median 87.5 of its other stages" in item.message
    assert "work/lower.xlsx › Sheet › B3:D3, work/upper.xlsx › Sheet › B3:D3" in item.message


def test_a_check_of_the_composite_compares_stages_and_nothing_else(tmp_path: Path) -> None:
    data = scheme_data(stage(), units=["甲"])
    data["composite"]["checks"] = [{**WARNING, "distance": "round"}]
    path = tmp_path / "scheme.json"
    with pytest.raises(AssertionError, match="round"):
        load(path.parent, data)


# --- the examples ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reading(wuhu: Scheme) -> Reading:
    return read_sources(wuhu, [STAGE_FILES])


def said(
    wuhu: Scheme, reading: Reading, blocks: Mapping[tuple[str, str], list[Block]]
) -> list[Finding]:
    _traces, findings = score(wuhu, replace(reading, blocks={**reading.blocks, **blocks}))
    return [item for item in findings if item.code in CODES or item.code == "rater-outlier"]


def changed(block: Block, row: int, change: Callable[[Score], Score]) -> Block:
    values = [list(cells) for cells in block.values]
    values[row] = [change(value) for value in values[row]]
    return replace(block, values=values)


def slips(value: Decimal) -> list[Decimal]:
    """A slipped point, one digit too few, and digits that changed places."""
    digits = f"{value:.2f}".replace(".", "")
    swapped = Decimal(digits[1] + digits[0] + digits[2:]).scaleb(-2)
    candidates = [value / 10, value * 10, swapped]
    return [slip for slip in candidates if slip <= 100 and abs(slip - value) > 35]


def test_the_examples_have_no_score_far_from_the_others(wuhu: Scheme, reading: Reading) -> None:
    assert said(wuhu, reading, {}) == []


def test_each_planted_slip_in_a_ballot_or_round_is_named_and_nothing_else(
    wuhu: Scheme, reading: Reading
) -> None:
    dice = random.Random(2020)
    planted = 0
    for key in product(("mutual", "daily"), ("county", "municipal")):
        sheets = reading.blocks[key]
        for _number in range(4):
            at = dice.randrange(len(sheets))
            row = dice.randrange(len(sheets[at].values))
            [value] = sheets[at].values[row]
            assert isinstance(value, Decimal)
            unit = sheets[at].rows.members[row]
            others = [
                Fraction(block.values[block.rows.members.index(unit)][0])  # type: ignore[arg-type]
                for place, block in enumerate(sheets)
                if place != at and unit in block.rows.members
            ]
            for slip in slips(value):
                planted += 1
                with_slip = [*sheets]
                with_slip[at] = changed(sheets[at], row, lambda _value, new=slip: new)  # type: ignore[misc]
                [item] = said(wuhu, reading, {key: with_slip})
                distance = abs(middle(others) - Fraction(slip))
                assert item.source == sheets[at].source(row, 0)
                assert item.params["cell"] == item.source.cell
                assert Decimal(str(item.params["value"])) == slip
                assert Fraction(Decimal(str(item.params["median"]))) == middle(others)
                assert Fraction(Decimal(str(item.params["distance"]))) == distance
                assert item.severity is (Severity.ERROR if distance > 50 else Severity.WARNING)
    assert planted > 15


def test_a_township_far_from_the_others_is_named_with_its_row(
    wuhu: Scheme, reading: Reading
) -> None:
    sheets = reading.blocks["professional", "county"]
    at = next(place for place, it in enumerate(sheets) if it.fixed.get("tier") == "township")
    poor = changed(sheets[at], 2, lambda value: value / 8 if isinstance(value, Decimal) else value)
    [item] = said(
        wuhu,
        reading,
        {("professional", "county"): [*sheets[:at], poor, *sheets[at + 1 :]]},
    )
    first, last = poor.source(2, 0), poor.source(2, len(poor.columns.members) - 1)
    assert item.code == "total-distant"
    assert (item.source.file, item.source.sheet) == (first.file, first.sheet)
    assert item.source.cell == f"{first.cell}:{last.cell}"
    assert poor.rows.members[2] in item.message


@pytest.mark.parametrize("stage_id", ["professional", "social"])
def test_a_unit_with_one_score_an_item_is_compared_with_its_other_stages(
    wuhu: Scheme, reading: Reading, stage_id: str
) -> None:
    [sheet] = reading.blocks[stage_id, "municipal"]
    halved = changed(sheet, 5, lambda value: value / 3 if isinstance(value, Decimal) else value)
    [item] = said(wuhu, reading, {(stage_id, "municipal"): [halved]})
    assert (item.code, item.params["unit"]) == ("stage-distant", sheet.rows.members[5])
    assert item.source.file == sheet.file
    assert str(item.source) in item.message


def test_a_slip_in_a_ballot_is_not_said_again_of_its_rater_or_of_the_stage(
    wuhu: Scheme, reading: Reading
) -> None:
    key = ("daily", "county")
    first, second, *others = reading.blocks[key]
    tenth = [
        changed(first, 0, lambda _value: Decimal(9)),
        changed(second, 0, lambda _v: Decimal(8)),
    ]
    found = said(wuhu, reading, {key: [*tenth, *others]})
    assert [item.code for item in found] == ["score-distant"] * 2


# --- what a person may do about it ----------------------------------------------------------------


def slipped_input(folder: Path) -> tuple[Path, Path]:
    """The small scheme with a third rater's sheet, in which a point has slipped."""
    scheme = (Path(__file__).parent / "small_scheme.yaml").read_text(encoding="utf-8")
    check = '{distance: rater, beyond: 50, severity: error, clause: "4"}'
    for before, after in (
        ("- {name: 乙市}", "- {name: 乙市}\n      - {name: 丙市}"),
        ("units: [甲市, 乙市]", "units: [甲市, 乙市, 丙市]"),
        ("axes: [unit]}\n", f"axes: [unit]}}\n        checks: [{check}]\n"),
    ):
        assert before in scheme
        scheme = scheme.replace(before, after)
    path = folder / "scheme.yaml"
    path.write_text(scheme, encoding="utf-8")
    sheets = {name: [*rows, ["丙市", *rows[1][1:]]] for name, rows in SHEETS.items()}
    sheets["vote/丙市"] = [["单位", "得分"], ["甲市", 8.8], ["乙市", 84], ["丙市", 75]]
    write(folder / "in", sheets)
    return path, folder / "in"


WAIVE = (
    *("--as", "waive", "--finding", "score-distant", "--file", "vote/丙市.xlsx"),
    *("--reason", "核实无误", "--by", "王五", "--at", "2021-02-01", "--yes"),
)


def test_an_error_of_distance_stops_the_result_until_it_is_waived(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    scheme, files = slipped_input(tmp_path)
    compute = ("compute", files, "--scheme", scheme, "--out", tmp_path / "out")
    stopped = appraise_cli(*compute)
    assert stopped.exit_code == 1
    assert "B2  error [score-distant]" in stopped.output
    done = appraise_cli("decide", files, "--scheme", scheme, *WAIVE, "--cell", "B2")
    assert done.exit_code == 0, done.output
    assert "was: 8.8" in (files / "decisions.yaml").read_text(encoding="utf-8")
    final = appraise_cli(*compute)
    assert final.exit_code == 0, final.output
    verified = appraise_cli(
        *("verify", tmp_path / "out" / "appraisal.json", "--files", files, "--scheme", scheme)
    )
    assert verified.exit_code == 0, verified.output


def test_a_waiver_of_an_error_names_its_cell_and_ends_when_the_cell_changes(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    scheme, files = slipped_input(tmp_path)
    refused = appraise_cli("decide", files, "--scheme", scheme, *WAIVE)
    assert "[decision-incomplete]" in refused.output
    assert not (files / "decisions.yaml").exists()
    appraise_cli("decide", files, "--scheme", scheme, *WAIVE, "--cell", "B2")
    write(files, {"vote/丙市": [["单位", "得分"], ["甲市", 9.9], ["乙市", 84], ["丙市", 75]]})
    found = appraise(load_scheme(scheme), [files]).findings
    assert sorted(item.code for item in found) == ["decision-outdated", "score-distant"]


def test_a_correction_leaves_nothing_to_report(tmp_path: Path, appraise_cli: Appraise) -> None:
    scheme, files = slipped_input(tmp_path)
    done = appraise_cli(
        *("decide", files, "--scheme", scheme, "--as", "correct", "--file", "vote/丙市.xlsx"),
        *("--cell", "B2", "--was", "8.8", "--value", "88", "--reason", "更正", "--by", "王五"),
        *("--at", "2021-02-01", "--yes"),
    )
    assert done.exit_code == 0, done.output
    assert appraise(load_scheme(scheme), [files]).findings == []


def test_who_may_not_see_raters_scores_sees_no_distance_of_one(tmp_path: Path) -> None:
    scheme, files = slipped_input(tmp_path)
    text = scheme.read_text(encoding="utf-8")
    shown = "confidentiality: {audiences: {leading-group: [findings, scores]}}\n"
    check = 'checks: [{distance: stage, beyond: 1, severity: warning, clause: "9"}]'
    scheme.write_text(
        text.replace("composite: {", "composite: {" + check + ", ") + shown, encoding="utf-8"
    )
    whole = appraise(load_scheme(scheme), [files])
    assert {"score-distant", "stage-distant"} <= {item.code for item in whole.findings}
    cut = redacted(whole, Audience.LEADING_GROUP)
    assert {item.code for item in cut.findings} == {"findings-withheld"}
    for unit in ("甲市", "乙市", "丙市"):
        view = unit_view(whole, unit)
        assert not any(map(view.concerns, whole.findings))
