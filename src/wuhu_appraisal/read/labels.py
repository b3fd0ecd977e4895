"""Words in a sheet that the scheme knows: labels of columns and rows, and members of a dimension."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from wuhu_appraisal.names import NameIndex, normalise

_MARKS_BEHIND = re.compile(r"[\((\[【]?(\d+(?:\.\d+)?)(分|%)[\))\]】]?$")
_SCALE_BEHIND = re.compile(r"(?:\((?:满分)?(?:\d+(?:\.\d+)?)?分?\)|\(百分制\)|/分)$")
"""The scale of scores behind their label: (分), (满分100分), (100), (百分制), /分."""

_MARK_BEHIND = re.compile(r"[*※]+$")
_NUMBER_BEFORE = re.compile(
    r"^(?:\((?:\d+|[一二三四五六七八九十]+)\)|(?:\d+|[一二三四五六七八九十]+)[.、])"
)

_LATIN = re.compile(r"[a-z]+")


@lru_cache(maxsize=256)
def normalised(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels as they are compared."""
    return tuple(map(normalise, labels))


@lru_cache(maxsize=256)
def _folded(labels: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(str.casefold, normalised(labels)))


@lru_cache(maxsize=65536)
def labelled(text: str, labels: tuple[str, ...]) -> bool:
    """Return whether a text is one of the labels, with or without marks such as (100分) behind it."""
    bare = normalise(text).casefold()
    known = _folded(labels)
    return bool(bare) and any(
        form in known
        for form in (bare, _MARKS_BEHIND.sub("", bare), _SCALE_BEHIND.sub("", bare).rstrip("*"))
    )


def starts_with(text: str, labels: Sequence[str]) -> bool:
    """Return whether a text is a label, or a label and a colon before more: '填表人:', not '日期镇'."""
    return normalise(text).partition(":")[0] in normalised(tuple(labels))


@lru_cache(maxsize=65536)
def contains(text: str, labels: tuple[str, ...]) -> bool:
    """Return whether a text contains one of the labels, a Latin one as a word of its own."""
    # 综合计划 is the name of an office.
    bare, words = normalise(text).replace("综合计", ""), _LATIN.findall(text.casefold())
    return any(
        label.casefold() in words if label.isascii() else label in bare
        for label in normalised(labels)
    )


@lru_cache(maxsize=1024)
def marks_behind(text: str) -> Decimal | None:
    """Return the full marks that a header states behind its name: 5 for '规划计划(5分)'."""
    match = _MARKS_BEHIND.search(normalise(text))
    return Decimal(match[1]) if match and match[2] == "分" else None


def match_member(names: NameIndex, text: str) -> str | None:
    """Return the member that a header names, looking past '1.' before it and '(5分)' behind it."""
    member = names.match(text)
    if member is None and text:
        bare = _MARK_BEHIND.sub("", _MARKS_BEHIND.sub("", normalise(text)))
        member = names.match(bare) or names.match(_NUMBER_BEFORE.sub("", bare))
    return member
