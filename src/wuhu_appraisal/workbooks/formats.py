"""Tell what a number format shows of a number (ECMA-376, part 1, 18.8.30 and 18.8.31).

Only as much of the formats is known as tells whether a person sees the number that a cell holds.
"""

import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

from wuhu_appraisal.numbers import from_float, plain, round_half_up
from wuhu_appraisal.workbooks.cell import PLAIN, Look

BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00",
    12: "# ?/?", 13: "# ??/??", 37: "#,##0;-#,##0", 38: "#,##0;-#,##0", 39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;-#,##0.00", 41: '#,##0;-#,##0;"-"', 42: '#,##0;-#,##0;"-"',
    43: '#,##0.00;-#,##0.00;"-"', 44: '#,##0.00;-#,##0.00;"-"',
    48: "##0.0E+0",
}  # fmt: skip
"""The formats known by number alone, without their colours and spaces."""

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General|G/通用格式)|(?P<exponent>[Ee][+-])|(?P<sign>.)",
    re.DOTALL | re.IGNORECASE,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)")
_NUMBER = re.compile(r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[Ee][+-]?\d{1,3}(?!\d))?")
_MIXED_NUMBER = re.compile(r"\s*(-?\d+)\s+(\d+)/(\d+)\s*")
_SCIENTIFIC = re.compile(r"\d[Ee][+-]?\d")
_DATES = frozenset("ymdhsYMDHS")
_LONGEST_CODE = 255
"""No spreadsheet program has a longer format."""

_WHITE = {"white", "白色", "color2", "颜色2"}
_COMPARE = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "=": operator.eq, "<>": operator.ne,
}  # fmt: skip


@dataclass(slots=True)
class _Section:
    """One of up to four parts of a format: what it does to a number, and the texts around it."""

    before: str = ""
    after: str = ""
    general: bool = False
    pattern: str = ""
    digits: int = 0
    hundreds: int = 0
    scientific: bool = False
    exponent: int = 0
    date: bool = False
    white: bool = False
    condition: tuple[str, Decimal] | None = None

    @property
    def shows_number(self) -> bool:
        """Whether the section shows any number as it is, or as a date."""
        return self.date or (self.general and not self.hundreds)


def number_look(code: str, stored: str | float) -> Look:
    """Return how a number looks under a format, PLAIN where the number itself is seen."""
    try:
        value = from_float(float(stored))
    except (InvalidOperation, ValueError, OverflowError):
        return PLAIN
    if len(code) > _LONGEST_CODE:
        return Look("", "", fixed=True)
    section, negative = _choose(_sections(code), value)
    if section.white:
        return Look(code, "", fixed=True)
    if section.shows_number:
        return PLAIN
    sign = "-" if negative and value < 0 else ""
    if not (section.general or section.pattern.strip(",/")):
        return Look(code, f"{sign}{section.before}{section.after}", fixed=True)
    text, number = _render(section, abs(value))
    if not text:
        return Look(code, f"{section.before}{section.after}", fixed=True)
    # Bookkeepers write a number below 0 in brackets.
    if sign or any(mark in section.before for mark in "-("):
        number = -number
    look = Look(code, percent=section.hundreds > 0, scientific=section.scientific)
    # A digit that the format itself adds is part of the number that a person reads.
    added = any(map(str.isdigit, section.before + section.after))
    if added or number != value or look.percent or look.scientific:
        return replace(look, shown=f"{sign}{section.before}{text}{section.after}")
    return PLAIN


def text_look(text: str, stored: float, *, percent: bool) -> Look:
    """Return how a number looks whose text a file holds beside it, as .ods does."""
    number = number_in(text)
    if number is None:
        return Look("", text, fixed=not any(map(str.isdigit, text)))
    value = from_float(stored)
    # A program may show only nine decimals of a number.
    nine = len(plain(number).partition(".")[2]) >= 9 and abs(number - value) < Decimal("1e-8")
    scientific = _SCIENTIFIC.search(text) is not None
    if not percent and not scientific and (number == value or nine):
        return PLAIN
    return Look("", text, percent=percent, scientific=scientific)


def number_in(text: str) -> Decimal | None:
    """Return the one number in a text that a program shows for a cell; None where there is none."""
    mixed = _MIXED_NUMBER.fullmatch(text)
    if mixed:
        whole, above, below = map(int, mixed.groups())
        part = Decimal(above) / Decimal(below or 1)
        return whole - part if whole < 0 else whole + part
    numbers = _NUMBER.findall(text[:_LONGEST_CODE])
    return Decimal(numbers[0].replace(",", "")) if len(numbers) == 1 else None


def is_harmless(code: str) -> bool:
    """Return whether every number looks as it is under a format."""
    return len(code) <= _LONGEST_CODE and all(
        part.shows_number and not part.white for part in _sections(code)
    )


def _render(section: _Section, value: Decimal) -> tuple[str, Fraction]:
    """Return the text that a section makes of a number from 0 up, and the number that it says."""
    # Each comma behind the last placeholder divides by 1000.
    pattern = section.pattern.rstrip(",")
    thousands = len(section.pattern) - len(pattern)
    scaled = Fraction(value) * 100**section.hundreds / 1000**thousands
    if section.scientific:
        base, _e, exponent = f"{value:.{section.digits}E}".partition("E")
        text = f"{base}E{exponent[0]}{int(exponent[1:]):0{section.exponent}d}"
        return text, Fraction(Decimal(text))
    if "/" in pattern and not pattern.endswith("/"):
        number = scaled.limit_denominator(10 ** len(pattern.rpartition("/")[2]) - 1)
        whole, rest = divmod(number, 1)
        return f"{whole} {rest}", number
    rounded = round_half_up(scaled, section.digits)
    if not section.digits and not rounded and "0" not in pattern and "/" not in pattern:
        return "", Fraction(0)
    return format(rounded, "f") + "%" * section.hundreds, Fraction(rounded) / 100**section.hundreds


def _choose(sections: tuple[_Section, ...], value: Decimal) -> tuple[_Section, bool]:
    """Return the section for a number, and whether a minus sign is still to be put before it."""
    if any(part.condition for part in sections):
        for part in sections:
            if part.condition is None or _COMPARE[part.condition[0]](value, part.condition[1]):
                return part, True
        return sections[-1], True
    if len(sections) == 1 or value > 0 or (value == 0 and len(sections) == 2):
        return sections[0], len(sections) == 1
    return (sections[1], False) if value < 0 else (sections[2], False)


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[_Section, ...]:
    parts: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(code):
        if token["sign"] == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    return tuple(map(_section, parts))


def _section(tokens: Iterable[re.Match[str]]) -> _Section:
    """Return what the tokens between two semicolons say."""
    section = _Section()
    fraction = False
    for token in tokens:
        sign = token["sign"] or ""
        if token["bracket"] is not None:
            _read_bracket(section, token["bracket"])
        elif token["general"] or sign == "@":
            section.general = True
        elif token["exponent"]:
            section.scientific, section.exponent = True, 0
            fraction = False
        elif section.scientific and sign == "0":
            section.exponent += 1
        elif sign and sign in "0#?,/" and (section.pattern or sign != "/"):
            section.pattern += sign
            section.digits += fraction and sign not in ",/"
        elif sign == ".":
            fraction = True
        elif sign == "%":
            section.hundreds += 1
        elif sign in _DATES:
            section.date = True
        else:
            text = token["quoted"] or token["escaped"] or sign
            if section.pattern:
                section.after += text
            else:
                section.before += text
    return section


def _read_bracket(section: _Section, inside: str) -> None:
    """Read a condition, the colour white, or hours over 24; other colours do not matter."""
    condition = _CONDITION.fullmatch(inside)
    if condition:
        section.condition = condition[1], Decimal(condition[2])
    elif inside.lower() in _WHITE:
        section.white = True
    elif inside and set(inside) <= set("hHmMsS"):
        section.date = True
