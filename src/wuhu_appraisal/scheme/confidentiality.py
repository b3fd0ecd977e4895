"""What a result may show to whom."""

from typing import Annotated

from pydantic import Field

from wuhu_appraisal.scheme.basics import Model


class Confidentiality(Model):
    """What the scheme keeps secret beyond the office that appraises."""

    fewest_raters: Annotated[int, Field(ge=2)] = Field(
        3,
        description="a score that is made of fewer raters' scores than this is shown to nobody "
        "outside the office; of two raters, each could work out what the other gave",
    )
    clause: str = ""
