"""A stage's sheet: every score that went in, and every step as a formula over it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import _
from wuhu_appraisal.model import Absent, Key, Score
from wuhu_appraisal.numbers import Number
from wuhu_appraisal.output.parameters import describe, marks_key
from wuhu_appraisal.output.workbook.book import HEAD, RED, SOFT, Page, unsorted
from wuhu_appraisal.output.workbook.origins import origins
from wuhu_appraisal.output.workbook.refs import Cell, if_enough, span
from wuhu_appraisal.output.workbook.tables import Stated
from wuhu_appraisal.output.workbook.tree import Line, StageTree, members_of
from wuhu_appraisal.scheme.rules import Convert, Rescale, RollUp
from wuhu_appraisal.score.operations import Grades, Operation
from wuhu_appraisal.score.steps import operation_for

Sheets = Mapping[tuple[str, str], Cell]
"""Where each sheet that was read stands among the sources, by its file and name."""

_EXACT = "0.00##"
_COUNTED_0 = '[=0]0"*";General'
_LINKS = 60_000
_WIDE = 200
"""Wider sheets are printed on two pages side by side, to be legible."""

_FEW = 16
"""More scores than these side by side have their titles turned."""

_LONGEST, _MOST = 8000, 60
"""Characters of a formula, and levels of IF within each other, that all programs take."""


_LOOKS: Mapping[Absent, Mapping[str, object]] = {
    Absent.MISSING: {"font_color": RED},
    Absent.NOT_APPLICABLE: {},
    Absent.SET_ASIDE: {"italic": True, "font_color": "#7F7F7F", "shrink": True},
}


def mark(value: Absent) -> str:
    """What stands in the place of an absent number."""
    words = {Absent.MISSING: _("missing"), Absent.SET_ASIDE: _("set aside")}
    return words.get(value, value.value)


def _guarded(operation: Operation, formula: str, values: str, otherwise: str) -> str:
    """The formula, or what stands for an absent number while its inputs do not give one."""
    if isinstance(operation, Grades):
        return f"IF(ISERROR({formula}),{otherwise},{formula})"
    return if_enough(formula, values, operation.minimum, otherwise)


@dataclass(frozen=True, slots=True)
class _Places:
    """Which column holds what."""

    values: Mapping[int, int]
    shares: Mapping[int, int]
    scores: int
    source: int


class StageSheet:
    """Writes one stage and group."""

    def __init__(self, page: Page, tree: StageTree, stated: Stated, sheets: Sheets) -> None:
        self._page = page
        self._tree = tree
        self._stated = stated
        self._sheets = sheets
        self._at = self._placed()
        self._shares_row = 0
        self._links = 0
        self._path: list[str] = []

    def write(self, title: str) -> dict[str, Cell]:
        """All rows; returns the cell of each unit's stage score."""
        page, tree, at = self._page, self._tree, self._at
        rolled = tree.rolled(len(tree.roll_ups)) if tree.side_by_side else None
        by_row, by_column = origins(tree.trace.scores, rolled)
        notes = [
            _("A number in a white cell is a score as it was read; all others are formulas."),
            _("A score that is cleared is left out; where it is to count as 0, write 0."),
            unsorted(),
        ]
        page.widths(self._widths())
        page.begin(title, at.source, notes)
        self._above(by_column)
        header = page.row
        page.header(self._titles(), 110 if len(tree.side_by_side) > _FEW else 60, at.scores)
        lines = tree.lines()
        units: dict[str, Cell] = {}
        for line in lines:
            self._line(line, by_row)
            if line.level == 0:
                units[line.key[0]] = page.cell(at.values[len(tree.steps)])
            page.row += 1
        frozen = tree.deepest + 1
        pages = 1 + (sum(self._widths()) > _WIDE)
        page.finish(last=at.source, header=header, frozen=frozen, rows=len(lines), pages=pages)
        page.forbid_sorting()
        return units

    def _placed(self) -> _Places:
        tree = self._tree
        values: dict[int, int] = {}
        shares: dict[int, int] = {}
        column = tree.deepest + 1
        for level in range(tree.deepest + 1):
            for table in tree.tables(level):
                values[table] = column
                column += 1
            if level and self._shared(level):
                shares[level] = column
                column += 1
        return _Places(values, shares, column, column + len(tree.side_by_side))

    def _shared(self, level: int) -> bool:
        """Whether the scores of a level are rolled up by weights or marks."""
        step = self._tree.steps[self._tree.step_into(level - 1)].step
        return isinstance(step, RollUp) and step.by in ("sum", "weighted")

    def _widths(self) -> list[float]:
        tree, at = self._tree, self._at
        longest = max((len(unit.name) for unit in tree.scheme.group(tree.group).units), default=4)
        keys = [2 * longest + 4, *[16] * tree.deepest]
        numbers = [
            7 if column in at.shares.values() else 10 for column in range(len(keys), at.scores)
        ]
        wide = len(tree.side_by_side) > _FEW
        return [*keys, *numbers, *[6.5 if wide else 10] * len(tree.side_by_side), 30]

    def _titles(self) -> list[str]:
        tree, at = self._tree, self._at
        titles = {0: _("Unit"), at.source: _("Source")}
        for level in range(1, tree.deepest + 1):
            titles[level] = self._dimension(level)
        for column in at.shares.values():
            titles[column] = _("Weight or marks")
        for table, column in at.values.items():
            titles[column] = self._step_title(table)
        level = len(tree.roll_ups)
        for column, member in enumerate(tree.side_by_side, at.scores):
            titles[column] = str(tree.scheme.title_of(tree.plan, tree.rolled(level), member))
        return [titles[column] for column in sorted(titles)]

    def _dimension(self, level: int) -> str:
        name = self._tree.rolled(level)
        dimension = self._tree.plan.dimensions[name]
        return str(dimension.title) if dimension.title else name

    def _step_title(self, table: int) -> str:
        tree = self._tree
        if table == 0:
            return _("Score")
        step = tree.steps[table - 1].step
        said = describe(step, tree.plan)
        if table == len(tree.steps):
            said = _("Stage score") + "\n" + said
        return said

    def _above(self, by_column: Mapping[str, Source]) -> None:
        """Over scores side by side: the sheet that each column is from, and its weight or marks."""
        tree, page, at = self._tree, self._page, self._at
        if not tree.side_by_side:
            return
        if by_column:
            page.text(at.scores - 1, _("Source"), bg_color=HEAD, font_size=8)
            for column, member in enumerate(tree.side_by_side, at.scores):
                if member in by_column:
                    self._source(column, [by_column[member]], font_size=8)
            page.row += 1
        level = len(tree.roll_ups)
        if not self._shared(level):
            return
        self._shares_row = page.row
        page.text(at.scores - 1, _("Weight or marks"), bg_color=HEAD, font_size=8)
        for column, member in enumerate(tree.side_by_side, at.scores):
            self._share(column, level, member)
        page.row += 1

    def _line(self, line: Line, by_row: Mapping[Key, list[Source]]) -> None:
        tree, page, at = self._tree, self._page, self._at
        band = {"bg_color": SOFT} if line.level < tree.deepest else {}
        self._path[line.level :] = [self._name(line)]
        written = self._written(line)
        for column in range(line.level + 1, at.source + 1):
            if column not in written:
                page.blank(column, **band)
        for level, text in enumerate(self._path):
            # On every row, so that a filter keeps what stands below a unit.
            own = level == line.level
            look = {**band, "bold": own and not level}
            page.text(level, text, **look if own else {**look, "font_color": "#7F7F7F"})
        for table in reversed(tree.tables(line.level)):
            self._number(line, table)
        if line.level in at.shares:
            self._share(at.shares[line.level], line.level, line.member)
        if line.level < tree.deepest:
            return
        if tree.side_by_side:
            self._scores(line)
        if line.key in by_row:
            self._source(at.source, by_row[line.key], font_size=9)

    def _written(self, line: Line) -> set[int]:
        """The columns that hold something on a row, right of its name."""
        tree, at = self._tree, self._at
        written = {at.values[table] for table in tree.tables(line.level)}
        if line.level in at.shares:
            written.add(at.shares[line.level])
        if line.level == tree.deepest:
            written.update(range(at.scores, at.source))
        return written

    def _name(self, line: Line) -> str:
        if not line.level:
            return line.member
        tree = self._tree
        return str(tree.scheme.title_of(tree.plan, tree.rolled(line.level), line.member))

    def _scores(self, line: Line) -> None:
        """The scores side by side on their row."""
        tree, at = self._tree, self._at
        row = tree.row(1, line.key)
        found = {}
        if row is not None:
            zeros = dict(members_of(tree.steps[0], row))
            found = {
                member: (value, zeros[member])
                for member, value in zip(row.members, row.values, strict=True)
            }
        for column, member in enumerate(tree.side_by_side, at.scores):
            self._score(column, *found.get(member, (Absent.MISSING, False)))

    def _score(self, column: int, value: Score, zero: bool) -> None:
        """One score as it was read."""
        page = self._page
        if isinstance(value, Absent):
            if zero:
                page.number(column, 0, num_format=_COUNTED_0, font_color=RED)
            else:
                page.text(column, mark(value), align="center", **_LOOKS[value])
        elif isinstance(value, str):
            page.text(column, value, align="center")
        else:
            page.number(column, float(value), align="right")

    def _share(self, column: int, level: int, member: str) -> None:
        """A member's weight or marks, as it stands among the rules."""
        tree, page = self._tree, self._page
        place = tree.step_into(level - 1)
        step = tree.steps[place]
        share = step.shares.get(member, Fraction(1))
        cell = self._stated.cell(tree.stage.id, tree.group, str(place), member)
        if cell is None:
            found = tree.scheme.indicators_in(tree.plan)
            if found is not None and member in found.nodes:
                key = marks_key(found, found.nodes[member])
                afar = self._stated.afar(share, *key)
            else:
                afar = self._stated.afar(share)
        else:
            afar = cell.afar
        look = {"font_size": 9, "align": "right", "bg_color": SOFT}
        page.formula(column, afar, float(share), **look)

    def _number(self, line: Line, table: int) -> None:
        """One number of a row: a score as read, or what a step made."""
        tree, page = self._tree, self._page
        column = self._at.values[table]
        value = tree.value(table, line.key)
        top = table == tree.tables(line.level)[0]
        if table == 0:
            self._score(column, value, line.zero and top)
            return
        step = tree.steps[table - 1]
        row = tree.row(table, line.key)
        look: dict[str, object] = {"align": "right", "num_format": _EXACT, "bg_color": SOFT}
        if not line.level:
            look["bold"] = table == len(tree.steps)
        if row is None:
            self._absent(column, Absent.MISSING, line.zero and top)
            return
        operation = operation_for(step, line.key)
        values, shares = self._inputs(line, table)
        passed = bool(step.parents) and tuple(row.members) == (line.member,)
        formula = values.partition(":")[0]
        if not passed:
            constants = self._constants(operation, table, line)
            formula = operation.formula(values, shares, constants)
        zero = line.zero and top
        absent = value if isinstance(value, Absent) else Absent.MISSING
        formula = _guarded(operation, formula, values, "0" if zero else f'"{mark(absent)}"')
        if zero:
            look["num_format"] = _COUNTED_0
        if isinstance(value, Absent):
            page.formula(column, formula, 0 if zero else mark(value), **look)
        elif isinstance(value, str) or len(formula) > _LONGEST or len(operation.constants) > _MOST:
            shown = value if isinstance(value, str) else float(value)
            page.value(column, shown, _("Written as a value: no formula can hold so much."), **look)
        else:
            page.formula(column, formula, float(value), **look)

    def _constants(self, operation: Operation, table: int, line: Line) -> list[str]:
        """The cells of what the scheme states for a step that works on one score."""
        tree = self._tree
        step = tree.steps[table - 1].step
        at = (tree.stage.id, tree.group, str(table - 1))
        if isinstance(step, Convert):
            names = list(step.convert)
        elif isinstance(step, Rescale):
            names = ["to", "of"]
            found = tree.scheme.indicators_in(tree.plan)
            if tree.steps[table - 1].before.full_marks is None and found is not None:
                grain = tree.steps[table - 1].before
                node = found.nodes[line.key[grain.dimensions.index(grain.marked)]]
                to, of = operation.constants
                return [
                    self._stated.afar(to, *at, "to"),
                    self._stated.afar(of, *marks_key(found, node)),
                ]
        else:
            names = []
        pairs: Sequence[tuple[str, Number]] = list(zip(names, operation.constants, strict=False))
        return [self._stated.afar(number, *at, name) for name, number in pairs]

    def _inputs(self, line: Line, table: int) -> tuple[str, str]:
        """The ranges of a step's inputs and of their weights or marks."""
        tree, page, at = self._tree, self._page, self._at
        if not isinstance(tree.steps[table - 1].step, RollUp):
            return page.cell(at.values[table - 1]).local, ""
        if tree.side_by_side and line.level == tree.deepest:
            first, last = page.cell(at.scores), page.cell(at.source - 1)
            top = first._replace(row=self._shares_row)
            return span(first, last), span(top, last._replace(row=self._shares_row), fixed=True)
        below = tree.tables(line.level + 1)[0]
        first = page.cell(at.values[below]).down(1)
        last = page.cell(at.values[below]).down(max(line.below, 1))
        column = at.shares.get(line.level + 1, 0)
        shares = span(first._replace(column=column), last._replace(column=column))
        return span(first, last), shares

    def _absent(self, column: int, value: Absent, zero: bool) -> None:
        """A number of which nothing was sent at all."""
        if zero:
            self._page.number(column, 0, num_format=_COUNTED_0, font_color=RED)
        else:
            self._page.text(column, mark(value), align="right", font_color=RED)

    def _source(self, column: int, sources: Sequence[Source], **look: object) -> None:
        look["shrink"] = True
        text = "; ".join(map(str, sources))
        to = self._sheets.get((sources[0].file, sources[0].sheet))
        if to is None or self._links >= _LINKS:
            self._page.text(column, text, **look)
            return
        self._links += 1
        self._page.link(column, to, text, **look)
