"""The reports as text: CSV, Markdown and JSON, each read back by a library that is not ours."""

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from helpers import ROOT, STAGE_FILES
from helpers.small import SHEETS, SMALL, write
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from markdown_it.token import Token

from wuhu_appraisal import Result, appraise, load_scheme, store
from wuhu_appraisal import language as i18n
from wuhu_appraisal.findings import Source, finding
from wuhu_appraisal.output.tables import Column, Content, banner, report_tables, show, stamp
from wuhu_appraisal.output.text import markdown_report, printable, ranking_csv

FORMATS = (ranking_csv, markdown_report, store.report)
HOSTILE = [
    "a|b", "\\", "a\\|b", "||", "\\\\|", "一\n二", "一\r\n二\r三", " 前后 ", "", "|", "---", "- x", "# x",
    "<script>alert(1)</script>", "<b", "<!-- x -->", "<br>", "&lt;b&gt;", "&#124;", "`a|b`", "``",
    "[x](javascript:alert(1))", "![x](http://x.cn/y.png)", "[x]: http://x.cn", "<http://x.cn>",
    "见https://x.cn/a?b=1", "见www.x.cn", "a@b.cn", "mailto:a@b.cn", "**粗**", "_斜_", "~~删~~", "$x$",
    "=1+1", "\x1b[31m红", "\u202e反", "a\tb",
]  # fmt: skip
"""Texts that must come out of a table as they went in."""


@pytest.fixture(scope="module")
def complete(wuhu_run: Result) -> Result:
    return wuhu_run


@pytest.fixture(scope="module")
def provisional(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("provisional") / "in"
    shutil.copytree(STAGE_FILES, folder, ignore=shutil.ignore_patterns("日常测评"))
    run = appraise(load_scheme("wuhu-2020"), [folder])
    assert run.provisional
    return run


@pytest.fixture(scope="module")
def ballots(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A run of the small scheme."""
    folder = tmp_path_factory.mktemp("ballots")
    write(folder, SHEETS)
    return appraise(load_scheme(SMALL), [folder])


@pytest.fixture(params=["complete", "provisional"])
def run(request: pytest.FixtureRequest) -> Result:
    found: Result = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["en", "zh"], autouse=True)
def language(request: pytest.FixtureRequest, english: None) -> str:
    language: str = request.param
    i18n.activate(language)
    return language


def count(value: Content) -> str:
    return show(value, Column("", "count"))


def standing_texts(run: Result) -> list[list[str]]:
    """Rank, unit and numbers of every unit, as ``show`` makes them of the run's standings."""
    score = Column("", "number", run.scheme.composite.digits)
    final = Column("", "number", run.scheme.final.digits)
    return [
        [
            count(item.rank),
            item.unit,
            *(show(item.stages[stage.id], score) for stage in run.scheme.stages),
            show(item.composite, score),
            show(item.points, score),
            show(item.final, final),
        ]
        for standings in run.standings.values()
        for item in standings
    ]


def group_titles(run: Result) -> list[str]:
    """The title of each unit's group, in the order of the rankings."""
    return [
        str(run.scheme.group(group).title)
        for group, standings in run.standings.items()
        for _item in standings
    ]


# CSV


def read_csv(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)


def test_the_csv_is_utf_8_with_a_mark_and_has_lines_as_rfc_4180(run: Result) -> None:
    content = ranking_csv(run, final=False)
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\xef\xbb\xbf") == 1
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")
    assert len(lines) == 2 + sum(map(len, run.standings.values()))
    assert all(b"\n" not in line and b"\r" not in line for line in lines)


def test_pandas_reads_every_cell_of_the_csv_as_it_is_shown(run: Result) -> None:
    frame = read_csv(ranking_csv(run, final=False))
    assert list(frame.columns[2:9]) == [
        i18n._("Unit"), *(str(stage.title) for stage in run.scheme.stages),
        i18n._("Composite"), i18n._("Adjustments"),
    ]  # fmt: skip
    assert frame.iloc[:, 1:-3].to_numpy().tolist() == standing_texts(run)
    assert list(frame[i18n._("Group")]) == group_titles(run)


def test_every_row_of_the_csv_says_what_it_is_and_the_columns_stay(
    complete: Result, provisional: Result
) -> None:
    frames = [
        read_csv(ranking_csv(complete, final=False)),
        read_csv(ranking_csv(complete, final=True)),
        read_csv(ranking_csv(provisional, final=False)),
    ]
    assert len({tuple(frame.columns) for frame in frames}) == 1
    states = [set(frame[i18n._("Status")]) for frame in frames]
    assert states == [
        {stamp(complete, final=False)}, {i18n._("FINAL")}, {stamp(provisional, final=False)},
    ]  # fmt: skip
    assert {copy for frame in frames for copy in frame[i18n._("Copy")]} == {"—"}
    missing = [set(frame[i18n._("Missing")]) for frame in frames]
    assert missing == [{"—"}, {"—"}, {"; ".join(banner(provisional))}]
    assert all(item.message in missing[2].pop() for item in provisional.missing[:1])


def test_no_text_of_the_csv_begins_as_a_formula_and_no_number_is_changed(tmp_path: Path) -> None:
    scheme = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    scheme["groups"][0]["title"] = "+城市"
    scheme["groups"][0]["units"] = [
        {"name": "=1+1", "aliases": ["甲市"]},
        {"name": "@SUM(A1)", "aliases": ["乙市"]},
    ]
    scheme["stages"][0]["title"] = "-工作"
    scheme["stages"][1]["title"] = "＝投票"
    path = tmp_path / "scheme.yaml"
    path.write_text(yaml.safe_dump(scheme, allow_unicode=True), encoding="utf-8")
    write(tmp_path / "in", SHEETS)
    run = appraise(load_scheme(path), [tmp_path / "in"])
    assert not run.provisional, [item.message for item in run.findings]
    below = [replace(item, final=Decimal("-5.00")) for item in run.standings["city"]]
    run = replace(run, standings={"city": below})
    frame = read_csv(ranking_csv(run, final=False))
    assert list(frame.iloc[:, 0]) == ["'+城市"] * 2
    assert list(frame.iloc[:, 2]) == ["'@SUM(A1)", "'=1+1"]
    assert list(frame.columns[3:5]) == ["'-工作", "'＝投票"]
    assert list(frame.iloc[:, 5]) == ["-5.00", "-5.00"]
    cells = [*frame.columns, *frame.to_numpy().ravel()]
    begun = [cell for cell in cells if cell[:1] in "=+-@\t\r＝＋－＠"]
    assert begun == ["-5.00", "-5.00"]


# Markdown


@dataclass
class Parsed:
    """A table as markdown-it reads it, with the heading and the paragraphs above it."""

    heading: str
    above: list[str]
    aligned: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def plain(token: Token) -> str:
    """The text of a cell; anything in it that is neither text nor a line end is a fault."""
    texts = []
    for child in token.children or []:
        if child.type == "html_inline":
            assert child.content in ("<br>", "<!-- -->"), token.content
            texts.append("\n" if child.content == "<br>" else "")
        else:
            assert child.type == "text", (child.type, token.content)
            texts.append(child.content)
    return "".join(texts)


def bare(token: Token) -> str:
    """The text of a paragraph without its marks."""
    return "".join(child.content for child in token.children or [])


def parse(content: bytes) -> list[Parsed]:
    tokens = MarkdownIt("commonmark").enable("table").parse(content.decode())
    assert not [token for token in tokens if token.type in ("html_block", "code_block", "fence")]
    tables: list[Parsed] = []
    heading, above = "", list[str]()
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            heading, above = plain(token), []
        elif before.type == "paragraph_open":
            above.append(bare(token))
        elif token.type == "table_open":
            tables.append(Parsed(heading, list(above)))
        elif before.type == "tr_open":
            tables[-1].rows.append([])
        if before.type in ("th_open", "td_open"):
            tables[-1].rows[-1].append(plain(token))
        if before.type == "th_open":
            tables[-1].aligned.append(str(before.attrGet("style") or ""))
    return tables


def readable(text: str) -> str:
    """A text as a reader sees it: no control signs, one kind of line end and of space."""
    lines = re.split(r"\r\n|\r|\n", text)
    return "\n".join(printable(line) for line in lines).replace("\xa0", " ")


def as_read(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[text.replace("\xa0", " ") for text in row] for row in rows]


def assert_tables(run: Result, content: bytes) -> None:
    """Every cell of every table of the view, in its order, is in the Markdown as it is shown."""
    tables = parse(content)
    views = report_tables(run)
    assert [table.heading for table in tables] == [readable(sheet.title) for sheet in views]
    for table, sheet in zip(tables, views, strict=True):
        titles = [column.title for column in sheet.columns]
        shown = [
            [readable(show(content, column)) for content, column in zip(row, sheet.columns, strict=True)]
            for row in sheet.rows
        ]  # fmt: skip
        assert as_read(table.rows) == [titles, *shown]
        numeric = [column.kind in ("number", "count") for column in sheet.columns]
        assert [style == "text-align:right" for style in table.aligned] == numeric


def test_every_cell_of_every_table_of_the_markdown_is_as_it_is_shown(run: Result) -> None:
    assert_tables(run, markdown_report(run, final=False))


def test_the_rankings_in_the_markdown_are_those_of_the_standings(run: Result) -> None:
    tables = parse(markdown_report(run, final=False))[: len(run.standings)]
    assert [row for table in tables for row in table.rows[1:]] == standing_texts(run)


def test_every_table_of_a_provisional_result_says_so_above_it(provisional: Result) -> None:
    content = markdown_report(provisional, final=False)
    tables = parse(content)
    assert len(tables) == len(report_tables(provisional))
    assert all(table.above == [stamp(provisional, final=False)] for table in tables)
    text = content.decode()
    for line in banner(provisional):
        assert f"> **{line}**" in text


def test_a_draft_says_so_and_a_final_report_says_nothing(complete: Result) -> None:
    draft = parse(markdown_report(complete, final=False))
    assert all(table.above == [stamp(complete, final=False)] for table in draft)
    final = markdown_report(complete, final=True)
    assert all(table.above == [] for table in parse(final))
    assert stamp(complete, final=False) not in final.decode()
    assert_tables(complete, final)


def with_reasons(run: Result, texts: Sequence[str]) -> Result:
    """The run with these texts for the reasons and the evidence of a unit's records."""
    group, standings = next(iter(run.standings.items()))
    record = standings[0].adjustments[0]
    records = [replace(record, reason=text, evidence=text) for text in texts]
    changed = [replace(standings[0], adjustments=records), *standings[1:]]
    return replace(run, standings={**run.standings, group: changed})


def test_no_text_breaks_a_table_of_the_markdown_or_becomes_a_mark(complete: Result) -> None:
    run = with_reasons(complete, HOSTILE)
    content = markdown_report(run, final=False)
    assert_tables(run, content)
    text = content.decode()
    assert "\x1b" not in text
    assert "\u202e" not in text
    # What GFM 6.9 makes links of without any marks.
    assert not re.search(r"(?<!\\)://|www\.|(?<!>)@", text, re.IGNORECASE)


SIGNS = st.sampled_from([*"|\\<>&`*_[]()!#~$@:/.-+=\"'\n\r \tab1甲\xa0", "www.", "://", "<br>"])


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.lists(SIGNS, max_size=12).map("".join) | st.text(), max_size=8))
def test_any_text_comes_out_of_the_markdown_as_it_went_in(
    ballots: Result, texts: list[str]
) -> None:
    run = replace(ballots, findings=[finding("file-empty", Source(text)) for text in texts])
    assert_tables(run, markdown_report(run, final=False))


# JSON


def numbers(report: dict[str, Any]) -> Iterator[list[str]]:
    """Rank, unit and numbers of every unit in a report, absent ones as they are shown."""
    for units in report["standings"].values():
        for unit in units:
            values = [*unit["stages"].values(), unit["composite"], unit["points"], unit["final"]]
            yield [count(unit["rank"]), unit["unit"], *map(count, values)]


def test_the_json_holds_every_published_number_as_it_is_shown(run: Result) -> None:
    report = json.loads(store.report(run, final=False))
    assert list(numbers(report)) == standing_texts(run)
    assert (report["provisional"], report["final"]) == (run.provisional, False)
    assert [item["message"] for item in report["findings"]] == [
        item.message for item in run.findings
    ]
    assert [item["sha256"] for item in report["sources"]] == [item.sha256 for item in run.sources]
    assert report["scheme"]["sha256"] == run.scheme_sha256
    assert not {"trace", "scores", "ledger"} & report.keys()


def test_the_json_holds_every_record_with_its_unit_and_its_cell(run: Result) -> None:
    report = json.loads(store.report(run, final=False))
    records = [
        (record["id"], unit["unit"], Decimal(record["points"]), record["source"]["cell"])
        for units in report["standings"].values()
        for unit in units
        for record in unit["adjustments"]
    ]
    assert records == [
        (record.id, item.unit, record.points, record.source.cell)
        for units in run.standings.values()
        for item in units
        for record in item.adjustments
    ]
    assert len(records) > 10


def test_an_approved_report_says_that_it_is_final(complete: Result) -> None:
    assert json.loads(store.report(complete, final=True))["final"] is True


def test_the_json_schema_in_docs_is_the_one_of_the_model() -> None:
    text = (ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == store.schema()
    Draft202012Validator.check_schema(store.schema())
    for model in (store.schema(), *store.schema()["$defs"].values()):
        assert model.get("description") or model["type"] == "array"


@pytest.mark.parametrize("write", [store.dump, partial(store.report, final=False)])
def test_a_result_and_a_report_fit_the_json_schema_and_spoilt_ones_do_not(
    write: Callable[[Result], bytes], run: Result
) -> None:
    validator = Draft202012Validator(store.schema())
    content = json.loads(write(run))
    validator.validate(content)
    content["standings"]["county"][0]["rank"] = "first"
    assert not validator.is_valid(content)


# All of them


@pytest.mark.parametrize("form", FORMATS)
def test_a_provisional_result_is_never_rendered_as_final(
    form: Callable[..., bytes], provisional: Result
) -> None:
    with pytest.raises(ValueError, match="provisional"):
        form(provisional, final=True)


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_run_makes_the_same_bytes_also_when_it_comes_from_its_file(
    form: Callable[..., bytes], run: Result
) -> None:
    first = form(run, final=False)
    assert form(run, final=False) == first
    again, found = store.load(store.dump(run), load_scheme("wuhu-2020"), "appraisal.json")
    assert found == []
    assert again is not None
    assert form(again, final=False) == first
