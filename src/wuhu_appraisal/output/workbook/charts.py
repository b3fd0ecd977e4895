"""Charts that the spreadsheet program draws itself, over the cells of the other sheets."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from wuhu_appraisal.language import _
from wuhu_appraisal.output.workbook.book import HEAD, Page
from wuhu_appraisal.output.workbook.indicators import HeatMap
from wuhu_appraisal.output.workbook.refs import Cell, span_afar
from wuhu_appraisal.output.workbook.standings import Exact, added_by
from wuhu_appraisal.result import Result

_COLOURS = ("#1F3864", "#2E75B6", "#9DC3E6", "#F4B183", "#C55A11", "#7F7F7F")
"""Told apart by lightness too; neighbours differ for those who see no red or no green."""

_MOST = 60
_PAGE = 640
"""The height in pixels that a printed page has room for."""

_NOT_ASSESSED = "/"
_FONT = {"name": "宋体", "size": 9}


class ChartSheet:
    """What the stages add, by unit; and one unit's parts of the content against its group's mean."""

    def __init__(self, page: Page, result: Result, exact: Exact) -> None:
        self._page = page
        self._run = result
        self._exact = exact

    def write(self, maps: Mapping[str, Sequence[HeatMap]]) -> None:
        """For each group its charts, one below the other."""
        page = self._page
        page.widths([24, 14, 14, *[10] * 9])
        page.begin(_("Charts"), 11)
        breaks: list[int] = []
        for group in self._run.standings:
            self._stacked(group)
            breaks.append(page.row)
            if maps.get(group):
                self._parts(group, maps[group][0])
                breaks.append(page.row)
        page.sheet.set_h_pagebreaks(breaks[:-1])
        page.running()
        page.sheet.fit_to_pages(1, 0)

    def _stacked(self, group: str) -> None:
        page, exact, scheme = self._page, self._exact, self._run.scheme
        first, last = exact.groups[group]
        shown = min(last, first + _MOST - 1)
        chart = page.book.file.add_chart({"type": "bar", "subtype": "stacked"})
        for at, stage in enumerate(scheme.stages):
            column = exact.columns[added_by(stage.id)]
            chart.add_series(
                {
                    "name": str(stage.title),
                    "categories": [
                        exact.sheet,
                        first,
                        exact.columns["unit"],
                        shown,
                        exact.columns["unit"],
                    ],
                    "values": [exact.sheet, first, column, shown, column],
                    "fill": {"color": _COLOURS[at % len(_COLOURS)]},
                    "border": {"color": "white", "width": 0.5},
                    "gap": 40,
                }
            )
        title = _("What each stage adds to the composite: {group}").format(
            group=scheme.group(group).title
        )
        if shown < last:
            title += " " + _("(the first {count})").format(count=_MOST)
        chart.set_title({"name": title, "name_font": {**_FONT, "size": 13}})
        chart.set_legend({"position": "bottom", "font": _FONT})
        chart.set_y_axis({"reverse": True, "num_font": _FONT, "interval_unit": 1})
        chart.set_x_axis(
            {"num_font": _FONT, "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}}
        )
        height = min(140 + 22 * (shown - first + 1), _PAGE)
        chart.set_size({"width": 980, "height": height})
        page.sheet.insert_chart(page.row, 0, chart)
        page.row += height // 20 + 2

    def _parts(self, group: str, found: HeatMap) -> None:
        """A unit to choose, and its share of each part's marks beside the group's."""
        page = self._page
        standings = self._run.standings[group]
        if not standings:
            return
        chosen = page.cell(1)
        page.text(0, _("Choose a unit here →"), bold=True, bg_color=HEAD)
        page.text(1, standings[0].unit, bold=True, bg_color="#FFF8E1")
        units = span_afar(*found.units)
        page.sheet.data_validation(
            page.row, 1, page.row, 1, {"validate": "list", "source": f"={units}"}
        )
        page.row += 1
        titles = (_("Part"), _("Unit's share of the marks"), _("Group's share"))
        for column, text in enumerate(titles):
            page.text(column, text, bold=True, bg_color=HEAD, text_wrap=True)
        page.tall(2)
        page.row += 1
        top = page.row
        names = list(dict.fromkeys(found.category(item) for item in found.items))
        for name in names:
            self._share(found, name, chosen, standings[0].unit)
        bottom = page.row - 1
        chart = page.book.file.add_chart({"type": "bar"})
        for at, column in enumerate((1, 2)):
            chart.add_series(
                {
                    "name": titles[column],
                    "categories": [page.name, top, 0, bottom, 0],
                    "values": [page.name, top, column, bottom, column],
                    "fill": {"color": _COLOURS[0] if not at else _COLOURS[2]},
                    "gap": 60,
                }
            )
        title = f"{found.stage.title} · {self._run.scheme.group(group).title}"
        chart.set_title({"name": title, "name_font": {**_FONT, "size": 13}})
        chart.set_legend({"position": "bottom", "font": _FONT})
        axis: dict[str, Any] = {"num_font": _FONT, "num_format": "0%", "min": 0, "max": 1}
        chart.set_x_axis(axis)
        chart.set_y_axis({"num_font": {**_FONT, "size": 8}, "reverse": True})
        chart.set_size({"width": 660, "height": 46 * len(names) + 120})
        page.sheet.insert_chart(top - 2, 3, chart, {"x_offset": 20})
        page.row += 4

    def _share(self, found: HeatMap, name: str, chosen: Cell, unit: str) -> None:
        page = self._page
        page.tall(3)
        page.text(0, name, text_wrap=True, font_size=9)
        category, marks, mean = (
            span_afar(*found.row_of(row)) for row in ("category", "marks", "mean")
        )
        block, units = span_afar(*found.block), span_afar(*found.units)
        row = f"INDEX({block},MATCH({chosen.fixed},{units},0),0)"
        own = page.cell(0).local
        assessed = f"SUMPRODUCT(({category}={own})*ISNUMBER({row})*{marks})"
        items = [item for item in found.items if found.category(item) == name]
        scores = found.scores[unit]
        got = sum((scores[item.id] for item in items if item.id in scores), Fraction(0))
        whole = sum((Fraction(item.marks or 0) for item in items if item.id in scores), Fraction(0))
        self._percent(1, f"SUMIF({category},{own},{row})/{assessed}", got, whole)
        means = {item.id: found.mean(item) for item in items}
        got = sum((value for value in means.values() if value is not None), Fraction(0))
        whole = sum(
            (Fraction(item.marks or 0) for item in items if means[item.id] is not None), Fraction(0)
        )
        assessed = f"SUMPRODUCT(({category}={own})*ISNUMBER({mean})*{marks})"
        self._percent(2, f"SUMIF({category},{own},{mean})/{assessed}", got, whole)
        page.row += 1

    def _percent(self, column: int, formula: str, got: Fraction, whole: Fraction) -> None:
        shown = float(got / whole) if whole else _NOT_ASSESSED
        guarded = f'IF(ISERROR({formula}),"{_NOT_ASSESSED}",{formula})'
        self._page.formula(column, guarded, shown, num_format="0.0%", align="right")
