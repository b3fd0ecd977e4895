"""Who is assessed on what: by the scheme's lists, and by registers (适用情况登记表) that came.

A register is a sheet like a form of scores with a mark in each cell: the item applies, or it does
not. Where one came for a stage and group it binds scores and '/' alike; elsewhere the form says
where '/' may stand, and the scheme may limit its share of the marks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, Block, Grade, Score, row_keys
from wuhu_appraisal.names import nearest, normalise
from wuhu_appraisal.numbers import percent, plain, total
from wuhu_appraisal.read.forms import Place
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.scheme.models import Form, Indicator, Plan, Scheme, Stage
from wuhu_appraisal.scheme.rules import Inapplicable

_SHOWN = 3

Body: TypeAlias = tuple[str, ...]
"""The unit and its members of all dimensions but the indicators', in the plan's order."""

Places: TypeAlias = Mapping[tuple[str, str, str, str], Place]
"""What each sheet is by stage, group, file and name."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a sheet says of one body: a score or a mark for each of some items.

    ``row`` and ``column`` are 0-based in the block; the one along which the items run is None.
    """

    body: Body
    items: tuple[str, ...]
    values: Sequence[Score]
    block: Block
    row: int | None
    column: int | None

    def source(self, at: int = 0) -> Source:
        """Return the cell of an item by its index."""
        row, column = self.row, self.column
        return self.block.source(at if row is None else row, at if column is None else column)


def lines_of(plan: Plan, block: Block) -> Iterator[Line]:
    """Yield what a block says of each body; a cell is a line of its own if no items run in it."""
    items, names = plan.indicator_dimension, body_dimensions(plan)
    if items and block.columns.dimension == items:
        keys = row_keys(block, names)
        for row, (body, values) in enumerate(zip(keys, block.values, strict=True)):
            yield Line(body, block.columns.members, values, block, row, None)
        return
    for column in range(len(block.columns.members)):
        across = {**block.fixed, **block.columns.member(column)}
        if items and block.rows.dimension == items:
            body = tuple(across.get(name, "") for name in names)
            down = [row[column] for row in block.values]
            yield Line(body, block.rows.members, down, block, None, column)
            continue
        for row, values in enumerate(block.values):
            members = {**across, **block.rows.member(row)}
            body = tuple(members.get(name, "") for name in names)
            yield Line(body, (members.get(items, ""),), (values[column],), block, row, column)


def body_dimensions(plan: Plan) -> tuple[str, ...]:
    """Return what the parts of a body are members of."""
    return ("unit", *(name for name in plan.dimensions if name != plan.indicator_dimension))


class Registers:
    """The registers that came for a stage and group: ``lines`` by body, as it is compared.

    A body that stands in two is in ``twice`` alone, as its later and its first line.
    """

    def __init__(self, stage: Stage, group: str, reading: Reading) -> None:
        self.plan = stage.plans[group]
        self.dimensions = body_dimensions(self.plan)
        declared = [self.plan.dimensions.get(name) for name in self.dimensions]
        self._open = [dimension is not None and bool(dimension.open) for dimension in declared]
        self.lines: dict[Body, Line] = {}
        self.twice: list[tuple[Line, Line]] = []
        for block in reading.registers.get((self.plan.registered_by or stage.id, group), ()):
            for line in lines_of(self.plan, block):
                first = self.lines.setdefault(self.key(line.body), line)
                self.twice += [(line, first)] if first is not line else []
        for _line, first in self.twice:
            self.lines.pop(self.key(first.body), None)

    def __bool__(self) -> bool:
        """Return whether any register came."""
        return bool(self.lines or self.twice)

    def key(self, body: Body) -> Body:
        """Return a body as it is compared: names that the scheme does not know, normalised."""
        parts = zip(body, self._open, strict=True)
        return tuple(normalise(part) if is_open else part for part, is_open in parts)

    def part(self, body: Body, *, is_open: bool) -> Body:
        """Return the names that only the sheets know, or the members that the scheme knows."""
        parts = zip(body, self._open, strict=True)
        return tuple(part for part, opened in parts if opened is is_open)

    def bodies(self, fixed: Mapping[str, str], dimension: str) -> list[str]:
        """Return the members of a dimension in the registers whose other members are these."""
        named = [dict(zip(self.dimensions, line.body, strict=True)) for line in self.lines.values()]
        return [
            body[dimension]
            for body in named
            if all(fixed.get(name, part) == part for name, part in body.items())
        ]

    def applies(self, members: Mapping[str, str], item: str) -> bool | None:
        """Return whether an item applies to a body; None if no register says so."""
        line = self.lines.get(self.key(tuple(members.get(n, "") for n in self.dimensions)))
        if line is None or item not in line.items:
            return None
        return _applies(line.values[line.items.index(item)])


def _applies(mark: Score) -> bool | None:
    return True if isinstance(mark, Grade) else False if mark is Absent.NOT_APPLICABLE else None


@dataclass(slots=True)
class _Tally:
    """The marks of some items, how many are '/', and whether any has a score.

    ``misplaced`` says that one of the '/' is an error of its own.
    """

    first: Source
    marks: Fraction = Fraction(0)
    skipped: Fraction = Fraction(0)
    scored: bool = False
    misplaced: bool = False

    def add(self, line: Line, nodes: Mapping[str, Indicator]) -> None:
        """Count a line."""
        marks = [nodes[item].marks or nodes[item].weight or Decimal(1) for item in line.items]
        pairs = zip(marks, line.values, strict=True)
        self.marks += total(marks)
        self.skipped += total([each for each, value in pairs if value is Absent.NOT_APPLICABLE])
        self.scored = self.scored or not all(isinstance(value, Absent) for value in line.values)

    @property
    def share(self) -> Fraction:
        """The share of the marks that are '/'."""
        return self.skipped / self.marks


def shares(scheme: Scheme, reading: Reading) -> dict[Place, dict[str, Fraction]]:
    """Return the share of the marks that are '/', by the place of a sheet and by unit."""
    tallies: dict[Place, dict[str, _Tally]] = {}
    places = _places(reading)
    for (stage, group), blocks in reading.blocks.items():
        plan = scheme.stage(stage).plans[group]
        nodes = {item.id: item for item in scheme.items_in(plan)}
        for block in blocks if nodes else ():
            place = places[stage, group, block.file, block.sheet]
            for line in lines_of(plan, block):
                units = tallies.setdefault(place, {})
                units.setdefault(line.body[0], _Tally(line.source())).add(line, nodes)
    return {
        place: {unit: tally.share for unit, tally in units.items()}
        for place, units in tallies.items()
    }


def _places(reading: Reading) -> Places:
    return {
        (place.stage, place.group, source.file, source.sheet): place
        for place, sources in reading.sheets.items()
        for source in sources
    }


def check_applicability(
    scheme: Scheme, stage: Stage, group: str, reading: Reading
) -> Iterator[Finding]:
    """Yield the scores and the '/' that stand where they must not, and what registers lack."""
    for item in _Check(scheme, stage, group, reading).findings():
        severity = scheme.reading.severity(item.code)
        yield replace(item, severity=Severity(severity)) if severity else item


class _Check:
    """Checks one stage and group."""

    def __init__(self, scheme: Scheme, stage: Stage, group: str, reading: Reading) -> None:
        self.scheme, self.stage, self.group, self.places = scheme, stage, group, _places(reading)
        self.plan = stage.plans[group]
        self.blocks = reading.blocks.get((stage.id, group), [])
        self.registers = Registers(stage, group, reading)
        self.nodes = {item.id: item for item in scheme.items_in(self.plan)}
        self.reported = any(s.not_applicable == "error" for s in self.plan.roll_ups[:1])
        """Whether the first step reports every '/' itself."""
        self.tallies: dict[Body, _Tally] = {}
        self.declared: dict[tuple[tuple[str, ...], Body], Sequence[bool | None]] = {}

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with the registers, then with each sheet of scores, then each body."""
        if not self.registers:
            for block in self.blocks:
                form = self._form(block)
                if form is not None and (form.not_applicable, self.reported) != ("nowhere", True):
                    for line in lines_of(self.plan, block):
                        yield from self._unregistered(form, line)
            yield from self._shares()
            return
        if self.plan.registers:
            yield from self._registers()
        yield from self._registered()

    def _form(self, block: Block) -> Form | None:
        place = self.places.get((self.stage.id, self.group, block.file, block.sheet))
        forms = (*self.plan.forms, *self.plan.registers)
        return next((form for form in forms if place is not None and form.id == place.form), None)

    def _unregistered(self, form: Form, line: Line) -> Iterator[Finding]:
        """Check a line by the scheme's lists and the form, and count it."""
        if Absent.SET_ASIDE in line.values:
            return
        wrong: list[Finding] = []
        if Absent in set(map(type, line.values)) or False in self._declared(line):
            wrong += self._misplaced(form, line)
            yield from wrong
        if self.nodes and not self.reported:
            tally = self.tallies.setdefault(line.body, _Tally(line.source()))
            tally.add(line, self.nodes)
            if self.scheme.reading.severity("not-applicable-misplaced") != "warning":
                tally.misplaced |= any(item.code == "not-applicable-misplaced" for item in wrong)

    def _misplaced(self, form: Form, line: Line) -> Iterator[Finding]:
        """Yield what stands in a line, of scores or of a register, against the scheme's lists."""
        allowed, marks = form.not_applicable, form in self.plan.registers
        for at, (value, applies) in enumerate(zip(line.values, self._declared(line), strict=True)):
            if value is Absent.NOT_APPLICABLE:
                free = allowed == "anywhere" or (allowed == "listed" and applies is not True)
                if not free and (marks or not self.reported):
                    item = self._item(line.items[at])
                    params = {"unit": line.body[0], "item": item}
                    yield self._by_list("not-applicable-misplaced", line, at, **params)
            elif applies is False and allowed != "nowhere" and not isinstance(value, Absent):
                params = {"of": self._of(line.body), "item": self._item(line.items[at])}
                yield self._by_list("score-misplaced", line, at, **params, value=_text(value))

    def _declared(self, line: Line) -> Sequence[bool | None]:
        """Return whether each item applies to a body by the scheme; None where it leaves that open."""
        key = line.items, self.registers.part(line.body, is_open=False)
        if key not in self.declared:
            members = dict(zip(self.registers.dimensions, line.body, strict=True))
            self.declared[key] = [
                self.scheme.applies(self.nodes[item], members) if item else True
                for item in line.items
            ]
        return self.declared[key]

    def _shares(self) -> Iterator[Finding]:
        """Yield the bodies that nothing applies to, and those to which too little does."""
        limits = [rule for rule in self.plan.checks if isinstance(rule, Inapplicable)]
        for body, tally in self.tallies.items():
            if tally.misplaced or not tally.skipped:
                continue
            of = self._of(body)
            if not tally.scored:
                yield finding("not-applicable-all", tally.first, of=of, unit=body[0])
                continue
            for rule in limits:
                if tally.share * 100 > Fraction(rule.at_most_percent):
                    shown = {
                        "share": percent(tally.share),
                        "limit": f"{plain(rule.at_most_percent)}%",
                    }
                    beyond = finding(
                        "not-applicable-share", tally.first, of=of, clause=rule.clause, **shown
                    )
                    yield replace(beyond, severity=Severity(rule.severity))

    def _registers(self) -> Iterator[Finding]:
        """Yield what is wrong with the registers by themselves."""
        sheets: dict[int, list[tuple[Line, Line]]] = {}
        for line, first in self.registers.twice:
            sheets.setdefault(id(line.block), []).append((line, first))
        for pairs in sheets.values():
            of = self._joined([line for line, _first in pairs])
            line, first = pairs[0]
            yield finding("register-twice", line.source(), of=of, first=first.source())
        for line in self.registers.lines.values():
            form = self._form(line.block)
            if form is not None:
                yield from self._misplaced(form, line)
            if all(value is Absent.NOT_APPLICABLE for value in line.values):
                params = {"of": self._of(line.body), "unit": line.body[0]}
                yield finding("not-applicable-all", line.source(), **params)

    def _registered(self) -> Iterator[Finding]:
        """Yield the cells that a register does not bear out, and bodies that one side alone has."""
        registers = self.registers
        twice = {registers.key(line.body) for line, _first in registers.twice}
        scored: set[Body] = set()
        missing: list[tuple[Block, list[Line]]] = []
        for block in self.blocks:
            missing.append((block, []))
            for line in lines_of(self.plan, block):
                if Absent.SET_ASIDE in line.values:
                    continue
                key = registers.key(line.body)
                scored.add(key)
                if key in registers.lines:
                    yield from self._disagreeing(line, registers.lines[key])
                elif key not in twice:
                    missing[-1][1].append(line)
        sent = {registers.part(body, is_open=False) for body in scored}
        unscored = {
            key: line
            for key, line in registers.lines.items()
            if self.plan.registers
            and key not in scored
            and registers.part(key, is_open=False) in sent
        }
        for block, lines in missing:
            yield from self._missing(block, lines, unscored)
        for line in unscored.values():
            yield finding("register-body-unscored", line.source(), of=self._of(line.body))

    def _disagreeing(self, line: Line, registered: Line) -> Iterator[Finding]:
        """Yield the scores of a line for what does not apply, and the '/' for what does."""
        marks = dict(zip(registered.items, enumerate(registered.values), strict=True))
        for at, (item, value) in enumerate(zip(line.items, line.values, strict=True)):
            place, mark = marks.get(item, (0, Absent.MISSING))
            applies = _applies(mark)
            skipped = value is Absent.NOT_APPLICABLE
            if (applies and skipped and not self.reported) or (
                applies is False and not isinstance(value, Absent)
            ):
                params = {"of": self._of(line.body), "item": self._item(item)}
                texts = {"mark": _text(mark), "value": _text(value)}
                where = registered.source(place)
                source = line.source(at)
                yield finding("register-disagrees", source, **params, **texts, register=where)

    def _missing(
        self, block: Block, lines: Sequence[Line], unscored: dict[Body, Line]
    ) -> Iterator[Finding]:
        """Yield the bodies that no register has; one that is only written otherwise leaves ``unscored``."""
        if len(lines) > 1 and len(lines) == sum(1 for _line in lines_of(self.plan, block)):
            where = Source(block.file, block.sheet)
            yield finding("register-body-missing", where, of=self._joined(lines))
            return
        for line in lines:
            closed = self.registers.part(line.body, is_open=False)
            near = {
                " ".join(self.registers.part(key, is_open=True)): key
                for key in unscored
                if self.registers.part(key, is_open=False) == closed
            }
            name = nearest(" ".join(self.registers.part(line.body, is_open=True)), near)
            unscored.pop(near.get(name, ()), None)
            of = self._of(line.body)
            yield finding("register-body-missing", line.source(), of=of, suggestion=name)

    def _of(self, body: Body) -> Bilingual:
        """Return what a body is called, each part once."""
        pairs = zip(self.registers.dimensions, body, strict=True)
        titles = [self.scheme.title_of(self.plan, name, member) for name, member in pairs]
        return Bilingual(*(" ".join(dict.fromkeys(part)) for part in zip(*titles, strict=True)))

    def _joined(self, lines: Sequence[Line]) -> Bilingual:
        """Return what several bodies are called, cut after the first few."""
        return Bilingual.listed((self._of(line.body) for line in lines), _SHOWN)

    def _item(self, item: str) -> Bilingual:
        return self.nodes[item].title if item else self.stage.title

    def _by_list(self, code: str, line: Line, at: int, **params: object) -> Finding:
        """Return a finding with the clause of an item's list of units, of the item or of the stage."""
        item, clause = line.items[at], self.stage.clause
        indicators = self.scheme.indicators_in(self.plan)
        if item and indicators is not None:
            node = self.nodes[item]
            clause = (node.assessed.clause if node.assessed else "") or indicators.cited(node)
        return finding(code, line.source(at), **params, clause=clause)


def _text(value: Score) -> str:
    if isinstance(value, Absent):
        return value.value
    return plain(value) if isinstance(value, Decimal) else str(value)
