"""The stages: their weights and windows, and for each group the sheets and the steps."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from wuhu_appraisal.scheme.basics import Identifier, Localised, Model, Positive
from wuhu_appraisal.scheme.steps import Policy, Step
from wuhu_appraisal.scheme.watches import Watch

PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Dimension(Model):
    """What tells two scores of one unit apart: exactly one of these keys says who its members are."""

    members: Annotated[dict[str, Localised], Field(min_length=1)] | None = None
    raters: str | None = None
    indicators: str | None = None
    items: list[str] | None = Field(None, description="with indicators: only these items")
    open: Literal[True] | None = Field(None, description="any names that the sheets hold")
    title: Localised | None = None


class Form(Model):
    """A kind of sheet: which files and sheets are of it, and which dimensions it shows.

    ``file`` and ``sheet`` may hold * for any text and {unit}, {rater}, {round} … for a member of
    that dimension; ``file`` is compared with the end of the path, without the file's ending.
    """

    id: Identifier
    title: Localised
    file: str
    sheet: str = "*"
    axes: Annotated[list[str], Field(min_length=1, max_length=2)]
    fixed: dict[str, str] = {}
    not_applicable: Literal["nowhere", "listed", "anywhere"] = Field(
        "nowhere",
        description="where a mark such as / may stand for a score: nowhere; listed: for items "
        "mainly assessed for other units; anywhere",
    )

    @property
    def named(self) -> list[str]:
        """The dimensions whose members the names of the file and the sheet give, in their order."""
        return PLACEHOLDER.findall(self.file + "/" + self.sheet)


class Plan(Model):
    """How one group goes through a stage: its dimensions, its sheets, and the steps to one number."""

    dimensions: dict[str, Dimension] = {}
    full_marks: Positive | None = Field(
        None, description="of every score; left out where each indicator has marks of its own"
    )
    forms: Annotated[list[Form], Field(min_length=1)]
    steps: list[Step] = []
    checks: list[Watch] = []
    percentages: Literal["error", "of_full_marks"] = Field(
        "error",
        description="what 95 % in a score's cell means: nothing that can be known, or that share of "
        "the full marks",
    )


class Window(Model):
    """The dates, both included, in which a stage is held."""

    from_: Annotated[date, Field(alias="from")]
    to: date
    clause: str = ""


class Note(Model):
    """A rule that binds people rather than numbers, kept with its clause."""

    clause: str
    text: Localised


class Stage(Model):
    """One weighted part of the composite."""

    id: Identifier
    title: Localised
    clause: str
    weight: Positive
    assessors: list[Localised]
    window: Window
    notes: list[Note] = []
    plans: Annotated[dict[str, Plan], Field(min_length=1)]


class Composite(Model):
    """How the stages become the composite: their weighted mean, and what an absent stage means."""

    missing: Policy
    not_applicable: Policy
    digits: Annotated[int, Field(ge=0, le=6)]
    clause: str = ""
