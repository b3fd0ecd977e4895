"""What each form shows: its texts, its table with formulas and rules of entry, its lines to sign."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Literal, NamedTuple

from rich.cells import cell_len
from xlsxwriter.utility import xl_range, xl_rowcol_to_cell

from wuhu_appraisal.language import _, listed
from wuhu_appraisal.names import NameIndex
from wuhu_appraisal.numbers import exact_text, plain
from wuhu_appraisal.output.form_rules import (
    Rule,
    choice_rule,
    date_rule,
    fact_rule,
    fact_unit,
    join_sentences,
    points_rule,
    quoted,
    score_rule,
)
from wuhu_appraisal.output.parameters import describe_adjustment, describe_deadlines
from wuhu_appraisal.read.applicability import Registers
from wuhu_appraisal.read.forms import FormIndex, FormInPlan, Place, tag_text
from wuhu_appraisal.read.labels import labelled, match_member
from wuhu_appraisal.scheme.final import Adjustment, Bands, Each, Stated
from wuhu_appraisal.scheme.models import Indicator, IndicatorSet, Plan, Scheme, with_id
from wuhu_appraisal.scheme.rules import Convert, Spread
from wuhu_appraisal.year.expected import TemplateSheet

_OPEN_ROWS = 30
"""Empty rows where the scheme does not say who stands in them."""
_DECIMALS = 8
"""Decimals kept by formulas: sums of what was typed stay exact, and binary dust goes."""


class Cell(NamedTuple):
    """A cell: its content, or a formula with the content as the value it has at first."""

    content: str | int | Decimal = ""
    style: Literal["text", "number", "sum", "open", "open-text", "open-date"] = "text"
    formula: str = ""
    rule: Rule | None = None


class Column(NamedTuple):
    """A column's title, its width in characters, what stands in it, and for whom it holds scores."""

    title: str
    width: float
    kind: str = ""
    member: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet of a form, from the top down."""

    name: str
    heading: str
    tag: str
    notes: Sequence[Cell]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    signatures: Sequence[tuple[str, Cell]]
    """Labels below the table, and the cells for the entries."""
    signed_in: int
    """The column of those cells; if it is 0 they hold their labels too."""
    frozen: int
    """How many columns stay in view."""
    merges: Sequence[tuple[int, int, int, int]] = ()
    """Cells of the table shown as one: first row and column, last row and column."""


def header_row(notes: int) -> int:
    """The 0-based row of the column titles, below the heading, the tag and the notes."""
    return notes + 2


def form_page(
    scheme: Scheme, index: FormIndex, sheet: TemplateSheet, registers: Registers | None
) -> Page:
    """What a sheet of a form shows: scores, a register, or the records of adjustments that share it.

    With the registers of its stage and group a form of scores has their bodies and their '/'.
    """
    if sheet.entry is not None and sheet.entry.form.list_ is not None:
        return _list_page(scheme, index, sheet.entry, sheet.places[0], sheet.name)
    if sheet.entry is not None:
        form = _ScoreForm(scheme, index, sheet.entry, sheet.places[0], registers)
        return form.page(sheet.name)
    by_id = {item.id: item for item in scheme.adjustments}
    return _record_page(scheme, [by_id[place.form] for place in sheet.places], sheet.name)


class _ScoreForm:
    """A sheet of scores: who stands in its rows and columns, out of what, and what may be entered.

    A register has marks of what applies in the place of the scores.
    """

    def __init__(
        self,
        scheme: Scheme,
        index: FormIndex,
        entry: FormInPlan,
        place: Place,
        registers: Registers | None,
    ) -> None:
        self.scheme, self.index, self.entry, self.place = scheme, index, entry, place
        self.is_register = entry.is_register
        self.registers = None if self.is_register else registers
        self.plan, self.form = entry.plan, entry.form
        first, second = (*self.form.axes, "")[:2]
        # Indicators run across; a dimension whose members the scheme does not know runs down.
        if second and (self._members(second) is None or self._indicators(first)):
            first, second = second, first
        self.down, self.across = first, second
        self.indicators = {name: self._indicators(name) for name in (first, second)}
        self.items_down = self.indicators[first]
        match, _unknown = index.match(entry, dict(zip(self.form.named, place.members, strict=True)))
        self.fixed = dict(match.fixed) if match else {}
        members = self._members(first)
        if not members and self.registers:
            members = self.registers.bodies(self.fixed, first)
        # Where nothing names the members the office writes their names.
        self.members: Sequence[str | None] = members or [None] * _OPEN_ROWS
        steps = self.plan.steps
        self.grades = [g for step in steps if isinstance(step, Convert) for g in step.convert]
        # Each item is out of marks of its own, so the scores of all of them make a total.
        self.has_facts = any(item.fact for item in scheme.items_in(self.plan))
        marked = self.plan.full_marks is None and not self.has_facts
        self.adds_up = marked and not (self.grades or self.is_register)
        self.spreads = [
            check
            for check in self.plan.checks
            if isinstance(check, Spread) and check.spread in self.fixed and not self.grades
        ]
        self.columns = self._columns()
        kinds = [column.kind for column in self.columns]
        self.at = {kind: kinds.index(kind) for kind in kinds}
        """The first column of each kind."""
        self.scored = (self.at["score"], self.at["score"] + kinds.count("score") - 1)
        self.top = header_row(2 + len(self.spreads)) + 1
        self.bottom = self.top + len(self.members) - 1

    def page(self, name: str) -> Page:
        """All that the sheet shows."""
        place, window = self.place, self.entry.stage.window
        dates = _("To be filled in from {start} to {end}").format(start=window.from_, end=window.to)
        deadlines = describe_deadlines(self.scheme.items_in(self.plan))
        first: date = window.from_
        last: date | None = window.to
        if self.is_register:
            dates = _("To be agreed before {start}").format(start=window.from_)
            first, last = self.scheme.document.issued or date(window.from_.year, 1, 1), None
        members = str(self.scheme.titles_of(self.plan, self.form.named, place.members))
        return Page(
            name=name,
            heading=f"{self.scheme.title}\n{_with_brackets(str(self.form.title), members)}",
            tag=tag_text(self.scheme.id, place),
            notes=[
                Cell(self._instruction()),
                Cell("\n".join(filter(None, (_with_brackets(dates, window.clause), deadlines)))),
                *map(self._spread, self.spreads),
            ],
            columns=self.columns,
            rows=self._rows(),
            signatures=_signatures(self.scheme, first, last),
            signed_in=int("number" in self.at),
            frozen=self.at["name"] + 1,
            merges=list(self._merges()),
        )

    def _members(self, dimension: str) -> Sequence[str] | None:
        """The members of a dimension; None where the scheme does not know them."""
        if dimension == "unit":
            return self.scheme.units_of(self.entry.stage, self.entry.group)
        if dimension == self.plan.indicator_dimension:
            return [item.id for item in self.scheme.items_of(self.plan, self.form)]
        return self.scheme.members(self.plan.dimensions[dimension])

    def _indicators(self, dimension: str) -> IndicatorSet | None:
        declared = self.plan.dimensions.get(dimension)
        if declared is None or not declared.indicators:
            return None
        return self.scheme.indicator_set(declared.indicators)

    def _item(self, dimension: str, member: str | None) -> Indicator | None:
        indicators = self.indicators[dimension]
        return indicators.nodes[member] if indicators and member else None

    def _category(self, member: str | None) -> str:
        """The title of the part that an item in the rows belongs to, '' where it stands at the top."""
        if self.items_down is None or member is None:
            return ""
        top = self.items_down.paths[member][0]
        return "" if top == member else f"{top} {self.items_down.nodes[top].title}"

    def _marks(self, item: Indicator | None) -> Decimal | None:
        return self.plan.marks_of(item)

    def _called(self, dimension: str, member: str, *, marks: bool = False) -> str:
        """What a member is called where reading knows it again; with its marks if that is known too."""
        item = self._item(dimension, member)
        title = str(self.scheme.title_of(self.plan, dimension, member))
        names = self.index.names(self.entry, dimension)
        ways = [title]
        if item is not None:
            ways += [str(item.title), f"{item.id} {item.title.zh}", item.title.zh, item.id]
        if marks and (full := self._marks(item)) is not None:
            ways = [f"{way}({plain(full)}分)" for way in ways] + ways
        return next((way for way in ways if names and match_member(names, way) == member), title)

    def _columns(self) -> list[Column]:
        """The columns; one whose title reading would not know is left out."""
        labels = self.scheme.reading.labels
        names = [self._called(self.down, member) for member in self.members if member is not None]
        width: float = min(max(max(map(cell_len, names)) + 4, 20), 46) if names else 26
        number = Column(_known(["序号"], labels.ignored), 10, "number")
        name = Column(_first(labels.indicator if self.items_down else labels.unit), width, "name")
        items = [self._item(self.down, member) for member in self.members]
        is_open = any(self._marks(item) is None for item in items)
        marks = Column("" if self.grades or is_open else _first(labels.marks), 8, "marks")
        score = Column(_first(labels.applies if self.is_register else labels.score), 10, "score")
        if self.across:
            members = self._members(self.across) or ()
            width = min(max(150 / len(members), 7.5), 16)
            columns = [number, name]
            for member in members:
                title = self._called(self.across, member, marks=self.adds_up)
                columns.append(Column(title, width, "score", member))
            if self.adds_up and self.indicators[self.across]:
                columns.append(Column(_first(labels.total), 9, "total"))
        elif self.items_down:
            expected = Column(_known(["说明", "备注"], labels.ignored), 16, "expected")
            columns = [number, name, expected if self.has_facts else marks, score]
            if any(map(self._category, self.members)):
                title = _known(["一级指标", "类别"], labels.ignored)
                columns.insert(1, Column(title, 19, "category"))
            if not (self.grades or self.is_register or is_open or self.has_facts):
                columns.append(Column(_first(labels.deduction), 8, "deduction"))
                columns.append(Column(_first(labels.reason), 26, "reason"))
        else:
            remark = Column(_known(["备注"], labels.ignored), 28, "remark")
            columns = [number, name, marks, score, remark]
        return [column for column in columns if column.title]

    def _of(self, row: str | None, column: str) -> Mapping[str, str]:
        """The members that a cell is of."""
        return {**self.fixed, self.down: row or "", self.across: column}

    def _applies(self, row: str | None, column: str) -> bool | None:
        """Whether an item applies, by the registers, else as far as the scheme's lists settle it.

        None where that is open, also for a body that has no name yet.
        """
        item = self._item(self.down, row) or self._item(self.across, column)
        if item is None or row is None:
            return None
        members = self._of(row, column)
        if self.is_register:
            applies = self.scheme.applies(item, members)
            return None if applies and self.form.not_applicable == "anywhere" else applies
        registered = self.registers.applies(members, item.id) if self.registers else None
        if registered is not None or self.form.not_applicable == "nowhere":
            return registered
        return False if self.scheme.applies(item, members) is False else None

    def _rule(self, row: str | None, column: str) -> Rule:
        """What may be entered for a member in the rows and one in the columns."""
        item = self._item(self.down, row) or self._item(self.across, column)
        reading = self.scheme.reading
        if self.is_register and item is not None:
            yes, no = reading.applicable[0], _first(reading.not_applicable)
            text = _("Enter {yes} if the item applies, {no} if it does not.")
            return choice_rule(with_id(item.id, item.title), text.format(yes=yes, no=no), [yes, no])
        tokens = () if self._applies(row, column) else self._tokens(item, self._of(row, column))
        if item is not None:
            title = with_id(item.id, item.title)
        else:
            title = self._called(self.across, column) if column else _first(reading.labels.score)
        if item is not None and item.fact is not None and item.fact.score is None:
            return fact_rule(title, item.fact, tokens)
        return score_rule(title, self._marks(item), reading.decimals, tokens, self.grades)

    def _tokens(self, item: Indicator | None, members: Mapping[str, str]) -> Sequence[str]:
        """The marks for 'not applicable' that may stand for a score."""
        allowed = self.form.not_applicable
        refused = any(step.not_applicable == "error" for step in self.plan.roll_ups[:1])
        if allowed == "nowhere" or refused:
            return ()
        if allowed == "listed" and (item is None or self.scheme.applies(item, members)):
            return ()
        return self.scheme.reading.not_applicable

    def _instruction(self) -> str:
        """What to do, as far as this sheet needs it."""
        items = [self._item(self.down, member) for member in self.members]
        items += [self._item(self.across, column.member) for column in self.columns]
        sentences: list[str] = []
        if None in self.members:
            sentences.append(_("Write one name to a row; rows that are not needed stay empty."))
        if self.is_register:
            yes, no = self.scheme.reading.applicable[0], _first(self.scheme.reading.not_applicable)
            text = _(
                "Mark every item that applies with {yes}, every other with {no}; leave no blank."
            )
            return _instruction(*sentences, text.format(yes=yes, no=no))
        sentences.append(_("Leave no score out: a blank is not a zero."))
        scored = [column.member for column in self.columns if column.kind == "score"]
        if any(self._applies(row, at) is False for row in self.members for at in scored):
            sentences.append(_("What does not apply is filled in and locked."))
        if not self.registers and any(self._tokens(item, {"unit": ""}) for item in items):
            mark = _first(self.scheme.reading.not_applicable)
            text = _("An item that does not apply is marked {mark}.")
            if self.form.not_applicable == "listed":
                text = _(
                    "Where {mark} may stand for 'does not apply', the cell says so once it is chosen."
                )
            sentences.append(text.format(mark=mark))
        if self.items_down and not (self.grades or self.has_facts):
            sentences.append(_("Give the reason for every deduction."))
        return _instruction(*sentences)

    def _open(self, row: str | None, column: str) -> Cell:
        """A cell to fill in."""
        item = self._item(self.down, row) or self._item(self.across, column)
        rule = self._rule(row, column)
        if item is not None and item.fact is not None and item.fact.due and not self.is_register:
            return Cell(style="open-date", rule=rule)
        return Cell(style="open", rule=rule)

    def _expected(self, item: Indicator | None) -> str:
        """What an item's cell is stated in."""
        unit = fact_unit(item.fact) if item and item.fact else ""
        marks = item.marks if item and not unit else None
        return unit if marks is None else _("out of {marks}").format(marks=plain(marks))

    def _cell(self, column: Column, row: int, member: str | None) -> Cell:
        match column.kind:
            case "number":
                return Cell(row - self.top + 1, "number")
            case "name" if member is not None:
                return Cell(self._called(self.down, member))
            case "category":
                return Cell(self._category(member))
            case "marks":
                return Cell(self._marks(self._item(self.down, member)) or "", "number")
            case "score":
                applies = self._applies(member, column.member)
                if applies is False:
                    return Cell(_first(self.scheme.reading.not_applicable), "number")
                if applies and self.is_register:
                    return Cell(self.scheme.reading.applicable[0], "number")
                return self._open(member, column.member)
            case "expected":
                return Cell(self._expected(self._item(self.down, member)), "number")
            case "deduction":
                full = xl_rowcol_to_cell(row, self.at["marks"])
                score = xl_rowcol_to_cell(row, self.at["score"])
                rest = f"ROUND({full}-{score},{_DECIMALS})"
                return Cell("", "number", f'IF(ISNUMBER({score}),{rest},"")')
            case "total":
                return _sum(xl_range(row, self.scored[0], row, self.scored[1]))
            case _:
                return Cell(style="open-text")

    def _rows(self) -> list[list[Cell]]:
        """The row of each member, and one of totals where the items in the rows add up."""
        rows = [
            [self._cell(column, row, member) for column in self.columns]
            for row, member in enumerate(self.members, self.top)
        ]
        if not (self.adds_up and self.items_down):
            return rows
        cells = [Cell(style="sum") for _column in self.columns]
        cells[0] = Cell(_first(self.scheme.reading.labels.total), "sum")
        items = [self._item(self.down, member) for member in self.members]
        for kind in self.at.keys() & {"marks", "score", "deduction"}:
            at = self.at[kind]
            whole = sum((self._marks(item) or Decimal(0) for item in items), Decimal(0))
            total = whole if kind == "marks" else ""
            cells[at] = _sum(xl_range(self.top, at, self.bottom, at), total)
        return [*rows, cells]

    def _merges(self) -> Iterator[tuple[int, int, int, int]]:
        """The cells of one category, and those of the total's label."""
        row, name, category = 0, self.at["name"], self.at.get("category")
        for _title, members in groupby(self.members, self._category):
            count = len(list(members))
            if category is not None and count > 1:
                yield row, category, row + count - 1, category
            row += count
        if self.adds_up and self.items_down and name:
            yield row, 0, row, name

    def _spread(self, check: Spread) -> Cell:
        """A line that says whether the highest and the lowest score are as far apart as required."""
        scores = xl_range(self.top, self.scored[0], self.bottom, self.scored[1])
        share = Fraction(check.at_least_percent) / 100
        if check.of == "highest":
            least = f"MAX({scores})*{exact_text(share)}"
            percent = f"{plain(check.at_least_percent)}%"
            needed = _("{share} of the highest score").format(share=percent)
        else:
            least = exact_text(share * Fraction(self.plan.full_marks or 0))
            needed = _("{points} points").format(points=least)
        distance = f"MAX({scores})-MIN({scores})"
        waiting = _(
            "Highest minus lowest score: shown here from the second score on; "
            "at least {needed} are asked for ({clause})"
        ).format(needed=needed, clause=check.clause)
        reached, short = (
            quoted(text.format(found="{found}", needed=needed, clause=check.clause)).replace(
                "{found}", f'"&ROUND({distance},{_DECIMALS})&"'
            )
            for text in (
                _("Highest minus lowest score: {found}; {needed} are reached ({clause})"),
                _("Highest minus lowest score: {found}; {needed} are not reached ({clause})"),
            )
        )
        answer = f"IF(ROUND({distance}-{least},{_DECIMALS})>=0,{reached},{short})"
        return Cell(waiting, "sum", f"IF(COUNT({scores})<2,{quoted(waiting)},{answer})")


def _list_page(
    scheme: Scheme, index: FormIndex, entry: FormInPlan, place: Place, name: str
) -> Page:
    """The page of a list: one fault a row, with the unit and the fault to choose from."""
    form, plan, labels = entry.form, entry.plan, scheme.reading.labels
    listed, names = form.list_, index.names(entry, plan.indicator_dimension)
    tree, facts = scheme.indicators_in(plan), scheme.items_of(plan, form)
    assert listed is not None and names is not None and tree is not None
    units = scheme.units_of(entry.stage, entry.group)
    choices = {_first(labels.unit): units} if "unit" in form.axes else {}
    choices[listed.what[0]] = _fault_words(scheme, plan, facts, names)
    if listed.item:
        items = dict.fromkeys(str(tree.item_of(fact.id).title) for fact in facts)
        choices[listed.item[0]] = list(items)
    text, cell = _("Enter a name as the scheme has it."), Cell(style="open-text")
    number = Column(_known(["序号"], labels.ignored), 10, "number")
    columns = [
        *(Column(title, 26) for title in choices),
        *(Column(it, 30) for it in listed.grounds),
    ]
    cells = [cell._replace(rule=choice_rule(it, text, words)) for it, words in choices.items()]
    cells += [cell for _label in listed.grounds]
    marks, window = tuple(scheme.reading.not_applicable), entry.stage.window
    nothing = _known(["无"], marks) or _first(marks)
    none = _("Where there is none, write {mark} in the first row.").format(mark=nothing)
    rows = _("One fault to a row; the rows are counted.")
    dates = _("To be filled in from {start} to {end}").format(start=window.from_, end=window.to)
    members = str(scheme.titles_of(plan, form.named, place.members))
    return Page(
        name=name,
        heading=f"{scheme.title}\n{_with_brackets(str(form.title), members)}",
        tag=tag_text(scheme.id, place),
        notes=[
            Cell(_instruction(rows, none if nothing else "")),
            Cell(_with_brackets(dates, window.clause)),
        ],
        columns=[number, *columns] if number.title else columns,
        rows=[
            [Cell(row, "number"), *cells] if number.title else cells
            for row in range(1, _OPEN_ROWS + 1)
        ],
        signatures=_signatures(scheme, window.from_, window.to),
        # A name below the units, or the faults, would be read as one.
        signed_in=2,
        frozen=2,
    )


def _fault_words(
    scheme: Scheme, plan: Plan, facts: Sequence[Indicator], names: NameIndex
) -> list[str]:
    """What each fact is called in a list: by its title alone where that tells it from the others."""
    words = []
    for fact in facts:
        whole = str(scheme.title_of(plan, plan.indicator_dimension, fact.id))
        ways = [str(fact.title), fact.title.zh, *fact.aliases, whole]
        words.append(next((way for way in ways if names.match(way) == fact.id), whole))
    return words


def _record_page(scheme: Scheme, adjustments: Sequence[Adjustment], name: str) -> Page:
    """The page of adjustments' records: one row a record, and what each unit may get."""
    chief = adjustments[0]
    columns = _record_columns(scheme, chief)
    titles = {column.kind: column.title for column in columns}
    opens = min(stage.window.from_ for stage in scheme.stages)
    needed = listed(titles[kind] for kind in chief.requires if titles[kind])
    instruction = _instruction(
        _("One record to a row; if nobody has any, send the form as it is."),
        _("Each record must have: {columns}.").format(columns=needed) if needed else "",
    )
    groups = dict.fromkeys(group for item in adjustments for group in item.groups)
    units = [unit.name for group in groups for unit in scheme.group(group).units]
    text = _("Enter the unit's name as the scheme has it.")
    cells = {kind: Cell(style="open-text") for kind in titles}
    cells["unit"] = Cell(style="open-text", rule=choice_rule(titles["unit"], text, units))
    for kind in titles.keys() & {"value", "points"}:
        cells[kind] = Cell(style="open", rule=points_rule(titles[kind], adjustments))
    numbers = [number if titles["number"] else "" for number in range(1, _OPEN_ROWS + 1)]
    return Page(
        name=name,
        heading=f"{scheme.title}\n{chief.title}",
        tag=tag_text(scheme.id, Place.of(chief)),
        notes=[Cell(instruction), *(Cell(_allowed(scheme, item)) for item in adjustments)],
        columns=columns,
        rows=[[*(cells | {"number": Cell(number, "number")}).values()] for number in numbers],
        signatures=_signatures(scheme, opens, None),
        # A name below the units would be read as one.
        signed_in=2,
        frozen=2,
    )


def _record_columns(scheme: Scheme, chief: Adjustment) -> list[Column]:
    form = chief.form
    columns = [
        Column(_known(["序号"], scheme.reading.labels.ignored), 10, "number"),
        Column(_first(form.unit), 26, "unit"),
    ]
    if isinstance(chief.points, Bands | Each):
        columns.append(Column(_first(form.value), 14, "value"))
    elif isinstance(chief.points, Stated):
        word = "加分" if chief.kind == "bonus" else "扣分"
        columns.append(Column(_known([word], form.points) or _first(form.points), 14, "points"))
    for kind, labels in (("reason", form.reason), ("evidence", form.evidence)):
        if kind in (chief.requires or ["reason"]):
            columns.append(Column(_first(labels), 36, kind))
    return columns


def _allowed(scheme: Scheme, adjustment: Adjustment) -> str:
    """What an adjustment gives to whom: 'Counties: bonus, at most 5 points a record (clause)'."""
    groups = listed(scheme.group(group).title for group in adjustment.groups)
    allowed = _("{who}: {what}").format(who=groups, what=listed(describe_adjustment(adjustment)))
    return _with_brackets(allowed, adjustment.clause)


def _signatures(scheme: Scheme, start: date, end: date | None) -> list[tuple[str, Cell]]:
    """Who filled the sheet in, who checked it, and when, under labels that reading passes over."""
    labels = scheme.reading.labels
    signed = [_known([word], labels.foot) for word in ("填表人", "审核人")]
    lines = [(f"{label}：", Cell(style="open-text")) for label in signed if label]
    dated = _known(labels.date, labels.foot)
    if dated:
        rule = date_rule(dated, start, end)
        lines.append((f"{dated}：", Cell(style="open-date", rule=rule)))
    return lines


def _instruction(*sentences: str) -> str:
    """What to do: how to fill in the form, what the sentences say, and how to send it back."""
    return join_sentences(
        _("Fill in the shaded cells only; all others are locked."),
        *sentences,
        _("Keep the names of the file and the sheet, and the form number, as they are."),
    )


def _sum(cells: str, value: str | Decimal = "") -> Cell:
    return Cell(value, "sum", f'IF(COUNT({cells})=0,"",ROUND(SUM({cells}),{_DECIMALS}))')


def _with_brackets(text: str, inner: str) -> str:
    """A text with another in brackets behind it, if there is one."""
    return _("{text} ({inner})").format(text=text, inner=inner) if inner else text


def _first(labels: Sequence[str]) -> str:
    """The label that a form uses of those that reading knows, '' if there is none."""
    return next(iter(labels), "")


def _known(words: Sequence[str], labels: tuple[str, ...]) -> str:
    """The first of some words that is among the labels, '' if none is."""
    return next((word for word in words if labelled(word, labels)), "")
