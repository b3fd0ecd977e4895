"""The same input in every format that offices send gives the same result to the last digit."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import msoffcrypto
import openpyxl
import pandas as pd
import pytest
from helpers import STAGE_FILES, Appraise
from helpers.office import convert_all, stage_files
from helpers.small import SHEETS, SMALL, run, texts, write
from msoffcrypto.format.ooxml import OOXMLFile

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.appraisal import ReadOptions
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.workbooks.open import read_sheets

CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"


def numbers(content: bytes) -> object:
    """Finals, ranks and exact steps of a result, without the files' names and their order."""
    data = json.loads(content)
    for unit in (unit for units in data["standings"].values() for unit in units):
        for record in unit["adjustments"]:
            del record["source"]
        unit["adjustments"].sort(key=lambda record: sorted(record.items()))
    steps = [
        sorted((row[0], row[1]) for row in step)
        for traced in data["trace"].values()
        for stage in traced["stages"].values()
        for step in stage
    ]
    return data["standings"], steps


def saved_anew(soffice: str, folder: Path, form: str) -> Path:
    """The example input, each workbook saved by LibreOffice in another format."""
    for source in sorted({path.parent for path in STAGE_FILES.rglob("*.xlsx")}):
        scratch = folder / "scratch" / source.relative_to(STAGE_FILES)
        made = convert_all(soffice, scratch, sorted(source.glob("*.xlsx")), form)
        shutil.copytree(made, folder / "anew" / source.relative_to(STAGE_FILES))
    return folder / "anew"


def files(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(("form", "count"), [("xls", 44), ("ods", 44), (CSV, 79), ("xlsx", 44)])
def test_the_examples_saved_in_another_format_give_the_same_result(
    appraise_cli: Appraise, wuhu_json: bytes, tmp_path: Path, form: str, count: int
) -> None:
    with zipfile.ZipFile(stage_files(form)) as archive:
        archive.extractall(tmp_path / "in")
    assert len(files(tmp_path / "in")) == count
    result = appraise_cli("compute", "in")
    assert result.exit_code == 0, result.output
    assert numbers((tmp_path / "results" / "appraisal.json").read_bytes()) == numbers(wuhu_json)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["xls", "ods", CSV, "xlsx"])
def test_libreoffice_saves_the_examples_as_they_are_committed(
    soffice: str, tmp_path: Path, form: str
) -> None:
    anew = files(saved_anew(soffice, tmp_path, form))
    if os.environ.get("APPRAISE_SAVE_AGAIN"):
        with zipfile.ZipFile(stage_files(form), "w", zipfile.ZIP_DEFLATED) as archive:
            for name, path in sorted(anew.items()):
                archive.write(path, name)
    with zipfile.ZipFile(stage_files(form)) as archive:
        assert set(anew) == set(archive.namelist())
        for name, path in anew.items():
            assert read_sheets(name, path.read_bytes()) == read_sheets(name, archive.read(name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk"])
@pytest.mark.parametrize(("delimiter", "ending"), [(",", "csv"), ("\t", "tsv"), (";", "csv")])
def test_a_table_as_text_is_read_in_every_encoding(
    tmp_path: Path, encoding: str, delimiter: str, ending: str
) -> None:
    write(tmp_path, SHEETS)
    (tmp_path / "vote" / "甲市.xlsx").unlink()
    content = texts(SHEETS["vote/甲市"], encoding, delimiter)
    (tmp_path / "vote" / f"甲市.{ending}").write_bytes(content)
    found = appraise(load_scheme(SMALL), [tmp_path])
    assert found.findings == []
    assert str(found.standings["city"][0].final) == "94.46"


@pytest.mark.parametrize("ending", ["xls", "xlsx", "csv", "et", "ods"])
def test_what_a_file_is_its_content_says_and_not_its_ending(tmp_path: Path, ending: str) -> None:
    for content in ("xlsx", "text"):
        folder = tmp_path / content
        write(folder, SHEETS)
        path = folder / "vote" / "甲市.xlsx"
        data = path.read_bytes() if content == "xlsx" else texts(SHEETS["vote/甲市"], "gbk")
        path.unlink()
        path.with_suffix(f".{ending}").write_bytes(data)
        assert appraise(load_scheme(SMALL), [folder]).findings == [], content


@pytest.mark.parametrize(
    "page",
    [
        "<html><body><table><tr><td>单位</td></tr></table></body></html>",
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        "\ufeff  <TABLE border=1><tr><td>单位,得分</td></tr></TABLE>",
    ],
)
def test_a_web_page_under_a_workbooks_name_is_named_for_what_it_is(
    tmp_path: Path, page: str
) -> None:
    write(tmp_path, SHEETS)
    (tmp_path / "vote" / "甲市.xlsx").unlink()
    (tmp_path / "vote" / "甲市.xls").write_text(page, encoding="utf-8")
    found = appraise(load_scheme(SMALL), [tmp_path])
    named = {item.code: item.source.file for item in found.findings}
    assert named["file-is-markup"] == "vote/甲市.xls"


def test_what_pandas_writes_is_read_and_its_nameless_index_is_said(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    header, *rows = SHEETS["vote/甲市"]
    frame = pd.DataFrame([dict(zip(header, row, strict=True)) for row in rows])
    frame.to_excel(tmp_path / "vote" / "甲市.xlsx")
    found = appraise(load_scheme(SMALL), [tmp_path])
    assert [(item.code, item.source.cell) for item in found.findings] == [("column-unknown", "A1")]
    assert str(found.standings["city"][0].final) == "94.46"


@pytest.fixture
def encrypted(tmp_path: Path) -> Path:
    """The small input with one ballot encrypted as Excel does, with the password '考评2020'."""
    folder = tmp_path / "in"
    write(folder, SHEETS)
    path = folder / "vote" / "甲市.xlsx"
    clear = tmp_path / "clear.xlsx"
    shutil.move(path, clear)
    with clear.open("rb") as source, path.open("wb") as target:
        OOXMLFile(source).encrypt("考评2020", target)
    with path.open("rb") as made:
        assert msoffcrypto.OfficeFile(made).is_encrypted()
    return folder


def findings(folder: Path, password: str | None) -> list[Finding]:
    return list(appraise(load_scheme(SMALL), [folder], ReadOptions(password=password)).findings)


def test_an_encrypted_workbook_is_read_with_its_password(encrypted: Path) -> None:
    assert findings(encrypted, "考评2020") == []


@pytest.mark.parametrize(
    ("password", "code"), [(None, "file-protected"), ("wrong", "file-password-wrong")]
)
def test_a_missing_or_wrong_password_is_a_finding_that_says_so(
    encrypted: Path, password: str | None, code: str
) -> None:
    found = {item.code: item.source.file for item in findings(encrypted, password)}
    assert found[code] == "vote/甲市.xlsx"


def test_the_password_comes_from_a_prompt_a_file_or_the_environment(
    encrypted: Path, appraise_cli: Appraise, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = ("compute", encrypted, "--scheme", SMALL)
    assert appraise_cli(*command).exit_code == 1
    secret = tmp_path / "password.txt"
    secret.write_text("考评2020\n", encoding="utf-8")
    assert appraise_cli(*command, "--password-file", secret).exit_code == 0
    assert appraise_cli(*command, "--password-file", tmp_path / "none").exit_code == 1
    monkeypatch.setenv("APPRAISE_PASSWORD", "考评2020")
    assert appraise_cli(*command).exit_code == 0
    monkeypatch.setattr("click.prompt", lambda *_a, **_k: "wrong")
    result = appraise_cli(*command, "--ask-password")
    assert "[file-password-wrong]" in result.output


def test_no_copy_in_the_clear_is_left_anywhere(encrypted: Path, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.name != "clear.xlsx"}
    assert findings(encrypted, "考评2020") == []
    assert {path for path in tmp_path.rglob("*") if path.name != "clear.xlsx"} == before


def test_a_sheet_of_text_may_be_named_behind_its_workbook_or_lie_in_its_folder(
    tmp_path: Path,
) -> None:
    text = SMALL.read_text(encoding="utf-8").replace(
        'file: "vote/{rater}", axes: [unit]', 'file: "vote", sheet: "{rater}", axes: [unit]'
    )
    scheme = tmp_path / "scheme.yaml"
    scheme.write_text(text, encoding="utf-8")
    folder = tmp_path / "in"
    write(folder, {name: rows for name, rows in SHEETS.items() if name.startswith("work")})
    (folder / "vote-甲市.csv").write_bytes(texts(SHEETS["vote/甲市"], "utf-8"))
    (folder / "vote").mkdir()
    (folder / "vote" / "乙市.csv").write_bytes(texts(SHEETS["vote/乙市"], "utf-8"))
    found = appraise(load_scheme(scheme), [folder])
    assert found.findings == []
    assert str(found.standings["city"][0].final) == "94.46"


def test_openpyxl_writes_what_the_other_tests_read(tmp_path: Path) -> None:
    assert run(tmp_path).findings == []
    assert openpyxl.load_workbook(tmp_path / "vote" / "甲市.xlsx").sheetnames == ["Sheet"]
