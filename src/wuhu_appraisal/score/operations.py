"""The closed set of operations on scores, each defined in one place three ways.

``apply`` computes the number, ``phrase`` says it in a sentence, ``formula`` writes it for a
spreadsheet. The operations get numbers only: what an absent score means has been settled before.
Every result is a sum of coefficients times values (a cap or a floor that binds is one value more),
and ``apply`` returns those coefficients, so a result can be taken apart into what each score
contributed to it.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar

from wuhu_appraisal.language import N_, _
from wuhu_appraisal.numbers import Number, exact_text, total
from wuhu_appraisal.scheme.rules import Rescale, RollUp

ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A number, and the coefficient of each input."""

    value: Fraction
    coefficients: Sequence[Fraction]


@lru_cache(maxsize=4096)
def uniform(coefficient: Fraction, count: int) -> tuple[Fraction, ...]:
    """Return the same coefficient ``count`` times; shared, because large tables have few distinct ones."""
    return (coefficient,) * count


@dataclass(frozen=True, slots=True)
class Operation(ABC):
    """A way to make one number of several."""

    name: ClassVar[str]
    sentence: ClassVar[str]

    @property
    def minimum(self) -> int:
        """The fewest numbers that it can work on."""
        return 1

    @abstractmethod
    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """Compute the result of at least ``minimum`` values; ``shares`` are their weights or marks."""

    def without_rest(self, used: Sequence[int], shares: Sequence[Fraction]) -> "Operation":
        """Return the operation for the inputs at the places ``used`` alone; ``shares`` has all."""
        del used, shares
        return self

    @property
    def constants(self) -> Sequence[Fraction]:
        """The numbers of the scheme that it uses beside the shares."""
        return ()

    def formula(self, values: str, shares: str, constants: Sequence[str] | None = None) -> str:
        """Return the Excel 2010 formula over two ranges of one shape; it leaves out cells without a number.

        ``constants`` are the addresses of its constants, which else are written out.
        """
        stated = [f"({exact_text(item)})" for item in self.constants]
        return self._formula(values, shares, stated if constants is None else constants)

    @abstractmethod
    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str: ...

    def particulars(self) -> dict[str, str]:
        """Return what ``sentence`` needs beside inputs, count and value."""
        return {}

    def phrase(self, inputs: str, count: int, value: str) -> str:
        """Return the sentence that explains a result, in the active language."""
        return _(self.sentence).format(
            inputs=inputs, count=count, value=value, **self.particulars()
        )


@dataclass(frozen=True, slots=True)
class Sum(Operation):
    """The sum; where inputs are left out, scaled up to the marks or the number of all.

    ``whole`` is the sum of all shares, or 0 where no input is left out. ``equally``: the marks of
    those left out are given to the others in equal parts, not in proportion.
    """

    whole: Fraction = Fraction(0)
    equally: bool = False
    name: ClassVar[str] = "sum"
    sentence: ClassVar[str] = N_("sum of {count}: {inputs} = {value}")

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        added = total(values)
        if not self.whole:
            return Outcome(added, uniform(ONE, len(values)))
        if self.equally:
            part = (self.whole - sum(shares, Fraction(0))) / len(values)
            factors = [(share + part) / share for share in shares]
            scaled = (factor * Fraction(n) for factor, n in zip(factors, values, strict=True))
            return Outcome(sum(scaled, Fraction(0)), factors)
        factor = self.whole / sum(shares, Fraction(0))
        return Outcome(added * factor, uniform(factor, len(values)))

    def without_rest(self, used: Sequence[int], shares: Sequence[Fraction]) -> "Sum":
        """See ``Operation.without_rest``."""
        del used
        return replace(self, whole=sum(shares, Fraction(0)))

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del constants
        if not shares:
            return f"SUM({values})"
        used = f"SUMPRODUCT(ISNUMBER({values})*{shares})"
        if self.equally:
            # Rows of deeper levels between the inputs have neither a score nor marks.
            scores = f"SUMPRODUCT({values},1/({shares}+({shares}=0)))"
            return f"SUM({values})+(SUM({shares})-{used})/COUNT({values})*{scores}"
        return f"SUM({values})*SUM({shares})/{used}"

    def phrase(self, inputs: str, count: int, value: str) -> str:
        """See ``Operation.phrase``."""
        text = Operation.phrase(self, inputs, count, value)
        if self.equally:
            text = _(
                "{sum} (marks of any absent items are given to the others in equal parts)"
            ).format(sum=text)
        return text


@dataclass(frozen=True, slots=True)
class Mean(Operation):
    """The plain mean."""

    name: ClassVar[str] = "mean"
    sentence: ClassVar[str] = N_("mean of {count}: {inputs} = {value}")

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        del shares
        return _mean_of(values, range(len(values)))

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del shares, constants
        return f"AVERAGE({values})"


@dataclass(frozen=True, slots=True)
class Weighted(Operation):
    """The mean weighted by the shares, each input times its scale where there are ``scales``."""

    scales: tuple[Fraction, ...] = ()
    name: ClassVar[str] = "weighted"
    sentence: ClassVar[str] = N_("weighted mean of {count}: {inputs} = {value}")

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        whole = sum(shares, Fraction(0))
        coefficients = [share / whole for share in shares]
        if self.scales:
            pairs = zip(coefficients, self.scales, strict=True)
            coefficients = [coefficient * scale for coefficient, scale in pairs]
        products = (
            coefficient * Fraction(value)
            for coefficient, value in zip(coefficients, values, strict=True)
        )
        return Outcome(sum(products, Fraction(0)), coefficients)

    def without_rest(self, used: Sequence[int], shares: Sequence[Fraction]) -> "Weighted":
        """See ``Operation.without_rest``."""
        del shares
        return Weighted(tuple(self.scales[index] for index in used)) if self.scales else self

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        # The scales stand in one range, of the shape of the shares.
        factors = ",".join([values, shares, *constants])
        return f"SUMPRODUCT({factors})/SUMPRODUCT(ISNUMBER({values})*{shares})"


@dataclass(frozen=True, slots=True)
class Median(Operation):
    """The middle value, or the mean of the two in the middle."""

    name: ClassVar[str] = "median"
    sentence: ClassVar[str] = N_("median of {count}: {inputs} = {value}")

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        del shares
        ranked = _ascending(values)
        middle = len(ranked) // 2
        return _mean_of(values, ranked[middle - 1 + len(ranked) % 2 : middle + 1])

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del shares, constants
        return f"MEDIAN({values})"


@dataclass(frozen=True, slots=True)
class TrimmedMean(Operation):
    """The mean without the highest and the lowest."""

    drop_high: int
    drop_low: int
    name: ClassVar[str] = "trimmed_mean"
    sentence: ClassVar[str] = N_(
        "mean of {count} without the {drop_high} highest and {drop_low} lowest: {inputs} = {value}"
    )

    @property
    def minimum(self) -> int:
        """One more than are dropped."""
        return self.drop_high + self.drop_low + 1

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        del shares
        ranked = _ascending(values)
        return _mean_of(values, ranked[self.drop_low : len(ranked) - self.drop_high])

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del shares, constants
        parts = [f"SUM({values})"]
        if self.drop_high:
            parts.append(f"SUMPRODUCT(LARGE({values},{_first(self.drop_high)}))")
        if self.drop_low:
            parts.append(f"SUMPRODUCT(SMALL({values},{_first(self.drop_low)}))")
        return f"({'-'.join(parts)})/(COUNT({values})-{self.drop_high + self.drop_low})"

    def particulars(self) -> dict[str, str]:
        """How many are dropped at either end."""
        return {"drop_high": str(self.drop_high), "drop_low": str(self.drop_low)}


@dataclass(frozen=True, slots=True)
class Best(Operation):
    """The mean of the ``n`` highest, or of all where there are fewer."""

    n: int
    name: ClassVar[str] = "best"
    sentence: ClassVar[str] = N_("mean of the best {n} of {count}: {inputs} = {value}")

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        del shares
        return _mean_of(values, _ascending(values)[-self.n :])

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del shares, constants
        best = f"SUMPRODUCT(LARGE({values},{_first(self.n)}))/{self.n}"
        return f"IF(COUNT({values})<={self.n},AVERAGE({values}),{best})"

    def particulars(self) -> dict[str, str]:
        """How many count."""
        return {"n": str(self.n)}


@dataclass(frozen=True, slots=True)
class Latest(Operation):
    """The last value in the declared order."""

    name: ClassVar[str] = "latest"
    sentence: ClassVar[str] = N_("the latest of {count}: {inputs} = {value}")

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        del shares
        return _mean_of(values, [len(values) - 1])

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del shares, constants
        # A range of one row or one column: the place of its last number, counted from 1.
        place = f"ROW({values})+COLUMN({values})-MIN(ROW({values}))-MIN(COLUMN({values}))+1"
        return f"INDEX({values},SUMPRODUCT(MAX(ISNUMBER({values})*({place}))))"


@dataclass(frozen=True, slots=True)
class Scale(Operation):
    """One score brought from one full mark to another."""

    to: Fraction
    of: Fraction
    name: ClassVar[str] = "rescale"
    sentence: ClassVar[str] = N_("brought to other full marks: {inputs} = {value}")

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``."""
        del shares
        factor = self.to / self.of
        return Outcome(Fraction(values[0]) * factor, (factor,))

    @property
    def constants(self) -> Sequence[Fraction]:
        """The full marks that it is brought to, and those that it was out of."""
        return (self.to, self.of)

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del shares
        to, of = constants
        return f"{values}*{to}/{of}"


@dataclass(frozen=True, slots=True)
class Grades(Operation):
    """The score that the scheme gives a grade."""

    scores: tuple[tuple[str, Fraction], ...]
    name: ClassVar[str] = "convert"
    sentence: ClassVar[str] = N_("grade converted to a score: {inputs} = {value}")

    def number(self, grade: str) -> Fraction:
        """Return the score of a grade. Raise KeyError if the scheme does not list it."""
        return dict(self.scores)[grade]

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``; the value is already the score of the grade."""
        del shares
        return Outcome(Fraction(values[0]), (ONE,))

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del shares
        nested = "NA()"
        for (grade, _score), score in zip(reversed(self.scores), reversed(constants), strict=True):
            quoted = grade.replace('"', '""')
            nested = f'IF({values}="{quoted}",{score},{nested})'
        return nested

    @property
    def constants(self) -> Sequence[Fraction]:
        """The score of each grade."""
        return [score for _grade, score in self.scores]


@dataclass(frozen=True, slots=True)
class Adjust(Operation):
    """The composite plus the adjustments, within the cap and the floor of the final."""

    cap: Fraction | None = None
    floor: Fraction | None = None
    name: ClassVar[str] = "adjust"
    sentence: ClassVar[str] = N_("composite and adjustments: {inputs} = {value}")

    def apply(self, values: Sequence[Number], shares: Sequence[Fraction]) -> Outcome:
        """See ``Operation.apply``; the inputs do not have what a bound takes away or adds."""
        del shares
        held = bounded(total(values), self.cap, self.floor)
        return Outcome(held, uniform(ONE, len(values)))

    def _formula(self, values: str, shares: str, constants: Sequence[str]) -> str:
        del shares
        text = f"SUM({values})"
        stated = iter(constants)
        if self.cap is not None:
            text = f"MIN({next(stated)},{text})"
        if self.floor is not None:
            text = f"MAX({next(stated)},{text})"
        return text

    @property
    def constants(self) -> Sequence[Fraction]:
        """The cap and the floor, as far as there are any."""
        return [bound for bound in (self.cap, self.floor) if bound is not None]


def roll_up_of(step: RollUp) -> Operation:
    """Return the operation of a roll-up."""
    match step.by:
        case "sum" if step.equally:
            return Sum(equally=True)
        case "trimmed_mean":
            return TrimmedMean(step.drop_high, step.drop_low)
        case "best":
            assert step.n is not None, "a scheme whose best has no n does not load"
            return Best(step.n)
        case _:
            return PLAIN_ROLL_UPS[step.by]


PLAIN_ROLL_UPS: dict[str, Operation] = {
    operation.name: operation for operation in (Sum(), Mean(), Weighted(), Median(), Latest())
}
"""The roll-ups without particulars, by their value of ``by``."""


def scale_of(step: Rescale, full_marks: Fraction) -> Scale:
    """Return the operation of a rescaling from ``full_marks``."""
    return Scale(Fraction(step.rescale), full_marks)


def bounded(value: Fraction, cap: Fraction | None, floor: Fraction | None) -> Fraction:
    """Return the value, not above the cap and not below the floor."""
    if cap is not None and value > cap:
        return cap
    return floor if floor is not None and value < floor else value


def _mean_of(values: Sequence[Number], chosen: Sequence[int]) -> Outcome:
    share = Fraction(1, len(chosen))
    value = total(values[index] for index in chosen) * share
    if len(chosen) == len(values):
        return Outcome(value, uniform(share, len(values)))
    coefficients = [Fraction(0)] * len(values)
    for index in chosen:
        coefficients[index] = share
    return Outcome(value, coefficients)


def _ascending(values: Sequence[Number]) -> list[int]:
    return sorted(range(len(values)), key=lambda index: Fraction(values[index]))


def _first(count: int) -> str:
    """Return the array constant {1,2,…,count}."""
    return "{" + ",".join(str(number + 1) for number in range(count)) + "}"
