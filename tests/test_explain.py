"""An explanation goes from the final down to the cells, adds up, and says what decided."""

import io
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pytest
from helpers import EXAMPLES, STAGE_FILES, Appraise
from helpers.small import SHEETS, SMALL, Rows, write
from helpers.years import BOUNDED, Books, Year, computed, drawn, of_rounds, single
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from openpyxl.comments import Comment
from rich.cells import cell_len
from rich.console import Console

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal.numbers import round_half_up
from wuhu_appraisal.output import text as terminal
from wuhu_appraisal.output.compare import compare
from wuhu_appraisal.output.explain import (
    ALL_THE_WAY,
    decisive,
    explain,
    signed,
)
from wuhu_appraisal.output.tables import Node, banner, node_data
from wuhu_appraisal.output.text import markdown_tree

Json: TypeAlias = dict[str, Any]
BALLOTS = "双向互评/测评县市区"


@pytest.fixture(scope="module")
def run(wuhu_run: Result) -> Result:
    return wuhu_run


@pytest.fixture
def stage_files(tmp_path: Path) -> Path:
    return Path(shutil.copytree(STAGE_FILES, tmp_path / "stage-files"))


def nodes(tree: Node) -> Iterator[Node]:
    yield tree
    for child in tree.children:
        yield from nodes(child)


def texts(tree: Node, kind: str) -> list[str]:
    return [node.sentence for node in nodes(tree) if node.kind == kind]


def units(found: Result) -> list[str]:
    return [item.unit for standings in found.standings.values() for item in standings]


def added_up(node: Json) -> int:
    """How many nodes below are sums of their children, each of which was added up by a program."""
    counted = [child for child in node["children"] if child["coefficient"] is not None]
    below = sum(map(added_up, node["children"]))
    if not counted:
        return below
    parts = (Fraction(child["coefficient"]) * Fraction(child["value"] or 0) for child in counted)
    if node["value"] is None:
        assert not any(Fraction(child["coefficient"]) for child in counted), node["text"]
    else:
        assert sum(parts) == Fraction(node["value"]), node["text"]
    return below + 1


# --- the numbers -----------------------------------------------------------------------------------


def test_a_program_can_add_the_tree_up_from_the_cells_to_the_final(run: Result) -> None:
    for group, least in (("county", 80), ("municipal", 6)):
        for standing in run.standings[group][:7]:
            tree = node_data(explain(run, standing.unit, ALL_THE_WAY))
            assert added_up(tree) >= least
            assert round_half_up(Fraction(tree["value"]), 2) == standing.final


@pytest.mark.slow
@drawn(examples=25)
@given(seed=st.integers(0, 2**32), blank=st.sampled_from([0.0, 0.1, 0.4]))
def test_a_program_can_add_up_every_kind_of_step_with_bounds_and_with_gaps(
    places: Iterator[Path], seed: int, blank: float
) -> None:
    found = computed(places, Year(seed, blank).books(), BOUNDED)
    for unit in units(found):
        added_up(node_data(explain(found, unit, ALL_THE_WAY)))


def test_every_cell_of_a_unit_is_there_with_what_its_file_holds(run: Result) -> None:
    books = {
        path.relative_to(STAGE_FILES).as_posix(): openpyxl.load_workbook(path)
        for path in STAGE_FILES.rglob("*.xlsx")
    }
    for unit in ("镜湖区", "市发改委"):
        group, _standing = run.standing_of(unit)
        cells = [
            node
            for node in nodes(explain(run, unit, ALL_THE_WAY))
            if node.kind == "cell" and node.sources
        ]
        expected = sum(
            sum(key[0] == unit for key, _score in trace.scores.items())
            for trace in run.traces[group].stages.values()
        )
        assert len(cells) == expected > 40
        for node in cells:
            (source,) = node.sources
            held = books[source.file][source.sheet][source.cell].value
            if node.value is None:
                assert held in ("/", "不适用", "—") and "not applicable" in node.text
            else:
                assert Decimal(str(held)) == node.value


def test_the_cells_below_a_stage_are_those_that_its_table_names(
    run: Result, places: Iterator[Path]
) -> None:
    down = of_rounds({unit: [60, 70, 80] for unit in ("甲县", "乙县", "丙县", "丁县")})
    rows = down["日常"]["成绩"]
    across: Books = {"日常": {"成绩": [list(column) for column in zip(*rows, strict=True)]}}
    turned = computed(places, across, single("mean"))
    for found, unit in ((run, "镜湖区"), (run, "市发改委"), (turned, "乙县")):
        group, _standing = found.standing_of(unit)
        for stage, trace in found.traces[group].stages.items():
            keys = [key for key, _value in trace.scores.items() if key[0] == unit]
            expected = {source for key in keys for source in trace.scores.sources(key)}
            tree = explain(found, unit, ALL_THE_WAY, stage)
            assert {source for node in nodes(tree) for source in node.sources} == expected


def test_each_published_number_says_how_it_was_rounded(run: Result) -> None:
    tree = explain(run, "镜湖区", 1)
    roundings = texts(tree, "rounding")
    assert len(roundings) == 6
    assert "rounded half up to 2 decimals: 87.174375 → 87.17  [三(二)]" in roundings
    assert any(
        text.endswith("→ 85.11  [四]") and "rounded half up to 2 decimals: ≈85.1062" in text
        for text in roundings
    )
    rating = next(node for node in nodes(tree) if node.text.startswith("Mutual rating"))
    found = node_data(rating)
    assert found["value"] == "87.174375"
    assert found["published"] == "87.17"
    assert found["rounding"] == {"digits": 2, "rule": "half_up"}


def test_a_published_number_that_was_not_rounded_has_no_rounding_but_the_final(run: Result) -> None:
    tree = explain(run, "市发改委", 1, "mutual")
    assert (tree.value, tree.published) == (Fraction("84.85"), "84.85")
    assert texts(tree, "rounding") == []


@pytest.mark.parametrize("digits", [0, 1, 2, 3])
@given(
    numerator=st.integers(-(10**9), 10**9),
    denominator=st.integers(1, 10**7),
    near=st.integers(0, 9),
)
def test_so_many_digits_are_shown_that_they_are_rounded_as_the_exact_number(
    digits: int, numerator: int, denominator: int, near: int
) -> None:
    half = Fraction(2 * (numerator % 1000) + 1, 2 * 10**digits)
    values = (Fraction(numerator, denominator), half - Fraction(1, 3 * 10 ** (near + 4)), half)
    for value in values:
        shown = decisive(value, digits).removeprefix("≈").partition(" = ")[0]
        assert round_half_up(Fraction(shown), digits) == round_half_up(value, digits)


def test_a_number_just_below_the_half_is_not_shown_as_the_half() -> None:
    assert decisive(Fraction("85.125") - Fraction(1, 3 * 10**15), 2) == "≈85.1249999999999997"


@pytest.mark.parametrize(
    ("value", "text"),
    [("3", "+3"), ("-0.5", "-0.5"), ("0", "0"), ("1/3", "≈+0.3333"), ("-1/3", "≈-0.3333")],
)
def test_a_difference_has_its_sign(value: str, text: str) -> None:
    assert signed(Fraction(value)) == text


# --- the sentences ---------------------------------------------------------------------------------


def test_the_composite_is_shown_as_weights_times_stages(run: Result) -> None:
    (text,) = (
        node.sentence
        for node in explain(run, "镜湖区", 0).children[-1].children
        if node.kind == "step"
    )
    assert text == (
        "weighted mean of 4: 0.45×≈79.3722 + 0.25×≈87.1744 + 0.2×83.2775 + 0.1×≈79.3956 "
        "≈ 82.1062  [三]"
    )


def test_each_step_has_its_clause(run: Result) -> None:
    tree = explain(run, "镜湖区", ALL_THE_WAY)
    steps = [node for node in nodes(tree) if node.kind == "step"]
    assert {node.clause for node in steps} == {
        "三",
        "三(一)",
        "三(二)",
        "三(三)",
        "三(四)",
        "附件2",
    }
    assert all(node.sentence.endswith(f"  [{node.clause}]") for node in steps)


def test_an_assumption_stands_where_its_clause_is_used_and_nowhere_else(run: Result) -> None:
    county, municipal = (
        explain(run, unit, ALL_THE_WAY, "professional") for unit in ("镜湖区", "市发改委")
    )
    averaged = "assumption: The bodies of one tier are averaged with equal weight before the tiers"
    assert [text.startswith(averaged) for text in texts(county, "assumption")].count(True) == 1
    assert not any(text.startswith(averaged) for text in texts(municipal, "assumption"))
    left_out = "An item that is not assessed for a unit is left out"
    assert sum(left_out in text for text in texts(county, "assumption")) == 1
    assert {node.kind for node in county.children if node.kind == "assumption"}
    assert not any(
        below.kind == "assumption"
        for child in county.children
        for node in child.children
        for below in nodes(node)
    )
    assert texts(explain(run, "镜湖区", 0), "assumption") == []


def test_a_capped_adjustment_shows_its_records_its_cap_and_what_the_cap_takes(
    stage_files: Path,
) -> None:
    path = stage_files / "加扣分" / "加扣分情况.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book["优秀政策解读"]
    at = next(n for n in range(1, 99) if sheet.cell(n, 2).value == "弋江区")
    for number in range(3):
        sheet.insert_rows(at + 1)
        sheet.cell(at + 1, 2, "弋江区")
        sheet.cell(at + 1, 3, 1)
        sheet.cell(at + 1, 4, f"reason {number}")
        sheet.cell(at + 1, 5, "evidence")
    book.save(path)
    tree = explain(appraise(load_scheme("wuhu-2020"), [stage_files]), "弋江区", 0)
    by_kind = {node.kind: node for node in tree.children}
    bonus, bound = by_kind["adjustment"], by_kind["bound"]
    assert bonus.sentence == (
        "Outstanding policy interpretation: +3.5 · at most 2 a unit  [附件2 八(四)]"
    )
    assert [node.value for node in bonus.children] == [Decimal("0.5"), *[Decimal(1)] * 3]
    assert (
        "reason 1 · evidence · 加扣分/加扣分情况.xlsx › 优秀政策解读 › C"
        in texts(bonus, "record")[2]
    )
    assert bound.sentence == (
        "Outstanding policy interpretation · limited to 2: -1.5  [附件2 八(四)]"
    )
    added_up(node_data(tree))


def test_a_unit_without_adjustments_says_so(run: Result) -> None:
    standing = next(item for item in run.standings["municipal"] if not item.adjustments)
    tree = explain(run, standing.unit, 0)
    assert texts(tree, "final") == ["no bonus and no deduction: the final is the composite  [四]"]
    assert texts(tree, "adjustment") == []


def test_a_score_that_a_step_drops_is_said_not_to_count(places: Iterator[Path]) -> None:
    books = of_rounds({unit: [60, 70, 80] for unit in ("甲县", "乙县", "丙县", "丁县")})
    tree = explain(computed(places, books, single("latest")), "甲县", 2)
    cells = [text.partition(" · 日常")[0] for text in texts(tree, "cell")]
    assert cells == ["第1轮: 60 · does not count", "第2轮: 70 · does not count", "第3轮: 80"]


# --- ties ------------------------------------------------------------------------------------------


def test_a_shared_rank_names_those_who_share_it(places: Iterator[Path]) -> None:
    books = of_rounds({"甲县": [60] * 3, "乙县": [60] * 3, "丙县": [60] * 3, "丁县": [50] * 3})
    found = computed(places, books, single("mean"))
    assert texts(explain(found, "乙县", 0), "rank") == [
        "the rank is shared with 甲县, 丙县, whose final is also 60.00"
    ]
    assert texts(explain(found, "丁县", 0), "rank") == []


def test_a_tie_break_that_decides_is_said_with_the_numbers_it_decides_by(tmp_path: Path) -> None:
    """Both cities end at 89.00: work 85 and vote 95 for one, 95 and 80 for the other."""
    ties = 'ranking: {clause: "7", ties: [{by: composite}, {by: stage, stage: vote}]}'
    scheme = tmp_path / "scheme.yaml"
    scheme.write_text(SMALL.read_text("utf-8").replace("ranking: {}", ties), encoding="utf-8")
    folder = tmp_path / "in"
    work = [SHEETS["work/upper"][0], ["甲市", 50, 23, 12], ["乙市", 60, 22, 13]]
    vote: Rows = [["单位", "得分"], ["甲市", 95], ["乙市", 80]]
    write(
        folder,
        {"work/upper": work, "work/lower": work, "vote/甲市": vote, "vote/乙市": vote},
    )
    found = appraise(load_scheme(scheme), [folder])
    finals = {item.unit: (item.rank, item.final) for item in found.standings["city"]}
    assert finals == {"甲市": (1, Decimal("89.00")), "乙市": (2, Decimal("89.00"))}
    assert texts(explain(found, "甲市", 0), "rank") == [
        "乙市 also has the final 89.00; Vote decides: 95.00 to 80.00  [7]"
    ]
    assert texts(explain(found, "乙市", 0), "rank") == [
        "甲市 also has the final 89.00; Vote decides: 80.00 to 95.00  [7]"
    ]


# --- how a cell was read ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "stage", "file", "sheet", "address"),
    [
        ("镜湖区", "mutual", f"{BALLOTS}/市发改委.xlsx", "评分表", "C8"),
        ("市发改委", "daily", "日常测评/第1轮.xlsx", "市直单位", "C7"),
    ],
)
def test_a_score_stored_as_text_shows_what_the_cell_holds_and_as_what_it_counts(
    appraise_cli: Appraise,
    stage_files: Path,
    unit: str,
    stage: str,
    file: str,
    sheet: str,
    address: str,
) -> None:
    book = openpyxl.load_workbook(stage_files / file)
    cell = book[sheet][address]
    cell.value, cell.data_type = "95.5", "s"
    book.save(stage_files / file)
    assert appraise_cli("compute", stage_files).exit_code == 0
    output = appraise_cli("explain", unit, "--depth", "9").output
    lines = output.splitlines()
    at = next(
        number
        for number, line in enumerate(lines)
        if line.endswith(f"{file} › {sheet} › {address}")
    )
    assert ": 95.5 · " in lines[at]
    reading = "the cell holds '95.5', read as 95.5: a number stored as text"
    assert lines[at + 1].endswith(reading)
    assert output.count(reading) == 1
    tree = json.loads(appraise_cli("explain", unit, "--stage", stage, "--json").output)["tree"]
    (read,) = (child["reading"] for child in tree["children"] if child["reading"])
    assert (read["raw"], read["value"], read["rules"]) == ("95.5", "95.5", ["text"])
    assert [read["source"][part] for part in ("file", "sheet", "cell")] == [file, sheet, address]


def test_remarks_stand_below_their_cells(run: Result) -> None:
    tree = explain(run, "镜湖区", ALL_THE_WAY)
    own = {item.source for item in run.remarks if "镜湖区.xlsx" in item.source.file}
    told = {
        source
        for node in nodes(tree)
        for source in node.sources
        if any(child.kind == "remark" for child in node.children)
    }
    assert told == own
    assert len(own) > 20
    assert "reason for the deduction: 目录要素不全" in texts(tree, "remark")


def test_a_note_on_a_cell_and_its_reading_stand_below_it(tmp_path: Path) -> None:
    write(tmp_path, SHEETS)
    path = tmp_path / "vote/甲市.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    sheet["B2"].value = "９０分"
    sheet["B2"].comment = Comment("已与市发改委核对", "someone")
    book.save(path)
    tree = explain(appraise(load_scheme(SMALL), [tmp_path]), "甲市", 2, "vote")
    cell = next(node for node in tree.children if node.sources and node.reading)
    assert [child.text for child in cell.children] == [
        "the cell holds '９０分', read as 90: a number stored as text, full-width characters read as "
        "half-width ones, the word behind the number left out",
        "note on the cell: 已与市发改委核对",
    ]


# --- what is asked for -----------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["daily", "Daily measurement", "日常测评", " DAILY "])
@pytest.mark.usefixtures("results")
def test_a_stage_is_shown_alone_down_to_its_cells_by_its_id_or_title(
    appraise_cli: Appraise, stage: str
) -> None:
    output = appraise_cli("explain", "市发改委", "--stage", stage).output
    assert output.startswith("市发改委 · Daily measurement: 76.32, weight 20  [三(三)]\n")
    assert "round 4: 75.69 · 日常测评/第4轮.xlsx › 市直单位 › C7" in output
    assert "Mutual rating" not in output
    deep = appraise_cli("explain", "镜湖区", "--stage", "professional").output
    assert deep.count(" › 县(市)区直单位 › ") > 100
    shallow = appraise_cli("explain", "镜湖区", "--stage", "professional", "--depth", "2").output
    assert "townships: " in shallow
    assert " › " not in shallow


@pytest.mark.usefixtures("results")
def test_an_unknown_stage_is_asked_about(appraise_cli: Appraise) -> None:
    for written, meant in (("profesional", "professional"), ("日常考评", "日常测评")):
        result = appraise_cli("explain", "镜湖区", "--stage", written)
        assert result.exit_code == 1
        assert "[stage-unknown]" in result.output
        assert f"did you mean '{meant}'?" in result.output
        assert "social (Public assessment)" in result.output


def test_each_depth_shows_one_step_more(run: Result) -> None:
    stage = [explain(run, "镜湖区", depth, "professional") for depth in range(5)]
    kinds = [{node.kind for node in nodes(tree)} - {"assumption", "rounding"} for tree in stage]
    assert kinds[0] == {"stage"}
    assert kinds[1] == {"stage", "step"}
    assert kinds[2] == kinds[3] == {"stage", "step", "score"}
    assert kinds[4] == {"stage", "step", "score", "cell", "remark"}
    steps = [sum(node.kind == "step" for node in nodes(tree)) for tree in stage]
    assert steps == [0, 1, 4, steps[3], steps[3]]
    assert steps[3] > 30


@pytest.mark.usefixtures("results")
def test_the_depth_is_2_unless_it_is_given(appraise_cli: Appraise) -> None:
    assert (
        appraise_cli("explain", "镜湖区").output
        == appraise_cli("explain", "镜湖区", "--depth", "2").output
    )


@pytest.mark.usefixtures("results")
def test_every_node_has_every_key_and_the_json_says_what_it_is_of(appraise_cli: Appraise) -> None:
    found = json.loads(appraise_cli("explain", "镜湖区", "--json", "--depth", "9").output)
    assert (found["unit"], found["provisional"], found["banner"]) == ("镜湖区", False, [])
    assert added_up(found["tree"]) > 80
    assert found["tree"]["published"] == "85.11"

    def walk(node: Json) -> Iterator[Json]:
        yield node
        for child in node["children"]:
            yield from walk(child)

    keys = {
        *("kind", "text", "value", "coefficient", "published", "rounding", "clause", "sources"),
        *("reading", "sides", "children"),
    }
    assert all(node.keys() == keys for node in walk(found["tree"]))
    ballot = next(node for node in walk(found["tree"]) if node["text"].startswith("市发改委: "))
    assert ballot["sources"] == [
        {"file": f"{BALLOTS}/市发改委.xlsx", "sheet": "评分表", "cell": "C8"}
    ]
    assert (ballot["kind"], ballot["value"], ballot["coefficient"]) == ("cell", "85.62", "0.0625")


# --- provisional results ---------------------------------------------------------------------------


def test_a_provisional_result_says_so_at_the_top_in_every_format(
    appraise_cli: Appraise, stage_files: Path
) -> None:
    shutil.rmtree(stage_files / "社会评议")
    appraise_cli("compute", stage_files, "--provisional")
    missing = "Public assessment: no scores were found for Municipal units"
    for more in ((), ("--against", "弋江区"), ("--stage", "daily")):
        text = appraise_cli("explain", "镜湖区", *more).output
        assert text.startswith("PROVISIONAL")
        assert missing in text.partition("镜湖区 ")[0]
        written = appraise_cli("explain", "镜湖区", *more, "--format", "md").output
        assert written.startswith("> **PROVISIONAL")
        assert missing in written.partition("\n- ")[0]
        found = json.loads(appraise_cli("explain", "镜湖区", *more, "--json").output)
        assert found["provisional"] is True
        assert missing in found["banner"]
    tree = appraise_cli("explain", "镜湖区").output
    assert tree.splitlines()[-1] == "    └── Public assessment: missing, weight 10  [三(四)]"
    assert "(left out: Public assessment)" in tree


# --- what it looks like ----------------------------------------------------------------------------


def printed(tree: Node, width: int | None) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width) if width else terminal.console(out)
    terminal.print_tree(console, tree)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_tree_fits_a_window_and_is_one_line_a_node_where_there_is_none(
    run: Result, language: str
) -> None:
    i18n.activate(language)
    trees = [explain(run, "镜湖区", ALL_THE_WAY), compare(run, "镜湖区", "弋江区", ALL_THE_WAY)]
    for tree in trees:
        folded = printed(tree, 80)
        assert max(map(cell_len, folded)) <= 80
        # A folded line goes on below its text, so that the lines of the tree are not broken.
        assert all(re.match(r"(│   |    )*(├── |└── |\S)", line) for line in folded[1:])
        plain = printed(tree, None)
        assert len(plain) == sum(1 for _node in nodes(tree))
        assert not any(line != line.rstrip() for line in plain)
    i18n.activate("en")


def test_the_numbers_of_a_comparison_stand_below_each_other(run: Result) -> None:
    lines = printed(compare(run, "镜湖区", "弋江区", 0), None)[2:]
    numbers = [re.match(r"[├└]── ( *[≈+\-\d.]+)  ", line) for line in lines]
    assert len({len(found[1]) for found in numbers if found}) == 1
    assert all(numbers)


HOSTILE = [
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](http://x.cn/y.png)", "x\n- y",
    "x\n\n# y", "- x", "1. x", "2) x", "---", "# x", "    x", "***", "> x", "`x`", "**粗**", "_斜_",
    "www.x.cn", "https://x.cn", "a@b.cn", "&lt;b&gt;", "$x$", "~~x~~", "| a |\n|---|", "\x1b[31m红",
    "\u202e反", "=1+1", "+", "-", "1.",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_a_list_in_markdown_or_becomes_markup_or_a_link(text: str) -> None:
    tree = Node(text, [Node(text, [Node("deep")]), Node("x", lead=text), Node("last")])
    written = markdown_tree(tree, [text])
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(written)
    assert sum(token.type == "list_item_open" for token in tokens) == 5
    assert {token.type.removesuffix("_open").removesuffix("_close") for token in tokens} == {
        "blockquote", "paragraph", "inline", "bullet_list", "list_item",
    }  # fmt: skip
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {child.type for child in inline if child.content != "<!-- -->"}
    assert kinds <= {"text", "strong_open", "strong_close"} | (
        {"html_inline", "softbreak"} if "\n" in text else set()
    )
    assert {child.content for child in inline if child.type == "html_inline"} <= {
        "<br>",
        "<!-- -->",
    }
    # GitHub makes links of bare addresses.
    assert not re.search(r"(?i)(?<!\\)://|www\.|\w@", written)
    assert "\x1b" not in written


@pytest.mark.usefixtures("results")
def test_markdown_has_the_tree_of_the_terminal(appraise_cli: Appraise) -> None:
    plain = appraise_cli("explain", "市发改委").output.splitlines()
    written = appraise_cli("explain", "市发改委", "--format", "md").output
    tokens = MarkdownIt("commonmark").parse(written)
    items = [token for token in tokens if token.type == "inline"]
    levels = [token.level // 2 - 1 for token in items]
    assert len(items) == len(plain)
    for line, token, level in zip(plain, items, levels, strict=True):
        shown = "".join(child.content for child in token.children or ())
        assert line[4 * level :] == shown
    assert max(levels) == 4


def test_the_texts_of_an_input_reach_no_terminal_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, {**SHEETS, "vote/甲市": [["单位", "得分"], ["甲市", "９０"], ["乙市", 80]]})
    found = appraise(load_scheme(SMALL), [tmp_path])
    spoilt = replace(found, ledger=[replace(found.ledger[0], raw="\x1b[2J90\u202e")])
    out = "\n".join(printed(explain(spoilt, "甲市", 9), None))
    assert "\x1b" not in out and "\u202e" not in out
    assert "holds '\ufffd[2J90\ufffd'" in out


# --- comparison ------------------------------------------------------------------------------------


def test_a_comparison_adds_up_for_a_program(run: Result) -> None:
    for first, second in (("镜湖区", "弋江区"), ("市发改委", "市教育局"), ("镜湖区", "市发改委")):
        tree = node_data(compare(run, first, second, ALL_THE_WAY))
        assert added_up(tree) >= 2
        finals = [run.standing_of(unit)[1].final for unit in (first, second)]
        assert [Fraction(side) for side in tree["sides"]] == [
            Fraction(final or 0) for final in finals
        ]
        assert Fraction(tree["value"]) == Fraction(finals[0] or 0) - Fraction(finals[1] or 0)


def sizes(parts: Sequence[Json]) -> list[Fraction]:
    return [abs(Fraction(part["value"])) for part in parts if part["coefficient"]]


@pytest.mark.usefixtures("results")
def test_a_comparison_shows_the_largest_part_first_with_both_values(
    appraise_cli: Appraise,
) -> None:
    lines = appraise_cli("explain", "镜湖区", "--against", "弋江区").output.splitlines()
    assert lines[0] == "镜湖区 85.11 (rank 4) compared with 弋江区 91.69 (rank 2): -6.58"
    assert lines[2] == "├── ≈-4.5244  Professional assessment: ≈35.7175 vs ≈40.2419  [三(一)]"
    assert any("       +3  Listed among the province's advanced units: 3 vs —" in x for x in lines)
    assert any("市司法局: ≈1.2563 vs ≈1.4344" in line for line in lines)
    assert lines[-1].endswith("rounding of the finals: ≈0.0038 vs ≈0.0005  [四]")
    tree = json.loads(appraise_cli("explain", "镜湖区", "--against", "弋江区", "--json").output)[
        "tree"
    ]
    for part in (tree, *tree["children"]):
        assert sizes(part["children"]) == sorted(sizes(part["children"]), reverse=True)
    written = appraise_cli("explain", "镜湖区", "--against", "弋江区", "--format", "md").output
    assert "  - ≈-4.5244  Professional assessment: ≈35.7175 vs ≈40.2419" in written
    shallow = appraise_cli("explain", "镜湖区", "--against", "弋江区", "--depth", "0").output
    assert len(shallow.splitlines()) == 9


def test_units_of_two_groups_are_said_to_be_ranked_apart(run: Result) -> None:
    tree = compare(run, "镜湖区", "市发改委", ALL_THE_WAY)
    notes = texts(tree, "note")
    assert (
        "ranked in different groups: 镜湖区 in Counties and districts, 市发改委 in Municipal units"
        in notes
    )
    assert (
        notes.count("compared as a whole: the two groups are not scored by the same members") == 3
    )
    assert "ranked in different" not in " ".join(texts(compare(run, "镜湖区", "弋江区", 9), "note"))


@pytest.mark.usefixtures("results")
def test_a_unit_is_not_held_against_itself(appraise_cli: Appraise) -> None:
    result = appraise_cli("explain", "镜湖区", "--against", "芜湖市镜湖区人民政府")
    assert result.exit_code == 1
    assert "[comparison-itself]" in result.output


@pytest.mark.usefixtures("results")
def test_the_other_unit_is_asked_about_too(appraise_cli: Appraise) -> None:
    result = appraise_cli("explain", "弋江区", "--against", "镜胡区")
    assert result.exit_code == 1
    assert "did you mean '镜湖区'?" in result.output


def test_a_unit_without_a_final_cannot_be_compared(appraise_cli: Appraise, tmp_path: Path) -> None:
    header = SHEETS["work/upper"][0]
    write(
        tmp_path / "in",
        {
            "work/upper": [header, ["甲市", 50, 20, 10]],
            "work/lower": [header, ["甲市", 55, 21, 11]],
            "vote/甲市": [["单位", "得分"], ["甲市", 90]],
            "vote/乙市": [["单位", "得分"], ["甲市", 85.5]],
        },
    )
    options = ("--scheme", SMALL)
    assert appraise_cli("compute", "in", "--provisional", *options).exit_code == 0
    for names in (("甲市", "乙市"), ("乙市", "甲市")):
        result = appraise_cli("explain", names[0], "--against", names[1], *options)
        assert result.exit_code == 1
        assert "乙市 has no final, so it cannot be compared" in result.output
    alone = appraise_cli("explain", "乙市", *options)
    assert alone.exit_code == 0
    assert "no rank yet · final —" in alone.output
    found = appraise(load_scheme(SMALL), [tmp_path / "in"])
    with pytest.raises(ValueError, match="乙市"):
        compare(found, "甲市", "乙市", 0)


def test_a_stage_and_a_comparison_are_not_asked_for_at_once(appraise_cli: Appraise) -> None:
    result = appraise_cli("explain", "镜湖区", "--against", "弋江区", "--stage", "daily")
    assert result.exit_code == 2
    assert "--stage and --against cannot be used together" in result.output


def test_other_schemes_are_explained_too(sichuan_run: Result) -> None:
    tree = explain(sichuan_run, "成都市", 2)
    assert added_up(node_data(tree)) == 2
    assert banner(sichuan_run) == []
    file = "2011年市级国土资源管理部门政务信息网上公开情况排名表.xlsx"
    sheet = openpyxl.load_workbook(EXAMPLES / "sichuan-2011" / file).worksheets[0]
    cells = [node for node in nodes(tree) if node.kind == "cell"]
    assert len(cells) == 5
    for node in cells:
        (source,) = node.sources
        assert (source.file, source.sheet) == (file, sheet.title)
        assert Decimal(str(sheet[source.cell].value)) == node.value
