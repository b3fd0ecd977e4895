"""What one unit gets back, as .xlsx (ECMA-376): each table a page of A4 landscape."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wuhu_appraisal.language import _
from wuhu_appraisal.output import feedback
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.docx import Paper
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.tables import Table
from wuhu_appraisal.output.workbook.book import Book, Front
from wuhu_appraisal.output.workbook.tables import write_table
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Detail


@dataclass(frozen=True, slots=True)
class Letter:
    """Its heading, what every page bears, what stands above the tables, and the tables."""

    heading: str
    copy: Copy
    marker: str
    stamp: str
    banner: Sequence[str]
    sheets: Sequence[Table]


def letter(result: Result, unit: str, *, final: bool) -> Letter:
    """What one unit is told; it bears the run's stamp unless the run is approved.

    Whose copy it is, it says: the unit's own where nobody else is named as its recipient. Raises
    KeyError if the unit is not in the run, ValueError if ``final`` is asked of a provisional result.
    """
    if final and result.provisional:
        raise ValueError("nothing final goes back of a provisional result")
    shows = result.scheme.confidentiality.shown_to(Audience.UNIT)
    own = Copy(Audience.UNIT, result.copy.recipient or unit, result.id, shows)
    sheets = feedback.sheets(result, unit)
    if Detail.SCORES in shows:
        sheets += _ranking(result, unit)
    return Letter(
        feedback.heading(result, unit),
        own,
        view.marker(replace(result, copy=own)),
        view.stamp(result, final=final),
        feedback.banner(result, unit),
        sheets,
    )


def _ranking(result: Result, unit: str) -> list[Table]:
    """The ranking of the unit's group."""
    whole = redacted(replace(result, copy=Copy()), Audience.UNIT)
    members = [[item.unit for item in found] for found in result.standings.values()]
    tables = zip(view.rankings(whole), members, strict=True)
    return [sheet for sheet, units in tables if unit in units]


def letter_docx(result: Result, unit: str, *, final: bool) -> bytes:
    """The paper of one unit; raises as ``letter`` does."""
    found = letter(result, unit, final=final)
    paper = Paper(
        _("Feedback on the result:\n{scheme}").format(scheme=result.scheme.title),
        stamp=found.stamp,
        moment=datetime.fromisoformat(result.computed_at).astimezone(UTC),
        warnings=found.banner,
        marker=found.marker,
    )
    paper.paragraph(_("To {unit}:").format(unit=unit), indented=False)
    paper.paragraph(
        _(
            "This is how you came out in {scheme}. What others gave or got is confidential and is"
            " told as far as it can be without naming them."
        ).format(scheme=result.scheme.title)
    )
    for sheet in found.sheets:
        paper.heading(1, sheet.name)
        if result.provisional:
            paper.note(_("Provisional result: the first page says what is missing."))
        paper.table(sheet)
    paper.closing(result.scheme.document.issued_by or _("(issuing office)"))
    return paper.save()


def letter_xlsx(result: Result, unit: str, *, final: bool) -> bytes:
    """The workbook of one unit; raises as ``letter`` does."""
    found = letter(result, unit, final=final)
    target = io.BytesIO()
    front = Front(
        title=found.heading,
        moment=result.computed_at,
        stamp=found.stamp,
        above=found.banner,
        copy=found.copy,
        unit=unit,
        final=final,
        marker=found.marker,
    )
    book = Book(target, front)
    for sheet in found.sheets:
        write_table(book.page(sheet.name), sheet)
    book.file.close()
    return target.getvalue()
