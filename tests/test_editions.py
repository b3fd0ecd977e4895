"""Who is shown what: no audience sees more than the scheme declares, in any format."""

import csv
import io
import json
import os
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from helpers import ROOT, STAGE_FILES, Appraise
from helpers.office import convert_all
from helpers.recalculation import differing
from openpyxl.comments import Comment
from wuhu_appraisal.output.aliases import rated_stages
from wuhu_appraisal.verify.results import Compared

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal import store as result
from wuhu_appraisal.model import Axis, Block, Score, ScoreTable
from wuhu_appraisal.output import aliases, feedback, notice, published, workbook
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.letters import letter_docx, letter_xlsx
from wuhu_appraisal.output.redact import edition
from wuhu_appraisal.output.text import markdown_report, ranking_csv
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Audiences, Confidentiality, Detail
from wuhu_appraisal.verify import workbooks

RENDERERS: dict[str, Callable[..., bytes]] = {
    "xlsx": workbook.render,
    "docx": notice.render,
    "csv": ranking_csv,
    "json": published.render,
    "md": markdown_report,
}
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")
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
    found = appraise(load_scheme("wuhu-2020"), [folder])
    assert found.provisional
    return found


def with_rule(run: Result, **rule: object) -> Result:
    """The run under a scheme with another rule of confidentiality."""
    scheme = run.scheme.model_copy(update={"confidentiality": Confidentiality(**rule)})
    return replace(run, scheme=scheme)


def told(content: bytes) -> str:
    """All that a file holds, unpacked."""
    if not content.startswith(b"PK"):
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())


def columns(run: Result, group: str, stage: str) -> dict[str, tuple[Score, ...]]:
    """What each rater gave to the units in the order of the group."""
    found: dict[str, dict[str, Score]] = {}
    for key, value in run.traces[group].stages[stage].scores.items():
        found.setdefault(key[1], {})[key[0]] = value
    units = [unit.name for unit in run.scheme.group(group).units]
    return {rater: tuple(given[unit] for unit in units) for rater, given in found.items()}


def ballot_files(run: Result) -> set[str]:
    return {item.file for item in run.sources if item.stages == ("mutual",)}


def test_the_leading_group_sees_every_ballot_and_no_raters_name(run: Result) -> None:
    shown = edition(run, Audience.LEADING_GROUP)
    for group in run.standings:
        ours, theirs = columns(run, group, "mutual"), columns(shown, group, "mutual")
        assert Counter(ours.values()) == Counter(theirs.values())
        assert [*theirs] == [f"Rater {number}" for number in range(1, len(ours) + 1)]
        for unit in run.scheme.group(group).units:
            for stage in run.scheme.stages:
                before = run.traces[group].stages[stage.id].value(unit.name)
                assert shown.traces[group].stages[stage.id].value(unit.name) == before
    assert shown.standings == run.standings


def test_no_format_tells_the_leading_group_or_the_public_a_ballots_file_or_hash(
    run: Result,
) -> None:
    secrets = [item.sha256 for item in run.sources if item.stages == ("mutual",)]
    secrets += [*ballot_files(run), "测评县市区", "测评市直单位"]
    assert len(secrets) == 48
    for reader in READERS:
        shown = edition(run, reader)
        for form, render in RENDERERS.items():
            text = told(render(run if form == "docx" else shown, final=False))
            assert [secret for secret in secrets if secret in text] == [], (reader, form)
    office = told(workbook.render(edition(run, Audience.OFFICE), final=False))
    assert all(secret in office for secret in secrets[:46])


def test_a_column_of_ballots_stands_in_the_workbook_under_numbers(run: Result) -> None:
    content = workbook.render(edition(run, Audience.LEADING_GROUP), final=False)
    book = openpyxl.load_workbook(io.BytesIO(content))
    [sheet] = [item for item in book.worksheets if item.title.startswith("Mutual r Counties")]
    rows = list(sheet.iter_rows(values_only=True))
    header = next(row for row in rows if row[0] == "Unit")
    assert list(header[2:18]) == [f"Rater {number}" for number in range(1, 17)]
    raters = run.scheme.raters_of("leading_group")
    texts = [str(cell) for row in rows for cell in row if cell is not None]
    assert [name for name in raters if any(name in text for text in texts)] == []


def test_numbers_are_the_same_within_a_run_and_drawn_anew_for_another(
    run: Result, remarkable: Result
) -> None:
    first, again, other = (
        [columns(run, "county", "mutual")[name] for name in order(item)]
        for item in (run, run, remarkable)
    )
    assert first == again
    assert first != other
    # The order of the files and of the scheme's list would tell as much as names.
    names = order(run)
    assert names not in (sorted(names), [*columns(run, "county", "mutual")])
    assert names != [name for name in run.scheme.raters_of("leading_group") if name in names]


def order(run: Result) -> Sequence[str]:
    """The raters of the counties who voted in both runs, in the order of their numbers."""
    ours = columns(run, "county", "mutual")
    theirs = columns(edition(run, Audience.LEADING_GROUP), "county", "mutual")
    known = {given: name for name, given in ours.items()}
    assert len(known) == len(ours)
    return [known[given] for given in theirs.values() if known[given] != "市教育局"]


def test_what_was_found_in_ballots_stays_in_the_office_and_is_counted(remarkable: Result) -> None:
    shown = edition(remarkable, Audience.LEADING_GROUP)
    about = {item.code for item in remarkable.findings if item.source.file == str(BALLOT)}
    assert about
    assert [
        item.code for item in shown.findings if item.source.file in ballot_files(remarkable)
    ] == []
    texts = "\n".join(item.message + str(item.source) for item in shown.findings)
    assert "市教育局" not in texts
    assert "市教育局" in "\n".join(item.message for item in remarkable.findings)
    assert [item.text for item in shown.remarks if "张三" in item.text] == []
    assert [item.text for item in remarkable.remarks if "张三" in item.text] != []
    assert [item.text for item in shown.remarks if "维护" in item.text] != []
    errors, warnings = (item for item in shown.findings if item.code == "findings-withheld")
    assert (errors.severity, warnings.severity) == ("error", "warning")
    assert int(str(errors.params["count"])) == len(remarkable.missing) - len(shown.missing) + 1


@pytest.mark.parametrize("reader", [*READERS, Audience.OFFICE])
def test_a_provisional_result_is_provisional_for_everybody(
    remarkable: Result, reader: Audience
) -> None:
    shown = edition(remarkable, reader)
    assert shown.provisional
    for form, render in RENDERERS.items():
        one = remarkable if form == "docx" else shown
        assert "provisional" in told(render(one, final=False)).casefold()
        with pytest.raises(ValueError, match="provisional"):
            render(one, final=True)


def test_the_public_sees_scores_and_ranks_and_nothing_of_how_they_were_found(
    remarkable: Result,
) -> None:
    shown = edition(remarkable, Audience.PUBLIC)
    assert shown.standings.keys() == remarkable.standings.keys()
    for group, units in shown.standings.items():
        pairs = zip(units, remarkable.standings[group], strict=True)
        assert all((a.unit, a.rank, a.final) == (b.unit, b.rank, b.final) for a, b in pairs)
    assert (shown.ledger, shown.remarks, shown.decisions, shown.sources) == ((), (), (), ())
    assert shown.traces == {}
    assert [item.code for item in shown.findings] == ["findings-withheld"]
    [report] = [json.loads(published.render(shown, final=False))]
    assert report["sources"] == []
    assert all(
        record["source"] == {"file": ""}
        for group in report["groups"]
        for unit in group["units"]
        for record in unit["adjustments"]
    )
    books = openpyxl.load_workbook(io.BytesIO(workbook.render(shown, final=False)))
    assert [item.title for item in view.report_tables(shown)][-2:] == [
        view.weights(run_scheme := shown.scheme).title,
        view.assumptions(run_scheme).title,
    ]
    assert len(books.sheetnames) == len(view.report_tables(shown)) == 5


def test_what_the_scheme_keeps_secret_the_public_cannot_be_shown(tmp_path: Path) -> None:
    folder = tmp_path / "scheme"
    shutil.copytree(ROOT / "config" / "wuhu-2020", folder)
    path = folder / "scheme.yaml"
    text = path.read_text(encoding="utf-8")
    assert "public: [scores]" in text
    path.write_text(
        text.replace("public: [scores]", "public: [scores, findings]"), encoding="utf-8"
    )
    loaded = load_scheme(str(folder))
    assert [item.code for item in loaded.findings] == ["scheme-secret-public"]


def test_a_mean_of_too_few_raters_is_shown_to_those_alone_who_see_the_ballots(run: Result) -> None:
    strict = with_rule(run, fewest_raters=10)
    county, municipal = [
        edition(strict, Audience.PUBLIC).standings[group] for group in ("county", "municipal")
    ]
    # 16 raters rate the counties, 7 the municipal units.
    assert [item.stages for item in county] == [item.stages for item in run.standings["county"]]
    weights = {stage.id: Fraction(stage.weight) for stage in run.scheme.stages}
    for item in municipal:
        hidden = [stage for stage, score in item.stages.items() if score is None]
        assert "mutual" in hidden
        # One equation, at least two unknowns: the composite does not tell the mean.
        assert len(hidden) >= 2
        assert sum(weights[stage] for stage in hidden if stage != "mutual") * 5 >= weights["mutual"]
    text = ranking_csv(edition(strict, Audience.PUBLIC), final=False).decode("utf-8-sig")
    rows = {row["Unit"]: row for row in csv.DictReader(io.StringIO(text))}
    assert {rows[item.unit]["Mutual rating"] for item in municipal} == {"—"}
    for item in run.standings["county"]:
        assert rows[item.unit]["Mutual rating"] == str(item.stages["mutual"])
    assert "withheld" in told(markdown_report(edition(strict, Audience.PUBLIC), final=False))
    assert edition(strict, Audience.OFFICE).standings == run.standings
    # Seven ballots under numbers hide too little where ten are asked for.
    leading = edition(strict, Audience.LEADING_GROUP)
    assert [item.stages for item in leading.standings["municipal"]] == [
        item.stages for item in municipal
    ]
    assert "ballots-withheld" in [item.code for item in leading.findings]


def test_the_notice_heeds_the_fewest_raters_whoever_asks_for_it(run: Result) -> None:
    strict = with_rule(run, fewest_raters=10)
    office = told(notice.render(replace(strict, copy=Copy()), final=True))
    public = told(notice.render(edition(strict, Audience.PUBLIC), final=True))
    assert "fewer than 10 raters gave it" in office
    assert "fewer than 10 raters gave it" in public
    assert "raters gave it" not in told(notice.render(run, final=True))


def test_where_scores_are_not_shown_there_are_ranks_alone(run: Result) -> None:
    closed = with_rule(run, audiences=Audiences(public=[]))
    shown = edition(closed, Audience.PUBLIC)
    scores = {
        str(number)
        for units in run.standings.values()
        for item in units
        for number in (*item.stages.values(), item.composite, item.final)
    }
    for form, render in RENDERERS.items():
        text = told(render(closed if form == "docx" else shown, final=False))
        assert "镜湖区" in text
        assert [number for number in scores if f">{number}<" in text or f",{number}," in text] == []
    group = json.loads(published.render(shown, final=False))["groups"][0]["units"]
    assert [unit["rank"] for unit in group] == [item.rank for item in run.standings["county"]]
    assert {unit["final"] for unit in group} == {None}


@pytest.mark.parametrize("render", [letter_xlsx, letter_docx])
def test_a_unit_sees_others_scores_only_where_the_scheme_says_so(
    run: Result, render: Callable[..., bytes]
) -> None:
    own = told(render(run, "镜湖区", final=False))
    assert "鸠江区" not in own
    opened = with_rule(run, audiences=Audiences(unit=[Detail.SCORES]))
    both = told(render(opened, "镜湖区", final=False))
    assert all(unit.name in both for unit in run.scheme.group("county").units)
    assert "市发改委" not in both


def test_every_sheet_and_page_names_the_recipient_and_the_run(run: Result) -> None:
    shown = edition(run, Audience.LEADING_GROUP, "王五")
    marker = view.marker(shown)
    assert "王五" in marker
    assert run.id in marker
    book = openpyxl.load_workbook(io.BytesIO(workbook.render(shown, final=True)))
    for sheet in book.worksheets:
        assert marker in [row[0].value for row in sheet.iter_rows(max_row=4)], sheet.title
        assert sheet.oddFooter is not None
        assert str(sheet.oddFooter.center.text).endswith(f"\n{marker}")
    paper = notice.render(
        replace(run, copy=Copy(Audience.LEADING_GROUP, "王五", run.id)), final=True
    )
    page = docx.Document(io.BytesIO(paper)).sections[0]
    for header in (page.header, page.even_page_header):
        assert header.paragraphs[0].text == marker
    assert all(
        line.endswith(marker) for line in told(ranking_csv(shown, final=True)).splitlines()[1:]
    )
    assert marker in told(markdown_report(shown, final=True))
    said = json.loads(published.render(shown, final=True))["edition"]
    assert said == {"audience": "leading-group", "recipient": "王五", "run": run.id, "notes": []}


def test_a_letter_is_the_units_own_copy_unless_it_goes_to_somebody_else(run: Result) -> None:
    assert "copy of 镜湖区 · result " + run.id in told(letter_xlsx(run, "镜湖区", final=True))
    other = replace(run, copy=Copy(Audience.UNIT, "王五", run.id))
    assert "copy of 王五 · result " + run.id in told(letter_docx(other, "镜湖区", final=True))


def test_the_runs_id_changes_with_its_input_and_not_with_its_readers(
    run: Result, remarkable: Result
) -> None:
    assert {edition(run, reader).id for reader in (*READERS, Audience.OFFICE)} == {run.id}
    assert run.id != remarkable.id
    again = appraise(load_scheme("wuhu-2020"), [STAGE_FILES])
    assert again.id != run.id
    assert replace(again, secret=run.secret).id == run.id


def test_what_the_office_keeps_bears_no_marker(run: Result) -> None:
    assert view.marker(edition(run, Audience.OFFICE)) == ""
    assert view.marker(edition(run, Audience.OFFICE, "王五")) != ""


def test_an_edition_cannot_be_made_of_one_that_lacks_something(run: Result) -> None:
    with pytest.raises(ValueError, match="lacks"):
        edition(edition(run, Audience.PUBLIC), Audience.LEADING_GROUP)


def side_by_side(run: Result) -> Result:
    """The run as though all ballots on the counties had come in one sheet, a column a rater."""
    traced = run.traces["county"]
    trace = traced.stages["mutual"]
    given = columns(run, "county", "mutual")
    units = [unit.name for unit in run.scheme.group("county").units]
    block = Block(
        "all.xlsx",
        "1",
        {},
        Axis("unit", tuple(units), tuple(range(2, 2 + len(units)))),
        Axis("rater", tuple(given), tuple(range(2, 2 + len(given)))),
        [[values[place] for values in given.values()] for place in range(len(units))],
    )
    whole = replace(trace, scores=ScoreTable(trace.scores.dimensions, [block]))
    stages = {**traced.stages, "mutual": whole}
    return replace(run, traces={**run.traces, "county": replace(traced, stages=stages)})


def test_ballots_that_would_tell_their_raters_all_the_same_are_not_shown(run: Result) -> None:
    assert aliases.can_be_numbered(run)
    joined = side_by_side(run)
    assert not aliases.can_be_numbered(joined)
    shown = edition(joined, Audience.LEADING_GROUP)
    assert Detail.BALLOTS not in shown.copy.shows
    assert shown.findings[0].code == "ballots-withheld"
    for stage, group, _plan in rated_stages(run.scheme):
        assert list(shown.traces[group].stages[stage.id].scores.items()) == []
    text = told(workbook.render(shown, final=False))
    assert "all.xlsx" not in text


def test_ballots_that_may_be_named_are_named(run: Result) -> None:
    every = Audiences(**{"leading-group": [*Detail]})
    shown = edition(with_rule(run, audiences=every), Audience.LEADING_GROUP)
    assert shown.traces == run.traces
    assert ballot_files(shown) == ballot_files(run)


def test_the_leading_groups_workbook_recalculates_to_the_result(
    run: Result, tmp_path: Path, convert: Callable[[Path, str], Path]
) -> None:
    path = tmp_path / "leading.xlsx"
    path.write_bytes(workbook.render(edition(run, Audience.LEADING_GROUP), final=True))
    found, compared = differing(path, convert(path, "xlsx"))
    assert found == []
    assert compared > 2000


def test_aliases_are_in_the_language_of_the_reader(run: Result) -> None:
    i18n.activate("zh")
    shown = edition(run, Audience.LEADING_GROUP)
    assert "测评单位1" in columns(shown, "county", "mutual")


def test_the_command_writes_a_copy_for_each_audience_and_says_what_it_lacks(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    assert appraise_cli("compute", STAGE_FILES).exit_code == 0
    office = appraise_cli("report")
    assert (office.exit_code, office.stderr) == (0, "")
    leading = appraise_cli("report", "--audience", "leading-group", "--recipient", "王五")
    assert leading.exit_code == 0
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


def test_published_numbers_are_the_same_for_all_who_see_them(run: Result) -> None:
    tables = [view.rankings(edition(run, reader)) for reader in (*READERS, Audience.OFFICE)]
    assert tables[0] == tables[1] == tables[2]
    assert isinstance(tables[0][0].rows[0][-1], Decimal)


@pytest.mark.parametrize("reader", READERS)
def test_the_same_input_gives_the_same_bytes_to_the_same_readers(
    run: Result, reader: Audience
) -> None:
    again = replace(appraise(load_scheme("wuhu-2020"), [STAGE_FILES]), computed_at=run.computed_at)
    again = replace(again, secret=run.secret)
    for form, render in RENDERERS.items():
        first, second = (
            render(item if form == "docx" else edition(item, reader, "王五"), final=True)
            for item in (run, again)
        )
        assert first == second, form


# A copy is held against the edition that it is.

EARLIER = "2021-02-03T04:05:06+08:00"


def compared(run: Result, content: bytes) -> Compared:
    return workbooks.compare(content, run.scheme_sha256, run, "r.xlsx")


def copies(run: Result) -> dict[str, bytes]:
    """A copy for each kind of readers, made at another time."""
    earlier = replace(run, computed_at=EARLIER)
    unit = replace(earlier, copy=Copy(Audience.UNIT, "李四", earlier.id))
    return {
        "office": workbook.render(edition(earlier, Audience.OFFICE, "王五"), final=False),
        "leading-group": workbook.render(
            edition(earlier, Audience.LEADING_GROUP, "张三"), final=False
        ),
        "public": workbook.render(edition(earlier, Audience.PUBLIC), final=True),
        "letter": letter_xlsx(earlier, "镜湖区", final=False),
        "letter to another": letter_xlsx(unit, "镜湖区", final=True),
    }


def edited(content: bytes, change: Callable[[openpyxl.Workbook], None]) -> bytes:
    """The copy as openpyxl saves it after a change."""
    made = openpyxl.load_workbook(io.BytesIO(content))
    change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def said_of_itself(made: openpyxl.Workbook, **properties: str) -> None:
    """Give the document properties other values."""
    for item in made.custom_doc_props.props:  # type: ignore[attr-defined]
        item.value = properties.get(item.name, item.value)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_copy_agrees_with_its_own_edition_in_either_language(
    run: Result, language: str
) -> None:
    i18n.activate(language)
    made = copies(run)
    i18n.activate("en")
    for name, content in made.items():
        found = compared(run, content)
        assert (name, found.findings, found.resaved) == (name, [], False)
        assert found.counts["cells"][0] > 100


def test_a_copy_that_libreoffice_or_openpyxl_saved_again_agrees(
    run: Result, soffice: str, tmp_path: Path
) -> None:
    made = copies(run)
    paths = []
    for name in ("leading-group", "letter"):
        paths.append(tmp_path / f"{name}.xlsx")
        paths[-1].write_bytes(made[name])
        again = compared(run, edited(made[name], lambda _book: None))
        assert (again.findings, again.resaved) == ([], True)
    folder = convert_all(soffice, tmp_path, paths, "xlsx")
    for path in paths:
        again = compared(run, (folder / path.name).read_bytes())
        assert (again.findings, again.resaved) == ([], True)


@pytest.mark.parametrize("name", ["leading-group", "public", "letter"])
def test_a_number_typed_over_in_a_copy_is_named_by_its_cell(run: Result, name: str) -> None:
    place = []

    def change(made: openpyxl.Workbook) -> None:
        sheet = made.worksheets[0]
        cells = [cell for row in sheet.iter_rows(min_row=5) for cell in row]
        cell = next(cell for cell in cells if isinstance(cell.value, float))
        place.append(f"r.xlsx › {sheet.title} › {cell.coordinate}")
        cell.value = float(str(cell.value)) + 1

    def first_formula(made: openpyxl.Workbook) -> None:
        sheet = made["Overall ranking"]
        place.append(f"r.xlsx › Overall ranking › {sheet['J6'].coordinate}")
        sheet["J6"] = 99.99

    content = edited(copies(run)[name], first_formula if name == "leading-group" else change)
    (found,) = compared(run, content).findings
    assert (found.code, str(found.source)) == ("verify-cell-differs", place[0])


def test_a_copy_under_another_recipients_name_is_named_by_the_lines_that_say_it(
    run: Result,
) -> None:
    content = copies(run)["leading-group"]
    other = edited(content, lambda made: said_of_itself(made, recipient="赵六"))
    found = compared(run, other).findings
    sheets = openpyxl.load_workbook(io.BytesIO(content)).sheetnames
    cells = {item.source.sheet for item in found if item.source.cell}
    assert cells == {item.source.sheet for item in found if not item.source.cell} == set(sheets)
    for item in found:
        assert re.search("赵六|张三", str(item.params))

    def line(made: openpyxl.Workbook) -> None:
        cell = made.worksheets[0]["A3"]
        assert "张三" in str(cell.value)
        cell.value = str(cell.value).replace("张三", "赵六")

    (one,) = compared(run, edited(content, line)).findings
    assert (one.source.cell, "赵六" in str(one.params["found"])) == ("A3", True)


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("leading-group", {"audience": "everybody"}),
        ("leading-group", {"audience": "unit"}),
        ("leading-group", {"recipient": "王" * 41}),
    ],
)
def test_a_copy_that_says_it_is_what_nobody_makes_is_unknown(
    run: Result, name: str, properties: dict[str, str]
) -> None:
    content = edited(copies(run)[name], lambda made: said_of_itself(made, **properties))
    assert [item.code for item in compared(run, content).findings] == ["verify-workbook-unknown"]


def test_the_offices_own_workbook_without_properties_is_taken_for_what_it_is(run: Result) -> None:
    def bare(made: openpyxl.Workbook) -> None:
        made.custom_doc_props.props.clear()  # type: ignore[attr-defined]

    own = workbook.render(run, final=False)
    assert compared(run, edited(own, bare)).findings == []
    assert compared(run, edited(copies(run)["leading-group"], bare)).findings != []


def test_the_command_verifies_the_copies_that_it_made(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    assert appraise_cli("compute", STAGE_FILES).exit_code == 0
    for arguments in (
        ("--audience", "leading-group", "--recipient", "张三", "--out", "copy.xlsx"),
        ("--unit", "镜湖区", "--final", "--out", "letter.xlsx"),
    ):
        assert appraise_cli("report", *arguments).exit_code == 0
        done = appraise_cli("verify", arguments[-1], "--files", STAGE_FILES)
        assert done.exit_code == 0, done.output
        assert "Everything agrees" in done.output


# What an attentive reader could work out


def reread(tmp_path: Path, changes: Callable[[Path], None], scheme: str = "wuhu-2020") -> Result:
    """The example with changes to its folder."""
    folder = tmp_path / "changed"
    shutil.copytree(STAGE_FILES, folder)
    changes(folder)
    return appraise(load_scheme(scheme), [folder])


def edit(path: Path, change: Callable[[Any], None]) -> None:
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    book.save(path)


def test_whoever_asks_for_the_notice_by_command_gets_what_the_public_may_know(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    folder = tmp_path / "scheme"
    shutil.copytree(ROOT / "config" / "wuhu-2020", folder)
    path = folder / "scheme.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("fewest_raters: 5", "fewest_raters: 10"), encoding="utf-8")
    assert appraise_cli("compute", STAGE_FILES, "--scheme", folder).exit_code == 0
    means = []
    for audience in ("office", "leading-group", "public"):
        arguments = ("--format", "docx", "--audience", audience, "--out", f"{audience}.docx")
        assert appraise_cli("report", *arguments, "--scheme", folder).exit_code == 0
        tables = docx.Document(str(tmp_path / f"{audience}.docx")).tables
        means.append({row.cells[3].text for row in tables[1].rows[1:]})
    assert means == [{"—"}] * 3


def test_numbers_follow_from_what_the_result_alone_holds(run: Result) -> None:
    again = appraise(load_scheme("wuhu-2020"), [STAGE_FILES])
    assert (again.secret, len(again.secret)) != (run.secret, 0)
    assert order(again) != order(run)
    for reader in (*READERS, Audience.OFFICE):
        for form, render in RENDERERS.items():
            one = run if form == "docx" else edition(run, reader, "王五")
            assert run.secret not in told(render(one, final=True))


def test_a_ballot_under_a_number_tells_nothing_of_its_sheet(tmp_path: Path) -> None:
    """One office began lower, one wrote the units in another order."""

    def lower(sheet: Any) -> None:
        # openpyxl leaves merged cells where they are.
        for area in [str(item) for item in sheet.merged_cells.ranges]:
            sheet.unmerge_cells(area)
        sheet.insert_rows(2, 3)

    def turned(sheet: Any) -> None:
        rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4, max_row=10)]
        for row, values in zip(sheet.iter_rows(min_row=4, max_row=10), reversed(rows), strict=True):
            for cell, value in zip(row, values, strict=True):
                cell.value = value

    def changes(folder: Path) -> None:
        edit(folder / BALLOT, lower)
        edit((folder / BALLOT).with_name("市教育局.xlsx"), turned)

    odd = reread(tmp_path, changes)
    shown = edition(odd, Audience.LEADING_GROUP)
    blocks = shown.traces["county"].stages["mutual"].scores.blocks
    assert {(block.rows.positions, block.columns.positions) for block in blocks} == {((0,), (0,))}
    assert {block.sheet for block in blocks} == {""}
    units = [block.rows.members[0] for block in blocks]
    assert units == [unit.name for unit in odd.scheme.group("county").units] * 16
    assert Counter(columns(shown, "county", "mutual").values()) == Counter(
        columns(odd, "county", "mutual").values()
    )


def test_a_rater_who_left_something_out_is_not_shown_under_a_number(tmp_path: Path) -> None:
    def changes(folder: Path) -> None:
        def blank(sheet: Any) -> None:
            sheet["C4"].value = None

        edit(folder / BALLOT, blank)

    shown = edition(reread(tmp_path, changes), Audience.LEADING_GROUP)
    assert shown.findings[0].code == "ballots-withheld"


def test_fewer_ballots_than_the_scheme_asks_for_are_not_shown_under_numbers(run: Result) -> None:
    assert aliases.can_be_numbered(with_rule(run, fewest_raters=7))
    assert not aliases.can_be_numbered(with_rule(run, fewest_raters=8))


def test_texts_that_name_a_rater_stay_in_the_office(tmp_path: Path) -> None:
    def changes(folder: Path) -> None:
        def noted(sheet: Any) -> None:
            sheet["C4"].comment = Comment("市发改委投票给该市63分", "x")
            sheet["C5"].comment = Comment("当日网站维护", "x")

        edit(folder / "日常测评" / "第1轮.xlsx", noted)
        reason = "reason: 与市发改委的评分核对, by: 王五, at: 2021-02-25"
        (folder / "decisions.yaml").write_text(
            "decisions:\n  - {file: 日常测评/第1轮.xlsx, sheet: 县(市)区, cell: C4, decide: correct,"
            f" was: 85.86, value: 85.87, {reason}}}\n",
            encoding="utf-8",
        )

    odd = reread(tmp_path, changes)
    assert len(odd.decisions) == 1
    shown = edition(odd, Audience.LEADING_GROUP)
    assert shown.decisions == []
    texts = [item.text for item in shown.remarks]
    assert "当日网站维护" in texts
    assert not any("63分" in text for text in texts)
    assert any("63分" in item.text for item in odd.remarks)


def test_a_file_that_holds_a_ballot_is_not_named_for_its_other_sheets(run: Result) -> None:
    """As though a round of the daily measurement had come in a ballot's file."""
    traced = run.traces["county"]
    daily = traced.stages["daily"]
    blocks = [replace(daily.scores.blocks[0], file=str(BALLOT)), *daily.scores.blocks[1:]]
    joined = replace(daily, scores=replace(daily.scores, blocks=blocks))
    traces = {**run.traces, "county": replace(traced, stages={**traced.stages, "daily": joined})}
    shown = edition(replace(run, traces=traces), Audience.LEADING_GROUP)
    assert str(BALLOT) not in told(workbook.render(shown, final=False))


def test_the_public_table_and_a_letter_together_do_not_give_a_withheld_mean(tmp_path: Path) -> None:
    def changes(folder: Path) -> None:
        for path in sorted((folder / BALLOT).parent.iterdir())[4:]:

            def one_blank(sheet: Any) -> None:
                next(row for row in sheet.iter_rows() if row[1].value == "镜湖区")[2].value = None

            edit(path, one_blank)

    odd = reread(tmp_path, changes)
    public = edition(odd, Audience.PUBLIC).standings["county"]
    hidden = next(item for item in public if item.unit == "镜湖区")
    assert hidden.stages["mutual"] is None
    shown = [stage for stage, score in hidden.stages.items() if score is None and stage != "mutual"]
    assert shown
    [scores] = [sheet for sheet in feedback.sheets(odd, "弋江区") if sheet.name == "Scores"]
    for stage in shown:
        title = next(str(item.title) for item in odd.scheme.stages if item.id == stage)
        row = next(row for row in scores.rows if row[0] == title)
        others = [score for item in public if (score := item.stages[stage]) is not None]
        mean = sum(map(Fraction, others), Fraction(0)) / len(others)
        assert isinstance(row[3], Decimal)
        assert abs(Fraction(row[3]) - mean) <= Fraction(1, 100)


def test_a_name_that_no_file_can_hold_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(STAGE_FILES, folder)
    name = os.fsencode(folder / BALLOT.parent) + b"/\xff\xfe.xlsx"
    Path(os.fsdecode(name)).write_bytes((folder / BALLOT).read_bytes())
    found = appraise(load_scheme("wuhu-2020"), [folder])
    assert result.dump(found).decode()
    assert any("\\udcff" in item.message or "xff" in item.message for item in found.findings)


def test_a_copys_holder_stands_in_the_properties_of_a_document_too(run: Result) -> None:
    named = replace(run, copy=Copy(Audience.PUBLIC, "王五", run.id))
    for content in (
        notice.render(named, final=True),
        letter_docx(run, "镜湖区", final=True),
    ):
        document = docx.Document(io.BytesIO(content))
        holder = document.sections[0].header.paragraphs[0].text
        assert document.core_properties.keywords == holder
        assert run.id in holder


@pytest.mark.parametrize(
    "name", ["\u3164", "\u115f", "\u2800", "张三\ufe00", "x\u034f", "a\u202eb"]
)
def test_a_recipient_is_a_name_whose_every_sign_is_seen(appraise_cli: Appraise, name: str) -> None:
    assert appraise_cli("report", "--recipient", name).exit_code == 2


def test_what_is_withheld_is_said_in_data_too(run: Result) -> None:
    shown = edition(with_rule(run, fewest_raters=10), Audience.PUBLIC)
    notes = json.loads(published.render(shown, final=True))["edition"]["notes"]
    assert ["fewer than 10 raters" in note for note in notes] == [True]
    lines = told(ranking_csv(shown, final=True)).splitlines()
    assert all(notes[0] in line for line in lines[1:])
