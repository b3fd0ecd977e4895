"""Weights that make up a whole, and each unit's composite as a function of them.

A composite is a constant, and a weighted mean of parts: of the stages, or of what one weighted step
inside a stage takes together. While absent parts stay absent, this is exact for any weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from wuhu_appraisal.analysis.groups import ScoredGroup
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, Key, Score, StepRow
from wuhu_appraisal.scheme.plan import PlannedStep, planned
from wuhu_appraisal.scheme.rules import Rescale, RollUp
from wuhu_appraisal.score.contributions import ScoredStage
from wuhu_appraisal.score.operations import ONE
from wuhu_appraisal.score.steps import composites, run_steps

ZERO = Fraction(0)
NEARLY_ALL = 1 - Fraction(1, 10**9)
"""The share of a weight that may move to another: no weight of a scheme is 0."""

LINEAR = ("sum", "mean", "weighted")
"""The roll-ups that give each score a share which does not depend on the scores."""


@dataclass(frozen=True)
class Weighting:
    """The weights of some members, and what each member adds to each unit's composite.

    The composite of a unit is ``rest`` and the mean of its ``parts`` by the weights, those that are
    None left out. ``stage`` is the stage whose score the mean, divided by the unit's ``share``, is
    a part of. Without a ``title`` the weights are those of the stages, and ``stage`` is ''.
    """

    title: Bilingual | None
    stage: str
    titles: Mapping[str, Bilingual]
    weights: Mapping[str, Fraction]
    rest: Mapping[str, Fraction]
    parts: Mapping[str, Mapping[str, Fraction | None]]
    share: Mapping[str, Fraction] = field(default_factory=dict)

    @cached_property
    def now(self) -> Mapping[str, Fraction]:
        """The exact composite of each unit by the weights as they are."""
        return {unit: self.composite(unit, self.weights) for unit in self.parts}

    @cached_property
    def whole(self) -> Fraction:
        """What the weights add up to."""
        return sum(self.weights.values(), ZERO)

    def composite(self, unit: str, weights: Mapping[str, Fraction]) -> Fraction:
        """Return the exact composite of a unit with other weights of the same members."""
        counted = [
            (weights[name], part) for name, part in self.parts[unit].items() if part is not None
        ]
        if not counted:
            return self.rest[unit]
        whole = sum((weight for weight, _part in counted), ZERO)
        return self.rest[unit] + sum((weight * part for weight, part in counted), ZERO) / whole

    def counts_alike(self, unit: str, other: str) -> bool:
        """Tell whether the same members count for two units."""
        own, others = self.parts[unit].items(), self.parts[other]
        return all((part is None) == (others[name] is None) for name, part in own)

    def stages(self, unit: str, composite: Fraction, before: Fraction) -> dict[str, Fraction]:
        """Return the change of its stage's score that a change of the composite comes from."""
        share = self.share.get(unit)
        return {self.stage: (composite - before) / share} if share else {}


@dataclass(frozen=True)
class Recomputed(Weighting):
    """The weights of a step behind which scores have no fixed share: each time all is computed again."""

    group: ScoredGroup = field(kw_only=True)
    place: int = field(kw_only=True)
    _known: dict[tuple[Fraction, ...], Mapping[Key, StepRow]] = field(default_factory=dict)

    def composite(self, unit: str, weights: Mapping[str, Fraction]) -> Fraction:
        """See ``Weighting.composite``; as it is where no number follows from these weights."""
        key = tuple(weights.values())
        if key not in self._known:
            self._known[key] = self._rows(weights)
        value = self._known[key][unit,].value
        return value if isinstance(value, Fraction) else self.rest[unit]

    def _rows(self, weights: Mapping[str, Fraction]) -> Mapping[Key, StepRow]:
        group = self.group
        scheme, traces = group.scheme, group.result.traces[group.id].stages
        stage, trace = scheme.stage(self.stage), traces[self.stage]
        plan = stage.plans[group.id]
        step, *later = planned(scheme, plan)[self.place :]
        changed = replace(step, shares={**step.shares, **weights})
        table = trace.tables[self.place]
        again, _findings = run_steps(scheme, stage, plan, [changed, *later], table)
        steps = [*trace.steps[: self.place], *again]
        rows, _findings = composites(
            scheme, group.id, {**traces, self.stage: replace(trace, steps=steps)}
        )
        return rows.rows


@dataclass(frozen=True)
class Movement:
    """Points that go to one member's weight from another's, or from all others in proportion.

    ``most`` is how many there are to move, but for a trace: no weight of a scheme is 0.
    """

    weighting: Weighting
    to: str
    of: str | None
    towards: Mapping[str, Fraction]
    most: Fraction

    @property
    def direction(self) -> str:
        """Where the weight of ``to`` goes: up or down."""
        return "up" if self.towards[self.to] > 0 else "down"

    def weights(self, points: Fraction) -> dict[str, Fraction]:
        """Return the weights after so many points have moved."""
        before = self.weighting.weights
        return {name: before[name] + points * self.towards[name] for name in before}

    @cached_property
    def slopes(self) -> Mapping[str, Fraction]:
        """What one point adds to the composite of each unit whose composite is linear."""
        whole = self.weighting.whole
        return {
            unit: sum((self.towards[name] * (part or ZERO) for name, part in parts.items()), ZERO)
            / whole
            for unit, parts in self.weighting.parts.items()
            if parts and None not in parts.values()
        }

    def composite(self, unit: str, points: Fraction) -> Fraction:
        """Return the exact composite of a unit after so many points have moved."""
        slope = self.slopes.get(unit)
        if slope is not None:
            return self.weighting.now[unit] + points * slope
        return self.weighting.composite(unit, self.weights(points))

    def points_for(self, unit: str, composite: Fraction) -> Fraction | None:
        """Return how many points give a unit this composite; None if none do, or any."""
        weighting = self.weighting
        lack = composite - weighting.rest[unit]
        constant = slope = ZERO
        for name, part in weighting.parts[unit].items():
            if part is not None:
                constant += weighting.weights[name] * (part - lack)
                slope += self.towards[name] * (part - lack)
        return -constant / slope if slope else None


def movements(weighting: Weighting) -> Iterator[Movement]:
    """Yield each way to change one weight, the others in proportion, and to move it between two."""
    weights, whole = weighting.weights, weighting.whole
    for name, weight in weights.items():
        rest = whole - weight
        if not rest:
            continue
        more = {other: -share / rest for other, share in weights.items()} | {name: ONE}
        less = {other: -share for other, share in more.items()}
        yield Movement(weighting, name, None, more, rest * NEARLY_ALL)
        yield Movement(weighting, name, None, less, weight * NEARLY_ALL)
    for of, weight in weights.items():
        for to in weights:
            if of != to:
                towards = dict.fromkeys(weights, ZERO) | {of: -ONE, to: ONE}
                yield Movement(weighting, to, of, towards, weight * NEARLY_ALL)


def stage_weighting(group: ScoredGroup) -> Weighting | None:
    """Return the weights of the stages; None where stages are added up, or there is only one."""
    scheme = group.scheme
    if scheme.composite.by == "sum" or len(scheme.stages) < 2:
        return None
    scales = scheme.brought or [ONE] * len(scheme.stages)
    weights = {stage.id: Fraction(stage.weight or 0) for stage in scheme.stages}
    parts: dict[str, dict[str, Fraction | None]] = {}
    rest = dict.fromkeys(group.rows, ZERO)
    for unit, row in group.rows.items():
        if scheme.kind_of(unit) is not None:
            # Units of a kind have weights of their own.
            rest[unit], parts[unit] = group.composite[unit], dict.fromkeys(weights, ZERO)
            continue
        factor = scheme.factor_of(unit)
        times = ONE if factor is None else Fraction(factor.factor)
        policies = scheme.composite.missing, scheme.composite.not_applicable
        parts[unit] = {
            name: _number(value, *policies, times * scale)
            for name, value, scale in zip(row.members, row.values, scales, strict=True)
        }
    return Weighting(
        None,
        "",
        {stage.id: stage.title for stage in scheme.stages},
        weights,
        rest,
        parts,
    )


def _number(value: Score, missing: str, not_applicable: str, times: Fraction) -> Fraction | None:
    """Return a part as a number; None for one that the policy leaves out."""
    if isinstance(value, Absent):
        policy = not_applicable if value is Absent.NOT_APPLICABLE else missing
        return ZERO if policy == "zero" and value is not Absent.SET_ASIDE else None
    assert not isinstance(value, str)
    return Fraction(value) * times


def step_weightings(group: ScoredGroup) -> Iterator[Weighting]:
    """Yield the weights of each weighted step of the group's stages, by parent in a tree.

    Where a later step does not give each score a fixed share, all is computed again for each weighting.
    A stage of which an item breaks ties is passed over.
    """
    of_ties = {tie.stage for tie in group.scheme.ranking.ties if tie.item}
    for stage in group.scheme.stages:
        if stage.id in of_ties:
            continue
        trace = group.result.traces[group.id].stages[stage.id]
        scored = ScoredStage(group.scheme, stage, group.id, trace)
        for place, step in enumerate(scored.steps):
            declared = step.step
            if isinstance(declared, RollUp) and declared.by == "weighted" and step.shares:
                behind = scored.steps[place + 1 :]
                linear = not step.bounds and all(is_linear(later) for later in behind)
                yield from (_weightings if linear else _recomputed)(group, scored, place)


def is_linear(step: PlannedStep) -> bool:
    """Tell whether a step gives each score a share that does not depend on the scores."""
    declared = step.step
    if step.bounds:
        return False
    return isinstance(declared, Rescale) or (isinstance(declared, RollUp) and declared.by in LINEAR)


def _weightings(group: ScoredGroup, scored: ScoredStage, place: int) -> Iterator[Weighting]:
    """Yield a weighting for the members of each parent of a weighted step."""
    step, declared = scored.steps[place], scored.steps[place].step
    assert isinstance(declared, RollUp)
    table = scored.trace.steps[place]
    at = table.dimensions.index(declared.roll_up) if step.parents else None
    for parent, members in _families(step):
        rest: dict[str, Fraction] = {}
        parts: dict[str, dict[str, Fraction | None]] = {}
        share: dict[str, Fraction] = {}
        for unit, whole in group.rows.items():
            shares = dict(zip(whole.members, whole.coefficients, strict=True))
            of_stage = shares.get(scored.stage.id)
            if not of_stage:
                continue
            assert isinstance(whole.value, Fraction)
            rows = [
                (table.rows[key], of_stage * of_row)
                for key, of_row in _rows(scored, place, unit)
                if at is None or key[at] == parent
            ]
            added = _added(rows, members, declared)
            if added is None:
                continue
            held = sum((of_row * Fraction(row.value) for row, of_row in rows), ZERO)  # type: ignore[arg-type]
            rest[unit], parts[unit], share[unit] = whole.value - held, added, of_stage
        if parts:
            yield Weighting(*_named(scored, place, parent, members), rest, parts, share)


def _recomputed(group: ScoredGroup, scored: ScoredStage, place: int) -> Iterator[Weighting]:
    """Yield the same where scores have no fixed share behind the step."""
    share = {
        unit: dict(zip(row.members, row.coefficients, strict=True)).get(scored.stage.id, ZERO)
        for unit, row in group.rows.items()
    }
    parts: dict[str, dict[str, Fraction | None]] = {unit: {} for unit in group.rows}
    for parent, members in _families(scored.steps[place]):
        named = _named(scored, place, parent, members)
        yield Recomputed(*named, group.composite, parts, share, group=group, place=place)


def _families(step: PlannedStep) -> Iterator[tuple[str, list[str]]]:
    """Yield the members that are weighed against each other, under their parent in a tree."""
    families: dict[str, list[str]] = {}
    for name in step.shares:
        families.setdefault(step.parents.get(name, ""), []).append(name)
    yield from ((parent, members) for parent, members in families.items() if len(members) > 1)


def _named(
    scored: ScoredStage, place: int, parent: str, members: Sequence[str]
) -> tuple[Bilingual, str, dict[str, Bilingual], dict[str, Fraction]]:
    """Return what the weights of a step are called, their stage, and each with its title."""
    step, declared = scored.steps[place], scored.steps[place].step
    assert isinstance(declared, RollUp)
    titles = {name: scored.scheme.title_of(scored.plan, declared.roll_up, name) for name in members}
    weights = {name: step.shares[name] for name in members}
    return _title(scored, declared, parent), scored.stage.id, titles, weights


def _title(scored: ScoredStage, step: RollUp, parent: str) -> Bilingual:
    """Return what a weighted step inside a stage is called."""
    named = scored.plan.dimensions[step.roll_up].title or Bilingual(step.roll_up, step.roll_up)
    stage = scored.stage.title
    if parent:
        inner = scored.scheme.title_of(scored.plan, step.roll_up, parent)
        named = Bilingual(f"{named.zh} {inner.zh}", f"{named.en} {inner.en}")
    return Bilingual(f"{stage.zh}：{named.zh}", f"{stage.en}: {named.en}")


def _rows(scored: ScoredStage, place: int, unit: str) -> list[tuple[Key, Fraction]]:
    """Return the numbers of a step that count in a unit's stage score, each with its share."""
    rows: list[tuple[Key, Fraction]] = [((unit,), ONE)]
    later = range(len(scored.steps) - 1, place, -1)
    for at in later:
        table, step = scored.trace.steps[at], scored.steps[at]
        rows = [
            (step.input_key(key, member), share * coefficient)
            for key, share in rows
            for member, coefficient in zip(
                table.rows[key].members, table.rows[key].coefficients, strict=True
            )
            if coefficient
        ]
    return rows


def _added(
    rows: Sequence[tuple[StepRow, Fraction]], members: Sequence[str], step: RollUp
) -> dict[str, Fraction | None] | None:
    """Return the parts of several weighted means as those of one.

    None where they leave out different members, as then there is no such mean, or where one is absent.
    """
    added: dict[str, Fraction | None] = {}
    patterns = set()
    for row, share in rows:
        if isinstance(row.value, Absent | str):
            return None
        own = {
            name: _number(value, step.missing, step.not_applicable, share)
            for name, value in zip(row.members, row.values, strict=True)
        }
        patterns.add(frozenset(name for name, part in own.items() if part is not None))
        for name in members:
            part = own.get(name)
            added[name] = None if part is None else (added.get(name) or ZERO) + part
    return added if len(patterns) == 1 else None
