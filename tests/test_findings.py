"""Findings are values; their texts stand in one file that only a finding needs."""

import subprocess
import sys

from helpers import EXAMPLES

from wuhu_appraisal.findings import Source, by_place, finding

COMPUTE = f"""
from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.findings import codes
result = appraise(load_scheme("sichuan-2011"), [{str(EXAMPLES / "sichuan-2011")!r}])
assert not result.findings
print(codes.cache_info().currsize)
"""


def test_a_result_without_findings_does_not_read_their_texts() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPUTE], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"


def test_findings_are_sorted_by_place_in_reading_order_and_said_once() -> None:
    cells = ["B10", "AA2", "B2", "Z2", "B2"]
    findings = [
        finding("score-below-zero", Source("a.xlsx", "s", cell), value="-1") for cell in cells
    ]
    assert [item.source.cell for item in by_place(findings)] == ["B2", "Z2", "AA2", "B10"]


def test_where_a_finding_comes_from_takes_no_part_in_equality() -> None:
    one, other = (finding("score-below-zero", Source(name), value="-1") for name in ("a", "b"))
    assert one == other
