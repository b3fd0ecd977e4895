"""docs/year.md runs: a year of the office, from the forms that go out to the archive that holds.

A page is told to a shell block by block, in its order. An HTML comment before a block says what is
not typed: ``day`` is what the calendar shows, ``world`` what the offices do meanwhile, ``exit``
that the command behind it is to end with this code. What a page says is seen must be seen.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pytest
from helpers import ROOT, STAGE_FILES
from helpers.office import program

from wuhu_appraisal.workbooks.folder import DECISIONS, FROZEN

PAGES = {"en": ROOT / "docs" / "year.md", "zh": ROOT / "docs" / "year.zh-CN.md"}
STEP = re.compile(r"^<!-- (\w+) (.*?) -->$|^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NOTES, FENCES = ("day", "world", "exit"), ("sh", "text")
COMMANDS = {"doctor", "scheme", "template", "status", "validate", "freeze", "decide", "compute"}
COMMANDS |= {"explain", "report", "verify"}
PASSPHRASE = "four words for the office"
END = "-- end of block:"
LATE = "双向互评/测评县市区/市财政局.xlsx"
WRONG = "社会评议/县市区/南陵县.xlsx"


class Step(NamedTuple):
    """What a page says next: a fence's kind or a note's word, and what stands in it."""

    kind: str
    text: str


def steps(page: Path) -> list[Step]:
    """The notes and fenced blocks of a page in their order."""
    found = STEP.findall(page.read_text(encoding="utf-8"))
    return [Step(note or fence, said or block) for note, said, fence, block in found]


def commands(page: Path) -> list[str]:
    """Every command line of the blocks that are typed; one that is broken by a backslash is one."""
    typed = "".join(step.text for step in steps(page) if step.kind == "sh")
    return typed.replace("\\\n", " ").splitlines()


# What the offices do between two blocks: files come into the folder of stage files.


def come(folder: Path, *parts: str) -> None:
    for part in parts:
        source, target = STAGE_FILES / part, folder / "stage-files" / part
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def three_rounds(folder: Path) -> None:
    come(folder, *(f"日常测评/第{number}轮.xlsx" for number in (1, 2, 3)))


def public_assessment(folder: Path) -> None:
    come(folder, "社会评议")
    edit(folder / "stage-files" / WRONG, "乡镇(街道)", {"C5": "两分", "D6": 35})


def corrected_sheet(folder: Path) -> None:
    come(folder, WRONG)


def fourth_round(folder: Path) -> None:
    come(folder, "日常测评/第4轮.xlsx")


def ballots(folder: Path) -> None:
    come(folder, "双向互评")
    (folder / "stage-files" / LATE).unlink()


def late_ballot(folder: Path) -> None:
    come(folder, LATE)


def the_rest(folder: Path) -> None:
    come(folder, "专业机构测评", "加扣分")


WORLD: Mapping[str, Callable[[Path], None]] = {
    "rounds 1 to 3 of the daily measurement are in": three_rounds,
    "the public assessment comes, with mistakes in one sheet": public_assessment,
    "the corrected sheet comes": corrected_sheet,
    "round 4 of the daily measurement is in": fourth_round,
    "the ballots come, all but one": ballots,
    "the last ballot comes": late_ballot,
    "the professional assessment and the adjustments come": the_rest,
}


def edit(path: Path, sheet: str, cells: Mapping[str, str | int]) -> None:
    """Type into a workbook as an office would."""
    book = openpyxl.load_workbook(path)
    for name, value in cells.items():
        book[sheet][name] = value
    book.save(path)


class Shell:
    """One bash for a whole year: what a block exports, and where it goes, the next one finds."""

    def __init__(self, place: Path, language: str) -> None:
        self.folder = place / "home"
        self.folder.mkdir()
        # The page has the program where the README sets it up, in a copy of the repository.
        copy = self.folder / "appraise"
        (copy / ".venv").mkdir(parents=True)
        (copy / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
        (copy / "config").symlink_to(ROOT / "config")
        # Nobody is at the keyboard for the passphrase: ssh-keygen asks this program for it.
        answers = place / "passphrase"
        answers.write_text(f"#!/bin/sh\necho '{PASSPHRASE}'\n", encoding="utf-8")
        answers.chmod(0o700)
        kept = {
            name: os.environ[name]
            for name in ("PATH", "PYTHONPATH", "TMPDIR")
            if name in os.environ
        }
        self.block = place / "block.sh"
        self.bash = subprocess.Popen(
            [program("bash"), "--norc", "--noprofile"],
            cwd=self.folder,
            env=kept
            | {
                "HOME": str(self.folder),
                "LANG": "C.UTF-8",
                "APPRAISE_LANG": language,
                "SSH_ASKPASS": str(answers),
                "SSH_ASKPASS_REQUIRE": "force",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self.run("set -euo pipefail\n")

    def run(self, block: str, code: int = 0) -> str:
        """What a block shows; a failure where it does not end with the code."""
        assert self.bash.stdin is not None and self.bash.stdout is not None
        self.block.write_text(block, encoding="utf-8")
        # A block that is to fail must not end the shell, and one that is not to fail must.
        expected = "set +e\n" if code else ""
        self.bash.stdin.write(
            f"{expected}source '{self.block}' </dev/null\nprintf '\\n%s %s\\n' '{END}' $?\nset -e\n"
        )
        self.bash.stdin.flush()
        shown: list[str] = []
        for line in self.bash.stdout:
            if line.startswith(END):
                ended = int(line.removeprefix(END))
                assert ended == code, f"{block}ended with {ended}:\n{''.join(shown)}"
                return "".join(shown)
            shown.append(line)
        pytest.fail(f"{block}did not end well:\n{''.join(shown)}")

    def place(self) -> Path:
        """The folder that the shell is in."""
        return Path(self.run("pwd\n").strip())

    def close(self) -> None:
        """End it."""
        self.bash.communicate()


def squeezed(text: str) -> str:
    return " ".join(text.split())


def assert_seen(said: str, shown: str) -> None:
    """Each line of ``said`` stands in one line of what was shown; … stands for anything."""
    lines = [squeezed(line) for line in shown.splitlines()]
    for line in filter(None, map(squeezed, said.splitlines())):
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        assert any(map(pattern.search, lines)), f"{line}\nis not in\n{shown}"


def live_through(page: Path, shell: Shell) -> list[Step]:
    """Do what a page says from the first step to the last; the steps that were taken."""
    taken: list[Step] = []
    shown, code = "", 0
    for step in steps(page):
        if step.kind == "day":
            noon = datetime.fromisoformat(f"{step.text}T12:00:00+08:00")
            shell.run(f"export SOURCE_DATE_EPOCH={noon.timestamp():.0f}\n")
        elif step.kind == "world":
            WORLD[step.text](shell.place())
        elif step.kind == "exit":
            code = int(step.text)
        elif step.kind == "sh":
            shown, code = shell.run(step.text, code), 0
        else:
            assert_seen(step.text, shown)
        taken.append(step)
    return taken


@pytest.fixture
def shells(tmp_path: Path) -> Iterator[Callable[[str], Shell]]:
    """Shells in which a page's commands are typed."""
    opened: list[Shell] = []

    def opening(language: str) -> Shell:
        program("ssh-keygen")
        opened.append(Shell(tmp_path, language))
        return opened[-1]

    yield opening
    for shell in opened:
        shell.close()


@pytest.mark.slow
@pytest.mark.parametrize("language", PAGES)
def test_a_year_at_the_office_runs_and_its_archive_holds_until_a_cell_is_changed(
    language: str, shells: Callable[[str], Shell]
) -> None:
    page, shell = PAGES[language], shells(language)
    taken = live_through(page, shell)
    text = page.read_text(encoding="utf-8")
    assert len(taken) == text.count("<!--") + text.count("\n```") // 2
    assert [step.text for step in taken if step.kind == "world"] == list(WORLD)

    # A year later, in the copy of the archive, where the page ends.
    copy = shell.place()
    for name in ("stage-files", "scheme", "signers", f"stage-files/{FROZEN}"):
        assert (copy / name).exists(), name
    assert (copy / "stage-files" / DECISIONS).read_text(encoding="utf-8").count("decide:") == 3
    for name in ("appraisal.json", "ranking.xlsx", "notice.docx"):
        with (copy / "final" / name).open("rb") as signed:
            checked = subprocess.run(
                [
                    *(program("ssh-keygen"), "-Y", "verify", "-n", "appraise"),
                    *("-I", "openness-office", "-f", copy / "signers"),
                    *("-s", copy / "final" / f"{name}.sig"),
                ],
                stdin=signed,
                capture_output=True,
                text=True,
            )
        assert checked.returncode == 0, checked.stderr
    ranking = openpyxl.load_workbook(copy / "final" / "ranking.xlsx", read_only=True)
    heads = "".join(str(cell.value) for sheet in ranking for row in sheet["A1:C3"] for cell in row)
    assert "2020" in heads
    assert not re.search("送审稿|DRAFT|暂定结果|PROVISIONAL", heads), (
        "the final ranking is no draft"
    )

    again = next(step.text for step in reversed(taken) if step.kind == "sh")
    assert "appraise verify" in again
    edit(copy / "stage-files" / LATE, "评分表", {"C4": 99})
    assert f"{LATE} › 评分表 › C4" in shell.run(again, code=1)


def test_both_pages_have_the_same_steps() -> None:
    one, two = ([step for step in steps(page) if step.kind != "text"] for page in PAGES.values())
    assert one == two
    quoted = [[step.kind for step in steps(page)] for page in PAGES.values()]
    assert quoted[0] == quoted[1], "what is seen is shown on both"


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_year_takes_every_command_and_has_nothing_that_is_not_run(page: Path) -> None:
    found = steps(page)
    assert {step.kind for step in found} == {*NOTES, *FENCES}
    for step, follower in pairwise(found):
        if step.kind == "exit":
            assert follower.kind == "sh"
            lines = follower.text.replace("\\\n", " ").splitlines()
            assert len(lines) == 1, "one command has the exit code of a block"
    typed = {word for line in commands(page) for word in re.findall(r"^ *appraise (\w+)", line)}
    assert typed == COMMANDS
