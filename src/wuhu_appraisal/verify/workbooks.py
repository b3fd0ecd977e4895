"""A workbook held, part by part and cell by cell, against the one that would be made now."""

import io
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineError, CalamineWorkbook

from wuhu_appraisal.findings import Finding, Source, address, finding
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.model import Result
from wuhu_appraisal.numbers import from_float, plain
from wuhu_appraisal.store import LEEWAY
from wuhu_appraisal.verify import appearance, looks, parts
from wuhu_appraisal.verify.formulas import normalised
from wuhu_appraisal.verify.package import AMBIGUOUS, Odd, Package, opened
from wuhu_appraisal.verify.remade import Book, copy_of, is_same, moment, read, remade
from wuhu_appraisal.verify.results import SCHEME, Compared
from wuhu_appraisal.workbooks.cell import TooLargeError
from wuhu_appraisal.workbooks.open import describe_sheets

CELLS, SHEETS = N_("cells"), N_("sheets")
_KEPT = 2e-14
"""How far a number may be off when a program writes it with 15 digits, as LibreOffice does."""

_MISSING, _MORE = N_("missing"), N_("not one of those that were made")
_HIDDEN = N_("hidden")

Content: TypeAlias = Any
"""What openpyxl gives for a cell: None, a number, a text, or a formula as text or as its object."""

Place: TypeAlias = tuple[int, int]
"""A row and a column, from 1."""

Grids: TypeAlias = Mapping[str, Mapping[Place, Content]]
"""What python-calamine reads in each sheet by its name."""


class _Formula(str):
    """A formula; a text that begins with '=' is none."""

    __slots__ = ()


def compare(
    content: bytes,
    scheme_sha256: str,
    again: Result,
    name: str,
    *,
    secrets: Sequence[str] = (),
    folder: str | None = None,
) -> Compared:
    """Hold a workbook's bytes (.xlsx, in the clear) against what a run of now is rendered as.

    ``secrets`` are those of the results that it may be a copy of. ``folder`` is where rows are kept
    meanwhile; without one nothing is written to the disk.
    """
    try:
        described = describe_sheets(name, content)
        package, odd = opened(content)
    except (TooLargeError, ValueError):
        return Compared([finding("file-damaged", Source(name))], {})
    odd += parts.odd(package)
    if odd:
        return Compared(list(_odd(odd, name)), {})
    book = read(content)
    if book is None or described is None:
        return Compared([finding("file-damaged", Source(name))], {})
    if unread := sorted(book.names - described.keys()):
        return Compared(list(_odd([Odd(sheet, AMBIGUOUS) for sheet in unread], name)), {})
    copied = copy_of(again, book, secrets)
    if copied is None:
        return Compared([finding("verify-needs-result", Source(name), run=book.run)], {})
    made = remade(copied, book, package)
    if made is None:
        return Compared([finding("verify-workbook-unknown", Source(name))], {})
    scheme = [*_scheme(book, again, scheme_sha256, name), *_moment(book, package, name)]
    same = is_same(package, made, folder)
    sheets = list(_sheets(made.book, book, name))
    cells: list[Finding] = []
    if not same:
        small = {title for title, sheet in described.items() if not sheet.too_large}
        ours, theirs = (_grids(item, small & made.book.names) for item in (made.content, content))
        cells = list(_Cells(made.book, book, ours, theirs, name).found())
    count = sum(len(sheet._cells) for sheet in made.book.formulas.worksheets)
    counts = {
        SCHEME: (1, len(scheme)),
        SHEETS: (len(book.names | made.book.names), len(sheets)),
        CELLS: (count, len(cells)),
    }
    return Compared([*scheme, *sheets, *cells], counts, resaved=not same)


def _odd(odd: list[Odd], name: str) -> Iterator[Finding]:
    """What the file holds that no rendering does, and no program adds to one."""
    for part, problem in odd:
        said = {"recorded": _(problem), "found": _("nothing of it")}
        yield finding("verify-differs", Source(name), what=part or _("the file"), **said)


def _sheets(made: Book, book: Book, name: str) -> Iterator[Finding]:
    sheets = book.formulas.worksheets
    hidden = {sheet.title for sheet in sheets if sheet.sheet_state != "visible"}
    theirs = set(book.formulas.sheetnames)
    for names, state in (
        (made.names - book.names, _MISSING),
        (theirs - made.names, _MORE),
        (made.names & hidden, _HIDDEN),
    ):
        for sheet in sorted(names):
            yield finding("verify-sheet-differs", Source(name, sheet), state_word=state)


def _scheme(book: Book, run: Result, sha256: str, name: str) -> Iterator[Finding]:
    """Whether the workbook says that another scheme made it; some programs drop what it says."""
    recorded, now = book.properties.get("scheme", ""), f"{run.scheme.id} {sha256}"
    if recorded not in ("", now):
        yield finding("verify-scheme-differs", Source(name), recorded=recorded, found=now)


def _moment(book: Book, package: Package, name: str) -> Iterator[Finding]:
    """Whether it says that it was computed at a time that is still to come."""
    said, now = moment(book, package), datetime.now(UTC)
    if said and datetime.fromisoformat(said) > now + LEEWAY:
        found = now.isoformat(timespec="seconds")
        what = _("the time at which it was computed")
        yield finding("verify-differs", Source(name), what=what, recorded=said, found=found)


class _Cells:
    """The cells of a workbook, and what they look like, against those that were made."""

    def __init__(self, made: Book, book: Book, ours: Grids, theirs: Grids, name: str) -> None:
        self._made, self._book, self._name = made, book, name
        self._grids = ours, theirs
        self._looks = looks.Looks(made.formulas), looks.Looks(book.formulas)
        self._computed = any(_values(book))

    def found(self) -> Iterator[Finding]:
        """Every cell that differs, sheet by sheet from the top, and what differs around them."""
        ours, theirs = (item.formulas.calculation for item in (self._made, self._book))
        if (ours.fullPrecision is False) is not (theirs.fullPrecision is False):
            what = _("how numbers are computed")
            said = {"recorded": _("as they are shown"), "found": _("with all their digits")}
            yield finding("verify-differs", Source(self._name), what=what, **said)
        for made in self._made.formulas.worksheets:
            if made.title in self._book.names:
                yield from self._sheet(made, self._book.formulas[made.title])

    def _sheet(self, made: Worksheet, sheet: Worksheet) -> Iterator[Finding]:
        values, their_values = (item.values[made.title] for item in (self._made, self._book))
        one, other = (grids.get(made.title, {}) for grids in self._grids)
        # Only cells that are there: one written far off would otherwise make billions of them.
        for at in sorted({*made._cells, *sheet._cells, *one, *other}):
            expected = _at(made, at)
            said = (
                _difference(expected, _at(sheet, at))
                or self._recomputed(expected, _at(values, at), _at(their_values, at))
                or self._read(expected, one.get(at), other.get(at))
                or self._looking(made, sheet, at)
            )
            if said is not None:
                where = Source(self._name, made.title, address(at[0] - 1, at[1] - 1))
                yield finding("verify-cell-differs", where, expected=said[0], found=said[1])
        for cell, ours, theirs in (
            *appearance.hidden(made, sheet),
            *appearance.charts(made, sheet),
            *looks.sheet(*self._looks, made, sheet),
        ):
            where = Source(self._name, made.title, cell)
            if cell:
                yield finding("verify-cell-differs", where, expected=ours, found=theirs)
            else:
                what = _("the sheet as a whole")
                yield finding("verify-differs", where, what=what, recorded=theirs, found=ours)

    def _recomputed(
        self, formula: Content, expected: Content, found: Content
    ) -> tuple[str, str] | None:
        """The value that stands for a formula, in a workbook with values that were computed."""
        if not isinstance(formula, _Formula) or not self._computed:
            return None
        same = _is_same(expected, found, absolute=appearance.NEAR)
        return None if same else (_said(expected), _said(found))

    def _read(self, cell: Content, expected: Content, found: Content) -> tuple[str, str] | None:
        """What another reader reads in the same cell."""
        if isinstance(cell, _Formula) and not self._computed:
            return None
        same = _is_same(expected, found, absolute=appearance.NEAR)
        return None if same else (_said(expected), _said(found))

    def _looking(self, made: Worksheet, sheet: Worksheet, at: Place) -> tuple[str, str] | None:
        """A look of a cell that holds something, which shows it as something else or not at all."""
        cell, other = made._cells.get(at), sheet._cells.get(at)
        if cell is None or other is None or cell.value is None:
            return None
        return looks.cell(*self._looks, cell, other)


def _grids(content: bytes, sheets: Collection[str]) -> Grids:
    """What python-calamine reads in some sheets, by rows and columns from 1; nothing if it cannot.

    It makes room for every cell of the rectangle around those of a sheet.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return {
            name: {
                (row, column): value
                for row, line in enumerate(_lines(book, name), 1)
                for column, value in enumerate(line, 1)
                if value != ""
            }
            for name in book.sheet_names
            if name in sheets
        }
    except CalamineError:
        return {}


def _lines(book: CalamineWorkbook, name: str) -> list[list[Any]]:
    return book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def _values(book: Book) -> Iterator[bool]:
    """For each formula whether a value is stored beside it: some programs write none at all."""
    for sheet in book.formulas.worksheets:
        values = book.values[sheet.title]
        for at, cell in sheet._cells.items():
            if cell.data_type == "f":
                yield _at(values, at) is not None


def _at(sheet: Worksheet, at: Place) -> Content:
    """What a cell holds; an empty text is nothing. The cell is not made if it is not there."""
    cell = sheet._cells.get(at)
    if cell is None or cell.value is None or cell.value == "":
        return None
    if cell.data_type == "f":
        return _Formula(getattr(cell.value, "text", cell.value))
    # A text in pieces is a list of them.
    return str(cell.value) if isinstance(cell.value, list) else cell.value


def _difference(expected: Content, found: Content) -> tuple[str, str] | None:
    """What was expected and what was found, where a cell's content is another."""
    if isinstance(expected, _Formula) or isinstance(found, _Formula):
        same = type(expected) is type(found) and normalised(expected) == normalised(found)
    else:
        same = _is_same(expected, found)
    return None if same else (_said(expected), _said(found))


def _is_same(expected: Content, found: Content, absolute: float = 0) -> bool:
    """Whether two contents are one: numbers as near as they are kept; TRUE is not 1."""
    if _is_number(expected) and _is_number(found):
        return math.isclose(expected, found, rel_tol=_KEPT, abs_tol=absolute)
    return type(expected) is type(found) and bool(expected == found)


def _is_number(value: Content) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _said(value: Content) -> str:
    if value is None:
        return _("nothing")
    if _is_number(value):
        return plain(from_float(float(value)))
    return str(value)
