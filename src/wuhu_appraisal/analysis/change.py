"""What changed between two results, taken apart: the parts add up to the change of each final.

A final follows from the scores of each stage, the rules that they go through, the weights of the
stages, the adjustments, the decisions, and who is in the group. Each of these may be taken from the
old result or from the new one, and the units scored again. A part's points are its Shapley value:
the mean, over all orders in which the parts could have changed one after another, of what its own
change adds. Nothing is rounded; what rounding adds to either published final is a part as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import factorial
from typing import TYPE_CHECKING

from wuhu_appraisal.analysis.matching import NOTHING_SAID, Matched, Matches, matched
from wuhu_appraisal.analysis.rescored import Pair, Player, Points
from wuhu_appraisal.language import _
from wuhu_appraisal.model import Score, Standing
from wuhu_appraisal.result import Result

if TYPE_CHECKING:
    import pandas as pd

_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Part:
    """What changed, and the points that it adds to the change of a final.

    Of several ``players`` nobody can say how much is due to each, for the reasons in ``why``.
    """

    players: tuple[Player, ...]
    points: Fraction
    why: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """The id of the stage that it is of; '' for none, or several."""
        stages = {player.stage for player in self.players}
        return stages.pop() if len(stages) == 1 else ""


@dataclass(frozen=True, slots=True)
class Change:
    """What changed for one unit: ``parts`` add up to the change of its published final.

    ``parts`` is empty where either result has no final of it. ``came`` are the units above it that
    were not in its group before, ``went`` those above it that are not in it any more.
    """

    unit: str
    groups: tuple[str, str]
    old: Standing
    new: Standing
    parts: Sequence[Part]
    came: int
    went: int

    @property
    def points(self) -> Fraction | None:
        """The change of the published final; None where there is none on either side."""
        if self.old.final is None or self.new.final is None:
            return None
        return Fraction(self.new.final) - Fraction(self.old.final)

    @property
    def ranks(self) -> int | None:
        """By how many ranks it fell, below 0 where it rose; None where either side has no rank."""
        if self.old.rank is None or self.new.rank is None:
            return None
        return self.new.rank - self.old.rank


def changes(old: Result, new: Result, units: Matched) -> list[Change]:
    """Return what changed for each unit that both results have, in the order of the new one."""
    pairs: dict[tuple[str, str], dict[str, str]] = {}
    back = {b: a for a, b in units.names.items()}
    order = [item.unit for standings in new.standings.values() for item in standings]
    for unit in order:
        if unit in back:
            groups = old.scheme.group_of(back[unit]).id, new.scheme.group_of(unit).id
            pairs.setdefault(groups, {})[back[unit]] = unit
    found: dict[str, Change] = {}
    for groups, names in pairs.items():
        pair = Pair((old, new), groups, names, units.names)
        parts = _parts(pair)
        for before, unit in names.items():
            found[unit] = _change(pair, before, unit, parts[unit])
    return [found[unit] for unit in order if unit in found]


def _change(pair: Pair, before: str, unit: str, parts: Sequence[Part]) -> Change:
    old, new = pair.standings[0][before], pair.standings[1][unit]
    if old.final is None or new.final is None:
        return Change(unit, pair.groups, old, new, (), 0, 0)
    exact = sum((part.points for part in parts), _ZERO)
    rounding = Fraction(new.final) - Fraction(old.final) - exact
    if rounding:
        parts = [*parts, Part((Player("rounding"),), rounding)]
    came, went = (
        sum(
            item.rank is not None and own.rank is not None and item.rank < own.rank
            for name, item in standings.items()
            if name not in matched
        )
        for own, standings, matched in (
            (new, pair.standings[1], pair.names.values()),
            (old, pair.standings[0], pair.names),
        )
    )
    return Change(unit, pair.groups, old, new, [part for part in parts if part.points], came, went)


def _parts(pair: Pair) -> dict[str, list[Part]]:
    """Return the parts of the change of each unit's exact final, by its new name."""
    blocks = pair.blocks
    finals: list[Points] = [
        pair.finals(
            frozenset(
                player
                for at, block in enumerate(blocks)
                if mask >> at & 1
                for player in block.players
            )
        )
        for mask in range(1 << len(blocks))
    ]
    assert finals[0] == pair.traced(0), "scored again, the old result comes out"
    assert finals[-1] == pair.traced(1), "scored again, the new result comes out"
    parts: dict[str, list[Part]] = {}
    for unit in pair.names.values():
        values = [points[unit] for points in finals]
        numbers = [value for value in values if isinstance(value, Fraction)]
        if len(numbers) == len(values):
            shares = zip(blocks, shapley(numbers, len(blocks)), strict=True)
            parts[unit] = [Part(block.players, share, block.why) for block, share in shares]
        else:
            players = tuple(player for block in blocks for player in block.players)
            change = _number(values[-1]) - _number(values[0])
            parts[unit] = [Part(players, change, (_("there is no final in between"),))]
    return parts


def _number(value: Score) -> Fraction:
    return Fraction(value) if isinstance(value, Decimal | Fraction) else _ZERO


def shapley(values: Sequence[Fraction], count: int) -> list[Fraction]:
    """Return the Shapley value of each of ``count`` players.

    ``values`` has what each set of players comes to; bit i of its index says whether i is in it.
    """
    weights = [
        Fraction(factorial(size) * factorial(count - size - 1), factorial(count))
        for size in range(count)
    ]
    shares = [_ZERO] * count
    for mask, value in enumerate(values):
        for player in range(count):
            if not mask >> player & 1:
                added = values[mask | 1 << player] - value
                if added:
                    shares[player] += weights[mask.bit_count()] * added
    return shares


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two results, which units of them are the same, and what changed for these."""

    old: Result
    new: Result
    units: Matched
    changes: Sequence[Change]


def comparison(old: Result, new: Result, matches: Matches = NOTHING_SAID) -> Comparison:
    """Compare two whole results; ``matches`` says what names do not say of their units."""
    units = matched(old.scheme, new.scheme, matches)
    return Comparison(old, new, units, changes(old, new, units))


def compare(old: Result, new: Result, matches: Matches = NOTHING_SAID) -> "pd.DataFrame":
    """Return what changed between two results: one row for each part of each unit's change.

    Columns, all of dtype object but the ranks:

    - ``unit``, ``old_unit``, ``group``, ``old_group`` (str): names, and the ids of the groups
    - ``old_rank``, ``rank`` (Int64), ``old_final``, ``final`` (Decimal or None)
    - ``part`` (str): scores, rules, weights, adjustments, decisions, group, rounding; several with
      '+' between them where nobody can say how much is due to each
    - ``stage`` (str): the stage's id; '' for a part of no stage, or of several
    - ``points`` (Fraction): the points of a unit add up to the change of its published final

    A unit that nothing changed for, or that has no final on one side, has no row.
    """
    import pandas as pd

    rows = [
        (
            *(item.unit, item.old.unit, item.groups[1], item.groups[0]),
            *(item.old.rank, item.new.rank, item.old.final, item.new.final),
            "+".join(player.kind for player in part.players),
            part.stage,
            part.points,
        )
        for item in comparison(old, new, matches).changes
        for part in item.parts
    ]
    columns = ["unit", "old_unit", "group", "old_group", "old_rank", "rank", "old_final", "final"]
    frame = pd.DataFrame(rows, columns=[*columns, "part", "stage", "points"], dtype=object)
    return frame.astype({"old_rank": "Int64", "rank": "Int64"})
