"""From the stages to the rank: the exact numbers on one sheet, the published ones on another."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import count

from wuhu_appraisal.language import _
from wuhu_appraisal.model import CAP, COMPOSITE, VETO, WHEN, Absent, Score, Standing
from wuhu_appraisal.numbers import round_half_up
from wuhu_appraisal.output.parameters import tie_text
from wuhu_appraisal.output.tables import UNRANKED, Column, Content, Table, show
from wuhu_appraisal.output.workbook.book import (
    ABSENT,
    HEAD,
    RED,
    SOFT,
    Cell,
    Page,
    Range,
    if_enough,
    number_format,
)
from wuhu_appraisal.output.workbook.classes import alike, reached, write_classes
from wuhu_appraisal.output.workbook.rules import Rules
from wuhu_appraisal.output.workbook.stages import StageSheet, mark
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.final import Adjustment, GradeClass, Veto
from wuhu_appraisal.scheme.models import Part
from wuhu_appraisal.scheme.plan import tie_table
from wuhu_appraisal.score.operations import ONE, Adjust
from wuhu_appraisal.score.ranking import adjusted, counts
from wuhu_appraisal.score.steps import composite_of

_EXACT = {"num_format": "0.00##", "align": "right"}
_GUARD = "1E-10"
"""Added before rounding: a double may lie a little below the exact half that it stands for."""
_COMPARED = 10
"""The decimals after which a formula compares numbers that nothing rounds."""
_LINES = 1.25
"""The height of the ranking's rows."""

StageCells = Mapping[tuple[str, str], Mapping[str, Cell]]
"""The cell of each unit's score, by group and stage."""


class ExactSheet:
    """Stages, what each adds, the composite, vetoes, adjustments and the final, before any rounding.

    ``stages``, ``adds``, ``vetoes`` and ``adjustments`` have the columns by ids; ``rows`` the row of
    each unit by group and unit, ``groups`` the first and the last row of each group.
    """

    def __init__(
        self,
        page: Page,
        result: Result,
        rules: Rules,
        stage_cells: StageCells,
        records: Mapping[str, Range],
    ) -> None:
        """Lay out the columns; ``records`` are the rows of the sheets of adjustments and vetoes."""
        self._page, self._result, self._rules = page, result, rules
        self._stage_cells, self._records = stage_cells, records
        scheme = result.scheme
        self._parts = scheme.parts(result.standings)
        # What is the composite by itself, or is added as it is, needs no column of what it adds.
        as_it_is = scheme.end is None and not scheme.composite.factors
        added = 0 if scheme.is_one_stage or as_it_is else len(scheme.stages)
        self.stages = {stage.id: column for column, stage in enumerate(scheme.stages, 2)}
        self.adds = {stage: column + added for stage, column in self.stages.items()}
        only = scheme.is_one_stage
        self.composite = 2 if only else 2 + len(scheme.stages) + added
        self.vetoes = {
            item.id: column for column, item in enumerate(scheme.vetoes, self.composite + 1)
        }
        last = self.composite + len(scheme.vetoes)
        # What stands for the composite, where a veto says so.
        self.stands = self.composite
        if any(item.adjusted for item in scheme.vetoes):
            self.stands = last = last + 1
        self.adjustments = {
            item.id: column for column, item in enumerate(scheme.adjustments, last + 1)
        }
        self.points = last + len(scheme.adjustments) + (Part.ADJUSTMENTS in self._parts)
        is_composite = Part.COMPOSITE not in self._parts and not only and not scheme.vetoes
        self.final = self.composite if is_composite else self.points + 1
        self.sheet = page.name
        self.rows: dict[tuple[str, str], int] = {}
        self.groups: dict[str, tuple[int, int]] = {}
        self._scales = self._titles = page.cell(0)
        self._weights: dict[str | None, Cell] = {}

    def cell(self, group: str, unit: str, column: int) -> Cell:
        """Return the cell of a unit in a column."""
        return Cell(self.sheet, self.rows[group, unit], column)

    def exact_numbers(self, group: str, unit: str) -> dict[str, tuple[Cell, Score]]:
        """Return the numbers behind a unit's published ones, by the parts of the scheme.

        A stage's cell is that of its own sheet: one that counts as 0 is published as absent.
        """
        traces = self._result.traces[group]
        row, final = traces.composite.rows[(unit,)], traces.final.rows[(unit,)]
        values = dict(zip(row.members, row.values, strict=True))
        numbers: dict[str, tuple[Cell, Score]] = {
            stage: (self._stage_cells[group, stage][unit], values[stage])
            if stage in values
            else (self.cell(group, unit, column), Absent.NOT_APPLICABLE)
            for stage, column in self.stages.items()
        }
        numbers[Part.COMPOSITE] = self.cell(group, unit, self.composite), row.value
        numbers[Part.ADJUSTMENTS] = self.cell(group, unit, self.points), adjusted(final)
        numbers[Part.FINAL] = self.cell(group, unit, self.final), final.value
        return numbers

    def write(self) -> None:
        """Write one row a unit, the groups one below the other, each in its order of rank."""
        page, scheme = self._page, self._result.scheme
        stages = [str(stage.title) for stage in scheme.stages]
        titles = [
            *(_("Group"), _("Unit"), *stages),
            *(
                _("{stage} adds").format(stage=title)
                for title in stages
                if self.adds != self.stages
            ),
            *([] if self.composite in (2, self.final) else [_("Composite")]),
            *(str(scheme.record_titles[item]) for item in self.vetoes),
            *([_("Composite by vetoes")] if self.stands != self.composite else []),
            *(str(scheme.record_titles[item]) for item in self.adjustments),
            *([_("Adjustments")] if Part.ADJUSTMENTS in self._parts else []),
            _("Final"),
        ]
        widths = [14, 26, *[12] * (len(titles) - 2)]
        note = _("Nothing is rounded here. The composite is the sum of what the stages add.")
        if self.composite in (2, self.final):
            note = _("Nothing is rounded here.")
        page.begin(_("Stage scores and what they add"), widths, [note], sortable=False)
        for kind in (None, *scheme.composite.weights):
            self._weights[kind] = page.cell(0)
            if scheme.end is not None:
                self._write_weights(kind)
        self._scales = page.cell(0)
        if scheme.brought and scheme.end:
            whole = self._rules.address(scheme.end, ("out_of", ""))
            brought = [
                f"{whole}/{self._rules.address(stage.end or ONE, ('out_of', stage.id))}"
                for stage in scheme.stages
            ]
            title = _("Brought to the composite's marks")
            self._write_above(title, self.stages, brought, scheme.brought)
        self._titles = page.cell(0)
        page.header(titles, height=48)
        for group, standings in self._result.standings.items():
            self.groups[group] = (page.row, page.row + len(standings) - 1)
            for standing in standings:
                self.rows[group, standing.unit] = page.row
                self._write_unit(group, standing.unit)
                page.row += 1
        page.finish(frozen=2)

    def _write_weights(self, kind: str | None) -> None:
        """Write the weight or the full marks of each stage that counts for units of a kind."""
        scheme, shares = self._result.scheme, composite_of(self._result.scheme, kind)[1]
        weighted = scheme.composite.by == "weighted"
        own = "stage" if weighted else "out_of"
        stages = [stage for stage in self.stages if stage in scheme.weights_of(kind)]
        keys = [(own, stage) if kind is None else ("weight", kind, stage) for stage in stages]
        title = _("Weight") if weighted else _("Full marks")
        title += "" if kind is None else f" · {kind}"
        self._write_above(title, stages, map(self._rules.address, shares, keys), shares)

    def _write_above(
        self,
        title: str,
        stages: Iterable[str],
        formulas: Iterable[str],
        numbers: Iterable[Fraction],
    ) -> None:
        """Write a number above each of some stages."""
        page = self._page
        page.write(1, title, bg_color=HEAD, bold=True)
        for stage, formula, number in zip(stages, formulas, numbers, strict=True):
            page.formula(self.stages[stage], formula, float(number), align="right", bg_color=SOFT)
        page.row += 1

    def _write_unit(self, group: str, unit: str) -> None:
        page = self._page
        page.write(0, str(self._result.scheme.group_titles[group]))
        page.write(1, unit, bold=True)
        row = self._result.traces[group].composite.rows[(unit,)]
        last = len(self.stages) + 1
        values = Range(page.cell(2), page.cell(last)).address
        scheme = self._result.scheme
        kind = scheme.kind_of(unit)
        weights = self._weights[kind]
        shares = Range(weights.right(2), weights.right(last)).fixed
        scales = [Range(self._scales.right(2), self._scales.right(last)).fixed]
        if scheme.end is None:
            shares = ""
        inputs = zip(row.values, row.coefficients, strict=True)
        counted = dict(zip(row.members, inputs, strict=True))
        for stage in self.stages:
            value, share = counted.get(stage, (Absent.NOT_APPLICABLE, Fraction(0)))
            if stage in counted:
                self._write_stage(stage, self._stage_cells[group, stage][unit].full, value, share)
            else:
                page.write(self.stages[stage], mark(Absent.NOT_APPLICABLE), align="right")
            if self.adds == self.stages:
                continue
            own = page.cell(self.stages[stage]).address
            weight = weights.right(self.stages[stage]).fixed
            if scheme.brought:
                weight += f"*{self._scales.right(self.stages[stage]).fixed}"
            elif scheme.composite.by == "sum":
                weight = f"SUM({shares})"
            formula = f"{own}*{weight}/SUMPRODUCT(ISNUMBER({values})*{shares})" if shares else own
            formula = f'IF(ISNUMBER({own}),{self._factored(unit, formula)},"{ABSENT}")'
            number = _exact(value)
            added = ABSENT if number is None and not share else float(share * (number or 0))
            page.formula(self.adds[stage], formula, added, **_EXACT)
        operation = composite_of(scheme, kind)[0]
        formula = operation.formula(values, shares, scales if scheme.brought else [])
        if self.composite != 2:
            self._write_exact(self.composite, self._factored(unit, formula), row.value, values)
        self._write_adjustments(group, unit)

    def _factored(self, unit: str, formula: str) -> str:
        """Return the formula of a part of the composite with the unit's factor, if it has one."""
        scheme = self._result.scheme
        factor = scheme.factor_of(unit)
        if factor is None:
            return formula
        key = ("factor", str(scheme.composite.factors.index(factor)))
        return f"({formula})*{self._rules.address(factor.factor, key)}"

    def _write_stage(self, stage: str, address: str, value: Score, share: Fraction) -> None:
        """Write a stage's score, taken over from the stage's sheet."""
        page, column = self._page, self.stages[stage]
        if not isinstance(value, Absent):
            page.formula(column, address, float(value), **_EXACT)
        elif share:
            page.formula(column, f"IF(ISNUMBER({address}),{address},0)", 0, **_EXACT)
        else:
            page.formula(column, address, mark(value), align="right", font_color=RED)

    def _write_adjustments(self, group: str, unit: str) -> None:
        """Write each adjustment after its cap, all together, and the final."""
        page, scheme = self._page, self._result.scheme
        final = self._result.traces[group].final.rows[(unit,)]
        numbers = dict(zip(final.members, map(_exact, final.values), strict=True))
        composite = added = page.cell(self.stands).address
        whole = self._write_vetoes(group, unit, numbers)
        for item in scheme.adjustments:
            column = self.adjustments[item.id]
            if group not in item.groups:
                page.write(column, "", bg_color=SOFT)
                continue
            cap = _exact(item.cap)
            bounds, addresses = Adjust(), []
            if cap is not None:
                address = self._rules.address(cap, ("cap", item.id))
                bounds, addresses = Adjust(cap, -cap), [address, f"-{address}"]
            alike, records = self._alike(column, "adjustments")
            formula = f"SUMPRODUCT({alike},{records.at_column(3).full})"
            formula = bounds.formula(formula, "", addresses)
            value = sum(filter(None, map(numbers.get, (item.id, item.id + CAP, item.id + WHEN))))
            page.formula(column, self._when(item, formula, whole), float(value), **_EXACT)
        if Part.ADJUSTMENTS in self._parts:
            formula = self._rules.within(scheme.adjusting, ("adjusting",), self._adjustments())
            self._write_exact(self.points, formula, adjusted(final))
            added = f"{composite},{page.cell(self.points).address}"
        if self.final == self.composite:
            return
        within = self._rules.within(scheme.final, ("final",), added)
        formula = self._vetoed(group, within, adjusted=False)
        self._write_exact(self.final, formula, final.value, composite)

    def _when(self, item: Adjustment, formula: str, exact: Fraction | None) -> str:
        """Return the formula of an adjustment that counts only where the composite is in its bound.

        Doubles are compared after ten decimals; where that decides otherwise, the fact is written.
        """
        if item.when is None:
            return formula
        if exact is not None and item.when.holds(round_half_up(exact, 10)) != counts(item, exact):
            return formula if counts(item, exact) else "0"
        cell = self._page.cell(self.stands).address
        addresses = iter(
            [
                self._rules.address(bound, ("when", item.id, str(place)))
                for place, (_sign, bound) in enumerate(item.when.stated)
            ]
        )
        inside = item.when.formula(f"ROUND({cell},10)", addresses)
        return f"IF(ISNUMBER({cell}),IF({inside},{formula},0),0)"

    def _write_vetoes(
        self, group: str, unit: str, numbers: Mapping[str, Fraction | None]
    ) -> Fraction | None:
        """Write how many records a unit has of each veto; return what stands for the composite."""
        page, scheme = self._page, self._result.scheme
        standing = next(it for it in self._result.standings[group] if it.unit == unit)
        for item in scheme.vetoes:
            column = self.vetoes[item.id]
            if group not in item.groups:
                page.write(column, "", bg_color=SOFT)
                continue
            count = sum(record.id == item.id for record in standing.vetoes)
            formula = f"SUMPRODUCT({self._alike(column, 'vetoes')[0]})"
            page.formula(column, formula, count, num_format="0", align="right")
        whole = numbers[COMPOSITE]
        if self.stands == self.composite:
            return whole
        if whole is not None:
            fixed = (numbers.get(item.id + VETO) for item in scheme.vetoes if item.adjusted)
            whole += sum(filter(None, fixed))
        composite = page.cell(self.composite).address
        formula = self._vetoed(group, composite, adjusted=True)
        value = Absent.MISSING if whole is None else whole
        self._write_exact(self.stands, formula, value, composite)
        return whole

    def _vetoed(self, group: str, otherwise: str, *, adjusted: bool) -> str:
        """Return the formula of the lowest final that vetoes fix, where a unit has one.

        One that is the final itself is held against the final by another that adjustments count on.
        """
        rules = {
            on: [item for item in self._result.scheme.vetoes_of([group]) if item.adjusted is on]
            for on in (True, False)
        }
        if not rules[adjusted]:
            return otherwise
        lowest = [
            f"IF({self._counts([item])}>0,{self._rules.address(item.final, ('veto', item.id))},1E+99)"
            for item in rules[adjusted]
            if item.final is not None
        ]
        if not adjusted and rules[True]:
            lowest.append(f"IF({self._counts(rules[True])}>0,{otherwise},1E+99)")
        return f"IF({self._counts(rules[adjusted])}>0,MIN({','.join(lowest)}),{otherwise})"

    def _counts(self, vetoes: Iterable[Veto]) -> str:
        return f"SUM({','.join(self._page.cell(self.vetoes[item.id]).address for item in vetoes)})"

    def _alike(self, column: int, kind: str) -> tuple[str, Range]:
        """Return which rows of the sheet of adjustments or vetoes are a unit's of one, and its rows.

        The title stands over its column; EXACT, because = takes ab for AB.
        """
        rows = self._records[kind]
        groups, units, titles = map(rows.at_column, range(3))
        alike = [
            f"EXACT({records.full},{own})"
            for records, own in (
                (groups, self._page.cell(0).address),
                (units, self._page.cell(1).address),
                (titles, self._titles.right(column).fixed),
            )
        ]
        return "*".join(alike), rows

    def _adjustments(self) -> str:
        """Return what all adjustments of a unit are the sum of: their cells, or the capped kinds."""
        columns, rule = self.adjustments, self._result.scheme.adjusting
        cap, most = _exact(rule.bonus_cap), _exact(rule.deduction_cap)
        if cap is None and most is None:
            cells = [self._page.cell(column) for column in columns.values()]
            return Range(cells[0], cells[-1]).address if cells else "0"
        by_kind: dict[str, list[str]] = {"bonus": [], "deduction": []}
        for item in self._result.scheme.adjustments:
            by_kind[item.kind].append(self._page.cell(columns[item.id]).address)
        parts = by_kind["bonus"]
        if cap is not None:
            address = self._rules.address(cap, ("cap", "bonuses"))
            parts = [Adjust(cap).formula(",".join(parts) or "0", "", [address])]
        if most is None:
            return ",".join([*parts, *by_kind["deduction"]])
        address = "-" + self._rules.address(most, ("cap", "deductions"))
        taken = ",".join(by_kind["deduction"]) or "0"
        return ",".join([*parts, Adjust(None, -most).formula(taken, "", [address])])

    def _write_exact(self, column: int, formula: str, value: Score, needed: str = "") -> None:
        """Write an exact number; absent where none of the cells ``needed`` holds a number."""
        if needed:
            formula = if_enough(formula, needed, 1, f'"{ABSENT}"')
        number = _exact(value)
        shown = ABSENT if number is None else float(number)
        bold = column != self.points
        self._page.formula(column, formula, shown, **_EXACT, bold=bold, bg_color=SOFT)


class RankingSheet:
    """The published numbers and the ranks of all groups."""

    def __init__(
        self,
        page: Page,
        result: Result,
        rules: Rules,
        exact: ExactSheet,
        sheets: Mapping[tuple[str, str], StageSheet],
    ) -> None:
        """Lay out the columns: group, rank, unit, published numbers, class, vetoes, what breaks ties."""
        self._page, self._result, self._rules, self._exact = page, result, rules, exact
        self._sheets = sheets
        self._parts = result.scheme.parts(result.standings)
        at = {part: column for column, part in enumerate(self._parts, 3)}
        self._final = at[Part.FINAL]
        self._margin = 3 + len(self._parts)
        self._class = self._margin + result.scheme.ranking.margin
        self._vetoes = self._class + bool(result.scheme.classes)
        ties = result.scheme.ranking.ties
        behind = count(self._vetoes + bool(result.scheme.vetoes))
        self._ties = {place: next(behind) for place, tie in enumerate(ties) if tie.item}
        # What has no column is the composite, and that the final, which is compared first.
        composite = at.get(Part.COMPOSITE, self._final)
        by = [
            self._ties.get(place, at.get(tie.stage or Part.COMPOSITE, composite))
            for place, tie in enumerate(ties)
        ]
        self._ranked_by = [self._final, *by]
        self._signs = [">", *("<" if tie.order == "lowest_first" else ">" for tie in ties)]
        self._ranks = Range(page.cell(1), page.cell(1))
        self._places: Mapping[tuple[str, str], Cell] = {}

    def write(self, tables: Sequence[Table], classes: Page | None) -> None:
        """Write the tables of the groups as one, each group on printed pages of its own.

        ``classes`` is the sheet of the places of classes by share; None where there are none.
        """
        page, result = self._page, self._result
        titles = [_("Group"), *(column.title for column in tables[0].columns)]
        titles += [
            _("Tie-break: {tie}").format(
                tie=tie_text(result.scheme, result.scheme.ranking.ties[place])
            )
            for place in self._ties
        ]
        note = _(
            "Units are ranked within their group. Click the name of a unit for its stage scores."
        )
        title = str(result.scheme.title) + " " + _("Overall ranking")
        page.begin(title, [14, 8, 26, *[13] * (len(titles) - 3)], [note])
        page.header(titles, height=32)
        units = sum(map(len, result.standings.values()))
        self._ranks = Range(page.cell(1), page.cell(1).down(max(units, 1) - 1))
        if classes is not None:
            finals = self._ranks.at_column(self._final)
            self._places = write_classes(classes, result, self._rules, self._ranks, finals)
        breaks: list[int] = []
        for (group, standings), table in zip(result.standings.items(), tables, strict=True):
            first = page.row
            ties, is_alike = list(self._tie_cells(group)), _compare_alike(standings)
            for standing, contents in zip(standings, table.rows, strict=True):
                shown = [show(*pair) for pair in zip(contents, table.columns, strict=True)]
                last = self._margin - 1
                self._write_rank(standing.rank, by_formula=is_alike)
                self._write_unit(group, standing, contents[2:last], table.columns[2:last])
                if result.scheme.ranking.margin:
                    self._write_margin(group, contents[last])
                if result.scheme.classes:
                    self._write_class(group, standing.unit, shown[self._class - 1])
                if result.scheme.vetoes:
                    self._write_vetoes(group, standing.unit, shown[-1])
                values = standing.ties or [Absent.MISSING] * len(ties)
                for (column, cell_of), value in zip(ties, values, strict=True):
                    self._write_tie(column, cell_of(standing.unit), value)
                page.row += 1
            breaks.append(page.row)
            self._add_bars(first)
        page.sheet.set_h_pagebreaks(breaks[:-1])
        page.finish(frozen=3)

    def _write_unit(
        self, group: str, standing: Standing, contents: Sequence[Content], columns: Sequence[Column]
    ) -> None:
        page, unit = self._page, standing.unit
        page.set_height(_LINES)
        page.write(0, str(self._result.scheme.group_titles[group]))
        page.link(2, self._exact.cell(group, unit, 1), unit, bold=True)
        exact_numbers = self._exact.exact_numbers(group, unit)
        cells = zip(self._parts, contents, columns, strict=True)
        for place, (part, content, column) in enumerate(cells, 3):
            cell, value = exact_numbers[part]
            style = {
                "align": "right",
                "num_format": number_format(column.digits),
                "bold": place == self._final,
            }
            number = _exact(value)
            shown = float(content) if isinstance(content, Decimal) else show(content, column)
            if number is not None and not rounds_alike(number, column.digits):
                note = _("Written as a value: too close to a half for a formula to round.")
                page.write(place, shown, note, italic=True, **style)
                continue
            of_final = part in (Part.ADJUSTMENTS, Part.FINAL)
            key = ("digits", "final" if of_final else "composite")
            digits = self._rules.address(Decimal(column.digits), key)
            page.formula(place, _rounded(cell.full, digits), shown, **style)

    def _write_rank(self, rank: int | None, *, by_formula: bool) -> None:
        shown = ABSENT if rank is None else rank
        style = {"align": "center", "bold": True, "num_format": "0"}
        if by_formula:
            self._page.formula(1, self._rank_formula(), shown, **style)
            return
        note = _("Written as a value: what breaks ties is too close for a formula to compare.")
        self._page.write(1, shown, note, **style)

    def _write_margin(self, group: str, margin: Content) -> None:
        """Write how far a unit's final is above that of the next rank, which those of its own come before."""
        page, ranks = self._page, self._ranks.fixed
        groups = self._ranks.at_column(0).fixed
        own = alike(str(self._result.scheme.group_titles[group]))
        rank, final = page.cell(1).address, page.cell(self._final).address
        after = f"{rank}+COUNTIFS({groups},{own},{ranks},{rank})"
        finals = self._ranks.at_column(self._final).fixed
        digits = self._result.scheme.final.digits
        formula = f"ROUND({final}-AVERAGEIFS({finals},{groups},{own},{ranks},{after}),{digits})"
        shown = float(margin) if isinstance(margin, Decimal) else ABSENT
        style = {"align": "right", "num_format": number_format(digits)}
        page.formula(self._margin, f'IFERROR({formula},"{ABSENT}")', shown, **style)

    def _write_vetoes(self, group: str, unit: str, shown: str) -> None:
        """Write the titles of a unit's vetoes, which the ranks look at."""
        scheme = self._result.scheme
        vetoes = scheme.vetoes_of([group])
        parts = [
            f'IF({self._counted(group, unit, [item])}>0,"; {_quoted(title)}","")'
            for item in vetoes
            for title in [str(scheme.record_titles[item.id])]
        ]
        formula = f"MID({'&'.join(parts)},3,9999)" if parts else '""'
        if unranked := [item for item in vetoes if item.unranked]:
            counted = self._counted(group, unit, unranked)
            formula = f'IF({counted}>0,"{_quoted(_unranked())}","")&{formula}'
        self._page.formula(self._vetoes, formula, shown)

    def _counted(self, group: str, unit: str, vetoes: Iterable[Veto]) -> str:
        """Return the number of a unit's records of some vetoes."""
        cells = (self._exact.cell(group, unit, self._exact.vetoes[item.id]) for item in vetoes)
        return f"SUM({','.join(cell.full for cell in cells)})"

    def _write_class(self, group: str, unit: str, shown: str) -> None:
        """Write a unit's class: by its rank where shares of the group decide, else by its final."""
        page, scheme = self._page, self._result.scheme
        if scheme.class_rule is not None and not self._places:
            note = _("Written as a value: vetoes and shares of the group decide the class.")
            page.write(self._class, shown, note, align="center")
            return
        rank, final = page.cell(1).address, page.cell(self._final).address
        formula = f'"{_quoted(str(scheme.classes[-1].title))}"'
        for item in reversed(scheme.classes[:-1]):
            condition = self._reached(group, unit, item)
            if self._places:
                condition = f"{rank}<={self._places[group, item.id].full}"
            formula = f'IF({condition},"{_quoted(str(item.title))}",{formula})'
        number = rank if self._places else final
        page.formula(
            self._class, f'IF(ISNUMBER({number}),{formula},"{ABSENT}")', shown, align="center"
        )

    def _reached(self, group: str, unit: str, item: GradeClass) -> str:
        """Return whether a unit's final reaches a class that no veto bars it from."""
        vetoes = self._result.scheme.vetoes_of([group])
        barring = [veto for veto in vetoes if item.id in veto.barred_from]
        condition = reached(item, self._page.cell(self._final).address, self._rules)
        if not barring:
            return condition
        return f"AND({condition},{self._counted(group, unit, barring)}=0)"

    def _tie_cells(self, group: str) -> Iterator[tuple[int, Callable[[str], Cell | None]]]:
        """Yield the column of what breaks ties, and where a unit's number stands in its stage's sheet."""
        scheme = self._result.scheme
        for place, column in self._ties.items():
            tie = scheme.ranking.ties[place]
            assert tie.stage is not None and tie.member is not None
            table = tie_table(scheme, scheme.stage(tie.stage).plans[group], tie.member)
            sheet = self._sheets[group, tie.stage]
            find = partial(sheet.cell_of, member=tie.member, table=table[0] if table else None)
            yield column, find

    def _write_tie(self, column: int, cell: Cell | None, value: Score) -> None:
        """Write a score or a fact that breaks ties, as its stage's sheet has it."""
        number = _exact(value)
        shown = ABSENT if number is None else float(round_half_up(number, _COMPARED))
        full = '""' if cell is None else cell.full
        formula = f'IF(ISNUMBER({full}),ROUND({full},{_COMPARED}),"{ABSENT}")'
        self._page.formula(column, formula, shown, **_EXACT)

    def _rank_formula(self) -> str:
        """Return a unit's rank in its group: by the final, then by each tie-break, else shared.

        A unit without a number comes behind all numbers, and one that a veto leaves without rank counts
        for none. It holds in whatever order the rows stand.
        """
        own_final = f"ISNUMBER({self._page.cell(self._final).address})"
        equal = [f"({self._ranks.at_column(0).fixed}={self._page.cell(0).address})"]
        if any(item.unranked for item in self._result.scheme.vetoes):
            prefix = _unranked()
            ranked = f'LEFT({{cells}},{len(prefix)})<>"{_quoted(prefix)}"'
            equal.append(f"({ranked.format(cells=self._ranks.at_column(self._vetoes).fixed)})")
            own_final = (
                f"AND({own_final},{ranked.format(cells=self._page.cell(self._vetoes).address)})"
            )
        parts = ["1"]
        for column, sign in zip(self._ranked_by, self._signs, strict=True):
            own, numbers = self._page.cell(column).address, self._ranks.at_column(column).fixed
            alike = "*".join(equal)
            higher = f"SUMPRODUCT({alike}*ISNUMBER({numbers})*({numbers}{sign}{own}))"
            any_number = f"SUMPRODUCT({alike}*ISNUMBER({numbers}))"
            parts.append(f"IF(ISNUMBER({own}),{higher},{any_number})")
            equal.append(f"({numbers}={own})")
        return f'IF({own_final},{"+".join(parts)},"{ABSENT}")'

    def _add_bars(self, first: int) -> None:
        """Draw bars behind a group's finals, and lighter ones behind its stages and composites."""
        for column in (at for at, part in enumerate(self._parts, 3) if part != Part.ADJUSTMENTS):
            bars = {
                "type": "data_bar",
                "bar_solid": True,
                "bar_color": "#9DC3E6" if column == self._final else "#D6E4F2",
                "min_type": "num",
                "min_value": 0,
                "bar_border_color": "#5B9BD5",
            }
            self._page.sheet.conditional_format(first, column, self._page.row - 1, column, bars)


def _unranked() -> str:
    """Return how the vetoes of a unit without rank begin."""
    return _(UNRANKED).format(titles="")


def _quoted(text: str) -> str:
    return text.replace('"', '""')


def _compare_alike(standings: Sequence[Standing]) -> bool:
    """Tell whether what breaks ties compares after ten decimals as it does exactly."""
    for column in zip(*(item.ties for item in standings if item.ties), strict=True):
        numbers = {number for value in column if (number := _exact(value)) is not None}
        if len({round_half_up(number, _COMPARED) for number in numbers}) < len(numbers):
            return False
    return True


def rounds_alike(value: Fraction, digits: int) -> bool:
    """Tell whether the workbook's formula rounds a number as the exact rounding does.

    It does not for a number that is no half but nearer to one than the guard reaches.
    """
    guard = Fraction(Decimal(_GUARD)) * (1 if value >= 0 else -1)
    return round_half_up(value + guard, digits) == round_half_up(value, digits)


def _rounded(value: str, digits: str) -> str:
    """Return the formula that rounds a value half up; absent where there is no number."""
    return f'IF(ISNUMBER({value}),ROUND({value}+SIGN({value})*{_GUARD},{digits}),"{ABSENT}")'


def _exact(value: Score | None) -> Fraction | None:
    """Return a number as a fraction; None if there is none."""
    return None if value is None or isinstance(value, Absent | str) else Fraction(value)
