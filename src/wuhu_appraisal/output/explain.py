"""Why a unit has its final: a tree of sentences from the final down to the cells; computes nothing.

It is for the office: it names raters.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import N_, _, listed
from wuhu_appraisal.model import (
    ADJUSTING,
    BONUSES,
    CAP,
    COMPOSITE,
    CONSTANT,
    DEDUCTIONS,
    FINAL,
    HELD,
    WHEN,
    Absent,
    Applied,
    Key,
    LedgerEntry,
    Remark,
    RemarkKind,
    Score,
    ScoreTable,
    Standing,
    StepRow,
    Trace,
)
from wuhu_appraisal.numbers import Number, exact_text, plain, round_half_up, short_text
from wuhu_appraisal.output.parameters import out_of, tie_text, weights_text
from wuhu_appraisal.output.tables import Node, published_text
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Indicator, Part, Scheme, Stage
from wuhu_appraisal.scheme.plan import PlannedStep
from wuhu_appraisal.scheme.rules import Convert, Rescale, RollUp
from wuhu_appraisal.score.contributions import ScoredStage
from wuhu_appraisal.score.facts import FactScore
from wuhu_appraisal.score.operations import ONE, Adjust, Operation
from wuhu_appraisal.score.ranking import breaks
from wuhu_appraisal.score.steps import Operations, composite_of, freed, multiplied
from wuhu_appraisal.year.decisions import WORDS, about

ALL_THE_WAY = 1_000
"""A depth that no scheme's steps reach."""

_NAMED = N_("{name}: {value}")
_SPELLED_OUT = 12
_LONGEST_FRACTION = 24
_ZERO = Fraction(0)
_ABSENT = {
    Absent.MISSING: N_("missing"),
    Absent.NOT_APPLICABLE: N_("not applicable"),
    Absent.SET_ASIDE: N_("set aside"),
}


def explain(result: Result, unit: str, depth: int, stage: str | None = None) -> Node:
    """Return the tree of one unit, or of one of its stages by id.

    ``depth`` levels of steps are shown below each stage: 0 the stages only, 1 how each came to
    be, 2 the numbers that it was made of, and so on down to the cells. Raise KeyError if the unit
    or the stage is not in the result.
    """
    tree = _UnitTree(result, *result.standing_of(unit), depth)
    if stage is None:
        return tree.unit()
    node = tree.stage(result.scheme.stage(stage))
    node.text = f"{unit} · {node.text}"
    node.coefficient = None
    return node


@dataclass(frozen=True)
class _UnitTree:
    """The way down from one unit's final."""

    result: Result
    group_id: str
    standing: Standing
    depth: int

    @property
    def scheme(self) -> Scheme:
        return self.result.scheme

    @property
    def trace(self) -> Trace:
        return self.result.traces[self.group_id]

    @cached_property
    def notes(self) -> "_CellNotes":
        return _CellNotes(self.result)

    def unit(self) -> Node:
        """Return the final and the rank, what decided them, the adjustments, and the composite."""
        scheme, standing, rule = self.scheme, self.standing, self.scheme.final
        row = self.trace.final.rows[(standing.unit,)]
        final = published_text(standing.final, rule.digits)
        rank = _("no rank yet")
        if standing.rank is not None:
            count = len(scheme.group(self.group_id).units)
            rank = _("rank {rank} of {count}").format(rank=standing.rank, count=count)
        title = scheme.group(self.group_id).title
        root = Node(f"{standing.unit} · {title} · {rank} · {_('final')} {final}", kind="unit")
        if not isinstance(row.value, Absent | str):
            text = _("no bonus and no deduction: the final is the composite")
            if scheme.is_one_stage:
                text = _("the final is the score of the only stage")
            elif Part.ADJUSTMENTS not in scheme.parts([self.group_id]):
                text = _("the final is the composite")
            if len(row.members) > 1:
                names = [final_part(scheme, member)[0] for member in row.members]
                text = sentence(Adjust(), row, names)
            root.value, root.digits, root.published = row.value, rule.digits, final
            root.children.append(Node(text, kind="final", clause=rule.clause))
            root.children.append(_rounding(root, rule.clause))
        if standing.rank is not None:
            root.children += [
                Node(text, kind="rank", clause=scheme.ranking.clause)
                for text in _equal_finals(self.result, self.group_id, standing)
            ]
        root.children += _class_of(self.result, self.group_id, standing)
        if self.depth > 0:
            root.children += self._assumptions({rule.clause, scheme.ranking.clause})
        inputs = zip(row.members, row.values, row.coefficients, strict=True)
        for member, value, share in sorted(inputs, key=lambda part: part[0] == COMPOSITE):
            if member != COMPOSITE:
                part = self._part(member, value)
            elif scheme.is_one_stage:
                part = self.stage(scheme.stages[0])
            else:
                part = self._composite()
            part.coefficient = share
            root.children.append(part)
        return root

    def _composite(self) -> Node:
        rule = self.scheme.composite
        row = self.trace.composite.rows[(self.standing.unit,)]
        text = _("composite: {value}").format(value=value_text(row.value))
        node = Node(text, kind="composite", clause=rule.clause)
        titles = [str(self.scheme.stage(stage).title) for stage in row.members]
        factor = self.scheme.factor_of(self.standing.unit)
        before = row if factor is None else multiplied(row, 1 / factor.factor)
        kind = self.scheme.kind_of(self.standing.unit)
        if kind is not None:
            text = _("the kind of the unit is {kind}, with the stage weights {weights}")
            text = text.format(kind=kind, weights=weights_text(self.scheme, kind))
            node.children.append(Node(text, kind="step", clause=rule.clause))
        step = sentence(composite_of(self.scheme, kind)[0], before, titles)
        node.children.append(Node(step, kind="step", clause=rule.clause))
        if factor is not None and not isinstance(row.value, Absent | str):
            assert not isinstance(before.value, Absent | str)
            text = _("multiplied by the factor {factor}: {before} × {factor} = {value}").format(
                factor=exact_text(factor.factor),
                before=value_text(before.value),
                value=value_text(row.value),
            )
            node.children.append(Node(text, kind="step", clause=factor.clause or rule.clause))
        node.children += _publish(node, row.value, self.standing.composite, rule.digits)
        if self.depth > 0:
            node.children += self._assumptions({rule.clause})
        for stage in self.scheme.stages_of(self.standing.unit):
            child = self.stage(stage)
            child.coefficient = row.coefficients[row.members.index(stage.id)]
            node.children.append(child)
        return node

    def stage(self, stage: Stage) -> Node:
        """Return one stage, and below it its steps down to the cells."""
        unit = self.standing.unit
        kind = self.scheme.kind_of(unit)
        weights = self.scheme.weights_of(kind)
        if stage.id not in weights:
            text = _("{stage}: does not count for {kind}").format(stage=stage.title, kind=kind)
            return Node(text, kind="stage", clause=self.scheme.composite.clause)
        weight = weights[stage.id]
        scored = ScoredStage(self.scheme, stage, self.group_id, self.trace.stages[stage.id])
        value = scored.values.get(unit, Absent.MISSING)
        text = _(_NAMED).format(name=stage.title, value=value_text(value))
        if weight and not self.scheme.is_one_stage:
            text = _("{stage}: {value}, weight {weight}").format(
                stage=stage.title, value=value_text(value), weight=plain(weight)
            )
        if self.scheme.end != 100 or stage.end != 100:
            text += f" · {out_of(stage)}"
        node = Node(text, kind="stage", clause=stage.clause)
        digits = self.scheme.composite.digits
        rounding = _publish(node, value, self.standing.stages[stage.id], digits)
        if self.depth < 1:
            return node
        steps = _StageTree(scored, unit, self.notes)
        steps.fill(node, len(scored.steps) - 1, (unit,), self.depth)
        if node.value is not None:
            clauses = {stage.clause, *(step.clause for step in scored.plan.steps)}
            place = 1 if scored.steps else 0
            node.children[place:place] = [*rounding, *self._assumptions(clauses, stage.id)]
        node.children[:0] = self.notes.wider_decisions(steps.cells(), _decision_texts(node))
        return node

    def _part(self, member: str, value: Score) -> Node:
        """Return an adjustment with its records, or what a bound changes."""
        assert not isinstance(value, Absent | str)
        name, clause = final_part(self.scheme, member)
        text = _(_NAMED).format(name=name, value=signed(value))
        if member in (BONUSES, DEDUCTIONS, ADJUSTING, FINAL) or member.endswith((CAP, WHEN)):
            return Node(text, kind="bound", value=value, clause=clause)
        cap = self.scheme.adjustment(member).cap
        if cap is not None:
            text += " · " + _("at most {cap} a unit").format(cap=plain(cap))
        node = Node(text, kind="adjustment", value=value, clause=clause)
        for record in self.standing.adjustments:
            if record.id == member:
                grounds = [text for text in (record.reason, record.evidence) if text]
                child = Node(" · ".join([signed(record.points), *grounds]), kind="record")
                child.value, child.coefficient = record.points, ONE
                child.sources = [record.source]
                self.notes.add_to(child)
                node.children.append(child)
        return node

    def _assumptions(self, clauses: Collection[str], stage: str = "") -> Iterator[Node]:
        """Yield the scheme's assumptions where one of these clauses is silent, as far as scores go."""
        for item in self.scheme.assumptions:
            silent = set(item.clause.split("、")) & (set(clauses) - {""})
            if silent and self._bears_on(item.set_in, stage):
                text = _("assumption: {text}").format(text=item.text)
                yield Node(text, kind="assumption", clause=item.clause)

    def _bears_on(self, set_in: str, stage: str) -> bool:
        """Tell whether a place in the scheme bears on this unit's scores, of a stage if one is given."""
        root, *path = set_in.split("/")
        if root != "stages" or not path:
            return True
        own = not stage or path[0] in ("*", stage)
        if path[1:2] == ["plans"] and len(path) > 2:
            own = own and path[2] in ("*", self.group_id)
        return own and path[-1] not in ("checks", "window")


class _CellNotes:
    """How cells were read, what was written beside them, and what was decided about them."""

    def __init__(self, result: Result) -> None:
        self._readings: Mapping[Source, LedgerEntry] = {item.source: item for item in result.ledger}
        self._remarks: dict[Source, list[Remark]] = {}
        for item in result.remarks:
            self._remarks.setdefault(item.source, []).append(item)
        self._decisions = result.decisions

    def add_to(self, node: Node) -> None:
        """Put the notes on the cells of a node below it."""
        for source in node.sources:
            entry = self._readings.get(source)
            if entry is not None:
                text = _("the cell holds '{raw}', read as {value}: {rules}").format(
                    raw=entry.raw,
                    value=entry.value,
                    rules=listed(rule.words for rule in entry.rules),
                )
                node.reading = entry
                node.children.append(Node(text, kind="reading"))
            decided = node
            for remark in self._remarks.get(source, ()):
                text = _(_NAMED).format(name=remark.kind.words, value=remark.text)
                child = Node(text, kind="remark")
                node.children.append(child)
                if remark.kind is RemarkKind.FAULT:
                    child.sources, decided = [source], child
            decided.children += [
                _decision(item) for item in self._decisions if item.is_about(source)
            ]
        if any(child.kind == "remark" and child.sources for child in node.children):
            # Each fault has its own place, the count that of the list.
            node.sources = list(dict.fromkeys(source.of_sheet for source in node.sources))

    def wider_decisions(self, cells: Iterable[Source], shown: Collection[str]) -> list[Node]:
        """Return the decisions that bear on any of these cells, without those that are shown."""
        if not self._decisions:
            return []
        sources = list(cells)
        return [
            node
            for item in self._decisions
            if (node := _decision(item)).text not in shown and any(map(item.bears_on, sources))
        ]


def _decision(item: Applied) -> Node:
    made = item.decision
    word = _(WORDS[made.decide])
    if made.value is not None:
        word = _(_NAMED).format(name=word, value=made.value)
    text = _("decision on {about}: {word}; {reason} (decided by {by}, {at})").format(
        about=about(made), word=word, reason=made.reason, by=made.by, at=made.at
    )
    return Node(text, kind="decision", clause=made.clause)


def _decision_texts(node: Node) -> set[str]:
    """Return the texts of the decisions at a node and below it."""
    texts = set().union(*map(_decision_texts, node.children))
    return texts | {node.text} if node.kind == "decision" else texts


@dataclass(frozen=True)
class _StageTree:
    """The way down through the steps of one stage and unit."""

    scored: ScoredStage
    unit: str
    notes: _CellNotes

    @cached_property
    def scores(self) -> ScoreTable:
        """The scores as read, without the sheets of other units."""
        scores = self.scored.trace.scores
        blocks = [it for it in scores.blocks if it.fixed.get("unit", self.unit) == self.unit]
        return ScoreTable(scores.dimensions, blocks)

    def cells(self) -> Iterator[Source]:
        """Yield the cells of the unit's scores."""
        for key in {key for key, _score in self.scores.items() if key[0] == self.unit}:
            yield from self.scores.sources(key)

    def fill(self, node: Node, place: int, key: Key, depth: int) -> None:
        """Put below a node the step at ``place``, which made its number, and the step's inputs."""
        if place < 0:
            node.sources = self.scores.sources(key)
            self.notes.add_to(node)
            return
        step = self.scored.steps[place]
        row = self.scored.trace.steps[place].rows.get(key)
        if row is None or depth < 1:
            return
        if step.parents and list(row.members) == [key[step.before.dimensions.index(_rolled(step))]]:
            # The score stood at this level already: it passed through.
            self.fill(node, place - 1, step.input_key(key, row.members[0]), depth)
            return
        members = [member for member in row.members if member not in (CONSTANT, HELD)]
        names = [self._name(step, key, member) for member in members]
        operation = Operations(step, self.scored.trace.tables[place]).of(key)
        text = sentence(operation, freed(row), names)
        node.children.append(Node(text, kind="step", clause=step.step.clause))
        if HELD in row.members:
            node.children.append(self._bound(step, key, row))
        if depth < 2:
            return
        # A constant is not among the inputs that have cells; the sentence says what it is made of.
        for member, name, value, share in zip(
            members, names, row.values, row.coefficients, strict=False
        ):
            child = self._input(step, member, name, value, is_cell=place == 0)
            child.coefficient = share
            if not (share or step.by_facts or isinstance(value, Absent)):
                child.text += " · " + _("does not count")
            node.children.append(child)
            self.fill(child, place - 1, step.input_key(key, member), depth - 1)

    def _bound(self, step: PlannedStep, key: Key, row: StepRow) -> Node:
        """Return which bound holds a number, by which clause, and what it adds or takes away."""
        bounds, more = step.bounds_of(key), row.values[-1]
        indicators = self.scored.scheme.indicators_in(self.scored.plan)
        assert bounds is not None and indicators is not None and isinstance(more, Fraction)
        assert isinstance(row.value, Fraction)
        text = _("at least {floor}: {more}") if more > 0 else _("at most {cap}: {more}")
        bound = short_text(row.value)
        text = text.format(floor=bound, cap=bound, more=signed(more))
        clause = indicators.cited(bounds) if isinstance(bounds, Indicator) else indicators.clause
        return Node(text, kind="bound", value=more, coefficient=ONE, clause=clause)

    def _input(
        self, step: PlannedStep, member: str, name: str, value: Score, *, is_cell: bool
    ) -> Node:
        text = _(_NAMED).format(name=name, value=value_text(value))
        if is_cell and step.before.full_marks is None and member in step.before.marks:
            text = _("{name}: {value} of {marks}").format(
                name=name, value=value_text(value), marks=value_text(step.before.marks[member])
            )
        node = Node(text, kind="cell" if is_cell else "score")
        if isinstance(value, str):
            assert isinstance(step.step, Convert)
            node.value = step.step.convert[value]
        elif not isinstance(value, Absent):
            node.value = value
        dimension = self.scored.plan.dimensions.get(_rolled(step))
        if dimension is not None and dimension.indicators:
            indicators = self.scored.scheme.indicator_set(dimension.indicators)
            node.clause = indicators.nodes[member].clause
        return node

    def _name(self, step: PlannedStep, key: Key, member: str) -> str:
        """Return what an input is called."""
        if isinstance(step.step, Convert):
            return _("grade")
        if isinstance(step.step, Rescale):
            marks = step.before.marks_of(key)
            assert marks is not None, "a scheme that rescales points without an end does not load"
            return _("out of {marks}").format(marks=value_text(marks))
        if step.by_facts:
            indicators = self.scored.scheme.indicators_in(self.scored.plan)
            assert indicators is not None, "facts are those of indicators"
            return str(indicators.nodes[member].title)
        return self.scored.title(step.step.roll_up, member)


def _rolled(step: PlannedStep) -> str:
    return step.step.roll_up if isinstance(step.step, RollUp) else ""


def _publish(node: Node, value: Score, published: Decimal | None, digits: int) -> list[Node]:
    """Give a node its published number; return the rounding of it, where it was rounded."""
    if isinstance(value, Absent | str):
        return []
    node.value, node.digits, node.published = value, digits, published_text(published, digits)
    return [] if Fraction(node.published) == value else [_rounding(node, node.clause)]


def _rounding(node: Node, clause: str) -> Node:
    assert node.value is not None and node.digits is not None
    text = _("rounded half up to {digits} decimals: {exact} → {published}").format(
        digits=node.digits, exact=decisive(node.value, node.digits), published=node.published
    )
    return Node(text, kind="rounding", clause=clause)


def _equal_finals(result: Result, group_id: str, standing: Standing) -> Iterator[str]:
    """Say how a unit stands to those with the same final: the rank is shared, or a tie-break decides."""
    final = published_text(standing.final, result.scheme.final.digits)
    equal = [
        other
        for other in result.standings[group_id]
        if other.final == standing.final and other.unit != standing.unit
    ]
    shared = [other.unit for other in equal if other.rank == standing.rank]
    if shared:
        yield _("the rank is shared with {units}, whose final is also {final}").format(
            units=listed(shortened(shared)), final=final
        )
    for other in equal:
        if other.rank != standing.rank:
            yield _tie_break(result.scheme, standing, other, final)


def _class_of(result: Result, group_id: str, standing: Standing) -> Iterator[Node]:
    """Say which class a unit has, by what, and why not the one above."""
    scheme, rule = result.scheme, result.scheme.class_rule
    ids = list(scheme.class_titles)
    if standing.class_id is None or standing.final is None:
        return
    place = ids.index(standing.class_id)
    count = sum(unit.rank is not None for unit in result.standings[group_id])

    def demands(at: int) -> str:
        item, parts = scheme.classes[at], []
        if item.least is not None:
            text = _("a final of at least {least}")
            if item.above is not None:
                text = _("a final above {least}")
            parts.append(text.format(least=published_text(item.least, scheme.final.digits)))
        if rule is not None and item.percent is not None:
            text = _("{places} places, which are {percent} per cent of {count} units")
            places = rule.places(item.percent, count)
            parts.append(text.format(percent=plain(item.percent), count=count, places=places))
        return listed(parts) or _("all others")

    text = _("class {name} ({demands})")
    node = text.format(name=scheme.class_titles[standing.class_id], demands=demands(place))
    yield Node(node, kind="class", clause=scheme.classes[place].clause)
    if place:
        above = scheme.classes[place - 1]
        values = {
            "name": above.title,
            "demands": demands(place - 1),
            "final": published_text(standing.final, scheme.final.digits),
            "rank": standing.rank,
        }
        text = _("not {name} ({demands}): the final is {final}")
        if above.reached_by(standing.final):
            text = _("not {name} ({demands}): rank {rank} has none of its places")
        yield Node(text.format(**values), kind="class", clause=above.clause)


def _tie_break(scheme: Scheme, own: Standing, other: Standing, final: str) -> str:
    pairs = zip(breaks(scheme, own), breaks(scheme, other), strict=True)
    for tie, values in zip(scheme.ranking.ties, pairs, strict=True):
        if values[0] != values[1]:
            here, there = (
                published_text(value, scheme.composite.digits)
                if value is None or isinstance(value, Decimal)
                else exact_text(value)
                for value in values
            )
            text = _("{unit} also has the final {final}; {tie} decides: {here} to {there}")
            if tie.order == "lowest_first":
                text = _(
                    "{unit} also has the final {final}; {tie} decides, the lowest first: "
                    "{here} to {there}"
                )
            name = tie_text(scheme, tie)
            return text.format(unit=other.unit, final=final, tie=name, here=here, there=there)
    raise AssertionError("equal finals with different ranks are told apart by a tie-break")


def final_part(scheme: Scheme, member: str) -> tuple[str, str]:
    """Return what an input of a final is called, and its clause."""
    if member == COMPOSITE:
        return _("composite"), scheme.composite.clause
    if member == BONUSES and scheme.adjusting.bonus_cap is not None:
        return _("all bonuses limited to {cap}").format(cap=plain(scheme.adjusting.bonus_cap)), ""
    if member == DEDUCTIONS and scheme.adjusting.deduction_cap is not None:
        cap = plain(scheme.adjusting.deduction_cap)
        return _("all deductions limited to {cap}").format(cap=cap), ""
    if member.endswith(WHEN):
        rule = scheme.adjustment(member.removesuffix(WHEN))
        text = _("does not count, because the composite is not {bound}").format(bound=rule.when)
        return f"{rule.title} · {text}", rule.clause
    if member == ADJUSTING:
        return _("limited by the bounds of all adjustments"), ""
    if member == FINAL:
        return _("limited by the bounds of the final"), scheme.final.clause
    rule = scheme.adjustment(member.removesuffix(CAP))
    if rule.id == member or rule.cap is None:
        return str(rule.title), rule.clause
    held = _("limited to {cap}").format(cap=plain(rule.cap))
    return f"{rule.title} · {held}", rule.clause


def signed(value: Number) -> str:
    """Return a number with its sign, 0 without: '+3', '≈-0.2878'."""
    text = short_text(value)
    return text if value <= 0 else text.replace("≈", "≈+") if "≈" in text else f"+{text}"


def value_text(value: Score) -> str:
    """Return a score as a reader wants it; a grade as it is."""
    if isinstance(value, Absent):
        return _(_ABSENT[value])
    return value if isinstance(value, str) else short_text(value)


def decisive(value: Number, digits: int) -> str:
    """Return the exact number, or so many of its digits that they are rounded as it is."""
    text = exact_text(value)
    if "/" not in text:
        return text
    places = max(4, digits + 1)
    while round_half_up(round_half_up(value, places), digits) != round_half_up(value, digits):
        places += 1
    short = short_text(value, places)
    return f"{short} = {text}" if len(text) <= _LONGEST_FRACTION else short


def sentence(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    """Say how a step made one number of its inputs, and which of them it left out."""
    text = _("no score that counts")
    if not isinstance(row.value, Absent):
        if not isinstance(operation, FactScore):
            text = _phrase(operation, row, names)
        else:
            numbers = [_ZERO if isinstance(value, Absent | str) else value for value in row.values]
            text = operation.told(numbers[:-1])
    left_out: list[str] = []
    as_zero: list[str] = []
    counts = isinstance(operation, FactScore) and not isinstance(row.value, Absent)
    for name, value, coefficient in zip(names, row.values, row.coefficients, strict=False):
        if isinstance(value, Absent):
            (as_zero if coefficient or counts else left_out).append(name)
    if left_out:
        text += _(" (left out: {members})").format(members=listed(shortened(left_out)))
    if as_zero:
        text += _(" (counted as 0: {members})").format(members=listed(shortened(as_zero)))
    return text


def _phrase(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    inputs = [
        (coefficient, _ZERO if isinstance(value, Absent) else value)
        for coefficient, value in zip(row.coefficients, row.values, strict=True)
        if coefficient or not isinstance(value, Absent)
    ]
    terms = _terms([(coefficient, value) for coefficient, value in inputs if coefficient])
    if isinstance(operation, Adjust):
        pairs = zip(names, row.values, strict=True)
        terms = " + ".join(f"{name} {value_text(value)}" for name, value in pairs)
    value = value_text(row.value)
    text = operation.phrase(terms, len(inputs), value)
    return text.replace(f"{value} = {value}", value).replace("= ≈", "≈ ")


def _terms(inputs: Sequence[tuple[Fraction, Score]]) -> str:
    """Return the inputs with their coefficients, shortened where they are many."""
    if not inputs:
        return "—"
    coefficients = {coefficient for coefficient, _value in inputs}
    values = [value_text(value) for _coefficient, value in inputs]
    if len(coefficients) > 1:
        pairs = zip(inputs, values, strict=True)
        terms = [f"{exact_text(coefficient)}×{value}" for (coefficient, _v), value in pairs]
        return " + ".join(shortened(terms))
    coefficient = coefficients.pop()
    added = " + ".join(shortened(values))
    if coefficient == 1:
        return added
    factor = f" × {exact_text(coefficient)}"
    if coefficient.numerator == 1:
        factor = f" ÷ {coefficient.denominator}"
    return (f"({added})" if len(values) > 1 else added) + factor


def shortened(texts: Sequence[str]) -> list[str]:
    """Return the texts, or where they are many the first and the last of them."""
    if len(texts) <= _SPELLED_OUT:
        return list(texts)
    return [*texts[: _SPELLED_OUT // 2], "…", *texts[-2:]]
