"""What the values alone do not say of scores: how a cell was read, and what was noted beside it."""

from dataclasses import dataclass
from enum import StrEnum

from wuhu_appraisal.findings import Source
from wuhu_appraisal.i18n import N_


class Rule(StrEnum):
    """By which rule a cell was read as other than the number it holds; the values are message ids."""

    TEXT = N_("a number stored as text")
    FULL_WIDTH = N_("full-width characters read as half-width ones")
    WORD = N_("the word behind the number left out")
    THOUSANDS = N_("the commas between thousands left out")
    PERCENT = N_("a percentage of the full marks")
    SCIENTIFIC = N_("scientific notation")
    DIGITS = N_("the 15 significant digits that a spreadsheet shows")
    FORMULA = N_("the value that a formula left")
    DEDUCTION = N_("the full marks less the deduction")
    DECISION = N_("by decision")


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One cell that was read as other than a plain number: what it holds, and as what it counts."""

    source: Source
    raw: str
    format: str
    value: str
    rules: tuple[Rule, ...]


class RemarkKind(StrEnum):
    """Where a remark was found; the values are message ids."""

    NOTE = N_("note on the cell")
    REASON = N_("reason for the deduction")


@dataclass(frozen=True, slots=True)
class Remark:
    """What an office wrote beside a score; ``source`` is the score's cell."""

    source: Source
    kind: RemarkKind
    text: str
