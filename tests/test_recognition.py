"""Which sheet is which form: by its tag, else by its name, else by its title; never by a guess."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from helpers.small import ADJUSTMENT, FAULTS, SHEETS, SMALL, Rows, Sheets, only, texts, write
from helpers.years import drawn
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal.appraisal import submitted
from wuhu_appraisal.names import normalise
from wuhu_appraisal.read.forms import Place, parse_tag, tag_in, tag_text
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.year.expected import State, Submission

TITLES = {
    "title: Sheet": "title: {zh: 工作得分汇总表, en: Scores of the work}",
    "title: Ballot": "title: {zh: 互评评分表, en: Ballot of a city}",
}
VOTE = SHEETS["vote/甲市"]
STRANGE = "sent/新建 工作表(2)"
FINALS = ["94.46", "84.36"]


def scheme(folder: Path, changes: Mapping[str, str] = TITLES, more: str = "") -> LoadedScheme:
    """The small scheme, its forms with titles that are no common words."""
    text = SMALL.read_text(encoding="utf-8") + more
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    path = folder / "scheme.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load_scheme(path)
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    return loaded


def without(name: str) -> Sheets:
    return {other: rows for other, rows in SHEETS.items() if other != name}


def sent(
    folder: Path,
    rows: Rows,
    *,
    name: str = STRANGE,
    of: str = "vote/甲市",
    loaded: LoadedScheme | None = None,
) -> Result:
    """The small input with one sheet replaced by another, whatever its file is called."""
    write(folder / "in", {**without(of), name: rows})
    return appraise(loaded or scheme(folder), [folder / "in"])


def headed(*heads: list[str | None], rows: Rows = VOTE) -> Rows:
    return [*heads, *rows]


def codes(run: Result) -> set[str]:
    """What was found, without what follows from a sheet that was not read."""
    return {item.code for item in run.findings} - {"scores-missing", "stage-missing-unit"}


def read_whole(run: Result) -> bool:
    """Whether nothing was found and every score counts in its place."""
    return not run.findings and [str(item.final) for item in run.standings["city"]] == FINALS


# --- by the tag -----------------------------------------------------------------------------------

BALLOT = Place("vote", "city", "ballot", ("甲市",))
UPPER = Place("work", "city", "sheet", ("upper",))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_tag_says_what_a_sheet_is_whatever_the_file_is_called(
    tmp_path: Path, language: str
) -> None:
    i18n.activate(language)
    assert read_whole(sent(tmp_path, headed([tag_text("small", BALLOT)])))


@pytest.mark.parametrize(
    "written",
    [
        "表号: [small/vote/city/ballot/甲市]",
        "表号：［small／vote／city／ballot／甲市］",
        "  表号 : [small/vote/city/ballot/ 甲市 ] ",
        "form: [small/vote/city/ballot/甲]",
        "FORM:[small/vote/city/ballot/甲市]",
    ],
)
def test_a_tag_is_known_in_every_width_and_spacing_and_with_an_alias(
    tmp_path: Path, written: str
) -> None:
    assert read_whole(sent(tmp_path, headed([written])))


def test_a_tag_may_stand_in_any_cell_above_the_scores(tmp_path: Path) -> None:
    heads: list[list[str | None]] = [
        ["评分"],
        [None],
        [None, None, None, None, tag_text("small", BALLOT)],
    ]
    assert read_whole(sent(tmp_path, headed(*heads)))


def test_a_tag_says_what_a_sheet_is_in_a_table_as_text(tmp_path: Path) -> None:
    write(tmp_path / "in", without("vote/甲市"))
    (tmp_path / "in" / "a.csv").write_bytes(texts(headed([tag_text("small", BALLOT), ""]), "gbk"))
    assert read_whole(appraise(scheme(tmp_path), [tmp_path / "in"]))


def test_a_tag_of_an_adjustment_says_so(tmp_path: Path) -> None:
    loaded = scheme(tmp_path, more=ADJUSTMENT)
    tag = tag_text("small", Place("fault", "", "fault"))
    write(tmp_path / "in", {**SHEETS, STRANGE: headed([tag], rows=FAULTS)})
    run = appraise(loaded, [tmp_path / "in"])
    assert run.findings == []
    assert [str(item.final) for item in run.standings["city"]] == ["94.46", "82.36"]


def test_a_tag_of_another_scheme_is_an_error_and_the_sheet_is_not_read(tmp_path: Path) -> None:
    other = tag_text("wuhu-2019", BALLOT)
    run = sent(tmp_path, headed([other]), name="vote/甲市")
    assert codes(run) == {"tag-other-scheme"}
    assert "wuhu-2019" in next(i.message for i in run.findings if i.code == "tag-other-scheme")
    assert run.provisional


def test_a_title_does_not_hide_that_a_tag_is_of_another_scheme(tmp_path: Path) -> None:
    other = tag_text("wuhu-2019", BALLOT)
    run = sent(tmp_path, headed([other], ["互评评分表(甲市)"]), name="vote/甲市")
    assert codes(run) == {"tag-other-scheme"}


@pytest.mark.parametrize(
    "written",
    [
        "表号: [small]",
        "表号: [small/vote/city]",
        "表号: [small/vote/city/ballot]",
        "表号: [small/vote/city/ballot/]",
        "表号: [small/vote/city/ballot/丙市]",
        "表号: [small/vote/city/ballot/甲市/乙市]",
        "表号: [small/vote/town/ballot/甲市]",
        "表号: [small/vote/city/sheet/甲市]",
        "表号: [small/daily/city/ballot/甲市]",
        "表号: [small///]",
    ],
)
def test_a_broken_tag_is_an_error_that_shows_it_and_the_sheet_is_not_read(
    tmp_path: Path, written: str
) -> None:
    run = sent(tmp_path, headed([written]), name="vote/甲市")
    assert codes(run) == {"tag-unknown"}
    found = next(item for item in run.findings if item.code == "tag-unknown")
    assert normalise(written).removeprefix("表号:") in found.message
    assert run.provisional


def test_a_tag_that_agrees_with_the_name_is_no_finding(tmp_path: Path) -> None:
    assert read_whole(sent(tmp_path, headed([tag_text("small", BALLOT)]), name="vote/甲"))


@pytest.mark.parametrize("place", [UPPER, Place("vote", "city", "ballot", ("乙市",))])
def test_a_tag_that_disagrees_with_the_name_is_an_error_that_says_both(
    tmp_path: Path, place: Place
) -> None:
    run = sent(tmp_path, headed([tag_text("small", place)]), name="vote/甲市")
    assert codes(run) == {"sheet-disagrees"}
    message = next(item.message for item in run.findings if item.code == "sheet-disagrees")
    assert "the form's tag" in message
    assert "the name of the file and sheet says that it is Ballot of a city 甲市" in message
    assert ("Scores of the work upper" if place is UPPER else "Ballot of a city 乙市") in message
    stages = {item.unit: item.stages for item in run.standings["city"]}
    assert str(stages["乙市"]["vote"]) == "95.00"


@drawn(examples=300)
@given(
    parts=st.lists(st.text("甲市局（1）/%][ -_:：Aa2F5DＢ％／\u3000", max_size=8), min_size=4),
    language=st.sampled_from(["zh", "en"]),
)
def test_a_tag_is_read_back_as_it_was_written(parts: list[str], language: str) -> None:
    i18n.activate(language)
    scheme_id, stage, group, form, *members = parts
    place = Place(stage, group, form, tuple(members))
    written = tag_in(["评分表", tag_text(scheme_id, place)])
    read = parse_tag(written) if written else None
    assert read is not None
    found = [read[0], read[1].stage, read[1].group, read[1].form, *read[1].members]
    assert list(map(normalise, found)) == list(map(normalise, parts))


# --- by the title ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "heads",
    [
        [["互评评分表(甲市)"]],
        [["2020年度政务公开互评评分表（甲市）"]],
        [["Ballot of a city (甲)"]],
        [["互评评分表"], ["填报单位:甲市"]],
        [["2020年互评评分表"], ["测评单位：甲市", None, "填表人:某某"]],
        [[None, None, "互评 评分表"], [], ["填报单位: 甲市 "]],
    ],
)
def test_a_title_and_the_member_beside_it_say_what_a_sheet_is(
    tmp_path: Path, heads: list[list[str | None]]
) -> None:
    turned: Rows = [VOTE[0], *VOTE[:0:-1]]
    assert read_whole(sent(tmp_path, headed(*heads, rows=turned)))


def test_a_title_names_a_member_by_its_title_too(tmp_path: Path) -> None:
    rows = headed(["工作得分汇总表(Upper)"], rows=SHEETS["work/upper"])
    assert read_whole(sent(tmp_path, rows, of="work/upper"))


def test_a_title_of_an_adjustment_says_so(tmp_path: Path) -> None:
    loaded = scheme(tmp_path, {**TITLES, "title: Fault": "title: 违规扣分登记表"}, ADJUSTMENT)
    write(tmp_path / "in", {**SHEETS, STRANGE: headed(["2020年违规扣分登记表"], rows=FAULTS)})
    run = appraise(loaded, [tmp_path / "in"])
    assert run.findings == []
    assert [str(item.final) for item in run.standings["city"]] == ["94.46", "82.36"]


@pytest.mark.parametrize("first", ["甲市", "乙市"])
def test_a_title_without_its_member_is_an_error_and_no_row_below_stands_for_it(
    tmp_path: Path, first: str
) -> None:
    rows = VOTE if first == "甲市" else [VOTE[0], *VOTE[:0:-1]]
    run = sent(tmp_path, headed(["2020年互评评分表"], rows=rows))
    assert codes(run) == {"sheet-title-incomplete"}
    found = next(item for item in run.findings if item.code == "sheet-title-incomplete")
    assert "Ballot of a city" in found.message
    assert "rater" in found.message
    assert "vote/<rater>" in found.hint
    assert run.provisional


def test_a_title_with_a_member_that_nobody_is_is_incomplete_too(tmp_path: Path) -> None:
    rows = headed(["工作得分汇总表(middle)"], rows=SHEETS["work/upper"])
    assert codes(sent(tmp_path, rows, of="work/upper")) == {"sheet-title-incomplete"}


def test_a_title_of_another_form_than_the_name_is_an_error_that_says_both(tmp_path: Path) -> None:
    run = sent(tmp_path, headed(["工作得分汇总表"]), name="vote/甲市")
    assert codes(run) == {"sheet-disagrees"}
    message = next(item.message for item in run.findings if item.code == "sheet-disagrees")
    assert "the name of the file and sheet says that this is Ballot of a city 甲市" in message
    assert "the title in the sheet says that it is Scores of the work" in message


@pytest.mark.parametrize("title", ["互评评分表(乙市)", "2020年互评评分表（乙市）"])
def test_a_title_of_another_member_than_the_name_is_an_error(tmp_path: Path, title: str) -> None:
    run = sent(tmp_path, headed([title]), name="vote/甲市")
    assert codes(run) == {"sheet-disagrees"}


@pytest.mark.parametrize("title", ["互评评分表", "互评评分表(甲市)", "2020年评分", "政务公开"])
def test_a_title_that_does_not_say_otherwise_leaves_the_name_alone(
    tmp_path: Path, title: str
) -> None:
    assert read_whole(sent(tmp_path, headed([title]), name="vote/甲市"))


def test_a_title_of_two_forms_is_an_error_that_names_both(tmp_path: Path) -> None:
    same = {"title: Sheet": "title: 政务公开评分表", "title: Ballot": "title: 政务公开评分表"}
    tiers = {"upper: Upper": "upper: 甲级", "{raters: panel}": "{raters: panel, title: 测评单位}"}
    loaded = scheme(tmp_path, {**same, **tiers})
    run = sent(tmp_path, headed(["政务公开评分表"]), loaded=loaded)
    assert codes(run) == {"sheet-title-ambiguous"}


def test_the_longest_title_counts(tmp_path: Path) -> None:
    longer = {"title: Sheet": "title: 评分汇总表", "title: Ballot": "title: 双向互评评分汇总表"}
    run = sent(tmp_path, headed(["双向互评评分汇总表(甲市)"]), loaded=scheme(tmp_path, longer))
    assert read_whole(run)


def test_a_title_that_is_a_common_word_says_nothing(tmp_path: Path) -> None:
    common = {"title: Sheet": "title: 汇总表", "title: Ballot": "title: 评分表"}
    run = sent(tmp_path, headed(["评分表(甲市)"]), loaded=scheme(tmp_path, common))
    assert codes(run) == {"file-unrecognised"}


# --- by nothing -----------------------------------------------------------------------------------


def test_a_file_that_nothing_names_is_an_error_that_says_where_it_could_go(tmp_path: Path) -> None:
    run = sent(tmp_path, VOTE)
    assert codes(run) == {"file-unrecognised"}
    found = next(item for item in run.findings if item.code == "file-unrecognised")
    assert found.source.file == f"{STRANGE}.xlsx"
    assert "vote/<rater>" in found.hint
    assert "work/<tier>" in found.hint
    assert run.provisional


def test_a_tag_below_the_head_of_a_sheet_is_not_looked_for(tmp_path: Path) -> None:
    run = sent(tmp_path, [*VOTE, *[[None]] * 20, [tag_text("small", BALLOT)]])
    assert codes(run) == {"file-unrecognised"}


# --- the same sheet twice -------------------------------------------------------------------------


def twice(folder: Path, copies: Sheets) -> tuple[list[Submission], Result]:
    """The small input with further sheets: what came for the ballot of 甲市, and the result."""
    loaded = scheme(folder)
    assert loaded.scheme is not None
    write(folder / "in", {**SHEETS, **copies})
    found, _findings = submitted(loaded.scheme, [folder / "in"])
    ours = [item for item in found if (item.form.zh, item.members.zh) == ("互评评分表", "甲市")]
    others = [item for item in found if item not in ours]
    assert {item.state for item in others} == {State.CAME}
    return ours, appraise(loaded, [folder / "in"])


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("vote/甲", VOTE),
        ("again/vote/甲市", VOTE),
        (STRANGE, headed([tag_text("small", BALLOT)])),
        (STRANGE, headed(["互评评分表(甲市)"])),
    ],
)
def test_a_sheet_that_came_twice_is_seen_however_it_was_recognised(
    tmp_path: Path, name: str, rows: Rows
) -> None:
    [ours], run = twice(tmp_path, {name: rows})
    assert ours.state is State.TWICE
    files = {"vote/甲市.xlsx", f"{name}.xlsx"}
    assert {source.file for source in ours.sources} == files
    assert {item.code for item in run.findings} <= {"score-twice", "file-copy"}
    assert run.findings
    for item in run.findings:
        assert item.source.file in files
        [other] = files - {item.source.file}
        assert other in item.message
    stages = {item.unit: str(item.stages["vote"]) for item in run.standings["city"]}
    assert stages == {"甲市": "85.50", "乙市": "95.00"}
    assert run.provisional


def test_a_sheet_that_came_once_and_one_that_did_not_come_are_told_apart(tmp_path: Path) -> None:
    loaded = scheme(tmp_path)
    assert loaded.scheme is not None
    write(tmp_path / "in", SHEETS)
    (tmp_path / "in" / "vote" / "乙市.xlsx").unlink()
    found, findings = submitted(loaded.scheme, [tmp_path / "in"])
    assert findings == []
    assert {(item.form.zh, *item.place.members): item.state for item in found} == {
        ("工作得分汇总表", "upper"): State.CAME,
        ("工作得分汇总表", "lower"): State.CAME,
        ("互评评分表", "甲市"): State.CAME,
        ("互评评分表", "乙市"): State.MISSING,
    }


def test_a_copy_under_a_name_that_means_nothing_is_a_copy_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "in", SHEETS)
    shutil.copy(tmp_path / "in" / "vote" / "甲市.xlsx", tmp_path / "in" / "甲市 副本.xlsx")
    item = only(appraise(scheme(tmp_path), [tmp_path / "in"]))
    assert (item.code, item.source.file) == ("file-copy", "甲市 副本.xlsx")
