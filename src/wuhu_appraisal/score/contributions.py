"""What each score adds to its unit's stage score, exactly."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import _
from wuhu_appraisal.model import HELD, Absent, Key, Score, StageTrace, StepRow
from wuhu_appraisal.numbers import Number, total
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage, with_id
from wuhu_appraisal.scheme.plan import Grain, PlannedStep, initial, planned
from wuhu_appraisal.score.operations import ONE

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Contribution:
    """The part of one score in its unit's stage score; the score of an item that is made of facts.

    ``key`` is the score's key in the stage's table. ``number`` is what the score counts as: the
    score of a grade, 0 where it is absent and counts as 0. What a bound adds or takes away (``held``)
    has in its key the id of its indicator and HELD, and '' for what was rolled up before.
    """

    key: Key
    value: Score
    number: Number
    share: Fraction
    marks: Fraction
    held: bool = False

    @property
    def points(self) -> Fraction:
        """What it adds to the stage's score."""
        return self.share * Fraction(self.number)

    @property
    def full(self) -> Fraction:
        """What it would add at its full marks."""
        return self.share * self.marks


@dataclass(frozen=True, slots=True)
class MemberPoints:
    """The contributions of all scores of one member of a dimension, added up."""

    member: str
    points: Fraction
    full: Fraction


@dataclass(frozen=True)
class ScoredStage:
    """A stage of one group with its plan and the trace of its scores."""

    scheme: Scheme
    stage: Stage
    group: str
    trace: StageTrace

    @property
    def plan(self) -> Plan:
        """The group's plan of the stage."""
        return self.stage.plans[self.group]

    @cached_property
    def steps(self) -> Sequence[PlannedStep]:
        """The steps that the trace went through."""
        return planned(self.scheme, self.plan)

    @cached_property
    def grain(self) -> Grain:
        """The grain of the scores as read, or of those made of facts."""
        if self.steps and self.steps[0].by_facts:
            return self.steps[0].after
        return initial(self.scheme, self.plan)

    @cached_property
    def values(self) -> dict[str, Score]:
        """The score of each unit in the stage."""
        return {key[0]: value for key, value in self.trace.tables[-1].items()}

    @cached_property
    def main_dimension(self) -> str:
        """The dimension that shows best where the score comes from.

        The indicators where there are any; else what the first roll-up takes away, if its members
        are declared: raters, rounds. '' where the sheets hold one number a unit.
        """
        if self.plan.indicator_dimension:
            return self.plan.indicator_dimension
        for step in self.steps:
            rolled = getattr(step.step, "roll_up", None)
            if rolled in step.before.members:
                return str(rolled)
        return ""

    def place(self, dimension: str) -> int:
        """Return the place of a dimension's member in the key of a score."""
        return self.grain.dimensions.index(dimension)

    def title(self, dimension: str, member: str) -> str:
        """Return what a member of a dimension is called."""
        return part_title(self.scheme, self.plan, dimension, member)

    def contributions(self, unit: str) -> Iterator[Contribution]:
        """Yield each score that counts in a unit's stage score, in the order of the steps' inputs.

        Yield nothing for a unit whose stage score is absent.
        """
        return (item for item in self.parts(unit) if not item.held)

    def parts(self, unit: str) -> Iterator[Contribution]:
        """Yield the contributions and what each bound that binds adds: they make the stage's score."""
        whole = self.values.get(unit, Absent.MISSING)
        if isinstance(whole, Absent | str):
            return
        scores: list[tuple[Key, Fraction, Score]] = [((unit,), ONE, whole)]
        for step, table in zip(reversed(self.steps), reversed(self.trace.steps), strict=True):
            # What a fact adds depends on others; the score that they make together is taken whole.
            if step.by_facts:
                break
            for key, share, _value in scores if step.bounds else ():
                more = table.rows[key].values[-1]
                if table.rows[key].members[-1] == HELD and not isinstance(more, Absent | str):
                    yield Contribution(self._held(step, key), more, more, share, _ZERO, held=True)
            scores = [
                (step.input_key(key, member), input_share, value)
                for key, share, _value in scores
                for member, value, input_share in _inputs(table.rows[key], share)
            ]
        grades = {
            grade: Fraction(number)
            for step in self.steps
            for grade, number in getattr(step.step, "convert", {}).items()
        }
        for key, share, value in scores:
            number = grades.get(value, _ZERO) if isinstance(value, str) else value
            counted = _ZERO if isinstance(number, Absent) else number
            # Points without an end lack nothing.
            marks = self.grain.marks_of(key)
            marks = Fraction(counted) if marks is None else marks
            yield Contribution(key, value, counted, share, marks)

    def _held(self, step: PlannedStep, key: Key) -> Key:
        """Return the key of what a bound adds to the number of a step."""
        members = dict(zip(step.after.dimensions, key, strict=True))
        rolled = self.plan.indicator_dimension
        members[rolled] = members.get(rolled, "") + HELD
        return tuple(members.get(name, "") for name in self.grain.dimensions)

    def sources(self, key: Key) -> list[Source]:
        """Return the cells of a contribution: its own, or those of its facts."""
        keys = [key]
        if self.steps and self.steps[0].by_facts:
            row = self.trace.steps[0].rows.get(key)
            keys = [self.steps[0].input_key(key, name) for name in row.members] if row else []
        return [source for each in keys for source in self.trace.scores.sources(each)]

    def points_by(self, dimension: str, unit: str) -> list[MemberPoints]:
        """Return what the scores of each member of a dimension add to a unit's stage score."""
        return by_member(self.parts(unit), self.place(dimension))


def part_title(scheme: Scheme, plan: Plan, dimension: str, member: str) -> str:
    """Return what a member of a dimension is called, or what a bound of an indicator adds."""
    indicators = scheme.indicators_in(plan)
    if dimension != plan.indicator_dimension or not indicators or not member.endswith(HELD):
        return str(scheme.title_of(plan, dimension, member))
    node = indicators.nodes.get(member.removesuffix(HELD))
    title = with_id(node.id, node.title) if node else str(indicators.title)
    return _("{name}: within its limits").format(name=title)


def by_member(contributions: Iterable[Contribution], place: int) -> list[MemberPoints]:
    """Add up the contributions of each member at ``place`` of their keys."""
    # Many scores have one share: to add them first and multiply once is many times faster.
    members: dict[str, dict[Fraction, tuple[list[Number], list[Number]]]] = {}
    for item in contributions:
        shares = members.setdefault(item.key[place], {})
        numbers, marks = shares.setdefault(item.share, ([], []))
        numbers.append(item.number)
        marks.append(item.marks)
    return [
        MemberPoints(
            member,
            sum((share * total(numbers) for share, (numbers, _marks) in shares.items()), _ZERO),
            sum((share * total(marks) for share, (_numbers, marks) in shares.items()), _ZERO),
        )
        for member, shares in members.items()
    ]


def _inputs(row: StepRow, share: Fraction) -> Iterator[tuple[str, Score, Fraction]]:
    """Yield the inputs that count in a number, each with its share in the stage's score."""
    # The coefficients of a row are mostly one and the same object.
    known: dict[int, Fraction] = {}
    for member, value, coefficient in zip(row.members, row.values, row.coefficients, strict=True):
        if coefficient and member != HELD:
            input_share = known.get(id(coefficient))
            if input_share is None:
                input_share = known[id(coefficient)] = share * coefficient
            yield member, value, input_share
