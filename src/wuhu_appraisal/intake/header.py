"""The header of a sheet: found by the labels and names that the scheme knows, not by position."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wuhu_appraisal.i18n import Bilingual
from wuhu_appraisal.intake.grid import HEADER_ROWS, Grid
from wuhu_appraisal.intake.labels import MARKS_BEHIND, labelled
from wuhu_appraisal.names import NameIndex, normalise
from wuhu_appraisal.scheme.reading import Labels

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


def two_dimensions(grid: Grid, axes: Sequence[AxisNames]) -> Header | None:
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


def _widest(grid: Grid, axis: AxisNames, names: NameIndex, other: AxisNames) -> Header | None:
    """The row that names most members of an axis."""
    best: Header | None = None
    for row in range(min(len(grid.rows), HEADER_ROWS)):
        found = list(_named(grid, row, names))
        if found and (best is None or len(found) > len(best.columns)):
            best = Header(row, found, axis, other, row)
        if len(found) >= names.size:
            break
    return best


def _named_below(grid: Grid, header: Header) -> int:
    column = name_column(grid, header)
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


def one_dimension(grid: Grid, axis: AxisNames, labels: Labels) -> Header | None:
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


def name_column(grid: Grid, header: Header) -> int | None:
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


def second_level(grid: Grid, header: Header, labels: Labels) -> None:
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


def heads(grid: Grid, header: Header) -> dict[int, str]:
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
