"""Words in a sheet that are labels and not data: headers, totals, feet."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from wuhu_appraisal.names import normalise

_MANNER_BEHIND = re.compile(r"(?:\((?:满分)?(?:\d+(?:\.\d+)?)?分?\)|\(百分制\)|/分)$")
"""What says of a label for scores how they are given: (分), (满分100分), (100), (百分制), /分."""

MARKS_BEHIND = re.compile(r"[\((\[【]?(\d+(?:\.\d+)?)(分|%)[\))\]】]?$")


@lru_cache(maxsize=65536)
def labelled(text: str, labels: tuple[str, ...]) -> bool:
    """Whether a header is one of the labels, with or without marks such as (100分) behind it."""
    bare = normalise(text)
    known = _normalised(labels)
    return bool(bare) and any(
        form in known
        for form in (bare, MARKS_BEHIND.sub("", bare), _MANNER_BEHIND.sub("", bare).rstrip("*"))
    )


@lru_cache(maxsize=1024)
def marks_behind(text: str) -> Decimal | None:
    """The full marks that a header states behind its name: 5 for '规划计划(5分)'."""
    found = MARKS_BEHIND.search(normalise(text))
    return Decimal(found[1]) if found and found[2] == "分" else None


def starts_with(text: str, labels: Sequence[str]) -> bool:
    """Whether a text is a label, or begins with one and a colon: '填表人:', not '日期镇'."""
    head = normalise(text).partition(":")[0]
    return head in _normalised(tuple(labels))


@lru_cache(maxsize=256)
def _normalised(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(normalise, labels))
