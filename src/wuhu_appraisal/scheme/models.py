"""What a scheme says, as pydantic models: the whole of the rules, and nothing of the code.

The JSON Schema that editors use is generated from these models, so their descriptions are what a
person who writes a scheme reads.
"""

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Annotated

from pydantic import Field

from wuhu_appraisal.i18n import Bilingual
from wuhu_appraisal.names import NameIndex
from wuhu_appraisal.scheme.adjustments import Adjustment, Bounds, Final, Ranking
from wuhu_appraisal.scheme.basics import Identifier, Localised, Model, Text
from wuhu_appraisal.scheme.confidentiality import Confidentiality
from wuhu_appraisal.scheme.indicators import Indicator, IndicatorSet
from wuhu_appraisal.scheme.reading import Reading
from wuhu_appraisal.scheme.stages import Composite, Dimension, Note, Plan, Stage
from wuhu_appraisal.scheme.units import Group, Raters, Unit


class Document(Model):
    """The published document that the scheme encodes."""

    title: Localised
    issued_by: str = ""
    issued: date | None = None
    based_on: str = ""


class Assumption(Model):
    """A choice that the document leaves open: the silent clause, what was chosen, and where to change it."""

    id: Identifier
    clause: str
    text: Text
    set_in: str = Field(description="the place in the scheme where the choice is made")


class Scheme(Model):
    """The whole of a city's appraisal rules."""

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
    adjusting: Bounds = Bounds()
    final: Final
    ranking: Ranking
    confidentiality: Confidentiality = Confidentiality()
    assumptions: list[Assumption] = []
    notes: list[Note] = []

    def group(self, group_id: str) -> Group:
        """The group with this id; KeyError if there is none."""
        return {group.id: group for group in self.groups}[group_id]

    @cached_property
    def all_units(self) -> list[Unit]:
        """The units of all groups."""
        return [unit for group in self.groups for unit in group.units]

    def unit_names(self, group_id: str | None = None) -> NameIndex:
        """The names of a group's units, or of all, with every way they are written."""
        if group_id not in self._unit_names:
            units = self.group(group_id).units if group_id else self.all_units
            names = {unit.name: unit.written for unit in units}
            self._unit_names[group_id] = self.name_index(names)
        return self._unit_names[group_id]

    @cached_property
    def _unit_names(self) -> dict[str | None, NameIndex]:
        return {}

    def name_index(self, names: dict[str, list[str]]) -> NameIndex:
        """An index that leaves out the prefixes and suffixes that this scheme allows."""
        return NameIndex(names, self.reading.name_prefixes, self.reading.name_suffixes)

    def raters_of(self, raters_id: str) -> list[str]:
        """The names of a set of raters; KeyError if there is none with this id."""
        raters = {raters.id: raters for raters in self.raters}[raters_id]
        if raters.group:
            return [unit.name for unit in self.group(raters.group).units]
        names = self.unit_names()
        return [names.match(name) or name for name in raters.units]

    def indicator_set(self, set_id: str) -> IndicatorSet:
        """The indicators with this id; KeyError if there are none."""
        return {item.id: item for item in self.indicators}[set_id]

    def indicators_in(self, plan: Plan) -> IndicatorSet | None:
        """The indicator set that a plan's sheets are scored by, if any."""
        for dimension in plan.dimensions.values():
            if dimension.indicators:
                return self.indicator_set(dimension.indicators)
        return None

    def items_in(self, plan: Plan) -> list[Indicator]:
        """The items that a plan's sheets hold, in their order; none where it has no indicators."""
        for dimension in plan.dimensions.values():
            if dimension.indicators:
                found = self.indicator_set(dimension.indicators)
                chosen = dimension.items
                return [found.nodes[item] for item in chosen] if chosen else found.leaves
        return []

    def members(self, dimension: Dimension) -> list[str] | None:
        """The ids of a dimension's members in their order; None where it is open."""
        if dimension.members is not None:
            return list(dimension.members)
        if dimension.raters:
            return self.raters_of(dimension.raters)
        if dimension.indicators:
            return dimension.items or [
                leaf.id for leaf in self.indicator_set(dimension.indicators).leaves
            ]
        return None

    def title_of(self, plan: Plan, dimension: str, member: str) -> Bilingual:
        """What a member of a plan's dimension is called: a title where the scheme gives one."""
        declared = plan.dimensions.get(dimension)
        if declared is not None and declared.members is not None:
            return declared.members[member].pair
        if declared is not None and declared.indicators is not None:
            title = self.indicator_set(declared.indicators).nodes[member].title
            return Bilingual(f"{member} {title.zh}", f"{member} {title.en}")
        return Bilingual(member, member)

    def titles_of(self, plan: Plan, dimensions: Sequence[str], key: Sequence[str]) -> Bilingual:
        """A key's members, each as it is called, one behind the other."""
        titles = [
            self.title_of(plan, dimension, member)
            for dimension, member in zip(dimensions, key, strict=True)
        ]
        return Bilingual(" ".join(t.zh for t in titles), " ".join(t.en for t in titles))

    def member_names(self, dimension: Dimension) -> NameIndex | None:
        """How a dimension's members are written in files and sheets; None where it is open."""
        if dimension.members is not None:
            return self.name_index(
                {key: [title.zh, title.en] for key, title in dimension.members.items()}
            )
        if dimension.raters:
            units = {unit.name: unit.written for unit in self.all_units}
            return self.name_index(
                {name: units.get(name, []) for name in self.raters_of(dimension.raters)}
            )
        if dimension.indicators:
            found = self.indicator_set(dimension.indicators)
            chosen = set(self.members(dimension) or ())
            return NameIndex(
                {
                    node.id: [
                        node.title.zh,
                        node.title.en,
                        f"{node.id}{node.title.zh}",
                        f"{node.id}{node.title.en}",
                        *node.aliases,
                    ]
                    for node in found.leaves
                    if node.id in chosen
                }
            )
        return None
