"""What counts outside the 100: bonuses and deductions, finals and ranks."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from wuhu_appraisal.scheme.basics import Identifier, Localised, Model, NonNegative, Positive
from wuhu_appraisal.scheme.reading import Labels


class Band(Model):
    """Points for a range of a value, both ends included; without ``to`` it has no upper end."""

    from_: Annotated[Decimal, Field(alias="from")]
    to: Decimal | None = None
    points: NonNegative


class Bands(Model):
    """Points by where a stated value, such as a rank, falls."""

    bands: Annotated[list[Band], Field(min_length=1)]


class Stated(Model):
    """Points as a person stated them, up to a maximum for each record."""

    stated: Literal[True]
    max: Positive


class Fixed(Model):
    """The same points for each record."""

    fixed: Positive


class RecordForm(Model):
    """The sheet that an adjustment's records stand in, and the labels of its columns."""

    file: str
    sheet: str = "*"
    unit: tuple[str, ...] = Labels().unit
    value: tuple[str, ...] = ()
    points: tuple[str, ...] = ("分值", "加分", "扣分", "加扣分")
    reason: tuple[str, ...] = ("原因", "事由", "扣分原因", "加分原因")
    evidence: tuple[str, ...] = ("依据", "佐证材料", "证据")


class Adjustment(Model):
    """A bonus or a deduction outside the 100, counted after the composite."""

    id: Identifier
    title: Localised
    clause: str
    kind: Literal["bonus", "deduction"]
    groups: Annotated[list[str], Field(min_length=1)]
    form: RecordForm
    points: Bands | Stated | Fixed
    requires: list[Literal["reason", "evidence"]] = []
    if_absent: Literal["error", "none"] = Field(
        "error",
        description="what it means that no sheet of it came: an error, or that nobody has any",
    )
    once: bool = Field(False, description="at most one record a unit")
    cap: Positive | None = Field(None, description="the most points a unit can have of it")

    def signed_points(self, stated: Decimal) -> Decimal | None:
        """The points for what a record states, below 0 for a deduction; None outside all bands."""
        points: Decimal | None = stated
        if isinstance(self.points, Fixed):
            points = self.points.fixed
        elif isinstance(self.points, Bands):
            points = next(
                (
                    band.points
                    for band in self.points.bands
                    if band.from_ <= stated and (band.to is None or stated <= band.to)
                ),
                None,
            )
        if points is None or self.kind == "bonus":
            return points
        return 0 - points


class Bounds(Model):
    """A cap and a floor; what is not given does not bind."""

    cap: Decimal | None = None
    floor: Decimal | None = None


class Final(Bounds):
    """The final score: its digits, its rounding, and its bounds."""

    digits: Annotated[int, Field(ge=0, le=6)]
    rounding: Literal["half_up"]
    clause: str = ""


class TieBreak(Model):
    """What tells equal finals apart: the composite, or a stage by name."""

    by: Literal["composite", "stage"]
    stage: str | None = None


class Ranking(Model):
    """How units of a group are ranked by their published finals; what stays equal shares a rank."""

    ties: list[TieBreak] = []
    clause: str = ""
