"""Compute finals, published numbers and ranks.

Nothing is rounded before the final: composites and adjustments are exact, and one rounding half up
makes each published number. Ranks compare published numbers: equal ones share a rank, and the ranks
behind it stay free.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from wuhu_appraisal.model import (
    ADJUSTING,
    BONUSES,
    CAP,
    COMPOSITE,
    DEDUCTIONS,
    FINAL,
    WHEN,
    Absent,
    Key,
    Record,
    Score,
    Standing,
    StepRow,
    StepTable,
    Table,
)
from wuhu_appraisal.numbers import Number, round_half_up, total
from wuhu_appraisal.scheme.final import Adjustment
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.plan import tie_table
from wuhu_appraisal.scheme.rules import RollUp
from wuhu_appraisal.score.operations import ONE, Adjust, bounded
from wuhu_appraisal.score.steps import as_number


def finals(scheme: Scheme, composite: StepTable, records: Sequence[Record]) -> StepTable:
    """Compute the exact final of each unit: composite and adjustments within the declared bounds.

    The inputs are called COMPOSITE, by the adjustments' ids, and for each bound that binds by the
    adjustment's id and WHEN or CAP, BONUSES, DEDUCTIONS, ADJUSTING, or FINAL. Their sum is the final.
    """
    operation = Adjust(*scheme.final.exact)
    rows: dict[Key, StepRow] = {}
    for key, row in composite.rows.items():
        own = [record for record in records if record.unit == key[0]]
        points = _points(scheme, own, row.value)
        members = [COMPOSITE, *points]
        values: list[Score] = [row.value, *points.values()]
        if isinstance(row.value, Absent | str):
            rows[key] = StepRow(Absent.MISSING, members, values, [Fraction(0)] * len(values))
            continue
        numbers = [row.value, *points.values()]
        outcome = operation.apply(numbers, ())
        coefficients = list(outcome.coefficients)
        held = outcome.value - total(numbers)
        if held:
            members, values = [*members, FINAL], [*values, held]
            coefficients.append(ONE)
        rows[key] = StepRow(outcome.value, members, values, coefficients)
    return StepTable(composite.dimensions, rows)


def standings(
    scheme: Scheme,
    composite: StepTable,
    final: StepTable,
    records: Sequence[Record],
    ties: Mapping[str, tuple[Score, ...]] = {},
) -> list[Standing]:
    """Return the units in order of rank; those of one rank, and those without, as the scheme lists them.

    ``ties`` are the ``tied`` numbers of each unit.
    """
    units: list[Standing] = []
    for key, row in composite.rows.items():
        unit = key[0]
        stages: dict[str, Decimal | None] = {stage.id: None for stage in scheme.stages}
        stages |= {
            stage: _published(value, scheme.composite.digits)
            for stage, value in zip(row.members, row.values, strict=True)
        }
        units.append(
            Standing(
                unit=unit,
                rank=None,
                final=_published(final.rows[key].value, scheme.final.digits),
                composite=_published(row.value, scheme.composite.digits),
                stages=stages,
                points=round_half_up(adjusted(final.rows[key]), scheme.final.digits),
                adjustments=[record for record in records if record.unit == unit],
                ties=ties.get(unit, ()),
            )
        )
    return classed(scheme, ranked(scheme, units))


def ranked(scheme: Scheme, units: Sequence[Standing]) -> list[Standing]:
    """Return the standings with ranks: by final, then by each tie-break, else shared."""
    scored = [item for item in units if item.final is not None]
    keys = [_rank_key(scheme, item) for item in scored]
    ordered = sorted(zip(keys, scored, strict=True), key=lambda pair: pair[0], reverse=True)
    result: list[Standing] = []
    for place, (key, item) in enumerate(ordered):
        shared = place > 0 and ordered[place - 1][0] == key
        rank = result[-1].rank if shared else place + 1
        result.append(replace(item, rank=rank))
    return result + [item for item in units if item.final is None]


def classed(scheme: Scheme, units: Sequence[Standing]) -> list[Standing]:
    """Return a group's standings, which are in order of rank, each with its class.

    Each class takes from the units that those above it left. A share is one of the units with a
    rank; those without have no class.
    """
    rule = scheme.class_rule
    left = [item for item in units if item.rank is not None and item.final is not None]
    count = len(left)
    classes: dict[str, str] = {}
    for item in scheme.classes:
        places = count
        if rule is not None and item.percent is not None:
            places = rule.places(item.percent, count)
        for _rank, equals in groupby(left, key=lambda unit: unit.rank):
            reaching = [unit for unit in equals if item.reached_by(unit.final or Decimal(0))]
            few = len(reaching) > places
            if few and (places <= 0 or (rule is not None and rule.ties == "out")):
                break
            places -= len(reaching)
            classes.update((unit.unit, item.id) for unit in reaching)
        left = [unit for unit in left if unit.unit not in classes]
    return [replace(unit, class_id=classes.get(unit.unit)) for unit in units]


def tied(
    scheme: Scheme, group: str, stages: Mapping[str, Sequence[Table]]
) -> dict[str, tuple[Score, ...]]:
    """Return the scores and facts that break ties by unit, in the order of these tie-breaks.

    ``stages`` has the tables of each stage: the scores as read, and those that each step left. What
    is absent is 0 where the step that takes it says so. Units without any are left out.
    """
    columns: list[dict[str, Score]] = []
    for tie in scheme.ranking.ties:
        if tie.stage is None or tie.member is None:
            continue
        columns.append({})
        plan = scheme.stage(tie.stage).plans[group]
        found = tie_table(scheme, plan, tie.member)
        if found is None:
            continue
        step = plan.steps[found[0]]
        assert isinstance(step, RollUp), "what has the item last is before a step that takes it"
        values = dict(stages[tie.stage][found[0]].items())
        for unit in {key[0] for key in values}:
            number = as_number(values.get((unit, tie.member), Absent.MISSING), step)
            columns[-1][unit] = Absent.MISSING if number is None else number
    units = {unit for column in columns for unit in column}
    return {unit: tuple(col.get(unit, Absent.MISSING) for col in columns) for unit in units}


def breaks(scheme: Scheme, item: Standing) -> list[Number | None]:
    """Return what each tie-break of the scheme compares of a unit; None where it has no number."""
    exact = iter(item.ties)
    values: list[Score | None] = []
    for tie in scheme.ranking.ties:
        published = item.stages.get(tie.stage) if tie.stage else item.composite
        values.append(next(exact, None) if tie.item else published)
    return [None if isinstance(value, Absent | str) else value for value in values]


def _rank_key(scheme: Scheme, item: Standing) -> tuple[tuple[bool, Fraction], ...]:
    signs = [1, *(1 if tie.order == "highest_first" else -1 for tie in scheme.ranking.ties)]
    values = [item.final, *breaks(scheme, item)]
    return tuple(
        (value is not None, Fraction(value or 0) * sign)
        for value, sign in zip(values, signs, strict=True)
    )


def _points(scheme: Scheme, records: Sequence[Record], composite: Score) -> dict[str, Number]:
    """Return the points of each adjustment of a unit, and what thresholds, caps and bounds change."""
    points: dict[str, Number] = {}
    given = {"bonus": Fraction(0), "deduction": Fraction(0)}
    for adjustment in scheme.adjustments:
        own = [record.points for record in records if record.id == adjustment.id]
        if own:
            cap = _exact(adjustment.cap)
            added = total(own)
            held = bounded(added, cap, None if cap is None else -cap)
            points[adjustment.id] = added
            if not counts(adjustment, composite):
                points[adjustment.id + WHEN] = -added
                continue
            if held != added:
                points[adjustment.id + CAP] = held - added
            given[adjustment.kind] += held
    held = bounded(given["bonus"], _exact(scheme.adjusting.bonus_cap), None)
    if held != given["bonus"]:
        points[BONUSES] = held - given["bonus"]
    most = _exact(scheme.adjusting.deduction_cap)
    if most is not None and given["deduction"] < -most:
        points[DEDUCTIONS] = -most - given["deduction"]
    whole = total(points.values())
    held = bounded(whole, *scheme.adjusting.exact)
    if held != whole:
        points[ADJUSTING] = held - whole
    return points


def counts(adjustment: Adjustment, composite: Score) -> bool:
    """Tell whether an adjustment counts for a unit: without a composite it meets no threshold."""
    if adjustment.when is None:
        return True
    return not isinstance(composite, Absent | str) and adjustment.when.holds(composite)


def _exact(value: Decimal | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def adjusted(row: StepRow) -> Fraction:
    """Return the sum of the adjustments in a final, after their caps, before the bounds of the final."""
    return total(
        value
        for member, value in zip(row.members, row.values, strict=True)
        if member not in (COMPOSITE, FINAL) and not isinstance(value, Absent | str)
    )


def _published(value: Score, digits: int) -> Decimal | None:
    return None if isinstance(value, Absent | str) else round_half_up(value, digits)
