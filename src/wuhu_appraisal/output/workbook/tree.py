"""A stage's trace as rows of one sheet: a unit, under it what its score is made of, and so on down.

Each roll-up is a level. What was rolled up last stands under the unit, each with its own rows
below it, so that the inputs of every number are the cells of one column over a stretch of rows.
Scores whose dimension has declared members stand side by side on their row instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from wuhu_appraisal.model import Absent, Key, Score, StepRow
from wuhu_appraisal.scheme.plan import PlannedStep
from wuhu_appraisal.scheme.rules import RollUp
from wuhu_appraisal.score.contributions import ScoredStage


@dataclass(slots=True)
class Line:
    """One row: its level (0 is the unit), its key there, and how many rows stand below it.

    ``member`` is what it is among its siblings. ``zero`` says that it counts as 0 although it has
    no number.
    """

    level: int
    key: Key
    member: str
    zero: bool
    below: int = 0


@dataclass(frozen=True)
class StageTree(ScoredStage):
    """One stage and group, ready to be written row by row."""

    @cached_property
    def roll_ups(self) -> list[int]:
        """The places of the steps that take a dimension, or a level of one, away."""
        return [at for at, step in enumerate(self.steps) if isinstance(step.step, RollUp)]

    @cached_property
    def side_by_side(self) -> Sequence[str]:
        """The members whose scores stand in columns of their own; none where scores have rows."""
        if not self.roll_ups or self.roll_ups[0] != 0 or self.steps[0].parents:
            return ()
        return self.steps[0].before.members.get(self.rolled(len(self.roll_ups)), ())

    @property
    def deepest(self) -> int:
        """The last level that has rows."""
        return len(self.roll_ups) - bool(self.side_by_side)

    def step_into(self, level: int) -> int:
        """The place of the roll-up that makes the numbers of a level from those of the next."""
        return self.roll_ups[len(self.roll_ups) - 1 - level]

    def rolled(self, level: int) -> str:
        """The dimension that a level below the units is of."""
        step = self.steps[self.step_into(level - 1)].step
        assert isinstance(step, RollUp)
        return step.roll_up

    def tables(self, level: int) -> list[int]:
        """The tables whose numbers stand on a level's rows, the last step's first.

        0 is the scores as read, n + 1 what step n left.
        """
        low = 0 if level == len(self.roll_ups) else self.step_into(level) + 1
        high = len(self.steps) if level == 0 else self.step_into(level - 1)
        return list(range(high, low - 1, -1))

    def row(self, table: int, key: Key) -> StepRow | None:
        """How a number after a step came to be; None where nothing was sent for it."""
        return self.trace.steps[table - 1].rows.get(key)

    def value(self, table: int, key: Key) -> Score:
        """The number with this key in a table."""
        if table == 0:
            return self._scores.get(key, Absent.MISSING)
        row = self.row(table, key)
        return Absent.MISSING if row is None else row.value

    @cached_property
    def _scores(self) -> dict[Key, Score]:
        return dict(self.trace.scores.items())

    def lines(self) -> list[Line]:
        """All rows in their order: the units as the scheme lists them."""
        found: list[Line] = []
        for unit in self.scheme.group(self.group).units:
            self._add(found, Line(0, (unit.name,), unit.name, zero=False))
        return found

    def _add(self, found: list[Line], line: Line) -> None:
        found.append(line)
        at = len(found)
        if line.level < self.deepest:
            place = self.step_into(line.level)
            row = self.row(place + 1, line.key)
            for member, zero in members_of(self.steps[place], row):
                key = self.steps[place].input_key(line.key, member)
                self._add(found, Line(line.level + 1, key, member, zero))
        line.below = len(found) - at


def members_of(step: PlannedStep, row: StepRow | None) -> Iterator[tuple[str, bool]]:
    """The inputs of a roll-up's number, each with whether it is absent and counts as 0.

    The policy says so: a 0 that a trimmed mean drops has no coefficient.
    """
    if row is None:
        return
    assert isinstance(step.step, RollUp)
    policies = {
        Absent.MISSING: step.step.missing,
        Absent.NOT_APPLICABLE: step.step.not_applicable,
    }
    for member, value in zip(row.members, row.values, strict=True):
        yield member, isinstance(value, Absent) and policies.get(value) == "zero"
