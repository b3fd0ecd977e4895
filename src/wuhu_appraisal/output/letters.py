"""What goes back to one unit, as .xlsx (ECMA-376, each table a page of A4 landscape) and .docx."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wuhu_appraisal.language import _
from wuhu_appraisal.output import tables
from wuhu_appraisal.output.docx import fill_in, table_values
from wuhu_appraisal.output.feedback import unit_banner, unit_tables
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.tables import Table
from wuhu_appraisal.output.workbook.book import Book
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Detail


@dataclass(frozen=True, slots=True)
class Letter:
    """The unit's copy of the result, the lines above the tables, and the tables."""

    copy: Result
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
        rankings = zip(tables.rankings(others), result.standings.values(), strict=True)
        contents += [
            ranking for ranking, group in rankings if any(item.unit == unit for item in group)
        ]
    return Letter(replace(result, copy=copy), unit_banner(result, unit), contents)


def letter_docx(result: Result, unit: str, *, final: bool) -> bytes:
    """Render the letter to one unit as .docx. Raise as ``letter`` does."""
    content = letter(result, unit, final=final)
    values = {
        "scheme": str(result.scheme.title),
        "office": result.scheme.document.issued_by,
        "unit": unit,
        "stamp": tables.stamp(result, final=final),
        "marker": tables.marker(content.copy),
        "warnings": list(content.banner),
        "provisional": result.provisional,
        "tables": [table_values(table) for table in content.tables],
    }
    return fill_in("letter", values, datetime.fromisoformat(result.computed_at))


def letter_xlsx(result: Result, unit: str, *, final: bool) -> bytes:
    """Render the letter to one unit as .xlsx. Raise as ``letter`` does."""
    content = letter(result, unit, final=final)
    title = _("{scheme}: feedback to {unit}").format(scheme=result.scheme.title, unit=unit)
    book = Book(content.copy, final=final, title=title, warnings=content.banner, unit=unit)
    for table in content.tables:
        book.add_table(table)
    return book.save()
