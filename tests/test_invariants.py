"""What must hold whatever the numbers are, through real workbooks and the whole way to a ranking."""

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.model import Absent, StepRow, StepTable

Content: TypeAlias = float | str | None
Rows: TypeAlias = list[list[Content]]
Book: TypeAlias = dict[str, Rows]
Books: TypeAlias = dict[str, Book]
"""file -> sheet -> rows, the first of them the header"""

UNITS = ("甲县", "乙县", "丙县", "丁县")
RATERS = ("市一局", "市二局", "市三局", "市四局")
ITEMS = {"一(一)": 25, "一(二)": 15, "二(一)": 40, "二(二)": 20}
TITLES = {"一(一)": "公开", "一(二)": "解读", "二(一)": "平台", "二(二)": "保障"}
GRADES = {"差": 30, "中": 60, "良": 82.5, "优": 95}

SCHEME = """
id: small
title: small
document: {title: small}
groups:
  - {id: all, title: all, clause: "1", units: [{name: 甲县}, {name: 乙县}, {name: 丙县}, {name: 丁县}]}
indicators:
  - id: content
    title: content
    clause: "2"
    items:
      - id: 一
        title: 第一部分
        marks: 40
        items:
          - {id: 一(一), title: 公开, marks: 25}
          - {id: 一(二), title: 解读, marks: 15}
      - id: 二
        title: 第二部分
        marks: 60
        items:
          - {id: 二(一), title: 平台, marks: 40}
          - {id: 二(二), title: 保障, marks: 20}
stages:
  - id: expert
    title: 专业测评
    clause: "3"
    weight: 50
    assessors: []
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      all:
        dimensions:
          tier: {members: {upper: 本级, lower: 乡镇}}
          body: {open: true}
          indicator: {indicators: content}
        forms:
          - id: upper
            title: 本级
            file: 专业/{unit}
            sheet: "*本级*"
            axes: [indicator]
            fixed: {tier: upper, body: "{unit}"}
          - id: lower
            title: 乡镇
            file: 专业/{unit}
            sheet: "*乡镇*"
            axes: [body, indicator]
            fixed: {tier: lower}
            not_applicable: anywhere
        steps:
          - {roll_up: indicator, by: sum, to: 1, missing: error, not_applicable: exclude}
          - {roll_up: indicator, by: sum, missing: error, not_applicable: exclude}
          - {roll_up: body, by: mean, missing: error, not_applicable: exclude}
          - roll_up: tier
            by: weighted
            weights: {upper: 7, lower: 3}
            missing: error
            not_applicable: error
  - id: mutual
    title: 互评
    clause: "3"
    weight: 20
    assessors: []
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      all:
        dimensions:
          rater: {members: {市一局: 市一局, 市二局: 市二局, 市三局: 市三局, 市四局: 市四局}}
        full_marks: 100
        forms:
          - {id: ballot, title: 评分表, file: "互评/{rater}", axes: [unit]}
        steps:
          - roll_up: rater
            by: trimmed_mean
            drop_high: 1
            drop_low: 1
            missing: exclude
            not_applicable: error
  - id: daily
    title: 日常
    clause: "3"
    weight: 20
    assessors: []
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      all:
        dimensions:
          round: {members: {"1": 第1轮, "2": 第2轮, "3": 第3轮}}
        full_marks: 100
        forms:
          - {id: rounds, title: 日常成绩, file: 日常, axes: [unit, round]}
        steps:
          - {roll_up: round, by: median, missing: zero, not_applicable: error}
  - id: service
    title: 服务
    clause: "3"
    weight: 10
    assessors: []
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      all:
        dimensions:
          round: {members: {"1": 上半年, "2": 下半年}}
        full_marks: 100
        forms:
          - {id: grades, title: 服务等级, file: 服务, axes: [unit, round]}
        steps:
          - {convert: {差: 30, 中: 60, 良: 82.5, 优: 95}}
          - {roll_up: round, by: best, n: 1, missing: exclude, not_applicable: error}
composite: {missing: error, not_applicable: error, digits: 2}
adjustments:
  - id: bonus
    title: 加分
    clause: "4"
    kind: bonus
    groups: [all]
    form: {file: 加扣分, sheet: 加分}
    points: {stated: true, max: 5}
    cap: 6
  - id: fault
    title: 扣分
    clause: "4"
    kind: deduction
    groups: [all]
    form: {file: 加扣分, sheet: 扣分}
    points: {stated: true, max: 5}
final: {digits: 2, rounding: half_up}
ranking: {ties: []}
"""
SINGLE = """
id: single
title: single
document: {title: single}
# Small numbers are as good as others here.
reading: {severities: {scores-all-small: warning, scores-mixed: warning}}
groups:
  - {id: all, title: all, clause: "1", units: [{name: 甲县}, {name: 乙县}, {name: 丙县}, {name: 丁县}]}
stages:
  - id: daily
    title: 日常
    clause: "3"
    weight: 100
    assessors: []
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      all:
        dimensions:
          round: {members: {"1": 第1轮, "2": 第2轮, "3": 第3轮}}
        full_marks: 100
        forms:
          - {id: rounds, title: 日常成绩, file: 日常, axes: [unit, round]}
        steps:
          - {roll_up: round, by: BY, missing: exclude, not_applicable: error}
composite: {missing: error, not_applicable: error, digits: 2}
final: {digits: 2, rounding: half_up}
ranking: {ties: []}
"""
SINGLE_BYS = ("mean", "median", "latest", "best, n: 2", "trimmed_mean, drop_low: 1")


def drawn(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


# --- a year's workbooks --------------------------------------------------------------------------


@dataclass
class Year:
    """All sheets of a year as a set of dice fell; ``blank`` is how often a cell holds nothing."""

    seed: int
    blank: float = 0.0
    coarse: bool = False
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def books(self) -> Books:
        found: Books = {}
        for unit in UNITS:
            found[f"专业/{unit}"] = {
                "本级得分": [["指标", "得分"], *self.column(ITEMS)],
                "乡镇得分": [
                    ["测评对象", *TITLES.values()],
                    *(self.town(f"{unit}{name}镇") for name in "东南西"[: self.towns()]),
                ],
            }
        for rater in RATERS:
            found[f"互评/{rater}"] = {
                "评分": [["单位名称", "得分"], *self.column(dict.fromkeys(UNITS, 100))]
            }
        found |= of_rounds({unit: [self.score(100) for _round in range(3)] for unit in UNITS})
        found["服务"] = {
            "等级": [
                ["单位", "上半年", "下半年"],
                *(self.grades(unit) for unit in UNITS),
            ]
        }
        found["加扣分"] = {"加分": self.points("加分"), "扣分": self.points("扣分")}
        return found

    def column(self, names: Mapping[str, int]) -> Rows:
        return [[TITLES.get(name, name), self.score(most)] for name, most in names.items()]

    def score(self, most: int) -> Content:
        if self.dice.random() < self.blank:
            return None
        return most * self.dice.randint(0, 4) / 4 if self.coarse else self.hundredths(most)

    def towns(self) -> int:
        return self.dice.randint(1, 3)

    def town(self, name: str) -> list[Content]:
        return [name, *(self.lower(most) for most in ITEMS.values())]

    def lower(self, most: int) -> Content:
        return "/" if self.dice.random() < 0.1 else self.score(most)

    def hundredths(self, most: int) -> float:
        """Nothing between 0 and 1: among larger scores that could be a share, which is an error."""
        found = self.dice.randint(0, 100 * most)
        return found / 100 if found > 100 else 0.0

    def grades(self, unit: str) -> list[Content]:
        return [unit, self.dice.choice([*GRADES]), self.dice.choice([*GRADES])]

    def points(self, label: str) -> Rows:
        rows: Rows = [["单位", label]]
        for _line in range(self.dice.randint(1, 5)):
            rows.append([self.dice.choice(UNITS), self.hundredths(5)])
        return rows


def written(folder: Path, books: Books) -> list[Path]:
    """The workbooks in a folder; returns their paths in the order of ``books``."""
    paths = []
    for name, book in books.items():
        path = folder / f"{name}.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        with xlsxwriter.Workbook(path) as workbook:
            for title, rows in book.items():
                sheet = workbook.add_worksheet(title)
                for number, row in enumerate(rows):
                    sheet.write_row(number, 0, row)
        paths.append(path)
    return paths


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


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that are still empty, one after another."""
    return (tmp_path_factory.mktemp("year") for _number in itertools.count())


def computed(places: Iterator[Path], books: Books, scheme: str = SCHEME) -> Result:
    folder = next(places)
    file = folder / "scheme.yaml"
    file.write_text(scheme, encoding="utf-8")
    loaded = load_scheme(file)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    return appraise(loaded, written(folder, books))


def single(by: str) -> str:
    return SINGLE.replace("BY", by)


def of_rounds(cells: Mapping[str, Sequence[Content]]) -> Books:
    """The one workbook of the scheme that has one stage."""
    rows: Rows = [["单位", "第1轮", "第2轮", "第3轮"]]
    return {"日常": {"成绩": [*rows, *([unit, *scores] for unit, scores in cells.items())]}}


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
