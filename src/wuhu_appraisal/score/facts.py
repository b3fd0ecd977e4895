"""The operation that makes the score of an item of its facts by the scheme's rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

from wuhu_appraisal.language import N_, _, joined
from wuhu_appraisal.numbers import Number, short_text
from wuhu_appraisal.scheme.facts import Given, added, value_of
from wuhu_appraisal.scheme.models import Indicator
from wuhu_appraisal.score.operations import ONE, Operation, Outcome, bounded


@dataclass(frozen=True, slots=True)
class FactScore(Operation):
    """The points of an item's rules, from its marks on where any of them takes, within its bounds.

    The values are those of the item's facts in their order; the outcome has one coefficient more,
    that of the constant. ``group`` holds the values of the group's units for each fact.
    """

    item: Indicator
    group: Mapping[str, Sequence[Fraction]] = field(default_factory=dict)
    name: ClassVar[str] = "facts"
    sentence: ClassVar[str] = N_("score of the facts: {inputs} = {value}")

    @property
    def start(self) -> Fraction:
        """The marks where points are taken from them, else 0."""
        return self._marks if any(rule.takes for rule in self.item.score) else Fraction(0)

    @property
    def _marks(self) -> Fraction:
        return Fraction(self.item.marks or 0)

    @property
    def bounds(self) -> tuple[Fraction, Fraction]:
        """The floor and the cap: 0 and the marks where the scheme states none."""
        item = self.item
        return (
            Fraction(0 if item.floor is None else item.floor),
            self._marks if item.cap is None else Fraction(item.cap),
        )

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        del shares
        value, _constant, coefficients = self.taken_apart(values)
        return Outcome(value, (*coefficients, ONE))

    def taken_apart(self, values: Sequence[Number]) -> tuple[Fraction, Fraction, list[Fraction]]:
        """Return the score, its constant, and the coefficient of each fact."""
        given = self._given(values)
        constant, shares = added(self.item.score, given)
        constant += self.start
        value = value_of((constant, shares), given.facts)
        held = bounded(value, self.bounds[1], self.bounds[0])
        if held != value:
            return held, held, [Fraction(0)] * len(values)
        return value, constant, [shares.get(name, Fraction(0)) for name in self.item.facts]

    def _given(self, values: Sequence[Number]) -> Given:
        facts = {name: Fraction(it) for name, it in zip(self.item.facts, values, strict=True)}
        return Given(facts, self.group, self._marks, self.item.facts)

    def told(self, values: Sequence[Number]) -> str:
        """Say how the score came to be, in the active language."""
        given = self._given(values)
        parts = [rule.phrase(given) for rule in self.item.score]
        if self.start:
            parts.insert(0, _("starts at {marks}").format(marks=short_text(self.start)))
        constant, shares = added(self.item.score, given)
        value = self.start + value_of((constant, shares), given.facts)
        floor, cap = self.bounds
        text = _("{parts}; together {value}").format(parts=joined(parts), value=short_text(value))
        if value > cap:
            text += _(", at most {cap}").format(cap=short_text(cap))
        if value < floor:
            text += _(", at least {floor}").format(floor=short_text(floor))
        return text

    @property
    def constants(self) -> Sequence[Fraction]:
        """The start where points are taken, the numbers of the rules, the floor and the cap."""
        rules = [number for rule in self.item.score for number in rule.numbers(self._marks)]
        return [*([self.start] if self.start else []), *rules, *self.bounds]

    @property
    def grouped(self) -> list[str]:
        """The facts of which it needs the values of the whole group."""
        return list(dict.fromkeys(fact for rule in self.item.score for fact in rule.grouped))

    def formula_over(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """Return the Excel 2010 formula; see ``FactRule``. ``numbers`` are those of ``constants``."""
        parts = [next(numbers)] if self.start else []
        parts += [rule.formula(cells, numbers, group) for rule in self.item.score]
        floor, cap = next(numbers), next(numbers)
        return f"MAX({floor},MIN({cap},{'+'.join(parts).replace('+-', '-')}))"

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        raise NotImplementedError("the formula is over single cells: formula_over")
