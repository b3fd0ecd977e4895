"""A unit's letter holds its own numbers, its rank and its group's means, and nobody else's score."""

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from helpers import Appraise
from helpers.audiences import with_rule
from helpers.small import Sheets, texts
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme, store
from wuhu_appraisal import language as i18n
from wuhu_appraisal.model import Absent, Block, ScoreTable, StageTrace, Trace
from wuhu_appraisal.numbers import plain, round_half_up
from wuhu_appraisal.output import papers, workbook
from wuhu_appraisal.output.feedback import unit_tables
from wuhu_appraisal.output.papers import letter_docx, letter_xlsx
from wuhu_appraisal.output.redact import OtherNames, redacted
from wuhu_appraisal.output.tables import Table
from wuhu_appraisal.output.text import markdown_report, ranking_csv
from wuhu_appraisal.scheme.audiences import Audience, GroupNumber

NUMBER = re.compile(r"\d+(?:\.\d+)?")
LETTERS: dict[str, Callable[..., bytes]] = {"xlsx": letter_xlsx, "docx": letter_docx}
MEANS = ("Group's mean", "Group's mean (%)")


def everyone(run: Result) -> list[str]:
    return [unit.name for unit in run.scheme.all_units]


def alone(run: Result, unit: str) -> Result:
    """The result as if nobody else had any score: what a letter says of it is the unit's own."""
    group, standing = run.standing_of(unit)
    trace = run.traces[group]

    def own(block: Block) -> Block:
        values = [
            [
                value
                if unit
                in {
                    **block.fixed,
                    **block.rows.member(row),
                    **block.columns.member(column),
                }.values()
                else Absent.MISSING
                for column, value in enumerate(line)
            ]
            for row, line in enumerate(block.values)
        ]
        return replace(block, values=values)

    stages: dict[str, StageTrace] = {}
    for name, stage in trace.stages.items():
        scores = ScoreTable(stage.scores.dimensions, [own(block) for block in stage.scores.blocks])
        steps = [
            replace(table, rows={key: row for key, row in table.rows.items() if key[0] == unit})
            for table in stage.steps
        ]
        stages[name] = replace(stage, scores=scores, steps=steps)
    kept = {(unit,)}
    composite, final = (
        replace(table, rows={key: row for key, row in table.rows.items() if key in kept})
        for table in (trace.composite, trace.final)
    )
    return replace(
        run, traces={group: Trace(stages, composite, final)}, standings={group: [standing]}
    )


def contents(content: bytes) -> str:
    """Every text and number that a reader of a letter sees, and its properties."""
    texts: list[Any] = []
    try:
        document = docx.Document(io.BytesIO(content))
    except ValueError:
        book = openpyxl.load_workbook(io.BytesIO(content))
        for sheet in book.worksheets:
            texts += [sheet.title, sheet.oddHeader.center.text, sheet.oddFooter.center.text]  # type: ignore[union-attr]
            for row in sheet.iter_rows():
                texts += [cell.value for cell in row]
                texts += [cell.comment.text for cell in row if cell.comment]
        texts += [item.value for item in book.custom_doc_props.props]  # type: ignore[attr-defined]
    else:
        texts += [line.text for line in document.paragraphs]
        texts += [
            cell.text for table in document.tables for row in table.rows for cell in row.cells
        ]
        for section in document.sections:
            texts += [
                line.text for line in (*section.header.paragraphs, *section.footer.paragraphs)
            ]
        texts += [document.core_properties.keywords, document.core_properties.title]
    return "\n".join("" if text is None else str(text) for text in texts)


def numbers_in(text: str) -> set[Decimal]:
    return set(map(Decimal, NUMBER.findall(text)))


def published(run: Result, unit: str) -> set[Decimal]:
    """A unit's final, composite, stage scores and scores of items, as they are published and read."""
    group, standing = run.standing_of(unit)
    numbers = {standing.final, standing.composite, *standing.stages.values()}
    for stage in run.traces[group].stages.values():
        numbers |= {
            value
            for key, value in stage.scores.items()
            if key[0] == unit and isinstance(value, Decimal)
        }
    return {number for number in numbers if number is not None}


def columns(sheet: Table, *titles: str) -> list[list[Any]]:
    """The contents of some columns of a table, as far as it has them."""
    places = [at for at, column in enumerate(sheet.columns) if column.title in titles]
    return [[row[at] for row in sheet.rows] for at in places]


def without_means(sheets: Sequence[Table]) -> list[Table]:
    """The tables without the group's means, the notes about them, and the rank."""
    cut = []
    for sheet in sheets:
        places = [at for at, column in enumerate(sheet.columns) if column.title not in MEANS]
        rows = [[row[at] for at in places] for row in sheet.rows if row[0] != "Rank"]
        notes = [note for note in sheet.notes if "fewer than 5 units" not in note]
        kept = [sheet.columns[at] for at in places]
        cut.append(replace(sheet, columns=kept, rows=rows, notes=notes))
    return cut


def test_a_letter_is_that_of_the_unit_alone_but_for_its_rank_and_means_of_at_least_five(
    wuhu_run: Result,
) -> None:
    letters = {unit: unit_tables(wuhu_run, unit) for unit in everyone(wuhu_run)}
    rates: dict[tuple[str, Any, Any], list[Decimal]] = {}
    for unit, sheets in letters.items():
        group, _standing = wuhu_run.standing_of(unit)
        for sheet in sheets:
            for (own,) in ([item] for item in columns(sheet, "Own score", "Own rate (%)")):
                for row, number in zip(sheet.rows, own, strict=True):
                    if isinstance(number, Decimal):
                        rates.setdefault((group, row[0], row[1]), []).append(number)
    shown = 0
    for unit, sheets in letters.items():
        group, _standing = wuhu_run.standing_of(unit)
        assert without_means(sheets) == without_means(unit_tables(alone(wuhu_run, unit), unit))
        for sheet in sheets:
            for means in columns(sheet, *MEANS):
                for row, mean in zip(sheet.rows, means, strict=True):
                    peers = rates.get((group, row[0], row[1]), [])
                    if mean is None:
                        assert len(peers) < 5
                    elif mean != "":
                        exact = sum(map(Fraction, peers), Fraction(0)) / len(peers)
                        assert len(peers) >= 5
                        assert abs(Fraction(mean) - exact) <= Fraction(1, 100)
                        shown += 1
    assert shown > 54 * 10


def others_scores_in(run: Result, unit: str, render: Callable[..., bytes]) -> set[Decimal]:
    """What a letter holds of others' scores, apart from its own numbers, its rank and the means."""
    group, standing = run.standing_of(unit)
    assert standing.rank is not None
    own = numbers_in(contents(render(alone(run, unit), unit, final=True)))
    own |= {Decimal(standing.rank), Decimal(len(run.scheme.group(group).units))}
    own |= published(run, unit)
    language = i18n.language()
    i18n.activate("en")
    means = [means for sheet in unit_tables(run, unit) for means in columns(sheet, *MEANS)]
    i18n.activate(language)
    own |= {mean for column in means for mean in column if isinstance(mean, Decimal)}
    others = {
        number for item in run.standings[group] if item.unit != unit
        for number in published(run, item.unit)
    }  # fmt: skip
    return numbers_in(contents(render(run, unit, final=True))) & (others - own)


@pytest.mark.parametrize(
    ("every", "languages"),
    [(18, ["zh"]), pytest.param(1, ["zh", "en"], marks=pytest.mark.slow)],
)
def test_no_letter_holds_a_score_of_another_unit(
    wuhu_run: Result, every: int, languages: Sequence[str]
) -> None:
    for language in languages:
        for unit in everyone(wuhu_run)[::every]:
            for form, render in LETTERS.items():
                i18n.activate(language)
                assert others_scores_in(wuhu_run, unit, render) == set(), (unit, form, language)


@pytest.mark.parametrize("number", GroupNumber)
def test_the_search_for_others_scores_finds_each_number_that_a_scheme_may_list(
    wuhu_run: Result, number: GroupNumber
) -> None:
    opened = with_rule(wuhu_run, audiences={"unit": [number]})
    for render in LETTERS.values():
        assert others_scores_in(opened, "市教育局", render)


def test_a_unit_gets_no_other_format_than_its_letter(appraise_cli: Appraise, results: Path) -> None:
    for form in ("csv", "json", "md"):
        arguments = ("--audience", "unit", "--unit", "镜湖区", "--format", form)
        assert appraise_cli("report", *arguments).exit_code == 2
    assert sorted(path.name for path in results.iterdir()) == ["appraisal.json"]


# A small scheme, in which those who rate are not appraised

UNITS = ("甲市", "乙市", "丙市", "丁市", "戊市", "己市")
EXPERTS = ("张三", "李四", "王五", "赵六", "网信办")
ITEMS = {"a": 60, "b": 40}
SCHEME = """
id: named
title: Named
document: {title: A document}
groups:
  - {id: city, title: Cities, clause: "1", units: [UNITS]}
raters:
  - id: experts
    title: Experts
    names: [张三, 李四, 王五, {name: 赵六, aliases: [赵老师]}, {name: 网信办, aliases: [市委网信办]}]
indicators:
  - id: content
    title: Content
    clause: annex
    items: [{id: a, title: A, marks: 60}, {id: b, title: B, marks: 40}]
stages:
  - id: work
    title: Work
    clause: "3"
    weight: 50
    assessors: [Office]
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      city:
        dimensions: {indicator: {indicators: content}}
        forms: [{id: sheet, title: Sheet, file: work, axes: [unit, indicator]}]
        steps: [{roll_up: indicator, by: sum, missing: error, not_applicable: error}]
  - id: daily
    title: Daily
    clause: "4"
    weight: 10
    assessors: [Office]
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      city:
        dimensions: {round: {members: {"1": 第1轮, "2": 第2轮}}}
        full_marks: 100
        forms: [{id: round, title: Round, file: "第{round}轮", axes: [unit]}]
        steps: [{roll_up: round, by: mean, missing: error, not_applicable: error}]
  - id: vote
    title: Vote
    clause: "5"
    weight: 40
    assessors: [Experts]
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      city:
        dimensions: {rater: {raters: experts}}
        full_marks: 100
        forms: [{id: ballot, title: Ballot, file: "vote/{rater}", axes: [unit]}]
        steps: [{roll_up: rater, by: mean, missing: exclude, not_applicable: error}]
        checks: [{outlier: rater, severity: warning, clause: "5"}]
composite: {missing: error, not_applicable: error, digits: 2}
final: {digits: 2, rounding: half_up}
ranking: {}
""".replace("UNITS", ", ".join(f"{{name: {unit}}}" for unit in UNITS))

Scores = Mapping[str, Sequence[int]]
"""By unit: A, B, two rounds, and a ballot of each expert."""
LEAST = 2
"""A single 1 among scores out of 100 could mean 1 or 100 %, which is an error."""
MOST = (60, 40, 100, 100, *[100] * len(EXPERTS))


def sheets_of(scores: Scores) -> Sheets:
    heads = {"work": ["单位", "A", "B"], "第1轮": ["单位", "得分"], "第2轮": ["单位", "得分"]}
    sheets: dict[str, list[list[Any]]] = {name: [head] for name, head in heads.items()}
    sheets |= {f"vote/{name}": [["单位", "得分"]] for name in EXPERTS}
    for unit, (a, b, first, second, *ballots) in scores.items():
        sheets["work"].append([unit, a, b])
        sheets["第1轮"].append([unit, first])
        sheets["第2轮"].append([unit, second])
        for name, score in zip(EXPERTS, ballots, strict=True):
            sheets[f"vote/{name}"].append([unit, score])
    return sheets


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sheets], Result]:
    path = tmp_path_factory.mktemp("named") / "scheme.yaml"
    path.write_text(SCHEME, encoding="utf-8")
    loaded = load_scheme(path)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]

    def run(sheets: Sheets) -> Result:
        folder = tmp_path_factory.mktemp("in")
        for name, rows in sheets.items():
            path = folder / f"{name}.csv"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(texts(rows, "utf-8"))
        return appraise(loaded, [folder])

    return run


rows_of_scores = st.tuples(*(st.integers(LEAST, most) for most in MOST))


@st.composite
def twins(draw: st.DrawFn) -> tuple[Scores, Scores]:
    """Scores, and others with the same of the first unit and the same sums over all units."""
    first = {unit: list(draw(rows_of_scores)) for unit in UNITS}
    second = {unit: list(row) for unit, row in first.items()}
    for at, most in enumerate(MOST):
        giver, taker = draw(st.permutations(UNITS[1:]))[:2]
        room = min(second[giver][at] - LEAST, most - second[taker][at])
        points = draw(st.integers(0, room))
        second[giver][at] -= points
        second[taker][at] += points
    return first, second


@settings(max_examples=20)
@given(twins())
def test_two_results_that_differ_only_in_others_scores_give_the_same_letter(
    computed: Callable[[Sheets], Result], scores: tuple[Scores, Scores]
) -> None:
    first, second = (computed(sheets_of(item)) for item in scores)
    own = UNITS[0]
    assume(first.standing_of(own)[1].rank == second.standing_of(own)[1].rank)
    assert first.standing_of(own) == second.standing_of(own)
    assert unit_tables(first, own) == unit_tables(second, own)


RIGHT: Scores = {
    unit: (50 + at, 30 + at, 81 + at, 92 - at, *(70 + 3 * at + rater for rater in range(5)))
    for at, unit in enumerate(UNITS)
}


def all_copies(run: Result) -> Iterator[tuple[str, str]]:
    """The contents of each copy that leaves the office, by whom and in which format it is for."""
    for unit in UNITS:
        for form, render in LETTERS.items():
            yield f"{unit} {form}", contents(render(run, unit, final=False))
    for reader in (Audience.LEADING_GROUP, Audience.PUBLIC):
        copy = redacted(run, reader)
        for form, render in {
            "csv": ranking_csv,
            "json": store.report,
            "md": markdown_report,
        }.items():
            yield f"{reader} {form}", render(copy, final=False).decode()
        yield f"{reader} xlsx", contents(workbook.render(copy, final=False))
    yield "notice", contents(papers.notice(run, final=False))


def test_no_copy_names_a_rater_that_is_not_appraised_or_holds_a_ballot(
    computed: Callable[[Sheets], Result],
) -> None:
    odd = {
        unit: (*row[:4], *(Decimal(f"{ballot}.{17 + at}3") for at, ballot in enumerate(row[4:])))
        for unit, row in RIGHT.items()
    }
    run = computed(sheets_of(odd))  # type: ignore[arg-type]
    assert run.scheme.raters_of("experts") == list(EXPERTS)
    assert not run.provisional, [item.message for item in run.findings]
    ballots = {plain(score) for row in odd.values() for score in row[4:]}  # type: ignore[arg-type]
    for name, text in all_copies(run):
        assert [word for word in (*EXPERTS, "赵老师", "vote/") if word in text] == [], name
        assert [ballot for ballot in ballots if ballot in text] == [], name


def test_a_remark_or_a_ground_that_names_such_a_rater_is_withheld(
    computed: Callable[[Sheets], Result],
) -> None:
    scheme = computed(sheets_of(RIGHT)).scheme
    for others in (OtherNames(scheme, "甲市"), OtherNames(scheme, raters_only=True)):
        for text in ("张三认为不全", "同 赵老师 意见", "市委网信办通报"):
            assert others.named_in(text)
    assert not OtherNames(scheme, raters_only=True).named_in("乙市")


def test_a_score_of_too_few_such_raters_is_withheld(computed: Callable[[Sheets], Result]) -> None:
    sheets = {name: [list(row) for row in rows] for name, rows in sheets_of(RIGHT).items()}
    for name in EXPERTS[:3]:
        sheets[f"vote/{name}"][1][1] = None
    run = computed(sheets)
    assert not run.provisional, [item.message for item in run.findings]
    standing = run.standing_of("甲市")[1]
    vote = standing.stages["vote"]
    assert vote is not None
    [scores] = [sheet for sheet in unit_tables(run, "甲市") if sheet.name == "Scores"]
    own = {row[0]: row[2] for row in scores.rows}
    # The rounds weigh less than the vote, so the work is withheld as well.
    assert [own[stage] for stage in ("Work", "Daily", "Vote")] == ["withheld"] * 3
    assert own["Final"] == standing.final
    for name, text in all_copies(run):
        if name.split()[0] in ("甲市", "public", "leading-group"):
            assert vote not in numbers_in(text) - {standing.final, standing.composite}, name
    for unit in UNITS[1:]:
        [scores] = [sheet for sheet in unit_tables(run, unit) if sheet.name == "Scores"]
        others = [
            Fraction(score) for item in run.standings["city"] if item.unit != "甲市"
            if (score := item.stages["vote"]) is not None
        ]  # fmt: skip
        [row] = [row for row in scores.rows if row[0] == "Vote"]
        assert row[2:4] == (
            run.standing_of(unit)[1].stages["vote"],
            round_half_up(sum(others, Fraction(0)) / 5, 2),
        )


def test_rounds_are_no_raters_and_a_unit_sees_its_own(computed: Callable[[Sheets], Result]) -> None:
    run = computed(sheets_of(RIGHT))
    [lost] = [sheet for sheet in unit_tables(run, "甲市") if sheet.name == "Marks lost"]
    items = {(row[0], row[1]) for row in lost.rows}
    assert {("Daily", "第1轮"), ("Daily", "第2轮"), ("Vote", "the whole stage")} <= items


def test_each_rater_that_is_not_appraised_is_expected_by_name(
    computed: Callable[[Sheets], Result],
) -> None:
    sheets = {name: rows for name, rows in sheets_of(RIGHT).items() if name != "vote/网信办"}
    sheets["vote/市委网信办"] = sheets_of(RIGHT)["vote/网信办"]
    assert not computed(sheets).findings
    sheets["vote/钱七"] = sheets.pop("vote/市委网信办")
    assert [item.code for item in computed(sheets).findings] == ["file-name-unknown"]
