"""The records of adjustments: who gets points, how many, why, and on what evidence."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from wuhu_appraisal.findings import Finding, Source, finding, parse_address
from wuhu_appraisal.language import N_
from wuhu_appraisal.model import Record
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import decimal_total, plain
from wuhu_appraisal.read.cells import CellRule
from wuhu_appraisal.read.labels import labelled, starts_with
from wuhu_appraisal.read.layout import HEADER_ROWS, overlong
from wuhu_appraisal.read.rows import Rows
from wuhu_appraisal.read.sheet import SheetContent
from wuhu_appraisal.scheme.final import Adjustment, Bands, Each, Fixed, Stated
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Reading
from wuhu_appraisal.workbooks.cell import Raw, Sheet

_MOST_VALUE = Decimal(10) ** 9
"""No value that falls into bands, such as a rank, is higher."""

_STATED_IN = {Fixed: "unit", Stated: "points", Bands: "value", Each: "value"}
"""The column of a record's number by the kind of points; fixed points have none of their own."""


def read_records(scheme: Scheme, adjustments: Sequence[Adjustment], sheet: Sheet) -> SheetContent:
    """Return the records in a sheet that one or more adjustments share, each for other groups."""
    content = SheetContent()
    form, number = adjustments[0].form, _STATED_IN[type(adjustments[0].points)]
    labels = {"unit": form.unit, "reason": form.reason, "evidence": form.evidence}
    labels[number] = getattr(form, number)
    header, columns = find_header(scheme, labels, {"unit", number}, sheet, content.findings)
    if columns:
        lines, width = lines_below(scheme, sheet, header, [columns[number]])
        reader = _RecordReader(scheme, sheet, columns, content, lines, width, adjustments)
        records = map(reader.read, range(header + 1, len(sheet.rows)))
        content.records += [record for record in records if record is not None]
        _once, repeated = drop_repeated(scheme, content.records)
        places = (parse_address(item.source.cell) for item in repeated)
        content.findings += reader.misnumbered({place[0] for place in places if place})
    return content


def drop_repeated(scheme: Scheme, records: Sequence[Record]) -> tuple[list[Record], list[Finding]]:
    """Leave out the records that may stand only once and stand twice: neither counts then.

    That is a second record of an adjustment that a unit can have once, and one that repeats
    another in points, reason and evidence.
    """
    same: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        once = scheme.adjustment(record.id).once
        grounds = () if once else (str(record.points), record.reason, record.evidence)
        same.setdefault((record.id, record.unit, *grounds), []).append(record)
    findings = [
        finding(
            "adjustment-twice",
            record.source,
            unit=record.unit,
            adjustment=scheme.adjustment(record.id).title,
            clause=scheme.adjustment(record.id).clause,
            first=first.source,
            file=first.source.file,
        )
        for first, *others in same.values()
        for record in others
    ]
    return [first for first, *others in same.values() if not others], findings


def drop_shared(
    scheme: Scheme, records: Sequence[Record], stated: Mapping[Source, Decimal]
) -> tuple[list[Record], list[Finding]]:
    """Leave out the records of two units with one value where the scheme gives it to one alone.

    ``stated`` has the value in each record's cell. Nobody can say which of the two is wrong.
    """
    same: dict[tuple[str, Decimal], list[Record]] = {}
    for record in records:
        points = scheme.adjustment(record.id).points
        if isinstance(points, Bands) and points.unique:
            same.setdefault((record.id, stated[record.source]), []).append(record)
    shared = [of_value for of_value in same.values() if len({it.unit for it in of_value}) > 1]
    findings = [
        finding(
            "adjustment-shared",
            record.source,
            unit=record.unit,
            value=plain(stated[record.source]),
            adjustment=scheme.adjustment(record.id).title,
            other=first.unit,
            first=first.source,
            clause=scheme.adjustment(record.id).clause,
        )
        for first, *others in shared
        for record in others
    ]
    left_out = {record.source for of_value in shared for record in of_value}
    return [record for record in records if record.source not in left_out], findings


def no_points(adjustment: Adjustment, stated: Decimal, where: Source) -> Finding:
    """Return why no band of an adjustment holds a stated value."""
    points = adjustment.points
    whole = isinstance(points, Each) or (isinstance(points, Bands) and points.whole)
    fraction = whole and stated != stated.to_integral_value()
    code = "adjustment-not-whole" if fraction else "adjustment-outside-bands"
    return finding(code, where, value=plain(stated), adjustment=adjustment.title)


@dataclass
class EntryReader:
    """Reads the rows below a header, each an entry of its own, whose findings go into ``content``.

    The header has ``width`` columns. ``entries`` are the rows that hold something.
    """

    scheme: Scheme
    sheet: Sheet
    columns: Mapping[str, int]
    content: SheetContent
    lines: Rows
    width: int
    entries: list[int] = field(default_factory=list, init=False)

    def holds_entry(self, row: int, key: str) -> bool:
        """Return whether a row holds an entry with a name in the column ``key``, so far as is known."""
        name, where = self._text(row, key), self._source(row, key)
        if self._passed_over(row, name):
            return False
        filled = any(self._raw(row, column) != "" for column in self.columns)
        if name or filled:
            self.entries.append(row)
        if long := overlong(self.sheet, row, self.width):
            self._add(long)
            return False
        if filled and not name:
            self._add(finding("row-without-name", where))
        return bool(name)

    def _passed_over(self, row: int, name: str) -> bool:
        """Return whether a row is blank, a total or a foot, or says that nobody has any.

        A total that may be an entry is a finding.
        """
        numbered = self.lines.is_numbered(row)
        cells = [
            cell
            for column, cell in enumerate(self.sheet.rows[row])
            if cell != "" and not (numbered and column == self.lines.column)
        ]
        labels, words = self.scheme.reading.labels, [name or "", *map(str, cells[:1])]
        for word in words:
            if labelled(word, labels.total) or starts_with(word, labels.total):
                self._add(*self._judge_total(row, word, numbered=numbered))
                return True
        foot = any(starts_with(word, labels.foot) for word in words)
        foot = foot and not numbered and not self.lines.has_number(row)
        return not cells or foot or (len(cells) == 1 and self._is_nothing(name))

    def _judge_total(self, row: int, word: str, *, numbered: bool) -> Iterator[Finding]:
        """Yield a finding if a row that is called a total looks like an entry or adds up wrongly."""
        doubt = ""
        if row in self.sheet.totals or self.lines.is_formula(row):
            pass
        elif numbered:
            doubt = N_("it has a running number as the others have")
        elif self._required and all(self._text(row, column) for column in self._required):
            doubt = N_("it has grounds as a record has")
        if doubt:
            self.entries.append(row)
            where = self.sheet.source(row, self.columns.get("unit", 0))
            yield finding("row-total-unsure", where, name=word, why_word=doubt)
            return
        for column in self.lines.scores:
            computed = decimal_total(self.lines.numbers(self.entries, column))
            yield from self._differs(row, column, word, (computed, Decimal(len(self.entries))))

    def _differs(
        self, row: int, column: int, word: str, computed: Sequence[Decimal]
    ) -> Iterator[Finding]:
        """Yield a finding if a row's number is none of those that it may be."""
        stated = self.lines.stated(row, column)
        if stated is not None and stated not in computed:
            params = {"name": word, "stated": plain(stated), "computed": plain(computed[0])}
            yield finding("total-differs", self.sheet.source(row, column), **params)

    @property
    def _required(self) -> Sequence[str]:
        """The columns that every entry fills in."""
        return ()

    def misnumbered(self, repeated: Collection[int]) -> Iterator[Finding]:
        """Yield what the running numbers tell of entries that vanished or stand twice.

        Of the rows that are ``repeated`` there is a finding already.
        """
        for item in self.lines.check_numbers(self.entries):
            place = parse_address(item.source.cell)
            if item.code != "row-number-twice" or place is None or place[0] not in repeated:
                yield item

    def _is_nothing(self, text: str) -> bool:
        return normalise(text) in map(normalise, self.scheme.reading.not_applicable)

    def _add(self, *findings: Finding) -> None:
        self.content.findings += findings

    def _text(self, row: int, column: str) -> str:
        at = self.columns.get(column)
        return "" if at is None else self.sheet.text(row, at)

    def _raw(self, row: int, column: str) -> Raw:
        at = self.columns.get(column)
        return "" if at is None else self.sheet.value(row, at)

    def _source(self, row: int, column: str) -> Source:
        return self.sheet.source(row, self.columns.get(column, 0))


@dataclass
class _RecordReader(EntryReader):
    """Reads the records of adjustments."""

    adjustments: Sequence[Adjustment]
    rules: dict[str, CellRule] = field(default_factory=dict)

    @property
    def _required(self) -> Sequence[str]:
        return self.adjustments[0].requires

    def read(self, row: int) -> Record | None:
        """Return the record in a row; None if there is none, or none that counts."""
        if not self.holds_entry(row, "unit"):
            return None
        name, where = self._text(row, "unit"), self._source(row, "unit")
        names = self.scheme.unit_names()
        unit = names.match(name)
        if unit is None:
            self._add(finding("name-unknown", where, name=name, suggestion=names.suggest(name)))
            return None
        group = self.scheme.group_of(unit).id
        for adjustment in self.adjustments:
            if group in adjustment.groups:
                return self._record(row, adjustment, unit)
        first = self.adjustments[0]
        params = {"unit": unit, "adjustment": first.title, "clause": first.clause}
        self._add(finding("adjustment-group", where, **params))
        return None

    def _record(self, row: int, adjustment: Adjustment, unit: str) -> Record | None:
        texts = {name: self._text(row, name) for name in ("reason", "evidence")}
        texts = {n: "" if self._is_nothing(text) else text for n, text in texts.items()}
        counts = True
        for name in adjustment.requires:
            if not texts[name]:
                code = f"adjustment-no-{name}"
                params = {"unit": unit, "adjustment": adjustment.title, "clause": adjustment.clause}
                self._add(finding(code, self._source(row, name), **params))
                counts = counts and self.scheme.reading.severity(code) == "warning"
        column = _STATED_IN[type(adjustment.points)]
        where = self._source(row, column)
        stated = self._stated(row, column, adjustment)
        if stated is None:
            return None
        points = adjustment.signed_points(stated)
        if points is None:
            self._add(no_points(adjustment, stated, where))
            return None
        if not counts:
            return None
        self.content.stated[where] = stated
        return Record(adjustment.id, unit, points, source=where, **texts)

    def _stated(self, row: int, column: str, adjustment: Adjustment) -> Decimal | None:
        """Return the number that a record states; None with a finding if it states none that counts."""
        points = adjustment.points
        if isinstance(points, Fixed):
            return points.fixed
        if adjustment.id not in self.rules:
            most = points.max if isinstance(points, Stated) else _MOST_VALUE
            self.rules[adjustment.id] = CellRule(most, _reading(self.scheme))
        where, raw = self._source(row, column), self._raw(row, column)
        look = self.sheet.look(row, self.columns[column])
        answer = self.rules[adjustment.id].read(raw, look)
        self._add(*(_of_ceiling(item, adjustment) for item in answer.findings_at(where)))
        if isinstance(answer.value, Decimal):
            self.content.enter(where, answer, raw, look)
            return answer.value
        if not answer.findings:
            self._add(finding("adjustment-blank", where, adjustment=adjustment.title))
        return None


def _reading(scheme: Scheme) -> Reading:
    """Return how a record's number is read: a ceiling is no full marks, and no record is absent."""
    severities = {**scheme.reading.severities}
    severities.pop("score-over-marks", None)
    if (severity := severities.get("adjustment-over-ceiling")) is not None:
        severities["score-over-marks"] = severity
    return scheme.reading.model_copy(update={"not_applicable": [], "severities": severities})


def _of_ceiling(item: Finding, adjustment: Adjustment) -> Finding:
    """Return a finding about a record's number in the words for an adjustment."""
    if item.code != "score-over-marks":
        return item
    params = {"value": item.params["value"], "adjustment": adjustment.title}
    if not isinstance(adjustment.points, Stated):
        return finding("adjustment-outside-bands", item.source, **params)
    most = plain(adjustment.points.max)
    return finding("adjustment-over-ceiling", item.source, **params, most=most)


def lines_below(
    scheme: Scheme, sheet: Sheet, header: int, numbers: Sequence[int]
) -> tuple[Rows, int]:
    """Return the rows below a header, with numbers in some columns, and how many columns it has."""
    heads = {column: sheet.text(header, column) for column in range(len(sheet.rows[header]))}
    width = 1 + max(column for column, text in heads.items() if text)
    return Rows(scheme.reading, sheet, heads, numbers), width


def find_header(
    scheme: Scheme,
    labels: Mapping[str, Sequence[str]],
    needed: Collection[str],
    sheet: Sheet,
    findings: list[Finding],
) -> tuple[int, dict[str, int]]:
    """Return the row with all labels that are ``needed``, and the column of each known label.

    Without such a row there is no column, and a finding.
    """
    for row in range(min(len(sheet.rows), HEADER_ROWS)):
        texts = {column: sheet.text(row, column) for column in range(len(sheet.rows[row]))}
        columns = {
            name: [column for column, text in texts.items() if labelled(text, tuple(words))]
            for name, words in labels.items()
        }
        if all(columns[name] for name in needed):
            findings += _doubtful(scheme, sheet, row, texts, columns)
            return row, {name: places[0] for name, places in columns.items() if places}
    expected = ", ".join(words[0] for words in labels.values() if words)
    where = Source(sheet.file, sheet.name)
    findings.append(finding("sheet-no-header", where, expected=expected))
    return 0, {}


def _doubtful(
    scheme: Scheme,
    sheet: Sheet,
    row: int,
    texts: Mapping[int, str],
    columns: Mapping[str, Sequence[int]],
) -> Iterator[Finding]:
    """Yield columns that could hold the same as another, which is an error, and unknown columns."""
    for places in columns.values():
        for other in places[1:]:
            params = {"label": texts[other], "first": texts[places[0]]}
            yield finding("column-ambiguous", sheet.source(row, other), **params)
    known = {column for places in columns.values() for column in places}
    ignored = (*scheme.reading.labels.ignored, *scheme.reading.labels.number)
    for column, text in texts.items():
        if text and column not in known and not labelled(text, ignored):
            yield finding("column-unknown", sheet.source(row, column), label=text)
