"""Whole schemes drawn at random: every final, rank and class is that of an oracle in fractions.

The scheme is loaded from a file and the sheets are real workbooks, as an office would send them.
"""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from helpers import slow_but
from helpers.office import convert_all
from helpers.recalculation import differing
from helpers.small import write
from helpers.stages import load
from helpers.whole_schemes import drawn, expected

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.findings import Severity
from wuhu_appraisal.model import Absent, StepRow
from wuhu_appraisal.output import workbook

EACH = 10
"""How many schemes a test draws."""


def taken_apart(row: StepRow) -> Fraction:
    """The sum of the coefficients times the values of a number."""
    return sum(
        (
            Fraction(value) * share
            for value, share in zip(row.values, row.coefficients, strict=True)
            if not isinstance(value, Absent | str)
        ),
        Fraction(0),
    )


def computed(folder: Path, seed: int) -> Result:
    whole = drawn(seed)
    load(folder, whole.scheme)
    write(folder / "in", whole.sheets)
    result = appraise(load_scheme(folder / "scheme.yaml"), [folder / "in"])
    errors = [item.message for item in result.findings if item.severity is Severity.ERROR]
    assert not errors, (seed, errors)
    return result


@pytest.mark.parametrize("batch", slow_but(range(15), 0))
def test_finals_ranks_and_classes_of_a_drawn_scheme_are_those_of_the_oracle(
    tmp_path: Path, batch: int
) -> None:
    for seed in range(batch * EACH, (batch + 1) * EACH):
        folder = tmp_path / str(seed)
        folder.mkdir()
        result = computed(folder, seed)
        for unit, right in expected(drawn(seed)).items():
            group, standing = result.standing_of(unit)
            trace = result.traces[group]
            row = trace.final.rows[(unit,)]
            found = (row.value, standing.final, standing.rank, standing.class_id)
            assert found == tuple(right), (seed, unit)
            assert taken_apart(row) == right.exact
            for stage in trace.stages.values():
                for table in stage.steps:
                    for inner in table.rows.values():
                        assert taken_apart(inner) == inner.value


def test_the_drawn_schemes_have_every_kind_of_rule() -> None:
    found: Counter[str] = Counter()
    for seed in range(150):
        whole = drawn(seed)
        found.update(
            word
            for word in (
                *("'lose'", "'earn'", "'bands'", "'proportion'", "'when'", "'best'", "'rank'"),
                *("'min_max'", "'factors'", "'cap'", "'floor'", "'bonus_cap'", "'deduction_cap'"),
                *("'percent'", "'at_least'", "'by': 'sum'", "'out_of': 'open'", "'rescale'"),
                *("'to': 2", "'trimmed_mean'", "'due'", "'yes_no'", "'ties': 'out'"),
            )
            if word in str(whole.scheme)
        )
    assert min(found.values()) >= 10, found
    assert len(found) == 23


@pytest.mark.slow
def test_a_spreadsheet_program_comes_to_the_numbers_of_the_drawn_schemes(
    tmp_path: Path, soffice: str
) -> None:
    paths = []
    for seed in range(12):
        folder = tmp_path / str(seed)
        folder.mkdir()
        paths.append(tmp_path / f"{seed}.xlsx")
        paths[-1].write_bytes(workbook.render(computed(folder, seed), final=False))
    again = convert_all(soffice, tmp_path / "again", paths, "xlsx:Calc MS Excel 2007 XML")
    for path in paths:
        found, compared = differing(path, again / path.name)
        assert not found, (path.name, found[:3])
        assert compared > 10
