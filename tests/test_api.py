"""The package as a library: the same numbers as data frames."""

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from helpers import STAGE_FILES
from helpers.small import SHEETS, SMALL, Rows, Sheets, write

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal import store as result
from wuhu_appraisal import store as stored
from wuhu_appraisal.numbers import round_half_up

FIXED = ["stage", "group", "step", "kind", "unit"]
INPUT = ["member", "value", "coefficient", "result"]


@pytest.fixture(scope="module")
def run(wuhu_run: Result) -> Result:
    return wuhu_run


@pytest.fixture(scope="module")
def trace(run: Result) -> pd.DataFrame:
    return run.trace()


def small(folder: Path, changes: Sheets, scheme: dict[str, Any] | None = None) -> Result:
    """A run of the small scheme, or of what is left of it after changes, with changed sheets."""
    folder.mkdir(exist_ok=True)
    path = folder / "scheme.yaml"
    data = scheme or yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    write(folder / "in", {**SHEETS, **changes})
    loaded = load_scheme(path)
    assert loaded.findings == []
    return appraise(loaded, [folder / "in"])


def graded(folder: Path) -> Result:
    """The small scheme with a ballot of grades: one missing, and one that does not apply."""
    scheme = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    plan = scheme["stages"][1]["plans"]["city"]
    plan["steps"].insert(0, {"convert": {"优秀": 95, "良好": "82.5"}})
    plan["steps"][1] |= {"missing": "exclude", "not_applicable": "zero"}
    plan["forms"][0]["not_applicable"] = "anywhere"
    ballots: dict[str, Rows] = {
        "vote/甲市": [["单位", "得分"], ["甲市", "优秀"], ["乙市", None]],
        "vote/乙市": [["单位", "得分"], ["甲市", "/"], ["乙市", "良好"]],
    }
    return small(folder, ballots, scheme)


def product(row: Any) -> Fraction:
    """An input's part of its number; what is no number counts as 0."""
    value = row["value"] if isinstance(row["value"], Fraction) else Fraction(0)
    return Fraction(row["coefficient"] * value)


def assert_sums(frame: pd.DataFrame) -> int:
    """Each number is exactly the sum of its coefficients times its values; how many there are."""
    key = [name for name in frame.columns if name not in ("kind", *INPUT)]
    parts = frame.assign(part=frame.apply(product, axis=1))
    numbers = parts.groupby(key, dropna=False, sort=False).agg(
        results=("result", set), part=("part", lambda found: sum(found, Fraction(0)))
    )
    for results, part in numbers.itertuples(index=False):
        (number,) = results
        assert part == (number or 0)
        assert number is None or type(number) is Fraction
    return len(numbers)


def test_the_ranking_holds_the_published_numbers_of_each_unit(run: Result) -> None:
    frame = run.ranking()
    stages = [stage.id for stage in run.scheme.stages]
    assert list(frame.columns) == [
        "group", "rank", "unit", *stages, "composite", "points", "final",
    ]  # fmt: skip
    assert list(frame.itertuples(index=False, name=None)) == [
        (
            group, item.rank, item.unit, *item.stages.values(), item.composite, item.points, item.final,
        )
        for group, standings in run.standings.items()
        for item in standings
    ]  # fmt: skip
    assert str(frame["rank"].dtype) == "Int64"
    for name in (*stages, "composite", "points", "final"):
        assert set(map(type, frame[name])) == {Decimal}


def test_a_unit_without_a_final_has_no_rank_and_none_for_a_number(tmp_path: Path) -> None:
    ballot: Rows = [["单位", "得分"], ["甲市", 90], ["乙市", None]]
    sheets = {name: rows[:2] for name, rows in SHEETS.items() if name.startswith("work")}
    found = small(tmp_path, {**sheets, "vote/甲市": ballot, "vote/乙市": ballot})
    frame = found.ranking().set_index("unit")
    assert frame.loc["甲市", "rank"] == 1
    assert frame.loc["乙市", "rank"] is pd.NA
    assert frame.loc["乙市", "final"] is None
    assert frame.loc["乙市", "vote"] is None
    assert isinstance(frame.loc["甲市", "final"], Decimal)


def test_every_score_is_in_the_frame_with_its_cell(run: Result) -> None:
    frame = run.scores()
    assert list(frame.columns) == [
        "stage", "group", "unit", "tier", "body", "indicator", "rater", "round",
        "score", "file", "sheet", "cell",
    ]  # fmt: skip
    assert len(frame[frame["score"].map(lambda score: isinstance(score, Decimal))]) > 12_000
    assert {type(score) for score in frame["score"]} == {Decimal, str}
    row = frame[(frame["file"] == "日常测评/第1轮.xlsx") & (frame["unit"] == "镜湖区")].iloc[0]
    assert (row["sheet"], row["cell"], row["round"]) == ("县(市)区", "C8", "1")
    assert row["rater"] is None


def test_a_missing_score_is_none_and_one_that_does_not_apply_is_a_stroke(tmp_path: Path) -> None:
    frame = graded(tmp_path).scores()
    votes = frame[frame["stage"] == "vote"].set_index(["unit", "rater"])["score"]
    assert votes.to_dict() == {
        ("甲市", "甲市"): "优秀",
        ("乙市", "甲市"): None,
        ("甲市", "乙市"): "/",
        ("乙市", "乙市"): "良好",
    }


def test_the_coefficients_times_the_values_add_up_to_each_number(trace: pd.DataFrame) -> None:
    assert list(trace.columns) == [*FIXED, "tier", "body", "indicator", "rater", "round", *INPUT]
    assert assert_sums(trace) > 800
    assert {type(item) for item in trace["coefficient"]} == {Fraction}
    assert {type(item) for item in trace["value"]} == {Fraction, str}
    assert set(trace["kind"]) == {"sum", "mean", "weighted", "rescale", "adjust"}


def test_the_trace_of_a_provisional_result_adds_up_too(tmp_path: Path) -> None:
    blank = ["乙市", None, None, None]
    sheets = {name: [*SHEETS[name][:2], blank] for name in ("work/upper", "work/lower")}
    found = small(tmp_path, sheets)
    assert found.provisional
    frame = found.trace()
    assert_sums(frame)
    lost = frame[(frame["stage"] == "work") & (frame["unit"] == "乙市") & (frame["step"] == 1)]
    assert list(lost["value"]) == [None, None]
    assert list(lost["result"]) == [None, None]


def test_a_grade_is_the_member_and_its_number_the_value(tmp_path: Path) -> None:
    frame = graded(tmp_path).trace()
    assert_sums(frame)
    votes = frame[frame["stage"] == "vote"]
    converted = votes[votes["kind"] == "convert"].set_index(["unit", "rater"])
    assert converted[["member", "value", "result"]].to_dict("index") == {
        ("甲市", "甲市"): {"member": "优秀", "value": 95, "result": 95},
        ("乙市", "甲市"): {"member": None, "value": None, "result": None},
        ("甲市", "乙市"): {"member": None, "value": "/", "result": None},
        ("乙市", "乙市"): {"member": "良好", "value": Fraction("82.5"), "result": Fraction("82.5")},
    }
    mean = votes[(votes["kind"] == "mean") & (votes["unit"] == "甲市")]
    assert list(mean["coefficient"]) == [Fraction(1, 2)] * 2
    assert set(mean["result"]) == {Fraction(95, 2)}


def test_the_trace_leads_from_the_scores_to_the_published_finals(
    run: Result, trace: pd.DataFrame
) -> None:
    read = run.scores().set_index(["stage", "unit", "rater"])["score"]
    ballots = trace[(trace["stage"] == "mutual")].set_index(["stage", "unit", "member"])["value"]
    assert ballots.to_dict() == read[read.index.get_level_values("stage") == "mutual"].to_dict()
    results = trace.drop_duplicates(["stage", "unit"], keep="last").set_index(["stage", "unit"])
    joined = trace[trace["stage"] == "composite"]
    for stage, unit, value in joined[["member", "unit", "value"]].itertuples(index=False):
        assert results.loc[(stage, unit), "result"] == value
    for unit, final in run.ranking()[["unit", "final"]].itertuples(index=False):
        assert round_half_up(results.loc[("final", unit), "result"], 2) == final
    records = trace[(trace["stage"] == "final") & (trace["member"] != "composite")]
    assert set(records["member"]) <= {item.id for item in run.scheme.adjustments}
    assert len(records) == 15


def test_a_result_read_back_from_its_file_has_the_same_frames(run: Result) -> None:
    again, found = stored.load(result.dump(run), load_scheme("wuhu-2020"), "appraisal.json")
    assert found == []
    assert again is not None
    for name in ("ranking", "scores", "trace"):
        before, after = getattr(run, name)(), getattr(again, name)()
        pd.testing.assert_frame_equal(before, after)
        for column in before.columns:
            assert list(map(type, before[column])) == list(map(type, after[column]))


def test_a_name_of_the_scheme_never_takes_the_place_of_a_column(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8")
    text = text.replace("tier", "value").replace("id: vote", "id: final")
    found = small(tmp_path, {}, yaml.safe_load(text))
    plain = small(tmp_path / "plain", {})
    assert list(found.ranking().columns) == [
        "group", "rank", "unit", "work", "final_", "composite", "points", "final",
    ]  # fmt: skip
    assert "value_" in found.trace().columns
    renamed = {"value_": "tier"}
    frame = found.trace().rename(columns=renamed)
    assert_sums(frame)
    stages = {"final": "vote", "final_": "final"}
    frame["stage"] = frame["stage"].replace(stages)
    frame.loc[frame["stage"] == "composite", "member"] = ["work", "vote"] * 2
    pd.testing.assert_frame_equal(frame, plain.trace())


def test_pandas_is_not_imported_before_a_frame_is_asked_for() -> None:
    program = (
        "import sys\n"
        "from wuhu_appraisal import appraise, load_scheme\n"
        f"run = appraise(load_scheme('wuhu-2020'), [{str(STAGE_FILES)!r}])\n"
        "assert 'pandas' not in sys.modules\n"
        "run.ranking()\n"
        "assert 'pandas' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_a_scheme_with_findings_cannot_appraise(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="findings"):
        appraise(load_scheme(tmp_path), [STAGE_FILES])


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    import wuhu_appraisal

    with pytest.raises(AttributeError):
        _ = wuhu_appraisal.nothing
    assert not {"ranking", "scores"} & set(wuhu_appraisal.__all__)


# --- schemes that are changed in Python, and paths that are not there -----------------------------


def test_a_scheme_with_other_weights_gives_the_ranking_of_these_weights(run: Result) -> None:
    scheme = run.scheme.with_weights(professional=40, social="15")
    assert [stage.weight for stage in scheme.stages] == [40, 25, 20, 15]
    assert [stage.weight for stage in run.scheme.stages] == [45, 25, 20, 10]
    other = appraise(scheme, [STAGE_FILES])
    assert other.scheme.stage("social").weight == 15
    assert other.scheme_sha256 != run.scheme_sha256
    units = run.trace().query("stage == 'composite'").groupby("unit")
    for unit, rows in units:
        values = dict(zip(rows["member"], rows["value"], strict=True))
        composite = (
            sum(Fraction(stage.weight or 0) * values[stage.id] for stage in scheme.stages) / 100
        )
        assert other.standing_of(str(unit))[1].composite == round_half_up(composite, 2)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({"professional": 44}, "add up to 99 instead of 100"),
        ({"proffessional": 45}, "no such stage: proffessional"),
        ({"professional": 0, "social": 55}, "greater than 0"),
        ({"professional": "many"}, "decimal"),
    ],
)
def test_weights_that_no_scheme_can_have_are_refused(
    run: Result, weights: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        run.scheme.with_weights(**weights)


def test_a_copy_of_a_scheme_that_would_not_load_cannot_appraise(run: Result) -> None:
    stages = [
        stage.model_copy(update={"weight": (stage.weight or 0) - (stage.id == "social")})
        for stage in run.scheme.stages
    ]
    wrong = run.scheme.model_copy(update={"stages": stages})
    for scheme in (wrong, replace(load_scheme("wuhu-2020"), scheme=wrong)):
        with pytest.raises(ValueError, match=r"findings.*add up to 99 instead of 100"):
            appraise(scheme, [STAGE_FILES])


def test_a_copy_of_a_scheme_is_not_used_with_what_the_original_looked_up(
    tmp_path: Path,
) -> None:
    write(tmp_path / "in", SHEETS)
    loaded = load_scheme(SMALL)
    assert loaded.scheme is not None
    assert loaded.scheme.stage("vote").weight == 40
    weights = {"work": 50, "vote": 50}
    stages = [
        stage.model_copy(update={"weight": Decimal(weights[stage.id])})
        for stage in loaded.scheme.stages
    ]
    copy = loaded.scheme.model_copy(update={"stages": stages})
    result = appraise(copy, [tmp_path / "in"])
    assert result.scheme.stage("vote").weight == 50
    assert result.findings == []


@pytest.mark.parametrize("paths", ["nowhere", ["nowhere"], [STAGE_FILES, "nowhere/a.xlsx"]])
def test_a_path_that_is_not_there_is_an_error_of_the_library(paths: str | list[str | Path]) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        appraise(load_scheme("wuhu-2020"), paths)
