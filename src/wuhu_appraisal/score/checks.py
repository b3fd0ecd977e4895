"""Check the scores of a stage and group across their cells; no check changes a score.

Duplicates are made missing, because nobody can say which of two scores is meant.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import TypeAlias

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.model import Absent, Axis, Block, Key, ScoreTable, StepTable
from wuhu_appraisal.names import nearest
from wuhu_appraisal.numbers import plain, short_text
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.rules import Empty, Flat, Identical, Outlier, Spread
from wuhu_appraisal.score.distances import Distances


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
            for row, column in scores.blocks[index].cells_in(common):
                values[index][row][column] = Absent.MISSING
        # What is the same as the first of several is said once.
        if any((other, before) in known for before in reported.get(at, ())):
            continue
        reported.setdefault(at, []).append(other)
        block = scores.blocks[at]
        cells = list(block.cells_in(common))
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
                cells = len(list(blocks[own].cells_in(common)))
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


def without_idle(
    scheme: Scheme, blocks: Mapping[tuple[str, str], Sequence[Block]]
) -> tuple[dict[tuple[str, str], list[Block]], list[Finding]]:
    """Leave out the units that a stage does not count for; report the scores that they have in it."""
    left: dict[tuple[str, str], list[Block]] = {}
    findings: list[Finding] = []
    for (name, group), of_stage in blocks.items():
        stage = scheme.stage(name)
        # Along a side without units no member is left out.
        units = {"", *scheme.units_of(stage, group)}
        left[name, group] = [part for block in of_stage for part in _of_units(block, units)]
        for block in of_stage:
            scores = ScoreTable(("unit", *stage.plans[group].dimensions), [block])
            idle = [
                key
                for key, value in scores.items()
                if key[0] not in units and not isinstance(value, Absent)
            ]
            if idle:
                names = dict.fromkeys(key[0] for key in idle)
                params = {"units": Bilingual.listed(map(Bilingual, names, names))}
                where = scores.sources(idle[0])[0]
                findings.append(finding("scores-idle", where, stage=stage.title, **params))
    return left, findings


def _of_units(block: Block, units: Set[str]) -> Iterator[Block]:
    """Yield a block with some units alone; nothing if it has none of them."""

    def places(axis: Axis) -> list[int]:
        return [at for at in range(len(axis.members)) if axis.member(at).get("unit", "") in units]

    def part(axis: Axis) -> Axis:
        members = tuple(axis.members[at] for at in places(axis))
        return replace(
            axis, members=members, positions=tuple(axis.positions[at] for at in places(axis))
        )

    rows, columns = part(block.rows), part(block.columns)
    if block.fixed.get("unit", "") in units and rows.members and columns.members:
        down, across = places(block.rows), places(block.columns)
        values = [[block.values[row][column] for column in across] for row in down]
        yield replace(block, rows=rows, columns=columns, values=values)


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
            first = next(iter(lacking.values()))
            names = Bilingual.listed((Bilingual(name, name) for name in lacking), _MOST_NAMED)
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
    distances = Distances(scheme, stage, plan, scores)
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


def _ballots(scores: ScoreTable, dimension: str, reported: "Distances | None" = None) -> Ballots:
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
    rule: Outlier, stage: Stage, scores: ScoreTable, reported: "Distances"
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
                if where is None and plan.missing_is_error(rule.empty):
                    # The step reports it.
                    continue
                title = scheme.title_of(plan, rule.empty, member)
                params = {"of": name, "member": title, "clause": rule.clause}
                yield finding("member-empty", where, stage=stage.title, **params)
