"""What must hold whatever the numbers are, through real workbooks and the whole way to a ranking."""

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from helpers.years import (
    GRADES,
    ITEMS,
    RATERS,
    SCHEME,
    TITLES,
    UNITS,
    Books,
    Content,
    Rows,
    Year,
    computed,
    drawn,
    of_rounds,
    single,
    written,
)
from hypothesis import event, given
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.model import Absent, StepRow, StepTable

SINGLE_BYS = ("mean", "median", "latest", "best, n: 2", "trimmed_mean, drop_low: 1")


def shuffled(books: Books, dice: random.Random) -> Books:
    """The same cells with files, sheets, rows and columns in another order."""
    found: Books = {}
    for name in dice.sample([*books], len(books)):
        book = books[name]
        found[name] = {}
        for title in dice.sample([*book], len(book)):
            header, *rows = book[title]
            columns = dice.sample(range(len(header)), len(header))
            turned = [header, *dice.sample(rows, len(rows))]
            found[name][title] = [[row[column] for column in columns] for row in turned]
    return found


def published(run: Result) -> dict[str, tuple[Any, ...]]:
    """What a result says of each unit."""
    return {
        item.unit: (item.final, item.rank, item.composite, item.points, dict(item.stages))
        for item in run.standings["all"]
    }


def exact_finals(run: Result) -> dict[str, Fraction | None]:
    return {key[0]: number(row) for key, row in run.traces["all"].final.rows.items()}


def exact_composites(run: Result) -> dict[str, Fraction | None]:
    return {key[0]: number(row) for key, row in run.traces["all"].composite.rows.items()}


def number(row: StepRow) -> Fraction | None:
    assert not isinstance(row.value, str)
    return None if isinstance(row.value, Absent) else Fraction(row.value)


# --- order ---------------------------------------------------------------------------------------


@drawn(examples=15)
@given(
    seed=st.integers(0, 2**32),
    order=st.integers(0, 2**32),
    blank=st.sampled_from([0.0, 0.1]),
    coarse=st.booleans(),
)
def test_the_order_of_files_sheets_rows_and_columns_changes_nothing(
    places: Iterator[Path], seed: int, order: int, blank: float, coarse: bool
) -> None:
    books = Year(seed, blank, coarse).books()
    turned = shuffled(books, random.Random(order))
    first, second = computed(places, books), computed(places, turned)
    assert published(first) == published(second)
    assert exact_finals(first) == exact_finals(second)
    assert Counter(item.code for item in first.findings) == Counter(
        item.code for item in second.findings
    )
    event(f"provisional: {first.provisional}")


def test_a_folder_and_its_files_one_by_one_come_to_the_same(places: Iterator[Path]) -> None:
    folder = next(places)
    file = next(places) / "scheme.yaml"
    file.write_text(SCHEME, encoding="utf-8")
    paths = written(folder, Year(5).books())
    loaded = load_scheme(file)
    assert published(appraise(loaded, [folder])) == published(appraise(loaded, paths[::-1]))


def test_drawn_years_are_complete_or_provisional_and_hold_every_kind_of_cell(
    places: Iterator[Path],
) -> None:
    complete = computed(places, Year(3).books())
    assert not complete.provisional
    assert len(exact_finals(complete)) == len(UNITS)
    assert len(set(exact_finals(complete).values())) == len(UNITS)
    assert computed(places, Year(3, blank=0.2).books()).provisional
    cells = [
        cell
        for seed in range(5)
        for book in Year(seed, blank=0.1).books().values()
        for rows in book.values()
        for row in rows
        for cell in row
    ]
    assert None in cells and "/" in cells


def test_units_may_stand_down_or_across(places: Iterator[Path]) -> None:
    down = of_rounds({"甲县": [1, 2, 6], "乙县": [4, 5, 9], "丙县": [0, 0, 3], "丁县": [9, 9, 9]})
    rows = down["日常"]["成绩"]
    across: Books = {"日常": {"成绩": [list(column) for column in zip(*rows, strict=True)]}}
    expected = {"甲县": 3, "乙县": 6, "丙县": 1, "丁县": 9}
    assert exact_composites(computed(places, down, single("mean"))) == expected
    assert exact_composites(computed(places, across, single("mean"))) == expected


@pytest.mark.parametrize("turned", [False, True])
def test_a_sheet_with_one_round_is_read_with_units_down_or_across(
    places: Iterator[Path], turned: bool
) -> None:
    scheme = single("mean").replace(', "2": 第2轮, "3": 第3轮', "")
    rows: Rows = [["单位", "第1轮"], ["甲县", 70], ["乙县", 80], ["丙县", 90], ["丁县", 60]]
    if turned:
        rows = [list(column) for column in zip(*rows, strict=True)]
    run = computed(places, {"日常": {"成绩": rows}}, scheme)
    assert exact_composites(run) == {"甲县": 70, "乙县": 80, "丙县": 90, "丁县": 60}


# --- scale, direction, equality ------------------------------------------------------------------

QUARTERS = st.integers(0, 200).map(lambda count: count / 4)
THREE = st.lists(QUARTERS, min_size=3, max_size=3)
FOUR_UNITS = st.fixed_dictionaries(dict.fromkeys(UNITS, THREE))


@drawn(examples=25)
@given(cells=FOUR_UNITS, factor=st.sampled_from([0.25, 0.5, 2.0]), by=st.sampled_from(SINGLE_BYS))
def test_all_scores_times_a_number_are_the_composites_times_that_number(
    places: Iterator[Path], cells: dict[str, list[float]], factor: float, by: str
) -> None:
    scaled = {unit: [score * factor for score in scores] for unit, scores in cells.items()}
    before = exact_composites(computed(places, of_rounds(cells), single(by)))
    after = exact_composites(computed(places, of_rounds(scaled), single(by)))
    assert len(before) == len(UNITS)
    for unit, composite in before.items():
        assert composite is not None
        assert after[unit] == composite * Fraction(factor)
    event(f"not all 0: {any(before.values())}")


@drawn(examples=20)
@given(seed=st.integers(0, 2**32), which=st.integers(0, 2**32))
def test_a_higher_score_never_lowers_its_units_final_nor_moves_anothers(
    places: Iterator[Path], seed: int, which: int
) -> None:
    books = Year(seed).books()
    before = exact_finals(computed(places, books))
    unit = raised(books, random.Random(which))
    after = exact_finals(computed(places, books))
    for name, final in before.items():
        assert final is not None
        changed = after[name]
        assert changed is not None
        assert changed >= final if name == unit else changed == final
    event(f"the final rose: {after != before}")


def raised(books: Books, dice: random.Random) -> str:
    """Raise one score, in place; returns the unit whose score it is."""
    file = dice.choice([name for name in books if name != "加扣分"])
    sheet = dice.choice([*books[file]])
    rows = books[file][sheet]
    while True:
        at = dice.randrange(1, len(rows))
        column = dice.randrange(1, len(rows[0]))
        cell = rows[at][column]
        if file == "服务":
            grades = [*GRADES]
            rows[at][column] = grades[min(grades.index(str(cell)) + 1, len(grades) - 1)]
            break
        if isinstance(cell, float | int):
            most = dict(zip(TITLES.values(), ITEMS.values(), strict=True))
            full = most.get(str(rows[at][0]), most.get(str(rows[0][column]), 100))
            rows[at][column] = round(cell + (full - cell) * dice.choice([0.01, 0.5, 1.0]), 2)
            break
    return file.removeprefix("专业/") if file.startswith("专业/") else str(rows[at][0])


@drawn(examples=15)
@given(seed=st.integers(0, 2**32))
def test_units_with_equal_scores_share_a_rank_and_the_next_is_left_free(
    places: Iterator[Path], seed: int
) -> None:
    books = Year(seed).books()
    books["专业/乙县"] = books["专业/甲县"]
    for name in [*(f"互评/{rater}" for rater in RATERS), "日常", "服务"]:
        for rows in books[name].values():
            rows[2] = ["乙县", *rows[1][1:]]
    books["加扣分"] = {
        title: [row for row in rows if row[0] != "乙县"] for title, rows in books["加扣分"].items()
    }
    for rows in books["加扣分"].values():
        rows += [["乙县", *row[1:]] for row in rows if row[0] == "甲县"]
    run = computed(places, books)
    standing = {item.unit: item for item in run.standings["all"]}
    assert standing["甲县"].final == standing["乙县"].final
    assert standing["甲县"].rank == standing["乙县"].rank
    taken = sorted(item.rank or 0 for item in standing.values())
    for rank in taken:
        assert rank == 1 + sum(other < rank for other in taken)


# --- the trace -----------------------------------------------------------------------------------


@drawn(examples=20)
@given(seed=st.integers(0, 2**32), blank=st.sampled_from([0.0, 0.1, 0.3]))
def test_every_step_is_the_sum_of_its_coefficients_times_its_values(
    places: Iterator[Path], seed: int, blank: float
) -> None:
    run = computed(places, Year(seed, blank).books())
    trace = run.traces["all"]
    tables = [table for stage in trace.stages.values() for table in stage.steps]
    rows = [row for table in [*tables, trace.composite, trace.final] for row in table.rows.values()]
    assert len(rows) > 4 * len(UNITS)
    for row in rows:
        assert len(row.members) == len(row.values) == len(row.coefficients)
        if isinstance(row.value, Absent):
            assert not any(row.coefficients)
            continue
        assert row.value == sum(
            (
                coefficient * graded(value)
                for coefficient, value in zip(row.coefficients, row.values, strict=True)
                if not isinstance(value, Absent)
            ),
            Fraction(0),
        )
    event(f"some absent: {any(isinstance(value, Absent) for row in rows for value in row.values)}")


def graded(value: Decimal | Fraction | str) -> Fraction:
    return Fraction(str(GRADES[value])) if isinstance(value, str) else Fraction(value)


def test_every_step_hands_its_values_to_the_next(places: Iterator[Path]) -> None:
    run = computed(places, Year(8).books())
    for stage in run.traces["all"].stages.values():
        for before, after in itertools.pairwise(stage.steps):
            made = Counter(map(str, (row.value for row in before.rows.values())))
            taken = Counter(str(value) for row in after.rows.values() for value in row.values)
            assert made == taken
        last: StepTable = stage.steps[-1]
        composite = run.traces["all"].composite
        for key, row in last.rows.items():
            place = list(composite.rows[key].members).index(stage.stage)
            assert composite.rows[key].values[place] == row.value


# --- numbers as a spreadsheet shows them ---------------------------------------------------------


def by_openpyxl(places: Iterator[Path], cells: Mapping[str, Sequence[Content]]) -> Result:
    """openpyxl writes a float with every digit that it has."""
    folder = next(places)
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    for row in of_rounds(cells)["日常"]["成绩"]:
        sheet.append(row)
    workbook.save(folder / "日常.xlsx")
    file = folder / "scheme.yaml"
    file.write_text(single("mean"), encoding="utf-8")
    return appraise(load_scheme(file), [folder / "日常.xlsx"])


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (20.4, "20.4"),
        (0.1 + 0.2, "0.3"),
        (1.1 * 3, "3.3"),
        (87.345, "87.345"),
        (4.35 * 20, "87"),
        (100 * 1.1 - 20, "90"),
        (2 / 3, "0.666666666666667"),
        (1e-7, "0.0000001"),
        (99.99999999999999, "100"),
    ],
)
def test_a_float_is_the_decimal_that_the_spreadsheet_shows(
    places: Iterator[Path], stored: float, read: str
) -> None:
    run = by_openpyxl(places, {unit: [stored] * 3 for unit in UNITS})
    assert exact_composites(run) == dict.fromkeys(UNITS, Fraction(read))


@drawn(examples=25)
@given(
    hundredths=st.integers(1, 10_000),
    steps=st.integers(-2, 2),
)
def test_noise_in_the_last_binary_digit_is_no_part_of_a_score(
    places: Iterator[Path], hundredths: int, steps: int
) -> None:
    stored = hundredths / 100
    for _step in range(abs(steps)):
        stored = max(0.0, min(100.0, math.nextafter(stored, math.copysign(200, steps))))
    run = by_openpyxl(places, {unit: [stored] * 3 for unit in UNITS})
    assert exact_composites(run) == dict.fromkeys(UNITS, Fraction(hundredths, 100))
    event(f"stored with noise: {stored != hundredths / 100}")


@pytest.mark.parametrize(
    ("scores", "final"),
    [
        ([87.345, 87.345, 87.345], "87.35"),
        ([87.34, 87.35, None], "87.35"),
        ([0.005, 0.005, 0.005], "0.01"),
        ([2.675, 2.675, 2.675], "2.68"),
        ([1.004, 1.005, 1.006], "1.01"),
        ([87.3449999, 87.3449999, 87.3449999], "87.34"),
        ([99.995, 99.995, 99.995], "100.00"),
        ([10, 10, 10.01], "10.00"),
        ([10, 10.01, 10.01], "10.01"),
    ],
)
def test_exact_halves_are_rounded_up_and_nothing_before_the_final_is_rounded(
    places: Iterator[Path], scores: list[Content], final: str
) -> None:
    run = by_openpyxl(places, dict.fromkeys(UNITS, scores))
    assert {str(item.final) for item in run.standings["all"]} == {final}


@drawn(examples=25)
@given(thousandths=st.integers(0, 99_999))
def test_three_decimals_round_half_up_to_two(places: Iterator[Path], thousandths: int) -> None:
    units, rest = divmod(thousandths, 10)
    expected = Decimal(units + (rest >= 5)) / 100
    run = by_openpyxl(places, {unit: [thousandths / 1000] * 3 for unit in UNITS})
    assert {item.final for item in run.standings["all"]} == {expected}
    event(f"an exact half: {rest == 5}")


def test_a_blank_is_not_zero_and_not_what_does_not_apply(places: Iterator[Path]) -> None:
    cells: dict[str, list[Content]] = {
        "甲县": [90, 60, None],
        "乙县": [90, 60, 0],
        "丙县": [90, 60, "/"],
        "丁县": [None, None, None],
    }
    run = computed(places, of_rounds(cells), single("mean"))
    assert exact_composites(run) == {"甲县": 75, "乙县": 50, "丙县": 75, "丁县": None}
    assert run.provisional


def test_a_grade_is_known_in_every_width_and_spacing(places: Iterator[Path]) -> None:
    grades = '{convert: {"优(上)": 95, "良（中）": 80, "一 般": 60}}'
    scheme = single("mean").replace("steps:\n", f"steps:\n          - {grades}\n")
    cells: dict[str, list[Content]] = {
        "甲县": ["优(上)", "优（上）", " 优(上) "],
        "乙县": ["良(中)", "良（中）", "良 (中)"],
        "丙县": ["一 般", "一般", "一\u3000般"],
        "丁县": ["优(上)", "良(中)", "良（中）"],
    }
    run = computed(places, of_rounds(cells), scheme)
    assert exact_composites(run) == {"甲县": 95, "乙县": 80, "丙县": 60, "丁县": 85}
    assert not run.provisional


@pytest.mark.parametrize("text", ["9_0", "8 5", "1 000", "90%", "0x10", "90,5", "九十"])
def test_text_that_no_spreadsheet_takes_for_a_number_is_no_score(
    places: Iterator[Path], text: str
) -> None:
    run = computed(places, of_rounds({unit: [text, 60, 60] for unit in UNITS}), single("mean"))
    assert run.provisional
    assert exact_composites(run) == dict.fromkeys(UNITS, 60)
