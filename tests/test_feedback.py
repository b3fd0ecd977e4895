"""What one unit gets back: all about itself, and of the others nothing but numbers without names."""

import io
import shutil
import statistics as reference
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from defusedxml.ElementTree import fromstring
from helpers import EXAMPLES, STAGE_FILES, slow_but
from helpers.audiences import with_rule
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.comments import Comment

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal.model import FINAL, Absent, Standing
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import round_half_up
from wuhu_appraisal.output.feedback import (
    FEWEST_FOR_GROUP,
    next_rank,
    stage_points,
    unit_banner,
    unit_tables,
)
from wuhu_appraisal.output.papers import letter_docx, letter_xlsx
from wuhu_appraisal.output.redact import OtherNames, unit_view, withheld_stages
from wuhu_appraisal.output.tables import Table, show
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import GroupNumber
from wuhu_appraisal.scheme.final import Final, Ranking, TieBreak
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.ranking import ranked

OWN = "专业机构测评/县市区/镜湖区.xlsx"
RECORDS = "加扣分/加扣分情况.xlsx"
BALLOT = "双向互评/测评县市区/市民政局.xlsx"
REASONS = 7

Change = Callable[[openpyxl.Workbook], None]
Row = Mapping[str, Any]

units = st.sampled_from(
    [unit.name for group in load_scheme("wuhu-2020").scheme.groups for unit in group.units]  # type: ignore[union-attr]
)


@pytest.fixture(scope="module")
def run(wuhu_run: Result) -> Result:
    return wuhu_run


def changed(folder: Path, changes: Mapping[str, Change]) -> Result:
    """The examples, with some of their workbooks changed."""
    inputs = folder / "in"
    shutil.copytree(STAGE_FILES, inputs)
    for file, change in changes.items():
        book = openpyxl.load_workbook(inputs / file)
        change(book)
        book.save(inputs / file)
    return appraise(load_scheme("wuhu-2020"), [inputs])


def by_scheme(**parts: object) -> Result:
    """The examples by a scheme of which some parts are others."""
    loaded = load_scheme("wuhu-2020")
    assert loaded.scheme is not None
    return appraise(replace(loaded, scheme=loaded.scheme.model_copy(update=parts)), [STAGE_FILES])


def fewest(run: Result, count: int) -> Result:
    return with_rule(run, fewest_raters=count)


def table(run: Result, unit: str, name: str) -> Table:
    return next(sheet for sheet in unit_tables(run, unit) if sheet.name == name)


def rows(sheet: Table) -> list[Row]:
    titles = [column.title for column in sheet.columns]
    return [dict(zip(titles, row, strict=True)) for row in sheet.rows]


def standing(run: Result, unit: str) -> Standing:
    return next(item for group in run.standings.values() for item in group if item.unit == unit)


def everyone(run: Result) -> list[str]:
    return [unit.name for unit in run.scheme.all_units]


def texts(content: bytes) -> Iterator[str]:
    """Every text and attribute of every part of an Office file, and the names of the parts."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield name
            part = archive.read(name)
            if not name.endswith((".xml", ".rels")):
                yield part.decode("utf-8", "replace")
                continue
            for element in fromstring(part).iter():
                yield from element.attrib.values()
                # Runs of one paragraph are read as one text.
                yield "".join(element.itertext())


def all_text(content: bytes) -> str:
    return "\n".join(texts(content))


def fixed_texts(scheme: Scheme) -> Iterator[str]:
    """What the scheme itself says in a letter, in both languages."""
    found: list[Any] = [scheme.title, scheme.document.issued_by]
    found += [stage.title for stage in scheme.stages]
    found += [item.title for item in scheme.adjustments]
    found += [item.text for item in scheme.assumptions]
    found += [node.title for tree in scheme.indicators for _path, node in tree.walk()]
    for item in found:
        yield from [item] if isinstance(item, str) else [item.zh, item.en]


def others(scheme: Scheme, unit: str) -> set[str]:
    """Every way in which another unit or a rater is written."""
    names = {
        normalise(name)
        for item in scheme.all_units
        if item.name != unit
        for name in (item.name, *item.written)
    }
    raters = {name for found in scheme.raters for name in scheme.raters_of(found.id)}
    return names | {normalise(name) for name in raters - {unit}}


def named(run: Result, unit: str, content: bytes) -> set[tuple[str, str]]:
    """Names of others in a file, each with its text, apart from what may stand there."""
    written = others(run.scheme, unit)
    own = normalise(unit)
    assert not any(own in name for name in written), "the unit's name cannot be taken out blindly"
    allowed = sorted({*map(normalise, fixed_texts(run.scheme)), own}, key=len, reverse=True)
    found = set()
    for text in set(texts(content)):
        left = normalise_all(text)
        for part in allowed:
            left = left.replace(part, "\0") if part else left
        found |= {(name, text) for name in written if name in left}
    return found


def normalise_all(text: str) -> str:
    return "".join(normalise(text[start : start + 500]) for start in range(0, len(text), 500))


# Secrecy

ALL_OR_SOME = pytest.mark.parametrize("every", slow_but([1, 6], 6))
"""Letters to all units, and in less time to one unit in six."""


@ALL_OR_SOME
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_workbook_names_another_unit_or_a_rater(run: Result, language: str, every: int) -> None:
    i18n.activate(language)
    for unit in everyone(run)[::every]:
        assert named(run, unit, letter_xlsx(run, unit, final=True)) == set()


@pytest.mark.parametrize("unit", ["无为市", "市教育局", "三山经济开发区", "经济技术开发区"])
def test_no_paper_names_another_unit_or_a_rater(run: Result, unit: str) -> None:
    i18n.activate("zh")
    assert named(run, unit, letter_docx(run, unit, final=True)) == set()


def test_the_search_for_names_finds_one(run: Result) -> None:
    assert named(run, "镜湖区", letter_xlsx(run, "无为市", final=True))


def set_reasons(reasons: Sequence[str]) -> Change:
    def change(book: openpyxl.Workbook) -> None:
        for row, text in enumerate(reasons, 4):
            cell = book.worksheets[0].cell(row, REASONS)
            cell.value = text
            # A text that begins with = is a text here.
            cell.data_type = "s"

    return change


def set_note(book: openpyxl.Workbook) -> None:
    sheet = book.worksheets[0]
    cell = next(row[2] for row in sheet.iter_rows() if row[1].value == "镜湖区")
    cell.comment = Comment("比弋江区差得多,市民政局张三", "张三")


def set_grounds(book: openpyxl.Workbook) -> None:
    sheet = book["优秀政策解读"]
    row = next(row for row in sheet.iter_rows() if row[1].value == "市科技局")
    row[3].value, row[4].value = "较市水务局少一项", "水务局评选通报"


def test_what_names_another_unit_or_a_rater_is_withheld_and_that_is_said(tmp_path: Path) -> None:
    reasons = [
        "市发改委认为不全",
        "同无为县情况",
        "发改委 另有意见",
        "镜湖区政府网站链接失效",
        "x" * 2000 + "芜湖市教育局",
    ]
    planted = changed(tmp_path, {OWN: set_reasons(reasons), BALLOT: set_note, RECORDS: set_grounds})
    known = {item.text for item in planted.remarks}
    assert {*reasons, "比弋江区差得多,市民政局张三"} <= known
    letters = [letter_xlsx(planted, "镜湖区", final=True)]
    letters.append(letter_docx(planted, "镜湖区", final=True))
    for letter in letters:
        text = all_text(letter)
        assert reasons[3] in text
        assert not [item for item in reasons[:3] if item in text]
        assert "x" * 50 not in text and "张三" not in text and "弋江区" not in text
        assert "A text that names others is withheld." in text
        assert "A remark on a ballot is withheld." in text
        assert named(planted, "镜湖区", letter) == set()
    text = all_text(letter_xlsx(planted, "市科技局", final=True))
    assert "水务局" not in text and "A text that names others is withheld." in text


def test_a_unit_reads_its_own_name_even_where_it_holds_anothers(wuhu: Scheme) -> None:
    """经开区 is another's alias: 三山经开区 is read by 三山经济开发区 alone."""
    text = "三山经开区目录链接失效"
    assert not OtherNames(wuhu, "三山经济开发区", []).named_in(text)
    assert OtherNames(wuhu, "经济技术开发区", []).named_in(text)
    assert not OtherNames(wuhu, "经济技术开发区", []).named_in("经开区目录链接失效")
    assert OtherNames(wuhu, "无为市", []).named_in("无为市教育局未更新")
    assert not OtherNames(wuhu, "无为市", ["无为市教育局"]).named_in("无为市教育局未更新")
    assert OtherNames(wuhu, "无为市", ["市教育局"]).named_in("市教育局未更新")


@given(unit=units, other=units, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_name_is_found_wherever_it_stands(unit: str, other: str, before: str, after: str) -> None:
    scheme = load_scheme("wuhu-2020").scheme
    assert scheme is not None
    if unit != other:
        assert OtherNames(scheme, unit, []).named_in(f"{before}。{other}。{after}")


def test_a_source_whose_file_names_a_rater_is_left_out(tmp_path: Path) -> None:
    inputs = tmp_path / "in"
    shutil.copytree(STAGE_FILES, inputs)
    (inputs / RECORDS).rename(inputs / "加扣分" / "财政局报送.xlsx")
    moved = appraise(load_scheme("wuhu-2020"), [inputs])
    assert standing(moved, "湾沚区").adjustments[0].source.file.endswith("财政局报送.xlsx")
    assert [row["Source"] for row in rows(table(moved, "湾沚区", "Adjustments"))] == [""]


def test_a_stage_that_raters_scored_is_one_row_without_a_source(run: Result) -> None:
    for unit in ("镜湖区", "市教育局"):
        lost = table(run, unit, "Marks lost")
        rated = [row for row in rows(lost) if row["Stage"] == "Mutual rating"]
        assert [row["Item"] for row in rated] == ["the whole stage"]
        assert not any("双向互评" in note for note in lost.notes)
        assert any("专业机构测评" in note for note in lost.notes)


# Too few raters


def test_a_score_of_too_few_raters_is_withheld_with_others_that_weigh_as_much(run: Result) -> None:
    few = fewest(run, 20)
    for unit in everyone(few):
        scores = {row["Stage"]: row for row in rows(table(few, unit, "Scores"))}
        hidden = [name for name, row in scores.items() if row["Own score"] == "withheld"]
        assert hidden == ["Mutual rating", "Daily measurement", "Public assessment"]
        added = {scores[name]["Adds to the composite"] for name in hidden}
        assert added == {"withheld"}
        assert {scores[name]["Group's mean"] for name in hidden} == {None}
        for sheet in unit_tables(few, unit):
            if sheet.name in ("Marks lost", "Categories"):
                assert not {row["Stage"] for row in rows(sheet)} & set(hidden)
        notes = table(few, unit, "Scores").notes
        assert any("fewer than 20 raters" in note and "Mutual rating" in note for note in notes)
        assert any("worked out" in note and "Public assessment" in note for note in notes)


def twin(run: Result, unit: str) -> Result:
    """The same but for two stages of one unit, moved so that its composite stays as it is."""
    group = next(name for name, found in run.standings.items() if standing(run, unit) in found)
    traced = run.traces[group]
    moves = {"mutual": Fraction(2), "social": Fraction(-5)}
    shares = unit_view(run, unit).shares
    assert sum(shares[stage] * move for stage, move in moves.items()) == 0
    stages = dict(traced.stages)
    for stage, move in moves.items():
        last = stages[stage].steps[-1]
        row = last.rows[(unit,)]
        assert isinstance(row.value, Fraction)
        row = replace(row, value=row.value + move)
        last = replace(last, rows={**last.rows, (unit,): row})
        stages[stage] = replace(stages[stage], steps=[*stages[stage].steps[:-1], last])

    def moved(item: Standing) -> Standing:
        if item.unit != unit:
            return item
        scores = {name: value for name, value in item.stages.items() if value is not None}
        for stage, move in moves.items():
            scores[stage] += Decimal(move.numerator)
        return replace(item, stages=scores)

    return replace(
        run,
        traces={**run.traces, group: replace(traced, stages=stages)},
        standings={**run.standings, group: [moved(item) for item in run.standings[group]]},
    )


@ALL_OR_SOME
def test_a_withheld_score_cannot_be_worked_out_from_the_rest(run: Result, every: int) -> None:
    """Two results that differ only in what is withheld are told in the same words."""
    few = fewest(run, 20)
    for unit in everyone(run)[::every]:
        other = twin(run, unit)
        assert unit_tables(other, unit) != unit_tables(run, unit), "nothing is withheld"
        assert unit_tables(fewest(other, 20), unit) == unit_tables(few, unit)


@pytest.mark.parametrize("unit", ["无为市", "南陵县", "市水务局"])
def test_nothing_else_in_a_file_tells_a_withheld_score(run: Result, unit: str) -> None:
    for render in (letter_xlsx, letter_docx):
        one, other = (fewest(found, 20) for found in (run, twin(run, unit)))
        assert render(one, unit, final=True) == render(other, unit, final=True)


def test_a_score_of_exactly_the_fewest_raters_is_told(run: Result) -> None:
    for unit, raters in (("镜湖区", 16), ("市教育局", 7)):
        assert unit_view(fewest(run, raters), unit).withheld == frozenset()
        assert unit_view(fewest(run, raters + 1), unit).few_raters == ["mutual"]


def test_a_rater_whose_ballot_is_blank_does_not_count(tmp_path: Path) -> None:
    def blank(book: openpyxl.Workbook) -> None:
        sheet = book.worksheets[0]
        next(row[2] for row in sheet.iter_rows() if row[1].value == "镜湖区").value = None

    found = fewest(changed(tmp_path, {BALLOT: blank}), 16)
    assert unit_view(found, "镜湖区").few_raters == ["mutual"]
    assert unit_view(found, "弋江区").few_raters == []
    scores = {row["Stage"]: row for row in rows(table(found, "弋江区", "Scores"))}
    enough = [item.stages["mutual"] for item in found.standings["county"] if item.unit != "镜湖区"]
    mean = reference.mean(Fraction(score) for score in enough if score is not None)
    assert scores["Mutual rating"]["Group's mean"] == round_half_up(mean, 2)


def test_where_one_stage_is_all_there_is_the_composite_goes_too(wuhu: Scheme) -> None:
    only = wuhu.stages[1].model_copy(update={"weight": Decimal(100)})
    alone = with_rule(
        by_scheme(stages=[only]), fewest_raters=20, audiences={"unit": [*GroupNumber]}
    )
    sheets = unit_tables(alone, "镜湖区")
    scores = {row[""]: row for row in rows(sheets[0])}
    assert {scores[name]["Own score"] for name in ("Composite", "Final")} == {"withheld"}
    assert "One place up" not in {sheet.name for sheet in sheets}
    item = standing(alone, "镜湖区")
    assert str(item.final) not in all_text(letter_xlsx(alone, "镜湖区", final=False))


shares_ = st.dictionaries(
    st.sampled_from("abcdef"), st.integers(1, 100).map(lambda n: Fraction(n, 100)), min_size=1
)


@given(shares=shares_, data=st.data())
def test_with_a_withheld_stage_go_the_lightest_that_weigh_as_much_or_the_composite(
    shares: dict[str, Fraction], data: st.DataObject
) -> None:
    few = data.draw(st.lists(st.sampled_from(sorted(shares)), unique=True, min_size=1))
    hidden, whole = withheld_stages(shares, few)
    assert hidden >= set(few)
    company = hidden - set(few)
    weight = sum(shares[stage] for stage in company)
    heaviest = max(shares[stage] for stage in few)
    assert whole is (weight < heaviest)
    if whole:
        assert hidden == set(shares)
        return
    # A reader solves composite = sum for a stage, with anything from 0 to 100 in the others.
    assert all(weight / shares[stage] * 100 >= 100 for stage in few)
    assert weight - max(shares[stage] for stage in company) < heaviest
    seen = shares.keys() - hidden
    assert not seen or min(map(shares.__getitem__, seen)) >= max(shares[s] for s in company)


def test_nothing_is_withheld_where_enough_raters_gave_every_score() -> None:
    assert withheld_stages({"vote": Fraction(1)}, []) == (frozenset(), False)


# What is shown of the group


def allowed(run: Result, *shown: GroupNumber) -> Result:
    """The result by a scheme that shows a unit more of its group than the mean."""
    return with_rule(run, audiences={"unit": list(shown)})


def test_of_the_group_only_the_mean_is_shown_unless_the_scheme_lists_more(run: Result) -> None:
    listed: list[tuple[GroupNumber, ...]] = [(), *((number,) for number in GroupNumber)]
    for shown in (*listed, tuple(GroupNumber)):
        sheets = unit_tables(allowed(run, *shown), "市教育局")
        columns = {column.title for column in sheets[0].columns}
        assert "Group's mean" in columns
        assert ("Group's median" in columns) is (GroupNumber.MEDIAN in shown)
        assert ("Group's best" in columns) is (GroupNumber.BEST in shown)
        names = {sheet.name for sheet in sheets}
        assert ("One place up" in names) is (GroupNumber.NEXT_RANK in shown)


def test_the_groups_columns_are_of_the_published_scores(run: Result) -> None:
    run = allowed(run, *GroupNumber)
    for group, found in run.standings.items():
        scores = rows(table(run, found[0].unit, "Scores"))
        for stage, row in zip(run.scheme.stages, scores, strict=False):
            exact = [Fraction(value) for item in found if (value := item.stages[stage.id])]
            assert len(exact) == len(run.scheme.group(group).units)
            assert row["Group's mean"] == round_half_up(sum(exact, Fraction(0)) / len(exact), 2)
            assert row["Group's median"] == round_half_up(reference.median(exact), 2)
            assert row["Group's best"] == max(exact)


@pytest.mark.parametrize("count", [FEWEST_FOR_GROUP - 1, FEWEST_FOR_GROUP])
def test_the_group_has_numbers_from_five_units_on(run: Result, count: int) -> None:
    """As though of the counties only so many had a score in the daily measurement."""
    units = [
        replace(item, stages={**item.stages, "daily": item.stages["daily"] if at < count else None})
        for at, item in enumerate(run.standings["county"])
    ]
    some = allowed(
        replace(run, standings={**run.standings, "county": units}),
        GroupNumber.MEDIAN,
        GroupNumber.BEST,
    )
    sheet = table(some, units[0].unit, "Scores")
    by_stage = {row["Stage"]: row for row in rows(sheet)}
    numbers = ("Group's mean", "Group's median", "Group's best")
    assert all(by_stage["Mutual rating"][name] is not None for name in numbers)
    daily = [by_stage["Daily measurement"][name] is not None for name in numbers]
    assert daily == [count == 5] * 3
    assert any("fewer than 5 units" in note for note in sheet.notes) is (count < 5)


def test_categories_are_points_of_full_marks(run: Result) -> None:
    tree = run.scheme.indicator_set("municipal")
    rates: dict[str, list[Fraction]] = {}
    for unit in (item.unit for item in run.standings["municipal"]):
        sums: dict[str, list[Fraction]] = {}
        trace = run.traces["municipal"].stages["professional"]
        for (name, item), value in trace.scores.items():
            if name == unit and isinstance(value, Decimal):
                points = sums.setdefault(tree.paths[item][0], [])
                points += [Fraction(value), Fraction(tree.nodes[item].marks or 0)]
        for category, found in sums.items():
            rate = sum(found[::2], Fraction(0)) / sum(found[1::2]) * 100
            rates.setdefault(category, []).append(rate)
            if unit == "市教育局":
                own = {
                    row["Category"].split()[0]: row
                    for row in rows(table(run, unit, "Categories"))
                    if row["Stage"] == "Professional assessment"
                }
                assert own[category]["Own rate (%)"] == round_half_up(rate, 2)
    for category, row in own.items():
        assert row["Group's mean (%)"] == round_half_up(reference.mean(rates[category]), 2)


# The unit's own numbers


def test_the_scores_are_the_published_ones(run: Result) -> None:
    for group, found in run.standings.items():
        for item in found:
            scores = {
                row["Stage"]: row["Own score"] for row in rows(table(run, item.unit, "Scores"))
            }
            assert [scores[str(stage.title)] for stage in run.scheme.stages] == list(
                item.stages.values()
            )
            assert scores["Composite"] == item.composite
            assert scores["Adjustments"] == item.points
            assert scores["Final"] == item.final
            assert scores["Rank"] == f"{item.rank} of {len(run.scheme.group(group).units)}"


def test_what_the_stages_add_is_the_composite(run: Result) -> None:
    for unit in everyone(run):
        added = [row["Adds to the composite"] for row in rows(table(run, unit, "Scores"))]
        whole = sum(number for number in added if isinstance(number, Decimal))
        composite = standing(run, unit).composite
        assert composite is not None and abs(whole - composite) <= Decimal("0.03")


def test_the_losses_are_all_that_lacks_of_a_hundred_the_largest_first(run: Result) -> None:
    for unit in everyone(run):
        lost = [row["Points lost"] for row in rows(table(run, unit, "Marks lost"))]
        composite = standing(run, unit).composite
        assert composite is not None
        assert abs(sum(lost) + composite - 100) <= Decimal("0.005") * (len(lost) + 1)
        assert lost == sorted(lost, reverse=True)


def test_a_loss_comes_with_the_reason_in_its_sheet(run: Result) -> None:
    item = "一(一) Publish how powers are allocated"
    found = [
        row
        for row in rows(table(run, "镜湖区", "Marks lost"))
        if (row["Stage"], row["Item"]) == ("Professional assessment", item)
    ]
    assert [row["Reasons"] for row in found] == ["部分栏目更新不及时"]
    assert "county government 0.39" in found[0]["Lost at"]


def test_the_adjustments_come_with_their_grounds(run: Result) -> None:
    found = rows(table(run, "鸠江区", "Adjustments"))
    assert [(row["Points"], row["Reason"], row["Evidence"]) for row in found] == [
        (1, "", "全省政务公开工作情况通报"),
        (1, "一等奖", "优秀政策解读评选结果通报"),
    ]
    assert table(run, "市教育局", "Adjustments").notes


# One place up


def raised(run: Result, item: Standing, stage: str, points: Decimal) -> list[Standing]:
    """The ranking after one stage's exact score of a unit has so many points more."""
    group = next(name for name, found in run.standings.items() if item in found)
    traced = run.traces[group]
    share = unit_view(run, item.unit).shares[stage]
    composite, final = (
        table.rows[(item.unit,)].value for table in (traced.composite, traced.final)
    )
    assert not isinstance(composite, Absent | str) and not isinstance(final, Absent | str)
    row = traced.final.rows[(item.unit,)]
    held = sum(
        (Fraction(value) for name, value in zip(row.members, row.values, strict=True)
         if name == FINAL and not isinstance(value, Absent | str)), Fraction(0)
    )  # fmt: skip
    raw = Fraction(final) - held + share * Fraction(points)
    floor = run.scheme.final.floor
    exact = raw if floor is None else max(raw, Fraction(floor))
    moved = replace(
        item,
        final=round_half_up(exact, run.scheme.final.digits),
        composite=round_half_up(Fraction(composite) + share * Fraction(points), 2),
    )
    found = [moved if other is item else other for other in run.standings[group]]
    return ranked(run.scheme, found)


def rank_in(standings: Sequence[Standing], unit: str) -> int:
    rank = next(item.rank for item in standings if item.unit == unit)
    assert rank is not None
    return rank


@pytest.mark.parametrize("floor", [pytest.param(None, marks=pytest.mark.slow), Decimal(76)])
def test_so_many_points_more_in_a_stage_are_enough_for_a_better_rank(
    run: Result, floor: Decimal | None
) -> None:
    if floor is not None:
        run = by_scheme(final=Final(digits=2, rounding="half_up", floor=floor))
    run = allowed(run, GroupNumber.NEXT_RANK)
    for group, found in run.standings.items():
        for item in found:
            step = next_rank(run.scheme, found, item.unit)
            assert (step is None) == (item.rank == 1)
            if step is None or item.rank is None:
                assert "One place up" not in [s.name for s in unit_tables(run, item.unit)]
                continue
            told = rows(table(run, item.unit, "One place up"))
            for stage, row in zip(run.scheme.stages, told, strict=True):
                points = row["More points needed"]
                if points is None:
                    share = unit_view(run, item.unit).shares[stage.id]
                    score = item.stages[stage.id]
                    points = stage_points(step.points, share, 2)
                    assert floor or score is None or score + points > Decimal("99.9"), group
                    continue
                again = raised(run, item, stage.id, points)
                assert rank_in(again, item.unit) <= step.rank < item.rank


finals = st.lists(
    st.tuples(st.decimals(0, 3, places=2), st.decimals(0, 2, places=2)), min_size=1, max_size=8
)


@given(finals, st.booleans(), st.sampled_from([None, Decimal(2)]))
def test_the_next_rank_takes_the_least_final_that_gives_a_better_rank(
    numbers: list[tuple[Decimal, Decimal]], ties: bool, cap: Decimal | None
) -> None:
    loaded = load_scheme("wuhu-2020").scheme
    assert loaded is not None
    scheme = loaded.model_copy(
        update={
            "ranking": Ranking(ties=[TieBreak(by="composite")] if ties else []),
            "final": Final(digits=2, rounding="half_up", cap=cap),
        }
    )
    found = ranked(
        scheme,
        [
            Standing(str(place), None, min(final, cap or final), composite, {}, Decimal(0), [])
            for place, (final, composite) in enumerate(numbers)
        ],
    )
    for item in found:
        assert item.final is not None and item.rank is not None
        step = next_rank(scheme, found, item.unit)

        def rank_with(final: Decimal, item: Standing = item) -> int:
            others = [replace(item, final=final) if it is item else it for it in found]
            return rank_in(ranked(scheme, others), item.unit)

        if item.rank == 1:
            assert step is None
        elif step is None:
            assert cap is not None and rank_with(cap) == item.rank
        else:
            assert step.final == item.final + step.points
            assert rank_with(step.final) == step.rank < item.rank
            assert rank_with(step.final - Decimal("0.01")) == item.rank


@given(
    st.decimals("0.01", 30, places=2),
    st.integers(1, 100).map(lambda n: Fraction(n, 100)),
    st.integers(0, 3),
)
def test_points_of_a_stage_are_rounded_up_and_not_further(
    points: Decimal, share: Fraction, digits: int
) -> None:
    needed = Fraction(stage_points(points, share, digits))
    assert needed * share >= points > (needed - Fraction(1, 10**digits)) * share


# The files


def test_a_provisional_letter_says_so_on_each_page_and_tells_nothing_of_others(
    tmp_path: Path,
) -> None:
    inputs = tmp_path / "in"
    shutil.copytree(STAGE_FILES, inputs)
    (inputs / BALLOT).unlink()
    (inputs / "社会评议/县市区/南陵县.xlsx").unlink()
    book = openpyxl.load_workbook(inputs / OWN)
    # Neither score nor deduction in one row, a score that names another in the next.
    for row, text in ((4, None), (5, "同弋江区")):
        book.worksheets[0].cell(row, 5).value = text
        book.worksheets[0].cell(row, 6).value = None
    book.save(inputs / OWN)
    found = appraise(load_scheme("wuhu-2020"), [inputs])
    assert found.provisional
    own = [item.message for item in found.missing if item.source.file.endswith("镜湖区.xlsx")]
    assert ["弋江区" in text for text in own].count(True) == 1
    own = [text for text in own if "弋江区" not in text]
    assert own and len(found.missing) > len(own) + 2
    banner = unit_banner(found, "镜湖区")
    assert banner[0].startswith("PROVISIONAL")
    assert banner[1].endswith(str(len(found.missing)))
    assert banner[2:] == own
    assert unit_banner(found, "弋江区") == banner[:2]
    for unit in ("镜湖区", "弋江区"):
        content = letter_xlsx(found, unit, final=False)
        for sheet in openpyxl.load_workbook(io.BytesIO(content)):
            header = sheet.oddHeader
            assert header is not None and "PROVISIONAL" in str(header.center.text)
            assert any(banner[0] in row for row in sheet.iter_rows(values_only=True))
        paper = letter_docx(found, unit, final=False)
        assert banner[0] in all_text(paper)
        assert named(found, unit, content) == named(found, unit, paper) == set()
        for render in (letter_xlsx, letter_docx):
            with pytest.raises(ValueError, match="provisional"):
                render(found, unit, final=True)


def test_a_letter_is_a_draft_until_it_is_final(run: Result) -> None:
    for render in (letter_xlsx, letter_docx):
        draft, final = (all_text(render(run, "镜湖区", final=done)) for done in (False, True))
        assert "DRAFT FOR APPROVAL" in draft and "DRAFT" not in final


def test_the_same_run_gives_the_same_bytes(run: Result) -> None:
    for render in (letter_xlsx, letter_docx):
        assert render(run, "镜湖区", final=True) == render(run, "镜湖区", final=True)


def test_both_files_show_what_the_tables_hold(run: Result) -> None:
    letters = [all_text(render(run, "镜湖区", final=True)) for render in (letter_xlsx, letter_docx)]
    book = openpyxl.load_workbook(io.BytesIO(letter_xlsx(run, "镜湖区", final=True)))
    sheets = unit_tables(run, "镜湖区")
    assert book.sheetnames == [sheet.name for sheet in sheets]
    for sheet, page in zip(sheets, book, strict=True):
        assert str(page.page_setup.paperSize) == "9"
        last = list(page.iter_rows(values_only=True))[-1]
        for content, cell, column in zip(sheet.rows[-1], last, sheet.columns, strict=True):
            text = show(content, column)
            assert (cell or "") == text or Decimal(str(cell)) == Decimal(text)
            assert text in letters[1]
        assert all(note in letter for note in sheet.notes for letter in letters)


def test_what_was_written_becomes_no_formula(tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://x","y")'
    found = changed(tmp_path, {OWN: set_reasons([evil])})
    content = letter_xlsx(found, "镜湖区", final=True)
    assert evil in all_text(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        pages = [archive.read(n) for n in archive.namelist() if n.startswith("xl/worksheets/")]
    assert not any(b"<f>" in page or b"<hyperlink" in page for page in pages)


def test_real_programs_open_the_workbook(
    run: Result, tmp_path: Path, convert: Callable[[Path, str], Path]
) -> None:
    path = tmp_path / "letter.xlsx"
    path.write_bytes(letter_xlsx(run, "镜湖区", final=True))
    pages = openpyxl.load_workbook(convert(path, "xlsx"))
    assert pages.sheetnames == [sheet.name for sheet in unit_tables(run, "镜湖区")]


def test_another_scheme_without_raters_is_told_too() -> None:
    loaded = load_scheme("sichuan-2011")
    found = appraise(loaded, [EXAMPLES / "sichuan-2011"])
    for unit in everyone(found):
        assert named(found, unit, letter_xlsx(found, unit, final=not found.provisional)) == set()


def test_an_unknown_unit_is_a_key_error(run: Result) -> None:
    for call in (unit_tables, unit_banner):
        with pytest.raises(KeyError):
            call(run, "没有这个单位")
