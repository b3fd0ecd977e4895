"""A result and a workbook are compared with what comes out of the files again."""

import importlib.metadata
import io
import json
import platform
import random
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from helpers import EXAMPLES, STAGE_FILES, Appraise

from wuhu_appraisal import __version__, appraise, load_scheme, store
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.language import activate
from wuhu_appraisal.output import workbook
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.load import LoadedScheme, bundled
from wuhu_appraisal.verify import (
    Comparison,
    compare_result,
    compare_workbook,
    normalise_formula,
)

BALLOT = Path("双向互评/测评县市区/市人社局.xlsx")
EARLIER = "2021-02-03T04:05:06+00:00"
Data = dict[str, Any]

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")


@pytest.fixture(scope="module")
def scheme() -> LoadedScheme:
    return load_scheme("wuhu-2020")


@pytest.fixture(scope="module")
def result(scheme: LoadedScheme) -> Result:
    activate("en")
    return appraise(scheme, [STAGE_FILES])


@pytest.fixture(scope="module")
def recorded(result: Result) -> str:
    """The result as it stands in its file, of an earlier time."""
    return store.dump(replace(result, computed_at=EARLIER)).decode()


@pytest.fixture(scope="module")
def book(result: Result) -> bytes:
    activate("en")
    return workbook.render(replace(result, computed_at=EARLIER), final=False)


@pytest.fixture(scope="module")
def small() -> tuple[Result, bytes]:
    """A result of one table, and its workbook."""
    activate("en")
    result = appraise(load_scheme("sichuan-2011"), [EXAMPLES / "sichuan-2011"])
    return result, workbook.render(result, final=False)


@pytest.fixture
def stage_files(tmp_path: Path) -> Path:
    """A copy that may be changed."""
    folder = tmp_path / "stage-files"
    shutil.copytree(STAGE_FILES, folder)
    return folder


def messages(compared: Comparison) -> list[str]:
    return [f"{item.source}  {item.message}" for item in compared.findings]


def about(compared: Comparison, *parts: str) -> list[Finding]:
    """The findings that hold all these parts."""
    pairs = zip(messages(compared), compared.findings, strict=True)
    return [item for text, item in pairs if all(part in text for part in parts)]


# Results


def test_a_result_of_another_time_and_language_agrees_in_everything(result: Result) -> None:
    activate("zh")
    content = store.dump(replace(result, computed_at=EARLIER))
    activate("en")
    compared = compare_result(content, result, "r.json")
    assert compared.findings == []
    assert all(count and not wrong for count, wrong in list(compared.counts.values())[:5])


def test_the_result_says_with_which_python_and_packages_it_was_made(recorded: str) -> None:
    versions = json.loads(recorded)["versions"]
    assert list(versions) == [
        "Python", "defusedxml", "msoffcrypto-tool", "pydantic", "python-calamine", "PyYAML", "xlrd",
    ]  # fmt: skip
    assert versions.pop("Python") == platform.python_version()
    assert versions == {name: importlib.metadata.version(name) for name in versions}
    required = importlib.metadata.requires("wuhu-appraisal") or []
    names = {re.split(r"[^\w-]", line)[0].casefold() for line in required}
    assert {name.casefold() for name in versions} <= names


def test_other_versions_are_named_and_are_no_difference(result: Result, recorded: str) -> None:
    data = json.loads(recorded)
    data["tool"] = "appraise 0.0.9"
    data["versions"] |= {"python-calamine": "0.0.1", "xlrd": "", "numbers": "1.0"}
    for item in data["findings"]:
        item["message"] = "other words"
    compared = compare_result(json.dumps(data).encode(), result, "r.json")
    assert (compared.findings, compared.numbers_differ) == ([], False)
    assert compared.versions == {
        "appraise": ("0.0.9", __version__),
        "python-calamine": ("0.0.1", importlib.metadata.version("python-calamine")),
    }


def test_one_cell_of_an_input_is_named_with_its_file_and_all_that_follows_from_it(
    scheme: LoadedScheme, recorded: str, stage_files: Path
) -> None:
    path = stage_files / BALLOT
    ballot = openpyxl.load_workbook(path)
    cell = ballot.worksheets[0]["C4"]
    was = float(str(cell.value))
    cell.value = was - 0.5
    ballot.save(path)
    compared = compare_result(recorded.encode(), appraise(scheme, [stage_files]), "r.json")
    file, score, *_rest = compared.findings
    assert (file.code, file.source.file) == ("verify-source-changed", str(BALLOT))
    assert (score.source.file, score.source.cell) == (str(BALLOT), cell.coordinate)
    assert f"recorded {was:g}, computed again {was - 0.5:g}" in score.message
    assert compared.counts["scores as read"][1] == 1
    assert about(compared, "› final ›")


def test_files_that_came_and_went_are_named(
    scheme: LoadedScheme, recorded: str, stage_files: Path
) -> None:
    (stage_files / BALLOT).rename(stage_files / "双向互评/测评县市区/人社局.xlsx")
    compared = compare_result(recorded.encode(), appraise(scheme, [stage_files]), "r.json")
    for what, file in (("gone", str(BALLOT)), ("came", "双向互评/测评县市区/人社局.xlsx")):
        code = f"verify-source-{what}"
        assert [item.source.file for item in compared.findings if item.code == code] == [file]


def test_one_weight_of_the_scheme_is_named_with_the_numbers_that_it_moves(
    tmp_path: Path, recorded: str
) -> None:
    folder = tmp_path / "scheme"
    shutil.copytree(bundled() / "wuhu-2020", folder)
    path = folder / "scheme.yaml"
    text = path.read_text(encoding="utf-8")
    changed = text.replace("weight: 45", "weight: 46", 1).replace("weight: 10", "weight: 9", 1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    again = appraise(load_scheme(folder), [STAGE_FILES])
    compared = compare_result(recorded.encode(), again, "r.json")
    assert compared.findings[0].code == "verify-scheme-differs"
    assert compared.counts["scores as read"][1] == 0
    assert compared.counts["published numbers and ranks"][1] > 0


def final_digit(data: Data) -> None:
    data["standings"]["county"][0]["final"] = "93.35"


def rank(data: Data) -> None:
    data["standings"]["municipal"][3]["rank"] = 3


def order(data: Data) -> None:
    units = data["standings"]["county"]
    units[0], units[1] = units[1], units[0]


def unit_removed(data: Data) -> None:
    del data["standings"]["county"][2]


def score(data: Data) -> None:
    data["scores"]["municipal"]["mutual"][0]["values"][0][0] = "99"


def step(data: Data) -> None:
    data["trace"]["county"]["stages"]["social"][-1][0][1] = "1/3"


def exact_final(data: Data) -> None:
    data["trace"]["county"]["final"][0][1] = "93.340000000000001"


def source_removed(data: Data) -> None:
    del data["sources"][5]


def finding_removed(data: Data) -> None:
    del data["findings"][0]


def finding_reworded(data: Data) -> None:
    data["findings"][0]["message"] = "all is well"


def remark(data: Data) -> None:
    data["remarks"][0]["text"] = "something else"


def record(data: Data) -> None:
    data["standings"]["county"][0]["adjustments"][0]["points"] = "4"


def block_moved(data: Data) -> None:
    data["scores"]["municipal"]["mutual"][0]["rows"]["positions"][0] += 1


@pytest.mark.parametrize(
    ("tamper", "parts"),
    [
        (final_digit, ("湾沚区", "final", "93.35", "93.34")),
        (rank, ("rank", "recorded 3, computed again 4")),
        (order, ("order",)),
        (unit_removed, ("published numbers", "nothing")),
        (score, ("双向互评", "99")),
        (step, ("1/3",)),
        (exact_final, ("93.340000000000001",)),
        (source_removed, (".xlsx",)),
        (finding_removed, ("spread-too-small",)),
        (finding_reworded, ("all is well",)),
        (remark, ("something else",)),
        (record, ("points", "recorded 4, computed again 5")),
        (block_moved, ("positions",)),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_what_was_changed_in_a_result_is_named_by_its_place(
    result: Result, recorded: str, tamper: Callable[[Data], None], parts: tuple[str, ...]
) -> None:
    activate("en")
    data = json.loads(recorded)
    tamper(data)
    compared = compare_result(json.dumps(data).encode(), result, "r.json")
    assert len(compared.findings) >= 1
    joined = "\n".join(messages(compared))
    assert all(part.casefold() in joined.casefold() for part in parts), joined


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff", b'{"format": 1', b'{"format": 2, "format": 2}', b"[" * 200_000]
)
def test_what_is_not_a_result_is_a_finding(
    scheme: LoadedScheme, result: Result, content: bytes
) -> None:
    assert [item.code for item in compare_result(content, result, "r.json").findings] == [
        "result-unreadable"
    ]
    loaded, findings = store.load(content, scheme, "r.json")
    assert loaded is None
    assert [item.code for item in findings] == ["result-unreadable"]


@pytest.mark.parametrize("tamper", [final_digit, rank, score, step, exact_final, record])
def test_a_result_whose_numbers_do_not_follow_from_its_scores_makes_no_report(
    scheme: LoadedScheme, recorded: str, tamper: Callable[[Data], None]
) -> None:
    data = json.loads(recorded)
    tamper(data)
    loaded, findings = store.load(json.dumps(data).encode(), scheme, "r.json")
    assert loaded is None
    assert [item.code for item in findings] == ["result-inconsistent"]


def test_a_slash_never_comes_back_as_a_grade(scheme: LoadedScheme, recorded: str) -> None:
    data = json.loads(recorded)
    data["scores"]["municipal"]["mutual"][0]["values"][0][0] = {"grade": "/"}
    loaded, _findings = store.load(json.dumps(data).encode(), scheme, "r.json")
    assert loaded is None


# Workbooks


def edited(content: bytes, change: Callable[[openpyxl.Workbook], None]) -> bytes:
    made = openpyxl.load_workbook(io.BytesIO(content))
    change(made)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("final", [True, False])
def test_the_very_file_is_the_original_in_either_language_and_stamp(
    result: Result, language: str, final: bool
) -> None:
    activate(language)
    content = workbook.render(replace(result, computed_at=EARLIER), final=final)
    activate("en")
    compared = compare_workbook(content, result, "w.xlsx")
    assert (compared.findings, compared.original) == ([], True)


def test_a_workbook_written_row_by_row_has_the_same_cells_and_is_an_original_too(
    small: tuple[Result, bytes], tmp_path: Path
) -> None:
    result, content = small
    by_rows = workbook.render(result, final=False, folder=str(tmp_path))
    assert by_rows != content
    assert compare_workbook(by_rows, result, "w.xlsx").original
    books = [openpyxl.load_workbook(io.BytesIO(one)) for one in (by_rows, content)]
    cells = [
        {
            (sheet.title, cell.coordinate): cell.value
            for sheet in book.worksheets
            for cell in sheet._cells.values()
        }
        for book in books
    ]
    assert cells[0] == cells[1]


@pytest.mark.slow
def test_a_workbook_that_another_program_saved_agrees_in_its_cells(
    result: Result, book: bytes, tmp_path: Path, convert: Callable[[Path, str], Path]
) -> None:
    saved = edited(book, lambda _made: None)
    compared = compare_workbook(saved, result, "w.xlsx")
    assert (messages(compared), compared.original) == ([], False)
    path = tmp_path / "w.xlsx"
    path.write_bytes(book)
    compared = compare_workbook(convert(path, "xlsx").read_bytes(), result, "w.xlsx")
    assert (messages(compared), compared.original) == ([], False)
    assert compared.counts["cells"][0] > 20_000


def test_fifty_random_edits_of_single_cells_are_fifty_named_cells(
    result: Result, book: bytes
) -> None:
    drawn = random.Random(2020)
    places: dict[tuple[str, str], None] = {}

    def change(made: openpyxl.Workbook) -> None:
        sheets = [sheet for sheet in made.worksheets if len(sheet._cells) > 10]
        while len(places) < 50:
            sheet = drawn.choice(sheets)
            cell = sheet._cells[drawn.choice(sorted(sheet._cells))]
            if cell.value is None or (sheet.title, cell.coordinate) in places:
                continue
            places[sheet.title, cell.coordinate] = None
            if cell.data_type == "f":
                cell.value = drawn.choice([f"{cell.value}+0.01", 88.8, None])
            elif cell.data_type == "n":
                cell.value = float(str(cell.value)) + drawn.choice([-1, 0.01, 0.0001])
            else:
                cell.value = drawn.choice([f"{cell.value}。", None, 7])

    compared = compare_workbook(edited(book, change), result, "w.xlsx")
    named = {(item.source.sheet, item.source.cell) for item in compared.findings}
    assert named == places.keys()


def with_parts(content: bytes, changes: Mapping[str, tuple[str, str]]) -> bytes:
    """A workbook with texts of its parts replaced, each of which must be there."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        for name in source.namelist():
            part = source.read(name)
            if name in changes:
                old, new = changes[name]
                assert re.search(old, part.decode())
                part = re.sub(old, new, part.decode(), count=1).encode()
            written.writestr(name, part)
    return target.getvalue()


def test_a_stored_value_that_does_not_belong_to_its_formula_is_named(
    result: Result, book: bytes
) -> None:
    content = with_parts(
        book, {"xl/worksheets/sheet1.xml": (r"</f><v>[0-9.]+</v>", "</f><v>12345</v>")}
    )
    compared = compare_workbook(content, result, "w.xlsx")
    assert [item.code for item in compared.findings] == ["verify-cell-differs"]


def hide_sheet(made: openpyxl.Workbook) -> None:
    made.worksheets[1].sheet_state = "hidden"


def hide_row(made: openpyxl.Workbook) -> None:
    made.worksheets[0].row_dimensions[7].hidden = True


def flatten_row(made: openpyxl.Workbook) -> None:
    made.worksheets[0].row_dimensions[7].height = 0.0000001


def hide_column(made: openpyxl.Workbook) -> None:
    made.worksheets[0].column_dimensions["C"].hidden = True


def remove_sheet(made: openpyxl.Workbook) -> None:
    del made["Sources"]


def add_sheet(made: openpyxl.Workbook) -> None:
    made.create_sheet("Extra")


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (hide_sheet, "verify-sheet-differs", ""),
        (hide_row, "verify-cell-differs", "7"),
        (flatten_row, "verify-cell-differs", "7"),
        (hide_column, "verify-cell-differs", "C"),
        (remove_sheet, "verify-sheet-differs", ""),
        (add_sheet, "verify-sheet-differs", ""),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_what_was_hidden_added_or_removed_is_named(
    small: tuple[Result, bytes],
    change: Callable[[openpyxl.Workbook], None],
    code: str,
    place: str,
) -> None:
    result, book = small
    compared = compare_workbook(edited(book, change), result, "w.xlsx")
    assert [(item.code, item.source.cell) for item in compared.findings] == [(code, place)]


def test_true_is_not_taken_for_one_and_a_text_not_for_its_number(
    small: tuple[Result, bytes],
) -> None:
    result, book = small

    def change(made: openpyxl.Workbook) -> None:
        numbers = [
            cell
            for sheet in made
            for cell in sheet._cells.values()
            if cell.data_type == "n" and cell.value not in (None, 1)
        ]
        numbers[0].value = str(numbers[0].value)
        ones = [
            cell
            for sheet in made
            for cell in sheet._cells.values()
            if cell.value == 1 and cell.data_type == "n"
        ]
        ones[-1].value = True

    compared = compare_workbook(edited(book, change), result, "w.xlsx")
    assert [item.code for item in compared.findings] == ["verify-cell-differs"] * 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("computed_at", "2999-01-01T00:00:00+08:00"),
        ("computed_at", "yesterday"),
        ("language", "fr"),
        ("audience", "everybody"),
        ("recipient", "王" * 41),
    ],
)
def test_a_workbook_whose_properties_nobody_writes_is_unknown(
    result: Result, book: bytes, name: str, value: str
) -> None:
    def change(made: openpyxl.Workbook) -> None:
        properties: Any = made.custom_doc_props  # type: ignore[attr-defined]
        from openpyxl.packaging.custom import StringProperty

        if name in properties.names:
            del properties[name]
        properties.append(StringProperty(name=name, value=value))

    compared = compare_workbook(edited(book, change), result, "w.xlsx")
    assert [item.code for item in compared.findings] == ["verify-workbook-unknown"]


@pytest.mark.parametrize("content", [b"PK", b"PK\x03\x04" + b"\0" * 100])
def test_a_damaged_workbook_is_a_finding(result: Result, content: bytes) -> None:
    compared = compare_workbook(content, result, "w.xlsx")
    assert [item.code for item in compared.findings] == ["file-damaged"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("=SUM(A1, b2)", "=sum(A1,B2)"),
        ("='Stage scores'!A1", "='stage scores'!a1"),
        ("='Sheet'!A1", "=Sheet!A1"),
        ("=A1*1E-10", "=A1*0.0000000001"),
        ("=_xlfn.STDEV.S(A1)", "=STDEV.S(A1)"),
    ],
)
def test_one_formula_in_two_ways_of_writing_is_one(one: str, other: str) -> None:
    assert normalise_formula(one) == normalise_formula(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('=IF(A1="a",1,2)', '=IF(A1="A",1,2)'),
        ("=SUM(A1:A2)", "=SUM(A1:A3)"),
        ("=A1+1", "=A1-1"),
        ("='a b'!A1", "=ab!A1"),
    ],
)
def test_two_formulas_stay_two(one: str, other: str) -> None:
    assert normalise_formula(one) != normalise_formula(other)


# The command


@pytest.fixture
def computed(appraise_cli: Appraise, stage_files: Path) -> Appraise:
    appraise_cli("compute", str(stage_files))
    return appraise_cli


def test_verify_agrees_with_what_was_just_computed_and_exits_with_0(computed: Appraise) -> None:
    done = computed("verify")
    assert done.exit_code == 0, done.output
    assert "Everything agrees" in done.output


def test_verify_exits_with_1_and_shows_fifty_differences_and_their_number(
    computed: Appraise, stage_files: Path
) -> None:
    for path in (stage_files / "双向互评").rglob("*.xlsx"):
        ballot = openpyxl.load_workbook(path)
        cell = ballot.worksheets[0]["C4"]
        cell.value = float(str(cell.value)) - 0.5
        ballot.save(path)
    done = computed("verify")
    assert done.exit_code == 1
    assert done.output.count("verify-") == 50
    assert re.search(r"and \d+ more differences", done.output)


def test_without_stage_files_verify_asks_for_them(computed: Appraise, stage_files: Path) -> None:
    stage_files.rename(stage_files.with_name("elsewhere"))
    done = computed("verify")
    assert done.exit_code == 1
    assert "verify-no-files" in done.output


def test_of_a_workbook_verify_says_whether_it_is_the_original_or_was_saved_again(
    computed: Appraise,
) -> None:
    computed("report", "--format", "xlsx")
    path = Path("results/wuhu-2020.xlsx")
    done = computed("verify", str(path))
    assert done.exit_code == 0, done.output
    assert "is the original" in done.output
    path.write_bytes(edited(path.read_bytes(), lambda _made: None))
    done = computed("verify", str(path))
    assert done.exit_code == 0, done.output
    assert "not vouched for" in done.output


@pytest.mark.slow
def test_an_encrypted_workbook_is_verified_with_its_password(
    computed: Appraise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISE_PASSWORD", "开卷")
    computed("report", "--format", "xlsx", "--encrypt")
    done = computed("verify", "results/wuhu-2020.xlsx")
    assert done.exit_code == 0, done.output
    monkeypatch.setenv("APPRAISE_PASSWORD", "falsch")
    done = computed("verify", "results/wuhu-2020.xlsx")
    assert done.exit_code == 1
    assert "password" in done.output


def test_what_is_not_there_is_a_finding(appraise_cli: Appraise) -> None:
    done = appraise_cli("verify", "nowhere.json")
    assert done.exit_code == 1
    assert "result-not-found" in done.output
