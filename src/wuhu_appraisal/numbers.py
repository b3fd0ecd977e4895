"""Exact arithmetic: no float takes part in a score.

A cell's float becomes the decimal of 15 significant digits that a spreadsheet shows; sums,
means and weights are fractions; the one rounding is half up (四舍五入).
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from fractions import Fraction
from typing import TypeAlias

Number: TypeAlias = Decimal | Fraction

SIGNIFICANT_DIGITS = 15
"""The digits that IEEE 754 binary64 always keeps and spreadsheets show (ECMA-376 18.3.1.4)."""

_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])
_WRITTEN = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400}|/[1-9][0-9]{0,399})?")


def from_float(value: float) -> Decimal:
    """The decimal of 15 significant digits nearest to a finite float: 20.399999999999999 is 20.4."""
    return Decimal(format(value, f".{SIGNIFICANT_DIGITS}g"))


def total(values: Iterable[Number]) -> Fraction:
    """The exact sum. If all values are decimals, it is many times faster."""
    numbers = values if isinstance(values, Sequence) else list(values)
    if set(map(type, numbers)) <= {Decimal}:
        return Fraction(decimal_total(numbers))  # type: ignore[arg-type]
    return sum(map(Fraction, numbers), Fraction(0))


def decimal_total(values: Iterable[Decimal]) -> Decimal:
    """The exact sum of decimals as a decimal."""
    with localcontext(_EXACT):
        return sum(values, Decimal(0))


def round_half_up(value: Number, digits: int) -> Decimal:
    """Round to ``digits`` decimal places, halves away from zero (四舍五入); trailing zeros stay."""
    exact = Fraction(value)
    scaled = abs(exact) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    sign = 1 if exact < 0 and whole else 0
    return Decimal((sign, tuple(map(int, str(whole))), -digits))


def exact_text(value: Number) -> str:
    """The exact value as text: '86.25' if it is a finite decimal, else 'p/q' in lowest terms."""
    exact = Fraction(value)
    rest = exact.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{exact.numerator}/{exact.denominator}"
    return plain(_EXACT.divide(Decimal(exact.numerator), Decimal(exact.denominator)))


def plain(value: Decimal) -> str:
    """A decimal without exponent and without trailing zeros: '20.4', '100', '0'."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def short_text(value: Number, digits: int = 4) -> str:
    """The value as text: exact if it has at most ``digits`` decimal places, else rounded with '≈'."""
    rounded = round_half_up(value, digits)
    return plain(rounded) if Fraction(rounded) == Fraction(value) else f"≈{rounded}"


def percent(share: Number) -> str:
    """A share of 1 as a percentage with at most one decimal, rounded half up: '12.5%'."""
    return f"{plain(round_half_up(share * 100, 1))}%"


def decimals(value: Decimal) -> int:
    """The number of decimal places that a finite decimal is written with."""
    exponent = value.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def parse_exact(text: str) -> Fraction:
    """The number for a text from ``exact_text``; ValueError for any other text.

    An exponent is refused, as a few characters could ask for a number of gigabytes.
    """
    if _WRITTEN.fullmatch(text) is None:
        raise ValueError(f"not an exact number: {text[:40]!r}")
    return Fraction(text)
