"""A result, a workbook and a signature are held against what comes out of the files again."""

import importlib.metadata
import io
import json
import os
import platform
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import STAGE_FILES, Appraise, convert_all
from msoffcrypto.format.ooxml import OOXMLFile
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.styles.numbers import NumberFormat
from sheets import RIGHT, _write_input, _write_scheme
from wuhu_appraisal.verify.formulas import normalised
from wuhu_appraisal.verify.results import Compared

from wuhu_appraisal import __version__, appraise, load_scheme
from wuhu_appraisal import store as stored
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.language import activate
from wuhu_appraisal.output import workbook
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.load import LoadedScheme, bundled
from wuhu_appraisal.store import dump
from wuhu_appraisal.verify import results, signatures, workbooks

BALLOT = Path("双向互评/测评县市区/市人社局.xlsx")
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")

EARLIER = "2021-02-03T04:05:06+00:00"


@pytest.fixture(scope="module")
def scheme() -> LoadedScheme:
    return load_scheme("wuhu-2020")


@pytest.fixture(scope="module")
def run(scheme: LoadedScheme) -> Result:
    activate("en")
    return appraise(scheme, [STAGE_FILES])


@pytest.fixture(scope="module")
def recorded(run: Result) -> str:
    """The result as it stands in its file, of an earlier time."""
    return dump(replace(run, computed_at=EARLIER)).decode()


@pytest.fixture(scope="module")
def book(run: Result) -> bytes:
    activate("en")
    return workbook.render(replace(run, computed_at=EARLIER), final=False)


@pytest.fixture
def stage_files(tmp_path: Path) -> Path:
    """A copy that may be changed."""
    folder = tmp_path / "stage-files"
    shutil.copytree(STAGE_FILES, folder)
    for path in folder.rglob("*"):
        path.chmod(0o755)
    return folder


def told(compared: Compared) -> list[str]:
    return [f"{item.source}  {item.message}" for item in compared.findings]


def about(compared: Compared, *parts: str) -> list[Finding]:
    """The findings that hold all these parts."""
    pairs = zip(told(compared), compared.findings, strict=True)
    return [item for text, item in pairs if all(part in text for part in parts)]


def changed(text: str, pattern: str, by: Callable[[re.Match[str]], str] | str) -> bytes:
    made, count = re.subn(pattern, by, text, count=1, flags=re.DOTALL)
    assert count == 1
    assert made != text
    return made.encode()


def test_a_result_of_another_time_and_language_agrees_in_everything(
    scheme: LoadedScheme, run: Result
) -> None:
    activate("zh")
    made = dump(replace(run, computed_at=EARLIER))
    activate("en")
    compared = results.compare(made, scheme, run, "r.json")
    assert compared.findings == []
    counts = {kind: count for kind, (count, _wrong) in compared.counts.items()}
    assert counts.pop("what else is recorded") > len(run.ledger) + len(run.remarks)
    assert counts == {
        "scheme": 1, "files": 44, "scores as read": 13347, "records of adjustments": 15,
        "numbers of the steps": 1984, "exact composites and finals": 216,
        "published numbers and ranks": 434, "findings": len(run.findings),
    }  # fmt: skip


def test_the_language_of_a_result_is_found_where_the_schemes_title_is_one_in_both(
    tmp_path: Path,
) -> None:
    _write_scheme(RIGHT, tmp_path / "scheme.yaml")
    _write_input(RIGHT, tmp_path / "in")
    small = load_scheme(tmp_path / "scheme.yaml")
    assert small.scheme is not None and small.scheme.title.zh == small.scheme.title.en
    again = appraise(small, [tmp_path / "in"])
    activate("zh")
    made = dump(again)
    activate("en")
    assert made != dump(again)
    assert results.compare(made, small, again, "r.json").findings == []


def test_the_result_says_with_which_python_and_packages_it_was_made(recorded: str) -> None:
    versions = json.loads(recorded)["versions"]
    assert list(versions) == [
        "Python", "defusedxml", "msoffcrypto-tool", "pydantic", "python-calamine", "PyYAML", "xlrd",
    ]  # fmt: skip
    assert versions.pop("Python") == platform.python_version()
    assert versions == {name: importlib.metadata.version(name) for name in versions}
    stated = importlib.metadata.requires("wuhu-appraisal") or []
    names = {re.split(r"[^\w-]", line)[0].casefold() for line in stated}
    assert {name.casefold() for name in versions} <= names


def test_other_versions_are_said_and_are_no_difference(
    scheme: LoadedScheme, run: Result, recorded: str
) -> None:
    data = json.loads(recorded)
    data["tool"] = "appraise 0.0.9"
    data["versions"] |= {"python-calamine": "0.0.1", "xlrd": "", "numbers": "1.0"}
    compared = results.compare(json.dumps(data).encode(), scheme, run, "r.json")
    assert (compared.findings, compared.numbers_differ) == ([], False)
    assert compared.versions == {
        "appraise": ("0.0.9", __version__),
        "python-calamine": ("0.0.1", importlib.metadata.version("python-calamine")),
    }


def test_a_result_that_says_no_versions_is_read_and_agrees(
    scheme: LoadedScheme, run: Result, recorded: str
) -> None:
    data = json.loads(recorded)
    del data["versions"]
    older = json.dumps(data).encode()
    assert stored.load(older, scheme, "r.json")[1] == []
    compared = results.compare(older, scheme, run, "r.json")
    assert (compared.findings, compared.versions) == ([], {})


def test_one_cell_of_an_input_is_named_with_its_file_and_all_that_follows_from_it(
    scheme: LoadedScheme, recorded: str, stage_files: Path
) -> None:
    path = stage_files / BALLOT
    ballot = openpyxl.load_workbook(path)
    sheet = ballot.worksheets[0]
    cell = sheet["C4"]
    was = float(str(cell.value))
    cell.value = was - 0.5
    ballot.save(path)
    again = appraise(scheme, [stage_files])
    compared = results.compare(recorded.encode(), scheme, again, "r.json")
    file, score, *_rest = compared.findings
    assert (file.code, file.source.file) == ("verify-source-changed", str(BALLOT))
    assert (score.source.file, score.source.cell) == (str(BALLOT), cell.coordinate)
    assert f"recorded {was:g}, computed again {was - 0.5:g}" in score.message
    assert compared.counts["scores as read"] == (13347, 1)
    assert about(compared, ": final, exact: recorded")


def test_files_that_came_and_went_are_named(
    scheme: LoadedScheme, recorded: str, stage_files: Path
) -> None:
    (stage_files / BALLOT).rename(stage_files / "双向互评/测评县市区/人社局.xlsx")
    again = appraise(scheme, [stage_files])
    compared = results.compare(recorded.encode(), scheme, again, "r.json")
    gone, came = (
        [item for item in compared.findings if item.code == f"verify-source-{what}"]
        for what in ("gone", "came")
    )
    assert [item.source.file for item in gone] == [str(BALLOT)]
    assert [item.source.file for item in came] == ["双向互评/测评县市区/人社局.xlsx"]


def test_one_weight_of_the_scheme_is_told_with_the_numbers_that_it_moves(
    recorded: str, tmp_path: Path
) -> None:
    folder = tmp_path / "wuhu-2020"
    shutil.copytree(bundled() / "wuhu-2020", folder)
    path = folder / "scheme.yaml"
    text = path.read_text(encoding="utf-8")
    weights = re.findall(r"(?m)^    weight: (\d+)", text)
    assert len(weights) > 1
    text = text.replace(f"    weight: {weights[0]}", "    weight: X", 1)
    text = text.replace(f"    weight: {weights[1]}", f"    weight: {int(weights[1]) + 1}", 1)
    path.write_text(text.replace("weight: X", f"weight: {int(weights[0]) - 1}"), encoding="utf-8")
    loaded = load_scheme(folder)
    assert loaded.scheme is not None, loaded.findings
    compared = results.compare(recorded.encode(), loaded, appraise(loaded, [STAGE_FILES]), "r.json")
    assert compared.findings[0].code == "verify-scheme-differs"
    assert compared.counts["scores as read"] == (13347, 0)
    assert about(compared, "镜湖区: composite, exact")
    assert not about(compared, "镜湖区 (Counties and districts): Professional assessment")


def test_one_score_in_the_result_is_named_with_its_cell(
    scheme: LoadedScheme, run: Result, recorded: str
) -> None:
    block = next(iter(run.traces["county"].stages.values())).scores.blocks[0]
    pattern = r'("county":\{"stages".*?"values":\[\[")([^"]+)'
    tampered = changed(recorded, pattern, r"\g<1>19.99")
    compared = results.compare(tampered, scheme, run, "r.json")
    (finding,) = about(compared, "computed again", block.sheet, "19.99")
    assert finding.source == block.source(0, 0)
    assert compared.counts["scores as read"] == (13347, 1)


def test_one_rank_in_the_result_is_named_with_its_unit(
    scheme: LoadedScheme, run: Result, recorded: str
) -> None:
    first = run.standings["county"][0]
    pattern = rf'("unit": "{first.unit}",\s*"rank": )1,'
    tampered = changed(recorded, pattern, r"\g<1>2,")
    compared = results.compare(tampered, scheme, run, "r.json")
    assert [item.code for item in compared.findings] == ["result-inconsistent", "verify-differs"]
    said = compared.findings[1].message
    assert said == f"{first.unit} (Counties and districts): rank: recorded 2, computed again 1"


def test_a_number_that_differs_in_its_last_digit_only_is_named(
    scheme: LoadedScheme, run: Result, recorded: str
) -> None:
    tampered = changed(
        recorded,
        r'("composite":\[\{"unit":"([^"]+)".*?"value":")(\d+/\d*?)(\d)"',
        lambda found: f'{found[1]}{found[3]}{(int(found[4]) + 2) % 10}"',
    )
    compared = results.compare(tampered, scheme, run, "r.json")
    assert compared.counts["exact composites and finals"][1] == 1
    assert about(compared, "composite, exact")


@pytest.mark.parametrize(
    ("pattern", "by", "kind"),
    [
        (r'"code": "[a-z-]+"', '"code": "score-struck-out"', "findings"),
        (r'("reason": ")[^"]+', r"\g<1>other", "records of adjustments"),
        (r'("remarks": \[.*?"text": ")[^"]+', r"\g<1>other", "what else is recorded"),
        (r'("provisional": )false', r"\g<1>true", "what else is recorded"),
        (r'("sha256": "[0-9a-f]{64}",\s*"stage": ")[^"]+', r"\g<1>mutual, x", "files"),
    ],
)
def test_whatever_else_was_changed_in_the_result_is_told(
    scheme: LoadedScheme, run: Result, recorded: str, pattern: str, by: str, kind: str
) -> None:
    compared = results.compare(changed(recorded, pattern, by), scheme, run, "r.json")
    assert compared.counts[kind][1] >= 1


Data = Any
"""A result as JSON data."""


def ranks_swapped(data: Data) -> None:
    one, other = data["groups"][1]["units"][2:4]
    one["rank"], other["rank"] = other["rank"], one["rank"]


def unit_removed(data: Data) -> None:
    data["groups"][1]["units"].pop(5)


def source_removed(data: Data) -> None:
    data["sources"].pop(7)


def source_added_twice(data: Data) -> None:
    data["sources"].append({**data["sources"][7], "sha256": "0" * 64})


def finding_dropped(data: Data) -> None:
    data["findings"].pop(0)


def finding_said_otherwise(data: Data) -> None:
    data["findings"][0]["message"] = "all is well"


def remark_changed(data: Data) -> None:
    data["remarks"][9]["text"] += "!"


def coefficient_changed(data: Data) -> None:
    rows = data["trace"]["county"]["stages"]["professional"]["steps"][-1]
    rows[0][2][0] = "0.8"


def final_coefficient_changed(data: Data) -> None:
    data["trace"]["county"]["composite"][0]["coefficients"][0] = "0.46"


def rows_called_otherwise(data: Data) -> None:
    block = data["trace"]["county"]["stages"]["mutual"]["blocks"][0]
    block["rows"]["dimension"] = "body"


def group_called_otherwise(data: Data) -> None:
    data["groups"][1]["title"] = "Others"


@pytest.mark.parametrize(
    ("change", "places"),
    [
        (
            ranks_swapped,
            {"{units[2]} (Municipal units): rank", "{units[3]} (Municipal units): rank"},
        ),
        (unit_removed, {"{units[5]} (Municipal units): final", "the units in their order"}),
        (source_removed, {"{source}  the file did not go into the result"}),
        (source_added_twice, {"{source}  the file went into the result and is not there"}),
        (finding_dropped, {"{finding}"}),
        (finding_said_otherwise, {"{finding}", "all is well"}),
        (remark_changed, {"{remark}  remark"}),
        (
            coefficient_changed,
            {"Professional assessment, Counties and districts, step 3: ", "0.8, "},
        ),
        (final_coefficient_changed, {"composite, exact (what it is made of)", "× 0.46"}),
        (rows_called_otherwise, {"{block}  Mutual rating", "what stands in the rows and columns"}),
        (group_called_otherwise, {"municipal: the group's title: recorded Others"}),
    ],
)
def test_whatever_was_tampered_with_in_the_result_is_named_by_its_place(
    scheme: LoadedScheme,
    run: Result,
    recorded: str,
    change: Callable[[Data], None],
    places: set[str],
) -> None:
    data = json.loads(recorded)
    change(data)
    compared = results.compare(json.dumps(data).encode(), scheme, run, "r.json")
    block = run.traces["county"].stages["mutual"].scores.blocks[0]
    named = {
        "units": [item.unit for item in run.standings["municipal"]],
        "source": run.sources[7].file,
        "finding": run.findings[0].source,
        "remark": run.remarks[9].source,
        "block": f"{block.file} › {block.sheet}",
    }
    for place in places:
        assert about(compared, place.format(**named)), told(compared)
    differing = [item for item in compared.findings if item.code != "result-inconsistent"]
    assert len(differing) <= 2 or change is unit_removed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data["trace"]["county"]["stages"]["daily"]["blocks"][0]["values"].pop(),
        lambda data: data["trace"]["county"]["stages"]["daily"]["blocks"][0]["values"][0].pop(),
        lambda data: data["trace"]["county"]["stages"]["daily"]["blocks"][0]["rows"][
            "positions"
        ].append(0),
        lambda data: data["trace"]["county"]["final"][0]["values"].pop(),
    ],
)
def test_a_trace_whose_parts_do_not_fit_together_is_named_and_not_compared(
    scheme: LoadedScheme, run: Result, recorded: str, spoil: Callable[[Data], object]
) -> None:
    data = json.loads(recorded)
    spoil(data)
    compared = results.compare(json.dumps(data).encode(), scheme, run, "r.json")
    (found,) = compared.findings
    assert found.code == "result-unreadable"
    assert "trace.county." in found.message


def decide(folder: Path) -> None:
    (folder / "decisions.yaml").write_text(
        "decisions:\n"
        f"  - {{file: {BALLOT}, decide: set_aside, reason: 回避, by: 王五, at: 2021-02-25}}\n"
        "  - {file: 双向互评/测评县市区/市财政局.xlsx, decide: set_aside, reason: 回避, by: 王五,"
        " at: 2021-02-25}\n",
        encoding="utf-8",
    )


def test_the_reason_of_one_decision_and_a_decision_taken_out_are_named_by_their_lines(
    scheme: LoadedScheme, stage_files: Path
) -> None:
    decide(stage_files)
    again = appraise(scheme, [stage_files])
    data = json.loads(dump(again))
    assert results.compare(dump(again), scheme, again, "r.json").findings == []
    data["decisions"][1]["reason"] = "另有原因"
    compared = results.compare(json.dumps(data).encode(), scheme, again, "r.json")
    assert told(compared) == [
        "decisions.yaml:3:5  decisions: reason: recorded 另有原因, computed again 回避"
    ]
    del data["decisions"][0]
    compared = results.compare(json.dumps(data).encode(), scheme, again, "r.json")
    lines = {(item.source.file, item.source.line) for item in compared.findings}
    assert lines == {("decisions.yaml", 2), ("decisions.yaml", 3)}
    assert len(about(compared, "decisions.yaml:3:5")) == 1


def test_a_key_that_stands_twice_makes_a_result_unreadable_for_verify_and_for_reports(
    scheme: LoadedScheme, run: Result, recorded: str
) -> None:
    data = json.loads(recorded)
    one, other = data["groups"][0]["units"][:2]
    one["unit"], other["unit"] = other["unit"], one["unit"]
    forged = json.dumps(data["groups"], ensure_ascii=False)
    twice = changed(recorded, r'  "groups": ', f'  "groups": {forged},\n  "groups": ')
    for found in (
        results.compare(twice, scheme, run, "r.json").findings,
        stored.load(twice, scheme, "r.json")[1],
    ):
        assert [item.code for item in found] == ["result-unreadable"]
        assert "groups: twice" in found[0].message


def rank_as_text(data: Data) -> None:
    data["groups"][0]["units"][0]["rank"] = "1"


def stage_that_is_none(data: Data) -> None:
    data["trace"]["county"]["stages"]["ghost"] = {"blocks": [], "steps": []}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (rank_as_text, "groups.0.units.0.rank"),
        (stage_that_is_none, "ghost"),
        (lambda data: data.update(computed_at="1999-01-01"), "computed_at: 1999-01-01"),
        (lambda data: data.update(computed_at="2099-01-01T00:00:00+00:00"), "computed_at: 2099"),
        (lambda data: data.update(computed_at="soon"), "soon"),
    ],
)
def test_a_result_that_no_program_wrote_so_is_unreadable(
    scheme: LoadedScheme,
    run: Result,
    recorded: str,
    change: Callable[[Data], object],
    said: str,
) -> None:
    data = json.loads(recorded)
    change(data)
    content = json.dumps(data).encode()
    compared = results.compare(content, scheme, run, "r.json")
    assert about(compared, said), told(compared)
    assert {item.code for item in compared.findings} == {"result-unreadable"}
    assert [item.code for item in stored.load(content, scheme, "r.json")[1]] == [
        "result-unreadable"
    ]


@pytest.mark.parametrize(
    "tool", [f"appraise {__version__} ", __version__, "appraise", "appraise 0\n"]
)
def test_what_is_no_version_of_the_program_does_not_keep_sentences_from_being_compared(
    scheme: LoadedScheme, run: Result, recorded: str, tool: str
) -> None:
    data = json.loads(recorded)
    finding_said_otherwise(data)
    data["tool"] = tool
    compared = results.compare(json.dumps(data).encode(), scheme, run, "r.json")
    assert [item.code for item in compared.findings] == ["result-unreadable"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"format": 1', b"[" * 200_000])
def test_what_is_no_result_is_a_finding(scheme: LoadedScheme, run: Result, content: bytes) -> None:
    compared = results.compare(content, scheme, run, "r.json")
    assert [item.code for item in compared.findings] == ["result-unreadable"]


# The workbook.


def compare_book(
    content: bytes, scheme: LoadedScheme, run: Result, folder: str | None = None
) -> Compared:
    return workbooks.compare(content, scheme.sha256, run, "r.xlsx", folder=folder)


def edited(content: bytes, change: Callable[[openpyxl.Workbook], None]) -> bytes:
    """The workbook as openpyxl saves it after a change: without any computed values."""
    made = openpyxl.load_workbook(io.BytesIO(content))
    change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("final", [True, False])
def test_a_workbook_of_either_language_and_stamp_agrees_in_every_cell(
    scheme: LoadedScheme, run: Result, language: str, final: bool
) -> None:
    activate(language)
    made = workbook.render(replace(run, computed_at=EARLIER), final=final)
    activate("en")
    compared = compare_book(made, scheme, run)
    assert compared.findings == []
    assert compared.counts["cells"][0] > 20_000


def test_saving_a_workbook_in_another_program_makes_no_difference(
    scheme: LoadedScheme, run: Result, book: bytes, soffice: str, tmp_path: Path
) -> None:
    assert compare_book(edited(book, lambda _book: None), scheme, run).findings == []
    path = tmp_path / "r.xlsx"
    path.write_bytes(book)
    saved = (convert_all(soffice, tmp_path, [path], "xlsx") / "r.xlsx").read_bytes()
    assert saved != book
    assert compare_book(saved, scheme, run).findings == []


def first(book: openpyxl.Workbook, sheet: int, *, formula: bool) -> openpyxl.cell.Cell:
    wanted = "f" if formula else "n"
    return next(
        cell
        for row in book.worksheets[sheet].iter_rows(min_row=8)
        for cell in row
        if cell.data_type == wanted and cell.value is not None
    )


def test_one_number_typed_over_is_named_with_what_was_expected_and_found(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    place = []

    def change(made: openpyxl.Workbook) -> None:
        cell = first(made, 2, formula=False)
        place.append(f"r.xlsx › {made.worksheets[2].title} › {cell.coordinate}")
        place.append(f"{cell.value:g}")
        cell.value = 1.25

    compared = compare_book(edited(book, change), scheme, run)
    said = f"{place[0]}  computed again, this cell holds {place[1]}; here stands 1.25"
    assert told(compared) == [said]


def test_one_formula_replaced_by_its_value_is_named(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    values = openpyxl.load_workbook(io.BytesIO(book), data_only=True)

    def change(made: openpyxl.Workbook) -> None:
        cell = first(made, 0, formula=True)
        cell.value = values.worksheets[0][cell.coordinate].value

    (found,) = compare_book(edited(book, change), scheme, run).findings
    assert found.code == "verify-cell-differs"
    assert str(found.params["expected"]).startswith("=")
    assert not str(found.params["found"]).startswith("=")


def test_what_only_looks_like_the_formula_or_like_the_number_is_named(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    def change(made: openpyxl.Workbook) -> None:
        as_text = first(made, 0, formula=True)
        as_text.data_type = "s"
        shown = first(made, 2, formula=False)
        shown.number_format = '"99.00"'

    compared = compare_book(edited(book, change), scheme, run)
    assert compared.counts["cells"][1] == 2
    assert about(compared, 'number format "99.00"')


def test_sheets_and_cells_that_were_added_or_taken_out_are_named(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    def change(made: openpyxl.Workbook) -> None:
        made.remove(made["Remarks"])
        made.create_sheet("Notes")
        made.worksheets[0]["XFD1048576"] = "far off"

    compared = compare_book(edited(book, change), scheme, run)
    assert {item.code for item in compared.findings} == {
        "verify-sheet-differs", "verify-cell-differs",
    }  # fmt: skip
    assert len(about(compared, "Remarks", "missing")) == 1
    assert len(about(compared, "Notes", "not one of those")) == 1
    assert len(about(compared, "XFD1048576", "far off")) == 1
    assert len(compared.findings) == 3


def test_a_stored_value_that_was_changed_in_the_xml_is_named(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    sheet = "xl/worksheets/sheet1.xml"
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == sheet:
                content, count = re.subn(
                    rb"</f><v>\d+\.\d+</v>", b"</f><v>99.99</v>", content, count=1
                )
                assert count == 1
            new.writestr(name, content)
    compared = compare_book(made.getvalue(), scheme, run)
    assert compared.counts["cells"][1] == 1
    assert compared.findings[0].params["found"] == "99.99"


def in_xml(
    content: bytes, part: str, pattern: str, by: Callable[[re.Match[str]], str] | str
) -> bytes:
    """The workbook with one part changed as text, everything else as it was."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inside = archive.read(part).decode()
    return with_parts(content, {part: changed(inside, pattern, by)})


def with_parts(content: bytes, parts: Mapping[str, bytes]) -> bytes:
    """The workbook with other parts in the place of its own, or beside them."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        for name in dict.fromkeys([*old.namelist(), *parts]):
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return made.getvalue()


def test_a_stored_value_that_was_taken_out_where_others_are_stored_is_named(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    part = "xl/worksheets/sheet1.xml"
    blank = in_xml(book, part, r"</f><v>\d+\.\d+</v>", "</f>")
    (found,) = compare_book(blank, scheme, run).findings
    assert (found.source.sheet, found.params["found"]) == ("Overall ranking", "nothing")


def test_a_row_that_was_left_no_height_is_named(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    flat = in_xml(
        book, "xl/worksheets/sheet1.xml", r'<row r="9"[^>]*>', '<row r="9" ht="0" customHeight="1">'
    )
    (found,) = compare_book(flat, scheme, run).findings
    assert str(found.source) == "r.xlsx › Overall ranking › A9"
    assert found.params["found"] == "a row that is hidden"


def rows_swapped(made: openpyxl.Workbook) -> None:
    sheet = made["Adjustments"]
    for one, other in zip(sheet[6], sheet[7], strict=True):
        one.value, other.value = other.value, one.value


def formula_changed(made: openpyxl.Workbook) -> None:
    cell = made["Overall ranking"]["E5"]
    assert "ROUND" in cell.value
    cell.value += "+0.01"


def text_changed(made: openpyxl.Workbook) -> None:
    made["Remarks"]["C9"] = "nothing"


def sheet_hidden(made: openpyxl.Workbook) -> None:
    made["Findings"].sheet_state = "veryHidden"


def row_hidden(made: openpyxl.Workbook) -> None:
    made["Overall ranking"].row_dimensions[9].hidden = True


def columns_hidden(made: openpyxl.Workbook) -> None:
    made["Overall ranking"].column_dimensions.group("E", "F", hidden=True)


def charts(made: openpyxl.Workbook) -> list[Any]:
    found: list[Any] = made["Charts"]._charts  # type: ignore[attr-defined]
    return found


def chart_renamed(made: openpyxl.Workbook) -> None:
    charts(made)[0].title.tx.rich.p[0].r[0].t = "Nothing to see"


def chart_of_other_cells(made: openpyxl.Workbook) -> None:
    charts(made)[0].series[1].val.numRef.f = "'Stage scores'!$G$7:$G$13"


def chart_of_other_numbers(made: openpyxl.Workbook) -> None:
    charts(made)[0].series[1].val.numRef.numCache.pt[2].v = 25.0


def chart_removed(made: openpyxl.Workbook) -> None:
    charts(made).pop(0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (rows_swapped, {f"Adjustments › {column}{row}" for column in "BF" for row in (6, 7)}),
        (formula_changed, {"Overall ranking › E5  computed again, this cell holds =", "+0.01"}),
        (text_changed, {"Remarks › C9", "here stands nothing"}),
        (sheet_hidden, {"Findings  this sheet is hidden"}),
        (row_hidden, {"Overall ranking › A9", "here stands a row that is hidden"}),
        (
            columns_hidden,
            {"Overall ranking › E1", "Overall ranking › F1  ", "a column that is hidden"},
        ),
        (chart_renamed, {"Charts › A3", "here stands the chart's title: Nothing to see"}),
        (chart_of_other_cells, {"Charts › A3", "the values of series 2: =stage scores!$G$7:$G$13"}),
        (chart_of_other_numbers, {"Charts › A3", "the values of series 2, the one at 3: 25"}),
        (chart_removed, {"Charts › A3", "holds a chart; here stands nothing"}),
    ],
)
def test_what_was_tampered_with_in_the_workbook_is_named_by_its_cell(
    scheme: LoadedScheme,
    run: Result,
    book: bytes,
    change: Callable[[openpyxl.Workbook], None],
    said: set[str],
) -> None:
    compared = compare_book(edited(book, change), scheme, run)
    for part in said:
        assert about(compared, part), told(compared)
    assert len(compared.findings) <= 2 or change is rows_swapped


def test_a_row_taken_out_is_named_with_every_cell_that_moved_and_no_other(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    compared = compare_book(edited(book, lambda made: made["Remarks"].delete_rows(9)), scheme, run)
    rows = {int(item.source.cell[1:]) for item in compared.findings}
    assert {item.source.sheet for item in compared.findings} == {"Remarks"}
    assert (min(rows), max(rows)) == (9, 3 + len(run.remarks))


def test_a_sheet_under_another_name_is_missing_and_one_too_many(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    def change(made: openpyxl.Workbook) -> None:
        made["Remarks"].title = "Notes"

    assert [
        str(item.source) for item in compare_book(edited(book, change), scheme, run).findings
    ] == [
        "r.xlsx › Remarks",
        "r.xlsx › Notes",
    ]


def test_a_sheet_that_was_made_one_great_chart_is_missing(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    def change(made: openpyxl.Workbook) -> None:
        made.remove(made["Remarks"])
        chart = BarChart()
        chart.add_data(Reference(made.worksheets[0], min_col=3, min_row=5, max_row=9))
        made.create_chartsheet("Remarks").add_chart(chart)

    (found,) = compare_book(edited(book, change), scheme, run).findings
    assert (found.code, found.source.sheet) == ("verify-sheet-differs", "Remarks")


def test_a_workbook_that_is_none_of_ours_is_said_to_be_so(
    scheme: LoadedScheme, run: Result
) -> None:
    other = io.BytesIO()
    openpyxl.Workbook().save(other)
    codes = [item.code for item in compare_book(other.getvalue(), scheme, run).findings]
    assert codes == ["verify-workbook-unknown"]
    damaged = compare_book(other.getvalue()[:500], scheme, run).findings
    assert [item.code for item in damaged] == ["file-damaged"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("=SUM('甲 乙'!$A$1:B2)", "=sum( '甲 乙'!$a$1:b2 )"),
        ("='甲'!A1", "=甲!A1"),
        ("=ROUND(A1+1E-10,2)", "=ROUND(A1 + 0.0000000001, 2)"),
        ("=_xlfn.CONCAT(A1)", "=CONCAT(A1)"),
    ],
)
def test_one_formula_in_two_ways_of_writing_is_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("=A1", "=A2"), ("=$A$1", "=A1"), ("=甲!A1", "=乙!A1"), ("=A1+1", "=A1+1.0000001"),
        ('="a b"', '="ab"'), ('="A"', '="a"'), ("=A1-B1", "=A1+B1"), ("=MIN(A1)", "=MAX(A1)"),
    ],
)  # fmt: skip
def test_two_formulas_stay_two(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


# Forged workbooks: LibreOffice or Excel would show something else than what was made.

SHEET1, TYPES = "xl/worksheets/sheet1.xml", "[Content_Types].xml"
BOOK, LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def part(content: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name).decode()


def other_ranking(book: bytes) -> tuple[str, str]:
    """The first sheet with the first two units under each other's names, and its true rows."""
    true = part(book, SHEET1)
    rows = true[true.index("<sheetData>") + len("<sheetData>") : true.index("</sheetData>")]
    (first, second) = re.findall(r'<c r="C[56]"[^>]*><v>\d+</v></c>', rows)
    one, two = (re.findall(r"<v>\d+</v>", cell)[0] for cell in (first, second))
    forged = rows.replace(first, first.replace(one, two)).replace(second, second.replace(two, one))
    assert forged != rows
    return true.replace(rows, forged), rows


def rows_in_an_extension(book: bytes) -> bytes:
    forged, rows = other_ranking(book)
    at = forged.rindex("</extLst>")
    return with_parts(
        book, {SHEET1: f"{forged[:at]}<ext {MAIN}>{rows}</ext>{forged[at:]}".encode()}
    )


def rows_in_an_alternative(book: bytes) -> bytes:
    forged, rows = other_ranking(book)
    true = f"<sheetData>{rows}</sheetData>"
    inside = f"<mc:AlternateContent><mc:Fallback>{true}</mc:Fallback></mc:AlternateContent>"
    return with_parts(
        book, {SHEET1: forged.replace("</sheetData>", f"</sheetData>{inside}").encode()}
    )


def rows_twice(book: bytes) -> bytes:
    forged, rows = other_ranking(book)
    true = f"<sheetData>{rows}</sheetData>"
    return with_parts(
        book, {SHEET1: forged.replace("</sheetData>", f"</sheetData>{true}").encode()}
    )


def one_row_twice(book: bytes) -> bytes:
    forged, rows = other_ranking(book)
    row = re.findall(r'<row r="5".*?</row>', rows)[0]
    return with_parts(book, {SHEET1: forged.replace("</sheetData>", f"{row}</sheetData>").encode()})


def one_cell_twice(book: bytes) -> bytes:
    return in_xml(book, SHEET1, r'(<c r="C5"[^>]*><v>)\d+(</v></c>)', r"\g<1>0\g<2>\g<0>")


def two_members_of_one_name(book: bytes) -> bytes:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(made, "w") as new,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        for name in old.namelist():
            if name == SHEET1:
                new.writestr(name, other_ranking(book)[0])
            new.writestr(name, old.read(name))
    return made.getvalue()


def two_members_but_for_the_case(book: bytes) -> bytes:
    return with_parts(book, {SHEET1.replace("sheet1", "Sheet1"): other_ranking(book)[0].encode()})


def an_archive_behind_another(book: bytes) -> bytes:
    return with_parts(book, {SHEET1: other_ranking(book)[0].encode()}) + book


def two_workbook_parts(book: bytes) -> bytes:
    """The root leads to a forged copy; the first workbook of the content types is the true one."""
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        own = [name for name in archive.namelist() if name.startswith("xl/")]
        copies = {f"xf{name[2:]}": archive.read(name) for name in own}
        types = archive.read(TYPES).decode()
        root = archive.read("_rels/.rels").decode()
    copies["xf/worksheets/sheet1.xml"] = other_ranking(book)[0].encode()
    more = "".join(re.findall(r'<Override [^>]*PartName="/xl/[^>]*/>', types)).replace(
        "/xl/", "/xf/"
    )
    return with_parts(
        book,
        {
            **copies,
            "_rels/.rels": root.replace("xl/workbook.xml", "xf/workbook.xml").encode(),
            TYPES: types.replace("</Types>", f"{more}</Types>").encode(),
        },
    )


def another_part_of_styles(book: bytes) -> bytes:
    """The workbook leads to styles that the content types do not name first."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
    more = f'<Override PartName="/xl/styles2.xml" ContentType="{kind}"/></Types>'
    styles = part(book, "xl/styles.xml").replace(
        'formatCode="0.00', 'formatCode="&quot;99&quot;0.00'
    )
    return with_parts(
        book,
        {
            "xl/styles2.xml": styles.encode(),
            LINKS: part(book, LINKS).replace("styles.xml", "styles2.xml").encode(),
            TYPES: part(book, TYPES).replace("</Types>", more).encode(),
        },
    )


def macros(book: bytes) -> bytes:
    kind = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
    link = f'<Relationship Id="rIdV" Type="{kind}" Target="vbaProject.bin"/></Relationships>'
    binary = '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
    return with_parts(
        book,
        {
            "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0macro",
            LINKS: part(book, LINKS).replace("</Relationships>", link).encode(),
            TYPES: part(book, TYPES).replace("</Types>", binary).encode(),
        },
    )


def a_link_to_another_file(book: bytes) -> bytes:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
    link = f'<Relationship Id="rIdX" Type="{kind}" TargetMode="External" Target="http://x/a.png"/>'
    links = part(book, LINKS).replace("</Relationships>", f"{link}</Relationships>")
    return with_parts(book, {LINKS: links.encode()})


def a_box_over_a_cell(book: bytes) -> bytes:
    """A shape with a text beside the charts."""
    shape = (
        '<xdr:sp macro="" textlink=""><xdr:nvSpPr><xdr:cNvPr id="9" name="T"/><xdr:cNvSpPr/>'
        "</xdr:nvSpPr><xdr:spPr/><xdr:txBody><a:bodyPr/><a:p><a:r><a:t>98.88</a:t></a:r></a:p>"
        "</xdr:txBody></xdr:sp>"
    )
    pattern = (
        r"(<xdr:twoCellAnchor.*?)<xdr:graphicFrame.*?</xdr:graphicFrame>(.*?</xdr:twoCellAnchor>)"
    )
    return in_xml(
        book,
        "xl/drawings/drawing1.xml",
        pattern,
        lambda found: f"{found[0]}{found[1]}{shape}{found[2]}",
    )


@pytest.mark.parametrize(
    ("forge", "named"),
    [
        (rows_in_an_extension, SHEET1),
        (rows_in_an_alternative, SHEET1),
        (rows_twice, SHEET1),
        (one_row_twice, SHEET1),
        (one_cell_twice, SHEET1),
        (two_members_of_one_name, SHEET1),
        (two_members_but_for_the_case, SHEET1),
        (an_archive_behind_another, "the file"),
        (two_workbook_parts, "xl/workbook.xml"),
        (another_part_of_styles, "xl/styles.xml"),
        (macros, "xl/vbaProject.bin"),
        (a_link_to_another_file, LINKS),
        (a_box_over_a_cell, "xl/drawings/drawing1.xml"),
    ],
)
def test_a_file_that_programs_read_in_different_ways_or_that_holds_more_is_refused_by_its_part(
    scheme: LoadedScheme, run: Result, book: bytes, forge: Callable[[bytes], bytes], named: str
) -> None:
    compared = compare_book(forge(book), scheme, run)
    assert about(compared, f"r.xlsx  {named}: recorded "), told(compared)
    assert compared.counts == {}


def test_sheets_that_another_reader_finds_in_each_others_place_are_named(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    usual = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    strict = "http://purl.oclc.org/ooxml/officeDocument/relationships"
    text = part(book, BOOK).replace(f'xmlns:r="{usual}"', f'xmlns:q="{usual}" xmlns:r="{strict}"')
    swapped = {"rId1": "rId2", "rId2": "rId1"}
    text = re.sub(
        r'r:id="(rId\d+)"',
        lambda found: f'q:{found[0][2:]} r:id="{swapped.get(found[1], found[1])}"',
        text,
    )
    compared = compare_book(with_parts(book, {BOOK: text.encode()}), scheme, run)
    assert {item.source.sheet for item in compared.findings} == {"Overall ranking", "Stage scores"}
    assert about(compared, "Overall ranking › A1", "here stands Stage scores and what they add")


def white(made: openpyxl.Workbook) -> None:
    made["Overall ranking"]["J6"].font = Font(color="FFFFFF")


def white_theme(made: openpyxl.Workbook) -> None:
    theme = made.loaded_theme.decode()
    assert 'lastClr="000000"' in theme
    made.loaded_theme = re.sub(
        r'<a:sysClr val="windowText" lastClr="000000"/>', '<a:srgbClr val="FFFFFF"/>', theme
    ).encode()


def filled(made: openpyxl.Workbook) -> None:
    made["Overall ranking"]["J6"].fill = PatternFill("solid", fgColor="000000")


def tiny(made: openpyxl.Workbook) -> None:
    cell = made["Overall ranking"]["J6"]
    cell.font = Font(name=cell.font.name, sz=1, color=cell.font.color)


def conditional(made: openpyxl.Workbook) -> None:
    shown = DifferentialStyle(numFmt=NumberFormat(numFmtId=190, formatCode='"99.99"'))
    rule = FormulaRule(formula=["TRUE"])  # type: ignore[no-untyped-call]
    rule.dxf = shown
    made["Overall ranking"].conditional_formatting.add("J6", rule)


def noted(made: openpyxl.Workbook) -> None:
    made["Overall ranking"]["J6"].comment = Comment("98.88", "x")


def linked(made: openpyxl.Workbook) -> None:
    made["Overall ranking"]["C5"].hyperlink.location = "'Stage scores'!A1"


def footed(made: openpyxl.Workbook) -> None:
    made["Overall ranking"].HeaderFooter.oddFooter.right.text = "approved"


def imprecise(made: openpyxl.Workbook) -> None:
    made.calculation.fullPrecision = False


def without_zeros(made: openpyxl.Workbook) -> None:
    made["Overall ranking"].sheet_view.showZeros = False


def low(made: openpyxl.Workbook) -> None:
    made["Overall ranking"].row_dimensions[6].height = 0.05


def narrow(made: openpyxl.Workbook) -> None:
    made["Overall ranking"].column_dimensions["A"].width = 0.02


def chart_over_cells(made: openpyxl.Workbook) -> None:
    charts(made)[0].anchor.to.row += 9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (white, "Overall ranking › J6  computed again, this cell holds text in the colour 000000"),
        (white_theme, "here stands text in the colour FFFFFF"),
        (filled, "Overall ranking › J6  computed again, this cell holds the background nothing"),
        (tiny, "Overall ranking › J6  computed again, this cell holds text of the size 11"),
        (conditional, 'here stands the conditional format J6 expression  TRUE ""99.99""'),
        (noted, "Overall ranking › J6  computed again, this cell holds nothing of it; here"),
        (linked, "here stands a link to 'Stage scores'!A1"),
        (footed, "Overall ranking  the sheet as a whole: recorded on printed pages: approved"),
        (imprecise, "how numbers are computed: recorded as they are shown"),
        (without_zeros, "Overall ranking  the sheet as a whole: recorded no zeros"),
        (low, "Overall ranking › A6  computed again, this cell holds a row that is shown"),
        (narrow, "Overall ranking › A1  computed again, this cell holds a column that is shown"),
        (chart_over_cells, "Charts › A3  computed again, this cell holds a chart down to L17"),
    ],
)
def test_what_shows_a_cell_as_something_else_or_not_at_all_is_named(
    scheme: LoadedScheme,
    run: Result,
    book: bytes,
    change: Callable[[openpyxl.Workbook], None],
    said: str,
) -> None:
    compared = compare_book(edited(book, change), scheme, run)
    assert about(compared, said), told(compared)[:5]
    assert len(compared.findings) <= 2 or change is white_theme


def test_a_text_in_pieces_of_which_one_is_white_is_named(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    name = run.standings["county"][0].unit
    run_of = '<r><rPr><sz val="11"/><color rgb="FFFFFFFF"/></rPr><t>{}</t></r>'
    white_name = f"<si>{run_of.format(name)}</si>"
    forged = in_xml(book, "xl/sharedStrings.xml", f"<si><t>{name}</t></si>", white_name)
    compared = compare_book(forged, scheme, run)
    assert about(compared, "Overall ranking › C5", "text in the colour FFFFFF"), told(compared)[:5]


def test_true_is_not_taken_for_1(scheme: LoadedScheme, run: Result, book: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        inside = {name: archive.read(name).decode() for name in archive.namelist()}
    one = r'<c r="([A-Z]+\d+)"( s="\d+")?><v>1</v></c>'
    typed = next(
        name for name, text in inside.items() if "sheets/" in name and re.search(one, text)
    )
    forged = in_xml(book, typed, one, r'<c r="\1"\2 t="b"><v>1</v></c>')
    (found,) = compare_book(forged, scheme, run).findings
    assert (found.params["expected"], found.params["found"]) == ("1", "True")
    ranked = r'(<c r="B5" s="\d+")(><f>[^<]*</f><v>1</v></c>)'
    forged = in_xml(book, SHEET1, ranked, r'\1 t="b"\2')
    (found,) = compare_book(forged, scheme, run).findings
    assert (found.source.cell, found.params["found"]) == ("B5", "True")


def test_a_workbook_of_a_time_to_come_is_named(scheme: LoadedScheme, run: Result) -> None:
    later = workbook.render(replace(run, computed_at="2099-01-01T00:00:00+00:00"), final=False)
    (found,) = compare_book(later, scheme, run).findings
    assert found.params["recorded"] == "2099-01-01T00:00:00+00:00"


def test_one_of_the_places_that_say_when_it_was_computed_is_named_if_it_says_another_time(
    scheme: LoadedScheme, run: Result, book: bytes
) -> None:
    forged = in_xml(book, "xl/sharedStrings.xml", re.escape(EARLIER), "2020-02-03T04:05:06+00:00")
    (found,) = compare_book(forged, scheme, run).findings
    assert EARLIER in str(found.params["expected"])
    assert "2020-02-03" in str(found.params["found"])


@pytest.mark.parametrize("kept", [True, False])
def test_the_very_file_is_told_from_one_that_was_saved_again(
    scheme: LoadedScheme, run: Result, tmp_path: Path, kept: bool
) -> None:
    earlier = replace(run, computed_at=EARLIER)
    made = workbook.render(earlier, final=False, folder=str(tmp_path) if kept else None)
    compared = compare_book(made, scheme, run, folder=str(tmp_path) if kept else None)
    assert (compared.findings, compared.resaved) == ([], False)
    compared = compare_book(edited(made, lambda _book: None), scheme, run)
    assert (compared.findings, compared.resaved) == ([], True)


# The command.


@pytest.fixture
def computed(appraise_cli: Appraise, stage_files: Path) -> Appraise:
    assert appraise_cli("compute", stage_files).exit_code == 0
    return appraise_cli


def test_verify_agrees_with_what_was_just_computed_and_exits_with_0(computed: Appraise) -> None:
    done = computed("verify")
    assert done.exit_code == 0, done.output
    assert "All agrees" in done.output


def test_verify_exits_with_1_and_shows_fifty_differences_and_their_number(
    computed: Appraise, stage_files: Path
) -> None:
    for path in (stage_files / "社会评议").rglob("*.xlsx"):
        path.unlink()
    done = computed("verify")
    assert done.exit_code == 1
    assert done.output.count("error [") == 50
    assert re.search(r"and \d+ more differences", done.output)


def test_without_stage_files_verify_asks_for_them(computed: Appraise, stage_files: Path) -> None:
    stage_files.rename(stage_files.with_name("elsewhere"))
    done = computed("verify")
    assert (done.exit_code, "verify-no-files" in done.output) == (1, True)
    assert computed("verify", "--files", "elsewhere").exit_code == 0


def test_an_encrypted_workbook_is_verified_with_its_password(
    computed: Appraise, tmp_path: Path
) -> None:
    assert computed("report", "--out", "r.xlsx").exit_code == 0
    clear, made = io.BytesIO(Path("r.xlsx").read_bytes()), io.BytesIO()
    OOXMLFile(clear).encrypt("考评2020", made)
    Path("r.xlsx").write_bytes(made.getvalue())
    Path("password").write_text("考评2020\n", encoding="utf-8")
    assert "file-protected" in computed("verify", "r.xlsx").output
    done = computed("verify", "r.xlsx", "--password-file", "password")
    assert done.exit_code == 0, done.output


def test_verify_says_that_other_versions_made_the_result_and_whether_a_number_changed(
    computed: Appraise, stage_files: Path
) -> None:
    path = Path("results/appraisal.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    data["versions"]["python-calamine"] = "0.0.1\x1b[31m"
    path.write_text(json.dumps(data), encoding="utf-8")
    done = computed("verify")
    now = importlib.metadata.version("python-calamine")
    said = f"The result was made with python-calamine 0.0.1\ufffd[31m, this is {now}.\n"
    assert said + "The other versions changed no number.\n" in done.output
    assert done.exit_code == 0, done.output
    data["groups"][0]["units"][0]["final"] = "99.99"
    path.write_text(json.dumps(data), encoding="utf-8")
    done = computed("verify")
    assert said + "Numbers differ: verify with those versions" in done.output
    assert done.exit_code == 1


def test_verify_says_that_sentences_of_another_version_were_not_compared(
    computed: Appraise, stage_files: Path
) -> None:
    said = "Sentences of findings were not compared: each version has its own.\n"
    assert said not in computed("verify").output
    path = Path("results/appraisal.json")
    data = json.loads(path.read_text(encoding="utf-8"))
    data["tool"] = "appraise 0.0.9"
    path.write_text(json.dumps(data), encoding="utf-8")
    done = computed("verify")
    assert (done.exit_code, said in done.output) == (0, True)


def test_of_a_workbook_that_was_saved_again_verify_says_how_far_its_look_was_compared(
    computed: Appraise, stage_files: Path
) -> None:
    assert computed("report").exit_code == 0
    path = Path("results/wuhu-2020.xlsx")
    done = computed("verify", path)
    assert (done.exit_code, "All agrees" in done.output) == (0, True)
    path.write_bytes(edited(path.read_bytes(), lambda _book: None))
    done = computed("verify", path)
    assert (done.exit_code, "All agrees" in done.output) == (0, False)
    assert "saved by another program, its look was compared only as far as" in done.output


def test_of_a_plain_and_a_sealed_result_verify_takes_neither_until_one_is_named(
    computed: Appraise, stage_files: Path
) -> None:
    Path("secret").write_text("秘密2021考评", encoding="utf-8")
    key = ("--password-file", "secret")
    assert computed("compute", stage_files, "--encrypt-result", *key).exit_code == 0
    done = computed("verify", *key)
    assert (done.exit_code, "results/appraisal.json  error [result-ambiguous]" in done.output) == (
        1,
        True,
    )
    for name in ("appraisal.json", "appraisal.sealed"):
        assert computed("verify", Path("results") / name, *key).exit_code == 0
    Path("results/appraisal.json").unlink()
    assert computed("verify", *key).exit_code == 0


@pytest.mark.parametrize("target", ["results/appraisal.json", "results/wuhu-2020.xlsx"])
def test_a_result_from_before_the_decisions_agrees_without_them_only(
    computed: Appraise, stage_files: Path, target: str
) -> None:
    assert computed("report").exit_code == 0
    decide(stage_files)
    done = computed("verify", target)
    assert (done.exit_code, "without decisions.yaml" in done.output) == (1, False)
    done = computed("verify", target, "--without-decisions")
    assert done.exit_code == 0, done.output
    assert "Computed again without decisions.yaml.\n" in done.output


def test_what_is_not_there_is_a_finding(appraise_cli: Appraise) -> None:
    done = appraise_cli("verify", "none.json")
    assert (done.exit_code, "result-not-found" in done.output) == (1, True)


# Signatures.


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("APPRAISE_REQUIRE_LIBREOFFICE"):
            pytest.fail(f"{name} is required here and was not found")
        pytest.skip(f"{name} is not installed: no signature of it is checked")
    return found


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A result, its signature by an SSH key, and the list of allowed signers."""
    keygen = program("ssh-keygen")
    result, key = tmp_path / "appraisal.json", tmp_path / "key"
    result.write_bytes(b'{"format": 1}\n')
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    subprocess.run(
        [keygen, "-Y", "sign", "-n", "appraise", "-f", key, result], check=True, capture_output=True
    )
    signers = tmp_path / "allowed_signers"
    signers.write_text("zhang@wuhu " + key.with_suffix(".pub").read_text(encoding="utf-8"))
    return result, tmp_path / "appraisal.json.sig", signers


def test_an_ssh_signature_holds_until_one_byte_is_changed(
    signed: tuple[Path, Path, Path], appraise_cli: Appraise
) -> None:
    result, signature, signers = signed
    command = ("verify", result, "--signature", signature, "--signers", signers)
    done = appraise_cli(*command)
    assert done.exit_code == 0, done.output
    assert "Signed by zhang@wuhu with the key SHA256:" in done.output
    assert appraise_cli(*command, "--signer", "zhang@wuhu").exit_code == 0
    result.write_bytes(result.read_bytes().replace(b"1", b"2"))
    refused = appraise_cli(*command)
    assert refused.exit_code == 1
    assert "[signature-wrong] the signature does not hold: the file was changed" in refused.output


def test_an_ssh_signature_of_nobody_in_the_list_or_for_another_purpose_does_not_hold(
    signed: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    result, signature, signers = signed
    content = result.read_bytes()

    def refused(signer: str = "") -> str:
        got, (found,) = signatures.check(content, signature, signers, signer)
        assert got is None
        return found.message

    assert "none of the signers" in refused("li@wuhu")
    subprocess.run(
        [program("ssh-keygen"), "-Y", "sign", "-n", "file", "-f", tmp_path / "key", result],
        check=True, capture_output=True, input=b"y\n",
    )  # fmt: skip
    assert "does not hold" in refused()
    signers.write_text("# nobody\n", encoding="utf-8")
    assert "none of the signers" in refused()


@pytest.fixture
def openpgp(tmp_path: Path) -> Iterator[tuple[Path, Path, Callable[[str], None]]]:
    """A result, the exported key of its signer, and what signs."""
    gpg = program("gpg")
    home = Path(os.path.realpath("/tmp")) / f"appraise-gpg-{os.getpid()}"
    home.mkdir(mode=0o700)
    result, keys = tmp_path / "appraisal.json", tmp_path / "keys.asc"
    result.write_bytes(b'{"format": 1}\n')
    common = [gpg, "--homedir", str(home), "--batch", "--quiet"]
    common += ["--pinentry-mode", "loopback", "--passphrase", ""]

    def run(*arguments: str) -> bytes:
        return subprocess.run([*common, *arguments], check=True, capture_output=True).stdout

    run("--quick-generate-key", "Zhang San <zhang@wuhu.example>", "ed25519", "sign", "never")
    keys.write_bytes(run("--armor", "--export"))

    def sign(ending: str) -> None:
        armor = ["--armor"] if ending == "asc" else []
        run(*armor, "--output", f"{result}.{ending}", "--detach-sign", str(result))

    yield result, keys, sign
    subprocess.run(
        [shutil.which("gpgconf") or "gpgconf", "--homedir", str(home), "--kill", "all"], check=False
    )
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.parametrize("ending", ["asc", "sig"])
def test_an_openpgp_signature_holds_until_one_byte_is_changed(
    openpgp: tuple[Path, Path, Callable[[str], None]], ending: str, tmp_path: Path
) -> None:
    result, keys, sign = openpgp
    sign(ending)
    signature, content = Path(f"{result}.{ending}"), result.read_bytes()
    got, found = signatures.check(content, signature, keys)
    assert found == []
    assert got is not None
    assert got.signer == "Zhang San <zhang@wuhu.example>"
    for name in (got.signer, "zhang@wuhu.example", got.key):
        assert signatures.check(content, signature, keys, name)[1] == []
    (other,) = signatures.check(content, signature, keys, "zhang")[1]
    assert "none of the signers" in other.message
    (wrong,) = signatures.check(content.replace(b"1", b"2"), signature, keys)[1]
    assert "the file was changed" in wrong.message
    nobody = tmp_path / "none.asc"
    nobody.write_bytes(b"")
    (unchecked,) = signatures.check(content, signature, nobody)[1]
    assert unchecked.code in {"signature-unchecked", "signature-wrong"}


def test_a_program_that_is_missing_is_a_finding(
    signed: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result, signature, signers = signed
    monkeypatch.setenv("PATH", str(tmp_path))
    got, (found,) = signatures.check(result.read_bytes(), signature, signers)
    assert got is None
    assert found.code == "signature-unchecked"
    assert "ssh-keygen is not installed" in found.message


def test_what_is_no_signature_and_what_is_not_there_are_findings(tmp_path: Path) -> None:
    text = tmp_path / "a.sig"
    text.write_text("hello", encoding="utf-8")
    (wrong,) = signatures.check(b"", text, text)[1]
    assert wrong.code == "signature-wrong"
    (absent,) = signatures.check(b"", tmp_path / "none", text)[1]
    assert (absent.code, absent.source.file) == ("file-unreadable", str(tmp_path / "none"))


def test_signature_and_signers_go_together(appraise_cli: Appraise) -> None:
    assert appraise_cli("verify", "--signature", "a.sig").exit_code == 2
    assert appraise_cli("verify", "--signers", "a").exit_code == 2
    assert appraise_cli("verify", "--signer", "a").exit_code == 2
