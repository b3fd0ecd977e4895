"""The vocabulary of checks across cells that a plan may ask for, as it is written in YAML.

A check reports; it never changes a score.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from wuhu_appraisal.scheme.basics import Model, Positive

OUTLYING = Decimal("3.5")
"""Beyond this modified z-score a value is an outlier (Iglewicz and Hoaglin 1993)."""


class _Watch(Model):
    """How much what it finds matters, and the clause that asks for it."""

    severity: Literal["error", "warning"]
    clause: str


class Spread(_Watch):
    """A rater's highest and lowest score must differ by at least a share of the full marks."""

    spread: str = Field(description="the dimension whose members each give many scores")
    at_least_percent: Positive
    of: Literal["full_marks", "highest"]


class Flat(_Watch):
    """A rater's scores must not all be the same."""

    flat: str = Field(description="the dimension whose members each give many scores")


class Identical(_Watch):
    """No two raters' scores may be the same, cell for cell."""

    identical: str = Field(description="the dimension whose members each give many scores")


class Outlier(_Watch):
    """A rater's scores should not lie far from all others': a robust z-score, only reported."""

    outlier: str = Field(description="the dimension whose members each give many scores")
    beyond: Positive = OUTLYING


class Empty(_Watch):
    """No unit may be without any score in a member of this dimension."""

    empty: str


class Dated(_Watch):
    """The date on a sheet must lie in the stage's window."""

    date: Literal["in_window"]


class Reasoned(_Watch):
    """A score below full marks needs a reason or a note beside it, in sheets of one score a row."""

    reason: Literal["where_marks_are_lost"]


_KINDS = {
    "spread": Spread,
    "flat": Flat,
    "identical": Identical,
    "outlier": Outlier,
    "empty": Empty,
    "date": Dated,
    "reason": Reasoned,
}


def dimension_of(rule: _Watch) -> tuple[str, str] | None:
    """The key by which a check names a dimension, and that dimension; None where it names none."""
    found = next(name for name, kind in _KINDS.items() if isinstance(rule, kind))
    return None if found in ("date", "reason") else (found, str(getattr(rule, found)))


def _kind(rule: Any) -> str | None:
    if isinstance(rule, dict):
        return next((name for name in _KINDS if name in rule), None)
    return next((name for name, kind in _KINDS.items() if isinstance(rule, kind)), None)


Watch = Annotated[
    Annotated[Spread, Tag("spread")]
    | Annotated[Flat, Tag("flat")]
    | Annotated[Identical, Tag("identical")]
    | Annotated[Outlier, Tag("outlier")]
    | Annotated[Empty, Tag("empty")]
    | Annotated[Dated, Tag("date")]
    | Annotated[Reasoned, Tag("reason")],
    Discriminator(
        _kind,
        custom_error_type="check_unknown",
        custom_error_message="a check begins with one of: " + ", ".join(_KINDS),
    ),
]
