"""What comes after the composite, as it is written in YAML.

Adjustments, vetoes, the final score, the ranking, and the classes of the units.
"""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from wuhu_appraisal.language import N_
from wuhu_appraisal.numbers import round_half_up
from wuhu_appraisal.scheme.rules import (
    Bound,
    FilePattern,
    Identifier,
    Labels,
    Localised,
    Model,
    NonNegative,
    Positive,
    Words,
    by_key,
)


class Band(Model):
    """Points for a range of values, both ends included; without ``to`` it has no upper end."""

    from_: Annotated[Decimal, Field(alias="from")]
    to: Decimal | None = None
    points: NonNegative


class Bands(Model):
    """Points by the band that a stated value, such as a rank, falls into."""

    bands: Annotated[list[Band], Field(min_length=1)]
    whole: bool = Field(
        True,
        description="the value is a whole number, as a rank or a count is; "
        "false for an amount or a percentage",
    )
    unique: bool = Field(
        False, description="no two units have the same value, as ranks that are not shared"
    )

    def points_for(self, stated: Decimal) -> Decimal | None:
        """The points of the band that holds the stated value; None for a value with none."""
        if self.whole and stated != stated.to_integral_value():
            return None
        for band in self.bands:
            if band.from_ <= stated and (band.to is None or stated <= band.to):
                return band.points
        return None


class Stated(Model):
    """Points as the sheet states them, up to a maximum for each record."""

    stated: Literal[True]
    max: Positive

    def points_for(self, stated: Decimal) -> Decimal:
        """The stated points themselves."""
        return stated


class Fixed(Model):
    """The same points for each record."""

    fixed: Positive

    def points_for(self, _stated: Decimal) -> Decimal:
        """The same points, whatever is stated."""
        return self.fixed


class Each(Model):
    """Points for each one of a stated whole number, up to a maximum for each record."""

    each: Positive
    max: Positive | None = None

    def points_for(self, stated: Decimal) -> Decimal | None:
        """The points for so many; None for a number that is not whole."""
        if stated != stated.to_integral_value():
            return None
        points = self.each * stated
        return points if self.max is None else min(points, self.max)


Points = Annotated[
    Bands | Stated | Fixed | Each,
    by_key(
        "points_unknown",
        N_("one of bands, stated, fixed and each is expected"),
        bands=Bands,
        stated=Stated,
        fixed=Fixed,
        each=Each,
    ),
]


class RecordForm(Model):
    """The sheet that holds an adjustment's or a veto's records, and the labels of its columns."""

    file: FilePattern
    sheet: str = "*"
    unit: Words = Labels().unit
    value: Words = ()
    points: Words = ("分值", "加分", "扣分", "加扣分")
    reason: Words = ("原因", "事由", "扣分原因", "加分原因")
    evidence: Words = ("依据", "佐证材料", "证据")


class Recorded(Model):
    """What a unit has by a record, a line with its grounds in a sheet of its own."""

    id: Identifier
    title: Localised
    clause: str
    groups: Annotated[list[str], Field(min_length=1)]
    form: RecordForm
    requires: list[Literal["reason", "evidence"]] = []
    if_absent: Literal["error", "none"] = Field(
        "error",
        description="if no sheet of it is there: an error, or no unit has any",
    )

    @property
    def stated_in(self) -> Literal["unit", "points", "value"]:
        """The column of a record's number, that of the unit where it has none."""
        return "unit"


class Adjustment(Recorded):
    """A bonus or a deduction outside the 100 marks, applied after the composite."""

    kind: Literal["bonus", "deduction"]
    points: Points
    once: bool = Field(False, description="at most one record for each unit")
    cap: Positive | None = Field(None, description="the most points that a unit can get from it")
    when: Bound | None = Field(
        None, description="the exact composite that a unit must have for it to count"
    )

    @property
    def stated_in(self) -> Literal["unit", "points", "value"]:
        """The column of a record's number; fixed points have none of their own."""
        if isinstance(self.points, Stated):
            return "points"
        return "unit" if isinstance(self.points, Fixed) else "value"

    def signed_points(self, stated: Decimal) -> Decimal | None:
        """The points for a stated value, below 0 for a deduction; None for one with none."""
        points = self.points.points_for(stated)
        return points if points is None or self.kind == "bonus" else 0 - points


class Veto(Recorded):
    """What a unit is vetoed for (一票否决): a fixed final, no rank, or classes that it may not enter.

    It states ``final`` or ``unranked``, with or without ``barred_from``, or that alone.
    """

    final: NonNegative | None = Field(None, description="the final of a unit that has it")
    adjusted: bool | None = Field(
        None,
        description="with final: true if it stands for the composite, and adjustments count; "
        "false if it is the final whatever else there is",
    )
    unranked: bool = Field(
        False, description="the unit has no rank, and takes no place of a share of its group"
    )
    barred_from: list[str] = Field([], description="the ids of the classes that it may not enter")


class Bounds(Model):
    """An optional cap and an optional floor."""

    cap: Decimal | None = None
    floor: Decimal | None = None

    @property
    def exact(self) -> tuple[Fraction | None, Fraction | None]:
        """The cap and the floor as fractions."""
        cap, floor = (None if it is None else Fraction(it) for it in (self.cap, self.floor))
        return cap, floor

    @property
    def bind(self) -> bool:
        """Whether there is a cap or a floor."""
        return self.exact != (None, None)


class Adjusting(Bounds):
    """The bounds of all adjustments of a unit together, and of its bonuses or deductions alone."""

    bonus_cap: Positive | None = Field(
        None, description="the most points of all bonuses of a unit together, before deductions"
    )
    deduction_cap: Positive | None = Field(
        None, description="the most points of all deductions of a unit together"
    )


class Final(Bounds):
    """The final score: its bounds, its decimal places and its rounding."""

    digits: Annotated[int, Field(ge=0, le=6)]
    rounding: Literal["half_up"]
    clause: str = ""


_TIES = {
    "composite": (),
    "stage": ("stage",),
    "item": ("stage", "item"),
    "fact": ("stage", "item", "fact"),
}
"""What each kind of tie-break names."""


class TieBreak(Model):
    """What ranks units with equal finals: the composite, a stage, or an item or a fact in a stage."""

    by: Literal["composite", "stage", "item", "fact"]
    stage: str | None = None
    item: str | None = None
    fact: str | None = None
    order: Literal["highest_first", "lowest_first"] = "highest_first"

    @model_validator(mode="after")
    def _names_what_decides(self) -> "TieBreak":
        if any(
            (getattr(self, key) is not None) != (key in _TIES[self.by]) for key in _TIES["fact"]
        ):
            raise PydanticCustomError(
                "tie",
                N_("stage needs stage, item needs stage and item, fact needs stage, item and fact"),
            )
        return self

    @property
    def member(self) -> str | None:
        """The item or the fact as a member of the indicators' dimension; None for other kinds."""
        return self.item if self.fact is None else f"{self.item}/{self.fact}"


class Ranking(Model):
    """How the units of a group are ranked by their published finals; equals share a rank."""

    ties: list[TieBreak] = []
    margin: bool = Field(
        False, description="the ranking shows how far each final is above that of the next rank"
    )
    clause: str = ""


class GradeClass(Model):
    """A class such as 优秀: the least final, a share of the group in per cent, or both; the last neither."""

    id: Identifier
    title: Localised
    clause: str = ""
    at_least: Decimal | None = None
    above: Decimal | None = None
    percent: Positive | None = None

    @property
    def least(self) -> Decimal | None:
        """The final that a unit must reach or be above; None if any will do."""
        return self.above if self.at_least is None else self.at_least

    def reached_by(self, final: Decimal) -> bool:
        """Tell whether a published final is high enough for the class."""
        return (self.at_least is None or final >= self.at_least) and (
            self.above is None or final > self.above
        )


class ClassRule(Model):
    """How a share of the group becomes places, and who gets the last ones."""

    rounding: Literal["half_up", "down", "up"]
    ties: Literal["in", "out"] = Field(
        description="units of one rank for too few places: all enter the class, or none"
    )
    vacated: Literal["next", "empty"] | None = Field(
        None,
        description="a place that a veto bars a unit from taking: the next unit takes it, "
        "or it stays empty",
    )
    clause: str = ""

    def places(self, percent: Decimal, units: int) -> int:
        """The places of a class in a group with so many ranked units."""
        exact = Fraction(percent) * units / 100
        if self.rounding == "half_up":
            return int(round_half_up(exact, 0))
        return math.floor(exact) if self.rounding == "down" else math.ceil(exact)
