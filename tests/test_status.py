"""The submission matrix: what the scheme expects, what came, what is missing, what came twice."""

import io
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers import STAGE_FILES, Appraise
from rich.cells import cell_len
from rich.console import Console

from wuhu_appraisal.appraisal import submitted
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output import text as terminal
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Scheme


@pytest.fixture
def stage_files(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STAGE_FILES, tmp_path / "stage-files"))


def matrix(appraise_cli: Appraise, folder: Path) -> list[dict[str, Any]]:
    result = appraise_cli("status", folder, "--json")
    assert result.exit_code == 0, result.output
    return list(json.loads(result.output))


def test_it_expects_each_ballot_sheet_round_and_adjustment(appraise_cli: Appraise) -> None:
    found = matrix(appraise_cli, STAGE_FILES)
    assert {item["state"] for item in found} == {"came"}
    assert Counter(item["form"] for item in found) == {
        "professional-government": 7,
        "professional-township": 7,
        "professional-department": 7,
        "professional-municipal": 1,
        "mutual-county": 16,
        "mutual-municipal": 7,
        "daily-county": 4,
        "daily-municipal": 4,
        "social-government": 7,
        "social-township": 7,
        "social-department": 7,
        "social-municipal": 1,
        "provincial_rank": 1,
        "outstanding_interpretation_county": 1,
        "outstanding_interpretation_municipal": 1,
        "grassroots_standardisation": 1,
        "power_allocation": 1,
    }


def test_it_names_what_is_missing_and_what_came_twice(
    appraise_cli: Appraise, stage_files: Path
) -> None:
    ballots = stage_files / "双向互评" / "测评县市区"
    (ballots / "市财政局.xlsx").unlink()
    shutil.copy(ballots / "市教育局.xlsx", ballots / "芜湖市教育局.xlsx")
    found = {
        (item["form"], *item["members"]): item
        for item in matrix(appraise_cli, stage_files)
        if item["state"] != "came"
    }
    assert {key: item["state"] for key, item in found.items()} == {
        ("mutual-county", "市财政局"): "missing",
        ("mutual-county", "市教育局"): "twice",
    }
    files = [source["file"] for source in found["mutual-county", "市教育局"]["sources"]]
    assert len(set(files)) == 2
    output = appraise_cli("status", stage_files, "--missing", "--lang", "zh").output
    assert "市财政局" in output
    assert "缺报" in output
    assert "市发改委" not in output
    refused = appraise_cli("compute", stage_files)
    assert refused.exit_code == 1
    assert "[file-copy]" in refused.output


def test_an_empty_folder_is_missing_everything(appraise_cli: Appraise, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert {item["state"] for item in matrix(appraise_cli, tmp_path / "in")} == {"missing"}


def test_only_what_is_missing_is_shown_and_all_of_it_is_counted(
    appraise_cli: Appraise, stage_files: Path
) -> None:
    (stage_files / "双向互评" / "测评县市区" / "市财政局.xlsx").unlink()
    done = appraise_cli("status", stage_files, "--missing")
    assert "came 79, not sent 1, came twice 0" in done.output
    rows = [line for line in done.output.splitlines() if line.startswith("| ")]
    assert [row.split("|")[3].strip() for row in rows[1:]] == ["市财政局"]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_narrow_window_takes_no_column_away(width: int, wuhu: Scheme) -> None:
    found, _findings = submitted(wuhu, [STAGE_FILES])
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None)
    terminal.print_table(console, view.status(found, missing=False))
    lines = stream.getvalue().splitlines()
    header = next(line for line in lines if line.startswith("|"))
    assert [cell.strip() != "" for cell in header.strip("|").split("|")] == [True] * 5
    words = "".join(cell.strip() for line in lines for cell in line.split("|"))
    # 80 rows, and two of the counts below them.
    assert words.count("came") == 82
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize("width", [40, 60])
def test_a_ranking_is_wider_than_a_narrow_window_rather_than_cut_off(
    width: int, wuhu_run: Result
) -> None:
    stream = io.StringIO()
    terminal.print_rankings(
        Console(file=stream, width=width, force_terminal=True, color_system=None), wuhu_run
    )
    for group, standings in wuhu_run.standings.items():
        for item in standings:
            line = next(li for li in stream.getvalue().splitlines() if f"|{item.unit}" in li)
            assert str(item.final) in line, group
            assert all(str(score) in line for score in item.stages.values())
