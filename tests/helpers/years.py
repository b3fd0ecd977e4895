"""A small scheme with every kind of stage, and a year's workbooks for it as dice fall."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import xlsxwriter
from hypothesis import HealthCheck, settings

from wuhu_appraisal import Result, appraise, load_scheme

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
raters:
  - {id: offices, title: 市直单位, names: [市一局, 市二局, 市三局, 市四局]}
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
          rater: {raters: offices}
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


BOUNDED = SCHEME.replace(
    "final: {digits: 2, rounding: half_up}",
    "adjusting: {bonus_cap: 4.5, cap: 4, floor: -3}\n"
    "final: {digits: 1, rounding: half_up, cap: 70, floor: 45}",
)
"""The scheme of the drawn years with bounds that bind for many of its units."""
