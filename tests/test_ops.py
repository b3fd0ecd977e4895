"""Each operation is defined three ways, and the formula computes what the engine computes."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from wuhu_appraisal import language as i18n
from wuhu_appraisal.numbers import Number, exact_text
from wuhu_appraisal.score import operations as ops
from wuhu_appraisal.score.operations import Operation

VALUES = [Decimal(text) for text in ("82.5", "91", "77.25", "60", "95.5", "88")]
SHARES = [Fraction(share) for share in (7, 2, 1, 3, 5, 4)]
OPERATIONS: list[Operation] = [
    ops.Sum(),
    ops.Sum(whole=sum(SHARES, Fraction(0))),
    ops.Mean(),
    ops.Weighted(),
    ops.Median(),
    ops.TrimmedMean(1, 1),
    ops.TrimmedMean(2, 0),
    ops.TrimmedMean(0, 1),
    ops.Best(3),
    ops.Best(9),
    ops.Latest(),
    ops.Scale(Fraction(100), Fraction(46)),
    ops.Grades((("优秀", Fraction(95)), ("良好", Fraction(85)), ("合格", Fraction(70)))),
    ops.Adjust(Fraction(100), Fraction(0)),
]


def test_every_kind_of_operation_is_tried_here() -> None:
    # The rules of facts are tried in test_fact_rules.py.
    names = {kind.__name__ for kind in Operation.__subclasses__()} - {"FactScore"}
    assert {type(item).__name__ for item in OPERATIONS} == names


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda item: repr(item)[:40])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_operation_computes_explains_and_writes_a_formula(
    operation: Operation, language: str
) -> None:
    i18n.activate(language)
    count = 1 if isinstance(operation, ops.Scale | ops.Grades) else len(VALUES)
    outcome = operation.apply(VALUES[:count], SHARES[:count])
    assert len(outcome.coefficients) == count
    phrase = operation.phrase("INPUTS", count, "VALUE")
    assert "INPUTS" in phrase
    assert "VALUE" in phrase
    assert operation.formula("A1:F1", "A2:F2")


def test_phrases_differ_between_the_languages() -> None:
    for operation in OPERATIONS:
        i18n.activate("zh")
        chinese = operation.phrase("1", 1, "1")
        i18n.activate("en")
        assert operation.phrase("1", 1, "1") != chinese


CASES: list[tuple[Operation, list[Number | str]]] = [
    (operation, list(VALUES))
    for operation in OPERATIONS
    if not isinstance(operation, ops.Scale | ops.Grades | ops.Adjust)
]
CASES += [
    (ops.Scale(Fraction(50), Fraction(26)), [Decimal("43.5")]),
    (OPERATIONS[-2], ["良好"]),
    (ops.Adjust(Fraction(100), Fraction(0)), [Decimal("98.5"), Decimal(5)]),
    (ops.Adjust(Fraction(100), Fraction(0)), [Decimal("0.5"), Decimal(-5)]),
    (ops.Adjust(), [Decimal("0.5"), Decimal(-5)]),
]


def test_a_spreadsheet_program_recalculates_each_formula_to_the_same_number(
    tmp_path: Path, convert: Callable[[Path, str], Path]
) -> None:
    path = tmp_path / "formulas.xlsx"
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet()
    expected: list[Fraction] = []
    for number, (operation, values) in enumerate(CASES):
        top = 2 * number + 1
        for place, value in enumerate(values):
            if isinstance(value, str):
                page.write_string(top - 1, place + 1, value)
            else:
                page.write_number(top - 1, place + 1, float(value))
            page.write_number(top, place + 1, float(SHARES[place]))
        last = "ABCDEFGHIJ"[len(values)]
        formula = operation.formula(f"B{top}:{last}{top}", f"B{top + 1}:{last}{top + 1}")
        # A wrong value is stored on purpose: only a recalculation can make it right.
        page.write_formula(top - 1, 0, f"={formula}".replace(f"B{top}:B{top}", f"B{top}"), None, -1)
        expected.append(computed(operation, values))
    book.close()
    sheet = CalamineWorkbook.from_path(convert(path, "ods")).get_sheet_by_index(0)
    rows = sheet.to_python(skip_empty_area=False)
    for number, (operation, _values) in enumerate(CASES):
        recalculated = rows[2 * number][0]
        assert recalculated == pytest.approx(float(expected[number]), abs=1e-12), operation


def test_a_formula_leaves_out_what_is_absent_as_the_policies_do(
    tmp_path: Path, convert: Callable[[Path, str], Path]
) -> None:
    """With a '/' and a blank among the values, sums and weights are made up to the whole."""
    path = tmp_path / "absent.xlsx"
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet()
    used = [index for index in range(len(VALUES)) if index not in (1, 4)]
    tried = [ops.Sum(), ops.Mean(), ops.Weighted(), ops.Median(), ops.Best(2), ops.Latest()]
    for place, value in enumerate(VALUES):
        if place in used:
            page.write_number(0, place + 1, float(value))
        page.write_number(1, place + 1, float(SHARES[place]))
    page.write_string(0, 2, "/")
    for row, operation in enumerate(tried):
        page.write_formula(row + 2, 0, f"={operation.formula('B1:G1', 'B2:G2')}", None, -1)
    book.close()
    rows = (
        CalamineWorkbook.from_path(convert(path, "ods"))
        .get_sheet_by_index(0)
        .to_python(skip_empty_area=False)
    )
    for row, operation in enumerate(tried):
        whole = ops.Sum(whole=sum(SHARES, Fraction(0))) if operation == ops.Sum() else operation
        outcome = whole.apply([VALUES[i] for i in used], [SHARES[i] for i in used])
        assert rows[row + 2][0] == pytest.approx(float(outcome.value), abs=1e-12), operation


def computed(operation: Operation, values: list[Number | str]) -> Fraction:
    numbers: list[Number] = []
    for value in values:
        if isinstance(value, str):
            assert isinstance(operation, ops.Grades)
            numbers.append(operation.number(value))
        else:
            numbers.append(value)
    if isinstance(operation, ops.Sum) and operation.whole:
        operation = ops.Sum()
    return operation.apply(numbers, SHARES[: len(numbers)]).value


def test_exact_text_is_a_decimal_where_it_ends_and_a_fraction_elsewhere() -> None:
    assert exact_text(Fraction(345, 4)) == "86.25"
    assert exact_text(Fraction(271, 3)) == "271/3"
    assert exact_text(Fraction(-1, 8)) == "-0.125"
    assert exact_text(Fraction(100)) == "100"
