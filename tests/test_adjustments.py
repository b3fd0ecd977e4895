"""Adjustments: a cap on bonuses alone, in every output; a record above the ceiling says so."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from helpers import Appraise
from helpers.small import ADJUSTMENT, SHEETS, SMALL, Rows, Sheets, judged, only, write

from wuhu_appraisal import Result, load_scheme, store
from wuhu_appraisal.language import activate
from wuhu_appraisal.model import BONUSES

ADJUSTED: Sheets = {
    "prizes": [["单位", "加分", "原因", "依据"], ["甲市", 4, "a", "b"], ["甲市", 5, "c", "d"]],
    "faults": [["单位", "扣分", "原因", "依据"], ["甲市", 3, "a", "b"], ["乙市", 2, "c", "d"]],
}
PRIZE = ADJUSTMENT.split("adjustments:\n")[1].replace("fault", "prize").replace("Fault", "Prize")
SCHEME = ("--scheme", "scheme.yaml")

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported")


@pytest.fixture
def capped(appraise_cli: Appraise, tmp_path: Path) -> Appraise:
    """Two bonuses of 4 and 5 points and a deduction of 3, with at most 5 for all bonuses."""
    adjustments = ADJUSTMENT + PRIZE.replace("deduction", "bonus") + "adjusting: {bonus_cap: 5}\n"
    text = SMALL.read_text(encoding="utf-8") + adjustments
    (tmp_path / "scheme.yaml").write_text(text, encoding="utf-8")
    write(tmp_path / "stage-files", {**SHEETS, **ADJUSTED})
    done = appraise_cli("compute", "stage-files", *SCHEME)
    assert done.exit_code == 0, done.output
    return appraise_cli


def test_the_deduction_is_not_eaten_by_the_bonuses_above_the_cap(capped: Appraise) -> None:
    content = Path("results/appraisal.json").read_bytes()
    result, findings = store.load(content, load_scheme("scheme.yaml"), "r")
    assert result is not None
    assert findings == []
    points = {item.unit: item.points for item in result.standings["city"]}
    assert points == {"甲市": Decimal("2.00"), "乙市": Decimal("-2.00")}
    row = result.traces["city"].final.rows[("甲市",)]
    assert dict(zip(row.members, row.values, strict=True))[BONUSES] == -4
    assert row.value == sum(Fraction(str(value)) for value in row.values)
    other = result.traces["city"].final.rows[("乙市",)]
    assert BONUSES not in other.members
    agreed = capped("verify", *SCHEME)
    assert agreed.exit_code == 0, agreed.output


def test_the_explanation_and_the_scheme_say_the_cap(capped: Appraise) -> None:
    explained = " ".join(capped("explain", "甲市", *SCHEME).output.split())
    assert "all bonuses limited to 5: -4" in explained
    assert "upper limit of all bonuses · 5" in capped("scheme", "show", "scheme.yaml").output


def test_the_workbook_has_the_cap_as_a_number_that_its_formula_refers_to(capped: Appraise) -> None:
    assert capped("report", *SCHEME, "--out", "book.xlsx").exit_code == 0
    book, values = (openpyxl.load_workbook("book.xlsx", data_only=only) for only in (False, True))
    sheet = next(sheet for sheet in book if "Stage scores" in sheet.title)
    header = next(row for row in sheet.iter_rows() if row[0].value == "Group")
    column = next(cell.column for cell in header if cell.value == "Adjustments")
    first = int(str(header[0].row)) + 1
    rows = {sheet.cell(at, 2).value: at for at in range(first, sheet.max_row + 1)}
    formula = str(sheet.cell(rows["甲市"], column).value)
    assert formula.startswith("=SUM(MIN(")
    assert values[sheet.title].cell(rows["甲市"], column).value == 2
    assert any(
        cell.value == 5 and "upper limit of all bonuses" in map(str, (c.value for c in line))
        for other in values
        for line in other.iter_rows()
        for cell in line
    )


def test_a_cap_that_is_not_above_0_is_refused(appraise_cli: Appraise, tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8") + "adjusting: {bonus_cap: 0}\n"
    (tmp_path / "scheme.yaml").write_text(text, encoding="utf-8")
    assert appraise_cli("scheme", "check", "scheme.yaml").exit_code == 1


RANKED = ADJUSTMENT.replace("{file: faults}", "{file: faults, value: [扣分]}").replace(
    "{stated: true, max: 50}", "{bands: [{from: 1, points: 2}]}"
)


def with_fault(
    folder: Path, points: object, adjustment: str = ADJUSTMENT, severities: str = ""
) -> Result:
    """A deduction of some points, at most 50, by the small scheme with its own severities."""
    faults: Rows = [["单位", "扣分", "原因", "依据"], ["甲市", points, "a", "b"]]
    reading = f"reading: {{severities: {{{severities}}}}}\n" if severities else ""
    folder.mkdir(exist_ok=True)
    change = ("ranking: {}", f"ranking: {{}}\n{reading}{adjustment}")
    return judged(folder, {**SHEETS, "faults": faults}, change)


@pytest.mark.parametrize("severities", ["", "score-over-marks: warning"])
def test_a_record_above_the_ceiling_says_so_and_does_not_count(
    tmp_path: Path, severities: str
) -> None:
    activate("en")
    result = with_fault(tmp_path, 50.5, severities=severities)
    item = only(result)
    assert (item.code, item.severity) == ("adjustment-over-ceiling", "error")
    assert str(item.source).endswith(" › B2")
    assert "Fault: 50.5 points are above the ceiling of 50 points a record" in item.message
    assert "full marks" not in item.message + item.hint
    assert result.standing_of("甲市")[1].points == 0


def test_a_scheme_may_let_a_record_above_the_ceiling_count(tmp_path: Path) -> None:
    result = with_fault(tmp_path, 50.5, severities="adjustment-over-ceiling: warning")
    assert (only(result).code, only(result).severity) == ("adjustment-over-ceiling", "warning")
    assert result.standing_of("甲市")[1].points == Decimal("-50.50")


def test_a_record_at_the_ceiling_counts_and_a_rank_beyond_all_is_outside_its_bands(
    tmp_path: Path,
) -> None:
    assert with_fault(tmp_path / "1", 50).findings == []
    assert only(with_fault(tmp_path / "2", 2 * 10**9, RANKED)).code == "adjustment-outside-bands"
