"""The records of adjustments: who gets points, how many, why, and on what evidence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.model import LedgerEntry, Record
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.read.cells import CellRule, held
from wuhu_appraisal.read.layout import HEADER_ROWS, labelled, starts_with
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Adjustment, Bands, Fixed, Stated
from wuhu_appraisal.workbooks.cell import Raw, Sheet

_ANY = Decimal(10) ** 9


@dataclass(slots=True)
class SheetRecords:
    """What an adjustment's sheet came to."""

    records: list[Record] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)


def read_records(scheme: Scheme, adjustments: Sequence[Adjustment], grid: Sheet) -> SheetRecords:
    """The records in a sheet that one or more adjustments share, one for each group of units."""
    header, findings = _header(scheme, grid, adjustments[0])
    sheet = SheetRecords(findings=findings)
    if header is None:
        return sheet
    row, columns = header
    for position in range(row + 1, len(grid.rows)):
        reader = _Row(scheme, adjustments, grid, position, columns, sheet.ledger)
        record, found = reader.read()
        sheet.findings += found
        if record is not None:
            sheet.records.append(record)
    return sheet


@dataclass(frozen=True, slots=True)
class _Row:
    scheme: Scheme
    adjustments: Sequence[Adjustment]
    grid: Sheet
    position: int
    columns: Mapping[str, int]
    ledger: list[LedgerEntry]

    def read(self) -> tuple[Record | None, list[Finding]]:
        name = str(self._raw("unit")).strip()
        cells = [cell for cell in self.grid.rows[self.position] if cell != ""]
        labels = self.scheme.reading.labels
        if not cells or labelled(name, labels.total):
            return None, []
        if starts_with(name or str(cells[0]), (*labels.foot, *labels.total)):
            return None, []
        tokens = set(map(normalise, self.scheme.reading.not_applicable))
        if len(cells) == 1 and normalise(name) in tokens:
            # Nobody has any.
            return None, []
        if not name:
            if all(self._raw(column) == "" for column in self.columns):
                return None, []
            return None, [finding("row-without-name", self._at("unit"))]
        unit = self.scheme.unit_names().match(name)
        if unit is None:
            suggestion = self.scheme.unit_names().suggest(name)
            return None, [
                finding("name-unknown", self._at("unit"), name=name, suggestion=suggestion)
            ]
        adjustment = self._adjustment(unit)
        if adjustment is None:
            title = self.adjustments[0].title
            return None, [
                finding(
                    "adjustment-group",
                    self._at("unit"),
                    unit=unit,
                    adjustment=title,
                    clause=self.adjustments[0].clause,
                )
            ]
        return self._record(adjustment, unit)

    def _record(self, adjustment: Adjustment, unit: str) -> tuple[Record | None, list[Finding]]:
        nothing = set(map(normalise, self.scheme.reading.not_applicable))
        texts = {
            name: "" if normalise(text) in nothing else text
            for name, text in (
                (name, str(self._raw(name)).strip()) for name in ("reason", "evidence")
            )
        }
        findings = [
            finding(
                f"adjustment-no-{name}",
                self._at(name),
                unit=unit,
                adjustment=adjustment.title,
                clause=adjustment.clause,
            )
            for name in adjustment.requires
            if not texts[name]
        ]
        column = {Fixed: "unit", Stated: "points", Bands: "value"}[type(adjustment.points)]
        stated, problem = self._stated(adjustment, column)
        if stated is None:
            return None, [*findings, *problem]
        points = adjustment.signed_points(stated)
        if points is None:
            where = self._at(column)
            outside = finding(
                "adjustment-outside-bands", where, value=plain(stated), adjustment=adjustment.title
            )
            return None, [*findings, outside]
        severities = self.scheme.reading.severities
        if any(severities.get(item.code) != "warning" for item in findings):  # type: ignore[call-overload]
            return None, [*findings, *problem]
        record = Record(adjustment.id, unit, points, source=self._at(column), **texts)
        return record, [*findings, *problem]

    def _stated(self, adjustment: Adjustment, column: str) -> tuple[Decimal | None, list[Finding]]:
        """What a record states, None with the reason where it states nothing usable."""
        rule = adjustment.points
        if isinstance(rule, Fixed):
            return rule.fixed, []
        most = rule.max if isinstance(rule, Stated) else _ANY
        reading = self.scheme.reading.model_copy(update={"not_applicable": []})
        look = self.grid.look(self.position, self.columns[column])
        raw = self._raw(column)
        answer = CellRule(most, reading).read(raw, look)
        where = self._at(column)
        refused = [Finding(item.code, item.params, where) for item in answer.remarked]
        if isinstance(answer.value, Decimal):
            if answer.rules:
                value = plain(answer.value)
                self.ledger.append(LedgerEntry(where, held(raw), look.format, value, answer.rules))
            return answer.value, refused
        blank = finding("adjustment-blank", self._at(column), adjustment=adjustment.title)
        return None, refused or [blank]

    def _adjustment(self, unit: str) -> Adjustment | None:
        for adjustment in self.adjustments:
            for group in adjustment.groups:
                if any(member.name == unit for member in self.scheme.group(group).units):
                    return adjustment
        return None

    def _raw(self, column: str) -> Raw:
        at = self.columns.get(column)
        cells = self.grid.rows[self.position]
        return cells[at] if at is not None and at < len(cells) else ""

    def _at(self, column: str) -> Source:
        return self.grid.source(self.position, self.columns.get(column, 0))


def once_only(scheme: Scheme, records: Sequence[Record]) -> tuple[list[Record], list[Finding]]:
    """The records without those that may stand only once and stand twice; neither then counts.

    That is a second record of an adjustment that a unit can have once, and one that repeats
    another in points, reason and evidence.
    """
    rules = {adjustment.id: adjustment for adjustment in scheme.adjustments}
    same: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        once = rules[record.id].once
        grounds = () if once else (str(record.points), record.reason, record.evidence)
        same.setdefault((record.id, record.unit, *grounds), []).append(record)
    findings = [
        finding(
            "adjustment-twice",
            record.source,
            unit=record.unit,
            adjustment=rules[record.id].title,
            clause=rules[record.id].clause,
            first=found[0].source,
        )
        for found in same.values()
        for record in found[1:]
    ]
    return [found[0] for found in same.values() if len(found) == 1], findings


def _columns(adjustment: Adjustment) -> dict[str, tuple[str, ...]]:
    form = adjustment.form
    columns = {"unit": form.unit, "reason": form.reason, "evidence": form.evidence}
    if isinstance(adjustment.points, Bands):
        columns["value"] = form.value
    if isinstance(adjustment.points, Stated):
        columns["points"] = form.points
    return columns


def _header(
    scheme: Scheme, grid: Sheet, adjustment: Adjustment
) -> tuple[tuple[int, dict[str, int]] | None, list[Finding]]:
    """The row with a label for the unit and for the points, and the column of each label.

    Two columns that could hold the same thing are an error: neither is preferred.
    """
    wanted = _columns(adjustment)
    needed = {"unit", *({"value", "points"} & wanted.keys())}
    for row in range(min(len(grid.rows), HEADER_ROWS)):
        texts = {column: grid.text(row, column) for column in range(len(grid.rows[row]))}
        found = {
            name: [column for column, text in texts.items() if labelled(text, labels)]
            for name, labels in wanted.items()
        }
        if all(found[name] for name in needed):
            known = {name: columns[0] for name, columns in found.items() if columns}
            return (row, known), list(_doubtful(scheme, grid, row, texts, found))
    expected = ", ".join(labels[0] for labels in wanted.values() if labels)
    return None, [finding("sheet-no-header", Source(grid.file, grid.name), expected=expected)]


def _doubtful(
    scheme: Scheme,
    grid: Sheet,
    row: int,
    texts: Mapping[int, str],
    found: Mapping[str, Sequence[int]],
) -> Iterator[Finding]:
    """Columns that could hold the same thing, and columns that are not known."""
    known = {column for columns in found.values() for column in columns}
    for columns in found.values():
        for other in columns[1:]:
            labels = {"label": texts[other], "first": texts[columns[0]]}
            yield finding("column-ambiguous", grid.source(row, other), **labels)
    for column, text in texts.items():
        if text and column not in known and not labelled(text, scheme.reading.labels.ignored):
            yield finding("column-unknown", grid.source(row, column), label=text)
