"""What a unit may be told of its group, and what it needs to move up, from published numbers.

All of it is exact; whoever shows it rounds it once. Nothing here takes part in a score.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.model import Absent, Standing
from wuhu_appraisal.numbers import Number, round_half_up
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.contributions import Contribution
from wuhu_appraisal.score.operations import Mean, Median
from wuhu_appraisal.score.ranking import ranked

FEWEST_FOR_MEAN, FEWEST_FOR_BEST, FEWEST_FOR_MEDIAN = 3, 4, 5
"""From how many units on a unit that knows its own number cannot work out a single other one that
it is not told: of two a mean tells the other, of three mean and best the third, of four mean, best
and median the lowest."""

_COMPANY = 5
_FULL, _LEFT_OPEN = 100, 10


@dataclass(frozen=True, slots=True)
class Summary:
    """A group's numbers in three; None where telling it would tell the number of one unit."""

    mean: Fraction | None
    median: Fraction | None
    best: Fraction | None


@dataclass(frozen=True, slots=True)
class NextPlace:
    """The least published final that would have given a better rank.

    ``points`` is how much more it is than the unit's own.
    """

    rank: int
    final: Decimal
    points: Decimal


def summary(numbers: Sequence[Number]) -> Summary:
    """The mean, the median and the highest of a group's numbers, as far as they may be told."""
    count = len(numbers)
    return Summary(
        Mean().apply(numbers, ()).value if count >= FEWEST_FOR_MEAN else None,
        Median().apply(numbers, ()).value if count >= FEWEST_FOR_MEDIAN else None,
        Fraction(max(numbers)) if count >= FEWEST_FOR_BEST else None,
    )


def counted(parts: Iterable[Contribution], place: int) -> int:
    """How many members of the dimension at ``place`` gave a score that counts."""
    return len({part.key[place] for part in parts if not isinstance(part.value, Absent)})


def withheld(shares: Mapping[str, Fraction], few: Collection[str]) -> frozenset[str]:
    """The stages whose scores a unit is not told, so that none of ``few`` can be worked out.

    ``shares`` has the coefficient in the composite of every stage that counts in it, ``few`` the
    stages that too few raters made. Composite less the other stages would be the withheld score:
    each of ``few`` gets the company of the lightest other stage that weighs at least a fifth of it
    (else of the heaviest there is), which leaves at least 20 of 100 points open before the limits
    0 and 100 are thought of. A single stage in the answer had no company to get: then the
    composite and the final must be withheld as well.
    """
    hidden = set(few)
    for stage in few:
        company = sum((shares[other] for other in hidden if other != stage), Fraction(0))
        if company * _COMPANY >= shares[stage]:
            continue
        others = sorted((share, name) for name, share in shares.items() if name not in hidden)
        enough = [
            name for share, name in others if (company + share) * _COMPANY >= shares[stage]
        ] or [name for _share, name in others[-1:]]
        hidden.update(enough[:1])
    return frozenset(hidden)


def veil(
    shares: Mapping[str, Fraction], few: Collection[str], scores: Mapping[str, Fraction]
) -> tuple[frozenset[str], bool]:
    """The stages that are withheld for the sake of ``few``, and whether the composite must be too.

    ``scores``, out of 100, are those of the stages in ``shares``. Beyond ``withheld``: a score near
    a limit leaves less open than its weight does, so company is added, the heaviest first, until at
    least 10 points are.
    """
    hidden = withheld(shares, few)
    rest = sorted(set(shares) - hidden, key=lambda name: (shares[name], name))
    while rest and any(_open(shares, scores, hidden, stage) < _LEFT_OPEN for stage in few):
        hidden |= {rest.pop()}
    narrow = any(_open(shares, scores, hidden, stage) < _LEFT_OPEN for stage in few)
    return hidden, narrow or len(hidden) == 1


def _open(
    shares: Mapping[str, Fraction],
    scores: Mapping[str, Fraction],
    hidden: Collection[str],
    stage: str,
) -> Fraction:
    """How many points wide is what the composite and the other stages leave possible."""
    known = sum((shares[name] * scores[name] for name in hidden), Fraction(0))
    others = sum((shares[name] for name in hidden if name != stage), Fraction(0)) * _FULL
    low, high = (known - others) / shares[stage], known / shares[stage]
    return min(high, Fraction(_FULL)) - max(low, Fraction(0))


def next_place(scheme: Scheme, standings: Sequence[Standing], unit: str) -> NextPlace | None:
    """What a unit's published final had to be for a better rank, all else being as published.

    ``standings`` are those of the unit's group. None for a unit at rank 1 or without a rank, where
    a cap on finals stands in the way, and in a group of two, where it would tell the other's final.
    """
    own = next(item for item in standings if item.unit == unit)
    better = [item.final for item in standings if _before(item, own)]
    if own.final is None or sum(item.final is not None for item in standings) < FEWEST_FOR_MEAN:
        return None
    nearest = min((final for final in better if final is not None), default=None)
    if nearest is None:
        return None
    digits, cap = scheme.final.digits, scheme.final.cap
    # Equal finals share a rank unless the scheme breaks the tie; then it takes one digit more.
    for final in (nearest, nearest + Decimal(1).scaleb(-digits)):
        if cap is not None and final > round_half_up(cap, digits):
            return None
        again = ranked(
            scheme, [replace(item, final=final) if item is own else item for item in standings]
        )
        moved = next(item for item in again if item.unit == unit)
        if _before(moved, own):
            assert moved.rank is not None
            return NextPlace(moved.rank, final, final - own.final)
    return None


def stage_points(points: Number, share: Fraction, digits: int) -> Decimal:
    """How many points more of a stage's score add at least ``points`` to the composite.

    ``share`` is the stage's coefficient in it; rounded up at ``digits`` decimals, so it suffices.
    """
    return Decimal(math.ceil(Fraction(points) / share * 10**digits)).scaleb(-digits)


def _before(item: Standing, other: Standing) -> bool:
    return item.rank is not None and other.rank is not None and item.rank < other.rank
