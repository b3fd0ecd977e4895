"""The tables and the data about raters: each beside the others, all together, and mutual scores."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from wuhu_appraisal.analysis.raters import (
    Ballots,
    Figure,
    Lack,
    RaterFigures,
    panel_figures,
    rater_figures,
)
from wuhu_appraisal.analysis.reciprocity import Pair, Reciprocity
from wuhu_appraisal.language import N_, _, joined, listed
from wuhu_appraisal.numbers import exact_text, round_half_up
from wuhu_appraisal.output.tables import Column, Content, Table, numbers
from wuhu_appraisal.scheme.models import Scheme

_MOST_PAIRS = 10
_DIGITS = 3
_SAYS = {
    "icc_a1": ("ICC(A,1)", N_("how far one rater's scores are the others', severity included")),
    "icc_ak": ("ICC(A,k)", N_("the same of the mean of all {count} raters")),
    "icc_c1": ("ICC(C,1)", N_("how far one rater's distances between units are the others'")),
    "icc_ck": ("ICC(C,k)", N_("the same of the mean of all {count} raters")),
    "kendall_w": ("Kendall W", N_("how far the raters' orders of the units agree")),
    "alpha": ("Krippendorff α", N_("how far scores agree beyond chance; some may be missing")),
}
_FIGURES = {
    "severity": N_("distance from the others"),
    "error": N_("standard error"),
    "spread": N_("spread"),
    "agreement": N_("agreement"),
}


def panel_tables(scheme: Scheme, scores: Ballots) -> list[Table]:
    """Return the raters of a stage and group one by one, and all together."""
    title = panel_title(scheme, scores)
    own = rater_figures(scores)
    rows = [
        (item.rater, item.count, *map(_shown, (item.mean, *_own(item).values()))) for item in own
    ]
    columns = [
        *(Column(_("Rater")), Column(_("Number of scores"), "count")),
        *numbers(2, _("Mean score"), _("Distance from the others"), _("Standard error")),
        *numbers(2, _("Spread"), _("Agreement")),
    ]
    each = Table(title, f"{_('Raters')} · {title}", columns, rows, [*_notes(scheme, scores, own)])
    rest: list[Sequence[Content]] = []
    for name, figure in panel_figures(scores).items():
        label, words = _SAYS[name]
        text = _(words).format(count=len(scores.raters))
        if isinstance(figure, Lack):
            text = joined([text, _("not defined: {reason}").format(reason=figure.words)])
        rest.append((label, _shown(figure), text))
    columns = [Column(_("Coefficient")), *numbers(_DIGITS, _("Value")), Column(_("What it says"))]
    note = _("1 is full agreement, 0 no more than chance; below 0 it is less than chance.")
    whole = Table(title, f"{_('Agreement of the raters')} · {title}", columns, rest, [note])
    return [each, whole]


def panel_title(scheme: Scheme, scores: Ballots) -> str:
    """Return the titles of the stage and the group, and of the raters where there are several kinds."""
    stage = scheme.stage(scores.stage)
    plan = stage.plans[scores.group]
    title = f"{stage.title} · {scheme.group_titles[scores.group]}"
    if len(plan.rater_dimensions) == 1:
        return title
    return f"{title} · {plan.dimension_title(scores.dimension)}"


def _notes(scheme: Scheme, scores: Ballots, own: Sequence[RaterFigures]) -> Iterator[str]:
    """Yield what the columns mean and what follows from the raters' figures."""
    yield _(
        "Distance from the others: how many points the scores are on average above (below: −) the "
        "mean of the other raters of the same units. Spread: by how many points they rise where that "
        "mean rises by one. Agreement: their correlation with that mean."
    )
    if scores.silent:
        yield _("No scores came from: {raters}").format(raters=listed(scores.silent))
    if scores.severity_moves_none:
        yield _(
            "Every rater scored every unit. Correcting the distances would change all units by the "
            "same points and no rank, so no corrected scores are offered."
        )
    elif not scores.missed:
        yield _(
            "Every rater scored every unit, but the step does not count all scores in fixed shares: "
            "a strict or lenient rater can change the distances between units."
        )
    else:
        yield _(
            "Not every rater scored every unit: a strict or lenient rater can put the units that it "
            "scored behind or ahead of the others. Missing: {missed}"
        ).format(missed=joined(_missed(scheme, scores)))
    for name, words in _FIGURES.items():
        for lack in Lack:
            of = [item.rater for item in own if _own(item)[name] is lack]
            if of:
                yield _("{figure} is not defined for {raters}: {reason}").format(
                    figure=_(words), raters=listed(of), reason=lack.words
                )


def _missed(scheme: Scheme, scores: Ballots) -> Iterator[str]:
    plan = scheme.stage(scores.stage).plans[scores.group]
    for rater, keys in scores.missed.items():
        units = listed(scheme.titles_of(plan, scores.names, key) for key in keys)
        yield _("{rater} did not score {units}").format(rater=rater, units=units)


def reciprocity_tables(scheme: Scheme, item: Reciprocity, *, name_pairs: bool) -> list[Table]:
    """Return what the pairs of units that rate each other say together; pairs only where asked for."""
    titles = dict.fromkeys(panel_title(scheme, scores) for scores in (item.one, item.other))
    title = f"{_('Mutual scores')} · {' / '.join(titles)}"
    if item.lack:
        reason = _("not defined: {reason}").format(reason=item.lack.words)
        rows: list[Sequence[Content]] = [(_("Correlation"), None, reason)]
    else:
        rows = [*_reciprocity_rows(item)]
    columns = [Column(_("Figure")), *numbers(_DIGITS, _("Value")), Column(_("What it says"))]
    whole = Table(_("Mutual scores"), title, columns, rows, [*_reciprocity_notes(item)])
    return [whole, *([_pair_table(item)] if name_pairs else [])]


def _reciprocity_rows(item: Reciprocity) -> Iterator[Sequence[Content]]:
    text = _(
        "of what the means of rater and unit leave of both scores, over {count} pairs of units"
    )
    yield _("Correlation"), _shown(item.correlation), text.format(count=len(item.pairs))
    text = _(
        "the share of {count} permutations of the identities (seed {seed}), this one included, with "
        "a correlation as high as this"
    )
    text = text.format(count=item.permutations + 1, seed=item.seed)
    yield "p", _shown(item.p), text
    text = _("the correlation that this number of pairs would show in 80 of 100 cases, at p ≤ 0.05")
    yield _("Detectable"), _shown(item.detectable), text


def _reciprocity_notes(item: Reciprocity) -> Iterator[str]:
    if item.found:
        yield _(
            "The scores that units give each other go together more than chance explains: please "
            "check how they came about. This says nothing about any one pair."
        )
    elif not item.lack:
        yield _(
            "There is no sign that units return the scores that they are given. A correlation below "
            "{detectable} would often not be seen."
        ).format(detectable=round_half_up(Fraction(item.detectable), 2))
    yield _("All pairs are looked at together: a single favour cannot be seen.")


def _pair_table(item: Reciprocity) -> Table:
    """Return the pairs that both gave each other more than the means lead to, the most first."""
    rows = [
        (pair.first, pair.second, _shown(pair.given), _shown(pair.returned))
        for pair in _high_pairs(item)
    ]
    columns = [
        *(Column(_("Unit")), Column(_("Other unit"))),
        *numbers(2, _("Unit gave more by"), _("Other unit gave more by")),
    ]
    note = _(
        "Points above what the means of rater and unit lead to, at most {count} pairs. Some pairs are "
        "always high by chance: please check the grounds of these scores."
    )
    notes = [note.format(count=_MOST_PAIRS)]
    return Table(_("Pairs to check"), _("Pairs to check"), columns, rows, notes)


def _high_pairs(item: Reciprocity) -> list[Pair]:
    high = [pair for pair in item.pairs if pair.given > 0 and pair.returned > 0]
    return sorted(high, key=lambda pair: -pair.given * pair.returned)[:_MOST_PAIRS]


def _shown(figure: Figure | float) -> Decimal | None:
    return None if isinstance(figure, Lack) else round_half_up(Fraction(figure), _DIGITS)


def panel_data(scheme: Scheme, scores: Ballots) -> dict[str, Any]:
    """Return the raters of a stage and group as JSON data; numbers are exact texts.

    A figure that the scores do not define is null, and ``undefined`` has the code of the reason.
    """
    own = rater_figures(scores)
    return {
        **_place(scores),
        "units": len(scores.units),
        "complete": not scores.missed,
        "severity_moves_no_unit": scores.severity_moves_none,
        "raters": [
            {
                "rater": item.rater,
                "count": item.count,
                **_figures({"mean": item.mean, **_own(item)}),
            }
            for item in own
        ],
        "without_scores": scores.silent,
        "missed": {
            rater: [dict(zip(scores.names, key, strict=True)) for key in keys]
            for rater, keys in scores.missed.items()
        },
        "panel": _figures(panel_figures(scores)),
        "notes": [*_notes(scheme, scores, own)],
    }


def reciprocity_data(item: Reciprocity, *, name_pairs: bool) -> dict[str, Any]:
    """Return what pairs of units say together as JSON data; ``p`` is exact, the others are floats."""
    lack = item.lack
    pairs = [
        {"unit": pair.first, "other": pair.second, "gave": pair.given, "was_given": pair.returned}
        for pair in _high_pairs(item)
    ]
    return {
        "between": [_place(scores) for scores in (item.one, item.other)],
        "pairs": len(item.pairs),
        "correlation": None if lack else item.correlation,
        "p": None if lack else exact_text(item.p),
        "detectable": None if lack else item.detectable,
        "permutations": item.permutations,
        "seed": item.seed,
        "undefined": lack,
        "notes": [*_reciprocity_notes(item)],
        **({"high_pairs": pairs} if name_pairs else {}),
    }


def _place(scores: Ballots) -> dict[str, str]:
    return {"stage": scores.stage, "group": scores.group, "dimension": scores.dimension}


def _own(item: RaterFigures) -> dict[str, Figure]:
    return {name: vars(item)[name] for name in _FIGURES}


def _figures(figures: Mapping[str, Figure]) -> dict[str, Any]:
    known = {
        name: None if isinstance(figure, Lack) else exact_text(figure)
        for name, figure in figures.items()
    }
    lacks = {name: figure for name, figure in figures.items() if isinstance(figure, Lack)}
    return {**known, "undefined": lacks}
