"""What one unit gets back about itself (结果运用): its scores against its group, and what they lack.

``report.discretion`` says what a unit may be told; here it is put into tables.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import _, listed
from wuhu_appraisal.model import FINAL, Absent, Score, StepRow
from wuhu_appraisal.numbers import Number, decimals, round_half_up
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.redact import Part, Told
from wuhu_appraisal.output.statistics import next_place, stage_points, summary
from wuhu_appraisal.output.tables import Column, Content, Table, show
from wuhu_appraisal.result import Result
from wuhu_appraisal.score.contributions import Contribution, by_member

_SHOWN = 5
_FULL = 100
_BLANK = ""
_ZERO = Fraction(0)


def sheets(result: Result, unit: str) -> list[Table]:
    """The tables of one unit in their order, without those that have nothing to tell.

    Raises KeyError if the unit is not in the result.
    """
    told = Told.of(result, unit)
    found = (
        _scores(told),
        _losses(told),
        _categories(told),
        _adjustments(told),
        _next_place(told),
        _assumptions(told),
    )
    return [sheet for sheet in found if sheet is not None]


def banner(result: Result, unit: str) -> list[str]:
    """What must stand over what a unit gets of a provisional result; nothing over a final one.

    Raises KeyError if the unit is not in the result.
    """
    told = Told.of(result, unit)
    if not result.provisional:
        return []
    count = _("Findings that stand in the way of a final result: {count}")
    own = [item.message for item in result.missing if told.concerns(item)]
    return [view.banner(result)[0], count.format(count=len(result.missing)), *own[:_SHOWN]]


def heading(result: Result, unit: str) -> str:
    """What all that a unit gets is called."""
    return _("{scheme}: feedback to {unit}").format(scheme=result.scheme.title, unit=unit)


def _scores(told: Told) -> Table:
    """The unit's stages against its group, and what they come to."""
    scheme, standing = told.result.scheme, told.standing
    digits = scheme.composite.digits
    rows: list[Sequence[Content]] = [_stage(told, part) for part in told.parts.values()]
    hidden = _("withheld") if told.whole_hidden else None
    rank = _("no rank yet")
    if standing.rank is not None:
        count = len(scheme.group(told.group).units)
        rank = _("{rank} of {count}").format(rank=standing.rank, count=count)
    for name, content in (
        (_("Composite"), hidden or standing.composite),
        (_("Adjustments"), standing.points),
        (_("Final"), hidden or standing.final),
        (_("Rank"), rank),
    ):
        rows.append((name, _BLANK, content, *[_BLANK] * 4))
    columns = (
        Column(_("Stage")),
        Column(_("Weight"), "number", _digits(stage.weight for stage in scheme.stages)),
        Column(_("Own score"), "number", digits),
        Column(_("Group's mean"), "number", digits),
        Column(_("Group's median"), "number", digits),
        Column(_("Group's best"), "number", digits),
        Column(_("Adds to the composite"), "number", digits),
    )
    return _sheet(told, _("Scores"), columns, rows, list(_score_notes(told, rows)))


def _stage(told: Told, part: Part) -> Sequence[Content]:
    stage = part.stage.id
    digits = told.result.scheme.composite.digits
    own, added = told.standing.stages[stage], None
    value = part.trace.value(told.unit)
    if stage in told.shares:
        added = round_half_up(told.shares[stage] * _number(value), digits)
    scores = (told.members[unit].standing.stages[stage] for unit in told.open_to(stage))
    group = summary([score for score in scores if score is not None])
    numbers: list[Content] = [_rounded(it, digits) for it in (group.mean, group.median, group.best)]
    shown: list[Content] = [own, *numbers, added]
    if stage in told.hidden:
        shown[0] = shown[-1] = _("withheld")
    if stage in told.company:
        # Any of the group's numbers may be the unit's own.
        shown = [_("withheld")] * len(shown)
    return (str(part.stage.title), part.stage.weight, *shown)


def _score_notes(told: Told, rows: Sequence[Sequence[Content]]) -> Iterator[str]:
    rule = told.result.scheme.confidentiality
    cited = f" [{rule.clause}]" if rule.clause else ""
    titles = {stage: str(part.stage.title) for stage, part in told.parts.items()}
    few = [titles[stage] for stage in told.few]
    if few:
        yield (
            _("Withheld, because fewer than {count} raters gave it: {stages}.").format(
                count=rule.fewest_raters, stages=listed(few)
            )
            + cited
        )
    company = [title for stage, title in titles.items() if stage in told.company]
    if company:
        yield _("Withheld as well, so that nothing can be worked out from it: {stages}.").format(
            stages=listed(company)
        )
    if told.whole_hidden:
        yield _("The composite and the final are withheld as well, for the same reason.")
    if any(None in row[3:6] for row in rows[: len(told.parts)]):
        yield _("'—' for the group: too few units have a score of which it may be told.")
    yield _("The numbers shown are rounded; nothing is rounded on the way to the final.")


def _losses(told: Told) -> Table | None:
    """Where the unit lost marks, the largest loss first."""
    found = [line for part in told.open for line in _lost_in(told, part)]
    found.sort(key=lambda line: line[0], reverse=True)
    if not found:
        return None
    digits = told.result.scheme.final.digits
    rows = [cells for _lost, cells in found]
    columns = [
        Column(_("Stage")),
        Column(_("Item")),
        Column(_("Points lost"), "number", digits),
        Column(_("Out of"), "number", digits),
        Column(_("Of these lost at")),
        Column(_("Reasons")),
    ]
    for place in (5, 4):
        if not any(row[place] for row in rows):
            del columns[place]
            rows = [(*row[:place], *row[place + 1 :]) for row in rows]
    notes = [_("In points of the final: each stage's marks times its share of the composite.")]
    if files := _files(told):
        notes.append(_("From: {files}").format(files=listed(files)))
    return _sheet(told, _("Marks lost"), columns, rows, notes)


def _lost_in(told: Told, part: Part) -> Iterator[tuple[Fraction, Sequence[Content]]]:
    """Each member by which a stage is told, with what was lost there."""
    digits = told.result.scheme.final.digits
    share = told.shares[part.stage.id]
    remarks: dict[Source, list[str]] = {}
    for remark in told.result.remarks:
        remarks.setdefault(remark.source, []).append(remark.text)
    for member, scores in _gathered(part, part.scores(told.unit)).items():
        lost = share * sum((score.full - score.points for score in scores), _ZERO)
        if not lost:
            continue
        name = _("the whole stage")
        if part.telling is not None:
            name = str(told.result.scheme.title_of(part.plan, part.telling, member))
        yield (
            lost,
            (
                str(part.stage.title),
                name,
                round_half_up(lost, digits),
                round_half_up(share * sum((score.full for score in scores), _ZERO), digits),
                _spread(told, part, share, scores),
                _reasons(told, part, scores, remarks),
            ),
        )


def _gathered(part: Part, scores: Iterable[Contribution]) -> dict[str, list[Contribution]]:
    """Scores by the member that tells where they come from; under '' where none does."""
    found: dict[str, list[Contribution]] = {}
    place = None if part.telling is None else part.place(part.telling)
    for score in scores:
        found.setdefault("" if place is None else score.key[place], []).append(score)
    return found


def _spread(told: Told, part: Part, share: Fraction, scores: Sequence[Contribution]) -> str:
    """How a loss is spread over the members of the stage's other dimensions, where they are few."""
    column = Column("", "number", told.result.scheme.final.digits)
    texts = []
    for name, dimension in part.plan.dimensions.items():
        if name == part.telling or dimension.members is None or part.rated:
            continue
        for found in by_member(scores, part.place(name)):
            lost = share * (found.full - found.points)
            if lost:
                title = told.result.scheme.title_of(part.plan, name, found.member)
                texts.append(f"{title} {show(round_half_up(lost, column.digits), column)}")
    return listed(texts)


def _reasons(
    told: Told,
    part: Part,
    scores: Sequence[Contribution],
    remarks: dict[Source, list[str]],
) -> str:
    """What was written beside the scores that lost marks, with the unit's bodies that it is of."""
    bodies = [part.place(name) for name, found in part.plan.dimensions.items() if found.open]
    texts: dict[str, dict[str, None]] = {}
    for score in scores:
        if score.points == score.full:
            continue
        of = [score.key[place] for place in bodies if score.key[place] != told.unit]
        for source in part.trace.scores.sources(score.key):
            for text in remarks.get(source, ()):
                text = _("A remark on a ballot is withheld.") if part.rated else told.text(text)
                texts.setdefault(text, {}).update(dict.fromkeys(map(told.text, of)))
    return "\n".join(
        _("{text} ({of})").format(text=text, of=listed(of)) if of else text
        for text, of in texts.items()
    )


def _files(told: Told) -> list[str]:
    """The files that the stages told by item were read from, as far as they may be named."""
    places = {
        Source(block.file): None
        for part in told.open
        if not part.rated
        for block in part.blocks(told.unit)
    }
    return [text for place in places if (text := told.source(place))]


def _categories(told: Told) -> Table | None:
    """How much of its full marks each category earned, against the group."""
    digits = told.result.scheme.composite.digits
    rows: list[Sequence[Content]] = []
    for part in told.open:
        if not (own := _rates(part, told.unit)):
            continue
        group = [_rates(part, unit) for unit in told.open_to(part.stage.id)]
        for category, rate in own.items():
            mean = summary([found[category] for found in group if category in found]).mean
            rates = (_rounded(rate, digits), _rounded(mean, digits))
            rows.append((str(part.stage.title), _category(part, category), *rates))
    if not rows:
        return None
    columns = (
        Column(_("Stage")),
        Column(_("Category")),
        Column(_("Own rate (%)"), "number", digits),
        Column(_("Group's mean (%)"), "number", digits),
    )
    notes = [_("Points earned, in per cent of the full marks of the items that count.")]
    return _sheet(told, _("Categories"), columns, rows, notes)


def _rates(part: Part, unit: str) -> dict[str, Fraction]:
    """Each category's points in per cent of its full marks, in the order of the tree."""
    name = part.telling
    tree = part.scheme.indicators_in(part.plan)
    if name is None or tree is None:
        return {}
    place = part.place(name)
    scores = part.scores(unit)
    top = [replace(score, key=(tree.paths[score.key[place]][0],)) for score in scores]
    found = {item.member: item.points / item.full * 100 for item in by_member(top, 0)}
    return {node.id: found[node.id] for node in tree.items if node.id in found}


def _category(part: Part, category: str) -> str:
    return str(part.scheme.title_of(part.plan, part.telling or "", category))


def _adjustments(told: Told) -> Table:
    """The unit's bonuses and deductions with their grounds."""
    rules = {item.id: item for item in told.result.scheme.adjustments}
    records = told.standing.adjustments
    rows = [
        (
            str(rules[record.id].title),
            record.points,
            told.text(record.reason),
            told.text(record.evidence),
            rules[record.id].clause,
            told.source(record.source),
        )
        for record in records
    ]
    digits = max(told.result.scheme.final.digits, _digits(record.points for record in records))
    columns = (
        Column(_("Adjustment")),
        Column(_("Points"), "number", digits),
        Column(_("Reason")),
        Column(_("Evidence")),
        Column(_("Clause")),
        Column(_("Source")),
    )
    notes = []
    if not records:
        notes.append(_("No bonus or deduction is on record."))
    elif sum(record.points for record in records) != told.standing.points:
        points = show(told.standing.points, columns[1])
        notes.append(_("Within the scheme's bounds they come to {points}.").format(points=points))
    return _sheet(told, _("Adjustments"), columns, rows, notes)


def _next_place(told: Told) -> Table | None:
    """What was missing to the next better rank, also as points of each stage."""
    scheme = told.result.scheme
    found = next_place(scheme, told.result.standings[told.group], told.unit)
    # What is missing to a final that is withheld would tell it.
    veiled = any(other.whole_hidden for other in told.members.values())
    if found is None or veiled:
        return None
    column = Column("", "number", scheme.final.digits)
    points = Fraction(found.points) + _held(told.traces.final.rows[(told.unit,)])
    digits = scheme.composite.digits
    rows = []
    for stage, share in told.shares.items():
        part = told.parts[stage]
        needed = stage_points(points, share, digits)
        score = _ZERO if stage in told.hidden else _number(part.trace.value(told.unit))
        reached = needed if score + Fraction(needed) <= _FULL else None
        rows.append((str(part.stage.title), part.stage.weight, reached))
    columns = (
        Column(_("Stage")),
        Column(_("Weight"), "number", _digits(stage.weight for stage in scheme.stages)),
        Column(_("More points needed"), "number", digits),
    )
    notes = [
        _(
            "With a final of {final}, {points} more than its own, the unit would have had"
            " rank {rank}. What is listed for one stage alone would have sufficed."
        ).format(
            final=show(found.final, column), points=show(found.points, column), rank=found.rank
        )
    ]
    if any(row[2] is None for row in rows):
        notes.append(_("'—': more than the stage's full marks leave."))
    return _sheet(told, _("One place up"), columns, rows, notes)


def _held(row: StepRow) -> Fraction:
    """What the floor of finals added: points that have to be made up before the final moves."""
    parts = dict(zip(row.members, row.values, strict=True))
    return max(_number(parts.get(FINAL, Absent.MISSING)), _ZERO)


def _assumptions(told: Told) -> Table | None:
    found = view.assumptions(told.result.scheme)
    if not found.rows:
        return None
    # Where a choice is set is no matter outside the office.
    rows = [row[:3] for row in found.rows]
    return _sheet(told, found.name, found.columns[:3], rows, [found.title])


def _sheet(
    told: Told,
    name: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Content]],
    notes: Sequence[str],
) -> Table:
    return Table(
        name,
        f"{told.result.scheme.title} · {told.unit} · {name}",
        tuple(columns),
        rows,
        tuple(notes),
    )


def _number(value: Score) -> Fraction:
    return _ZERO if isinstance(value, Absent | str) else Fraction(value)


def _rounded(value: Number | None, digits: int) -> Decimal | None:
    return None if value is None else round_half_up(value, digits)


def _digits(numbers: Iterable[Decimal]) -> int:
    return max(map(decimals, numbers), default=0)
