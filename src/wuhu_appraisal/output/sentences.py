"""Numbers and steps in words, for explanations."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.language import N_, _, listed
from wuhu_appraisal.model import ADJUSTING, CAP, COMPOSITE, FINAL, Absent, Score, StepRow
from wuhu_appraisal.numbers import Number, exact_text, plain, round_half_up, short_text
from wuhu_appraisal.output.tables import Column, show
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.operations import Adjust, Operation

_SPELLED_OUT = 12
_LONGEST_FRACTION = 24
_ZERO = Fraction(0)
_ABSENT = {
    Absent.MISSING: N_("missing"),
    Absent.NOT_APPLICABLE: N_("not applicable"),
    Absent.SET_ASIDE: N_("set aside"),
}


def final_part(scheme: Scheme, member: str) -> tuple[str, str]:
    """Return what an input of a final is called, and its clause."""
    if member == COMPOSITE:
        return _("composite"), scheme.composite.clause
    if member == ADJUSTING:
        return _("limited by the bounds of all adjustments"), ""
    if member == FINAL:
        return _("limited by the bounds of the final"), scheme.final.clause
    rule = scheme.adjustment(member.removesuffix(CAP))
    if rule.id == member or rule.cap is None:
        return str(rule.title), rule.clause
    held = _("limited to {cap}").format(cap=plain(rule.cap))
    return f"{rule.title} · {held}", rule.clause


def published_text(value: Decimal | None, digits: int) -> str:
    """Return a published number as text."""
    return show(value, Column("", "number", digits))


def signed(value: Number) -> str:
    """Return a number with its sign, 0 without: '+3', '≈-0.2878'."""
    text = short_text(value)
    return text if value <= 0 else text.replace("≈", "≈+") if "≈" in text else f"+{text}"


def value_text(value: Score) -> str:
    """Return a score as a reader wants it; a grade as it is."""
    if isinstance(value, Absent):
        return _(_ABSENT[value])
    return value if isinstance(value, str) else short_text(value)


def decisive(value: Number, digits: int) -> str:
    """Return the exact number, or so many of its digits that they are rounded as it is."""
    text = exact_text(value)
    if "/" not in text:
        return text
    places = max(4, digits + 1)
    while round_half_up(round_half_up(value, places), digits) != round_half_up(value, digits):
        places += 1
    short = short_text(value, places)
    return f"{short} = {text}" if len(text) <= _LONGEST_FRACTION else short


def sentence(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    """Say how a step made one number of its inputs, and which of them it left out."""
    text = _("no score that counts")
    if not isinstance(row.value, Absent):
        text = _phrase(operation, row, names)
    left_out: list[str] = []
    as_zero: list[str] = []
    for name, value, coefficient in zip(names, row.values, row.coefficients, strict=True):
        if isinstance(value, Absent):
            (as_zero if coefficient else left_out).append(name)
    if left_out:
        text += _(" (left out: {members})").format(members=listed(shortened(left_out)))
    if as_zero:
        text += _(" (counted as 0: {members})").format(members=listed(shortened(as_zero)))
    return text


def _phrase(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    inputs = [
        (coefficient, _ZERO if isinstance(value, Absent) else value)
        for coefficient, value in zip(row.coefficients, row.values, strict=True)
        if coefficient or not isinstance(value, Absent)
    ]
    terms = _terms([(coefficient, value) for coefficient, value in inputs if coefficient])
    if isinstance(operation, Adjust):
        pairs = zip(names, row.values, strict=True)
        terms = " + ".join(f"{name} {value_text(value)}" for name, value in pairs)
    value = value_text(row.value)
    text = operation.phrase(terms, len(inputs), value)
    return text.replace(f"{value} = {value}", value).replace("= ≈", "≈ ")


def _terms(inputs: Sequence[tuple[Fraction, Score]]) -> str:
    """Return the inputs with their coefficients, shortened where they are many."""
    if not inputs:
        return "—"
    coefficients = {coefficient for coefficient, _value in inputs}
    values = [value_text(value) for _coefficient, value in inputs]
    if len(coefficients) > 1:
        pairs = zip(inputs, values, strict=True)
        terms = [f"{exact_text(coefficient)}×{value}" for (coefficient, _v), value in pairs]
        return " + ".join(shortened(terms))
    coefficient = coefficients.pop()
    added = " + ".join(shortened(values))
    if coefficient == 1:
        return added
    factor = f" × {exact_text(coefficient)}"
    if coefficient.numerator == 1:
        factor = f" ÷ {coefficient.denominator}"
    return (f"({added})" if len(values) > 1 else added) + factor


def shortened(texts: Sequence[str]) -> list[str]:
    """Return the texts, or where they are many the first and the last of them."""
    if len(texts) <= _SPELLED_OUT:
        return list(texts)
    return [*texts[: _SPELLED_OUT // 2], "…", *texts[-2:]]
