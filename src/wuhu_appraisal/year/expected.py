"""What a scheme expects to be sent, held against what came: each ballot, sheet and round."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from pathlib import PurePosixPath

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.names import is_invisible, sheet_name
from wuhu_appraisal.read.forms import FormIndex, FormInPlan
from wuhu_appraisal.scheme.models import PLACEHOLDER, Form, Plan, Scheme


class State(StrEnum):
    """Whether an expected sheet came; the values are message ids."""

    CAME = N_("came")
    MISSING = N_("not sent")
    TWICE = N_("came twice")


@dataclass(frozen=True, slots=True)
class Place:
    """One sheet that is expected: an adjustment's has no group and no members."""

    stage: str
    group: str
    form: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """An expected sheet with what it is called, and the sheets that came for it."""

    place: Place
    stage: Bilingual
    form: Bilingual
    members: Bilingual
    sources: Sequence[Source]

    @property
    def state(self) -> State:
        """Missing, come, or come more than once."""
        if not self.sources:
            return State.MISSING
        return State.CAME if len(self.sources) == 1 else State.TWICE


def place_of(stage: str, group: str, form: Form, fixed: Mapping[str, str]) -> Place:
    """The place of a sheet that was recognised as a form, by the members that its name gives."""
    return Place(stage, group, form.id, tuple(fixed[name] for name in form.named))


def submissions(scheme: Scheme, came: Mapping[Place, Sequence[Source]]) -> list[Submission]:
    """Every sheet that the scheme expects, in its order, with the sheets that came for it."""
    found: list[Submission] = []
    for stage in scheme.stages:
        for group, plan in stage.plans.items():
            for form in plan.forms:
                for members in _combinations(scheme, group, plan, form):
                    place = Place(stage.id, group, form.id, members)
                    called = scheme.titles_of(plan, form.named, members)
                    found.append(
                        Submission(place, stage.title, form.title, called, came.get(place, []))
                    )
    for adjustment in scheme.adjustments:
        place = Place(adjustment.id, "", adjustment.id)
        title = adjustment.title
        found.append(Submission(place, title, title, Bilingual("", ""), came.get(place, [])))
    return found


def _combinations(scheme: Scheme, group: str, plan: Plan, form: Form) -> Iterator[tuple[str, ...]]:
    """Every combination of members that a form's name can give; an open dimension gives none."""
    units = [unit.name for unit in scheme.group(group).units]
    yield from product(
        *(
            units if name == "unit" else scheme.members(plan.dimensions[name]) or ()
            for name in form.named
        )
    )


_NOT_IN_PATHS = frozenset('/\\:*?"<>|')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_LONGEST_PART = 240


@dataclass(frozen=True, slots=True)
class TemplateSheet:
    """A sheet to be made, and the places that it is for: more than one where adjustments share it."""

    name: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A workbook to be made: its path below a folder, and its sheets."""

    path: PurePosixPath
    sheets: tuple[TemplateSheet, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A sheet that needs a name: its patterns, and the ways its members can be written."""

    places: tuple[Place, ...]
    file: str
    sheet: str
    title: str
    written: Sequence[Mapping[str, str]]


def templates(scheme: Scheme) -> tuple[list[Template], list[Finding]]:
    """A template for each workbook that the scheme expects, and the forms that none can be made for."""
    index = FormIndex(scheme)
    books: dict[PurePosixPath, list[TemplateSheet]] = {}
    folded: dict[str, PurePosixPath] = {}
    findings: list[Finding] = []
    for wanted in _wanted(scheme, index):
        made = _made(wanted, index, books)
        # Some disks hold two names that differ in case alone as one file.
        if made is None or folded.setdefault(str(made[0]).casefold(), made[0]) != made[0]:
            pattern = wanted.file if wanted.sheet == "*" else f"{wanted.file} › {wanted.sheet}"
            members = " ".join(wanted.places[0].members)
            findings.append(finding("template-name", Source(members), pattern=pattern))
            continue
        path, name = made
        books.setdefault(path, []).append(TemplateSheet(name, wanted.places))
    return [Template(path, tuple(sheets)) for path, sheets in books.items()], findings


def entry_of(index: FormIndex, place: Place) -> FormInPlan:
    """The form that a place is of; StopIteration if it is none of the scheme's."""
    return next(
        entry
        for entry in index.entries
        if (entry.stage.id, entry.group, entry.form.id) == (place.stage, place.group, place.form)
    )


def _wanted(scheme: Scheme, index: FormIndex) -> Iterator[_Wanted]:
    """Every sheet that is expected, those that adjustments share once."""
    shared: dict[tuple[str, str], list[Place]] = {}
    forms = {adjustment.id: adjustment.form for adjustment in scheme.adjustments}
    for submission in submissions(scheme, {}):
        place = submission.place
        if not place.group:
            form = forms[place.form]
            shared.setdefault((form.file, form.sheet), []).append(place)
            continue
        entry = entry_of(index, place)
        named = entry.form.named
        titles = [
            scheme.title_of(entry.plan, name, member)
            for name, member in zip(named, place.members, strict=True)
        ]
        ways = (place.members, [title.zh for title in titles], [title.en for title in titles])
        written = [dict(zip(named, way, strict=True)) for way in ways]
        title = str(entry.form.title)
        yield _Wanted((place,), entry.form.file, entry.form.sheet, title, written)
    titles_of = {adjustment.id: str(adjustment.title) for adjustment in scheme.adjustments}
    for (file, sheet), places in shared.items():
        yield _Wanted(tuple(places), file, sheet, titles_of[places[0].form], [{}])


def _made(
    wanted: _Wanted, index: FormIndex, books: Mapping[PurePosixPath, Sequence[TemplateSheet]]
) -> tuple[PurePosixPath, str] | None:
    """The path and the sheet's name, in the first way of writing that the patterns know again."""
    for written in wanted.written:
        path = _path(wanted, written)
        if path is None:
            continue
        taken = {sheet.name.casefold() for sheet in books.get(path, ())}
        name = _sheet_name(wanted, written, taken)
        if name is not None and _known_again(wanted.places, index, path, name):
            return path, name
    return None


def _known_again(
    places: Sequence[Place], index: FormIndex, path: PurePosixPath, sheet: str
) -> bool:
    matches, _findings = index.sheets(path, str(path), sheet)
    found = {
        place_of(match.entry.stage.id, match.entry.group, match.entry.form, match.fixed)
        for match in matches
    }
    found |= {Place(item.id, "", item.id) for item in index.adjustments(path, sheet)}
    return found >= set(places)


def _path(wanted: _Wanted, written: Mapping[str, str]) -> PurePosixPath | None:
    """The pattern with its members; a part that is nothing but * is called like its folder."""
    parts: list[str] = []
    for pattern in wanted.file.split("/"):
        part = _filled(pattern, written)
        if not part and "*" in pattern:
            part = parts[-1] if parts else _title_name(wanted.title)
        parts.append(part)
    if not all(map(_is_safe, parts)):
        return None
    return PurePosixPath(*parts[:-1], f"{parts[-1]}.xlsx")


def _sheet_name(wanted: _Wanted, written: Mapping[str, str], used: set[str]) -> str | None:
    """A name that Excel accepts, once in its workbook; None where the pattern gives none."""
    filled = _filled(wanted.sheet, written)
    if not filled.strip():
        return sheet_name(_title_name(wanted.title), used)
    return sheet_name(filled, used) if sheet_name(filled, set()) == filled else None


def _filled(pattern: str, written: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda token: written[token[1]] if token[1] else "", pattern)


def _title_name(title: str) -> str:
    """A title as the name of a sheet or a file, where the pattern leaves the name open."""
    plain = "".join(" " if char in _NOT_IN_PATHS else char for char in title)
    return " ".join(sheet_name(plain, set()).split()).strip(" '.")


def _is_safe(part: str) -> bool:
    """Whether a part of a path is one on every system, and what it looks like."""
    odd = any(char in _NOT_IN_PATHS or is_invisible(char) for char in part)
    ends = part != part.strip() or part.endswith(".")
    long = len(part.encode("utf-8", "replace")) > _LONGEST_PART
    return bool(part) and not (odd or ends or long or _DEVICE.fullmatch(part))
