"""How each rater's scores compare with the others', and how far the raters of a stage agree.

What is a quotient is an exact fraction, a square root a decimal of 28 digits.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from wuhu_appraisal.language import N_
from wuhu_appraisal.model import Absent, Key
from wuhu_appraisal.numbers import total
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Detail
from wuhu_appraisal.scheme.plan import planned
from wuhu_appraisal.scheme.rules import RollUp

if TYPE_CHECKING:
    import pandas as pd

PLACE = ("stage", "group", "dimension")
BESIDE = ("severity", "error", "spread", "agreement")
COEFFICIENTS = ("icc_a1", "icc_ak", "icc_c1", "icc_ck", "kendall_w", "alpha")


class Lack(Enum):
    """Why the scores do not define a figure; the values are message ids."""

    RATERS = N_("fewer than two raters gave scores")
    UNITS = N_("too few units have scores to compare")
    BALLOT = N_("all scores of this rater are the same")
    OTHERS = N_("the mean of the others is the same for every unit")
    SAME = N_("the scores do not differ between the units")
    INCOMPLETE = N_("not every rater scored every unit")


Figure: TypeAlias = int | Fraction | Decimal | Lack


@dataclass(frozen=True)
class Ballots:
    """The scores that one step takes from raters: for each row what each rater gave, if it did.

    A row is a unit with a member of every other dimension that is left; ``names`` are these
    dimensions. ``listed`` are the raters of the scheme in order, ``by`` is the step's operation.
    """

    stage: str
    group: str
    dimension: str
    by: str
    names: tuple[str, ...]
    listed: Sequence[str]
    rows: Mapping[Key, Mapping[str, Fraction]]

    @cached_property
    def raters(self) -> list[str]:
        """The raters that gave a score."""
        active = {rater for row in self.rows.values() for rater in row}
        return [rater for rater in self.listed if rater in active]

    def unit(self, key: Key) -> str:
        """Return the unit of a row."""
        return key[self.names.index("unit")]

    @cached_property
    def missed(self) -> dict[str, list[Key]]:
        """The rows without a score of a rater, by rater: only those who gave any score."""
        rows = self.rows.items()
        missed = {one: [key for key, row in rows if one not in row] for one in self.raters}
        return {rater: keys for rater, keys in missed.items() if keys}

    @property
    def severity_moves_none(self) -> bool:
        """Whether correcting the raters' severity would change this score of all units alike."""
        others: dict[str, set[Key]] = {}
        for key in self.rows:
            at = self.names.index("unit")
            others.setdefault(key[at], set()).add(key[:at] + key[at + 1 :])
        alike = len(set(map(frozenset, others.values()))) == 1
        return alike and not self.missed and self.by in ("sum", "mean", "weighted")


def ballots(result: Result) -> Iterator[Ballots]:
    """Yield the scores of each step that takes raters away. ValueError for a copy without raters."""
    if Detail.RATERS not in result.copy.shows:
        raise ValueError("this copy does not show the raters' scores")
    for stage in result.scheme.stages:
        for group, plan in stage.plans.items():
            tables = result.traces[group].stages[stage.id].tables
            for planned_step, table in zip(planned(result.scheme, plan), tables, strict=False):
                step = planned_step.step
                if not isinstance(step, RollUp) or step.roll_up not in plan.rater_dimensions:
                    continue
                rows: dict[Key, dict[str, Fraction]] = {}
                for key, inputs in table.groups(step.roll_up).items():
                    given = zip(inputs.members, inputs.values, strict=True)
                    numbers = {
                        rater: it for rater, it in given if isinstance(it, Decimal | Fraction)
                    }
                    # What nobody scored is missed by all, unless it does not apply.
                    if numbers or Absent.NOT_APPLICABLE not in inputs.values:
                        rows[key] = {rater: Fraction(it) for rater, it in numbers.items()}
                if not any(rows.values()):
                    rows = {}
                names = tuple(name for name in table.dimensions if name != step.roll_up)
                listed = planned_step.before.members[step.roll_up]
                yield Ballots(stage.id, group, step.roll_up, step.by, names, listed, rows)


def rater_figures(scores: Ballots) -> dict[str, dict[str, Figure]]:
    """Return the figures of each rater that gave a score: count, mean and those BESIDE the others.

    ``severity`` is the mean distance from the mean of the others over the rows that both scored,
    below 0 for a strict rater, ``error`` its standard error; ``spread`` the slope of the scores on
    the others' mean (least squares), ``agreement`` their correlation.
    """
    sums = {key: total(row.values()) for key, row in scores.rows.items()}
    figures: dict[str, dict[str, Figure]] = {}
    for rater in scores.raters:
        own = {key: row[rater] for key, row in scores.rows.items() if rater in row}
        shared = [key for key in own if len(scores.rows[key]) > 1]
        others = [(sums[key] - own[key]) / (len(scores.rows[key]) - 1) for key in shared]
        beside = _beside([own[key] for key in shared], others)
        figures[rater] = {"count": len(own), "mean": total(own.values()) / len(own)}
        figures[rater] |= dict(zip(BESIDE, beside, strict=True))
    return figures


def _beside(mine: Sequence[Fraction], others: Sequence[Fraction]) -> tuple[Figure, ...]:
    count = len(mine)
    if not count:
        return (Lack.RATERS,) * 4
    distances = [one - other for one, other in zip(mine, others, strict=True)]
    severity = total(distances) / count
    if count < 2:
        return severity, *(Lack.UNITS,) * 3
    error = _root(_products(distances, distances) / (count * (count - 1)))
    own, rest, both = _products(mine, mine), _products(others, others), _products(mine, others)
    spread = both / rest if rest else Lack.OTHERS
    if not (own and rest):
        return severity, error, spread, Lack.OTHERS if own else Lack.BALLOT
    agreement = _root(both * both / (own * rest)).copy_sign(Decimal(both.numerator))
    return severity, error, spread, agreement


def _products(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    """Return the sum of the products of two lists' distances from their means."""
    whole = total(a * b for a, b in zip(one, other, strict=True))
    return whole - total(one) * total(other) / len(one)


def _root(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).sqrt()


def panel_figures(scores: Ballots) -> dict[str, Figure]:
    """Return how far the raters agree: the COEFFICIENTS, all but alpha only where none missed a row."""
    lack = Lack.INCOMPLETE if scores.missed else None
    lack = Lack.UNITS if len(scores.rows) < 2 else lack
    lack = Lack.RATERS if len(scores.raters) < 2 else lack
    rows = [[row[one] for one in scores.raters if one in row] for row in scores.rows.values()]
    whole = (lack,) * 5 if lack else (*_icc(rows), _kendall_w(rows))
    last = lack if lack in (Lack.RATERS, Lack.UNITS) else _alpha(rows)
    return dict(zip(COEFFICIENTS, (*whole, last), strict=True))


def _icc(rows: Sequence[Sequence[Fraction]]) -> Iterator[Figure]:
    """Yield ICC(A,1), ICC(A,k), ICC(C,1) and ICC(C,k) of McGraw and Wong (1996), two-way."""
    n, k = len(rows), len(rows[0])
    values = [x for row in rows for x in row]
    row_sums, rater_sums = list(map(total, rows)), list(map(total, zip(*rows, strict=True)))
    between = _products(row_sums, row_sums) / k
    by_rater = _products(rater_sums, rater_sums) / n
    msr, msc = between / (n - 1), by_rater / (k - 1)
    mse = (_products(values, values) - between - by_rater) / ((n - 1) * (k - 1))
    single = msr + (k - 1) * mse
    for below in (single + Fraction(k, n) * (msc - mse), msr + (msc - mse) / n, single, msr):
        yield (msr - mse) / below if below > 0 else Lack.SAME


def _kendall_w(rows: Sequence[Sequence[Fraction]]) -> Figure:
    """Return Kendall's coefficient of concordance, corrected for ties."""
    n, k = len(rows), len(rows[0])
    columns = list(zip(*rows, strict=True))
    ties = sum(count**3 - count for column in columns for count in Counter(column).values())
    sums = list(map(total, zip(*map(_ranks, columns), strict=True)))
    below = k * k * (n**3 - n) - k * ties
    return 12 * _products(sums, sums) / below if below else Lack.SAME


def _ranks(values: Sequence[Fraction]) -> list[Fraction]:
    """Return the rank of each value from below; equal values share the mean of theirs."""
    order = sorted(values)
    return [Fraction(bisect_left(order, x) + bisect_right(order, x) + 1, 2) for x in values]


def _alpha(rows: Sequence[Sequence[Fraction]]) -> Figure:
    """Return Krippendorff's alpha for intervals (2011); scores may be missing."""
    compared = [row for row in rows if len(row) > 1]
    values = [value for row in compared for value in row]
    expected = _products(values, values) if len(compared) > 1 else Fraction(0)
    if not expected:
        return Lack.SAME if len(compared) > 1 else Lack.UNITS
    observed = total(_products(row, row) * len(row) / (len(row) - 1) for row in compared)
    return 1 - observed * (len(values) - 1) / (len(values) * expected)


def raters(result: Result) -> "pd.DataFrame":
    """One row for each rater of each stage and group, with how its scores compare with the others'.

    Columns, all of dtype object: ``stage``, ``group`` (str): their ids; ``dimension``, ``rater``
    (str); ``count`` (int) of the rater's scores; ``mean``, ``severity`` and ``spread`` (Fraction),
    ``error`` and ``agreement`` (Decimal) as in ``rater_figures``, or None where the scores do not
    define them. Raise ValueError for a copy without raters.
    """
    rows = [
        (scores, rater, figures)
        for scores in ballots(result)
        for rater, figures in rater_figures(scores).items()
    ]
    return _frame(rows, ("rater", "count", "mean", *BESIDE))


def panels(result: Result) -> "pd.DataFrame":
    """One row for the raters of each stage and group, with how far they agree.

    Columns, all of dtype object: ``stage``, ``group``, ``dimension`` (str), and the COEFFICIENTS
    (Fraction, or None where the scores do not define one). ValueError for a copy without raters.
    """
    return _frame([(scores, "", panel_figures(scores)) for scores in ballots(result)], COEFFICIENTS)


def _frame(
    rows: Iterable[tuple[Ballots, str, Mapping[str, Figure]]], names: Sequence[str]
) -> "pd.DataFrame":
    import pandas as pd

    data = [
        {**{name: getattr(scores, name) for name in PLACE}, "rater": rater, **known(figures)}
        for scores, rater, figures in rows
    ]
    return pd.DataFrame(data, columns=[*PLACE, *names], dtype=object)


def known(figures: Mapping[str, Figure]) -> dict[str, int | Fraction | Decimal | None]:
    """Return the figures with None in place of what the scores do not define."""
    return {name: None if isinstance(it, Lack) else it for name, it in figures.items()}
