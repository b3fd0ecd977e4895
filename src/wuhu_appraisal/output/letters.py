"""What goes back to one unit, as .xlsx (ECMA-376, each table a page of A4 landscape) and .docx."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wuhu_appraisal.language import _
from wuhu_appraisal.output import tables
from wuhu_appraisal.output.docx import Paper
from wuhu_appraisal.output.feedback import unit_banner, unit_tables
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.tables import Table
from wuhu_appraisal.output.workbook.book import Book, Front
from wuhu_appraisal.output.workbook.tables import write_table
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Detail


@dataclass(frozen=True, slots=True)
class Letter:
    """Whose copy it is, what each page bears, the lines above the tables, and the tables."""

    copy: Copy
    marker: str
    stamp: str
    banner: Sequence[str]
    tables: Sequence[Table]


def letter(result: Result, unit: str, *, final: bool) -> Letter:
    """Return what goes back to one unit, its own copy unless the result names another recipient.

    Raise KeyError if the unit is not in the result, ValueError if a provisional result is to be
    final.
    """
    if final and result.provisional:
        raise ValueError("what goes back of a provisional result cannot be final")
    shows = result.scheme.confidentiality.shown_to(Audience.UNIT)
    copy = Copy(Audience.UNIT, result.copy.recipient or unit, result.id, shows)
    contents = unit_tables(result, unit)
    if Detail.SCORES in shows:
        others = redacted(replace(result, copy=Copy()), Audience.UNIT)
        contents += [
            ranking
            for ranking, standings in zip(
                tables.rankings(others), result.standings.values(), strict=True
            )
            if any(standing.unit == unit for standing in standings)
        ]
    return Letter(
        copy,
        tables.marker(replace(result, copy=copy)),
        tables.stamp(result, final=final),
        unit_banner(result, unit),
        contents,
    )


def letter_docx(result: Result, unit: str, *, final: bool) -> bytes:
    """Render the letter to one unit as .docx. Raise as ``letter`` does."""
    content = letter(result, unit, final=final)
    paper = Paper(
        _("Feedback on the result:\n{scheme}").format(scheme=result.scheme.title),
        stamp=content.stamp,
        moment=datetime.fromisoformat(result.computed_at).astimezone(UTC),
        warnings=content.banner,
        marker=content.marker,
    )
    paper.paragraph(_("To {unit}:").format(unit=unit), indented=False)
    paper.paragraph(
        _(
            "This is your result in {scheme}. The scores of others are confidential; they are shown"
            " only in so far as this names nobody."
        ).format(scheme=result.scheme.title)
    )
    for table in content.tables:
        paper.heading(1, table.name)
        if result.provisional:
            paper.note(_("Provisional result: the first page says what is missing."))
        paper.table(table)
    paper.closing(result.scheme.document.issued_by or _("(issuing office)"))
    return paper.save()


def letter_xlsx(result: Result, unit: str, *, final: bool) -> bytes:
    """Render the letter to one unit as .xlsx. Raise as ``letter`` does."""
    content = letter(result, unit, final=final)
    target = io.BytesIO()
    front = Front(
        title=_("{scheme}: feedback to {unit}").format(scheme=result.scheme.title, unit=unit),
        moment=result.computed_at,
        stamp=content.stamp,
        above=content.banner,
        copy=content.copy,
        unit=unit,
        final=final,
        marker=content.marker,
    )
    book = Book(target, front)
    for table in content.tables:
        write_table(book.page(table.name), table)
    book.file.close()
    return target.getvalue()
