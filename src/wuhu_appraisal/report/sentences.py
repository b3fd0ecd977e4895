"""The sentences of an explanation: numbers of the trace in words, nothing computed."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

from wuhu_appraisal.decisions.applying import about
from wuhu_appraisal.decisions.models import WORDS, Applied
from wuhu_appraisal.i18n import N_, Bilingual, _
from wuhu_appraisal.ledger import LedgerEntry, Remark
from wuhu_appraisal.numbers import Number, exact_text, plain, round_half_up, short_text
from wuhu_appraisal.report.view import Column, show
from wuhu_appraisal.run import Run
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scoring.ops import Adjust, Operation
from wuhu_appraisal.scoring.rank import ADJUSTING, CAP, COMPOSITE, FINAL, Standing
from wuhu_appraisal.table import Absent, StepRow, Value

_BETWEEN = Bilingual("、", ", ")
_SPELLED_OUT = 12
_LONGEST_FRACTION = 24
_ZERO = Fraction(0)

_ABSENT = {
    Absent.MISSING: N_("missing"),
    Absent.NOT_APPLICABLE: N_("not applicable"),
    Absent.SET_ASIDE: N_("set aside"),
}

NAMED = N_("{name}: {value}")
OF_MARKS = N_("{name}: {value} of {marks}")


def value_text(value: Value) -> str:
    """A score as a reader wants it; a grade as it is."""
    if isinstance(value, Absent):
        return _(_ABSENT[value])
    return value if isinstance(value, str) else short_text(value)


def signed(value: Number) -> str:
    """A number with its sign, 0 without: '+3', '≈-0.2878'."""
    text = short_text(value)
    return text if value <= 0 else text.replace("≈", "≈+") if "≈" in text else f"+{text}"


def published_text(value: Decimal | None, digits: int) -> str:
    """A published number."""
    return show(value, Column("", "number", digits))


def rounding(value: Number, digits: int, published: str) -> str:
    """How an exact number became a published one."""
    return _("rounded half up to {digits} decimals: {exact} → {published}").format(
        digits=digits, exact=decisive(value, digits), published=published
    )


def decisive(value: Number, digits: int) -> str:
    """The exact number, or so many of its digits that they are rounded as it is."""
    text = exact_text(value)
    if "/" not in text:
        return text
    places = max(4, digits + 1)
    while round_half_up(round_half_up(value, places), digits) != round_half_up(value, digits):
        places += 1
    short = short_text(value, places)
    return f"{short} = {text}" if len(text) <= _LONGEST_FRACTION else short


def reading(entry: LedgerEntry) -> str:
    """How a cell was read."""
    return _("the cell holds '{raw}', read as {value}: {rules}").format(
        raw=entry.raw, value=entry.value, rules=str(_BETWEEN).join(_(rule) for rule in entry.rules)
    )


def decision(item: Applied) -> str:
    """What a person decided about a score: what, as what it counts, why, by whom and when."""
    made = item.decision
    word = _(WORDS[made.decide])
    if made.value is not None:
        word = _(NAMED).format(name=word, value=made.value)
    text = _("decision on {about}: {word}; {reason} (decided by {by}, {at})")
    return text.format(about=about(made), word=word, reason=made.reason, by=made.by, at=made.at)


def remark(item: Remark) -> str:
    """What was written beside a score."""
    return _(NAMED).format(name=_(item.kind), value=item.text)


def adjusted(scheme: Scheme, members: Sequence[str]) -> list[str]:
    """What the parts of a final are called."""
    names = {
        COMPOSITE: _("composite"),
        ADJUSTING: _("held to the bounds of all adjustments"),
        FINAL: _("held to the bounds of the final"),
    }
    for item in scheme.adjustments:
        names[item.id] = str(item.title)
        if item.cap is not None:
            names[item.id + CAP] = _("held to {cap}").format(cap=plain(item.cap))
    return [names[member] for member in members]


def sentence(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    """How a step made one number of its inputs, and which of them it left out."""
    absent = [
        (name, coefficient)
        for name, value, coefficient in zip(names, row.values, row.coefficients, strict=True)
        if isinstance(value, Absent)
    ]
    if isinstance(row.value, Absent):
        text = _("nothing that can be counted")
    else:
        text = _phrase(operation, row, names)
    for message, found in (
        (_(" (left out: {members})"), [name for name, share in absent if not share]),
        (_(" (counted as 0: {members})"), [name for name, share in absent if share]),
    ):
        if found:
            text += message.format(members=str(_BETWEEN).join(shortened(found)))
    return text


def ranking(run: Run, group_id: str, standing: Standing) -> Iterator[str]:
    """How a unit stands to those with the same final: the rank is shared, or a tie-break decides."""
    final = published_text(standing.final, run.scheme.final.digits)
    equal = [
        other
        for other in run.standings[group_id]
        if other.final == standing.final and other.unit != standing.unit
    ]
    shared = [other.unit for other in equal if other.rank == standing.rank]
    if shared:
        yield _("the rank is shared with {units}, whose final is {final} too").format(
            units=str(_BETWEEN).join(shortened(shared)), final=final
        )
    for other in equal:
        if other.rank != standing.rank:
            yield _tie_break(run.scheme, standing, other, final)


def shortened(texts: Sequence[str]) -> list[str]:
    """The texts, or where they are many the first and the last of them."""
    if len(texts) <= _SPELLED_OUT:
        return list(texts)
    return [*texts[: _SPELLED_OUT // 2], "…", *texts[-2:]]


def _tie_break(scheme: Scheme, own: Standing, other: Standing, final: str) -> str:
    titles = {stage.id: str(stage.title) for stage in scheme.stages}
    for tie in scheme.ranking.ties:
        stage = tie.stage or ""
        by_composite = tie.by == "composite"
        values = [
            item.composite if by_composite else item.stages.get(stage) for item in (own, other)
        ]
        if values[0] != values[1]:
            here, there = (published_text(value, scheme.composite.digits) for value in values)
            return _("{unit} has the final {final} too; {tie} decides: {here} to {there}").format(
                unit=other.unit,
                final=final,
                tie=_("composite") if by_composite else titles[stage],
                here=here,
                there=there,
            )
    raise AssertionError("equal finals with different ranks are told apart by a tie-break")


def _phrase(operation: Operation, row: StepRow, names: Sequence[str]) -> str:
    entered = [
        (coefficient, _ZERO if isinstance(value, Absent) else value)
        for coefficient, value in zip(row.coefficients, row.values, strict=True)
        if coefficient or not isinstance(value, Absent)
    ]
    inputs = _inputs([(coefficient, value) for coefficient, value in entered if coefficient])
    if isinstance(operation, Adjust):
        terms = zip(names, row.values, strict=True)
        inputs = " + ".join(f"{name} {value_text(value)}" for name, value in terms)
    value = value_text(row.value)
    text = operation.phrase(inputs, len(entered), value)
    return text.replace(f"{value} = {value}", value).replace("= ≈", "≈ ")


def _inputs(counted: Sequence[tuple[Fraction, Value]]) -> str:
    """The inputs with their coefficients, shortened where they are many."""
    if not counted:
        return "—"
    shares = {coefficient for coefficient, _counted in counted}
    values = [value_text(value) for _share, value in counted]
    if len(shares) == 1:
        share = shares.pop()
        added = " + ".join(shortened(values))
        if share == 1:
            return added
        over = f" ÷ {share.denominator}" if share.numerator == 1 else f" × {exact_text(share)}"
        return (f"({added})" if len(values) > 1 else added) + over
    terms = [
        f"{exact_text(share)}×{value}" for (share, _v), value in zip(counted, values, strict=True)
    ]
    return " + ".join(shortened(terms))
