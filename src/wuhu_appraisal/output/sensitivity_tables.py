"""The tables and the data about what a ranking rests on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from wuhu_appraisal.analysis.sensitivity import (
    Ballot,
    LeftOut,
    PairSensitivity,
    RankBounds,
    RankChange,
    Sensitivity,
)
from wuhu_appraisal.analysis.thresholds import Crossing, Threshold
from wuhu_appraisal.analysis.weightings import Movement
from wuhu_appraisal.language import _, joined, listed
from wuhu_appraisal.numbers import exact_text, plain, round_half_up
from wuhu_appraisal.output.tables import Column, Content, Table, banner, numbers, texts
from wuhu_appraisal.scheme.models import Scheme

_MOST = 5
"""The points that a weight or a ballot may differ by before a rank counts as firm in this respect."""

_DIGITS = 4
_SHOWN = 10
"""The rank changes that a table names; the data have all."""


def page(found: Sensitivity, *, raters: bool) -> Iterator[Table]:
    """Yield for each group which ranks are firm, and what the others hang on.

    ``raters`` tells whether single raters may be named.
    """
    for group, standings in found.result.standings.items():
        title = str(found.scheme.group_titles[group])
        rows: list[Sequence[Content]] = []
        for item in standings:
            if item.rank is not None:
                hangs = joined(_hangs_on(found, group, item.unit, raters=raters))
                firm = _("hangs") if hangs else _("firm")
                rows.append((item.rank, item.unit, item.final, firm, hangs or "—"))
        columns = [Column(_("Rank"), "count"), Column(_("Unit"))]
        columns += numbers(found.scheme.final.digits, _("Final score"))
        columns += texts(_("Rank is"), _("What it hangs on"))
        note = _(
            "Firm: the rank stays while the weight of every stage moves by up to {points} points, "
            "whichever rater, round or body is left out, and whichever assumption is made otherwise."
        )
        name = _("Which ranks are firm")
        yield Table(
            f"{name} {title}",
            f"{name} · {title}",
            columns,
            rows,
            [note.format(points=_MOST)],
        )


def _hangs_on(found: Sensitivity, group: str, unit: str, *, raters: bool) -> Iterator[str]:
    """Yield what may change the rank of a unit, a few words for each."""
    for bounds in found.bounds:
        at = (bounds.group, bounds.unit, bounds.points) == (group, unit, _MOST)
        if at and (bounds.highest, bounds.lowest) != (bounds.rank, bounds.rank):
            text = _("weights of the stages: rank {low} to {high}")
            yield text.format(low=bounds.highest, high=bounds.lowest)
    members: dict[tuple[str, str], list[str]] = {}
    for item in found.left_out:
        if item.group == group and any(change.unit == unit for change in item.changes):
            members.setdefault((item.stage, item.dimension), []).append(_member(found.scheme, item))
    for (stage, dimension), names in members.items():
        plan = found.scheme.stage(stage).plans[group]
        hidden = not raters and dimension in plan.rater_dimensions
        shown = _("one of {count}").format(count=len(names)) if hidden else listed(names)
        text = _("{stage}, {dimension} left out: {names}")
        yield text.format(
            stage=found.scheme.titles[stage], dimension=plan.dimension_title(dimension), names=shown
        )
    choices = {
        item.id: item.alternative.text for item in found.scheme.assumptions if item.alternative
    }
    for other in found.flipped:
        changes = (other.changes or {}).get(group, ())
        for change in changes:
            if change.unit == unit:
                text = _("otherwise chosen ({choice}): rank {rank}")
                yield text.format(choice=choices[other.assumption], rank=change.other or "—")


def details(found: Sensitivity, *, raters: bool) -> Iterator[Table]:
    """Yield the tables behind the page: margins, weights, members left out, ballots, assumptions."""
    yield from _pair_tables(found)
    yield from _bound_tables(found)
    yield _left_out_table(found, raters=raters)
    if raters and found.ballots:
        yield _ballot_table(found)
    if found.flipped:
        yield _flipped_table(found)


def _pair_tables(found: Sensitivity) -> Iterator[Table]:
    digits = found.scheme.final.digits
    for group in found.result.standings:
        title = str(found.scheme.group_titles[group])
        rows: list[Sequence[Content]] = []
        for pair in found.pairs:
            if pair.group == group:
                weights = _weight_texts(pair)
                exact = round_half_up(pair.exact, digits + 2)
                names = pair.ahead.rank, pair.ahead.unit, pair.behind.unit
                rows.append((*names, pair.published, exact, *weights))
        columns = [Column(_("Rank"), "count"), *texts(_("Unit"), _("Next unit"))]
        columns += [*numbers(digits, _("Published margin"))]
        columns += [*numbers(digits + 2, _("Exact margin"))]
        columns += texts(
            _("Weight of one stage: turned round"),
            _("Between two stages: rank shared"),
            _("Between two stages: turned round"),
        )
        notes = [
            _(
                "The least points of weight by which one stage, the others in proportion, or two "
                "stages between them turn two units round, or let them share a rank. Ranks follow "
                "published numbers, so both are different points. All thresholds, exactly, also of "
                "the weights inside the stages: --json."
            )
        ]
        name = _("Margins and weights")
        yield Table(f"{name} {title}", f"{name} · {title}", columns, rows, notes)


def _weight_texts(pair: PairSensitivity) -> tuple[str, str, str]:
    """Return the least change of one stage's weight that turns two units, and the least moves."""
    of_stages = [item for item in pair.crossings if not item.movement.weighting.title]
    single = [item for item in of_stages if item.movement.of is None]
    between = [item for item in of_stages if item.movement.of is not None]
    none = _("no weights can") if pair.held else "—"
    return (
        _least_text([(item.movement, item.turns) for item in single]) or none,
        _least_text([(item.movement, item.shares) for item in between]) or "—",
        _least_text([(item.movement, item.turns) for item in between]) or none,
    )


def _least_text(found: Iterable[tuple[Movement, Threshold | None]]) -> str:
    reached = [(move, at) for move, at in found if at is not None]
    if not reached:
        return ""
    move, at = min(reached, key=lambda pair: (pair[1].points, not pair[1].included))
    return f"{move_text(move)} {threshold_text(at)}"


def move_text(move: Movement) -> str:
    """Return where points of weight go."""
    titles = move.weighting.titles
    if move.of is not None:
        return f"{titles[move.of]} → {titles[move.to]}"
    return f"{titles[move.to]} {'+' if move.direction == 'up' else '−'}"


def threshold_text(at: Threshold) -> str:
    """Return a threshold: '≥ 0.0904' where it is reached there, '> 0.4336' where it is passed."""
    return f"{'≥' if at.included else '>'} {_points(at.points)}"


def _points(points: Fraction) -> str:
    return plain(round_half_up(points, _DIGITS))


def _bound_tables(found: Sensitivity) -> Iterator[Table]:
    for group, standings in found.result.standings.items():
        own = {(item.unit, item.points): item for item in found.bounds if item.group == group}
        if not own:
            continue
        steps = sorted({points for _unit, points in own})
        rows: list[Sequence[Content]] = []
        for item in standings:
            if item.rank is not None:
                ranges = [_range(own[item.unit, points]) for points in steps]
                rows.append((item.rank, item.unit, *ranges))
        title = str(found.scheme.group_titles[group])
        columns = [Column(_("Rank"), "count"), Column(_("Unit"))]
        columns += texts(*(_("± {points} points").format(points=points) for points in steps))
        note = _(
            "The ranks that a unit keeps to while the weight of every stage moves by at most so "
            "many points and all still add up: proven. In brackets the ranks that drawn weights gave, "
            "where they are fewer."
        )
        name = _("Bounds of the ranks")
        yield Table(f"{name} {title}", f"{name} · {title}", columns, rows, [note])


def _range(item: RankBounds) -> str:
    proven, seen = (
        str(low) if low == high else f"{low}–{high}"
        for low, high in ((item.highest, item.lowest), (item.highest_seen, item.lowest_seen))
    )
    return proven if proven == seen else f"{proven} ({seen})"


def _member(scheme: Scheme, item: LeftOut) -> str:
    plan = scheme.stage(item.stage).plans[item.group]
    return str(scheme.title_of(plan, item.dimension, item.member))


def _left_out_table(found: Sensitivity, *, raters: bool) -> Table:
    """Return the members without which ranks change; those of raters only where they may be named."""
    rows: list[Sequence[Content]] = []
    tried = 0
    for item in found.left_out:
        plan = found.scheme.stage(item.stage).plans[item.group]
        if not raters and item.dimension in plan.rater_dimensions:
            continue
        tried += 1
        if item.changes:
            group = str(found.scheme.group_titles[item.group])
            stage = str(found.scheme.titles[item.stage])
            dimension = plan.dimension_title(item.dimension)
            name = _member(found.scheme, item)
            rows.append((group, stage, dimension, name, changes_text(item.changes)))
    columns = texts(_("Group"), _("Stage"), _("Dimension"), _("Left out"), _("Ranks"))
    note = _("Left out one by one: {count}. Those that are not listed change no rank.")
    title = _("One left out")
    return Table(title, title, columns, rows, [note.format(count=tried)])


def changes_text(changes: Iterable[RankChange]) -> str:
    """Return rank changes: '市信访局 9 → 8'."""
    return listed(f"{item.unit} {item.rank or '—'} → {item.other or '—'}" for item in changes)


def _ballot_table(found: Sensitivity) -> Table:
    rows: list[Sequence[Content]] = []
    for item in found.ballots:
        if abs(item.points) <= _MOST:
            sign = ">" if item.beyond else "≥"
            change = f"{'−' if item.points < 0 else '+'} {sign} {_points(abs(item.points))}"
            stage = str(found.scheme.titles[item.stage])
            score = round_half_up(item.score, found.scheme.reading.decimals or 2)
            rows.append((item.ahead, item.behind, stage, item.rater, item.unit, score, change))
    columns = texts(_("Unit"), _("Next unit"), _("Stage"), _("Rater"), _("Score of"))
    columns += [*numbers(2, _("Score")), *texts(_("Change"))]
    note = _(
        "The least change of one rater's score for one unit that turns the two round; those of more "
        "than {points} points are left out here. Where all ballots of a stage count alike, the same "
        "change of another one does the same."
    )
    title = _("One ballot")
    return Table(title, title, columns, rows, [note.format(points=_MOST)])


def _flipped_table(found: Sensitivity) -> Table:
    known = {item.id: item for item in found.scheme.assumptions}
    rows: list[Sequence[Content]] = []
    for item in found.flipped:
        assumption = known[item.assumption]
        other = str(assumption.alternative.text) if assumption.alternative else ""
        if item.changes is None:
            count, text = None, _("cannot be computed: see appraise scheme check")
        else:
            all_of = [change for changes in item.changes.values() for change in changes]
            count, text = len(all_of), changes_text(all_of) or "—"
        rows.append((assumption.id, assumption.clause, str(assumption.text), other, count, text))
    columns = texts(_("Assumption"), _("Clause"), _("As it is"), _("Otherwise"))
    columns += [Column(_("Units with another rank"), "count"), *texts(_("Ranks"))]
    note = _("Each alone is made otherwise, and all is computed again.")
    title = _("Assumptions otherwise")
    return Table(title, title, columns, rows, [note])


def sensitivity_data(found: Sensitivity, *, raters: bool) -> dict[str, Any]:
    """Return all of it as JSON data, described in docs/sensitivity.md; exact numbers are texts."""
    scheme = found.scheme

    def is_shown(item: LeftOut) -> bool:
        plan = scheme.stage(item.stage).plans[item.group]
        return raters or item.dimension not in plan.rater_dimensions

    return {
        "provisional": found.result.provisional,
        "banner": banner(found.result),
        "pairs": [_pair_data(item) for item in found.pairs],
        "bounds": [
            {
                "group": item.group,
                "unit": item.unit,
                "points": item.points,
                "rank": item.rank,
                "proven": [item.highest, item.lowest],
                "seen": [item.highest_seen, item.lowest_seen],
            }
            for item in found.bounds
        ],
        "left_out": [
            {
                "group": item.group,
                "stage": item.stage,
                "dimension": item.dimension,
                "member": item.member,
                "changes": _changes_data(item.changes),
            }
            for item in found.left_out
            if is_shown(item)
        ],
        "ballots": [_ballot_data(item) for item in found.ballots if raters],
        "assumptions": [
            {
                "assumption": item.assumption,
                "changes": None
                if item.changes is None
                else {group: _changes_data(changes) for group, changes in item.changes.items()},
            }
            for item in found.flipped
        ],
    }


def _changes_data(changes: Iterable[RankChange]) -> list[Mapping[str, Any]]:
    return [{"unit": item.unit, "rank": item.rank, "other": item.other} for item in changes]


def _ballot_data(item: Ballot) -> dict[str, Any]:
    return {
        "group": item.group,
        "ahead": item.ahead,
        "behind": item.behind,
        "stage": item.stage,
        "rater": item.rater,
        "unit": item.unit,
        "score": exact_text(item.score),
        "points": exact_text(item.points),
        "beyond": item.beyond,
    }


def _pair_data(item: PairSensitivity) -> dict[str, Any]:
    return {
        "group": item.group,
        "ahead": item.ahead.unit,
        "behind": item.behind.unit,
        "ranks": [item.ahead.rank, item.behind.rank],
        "published": format(item.published, "f"),
        "exact": exact_text(item.exact),
        "no_stage_weights_turn_them": item.held,
        "weights": [
            _crossing_data(crossing)
            for crossing in item.crossings
            if crossing.shares is not None or crossing.turns is not None
        ],
    }


def _crossing_data(item: Crossing) -> dict[str, Any]:
    move = item.movement
    return {
        "stage": move.weighting.stage or None,
        "of": move.of,
        "to": move.to,
        "direction": move.direction,
        "shares": _threshold_data(item.shares),
        "turns": _threshold_data(item.turns),
        "exact": item.exact,
    }


def _threshold_data(at: Threshold | None) -> Mapping[str, Any] | None:
    return None if at is None else {"points": exact_text(at.points), "included": at.included}
