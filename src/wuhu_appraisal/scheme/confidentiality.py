"""What a result may show to whom."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from wuhu_appraisal.i18n import N_
from wuhu_appraisal.scheme.basics import Model


class Detail(StrEnum):
    """What some may see of a result and others may not; the values are the scheme's words."""

    RATERS = "raters"
    BALLOTS = "ballots"
    FINDINGS = "findings"
    SCORES = "scores"


class Audience(StrEnum):
    """Whom a report is made for; the values are the scheme's words."""

    OFFICE = "office"
    LEADING_GROUP = "leading-group"
    PUBLIC = "public"
    UNIT = "unit"


CALLED: dict[Audience, str] = {
    Audience.OFFICE: N_("the office"),
    Audience.LEADING_GROUP: N_("the leading group"),
    Audience.PUBLIC: N_("the public"),
    Audience.UNIT: N_("a unit"),
}
"""What each audience is called; the values are message ids."""


DETAILS: dict[Detail, str] = {
    Detail.RATERS: N_("who gave which ballot"),
    Detail.BALLOTS: N_("each rater's scores"),
    Detail.FINDINGS: N_("findings, decisions and files"),
    Detail.SCORES: N_("the units' scores"),
}
"""What each detail is; the values are message ids."""


NEEDED: dict[Detail, tuple[Detail, ...]] = {
    Detail.RATERS: (Detail.BALLOTS,),
    Detail.BALLOTS: (Detail.FINDINGS, Detail.SCORES),
    Detail.FINDINGS: (Detail.SCORES,),
}
"""What a detail stands in or tells of itself: findings quote the scores that they are about."""


class Audiences(Model):
    """What each audience is shown beside rules and ranks. The office that appraises sees everything.

    ``raters``: who gave which ballot; without it raters are numbered. ``ballots``: each rater's
    scores, and so all that went in. ``findings``: what is wrong with the input, how it was read,
    what was decided, and the files. ``scores``: the units' scores; for a unit those of the others.
    """

    model_config = ConfigDict(populate_by_name=True)

    leading_group: Annotated[
        list[Detail],
        Field(alias="leading-group", description="any of raters, ballots, findings, scores"),
    ] = [Detail.BALLOTS, Detail.FINDINGS, Detail.SCORES]
    public: list[Detail] = Field(
        [Detail.SCORES], description="any of these but what is secret; without scores, ranks alone"
    )
    unit: list[Literal[Detail.SCORES]] = Field(
        [], description="scores: the ranking of its group too; else its own result alone"
    )


class Confidentiality(Model):
    """What the scheme keeps secret beyond the office that appraises."""

    fewest_raters: Annotated[int, Field(ge=2)] = Field(
        3,
        description="a score that is made of fewer raters' scores than this is shown to nobody "
        "who does not see the ballots; of two raters, each could work out what the other gave",
    )
    secret: list[Detail] = Field(
        [Detail.RATERS, Detail.BALLOTS, Detail.FINDINGS],
        description="what the public can never be shown: any of raters, ballots, findings, scores",
    )
    audiences: Audiences = Audiences()
    clause: str = ""

    def shown_to(self, audience: Audience) -> frozenset[Detail]:
        """What an audience sees."""
        shown: dict[Audience, Sequence[Detail]] = {
            Audience.OFFICE: list(Detail),
            Audience.LEADING_GROUP: self.audiences.leading_group,
            Audience.PUBLIC: self.audiences.public,
            Audience.UNIT: self.audiences.unit,
        }
        return frozenset(shown[audience])
