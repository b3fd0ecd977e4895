"""The JSON Schema of a scheme's YAML, generated from the models, for editors to point to."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.names import NameIndex
from wuhu_appraisal.scheme.rules import (
    Adjustment,
    Bounds,
    Check,
    Final,
    Identifier,
    InBothLanguages,
    Localised,
    Model,
    Policy,
    Positive,
    Ranking,
    Reading,
    Step,
)


class FormerName(Model):
    """A name that a unit bore until a date (as precise as known: 2020, 2020-07 or 2020-07-15)."""

    name: str
    until: str


class Unit(Model):
    """Who is appraised: the name in results, and the ways offices write it."""

    name: Identifier
    aliases: list[str] = []
    former: list[FormerName] = []

    @property
    def written(self) -> list[str]:
        """Every other way the name is written."""
        return [*self.aliases, *(item.name for item in self.former)]


class Group(Model):
    """Units that are ranked against each other."""

    id: Identifier
    title: Localised
    clause: str
    units: Annotated[list[Unit], Field(min_length=1)]


class Raters(Model):
    """Who gives ballots: units named one by one, or all units of a group."""

    id: Identifier
    title: Localised
    clause: str
    units: list[str] = []
    group: str | None = None


class Assessed(Model):
    """The units that an item is mainly assessed for; ``open`` lists may have further ones."""

    units: list[str] = []
    open: bool = False
    clause: str = ""


class Indicator(Model):
    """A line of the appraisal content: full marks (points of the whole) or a weight at its level."""

    id: Identifier
    title: Localised
    marks: Positive | None = None
    weight: Positive | None = None
    clause: str = ""
    aliases: list[str] = []
    assessed: Assessed | None = None
    items: list["Indicator"] = []

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Indicator"]]:
        """Yield the node and all below it, each with the ids from the top down to it."""
        here = (*path, self.id)
        yield here, self
        for item in self.items:
            yield from item.walk(here)


class IndicatorSet(Model):
    """The appraisal content for a group: a tree of indicators."""

    id: Identifier
    title: Localised
    clause: str
    marks: Positive = Decimal(100)
    items: Annotated[list[Indicator], Field(min_length=1)]

    @cached_property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """Each node's id with the ids from the top down to it."""
        return {node.id: path for path, node in self.walk()}

    @cached_property
    def nodes(self) -> dict[str, Indicator]:
        """Each node by its id."""
        return {node.id: node for _path, node in self.walk()}

    @cached_property
    def leaves(self) -> list[Indicator]:
        """The nodes that are scored, in their order."""
        return [node for _path, node in self.walk() if not node.items]

    def walk(self) -> Iterator[tuple[tuple[str, ...], Indicator]]:
        """All nodes, depth first."""
        for item in self.items:
            yield from item.walk()

    def cited(self, node: Indicator) -> str:
        """The node's clause: its own, or the set's clause and the node's id."""
        return node.clause or f"{self.clause} {node.id}"


class Detail(StrEnum):
    """What some may see of a result and others may not; the values are the scheme's words."""

    RATERS = "raters"
    BALLOTS = "ballots"
    FINDINGS = "findings"
    SCORES = "scores"


class Audience(StrEnum):
    """Whom a report is made for; the values are the scheme's words."""

    OFFICE = "office"
    LEADING_GROUP = "leading-group"
    PUBLIC = "public"
    UNIT = "unit"


AUDIENCE_NAMES: dict[Audience, str] = {
    Audience.OFFICE: N_("the office"),
    Audience.LEADING_GROUP: N_("the leading group"),
    Audience.PUBLIC: N_("the public"),
    Audience.UNIT: N_("a unit"),
}
"""What each audience is called; the values are message ids."""


DETAIL_NAMES: dict[Detail, str] = {
    Detail.RATERS: N_("who gave which ballot"),
    Detail.BALLOTS: N_("each rater's scores"),
    Detail.FINDINGS: N_("findings, decisions and files"),
    Detail.SCORES: N_("the units' scores"),
}
"""What each detail is; the values are message ids."""


DETAIL_NEEDS: dict[Detail, tuple[Detail, ...]] = {
    Detail.RATERS: (Detail.BALLOTS,),
    Detail.BALLOTS: (Detail.FINDINGS, Detail.SCORES),
    Detail.FINDINGS: (Detail.SCORES,),
}
"""What a detail stands in or tells of itself: findings quote the scores that they are about."""


class Audiences(Model):
    """What each audience is shown beside rules and ranks. The office that appraises sees everything.

    ``raters``: who gave which ballot; without it raters are numbered. ``ballots``: each rater's
    scores, and so all that went in. ``findings``: what is wrong with the input, how it was read,
    what was decided, and the files. ``scores``: the units' scores; for a unit those of the others.
    """

    model_config = ConfigDict(populate_by_name=True)

    leading_group: Annotated[
        list[Detail],
        Field(alias="leading-group", description="any of raters, ballots, findings, scores"),
    ] = [Detail.BALLOTS, Detail.FINDINGS, Detail.SCORES]
    public: list[Detail] = Field(
        [Detail.SCORES], description="any of these but what is secret; without scores, ranks alone"
    )
    unit: list[Literal[Detail.SCORES]] = Field(
        [], description="scores: the ranking of its group too; else its own result alone"
    )


class Confidentiality(Model):
    """What the scheme keeps secret beyond the office that appraises."""

    fewest_raters: Annotated[int, Field(ge=2)] = Field(
        3,
        description="a score that is made of fewer raters' scores than this is shown to nobody "
        "who does not see the ballots; of two raters, each could work out what the other gave",
    )
    secret: list[Detail] = Field(
        [Detail.RATERS, Detail.BALLOTS, Detail.FINDINGS],
        description="what the public can never be shown: any of raters, ballots, findings, scores",
    )
    audiences: Audiences = Audiences()
    clause: str = ""

    def shown_to(self, audience: Audience) -> frozenset[Detail]:
        """What an audience sees."""
        shown: dict[Audience, Sequence[Detail]] = {
            Audience.OFFICE: list(Detail),
            Audience.LEADING_GROUP: self.audiences.leading_group,
            Audience.PUBLIC: self.audiences.public,
            Audience.UNIT: self.audiences.unit,
        }
        return frozenset(shown[audience])


PLACEHOLDER = re.compile(r"\{(\w+)\}|\*")
"""A part of a pattern for a file or sheet that stands for other text: {dimension}, or * for any."""


def placeholders(pattern: str) -> list[str]:
    """The dimensions that a pattern for a file or sheet names in braces, in their order."""
    return [name for name in PLACEHOLDER.findall(pattern) if name]


class Dimension(Model):
    """What tells two scores of one unit apart: exactly one of these keys says who its members are."""

    members: Annotated[dict[str, Localised], Field(min_length=1)] | None = None
    raters: str | None = None
    indicators: str | None = None
    items: list[str] | None = Field(None, description="with indicators: only these items")
    open: Literal[True] | None = Field(None, description="any names that the sheets hold")
    title: Localised | None = None


class Form(Model):
    """A kind of sheet: which files and sheets are of it, and which dimensions it shows.

    ``file`` and ``sheet`` may hold * for any text and {unit}, {rater}, {round} … for a member of
    that dimension; ``file`` is compared with the end of the path, without the file's ending.
    """

    id: Identifier
    title: Localised
    file: str
    sheet: str = "*"
    axes: Annotated[list[str], Field(min_length=1, max_length=2)]
    fixed: dict[str, str] = {}
    not_applicable: Literal["nowhere", "listed", "anywhere"] = Field(
        "nowhere",
        description="where a mark such as / may stand for a score: nowhere; listed: for items "
        "mainly assessed for other units; anywhere",
    )

    @property
    def named(self) -> list[str]:
        """The dimensions whose members the names of the file and the sheet give, in their order."""
        return placeholders(f"{self.file}/{self.sheet}")


class Plan(Model):
    """How one group goes through a stage: its dimensions, its sheets, and the steps to one number."""

    dimensions: dict[str, Dimension] = {}
    full_marks: Positive | None = Field(
        None, description="of every score; left out where each indicator has marks of its own"
    )
    forms: Annotated[list[Form], Field(min_length=1)]
    steps: list[Step] = []
    checks: list[Check] = []
    percentages: Literal["error", "of_full_marks"] = Field(
        "error",
        description="what 95 % in a score's cell means: nothing that can be known, or that share of "
        "the full marks",
    )


class Window(Model):
    """The dates, both included, in which a stage is held."""

    from_: Annotated[date, Field(alias="from")]
    to: date
    clause: str = ""


class Note(Model):
    """A rule that binds people rather than numbers, kept with its clause."""

    clause: str
    text: Localised


class Stage(Model):
    """One weighted part of the composite."""

    id: Identifier
    title: Localised
    clause: str
    weight: Positive
    assessors: list[Localised]
    window: Window
    notes: list[Note] = []
    plans: Annotated[dict[str, Plan], Field(min_length=1)]


class Composite(Model):
    """How the stages become the composite: their weighted mean, and what an absent stage means."""

    missing: Policy
    not_applicable: Policy
    digits: Annotated[int, Field(ge=0, le=6)]
    clause: str = ""


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
    text: InBothLanguages
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
        return self._groups[group_id]

    def stage(self, stage_id: str) -> Stage:
        """The stage with this id; KeyError if there is none."""
        return self._stages[stage_id]

    def adjustment(self, adjustment_id: str) -> Adjustment:
        """The adjustment with this id; KeyError if there is none."""
        return self._adjustments[adjustment_id]

    @cached_property
    def _groups(self) -> dict[str, Group]:
        return {group.id: group for group in self.groups}

    @cached_property
    def _stages(self) -> dict[str, Stage]:
        return {stage.id: stage for stage in self.stages}

    @cached_property
    def _adjustments(self) -> dict[str, Adjustment]:
        return {adjustment.id: adjustment for adjustment in self.adjustments}

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
            return declared.members[member]
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
    """The schema (draft 2020-12). Nothing is required at the top, as a scheme may be three files."""
    schema = Scheme.model_json_schema(by_alias=True)
    schema.pop("required", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
