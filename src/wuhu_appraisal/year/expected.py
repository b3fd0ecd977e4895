"""The sheets that a scheme expects: which have come, and what the forms to send out are called."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from itertools import product
from pathlib import PurePosixPath
from types import MappingProxyType

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.names import is_invisible, sheet_name
from wuhu_appraisal.read.forms import FormIndex, FormInPlan, Place
from wuhu_appraisal.scheme.final import Adjustment, RecordForm
from wuhu_appraisal.scheme.models import PLACEHOLDER, Form, Scheme

_NOT_IN_PATHS = frozenset('/\\:*?"<>|')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_LONGEST_PART = 240
"""Bytes in one part of a path, with room for an ending."""


class State(StrEnum):
    """Whether an expected sheet came; the values are message ids."""

    CAME = N_("came")
    MISSING = N_("not sent")
    TWICE = N_("came twice")


@dataclass(frozen=True, slots=True)
class Submission:
    """An expected sheet, its titles, the sheets that came for it, and each unit's share of '/'."""

    place: Place
    stage: Bilingual
    form: Bilingual
    members: Bilingual
    sources: Sequence[Source]
    shares: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """Whether the sheet is missing, came, or came more than once."""
        if not self.sources:
            return State.MISSING
        return State.CAME if len(self.sources) == 1 else State.TWICE


@dataclass(frozen=True, slots=True)
class TemplateSheet:
    """A form to send out, and the places it is for: several where adjustments share a sheet.

    The form of scores has an ``entry``, that of adjustments none.
    """

    name: str
    places: tuple[Place, ...]
    entry: FormInPlan | None


@dataclass(frozen=True, slots=True)
class Template:
    """A workbook of forms to send out: its path below a folder, and its sheets."""

    path: PurePosixPath
    sheets: tuple[TemplateSheet, ...]


def submissions(
    scheme: Scheme,
    came: Mapping[Place, Sequence[Source]],
    shares: Mapping[Place, Mapping[str, Fraction]] = MappingProxyType({}),
) -> list[Submission]:
    """Every sheet that the scheme expects, in its order, with the sheets that came for it.

    ``shares`` has for each place how much of the marks of each unit is '/'.
    The registers of a stage and group are expected once one of them came.
    """
    result: list[Submission] = []
    index = FormIndex(scheme)
    entries = {place: index.entry(place) for place in came}
    registered = {(e.stage.id, e.group) for e in entries.values() if e and e.is_register}
    for entry, place in _score_places(scheme, index):
        if entry.is_register and (entry.stage.id, entry.group) not in registered:
            continue
        stage, form = entry.stage.title, entry.form.title
        members = scheme.titles_of(entry.plan, entry.form.named, place.members)
        sources, skipped = came.get(place, []), shares.get(place, {})
        result.append(Submission(place, stage, form, members, sources, skipped))
    for adjustment in scheme.adjustments:
        place, title = Place.of(adjustment), adjustment.title
        result.append(Submission(place, title, title, Bilingual("", ""), came.get(place, [])))
    return result


def templates(scheme: Scheme) -> tuple[list[Template], list[Finding]]:
    """The workbooks of forms to send out; a finding for each form that cannot be named."""
    index = FormIndex(scheme)
    books: dict[PurePosixPath, list[TemplateSheet]] = {}
    folded: dict[str, PurePosixPath] = {}
    findings: list[Finding] = []
    for form, title, entry, places in _forms(scheme, index):
        for members in _spellings(scheme, entry, places[0]):
            path = _path(form.file, members, title)
            used = {sheet.name.casefold() for sheet in books.get(path, ())} if path else set()
            name = _sheet_name(form.sheet, members, title, used)
            # Some disks hold two names that differ in case alone as one file.
            if (
                path
                and name
                and _recognised(index, path, name) >= set(places)
                and folded.setdefault(str(path).casefold(), path) == path
            ):
                books.setdefault(path, []).append(TemplateSheet(name, places, entry))
                break
        else:
            pattern = form.file if form.sheet == "*" else f"{form.file} › {form.sheet}"
            source = Source(" ".join(places[0].members))
            findings.append(finding("template-name", source, pattern=pattern))
    return [Template(path, tuple(sheets)) for path, sheets in books.items()], findings


def _score_places(scheme: Scheme, index: FormIndex) -> Iterator[tuple[FormInPlan, Place]]:
    """Each form of scores with each combination of members that the names of its sheets give."""
    for entry in index.entries:
        units = scheme.units_of(entry.stage, entry.group)
        if not units:
            continue
        members = (
            units if name == "unit" else scheme.members(entry.plan.dimensions[name]) or ()
            for name in entry.form.named
        )
        for combination in product(*members):
            yield entry, Place(entry.stage.id, entry.group, entry.form.id, combination)


def _forms(
    scheme: Scheme, index: FormIndex
) -> Iterator[tuple[Form | RecordForm, str, FormInPlan | None, tuple[Place, ...]]]:
    """Each sheet to be made: its patterns, its title, its entry and its places."""
    for entry, place in _score_places(scheme, index):
        yield entry.form, str(entry.form.title), entry, (place,)
    sharing: dict[tuple[str, str], list[Adjustment]] = {}
    for item in scheme.adjustments:
        sharing.setdefault((item.form.file, item.form.sheet), []).append(item)
    for items in sharing.values():
        yield items[0].form, str(items[0].title), None, tuple(map(Place.of, items))


def _spellings(
    scheme: Scheme, entry: FormInPlan | None, place: Place
) -> Iterator[Mapping[str, str]]:
    """The ways to write the members in a name: ids, Chinese titles, English titles."""
    if entry is None:
        yield {}
        return
    named = entry.form.named
    titles = [
        scheme.title_of(entry.plan, name, member)
        for name, member in zip(named, place.members, strict=True)
    ]
    for spelling in (place.members, [title.zh for title in titles], [title.en for title in titles]):
        yield dict(zip(named, spelling, strict=True))


def _recognised(index: FormIndex, path: PurePosixPath, sheet: str) -> set[Place]:
    """The places that reading finds for a sheet of this name."""
    matches, _findings = index.sheets(path, str(path), sheet)
    return {match.place for match in matches} | set(map(Place.of, index.adjustments(path, sheet)))


def _path(pattern: str, members: Mapping[str, str], title: str) -> PurePosixPath | None:
    """The pattern with its members; a part that is nothing but * is called like its folder.

    None where a part is no name on every system.
    """
    parts: list[str] = []
    for part in pattern.split("/"):
        name = _filled(part, members)
        if not name and "*" in part:
            name = parts[-1] if parts else _title_name(title)
        if not _is_safe(name):
            return None
        parts.append(name)
    return PurePosixPath(*parts[:-1], f"{parts[-1]}.xlsx")


def _sheet_name(pattern: str, members: Mapping[str, str], title: str, used: set[str]) -> str:
    """A name that Excel accepts, once in its workbook; '' where the pattern gives none."""
    name = _filled(pattern, members)
    if not name.strip():
        return sheet_name(_title_name(title), used)
    return sheet_name(name, used) if sheet_name(name, set()) == name else ""


def _filled(pattern: str, members: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda token: members[token[1]] if token[1] else "", pattern)


def _title_name(title: str) -> str:
    """A title as the name of a sheet or a file, where the pattern leaves the name open."""
    plain = "".join(" " if char in _NOT_IN_PATHS else char for char in title)
    return " ".join(sheet_name(plain, set()).split()).strip(" '.")


def _is_safe(part: str) -> bool:
    """Whether a part of a path is a name on every system, and all of it can be seen."""
    odd = any(char in _NOT_IN_PATHS or is_invisible(char) for char in part)
    ends = part != part.strip() or part.endswith(".")
    long = len(part.encode("utf-8", "replace")) > _LONGEST_PART
    return bool(part) and not (odd or ends or long or _DEVICE.fullmatch(part))
