"""The places of the classes of each group, where shares of the group decide who is in them.

A class takes units in the order of their ranks from where the one above it stopped. So all that are
in it or above it are the first of the group, and their number tells the class of every rank.
"""

import re
from collections.abc import Mapping

from wuhu_appraisal.language import _
from wuhu_appraisal.output.workbook.book import SOFT, Cell, Page, Range
from wuhu_appraisal.output.workbook.rules import Rules
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.final import GradeClass

_ROUNDED = {"half_up": "ROUND({},0)", "down": "INT({})", "up": "-INT(-{})"}
"""The formula of each rounding of a share, which comes rounded to ten decimals, as doubles are."""


def alike(text: str) -> str:
    """Return the criterion of COUNTIFS and the like that only this very text meets."""
    return '"=' + re.sub(r"([~*?])", r"~\1", text).replace('"', '""') + '"'


def reached(item: GradeClass, finals: str, rules: Rules) -> str:
    """Return the formula's condition that a final, or each of a range, is high enough for a class."""
    if item.least is None:
        return f"{finals}={finals}"
    address = rules.address(item.least, ("class", item.id, "least"))
    return f"{finals}{'>=' if item.above is None else '>'}{address}"


def write_classes(
    page: Page, result: Result, rules: Rules, ranks: Range, finals: Range
) -> Mapping[tuple[str, str], Cell]:
    """Write the places; return by group and class the cell of how many units it and those above have.

    ``ranks`` and ``finals`` are the cells of all units, whose groups stand in the first column.
    """
    titles = [_("Group"), _("Class"), _("Places"), _("Units in it or above it")]
    page.begin(_("Places of the classes"), [24, 20, 12, 16], sortable=False)
    page.header(titles, height=32)
    cells: dict[tuple[str, str], Cell] = {}
    rule = result.scheme.class_rule
    assert rule is not None, "without shares the finals alone decide"
    for group, standings in result.standings.items():
        title, so_far, before = str(result.scheme.group_titles[group]), 0, "0"
        ranked = sum(unit.rank is not None for unit in standings)
        for item in result.scheme.classes:
            own = f"({ranks.at_column(0).full}={page.cell(0).address})"
            places, number = f"SUMPRODUCT({own}*ISNUMBER({ranks.full}))", ranked
            if item.percent is not None:
                percent = rules.address(item.percent, ("class", item.id, "percent"))
                places = _ROUNDED[rule.rounding].format(f"ROUND({places}*{percent}/100,10)")
                number = rule.places(item.percent, ranked)
            last = f"({before}+{page.cell(2).address})"
            taken = f"{own}*({ranks.full}<={last})*({reached(item, finals.full, rules)})"
            if item.percent is not None and rule.ties == "out":
                # Units of one rank are in if the last of them has a place too.
                groups = ranks.at_column(0).full
                up_to = f'COUNTIFS({groups},{alike(title)},{ranks.full},"<="&{ranks.full})'
                taken += f"*({up_to}<={last})"
            so_far += sum(unit.class_id == item.id for unit in standings)
            page.write(0, title)
            page.write(1, str(item.title))
            page.formula(2, places, number, align="center", bg_color=SOFT)
            page.formula(3, f"MAX({before},SUMPRODUCT({taken}))", so_far, bg_color=SOFT)
            before = page.cell(3).address
            cells[group, item.id] = page.cell(3)
            page.row += 1
    page.finish()
    return cells
