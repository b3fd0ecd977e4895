"""What all parts of a scheme are made of: strict models, texts in both languages, numbers."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from wuhu_appraisal.i18n import Bilingual


class Model(BaseModel):
    """The base of all that a scheme says: unknown keys are errors and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Model):
    """A text in both languages; a plain string stands for both, as names do."""

    zh: str
    en: str

    def __str__(self) -> str:
        """The text in the active language."""
        return str(self.pair)

    @property
    def pair(self) -> Bilingual:
        """The text without its model, for places that know nothing of schemes."""
        return Bilingual(self.zh, self.en)


def _both(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


Localised = Annotated[Text, BeforeValidator(_both, json_schema_input_type=str | Text)]
Identifier = Annotated[str, Field(pattern=r"\S")]
NonNegative = Annotated[Decimal, Field(ge=0)]
Positive = Annotated[Decimal, Field(gt=0)]
