"""What comes after the composite: thresholds, limits of deductions, points for each, factors."""

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import ROOT
from helpers.office import convert_all
from helpers.recalculation import differing
from helpers.small import ADJUSTMENT, SHEETS, Rows, Sheets, judged
from helpers.stages import NOWHERE, blocks, codes, drawn, load, scheme_data, stage
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal.appraisal import score as computed
from wuhu_appraisal.model import Absent, Record, StepRow
from wuhu_appraisal.output import workbook
from wuhu_appraisal.output.explain import explain
from wuhu_appraisal.output.tables import Node
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.rules import Bound

D = Decimal
FRACTIONS = (D("66.5"), D(80), D("80.000001"), D(85), D("97.25"))
HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": lambda value, bound: not value < bound,
    "above": lambda value, bound: bound < value,
    "at_most": lambda value, bound: not bound < value,
    "below": lambda value, bound: value < bound,
    "equal": lambda value, bound: not (value < bound or bound < value),
}


def rules_of(**more: Any) -> list[dict[str, Any]]:
    common = {"title": "x", "clause": "3", "groups": ["all"], "points": {"stated": True, "max": 99}}
    return [
        {"id": "bonus", "kind": "bonus", "form": {"file": "b"}, **common, **more},
        {"id": "fault", "kind": "deduction", "form": {"file": "f"}, **common},
    ]


def scheme_with(composite: dict[str, Any], **more: Any) -> dict[str, Any]:
    data = scheme_data(stage(), units=["甲", "乙"], **more)
    data["composite"] |= composite
    return data


def taken_apart(row: StepRow) -> Fraction:
    """The sum of the coefficients times the values of a number."""
    return sum(
        (
            Fraction(value) * share
            for value, share in zip(row.values, row.coefficients, strict=True)
            if not isinstance(value, Absent | str)
        ),
        Fraction(0),
    )


@drawn(60)
@given(
    score=st.sampled_from(FRACTIONS),
    points=st.lists(st.integers(-30, 30).filter(bool), max_size=5),
    sign=st.sampled_from(sorted(HOLDS)),
    bound=st.sampled_from([D(80), D(85), D("106.4")]),
    caps=st.tuples(*[st.none() | st.integers(1, 40)] * 2),
    factor=st.sampled_from([None, "4/3", "1.2", "0.8"]),
)
def test_a_final_is_what_the_rules_say_in_fractions(
    tmp_path_factory: pytest.TempPathFactory,
    score: Decimal,
    points: list[int],
    sign: str,
    bound: Decimal,
    caps: tuple[int | None, int | None],
    factor: str | None,
) -> None:
    adjusting = {
        name: cap for name, cap in zip(("bonus_cap", "deduction_cap"), caps, strict=True) if cap
    }
    factors = [] if factor is None else [{"factor": factor, "units": ["甲"]}]
    data = scheme_with(
        {"factors": factors}, adjustments=rules_of(when={sign: bound}), adjusting=adjusting
    )
    records = [
        Record("bonus" if item > 0 else "fault", "甲", D(item), f"r{place}", "e", NOWHERE)
        for place, item in enumerate(points)
    ]
    intake = Reading(records=records)
    scores: dict[tuple[str, ...], Any] = {("甲",): score, ("乙",): score}
    intake.blocks["work", "all"] = list(blocks(["unit"], scores))
    trace = computed(load(tmp_path_factory.mktemp("x"), data), intake)[0]["all"]
    composite = Fraction(score) * Fraction(factor or 1)
    gained = sum(item for item in points if item > 0) if HOLDS[sign](composite, bound) else 0
    lost = -sum(item for item in points if item < 0)
    wanted = composite + min(gained, caps[0] or gained) - min(lost, caps[1] or lost)
    final = trace.final.rows[("甲",)]
    assert final.value == wanted
    assert taken_apart(final) == wanted
    row = trace.composite.rows[("甲",)]
    assert taken_apart(row) == row.value == composite
    assert trace.composite.rows[("乙",)].value == score


@pytest.mark.parametrize("sign", HOLDS)
def test_a_bound_is_strict_or_not_as_its_key_says(sign: str) -> None:
    for value in (D("79.9"), D(80), D("80.1")):
        assert Bound(**{sign: 80}).holds(value) == HOLDS[sign](value, D(80))


COUNTED = ADJUSTMENT.replace("{stated: true, max: 50}", "{each: 3, max: 7}").replace(
    "{file: faults}", "{file: faults, value: [次数]}"
)


def counted(folder: Path, number: object, *more: tuple[str, str], rules: str = COUNTED) -> Result:
    rows: Rows = [["单位", "次数", "原因", "依据"], ["甲市", number, "a", "b"]]
    change = ("final: {digits", rules.lstrip() + "final: {digits")
    return judged(folder, {**SHEETS, "faults": rows}, change, *more)


@pytest.mark.parametrize(("number", "points"), [(0, 0), (1, -3), (2, -6), (3, -7), (40, -7)])
def test_each_one_of_a_number_has_its_points_up_to_the_most(
    tmp_path: Path, number: int, points: int
) -> None:
    (record,) = [
        item for it in counted(tmp_path, number).standings["city"] for item in it.adjustments
    ]
    assert record.points == points


def test_a_number_that_is_not_whole_has_no_points_and_is_an_error(tmp_path: Path) -> None:
    found = counted(tmp_path, 1.5)
    assert "adjustment-not-whole" in [item.code for item in found.findings]
    assert not [item for it in found.standings["city"] for item in it.adjustments]


def test_factors_name_known_units_once(tmp_path: Path) -> None:
    for names, code in ((["丙"], "scheme-reference"), (["甲", "甲"], "scheme-id-twice")):
        factors = [{"factor": "4/3", "units": names}]
        assert code in codes(tmp_path, scheme_with({"factors": factors}))


def test_points_for_each_need_a_column_for_the_number(tmp_path: Path) -> None:
    rules = rules_of(points={"each": 2})
    assert codes(tmp_path, scheme_with({}, adjustments=rules)) == ["scheme-bands-value"]


FACTOR = (
    "error, digits: 2}",
    "error, digits: 2, factors: [{factor: 4/3, units: [甲], clause: '9'}]}",
)
PRIZE = COUNTED.split("adjustments:\n")[1].replace("fault", "prize").replace("Fault", "Prize")
PRIZE = PRIZE.replace("deduction", "bonus").replace("points:", "when: {above: 100}\n    points:")


@pytest.fixture
def whole(tmp_path: Path) -> Result:
    """A factor of 4/3 for 甲市, a bonus above 100, and 6 points off, of which at most 5 count."""
    rules = COUNTED + PRIZE + "adjusting: {deduction_cap: 5}\n"
    head: list[Any] = ["单位", "次数", "原因", "依据"]
    sheets: Sheets = {
        **SHEETS,
        "faults": [head, ["甲市", 2, "a", "b"], ["乙市", 1, "a", "b"]],
        "prizes": [head, ["甲市", 1, "a", "b"], ["乙市", 1, "a", "b"]],
    }
    result = judged(tmp_path, sheets, ("final: {digits", rules.lstrip() + "final: {digits"), FACTOR)
    assert [item.code for item in result.findings] == []
    return result


def said(node: Node) -> str:
    return "\n".join([node.text, *map(said, node.children)])


def test_the_explanation_says_factor_threshold_and_limit_with_the_numbers(whole: Result) -> None:
    ours, other = (said(explain(whole, unit, 0)) for unit in ("甲市", "乙市"))
    assert "multiplied by the factor 4/3" in ours
    assert "all deductions limited to 5: +1" in ours
    assert "does not count" not in ours
    assert "Prize · does not count, because the composite is not > 100: -3" in other
    assert "factor" not in other


@pytest.mark.slow
def test_a_spreadsheet_program_recalculates_factor_threshold_and_limit(
    whole: Result, tmp_path: Path, soffice: str
) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(workbook.render(whole, final=False))
    again = convert_all(soffice, tmp_path / "again", [path], "xlsx:Calc MS Excel 2007 XML")
    found, compared = differing(path, again / path.name)
    assert not found
    assert compared > 20


def test_the_example_of_the_docs_loads(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "schemes.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"<!-- after the composite -->\n```yaml\n(.*?)```", text, re.DOTALL)
    assert codes(tmp_path, scheme_with({}) | yaml.safe_load(block)) == []
