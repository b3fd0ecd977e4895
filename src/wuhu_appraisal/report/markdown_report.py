"""The report as Markdown with the tables of GitHub Flavored Markdown (GFM 0.29).

No text from outside can break a table or become HTML, a link or emphasis: what could is escaped,
and a line end within a cell is ``<br>``.
"""

import re

from wuhu_appraisal.report.published import status
from wuhu_appraisal.report.terminal import seen
from wuhu_appraisal.report.view import Sheet, banner, marker, sheets, show, stamp
from wuhu_appraisal.run import Run

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "<!-- -->@"}
# GFM 6.9 makes links of bare addresses, of e-mail too, whose sign no escape takes from it.
_SIGNS = re.compile(r"[\\`*_\[\]<>&|~#$@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_OUTER_SPACES = re.compile(r"^\s+|\s+$")


def render(run: Run, *, final: bool) -> bytes:
    """Title, stamp, whose copy it is, and banner, then each table of the view under its heading; UTF-8.

    Every table of a provisional result or of a draft says above it what it is. Raises ValueError
    where a provisional result is to be rendered as final.
    """
    status(run, final=final)
    stamped = stamp(run, final=final)
    marks = [f"**{inline(text)}**" for text in (stamped, marker(run)) if text]
    parts = [f"# {inline(str(run.scheme.title))}", *marks]
    parts += [f"> **{inline(line)}**" for line in banner(run)]
    for sheet in sheets(run):
        parts += [f"## {inline(sheet.title)}", *marks, _table(sheet)]
        parts += [f"*{inline(note)}*" for note in sheet.notes]
    return ("\n\n".join(parts) + "\n").encode()


def inline(text: str) -> str:
    """The text on one line, with nothing in it that Markdown would take for a mark.

    It is meant for a cell or for what stands behind a mark; at the start of a line a number or a
    dash may still begin a list.
    """
    lines = (_SIGNS.sub(_escaped, seen(line)) for line in _LINE_ENDS.split(text))
    return _OUTER_SPACES.sub(_kept, "<br>".join(lines))


def _table(sheet: Sheet) -> str:
    """A table by GFM 4.10; numbers and counts to the right."""
    numeric = ("number", "count")
    lines = [
        [inline(column.title) for column in sheet.columns],
        ["---:" if column.kind in numeric else "---" for column in sheet.columns],
    ]
    for row in sheet.rows:
        cells = zip(row, sheet.columns, strict=True)
        lines.append([inline(show(content, column)) for content, column in cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    return _ENTITIES.get(sign, f"\\{sign}")


def _kept(found: re.Match[str]) -> str:
    """Spaces at the ends of a cell, which readers of Markdown take away."""
    return "".join("&nbsp;" if space == " " else f"&#{ord(space)};" for space in found[0])
