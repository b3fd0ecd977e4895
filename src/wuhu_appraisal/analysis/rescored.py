"""The units that two results have, scored again with some parts of the old and some of the new one.

Sides are 0 for the old result and 1 for the new one. Units and raters stand under their new names
unless said otherwise.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress, product
from typing import Literal, NamedTuple, TypeAlias

from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import _, joined, listed
from wuhu_appraisal.model import (
    Absent,
    Block,
    Decision,
    Key,
    Record,
    Score,
    ScoreTable,
    StageTrace,
    Standing,
    StepRow,
    StepTable,
    within,
)
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Factor, Plan, Scheme, Unit
from wuhu_appraisal.scheme.plan import PlannedStep, initial, planned
from wuhu_appraisal.score.facts import FactScore
from wuhu_appraisal.score.ranking import finals
from wuhu_appraisal.score.steps import composites, run_steps

Kind: TypeAlias = Literal[
    "scores", "rules", "weights", "adjustments", "decisions", "group", "rounding"
]
Points: TypeAlias = Mapping[str, Score]

_CHANGING = ("set_aside", "read_as", "correct")
"""The decisions that change what a cell counts as."""

_WEIGHING = ("by", "out_of", "weights")
"""The rules of the composite that go with the weights of the stages."""

_SIDES = (0, 1)
MOST = 8
"""So many parts are taken one by one."""


class Player(NamedTuple):
    """What is taken from the old result or from the new one; some are so for each stage alone."""

    kind: Kind
    stage: str = ""


WEIGHTS, RULES, ADJUSTMENTS = Player("weights"), Player("rules"), Player("adjustments")
DECISIONS, GROUP = Player("decisions"), Player("group")


@dataclass(frozen=True, slots=True)
class Joined:
    """Players that are only taken together; ``why`` there is no number for one without the others."""

    players: tuple[Player, ...]
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """A group of the old result and one of the new one, with the units that are in both.

    ``names`` has the new name of each of these units by the old one, ``all_names`` that of every
    unit and rater.
    """

    results: tuple[Result, Result]
    groups: tuple[str, str]
    names: Mapping[str, str]
    all_names: Mapping[str, str]

    @cached_property
    def schemes(self) -> tuple[Scheme, Scheme]:
        """The two schemes."""
        return self.results[0].scheme, self.results[1].scheme

    @cached_property
    def old_names(self) -> dict[str, str]:
        """The old name of each unit and rater by the new one."""
        return {new: old for old, new in self.all_names.items()}

    @cached_property
    def standings(self) -> list[dict[str, Standing]]:
        """The standings of either group by the units' own names."""
        return [
            {item.unit: item for item in self.results[side].standings[self.groups[side]]}
            for side in _SIDES
        ]

    @cached_property
    def decisions(self) -> list[list[Decision]]:
        """The decisions of either side that change a cell and are not in the other."""
        made = [
            {
                item.decision.model_dump_json(): item.decision
                for item in result.decisions
                if item.decision.decide in _CHANGING
            }
            for result in self.results
        ]
        return [
            [item for key, item in made[side].items() if key not in made[1 - side]]
            for side in _SIDES
        ]

    @cached_property
    def unchanged_files(self) -> set[str]:
        """The files that both sides read, where only decisions can make them say something else."""
        old, new = ({(it.file, it.sha256) for it in result.sources} for result in self.results)
        decided = any(self.decisions)
        same = self.results[0].scheme_sha256 == self.results[1].scheme_sha256
        return {file for file, _hash in old & new} if decided and same else set()

    @cached_property
    def records(self) -> list[dict[bool, list[Record]]]:
        """The records of either side, by whether decisions made them what they are."""
        sides: list[dict[bool, list[Record]]] = []
        for side in _SIDES:
            records: dict[bool, list[Record]] = {False: [], True: []}
            for old, new in self.names.items():
                for item in self.standings[side][(old, new)[side]].records:
                    decided = item.source.file in self.unchanged_files
                    decided |= any(within(it, item.source) for it in self.decisions[side])
                    records[decided].append(replace(item, unit=new))
            sides.append(records)
        return sides

    @cached_property
    def stages(self) -> dict[str, "StagePair"]:
        """The stages of either side, by their ids."""
        ids = [stage.id for scheme in self.schemes for stage in scheme.stages]
        return {stage: StagePair(self, stage) for stage in dict.fromkeys(ids)}

    @cached_property
    def blocks(self) -> list[Joined]:
        """What differs, as far as each can be taken without the others."""
        blocks = [Joined((player,)) for player in self._players()]
        for stage in self.stages.values():
            for players, why in stage.inseparable():
                blocks = _united(blocks, players, why)
        if self.schemes[0].composite.by != self.schemes[1].composite.by:
            blocks = _united(blocks, {WEIGHTS, RULES}, _("the stages are put together otherwise"))
        ids = [{item.id for item in scheme.recorded} for scheme in self.schemes]
        if any(item.id not in ids[0] & ids[1] for side in self.records for item in side[True]):
            why = _("a decision is about an adjustment or a veto that only one scheme has")
            blocks = _united(blocks, {ADJUSTMENTS, DECISIONS}, why)
        # Each more doubles what is to be scored again; those of one kind still are one kind of part.
        for kind in ("decisions", "rules", "scores"):
            if len(blocks) > MOST:
                alike = [block for block in blocks if {it.kind for it in block.players} == {kind}]
                blocks = _united(blocks, {it for block in alike for it in block.players})
        return blocks

    def _players(self) -> Iterator[Player]:
        """Yield what differs between the sides, as far as it can change a final."""
        for stage in self.stages.values():
            yield from stage.players
        if GROUP in {kind for stage in self.stages.values() for kind in stage.kinds}:
            yield GROUP
        for player, values in (
            (WEIGHTS, map(self._weights, _SIDES)),
            (RULES, map(self._rules, _SIDES)),
            (ADJUSTMENTS, zip(map(_adjusting, self.schemes), self._given(False), strict=True)),
            (DECISIONS, self._given(True)),
        ):
            old, new = values
            if old != new:
                yield player

    def _weights(self, side: int) -> object:
        scheme = self.schemes[side]
        return (
            scheme.composite.model_dump(include=set(_WEIGHING)),
            [(item.id, item.weight, item.out_of) for item in scheme.stages],
            [scheme.kind_of(names[side]) for names in self.names.items()],
        )

    def _rules(self, side: int) -> object:
        """The rules from the composite on, but for the weights, the adjustments and rounding."""
        scheme, apart = self.schemes[side], {*_WEIGHING, "factors", "checks", "clause"}
        dumped = [
            it.model_dump(exclude={*apart, "digits", "rounding"})
            for it in (scheme.composite, scheme.final)
        ]
        return dumped, [factor.model_dump(exclude={"clause"}) for factor in self._factors(side)]

    def _given(self, decided: bool) -> list[list[tuple[object, ...]]]:
        return [
            sorted((item.unit, item.id, item.points) for item in side[decided])
            for side in self.records
        ]

    def finals(self, new: frozenset[Player]) -> Points:
        """Return the exact final of each unit, with these players from the new side."""
        weights, adjustments, decided = (it in new for it in (WEIGHTS, ADJUSTMENTS, DECISIONS))
        scheme = self._schemes[weights, RULES in new, adjustments]
        group = self.groups[weights]
        traces = {}
        for stage in scheme.stages:
            points = self.stages[stage.id].points(new)
            rows: dict[Key, StepRow] = {
                (unit,): StepRow(value, (), (), ()) for unit, value in points.items()
            }
            table = StepTable(("unit",), rows)
            traces[stage.id] = StageTrace(stage.id, group, ScoreTable(("unit",), []), [table])
        records = [*self.records[adjustments][False], *self.records[decided][True]]
        composite, _findings = composites(scheme, group, traces)
        return {key[0]: row.value for key, row in finals(scheme, composite, records).rows.items()}

    def traced(self, side: int) -> Points:
        """Return the exact final of each unit in the result of one side."""
        rows = self.results[side].traces[self.groups[side]].final.rows
        return {names[1]: rows[names[side],].value for names in self.names.items()}

    @cached_property
    def _schemes(self) -> dict[tuple[bool, ...], Scheme]:
        """A scheme for these units alone, by whether weights, rules and adjustments are the new ones."""
        made = {}
        for sides in product((False, True), repeat=3):
            weighed, base, adjusts = (self.schemes[side] for side in sides)
            units = [
                Unit(
                    name=names[1],
                    kind=weighed.kind_of(names[sides[0]]),
                    # An old name may be the new one of another unit.
                    aliases=[names[0]] if names[0] not in self.names.values() else [],
                )
                for names in self.names.items()
            ]
            group = {"id": self.groups[sides[0]], "units": units}
            composite = {key: getattr(weighed.composite, key) for key in _WEIGHING}
            composite["factors"] = self._factors(sides[1])
            own = {
                "groups": [base.group(self.groups[sides[1]]).model_copy(update=group)],
                "stages": weighed.stages,
                "composite": base.composite.model_copy(update=composite),
                "adjustments": adjusts.adjustments,
                "adjusting": adjusts.adjusting,
                "vetoes": adjusts.vetoes,
            }
            # Without a validation that would take its time: all of its parts were checked.
            made[sides] = Scheme.model_construct(**(dict(base) | own))
        return made

    def _factors(self, side: int) -> list[Factor]:
        """The factors of one side's rules, with the units under their new names."""
        scheme = self.schemes[side]
        known, new = scheme.unit_names(), {it[side]: it[1] for it in self.names.items()}
        return [
            factor.model_copy(
                update={
                    "units": [new[name] for it in factor.units if (name := known.match(it)) in new]
                }
            )
            for factor in scheme.composite.factors
        ]


def _united(blocks: Sequence[Joined], players: set[Player], why: str = "") -> list[Joined]:
    """Return the blocks with those that hold any of the players as one."""
    inside = [block for block in blocks if players & set(block.players)]
    if len(inside) < 2:
        return list(blocks)
    one = Joined(
        tuple(player for block in inside for player in block.players),
        tuple(filter(None, dict.fromkeys([*(it for block in inside for it in block.why), why]))),
    )
    return [one if it is inside[0] else it for it in blocks if it not in inside[1:]]


def _adjusting(scheme: Scheme) -> object:
    apart = {"title", "clause", "form", "groups", "requires", "if_absent"}
    rules = [item.model_dump(exclude=apart) for item in scheme.recorded]
    return rules, scheme.adjusting.model_dump()


@dataclass(frozen=True)
class StagePair:
    """A stage of the groups of a pair; one of the sides may not have it."""

    pair: Pair
    stage: str

    @cached_property
    def sides(self) -> list[int]:
        """The sides that have the stage."""
        return [
            side
            for side in _SIDES
            if any(item.id == self.stage for item in self.pair.schemes[side].stages)
        ]

    def _plan(self, side: int) -> Plan:
        return self.pair.schemes[side].stage(self.stage).plans[self.pair.groups[side]]

    def _steps(self, side: int) -> list[PlannedStep]:
        return planned(self.pair.schemes[side], self._plan(side))

    def _trace(self, side: int) -> StageTrace:
        return self.pair.results[side].traces[self.pair.groups[side]].stages[self.stage]

    def _key(self, side: int, members: Iterable[str]) -> Key:
        """Return a key of one side with the new names."""
        names = {} if side else self.pair.all_names
        return tuple(names.get(member, member) for member in members)

    @cached_property
    def scores(self) -> dict[int, dict[Key, Score]]:
        """The scores of either side."""
        return {
            side: {self._key(side, key): value for key, value in self._trace(side).scores.items()}
            for side in self.sides
        }

    @cached_property
    def decided(self) -> set[Key]:
        """The keys of the scores that are what they are by a decision of one side alone."""
        if not any(self.pair.decisions) or len(self.sides) < 2:
            return set()
        old, new = self.scores[0], self.scores[1]
        about: set[Key] = set()
        where: dict[Key, set[str]] = {}
        for side in self.sides:
            for block in self._trace(side).scores.blocks:
                for key, source in self._places(side, block):
                    where.setdefault(key, set()).add(block.file)
                    if any(within(item, source) for item in self.pair.decisions[side]):
                        about.add(key)
        return {
            key
            for key, files in where.items()
            if old.get(key) != new.get(key) and (key in about or files <= self.pair.unchanged_files)
        }

    def _places(self, side: int, block: Block) -> Iterator[tuple[Key, Source]]:
        dimensions = self._trace(side).scores.dimensions
        size = (len(block.rows.members), len(block.columns.members))
        for row, column in product(*map(range, size)):
            at = {**block.fixed, **block.rows.member(row), **block.columns.member(column)}
            key = self._key(side, [at[name] for name in dimensions])
            yield from ((key, source) for source in block.sources(row, column))

    @cached_property
    def kinds(self) -> list[Player]:
        """What differs between the sides, as far as it can change the stage's score."""
        scores, rules, decisions = (
            Player(kind, self.stage) for kind in ("scores", "rules", "decisions")
        )
        if len(self.sides) < 2:
            return [scores, rules]
        own, decided = set(self.pair.names.values()), self.decided
        undecided = [
            {
                key: it
                for key, it in self.scores[side].items()
                if key[0] in own and key not in decided
            }
            for side in _SIDES
        ]
        strangers = any(key[0] not in own for side in _SIDES for key in self.scores[side])
        differs = {
            scores: undecided[0] != undecided[1],
            rules: self._steps(0) != self._steps(1) or bool(self._other_grain),
            decisions: bool(decided),
            GROUP: strangers and any(map(self._compares_units, _SIDES)),
        }
        return [player for player, other in differs.items() if other]

    @property
    def players(self) -> list[Player]:
        """The kinds that are this stage's alone."""
        return [player for player in self.kinds if player.stage]

    def _compares_units(self, side: int) -> bool:
        """Tell whether a unit's score depends on the other units of its group."""
        items = [item for step in self._steps(side) for item in step.scored.values()]
        return any(FactScore(item).grouped for item in items)

    @cached_property
    def _other_grain(self) -> list[str]:
        """Why the scores of one side cannot go through the steps of the other."""
        schemes = self.pair.schemes
        old, new = (initial(schemes[side], self._plan(side)) for side in _SIDES)
        why = []
        if (old.dimensions, old.graded) != (new.dimensions, new.graded):
            why.append(_("the sheets are laid out otherwise"))
        if old.full_marks != new.full_marks:
            why.append(_("the full marks of each score are others"))
        for name in old.dimensions[1:]:
            before, after = (
                self._key(side, grain.members.get(name, ())) for side, grain in ((0, old), (1, new))
            )
            came = [member for member in after if member not in before]
            went = [member for member in before if member not in after]
            if (came or went) and name in self._plan(1).rater_dimensions:
                # They stand in no letter to a unit.
                why.append(_("other raters"))
                continue
            for side, text, members in (
                (1, _("new: {members}"), came),
                (0, _("gone: {members}"), went),
            ):
                if members:
                    why.append(text.format(members=listed(self._titles(side, name, members))))
        shared = [item for item in old.marks if item in new.marks]
        other = [item for item in shared if old.marks[item] != new.marks[item]]
        if other:
            titles = listed(self._titles(1, new.marked, other))
            why.append(_("other marks: {members}").format(members=titles))
        return why

    def _titles(self, side: int, dimension: str, members: Sequence[str]) -> list[str]:
        scheme, plan = self.pair.schemes[side], self._plan(side)
        return [str(scheme.title_of(plan, dimension, member)) for member in members]

    def inseparable(self) -> Iterator[tuple[set[Player], str]]:
        """Yield players that cannot be taken one without another, and why."""
        schemes, own = self.pair.schemes, set(self.kinds)
        title = schemes[self.sides[-1]].stage(self.stage).title
        if len(self.sides) < 2:
            came, went = _("{stage}: a new stage"), _("{stage}: a stage that is gone")
            text = came if self.sides[0] else went
            yield own | {WEIGHTS}, text.format(stage=title)
            return
        if schemes[0].stage(self.stage).out_of != schemes[1].stage(self.stage).out_of:
            rules = Player("rules", self.stage)
            yield {rules, WEIGHTS}, _("{stage}: other full marks").format(stage=title)
        counts = [
            [
                self.stage in schemes[side].weights_of(schemes[side].kind_of(it[side]))
                for it in names
            ]
            for names in [self.pair.names.items()]
            for side in _SIDES
        ]
        if counts[0] != counts[1]:
            why = _("{stage}: does not count for the same units").format(stage=title)
            yield own | {WEIGHTS}, why
        if self._other_grain:
            why = _("{stage}: {why}").format(stage=title, why=joined(self._other_grain))
            yield own, why
        elif self._lacks_numbers():
            yield own, _("{stage}: no score with one of them alone").format(stage=title)

    def _lacks_numbers(self) -> bool:
        """Tell whether a unit with a score on both sides has none with some players of either."""
        mixed = [
            self.points(frozenset(compress(self.kinds, bits)))
            for bits in product((False, True), repeat=len(self.kinds))
        ]
        return any(
            any(absent) and not (absent[0] or absent[-1])
            for unit in self.pair.names.values()
            for absent in [
                [isinstance(points.get(unit, Absent.MISSING), Absent) for points in mixed]
            ]
        )

    @cached_property
    def _points(self) -> dict[tuple[int, ...], Points]:
        return {}

    def points(self, new: frozenset[Player]) -> Points:
        """Return the score of each unit in the stage, with these players from the new side."""
        if len(self.sides) < 2:
            return self._traced(self.sides[0])
        taken = {player.kind: int(player in new) for player in self.kinds}
        # What is the same on both sides goes with the others.
        rest = next(iter(taken.values()), 0)
        sides = tuple(taken.get(kind, rest) for kind in ("rules", "scores", "decisions", "group"))
        if sides not in self._points:
            self._points[sides] = (
                self._scored(*sides) if len(set(sides)) > 1 else self._traced(rest)
            )
        return self._points[sides]

    def _traced(self, side: int) -> Points:
        named = self.pair.names
        values = self._trace(side).tables[-1].items()
        units = ((key[0] if side else named.get(key[0], ""), value) for key, value in values)
        own = set(named.values())
        return {unit: value for unit, value in units if unit in own}

    def _scored(self, rules: int, scores: int, decisions: int, group: int) -> Points:
        """Take scores through the steps of one side."""
        own = set(self.pair.names.values())
        names = {} if rules else self.pair.old_names
        rows: dict[Key, StepRow] = {}
        for side in _SIDES:
            for key, value in self.scores[side].items():
                source = group
                if key[0] in own:
                    source = decisions if key in self.decided else scores
                if source == side:
                    full = tuple(names.get(member, member) for member in key)
                    rows[full] = StepRow(value, (), (), ())
        scheme, plan = self.pair.schemes[rules], self._plan(rules)
        stage, steps = scheme.stage(self.stage), self._steps(rules)
        table = StepTable(steps[0].before.dimensions if steps else ("unit",), rows)
        tables, _findings = run_steps(scheme, stage, plan, steps, table)
        back = {} if rules else self.pair.all_names
        last = [table, *tables][-1]
        values = {back.get(key[0], key[0]): value for key, value in last.items()}
        return {unit: value for unit, value in values.items() if unit in own}
