"""The notice of the result: its form by GB/T 9704-2012, its numbers, and what it must not say."""

import io
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml.ns import qn
from docx.table import Table
from helpers import STAGE_FILES, Appraise, slow_but
from helpers.audiences import with_rule
from helpers.office import absent

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal.model import Record
from wuhu_appraisal.output import papers
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.papers import TemplateError, fill_in, table_values
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.tables import Column
from wuhu_appraisal.output.tables import Table as ReportTable
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Audience

TEMPLATES = Path(papers.__file__).parent / "templates"
MOMENT = datetime(2021, 3, 1, 8, 30, tzinfo=UTC)
RUNNING = ("header", "even_page_header", "footer", "even_page_footer")


@pytest.fixture(scope="module")
def run(wuhu_run: Result) -> Result:
    """The example, of which the public may see the scores."""
    return with_rule(wuhu_run)


@pytest.fixture(scope="module")
def provisional(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The example without the folder of one stage."""
    folder = tmp_path_factory.mktemp("short") / "stage-files"
    shutil.copytree(STAGE_FILES, folder, ignore=shutil.ignore_patterns("社会评议"))
    found = appraise(load_scheme("wuhu-2020"), [folder])
    assert found.provisional
    return with_rule(found)


def read(content: bytes) -> Document:
    return docx.Document(io.BytesIO(content))


def drafted(run: Result) -> Document:
    return read(papers.notice(run, final=False))


def cells(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def shown(sheet: ReportTable) -> list[list[str]]:
    rows = [
        [view.show(content, column) for content, column in zip(row, sheet.columns, strict=True)]
        for row in sheet.rows
    ]
    return [[column.title for column in sheet.columns], *rows]


def lines(document: Document) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs]


def whole_text(document: Document) -> str:
    texts = [cell for table in document.tables for row in cells(table) for cell in row]
    return "\n".join([*lines(document), *texts])


def heads(document: Document, part: str) -> list[str]:
    """The texts of one kind of header or footer in every section."""
    return [
        "\n".join(line.text for line in getattr(section, part).paragraphs)
        for section in document.sections
    ]


def type_size(table: Table) -> float:
    """The size of a table's type in points."""
    paragraph = table.cell(1, 1).paragraphs[0]
    style = paragraph.style
    sizes = (paragraph.runs[0].font.size, style.font.size, style.base_style.font.size)
    return float(next(size.pt for size in sizes if size is not None))


def lettered(*tables: ReportTable, moment: datetime = MOMENT) -> bytes:
    """A letter of these tables."""
    texts = dict.fromkeys(("scheme", "office", "unit", "stamp", "marker"), "T")
    made = [table_values(table) for table in tables]
    return fill_in(
        "letter", {**texts, "warnings": [], "provisional": False, "tables": made}, moment
    )


def above(table: Table) -> list[Any]:
    """The paragraphs between a table and the heading above it, nearest first."""
    found: list[Any] = []
    element = table._tbl.getprevious()
    while element is not None and element.tag == qn("w:p"):
        if element.style is not None and element.style.startswith(("Heading", "Title")):
            return found
        found.append(element)
        element = element.getprevious()
    return found


def with_records(run: Result, unit: str, *records: Record) -> Result:
    """The run with these adjustments for one unit, and none for the others."""
    standings = {
        group: [replace(item, adjustments=records if item.unit == unit else ()) for item in members]
        for group, members in run.standings.items()
    }
    return replace(run, standings=standings)


def test_its_tables_are_the_published_ones(run: Result) -> None:
    tables = drafted(run).tables
    for table, sheet in zip(tables, view.rankings(run), strict=False):
        assert cells(table) == shown(sheet)
    finals = [item.final for item in run.standings["county"]]
    assert [row[-1] for row in cells(tables[0])[1:]] == [f"{final:.2f}" for final in finals]


def test_it_tells_of_every_adjustment_with_its_grounds(run: Result) -> None:
    texts = [row for table in drafted(run).tables for row in cells(table)]
    records = [
        item for every in run.standings.values() for unit in every for item in unit.adjustments
    ]
    assert len(records) > 10
    for record in records:
        mine = [row for row in texts if row[0] == record.unit and f"{record.points:.2f}" in row]
        assert any({record.reason, record.evidence} <= set(row) for row in mine), record


def test_where_the_public_sees_no_scores_it_has_ranks_and_says_nothing_of_adjustments(
    wuhu_run: Result,
) -> None:
    for language in ("en", "zh"):
        i18n.activate(language)
        document = drafted(wuhu_run)
        for table, (group, units) in zip(
            document.tables[:2], wuhu_run.standings.items(), strict=True
        ):
            ranks = [[str(item.rank), item.unit] for item in units]
            assert cells(table)[1:] == ranks, group
        text = whole_text(document)
        assert not any(f"{item.final:.2f}" in text for item in wuhu_run.standings["municipal"])
        assert not any(word in text for word in ("on record", "无加分", "优秀政策解读评选"))
        styled = [line.text for line in document.paragraphs if line._p.style == "Heading1"]
        assert len(styled) == 2


def test_it_says_so_where_there_are_no_adjustments(run: Result) -> None:
    group, unit = "county", run.standings["county"][0].unit
    record = run.standings[group][0].adjustments[0]
    assert lines(drafted(with_records(run, unit))).count("No bonus or deduction is on record.") == 1
    one = drafted(with_records(run, unit, record))
    assert lines(one).count("No bonus or deduction is on record.") == 1
    assert [row[0] for row in cells(one.tables[2])[1:]] == [unit]


def test_it_says_for_whom_it_is_by_which_document_how_many_and_when(run: Result) -> None:
    fixed = replace(run, computed_at="2021-03-01T20:30:00+00:00")
    document = drafted(fixed)
    text = whole_text(document)
    groups = [str(group.title) for group in run.scheme.groups]
    assert "To the units of: " + ", ".join(groups) in text
    assert str(run.scheme.title) in lines(document)[1]
    assert str(run.scheme.document.title) in text
    assert f"{groups[0]} 7, {groups[1]} 47" in text
    # In China it is the next morning.
    assert "2021-03-02, 04:30, UTC+8" in text


def test_every_assumption_and_every_stages_weight_is_annexed(run: Result) -> None:
    *_others, assumptions, weights = drafted(run).tables
    assert [row[2] for row in cells(assumptions)[1:]] == [
        str(item.text) for item in run.scheme.assumptions
    ]
    assert [row[:2] for row in cells(weights)[1:]] == [
        [str(stage.title), str(stage.weight)] for stage in run.scheme.stages
    ]


def test_annexes_are_listed_and_each_begins_a_page(run: Result) -> None:
    document = drafted(run)
    labels = [line for line in document.paragraphs if line.text.startswith("Annex ")]
    assert [line.text for line in labels] == ["Annex 1", "Annex 2"]
    assert all(line.paragraph_format.page_break_before for line in labels)
    titles = [document.paragraphs[lines(document).index(line.text) + 1].text for line in labels]
    assert [f"Annex: 1. {titles[0]}", f"2. {titles[1]}"] == [
        line for line in lines(document) if line.endswith(tuple(titles)) and line not in titles
    ]


def test_one_annex_alone_has_no_number(run: Result) -> None:
    scheme = run.scheme.model_copy(update={"assumptions": []})
    assert "Annex" in lines(drafted(replace(run, scheme=scheme)))


def test_the_office_signs_and_the_date_is_left_open(run: Result) -> None:
    texts = lines(drafted(run))
    place = texts.index(run.scheme.document.issued_by)
    assert texts[place + 1] == "(date)"
    document = run.scheme.document.model_copy(update={"issued_by": ""})
    unsigned = replace(run, scheme=run.scheme.model_copy(update={"document": document}))
    assert "(issuing office)" in lines(drafted(unsigned))


def test_it_names_no_file_and_no_finding(run: Result) -> None:
    text = whole_text(drafted(run))
    assert run.findings
    assert [item.message for item in run.findings if item.message in text] == []
    assert [item.file for item in run.sources if item.file in text] == []
    assert "›" not in text and "stages/" not in text


def test_a_draft_is_stamped_on_top_and_in_the_header_of_every_page(run: Result) -> None:
    document = drafted(run)
    stamp = view.stamp(run, final=False)
    assert stamp
    assert lines(document)[0] == stamp
    for part in ("header", "even_page_header"):
        assert set(heads(document, part)) == {stamp}
    for section in document.sections:
        assert not section.different_first_page_header_footer


def test_a_final_notice_bears_no_stamp(run: Result) -> None:
    document = read(papers.notice(run, final=True))
    assert view.stamp(run, final=False) not in whole_text(document)
    assert {text for part in RUNNING[:2] for text in heads(document, part)} == {""}


def test_a_provisional_notice_says_so_on_top_in_headers_and_over_every_table(
    provisional: Result,
) -> None:
    document = drafted(provisional)
    stamp = view.stamp(provisional, final=False)
    banner = view.banner(redacted(provisional, Audience.PUBLIC))
    assert lines(document)[: 1 + len(banner)] == [stamp, *banner]
    assert banner[1].startswith(f"this copy leaves out {len(provisional.missing)} findings")
    assert {text for part in RUNNING[:2] for text in heads(document, part)} == {stamp}
    assert len(document.tables) == 6
    for table in document.tables:
        assert "Provisional" in "".join(text.text for text in above(table)[0].iter(qn("w:t")))
    for table, sheet in zip(document.tables, view.rankings(provisional), strict=False):
        assert cells(table) == shown(sheet)
        assert {row[5] for row in cells(table)[1:]} == {"—"}


def test_only_a_provisional_notice_says_provisional(run: Result) -> None:
    assert "rovisional" not in whole_text(drafted(run))


def test_there_is_no_final_notice_of_a_provisional_result(provisional: Result) -> None:
    with pytest.raises(ValueError, match="provisional"):
        papers.notice(provisional, final=True)


def test_the_page_is_that_of_the_standard(run: Result) -> None:
    for section in drafted(run).sections:
        page = (section.page_width, section.page_height)
        margins = (section.top_margin, section.bottom_margin)
        sides = (section.left_margin, section.right_margin)
        found = [round(length.mm) for length in (*page, *margins, *sides) if length is not None]
        assert found == [210, 297, 37, 35, 28, 26]


@pytest.mark.parametrize(
    ("style", "font", "size"),
    [
        ("Title", "方正小标宋简体", 22),
        ("Body Text", "仿宋", 16),
        ("Heading 1", "黑体", 16),
        ("Heading 2", "楷体", 16),
        ("Table Cell", "宋体", 10.5),
        ("Footer", "宋体", 14),
    ],
)
def test_each_style_has_its_chinese_font_and_size(
    run: Result, style: str, font: str, size: float
) -> None:
    document = drafted(run)
    found = document.styles[style]
    fonts = found.element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == font
    assert [name for name in fonts.attrib if "Theme" in name] == []
    assert found.font.size.pt == size
    declared = next(
        part for part in document.part.package.iter_parts() if "fontTable" in part.partname
    )
    assert f'w:name="{font}"' in declared.blob.decode()


def test_the_body_is_set_in_lines_of_22_a_page_and_28_characters(run: Result) -> None:
    document = drafted(run)
    form = document.styles["Body Text"].paragraph_format
    assert (form.line_spacing_rule, form.line_spacing.pt) == (WD_LINE_SPACING.EXACTLY, 28.95)
    assert 22 * 28.95 <= 225 / 25.4 * 72
    closer = int(document.styles["Body Text"].element.rPr.find(qn("w:spacing")).get(qn("w:val")))
    assert 28 * (16 + closer / 20) <= 156 / 25.4 * 72 < 29 * (16 + closer / 20)
    indent = document.styles["Body Text"].element.pPr.ind
    assert indent.get(qn("w:firstLineChars")) == "200"


def test_headings_are_numbered_as_the_language_numbers_them(run: Result) -> None:
    numbers = (
        ("en", ". ", ["1", "2", "3"], ["(1) ", "(2) "]),
        ("zh", "、", ["一", "二", "三"], ["（一）", "（二）"]),
    )
    for language, split, first, second in numbers:
        i18n.activate(language)
        document = drafted(run)
        styled = [(line._p.style, line.text) for line in document.paragraphs]
        numbered = [text for style, text in styled if style == "Heading1"]
        below = [text for style, text in styled if style == "Heading2"]
        assert [text.split(split)[0] for text in numbered] == first
        assert [text[: len(start)] for text, start in zip(below, second, strict=True)] == second


def test_pages_are_numbered_right_on_odd_pages_and_left_on_even_ones(run: Result) -> None:
    document = drafted(run)
    assert document.settings.odd_and_even_pages_header_footer
    for section in document.sections:
        for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
            (line,) = footer.paragraphs
            (field,) = line._p.iter(qn("w:fldSimple"))
            assert field.get(qn("w:instr")) == "PAGE"
            assert "".join(text.text for text in line._p.iter(qn("w:t"))) == "— 1 —"
            assert line._p.pPr.jc.get(qn("w:val")) == side


def test_tables_repeat_their_header_split_no_row_and_fit_the_page(run: Result) -> None:
    for language in ("en", "zh"):
        i18n.activate(language)
        for table in drafted(run).tables:
            first, *others = [row._tr.trPr for row in table.rows]
            assert first.find(qn("w:tblHeader")) is not None
            assert [row for row in others if row.find(qn("w:tblHeader")) is not None] == []
            assert all(row.find(qn("w:cantSplit")) is not None for row in (first, *others))
            widths = [column.width.mm for column in table.columns]
            assert 154 < sum(widths) <= 156.1
            assert table.style is not None and table.style.name == "Table Grid"


def test_numbers_stand_right_and_ranks_in_the_middle(run: Result) -> None:
    row = drafted(run).tables[0].rows[1]
    forms = [cell.paragraphs[0].style.paragraph_format for cell in row.cells]
    sides = [form.alignment for form in forms]
    center, left, right = (getattr(WD_ALIGN_PARAGRAPH, s) for s in ("CENTER", "LEFT", "RIGHT"))
    assert sides == [center, left, *[right] * (len(sides) - 2)]


def test_a_column_is_wide_enough_for_names_and_numbers(run: Result) -> None:
    i18n.activate("zh")
    table = drafted(run).tables[1]
    size = type_size(table)
    for place, column in enumerate(table.columns):
        longest = max(
            sum(1 if char.isascii() else 2 for char in row[place]) for row in cells(table)[1:]
        )
        assert longest * size / 2 <= column.width.pt - 6, cells(table)[0][place]


def test_a_table_of_many_columns_takes_smaller_type_and_still_fits() -> None:
    columns = [Column("Unit"), *[Column(f"第{n}项测评得分", "number") for n in range(12)]]
    rows: list[list[view.Content]] = [["市文化和旅游局", *[Decimal("99.99")] * 12]]
    content = lettered(ReportTable("n", "t", columns, rows))
    (table,) = read(content).tables
    assert type_size(table) < 10.5
    assert sum(column.width.mm for column in table.columns) <= 156.1


def test_headings_and_notes_stay_with_what_they_stand_over(provisional: Result) -> None:
    document = drafted(provisional)
    for name in ("Heading 1", "Heading 2", "Table Note", "Table Head", "Annex Label", "Title"):
        assert document.styles[name].paragraph_format.keep_with_next, name


def test_texts_of_foreign_sheets_lose_what_no_document_can_hold(run: Result) -> None:
    first = run.standings["county"][0]
    foul = "甲\x00\x0b\x1b[31m\x85\u202e乙\ufffe\ud800=HYPERLINK(1)"
    record = replace(first.adjustments[0], reason=foul, evidence="http://example.org/ & <b>")
    document = drafted(with_records(run, first.unit, record))
    row = cells(document.tables[2])[1]
    assert "甲[31m乙=HYPERLINK(1)" in row
    assert "http://example.org/ & <b>" in row
    assert list(document.element.iter(qn("w:hyperlink"), qn("w:instrText"))) == []


def test_the_same_run_makes_the_same_bytes(run: Result) -> None:
    first = papers.notice(run, final=False)
    time.sleep(2.1)  # zip archives count in steps of two seconds
    assert papers.notice(run, final=False) == first


def test_it_is_dated_by_the_run(run: Result) -> None:
    content = papers.notice(replace(run, computed_at="2021-03-01T20:30:00+08:00"), final=True)
    properties = read(content).core_properties
    assert properties.created == properties.modified == datetime(2021, 3, 1, 12, 30, tzinfo=UTC)
    assert properties.author == ""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert {member.date_time for member in package.infolist()} == {(2021, 3, 1, 12, 30, 0)}
        assert package.testzip() is None


def test_a_time_before_zip_archives_had_one_is_no_error() -> None:
    content = lettered(moment=datetime(1970, 1, 1, tzinfo=UTC))
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.infolist()[0].date_time == (1980, 1, 1, 0, 0, 0)


def with_text(run: Result, *texts: str) -> bytes:
    """The package's template with other text in its opening, as somebody writes it in Word."""
    document = docx.Document(str(TEMPLATES / "notice.en.docx"))
    opening = next(line for line in document.paragraphs if "carried out" in line.text)
    for text in texts:
        opening.insert_paragraph_before(text, "Body Text")
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def test_an_office_can_change_the_template_in_word(run: Result) -> None:
    template = with_text(
        run,
        "By {{ office }}: {{ groups[0].ranking.rows[0][1].text }} is first.",
        "{%p for group in groups if group.count > 7 %}",
        "Of {{ group.title }} there are {{ group.count }}.",
        "{%p endfor %}",
    )
    texts = lines(read(papers.notice(run, final=True, template=template)))
    office, first = run.scheme.document.issued_by, run.standings["county"][0].unit
    assert f"By {office}: {first} is first." in texts
    assert "Of Municipal units there are 47." in texts
    assert not any(text.startswith("Of Counties") for text in texts)


def test_a_table_of_the_offices_own_keeps_its_widths(run: Result) -> None:
    document = docx.Document(io.BytesIO(with_text(run)))
    own = document.add_table(2, 2)
    own.cell(0, 0).text = "{{ office }}"
    widths = [column.width for column in own.columns]
    target = io.BytesIO()
    document.save(target)
    made = read(papers.notice(run, final=True, template=target.getvalue())).tables[-1]
    assert made.cell(0, 0).text == run.scheme.document.issued_by
    assert [column.width for column in made.columns] == widths


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ office", "TemplateSyntaxError"),
        ("{% for group in groups %}", "TemplateSyntaxError"),
        ("{{ oficce }}", "'oficce' is undefined"),
        ("{{ groups[0].titel }}", "titel"),
        ("{{ count / 0 }}", "ZeroDivisionError"),
        ("{{ ''.__class__.__mro__ }}", "SecurityError"),
        ("{{ groups.append(1) }}", "SecurityError"),
        ("{% include 'secret' %}", "TypeError"),
        ("{%p if office %}", "TemplateSyntaxError"),
        ("{% if not office %}</w:t>{% endif %}{{ '<w:p>'|safe }}", "XMLSyntaxError"),
    ],
)
def test_a_template_with_a_wrong_tag_is_refused(run: Result, text: str, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        papers.notice(run, final=True, template=with_text(run, text))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no document"])
def test_what_is_no_document_is_refused(run: Result, content: bytes) -> None:
    with pytest.raises(TemplateError):
        papers.notice(run, final=True, template=content)


def test_a_template_that_unpacks_to_too_much_is_refused(run: Result) -> None:
    target = io.BytesIO(with_text(run))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/media/much.bin", bytes(60_000_000))
    with pytest.raises(TemplateError, match="50 MB"):
        papers.notice(run, final=True, template=target.getvalue())


def test_the_template_in_the_schemes_folder_is_used(
    run: Result, appraise_cli: Appraise, tmp_path: Path
) -> None:
    scheme = Path(shutil.copytree(load_scheme("wuhu-2020").path, tmp_path / "city"))
    result = tmp_path / "results" / "appraisal.json"
    computed = appraise_cli("compute", STAGE_FILES, "--scheme", scheme, "--out", result.parent)
    assert computed.exit_code == 0, computed.output
    for text, code in (("From {{ office }}.", 0), ("{{ oficce }}", 1)):
        (scheme / "notice.docx").write_bytes(with_text(run, text))
        out = tmp_path / "notice.docx"
        done = appraise_cli(
            "report", "--scheme", scheme, "--result", result, "--format", "docx", "--out", out
        )
        assert done.exit_code == code, done.output
    assert "[notice-template-wrong]" in done.output
    assert f"From {run.scheme.document.issued_by}." in lines(docx.Document(str(out)))


def test_texts_from_sheets_never_become_tags_or_xml(run: Result) -> None:
    first = run.standings["county"][0]
    foul = "{{ 7 * 7 }}{% for x in y %}{#c#}<w:p/>&amp;\"'"
    record = replace(first.adjustments[0], reason=foul, evidence="a\nb\tc")
    row = cells(drafted(with_records(run, first.unit, record)).tables[2])[1]
    assert foul in row
    assert "a\nb\tc" in row


@pytest.fixture
def pdf(convert: Callable[[Path, str], Path], tmp_path: Path) -> Callable[[bytes], Path]:
    """The paper as LibreOffice Writer sets it."""

    def run(content: bytes) -> Path:
        source = tmp_path / "notice.docx"
        source.write_bytes(content)
        target = convert(source, "pdf")
        if not target.exists():
            absent("LibreOffice did not open the notice, for which it needs Writer")
        return target

    return run


def pages_of(path: Path) -> Iterator[str]:
    """The text of each page, where a program that tells it is installed."""
    program = shutil.which("pdftotext")
    if program is not None:
        told = subprocess.run([program, "-layout", str(path), "-"], check=True, capture_output=True)
        yield from told.stdout.decode().split("\f")[:-1]


@pytest.mark.parametrize("language", slow_but(["en", "zh"], "zh"))
def test_a_word_processor_shows_every_unit_and_stamps_every_page(
    provisional: Result, pdf: Callable[[bytes], Path], language: str
) -> None:
    i18n.activate(language)
    path = pdf(papers.notice(provisional, final=False))
    count = len(re.findall(rb"/Type\s*/Page\b", path.read_bytes()))
    assert 5 <= count <= 9
    stamp = view.stamp(provisional, final=False)
    pages = list(pages_of(path))
    for number, page in enumerate(pages, 1):
        assert stamp in page.splitlines()[0]
        assert f"—{number}—" in page.splitlines()[-1].replace(" ", "")
        assert len(page.strip().splitlines()) > 4, page
    units = [item.unit for every in provisional.standings.values() for item in every]
    text = re.sub(r"\s", "", "".join(pages))
    assert not pages or [unit for unit in units if unit not in text] == []
