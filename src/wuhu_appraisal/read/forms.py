"""Which file and sheet is which form: the scheme's patterns over the path and the sheet's name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.names import NameIndex
from wuhu_appraisal.scheme.models import PLACEHOLDER, Form, Plan, Scheme, Stage
from wuhu_appraisal.scheme.rules import Adjustment

_LISTED = 4
_COPY = re.compile(r"(?:\s*[(（]\d+[)）]|\s*-\s*(?:副本|Copy))+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FormInPlan:
    """A form with the stage, the group and the plan that it belongs to."""

    form: Form
    stage: Stage
    group: str
    plan: Plan


@dataclass(frozen=True, slots=True)
class SheetMatch:
    """What a sheet was recognised as, with the dimensions that its path and name fix."""

    entry: FormInPlan
    fixed: Mapping[str, str]


class FormIndex:
    """All forms of a scheme, ready to recognise sheets."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self.entries = [
            FormInPlan(form, stage, group, plan)
            for stage in scheme.stages
            for group, plan in stage.plans.items()
            for form in plan.forms
        ]
        self._names: dict[tuple[str, str, str], NameIndex | None] = {}

    def knows_file(self, path: PurePath) -> bool:
        """Whether any form or adjustment is looked for in a file of this path."""
        patterns = [entry.form.file for entry in self.entries]
        patterns += [adjustment.form.file for adjustment in self._scheme.adjustments]
        return any(match_path(pattern, path) is not None for pattern in patterns)

    def expected_files(self) -> Bilingual:
        """The file patterns of the scheme as a person would look for them, the first few."""
        patterns = [described(entry.form.file, entry.plan) for entry in self.entries]
        patterns += [Bilingual(item.form.file, item.form.file) for item in self._scheme.adjustments]
        distinct = list(dict.fromkeys(patterns))
        more = " …" if len(distinct) > _LISTED else ""
        zh, en = zip(*distinct[:_LISTED], strict=True)
        return Bilingual("、".join(zh) + more, ", ".join(en) + more)

    def sheets(
        self, path: PurePath, file: str, sheet: str
    ) -> tuple[list[SheetMatch], list[Finding]]:
        """The forms that a sheet is; a name in the path that nobody bears is a finding."""
        matches: list[SheetMatch] = []
        findings: list[Finding] = []
        for entry in self.entries:
            in_path = match_path(entry.form.file, path)
            in_name = _pattern(entry.form.sheet).fullmatch(sheet)
            if in_path is None or in_name is None:
                continue
            fixed, unknown = self._fixed(entry, {**in_path, **in_name.groupdict()}, file)
            findings += unknown
            if not unknown:
                matches.append(SheetMatch(entry, fixed))
        return matches, findings

    def adjustments(self, path: PurePath, sheet: str) -> list[Adjustment]:
        """The adjustments whose records a sheet holds."""
        return [
            adjustment
            for adjustment in self._scheme.adjustments
            if match_path(adjustment.form.file, path) is not None
            and _pattern(adjustment.form.sheet).fullmatch(sheet)
        ]

    def names(self, entry: FormInPlan, dimension: str) -> NameIndex | None:
        """How the members of a dimension are written; None where any name will do."""
        key = (entry.stage.id, entry.group, dimension)
        if key not in self._names:
            self._names[key] = (
                self._scheme.unit_names(entry.group)
                if dimension == "unit"
                else self._scheme.member_names(entry.plan.dimensions[dimension])
            )
        return self._names[key]

    def fixed(self, entry: FormInPlan, written: Mapping[str, str]) -> dict[str, str] | None:
        """The members that a sheet's names stand for, and what the form fixes; None if unknown."""
        found, unknown = self._fixed(entry, written, "")
        return None if unknown else found

    def _fixed(
        self, entry: FormInPlan, written: Mapping[str, str], file: str
    ) -> tuple[dict[str, str], list[Finding]]:
        found: dict[str, str] = {}
        findings: list[Finding] = []
        for dimension, text in written.items():
            names = self.names(entry, dimension)
            member = text if names is None else names.match(text) or _of_copy(names, text)
            if member is None and names is not None:
                findings.append(
                    finding(
                        "file-name-unknown",
                        Source(file),
                        name=text,
                        form=entry.form.title,
                        suggestion=names.suggest(text),
                    )
                )
                continue
            found[dimension] = member or text
        if not findings:
            for dimension, value in entry.form.fixed.items():
                found[dimension] = PLACEHOLDER.sub(
                    lambda token: found.get(token[1], token[0]), value
                )
        return found, findings


def _of_copy(names: NameIndex, text: str) -> str | None:
    """The member behind the mark that an operating system puts on the name of a copy."""
    bare = _COPY.sub("", text)
    return names.match(bare) if bare != text else None


def match_path(pattern: str, path: PurePath) -> dict[str, str] | None:
    """What the pattern's placeholders stand for at the end of the path, or None."""
    parts = pattern.split("/")
    here = (*path.parts[:-1], path.stem)[-len(parts) :]
    if len(here) < len(parts):
        return None
    found: dict[str, str] = {}
    for part, name in zip(parts, here, strict=True):
        matched = _pattern(part).fullmatch(name)
        if matched is None:
            return None
        found.update(matched.groupdict())
    return found


def places(path: PurePath, sheet: str) -> list[tuple[PurePath, str]]:
    """The workbooks and sheets that a sheet may stand for.

    A table as text has no sheet's name of its own: it is the whole of a workbook of its name, or
    the sheet behind the '-' of its name, or a sheet in a workbook named like its folder.
    """
    if sheet:
        return [(path, sheet)]
    book, _dash, rest = path.stem.partition("-")
    found: list[tuple[PurePath, str]] = [(path, path.stem)]
    if book and rest:
        found.append((path.with_stem(book), rest))
    return [*found, (path.parent.with_suffix(path.suffix), path.stem)]


def described(pattern: str, plan: Plan) -> Bilingual:
    """A pattern with what its placeholders stand for: 双向互评/‹测评单位›."""
    titles = {
        name: found.title if found.title else Bilingual(name, name)
        for name, found in plan.dimensions.items()
    } | {"unit": Bilingual("单位", "unit")}

    def named(at: int) -> str:
        return PLACEHOLDER.sub(
            lambda token: f"<{titles[token[1]][at]}>" if token[1] else "*", pattern
        )

    return Bilingual(named(0), named(1))


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob with {dimension} placeholders as an expression that captures them."""
    parts: list[str] = []
    last = 0
    for token in PLACEHOLDER.finditer(glob):
        parts.append(re.escape(glob[last : token.start()]))
        parts.append(f"(?P<{token[1]}>.+?)" if token[1] else ".*")
        last = token.end()
    parts.append(re.escape(glob[last:]))
    return re.compile("".join(parts), re.DOTALL)
