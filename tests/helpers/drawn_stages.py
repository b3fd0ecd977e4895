"""Stages, trees of indicators and whole closings as hypothesis draws them."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from helpers import oracle
from helpers.oracle import Cell, Node, Rule
from helpers.stages import (
    NOWHERE,
    UNITS,
    Data,
    Scores,
    scheme_data,
    stage,
    step_of,
)
from wuhu_appraisal.model import Record
from wuhu_appraisal.scheme.models import Scheme

# --- what hypothesis draws -----------------------------------------------------------------------

POLICIES: st.SearchStrategy[oracle.Policy] = st.sampled_from(["error", "exclude", "zero"])
NUMBERS = st.one_of(
    st.integers(0, 10).map(lambda tens: Decimal(10 * tens)),
    st.integers(0, 10_000).map(lambda hundredths: Decimal(hundredths) / 100),
)
CELLS: st.SearchStrategy[Cell] = st.one_of(
    NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["/"]), st.none()
)


BYS: st.SearchStrategy[oracle.By] = st.sampled_from(
    ["sum", "mean", "weighted", "median", "trimmed_mean", "best", "latest"]
)


@st.composite
def rules(draw: st.DrawFn, count: int = 5) -> Rule:
    """A rule over so many members: more than are there can neither be dropped nor be the best."""
    by = draw(BYS.filter(lambda by: by != "trimmed_mean" or count > 1))
    high = draw(st.integers(0, min(2, count - 1))) if by == "trimmed_mean" else 0
    lowest, most = 0 if high else 1, min(2, count - 1 - high)
    return Rule(
        by,
        missing=draw(POLICIES),
        not_applicable=draw(POLICIES),
        drop_high=high,
        drop_low=draw(st.integers(lowest, most)) if by == "trimmed_mean" else 0,
        n=draw(st.integers(1, min(3, count))) if by == "best" else 1,
    )


@dataclass(frozen=True)
class Sheet:
    """A rule over a few members for each of a few units."""

    rule: Rule
    shares: tuple[int, ...]
    cells: Mapping[str, tuple[Cell, ...]]
    transposed: bool

    @property
    def names(self) -> list[str]:
        return [f"r{number}" for number in range(len(self.shares))]

    @property
    def scores(self) -> Scores:
        return {
            (unit, name): cell
            for unit, cells in self.cells.items()
            for name, cell in zip(self.names, cells, strict=True)
        }


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    count = draw(st.integers(1, 6))
    rule = draw(rules(count))
    shares = st.integers(1, 9) if rule.by == "weighted" else st.just(1)
    return Sheet(
        rule,
        tuple(draw(st.lists(shares, min_size=count, max_size=count))),
        {
            unit: tuple(draw(st.lists(CELLS, min_size=count, max_size=count)))
            for unit in UNITS[: draw(st.integers(1, 3))]
        },
        draw(st.booleans()),
    )


@dataclass(frozen=True)
class Tree:
    """An indicator tree, its rules from the top down, and the scores of a unit's leaves."""

    items: tuple[Node, ...]
    levels: tuple[Rule, ...]
    scores: Mapping[str, Cell]
    kind: str

    @property
    def depth(self) -> int:
        return max(item.depth() for item in self.items)

    @property
    def steps(self) -> list[Data]:
        to_levels = [
            step_of("indicator", self.levels[level], to=level)
            for level in range(self.depth - 1, 0, -1)
        ]
        return [*to_levels, step_of("indicator", self.levels[0])]

    @property
    def indicators(self) -> list[Data]:
        return [
            {
                "id": "content",
                "title": "content",
                "clause": "2",
                "items": [self.line(node) for node in self.items],
            }
        ]

    def line(self, node: Node) -> Data:
        below = [self.line(item) for item in node.items]
        return {"id": node.id, "title": node.id, self.kind: node.share, "items": below}


def split(dice: random.Random, whole: int, parts: int) -> list[int]:
    """Whole numbers above 0 that add up to ``whole``."""
    cuts = sorted(dice.sample(range(1, whole), parts - 1))
    return [high - low for low, high in zip([0, *cuts], [*cuts, whole], strict=True)]


def grown(dice: random.Random, name: str, whole: int, depth: int, kind: str, even: bool) -> Node:
    below = whole if kind == "marks" else 100
    if depth == 1 or (not even and dice.random() < 0.4):
        return Node(name, whole)
    return Node(name, whole, branches(dice, name, below, depth - 1, kind, even))


def branches(
    dice: random.Random, name: str, whole: int, depth: int, kind: str, even: bool
) -> tuple[Node, ...]:
    shares = split(dice, whole, min(dice.randint(1, 3), whole))
    return tuple(
        grown(dice, f"{name}{letter}", share, depth, kind, even)
        for letter, share in zip("abc", shares, strict=False)
    )


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    dice = random.Random(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["marks", "weight"]))
    even = draw(st.booleans())
    items = branches(dice, "n", 100, draw(st.sampled_from([3, 2, 1])), kind, even)
    by: oracle.By = "sum" if kind == "marks" else "weighted"
    depth = max(item.depth() for item in items)
    # In a tree of uneven depth one policy holds at every level: which one binds is said below.
    each = [Rule(by, draw(POLICIES), draw(POLICIES)) for _level in range(depth if even else 1)]
    absent = draw(st.sampled_from([0.0, 0.2, 0.5]))
    return Tree(
        items,
        tuple(each if even else each * depth),
        {
            leaf.id: dice.choice(["/", None])
            if dice.random() < absent
            else Decimal(dice.randint(0, 100)) * (leaf.share if kind == "marks" else 100) / 100
            for item in items
            for leaf in item.leaves()
        },
        kind,
    )


@dataclass(frozen=True)
class Closing:
    """Stage scores, adjustments, bounds and tie-breaks: all that comes after the stages."""

    weights: tuple[int, ...]
    cells: Mapping[str, tuple[Cell, ...]]
    policies: tuple[oracle.Policy, oracle.Policy]
    stated: Mapping[str, Mapping[str, tuple[Decimal, ...]]]
    caps: Mapping[str, Decimal]
    adjusting: tuple[Decimal | None, Decimal | None]
    final: tuple[Decimal | None, Decimal | None]
    digits: tuple[int, int]
    ties: tuple[str, ...]
    bonus_cap: Decimal | None


BANDS: list[tuple[int, int | None, Decimal]] = [
    (1, 10, Decimal(5)),
    (11, 20, Decimal("2.5")),
    (30, None, Decimal(1)),
]
ADJUSTMENTS: Mapping[str, Data] = {
    "place": {
        "kind": "bonus",
        "points": {
            "bands": [
                {"from": low, "points": points} | ({} if high is None else {"to": high})
                for low, high, points in BANDS
            ]
        },
        "form": {"file": "listed", "value": ["place"]},
    },
    "praise": {"kind": "bonus", "points": {"fixed": 1.5}, "form": {"file": "praise"}},
    "fault": {
        "kind": "deduction",
        "points": {"stated": True, "max": 50},
        "form": {"file": "extra"},
    },
}


def points_of(name: str, stated: Decimal) -> Fraction | None:
    match name:
        case "place":
            return oracle.band_points(stated, BANDS)
        case "praise":
            return Fraction(3, 2)
        case _:
            return -Fraction(stated)


@st.composite
def bounds(draw: st.DrawFn, low: int, high: int) -> tuple[Decimal | None, Decimal | None]:
    ends = sorted(draw(st.lists(st.integers(low, high), min_size=2, max_size=2)))
    floor, cap = (draw(st.sampled_from([Decimal(end), None])) for end in ends)
    return floor, cap


@st.composite
def closings(draw: st.DrawFn) -> Closing:
    weights = draw(st.sampled_from([(100,), (60, 40), (45, 35, 20)]))
    units = UNITS[: draw(st.integers(2, 4))]
    coarse = st.sampled_from([Decimal(text) for text in ("0", "60", "80", "80.5", "100")])
    cell: st.SearchStrategy[Cell] = st.one_of(coarse, coarse, CELLS)
    return Closing(
        weights,
        {
            unit: tuple(draw(st.lists(cell, min_size=len(weights), max_size=len(weights))))
            for unit in units
        },
        (draw(POLICIES), draw(POLICIES)),
        {
            unit: {
                "place": tuple(draw(st.lists(st.integers(1, 35).map(Decimal), max_size=2))),
                "praise": tuple(draw(st.lists(st.just(Decimal(1)), max_size=2))),
                "fault": tuple(
                    draw(st.lists(st.integers(0, 500).map(lambda n: Decimal(n) / 10), max_size=2))
                ),
            }
            for unit in units
        },
        draw(st.dictionaries(st.sampled_from([*ADJUSTMENTS]), st.integers(1, 20).map(Decimal))),
        draw(bounds(-10, 10)),
        draw(bounds(0, 100)),
        (draw(st.integers(0, 3)), draw(st.integers(0, 3))),
        tuple(draw(st.lists(st.sampled_from(["composite", "s0", "s1"]), max_size=2))),
        draw(st.sampled_from([None, Decimal(1), Decimal("2.5"), Decimal(6)])),
    )


def bounds_data(pair: tuple[Decimal | None, Decimal | None]) -> Data:
    names = zip(("floor", "cap"), pair, strict=True)
    return {name: bound for name, bound in names if bound is not None}


def exact(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def scheme_of(closing: Closing) -> Data:
    return scheme_data(
        *(stage(name=f"s{number}", weight=weight) for number, weight in enumerate(closing.weights)),
        units=list(closing.cells),
        composite={
            "missing": closing.policies[0],
            "not_applicable": closing.policies[1],
            "digits": closing.digits[0],
        },
        adjustments=[
            {"id": name, "title": name, "clause": "3", "groups": ["all"], **rule}
            | ({"cap": closing.caps[name]} if name in closing.caps else {})
            for name, rule in ADJUSTMENTS.items()
        ],
        adjusting=bounds_data(closing.adjusting)
        | ({} if closing.bonus_cap is None else {"bonus_cap": closing.bonus_cap}),
        final={"digits": closing.digits[1], "rounding": "half_up", **bounds_data(closing.final)},
        ranking={
            "ties": [
                {"by": "composite"} if name == "composite" else {"by": "stage", "stage": name}
                for name in ties_of(closing)
            ]
        },
    )


def ties_of(closing: Closing) -> list[str]:
    known = ["composite", *(f"s{number}" for number in range(len(closing.weights)))]
    return [name for name in closing.ties if name in known]


def records_of(
    scheme: Scheme, stated: Mapping[str, Mapping[str, Sequence[Decimal]]]
) -> list[Record]:
    """Lines of adjustment sheets, each with the points that the scheme gives for what it states."""
    rules_by_id = {adjustment.id: adjustment for adjustment in scheme.adjustments}
    found = []
    for unit, lines in stated.items():
        for name, values in lines.items():
            for value in values:
                points = rules_by_id[name].signed_points(value)
                if points is not None:
                    found.append(Record(name, unit, points, "reason", "evidence", NOWHERE))
    return found
