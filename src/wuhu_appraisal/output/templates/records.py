"""The page of an adjustment's records: one row a record, and what each unit may get."""

from collections.abc import Iterator, Mapping, Sequence

from wuhu_appraisal.language import _, listed
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.output.templates.common import (
    first,
    foot,
    instruction_cells,
    instruction_names,
    known,
)
from wuhu_appraisal.output.templates.page import (
    OPEN_ROWS,
    Cell,
    Column,
    Look,
    Page,
    Rule,
    bracketed,
    sentences,
)
from wuhu_appraisal.output.templates.rules import band_text, choice_rule, points_rule
from wuhu_appraisal.read.forms import Place, tag_text
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Adjustment, Bands, Fixed, Stated

_WIDTHS = {"number": 10, "unit": 26, "value": 14, "points": 14, "reason": 36, "evidence": 36}


def record_page(scheme: Scheme, adjustments: Sequence[Adjustment], name: str) -> Page:
    """The page of the sheet that some adjustments share."""
    chief = adjustments[0]
    heads = _heads(scheme, chief)
    opens = min(stage.window.from_ for stage in scheme.stages)
    notes = [Cell(_instruction(chief, heads)), *map(Cell, _allowed(scheme, adjustments))]
    rules = _rules(scheme, adjustments, heads)
    return Page(
        name=name,
        heading=str(scheme.title),
        title=str(chief.title),
        tag=tag_text(scheme.id, Place.of(chief)),
        notes=notes,
        columns=[Column(head, _WIDTHS[kind]) for kind, head in heads.items()],
        rows=[[_cell(kind, at, heads, rules) for kind in heads] for at in range(OPEN_ROWS)],
        # A name below the units would be read as one: the entry stands behind their column.
        foot=foot(scheme.reading.labels, (opens, None), column=2),
        frozen=2,
    )


def _heads(scheme: Scheme, chief: Adjustment) -> dict[str, str]:
    """The label of each column, those that a record of the adjustment needs."""
    form, points = chief.form, chief.points
    heads = {
        "number": known(["序号"], scheme.reading.labels.ignored),
        "unit": first(form.unit),
    }
    if isinstance(points, Bands):
        heads["value"] = first(form.value)
    elif isinstance(points, Stated):
        word = "加分" if chief.kind == "bonus" else "扣分"
        heads["points"] = known([word], form.points) or first(form.points)
    for kind, labels in (("reason", form.reason), ("evidence", form.evidence)):
        if kind in (chief.requires or ["reason"]):
            heads[kind] = first(labels)
    return heads


def _rules(
    scheme: Scheme, adjustments: Sequence[Adjustment], heads: Mapping[str, str]
) -> dict[str, Rule]:
    """What may be entered in the columns that are checked."""
    groups = [group for item in adjustments for group in item.groups]
    units = [unit.name for group in dict.fromkeys(groups) for unit in scheme.group(group).units]
    text = _("Enter the unit's name as the scheme has it.")
    rules = {"unit": choice_rule(heads["unit"], text, units)}
    for kind in ("value", "points"):
        if kind in heads:
            rules[kind] = points_rule(heads[kind], adjustments)
    return rules


def _cell(kind: str, at: int, heads: Mapping[str, str], rules: Mapping[str, Rule]) -> Cell:
    if kind == "number":
        return Cell(at + 1 if heads[kind] else "", "number")
    look: Look = "open" if kind in ("value", "points") else "open-text"
    return Cell(look=look, rule=rules.get(kind))


def _instruction(chief: Adjustment, heads: Mapping[str, str]) -> str:
    needed = listed(heads[kind] for kind in chief.requires if heads[kind])
    return sentences(
        instruction_cells(),
        _("One record to a row; if nobody has any, send the form as it is."),
        _("Each record must have: {columns}.").format(columns=needed) if needed else "",
        instruction_names(),
    )


def _allowed(scheme: Scheme, adjustments: Sequence[Adjustment]) -> Iterator[str]:
    """What each adjustment gives to whom, a line each."""
    for item in adjustments:
        groups = listed(scheme.group(group).title for group in item.groups)
        parts = [_("bonus") if item.kind == "bonus" else _("deduction"), _points(item)]
        if item.cap is not None:
            parts.append(_("at most {points} points a unit").format(points=plain(item.cap)))
        if item.once:
            parts.append(_("once a unit"))
        yield bracketed(_("{who}: {what}").format(who=groups, what=listed(parts)), item.clause)


def _points(item: Adjustment) -> str:
    match item.points:
        case Bands(bands=bands):
            return listed(map(band_text, bands))
        case Stated(max=most):
            return _("at most {points} points a record").format(points=plain(most))
        case Fixed(fixed=points):
            return _("{points} points a record").format(points=plain(points))
