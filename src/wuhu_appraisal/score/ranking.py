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
from typing import TypeAlias

from wuhu_appraisal.findings import Finding, finding
from wuhu_appraisal.model import (
    ADJUSTING,
    BONUSES,
    CAP,
    COMPOSITE,
    DEDUCTIONS,
    FINAL,
    VETO,
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
from wuhu_appraisal.numbers import Number, round_half_up, short_text, total
from wuhu_appraisal.scheme.final import Adjustment, Veto
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.plan import tie_table
from wuhu_appraisal.scheme.rules import RollUp
from wuhu_appraisal.score.operations import ONE, Adjust, bounded
from wuhu_appraisal.score.steps import as_number

RankKey: TypeAlias = tuple[tuple[bool, Fraction], ...]
"""For the final and each tie-break whether there is a number, and the number."""


def finals(scheme: Scheme, composite: StepTable, records: Sequence[Record]) -> StepTable:
    """Compute the exact final of each unit: composite and adjustments within the declared bounds.

    The inputs are called COMPOSITE, by the adjustments' ids, and for each bound that binds by the
    adjustment's id and WHEN or CAP, BONUSES, DEDUCTIONS, ADJUSTING, or FINAL, and by a veto's id and
    VETO where its final is fixed. Their sum is the final.
    """
    operation = Adjust(*scheme.final.exact)
    rows: dict[Key, StepRow] = {}
    for key, row in composite.rows.items():
        own = [record for record in records if record.unit == key[0]]
        if isinstance(row.value, Absent | str):
            points = _points(scheme, own, row.value)
            values: list[Score] = [row.value, *points.values()]
            coefficients = [Fraction(0)] * len(values)
            rows[key] = StepRow(Absent.MISSING, [COMPOSITE, *points], values, coefficients)
            continue
        parts: dict[str, Number] = {COMPOSITE: row.value}
        stands, fixed = (_lowest(scheme, own, adjusted=adjusted) for adjusted in (True, False))
        if stands is not None:
            parts[stands[1] + VETO] = stands[0] - Fraction(row.value)
        parts |= _points(scheme, own, row.value if stands is None else stands[0])
        value = operation.apply(list(parts.values()), ()).value
        if held := value - total(parts.values()):
            parts[FINAL] = held
        if fixed is not None and (stands is None or fixed[0] < value):
            parts[fixed[1] + VETO] = fixed[0] - value
        values = list(parts.values())
        rows[key] = StepRow(total(parts.values()), list(parts), values, [ONE] * len(parts))
    return StepTable(composite.dimensions, rows)


def _lowest(
    scheme: Scheme, records: Sequence[Record], *, adjusted: bool
) -> tuple[Fraction, str] | None:
    """Return the lowest final that a unit's vetoes fix, with the veto's id; None if none does.

    ``adjusted`` says whether it stands for the composite, or is the final itself.
    """
    own = {record.id for record in records}
    vetoes = [item for item in scheme.vetoes if item.id in own and item.adjusted is adjusted]
    fixed = [(Fraction(item.final), item.id) for item in vetoes if item.final is not None]
    return min(fixed, key=lambda pair: pair[0], default=None)


def raising_vetoes(scheme: Scheme, final: StepTable, records: Sequence[Record]) -> list[Finding]:
    """Return a finding for each veto whose fixed final is above what its unit has without it."""
    places = {(record.id, record.unit): record.source for record in records}
    return [
        finding(
            "veto-raises",
            places[member.removesuffix(VETO), unit],
            unit=unit,
            veto=scheme.veto(member.removesuffix(VETO)).title,
            points=short_text(value),
        )
        for (unit,), row in final.rows.items()
        for member, value in zip(row.members, row.values, strict=True)
        if member.endswith(VETO) and not isinstance(value, Absent | str) and value > 0
    ]


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
    vetoes = {veto.id for veto in scheme.vetoes}
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
                adjustments=[it for it in records if it.unit == unit and it.id not in vetoes],
                vetoes=[it for it in records if it.unit == unit and it.id in vetoes],
                ties=ties.get(unit, ()),
            )
        )
    return classed(scheme, ranked(scheme, units))


def ranked(scheme: Scheme, units: Sequence[Standing]) -> list[Standing]:
    """Return the standings with ranks: by final, then by each tie-break, else shared.

    Behind them come the units without one: those without a final, and those that a veto bars.
    """
    barred = [any(veto.unranked for veto in vetoes_of(scheme, item)) for item in units]
    scored = [it for it, out in zip(units, barred, strict=True) if it.final is not None and not out]
    keys = [rank_key(scheme, item) for item in scored]
    ordered = sorted(zip(keys, scored, strict=True), key=lambda pair: pair[0], reverse=True)
    result: list[Standing] = []
    for place, (key, item) in enumerate(ordered):
        shared = place > 0 and ordered[place - 1][0] == key
        rank = result[-1].rank if shared else place + 1
        result.append(replace(item, rank=rank))
    ids = {item.unit for item in scored}
    return result + [replace(item, rank=None) for item in units if item.unit not in ids]


def vetoes_of(scheme: Scheme, standing: Standing) -> list[Veto]:
    """Return the vetoes of which a unit has a record, in the scheme's order."""
    own = {record.id for record in standing.vetoes}
    return [item for item in scheme.vetoes if item.id in own] if own else []


def barring(scheme: Scheme, standing: Standing, class_id: str) -> list[Veto]:
    """Return the vetoes that bar a unit from a class."""
    return [item for item in vetoes_of(scheme, standing) if class_id in item.barred_from]


def classed(scheme: Scheme, units: Sequence[Standing]) -> list[Standing]:
    """Return a group's standings, which are in order of rank, each with its class.

    Each class takes from the units that those above it left and no veto bars. A share is one of the
    units with a rank. One that a veto leaves without rank has the first class without a share that
    it reaches; without a final there is no class.
    """
    rule = scheme.class_rule
    left = [item for item in units if item.rank is not None and item.final is not None]
    count = len(left)
    classes: dict[str, str] = {}
    for unit in units:
        if unit.rank is None and unit.final is not None:
            open_to = [
                item.id
                for item in scheme.classes
                if item.percent is None
                and item.reached_by(unit.final)
                and not barring(scheme, unit, item.id)
            ]
            classes.update((unit.unit, class_id) for class_id in open_to[:1])
    for item in scheme.classes:
        places = count
        if rule is not None and item.percent is not None:
            places = rule.places(item.percent, count)
        for _rank, equals in groupby(left, key=lambda unit: unit.rank):
            reaching = [unit for unit in equals if item.reached_by(unit.final or Decimal(0))]
            entering = [unit for unit in reaching if not barring(scheme, unit, item.id)]
            if rule is None or rule.vacated != "empty":
                reaching = entering
            few = len(reaching) > places
            if few and (places <= 0 or (rule is not None and rule.ties == "out")):
                break
            places -= len(reaching)
            classes.update((unit.unit, item.id) for unit in entering)
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


def rank_key(scheme: Scheme, item: Standing) -> RankKey:
    """Return what a unit is ranked by, higher first: its published final, then each tie-break."""
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
        if member not in (COMPOSITE, FINAL)
        and not member.endswith(VETO)
        and not isinstance(value, Absent | str)
    )


def _published(value: Score, digits: int) -> Decimal | None:
    return None if isinstance(value, Absent | str) else round_half_up(value, digits)
