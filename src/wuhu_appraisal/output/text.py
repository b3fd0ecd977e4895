"""A scheme as a tree to read, and as plain data: `appraise scheme show`."""

import codecs
import csv
import io
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, TypeVar

from rich.box import MARKDOWN
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table as RichTable
from rich.text import Text
from rich.tree import Tree

from wuhu_appraisal.findings import Finding, Severity
from wuhu_appraisal.language import N_, _, listed
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.output.explain import Node
from wuhu_appraisal.output.parameters import describe
from wuhu_appraisal.output.tables import (
    Column,
    Content,
    Table,
    approval,
    banner,
    counted,
    marker,
    rankings,
    report_tables,
    show,
    stamp,
)
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import AUDIENCE_NAMES, DETAIL_NAMES, Audience, Detail
from wuhu_appraisal.scheme.models import Group, Indicator, IndicatorSet, Plan, Scheme, Stage
from wuhu_appraisal.scheme.rules import (
    Adjustment,
    Bands,
    Check,
    Dated,
    Empty,
    Fixed,
    Flat,
    Identical,
    Outlier,
    Reasoned,
    RollUp,
    Spread,
    Stated,
    Step,
)

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


def printable(text: str) -> str:
    """The text without what a terminal obeys or turns round: each such sign becomes '\ufffd'."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or unicodedata.category(char) == "Zs" else "\ufffd"
        for char in text
    )


def print_rankings(out: Console, result: Result) -> None:
    """The ranked table of each group, under the banner of a provisional result."""
    for line in banner(result):
        out.print(Text(printable(line), style="bold red"))
    for sheet in rankings(result):
        print_whole(out, _rich_table(sheet, provisional=result.provisional))


def print_table(out: Console, sheet: Table) -> None:
    """A table and the notes below it; where it is wider than the window, its texts are broken."""
    table = _rich_table(sheet, provisional=False)
    if _narrowest(table) > out.width and all(it.kind == "text" for it in sheet.columns):
        print_texts(out, sheet)
    else:
        print_whole(out, table)
    for note in sheet.notes:
        out.print(Text(printable(note)))


def print_texts(out: Console, sheet: Table) -> None:
    """A table of texts: long ones are broken into lines, and columns that hold nothing left out."""
    shown = [
        place
        for place, column in enumerate(sheet.columns)
        if any(show(cells[place], column) for cells in sheet.rows)
    ]
    table = RichTable(
        title=escape(sheet.title), title_justify="left", title_style="bold", box=MARKDOWN
    )
    for place in shown:
        table.add_column(Text(sheet.columns[place].title), overflow="fold")
    for cells in sheet.rows:
        table.add_row(*(Text(printable(show(cells[at], sheet.columns[at]))) for at in shown))
    out.print(table)


def print_whole(out: Console, table: RichTable) -> None:
    """A table with every column: closer together in a narrow window, and never cut off."""
    narrowest = _narrowest(table)
    if narrowest + 2 * len(table.columns) > out.width:
        table.padding = (0, 0)
        for column in table.columns:
            column.width = column.min_width
        # Else rich takes away from columns, and whole ones, until the window holds the rest.
        table.width = narrowest
    out.print(table, crop=False)


def _narrowest(table: RichTable) -> int:
    """The width with which a table shows all its cells, with nothing between them but lines."""
    return sum(column.min_width or 0 for column in table.columns) + len(table.columns) + 1


def print_findings(out: Console, findings: Sequence[Finding]) -> None:
    """Every finding: its place, what is wrong, and what to do about it; then how many there are."""
    words = {Severity.ERROR: _("error"), Severity.WARNING: _("warning")}
    for item in findings:
        severity = item.severity or Severity.ERROR
        place = Text(printable(str(item.source)) + ("  " if item.source.file else ""))
        place.append(words[severity], style=_STYLES[severity])
        place.append(f" [{item.code}] {_shortened(printable(item.message))}")
        out.print(place, soft_wrap=True)
        if item.hint:
            out.print(
                Text(f"    → {_shortened(printable(item.hint))}", style="dim"), soft_wrap=True
            )
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
    text.append(_shortened(printable(node.sentence)), style=_KINDS.get(node.kind, ""))
    tree = Tree(text)
    below = max((cell_len(child.lead) for child in node.children), default=0)
    for child in node.children:
        tree.children.append(_tree(child, below))
    return tree


def _rich_table(sheet: Table, *, provisional: bool) -> RichTable:
    """A ranking as rich draws it: in a narrow window headers wrap, names and numbers stay whole."""
    title = f"{_('PROVISIONAL')} · {sheet.title}" if provisional else sheet.title
    # Chinese consoles draw box characters twice as wide as others do; these are the same anywhere.
    table = RichTable(title=escape(title), title_justify="left", title_style="bold", box=MARKDOWN)
    texts = [
        [
            printable(show(content, column))
            for content, column in zip(cells, sheet.columns, strict=True)
        ]
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


_LIST_MARK = re.compile(r"^(\d{0,9})([-+.)])(?=[-+\s]|$)")


def markdown_tree(node: Node, banner: Iterable[str]) -> str:
    """The tree below the banner of a provisional result, with a line's end behind the last line."""
    paragraphs = [f"> **{inline(line)}**" for line in banner]
    return "\n\n".join([*paragraphs, "\n".join(_items(node, 0))]) + "\n"


def _items(node: Node, level: int) -> Iterator[str]:
    text = _LIST_MARK.sub(r"\1\\\2", inline(node.line.strip()))
    yield f"{'  ' * level}- {text}"
    for child in node.children:
        yield from _items(child, level + 1)


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "<!-- -->@"}
# GFM 6.9 makes links of bare addresses, of e-mail too, whose sign no escape takes from it.
_SIGNS = re.compile(r"[\\`*_\[\]<>&|~#$@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_OUTER_SPACES = re.compile(r"^\s+|\s+$")


def markdown_report(result: Result, *, final: bool) -> bytes:
    """Title, stamp, whose copy it is, and banner, then each table of the view under its heading; UTF-8.

    Every table of a provisional result or of a draft says above it what it is. Raises ValueError
    where a provisional result is to be rendered as final.
    """
    approval(result, final=final)
    stamped = stamp(result, final=final)
    marks = [f"**{inline(text)}**" for text in (stamped, marker(result)) if text]
    parts = [f"# {inline(str(result.scheme.title))}", *marks]
    parts += [f"> **{inline(line)}**" for line in banner(result)]
    for sheet in report_tables(result):
        parts += [f"## {inline(sheet.title)}", *marks, _table(sheet)]
        parts += [f"*{inline(note)}*" for note in sheet.notes]
    return ("\n\n".join(parts) + "\n").encode()


def inline(text: str) -> str:
    """The text on one line, with nothing in it that Markdown would take for a mark.

    It is meant for a cell or for what stands behind a mark; at the start of a line a number or a
    dash may still begin a list.
    """
    lines = (_SIGNS.sub(_escaped, printable(line)) for line in _LINE_ENDS.split(text))
    return _OUTER_SPACES.sub(_kept, "<br>".join(lines))


def _table(sheet: Table) -> str:
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


_STARTS = "=+-@\t\r\n\0＝＋－＠"
"""What begins a formula; East Asian editions may take the full-width signs for the others."""


def ranking_csv(result: Result, *, final: bool) -> bytes:
    """One row a unit, the groups one below the other in order of rank.

    The columns are always the same: group, rank, unit, each stage, composite, adjustments, final,
    status (provisional, a draft, or final), what a provisional result lacks, and whose copy it is.
    Ranks and units alone stand for those who are not shown scores. What is absent is '—'. Raises
    ValueError where a provisional result is to be rendered as final.
    """
    approval(result, final=final)
    told = (
        stamp(result, final=final) or _("FINAL"),
        "; ".join((*banner(result), *result.copy.notes)) or None,
        marker(result) or None,
    )
    behind = (Column(_("Status")), Column(_("Missing")), Column(_("Copy")))
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    for place, sheet in enumerate(rankings(result)):
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
    return printable(f"'{text}" if guarded else text)


_SEVERITIES = {"error": N_("error"), "warning": N_("warning")}
_POLICIES = {"error": N_("an error"), "exclude": N_("left out"), "zero": N_("counted as 0")}


def scheme_tree(scheme: Scheme) -> Node:
    """Groups, units, raters, indicators, stages, adjustments, ranking and assumptions, with clauses."""
    document = scheme.document
    about = f"{document.title} · {document.issued_by} · {document.issued or ''}"
    return Node(
        f"{scheme.id} · {scheme.title}",
        [
            Node(about.strip(" ·")),
            Node(_("Groups"), [_group(group) for group in scheme.groups]),
            Node(
                _("Raters"),
                [
                    Node(
                        _count(raters.title, len(scheme.raters_of(raters.id)), raters.clause),
                        [Node("、".join(scheme.raters_of(raters.id)))],
                    )
                    for raters in scheme.raters
                ],
            ),
            Node(_("Indicators"), [_indicators(found) for found in scheme.indicators]),
            Node(_("Stages"), [_stage(scheme, stage) for stage in scheme.stages]),
            Node(_("Adjustments"), [_adjustment(scheme, item) for item in scheme.adjustments]),
            Node(_("Ranking"), _ranking(scheme)),
            Node(
                f"{_('Assumptions')} ({len(scheme.assumptions)})",
                [
                    Node(f"{item.text}  [{item.clause}] ← {item.set_in}")
                    for item in scheme.assumptions
                ],
            ),
            Node(_("Rules for people"), [Node(f"{n.text}  [{n.clause}]") for n in scheme.notes]),
        ],
    )


def scheme_data(scheme: Scheme) -> dict[str, Any]:
    """The scheme as JSON data, as it was loaded, defaults filled in."""
    return scheme.model_dump(mode="json", by_alias=True, exclude_none=True)


def _count(title: object, count: int, clause: str) -> str:
    return f"{title} ({count})  [{clause}]"


def _group(group: Group) -> Node:
    units = "、".join(unit.name for unit in group.units)
    return Node(_count(group.title, len(group.units), group.clause), [Node(units)])


def _indicators(found: IndicatorSet) -> Node:
    root = Node(
        _("{title}: {categories} categories, {items} items, {marks} marks").format(
            title=found.title,
            categories=len(found.items),
            items=len(found.leaves),
            marks=plain(found.marks),
        )
        + f"  [{found.clause}]"
    )
    root.children = [_indicator(found, item) for item in found.items]
    return root


def _indicator(found: IndicatorSet, item: Indicator) -> Node:
    share = (
        plain(item.marks)
        if item.marks is not None
        else f"{plain(item.weight)} %"
        if item.weight
        else ""
    )
    text = f"{item.id} {item.title} · {share}"
    if not item.items:
        text += f"  [{found.cited(item)}]"
    if item.assessed:
        names = "、".join(item.assessed.units)
        more = _("and others concerned") if item.assessed.open else ""
        text += "  ← " + " ".join(part for part in (names, more) if part)
    return Node(text, [_indicator(found, child) for child in item.items])


def _stage(scheme: Scheme, stage: Stage) -> Node:
    window = f"{stage.window.from_} – {stage.window.to}"
    node = Node(f"{stage.title} · {plain(stage.weight)} % · {window}  [{stage.clause}]")
    node.children.append(Node("; ".join(map(str, stage.assessors))))
    node.children += [Node(f"{note.text}  [{note.clause}]") for note in stage.notes]
    for group, plan in stage.plans.items():
        steps = [
            Node(_step(step, plan) + (f"  [{step.clause}]" if step.clause else ""))
            for step in plan.steps
        ]
        steps += [Node(_watch(rule, plan)) for rule in plan.checks]
        files = [Node(f"{form.title} ← {form.file} › {form.sheet}") for form in plan.forms]
        node.children.append(Node(str(scheme.group(group).title), [*files, *steps]))
    return node


def _step(step: Step, plan: Plan) -> str:
    if not isinstance(step, RollUp):
        return describe(step, plan)
    return describe(step, plan) + _(
        "; missing: {missing}; not applicable: {not_applicable}"
    ).format(missing=_(_POLICIES[step.missing]), not_applicable=_(_POLICIES[step.not_applicable]))


def _watch(rule: Check, plan: Plan) -> str:
    found = rule.dimension
    title = plan.dimensions[found[1]].title if found else None
    name = str(title or (found[1] if found else ""))
    return f"{_watched(rule, name)}  [{rule.clause}] · {_(_SEVERITIES[rule.severity])}"


def _watched(rule: Check, name: str) -> str:
    """What a check asks for; ``name`` is the dimension that it names."""
    match rule:
        case Spread():
            share = f"{plain(rule.at_least_percent)} %"
            text = (
                _("highest and lowest at least {share} of the full marks apart")
                if rule.of == "full_marks"
                else _("highest and lowest at least {share} of the highest apart")
            )
            return text.format(share=share)
        case Flat():
            return _("{name}: not the same score for everyone").format(name=name)
        case Identical():
            return _("{name}: no two alike, cell for cell").format(name=name)
        case Outlier():
            text = _("{name}: none far from all others (robust z-score beyond {limit})")
            return text.format(name=name, limit=plain(rule.beyond))
        case Empty():
            return _("{name}: none without any score").format(name=name)
        case Dated():
            return _("the date on the sheet lies in the stage's window")
        case Reasoned():
            return _("a reason beside every score below full marks")


def _adjustment(scheme: Scheme, item: Adjustment) -> Node:
    groups = "、".join(str(scheme.group(group).title) for group in item.groups)
    kind = _("bonus") if item.kind == "bonus" else _("deduction")
    rule = item.points
    if isinstance(rule, Bands):
        points = ", ".join(
            f"{plain(band.from_)}–{'' if band.to is None else plain(band.to)}: {plain(band.points)}"
            for band in rule.bands
        )
    elif isinstance(rule, Stated):
        points = _("as stated, at most {max} each").format(max=plain(rule.max))
    else:
        assert isinstance(rule, Fixed)
        points = plain(rule.fixed)
    if item.cap is not None:
        points += " · " + _("at most {cap} a unit").format(cap=plain(item.cap))
    if item.once:
        points += " · " + _("once a unit")
    return Node(f"{item.title} · {kind} · {groups} · {points}  [{item.clause}]")


def _ranking(scheme: Scheme) -> list[Node]:
    ties = [tie.stage or _("composite") for tie in scheme.ranking.ties]
    chain = " → ".join([_("final"), *ties, _("shared rank")])
    digits = _("{digits} decimals, rounded half up").format(digits=scheme.final.digits)
    low, high = (
        "—" if bound is None else plain(bound) for bound in (scheme.final.floor, scheme.final.cap)
    )
    bounds = _("from {low} to {high}").format(low=low, high=high)
    secret = _("scores of fewer than {count} raters are kept within the office").format(
        count=scheme.confidentiality.fewest_raters
    )
    return [
        Node(f"{chain}  [{scheme.ranking.clause}]"),
        Node(f"{digits} · {bounds}  [{scheme.final.clause}]"),
        Node(f"{secret}  [{scheme.confidentiality.clause}]"),
        *_audiences(scheme),
    ]


def _audiences(scheme: Scheme) -> Iterator[Node]:
    """Who is shown what beside rules and ranks."""
    rule = scheme.confidentiality
    nothing = (_("ranks alone"), _("nothing but its own"))
    for audience in (Audience.LEADING_GROUP, Audience.PUBLIC, Audience.UNIT):
        shown = rule.shown_to(audience)
        words = listed(_(DETAIL_NAMES[detail]) for detail in Detail if detail in shown)
        printable = _("{audience} sees: {details}").format(
            audience=_(AUDIENCE_NAMES[audience]),
            details=words or nothing[audience is Audience.UNIT],
        )
        yield Node(f"{printable}  [{rule.clause}]")
