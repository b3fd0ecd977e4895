"""Two units' finals held against each other: a tree of what makes the difference, nothing computed.

It is the office's own view: it names raters.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import N_, Bilingual, _
from wuhu_appraisal.model import (
    ADJUSTING,
    CAP,
    COMPOSITE,
    FINAL,
    Absent,
    Applied,
    Key,
    LedgerEntry,
    Remark,
    Score,
    ScoreTable,
    StageTrace,
    Standing,
    StepRow,
    Trace,
)
from wuhu_appraisal.numbers import Number, exact_text, plain, round_half_up, short_text
from wuhu_appraisal.output.tables import Column, show
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import PlannedStep, planned
from wuhu_appraisal.scheme.rules import Adjustment, Convert, Rescale
from wuhu_appraisal.score.contributions import Difference, Side, differences
from wuhu_appraisal.score.operations import ONE, Adjust, Operation, Weighted
from wuhu_appraisal.score.steps import operation_for
from wuhu_appraisal.store import json_data
from wuhu_appraisal.year.decisions import WORDS, about

Sides: TypeAlias = tuple[Fraction | None, Fraction | None]


@dataclass(slots=True)
class Node:
    """A sentence and what stands behind it.

    A node's ``value`` is the sum of its children's values, each times its ``coefficient``, over
    the children that have a coefficient; a value of None counts as 0 there. Children without a
    coefficient say something of the node. A node whose children were not asked for has none.

    ``lead`` is a number that stands before the text; ``digits`` are those that ``published`` was
    rounded to; ``sides`` are the values that a difference is between.
    """

    text: str
    children: list["Node"] = field(default_factory=list)
    kind: str = "text"
    value: Number | None = None
    coefficient: Fraction | None = None
    published: str = ""
    digits: int | None = None
    clause: str = ""
    sources: Sequence[Source] = ()
    reading: LedgerEntry | None = None
    lead: str = ""
    sides: Sides | None = None

    @property
    def sentence(self) -> str:
        """The text with where it stands and the clause behind it."""
        places = "".join(f" · {source}" for source in self.sources)
        return self.text + places + (f"  [{self.clause}]" if self.clause else "")

    @property
    def line(self) -> str:
        """All of it on one line."""
        return f"{self.lead}  {self.sentence}" if self.lead else self.sentence


def data(node: Node) -> dict[str, Any]:
    """The tree as JSON data; every node has all the keys.

    - ``kind``: unit, final, rank, step, rounding, assumption, composite, stage, score, cell,
      adjustment, record, bound, reading, remark; of a comparison: comparison, stage, member,
      adjustment, cap, adjusting, final, rounding, note
    - ``text``: the sentence, without its sources and clause
    - ``value``: the exact number as text, '86.25' or 'p/q'; of a comparison the difference, first
      less second; null where there is none
    - ``coefficient``: how often the node's value counts in its parent's, as exact text; null for a
      node that only says something. A node's value is the sum of coefficient times value over
      its children with a coefficient, where a value of null counts as 0 (no such children: the
      tree was cut off at a depth, or the node is a cell)
    - ``published`` and ``rounding``: the value as published, and {"digits", "rule"} of its rounding
    - ``clause``: of the published document; null where the text rests on none
    - ``sources``: the cells, [{"file", "sheet", "cell"}]
    - ``reading``: how the cell was read, where it holds other than a plain number: an entry of the
      result's ledger
    - ``sides``: of a comparison, the two exact values as text in points of the final, null for a
      unit that has no such part; else null
    - ``children``: the nodes behind it
    """
    rounding = {"digits": node.digits, "rule": "half_up"}
    return {
        "kind": node.kind,
        "text": f"{node.lead} {node.text}" if node.lead else node.text,
        "value": _exact(node.value),
        "coefficient": _exact(node.coefficient),
        "published": node.published or None,
        "rounding": rounding if node.digits is not None else None,
        "clause": node.clause or None,
        "sources": [{"file": at.file, "sheet": at.sheet, "cell": at.cell} for at in node.sources],
        "reading": json_data(node.reading) if node.reading else None,
        "sides": [_exact(side) for side in node.sides] if node.sides else None,
        "children": [data(child) for child in node.children],
    }


def _exact(value: Number | None) -> str | None:
    return None if value is None else exact_text(value)


_BETWEEN = Bilingual("、", ", ")
_SPELLED_OUT = 12
_LONGEST_FRACTION = 24
_ZERO = Fraction(0)

_ABSENT = {
    Absent.MISSING: N_("missing"),
    Absent.NOT_APPLICABLE: N_("not applicable"),
    Absent.SET_ASIDE: N_("set aside"),
}

NAMED = N_("{name}: {value}")
OF_MARKS = N_("{name}: {value} of {marks}")


def value_text(value: Score) -> str:
    """A score as a reader wants it; a grade as it is."""
    if isinstance(value, Absent):
        return _(_ABSENT[value])
    return value if isinstance(value, str) else short_text(value)


def signed(value: Number) -> str:
    """A number with its sign, 0 without: '+3', '≈-0.2878'."""
    text = short_text(value)
    return text if value <= 0 else text.replace("≈", "≈+") if "≈" in text else f"+{text}"


def published_text(value: Decimal | None, digits: int) -> str:
    """A published number."""
    return show(value, Column("", "number", digits))


def rounding(value: Number, digits: int, published: str) -> str:
    """How an exact number became a published one."""
    return _("rounded half up to {digits} decimals: {exact} → {published}").format(
        digits=digits, exact=decisive(value, digits), published=published
    )


def decisive(value: Number, digits: int) -> str:
    """The exact number, or so many of its digits that they are rounded as it is."""
    text = exact_text(value)
    if "/" not in text:
        return text
    places = max(4, digits + 1)
    while round_half_up(round_half_up(value, places), digits) != round_half_up(value, digits):
        places += 1
    short = short_text(value, places)
    return f"{short} = {text}" if len(text) <= _LONGEST_FRACTION else short


def reading(entry: LedgerEntry) -> str:
    """How a cell was read."""
    return _("the cell holds '{raw}', read as {value}: {rules}").format(
        raw=entry.raw,
        value=entry.value,
        rules=str(_BETWEEN).join(rule.words for rule in entry.rules),
    )


def decision(item: Applied) -> str:
    """What a person decided about a score: what, as what it counts, why, by whom and when."""
    made = item.decision
    word = _(WORDS[made.decide])
    if made.value is not None:
        word = _(NAMED).format(name=word, value=made.value)
    text = _("decision on {about}: {word}; {reason} (decided by {by}, {at})")
    return text.format(about=about(made), word=word, reason=made.reason, by=made.by, at=made.at)


def remark(item: Remark) -> str:
    """What was written beside a score."""
    return _(NAMED).format(name=item.kind.words, value=item.text)


def adjusted(scheme: Scheme, members: Sequence[str]) -> list[str]:
    """What the parts of a final are called."""
    names = {
        COMPOSITE: _("composite"),
        ADJUSTING: _("held to the bounds of all adjustments"),
        FINAL: _("held to the bounds of the final"),
    }
    for item in scheme.adjustments:
        names[item.id] = str(item.title)
        if item.cap is not None:
            names[item.id + CAP] = _("held to {cap}").format(cap=plain(item.cap))
    return [names[member] for member in members]


def sentence(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    """How a step made one number of its inputs, and which of them it left out."""
    absent = [
        (name, coefficient)
        for name, value, coefficient in zip(names, row.values, row.coefficients, strict=True)
        if isinstance(value, Absent)
    ]
    if isinstance(row.value, Absent):
        text = _("nothing that can be counted")
    else:
        text = _phrase(operation, row, names)
    for message, found in (
        (_(" (left out: {members})"), [name for name, share in absent if not share]),
        (_(" (counted as 0: {members})"), [name for name, share in absent if share]),
    ):
        if found:
            text += message.format(members=str(_BETWEEN).join(shortened(found)))
    return text


def ranking(result: Result, group_id: str, standing: Standing) -> Iterator[str]:
    """How a unit stands to those with the same final: the rank is shared, or a tie-break decides."""
    final = published_text(standing.final, result.scheme.final.digits)
    equal = [
        other
        for other in result.standings[group_id]
        if other.final == standing.final and other.unit != standing.unit
    ]
    shared = [other.unit for other in equal if other.rank == standing.rank]
    if shared:
        yield _("the rank is shared with {units}, whose final is {final} too").format(
            units=str(_BETWEEN).join(shortened(shared)), final=final
        )
    for other in equal:
        if other.rank != standing.rank:
            yield _tie_break(result.scheme, standing, other, final)


def shortened(texts: Sequence[str]) -> list[str]:
    """The texts, or where they are many the first and the last of them."""
    if len(texts) <= _SPELLED_OUT:
        return list(texts)
    return [*texts[: _SPELLED_OUT // 2], "…", *texts[-2:]]


def _tie_break(scheme: Scheme, own: Standing, other: Standing, final: str) -> str:
    titles = {stage.id: str(stage.title) for stage in scheme.stages}
    for tie in scheme.ranking.ties:
        stage = tie.stage or ""
        by_composite = tie.by == "composite"
        values = [
            item.composite if by_composite else item.stages.get(stage) for item in (own, other)
        ]
        if values[0] != values[1]:
            here, there = (published_text(value, scheme.composite.digits) for value in values)
            return _("{unit} has the final {final} too; {tie} decides: {here} to {there}").format(
                unit=other.unit,
                final=final,
                tie=_("composite") if by_composite else titles[stage],
                here=here,
                there=there,
            )
    raise AssertionError("equal finals with different ranks are told apart by a tie-break")


def _phrase(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    entered = [
        (coefficient, _ZERO if isinstance(value, Absent) else value)
        for coefficient, value in zip(row.coefficients, row.values, strict=True)
        if coefficient or not isinstance(value, Absent)
    ]
    inputs = _inputs([(coefficient, value) for coefficient, value in entered if coefficient])
    if isinstance(operation, Adjust):
        terms = zip(names, row.values, strict=True)
        inputs = " + ".join(f"{name} {value_text(value)}" for name, value in terms)
    value = value_text(row.value)
    text = operation.phrase(inputs, len(entered), value)
    return text.replace(f"{value} = {value}", value).replace("= ≈", "≈ ")


def _inputs(counted: Sequence[tuple[Fraction, Score]]) -> str:
    """The inputs with their coefficients, shortened where they are many."""
    if not counted:
        return "—"
    shares = {coefficient for coefficient, _counted in counted}
    values = [value_text(value) for _share, value in counted]
    if len(shares) == 1:
        share = shares.pop()
        added = " + ".join(shortened(values))
        if share == 1:
            return added
        over = f" ÷ {share.denominator}" if share.numerator == 1 else f" × {exact_text(share)}"
        return (f"({added})" if len(values) > 1 else added) + over
    terms = [
        f"{exact_text(share)}×{value}" for (share, _v), value in zip(counted, values, strict=True)
    ]
    return " + ".join(shortened(terms))


__all__ = ["Node", "explain", "standing_of"]

ALL_THE_WAY = 1_000
"""A depth that no scheme's steps reach."""


def explain(result: Result, unit: str, depth: int, stage: str | None = None) -> Node:
    """The tree of one unit, or of one of its stages by id.

    ``depth`` levels of steps are shown below each stage: 0 the stages alone, 1 how each came to
    be, 2 the numbers that it was made of, and so on down to the cells. Raises KeyError if the unit
    or the stage is not in the result.
    """
    group_id, standing = standing_of(result, unit)
    tree = _Tree(result, group_id, standing, depth)
    if stage is None:
        return tree.unit()
    found = tree.stage({item.id: item for item in result.scheme.stages}[stage])
    found.text = f"{unit} · {found.text}"
    found.coefficient = None
    return found


def standing_of(result: Result, unit: str) -> tuple[str, Standing]:
    """The group that a unit is ranked in, and how it stands there; KeyError if it is in none."""
    for group_id, standings in result.standings.items():
        for standing in standings:
            if standing.unit == unit:
                return group_id, standing
    raise KeyError(unit)


@dataclass(frozen=True)
class _Tree:
    """The way down from one unit's final."""

    result: Result
    group_id: str
    standing: Standing
    depth: int

    @property
    def scheme(self) -> Scheme:
        return self.result.scheme

    @property
    def traces(self) -> Trace:
        return self.result.traces[self.group_id]

    @property
    def key(self) -> Key:
        return (self.standing.unit,)

    @cached_property
    def beside(self) -> "_Beside":
        return _Beside(self.result)

    def unit(self) -> Node:
        """Final and rank, what decided them, the adjustments, and the composite."""
        scheme, standing = self.scheme, self.standing
        row = self.traces.final.rows[self.key]
        rule = scheme.final
        final = published_text(standing.final, rule.digits)
        title = scheme.group(self.group_id).title
        root = Node(
            f"{standing.unit} · {title} · {self._rank()} · {_('final')} {final}",
            kind="unit",
        )
        if not isinstance(row.value, Absent | str):
            _publish(root, row.value, rule.digits, final)
            if len(row.members) > 1:
                names = adjusted(scheme, row.members)
                text = sentence(Adjust(), row, names)
            else:
                text = _("no bonus and no deduction: the final is the composite")
            root.children.append(Node(text, kind="final", clause=rule.clause))
            root.children.append(_rounding(row.value, rule.digits, final, rule.clause))
        if standing.rank is not None:
            root.children += [
                Node(text, kind="rank", clause=scheme.ranking.clause)
                for text in ranking(self.result, self.group_id, standing)
            ]
        if self.depth > 0:
            root.children += self._assumed({rule.clause, scheme.ranking.clause})
        inputs = zip(row.members, row.values, row.coefficients, strict=True)
        for member, value, share in sorted(inputs, key=lambda part: part[0] == COMPOSITE):
            part = self.composite() if member == COMPOSITE else self._part(member, value)
            part.coefficient = share
            root.children.append(part)
        return root

    def composite(self) -> Node:
        """The composite, and below it the stages."""
        rule = self.scheme.composite
        row = self.traces.composite.rows[self.key]
        titles = {stage.id: str(stage.title) for stage in self.scheme.stages}
        text = _("composite: {value}").format(value=value_text(row.value))
        node = Node(text, kind="composite", clause=rule.clause)
        how = sentence(Weighted(), row, [titles[name] for name in row.members])
        node.children.append(Node(how, kind="step", clause=rule.clause))
        if not isinstance(row.value, Absent | str):
            shown = published_text(self.standing.composite, rule.digits)
            _publish(node, row.value, rule.digits, shown)
            node.children += _rounded(node)
        if self.depth > 0:
            node.children += self._assumed({rule.clause})
        for stage in self.scheme.stages:
            child = self.stage(stage)
            child.coefficient = row.coefficients[row.members.index(stage.id)]
            node.children.append(child)
        return node

    def stage(self, stage: Stage) -> Node:
        """One stage, and below it its steps down to the cells."""
        plan = stage.plans[self.group_id]
        trace = self.traces.stages[stage.id]
        value = trace.value(self.standing.unit)
        text = _("{stage}: {value}, weight {weight}").format(
            stage=stage.title, value=value_text(value), weight=plain(stage.weight)
        )
        node = Node(text, kind="stage", clause=stage.clause)
        digits = self.scheme.composite.digits
        if not isinstance(value, Absent | str):
            shown = published_text(self.standing.stages[stage.id], digits)
            _publish(node, value, digits, shown)
        if self.depth < 1:
            return node
        steps = planned(self.scheme, plan)
        walk = _Walk(self.scheme, plan, trace, steps, self.beside, self.standing.unit)
        walk.fill(node, len(steps) - 1, self.key, self.depth)
        if node.value is not None:
            clauses = {stage.clause, *(step.clause for step in plan.steps)}
            place = 1 if steps else 0
            node.children[place:place] = [*_rounded(node), *self._assumed(clauses, stage.id)]
        node.children[:0] = self.beside.decided(walk.cells, _said(node))
        return node

    def _rank(self) -> str:
        if self.standing.rank is None:
            return _("no rank yet")
        count = len(self.scheme.group(self.group_id).units)
        return _("rank {rank} of {count}").format(rank=self.standing.rank, count=count)

    def _part(self, member: str, value: Score) -> Node:
        """A part of the final beside the composite: an adjustment, or what a bound changes."""
        assert not isinstance(value, Absent | str)
        rules = {item.id: item for item in self.scheme.adjustments}
        name = adjusted(self.scheme, [member])[0]
        text = _(NAMED).format(name=name, value=signed(value))
        if member in rules:
            return self._adjustment(rules[member], text, value)
        capped = rules.get(member.removesuffix(CAP))
        clauses = {FINAL: self.scheme.final.clause, ADJUSTING: ""}
        clause = capped.clause if capped else clauses[member]
        return Node(text, kind="bound", value=value, clause=clause)

    def _adjustment(self, rule: Adjustment, text: str, value: Number) -> Node:
        if rule.cap is not None:
            text += " · " + _("at most {cap} a unit").format(cap=plain(rule.cap))
        node = Node(text, kind="adjustment", value=value, clause=rule.clause)
        for record in self.standing.adjustments:
            if record.id != rule.id:
                continue
            grounds = [text for text in (record.reason, record.evidence) if text]
            child = Node(" · ".join([signed(record.points), *grounds]), kind="record")
            child.value, child.coefficient = record.points, ONE
            child.sources = [record.source]
            self.beside.add_to(child)
            node.children.append(child)
        return node

    def _assumed(self, clauses: Collection[str], stage: str = "") -> Iterator[Node]:
        """What the scheme decides where one of these clauses is silent, as far as scores go."""
        for item in self.scheme.assumptions:
            silent = set(item.clause.split("、")) & (set(clauses) - {""})
            if silent and self._concerned(item.set_in, stage):
                text = _("assumption: {text}").format(text=item.text)
                yield Node(text, kind="assumption", clause=item.clause)

    def _concerned(self, set_in: str, stage: str) -> bool:
        """Whether a place in the scheme bears on the scores of this unit, in ``stage`` if one is given."""
        root, *path = set_in.split("/")
        if root != "stages" or not path:
            return True
        own = not stage or path[0] in ("*", stage)
        if path[1:2] == ["plans"] and len(path) > 2:
            own = own and path[2] in ("*", self.group_id)
        return own and path[-1] not in ("checks", "window")


class _Beside:
    """How cells were read, and what was written beside them."""

    def __init__(self, result: Result) -> None:
        self._readings: Mapping[Source, LedgerEntry] = {item.source: item for item in result.ledger}
        self._remarks: dict[Source, list[Remark]] = {}
        for item in result.remarks:
            self._remarks.setdefault(item.source, []).append(item)
        self._decisions = result.decisions

    def add_to(self, node: Node) -> None:
        """Say it below a node that names cells."""
        for source in node.sources:
            entry = self._readings.get(source)
            if entry is not None:
                node.reading = entry
                node.children.append(Node(reading(entry), kind="reading"))
            node.children += [
                Node(remark(item), kind="remark") for item in self._remarks.get(source, ())
            ]
            node.children += [_decided(item) for item in self._decisions if item.is_about(source)]

    def decided(
        self, cells: Mapping[Key, Sequence[Source]], said: Collection[str]
    ) -> Iterator[Node]:
        """The decisions that bear on any of these cells, but for those that are ``said`` already."""
        sources = [source for found in cells.values() for source in found]
        for item in self._decisions:
            node = _decided(item)
            if node.text not in said and any(item.bears_on(source) for source in sources):
                yield node


@dataclass(frozen=True)
class _Walk:
    """A way down through the steps of one stage and unit."""

    scheme: Scheme
    plan: Plan
    trace: StageTrace
    steps: Sequence[PlannedStep]
    beside: _Beside
    unit: str

    @cached_property
    def cells(self) -> Mapping[Key, list[Source]]:
        return located(self.trace.scores, self.unit)

    def fill(self, node: Node, place: int, key: Key, depth: int) -> None:
        """Put below a node the step at ``place``, which made its number, and the step's inputs."""
        if place < 0:
            node.sources = self.cells.get(key, ())
            self.beside.add_to(node)
            return
        step = self.steps[place]
        row = self.trace.steps[place].rows.get(key)
        if row is None or depth < 1:
            return
        if step.parents and list(row.members) == [key[step.before.dimensions.index(_rolled(step))]]:
            # It stood at this level already: the number passed through.
            self.fill(node, place - 1, step.input_key(key, row.members[0]), depth)
            return
        names = [self._label(step, key, member) for member in row.members]
        text = sentence(operation_for(step, key), row, names)
        node.children.append(Node(text, kind="step", clause=step.step.clause))
        if depth < 2:
            return
        for member, name, value, share in zip(
            row.members, names, row.values, row.coefficients, strict=True
        ):
            child = self._input(step, member, name, value, place == 0)
            child.coefficient = share
            if not share and not isinstance(value, Absent):
                child.text += " · " + _("does not count")
            node.children.append(child)
            self.fill(child, place - 1, step.input_key(key, member), depth - 1)

    def _input(self, step: PlannedStep, member: str, name: str, value: Score, cell: bool) -> Node:
        shown = _(NAMED).format(name=name, value=value_text(value))
        if cell and step.before.full_marks is None and member in step.before.marks:
            marks = value_text(step.before.marks[member])
            shown = _(OF_MARKS).format(name=name, value=value_text(value), marks=marks)
        node = Node(shown, kind="cell" if cell else "score")
        if isinstance(value, str):
            assert isinstance(step.step, Convert)
            node.value = step.step.convert[value]
        elif not isinstance(value, Absent):
            node.value = value
        node.clause = self._clause(step, member)
        return node

    def _label(self, step: PlannedStep, key: Key, member: str) -> str:
        """What an input is called."""
        if isinstance(step.step, Convert):
            return _("grade")
        if isinstance(step.step, Rescale):
            marks = step.before.full_marks
            if marks is None:
                marks = next(step.before.marks[name] for name in key if name in step.before.marks)
            return _("out of {marks}").format(marks=value_text(marks))
        return str(self.scheme.title_of(self.plan, step.step.roll_up, member))

    def _clause(self, step: PlannedStep, member: str) -> str:
        """The clause that an indicator has of its own."""
        dimension = self.plan.dimensions.get(_rolled(step))
        if dimension is None or not dimension.indicators:
            return ""
        return self.scheme.indicator_set(dimension.indicators).nodes[member].clause


def located(scores: ScoreTable, unit: str) -> dict[Key, list[Source]]:
    """The cells of one unit's scores by key; as ``ScoreTable.sources``, for all keys at once."""
    found: dict[Key, list[Source]] = {}
    for block in scores.blocks:
        if block.fixed.get("unit", unit) != unit:
            continue
        rows, columns = (
            axis.places({"unit": unit})
            if axis.dimension == "unit"
            else list(range(len(axis.members)))
            for axis in (block.rows, block.columns)
        )
        for row, column in product(rows, columns):
            at = {**block.fixed, **block.rows.member(row), **block.columns.member(column)}
            key = tuple(at[name] for name in scores.dimensions)
            found.setdefault(key, []).append(block.source(row, column))
    return found


def _decided(item: Applied) -> Node:
    return Node(decision(item), kind="decision", clause=item.decision.clause)


def _said(node: Node) -> set[str]:
    """What the decisions at a node and below it say."""
    below = set().union(*map(_said, node.children))
    return below | {node.text} if node.kind == "decision" else below


def _rolled(step: PlannedStep) -> str:
    return str(getattr(step.step, "roll_up", ""))


def _publish(node: Node, value: Number, digits: int, published: str) -> None:
    node.value, node.digits, node.published = value, digits, published


def _rounding(value: Number, digits: int, published: str, clause: str) -> Node:
    text = rounding(value, digits, published)
    return Node(text, kind="rounding", clause=clause)


def _rounded(node: Node) -> list[Node]:
    """The rounding of a published number, where it is one."""
    if node.value is None or node.digits is None or Fraction(node.published) == node.value:
        return []
    return [_rounding(node.value, node.digits, node.published, node.clause)]


def against(result: Result, first: str, second: str, depth: int) -> Node:
    """What makes the difference between two units' published finals, the largest part first.

    ``depth`` 0 shows the stages, adjustments, bounds and the rounding; more, what each stage is
    made of. Every node's value is a difference in points of the final, first less second; the
    parts add up to the whole. Raises KeyError if a unit is not in the run, ValueError if one has
    no final.
    """
    sides = [_side(result, unit) for unit in (first, second)]
    standings = [standing_of(result, unit)[1] for unit in (first, second)]
    scheme = result.scheme
    whole = Fraction(sides[0].published) - Fraction(sides[1].published)
    shown = [_ranked(scheme, standing) for standing in standings]
    text = _("{first} against {second}: {difference}").format(
        first=shown[0], second=shown[1], difference=signed(whole)
    )
    root = Node(text, kind="comparison", value=whole)
    root.sides = (Fraction(sides[0].published), Fraction(sides[1].published))
    root.children += [Node(note, kind="note") for note in _notes(scheme, sides)]
    for item in differences(scheme, *sides):
        root.children.append(_part(scheme, sides, item, depth))
    return root


def _side(result: Result, unit: str) -> Side:
    group, standing = standing_of(result, unit)
    if standing.final is None:
        raise ValueError(unit)
    return Side(unit, group, result.traces[group], standing.final)


def _ranked(scheme: Scheme, standing: Standing) -> str:
    final = published_text(standing.final, scheme.final.digits)
    return _("{unit} {final} (rank {rank})").format(
        unit=standing.unit, final=final, rank=standing.rank
    )


def _notes(scheme: Scheme, sides: Sequence[Side]) -> Iterator[str]:
    groups = [scheme.group(side.group).title for side in sides]
    if sides[0].group != sides[1].group:
        yield _("ranked apart: {first} in {group}, {second} in {other}").format(
            first=sides[0].unit, group=groups[0], second=sides[1].unit, other=groups[1]
        )
    yield _("each line, in points of the final: difference, part, {first} vs {second}").format(
        first=sides[0].unit, second=sides[1].unit
    )


def _part(
    scheme: Scheme, sides: Sequence[Side], item: Difference, depth: int, plan: Plan | None = None
) -> Node:
    """A part and what it is made of; ``plan`` is that of the stage whose member it is."""
    if plan is not None:
        name, clause = str(scheme.title_of(plan, item.dimension, item.id)), ""
    else:
        name, clause = _called(scheme, item)
    first, second = (
        "—" if side is None else short_text(side) for side in (item.first, item.second)
    )
    text = _("{name}: {first} vs {second}").format(name=name, first=first, second=second)
    node = Node(text, kind=item.kind, clause=clause, lead=signed(item.points))
    node.value, node.coefficient = item.points, ONE
    node.sides = (item.first, item.second)
    if item.kind != "stage" or depth < 1:
        return node
    stage = {stage.id: stage for stage in scheme.stages}[item.id]
    plans = [stage.plans[side.group] for side in sides]
    if not item.dimension and any(plan.dimensions for plan in plans):
        text = _("compared whole: the two groups are scored by different members")
        node.children.append(Node(text, kind="note"))
    node.children += [_part(scheme, sides, part, depth - 1, plans[0]) for part in item.parts]
    return node


def _called(scheme: Scheme, item: Difference) -> tuple[str, str]:
    """What a part is called, and its clause."""
    match item.kind:
        case "stage":
            stage = {stage.id: stage for stage in scheme.stages}[item.id]
            return str(stage.title), stage.clause
        case "adjusting":
            return _("held to the bounds of all adjustments"), ""
        case "final":
            return _("held to the bounds of the final"), scheme.final.clause
        case "rounding":
            return _("rounding of the finals"), scheme.final.clause
    rule = {rule.id: rule for rule in scheme.adjustments}[item.id]
    if item.kind == "adjustment":
        return str(rule.title), rule.clause
    assert rule.cap is not None
    held = _("held to {cap}").format(cap=plain(rule.cap))
    return f"{rule.title} · {held}", rule.clause
