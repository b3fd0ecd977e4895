"""Input made to lose, hide or exhaust something ends in a finding."""

import os
import re
import socket
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pytest
from helpers import Appraise
from helpers.packages import (
    BOOK,
    LINKS,
    MAIN,
    NOTES,
    RELATIONS,
    ROWS,
    SHEET,
    SHEET_LINKS,
    STYLES,
    biff,
    links,
    pack,
    right,
    sheet,
    short_text,
    strict,
    styles,
    xls,
    xlsx,
)
from helpers.small import ADJUSTMENT, FAULTS, SHEETS, SMALL, Rows, Sheets, run, write

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.appraisal import check_sources
from wuhu_appraisal.scheme.models import Scheme

UPPER = "work/upper"


@pytest.fixture
def with_faults(tmp_path: Path) -> Path:
    path = tmp_path / "scheme" / "scheme.yaml"
    path.parent.mkdir()
    path.write_text(SMALL.read_text(encoding="utf-8") + ADJUSTMENT, encoding="utf-8")
    return path


def codes(folder: Path, scheme: Path = SMALL) -> dict[str, str]:
    found = appraise(load_scheme(scheme), [folder]).findings
    return {item.code: str(item.source) for item in found}


def test_a_linked_folder_is_said_and_not_left_out_in_silence(tmp_path: Path) -> None:
    write(tmp_path / "in", SHEETS)
    (tmp_path / "in" / "vote").rename(tmp_path / "elsewhere")
    (tmp_path / "in" / "vote").symlink_to(tmp_path / "elsewhere")
    assert codes(tmp_path / "in")["folder-link"] == "vote"


def test_a_linked_workbook_is_read_under_its_own_name(tmp_path: Path) -> None:
    write(tmp_path / "in", SHEETS)
    path = tmp_path / "in" / "vote" / "甲市.xlsx"
    path.rename(tmp_path / "blob")
    path.symlink_to(tmp_path / "blob")
    assert codes(tmp_path / "in") == {}


def test_a_pipe_and_a_socket_are_findings_and_do_not_hang(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    os.mkfifo(tmp_path / "vote" / "丙.xlsx")
    assert codes(tmp_path)["file-not-regular"] == "vote/丙.xlsx"
    (tmp_path / "vote" / "丙.xlsx").unlink()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s.xlsx"))
        assert codes(tmp_path)["file-not-regular"] == "s.xlsx"


def test_a_name_that_is_not_unicode_or_has_a_line_break_is_shown_on_one_line(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    write(tmp_path / "in", SHEETS)
    for name in (b"\xff.txt", b"a\nb.txt"):
        Path(os.fsdecode(bytes(tmp_path / "in") + b"/" + name)).write_bytes(b"x")
    result = appraise_cli("compute", tmp_path / "in", "--scheme", SMALL)
    assert result.exit_code == 0, result.output
    assert "\\x{ff}.txt  warning" in result.output
    assert "also: a\\u{a}b.txt\n" in result.output


def test_the_same_folder_twice_counts_once(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    found = appraise(load_scheme(SMALL), [tmp_path, tmp_path])
    assert {item.code for item in found.findings} == {"file-twice"}
    assert str(found.standings["city"][0].final) == "94.46"


@pytest.mark.parametrize("reason", ["注销信息未公开", "日期造假", "备注不全", "填报单位未按时填报"])
def test_a_record_whose_reason_begins_like_a_foot_still_counts(
    tmp_path: Path, with_faults: Path, reason: str
) -> None:
    rows: Rows = [
        ["原因", "单位", "扣分", "依据"],
        [reason, "甲市", 10, "b"],
        ["备注:无", "", "", ""],
    ]
    write(tmp_path / "in", {**SHEETS, "faults": rows})
    found = appraise(load_scheme(with_faults), [tmp_path / "in"])
    assert found.findings == []
    assert [str(item.final) for item in found.standings["city"]] == ["94.46", "74.36"]


def test_two_columns_that_could_hold_the_points_are_an_error(
    tmp_path: Path, with_faults: Path
) -> None:
    rows: Rows = [["单位", "分值", "扣分", "原因", "依据"], ["甲市", 50, 2, "a", "b"]]
    write(tmp_path / "in", {**SHEETS, "faults": rows})
    assert codes(tmp_path / "in", with_faults)["column-ambiguous"].endswith("C1")


def test_the_same_record_twice_does_not_count_in_a_provisional_result(
    tmp_path: Path, with_faults: Path
) -> None:
    write(tmp_path / "in", {**SHEETS, "faults": [*FAULTS, FAULTS[1]]})
    found = appraise(load_scheme(with_faults), [tmp_path / "in"])
    assert [item.code for item in found.findings] == ["adjustment-twice"]
    assert str(found.standings["city"][1].final) == "84.36"


def test_a_score_column_headed_by_a_number_is_read_or_said(tmp_path: Path) -> None:
    rows: Rows = [["单位", "得分", 3], ["甲市", 90, 10], ["乙市", 80, 20]]
    found = run(tmp_path, {"vote/甲市": rows})
    assert [(item.code, item.source.cell) for item in found.findings] == [("column-unknown", "C1")]


def test_a_sheet_that_lacks_a_unit_fails_on_its_own(appraise_cli: Appraise, tmp_path: Path) -> None:
    write(tmp_path, {"vote/甲市": [["单位", "得分"], ["甲市", 90]]})
    result = appraise_cli("validate", tmp_path / "vote" / "甲市.xlsx", "--scheme", SMALL)
    assert result.exit_code == 1
    assert "甲市.xlsx › Sheet  error [stage-missing-unit] Vote: no scores were found for 乙市" in (
        result.output
    )


def test_a_scheme_of_aliases_that_unfold_without_end_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        inner = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} [{inner}]")
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert [item.code for item in load_scheme(path).findings] == ["yaml-too-large"]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 5_000, "a: " + "{b: " * 3_000])
def test_a_scheme_that_nests_without_end_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text(text, encoding="utf-8")
    program = (
        "import sys; from wuhu_appraisal import load_scheme;"
        "sys.exit(len(load_scheme(sys.argv[1]).findings))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert done.returncode == 1


@pytest.mark.parametrize(
    "number", ["1e9999999", "1e999999999", "9" * 5000, "1e99999999999999999999", "!!int abc"]
)
def test_a_number_that_no_scheme_needs_is_refused_at_its_line(tmp_path: Path, number: str) -> None:
    path = tmp_path / "scheme.yaml"
    text = SMALL.read_text(encoding="utf-8").replace("weight: 60", f"weight: {number}")
    path.write_text(text, encoding="utf-8")
    found = load_scheme(path).findings
    assert found[0].code in {"yaml-number", "scheme-value-wrong"}
    assert {item.code for item in found[1:]} <= {"scheme-stage-weight"}
    assert {item.source.line for item in found} == {30}


def test_group_titles_that_are_no_sheet_names_become_such(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    path = tmp_path / "scheme.yaml"
    text = SMALL.read_text(encoding="utf-8").replace("title: Cities", "title: 'Findings:[?]'")
    path.write_text(text, encoding="utf-8")
    write(tmp_path / "in", SHEETS)
    appraise_cli("compute", tmp_path / "in", "--scheme", path)
    result = appraise_cli("report", "--scheme", path)
    assert result.exit_code == 0, result.output
    names = openpyxl.load_workbook(tmp_path / "results" / "small.xlsx").sheetnames
    assert "Findings" in names
    assert not [name for name in names if set(name) & set("[]:*?/\\") or len(name) > 31]


def test_stages_of_one_title_have_sheets_of_their_own(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    path = tmp_path / "scheme.yaml"
    text = SMALL.read_text(encoding="utf-8")
    path.write_text(
        text.replace("title: Vote", "title: work").replace("title: Work", "title: Findings"),
        encoding="utf-8",
    )
    write(tmp_path / "in", SHEETS)
    appraise_cli("compute", tmp_path / "in", "--scheme", path)
    assert appraise_cli("report", "--scheme", path).exit_code == 0
    names = openpyxl.load_workbook(tmp_path / "results" / "small.xlsx").sheetnames
    assert {"Findings", "Findings (2)", "work"} <= set(names)


def test_a_report_is_not_written_over_a_folder_or_a_device(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    write(tmp_path / "in", SHEETS)
    appraise_cli("compute", tmp_path / "in", "--scheme", SMALL)
    for place in (tmp_path, Path("/dev/null"), ""):
        result = appraise_cli("report", "--scheme", SMALL, "--out", place)
        assert result.exit_code == 1
        assert "[write-failed]" in result.output
    assert not Path("/dev/null").is_file()


def test_a_result_can_be_kept_where_hard_links_are_refused(
    appraise_cli: Appraise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise PermissionError("no links here")

    write(tmp_path / "in", SHEETS)
    monkeypatch.setattr(os, "link", refused)
    for moment in ("1600000000", "1600000001"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", moment)
        result = appraise_cli("compute", tmp_path / "in", "--scheme", SMALL)
        assert result.exit_code == 0, result.output
    assert (tmp_path / "results" / "appraisal.1.json").is_file()


def test_a_score_given_again_in_a_sheet_turned_round_does_not_count_twice(tmp_path: Path) -> None:
    turned: Rows = [["指标", "甲市", "乙市"], ["A", 1, 2], ["B one", 1, 2], ["B two", 1, 2]]
    found = run(tmp_path, {f"again/{UPPER}": turned})
    twice = [item for item in found.findings if item.code == "score-twice"]
    assert {item.source.file for item in twice} <= {f"{UPPER}.xlsx", f"again/{UPPER}.xlsx"}
    assert twice
    # Neither counts: what is left of the stage is the lower tier, 87 and 97.
    works = {item.unit: str(item.stages["work"]) for item in found.standings["city"]}
    assert works == {"甲市": "87.00", "乙市": "97.00"}


def test_three_sheets_of_which_only_two_share_a_column_are_told_apart(tmp_path: Path) -> None:
    parts: Sheets = {
        f"a/{UPPER}": [["单位", "A"], ["甲市", 50], ["乙市", 60]],
        f"b/{UPPER}": [["单位", "B one"], ["甲市", 20], ["乙市", 25]],
        f"c/{UPPER}": [["单位", "B one", "B two"], ["甲市", 1, 10], ["乙市", 1, 15]],
    }
    sheets = {name: rows for name, rows in SHEETS.items() if name != UPPER}
    write(tmp_path, {**sheets, **parts})
    found = appraise(load_scheme(SMALL), [tmp_path])
    assert {(item.code, item.source.file) for item in found.findings} == {
        ("score-twice", f"c/{UPPER}.xlsx")
    }


ESCAPES = "\x1b[2J\x1b]0;x\x07\x9b31m\u202e\x7f"
"""What clears a screen, names a window, colours, turns text round."""

LEGAL = "\x9b31m\u202e\x7f"
"""What of it XML and text files may hold."""


def raw(text: str) -> set[str]:
    """The signs in a text that a terminal obeys instead of showing them."""
    known = {char for char in text if not char.isprintable() and char not in "\n "}
    return known | {char for char in text if char == "\u202e"}


def xml_escaped(text: str) -> str:
    return "".join(f"&#{ord(char)};" for char in text)


def hostile_ballot(path: Path, ending: str, text: str) -> Path:
    """A ballot in which a text stands as a unit's name and as a score."""
    path.mkdir(parents=True, exist_ok=True)
    path = path / f"甲市.{ending}"
    if ending == "xlsx":
        written = xml_escaped(text)
        cell = f't="inlineStr"><is><t>{written}</t></is></c>'
        row = f'<row r="4"><c r="A4" {cell}<c r="B4"><v>5</v></c></row>'.encode()
        rows = ROWS.replace(b'r="B3"><v>80</v></c>', f'r="B3" {cell}'.encode())
        xlsx(path, {SHEET: sheet(row, rows=rows)})
    elif ending == "xls":
        words = [(2, 1), (3, 0)]
        more = [biff(0x204, struct.pack("<HHH", *at, 0) + short_text(text)) for at in words]
        more.append(biff(0x203, struct.pack("<HHHd", 3, 1, 0, 5.0)))
        xls(path, b"".join(more))
    else:
        path.write_text(f"单位,得分\n甲市,90\n乙市,{text}\n{text},5\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["xlsx", "xls", "csv"])
def test_what_a_terminal_would_obey_never_reaches_it(
    tmp_path: Path, appraise_cli: Appraise, ending: str
) -> None:
    text = ESCAPES if ending != "csv" else LEGAL
    path = hostile_ballot(tmp_path / "in" / "vote", ending, f"evil{text}")
    for command in (["validate"], ["validate", "--json"], ["validate", "--ledger"], ["compute"]):
        result = appraise_cli(*command, path, "--scheme", SMALL)
        refused = "file-damaged" in result.output
        assert refused or "evil" in result.output or "--ledger" in command
        assert raw(result.output) == set(), command
    result = appraise_cli("status", tmp_path / "in", "--scheme", SMALL)
    assert raw(result.output) == set()


def test_a_sheet_name_that_a_terminal_would_obey_never_reaches_it(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    name = f"a&#10;error [x]{xml_escaped(LEGAL)}".encode()
    path = tmp_path / "in" / "vote" / "甲市.xlsx"
    path.parent.mkdir(parents=True)
    book = b'<workbook xmlns="%s" xmlns:r="%s"><sheets><sheet name="%s" sheetId="1" r:id="rId1"/>'
    row = b'<row r="4"><c r="B4"><v>5</v></c></row>'
    xlsx(
        path,
        {SHEET: sheet(row), BOOK: book % (MAIN, RELATIONS, name) + b"</sheets></workbook>"},
    )
    for command in ("validate", "status"):
        result = appraise_cli(command, tmp_path / "in", "--scheme", SMALL)
        assert raw(result.output) == set(), command
        assert not any(line.startswith("error [x]") for line in result.output.splitlines())


def test_a_note_or_a_format_that_a_terminal_would_obey_never_reaches_it(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    path = tmp_path / "in" / "vote" / "甲市.xlsx"
    path.parent.mkdir(parents=True)
    text = xml_escaped(f"evil{LEGAL}").encode()
    notes = b'<comments xmlns="%s"><commentList><comment ref="B2"><text><t>%s</t></text></comment>'
    code = b'<numFmt numFmtId="164" formatCode="0&quot;%s&quot;"/>' % text
    xlsx(
        path,
        {
            SHEET: sheet(rows=ROWS.replace(b"<v>90</v>", b"<f>1</f><v>90.5</v>")),
            STYLES: styles(code, b'<xf/><xf numFmtId="164"/>'),
            SHEET_LINKS: links(("comments", "../comments1.xml")),
            NOTES: notes % (MAIN, text) + b"</commentList></comments>",
        },
    )
    for options in ((), ("--ledger",)):
        result = appraise_cli("validate", path, *options, "--scheme", SMALL)
        assert "evil" in result.output
        assert raw(result.output) == set(), options


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r=", "{=", "|"])
def test_what_offices_write_is_text_in_the_report_and_in_slips(
    tmp_path: Path, appraise_cli: Appraise, with_faults: Path, sign: str
) -> None:
    evil = f"{sign}HYPERLINK(A1)"
    rows: Rows = [["单位", "扣分", "原因", "依据"]]
    write(tmp_path / "in", {**SHEETS, "faults": rows})
    lines = f'单位,扣分,原因,依据\n甲市,2,"{evil}","{evil}"\n"{evil}",2,a,b\n'
    (tmp_path / "in" / "faults.xlsx").unlink()
    (tmp_path / "in" / "faults.csv").write_bytes(lines.encode())
    options = ("--scheme", with_faults)
    appraise_cli("compute", tmp_path / "in", "--provisional", *options)
    assert appraise_cli("report", *options).exit_code == 0
    appraise_cli("validate", tmp_path / "in", "--slips", "slips", *options)
    made = [tmp_path / "results" / "small.xlsx", *(tmp_path / "slips").rglob("*.xlsx")]
    assert len(made) == 2
    seen = 0
    for path in made:
        for page in openpyxl.load_workbook(path).worksheets:
            for cell in (cell for row in page.iter_rows() for cell in row):
                ours = cell.data_type == "f" and "HYPERLINK" not in str(cell.value)
                assert ours or cell.data_type != "f", (path, cell.coordinate, cell.value)
                assert cell.hyperlink is None or cell.hyperlink.target is None
                seen += "HYPERLINK" in str(cell.value)
    assert seen >= 4


def test_what_a_scheme_says_is_text_in_forms(tmp_path: Path, appraise_cli: Appraise) -> None:
    evil = '=HYPERLINK("http://x")'
    text = SMALL.read_text(encoding="utf-8")
    for title in ("Small", "A document", "Cities", "Content", "A", "B one", "Work", "Sheet"):
        text = re.sub(rf"title: {title}\b", f"title: '{evil} {title}'", text)
    (tmp_path / "evil.yaml").write_text(text, encoding="utf-8")
    result = appraise_cli("template", "forms", "--scheme", "evil.yaml")
    assert result.exit_code == 0, result.output
    for path in (tmp_path / "forms").rglob("*.xlsx"):
        for page in openpyxl.load_workbook(path).worksheets:
            for cell in (cell for row in page.iter_rows() for cell in row):
                if cell.data_type == "f":
                    bare = re.sub(r'"(?:[^"]|"")*"', "", str(cell.value))
                    assert "HYPERLINK" not in bare


def test_signs_that_xml_cannot_hold_leave_the_report_whole(
    tmp_path: Path, appraise_cli: Appraise, with_faults: Path
) -> None:
    write(tmp_path / "in", SHEETS)
    words = xml_escaped("a\x01\x1b\ufffe\uffffb")
    cell = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'
    head = "".join(cell.format(f"{c}1", t) for c, t in zip("ABCD", FAULTS[0], strict=True))
    body = "".join(cell.format(f"{c}2", t) for c, t in (("A", "甲市"), ("C", words), ("D", "x")))
    body = body.replace('<c r="C2"', '<c r="B2"><v>2</v></c><c r="C2"')
    rows = f'<row r="1">{head}</row><row r="2">{body}</row>'
    xlsx(tmp_path / "in" / "faults.xlsx", {SHEET: sheet(rows=rows.encode())})
    appraise_cli("compute", tmp_path / "in", "--scheme", with_faults, "--provisional")
    result = appraise_cli("report", "--scheme", with_faults)
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(tmp_path / "results" / "small.xlsx") as archive:
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
            assert b"\xef\xbf\xbf" not in archive.read(name)


PERCENTAGES: dict[str, Callable[[bytes], bytes]] = {
    "double quotes": lambda part: part,
    "single quotes": lambda part: part.replace(b's="1"', b"s='1'"),
    "spaces": lambda part: part.replace(b's="1"', b's = "1"'),
    "a reference": lambda part: part.replace(b's="1"', b's="&#49;"'),
    "no addresses": lambda part: re.sub(rb' r="[A-Z]+\d+"', b"", part),
    "small letters": lambda part: re.sub(rb'r="B(\d)"', rb'r="b\1"', part),
    "a sign in an attribute": lambda part: part.replace(b"<c r=", b'<c x=">" r='),
}
PERCENT = {
    STYLES: styles(b"", b'<xf/><xf numFmtId="9"/>'),
    SHEET: sheet(
        rows=ROWS.replace(b"<v>90</v>", b"<v>0.95</v>").replace(
            b'r="B3"><v>80', b'r="B3" s="1"><v>0.8'
        )
    ),
}


def percentages(path: Path) -> list[str]:
    found = check_sources(scheme_of(SMALL), [path]).findings
    return [item.code for item in found]


def scheme_of(path: Path) -> Scheme:
    scheme = load_scheme(path).scheme
    assert scheme is not None
    return scheme


@pytest.fixture
def ballot(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "vote" / "甲市.xlsx"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("way", PERCENTAGES)
def test_percentages_are_seen_in_whatever_way_the_xml_is_written(ballot: Path, way: str) -> None:
    xlsx(ballot, {**PERCENT, SHEET: PERCENTAGES[way](PERCENT[SHEET])})
    assert percentages(ballot)


def test_percentages_are_seen_in_a_strict_workbook(ballot: Path) -> None:
    xlsx(ballot, {name: strict(part) for name, part in {**right(), **PERCENT}.items()})
    assert percentages(ballot)


@pytest.mark.parametrize("part", ["sheet1", "styles"])
def test_percentages_are_seen_where_the_case_of_a_part_differs(ballot: Path, part: str) -> None:
    parts = {**right(), **PERCENT}
    written = {name.replace(part, part.capitalize()): each for name, each in parts.items()}
    pack(ballot, written.items())
    assert percentages(ballot)


def test_percentages_are_seen_where_the_styles_stand_elsewhere(ballot: Path) -> None:
    targets = links(("worksheet", "worksheets/sheet1.xml"), ("styles", "other.xml"))
    moved = {STYLES: styles(), "xl/other.xml": PERCENT[STYLES], LINKS: targets}
    xlsx(ballot, {**PERCENT, **moved})
    assert percentages(ballot)


@pytest.mark.parametrize(
    "written",
    ["9&#48;", "9<!-- x -->0", "9<?x?>0", "9<![CDATA[0]]>", "<![CDATA[90]]>", "&#57;0"],
)
def test_a_number_in_pieces_is_read_whole_or_said(ballot: Path, written: str) -> None:
    rows = ROWS.replace(b"<v>90</v>", f"<v>{written}</v>".encode())
    xlsx(ballot, {SHEET: sheet(rows=rows)})
    checked = check_sources(scheme_of(SMALL), [ballot])
    read = [str(block.values[0][0]) for block in checked.blocks.get(("vote", "city"), ())]
    assert checked.findings or read == ["90"]


@pytest.mark.parametrize(
    ("there", "code"),
    [
        (b' hidden="1"', "rows-hidden"),
        (b" hidden='1'", "rows-hidden"),
        (b' hidden = "true"', "rows-hidden"),
    ],
)
def test_a_hidden_row_is_said_in_whatever_way_the_xml_is_written(
    ballot: Path, there: bytes, code: str
) -> None:
    xlsx(ballot, {SHEET: sheet(rows=ROWS.replace(b'<row r="2"', b'<row r="2"' + there))})
    assert percentages(ballot) == [code]


@pytest.mark.parametrize("area", [b'ref="B2:B3"', b"ref='B2:B3'", b'ref = "B2:B3"'])
def test_merged_scores_are_said_in_whatever_way_the_xml_is_written(
    ballot: Path, area: bytes
) -> None:
    behind = b"<mergeCells><mergeCell " + area + b"/></mergeCells>"
    xlsx(ballot, {SHEET: sheet(behind=behind)})
    assert "score-merged" in percentages(ballot)


def test_a_link_that_leads_to_itself_or_nowhere_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    (tmp_path / "vote" / "丙.xlsx").symlink_to(tmp_path / "vote" / "丙.xlsx")
    assert codes(tmp_path)["file-not-regular"] == "vote/丙.xlsx"
    (tmp_path / "vote" / "丙.xlsx").unlink()
    (tmp_path / "vote" / "丙.xlsx").symlink_to("/dev/zero")
    assert codes(tmp_path)["file-not-regular"] == "vote/丙.xlsx"
    (tmp_path / "vote" / "丙.xlsx").unlink()
    (tmp_path / "vote" / "丙.xlsx").symlink_to(tmp_path / "nowhere")
    assert codes(tmp_path)["file-not-regular"] == "vote/丙.xlsx"


@pytest.mark.parametrize("out", ["slips", "a/../slips", "in/../slips", "./slips/.//"])
def test_slips_stand_below_their_folder_however_it_is_named(
    tmp_path: Path, appraise_cli: Appraise, out: str
) -> None:
    hostile_ballot(tmp_path / "in" / "vote", "csv", "x")
    (tmp_path / "a").mkdir()
    result = appraise_cli("validate", "in", "--scheme", SMALL, "--slips", out)
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "slips" / "vote").iterdir()] == ["甲市.csv-slip.xlsx"]


def test_slips_are_not_written_into_what_is_read_through_a_link(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    source = hostile_ballot(tmp_path / "in" / "vote", "csv", "x")
    before = {path: path.is_file() and path.read_bytes() for path in source.parent.iterdir()}
    (tmp_path / "slips").mkdir()
    (tmp_path / "slips" / "vote").symlink_to(source.parent)
    appraise_cli("validate", "in", "--scheme", SMALL, "--slips", "slips")
    after = {path: path.is_file() and path.read_bytes() for path in source.parent.iterdir()}
    assert after == before


def test_a_slip_never_takes_the_place_of_what_was_read(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    source = hostile_ballot(tmp_path / "in" / "vote", "csv", "x")
    before = source.read_bytes()
    (tmp_path / "slips" / "vote").mkdir(parents=True)
    (tmp_path / "slips" / "vote" / "甲市.csv-slip.xlsx").symlink_to(source)
    appraise_cli("validate", "in", "--scheme", SMALL, "--slips", "slips")
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    "names",
    [
        ["x" * 251 + ".csv", "x" * 250 + ".xls"],
        ["甲" * 83 + ".csv", "甲" * 83 + ".ods"],
        ["a.xls", "a.xls.xlsx"],
        ["a.xlsx", "A.XLSX"],
        [b"\xff.csv", b"\xfe.csv"],
        ["a\n.csv", "a\t.csv"],
        ["..csv", "...csv"],
        ["\u202exslx.csv", "~.csv"],
    ],
)
def test_each_file_has_a_slip_of_its_own_whatever_it_is_called(
    tmp_path: Path, appraise_cli: Appraise, names: list[str | bytes]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in names:
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + os.fsencode(name)))
        path.write_bytes(b"PK broken")
    result = appraise_cli("validate", "in", "--scheme", SMALL, "--slips", "slips")
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert len(list((tmp_path / "slips").iterdir())) == len(names)
    assert "kept as" not in result.output


def test_folders_above_the_input_do_not_lead_a_slip_out(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    hostile_ballot(tmp_path / "in" / "vote", "csv", "x")
    (tmp_path / "here").mkdir()
    paths = ["in/vote/甲市.csv", "here/../in/../in"]
    result = appraise_cli("validate", *paths, "--scheme", SMALL, "--slips", "out/slips")
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["slips"]
    assert {path.name for path in tmp_path.iterdir()} == {"in", "here", "out"}


@pytest.mark.parametrize("place", ["file", "file/below", "/dev/null", "/dev/null/x"])
def test_a_folder_for_forms_or_slips_that_is_a_file_is_a_finding(
    tmp_path: Path, appraise_cli: Appraise, place: str
) -> None:
    hostile_ballot(tmp_path / "in" / "vote", "csv", "x")
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    for command in (["template", place], ["validate", "in", "--slips", place]):
        result = appraise_cli(*command, "--scheme", SMALL)
        assert result.exit_code in (1, 2), result.output
        assert isinstance(result.exception, SystemExit), (command, result.exception)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"
