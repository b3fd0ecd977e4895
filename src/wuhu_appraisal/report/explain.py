"""How a unit's final came to be: a tree of sentences rendered from the trace, nothing computed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from wuhu_appraisal.i18n import _
from wuhu_appraisal.numbers import exact_text, plain, short_text
from wuhu_appraisal.run import GroupTrace, Run
from wuhu_appraisal.scheme.compose import PlannedStep, planned
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.scoring.evaluate import StageTrace, operation_for
from wuhu_appraisal.scoring.ops import Adjust, Operation, Weighted
from wuhu_appraisal.scoring.rank import ADJUSTING, CAP, COMPOSITE, FINAL, Standing
from wuhu_appraisal.table import Absent, Key, StepRow, Value

_SPELLED_OUT = 12
_ZERO = Fraction(0)


@dataclass(slots=True)
class Node:
    """A sentence and what stands behind it."""

    text: str
    children: list["Node"] = field(default_factory=list)


def explain(run: Run, unit: str, depth: int) -> Node:
    """The tree of one unit; ``depth`` levels of steps below each stage (0: the stages only).

    Raises KeyError if the unit is not in the run.
    """
    for group_id, standings in run.standings.items():
        for standing in standings:
            if standing.unit == unit:
                return _unit(run, group_id, standing, depth)
    raise KeyError(unit)


def _unit(run: Run, group_id: str, standing: Standing, depth: int) -> Node:
    scheme = run.scheme
    traces = run.traces[group_id]
    key = (standing.unit,)
    group = scheme.group(group_id)
    rank = (
        _("no rank yet")
        if standing.rank is None
        else _("rank {rank} of {count}").format(rank=standing.rank, count=len(group.units))
    )
    root = Node(f"{standing.unit} · {group.title} · {rank} · {_('final')} {_shown(standing.final)}")
    final = traces.final.rows[key]
    rounded = _(" → rounded half up to {digits} decimals: {value}").format(
        digits=scheme.final.digits, value=_shown(standing.final)
    )
    root.children.append(
        Node(
            _sentence(Adjust(), final, _adjusted(run, final.members))
            + rounded
            + _cited(scheme.final.clause),
            _records(run, standing),
        )
    )
    row = traces.composite.rows[key]
    titles = {stage.id: str(stage.title) for stage in scheme.stages}
    composite = Node(
        _sentence(Weighted(), row, [titles[name] for name in row.members])
        + _cited(scheme.composite.clause)
    )
    composite.children = [
        _stage(stage, stage.plans[group_id], traces, run, key, depth) for stage in scheme.stages
    ]
    root.children.append(composite)
    return root


def _records(run: Run, standing: Standing) -> list[Node]:
    rules = {item.id: item for item in run.scheme.adjustments}
    return [
        Node(
            f"{rules[record.id].title}: {'+' if record.points >= 0 else ''}{plain(record.points)}"
            f" · {' · '.join(text for text in (record.reason, record.evidence) if text)}"
            f" · {record.source}{_cited(rules[record.id].clause)}"
        )
        for record in standing.adjustments
    ]


def _stage(stage: Stage, plan: Plan, traces: GroupTrace, run: Run, key: Key, depth: int) -> Node:
    trace = traces.stages[stage.id]
    value = trace.value(key[0])
    text = _("{stage}: {value}, weight {weight}").format(
        stage=stage.title, value=_value(value), weight=plain(stage.weight)
    )
    node = Node(text + _cited(stage.clause))
    steps = planned(run.scheme, plan)
    if depth > 0 and not isinstance(value, Absent):
        walk = _Walk(run.scheme, plan, trace, steps)
        node.children = walk.step(len(steps) - 1, key, depth)
    return node


@dataclass(frozen=True, slots=True)
class _Walk:
    """A way down through the steps of one stage and group."""

    scheme: Scheme
    plan: Plan
    trace: StageTrace
    steps: Sequence[PlannedStep]

    def step(self, place: int, key: Key, depth: int) -> list[Node]:
        """The step that made the number with this key, and below it what stands behind each input."""
        if place < 0:
            return [Node(str(source)) for source in self.trace.scores.sources(key)]
        step = self.steps[place]
        row = self.trace.steps[place].rows[key]
        names = [self._label(step, member) for member in row.members]
        sentence = _sentence(operation_for(step, key), row, names)
        node = Node(sentence + _cited(step.step.clause))
        if depth < 2:
            return [node]
        for member, name, value in zip(row.members, names, row.values, strict=True):
            inner = _input_key(step, key, member)
            child = Node(f"{name}: {_value(value)}")
            if not place:
                child.text += "".join(f" · {at}" for at in self.trace.scores.sources(inner))
            elif not isinstance(value, Absent):
                child.children = self.step(place - 1, inner, depth - 1)
            node.children.append(child)
        return [node]

    def _label(self, step: PlannedStep, member: str) -> str:
        rolled = getattr(step.step, "roll_up", "")
        return str(self.scheme.title_of(self.plan, rolled, member))


def _input_key(step: PlannedStep, key: Key, member: str) -> Key:
    """The key that an input has in the table before the step."""
    if step.before.dimensions == step.after.dimensions and not step.parents:
        return key
    rolled = getattr(step.step, "roll_up", "")
    place = step.before.dimensions.index(rolled)
    rest = key[:place] + key[place + 1 :] if step.parents else key
    return (*rest[:place], member, *rest[place:])


def _adjusted(run: Run, members: Sequence[str]) -> list[str]:
    """What the parts of a final are called."""
    names = {
        COMPOSITE: _("composite"),
        ADJUSTING: _("held to the bounds of all adjustments"),
        FINAL: _("held to the bounds of the final"),
    }
    for item in run.scheme.adjustments:
        names[item.id] = str(item.title)
        if item.cap is not None:
            names[item.id + CAP] = _("held to {cap}").format(cap=plain(item.cap))
    return [names[member] for member in members]


def _sentence(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    entered = [
        (coefficient, _ZERO if isinstance(value, Absent) else value)
        for coefficient, value in zip(row.coefficients, row.values, strict=True)
        if coefficient or not isinstance(value, Absent)
    ]
    counted = [(coefficient, value) for coefficient, value in entered if coefficient]
    inputs = _inputs(counted)
    if isinstance(operation, Adjust):
        terms = zip(names, row.values, strict=True)
        inputs = " + ".join(f"{name} {_value(value)}" for name, value in terms)
    text = operation.phrase(inputs, len(entered), _value(row.value))
    absent = [
        (name, coefficient)
        for name, value, coefficient in zip(names, row.values, row.coefficients, strict=True)
        if isinstance(value, Absent)
    ]
    for message, found in (
        (_(" (left out: {members})"), [name for name, share in absent if not share]),
        (_(" (counted as 0: {members})"), [name for name, share in absent if share]),
    ):
        if found:
            text += message.format(members="、".join(found))
    return text


def _inputs(counted: Sequence[tuple[Fraction, Value]]) -> str:
    """The inputs with their coefficients, shortened where they are many."""
    if not counted:
        return "—"
    shares = {coefficient for coefficient, _counted in counted}
    values = [_value(value) for _share, value in counted]
    if len(shares) == 1:
        share = shares.pop()
        added = " + ".join(_shortened(values))
        if share == 1:
            return added
        over = f" ÷ {share.denominator}" if share.numerator == 1 else f" × {exact_text(share)}"
        return (f"({added})" if len(values) > 1 else added) + over
    terms = [
        f"{exact_text(share)}×{value}" for (share, _v), value in zip(counted, values, strict=True)
    ]
    return " + ".join(_shortened(terms))


def _shortened(texts: Sequence[str]) -> list[str]:
    if len(texts) <= _SPELLED_OUT:
        return list(texts)
    return [*texts[: _SPELLED_OUT // 2], "…", *texts[-2:]]


def _value(value: Value) -> str:
    if isinstance(value, Absent):
        return _("missing") if value is Absent.MISSING else _("not applicable")
    return value if isinstance(value, str) else short_text(value)


def _shown(value: object) -> str:
    return "—" if value is None else str(value)


def _cited(clause: str) -> str:
    return f"  [{clause}]" if clause else ""
