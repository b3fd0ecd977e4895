"""Who sees what of a result: the audiences, the details, and what a scheme keeps secret."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from wuhu_appraisal.language import N_
from wuhu_appraisal.scheme.rules import Model


class Detail(StrEnum):
    """A part of a result that not every audience sees; the values are the words in YAML."""

    RATERS = "raters"
    FINDINGS = "findings"
    SCORES = "scores"


class GroupNumber(StrEnum):
    """A number of its group that is another unit's exact score; the values are the words in YAML.

    ``NEXT_RANK`` is the distance to the next better rank.
    """

    MEDIAN = "median"
    BEST = "best"
    NEXT_RANK = "next-rank"


class Audience(StrEnum):
    """The readers that a report is made for; the values are the words in YAML."""

    OFFICE = "office"
    LEADING_GROUP = "leading-group"
    PUBLIC = "public"
    UNIT = "unit"


AUDIENCE_NAMES: dict[Audience, str] = {
    Audience.OFFICE: N_("the office"),
    Audience.LEADING_GROUP: N_("the leading group"),
    Audience.PUBLIC: N_("the public"),
    Audience.UNIT: N_("a unit"),
}
"""The name of each audience, as a message id."""


DETAIL_NAMES: dict[Detail | GroupNumber, str] = {
    Detail.RATERS: N_("each rater's scores"),
    Detail.FINDINGS: N_("findings, decisions and files"),
    Detail.SCORES: N_("the units' scores"),
    GroupNumber.MEDIAN: N_("its group's median"),
    GroupNumber.BEST: N_("its group's best score"),
    GroupNumber.NEXT_RANK: N_("the distance to the next rank"),
}
"""The name of each detail, as a message id."""


DETAIL_NEEDS: dict[Detail, tuple[Detail, ...]] = {
    Detail.RATERS: (Detail.FINDINGS, Detail.SCORES),
    Detail.FINDINGS: (Detail.SCORES,),
}
"""The details that a detail also reveals: findings quote the scores that they are about."""


class Audiences(Model):
    """What each audience sees beside rules and ranks. The office that appraises sees everything.

    ``raters``: the scores that each rater gave, and so all input and how it was read.
    ``findings``: what is wrong with the input, the decisions about it, and the files.
    ``scores``: the units' scores; for a unit, those of the others.
    ``median``, ``best``, ``next-rank``: for a unit, these numbers of its group.
    """

    model_config = ConfigDict(populate_by_name=True)

    leading_group: Annotated[
        list[Detail],
        Field(alias="leading-group", description="any of raters, findings, scores"),
    ] = [Detail.FINDINGS, Detail.SCORES]
    public: list[Detail] = Field(
        [Detail.SCORES], description="any of these that is not secret; without scores, only ranks"
    )
    unit: list[Literal[Detail.SCORES] | GroupNumber] = Field(
        [],
        description="beside its own result, its rank and its group's mean: scores, the ranking of "
        "its group; median, best and next-rank, each of them another unit's exact score",
    )


class Confidentiality(Model):
    """What the scheme keeps secret outside the office that appraises."""

    fewest_raters: Annotated[int, Field(ge=2)] = Field(
        3,
        description="a score made from fewer raters' scores than this is only shown to those "
        "who see the raters' scores; of two raters, each could work out the other's score",
    )
    secret: list[Detail] = Field(
        [Detail.RATERS, Detail.FINDINGS],
        description="what the public may never see: any of raters, findings, scores",
    )
    audiences: Audiences = Audiences()
    clause: str = ""

    def shown_to(self, audience: Audience) -> frozenset[Detail]:
        """The details that an audience sees."""
        shown: dict[Audience, Sequence[Detail | GroupNumber]] = {
            Audience.OFFICE: list(Detail),
            Audience.LEADING_GROUP: self.audiences.leading_group,
            Audience.PUBLIC: self.audiences.public,
            Audience.UNIT: self.audiences.unit,
        }
        return frozenset(item for item in shown[audience] if isinstance(item, Detail))
