"""What a number format shows of a number (ECMA-376, part 1, 18.8.30 and 18.8.31).

Only as much of it as tells whether a person sees the number that the cell holds.
"""

import re
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
_DATES = frozenset("ymdhsYMDHS")
_LONGEST_CODE = 255
"""No spreadsheet program has a longer format."""

_WHITE = {"white", "白色", "color2", "颜色2"}
_COMPARE = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "=": lambda a, b: a == b, "<>": lambda a, b: a != b,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Section:
    """One of up to four parts of a format: what it does to a number, and the texts around it."""

    before: str = ""
    after: str = ""
    general: bool = False
    digits: int = 0
    optional: bool = False
    placeholders: int = 0
    hundreds: int = 0
    thousands: int = 0
    denominator: int = 0
    scientific: bool = False
    exponent: int = 1
    date: bool = False
    white: bool = False
    condition: tuple[str, Decimal] | None = None

    @property
    def fixed(self) -> bool:
        return not (self.general or self.placeholders or self.date)


def look(code: str, stored: str | float) -> Look:
    """How a number looks under a format; ``PLAIN`` where the number itself is seen."""
    try:
        value = Decimal(stored) if isinstance(stored, str) else from_float(stored)
        value = from_float(float(value))
    except (InvalidOperation, ValueError, OverflowError):
        return PLAIN
    if len(code) > _LONGEST_CODE:
        return Look("", "", fixed=True)
    section, negative = _chosen(_sections(code), value)
    if section.white:
        return Look(code, "", fixed=True)
    if section.date or (section.general and not section.hundreds):
        return PLAIN
    sign = "-" if negative and value < 0 else ""
    if section.fixed:
        return Look(code, f"{sign}{section.before}{section.after}", fixed=True)
    text, number = _rendered(section, abs(value))
    if not text and not section.denominator:
        return Look(code, f"{section.before}{section.after}", fixed=True)
    # Bookkeepers write a number below 0 in brackets.
    if sign or any(mark in section.before for mark in "-("):
        number = -number
    seen = Look(code, percent=section.hundreds > 0, scientific=section.scientific)
    shown = f"{sign}{section.before}{text}{section.after}"
    # A digit that the format itself adds is part of the number that a person reads.
    added = any(map(str.isdigit, section.before + section.after))
    if added or number != value or seen.percent or seen.scientific:
        return replace(seen, shown=shown)
    return PLAIN


def harmless(code: str) -> bool:
    """Whether no number can look other than it is under this format."""
    return len(code) <= _LONGEST_CODE and all(
        ((part.general and not part.hundreds) or part.date) and not part.white
        for part in _sections(code)
    )


def shows_date(code: str) -> bool:
    """Whether a number is shown as a date or a time under this format."""
    return len(code) <= _LONGEST_CODE and any(part.date for part in _sections(code))


def _rendered(section: _Section, value: Decimal) -> tuple[str, Fraction]:
    """The text that a section makes of a number from 0 up, and the number that it says."""
    scaled = Fraction(value) * 100**section.hundreds / 1000**section.thousands
    if section.scientific:
        base, _e, exponent = f"{value:.{section.digits}E}".partition("E")
        text = f"{base}E{exponent[0]}{int(exponent[1:]):0{section.exponent}d}"
        return text, Fraction(Decimal(text))
    if section.denominator:
        near = scaled.limit_denominator(section.denominator)
        whole, rest = divmod(near, 1)
        return f"{whole} {rest}", near
    rounded = round_half_up(scaled, section.digits)
    if section.optional and not section.digits and not rounded:
        return "", Fraction(0)
    text = format(rounded, "f") + "%" * section.hundreds
    return text, Fraction(rounded) / 100**section.hundreds


def _chosen(sections: tuple[_Section, ...], value: Decimal) -> tuple[_Section, bool]:
    """The section for a number, and whether a minus sign is still to be put before it."""
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


def _section(tokens: list[re.Match[str]]) -> _Section:
    """What the tokens between two semicolons say."""
    texts, digits, fraction, pattern = ["", ""], 0, False, ""
    section = _Section()
    for token in tokens:
        sign = token["sign"] or ""
        if token["bracket"] is not None:
            section = _bracketed(section, token["bracket"])
        elif token["general"] or sign == "@":
            section = replace(section, general=True)
        elif token["exponent"]:
            section = replace(section, scientific=True, exponent=0)
            fraction = False
        elif section.scientific and sign == "0":
            section = replace(section, exponent=section.exponent + 1)
        elif sign and sign in "0#?,/" and (pattern or sign != "/"):
            pattern += sign
            digits += fraction and sign not in ",/"
        elif sign == ".":
            fraction = True
        elif sign == "%":
            section = replace(section, hundreds=section.hundreds + 1)
        elif sign in _DATES:
            section = replace(section, date=True)
        else:
            texts[bool(pattern)] += token["quoted"] or token["escaped"] or sign
    return _counted(section, texts, digits, pattern)


def _bracketed(section: _Section, inside: str) -> _Section:
    """The section with what stands in brackets: a condition or hours over 24; colours are no matter."""
    found = _CONDITION.fullmatch(inside)
    if found:
        return replace(section, condition=(found[1], Decimal(found[2])))
    if inside.lower() in _WHITE:
        return replace(section, white=True)
    return replace(section, date=True) if inside and set(inside) <= set("hHmMsS") else section


def _counted(section: _Section, texts: list[str], digits: int, pattern: str) -> _Section:
    """The section with its placeholders counted; a comma behind the last one divides by 1000."""
    bare = pattern.rstrip(",")
    below = bare.rpartition("/")[2] if "/" in bare else ""
    return replace(
        section,
        before=texts[0],
        after=texts[1],
        digits=digits,
        optional=set(bare) <= set("#?,"),
        placeholders=len(re.sub(r"[,/]", "", bare)),
        thousands=len(pattern) - len(bare),
        denominator=10 ** len(below) - 1 if below else 0,
    )


def number_in(text: str) -> Decimal | None:
    """The one number in a text that a program shows for a cell; None where there is none."""
    mixed = re.fullmatch(r"\s*(-?\d+)\s+(\d+)/(\d+)\s*", text)
    if mixed:
        whole, above, below = map(int, mixed.groups())
        part = Decimal(above) / Decimal(below or 1)
        return whole - part if whole < 0 else whole + part
    found = re.findall(
        r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[Ee][+-]?\d{1,3}(?!\d))?", text[:_LONGEST_CODE]
    )
    return Decimal(found[0].replace(",", "")) if len(found) == 1 else None


def as_shown(text: str, stored: str, *, percent: bool = False) -> Look:
    """How a number looks whose text a file holds beside it, as .ods does."""
    code = ""
    number = number_in(text)
    scientific = bool(re.search(r"\d[Ee][+-]?\d", text))
    if number is None:
        return Look(code, text, fixed=not any(map(str.isdigit, text)))
    value = from_float(float(stored))
    whole = value * 100 if percent else value
    if not percent and not scientific and _same(number, whole):
        return PLAIN
    return Look(code, text, percent=percent, scientific=scientific)


def _same(shown: Decimal, stored: Decimal) -> bool:
    """Whether a program that shows at most nine decimals of a long number shows this one so."""
    return shown == stored or (
        len(plain(shown).partition(".")[2]) >= 9 and abs(shown - stored) < Decimal("1e-8")
    )
