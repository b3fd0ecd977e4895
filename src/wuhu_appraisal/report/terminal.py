"""Results, findings and explanations on a terminal; rich measures full-width text and colours it."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from wuhu_appraisal.findings import Finding, Severity
from wuhu_appraisal.i18n import _
from wuhu_appraisal.report.explain import Node
from wuhu_appraisal.report.view import Sheet, banner, counted, rankings, show
from wuhu_appraisal.run import Run

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}
_PLAIN_WIDTH = 10_000
Item = TypeVar("Item")


def console(stream: IO[str]) -> Console:
    """A console on a stream: in colour and as wide as the window on a terminal, else plain."""
    if stream.isatty():
        return Console(file=stream, highlight=False)
    return Console(file=stream, highlight=False, no_color=True, width=_PLAIN_WIDTH)


def print_run(out: Console, run: Run) -> None:
    """The ranked table of each group, under the banner of a provisional result."""
    for line in banner(run):
        out.print(Text(line, style="bold red"))
    for sheet in rankings(run):
        out.print(_table(sheet, provisional=run.provisional))


def print_findings(out: Console, findings: Sequence[Finding]) -> None:
    """Every finding: its place, what is wrong, and what to do about it; then how many there are."""
    words = {Severity.ERROR: _("error"), Severity.WARNING: _("warning")}
    for item in findings:
        severity = item.severity or Severity.ERROR
        place = Text(str(item.source) + ("  " if item.source.file else ""))
        place.append(words[severity], style=_STYLES[severity])
        place.append(f" [{item.code}] {item.message}")
        out.print(place, soft_wrap=True)
        if item.hint:
            out.print(Text(f"    → {item.hint}", style="dim"), soft_wrap=True)
    out.print(Text(counted(findings)))


def print_tree(out: Console, node: Node) -> None:
    """A tree of sentences."""
    out.print(_tree(node), soft_wrap=True)


def with_progress(items: Iterable[Item], count: int) -> Iterator[Item]:
    """The items, with a bar on stderr once they take over a second, gone when they are done."""
    bar = Progress(console=Console(stderr=True), transient=True, disable=True)
    task = bar.add_task(_("Reading workbooks"), total=count)
    started = time.monotonic()
    with bar:
        for item in items:
            if bar.disable and time.monotonic() - started > 1:
                bar.disable = False
                bar.start()
            yield item
            bar.advance(task)


def _tree(node: Node) -> Tree:
    tree = Tree(Text(node.text))
    for child in node.children:
        tree.children.append(_tree(child))
    return tree


def _table(sheet: Sheet, *, provisional: bool) -> Table:
    title = f"{_('PROVISIONAL')} · {sheet.title}" if provisional else sheet.title
    table = Table(title=escape(title), title_justify="left", title_style="bold")
    for column in sheet.columns:
        justify = "left" if column.kind == "text" else "right"
        table.add_column(Text(column.title), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for cells in sheet.rows:
        texts = (
            show(content, column) for content, column in zip(cells, sheet.columns, strict=True)
        )
        table.add_row(*(Text(text) for text in texts))
    return table
