"""The examples of the shipped schemes come to what a few lines of fractions say of their numbers."""

import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pytest
from helpers import EXAMPLES, Appraise

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.scheme.load import bundled_schemes

Numbers: TypeAlias = Mapping[str, list[Fraction | None]]
"""For each unit the numbers of its row, None for '/'."""

LICHENG, LISTED = (
    f"licheng-2020/2020年{name}.xlsx" for name in ("政务公开扣分情形统计表", "主动公开问题清单")
)
ONLINE, ON_SITE, PRAISE = (
    f"townships-2010/2010年{name}.xlsx"
    for name in ("网上考评情况表", "实地考评得分表", "加扣分情况")
)
FAULTS, BONUSES = (
    f"website-check-2019/2019年政府网站{name}.xlsx" for name in ("扣分情形统计表", "加分情况")
)


def rows(file: str, sheet: str = "") -> Iterator[list[Any]]:
    """The rows of a sheet that begin with a running number, from the unit's name on."""
    book = openpyxl.load_workbook(EXAMPLES / file)
    for row in (book[sheet] if sheet else book.worksheets[0]).values:
        if isinstance(row[0], int):
            yield list(row[1:])


def numbers(file: str) -> Numbers:
    return {
        row[0]: [None if value == "/" else Fraction(str(value)) for value in row[1:]]
        for row in rows(file)
    }


def lost(marks: int, counts: list[Fraction | None], *each: Fraction | int | str) -> Fraction:
    """What is left of an item's marks; the marks of one that is not for the unit count as none."""
    if None in counts:
        return Fraction(0)
    loss = sum(
        (count * Fraction(one) for count, one in zip(counts, each, strict=True) if count),
        Fraction(0),
    )
    return max(Fraction(0), marks - loss)


def listed() -> Counter[tuple[str, str]]:
    """How many rows a list has for each unit and fault; a unit's name stands in its first row."""
    found: Counter[tuple[str, str]] = Counter()
    unit = ""
    for row in rows(LISTED):
        unit = row[0] or unit
        found[unit, row[1]] += 1
    return found


def licheng() -> dict[str, Fraction]:
    kinds, faults = ("过早或超期公开", "标题、索引号等要素不规范", "正文不显示"), listed()
    return {
        unit: lost(10, [Fraction(faults[unit, kind]) for kind in kinds], 5, 1, 1)
        + lost(10, n[:5], 5, 5, 5, 5, 5)
        + lost(6, n[5:9], 6, 3, 6, 3)
        + lost(6, n[9:12], 6, 6, 2)
        + lost(5, n[12:13], 1)
        for unit, n in numbers(LICHENG).items()
    }


def townships() -> dict[str, Fraction]:
    on_site = numbers(ON_SITE)
    times = {
        name: Counter(row[0] for row in rows(PRAISE, name))
        for name in ("市级表扬", "公开办表扬", "市级批评", "公开办批评")
    }
    found = {}
    for unit, n in numbers(ONLINE).items():
        months = [month or Fraction(0) for month in n[:12]]
        number = 40 - sum(10 if month < 1 else 5 if month < 40 else 0 for month in months)
        online = max(0, number) + lost(45, n[12:15], 1, 2, "1/2") + sum(x or 0 for x in n[15:])
        whole = online * Fraction(4, 5) + Fraction(1, 5) * sum(x or 0 for x in on_site[unit])
        above = math.floor((sum(months) - 480) * 100 / 480)
        bonus = 0 if above < 10 else 1 if above < 30 else 1 + (above - 30) // 20
        bonus += 3 * times["市级表扬"][unit] + times["公开办表扬"][unit]
        bonus -= 3 * times["市级批评"][unit] + times["公开办批评"][unit]
        found[unit] = max(Fraction(0), whole + bonus)
    return found


def websites() -> dict[str, Fraction]:
    bonuses: Counter[str] = Counter()
    for sheet in ("信息发布", "办事服务", "互动交流"):
        bonuses.update({row[0]: Fraction(str(row[1])) for row in rows(BONUSES, sheet)})
    found = {}
    for unit, n in numbers(FAULTS).items():
        whole = (
            lost(10, n[:2], 5, 2)
            + lost(15, n[2:3], 5)
            + lost(20, n[3:5], 5, 1)
            + lost(15, n[5:7], 2, 3)
            + lost(10, n[7:8], 1)
            + lost(15, n[8:10], 3, "3/2")
            + lost(8, n[10:12], 1, "1/2")
            + lost(7, n[12:13], 1)
        )
        if n[5] is None:
            whole *= Fraction(4, 3)
        if whole > 80:
            whole += min(Fraction(30), Fraction(bonuses[unit]))
        found[unit] = whole
    return found


EXPECTED: Mapping[str, tuple[int, Callable[[], dict[str, Fraction]]]] = {
    "licheng-2020": (30, licheng),
    "townships-2010": (17, townships),
    "website-check-2019": (20, websites),
}


@pytest.fixture(scope="module", params=EXPECTED)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run(name: str) -> Result:
    return appraise(load_scheme(name), [EXAMPLES / name])


def test_the_example_has_no_findings(run: Result) -> None:
    assert [item.message for item in run.findings] == []


def test_each_final_is_what_the_raw_numbers_come_to(name: str, run: Result) -> None:
    count, computed = EXPECTED[name]
    finals = {
        unit: f"{math.floor(score * 100 + Fraction(1, 2)) / 100:.2f}"
        for unit, score in computed().items()
    }
    (standings,) = run.standings.values()
    assert {item.unit: str(item.final) for item in standings} == finals
    assert len(finals) == count
    ranks = {
        unit: 1 + sum(float(b) > float(a) for b in finals.values()) for unit, a in finals.items()
    }
    assert {item.unit: item.rank for item in standings} == ranks


@pytest.mark.parametrize("path", bundled_schemes(), ids=lambda path: path.name)
def test_a_bundled_scheme_passes_its_check_and_its_cases(
    path: Path, appraise_cli: Appraise
) -> None:
    assert load_scheme(path).findings == []
    done = appraise_cli("scheme", "test", path)
    assert done.exit_code == (0 if (path / "cases").is_dir() else 1), done.output


def test_the_list_names_every_bundled_scheme_with_its_document(appraise_cli: Appraise) -> None:
    done = appraise_cli("scheme", "list")
    assert done.exit_code == 0
    for path in bundled_schemes():
        scheme = load_scheme(path).scheme
        assert scheme is not None
        assert f"{scheme.id}  {scheme.title.en}" in done.output
        assert scheme.document.title.en in done.output
    listed = json.loads(appraise_cli("scheme", "list", "--json").output)
    assert [item["id"] for item in listed] == [path.name for path in bundled_schemes()]
    sizes = {item["id"]: [group["units"] for group in item["groups"]] for item in listed}
    assert sizes["wuhu-2020"] == [7, 47]
    assert "芜湖市2020年政务公开工作考评" in appraise_cli("--lang", "zh", "scheme", "list").output


def test_a_workbook_and_letters_are_written_of_each_example(
    name: str, appraise_cli: Appraise
) -> None:
    scheme = ("--scheme", name)
    for arguments in (
        ("compute", EXAMPLES / name, *scheme),
        ("report", *scheme),
        ("report", *scheme, "--each-unit", "letters", "--format", "docx"),
    ):
        done = appraise_cli(*arguments)
        assert done.exit_code == 0, done.output
    assert len(list(Path("letters").glob("*.docx"))) == EXPECTED[name][0]


def test_the_generator_of_facts_makes_the_workbooks_that_are_committed(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "generate_facts.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.xlsx"))
    assert made == sorted(
        path.relative_to(EXAMPLES)
        for name in EXPECTED
        for path in (EXAMPLES / name).rglob("*.xlsx")
    )
    for path in made:
        assert (tmp_path / path).read_bytes() == (EXAMPLES / path).read_bytes(), path


def test_a_unit_of_licheng_loses_marks_of_one_item_by_three_faults() -> None:
    assert sorted(n for (unit, _kind), n in listed().items() if unit == "临江街道") == [1, 1, 2]
