"""The tables and the data about raters: each beside the others, all together, and mutual scores."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from wuhu_appraisal.analysis.raters import (
    BESIDE,
    PLACE,
    Ballots,
    Figure,
    Lack,
    known,
    panel_figures,
    rater_figures,
)
from wuhu_appraisal.analysis.reciprocity import LEVEL, Pair, Reciprocity
from wuhu_appraisal.language import N_, _, joined, listed
from wuhu_appraisal.numbers import exact_text, round_half_up
from wuhu_appraisal.output.tables import Column, Content, Table, banner, numbers, texts
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.models import Scheme

_MOST_PAIRS = 10
_DIGITS, _P_DIGITS = 3, 4
_NAMES = ("ICC(A,1)", "ICC(A,k)", "ICC(C,1)", "ICC(C,k)", "Kendall W", "Krippendorff α")
_SAYS = (
    N_("agreement of one rater's scores with another's, severity included"),
    N_("the same for the mean of all {count} raters"),
    N_("consistency of one rater's scores with another's, severity left out"),
    N_("the same for the mean of all {count} raters"),
    N_("agreement of the orders in which the raters put the units"),
    N_("agreement of the scores beyond chance; scores may be missing"),
)
_TITLES = (
    *(N_("Distance from the others"), N_("Standard error of the distance")),
    *(N_("Spread"), N_("Agreement")),
)


def panel_tables(scheme: Scheme, scores: Ballots) -> Iterator[Table]:
    """Yield the raters of a stage and group one by one, and all together."""
    title = _title(scheme, scores)
    own = rater_figures(scores)
    rows = [(rater, *map(_shown, figures.values())) for rater, figures in own.items()]
    columns = [Column(_("Rater")), Column(_("Number of scores"), "count")]
    columns += numbers(_DIGITS, _("Mean score"), *map(_, _TITLES))
    yield Table(title, f"{_('Raters')} · {title}", columns, rows, _notes(scheme, scores, own))
    rest: list[Sequence[Content]] = []
    for name, says, figure in zip(_NAMES, _SAYS, panel_figures(scores).values(), strict=True):
        lacks = [_lacking(figure)] if isinstance(figure, Lack) else []
        text = joined([_(says).format(count=len(scores.raters)), *lacks])
        rest.append((name, _shown(figure), text))
    columns = [Column(_("Coefficient")), *numbers(_DIGITS, _("Value")), *texts(_("What it says"))]
    note = _("1 is full agreement, 0 no more than chance; below 0 it is less than chance.")
    short, long = _("Agreement"), _("Agreement of the raters")
    yield Table(f"{short} {title}", f"{long} · {title}", columns, rest, [note])


def reciprocity_tables(scheme: Scheme, item: Reciprocity, *, name_pairs: bool) -> Iterator[Table]:
    """Yield what the pairs of units that rate each other say together; pairs only where asked for."""
    titles = dict.fromkeys(_title(scheme, scores) for scores in item.panels)
    names = (_("Correlation"), "p", _("Detectable"))
    says = (
        _("of what the means of rater and unit leave of both scores, over {pairs} pairs of units"),
        _("share of {count} permutations of identities (seed {seed}) with as high a correlation"),
        _("the correlation that so many pairs show in 80 of 100 cases, at p ≤ {level}"),
    )
    values: tuple[float | Fraction, ...] = (item.correlation, item.p, item.detectable)
    counts = {"pairs": len(item.pairs), "count": item.permutations + 1, "seed": item.seed}
    rows = [
        (
            name,
            None if item.lack else _shown(value, _P_DIGITS),
            text.format(**counts, level=float(LEVEL)),
        )
        for name, value, text in zip(names, values, says, strict=True)
    ]
    columns = [Column(_("Figure")), *numbers(_P_DIGITS, _("Value")), *texts(_("What it says"))]
    title = f"{_('Mutual scores')} · {' / '.join(titles)}"
    yield Table(_("Mutual scores"), title, columns, rows, _mutual_notes(item))
    if name_pairs:
        note = _(
            "Points above what the means of rater and unit lead to, at most {count} pairs. Some pairs "
            "are always high by chance: please check the grounds of these scores."
        )
        high = [
            (*pair[:2], _shown(pair.gave), _shown(pair.was_given)) for pair in _high_pairs(item)
        ]
        columns = [*texts(_("Unit"), _("Other unit")), *numbers(_DIGITS, _("Gave"), _("Was given"))]
        notes = [note.format(count=_MOST_PAIRS)]
        yield Table(_("Pairs to check"), _("Pairs to check"), columns, high, notes)


def raters_data(
    result: Result,
    panels: Iterable[Ballots],
    mutual: Iterable[Reciprocity] | None,
    *,
    name_pairs: bool,
) -> dict[str, Any]:
    """Return all of it as JSON data, described in docs/raters.md; exact numbers are texts."""
    return {
        "provisional": result.provisional,
        "banner": banner(result),
        "panels": [_panel_data(result.scheme, scores) for scores in panels],
        "mutual": None
        if mutual is None
        else [_mutual_data(item, name_pairs=name_pairs) for item in mutual],
    }


def _panel_data(scheme: Scheme, scores: Ballots) -> dict[str, Any]:
    own = rater_figures(scores)
    names = scores.names
    return {
        **_place(scores),
        "severity_moves_no_unit": scores.severity_moves_none,
        "raters": [{"rater": rater, **_figures(figures)} for rater, figures in own.items()],
        "missed": [
            {"rater": rater, **dict(zip(names, key, strict=True))}
            for rater, keys in scores.missed.items()
            for key in keys
        ],
        "panel": _figures(panel_figures(scores)),
        "notes": _notes(scheme, scores, own),
    }


def _mutual_data(item: Reciprocity, *, name_pairs: bool) -> dict[str, Any]:
    lack = item.lack
    return {
        "between": [_place(scores) for scores in item.panels],
        "pairs": len(item.pairs),
        "correlation": None if lack else item.correlation,
        "p": None if lack else exact_text(item.p),
        "detectable": None if lack else item.detectable,
        "permutations": item.permutations,
        "seed": item.seed,
        "notes": _mutual_notes(item),
        **({"high_pairs": [it._asdict() for it in _high_pairs(item)]} if name_pairs else {}),
    }


def _title(scheme: Scheme, scores: Ballots) -> str:
    """Return the titles of the stage and the group, and of the raters where there are several kinds."""
    stage = scheme.stage(scores.stage)
    plan = stage.plans[scores.group]
    kind = [plan.dimension_title(scores.dimension)] if len(plan.rater_dimensions) > 1 else []
    return " · ".join([str(stage.title), str(scheme.group_titles[scores.group]), *kind])


def _notes(scheme: Scheme, scores: Ballots, own: Mapping[str, Mapping[str, Figure]]) -> list[str]:
    """Return what the columns mean, what follows from the raters' figures, and what is not defined."""
    notes = [
        _(
            "Distance: the points by which the scores are on average above (below: -) the mean of the "
            "other raters of the same units. Spread: the points by which they rise where that mean "
            "rises by one. Agreement: their correlation with that mean."
        )
    ]
    silent = [rater for rater in scores.listed if rater not in own]
    if silent:
        notes.append(_("No scores came from: {raters}").format(raters=listed(silent)))
    if not own:
        return notes
    if scores.severity_moves_none:
        text = _(
            "Every rater scored every unit: correcting the distances would change this score of all "
            "units by the same points, so no corrected scores are offered."
        )
    elif not scores.missed:
        text = _(
            "Every rater scored every unit, but not every score counts in the same share for every "
            "unit: a strict or lenient rater may change the distances between units."
        )
    else:
        text = _(
            "Not every rater scored every unit: a strict or lenient rater may put those that it "
            "scored behind or ahead of the others."
        )
    notes.append(text)
    plan = scheme.stage(scores.stage).plans[scores.group]
    for rater, keys in scores.missed.items():
        units = listed(scheme.titles_of(plan, scores.names, key) for key in keys)
        notes.append(_("No score of {rater} for: {units}").format(rater=rater, units=units))
    text = _("{figure} of {raters} not defined: {reason}")
    for name, title in zip(BESIDE, _TITLES, strict=True):
        for lack in Lack:
            of = listed(rater for rater, figures in own.items() if figures[name] is lack)
            if of:
                notes.append(text.format(figure=_(title), raters=of, reason=_(lack.value)))
    return notes


def _mutual_notes(item: Reciprocity) -> list[str]:
    if item.lack:
        return [_lacking(item.lack)]
    least = round_half_up(Fraction(item.detectable), 2)
    text = _(
        "There is no sign that units return the scores that they are given; a correlation below "
        "{least} would often not be seen."
    ).format(least=least)
    if item.found:
        text = _(
            "The scores that units give each other go together more than chance explains: please "
            "check how they came about. This says nothing about any one pair."
        )
    return [text, _("All pairs are looked at together: a single favour cannot be seen.")]


def _high_pairs(item: Reciprocity) -> list[Pair]:
    high = [pair for pair in item.pairs if pair.gave > 0 and pair.was_given > 0]
    return sorted(high, key=lambda pair: -pair.gave * pair.was_given)[:_MOST_PAIRS]


def _place(scores: Ballots) -> dict[str, str]:
    return {name: getattr(scores, name) for name in PLACE}


def _figures(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return figures as JSON data: exact texts, and under ``undefined`` why others are null."""
    data: dict[str, Any] = {
        name: exact_text(figure) if isinstance(figure, Fraction | Decimal) else figure
        for name, figure in known(figures).items()
    }
    lacks = {name: _(it.value) for name, it in figures.items() if isinstance(it, Lack)}
    return {**data, "undefined": lacks}


def _lacking(lack: Lack) -> str:
    return _("not defined: {reason}").format(reason=_(lack.value))


def _shown(figure: Figure | float, digits: int = _DIGITS) -> int | Decimal | None:
    if isinstance(figure, Lack):
        return None
    return figure if isinstance(figure, int) else round_half_up(Fraction(figure), digits)
