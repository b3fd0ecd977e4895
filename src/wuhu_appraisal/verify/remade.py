"""A run rendered again as the workbook that another one says it is: its edition, language, stamp."""

import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from openpyxl import load_workbook
from openpyxl.workbook.workbook import Workbook

from wuhu_appraisal import language as i18n
from wuhu_appraisal.model import LONGEST_RECIPIENT, Copy, Result
from wuhu_appraisal.output import feedback, workbook
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.letters import letter_xlsx
from wuhu_appraisal.output.redact import edition
from wuhu_appraisal.scheme.models import Audience
from wuhu_appraisal.verify.package import Package, opened
from wuhu_appraisal.verify.results import speaking

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d|Z)")
_CREATED = re.compile(rb":created[^>]*>([^<]+)<")
_TOP = 6
"""In how many rows from the top the mark of a draft stands."""


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook twice: with its formulas, and with the values that were computed last."""

    formulas: Workbook
    values: Workbook

    @property
    def names(self) -> set[str]:
        """The names of the sheets with cells; one that is all a chart has none."""
        return {sheet.title for sheet in self.formulas.worksheets}

    @property
    def properties(self) -> dict[str, str]:
        """What the workbook says of itself by name; some programs drop it."""
        properties = self.formulas.custom_doc_props.props  # type: ignore[attr-defined]
        return {item.name: str(item.value) for item in properties}

    @property
    def run(self) -> str:
        """The number of the result that it is a copy of; '' where it bears none."""
        return self.properties.get("run", "")


@dataclass(frozen=True, slots=True)
class Remade:
    """What was rendered again, in which language, and how to render it with its rows in a folder."""

    content: bytes
    book: Book
    language: str
    kept_in: Callable[[str], bytes] | None


def read(content: bytes) -> Book | None:
    """The workbook, or None where openpyxl makes nothing of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Book(
                load_workbook(io.BytesIO(content), rich_text=True),
                load_workbook(io.BytesIO(content), data_only=True),
            )
        except Exception:
            # Damaged parts make it raise whatever it comes upon.
            return None


def copy_of(run: Result, book: Book, secrets: Sequence[str]) -> Result | None:
    """The run with the secret that a copy's number and its raters' numbers follow from.

    None where it bears the number of none of the results; a workbook without a number needs none.
    """
    if not book.run:
        return run
    found = (replace(run, secret=secret) for secret in (run.secret, "", *secrets))
    return next((copied for copied in found if copied.id == book.run), None)


def remade(run: Result, book: Book, package: Package) -> Remade | None:
    """The run as the workbook that ``book`` says it is; None if it is none that is made of the run.

    The edition is that of its properties, the office's own where a program dropped them. The
    language is the one in which the sheets' names agree best, the active one tried first.
    """
    said = book.properties
    recipient = said.get("recipient", "")
    try:
        audience = Audience(said.get("audience", Audience.OFFICE))
    except ValueError:
        return None
    if len(recipient) > LONGEST_RECIPIENT or not recipient.isprintable():
        return None
    run = replace(run, computed_at=moment(book, package) or run.computed_at)
    best, chosen = 0, None
    for language in sorted(i18n.LOCALES, key=lambda item: item != i18n.language()):
        with speaking(language):
            # Numbers in the place of names are made in the active language.
            made = _made(run, book, audience, recipient)
        if made is None:
            continue
        if (agreeing := len(book.names & made.book.names)) > best:
            best, chosen = agreeing, made
        if 2 * best > len(book.names):
            break
    return chosen


def is_same(package: Package, made: Remade, folder: str | None) -> bool:
    """Whether the file holds, byte for byte, the parts that were rendered.

    A workbook that is not encrypted is written with its rows in a folder meanwhile, and its texts
    stand in its sheets: whether it is the same, only rendering it so in a ``folder`` tells.
    """
    ours = opened(made.content)[0]
    if package.parts == ours.parts:
        return True
    front, other = ([item.parts[name] for name in item.of("workbook")] for item in (package, ours))
    if not folder or made.kept_in is None or package.of("sharedstrings") or front != other:
        return False
    with speaking(made.language):
        return opened(made.kept_in(folder))[0].parts == package.parts


def moment(book: Book, package: Package) -> str:
    """When the result was computed, in ISO 8601, as the workbook says; '' if it does not.

    Its sheets say it with an offset, its properties in UTC.
    """
    texts = (
        str(cell.value)
        for sheet in book.formulas.worksheets
        for cell in sheet._cells.values()
        if cell.data_type == "s"
    )
    shown = Counter(found for text in texts for found in _MOMENT.findall(text) if _parsed(found))
    core = b"".join(package.parts[name] for name in package.of("core-properties"))
    written = _CREATED.search(core)
    created = _parsed(written[1].decode(errors="replace")) if written else None
    if created is None:
        return next((text for text, _count in shown.most_common(1)), "")
    return next((text for text in shown if _parsed(text) == created), created.isoformat())


def _parsed(text: str) -> datetime | None:
    """A time with an offset."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _made(run: Result, book: Book, audience: Audience, recipient: str) -> Remade | None:
    """The rendering in the active language."""
    if audience is Audience.UNIT:
        copy = replace(run, edition=Copy(audience, recipient, run.id))
        unit = _unit(copy, book, recipient)
        if unit is None:
            return None
        return _remade(letter_xlsx(copy, unit, final=_is_final(copy, book)), None)
    told = edition(run, audience, recipient)
    final = _is_final(told, book)
    return _remade(
        workbook.render(told, final=final),
        lambda folder: workbook.render(told, final=final, folder=folder),
    )


def _remade(content: bytes, kept_in: Callable[[str], bytes] | None) -> Remade:
    book = read(content)
    assert book is not None
    return Remade(content, book, i18n.language(), kept_in)


def _unit(run: Result, book: Book, recipient: str) -> str | None:
    """The unit that a letter is about: the one that its properties' title names, or its recipient."""
    units = [item.unit for found in run.standings.values() for item in found]
    title = book.formulas.properties.title
    named = [unit for unit in units if feedback.heading(run, unit) == title]
    return next((unit for unit in (*named, recipient) if unit in units), None)


def _is_final(run: Result, book: Book) -> bool:
    """Whether the run is approved, and most sheets bear no mark of a draft in the active language."""
    stamp = view.stamp(run, final=False)
    sheets = book.formulas.worksheets
    marked = sum(
        any(str(cell.value) == stamp for (cell,) in sheet.iter_rows(max_row=_TOP, max_col=1))
        for sheet in sheets
    )
    return not run.provisional and 2 * marked <= len(sheets)
