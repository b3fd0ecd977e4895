"""Who sees what: no audience sees more than the scheme declares, in any format."""

import csv
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from helpers import ROOT, STAGE_FILES, Appraise
from helpers.audiences import with_rule
from openpyxl.comments import Comment

from wuhu_appraisal import appraise, load_scheme, store
from wuhu_appraisal.output import papers, tables, workbook
from wuhu_appraisal.output.feedback import unit_tables
from wuhu_appraisal.output.papers import letter_docx, letter_xlsx
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.text import markdown_report, ranking_csv
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Audiences, Detail

RENDERERS: dict[str, Callable[..., bytes]] = {
    "xlsx": workbook.render,
    "docx": papers.notice,
    "csv": ranking_csv,
    "json": store.report,
    "md": markdown_report,
}
READERS = (Audience.LEADING_GROUP, Audience.PUBLIC)
BALLOT = Path("双向互评/测评县市区/市发改委.xlsx")


@pytest.fixture(scope="module")
def run(wuhu_run: Result) -> Result:
    return wuhu_run


@pytest.fixture(scope="module")
def remarkable(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The example with a flat ballot, a lost ballot, and a note in a ballot and in another sheet."""
    folder = tmp_path_factory.mktemp("remarkable") / "stage-files"
    shutil.copytree(STAGE_FILES, folder)
    for name, note in ((BALLOT, "本表由张三填写"), (Path("日常测评/第1轮.xlsx"), "当日网站维护")):
        book = openpyxl.load_workbook(folder / name)
        cells = book.worksheets[0]["C"]
        scores = [cell for cell in cells if isinstance(cell.value, int | float)]
        if name == BALLOT:
            for cell in scores:
                cell.value = 90
        scores[0].comment = Comment(note, "x")
        book.save(folder / name)
    (folder / BALLOT).with_name("市教育局.xlsx").unlink()
    result = appraise(load_scheme("wuhu-2020"), [folder])
    assert result.provisional
    return result


def unpacked(content: bytes) -> str:
    """All that a file holds."""
    if not content.startswith(b"PK"):
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())


def rendered(form: str, run: Result, reader: Audience, recipient: str = "") -> bytes:
    """A copy in a format. The notice is cut down by its renderer."""
    whole = replace(run, copy=Copy(reader, recipient, run.id))
    copy = whole if form == "docx" else redacted(run, reader, recipient)
    return RENDERERS[form](copy, final=False)


def ballots(run: Result) -> dict[str, str]:
    """The files of ballots with their hashes."""
    return {item.file: item.sha256 for item in run.sources if item.stages == ("mutual",)}


# Raters' scores


@pytest.mark.parametrize("reader", READERS)
def test_no_rater_s_score_is_in_a_copy_and_no_number_of_a_step(
    run: Result, reader: Audience
) -> None:
    copy = redacted(run, reader)
    scores = copy.scores()
    assert "mutual" not in set(scores["stage"])
    assert len(copy.trace()) == 0
    assert (len(scores) > 1000) is (reader is Audience.LEADING_GROUP)
    assert copy.standings == run.standings or reader is Audience.PUBLIC


def test_no_format_names_a_ballots_file_or_hash_to_the_leading_group_or_the_public(
    run: Result,
) -> None:
    files = ballots(run)
    secrets = [*files, *files.values(), "测评县市区", "测评市直单位"]
    assert len(secrets) == 48
    for reader in READERS:
        for form in RENDERERS:
            text = unpacked(rendered(form, run, reader))
            assert [secret for secret in secrets if secret in text] == [], (reader, form)
    office = unpacked(rendered("xlsx", run, Audience.OFFICE))
    assert all(secret in office for secret in secrets[:46])


def test_an_audience_that_may_see_raters_sees_all_that_the_office_sees(run: Result) -> None:
    every = with_rule(run, audiences=Audiences(**{"leading-group": [*Detail]}))
    copy = redacted(every, Audience.LEADING_GROUP)
    assert replace(copy, copy=every.copy) == every
    assert unpacked(rendered("xlsx", every, Audience.LEADING_GROUP)).count("<f>") > 2000


def test_the_leading_group_has_the_tables_with_the_files_and_rows_that_hold_no_ballot(
    run: Result,
) -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(rendered("xlsx", run, Audience.LEADING_GROUP)), data_only=False
    )
    names = [table.name for table in tables.report_tables(redacted(run, Audience.LEADING_GROUP))]
    assert book.sheetnames == names
    assert {"Findings", "Sources"} <= set(names)
    sources = list(book["Sources"].iter_rows(values_only=True))
    rows = [row for row in sources if str(row[0]).startswith("日常测评/")]
    assert len(rows) == 8
    assert all(row[1] and row[3] and row[4] for row in rows)


def test_what_was_found_in_ballots_stays_in_the_office_and_is_counted(remarkable: Result) -> None:
    copy = redacted(remarkable, Audience.LEADING_GROUP)
    assert [item for item in remarkable.findings if item.source.file == str(BALLOT)]
    files = ballots(remarkable)
    assert [item.code for item in copy.findings if item.source.file in files] == []
    texts = "\n".join(item.message + str(item.source) for item in copy.findings)
    assert "市教育局" not in texts
    assert "市教育局" in "\n".join(item.message for item in remarkable.findings)
    errors, warnings = (item for item in copy.findings if item.code == "findings-withheld")
    assert (errors.severity, warnings.severity) == ("error", "warning")
    assert int(str(errors.params["count"])) == len(remarkable.missing) - len(copy.missing) + 1
    hidden = sum(
        len(before) - len(after)
        for before, after in (
            (remarkable.findings, copy.findings[2:]),
            (remarkable.decisions, copy.decisions),
            (remarkable.sources, copy.sources),
        )
    )
    assert sum(int(str(item.params["count"])) for item in (errors, warnings)) == hidden


def test_notes_on_cells_and_how_cells_were_read_stay_in_the_office(remarkable: Result) -> None:
    assert {"本表由张三填写", "当日网站维护"} <= {item.text for item in remarkable.remarks}
    for reader in READERS:
        copy = redacted(remarkable, reader)
        assert (list(copy.ledger), list(copy.remarks)) == ([], [])
        for form in RENDERERS:
            text = unpacked(rendered(form, remarkable, reader))
            assert "张三" not in text and "网站维护" not in text


def edit(path: Path, change: Callable[[Any], None]) -> None:
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    book.save(path)


def reread(tmp_path: Path, changes: Callable[[Path], None]) -> Result:
    """The example with changes to its folder."""
    folder = tmp_path / "changed"
    shutil.copytree(STAGE_FILES, folder)
    changes(folder)
    return appraise(load_scheme("wuhu-2020"), [folder])


def test_decisions_that_name_a_rater_or_are_about_a_ballot_stay_in_the_office(
    tmp_path: Path,
) -> None:
    daily = "{file: 日常测评/第1轮.xlsx, sheet: 县(市)区, cell: %s, decide: correct, was: %s,"
    ballot = f"{{file: {BALLOT.as_posix()}, sheet: 评分表, cell: C8, decide: correct, was: 85.62,"
    by = "by: 王五, at: 2021-02-25}"

    def changes(folder: Path) -> None:
        sheet = openpyxl.load_workbook(folder / "日常测评" / "第1轮.xlsx")["县(市)区"]
        first, second = (daily % (cell, sheet[cell].value) for cell in ("C4", "C5"))
        (folder / "decisions.yaml").write_text(
            "decisions:\n"
            f"  - {first} value: 85.87, reason: 与市发改委的评分核对, {by}\n"
            f"  - {second} value: 85.87, reason: 笔误, {by}\n"
            f"  - {ballot} value: 85.87, reason: 笔误, {by}\n",
            encoding="utf-8",
        )

    result = reread(tmp_path, changes)
    assert len(result.decisions) == 3
    decisions = redacted(result, Audience.LEADING_GROUP).decisions
    assert [item.decision.cell for item in decisions] == ["C5"]
    assert "与市发改委" not in unpacked(rendered("xlsx", result, Audience.LEADING_GROUP))


def test_a_file_that_holds_a_ballot_is_not_named_for_its_other_sheets(run: Result) -> None:
    """As though a round of the daily measurement had come in a ballot's file."""
    trace = run.traces["county"]
    daily = trace.stages["daily"]
    blocks = [replace(daily.scores.blocks[0], file=str(BALLOT)), *daily.scores.blocks[1:]]
    joined = replace(daily, scores=replace(daily.scores, blocks=blocks))
    traces = {**run.traces, "county": replace(trace, stages={**trace.stages, "daily": joined})}
    changed = replace(run, traces=traces)
    assert str(BALLOT) not in unpacked(rendered("xlsx", changed, Audience.LEADING_GROUP))


# Provisional results, the public, ranks only


@pytest.mark.parametrize("reader", [*READERS, Audience.OFFICE])
def test_a_provisional_result_is_provisional_for_everybody(
    remarkable: Result, reader: Audience
) -> None:
    copy = redacted(remarkable, reader)
    assert copy.provisional
    for form, render in RENDERERS.items():
        assert "provisional" in unpacked(rendered(form, remarkable, reader)).casefold()
        with pytest.raises(ValueError, match="provisional"):
            render(remarkable if form == "docx" else copy, final=True)


def test_the_public_sees_scores_and_ranks_and_nothing_of_how_they_were_found(
    remarkable: Result,
) -> None:
    copy = redacted(with_rule(remarkable), Audience.PUBLIC)
    assert copy.standings.keys() == remarkable.standings.keys()
    for group, units in copy.standings.items():
        pairs = zip(units, remarkable.standings[group], strict=True)
        assert all((a.unit, a.rank, a.final) == (b.unit, b.rank, b.final) for a, b in pairs)
    assert (copy.ledger, copy.remarks, copy.decisions, copy.sources) == ((), (), (), ())
    assert copy.traces == {}
    assert [item.code for item in copy.findings] == ["findings-withheld"]
    assert copy.findings[0].params["count"] == str(len(remarkable.missing))
    report = json.loads(store.report(copy, final=False))
    assert report["sources"] == []
    assert all(
        record["source"] == {"file": "", "sheet": "", "cell": "", "line": 0, "column": 0}
        for units in report["standings"].values()
        for unit in units
        for record in unit["adjustments"]
    )
    book = openpyxl.load_workbook(io.BytesIO(workbook.render(copy, final=False)))
    titles = [table.title for table in tables.report_tables(copy)]
    assert titles[-2:] == [tables.weights(copy.scheme).title, tables.assumptions(copy.scheme).title]
    assert len(book.sheetnames) == len(titles) == 5


def test_what_the_scheme_keeps_secret_the_public_cannot_be_shown(tmp_path: Path) -> None:
    folder = tmp_path / "scheme"
    shutil.copytree(ROOT / "config" / "wuhu-2020", folder)
    path = folder / "scheme.yaml"
    text = path.read_text(encoding="utf-8")
    assert "public: []" in text
    path.write_text(text.replace("public: []", "public: [scores, findings]"), encoding="utf-8")
    loaded = load_scheme(str(folder))
    assert [item.code for item in loaded.findings] == ["scheme-secret-public"]


def test_where_scores_are_not_shown_there_are_only_ranks(run: Result) -> None:
    closed = with_rule(run, audiences=Audiences(public=[]))
    scores = {
        str(number)
        for units in run.standings.values()
        for item in units
        for number in (*item.stages.values(), item.composite, item.final)
    }
    for form in RENDERERS:
        text = unpacked(rendered(form, closed, Audience.PUBLIC))
        assert "镜湖区" in text
        assert [number for number in scores if f">{number}<" in text or f",{number}," in text] == []
    group = json.loads(rendered("json", closed, Audience.PUBLIC))["standings"]["county"]
    assert [unit["rank"] for unit in group] == [item.rank for item in run.standings["county"]]
    assert {unit["final"] for unit in group} == {None}


def test_published_numbers_are_the_same_for_all_who_see_them(run: Result) -> None:
    opened = with_rule(run)
    office, *others = (
        tables.rankings(redacted(opened, reader)) for reader in (Audience.OFFICE, *READERS)
    )
    assert all(other == office for other in others)
    assert isinstance(office[0].rows[0][-1], Decimal)


# Too few raters


def test_a_mean_of_too_few_raters_is_shown_only_to_those_who_see_the_raters(run: Result) -> None:
    strict = with_rule(run, fewest_raters=10)
    copy = redacted(strict, Audience.PUBLIC)
    county, municipal = (copy.standings[group] for group in ("county", "municipal"))
    # 16 raters rate the counties, 7 the municipal units.
    assert [item.stages for item in county] == [item.stages for item in run.standings["county"]]
    weights = {stage.id: Fraction(stage.weight or 0) for stage in run.scheme.stages}
    for item in municipal:
        hidden = [stage for stage, score in item.stages.items() if score is None]
        assert "mutual" in hidden
        # One equation, at least two unknowns: the composite does not give the mean.
        assert len(hidden) >= 2
        assert sum(weights[stage] for stage in hidden if stage != "mutual") * 5 >= weights["mutual"]
    text = ranking_csv(copy, final=False).decode("utf-8-sig")
    rows = {row["Unit"]: row for row in csv.DictReader(io.StringIO(text))}
    assert {rows[item.unit]["Mutual rating"] for item in municipal} == {"—"}
    for item in run.standings["county"]:
        assert rows[item.unit]["Mutual rating"] == str(item.stages["mutual"])
    assert "withheld" in unpacked(markdown_report(copy, final=False))
    assert redacted(strict, Audience.OFFICE).standings == run.standings
    leading = redacted(strict, Audience.LEADING_GROUP)
    assert [item.stages for item in leading.standings["municipal"]] == [
        item.stages for item in municipal
    ]


def test_the_notice_heeds_the_fewest_raters_whoever_asks_for_it(run: Result) -> None:
    strict = with_rule(run, fewest_raters=10)
    for copy in (strict, redacted(strict, Audience.PUBLIC)):
        assert "fewer than 10 raters gave them" in unpacked(papers.notice(copy, final=True))
    assert "raters gave them" not in unpacked(papers.notice(run, final=True))


def test_whoever_asks_for_the_notice_by_command_gets_what_the_public_may_know(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    folder = tmp_path / "scheme"
    shutil.copytree(ROOT / "config" / "wuhu-2020", folder)
    path = folder / "scheme.yaml"
    text = path.read_text(encoding="utf-8")
    few = text.replace("fewest_raters: 5", "fewest_raters: 10")
    for public, columns, mean in (("[scores]", 9, "—"), ("[]", 2, None)):
        path.write_text(few.replace("public: []", f"public: {public}"), encoding="utf-8")
        assert appraise_cli("compute", STAGE_FILES, "--scheme", folder).exit_code == 0
        for audience in ("office", "leading-group", "public", None):
            arguments = ["--format", "docx", "--out", "notice.docx", "--scheme", folder]
            arguments += ["--audience", audience] if audience else []
            assert appraise_cli("report", *arguments).exit_code == 0
            municipal = docx.Document(str(tmp_path / "notice.docx")).tables[1]
            assert {len(row.cells) for row in municipal.rows} == {columns}
            assert mean is None or {row.cells[3].text for row in municipal.rows[1:]} == {mean}


def test_the_public_table_and_a_letter_together_do_not_give_a_withheld_mean(tmp_path: Path) -> None:
    def changes(folder: Path) -> None:
        for path in sorted((folder / BALLOT).parent.iterdir())[4:]:

            def one_blank(sheet: Any) -> None:
                next(row for row in sheet.iter_rows() if row[1].value == "镜湖区")[2].value = None

            edit(path, one_blank)

    odd = with_rule(reread(tmp_path, changes), fewest_raters=5)
    public = redacted(odd, Audience.PUBLIC).standings["county"]
    hidden = next(item for item in public if item.unit == "镜湖区")
    assert hidden.stages["mutual"] is None
    company = [stage for stage, score in hidden.stages.items() if score is None]
    company.remove("mutual")
    assert company
    [scores] = [table for table in unit_tables(odd, "弋江区") if table.name == "Scores"]
    for stage in company:
        row = next(row for row in scores.rows if row[0] == str(odd.scheme.stage(stage).title))
        others = [score for item in public if (score := item.stages[stage]) is not None]
        mean = sum(map(Fraction, others), Fraction(0)) / len(others)
        assert isinstance(row[3], Decimal)
        assert abs(Fraction(row[3]) - mean) <= Fraction(1, 100)


def test_what_is_withheld_is_said_in_data_too(run: Result) -> None:
    copy = redacted(with_rule(run, fewest_raters=10), Audience.PUBLIC)
    notes = json.loads(store.report(copy, final=True))["copy"]["notes"]
    assert ["fewer than 10 raters" in note for note in notes] == [True]
    lines = unpacked(ranking_csv(copy, final=True)).splitlines()
    assert all(notes[0] in line for line in lines[1:])


# Letters to units


@pytest.mark.parametrize("render", [letter_xlsx, letter_docx])
def test_a_unit_sees_others_scores_only_where_the_scheme_says_so(
    run: Result, render: Callable[..., bytes]
) -> None:
    own = unpacked(render(run, "镜湖区", final=False))
    assert "鸠江区" not in own
    opened = with_rule(run, audiences=Audiences(unit=[Detail.SCORES]))
    both = unpacked(render(opened, "镜湖区", final=False))
    assert all(unit.name in both for unit in run.scheme.group("county").units)
    assert "市发改委" not in both


def test_a_letter_is_the_units_own_copy_unless_it_goes_to_somebody_else(run: Result) -> None:
    assert "copy of 镜湖区 · result " + run.id in unpacked(letter_xlsx(run, "镜湖区", final=True))
    other = replace(run, copy=Copy(Audience.UNIT, "王五", run.id))
    assert "copy of 王五 · result " + run.id in unpacked(letter_docx(other, "镜湖区", final=True))


# Whose copy it is


def test_every_sheet_and_page_names_the_recipient_and_the_result(run: Result) -> None:
    copy = redacted(run, Audience.LEADING_GROUP, "王五")
    marker = tables.marker(copy)
    assert "王五" in marker
    assert run.id in marker
    book = openpyxl.load_workbook(io.BytesIO(workbook.render(copy, final=True)))
    for sheet in book.worksheets:
        assert marker in [row[0].value for row in sheet.iter_rows(max_row=4)], sheet.title
        assert sheet.oddFooter is not None
        assert str(sheet.oddFooter.center.text).endswith(f"\n{marker}")
    paper = rendered("docx", run, Audience.LEADING_GROUP, "王五")
    page = docx.Document(io.BytesIO(paper)).sections[0]
    for header in (page.header, page.even_page_header):
        assert header.paragraphs[0].text.endswith(marker)
    lines = unpacked(ranking_csv(copy, final=True)).splitlines()
    assert all(line.endswith(marker) for line in lines[1:])
    assert marker in unpacked(markdown_report(copy, final=True))
    assert json.loads(store.report(copy, final=True))["copy"] == {
        "audience": "leading-group",
        "recipient": "王五",
        "result": run.id,
        "shows": ["findings", "scores"],
        "notes": [],
    }


def test_a_copys_holder_stands_in_the_properties_of_a_document_too(run: Result) -> None:
    named = replace(run, copy=Copy(Audience.PUBLIC, "王五", run.id))
    for content in (papers.notice(named, final=True), letter_docx(run, "镜湖区", final=True)):
        document = docx.Document(io.BytesIO(content))
        holder = document.sections[0].header.paragraphs[0].text
        assert document.core_properties.keywords == holder
        assert run.id in holder


def test_the_id_changes_with_the_input_and_not_with_the_audience(
    run: Result, remarkable: Result
) -> None:
    assert {redacted(run, reader).id for reader in (*READERS, Audience.OFFICE)} == {run.id}
    assert run.id != remarkable.id
    assert appraise(load_scheme("wuhu-2020"), [STAGE_FILES]).id == run.id


def test_what_the_office_keeps_bears_no_marker(run: Result) -> None:
    assert tables.marker(redacted(run, Audience.OFFICE)) == ""
    assert tables.marker(redacted(run, Audience.OFFICE, "王五")) != ""


def test_a_copy_is_not_made_of_one_that_lacks_something(run: Result) -> None:
    with pytest.raises(ValueError, match="lacks"):
        redacted(redacted(run, Audience.PUBLIC), Audience.LEADING_GROUP)


@pytest.mark.parametrize("reader", READERS)
def test_the_same_input_gives_the_same_bytes_to_the_same_readers(
    run: Result, reader: Audience
) -> None:
    again = replace(appraise(load_scheme("wuhu-2020"), [STAGE_FILES]), computed_at=run.computed_at)
    for form in RENDERERS:
        first, second = (rendered(form, item, reader, "王五") for item in (run, again))
        assert first == second, form


# The command


def test_the_command_writes_a_copy_for_each_audience_and_says_what_it_lacks(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    assert appraise_cli("compute", STAGE_FILES).exit_code == 0
    office = appraise_cli("report")
    assert (office.exit_code, office.stderr) == (0, "")
    leading = appraise_cli("report", "--audience", "leading-group", "--recipient", "王五")
    assert leading.exit_code == 0
    assert "[findings-withheld]" in leading.stderr
    public = appraise_cli("report", "--audience", "public", "--format", "md")
    assert public.exit_code == 0
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert {"wuhu-2020.xlsx", "wuhu-2020-leading-group.xlsx", "wuhu-2020-public.md"} <= names
    assert "双向互评/" not in (tmp_path / "results" / "wuhu-2020-public.md").read_text("utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--audience", "unit"),
        ("--audience", "public", "--unit", "镜湖区"),
        ("--audience", "office", "--each-unit", "letters"),
        ("--recipient", ""),
        ("--recipient", "   "),
        ("--recipient", "王" * 41),
        ("--recipient", "a\x1b[31mb"),
        ("--audience", "everybody"),
    ],
)
def test_what_does_not_go_together_is_refused(
    appraise_cli: Appraise, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert appraise_cli("report", *arguments).exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["\u3164", "\u115f", "\u2800", "张三\ufe00", "x\u034f", "a\u202eb"]
)
def test_a_recipient_is_a_name_whose_every_character_is_visible(
    appraise_cli: Appraise, name: str
) -> None:
    assert appraise_cli("report", "--recipient", name).exit_code == 2


def test_a_name_that_no_file_can_hold_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(STAGE_FILES, folder)
    name = os.fsencode(folder / BALLOT.parent) + b"/\xff\xfe.xlsx"
    Path(os.fsdecode(name)).write_bytes((folder / BALLOT).read_bytes())
    result = appraise(load_scheme("wuhu-2020"), [folder])
    assert store.dump(result).decode()
    assert any("x{ff}" in str(item.source) for item in result.findings)
