"""What the scheme says of one sheet of scores: who stands where, out of what, and what may be entered."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from wuhu_appraisal.numbers import plain
from wuhu_appraisal.output.templates.page import OPEN_ROWS, Rule
from wuhu_appraisal.output.templates.rules import score_rule
from wuhu_appraisal.read.forms import FormIndex, FormInPlan, Place
from wuhu_appraisal.read.labels import match_member
from wuhu_appraisal.scheme.models import Indicator, IndicatorSet, Scheme
from wuhu_appraisal.scheme.rules import Convert, RollUp


@dataclass(frozen=True)
class ScoreSheet:
    """One sheet of scores that the scheme expects."""

    scheme: Scheme
    index: FormIndex
    entry: FormInPlan
    place: Place

    @cached_property
    def axes(self) -> tuple[str, str]:
        """The dimension that runs down and the one that runs across, '' for a single column.

        Indicators run across, and what is open cannot.
        """
        axes = self.entry.form.axes
        if len(axes) == 1:
            return axes[0], ""
        first, second = axes
        swapped = self.members(second) is None or self.items_of(first)
        return (second, first) if swapped else (first, second)

    @cached_property
    def down(self) -> Sequence[str | None]:
        """The members in the rows; None where the office writes a name."""
        return self.members(self.axes[0]) or [None] * OPEN_ROWS

    @cached_property
    def across(self) -> Sequence[str]:
        """The members in the columns; '' for the single column of scores."""
        return (self.members(self.axes[1]) or ()) if self.axes[1] else ("",)

    @cached_property
    def fixed(self) -> dict[str, str]:
        """The members that are the same for the whole sheet."""
        form = self.entry.form
        return {**form.fixed, **dict(zip(form.named, self.place.members, strict=True))}

    @cached_property
    def grades(self) -> list[str]:
        """The grades that stand for scores, if the plan converts them."""
        steps = self.entry.plan.steps
        return [grade for step in steps if isinstance(step, Convert) for grade in step.convert]

    @cached_property
    def adds_up(self) -> bool:
        """Whether the scores of all items make a total: each is out of marks of its own."""
        return self.entry.plan.full_marks is None and not self.grades

    @cached_property
    def may_skip(self) -> bool:
        """Whether a mark for 'not applicable' may stand anywhere in the sheet."""
        down, across = self.axes
        items = [self.item(down, member) for member in self.down]
        items += [self.item(across, member) for member in self.across]
        return any(self.tokens(item, None) for item in items)

    def members(self, dimension: str) -> Sequence[str] | None:
        """The members of a dimension; None where it is open."""
        if dimension == "unit":
            return [unit.name for unit in self.scheme.group(self.entry.group).units]
        return self.scheme.members(self.entry.plan.dimensions[dimension])

    def items_of(self, dimension: str) -> IndicatorSet | None:
        """The indicators that a dimension's members are, if they are."""
        declared = self.entry.plan.dimensions.get(dimension)
        found = declared.indicators if declared else None
        return self.scheme.indicator_set(found) if found else None

    def item(self, dimension: str, member: str | None) -> Indicator | None:
        """The indicator that a member is, if it is one."""
        found = self.items_of(dimension)
        return found.nodes[member] if found and member else None

    def category(self, item: str) -> str:
        """The title of the part that an item belongs to, '' where it stands at the top."""
        found = self.items_of(self.axes[0])
        top = found.paths[item][0] if found else item
        return "" if top == item or found is None else f"{top} {found.nodes[top].title}"

    def marks(self, item: Indicator | None) -> Decimal:
        """What a score is out of."""
        marks = self.entry.plan.full_marks or (item.marks if item else None)
        assert marks is not None, "a scheme without full marks for a sheet does not load"
        return marks

    def called(self, dimension: str, member: str, *, marks: bool = False) -> str:
        """What a member is called where reading knows it again: with its marks if there is a way."""
        item = self.item(dimension, member)
        title = str(self.scheme.title_of(self.entry.plan, dimension, member))
        names = self.index.names(self.entry, dimension)
        found = [title]
        if item is not None:
            found += [str(item.title), f"{item.id} {item.title.zh}", item.title.zh, item.id]
        behind = f"({plain(self.marks(item))}分)" if marks else ""
        written = [f"{text}{behind}" for text in found] + found
        known = (text for text in written if names and match_member(names, text) == member)
        return next(known, title)

    def rule(self, row: str | None, column: str) -> Rule:
        """What may be entered for a member in the rows and one in the columns."""
        down, across = self.axes
        item = self.item(down, row) or self.item(across, column)
        unit = {**self.fixed, down: row, across: column}.get("unit")
        tokens = self.tokens(item, unit)
        key = (item.id if item else column, bool(tokens))
        if key not in self._rules:
            self._rules[key] = self._new_rule(item, column, tokens)
        return self._rules[key]

    @cached_property
    def _rules(self) -> dict[tuple[str, bool], Rule]:
        return {}

    def _new_rule(self, item: Indicator | None, column: str, tokens: Sequence[str]) -> Rule:
        reading = self.scheme.reading
        if item is not None:
            title = f"{item.id} {item.title}"
        else:
            title = self.called(self.axes[1], column) if column else reading.labels.score[0]
        return score_rule(title, self.marks(item), reading.decimals, tokens, self.grades)

    def tokens(self, item: Indicator | None, unit: str | None) -> Sequence[str]:
        """The marks for 'not applicable' that may stand for a score."""
        allowed = self.entry.form.not_applicable
        first = next((s for s in self.entry.plan.steps if isinstance(s, RollUp)), None)
        if allowed == "nowhere" or (first is not None and first.not_applicable == "error"):
            return ()
        if allowed == "listed" and (item is None or unit in self._assessed.get(item.id, {unit})):
            return ()
        return self.scheme.reading.not_applicable

    @cached_property
    def _assessed(self) -> dict[str, set[str | None]]:
        """The units that each item is mainly assessed for, where it names any or may."""
        names = self.scheme.unit_names()
        return {
            item.id: {names.match(name) for name in item.assessed.units}
            for item in self.scheme.items_in(self.entry.plan)
            if item.assessed is not None
        }
