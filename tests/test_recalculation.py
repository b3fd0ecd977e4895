"""The workbook proves itself: a real spreadsheet program recalculates it to the published result."""

import random
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from helpers import ROOT, STAGE_FILES, Appraise, slow_but
from helpers.drawn_stages import (
    Closing,
    Sheet,
    Tree,
    closings,
    records_of,
    rules,
    scheme_of,
    sheets,
    trees,
)
from helpers.office import convert_all
from helpers.oracle import Rule
from helpers.recalculation import alike, differing, header_row, opened, ranking_of
from helpers.stages import (
    Data,
    Scores,
    Written,
    blocks,
    load,
    of_unit,
    roll_up,
    scheme_data,
    stage,
    step_of,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl.formula.translate import Translator
from openpyxl.worksheet.worksheet import Worksheet

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.appraisal import score
from wuhu_appraisal.findings import finding
from wuhu_appraisal.model import Block, Record
from wuhu_appraisal.output import workbook
from wuhu_appraisal.output.workbook.ranking import rounds_alike
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Part, Scheme
from wuhu_appraisal.score.ranking import standings

Recalculate = Callable[[Path], Path]
XLSX = "xlsx:Calc MS Excel 2007 XML"


@pytest.fixture
def recalculate(soffice: str, tmp_path: Path) -> Recalculate:
    def run(path: Path) -> Path:
        return convert_all(soffice, tmp_path, [path], XLSX) / path.name

    return run


@pytest.fixture(scope="module")
def year(wuhu_run: Result) -> Result:
    return wuhu_run


def published(run: Result) -> dict[str, tuple[int | None, Sequence[Decimal | None]]]:
    parts = run.scheme.parts(run.standings)
    return {
        item.unit: (
            item.rank,
            [
                {
                    **item.stages,
                    Part.COMPOSITE: item.composite,
                    Part.ADJUSTMENTS: item.points,
                    Part.FINAL: item.final,
                }[part]
                for part in parts
            ],
        )
        for found in run.standings.values()
        for item in found
    }


def written(run: Result, path: Path) -> Path:
    path.write_bytes(workbook.render(run, final=False))
    return path


@pytest.mark.slow
def test_every_number_of_the_workbook_is_recalculated_to_what_the_result_says(
    year: Result, tmp_path: Path, recalculate: Recalculate
) -> None:
    path = written(year, tmp_path / "year.xlsx")
    again = recalculate(path)
    found, compared = differing(path, again)
    assert not found, found[:5]
    assert compared > 2000
    assert ranking_of(opened(again)) == published(year)
    assert ranking_of(opened(path)) == published(year)


@pytest.mark.slow
def test_the_comparison_fails_when_a_stored_value_is_wrong_and_only_then(
    year: Result, tmp_path: Path, soffice: str, recalculate: Recalculate
) -> None:
    """Every stored value of a formula is spoilt: a recalculation alone can mend them."""
    right = written(year, tmp_path / "right.xlsx")
    wrong = spoilt(right, tmp_path / "wrong.xlsx")
    assert len(differing(wrong, right)[0]) > 2000
    assert not differing(right, recalculate(wrong))[0]
    kept = convert_all(soffice, tmp_path / "keeping", [wrong], XLSX, recalculate=False)
    assert len(differing(right, kept / wrong.name)[0]) > 2000


def spoilt(path: Path, copy: Path) -> Path:
    """The workbook with another number stored for every formula that has one."""
    with zipfile.ZipFile(path) as package, zipfile.ZipFile(copy, "w") as other:
        for name in package.namelist():
            content = package.read(name)
            if name.startswith("xl/worksheets/sheet"):
                content = re.sub(rb"</f><v>[-0-9.eE]+</v>", b"</f><v>12345</v>", content)
            other.writestr(name, content)
    return copy


@pytest.mark.slow
def test_a_weight_and_a_score_changed_in_the_workbook_move_every_rank_as_compute_would(
    year: Result, tmp_path: Path, recalculate: Recalculate, appraise_cli: Appraise
) -> None:
    """In the workbook and, apart from it, in the scheme and a ballot; both come to the same."""
    path = written(year, tmp_path / "year.xlsx")
    book = opened(path, values=False)
    rules_sheet = book["Rules and weights"]
    weights = {"专业机构测评": 30, "双向互评": 40}
    titles = {str(item.title): str(item.title.zh) for item in year.scheme.stages}
    for row in rules_sheet.iter_rows():
        part, rule, number = row[0].value, row[2].value, row[3]
        if rule == "stage" and titles.get(str(part)) in weights:
            number.value = weights[titles[str(part)]]
    ballots = next(sheet for sheet in book if sheet.title.startswith("Mutual"))
    changed = cell_of(ballots, "镜湖区", "市教育局")
    assert isinstance(changed.value, int | float)
    changed.value = 60
    book.save(path)
    moved = ranking_of(opened(recalculate(path)))

    files = shutil.copytree(STAGE_FILES, tmp_path / "files")
    ballot = files / "双向互评" / "测评县市区" / "市教育局.xlsx"
    source = openpyxl.load_workbook(ballot)
    cell_beside(source.worksheets[0], "镜湖区").value = 60
    source.save(ballot)
    scheme = shutil.copytree(ROOT / "config" / "wuhu-2020", tmp_path / "scheme")
    text = (scheme / "scheme.yaml").read_text("utf-8")
    text = text.replace("    weight: 45\n", "    weight: 30\n").replace(
        "    weight: 25\n", "    weight: 40\n"
    )
    (scheme / "scheme.yaml").write_text(text, "utf-8")
    computed = published(appraise(load_scheme(scheme), [files]))
    assert moved == computed
    assert moved != published(year)


def cell_of(sheet: Worksheet, unit: str, title: str) -> Any:
    columns = [c for row in sheet.iter_rows() for c in row if c.value == title]
    rows = [row[0] for row in sheet.iter_rows() if row[0].value == unit]
    return sheet.cell(rows[0].row, columns[-1].column)


def cell_beside(sheet: Worksheet, unit: str) -> Any:
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell.value, str) and unit in cell.value and cell.column > 1:
                return sheet.cell(cell.row, cell.column + 1)
    raise LookupError(unit)


def run_of(
    scheme: Scheme, stages: dict[str, list[Block]], records: Sequence[Record] = ()
) -> Result:
    """A run over scores that no file holds."""
    intake = Reading(records=list(records))
    intake.blocks.update({(name, "all"): found for name, found in stages.items()})
    traces, findings = score(scheme, intake)
    return Result(
        scheme=scheme,
        scheme_sha256="0" * 64,
        computed_at="2021-03-01T00:00:00+00:00",
        standings={
            group: standings(scheme, trace.composite, trace.final, intake.records)
            for group, trace in traces.items()
        },
        traces=traces,
        sources=[],
        findings=findings,
    )


HALVES = ["0.005", "87.345", "2.675", "1.005", "64.125", "99.995", "33.335", "0.015", "73.015"]


def halves(folder: Path) -> Result:
    """Exact halves at each place that is rounded: stages, composite, points and final.

    A stage is the mean of two raters a hundredth apart; with two stages alike the composite is the
    same half; the points are a half of either sign.
    """
    units = [f"单位{number}" for number in range(len(HALVES))]
    half = Decimal("0.005")
    ballots: dict[tuple[str, ...], Written] = {}
    for unit, text in zip(units, HALVES, strict=True):
        ballots[unit, "a"], ballots[unit, "b"] = Decimal(text) - half, Decimal(text) + half
    voting = {"rater": {"members": {"a": "a", "b": "b"}}}
    data = scheme_data(
        stage([roll_up("rater", "mean")], voting, name="s0", weight=60),
        stage([roll_up("rater", "mean")], voting, name="s1", weight=40),
        units=units,
        adjustments=[
            {
                "id": name,
                "title": name,
                "clause": "3",
                "groups": ["all"],
                "kind": kind,
                "points": {"stated": True, "max": 50},
                "form": {"file": name},
            }
            for name, kind in (("praise", "bonus"), ("fault", "deduction"))
        ],
    )
    where = finding("folder-empty").source
    records = [
        Record(name, unit, sign * Decimal(text), "r", "e", where)
        for number, (unit, text) in enumerate(zip(units, HALVES, strict=True))
        for name, sign in ([("praise", 1)], [("fault", -1)], [])[number % 3]
        if Decimal(text) <= 50
    ]
    table = blocks(["unit", "rater"], ballots, columns="rater")
    return run_of(load(folder, data), {"s0": table, "s1": table}, records)


@pytest.mark.slow
def test_exact_halves_go_up_at_every_place_that_is_rounded(
    tmp_path: Path, recalculate: Recalculate
) -> None:
    run = halves(tmp_path)
    path = written(run, tmp_path / "halves.xlsx")
    found, _compared = differing(path, recalculate(path))
    assert not found
    ranking = ranking_of(opened(recalculate(path)))
    assert ranking == published(run)
    up = {text: (Decimal(text) + Decimal("0.005")).quantize(Decimal("0.01")) for text in HALVES}
    for (_rank, numbers), text in zip(
        [ranking[f"单位{number}"] for number in range(len(HALVES))], HALVES, strict=True
    ):
        assert numbers[0] == numbers[1] == numbers[2] == up[text]
    points = [ranking[f"单位{number}"][1][3] for number in range(len(HALVES))]
    assert points[0] == Decimal("0.01")
    assert points[3] == Decimal("1.01")
    assert points[6] == Decimal("33.34")
    assert points[7] == Decimal("-0.02")


def test_a_number_too_near_to_a_half_for_the_guard_is_written_as_a_value(tmp_path: Path) -> None:
    """A trillionth below the half a formula with the guard would go up, and the exact one does not."""
    near = Decimal("87.345") - Decimal("0.00000000001")
    assert rounds_alike(Fraction(Decimal("87.345")), 2)
    assert rounds_alike(Fraction(Decimal("87.3449")), 2)
    assert not rounds_alike(Fraction(near), 2)
    data = scheme_data(stage(), units=["甲"])
    run = run_of(load(tmp_path, data), {"work": blocks(["unit"], {("甲",): near})})
    path = written(run, tmp_path / "near.xlsx")
    cell = opened(path, values=False).worksheets[0]
    values = [c for row in cell.iter_rows() for c in row if c.value == 87.34]
    assert len(values) == 1
    assert all(c.comment is not None for c in values)


def collected(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.slow
def test_every_step_policy_tree_bound_and_tie_recalculates_to_the_same(
    tmp_path: Path, soffice: str
) -> None:
    """Drawn schemes with all operations and absent scores: one workbook each, all recalculated."""
    runs: list[Result] = []

    @collected(24)
    @given(sheet=sheets())
    def rolled(sheet: Sheet) -> None:
        runs.append(run_of_sheet(tmp_path, sheet))

    @collected(16)
    @given(tree=trees())
    def treed(tree: Tree) -> None:
        full_marks = None if tree.kind == "marks" else 100
        dimensions = {"indicator": {"indicators": "content"}}
        data = scheme_data(
            stage(tree.steps, dimensions, full_marks=full_marks),
            units=["甲"],
            indicators=tree.indicators,
        )
        scores = of_unit("甲", tree.scores)
        table = blocks(["unit", "indicator"], scores, columns="indicator")
        runs.append(run_of(load(tmp_path, data), {"work": table}))

    @collected(24)
    @given(closing=closings())
    def closed(closing: Closing) -> None:
        runs.append(run_of_closing(tmp_path, closing))

    @collected(20)
    @given(first=rules(), second=rules(count=3), seed=st.integers(0, 10**6))
    def nested(first: Rule, second: Rule, seed: int) -> None:
        runs.append(run_of_nested(tmp_path, first, second, seed))

    for collect in (rolled, treed, closed, nested):
        collect()
    runs += [graded(tmp_path), in_thirds(tmp_path)]
    paths = [written(run, tmp_path / f"run{at}.xlsx") for at, run in enumerate(runs)]
    out = convert_all(soffice, tmp_path, paths, XLSX)
    absent = 0
    for path, run in zip(paths, runs, strict=True):
        found, _compared = differing(path, out / path.name)
        assert not found, (path, found[:3])
        assert ranking_of(opened(out / path.name)) == published(run), path
        absent += any(rank is None for rank, _numbers in published(run).values())
    assert 5 < absent < len(runs) - 5


def run_of_sheet(folder: Path, sheet: Sheet) -> Result:
    rule = sheet.rule
    more: Data = {}
    if rule.by == "weighted":
        more["weights"] = dict(zip(sheet.names, sheet.shares, strict=True))
    steps = [step_of("round", rule, **more)]
    if rule.by == "sum":
        steps.append({"rescale": 100})
    declared = {"members": {name: name for name in sheet.names}}
    data = scheme_data(stage(steps, {"round": declared}), units=list(sheet.cells))
    return run_of(
        load(folder, data), {"work": blocks(["unit", "round"], sheet.scores, columns="round")}
    )


def run_of_closing(folder: Path, closing: Closing) -> Result:
    scheme = load(folder, scheme_of(closing))
    stages = {
        f"s{number}": blocks(
            ["unit"], {(unit,): cells[number] for unit, cells in closing.cells.items()}
        )
        for number in range(len(closing.weights))
    }
    return run_of(scheme, stages, records_of(scheme, closing.stated))


def run_of_nested(folder: Path, first: Rule, second: Rule, seed: int) -> Result:
    """Open bodies under declared tiers: scores on rows of their own, and two levels of steps."""
    dice = random.Random(seed)
    tiers = ["upper", "lower", "last"]
    dimensions = {"tier": {"members": {name: name for name in tiers}}, "body": {"open": True}}
    weights = dict(zip(tiers, (7, 2, 1), strict=True))
    steps = [
        step_of(
            "body",
            replace(first, by="mean") if first.by in ("sum", "weighted", "latest") else first,
        ),
        step_of("tier", second, **({"weights": weights} if second.by == "weighted" else {})),
    ]
    if second.by == "sum":
        steps.append({"rescale": 100})
    scores: Scores = {
        (unit, tier, f"b{number}"): dice.choice([Decimal(dice.randint(0, 1000)) / 10, "/", None])
        if dice.random() < 0.3
        else Decimal(dice.randint(0, 1000)) / 10
        for unit in ("甲", "乙", "丙")
        for tier in tiers
        if dice.random() < 0.9
        for number in range(dice.randint(1, 4))
    }
    data = scheme_data(stage(steps, dimensions), units=["甲", "乙", "丙"])
    table = blocks(["unit", "tier", "body"], scores, columns="body")
    return run_of(load(folder, data), {"work": table})


def graded(folder: Path) -> Result:
    """Grades that become scores before they are averaged."""
    grades = {"优秀": 95, "良好": 85.5, "合格": 70}
    data = scheme_data(
        stage(
            [{"convert": grades}, roll_up("rater", "mean", missing="exclude")],
            {"rater": {"members": {"a": "a", "b": "b", "c": "c"}}},
        ),
        units=["甲", "乙"],
    )
    cells = {"甲": ("优秀", "良好", "合格"), "乙": ("合格", None, "优秀")}
    scores: Scores = {
        (unit, rater): cell
        for unit, given_ in cells.items()
        for rater, cell in zip("abc", given_, strict=True)
    }
    return run_of(load(folder, data), {"work": blocks(["unit", "rater"], scores, columns="rater")})


def in_thirds(folder: Path) -> Result:
    """Indicators whose weights are fractions and ratios."""
    items = [
        {"id": name, "title": name, "weight": weight, "items": below}
        for name, weight, below in (
            ("a", "1/3", [{"id": f"a{at}", "title": f"a{at}", "weight": at} for at in (1, 2, 4)]),
            ("b", "2/3", [{"id": "b1", "title": "b1", "weight": 1}]),
        )
    ]
    data = scheme_data(
        stage(
            [roll_up("indicator", "weighted", to=1), roll_up("indicator", "weighted")],
            {"indicator": {"indicators": "content"}},
        ),
        units=["甲"],
        indicators=[{"id": "content", "title": "content", "clause": "2", "items": items}],
    )
    scores = of_unit("甲", {"a1": 91, "a2": 70, "a4": 61, "b1": 83})
    table = blocks(["unit", "indicator"], scores, columns="indicator")
    return run_of(load(folder, data), {"work": table})


def test_numbers_that_binary_cannot_tell_apart_are_alike_and_no_others() -> None:
    assert alike(0.1 + 0.2, 0.3)
    assert not alike(0.3, 0.3001)
    assert not alike("—", 0)


@pytest.mark.parametrize("name", slow_but(["final", "composite", "points"], "final"))
def test_a_stage_may_be_called_as_our_own_columns_are(
    tmp_path: Path, recalculate: Recalculate, name: str
) -> None:
    stages = [stage(name=name, weight=30), stage(name="b", weight=70)]
    scores: dict[str, Scores] = {name: {("甲",): 90, ("乙",): 80}, "b": {("甲",): 60, ("乙",): 70}}
    data = scheme_data(*stages, units=["甲", "乙"])
    tables = {key: blocks(["unit"], given_) for key, given_ in scores.items()}
    run = run_of(load(tmp_path, data), tables)
    path = written(run, tmp_path / "named.xlsx")
    again = recalculate(path)
    assert not differing(path, again)[0]
    assert ranking_of(opened(again)) == published(run)


@pytest.mark.slow
def test_ranks_hold_when_rows_of_the_ranking_are_sorted(
    year: Result, tmp_path: Path, recalculate: Recalculate
) -> None:
    """The last row of one group and the first of the other change places, as a sort would do it."""
    path = written(year, tmp_path / "year.xlsx")
    book = opened(path, values=False)
    sheet = book.worksheets[0]
    top = header_row(sheet) + 1
    groups = len(year.standings["county"])
    low, high = top + groups - 1, top + groups
    for column in range(1, sheet.max_column + 1):
        letter = sheet.cell(low, column).coordinate.rstrip("0123456789")
        moved = [
            Translator(str(sheet[f"{letter}{row}"].value), f"{letter}{row}").translate_formula(
                f"{letter}{to}"
            )
            for row, to in ((low, high), (high, low))
        ]
        sheet[f"{letter}{high}"].value, sheet[f"{letter}{low}"].value = moved
    book.save(path)
    assert ranking_of(opened(recalculate(path))) == published(year)


def test_what_other_sheets_point_at_can_be_changed_but_not_sorted(
    year: Result, tmp_path: Path
) -> None:
    book = opened(written(year, tmp_path / "year.xlsx"), values=False)
    guarded = [sheet.title for sheet in book if sheet.protection.sheet]
    assert len(guarded) == 1 + 2 * len(year.scheme.stages) + 1
    for title in guarded:
        sheet = book[title]
        assert sheet.protection.sort
        assert not sheet.protection.autoFilter
        assert sheet.protection.password is None
        cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert not any(cell.protection.locked for cell in cells)


@pytest.mark.slow
def test_a_rule_over_more_items_than_a_function_takes_is_still_a_formula(
    tmp_path: Path, recalculate: Recalculate
) -> None:
    items = [{"id": f"i{number}", "title": f"item {number}", "marks": 2} for number in range(300)]
    content = {"id": "content", "title": "c", "clause": "1", "marks": 600, "items": items}
    dimensions = {"indicator": {"indicators": "content"}}
    steps = [roll_up("indicator", "sum"), {"rescale": 100}]
    data = scheme_data(
        stage(steps, dimensions, full_marks=None), units=["甲"], indicators=[content]
    )
    scores: Scores = {("甲", f"i{number}"): number % 3 for number in range(300)}
    table = blocks(["unit", "indicator"], scores, columns="indicator")
    run = run_of(load(tmp_path, data), {"work": table})
    path = written(run, tmp_path / "many.xlsx")
    again = recalculate(path)
    assert not differing(path, again)[0]
    assert ranking_of(opened(again)) == published(run)


@pytest.mark.slow
def test_bonuses_of_units_whose_names_differ_in_case_alone_stay_apart(
    tmp_path: Path, recalculate: Recalculate
) -> None:
    praise = {
        "id": "final",
        "title": "praise",
        "clause": "3",
        "groups": ["all"],
        "kind": "bonus",
        "points": {"stated": True, "max": 9},
        "form": {"file": "praise"},
    }
    data = scheme_data(stage(), units=["ab", "AB"], adjustments=[{**praise, "id": "praise"}])
    where = finding("folder-empty").source
    records = [Record("praise", "ab", Decimal("1.5"), "r", "e", where)]
    scores: Scores = {("ab",): 70, ("AB",): 73}
    run = run_of(load(tmp_path, data), {"work": blocks(["unit"], scores)}, records)
    path = written(run, tmp_path / "case.xlsx")
    again = recalculate(path)
    assert ranking_of(opened(again)) == published(run)
