"""A stage's score taken apart: the parts add up, and what they lack is what was lost."""

from fractions import Fraction

import pytest

from wuhu_appraisal.result import Result
from wuhu_appraisal.score.contributions import Contribution, ScoredStage


@pytest.fixture(scope="module", params=["wuhu-2020", "sichuan-2011"])
def run(request: pytest.FixtureRequest, wuhu_run: Result, sichuan_run: Result) -> Result:
    return wuhu_run if request.param == "wuhu-2020" else sichuan_run


def scored(run: Result, group: str, stage: str) -> ScoredStage:
    trace = run.traces[group].stages[stage]
    return ScoredStage(run.scheme, run.scheme.stage(stage), group, trace)


def parts(run: Result, group: str, stage: str, unit: str) -> list[Contribution]:
    return list(scored(run, group, stage).contributions(unit))


def test_the_contributions_of_a_units_scores_add_up_to_its_stage_score(run: Result) -> None:
    for group, traced in run.traces.items():
        for stage, trace in traced.stages.items():
            for standing in run.standings[group]:
                found = parts(run, group, stage, standing.unit)
                value = trace.value(standing.unit)
                assert sum((part.points for part in found), Fraction(0)) == value


def test_the_full_marks_of_what_counts_make_a_hundred(run: Result) -> None:
    for group, traced in run.traces.items():
        for stage in traced.stages:
            for standing in run.standings[group]:
                found = parts(run, group, stage, standing.unit)
                assert sum(part.full for part in found) == 100
                assert all(0 <= part.points <= part.full for part in found)


def test_a_score_counts_by_every_share_on_its_way(wuhu_run: Result) -> None:
    """Of a county's own sheet, an item counts 7 tenths of what it earned of its marks."""
    found = parts(wuhu_run, "county", "professional", "镜湖区")
    own = [part for part in found if part.key[1] == "government"]
    assert sum(part.full for part in own) == 70
    whole = sum(Fraction(part.full) for part in own)
    marks = {
        item.id: Fraction(item.marks or 0)
        for item in wuhu_run.scheme.indicator_set("county").leaves
    }
    assessed = sum(marks[part.key[3]] for part in own)
    for part in own:
        assert part.full == whole * marks[part.key[3]] / assessed
        assert part.points == part.full * Fraction(str(part.value)) / marks[part.key[3]]


def test_parts_are_gathered_by_the_main_dimension(run: Result) -> None:
    for group in run.traces:
        for stage in run.scheme.stages:
            one = scored(run, group, stage.id)
            dimension = one.main_dimension
            if not dimension:
                assert not one.plan.steps
                continue
            unit = run.standings[group][0].unit
            members = one.points_by(dimension, unit)
            assert len({part.member for part in members}) == len(members)
            whole = sum(part.points for part in one.contributions(unit))
            assert sum(part.points for part in members) == whole
            assert [part.member for part in members] == [
                member
                for member in run.scheme.members(one.plan.dimensions[dimension]) or ()
                if member in {part.member for part in members}
            ]
