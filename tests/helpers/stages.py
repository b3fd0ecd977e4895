"""Small schemes, their scores as cells, and what the engine makes of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from hypothesis import HealthCheck, settings

from helpers.oracle import Cell, Rule
from wuhu_appraisal import load_scheme
from wuhu_appraisal.appraisal import score
from wuhu_appraisal.findings import Finding, Severity, Source
from wuhu_appraisal.model import Absent, Axis, Block, Grade, Record, Score, Standing
from wuhu_appraisal.read.reading import Reading
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
    intake = Reading(records=list(records))
    intake.blocks.update({(name, group): list(found) for name, found in sheets.items()})
    return run_all(scheme, intake)[group]


def run_all(scheme: Scheme, intake: Reading) -> dict[str, Scored]:
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
