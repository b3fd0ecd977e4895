"""What one unit gets back, as .xlsx (ECMA-376): each table a page of A4 landscape."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from wuhu_appraisal.output import feedback
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.docx import fill_in, table_values
from wuhu_appraisal.output.redact import redacted
from wuhu_appraisal.output.tables import Table
from wuhu_appraisal.output.workbook.book import Book
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
    values = {
        "scheme": str(result.scheme.title),
        "office": result.scheme.document.issued_by,
        "unit": unit,
        "stamp": found.stamp,
        "marker": found.marker,
        "warnings": list(found.banner),
        "provisional": result.provisional,
        "tables": [table_values(sheet) for sheet in found.sheets],
    }
    return fill_in("letter", values, datetime.fromisoformat(result.computed_at))


def letter_xlsx(result: Result, unit: str, *, final: bool) -> bytes:
    """The workbook of one unit; raises as ``letter`` does."""
    found = letter(result, unit, final=final)
    copy = replace(result, copy=found.copy)
    book = Book(copy, final=final, title=found.heading, warnings=found.banner, unit=unit)
    for table in found.sheets:
        book.add_table(table)
    return book.save()
