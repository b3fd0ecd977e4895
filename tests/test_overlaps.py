"""Two patterns overlap where a text matches both: compared with trying all short texts."""

import re
from itertools import product
from pathlib import Path

import openpyxl
import pytest
from helpers.small import ADJUSTMENT, FAULTS, SHEETS, SMALL, write
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.scheme.check import _overlap, _share
from wuhu_appraisal.scheme.final import RecordForm

TEXTS = ["".join(letters) for size in range(9) for letters in product("ab", repeat=size)]
PATTERNS = st.text("ab*", max_size=4)


def matching(pattern: str) -> set[str]:
    """The short texts that a pattern stands for, by the expression that files are matched with."""
    expression = re.compile(re.escape(pattern).replace("\\*", ".*"))
    return {text for text in TEXTS if expression.fullmatch(text)}


@given(one=PATTERNS, other=PATTERNS)
def test_two_patterns_overlap_where_a_text_matches_both(one: str, other: str) -> None:
    both = bool(matching(one) & matching(other))
    contain = all(item.startswith("*") and item.endswith("*") for item in (one, other))
    assert _overlap(one, other) is both or contain
    assert not (_overlap(one, other) and not both)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (("加扣分", "*"), ("加扣分", "扣分"), True),
        (("加扣分", "加分"), ("加扣分", "扣分"), False),
        (("奖励/加分", "*"), ("加分", "*"), True),
        (("奖励/加分", "*"), ("处罚/加分", "*"), False),
        (("*加分", "*"), ("奖励*", "*"), True),
        (("*加分", "*"), ("*扣分", "*"), False),
        (("*加分*", "*"), ("*扣分*", "*"), False),
        (("*加扣分*", "*"), ("*扣分*", "*"), True),
        (("[加分]", "*"), ("加", "*"), False),
    ],
)
def test_a_sheet_is_shared_where_file_and_sheet_both_overlap(
    one: tuple[str, str], other: tuple[str, str], shared: bool
) -> None:
    forms = [RecordForm(file=file, sheet=sheet) for file, sheet in (one, other)]
    assert _share(*forms) is _share(*reversed(forms)) is shared


def test_a_sheet_that_contains_the_words_of_two_adjustments_counts_for_neither(
    tmp_path: Path,
) -> None:
    entry = ADJUSTMENT.replace("{file: faults}", "{file: faults, sheet: '*WORD*'}")
    second = entry.partition("- id: fault")[2].replace("Fault", "Gap")
    text = SMALL.read_text(encoding="utf-8") + entry.replace("WORD", "迟报")
    text += "  - id: gap" + second.replace("WORD", "漏报")
    (tmp_path / "scheme.yaml").write_text(text, encoding="utf-8")
    loaded = load_scheme(tmp_path / "scheme.yaml")
    assert loaded.findings == []
    write(tmp_path / "in", {**SHEETS, "faults": FAULTS})
    path = tmp_path / "in/faults.xlsx"
    book = openpyxl.load_workbook(path)
    book.worksheets[0].title = "迟报漏报"
    book.save(path)
    result = appraise(loaded, [tmp_path / "in"])
    assert "sheet-disagrees" in [item.code for item in result.findings]
    assert all(not item.adjustments for item in result.standings["city"])
