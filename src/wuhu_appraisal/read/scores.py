"""The scores of a recognised sheet, or a register's marks: a rectangle of cells, each read and checked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from wuhu_appraisal.findings import QUOTED_NAME, Finding, Severity, address, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, Block, Remark, RemarkKind, Rule, Score
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.read.cells import Answer, CellRule, parse_text
from wuhu_appraisal.read.checks import check_sheet, take_out_mixed
from wuhu_appraisal.read.forms import FormIndex, FormInPlan, SheetMatch
from wuhu_appraisal.read.layout import AxisNames, find_layout
from wuhu_appraisal.read.sheet import SheetContent, SheetScores
from wuhu_appraisal.read.unread import Misnamed, Unread, absence_is_error, due
from wuhu_appraisal.scheme.models import Indicator, Scheme
from wuhu_appraisal.workbooks.cell import Fault, Raw, Sheet

_SHOWN = 3


class ScoreReader:
    """Reads the sheets of one scheme; the answers about cells are kept for the next sheet."""

    def __init__(self, scheme: Scheme, forms: FormIndex) -> None:
        self._scheme = scheme
        self._forms = forms
        self._rules: dict[tuple[str, str, Decimal | str | None], CellRule] = {}
        reading = scheme.reading
        marks = [*reading.not_applicable, *reading.inapplicable]
        labels = reading.labels.model_copy(update={"score": reading.labels.applies})
        reading = reading.model_copy(update={"not_applicable": marks, "labels": labels})
        self._mark_rule = CellRule(Decimal(1), reading, reading.applicable)
        self._for_registers = scheme.model_copy(update={"reading": reading})

    def read(self, sheet: Sheet, match: SheetMatch) -> SheetContent:
        """Return the scores of a sheet; no block if its layout cannot be made out."""
        labels, entry = self._scheme.reading.labels, match.entry
        needed = all(step.missing == "error" for step in entry.plan.roll_ups)
        axes = [
            AxisNames(
                dimension,
                self._forms.names(entry, dimension),
                labels.indicator if dimension == entry.plan.indicator_dimension else labels.unit,
                needed,
            )
            for dimension in entry.form.axes
        ]
        scheme = self._for_registers if entry.is_register else self._scheme
        layout, findings = find_layout(scheme, axes, sheet)
        if layout is None:
            unread = [] if entry.is_register else _all_unread(match, findings)
            return SheetContent(findings=findings, unread=unread)
        scores = SheetScores(self._scheme, match, sheet, layout, findings)
        if not entry.is_register:
            _find_lacking(scores, axes)
        self._read_rows(scores)
        _take_out_merged(scores)
        if not entry.is_register:
            scores.findings += take_out_mixed(scores)
        _drop_missing(scores)
        scores.block = Block(
            sheet.file, sheet.name, match.fixed, layout.rows, layout.columns, scores.values
        )
        if entry.is_register:
            scores.findings = [
                replace(item, code="register-mark-unknown")
                if item.code == "grade-unknown"
                else item
                for item in scores.findings
            ]
            scores.findings += _unmarked(scores)
        else:
            scores.findings += check_sheet(scores)
        return scores

    def _read_rows(self, scores: SheetScores) -> None:
        """Read the scores row by row; a plain row is looked up if all its contents are known."""
        if not scores.rows:
            return
        down = any(scores.row_items)
        across = [] if down else [self._rule(scores.entry, item) for item in scores.column_items]
        beside = scores.layout.deductions or "reason" in scores.layout.beside
        remarkable = {row for row, _column in (*scores.sheet.styled, *scores.sheet.notes)}
        for row, item in zip(scores.rows, scores.row_items, strict=True):
            rules = [self._rule(scores.entry, item)] * len(scores.columns) if down else across
            values = None
            if not beside and row not in remarkable:
                values = _known_values(scores.sheet.rows[row], scores.columns, rules)
            if values is None:
                cells = zip(scores.columns, rules, strict=True)
                values = [_read_score(scores, row, column, rule) for column, rule in cells]
            scores.values.append(values)

    def _rule(self, entry: FormInPlan, item: Indicator | None) -> CellRule:
        if entry.is_register:
            return self._mark_rule
        marks = entry.plan.marks_of(item)
        key = (entry.stage.id, entry.group, item.id if item and item.fact else marks)
        if key not in self._rules:
            self._rules[key] = CellRule.of(self._scheme.reading, entry.plan, item)
        return self._rules[key]


def _all_unread(match: SheetMatch, findings: Sequence[Finding]) -> list[Unread]:
    """Return all scores of a sheet that holds none which could be read."""
    entry = match.entry
    return [
        Unread(item.code, item.source, entry.stage.id, entry.group, match.fixed)
        for item in findings
        if item.severity is Severity.ERROR
    ]


def _find_lacking(scores: SheetScores, axes: Sequence[AxisNames]) -> None:
    """Find the members that a sheet lacks, and the names and findings that explain why."""
    match, entry = scores.match, scores.entry
    if not scores.rows:
        scores.unread += _all_unread(match, scores.findings)
    for axis in axes:
        if axis.names is None:
            continue
        along = scores.layout.rows, scores.layout.columns
        present = {
            member for one in along if one.dimension == axis.dimension for member in one.members
        }
        expected = due(scores.scheme, entry, axis.dimension, axis.names.members)
        lacking = [member for member in expected if member not in present]
        if not lacking:
            continue
        if absence_is_error(scores.scheme, entry, axis.dimension):
            scores.incomplete.add(axis.dimension)
        rows = axis.dimension == scores.layout.rows.dimension
        for member, item in scores.layout.overlong.items() if rows else ():
            if member in lacking:
                members = {**match.fixed, axis.dimension: member}
                where = item.code, item.source, entry.stage.id, entry.group
                scores.unread.append(Unread(*where, members))
        for item in scores.findings:
            if item.code == "name-twice" and item.params["name"] in lacking:
                members = {**match.fixed, axis.dimension: str(item.params["name"])}
                where = item.code, item.source, entry.stage.id, entry.group
                scores.unread.append(Unread(*where, members))
            elif item.code == ("name-unknown" if rows else "column-unknown"):
                name = str(item.params[QUOTED_NAME[item.code]])
                about = entry, match.fixed, axis.dimension, lacking
                nearest = axis.suggest(name)
                scores.misnamed.append(Misnamed(item.code, item.source, name, *about, nearest))


def _read_score(scores: SheetScores, row: int, column: int, rule: CellRule) -> Score:
    """Read one score; what is to be known of its cell goes into ``scores``."""
    sheet, layout = scores.sheet, scores.layout
    where = sheet.source(row, column)
    raw = sheet.value(row, column) if layout.scored else ""
    answer = rule.read(raw, sheet.look(row, column))
    scores.findings += answer.findings_at(where)
    read_column = column
    if column in layout.deductions:
        less = _less_deduction(scores, row, column, rule, answer)
        if less is not answer:
            answer, read_column = less, layout.deductions[column]
    scores.enter(where, answer, sheet.value(row, read_column), sheet.look(row, read_column))
    note = sheet.notes.get((row, column), "")
    reason = sheet.text(row, layout.beside["reason"]) if "reason" in layout.beside else ""
    remarks = {RemarkKind.NOTE: note, RemarkKind.REASON: reason}
    scores.remarks += [Remark(where, kind, text) for kind, text in remarks.items() if text]
    return answer.value


def _unmarked(scores: SheetScores) -> Iterator[Finding]:
    """Yield the bodies of a register with items that have no mark, and the items that it lacks."""
    rows, columns, plan = scores.layout.rows, scores.layout.columns, scores.plan
    down = rows.dimension == plan.indicator_dimension
    items = rows.members if down else columns.members
    items_in_plan = {item.id: item.title for item in scores.scheme.items_in(plan)}
    wrong = {item.source for item in scores.findings}
    blanks: dict[int, list[tuple[int, int]]] = {}
    for row, values in enumerate(scores.values):
        for column, value in enumerate(values):
            if value is Absent.MISSING and scores.source(row, column) not in wrong:
                blanks.setdefault(column if down else row, []).append((row, column))
    named = columns.members if down else rows.members
    lacking = [title for item, title in items_in_plan.items() if item not in items]
    if lacking and scores.values:
        yield _blank(scores, (0, 0), scores.entry.title, lacking)
    for at, cells in blanks.items():
        titles = [items_in_plan[items[cell[0] if down else cell[1]]] for cell in cells]
        yield _blank(scores, cells[0], named[at] or scores.sheet.name, titles)


def _blank(
    scores: SheetScores, at: tuple[int, int], name: str | Bilingual, items: Sequence[Bilingual]
) -> Finding:
    params = {"name": name, "items": Bilingual.listed(items, _SHOWN), "count": len(items)}
    return finding("register-blank", scores.source(*at), **params)


def _less_deduction(
    scores: SheetScores, row: int, column: int, rule: CellRule, score: Answer
) -> Answer:
    """Return the score, or full marks less the deduction if that stands alone; both must agree."""
    at = scores.layout.deductions[column]
    where, raw = scores.sheet.source(row, at), scores.sheet.value(row, at)
    look = scores.sheet.look(row, at)
    if isinstance(score.value, Decimal):
        raw = _without_sign(raw, rule.reading.number_words)
        if isinstance(raw, Fault) and raw.code == "formula-without-value":
            return score
    elif look.formula and at != column:
        # Such a formula makes a blank score full marks less nothing: nobody gave a score.
        return score
    answer = rule.read(raw, look)
    if look.formula and raw == 0 and isinstance(score.value, Decimal):
        # Beside a score it shows by agreeing that it is calculated.
        answer = Answer(Decimal(0), (), answer.rules)
    scores.findings += answer.findings_at(where)
    if not isinstance(answer.value, Decimal):
        return score
    full = rule.full_marks
    if full is None:
        return score  # Nothing can be taken from points without an end.
    if isinstance(score.value, Decimal):
        if score.value + answer.value == full:
            return score
        numbers = {"score": score.value, "deduction": answer.value, "marks": full}
        params = {name: plain(number) for name, number in numbers.items()}
        scores.findings.append(finding("deduction-disagrees", where, **params))
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


def _take_out_merged(scores: SheetScores) -> None:
    """Take out the scores that share one merged cell: they are nobody's."""
    for area in scores.sheet.merged:
        rows = [at for at, row in enumerate(scores.rows) if area.top <= row <= area.bottom]
        columns = [at for at, col in enumerate(scores.columns) if area.left <= col <= area.right]
        within = [(row, column) for row in rows for column in columns]
        covered = any(
            scores.values[row][column] is not Absent.MISSING
            for row, column in within
            if (scores.rows[row], scores.columns[column]) != (area.top, area.left)
        )
        if len(within) < 2 and not covered:
            continue
        for row, column in within:
            scores.values[row][column] = Absent.MISSING
        cells = f"{address(area.top, area.left)}:{address(area.bottom, area.right)}"
        where = scores.sheet.source(area.top, area.left)
        scores.findings.append(finding("score-merged", where, cells=cells))


def _drop_missing(scores: SheetScores) -> None:
    """Leave those entries out of the ledger whose cells have lost their scores."""
    if scores.ledger:
        kept = {
            address(scores.rows[row], scores.columns[column])
            for row, values in enumerate(scores.values)
            for column, value in enumerate(values)
            if not isinstance(value, Absent)
        }
        scores.ledger = [entry for entry in scores.ledger if entry.source.cell in kept]
