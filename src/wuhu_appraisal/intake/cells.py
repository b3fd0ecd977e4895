"""What a score cell says: validated by pydantic, each distinct cell content once.

A rule is one column's or sheet's: its full marks, whether a mark for 'not applicable' may stand
in it, and its grades. Reading is a pure function of the rule and the raw content, so its answers
are kept: a country's three million cells hold a few hundred distinct ones.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from wuhu_appraisal.intake.facts import Fault
from wuhu_appraisal.intake.grid import Raw
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import from_float, plain
from wuhu_appraisal.table import Absent, Value


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell is not a score, or is one only with a warning: a finding without its place."""

    code: str
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A cell's value, and what a person must know about how it was read."""

    value: Value
    refusal: Refusal | None = None


@dataclass(slots=True)
class CellRule:
    """How the cells of one column are read.

    ``plain`` holds the values of contents that need no word to anybody, so that a row of them is
    read by looking them up. True equals 1.0 as a key: a row with truth values must not be.
    """

    full_marks: Decimal
    not_applicable: frozenset[str]
    grades: Sequence[str] = ()
    plain: dict[Raw, Value] = field(default_factory=dict)
    _number: TypeAdapter[Decimal] | None = None

    def read(self, raw: Raw) -> Answer:
        """The score that a raw cell holds."""
        answer = self._read(raw)
        if answer.refusal is None and not isinstance(raw, bool):
            self.plain[raw] = answer.value
        return answer

    def _read(self, raw: Raw) -> Answer:
        if isinstance(raw, Fault):
            return Answer(Absent.MISSING, Refusal(raw.code, {"value": raw.value}))
        text = normalise(raw) if isinstance(raw, str) else None
        if text == "":
            return Answer(Absent.MISSING)
        if text in self.not_applicable:
            return Answer(Absent.NOT_APPLICABLE)
        if self.grades:
            known = {normalise(grade): grade for grade in self.grades}
            grade = plain(from_float(raw)) if type(raw) is float else text
            if grade in known:
                return Answer(known[grade])
            return Answer(Absent.MISSING, Refusal("grade-unknown", self._grade_params(raw)))
        if self._number is None:
            self._number = TypeAdapter(_bounded(self.full_marks))
        try:
            value = self._number.validate_python(raw)
        except ValidationError as error:
            return Answer(Absent.MISSING, self._refusal(raw, error))
        return Answer(value, Refusal("score-as-text", {"text": str(raw)}) if text else None)

    def _grade_params(self, raw: Raw) -> dict[str, str]:
        return {"text": str(raw), "grades": ", ".join(self.grades)}

    def _refusal(self, raw: Raw, error: ValidationError) -> Refusal:
        detail = error.errors(include_url=False)[0]
        shown = plain(from_float(raw)) if isinstance(raw, float) else str(raw)
        match detail["type"]:
            case "greater_than_equal":
                return Refusal("score-below-zero", {"value": shown})
            case "less_than_equal":
                marks = plain(self.full_marks)
                return Refusal("score-over-marks", {"value": shown, "marks": marks})
            case "cell_date":
                return Refusal("score-is-date", {"value": shown})
            case _:
                return Refusal("score-not-number", {"value": shown})


_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def _decimal(raw: Any) -> Any:
    """The exact decimal of a cell's content; a float is what the spreadsheet shows of it."""
    if isinstance(raw, bool):
        raise PydanticCustomError("cell_kind", "a truth value is not a score")
    if isinstance(raw, float):
        return from_float(raw)
    if isinstance(raw, int):
        return Decimal(raw)
    if isinstance(raw, str):
        text = raw.translate(_HALF_WIDTH).strip()
        if _NUMBER.fullmatch(text) is None:
            raise PydanticCustomError("cell_text", "the text is not a number")
        return text
    raise PydanticCustomError("cell_date", "a date or time is not a score")


def _bounded(full_marks: Decimal) -> Any:
    return Annotated[
        Decimal,
        BeforeValidator(_decimal),
        Field(ge=0, le=full_marks, allow_inf_nan=False),
    ]
