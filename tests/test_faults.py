"""Nothing is lost and nothing half written, whatever ends a run: real processes, real faults.

A world is a folder with a scheme, its input and two results. Each command turns one old state of a
world into one new state, byte for byte; whatever happens on the way, every file must be the old
one or the new one, and what stood there before must still be there.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pytest
from docx import Document
from helpers import ROOT, slow_but
from helpers.office import absent, program
from helpers.sheets import RIGHT, findings

from wuhu_appraisal import load_scheme
from wuhu_appraisal import store as stored
from wuhu_appraisal.files import LOCK, PREFIX, write_whole

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the faults are made as Linux does")

State: TypeAlias = Mapping[str, str]
"""The visible files of a world by their paths: the SHA-256 of each."""

FINDINGS, KILLED = 1, -signal.SIGKILL
APPRAISE = [sys.executable, "-m", "wuhu_appraisal"]
KILLS, BATCHES = 4, 7
"""How often a run of each command is killed in a test, and how many such tests there are."""


@dataclass(frozen=True)
class Command:
    """What makes the old state, and what then makes the new one; ``out`` is written to."""

    name: str
    old: Sequence[str]
    new: Sequence[str]
    out: str = "out"
    code: int = 0
    repeats: bool = True
    """Whether running it again writes the same again."""
    keeps: bool = True
    """Whether the old file is kept beside the new one, and not in it."""


def decision(cell: str, was: str, value: str) -> list[str]:
    told = {"as": "correct", "file": "work/upper.xlsx", "cell": cell, "was": was, "value": value}
    said = {**told, "reason": "a slip", "by": "甲", "at": "2020-09-01", "clause": "3"}
    options = [part for name, text in said.items() for part in (f"--{name}", text)]
    return ["decide", "in", *options, "--yes"]


COMMANDS = [
    Command("compute", ["compute", "in", "--out", "out"], ["compute", "more", "--out", "out"]),
    Command(
        "report-xlsx",
        ["report", "--result", "old.json", "--out", "out/report.xlsx"],
        ["report", "--result", "new.json", "--out", "out/report.xlsx"],
    ),
    Command(
        "report-docx",
        ["report", "--result", "old.json", "--format", "docx", "--out", "out/notice.docx"],
        ["report", "--result", "new.json", "--format", "docx", "--out", "out/notice.docx"],
    ),
    Command(
        "each-unit",
        ["report", "--result", "old.json", "--each-unit", "out"],
        ["report", "--result", "new.json", "--each-unit", "out"],
    ),
    Command(
        "template",
        ["template", "out"],
        ["template", "out", "--scheme", "renamed.yaml"],
    ),
    Command(
        "slips",
        ["validate", "bad", "--slips", "out"],
        ["validate", "worse", "--slips", "out"],
        code=FINDINGS,
    ),
    Command(
        "freeze",
        ["freeze", "in", "--stage", "work"],
        ["freeze", "in"],
        out="in",
        repeats=False,
        keeps=False,
    ),
    Command(
        "decide",
        decision("B2", "50", "51"),
        decision("C2", "20", "21"),
        out="in",
        repeats=False,
        keeps=False,
    ),
]
NAMES = [command.name for command in COMMANDS]
BESIDE = [command.name for command in COMMANDS if command.out == "out"]
"""Those that write to a folder of their own, which need not be there."""


def environment(world: Path) -> dict[str, str]:
    """What a run is told: everything but the arguments stays the same, and so does the time."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("APPRAISE_")}
    said = {"APPRAISE_LANG": "en", "APPRAISE_SCHEME": "scheme.yaml", "TMPDIR": str(world / "tmp")}
    return {**kept, **said, "SOURCE_DATE_EPOCH": "1600000000"}


def start(world: Path, arguments: Sequence[str], **more: Any) -> subprocess.Popen[str]:
    """The real command line as a process of its own."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    told = environment(world) | more.pop("env", {})
    return subprocess.Popen([*APPRAISE, *arguments], cwd=world, env=told, **{**pipes, **more})


def run(world: Path, arguments: Sequence[str], **more: Any) -> tuple[int, str]:
    """Run to the end: the exit code, and what was said on standard error."""
    child = start(world, arguments, **more)
    return ended(child)


def ended(child: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a run: the exit code, and what it said on standard error and on standard output."""
    out, errors = child.communicate(timeout=60)
    assert "Traceback" not in errors, errors
    return child.returncode, errors + (out or "")


def state(world: Path) -> State:
    """What a person sees in a world."""
    return {
        str(path.relative_to(world)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in world.rglob("*")
        if path.is_file() and not hidden(path, world)
    }


def hidden(path: Path, world: Path) -> bool:
    return any(part.startswith(PREFIX) for part in path.relative_to(world).parts)


def left(world: Path) -> list[Path]:
    """What a run left that is hidden."""
    return [path for path in world.rglob(PREFIX + "*") if hidden(path, world)]


@dataclass(frozen=True)
class Case:
    """A command with the worlds before and after it, and how long it takes, in seconds."""

    command: Command
    before: Path
    old: State
    new: State
    lasts: float
    writes: float

    def world(self, folder: Path, number: int = 0) -> Path:
        """A copy of the world as it was before, to be destroyed."""
        return Path(shutil.copytree(self.before, folder / f"world{number}"))

    def whole(self, world: Path) -> State:
        """Check that every file is an old one or a new one and no old one is lost; what is there."""
        found = state(world)
        for path, digest in found.items():
            assert digest in (self.old.get(path), self.new.get(path)), path
        for path, digest in self.old.items():
            taken_in = not self.command.keeps and found.get(path) == self.new[path]
            standing = [other for other in found if digest == found[other] and akin(other, path)]
            assert standing or taken_in, f"{path} is lost"
        made = [world / name for name in found.keys() & self.new.keys() - self.old.keys()]
        for place in [*made, *left(world)]:
            assert stat.S_IMODE(place.stat().st_mode) & 0o77 == 0, place
        assert not list((world / "tmp").iterdir())
        return found

    def finish(self, world: Path) -> None:
        """Check that the next run does what this one would have done, and tidies up."""
        found = state(world)
        if found == self.old and not left(world):
            return
        if self.command.repeats or found != self.new:
            code, said = run(world, self.command.new)
            assert code == self.command.code, said
            assert not left(world)
        assert state(world) == self.new


def akin(path: str, other: str) -> bool:
    """Whether a path is another one, or that one with a number."""
    stem, _dot, ending = path.rpartition(".")
    base, _dot, number = stem.rpartition(".")
    return other in (path, f"{base}.{ending}" if number.isdecimal() else path)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    """Each command's case by its name, made when it is first asked for."""
    base = tmp_path_factory.mktemp("base")
    make_world(base)
    found = {command.name: command for command in COMMANDS}

    @cache
    def case(name: str) -> Case:
        command = found[name]
        before = tmp_path_factory.mktemp(name) / "world"
        shutil.copytree(base, before)
        code, said = run(before, command.old)
        assert code == command.code, said
        after = Path(shutil.copytree(before, before.parent / "after"))
        begun = time.monotonic()
        child = start(after, command.new)
        seen = when_locked(child, after / command.out)
        code, said = ended(child)
        done = time.monotonic()
        assert code == command.code, said
        old, new = state(before), state(after)
        assert old.items() - new.items(), "the new content is no other than the old"
        assert not [*left(before), *left(after)]
        return Case(command, before, old, new, done - begun, done - seen)

    return case


def make_world(world: Path) -> None:
    assert not findings(RIGHT, world)
    (world / "tmp").mkdir()
    scheme = (world / "scheme.yaml").read_text(encoding="utf-8")
    (world / "renamed.yaml").write_text(scheme.replace("title: Small", "title: Renamed"), "utf-8")
    for folder, score in (("bad", "no score"), ("worse", "nor this")):
        (world / folder / "vote").mkdir(parents=True)
        for rater in ("甲市", "乙市"):
            text = f"单位,得分\n甲市,{score}\n乙市,80\n丙市,70\n"
            (world / folder / "vote" / f"{rater}.csv").write_text(text, encoding="utf-8")
    shutil.copytree(world / "in", world / "more")
    text = "单位,得分\n甲市,91\n乙市,82\n丙市,73\n"
    (world / "more" / "vote" / "丙市.xlsx").unlink()
    (world / "more" / "vote" / "丙市.csv").write_text(text, encoding="utf-8")
    for folder, name in (("in", "old"), ("more", "new")):
        assert run(world, ["compute", folder, "--out", "made"])[0] == 0
        (world / "made" / "appraisal.json").replace(world / f"{name}.json")
    (world / "made").rmdir()


def when_locked(child: subprocess.Popen[str], folder: Path) -> float:
    """Wait until a run begins to write; the moment."""
    while child.poll() is None and not (folder / LOCK).exists():
        time.sleep(0.0002)
    return time.monotonic()


def when_ready(child: subprocess.Popen[str]) -> None:
    """Wait until a run has said to the system what is to be done about signals (proc(5))."""
    place = Path(f"/proc/{child.pid}/status")
    while child.poll() is None:
        caught = next(line for line in place.read_text().splitlines() if line.startswith("SigCgt"))
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.001)


@pytest.mark.slow
def test_what_the_worlds_are_made_of_can_be_read(cases: Callable[[str], Case]) -> None:
    """What is later compared byte for byte is right to begin with."""
    for name in NAMES:
        case = cases(name)
        for path in (case.before / case.command.out).rglob("*.*"):
            if path.suffix == ".xlsx":
                assert openpyxl.load_workbook(path).sheetnames
            elif path.suffix == ".docx":
                assert Document(str(path)).paragraphs
            elif path.name == "appraisal.json":
                loaded = load_scheme(case.before / "scheme.yaml")
                assert stored.load(path.read_bytes(), loaded, str(path))[1] == []


@pytest.mark.parametrize("batch", slow_but(range(BATCHES), 0))
@pytest.mark.parametrize("name", slow_but(NAMES, "compute"))
def test_a_run_that_is_killed_loses_nothing_and_the_next_one_works(
    name: str, batch: int, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    moments = random.Random(f"{name} {batch}")
    killed = tries = 0
    while killed < KILLS:
        tries += 1
        assert tries < 10 * KILLS, "the runs end before they can be killed"
        world = case.world(tmp_path, tries)
        child = start(world, case.command.new)
        if tries % 3 == 0:
            time.sleep(moments.uniform(0, case.lasts))
        else:
            when_locked(child, world / case.command.out)
            time.sleep(moments.uniform(0, case.writes) * moments.random())
        child.kill()
        killed += ended(child)[0] == KILLED
        case.whole(world)
        case.finish(world)
        shutil.rmtree(world)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", slow_but(NAMES, "compute"))
def test_a_run_that_is_asked_to_stop_says_so_in_one_line(
    name: str, number: signal.Signals, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    moments = random.Random(f"{name} {number}")
    for at in range(4):
        world = case.world(tmp_path, at)
        child = start(world, case.command.new)
        if at % 2:
            when_ready(child)
            time.sleep(moments.uniform(0, case.lasts / 2))
        else:
            when_locked(child, world / case.command.out)
            time.sleep(moments.uniform(0, case.writes / 2))
        child.send_signal(number)
        code, said = ended(child)
        # One that was already done, or as good as done, has nothing to stop.
        if code not in (case.command.code, -number):
            assert code == 128 + number
            assert said == "Stopped. Files that were already written are complete.\n"
        case.whole(world)
        case.finish(world)


def test_a_stop_that_a_library_turns_into_an_error_of_its_own_is_still_a_stop() -> None:
    program = """
import signal
from wuhu_appraisal.cli.stop import exit_cleanly
with exit_cleanly(own_process=True):
    try:
        signal.raise_signal(signal.SIGTERM)
    except BaseException as error:
        raise ValueError("Error building serializer") from error
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in done.stderr


def test_a_stop_that_a_library_ignores_is_asked_for_once_more() -> None:
    program = """
import signal, time
from wuhu_appraisal.cli.stop import exit_cleanly
class Library:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
with exit_cleanly(own_process=True):
    library = Library()
    del library
    for _moment in range(200):
        time.sleep(0.05)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_behind(
    cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases("each-unit")
    for at in range(20):
        world = case.world(tmp_path, at)
        child = start(world, case.command.new)
        when_locked(child, world / "out")
        # While the lock is being taken, its empty file may stay.
        time.sleep(case.writes / 8)
        child.send_signal(signal.SIGINT)
        code = ended(child)[0]
        case.whole(world)
        assert not left(world)
        # One that was as good as done has nothing to stop.
        if code == 130:
            return
    pytest.fail("no run could be interrupted")


def test_a_signal_that_is_ignored_stays_ignored(
    cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases("compute")
    world = case.world(tmp_path)
    ignored = partial(signal.signal, signal.SIGHUP, signal.SIG_IGN)
    child = start(world, case.command.new, preexec_fn=ignored)
    when_ready(child)
    child.send_signal(signal.SIGHUP)
    assert ended(child)[0] == 0
    assert state(world) == case.new


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A small disk in the place of a folder, with what is in it; what it gives remounts it."""
    mount = [program("mount"), "-t", "tmpfs", "-o"]
    folder.mkdir(exist_ok=True)
    moved = folder.rename(folder.with_name("moved"))
    folder.mkdir(mode=0o700)
    made = subprocess.run([*mount, f"size={size},mode=700", "tmpfs", folder], capture_output=True)
    if made.returncode:
        absent("this user may mount no disk")
    try:
        shutil.copytree(moved, folder, dirs_exist_ok=True)
        shutil.rmtree(moved)
        folder.chmod(0o700)

        def remount(options: str) -> None:
            subprocess.run([mount[0], "-o", f"remount,{options}", folder], check=True)

        yield remount
    finally:
        subprocess.run([program("umount"), "-l", folder], check=True)


def fill(folder: Path, but: int) -> Path:
    """Fill a disk but for so many pages of 4096 bytes."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(file.tell() // 4096 - but, 0) * 4096)
    return filler


@pytest.mark.parametrize("pages", slow_but([0, 1, 4], 0))
@pytest.mark.parametrize("name", slow_but(NAMES, "compute"))
def test_a_full_disk_is_said_and_nothing_is_lost(
    name: str, pages: int, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    world = case.world(tmp_path)
    out = world / case.command.out
    size = sum(-(-path.stat().st_size // 4096) for path in out.rglob("*.*")) * 4 + 64
    with disk(out, f"{size}k") as remount:
        filler = fill(out, pages)
        size = filler.stat().st_size
        code, said = run(world, case.command.new, stdout=subprocess.PIPE)
        assert filler.stat().st_size == size
        filler.unlink()
        found = case.whole(world)
        if found != case.new:
            assert code == FINDINGS
            assert "[write-failed]" in said
            assert "No space left on device" in said
        else:
            assert pages
        assert not left(world)
        remount("size=8m")
        case.finish(world)


@pytest.mark.parametrize("name", slow_but(NAMES, "compute"))
def test_a_disk_that_became_read_only_is_said(
    name: str, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    world = case.world(tmp_path)
    with disk(world / case.command.out, "1m") as remount:
        remount("ro")
        code, said = run(world, case.command.new, stdout=subprocess.PIPE)
        assert code == FINDINGS
        assert "[write-failed]" in said
        assert "Read-only file system" in said
        assert state(world) == case.old
        remount("rw")
        assert run(world, case.command.new)[0] == case.command.code
        assert state(world) == case.new


def as_owner_without_powers() -> list[str]:
    """What makes permissions bind root too."""
    return [program("setpriv"), "--bounding-set=-all"] if os.geteuid() == 0 else []


@pytest.mark.parametrize("mode", [0o500, 0o000])
@pytest.mark.parametrize("name", slow_but(BESIDE, "compute"))
def test_a_folder_without_permission_is_said(
    name: str, mode: int, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    world = case.world(tmp_path)
    out = world / case.command.out
    out.chmod(mode)
    command = [*as_owner_without_powers(), *APPRAISE, *case.command.new]
    done = subprocess.run(
        command, cwd=world, env=environment(world), capture_output=True, text=True, timeout=60
    )
    out.chmod(0o700)
    # A folder that may not even be looked at is refused as an argument already.
    assert done.returncode == FINDINGS or (mode == 0 and done.returncode == 2), done.stderr
    assert "Permission denied" in done.stderr or "is not readable" in done.stderr
    assert "Traceback" not in done.stderr
    assert state(world) == case.old
    case.finish(world)


@pytest.mark.parametrize("name", slow_but(BESIDE, "compute"))
def test_a_folder_that_vanishes_meanwhile_is_made_again_or_said(
    name: str, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    new = {path: digest for path, digest in case.new.items() if case.old.get(path) != digest}
    for at in range(3):
        world = case.world(tmp_path, at)
        out = world / case.command.out
        child = start(world, case.command.new)
        when_locked(child, out)
        time.sleep(case.writes / 4 * at)
        shutil.rmtree(out, ignore_errors=True)
        code, said = ended(child)
        for path, digest in state(world).items():
            assert digest in (case.old.get(path), new.get(path)), path
        assert code == case.command.code or "[write-failed]" in said, said


@pytest.mark.slow
def test_input_that_vanishes_meanwhile_is_said(
    cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases("compute")
    for at in range(8):
        world = case.world(tmp_path, at)
        child = start(world, case.command.new, stdout=subprocess.PIPE)
        time.sleep(case.lasts * (0.4 + at / 16))
        shutil.rmtree(world / "more")
        code, said = ended(child)
        assert code == 0 or "[file-" in said or "-missing]" in said
        found = state(world / "out")
        assert found in (
            {"appraisal.json": case.old["out/appraisal.json"]},
            found if not code else 0,
        )


LONG = ["x" * 300, "/".join(["x" * 200] * 30)]


@pytest.mark.parametrize("name", slow_but(BESIDE, "compute"))
def test_a_path_that_is_too_long_is_said(
    name: str, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    for long in LONG:
        world = case.world(tmp_path, len(long))
        arguments = [
            text.replace("out", long, 1) if "out" in text and "--" not in text else text
            for text in case.command.new
        ]
        code, said = run(world, arguments, stdout=subprocess.PIPE)
        assert code == FINDINGS
        assert "File name too long" in said
        assert case.whole(world) == case.old


def test_an_input_path_that_is_too_long_is_said(
    cases: Callable[[str], Case], tmp_path: Path
) -> None:
    world = cases("compute").world(tmp_path)
    for long in LONG:
        for command in ("compute", "validate", "status"):
            code, said = run(world, [command, long], stdout=subprocess.PIPE)
            assert code in (0, FINDINGS)
            assert code or command == "status"
            assert said


@pytest.mark.parametrize("name", slow_but(NAMES, "compute", "decide"))
def test_nobody_reading_is_no_error_that_is_shown_and_the_output_is_written(
    name: str, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    world = case.world(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)
    code, said = run(world, case.command.new, stdout=writing)
    os.close(writing)
    assert code == 1
    assert said == ""
    case.whole(world)
    # These two show something before they write.
    assert state(world) == (case.old if name in ("slips", "decide") else case.new)


def test_standard_output_that_is_full_is_said(cases: Callable[[str], Case], tmp_path: Path) -> None:
    case = cases("compute")
    world = case.world(tmp_path)
    with Path("/dev/full").open("w") as full:
        code, said = run(world, case.command.new, stdout=full)
    assert code == 1
    assert said == "The system failed: No space left on device\n"
    assert state(world) == case.new


HOLD = """
import sys, time
from wuhu_appraisal.files import Path, locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", slow_but(NAMES, "compute"))
def test_a_folder_that_another_run_writes_to_is_busy_until_that_run_ends_however_it_ends(
    name: str, cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases(name)
    world = case.world(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, case.command.out],
        cwd=world,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline()
    file = world / case.command.out / LOCK
    assert (file.stat().st_size, stat.S_IMODE(file.stat().st_mode)) == (0, 0o600)
    code, said = run(world, case.command.new)
    assert code == FINDINGS
    assert f"{case.command.out}  error [folder-busy]" in said
    assert state(world) == case.old
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert run(world, case.command.new)[0] == case.command.code
    assert state(world) == case.new
    assert not left(world)


@pytest.mark.slow
def test_runs_at_the_same_time_keep_every_result_and_say_which_was_too_late(
    cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases("compute")
    world = case.world(tmp_path)
    written = [json.loads((world / "out" / "appraisal.json").read_text("utf-8"))["computed_at"]]
    for turn in range(4):
        moments = [str(1_700_000_000 + 10 * turn + at) for at in range(4)]
        children = [
            start(world, case.command.new, env={"SOURCE_DATE_EPOCH": moment}) for moment in moments
        ]
        ends = [ended(child) for child in children]
        assert all(code == 0 or "[folder-busy]" in said for code, said in ends)
        assert sum(code == 0 for code, _said in ends)
        written += [moment for moment, (code, _said) in zip(moments, ends, strict=True) if not code]
    found = [path.read_text("utf-8") for path in (world / "out").iterdir()]
    assert len({json.loads(text)["computed_at"] for text in found}) == len(found) == len(written)


@pytest.mark.slow
def test_forms_written_twice_at_the_same_time_are_those_of_one_run_or_the_other(
    cases: Callable[[str], Case], tmp_path: Path
) -> None:
    case = cases("template")
    for turn in range(4):
        world = case.world(tmp_path, turn)
        children = [start(world, case.command.new) for _ in range(2)]
        assert all(code == 0 or "[folder-busy]" in said for code, said in map(ended, children))
        assert state(world) == case.new


def test_only_what_a_killed_run_left_is_tidied_away(tmp_path: Path) -> None:
    ours, folder = tmp_path / f"{PREFIX}abcd1234", tmp_path / f"{PREFIX}efgh5678"
    others = [
        tmp_path / f"{PREFIX}notes of mine",
        tmp_path / ".appraise",
        tmp_path / "appraise.abcd1234",
    ]
    folder.mkdir()
    for path in (ours, folder / "rows", *others):
        path.write_text("x", encoding="utf-8")
    later = tmp_path / f"{PREFIX}later123"
    later.write_text("of a run in a folder below", encoding="utf-8")
    os.utime(later, (time.time() + 60,) * 2)
    link = tmp_path / f"{PREFIX}linked12"
    link.symlink_to(others[0])
    write_whole(tmp_path / "a" / "b.txt", b"x")
    assert ours.exists()
    write_whole(tmp_path / "b.txt", b"x")
    assert not ours.exists()
    assert not folder.exists()
    assert all(path.exists() for path in (*others, later, link))


def test_a_link_that_is_called_like_a_numbered_version_is_none(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(b"old")
    (tmp_path / "result.1.json").symlink_to(path)
    assert write_whole(path, b"new") == tmp_path / "result.2.json"
    assert (tmp_path / "result.2.json").read_bytes() == b"old"


def test_the_example_is_as_it_was() -> None:
    """Nothing here runs on the example; a slip of these tests would show in it."""
    assert not list((ROOT / "examples").rglob(PREFIX + "*"))
