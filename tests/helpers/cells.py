"""Write the sheets by many programs, and read each of them again.

LibreOffice saves what openpyxl wrote: loaded, and its formulas calculated, for none was stored with
a value.
"""

import csv
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import product
from pathlib import Path, PurePath
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

from helpers import TESTS
from helpers.cell_cases import CASES, ITEMS, JUDGED, PARTLY_STRUCK
from helpers.cell_sheets import (
    OFFICE,
    Case,
    Cell,
    Content,
    Form,
    Page,
)
from helpers.office import SAVED
from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.appraisal import ReadOptions
from wuhu_appraisal.findings import Finding, Source
from wuhu_appraisal.model import Absent, LedgerEntry, Remark, Score
from wuhu_appraisal.scheme.load import LoadedScheme

OTHERS = TESTS / "written_by_others"


# --- the writers ----------------------------------------------------------------------------------


def by_xlsxwriter(path: Path, pages: Mapping[str, Page]) -> None:
    with xlsxwriter.Workbook(path) as book:
        struck = book.add_format({"font_strikeout": True})
        for name, page in pages.items():
            sheet = book.add_worksheet(name)
            for area in page.merged:
                sheet.merge_range(area, "")
            covered = _covered(page)
            for row, column, cell in page.cells():
                if (row, column) not in covered:
                    style = book.add_format(_style_of(cell))
                    _put_by_xlsxwriter(sheet, (row, column), cell, style, struck)
            for row in page.hidden_rows:
                sheet.set_row(row - 1, None, None, {"hidden": True})
            for letters in page.hidden_columns:
                sheet.set_column(f"{letters}:{letters}", None, None, {"hidden": True})
            for letters in page.struck_columns:
                sheet.set_column(f"{letters}:{letters}", None, struck)
            if page.filtered:
                sheet.autofilter(0, 0, len(page.rows) - 1, 1)
                sheet.filter_column("B", f"x == {page.filtered}")
            {"hidden": sheet.hide, "veryHidden": sheet.very_hidden}.get(page.state, int)()


def _style_of(cell: Cell) -> dict[str, Any]:
    style: dict[str, Any] = {"num_format": cell.format}
    if cell.struck:
        style["font_strikeout"] = True
    if cell.ink:
        style["font_color"] = f"#{cell.ink}"
    if cell.paper:
        style |= {"pattern": 1, "bg_color": f"#{cell.paper}"}
    return style


def _put_by_xlsxwriter(
    sheet: Any, place: tuple[int, int], cell: Cell, style: Any, struck: Any
) -> None:
    if cell.note:
        sheet.write_comment(*place, cell.note)
    if cell.formula:
        sheet.write_formula(*place, f"={cell.formula}", style, cell.value)
    elif cell.struck_part:
        before, part, after = str(cell.value).partition(cell.struck_part)
        pieces = [*([before] if before else []), struck, part, *([after] if after else [])]
        sheet.write_rich_string(*place, *pieces)
    elif isinstance(cell.value, str):
        sheet.write_string(*place, cell.value, style)
    else:
        sheet.write(*place, cell.value, style)


def by_openpyxl(path: Path, pages: Mapping[str, Page]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, page in pages.items():
        sheet = book.create_sheet(name)
        for row, column, cell in page.cells():
            _put_by_openpyxl(sheet, (row + 1, column + 1), cell)
        for area in page.merged:
            sheet.merge_cells(area)
        for row in page.hidden_rows:
            sheet.row_dimensions[row].hidden = True
        for letters in page.hidden_columns:
            sheet.column_dimensions[letters].hidden = True
        for letters in page.struck_columns:
            sheet.column_dimensions[letters].font = Font(strike=True)
        if page.filtered:
            sheet.auto_filter.ref = f"A1:B{len(page.rows)}"
            sheet.auto_filter.add_filter_column(1, [page.filtered])
        sheet.sheet_state = page.state
    book.save(path)


def _put_by_openpyxl(sheet: Worksheet, place: tuple[int, int], cell: Cell) -> None:
    made = sheet.cell(*place)
    value: Any = f"={cell.formula}" if cell.formula else cell.value
    if cell.struck_part:
        before, part, after = str(cell.value).partition(cell.struck_part)
        value = CellRichText(before, TextBlock(InlineFont(strike=True), part), after)
    made.value = value
    made.number_format = cell.format
    made.font = Font(strike=cell.struck, color=cell.ink or None)
    if cell.paper:
        made.fill = PatternFill("solid", fgColor=cell.paper)
    if cell.note:
        made.comment = Comment(cell.note, "测评组")


def _covered(page: Page) -> set[tuple[int, int]]:
    """The cells of merged areas of which the program that merges them keeps nothing."""
    found: set[tuple[int, int]] = set()
    for area in page.merged:
        left, top, right, bottom = (int(side or 1) - 1 for side in range_boundaries(area))
        places = product(range(top, bottom + 1), range(left, right + 1))
        found |= set(places) - {(top, left)}
    return found


def edited(path: Path, changes: Mapping[str, Callable[[bytes], bytes]]) -> None:
    """Change parts of a workbook as another program would have written them; new ones begin empty."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        parts[name] = change(parts.get(name, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _with_all_digits(path: Path, pages: Mapping[str, Page]) -> None:
    """Both writers store 16 digits of a number, where spreadsheet programs store 17."""
    changes: dict[str, Callable[[bytes], bytes]] = {}
    for number, page in enumerate(pages.values(), 1):
        stored = {cell.stored: cell.value for _row, _column, cell in page.cells() if cell.stored}
        for digits, value in stored.items():
            before, after = (f"<v>{text}</v>".encode() for text in (value, digits))
            changes[f"xl/worksheets/sheet{number}.xml"] = partial(_replaced, before, after)
    edited(path, changes)


def _replaced(before: bytes, after: bytes, content: bytes) -> bytes:
    assert before in content
    return content.replace(before, after)


def as_texts(folder: Path, pages: Mapping[str, Page]) -> None:
    """A file for each sheet, named behind the workbook that it is a sheet of."""
    for name, page in pages.items():
        rows: list[list[Content]] = [[""] * len(line) for line in page.rows]
        for row, column, cell in page.cells():
            rows[row][column] = cell.value
        with (folder / f"cells-{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)


# --- the readers ----------------------------------------------------------------------------------

SCHEME = f"""
id: cells
title: Cells
document: {{title: Cells}}
groups:
  - {{id: city, title: Cities, clause: "1", units: [{{name: 甲市}}, {{name: 乙市}}]}}
  - {{id: county, title: Counties, clause: "1", units: [{{name: 丙县}}]}}
indicators:
  - id: content
    title: Content
    clause: annex
    items:
      - {{id: a, title: 公开, marks: 60}}
      - {{id: b, title: 解读, marks: 40}}
reading: {{decimals: 2, severities: {{}}}}
stages:
  - id: vote
    title: Vote
    clause: "2"
    weight: 60
    assessors: []
    window: {{from: 2020-01-01, to: 2020-12-31}}
    plans:
      city:
        dimensions:
          case: {{members: {{{", ".join(f'"{case.name}": "{case.name}"' for case in CASES)}}}}}
        percentages: error
        full_marks: 100
        forms:
          - id: cells
            title: Cells of cities
            file: "cells*"
            sheet: "cell {{case}}"
            axes: [unit]
            not_applicable: anywhere
        steps:
          - {{roll_up: case, by: mean, missing: exclude, not_applicable: exclude}}
          - {{rescale: 100}}
      county: &elsewhere
        full_marks: 100
        forms:
          - {{id: counties, title: Cells of counties, file: counties, axes: [unit]}}
  - id: work
    title: Work
    clause: "3"
    weight: 40
    assessors: []
    window: {{from: 2020-01-01, to: 2020-12-31}}
    plans:
      city:
        dimensions:
          indicator: {{indicators: content}}
          layout: {{members: {{{", ".join(f'"{name}": "{name}"' for name in ITEMS)}}}}}
        forms:
          - id: items
            title: Items of cities
            file: "cells*"
            sheet: "items {{layout}}"
            axes: [unit, indicator]
        steps:
          - {{roll_up: indicator, by: sum, missing: error, not_applicable: error}}
          - {{roll_up: layout, by: mean, missing: exclude, not_applicable: error}}
      county: *elsewhere
composite: {{missing: exclude, not_applicable: exclude, digits: 2}}
final: {{digits: 2, rounding: half_up}}
ranking: {{}}
"""
JUDGED_CODES = sorted({code for case in (*JUDGED, *PARTLY_STRUCK) for code in case.codes})


def _severities(severity: str) -> tuple[str, str]:
    judged = ", ".join(f"{code}: {severity}" for code in JUDGED_CODES if code != "score-not-number")
    return "severities: {}", f"severities: {{{judged}}}"


class Rules(StrEnum):
    """What a scheme may say of how cells are read."""

    USUAL = "usual"
    LENIENT = "all judged findings are warnings"
    STRICT = "all judged findings are errors"
    PERCENTAGES = "percentages are shares of the full marks"
    LARGE = "full marks in the thousands"
    COMPLETE = "no score may be missing"
    SEEN = "nothing may be hidden"

    @property
    def scheme(self) -> str:
        changes = {
            Rules.LENIENT: _severities("warning"),
            Rules.STRICT: _severities("error"),
            Rules.PERCENTAGES: ("percentages: error", "percentages: of_full_marks"),
            Rules.LARGE: ("error\n        full_marks: 100", "error\n        full_marks: 2000"),
            Rules.COMPLETE: ("missing: exclude, not", "missing: error, not"),
        }
        return SCHEME.replace(*changes[self]) if self in changes else SCHEME


@dataclass(frozen=True)
class Understood:
    """What a run says of one sheet."""

    values: Mapping[str, Score]
    findings: Sequence[Finding]
    ledger: Sequence[LedgerEntry]
    remarks: Sequence[Remark]

    @property
    def said(self) -> set[tuple[str, str]]:
        return {(item.code, item.source.cell) for item in self.findings}


@dataclass
class Books:
    """The workbook of all cases in every form, each written and each read once."""

    folder: Path
    _paths: dict[Form, list[Path]] = field(default_factory=dict)
    _runs: dict[tuple[Form, Rules], Result] = field(default_factory=dict)

    def understood(self, case: Case, form: Form, rules: Rules = Rules.USUAL) -> Understood:
        run = self.run(form, rules)

        def here(source: Source) -> bool:
            named = PurePath(source.file).stem == f"cells-{case.sheet}"
            return bool(source.sheet == case.sheet or (named and not source.sheet))

        scores = run.traces["city"].stages["vote"].scores
        return Understood(
            {unit: value for (unit, name), value in scores.items() if name == case.name},
            [item for item in run.findings if here(item.source)],
            [entry for entry in run.ledger if here(entry.source)],
            [remark for remark in run.remarks if here(remark.source)],
        )

    def run(self, form: Form, rules: Rules) -> Result:
        if (form, rules) not in self._runs:
            options = ReadOptions(strict_hidden=rules is Rules.SEEN)
            self._runs[form, rules] = appraise(self.scheme(rules), self.paths(form), options)
        return self._runs[form, rules]

    def scheme(self, rules: Rules) -> LoadedScheme:
        path = self.folder / f"{rules.name}.yaml"
        path.write_text(rules.scheme, encoding="utf-8")
        loaded = load_scheme(path)
        assert loaded.scheme is not None, [item.message for item in loaded.findings]
        return loaded

    def paths(self, form: Form) -> list[Path]:
        if form not in self._paths:
            self._paths[form] = self._written(form)
        return self._paths[form]

    def _written(self, form: Form) -> list[Path]:
        if form is Form.SHEETJS_XLS:
            return sorted(OTHERS.glob(f"cells*.{form.ending}"))
        if form in OFFICE:
            return [SAVED / f"cells.{form.ending}"]
        folder = self.folder / form
        folder.mkdir()
        pages = {case.sheet: case.page for case in CASES if form in case.forms or form != Form.TEXT}
        pages |= {f"items {name}": page for name, page in ITEMS.items()}
        if form is Form.TEXT:
            as_texts(folder, pages)
            return [folder]
        path = folder / "cells.xlsx"
        (by_xlsxwriter if form is Form.XLSXWRITER else by_openpyxl)(path, pages)
        _with_all_digits(path, pages)
        return [path]


def in_each_form(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Each case in each form that can hold it."""
    return pytest.mark.parametrize(
        ("case", "form"),
        [
            pytest.param(case.inside(form), form, id=f"{case.name}-{form}")
            for case in cases
            for form in Form
            if form in case.forms
        ],
    )


def holds(case: Case, found: Understood) -> None:
    """The value, the findings with their places and words, and the ledger are those of the case."""
    assert found.said == {(code, cell) for code in case.codes for cell in case.cells}
    assert found.values["甲市"] == case.value
    messages = " ".join(item.message for item in found.findings)
    assert [words for words in case.says if words not in messages] == [], messages
    rules = {entry.source.cell: entry.rules for entry in found.ledger}
    kept = not isinstance(case.value, Absent)
    assert rules == (dict.fromkeys(("B2", "B3"), case.rules) if case.rules and kept else {})
    if case.rules and kept:
        assert {entry.value for entry in found.ledger} == {str(case.value)}
