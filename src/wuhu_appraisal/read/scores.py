"""A recognised sheet to a rectangle of scores, each cell validated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from wuhu_appraisal.findings import Finding, Severity, Source, address, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import (
    Absent,
    Axis,
    Block,
    LedgerEntry,
    Remark,
    RemarkKind,
    Rule,
    Score,
)
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.read.cells import Answer, CellRule, held, read_text, stated_date
from wuhu_appraisal.read.forms import FormIndex, FormInPlan, SheetMatch
from wuhu_appraisal.read.layout import AxisNames, Elsewhere, Layout, find_layout
from wuhu_appraisal.read.plausible import mixed
from wuhu_appraisal.read.totals import Known, Statements
from wuhu_appraisal.scheme.models import Indicator, Scheme
from wuhu_appraisal.scheme.rules import Convert, Dated, Reasoned, RollUp
from wuhu_appraisal.workbooks.cell import Fault, Raw, Sheet


@dataclass(slots=True)
class SheetScores:
    """What a sheet came to: its rectangle of scores, and what is to be known about them."""

    block: Block | None = None
    findings: list[Finding] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


class _Cell(NamedTuple):
    """One score's cell: its 0-based row and column, and the rule by which it is read."""

    row: int
    column: int
    rule: CellRule


class SheetReader:
    """Reads the sheets of one scheme; keeps what it learnt about cells for the next sheet."""

    def __init__(self, scheme: Scheme, forms: FormIndex) -> None:
        self._scheme = scheme
        self._forms = forms
        self._rules: dict[tuple[str, str, Decimal], CellRule] = {}
        groups = {unit.name: group.title for group in scheme.groups for unit in group.units}
        self._elsewhere = Elsewhere(scheme.unit_names(), groups)

    def read(self, grid: Sheet, match: SheetMatch) -> SheetScores:
        """The scores of a sheet; no block where its layout cannot be made out."""
        entry = match.entry
        axes = [self._axis_names(entry, dimension) for dimension in entry.form.axes]
        layout, findings = find_layout(grid, axes, self._scheme.reading.labels)
        sheet = SheetScores(findings=findings)
        if layout is None:
            return sheet
        values = self._values(grid, entry, layout, sheet)
        _part_merged(grid, layout, values, sheet)
        across = self._items(entry, layout.columns)
        full = entry.plan.full_marks
        marks = [full] * len(across) if full else [item.marks if item else None for item in across]
        severities = self._scheme.reading.severities
        tolerated = {code for code, severity in severities.items() if severity == "warning"}
        sheet.findings += mixed(grid, layout, values, marks, sheet.ledger, tolerated)
        sheet.ledger = _without_missing(sheet.ledger, layout, values)
        block = Block(grid.file, grid.name, match.fixed, layout.rows, layout.columns, values)
        sheet.block = block
        sheet.findings += self._misplaced(entry, block)
        statements = Statements(grid, layout, block, self._known(entry, block))
        sheet.findings += statements.differences()
        sheet.findings += self._watched(grid, match, layout, sheet)
        return sheet

    def _axis_names(self, entry: FormInPlan, dimension: str) -> AxisNames:
        labels = self._scheme.reading.labels
        declared = entry.plan.dimensions.get(dimension)
        words = labels.indicator if declared and declared.indicators else labels.unit
        elsewhere = self._elsewhere if dimension == "unit" else None
        return AxisNames(dimension, self._forms.names(entry, dimension), words, elsewhere)

    def _values(
        self, grid: Sheet, entry: FormInPlan, layout: Layout, sheet: SheetScores
    ) -> list[list[Score]]:
        values: list[list[Score]] = []
        columns = [position - 1 for position in layout.columns.positions]
        if not columns:
            return [[] for _row in layout.rows.positions]
        across = self._items(entry, layout.columns)
        shared: list[CellRule] = []
        down = self._items(entry, layout.rows)
        beside = layout.deductions or "reason" in layout.beside
        remarkable = grid.remarkable_rows()
        for position, item in zip(layout.rows.positions, down, strict=True):
            if item is None:
                shared = rules = shared or [self._rule(entry, other) for other in across]
            else:
                rules = [self._rule(entry, item)] * len(columns)
            row = _padded(grid.rows[position - 1], columns)
            cells = [row[column] for column in columns]
            noted = bool(beside) or position - 1 in remarkable
            known = None if noted else _looked_up(rules, cells)
            if known is not None:
                values.append(known)
                continue
            places = [
                _Cell(position - 1, column, rule)
                for column, rule in zip(columns, rules, strict=True)
            ]
            values.append([_read(grid, cell, layout, sheet) for cell in places])
        return values

    def _items(self, entry: FormInPlan, axis: Axis) -> Sequence[Indicator | None]:
        """The indicator of each member of an axis, None where the axis shows something else."""
        declared = entry.plan.dimensions.get(axis.dimension)
        if declared is None or not declared.indicators:
            return [None] * len(axis.members)
        nodes = self._scheme.indicator_set(declared.indicators).nodes
        return [nodes[member] for member in axis.members]

    def _known(self, entry: FormInPlan, block: Block) -> Known:
        """What the scheme says of a rectangle of scores."""
        full = entry.plan.full_marks
        sides = [self._items(entry, axis) for axis in (block.rows, block.columns)]
        marks = [
            [item.marks for item in items if item is not None and item.marks is not None]
            for items in sides
        ]
        rows_add, columns_add = (full is None and any(items) for items in sides)
        rows = [full] * len(block.rows.members) if full else marks[0]

        def called(dimension: str, member: str) -> Bilingual:
            return self._scheme.title_of(entry.plan, dimension, member)

        words = self._scheme.reading.number_words
        return Known(rows_add, columns_add, rows, [] if full else marks[1], called, words)

    def _rule(self, entry: FormInPlan, item: Indicator | None) -> CellRule:
        marks = entry.plan.full_marks or (item.marks if item else None)
        assert marks is not None, "a scheme without full marks for a sheet does not load"
        key = (entry.stage.id, entry.group, marks)
        if key not in self._rules:
            steps = entry.plan.steps
            grades = [grade for s in steps if isinstance(s, Convert) for grade in s.convert]
            percentages = entry.plan.percentages == "of_full_marks"
            self._rules[key] = CellRule(marks, self._scheme.reading, grades, percentages)
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
                        clause=self._cited(entry, item),
                    )

    def _cited(self, entry: FormInPlan, item: Indicator | None) -> str:
        """The clause that an item comes from: that of its list of units, else its own."""
        found = self._scheme.indicators_in(entry.plan)
        if item is None or found is None:
            return entry.stage.clause
        return (item.assessed.clause if item.assessed else "") or found.cited(item)

    def _may_skip(self, item: Indicator, unit: str) -> bool:
        """Whether an item is mainly assessed for other units than this one."""
        if item.assessed is None:
            return False
        names = self._scheme.unit_names()
        return unit not in {names.match(name) for name in item.assessed.units}

    def _watched(
        self, grid: Sheet, match: SheetMatch, layout: Layout, sheet: SheetScores
    ) -> Iterator[Finding]:
        """What the plan's checks find in the sheet itself: its date, and scores without a reason."""
        for rule in match.entry.plan.checks:
            if isinstance(rule, Dated):
                found = self._dated(grid, match.entry, rule)
            elif isinstance(rule, Reasoned) and not layout.columns.dimension:
                found = self._reasoned(match.entry, rule, sheet)
            else:
                continue
            yield from (replace(item, severity=Severity(rule.severity)) for item in found)

    def _dated(self, grid: Sheet, entry: FormInPlan, rule: Dated) -> Iterator[Finding]:
        stated = stated_date(grid, self._scheme.reading.labels.date)
        window = entry.stage.window
        if stated is None:
            return
        where = grid.source(stated.row, stated.column)
        if stated.day is None:
            yield finding("sheet-date-unread", where, text=stated.text)
        elif not window.from_ <= stated.day <= window.to:
            yield finding(
                "sheet-date-outside",
                where,
                stage=entry.stage.title,
                date=stated.day,
                start=window.from_,
                end=window.to,
                clause=rule.clause,
            )

    def _reasoned(self, entry: FormInPlan, rule: Reasoned, sheet: SheetScores) -> Iterator[Finding]:
        block = sheet.block
        assert block is not None
        given = {remark.source for remark in sheet.remarks}
        for row, item in enumerate(self._items(entry, block.rows)):
            value, where = block.values[row][0], block.source(row, 0)
            full = entry.plan.full_marks or (item.marks if item else None)
            if not isinstance(value, Decimal) or full is None or value >= full or where in given:
                continue
            name = item.title if item else block.rows.members[row]
            lost = plain(full - value)
            yield finding("reason-missing", where, name=name, lost=lost, clause=rule.clause)


def _read(grid: Sheet, cell: _Cell, layout: Layout, sheet: SheetScores) -> Score:
    """One score; what is to be known of it goes into the sheet's findings, ledger and remarks."""
    where = grid.source(cell.row, cell.column)
    raw = grid.value(cell.row, cell.column) if layout.scored else ""
    answer = cell.rule.read(raw, grid.look(cell.row, cell.column))
    sheet.findings += _findings(answer, where)
    read = cell.column
    lost = layout.deductions.get(cell.column)
    if lost is not None:
        from_loss = _less_deduction(grid, cell, lost, answer, sheet)
        if from_loss is not answer:
            answer, read = from_loss, lost
    if answer.rules and not isinstance(answer.value, Absent):
        look = grid.look(cell.row, read)
        said = plain(answer.value) if isinstance(answer.value, Decimal) else str(answer.value)
        sheet.ledger.append(
            LedgerEntry(where, held(grid.value(cell.row, read)), look.format, said, answer.rules)
        )
    note = grid.notes.get((cell.row, cell.column))
    if note:
        sheet.remarks.append(Remark(where, RemarkKind.NOTE, note))
    if "reason" in layout.beside:
        reason = grid.text(cell.row, layout.beside["reason"])
        if reason:
            sheet.remarks.append(Remark(where, RemarkKind.REASON, reason))
    return answer.value


def _less_deduction(
    grid: Sheet, cell: _Cell, column: int, score: Answer, sheet: SheetScores
) -> Answer:
    """The score, or the full marks less the deduction where that alone stands; both must agree."""
    where = grid.source(cell.row, column)
    raw = grid.value(cell.row, column)
    scored = isinstance(score.value, Decimal)
    look = grid.look(cell.row, column)
    if scored:
        raw = _unsigned(raw, cell.rule.reading.number_words)
        if isinstance(raw, Fault) and raw.code == "formula-without-value":
            return score
    elif look.formula and column != cell.column:
        # Full marks less a blank score is what such a formula comes to: nothing was given.
        return score
    answer = cell.rule.read(raw, look)
    sheet.findings += _findings(answer, where)
    full = cell.rule.full_marks
    if not isinstance(answer.value, Decimal):
        return score
    if isinstance(score.value, Decimal):
        if score.value + answer.value == full:
            return score
        params = {"score": plain(score.value), "deduction": plain(answer.value)}
        sheet.findings.append(finding("deduction-disagrees", where, **params, marks=plain(full)))
        tolerated = cell.rule.reading.severities.get("deduction-disagrees") == "warning"
        return score if tolerated else Answer(Absent.MISSING)
    if score.remarked or score.value is Absent.NOT_APPLICABLE:
        return score
    return Answer(full - answer.value, (), (*answer.rules, Rule.DEDUCTION))


def _unsigned(raw: Raw, words: Sequence[str]) -> Raw:
    """A deduction without its sign: beside a score that it can be held against, it may have one."""
    if isinstance(raw, float) and raw < 0:
        return -raw
    if isinstance(raw, str):
        read = read_text(raw, words)
        if read is not None and not read.percent and read.number < 0:
            return plain(-read.number)
    return raw


def _part_merged(
    grid: Sheet, layout: Layout, values: list[list[Score]], sheet: SheetScores
) -> None:
    """Scores that share one merged cell are nobody's."""
    rows = {position - 1: at for at, position in enumerate(layout.rows.positions)}
    columns = {position - 1: at for at, position in enumerate(layout.columns.positions)}
    for area in grid.merged:
        within = [
            (rows[row], columns[column])
            for row in rows
            if area.top <= row <= area.bottom
            for column in columns
            if area.left <= column <= area.right
        ]
        top_left = rows.get(area.top, -1), columns.get(area.left, -1)
        covered = [
            at for at in within if at != top_left and values[at[0]][at[1]] is not Absent.MISSING
        ]
        if len(within) < 2 and not covered:
            continue
        for row, column in within:
            values[row][column] = Absent.MISSING
        first, last = address(area.top, area.left), address(area.bottom, area.right)
        where = grid.source(area.top, area.left)
        sheet.findings.append(finding("score-merged", where, cells=f"{first}:{last}"))


def _without_missing(
    ledger: Sequence[LedgerEntry], layout: Layout, values: Sequence[Sequence[Score]]
) -> list[LedgerEntry]:
    """The entries of cells that kept their scores."""
    kept = (
        {
            address(row - 1, column - 1)
            for row, line in zip(layout.rows.positions, values, strict=True)
            for column, value in zip(layout.columns.positions, line, strict=True)
            if not isinstance(value, Absent)
        }
        if ledger
        else set()
    )
    return [entry for entry in ledger if entry.source.cell in kept]


def _looked_up(rules: Sequence[CellRule], cells: Sequence[Raw]) -> list[Score] | None:
    """The values of a row in which every content has been read before without a word; else None."""
    if bool in set(map(type, cells)):
        return None
    try:
        return [rule.plain[cell] for rule, cell in zip(rules, cells, strict=True)]
    except KeyError:
        return None


def _findings(answer: Answer, where: Source) -> list[Finding]:
    return [Finding(item.code, item.params, where) for item in answer.remarked]


def _padded(cells: Sequence[Raw], columns: Sequence[int]) -> Sequence[Raw]:
    missing = max(columns) + 1 - len(cells)
    return [*cells, *([""] * missing)] if missing > 0 else cells
