"""What a ranking rests on: thresholds seen by a changed scheme, bounds that no weights pass."""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from helpers import Appraise
from helpers.small import SHEETS, SMALL, write
from helpers.stages import load
from helpers.whole_schemes import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.analysis.groups import ScoredGroup, with_scheme
from wuhu_appraisal.analysis.sensitivity import (
    Ballot,
    RankBounds,
    ballots,
    flipped,
    left_out,
    pairs,
    rank_bounds,
)
from wuhu_appraisal.analysis.thresholds import Crossing, Pair
from wuhu_appraisal.analysis.weightings import Movement, movements, stage_weighting, step_weightings
from wuhu_appraisal.findings import Source
from wuhu_appraisal.model import Absent, Axis, Block, Record, ScoreTable, Trace
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.scheme.audiences import Audience
from wuhu_appraisal.scheme.load import check_alternatives, load_model
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.ranking import finals, standings
from wuhu_appraisal.score.steps import composites, evaluate

NEAR = Fraction(1, 10**5)


def group_of(
    scheme: Scheme,
    scores: Mapping[str, Sequence[Sequence[Decimal | None]]],
    tables: Mapping[str, ScoreTable] = {},
) -> Result:
    """A result of a scheme, without any file; stages without a table hold one score a unit."""
    (group,) = scheme.groups
    units = tuple(unit.name for unit in group.units)
    stages = {}
    for stage in scheme.stages:
        if stage.id in tables:
            stages[stage.id] = evaluate(scheme, stage, group.id, tables[stage.id])[0]
            continue
        block = Block(
            f"{stage.id}.xlsx",
            "s",
            {},
            Axis("unit", units, tuple(range(2, 2 + len(units)))),
            Axis("", ("",), (2,)),
            [[Absent.MISSING if value is None else value] for (value,) in scores[stage.id]],
        )
        table = ScoreTable(("unit",), [block])
        stages[stage.id], _findings = evaluate(scheme, stage, group.id, table)
    composite, _findings = composites(scheme, group.id, stages)
    final = finals(scheme, composite, [])
    ranked = standings(scheme, composite, final, [])
    return Result(
        scheme, "0", "2026-01-01T00:00:00+00:00", {group.id: ranked},
        {group.id: Trace(stages, composite, final)}, [], [],
    )  # fmt: skip


def scheme_of(weights: Sequence[int], units: int, missing: str = "error", floor: int = 0) -> Scheme:
    plan = {"full_marks": 100, "forms": [{"id": "f", "title": "F", "file": "f", "axes": ["unit"]}]}
    stages = [
        {
            "id": f"s{place}",
            "title": f"S{place}",
            "clause": "1",
            "weight": weight,
            "assessors": ["Office"],
            "window": {"from": "2020-01-01", "to": "2020-12-31"},
            "plans": {"city": plan},
        }
        for place, weight in enumerate(weights)
    ]
    names = [{"name": f"u{place}"} for place in range(units)]
    data = {
        "id": "small",
        "title": "Small",
        "document": {"title": "A document"},
        "groups": [{"id": "city", "title": "Cities", "clause": "1", "units": names}],
        "stages": stages,
        "composite": {"missing": missing, "not_applicable": "exclude", "digits": 2},
        "ranking": {},
        "final": {"digits": 2, "rounding": "half_up", "floor": floor},
    }
    loaded = load_model(Scheme.model_validate(data))
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    return loaded.scheme


def as_ratio(weights: Mapping[str, Fraction]) -> dict[str, Decimal]:
    """Exact weights in the same ratio that can stand in a scheme."""
    common = math.lcm(*(weight.denominator for weight in weights.values()))
    return {name: Decimal(int(weight * common)) for name, weight in weights.items()}


def order(group: ScoredGroup, pair: Pair, movement: Movement, points: Fraction) -> int:
    """How two units stand to each other by a scheme with other weights: 1 ahead, 0 shared, -1 behind."""
    weights = movement.weights(points)
    data = group.scheme.model_dump(by_alias=True)
    for stage in data["stages"]:
        stage["weight"] = as_ratio(weights)[stage["id"]]
    changed = replace(group.result, scheme=Scheme.model_validate(data))
    ranks = {item.unit: item.rank for item in ScoredGroup(changed, group.id).again({})}
    ahead, behind = ranks[pair.ahead] or 0, ranks[pair.behind] or 0
    return (behind > ahead) - (behind < ahead)


def assert_announced(
    group: ScoredGroup, pair: Pair, crossing: Crossing, near: Fraction = NEAR
) -> None:
    """See the announced order a hair before and a hair behind each threshold of a pair."""
    move, shares, turns = crossing.movement, crossing.shares, crossing.turns
    if shares is not None and shares.points > near:
        assert order(group, pair, move, shares.points - near) > 0
    if shares is not None and shares.points + near < move.most:
        assert order(group, pair, move, shares.points + near) <= 0
    if turns is not None:
        assert shares is not None
        if turns.points > near:
            assert order(group, pair, move, turns.points - near) >= 0
        if turns.points + near < move.most:
            assert order(group, pair, move, turns.points + near) < 0


def stage_crossings(group: ScoredGroup) -> Iterator[tuple[Pair, Crossing]]:
    weighting = stage_weighting(group)
    assert weighting is not None
    for ahead, behind in pairwise(group.ranked):
        pair = Pair(group, ahead.unit, behind.unit)
        for move in movements(weighting):
            yield pair, pair.crossing(move)


def test_the_eighth_and_ninth_share_a_rank_and_turn_round_at_the_exact_points(
    wuhu_run: Result,
) -> None:
    group = ScoredGroup(wuhu_run, "municipal")
    pair = Pair(group, "市重点处", "市信访局")
    weighting = stage_weighting(group)
    assert weighting is not None
    move = next(it for it in movements(weighting) if (it.of, it.to) == ("social", "professional"))
    crossing = pair.crossing(move)
    assert round(float(pair.margin), 4) == 0.0062
    assert crossing.shares is not None and crossing.turns is not None
    assert (crossing.shares.points, crossing.shares.included) == (Fraction(253, 2800), True)
    assert (crossing.turns.points, crossing.turns.included) == (Fraction(271, 625), False)


@pytest.mark.slow
def test_every_announced_threshold_of_the_example_is_seen_by_a_changed_scheme(
    wuhu_run: Result,
) -> None:
    seen = 0
    for name in wuhu_run.standings:
        group = ScoredGroup(wuhu_run, name)
        for pair, crossing in stage_crossings(group):
            assert_announced(group, pair, crossing)
            seen += crossing.turns is not None
    assert sum(len(ScoredGroup(wuhu_run, name).ranked) - 1 for name in wuhu_run.standings) == 52
    assert seen > 200


def test_the_nearest_threshold_of_every_pair_is_seen_by_a_changed_scheme(wuhu_run: Result) -> None:
    for name in wuhu_run.standings:
        group = ScoredGroup(wuhu_run, name)
        nearest: dict[tuple[str, str], Crossing] = {}
        for pair, crossing in stage_crossings(group):
            key = pair.ahead, pair.behind
            known = nearest.get(key)
            if crossing.turns and (
                known is None or known.turns is None or crossing.turns.points < known.turns.points
            ):
                nearest[key] = crossing
        for (ahead, behind), crossing in nearest.items():
            assert_announced(group, Pair(group, ahead, behind), crossing)


SCORES = st.decimals(min_value=0, max_value=100, places=1)


@st.composite
def drawn_results(draw: st.DrawFn) -> Result:
    stages = draw(st.integers(2, 4))
    cuts = sorted(draw(st.sets(st.integers(1, 99), min_size=stages - 1, max_size=stages - 1)))
    weights = [high - low for low, high in pairwise([0, *cuts, 100])]
    units = draw(st.integers(2, 5))
    missing = draw(st.sampled_from(["error", "exclude", "zero"]))
    scheme = scheme_of(weights, units, missing, draw(st.sampled_from([0, 50])))
    score = SCORES if missing == "error" else st.one_of(SCORES, SCORES, st.none())
    scores = {stage.id: [[draw(score)] for _unit in range(units)] for stage in scheme.stages}
    return group_of(scheme, scores)


@settings(max_examples=20)
@given(drawn_results(), st.randoms(use_true_random=False))
def test_announced_thresholds_of_any_scheme_are_seen_by_a_changed_scheme(
    result: Result, drawn: random.Random
) -> None:
    group = ScoredGroup(result, "city")
    found = [item for item in stage_crossings(group) if item[1].shares is not None]
    for pair, crossing in drawn.sample(found, min(len(found), 4)):
        # Drawn finals may share a rank for less than the examples' hair.
        assert_announced(group, pair, crossing, Fraction(1, 10**12))


@settings(max_examples=25)
@given(drawn_results(), st.integers(0, 10**6))
def test_no_weights_pass_the_proven_bounds_and_held_pairs_never_turn(
    result: Result, seed: int
) -> None:
    group = ScoredGroup(result, "city")
    for bounds in rank_bounds(group, seed, draws=30):
        assert bounds.highest <= bounds.highest_seen <= bounds.rank
        assert bounds.rank <= bounds.lowest_seen <= bounds.lowest
    for item in pairs(group):
        if item.held:
            assert all(crossing.turns is None for crossing in item.crossings)


def test_bounds_of_one_point_hold_the_neighbours_that_one_point_turns(wuhu_run: Result) -> None:
    group = ScoredGroup(wuhu_run, "municipal")
    bounds: dict[str, RankBounds] = {
        item.unit: item for item in rank_bounds(group) if item.points == 1
    }
    assert (bounds["市重点处"].highest, bounds["市重点处"].lowest) == (8, 9)
    assert (bounds["市信访局"].highest_seen, bounds["市信访局"].lowest_seen) == (8, 9)
    assert (bounds["市水务局"].highest, bounds["市水务局"].lowest) == (1, 1)


def test_weights_inside_a_stage_turn_units_round_where_the_steps_computed_again_do(
    wuhu_run: Result,
) -> None:
    group = ScoredGroup(wuhu_run, "county")
    turned = 0
    for weighting in step_weightings(group):
        for move in movements(weighting):
            for ahead, behind in pairwise(group.ranked):
                pair = Pair(group, ahead.unit, behind.unit)
                crossing = pair.crossing(move)
                if crossing.turns is None or crossing.turns.points + NEAR >= move.most:
                    continue
                turned += 1
                for points, expected in (
                    (crossing.turns.points - NEAR, (0, 1)),
                    (crossing.turns.points + NEAR, (-1,)),
                ):
                    weights = move.weights(points)
                    assert _inner_order(wuhu_run, move.weighting.stage, weights, pair) in expected
    assert turned > 5


def _inner_order(result: Result, stage: str, weights: Mapping[str, Fraction], pair: Pair) -> int:
    data = result.scheme.model_dump(by_alias=True)
    (of_stage,) = [item for item in data["stages"] if item["id"] == stage]
    step = of_stage["plans"]["county"]["steps"][-1]
    step["weights"] = as_ratio(weights)
    changed = Scheme.model_validate(data)
    ranks = {item.unit: item.rank or 0 for item in with_scheme(result, changed)["county"]}
    return (ranks[pair.behind] > ranks[pair.ahead]) - (ranks[pair.behind] < ranks[pair.ahead])


def test_weights_in_front_of_a_median_are_tried_and_turn_units_round_where_a_changed_scheme_does() -> (
    None
):
    data = scheme_of([60, 40], 3).model_dump(by_alias=True)
    plan = data["stages"][0]["plans"]["city"]
    plan["dimensions"] = {
        "round": {"members": {name: name for name in "123"}},
        "part": {"members": {"a": "a", "b": "b"}},
    }
    plan["forms"][0] |= {"axes": ["unit", "part"], "file": "{round}"}
    policies = {"missing": "error", "not_applicable": "error", "clause": "1"}
    plan["steps"] = [
        {"roll_up": "part", "by": "weighted", "weights": {"a": 3, "b": 1}, **policies},
        {"roll_up": "round", "by": "median", **policies},
    ]
    loaded = load_model(Scheme.model_validate(data))
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    of_rounds = {
        "1": [(90, 10), (40, 95), (70, 70)],
        "2": [(80, 30), (50, 88), (75, 60)],
        "3": [(85, 20), (60, 99), (65, 80)],
    }
    units, columns = ("u0", "u1", "u2"), Axis("part", ("a", "b"), (2, 3))
    blocks = [
        Block(name, "s", {"round": name}, Axis("unit", units, (2, 3, 4)), columns,
              [[Decimal(score) for score in row] for row in rows])
        for name, rows in of_rounds.items()
    ]  # fmt: skip
    table = ScoreTable(("unit", "round", "part"), blocks)
    result = group_of(loaded.scheme, {"s1": [[Decimal(70)], [Decimal(72)], [Decimal(71)]]},
                      {"s0": table})  # fmt: skip
    group = ScoredGroup(result, "city")
    turned = 0
    (weighting,) = step_weightings(group)
    for move in movements(weighting):
        for ahead, behind in pairwise(group.ranked):
            pair = Pair(group, ahead.unit, behind.unit)
            crossing = pair.crossing(move)
            assert not crossing.exact
            if crossing.turns is None:
                continue
            turned += 1
            for points, expected in ((-NEAR, (0, 1)), (NEAR, (-1,))):
                changed = loaded.scheme.model_dump(by_alias=True)
                weights = move.weights(crossing.turns.points + points)
                changed["stages"][0]["plans"]["city"]["steps"][0]["weights"] = as_ratio(weights)
                again = with_scheme(result, Scheme.model_validate(changed))["city"]
                ranks = {item.unit: item.rank or 0 for item in again}
                order = (ranks[pair.behind] > ranks[pair.ahead]) - (
                    ranks[pair.behind] < ranks[pair.ahead]
                )
                assert order in expected
    assert turned >= 2


def test_a_rater_left_out_changes_what_a_mean_of_the_others_changes(wuhu_run: Result) -> None:
    group = ScoredGroup(wuhu_run, "municipal")
    mutual = wuhu_run.traces["municipal"].stages["mutual"]
    scores: dict[str, dict[str, Fraction]] = {}
    for (unit, rater), value in mutual.scores.items():
        assert isinstance(value, Decimal)
        scores.setdefault(unit, {})[rater] = Fraction(value)
    for item in left_out(group):
        if item.stage != "mutual":
            continue
        published = {}
        for unit, own in scores.items():
            others = [value for rater, value in own.items() if rater != item.member]
            was, now = (sum(part) / len(part) for part in (list(own.values()), others))
            final = group.finals[unit] + (now - was) * Fraction(25, 100)
            published[unit] = math.floor(final * 100 + Fraction(1, 2))
        ranks = {
            unit: 1 + sum(other > own for other in published.values())
            for unit, own in published.items()
        }
        expected = {
            (it.unit, it.rank, ranks[it.unit]) for it in group.ranked if ranks[it.unit] != it.rank
        }
        assert {(it.unit, it.rank, it.other) for it in item.changes} == expected


def test_one_ballot_turns_a_pair_at_its_points_and_not_a_hair_before(wuhu_run: Result) -> None:
    group = ScoredGroup(wuhu_run, "municipal")
    found = list(ballots(group))
    assert len(found) == len(group.ranked) - 1
    for item in found[:12]:
        hair = NEAR if item.points > 0 else -NEAR
        assert _with_ballot(group, item, item.points + hair) < 0
        assert _with_ballot(group, item, item.points - hair) >= 0


def _with_ballot(group: ScoredGroup, item: Ballot, points: Fraction) -> int:
    trace = group.result.traces[group.id].stages[item.stage]
    blocks = []
    for block in trace.scores.blocks:
        values = [list(row) for row in block.values]
        for at, unit in enumerate(block.rows.members):
            if unit == item.unit and block.fixed.get("rater") == item.rater:
                values[at][0] = Fraction(str(values[at][0])) + points
        blocks.append(replace(block, values=values))
    scheme = group.scheme
    table = replace(trace.scores, blocks=blocks)
    again, _findings = evaluate(scheme, scheme.stage(item.stage), group.id, table)
    ranks = {it.unit: it.rank or 0 for it in group.again({item.stage: again})}
    return (ranks[item.behind] > ranks[item.ahead]) - (ranks[item.behind] < ranks[item.ahead])


def test_an_assumption_made_otherwise_gives_the_ranks_of_the_scheme_that_says_so(
    wuhu_run: Result,
) -> None:
    found = {item.assumption: item.changes for item in flipped(wuhu_run)}
    assert set(found) == {"ballots", "rounds", "bodies", "not_assessed", "rounding"}
    rounding = found["rounding"]
    assert rounding is not None
    group = ScoredGroup(wuhu_run, "municipal")
    published = {
        unit: math.floor(value * 10 + Fraction(1, 2)) for unit, value in group.finals.items()
    }
    expected = {
        item.unit: 1 + sum(other > published[item.unit] for other in published.values())
        for item in group.ranked
    }
    changed = {it.unit: it.other for it in rounding["municipal"]}
    assert changed == {
        it.unit: expected[it.unit] for it in group.ranked if expected[it.unit] != it.rank
    }


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        ("stages/mutual/plans/*/steps/0/by", "middle", "scheme-value-unknown"),
        ("stages/nowhere/weight", "3", "nowhere"),
        ("adjustments/power_allocation/points/max", "0.5", "adjustments"),
        ("groups/county/units/0/aliases", ["新区"], "groups"),
    ],
)
def test_an_alternative_that_makes_no_scheme_is_a_finding(
    wuhu: Scheme, place: str, value: object, problem: str
) -> None:
    data = wuhu.model_dump(by_alias=True)
    data["assumptions"][0]["alternative"]["set"] = {place: value}
    loaded = load_model(Scheme.model_validate(data))
    (item,) = check_alternatives(loaded)
    assert item.code == "alternative-wrong" and problem in item.message


def test_the_alternatives_of_the_bundled_schemes_are_schemes() -> None:
    assert not list(check_alternatives(load_scheme("wuhu-2020")))


def test_the_data_have_the_documented_keys(appraise_cli: Appraise, results: Path) -> None:
    done = appraise_cli("sensitivity", results / "appraisal.json", "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.output)
    assert list(data) == [
        "provisional", "banner", "pairs", "bounds", "left_out", "ballots", "assumptions",
    ]  # fmt: skip
    pair = next(item for item in data["pairs"] if item["ahead"] == "市重点处")
    assert pair["published"] == "0.01" and pair["exact"] == "24103/3906000"
    (move,) = [
        item
        for item in pair["weights"]
        if (item["stage"], item["of"], item["to"]) == (None, "social", "professional")
    ]
    assert move["shares"] == {"points": "253/2800", "included": True}
    assert move["turns"] == {"points": "0.4336", "included": False}


def test_the_leading_group_gets_the_page_without_a_rater_and_the_public_gets_nothing(
    appraise_cli: Appraise, results: Path
) -> None:
    result = results / "appraisal.json"
    own = appraise_cli("sensitivity", result, "--page", "--audience", "leading-group")
    assert own.exit_code == 0, own.output
    assert "Mutual rating, rater left out: one of" in own.output
    assert "rater left out: 镜湖区" not in own.output
    public = appraise_cli("sensitivity", result, "--audience", "public")
    assert public.exit_code != 0 and "sensitivity-withheld" in public.output


def test_the_tables_are_written_to_a_workbook_and_what_stood_there_is_kept(
    appraise_cli: Appraise, results: Path
) -> None:
    target = results / "sensitivity.xlsx"
    target.write_bytes(b"mine")
    done = appraise_cli("sensitivity", results / "appraisal.json", "--out", target)
    assert done.exit_code == 0, done.output
    sheets = load_workbook(target).sheetnames
    assert sheets[0].startswith("Which ranks are firm") and "One ballot" in sheets
    assert [path.name for path in results.iterdir() if path.read_bytes() == b"mine"]
    assert "The earlier file was kept" in done.output


def test_a_copy_that_withholds_scores_has_no_frame(wuhu_run: Result) -> None:
    for audience in (Audience.LEADING_GROUP, Audience.PUBLIC, Audience.UNIT):
        with pytest.raises(ValueError, match="does not show"):
            redacted(wuhu_run, audience).sensitivity()


def test_the_frame_has_every_threshold_of_the_command(wuhu_run: Result) -> None:
    frame = wuhu_run.sensitivity()
    row = frame[
        (frame.ahead == "市重点处") & (frame.of == "social") & (frame.to == "professional")
    ].iloc[0]
    assert (row.shares, row.turns) == (Fraction(253, 2800), Fraction(271, 625))
    assert (row.shares_included, row.turns_included) == (True, False)
    assert len(frame.drop_duplicates(["group", "ahead", "behind"])) == 52


@pytest.mark.parametrize(("floor", "cap"), [(0, 80), (75, None)])
def test_finals_that_a_bound_holds_move_with_no_weight(floor: int, cap: int | None) -> None:
    data = scheme_of([50, 50], 3).model_dump(by_alias=True)
    data["final"] |= {"floor": floor, "cap": cap}
    scheme = load_model(Scheme.model_validate(data)).scheme
    assert scheme is not None
    scores = {"s0": [90, 98, 30], "s1": [70, 20, 49]}
    result = group_of(
        scheme, {name: [[Decimal(score)] for score in own] for name, own in scores.items()}
    )
    group = ScoredGroup(result, "city")
    for item in rank_bounds(group):
        assert item.highest <= item.highest_seen <= item.lowest_seen <= item.lowest
    for found in pairs(group):
        if found.held:
            assert all(crossing.turns is None for crossing in found.crossings)
    for pair, crossing in stage_crossings(group):
        assert_announced(group, pair, crossing)


def test_a_final_that_a_veto_fixes_moves_with_no_weight() -> None:
    data = scheme_of([50, 50], 2).model_dump(by_alias=True)
    veto = {"id": "v", "title": "V", "clause": "9", "groups": ["city"], "final": 60}
    data["vetoes"] = [veto | {"adjusted": False, "if_absent": "none", "form": {"file": "v"}}]
    scheme = load_model(Scheme.model_validate(data)).scheme
    assert scheme is not None
    of_units = {"s0": [90, 98], "s1": [70, 20]}
    plain = group_of(
        scheme, {name: [[Decimal(score)] for score in own] for name, own in of_units.items()}
    )
    trace = plain.traces["city"]
    records = [Record("v", "u0", Decimal(0), "reason", "evidence", Source("v.xlsx"))]
    final = finals(scheme, trace.composite, records)
    ranked = standings(scheme, trace.composite, final, records)
    result = replace(
        plain, standings={"city": ranked}, traces={"city": replace(trace, final=final)}
    )
    group = ScoredGroup(result, "city")
    pair = Pair(group, "u0", "u1")
    weighting = stage_weighting(group)
    assert weighting is not None
    (move,) = [it for it in movements(weighting) if (it.of, it.to) == ("s1", "s0")]
    crossing = pair.crossing(move)
    # 0.98 t + 0.2 (100 - t) comes to 59.995 and to 60.005, from 59 at t = 50.
    assert crossing.shares is not None and crossing.turns is not None
    assert crossing.shares.points == Fraction(995, 780)
    assert crossing.turns.points == Fraction(1005, 780)
    assert [item.held for item in pairs(group)] == [False]


def test_every_weighting_of_a_drawn_scheme_comes_to_the_composites_as_they_are(
    tmp_path: Path,
) -> None:
    for seed in range(4):
        whole = drawn(seed)
        folder = tmp_path / str(seed)
        folder.mkdir()
        load(folder, whole.scheme)
        write(folder / "in", whole.sheets)
        result = appraise(load_scheme(folder / "scheme.yaml"), [folder / "in"])
        for name in result.standings:
            group = ScoredGroup(result, name)
            for weighting in step_weightings(group):
                for unit in weighting.parts:
                    assert weighting.composite(unit, weighting.weights) == group.composite[unit]


def test_an_audience_from_which_a_score_is_withheld_gets_no_threshold_that_tells_it(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    write(tmp_path / "in", SHEETS)
    done = appraise_cli("compute", "in", "--scheme", SMALL)
    assert done.exit_code == 0, done.output
    for words in ((), ("--page",), ("--json",)):
        asked = ("sensitivity", *words, "--audience", "leading-group", "--scheme", SMALL)
        assert "sensitivity-withheld" in appraise_cli(*asked).output
    assert appraise_cli("sensitivity", "--scheme", SMALL).exit_code == 0
