"""What may be entered in a cell, said three ways: a formula, a prompt, and a word for what is wrong.

Programs check an entry when it is typed and not when it is pasted: reading checks it again.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from wuhu_appraisal.language import _, listed
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.output.templates.page import Rule, quoted, sentences
from wuhu_appraisal.scheme.rules import Adjustment, Band, Bands, Stated

LONGEST = 255
"""Characters in a formula or a list that Excel takes for a rule."""
_FAR_CELL = "AAA9999"


def score_rule(
    title: str, marks: Decimal, digits: int | None, tokens: Sequence[str], grades: Sequence[str]
) -> Rule:
    """A number from 0 to the marks or, where there are any, a grade; or a mark for 'not applicable'."""
    if grades:
        text = _("Choose one of: {grades}.").format(grades=listed(grades))
        return choice_rule(title, sentences(text, _not_applicable(tokens)), [*grades, *tokens])
    text = sentences(_number_asked(marks, digits), _not_applicable(tokens))
    if digits is None and not tokens:
        return Rule(title, text, between=(Decimal(0), marks))
    formula = _number_or(marks, digits, tokens)
    while tokens and _length(formula) > LONGEST:
        tokens = tokens[:-1]
        formula = _number_or(marks, digits, tokens)
    return Rule(title, text, formula)


def choice_rule(title: str, text: str, words: Sequence[str]) -> Rule:
    """One of some words: from a list where it fits into one, else by formula, else only asked for."""
    if all(map(_fits_list, words)) and len(",".join(words)) <= LONGEST:
        return Rule(title, text, choices=tuple(words))
    formula = _equal_to(words)
    return Rule(title, text, formula if _length(formula) <= LONGEST else "")


def points_rule(title: str, adjustments: Sequence[Adjustment]) -> Rule:
    """What a record of one of the adjustments may state: points up to a maximum, or a value in a band."""
    found = [item.points for item in adjustments]
    bands = [band for points in found if isinstance(points, Bands) for band in points.bands]
    # A sheet has the columns of the first of the adjustments that share it.
    if isinstance(found[0], Stated):
        most = max(points.max for points in found if isinstance(points, Stated))
        return Rule(title, _number_asked(most, None), between=(Decimal(0), most))
    text = _("Enter a number: {bands}.").format(bands=listed(map(band_text, bands)))
    formula = f"IF(ISNUMBER({{cell}}),OR({','.join(map(_in_band, bands))}),FALSE)"
    return Rule(title, text, formula if _length(formula) <= LONGEST else "")


def band_text(band: Band) -> str:
    """A band and its points: '11 to 20: 3 points'."""
    low, points = plain(band.from_), plain(band.points)
    if band.to is None:
        return _("{low} and above: {points} points").format(low=low, points=points)
    high = plain(band.to)
    return _("{low} to {high}: {points} points").format(low=low, high=high, points=points)


def date_rule(title: str, start: date, end: date | None) -> Rule:
    """A date within a window; one outside it is asked about, because a late sheet is late."""
    if end is None:
        text = _("Enter the date as year-month-day, such as {example}.").format(example=start)
    else:
        text = _("Enter the date as year-month-day, from {start} to {end}.").format(
            start=start, end=end
        )
    return Rule(title, text, between=(start, end), stops=False)


def _number_asked(marks: Decimal, digits: int | None) -> str:
    if digits is None:
        text = _("Enter a number from 0 to {marks}.")
    elif digits == 0:
        text = _("Enter a whole number from 0 to {marks}.")
    else:
        text = _("Enter a number from 0 to {marks} with at most {digits} decimals.")
    return text.format(marks=plain(marks), digits=digits)


def _not_applicable(tokens: Sequence[str]) -> str:
    if not tokens:
        return ""
    return _("If the item does not apply, enter {mark}.").format(mark=tokens[0])


def _number_or(marks: Decimal, digits: int | None, tokens: Sequence[str]) -> str:
    """True of a number within the marks, and of each token."""
    rounded = "" if digits is None else f",ROUND({{cell}},{digits})={{cell}}"
    number = f"AND({{cell}}>=0,{{cell}}<={plain(marks)}{rounded})"
    # Asked first, because to round a text is an error and OR and AND look at everything.
    return f"IF(ISNUMBER({{cell}}),{number},{_equal_to(tokens)})"


def _equal_to(words: Sequence[str]) -> str:
    equal = ",".join(f"{{cell}}={quoted(word)}" for word in words)
    return f"OR({equal})" if words else "FALSE"


def _in_band(band: Band) -> str:
    above = f"{{cell}}>={plain(band.from_)}"
    return above if band.to is None else f"AND({above},{{cell}}<={plain(band.to)})"


def _length(formula: str) -> int:
    return len(formula.replace("{cell}", _FAR_CELL))


def _fits_list(word: str) -> bool:
    return not ({",", '"'} & set(word) or word.startswith("=") or word != word.strip())
