"""What changed between two results, taken apart: the parts add up to the change of each final."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, permutations
from pathlib import Path

import pytest
import yaml
from helpers import EXAMPLES, slow_but, whole_schemes
from helpers.small import SHEETS, SMALL, Rows, Sheets, write
from helpers.stages import load
from helpers.years import BOUNDED, SCHEME, Year, computed, drawn, of_rounds, single
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.analysis.change import Change, changes, shapley
from wuhu_appraisal.analysis.matching import Matches, load_matches, matched
from wuhu_appraisal.analysis.rescored import Player
from wuhu_appraisal.scheme.models import Scheme

Points = dict[tuple[Player, ...], Fraction]
NEXT_YEAR = EXAMPLES / "next-year"


@pytest.fixture(scope="session")
def next_year() -> Result:
    return appraise(load_scheme(NEXT_YEAR / "scheme"), [NEXT_YEAR / "stage-files"])


def compared(old: Result, new: Result, matches: Matches = Matches()) -> dict[str, Change]:  # noqa: B008
    """What changed, after it has been seen that the parts add up."""
    found = changes(old, new, matched(old.scheme, new.scheme, matches))
    for item in found:
        if item.points is not None:
            assert sum((part.points for part in item.parts), Fraction(0)) == item.points
    return {item.unit: item for item in found}


def points(item: Change) -> Points:
    return {tuple(sorted(part.players)): part.points for part in item.parts}


def negative(item: Change) -> Points:
    return {players: -value for players, value in points(item).items()}


def of(item: Change, kind: str, stage: str = "") -> Fraction:
    return points(item).get((Player(kind, stage),), Fraction(0))  # type: ignore[arg-type]


def kinds(found: dict[str, Change]) -> set[str]:
    return {
        player.kind for item in found.values() for part in item.parts for player in part.players
    }


# --- the two example years -----------------------------------------------------------------------


def test_the_parts_of_every_unit_of_the_example_years_add_up_to_its_change(
    wuhu_run: Result, next_year: Result
) -> None:
    found = compared(wuhu_run, next_year)
    assert len(found) == sum(map(len, next_year.standings.values())) == 54
    assert kinds(found) == {"scores", "rules", "weights", "adjustments", "rounding"}
    assert found["市乡村振兴局"].old.unit == "市扶贫办"


def test_the_years_in_the_other_order_turn_every_sign_round(
    wuhu_run: Result, next_year: Result
) -> None:
    there, back = compared(wuhu_run, next_year), compared(next_year, wuhu_run)
    for item in there.values():
        other = back[item.old.unit]
        assert negative(other) == points(item)
        assert (item.came, item.went) == (other.went, other.came)


def test_a_new_item_joins_scores_and_rules_of_its_stage_and_no_other(
    wuhu_run: Result, next_year: Result
) -> None:
    found = compared(wuhu_run, next_year)
    for item in found.values():
        joined = [part for part in item.parts if len(part.players) > 1]
        if item.groups == ("county", "county"):
            (part,) = joined
            assert set(part.players) == {
                Player("scores", "professional"),
                Player("rules", "professional"),
            }
            (why,) = part.why
            assert "一(四)" in why and "一(三)" in why
        else:
            assert joined == []


def test_a_result_compared_with_itself_has_no_parts(wuhu_run: Result) -> None:
    for item in compared(wuhu_run, wuhu_run).values():
        assert not (item.points or item.ranks or item.parts)


# --- against an independent computation -----------------------------------------------------------


def test_weights_and_scores_share_a_change_as_the_mean_of_both_orders(
    wuhu_run: Result, next_year: Result
) -> None:
    for item in compared(wuhu_run, next_year).values():
        if item.groups != ("municipal", "municipal"):
            continue
        sides = []
        for result, unit in ((wuhu_run, item.old.unit), (next_year, item.unit)):
            trace = result.traces["municipal"]
            scores = {name: Fraction(stage.value(unit)) for name, stage in trace.stages.items()}  # type: ignore[arg-type]
            weights = {stage.id: Fraction(stage.weight or 0) for stage in result.scheme.stages}
            sides.append((scores, weights))
        (old, before), (new, after) = sides
        for stage in old:
            mean_weight = (before[stage] + after[stage]) / 200
            assert of(item, "scores", stage) == mean_weight * (new[stage] - old[stage])
        by_weights = sum(
            ((old[stage] + new[stage]) / 2 * (after[stage] - before[stage]) / 100 for stage in old),
            Fraction(0),
        )
        assert of(item, "weights") == by_weights
        given_points = Fraction(item.new.points or 0) - Fraction(item.old.points or 0)
        assert of(item, "adjustments") == given_points


@drawn(examples=60)
@given(data=st.data(), count=st.integers(0, 4))
def test_the_shapley_value_is_the_mean_of_what_each_adds_over_all_orders(
    data: st.DataObject, count: int
) -> None:
    numbers = st.fractions(-9, 9, max_denominator=20)
    values = data.draw(st.lists(numbers, min_size=2**count, max_size=2**count))
    orders = list(permutations(range(count)))
    for player, share in enumerate(shapley(values, count)):
        added = Fraction(0)
        for order in orders:
            mask = sum(1 << other for other in order[: order.index(player)])
            added += values[mask | 1 << player] - values[mask]
        assert share == added / len(orders)


# --- small schemes --------------------------------------------------------------------------------

RULES = (
    ("weight: 50", "weight: 45"),
    ("weight: 10", "weight: 15"),
    ("upper: 7, lower: 3", "upper: 6, lower: 4"),
    ("by: median", "by: mean"),
    ("missing: zero", "missing: exclude"),
    ("良: 82.5", "良: 80"),
    ("cap: 6", "cap: 4"),
    ("{digits: 2, rounding", "{digits: 1, cap: 80, rounding"),
    ("marks: 25", "marks: 20"),
    ("name: 丙县", "name: 丙区, aliases: [丙县]"),
)


@drawn(examples=25)
@given(seeds=st.tuples(st.integers(), st.integers()), data=st.data(), blank=st.booleans())
def test_the_parts_add_up_in_small_schemes_and_turn_their_signs(
    places: Iterator[Path], seeds: tuple[int, int], data: st.DataObject, blank: bool
) -> None:
    years = [Year(seed, blank=0.05 if blank else 0.0).books() for seed in seeds]
    scheme = data.draw(st.sampled_from([SCHEME, BOUNDED]))
    other = scheme
    for before, after in data.draw(st.lists(st.sampled_from(RULES), max_size=4, unique=True)):
        if before == "marks: 25":
            other = other.replace("marks: 15", "marks: 20")
        if before == "weight: 10":
            other = other.replace("weight: 20", "weight: 15", 1)
        if before == "weight: 50":
            other = other.replace("weight: 20", "weight: 25", 1)
        other = other.replace(before, after, 1)
    old, new = computed(places, years[0], scheme), computed(places, years[1], other)
    there, back = compared(old, new), compared(new, old)
    assert len(there) == 4
    for item in there.values():
        assert negative(back[item.old.unit]) == points(item)


ROUNDS = {"甲县": [80, 90, 70], "乙县": [70, 60, 80], "丙县": [50, 50, 50], "丁县": [90, 90, 90]}


def test_one_rule_alone_is_all_that_changed(places: Iterator[Path]) -> None:
    books = of_rounds(ROUNDS)
    found = compared(
        computed(places, books, single("mean")), computed(places, books, single("median"))
    )
    assert kinds(found) <= {"rules", "rounding"}
    assert of(found["甲县"], "rules", "daily") == 0
    other = of_rounds({**ROUNDS, "甲县": [80, 90, 40]})
    found = compared(
        computed(places, books, single("mean")), computed(places, other, single("median"))
    )
    # By the mean 80 and 70, by the median 80 and 80.
    assert of(found["甲县"], "scores", "daily") == -5
    assert of(found["甲县"], "rules", "daily") == 5


def test_a_factor_goes_with_its_unit_when_two_units_exchange_their_names(
    places: Iterator[Path],
) -> None:
    scheme = yaml.safe_load(single("mean"))
    scheme["composite"]["factors"] = [{"factor": "0.9", "units": ["甲县"]}]
    text = yaml.safe_dump(scheme, allow_unicode=True)
    old, new = (computed(places, of_rounds(ROUNDS), text) for _side in range(2))
    found = compared(old, new, Matches(renamed={"甲县": "乙县", "乙县": "甲县"}))
    assert of(found["甲县"], "rules") < 0 < of(found["乙县"], "rules")


def decided(folder: Path, sheets: Sheets, decisions: str = "") -> Result:
    write(folder, {**SHEETS, **sheets})
    if decisions:
        (folder / "decisions.yaml").write_text(decisions, encoding="utf-8")
    return appraise(load_scheme(SMALL), [folder])


WHO = "reason: 核实, by: 王五, at: 2021-02-01"
BALLOT: Rows = [["单位", "得分"], ["甲市", "九十"], ["乙市", 80]]


@pytest.mark.parametrize(
    ("sheets", "decision"),
    [
        (
            {"vote/甲市": BALLOT},
            f"{{file: vote/甲市.xlsx, sheet: Sheet, cell: B2, decide: read_as, value: 90, was: 九十, {WHO}}}",
        ),
        ({}, f"{{file: vote/甲市.xlsx, decide: set_aside, {WHO}}}"),
        # Of two sheets with the same scores one is set aside: the scores of the other come to count.
        (
            {"vote/sent again/甲市": [["单位", "得分"], ["甲市", 70], ["乙市", 60]]},
            f"{{file: vote/甲市.xlsx, decide: set_aside, {WHO}}}",
        ),
    ],
    ids=["a cell is read", "a ballot is set aside", "one of two ballots is set aside"],
)
def test_a_decision_alone_moves_nothing_but_the_part_of_decisions(
    tmp_path: Path, sheets: Sheets, decision: str
) -> None:
    old = decided(tmp_path, sheets)
    new = decided(tmp_path, sheets, f"decisions:\n  - {decision}\n")
    found = compared(old, new)
    assert kinds(found) - {"rounding"} == {"decisions"}
    before, after = (result.traces["city"].final.rows[("甲市",)].value for result in (old, new))
    assert of(found["甲市"], "decisions", "vote") == Fraction(after) - Fraction(before)  # type: ignore[arg-type]


def test_a_decision_and_a_sheet_that_was_sent_again_are_told_apart(tmp_path: Path) -> None:
    old = decided(tmp_path / "old", {"vote/甲市": BALLOT})
    sheets: Sheets = {
        "vote/甲市": BALLOT,
        "vote/乙市": [["单位", "得分"], ["甲市", 95.5], ["乙市", 95]],
    }
    decision = (
        "decisions:\n  - {file: vote/甲市.xlsx, sheet: Sheet, cell: B2, decide: read_as, value: 90, "
        f"was: 九十, {WHO}}}\n"
    )
    (item,) = (
        it
        for it in compared(old, decided(tmp_path / "new", sheets, decision)).values()
        if it.unit == "甲市"
    )
    # One ballot of 85.5 before; 90 and 95.5 after. Each alone: 87.75 and 95.5; weight 40 %.
    both, by_decision, by_sheet = (Fraction(text) for text in ("92.75", "87.75", "95.5"))
    was = Fraction("85.5")
    expected = ((by_decision - was) + (both - by_sheet)) / 2 * Fraction(2, 5)
    assert of(item, "decisions", "vote") == expected
    assert of(item, "scores", "vote") == ((by_sheet - was) + (both - by_decision)) / 2 * Fraction(
        2, 5
    )


def whole(folder: Path, seed: int) -> Result:
    folder.mkdir()
    made = whole_schemes.drawn(seed)
    load(folder, made.scheme)
    write(folder / "in", made.sheets)
    return appraise(load_scheme(folder / "scheme.yaml"), [folder / "in"])


@pytest.mark.parametrize("batch", slow_but(range(6), 0))
def test_any_two_schemes_are_compared_and_the_parts_add_up(tmp_path: Path, batch: int) -> None:
    results = [whole(tmp_path / str(seed), seed) for seed in range(batch * 6, batch * 6 + 6)]
    for old, new in combinations(results, 2):
        there, back = compared(old, new), compared(new, old)
        assert there
        for item in there.values():
            assert negative(back[item.old.unit]) == points(item)


# --- a group that changes -------------------------------------------------------------------------

RELATIVE = """
id: relative
title: Relative
document: {title: A document}
groups:
  - {id: all, title: all, clause: "1", units: UNITS}
indicators:
  - id: content
    title: Content
    clause: annex
    marks: 100
    items:
      - id: used
        title: 采用
        marks: 100
        facts: {采用数: {count: 篇}}
        score: [{best: 采用数, if_nothing: zero}]
stages:
  - id: work
    title: Work
    clause: "3"
    weight: 100
    assessors: [Office]
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      all:
        dimensions: {indicator: {indicators: content}}
        forms: [{id: sheet, title: Sheet, file: work, axes: [unit, indicator]}]
        steps:
          - {roll_up: indicator, by: facts, missing: error, not_applicable: error}
          - {roll_up: indicator, by: sum, missing: error, not_applicable: error}
composite: {missing: error, not_applicable: error, digits: 2}
final: {digits: 2, rounding: half_up}
ranking: {}
"""


def relative(places: Iterator[Path], counts: dict[str, int]) -> Result:
    units = ", ".join(f"{{name: {unit}}}" for unit in counts)
    rows: list[list[float | str | None]] = [["单位", "采用数"]]
    rows += [[unit, count] for unit, count in counts.items()]
    return computed(places, {"work": {"得分": rows}}, RELATIVE.replace("UNITS", f"[{units}]"))


def test_who_comes_into_the_group_moves_the_scores_that_are_made_against_the_others(
    places: Iterator[Path],
) -> None:
    old = relative(places, {"甲县": 10, "乙县": 5})
    new = relative(places, {"甲县": 8, "乙县": 5, "丙县": 20})
    found = compared(old, new)["甲县"]
    # Of 100: 10 of 10; 8 of 8 with the new score alone, 10 of 20 with the new group alone; 8 of 20.
    assert of(found, "scores", "work") == Fraction((100 - 100) + (40 - 50), 2)
    assert of(found, "group") == Fraction((50 - 100) + (40 - 100), 2)
    assert (found.old.rank, found.new.rank, found.came, found.went) == (1, 2, 1, 0)
    back = compared(new, old)["甲县"]
    assert (points(back), back.came, back.went) == (negative(found), 0, 1)


def test_a_rank_that_changes_with_nobody_coming_is_by_the_finals(places: Iterator[Path]) -> None:
    found = compared(
        relative(places, {"甲县": 10, "乙县": 5}), relative(places, {"甲县": 5, "乙县": 10})
    )
    assert [(item.ranks, item.came, item.went) for item in found.values()] == [
        (-1, 0, 0),
        (1, 0, 0),
    ]


# --- what one of the results does not have --------------------------------------------------------

WITHOUT_VOTE = ("    weight: 60", "    weight: 100")


def test_a_stage_that_is_gone_is_one_part_with_the_weights(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8").replace(*WITHOUT_VOTE)
    start, end = text.index("  - id: vote"), text.index("composite:")
    (tmp_path / "in").mkdir()
    (tmp_path / "scheme.yaml").write_text(text[:start] + text[end:], encoding="utf-8")
    old = decided(tmp_path / "old", {})
    sheets = {name: rows for name, rows in SHEETS.items() if name.startswith("work")}
    write(tmp_path / "in", sheets)
    new = appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])
    for item in compared(old, new).values():
        (part,) = (part for part in item.parts if part.players != (Player("rounding"),))
        assert set(part.players) == {
            Player("scores", "vote"),
            Player("rules", "vote"),
            Player("weights"),
        }
        assert part.why == ("Vote: a stage that is gone",)


def test_other_raters_join_scores_and_rules_and_are_not_named(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8")
    before = 'clause: "2", units: [甲市, 乙市]'
    assert before in text
    (tmp_path / "scheme.yaml").write_text(
        text.replace(before, 'clause: "2", units: [乙市]'), encoding="utf-8"
    )
    write(tmp_path / "in", {name: rows for name, rows in SHEETS.items() if name != "vote/甲市"})
    new = appraise(load_scheme(tmp_path / "scheme.yaml"), [tmp_path / "in"])
    found = compared(decided(tmp_path / "old", {}), new)
    for item in found.values():
        (part,) = (part for part in item.parts if len(part.players) > 1)
        assert set(part.players) == {Player("scores", "vote"), Player("rules", "vote")}
        assert part.why == ("Vote: other raters",)


def test_a_unit_without_a_final_has_no_parts(tmp_path: Path) -> None:
    ballot: Rows = [["单位", "得分"], ["乙市", 80]]
    work: Rows = [["单位", "A", "B one", "B two"], ["乙市", 50, 20, 10]]
    gap: Sheets = {name: ballot if name.startswith("vote") else work for name in SHEETS}
    found = compared(decided(tmp_path / "old", gap), decided(tmp_path / "new", {}))
    assert (found["甲市"].points, found["甲市"].ranks, len(found["甲市"].parts)) == (None, None, 0)
    assert found["乙市"].points is not None


def test_very_many_parts_are_taken_together_by_their_kind_and_still_add_up(
    places: Iterator[Path],
) -> None:
    changes = (
        *(("upper: 7, lower: 3", "upper: 6, lower: 4"), ("drop_high: 1", "drop_high: 0")),
        *(("by: median", "by: mean"), ("良: 82.5", "良: 80"), ("cap: 6", "cap: 4")),
        *(("weight: 50", "weight: 45"), ("weight: 10", "weight: 15")),
    )
    other = SCHEME
    for change in changes:
        other = other.replace(*change)
    old, new = (
        computed(places, Year(seed).books(), scheme) for seed, scheme in ((1, SCHEME), (2, other))
    )
    for item in compared(old, new).values():
        together = [part for part in item.parts if len(part.players) > 1]
        assert [{it.kind for it in part.players} for part in together] == [{"rules"}]


def test_weights_of_a_kind_are_weights_and_join_the_stages_that_count_for_it_no_more(
    places: Iterator[Path],
) -> None:
    books = Year(5).books()
    kinds_of = SCHEME.replace("{name: 甲县}", "{name: 甲县, kind: 窗口}")
    kinds_of = kinds_of.replace(
        "composite: {",
        "composite: {weights: {窗口: {expert: 40, mutual: 20, daily: 20, service: 20}}, ",
    )
    old = computed(places, books)
    found = compared(old, computed(places, books, kinds_of))
    assert kinds(found) - {"rounding"} == {"weights"}
    assert [item.unit for item in found.values() if of(item, "weights")] == ["甲县"]
    without = kinds_of.replace(
        "expert: 40, mutual: 20, daily: 20, service: 20", "expert: 80, mutual: 20"
    )
    found = compared(old, computed(places, {**books}, without))
    (part,) = (part for part in found["甲县"].parts if len(part.players) > 1)
    assert {it.stage for it in part.players if it.kind == "scores"} == {"daily", "service"}
    assert Player("weights") in part.players and len(part.why) == 2


# --- which unit is which --------------------------------------------------------------------------


def units(*names: str) -> Scheme:
    text = RELATIVE.replace("UNITS", f"[{', '.join(names)}]")
    return Scheme.model_validate(yaml.safe_load(text))


def test_units_are_the_same_by_their_names_aliases_and_former_names() -> None:
    old = units("{name: 甲县}", "{name: 乙县, aliases: [乙]}", "{name: 丙县}", "{name: 丁县}")
    new = units(
        "{name: 甲县}",
        "{name: 乙}",
        "{name: 丙区, former: [{name: 丙县, until: '2021'}]}",
        "{name: 戊县}",
    )
    found = matched(old, new)
    assert found.names == {"甲县": "甲县", "乙县": "乙", "丙县": "丙区"}
    assert (list(found.came), list(found.went)) == (["戊县"], ["丁县"])


def test_a_name_that_leads_to_two_units_matches_none_of_them() -> None:
    former = "former: [{name: 甲县, until: '2021'}]"
    old = units("{name: 甲县}")
    new = units(f"{{name: 东区, {former}}}", f"{{name: 西区, {former}}}")
    found = matched(old, new)
    assert (found.names, list(found.came), list(found.went)) == ({}, ["东区", "西区"], ["甲县"])


def test_a_file_says_what_names_do_not() -> None:
    old = units("{name: 甲县}", "{name: 乙县}", "{name: 丙县}", "{name: 丁县}", "{name: 戊县}")
    new = units("{name: 甲市}", "{name: 乙丙区}", "{name: 东区}", "{name: 西区}", "{name: 戊县}")
    text = (
        "renamed: {甲县: 甲市}\nmerged: {乙丙区: [乙县, 丙县]}\nsplit: {丁县: [东区, 西区]}\n"
        "came: [戊县]\nwent: [戊县]\n"
    )
    said, findings = load_matches("matches.yaml", text.encode(), old, new)
    assert findings == []
    found = matched(old, new, said)
    assert found.names == {"甲县": "甲市"}
    assert list(found.merged) == [(("乙县", "丙县"), ("乙丙区",)), (("丁县",), ("东区", "西区"))]
    assert (list(found.came), list(found.went)) == (["戊县"], ["戊县"])


def test_one_unit_merged_into_one_is_the_same_unit() -> None:
    old, new = units("{name: 甲县}"), units("{name: 乙区}")
    said, _findings = load_matches("m.yaml", "merged: {乙区: [甲县]}".encode(), old, new)
    assert matched(old, new, said).names == {"甲县": "乙区"}


def test_a_name_that_went_and_that_another_unit_took_is_refused() -> None:
    both = units("{name: 甲县}, {name: 乙县}")
    text = "renamed: {甲县: 乙县}\nwent: [乙县]\ncame: [甲县]\n"
    _said, findings = load_matches("m.yaml", text.encode(), both, both)
    assert [(item.code, item.source.line) for item in findings] == [("match-twice", 2)]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("renamd: {甲县: 乙县}", "scheme-key-unknown", "m.yaml:1:1"),
        ("renamed:\n  甲县: 丙县", "unit-unknown", "m.yaml:2:3"),
        ("came: [乙县]\nwent:\n  - 甲线", "unit-unknown", "m.yaml:3:5"),
        ("renamed: {甲县: 乙县}\ncame: [乙县]", "match-twice", "m.yaml:2:8"),
        ("renamed: [甲县", "yaml-syntax", "m.yaml:2:1"),
    ],
)
def test_what_is_wrong_in_the_file_is_a_finding_with_its_line(
    text: str, code: str, place: str
) -> None:
    old, new = units("{name: 甲县}"), units("{name: 乙县}")
    _said, findings = load_matches("m.yaml", text.encode(), old, new)
    assert (code, place) in [(item.code, str(item.source)) for item in findings]
