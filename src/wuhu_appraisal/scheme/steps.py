"""The vocabulary of steps that a scheme may use, as it is written in YAML.

What each step computes, says and writes as a formula is defined in ``scoring.ops``.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from wuhu_appraisal.scheme.basics import Model, Positive

Policy = Literal["error", "exclude", "zero"]
"""What an absent score means: a finding that stops the result; left out, the weights or marks of
the rest made up to the whole at that level; or counted as 0."""


class RollUp(Model):
    """Takes one dimension away: many scores become one.

    ``to`` stops at a level of the indicator tree (1 is the top) instead of going to the root.
    """

    roll_up: str
    by: Literal["sum", "mean", "weighted", "median", "trimmed_mean", "best", "latest"]
    missing: Policy
    not_applicable: Policy
    weights: dict[str, Positive] | None = None
    to: Annotated[int, Field(ge=1)] | None = None
    drop_high: Annotated[int, Field(ge=0)] = 0
    drop_low: Annotated[int, Field(ge=0)] = 0
    n: Annotated[int, Field(ge=1)] | None = None
    clause: str = ""


class Rescale(Model):
    """Brings scores from one full mark to another: 37 of 46 becomes 80.43 of 100.

    Without ``from`` the full marks are those that the steps before it leave.
    """

    rescale: Positive
    from_: Annotated[Positive | None, Field(alias="from")] = None
    clause: str = ""


class Convert(Model):
    """Turns grades into numbers: 优秀 becomes 95."""

    convert: Annotated[dict[str, Annotated[Decimal, Field(ge=0)]], Field(min_length=1)]
    clause: str = ""


def _kind(step: Any) -> str | None:
    for name in ("roll_up", "rescale", "convert"):
        if name in step if isinstance(step, dict) else hasattr(step, name):
            return name
    return None


Step = Annotated[
    Annotated[RollUp, Tag("roll_up")]
    | Annotated[Rescale, Tag("rescale")]
    | Annotated[Convert, Tag("convert")],
    Discriminator(
        _kind,
        custom_error_type="step_unknown",
        custom_error_message="a step begins with roll_up, rescale or convert",
    ),
]
