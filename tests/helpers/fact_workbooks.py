"""Workbooks of schemes with facts, and other facts put into them as an office would."""

from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

from openpyxl.worksheet.worksheet import Worksheet

from helpers.recalculation import differing, opened, ranking_of
from helpers.stages import Scores, blocks
from wuhu_appraisal import load_scheme
from wuhu_appraisal.appraisal import score
from wuhu_appraisal.output import workbook
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.ranking import standings

Numbers: TypeAlias = dict[tuple[str, ...], Decimal]
XLSX = "xlsx:Calc MS Excel 2007 XML"


def loaded(path: Path) -> Scheme:
    scheme = load_scheme(path)
    assert scheme.scheme is not None, [item.message for item in scheme.findings]
    return scheme.scheme


def result_of(scheme: Scheme, facts: Scores) -> Result:
    reading = Reading()
    reading.blocks["work", "city"] = blocks(
        ["unit", "half", "indicator"], facts, columns="indicator"
    )
    traces, findings = score(scheme, reading)
    return Result(
        scheme=scheme,
        scheme_sha256="0" * 64,
        computed_at="2021-03-01T00:00:00+00:00",
        standings={
            group: standings(scheme, trace.composite, trace.final, [])
            for group, trace in traces.items()
        },
        traces=traces,
        sources=[],
        findings=findings,
    )


def written(result: Result, path: Path) -> Path:
    path.write_bytes(workbook.render(result, final=False))
    return path


def put_facts(sheet: Worksheet, scheme: Scheme, facts: Numbers) -> None:
    """Overwrite every fact in a stage's sheet, found by the names in its row."""
    header = next(row for row in sheet.iter_rows() if row[0].value == "Unit")
    titles = [str(cell.value) for cell in header]
    plan = scheme.stages[0].plans["city"]
    halves = {"first": "First half", "second": "Second half"}
    named = {}
    for (unit, half, member), number in facts.items():
        item, _slash, fact = member.partition("/")
        title = str(scheme.title_of(plan, "indicator", item))
        named[unit, halves[half], title, fact or title] = number
    left, last = set(named), titles.index("Fact")
    for row in sheet.iter_rows(min_row=int(header[0].row or 0) + 1):
        key = tuple(str(row[column].value) for column in (0, 1, last - 1, last))
        if key in named:
            row[titles.index("Score or fact")].value = float(named[key])
            left.discard(key)
    assert not left


def assert_alike(right: Path, recalculated: Path, at_least: int = 250) -> None:
    """Check the stage's sheet cell by cell, and the ranking, whose rows stand in another order."""
    found, compared = differing(right, recalculated)
    own = [item for item in found if item.sheet == "Work"]
    assert not own, own[:5]
    assert compared > at_least
    assert ranking_of(opened(recalculated)) == ranking_of(opened(right))
