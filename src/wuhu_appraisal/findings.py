"""Findings: what a person must know, as values.

A finding names its code, its severity, its place and its particulars. findings.toml holds the texts
of every code in both languages; it is read when the first finding is made.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from wuhu_appraisal.language import N_, Bilingual, _


class Severity(StrEnum):
    """How much a finding matters: an error stops the result, a warning does not."""

    ERROR = N_("error")
    WARNING = N_("warning")


class Code(NamedTuple):
    """One kind of finding: what it says, what to do about it, and why it matters."""

    severity: Severity
    message: Bilingual
    hint: Bilingual
    why: Bilingual


@cache
def codes() -> Mapping[str, Code]:
    """Every kind of finding by its code, in the order of findings.toml."""
    texts = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {
        code: Code(
            Severity(kind["severity"]),
            *(Bilingual(**kind[part]) for part in ("message", "hint", "why")),
        )
        for code, kind in texts.items()
    }


_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})(?::|\Z)")


def column_letters(column: int) -> str:
    """Return the letters of a 0-based column: A for 0, AA for 26."""
    letters = chr(65 + column % 26)
    return letters if column < 26 else column_letters(column // 26 - 1) + letters


@lru_cache(maxsize=20_000)
def column_index(letters: str) -> int:
    """Return the 0-based column that letters name: 0 for A, 26 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def address(row: int, column: int) -> str:
    """Return the address of the cell at a 0-based row and column: B7 for 6 and 1."""
    return f"{column_letters(column)}{row + 1}"


def parse_address(cell: str) -> tuple[int, int] | None:
    """Return the 0-based row and column of B7, or of B7:C9's first cell; None for any other text."""
    match = _ADDRESS.match(cell)
    return (int(match[2]) - 1, column_index(match[1])) if match else None


@dataclass(frozen=True, slots=True)
class Source:
    """A place in a file: a sheet's cell, or a line and column (1-based) of a text file."""

    file: str
    sheet: str = ""
    cell: str = ""
    line: int = 0
    column: int = 0

    @property
    def of_sheet(self) -> "Source":
        """The sheet that the place is in."""
        return Source(self.file, self.sheet)

    def __str__(self) -> str:
        """``file › sheet › B7``, or ``file:12:5`` as editors and compilers write it."""
        if self.line:
            return f"{self.file}:{self.line}:{self.column}"
        return " › ".join(part for part in (self.file, self.sheet, self.cell) if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know. ``params`` fill the code's message; the places take no part in equality.

    ``also`` are the further places of one cause, such as a name that is unknown in twenty sheets.
    """

    code: str
    params: Mapping[str, str | Bilingual] = field(default_factory=dict)
    source: Source = field(default=Source(""), compare=False)
    severity: Severity | None = None
    also: tuple[Source, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Take the code's own severity unless one is given."""
        if self.severity is None:
            object.__setattr__(self, "severity", codes()[self.code].severity)

    @property
    def message(self) -> str:
        """What is wrong, in the active language, and in how many places."""
        text = str(codes()[self.code].message).format_map(self._translated())
        if self.also and self.code != "folder-unrecognised":
            text = _("{text} (in {count} places)").format(text=text, count=1 + len(self.also))
        return text

    @property
    def hint(self) -> str:
        """What to do about it, in the active language; a suggestion comes first."""
        advice = str(codes()[self.code].hint).format_map(self._translated())
        suggestion = self.params.get("suggestion", "")
        if suggestion:
            return _("did you mean '{suggestion}'?").format(suggestion=suggestion) + " " + advice
        return advice

    def _translated(self) -> dict[str, str]:
        """The particulars; those whose name ends in ``_word`` are message ids themselves."""
        return {
            name: _(str(value)) if name.endswith("_word") else str(value)
            for name, value in self.params.items()
        }


def finding(code: str, source: Source | None = None, /, **params: object) -> Finding:
    """A finding; particulars become text, but a text in both languages stays in both."""
    texts = {
        name: value if isinstance(value, Bilingual) else _readable(str(value))
        for name, value in params.items()
    }
    return Finding(code, texts, source or Source(""))


def _readable(text: str) -> str:
    """The text without what no file can hold: bytes of a name that are no text."""
    return text.encode(errors="backslashreplace").decode()


QUOTED_NAME = {"name-unknown": "name", "file-name-unknown": "name", "column-unknown": "label"}
"""The findings about an unknown name, each with the particular that quotes it."""

_MARKS = re.compile(r"\s*[(（\[【][^()（）]*[)）\]】]\s*$")
_TWO_FILES = frozenset({"score-twice", "adjustment-twice"})
_ONE_CAUSE = frozenset(
    {
        "file-not-spreadsheet",
        "file-password-wrong",
        "file-protected",
        "marks-differ",
        "name-other-group",
        "sheet-other-year",
        "tag-other-scheme",
    }
)
"""The findings that have one cause wherever they say the same."""


def by_cause(findings: Iterable[Finding]) -> list[Finding]:
    """Sort as ``by_place``, and make one finding of all that have one cause, with all their places.

    A name that is unknown in many places is one thing to put right, and so are a file that gives the
    scores of another, and a mistake that stands alike in many sheets.
    """
    causes: dict[object, list[Finding]] = {}
    for number, item in enumerate(by_place(findings)):
        causes.setdefault(_cause(item) or number, []).append(item)
    return by_place(map(_merged, causes.values()))


def _cause(item: Finding) -> tuple[object, ...] | None:
    """Return what two findings of one cause have in common; None for a finding of its own."""
    if item.code in QUOTED_NAME:
        name = str(item.params[QUOTED_NAME[item.code]])
        bare = _MARKS.sub("", name) if len(name) <= 200 else name
        return ("name", bare or name, item.severity)
    if item.code == "register-blank":
        return (item.code, item.source.file, item.source.sheet, item.severity)
    if item.code == "file-instead":
        return (item.code, item.params["form"])
    if item.code in _TWO_FILES and item.params["file"] != item.source.file:
        return (item.code, item.source.file, item.params["file"])
    if item.code in _ONE_CAUSE:
        return (item.code, item.severity, *item.params.items())
    return None


def _merged(findings: Sequence[Finding]) -> Finding:
    # What is wrong inside the sheets comes before what is wrong with a file's name.
    first = next((item for item in findings if item.code == "name-unknown"), findings[0])
    places = (place for item in findings for place in (item.source, *item.also))
    also = dict.fromkeys(place for place in places if place != first.source)
    return replace(first, also=tuple(also))


def unfolded(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield a finding for each place of each finding."""
    for item in findings:
        yield from (replace(item, source=place, also=()) for place in (item.source, *item.also))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding stops the result."""
    return any(item.severity is Severity.ERROR for item in findings)


def by_place(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by file, sheet, line and cell in reading order, errors first, each said once."""
    distinct = {(item.source, item.code, tuple(item.params.items())): item for item in findings}

    def order(item: Finding) -> tuple[object, ...]:
        source = item.source
        cell = parse_address(source.cell) or (-1, -1)
        place = (source.file, source.sheet, source.line, source.column, cell)
        return (*place, item.severity is not Severity.ERROR, item.code)

    return sorted(distinct.values(), key=order)
