"""The doctor says what is wrong with this computer and what to do, and stops only for that."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from helpers import Appraise

from wuhu_appraisal import __version__
from wuhu_appraisal.cli.doctor import DISTRIBUTION, LEAST_FREE, State, checks


def looked(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What the doctor says in a process of its own, on an output that is no terminal."""
    known = {"PATH": os.environ["PATH"], "APPRAISE_LANG": "en", "HOME": str(folder), **environment}
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    command = [sys.executable, "-m", "wuhu_appraisal", "doctor", *arguments]
    return subprocess.run(
        command, cwd=folder, env=known, capture_output=True, encoding=encoding, errors="replace"
    )


def found(folder: Path, *arguments: str, **environment: str) -> dict[str, dict[str, Any]]:
    done = looked(folder, *arguments, "--json", **environment)
    return {item["name"]: item for item in json.loads(done.stdout)}


def test_a_computer_that_can_work_is_told_so(tmp_path: Path) -> None:
    done = looked(tmp_path)
    assert done.returncode == 0
    assert f"ok  appraise: {__version__}\n" in done.stdout
    assert "ok  folder of results: results can be written to" in done.stdout


def test_every_package_that_the_program_needs_is_looked_at(tmp_path: Path) -> None:
    needed = {
        line for line in metadata.requires(DISTRIBUTION) or [] if "extra ==" not in line
    }  # fmt: skip
    said = found(tmp_path)
    assert needed
    for line in needed:
        (name,) = [name for name in said if line.startswith(name)]
        assert said[name]["found"] == metadata.version(name)


def test_a_package_that_is_missing_stops_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda _name: ["click>=8", "no-such-package>=1"])
    said = {item.name: item for item in checks(Path(), "utf-8")}
    assert said["click"].state is State.OK
    assert said["no-such-package"].state is State.ERROR
    assert said["no-such-package"].advice


def test_a_terminal_without_chinese_is_warned_of_and_stops_nothing(tmp_path: Path) -> None:
    for encoding, state in (("ascii", "warning"), ("gbk", "ok"), ("utf-8", "ok")):
        item = found(tmp_path, PYTHONIOENCODING=encoding, PYTHONUTF8="0")["terminal"]
        assert (item["found"], item["state"]) == (encoding, state)
    assert looked(tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0").returncode == 0


def test_a_folder_that_cannot_be_written_to_stops_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = looked(tmp_path, "--out", "file/results")
    assert done.returncode == 1
    assert "error  folder of results: file/results cannot be written to" in done.stdout
    assert "→ choose another with --out" in done.stdout


def test_a_full_disk_stops_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = type("Usage", (), {"free": LEAST_FREE - 1})
    monkeypatch.setattr("shutil.disk_usage", lambda _place: usage)
    *_rest, last = checks(tmp_path, "utf-8")
    assert last.state is State.ERROR
    assert last.advice


def test_nothing_is_left_behind_and_no_folder_is_made(tmp_path: Path) -> None:
    looked(tmp_path, "--out", "a/b/c")
    assert list(tmp_path.iterdir()) == []


def test_neither_fonts_nor_libreoffice_are_needed(tmp_path: Path) -> None:
    done = looked(tmp_path, PATH=str(tmp_path))
    assert done.returncode == 0
    assert "LibreOffice: not installed; the program does not need it" in done.stdout
    assert "font 仿宋" not in done.stdout


@pytest.mark.parametrize(
    ("families", "states"),
    [
        ("SimSun,宋体\nFangSong\nFZXiaoBiaoSong-B05S,方正小标宋简体\n", ["ok"] * 3),
        ("DejaVu Sans\nSTFangsong\n", ["warning", "ok", "warning"]),
    ],
)
def test_a_font_that_is_missing_is_named_unless_another_stands_in_for_it(
    tmp_path: Path, families: str, states: list[str]
) -> None:
    listing = tmp_path / "fc-list"
    listing.write_text(f"#!{sys.executable}\nprint({families!r})\n", encoding="utf-8")
    listing.chmod(0o700)
    said = found(tmp_path, PATH=str(tmp_path))
    assert [item["state"] for name, item in said.items() if name.startswith("font ")] == states


def test_the_home_folder_is_not_shown(tmp_path: Path) -> None:
    done = looked(tmp_path, "--out", str(tmp_path / "results"))
    assert str(tmp_path) not in done.stdout + done.stderr
    assert "~/results can be written to" in done.stdout


def test_a_name_that_a_terminal_would_obey_is_shown_harmless(tmp_path: Path) -> None:
    assert "\x1b" not in looked(tmp_path, "--out", "\x1b[31m").stdout


def test_both_languages_are_spoken(appraise_cli: Appraise) -> None:
    assert "folder of results" in appraise_cli("--lang", "en", "doctor").output
    assert "folder of results" not in appraise_cli("--lang", "zh", "doctor").output
