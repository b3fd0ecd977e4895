"""The sheet of rules and weights: every number that the scheme states, for formulas to point at."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from wuhu_appraisal.language import _
from wuhu_appraisal.numbers import Number, exact_text
from wuhu_appraisal.output.parameters import Key, Parameter, parameters
from wuhu_appraisal.output.workbook.book import INPUT, SOFT, Cell, Page
from wuhu_appraisal.scheme.final import Bounds
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.operations import Adjust

_MOST_ARGUMENTS = 250
"""Spreadsheet programs take at most 255 arguments of a function."""


class Rules:
    """The sheet of a scheme's numbers, and the cell of each."""

    def __init__(self, page: Page, scheme: Scheme) -> None:
        """Write the numbers, sums of other numbers as formulas, and below them the assumptions."""
        self._page = page
        self._numbers: dict[Key, Number | int] = {}
        self._cells: dict[Key, Cell] = {}
        titles = (_("Part"), _("Group"), _("Rule"), _("Number"), _("Clause"))
        note = _(
            "Formulas refer to the yellow numbers: change one and all ranks are calculated again."
        )
        title = _("Weights, marks, steps and assumptions")
        page.begin(title, (34, 20, 60, 12, 20), [note], sortable=False)
        page.header(titles)
        lines = list(parameters(scheme))
        for row, line in enumerate(lines, page.row):
            if line.key and line.number is not None:
                self._numbers[line.key] = line.number
                self._cells[line.key] = Cell(page.name, row, 3)
        for line in lines:
            self._texts((line.part, line.group, line.text, "", line.clause))
            self._number(line)
            page.row += 1
        for item in scheme.assumptions:
            texts = (_("Assumption"), item.set_in, str(item.text), "", item.clause)
            self._texts(texts, bg_color=SOFT)
            page.row += 1
        page.finish()

    def address(self, number: Number, *keys: Key) -> str:
        """Return the address of a number from any sheet: the first of the keys under which it stands.

        Return the number itself if it stands under none of them.
        """
        for key in keys:
            if self._numbers.get(key) == number:
                return self._cells[key].full
        return f"({exact_text(number)})"

    def within(self, bounds: Bounds, key: Key, values: str) -> str:
        """Return the formula of the sum of some cells within the bounds that stand under the key."""
        cap, floor = bounds.exact
        addresses = [
            self.address(bound, (end, *key))
            for bound, end in ((cap, "cap"), (floor, "floor"))
            if bound is not None
        ]
        return Adjust(cap, floor).formula(values, "", addresses)

    def _texts(self, texts: Sequence[str], **style: Any) -> None:
        self._page.fit_height(texts)
        for column, text in enumerate(texts):
            self._page.write(column, text, text_wrap=True, **style)

    def _number(self, line: Parameter) -> None:
        if line.number is None:
            return
        style: dict[str, Any] = {
            "align": "right",
            "num_format": "General",
            "bg_color": INPUT if line.key else SOFT,
        }
        text = exact_text(Fraction(line.number))
        if "/" in text:
            self._page.formula(3, text, float(line.number), **style)
        elif line.adds:
            formula = _sum([self._cells[key].fixed for key in line.adds])
            self._page.formula(3, formula, float(line.number), **style)
        else:
            self._page.write(3, float(line.number), **style)


def _sum(cells: Sequence[str]) -> str:
    """Return the formula that adds single cells, nested where there are many."""
    if len(cells) <= _MOST_ARGUMENTS:
        return f"SUM({','.join(cells)})"
    starts = range(0, len(cells), _MOST_ARGUMENTS)
    return _sum([_sum(cells[start : start + _MOST_ARGUMENTS]) for start in starts])
