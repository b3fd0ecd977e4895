"""What stands in a score's cell, in every way to fill one, as other programs write it.

Each row of the tables below is a sheet of one workbook. XlsxWriter and openpyxl write that workbook,
LibreOffice saves it as .xls, .ods and .xlsx, and SheetJS wrote the files in ``written_by_others``. As text
each sheet is a file of its own. Whoever wrote it, a cell must be understood in the same way.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from helpers.cell_cases import (
    BLANKS,
    BOOLEANS,
    DATES,
    DIGITS,
    ELSEWHERE,
    ERRORS,
    FIXED,
    FORMATTED_REST,
    FORMULAS,
    HIDDEN,
    ITEMS,
    JUDGED,
    MERGED_LABELS,
    MERGED_SCORES,
    MIXED,
    MIXED_PERCENTAGES,
    NOT_APPLICABLES,
    NOTED,
    OF_FULL_MARKS,
    PARTLY_STRUCK,
    PERCENTAGES,
    READ_TEXTS,
    REFUSED_TEXTS,
    SHOWN_RIGHT,
    THOUSANDS,
    UNIT_MISSING,
)
from helpers.cell_sheets import MISSING, RED, STYLED, Case, Cell, Form, Page, both, score
from helpers.cells import Books, Rules, _replaced, by_openpyxl, edited, holds, in_each_form
from helpers.small import SHEETS, SMALL, computed, found_at, write

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.findings import Severity
from wuhu_appraisal.model import RemarkKind
from wuhu_appraisal.workbooks.open import read_sheets


@in_each_form(READ_TEXTS)
def test_a_number_written_as_text_is_read_and_stands_in_the_ledger(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(THOUSANDS)
def test_commas_between_thousands_are_left_out_and_stand_in_the_ledger(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form, Rules.LARGE))


@in_each_form(REFUSED_TEXTS)
def test_a_text_that_is_no_number_is_refused_and_numerals_with_their_reading(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(PERCENTAGES)
def test_a_percentage_is_an_error_that_names_both_readings(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(PERCENTAGES)
def test_a_percentage_is_a_share_of_the_full_marks_where_the_plan_says_so(
    books: Books, case: Case, form: Form
) -> None:
    read = replace(case, value=score(OF_FULL_MARKS[case.name]), codes=(), says=())
    holds(read, books.understood(case, form, Rules.PERCENTAGES))


@pytest.mark.parametrize("rules", [Rules.USUAL, Rules.PERCENTAGES])
@in_each_form(MIXED_PERCENTAGES)
def test_a_column_of_percentages_and_numbers_is_an_error_whatever_the_plan_says(
    books: Books, case: Case, form: Form, rules: Rules
) -> None:
    found = books.understood(case, form, rules)
    holds(case, found)
    assert found.values["乙市"] == 80


@in_each_form(MIXED)
def test_a_column_of_shares_and_scores_is_an_error(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert found.values["乙市"] == 95


@in_each_form(DIGITS)
def test_digits_that_no_spreadsheet_shows_are_not_part_of_the_score(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert str(found.values["甲市"]) == "20.4"


@in_each_form(SHOWN_RIGHT)
def test_a_format_that_shows_all_of_the_number_is_no_matter(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(FIXED)
def test_a_format_that_shows_the_same_whatever_the_cell_holds_is_an_error(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(FORMULAS)
def test_the_value_of_a_formula_counts_and_one_never_calculated_is_an_error(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(ERRORS)
def test_what_a_formula_failed_with_is_an_error_with_its_name(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form([*DATES, *BOOLEANS])
def test_a_date_a_time_or_a_truth_value_is_an_error_that_says_what_was_typed(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))


@in_each_form(BLANKS)
def test_a_blank_is_missing_and_never_zero(books: Books, case: Case, form: Form) -> None:
    holds(case, books.understood(case, form))
    found = books.understood(case, form, Rules.COMPLETE)
    # All of its scores are blank.
    assert found.said == {("sheet-no-rows", "")}
    assert found.values == {"甲市": MISSING, "乙市": MISSING}


@in_each_form(NOT_APPLICABLES)
def test_a_mark_for_not_applicable_is_neither_a_score_nor_missing(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form, Rules.COMPLETE))


USUALLY_ERRORS = {"score-below-zero", "score-over-marks", "score-not-number"}


@in_each_form(JUDGED)
def test_a_doubtful_score_is_an_error_or_a_warning_as_its_kind_is(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form)
    refused = USUALLY_ERRORS.intersection(case.codes)
    holds(replace(case, value=MISSING) if refused else case, found)
    errors = {item.code for item in found.findings if item.severity is Severity.ERROR}
    assert errors == refused


@in_each_form(JUDGED)
def test_a_doubtful_score_counts_where_the_scheme_only_warns(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form, Rules.LENIENT)
    holds(case, found)
    assert {str(item.severity) for item in found.findings} == {"warning"}


@in_each_form(JUDGED)
def test_a_doubtful_score_does_not_count_where_the_scheme_takes_it_for_an_error(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form, Rules.STRICT)
    holds(replace(case, value=MISSING), found)
    assert {str(item.severity) for item in found.findings} == {"error"}


@in_each_form(PARTLY_STRUCK)
def test_a_piece_of_a_text_that_is_struck_out_is_said(books: Books, case: Case, form: Form) -> None:
    holds(case, books.understood(case, form))


@in_each_form(HIDDEN)
def test_what_is_hidden_is_read_and_named(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert {str(item.severity) for item in found.findings} == {"warning"}


@in_each_form(HIDDEN)
def test_what_is_hidden_is_an_error_where_the_reader_is_strict(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form, Rules.SEEN)
    holds(case, found)
    assert {str(item.severity) for item in found.findings} == {"error"}


@in_each_form(MERGED_SCORES)
def test_scores_merged_into_one_cell_are_nobodys(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert set(found.values.values()) == {MISSING}


@in_each_form(MERGED_LABELS)
def test_merged_titles_and_labels_are_understood(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    assert found.values["乙市"] == 70


@in_each_form(ELSEWHERE)
def test_a_unit_that_stands_twice_or_belongs_elsewhere_is_an_error_with_its_places(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form)
    assert found.values["乙市"] == 80
    values = {"甲市": MISSING, **found.values}
    holds(case, replace(found, values=values))


@in_each_form([UNIT_MISSING])
def test_a_unit_that_does_not_stand_in_a_sheet_is_missing_there(
    books: Books, case: Case, form: Form
) -> None:
    found = books.understood(case, form, Rules.COMPLETE)
    assert found.said == {("scores-missing", "")}
    assert "甲市" in found.findings[0].message
    assert found.values == {"乙市": 80}


@in_each_form(NOTED)
def test_a_note_on_a_score_is_kept_as_a_remark(books: Books, case: Case, form: Form) -> None:
    found = books.understood(case, form)
    holds(case, found)
    [remark] = found.remarks
    assert (remark.kind, remark.source.cell) == (RemarkKind.NOTE, "B2")
    [note] = [cell.note for _row, _column, cell in case.page.cells() if cell.note]
    assert remark.text.split() == note.split()


@pytest.mark.parametrize("form", STYLED)
@pytest.mark.parametrize("layout", ITEMS)
def test_merged_headers_of_several_levels_are_understood(
    books: Books, layout: str, form: Form
) -> None:
    run = books.run(form, Rules.USUAL)
    scores = run.traces["city"].stages["work"].scores.items()
    assert {(unit, item): value for (unit, item, name), value in scores if name == layout} == {
        ("甲市", "a"): 50,
        ("甲市", "b"): 30,
        ("乙市", "a"): 60,
        ("乙市", "b"): 40,
    }
    assert [item for item in run.findings if item.source.sheet == f"items {layout}"] == []


@in_each_form([FORMATTED_REST])
def test_rows_that_are_only_formatted_are_no_part_of_the_sheet(
    books: Books, case: Case, form: Form
) -> None:
    holds(case, books.understood(case, form))
    [path] = books.paths(form)
    grids, _findings = read_sheets(path.name, path.read_bytes())
    [grid] = [grid for grid in grids if grid.name == case.sheet]
    assert [len(row) for row in grid.rows] == [2, 2, 2]


@pytest.mark.slow
def test_a_million_formatted_rows_are_no_part_of_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "cells.xlsx"
    by_openpyxl(path, {"cell text": Page([*both("80").rows, [Cell(None, "0.0", paper=RED)] * 2])})
    rest = "".join(f'<row r="{row}"><c r="B{row}" s="1"/></row>' for row in range(5, 1_048_577))
    end = b"</sheetData>"
    edited(path, {"xl/worksheets/sheet1.xml": partial(_replaced, end, rest.encode() + end)})
    [grid], findings = read_sheets(path.name, path.read_bytes())
    assert findings == []
    assert grid.rows == [["单位", "得分"], ["甲市", "80"], ["乙市", "80"]]


@pytest.mark.parametrize(
    ("area", "found"),
    [("B2:C2", ["work/upper.xlsx B2"]), ("B2:D3", ["work/upper.xlsx B2"]), ("D3:E4", [])],
)
def test_scores_merged_across_items_are_nobodys_and_a_wide_cell_with_one_score_is_its_own(
    tmp_path: Path, area: str, found: Sequence[str]
) -> None:
    run = computed(tmp_path, lambda sheet: sheet.merge_cells(area), "work/upper")
    assert found_at(run, "score-merged") == found
    assert run.provisional == bool(found)


def test_an_indicator_that_stands_twice_is_an_error_with_both_places(tmp_path: Path) -> None:
    rows = [[*row, row[1]] for row in SHEETS["work/upper"]]
    write(tmp_path, {**SHEETS, "work/upper": rows})
    run = appraise(load_scheme(SMALL), [tmp_path])
    assert found_at(run, "name-twice") == ["work/upper.xlsx E1"]
    assert "B1" in next(item.message for item in run.findings if item.code == "name-twice")
    scores = dict(run.traces["city"].stages["work"].scores.items())
    assert ("甲市", "upper", "a") not in scores
    assert scores["甲市", "upper", "b1"] == 20
