"""Numbers as workbooks and texts write them: each is the same exact decimal, or none."""

import csv
import io
import unicodedata
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

import xlsxwriter
from helpers.cell_sheets import NO_BREAK, WIDE
from helpers.years import drawn
from hypothesis import event, given
from hypothesis import strategies as st

from wuhu_appraisal.model import Absent, Rule, Score
from wuhu_appraisal.read.cells import CellRule
from wuhu_appraisal.scheme.rules import Reading
from wuhu_appraisal.workbooks.open import read_sheets

# --- whatever the number is -----------------------------------------------------------------------

WIDE_SIGNS = str.maketrans("0123456789.,-", "０１２３４５６７８９．，－")
NARROW_SIGNS = {wide: plain for plain, wide in WIDE_SIGNS.items()}
HUGE = Decimal(10) ** 9


def numbers(most: int) -> st.SearchStrategy[Decimal]:
    """Decimals from 0 with up to six places, as a person would write them."""
    return st.integers(0, 6).flatmap(lambda places: st.decimals(0, most, places=places))


def read_as(raw: Any, full_marks: Decimal) -> tuple[Score, tuple[Rule, ...]]:
    answer = CellRule(full_marks, Reading()).read(raw)
    assert answer.findings == ()
    return answer.value, answer.rules


def spellings(text: str) -> dict[str, tuple[Rule, ...]]:
    """The ways to write a number as text, with the rules by which each is read."""
    wide = text.translate(WIDE_SIGNS)
    return {
        text: (),
        f"  {text} ": (),
        f"{WIDE}{text}{NO_BREAK}": (),
        wide: (Rule.FULL_WIDTH,),
        f"{text}分": (Rule.WORD,),
        f"{wide} 分 ": (Rule.FULL_WIDTH, Rule.WORD),
    }


@drawn(examples=40)
@given(number=numbers(100))
def test_a_number_is_the_same_exact_decimal_however_a_workbook_holds_it(number: Decimal) -> None:
    written = [*spellings(f"{number:f}"), float(number)]
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for row, cell in enumerate(written):
            sheet.write(row, 0, cell)
    [grid], findings = read_sheets("cells.xlsx", content.getvalue())
    assert findings == []
    assert [read_as(row[0], Decimal(100))[0] for row in grid.rows] == [number] * len(written)


@drawn(examples=40)
@given(number=numbers(100))
def test_a_number_is_the_same_exact_decimal_however_a_text_file_holds_it(number: Decimal) -> None:
    written = list(spellings(f"{number:f}"))
    text = io.StringIO()
    csv.writer(text).writerows([cell, "x"] for cell in written)
    [grid], findings = read_sheets("cells.csv", text.getvalue().encode())
    assert findings == []
    assert [read_as(row[0], Decimal(100))[0] for row in grid.rows] == [number] * len(written)


@drawn(examples=300)
@given(number=numbers(100) | numbers(int(HUGE)))
def test_the_ledger_has_every_rule_by_which_a_text_was_read(number: Decimal) -> None:
    plain, grouped = f"{number:f}", f"{number:,f}"
    event(f"thousands: {plain != grouped}")
    for text, rules in spellings(plain).items():
        assert read_as(text, HUGE) == (number, (Rule.TEXT, *rules))
    if plain != grouped:
        for text, rules in spellings(grouped).items():
            assert read_as(text, HUGE) == (number, (Rule.TEXT, *rules, Rule.THOUSANDS))


def meant_by(text: str) -> Fraction | None:
    """The number that a text can mean, by rules of its own; None where it means none."""
    bare = "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip()
    bare = bare.translate({**NARROW_SIGNS, **str.maketrans("。＋ｅＥ", ".+eE")})
    bare = bare.removesuffix("分").rstrip()
    whole, point, places = bare.partition(".")
    head, *groups = whole.lstrip("+-").split(",")
    if groups and not (1 <= len(head) <= 3 and all(len(group) == 3 for group in groups)):
        return None
    bare = whole.replace(",", "") + point + places
    if not set(bare) <= set("0123456789.+-eE"):
        return None
    try:
        return Fraction(Decimal(bare))
    except InvalidOperation:
        return None


LIKE_NUMBERS = st.text("0123456789.,%分０５９．，％。+-－eE_ \u3000\u200b٣५Ⅷ²½十九O", max_size=12)
WITH_A_SLIP = st.builds(
    lambda number, at, slip: f"{number:f}"[:at] + slip + f"{number:f}"[at:],
    numbers(1000),
    st.integers(0, 8),
    st.sampled_from(["", ".", ",", " ", "-", "O", "分", "%", "_", "e1", "０", "²", "/100"]),
)


@drawn(examples=2000)
@given(text=LIKE_NUMBERS | WITH_A_SLIP | st.text(max_size=8))
def test_a_text_is_the_number_that_it_says_or_none(text: str) -> None:
    value = CellRule(HUGE, Reading()).read(text).value
    event(f"read: {isinstance(value, Decimal)}")
    if isinstance(value, Decimal):
        assert Fraction(value) == meant_by(text)
    else:
        assert isinstance(value, Absent)
