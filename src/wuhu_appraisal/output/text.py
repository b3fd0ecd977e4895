"""Results as text: tables, findings and trees on a terminal, Markdown, and the ranking as CSV."""

import codecs
import csv
import io
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TypeVar

from rich.box import MARKDOWN
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table as RichTable
from rich.text import Text
from rich.tree import Tree

from wuhu_appraisal.findings import Finding, Severity, Source
from wuhu_appraisal.language import _, listed
from wuhu_appraisal.output.tables import (
    Column,
    Content,
    Node,
    Table,
    banner,
    counted,
    marker,
    rankings,
    report_tables,
    show,
    stamp,
)
from wuhu_appraisal.result import Result

_SEVERITY_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}
_NODE_STYLES = {
    "assumption": "dim",
    "decision": "yellow",
    "note": "dim",
    "reading": "yellow",
    "remark": "dim",
    "rounding": "dim",
}
_PLAIN_WIDTH = 10_000
_NARROWEST = 4
_MOST_OF_A_KIND = 5
_MOST_PLACES = 3
"""So many findings of one code, and further places, are shown; the others are counted."""
_LONGEST = 2000
"""The characters of a text that are shown; nobody reads more."""

Item = TypeVar("Item")


def console(stream: IO[str]) -> Console:
    """Return a console: in colour and as wide as the window on a terminal, plain on any other stream."""
    if stream.isatty():
        return Console(file=stream, highlight=False)
    return Console(
        file=stream, highlight=False, force_terminal=False, color_system=None, width=_PLAIN_WIDTH
    )


def printable(text: str) -> str:
    """Replace each character that controls a terminal or turns text round by '\ufffd'."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or unicodedata.category(char) == "Zs" else "\ufffd"
        for char in text
    )


def print_rankings(out: Console, result: Result) -> None:
    """Print the ranking of each group, below the banner of a provisional result."""
    for line in banner(result):
        out.print(Text(printable(line), style="bold red"))
    for table in rankings(result):
        title = _("PROVISIONAL") + f" · {table.title}" if result.provisional else table.title
        _print_whole(out, _compact(table, title))


def print_table(out: Console, table: Table) -> None:
    """Print a table with its notes; the texts of a table that is too wide are broken into lines."""
    compact = _compact(table, table.title)
    if _narrowest(compact) > out.width and all(column.kind == "text" for column in table.columns):
        print_texts(out, table)
    else:
        _print_whole(out, compact)
    for note in table.notes:
        out.print(Text(printable(note)))


def print_texts(out: Console, table: Table) -> None:
    """Print a table of texts, broken into lines where they are long, without empty columns."""
    columns = [
        (column, cells)
        for column, cells in zip(table.columns, _cells_by_column(table), strict=True)
        if any(cells)
    ]
    folded = _rich_table(table.title)
    for column, _cells in columns:
        folded.add_column(Text(column.title), overflow="fold")
    for row in zip(*(cells for _column, cells in columns), strict=True):
        folded.add_row(*map(Text, row))
    out.print(folded)


def _rich_table(title: str) -> RichTable:
    # Chinese consoles draw box characters twice as wide as others do; these are the same anywhere.
    return RichTable(title=escape(title), title_justify="left", title_style="bold", box=MARKDOWN)


def _cells_by_column(table: Table) -> list[list[str]]:
    return [
        [printable(show(row[place], column)) for row in table.rows]
        for place, column in enumerate(table.columns)
    ]


def _compact(table: Table, title: str) -> RichTable:
    """Return a table whose headers wrap in a narrow window, while names and numbers stay whole."""
    compact = _rich_table(title)
    texts = _cells_by_column(table)
    for column, cells in zip(table.columns, texts, strict=True):
        compact.add_column(
            Text(column.title),
            justify="left" if column.kind == "text" else "right",
            overflow="fold",
            min_width=max([_NARROWEST, *map(cell_len, cells)]),
        )
    # One tall row looks like many rows, and is laid out in a third of the time.
    compact.add_row(*(Text("\n".join(cells), no_wrap=True) for cells in texts))
    return compact


def _print_whole(out: Console, table: RichTable) -> None:
    """Print every column: closer together in a narrow window, and never cut off."""
    narrowest = _narrowest(table)
    if narrowest + 2 * len(table.columns) > out.width:
        table.padding = (0, 0)
        for column in table.columns:
            column.width = column.min_width
        # Else rich takes away from columns, and whole ones, until the window holds the rest.
        table.width = narrowest
    out.print(table, crop=False)


def _narrowest(table: RichTable) -> int:
    """Return the width in which a table shows all its cells, with only lines between them."""
    return sum(column.min_width or 0 for column in table.columns) + len(table.columns) + 1


def print_findings(out: Console, findings: Sequence[Finding], *, folded: bool = False) -> None:
    """Print each finding: its place, what is wrong, what to do about it; then how many there are.

    ``folded`` prints the first few of each code, and of one finding's places, and counts the others.
    """
    most = _MOST_OF_A_KIND if folded else len(findings)
    counts = Counter((item.code, item.severity) for item in findings)
    printed: Counter[tuple[str, Severity | None]] = Counter()
    for item in findings:
        kind = item.code, item.severity
        printed[kind] += 1
        if printed[kind] > most and counts[kind] > most + 1:
            continue
        _print_finding(out, item, folded=folded)
        if printed[kind] == most and counts[kind] > most + 1:
            others = [one for one in findings if (one.code, one.severity) == kind][most:]
            words = _("    and {count} more of [{code}]: {places}")
            places = _places([one.source for one in others], folded=True)
            text = words.format(count=len(others), code=item.code, places=places)
            out.print(Text(text, style="dim"), soft_wrap=True)
    out.print(Text(counted(findings)))
    if folded and any(count > most + 1 for count in counts.values()):
        out.print(Text(_("Not every finding is shown; --all shows all of them.")))


def _print_finding(out: Console, item: Finding, *, folded: bool) -> None:
    severity = item.severity or Severity.ERROR
    text = Text(printable(str(item.source)) + ("  " if item.source.file else ""))
    text.append(_(severity), style=_SEVERITY_STYLES[severity])
    text.append(f" [{item.code}] {_shortened(item.message)}")
    out.print(text, soft_wrap=True)
    if item.hint:
        out.print(Text(f"    → {_shortened(item.hint)}", style="dim"), soft_wrap=True)
    if item.also:
        places = _("    also: {places}").format(places=_places(item.also, folded=folded))
        out.print(Text(places, style="dim"), soft_wrap=True)


def _places(places: Sequence[Source], *, folded: bool) -> str:
    """Return places as a list, of many the first."""
    distinct = list(dict.fromkeys(printable(str(place)) for place in places if place.file))
    first = distinct[:_MOST_PLACES] if folded else distinct
    more = " …" if len(first) < len(distinct) else ""
    return listed(first) + more


def print_tree(out: Console, node: Node) -> None:
    """Print a tree of sentences, wrapped in a window, each on one line where there is none."""
    out.print(_tree(node, cell_len(node.lead)), crop=False)


def _tree(node: Node, lead_width: int) -> Tree:
    text = Text(node.lead.rjust(lead_width) + "  " if node.lead else "")
    text.append(_shortened(node.sentence), style=_NODE_STYLES.get(node.kind, ""))
    tree = Tree(text)
    lead_below = max((cell_len(child.lead) for child in node.children), default=0)
    tree.children = [_tree(child, lead_below) for child in node.children]
    return tree


def _shortened(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def with_progress(items: Iterable[Item], count: int, words: str) -> Iterator[Item]:
    """Yield the items, with a progress bar on stderr once they take over a second."""
    bar = Progress(console=Console(stderr=True), transient=True, disable=True)
    task = bar.add_task(words, total=count)
    started = time.monotonic()
    with bar:
        for item in items:
            if bar.disable and time.monotonic() - started > 1:
                bar.disable = False
                bar.start()
            yield item
            bar.advance(task)


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "<!-- -->@"}
# GFM 6.9 makes links of bare addresses, of e-mail too, whose sign no escape takes from it.
_SIGNS = re.compile(r"[\\`*_\[\]<>&|~#$@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_LIST_MARK = re.compile(r"^(\d{0,9})([-+.)])(?=[-+\s]|$)")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_OUTER_SPACES = re.compile(r"^\s+|\s+$")


def markdown_report(result: Result, *, final: bool) -> bytes:
    """Return all tables of a report as Markdown (GFM 4.10) in UTF-8.

    The stamp and the marker stand below every heading. Raise ValueError for a provisional result
    that is to be final.
    """
    marks = [
        f"**{_markdown(text)}**" for text in (stamp(result, final=final), marker(result)) if text
    ]
    parts = [f"# {_markdown(str(result.scheme.title))}", *marks, *_quoted(banner(result))]
    for table in report_tables(result):
        lines = [
            [_markdown(column.title) for column in table.columns],
            ["---:" if column.kind in ("number", "count") else "---" for column in table.columns],
        ]
        for row in table.rows:
            cells = zip(row, table.columns, strict=True)
            lines.append([_markdown(show(content, column)) for content, column in cells])
        parts += [f"## {_markdown(table.title)}", *marks]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
        parts += [f"*{_markdown(note)}*" for note in table.notes]
    return ("\n\n".join(parts) + "\n").encode()


def markdown_tree(node: Node, banner: Iterable[str]) -> str:
    """Return a tree as a nested list, below the banner of a provisional result."""

    def items(node: Node, level: int) -> Iterator[str]:
        text = _LIST_MARK.sub(r"\1\\\2", _markdown(node.line.strip()))
        yield f"{'  ' * level}- {text}"
        for child in node.children:
            yield from items(child, level + 1)

    return "\n\n".join([*_quoted(banner), "\n".join(items(node, 0))]) + "\n"


def _quoted(lines: Iterable[str]) -> list[str]:
    return [f"> **{_markdown(line)}**" for line in lines]


def _markdown(text: str) -> str:
    """Return the text on one line, with every sign escaped that Markdown would take for a mark.

    At the start of a line a number or a dash may still begin a list.
    """
    lines = (_SIGNS.sub(_escaped, printable(line)) for line in _LINE_ENDS.split(text))
    return _OUTER_SPACES.sub(_kept_spaces, "<br>".join(lines))


def _kept_spaces(match: re.Match[str]) -> str:
    """Return spaces so that readers of Markdown do not take them away from the ends of a cell."""
    return "".join("&nbsp;" if space == " " else f"&#{ord(space)};" for space in match[0])


def _escaped(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0], f"\\{match[0]}")


_FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
"""What begins a formula; East Asian editions may take the full-width signs for the others."""


def ranking_csv(result: Result, *, final: bool) -> bytes:
    """Return one row a unit as CSV in UTF-8 with BOM, the groups one below the other.

    The columns are those of the scheme: group, rank, unit, each stage, composite, adjustments,
    final, status, what a provisional result lacks, and whose copy it is; rank and unit alone for an
    audience that may not see scores. What is absent is '—'. Raise ValueError for a provisional
    result that is to be final.
    """
    status = (
        stamp(result, final=final) or _("FINAL"),
        "; ".join((*banner(result), *result.copy.notes)) or None,
        marker(result) or None,
    )
    last = (Column(_("Status")), Column(_("Missing")), Column(_("Copy")))
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    for place, table in enumerate(rankings(result, alike=True)):
        columns = (Column(_("Group")), *table.columns, *last)
        if not place:
            writer.writerow([_csv_cell(column.title, column) for column in columns])
        for row in table.rows:
            cells = zip((table.name, *row, *status), columns, strict=True)
            writer.writerow([_csv_cell(content, column) for content, column in cells])
    return codecs.BOM_UTF8 + target.getvalue().encode()


def _csv_cell(content: Content, column: Column) -> str:
    text = show(content, column)
    is_text = isinstance(content, str)
    return printable(f"'{text}" if is_text and text.startswith(_FORMULA_STARTS) else text)
