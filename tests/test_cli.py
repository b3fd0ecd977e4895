"""The commands as a person uses them: what they print, write and return."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import openpyxl
import pytest
from click.testing import CliRunner
from helpers import EXAMPLES, ROOT, STAGE_FILES, Appraise
from rich.cells import cell_len

from wuhu_appraisal.cli import main

SICHUAN = ("--scheme", "sichuan-2011")


@pytest.fixture
def stage_files(tmp_path: Path) -> Path:
    """A copy of the example input that a test may spoil."""
    return Path(shutil.copytree(STAGE_FILES, tmp_path / "stage-files"))


def result_of(folder: Path) -> dict[str, Any]:
    data = json.loads((folder / "results" / "appraisal.json").read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def test_compute_ranks_7_counties_and_47_municipal_units(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    result = appraise_cli("compute", STAGE_FILES)
    assert result.exit_code == 0, result.output
    groups = result_of(tmp_path)["standings"]
    assert [(group, len(units)) for group, units in groups.items()] == [
        ("county", 7),
        ("municipal", 47),
    ]
    assert "Written: results/appraisal.json" in result.output


@pytest.mark.usefixtures("results")
def test_compute_agrees_with_a_plain_script_that_shares_no_code(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    script = ROOT / "benchmarks" / "plain.py"
    command = [sys.executable, str(script), str(STAGE_FILES), "plain.xlsx"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    groups = result_of(tmp_path)["standings"].values()
    book = openpyxl.load_workbook(tmp_path / "plain.xlsx")
    for sheet, group in zip(book.worksheets, groups, strict=True):
        header, *rows = sheet.iter_rows(values_only=True)
        names = [str(name) for name in header]
        plain = [dict(zip(names, row, strict=True)) for row in rows]
        ours = {unit["unit"]: unit for unit in group}
        assert len(plain) == len(ours)
        for row in plain:
            unit = ours[str(row["单位"])]
            assert unit["rank"] == row["名次"]
            assert Decimal(unit["final"]) == Decimal(str(row["最后得分"]))
            assert Decimal(unit["composite"]) == Decimal(str(row["综合得分"]))


def test_sichuan_gives_all_21_published_totals_and_ranks(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    result = appraise_cli("compute", EXAMPLES / "sichuan-2011", *SICHUAN)
    assert result.exit_code == 0, result.output
    (units,) = result_of(tmp_path)["standings"].values()
    with (EXAMPLES / "sichuan-2011.csv").open(encoding="utf-8") as file:
        published = {row["unit"]: row for row in csv.DictReader(file)}
    assert len(published) == 21
    assert {unit["unit"]: unit["rank"] for unit in units} == {
        name: int(row["rank"]) for name, row in published.items()
    }
    assert {unit["unit"]: Decimal(unit["final"]) for unit in units} == {
        name: Decimal(row["total"]) for name, row in published.items()
    }
    ranks = [unit["rank"] for unit in units]
    assert ranks.count(9) == 2
    assert 10 not in ranks


def test_a_published_total_that_is_not_the_sum_of_its_parts_is_shown(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    source = next((EXAMPLES / "sichuan-2011").glob("*.xlsx"))
    book = openpyxl.load_workbook(source)
    sheet = book.active
    assert sheet is not None
    cell = next(c for row in sheet.iter_rows() for c in row if c.value == 96.4)
    cell.value = 96.5
    book.save(tmp_path / source.name)
    result = appraise_cli("validate", tmp_path / source.name, *SICHUAN)
    assert f"{cell.coordinate}  warning [total-differs]" in result.output
    assert "stated for 成都市 is 96.5, but its scores add up to 96.4" in result.output
    assert result.exit_code == 0


def test_two_runs_on_the_same_input_are_equal_byte_for_byte_but_for_the_time(
    appraise_cli: Appraise, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    appraise_cli("compute", STAGE_FILES, "--out", "one")
    appraise_cli("compute", STAGE_FILES, "--out", "two")
    one, two = ((tmp_path / name / "appraisal.json").read_bytes() for name in ("one", "two"))
    assert one == two
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    appraise_cli("compute", STAGE_FILES, "--out", "three")
    three = (tmp_path / "three" / "appraisal.json").read_bytes()
    lines = [(a, b) for a, b in zip(one.splitlines(), three.splitlines(), strict=True) if a != b]
    assert [b'"computed_at"' in a for a, _b in lines] == [True]


@pytest.mark.usefixtures("results")
def test_the_result_has_the_documented_shape_with_decimal_strings(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    result = result_of(tmp_path)
    assert list(result) == [
        "format", "tool", "versions", "computed_at", "provisional", "scheme", "standings",
        "sources", "findings", "inputs", "frozen", "ledger", "remarks", "decisions", "scores",
        "trace",
    ]  # fmt: skip
    assert result["format"] == 2
    assert result["provisional"] is False
    assert set(result["scheme"]) == {"id", "title", "sha256"}
    first = result["standings"]["county"][0]
    assert first["rank"] == 1
    for text in (first["final"], first["composite"], *first["stages"].values()):
        assert isinstance(text, str)
        assert len(text.partition(".")[2]) == 2
    adjusted = [unit for unit in result["standings"]["county"] if unit["adjustments"]]
    assert {"file", "sheet", "cell"} <= set(adjusted[0]["adjustments"][0]["source"])
    assert all(len(source["sha256"]) == 64 and source["stages"] for source in result["sources"])
    warning = result["findings"][0]
    assert warning["code"] == "spread-too-small"
    assert warning["source"]["file"] == "双向互评/测评县市区/市民政局.xlsx"


def test_with_errors_nothing_is_written_and_all_of_them_are_listed(
    appraise_cli: Appraise, stage_files: Path, tmp_path: Path
) -> None:
    for name, cell, value in (("第1轮", "C6", "九十"), ("第2轮", "C7", 180)):
        path = stage_files / "日常测评" / f"{name}.xlsx"
        book = openpyxl.load_workbook(path)
        book.worksheets[0][cell] = value
        book.save(path)
    result = appraise_cli("compute", stage_files)
    assert result.exit_code == 1
    assert "日常测评/第1轮.xlsx › 县(市)区 › C6  error [score-is-numeral]" in result.output
    assert "日常测评/第2轮.xlsx › 县(市)区 › C7  error [score-over-marks]" in result.output
    assert not (tmp_path / "results").exists()


def test_provisional_says_so_everywhere_and_names_what_is_missing(
    appraise_cli: Appraise, stage_files: Path, tmp_path: Path
) -> None:
    shutil.rmtree(stage_files / "社会评议")
    refused = appraise_cli("compute", stage_files)
    assert refused.exit_code == 1
    assert "Public assessment: no scores were found for Counties and districts" in refused.output
    result = appraise_cli("compute", stage_files, "--provisional")
    assert result.exit_code == 0, result.output
    assert "PROVISIONAL" in result.output
    assert "Public assessment: no scores were found for Municipal units" in result.output
    assert result_of(tmp_path)["provisional"] is True
    assert "PROVISIONAL" in appraise_cli("explain", "镜湖区").output
    assert appraise_cli("report").exit_code == 0
    book = openpyxl.load_workbook(tmp_path / "results" / "wuhu-2020.xlsx")
    for sheet in book.worksheets:
        texts = [
            str(cell.value) for row in sheet.iter_rows(max_row=4) for cell in row if cell.value
        ]
        assert any("PROVISIONAL" in text for text in texts), sheet.title


def test_a_provisional_composite_is_the_weighted_mean_of_the_stages_that_came(
    appraise_cli: Appraise, stage_files: Path, tmp_path: Path
) -> None:
    shutil.rmtree(stage_files / "专业机构测评")
    shutil.rmtree(stage_files / "社会评议")
    appraise_cli("compute", stage_files, "--provisional")
    for unit in result_of(tmp_path)["standings"]["county"]:
        mutual, daily = Decimal(unit["stages"]["mutual"]), Decimal(unit["stages"]["daily"])
        assert abs(Decimal(unit["composite"]) - (25 * mutual + 20 * daily) / 45) <= Decimal("0.01")
        assert unit["stages"]["professional"] is None


@pytest.mark.usefixtures("results")
def test_explain_goes_from_the_final_down_to_the_cells(appraise_cli: Appraise) -> None:
    result = appraise_cli("explain", "镜湖区", "--depth", "4")
    assert result.exit_code == 0
    for text in (
        "rank 4 of 7",
        "0.7×",
        "双向互评/测评县市区/市发改委.xlsx › 评分表 › C8",
        "专业机构测评/县市区/镜湖区.xlsx › ",
        "[三(一)]",
        "Listed among the province's advanced units: +3",
        "rounded half up to 2 decimals",
    ):
        assert text in result.output


@pytest.mark.usefixtures("results")
def test_explain_asks_whether_another_unit_was_meant(appraise_cli: Appraise) -> None:
    result = appraise_cli("explain", "镜胡区")
    assert result.exit_code == 1
    assert "did you mean '镜湖区'?" in result.output


def test_report_without_a_result_says_what_to_do(appraise_cli: Appraise) -> None:
    result = appraise_cli("report")
    assert result.exit_code == 1
    assert "[result-not-found]" in result.output
    assert "run 'appraise compute' first" in result.output


def test_report_refuses_a_result_of_another_scheme(appraise_cli: Appraise) -> None:
    appraise_cli("compute", EXAMPLES / "sichuan-2011", *SICHUAN)
    result = appraise_cli("report")
    assert result.exit_code == 1
    assert "[result-other-scheme]" in result.output


@pytest.mark.parametrize("content", [b"", b"{}", b"{", b'{"format": 2}', b"\xff\xfe"])
def test_a_damaged_result_is_refused_without_a_traceback(
    appraise_cli: Appraise, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "broken.json").write_bytes(content)
    result = appraise_cli("report", "--result", "broken.json")
    assert result.exit_code == 1
    assert "[result-unreadable]" in result.output


def test_an_earlier_result_is_kept_and_never_overwritten(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    (tmp_path / "results").mkdir()
    mine = tmp_path / "results" / "appraisal.json"
    mine.write_text("a person's notes", encoding="utf-8")
    result = appraise_cli("compute", STAGE_FILES)
    assert "kept as results/appraisal.1.json" in result.output
    assert mine.with_name("appraisal.1.json").read_text("utf-8") == "a person's notes"


def test_a_folder_that_cannot_be_written_is_a_finding(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    (tmp_path / "results").write_text("a file where the folder should be", encoding="utf-8")
    result = appraise_cli("compute", STAGE_FILES, "--out", "results/deeper")
    assert result.exit_code == 1
    assert "[write-failed]" in result.output


@pytest.mark.parametrize(
    "arguments",
    [["compute"], ["nothing"], ["compute", "x", "--nothing"], ["report", "--format", "y"]],
)
def test_wrong_usage_exits_2(appraise_cli: Appraise, arguments: list[str]) -> None:
    assert appraise_cli(*arguments).exit_code == 2


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_short_help_of_every_command_is_seen_at_every_width(language: str, width: int) -> None:
    for group in (main, main.commands["scheme"]):
        assert isinstance(group, click.Group)
        path = [] if group is main else ["scheme"]
        arguments = ["--lang", language, *path, "--help"]
        result = CliRunner().invoke(main, arguments, terminal_width=width)
        for name, command in group.commands.items():
            (line,) = [line for line in result.output.splitlines() if line.split()[:1] == [name]]
            said = line.split(maxsplit=1)[1]
            assert len(said) > 10, line
            assert " ".join((command.help or "").split()).startswith(said.removesuffix("…")), line
            assert cell_len(line) <= width, line


def test_version(appraise_cli: Appraise) -> None:
    assert appraise_cli("--version").output.startswith("appraise ")


def test_no_colour_when_the_output_is_not_a_terminal(appraise_cli: Appraise) -> None:
    assert "\x1b" not in appraise_cli("compute", STAGE_FILES).output


def test_help_does_not_import_heavy_packages() -> None:
    program = (
        "import sys\n"
        "from wuhu_appraisal.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'pandas', 'openpyxl', 'pydantic', 'rich', 'xlsxwriter', 'yaml', 'python_calamine'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_scheme_and_language_come_from_the_environment(
    appraise_cli: Appraise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISE_SCHEME", "sichuan-2011")
    monkeypatch.setenv("APPRAISE_LANG", "zh")
    output = appraise_cli("scheme", "show").output
    assert "成都市" in output
    assert "口径说明" in output
    assert "Assumptions" in appraise_cli("scheme", "show", "--lang", "en").output


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data["standings"]["county"][1].update(final="99.99"),
        lambda data: data["standings"]["county"][1].update(rank=1),
        lambda data: data["standings"]["county"][0]["adjustments"][0].update(points="6"),
        lambda data: data.update(provisional=True),
        lambda data: data["standings"]["county"].pop(),
    ],
)
@pytest.mark.usefixtures("results")
def test_a_result_that_its_own_trace_contradicts_is_refused(
    appraise_cli: Appraise, tmp_path: Path, spoil: Callable[[Any], object]
) -> None:
    path = tmp_path / "results" / "appraisal.json"
    data = json.loads(path.read_text("utf-8"))
    spoil(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    result = appraise_cli("report")
    assert result.exit_code == 1
    assert "[result-inconsistent]" in result.output


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data["standings"]["county"][1].update(final="abc"),
        lambda data: data["trace"]["county"]["stages"].pop("social"),
        lambda data: data["trace"]["county"]["stages"]["daily"].clear(),
        lambda data: data["findings"][0].update(code="nothing"),
        lambda data: data.update(computed_at="yesterday"),
        lambda data: data["standings"].update(nobody=[]),
    ],
)
@pytest.mark.usefixtures("results")
def test_a_result_with_a_part_that_means_nothing_is_refused_without_a_traceback(
    appraise_cli: Appraise, tmp_path: Path, spoil: Callable[[Any], object]
) -> None:
    path = tmp_path / "results" / "appraisal.json"
    data = json.loads(path.read_text("utf-8"))
    spoil(data)
    path.write_text(json.dumps(data), encoding="utf-8")
    result = appraise_cli("report")
    assert result.exit_code == 1
    assert "[result-unreadable]" in result.output or "[result-inconsistent]" in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_who_stops_reading_the_output_does_not_lose_the_result(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("appraise")
    command = f"{program} compute {STAGE_FILES} | head -n 1"
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=False, capture_output=True)
    assert (tmp_path / "results" / "appraisal.json").is_file()


def test_a_console_in_gbk_gets_all_that_gbk_has(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("appraise")
    environment = {"PYTHONIOENCODING": "gbk", "APPRAISE_LANG": "zh", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [str(program), "compute", str(STAGE_FILES)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert "湾沚区" in done.stdout.decode("gbk")
    assert done.stderr == b""


def test_a_bonus_held_to_its_cap_is_explained_with_what_the_cap_takes(
    appraise_cli: Appraise, stage_files: Path
) -> None:
    path = stage_files / "加扣分" / "加扣分情况.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book["优秀政策解读"]
    at = next(n for n in range(1, 99) if sheet.cell(n, 2).value == "弋江区")
    for number in range(3):
        sheet.insert_rows(at + 1)
        for column, text in enumerate(("", "弋江区", "", f"reason {number}", "evidence"), 1):
            sheet.cell(at + 1, column, text)
        sheet.cell(at + 1, 3, 1)
    book.save(path)
    assert appraise_cli("compute", stage_files).exit_code == 0
    output = appraise_cli("explain", "弋江区").output
    assert (
        "Outstanding policy interpretation 3.5 + Outstanding policy interpretation · limited to 2 -1.5"
        in output
    )


def test_the_folder_of_an_earlier_result_is_passed_over_and_said(
    appraise_cli: Appraise, stage_files: Path
) -> None:
    appraise_cli("compute", stage_files, "--out", stage_files / "results")
    appraise_cli("report", "--result", stage_files / "results" / "appraisal.json")
    result = appraise_cli("compute", stage_files)
    assert result.exit_code == 0, result.output
    assert "results  warning [folder-results]" in result.output


def test_an_adjustment_of_which_no_sheet_came_is_an_error(
    appraise_cli: Appraise, stage_files: Path
) -> None:
    shutil.rmtree(stage_files / "加扣分")
    result = appraise_cli("compute", stage_files)
    assert result.exit_code == 1
    assert result.output.count("[adjustment-missing]") == 4


def test_a_result_is_not_written_over_the_folder_of_stage_files(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    shutil.copytree(EXAMPLES / "sichuan-2011", tmp_path / "year" / "in")
    before = sorted(path.name for path in (tmp_path / "year").rglob("*"))
    for out in ("year/in", "year"):
        done = appraise_cli("compute", "year/in", "--scheme", "sichuan-2011", "--out", out)
        assert done.exit_code == 1
        assert "it contains stage files" in done.stderr
    assert sorted(path.name for path in (tmp_path / "year").rglob("*")) == before
    inside = appraise_cli(
        "compute", "year/in", "--scheme", "sichuan-2011", "--out", "year/in/results"
    )
    assert inside.exit_code == 0
