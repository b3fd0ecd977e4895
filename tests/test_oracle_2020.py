"""The appraisal of 2020 against the oracle, with drawn scores and with flaws."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from helpers import oracle
from helpers.drawn_2020 import (
    COUNTIES,
    LEADING_GROUP,
    ROUNDS,
    Dice,
    Knobs,
    held_against,
    knobs,
    records_of_year,
    sheets_of,
)
from helpers.oracle import Case, Cell
from helpers.stages import drawn, run_all
from hypothesis import event, given
from hypothesis import strategies as st

from wuhu_appraisal.findings import Severity
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.scheme.models import Scheme


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
    found = run_all(wuhu, Reading(sheets_of(cases, "county", turned), records))["county"]
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
    found = run_all(wuhu, Reading(sheets_of(cases, "municipal", turned), records))["municipal"]
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
    found = run_all(wuhu, Reading(sheets_of(cases, "county", turned=False), records))["county"]
    results = held_against(cases, found, LEADING_GROUP, oracle.county)
    others = str(wuhu.group("municipal").title)
    errors = [
        item
        for item in found.findings
        if item.severity is Severity.ERROR
        and str(item.params.get("group")) != others
        # Dice fall far apart.
        and not item.code.endswith("-distant")
    ]
    assert bool(errors) == due == any(result.provisional for result in results)
