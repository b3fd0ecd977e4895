"""The page of a sheet of scores: its columns and rows, its totals, the live check of a ballot."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import groupby

from rich.cells import cell_len

from wuhu_appraisal.findings import address
from wuhu_appraisal.language import _
from wuhu_appraisal.numbers import exact_text, plain
from wuhu_appraisal.output.templates.common import (
    first,
    foot,
    instruction_cells,
    instruction_names,
    known,
)
from wuhu_appraisal.output.templates.page import (
    Cell,
    Column,
    Page,
    area,
    bracketed,
    concatenated,
    first_row,
    quoted,
    sentences,
)
from wuhu_appraisal.output.templates.sheet import ScoreSheet
from wuhu_appraisal.read.forms import tag_text
from wuhu_appraisal.scheme.models import Indicator
from wuhu_appraisal.scheme.rules import Spread

_WIDTHS: dict[str, float] = {
    "number": 10,
    "category": 19,
    "marks": 8,
    "score": 10,
    "deduction": 8,
    "reason": 26,
    "remark": 28,
    "total": 9,
}
_SHORTEST_NAME, _LONGEST_NAME, _OPEN_NAME = 20, 46, 26
_ALL_ITEMS, _NARROW_ITEM, _WIDE_ITEM = 150, 7.5, 16
_EXACT = 8
"""Decimals kept by formulas: sums of what was typed stay exact, and binary dust goes."""


def score_page(sheet: ScoreSheet, name: str) -> Page:
    """The page of one sheet of scores."""
    scheme, form, place = sheet.scheme, sheet.entry.form, sheet.place
    window = sheet.entry.stage.window
    member = scheme.titles_of(sheet.entry.plan, form.named, place.members)
    watches = [] if sheet.grades else sheet.entry.plan.checks
    checks = [rule for rule in watches if isinstance(rule, Spread) and rule.spread in sheet.fixed]
    table = _Table(sheet, first_row(2 + len(checks)))
    dates = _("To be filled in from {start} to {end}").format(start=window.from_, end=window.to)
    notes = [Cell(_instruction(sheet)), Cell(bracketed(dates, window.clause))]
    return Page(
        name=name,
        heading=str(scheme.title),
        title=bracketed(str(form.title), str(member)),
        tag=tag_text(scheme.id, place),
        notes=[*notes, *map(table.spread, checks)],
        columns=list(table.columns()),
        rows=[*table.rows, *table.totals()],
        foot=foot(scheme.reading.labels, (window.from_, window.to), int("number" in table.kinds)),
        merges=list(table.merges()),
        frozen=table.kinds.index("name") + 1,
    )


@dataclass(frozen=True)
class _Table:
    """A sheet's table from its first row on; a kind for each column says what stands in it."""

    sheet: ScoreSheet
    top: int

    @cached_property
    def heads(self) -> dict[str, str]:
        """The label of each kind of column; without one that reading knows it is left out."""
        labels = self.sheet.scheme.reading.labels
        items = self.sheet.items_of(self.sheet.axes[0])
        return {
            "number": known(["序号"], labels.ignored),
            "category": known(["一级指标", "类别"], labels.ignored),
            "name": first(labels.indicator if items else labels.unit),
            "marks": first(labels.marks),
            "score": first(labels.score),
            "deduction": first(labels.deduction),
            "reason": first(labels.reason),
            "remark": known(["备注"], labels.ignored),
            "total": first(labels.total),
        }

    @cached_property
    def kinds(self) -> list[str]:
        """What stands in each column."""
        sheet = self.sheet
        marks = [] if sheet.grades else ["marks"]
        if sheet.axes[1]:
            added = sheet.adds_up and sheet.items_of(sheet.axes[1]) is not None
            kinds = ["number", "name", *["item"] * len(sheet.across), *["total"] * added]
        elif sheet.items_of(sheet.axes[0]):
            category = ["category"] if any(map(sheet.category, self.named)) else []
            lost = [] if sheet.grades else ["deduction", "reason"]
            kinds = ["number", *category, "name", *marks, "score", *lost]
        else:
            kinds = ["number", "name", *marks, "score", "remark"]
        return [kind for kind in kinds if self.heads.get(kind, kind)]

    @cached_property
    def named(self) -> list[str]:
        """The members in the rows, where the scheme names them."""
        return [member for member in self.sheet.down if member is not None]

    @cached_property
    def scored(self) -> list[int]:
        """The columns of scores."""
        return [at for at, kind in enumerate(self.kinds) if kind in ("item", "score")]

    @cached_property
    def rows(self) -> list[list[Cell]]:
        """The rows of members."""
        return [self._row(at, member) for at, member in enumerate(self.sheet.down)]

    def columns(self) -> Iterator[Column]:
        """The headers with their widths."""
        across = iter(self.sheet.across)
        items = min(max(_ALL_ITEMS / len(self.sheet.across), _NARROW_ITEM), _WIDE_ITEM)
        name = self.kinds.index("name")
        longest = max(cell_len(str(row[name].content)) for row in self.rows)
        names = min(max(longest + 4, _SHORTEST_NAME), _LONGEST_NAME) if longest else _OPEN_NAME
        for kind in self.kinds:
            if kind == "item":
                dimension, member = self.sheet.axes[1], next(across)
                title = self.sheet.called(dimension, member, marks=self.sheet.adds_up)
                yield Column(title, items)
            else:
                yield Column(self.heads[kind], names if kind == "name" else _WIDTHS[kind])

    def totals(self) -> list[list[Cell]]:
        """The row of totals below items that add up."""
        if not self._has_totals:
            return []
        cells = {kind: Cell(look="sum") for kind in self.kinds}
        cells[self.kinds[0]] = Cell(self.heads["total"], "sum")
        added = sum((self.sheet.marks(self._item(name)) for name in self.named), Decimal(0))
        for kind, value in (("marks", added), ("score", ""), ("deduction", "")):
            if kind in cells:
                at = self.kinds.index(kind)
                cells[kind] = _sum(area((self.top, at), (self._last, at)), value)
        return [list(cells.values())]

    def merges(self) -> Iterator[tuple[int, int, int, int]]:
        """The cells of one category, and those of the total's label."""
        name = self.kinds.index("name")
        if "category" in self.kinds:
            at, row = self.kinds.index("category"), 0
            for _category, group in groupby(map(self.sheet.category, self.named)):
                count = len(list(group))
                if count > 1:
                    yield row, at, row + count - 1, at
                row += count
        if self._has_totals and name:
            yield len(self.rows), 0, len(self.rows), name

    def spread(self, check: Spread) -> Cell:
        """A line that says whether the highest and the lowest score are as far apart as is asked."""
        scores = area((self.top, self.scored[0]), (self._last, self.scored[-1]))
        share = Fraction(check.at_least_percent) / 100
        if check.of == "highest":
            whole = f"MAX({scores})*{exact_text(share)}"
            needed = _("{share} of the highest score").format(
                share=f"{plain(check.at_least_percent)}%"
            )
        else:
            whole = exact_text(share * Fraction(self.sheet.marks(None)))
            needed = _("{points} points").format(points=whole)
        distance = f"MAX({scores})-MIN({scores})"
        texts = {
            "found": f"ROUND({distance},{_EXACT})",
            "needed": quoted(needed),
            "clause": quoted(check.clause),
        }
        waiting = _(
            "Highest minus lowest score: shown here from the second score on; "
            "at least {needed} are asked for ({clause})"
        ).format(needed=needed, clause=check.clause)
        reached = _("Highest minus lowest score: {found}; {needed} are reached ({clause})")
        short = _("Highest minus lowest score: {found}; {needed} are not reached ({clause})")
        answer = (
            f"IF(ROUND({distance}-{whole},{_EXACT})>=0,"
            f"{concatenated(reached, **texts)},{concatenated(short, **texts)})"
        )
        return Cell(waiting, "sum", f"IF(COUNT({scores})<2,{quoted(waiting)},{answer})")

    @property
    def _last(self) -> int:
        return self.top + len(self.sheet.down) - 1

    @cached_property
    def _has_totals(self) -> bool:
        return self.sheet.adds_up and self.sheet.items_of(self.sheet.axes[0]) is not None

    def _row(self, at: int, member: str | None) -> list[Cell]:
        across = iter(self.sheet.across)
        return [
            self._score(member, next(across))
            if kind in ("item", "score")
            else self._cell(kind, at, member)
            for kind in self.kinds
        ]

    def _score(self, member: str | None, column: str) -> Cell:
        return Cell(look="open", rule=self.sheet.rule(member, column))

    def _cell(self, kind: str, at: int, member: str | None) -> Cell:
        match kind:
            case "number":
                return Cell(at + 1, "number")
            case "name" if member is None:
                return Cell(look="open-text")
            case "name":
                return Cell(self.sheet.called(self.sheet.axes[0], member or ""))
            case "category":
                return Cell(self.sheet.category(member or ""))
            case "marks":
                return Cell(self.sheet.marks(self._item(member)), "number")
            case "deduction":
                return self._deduction(self.top + at)
            case "total":
                here = self.top + at
                return _sum(area((here, self.scored[0]), (here, self.scored[-1])))
            case _:
                return Cell(look="open-text")

    def _deduction(self, row: int) -> Cell:
        marks, score = (address(row, self.kinds.index(kind)) for kind in ("marks", "score"))
        formula = f'IF(ISNUMBER({score}),ROUND({marks}-{score},{_EXACT}),"")'
        return Cell("", "number", formula)

    def _item(self, member: str | None) -> Indicator | None:
        return self.sheet.item(self.sheet.axes[0], member)


def _sum(cells: str, value: str | Decimal = "") -> Cell:
    return Cell(value, "sum", f'IF(COUNT({cells})=0,"",ROUND(SUM({cells}),{_EXACT}))')


def _instruction(sheet: ScoreSheet) -> str:
    """What to do, in a few sentences: only what this sheet needs."""
    mark = first(sheet.scheme.reading.not_applicable)
    found = [instruction_cells()]
    if None in sheet.down:
        found.append(_("Write one name to a row; rows that are not needed stay empty."))
    found.append(_("Leave no score out: a blank is not a zero."))
    if sheet.may_skip and sheet.entry.form.not_applicable == "anywhere":
        found.append(_("An item that does not apply is marked {mark}.").format(mark=mark))
    elif sheet.may_skip:
        text = _("Where {mark} may stand for 'does not apply', the cell says so once it is chosen.")
        found.append(text.format(mark=mark))
    if sheet.items_of(sheet.axes[0]) and not sheet.grades:
        found.append(_("Give the reason for every deduction."))
    return sentences(*found, instruction_names())
