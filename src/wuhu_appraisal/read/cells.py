"""What a score cell says: validated by pydantic, each distinct cell content once.

A rule is one column's or sheet's: its full marks, whether a mark for 'not applicable' may stand
in it, and its grades. Reading is a pure function of the rule and the raw content, so its answers
are kept: a country's three million cells hold a few hundred distinct ones.
"""

import re
import unicodedata
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from wuhu_appraisal.model import Absent, Grade, Rule, Score
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import decimals, from_float, plain
from wuhu_appraisal.scheme.rules import Reading
from wuhu_appraisal.workbooks.cell import PLAIN, Fault, Look, Raw, Sheet
from wuhu_appraisal.workbooks.formats import number_in

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]{1,2}")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("。"): "."}
_LONGEST = 40
_UNSEEN = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
_NUMERALS = frozenset("零〇一二两三四五六七八九十百千点壹贰叁肆伍陆柒捌玖拾佰仟")


@dataclass(frozen=True, slots=True)
class ReadText:
    """The number that a text says, a percentage's before the sign, and how it was read."""

    number: Decimal
    percent: bool
    rules: tuple[Rule, ...]


def read_text(raw: str, words: Sequence[str]) -> ReadText | None:
    """The number that a text says; None where it says none, or could say another."""
    if len(raw) > _LONGEST and len(raw.strip()) > 2 * _LONGEST:
        return None
    text = "".join(char for char in raw if char not in _UNSEEN).strip()
    # Other invisible characters can turn round the order in which digits are shown.
    if len(text) > _LONGEST or any(unicodedata.category(char) == "Cf" for char in text):
        return None
    rules = [Rule.TEXT]
    narrow = text.translate(_HALF_WIDTH)
    if narrow != text:
        rules.append(Rule.FULL_WIDTH)
    bare = _without_word(narrow, words)
    if bare != narrow:
        rules.append(Rule.WORD)
    percent = bare.endswith("%")
    bare = bare.removesuffix("%").rstrip()
    if _THOUSANDS.fullmatch(bare):
        rules.append(Rule.THOUSANDS)
        bare = bare.replace(",", "")
    if _SCIENTIFIC.fullmatch(bare):
        rules.append(Rule.SCIENTIFIC)
    elif _NUMBER.fullmatch(bare) is None:
        return None
    return ReadText(Decimal(bare), percent, tuple(rules))


def numeral(raw: str, words: Sequence[str]) -> str | None:
    """The number that Chinese numerals may mean, as a suggestion; None where they say none."""
    text = _without_word(raw.strip()[: 2 * _LONGEST], words)
    if not text or len(text) > _LONGEST or not set(text) <= _NUMERALS:
        return None
    # Imported here because hardly a sheet holds numerals.
    from cn2an import cn2an

    try:
        return plain(Decimal(str(cn2an(text, "smart"))))
    except ValueError:
        return None


def _without_word(text: str, words: Sequence[str]) -> str:
    for word in words:
        if text.endswith(word) and len(text) > len(word):
            return text.removesuffix(word).rstrip()
    return text


_DATE = re.compile(r"(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?|(20\d\d)(\d\d)(\d\d)$")
_LONGEST_dates = 1000
_TIME = re.compile(r"(?:T?\d{1,2}:\d\d(?::\d\d(?:\.0+)?)?)?")


@dataclass(frozen=True, slots=True)
class StatedDate:
    """What stands behind a sheet's label for its date: a day, or a text that is none."""

    row: int
    column: int
    text: str
    day: date | None


def stated_date(grid: Sheet, labels: tuple[str, ...]) -> StatedDate | None:
    """The date that a sheet bears; None where it bears no label for one, or nothing behind it."""
    for row in range(len(grid.rows)):
        for column in range(len(grid.rows[row])):
            word = grid.word(row, column)
            labelled = (
                _label(labels).search(unicodedata.normalize("NFKC", word[:_LONGEST_dates]))
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


def _behind(grid: Sheet, row: int, column: int, rest: str | None) -> StatedDate | None:
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


@dataclass(frozen=True, slots=True)
class Remarked:
    """What a person must know of a cell: a finding without its place."""

    code: str
    params: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A cell's value, what a person must know of it, and the rules by which it was read."""

    value: Score
    remarked: tuple[Remarked, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether nobody need be told how the cell was read."""
        return not self.remarked and not self.rules


@dataclass(slots=True)
class CellRule:
    """How the cells of one column are read.

    ``plain`` holds the values of contents that need no word to anybody, so that a row of them is
    read by looking them up. True equals 1.0 as a key: a row with truth values must not be.
    """

    full_marks: Decimal
    reading: Reading
    grades: Sequence[str] = ()
    percentages: bool = False
    plain: dict[Raw, Score] = field(default_factory=dict)
    _tokens: Set[str] = frozenset()
    _number: TypeAdapter[Decimal] | None = None
    _looked: dict[tuple[Raw, Look], Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Know the marks for 'not applicable' in the form in which they are compared."""
        self._tokens = frozenset(map(normalise, self.reading.not_applicable))

    def read(self, raw: Raw, look: Look = PLAIN) -> Answer:
        """The score that a raw cell holds."""
        if look is PLAIN:
            answer = self._read(raw, look)
            if answer.plain and not isinstance(raw, bool):
                self.plain[raw] = answer.value
            return answer
        # True equals 1.0 as a key.
        if isinstance(raw, bool):
            return self._with_look(raw, look)
        key = (raw, look)
        if key not in self._looked:
            self._looked[key] = self._with_look(raw, look)
        return self._looked[key]

    def _with_look(self, raw: Raw, look: Look) -> Answer:
        """A cell's answer, and what its look adds to it."""
        answer = self._read(raw, look)
        if raw == "" or isinstance(raw, Fault):
            return answer
        shown = _shown(raw)
        added: list[Remarked] = []
        if look.fixed and (look.shown or "").upper() in ("TRUE", "FALSE"):
            boolean = Remarked("score-is-boolean", {"value": str(look.shown)})
            return Answer(Absent.MISSING, (boolean,))
        if look.fixed:
            fixed = Remarked("score-format-fixed", {"shown": look.shown or "", "value": shown})
            return Answer(Absent.MISSING, (fixed,))
        if _otherwise(raw, look):
            params = {"shown": look.shown or "", "value": shown}
            added.append(Remarked("score-shown-otherwise", params))
        if look.struck:
            added.append(Remarked("score-struck-out", {"value": shown}))
        if look.invisible:
            added.append(Remarked("score-invisible", {"value": shown}))
        rules = (Rule.FORMULA, *answer.rules) if look.formula else answer.rules
        found = Answer(answer.value, (*answer.remarked, *added), rules)
        return self._judged(found)

    def _judged(self, answer: Answer) -> Answer:
        """Without its value where the scheme takes for an error what is said of it."""
        severities = self.reading.severities
        if any(severities.get(item.code) == "error" for item in answer.remarked):  # type: ignore[call-overload]
            return replace(answer, value=Absent.MISSING)
        return answer

    def _read(self, raw: Raw, look: Look) -> Answer:
        if isinstance(raw, Fault):
            return _refused(raw.code, value=raw.value)
        text = normalise(raw) if isinstance(raw, str) else None
        if text == "":
            return Answer(Absent.MISSING)
        if text in self._tokens:
            return Answer(Absent.NOT_APPLICABLE)
        if self.grades:
            return self._grade(raw, text)
        if isinstance(raw, str):
            return self._of_text(raw)
        if look.percent and isinstance(raw, float):
            return self._percent(from_float(raw), look.shown or "", ())
        rules: tuple[Rule, ...] = ()
        if type(raw) is float and repr(raw).removesuffix(".0") != plain(from_float(raw)):
            rules = (Rule.DIGITS,) if "e" not in repr(raw) else ()
        if look.scientific:
            rules = (*rules, Rule.SCIENTIFIC)
        answer = self._number_of(raw, _shown(raw), rules)
        if look.scientific and isinstance(answer.value, Decimal):
            return self._scientific(answer, look.shown or "")
        return answer

    def _of_text(self, raw: str) -> Answer:
        read = read_text(raw, self.reading.number_words)
        if read is None:
            meant = numeral(raw, self.reading.number_words)
            if meant is not None:
                return _refused("score-is-numeral", value=raw.strip(), reading=meant)
            return _refused("score-not-number", value=raw)
        if read.percent:
            return self._percent(read.number / 100, raw.strip(), read.rules)
        answer = self._number_of(read.number, raw.strip(), read.rules)
        if Rule.SCIENTIFIC in read.rules and isinstance(answer.value, Decimal):
            return self._scientific(answer, raw.strip())
        return answer

    def _grade(self, raw: Raw, text: str | None) -> Answer:
        known = {normalise(grade): grade for grade in self.grades}
        grade = plain(from_float(raw)) if type(raw) is float else text
        if grade in known:
            return Answer(Grade(known[grade]))
        return _refused("grade-unknown", text=str(raw), grades=", ".join(self.grades))

    def _percent(self, share: Decimal, shown: str, rules: tuple[Rule, ...]) -> Answer:
        """A percentage: the share of the full marks where the scheme says so, else a question."""
        whole = share * self.full_marks
        if self.percentages:
            return self._number_of(whole, shown, (*rules, Rule.PERCENT))
        return _refused("score-is-percent", shown=shown, share=plain(share), whole=plain(whole))

    def _scientific(self, answer: Answer, shown: str) -> Answer:
        assert isinstance(answer.value, Decimal)
        said = Remarked("score-scientific", {"shown": shown, "value": plain(answer.value)})
        return self._judged(replace(answer, remarked=(*answer.remarked, said)))

    def _number_of(self, raw: Any, shown: str, rules: tuple[Rule, ...]) -> Answer:
        """The number within the full marks; outside them it counts where the scheme only warns."""
        if self._number is None:
            self._number = TypeAdapter(_bounded(self.full_marks))
        try:
            value = self._number.validate_python(raw)
        except ValidationError as error:
            refusal = self._refusal(raw, shown, error)
            if self.reading.severities.get(refusal.code) != "warning":  # type: ignore[call-overload]
                return Answer(Absent.MISSING, (refusal,))
            return Answer(_decimal(raw), (refusal,), rules)
        most = self.reading.decimals
        if most is not None and decimals(value) > most and decimals(value.normalize()) > most:
            long = Remarked("score-decimals", {"value": plain(value), "most": str(most)})
            return self._judged(Answer(value, (long,), rules))
        return Answer(value, (), rules)

    def _refusal(self, raw: Any, shown: str, error: ValidationError) -> Remarked:
        detail = error.errors(include_url=False)[0]
        match detail["type"]:
            case "greater_than_equal":
                return Remarked("score-below-zero", {"value": shown})
            case "less_than_equal":
                marks = plain(self.full_marks)
                return Remarked("score-over-marks", {"value": shown, "marks": marks})
            case "cell_date":
                return Remarked("score-is-date", {"value": shown, "typed": _typed(raw)})
            case "cell_kind":
                return Remarked("score-is-boolean", {"value": shown.upper()})
            case _:
                return Remarked("score-not-number", {"value": shown})


def _refused(code: str, **params: str) -> Answer:
    return Answer(Absent.MISSING, (Remarked(code, params),))


_DAY_0 = datetime(1899, 12, 30)
"""A time without a date falls on this day; days 1 to 59 of the 1900 calendar count from the next."""

_FIRST_DAYS = datetime(1900, 3, 1)
"""A date before this is a duration of some days, such as 70:20:10."""


def held(raw: Raw) -> str:
    """What a cell holds, to the last digit of a float."""
    if isinstance(raw, float):
        return repr(raw).removesuffix(".0") if "e" not in repr(raw) else plain(from_float(raw))
    return str(raw)


def _shown(raw: Raw) -> str:
    return plain(from_float(raw)) if isinstance(raw, float) else str(raw)


def _otherwise(raw: Raw, look: Look) -> bool:
    """Whether a cell shows another number than it holds."""
    if look.shown is None or not isinstance(raw, float):
        return False
    seen = number_in(look.shown)
    share = 100 if look.percent else 1
    return seen is None or seen != from_float(raw) * share


def _typed(raw: Any) -> str:
    """What a person may have entered that a spreadsheet program made a date or a time of."""
    if isinstance(raw, datetime) and raw < _FIRST_DAYS:
        raw -= _DAY_0 if raw < _DAY_0 + timedelta(days=1) else _DAY_0 + timedelta(days=1)
    if isinstance(raw, datetime | date):
        return f"{raw.month}.{raw.day}, {raw.day}.{raw.month}, {raw.month}/{raw.day}"
    if isinstance(raw, timedelta):
        minutes, seconds = divmod(round(raw.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes}:{seconds}"
    assert isinstance(raw, time)
    return f"{raw.hour}:{raw.minute}:{raw.second}"


def _decimal(raw: Any) -> Any:
    """The exact decimal of a cell's content; a float is what the spreadsheet shows of it."""
    if isinstance(raw, bool):
        raise PydanticCustomError("cell_kind", "a truth value is not a score")
    if isinstance(raw, float):
        return from_float(raw)
    if isinstance(raw, int | Decimal):
        return Decimal(raw)
    raise PydanticCustomError("cell_date", "a date or time is not a score")


def _bounded(full_marks: Decimal) -> Any:
    return Annotated[
        Decimal,
        BeforeValidator(_decimal),
        Field(ge=0, le=full_marks, allow_inf_nan=False),
    ]
