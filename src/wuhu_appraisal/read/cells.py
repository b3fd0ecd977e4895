"""What a cell says: a number, a grade, a mark for 'not applicable', or nothing.

Reading depends on the rule, the content and the look of a cell alone, so answers are kept: a
country's three million cells hold a few hundred distinct contents.
"""

import re
import unicodedata
from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_
from wuhu_appraisal.model import Absent, Grade, Rule, Score
from wuhu_appraisal.names import normalise
from wuhu_appraisal.numbers import decimals, from_float, plain
from wuhu_appraisal.scheme.facts import Fact
from wuhu_appraisal.scheme.models import Indicator, Plan
from wuhu_appraisal.scheme.rules import Convert, Reading
from wuhu_appraisal.workbooks.cell import PLAIN, Fault, Look, Raw
from wuhu_appraisal.workbooks.formats import number_in

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]{1,2}")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]{1,4},[0-9]{1,4}")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("。"): "."}
_LONGEST = 40
_UNSEEN = frozenset("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
_NUMERALS = frozenset("零〇一二两三四五六七八九十百千点壹贰叁肆伍陆柒捌玖拾佰仟")

_DAY_0 = datetime(1899, 12, 30)
"""A time without a date falls on this day; days 1 to 59 of the 1900 calendar count from the next."""

_FAR = 366
"""A date further than this from the day when something is due, in days, is taken for a slip."""

_FIRST_DAYS = datetime(1900, 3, 1)
"""A date before this is a duration of some days, such as 70:20:10."""


@dataclass(frozen=True, slots=True)
class TextNumber:
    """The number that a text says, a percentage's before the sign, and how it was read."""

    number: Decimal
    percent: bool
    rules: tuple[Rule, ...]


def parse_text(text: str, words: Sequence[str]) -> TextNumber | None:
    """Return the number that a text says; None if it says none, or could say another.

    ``words`` may stand behind the number.
    """
    if len(text) > _LONGEST and len(text.strip()) > 2 * _LONGEST:
        return None
    text = "".join(char for char in text if char not in _UNSEEN).strip()
    # Other invisible characters can turn round the order in which digits are shown.
    if len(text) > _LONGEST or any(unicodedata.category(char) == "Cf" for char in text):
        return None
    rules = [Rule.TEXT]
    narrow = text.translate(_HALF_WIDTH)
    if narrow != text:
        rules.append(Rule.FULL_WIDTH)
    bare = _drop_word(narrow, words)
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
    return TextNumber(Decimal(bare), percent, tuple(rules))


def shown_number(raw: Raw, look: Look, words: Sequence[str]) -> Decimal | None:
    """Return the number that a person sees in a cell, None for no number or a percentage in text."""
    if isinstance(raw, str):
        parsed = parse_text(raw, words) if raw else None
        return parsed.number if parsed is not None and not parsed.percent else None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    number = number_in(look.shown) if look.shown and not look.percent else None
    return number if number is not None else from_float(float(raw))


def held(raw: Raw) -> str:
    """Return what a cell holds, to the last digit of a float."""
    if isinstance(raw, float):
        return repr(raw).removesuffix(".0") if "e" not in repr(raw) else plain(from_float(raw))
    return str(raw)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a cell says: its value, findings without a place, and the rules by which it was read."""

    value: Score
    findings: tuple[Finding, ...] = ()
    rules: tuple[Rule, ...] = ()

    def findings_at(self, where: Source) -> list[Finding]:
        """Return the findings with their place."""
        return [Finding(item.code, item.params, where) for item in self.findings]


@dataclass(slots=True)
class CellRule:
    """How cells are read whose scores are out of the same full marks, or of none, in the same grades.

    ``known`` holds the values of contents of plain cells about which there is nothing to say, so
    that a row of them is read by looking them up. True equals 1.0 as a key: a row with truth values
    must not be looked up.
    """

    full_marks: Decimal | None
    reading: Reading
    grades: Sequence[str] = ()
    percentages: bool = False
    known: dict[Raw, Score] = field(default_factory=dict)
    _not_applicable: Set[str] = frozenset()
    _grades: dict[str, Grade] = field(default_factory=dict)
    _answers: dict[tuple[type, Raw, Look], Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Normalise what texts are compared with."""
        self._not_applicable = frozenset(map(normalise, self.reading.not_applicable))
        self._grades = {normalise(grade): Grade(grade) for grade in self.grades}

    @classmethod
    def of(cls, reading: Reading, plan: Plan, item: Indicator | None) -> "CellRule":
        """Return the rule for a plan's cells; ``item`` is theirs if each item has full marks."""
        if item is not None and item.fact is not None and item.fact.score is None:
            return FactCellRule(None, reading, fact=item.fact)
        marks = plan.marks_of(item)
        grades = [
            grade for step in plan.steps if isinstance(step, Convert) for grade in step.convert
        ]
        return cls(marks, reading, grades, plan.percentages == "of_full_marks")

    def read(self, raw: Raw, look: Look = PLAIN) -> Answer:
        """Return the score that a cell with this content and look holds."""
        key = (type(raw), raw, look)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._with_look(self._read(raw, look), raw, look)
            if look is PLAIN and not (answer.findings or answer.rules or isinstance(raw, bool)):
                self.known[raw] = answer.value
        return answer

    def _with_look(self, answer: Answer, raw: Raw, look: Look) -> Answer:
        """Add to an answer what the cell's look says."""
        if look is PLAIN or raw == "" or isinstance(raw, Fault):
            return answer
        number = from_float(raw) if isinstance(raw, float) else None
        value, shown = str(raw) if number is None else plain(number), look.shown or ""
        if look.fixed and shown.upper() in ("TRUE", "FALSE"):
            return _refused("score-is-boolean", value=shown)
        if look.fixed:
            return _refused("score-format-fixed", shown=shown, value=value)
        findings = list(answer.findings)
        if look.shown is not None and number is not None:
            seen = number_in(look.shown)
            if seen is None or seen != number * (100 if look.percent else 1):
                findings.append(finding("score-shown-otherwise", shown=shown, value=value))
        if look.struck:
            findings.append(finding("score-struck-out", value=value))
        if look.invisible:
            findings.append(finding("score-invisible", value=value))
        rules = (Rule.FORMULA, *answer.rules) if look.formula else answer.rules
        if look.formula and isinstance(answer.value, Decimal) and not answer.value:
            findings.append(finding("formula-gives-zero"))
        return self._judged(Answer(answer.value, tuple(findings), rules))

    def _judged(self, answer: Answer) -> Answer:
        """Take the value away if the scheme calls a finding about it an error."""
        if any(self.reading.severity(item.code) == "error" for item in answer.findings):
            return replace(answer, value=Absent.MISSING)
        return answer

    def _read(self, raw: Raw, look: Look) -> Answer:
        if isinstance(raw, Fault):
            return _refused(raw.code, value=raw.value)
        text = normalise(raw) if isinstance(raw, str) else None
        if text == "":
            return Answer(Absent.MISSING)
        if text in self._not_applicable:
            return Answer(Absent.NOT_APPLICABLE)
        return self._content(raw, text or "", look)

    def _content(self, raw: Raw, text: str, look: Look) -> Answer:
        """Read what is neither blank nor a mark; ``text`` is the normalised text, '' of a number."""
        assert not isinstance(raw, Fault), "a fault is refused before"
        if self._grades:
            grade = plain(from_float(raw)) if type(raw) is float else text
            if grade in self._grades:
                return Answer(self._grades[grade])
            if grade in self._not_applicable:
                return Answer(Absent.NOT_APPLICABLE)
            return _refused("grade-unknown", text=str(raw), grades=", ".join(self.grades))
        if isinstance(raw, str):
            return self._text(raw)
        if isinstance(raw, bool):
            return _refused("score-is-boolean", value=str(raw).upper())
        if not isinstance(raw, int | float):
            return _refused("score-is-date", value=str(raw), typed=_typed(raw))
        if look.percent and isinstance(raw, float):
            return self._percentage(from_float(raw), look.shown or "", ())
        return self._stored_number(raw, look)

    def _text(self, raw: str) -> Answer:
        words = self.reading.number_words
        parsed = parse_text(raw, words)
        if parsed is None:
            meaning = _numeral(raw, words)
            if meaning is not None:
                return _refused("score-is-numeral", value=raw.strip(), reading=meaning)
            if _DECIMAL_COMMA.fullmatch(raw.strip().translate(_HALF_WIDTH)):
                return _refused("score-decimal-comma", value=raw.strip())
            return _refused("score-not-number", value=raw)
        if parsed.percent:
            return self._percentage(parsed.number / 100, raw.strip(), parsed.rules)
        answer = self._number(parsed.number, raw.strip(), parsed.rules)
        return self._scientific(answer, raw.strip())

    def _stored_number(self, raw: float, look: Look) -> Answer:
        """Read a number that is stored as one, as the 15 digits that a spreadsheet shows of it."""
        number = from_float(raw) if isinstance(raw, float) else Decimal(raw)
        rules: tuple[Rule, ...] = ()
        if type(raw) is float and "e" not in repr(raw) and held(raw) != plain(number):
            rules = (Rule.DIGITS,)
        if look.scientific:
            rules = (*rules, Rule.SCIENTIFIC)
        return self._scientific(self._number(number, plain(number), rules), look.shown or "")

    def _percentage(self, share: Decimal, shown: str, rules: tuple[Rule, ...]) -> Answer:
        """Take a percentage for the share of the full marks where the scheme says so."""
        whole = share * (100 if self.full_marks is None else self.full_marks)
        if self.percentages and self.full_marks is not None:
            return self._number(whole, shown, (*rules, Rule.PERCENT))
        return _refused("score-is-percent", shown=shown, share=plain(share), whole=plain(whole))

    def _scientific(self, answer: Answer, shown: str) -> Answer:
        """Add a finding if a number in scientific notation counts."""
        if Rule.SCIENTIFIC not in answer.rules or not isinstance(answer.value, Decimal):
            return answer
        warning = finding("score-scientific", shown=shown, value=plain(answer.value))
        return self._judged(replace(answer, findings=(*answer.findings, warning)))

    def _number(self, number: Decimal, shown: str, rules: tuple[Rule, ...]) -> Answer:
        """Read a number within the full marks; outside them it counts where the scheme only warns."""
        if not number.is_finite():
            return _refused("score-not-number", value=shown)
        number = number or Decimal(0)  # A program may store 0 with a minus sign.
        outside = None
        if number < 0:
            outside = finding("score-below-zero", value=shown)
        elif self.full_marks is not None and number > self.full_marks:
            outside = finding("score-over-marks", value=shown, marks=plain(self.full_marks))
        if outside is not None:
            if self.reading.severity(outside.code) == "warning":
                return Answer(number, (outside,), rules)
            return Answer(Absent.MISSING, (outside,))
        most = self.reading.decimals
        if most is not None and decimals(number) > most and decimals(number.normalize()) > most:
            long = finding("score-decimals", value=plain(number), most=most)
            return self._judged(Answer(number, (long,), rules))
        return Answer(number, (), rules)


_YES = frozenset({"是", "有", "√", "✓", "yes", "1"})
_NO = frozenset({"否", "无", "没有", "×", "✗", "no", "0"})
_DATE = re.compile(r"(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?")

EXPECTED = {
    "count": N_("a whole number, 0 or more"),
    "quantity": N_("a number, 0 or more"),
    "percent": N_("a percentage of 0 to 100, such as 95 or 95%"),
    "share": N_("a share from 0 to 1, such as 0.95 or 95%"),
    "yes_no": N_("yes or no"),
    "due": N_("a date such as 2021-01-31, within a year of the day when it is due"),
}
"""What a cell with a fact holds, by the kind of the fact."""

_PERCENT_OR_SHARE = N_(
    "a percentage with its sign: it is not clear whether the number is out of 100 or out of 1"
)


@dataclass(slots=True, kw_only=True)
class FactCellRule(CellRule):
    """How cells are read that hold a fact that is no score."""

    fact: Fact
    _yes: Set[str] = frozenset()
    _no: Set[str] = frozenset()

    def __post_init__(self) -> None:
        """Take 无 for no, also where it says of a score that it does not apply."""
        CellRule.__post_init__(self)
        if self.fact.yes_no:
            self._yes = _YES | frozenset(map(normalise, self.reading.applicable))
            self._not_applicable -= self._yes | _NO
            marks = frozenset(map(normalise, self.reading.inapplicable))
            self._no = _NO | (marks - self._yes - self._not_applicable)

    def _content(self, raw: Raw, text: str, look: Look) -> Answer:
        if self.fact.yes_no:
            return self._yes_or_no(raw, text)
        if self.fact.due is not None:
            return self._days_late(raw, self.fact.due)
        return self._amount(raw, look)

    def _yes_or_no(self, raw: Raw, text: str) -> Answer:
        """Read 是 or 否 in its many forms as 1 or 0."""
        if isinstance(raw, float | int):
            number = Decimal(raw)
            rules = (Rule.FACT,) if isinstance(raw, bool) else ()
            return Answer(number, (), rules) if number in (0, 1) else self._wrong(raw)
        # A word in capitals is the word; a mark is not.
        said = {text, text.lower()}
        if said & self._yes or said & self._no:
            return Answer(Decimal(bool(said & self._yes)), (), (Rule.FACT,))
        return self._wrong(raw)

    def _days_late(self, raw: Raw, due: date) -> Answer:
        """Read a date as the days after the last one that is in time."""
        day = raw if isinstance(raw, date) else None
        written = _DATE.fullmatch(normalise(raw)) if isinstance(raw, str) else None
        if written is not None:
            try:
                day = date(*map(int, written.groups()))
            except ValueError:
                return self._wrong(raw)
        if isinstance(day, datetime):
            day = day.date()
        if day is None or day < _FIRST_DAYS.date():
            return self._wrong(raw)
        days = (day - due).days
        if abs(days) > _FAR:
            return self._wrong(raw)
        return Answer(Decimal(max(0, days)), (), (Rule.FACT,))

    def _amount(self, raw: Raw, look: Look) -> Answer:
        """Read a count, a quantity or a rate."""
        fact, rules, percent = self.fact, tuple[Rule, ...](), look.percent
        if isinstance(raw, str):
            unit = fact.count or fact.quantity
            parsed = parse_text(raw, [*(unit or ())])
            if parsed is None:
                return self._wrong(raw)
            number, percent, rules = parsed.number, parsed.percent, parsed.rules
            number = number / 100 if percent else number
        elif isinstance(raw, bool) or not isinstance(raw, int | float):
            return self._wrong(raw)
        else:
            number = from_float(float(raw))
        if not number.is_finite() or number < 0:
            return self._wrong(raw)
        if fact.rate is None:
            whole = fact.count is None or number == number.to_integral_value()
            return self._wrong(raw) if percent or not whole else self._counted(number, rules, raw)
        if percent:
            rules = (*rules, Rule.FACT)
            number = number * 100 if fact.rate == "percent" else number
        elif fact.rate == "percent" and 0 < number <= 1:
            return _refused("fact-wrong", value=str(raw), expected_word=_PERCENT_OR_SHARE)
        assert fact.highest is not None, "a rate has a highest value"
        return self._wrong(raw) if number > fact.highest else self._counted(number, rules, raw)

    def _counted(self, number: Decimal, rules: tuple[Rule, ...], raw: Raw) -> Answer:
        # A program may store 0 with a minus sign.
        return self._scientific(Answer(number or Decimal(0), (), rules), str(raw).strip())

    def _wrong(self, raw: Raw) -> Answer:
        shown = raw.date() if isinstance(raw, datetime) and raw >= _FIRST_DAYS else raw
        expected = EXPECTED[self.fact.rate or self.fact.kind]
        return _refused("fact-wrong", value=str(shown), expected_word=expected)


def _refused(code: str, **params: str) -> Answer:
    return Answer(Absent.MISSING, (finding(code, **params),))


def _drop_word(text: str, words: Sequence[str]) -> str:
    for word in words:
        if text.endswith(word) and len(text) > len(word):
            return text.removesuffix(word).rstrip()
    return text


def _numeral(raw: str, words: Sequence[str]) -> str | None:
    """Return the number that Chinese numerals may mean, as a suggestion; None if there are none."""
    text = _drop_word(raw.strip()[: 2 * _LONGEST], words)
    if not text or len(text) > _LONGEST or not set(text) <= _NUMERALS:
        return None
    # Imported here because hardly a sheet holds numerals.
    from cn2an import cn2an

    try:
        return plain(Decimal(str(cn2an(text, "smart"))))
    except ValueError:
        return None


def _typed(raw: date | time | timedelta) -> str:
    """Return what a person may have typed that a spreadsheet program took for a date or a time."""
    if isinstance(raw, datetime) and raw < _FIRST_DAYS:
        raw -= _DAY_0 if raw < _DAY_0 + timedelta(days=1) else _DAY_0 + timedelta(days=1)
    if isinstance(raw, date):
        return f"{raw.month}.{raw.day}, {raw.day}.{raw.month}, {raw.month}/{raw.day}"
    if isinstance(raw, timedelta):
        minutes, seconds = divmod(round(raw.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes}:{seconds}"
    return f"{raw.hour}:{raw.minute}:{raw.second}"
