"""The documents say what the program does."""

import re
import shlex
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from helpers import ROOT, Appraise
from helpers.commands import commands
from helpers.office import program
from helpers.small import Rows, write
from pages import PAGES

from wuhu_appraisal import load_scheme
from wuhu_appraisal.cli import main

READMES = ("README.md", "README.zh-CN.md")
MARKDOWN = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "tests").rglob("*.md")]
)


def blocks(text: str, marker: str) -> list[str]:
    """The code blocks behind an HTML comment with this marker."""
    return re.findall(rf"<!-- {marker} -->\n```\w*\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "findings.md" else ())
        for name in sorted(PAGES)
    ],
)
def test_a_generated_page_is_as_the_program_generates_it(name: str) -> None:
    page: Callable[[], str] = PAGES[name]
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == page(), "run python docs/pages.py"


def test_the_readme_has_one_line_for_the_main_job_and_one_for_the_tests() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for marker in ("main job", "tests"):
        (block,) = blocks(text, marker)
        assert len(block.splitlines()) == 1


def test_the_tour_of_the_readme_runs_from_the_first_command_to_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    tour = "".join(blocks(text, "tour"))
    assert len(commands(tour)) >= 6
    for line in commands(tour):
        result = CliRunner().invoke(main, shlex.split(line)[1:])
        assert result.exit_code == 0, f"{line}\n{result.output}"


def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "python")
    exec(compile(code, "README.md", "exec"), {})


def test_both_readmes_show_the_same_commands() -> None:
    one, two = (commands((ROOT / name).read_text(encoding="utf-8")) for name in READMES)
    assert one == two


def test_the_scheme_in_the_docs_has_no_findings_and_ranks(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    (text,) = blocks((ROOT / "docs" / "schemes.md").read_text(encoding="utf-8"), "scheme")
    path = tmp_path / "two-cities.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_scheme(path).findings == []
    ballot: Rows = [["单位", "得分"], ["甲市", 90], ["乙市", 80]]
    write(tmp_path, {"互评/甲市": ballot, "互评/乙市": ballot})
    result = appraise_cli("compute", tmp_path / "互评", "--scheme", path)
    assert result.exit_code == 0, result.output


def test_a_signature_made_as_the_docs_say_holds_until_one_byte_is_changed(tmp_path: Path) -> None:
    keygen, bash = program("ssh-keygen"), program("bash")
    text = (ROOT / "docs" / "signing.md").read_text(encoding="utf-8")
    (sign,), (check,) = blocks(text, "sign"), blocks(text, "check")
    key = tmp_path / ".ssh" / "appraise"
    key.parent.mkdir()
    command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    public = key.with_suffix(".pub").read_text(encoding="utf-8")
    signers = f'zhangsan@example.gov.cn namespaces="appraise" {public}'
    (tmp_path / "signers").write_text(signers, encoding="utf-8")
    result = tmp_path / "results" / "appraisal.json"
    result.parent.mkdir()
    result.write_text("{}", encoding="utf-8")

    def run(block: str) -> "subprocess.CompletedProcess[str]":
        line = block.replace("~", str(tmp_path))
        return subprocess.run([bash, "-c", line], cwd=tmp_path, capture_output=True, text=True)

    assert run(sign).returncode == 0
    assert run(check).stdout.startswith('Good "appraise" signature')
    result.write_text("[]", encoding="utf-8")
    assert run(check).returncode != 0


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_architecture_names_every_room() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.stem for path in (ROOT / "src" / "wuhu_appraisal").iterdir()}
    for room in rooms - {"__init__", "__main__", "__pycache__", "locale", "py"}:
        assert re.search(rf"^  {room}\b", text, re.MULTILINE), room


class PageRun(NamedTuple):
    """What the commands of a page printed, and the names that its Python left."""

    outputs: dict[str, str]
    names: dict[str, Any]


@pytest.fixture
def page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], PageRun]:
    """Run the commands of a page beside the examples, then its Python."""

    def run(name: str) -> PageRun:
        text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        (tmp_path / "examples").symlink_to(ROOT / "examples")
        monkeypatch.chdir(tmp_path)
        (lines,) = blocks(text, name)
        outputs = {}
        for line in commands(lines):
            result = CliRunner(env={"APPRAISE_LANG": "en"}).invoke(main, shlex.split(line)[1:])
            assert result.exit_code == 0, f"{line}\n{result.output}"
            outputs[line] = result.output
        (code,) = blocks(text, f"{name} python")
        names: dict[str, Any] = {}
        exec(compile(code, f"{name}.md", "exec"), names)
        return PageRun(outputs, names)

    return run


def test_the_page_on_raters_runs_and_says_what_the_command_says(
    page_run: Callable[[str], PageRun],
) -> None:
    printed = page_run("raters").outputs["appraise raters"]
    assert "over 112 pairs" in printed
    assert "a correlation below 0.26" in printed
    (row,) = [line for line in printed.splitlines() if "市民政局" in line]
    assert "-3.869" in row and "0.621" in row


def test_the_page_on_sensitivity_runs_and_says_what_the_command_says(
    page_run: Callable[[str], PageRun],
) -> None:
    ran = page_run("sensitivity")
    near = [
        line
        for line in ran.outputs["appraise sensitivity"].splitlines()
        if "市重点处" in line and "市信访局" in line and "0.0062" in line
    ]
    assert len(near) == 1 and "0.01" in near[0] and "0.0904" in near[0]
    (pair,) = ran.names["pair"].itertuples()
    assert (pair.shares, pair.turns) == (Fraction(253, 2800), Fraction(271, 625))
    ranks = ran.names["again"].ranking().set_index("unit")["rank"]
    assert ranks["市重点处"] == ranks["市信访局"] == 8
