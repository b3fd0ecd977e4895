"""What stands beside the stage files applies, or it is said; no way of reading it is a trap."""

import io
import os
import shutil
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from helpers import Appraise
from helpers.sheets import RIGHT, write_input, write_scheme

from wuhu_appraisal import load_scheme
from wuhu_appraisal.appraisal import ReadOptions, appraise
from wuhu_appraisal.cli import main
from wuhu_appraisal.cli.inputs import first_line, normal_form
from wuhu_appraisal.files import FolderBusyError, write_whole
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.model import Decision
from wuhu_appraisal.names import blank
from wuhu_appraisal.scheme import yaml_source as yaml12
from wuhu_appraisal.workbooks.folder import (
    DECISIONS,
    FROZEN,
    MOST_BESIDE,
    find_files,
    read_beside,
    shown,
)
from wuhu_appraisal.year.decisions import added, load_decisions, parse
from wuhu_appraisal.year.freeze import Frozen, load, save

SCHEME = ("--scheme", "scheme.yaml")
ASIDE = "file: {file}, decide: set_aside, reason: 回避, by: 王五, at: 2021-01-15"
DECIDED = ("--as", "set_aside", "--file", "vote/丙市.xlsx", "--reason", "回避", "--by", "王五")
MADE = Decision(file="a", decide="set_aside", reason="x", by="y", at="2021-01-15")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The input of the small scheme, in a folder of its own, frozen on 15 January 2021."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1610697600")
    monkeypatch.chdir(tmp_path)
    write_scheme(RIGHT, tmp_path / "scheme.yaml")
    write_input(RIGHT, tmp_path / "in")
    return tmp_path / "in"


def decide_aside(folder: Path, file: str = "vote/丙市.xlsx") -> Path:
    """Write a decision into a folder by hand."""
    where = folder / DECISIONS
    where.write_text(f"decisions:\n- {{{ASIDE.format(file=file)}}}\n", encoding="utf-8")
    return where


def codes(found: Sequence[Finding]) -> list[str]:
    return [item.code for item in found]


def places(found: Sequence[Finding]) -> dict[str, str]:
    return {str(item.source): item.code for item in found}


def computed(*paths: str | Path, decisions: bool = True) -> Sequence[Finding]:
    options = ReadOptions(decisions=decisions)
    return appraise(load_scheme("scheme.yaml"), paths, options).findings


def in_process(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command that may hang, which fails the test instead of stopping it."""
    command = [sys.executable, "-m", "wuhu_appraisal", "--lang", "en", *map(str, arguments)]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )


@pytest.mark.parametrize(
    "given",
    [("vote", "work"), ("vote",), ("vote/甲市.xlsx",), (".", "work"), (".", "."), ("../link",)],
)
def test_a_frozen_stage_is_guarded_or_it_is_said_however_its_files_are_given(
    appraise_cli: Appraise, folder: Path, monkeypatch: pytest.MonkeyPatch, given: Sequence[str]
) -> None:
    assert appraise_cli("freeze", folder, *SCHEME).exit_code == 0
    shutil.copy(folder / "vote/乙市.xlsx", folder / "vote/甲市.xlsx")
    (folder.parent / "link").symlink_to(folder / "vote")
    monkeypatch.chdir(folder)
    done = appraise_cli("compute", *given, "--scheme", "../scheme.yaml")
    assert done.exit_code == 1
    assert "frozen.yaml  error [beside-not-applied]" in done.output


def test_what_is_given_as_one_folder_is_applied_and_nothing_more_is_said(
    appraise_cli: Appraise, folder: Path
) -> None:
    appraise_cli("freeze", folder, *SCHEME)
    decide_aside(folder)
    assert computed(folder) == []
    shutil.copy(folder / "vote/乙市.xlsx", folder / "vote/甲市.xlsx")
    assert codes(computed(folder)) == ["frozen-file-changed"]


def test_what_stands_below_the_given_folder_is_an_error_and_nothing_else(
    appraise_cli: Appraise, folder: Path
) -> None:
    appraise_cli("freeze", folder, *SCHEME)
    decide_aside(folder)
    (folder.parent / "year").mkdir()
    folder.rename("year/in")
    assert places(computed("year")) == {
        f"year/in/{DECISIONS}": "beside-not-applied",
        f"year/in/{FROZEN}": "beside-not-applied",
    }
    for item in computed("year"):
        assert "'year/in'" in item.hint
        assert "below" in item.message


def test_of_several_folders_the_decisions_apply_and_a_freezing_does_not(
    appraise_cli: Appraise, folder: Path
) -> None:
    appraise_cli("freeze", folder, *SCHEME)
    (folder / FROZEN).rename(folder / "vote" / FROZEN)
    decide_aside(folder / "vote", "丙市.xlsx")
    run = appraise(load_scheme("scheme.yaml"), ["in/vote", "in/work"])
    assert places(run.findings) == {f"in/vote/{FROZEN}": "beside-not-applied"}
    assert [item.decision.file for item in run.decisions] == ["vote/丙市.xlsx"]
    assert "several" in run.findings[0].message


def test_decisions_that_are_meant_to_be_left_aside_are_not_missed(folder: Path) -> None:
    decide_aside(folder)
    assert codes(computed("in/vote", "in/work")) == ["beside-not-applied"]
    assert computed("in/vote", "in/work", decisions=False) == []
    (folder / FROZEN).write_text("stages: []", encoding="utf-8")
    found = computed("in/vote", "in/work", decisions=False)
    assert places(found) == {f"in/{FROZEN}": "beside-not-applied"}


def test_verify_decide_and_freeze_refuse_a_folder_that_is_not_the_one(
    appraise_cli: Appraise, folder: Path
) -> None:
    assert appraise_cli("compute", "in/vote", "in/work", *SCHEME).exit_code == 0
    appraise_cli("freeze", "in", *SCHEME)
    for command in (
        ("verify", "--files", "in/vote", "--files", "in/work"),
        ("decide", "in/vote", *DECIDED, "--yes"),
        ("freeze", "in/vote"),
    ):
        done = appraise_cli(*command, *SCHEME)
        assert done.exit_code == 1, command
        assert "beside-not-applied" in done.output, command
    assert sorted(path.name for path in folder.rglob("*.yaml")) == [FROZEN]


def test_freezing_all_names_the_stages_of_which_nothing_has_come(
    appraise_cli: Appraise, folder: Path
) -> None:
    assert "Not frozen" not in appraise_cli("freeze", folder, *SCHEME).output
    (folder / FROZEN).unlink()
    shutil.rmtree(folder / "vote")
    done = appraise_cli("freeze", folder, *SCHEME)
    assert "Not frozen, because they have no files yet: Votes\n" in done.output
    again = appraise_cli("freeze", folder, *SCHEME, "--stage", "work")
    assert "Not frozen" not in again.output


def unfolding(levels: int) -> bytes:
    """Lists in lists by aliases: hardly nested as it is written, and without end as it is read."""
    lines = ["a0: &a0 [x]", *(f"a{at}: &a{at} [*a{at - 1}]" for at in range(1, levels))]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("content", [unfolding(2000), unfolding(60), b"- 1\n" * 450_000])
def test_yaml_that_would_exhaust_the_program_is_refused_wherever_it_stands(
    folder: Path, content: bytes
) -> None:
    for name in (FROZEN, DECISIONS):
        (folder / name).write_bytes(content)
    Path("scheme.yaml").write_bytes(content)
    assert codes(load(folder)[1]) == ["yaml-too-large"]
    assert codes(load_decisions([folder])[1]) == ["yaml-too-large"]
    assert codes(load_scheme("scheme.yaml").findings) == ["yaml-too-large"]


def test_yaml_of_moderate_depth_and_size_is_read() -> None:
    document = yaml12.parse("x", unfolding(20))
    assert document.findings == []
    document = yaml12.parse("x", b"- 1\n" * 100_000)
    assert document.findings == []
    assert len(document.data) == 100_000


def test_a_key_that_is_no_text_is_a_finding_and_is_not_unfolded() -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 5)]
    document = yaml12.parse("x.yaml", "\n".join([*bomb, "? *a4", ": 1"]).encode())
    assert places(document.findings) == {"x.yaml:5:5": "yaml-syntax"}


def test_a_record_is_bounded_before_it_is_read(folder: Path) -> None:
    for name in (FROZEN, DECISIONS):
        (folder / name).write_bytes(b"#" * (MOST_BESIDE + 1))
        assert codes(read_beside(folder / name, name)[1]) == ["yaml-too-large"]
        (folder / name).write_bytes(b"#" * MOST_BESIDE)
        assert len(read_beside(folder / name, name)[0] or b"") == MOST_BESIDE


@pytest.mark.parametrize("name", [FROZEN, DECISIONS])
@pytest.mark.parametrize("trap", ["pipe", "endless", "dangling", "elsewhere", "folder"])
def test_a_pipe_a_device_or_a_link_in_its_place_is_a_finding_and_nothing_is_written_through_it(
    folder: Path, name: str, trap: str
) -> None:
    where, outside = folder / name, folder.parent / "outside"
    if trap == "pipe":
        os.mkfifo(where)
    elif trap == "folder":
        where.mkdir()
    else:
        where.symlink_to("/dev/zero" if trap == "endless" else outside)
    if trap == "elsewhere":
        outside.write_text("decisions: []\n" if name == DECISIONS else "", encoding="utf-8")
    before = outside.read_bytes() if outside.exists() else None
    kind = where.lstat().st_mode
    for command in (("compute", "in"), ("freeze", "in"), ("decide", "in", *DECIDED, "--yes")):
        if (command[0], name) == ("decide", FROZEN):
            # Writing down a decision does not touch what is frozen.
            continue
        done = in_process(*command, *SCHEME)
        assert done.returncode == 1, (command, done.stdout)
        assert "beside-not-regular" in done.stdout + done.stderr, command
        assert "Traceback" not in done.stderr
    assert where.lstat().st_mode == kind
    assert (outside.read_bytes() if outside.exists() else None) == before


def test_a_file_that_holds_its_own_history_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="symbolic link"):
        write_whole(tmp_path / "link", b"x", keep=False)
    assert not (tmp_path / "outside").exists()


def test_a_decision_is_not_added_to_a_file_that_is_not_in_utf_8(
    appraise_cli: Appraise, folder: Path
) -> None:
    where = folder / DECISIONS
    content = "# 一把手已阅\ndecisions: []\n".encode("utf-16")
    where.write_bytes(content)
    done = appraise_cli("decide", "in", *DECIDED, "--yes", *SCHEME)
    assert done.exit_code == 1
    assert "decisions-unreadable" in done.output
    assert "UTF-8" in done.output
    assert where.read_bytes() == content


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("text", ["decisions: []\n", "# a\ndecisions:\n- {}\n", "decisions:\n- {}"])
def test_how_a_file_begins_and_how_its_lines_end_is_kept(start: bytes, end: str, text: str) -> None:
    old = text.replace("{}", "{" + ASIDE.format(file="b") + "}").replace("\n", end)
    content = start + old.encode()
    new, found = added(DECISIONS, content, MADE)
    assert found == []
    assert new.startswith(start + old.partition(" []")[0].encode())
    assert new.count(b"\n") == new.count(end.encode()) > content.count(b"\n")
    assert new.count(b"\xef\xbb\xbf") == bool(start)
    assert parse(DECISIONS, new)[0][-1].decision == MADE


def test_of_two_who_decide_at_once_the_second_is_told_of_which_folder(folder: Path) -> None:
    command = [sys.executable, "-m", "wuhu_appraisal", "--lang", "en", "decide", "in"]
    command += ["--at", "2021-01-15", "--clause", "", *DECIDED, *SCHEME]
    ours, theirs = os.openpty()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=theirs, stdout=pipe, stderr=pipe) as slow:
        assert slow.stderr is not None
        said = b""
        while b"Write this into" not in said:
            said += slow.stderr.read(1) or pytest.fail(said.decode())
        other = decide_aside(folder, "vote/甲市.xlsx").read_bytes()
        os.write(ours, b"y\n")
        _out, error = slow.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert slow.returncode == 1
    assert b"in  error [folder-busy]" in error
    assert (folder / DECISIONS).read_bytes() == other


def test_of_two_who_freeze_at_once_the_second_is_told_of_which_folder(
    appraise_cli: Appraise, folder: Path
) -> None:
    appraise_cli("freeze", "in", *SCHEME)
    first = (folder / FROZEN).read_bytes()
    after, _found = load(folder)
    assert after is not None
    with pytest.raises(FolderBusyError) as busy:
        save(Path("in"), None, Frozen(stages=after.stages[:1]))
    assert busy.value.filename == "in"
    (folder / FROZEN).unlink()
    (folder / FROZEN).symlink_to("outside")
    with pytest.raises(FolderBusyError):
        save(Path("in"), None, after)
    (folder / FROZEN).unlink()
    (folder / FROZEN).write_bytes(first)
    save(Path("in"), after, Frozen(stages=after.stages[:1]))
    assert len(yaml.safe_load((folder / FROZEN).read_bytes())["stages"]) == 1


def test_a_file_that_is_written_over_keeps_its_mode_and_a_new_one_is_private(
    appraise_cli: Appraise, folder: Path
) -> None:
    def mode(name: str) -> int:
        return stat.S_IMODE((folder / name).stat().st_mode)

    appraise_cli("freeze", "in", *SCHEME, "--stage", "work")
    appraise_cli("decide", "in", *DECIDED, "--yes", *SCHEME)
    assert (mode(FROZEN), mode(DECISIONS)) == (0o600, 0o600)
    (folder / FROZEN).chmod(0o664)
    (folder / DECISIONS).chmod(0o640)
    before = (folder / FROZEN).read_bytes(), (folder / DECISIONS).read_bytes()
    appraise_cli("freeze", "in", *SCHEME)
    more = ("decide", "in", *DECIDED[:3], "vote/甲市.xlsx", *DECIDED[4:], "--yes")
    assert appraise_cli(*more, *SCHEME).exit_code == 0
    assert before != ((folder / FROZEN).read_bytes(), (folder / DECISIONS).read_bytes())
    assert (mode(FROZEN), mode(DECISIONS)) == (0o664, 0o640)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs another group")
def test_the_group_is_kept_with_the_mode(tmp_path: Path) -> None:
    path = tmp_path / FROZEN
    path.write_bytes(b"old")
    os.chown(path, -1, 12345)
    path.chmod(0o660)
    write_whole(path, b"new", keep=False)
    assert (path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (12345, 0o660)


@pytest.mark.parametrize(
    "text",
    [
        "\u200b", "\u2800", " \u3000\u00a0", "\u200d\ufeff", "\u2060\u00ad", "\u3164\u115f",
        "\u0301", "\t\n", "", "\u202e", "\ufe0f",
    ],
)  # fmt: skip
def test_a_reason_or_a_name_of_which_nothing_is_seen_is_blank(
    appraise_cli: Appraise, folder: Path, text: str
) -> None:
    assert blank(text)
    for key in ("reason", "by"):
        made = MADE.model_copy(update={key: text})
        content, found = added(DECISIONS, None, made)
        assert codes(found or parse(DECISIONS, content)[1]) == ["decision-incomplete"], key
    appraise_cli("freeze", "in", *SCHEME, "--stage", "vote")
    (folder / "vote/甲市.xlsx").unlink()
    done = appraise_cli("freeze", "in", *SCHEME, "--stage", "vote", "--reason", text)
    assert "freeze-reason-missing" in done.output


@pytest.mark.parametrize("text", ["a", "一", "1", "—", "é", "\u200b王", "😀", "%"])
def test_a_text_of_which_something_is_seen_is_not_blank(text: str) -> None:
    assert not blank(text)


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        ("2021-01-15", ""),
        ("2021-01-16", ""),
        ("2021-01-15T08:00:00+08:00", ""),
        ("2021-01-15T08:00:00Z", ""),
        ("2021-01-16T08:00:00+00:00", ""),
        ("2021-01-16T08:00:01+00:00", "to come"),
        ("2021-01-17", "to come"),
        ("9999-12-31", "to come"),
        ("9999-12-31T23:59:59-23:59", "to come"),
        ("0001-01-01T00:00:00+23:59", ""),
        ("2021-W01", "expected"),
        ("2021-W01-1", "expected"),
        ("20210115", "expected"),
        ("2021-01-15T08", "expected"),
        ("2021-01-15T08:00:00", "expected"),
        ("2021-01-15 08:00:00+08:00", "expected"),
        ("２０２１-01-15", "expected"),
        ("2021-02-30", "expected"),
        ("2021-01-15T25:00:00Z", "expected"),
    ],
)
def test_a_decision_bears_a_date_or_a_time_that_has_been(
    monkeypatch: pytest.MonkeyPatch, at: str, problem: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1610697600")
    text = f"decisions:\n- file: a\n  decide: set_aside\n  reason: x\n  by: y\n  at: '{at}'\n"
    taken, found = parse(DECISIONS, text.encode())
    assert codes(found) == ["decision-value-wrong"] * bool(problem)
    assert all(problem in item.message and item.source.line == 6 for item in found)
    assert len(taken) == (not problem)


def test_the_clock_tells_what_is_to_come_where_no_time_is_fixed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    past, future = (
        f"decisions:\n- {{{ASIDE.format(file='a').replace('2021', year)}}}\n".encode()
        for year in ("2021", "2921")
    )
    assert parse(DECISIONS, past)[1] == []
    assert codes(parse(DECISIONS, future)[1]) == ["decision-value-wrong"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("size: ", "size: 1", "frozen-damaged"),
        ("at: '2021-01-15", "at: '2031-01-15", "frozen-damaged"),
        ("at: '2021-01-15T08:00:00+00:00'", "at: '2021-W02-5T08:00:00+00:00'", "frozen-damaged"),
        ("id: vote", "id: ballot", "frozen-stage-unknown"),
    ],
)
def test_a_record_that_was_changed_by_hand_is_an_error(
    appraise_cli: Appraise, folder: Path, old: str, new: str, code: str
) -> None:
    appraise_cli("freeze", "in", *SCHEME)
    text = (folder / FROZEN).read_text(encoding="utf-8")
    assert old in text
    (folder / FROZEN).write_text(text.replace(old, new), encoding="utf-8")
    found = computed("in")
    assert codes(found)[0] == code
    assert found[0].source.file == f"in/{FROZEN}"
    assert appraise_cli("compute", "in", *SCHEME).exit_code == 1


def test_a_record_of_nothing_is_none(folder: Path) -> None:
    (folder / FROZEN).write_text("stages: []\n", encoding="utf-8")
    assert codes(computed("in")) == ["frozen-damaged"]


def test_two_names_are_never_shown_alike(tmp_path: Path) -> None:
    names = [
        "市财政局.xlsx", "市财政局\u200b.xlsx", "市财政局\u200d.xlsx", "市财政局\\u{200b}.xlsx",
        "市财政局\n.xlsx", "市财政局\x1b.xlsx", "市财政局\u3000.xlsx", "市财政局\ufffd.xlsx",
        "市财政局\\x{ff}.xlsx", "市财政局\\u{5c}u{200b}.xlsx", os.fsdecode(b"\xe5\xb8\x82\xff.xlsx"),
        os.fsdecode(b"\xe5\xb8\x82\xfe.xlsx"),
    ]  # fmt: skip
    told = [shown(Path(name)) for name in names]
    assert len(set(told)) == len(names)
    assert all(text.isprintable() for text in told)
    assert told[:2] == ["市财政局.xlsx", "市财政局\\u{200b}.xlsx"]
    assert told[-2:] == ["市\\x{ff}.xlsx", "市\\x{fe}.xlsx"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    files, _found = find_files([tmp_path])
    assert sorted(item.name for item in files) == sorted(told)


def test_a_file_that_is_renamed_by_a_sign_that_is_not_seen_is_another_file(
    appraise_cli: Appraise, folder: Path
) -> None:
    (folder / "vote/甲市.xlsx").rename(folder / "vote/甲市\u200b.xlsx")
    appraise_cli("freeze", "in", *SCHEME)
    assert computed("in") == []
    (folder / "vote/甲市\u200b.xlsx").rename(folder / "vote/甲市\u200d.xlsx")
    assert places(computed("in")) == {
        "vote/甲市\\u{200b}.xlsx": "frozen-file-gone",
        "vote/甲市\\u{200d}.xlsx": "frozen-file-came",
    }


@pytest.mark.parametrize(
    ("content", "password"),
    [
        ("秘密\n第二行".encode(), "秘密"),
        ("秘密\r\n第二行".encode(), "秘密"),
        ("秘密\r第二行".encode(), "秘密"),
        (b"\xef\xbb\xbf\xe7\xa7\x98\n", "秘"),
        ("a\u2028b\x0bc\x0cd\x85e\n".encode(), "a\u2028b\x0bc\x0cd\x85e"),
        (" 秘 ".encode(), " 秘 "),
        (b"\nsecond", ""),
        ("秘密\n".encode() + b"\xff\xfe", "秘密"),
    ],
)
def test_a_password_is_the_first_line_of_its_file(
    tmp_path: Path, content: bytes, password: str
) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert first_line(tmp_path / "secret") == password


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        ("秘密".encode("gbk"), "not in UTF-8"),
        ("秘密".encode("utf-16"), "not in UTF-8"),
        ("ab".encode("utf-16-le"), "not in UTF-8"),
    ],
)
def test_a_file_that_holds_no_password_is_said_in_plain_words(
    appraise_cli: Appraise, folder: Path, content: bytes, said: str
) -> None:
    Path("secret").write_bytes(content)
    done = appraise_cli("validate", "in", *SCHEME, "--password-file", "secret")
    assert done.exit_code == 1
    assert said in done.output
    assert "Error" not in done.output


def test_one_password_opens_in_whichever_way_its_accents_are_spelled(
    appraise_cli: Appraise, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = unicodedata.normalize("NFC", "Düsseldorf-é")
    apart = unicodedata.normalize("NFD", composed)
    assert composed != apart
    assert normal_form(apart) == normal_form(composed) == composed
    assert normal_form(None) is None
    for written, read in ((composed, apart), (apart, composed)):
        shutil.rmtree("results", ignore_errors=True)
        Path("secret").write_text(written, encoding="utf-8")
        seal = ("compute", "in", *SCHEME, "--encrypt-result", "--password-file", "secret")
        assert appraise_cli(*seal).exit_code == 0
        monkeypatch.setenv("APPRAISE_PASSWORD", read)
        assert appraise_cli("explain", "甲市", *SCHEME).exit_code == 0
        monkeypatch.delenv("APPRAISE_PASSWORD")
        opened = CliRunner().invoke(
            main,
            ["explain", "甲市", *SCHEME, "--ask-password"],
            input=io.BytesIO(f"{read}\n".encode()),
        )
        assert opened.exit_code == 0, opened.output
