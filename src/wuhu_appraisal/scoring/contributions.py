"""What each score adds to its unit's stage score: the trace taken apart, exactly.

Every step is a sum of coefficients times values, so the product of the coefficients on the way
down says how much each score counts. The parts add up to the stage's score, and what they lack of
their full marks adds up to what the unit lost.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from wuhu_appraisal.numbers import Number, total
from wuhu_appraisal.scheme.compose import Grain, PlannedStep
from wuhu_appraisal.scheme.stages import Plan
from wuhu_appraisal.scoring.evaluate import StageTrace
from wuhu_appraisal.scoring.ops import ONE
from wuhu_appraisal.table import Absent, Key, StepRow, Value

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One score's part in its unit's stage score.

    ``key`` is the score's key in the stage's table; ``number`` is what it counts as: the score of
    a grade, 0 where it is absent and counts as 0. One that was left out is not listed.
    """

    key: Key
    value: Value
    number: Number
    share: Fraction
    marks: Fraction

    @property
    def points(self) -> Fraction:
        """What it adds to the stage's score."""
        return self.share * Fraction(self.number)

    @property
    def full(self) -> Fraction:
        """What it would add at its full marks."""
        return self.share * self.marks


@dataclass(frozen=True, slots=True)
class Part:
    """The contributions of all scores with one member of a dimension, added up."""

    member: str
    points: Fraction
    full: Fraction


def contributions(
    grain: Grain, steps: Sequence[PlannedStep], trace: StageTrace, unit: str
) -> Iterator[Contribution]:
    """Each score that counts in a unit's stage score, in the order of the steps' inputs.

    ``grain`` is that of the scores as read, ``steps`` are those that the trace went through.
    Nothing comes for a unit whose stage score is absent.
    """
    whole = trace.value(unit)
    if isinstance(whole, Absent | str):
        return
    reached: list[tuple[Key, Fraction, Value]] = [((unit,), ONE, whole)]
    for step, table in zip(reversed(steps), reversed(trace.steps), strict=True):
        reached = [
            (step.input_key(key, member), further, value)
            for key, share, _value in reached
            for member, value, further in _inputs(table.rows[key], share)
        ]
    grades = dict(_grades(steps))
    for key, share, value in reached:
        number = grades.get(value, _ZERO) if isinstance(value, str) else value
        counted = _ZERO if isinstance(number, Absent) else number
        yield Contribution(key, value, counted, share, grain.marks_of(key))


def by_member(parts: Iterable[Contribution], place: int) -> list[Part]:
    """The contributions gathered by the member that their keys have at ``place``."""
    # Many scores have one share: to add them first and multiply once is many times faster.
    found: dict[str, dict[Fraction, tuple[list[Number], list[Number]]]] = {}
    for part in parts:
        numbers, marks = found.setdefault(part.key[place], {}).setdefault(part.share, ([], []))
        numbers.append(part.number)
        marks.append(part.marks)
    return [
        Part(
            member,
            sum((share * total(numbers) for share, (numbers, _m) in by_share.items()), _ZERO),
            sum((share * total(marks) for share, (_n, marks) in by_share.items()), _ZERO),
        )
        for member, by_share in found.items()
    ]


def telling_dimension(plan: Plan, steps: Sequence[PlannedStep]) -> str | None:
    """The dimension that tells best where a stage's score comes from.

    The indicators where there are any; else what the first roll-up takes away, if its members are
    declared: raters, rounds. None where the sheets hold one number a unit.
    """
    for name, dimension in plan.dimensions.items():
        if dimension.indicators:
            return name
    for step in steps:
        rolled = getattr(step.step, "roll_up", None)
        if rolled in step.before.members:
            return str(rolled)
    return None


def _inputs(row: StepRow, share: Fraction) -> Iterator[tuple[str, Value, Fraction]]:
    """The inputs that count in a number, each with its share in the whole."""
    # The coefficients of a row are mostly one and the same object.
    known: dict[int, Fraction] = {}
    for member, value, coefficient in zip(row.members, row.values, row.coefficients, strict=True):
        if coefficient:
            further = known.get(id(coefficient))
            if further is None:
                further = known[id(coefficient)] = share * coefficient
            yield member, value, further


def _grades(steps: Sequence[PlannedStep]) -> Iterator[tuple[str, Fraction]]:
    for step in steps:
        for grade, score in getattr(step.step, "convert", {}).items():
            yield grade, Fraction(score)
