"""Facts of an item, such as counts and rates, and the rules that make its score of them.

CasePoints rule is defined once, three ways. A branch or bound that fixes a number puts it into the
constant, so a score is always a constant and the sum of coefficients times facts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from wuhu_appraisal.language import N_, _, joined
from wuhu_appraisal.numbers import short_text
from wuhu_appraisal.scheme.rules import (
    Bound,
    Localised,
    Model,
    NonNegative,
    Positive,
    by_key,
)

Linear: TypeAlias = tuple[Fraction, Mapping[str, Fraction]]
"""A constant, and the coefficient of each fact that counts."""

_ZERO = Fraction(0)


class Fact(Model):
    """Something counted, measured or stated for an item; exactly one key tells its kind.

    In rules ``yes_no`` is 1 or 0, and ``due`` the days after that date, 0 for what was in time.
    """

    count: Localised | None = Field(None, description="a whole number; the word for one")
    quantity: Localised | None = Field(None, description="a number of 0 or more; its unit")
    rate: Literal["percent", "share"] | None = Field(
        None, description="a rate; whether rules state it out of 100 or out of 1"
    )
    yes_no: Literal[True] | None = None
    due: date | None = Field(None, description="a date; the last day that is in time")
    score: Positive | None = Field(None, description="a score out of these marks")
    title: Localised | None = None
    aliases: list[str] = []

    @model_validator(mode="after")
    def _one_kind(self) -> "Fact":
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            raise PydanticCustomError(
                "fact",
                N_("exactly one of count, quantity, rate, yes_no, due and score is expected"),
            )
        return self

    @property
    def kind(self) -> str:
        """The key that tells its kind."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def highest(self) -> Fraction | None:
        """The highest value that it can have; None where there is none."""
        if self.rate is not None:
            return Fraction(100 if self.rate == "percent" else 1)
        return Fraction(1) if self.yes_no else None if self.score is None else Fraction(self.score)

    def shown(self, value: Fraction) -> str:
        """Return a value as a reader wants it: 3 条, 95%, yes, 2 days late."""
        text = short_text(value)
        if self.yes_no:
            return _("yes") if value else _("no")
        if self.due is not None:
            return _("{count} days late").format(count=text) if value else _("in time")
        if self.rate == "percent":
            return f"{text}%"
        unit = self.count or self.quantity
        return f"{text} {unit}" if unit else text


KINDS = ("count", "quantity", "rate", "yes_no", "due", "score")


@dataclass(frozen=True)
class Given:
    """What rules are applied to: a unit's facts, those of its group, and the marks of the item."""

    facts: Mapping[str, Fraction]
    group: Mapping[str, Sequence[Fraction]]
    marks: Fraction
    declared: Mapping[str, Fact]

    def of_group(self, fact: str) -> Sequence[Fraction]:
        """Return the values of the units of the group."""
        return self.group.get(fact) or [self.facts[fact]]

    def shown(self, fact: str) -> str:
        """Return the fact's name and value."""
        declared = self.declared[fact]
        return f"{declared.title or fact} {declared.shown(self.facts[fact])}"


class CasePoints(Model):
    """Points for each one, or for each full ``each``, of what is above ``above``."""

    points: Positive
    each: Positive | None = None
    above: NonNegative | None = None

    @property
    def numbers(self) -> list[Fraction]:
        """The numbers that it states, in the order in which the formula takes them."""
        stated = (self.points, self.each, self.above)
        return [Fraction(number) for number in stated if number is not None]

    def points_for(self, value: Fraction) -> tuple[Fraction, Fraction]:
        """Return the constant, and the coefficient of the value."""
        points, above = Fraction(self.points), Fraction(self.above or 0)
        if value <= above:
            return _ZERO, _ZERO
        if self.each is None:
            return -points * above, points
        return points * ((value - above) // Fraction(self.each)), _ZERO

    def formula(self, cell: str, numbers: Iterator[str]) -> str:
        """Return the formula of the points."""
        points = next(numbers)
        each = None if self.each is None else next(numbers)
        counted = cell if self.above is None else f"MAX(0,{cell}-{next(numbers)})"
        # What binary numbers make of 0.3 / 0.1 is 3 for the eye only.
        return f"{points}*{counted if each is None else f'INT(ROUND({counted}/{each},9))'}"

    def phrase(self, fact: str, value: Fraction, sign: int) -> str:
        """Say what a fact gives or loses."""
        constant, coefficient = self.points_for(value)
        text = "{fact} × {points} = {result}"
        if self.each is not None and self.above is not None:
            text = _("{fact}, {points} for each full {each} above {above} = {result}")
        elif self.each is not None:
            text = _("{fact}, {points} for each full {each} = {result}")
        elif self.above is not None:
            text = _("{fact}, {points} for each above {above} = {result}")
        return text.format(
            fact=fact,
            points=short_text(self.points),
            each=short_text(self.each or _ZERO),
            above=short_text(self.above or _ZERO),
            result=short_text(sign * (constant + coefficient * value)),
        )


def _points(value: Any) -> Any:
    return value if isinstance(value, dict | CasePoints) else {"points": value}


PointsEach = Annotated[
    CasePoints, BeforeValidator(_points, json_schema_input_type=Positive | CasePoints)
]
"""Points for each one; a plain number stands for the points."""


class FactRule(Model):
    """One rule of an item's score.

    ``points`` computes its part of the score, ``phrase`` says it, and ``formula`` writes it for Excel
    2010. The formula gets ``cells``, by the name of each fact the cell of the unit, or an expression
    that gives a number for it such as N(B5); ``numbers``, the addresses of what ``numbers`` returns,
    one after another, of which it takes exactly its own; and ``group``, by the name of each fact in
    ``grouped`` the range with that fact of all units of the group, where what is no number is passed
    over.
    """

    @property
    def takes(self) -> bool:
        """Whether it takes from the marks."""
        return False

    @property
    def named(self) -> list[str]:
        """The facts that it names."""
        return []

    @property
    def gives(self) -> bool:
        """Whether it gives marks instead of points for single cases."""
        return not isinstance(self, _PerCase | When)

    @property
    def grouped(self) -> list[str]:
        """The facts of which it needs the values of the whole group."""
        return []

    def points(self, given: Given) -> Linear:
        """Return its part of the score."""
        raise NotImplementedError

    def phrase(self, given: Given) -> str:
        """Say how its part came to be, in the active language."""
        raise NotImplementedError

    def numbers(self, marks: Fraction) -> list[Fraction]:
        """Return the numbers that it uses, ``marks`` where it states none of its own."""
        raise NotImplementedError

    def formula(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """Return its formula."""
        raise NotImplementedError


class _PerCase(FactRule):
    """Points for each case, at most ``cap`` by this rule."""

    cap: Positive | None = None

    @property
    def cases(self) -> Mapping[str, CasePoints]:
        """The points for each fact."""
        raise NotImplementedError

    @property
    def named(self) -> list[str]:
        """See ``FactRule.named``."""
        return list(self.cases)

    def points(self, given: Given) -> Linear:
        """See ``FactRule.points``."""
        sign = -1 if self.takes else 1
        parts = {fact: each.points_for(given.facts[fact]) for fact, each in self.cases.items()}
        constant = sum((part[0] for part in parts.values()), _ZERO)
        linear = constant, {fact: part[1] for fact, part in parts.items()}
        if self.cap is not None and value_of(linear, given.facts) > self.cap:
            return sign * Fraction(self.cap), {}
        return sign * constant, {fact: sign * share for fact, share in linear[1].items()}

    def phrase(self, given: Given) -> str:
        """See ``FactRule.phrase``."""
        sign = -1 if self.takes else 1
        text = joined(
            each.phrase(given.shown(fact), given.facts[fact], sign)
            for fact, each in self.cases.items()
        )
        if self.cap is None:
            return text
        return _("{parts} (together at most {cap})").format(parts=text, cap=short_text(self.cap))

    def numbers(self, marks: Fraction) -> list[Fraction]:
        """See ``FactRule.numbers``."""
        del marks
        stated = [number for each in self.cases.values() for number in each.numbers]
        return stated if self.cap is None else [*stated, Fraction(self.cap)]

    def formula(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """See ``FactRule.formula``."""
        del group
        text = "+".join(each.formula(cells[fact], numbers) for fact, each in self.cases.items())
        if self.cap is not None:
            text = f"MIN({text},{next(numbers)})"
        return f"-({text})" if self.takes else f"({text})"


class Lose(_PerCase):
    """Lose points for each case."""

    lose: Annotated[dict[str, PointsEach], Field(min_length=1)]

    @property
    def takes(self) -> bool:
        """See ``FactRule.takes``."""
        return True

    @property
    def cases(self) -> Mapping[str, CasePoints]:
        """See ``_PerCase.cases``."""
        return self.lose


class Earn(_PerCase):
    """Earn points for each case."""

    earn: Annotated[dict[str, PointsEach], Field(min_length=1)]

    @property
    def cases(self) -> Mapping[str, CasePoints]:
        """See ``_PerCase.cases``."""
        return self.earn


class FactBand(Bound):
    """The marks that values within the bounds get, or the points that they lose."""

    marks: NonNegative | None = None
    lose: NonNegative | None = None

    @model_validator(mode="after")
    def _one_number(self) -> "FactBand":
        if (self.marks is None) == (self.lose is None):
            raise PydanticCustomError("band", N_("exactly one of marks and lose is expected"))
        return self

    @property
    def number(self) -> Fraction:
        """What it adds to the score."""
        return Fraction(self.marks) if self.marks is not None else -Fraction(self.lose or 0)


def bands_meet(bands: Sequence[FactBand], highest: Fraction | None) -> bool:
    """Tell whether each value from 0 to the highest lies in exactly one band."""
    ends = []
    for band in bands:
        low, high = (Fraction(-1), 0), (Fraction(10**18), 1)
        lower = [it for it in (band.at_least, band.above, band.equal) if it is not None]
        upper = [it for it in (band.at_most, band.below, band.equal) if it is not None]
        if len(lower) > 1 or len(upper) > 1:
            return False
        # CasePoints end is a value and whether it lies just behind it.
        if lower:
            low = (Fraction(lower[0]), int(band.above is not None))
        if upper:
            high = (Fraction(upper[0]), int(band.below is None))
        ends.append((low, high))
    ends.sort()
    joined_up = all(one[1] == other[0] for one, other in pairwise(ends))
    whole = ends[0][0] <= (_ZERO, 0) and ends[-1][1] >= (
        Fraction(10**18) if highest is None else highest,
        1,
    )
    return joined_up and whole and all(low < high for low, high in ends)


class Banded(FactRule):
    """Marks by the band that each of the facts lies in, added up; the last band has all the rest."""

    bands: Annotated[list[FactBand], Field(min_length=1)]
    of: str | list[str] = Field(description="a fact, a list of facts, or all")

    @property
    def takes(self) -> bool:
        """See ``FactRule.takes``."""
        return any(band.lose is not None for band in self.bands)

    @property
    def gives(self) -> bool:
        """See ``FactRule.gives``."""
        return any(band.marks is not None for band in self.bands)

    @property
    def named(self) -> list[str]:
        """See ``FactRule.named``; none for all of them."""
        of = [self.of] if isinstance(self.of, str) else self.of
        return [] if self.of == "all" else of

    def _of(self, facts: Iterable[str]) -> list[str]:
        return self.named or list(facts)

    def _band(self, value: Fraction) -> FactBand:
        return next((band for band in self.bands if band.holds(value)), self.bands[-1])

    def points(self, given: Given) -> Linear:
        """See ``FactRule.points``."""
        numbers = (self._band(given.facts[fact]).number for fact in self._of(given.declared))
        return sum(numbers, _ZERO), {}

    def phrase(self, given: Given) -> str:
        """See ``FactRule.phrase``."""
        parts = [(fact, self._band(given.facts[fact])) for fact in self._of(given.declared)]
        return joined(
            f"{given.shown(fact)} ({band}) = {short_text(band.number)}" for fact, band in parts
        )

    def numbers(self, marks: Fraction) -> list[Fraction]:
        """See ``FactRule.numbers``: for each band the bounds, then what it adds."""
        del marks
        return [
            number
            for band in self.bands
            for number in (*(bound for _sign, bound in band.stated), band.number)
        ]

    def formula(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """See ``FactRule.formula``."""
        del group
        stated = [([next(numbers) for _bound in band.stated], next(numbers)) for band in self.bands]
        texts = []
        for fact in self._of(cells):
            text = stated[-1][1]
            for band, (bounds, number) in zip(self.bands[-2::-1], stated[-2::-1], strict=True):
                text = f"IF({band.formula(cells[fact], iter(bounds))},{number},{text})"
            texts.append(text)
        return f"({'+'.join(texts)})"


class _OfMarks(FactRule):
    """A share of marks, those of the item where none are stated."""

    marks: Positive | None = None

    def _marks(self, marks: Fraction) -> Fraction:
        return marks if self.marks is None else Fraction(self.marks)

    def numbers(self, marks: Fraction) -> list[Fraction]:
        """See ``FactRule.numbers``."""
        return [self._marks(marks)]


class Proportion(_OfMarks):
    """The marks in proportion to what a fact is of a number or of another fact, at most all of them."""

    proportion: str
    to: Positive | str
    if_nothing: Literal["full", "zero"] | None = Field(
        None, description="what there is where the other fact is 0; needed with another fact"
    )

    @property
    def named(self) -> list[str]:
        """See ``FactRule.named``."""
        return [self.proportion, *([self.to] if isinstance(self.to, str) else [])]

    def _to(self, facts: Mapping[str, Fraction]) -> Fraction:
        return facts[self.to] if isinstance(self.to, str) else Fraction(self.to)

    def points(self, given: Given) -> Linear:
        """See ``FactRule.points``."""
        marks, to = self._marks(given.marks), self._to(given.facts)
        if not to:
            return marks if self.if_nothing == "full" else _ZERO, {}
        if given.facts[self.proportion] >= to:
            return marks, {}
        return _ZERO, {self.proportion: marks / to}

    def phrase(self, given: Given) -> str:
        """See ``FactRule.phrase``."""
        to = given.shown(self.to) if isinstance(self.to, str) else short_text(self.to)
        text = _("{fact} of {to}, of {marks} marks = {result}")
        return text.format(
            fact=given.shown(self.proportion),
            to=to,
            marks=short_text(self._marks(given.marks)),
            result=short_text(value_of(self.points(given), given.facts)),
        )

    def numbers(self, marks: Fraction) -> list[Fraction]:
        """See ``FactRule.numbers``: the marks, then what is a number of ``to``."""
        to = [] if isinstance(self.to, str) else [Fraction(self.to)]
        return [self._marks(marks), *to]

    def formula(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """See ``FactRule.formula``."""
        del group
        marks, value = next(numbers), cells[self.proportion]
        to = cells[self.to] if isinstance(self.to, str) else next(numbers)
        nothing = marks if self.if_nothing == "full" else "0"
        return f"IF({to}=0,{nothing},MIN({marks},{value}/IF({to}=0,1,{to})*{marks}))"


Condition = Annotated[
    Annotated[bool, Tag("bool")] | Annotated[Bound, Tag("Bound")],
    Discriminator(lambda value: "bool" if isinstance(value, bool) else "Bound"),
]
"""What a fact must be: a truth value for yes or no, else bounds."""


class When(FactRule):
    """Some rules where conditions all hold, others where they do not."""

    when: Annotated[dict[str, Condition], Field(min_length=1)]
    then: "list[Rule]" = []
    else_: "Annotated[list[Rule], Field(alias='else')]" = []

    @property
    def takes(self) -> bool:
        """See ``FactRule.takes``."""
        return any(rule.takes for rule in (*self.then, *self.else_))

    @property
    def named(self) -> list[str]:
        """See ``FactRule.named``."""
        inner = [fact for rule in (*self.then, *self.else_) for fact in rule.named]
        return [*self.when, *inner]

    @property
    def grouped(self) -> list[str]:
        """See ``FactRule.grouped``."""
        return [fact for rule in (*self.then, *self.else_) for fact in rule.grouped]

    def holds(self, facts: Mapping[str, Fraction]) -> bool:
        """Tell whether all conditions hold."""
        return all(
            bool(facts[fact]) is bound if isinstance(bound, bool) else bound.holds(facts[fact])
            for fact, bound in self.when.items()
        )

    def points(self, given: Given) -> Linear:
        """See ``FactRule.points``."""
        return added(self.then if self.holds(given.facts) else self.else_, given)

    def phrase(self, given: Given) -> str:
        """See ``FactRule.phrase``."""
        conditions = joined(
            given.shown(fact) if isinstance(bound, bool) else f"{given.shown(fact)} ({bound})"
            for fact, bound in self.when.items()
        )
        holds = self.holds(given.facts)
        text = _("as this holds: {conditions}: {parts}")
        if not holds:
            text = _("as this does not hold: {conditions}: {parts}")
        parts = joined(rule.phrase(given) for rule in (self.then if holds else self.else_))
        return text.format(conditions=conditions, parts=parts or "0")

    def numbers(self, marks: Fraction) -> list[Fraction]:
        """See ``FactRule.numbers``: the bounds, then those of the rules."""
        bounds = [bound for bound in self.when.values() if isinstance(bound, Bound)]
        rules = [number for rule in (*self.then, *self.else_) for number in rule.numbers(marks)]
        return [*(number for bound in bounds for _sign, number in bound.stated), *rules]

    def formula(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """See ``FactRule.formula``."""
        conditions = [
            f"{cells[fact]}={int(bound)}"
            if isinstance(bound, bool)
            else bound.formula(cells[fact], numbers)
            for fact, bound in self.when.items()
        ]
        parts = [
            "+".join(rule.formula(cells, numbers, group) for rule in rules) or "0"
            for rules in (self.then, self.else_)
        ]
        return f"IF(AND({','.join(conditions)}),{parts[0]},{parts[1]})"


class _Compared(FactRule):
    """A rule that compares a fact within the group; the field ``key`` names it."""

    key: ClassVar[str]

    @property
    def named(self) -> list[str]:
        """See ``FactRule.named``."""
        return [getattr(self, self.key)]

    @property
    def grouped(self) -> list[str]:
        """See ``FactRule.grouped``."""
        return self.named


class BestOf(_Compared, _OfMarks):
    """The marks for the highest of the group, and a share in proportion for the others."""

    key: ClassVar[str] = "best"
    best: str
    if_nothing: Literal["full", "zero"] = Field(description="what all get where the highest is 0")

    def points(self, given: Given) -> Linear:
        """See ``FactRule.points``."""
        marks, best = self._marks(given.marks), max(given.of_group(self.best))
        if not best:
            return marks if self.if_nothing == "full" else _ZERO, {}
        return _ZERO, {self.best: marks / best}

    def phrase(self, given: Given) -> str:
        """See ``FactRule.phrase``."""
        return _("{fact}, the highest of the group is {best}, of {marks} marks = {result}").format(
            fact=given.shown(self.best),
            best=short_text(max(given.of_group(self.best))),
            marks=short_text(self._marks(given.marks)),
            result=short_text(value_of(self.points(given), given.facts)),
        )

    def formula(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """See ``FactRule.formula``."""
        marks, best = next(numbers), f"MAX({group[self.best]})"
        nothing = marks if self.if_nothing == "full" else "0"
        return f"IF({best}=0,{nothing},{cells[self.best]}/IF({best}=0,1,{best})*{marks})"


class Ranked(_Compared):
    """Points by rank in the group; those behind the last of them get ``rest``."""

    key: ClassVar[str] = "rank"
    rank: str
    at_ranks: Annotated[list[NonNegative], Field(alias="points", min_length=1)]
    rest: NonNegative = Decimal(0)
    ties: Literal["mean", "highest", "lowest"]
    order: Literal["highest_first", "lowest_first"]

    def _places(self, given: Given) -> tuple[int, int]:
        """Return the first and the last of the ranks that the units with this value share."""
        own, values = given.facts[self.rank], given.of_group(self.rank)
        highest = self.order == "highest_first"
        before = sum(value > own if highest else value < own for value in values)
        return before, before + max(list(values).count(own), 1) - 1

    def points(self, given: Given) -> Linear:
        """See ``FactRule.points``."""
        first, last = self._places(given)
        places = {"mean": range(first, last + 1), "highest": [first], "lowest": [last]}[self.ties]
        at = [self.at_ranks[place] if place < len(self.at_ranks) else self.rest for place in places]
        return sum(map(Fraction, at), _ZERO) / len(at), {}

    def phrase(self, given: Given) -> str:
        """See ``FactRule.phrase``."""
        first, last = self._places(given)
        text = _("{fact}: rank {rank} of {count} = {result}")
        if last > first:
            text = _("{fact}: ranks {rank} to {last} of {count} shared = {result}")
        return text.format(
            fact=given.shown(self.rank),
            rank=first + 1,
            last=last + 1,
            count=len(given.of_group(self.rank)),
            result=short_text(self.points(given)[0]),
        )

    def numbers(self, marks: Fraction) -> list[Fraction]:
        """See ``FactRule.numbers``: the points of each rank, then the rest."""
        del marks
        return [*map(Fraction, self.at_ranks), Fraction(self.rest)]

    def formula(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """See ``FactRule.formula``: how many are before a unit, and how many are as it is."""
        cell, values = cells[self.rank], group[self.rank]
        at, rest = [next(numbers) for _points in self.at_ranks], next(numbers)
        sign = ">" if self.order == "highest_first" else "<"
        first = f"SUMPRODUCT(ISNUMBER({values})*({values}{sign}{cell}))"
        last = f"SUMPRODUCT(ISNUMBER({values})*({values}{sign}={cell}))-1"
        if self.ties == "highest":
            last = first
        elif self.ties == "lowest":
            first = last
        parts = [
            f"{points}*({first}<={place})*({last}>={place})" for place, points in enumerate(at)
        ]
        parts.append(f"{rest}*MAX(0,{last}-MAX({first},{len(at)})+1)")
        return f"({'+'.join(parts)})/({last}-({first})+1)"


class MinMax(_Compared, _OfMarks):
    """The marks for the best of the group, 0 for the worst, and by the distance for the others."""

    key: ClassVar[str] = "min_max"
    min_max: str
    better: Literal["higher", "lower"]
    if_equal: Literal["full", "zero"]

    def points(self, given: Given) -> Linear:
        """See ``FactRule.points``."""
        marks, values = self._marks(given.marks), given.of_group(self.min_max)
        low, high = min(values), max(values)
        if low == high:
            return marks if self.if_equal == "full" else _ZERO, {}
        worst, best = (low, high) if self.better == "higher" else (high, low)
        share = marks / (best - worst)
        return -worst * share, {self.min_max: share}

    def phrase(self, given: Given) -> str:
        """See ``FactRule.phrase``."""
        values = given.of_group(self.min_max)
        text = _("{fact}, in the group from {low} to {high}, of {marks} marks = {result}")
        return text.format(
            fact=given.shown(self.min_max),
            low=short_text(min(values)),
            high=short_text(max(values)),
            marks=short_text(self._marks(given.marks)),
            result=short_text(value_of(self.points(given), given.facts)),
        )

    def formula(
        self, cells: Mapping[str, str], numbers: Iterator[str], group: Mapping[str, str]
    ) -> str:
        """See ``FactRule.formula``."""
        marks, cell = next(numbers), cells[self.min_max]
        low, high = f"MIN({group[self.min_max]})", f"MAX({group[self.min_max]})"
        equal = marks if self.if_equal == "full" else "0"
        gained = f"{cell}-{low}" if self.better == "higher" else f"{high}-{cell}"
        return f"IF({low}={high},{equal},({gained})/IF({low}={high},1,{high}-{low})*{marks})"


Rule = Annotated[
    Lose | Earn | Banded | Proportion | When | BestOf | Ranked | MinMax,
    by_key(
        "rule_unknown",
        "a rule has lose, earn, bands, proportion, when, best, rank or min_max",
        lose=Lose,
        earn=Earn,
        bands=Banded,
        proportion=Proportion,
        when=When,
        best=BestOf,
        rank=Ranked,
        min_max=MinMax,
    ),
]
"""A rule that makes points of facts."""

When.model_rebuild()


def walk(
    rules: Sequence[FactRule], path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], FactRule]]:
    """Yield the rules and those inside them, each with its path."""
    for place, rule in enumerate(rules):
        yield (*path, place), rule
        if isinstance(rule, When):
            yield from walk(rule.then, (*path, place, "then"))
            yield from walk(rule.else_, (*path, place, "else"))


def value_of(linear: Linear, facts: Mapping[str, Fraction]) -> Fraction:
    """Return the constant and the coefficients times facts, added up."""
    constant, shares = linear
    return constant + sum((share * facts[fact] for fact, share in shares.items()), _ZERO)


def added(rules: Iterable[FactRule], given: Given) -> Linear:
    """Return the parts of several rules, added up."""
    constant, shares = _ZERO, dict[str, Fraction]()
    for part, more in (rule.points(given) for rule in rules):
        constant += part
        for fact, share in more.items():
            shares[fact] = shares.get(fact, _ZERO) + share
    return constant, shares
