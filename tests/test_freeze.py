"""What a stage had at its deadline is recorded, and what changed since is told."""

import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from helpers import STAGE_FILES, Appraise
from helpers.sheets import RIGHT, write_input, write_scheme

from wuhu_appraisal import load_scheme
from wuhu_appraisal.findings import Severity
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import InputFile
from wuhu_appraisal.year.freeze import Frozen, compare, dump, freeze_stage, load, with_freezing

SCHEME = {"id": "small", "sha256": "a" * 64}
SOURCES = [
    InputFile("vote/乙市.xlsx", "1" * 64, ("vote",)),
    InputFile("vote/甲市.xlsx", "2" * 64, ("vote", "extra")),
    InputFile("work/upper.xlsx", "3" * 64, ("work",)),
]
SIZES = {item.file: 10 for item in SOURCES}
TITLE = Bilingual("互评", "Votes")
AT = "2021-01-15T08:00:00+00:00"


def said(at: str = AT, reason: str = "") -> dict[str, object]:
    return {"at": at, "by": "张三", "reason": reason, "scheme": SCHEME}


@pytest.fixture
def frozen() -> Frozen:
    nothing = Frozen(stages=[])
    return with_freezing(nothing, "vote", TITLE, freeze_stage(SOURCES, SIZES, "vote", **said()))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1610697600")
    write_scheme(RIGHT, tmp_path / "scheme.yaml")
    write_input(RIGHT, tmp_path / "in")
    return tmp_path / "in"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_nothing_is_told_while_all_is_as_it_was_frozen(frozen: Frozen) -> None:
    assert compare(frozen, SOURCES, "a" * 64) == []


@pytest.mark.parametrize(
    ("sources", "code", "file"),
    [
        ([InputFile("vote/乙市.xlsx", "9" * 64, ("vote",)), *SOURCES[1:]], "changed", "vote/乙市.xlsx"),
        ([InputFile("vote/乙市.xlsx", "9" * 64, ()), *SOURCES[1:]], "changed", "vote/乙市.xlsx"),
        ([*SOURCES, InputFile("vote/丙.xlsx", "4" * 64, ("vote",))], "came", "vote/丙.xlsx"),
        (SOURCES[1:], "gone", "vote/乙市.xlsx"),
    ],
)  # fmt: skip
def test_a_file_that_changed_came_or_went_is_an_error_that_says_which_when_and_by_whom(
    frozen: Frozen, sources: list[InputFile], code: str, file: str
) -> None:
    (found,) = compare(frozen, sources, "a" * 64)
    assert (found.code, found.severity) == (f"frozen-file-{code}", Severity.ERROR)
    assert found.source.file == file
    assert all(part in found.message for part in ("Votes", AT, "张三"))


def test_files_of_other_stages_are_no_matter(frozen: Frozen) -> None:
    assert compare(frozen, SOURCES[:2], "a" * 64) == []
    assert compare(frozen, [*SOURCES[:2], InputFile("x.xlsx", "5" * 64, ())], "a" * 64) == []


def test_a_file_that_is_unchanged_but_no_longer_read_is_told_by_other_findings(
    frozen: Frozen,
) -> None:
    barred = InputFile("vote/乙市.xlsx", "1" * 64, ())
    assert compare(frozen, [barred, *SOURCES[1:]], "a" * 64) == []


def test_another_scheme_than_when_it_was_frozen_is_a_warning(frozen: Frozen) -> None:
    (found,) = compare(frozen, SOURCES, "b" * 64)
    assert (found.code, found.severity) == ("frozen-scheme-differs", Severity.WARNING)


def test_only_the_last_freezing_of_a_stage_holds_and_the_earlier_ones_stay(frozen: Frozen) -> None:
    late = [*SOURCES, InputFile("vote/丙.xlsx", "4" * 64, ("vote",))]
    sizes = {item.file: 10 for item in late}
    made = freeze_stage(late, sizes, "vote", **said("2021-01-16T08:00:00+08:00", "came by post"))
    again = with_freezing(frozen, "vote", TITLE, made)
    assert compare(again, late, "a" * 64) == []
    (stage,) = again.stages
    assert [item.reason for item in stage.freezings] == ["", "came by post"]
    assert [len(item.files) for item in stage.freezings] == [2, 3]


@pytest.mark.parametrize("text", ["1e3", "no", "", "2021-01-15", "a: b # c", "~", "=1+1", "0x1"])
def test_what_is_written_is_read_again_whatever_the_texts_look_like(
    text: str, tmp_path: Path
) -> None:
    source = InputFile(f"{text}.xlsx", "1" * 64, ("vote",))
    made = freeze_stage([source], {source.file: 0}, "vote", **{**said(reason=text), "by": text})
    frozen = with_freezing(Frozen(stages=[]), "vote", TITLE, made)
    (tmp_path / "frozen.yaml").write_bytes(dump(frozen))
    assert load(tmp_path) == (frozen, [])
    assert yaml.safe_load(dump(frozen)) == frozen.model_dump()


def test_a_folder_without_a_record_or_a_file_in_its_place_has_nothing_frozen(
    tmp_path: Path,
) -> None:
    file = tmp_path / "sheet.xlsx"
    file.touch()
    assert load(tmp_path) == load(file) == (None, [])


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        (("size: 10", "size: -1"), "frozen-damaged", 11),
        (("size: 10", "size: ["), "yaml-syntax", 11),
        (("1111", "zzzz"), "frozen-damaged", 11),
        (("by: 张三", "by: 张三\n    by: 李四"), "yaml-key-twice", 8),
        (("by: 张三", "who: 张三"), "frozen-damaged", 6),
        ((AT, "yesterday"), "frozen-damaged", 6),
        (("+00:00", ""), "frozen-damaged", 6),
    ],
)
def test_a_damaged_record_is_a_finding_at_its_line(
    frozen: Frozen, tmp_path: Path, change: tuple[str, str], code: str, line: int
) -> None:
    text = dump(frozen).decode()
    assert change[0] in text
    (tmp_path / "frozen.yaml").write_text(text.replace(*change), encoding="utf-8")
    got, found = load(tmp_path)
    assert got is None
    assert (found[0].code, found[0].source.line) == (code, line), text


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"- 1", b"stages: 1", b"\x00", b"a: &a [*a]"]
)
def test_a_record_that_is_none_is_a_finding(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "frozen.yaml").write_bytes(content)
    got, found = load(tmp_path)
    assert got is None
    assert found


def test_freezing_writes_one_file_a_line_and_touches_nothing_else(
    appraise_cli: Appraise, folder: Path
) -> None:
    before = contents(folder)
    result = appraise_cli("freeze", folder, "--scheme", "scheme.yaml", "--by", "张三")
    assert result.exit_code == 0, result.output
    after = contents(folder)
    text = after.pop("frozen.yaml").decode()
    assert after == before
    lines = [line for line in text.splitlines() if "xlsx" in line]
    assert len(lines) == 5
    frozen, _found = load(folder)
    assert frozen is not None
    assert [stage.id for stage in frozen.stages] == ["work", "vote"]
    assert frozen.stages[0].last.at == "2021-01-15T08:00:00+00:00"
    assert frozen.stages[0].last.by == "张三"
    assert frozen.stages[0].last.scheme.sha256 == load_scheme("scheme.yaml").sha256


def test_one_stage_is_frozen_by_its_id_or_its_title(appraise_cli: Appraise, folder: Path) -> None:
    for name in ("vote", "互评", "Votes"):
        (folder / "frozen.yaml").unlink(missing_ok=True)
        done = appraise_cli("freeze", folder, "--scheme", "scheme.yaml", "--stage", name)
        assert done.exit_code == 0, done.output
        frozen, _found = load(folder)
        assert frozen is not None
        assert [stage.id for stage in frozen.stages] == ["vote"]
    refused = appraise_cli("freeze", folder, "--scheme", "scheme.yaml", "--stage", "votez")
    assert refused.exit_code == 1
    assert "stage-unknown" in refused.output
    assert "Votes" in refused.output


def test_several_stages_are_frozen_by_name_at_once(appraise_cli: Appraise, folder: Path) -> None:
    arguments = ("--scheme", "scheme.yaml", "--stage", "Votes", "--stage", "work")
    assert appraise_cli("freeze", folder, *arguments).exit_code == 0
    frozen, _found = load(folder)
    assert frozen is not None
    assert [stage.id for stage in frozen.stages] == ["work", "vote"]


@pytest.mark.parametrize("word", ["adjustments", "Adjustments", "加分扣分"])
def test_one_word_freezes_all_adjustments_and_a_shared_title_those_that_share_it(
    appraise_cli: Appraise, tmp_path: Path, word: str
) -> None:
    folder = tmp_path / "in"
    shutil.copytree(STAGE_FILES / "加扣分", folder / "加扣分")
    language = ("--lang", "zh") if word == "加分扣分" else ()
    done = appraise_cli("freeze", folder, "--stage", word, *language)
    assert done.exit_code == 0, done.output
    frozen, _found = load(folder)
    assert frozen is not None
    assert len(frozen.stages) == 5
    (folder / "frozen.yaml").unlink()
    appraise_cli("freeze", folder, "--stage", "优秀政策解读材料")
    frozen, _found = load(folder)
    assert frozen is not None
    assert [stage.id for stage in frozen.stages] == [
        "outstanding_interpretation_county", "outstanding_interpretation_municipal",
    ]  # fmt: skip


def test_what_was_accepted_after_a_freezing_is_not_frozen_anew(
    appraise_cli: Appraise, folder: Path
) -> None:
    late = folder / "vote" / "丙市.xlsx"
    content = late.read_bytes()
    late.unlink()
    scheme = ("--scheme", "scheme.yaml")
    assert appraise_cli("freeze", folder, *scheme).exit_code == 0
    before = (folder / "frozen.yaml").read_bytes()
    late.write_bytes(content)
    assert appraise_cli("compute", folder, *scheme).exit_code == 1
    decision = ("--as", "accept", "--file", "vote/丙市.xlsx", "--finding", "frozen-file-came")
    grounds = ("--reason", "snow", "--by", "王五", "--clause", "五", "--at", "2021-01-15", "--yes")
    assert appraise_cli("decide", folder, *scheme, *decision, *grounds).exit_code == 0
    again = appraise_cli("freeze", folder, *scheme)
    assert again.exit_code == 0, again.output
    assert "accepted by decision: Votes" in again.output
    assert (folder / "frozen.yaml").read_bytes() == before
    assert appraise_cli("compute", folder, *scheme).exit_code == 0


def test_a_time_is_that_of_the_place_with_its_offset(
    appraise_cli: Appraise, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        appraise_cli("freeze", folder, "--scheme", "scheme.yaml")
    finally:
        monkeypatch.undo()
        time.tzset()
    frozen, _found = load(folder)
    assert frozen is not None
    moment = datetime.fromisoformat(frozen.stages[0].last.at)
    assert moment.utcoffset() == timedelta(hours=8)
    assert abs(moment - datetime.now(UTC)) < timedelta(hours=1)


def test_a_stage_of_which_nothing_came_is_frozen_only_by_name(
    appraise_cli: Appraise, folder: Path
) -> None:
    for path in (folder / "vote").iterdir():
        path.unlink()
    appraise_cli("freeze", folder, "--scheme", "scheme.yaml")
    frozen, _found = load(folder)
    assert frozen is not None
    assert [stage.id for stage in frozen.stages] == ["work"]
    appraise_cli("freeze", folder, "--scheme", "scheme.yaml", "--stage", "vote")
    frozen, _found = load(folder)
    assert frozen is not None
    assert frozen.stages[1].last.files == []


def test_freezing_the_same_again_changes_nothing_and_says_so(
    appraise_cli: Appraise, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appraise_cli("freeze", folder, "--scheme", "scheme.yaml")
    before = contents(folder)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1610800000")
    again = appraise_cli("freeze", folder, "--scheme", "scheme.yaml", "--by", "李四")
    assert again.exit_code == 0
    assert "Nothing was changed" in again.output
    assert contents(folder) == before


def test_freezing_another_state_shows_the_difference_and_needs_a_reason(
    appraise_cli: Appraise, folder: Path
) -> None:
    appraise_cli("freeze", folder, "--scheme", "scheme.yaml")
    before = (folder / "frozen.yaml").read_bytes()
    (folder / "vote" / "甲市.xlsx").write_bytes((folder / "vote" / "乙市.xlsx").read_bytes())
    (folder / "vote" / "丙市.xlsx").unlink()
    refused = appraise_cli("freeze", folder, "--scheme", "scheme.yaml", "--reason", " ")
    assert refused.exit_code == 1
    assert "freeze-reason-missing" in refused.output
    for part in ("vote/甲市.xlsx", "changed", "vote/丙市.xlsx", "gone"):
        assert part in refused.output
    assert (folder / "frozen.yaml").read_bytes() == before
    done = appraise_cli(
        "freeze", folder, "--scheme", "scheme.yaml", "--reason", "minutes of 3 March"
    )
    assert done.exit_code == 0, done.output
    frozen, _found = load(folder)
    assert frozen is not None
    work, vote = frozen.stages
    assert len(work.freezings) == 1
    assert [item.reason for item in vote.freezings] == ["", "minutes of 3 March"]
    assert sorted(contents(folder)) == [
        "frozen.yaml", "vote/乙市.xlsx", "vote/甲市.xlsx", "work/lower.xlsx", "work/upper.xlsx",
    ]  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals of its own here")
def test_on_a_terminal_the_reason_is_asked_for(folder: Path) -> None:
    command = [sys.executable, "-m", "wuhu_appraisal", "--lang", "en", "freeze", str(folder)]
    command += ["--scheme", str(folder.parent / "scheme.yaml")]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    (folder / "vote" / "丙市.xlsx").unlink()
    ours, theirs = os.openpty()
    os.write(ours, b"minutes of 3 March\n")
    done = subprocess.run(command, capture_output=True, stdin=theirs, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert b"Reason for freezing again" in done.stderr
    frozen, _found = load(folder)
    assert frozen is not None
    assert frozen.stages[1].last.reason == "minutes of 3 March"


def test_errors_in_the_files_are_counted_and_do_not_stand_in_the_way(
    appraise_cli: Appraise, folder: Path
) -> None:
    (folder / "vote" / "丁市.csv").write_text(
        "单位,得分\n甲市,九十\n乙市,80\n丙市,200\n", encoding="utf-8"
    )
    (folder / "vote" / "甲市.xlsx").unlink()
    (folder / "vote" / "甲市.csv").write_text(
        "单位,得分\n甲市,九十\n乙市,80\n丙市,200\n", encoding="utf-8"
    )
    done = appraise_cli("freeze", folder, "--scheme", "scheme.yaml")
    assert done.exit_code == 0, done.output
    assert "these files have 2 errors" in done.output
    assert "1 files belong to no stage" in done.output


def test_a_damaged_record_is_never_written_over(appraise_cli: Appraise, folder: Path) -> None:
    (folder / "frozen.yaml").write_text("stages: [", encoding="utf-8")
    refused = appraise_cli("freeze", folder, "--scheme", "scheme.yaml", "--reason", "x")
    assert refused.exit_code == 1
    assert "frozen.yaml:" in refused.output
    assert "yaml-syntax" in refused.output
    assert (folder / "frozen.yaml").read_text(encoding="utf-8") == "stages: ["


def test_one_folder_is_frozen_and_not_a_file_or_two(appraise_cli: Appraise, folder: Path) -> None:
    file = folder / "vote" / "甲市.xlsx"
    for paths in ((file,), (folder, folder)):
        assert appraise_cli("freeze", *paths, "--scheme", "scheme.yaml").exit_code == 2
    absent = appraise_cli("freeze", folder / "none", "--scheme", "scheme.yaml")
    assert absent.exit_code == 1
    assert "file-not-found" in absent.output
    assert not (folder / "none").exists()
