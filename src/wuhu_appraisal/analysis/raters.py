"""How each rater's scores compare with the others', and how far the raters of a stage agree.

What is a quotient is an exact fraction; a square root is a decimal of 28 digits. A figure that the
scores do not define is a ``Lack``, the reason why.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from wuhu_appraisal.language import N_, _
from wuhu_appraisal.model import Key
from wuhu_appraisal.numbers import total
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Detail
from wuhu_appraisal.scheme.plan import planned
from wuhu_appraisal.scheme.rules import RollUp

if TYPE_CHECKING:
    import pandas as pd

COEFFICIENTS = ("icc_a1", "icc_ak", "icc_c1", "icc_ck", "kendall_w", "alpha")
_PLACE = ("stage", "group", "dimension")
_LINEAR = ("sum", "mean", "weighted")
"""The operations that a rater's severity reaches in the same measure for every unit."""


class Lack(StrEnum):
    """Why a figure is not defined."""

    RATERS = "few-raters"
    UNITS = "few-units"
    BALLOT = "ballot-flat"
    OTHERS = "others-flat"
    SAME = "scores-same"
    INCOMPLETE = "incomplete"

    @property
    def words(self) -> str:
        """The reason in the active language."""
        return _(_LACKS[self])


_LACKS = {
    Lack.RATERS: N_("fewer than two raters gave scores"),
    Lack.UNITS: N_("too few units have scores to compare"),
    Lack.BALLOT: N_("all scores of this rater are the same"),
    Lack.OTHERS: N_("the others' mean is the same for every unit"),
    Lack.SAME: N_("the scores do not differ between the units"),
    Lack.INCOMPLETE: N_("not every rater scored every unit"),
}
Figure: TypeAlias = Fraction | Decimal | Lack


@dataclass(frozen=True)
class Ballots:
    """The scores that one step takes from raters: for each row what each rater gave, if it did.

    A row is a unit, or a unit with a member of every other dimension that is left; ``names`` are
    these dimensions. ``listed`` are the raters that the scheme knows, in order.
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

    @property
    def silent(self) -> list[str]:
        """The raters that gave no score at all."""
        return [rater for rater in self.listed if rater not in self.raters]

    def unit(self, key: Key) -> str:
        """Return the unit of a row."""
        return key[self.names.index("unit")]

    @cached_property
    def units(self) -> list[str]:
        """The units that have a score, in order."""
        return list(dict.fromkeys(map(self.unit, self.rows)))

    @cached_property
    def missed(self) -> dict[str, list[Key]]:
        """The rows that each rater left out, of those who gave any score."""
        missed = {
            rater: [key for key, row in self.rows.items() if rater not in row]
            for rater in self.raters
        }
        return {rater: keys for rater, keys in missed.items() if keys}

    @property
    def severity_moves_none(self) -> bool:
        """Whether it is proven that to correct every rater's severity changes no distance of units."""
        alike = len(set(Counter(map(self.unit, self.rows)).values())) == 1
        return not self.missed and alike and self.by in _LINEAR


@dataclass(frozen=True)
class RaterFigures:
    """What a rater's scores are beside the others'.

    ``severity`` is the mean distance from the mean of the others over the rows that both scored,
    below 0 for a strict rater, ``error`` its standard error; ``spread`` the slope of the scores on
    the others' mean (least squares), ``agreement`` their correlation.
    """

    rater: str
    count: int
    mean: Figure
    severity: Figure
    error: Figure
    spread: Figure
    agreement: Figure


def ballots(result: Result) -> Iterator[Ballots]:
    """Yield the scores of each step that takes raters away. ValueError for a copy without raters."""
    if Detail.RATERS not in result.copy.shows:
        raise ValueError("this copy does not show the raters' scores")
    for stage in result.scheme.stages:
        for group, plan in stage.plans.items():
            if group not in result.traces or not plan.rater_dimensions:
                continue
            tables = result.traces[group].stages[stage.id].tables
            steps = planned(result.scheme, plan)
            for step, table in zip(steps, tables, strict=False):
                if not isinstance(step.step, RollUp):
                    continue
                name = step.step.roll_up
                if name not in plan.rater_dimensions:
                    continue
                rows: dict[Key, dict[str, Fraction]] = {}
                for key, inputs in table.groups(name).items():
                    pairs = zip(inputs.members, inputs.values, strict=True)
                    row = {
                        rater: Fraction(value)
                        for rater, value in pairs
                        if isinstance(value, Decimal | Fraction)
                    }
                    if row:
                        rows[key] = row
                names = tuple(item for item in table.dimensions if item != name)
                listed = step.before.members[name]
                yield Ballots(stage.id, group, name, step.step.by, names, listed, rows)


def rater_figures(scores: Ballots) -> list[RaterFigures]:
    """Return the figures of each rater that gave a score."""
    sums = {key: total(row.values()) for key, row in scores.rows.items()}
    figures = []
    for rater in scores.raters:
        own = {key: row[rater] for key, row in scores.rows.items() if rater in row}
        shared = [key for key in own if len(scores.rows[key]) > 1]
        mine = [own[key] for key in shared]
        others = [(sums[key] - own[key]) / (len(scores.rows[key]) - 1) for key in shared]
        mean = total(own.values()) / len(own)
        figures.append(RaterFigures(rater, len(own), mean, *_beside(mine, others)))
    return figures


def _beside(mine: Sequence[Fraction], others: Sequence[Fraction]) -> tuple[Figure, ...]:
    """Return severity, its standard error, spread and agreement."""
    if not mine:
        return (Lack.RATERS,) * 4
    distances = [one - other for one, other in zip(mine, others, strict=True)]
    count = len(mine)
    severity = total(distances) / count
    if count < 2:
        return severity, Lack.UNITS, Lack.UNITS, Lack.UNITS
    error = root(_products(distances, distances) / (count * (count - 1)))
    own, rest, both = _products(mine, mine), _products(others, others), _products(mine, others)
    if not rest:
        return severity, error, Lack.OTHERS, Lack.OTHERS if own else Lack.BALLOT
    agreement = root(both * both / (own * rest)).copy_sign(Decimal(both.numerator)) if own else None
    return severity, error, both / rest, Lack.BALLOT if agreement is None else agreement


def _products(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    """Return the sum of the products of two lists' distances from their means."""
    whole = total(a * b for a, b in zip(one, other, strict=True))
    return whole - total(one) * total(other) / len(one)


def root(value: Fraction) -> Decimal:
    """Return the square root to 28 digits."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).sqrt()


def icc(scores: Ballots) -> tuple[Figure, ...]:
    """Return ICC(A,1), ICC(A,k), ICC(C,1) and ICC(C,k) of McGraw and Wong (1996), two-way."""
    lack = _lack_of_design(scores)
    if lack:
        return (lack,) * 4
    rows = [[row[rater] for rater in scores.raters] for row in scores.rows.values()]
    n, k = len(rows), len(scores.raters)
    whole = total(map(total, rows))
    centre = whole * whole / (n * k)
    between = total(total(row) ** 2 for row in rows) / k - centre
    by_rater = total(total(column) ** 2 for column in zip(*rows, strict=True)) / n - centre
    left = total(x * x for row in rows for x in row) - centre - between - by_rater
    msr, msc, mse = between / (n - 1), by_rater / (k - 1), left / ((n - 1) * (k - 1))
    below = (
        msr + (k - 1) * mse + Fraction(k, n) * (msc - mse),
        msr + (msc - mse) / n,
        msr + (k - 1) * mse,
        msr,
    )
    return tuple((msr - mse) / part if part > 0 else Lack.SAME for part in below)


def kendall_w(scores: Ballots) -> Figure:
    """Return Kendall's coefficient of concordance, corrected for ties."""
    lack = _lack_of_design(scores)
    if lack:
        return lack
    columns = [[row[rater] for row in scores.rows.values()] for rater in scores.raters]
    n, k = len(scores.rows), len(columns)
    ties = sum(count**3 - count for column in columns for count in Counter(column).values())
    sums = [total(row) for row in zip(*map(_ranks, columns), strict=True)]
    below = k * k * (n**3 - n) - k * ties
    return 12 * _products(sums, sums) / below if below else Lack.SAME


def _ranks(values: Sequence[Fraction]) -> list[Fraction]:
    """Return the rank of each value from below; equal values share the mean of theirs."""
    counts = Counter(values)
    ranks: dict[Fraction, Fraction] = {}
    below = 0
    for value in sorted(counts):
        ranks[value] = below + Fraction(counts[value] + 1, 2)
        below += counts[value]
    return [ranks[value] for value in values]


def alpha(scores: Ballots) -> Figure:
    """Return Krippendorff's alpha for intervals (2011); scores may be missing."""
    if len(scores.raters) < 2:
        return Lack.RATERS
    rows = [list(row.values()) for row in scores.rows.values() if len(row) > 1]
    values = [value for row in rows for value in row]
    expected = _products(values, values) if values else Fraction(0)
    if not expected:
        return Lack.SAME if len(rows) > 1 else Lack.UNITS
    observed = total(_products(row, row) * len(row) / (len(row) - 1) for row in rows)
    return 1 - observed * (len(values) - 1) / (len(values) * expected)


def _lack_of_design(scores: Ballots) -> Lack | None:
    if len(scores.raters) < 2:
        return Lack.RATERS
    if len(scores.rows) < 2:
        return Lack.UNITS
    return Lack.INCOMPLETE if scores.missed else None


def panel_figures(scores: Ballots) -> dict[str, Figure]:
    """Return how far the raters agree, by the name of the coefficient."""
    figures = (*icc(scores), kendall_w(scores), alpha(scores))
    return dict(zip(COEFFICIENTS, figures, strict=True))


def raters(result: Result) -> "pd.DataFrame":
    """One row for each rater of each stage and group, with how its scores compare with the others'.

    Columns, all of dtype object but ``count``:

    - ``stage``, ``group`` (str): their ids; ``dimension``, ``rater`` (str)
    - ``count`` (int64): how many scores the rater gave
    - ``mean`` (Fraction)
    - ``severity`` (Fraction): mean distance from the others' mean; ``error`` (Decimal): its standard error
    - ``spread`` (Fraction): slope on the others' mean; ``agreement`` (Decimal): correlation with it

    None stands where the scores do not define a figure. Raise ValueError for a copy without raters.
    """
    rows = [
        (*_place(scores), item.rater, item.count, *map(_known, list(vars(item).values())[2:]))
        for scores in ballots(result)
        for item in rater_figures(scores)
    ]
    names = [*_PLACE, *(item.name for item in fields(RaterFigures))]
    return _frame(rows, names).astype({"count": "int64"})


def panels(result: Result) -> "pd.DataFrame":
    """One row for the raters of each stage and group, with how far they agree.

    Columns, all of dtype object: ``stage``, ``group``, ``dimension`` (str); ``icc_a1``, ``icc_ak``,
    ``icc_c1``, ``icc_ck``, ``kendall_w`` and ``alpha`` (Fraction, or None where the scores do not
    define it). Raise ValueError for a copy without raters.
    """
    rows = [
        (*_place(scores), *map(_known, panel_figures(scores).values()))
        for scores in ballots(result)
    ]
    return _frame(rows, [*_PLACE, *COEFFICIENTS])


def _frame(rows: Sequence[tuple[object, ...]], names: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(rows, columns=list(names), dtype=object)


def _place(scores: Ballots) -> tuple[str, ...]:
    return scores.stage, scores.group, scores.dimension


def _known(figure: Figure) -> Fraction | Decimal | None:
    return None if isinstance(figure, Lack) else figure
