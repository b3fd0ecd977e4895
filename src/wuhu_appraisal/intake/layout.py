"""Where is what in a sheet: found by the labels and names that the scheme knows, not by position.

The header is the row in which most cells name members of one of the form's dimensions, or, where
the sheet has a single column of scores, the row that holds a label for scores. Above it stand
titles; below it every row is a member, a total, a foot, or a finding.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.intake.grid import HEADER_ROWS, Grid
from wuhu_appraisal.intake.labels import MARKS_BEHIND, labelled, starts_with
from wuhu_appraisal.names import NameIndex, normalise
from wuhu_appraisal.scheme.reading import Labels
from wuhu_appraisal.table import Axis, column_letters

_NUMBER_BEFORE = re.compile(r"^\d+[.、]")


@dataclass(frozen=True, slots=True)
class AxisNames:
    """A dimension that a sheet shows: its names (None where any will do) and its header labels."""

    dimension: str
    names: NameIndex | None
    labels: Sequence[str]


@dataclass(slots=True)
class Layout:
    """The rectangle of scores in a sheet, and the column of stated totals if there is one."""

    rows: Axis
    columns: Axis
    total: int | None = None
    total_row: int | None = None
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class _Header:
    row: int
    columns: list[tuple[int, str]]
    across: AxisNames
    down: AxisNames


def find_layout(
    grid: Grid, axes: Sequence[AxisNames], labels: Labels
) -> tuple[Layout | None, list[Finding]]:
    """The layout of a sheet with one or two dimensions; None, with a finding, if it shows neither."""
    header = (
        _two_dimensions(grid, axes) if len(axes) == 2 else _one_dimension(grid, axes[0], labels)
    )
    where = Source(grid.file, grid.sheet)
    if header is None:
        expected = ", ".join(axis.labels[0] for axis in axes if axis.labels)
        return None, [finding("sheet-no-header", where, expected=expected)]
    names_at = _name_column(grid, header)
    if names_at is None:
        return None, [finding("sheet-no-names", where, expected=", ".join(header.down.labels))]
    heads = _heads(grid, header)
    findings = list(_other_columns(grid, header, heads, names_at, labels))
    findings += _twice(grid, header.columns, header.row)
    rows, problems = _members(grid, header, names_at, labels)
    if not rows:
        problems.append(finding("sheet-no-rows", where))
    totals = [column for column, text in heads.items() if labelled(text, labels.total)]
    layout = Layout(
        rows=_axis(header.down.dimension, rows),
        columns=_axis(header.across.dimension, header.columns),
        total=totals[0] if totals and header.across.dimension else None,
        total_row=None if totals else _total_row(grid, header, names_at, labels),
    )
    return layout, findings + problems


def _total_row(grid: Grid, header: _Header, names_at: int, labels: Labels) -> int | None:
    """The 0-based row that states totals below the scores, if there is one."""
    for row in range(header.row + 1, len(grid.rows)):
        texts = (grid.word(row, column) for column in range(names_at + 1))
        if any(text and labelled(text, labels.total) for text in texts):
            return row
    return None


def match_label(names: NameIndex, text: str) -> str | None:
    """The member that a header names, looking past '1.' before it and '(5分)' behind it."""
    found = names.match(text)
    if found is None:
        bare = _NUMBER_BEFORE.sub("", MARKS_BEHIND.sub("", normalise(text)))
        found = names.match(bare) if bare else None
    return found


def _two_dimensions(grid: Grid, axes: Sequence[AxisNames]) -> _Header | None:
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


def _widest(grid: Grid, axis: AxisNames, names: NameIndex, other: AxisNames) -> _Header | None:
    """The row that names most members of an axis."""
    best: _Header | None = None
    for row in range(min(len(grid.rows), HEADER_ROWS)):
        found = list(_named(grid, row, names))
        if found and (best is None or len(found) > len(best.columns)):
            best = _Header(row, found, axis, other)
        if len(found) >= names.size:
            break
    return best


def _named_below(grid: Grid, header: _Header) -> int:
    column = _name_column(grid, header)
    if column is None:
        return 0
    names = header.down.names
    texts = [grid.text(row, column) for row in range(header.row + 1, len(grid.rows))]
    return sum(
        bool(text) and (names is None or match_label(names, text) is not None) for text in texts
    )


def _named(grid: Grid, row: int, names: NameIndex) -> Iterator[tuple[int, str]]:
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


def _one_dimension(grid: Grid, axis: AxisNames, labels: Labels) -> _Header | None:
    for row in range(min(len(grid.rows), HEADER_ROWS)):
        texts = {column: grid.text(row, column) for column in range(len(grid.rows[row]))}
        scores = [column for column, text in texts.items() if labelled(text, labels.score)]
        if scores and any(labelled(text, axis.labels) for text in texts.values()):
            none = AxisNames("", None, ())
            return _Header(row, [(column, "") for column in scores[:1]], none, axis)
    return None


def _name_column(grid: Grid, header: _Header) -> int | None:
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


def _heads(grid: Grid, header: _Header) -> dict[int, str]:
    """The label of each column: in the header row, or above it where cells are merged downwards."""
    heads: dict[int, str] = {}
    width = max((len(row) for row in grid.rows), default=0)
    for column in range(width):
        for row in range(header.row, max(header.row - 2, -1), -1):
            text = grid.text(row, column)
            if text:
                heads[column] = text
                break
    return heads


def _other_columns(
    grid: Grid, header: _Header, heads: Mapping[int, str], names_at: int, labels: Labels
) -> Iterator[Finding]:
    """Columns that are neither scores nor known: said, so that nothing is passed over in silence."""
    known = {column for column, _member in header.columns} | {names_at}
    accepted = [*labels.total, *labels.average, *labels.ignored, *labels.unit, *labels.indicator]
    width = max(map(len, grid.rows), default=0)
    for column in range(width):
        text = heads.get(column, "")
        if column in known or labelled(text, accepted):
            continue
        if any(_filled(grid, row, column) for row in range(header.row + 1, len(grid.rows))):
            cell = f"{column_letters(column + 1)}{header.row + 1}"
            suggestion = header.across.names.suggest(text) if header.across.names else ""
            yield finding(
                "column-unknown",
                Source(grid.file, grid.sheet, cell),
                label=" ".join(text.split()) or column_letters(column + 1),
                suggestion=suggestion,
            )


def _members(
    grid: Grid, header: _Header, names_at: int, labels: Labels
) -> tuple[list[tuple[int, str]], list[Finding]]:
    rows: list[tuple[int, str]] = []
    findings: list[Finding] = []
    names = header.down.names
    closing = [*labels.total, *labels.average]
    for row in range(header.row + 1, len(grid.rows)):
        scored = any(_filled(grid, row, column) for column, _member in header.columns)
        text = grid.text(row, names_at)
        where = Source(grid.file, grid.sheet, f"{column_letters(names_at + 1)}{row + 1}")
        words = (grid.word(row, column) for column in range(len(grid.rows[row])))
        first = next(filter(None, words), "")
        if labelled(text or first, closing):
            continue
        if not scored and starts_with(first, labels.foot):
            continue
        if not text:
            if scored:
                findings.append(finding("row-without-name", where))
            continue
        member = text if names is None else match_label(names, text)
        if member is not None:
            if names is None and not scored:
                findings.append(finding("row-without-scores", where, name=text))
                continue
            rows.append((row, member))
        elif scored:
            assert names is not None
            suggestion = names.suggest(text)
            findings.append(finding("name-unknown", where, name=text, suggestion=suggestion))
        else:
            findings.append(finding("row-passed-over", where, name=text))
    findings += _twice(grid, rows, names_at, down=True)
    return rows, findings


def _twice(
    grid: Grid, found: Sequence[tuple[int, str]], other: int, *, down: bool = False
) -> Iterator[Finding]:
    """Two rows or two columns for one member, both named."""
    first: dict[str, int] = {}
    for place, member in found:
        if member not in first:
            first[member] = place
            continue
        cells = [
            f"{column_letters((other if down else index) + 1)}{(index if down else other) + 1}"
            for index in (place, first[member])
        ]
        where = Source(grid.file, grid.sheet, cells[0])
        yield finding("name-twice", where, name=member, first=cells[1])


def _axis(dimension: str, found: Sequence[tuple[int, str]]) -> Axis:
    found = _single(found) if dimension else found
    members = tuple(member for _place, member in found)
    return Axis(dimension, members, tuple(place + 1 for place, _member in found))


def _single(found: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Without the members that stand twice: neither place is preferred."""
    counts = Counter(member for _place, member in found)
    return [(place, member) for place, member in found if counts[member] == 1]


def _filled(grid: Grid, row: int, column: int) -> bool:
    cells = grid.rows[row]
    return column < len(cells) and cells[column] != ""
