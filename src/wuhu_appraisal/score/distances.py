"""Scores that are far from the same unit's others: of a rater, a round, a body or a stage.

The checks report a score with its cell, the median of the others and the distance; they change none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import NamedTuple

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Key, ScoreTable, StageTrace, Table, insert
from wuhu_appraisal.numbers import short_text
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import PlannedStep, planned
from wuhu_appraisal.scheme.rules import Distance, RollUp

_FEWEST = 3
"""The fewest scores of a sheet that are said to be far away all together."""


class _Far(NamedTuple):
    """A number that is far from the others: its member, or both members where there are only two."""

    members: tuple[str, ...]
    distance: Fraction
    median: Fraction


def far_from_others(numbers: Mapping[str, Fraction], limit: Fraction) -> Iterator[_Far]:
    """Yield the numbers that are more than ``limit`` from the median of the others.

    The farthest comes first and is left out of the comparison after it, so that a wrong number
    makes no right one look wrong. Of two that are left nobody can tell which one is wrong.
    """
    left = sorted(numbers, key=numbers.__getitem__)
    while len(left) > 1 and numbers[left[-1]] - numbers[left[0]] > limit:
        # None is farther from the median of the others than the lowest or the highest.
        low = median(numbers[name] for name in left[1:])
        high = median(numbers[name] for name in left[:-1])
        below, above = low - numbers[left[0]], numbers[left[-1]] - high
        if len(left) == 2:
            yield _Far(tuple(left), below, low)
            return
        if max(below, above) <= limit:
            return
        if below >= above:
            yield _Far((left.pop(0),), below, low)
        else:
            yield _Far((left.pop(),), above, high)


def _strictest(rules: Sequence[Distance], distance: Fraction) -> Distance:
    """Return the strictest of the rules that a distance is beyond."""
    beyond = [rule for rule in rules if distance > Fraction(rule.beyond)]
    return max(beyond, key=lambda rule: (rule.severity == "error", rule.beyond))


def places_of(scores: ScoreTable, wanted: Mapping[str, str]) -> list[Source]:
    """Return where the scores of these members stand: in each sheet a cell, or a range of cells."""
    places: list[Source] = []
    for block in scores.blocks:
        if any(wanted.get(name, member) != member for name, member in block.fixed.items()):
            continue
        common = {name: {member} for name, member in wanted.items()}
        for axis in (block.rows, block.columns):
            common.setdefault(axis.dimension, set(axis.members))
        cells = list(block.cells_in(common))
        if block.counted:
            places += [source for cell in cells for source in block.sources(*cell)]
        elif cells:
            first, last = block.source(*cells[0]), block.source(*cells[-1])
            area = first.cell if first == last else f"{first.cell}:{last.cell}"
            places.append(replace(first, cell=area))
    return places


def _listed(places: Sequence[object], most: int = 3) -> Bilingual:
    return Bilingual.listed((Bilingual(str(it), str(it)) for it in places), most)


_WHOLE = Fraction(100)
"""The full marks that the limits of distances are out of; points without an end are taken as they are."""

_DISTANT = frozenset({"score-distant", "scores-distant", "scores-apart", "total-distant"})
"""The findings about scores that are far from the others."""


class _Distant(NamedTuple):
    """A score that is far from the others, or two that are far from each other.

    The numbers are out of the scores' own full marks.
    """

    keys: tuple[Key, ...]
    values: tuple[Fraction, ...]
    median: Fraction
    distance: Fraction
    limit: Fraction
    rule: Distance


@dataclass(slots=True)
class Distances:
    """The scores of a stage that are far from the others of the same unit.

    ``reported`` has the keys of those that a finding is about, by the dimensions of their table.
    """

    scheme: Scheme
    stage: Stage
    plan: Plan
    scores: ScoreTable
    reported: dict[tuple[str, ...], set[Key]] = field(default_factory=dict)

    def has(self, key: Key) -> bool:
        """Tell whether a score as read is reported, or a number that is made of it."""
        at = self.scores.dimensions.index
        return any(
            tuple(key[at(name)] for name in names) in keys for names, keys in self.reported.items()
        )

    def findings(self, tables: Sequence[Table]) -> Iterator[Finding]:
        """Yield the findings about the tables that the steps take in, in the order of the steps."""
        asked = [rule for rule in self.plan.checks if isinstance(rule, Distance)]
        steps = planned(self.scheme, self.plan) if asked else []
        for step, table in zip(steps, tables, strict=False):
            # Facts of an item are not alike: what is made of them is compared.
            if isinstance(step.step, RollUp) and not step.by_facts:
                rules = [rule for rule in asked if rule.distance == step.step.roll_up]
                yield from self._in_table(rules, step, table) if rules else ()

    def _in_table(
        self, rules: Sequence[Distance], step: PlannedStep, table: Table
    ) -> Iterator[Finding]:
        """Yield a finding for each score that is far from the others, or one for a whole sheet."""
        dimension = rules[0].distance
        place = table.dimensions.index(dimension)
        by_member: dict[tuple[str, ...], list[_Distant]] = {}
        for item in self._far(rules, step, table):
            by_member.setdefault(tuple(key[place] for key in item.keys), []).append(item)
        for members, items in by_member.items():
            keys = {key for item in items for key in item.keys}
            in_sheet = self._in_sheet(table, place, members) if len(items) >= _FEWEST else set()
            if 2 * len(keys) > len(in_sheet) > 0:
                yield self._sheet_finding(dimension, members, items, len(in_sheet))
                keys = in_sheet
            else:
                yield from (self._finding(dimension, table, item) for item in items)
            self.reported.setdefault(table.dimensions, set()).update(keys)

    def _far(
        self, rules: Sequence[Distance], step: PlannedStep, table: Table
    ) -> Iterator[_Distant]:
        dimension = rules[0].distance
        place = table.dimensions.index(dimension)
        limit = min(Fraction(rule.beyond) for rule in rules)
        known = self._made_of_reported(table.dimensions)
        for rest, group in table.groups(dimension).items():
            numbers: dict[str, Fraction] = {}
            for member, value in zip(group.members, group.values, strict=True):
                if isinstance(value, Decimal | Fraction):
                    marks = step.before.marks_of(insert(rest, place, member)) or _WHOLE
                    numbers[member] = Fraction(value) * _WHOLE / marks
            for far in far_from_others(numbers, limit):
                keys = tuple(insert(rest, place, member) for member in far.members)
                rule = _strictest(rules, far.distance)
                share = (step.before.marks_of(keys[0]) or _WHOLE) / _WHOLE
                values = tuple(numbers[member] * share for member in far.members)
                if known.isdisjoint(keys):
                    points = (
                        far.median * share,
                        far.distance * share,
                        Fraction(rule.beyond) * share,
                    )
                    yield _Distant(keys, values, *points, rule)

    def _made_of_reported(self, dimensions: Sequence[str]) -> set[Key]:
        """Return the keys of a table's numbers that are made of a reported one."""
        return {
            tuple(key[names.index(name)] for name in dimensions)
            for names, keys in self.reported.items()
            if set(dimensions) <= set(names)
            for key in keys
        }

    def _in_sheet(self, table: Table, place: int, members: Collection[str]) -> set[Key]:
        """Return the keys of all scores of members that have a sheet each; none for other members."""
        if table is not self.scores:
            return set()
        keys = {
            key
            for key, value in table.items()
            if key[place] in members and isinstance(value, Decimal | Fraction)
        }
        sheets = {(at.file, at.sheet) for key in keys for at in table.sources(key)}
        return keys if len(sheets) == len(members) else set()

    def _places(self, names: Sequence[str], item: _Distant) -> list[Source]:
        keys = (dict(zip(names, key, strict=True)) for key in item.keys)
        return [at for key in keys for at in places_of(self.scores, key)]

    def _sheet_finding(
        self, dimension: str, members: Sequence[str], items: Sequence[_Distant], count: int
    ) -> Finding:
        """Return the finding about a sheet most of whose scores are far from the others."""
        rule = max((item.rule for item in items), key=lambda rule: rule.severity == "error")
        titles = [self.scheme.title_of(self.plan, dimension, member) for member in members]
        names = self.scores.dimensions
        return replace(
            finding(
                "scores-distant",
                places_of(self.scores, {dimension: members[0]})[0],
                stage=self.stage.title,
                member=Bilingual.listed(titles),
                count=len(items),
                cells=_listed([self._places(names, item)[0].cell for item in items], 10),
                total=count // len(members),
                dimension=self.plan.dimensions[dimension].title or dimension,
                limit=short_text(min(item.limit for item in items)),
                clause=rule.clause,
            ),
            severity=Severity(rule.severity),
        )

    def _finding(self, dimension: str, table: Table, item: _Distant) -> Finding:
        """Return the finding about a score, a number that is made of scores, or two of them."""
        names, key = table.dimensions, item.keys[0]
        places = self._places(names, item)
        rest = [name for name in names if name != dimension]
        of = [member for name, member in zip(names, key, strict=True) if name != dimension]
        is_read = table is self.scores
        digits = 4 if is_read else 2
        params: dict[str, object] = {
            "stage": self.stage.title,
            "unit": key[names.index("unit")],
            "dimension": self.plan.dimensions[dimension].title or dimension,
            "distance": short_text(item.distance, digits),
            "clause": item.rule.clause,
            "value": short_text(item.values[0], digits),
        }
        if len(item.keys) == 2:
            code = "scores-apart"
            place = names.index(dimension)
            first, second = (
                self.scheme.title_of(self.plan, dimension, one[place]) for one in item.keys
            )
            params |= {"first": first, "second": second, "places": _listed(places)}
            params |= {"other": short_text(item.values[1], digits)}
            params["of"] = self.scheme.titles_of(self.plan, rest, of)
        elif is_read:
            code = "score-distant"
            params |= {"cell": places[0].cell, "median": short_text(item.median, digits)}
            params["of"] = self.scheme.titles_of(self.plan, rest, of)
        else:
            code = "total-distant"
            params |= {"median": short_text(item.median, digits)}
            params["of"] = self.scheme.titles_of(self.plan, names, key)
        return replace(finding(code, places[0], **params), severity=Severity(item.rule.severity))


def check_stages(
    scheme: Scheme,
    group: str,
    stages: Mapping[str, StageTrace],
    findings: Mapping[str, Sequence[Finding]],
) -> Iterator[Finding]:
    """Yield the stages whose score is far from the unit's others, by the checks of the composite.

    ``findings`` has those of each stage: what a finding about a score explains is not said again.
    """
    rules = scheme.composite.checks
    if not rules:
        return
    values = {name: dict(trace.tables[-1].items()) for name, trace in stages.items()}
    ends = {name: scheme.stage(name).end or _WHOLE for name in stages}
    for unit in (unit.name for unit in scheme.group(group).units):
        scores = {name: of_units.get((unit,)) for name, of_units in values.items()}
        numbers = {
            name: Fraction(value) * _WHOLE / ends[name]
            for name, value in scores.items()
            if isinstance(value, Decimal | Fraction)
        }
        for far in far_from_others(numbers, min(Fraction(rule.beyond) for rule in rules)):
            name = far.members[0]
            if any(_explains(item, unit) for member in far.members for item in findings[member]):
                continue
            rule = _strictest(rules, far.distance)
            places = places_of(stages[name].scores, {"unit": unit})
            share = ends[name] / _WHOLE
            points = {"median": far.median * share, "distance": far.distance * share}
            params = {key: short_text(number, 2) for key, number in points.items()}
            item = finding(
                "stage-distant",
                places[0],
                stage=scheme.stage(name).title,
                unit=unit,
                value=short_text(numbers[name] * share, 2),
                **params,
                places=_listed(places),
                clause=rule.clause,
            )
            yield replace(item, severity=Severity(rule.severity))


def _explains(item: Finding, unit: str) -> bool:
    """Tell whether a finding about scores far from the others is about this unit's, or about all."""
    return item.code in _DISTANT and item.params.get("unit") in (None, unit)
