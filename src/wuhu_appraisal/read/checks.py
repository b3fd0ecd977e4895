"""What is wrong with a sheet's scores taken together, and what it states of them."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, LedgerEntry, Rule, Score
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import Number, decimal_total, decimals, plain, round_half_up
from wuhu_appraisal.read.cells import shown_number
from wuhu_appraisal.read.labels import labelled
from wuhu_appraisal.read.rows import shows
from wuhu_appraisal.read.sheet import SheetScores
from wuhu_appraisal.scheme.models import Indicator, Plan
from wuhu_appraisal.scheme.rules import Dated, Reasoned
from wuhu_appraisal.workbooks.cell import Fault, Sheet
from wuhu_appraisal.workbooks.formats import number_in

_DATE = re.compile(r"(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?|(20\d\d)(\d\d)(\d\d)$")
_TIME = re.compile(r"(?:T?\d{1,2}:\d\d(?::\d\d(?:\.0+)?)?)?")
_LONGEST = 1000
_REST = re.compile(r"[0-9]{1,2}")

_FEWEST = 3
_LARGE = 20
"""Of fewer full marks than this, a score of 1 or less is nothing unusual."""


def take_out_mixed(scores: SheetScores) -> Iterator[Finding]:
    """Yield findings for columns of two kinds of numbers, such as 0.95 beside 95.

    Nobody can say which is meant, so their scores are taken out unless the scheme only warns.
    """
    percent = {entry.source.cell: entry for entry in scores.ledger if Rule.PERCENT in entry.rules}
    for column, marks in enumerate(scores.column_marks):
        if percent:
            yield from _percentages(scores, column, percent)
        if marks is not None and marks >= _LARGE:
            yield from _shares(scores, column, marks)


def _percentages(
    scores: SheetScores, column: int, percent: Mapping[str, LedgerEntry]
) -> Iterator[Finding]:
    """Take out percentages of the full marks in a column that also holds plain numbers."""
    places = [scores.source(row, column).cell for row in range(len(scores.rows))]
    numbers = [type(values[column]) is Decimal for values in scores.values]
    if all(cell in percent for cell, number in zip(places, numbers, strict=True) if number):
        return
    for row, cell in enumerate(places):
        entry = percent.get(cell)
        if entry is not None:
            scores.values[row][column] = Absent.MISSING
            look = scores.sheet.look(scores.rows[row], scores.columns[column])
            shown = look.shown or entry.raw
            number = number_in(shown)
            share = plain(number / 100) if number is not None else entry.raw
            params = {"shown": shown, "share": share, "whole": entry.value}
            yield finding("score-is-percent", entry.source, **params)


def _shares(scores: SheetScores, column: int, marks: Decimal) -> Iterator[Finding]:
    """Take out numbers up to 1 if all are, or if most others are over half of the full marks."""
    numbers = {
        row: value
        for row, values in enumerate(scores.values)
        if isinstance(value := values[column], Decimal)
    }
    small = {row: value for row, value in numbers.items() if 0 < value <= 1}
    large = [value for value in numbers.values() if 2 * value > marks]
    if not small:
        return
    highest = max(numbers.values())
    if highest <= 1 and len(numbers) >= _FEWEST:
        code, rows = "scores-all-small", list(numbers)
        params = {"highest": plain(highest), "marks": plain(marks)}
        yield finding(code, scores.source(0, column), **params)
    elif len(large) >= len(small):
        code, rows = "scores-mixed", list(small)
        for row, value in small.items():
            whole = plain(value * marks)
            params = {"value": plain(value), "other": plain(large[0]), "whole": whole}
            yield finding(code, scores.source(row, column), **params, marks=plain(marks))
    else:
        return
    if scores.scheme.reading.severity(code) != "warning":
        for row in rows:
            scores.values[row][column] = Absent.MISSING


def _split(scores: SheetScores) -> Iterator[Finding]:
    """Yield the remarks beside the scores if they are what a decimal comma leaves behind.

    Each is one or two digits beside a whole score, and together they are no numbers of rows or
    ranks.
    """
    sheet, columns = scores.sheet, scores.columns
    labels, beside = scores.scheme.reading.labels, max(columns, default=0) + 1
    label = sheet.text(scores.layout.header, beside)
    if not columns or not labelled(label, (*labels.ignored, *labels.reason)):
        return
    index = columns.index(beside - 1)
    rest = {row: text for row in scores.rows if (text := sheet.text(row, beside))}
    lines = [(row, scores.values[at][index]) for at, row in enumerate(scores.rows)]
    split = [value for row, value in lines if row in rest and isinstance(value, Decimal)]
    if len(split) < max(2, len(rest)) or not all(map(_REST.fullmatch, rest.values())):
        return
    numbers = list(map(int, rest.values()))
    ranks = [1 + sum(other > value for other in split) for value in split]
    rows = range(min(numbers), min(numbers) + len(numbers))
    whole = all(value == value.to_integral_value() for value in split)
    if whole and numbers != ranks and sorted(numbers) != list(rows):
        yield finding("scores-split", sheet.source(min(rest), beside), label=label)


def check_sheet(scores: SheetScores) -> Iterator[Finding]:
    """Yield what a sheet states otherwise than its scores, or the scheme, have it.

    Then what the plan's checks find in this sheet alone.
    """
    statements = _Statements(scores)
    yield from _unreadable(scores)
    yield from statements.beside()
    yield from statements.below()
    yield from statements.ranks()
    yield from statements.column_marks()
    yield from _split(scores)
    yield from _large_deductions(scores)
    for rule in scores.plan.checks:
        if isinstance(rule, Dated):
            findings = _outside_window(scores, rule)
        elif isinstance(rule, Reasoned) and not scores.layout.columns.dimension:
            findings = _without_reason(scores, rule)
        else:
            continue
        yield from (replace(item, severity=Severity(rule.severity)) for item in findings)


def _unreadable(scores: SheetScores) -> Iterator[Finding]:
    """Yield the numbers beside and below the scores that no program can hold."""
    reported = {item.source for item in scores.findings}
    for place, value in scores.sheet.replaced.items():
        if isinstance(value, Fault) and value.code == "number-unreadable":
            where = scores.sheet.source(*place)
            if where not in reported:
                yield finding(value.code, where, value=value.value)


def _large_deductions(scores: SheetScores) -> Iterator[Finding]:
    """Yield a finding for deductions alone that leave most scores below half of their full marks."""
    if scores.layout.scored:
        return
    [column, *_others] = scores.layout.deductions.values()
    rows = zip(scores.values, scores.row_marks, strict=True)
    marks = scores.column_marks[0]
    left = [
        2 * value < full
        for values, own in rows
        if isinstance(value := values[0], Decimal) and (full := own or marks)
    ]
    if len(left) >= _FEWEST and 2 * sum(left) > len(left):
        where = scores.sheet.source(scores.layout.header, column)
        label = scores.sheet.text(scores.layout.header, column)
        yield finding("scores-deducted", where, label=label, count=sum(left), of=len(left))


def _without_reason(scores: SheetScores, rule: Reasoned) -> Iterator[Finding]:
    """Yield the scores below full marks beside which there is neither a reason nor a note."""
    explained = {remark.source for remark in scores.remarks}
    for row, marks in enumerate(scores.row_marks):
        value, where = scores.values[row][0], scores.source(row, 0)
        if isinstance(value, Decimal) and marks and value < marks and where not in explained:
            item = scores.row_items[row]
            name = item.title if item else scores.layout.rows.members[row]
            lost = plain(marks - value)
            yield finding("reason-missing", where, name=name, lost=lost, clause=rule.clause)


_StatedDate: TypeAlias = tuple[Source, str, date | None]
"""A sheet's date: its cell, its text, and the day, None where the text says none."""


def _outside_window(scores: SheetScores, rule: Dated) -> Iterator[Finding]:
    """Yield the sheet's date if it is not in the stage's window, or cannot be read."""
    stage, labels = scores.entry.stage, scores.scheme.reading.labels.date
    stated = _stated_date(scores.sheet, labels)
    if stated is None:
        return
    (where, text, day), window = stated, stage.window
    if day is None:
        yield finding("sheet-date-unread", where, text=text)
    elif not window.from_ <= day <= window.to:
        params = {"date": day, "start": window.from_, "end": window.to, "clause": rule.clause}
        yield finding("sheet-date-outside", where, stage=stage.title, **params)
    else:
        scores.inside = True


def _stated_date(sheet: Sheet, labels: tuple[str, ...]) -> _StatedDate | None:
    """Return the date that a sheet bears; None if there is no label for one, or nothing behind it."""
    for row, cells in enumerate(sheet.rows):
        for column in range(len(cells)):
            word = unicodedata.normalize("NFKC", sheet.word(row, column)[:_LONGEST])
            label = _label(labels).search(word) if word else None
            stated = _behind(sheet, row, column, label[1]) if label else None
            if stated is not None:
                return stated
    return None


@lru_cache(maxsize=16)
def _label(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Return a label at the beginning of a text or of a word in it, a colon, and what is behind."""
    return re.compile(rf"(?:^|\s)(?:{'|'.join(map(re.escape, labels))})\s*(?::(.*)|$)", re.DOTALL)


def _behind(sheet: Sheet, row: int, column: int, rest: str | None) -> _StatedDate | None:
    """Return the date behind a label in its own cell, else in the next cell that holds anything.

    ``rest`` is the text behind the colon. A label without a colon may be a column's, and is one for
    a date only if a date follows.
    """
    if rest is not None and normalise(rest).strip("年月日_"):
        written = _DATE.match(normalise(rest))
        text = written[0] if written else rest.strip()
        return sheet.source(row, column), text, _day(text)
    for at in range(column + 1, len(sheet.rows[row])):
        value = sheet.value(row, at)
        if isinstance(value, date):
            day = value.date() if isinstance(value, datetime) else value
            return sheet.source(row, at), str(day), day
        text = sheet.text(row, at)
        if text:
            parsed = _day(normalise(text))
            is_label = ":" in normalise(text)
            no_date = parsed is None and (rest is None or is_label)
            return None if no_date else (sheet.source(row, at), text, parsed)
    return None


def _day(text: str) -> date | None:
    match = _DATE.match(text)
    if match is None or not _TIME.fullmatch(text[match.end() :]):
        return None
    try:
        return date(*map(int, filter(None, match.groups())))
    except ValueError:
        return None


# --- What a sheet states of its own scores; the scores count

_MOST_DIGITS = 9
"""Further digits of a stated number are the rounding of the program that computed it."""


class _Statements:
    """The statements of a sheet about its scores.

    ``_rows_add`` and ``_columns_add`` tell whether the members of the rows, or of the columns, are
    items that add up, by their marks or by their weights. ``_open`` tells whether any name may
    stand in the rows.
    """

    def __init__(self, scores: SheetScores) -> None:
        self._scores = scores
        self._layout = scores.layout
        self._whole_marks = scores.plan.full_marks is not None
        self._weighted = _is_weighted(scores.plan)
        adding = self._weighted or not self._whole_marks
        # Facts of several kinds make no total, and a bound may hold it or what it is made of.
        items, tree = (
            (*scores.row_items, *scores.column_items),
            scores.scheme.indicators_in(scores.plan),
        )
        adding = adding and not any(item.fact for item in items if item)
        adding = adding and not (tree and any(it.bind for it in (tree, *tree.nodes.values())))
        self._rows_add = any(scores.row_items) and adding
        self._columns_add = any(scores.column_items) and adding
        rows = scores.plan.dimensions.get(self._layout.rows.dimension)
        self._open = rows is not None and rows.open is not None

    def beside(self) -> Iterator[Finding]:
        """Compare the totals, averages and full marks beside the rows."""
        beside, two = self._layout.beside, bool(self._layout.columns.dimension)
        totals = self._columns_add if two else not self._rows_add
        for index, (row, title) in enumerate(self._rows()) if beside else ():
            values = self._scores.values[index]
            items = self._scores.column_items if self._columns_add else ()
            for kind in ("total", "average"):
                if kind in beside and (totals if kind == "total" else two):
                    place = (row, beside[kind])
                    yield from self._sum(f"{kind}-differs", place, values, title, items)
            if "marks" in beside:
                place, marks = (row, beside["marks"]), self._scores.row_marks[index]
                yield from self._marks(place, title, marks, self._stated(place))

    def below(self) -> Iterator[Finding]:
        """Compare the totals or averages below the columns.

        A total below an open list may be a mean as well, but the same in every column.
        """
        below = self._layout.below
        if "total" in below and (self._rows_add or self._open):
            kinds = ("total", "average") if self._open else ("total",)
            each = [list(self._below(f"{kind}-differs", below["total"])) for kind in kinds]
            yield from min(each, key=len)
        if "average" in below and (self._weighted or not self._rows_add):
            yield from self._below("average-differs", below["average"])

    def _below(self, code: str, row: int) -> Iterator[Finding]:
        for index, column, title in self._columns():
            values = [line[index] for line in self._scores.values]
            items = self._scores.row_items if self._rows_add else ()
            yield from self._sum(code, (row, column), values, title, items)

    def ranks(self) -> Iterator[Finding]:
        """Compare ranks of the rows among themselves, unless a score is absent or a grade."""
        column = self._layout.beside.get("rank")
        one_number = self._columns_add or not self._layout.columns.dimension
        if column is None or self._rows_add or not one_number:
            return
        if any(isinstance(value, Absent | str) for line in self._scores.values for value in line):
            return
        items = self._scores.column_items
        sums: list[Number] = [
            self._weighted_means(line, items)[0]
            if self._weighted
            else decimal_total(_numbers(line))
            for line in self._scores.values
        ]
        ordered = sorted(sums, reverse=True)
        for (row, title), points in zip(self._rows(), sums, strict=True):
            stated, rank = self._stated((row, column)), 1 + ordered.index(points)
            if stated is not None and stated != rank:
                yield self._finding("rank-differs", (row, column), title, stated, computed=rank)

    def column_marks(self) -> Iterator[Finding]:
        """Compare the full marks stated behind the names of the columns, or in a row below them."""
        below = self._layout.below.get("marks")
        if self._whole_marks or (below is None and not self._layout.marks):
            return
        for index, column, title in self._columns():
            marks, behind = self._scores.column_marks[index], self._layout.marks.get(column)
            yield from self._marks((self._layout.header, column), title, marks, behind)
            if below is not None:
                place = below, column
                yield from self._marks(place, title, marks, self._stated(place))

    def _rows(self) -> Iterator[tuple[int, Bilingual]]:
        """Yield each row's 0-based place in the sheet and its member's title."""
        scores, axis = self._scores, self._layout.rows
        for row, member in zip(scores.rows, axis.members, strict=True):
            yield row, scores.scheme.title_of(scores.plan, axis.dimension, member)

    def _columns(self) -> Iterator[tuple[int, int, Bilingual]]:
        """Yield the index of each column of scores, its 0-based column in the sheet, and its title."""
        scores, axis = self._scores, self._layout.columns
        whole = scores.match.fixed.get("unit", scores.sheet.name)
        for index, member in enumerate(axis.members):
            title = scores.scheme.title_of(scores.plan, axis.dimension, member or whole)
            yield index, scores.columns[index], title

    def _sum(
        self,
        code: str,
        place: tuple[int, int],
        values: Sequence[Score],
        title: Bilingual,
        items: Sequence[Indicator | None],
    ) -> Iterator[Finding]:
        """Compare a stated total or average with that of the scores, to the digits that it shows.

        The total, and the average, of ``items`` with weights is their weighted mean; their average
        may as well be the plain one. Below an open list a half may be rounded to even, as many
        programs do: there a row is a total by what it holds.
        """
        stated, numbers = self._stated(place), _numbers(values)
        average = code == "average-differs"
        if stated is None or (average and not numbers):
            return
        total = decimal_total(numbers)
        if not average and not self._layout.scored:
            total = decimal_total(filter(None, self._scores.row_marks)) - total
        possible: list[Number] = [Fraction(total) / len(numbers) if average else total]
        if self._weighted and any(items):
            weighted = self._weighted_means(values, items)
            possible = [*weighted, *possible] if average else weighted
        # Nearly every total is right to the last digit, which is soon seen.
        if stated in possible:
            return
        digits = min(decimals(stated), _MOST_DIGITS)
        beside = place[0] in self._scores.rows
        axis = self._layout.columns if beside else self._layout.rows
        if not average and self._lacks(values, axis.dimension):
            return
        if possible and not any(
            computed == stated
            or round_half_up(computed, digits) == round_half_up(stated, digits)
            or (self._open and shows(stated, computed, digits))
            for computed in possible
        ):
            computed = plain(round_half_up(possible[0], max(digits, 2)))
            yield self._finding(code, place, title, stated, computed=computed)

    def _weighted_means(
        self, values: Sequence[Score], items: Sequence[Indicator | None]
    ) -> list[Number]:
        """Return the weighted mean of the scores: of those present, and with the others as 0.

        There is none of grades, nor without any score.
        """
        indicators = self._scores.scheme.indicators_in(self._scores.plan)
        scored = {item.id: value for item, value in zip(items, values, strict=True) if item}
        if indicators is None or any(isinstance(value, str) for value in scored.values()):
            return []
        means = (_weighted_mean(indicators.items, scored, blank) for blank in (None, Fraction(0)))
        return [mean for mean in means if mean is not None]

    def _lacks(self, values: Sequence[Score], dimension: str) -> bool:
        """Return whether a score is missing that the total would need, which is an error of its own."""
        blank_is_error = any(s.missing == "error" for s in self._scores.plan.roll_ups[:1])
        incomplete = dimension in self._scores.incomplete
        return incomplete or (blank_is_error and Absent.MISSING in values)

    def _marks(
        self,
        place: tuple[int, int],
        title: Bilingual,
        marks: Decimal | None,
        stated: Decimal | None,
    ) -> Iterator[Finding]:
        if stated is not None and marks is not None and stated != marks:
            yield self._finding("marks-differ", place, title, stated, marks=plain(marks))

    def _stated(self, place: tuple[int, int]) -> Decimal | None:
        """Return the number that a cell shows."""
        sheet, words = self._scores.sheet, self._scores.scheme.reading.number_words
        return shown_number(sheet.value(*place), sheet.look(*place), words)

    def _finding(
        self, code: str, place: tuple[int, int], title: Bilingual, stated: Decimal, **other: object
    ) -> Finding:
        params = {"name": title, "stated": plain(stated), **other}
        return finding(code, self._scores.sheet.source(*place), **params)


def _numbers(values: Sequence[Score]) -> list[Decimal]:
    return [value for value in values if type(value) is Decimal]


def _is_weighted(plan: Plan) -> bool:
    """Return whether every step along a plan's indicators is a weighted mean."""
    kinds = {step.by for step in plan.roll_ups if step.roll_up == plan.indicator_dimension}
    return kinds == {"weighted"}


def _weighted_mean(
    nodes: Sequence[Indicator], scored: Mapping[str, Score], blank: Fraction | None
) -> Fraction | None:
    """Return the weighted mean up the tree; an absent score counts as ``blank``, None leaves it out."""
    parts: list[tuple[Fraction, Fraction]] = []
    for node in nodes:
        score = scored.get(node.id)
        value = _weighted_mean(node.items, scored, blank) if node.items else blank
        value = Fraction(score) if isinstance(score, Decimal) else value
        if value is not None:
            parts.append((Fraction(node.weight or node.marks or 1), value))
    whole = sum((share for share, _value in parts), Fraction(0))
    return sum((share * value for share, value in parts), Fraction(0)) / whole if parts else None
