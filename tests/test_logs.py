"""The operations log: what stands in it, what never does, and that nothing changes without it."""

import json
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import click
import openpyxl
import pytest
from click.testing import CliRunner, Result
from helpers import EXAMPLES, ROOT, STAGE_FILES, Appraise
from helpers.commands import CASES

from wuhu_appraisal.cli import main
from wuhu_appraisal.cli.log import HEAD
from wuhu_appraisal.files import write_whole
from wuhu_appraisal.scheme.models import Scheme

Line: TypeAlias = dict[str, Any]

APPRAISE = [sys.executable, "-m", "wuhu_appraisal"]
PASSWORD = "kein-Wort-7!x"
NO_TEXT = {"time", "process", "seconds", "sha256", "size", "python"}
"""Fields whose digits are no score, whatever they look like."""

SCORE, WORDS = "187.253", "八十九点三三"
"""What two cells hold that are wrong."""


@pytest.fixture(autouse=True)
def _the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")


def lines(path: Path) -> list[Line]:
    """The lines of a log, of which each is an object that begins with the same keys."""
    content = path.read_text(encoding="utf-8")
    assert content.endswith("\n")
    found = [json.loads(line) for line in content.split("\n")[:-1]]
    assert all(tuple(line)[: len(HEAD)] == HEAD for line in found)
    return found


def events(path: Path) -> list[str]:
    return [line["event"] for line in lines(path)]


def texts(found: Sequence[Line], *without: str) -> str:
    """All that lines say but in the fields that are left out."""
    left = [
        {name: value for name, value in line.items() if name not in (*NO_TEXT, *without)}
        for line in found
    ]
    return json.dumps(left, ensure_ascii=False)


def numbers_in(text: str, numbers: set[str]) -> set[str]:
    """Which of the numbers stand in a text as a whole."""
    return numbers & set(re.findall(r"(?<![\d.])\d+\.\d+(?![\d.])", text))


def published(folder: Path) -> tuple[set[str], set[str]]:
    """The finals, and all numbers with a point, that the result in a folder holds."""
    content = (folder / "results" / "appraisal.json").read_text(encoding="utf-8")
    groups = json.loads(content)["standings"].values()
    finals = {unit["final"] for group in groups for unit in group}
    return finals, set(re.findall(r'"(\d+\.\d+)"', content)) | finals


def spoilt(folder: Path) -> Path:
    """A copy of the example input with two cells that cannot be scores."""
    shutil.copytree(STAGE_FILES, folder)
    for name, cell, value in (("第1轮", "C6", WORDS), ("第2轮", "C7", float(SCORE))):
        path = folder / "日常测评" / f"{name}.xlsx"
        book = openpyxl.load_workbook(path)
        book.worksheets[0][cell] = value
        book.save(path)
    return folder


def start(folder: Path, *arguments: str | Path, **more: Any) -> "subprocess.Popen[str]":
    """The real command line as a process of its own."""
    environment = {**os.environ, "APPRAISE_LANG": "en", **more.pop("env", {})}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [*APPRAISE, *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, env=environment, **{**pipes, **more})


def run(folder: Path, *arguments: str | Path, **more: Any) -> tuple[int, str, str]:
    """Its exit code, and what it said on standard output and on standard error."""
    child = start(folder, *arguments, **more)
    out, errors = child.communicate(timeout=60)
    return child.returncode, out or "", errors


def commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for child in command.commands.values():
            yield from commands(child)


def documented_events() -> set[str]:
    """The events in the table of docs/logging.md."""
    text = (ROOT / "docs" / "logging.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z.`, ]+`) \|", text, re.MULTILINE)
    return {event for row in rows for event in re.findall(r"`([a-z]+(?:\.[a-z]+)?)`", row)}


# What every command does


def test_every_command_takes_both_options() -> None:
    for command in commands(main):
        taken = {name for parameter in command.params for name in parameter.opts}
        assert {"--verbose", "--log"} <= taken, command.name


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which each of the commands has what it needs."""
    folder = tmp_path_factory.mktemp("ready")
    shutil.copytree(EXAMPLES / "sichuan-2011", folder / "in")
    (folder / "secret").write_text(f"{PASSWORD}\n", encoding="utf-8")
    assert run(folder, "compute", "in", "--scheme", "sichuan-2011")[0] == 0
    return folder


@pytest.mark.parametrize("path", sorted(CASES), ids=" ".join)
def test_a_command_prints_the_same_with_a_log_and_without(
    ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.setenv("APPRAISE_LANG", "en")
    monkeypatch.setenv("APPRAISE_SCHEME", "sichuan-2011")
    results: list[Result] = []
    for more in ((), ("--log", "../my.log", "--verbose"), ("--log", "../my.log"), ()):
        shutil.rmtree(tmp_path / "here", ignore_errors=True)
        monkeypatch.chdir(shutil.copytree(ready, tmp_path / "here"))
        results.append(CliRunner().invoke(main, [*path, *CASES[path][0], *more]))
    before, verbose, logged, after = results
    assert before.exit_code == 0, before.output
    assert {item.exit_code for item in results} == {0}
    # How much room the disk has is another thing each time.
    said = {re.sub(r"\d+ MB", "", item.stdout) for item in results}
    assert len(said) == 1
    assert before.stderr_bytes == logged.stderr_bytes == after.stderr_bytes
    assert verbose.stderr.endswith("with exit code 0\n")
    found = lines(tmp_path / "my.log")
    for event in ("command.start", "command.end"):
        assert [line["event"] for line in found].count(event) == 2
    assert found[0]["command"] == " ".join(path)
    assert found[-1]["exit_code"] == 0
    assert {line["event"] for line in found} <= documented_events()
    assert set(found[0]) - set(HEAD) == {"command", "options", "python"}


def test_a_log_that_is_asked_for_before_the_command_is_kept_too(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    assert appraise_cli("--log", "a.log", "scheme", "--verbose", "schema").exit_code == 0
    assert events(tmp_path / "a.log") == ["command.start", "command.end"]


def test_nothing_is_left_of_a_log_when_its_command_has_ended(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    library = logging.getLogger("wuhu_appraisal")
    for number in (1, 2):
        appraise_cli("scheme", "check", "--log", "a.log")
        assert library.handlers == []
        assert library.level == logging.NOTSET
        assert events(tmp_path / "a.log").count("command.start") == number
    assert appraise_cli("scheme", "check").stderr == ""
    assert len(events(tmp_path / "a.log")) == 6


def test_the_library_logs_as_every_other_and_says_nothing_where_nobody_listens(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.INFO, "wuhu_appraisal"):
        write_whole(tmp_path / "a.txt", b"abc")
    (record,) = caplog.records
    assert record.name == "wuhu_appraisal.files"
    assert record.getMessage() == f"Written: {tmp_path / 'a.txt'} (bytes: 3)"
    caplog.clear()
    write_whole(tmp_path / "b.txt", b"abc")
    assert caplog.records == []


# What stands in the log


def test_the_log_of_a_computation_tells_what_went_in_and_what_came_out(
    appraise_cli: Appraise, tmp_path: Path, wuhu: Scheme
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "appraisal.json").write_text("earlier", encoding="utf-8")
    result = appraise_cli("compute", STAGE_FILES, "--log", "logs/a.log")
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE((tmp_path / "logs" / "a.log").stat().st_mode) == 0o600
    found = lines(tmp_path / "logs" / "a.log")
    saved = json.loads((tmp_path / "results" / "appraisal.json").read_text(encoding="utf-8"))
    of = {event: [line for line in found if line["event"] == event] for event in events_of(found)}
    assert of["command.start"][0]["options"] == {"paths": [str(STAGE_FILES)]}
    assert {(line["file"], line["sha256"]) for line in of["file.read"]} == {
        (source["file"], source["sha256"]) for source in saved["sources"]
    }
    for line in of["file.read"]:
        assert line["size"] == (STAGE_FILES / line["file"]).stat().st_size
        assert line["sheets"] >= 1
    blocks = [
        block
        for stages in saved["scores"].values()
        for blocks_of_stage in stages.values()
        for block in blocks_of_stage
    ]
    scores = sum(
        value not in ("", None) for block in blocks for row in block["values"] for value in row
    )
    assert sum(line["scores"] for line in of["file.read"]) == scores
    assert {(line["stage"], line["group"]) for line in of["stage.scored"]} == {
        (stage.id, group.id) for stage in wuhu.stages for group in wuhu.groups
    }
    assert [(line["group"], line["units"], line["ranked"]) for line in of["group.ranked"]] == [
        ("county", 7, 7),
        ("municipal", 47, 47),
    ]
    assert (of["findings"][0]["error"], of["findings"][0]["warning"]) == (0, 1)
    (warning,) = of["finding"]
    assert (warning["level"], warning["code"]) == ("warning", "spread-too-small")
    assert warning["file"] == "双向互评/测评县市区/市民政局.xlsx"
    (written,) = of["file.written"]
    assert (written["file"], written["kept"]) == (
        "results/appraisal.json",
        "results/appraisal.1.json",
    )
    assert {line["time"] for line in found} == {"2020-09-13T12:26:40+00:00"}


def test_times_are_in_utc_wherever_the_office_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    before = datetime.now(UTC).replace(microsecond=0)
    run(tmp_path, "scheme", "schema", "--log", "a.log", env={"TZ": "Asia/Shanghai"})
    for line in lines(tmp_path / "a.log"):
        assert line["time"].endswith("+00:00")
        assert before <= datetime.fromisoformat(line["time"]) <= datetime.now(UTC)


def events_of(found: Sequence[Line]) -> dict[str, None]:
    return dict.fromkeys(line["event"] for line in found)


@pytest.mark.slow
@pytest.mark.parametrize("verbose", [False, True], ids=["plain", "verbose"])
def test_scores_and_names_of_units_stand_in_a_log_only_where_it_is_verbose(
    appraise_cli: Appraise, tmp_path: Path, verbose: bool
) -> None:
    log = ["--log", "a.log", *(["--verbose"] if verbose else [])]
    bad = spoilt(tmp_path / "bad")
    codes = [
        appraise_cli(*arguments, *log).exit_code
        for arguments in (
            ("compute", STAGE_FILES),
            ("validate", bad),
            ("compute", bad),
            ("report", "--unit", "镜湖区"),
            ("explain", "镜湖区"),
            ("explain", "镜湖区", "--against", "弋江区"),
            ("explain", "镜胡区"),
            ("status", bad),
            ("verify", "--files", STAGE_FILES),
            ("freeze", bad, "--by", "张三", "--reason", "83.33"),
            (
                "decide", bad, "--as", "correct", "--file", "日常测评/第3轮.xlsx", "--cell", "C7",
                "--was", "71.111", "--value", "72.222", "--reason", "张三", "--by", "李四",
                "--clause", "一", "--yes",
            ),
        )
    ]  # fmt: skip
    assert codes == [0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    found = lines(tmp_path / "a.log")
    finals, numbers = published(tmp_path)
    assert len(finals) > 40
    said = texts(found)
    unnamed = texts(found, "file", "sheet", "kept")
    saved = json.loads((tmp_path / "results" / "appraisal.json").read_text(encoding="utf-8"))
    units = {unit["unit"] for group in saved["standings"].values() for unit in group}
    private = {"张三", "李四", "83.33", "71.111", "72.222", SCORE, WORDS}
    if verbose:
        assert numbers_in(said, finals) == finals
        assert {name for name in units if name in unnamed} == units
        assert {text for text in private if text in said} == private
        ranking = next(line for line in found if line["event"] == "group.ranked")["ranking"]
        assert ranking[0]["rank"] == 1
    else:
        assert numbers_in(said, numbers) == set()
        assert {name for name in units if name in unnamed} == set()
        assert {text for text in private if text in said} == set()
        assert not {"message", "ranking", "traceback"} & {key for line in found for key in line}
    places = {(line["code"], line.get("cell")) for line in found if line["event"] == "finding"}
    assert {("score-is-numeral", "C6"), ("score-over-marks", "C7")} <= places


@pytest.mark.parametrize(
    "verbose", [pytest.param((), marks=pytest.mark.slow), ("--verbose",)], ids=["plain", "verbose"]
)
def test_no_log_holds_a_password_or_the_environment(tmp_path: Path, verbose: Sequence[str]) -> None:
    (tmp_path / "pass.txt").write_text(PASSWORD, encoding="utf-8")
    log = ["--log", "a.log", *verbose]
    given = ["--password-file", "pass.txt"]
    new = {"APPRAISE_NEW_PASSWORD": PASSWORD + "2", "SOMETHING": "of-the-environment"}
    only = {**new, "APPRAISE_PASSWORD": PASSWORD}
    for arguments, environment in (
        (["compute", STAGE_FILES, "--encrypt-result", *given], {}),
        (["explain", "镜湖区", *given], {}),
        (["report", "--encrypt"], only),
        (["compute", STAGE_FILES, f"--password={PASSWORD}"], only),
        (["explain", "镜湖区", "--password-file", PASSWORD], {}),
        (["report", "--encrypt", *given, "--new-password-file", PASSWORD], {}),
    ):
        run(tmp_path, *arguments, *log, env=environment)
    content = (tmp_path / "a.log").read_text(encoding="utf-8")
    checks = {"encryption.asked", "encryption.checked", "result.opened"}
    assert checks <= set(events(tmp_path / "a.log"))
    assert content.count('"exit_code": 0') == 3
    assert "of-the-environment" not in content
    assert PASSWORD not in content


def test_the_checks_of_freezing_deciding_and_verifying_are_logged(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    shutil.copytree(STAGE_FILES, tmp_path / "in")
    appraise_cli("compute", "in")
    for arguments in (
        ("freeze", "in"),
        ("compute", "in"),
        ("decide", "in", "--as", "set_aside", "--file", "日常测评/第1轮.xlsx", "--reason", "A",
         "--yes"),
        ("verify", "--files", "in"),
    ):  # fmt: skip
        appraise_cli(*arguments, "--log", "a.log")
    found = {line["event"]: line for line in lines(tmp_path / "a.log")}
    assert found["freeze.checked"]["stages"][0] == "professional"
    assert found["stage.frozen"]["files"] > 0
    assert found["decision.checked"]["decide"] == "set_aside"
    assert found["verify.compared"]["findings"] > 0


# How a command ended


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("scheme", "check"), 0),
        (("report",), 1),
        (("compute", "nowhere"), 1),
        (("compute",), 2),
        (("compute", "in", "--nothing"), 2),
        (("nothing",), 2),
        (("report", "--audience", "unit"), 2),
    ],
)
def test_the_last_line_tells_how_the_command_ended(
    appraise_cli: Appraise, tmp_path: Path, arguments: Sequence[str], code: int
) -> None:
    for log in (["--log", "a.log"], ["--log=b.log"]):
        assert appraise_cli(*log, *arguments).exit_code == code
        assert appraise_cli(*arguments, *log).exit_code == code
    for name in ("a.log", "b.log"):
        found = lines(tmp_path / name)
        assert [line["event"] for line in found].count("command.end") == 2
        assert found[0]["event"] == "command.start"
        last = found[-1]
        assert (last["event"], last["exit_code"]) == ("command.end", code)
        assert last["level"] == ("error" if code else "info")
        assert 0 <= last["seconds"] < 60


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_last_line_tells_which_signal_ended_the_command(
    tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "a.log"
    password = tmp_path / "password"
    os.mkfifo(password)
    arguments = ("validate", STAGE_FILES, "--password-file", "password", "--log", log)
    child = start(tmp_path, *arguments)
    # It waits for a password, and nobody writes one. Python loses a signal that comes while it
    # imports a module, so the signal waits until the file has a reader.
    pipe = None
    while pipe is None:
        with suppress(OSError):
            pipe = os.open(password, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.01)
    child.send_signal(number)
    _out, errors = child.communicate(timeout=60)
    os.close(pipe)
    assert "Stopped." in errors
    assert child.returncode == 128 + number
    last = lines(log)[-1]
    assert (last["event"], last["exit_code"], last["error"]) == (
        "command.end",
        128 + number,
        number.name,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the device is Linux's")
def test_the_last_line_tells_that_the_system_failed(tmp_path: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        code, _out, errors = run(tmp_path, "scheme", "schema", "--log", "a.log", stdout=full)
    assert code == 1
    assert "The system failed" in errors
    assert "Traceback" not in errors
    last = lines(tmp_path / "a.log")[-1]
    assert (last["exit_code"], last["error"]) == (1, "OSError")
    assert "traceback" not in last


def test_only_a_verbose_log_tells_where_an_error_came_from_that_nobody_expected(
    appraise_cli: Appraise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("77.77 is no score")

    monkeypatch.setattr("wuhu_appraisal.scheme.models.json_schema", broken)
    appraise_cli("scheme", "schema", "--log", "a.log")
    result = appraise_cli("scheme", "schema", "--log", "b.log", "--verbose")
    plain, verbose = (lines(tmp_path / name)[-1] for name in ("a.log", "b.log"))
    assert (plain["exit_code"], plain["error"]) == (1, "RuntimeError")
    assert "77.77" not in (tmp_path / "a.log").read_text(encoding="utf-8")
    assert "77.77 is no score" in verbose["traceback"]
    assert "Traceback" not in result.stderr
    assert result.stderr.endswith("exit code 1: RuntimeError\n")


# Where a log may stand


@pytest.mark.parametrize(
    ("log", "problem"),
    [
        ("folder", "there is a folder or a device in its place"),
        ("notes.txt", "the file there is not a log of this program"),
        ("data.json", "the file there is not a log of this program"),
        ("lines.jsonl", "the file there is not a log of this program"),
        ("deep.json", "the file there is not a log of this program"),
        ("book.xlsx", "the file there is not a log of this program"),
        ("notes.txt/a.log", "File exists"),
        ("in/a.log", "it is in a folder that is read"),
        ("in/empty.csv", "it is in a folder that is read"),
        ("into/a.log", "it is in a folder that is read"),
    ],
)
def test_a_log_is_refused_where_it_could_spoil_what_a_person_made(
    appraise_cli: Appraise, tmp_path: Path, log: str, problem: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "in").mkdir()
    (tmp_path / "into").symlink_to(tmp_path / "in")
    shutil.copy(STAGE_FILES / "日常测评" / "第1轮.xlsx", tmp_path / "book.xlsx")
    for name, content in (
        ("notes.txt", "notes"),
        ("data.json", '{"time": "2020"}\n'),
        ("lines.jsonl", '["time", "level", "event", "appraise", "process"]\n'),
        ("deep.json", "[" * 100_000),
        ("in/empty.csv", ""),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = appraise_cli("validate", "in", "--log", log)
    assert result.exit_code == 1
    assert "[write-failed]" in result.stderr
    assert problem in result.stderr
    assert result.stdout == ""
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform != "linux", reason="the device is Linux's")
def test_a_device_takes_no_log(appraise_cli: Appraise) -> None:
    result = appraise_cli("scheme", "check", "--log", "/dev/full")
    assert result.exit_code == 1
    assert "there is a folder or a device in its place" in result.stderr


def test_verify_writes_no_log_into_the_stage_files_that_it_takes_by_itself(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    shutil.copytree(STAGE_FILES, tmp_path / "stage-files")
    assert appraise_cli("compute", "stage-files").exit_code == 0
    assert appraise_cli("verify", "--log", "stage-files/a.log").exit_code == 1
    assert not (tmp_path / "stage-files" / "a.log").exists()


def test_a_line_that_was_cut_short_stays_alone(appraise_cli: Appraise, tmp_path: Path) -> None:
    appraise_cli("scheme", "schema", "--log", "a.log")
    log = tmp_path / "a.log"
    log.write_bytes(log.read_bytes()[:-20])
    appraise_cli("scheme", "schema", "--log", "a.log")
    _first, cut, *more = log.read_text(encoding="utf-8").splitlines()
    with pytest.raises(ValueError, match="line 1"):
        json.loads(cut)
    assert [json.loads(line)["event"] for line in more] == ["command.start", "command.end"]


@pytest.mark.slow
def test_commands_at_the_same_time_share_a_log_line_by_line(tmp_path: Path) -> None:
    children = [start(tmp_path, "validate", STAGE_FILES, "--log", "a.log") for _number in range(4)]
    for child in children:
        child.communicate(timeout=60)
    found = lines(tmp_path / "a.log")
    for child in children:
        own = [line["event"] for line in found if line["process"] == child.pid]
        assert (own[0], own[-1]) == ("command.start", "command.end")
        assert len(own) == len(found) / 4


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_log_that_cannot_be_kept_to_its_end_is_said_and_the_work_is_done(
    tmp_path: Path,
) -> None:
    program = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "from wuhu_appraisal.cli import main\n"
        "main(sys.argv[1:], prog_name='appraise')\n"
    )
    arguments = ["validate", str(STAGE_FILES), "--lang", "en", "--log", "a.log"]
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "[spread-too-small]" in done.stdout
    assert done.stderr.startswith("The log is incomplete: a.log: ")
    assert "Traceback" not in done.stderr
    assert done.returncode == 1


# What is told on standard error


def test_verbose_tells_every_event_in_the_language_that_is_asked_for(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    bad = spoilt(tmp_path / "bad")
    result = appraise_cli("validate", bad, "--json", "--verbose", "--log", "a.log")
    told = result.stderr.splitlines()
    assert len(told) == len(lines(tmp_path / "a.log"))
    assert json.loads(result.stdout)
    assert f"Begun: validate paths={bad} as_json=True" in told[0]
    assert any(line.startswith("Read: 日常测评/第1轮.xlsx (bytes: ") for line in told)
    place = "日常测评/第1轮.xlsx › 县(市)区 › C6  error [score-is-numeral] "
    assert any(line.startswith(place) and WORDS in line for line in told)
    assert "Findings of severity error: 2, of severity warning: 1" in told


def test_a_name_cannot_bring_a_terminal_escape_into_the_log_or_onto_the_screen(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    name = "a\x1b[31m\u202eb\x9b\u2028c"
    shutil.copytree(EXAMPLES / "sichuan-2011", tmp_path / name)
    path = next((tmp_path / name).iterdir())
    path.rename(path.with_name(f"{name}.xlsx"))
    result = appraise_cli(
        "compute", name, "--scheme", "sichuan-2011", "--out", f"{name}-out", "--verbose",
        "--log", f"{name}.log",
    )  # fmt: skip
    content = (tmp_path / f"{name}.log").read_text(encoding="utf-8")
    for text in (result.stderr, content):
        assert text.replace("\n", "").isprintable()
    assert lines(tmp_path / f"{name}.log")[0]["options"]["paths"] == [name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_what_is_told_stands_above_a_progress_bar_and_not_in_it(tmp_path: Path) -> None:
    import pty

    program = (
        "import time\n"
        "import logging\n"
        "from wuhu_appraisal.cli import log\n"
        "from wuhu_appraisal.output.text import with_progress\n"
        "log.begin(None, (), verbose=True)\n"
        "for number in with_progress(range(4), 4, 'working'):\n"
        "    text = 'Frozen: %(stage)s (files: %(files)s)'\n"
        "    logger = logging.getLogger('wuhu_appraisal.cli')\n"
        "    logger.info(text, {'stage': f'stage{number}', 'files': number})\n"
        "    time.sleep(0.6)\n"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-c", program]
    child = subprocess.Popen(command, stderr=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            part = b""
        if not part:
            break
        shown += part
    assert child.wait() == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "working" in plain
    told = [line.rpartition("\r")[2] for line in plain.split("\r\n") if "Frozen" in line]
    assert told == [f"Frozen: stage{number} (files: {number})" for number in range(4)]


@pytest.mark.parametrize(
    ("command", "log"),
    [
        (("report", "--format", "json", "--out", "o.json"), "o.json"),
        (("report", "--format", "json", "--out", "link.json"), "o.json"),
        (("compute", STAGE_FILES, "--out", "n"), "n/appraisal.json"),
    ],
)
def test_no_output_takes_the_place_of_the_commands_own_log(
    appraise_cli: Appraise, tmp_path: Path, command: Sequence[str | Path], log: str
) -> None:
    assert appraise_cli("compute", STAGE_FILES).exit_code == 0
    (tmp_path / "link.json").symlink_to("o.json")
    done = appraise_cli(*command, "--log", log)
    assert done.exit_code == 1
    assert "the log of this command is in its place" in done.stderr
    lines = (tmp_path / log).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["event"] == "command.start"
    assert json.loads(lines[-1])["event"] == "command.end"


def test_a_log_does_not_stand_among_the_files_of_a_scheme(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    assert appraise_cli("scheme", "copy", "scheme").exit_code == 0
    log = ("--log", "scheme/cases/log.yaml")
    assert appraise_cli("compute", STAGE_FILES, "--scheme", "scheme", *log).exit_code == 1
    assert not (tmp_path / "scheme" / "cases" / "log.yaml").exists()
