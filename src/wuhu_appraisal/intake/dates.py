"""The date that a sheet bears, as a cell or in words such as 填表日期:2021年1月15日."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from wuhu_appraisal.intake.grid import Grid
from wuhu_appraisal.names import normalise

_DATE = re.compile(r"(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?|(20\d\d)(\d\d)(\d\d)$")
_LONGEST = 1000
_TIME = re.compile(r"(?:T?\d{1,2}:\d\d(?::\d\d(?:\.0+)?)?)?")


@dataclass(frozen=True, slots=True)
class StatedDate:
    """What stands behind a sheet's label for its date: a day, or a text that is none."""

    row: int
    column: int
    text: str
    day: date | None


def stated_date(grid: Grid, labels: tuple[str, ...]) -> StatedDate | None:
    """The date that a sheet bears; None where it bears no label for one, or nothing behind it."""
    for row in range(len(grid.rows)):
        for column in range(len(grid.rows[row])):
            word = grid.word(row, column)
            labelled = (
                _label(labels).search(unicodedata.normalize("NFKC", word[:_LONGEST]))
                if word
                else None
            )
            if labelled:
                found = _behind(grid, row, column, labelled[1])
                if found is not None:
                    return found
    return None


@lru_cache(maxsize=16)
def _label(labels: tuple[str, ...]) -> re.Pattern[str]:
    """A label at the beginning of a text or of a word in it, a colon, and what stands behind."""
    return re.compile(rf"(?:^|\s)(?:{'|'.join(map(re.escape, labels))})\s*(?::(.*)|$)", re.DOTALL)


def _behind(grid: Grid, row: int, column: int, rest: str | None) -> StatedDate | None:
    """The date behind a label in its own cell, else in the next cell that holds anything.

    Without a colon a label may be a column's, and is one for a date only if a date follows.
    """
    if rest is not None and normalise(rest).strip("年月日_"):
        written = _DATE.match(normalise(rest))
        text = written[0] if written else rest.strip()
        return StatedDate(row, column, text, _day(text))
    for at in range(column + 1, len(grid.rows[row])):
        value = grid.rows[row][at]
        if isinstance(value, datetime):
            return StatedDate(row, at, str(value.date()), value.date())
        if isinstance(value, date):
            return StatedDate(row, at, str(value), value)
        text = grid.text(row, at)
        if text:
            day = _day(normalise(text))
            another_label = ":" in normalise(text) and day is None
            return (
                None
                if another_label or (rest is None and day is None)
                else StatedDate(row, at, text, day)
            )
    return None


def _day(text: str) -> date | None:
    found = _DATE.match(text)
    if found is None or not _TIME.fullmatch(text[found.end() :]):
        return None
    try:
        return date(*map(int, filter(None, found.groups())))
    except ValueError:
        return None
