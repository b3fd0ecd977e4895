"""The engine against the oracle: the same cases, worked out twice by code that shares nothing."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import oracle
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from oracle import Case, Cell, Errors, Node, Rule

from wuhu_appraisal import load_scheme
from wuhu_appraisal.appraisal import Intake, score
from wuhu_appraisal.findings import Finding, Severity, Source
from wuhu_appraisal.model import Absent, Axis, Block, Grade, Record, Score, Standing
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.ranking import standings

Data: TypeAlias = dict[str, Any]
Written: TypeAlias = Cell | str
Scores: TypeAlias = Mapping[tuple[str, ...], Written]

UNITS = ("甲", "乙", "丙", "丁")
NOWHERE = Source("")


def drawn(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


# --- small schemes -----------------------------------------------------------------------------


def members(*ids: str) -> Data:
    return {"members": {name: name for name in ids}}


def stage(
    steps: Sequence[Data] = (),
    dimensions: Data | None = None,
    *,
    name: str = "work",
    weight: int = 100,
    full_marks: int | None = 100,
) -> Data:
    """A stage with one kind of sheet; dimensions that its two sides do not show are in its path."""
    names = ["unit", *(dimensions or {})]
    plan: Data = {
        "dimensions": dimensions or {},
        "forms": [
            {
                "id": name,
                "title": name,
                "file": "-".join([name, *(f"{{{other}}}" for other in names[2:])]),
                "axes": names[:2],
                "not_applicable": "anywhere",
            }
        ],
        "steps": list(steps),
    }
    if full_marks is not None:
        plan["full_marks"] = full_marks
    return {
        "id": name,
        "title": name,
        "clause": "1",
        "weight": weight,
        "assessors": [],
        "window": {"from": "2020-01-01", "to": "2020-12-31"},
        "plans": {"all": plan},
    }


def scheme_data(*stages: Data, units: Sequence[str] = UNITS, **more: Any) -> Data:
    return {
        "id": "small",
        "title": "small",
        "document": {"title": "small"},
        "groups": [
            {"id": "all", "title": "all", "clause": "1", "units": [{"name": u} for u in units]}
        ],
        "stages": list(stages),
        "composite": {"missing": "error", "not_applicable": "error", "digits": 2},
        "final": {"digits": 2, "rounding": "half_up"},
        "ranking": {"ties": []},
        **more,
    }


def load(folder: Path, data: Data) -> Scheme:
    """The scheme by way of a file: JSON is YAML."""
    file = folder / "scheme.yaml"
    file.write_text(json.dumps(data, ensure_ascii=False, default=str), encoding="utf-8")
    loaded = load_scheme(file)
    assert loaded.scheme is not None, [str(item.message) for item in loaded.findings]
    return loaded.scheme


def codes(folder: Path, data: Data) -> list[str]:
    """What is wrong with a scheme."""
    file = folder / "scheme.yaml"
    file.write_text(json.dumps(data, ensure_ascii=False, default=str), encoding="utf-8")
    return [item.code for item in load_scheme(file).findings]


def roll_up(dimension: str, by: str, **more: Any) -> Data:
    return {
        "roll_up": dimension,
        "by": by,
        "missing": "error",
        "not_applicable": "error",
        **more,
    }


def step_of(dimension: str, rule: Rule, **more: Any) -> Data:
    """A rule of the oracle as a step of a scheme."""
    own: Data = {"missing": rule.missing, "not_applicable": rule.not_applicable}
    if rule.by == "trimmed_mean":
        own |= {"drop_high": rule.drop_high, "drop_low": rule.drop_low}
    if rule.by == "best":
        own["n"] = rule.n
    return roll_up(dimension, rule.by, **own, **more)


# --- scores as the engine takes them, and what it makes of them ----------------------------------


def engine_value(cell: Written) -> Score:
    if cell is None:
        return Absent.MISSING
    if cell == "/":
        return Absent.NOT_APPLICABLE
    if isinstance(cell, str):
        return Grade(cell)
    return Decimal(cell) if isinstance(cell, int) else cell


def plain_cell(value: Score) -> Written:
    if value is Absent.MISSING:
        return None
    if value is Absent.NOT_APPLICABLE:
        return "/"
    assert not isinstance(value, Absent)
    return value if isinstance(value, str) else Fraction(value)


def blocks(
    dimensions: Sequence[str], scores: Scores, rows: str = "unit", columns: str = ""
) -> list[Block]:
    """Rectangles with ``rows`` down and ``columns`` across, one for each of the other dimensions."""
    sheets: dict[tuple[str, ...], dict[tuple[str, str], Written]] = {}
    for key, cell in scores.items():
        at = dict(zip(dimensions, key, strict=True))
        place = (at.pop(rows), at.pop(columns, ""))
        sheets.setdefault(tuple(at.values()), {})[place] = cell
    rest = [name for name in dimensions if name not in (rows, columns)]
    found = []
    for number, (fixed, cells) in enumerate(sheets.items()):
        down = tuple(dict.fromkeys(row for row, _column in cells))
        across = tuple(dict.fromkeys(column for _row, column in cells))
        found.append(
            Block(
                f"{number}.xlsx",
                "Sheet1",
                dict(zip(rest, fixed, strict=True)),
                Axis(rows, down, tuple(range(2, len(down) + 2))),
                Axis(columns, across, tuple(range(2, len(across) + 2))),
                [[engine_value(cells.get((r, c))) for c in across] for r in down],
            )
        )
    return found


@dataclass(frozen=True)
class Scored:
    """What the engine makes of a group."""

    stages: Mapping[str, Mapping[str, Written]]
    composites: Mapping[str, Written]
    finals: Mapping[str, Written]
    standings: Mapping[str, Standing]
    findings: Sequence[Finding]

    @property
    def errors(self) -> list[str]:
        return [item.code for item in self.findings if item.severity is Severity.ERROR]

    @property
    def published(self) -> dict[str, str | None]:
        return {unit: shown(item.final) for unit, item in self.standings.items()}

    @property
    def ranks(self) -> dict[str, int | None]:
        return {unit: item.rank for unit, item in self.standings.items()}


def shown(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def run(
    scheme: Scheme,
    sheets: Mapping[str, Sequence[Block]],
    records: Sequence[Record] = (),
    group: str = "all",
) -> Scored:
    intake = Intake(records=list(records))
    intake.blocks.update({(name, group): list(found) for name, found in sheets.items()})
    return run_all(scheme, intake)[group]


def run_all(scheme: Scheme, intake: Intake) -> dict[str, Scored]:
    traces, findings = score(scheme, intake)
    found = {}
    for group, trace in traces.items():
        units = [unit.name for unit in scheme.group(group).units]
        ranked = standings(scheme, trace.composite, trace.final, intake.records)
        found[group] = Scored(
            {
                name: {unit: plain_cell(one.value(unit)) for unit in units}
                for name, one in trace.stages.items()
            },
            {key[0]: plain_cell(row.value) for key, row in trace.composite.rows.items()},
            {key[0]: plain_cell(row.value) for key, row in trace.final.rows.items()},
            {item.unit: item for item in ranked},
            findings,
        )
    return found


def one_stage(
    folder: Path, steps: Sequence[Data], dimensions: Data, scores: Scores, **more: Any
) -> Scored:
    """A scheme of one stage over some scores."""
    full_marks = more.pop("full_marks", 100)
    data = scheme_data(
        stage(steps, dimensions, full_marks=full_marks),
        units=list(dict.fromkeys(key[0] for key in scores)),
        **more,
    )
    names = ["unit", *dimensions]
    sheets = blocks(names, scores, columns=names[-1] if dimensions else "")
    return run(load(folder, data), {"work": sheets})


def of_unit(name: str, dimension_scores: Mapping[str, Written]) -> Scores:
    return {(name, member): cell for member, cell in dimension_scores.items()}


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
def rules(draw: st.DrawFn) -> Rule:
    by = draw(BYS)
    high = draw(st.integers(0, 2)) if by == "trimmed_mean" else 0
    return Rule(
        by,
        missing=draw(POLICIES),
        not_applicable=draw(POLICIES),
        drop_high=high,
        drop_low=draw(st.integers(0 if high else 1, 2)) if by == "trimmed_mean" else 0,
        n=draw(st.integers(1, 3)) if by == "best" else 1,
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
    rule = draw(rules())
    count = draw(st.integers(1, 6))
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


# --- steps, trees, adjustments: drawn ------------------------------------------------------------


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("schemes")


@drawn(examples=500)
@given(sheet=sheets())
def test_every_roll_up_and_policy_gives_the_oracles_number(folder: Path, sheet: Sheet) -> None:
    rule, count = sheet.rule, len(sheet.shares)
    more = (
        {"weights": dict(zip(sheet.names, sheet.shares, strict=True))}
        if rule.by == "weighted"
        else {}
    )
    steps = [step_of("round", rule, **more)]
    if rule.by == "sum":
        steps.append({"rescale": 100})
    data = scheme_data(stage(steps, {"round": members(*sheet.names)}), units=list(sheet.cells))
    turned = ("round", "unit") if sheet.transposed else ("unit", "round")
    found = run(load(folder, data), {"work": blocks(["unit", "round"], sheet.scores, *turned)})

    errors = Errors()
    for unit, cells in sheet.cells.items():
        expected = oracle.roll(rule, cells, sheet.shares, errors)
        if rule.by == "sum":
            expected = oracle.rescaled(expected, 100 * count, 100)
        assert found.stages["work"][unit] == expected
        whole = oracle.roll(Rule("weighted"), [expected], [100], errors)
        assert found.composites[unit] == whole
        assert found.published[unit] == oracle.published(whole)
        event(f"{rule.by}: {'absent' if expected in (None, '/') else 'a number'}")
    assert bool(found.errors) == bool(errors)
    assert found.ranks == oracle.ranks({unit: [found.published[unit]] for unit in sheet.cells})
    event(f"a tie: {len(set(found.ranks.values())) < len(found.ranks)}")


@drawn(examples=500)
@given(tree=trees())
def test_an_indicator_tree_is_joined_level_by_level(folder: Path, tree: Tree) -> None:
    scores = of_unit("甲", tree.scores)
    full_marks = None if tree.kind == "marks" else 100
    found = one_stage(
        folder,
        tree.steps,
        {"indicator": {"indicators": "content"}},
        scores,
        full_marks=full_marks,
        indicators=tree.indicators,
    )
    errors = Errors()
    expected = oracle.rolled_tree(tree.items, tree.scores, tree.levels, errors)
    oracle.roll(Rule("weighted"), [expected], [100], errors)
    assert found.stages["work"]["甲"] == expected
    assert bool(found.errors) == bool(errors)
    event(f"{tree.kind}, depth {tree.depth}, absent: {expected in (None, '/')}")


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
        adjusting=bounds_data(closing.adjusting),
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


@drawn(examples=500)
@given(closing=closings())
def test_composites_adjustments_bounds_and_ranks_are_the_oracles(
    folder: Path, closing: Closing
) -> None:
    scheme = load(folder, scheme_of(closing))
    records = records_of(scheme, closing.stated)
    sheets_by_stage = {
        f"s{number}": blocks(
            ["unit"], {(unit,): cells[number] for unit, cells in closing.cells.items()}
        )
        for number in range(len(closing.weights))
    }
    found = run(scheme, sheets_by_stage, records)

    errors = Errors()
    rule = Rule("weighted", *closing.policies)
    keys = {}
    for unit, cells in closing.cells.items():
        composite = oracle.roll(rule, cells, closing.weights, errors)
        points = {
            name: [got for value in values if (got := points_of(name, value)) is not None]
            for name, values in closing.stated[unit].items()
        }
        final = oracle.adjusted(
            composite,
            points,
            {name: Fraction(cap) for name, cap in closing.caps.items()},
            (exact(closing.adjusting[0]), exact(closing.adjusting[1])),
            (exact(closing.final[0]), exact(closing.final[1])),
        )
        assert found.composites[unit] == composite
        assert found.finals[unit] == final
        assert found.published[unit] == oracle.published(final, closing.digits[1])
        parts = {"composite": composite} | {f"s{at}": cell for at, cell in enumerate(cells)}
        keys[unit] = [
            oracle.published(final, closing.digits[1]),
            *(oracle.published(parts[name], closing.digits[0]) for name in ties_of(closing)),
        ]
        event(f"at a bound of the final: {final is not None and final in closing.final}")
    assert found.ranks == oracle.ranks(keys)
    if all(key[0] is not None for key in keys.values()):
        assert bool(found.errors) == bool(errors)
    else:
        assert found.errors or not errors
    taken = [rank for rank in found.ranks.values() if rank is not None]
    event(f"a tie: {len(set(taken)) < len(taken)}")


# --- the appraisal of 2020: drawn ----------------------------------------------------------------

ROUNDS = ("1", "2", "3", "4")
COUNTIES = ("无为市", "南陵县", "湾沚区", "繁昌区", "镜湖区", "弋江区", "鸠江区")
LEADING_GROUP = (
    *("市发改委", "市教育局", "市经信局", "市民政局", "市司法局", "市财政局", "市人社局"),
    *("市生态环境局", "市住建局", "市交通运输局", "市农业农村局", "市卫健委"),
    *("市自然资源和规划局", "市市场监管局", "市城管局", "市扶贫办"),
)
ONE_BODY = ("all",)


@dataclass(frozen=True)
class Knobs:
    """How a drawn year looks; the scores themselves come from the dice."""

    seed: int
    units: int
    bodies: int
    missing: float
    not_applicable: float
    grain: Decimal
    twins: bool
    poor: bool


def knobs(most_units: int) -> st.SearchStrategy[Knobs]:
    return st.builds(
        Knobs,
        seed=st.integers(0, 2**32),
        units=st.integers(1, most_units),
        bodies=st.integers(1, 4),
        missing=st.sampled_from([0.0, 0.01, 0.2]),
        not_applicable=st.sampled_from([0.0, 0.1, 0.6]),
        grain=st.sampled_from([Decimal("1"), Decimal("0.5"), Decimal("0.01")]),
        twins=st.booleans(),
        poor=st.booleans(),
    )


class Dice:
    """Cases as the dice of some knobs fall."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.random = random.Random(knobs.seed)

    def counties(self) -> dict[str, Case]:
        contents = (oracle.COUNTY_MARKS, oracle.COUNTY_SOCIAL)
        return self.cases(COUNTIES, [*oracle.TIERS], contents, LEADING_GROUP)

    def departments(self, names: Sequence[str]) -> dict[str, Case]:
        contents = (oracle.MUNICIPAL_MARKS, oracle.MUNICIPAL_SOCIAL)
        return self.cases(names, ONE_BODY, contents, COUNTIES)

    def cases(
        self,
        names: Sequence[str],
        tiers: Sequence[str],
        contents: tuple[oracle.Marks, oracle.Marks],
        raters: Sequence[str],
    ) -> dict[str, Case]:
        chosen = self.random.sample(names, self.knobs.units)
        found = {}
        for unit in chosen:
            found[unit] = Case(
                self.content(unit, tiers, contents[0]),
                {rater: self.cell(100) for rater in raters if not self.lost()},
                {number: self.cell(100) for number in ROUNDS if not self.lost()},
                self.content(unit, tiers, contents[1]),
                self.random.choice([None, 1, 10, 11, 20, 21, 60]) if len(tiers) > 1 else None,
                self.points(3, 1),
                self.points(2, 5),
                self.points(2, 5),
            )
        if self.knobs.twins:
            found[chosen[-1]] = found[chosen[0]]
        return found

    def content(self, unit: str, tiers: Sequence[str], marks: oracle.Marks) -> oracle.Tiers:
        found = {}
        for tier in tiers:
            several = tier in ("township", "department")
            count = self.random.randint(1, self.knobs.bodies) if several else 1
            if not self.lost():
                names = [f"{tier} {number}" for number in range(count)] if several else [unit]
                found[tier] = {name: self.items(marks) for name in names}
        return found

    def items(self, marks: oracle.Marks) -> dict[str, Cell]:
        skipped = self.random.random() < self.knobs.not_applicable / 10
        return {
            item: "/" if skipped else self.cell(most, self.knobs.not_applicable)
            for item, most in marks.items()
        }

    def cell(self, most: int, not_applicable: float = 0.0) -> Cell:
        if self.lost():
            return None
        if self.random.random() < max(not_applicable, self.knobs.missing / 20):
            return "/"
        grain = self.knobs.grain
        return grain * self.random.randint(0, int(most / grain / (25 if self.knobs.poor else 1)))

    def points(self, most_lines: int, most: int) -> list[Decimal]:
        lines = self.random.randint(0, most_lines)
        return [Decimal(self.random.randint(0, 10 * most)) / 10 for _line in range(lines)]

    def lost(self) -> bool:
        return self.random.random() < self.knobs.missing


def sheets_of(
    cases: Mapping[str, Case], group: str, turned: bool
) -> dict[tuple[str, str], list[Block]]:
    """The cases as they are handed in: a stage's sheets by unit, by tier, by rater, by round."""
    found: dict[tuple[str, str], list[Block]] = {}
    contents = {
        "professional": {unit: case.professional for unit, case in cases.items()},
        "social": {unit: case.social for unit, case in cases.items()},
    }
    for stage_id, tiers_of in contents.items():
        scores: Scores = {
            (unit, tier, body, item): cell
            for unit, tiers in tiers_of.items()
            for tier, bodies in tiers.items()
            for body, items in bodies.items()
            for item, cell in items.items()
        }
        if group == "county":
            sides = ("indicator", "body") if turned else ("body", "indicator")
            made = blocks(["unit", "tier", "body", "indicator"], scores, *sides)
        else:
            sides = ("indicator", "unit") if turned else ("unit", "indicator")
            flat: Scores = {
                (unit, item): cell for (unit, _tier, _body, item), cell in scores.items()
            }
            made = blocks(["unit", "indicator"], flat, *sides)
        found[(stage_id, group)] = made
    for stage_id, name, cells_of in (
        ("mutual", "rater", {unit: case.ballots for unit, case in cases.items()}),
        ("daily", "round", {unit: case.rounds for unit, case in cases.items()}),
    ):
        given_scores: Scores = {
            (unit, member): cell
            for unit, cells in cells_of.items()
            for member, cell in cells.items()
        }
        found[(stage_id, group)] = blocks(["unit", name], given_scores)
    return found


def records_of_year(scheme: Scheme, cases: Mapping[str, Case], group: str) -> list[Record]:
    return records_of(
        scheme,
        {
            unit: {
                **({"provincial_rank": _place(case)} if group == "county" else {}),
                f"outstanding_interpretation_{group}": case.interpretations,
                "grassroots_standardisation": case.standardisation,
                "power_allocation": case.allocation,
            }
            for unit, case in cases.items()
        },
    )


def _place(case: Case) -> list[Decimal]:
    return [] if case.provincial_rank is None else [Decimal(case.provincial_rank)]


def held_against(
    cases: Mapping[str, Case], found: Scored, raters: Sequence[str], worked_out: Any
) -> list[oracle.Result]:
    """Every unit of a group as the oracle has it; returns the oracle's results."""
    keys: dict[str, list[str | None]] = {}
    results = []
    for unit in found.standings:
        result: oracle.Result = worked_out(cases.get(unit, Case()), raters, ROUNDS)
        results.append(result)
        standing = found.standings[unit]
        assert {name: cells[unit] for name, cells in found.stages.items()} == result.stages
        assert found.composites[unit] == result.composite
        assert found.finals[unit] == result.final
        assert shown(standing.composite) == oracle.published(result.composite)
        assert shown(standing.final) == oracle.published(result.final)
        keys[unit] = [oracle.published(result.final)]
    assert found.ranks == oracle.ranks(keys)
    return results


def test_the_marks_of_both_annexes_make_100() -> None:
    assert sum(oracle.COUNTY_MARKS.values()) == sum(oracle.MUNICIPAL_MARKS.values()) == 100
    assert sum(oracle.STAGES.values()) == 100
    assert sum(oracle.TIERS.values()) == 10


def test_drawn_years_hold_ties_absences_and_finals_at_the_floor() -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        poor = seed % 3 == 0
        plain = Knobs(seed, 4, 3, 0.01 * (seed % 2), 0.1, Decimal("0.5"), seed % 2 == 0, poor)
        cases = Dice(plain).counties()
        results = [oracle.county(case, LEADING_GROUP, ROUNDS) for case in cases.values()]
        finals = [oracle.published(result.final) for result in results]
        seen["tie"] += len(set(finals)) < len(finals)
        seen["floor"] += "0.00" in finals
        seen["provisional"] += any(result.provisional for result in results)
        seen["complete"] += not all(result.provisional for result in results)
        for case in cases.values():
            tiers = case.professional.values()
            cells = [c for tier in tiers for body in tier.values() for c in body.values()]
            seen["missing"] += None in cells
            seen["not applicable"] += "/" in cells
            seen["capped"] += sum(case.interpretations) > 2
            seen["several bodies"] += any(len(tier) > 1 for tier in tiers)
    expected = ["tie", "floor", "provisional", "complete", "missing", "capped"]
    assert all(seen[name] for name in [*expected, "not applicable", "several bodies"]), seen


@drawn(examples=200)
@given(knobs=knobs(4), turned=st.booleans())
def test_the_counties_of_2020_come_to_the_oracles_numbers(
    wuhu: Scheme, knobs: Knobs, turned: bool
) -> None:
    cases = Dice(knobs).counties()
    records = records_of_year(wuhu, cases, "county")
    found = run_all(wuhu, Intake(sheets_of(cases, "county", turned), records))["county"]
    results = held_against(cases, found, LEADING_GROUP, oracle.county)
    finals = [result.final for result in results if result.final is not None]
    event(f"a tie: {len(set(finals)) < len(finals)}")
    event(f"at the floor: {0 in finals}")
    event(f"provisional: {sum(r.provisional for r in results) > len(COUNTIES) - len(cases)}")


@drawn(examples=100)
@given(knobs=knobs(6), turned=st.booleans())
def test_the_municipal_units_of_2020_come_to_the_oracles_numbers(
    wuhu: Scheme, knobs: Knobs, turned: bool
) -> None:
    names = [unit.name for unit in wuhu.group("municipal").units]
    cases = Dice(knobs).departments(names)
    records = records_of_year(wuhu, cases, "municipal")
    found = run_all(wuhu, Intake(sheets_of(cases, "municipal", turned), records))["municipal"]
    held_against(cases, found, COUNTIES, oracle.municipal)


COMPLETE = Knobs(1, len(COUNTIES), 2, 0.0, 0.0, Decimal("0.5"), twins=False, poor=False)
FLAWS: Mapping[str, tuple[bool, Any]] = {
    "nothing": (False, lambda case: case),
    "a township's item is not applicable": (
        False,
        lambda case: changed(case, "township", "township 0", "五(二)", "/"),
    ),
    "a township is not assessed at all": (
        False,
        lambda case: with_body(case, "township", dict.fromkeys(oracle.COUNTY_MARKS, "/")),
    ),
    "a township's item is blank": (
        True,
        lambda case: changed(case, "township", "township 0", "五(二)", None),
    ),
    "a township is blank": (
        True,
        lambda case: with_body(case, "township", dict.fromkeys(oracle.COUNTY_MARKS, None)),
    ),
    "a tier is absent": (
        True,
        lambda case: replace(case, professional=without(case.professional, "department")),
    ),
    "a tier is not applicable": (
        True,
        lambda case: replace(
            case,
            social={
                **case.social,
                "department": {"department 0": dict.fromkeys(oracle.COUNTY_SOCIAL, "/")},
            },
        ),
    ),
    "a ballot is absent": (
        True,
        lambda case: replace(case, ballots=without(case.ballots, "市发改委")),
    ),
    "a ballot is not applicable": (
        True,
        lambda case: replace(case, ballots={**case.ballots, "市发改委": "/"}),
    ),
    "a round is blank": (True, lambda case: replace(case, rounds={**case.rounds, "3": None})),
    "a stage is absent": (True, lambda case: replace(case, social={})),
}


def changed(case: Case, tier: str, body: str, item: str, cell: Cell) -> Case:
    return with_body(case, tier, {**case.professional[tier][body], item: cell}, body)


def with_body(case: Case, tier: str, items: Mapping[str, Cell], body: str = "further") -> Case:
    bodies = {**case.professional[tier], body: items}
    return replace(case, professional={**case.professional, tier: bodies})


def without(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != name}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_result_is_provisional_exactly_when_something_due_is_absent(
    wuhu: Scheme, flaw: str
) -> None:
    due, spoil = FLAWS[flaw]
    cases = Dice(COMPLETE).counties()
    cases["湾沚区"] = spoil(cases["湾沚区"])
    records = records_of_year(wuhu, cases, "county")
    found = run_all(wuhu, Intake(sheets_of(cases, "county", turned=False), records))["county"]
    results = held_against(cases, found, LEADING_GROUP, oracle.county)
    others = str(wuhu.group("municipal").title)
    errors = [
        item
        for item in found.findings
        if item.severity is Severity.ERROR and str(item.params.get("group")) != others
    ]
    assert bool(errors) == due == any(result.provisional for result in results)


# --- said by example -----------------------------------------------------------------------------


def line(name: str, share: int, kind: str, *items: Data) -> Data:
    return {"id": name, "title": name, kind: share, "items": list(items)}


def content(*items: Data, marks: int = 100) -> Data:
    """One set of indicators, as the scheme's top-level key."""
    found = {"id": "content", "title": "content", "clause": "2", "marks": marks}
    return {"indicators": [{**found, "items": list(items)}]}


def rounds_of(*cells: Written) -> Scores:
    return of_unit("甲", {str(number + 1): cell for number, cell in enumerate(cells)})


def over_rounds(folder: Path, by: str, *cells: Written, **more: Any) -> Scored:
    names = [str(number + 1) for number in range(len(cells))]
    steps = [roll_up("round", by, **more)]
    if by == "sum":
        steps.append({"rescale": 100})
    return one_stage(folder, steps, {"round": members(*names)}, rounds_of(*cells))


def result(found: Scored) -> Written:
    return found.stages["work"]["甲"]


INDICATOR: Data = {"indicator": {"indicators": "content"}}
WEIGHTS = content(
    line(
        "a",
        60,
        "weight",
        line("a1", 50, "weight", line("a11", 20, "weight"), line("a12", 80, "weight")),
        line("a2", 50, "weight", line("a21", 100, "weight")),
    ),
    line("b", 40, "weight", line("b1", 100, "weight", line("b11", 100, "weight"))),
)
MARKS = content(
    line(
        "a",
        60,
        "marks",
        line("a1", 40, "marks", line("a11", 10, "marks"), line("a12", 30, "marks")),
        line("a2", 20, "marks", line("a21", 20, "marks")),
    ),
    line("b", 40, "marks", line("b1", 40, "marks", line("b11", 40, "marks"))),
)


def by_level(by: str, **more: Any) -> list[Data]:
    return [
        roll_up("indicator", by, to=2, **more),
        roll_up("indicator", by, to=1, **more),
        roll_up("indicator", by, **more),
    ]


def test_two_rounds_weighing_15_and_25_make_a_stage_of_40(folder: Path) -> None:
    weights = {"1": 15, "2": 25}
    rounds = stage(
        [roll_up("round", "weighted", weights=weights)],
        {"round": members("1", "2")},
        name="rounds",
        weight=40,
    )
    scheme = load(folder, scheme_data(rounds, stage(name="rest", weight=60), units=["甲"]))
    found = run(
        scheme,
        {
            "rounds": blocks(["unit", "round"], rounds_of(80, 96), columns="round"),
            "rest": blocks(["unit"], {("甲",): 70}),
        },
    )
    assert found.stages["rounds"]["甲"] == 90
    assert found.composites["甲"] == Fraction(15 * 80 + 25 * 96 + 60 * 70, 100) == 78


def test_tiers_join_in_another_ratio_by_data_alone(folder: Path) -> None:
    found = one_stage(
        folder,
        [
            roll_up("body", "mean"),
            roll_up("tier", "weighted", weights={"upper": 6, "middle": 3, "lower": 1}),
        ],
        {"body": {"open": True}, "tier": members("upper", "middle", "lower")},
        {
            ("甲", "x", "upper"): 90,
            ("甲", "y", "middle"): 80,
            ("甲", "z", "middle"): 71,
            ("甲", "v", "lower"): 60,
        },
    )
    assert result(found) == Fraction(6 * 90 + 3 * Fraction(151, 2) + 60, 10)
    assert found.published["甲"] == "82.65"


def test_a_mean_of_bodies_in_tiers_is_not_the_mean_of_all_bodies(folder: Path) -> None:
    scores: Scores = {
        ("甲", "x", "upper"): 90,
        ("甲", "y", "lower"): 60,
        ("甲", "z", "lower"): 60,
    }
    dimensions = {"body": {"open": True}, "tier": members("upper", "lower")}
    steps = [roll_up("body", "mean"), roll_up("tier", "mean")]
    assert result(one_stage(folder, steps, dimensions, scores)) == 75


def test_weights_at_three_levels_multiply_down_to_the_leaf(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 100, "a12": 50, "a21": 80, "b11": 60})
    found = one_stage(folder, by_level("weighted"), INDICATOR, scores, **WEIGHTS)
    assert result(found) == Decimal("0.6") * (Decimal("0.5") * 60 + Decimal("0.5") * 80) + 24


def test_marks_at_three_levels_add_up(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 10, "a12": Decimal("22.5"), "a21": 7, "b11": 31})
    found = one_stage(folder, by_level("sum"), INDICATOR, scores, full_marks=None, **MARKS)
    assert result(found) == Decimal("70.5")


def test_a_line_left_out_is_made_up_for_at_its_own_level_of_weights(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 100, "a12": "/", "a21": 80, "b11": 60})
    steps = by_level("weighted", not_applicable="exclude")
    found = one_stage(folder, steps, INDICATOR, scores, **WEIGHTS)
    assert result(found) == Decimal("0.6") * 90 + Decimal("0.4") * 60


def test_a_line_left_out_is_made_up_for_at_its_own_level_of_marks(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 5, "a12": "/", "a21": 10, "b11": 40})
    by_levels = one_stage(
        folder,
        by_level("sum", not_applicable="exclude"),
        INDICATOR,
        scores,
        full_marks=None,
        **MARKS,
    )
    at_once = one_stage(
        folder,
        [roll_up("indicator", "sum", not_applicable="exclude")],
        INDICATOR,
        scores,
        full_marks=None,
        **MARKS,
    )
    assert result(by_levels) == 20 + 10 + 40
    assert result(at_once) == Fraction(5500, 70)


def test_a_branch_without_any_line_left_is_itself_left_out(folder: Path) -> None:
    scores = of_unit("甲", {"a11": "/", "a12": "/", "a21": 80, "b11": 60})
    steps = by_level("weighted", not_applicable="exclude")
    assert result(one_stage(folder, steps, INDICATOR, scores, **WEIGHTS)) == 48 + 24


@pytest.mark.parametrize(
    ("by", "more", "expected"),
    [
        ("mean", {}, Fraction(360, 5)),
        ("sum", {}, Fraction(360, 5)),
        ("weighted", {"weights": {"1": 1, "2": 2, "3": 3, "4": 4, "5": 10}}, Fraction(1050, 20)),
        ("median", {}, Fraction(80)),
        ("trimmed_mean", {"drop_high": 1, "drop_low": 1}, Fraction(240, 3)),
        ("trimmed_mean", {"drop_high": 2, "drop_low": 1}, Fraction(70 + 80, 2)),
        ("trimmed_mean", {"drop_low": 2}, Fraction(80 + 90 + 100, 3)),
        ("best", {"n": 2}, Fraction(95)),
        ("best", {"n": 9}, Fraction(72)),
        ("latest", {}, Fraction(20)),
    ],
)
def test_each_roll_up_of_90_70_100_80_20(
    folder: Path, by: str, more: Data, expected: Fraction
) -> None:
    assert result(over_rounds(folder, by, 90, 70, 100, 80, 20, **more)) == expected


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two(folder: Path) -> None:
    assert result(over_rounds(folder, "median", 10, 90, 81, 70)) == Fraction(151, 2)


def test_of_equal_highest_scores_a_trimmed_mean_drops_one(folder: Path) -> None:
    found = over_rounds(folder, "trimmed_mean", 90, 90, 60, drop_high=1, drop_low=0)
    assert result(found) == 75


def test_the_latest_is_the_last_that_is_there(folder: Path) -> None:
    assert result(over_rounds(folder, "latest", 90, 70, None, missing="exclude")) == 70


def test_the_latest_follows_the_declared_order_and_not_the_sheets(folder: Path) -> None:
    scores: Scores = {("甲", "2"): 60, ("甲", "1"): 90}
    steps = [roll_up("round", "latest")]
    assert result(one_stage(folder, steps, {"round": members("1", "2")}, scores)) == 60


def test_a_trimmed_mean_needs_one_score_more_than_it_drops(folder: Path) -> None:
    drops = {"drop_high": 1, "drop_low": 1}
    found = over_rounds(folder, "trimmed_mean", 90, 80, "/", not_applicable="exclude", **drops)
    assert result(found) is None
    assert "scores-too-few" in found.errors


def test_a_trimmed_mean_of_too_few_bodies_is_a_finding_and_no_crash(folder: Path) -> None:
    found = one_stage(
        folder,
        [roll_up("body", "trimmed_mean", drop_high=1, drop_low=1)],
        {"body": {"open": True}},
        {("甲", "x"): 90, ("甲", "y"): 80},
    )
    assert result(found) is None
    assert "scores-too-few" in found.errors


def test_grades_become_the_scores_that_the_scheme_gives_them(folder: Path) -> None:
    found = one_stage(
        folder,
        [{"convert": {"优秀": 95, "良好": 82.5, "一般": 60}}, roll_up("round", "mean")],
        {"round": members("1", "2", "3")},
        rounds_of("优秀", "一般", "良好"),
    )
    assert result(found) == Fraction(475, 6)
    assert found.published["甲"] == "79.17"


def test_an_absent_grade_keeps_its_policy(folder: Path) -> None:
    found = one_stage(
        folder,
        [{"convert": {"优秀": 95, "一般": 60}}, roll_up("round", "mean", missing="exclude")],
        {"round": members("1", "2")},
        rounds_of("优秀", None),
    )
    assert result(found) == 95


def test_scores_out_of_46_are_brought_to_100(folder: Path) -> None:
    found = one_stage(folder, [{"rescale": 100, "from": 46}], {}, {("甲",): 37}, full_marks=46)
    assert result(found) == Fraction(3700, 46)
    assert found.published["甲"] == "80.43"


def test_some_items_of_a_set_are_brought_to_100_from_their_own_marks(folder: Path) -> None:
    dimensions = {"indicator": {"indicators": "content", "items": ["a11", "b11"]}}
    found = one_stage(
        folder,
        [roll_up("indicator", "sum"), {"rescale": 100}],
        dimensions,
        of_unit("甲", {"a11": 10, "b11": 20}),
        full_marks=None,
        **MARKS,
    )
    assert result(found) == 60


@pytest.mark.parametrize(
    ("policy", "cell", "expected", "code"),
    [
        ("error", None, Fraction(85), "score-missing"),
        ("error", "/", Fraction(85), "score-not-applicable"),
        ("exclude", None, Fraction(85), None),
        ("exclude", "/", Fraction(85), None),
        ("zero", None, Fraction(170, 3), None),
        ("zero", "/", Fraction(170, 3), None),
    ],
)
def test_each_policy_for_an_absent_score(
    folder: Path, policy: str, cell: Cell, expected: Fraction, code: str | None
) -> None:
    name = "missing" if cell is None else "not_applicable"
    found = over_rounds(folder, "mean", 90, cell, 80, **{name: policy})
    assert result(found) == expected
    assert found.errors == ([] if code is None else [code])


def test_a_sum_with_a_score_left_out_is_made_up_to_the_whole(folder: Path) -> None:
    assert result(over_rounds(folder, "sum", 90, "/", 60, not_applicable="exclude")) == 75


def test_weights_of_the_rest_are_made_up_to_the_whole(folder: Path) -> None:
    weights = {"1": 7, "2": 2, "3": 1}
    found = over_rounds(folder, "weighted", 90, "/", 50, weights=weights, not_applicable="exclude")
    assert result(found) == 85


def test_a_member_whose_sheet_never_came_is_missing_and_not_zero(folder: Path) -> None:
    data = scheme_data(
        stage([roll_up("round", "mean")], {"round": members("1", "2")}), units=["甲"]
    )
    found = run(load(folder, data), {"work": blocks(["unit", "round"], {("甲", "1"): 90})})
    assert result(found) == 90
    assert found.errors == ["scores-missing"]


def closing_with(folder: Path, composite: Decimal, *points: Decimal, **more: Any) -> Scored:
    """One unit with a composite, and records of one bonus or deduction after another."""
    adjustment = {"title": "x", "clause": "3", "groups": ["all"]}
    own_cap = more.pop("own_cap", None)
    capped = {} if own_cap is None else {"cap": own_cap}
    stated = {"points": {"stated": True, "max": 100}}
    adjustments = [
        {"id": name, "kind": kind, "form": {"file": name}, **adjustment, **stated, **capped}
        for name, kind in (("bonus", "bonus"), ("fault", "deduction"))
    ]
    data = scheme_data(stage(), units=["甲"], adjustments=adjustments, **more)
    records = [
        Record("bonus" if each > 0 else "fault", "甲", each, "reason", "evidence", NOWHERE)
        for each in points
    ]
    return run(load(folder, data), {"work": blocks(["unit"], {("甲",): composite})}, records)


D = Decimal


@pytest.mark.parametrize(
    ("composite", "points", "more", "expected"),
    [
        (D(80), [D(3), D(4)], {}, "87.00"),
        (D(80), [D(3), D(4)], {"own_cap": 5}, "85.00"),
        (D(80), [D(-3), D(-4)], {"own_cap": 5}, "75.00"),
        (D(80), [D(8), D(-1)], {"own_cap": 5}, "84.00"),
        (D(80), [D(8), D(-1)], {"adjusting": {"cap": 6}}, "86.00"),
        (D(80), [D(-8), D(1)], {"adjusting": {"floor": -6, "cap": 6}}, "74.00"),
        (D(3), [D(-8)], {"final": {"digits": 2, "rounding": "half_up", "floor": 0}}, "0.00"),
        (D(3), [D(-8)], {}, "-5.00"),
        (D(98), [D(8)], {"final": {"digits": 2, "rounding": "half_up", "cap": 100}}, "100.00"),
        (D(98), [D(8)], {}, "106.00"),
    ],
)
def test_caps_and_floors_bind_where_they_are_declared(
    folder: Path, composite: Decimal, points: list[Decimal], more: Data, expected: str
) -> None:
    assert closing_with(folder, composite, *points, **more).published == {"甲": expected}


def ranked(folder: Path, scores: Mapping[str, tuple[int, int]], *ties: Data) -> dict[str, int]:
    """Ranks by two even stages and a bonus that makes every final 90."""
    bonus = {
        "id": "bonus",
        "title": "bonus",
        "clause": "3",
        "kind": "bonus",
        "groups": ["all"],
        "form": {"file": "extra"},
        "points": {"stated": True, "max": 100},
    }
    data = scheme_data(
        stage(name="s0", weight=50),
        stage(name="s1", weight=50),
        units=list(scores),
        adjustments=[bonus],
        ranking={"ties": list(ties)},
    )
    records = [
        Record("bonus", unit, 90 - Decimal(first + second) / 2, "reason", "evidence", NOWHERE)
        for unit, (first, second) in scores.items()
    ]
    pages = {
        f"s{at}": blocks(["unit"], {(unit,): cells[at] for unit, cells in scores.items()})
        for at in (0, 1)
    }
    found = run(load(folder, data), pages, records)
    assert set(found.published.values()) == {"90.00"}
    return {unit: rank for unit, rank in found.ranks.items() if rank is not None}


TIED = {"甲": (60, 80), "乙": (80, 60), "丙": (80, 80), "丁": (60, 80)}


def test_equal_finals_share_a_rank_where_no_tie_break_is_declared(folder: Path) -> None:
    assert ranked(folder, TIED) == {"甲": 1, "乙": 1, "丙": 1, "丁": 1}


def test_equal_finals_are_told_apart_by_the_composite(folder: Path) -> None:
    found = ranked(folder, TIED, {"by": "composite"})
    assert found == {"丙": 1, "甲": 2, "乙": 2, "丁": 2}


def test_what_the_composite_leaves_equal_is_told_apart_by_a_stage_else_shared(
    folder: Path,
) -> None:
    found = ranked(folder, TIED, {"by": "composite"}, {"by": "stage", "stage": "s1"})
    assert found == {"丙": 1, "甲": 2, "丁": 2, "乙": 4}


def test_the_first_tie_break_binds_before_the_second(folder: Path) -> None:
    found = ranked(folder, TIED, {"by": "stage", "stage": "s1"}, {"by": "composite"})
    assert found == {"丙": 1, "甲": 2, "丁": 2, "乙": 4}
    found = ranked(folder, TIED, {"by": "stage", "stage": "s0"}, {"by": "stage", "stage": "s1"})
    assert found == {"丙": 1, "乙": 2, "甲": 3, "丁": 3}


def test_finals_that_differ_beyond_the_published_digits_share_a_rank(folder: Path) -> None:
    data = scheme_data(stage(), units=["甲", "乙", "丙"])
    scores: Scores = {("甲",): D("87.341"), ("乙",): D("87.344"), ("丙",): D("87.345")}
    found = run(load(folder, data), {"work": blocks(["unit"], scores)})
    assert found.published == {"甲": "87.34", "乙": "87.34", "丙": "87.35"}
    assert found.ranks == {"丙": 1, "甲": 2, "乙": 2}


# --- scales and levels: a scheme whose numbers would not mean what it says ------------------------


def test_stopping_at_the_level_that_the_scores_have_joins_nothing(folder: Path) -> None:
    """Either such a step is refused when the scheme loads, or it changes no number."""
    scores = of_unit("甲", {"a11": 100, "a12": 0, "a21": 0, "b11": 0})
    steps = [roll_up("indicator", "weighted", to=3), *by_level("weighted")]
    data = scheme_data(stage(steps, INDICATOR), units=["甲"], **WEIGHTS)
    if not codes(folder, data):
        assert result(one_stage(folder, steps, INDICATOR, scores, **WEIGHTS)) == 6


def test_weights_of_several_levels_are_not_joined_by_one_step_that_names_the_lowest(
    folder: Path,
) -> None:
    steps = [roll_up("indicator", "weighted", to=3)]
    assert codes(folder, scheme_data(stage(steps, INDICATOR), units=["甲"], **WEIGHTS))


def test_full_marks_of_some_items_are_the_same_in_one_step_or_by_levels(folder: Path) -> None:
    dimensions = {"indicator": {"indicators": "content", "items": ["a11", "b11"]}}
    scores = of_unit("甲", {"a11": 10, "b11": 40})
    for steps in ([roll_up("indicator", "sum")], by_level("sum")):
        found = one_stage(
            folder,
            [*steps, {"rescale": 100}],
            dimensions,
            scores,
            full_marks=None,
            **MARKS,
        )
        assert result(found) == 100


def test_an_item_left_out_of_some_is_made_up_by_the_marks_of_those_alone(folder: Path) -> None:
    dimensions = {"indicator": {"indicators": "content", "items": ["a11", "a21", "b11"]}}
    found = one_stage(
        folder,
        [
            roll_up("indicator", "sum", to=2),
            roll_up("indicator", "sum", not_applicable="exclude"),
            {"rescale": 100},
        ],
        dimensions,
        of_unit("甲", {"a11": "/", "a21": 20, "b11": 20}),
        full_marks=None,
        **MARKS,
    )
    assert result(found) == Fraction(4000, 60)


def test_a_sum_by_levels_of_items_with_one_full_mark_keeps_full_scores_full(
    folder: Path,
) -> None:
    scores = of_unit("甲", dict.fromkeys(("a11", "a12", "a21", "b11"), 25))
    steps = [*by_level("sum"), {"rescale": 100}]
    data = scheme_data(stage(steps, INDICATOR, full_marks=25), units=["甲"], **WEIGHTS)
    if not codes(folder, data):
        found = one_stage(folder, steps, INDICATOR, scores, full_marks=25, **WEIGHTS)
        assert result(found) == 100


def test_a_sum_of_items_with_one_full_mark_is_made_up_by_their_number(folder: Path) -> None:
    steps = [roll_up("indicator", "sum", not_applicable="exclude")]
    data = scheme_data(stage(steps, INDICATOR, full_marks=25), units=["甲"], **MARKS)
    if not codes(folder, data):
        scores = of_unit("甲", {"a11": 25, "a12": 25, "a21": 25, "b11": "/"})
        found = one_stage(folder, steps, INDICATOR, scores, full_marks=25, **MARKS)
        assert result(found) == 100


def test_full_marks_in_every_item_and_round_make_100_after_any_order_of_sums(
    folder: Path,
) -> None:
    dimensions = {"round": members("1", "2"), **INDICATOR}
    marks = {"a11": 10, "a12": 30, "a21": 20, "b11": 40}
    scores: Scores = {("甲", number, item): most for number in "12" for item, most in marks.items()}
    sums = [roll_up("round", "sum"), roll_up("indicator", "sum")]
    for steps in ([*sums, {"rescale": 100}], [*reversed(sums), {"rescale": 100}]):
        data = scheme_data(stage(steps, dimensions, full_marks=None), units=["甲"], **MARKS)
        if not codes(folder, data):
            found = one_stage(folder, steps, dimensions, scores, full_marks=None, **MARKS)
            assert result(found) == 100


def test_a_scale_of_nothing_is_refused_when_the_scheme_loads(folder: Path) -> None:
    dimensions = {
        "round": members("1", "2"),
        "indicator": {"indicators": "content", "items": ["b11"]},
    }
    steps = [roll_up("round", "sum"), {"rescale": 100}, roll_up("indicator", "mean")]
    data = scheme_data(stage(steps, dimensions, full_marks=None), units=["甲"], **MARKS)
    if not codes(folder, data):
        scores: Scores = {("甲", "1", "b11"): 40, ("甲", "2", "b11"): 20}
        found = one_stage(folder, steps, dimensions, scores, full_marks=None, **MARKS)
        assert result(found) == 75


def test_grades_are_converted_before_they_are_rescaled(folder: Path) -> None:
    """A rescaling of grades is refused when the scheme loads."""
    steps: list[Data] = [
        {"rescale": 50},
        {"convert": {"优秀": 50}},
        roll_up("round", "mean"),
        {"rescale": 100},
    ]
    assert codes(folder, scheme_data(stage(steps, {"round": members("1")}), units=["甲"]))


def test_two_lists_of_grades_in_one_plan_are_refused(folder: Path) -> None:
    steps: list[Data] = [
        {"convert": {"优秀": 95}},
        {"convert": {"良好": 80}},
        roll_up("round", "mean"),
    ]
    assert codes(folder, scheme_data(stage(steps, {"round": members("1")}), units=["甲"]))


def test_a_grade_worth_more_than_its_items_marks_is_refused(folder: Path) -> None:
    steps = [{"convert": {"优秀": 95}}, roll_up("indicator", "sum")]
    data = scheme_data(stage(steps, INDICATOR, full_marks=None), units=["甲"], **MARKS)
    assert codes(folder, data)


def test_a_leaf_that_stands_higher_is_bound_by_the_policy_of_its_own_level(
    folder: Path,
) -> None:
    tree = content(
        line("a", 70, "weight", line("a1", 90, "weight"), line("a2", 10, "weight")),
        line("b", 30, "weight"),
    )
    found = one_stage(
        folder,
        [roll_up("indicator", "weighted", to=1, missing="zero"), roll_up("indicator", "weighted")],
        INDICATOR,
        of_unit("甲", {"a1": 100, "a2": None, "b": None}),
        **tree,
    )
    assert result(found) == 90
    assert found.errors


def test_of_two_scores_for_one_open_body_neither_counts(folder: Path) -> None:
    data = scheme_data(stage([roll_up("body", "mean")], {"body": {"open": True}}), units=["甲"])
    names = ["unit", "body"]
    pages = [
        *blocks(names, {("甲", "x"): 100, ("甲", "y"): 60}, columns="body"),
        *blocks(names, {("甲", "x"): 0}, columns="body"),
    ]
    found = run(load(folder, data), {"work": pages})
    assert "score-twice" in found.errors
    assert result(found) == 60


def test_of_two_scores_for_one_round_neither_counts(folder: Path) -> None:
    data = scheme_data(
        stage([roll_up("round", "mean")], {"round": members("1", "2")}), units=["甲"]
    )
    names = ["unit", "round"]
    pages = [*blocks(names, rounds_of(100, 60)), *blocks(names, rounds_of(0))]
    found = run(load(folder, data), {"work": pages})
    assert "score-twice" in found.errors
    assert result(found) == 60


def test_a_blank_is_reported_once_however_many_levels_follow(folder: Path) -> None:
    scores = of_unit("甲", {"a11": 100, "a12": 50, "a21": 80, "b11": None})
    found = one_stage(folder, by_level("weighted"), INDICATOR, scores, **WEIGHTS)
    assert found.errors == ["score-missing"]


def test_a_stage_that_the_composite_may_go_without_is_no_error(folder: Path) -> None:
    composite = {"missing": "exclude", "not_applicable": "error", "digits": 2}
    data = scheme_data(
        stage(name="s0", weight=50), stage(name="s1", weight=50), units=["甲"], composite=composite
    )
    scheme = load(folder, data)
    found = run(scheme, {"s0": blocks(["unit"], {("甲",): 80})})
    assert found.published == {"甲": "80.00"}
    assert not found.errors


def test_a_unit_without_a_final_is_an_error_whatever_the_policies(folder: Path) -> None:
    found = one_stage(
        folder,
        [roll_up("round", "mean", missing="exclude")],
        {"round": members("1")},
        rounds_of(None),
        composite={"missing": "exclude", "not_applicable": "exclude", "digits": 2},
    )
    assert found.published == {"甲": None}
    assert found.errors


@pytest.mark.parametrize("name", ["composite", "adjusting", "final"])
def test_an_adjustment_cannot_be_called_as_another_part_of_the_final_is(
    folder: Path, name: str
) -> None:
    item = {"id": name, "title": name, "clause": "3", "groups": ["all"], **ADJUSTMENTS["praise"]}
    assert codes(folder, scheme_data(stage(), adjustments=[item])) == ["scheme-id-twice"]
    assert codes(folder, scheme_data(stage(), adjustments=[{**item, "id": "praise"}])) == []


@pytest.mark.parametrize("unit", ["1", "甲"])
def test_a_unit_or_a_round_of_an_items_id_does_not_take_that_items_marks(
    folder: Path, unit: str
) -> None:
    """Items 1 and 2 have 60 and 40 marks; units and rounds may be called 1 and 2 as well."""
    content = {
        "id": "content",
        "title": "content",
        "clause": "1",
        "items": [
            {"id": "1", "title": "one", "marks": 60},
            {"id": "2", "title": "two", "marks": 40},
        ],
    }
    dimensions = {"round": members("2", "1"), "indicator": {"indicators": "content"}}
    steps = [{"rescale": 100}, roll_up("indicator", "mean"), roll_up("round", "mean")]
    scores: Scores = {(unit, number, item): 30 for number in ("1", "2") for item in ("1", "2")}
    found = one_stage(folder, steps, dimensions, scores, full_marks=None, indicators=[content])
    assert found.stages["work"][unit] == Fraction(30 * 100, 60 * 2) + Fraction(30 * 100, 40 * 2)
