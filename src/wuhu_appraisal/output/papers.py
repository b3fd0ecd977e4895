"""The notice of the result (考评结果通报), and what goes back to one unit.

As .docx (ECMA-376) they are filled in from templates in the form of GB/T 9704-2012
(党政机关公文格式); what goes back to one unit is also an .xlsx of A4 pages, one for each table.

A template is a Word document with Jinja tags; it holds the page, the styles and the wording. What
is computed here is the widths of tables, because word processors do not all fit columns to texts.
"""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cn2an import an2cn
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml
from docx.shared import Pt, Twips
from docx.table import Table as DocxTable
from docx.text.paragraph import Paragraph
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from rich.cells import cell_len

from wuhu_appraisal.analysis.change import Comparison
from wuhu_appraisal.language import _, language
from wuhu_appraisal.output import tables
from wuhu_appraisal.output.compare_tables import letter_table
from wuhu_appraisal.output.excel import date_zip
from wuhu_appraisal.output.feedback import unit_banner, unit_tables
from wuhu_appraisal.output.redact import WHOLE, redacted
from wuhu_appraisal.output.tables import Table, show
from wuhu_appraisal.output.workbook.book import Book
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Detail

_MAX_UNPACKED = 50_000_000
_KINDS = {"Table Cell": "text", "Table Number": "number", "Table Count": "count"}
"""The styles of a table's cells: a table whose cells have others is left as it is."""
_TYPE_SIZES = (10.5, 9, 7.5)
"""In points, from that of the template's styles down."""
_CELL_MARGINS = 120
"""Left and right together, in twentieths of a point."""
_WIDEST, _NARROWEST, _LONGEST_WORD = 64, 12, 16
_SHORT_TITLE = 6
"""In half-width characters: a longer title of a column of numbers stands in two lines."""
_WORD = re.compile("[!-~]+")
_UNWRITABLE = re.compile(
    "[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


class TemplateError(ValueError):
    """A template cannot be filled in; the message says why."""


def fill_in(
    name: str, values: Mapping[str, Any], moment: datetime, own: bytes | None = None
) -> bytes:
    """The paper that a template makes of ``values``: the same bytes for the same input.

    ``name`` is that of a template of this package, ``own`` the content of another one to be used
    in its place; ``moment`` is an aware time, that of the paper's creation. Texts stay texts: what
    is in ``values`` is never taken for a tag or for XML, and a template can call no code. Raises
    TemplateError if the template is wrong.
    """
    if own is None:
        own = (Path(__file__).parent / "templates" / f"{name}.{language()}.docx").read_bytes()
    environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    environment.filters["chinese_number"] = an2cn
    target = io.BytesIO()
    # A template is a file of an office, and can hold anything that fails.
    try:
        paper = _Template(own)
        paper.render(_cleaned(values), environment)
        document = paper.docx
        section = document.sections[0]
        room = (section.page_width - section.left_margin - section.right_margin) // 635
        for table in document.tables:
            _fit_columns(table, room)
        _keep_signature(document)
        properties = document.core_properties
        properties.author = properties.last_modified_by = properties.comments = ""
        properties.keywords = clean(str(values["marker"]))
        properties.created = properties.modified = moment.astimezone(UTC).replace(tzinfo=None)
        document.save(target)
    except Exception as error:
        raise TemplateError(f"{type(error).__name__}: {error}") from error
    return date_zip(target.getvalue(), moment)


def table_values(table: Table) -> dict[str, Any]:
    """A table as the templates use it: its name, title, columns, rows of cells, and notes."""
    return {
        "name": table.name,
        "title": table.title,
        "columns": [column.title for column in table.columns],
        "rows": [
            [
                {"text": show(content, column), "kind": column.kind}
                for content, column in zip(row, table.columns, strict=True)
            ]
            for row in table.rows
        ],
        "notes": list(table.notes),
    }


def clean(text: str) -> str:
    """The text without what XML 1.0 forbids (2.2) or what turns text round; lines and tabs stay."""
    return _UNWRITABLE.sub("", text.replace("\r\n", "\n"))


class _Template(DocxTemplate):  # type: ignore[misc]
    """A template whose tags must leave well-formed XML, which docxtpl would repair silently."""

    def __init__(self, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(part.file_size for part in package.infolist()) > _MAX_UNPACKED:
                raise ValueError("it unpacks to more than 50 MB")
        super().__init__(io.BytesIO(content))

    def fix_tables(self, xml: str) -> Any:
        parse_xml(xml)
        return super().fix_tables(xml)


def _cleaned(value: Any) -> Any:
    """Values with all of their texts cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {name: _cleaned(item) for name, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list) else value


def _fit_columns(table: DocxTable, room: int) -> None:
    """Set a table's columns to fit their texts, all together ``room`` twentieths of a point wide.

    If they cannot, the type is smaller. A table whose cells have other styles is left alone.
    """
    rows = [list(tr.tc_lst) for tr in table._tbl.tr_lst]
    grid = table._tbl.tblGrid.gridCol_lst
    if len(rows) < 2 or {len(row) for row in rows} != {len(grid)}:
        return
    styles = [Paragraph(tc.p_lst[0], table).style for tc in rows[1]]
    kinds = [_KINDS.get(style.name or "" if style else "") for style in styles]
    if None in kinds:
        return
    texts = [["\n".join(Paragraph(p, table).text for p in tc.p_lst) for tc in row] for row in rows]
    spans = [
        _span(title, column, wraps=kind == "text")
        for kind, title, *column in zip(kinds, *texts, strict=True)
    ]
    for size in _TYPE_SIZES:
        least = [_twips(span, size) for span, _wanted in spans]
        if sum(least) <= room:
            break
    wanted = [_twips(span, size) for _least, span in spans]
    base, shares = least, least
    if sum(wanted) <= room:
        # What is left goes to the texts, so columns of numbers are as wide in every table.
        shares = [width * (kind == "text") for width, kind in zip(wanted, kinds, strict=True)]
        base, shares = wanted, shares if any(shares) else wanted
    elif sum(least) < room:
        shares = [high - low for low, high in zip(least, wanted, strict=True)]
    left, whole = room - sum(base), sum(shares)
    widths = [width + left * share // whole for width, share in zip(base, shares, strict=True)]
    for column, width in zip(grid, widths, strict=True):
        column.set(qn("w:w"), str(width))
    for row in rows:
        for tc, width in zip(row, widths, strict=True):
            tc.width = Twips(width)
            for run in tc.iter(qn("w:r")) if size < _TYPE_SIZES[0] else ():
                run.get_or_add_rPr().sz_val = Pt(size)


def _span(title: str, texts: Sequence[str], *, wraps: bool) -> tuple[float, float]:
    """How wide a column must be at least, and would be, in half-width characters."""
    lines = [line for text in texts for line in text.splitlines()]
    widest = max(map(cell_len, lines), default=0)
    # Digits of fonts that stand in for the right one are wider.
    least = wanted = widest if wraps else widest * 1.14
    heading = cell_len(title)
    if wraps:
        least = min(widest, max(_longest_word(lines), _NARROWEST))
        wanted = min(widest, _WIDEST)
    elif heading > _SHORT_TITLE:
        heading = 2 * -(-heading // 4)
    heading = max(heading, _longest_word([title]))
    return max(least, min(heading, _LONGEST_WORD)), max(wanted, heading)


def _longest_word(texts: Iterable[str]) -> int:
    """Of what a line is not broken in: Chinese breaks anywhere, and so does an endless word.

    One more than its letters, since capitals are wider than half their height.
    """
    words = (len(word) + 1 for text in texts for word in _WORD.findall(text))
    return min(max(words, default=0), _LONGEST_WORD)


def _twips(span: float, size: float) -> int:
    """A column's width with its margins; a half-width character is half as wide as the type is high."""
    return int(span * size * 10) + _CELL_MARGINS + 20


def _keep_signature(document: Any) -> None:
    """Keep the end of the text with the signature: none stands on a page without text (7.3.5)."""
    blocks = list(document.iter_inner_content())
    styles = [block.style.name if block.style else "" for block in blocks]
    if "Signature" not in styles:
        return
    place = styles.index("Signature")
    for block, style in zip(blocks[:place][::-1], styles[:place][::-1], strict=True):
        if isinstance(block, Paragraph):
            block.paragraph_format.keep_with_next = True
        else:
            for cell in (cell for row in block.rows[-2:] for cell in row.cells):
                cell.paragraphs[0].paragraph_format.keep_with_next = True
        if isinstance(block, DocxTable) or style == "Body Text":
            break


NOTICE_TEMPLATE = "notice.docx"
"""The file in a scheme's folder that is used in place of the package's own template."""
_CHINA = timezone(timedelta(hours=8))


def notice(result: Result, *, final: bool, template: bytes | None = None) -> bytes:
    """Render the notice as .docx, by the package's template or another one's content.

    It leaves the building: it shows what the public may see, whoever asks for it, and only ranks
    where that is nothing. It bears the stamp of a draft unless it is ``final``. Raise ValueError for
    a final notice of a provisional result, and for a copy of less than the whole result that is not
    the public's; TemplateError if the template cannot be filled in.
    """
    marker = tables.marker(result)
    if result.copy.shows == WHOLE:
        result = redacted(result, Audience.PUBLIC, result.copy.recipient)
    elif result.copy.audience is not Audience.PUBLIC:
        raise ValueError("this copy lacks what the public may be shown")
    scheme, moment = result.scheme, datetime.fromisoformat(result.computed_at)
    groups = _groups(result)
    local = moment.astimezone(_CHINA)
    values = {
        "scheme": str(scheme.title),
        "document": str(scheme.document.title),
        "office": scheme.document.issued_by,
        "computed": {
            "date": f"{local:%Y-%m-%d}",
            "year": local.year,
            "month": local.month,
            "day": local.day,
            "time": f"{local:%H:%M}",
        },
        "stamp": tables.stamp(result, final=final),
        "marker": marker,
        "warnings": tables.banner(result),
        "provisional": result.provisional,
        "shows_scores": Detail.SCORES in result.copy.shows,
        "count": sum(group["count"] for group in groups),
        "groups": groups,
        "adjustments": any(group["adjustments"]["rows"] for group in groups),
        "vetoes": any(group["vetoes"]["rows"] for group in groups),
        "annexes": [table_values(table) for table in _annexes(result) if table.rows],
    }
    return fill_in("notice", values, moment, template)


def _groups(result: Result) -> list[dict[str, Any]]:
    """Each group's title, number of units, ranking, and records of adjustments and vetoes."""
    records, vetoes = tables.adjustments(result), tables.vetoes(result)
    groups: list[dict[str, Any]] = []

    def own(table: Table, group: str, *titles: str) -> dict[str, Any]:
        rows = [row for row in table.rows if row[0] == group]
        titles = (_("Unit"), *titles, _("Reason"), _("Evidence"), _("Clause"))
        return table_values(_only(replace(table, rows=rows), *titles))

    for group_id, ranking in zip(result.standings, tables.rankings(result), strict=True):
        group = result.scheme.group(group_id)
        title = str(result.scheme.group_titles[group_id])
        groups.append(
            {
                "title": str(group.title),
                "count": len(group.units),
                "ranking": table_values(ranking),
                "adjustments": own(records, title, _("Adjustment"), _("Points")),
                "vetoes": own(vetoes, title, _("Veto"), _("Effect")),
            }
        )
    return groups


def _annexes(result: Result) -> list[Table]:
    """What the document leaves open, and the weights of the stages."""
    assumptions, weights = tables.assumptions(result.scheme), tables.weights(result.scheme)
    rows = [row for row in weights.rows if row[2] == _("stage")]
    stages = replace(weights, title=_("Weights of the stages"), rows=rows)
    return [
        _only(assumptions, _("No."), _("Silent clause"), _("Assumption")),
        _only(stages, _("Part"), _("Weight or marks"), _("Clause")),
    ]


def _only(table: Table, *titles: str) -> Table:
    """The columns with these titles; ValueError if one is not there."""
    known = [column.title for column in table.columns]
    places = [known.index(title) for title in titles]
    return replace(
        table,
        columns=[table.columns[place] for place in places],
        rows=[[row[place] for place in places] for row in table.rows],
    )


def _letter(result: Result, unit: str, since: Comparison | None) -> tuple[Result, list[Table]]:
    """Return a unit's copy, its own unless the result names another recipient, and its tables."""
    shows = result.scheme.confidentiality.shown_to(Audience.UNIT)
    copy = Copy(Audience.UNIT, result.copy.recipient or unit, result.id, shows)
    contents = unit_tables(result, unit)
    change = letter_table(replace(since, new=result), unit) if since else None
    contents[1:1] = [change] if change else []
    if Detail.SCORES in shows:
        others = redacted(replace(result, copy=Copy()), Audience.UNIT)
        group = result.standing_of(unit)[0]
        own = [it if it.unit == unit else replace(it, vetoes=[]) for it in others.standings[group]]
        contents += tables.rankings(replace(others, standings={group: own}))
    return replace(result, copy=copy), contents


def letter_docx(
    result: Result, unit: str, *, final: bool, since: Comparison | None = None
) -> bytes:
    """Render the letter to one unit as .docx, with what changed ``since`` an older result.

    Raise KeyError if the unit is not in the result, ValueError for a final letter of a provisional
    result.
    """
    copy, contents = _letter(result, unit, since)
    values = {
        "scheme": str(result.scheme.title),
        "office": result.scheme.document.issued_by,
        "unit": unit,
        "stamp": tables.stamp(result, final=final),
        "marker": tables.marker(copy),
        "warnings": unit_banner(result, unit),
        "provisional": result.provisional,
        "tables": [table_values(table) for table in contents],
    }
    return fill_in("letter", values, datetime.fromisoformat(result.computed_at))


def letter_xlsx(
    result: Result, unit: str, *, final: bool, since: Comparison | None = None
) -> bytes:
    """Render the letter to one unit as .xlsx. Raise as ``letter_docx`` does."""
    copy, contents = _letter(result, unit, since)
    title = _("{scheme}: feedback to {unit}").format(scheme=result.scheme.title, unit=unit)
    warnings = unit_banner(result, unit)
    book = Book(copy, final=final, title=title, warnings=warnings, unit=unit)
    for table in contents:
        book.add_table(table)
    return book.save()
