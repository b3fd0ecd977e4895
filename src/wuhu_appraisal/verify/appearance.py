"""What a workbook shows beside the contents of its cells: what is hidden, and its charts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple, TypeAlias

from openpyxl.worksheet.worksheet import Worksheet

from wuhu_appraisal.findings import address
from wuhu_appraisal.language import _
from wuhu_appraisal.numbers import from_float, plain
from wuhu_appraisal.verify.formulas import normalised

NEAR = 1e-9
"""How far the value that a program has computed may lie from the one stored when it was made."""


class Differing(NamedTuple):
    """A cell, such as B7, and what either workbook shows there."""

    cell: str
    expected: str
    found: str


_LOWEST, _NARROWEST = 3, 0.5
"""Rows of fewer points and columns of less of a character show nothing that can be read."""

_MOVED = 2
"""By so many rows or columns LibreOffice may end a chart elsewhere."""

Chart: TypeAlias = Any
"""A chart as openpyxl reads it; its classes have no types."""

Shown: TypeAlias = str | float | None


def hidden(made: Worksheet, sheet: Worksheet) -> Iterator[Differing]:
    """The rows and columns with contents that a sheet hides and the one that was made does not."""
    rows, columns = ({at[side] for at in made._cells} for side in (0, 1))
    for row in sorted(_hidden_rows(sheet, rows) - _hidden_rows(made, rows)):
        yield Differing(f"A{row}", _("a row that is shown"), _("a row that is hidden"))
    for column in sorted(_hidden_columns(sheet, columns) - _hidden_columns(made, columns)):
        cell = address(0, column - 1)
        yield Differing(cell, _("a column that is shown"), _("a column that is hidden"))
    if sheet.auto_filter.filterColumn and not made.auto_filter.filterColumn:
        cell = str(sheet.auto_filter.ref).partition(":")[0]
        yield Differing(cell, _("rows without a condition"), _("rows that meet a condition"))


def _hidden_rows(sheet: Worksheet, rows: set[int]) -> set[int]:
    """Those hidden by themselves, by a filter or by no height, or with all that say nothing else."""
    said, usual = sheet.row_dimensions, sheet.sheet_format
    heights = {row: said[row].height if row in said else None for row in rows}
    low = usual.defaultRowHeight is not None and usual.defaultRowHeight < _LOWEST
    alone = {
        row
        for row, height in heights.items()
        if (row in said and said[row].hidden) or (low if height is None else height < _LOWEST)
    }
    return alone | (rows - said.keys() if usual.zeroHeight else set())


def _hidden_columns(sheet: Worksheet, columns: set[int]) -> set[int]:
    """Those hidden by themselves or by no width; one entry is for columns side by side."""
    items = sheet.column_dimensions.values()
    spans = [(item.min or 0, item.max or 0, item) for item in items]
    usual = sheet.sheet_format.defaultColWidth
    narrow = usual is not None and usual < _NARROWEST
    found = set()
    for column in columns:
        own = [item for low, high, item in spans if low <= column <= high]
        if any(item.hidden or item.width < _NARROWEST for item in own) or (narrow and not own):
            found.add(column)
    return found


def charts(made: Worksheet, sheet: Worksheet) -> Iterator[Differing]:
    """What differs in the charts: titles, the names and cells of series, the numbers they show."""
    ours, theirs = _by_place(made), _by_place(sheet)
    for cell in sorted({*ours, *theirs}):
        chart, other = ours.get(cell), theirs.get(cell)
        if chart is None or other is None:
            there = [_("nothing") if item is None else _("a chart") for item in (chart, other)]
            yield Differing(cell, *there)
            continue
        ends = [_end(item) for item in (chart, other)]
        if any(abs(one - two) > _MOVED for one, two in zip(*ends, strict=True)):
            yield Differing(
                cell, *(_("a chart down to {cell}").format(cell=address(*at)) for at in ends)
            )
        for what, expected, found in _paired(chart, other):
            if not _same(expected, found):
                yield Differing(cell, _said(what, expected), _said(what, found))


def _by_place(sheet: Worksheet) -> dict[str, Chart]:
    """The charts by the cell in which their top left corner lies; a second one there is numbered."""
    placed: dict[str, Chart] = {}
    for chart in sheet._charts:  # type: ignore[attr-defined]
        corner = getattr(chart.anchor, "_from", None)
        cell = address(corner.row, corner.col) if corner else "A1"
        while cell in placed:
            cell += "'"
        placed[cell] = chart
    return placed


def _end(chart: Chart) -> tuple[int, int]:
    """The row and column, from 0, of the cell in which its lower right corner lies."""
    corner = getattr(chart.anchor, "to", None)
    return (corner.row, corner.col) if corner else (0, 0)


def _paired(chart: Chart, other: Chart) -> Iterator[tuple[str, Shown, Shown]]:
    """All that two charts show, by what it is called."""
    yield _("the chart's title"), _title(chart.title), _title(other.title)
    both = [[item for part in one._charts for item in part.series] for one in (chart, other)]
    for number, pair in enumerate(zip_longest(*both), 1):
        name, other_name = (_name(item and item.tx) for item in pair)
        yield _("the name of series {number}").format(number=number), name, other_name
        for title, keys in (
            (_("the categories of series {number}"), ("cat", "xVal")),
            (_("the values of series {number}"), ("val", "yVal")),
        ):
            yield from _cells_paired(
                title.format(number=number), *(_cells(it, keys) for it in pair)
            )


def _cells_paired(part: str, cells: Any, other: Any) -> Iterator[tuple[str, Shown, Shown]]:
    """The cells that a part of a series points at, and what is kept of them, if anything is."""
    ours, theirs = ("" if item is None else normalised(f"={item.f}") for item in (cells, other))
    yield part, ours, theirs
    points, kept = _points(cells), _points(other)
    for at in sorted({*points, *kept}) if kept else ():
        name = _("{part}, the one at {at}").format(part=part, at=at + 1)
        yield name, points.get(at), kept.get(at)


def _title(title: Any) -> str:
    """The text of a title, in however many pieces a program has it."""
    text = title and title.tx
    if not text or text.rich is None:
        return text.strRef.f if text and text.strRef else ""
    return "\n".join("".join(run.t for run in line.r or ()) for line in text.rich.p)


def _name(label: Any) -> str:
    """The name of a series; LibreOffice writes a text as a formula that holds it."""
    if label is None or label.strRef is None:
        return (label and label.v) or ""
    text = str(label.strRef.f)
    quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    return text[1:-1].replace('""', '"') if quoted else text


def _cells(series: Any, keys: Sequence[str]) -> Any:
    """The cells that a part of a series points at; None where it holds its numbers itself."""
    data = next(filter(None, (getattr(series, key, None) for key in keys)), None)
    return data and (data.numRef or getattr(data, "strRef", None))


def _points(cells: Any) -> Mapping[int, str | float]:
    """What a chart shows until a program reads the cells again, by its 0-based place.

    XlsxWriter keeps none for a workbook whose rows are written out at once.
    In the place of a text some programs write 0, others nothing; the chart looks the same.
    """
    kept = cells and (getattr(cells, "numCache", None) or getattr(cells, "strCache", None))
    return {point.idx: point.v for point in kept.pt if point.v != 0} if kept else {}


def _same(expected: Shown, found: Shown) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(expected, found, rel_tol=NEAR, abs_tol=NEAR)
    return expected == found


def _said(what: str, shown: Shown) -> str:
    value = plain(from_float(shown)) if isinstance(shown, float) else shown or _("nothing")
    return f"{what}: {value}"
