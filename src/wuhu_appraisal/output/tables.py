"""The ranking beside the one that there would be without the decisions; nothing is computed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from wuhu_appraisal.findings import Finding, Severity
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.model import Absent, LedgerEntry, Remark
from wuhu_appraisal.numbers import decimals, round_half_up
from wuhu_appraisal.output.parameters import parameters
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import AUDIENCE_NAMES, Audience, Detail
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.year.decisions import WORDS, about
from wuhu_appraisal.year.expected import State, Submission

Content: TypeAlias = str | int | Decimal | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: how its contents are written; a code is never broken into lines."""

    title: str
    kind: Literal["text", "code", "count", "number"] = "text"
    digits: int = 2
    absent: str = "—"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its title: one sheet of a workbook, one table on a screen."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Content]]
    notes: Sequence[str] = field(default_factory=tuple)


def show(content: Content, column: Column) -> str:
    """A table's cell as text: the one place where a published number becomes characters."""
    if content is None:
        return column.absent
    if isinstance(content, Decimal):
        return format(round_half_up(content, column.digits), "f")
    return str(content)


def banner(result: Result) -> list[str]:
    """What must stand over every rendering of a provisional result; nothing over a final one."""
    if not result.provisional:
        return []
    count = len(result.missing)
    lines = [
        _("PROVISIONAL: what is missing was left out and the weights or marks of the rest made up")
    ]
    lines += [item.message for item in result.missing[:_SHOWN]]
    if count > _SHOWN:
        lines.append(_("and {count} more findings of severity error").format(count=count - _SHOWN))
    return lines


def stamp(result: Result, *, final: bool) -> str:
    """What every page of a rendering bears: provisional, a draft until it is final, or nothing."""
    if result.provisional:
        return _("PROVISIONAL")
    return "" if final else _("DRAFT FOR APPROVAL")


def approval(result: Result, *, final: bool) -> Literal["provisional", "draft", "final"]:
    """Return what a report is. Raise ValueError for a provisional result that is to be final."""
    if result.provisional and final:
        raise ValueError("a provisional result cannot be rendered as final")
    if result.provisional:
        return "provisional"
    return "final" if final else "draft"


def marker(result: Result) -> str:
    """By which a copy leads back to whom it was made for; nothing in what stays in the office."""
    edition = result.copy
    if edition.audience is Audience.OFFICE and not edition.recipient:
        return ""
    said = _("For {audience} · result {run}")
    if edition.recipient:
        said = _("For {audience} · copy of {recipient} · result {run}")
    audience = _(AUDIENCE_NAMES[edition.audience])
    return said.format(audience=audience, recipient=edition.recipient, run=result.id)


def rankings(result: Result) -> list[Table]:
    """The ranked table of each group: rank, unit, stages, composite, adjustments, final.

    Rank and unit alone for those who are not shown scores.
    """
    return [_ranking(result, group) for group in result.standings]


def report_tables(result: Result) -> list[Table]:
    """All tables of a report in their order, as far as its readers are shown them."""
    shows = result.copy.shows
    return [
        *rankings(result),
        *([adjustments(result)] if Detail.SCORES in shows else []),
        *([findings(result)] if Detail.FINDINGS in shows else []),
        *([decisions(result)] if result.decisions else []),
        weights(result.scheme),
        assumptions(result.scheme),
        *([sources(result)] if Detail.FINDINGS in shows else []),
    ]


def adjustments(result: Result) -> Table:
    """Every record of a bonus or deduction with its grounds."""
    scheme = result.scheme
    told = Detail.FINDINGS in result.copy.shows
    rows: list[Sequence[Content]] = [
        (
            str(scheme.group_titles[group]),
            item.unit,
            str(scheme.adjustment_titles[record.id]),
            record.points,
            record.reason,
            record.evidence,
            scheme.adjustment(record.id).clause,
            *([str(record.source)] if told else []),
        )
        for group, standings in result.standings.items()
        for item in standings
        for record in item.adjustments
    ]
    columns = (
        Column(_("Group")),
        Column(_("Unit")),
        Column(_("Adjustment")),
        Column(_("Points"), "number", max(2, _digits(row[3] for row in rows))),
        Column(_("Reason")),
        Column(_("Evidence")),
        Column(_("Clause")),
        *([Column(_("Source"))] if told else []),
    )
    return Table(_("Adjustments"), _("Bonuses and deductions"), columns, rows)


def findings(result: Result) -> Table:
    """What a person must know about the input."""
    words = {Severity.ERROR: _("error"), Severity.WARNING: _("warning")}
    rows = [
        (
            words[item.severity or Severity.ERROR],
            item.code,
            str(item.source),
            item.message,
            item.hint,
        )
        for item in result.findings
    ]
    columns = tuple(
        Column(_(title))
        for title in (N_("Severity"), N_("Code"), N_("Source"), N_("Finding"), N_("What to do"))
    )
    return Table(_("Findings"), _("Findings"), columns, rows)


def decisions(result: Result) -> Table:
    """What a person decided about the input, and what it settled."""
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
            "; ".join(_named(item.covered)),
            str(item.place),
        )
        for item in result.decisions
    ]
    columns = tuple(
        Column(_(title), absent="")
        for title in (
            N_("Decision"),
            N_("About"),
            N_("Held"),
            N_("Counts as"),
            N_("Reason"),
            N_("Decided by"),
            N_("When"),
            N_("Clause"),
            N_("Settles"),
            N_("Written at"),
        )
    )
    return Table(_("Decisions"), _("Decisions about the input"), columns, rows)


def _named(covered: Sequence[Finding]) -> Iterator[str]:
    """The findings in a few words each; where they are many, the first of them."""
    for item in covered[:_SHOWN]:
        yield f"[{item.code}] {item.message}"
    if len(covered) > _SHOWN:
        yield _("and {count} more").format(count=len(covered) - _SHOWN)


def summary(found: Sequence[Finding]) -> Table:
    """How many findings of each severity each file has."""
    counts: dict[str, list[int]] = {}
    for item in found:
        counted_ = counts.setdefault(item.source.file, [0, 0])
        counted_[item.severity is not Severity.ERROR] += 1
    rows = [(file or None, errors, warnings) for file, (errors, warnings) in counts.items()]
    columns = (Column(_("File")), Column(_("Errors"), "count"), Column(_("Warnings"), "count"))
    return Table(_("Files"), _("Findings by file"), columns, sorted(rows, key=lambda r: r[0] or ""))


def ledger(entries: Sequence[LedgerEntry], remarks: Sequence[Remark]) -> Table:
    """Every cell that was read as other than a plain number; below it the remarks on scores."""
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
    columns = tuple(
        Column(_(title))
        for title in (N_("Source"), N_("Holds"), N_("Number format"), N_("Counts as"), N_("By"))
    )
    notes = [f"{item.source}  {item.kind.words}: {item.text}" for item in remarks]
    return Table(_("Reading ledger"), _("Reading ledger"), columns, rows, notes)


def remarks(found: Sequence[Remark]) -> Table:
    """What offices wrote beside scores: notes on cells, and reasons for deductions."""
    rows = [(str(item.source), item.kind.words, item.text) for item in found]
    columns = (Column(_("Source")), Column(_("Kind")), Column(_("Text")))
    return Table(_("Remarks"), _("Remarks beside the scores"), columns, rows)


def weights(scheme: Scheme) -> Table:
    """Stages, steps, marks and adjustments, each with its clause."""
    rows = [
        (item.part, item.group, item.text, item.number, item.clause) for item in parameters(scheme)
    ]
    columns = (
        Column(_("Part")),
        Column(_("Group")),
        Column(_("Rule")),
        Column(_("Weight or marks"), "number", _digits(row[3] for row in rows), absent=""),
        Column(_("Clause")),
    )
    return Table(_("Weights"), _("Weights, marks and steps"), columns, rows)


def assumptions(scheme: Scheme) -> Table:
    """What the document leaves open and how the scheme decides it."""
    rows = [
        (str(number), item.clause, str(item.text), item.set_in)
        for number, item in enumerate(scheme.assumptions, 1)
    ]
    columns = tuple(
        Column(_(title))
        for title in (N_("No."), N_("Silent clause"), N_("Assumption"), N_("Set in the scheme at"))
    )
    return Table(_("Assumptions"), _("Assumptions where the document is silent"), columns, rows)


def status(found: Sequence[Submission], *, missing: bool) -> Table:
    """Every expected sheet with whether it came, and the files that came for it.

    ``missing`` shows those alone that are missing or came twice; all are counted.
    """
    rows = [
        (
            str(item.stage),
            str(item.form),
            str(item.members),
            _(item.state),
            "; ".join(map(str, item.sources)),
        )
        for item in found
        if not missing or item.state is not State.CAME
    ]
    columns = tuple(
        Column(_(title)) for title in (N_("Stage"), N_("Form"), N_("Of"), N_("State"), N_("Source"))
    )
    counts = {state: sum(item.state is state for item in found) for state in State}
    notes = [", ".join(f"{_(state)} {count}" for state, count in counts.items())]
    return Table(_("Submissions"), _("Submissions"), columns, rows, notes)


def sources(result: Result) -> Table:
    """Every sheet that went in: its file, what it was read as, its rows, and the file's hash."""
    columns = (
        Column(_("File")),
        Column(_("Sheet")),
        Column(_("Read as")),
        Column(_("Rows")),
        Column(_("Number of scores"), "count"),
        Column("SHA-256", "code"),
    )
    notes = [
        _("Scheme: {id}, SHA-256 {sha256}").format(
            id=result.scheme.id, sha256=result.scheme_sha256
        ),
        _("Computed at {time}").format(time=result.computed_at),
    ]
    rows = list(_sources(result))
    return Table(_("Sources"), _("Sources"), columns, rows, notes)


def _sources(result: Result) -> Iterator[Sequence[Content]]:
    titles = {name: str(title) for name, title in result.scheme.titles.items()}
    read: dict[str, dict[tuple[str, str, str], int]] = {}
    for group, traced in result.traces.items():
        for stage, trace in traced.stages.items():
            words = f"{titles[stage]} · {result.scheme.group(group).title}"
            for block in trace.scores.blocks:
                rows = block.rows.positions
                where = f"{min(rows)}–{max(rows)}" if len(rows) > 1 else str(rows[0] or "")
                count = sum(not isinstance(value, Absent) for row in block.values for value in row)
                sheets = read.setdefault(block.file, {})
                key = (block.sheet, words, where)
                sheets[key] = sheets.get(key, 0) + count
    for standings in result.standings.values():
        for record in (record for item in standings for record in item.adjustments):
            at = record.source
            sheets = read.setdefault(at.file, {})
            key = (at.sheet, titles[record.id], "")
            sheets[key] = sheets.get(key, 0) + 1
    for item in result.sources:
        words = ", ".join(dict.fromkeys(titles.get(stage, stage) for stage in item.stages))
        for said, count in read.get(item.file, {("", words, ""): 0}).items():
            yield item.file, *said, count, item.sha256


def counted(found: Sequence[Finding]) -> str:
    """How many findings of each severity there are, in a sentence."""
    errors = sum(item.severity is Severity.ERROR for item in found)
    return _("errors: {errors}, warnings: {warnings}").format(
        errors=errors, warnings=len(found) - errors
    )


_SHOWN = 10
_RANK_AND_UNIT = 2


def _ranking(result: Result, group_id: str) -> Table:
    scheme = result.scheme
    digits = scheme.composite.digits
    columns = (
        Column(_("Rank"), "count"),
        Column(_("Unit")),
        *(Column(str(stage.title), "number", digits) for stage in scheme.stages),
        Column(_("Composite"), "number", digits),
        Column(_("Adjustments"), "number", scheme.final.digits),
        Column(_("Final"), "number", scheme.final.digits),
    )
    rows = [
        (
            item.rank,
            item.unit,
            *(item.stages[stage.id] for stage in scheme.stages),
            item.composite,
            item.points,
            item.final,
        )
        for item in result.standings[group_id]
    ]
    shown = None if Detail.SCORES in result.copy.shows else _RANK_AND_UNIT
    title = f"{scheme.title} · {scheme.group(group_id).title}"
    return Table(
        str(scheme.group(group_id).title),
        title,
        columns[:shown],
        [row[:shown] for row in rows],
        result.copy.notes,
    )


def _digits(contents: Iterable[Content]) -> int:
    """The decimals that the longest of some decimals has."""
    return max((decimals(item) for item in contents if isinstance(item, Decimal)), default=0)


def rankings_without(result: Result, other: Result, group_id: str) -> Table:
    """The ranking of a group beside the one that there would be without the decisions.

    The rows are in the order of rank with them; ``other`` is the run without.
    """
    scheme = result.scheme
    there = {item.unit: item for item in other.standings[group_id]}
    digits = scheme.final.digits
    rows = [
        (
            item.rank,
            item.unit,
            item.final,
            there[item.unit].rank,
            there[item.unit].final,
            _change(item.rank, there[item.unit].rank),
        )
        for item in result.standings[group_id]
    ]
    columns = (
        Column(_("Rank"), "count"),
        Column(_("Unit")),
        Column(_("Final"), "number", digits),
        Column(_("Rank without"), "count"),
        Column(_("Final without"), "number", digits),
        Column(_("Rank change without")),
    )
    title = f"{scheme.title} · {scheme.group(group_id).title}"
    return Table(str(scheme.group(group_id).title), title, columns, rows)


def _change(rank: int | None, without: int | None) -> str:
    """How many ranks a unit would rise or fall without the decisions."""
    if rank == without:
        return "="
    if rank is None or without is None:
        return "?"
    return f"{'↑' if without < rank else '↓'}{abs(rank - without)}"
