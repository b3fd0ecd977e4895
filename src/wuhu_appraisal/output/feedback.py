"""What one unit gets back about itself (结果运用): its scores, its rank, and what they lack.

``unit_view`` says what may be seen; here it is put into tables. Of its group a unit is shown the
mean alone; the median, the best score and what the next rank had are other units' exact scores, and
are only shown where the scheme lists them. All numbers are exact until they are shown, and nothing
here takes part in a score.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from statistics import mean, median
from typing import NamedTuple, TypeAlias

from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import _, listed
from wuhu_appraisal.model import FINAL, HELD, Absent, Score, Standing
from wuhu_appraisal.numbers import Number, round_half_up
from wuhu_appraisal.output import tables
from wuhu_appraisal.output.redact import StageView, UnitView, unit_view
from wuhu_appraisal.output.tables import (
    Column,
    Content,
    Table,
    most_decimals,
    numbers,
    published_text,
    texts,
)
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import GroupNumber
from wuhu_appraisal.scheme.models import Part, Scheme, Stage
from wuhu_appraisal.score.contributions import Contribution, by_member
from wuhu_appraisal.score.ranking import ranked

FEWEST_FOR_GROUP = 5
"""How many units of a group must have a number for one of all of them to be shown.

A mean and the own number give the sum of the others: of two units, the other's number.
"""

_MOST_FINDINGS = 5
_ZERO = Fraction(0)


def unit_tables(result: Result, unit: str) -> list[Table]:
    """Return the tables of one unit in their order, without those that would be empty.

    Raise KeyError if the unit is not in the result.
    """
    view = unit_view(result, unit)
    made = (
        _scores(view),
        _losses(view),
        _categories(view),
        _adjustments(view),
        _next_rank(view),
        _assumptions(view),
    )
    return [table for table in made if table is not None]


def unit_banner(result: Result, unit: str) -> list[str]:
    """Return the lines above what a unit gets of a provisional result; none for a final one.

    Raise KeyError if the unit is not in the result.
    """
    view = unit_view(result, unit)
    if not result.provisional:
        return []
    count = _("Findings that prevent a final result: {count}")
    own = [item.message for item in result.missing if view.concerns(item)]
    lines = [tables.banner(result)[0], count.format(count=len(result.missing))]
    return lines + own[:_MOST_FINDINGS]


def _table(
    view: UnitView,
    name: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Content]],
    notes: Sequence[str],
) -> Table:
    title = f"{view.result.scheme.title} · {view.unit} · {name}"
    return Table(name, title, tuple(columns), rows, tuple(notes))


def _scores(view: UnitView) -> Table:
    """Return the unit's stages against its group, and the composite and final that they lead to."""
    scheme, standing = view.result.scheme, view.standing
    digits = scheme.composite.digits
    summaries = _summaries(scheme)
    parts = scheme.parts([view.group])
    rows = [_stage_row(view, stage, summaries) for stage in view.stages.values()]
    some_missing = any(None in row[3:-1] for row in rows)
    withheld = _("withheld") if view.final_withheld else None
    rank = _("no rank yet")
    if standing.rank is not None:
        count = len(scheme.group(view.group).units)
        rank = _("{rank} of {count}").format(rank=standing.rank, count=count)
    named: dict[str, tuple[str, Content]] = {
        Part.COMPOSITE: (_("Composite"), withheld or standing.composite),
        Part.ADJUSTMENTS: (_("Adjustments"), standing.points),
        Part.FINAL: (_("Final"), withheld or standing.final),
    }
    later = [part for part in parts if part in named]
    if scheme.is_one_stage:
        # The stage's row is that of the number which the stage is.
        rows = [(named[later[0]][0], *row[1:]) for row in rows]
        later = later[1:]
    for name, content in (*(named[part] for part in later), (_("Rank"), rank)):
        rows.append((name, "", content, *[""] * len(summaries), ""))
    if scheme.classes:
        own = tables.class_title(scheme, standing)
        rows.append((_("Class"), "", own, *[""] * len(summaries), ""))
    columns = [
        *_stage_and_weight(view),
        *numbers(digits, _("Own score"), *summaries, _("Adds to the composite")),
    ]
    if scheme.is_one_stage:
        rows = [(row[0], *row[2:-1]) for row in rows]
        columns = [Column(""), *columns[2:-1]]
    notes = list(_withheld_notes(view))
    if some_missing:
        text = _("'—' for the group: fewer than {count} units have a score.")
        notes.append(text.format(count=FEWEST_FOR_GROUP))
    notes.append(_("The numbers shown are rounded; nothing is rounded on the way to the final."))
    return _table(view, _("Scores"), columns, rows, notes)


Summaries: TypeAlias = Mapping[str, Callable[[Sequence[Fraction]], Fraction]]


def _summaries(scheme: Scheme) -> Summaries:
    """Return the functions that make what a unit may see of its group's scores, by their titles."""
    shown = scheme.confidentiality.audiences.unit
    return {
        _("Group's mean"): mean,
        **({_("Group's median"): median} if GroupNumber.MEDIAN in shown else {}),
        **({_("Group's best"): max} if GroupNumber.BEST in shown else {}),
    }


def _stage_row(view: UnitView, scored: StageView, summaries: Summaries) -> Sequence[Content]:
    stage, digits = scored.stage.id, view.result.scheme.composite.digits
    own: Content = view.standing.stages[stage]
    added: Content = None
    if stage in view.shares:
        points = view.shares[stage] * _number(scored.values[view.unit])
        added = round_half_up(points, digits)
    if stage in view.withheld:
        own = added = _("withheld")
    scores = (view.peers[unit].standing.stages[stage] for unit in view.visible_peers(stage))
    group = [Fraction(score) for score in scores if score is not None]
    enough = len(group) >= FEWEST_FOR_GROUP
    of_group = [
        round_half_up(summary(group), digits) if enough else None for summary in summaries.values()
    ]
    counts = _counts(view, scored.stage)
    return (str(scored.stage.title), counts, own, *of_group, added)


def _withheld_notes(view: UnitView) -> Iterator[str]:
    rule = view.result.scheme.confidentiality
    titles = {stage: str(scored.stage.title) for stage, scored in view.stages.items()}
    if few := [titles[stage] for stage in view.few_raters]:
        text = _("Withheld, because fewer than {count} raters gave it: {stages}.")
        clause = f" [{rule.clause}]" if rule.clause else ""
        yield text.format(count=rule.fewest_raters, stages=listed(few)) + clause
    others = view.withheld.difference(view.few_raters)
    if others:
        text = _("Also withheld, so that it cannot be worked out: {stages}.")
        yield text.format(stages=listed(titles[stage] for stage in titles if stage in others))
    if view.final_withheld:
        yield _("The composite and the final are also withheld, for the same reason.")


def _losses(view: UnitView) -> Table | None:
    """Return where the unit lost marks, the largest loss first."""
    losses = [line for stage in view.visible_stages for line in _stage_losses(view, stage)]
    losses.sort(key=lambda line: line[0], reverse=True)
    if not losses:
        return None
    digits = view.result.scheme.final.digits
    rows = [row for _lost, row in losses]
    columns = [
        *texts(_("Stage"), _("Item")),
        *numbers(digits, _("Points lost"), _("Out of")),
        *texts(_("Lost at"), _("Reasons")),
    ]
    for place in (5, 4):
        if not any(row[place] for row in rows):
            del columns[place]
            rows = [(*row[:place], *row[place + 1 :]) for row in rows]
    notes = [_("In points of the final: each stage's marks times its share of the composite.")]
    if files := _files(view):
        notes.append(_("From: {files}").format(files=listed(files)))
    return _table(view, _("Marks lost"), columns, rows, notes)


def _stage_losses(view: UnitView, stage: StageView) -> Iterator[tuple[Fraction, Sequence[Content]]]:
    """Yield what was lost at each member of a stage's items, with its row."""
    digits = view.result.scheme.final.digits
    share = view.shares[stage.stage.id]
    remarks: dict[Source, list[str]] = {}
    for remark in view.result.remarks:
        remarks.setdefault(remark.source, []).append(remark.text)
    dimension = stage.item_dimension
    members: dict[str, list[Contribution]] = {}
    for score in stage.parts(view.unit):
        member = score.key[stage.place(dimension)] if dimension else ""
        members.setdefault(member, []).append(score)
    for member, scores in members.items():
        full = share * sum((score.full for score in scores), _ZERO)
        lost = full - share * sum((score.points for score in scores), _ZERO)
        if lost:
            grounds = _facts(view, stage, scores), _reasons(view, stage, scores, remarks)
            row = (
                str(stage.stage.title),
                stage.title(dimension, member) if dimension else _("the whole stage"),
                round_half_up(lost, digits),
                round_half_up(full, digits),
                _other_losses(view, stage, share, scores),
                "\n".join(filter(None, grounds)),
            )
            yield lost, row


def _other_losses(
    view: UnitView, stage: StageView, share: Fraction, scores: Sequence[Contribution]
) -> str:
    """Return how a loss is spread over the declared members of the stage's other dimensions."""
    digits = view.result.scheme.final.digits
    losses = []
    for name, dimension in stage.plan.dimensions.items():
        if name == stage.item_dimension or dimension.members is None or stage.plan.rater_dimensions:
            continue
        for part in by_member(scores, stage.place(name)):
            # A bound may hold what these were rolled up into before.
            if part.member and (lost := share * (part.full - part.points)):
                shown = published_text(round_half_up(lost, digits), digits)
                losses.append(f"{stage.title(name, part.member)} {shown}")
    return listed(losses)


def _reasons(
    view: UnitView,
    stage: StageView,
    scores: Sequence[Contribution],
    remarks: Mapping[Source, Sequence[str]],
) -> str:
    """Return the remarks on the scores that lost marks, each with the unit's bodies that it is about."""
    places = [stage.place(name) for name, item in stage.plan.dimensions.items() if item.open]
    ballot = _("A remark on a ballot is withheld.") if stage.plan.rater_dimensions else ""
    aside = [it for it in view.result.decisions if it.decision.decide == "set_aside"]
    bodies_of: dict[str, dict[str, None]] = {}
    for score in scores:
        if score.points == score.full:
            continue
        bodies = [score.key[place] for place in places if score.key[place] != view.unit]
        for source in stage.sources(score.key):
            if any(item.is_about(source) for item in aside):
                continue
            for remark in remarks.get(source, ()):
                text = ballot or view.text(remark)
                bodies_of.setdefault(text, {}).update(dict.fromkeys(map(view.text, bodies)))
    return "\n".join(
        _("{text} ({of})").format(text=text, of=listed(bodies)) if bodies else text
        for text, bodies in bodies_of.items()
    )


def _facts(view: UnitView, stage: StageView, scores: Sequence[Contribution]) -> str:
    """Return the unit's own facts that an item's score was made of, without those that are 0."""
    step = stage.steps[0] if stage.steps else None
    if step is None or not step.by_facts or stage.plan.rater_dimensions:
        return ""
    own = dict(stage.own_scores(view.unit).items())
    place = stage.place(stage.plan.indicator_dimension)
    stated = [
        (part, own.get(step.input_key(score.key, part.id)))
        for score in scores
        if score.key[place] in step.scored
        for part in step.scored[score.key[place]].parts
    ]
    return listed(
        f"{part.title} {part.fact.shown(Fraction(value))}"
        for part, value in stated
        if part.fact is not None and isinstance(value, Decimal | Fraction) and value
    )


def _files(view: UnitView) -> list[str]:
    """Return the files of the stages that are shown by item, as far as they may be named."""
    sources = {
        Source(block.file): None
        for stage in view.visible_stages
        if not stage.plan.rater_dimensions
        for block in stage.own_scores(view.unit).blocks
    }
    return [text for source in sources if (text := view.source(source))]


def _categories(view: UnitView) -> Table | None:
    """Return how much of its full marks each category of indicators earned, against the group."""
    digits = view.result.scheme.composite.digits
    rows: list[Sequence[Content]] = []
    for stage in view.visible_stages:
        own = _rates(stage, view.unit)
        if not own:
            continue
        group = [_rates(stage, unit) for unit in view.visible_peers(stage.stage.id)]
        for category, rate in own.items():
            of_group = [rates[category] for rates in group if category in rates]
            enough = len(of_group) >= FEWEST_FOR_GROUP
            group_mean = round_half_up(mean(of_group), digits) if enough else None
            title = stage.title(stage.item_dimension, category)
            row = (str(stage.stage.title), title, round_half_up(rate, digits), group_mean)
            rows.append(row)
    if not rows:
        return None
    columns = (
        *texts(_("Stage"), _("Category")),
        *numbers(digits, _("Own rate (%)"), _("Group's mean (%)")),
    )
    notes = [_("Points earned, in per cent of the full marks of the items that count.")]
    return _table(view, _("Categories"), columns, rows, notes)


def _rates(stage: StageView, unit: str) -> dict[str, Fraction]:
    """Return each category's points in per cent of its full marks, in the order of the indicators."""
    tree = stage.scheme.indicators_in(stage.plan)
    if tree is None or not stage.item_dimension:
        return {}
    place = stage.place(stage.item_dimension)
    if stage.grain.is_open:
        return {}
    scores = (
        replace(score, key=tree.paths[score.key[place].removesuffix(HELD)][:1])
        for score in stage.parts(unit)
        if score.key[place] != HELD
    )
    rates = {part.member: part.points / part.full * 100 for part in by_member(scores, 0)}
    return {node.id: rates[node.id] for node in tree.items if node.id in rates}


def _adjustments(view: UnitView) -> Table | None:
    """Return the unit's bonuses and deductions with their grounds; None where its group has none."""
    if Part.ADJUSTMENTS not in view.result.scheme.parts([view.group]):
        return None
    scheme, records = view.result.scheme, view.standing.adjustments
    rows = [
        (
            str(scheme.adjustment(record.id).title),
            record.points,
            view.text(record.reason),
            view.text(record.evidence),
            scheme.adjustment(record.id).clause,
            view.source(record.source),
        )
        for record in records
    ]
    digits = max(scheme.final.digits, most_decimals(record.points for record in records))
    columns = (
        Column(_("Adjustment")),
        Column(_("Points"), "number", digits),
        *texts(_("Reason"), _("Evidence"), _("Clause"), _("Source")),
    )
    notes = []
    if not records:
        notes.append(_("No bonus or deduction is on record."))
    elif sum(record.points for record in records) != view.standing.points:
        points = published_text(view.standing.points, digits)
        notes.append(_("Within the scheme's bounds the total is {points}.").format(points=points))
    return _table(view, _("Adjustments"), columns, rows, notes)


class NextRank(NamedTuple):
    """The least published final with a better rank, and the points that the own final lacks of it."""

    rank: int
    final: Decimal
    points: Decimal


def next_rank(scheme: Scheme, standings: Sequence[Standing], unit: str) -> NextRank | None:
    """Find the published final that would have given a unit a better rank, all else as published.

    ``standings`` are those of the unit's group. Return None for a unit at rank 1 or without a rank,
    and where the cap of finals is in the way.
    """
    own = next(item for item in standings if item.unit == unit)
    scored = [(item, item.final) for item in standings if item.final is not None]
    better = [final for item, final in scored if _is_better(item, own)]
    if own.final is None or not better:
        return None
    digits, cap = scheme.final.digits, scheme.final.cap
    # Equal finals share a rank unless the scheme breaks the tie; then it takes one digit more.
    for final in (min(better), min(better) + Decimal(1).scaleb(-digits)):
        if cap is not None and final > round_half_up(cap, digits):
            return None
        others = [item for item in standings if item is not own]
        raised = ranked(scheme, [*others, replace(own, final=final)])
        moved = next(item for item in raised if item.unit == unit)
        if moved.rank is not None and _is_better(moved, own):
            return NextRank(moved.rank, final, final - own.final)
    return None


def _is_better(item: Standing, other: Standing) -> bool:
    return item.rank is not None and other.rank is not None and item.rank < other.rank


def stage_points(points: Number, share: Fraction, digits: int) -> Decimal:
    """Return how many points more of a stage's score add at least ``points`` to the composite.

    ``share`` is the stage's coefficient in it. The points are rounded up at ``digits`` decimals.
    """
    return Decimal(math.ceil(Fraction(points) / share * 10**digits)).scaleb(-digits)


def _next_rank(view: UnitView) -> Table | None:
    """Return what was missing to the next better rank, also as points of each stage.

    It gives away the final of the unit that has that rank, so the scheme must list it.
    """
    scheme, unit = view.result.scheme, view.unit
    if GroupNumber.NEXT_RANK not in scheme.confidentiality.audiences.unit:
        return None
    place = next_rank(scheme, view.result.standings[view.group], unit)
    # What is missing to a final that is withheld would give it away.
    if place is None or any(peer.final_withheld for peer in view.peers.values()):
        return None
    # Points that the floor of finals added have to be made up before the final moves.
    row = view.result.traces[view.group].final.rows[(unit,)]
    floor = dict(zip(row.members, row.values, strict=True)).get(FINAL, Absent.MISSING)
    points = Fraction(place.points) + max(_number(floor), _ZERO)
    digits = scheme.composite.digits
    rows: list[Sequence[Content]] = []
    for stage, share in view.shares.items():
        scored = view.stages[stage]
        needed = stage_points(points, share, digits)
        score = _ZERO if stage in view.withheld else _number(scored.values[unit])
        end = scored.stage.end
        shown = needed if end is None or score + Fraction(needed) <= end else None
        rows.append((str(scored.stage.title), _counts(view, scored.stage), shown))
    columns = (*_stage_and_weight(view), *numbers(digits, _("More points needed")))
    final, lacking = (
        published_text(value, scheme.final.digits) for value in (place.final, place.points)
    )
    text = _(
        "With a final of {final}, {points} points more, the unit would have had rank {rank}. The"
        " points listed for any one stage would have been enough."
    )
    notes = [text.format(final=final, points=lacking, rank=place.rank)]
    if any(row[2] is None for row in rows):
        notes.append(_("'—': not enough even with the stage's full marks."))
    return _table(view, _("One place up"), columns, rows, notes)


def _assumptions(view: UnitView) -> Table | None:
    whole = tables.assumptions(view.result.scheme)
    if not whole.rows:
        return None
    # Where a choice is set in the scheme is no matter outside the office.
    rows = [row[:3] for row in whole.rows]
    return _table(view, whole.name, whole.columns[:3], rows, [whole.title])


def _number(value: Score) -> Fraction:
    return _ZERO if isinstance(value, Absent | str) else Fraction(value)


def _stage_and_weight(view: UnitView) -> list[Column]:
    digits = most_decimals(_counts(view, scored.stage) for scored in view.stages.values())
    title = _("Weight") if view.result.scheme.composite.by == "weighted" else _("Full marks")
    return [*texts(_("Stage")), *numbers(digits, title)]


def _counts(view: UnitView, stage: Stage) -> Decimal | None:
    """Return a stage's weight, or in a sum its full marks; None for one that is open."""
    scheme = view.result.scheme
    if scheme.composite.by == "weighted":
        return scheme.weights_of(scheme.kind_of(view.unit))[stage.id]
    return None if stage.out_of == "open" else stage.out_of
