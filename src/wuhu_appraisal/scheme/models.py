"""A scheme as data: groups, raters, indicators, stages with their plans, and who sees what."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from wuhu_appraisal.findings import finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.names import NameIndex, normalise
from wuhu_appraisal.scheme.audiences import Confidentiality
from wuhu_appraisal.scheme.facts import Fact, Rule
from wuhu_appraisal.scheme.final import (
    Adjusting,
    Adjustment,
    Bounds,
    ClassRule,
    Final,
    GradeClass,
    Ranking,
)
from wuhu_appraisal.scheme.rules import (
    Check,
    Distance,
    FilePattern,
    Identifier,
    InBothLanguages,
    Localised,
    Model,
    Policy,
    Positive,
    Reading,
    RollUp,
    Share,
    Step,
    Words,
)


class Part(StrEnum):
    """The published numbers that are no stages; no stage's id has a slash."""

    COMPOSITE = "/composite"
    ADJUSTMENTS = "/adjustments"
    FINAL = "/final"


class FormerName(Model):
    """A name that a unit had until a date, which is as precise as known: 2020, 2020-07, 2020-07-15."""

    name: str
    until: str


class Unit(Model):
    """A unit that is appraised: its name in results, and other ways in which it is written."""

    name: Identifier
    kind: Identifier | None = Field(
        None, description="such as 窗口单位: one that has stage weights of its own in the composite"
    )
    aliases: list[str] = []
    former: list[FormerName] = []

    @property
    def written(self) -> list[str]:
        """The unit's aliases and former names."""
        return [*self.aliases, *(item.name for item in self.former)]


class Group(Model):
    """Units that are ranked among each other."""

    id: Identifier
    title: Localised
    clause: str
    units: Annotated[list[Unit], Field(min_length=1)]


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Rater = Annotated[Unit, BeforeValidator(_named, json_schema_input_type=str | Unit)]
"""A rater that is not appraised, named as a unit is; a plain string is its name."""


class Raters(Model):
    """Those who give ballots: units named one by one, all units of a group, or others by name."""

    id: Identifier
    title: Localised
    clause: str = ""
    units: list[str] = []
    group: str | None = None
    names: list[Rater] = Field(
        [], description="raters that are not appraised: experts, party organs, citizens"
    )


class Assessed(Model):
    """The units that an indicator is mainly assessed for; an ``open`` list may have others too."""

    units: list[str] = []
    open: bool = False
    members: dict[str, list[str]] = Field(
        {}, description="by dimension, such as a tier: the only members that it is assessed for"
    )
    clause: str = ""


class Deadline(Model):
    """By when something must be done for an indicator: a day, a number of days, or every month."""

    of: Localised = Field(description="what must be done, in a few words")
    by: date | None = Field(None, description="the last day")
    working_days: Annotated[int, Field(ge=1)] | None = None
    every: Literal["month"] | None = None
    clause: str = ""

    @model_validator(mode="after")
    def _one_limit(self) -> "Deadline":
        if sum(limit is not None for limit in (self.by, self.working_days, self.every)) != 1:
            raise PydanticCustomError(
                "deadline", N_("exactly one of by, working_days and every is expected")
            )
        return self


class Indicator(Bounds):
    """An indicator with its full marks, or its weight among those beside it, and those below it.

    It needs neither where nothing but means is made of the scores. One with facts is scored by
    rules: its ``score`` are the rules, whose points are added up. What is made of the facts, or of
    the indicators below it, is held within ``floor`` and ``cap``.
    """

    id: Identifier
    title: Localised
    marks: Positive | None = None
    weight: Share | None = None
    clause: str = ""
    aliases: list[str] = []
    assessed: Assessed | None = None
    deadlines: list[Deadline] = []
    items: list["Indicator"] = []
    facts: dict[str, Fact] = {}
    score: list[Rule] = []
    _fact: Fact | None = PrivateAttr(None)

    @property
    def fact(self) -> Fact | None:
        """The fact that this part of an item is; None for an indicator."""
        return self._fact

    @cached_property
    def parts(self) -> list["Indicator"]:
        """The item's facts as members of the indicators' dimension; none of other indicators."""
        parts = []
        for name, fact in self.facts.items():
            part = Indicator(
                id=f"{self.id}/{name}",
                title=fact.title or Bilingual(name, name),
                marks=fact.score,
                clause=self.clause,
                aliases=[name, *fact.aliases],
                assessed=self.assessed,
            )
            part._fact = fact
            parts.append(part)
        return parts

    @property
    def written(self) -> list[str]:
        """The ways in which it is written in sheets beside its id."""
        return [*self.title, *(self.id + text for text in self.title), *self.aliases]

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Indicator"]]:
        """Yield the indicator and all below it, each with the ids from the top down to it."""
        here = (*path, self.id)
        yield here, self
        for item in self.items or self.parts:
            yield from item.walk(here)


class IndicatorSet(Bounds):
    """A tree of indicators, the appraisal content for a group; its score is held within the bounds."""

    id: Identifier
    title: Localised
    clause: str
    marks: Positive = Decimal(100)
    items: Annotated[list[Indicator], Field(min_length=1)]

    @cached_property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """The ids from the top down to each indicator, by its id."""
        return {node.id: path for path, node in self.walk()}

    @cached_property
    def nodes(self) -> dict[str, Indicator]:
        """Each indicator by its id."""
        return {node.id: node for _path, node in self.walk()}

    @cached_property
    def leaves(self) -> list[Indicator]:
        """What the sheets hold of the indicators, in order: scores, and the facts of those with facts."""
        return [node for _path, node in self.walk() if not (node.items or node.facts)]

    def item_of(self, member: str) -> Indicator:
        """The indicator that is scored by a member of the dimension: itself, or the one of a fact."""
        node = self.nodes[member]
        return self.nodes[self.paths[member][-2]] if node.fact else node

    def walk(self) -> Iterator[tuple[tuple[str, ...], Indicator]]:
        """Yield all indicators, depth first, each with the ids from the top down to it."""
        for item in self.items:
            yield from item.walk()

    def cited(self, node: Indicator) -> str:
        """The indicator's clause: its own, or the set's clause and the indicator's id."""
        return node.clause or f"{self.clause} {node.id}"


PLACEHOLDER = re.compile(r"\{(\w+)\}|\*")
"""A part of a pattern for a file or sheet that stands for other text: {dimension}, or * for any."""


def placeholders(pattern: str) -> list[str]:
    """The dimensions that a pattern for a file or sheet names in braces, in their order."""
    return [name for name in PLACEHOLDER.findall(pattern) if name]


class Dimension(Model):
    """A dimension of scores beside the unit; exactly one key names its members."""

    members: Annotated[dict[str, Localised], Field(min_length=1)] | None = None
    raters: str | None = None
    indicators: str | None = None
    items: list[str] | None = Field(None, description="with indicators: only these indicators")
    open: Literal[True] | None = Field(
        None, description="the members are whatever names the sheets hold"
    )
    same_as: str | None = Field(
        None, description="with open: a stage whose sheets must hold the same names"
    )
    title: Localised | None = None


class FaultList(Model):
    """The columns of a sheet with one fault a row, by their labels; the rows are counted.

    A unit without a row has 0 of every fact that the list counts.
    """

    what: Annotated[Words, Field(min_length=1)] = Field(
        description="the fault: the name of a fact with a count"
    )
    item: Words = Field((), description="its item, where two have a fact of that name")
    grounds: Annotated[Words, Field(min_length=1)] = Field(
        description="the columns that say what was found, when and where"
    )
    facts: list[str] = Field(
        [],
        description="item/fact, or an item for all its counts; left out: every count of the plan "
        "that no other form is for",
    )


class Form(Model):
    """A kind of sheet: patterns for its file and sheet, and the dimensions along its axes.

    In ``file`` and ``sheet``, * stands for any text and {unit}, {rater}, {round} … for a member of
    that dimension; ``file`` is matched against the end of the path, without the file extension.
    """

    id: Identifier
    title: Localised
    file: FilePattern
    sheet: str = "*"
    axes: Annotated[list[str], Field(min_length=1, max_length=2)]
    fixed: dict[str, str] = {}
    not_applicable: Literal["nowhere", "listed", "anywhere"] = Field(
        "nowhere",
        description="where a mark such as / may replace a score: nowhere; listed: for indicators "
        "mainly assessed for other units; anywhere",
    )
    list_: Annotated[FaultList | None, Field(alias="list")] = Field(
        None, description="the sheet has one fault a row; its axis is the unit or the indicators"
    )

    @property
    def named(self) -> list[str]:
        """The dimensions whose members stand in the names of the file and the sheet, in their order."""
        return placeholders(f"{self.file}/{self.sheet}")


class Plan(Model):
    """How a stage scores one group: the dimensions, the sheets, and the steps to one number a unit."""

    dimensions: dict[str, Dimension] = {}
    full_marks: Positive | None = Field(
        None, description="of every score; leave out where each indicator has marks of its own"
    )
    forms: Annotated[list[Form], Field(min_length=1)]
    registers: list[Form] = Field(
        [],
        description="sheets like the forms in which marks (reading.applicable, .inapplicable) "
        "instead of scores say who is assessed on what; they bind scores and '/'",
    )
    registered_by: str | None = Field(
        None, description="the stage whose registers hold for this stage and group too"
    )
    steps: list[Step] = []
    checks: list[Check] = []
    percentages: Literal["error", "of_full_marks"] = Field(
        "error",
        description="what 95 % in a score's cell means: an error, or that share of the full marks",
    )

    @cached_property
    def indicator_dimension(self) -> str:
        """The dimension whose members are indicators; '' if there is none."""
        names = (name for name, dimension in self.dimensions.items() if dimension.indicators)
        return next(names, "")

    @cached_property
    def rater_dimensions(self) -> list[str]:
        """The dimensions whose members are raters."""
        return [name for name, dimension in self.dimensions.items() if dimension.raters]

    @cached_property
    def roll_ups(self) -> list[RollUp]:
        """The steps that take a dimension, or a level of the indicators, away."""
        return [step for step in self.steps if isinstance(step, RollUp)]

    def missing_is_error(self, dimension: str) -> bool:
        """Whether a member without a score is an error of the step that takes the dimension away."""
        return any(step.roll_up == dimension and step.missing == "error" for step in self.roll_ups)

    def marks_of(self, item: Indicator | None) -> Decimal | None:
        """The full marks of every score, else of the scores of an indicator; None if not known."""
        return self.full_marks or (item.marks if item else None)

    def dimension_title(self, dimension: str) -> str:
        """The title of a dimension in the active language; its name where it has none."""
        return str(self.dimensions[dimension].title or dimension)


class Window(Model):
    """The first and the last day of a stage."""

    from_: Annotated[date, Field(alias="from")]
    to: date
    clause: str = ""


class Note(Model):
    """A rule of the document about people rather than numbers, with its clause."""

    clause: str
    text: Localised


class Stage(Model):
    """A part of the composite, with a plan for each group; ``weight`` where stages are weighted."""

    id: Identifier
    title: Localised
    clause: str
    weight: Positive | None = None
    out_of: Positive | Literal["open"] = Field(
        Decimal(100), description="the stage's full marks; open: points add up without an end"
    )
    assessors: list[Localised]
    window: Window
    notes: list[Note] = []
    plans: Annotated[dict[str, Plan], Field(min_length=1)]

    @property
    def end(self) -> Fraction | None:
        """The stage's full marks; None where it is open."""
        return None if self.out_of == "open" else Fraction(self.out_of)


class Factor(Model):
    """What the composite of the listed units is multiplied by."""

    factor: Share
    units: Annotated[list[str], Field(min_length=1)]
    clause: str = ""


class Composite(Model):
    """How the composite is made of the stages, and what to do about absent ones.

    ``weighted`` brings each stage to the composite's marks and takes their weighted mean; ``sum``
    adds the stages up as they are.
    """

    by: Literal["weighted", "sum"] = "weighted"
    out_of: Positive | None = Field(
        None, description="the composite's full marks; weighted: 100, sum: those of all stages"
    )
    missing: Policy
    not_applicable: Policy
    digits: Annotated[int, Field(ge=0, le=6)]
    clause: str = ""
    checks: list[Distance] = Field([], description="of each unit's stages against each other")
    factors: list[Factor] = []
    weights: dict[str, dict[str, Positive]] = Field(
        {},
        description="by kind of unit and stage: the stage weights of these units in the place of the "
        "stages' own; a stage without one does not count for them",
    )


class Document(Model):
    """The published document whose rules the scheme holds."""

    title: Localised
    issued_by: str = ""
    issued: date | None = None
    based_on: str = ""


class Assumption(Model):
    """A choice that the document leaves open: the clause, what was chosen, and where it is set."""

    id: Identifier
    clause: str
    text: InBothLanguages
    set_in: str = Field(description="the place in the scheme where the choice is made")


class Scheme(Model):
    """All rules of an appraisal."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: Localised
    document: Document
    groups: Annotated[list[Group], Field(min_length=1)]
    raters: list[Raters] = []
    indicators: list[IndicatorSet] = []
    reading: Reading = Reading()
    stages: Annotated[list[Stage], Field(min_length=1)]
    composite: Composite
    adjustments: list[Adjustment] = []
    adjusting: Adjusting = Adjusting()
    final: Final
    ranking: Ranking
    classes: list[GradeClass] = []
    class_rule: ClassRule | None = None
    confidentiality: Confidentiality = Confidentiality()
    assumptions: list[Assumption] = []
    notes: list[Note] = []

    def with_weights(self, **weights: Decimal | float | str) -> "Scheme":
        """Return the scheme with other weights of some stages, by their ids; the rest keep theirs.

        So do kinds of units that have stage weights of their own.
        Raise ValueError for a stage that is not there, for a weight that is no number above 0, for
        weights that do not add up to 100, and for stages that are added up without weights.
        """
        if self.composite.by == "sum":
            raise ValueError(finding("scheme-sum-weights").message)
        unknown = [name for name in weights if name not in self._stages]
        if unknown:
            raise ValueError(
                f"no such stage: {', '.join(unknown)} (there are {list(self._stages)})"
            )
        data = self.model_dump(by_alias=True)
        for stage in data["stages"]:
            stage["weight"] = weights.get(stage["id"], stage["weight"])
        scheme = Scheme.model_validate(data)
        total = sum(stage.weight or 0 for stage in scheme.stages)
        if total != 100:
            raise ValueError(finding("scheme-stage-weights", sum=total).message)
        return scheme

    @property
    def end(self) -> Fraction | None:
        """The full marks of the composite; None where a stage that it adds up is open."""
        if self.composite.by == "weighted":
            return Fraction(self.composite.out_of or 100)
        ends = [stage.end for stage in self.stages]
        return None if None in ends else sum((end or Fraction(0) for end in ends), Fraction(0))

    @property
    def brought(self) -> tuple[Fraction, ...]:
        """What brings each stage's score to the composite's marks; () where none needs it."""
        if self.composite.by == "sum" or all(stage.end == self.end for stage in self.stages):
            return ()
        one = Fraction(1)
        return tuple((self.end or one) / (stage.end or one) for stage in self.stages)

    @property
    def is_one_stage(self) -> bool:
        """Whether the composite is the score of the only stage, as it is."""
        absent = (self.composite.missing, self.composite.not_applicable)
        if self.composite.factors or "zero" in absent:
            return False
        return len(self.stages) == 1 and not self.brought

    def parts(self, groups: Collection[str]) -> list[str]:
        """What is published of these groups' units, by stage id or as a Part.

        A number that is another one again is not shown twice.
        """
        bounds = (self.final.cap, self.final.floor, self.adjusting.floor)
        adjusts = any(set(item.groups) & set(groups) for item in self.adjustments)
        apart = adjusts or any(bound is not None for bound in bounds)
        apart = apart or self.composite.digits != self.final.digits
        return [
            *(stage.id for stage in self.stages if not self.is_one_stage),
            *([Part.COMPOSITE] if apart else []),
            *([Part.ADJUSTMENTS] if adjusts or self.adjusting.floor is not None else []),
            Part.FINAL,
        ]

    def group(self, group_id: str) -> Group:
        """The group with this id; KeyError if there is none."""
        return self._groups[group_id]

    def group_of(self, unit: str) -> Group:
        """The group of a unit; KeyError if there is no such unit."""
        return self._groups_of_units[unit]

    def stage(self, stage_id: str) -> Stage:
        """The stage with this id; KeyError if there is none."""
        return self._stages[stage_id]

    def factor_of(self, unit: str) -> Factor | None:
        """What a unit's composite is multiplied by; None if by nothing."""
        return self._factors.get(unit)

    @cached_property
    def _factors(self) -> dict[str, Factor]:
        names = self.unit_names()
        return {
            names.match(unit) or unit: item
            for item in self.composite.factors
            for unit in item.units
        }

    def kind_of(self, unit: str) -> str | None:
        """The kind whose stage weights hold for a unit; None where those of the stages do."""
        return self._kinds.get(unit)

    @cached_property
    def _kinds(self) -> dict[str, str | None]:
        return {unit.name: unit.kind for unit in self.all_units}

    def weights_of(self, kind: str | None) -> Mapping[str, Decimal | None]:
        """The weights, by id, of the stages that count for units of a kind; None where they are added."""
        if kind is None:
            return {stage.id: stage.weight for stage in self.stages}
        return self.composite.weights[kind]

    def stages_of(self, unit: str) -> list[Stage]:
        """The stages that count for a unit."""
        weights = self.weights_of(self.kind_of(unit))
        return [stage for stage in self.stages if stage.id in weights]

    def units_of(self, stage: Stage, group_id: str) -> list[str]:
        """The units of a group that a stage counts for."""
        units = [unit.name for unit in self.group(group_id).units]
        return [unit for unit in units if stage.id in self.weights_of(self.kind_of(unit))]

    def adjustment(self, adjustment_id: str) -> Adjustment:
        """The adjustment with this id; KeyError if there is none."""
        return self._adjustments[adjustment_id]

    @cached_property
    def _groups(self) -> dict[str, Group]:
        return {group.id: group for group in self.groups}

    @cached_property
    def _groups_of_units(self) -> dict[str, Group]:
        return {unit.name: group for group in self.groups for unit in group.units}

    @cached_property
    def _stages(self) -> dict[str, Stage]:
        return {stage.id: stage for stage in self.stages}

    @cached_property
    def _adjustments(self) -> dict[str, Adjustment]:
        return {adjustment.id: adjustment for adjustment in self.adjustments}

    @cached_property
    def class_titles(self) -> dict[str, Bilingual]:
        """The title of each class by its id."""
        return {item.id: item.title for item in self.classes}

    @cached_property
    def titles(self) -> dict[str, Bilingual]:
        """The title of each stage and each adjustment by its id."""
        titles = {stage.id: stage.title for stage in self.stages}
        return titles | {item.id: item.title for item in self.adjustments}

    @cached_property
    def group_titles(self) -> dict[str, Bilingual]:
        """The title of each group by its id, with the id added where two groups share a title."""
        return {group.id: _distinct_title(group, self.groups) for group in self.groups}

    @cached_property
    def adjustment_titles(self) -> dict[str, Bilingual]:
        """The title of each adjustment by its id, with the id added where a group has two of it."""
        return {
            item.id: _distinct_title(
                item,
                [other for other in self.adjustments if set(other.groups) & set(item.groups)],
            )
            for item in self.adjustments
        }

    def indicator_set(self, set_id: str) -> IndicatorSet:
        """The indicators with this id; KeyError if there are none."""
        return self._indicator_sets[set_id]

    @cached_property
    def _indicator_sets(self) -> dict[str, IndicatorSet]:
        return {indicators.id: indicators for indicators in self.indicators}

    def raters_of(self, raters_id: str) -> list[str]:
        """The names of a set of raters; KeyError if there is none with this id."""
        raters = {raters.id: raters for raters in self.raters}[raters_id]
        if raters.group:
            return [unit.name for unit in self.group(raters.group).units]
        names = self.unit_names()
        listed = [names.match(name) or name for name in raters.units]
        return listed + [rater.name for rater in raters.names]

    @cached_property
    def all_units(self) -> list[Unit]:
        """The units of all groups."""
        return [unit for group in self.groups for unit in group.units]

    @cached_property
    def written(self) -> dict[str, list[str]]:
        """The other ways in which each unit, and each rater that is none, is written, by its name."""
        written: dict[str, list[str]] = {}
        for item in (*self.all_units, *(name for raters in self.raters for name in raters.names)):
            written.setdefault(item.name, []).extend(item.written)
        return written

    def unit_names(self, group_id: str | None = None) -> NameIndex:
        """The names of a group's units, or of all units, with every way they are written."""
        if group_id not in self._unit_names:
            units = self.group(group_id).units if group_id else self.all_units
            self._unit_names[group_id] = self.name_index(
                {unit.name: unit.written for unit in units}
            )
        return self._unit_names[group_id]

    @cached_property
    def _unit_names(self) -> dict[str | None, NameIndex]:
        return {}

    def rater_names(self) -> NameIndex:
        """The names of the raters that are no units, with every way they are written."""
        named = [rater.name for raters in self.raters for rater in raters.names]
        return self.name_index({name: self.written[name] for name in named})

    def name_index(self, names: dict[str, list[str]]) -> NameIndex:
        """An index in which the prefixes and suffixes that this scheme allows may be left out."""
        return NameIndex(names, self.reading.name_prefixes, self.reading.name_suffixes)

    def indicators_in(self, plan: Plan) -> IndicatorSet | None:
        """The indicators that a plan's sheets are scored by; None if it has none."""
        dimension = plan.dimensions.get(plan.indicator_dimension)
        return self.indicator_set(dimension.indicators or "") if dimension else None

    def items_in(self, plan: Plan) -> list[Indicator]:
        """The indicators that a plan's sheets hold scores for, in their order."""
        dimension = plan.dimensions.get(plan.indicator_dimension)
        return self._items(dimension) if dimension else []

    def items_of(self, plan: Plan, form: Form) -> list[Indicator]:
        """The indicators that a form's sheets hold: a list its facts, another form all the rest."""
        if form.list_ is not None:
            return self._counted(plan, form, form.list_)
        lists = [(other, other.list_) for other in plan.forms if other.list_ is not None]
        listed = {item.id for pair in lists for item in self._counted(plan, *pair)}
        return [item for item in self.items_in(plan) if item.id not in listed]

    def _counted(self, plan: Plan, form: Form, listed: FaultList) -> list[Indicator]:
        """The counts that a list gives: those it names, else those that no other form is for."""
        others: set[str] = set()
        for other in (other for other in plan.forms if other is not form):
            fixed = other.fixed.get(plan.indicator_dimension)
            others.update(other.list_.facts if other.list_ else [fixed] if fixed else [])
        tree, named = self.indicators_in(plan), set(listed.facts)
        return [
            item
            for item in self.items_in(plan)
            if tree and item.fact and item.fact.count
            for names in [{item.id, tree.item_of(item.id).id}]
            if (names & named if named else not names & others)
        ]

    def applies(self, item: Indicator, members: Mapping[str, str]) -> bool | None:
        """Return whether an item is assessed for a unit, and a tier or the like; None if left open."""
        rule = item.assessed
        if rule is None:
            return True
        if any(members.get(name) not in only for name, only in rule.members.items()):
            return False
        names = self.unit_names()
        if members["unit"] in map(names.match, rule.units):
            return True
        if rule.open:
            return None
        return bool(rule.members) and not rule.units

    def _items(self, dimension: Dimension) -> list[Indicator]:
        indicators = self.indicator_set(dimension.indicators or "")
        if dimension.items:
            nodes = [indicators.nodes[item] for item in dimension.items]
            return [member for node in nodes for member in node.parts or [node]]
        return indicators.leaves

    def members(self, dimension: Dimension) -> list[str] | None:
        """The ids of a dimension's members in their order; None where it is open."""
        if dimension.members is not None:
            return list(dimension.members)
        if dimension.raters:
            return self.raters_of(dimension.raters)
        if dimension.indicators:
            return [item.id for item in self._items(dimension)]
        return None

    def member_names(
        self, dimension: Dimension, items: Sequence[Indicator] | None = None
    ) -> NameIndex | None:
        """How a dimension's members are written in files and sheets; None where it is open.

        With ``items`` only these of its indicators.
        """
        if dimension.members is not None:
            return self.name_index({key: list(title) for key, title in dimension.members.items()})
        if dimension.raters:
            raters = self.raters_of(dimension.raters)
            return self.name_index({name: self.written.get(name, []) for name in raters})
        if dimension.indicators:
            items = self._items(dimension) if items is None else items
            facts = [item for item in items if item.fact]
            alone = Counter(
                name for item in facts for name in set(map(normalise, _fact_names(item)))
            )
            indicators = self.indicator_set(dimension.indicators)
            names = {}
            for item in items:
                names[item.id] = item.written
                if item.fact:
                    whole = indicators.item_of(item.id)
                    names[item.id] = [
                        before + name
                        for name in _fact_names(item)
                        for before in (whole.id, *whole.written, "")
                        if before or alone[normalise(name)] == 1
                    ]
            return NameIndex(names)
        return None

    def title_of(self, plan: Plan, dimension: str, member: str) -> Bilingual:
        """The title of a member of a plan's dimension; the member itself where it has none."""
        declared = plan.dimensions.get(dimension)
        if declared is not None and declared.members is not None:
            return declared.members[member]
        if declared is not None and declared.indicators is not None:
            indicators = self.indicator_set(declared.indicators)
            item, node = indicators.item_of(member), indicators.nodes[member]
            titles = [with_id(item.id, text) for text in item.title]
            if node.fact:
                titles = [f"{text} {own}" for text, own in zip(titles, node.title, strict=True)]
            return Bilingual(*titles)
        return Bilingual(member, member)

    def titles_of(self, plan: Plan, dimensions: Sequence[str], key: Sequence[str]) -> Bilingual:
        """The titles of a key's members, separated by spaces."""
        titles = [
            self.title_of(plan, dimension, member)
            for dimension, member in zip(dimensions, key, strict=True)
        ]
        return Bilingual(" ".join(t.zh for t in titles), " ".join(t.en for t in titles))


def with_id(member: str, title: str | Bilingual) -> str:
    """An id and its title; one of them where they are the same."""
    text = str(title)
    return text if member.casefold() == text.casefold() else f"{member} {text}"


def _fact_names(part: Indicator) -> list[str]:
    """The ways in which a fact is written, without its item."""
    return list(dict.fromkeys([*part.aliases, *part.title]))


def _distinct_title(item: Group | Adjustment, others: Sequence[Group | Adjustment]) -> Bilingual:
    """The item's title, with its id added in a language in which another has the same title."""

    def title(language: int) -> str:
        own = item.title[language]
        shared = any(
            other is not item and other.title[language].casefold() == own.casefold()
            for other in others
        )
        return f"{own} ({item.id})" if shared else own

    return Bilingual(title(0), title(1))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scheme's files; no top-level key is required, as each file holds some."""
    schema = Scheme.model_json_schema(by_alias=True)
    schema.pop("required", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
