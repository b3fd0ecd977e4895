"""A ranked workbook held, cell by cell, against the one that would be made now."""

import io
import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from openpyxl import load_workbook
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from wuhu_appraisal import i18n
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.i18n import N_, _
from wuhu_appraisal.intake.facts import TooLargeError, read_facts
from wuhu_appraisal.numbers import from_float, plain
from wuhu_appraisal.report import view, workbook
from wuhu_appraisal.run import Run
from wuhu_appraisal.table import column_letters
from wuhu_appraisal.verify import appearance
from wuhu_appraisal.verify.formulas import normalised
from wuhu_appraisal.verify.results import SCHEME, Compared, speaking

CELLS, SHEETS = N_("cells"), N_("sheets")
_KEPT = 2e-14
"""How far a number may be off when a program writes it with 15 digits, as LibreOffice does."""

_MISSING, _MORE = N_("missing"), N_("not one of those that were made")
_HIDDEN = N_("hidden")
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d|Z)"
_TOP = 6
"""In how many rows from the top the mark of a draft stands."""

Content: TypeAlias = Any
"""What openpyxl gives for a cell: None, a number, a text, or a formula as text or as its object."""


class _Formula(str):
    """A formula; a text that begins with '=' is none."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Book:
    """A workbook twice: with its formulas, and with the values that were computed last."""

    formulas: Workbook
    values: Workbook


def compare(content: bytes, scheme_sha256: str, again: Run, name: str) -> Compared:
    """Hold a workbook's bytes (.xlsx, in the clear) against what a run of now is rendered as."""
    try:
        damaged = read_facts(content) is None
    except TooLargeError:
        damaged = True
    book = None if damaged else _opened(content)
    if book is None:
        return Compared([finding("file-damaged", Source(name))], {})
    made = _rendered(again, book)
    if made is None:
        return Compared([finding("verify-workbook-unknown", Source(name))], {})
    scheme = list(_scheme(book, again, scheme_sha256, name))
    theirs, ours = (_names(item) for item in (book, made))
    hidden = {sheet.title for sheet in book.formulas.worksheets if sheet.sheet_state != "visible"}
    sheets = [
        finding("verify-sheet-differs", Source(name, sheet), state_word=state)
        for names, state in (
            (ours - theirs, _MISSING),
            (theirs - ours, _MORE),
            (ours & hidden, _HIDDEN),
        )
        for sheet in sorted(names)
    ]
    cells = list(_cells(made, book, again.computed_at, name))
    count = sum(len(sheet._cells) for sheet in made.formulas.worksheets)
    counts = {
        SCHEME: (1, len(scheme)),
        SHEETS: (len(theirs | ours), len(sheets)),
        CELLS: (count, len(cells)),
    }
    return Compared([*scheme, *sheets, *cells], counts)


def _opened(content: bytes) -> _Book | None:
    """The workbook, or None where openpyxl makes nothing of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _Book(
                load_workbook(io.BytesIO(content)),
                load_workbook(io.BytesIO(content), data_only=True),
            )
        except Exception:
            # Damaged parts make it raise whatever it comes upon.
            return None


def _names(book: _Book) -> set[str]:
    """The names of the sheets with cells; one that is all a chart has none."""
    return {sheet.title for sheet in book.formulas.worksheets}


def _rendered(run: Run, book: _Book) -> _Book | None:
    """The run as a workbook in the language and with the stamp of another; None if it has neither.

    The language is the one in which the sheets' names agree best, the active one tried first.
    """
    theirs = _names(book)
    best, chosen = 0, None
    for language in sorted(i18n.LOCALES, key=lambda item: item != i18n.language()):
        with speaking(language):
            final = not run.provisional and not _is_draft(run, book)
            made = _opened(workbook.render(run, final=final))
        assert made is not None
        if (agreeing := len(theirs & _names(made))) > best:
            best, chosen = agreeing, made
        if 2 * best > len(theirs):
            break
    return chosen


def _is_draft(run: Run, book: _Book) -> bool:
    """Whether most sheets of the workbook bear the mark of a draft, in the active language."""
    stamp = view.stamp(run, final=False)
    sheets = book.formulas.worksheets
    marked = sum(
        any(cell.value == stamp for (cell,) in sheet.iter_rows(max_row=_TOP, max_col=1))
        for sheet in sheets
    )
    return 2 * marked > len(sheets)


def _scheme(book: _Book, run: Run, sha256: str, name: str) -> Iterator[Finding]:
    """Whether the workbook says that another scheme made it; some programs drop what it says."""
    properties = book.formulas.custom_doc_props.props  # type: ignore[attr-defined]
    said = {item.name: item.value for item in properties}
    recorded, now = str(said.get("scheme", "")), f"{run.scheme.id} {sha256}"
    if recorded not in ("", now):
        yield finding("verify-scheme-differs", Source(name), recorded=recorded, found=now)


def _cells(made: _Book, book: _Book, moment: str, name: str) -> Iterator[Finding]:
    """Every cell that differs, sheet by sheet from the top."""
    names, computed = _names(book), any(_values(book))
    for formulas in made.formulas.worksheets:
        if formulas.title not in names:
            continue
        theirs = book.formulas[formulas.title]
        values, their_values = made.values[formulas.title], book.values[formulas.title]
        # Only cells that are there: one written far off would otherwise make billions of them.
        for at in sorted({*formulas._cells, *theirs._cells}):
            expected = _at(formulas, at)
            said = (
                _difference(expected, _at(theirs, at), moment)
                or _recomputed(expected, _at(values, at), _at(their_values, at), computed=computed)
                or _looking(formulas, theirs, at)
            )
            if said is not None:
                where = Source(name, formulas.title, f"{column_letters(at[1])}{at[0]}")
                yield finding("verify-cell-differs", where, expected=said[0], found=said[1])
        shown = (*appearance.hidden(formulas, theirs), *appearance.charts(formulas, theirs))
        for cell, ours, other in shown:
            where = Source(name, formulas.title, cell)
            yield finding("verify-cell-differs", where, expected=ours, found=other)


def _values(book: _Book) -> Iterator[bool]:
    """For each formula whether a value is stored beside it: some programs write none at all."""
    for sheet in book.formulas.worksheets:
        values = book.values[sheet.title]
        for at, cell in sheet._cells.items():
            if cell.data_type == "f":
                yield _at(values, at) is not None


def _at(sheet: Worksheet, at: tuple[int, int]) -> Content:
    """What a cell holds; an empty text is nothing. The cell is not made if it is not there."""
    cell = sheet._cells.get(at)
    if cell is None or cell.value == "":
        return None
    if cell.data_type == "f":
        return _Formula(getattr(cell.value, "text", cell.value))
    return cell.value


def _difference(expected: Content, found: Content, moment: str) -> tuple[str, str] | None:
    """What was expected and what was found, where a cell's content is another."""
    if _is_number(expected) and _is_number(found):
        same = math.isclose(expected, found, rel_tol=_KEPT)
    elif isinstance(expected, _Formula) or isinstance(found, _Formula):
        same = type(expected) is type(found) and normalised(expected) == normalised(found)
    elif isinstance(expected, str) and isinstance(found, str) and moment in expected:
        # The workbook says when its result was computed; the run of now says another time.
        same = bool(re.fullmatch(re.escape(expected).replace(re.escape(moment), _MOMENT), found))
    else:
        same = expected == found
    return None if same else (_said(expected), _said(found))


def _recomputed(
    formula: Content, expected: Content, found: Content, *, computed: bool
) -> tuple[str, str] | None:
    """The value that stands for a formula, in a workbook with values that were ``computed``."""
    if not isinstance(formula, _Formula) or not computed:
        return None
    numbers = _is_number(expected) and _is_number(found)
    same = abs(expected - found) <= appearance.NEAR if numbers else expected == found
    return None if same else (_said(expected), _said(found))


def _looking(ours: Worksheet, theirs: Worksheet, at: tuple[int, int]) -> tuple[str, str] | None:
    """A number format that shows a number as another one."""
    cell, other = ours._cells.get(at), theirs._cells.get(at)
    if cell is None or other is None or cell.value is None:
        return None
    if cell.number_format == other.number_format:
        return None
    said = _("the number format {format}")
    return said.format(format=cell.number_format), said.format(format=other.number_format)


def _is_number(value: Content) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _said(value: Content) -> str:
    if value is None:
        return _("nothing")
    if _is_number(value):
        return plain(from_float(float(value)))
    return str(value)
