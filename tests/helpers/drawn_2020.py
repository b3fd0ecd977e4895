"""Scores of the appraisal of 2020 as dice fall."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from helpers import oracle
from helpers.drawn_stages import records_of
from helpers.oracle import Case, Cell
from helpers.stages import Scored, Scores, blocks, shown
from wuhu_appraisal.model import Block, Record
from wuhu_appraisal.scheme.models import Scheme

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
