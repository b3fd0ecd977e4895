"""Where is what in a sheet: found by the labels and names that the scheme knows, not by position.

The header is the row in which most cells name members of one of the form's dimensions, or, where
the sheet has a single column of scores, the row that holds a label for scores. Above it stand
titles; below it every row is a member, a total, a foot, or a finding.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from wuhu_appraisal.findings import Finding, Source, address, column_letters, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Axis
from wuhu_appraisal.names import NameIndex, normalise
from wuhu_appraisal.scheme.rules import Labels
from wuhu_appraisal.workbooks.cell import Sheet

HEADER_ROWS = 40
"""How many rows from the top a header is looked for in."""

_MANNER_BEHIND = re.compile(r"(?:\((?:满分)?(?:\d+(?:\.\d+)?)?分?\)|\(百分制\)|/分)$")
"""What says of a label for scores how they are given: (分), (满分100分), (100), (百分制), /分."""

MARKS_BEHIND = re.compile(r"[\((\[【]?(\d+(?:\.\d+)?)(分|%)[\))\]】]?$")


@lru_cache(maxsize=65536)
def labelled(text: str, labels: tuple[str, ...]) -> bool:
    """Whether a header is one of the labels, with or without marks such as (100分) behind it."""
    bare = normalise(text)
    known = _normalised(labels)
    return bool(bare) and any(
        form in known
        for form in (bare, MARKS_BEHIND.sub("", bare), _MANNER_BEHIND.sub("", bare).rstrip("*"))
    )


@lru_cache(maxsize=1024)
def marks_behind(text: str) -> Decimal | None:
    """The full marks that a header states behind its name: 5 for '规划计划(5分)'."""
    found = MARKS_BEHIND.search(normalise(text))
    return Decimal(found[1]) if found and found[2] == "分" else None


def starts_with(text: str, labels: Sequence[str]) -> bool:
    """Whether a text is a label, or begins with one and a colon: '填表人:', not '日期镇'."""
    head = normalise(text).partition(":")[0]
    return head in _normalised(tuple(labels))


@lru_cache(maxsize=256)
def _normalised(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(normalise, labels))


_MARK_BEHIND = re.compile(r"[*※]+$")
_NUMBER_BEFORE = re.compile(
    r"^(?:\((?:\d+|[一二三四五六七八九十]+)\)|(?:\d+|[一二三四五六七八九十]+)[.、])"
)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The units of all groups, so that one of another group is known for what it is."""

    names: NameIndex
    groups: Mapping[str, Bilingual]


@dataclass(frozen=True, slots=True)
class AxisNames:
    """A dimension that a sheet shows: its names (None where any will do) and its header labels."""

    dimension: str
    names: NameIndex | None
    labels: Sequence[str]
    elsewhere: Elsewhere | None = None


@dataclass(slots=True)
class Header:
    """``row`` is the last row of the header; the members stand in ``label_row``.

    ``lost`` has the column of the deductions below an item by that of its scores.
    """

    row: int
    columns: list[tuple[int, str]]
    across: AxisNames
    down: AxisNames
    label_row: int
    scored: bool = True
    lost: dict[int, int] = field(default_factory=dict)


def match_label(names: NameIndex, text: str) -> str | None:
    """The member that a header names, looking past '1.' before it and '(5分)' behind it."""
    found = names.match(text)
    if found is None and text:
        bare = _MARK_BEHIND.sub("", MARKS_BEHIND.sub("", normalise(text)))
        found = names.match(bare) or names.match(_NUMBER_BEFORE.sub("", bare))
    return found


def two_dimensions(grid: Sheet, axes: Sequence[AxisNames]) -> Header | None:
    """The header under which most cells have a name on both sides."""
    found = [
        header
        for place, axis in enumerate(axes)
        if axis.names is not None
        for header in [_widest(grid, axis, axis.names, axes[1 - place])]
        if header is not None
    ]
    return max(
        found, key=lambda header: len(header.columns) * _named_below(grid, header), default=None
    )


def _widest(grid: Sheet, axis: AxisNames, names: NameIndex, other: AxisNames) -> Header | None:
    """The row that names most members of an axis."""
    best: Header | None = None
    for row in range(min(len(grid.rows), HEADER_ROWS)):
        found = list(_named(grid, row, names))
        if found and (best is None or len(found) > len(best.columns)):
            best = Header(row, found, axis, other, row)
        if len(found) >= names.size:
            break
    return best


def _named_below(grid: Sheet, header: Header) -> int:
    column = name_column(grid, header)
    if column is None:
        return 0
    names = header.down.names
    texts = [grid.text(row, column) for row in range(header.row + 1, len(grid.rows))]
    return sum(
        bool(text) and (names is None or match_label(names, text) is not None) for text in texts
    )


def _named(grid: Sheet, row: int, names: NameIndex) -> Iterator[tuple[int, str]]:
    cells = enumerate(grid.rows[row])
    texts = {column for column, cell in cells if cell and isinstance(cell, str)}
    found = {column: match_label(names, grid.text(row, column)) for column in texts}
    if any(found.values()):
        # A header may be a number, such as that of a round, but only beside one that is a text.
        for column in set(range(len(grid.rows[row]))) - texts:
            if grid.rows[row][column] != "":
                found[column] = match_label(names, grid.text(row, column))
    for column, member in sorted(found.items()):
        if member is not None:
            yield column, member


def one_dimension(grid: Sheet, axis: AxisNames, labels: Labels) -> Header | None:
    """The row with a label for scores, or for deductions, beside one for the members."""
    for row in range(min(len(grid.rows), HEADER_ROWS)):
        # A label that is merged over two rows of a header stands in the upper one.
        texts = {
            column: grid.text(row, column) or grid.word(max(row - 1, 0), column)
            for column in range(len(grid.rows[row]))
        }
        scores = [column for column, text in texts.items() if labelled(text, labels.score)]
        lost = [column for column, text in texts.items() if labelled(text, labels.deduction)]
        if (scores or lost) and any(labelled(text, axis.labels) for text in texts.values()):
            none = AxisNames("", None, ())
            columns = [(column, "") for column in (scores or lost)[:1]]
            return Header(row, columns, none, axis, row, scored=bool(scores))
    return None


def name_column(grid: Sheet, header: Header) -> int | None:
    """The column under a label of the dimension that runs down; else the one with most of its names."""
    scored = {column for column, _member in header.columns}
    width = max((len(row) for row in grid.rows), default=0)
    for label in header.down.labels:
        for row in range(header.row, max(header.row - 3, -1), -1):
            for column in range(width):
                text = grid.text(row, column)
                if column not in scored and normalise(text) == normalise(label):
                    return column
    names = header.down.names
    if names is None:
        return None
    below = range(header.row + 1, len(grid.rows))
    counts = {
        column: sum(
            match_label(names, grid.text(row, column)) is not None
            for row in below
            if grid.text(row, column)
        )
        for column in range(width)
        if column not in scored
    }
    best = max(counts, key=lambda column: counts[column], default=None)
    return best if best is not None and counts[best] else None


def second_level(grid: Sheet, header: Header, labels: Labels) -> None:
    """Where a row below the names says 得分 and 扣分 under each, the scores stand under the first."""
    row = header.row + 1
    if row >= len(grid.rows) or not header.across.dimension:
        return
    places = [column for column, _member in header.columns]
    width = max(map(len, grid.rows))
    columns: list[tuple[int, str]] = []
    for (column, member), end in zip(header.columns, [*places[1:], width], strict=True):
        under = [at for at in range(column, end) if labelled(grid.word(row, at), labels.score)]
        if not under:
            return
        columns.append((under[0], member))
        for at in range(column, end):
            if labelled(grid.word(row, at), labels.deduction):
                header.lost[under[0]] = at
    header.row, header.columns = row, columns


def heads(grid: Sheet, header: Header) -> dict[int, str]:
    """The label of each column: in the header row, or above it where cells are merged downwards."""
    found: dict[int, str] = {}
    width = max((len(row) for row in grid.rows), default=0)
    for column in range(width):
        for row in range(header.row, max(header.row - 2, -1), -1):
            text = grid.text(row, column)
            if text:
                found[column] = text
                break
    return found


_NUMBER_BEFORE_layout = re.compile(r"^\d+[.、]")


@dataclass(slots=True)
class Layout:
    """The rectangle of scores in a sheet, and what stands beside and below it.

    ``beside`` has the 0-based columns of totals, averages, ranks, full marks, deductions and their
    reasons by these names, ``below`` the rows of totals and averages. ``marks`` are the full marks
    that headers state of their columns, in the row ``header``. ``deductions`` has the column of the
    deductions that belong to a column of scores. ``scored`` is False where deductions
    alone are given.
    """

    rows: Axis
    columns: Axis
    beside: Mapping[str, int] = field(default_factory=dict)
    below: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[int, Decimal] = field(default_factory=dict)
    header: int = 0
    deductions: Mapping[int, int] = field(default_factory=dict)
    scored: bool = True


_MOST_FINDINGS = 1000
"""A sheet with more wrong rows than this is no sheet of scores."""

BESIDE = ("total", "average", "rank", "marks", "deduction", "reason")


def find_layout(
    grid: Sheet, axes: Sequence[AxisNames], labels: Labels
) -> tuple[Layout | None, list[Finding]]:
    """The layout of a sheet with one or two dimensions; None, with a finding, if it shows neither."""
    header = two_dimensions(grid, axes) if len(axes) == 2 else one_dimension(grid, axes[0], labels)
    where = Source(grid.file, grid.name)
    if header is None:
        words = [axis.labels[0] for axis in axes if axis.labels]
        expected = ", ".join(words if len(axes) == 2 else [*words, *labels.score[:1]])
        return None, [finding("sheet-no-header", where, expected=expected)]
    names_at = name_column(grid, header)
    if names_at is None:
        return None, [finding("sheet-no-names", where, expected=", ".join(header.down.labels))]
    second_level(grid, header, labels)
    labelled_as = heads(grid, header)
    rows, body, problems = _members(grid, header, names_at, labels)
    findings = list(_other_columns(grid, header, labelled_as, names_at, labels, body))
    findings += _twice(grid, header.columns, header.label_row)
    if not rows:
        problems.append(finding("sheet-no-rows", where))
    layout = Layout(
        rows=_axis(header.down.dimension, rows),
        columns=_axis(header.across.dimension, header.columns),
        beside=dict(_beside(grid, header, labelled_as, labels, findings)),
        below=dict(_below(grid, header, names_at, labels, {row for row, _member in rows})),
        marks=dict(_stated_marks(grid, header)),
        header=header.label_row,
        deductions=dict(_deductions(header, labelled_as, labels)),
        scored=header.scored,
    )
    return layout, findings + problems


def _beside(
    grid: Sheet, header: Header, heads: Mapping[int, str], labels: Labels, findings: list[Finding]
) -> Iterator[tuple[str, int]]:
    """The column of each kind that is no score; two that could be the same are an error."""
    scored = {column for column, _member in header.columns}
    for kind in BESIDE:
        wanted = getattr(labels, kind)
        found = [
            column
            for column, text in heads.items()
            if labelled(text, wanted) and (column not in scored or not header.scored)
        ]
        # Below items stand the deductions of each, which belong to their scores.
        if kind == "deduction" and (header.across.dimension or header.lost):
            continue
        if found:
            yield kind, found[0]
        for other in found[1:] if kind == "deduction" else ():
            params = {"label": heads[other], "first": heads[found[0]]}
            where = grid.source(header.row, other)
            findings.append(finding("column-ambiguous", where, **params))


def _deductions(
    header: Header, heads_: Mapping[int, str], labels: Labels
) -> Iterator[tuple[int, int]]:
    """The columns of deductions by those of the scores that they belong to, both from 0."""
    yield from header.lost.items()
    if not header.across.dimension:
        [score] = [column for column, _member in header.columns]
        lost = [column for column, text in heads_.items() if labelled(text, labels.deduction)]
        if lost:
            yield score, lost[0]


def _below(
    grid: Sheet, header: Header, names_at: int, labels: Labels, members: Set[int]
) -> Iterator[tuple[str, int]]:
    """The 0-based rows that state totals and averages below the scores."""
    rest = [row for row in range(header.row + 1, len(grid.rows)) if row not in members]
    for kind in ("total", "average", "marks"):
        for row in rest:
            texts = (grid.word(row, column) for column in range(names_at + 1))
            if any(text and labelled(text, getattr(labels, kind)) for text in texts):
                yield kind, row
                break


def _stated_marks(grid: Sheet, header: Header) -> Iterator[tuple[int, Decimal]]:
    """The full marks behind a column's name, such as (5分)."""
    if not header.across.dimension:
        return
    for column, _member in header.columns:
        marks = marks_behind(grid.word(header.label_row, column))
        if marks is not None:
            yield column, marks


def _other_columns(
    grid: Sheet,
    header: Header,
    heads: Mapping[int, str],
    names_at: int,
    labels: Labels,
    body: Sequence[int],
) -> Iterator[Finding]:
    """Columns that are neither scores nor known: said, so that nothing is passed over in silence."""
    known = {column for column, _member in header.columns} | {names_at}
    beside = (label for kind in BESIDE for label in getattr(labels, kind))
    accepted = (*labels.ignored, *labels.unit, *labels.indicator, *beside)
    width = max(map(len, grid.rows), default=0)
    for column in range(width):
        text = heads.get(column, "")
        if column in known or labelled(text, accepted):
            continue
        if any(_filled(grid, row, column) for row in body):
            where = grid.source(header.row, column)
            if not header.across.dimension and header.scored and labelled(text, labels.score):
                first = heads[header.columns[0][0]]
                yield finding("column-ambiguous", where, label=text, first=first)
                continue
            stranger = _stranger(header.across, text)
            if stranger is not None:
                yield finding("name-other-group", where, **stranger)
                continue
            suggestion = header.across.names.suggest(text) if header.across.names else ""
            yield finding(
                "column-unknown",
                where,
                label=" ".join(text.split()) or column_letters(column),
                suggestion=suggestion,
            )


def _members(
    grid: Sheet, header: Header, names_at: int, labels: Labels
) -> tuple[list[tuple[int, str]], list[int], list[Finding]]:
    """The rows with the member of each, all rows between header and foot, and what is wrong."""
    rows: list[tuple[int, str]] = []
    body: list[int] = []
    findings: list[Finding] = []
    counting = (*labels.total, *labels.average, *labels.summary)
    for row, text in _body(grid, header, names_at, labels):
        if len(findings) > _MOST_FINDINGS:
            break
        body.append(row)
        scored = any(_filled(grid, row, column) for column, _member in header.columns)
        member = _member(header.down.names, text, counting)
        if member is not None and (scored or header.down.names is not None):
            rows.append((row, member))
        elif scored or text:
            where = grid.source(row, names_at)
            findings.append(_unread(header.down, text, where, scored=scored, known=bool(member)))
    findings += _twice(grid, rows, names_at, down=True)
    return rows, body, findings


def _body(grid: Sheet, header: Header, names_at: int, labels: Labels) -> Iterator[tuple[int, str]]:
    """The rows below the header that are no totals, no feet and no header again; each one's name."""
    heads_ = {grid.text(row, names_at) for row in (header.row, header.label_row)}
    closing = (*labels.total, *labels.average, *labels.summary, *labels.marks)
    for row in range(header.row + 1, len(grid.rows)):
        words = (grid.word(row, column) for column in range(len(grid.rows[row])))
        first = next(filter(None, words), "")
        text = grid.text(row, names_at)
        if labelled(text or first, closing):
            continue
        if starts_with(first, labels.foot) and not _numbered(grid, row, header):
            continue
        if text not in heads_ or not _header_again(grid, row, header, names_at):
            yield row, text


def _member(names: NameIndex | None, text: str, counting: tuple[str, ...]) -> str | None:
    """The member that a row's name stands for; where any name will do, one that is no sum or mean."""
    if names is not None:
        return match_label(names, text) if text else None
    return text if text and not _speaks_of(text, counting) else None


@lru_cache(maxsize=65536)
def _speaks_of(text: str, labels: tuple[str, ...]) -> bool:
    """Whether a text holds one of the labels."""
    bare = normalise(text)
    return any(normalise(label) in bare for label in labels)


def _unread(axis: AxisNames, text: str, where: Source, *, scored: bool, known: bool) -> Finding:
    """Why a row with scores or a name is not read."""
    if not text:
        return finding("row-without-name", where)
    if known:
        return finding("row-without-scores", where, name=text)
    stranger = _stranger(axis, text) if scored else None
    if stranger is not None:
        return finding("name-other-group", where, **stranger)
    if scored or axis.names is None:
        suggestion = axis.names.suggest(text) if axis.names is not None else ""
        return finding("name-unknown", where, name=text, suggestion=suggestion)
    return finding("row-passed-over", where, name=text)


def _stranger(axis: AxisNames, text: str) -> dict[str, object] | None:
    """The unit of another group that a name is, and that group."""
    member = axis.elsewhere.names.match(text) if axis.elsewhere and text else None
    if member is None or axis.elsewhere is None:
        return None
    return {"name": member, "group": axis.elsewhere.groups[member]}


def _twice(
    grid: Sheet, found: Sequence[tuple[int, str]], other: int, *, down: bool = False
) -> Iterator[Finding]:
    """Two rows or two columns for one member, both named."""
    first: dict[str, int] = {}
    for place, member in found:
        if member not in first:
            first[member] = place
            continue
        here, before = (
            (index, other) if down else (other, index) for index in (place, first[member])
        )
        yield finding("name-twice", grid.source(*here), name=member, first=address(*before))


def _axis(dimension: str, found: Sequence[tuple[int, str]]) -> Axis:
    found = _single(found) if dimension else found
    members = tuple(member for _place, member in found)
    return Axis(dimension, members, tuple(place + 1 for place, _member in found))


def _single(found: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Without the members that stand twice: neither place is preferred."""
    counts = Counter(member for _place, member in found)
    return [(place, member) for place, member in found if counts[member] == 1]


def _header_again(grid: Sheet, row: int, header: Header, names_at: int) -> bool:
    """Whether a row repeats the header, as at a page break."""
    places = [names_at, *(column for column, _member in header.columns)]
    return all(
        grid.text(row, column) == grid.text(header.row, column)
        or grid.text(row, column) == grid.text(header.label_row, column)
        for column in places
    ) and any(grid.word(row, column) for column in places)


def _numbered(grid: Sheet, row: int, header: Header) -> bool:
    """Whether any cell under the header's members holds a number."""
    cells = grid.rows[row]
    within = (cells[column] for column, _member in header.columns if column < len(cells))
    return any(isinstance(cell, int | float) for cell in within)


def _filled(grid: Sheet, row: int, column: int) -> bool:
    cells = grid.rows[row]
    if column >= len(cells):
        return False
    cell = cells[column]
    return bool(cell.strip()) if isinstance(cell, str) else True
