"""Results, findings and explanations on a terminal; rich measures full-width text and colours it."""

import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TypeVar

from rich.box import MARKDOWN
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from wuhu_appraisal.findings import Finding, Severity
from wuhu_appraisal.i18n import _
from wuhu_appraisal.report.nodes import Node
from wuhu_appraisal.report.view import Sheet, banner, counted, rankings, show
from wuhu_appraisal.run import Run

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}
_KINDS = {
    "assumption": "dim",
    "decision": "yellow",
    "note": "dim",
    "reading": "yellow",
    "remark": "dim",
    "rounding": "dim",
}
_PLAIN_WIDTH = 10_000
_NARROWEST = 4
_LONGEST = 2000
Item = TypeVar("Item")


def console(stream: IO[str]) -> Console:
    """A console on a stream: in colour and as wide as the window on a terminal, else plain."""
    if stream.isatty():
        return Console(file=stream, highlight=False)
    return Console(
        file=stream, highlight=False, force_terminal=False, color_system=None, width=_PLAIN_WIDTH
    )


def seen(text: str) -> str:
    """The text without what a terminal obeys or turns round: each such sign becomes '\ufffd'."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or unicodedata.category(char) == "Zs" else "\ufffd"
        for char in text
    )


def print_run(out: Console, run: Run) -> None:
    """The ranked table of each group, under the banner of a provisional result."""
    for line in banner(run):
        out.print(Text(seen(line), style="bold red"))
    for sheet in rankings(run):
        print_table(out, ranked_table(sheet, provisional=run.provisional))


def print_sheet(out: Console, sheet: Sheet) -> None:
    """A table and the notes below it; where it is wider than the window, its texts are broken."""
    table = ranked_table(sheet, provisional=False)
    if _narrowest(table) > out.width and all(it.kind == "text" for it in sheet.columns):
        print_texts(out, sheet)
    else:
        print_table(out, table)
    for note in sheet.notes:
        out.print(Text(seen(note)))


def print_texts(out: Console, sheet: Sheet) -> None:
    """A table of texts: long ones are broken into lines, and columns that hold nothing left out."""
    shown = [
        place
        for place, column in enumerate(sheet.columns)
        if any(show(cells[place], column) for cells in sheet.rows)
    ]
    table = Table(title=escape(sheet.title), title_justify="left", title_style="bold", box=MARKDOWN)
    for place in shown:
        table.add_column(Text(sheet.columns[place].title), overflow="fold")
    for cells in sheet.rows:
        table.add_row(*(Text(seen(show(cells[at], sheet.columns[at]))) for at in shown))
    out.print(table)


def print_table(out: Console, table: Table) -> None:
    """A table with every column: closer together in a narrow window, and never cut off."""
    narrowest = _narrowest(table)
    if narrowest + 2 * len(table.columns) > out.width:
        table.padding = (0, 0)
        for column in table.columns:
            column.width = column.min_width
        # Else rich takes away from columns, and whole ones, until the window holds the rest.
        table.width = narrowest
    out.print(table, crop=False)


def _narrowest(table: Table) -> int:
    """The width with which a table shows all its cells, with nothing between them but lines."""
    return sum(column.min_width or 0 for column in table.columns) + len(table.columns) + 1


def print_findings(out: Console, findings: Sequence[Finding]) -> None:
    """Every finding: its place, what is wrong, and what to do about it; then how many there are."""
    words = {Severity.ERROR: _("error"), Severity.WARNING: _("warning")}
    for item in findings:
        severity = item.severity or Severity.ERROR
        place = Text(seen(str(item.source)) + ("  " if item.source.file else ""))
        place.append(words[severity], style=_STYLES[severity])
        place.append(f" [{item.code}] {_shortened(seen(item.message))}")
        out.print(place, soft_wrap=True)
        if item.hint:
            out.print(Text(f"    → {_shortened(seen(item.hint))}", style="dim"), soft_wrap=True)
    out.print(Text(counted(findings)))


def print_tree(out: Console, node: Node) -> None:
    """A tree of sentences, each as wide as the window; on one line where there is none."""
    out.print(_tree(node, cell_len(node.lead)), crop=False)


def with_progress(items: Iterable[Item], count: int, words: str) -> Iterator[Item]:
    """The items, with a bar on stderr once they take over a second, gone when they are done."""
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


def _shortened(text: str) -> str:
    """A text as long as anyone reads it."""
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _tree(node: Node, lead: int) -> Tree:
    """``lead`` is how wide the numbers that stand before the texts are at this level."""
    text = Text(node.lead.rjust(lead) + "  " if node.lead else "")
    text.append(_shortened(seen(node.sentence)), style=_KINDS.get(node.kind, ""))
    tree = Tree(text)
    below = max((cell_len(child.lead) for child in node.children), default=0)
    for child in node.children:
        tree.children.append(_tree(child, below))
    return tree


def ranked_table(sheet: Sheet, *, provisional: bool) -> Table:
    """A ranking as rich draws it: in a narrow window headers wrap, names and numbers stay whole."""
    title = f"{_('PROVISIONAL')} · {sheet.title}" if provisional else sheet.title
    # Chinese consoles draw box characters twice as wide as others do; these are the same anywhere.
    table = Table(title=escape(title), title_justify="left", title_style="bold", box=MARKDOWN)
    texts = [
        [seen(show(content, column)) for content, column in zip(cells, sheet.columns, strict=True)]
        for cells in sheet.rows
    ]
    for place, column in enumerate(sheet.columns):
        widest = max((cell_len(row[place]) for row in texts), default=0)
        justify: JustifyMethod = "left" if column.kind == "text" else "right"
        table.add_column(
            Text(column.title), justify=justify, overflow="fold", min_width=max(widest, _NARROWEST)
        )
    # One tall row looks like many rows, and is laid out in a third of the time.
    table.add_row(*(Text("\n".join(cells), no_wrap=True) for cells in zip(*texts, strict=True)))
    return table
