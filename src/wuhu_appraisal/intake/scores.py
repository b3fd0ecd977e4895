"""A recognised sheet to a rectangle of scores, each cell validated."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.intake.cells import CellRule
from wuhu_appraisal.intake.forms import FormIndex, FormInPlan, SheetMatch
from wuhu_appraisal.intake.grid import Grid, Raw
from wuhu_appraisal.intake.layout import AxisNames, Layout, find_layout
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import decimal_total, decimals, from_float, plain, round_half_up
from wuhu_appraisal.scheme.indicators import Indicator
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.steps import Convert, RollUp
from wuhu_appraisal.table import Absent, Axis, Block, Value, column_letters


class SheetReader:
    """Reads the sheets of one scheme; keeps what it learnt about cells for the next sheet."""

    def __init__(self, scheme: Scheme, forms: FormIndex) -> None:
        self._scheme = scheme
        self._forms = forms
        self._rules: dict[tuple[str, str, Decimal], CellRule] = {}

    def read(self, grid: Grid, match: SheetMatch) -> tuple[Block | None, list[Finding]]:
        """The scores of a sheet; None where its layout cannot be made out."""
        entry = match.entry
        axes = [self._axis_names(entry, dimension) for dimension in entry.form.axes]
        layout, findings = find_layout(grid, axes, self._scheme.reading.labels)
        if layout is None:
            return None, findings
        values, refused = self._values(grid, entry, layout)
        block = Block(grid.file, grid.sheet, match.fixed, layout.rows, layout.columns, values)
        findings += refused
        findings += self._misplaced(entry, block)
        if entry.plan.full_marks is None:
            findings += self._wrong_totals(grid, entry, layout, block)
        return block, findings

    def _axis_names(self, entry: FormInPlan, dimension: str) -> AxisNames:
        labels = self._scheme.reading.labels
        declared = entry.plan.dimensions.get(dimension)
        words = labels.indicator if declared and declared.indicators else labels.unit
        return AxisNames(dimension, self._forms.names(entry, dimension), words)

    def _values(
        self, grid: Grid, entry: FormInPlan, layout: Layout
    ) -> tuple[list[list[Value]], list[Finding]]:
        values: list[list[Value]] = []
        findings: list[Finding] = []
        columns = [position - 1 for position in layout.columns.positions]
        if not columns:
            return [[] for _row in layout.rows.positions], []
        across = self._items(entry, layout.columns)
        shared: list[CellRule] = []
        down = self._items(entry, layout.rows)
        for position, item in zip(layout.rows.positions, down, strict=True):
            if item is None:
                shared = rules = shared or [self._rule(entry, other) for other in across]
            else:
                rules = [self._rule(entry, item)] * len(columns)
            row = _padded(grid.rows[position - 1], columns)
            cells = [row[column] for column in columns]
            known = _looked_up(rules, cells)
            if known is not None:
                values.append(known)
                continue
            answers = [rule.read(cell) for rule, cell in zip(rules, cells, strict=True)]
            values.append([answer.value for answer in answers])
            for column, answer in zip(columns, answers, strict=True):
                if answer.refusal is not None:
                    where = _cell(grid, position, column)
                    findings.append(Finding(answer.refusal.code, answer.refusal.params, where))
        return values, findings

    def _items(self, entry: FormInPlan, axis: Axis) -> Sequence[Indicator | None]:
        """The indicator of each member of an axis, None where the axis shows something else."""
        declared = entry.plan.dimensions.get(axis.dimension)
        if declared is None or not declared.indicators:
            return [None] * len(axis.members)
        nodes = self._scheme.indicator_set(declared.indicators).nodes
        return [nodes[member] for member in axis.members]

    def _rule(self, entry: FormInPlan, item: Indicator | None) -> CellRule:
        marks = entry.plan.full_marks or (item.marks if item else None)
        assert marks is not None, "a scheme without full marks for a sheet does not load"
        key = (entry.stage.id, entry.group, marks)
        if key not in self._rules:
            tokens = frozenset(map(normalise, self._scheme.reading.not_applicable))
            steps = entry.plan.steps
            grades = [grade for s in steps if isinstance(s, Convert) for grade in s.convert]
            self._rules[key] = CellRule(marks, tokens, grades)
        return self._rules[key]

    def _misplaced(self, entry: FormInPlan, block: Block) -> Iterator[Finding]:
        """Marks for 'not applicable' where the form does not allow them."""
        allowed = entry.form.not_applicable
        first = next((step for step in entry.plan.steps if isinstance(step, RollUp)), None)
        # Where the first step calls every such mark an error, it says so itself.
        if allowed == "anywhere" or (first is not None and first.not_applicable == "error"):
            return
        across = self._items(entry, block.columns)
        for row, down in enumerate(self._items(entry, block.rows)):
            values = block.values[row]
            if Absent not in set(map(type, values)):
                continue
            by_unit = block.rows.dimension == "unit"
            for column, value in enumerate(values):
                unit = block.rows.members[row] if by_unit else block.fixed.get("unit", "")
                if block.columns.dimension == "unit":
                    unit = block.columns.members[column]
                item = down or across[column]
                skipped = allowed == "listed" and item and self._may_skip(item, unit)
                if value is Absent.NOT_APPLICABLE and not skipped:
                    yield finding(
                        "not-applicable-misplaced",
                        block.source(row, column),
                        unit=unit,
                        item=item.title if item else entry.form.title,
                    )

    def _wrong_totals(
        self, grid: Grid, entry: FormInPlan, layout: Layout, block: Block
    ) -> Iterator[Finding]:
        """Totals beside each row of items, and below each column of them."""
        if layout.total is not None and any(self._items(entry, block.columns)):
            for values, name, position in zip(
                block.values, block.rows.members, block.rows.positions, strict=True
            ):
                yield from _differing(grid, position, layout.total, values, name)
        if layout.total_row is not None and any(self._items(entry, block.rows)):
            for place, position in enumerate(block.columns.positions):
                values = [row[place] for row in block.values]
                name = block.columns.members[place] or block.fixed.get("unit", block.sheet)
                yield from _differing(grid, layout.total_row + 1, position - 1, values, name)

    def _may_skip(self, item: Indicator, unit: str) -> bool:
        """Whether an item is mainly assessed for other units than this one."""
        if item.assessed is None:
            return False
        names = self._scheme.unit_names()
        return unit not in {names.match(name) for name in item.assessed.units}


def _looked_up(rules: Sequence[CellRule], cells: Sequence[Raw]) -> list[Value] | None:
    """The values of a row in which every content has been read before without a word; else None."""
    if bool in set(map(type, cells)):
        return None
    try:
        return [rule.plain[cell] for rule, cell in zip(rules, cells, strict=True)]
    except KeyError:
        return None


def _differing(
    grid: Grid, position: int, column: int, values: Sequence[Value], name: str
) -> Iterator[Finding]:
    """A total that a sheet states, held against the sum of its scores to the digits it shows."""
    stated = _padded(grid.rows[position - 1], [column])[column]
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        return
    shown = from_float(float(stated))
    digits = decimals(shown)
    added = decimal_total([value for value in values if type(value) is Decimal])
    if added != shown and round_half_up(added, digits) != shown:
        yield finding(
            "total-differs",
            _cell(grid, position, column),
            name=name,
            stated=plain(shown),
            computed=plain(round_half_up(added, max(digits, 2))),
        )


def _cell(grid: Grid, position: int, column: int) -> Source:
    return Source(grid.file, grid.sheet, f"{column_letters(column + 1)}{position}")


def _padded(cells: Sequence[Raw], columns: Sequence[int]) -> Sequence[Raw]:
    missing = max(columns) + 1 - len(cells)
    return [*cells, *([""] * missing)] if missing > 0 else cells
