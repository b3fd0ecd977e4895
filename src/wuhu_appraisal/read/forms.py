"""Which sheet is which form: by the scheme's patterns for files and sheets, or by a form's tag.

The tag is a line of text in a cell of the forms that this program makes, because text alone
survives every program and format. It tells the form whatever the file and the sheet are called.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from urllib.parse import quote, unquote

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.names import NameIndex, normalise
from wuhu_appraisal.scheme.final import Adjustment
from wuhu_appraisal.scheme.models import PLACEHOLDER, Form, Plan, Scheme, Stage

_MOST_EXPECTED = 4
_WORD = (
    r"(?:副本|复件|拷贝|备份|最终[版稿]?|终[版稿]|定稿|正式[版稿]?|签[字章]版|盖章版"
    r"|(?:修[订改]|更[正新]|补正|订正)[版稿后]?|最新[版稿]?|新[版稿]|[初一二三四五]稿|第[\d一二三四五]+[版稿次]"
    r"|版本\d*|(?<![a-z\d])(?:v\d+(?:\.\d+)*|copy|final|revised|rev\d*|updated|corrected|new|20\d{6}))"
)
_OR_NUMBER = rf"(?:\d{{1,2}}|{_WORD})"
_BRACKETED = rf"[(（\[【《]\s*{_OR_NUMBER}\s*[)）\]】》]"
_VERSION_BEHIND = re.compile(
    rf"(?:\s*{_BRACKETED}|[\s_\-—–·.]+{_OR_NUMBER}|{_WORD})+$", re.IGNORECASE
)
_VERSION_BEFORE = re.compile(
    rf"^(?:{_BRACKETED}[\s_\-]*|{_WORD}(?:[\s_\-]+of)?[\s_\-]+)+", re.IGNORECASE
)
"""What systems and people put beside the name of a copy or of another version of a file."""

_TAG_LABEL = Bilingual("表号", "Form")
_TAG = re.compile(r"(?:表号|Form):(\[.+\])", re.IGNORECASE)


def without_version(name: str) -> str:
    """Return a name without the words that tell a copy or a version: 甲市 for '甲市 - 副本'."""
    return _VERSION_BEFORE.sub("", _VERSION_BEHIND.sub("", name)) or name


@dataclass(frozen=True, slots=True)
class Place:
    """One sheet that a scheme expects: a form, with the members that its file and sheet name.

    An adjustment's has its id as ``stage`` and ``form``, no group and no members.
    """

    stage: str
    group: str
    form: str
    members: tuple[str, ...] = ()

    @classmethod
    def of(cls, adjustment: Adjustment) -> "Place":
        """Return the place of an adjustment's sheet."""
        return cls(adjustment.id, "", adjustment.id)


@dataclass(frozen=True, slots=True)
class FormInPlan:
    """A form with the stage, the group and the plan that it belongs to."""

    form: Form
    stage: Stage
    group: str
    plan: Plan

    @property
    def is_register(self) -> bool:
        """Return whether the form holds marks of what applies instead of scores."""
        return self.form in self.plan.registers

    @property
    def title(self) -> Bilingual:
        """Return the form's title."""
        return self.form.title

    def dimension_title(self, name: str) -> Bilingual:
        """Return what a dimension is called."""
        declared = self.plan.dimensions.get(name)
        if declared is not None and declared.title is not None:
            return declared.title
        return Bilingual("单位", "unit") if name == "unit" else Bilingual(name, name)

    @property
    def expected_file(self) -> Bilingual:
        """Return the pattern of the form's files for a person to read: 双向互评/<测评单位>."""

        def pattern(language: int) -> str:
            return PLACEHOLDER.sub(
                lambda token: f"<{self.dimension_title(token[1])[language]}>" if token[1] else "*",
                self.form.file,
            )

        return Bilingual(pattern(0), pattern(1))


@dataclass(frozen=True, slots=True)
class SheetMatch:
    """The form that a sheet is, with the members of the dimensions that are fixed for all of it."""

    entry: FormInPlan
    fixed: Mapping[str, str]

    @property
    def members(self) -> tuple[str, ...]:
        """Return the members that the names of the file and the sheet give."""
        return tuple(self.fixed[name] for name in self.entry.form.named)

    @property
    def place(self) -> Place:
        """Return the place of the sheet among those that the scheme expects."""
        return Place(self.entry.stage.id, self.entry.group, self.entry.form.id, self.members)


class FormIndex:
    """All forms of a scheme, its registers among them."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self.entries = [
            FormInPlan(form, stage, group, plan)
            for stage in scheme.stages
            for group, plan in stage.plans.items()
            for form in (*plan.forms, *plan.registers)
        ]
        self._scored = [entry for entry in self.entries if not entry.is_register]
        self._entries = {
            (entry.stage.id, entry.group, entry.form.id): entry for entry in self.entries
        }
        self._files = {entry.form.file for entry in self.entries}
        self._files |= {adjustment.form.file for adjustment in scheme.adjustments}
        self._names: dict[tuple[str, ...], NameIndex | None] = {}

    def entry(self, place: Place) -> FormInPlan | None:
        """Return the form of a place; None if the scheme has none, and for an adjustment's."""
        return self._entries.get((place.stage, place.group, place.form))

    def knows_file(self, path: PurePath) -> bool:
        """Return whether any form or adjustment is looked for in a file of this path."""
        return any(_match_path(pattern, path) is not None for pattern in self._files)

    def expected_files(self) -> Bilingual:
        """Return the first few of the scheme's file patterns for a person to read."""
        patterns = [entry.expected_file for entry in self.entries]
        patterns += [Bilingual(item.form.file, item.form.file) for item in self._scheme.adjustments]
        return Bilingual.listed(patterns, _MOST_EXPECTED)

    def sheets(
        self, path: PurePath, file: str, sheet: str
    ) -> tuple[list[SheetMatch], list[Finding]]:
        """Return the forms that a sheet is by its name and path, findings for names not known."""
        matches: list[SheetMatch] = []
        findings: list[Finding] = []
        for entry in self.entries:
            in_path = _match_path(entry.form.file, path)
            in_name = _compiled(entry.form.sheet).fullmatch(sheet)
            if in_path is not None and in_name is not None:
                match, unknown = self.match(entry, {**in_path, **in_name.groupdict()}, file)
                findings += unknown
                matches += [match] if match is not None else []
        return matches, findings

    def in_file(self, path: PurePath) -> list[SheetMatch | Adjustment]:
        """Return the forms and adjustments that a file should hold by its path, whatever its sheets."""
        expected: list[SheetMatch | Adjustment] = []
        for name in versions(path):
            for entry in self._scored:
                in_path = _match_path(entry.form.file, name)
                match = None if in_path is None else self.match(entry, in_path)[0]
                if match is not None:
                    named = {key: it for key, it in match.fixed.items() if "{" not in it}
                    expected.append(SheetMatch(entry, named))
            expected += [
                adjustment
                for adjustment in self._scheme.adjustments
                if _match_path(adjustment.form.file, name) is not None
            ]
            if expected:
                break
        return expected

    def unknown_in(
        self, path: PurePath
    ) -> Iterator[tuple[FormInPlan, Mapping[str, str], str, str]]:
        """Yield each form whose file's name holds an unknown name, the known members, and the name.

        The name comes behind the dimension that it is no member of.
        """
        for entry in self._scored:
            written = _match_path(entry.form.file, path) or {}
            known: dict[str, str] = {}
            unknown: dict[str, str] = {}
            for dimension, text in written.items():
                names = self.names(entry, dimension)
                member = text if names is None else names.match(text)
                (unknown if member is None else known)[dimension] = member or text
            for dimension, text in unknown.items():
                yield entry, known, dimension, text

    def adjustments(self, path: PurePath, sheet: str) -> list[Adjustment]:
        """Return the adjustments whose records a sheet holds by its name and path."""
        return [
            adjustment
            for adjustment in self._scheme.adjustments
            if _match_path(adjustment.form.file, path) is not None
            and _compiled(adjustment.form.sheet).fullmatch(sheet)
        ]

    def names(self, entry: FormInPlan, dimension: str) -> NameIndex | None:
        """Return how the members of a dimension are written; None where any name will do."""
        key = (entry.stage.id, entry.group, entry.form.id, dimension)
        if key not in self._names:
            self._names[key] = (
                self._scheme.unit_names(entry.group)
                if dimension == "unit"
                else self._scheme.member_names(
                    entry.plan.dimensions[dimension],
                    self._scheme.items_of(entry.plan, entry.form),
                )
            )
        return self._names[key]

    def match(
        self, entry: FormInPlan, written: Mapping[str, str], file: str = ""
    ) -> tuple[SheetMatch | None, list[Finding]]:
        """Return a form with its members as they are ``written``; None with a finding for each unknown."""
        members: dict[str, str] = {}
        findings: list[Finding] = []
        for dimension, text in written.items():
            names = self.names(entry, dimension)
            member = (
                text if names is None else names.match(text) or names.match(without_version(text))
            )
            if member is not None:
                members[dimension] = member
            elif names is not None:
                near = names.suggest(text)
                params = {"name": text, "form": entry.title, "suggestion": near}
                findings.append(finding("file-name-unknown", Source(file), **params))
        if findings:
            return None, findings
        for dimension, value in entry.form.fixed.items():
            members[dimension] = PLACEHOLDER.sub(
                lambda token: members.get(token[1], token[0]), value
            )
        return SheetMatch(entry, members), []


def possible_names(path: PurePath, sheet: str) -> list[tuple[PurePath, str]]:
    """Return the paths of workbooks and the names of sheets that a sheet may stand for.

    A table as text has no name of its own for its sheet: it is the whole of a workbook of its name,
    or the sheet behind the '-' of its name, or a sheet in a workbook named like its folder.
    """
    if sheet:
        return [(name, sheet) for name in versions(path)]
    book, _dash, rest = path.stem.partition("-")
    names: list[tuple[PurePath, str]] = [(path, path.stem)]
    if book and rest:
        names.append((path.with_stem(book), rest))
    names.append((path.parent.with_suffix(path.suffix), path.stem))
    return [*names, *((name, name.stem) for name in versions(path)[1:])]


def versions(path: PurePath) -> list[PurePath]:
    """Return a path, and what it would be without the words that tell a copy or a version."""
    plain = without_version(path.stem)
    return [path] if plain == path.stem else [path, path.with_stem(plain)]


def _match_path(pattern: str, path: PurePath) -> dict[str, str] | None:
    """Return what the pattern's placeholders stand for at the end of the path, or None."""
    parts = pattern.split("/")
    names = (*path.parts[:-1], path.stem)[-len(parts) :]
    if len(names) < len(parts):
        return None
    written: dict[str, str] = {}
    for part, name in zip(parts, names, strict=True):
        match = _compiled(part).fullmatch(name)
        if match is None:
            return None
        written.update(match.groupdict())
    return written


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern with {dimension} placeholders as an expression that captures them."""
    # Every second piece is a placeholder's name, or None for *.
    pieces = PLACEHOLDER.split(pattern)
    pieces[::2] = map(re.escape, pieces[::2])
    pieces[1::2] = [f"(?P<{name}>.+?)" if name else ".*" for name in pieces[1::2]]
    return re.compile("".join(pieces), re.DOTALL)


def tag_text(scheme_id: str, place: Place) -> str:
    """Return a form's tag, ``表号: [scheme/stage/group/form/member]``, in the active language."""
    parts = [scheme_id, place.stage, place.group, place.form, *place.members]
    return f"{_TAG_LABEL}: [{'/'.join(map(_escaped, parts))}]"


def tag_in(texts: Iterable[str]) -> str | None:
    """Return the tag among the texts of a sheet's cells as it is written, None without one."""
    for text in texts:
        match = _TAG.fullmatch(normalise(text)) if "[" in text or "［" in text else None
        if match is not None:
            return match[1]
    return None


def parse_tag(written: str) -> tuple[str, Place] | None:
    """Return the scheme's id and the place of a tag that ``tag_in`` found; None if it is not whole."""
    parts = list(map(unquote, written[1:-1].split("/")))
    if len(parts) < 4:
        return None
    scheme_id, stage, group, form, *members = parts
    return scheme_id, Place(stage, group, form, tuple(members))


def _escaped(part: str) -> str:
    """Return a part without what divides parts, and without what ``normalise`` would change."""
    text = "".join(quote(char, safe="") if char in "%/[]" else char for char in part)
    return text if normalise(text) == text else quote(part, safe="")
