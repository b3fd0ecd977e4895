"""A stage's sheet: every score that was read, and every step as a formula over the scores.

Each roll-up is a level of rows. What the last roll-up takes away stands under its unit, each with
its own rows below it, so that the inputs of every number are the cells of one column over some
rows. If the first roll-up takes declared members away, their scores stand side by side in columns.
The facts of an item stand below it; those that a rule compares within the group are gathered in
columns behind the sources, one unit a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import _
from wuhu_appraisal.model import CONSTANT, HELD, Absent, Key, Score, ScoreTable, StepRow
from wuhu_appraisal.output.parameters import describe
from wuhu_appraisal.output.workbook.book import GREY, HEAD, RED, SOFT, Cell, Page, Range, if_enough
from wuhu_appraisal.output.workbook.rules import Rules
from wuhu_appraisal.scheme.models import Indicator
from wuhu_appraisal.scheme.plan import PlannedStep
from wuhu_appraisal.scheme.rules import Convert, Rescale, RollUp
from wuhu_appraisal.score.contributions import ScoredStage
from wuhu_appraisal.score.facts import FactScore
from wuhu_appraisal.score.operations import Grades, Operation, Sum
from wuhu_appraisal.score.steps import Operations, as_number

_EXACT = "0.00##"
_COUNTED_AS_ZERO = '[=0]0"*";General'
_WIDE = 200
"""Wider sheets are printed on two pages side by side, to be legible."""
_FEW = 16
"""The titles of more members side by side than these are turned upright."""
_LONGEST_FORMULA, _MOST_IFS = 8000, 60
"""Characters of a formula, and levels of IF within each other, that all programs accept."""

_STYLES: Mapping[Absent, Mapping[str, Any]] = {
    Absent.MISSING: {"font_color": RED},
    Absent.NOT_APPLICABLE: {},
    Absent.SET_ASIDE: {"italic": True, "font_color": GREY, "shrink": True},
}


def mark(value: Absent) -> str:
    """Return what stands in the place of an absent number."""
    words = {Absent.MISSING: _("missing"), Absent.SET_ASIDE: _("set aside")}
    return words.get(value, value.value)


@dataclass(slots=True)
class _Line:
    """One row: its level (0 for units), its key and member, and how many rows stand below it.

    ``zero`` tells that it is absent and counts as 0.
    """

    level: int
    key: Key
    member: str
    zero: bool
    below: int = 0


class StageSheet:
    """The sheet of one stage and group.

    Table 0 is the scores as read, table n what step n left. ``files`` has the cell of each sheet
    that was read in the list of sources, by its file and its name.
    """

    def __init__(
        self, page: Page, stage: ScoredStage, rules: Rules, files: Mapping[tuple[str, str], Cell]
    ) -> None:
        """Lay the sheet out: the levels of its rows, and what each column holds."""
        self._page, self._stage, self._rules, self._files = page, stage, rules, files
        self._steps = stage.steps
        self._units = stage.scheme.units_of(stage.stage, stage.group)
        # The place of the roll-up that makes the numbers of each level from those of the next.
        self._roll_ups = [
            place for place, step in enumerate(self._steps) if isinstance(step.step, RollUp)
        ][::-1]
        highs = [len(self._steps), *self._roll_ups]
        lows = [*(place + 1 for place in self._roll_ups), 0]
        self._tables = [range(high, low - 1, -1) for high, low in zip(highs, lows, strict=True)]
        self._members: Sequence[str] = ()
        if self._roll_ups and self._roll_ups[-1] == 0 and not self._steps[0].parents:
            dimension = self._roll_up(len(self._roll_ups)).roll_up
            self._members = self._steps[0].before.members.get(dimension, ())
        self._deepest = len(self._roll_ups) - bool(self._members)
        self._path: list[str] = []
        self._shares_row = 0
        self._by_facts = bool(self._steps) and self._steps[0].by_facts
        self._rows: dict[Key, int] = {}
        self._at: dict[tuple[int, Key], int] = {}
        self._compared: dict[Key, int] = {}
        self._place_columns()

    def _place_columns(self) -> None:
        """Set the titles and widths of all columns: names, numbers and shares, scores, source."""
        plan = self._stage.plan
        levels = range(1, self._deepest + 1)
        titles = [_("Unit"), *(plan.dimension_title(self._roll_up(n).roll_up) for n in levels)]
        widths = [2 * max(map(len, self._units), default=0) + 4, *[16.0] * self._deepest]
        self._columns: dict[int, int] = {}
        self._share_columns: dict[int, int] = {}
        for level in range(self._deepest + 1):
            for table in self._tables[level]:
                self._columns[table] = len(titles)
                titles.append(self._table_title(table))
                widths.append(10)
            if self._has_shares(level):
                self._share_columns[level] = len(titles)
                titles.append(_("Weight or marks"))
                widths.append(7)
        self._first_score = len(titles)
        level = len(self._roll_ups)
        titles += [self._member_title(level, member) for member in self._members]
        widths += [6.5 if len(self._members) > _FEW else 10] * len(self._members)
        self._source = len(titles)
        self._titles, self._widths = [*titles, _("Source")], [*widths, 30]
        if self._by_facts:
            self._titles[self._deepest] = _("Fact")
            self._place_compared()

    def _place_compared(self) -> None:
        """Give each fact that a rule compares within the group a column behind the sources."""
        step, dimensions = self._steps[0], self._steps[0].before.dimensions
        for key in self._stage.trace.steps[0].rows:
            operation = self._operations[0].of(key) if self._item(key) in step.scored else None
            for fact in operation.grouped if isinstance(operation, FactScore) else ():
                others = step.input_key(key, f"{self._item(key)}/{fact}")[1:]
                if others not in self._compared:
                    self._compared[others] = len(self._titles)
                    pairs = zip(dimensions[1:], others, strict=True)
                    parts = [self._stage.title(name, part) for name, part in pairs]
                    self._titles.append(_("Compared within the group") + "\n" + " · ".join(parts))
                    self._widths.append(14)

    def _item(self, key: Key) -> str:
        """Return the item of a key, or the fact of one before the first step."""
        dimension = self._roll_up(len(self._roll_ups)).roll_up
        return key[self._steps[0].after.dimensions.index(dimension)]

    def write(self) -> dict[str, Cell]:
        """Write all rows; return the cell of each unit's stage score."""
        page = self._page
        across = self._roll_up(len(self._roll_ups)).roll_up if self._members else ""
        row_sources, column_sources = _sources(self._stage.trace.scores, across)
        notes = [
            _("Numbers in white cells are scores as read; all others are formulas."),
            _("Clear a score to leave it out; write 0 to count it as 0."),
        ]
        if self._by_facts:
            notes.append(_("Below an item stand its facts: without one of them it has no score."))
        title = f"{self._stage.stage.title} · {self._stage.scheme.group(self._stage.group).title}"
        page.begin(title, self._widths, notes, sortable=False)
        if self._members:
            self._write_above(column_sources)
        many = len(self._members) > _FEW
        upright = range(self._first_score, self._source) if many else ()
        page.header(self._titles, 110 if many else 60, upright)
        units: dict[str, Cell] = {}
        lines = self._lines()
        self._rows = {line.key: row for row, line in enumerate(lines, page.row)}
        self._at = {(line.level, line.key): row for row, line in enumerate(lines, page.row)}
        self._all_rows = Range(page.cell(0), page.cell(0).down(max(len(lines), 1) - 1))
        for line in lines:
            self._write_line(line, row_sources.get(line.key, ()))
            if not line.level:
                units[line.member] = page.cell(self._columns[len(self._steps)])
            page.row += 1
        page.finish(frozen=self._deepest + 1, pages=2 if sum(self._widths) > _WIDE else 1)
        return units

    def cell_of(self, unit: str, member: str, table: int | None) -> Cell | None:
        """Return the cell of a unit's number for an indicator in a table; None where it has no row."""
        if table is None:
            return None
        level = next(at for at, tables in enumerate(self._tables) if table in tables)
        across = level > self._deepest
        row = self._at.get((0, (unit,)) if across else (level, (unit, member)))
        if row is None:
            return None
        column = self._columns.get(table, 0)
        if across:
            column = self._first_score + self._members.index(member)
        return Cell(self._page.name, row, column)

    def _roll_up(self, level: int) -> RollUp:
        """Return the step that takes the members of a level below the units away."""
        step = self._steps[self._roll_ups[level - 1]].step
        assert isinstance(step, RollUp)
        return step

    def _has_shares(self, level: int) -> bool:
        """Tell whether the numbers of a level are rolled up by weights or marks."""
        if not level:
            return False
        by, after = self._roll_up(level).by, self._steps[self._roll_ups[level - 1]].after
        return by == "weighted" or (by == "sum" and not after.is_open)

    def _member_title(self, level: int, member: str) -> str:
        if not level:
            return member
        indicators = self._stage.scheme.indicators_in(self._stage.plan)
        node = indicators.nodes.get(member) if indicators else None
        if node is not None and node.fact:
            # Its item stands beside it.
            return str(node.title)
        return self._stage.title(self._roll_up(level).roll_up, member)

    def _table_title(self, table: int) -> str:
        if not table:
            return _("Score or fact") if self._by_facts else _("Score")
        words = describe(self._steps[table - 1].step, self._stage.plan)
        return _("Stage score") + "\n" + words if table == len(self._steps) else words

    def _row(self, table: int, key: Key) -> StepRow | None:
        """Return how a number of a table came to be; None where nothing was sent for it."""
        return self._stage.trace.steps[table - 1].rows.get(key)

    @cached_property
    def _scores(self) -> Mapping[Key, Score]:
        return dict(self._stage.trace.scores.items())

    def _lines(self) -> list[_Line]:
        """Return all rows in their order, the units as the scheme lists them."""
        lines: list[_Line] = []

        def add(line: _Line) -> None:
            lines.append(line)
            start = len(lines)
            if line.level < self._deepest:
                place = self._roll_ups[line.level]
                step = self._steps[place]
                for member, _value, zero in _inputs(step, self._row(place + 1, line.key)):
                    add(_Line(line.level + 1, step.input_key(line.key, member), member, zero))
            line.below = len(lines) - start

        for unit in self._units:
            add(_Line(0, (unit,), unit, zero=False))
        return lines

    def _write_above(self, sources: Mapping[str, Source]) -> None:
        """Write over scores side by side the sheet that each column is from, and its share."""
        page = self._page
        columns = list(enumerate(self._members, self._first_score))
        if sources:
            page.write(self._first_score - 1, _("Source"), bg_color=HEAD, font_size=8)
            for column, member in columns:
                if member in sources:
                    self._write_source(column, [sources[member]], font_size=8)
            page.row += 1
        level = len(self._roll_ups)
        if self._has_shares(level):
            self._shares_row = page.row
            page.write(self._first_score - 1, _("Weight or marks"), bg_color=HEAD, font_size=8)
            for column, member in columns:
                self._write_share(column, level, member)
            page.row += 1

    def _write_line(self, line: _Line, sources: Sequence[Source]) -> None:
        page = self._page
        deepest = line.level == self._deepest
        band: dict[str, Any] = {} if deepest else {"bg_color": SOFT}
        self._path[line.level :] = [self._member_title(line.level, line.member)]
        for column in range(line.level + 1, self._first_score if deepest else self._source):
            page.write(column, None, **band)
        page.write(self._source, None, **band)
        for level, text in enumerate(self._path):
            # On every row, so that a filter keeps what stands below a unit.
            own = level == line.level
            colour = {} if own else {"font_color": GREY}
            page.write(level, text, bold=own and not level, **band, **colour)
        for table in self._tables[line.level]:
            self._write_number(line, table)
        if line.level in self._share_columns:
            self._write_share(self._share_columns[line.level], line.level, line.member)
        if deepest and self._members:
            inputs = {
                member: (value, zero)
                for member, value, zero in _inputs(self._steps[0], self._row(1, line.key))
            }
            for column, member in enumerate(self._members, self._first_score):
                self._write_score(column, *inputs.get(member, (Absent.MISSING, False)))
        if deepest and sources:
            self._write_source(self._source, sources, font_size=9)
        if not line.level:
            for others, column in self._compared.items():
                self._write_compared(column, (line.key[0], *others))

    def _write_compared(self, column: int, key: Key) -> None:
        """Write a fact of a unit once more, in the column where it is compared with the others'."""
        if key not in self._rows:
            return
        cell = Cell(self._page.name, self._rows[key], self._columns[0]).address
        step, declared = self._steps[0], self._roll_up(len(self._roll_ups))
        number = as_number(self._scores.get(key, Absent.MISSING), declared)
        row = self._row(1, step.input_key(key, step.parents[self._item(key)]))
        applies = row is not None and row.value is not Absent.NOT_APPLICABLE
        value = float(number) if applies and number is not None else ""
        self._page.formula(column, f'IF(ISNUMBER({cell}),{cell},"")', value, bg_color=SOFT)

    def _write_score(self, column: int, value: Score, zero: bool) -> None:
        """Write one score as it was read; ``zero`` if it is absent and counts as 0."""
        if zero:
            self._page.write(column, 0, num_format=_COUNTED_AS_ZERO, font_color=RED)
        elif isinstance(value, Absent):
            self._page.write(column, mark(value), align="center", **_STYLES[value])
        elif isinstance(value, str):
            self._page.write(column, value, align="center")
        else:
            self._page.write(column, float(value), align="right")

    def _write_share(self, column: int, level: int, member: str) -> None:
        """Write a member's weight or marks, as it stands among the rules."""
        place = self._roll_ups[level - 1]
        share = self._steps[place].shares.get(member, Fraction(1))
        address = self._rules.address(
            share,
            (self._stage.stage.id, self._stage.group, str(place), member),
            self._marks_key(member),
        )
        style = {"font_size": 9, "align": "right", "bg_color": SOFT}
        self._page.formula(column, address, float(share), **style)

    def _marks_key(self, indicator: str) -> Key:
        """Return the key of an indicator's marks among the rules; () if the plan has no indicators."""
        indicators = self._stage.scheme.indicators_in(self._stage.plan)
        return ("marks", indicators.id, indicator) if indicators else ()

    @cached_property
    def _operations(self) -> list[Operations]:
        pairs = zip(self._steps, self._stage.trace.tables, strict=False)
        return [Operations(step, before) for step, before in pairs]

    def _write_number(self, line: _Line, table: int) -> None:
        """Write one number of a row: a score as read, or what a step made of the scores."""
        column = self._columns[table]
        zero = line.zero and table == self._tables[line.level][0]
        if not table:
            self._write_score(column, self._scores.get(line.key, Absent.MISSING), zero)
            return
        row = self._row(table, line.key)
        if row is None:
            self._write_score(column, Absent.MISSING, zero)
            return
        step, value = self._steps[table - 1], row.value
        assert not isinstance(value, str), "a step leaves no grades"
        passes = bool(step.parents) and tuple(row.members) == (line.member,)
        operation: Operation = Sum()
        if not (passes and step.by_facts):
            operation = self._operations[table - 1].of(line.key)
        values, shares = self._input_ranges(line, table)
        if passes:
            # A score that stands at the level already passes as it is.
            formula = values.partition(":")[0]
        elif isinstance(operation, FactScore):
            formula = self._fact_formula(operation, step, line)
        else:
            formula = operation.formula(values, shares, self._constants(operation, table, line))
            bounds, indicators = (
                step.bounds_of(line.key),
                self._stage.scheme.indicators_in(self._stage.plan),
            )
            if bounds is not None and indicators is not None:
                name = bounds.id if isinstance(bounds, Indicator) else ""
                formula = self._rules.within(bounds, (indicators.id, name), formula)
        absent = (
            "0" if zero else f'"{mark(value if isinstance(value, Absent) else Absent.MISSING)}"'
        )
        if isinstance(operation, Grades):
            formula = f"IF(ISERROR({formula}),{absent},{formula})"
        else:
            fewest = operation.minimum
            if isinstance(operation, FactScore):
                fewest = len(operation.item.facts)
            formula = if_enough(formula, values, fewest, absent)
        style: dict[str, Any] = {
            "align": "right",
            "num_format": _COUNTED_AS_ZERO if zero else _EXACT,
            "bg_color": SOFT,
            "bold": table == len(self._steps),
        }
        if isinstance(value, Absent):
            self._page.formula(column, formula, 0 if zero else mark(value), **style)
        elif len(formula) > _LONGEST_FORMULA or len(operation.constants) > _MOST_IFS:
            note = _("Written as a value: the formula would be too long.")
            self._page.write(column, float(value), note, italic=True, **style)
        else:
            self._page.formula(column, formula, float(value), **style)

    def _fact_formula(self, operation: FactScore, step: PlannedStep, line: _Line) -> str:
        """Return an item's score over the cells of its facts and of the numbers of its rules."""
        cells, groups = {}, {}
        for fact in operation.item.facts:
            key = step.input_key(line.key, f"{self._item(line.key)}/{fact}")
            cells[fact] = Cell(self._page.name, self._rows[key], self._columns[0]).address
            if key[1:] in self._compared:
                groups[fact] = self._all_rows.at_column(self._compared[key[1:]]).fixed
        marks = self._marks_key(self._item(line.key))
        numbers = [
            # What the scheme does not state is the item's marks.
            self._rules.address(number, ("fact", *marks[1:], str(place)), marks)
            for place, number in enumerate(operation.constants)
        ]
        return operation.formula_over(cells, iter(numbers), groups)

    def _constants(self, operation: Operation, table: int, line: _Line) -> list[str]:
        """Return the cells of what the scheme states for a step that works on one score."""
        step = self._steps[table - 1]
        names: Sequence[str] = ()
        marks: Key = ()
        if isinstance(step.step, Convert):
            names = list(step.step.convert)
        elif isinstance(step.step, Rescale):
            names = ("to", "of")
            if step.before.full_marks is None:
                marks = self._marks_key(line.key[step.before.dimensions.index(step.before.marked)])
        place = (self._stage.stage.id, self._stage.group, str(table - 1))
        return [
            self._rules.address(number, (*place, name), marks)
            for name, number in zip(names, operation.constants, strict=False)
        ]

    def _input_ranges(self, line: _Line, table: int) -> tuple[str, str]:
        """Return the ranges of a step's inputs and of their weights or marks."""
        page = self._page
        if not isinstance(self._steps[table - 1].step, RollUp):
            return page.cell(self._columns[table - 1]).address, ""
        if self._members and line.level == self._deepest:
            scores = Range(page.cell(self._first_score), page.cell(self._source - 1))
            shares = scores.at_row(self._shares_row).fixed if self._shares_row else ""
            return scores.address, shares
        first = page.cell(self._columns[self._tables[line.level + 1][0]]).down(1)
        inputs = Range(first, first.down(max(line.below, 1) - 1))
        column = self._share_columns.get(line.level + 1)
        return inputs.address, "" if column is None else inputs.at_column(column).address

    def _write_source(self, column: int, sources: Sequence[Source], **style: Any) -> None:
        to = self._files.get((sources[0].file, sources[0].sheet))
        self._page.link(column, to, "; ".join(map(str, sources)), shrink=True, **style)


def _inputs(step: PlannedStep, row: StepRow | None) -> Iterator[tuple[str, Score, bool]]:
    """Yield the inputs of a roll-up's number, each with whether it is absent and counts as 0.

    The policy tells so: a 0 that a trimmed mean drops has no coefficient.
    """
    if row is None:
        return
    assert isinstance(step.step, RollUp)
    policies = {
        Absent.MISSING: step.step.missing,
        Absent.NOT_APPLICABLE: step.step.not_applicable,
    }
    # An item that does not apply has no fact that counts as 0.
    no_score = step.by_facts and row.value is Absent.NOT_APPLICABLE
    for member, value in zip(row.members, row.values, strict=True):
        zero = isinstance(value, Absent) and policies.get(value) == "zero" and not no_score
        if member not in (CONSTANT, HELD):
            yield member, value, zero


def _sources(scores: ScoreTable, across: str) -> tuple[dict[Key, list[Source]], dict[str, Source]]:
    """Return the cells behind each row of a stage's sheet, and the sheets behind its columns.

    ``across`` is the dimension along the columns, which is no part of the rows' keys; '' where each
    score has a row. A column has a source where a whole sheet is of one member.
    """
    dimensions = [name for name in scores.dimensions if name != across]
    rows: dict[Key, list[Source]] = {}
    columns: dict[str, Source] = {}
    for block in scores.blocks:
        if across in block.fixed:
            columns[block.fixed[across]] = Source(block.file, block.sheet)
            continue
        # Each place along an axis by itself, or all of them from the first to the last.
        stretches = [
            [(0, -1)] if axis.dimension == across else [(at, at) for at in range(len(axis.members))]
            for axis in (block.rows, block.columns)
        ]
        for (top, bottom), (left, right) in product(*stretches):
            members = {**block.fixed, **block.rows.member(top), **block.columns.member(left)}
            first, last = block.source(top, left).cell, block.source(bottom, right).cell
            cells = first if first == last else f"{first}:{last}"
            if block.counted:
                cells = ", ".join(block.counted[top][left])
            key = tuple(members[name] for name in dimensions)
            rows.setdefault(key, []).append(Source(block.file, block.sheet, cells))
    return rows, columns
