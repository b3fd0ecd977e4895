"""Check the scores of a stage and group across their cells; no check changes a score.

Duplicates are made missing, because nobody can say which of two scores is meant.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from statistics import median
from typing import NamedTuple, TypeAlias

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.model import Absent, Block, Key, ScoreTable, StageTrace, StepTable, Table
from wuhu_appraisal.names import nearest
from wuhu_appraisal.numbers import plain, short_text
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import PlannedStep, planned
from wuhu_appraisal.scheme.rules import Distance, Empty, Flat, Identical, Outlier, RollUp, Spread


def without_duplicates(
    scheme: Scheme, stage: Stage, plan: Plan, scores: ScoreTable
) -> tuple[ScoreTable, list[Finding]]:
    """Make every score that was given twice missing, with one finding for each two sheets.

    The finding names both places, and the first of the scores. A sheet that was set aside gives
    way to the other.
    """
    findings: list[Finding] = []
    scores = ScoreTable(scores.dimensions, list(_without_replaced(scores.blocks)))
    pairs = list(_overlaps(scores.blocks))
    values = {
        at: [list(row) for row in scores.blocks[at].values] for pair in pairs for at in pair[:2]
    }
    known = {pair[:2] for pair in pairs}
    reported: dict[int, list[int]] = {}
    for at, other, common in pairs:
        for index in (at, other):
            for row, column in _cells_in(scores.blocks[index], common):
                values[index][row][column] = Absent.MISSING
        # What is the same as the first of several is said once.
        if any((other, before) in known for before in reported.get(at, ())):
            continue
        reported.setdefault(at, []).append(other)
        block = scores.blocks[at]
        cells = list(_cells_in(block, common))
        row, column = cells[0]
        named = {**block.fixed, **block.rows.member(row), **block.columns.member(column)}
        key = tuple(named[name] for name in scores.dimensions)
        before = ScoreTable(scores.dimensions, [scores.blocks[other]]).sources(key)[0]
        of = scheme.titles_of(plan, scores.dimensions, key)
        params = {"stage": stage.title, "of": of, "first": before, "file": before.file}
        where = block.source(row, column)
        findings.append(finding("score-twice", where, **params, count=len(cells)))
    blocks = [
        replace(block, values=values[at]) if at in values else block
        for at, block in enumerate(scores.blocks)
    ]
    return ScoreTable(scores.dimensions, blocks), findings


def units_twice(scores: ScoreTable) -> frozenset[str]:
    """Return the units of which a score was given twice."""
    overlaps = _overlaps(scores.blocks)
    return frozenset(unit for _at, _other, common in overlaps for unit in common["unit"])


def _without_replaced(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks without those set aside of which another block gives every score."""
    aside = {at for at, block in enumerate(blocks) if _set_aside(block)}
    replaced = set()
    if aside:
        for at, other, common in _overlaps(blocks):
            for own, rival in ((at, other), (other, at)):
                cells = len(list(_cells_in(blocks[own], common)))
                whole = cells == len(blocks[own].rows.members) * len(blocks[own].columns.members)
                if own in aside and (rival not in aside or own > rival) and whole:
                    replaced.add(own)
    yield from (block for at, block in enumerate(blocks) if at not in replaced)


def _set_aside(block: Block) -> bool:
    values = [value for row in block.values[:1] for value in row[:1]]
    return values == [Absent.SET_ASIDE] and all(
        value is Absent.SET_ASIDE for row in block.values for value in row
    )


def _overlaps(blocks: Sequence[Block]) -> Iterator[tuple[int, int, Mapping[str, Set[str]]]]:
    """Yield each pair of blocks with a score in common, and the members that both have.

    A dimension may run along a side of one block and be fixed in the other.
    """
    extents: list[dict[str, Set[str]]] = []
    by_unit: dict[str, list[int]] = {}
    for at, block in enumerate(blocks):
        extent: dict[str, Set[str]] = {name: {member} for name, member in block.fixed.items()}
        for axis in (block.rows, block.columns):
            if axis.dimension:
                extent[axis.dimension] = set(axis.members)
        others = {other for unit in extent["unit"] for other in by_unit.get(unit, ())}
        for other in sorted(others):
            common = {name: extent[name] & extents[other][name] for name in extent}
            if all(common.values()):
                yield at, other, common
        extents.append(extent)
        for unit in extent["unit"]:
            by_unit.setdefault(unit, []).append(at)


def _cells_in(block: Block, common: Mapping[str, Set[str]]) -> Iterator[tuple[int, int]]:
    """Yield the 0-based row and column of each cell of a block whose members are all in common."""
    yield from product(
        *(
            [at for at, name in enumerate(axis.members) if name in common.get(axis.dimension, {""})]
            for axis in (block.rows, block.columns)
        )
    )


def insert(key: Key, place: int, member: str) -> Key:
    """Return the key with one more member at ``place``."""
    return (*key[:place], member, *key[place:])


def check_same_members(
    scheme: Scheme, blocks: Mapping[tuple[str, str], Sequence[Block]], unread: Set[Source]
) -> Iterator[Finding]:
    """Yield the members of a dimension that are not in the sheets of two stages, as ``same_as`` asks.

    ``unread`` has the sheets with rows that could not be read: what they lack is known already.
    """
    for stage in scheme.stages:
        for group, plan in stage.plans.items():
            for dimension, declared in plan.dimensions.items():
                if declared.same_as is None:
                    continue
                title = declared.title or Bilingual(dimension, dimension)
                theirs = _by_fixed(blocks.get((declared.same_as, group), ()), dimension)
                for key, own in _by_fixed(blocks.get((stage.id, group), ()), dimension).items():
                    if key in theirs:
                        yield from _differences(scheme, title, own, theirs[key], unread)


_MOST_NAMED = 8
"""So many members that a sheet lacks are named one by one."""

_Places: TypeAlias = dict[str, Source]
"""The members along a side of sheets, each with its place."""


def _by_fixed(
    blocks: Iterable[Block], dimension: str
) -> dict[tuple[tuple[str, str], ...], tuple[Source, _Places]]:
    """Return the first sheet, and the members along the rows, of the blocks with the same fixed ones."""
    sheets: dict[tuple[tuple[str, str], ...], tuple[Source, _Places]] = {}
    for block in blocks:
        if block.rows.dimension == dimension:
            key = tuple(sorted(block.fixed.items()))
            _sheet, places = sheets.setdefault(key, (Source(block.file, block.sheet), {}))
            for at, member in enumerate(block.rows.members):
                places.setdefault(member, block.source(at, 0))
    return sheets


def _differences(
    scheme: Scheme,
    dimension: Bilingual,
    own: tuple[Source, _Places],
    their: tuple[Source, _Places],
    unread: Set[Source],
) -> Iterator[Finding]:
    """Yield each member that one of two sheets lacks; one under another name is one finding."""
    ours, theirs = (
        {name: place for name, place in places.items() if others.match(name) is None}
        for (_sheet, places), others in (
            (own, scheme.name_index({name: [] for name in their[1]})),
            (their, scheme.name_index({name: [] for name in own[1]})),
        )
    )
    for name, place in list(ours.items()):
        alone = len(ours) == len(theirs) == 1
        near = next(iter(theirs)) if alone else nearest(name, theirs)
        if near:
            del ours[name]
            params = {"name": name, "suggestion": near, "other": theirs.pop(near)}
            yield finding("name-not-there", place, dimension=dimension, **params)
    for (sheet, _places), lacking in ((own, theirs), (their, ours)):
        if not lacking or sheet in unread:
            continue
        if len(lacking) > _MOST_NAMED:
            # So many are no slip: it is another sheet.
            first, shown = next(iter(lacking.values())), list(lacking)[:_MOST_NAMED]
            names = Bilingual("、".join(shown) + " …", ", ".join(shown) + " …")
            yield finding("member-not-here", sheet, name=names, other=first, dimension=dimension)
            continue
        for name, place in lacking.items():
            yield finding("member-not-here", sheet, name=name, other=place, dimension=dimension)


_NORMAL = Fraction(6745, 10000)
"""The median absolute deviation of a normal distribution over its standard deviation."""

_MEAN_NORMAL = Fraction(7979, 10000)
"""Its mean absolute deviation over it, for values of which more than half are equal."""

_FEWEST = 3
"""The fewest scores or raters among which one can be out of line."""

Ballots = Mapping[str, Mapping[Key, Fraction]]
"""The numbers of each member of a dimension, such as a rater, by the rest of their keys."""


def check_scores(
    scheme: Scheme,
    stage: Stage,
    plan: Plan,
    scores: ScoreTable,
    steps: Sequence[StepTable] = (),
    sent: ScoreTable | None = None,
    explained: Sequence[Mapping[str, str]] = (),
) -> Iterator[Finding]:
    """Yield the findings of the checks that the plan asks for; ``steps`` has the table of each step.

    A score that is reported as far from the others is no reason to report its rater too. ``sent``
    are the scores with those that were given twice. Of the members in ``explained`` there is a
    finding already that says why they have no score.
    """
    distances = _Distances(scheme, stage, plan, scores)
    yield from distances.findings([scores, *steps])
    for rule in plan.checks:
        match rule:
            case Spread():
                findings = _spreads(rule, stage, plan, scores)
            case Flat():
                findings = _flat(rule, stage, scores)
            case Identical():
                findings = _identical(rule, stage, scores)
            case Outlier():
                findings = _outliers(rule, stage, scores, distances)
            case Empty():
                findings = _empty(rule, scheme, stage, plan, sent or scores, explained)
            case _:
                continue
        yield from (replace(item, severity=Severity(rule.severity)) for item in findings)


def _ballots(scores: ScoreTable, dimension: str, reported: "_Distances | None" = None) -> Ballots:
    place = scores.dimensions.index(dimension)
    ballots: dict[str, dict[Key, Fraction]] = {}
    for key, value in scores.items():
        if isinstance(value, Decimal | Fraction) and not (reported and reported.has(key)):
            rest = key[:place] + key[place + 1 :]
            ballots.setdefault(key[place], {})[rest] = Fraction(value)
    return ballots


def _sheet(scores: ScoreTable, dimension: str, member: str) -> Source:
    return scores.sheet_for({dimension: member}) or Source("")


def _spreads(rule: Spread, stage: Stage, plan: Plan, scores: ScoreTable) -> Iterator[Finding]:
    for member, numbers in _ballots(scores, rule.spread).items():
        high, low = max(numbers.values()), min(numbers.values())
        whole = high if rule.of == "highest" else Fraction(plan.full_marks or 0)
        needed = whole * Fraction(rule.at_least_percent) / 100
        if len(numbers) > 1 and high - low < needed:
            yield finding(
                "spread-too-small",
                _sheet(scores, rule.spread, member),
                member=member,
                stage=stage.title,
                highest=short_text(high),
                lowest=short_text(low),
                needed=short_text(needed),
                clause=rule.clause,
            )


def _flat(rule: Flat, stage: Stage, scores: ScoreTable) -> Iterator[Finding]:
    for member, numbers in _ballots(scores, rule.flat).items():
        distinct = set(numbers.values())
        if len(numbers) >= _FEWEST and len(distinct) == 1:
            where = _sheet(scores, rule.flat, member)
            params = {"member": member, "value": short_text(distinct.pop()), "clause": rule.clause}
            yield finding("ballot-flat", where, stage=stage.title, **params)


def _identical(rule: Identical, stage: Stage, scores: ScoreTable) -> Iterator[Finding]:
    """Yield ballots that equal another; flat ones are left out, they are alike without copying."""
    first: dict[frozenset[tuple[Key, Fraction]], str] = {}
    for member, numbers in _ballots(scores, rule.identical).items():
        if len(numbers) < _FEWEST or len(set(numbers.values())) == 1:
            continue
        other = first.setdefault(frozenset(numbers.items()), member)
        if other != member:
            where = _sheet(scores, rule.identical, member)
            params = {"member": member, "other": other, "clause": rule.clause}
            yield finding("ballot-identical", where, stage=stage.title, **params)


def _outliers(
    rule: Outlier, stage: Stage, scores: ScoreTable, reported: "_Distances"
) -> Iterator[Finding]:
    """Yield raters whose mean distance from the median of all scores for the same is too large.

    The distance is a modified z-score (Iglewicz and Hoaglin 1993).
    """
    ballots = _ballots(scores, rule.outlier, reported)
    numbers_for: dict[Key, list[Fraction]] = {}
    for numbers in ballots.values():
        for key, number in numbers.items():
            numbers_for.setdefault(key, []).append(number)
    middles = {key: median(numbers) for key, numbers in numbers_for.items()}
    distances = {
        member: sum((number - middles[key] for key, number in numbers.items()), Fraction(0))
        / len(numbers)
        for member, numbers in ballots.items()
    }
    usual = median(distances.values()) if distances else Fraction(0)
    for member, z in _modified_z(distances).items():
        if abs(z) > Fraction(rule.beyond):
            yield finding(
                "rater-outlier",
                _sheet(scores, rule.outlier, member),
                stage=stage.title,
                member=member,
                distance=short_text(abs(distances[member] - usual), 2),
                direction_word=N_("lower") if z < 0 else N_("higher"),
                z=short_text(z, 1),
                deviations=short_text(abs(z), 1),
                limit=plain(rule.beyond),
                clause=rule.clause,
            )


def _modified_z(values: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Return the distance of each value from the median in robust standard deviations."""
    if len(values) < _FEWEST:
        return {}
    middle = median(values.values())
    away = [abs(value - middle) for value in values.values()]
    usual, factor = median(away), _NORMAL
    if not usual:
        usual, factor = _mean(away), _MEAN_NORMAL
    if not usual:
        return {}
    return {name: factor * (value - middle) / usual for name, value in values.items()}


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _empty(
    rule: Empty,
    scheme: Scheme,
    stage: Stage,
    plan: Plan,
    scores: ScoreTable,
    explained: Sequence[Mapping[str, str]],
) -> Iterator[Finding]:
    place = scores.dimensions.index(rule.empty)
    unit = scores.dimensions.index("unit")
    reported = {
        (of["unit"], of[rule.empty]) for of in explained if {"unit", rule.empty} <= of.keys()
    }
    steps = (step for step in plan.steps if isinstance(step, RollUp))
    absence_is_error = any(s.roll_up == rule.empty and s.missing == "error" for s in steps)
    filled: dict[str, set[str]] = {}
    for key, value in scores.items():
        filled.setdefault(key[unit], set())
        # What a person set aside is not for the office to supply.
        if isinstance(value, Decimal | Fraction) or value is Absent.SET_ASIDE:
            filled[key[unit]].add(key[place])
    for name, members in filled.items():
        for member in scheme.members(plan.dimensions[rule.empty]) or ():
            if member not in members and (name, member) not in reported:
                where = scores.sheet_for({"unit": name, rule.empty: member})
                if where is None and absence_is_error:
                    # The step reports it.
                    continue
                title = scheme.title_of(plan, rule.empty, member)
                params = {"of": name, "member": title, "clause": rule.clause}
                yield finding("member-empty", where, stage=stage.title, **params)


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
        cells = list(_cells_in(block, common))
        if cells:
            first, last = block.source(*cells[0]), block.source(*cells[-1])
            area = first.cell if first == last else f"{first.cell}:{last.cell}"
            places.append(replace(first, cell=area))
    return places


def _listed(places: Sequence[object], most: int = 3) -> str:
    return "、".join(map(str, places[:most])) + (" …" if len(places) > most else "")


_WHOLE = Fraction(100)
"""The full marks that the limits of distances are out of."""

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
class _Distances:
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
            if isinstance(step.step, RollUp):
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
                    marks = step.before.marks_of(insert(rest, place, member))
                    numbers[member] = Fraction(value) * _WHOLE / marks
            for far in far_from_others(numbers, limit):
                keys = tuple(insert(rest, place, member) for member in far.members)
                rule = _strictest(rules, far.distance)
                share = step.before.marks_of(keys[0]) / _WHOLE
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
                member=Bilingual(*("、".join(texts) for texts in zip(*titles, strict=True))),
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
    for unit in (unit.name for unit in scheme.group(group).units):
        scores = {name: of_units.get((unit,)) for name, of_units in values.items()}
        numbers = {
            name: Fraction(value)
            for name, value in scores.items()
            if isinstance(value, Decimal | Fraction)
        }
        for far in far_from_others(numbers, min(Fraction(rule.beyond) for rule in rules)):
            name = far.members[0]
            if any(_explains(item, unit) for member in far.members for item in findings[member]):
                continue
            rule = _strictest(rules, far.distance)
            places = places_of(stages[name].scores, {"unit": unit})
            params = {"median": short_text(far.median, 2), "distance": short_text(far.distance, 2)}
            item = finding(
                "stage-distant",
                places[0],
                stage=scheme.stage(name).title,
                unit=unit,
                value=short_text(numbers[name], 2),
                **params,
                places=_listed(places),
                clause=rule.clause,
            )
            yield replace(item, severity=Severity(rule.severity))


def _explains(item: Finding, unit: str) -> bool:
    """Tell whether a finding about scores far from the others is about this unit's, or about all."""
    return item.code in _DISTANT and item.params.get("unit") in (None, unit)
