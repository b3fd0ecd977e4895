"""What changed between two results, as tables, and as data for other programs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from wuhu_appraisal.analysis.change import Change, Comparison, Part
from wuhu_appraisal.analysis.rescored import Player
from wuhu_appraisal.language import N_, _, listed
from wuhu_appraisal.numbers import exact_text, round_half_up
from wuhu_appraisal.output.explain import signed
from wuhu_appraisal.output.parameters import Parameter, parameters
from wuhu_appraisal.output.redact import UnitView, redacted, unit_views
from wuhu_appraisal.output.tables import Content, Table, numbers, published_text, texts
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Audience, Detail
from wuhu_appraisal.scheme.models import Scheme

ROUNDING = (Player("rounding"),)
JOINED = "joined"
KINDS = {
    "scores": N_("Scores given"),
    "rules": N_("Rules"),
    "weights": N_("Stage weights"),
    "adjustments": N_("Adjustments"),
    "decisions": N_("Decisions"),
    "group": N_("Who is in the group"),
    JOINED: N_("Not separable"),
    "rounding": N_("Rounding"),
}
"""The title of each kind of part, as a message id, in the order in which they are shown."""


def seen(whole: Comparison, audience: Audience) -> Comparison:
    """Return a comparison with what an audience may see of both results.

    Where a score that a part is made of is withheld, all parts of the unit are: they would give it
    away. Decisions are shown as part of what they changed where findings are not, and no part has
    more digits than are published.
    """
    if audience is Audience.OFFICE:
        return whole
    old, new = (redacted(result, audience) for result in (whole.old, whole.new))
    shows = old.copy.shows & new.copy.shows
    views = [
        {
            unit: view
            for group in result.standings
            for unit, view in unit_views(result, group).items()
        }
        for result in (whole.old, whole.new)
    ]
    cut = []
    for item in whole.changes:
        own = views[0][item.old.unit], views[1][item.unit]
        closed = Detail.SCORES not in shows or (Detail.RATERS not in shows and _withholds(own))
        if closed:
            item = replace(item, parts=())
        elif Detail.RATERS not in shows:
            by = _each if Detail.FINDINGS in shows else _undecided
            item = _rounded(item, whole.new.scheme.final.digits, by)
        standings = old.standing_of(item.old.unit)[1], new.standing_of(item.unit)[1]
        cut.append(replace(item, old=standings[0], new=standings[1]))
    return replace(whole, old=old, new=new, changes=cut)


def _withholds(views: Iterable[UnitView]) -> bool:
    return any(view.withheld or view.final_withheld for view in views)


def _rounded(item: Change, digits: int, by: Callable[[Part], tuple[Player, ...]]) -> Change:
    """Return a change with parts of so many digits, those together that have the same players by ``by``.

    What that leaves is part of the rounding, so that the parts still add up.
    """
    points: dict[tuple[Player, ...], Fraction] = {}
    why: dict[tuple[Player, ...], dict[str, None]] = {}
    for part in item.parts:
        if part.players != ROUNDING:
            players = by(part)
            points[players] = points.get(players, Fraction(0)) + part.points
            why.setdefault(players, {}).update(dict.fromkeys(part.why))
    parts = [
        Part(players, Fraction(round_half_up(value, digits)), tuple(why[players]))
        for players, value in points.items()
    ]
    rest = (item.points or Fraction(0)) - sum((part.points for part in parts), Fraction(0))
    parts = [part for part in (*parts, Part(ROUNDING, rest)) if part.points and item.parts]
    return replace(item, parts=parts)


def _each(part: Part) -> tuple[Player, ...]:
    return part.players


def _undecided(part: Part) -> tuple[Player, ...]:
    """Return the players of a part with what decisions changed in their place."""
    own = (
        Player("scores", it.stage) if it.stage else Player("adjustments")
        for it in part.players
        if it.kind == "decisions"
    )
    return tuple(dict.fromkeys([*(it for it in part.players if it.kind != "decisions"), *own]))


def _kinds(part: Part) -> tuple[Player, ...]:
    return tuple(Player(kind) for kind in dict.fromkeys(it.kind for it in part.players))


def tables(shown: Comparison) -> list[Table]:
    """Return the change of every unit by group, the units of one result alone, and the scheme's changes."""
    made = [_group(shown, group) for group in shown.new.standings]
    units = _unmatched(shown)
    return [*made, *([units] if units.rows else []), scheme_changes(shown)]


def _group(shown: Comparison, group: str) -> Table:
    scheme = shown.new.scheme
    digits = scheme.final.digits
    items = [item for item in shown.changes if item.groups[1] == group]
    sums = [_by_kind(item, digits) for item in items]
    kinds = [kind for kind in KINDS if any(kind in own for own in sums)]
    rows = [
        (
            item.unit,
            _arrow(item.old.rank, item.new.rank),
            item.old.final,
            item.new.final,
            _decimal(item.points, digits),
            *((own.get(kind, Decimal(0)) if item.parts else None) for kind in kinds),
        )
        for item, own in zip(items, sums, strict=True)
    ]
    columns = [
        *texts(_("Unit"), _("Rank")),
        *numbers(
            digits, _("Old final"), _("Final"), _("Change"), *(_(KINDS[kind]) for kind in kinds)
        ),
    ]
    title = str(scheme.group(group).title)
    return Table(title, f"{scheme.title} · {title}", columns, rows, _notes(shown, items))


def _by_kind(item: Change, digits: int) -> dict[str, Decimal]:
    """Return the points of each kind of part; those of several kinds in one are not separable."""
    sums: dict[str, Fraction] = {}
    for part in _rounded(item, digits, _kinds).parts:
        kind = part.players[0].kind if len(part.players) == 1 else JOINED
        sums[kind] = sums.get(kind, Fraction(0)) + part.points
    return {kind: round_half_up(value, digits) for kind, value in sums.items()}


def _decimal(value: Fraction | None, digits: int) -> Decimal | None:
    return None if value is None else round_half_up(value, digits)


def _arrow(old: object, new: object) -> str:
    return f"{'—' if old is None else old} → {'—' if new is None else new}"


def _notes(shown: Comparison, items: Sequence[Change]) -> list[str]:
    """Return what stands below a table of changes: what is compared, and how the parts came about."""
    notes = []
    for text, result in (
        (_("Old: {scheme}, computed at {time}."), shown.old),
        (_("New: {scheme}, computed at {time}."), shown.new),
    ):
        notes.append(text.format(scheme=result.scheme.title, time=result.computed_at))
        if result.provisional:
            notes.append(_("This result is provisional."))
    parts = [part for item in items for part in item.parts]
    if parts:
        notes.append(
            _(
                "The parts add up to the change: each is the mean of what it adds over all orders in "
                "which they could have changed. Rounding includes that of the parts as shown."
            )
        )
    why = dict.fromkeys(text for part in parts for text in part.why)
    notes += [_("Not separable: {why}.").format(why=text) for text in why]
    if any(item.points is not None and item.points and not item.parts for item in items):
        notes.append(_("'—': the parts are withheld, as they would show a score that is."))
    return notes


def only(shown: Comparison, unit: str) -> Comparison:
    """Return what a comparison says of one unit."""
    return replace(shown, changes=[item for item in shown.changes if item.unit == unit])


def unit_table(shown: Comparison, unit: str) -> Table:
    """Return each part of the change of one unit, which is in both results."""
    (item,) = only(shown, unit).changes
    scheme, digits = shown.new.scheme, shown.new.scheme.final.digits
    rows = list(_part_rows(shown, _rounded(item, digits, _each)))
    columns = [
        *texts(_("Part"), _("Stage")),
        *numbers(scheme.composite.digits, _("Old score"), _("Score")),
    ]
    columns += numbers(digits, _("Points"))
    name = _("Change since the last result")
    title = f"{scheme.title} · {_named(item)} · {name}"
    notes = [*_own_notes(shown, item), *_rank_notes(item), *_notes(shown, [item])]
    return Table(name, title, columns, rows, notes)


def _named(item: Change) -> str:
    return (
        item.unit
        if item.old.unit == item.unit
        else _("{new} ({old} before)").format(new=item.unit, old=item.old.unit)
    )


def _part_rows(shown: Comparison, item: Change) -> Iterator[Sequence[Content]]:
    titles = {**shown.old.scheme.titles, **shown.new.scheme.titles}
    for part in item.parts:
        what = listed(dict.fromkeys(_(KINDS[player.kind]) for player in part.players))
        stages = [player.stage for player in part.players if player.stage]
        scores = (
            [side.stages.get(part.stage) for side in (item.old, item.new)]
            if part.stage
            else ["", ""]
        )
        title = listed(str(titles[stage]) for stage in dict.fromkeys(stages))
        yield what, title, *scores, _decimal(part.points, shown.new.scheme.final.digits)


def _own_notes(shown: Comparison, item: Change) -> list[str]:
    digits = shown.new.scheme.final.digits
    if item.points is None:
        return [_("There is no final on one side.")]
    text = _("Final {old} → {new}: {change}")
    sides = (published_text(side.final, digits) for side in (item.old, item.new))
    return [text.format(old=next(sides), new=next(sides), change=signed(item.points))]


def _rank_notes(item: Change) -> list[str]:
    """Return how the rank changed: by units that came or went above it, and by the finals."""
    text = _("Rank {ranks}").format(ranks=_arrow(item.old.rank, item.new.rank))
    if item.ranks and (item.came or item.went):
        more = _("units above it that came: {came}, that went: {went}; by the finals: {rest}")
        rest = item.ranks - item.came + item.went
        text = (
            f"{text} ({more.format(came=item.came, went=item.went, rest=signed(Fraction(-rest)))})"
        )
    return [text]


def letter_table(whole: Comparison, unit: str) -> Table | None:
    """Return what a unit is told of its own change; None for one that is not in both results."""
    own = only(whole, unit).changes
    if not own:
        return None
    (item,) = own
    results = (whole.old, item.old.unit, item.groups[0]), (whole.new, unit, item.groups[1])
    views = [unit_views(result, group)[name] for result, name, group in results]
    digits = whole.new.scheme.final.digits
    item = _rounded(replace(item, came=0, went=0), digits, _undecided)
    if any(view.final_withheld for view in views):
        old, new = (replace(side, final=None, composite=None) for side in (item.old, item.new))
        item = replace(item, old=old, new=new)
    if _withholds(views):
        item = replace(item, parts=())
    return unit_table(replace(whole, changes=[item]), unit)


def _unmatched(shown: Comparison) -> Table:
    """Return the units of one result alone, and those that were merged or split."""
    units = shown.units
    pairs = [
        *((_("new unit"), (), (unit,)) for unit in units.came),
        *((_("unit no more"), (unit,), ()) for unit in units.went),
        *(
            (_("merged") if len(old) > len(new) else _("split"), old, new)
            for old, new in units.merged
        ),
    ]
    rows = [(what, _placed(shown.old, old), _placed(shown.new, new)) for what, old, new in pairs]
    return Table(
        _("Units"),
        _("Units that are not the same in both results"),
        texts("", _("Old"), _("New")),
        rows,
    )


def _placed(result: Result, names: Sequence[str]) -> str:
    """Return units with their finals and ranks."""
    text, digits = _("{unit} {final} (rank {rank})"), result.scheme.final.digits
    found = [result.standing_of(name)[1] for name in names]
    return listed(
        text.format(unit=it.unit, final=published_text(it.final, digits), rank=it.rank or "—")
        for it in found
    )


def scheme_changes(shown: Comparison) -> Table:
    """Return what changed between the two schemes: names, weights, marks, steps, adjustments, assumptions."""
    old, new = shown.old.scheme, shown.new.scheme
    rows = [*_rules(old, new), *_renamed(shown), *_assumptions(old, new)]
    columns = texts(_("Part"), _("Group"), _("Rule"), _("Old"), _("New"))
    notes = []
    if shown.old.scheme_sha256 == shown.new.scheme_sha256:
        notes = [_("Both results follow the same scheme.")]
    elif not rows:
        notes = [_("The schemes differ in no number, rule, name or assumption.")]
    return Table(_("Scheme"), _("What changed in the scheme"), columns, rows, notes)


def _rules(old: Scheme, new: Scheme) -> Iterator[Sequence[str]]:
    before, after = ({_identity(item): item for item in parameters(it)} for it in (old, new))
    for key, item in {**after, **before}.items():
        was, now = before.get(key), after.get(key)
        item = now or item
        weight = item.key[:1] == ("stage",)
        place = (item.part, item.group, _("weight of the stage") if weight else item.text.strip())
        if was is None or now is None or was.number != now.number:
            yield *place, _stated(was), _stated(now)
        if was is not None and now is not None and was.text != now.text:
            yield *place, was.text.strip(), now.text.strip()
    for title, name in (
        (_("Ranking"), "ranking"),
        (_("Classes"), "classes"),
        (_("Classes"), "class_rule"),
    ):
        if getattr(old, name) != getattr(new, name):
            yield title, "", _("changed"), "", ""


def _identity(item: Parameter) -> tuple[str, ...]:
    return item.key or (item.part, item.group, item.text)


def _stated(item: Parameter | None) -> str:
    if item is None:
        return _("none")
    return _("applies") if item.number is None else exact_text(Fraction(item.number))


def _renamed(shown: Comparison) -> Iterator[Sequence[str]]:
    groups = shown.old.scheme.group_titles, shown.new.scheme.group_titles
    for item in shown.changes:
        titles = [str(side[group]) for side, group in zip(groups, item.groups, strict=True)]
        if item.old.unit != item.unit:
            yield _("Units"), titles[1], _("name"), item.old.unit, item.unit
        if item.groups[0] != item.groups[1]:
            yield _("Units"), titles[1], item.unit, *titles


def _assumptions(old: Scheme, new: Scheme) -> Iterator[Sequence[str]]:
    before, after = ({item.id: item for item in it.assumptions} for it in (old, new))
    for name, item in {**after, **before}.items():
        was, now = (
            str(found.text) if (found := side.get(name)) else _("none") for side in (before, after)
        )
        if was != now:
            yield _("Assumptions"), "", item.clause, was, now


def data(shown: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON data; docs/compare.md says what it holds."""
    changed = scheme_changes(shown)
    return {
        **{side: _about(result) for side, result in (("old", shown.old), ("new", shown.new))},
        "units": [unit_data(item) for item in shown.changes],
        "came": list(shown.units.came),
        "went": list(shown.units.went),
        "became": [{"old": list(old), "new": list(new)} for old, new in shown.units.merged],
        "scheme": [
            dict(zip(("part", "group", "rule", "old", "new"), row, strict=True))
            for row in changed.rows
        ],
    }


def _about(result: Result) -> dict[str, Any]:
    scheme = {"scheme": result.scheme.id, "sha256": result.scheme_sha256}
    return {**scheme, "computed_at": result.computed_at, "provisional": result.provisional}


def unit_data(item: Change) -> dict[str, Any]:
    """Return the change of one unit as JSON data, its parts as exact numbers."""
    finals = [None if it.final is None else format(it.final, "f") for it in (item.old, item.new)]
    return {
        "unit": item.unit,
        "old_unit": item.old.unit,
        "groups": {"old": item.groups[0], "new": item.groups[1]},
        "rank": {"old": item.old.rank, "new": item.new.rank, "came": item.came, "went": item.went},
        "final": {"old": finals[0], "new": finals[1]},
        "change": None if item.points is None else exact_text(item.points),
        "parts": [
            {
                "of": [player._asdict() for player in part.players],
                "points": exact_text(part.points),
                "why": list(part.why),
            }
            for part in item.parts
        ],
    }
