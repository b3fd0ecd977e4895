"""The scores by item, and charts that the spreadsheet program draws over cells of other sheets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from wuhu_appraisal.language import _
from wuhu_appraisal.output.workbook.book import FONT, HEAD, INPUT, Book, Page, Range
from wuhu_appraisal.output.workbook.ranking import ExactSheet
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Indicator, Plan, Scheme, Stage, with_id
from wuhu_appraisal.score.contributions import ScoredStage
from wuhu_appraisal.score.operations import Mean

_NOT_ASSESSED = "/"
_LOW, _HIGH = "#F4B183", "#FFFFFF"
"""Half of the marks or less, and all of them: lightness alone tells, as it does in print."""
_COLOURS = ("#1F3864", "#2E75B6", "#9DC3E6", "#F4B183", "#C55A11", "#7F7F7F")
"""Told apart by lightness too; neighbours differ for those who see no red or no green."""
_CHART_FONT = {"name": FONT, "size": 9}
_CHART_OFFSET = {"y_offset": 4}
"""In pixels, so that the border does not show at the end of the printed page before."""
_MOST_UNITS = 60
_TALLEST = 640
"""The height in pixels that a printed page has room for."""


@dataclass(frozen=True, slots=True)
class ItemScores:
    """What each unit of a group got of the marks of a stage's items, and the cells that hold it.

    ``categories`` has the title of each item's part of the appraisal content, ``scores`` the exact
    scores by unit and item.
    """

    stage: Stage
    items: Sequence[Indicator]
    categories: Sequence[str]
    scores: Mapping[str, Mapping[str, Fraction]]
    cells: Range

    def above(self, rows: int) -> Range:
        """Return the cells so many rows above the first unit: 4 categories, 3 marks, 2 means."""
        return self.cells.at_row(self.cells.first.row - rows)

    def means(self) -> dict[str, Fraction]:
        """Return the mean of the units' scores of each item for which there is a score."""
        numbers: dict[str, list[Fraction]] = {}
        for scores in self.scores.values():
            for item, score in scores.items():
                numbers.setdefault(item, []).append(score)
        return {item: Mean().apply(scores, ()).value for item, scores in numbers.items()}


def add_item_scores(book: Book, name: str, result: Result, group: str) -> list[ItemScores]:
    """Add the sheet of a group's scores by item: units down, items across, stage after stage.

    Above the items stand their stage, category, marks and mean. Add nothing if no stage of the
    group is scored by items with marks.
    """
    units = [item.unit for item in result.standings[group]]
    staged = [
        (stage, items)
        for stage in result.scheme.stages
        if (items := _items(result.scheme, stage.plans[group]))
        and all(item.marks is not None for item in items)
    ]
    if not staged:
        return []
    page = book.page(name)
    title = _("Scores by item") + f" · {result.scheme.group(group).title}"
    notes = [
        _(
            "The score of each unit for each item, weighted over its bodies. These are values, not formulas."
        ),
        _("The darker a cell, the more marks were lost; / means not assessed."),
    ]
    titles = [with_id(item.id, item.title) for _stage, items in staged for item in items]
    page.begin(title, [26, *[6.5] * len(titles)], notes)
    first = page.cell(1).down(5)
    by_item = []
    for stage, items in staged:
        last = first.right(len(items) - 1)
        cells = Range(first, last.down(max(len(units), 1) - 1))
        by_item.append(_item_scores(result, stage, group, cells))
        first = last.right(1)
    _write_above(page, by_item)
    page.header([_("Unit"), *titles], 150, range(1, len(titles) + 1))
    for unit in units:
        page.write(0, unit, bold=True)
        for column, score in enumerate(
            (part.scores[unit].get(item.id) for part in by_item for item in part.items), 1
        ):
            if score is None:
                page.write(column, _NOT_ASSESSED, align="center", font_size=9)
            else:
                page.write(column, float(score), num_format="0.00", font_size=9)
        page.row += 1
    page.finish(frozen=1, pages=len(by_item))
    page.sheet.set_v_pagebreaks([part.cells.first.column for part in by_item[1:]])
    return by_item


def _items(scheme: Scheme, plan: Plan) -> list[Indicator]:
    """Return the indicators with a score; an item's facts have one together."""
    indicators = scheme.indicators_in(plan)
    if indicators is None:
        return []
    items = (indicators.item_of(item.id) for item in scheme.items_in(plan))
    return list({item.id: item for item in items}.values())


def _item_scores(result: Result, stage: Stage, group: str, cells: Range) -> ItemScores:
    """Compute what each unit got of each item's marks, by the weights that its scores have."""
    scheme, plan = result.scheme, stage.plans[group]
    scored = ScoredStage(scheme, stage, group, result.traces[group].stages[stage.id])
    items, indicators = _items(scheme, plan), scheme.indicators_in(plan)
    assert indicators is not None
    marks = {item.id: Fraction(item.marks or 0) for item in items}
    nodes = [indicators.nodes[indicators.paths[item.id][0]] for item in items]
    categories = [with_id(node.id, node.title) for node in nodes]
    scores = {
        standing.unit: {
            part.member: part.points / part.full * marks[part.member]
            for part in scored.points_by(plan.indicator_dimension, standing.unit)
            if part.full
        }
        for standing in result.standings[group]
    }
    return ItemScores(stage, items, categories, scores, cells)


def _write_above(page: Page, by_item: Sequence[ItemScores]) -> None:
    """Write the stage, category, marks and mean of each item, and colour the scores below."""
    style: dict[str, Any] = {"font_size": 8, "bg_color": HEAD}
    heads = [_("Stage"), _("Part"), _("Marks"), _("Mean of the group")]
    for row, (text, height) in enumerate(zip(heads, (18, 36, 18, 18), strict=True)):
        page.sheet.set_row(page.row, height)
        page.write(0, text, bold=True, bg_color=HEAD)
        for stage in by_item:
            means, category = stage.means(), iter(stage.categories)
            for column, item in enumerate(stage.items, stage.cells.first.column):
                if row < 2:
                    above = str(stage.stage.title) if row == 0 else next(category)
                    page.write(column, above, text_wrap=row > 0, **style)
                elif row == 2:
                    marks = float(item.marks or 0)
                    page.write(column, marks, num_format="General", text_wrap=True, **style)
                else:
                    address = stage.cells.at_column(column).address
                    formula = f'IF(COUNT({address})=0,"{_NOT_ASSESSED}",AVERAGE({address}))'
                    mean = float(means[item.id]) if item.id in means else _NOT_ASSESSED
                    page.formula(column, formula, mean, num_format="0.00", text_wrap=True, **style)
        page.row += 1
    for stage in by_item:
        for column, item in enumerate(stage.items, stage.cells.first.column):
            marks, (first, last) = float(item.marks or 0), stage.cells
            colours = {
                "type": "2_color_scale",
                "min_type": "num",
                "max_type": "num",
                "min_value": marks / 2,
                "max_value": marks,
                "min_color": _LOW,
                "max_color": _HIGH,
            }
            page.sheet.conditional_format(first.row, column, last.row, column, colours)


def write_charts(
    page: Page, result: Result, exact: ExactSheet, items: Mapping[str, Sequence[ItemScores]]
) -> None:
    """Write for each group what the stages add by unit, and one unit's share of each category."""
    page.begin(_("Charts"), [24, 14, 14, *[10] * 9])
    breaks: list[int] = []
    for group in result.standings:
        _add_stages(page, result, exact, group)
        breaks.append(page.row)
        if items[group] and result.standings[group]:
            _add_categories(page, result, group, items[group][0])
            breaks.append(page.row)
    page.sheet.set_h_pagebreaks(breaks[:-1])
    page.set_up_print()


def _chart(page: Page, title: str, **kind: str) -> Any:
    """Return a new bar chart, its first category on top."""
    chart = page.book.file.add_chart({"type": "bar", **kind})
    chart.set_title({"name": title, "name_font": {**_CHART_FONT, "size": 13}})
    chart.set_legend({"position": "bottom", "font": _CHART_FONT})
    return chart


def _add_stages(page: Page, result: Result, exact: ExactSheet, group: str) -> None:
    """Draw what each stage adds to the composite of each unit."""
    first, last = exact.groups[group]
    shown = min(last, first + _MOST_UNITS - 1)
    title = _("What each stage adds to the composite: {group}").format(
        group=result.scheme.group(group).title
    )
    if shown < last:
        title += " " + _("(the first {count})").format(count=_MOST_UNITS)
    chart = _chart(page, title, subtype="stacked")
    for place, stage in enumerate(result.scheme.stages):
        column = exact.adds[stage.id]
        chart.add_series(
            {
                "name": str(stage.title),
                "categories": [exact.sheet, first, 1, shown, 1],
                "values": [exact.sheet, first, column, shown, column],
                "fill": {"color": _COLOURS[place % len(_COLOURS)]},
                "border": {"color": "white", "width": 0.5},
                "gap": 40,
            }
        )
    chart.set_y_axis({"reverse": True, "num_font": _CHART_FONT, "interval_unit": 1})
    lines = {"visible": True, "line": {"color": "#D9D9D9"}}
    chart.set_x_axis({"num_font": _CHART_FONT, "major_gridlines": lines})
    height = min(140 + 22 * (shown - first + 1), _TALLEST)
    chart.set_size({"width": 980, "height": height})
    page.sheet.insert_chart(page.row, 0, chart, _CHART_OFFSET)
    page.row += height // 20 + 2


def _add_categories(page: Page, result: Result, group: str, stage: ItemScores) -> None:
    """Draw the share of each category's marks that a chosen unit got, beside the group's share."""
    unit = result.standings[group][0].unit
    chosen = page.cell(1)
    page.write(0, _("Choose a unit here →"), bold=True, bg_color=HEAD)
    page.write(1, unit, bold=True, bg_color=INPUT)
    units = stage.cells.at_column(0).full
    choice = {"validate": "list", "source": f"={units}"}
    page.sheet.data_validation(page.row, 1, page.row, 1, choice)
    page.row += 1
    titles = (_("Part"), _("Unit's share of the marks"), _("Group's share"))
    for column, text in enumerate(titles):
        page.write(column, text, bold=True, bg_color=HEAD, text_wrap=True)
    page.set_height(2)
    page.row += 1
    top = page.row
    own = f"INDEX({stage.cells.full},MATCH({chosen.fixed},{units},0),0)"
    shares = ((own, stage.scores[unit]), (stage.above(2).full, stage.means()))
    categories = list(dict.fromkeys(stage.categories))
    for category in categories:
        page.set_height(3)
        page.write(0, category, text_wrap=True, font_size=9)
        for column, (cells, scores) in enumerate(shares, 1):
            _write_share(page, column, stage, category, cells, scores)
        page.row += 1
    bottom = page.row - 1
    chart = _chart(page, f"{stage.stage.title} · {result.scheme.group(group).title}")
    for column, colour in ((1, _COLOURS[0]), (2, _COLOURS[2])):
        chart.add_series(
            {
                "name": titles[column],
                "categories": [page.name, top, 0, bottom, 0],
                "values": [page.name, top, column, bottom, column],
                "fill": {"color": colour},
                "gap": 60,
            }
        )
    chart.set_x_axis({"num_font": _CHART_FONT, "num_format": "0%", "min": 0, "max": 1})
    chart.set_y_axis({"num_font": {**_CHART_FONT, "size": 8}, "reverse": True})
    chart.set_size({"width": 660, "height": 46 * len(categories) + 120})
    page.sheet.insert_chart(top - 2, 3, chart, {**_CHART_OFFSET, "x_offset": 20})
    page.row += 4


def _write_share(
    page: Page,
    column: int,
    stage: ItemScores,
    category: str,
    cells: str,
    scores: Mapping[str, Fraction],
) -> None:
    """Write the share of a category's assessed marks that ``scores``, in ``cells``, come to."""
    pairs = zip(stage.items, stage.categories, strict=True)
    items = [item for item, name in pairs if name == category and item.id in scores]
    whole = sum((Fraction(item.marks or 0) for item in items), Fraction(0))
    points = sum((scores[item.id] for item in items), Fraction(0))
    categories, name = stage.above(4).full, page.cell(0).address
    assessed = f"SUMPRODUCT(({categories}={name})*ISNUMBER({cells})*{stage.above(3).full})"
    formula = f"SUMIF({categories},{name},{cells})/{assessed}"
    formula = f'IF(ISERROR({formula}),"{_NOT_ASSESSED}",{formula})'
    share = float(points / whole) if whole else _NOT_ASSESSED
    page.formula(column, formula, share, num_format="0.0%", align="right")
