"""The rankings as one CSV table (RFC 4180), for spreadsheets and for pandas.read_csv.

UTF-8 with a byte order mark, without which Excel takes Chinese for another encoding; lines end
with CRLF and no cell holds a line end. A text that begins as a formula would has an apostrophe
before it, as OWASP advises against CSV injection; numbers never have one.
"""

import codecs
import csv
import io

from wuhu_appraisal.i18n import _
from wuhu_appraisal.report.published import status
from wuhu_appraisal.report.terminal import seen
from wuhu_appraisal.report.view import Column, Content, banner, marker, rankings, show, stamp
from wuhu_appraisal.run import Run

_STARTS = "=+-@\t\r\n\0＝＋－＠"
"""What begins a formula; East Asian editions may take the full-width signs for the others."""


def render(run: Run, *, final: bool) -> bytes:
    """One row a unit, the groups one below the other in order of rank.

    The columns are always the same: group, rank, unit, each stage, composite, adjustments, final,
    status (provisional, a draft, or final), what a provisional result lacks, and whose copy it is.
    Ranks and units alone stand for those who are not shown scores. What is absent is '—'. Raises
    ValueError where a provisional result is to be rendered as final.
    """
    status(run, final=final)
    told = (
        stamp(run, final=final) or _("FINAL"),
        "; ".join((*banner(run), *run.edition.notes)) or None,
        marker(run) or None,
    )
    behind = (Column(_("Status")), Column(_("Missing")), Column(_("Copy")))
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    for place, sheet in enumerate(rankings(run)):
        columns = (Column(_("Group")), *sheet.columns, *behind)
        if not place:
            writer.writerow([_cell(column.title, column) for column in columns])
        for row in sheet.rows:
            cells = zip((sheet.name, *row, *told), columns, strict=True)
            writer.writerow([_cell(content, column) for content, column in cells])
    return codecs.BOM_UTF8 + target.getvalue().encode()


def _cell(content: Content, column: Column) -> str:
    text = show(content, column)
    guarded = isinstance(content, str) and text.startswith(tuple(_STARTS))
    return seen(f"'{text}" if guarded else text)
