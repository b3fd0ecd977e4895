"""From the stages to the rank: the exact numbers on one sheet, the published ones on another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.language import _
from wuhu_appraisal.model import CAP, Absent, Score, Standing
from wuhu_appraisal.output.tables import (
    Column,
    Content,
    Table,
    show,
)
from wuhu_appraisal.output.workbook.book import HEAD, RED, SOFT, Page, number_format, unsorted
from wuhu_appraisal.output.workbook.refs import (
    Cell,
    if_enough,
    rank,
    rounded,
    rounds_alike,
    span,
    span_afar,
)
from wuhu_appraisal.output.workbook.stages import mark
from wuhu_appraisal.output.workbook.tables import Stated, Written
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.rules import Bounds
from wuhu_appraisal.score.operations import Adjust, Weighted
from wuhu_appraisal.score.ranking import adjusted

_EXACT = {"num_format": "0.00##", "align": "right"}
_ABSENT = "—"
_AIRY = 1.25

StageCells = Mapping[tuple[str, str], Mapping[str, Cell]]
"""Where each unit's score stands, by group and stage."""

Stretch = tuple[int, int]
"""The first and the last row of a group, counted from 0."""


@dataclass(slots=True)
class Exact:
    """Where the exact numbers of each unit stand, by group and unit: its row; and each column."""

    sheet: str
    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    groups: dict[str, Stretch] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)

    def cell(self, group: str, unit: str, column: str) -> Cell:
        """A unit's cell in a column: a stage's id, 'composite', 'points' or 'final'."""
        return Cell(self.sheet, self.rows[group, unit], self.columns[column])


def _stage(stage: str) -> str:
    """A name of a column that no other can have, whatever a scheme calls its stages."""
    return f"stage {stage}"


def added_by(stage: str) -> str:
    """The name of the column of what a stage adds to the composite."""
    return f"added by {stage}"


def _adjustment(adjustment: str) -> str:
    return f"adjustment {adjustment}"


class ExactSheet:
    """Stages, what each adds, the composite, the adjustments and the final, before any rounding."""

    def __init__(
        self,
        page: Page,
        result: Result,
        stated: Stated,
        stages: StageCells,
        records: Written,
    ) -> None:
        self._page = page
        self._run = result
        self._stated = stated
        self._stages = stages
        self._records = records
        ids = [stage.id for stage in result.scheme.stages]
        adjustments = [item.id for item in result.scheme.adjustments]
        names = ["group", "unit", *map(_stage, ids), *map(added_by, ids), "composite"]
        names += [*map(_adjustment, adjustments), "points", "final"]
        self._found = Exact(page.name, columns={name: at for at, name in enumerate(names)})
        self._weights = self._header = 0

    def write(self) -> Exact:
        """One row a unit, the groups one below the other, each in its order of rank."""
        page, scheme, found = self._page, self._run.scheme, self._found
        stages = [str(stage.title) for stage in scheme.stages]
        adding = [_("{stage} adds").format(stage=title) for title in stages]
        adjusting = list(map(str, scheme.adjustment_titles.values()))
        titles = [_("Group"), _("Unit"), *stages, *adding, _("Composite"), *adjusting]
        titles += [_("Adjustments"), _("Final")]
        page.widths([14, 26, *[12] * (len(titles) - 2)])
        notes = [
            _("Nothing is rounded here. What the stages add makes the composite."),
            unsorted(),
        ]
        page.begin(_("Stage scores and what they add"), len(titles) - 1, notes)
        self._weights = page.row
        page.text(1, _("Weight"), bg_color=HEAD, bold=True)
        for stage in scheme.stages:
            cell = self._stated.afar(Fraction(stage.weight), "stage", stage.id)
            look = {"align": "right", "bg_color": SOFT}
            page.formula(found.columns[_stage(stage.id)], cell, float(stage.weight), **look)
        page.row += 1
        header = self._header = page.row
        page.header(titles, height=48)
        for group, standings in self._run.standings.items():
            first = page.row
            for standing in standings:
                found.rows[group, standing.unit] = page.row
                self._unit(group, standing)
                page.row += 1
            found.groups[group] = (first, page.row - 1)
        rows = sum(map(len, self._run.standings.values()))
        page.finish(last=len(titles) - 1, header=header, frozen=2, rows=rows)
        page.forbid_sorting()
        return found

    def _unit(self, group: str, standing: Standing) -> None:
        page, scheme, found = self._page, self._run.scheme, self._found
        traces = self._run.traces[group]
        key = (standing.unit,)
        page.text(0, str(scheme.group_titles[group]))
        page.text(1, standing.unit, bold=True)
        row = traces.composite.rows[key]
        ids = [stage.id for stage in scheme.stages]
        for stage, value, share in zip(ids, row.values, row.coefficients, strict=True):
            self._stage(group, standing.unit, stage, value, share)
        values = span(
            page.cell(found.columns[_stage(ids[0])]), page.cell(found.columns[_stage(ids[-1])])
        )
        top = Cell(page.name, self._weights, found.columns[_stage(ids[0])])
        shares = span(top, top.right(len(ids) - 1), fixed=True)
        for stage, value, share in zip(ids, row.values, row.coefficients, strict=True):
            self._adds(stage, value, share, shares, values)
        self._exact("composite", Weighted().formula(values, shares), row.value, values)
        self._adjustments(group, standing)

    def _stage(self, group: str, unit: str, stage: str, value: Score, share: Fraction) -> None:
        """A stage's score, taken over from the stage's sheet."""
        page, column = self._page, self._found.columns[_stage(stage)]
        cell = self._stages[group, stage][unit]
        if isinstance(value, Absent) and share:
            page.formula(column, f"IF(ISNUMBER({cell.afar}),{cell.afar},0)", 0, **_EXACT)
        elif isinstance(value, Absent):
            page.formula(column, cell.afar, mark(value), align="right", font_color=RED)
        else:
            page.formula(column, cell.afar, float(value), **_EXACT)

    def _adds(self, stage: str, value: Score, share: Fraction, shares: str, values: str) -> None:
        page, found = self._page, self._found
        own = page.cell(found.columns[_stage(stage)]).local
        weight = Cell(page.name, self._weights, found.columns[_stage(stage)]).fixed
        formula = f"{own}*{weight}/SUMPRODUCT(ISNUMBER({values})*{shares})"
        added = 0.0 if isinstance(value, Absent | str) else float(share * Fraction(value))
        absent = isinstance(value, Absent) and not share
        shown = _ABSENT if absent else added
        guarded = f'IF(ISNUMBER({own}),{formula},"{_ABSENT}")'
        page.formula(found.columns[added_by(stage)], guarded, shown, **_EXACT)

    def _adjustments(self, group: str, standing: Standing) -> None:
        """Each adjustment after its cap, all together, and the final."""
        page, scheme, found = self._page, self._run.scheme, self._found
        final = self._run.traces[group].final.rows[standing.unit,]
        parts = dict(zip(final.members, final.values, strict=True))
        numbers = {
            member: Fraction(value)
            for member, value in parts.items()
            if not isinstance(value, Absent | str)
        }
        for item in scheme.adjustments:
            column = found.columns[_adjustment(item.id)]
            if group not in item.groups:
                page.text(column, "", bg_color=SOFT)
                continue
            cap = None if item.cap is None else Fraction(item.cap)
            bounds = Adjust(cap, None if cap is None else -cap)
            stated = [] if cap is None else [self._stated.afar(cap, "cap", item.id)]
            stated += [f"-{cell}" for cell in stated]
            formula = bounds.formula(self._recorded(column), "", stated)
            value = numbers.get(item.id, Fraction(0)) + numbers.get(item.id + CAP, Fraction(0))
            page.formula(column, formula, float(value), **_EXACT)
        listed = [_adjustment(item.id) for item in scheme.adjustments]
        points = adjusted(final)
        ends = [page.cell(found.columns[name]) for name in listed]
        values = span(ends[0], ends[-1]) if ends else "0"
        self._bounded("points", scheme.adjusting, "adjusting", values, points)
        together = [page.cell(found.columns[name]).local for name in ("composite", "points")]
        self._bounded("final", scheme.final, "final", ",".join(together), final.value)

    def _recorded(self, column: int) -> str:
        """The sum of a unit's records of an adjustment, over the sheet that lists them.

        The adjustment's title stands over its column; EXACT, because = takes ab for AB.
        """
        *names, points = (span_afar(*self._records.column(place)) for place in range(4))
        page = self._page
        titled = Cell(page.name, self._header, column).fixed
        cells = (page.cell(0).local, page.cell(1).local, titled)
        alike = [f"EXACT({name},{cell})" for name, cell in zip(names, cells, strict=True)]
        return f"SUMPRODUCT({'*'.join(alike)},{points})"

    def _bounded(self, name: str, bounds: Bounds, key: str, values: str, value: Score) -> None:
        cap = None if bounds.cap is None else Fraction(bounds.cap)
        floor = None if bounds.floor is None else Fraction(bounds.floor)
        ends = ((cap, "cap"), (floor, "floor"))
        stated = [self._stated.afar(bound, end, key) for bound, end in ends if bound is not None]
        formula = Adjust(cap, floor).formula(values, "", stated)
        composite = self._page.cell(self._found.columns["composite"]).local
        self._exact(name, formula, value, composite if name == "final" else "")

    def _exact(self, name: str, formula: str, value: Score, needs: str) -> None:
        """An exact number; absent where none of the cells that it needs holds a number."""
        page = self._page
        look = {**_EXACT, "bold": name in ("composite", "final"), "bg_color": SOFT}
        if needs:
            formula = if_enough(formula, needs, 1, f'"{_ABSENT}"')
        shown = _ABSENT if isinstance(value, Absent | str) else float(value)
        page.formula(self._found.columns[name], formula, shown, **look)


class RankingSheet:
    """The published numbers and ranks of all groups."""

    def __init__(
        self, page: Page, result: Result, stated: Stated, stages: StageCells, exact: Exact
    ) -> None:
        self._page = page
        self._run = result
        self._stated = stated
        self._stages = stages
        self._exact = exact
        self._rows = (0, 0)

    def write(self, rankings: Sequence[Table]) -> None:
        """One table; a group's rows stand together and begin a new page when printed."""
        page, scheme = self._page, self._run.scheme
        columns = rankings[0].columns
        titles = [_("Group"), *(column.title for column in columns)]
        page.widths([14, 8, 26, *[13] * (len(titles) - 3)])
        notes = [_("Ranks are within each group. A unit's name leads to its stage scores.")]
        page.begin(f"{scheme.title} {_('Overall ranking')}", len(titles) - 1, notes)
        header = page.row
        page.header(titles, height=32)
        breaks: list[int] = []
        count = sum(map(len, self._run.standings.values()))
        self._rows = (page.row, page.row + max(count, 1) - 1)
        for (group, standings), sheet in zip(self._run.standings.items(), rankings, strict=True):
            first = page.row
            last = first + len(standings) - 1
            for standing, shown in zip(standings, sheet.rows, strict=True):
                self._unit(group, standing, shown, columns)
                page.row += 1
            self._bars(first, last, len(columns))
            breaks.append(page.row)
        page.sheet.set_h_pagebreaks(breaks[:-1])
        rows = sum(map(len, self._run.standings.values()))
        page.finish(last=len(titles) - 1, header=header, frozen=3, rows=rows)

    def _unit(
        self,
        group: str,
        standing: Standing,
        shown: Sequence[Content],
        columns: Sequence[Column],
    ) -> None:
        page = self._page
        page.tall(_AIRY)
        page.text(0, str(self._run.scheme.group_titles[group]))
        self._rank(standing)
        page.link(2, self._exact.cell(group, standing.unit, "unit"), standing.unit, bold=True)
        exact = self._values(group, standing.unit)
        # An absent stage that counts as 0 is 0 among the exact numbers, but published as absent.
        stages = {
            _stage(stage.id): self._stages[group, stage.id][standing.unit]
            for stage in self._run.scheme.stages
        }
        for at, name in enumerate(self._names, 3):
            source = stages.get(name) or self._exact.cell(group, standing.unit, name)
            self._published(at, source, exact.get(name), shown[at - 1], columns[at - 1])

    @property
    def _names(self) -> list[str]:
        """What the columns of numbers hold, in their order."""
        stages = (_stage(stage.id) for stage in self._run.scheme.stages)
        return [*stages, "composite", "points", "final"]

    def _values(self, group: str, unit: str) -> dict[str, Score]:
        """The exact numbers behind a unit's published ones, by the names of their columns."""
        traces = self._run.traces[group]
        row = traces.composite.rows[unit,]
        stages = dict(zip(map(_stage, row.members), row.values, strict=True))
        final = traces.final.rows[unit,]
        points = adjusted(final)
        return {**stages, "composite": row.value, "points": points, "final": final.value}

    def _published(
        self, at: int, source: Cell, exact: Score | None, content: Content, column: Column
    ) -> None:
        """A published number: the exact one rounded, by a formula wherever that comes to the same."""
        page, final = self._page, at == 2 + len(self._names)
        look = {"align": "right", "num_format": number_format(column.digits), "bold": final}
        number = isinstance(exact, Decimal | Fraction)
        if number and not rounds_alike(exact, column.digits):  # type: ignore[arg-type]
            text = _("Written as a value: too near to a half for a formula.")
            page.value(at, float(content), text, **look)  # type: ignore[arg-type]
            return
        of_final = self._names[at - 3] in ("points", "final")
        digits = self._stated.afar(
            Decimal(column.digits), "digits", "final" if of_final else "composite"
        )
        value = float(content) if isinstance(content, Decimal) else show(content, column)
        page.formula(at, rounded(source.afar, digits, _ABSENT), value, **look)

    def _rank(self, standing: Standing) -> None:
        page, scheme, names = self._page, self._run.scheme, self._names
        by = ["final"]
        by += [_stage(tie.stage) if tie.stage else "composite" for tie in scheme.ranking.ties]
        columns = []
        for name in by:
            own = page.cell(3 + names.index(name))
            columns.append((own, own._replace(row=self._rows[0]), own._replace(row=self._rows[1])))
        own, first, last = (Cell(page.name, row, 0) for row in (page.row, *self._rows))
        group = f"({span(first, last, fixed=True)}={own.local})"
        formula = f'IF(ISNUMBER({columns[0][0].local}),{rank(group, columns)},"{_ABSENT}")'
        place = _ABSENT if standing.rank is None else standing.rank
        page.formula(1, formula, place, align="center", bold=True, num_format="0")

    def _bars(self, first: int, last: int, columns: int) -> None:
        """Bars behind the finals, and behind each stage's scores in a lighter colour."""
        for column in range(3, columns + 1):
            if column == columns - 1:
                continue
            final = column == columns
            self._page.sheet.conditional_format(
                first,
                column,
                last,
                column,
                {
                    "type": "data_bar",
                    "bar_solid": True,
                    "bar_color": "#9DC3E6" if final else "#D6E4F2",
                    "min_type": "num",
                    "min_value": 0,
                    "bar_border_color": "#5B9BD5",
                },
            )
