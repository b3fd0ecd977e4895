"""The records of adjustments: who gets points, how many, why, and on what evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.intake.cells import CellRule
from wuhu_appraisal.intake.grid import Grid, Raw
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.scheme.adjustments import Adjustment, Bands, Fixed, Stated
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.table import Record, column_letters

_HEADER_ROWS = 40
_ANY = Decimal(10) ** 9


def read_records(
    scheme: Scheme, adjustments: Sequence[Adjustment], grid: Grid
) -> tuple[list[Record], list[Finding]]:
    """The records in a sheet that one or more adjustments share, one for each group of units."""
    header = _header(grid, adjustments[0])
    if header is None:
        expected = ", ".join(labels[0] for labels in _columns(adjustments[0]).values() if labels)
        return [], [finding("sheet-no-header", Source(grid.file, grid.sheet), expected=expected)]
    row, columns = header
    records: list[Record] = []
    findings: list[Finding] = []
    for position in range(row + 1, len(grid.rows)):
        reader = _Row(scheme, adjustments, grid, position, columns)
        record, found = reader.read()
        findings += found
        if record is not None:
            records.append(record)
    return records, findings


@dataclass(frozen=True, slots=True)
class _Row:
    scheme: Scheme
    adjustments: Sequence[Adjustment]
    grid: Grid
    position: int
    columns: Mapping[str, int]

    def read(self) -> tuple[Record | None, list[Finding]]:
        cells = [cell for cell in self.grid.rows[self.position] if cell != ""]
        if not cells or self._is_foot(str(cells[0])):
            return None, []
        name = str(self._raw("unit")).strip()
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
                finding("adjustment-group", self._at("unit"), unit=unit, adjustment=title)
            ]
        return self._record(adjustment, unit)

    def _record(self, adjustment: Adjustment, unit: str) -> tuple[Record | None, list[Finding]]:
        texts = {name: str(self._raw(name)).strip() for name in ("reason", "evidence")}
        findings = [
            finding(f"adjustment-no-{name}", self._at(name), unit=unit, adjustment=adjustment.title)
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
        record = Record(adjustment.id, unit, points, source=self._at(column), **texts)
        return record, [*findings, *problem]

    def _stated(self, adjustment: Adjustment, column: str) -> tuple[Decimal | None, list[Finding]]:
        """What a record states, None with the reason where it states nothing usable."""
        rule = adjustment.points
        if isinstance(rule, Fixed):
            return rule.fixed, []
        most = rule.max if isinstance(rule, Stated) else _ANY
        answer = CellRule(most, frozenset()).read(self._raw(column))
        refused = [
            Finding(refusal.code, refusal.params, self._at(column))
            for refusal in [answer.refusal]
            if refusal is not None
        ]
        if isinstance(answer.value, Decimal):
            return answer.value, refused
        blank = finding("adjustment-blank", self._at(column), adjustment=adjustment.title)
        return None, refused or [blank]

    def _adjustment(self, unit: str) -> Adjustment | None:
        for adjustment in self.adjustments:
            for group in adjustment.groups:
                if any(member.name == unit for member in self.scheme.group(group).units):
                    return adjustment
        return None

    def _is_foot(self, text: str) -> bool:
        labels = self.scheme.reading.labels
        return normalise(text).startswith(tuple(map(normalise, [*labels.foot, *labels.total])))

    def _raw(self, column: str) -> Raw:
        at = self.columns.get(column)
        cells = self.grid.rows[self.position]
        return cells[at] if at is not None and at < len(cells) else ""

    def _at(self, column: str) -> Source:
        letters = column_letters(self.columns.get(column, 0) + 1)
        return Source(self.grid.file, self.grid.sheet, f"{letters}{self.position + 1}")


def once_only(scheme: Scheme, records: Sequence[Record]) -> list[Finding]:
    """A second record of an adjustment that a unit can have once, and the same record twice."""
    rules = {adjustment.id: adjustment for adjustment in scheme.adjustments}
    first: dict[tuple[str, ...], Record] = {}
    findings: list[Finding] = []
    for record in records:
        rule = rules[record.id]
        grounds = () if rule.once else (str(record.points), record.reason, record.evidence)
        key = (record.id, record.unit, *grounds)
        if key in first:
            findings.append(
                finding(
                    "adjustment-twice",
                    record.source,
                    unit=record.unit,
                    adjustment=rule.title,
                    first=first[key].source,
                )
            )
        first.setdefault(key, record)
    return findings


def _columns(adjustment: Adjustment) -> dict[str, list[str]]:
    form = adjustment.form
    columns = {"unit": form.unit, "reason": form.reason, "evidence": form.evidence}
    if isinstance(adjustment.points, Bands):
        columns["value"] = form.value
    if isinstance(adjustment.points, Stated):
        columns["points"] = form.points
    return columns


def _header(grid: Grid, adjustment: Adjustment) -> tuple[int, dict[str, int]] | None:
    """The row that has a label for the unit and for the points, and the column of each label."""
    wanted = _columns(adjustment)
    needed = {"unit", *({"value", "points"} & wanted.keys())}
    for row in range(min(len(grid.rows), _HEADER_ROWS)):
        texts = [normalise(grid.text(row, column)) for column in range(len(grid.rows[row]))]
        found = {
            name: texts.index(normalise(label))
            for name, labels in wanted.items()
            for label in reversed(labels)
            if normalise(label) in texts
        }
        if needed <= found.keys():
            return row, found
    return None
