"""Take scores through the steps of a scheme: the only place where a stage's number is computed."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import TypeAlias

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import (
    CONSTANT,
    HELD,
    Absent,
    Block,
    Inputs,
    Key,
    Score,
    ScoreTable,
    StageTrace,
    StepRow,
    StepTable,
    Table,
    insert,
)
from wuhu_appraisal.scheme.final import Bounds
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import PlannedStep, planned
from wuhu_appraisal.scheme.rules import Convert, ItemPolicy, Rescale, RollUp
from wuhu_appraisal.score.checks import check_scores, units_twice, without_duplicates
from wuhu_appraisal.score.facts import FactScore
from wuhu_appraisal.score.operations import (
    ONE,
    Grades,
    Operation,
    Sum,
    Weighted,
    bounded,
    roll_up_of,
    scale_of,
)

_ZERO = Fraction(0)
ABSENT_COEFFICIENT = _ZERO
Explained: TypeAlias = Sequence[Mapping[str, str]]
"""The members of scores about whose absence there is a finding already."""

_NOTHING = ("sheet-no-rows", "scores-missing")
"""The findings that a sheet holds nothing, or nothing of a member."""

_NUMBERS = frozenset({Decimal, Fraction})
_SHOWN = 3


@dataclass(slots=True)
class _Gaps:
    """The absent scores of a step whose policy calls them errors."""

    scheme: Scheme
    stage: Stage
    plan: Plan
    table: Table
    dimension: str
    explained: Explained
    cells: list[tuple[Key, str, Absent]] = field(default_factory=list)

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each blank cell, and one for each member that nothing was sent for."""
        nowhere: dict[tuple[str, Absent, Source], list[Bilingual]] = {}
        single: dict[Source, tuple[Key, str, Absent]] = {}
        for key, member, absent in self.cells:
            full = insert(key, self._place, member)
            sources = self.table.sources(full)
            if not sources and not self._is_explained(full):
                sheet = self._sheet(full)
                nowhere.setdefault((member, absent, sheet), []).append(self._of(key))
            # Two cells for one score are a finding of their own.
            if len(sources) == 1:
                single[sources[0]] = key, member, absent
        blank = {source for source, (_key, _member, absent) in single.items() if not absent.value}
        if isinstance(self.table, ScoreTable) and len(blank) > 1:
            for item, covered in self._blank_parts(self.table.blocks, blank):
                yield item
                single = {at: cell for at, cell in single.items() if at not in covered}
        for source, (key, member, absent) in single.items():
            code = "score-missing" if absent is Absent.MISSING else "score-not-applicable"
            yield self._finding(code, source, member, self._of(key), 1)
        for (member, absent, sheet), all_of in nowhere.items():
            joined = Bilingual.listed(all_of, _SHOWN)
            code = "scores-missing" if absent is Absent.MISSING else "scores-not-applicable"
            yield self._finding(code, sheet, member, joined, len(all_of))

    def _blank_parts(
        self, blocks: Sequence[Block], blank: Set[Source]
    ) -> Iterator[tuple[Finding, Set[Source]]]:
        """Yield a finding for each sheet, column and row without any score, with its blank cells."""
        for block in blocks:
            rows, columns = range(len(block.rows.members)), range(len(block.columns.members))
            lines = [[(row, column) for row in rows] for column in columns]
            lines += [[(row, column) for column in columns] for row in rows]
            absent = {
                (row, column)
                for row, column in product(rows, columns)
                if isinstance(block.values[row][column], Absent)
            }
            left = {place for place in absent if block.source(*place) in blank}
            if len(left) > 1 and len(absent) == len(rows) * len(columns):
                where = Source(block.file, block.sheet)
                yield finding("sheet-no-rows", where), {block.source(*place) for place in left}
                continue
            for number, line in enumerate(lines):
                cells = [block.source(*place) for place in line if place in left]
                if len(cells) > 1 and absent.issuperset(line):
                    left.difference_update(line)
                    down = number < len(columns)
                    axis = block.columns if down else block.rows
                    member = axis.members[number if down else number - len(columns)]
                    name = self.scheme.title_of(self.plan, axis.dimension, member)
                    code = "column-without-scores" if down else "row-without-scores"
                    yield finding(code, cells[0], name=name, count=len(cells)), set(cells)

    def _is_explained(self, full: Key) -> bool:
        """Return whether a finding says already why nothing was sent for a score."""
        named = dict(zip(self.table.dimensions, full, strict=True))
        return any(
            all(named.get(name, member) == member for name, member in members.items())
            for members in self.explained
        )

    def _sheet(self, full: Key) -> Source:
        """Return the sheet that lacks a score, an empty source where no sheet was sent."""
        if isinstance(self.table, ScoreTable):
            wanted = dict(zip(self.table.dimensions, full, strict=True))
            return self.table.sheet_for(wanted) or Source("")
        return Source("")

    @property
    def _place(self) -> int:
        return self.table.dimensions.index(self.dimension)

    def _of(self, key: Key) -> Bilingual:
        rest = [name for name in self.table.dimensions if name != self.dimension]
        return self.scheme.titles_of(self.plan, rest, key)

    def _finding(
        self, code: str, source: Source | None, member: str, of: Bilingual, count: int
    ) -> Finding:
        title = self.scheme.title_of(self.plan, self.dimension, member)
        return finding(code, source, stage=self.stage.title, member=title, of=of, count=count)


def _all_aside(stage: Bilingual, all_of: Sequence[Bilingual]) -> list[Finding]:
    """Return a finding for the numbers all of whose scores were set aside."""
    return (
        [finding("scores-set-aside", stage=stage, of=Bilingual.listed(all_of, _SHOWN))]
        if all_of
        else []
    )


def evaluate(
    scheme: Scheme,
    stage: Stage,
    group_id: str,
    scores: ScoreTable,
    explained: Explained = (),
) -> tuple[StageTrace, list[Finding]]:
    """Take the scores of a stage and group through the steps of their plan, and check them.

    An absent score that a step calls an error is a finding; the trace goes on without it, as a
    provisional result needs. ``explained`` are the members of scores that were not sent, or not
    read, about which there is a finding already.
    """
    plan, sent = stage.plans[group_id], scores
    scores, findings = without_duplicates(scheme, stage, plan, scores)
    tables, more = run_steps(scheme, stage, plan, planned(scheme, plan), scores, explained)
    findings += more
    blank = {item.source for item in more if item.code in _NOTHING and item.source.file}
    findings += [
        item
        for item in check_scores(scheme, stage, plan, scores, tables, sent, explained)
        if item.code != "member-empty" or item.source not in blank
    ]
    return StageTrace(stage.id, group_id, scores, tables), findings


def run_steps(
    scheme: Scheme,
    stage: Stage,
    plan: Plan,
    steps: Sequence[PlannedStep],
    table: Table,
    explained: Explained = (),
) -> tuple[list[StepTable], list[Finding]]:
    """Return the table of each step in turn, the first made from ``table``, and the findings."""
    findings: list[Finding] = []
    tables: list[StepTable] = []
    for step in steps:
        if isinstance(step.step, RollUp):
            gaps = _Gaps(scheme, stage, plan, table, step.step.roll_up, explained)
            table, more = _roll_up(step, step.step, table, gaps)
            findings += more
        else:
            table = _one_to_one(step, table)
        tables.append(table)
    return tables, findings


def combine(
    operation: Operation,
    missing: ItemPolicy,
    not_applicable: ItemPolicy,
    group: Inputs,
    shares: Sequence[Fraction],
) -> tuple[StepRow, list[tuple[str, Absent]]]:
    """Compute one number of its inputs by the policies for absent ones.

    ``shares`` has one weight or mark for each input. Return the row, and the members whose absence
    is an error; these are left out of the number.
    """
    members, values = group.members, group.values
    if _NUMBERS.issuperset(map(type, values)) and len(values) >= operation.minimum:
        outcome = operation.apply(values, shares)  # type: ignore[arg-type]
        return StepRow(outcome.value, members, values, outcome.coefficients), []
    errors: list[tuple[str, Absent]] = []
    used: list[int] = []
    numbers: list[Decimal | Fraction] = []
    for index, value in enumerate(values):
        if value is Absent.SET_ASIDE:
            continue
        if isinstance(value, Absent):
            policy = missing if value is Absent.MISSING else not_applicable
            if policy == "error":
                errors.append((members[index], value))
            if policy != "zero":
                continue
            value = Decimal(0)
        assert not isinstance(value, str)
        used.append(index)
        numbers.append(value)
    coefficients = [ABSENT_COEFFICIENT] * len(values)
    if len(used) < operation.minimum:
        nothing = all(value is Absent.NOT_APPLICABLE for value in values)
        result = Absent.NOT_APPLICABLE if nothing else Absent.MISSING
        return StepRow(result, members, values, coefficients), errors
    if len(used) < len(values):
        operation = operation.without_rest(used, shares)
    outcome = operation.apply(numbers, [shares[index] for index in used])
    for index, coefficient in zip(used, outcome.coefficients, strict=True):
        coefficients[index] = coefficient
    return StepRow(outcome.value, members, values, coefficients), errors


def composite_of(scheme: Scheme, kind: str | None) -> tuple[Operation, Sequence[Fraction]]:
    """Return what makes the composite of units of a kind: the operation, and each stage's weight.

    They are of the stages that count for them; where stages are added up, of all, with their marks.
    """
    if scheme.composite.by == "weighted":
        weights = scheme.weights_of(kind)
        counting = [(at, stage.id) for at, stage in enumerate(scheme.stages) if stage.id in weights]
        scales = tuple(scheme.brought[at] for at, _stage in counting) if scheme.brought else ()
        return Weighted(scales), [Fraction(weights[stage] or 0) for _at, stage in counting]
    # Points without an end have no marks that the rest could be scaled up to.
    return Sum(), [stage.end if scheme.end and stage.end else _ZERO for stage in scheme.stages]


def composites(
    scheme: Scheme,
    group_id: str,
    stages: Mapping[str, StageTrace],
    explained: Mapping[str, Explained] = {},
) -> tuple[StepTable, list[Finding]]:
    """Return the composite of the stages of each unit of a group, and the findings."""
    rows: dict[Key, StepRow] = {}
    findings: list[Finding] = []
    emptied: dict[str, list[Bilingual]] = {}
    known: dict[str, frozenset[str]] = {}
    rule = scheme.composite
    titles = {stage.id: stage.title for stage in scheme.stages}
    scored = {name: dict(trace.tables[-1].items()) for name, trace in stages.items()}
    reported_in = {name: reported(trace.tables[-1]) for name, trace in stages.items()}
    for unit in scheme.group(group_id).units:
        key = (unit.name,)
        operation, shares = composite_of(scheme, unit.kind)
        ids = tuple(stage.id for stage in scheme.stages_of(unit.name))
        values = [scored.get(name, {}).get(key, Absent.MISSING) for name in ids]
        aside = [name for name, value in zip(ids, values, strict=True) if _is_aside(value)]
        values = [Absent.MISSING if _is_aside(value) else value for value in values]
        for name in aside:
            emptied.setdefault(name, []).append(Bilingual(unit.name, unit.name))
        row, errors = combine(
            operation, rule.missing, rule.not_applicable, Inputs(ids, values), shares
        )
        factor = scheme.factor_of(unit.name)
        rows[key] = row if factor is None else multiplied(row, factor.factor)
        for member, _absent in errors:
            # A stage that nothing was sent for has one finding, made by the appraisal.
            if member in aside or not scored.get(member) or key in reported_in[member]:
                continue
            if member not in known:
                known[member] = units_twice(stages[member].scores) | _units(explained, member)
            if unit.name not in known[member]:
                sheet = stages[member].scores.sheet_for({"unit": unit.name})
                findings.append(
                    finding("stage-missing-unit", sheet, stage=titles[member], unit=unit.name)
                )
        unread = any(unit.name in _units(explained, name) for name in explained)
        if isinstance(row.value, Absent) and not errors and not unread:
            findings.append(finding("final-missing", unit=unit.name))
    for name, all_of in emptied.items():
        findings += _all_aside(titles[name], all_of)
    return StepTable(("unit",), rows), findings


def multiplied(row: StepRow, factor: Fraction) -> StepRow:
    """Return a number multiplied by a factor, and its coefficients with it."""
    value = row.value if isinstance(row.value, Absent | str) else Fraction(row.value) * factor
    return replace(row, value=value, coefficients=[share * factor for share in row.coefficients])


def _units(explained: Mapping[str, Explained], stage: str) -> frozenset[str]:
    """Return the units about whose absence from a stage there is a finding already."""
    return frozenset(members["unit"] for members in explained.get(stage, ()) if "unit" in members)


def _is_aside(value: Score) -> bool:
    return value is Absent.SET_ASIDE


def reported(table: Table) -> frozenset[Key]:
    """Return the keys of the absent numbers that a finding is about already."""
    return table.reported if isinstance(table, StepTable) else frozenset()


@dataclass(frozen=True)
class Operations:
    """The operations of a step. Rules that compare units need the scores before it: ``table``."""

    step: PlannedStep
    table: Table

    def of(self, key: Key) -> Operation:
        """Return the operation for the number with this key."""
        declared = self.step.step
        if isinstance(declared, Rescale):
            marks = self.step.before.marks_of(key)
            assert marks is not None, "a scheme that rescales points without an end does not load"
            return scale_of(declared, marks)
        if isinstance(declared, Convert):
            return Grades(tuple((name, Fraction(to)) for name, to in declared.convert.items()))
        if self.step.by_facts:
            item = self.step.scored[key[self.step.before.dimensions.index(declared.roll_up)]]
            return FactScore(item, self._group.get(key[1:], {}))
        return roll_up_of(declared)

    @cached_property
    def _group(self) -> Mapping[Key, Mapping[str, Sequence[Fraction]]]:
        """The values of all units for each fact, by the rest of their key: those that count."""
        declared = self.step.step
        assert isinstance(declared, RollUp)
        group: dict[Key, dict[str, list[Fraction]]] = {}
        grouped = {name: FactScore(item).grouped for name, item in self.step.scored.items()}
        if not any(grouped.values()):
            return {}
        for key, part in gather(self.step, self.table).items():
            if all(value is Absent.NOT_APPLICABLE for value in part.values):
                continue
            item = self.step.scored.get(key[self.step.before.dimensions.index(declared.roll_up)])
            for fact, value in zip(item.facts if item else (), part.values, strict=False):
                number = as_number(value, declared)
                if item is not None and fact in grouped[item.id] and number is not None:
                    group.setdefault(key[1:], {}).setdefault(fact, []).append(number)
        return group


def as_number(value: Score, declared: RollUp) -> Fraction | None:
    """Return what a fact counts as: an absent one as 0 if the policy says so, else as nothing."""
    if isinstance(value, Absent):
        policy = declared.missing if value is Absent.MISSING else declared.not_applicable
        return Fraction(0) if policy == "zero" and value is not Absent.SET_ASIDE else None
    assert not isinstance(value, str)
    return Fraction(value)


def score_facts(
    operation: FactScore, declared: RollUp, part: Inputs
) -> tuple[StepRow, list[tuple[str, Absent]]]:
    """Return the score of an item of its facts, and the facts whose absence is an error.

    An item all of whose facts are '/' does not apply; one without a fact that it needs has no score.
    """
    numbers = [as_number(value, declared) for value in part.values]
    absent: Absent | None = None
    errors: list[tuple[str, Absent]] = []
    if all(value is Absent.NOT_APPLICABLE for value in part.values):
        absent = Absent.NOT_APPLICABLE
    elif Absent.SET_ASIDE in part.values:
        absent = Absent.SET_ASIDE
    elif None in numbers:
        absent = Absent.MISSING
        pairs = zip(part.members, part.values, numbers, strict=True)
        errors = [
            (member, value)
            for member, value, number in pairs
            if number is None and isinstance(value, Absent)
        ]
    members, values = (*part.members, CONSTANT), part.values
    if absent is not None:
        coefficients = [ABSENT_COEFFICIENT] * len(members)
        return StepRow(absent, members, (*values, Fraction(0)), coefficients), errors
    value, constant, shares = operation.taken_apart([number or Fraction(0) for number in numbers])
    return StepRow(value, members, (*values, constant), (*shares, ONE)), errors


def _one_to_one(step: PlannedStep, table: Table) -> StepTable:
    """Rescale or convert each score on its own."""
    rows: dict[Key, StepRow] = {}
    operations = Operations(step, table)
    for key, group in gather(step, table).items():
        operation = operations.of(key)
        value = group.values[0]
        if isinstance(value, Absent):
            rows[key] = StepRow(value, group.members, group.values, (ABSENT_COEFFICIENT,))
            continue
        if isinstance(value, str):
            assert isinstance(operation, Grades)
            value = operation.number(value)
        outcome = operation.apply([value], ())
        rows[key] = StepRow(outcome.value, group.members, group.values, outcome.coefficients)
    return StepTable(table.dimensions, rows, reported(table))


def gather(step: PlannedStep, table: Table) -> dict[Key, Inputs]:
    """Return the inputs of each number of a step by the number's key, in declared order."""
    declared = step.step
    if not isinstance(declared, RollUp):
        return {key: Inputs((" ".join(key),), (value,)) for key, value in table.items()}
    expected = step.before.members.get(declared.roll_up)
    return {
        out: part
        for key, group in table.groups(declared.roll_up).items()
        for out, part in _parts(step, key, _completed(group, expected), declared.roll_up)
    }


def _roll_up(
    step: PlannedStep, declared: RollUp, table: Table, gaps: _Gaps
) -> tuple[StepTable, list[Finding]]:
    operations = Operations(step, table)
    dimension = declared.roll_up
    place = table.dimensions.index(dimension)
    before = reported(table)
    now: set[Key] = set()
    findings: list[Finding] = []
    rows: dict[Key, StepRow] = {}
    known: dict[tuple[str, ...], tuple[Fraction, ...]] = {}
    alike = _ZERO if step.after.is_open else ONE
    emptied: list[Bilingual] = []
    for out, part in gather(step, table).items():
        members = tuple(part.members)
        if step.parents and members == (out[place],):
            rows[out] = _passed(part)
            if out in before:
                now.add(out)
            continue
        shares = known.get(members)
        if shares is None:
            shares = tuple(step.shares.get(name, alike) for name in members)
            known[members] = shares
        operation = operations.of(out)
        if isinstance(operation, FactScore):
            row, errors = score_facts(operation, declared, part)
        else:
            row, errors = combine(
                operation, declared.missing, declared.not_applicable, part, shares
            )
        rows[out] = held(row, step.bounds_of(out))
        key = out[:place] + out[place + 1 :] if step.parents else out
        fresh = [
            (key, member, absent)
            for member, absent in errors
            if insert(key, place, member) not in before
        ]
        gaps.cells += fresh
        if isinstance(row.value, Absent):
            aside = any(map(_is_aside, row.values))
            if errors or aside or operation.minimum > 1:
                now.add(out)
            of = gaps.scheme.titles_of(gaps.plan, step.after.dimensions, out)
            if not errors and operation.minimum > 1:
                few = {"stage": gaps.stage.title, "of": of, "count": operation.minimum}
                findings.append(finding("scores-too-few", **few))
            elif not errors and aside:
                emptied.append(of)
    findings += _all_aside(gaps.stage.title, emptied)
    left = StepTable(step.after.dimensions, rows, frozenset(now))
    return left, findings + list(gaps.findings())


def held(row: StepRow, bounds: Bounds | None) -> StepRow:
    """Return a number within its bounds; what one that binds adds or takes away is one more input."""
    if bounds is None or isinstance(row.value, Absent | str):
        return row
    value = bounded(Fraction(row.value), *bounds.exact)
    if value == row.value:
        return row
    more = value - Fraction(row.value)
    return StepRow(value, (*row.members, HELD), (*row.values, more), (*row.coefficients, ONE))


def freed(row: StepRow) -> StepRow:
    """Return a number as it was before a bound held it."""
    if HELD not in row.members:
        return row
    value, more = row.value, row.values[-1]
    assert isinstance(value, Fraction) and isinstance(more, Fraction)
    return StepRow(value - more, row.members[:-1], row.values[:-1], row.coefficients[:-1])


def _passed(part: Inputs) -> StepRow:
    """Return a score that is at the level of the tree already as it is."""
    value = part.values[0]
    coefficient = ABSENT_COEFFICIENT if isinstance(value, Absent) else ONE
    return StepRow(value, part.members, part.values, (coefficient,))


def _completed(group: Inputs, expected: tuple[str, ...] | None) -> Inputs:
    """Return inputs in the declared order, members that nothing was sent for as missing."""
    if expected is None or group.members == expected:
        return group
    values = dict(zip(group.members, group.values, strict=True))
    return Inputs(expected, [values.get(member, Absent.MISSING) for member in expected])


def _parts(
    step: PlannedStep, key: Key, group: Inputs, dimension: str
) -> Iterator[tuple[Key, Inputs]]:
    """Yield inputs as they are, or by parent where the step stops at a level of the tree."""
    if not step.parents:
        yield key, group
        return
    place = step.before.dimensions.index(dimension)
    parts: dict[str, tuple[list[str], list[Score]]] = {}
    for member, value in zip(group.members, group.values, strict=True):
        members, values = parts.setdefault(step.parents[member], ([], []))
        members.append(member)
        values.append(value)
    for parent, (members, values) in parts.items():
        yield insert(key, place, parent), Inputs(members, values)
