"""What may be entered in a form's cells, as XlsxWriter's data_validation takes it.

Programs check an entry when it is typed and not when it is pasted: reading checks it again.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from wuhu_appraisal.language import _, language, listed
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.output.parameters import band_text
from wuhu_appraisal.scheme.facts import Fact
from wuhu_appraisal.scheme.final import Adjustment, Bands, Each, Stated

Rule: TypeAlias = Mapping[str, object]
"""Options of a data validation. In a formula ``{cell}`` stands for the address of the cell."""

_LONGEST = 255
"""Characters in a formula, a list or a prompt that Excel takes."""
_LONGEST_TITLE = 32
_YES_NO = ("是", "否")


def score_rule(
    title: str,
    marks: Decimal | None,
    digits: int | None,
    tokens: Sequence[str],
    grades: Sequence[str],
) -> Rule:
    """A number from 0 to ``marks``, if there are any, or one of the grades; or a token.

    ``digits`` is the greatest number of decimals; the tokens stand for 'not applicable'.
    """
    skip = _("If the item does not apply, enter {mark}.").format(mark=tokens[0]) if tokens else ""
    if grades:
        text = join_sentences(_("Choose one of: {grades}.").format(grades=listed(grades)), skip)
        return choice_rule(title, text, [*grades, *tokens])
    text = join_sentences(_number_wanted(marks, digits), skip)
    highest = "" if marks is None else f",{{cell}}<={plain(marks)}"
    if marks is not None and digits is None and not tokens:
        return _up_to(title, text, marks)
    rounded = "" if digits is None else f",ROUND({{cell}},{digits})={{cell}}"
    while True:
        # ISNUMBER comes first: to round a text is an error, and AND evaluates all of its parts.
        formula = (
            f"IF(ISNUMBER({{cell}}),AND({{cell}}>=0{highest}{rounded}),{_equals_one_of(tokens)})"
        )
        if not (tokens and _is_too_long(formula)):
            return _rule(title, text, validate="custom", value=f"={formula}")
        tokens = tokens[:-1]


def fact_unit(fact: Fact) -> str:
    """What a fact is stated in, as a form says it; '' for a score."""
    if fact.rate is not None:
        return "%" if fact.rate == "percent" else _("a share of 1")
    if fact.due is not None:
        return _("date, by {due}").format(due=fact.due)
    return "/".join(_YES_NO) if fact.yes_no else str(fact.count or fact.quantity or "")


def fact_rule(title: str, fact: Fact, tokens: Sequence[str]) -> Rule:
    """A fact of its kind, or a token that stands for 'not applicable'."""
    skip = _("If the item does not apply, enter {mark}.").format(mark=tokens[0]) if tokens else ""
    if fact.yes_no:
        text = _("Choose one of: {grades}.").format(grades=listed(_YES_NO))
        return choice_rule(title, join_sentences(text, skip), [*_YES_NO, *tokens])
    allowed = "{cell}>=0"
    if fact.due is not None:
        text = _("Enter the date as year-month-day, such as {example}.").format(example=fact.due)
        # A fixed early day keeps out numbers that are no dates.
        allowed = "{cell}>=36526"
    elif fact.rate is not None:
        highest = 100 if fact.rate == "percent" else 1
        example = "95" if fact.rate == "percent" else "0.95"
        text = _("Enter the rate as {example} or with its sign as 95%.").format(example=example)
        allowed = f"AND({{cell}}>=0,{{cell}}<={highest})"
    elif fact.count is not None:
        text = _("Enter a whole number, 0 or more ({unit}).").format(unit=fact.count)
        allowed = "AND({cell}>=0,{cell}=INT({cell}))"
    else:
        text = _("Enter a number, 0 or more ({unit}).").format(unit=fact.quantity)
    text = join_sentences(text, skip)
    if tokens:
        other = _equals_one_of(tokens)
        return _formula(title, text, f"IF(ISNUMBER({{cell}}),{allowed},{other})")
    if fact.due is not None:
        return _rule(title, text, validate="date", criteria=">=", value=date(2000, 1, 1))
    if fact.rate is not None:
        return _up_to(title, text, Decimal(highest))
    kind = "integer" if fact.count is not None else "decimal"
    return _rule(title, text, validate=kind, criteria=">=", value=0)


def choice_rule(title: str, text: str, words: Sequence[str]) -> Rule:
    """One of the words: a list if it is short enough for one, else a formula, else a prompt alone."""
    if len(",".join(words)) <= _LONGEST and not any(
        {",", '"'} & set(word) or word.startswith("=") or word != word.strip() for word in words
    ):
        return _rule(title, text, validate="list", source=list(words))
    return _formula(title, text, _equals_one_of(words))


def points_rule(title: str, adjustments: Sequence[Adjustment]) -> Rule:
    """What a record states: points up to the maximum of the adjustments, or a value in a band."""
    # A sheet has the columns of the first of the adjustments that share it.
    if isinstance(adjustments[0].points, Stated):
        highest = max(item.points.max for item in adjustments if isinstance(item.points, Stated))
        return _up_to(title, _number_wanted(highest, None), highest)
    if isinstance(adjustments[0].points, Each):
        text = _("Enter a whole number of 0 or more.")
        limits = {"validate": "integer", "criteria": ">=", "value": 0}
        return _rule(title, text, **limits)
    by_band = [item.points for item in adjustments if isinstance(item.points, Bands)]
    bands = [band for points in by_band for band in points.bands]
    whole = all(points.whole for points in by_band)
    text = _("Enter a whole number: {bands}.") if whole else _("Enter a number: {bands}.")
    text = text.format(bands=listed(map(band_text, bands)))
    inside = ",".join(
        f"{{cell}}>={plain(band.from_)}"
        if band.to is None
        else f"AND({{cell}}>={plain(band.from_)},{{cell}}<={plain(band.to)})"
        for band in bands
    )
    allowed = f"AND({{cell}}=INT({{cell}}),OR({inside}))" if whole else f"OR({inside})"
    return _formula(title, text, f"IF(ISNUMBER({{cell}}),{allowed},FALSE)")


def date_rule(title: str, start: date, end: date | None) -> Rule:
    """A date within a window; one outside it is queried and not refused, as a sheet may be late."""
    limits: dict[str, object]
    if end is None:
        text = _("Enter the date as year-month-day, such as {example}.").format(example=start)
        limits = {"criteria": ">=", "value": start}
    else:
        text = _("Enter the date as year-month-day, from {start} to {end}.")
        text = text.format(start=start, end=end)
        limits = {"criteria": "between", "minimum": start, "maximum": end}
    queried = {"error_title": _("Is this meant?"), "error_type": "warning"}
    return {**_rule(title, text, validate="date", **limits), **queried}


def join_sentences(*sentences: str) -> str:
    """Sentences as one paragraph, with a space between them where the language has one."""
    return ("" if language() == "zh" else " ").join(filter(None, sentences))


def quoted(text: str) -> str:
    """A text inside a formula."""
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _number_wanted(marks: Decimal | None, digits: int | None) -> str:
    if marks is None:
        return _("Enter a number that is 0 or more.")
    if digits is None:
        text = _("Enter a number from 0 to {marks}.")
    elif digits == 0:
        text = _("Enter a whole number from 0 to {marks}.")
    else:
        text = _("Enter a number from 0 to {marks} with at most {digits} decimals.")
    return text.format(marks=plain(marks), digits=digits)


def _up_to(title: str, text: str, highest: Decimal) -> Rule:
    limits = {"criteria": "between", "minimum": "0", "maximum": str(highest)}
    return _rule(title, text, validate="decimal", **limits)


def _formula(title: str, text: str, formula: str) -> Rule:
    """A rule by a formula; if that is too long for Excel, a prompt alone."""
    if _is_too_long(formula):
        return _rule(title, text, validate="any")
    return _rule(title, text, validate="custom", value=f"={formula}")


def _rule(title: str, text: str, **criteria: object) -> Rule:
    """What is checked, with a prompt whose text is also shown when an entry is refused."""
    text = _shortened(text, _LONGEST)
    return {
        "input_title": _shortened(title, _LONGEST_TITLE),
        "input_message": text,
        "error_title": _("Not accepted"),
        "error_message": text,
        **criteria,
    }


def _equals_one_of(words: Sequence[str]) -> str:
    equal = ",".join(f"{{cell}}={quoted(word)}" for word in words)
    return f"OR({equal})" if words else "FALSE"


def _is_too_long(formula: str) -> bool:
    # Lower or further right cells have longer addresses.
    return len(formula.replace("{cell}", "AAA9999")) > _LONGEST


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
