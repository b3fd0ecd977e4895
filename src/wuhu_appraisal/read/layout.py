"""Where is what in a sheet: found by the labels and names that the scheme knows, not by position.

The header is the row in which most cells name members of one of the form's dimensions, or, in a
sheet with a single column of scores, the row with a label for scores. Above it stand titles; each
row below it is a member, a total, a foot, or a finding.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.findings import (
    Finding,
    Source,
    address,
    column_letters,
    finding,
    parse_address,
)
from wuhu_appraisal.language import N_
from wuhu_appraisal.model import Axis
from wuhu_appraisal.names import NameIndex, normalise
from wuhu_appraisal.read.labels import contains, labelled, marks_behind, match_member, starts_with
from wuhu_appraisal.read.rows import Rows
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Labels
from wuhu_appraisal.workbooks.cell import Sheet

HEADER_ROWS = 40
"""How many rows from the top a header is looked for in."""

_MOST_FINDINGS = 1000
"""A sheet with more wrong rows than this is no sheet of scores."""

_HALF = Fraction(1, 2)
_RATES = re.compile("[率差]")
"""A rate or a deviation in a row's name: its numbers are of another kind than the scores."""

_BESIDE = ("total", "average", "rank", "marks", "reason")
_BELOW = ("total", "average", "marks")


_IN_BRACKETS = re.compile(r"[(（\[【][^()（）]*[)）\]】]\s*$")
"""What stands behind a name in brackets, such as its full marks."""


@dataclass(frozen=True, slots=True)
class AxisNames:
    """A dimension that a sheet shows: its names (None where any will do) and its header labels."""

    dimension: str
    names: NameIndex | None
    labels: Sequence[str]
    needed: bool = True
    """Whether a member that is not in a sheet is an error of the stage."""

    def suggest(self, text: str) -> str:
        """Return the name most like a text, '' where any name will do."""
        bare = _IN_BRACKETS.sub("", text[:100]).strip()
        return self.names.suggest(bare or text[:100]) if self.names is not None else ""


@dataclass(slots=True)
class Layout:
    """The rectangle of scores in a sheet, and what stands beside and below it.

    ``beside`` has the 0-based columns of totals, averages, ranks, full marks and reasons for
    deductions by the names of their labels, ``below`` the rows of totals, averages and full marks.
    ``marks`` are the full marks that the row ``header`` states of columns. ``deductions`` has the
    column of deductions by the column of scores that they belong to. ``scored`` is False if
    deductions alone are given. ``overlong`` has the members of rows with more cells than the header, of
    which nobody knows which cell is whose.
    """

    rows: Axis
    columns: Axis
    beside: Mapping[str, int]
    below: Mapping[str, int]
    marks: Mapping[int, Decimal]
    header: int
    deductions: Mapping[int, int]
    scored: bool
    overlong: Mapping[str, Finding]


@dataclass(slots=True)
class _Header:
    """A header: its last row, the column of each member, and the row in which the members stand.

    A sheet with a single column of scores has one column with the member ''. ``deductions`` has the
    column of deductions by the column of the scores of the same item.
    """

    row: int
    columns: list[tuple[int, str]]
    across: AxisNames
    down: AxisNames
    name_row: int
    scored: bool = True
    deductions: dict[int, int] = field(default_factory=dict)


def overlong(sheet: Sheet, row: int, width: int) -> Finding | None:
    """Return a finding if a row of a table as text holds anything beyond the header's columns.

    A comma within a number or a text, without quotes, makes one cell two and moves all behind it.
    """
    for column in range(width, len(sheet.rows[row])) if sheet.lines else ():
        if _is_filled(sheet, row, column):
            return finding("row-too-long", sheet.source(row, column), line=sheet.lines[row])
    return None


def find_layout(
    scheme: Scheme, axes: Sequence[AxisNames], sheet: Sheet
) -> tuple[Layout | None, list[Finding]]:
    """Return the layout of a sheet with one or two dimensions; None with a finding if it has none."""
    labels = scheme.reading.labels
    where = Source(sheet.file, sheet.name)
    two = len(axes) == 2
    header = _header_of_two(sheet, axes) if two else _header_of_one(sheet, axes[0], labels)
    if header is None:
        words = [axis.labels[0] for axis in axes if axis.labels]
        expected = ", ".join(words if two else [*words, *labels.score[:1]])
        return None, [
            finding("sheet-no-header", where, expected=expected, suggestion=_near_head(sheet, axes))
        ]
    name_column = _name_column(sheet, header)
    if name_column is None:
        return None, [finding("sheet-no-names", where, expected=", ".join(header.down.labels))]
    if two:
        _use_second_row(sheet, header, labels)
    return _Table(scheme, sheet, header, name_column).layout()


def _near_head(sheet: Sheet, axes: Sequence[AxisNames]) -> str:
    """Return the name of a member that a text in the first rows is but for brackets behind it."""
    for row in range(min(len(sheet.rows), HEADER_ROWS)):
        for column in range(len(sheet.rows[row])):
            text = sheet.text(row, column)
            for axis in axes if text else ():
                bare = _IN_BRACKETS.sub("", text).strip()
                if axis.names and match_member(axis.names, bare):
                    return bare
    return ""


def _header_of_two(sheet: Sheet, axes: Sequence[AxisNames]) -> _Header | None:
    """Return the header under which most cells have a name on both sides."""
    headers = [
        header
        for axis, other in (axes, axes[::-1])
        if axis.names is not None
        for header in [_widest_header(sheet, axis, axis.names, other)]
        if header is not None
    ]
    return max(headers, key=lambda header: _named_cells(sheet, header), default=None)


def _widest_header(
    sheet: Sheet, axis: AxisNames, names: NameIndex, other: AxisNames
) -> _Header | None:
    """Return the row that names most members of an axis."""
    best = _Header(0, [], axis, other, 0)
    for row in range(min(len(sheet.rows), HEADER_ROWS)):
        columns = list(_members_in_row(sheet, row, names))
        if len(columns) > len(best.columns):
            best = _Header(row, columns, axis, other, row)
        if len(columns) >= names.size:
            break
    return best if best.columns else None


def _members_in_row(sheet: Sheet, row: int, names: NameIndex) -> Iterator[tuple[int, str]]:
    """Yield the columns of a row that name a member, and the member."""
    cells = sheet.rows[row]
    texts = {column for column, cell in enumerate(cells) if cell and isinstance(cell, str)}
    members = {column: match_member(names, sheet.text(row, column)) for column in texts}
    unknown = [column for column, member in members.items() if member is None] if row else []
    # A fact may stand under the name of its item, beside items that reach over both rows.
    under = {column: match_member(names, _with_item(sheet, row, column)) for column in unknown}
    if any(under.values()):
        members |= under
        for column in set(range(len(sheet.rows[row - 1]))) - texts:
            members[column] = match_member(names, sheet.word(row - 1, column))
    if any(members.values()):
        # A header may be a number, such as that of a round, but only beside one that is a text.
        for column in set(range(len(cells))) - texts:
            if cells[column] != "":
                members[column] = match_member(names, sheet.text(row, column))
    for column, member in sorted(members.items()):
        if member is not None:
            yield column, member


def _with_item(sheet: Sheet, row: int, column: int) -> str:
    """Return the text in a cell behind the last one in the row above that is not right of it."""
    above = (sheet.text(row - 1, at) for at in range(column, -1, -1))
    return next(filter(None, above), "") + sheet.text(row, column)


def _named_cells(sheet: Sheet, header: _Header) -> int:
    """Return how many cells under a header have a name on both sides."""
    column = _name_column(sheet, header)
    if column is None:
        return 0
    names = header.down.names
    texts = (sheet.text(row, column) for row in range(header.row + 1, len(sheet.rows)))
    named = sum(
        bool(text) and (names is None or match_member(names, text) is not None) for text in texts
    )
    return named * len(header.columns)


def _header_of_one(sheet: Sheet, axis: AxisNames, labels: Labels) -> _Header | None:
    """Return the row with a label for scores, or for deductions, beside one for the members."""
    for row in range(min(len(sheet.rows), HEADER_ROWS)):
        # A label that is merged over two rows of a header stands in the upper one.
        texts = {
            column: sheet.text(row, column) or sheet.word(max(row - 1, 0), column)
            for column in range(len(sheet.rows[row]))
        }
        scores = [column for column, text in texts.items() if labelled(text, labels.score)]
        lost = [column for column, text in texts.items() if labelled(text, labels.deduction)]
        if (scores or lost) and any(labelled(text, axis.labels) for text in texts.values()):
            column = (scores or lost)[0]
            across, deductions = AxisNames("", None, ()), {column: lost[0]} if lost else {}
            return _Header(row, [(column, "")], across, axis, row, bool(scores), deductions)
    return None


def _name_column(sheet: Sheet, header: _Header) -> int | None:
    """Return the column with a label of the dimension that runs down, else that with most names.

    Of several columns with the label it is that with most names.
    """
    scores = {column for column, _member in header.columns}
    others = [column for column in range(_width(sheet)) if column not in scores]
    for label in map(normalise, header.down.labels):
        for row in range(header.row, max(header.row - 3, -1), -1):
            labels = [column for column in others if normalise(sheet.text(row, column)) == label]
            if labels:
                counts = _names_below(sheet, header, labels) if len(labels) > 1 else {}
                return max(labels, key=lambda column: counts.get(column, 0))
    counts = _names_below(sheet, header, others)
    best = max(counts, key=lambda column: counts[column], default=None)
    return best if best is not None and counts[best] else None


def _names_below(sheet: Sheet, header: _Header, columns: Sequence[int]) -> dict[int, int]:
    """Return how many names of members stand in each column below a header."""
    names = header.down.names
    if names is None:
        return {}
    below = range(header.row + 1, len(sheet.rows))
    return {
        column: sum(
            match_member(names, text) is not None
            for row in below
            if (text := sheet.text(row, column))
        )
        for column in columns
    }


def _use_second_row(sheet: Sheet, header: _Header, labels: Labels) -> None:
    """Move a header to the row below it if that says 得分, and perhaps 扣分, under each name."""
    row = header.row + 1
    if row >= len(sheet.rows):
        return
    starts = [column for column, _member in header.columns]
    columns: list[tuple[int, str]] = []
    deductions: dict[int, int] = {}
    for (start, member), end in zip(header.columns, [*starts[1:], _width(sheet)], strict=True):
        texts = {column: sheet.word(row, column) for column in range(start, end)}
        scores = [column for column, text in texts.items() if labelled(text, labels.score)]
        if not scores:
            return
        columns.append((scores[0], member))
        for column, text in texts.items():
            if labelled(text, labels.deduction):
                deductions[scores[0]] = column
    header.row, header.columns, header.deductions = row, columns, deductions


class _Table:
    """A sheet whose header and column of names are known."""

    def __init__(self, scheme: Scheme, sheet: Sheet, header: _Header, name_column: int) -> None:
        self._scheme = scheme
        self._labels = scheme.reading.labels
        self._sheet = sheet
        self._header = header
        self._name_column = name_column
        self._scores = {column for column, _member in header.columns}
        self._heads = {
            column: text
            for column in range(_width(sheet))
            # A label that is merged over two rows of a header stands in the upper one.
            if (
                text := sheet.text(header.row, column) or sheet.text(max(header.row - 1, 0), column)
            )
        }
        """The label of each column."""
        self._overlong: dict[str, Finding] = {}
        self._lines = Rows(scheme.reading, sheet, self._heads, self._scores)
        self._entries: list[int] = []
        """The rows with a name or scores that are no totals."""
        self._totals: dict[int, str] = {}
        """The rows that add up others, or state full marks, with the words that say so."""

    def layout(self) -> tuple[Layout, list[Finding]]:
        """Return where everything is, and findings for what is not known."""
        header = self._header
        rows, body, row_findings = self._members()
        findings = list(self._unknown_columns(body))
        findings += self._twice(
            (member, header.name_row, column) for column, member in header.columns
        )
        findings += self._second_deductions()
        if not rows and not self._overlong:
            where = Source(self._sheet.file, self._sheet.name)
            row_findings.append(finding("sheet-no-rows", where))
        layout = Layout(
            rows=_axis(header.down.dimension, rows),
            columns=_axis(header.across.dimension, header.columns),
            beside={kind: at[0] for kind in _BESIDE if (at := self._columns_labelled(kind))},
            below=self._below(max((row for row, _member in rows), default=0)),
            marks={
                column: marks
                for column, member in header.columns
                if member
                and (marks := marks_behind(self._sheet.word(header.name_row, column))) is not None
            },
            header=header.name_row,
            deductions=header.deductions,
            scored=header.scored,
            overlong=self._overlong,
        )
        return layout, findings + row_findings

    def _members(self) -> tuple[list[tuple[int, str]], list[int], list[Finding]]:
        """Return the rows with their members, all rows of the body, and what is wrong."""
        rows: list[tuple[int, str]] = []
        body: list[int] = []
        findings: list[Finding] = []
        names, span = self._header.down.names, self._span()
        for row, text in self._body(findings):
            if len(findings) > _MOST_FINDINGS:
                break
            member, long = (
                self._member(text) or self._fact_in(row, text),
                overlong(self._sheet, row, span),
            )
            if long is not None:
                findings.append(long)
                self._entries.append(row)
                if member is not None:
                    self._overlong[member] = long
                continue
            body.append(row)
            scored = any(_is_filled(self._sheet, row, column) for column in self._scores)
            if scored or text:
                self._entries.append(row)
            if member is not None and (scored or names is not None):
                rows.append((row, member))
            elif scored or text:
                findings.append(self._unread_row(row, text, scored=scored, named=bool(member)))
        if names is None:
            findings += self._take_out_totals(rows)
        findings += self._twice((member, row, self._name_column) for row, member in rows)
        findings += self._misnumbered(rows)
        return rows, body, findings

    def _span(self) -> int:
        """Return the number of columns up to the last that has a label."""
        rows, known = {self._header.row, self._header.name_row}, self._known_labels()
        return 1 + max(
            column
            for column, text in self._heads.items()
            if labelled(text, known) or any(self._sheet.text(row, column) for row in rows)
        )

    def _body(self, findings: list[Finding]) -> Iterator[tuple[int, str]]:
        """Yield the rows with their names that are no totals, no feet and no header again.

        A row that is called a total and may be none goes into ``findings``.
        """
        sheet, labels, lines = self._sheet, self._labels, self._lines
        header_rows = (self._header.row, self._header.name_row)
        headers = {sheet.text(row, self._name_column) for row in header_rows}
        closing = (*labels.total, *labels.average, *labels.summary, *labels.marks)
        for row in range(self._header.row + 1, len(sheet.rows)):
            text = sheet.text(row, self._name_column)
            label = text or self._first_word(row, min(self._scores))
            if labelled(label, closing):
                findings += self._judge_total(row, label)
                continue
            foot = starts_with(self._first_word(row, len(sheet.rows[row])), labels.foot)
            if foot and not lines.is_numbered(row) and not lines.has_number(row):
                continue
            if text not in headers or not self._is_header_again(row, header_rows):
                yield row, text

    def _first_word(self, row: int, end: int) -> str:
        """Return the first text in a row before a column, '' if there is none."""
        words = (self._sheet.word(row, column) for column in range(end))
        return next(filter(None, words), "")

    def _judge_total(self, row: int, label: str) -> Iterator[Finding]:
        """Take a row for the total that it is called, or yield a finding if it may be an entry."""
        lines, labels, doubt = self._lines, self._labels, ""
        last = max(self._totals, default=0)
        parts = [self._entries, [other for other in self._entries if other > last]]
        adding = (*labels.total, *labels.average, *labels.summary)
        if (
            row in self._sheet.totals
            or lines.is_formula(row)
            or any(lines.agrees(row, above) for above in parts)
        ):
            pass
        elif lines.is_numbered(row):
            doubt = N_("it has a running number as the others have")
        elif self._header.down.names is None and labelled(label, adding):
            shares = [lines.share_agreeing(row, above) for above in parts]
            held = not _RATES.search(label) and any(share is not None for share in shares)
            if held and all(share is None or share < _HALF for share in shares):
                doubt = N_("its numbers are neither the sum nor the mean of those above")
        if doubt:
            self._entries.append(row)
            where = self._sheet.source(row, self._name_column)
            yield finding("row-total-unsure", where, name=label, why_word=doubt)
        else:
            self._totals[row] = label

    def _take_out_totals(self, rows: list[tuple[int, str]]) -> Iterator[Finding]:
        """Take rows out of an open list that are totals by what they hold, if not by their names."""
        lines = self._lines
        numbered = {row for row, _member in rows if lines.is_numbered(row)}
        bare = len(rows) - len(numbered)
        whole = 0 < bare < len(numbered) and not any(lines.check_numbers(sorted(numbered)))
        formulas = [row for row, _member in rows if lines.is_formula(row)]
        for place, (row, member) in reversed(list(enumerate(rows))):
            above = [other for other, _member in rows[:place]]
            doubt = ""
            if row in self._sheet.totals:
                doubt = N_("it is the row of totals of a table")
            elif len(above) > 1 and row not in numbered and lines.agrees(row, above):
                doubt = N_("its numbers are the sum or the mean of those above")
            elif whole and row not in numbered:
                doubt = N_("it has no running number, unlike the others")
            elif (
                formulas == [row]
                and len(above) > 1
                and lines.share_agreeing(row, above) in (1, None)
            ):
                doubt = N_("it alone is made of formulas")
            if doubt:
                del rows[place]
                where = self._sheet.source(row, self._name_column)
                yield finding("row-total-unsure", where, name=member, why_word=doubt)

    def _misnumbered(self, rows: Sequence[tuple[int, str]]) -> Iterator[Finding]:
        """Yield what the running numbers tell of rows that vanished, unless their absence tells it."""
        names, needed = self._header.down.names, self._header.down.needed
        members = [member for _row, member in rows]
        if names is not None and (needed or len(set(members)) == names.size):
            return
        again = {row for at, (row, member) in enumerate(rows) if member in members[:at]}
        for item in self._lines.check_numbers(self._entries):
            place = parse_address(item.source.cell)
            if item.code != "row-number-twice" or place is None or place[0] not in again:
                yield item

    def _is_header_again(self, row: int, header_rows: Sequence[int]) -> bool:
        """Return whether a row repeats the header, as at a page break."""
        sheet, columns = self._sheet, (self._name_column, *self._scores)
        return all(
            sheet.text(row, column) in [sheet.text(above, column) for above in header_rows]
            for column in columns
        ) and any(sheet.word(row, column) for column in columns)

    def _member(self, text: str) -> str | None:
        """Return the member that a row's name stands for; where any name will do, no sum or mean."""
        names, labels = self._header.down.names, self._labels
        if names is not None:
            return match_member(names, text) if text else None
        counting = (*labels.total, *labels.average, *labels.summary)
        return text if text and not contains(text, counting) else None

    def _fact_in(self, row: int, text: str) -> str | None:
        """Return the fact that a row's name stands for with the item in the column before it."""
        names, column = self._header.down.names, self._name_column - 1
        if names is None or not text or column < 0:
            return None
        above = (self._sheet.text(at, column) for at in range(row, self._header.row, -1))
        return match_member(names, next(filter(None, above), "") + text)

    def _unread_row(self, row: int, text: str, *, scored: bool, named: bool) -> Finding:
        """Return why a row with scores or a name is not read."""
        axis, where = self._header.down, self._sheet.source(row, self._name_column)
        if not text:
            return finding("row-without-name", where)
        if named:
            return finding("row-without-scores", where, name=text)
        if scored and (other_group := self._other_group(axis, text)):
            return finding("name-other-group", where, **other_group)
        if scored or axis.names is None:
            return finding("name-unknown", where, name=text, suggestion=axis.suggest(text))
        return finding("row-passed-over", where, name=text)

    def _other_group(self, axis: AxisNames, text: str) -> dict[str, object]:
        """Return the unit of another group that a text names, and the title of that group."""
        unit = self._scheme.unit_names().match(text) if axis.dimension == "unit" else None
        return {"name": unit, "group": self._scheme.group_of(unit).title} if unit else {}

    def _unknown_columns(self, body: Sequence[int]) -> Iterator[Finding]:
        """Yield a finding for each column with entries that are neither scores nor known."""
        labels, across, accepted = self._labels, self._header.across, self._known_labels()
        known = self._scores | {self._name_column}
        for column in (column for column in range(_width(self._sheet)) if column not in known):
            text = self._heads.get(column, "")
            filled = any(_is_filled(self._sheet, row, column) for row in body)
            if labelled(text, accepted) or not filled:
                continue
            where = self._sheet.source(self._header.row, column)
            if not across.dimension and self._header.scored and labelled(text, labels.score):
                first = self._heads[self._header.columns[0][0]]
                yield finding("column-ambiguous", where, label=text, first=first)
            elif other_group := self._other_group(across, text):
                yield finding("name-other-group", where, **other_group)
            else:
                label = " ".join(text.split()) or column_letters(column)
                params = {"label": label, "suggestion": across.suggest(text)}
                yield finding("column-unknown", where, **params)

    def _known_labels(self) -> tuple[str, ...]:
        """Return the labels of the columns that hold no scores."""
        labels = self._labels
        beside = (label for kind in _BESIDE for label in getattr(labels, kind))
        return (
            *labels.ignored,
            *labels.number,
            *labels.unit,
            *labels.indicator,
            *labels.deduction,
            *beside,
        )

    def _columns_labelled(self, kind: str) -> list[int]:
        """Return the columns beside the scores with a label of this kind."""
        scores, words = self._scores if self._header.scored else (), getattr(self._labels, kind)
        heads = self._heads.items()
        return [column for column, text in heads if column not in scores and labelled(text, words)]

    def _second_deductions(self) -> Iterator[Finding]:
        """Yield every further column of deductions, unless they belong to different items."""
        if not self._header.across.dimension:
            first, *others = self._columns_labelled("deduction") or [0]
            for column in others:
                params = {"label": self._heads[column], "first": self._heads[first]}
                where = self._sheet.source(self._header.row, column)
                yield finding("column-ambiguous", where, **params)

    def _below(self, last: int) -> dict[str, int]:
        """Return the first rows that state totals, averages and full marks below the header.

        In an open list that is the total below the last member: one above it is of a part.
        """
        below: dict[str, int] = {}
        named = self._header.down.names is not None
        for row, label in self._totals.items():
            for kind in _BELOW:
                called = labelled(label, getattr(self._labels, kind))
                if called and (named or kind != "total" or row > last):
                    below.setdefault(kind, row)
        return below

    def _twice(self, members: Iterable[tuple[str, int, int]]) -> Iterator[Finding]:
        """Yield a finding for each further cell that names a member."""
        first: dict[str, str] = {}
        for member, row, column in members:
            if member in first:
                params = {"name": member, "first": first[member]}
                yield finding("name-twice", self._sheet.source(row, column), **params)
            else:
                first[member] = address(row, column)


def _axis(dimension: str, places: Sequence[tuple[int, str]]) -> Axis:
    """Return an axis without the members that stand twice: neither place is preferred."""
    counts = Counter(member for _place, member in places)
    once = [item for item in places if counts[item[1]] == 1 or not dimension]
    return Axis(dimension, tuple(name for _at, name in once), tuple(at + 1 for at, _name in once))


def _width(sheet: Sheet) -> int:
    return max(map(len, sheet.rows), default=0)


def _is_filled(sheet: Sheet, row: int, column: int) -> bool:
    cell = sheet.value(row, column)
    return bool(cell.strip()) if isinstance(cell, str) else True
