"""What a scheme says, as pydantic models: the whole of the rules, and nothing of the code.

The JSON Schema that editors use is generated from these models, so the descriptions here are
what a person who writes a scheme reads.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from wuhu_appraisal.i18n import Bilingual
from wuhu_appraisal.names import NameIndex
from wuhu_appraisal.scheme.steps import Model, Policy, Positive, Step


class Text(Model):
    """A text in both languages; a plain string stands for both, as names do."""

    zh: str
    en: str

    def __str__(self) -> str:
        """The text in the active language."""
        return str(self.pair)

    @property
    def pair(self) -> Bilingual:
        """The text without its model, for places that know nothing of schemes."""
        return Bilingual(self.zh, self.en)


def _both(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


Localised = Annotated[Text, BeforeValidator(_both, json_schema_input_type=str | Text)]
Identifier = Annotated[str, Field(min_length=1)]
NonNegative = Annotated[Decimal, Field(ge=0)]


class Document(Model):
    """The published document that the scheme encodes."""

    title: Localised
    issued_by: str = ""
    issued: date | None = None
    based_on: str = ""


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
        """This node and all below it, each with the ids from the top down to it."""
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


class Labels(Model):
    """Words by which headers and rows are known, whatever their place in the sheet."""

    unit: list[str] = ["测评对象", "考评对象", "被测评单位", "单位名称", "单位", "名称"]
    indicator: list[str] = ["二级指标", "考评指标", "测评指标", "指标名称", "指标", "考评内容", "测评内容"]
    score: list[str] = ["得分", "评分", "测评得分", "分数", "评价得分"]
    total: list[str] = ["合计", "总分", "总计", "得分合计", "平均", "平均分"]
    ignored: list[str] = ["一级指标", "类别", "序号", "备注", "排名", "名次", "分值", "扣分", "扣分原因", "说明"]
    foot: list[str] = ["填表人", "审核人", "填报单位", "填表日期", "日期", "联系电话", "备注", "注", "说明"]


class Reading(Model):
    """How names and marks in a sheet are understood."""

    name_prefixes: list[str] = []
    name_suffixes: list[str] = []
    not_applicable: list[str] = ["/", "—", "无", "N/A", "不适用"]
    labels: Labels = Labels()


class Dimension(Model):
    """What tells two scores of one unit apart: exactly one of these keys says who its members are."""

    members: dict[str, Localised] | None = None
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


class SpreadCheck(Model):
    """A rater's highest and lowest score must differ by at least a share of the full marks."""

    spread: str = Field(description="the dimension whose members each give many scores")
    at_least_percent: Positive
    of: Literal["full_marks", "highest"]
    severity: Literal["error", "warning"]
    clause: str


class Plan(Model):
    """How one group goes through a stage: its dimensions, its sheets, and the steps to one number."""

    dimensions: dict[str, Dimension] = {}
    full_marks: Positive | None = Field(
        None, description="of every score; left out where each indicator has marks of its own"
    )
    forms: Annotated[list[Form], Field(min_length=1)]
    steps: list[Step] = []
    checks: list[SpreadCheck] = []


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


class Band(Model):
    """Points for a range of a value, both ends included; without ``to`` it has no upper end."""

    from_: Annotated[Decimal, Field(alias="from")]
    to: Decimal | None = None
    points: NonNegative


class Bands(Model):
    """Points by where a stated value, such as a rank, falls."""

    bands: Annotated[list[Band], Field(min_length=1)]


class Stated(Model):
    """Points as a person stated them, up to a maximum for each record."""

    stated: Literal[True]
    max: Positive


class Fixed(Model):
    """The same points for each record."""

    fixed: Positive


class RecordForm(Model):
    """The sheet that an adjustment's records stand in, and the labels of its columns."""

    file: str
    sheet: str = "*"
    unit: list[str] = Labels().unit
    value: list[str] = []
    points: list[str] = ["分值", "加分", "扣分", "加扣分"]
    reason: list[str] = ["原因", "事由", "扣分原因", "加分原因"]
    evidence: list[str] = ["依据", "佐证材料", "证据"]


class Adjustment(Model):
    """A bonus or a deduction outside the 100, counted after the composite."""

    id: Identifier
    title: Localised
    clause: str
    kind: Literal["bonus", "deduction"]
    groups: Annotated[list[str], Field(min_length=1)]
    form: RecordForm
    points: Bands | Stated | Fixed
    requires: list[Literal["reason", "evidence"]] = []
    once: bool = Field(False, description="at most one record a unit")
    cap: Positive | None = Field(None, description="the most points a unit can have of it")

    def signed_points(self, stated: Decimal) -> Decimal | None:
        """The points for what a record states, below 0 for a deduction; None outside all bands."""
        points: Decimal | None = stated
        if isinstance(self.points, Fixed):
            points = self.points.fixed
        elif isinstance(self.points, Bands):
            points = next(
                (
                    band.points
                    for band in self.points.bands
                    if band.from_ <= stated and (band.to is None or stated <= band.to)
                ),
                None,
            )
        if points is None or self.kind == "bonus":
            return points
        return 0 - points


class Bounds(Model):
    """A cap and a floor; what is not given does not bind."""

    cap: Decimal | None = None
    floor: Decimal | None = None


class Final(Bounds):
    """The final score: its digits, its rounding, and its bounds."""

    digits: Annotated[int, Field(ge=0, le=6)]
    rounding: Literal["half_up"]
    clause: str = ""


class TieBreak(Model):
    """What tells equal finals apart: the composite, or a stage by name."""

    by: Literal["composite", "stage"]
    stage: str | None = None


class Ranking(Model):
    """How units of a group are ranked by their published finals; what stays equal shares a rank."""

    ties: list[TieBreak] = []
    clause: str = ""


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
                return found.leaves if chosen is None else [found.nodes[item] for item in chosen]
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
                    node.id: [node.title.zh, node.title.en, f"{node.id}{node.title.zh}", *node.aliases]
                    for node in found.leaves
                    if node.id in chosen
                }
            )
        return None
