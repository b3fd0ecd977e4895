"""The package as a library: the same numbers as data frames."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import STAGE_FILES, Appraise

from wuhu_appraisal import appraise, load_scheme, ranking, scores


def test_the_frames_hold_the_numbers_of_the_result(appraise_cli: Appraise, tmp_path: Path) -> None:
    run = appraise(load_scheme("wuhu-2020"), [STAGE_FILES])
    frame = ranking(run)
    appraise_cli("compute", STAGE_FILES)
    groups = json.loads((tmp_path / "results/appraisal.json").read_text("utf-8"))["groups"]
    expected = [
        (group["id"], unit["rank"], unit["unit"], Decimal(unit["final"]))
        for group in groups
        for unit in group["units"]
    ]
    assert list(frame[["group", "rank", "unit", "final"]].itertuples(index=False, name=None)) == (
        expected
    )


def test_every_score_is_in_the_frame_with_its_cell() -> None:
    frame = scores(appraise(load_scheme("wuhu-2020"), [STAGE_FILES]))
    assert len(frame[frame["score"].map(lambda score: isinstance(score, Decimal))]) > 12_000
    row = frame[(frame["file"] == "日常测评/第1轮.xlsx") & (frame["unit"] == "镜湖区")].iloc[0]
    assert (row["sheet"], row["cell"], row["round"]) == ("县(市)区", "C8", "1")


def test_a_scheme_with_findings_cannot_appraise(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="findings"):
        appraise(load_scheme(tmp_path), [STAGE_FILES])


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    import wuhu_appraisal

    with pytest.raises(AttributeError):
        _ = wuhu_appraisal.nothing
