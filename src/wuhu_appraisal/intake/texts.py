"""Numbers that were typed as text: read where there is one reading, else left to a person."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from wuhu_appraisal.ledger import Rule
from wuhu_appraisal.numbers import plain

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]{1,2}")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("。"): "."}
_LONGEST = 40
_UNSEEN = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
_NUMERALS = frozenset("零〇一二两三四五六七八九十百千点壹贰叁肆伍陆柒捌玖拾佰仟")


@dataclass(frozen=True, slots=True)
class ReadText:
    """The number that a text says, a percentage's before the sign, and how it was read."""

    number: Decimal
    percent: bool
    rules: tuple[Rule, ...]


def read_text(raw: str, words: Sequence[str]) -> ReadText | None:
    """The number that a text says; None where it says none, or could say another."""
    if len(raw) > _LONGEST and len(raw.strip()) > 2 * _LONGEST:
        return None
    text = "".join(char for char in raw if char not in _UNSEEN).strip()
    # Other invisible characters can turn round the order in which digits are shown.
    if len(text) > _LONGEST or any(unicodedata.category(char) == "Cf" for char in text):
        return None
    rules = [Rule.TEXT]
    narrow = text.translate(_HALF_WIDTH)
    if narrow != text:
        rules.append(Rule.FULL_WIDTH)
    bare = _without_word(narrow, words)
    if bare != narrow:
        rules.append(Rule.WORD)
    percent = bare.endswith("%")
    bare = bare.removesuffix("%").rstrip()
    if _THOUSANDS.fullmatch(bare):
        rules.append(Rule.THOUSANDS)
        bare = bare.replace(",", "")
    if _SCIENTIFIC.fullmatch(bare):
        rules.append(Rule.SCIENTIFIC)
    elif _NUMBER.fullmatch(bare) is None:
        return None
    return ReadText(Decimal(bare), percent, tuple(rules))


def numeral(raw: str, words: Sequence[str]) -> str | None:
    """The number that Chinese numerals may mean, as a suggestion; None where they say none."""
    text = _without_word(raw.strip()[: 2 * _LONGEST], words)
    if not text or len(text) > _LONGEST or not set(text) <= _NUMERALS:
        return None
    # Imported here because hardly a sheet holds numerals.
    from cn2an import cn2an

    try:
        return plain(Decimal(str(cn2an(text, "smart"))))
    except ValueError:
        return None


def _without_word(text: str, words: Sequence[str]) -> str:
    for word in words:
        if text.endswith(word) and len(text) > len(word):
            return text.removesuffix(word).rstrip()
    return text
