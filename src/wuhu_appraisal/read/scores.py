"""The scores of a recognised sheet: a rectangle of cells, each read and checked."""

from collections.abc import Sequence
from decimal import Decimal

from wuhu_appraisal.findings import address, finding
from wuhu_appraisal.model import Absent, Axis, Block, Remark, RemarkKind, Rule, Score
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.read.cells import Answer, CellRule, SheetContent, parse_text
from wuhu_appraisal.read.checks import check_sheet
from wuhu_appraisal.read.forms import FormIndex, FormInPlan, SheetMatch
from wuhu_appraisal.read.layout import AxisNames, Layout, find_layout
from wuhu_appraisal.read.plausible import take_out_mixed
from wuhu_appraisal.read.totals import Expected, differences
from wuhu_appraisal.scheme.models import Indicator, Scheme
from wuhu_appraisal.workbooks.cell import Fault, Raw, Sheet


class ScoreReader:
    """Reads the sheets of one scheme; the answers about cells are kept for the next sheet."""

    def __init__(self, scheme: Scheme, forms: FormIndex) -> None:
        self._scheme = scheme
        self._forms = forms
        self._rules: dict[tuple[str, str, Decimal | None], CellRule] = {}

    def read(self, sheet: Sheet, match: SheetMatch) -> SheetContent:
        """Return the scores of a sheet; no block if its layout cannot be made out."""
        entry, reading = match.entry, self._scheme.reading
        axes = [self._axis_names(entry, dimension) for dimension in entry.form.axes]
        layout, findings = find_layout(self._scheme, axes, sheet)
        content = SheetContent(findings=findings)
        if layout is None:
            return content
        items = self._items(entry, layout.rows), self._items(entry, layout.columns)
        values = self._values(sheet, entry, layout, items, content)
        _take_out_merged(sheet, layout, values, content)
        full = entry.plan.full_marks
        marks = [full or (item.marks if item else None) for item in items[1]]
        content.findings += take_out_mixed(sheet, layout, values, marks, content.ledger, reading)
        _drop_missing(content, layout, values)
        block = Block(sheet.file, sheet.name, match.fixed, layout.rows, layout.columns, values)
        content.block = block
        expected = Expected.of(self._scheme, entry.plan, *items)
        content.findings += differences(sheet, layout, block, expected)
        content.findings += check_sheet(self._scheme, entry, sheet, block, items, content.remarks)
        return content

    def _axis_names(self, entry: FormInPlan, dimension: str) -> AxisNames:
        labels = self._scheme.reading.labels
        words = labels.indicator if dimension == entry.plan.indicator_dimension else labels.unit
        return AxisNames(dimension, self._forms.names(entry, dimension), words)

    def _items(self, entry: FormInPlan, axis: Axis) -> Sequence[Indicator | None]:
        """Return the indicator of each member of an axis, None where the axis shows something else."""
        indicators = self._scheme.indicators_in(entry.plan)
        if indicators is None or axis.dimension != entry.plan.indicator_dimension:
            return [None] * len(axis.members)
        return [indicators.nodes[member] for member in axis.members]

    def _values(
        self,
        sheet: Sheet,
        entry: FormInPlan,
        layout: Layout,
        items: tuple[Sequence[Indicator | None], Sequence[Indicator | None]],
        content: SheetContent,
    ) -> list[list[Score]]:
        """Read every score, row by row."""
        cells = _Cells(sheet, layout, content)
        columns = [position - 1 for position in layout.columns.positions]
        values: list[list[Score]] = []
        shared: list[CellRule] = []
        for position, item in zip(layout.rows.positions, items[0], strict=True):
            if item is None:
                shared = rules = shared or [self._rule(entry, other) for other in items[1]]
            else:
                rules = [self._rule(entry, item)] * len(columns)
            values.append(cells.row(position - 1, columns, rules))
        return values

    def _rule(self, entry: FormInPlan, item: Indicator | None) -> CellRule:
        marks = entry.plan.full_marks or (item.marks if item else None)
        key = (entry.stage.id, entry.group, marks)
        if key not in self._rules:
            self._rules[key] = CellRule.of(self._scheme.reading, entry.plan, item)
        return self._rules[key]


class _Cells:
    """The cells of a sheet whose layout is known; what is to be known of them goes into ``content``."""

    def __init__(self, sheet: Sheet, layout: Layout, content: SheetContent) -> None:
        self._sheet = sheet
        self._layout = layout
        self._content = content
        self._reason = layout.beside.get("reason")
        self._noted_rows = sheet.remarkable_rows()

    def row(self, row: int, columns: Sequence[int], rules: Sequence[CellRule]) -> list[Score]:
        """Read the scores of a row."""
        beside = self._layout.deductions or self._reason is not None
        if not beside and row not in self._noted_rows:
            known = _known_values(self._sheet.rows[row], columns, rules)
            if known is not None:
                return known
        places = zip(columns, rules, strict=True)
        return [self._score(row, column, rule) for column, rule in places]

    def _score(self, row: int, column: int, rule: CellRule) -> Score:
        """Read one score."""
        sheet, content = self._sheet, self._content
        where = sheet.source(row, column)
        raw = sheet.value(row, column) if self._layout.scored else ""
        answer = rule.read(raw, sheet.look(row, column))
        content.findings += answer.findings_at(where)
        read_column = column
        deductions = self._layout.deductions.get(column)
        if deductions is not None:
            less = self._less_deduction(row, column, deductions, rule, answer)
            if less is not answer:
                answer, read_column = less, deductions
        value, look = sheet.value(row, read_column), sheet.look(row, read_column)
        content.enter(where, answer, value, look)
        note = sheet.notes.get((row, column))
        if note:
            content.remarks.append(Remark(where, RemarkKind.NOTE, note))
        reason = "" if self._reason is None else sheet.text(row, self._reason)
        if reason:
            content.remarks.append(Remark(where, RemarkKind.REASON, reason))
        return answer.value

    def _less_deduction(
        self, row: int, column: int, deductions: int, rule: CellRule, score: Answer
    ) -> Answer:
        """Return the score, or full marks less the deduction if that stands alone; both must agree."""
        where = self._sheet.source(row, deductions)
        raw, look = self._sheet.value(row, deductions), self._sheet.look(row, deductions)
        if isinstance(score.value, Decimal):
            raw = _without_sign(raw, rule.reading.number_words)
            if isinstance(raw, Fault) and raw.code == "formula-without-value":
                return score
        elif look.formula and deductions != column:
            # Such a formula makes a blank score full marks less nothing: nobody gave a score.
            return score
        answer = rule.read(raw, look)
        self._content.findings += answer.findings_at(where)
        if not isinstance(answer.value, Decimal):
            return score
        full = rule.full_marks
        if isinstance(score.value, Decimal):
            if score.value + answer.value == full:
                return score
            numbers = {"score": score.value, "deduction": answer.value, "marks": full}
            params = {name: plain(number) for name, number in numbers.items()}
            self._content.findings.append(finding("deduction-disagrees", where, **params))
            tolerated = rule.reading.severity("deduction-disagrees") == "warning"
            return score if tolerated else Answer(Absent.MISSING)
        if score.findings or score.value is Absent.NOT_APPLICABLE:
            return score
        return Answer(full - answer.value, (), (*answer.rules, Rule.DEDUCTION))


def _known_values(
    cells: Sequence[Raw], columns: Sequence[int], rules: Sequence[CellRule]
) -> list[Score] | None:
    """Return the values of a row of which every content is known to its rule, else None."""
    try:
        row = [cells[column] for column in columns]
        if bool in set(map(type, row)):
            return None
        return [rule.known[cell] for rule, cell in zip(rules, row, strict=True)]
    except (IndexError, KeyError):
        return None


def _without_sign(raw: Raw, words: Sequence[str]) -> Raw:
    """Return a deduction without its sign, which it may have beside a score that it must agree with."""
    if isinstance(raw, float) and raw < 0:
        return -raw
    parsed = parse_text(raw, words) if isinstance(raw, str) else None
    if parsed is not None and not parsed.percent and parsed.number < 0:
        return plain(-parsed.number)
    return raw


def _take_out_merged(
    sheet: Sheet, layout: Layout, values: list[list[Score]], content: SheetContent
) -> None:
    """Take out the scores that share one merged cell: they are nobody's."""
    rows = {position - 1: at for at, position in enumerate(layout.rows.positions)}
    columns = {position - 1: at for at, position in enumerate(layout.columns.positions)}
    for area in sheet.merged:
        within = [
            (rows[row], columns[column])
            for row in rows
            if area.top <= row <= area.bottom
            for column in columns
            if area.left <= column <= area.right
        ]
        first = rows.get(area.top, -1), columns.get(area.left, -1)
        covered = [
            at for at in within if at != first and values[at[0]][at[1]] is not Absent.MISSING
        ]
        if len(within) < 2 and not covered:
            continue
        for row, column in within:
            values[row][column] = Absent.MISSING
        cells = f"{address(area.top, area.left)}:{address(area.bottom, area.right)}"
        where = sheet.source(area.top, area.left)
        content.findings.append(finding("score-merged", where, cells=cells))


def _drop_missing(content: SheetContent, layout: Layout, values: Sequence[Sequence[Score]]) -> None:
    """Leave those entries out of the ledger whose cells have lost their scores."""
    if content.ledger:
        kept = {
            address(row - 1, column - 1)
            for row, line in zip(layout.rows.positions, values, strict=True)
            for column, value in zip(layout.columns.positions, line, strict=True)
            if not isinstance(value, Absent)
        }
        content.ledger = [entry for entry in content.ledger if entry.source.cell in kept]
