"""The tables and texts that every report shows, made from the numbers of a result once.

Nothing is computed here. A renderer gets a ``Table``, or a tree of ``Node``. A table without rows is
a heading with nothing below it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any, Literal, TypeAlias

from wuhu_appraisal.findings import Finding, Severity, Source, unfolded
from wuhu_appraisal.language import N_, _, listed
from wuhu_appraisal.model import Absent, LedgerEntry, Record, Remark, Standing
from wuhu_appraisal.numbers import Number, decimals, exact_text, percent, round_half_up
from wuhu_appraisal.output.parameters import describe_veto, parameters
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import AUDIENCE_NAMES, Audience, Detail
from wuhu_appraisal.scheme.models import Part, Scheme
from wuhu_appraisal.score.ranking import vetoes_of
from wuhu_appraisal.store import json_data
from wuhu_appraisal.year.decisions import WORDS, about
from wuhu_appraisal.year.expected import State, Submission

Content: TypeAlias = str | int | Decimal | None

UNRANKED = N_("not ranked: {titles}")
"""What stands before the vetoes of a unit that they leave without rank."""

_MOST_SHOWN = 10
"""The findings that are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table and how its contents are written; a code is never broken into lines."""

    title: str
    kind: Literal["text", "code", "count", "number"] = "text"
    digits: int = 2
    absent: str = "—"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its title and notes: one sheet of a workbook, one table on a screen."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Content]]
    notes: Sequence[str] = ()


@dataclass(slots=True)
class Node:
    """A sentence and what stands behind it.

    A node's ``value`` is the sum of its children's values, each times its ``coefficient``, over
    the children that have a coefficient; a value of None counts as 0 there. Children without a
    coefficient say something of the node. A node whose children were not asked for has none.

    ``lead`` is a number that stands before the text; ``digits`` are those that ``published`` was
    rounded to; ``sides`` are the two values that a difference is between.
    """

    text: str
    children: list["Node"] = field(default_factory=list)
    kind: str = "text"
    value: Number | None = None
    coefficient: Fraction | None = None
    published: str = ""
    digits: int | None = None
    clause: str = ""
    sources: Sequence[Source] = ()
    reading: LedgerEntry | None = None
    lead: str = ""
    sides: tuple[Fraction | None, Fraction | None] | None = None

    @property
    def sentence(self) -> str:
        """The text with where it stands and the clause behind it."""
        places = "".join(f" · {source}" for source in self.sources)
        return self.text + places + (f"  [{self.clause}]" if self.clause else "")

    @property
    def line(self) -> str:
        """All of it on one line."""
        return f"{self.lead}  {self.sentence}" if self.lead else self.sentence


def node_data(node: Node) -> dict[str, Any]:
    """Return the tree as JSON data; every node has all the keys.

    - ``kind``: unit, final, rank, class, veto, step, rounding, assumption, composite, stage, score, cell,
      adjustment, record, bound, reading, remark, decision; of a comparison: comparison, stage,
      member, adjustment, veto, cap, adjusting, final, rounding, note
    - ``text``: the sentence, without its sources and clause
    - ``value``: the exact number as text, '86.25' or 'p/q'; of a comparison the difference, first
      less second; null where there is none
    - ``coefficient``: how often the node's value counts in its parent's, as exact text; null for a
      node that only says something. A node's value is the sum of coefficient times value over
      its children with a coefficient, where a value of null counts as 0 (no such children: the
      tree was cut off at a depth, or the node is a cell)
    - ``published`` and ``rounding``: the value as published, and {"digits", "rule"} of its rounding
    - ``clause``: of the published document; null where the text rests on none
    - ``sources``: the cells, [{"file", "sheet", "cell"}]
    - ``reading``: how the cell was read, where it holds other than a plain number: an entry of the
      result's ledger
    - ``sides``: of a comparison, the two exact values as text in points of the final, null for a
      unit that has no such part; else null
    - ``children``: the nodes behind it
    """
    rounding = {"digits": node.digits, "rule": "half_up"}
    return {
        "kind": node.kind,
        "text": f"{node.lead} {node.text}" if node.lead else node.text,
        "value": _exact(node.value),
        "coefficient": _exact(node.coefficient),
        "published": node.published or None,
        "rounding": rounding if node.digits is not None else None,
        "clause": node.clause or None,
        "sources": [{"file": at.file, "sheet": at.sheet, "cell": at.cell} for at in node.sources],
        "reading": json_data(node.reading) if node.reading else None,
        "sides": [_exact(side) for side in node.sides] if node.sides else None,
        "children": [node_data(child) for child in node.children],
    }


def _exact(value: Number | None) -> str | None:
    return None if value is None else exact_text(value)


def texts(*titles: str) -> list[Column]:
    """Return columns of texts."""
    return [Column(title) for title in titles]


def numbers(digits: int, *titles: str) -> list[Column]:
    """Return columns of numbers."""
    return [Column(title, "number", digits) for title in titles]


def most_decimals(contents: Iterable[Content]) -> int:
    """Return the decimals of the decimal that has most."""
    return max((decimals(item) for item in contents if isinstance(item, Decimal)), default=0)


def show(content: Content, column: Column) -> str:
    """Return a cell as text: the one place where a published number becomes characters."""
    if content is None:
        return column.absent
    if isinstance(content, Decimal):
        return format(round_half_up(content, column.digits), "f")
    return str(content)


def published_text(value: Decimal | None, digits: int) -> str:
    """Return a published number as text."""
    return show(value, Column("", "number", digits))


def banner(result: Result) -> list[str]:
    """Return what stands over every rendering of a provisional result; nothing over any other."""
    if not result.provisional:
        return []
    lines = [
        _("PROVISIONAL: what is missing is left out, and the other weights or marks are scaled up")
    ]
    lines += [item.message for item in result.missing[:_MOST_SHOWN]]
    more = len(result.missing) - _MOST_SHOWN
    if more > 0:
        lines.append(_("and {count} more errors").format(count=more))
    return lines


def stamp(result: Result, *, final: bool) -> str:
    """Return what every page says: provisional, a draft until it is ``final``, or ''.

    Raise ValueError for a provisional result that is to be final.
    """
    if result.provisional and final:
        raise ValueError("a provisional result cannot be rendered as final")
    if result.provisional:
        return _("PROVISIONAL")
    return "" if final else _("DRAFT FOR APPROVAL")


def marker(result: Result) -> str:
    """Return whose copy it is, so that it can be traced; '' for one that stays in the office."""
    copy = result.copy
    if copy.audience is Audience.OFFICE and not copy.recipient:
        return ""
    text = _("For {audience} · result {run}")
    if copy.recipient:
        text = _("For {audience} · copy of {recipient} · result {run}")
    audience = _(AUDIENCE_NAMES[copy.audience])
    return text.format(audience=audience, recipient=copy.recipient, run=result.id)


def counted(findings: Sequence[Finding]) -> str:
    """Return how many findings of each severity there are."""
    errors = sum(item.severity is Severity.ERROR for item in findings)
    return _("errors: {errors}, warnings: {warnings}").format(
        errors=errors, warnings=len(findings) - errors
    )


def report_tables(result: Result) -> list[Table]:
    """Return all tables of a report in their order, as far as its audience may see them."""
    shows = result.copy.shows
    return [
        *rankings(result),
        *([adjustments(result)] if Detail.SCORES in shows and result.scheme.adjustments else []),
        *([vetoes(result)] if Detail.SCORES in shows and result.scheme.vetoes else []),
        *([findings(result)] if Detail.FINDINGS in shows else []),
        *([decisions(result)] if result.decisions else []),
        weights(result.scheme),
        assumptions(result.scheme),
        *([sources(result)] if Detail.FINDINGS in shows else []),
    ]


def rankings(result: Result, *, alike: bool = False) -> list[Table]:
    """Return the ranking of each group: rank, unit, stages, composite, adjustments, final.

    A number that would only repeat another has no column; ``alike`` gives all groups the same
    columns. Rank and unit alone for an audience that may not see scores.
    """
    scheme = result.scheme
    digits, final_digits = scheme.composite.digits, scheme.final.digits
    known = {stage.id: Column(str(stage.title), "number", digits) for stage in scheme.stages}
    known[Part.COMPOSITE] = Column(_("Composite"), "number", digits)
    known[Part.ADJUSTMENTS] = Column(_("Adjustments"), "number", final_digits)
    known[Part.FINAL] = Column(_("Final"), "number", final_digits)
    margin = scheme.ranking.margin and Detail.SCORES in result.copy.shows
    own_class = [Column(_("Margin"), "number", final_digits)] if margin else []
    own_class += [Column(_("Class"))] if scheme.classes else []
    vetoed = bool(scheme.vetoes) and Detail.SCORES in result.copy.shows
    own_class += [Column(_("Vetoes"), absent="")] if vetoed else []
    tables = []
    for group, standings in result.standings.items():
        parts = scheme.parts(result.standings if alike else [group])
        if Detail.SCORES not in result.copy.shows:
            parts = []
        columns = [Column(_("Rank"), "count"), Column(_("Unit"))]
        columns += [*(known[part] for part in parts), *own_class]
        rows: list[Sequence[Content]] = []
        below = margins(standings)
        for item in standings:
            published: dict[str, Content] = dict(item.stages)
            published |= {Part.COMPOSITE: item.composite, Part.ADJUSTMENTS: item.points}
            published[Part.FINAL] = item.final
            own: list[Content] = [below.get(item.unit)] if margin else []
            own += [class_title(scheme, item)] if scheme.classes else []
            own += [veto_text(scheme, item)] if vetoed else []
            rows.append((item.rank, item.unit, *(published[part] for part in parts), *own))
        title = scheme.group(group).title
        notes = result.copy.notes
        tables.append(Table(str(title), f"{scheme.title} · {title}", columns, rows, notes))
    return tables


def margins(standings: Sequence[Standing]) -> dict[str, Decimal]:
    """Return how far each published final is above that of the next rank; none for the last rank."""
    finals = {item.rank: item.final for item in standings if item.rank is not None}
    following = dict(pairwise(sorted(finals)))
    return {
        item.unit: item.final - after
        for item in standings
        if item.rank in following
        and item.final is not None
        and (after := finals[following[item.rank]]) is not None
    }


def class_title(scheme: Scheme, standing: Standing) -> str | None:
    """Return the title of a unit's class; None if it has none."""
    return str(scheme.class_titles[standing.class_id]) if standing.class_id else None


def veto_text(scheme: Scheme, standing: Standing) -> str | None:
    """Return the titles of a unit's vetoes, and whether they leave it without rank; None without."""
    own = vetoes_of(scheme, standing)
    titles = "; ".join(str(scheme.record_titles[item.id]) for item in own)
    unranked = any(item.unranked for item in own)
    return (_(UNRANKED).format(titles=titles) if unranked else titles) or None


def rankings_without(result: Result, other: Result, group: str) -> Table:
    """Return the ranking of a group beside ``other``, the one without the decisions."""
    others = {item.unit: item for item in other.standings[group]}
    rows = [
        (
            item.rank,
            item.unit,
            item.final,
            others[item.unit].rank,
            others[item.unit].final,
            _rank_change(item.rank, others[item.unit].rank),
        )
        for item in result.standings[group]
    ]
    digits = result.scheme.final.digits
    columns = (
        Column(_("Rank"), "count"),
        Column(_("Unit")),
        Column(_("Final"), "number", digits),
        Column(_("Rank without decisions"), "count"),
        Column(_("Final without decisions"), "number", digits),
        Column(_("Change without decisions")),
    )
    title = result.scheme.group(group).title
    return Table(str(title), f"{result.scheme.title} · {title}", columns, rows)


def _rank_change(rank: int | None, other: int | None) -> str:
    """Return how many ranks a unit would rise or fall without the decisions."""
    if rank == other:
        return "="
    if rank is None or other is None:
        return "?"
    return f"{'↑' if other < rank else '↓'}{abs(rank - other)}"


def adjustments(result: Result) -> Table:
    """Return every record of a bonus or deduction with its grounds."""
    table = _records(result, lambda item: item.adjustments, lambda record: record.points)
    digits = max(2, most_decimals(row[3] for row in table.rows))
    titles = Column(_("Adjustment")), Column(_("Points"), "number", digits)
    columns = [*table.columns[:2], *titles, *table.columns[2:]]
    return replace(table, name=_("Adjustments"), title=_("Bonuses and deductions"), columns=columns)


def vetoes(result: Result) -> Table:
    """Return every record of a veto with its grounds."""
    scheme = result.scheme
    table = _records(
        result,
        lambda item: item.vetoes,
        lambda record: listed(describe_veto(scheme, scheme.veto(record.id))),
    )
    columns = [*table.columns[:2], *texts(_("Veto"), _("Effect")), *table.columns[2:]]
    return replace(table, name=_("Vetoes"), title=_("Vetoes and their grounds"), columns=columns)


def _records(
    result: Result,
    of: Callable[[Standing], Iterable[Record]],
    does: Callable[[Record], Content],
) -> Table:
    """Return the records of all units; what they are of, and what they do, stand after the unit."""
    scheme, with_source = result.scheme, Detail.FINDINGS in result.copy.shows
    rows: list[Sequence[Content]] = [
        (
            str(scheme.group_titles[group]),
            item.unit,
            str(scheme.record_titles[record.id]),
            does(record),
            record.reason,
            record.evidence,
            scheme.recorded_as(record.id).clause,
            *([str(record.source)] if with_source else []),
        )
        for group, standings in result.standings.items()
        for item in standings
        for record in of(item)
    ]
    titles = [_("Group"), _("Unit"), _("Reason"), _("Evidence"), _("Clause")]
    return Table("", "", texts(*titles, *([_("Source")] if with_source else [])), rows)


def findings(result: Result) -> Table:
    """Return the findings of a result, in a row for each of their places."""
    rows = [
        (_(item.severity or Severity.ERROR), item.code, str(item.source), item.message, item.hint)
        for item in unfolded(result.findings)
    ]
    columns = texts(_("Severity"), _("Code"), _("Source"), _("Finding"), _("What to do"))
    return Table(_("Findings"), _("Findings"), columns, rows)


def decisions(result: Result) -> Table:
    """Return the decisions about the input, each with the findings that it settles."""
    rows = [
        (
            _(WORDS[item.decision.decide]),
            about(item.decision),
            item.decision.was,
            item.decision.value,
            item.decision.reason,
            item.decision.by,
            item.decision.at,
            item.decision.clause,
            "; ".join(_settled(item.covered)),
            str(item.place),
        )
        for item in result.decisions
    ]
    titles = [
        *(_("Decision"), _("About"), _("Held"), _("Counts as"), _("Reason")),
        *(_("Decided by"), _("When"), _("Clause"), _("Settles"), _("Written at")),
    ]
    columns = [Column(title, absent="") for title in titles]
    return Table(_("Decisions"), _("Decisions about the input"), columns, rows)


def _settled(findings: Sequence[Finding]) -> Iterator[str]:
    for item in findings[:_MOST_SHOWN]:
        yield f"[{item.code}] {item.message}"
    if len(findings) > _MOST_SHOWN:
        yield _("and {count} more").format(count=len(findings) - _MOST_SHOWN)


def summary(findings: Sequence[Finding]) -> Table:
    """Return how many findings of each severity each file has."""
    findings = list(unfolded(findings))
    counts = Counter((item.source.file, item.severity is Severity.ERROR) for item in findings)
    files = sorted({item.source.file for item in findings})
    rows = [(file or None, counts[file, True], counts[file, False]) for file in files]
    columns = (Column(_("File")), Column(_("Errors"), "count"), Column(_("Warnings"), "count"))
    return Table(_("Files"), _("Findings by file"), columns, rows)


def ledger(entries: Sequence[LedgerEntry], remarks: Sequence[Remark]) -> Table:
    """Return every cell that was read as other than a plain number, with remarks as notes."""
    rows = [
        (
            str(entry.source),
            entry.raw,
            entry.format or None,
            entry.value,
            "; ".join(rule.words for rule in entry.rules),
        )
        for entry in entries
    ]
    columns = texts(_("Source"), _("Holds"), _("Number format"), _("Counts as"), _("By"))
    notes = [f"{item.source}  {item.kind.words}: {item.text}" for item in remarks]
    return Table(_("Reading ledger"), _("Reading ledger"), columns, rows, notes)


def remarks(items: Sequence[Remark]) -> Table:
    """Return what offices wrote beside scores: notes on cells, and reasons for deductions."""
    rows = [(str(item.source), item.kind.words, item.text) for item in items]
    columns = texts(_("Source"), _("Kind"), _("Text"))
    return Table(_("Remarks"), _("Remarks beside the scores"), columns, rows)


def _stated(number: Number | int | None) -> Content:
    """Return a number that a scheme states; one that is no decimal, as 1/3, as text."""
    if not isinstance(number, Fraction):
        return number
    text = exact_text(number)
    return text if "/" in text else Decimal(text)


def weights(scheme: Scheme) -> Table:
    """Return stages, steps, marks and adjustments, each with its clause."""
    rows = [
        (item.part, item.group, item.text, _stated(item.number), item.clause)
        for item in parameters(scheme)
    ]
    digits = most_decimals(row[3] for row in rows)
    columns = (
        *texts(_("Part"), _("Group"), _("Rule")),
        Column(_("Weight or marks"), "number", digits, absent=""),
        Column(_("Clause")),
    )
    return Table(_("Weights"), _("Weights, marks and steps"), columns, rows)


def assumptions(scheme: Scheme) -> Table:
    """Return what the document leaves open and how the scheme decides it."""
    rows = [
        (str(number), item.clause, str(item.text), item.set_in)
        for number, item in enumerate(scheme.assumptions, 1)
    ]
    columns = texts(_("No."), _("Silent clause"), _("Assumption"), _("Set in the scheme at"))
    return Table(_("Assumptions"), _("Assumptions where the document is silent"), columns, rows)


def status(submissions: Sequence[Submission], *, missing: bool) -> Table:
    """Return every expected sheet with whether it came, and the files that came for it.

    ``missing`` lists those alone that are missing or came twice; the note counts all.
    """
    rows = [
        (
            str(item.stage),
            str(item.form),
            str(item.members),
            _(item.state),
            "; ".join(map(str, item.sources)),
        )
        for item in submissions
        if not missing or item.state is not State.CAME
    ]
    columns = texts(_("Stage"), _("Form"), _("Of"), _("State"), _("Source"))
    counts = Counter(item.state for item in submissions)
    notes = [", ".join(f"{_(state)} {counts[state]}" for state in State)]
    return Table(_("Submissions"), _("Submissions"), columns, rows, notes)


def shares(submissions: Sequence[Submission]) -> Table:
    """Return the share of the marks that are '/' by unit and form, beside the median of its peers."""
    forms: dict[tuple[str, str, str], list[Fraction]] = {}
    for item in submissions:
        peers = forms.setdefault((item.place.stage, item.place.group, item.place.form), [])
        peers += item.shares.values()
    rows = []
    for item in submissions:
        peers = forms[item.place.stage, item.place.group, item.place.form]
        for unit, share in item.shares.items():
            numbers = percent(share), percent(median(peers))
            rows.append((str(item.stage), str(item.form), unit, *numbers))
    columns = texts(_("Stage"), _("Form"), _("Unit"), _("Share of marks '/'"), _("Group's median"))
    return Table(_("Not applicable"), _("Share of the marks that are '/'"), columns, rows)


def sources(result: Result) -> Table:
    """Return every sheet that was read: its file, what it is, its rows, and the file's hash."""
    scheme = result.scheme
    titles = {name: str(title) for name, title in scheme.titles.items()}
    sheets: dict[str, Counter[tuple[str, str, str]]] = {}
    for group, trace in result.traces.items():
        for stage, staged in trace.stages.items():
            words = f"{titles[stage]} · {scheme.group(group).title}"
            for block in staged.scores.blocks:
                positions = block.lines
                lines = str(positions[0] or "") if positions else ""
                if len(positions) > 1:
                    lines = f"{min(positions)}–{max(positions)}"
                count = sum(not isinstance(value, Absent) for row in block.values for value in row)
                count = len(positions) if block.counted else count
                sheets.setdefault(block.file, Counter())[block.sheet, words, lines] += count
    for standings in result.standings.values():
        for record in (record for item in standings for record in item.records):
            key = (record.source.sheet, titles[record.id], "")
            sheets.setdefault(record.source.file, Counter())[key] += 1
    rows: list[Sequence[Content]] = []
    for item in result.sources:
        words = ", ".join(dict.fromkeys(titles.get(stage, stage) for stage in item.stages))
        for key, count in sheets.get(item.file, {("", words, ""): 0}).items():
            rows.append((item.file, *key, count, item.sha256))
    columns = (
        *texts(_("File"), _("Sheet"), _("Read as"), _("Rows")),
        Column(_("Number of scores"), "count"),
        Column("SHA-256", "code"),
    )
    notes = [
        _("Scheme: {id}, SHA-256 {sha256}").format(id=scheme.id, sha256=result.scheme_sha256),
        _("Computed at {time}").format(time=result.computed_at),
    ]
    return Table(_("Sources"), _("Sources"), columns, rows, notes)
