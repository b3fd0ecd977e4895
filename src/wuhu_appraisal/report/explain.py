"""How a unit's final came to be: a tree of sentences rendered from the trace, nothing computed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

from wuhu_appraisal.decisions.models import Applied
from wuhu_appraisal.findings import Source
from wuhu_appraisal.i18n import _
from wuhu_appraisal.ledger import LedgerEntry, Remark
from wuhu_appraisal.numbers import Number, plain
from wuhu_appraisal.report import sentences
from wuhu_appraisal.report.nodes import Node
from wuhu_appraisal.report.sentences import NAMED, OF_MARKS
from wuhu_appraisal.run import Run
from wuhu_appraisal.scheme.adjustments import Adjustment
from wuhu_appraisal.scheme.compose import PlannedStep, planned
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.scheme.steps import Convert, Rescale
from wuhu_appraisal.scoring.evaluate import GroupTrace, StageTrace, operation_for
from wuhu_appraisal.scoring.ops import ONE, Adjust, Weighted
from wuhu_appraisal.scoring.rank import ADJUSTING, CAP, COMPOSITE, FINAL, Standing
from wuhu_appraisal.table import Absent, Key, ScoreTable, Value

__all__ = ["Node", "explain", "standing_of"]

ALL_THE_WAY = 1_000
"""A depth that no scheme's steps reach."""


def explain(run: Run, unit: str, depth: int, stage: str | None = None) -> Node:
    """The tree of one unit, or of one of its stages by id.

    ``depth`` levels of steps are shown below each stage: 0 the stages alone, 1 how each came to
    be, 2 the numbers that it was made of, and so on down to the cells. Raises KeyError if the unit
    or the stage is not in the run.
    """
    group_id, standing = standing_of(run, unit)
    tree = _Tree(run, group_id, standing, depth)
    if stage is None:
        return tree.unit()
    found = tree.stage({item.id: item for item in run.scheme.stages}[stage])
    found.text = f"{unit} · {found.text}"
    found.coefficient = None
    return found


def standing_of(run: Run, unit: str) -> tuple[str, Standing]:
    """The group that a unit is ranked in, and how it stands there; KeyError if it is in none."""
    for group_id, standings in run.standings.items():
        for standing in standings:
            if standing.unit == unit:
                return group_id, standing
    raise KeyError(unit)


@dataclass(frozen=True)
class _Tree:
    """The way down from one unit's final."""

    run: Run
    group_id: str
    standing: Standing
    depth: int

    @property
    def scheme(self) -> Scheme:
        return self.run.scheme

    @property
    def traces(self) -> GroupTrace:
        return self.run.traces[self.group_id]

    @property
    def key(self) -> Key:
        return (self.standing.unit,)

    @cached_property
    def beside(self) -> "_Beside":
        return _Beside(self.run)

    def unit(self) -> Node:
        """Final and rank, what decided them, the adjustments, and the composite."""
        scheme, standing = self.scheme, self.standing
        row = self.traces.final.rows[self.key]
        rule = scheme.final
        final = sentences.published_text(standing.final, rule.digits)
        title = scheme.group(self.group_id).title
        root = Node(
            f"{standing.unit} · {title} · {self._rank()} · {_('final')} {final}",
            kind="unit",
        )
        if not isinstance(row.value, Absent | str):
            _publish(root, row.value, rule.digits, final)
            if len(row.members) > 1:
                names = sentences.adjusted(scheme, row.members)
                text = sentences.sentence(Adjust(), row, names)
            else:
                text = _("no bonus and no deduction: the final is the composite")
            root.children.append(Node(text, kind="final", clause=rule.clause))
            root.children.append(_rounding(row.value, rule.digits, final, rule.clause))
        if standing.rank is not None:
            root.children += [
                Node(text, kind="rank", clause=scheme.ranking.clause)
                for text in sentences.ranking(self.run, self.group_id, standing)
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
        text = _("composite: {value}").format(value=sentences.value_text(row.value))
        node = Node(text, kind="composite", clause=rule.clause)
        how = sentences.sentence(Weighted(), row, [titles[name] for name in row.members])
        node.children.append(Node(how, kind="step", clause=rule.clause))
        if not isinstance(row.value, Absent | str):
            shown = sentences.published_text(self.standing.composite, rule.digits)
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
            stage=stage.title, value=sentences.value_text(value), weight=plain(stage.weight)
        )
        node = Node(text, kind="stage", clause=stage.clause)
        digits = self.scheme.composite.digits
        if not isinstance(value, Absent | str):
            shown = sentences.published_text(self.standing.stages[stage.id], digits)
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

    def _part(self, member: str, value: Value) -> Node:
        """A part of the final beside the composite: an adjustment, or what a bound changes."""
        assert not isinstance(value, Absent | str)
        rules = {item.id: item for item in self.scheme.adjustments}
        name = sentences.adjusted(self.scheme, [member])[0]
        text = _(NAMED).format(name=name, value=sentences.signed(value))
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
            child = Node(" · ".join([sentences.signed(record.points), *grounds]), kind="record")
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

    def __init__(self, run: Run) -> None:
        self._readings: Mapping[Source, LedgerEntry] = {item.source: item for item in run.ledger}
        self._remarks: dict[Source, list[Remark]] = {}
        for item in run.remarks:
            self._remarks.setdefault(item.source, []).append(item)
        self._decisions = run.decisions

    def add_to(self, node: Node) -> None:
        """Say it below a node that names cells."""
        for source in node.sources:
            entry = self._readings.get(source)
            if entry is not None:
                node.reading = entry
                node.children.append(Node(sentences.reading(entry), kind="reading"))
            node.children += [
                Node(sentences.remark(item), kind="remark")
                for item in self._remarks.get(source, ())
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
        text = sentences.sentence(operation_for(step, key), row, names)
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

    def _input(self, step: PlannedStep, member: str, name: str, value: Value, cell: bool) -> Node:
        shown = _(NAMED).format(name=name, value=sentences.value_text(value))
        if cell and step.before.full_marks is None and member in step.before.marks:
            marks = sentences.value_text(step.before.marks[member])
            shown = _(OF_MARKS).format(name=name, value=sentences.value_text(value), marks=marks)
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
            return _("out of {marks}").format(marks=sentences.value_text(marks))
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
    return Node(sentences.decision(item), kind="decision", clause=item.decision.clause)


def _said(node: Node) -> set[str]:
    """What the decisions at a node and below it say."""
    below = set().union(*map(_said, node.children))
    return below | {node.text} if node.kind == "decision" else below


def _rolled(step: PlannedStep) -> str:
    return str(getattr(step.step, "roll_up", ""))


def _publish(node: Node, value: Number, digits: int, published: str) -> None:
    node.value, node.digits, node.published = value, digits, published


def _rounding(value: Number, digits: int, published: str, clause: str) -> Node:
    text = sentences.rounding(value, digits, published)
    return Node(text, kind="rounding", clause=clause)


def _rounded(node: Node) -> list[Node]:
    """The rounding of a published number, where it is one."""
    if node.value is None or node.digits is None or Fraction(node.published) == node.value:
        return []
    return [_rounding(node.value, node.digits, node.published, node.clause)]
