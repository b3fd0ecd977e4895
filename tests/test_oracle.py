"""The engine against the oracle: the same cases, worked out twice by code that shares nothing."""

from fractions import Fraction
from pathlib import Path

import pytest
from helpers import oracle
from helpers.drawn_stages import (
    Closing,
    Sheet,
    Tree,
    closings,
    exact,
    points_of,
    records_of,
    scheme_of,
    sheets,
    ties_of,
    trees,
)
from helpers.oracle import Errors, Rule
from helpers.stages import (
    blocks,
    drawn,
    load,
    members,
    of_unit,
    one_stage,
    run,
    scheme_data,
    stage,
    step_of,
)
from hypothesis import event, given

# --- steps, trees, adjustments: drawn ------------------------------------------------------------


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


@pytest.mark.slow
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
            exact(closing.bonus_cap),
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
