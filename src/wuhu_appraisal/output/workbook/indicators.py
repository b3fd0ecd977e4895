"""Items by unit as a heat map: what each unit got of each item's marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from wuhu_appraisal.language import _
from wuhu_appraisal.output.workbook.book import HEAD, Page
from wuhu_appraisal.output.workbook.refs import Cell, span
from wuhu_appraisal.output.workbook.tree import StageTree
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Indicator, IndicatorSet, Stage
from wuhu_appraisal.score.operations import Mean

_LOW, _HIGH = "#F4B183", "#FFFFFF"
_FORMAT = "0.00"
_NONE = "/"


@dataclass(slots=True)
class HeatMap:
    """Where a stage's items stand on a group's heat map."""

    stage: Stage
    found: IndicatorSet
    items: Sequence[Indicator]
    scores: Mapping[str, Mapping[str, Fraction]]
    first: int
    rows: tuple[int, int] = (0, 0)
    sheet: str = ""
    above: dict[str, int] = field(default_factory=dict)

    def row_of(self, name: str) -> tuple[Cell, Cell]:
        """The ends of a row above the items: 'category', 'marks' or 'mean'."""
        first = Cell(self.sheet, self.above[name], self.first)
        return first, first.right(len(self.items) - 1)

    @property
    def block(self) -> tuple[Cell, Cell]:
        """The corners of the scores."""
        first = Cell(self.sheet, self.rows[0], self.first)
        return first, Cell(self.sheet, self.rows[1], self.first + len(self.items) - 1)

    @property
    def units(self) -> tuple[Cell, Cell]:
        """The ends of the column of units."""
        return Cell(self.sheet, self.rows[0], 0), Cell(self.sheet, self.rows[1], 0)

    def category(self, item: Indicator) -> str:
        """The title of the part of the appraisal content that an item belongs to."""
        node = self.found.nodes[self.found.paths[item.id][0]]
        return f"{node.id} {node.title}"

    def mean(self, item: Indicator) -> Fraction | None:
        """The mean of the units' scores for an item; None where nobody has one."""
        found = [scores[item.id] for scores in self.scores.values() if item.id in scores]
        return Mean().apply(found, ()).value if found else None


def heat_maps(result: Result, group: str) -> list[HeatMap]:
    """One for each stage of a group that is scored by items, side by side."""
    maps: list[HeatMap] = []
    column = 1
    for stage in result.scheme.stages:
        plan = stage.plans[group]
        found = result.scheme.indicators_in(plan)
        items = result.scheme.items_in(plan)
        if found is None or any(item.marks is None for item in items):
            continue
        tree = StageTree(result.scheme, stage, group, result.traces[group].stages[stage.id])
        scores = {
            item.unit: _item_scores(tree, items, item.unit) for item in result.standings[group]
        }
        maps.append(HeatMap(stage, found, items, scores, column))
        column += len(items)
    return maps


def _item_scores(tree: StageTree, items: Sequence[Indicator], unit: str) -> Mapping[str, Fraction]:
    """What a unit got of each item's marks, by the weights that its scores have in the stage."""
    name = next(name for name, found in tree.plan.dimensions.items() if found.indicators)
    parts = tree.points_by(name, unit)
    marks = {item.id: Fraction(item.marks or 0) for item in items}
    return {
        part.member: part.points / part.full * marks[part.member] for part in parts if part.full
    }


def write_heat_maps(page: Page, result: Result, group: str, maps: Sequence[HeatMap]) -> None:
    """The sheet of one group: units down, items across, stage after stage."""
    last = maps[-1].first + len(maps[-1].items) - 1
    page.widths([26, *[6.5] * last])
    notes = [
        _("What a unit got of each item's marks, over all its bodies by their weights; values."),
        _("The darker a cell, the more of the marks was lost; / was not assessed."),
    ]
    title = f"{_('Scores by item')} · {result.scheme.group(group).title}"
    page.begin(title, last, notes)
    for name, text in (
        ("stage", _("Stage")),
        ("category", _("Part")),
        ("marks", _("Marks")),
        ("mean", _("Mean of the group")),
    ):
        page.sheet.set_row(page.row, 36 if name == "category" else 18)
        page.text(0, text, bold=True, bg_color=HEAD)
        for found in maps:
            found.sheet = page.name
            found.above[name] = page.row
            first = page.row + 6 - len(found.above)
            found.rows = (first, first + len(result.standings[group]) - 1)
            for column, item in enumerate(found.items, found.first):
                _above(page, found, name, column, item)
        page.row += 1
    header = page.row
    page.header(
        [_("Unit"), *(f"{item.id} {item.title}" for found in maps for item in found.items)], 150
    )
    for standing in result.standings[group]:
        page.text(0, standing.unit, bold=True)
        for found in maps:
            scores = found.scores[standing.unit]
            for column, item in enumerate(found.items, found.first):
                if item.id in scores:
                    page.number(column, float(scores[item.id]), num_format=_FORMAT, font_size=9)
                else:
                    page.text(column, _NONE, align="center", font_size=9)
        page.row += 1
    _colours(page, maps)
    rows = len(result.standings[group])
    page.finish(last=last, header=header, frozen=1, rows=rows, pages=len(maps))
    page.sheet.set_v_pagebreaks([found.first for found in maps[1:]])


def _above(page: Page, found: HeatMap, name: str, column: int, item: Indicator) -> None:
    small = {"font_size": 8, "bg_color": HEAD, "text_wrap": True}
    if name == "stage":
        page.text(column, str(found.stage.title), font_size=8, bg_color=HEAD)
    elif name == "category":
        page.text(column, found.category(item), **small)
    elif name == "marks":
        page.number(column, float(item.marks or 0), num_format="General", **small)
    else:
        rows = [Cell(page.name, row, column) for row in found.rows]
        mean = found.mean(item)
        formula = f'IF(COUNT({span(*rows)})=0,"{_NONE}",AVERAGE({span(*rows)}))'
        shown = _NONE if mean is None else float(mean)
        page.formula(column, formula, shown, num_format=_FORMAT, **small)


def _colours(page: Page, maps: Sequence[HeatMap]) -> None:
    """Lightness alone tells, so that it prints in grey and serves every eye."""
    for found in maps:
        for column, item in enumerate(found.items, found.first):
            marks = float(item.marks or 0)
            page.sheet.conditional_format(
                found.rows[0],
                column,
                found.rows[1],
                column,
                {
                    "type": "2_color_scale",
                    "min_type": "num",
                    "max_type": "num",
                    "min_value": marks / 2,
                    "max_value": marks,
                    "min_color": _LOW,
                    "max_color": _HIGH,
                },
            )
