"""A copy for an audience or a unit is verified against the copy that its result makes now."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from helpers import STAGE_FILES, Appraise
from helpers.audiences import with_rule
from helpers.office import convert_all

from wuhu_appraisal import language as i18n
from wuhu_appraisal.output import workbook
from wuhu_appraisal.output.papers import letter_xlsx
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience
from wuhu_appraisal.verify import CELLS, Comparison, compare_workbook

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")
EARLIER = "2021-02-03T04:05:06+08:00"


@pytest.fixture(scope="module")
def run(wuhu_run: Result) -> Result:
    return with_rule(wuhu_run)


def compared(run: Result, content: bytes) -> Comparison:
    return compare_workbook(content, run, "r.xlsx")


def copies(run: Result) -> dict[str, bytes]:
    """A copy for each kind of reader, made at another time."""
    earlier = replace(run, computed_at=EARLIER)
    unit = replace(earlier, copy=Copy(Audience.UNIT, "李四", earlier.id))
    leading = redacted(earlier, Audience.LEADING_GROUP, "张三")
    return {
        "office": workbook.render(redacted(earlier, Audience.OFFICE, "王五"), final=False),
        "leading-group": workbook.render(leading, final=False),
        "public": workbook.render(redacted(earlier, Audience.PUBLIC), final=True),
        "letter": letter_xlsx(earlier, "镜湖区", final=False),
        "letter to another": letter_xlsx(unit, "镜湖区", final=True),
    }


def edited(content: bytes, change: Callable[[openpyxl.Workbook], None]) -> bytes:
    """The copy as openpyxl saves it after a change."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    change(book)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def set_properties(book: openpyxl.Workbook, **properties: str) -> None:
    """Give the document properties other values."""
    for item in book.custom_doc_props.props:  # type: ignore[attr-defined]
        item.value = properties.get(item.name, item.value)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_copy_is_the_original_in_either_language(run: Result, language: str) -> None:
    i18n.activate(language)
    made = copies(run)
    i18n.activate("en")
    for name, content in made.items():
        found = compared(run, content)
        assert (name, found.findings, found.original) == (name, [], True)


@pytest.mark.slow
def test_a_copy_that_libreoffice_or_openpyxl_saved_again_agrees_in_its_cells(
    run: Result, soffice: str, tmp_path: Path
) -> None:
    made = copies(run)
    paths = []
    for name in ("leading-group", "letter"):
        paths.append(tmp_path / f"{name}.xlsx")
        paths[-1].write_bytes(made[name])
        again = compared(run, edited(made[name], lambda _book: None))
        assert (again.findings, again.original) == ([], False)
        assert again.counts[CELLS][0] > 100
    folder = convert_all(soffice, tmp_path, paths, "xlsx")
    for path in paths:
        again = compared(run, (folder / path.name).read_bytes())
        assert (again.findings, again.original) == ([], False)


@pytest.mark.parametrize("name", ["leading-group", "public", "letter"])
def test_a_number_typed_over_in_a_copy_is_named_by_its_cell(run: Result, name: str) -> None:
    place = []

    def change(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        cells = [cell for row in sheet.iter_rows(min_row=5) for cell in row]
        cell = next(cell for cell in cells if isinstance(cell.value, float))
        place.append(f"r.xlsx › {sheet.title} › {cell.coordinate}")
        cell.value = float(str(cell.value)) + 1

    [item] = compared(run, edited(copies(run)[name], change)).findings
    assert (item.code, str(item.source)) == ("verify-cell-differs", place[0])


def test_a_copy_under_another_recipients_name_is_named_by_the_lines_that_say_it(
    run: Result,
) -> None:
    content = copies(run)["leading-group"]
    other = edited(content, lambda book: set_properties(book, recipient="赵六"))
    findings = compared(run, other).findings
    sheets = openpyxl.load_workbook(io.BytesIO(content)).sheetnames
    assert {item.source.sheet for item in findings if item.source.cell} == set(sheets)
    assert all(re.search("赵六|张三", str(item.params)) for item in findings)

    def line(book: openpyxl.Workbook) -> None:
        cell = book.worksheets[0]["A3"]
        assert "张三" in str(cell.value)
        cell.value = str(cell.value).replace("张三", "赵六")

    [one] = compared(run, edited(content, line)).findings
    assert (one.source.cell, "赵六" in str(one.params["found"])) == ("A3", True)


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("leading-group", {"audience": "everybody"}),
        ("leading-group", {"audience": "unit"}),
        ("leading-group", {"recipient": "王" * 41}),
    ],
)
def test_a_copy_of_a_kind_that_is_never_made_is_unknown(
    run: Result, name: str, properties: dict[str, str]
) -> None:
    content = edited(copies(run)[name], lambda book: set_properties(book, **properties))
    assert [item.code for item in compared(run, content).findings] == ["verify-workbook-unknown"]


@pytest.mark.slow
@pytest.mark.slow
def test_a_workbook_without_properties_is_compared_with_the_offices_own(run: Result) -> None:
    def bare(book: openpyxl.Workbook) -> None:
        book.custom_doc_props.props.clear()  # type: ignore[attr-defined]

    own = workbook.render(run, final=False)
    assert compared(run, edited(own, bare)).findings == []
    assert compared(run, edited(copies(run)["leading-group"], bare)).findings != []


def test_the_command_verifies_the_copies_that_it_made(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    assert appraise_cli("compute", STAGE_FILES).exit_code == 0
    for arguments in (
        ("--audience", "leading-group", "--recipient", "张三", "--out", "copy.xlsx"),
        ("--unit", "镜湖区", "--final", "--out", "letter.xlsx"),
    ):
        assert appraise_cli("report", *arguments).exit_code == 0
        done = appraise_cli("verify", arguments[-1], "--files", STAGE_FILES)
        assert done.exit_code == 0, done.output
        assert "original" in done.output or "All agrees" in done.output
