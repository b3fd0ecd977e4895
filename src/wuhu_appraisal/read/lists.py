"""A list with one fault a row: the rows are counted for each unit and fact, and kept as the grounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.model import Absent, Axis, Block, Remark, RemarkKind, Score
from wuhu_appraisal.names import NameIndex, normalise
from wuhu_appraisal.read.forms import FormIndex, SheetMatch
from wuhu_appraisal.read.records import EntryReader, find_header, lines_below
from wuhu_appraisal.read.sheet import SheetContent
from wuhu_appraisal.read.unread import Unread
from wuhu_appraisal.scheme.models import Indicator, Scheme
from wuhu_appraisal.workbooks.cell import Sheet

_SHOWN = 3
_GROUND = "ground "
"""What stands before the label of a column of grounds in its key."""


def read_list(scheme: Scheme, forms: FormIndex, sheet: Sheet, match: SheetMatch) -> SheetContent:
    """Return the counts of a list's rows, with a remark for each; no block without its header."""
    content, entry = SheetContent(), match.entry
    plan, columns = entry.plan, entry.form.list_
    items = scheme.items_of(plan, entry.form)
    names = forms.names(entry, plan.indicator_dimension)
    units = forms.names(entry, "unit") if "unit" in entry.form.axes else None
    assert columns is not None and names is not None, "a list without counts does not load"
    labels: dict[str, Sequence[str]] = {"unit": scheme.reading.labels.unit} if units else {}
    labels |= {"what": columns.what, "item": columns.item}
    labels |= {f"{_GROUND}{label}": [label] for label in columns.grounds}
    header, places = find_header(scheme, labels, labels.keys() - {"item"}, sheet, content.findings)
    if not places:
        problem, where = content.findings[-1], (entry.stage.id, entry.group)
        for item in items:
            members = {**match.fixed, plan.indicator_dimension: item.id}
            content.unread.append(Unread(problem.code, problem.source, *where, members))
        return content
    lines = lines_below(scheme, sheet, header, [])
    reader = _ListReader(scheme, sheet, places, content, *lines, match, items, names, units)
    for row in range(header + 1, len(sheet.rows)):
        reader.read(row)
    content.findings += reader.misnumbered(reader.repeated)
    if units and not reader.entries and not reader.said_none:
        content.findings.append(finding("list-empty", Source(sheet.file, sheet.name)))
    content.block = reader.block()
    return content


@dataclass
class _ListReader(EntryReader):
    """Reads the faults of a list; ``units`` is None where the file or the sheet names the unit.

    ``cells`` has those of the faults by unit and fact, ``first`` the place of each row's content.
    """

    match: SheetMatch
    items: Sequence[Indicator]
    names: NameIndex
    units: NameIndex | None
    cells: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    first: dict[tuple[str, ...], Source] = field(default_factory=dict)
    repeated: set[int] = field(default_factory=set)
    said_none: bool = False

    def read(self, row: int) -> None:
        """Count the fault in a row, if there is one."""
        if not self.holds_entry(row, "unit" if self.units else "what"):
            return
        what, where = self._text(row, "what"), self._source(row, "what")
        written = {key: self._text(row, key) for key in self.columns}
        first = self.first.setdefault(tuple(written.values()), where)
        if first is not where:
            self.repeated.add(row)
        grounds = {key: it for key, it in written.items() if key.startswith(_GROUND) and it}
        unit = self._unit(row)
        if unit is None or (
            self._is_nothing(what) and all(map(self._is_nothing, grounds.values()))
        ):
            return
        fact = self._fact(row, what) if what else None
        if not what:
            self._add(finding("fault-blank", where))
        if fact is None:
            return
        if self.sheet.look(row, self.columns["what"]).struck:
            self._add(finding("score-struck-out", where, value=what))
        if first is not where:
            self._add(finding("fault-twice", where, first=first))
        self.cells.setdefault((unit, fact), []).append(where.cell)
        told = [f"{key.removeprefix(_GROUND)} {text}" for key, text in grounds.items()]
        self.content.remarks.append(Remark(where, RemarkKind.FAULT, " · ".join([what, *told])))

    def block(self) -> Block:
        """Return the counts: 0 where no row is, '/' where the scheme has the item for others only."""
        members = self.units.members if self.units else ("",)
        facts = tuple(item.id for item in self.items)
        return Block(
            self.sheet.file,
            self.sheet.name,
            self.match.fixed,
            Axis("unit" if self.units else "", members, (0,) * len(members)),
            Axis(self.match.entry.plan.indicator_dimension, facts, (0,) * len(facts)),
            [[self._count(unit, item) for item in self.items] for unit in members],
            [[self.cells.get((unit, fact), []) for fact in facts] for unit in members],
        )

    def _count(self, unit: str, item: Indicator) -> Score:
        count = len(self.cells.get((unit, item.id), ()))
        if not count and self.match.entry.form.not_applicable != "nowhere":
            members = {"unit": unit, **self.match.fixed}
            if self.scheme.applies(item, members) is False:
                return Absent.NOT_APPLICABLE
        return Decimal(count)

    def _unit(self, row: int) -> str | None:
        """Return the unit of a row, '' where the sheet is of one; None with a finding if not known."""
        if self.units is None:
            return ""
        name, where = self._text(row, "unit"), self._source(row, "unit")
        unit = self.units.match(name)
        other = None if unit else self.scheme.unit_names().match(name)
        if other:
            group = self.scheme.group_of(other).title
            self._add(finding("name-other-group", where, name=other, group=group))
        elif unit is None:
            near = self.units.suggest(name)
            self._add(finding("name-unknown", where, name=name, suggestion=near))
        return unit

    def _fact(self, row: int, what: str) -> str | None:
        """Return the fact that a row names, with its item if stated; None with a finding if unclear."""
        item, where = self._text(row, "item"), self._source(row, "what")
        fact = self.names.match(item + what)
        alike = [it for it in self.items if what and _is_called(it, what)]
        if fact is None and not item and len(alike) > 1:
            items = Bilingual.listed(map(self._title, (it.id for it in alike)), _SHOWN)
            self._add(finding("fault-ambiguous", where, name=what, items=items))
        elif fact is None:
            near = self.names.suggest(item + what) or self.names.suggest(what)
            suggestion = self._title(near) if near else ""
            name = f"{item} {what}".strip()
            self._add(finding("fault-unknown", where, name=name, suggestion=suggestion))
        return fact

    def _title(self, fact: str) -> Bilingual:
        plan = self.match.entry.plan
        return self.scheme.title_of(plan, plan.indicator_dimension, fact)

    def _text(self, row: int, column: str) -> str:
        """Return the text of a cell: units and items may be merged over rows, a date has no time."""
        at = self.columns.get(column, -1)
        for area in self.sheet.merged if column in ("unit", "item") else ():
            if area.left <= at <= area.right and area.top <= row <= area.bottom:
                return self.sheet.text(area.top, area.left)
        value = self._raw(row, column)
        if isinstance(value, datetime) and value.time() == time():
            return value.date().isoformat()
        return super()._text(row, column)

    def _is_nothing(self, text: str) -> bool:
        nothing = super()._is_nothing(text)
        self.said_none = self.said_none or nothing
        return nothing

    def _judge_total(self, row: int, word: str, *, numbered: bool) -> Iterator[Finding]:
        """See ``EntryReader._judge_total``: a total states how many rows there are."""
        yield from super()._judge_total(row, word, numbered=numbered)
        if row not in self.entries:
            counts = [Decimal(sum(map(len, self.cells.values()))), Decimal(len(self.entries))]
            for column in range(self.width):
                yield from self._differs(row, column, word, counts)


def _is_called(fact: Indicator, text: str) -> bool:
    return normalise(text) in map(normalise, [*fact.aliases, *fact.title])
