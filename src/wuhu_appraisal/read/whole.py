"""What is wrong with all files together: another folder, another year's, two versions of records."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import PurePosixPath

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.model import Record
from wuhu_appraisal.read.forms import Place, without_version
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.read.records import drop_repeated, drop_shared
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.workbooks.folder import RESULTS

_FEWEST = 2
"""One sheet alone may bear a wrong date, or be another year's; two are no accident."""

_YEAR = re.compile(r"20\d\d")

_TWICE = {"score-twice", "adjustment-twice", "file-version"}
"""The findings about what is given in two files."""

_CONSEQUENCES = {
    "adjustment-missing",
    "final-missing",
    "scores-missing",
    "scores-too-few",
    "stage-missing",
    "stage-missing-unit",
}
"""The findings that nothing was sent, where it is known why."""

_STRANGE = {"file-unrecognised", "file-not-spreadsheet"}
"""The findings about files of which there is nothing in the scheme."""

_BY_TAG = N_("every form bears the tag of another scheme")
_BY_TITLE = N_("every title that names a year names another one")
_BY_DATE = N_("every dated sheet is dated outside its stage's window")


def of_the_whole(
    scheme: Scheme, reading: Reading, findings: Sequence[Finding], aside: Collection[str] = ()
) -> list[Finding]:
    """Return the findings with one for each cause that lies in files and folders as a whole.

    These are copies, and a folder and a scheme that do not belong together. ``aside`` are the files
    that were set aside.
    """
    return _of_the_scheme(scheme, reading, _with_copies(reading, findings, aside))


def _with_copies(
    reading: Reading, findings: Sequence[Finding], aside: Collection[str]
) -> list[Finding]:
    """Return the findings with one for each copy of a file, or for a whole folder of copies."""
    originals = _originals(reading, aside)
    left = [
        item
        for item in findings
        if item.source.file not in originals
        and not (item.code in _TWICE and str(item.params.get("file")) in originals)
    ]
    if not originals:
        return left
    others = {source.file for source in reading.sources} - originals.keys()
    kept = {parent for name in others for parent in PurePosixPath(name).parents}
    folders: dict[PurePosixPath, list[str]] = {}
    for name in originals:
        whole = [parent for parent in PurePosixPath(name).parents if parent not in kept]
        folders.setdefault(whole[-1] if whole else PurePosixPath(name), []).append(name)
    for folder, names in folders.items():
        first = originals[names[0]]
        if len(names) > 1:
            params = {"count": len(names), "first": first}
            left.append(finding("folder-copy", Source(str(folder)), **params))
        else:
            left.append(finding("file-copy", Source(names[0]), first=first))
    return left


def _originals(reading: Reading, aside: Collection[str]) -> dict[str, str]:
    """Return the files that equal another byte for byte and are sent for the same, by their names.

    The copy is the one whose name says so, or which stands deeper in the folders.
    """
    places: dict[str, set[Place]] = {}
    for place, sources in reading.sheets.items():
        for source in sources:
            places.setdefault(source.file, set()).add(place)
    alike: dict[str, list[str]] = {}
    for item in reading.sources:
        if item.file not in aside:
            alike.setdefault(item.sha256, []).append(item.file)
    originals: dict[str, str] = {}
    for same in alike.values():
        first, *others = sorted(same, key=lambda name: (name not in places, _likely_copy(name)))
        path = PurePosixPath(first)
        for name in others:
            copy = PurePosixPath(name)
            beside = copy.with_stem(without_version(copy.stem)) == path
            if first in places and (beside or places.get(name, set()) <= places[first]):
                originals[name] = first
    return originals


def _likely_copy(name: str) -> tuple[bool, int]:
    path = PurePosixPath(name)
    named = any(without_version(part) != part for part in (*path.parts[:-1], path.stem))
    return named, len(path.parts)


def _of_the_scheme(scheme: Scheme, reading: Reading, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with one for all that are there because folder and scheme do not belong."""
    results = any(item.source.file in RESULTS for item in findings)
    if not reading.sheets or (results and not reading.blocks):
        return _nothing_read(scheme, reading, findings)
    dates = [item for item in findings if item.code == "sheet-date-outside"]
    # Whoever accepted a date has looked.
    looked = sum(item.code == "sheet-date-outside" for item in reading.findings) > len(dates)
    years = [item for item in findings if item.code == "sheet-other-year"]
    example, why, places = "", "", [item.source for item in (*dates, *years)]
    titled = [year for known in reading.titles.values() for year in sorted(known)[:1]]
    named = _years_named(scheme)
    if len(titled) >= _FEWEST and named and named.isdisjoint(set().union(*reading.titles.values())):
        example, why, places = titled[0], _BY_TITLE, [*reading.titles, *places]
    elif (
        len({item.source.of_sheet for item in dates}) >= _FEWEST
        and not reading.inside
        and not looked
    ):
        example, why = str(dates[0].params["date"]), _BY_DATE
    if not why:
        return list(findings)
    gone = set(map(id, (*dates, *years)))
    left = [item for item in findings if id(item) not in gone]
    return [*left, _other_scheme(scheme, reading, why, example, places)]


def _nothing_read(scheme: Scheme, reading: Reading, findings: Sequence[Finding]) -> list[Finding]:
    """Return why nothing is there, without that it is missing."""
    causes = [item for item in findings if item.code not in _CONSEQUENCES]
    if not any(item.severity is Severity.ERROR or item.code in _STRANGE for item in causes):
        return list(findings)
    tagged = [item for item in causes if item.code == "tag-other-scheme"]
    if len(tagged) >= _FEWEST:
        places = [item.source for item in tagged]
        example = str(tagged[0].params["id"])
        left = [item for item in causes if item.code != "tag-other-scheme"]
        return [*left, _other_scheme(scheme, reading, _BY_TAG, example, places)]
    strange = [item for item in causes if item.code in _STRANGE]
    if not strange:
        return causes
    if any(item.source.file in RESULTS for item in strange):
        strange = causes
    whole = {item.source.file for item in strange} >= {source.file for source in reading.sources}
    alone = len(strange) == 1 and reading.folder.endswith(strange[0].source.file)
    if not whole or alone:
        return causes
    params = {
        "count": len({item.source.file for item in strange}),
        "scheme": scheme.title,
        "id": scheme.id,
    }
    where = Source(reading.folder)
    one = finding("folder-unrecognised", where, **params, origin_word=reading.origin)
    places = [item.source for item in strange]
    gone = set(map(id, strange))
    left = [item for item in causes if id(item) not in gone]
    return [*left, replace(one, also=tuple(dict.fromkeys(places)))]


def _other_scheme(
    scheme: Scheme, reading: Reading, why: str, example: str, places: Iterable[Source]
) -> Finding:
    params = {"why_word": why, "example": example, "scheme": scheme.title, "id": scheme.id}
    where = Source(reading.folder)
    one = finding("folder-other-scheme", where, **params, origin_word=reading.origin)
    return replace(one, also=tuple(dict.fromkeys(places)))


def _years_named(scheme: Scheme) -> set[str]:
    """Return the years in a scheme's titles; those of its stages' windows where no title has one."""
    titles = [scheme.title, scheme.document.title, *(item.title for item in scheme.recorded)]
    for stage in scheme.stages:
        titles += [
            stage.title,
            *(form.title for plan in stage.plans.values() for form in plan.forms),
        ]
    years = {year for title in titles for text in title for year in _YEAR.findall(text)}
    windows = {
        str(day.year) for stage in scheme.stages for day in (stage.window.from_, stage.window.to)
    }
    return years or windows


def without_repeated(
    scheme: Scheme, records: Sequence[Record], stated: Mapping[Source, Decimal]
) -> tuple[list[Record], list[Finding]]:
    """Leave out the records that stand twice, and those of two versions of one file.

    See ``drop_repeated`` and ``drop_shared``. Of two versions neither counts, as nobody can say
    which is meant.
    """
    files: dict[tuple[str, PurePosixPath], dict[str, None]] = {}
    for record in records:
        path = PurePosixPath(record.source.file)
        plain = path.parent / without_version(path.stem)
        files.setdefault((record.id, plain), {})[record.source.file] = None
    doubtful: set[tuple[str, str]] = set()
    forms: dict[tuple[str, str], list[Bilingual]] = {}
    for (name, plain), some in files.items():
        first = next((file for file in some if PurePosixPath(file).stem == plain.name), None)
        if first is None:
            continue
        for file in some.keys() - {first}:
            forms.setdefault((file, first), []).append(scheme.recorded_as(name).title)
            doubtful |= {(name, file), (name, first)}
    left = [record for record in records if (record.id, record.source.file) not in doubtful]
    kept, twice = drop_repeated(scheme, left)
    kept, shared = drop_shared(scheme, kept, stated)
    versions = [
        finding(
            "file-version", Source(file), form=Bilingual.listed(titles), first=first, file=first
        )
        for (file, first), titles in forms.items()
    ]
    return kept, [*versions, *twice, *shared]
