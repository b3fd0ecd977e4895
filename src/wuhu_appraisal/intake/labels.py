"""Words in a sheet that are labels and not data: headers, totals, feet."""

import re
from collections.abc import Sequence
from functools import lru_cache

from wuhu_appraisal.names import normalise

MARKS_BEHIND = re.compile(r"[\((\[【]?\d+(?:\.\d+)?(?:分|%)[\))\]】]?$")


def labelled(text: str, labels: Sequence[str]) -> bool:
    """Whether a header is one of the labels, with or without marks such as (100分) behind it."""
    bare = normalise(text)
    known = _normalised(tuple(labels))
    return bool(bare) and (bare in known or MARKS_BEHIND.sub("", bare) in known)


def starts_with(text: str, labels: Sequence[str]) -> bool:
    """Whether a text is a label, or begins with one and a colon: '填表人:', not '日期镇'."""
    head = normalise(text).partition(":")[0]
    return head in _normalised(tuple(labels))


@lru_cache(maxsize=256)
def _normalised(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(normalise, labels))
