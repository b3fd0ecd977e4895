"""What sheets of scores and of records have in common: known labels, and the lines to sign."""

from collections.abc import Sequence
from datetime import date

from wuhu_appraisal.language import _
from wuhu_appraisal.output.templates.page import Cell, FootLine
from wuhu_appraisal.output.templates.rules import date_rule
from wuhu_appraisal.read.labels import labelled
from wuhu_appraisal.scheme.rules import Labels

_SIGNED = (("填表人",), ("审核人",))


def first(labels: Sequence[str]) -> str:
    """The label that a template uses of those that reading knows."""
    return next(iter(labels), "")


def known(words: Sequence[str], labels: Sequence[str]) -> str:
    """The first of some words that is among the labels, '' if none is."""
    return next((word for word in words if labelled(word, labels)), "")


def foot(labels: Labels, window: tuple[date, date | None], column: int) -> list[FootLine]:
    """Who filled the sheet in, who checked it, and when, under labels that reading passes over."""
    signed = [known(words, labels.foot) for words in _SIGNED]
    lines = [_line(label, Cell(look="open-text"), column) for label in signed if label]
    dated = known(labels.date, labels.foot)
    if dated:
        lines.append(_line(dated, Cell(look="open-date", rule=date_rule(dated, *window)), column))
    return lines


def instruction_names() -> str:
    """What every form asks for so that it is known again."""
    return _("Keep the names of the file and the sheet, and the form number, as they are.")


def instruction_cells() -> str:
    """What every form says of its cells."""
    return _("Fill in the shaded cells only; all others are locked.")


def _line(label: str, entry: Cell, column: int) -> FootLine:
    # Without a column for the entry it is written behind the label, in the label's own cell.
    label = f"{label}："
    return FootLine(label, entry if column else Cell(label, "open-text"), column)
