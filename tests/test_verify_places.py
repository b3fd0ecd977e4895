"""Verification finds the files again, tells them apart by content, and fails only with a cause."""

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from helpers import Appraise
from helpers.small import SHEETS, SMALL, write

from wuhu_appraisal.findings import codes

SCHEME = ("--scheme", "scheme.yaml")
FROZEN = "stage-files/frozen.yaml"


@pytest.fixture
def office(appraise_cli: Appraise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Appraise:
    """The command line in an office's folder, with a scheme and the files of its stages."""
    (tmp_path / "office").mkdir()
    monkeypatch.chdir(tmp_path / "office")
    shutil.copy(SMALL, "scheme.yaml")
    write(Path("stage-files"), SHEETS)
    return appraise_cli


def computed(office: Appraise, *paths: str | Path) -> None:
    done = office("compute", *(paths or ("stage-files",)), *SCHEME, "--provisional")
    assert done.exit_code == 0, done.output


def agrees(office: Appraise, *arguments: str | Path) -> str:
    done = office("verify", *arguments, *SCHEME)
    assert done.exit_code == 0, done.output
    return done.output


def differs(office: Appraise, *arguments: str | Path) -> list[str]:
    """The codes of the differences, which all make the command fail."""
    done = office("verify", *arguments, *SCHEME)
    assert done.exit_code == 1, done.output
    return [code for code in codes() if f"[{code}]" in done.output]


def recorded(path: str = "results/appraisal.json") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize(
    "paths",
    [
        ("stage-files/",),
        ("./stage-files/vote/../",),
        ("{here}/stage-files",),
        ("stage-files/work", "stage-files/vote"),
        ("{here}/stage-files/work", "./stage-files/vote/../vote"),
        ("stage-files/vote/甲市.xlsx",),
        ("stage-files/vote", str(Path("stage-files", "work", "upper.xlsx"))),
        (".",),
    ],
    ids=" ".join,
)
def test_verify_finds_the_files_again_however_they_were_given(
    office: Appraise, paths: tuple[str, ...]
) -> None:
    computed(office, *(path.format(here=Path.cwd()) for path in paths))
    assert "Everything agrees" in agrees(office)
    assert not any(Path(path).is_absolute() for path in recorded()["inputs"])


def test_verify_finds_the_files_again_from_above_from_below_and_from_the_side(
    office: Appraise, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Path.cwd()
    monkeypatch.chdir(here.parent)
    scheme = ("--scheme", "office/scheme.yaml")
    assert office("compute", "office/stage-files", "--out", "office/r", *scheme).exit_code == 0
    assert office("verify", "office/r/appraisal.json", *scheme).exit_code == 0
    monkeypatch.chdir(here / "stage-files" / "vote")
    assert (
        office("verify", here / "r/appraisal.json", "--scheme", "../../scheme.yaml").exit_code == 0
    )
    monkeypatch.chdir(here / "stage-files")
    assert office("compute", "..", "--out", "../r2", "--scheme", "../scheme.yaml").exit_code == 0
    monkeypatch.chdir(here)
    assert "Everything agrees" in agrees(office, "r2/appraisal.json")


def test_a_result_and_its_files_that_are_moved_together_still_agree(
    office: Appraise, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    computed(office, Path.cwd() / "stage-files")
    (tmp_path / "office").rename(tmp_path / "archive 2020")
    monkeypatch.chdir(tmp_path / "archive 2020")
    assert "Everything agrees" in agrees(office)
    monkeypatch.chdir(tmp_path)
    path = "archive 2020/results/appraisal.json"
    assert office("verify", path, "--scheme", "archive 2020/scheme.yaml").exit_code == 0


def test_a_glob_of_folders_agrees_with_their_parent_and_the_other_way_round(
    office: Appraise,
) -> None:
    computed(office, *sorted(Path("stage-files").iterdir(), reverse=True))
    agrees(office)
    agrees(office, "--files", "stage-files")
    office("report", *SCHEME, "--out", "results/book.xlsx")
    assert "is the original" in agrees(office, "results/book.xlsx", "--files", "stage-files")
    computed(office)
    agrees(office, "--files", "stage-files/vote", "--files", Path.cwd() / "stage-files/work")


def test_decisions_beside_several_folders_agree_in_any_spelling(office: Appraise) -> None:
    for folder in ("work", "vote"):
        entry = {"decide": "set_aside", "reason": "r", "by": "b", "at": "2021-01-15"}
        file = {"work": "lower.xlsx", "vote": "甲市.xlsx"}[folder]
        text = yaml.safe_dump({"decisions": [{**entry, "file": file}]}, allow_unicode=True)
        Path(f"stage-files/{folder}/decisions.yaml").write_text(text, encoding="utf-8")
    computed(office, Path.cwd() / "stage-files/work", "stage-files/./vote")
    assert [item["decision"]["file"] for item in recorded()["decisions"]] == [
        "work/lower.xlsx",
        "vote/甲市.xlsx",
    ]
    agrees(office)
    agrees(office, "--files", "stage-files/work", "--files", "stage-files/vote")


def test_a_file_is_known_by_its_content_whatever_it_is_called(office: Appraise) -> None:
    computed(office)
    Path("stage-files/vote/甲市.xlsx").rename("stage-files/vote/甲.xlsx")
    output = agrees(office)
    assert output.count("verify-source-renamed") == 1
    assert "vote/甲市.xlsx" in output


def test_two_ballots_that_change_their_names_change_their_raters_and_are_named(
    office: Appraise,
) -> None:
    computed(office)
    one, other = (Path(f"stage-files/vote/{name}.xlsx") for name in ("甲市", "乙市"))
    one.rename("kept.xlsx")
    other.rename(one)
    Path("kept.xlsx").rename(other)
    assert "verify-differs" in differs(office)


def test_a_file_with_other_content_is_named_once_as_changed_gone_or_new(office: Appraise) -> None:
    computed(office)
    path = Path("stage-files/vote/甲市.xlsx")
    content = path.read_bytes()
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["B2"] = 89
    book.save(path)
    assert "verify-source-changed" in differs(office)
    # Its content stands under another name, and another content under its name.
    Path("stage-files/vote/甲.xlsx").write_bytes(content)
    assert "verify-source-came" in differs(office)
    path.unlink()
    agrees(office)
    Path("stage-files/vote/甲.xlsx").unlink()
    assert "verify-source-gone" in differs(office)


def left_over(folder: Path) -> Iterator[None]:
    """Put into a folder, one by one, what is passed over when it is read."""
    for name in (".DS_Store", "~$甲市.xlsx", ".~lock.甲市.xlsx#", "说明.docx", "notes.txt"):
        (folder / name).write_bytes(b"x")
        yield
    (folder / "vote/link").symlink_to((folder / "work").absolute())
    yield
    (folder / "old").mkdir()
    (folder / "old/appraisal.json").write_text("{}")
    yield


def test_what_is_passed_over_fails_no_verification_whether_it_comes_or_goes(
    office: Appraise,
) -> None:
    computed(office)
    office("report", *SCHEME, "--out", "results/book.xlsx")
    for _step in left_over(Path("stage-files")):
        agrees(office)
        agrees(office, "results/book.xlsx")
    computed(office)
    assert recorded()["provisional"]
    for path in (".DS_Store", "说明.docx", "notes.txt", "vote/link", "~$甲市.xlsx"):
        Path("stage-files", path).unlink()
    agrees(office)


REPORTS = {
    "csv": "a table (.csv)",
    "md": "a page of text (.md)",
    "docx": "a Word document (.docx)",
    "json": "a report in JSON",
}


@pytest.mark.parametrize("form", REPORTS)
@pytest.mark.parametrize("ending", ["", ".bin"])
def test_a_report_of_another_kind_is_told_to_be_what_it_is(
    office: Appraise, form: str, ending: str
) -> None:
    computed(office)
    path = f"results/report.{form}{ending}"
    office("report", "--format", form, "--out", path, *SCHEME)
    done = office("verify", path, *SCHEME)
    assert done.exit_code == 1
    assert f"{path}  error [verify-other-kind]" in " ".join(done.output.split()).replace(
        " error", "  error"
    )
    assert REPORTS[form] in done.output
    assert "these can be verified" in " ".join(done.output.split())


def test_a_letter_in_word_and_a_picture_are_no_results_either(office: Appraise) -> None:
    computed(office)
    office("report", "--unit", "甲市", "--format", "docx", "--out", "letter.docx", *SCHEME)
    Path("scan.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert differs(office, "letter.docx") == ["verify-other-kind"]
    assert differs(office, "scan.png") == ["verify-other-kind"]


@pytest.mark.parametrize(
    "copy", [("--unit", "甲市"), ("--audience", "leading-group"), ("--audience", "public")]
)
def test_a_copy_kept_elsewhere_is_verified_with_its_result(
    office: Appraise, copy: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    computed(office)
    office("report", *copy, "--out", tmp_path / "sent/copy.xlsx", *SCHEME)
    monkeypatch.chdir(tmp_path / "sent")
    scheme = ("--scheme", "../office/scheme.yaml")
    result = ("--result", "../office/results/appraisal.json")
    done = office("verify", "copy.xlsx", *result, *scheme)
    assert done.exit_code == 0, done.output
    assert "is the original" in done.output
    book = openpyxl.load_workbook("copy.xlsx")
    book.worksheets[0]["A1"] = "changed"
    book.save("copy.xlsx")
    done = office("verify", "copy.xlsx", *result, *scheme)
    assert done.exit_code == 1
    assert "verify-cell-differs" in done.output
    done = office("verify", result[1], *result, *scheme)
    assert done.exit_code == 0
    done = office("verify", "../office/results/appraisal.json", "--result", "copy.xlsx", *scheme)
    assert done.exit_code == 2


def test_a_changed_file_is_the_one_cause_also_where_a_workbook_is_verified(
    office: Appraise,
) -> None:
    computed(office)
    office("report", "--out", "results/book.xlsx", *SCHEME)
    path = Path("stage-files/vote/甲市.xlsx")
    book = openpyxl.load_workbook(path)
    book.worksheets[0]["B2"] = 89
    book.save(path)
    named = differs(office, "results/book.xlsx")
    assert "verify-source-changed" in named
    assert "verify-cell-differs" not in named


def test_no_copy_says_where_the_office_keeps_its_files(office: Appraise, tmp_path: Path) -> None:
    office("freeze", "stage-files", *SCHEME)
    computed(office, *sorted(path.absolute() for path in Path("stage-files").glob("*[!l]")))
    for form in ("xlsx", "csv", "json", "md"):
        for audience in ("leading-group", "public"):
            out = f"copy-{audience}.{form}"
            office("report", "--audience", audience, "--format", form, "--out", out, *SCHEME)
            content = Path(out).read_bytes()
            if form == "xlsx":
                book = openpyxl.load_workbook(out)
                values = [str(cell.value) for sheet in book for row in sheet for cell in row]
                content = "\n".join(values).encode()
            assert str(tmp_path).encode() not in content
            assert b'"inputs"' not in content
            assert b'"frozen"' not in content


# What was frozen


def leaves(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def changed(value: Any, key: Any) -> Any:
    """Another value that a person who hides something could have written by hand."""
    if key == "at":
        return "2020-12-24T08:00:00+00:00"
    if key == "sha256":
        return ("0" if value[0] != "0" else "1") + value[1:]
    return value + 1 if isinstance(value, int) else f"{value}x"


def test_every_field_of_what_was_frozen_is_named_where_it_is_changed(office: Appraise) -> None:
    office("freeze", "stage-files", "--by", "王五", *SCHEME)
    office("freeze", "stage-files", "--by", "赵六", "--reason", "again", *SCHEME)
    computed(office)
    agrees(office)
    before = Path(FROZEN).read_text(encoding="utf-8")
    paths = list(leaves(yaml.safe_load(before)))
    assert len(paths) > 20
    for path in paths:
        record = yaml.safe_load(before)
        *above, last = path
        place = record
        for key in above:
            place = place[key]
        place[last] = changed(place[last], last)
        Path(FROZEN).write_text(yaml.safe_dump(record, allow_unicode=True), encoding="utf-8")
        done = office("verify", *SCHEME)
        assert done.exit_code == 1, path
        output = " ".join(done.output.split())
        assert "frozen.yaml" in output, path
        assert "record of what was frozen" in output, path
    Path(FROZEN).unlink()
    assert "verify-differs" in differs(office)


def test_what_is_frozen_after_the_result_was_computed_is_no_difference(office: Appraise) -> None:
    computed(office)
    office("freeze", "stage-files", "--stage", "vote", *SCHEME)
    agrees(office)
    computed(office)
    office("freeze", "stage-files", *SCHEME)
    agrees(office)


def test_a_result_of_an_earlier_version_is_verified_as_before(office: Appraise) -> None:
    office("freeze", "stage-files", *SCHEME)
    computed(office)
    read = recorded()
    del read["inputs"], read["frozen"]
    Path("results/appraisal.json").write_text(json.dumps(read), encoding="utf-8")
    agrees(office)


def test_every_order_of_the_same_files_agrees(office: Appraise) -> None:
    files = sorted(Path("stage-files").rglob("*.xlsx"))[:3]
    computed(office, *files)
    for order in itertools.permutations(files):
        agrees(office, *(argument for file in order for argument in ("--files", file)))
