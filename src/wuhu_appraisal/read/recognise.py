"""What a sheet is: by the tag of our forms, else by the names of file and sheet, else by its title.

Where two of these disagree the sheet is not read and a finding says so.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import PurePath

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.names import normalise
from wuhu_appraisal.read.forms import (
    FormIndex,
    FormInPlan,
    Place,
    SheetMatch,
    parse_tag,
    possible_names,
    tag_in,
)
from wuhu_appraisal.read.labels import normalised
from wuhu_appraisal.scheme.final import Recorded
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.workbooks.cell import Sheet

_HEAD_ROWS = 8
"""Titles, labels and the tag are looked for in so many rows from the top."""

_SHORTEST_TITLE = 5
"""A shorter title is too common a word to recognise a sheet by."""

_MOST_LABEL_CELLS = 6
"""In a row of more texts a text is no label of the next one."""

_TITLE_ROWS = 3
_YEAR = re.compile(r"(20\d\d)年(?!\s*\d{1,2}\s*月)")
_BETWEEN_LABELS = re.compile(r"\s{2,}")
_NAMING_SIGNS = ":：)）"
_BRACKET = re.compile(r"\(([^()]*)\)$")
_TAG, _NAME, _TITLE = (
    N_("the form's tag"),
    N_("the name of the file and sheet"),
    N_("the title in the sheet"),
)


@dataclass(slots=True)
class Recognised:
    """The forms or adjustments that a sheet is; none, with or without a finding, if that is not known.

    ``known_file`` is False if nothing is looked for in a file of this name and nothing in the sheet
    tells what it is. ``years`` are those in the title.
    """

    matches: list[SheetMatch] = field(default_factory=list)
    adjustments: list[Recorded] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    known_file: bool = True
    years: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Return whether it is known what the sheet is."""
        return bool(self.matches or self.adjustments)

    @property
    def places(self) -> set[Place]:
        """Return the places of the sheet among those that the scheme expects."""
        return {match.place for match in self.matches} | set(map(Place.of, self.adjustments))

    @property
    def title(self) -> Bilingual:
        """Return what the sheet is, in words: the title of the first form with its members."""
        if not self.matches:
            return self.adjustments[0].title if self.adjustments else Bilingual("", "")
        title, members = self.matches[0].entry.title, self.matches[0].members
        return Bilingual(" ".join((title.zh, *members)), " ".join((title.en, *members)))


class Recogniser:
    """Recognises the sheets of one scheme."""

    def __init__(self, scheme: Scheme, forms: FormIndex) -> None:
        self._scheme = scheme
        self._forms = forms
        self._years = _years(scheme)
        self._bearers: dict[str, list[FormInPlan | Recorded]] = {}
        items: list[FormInPlan | Recorded] = [*forms.entries, *scheme.recorded]
        for item in items:
            for title in {normalise(item.title.zh), normalise(item.title.en)}:
                self._bearers.setdefault(title, []).append(item)
        self._titles: dict[str, list[str]] = {}

    def recognise(self, path: PurePath, sheet: Sheet) -> Recognised:
        """Return what a sheet is, or why that cannot be said."""
        texts = _head_texts(sheet)
        tag = tag_in(texts)
        by_name = self._by_name(path, sheet)
        if tag is not None:
            recognised = self._unless_titled(sheet, texts, _TAG, self._by_tag(tag, sheet))
            if recognised and by_name and not recognised.places & by_name.places:
                recognised = _disagreement(sheet, (_TAG, recognised.title), (_NAME, by_name.title))
        elif by_name:
            recognised = self._unless_titled(sheet, texts, _NAME, by_name)
        else:
            by_title = self._by_title(sheet, texts)
            titled = by_title or (by_title.findings and not by_name.findings)
            recognised = by_title if titled else by_name
        if recognised:
            self._find_other_year(sheet, recognised)
        return recognised

    def _by_name(self, path: PurePath, sheet: Sheet) -> Recognised:
        """Recognise a sheet by the scheme's patterns for the path and the sheet's name."""
        names = [
            (file, name)
            for file, name in possible_names(path, sheet.name)
            if self._forms.knows_file(file)
        ]
        unknown = Recognised(known_file=bool(names))
        for file, name in names:
            matches, findings = self._forms.sheets(file, sheet.file, name)
            adjustments = self._forms.adjustments(file, name)
            for one, other in combinations(adjustments, 2):
                if set(one.groups) & set(other.groups):
                    return _disagreement(sheet, (_NAME, one.title), (_NAME, other.title))
            recognised = Recognised(matches, adjustments, findings)
            if recognised:
                return recognised
            unknown = unknown if unknown.findings else recognised
        return unknown

    def _by_tag(self, written: str, sheet: Sheet) -> Recognised:
        """Recognise a sheet by its tag."""
        where = Source(sheet.file, sheet.name)
        tag = parse_tag(written)
        if tag is not None and tag[0] != self._scheme.id:
            return Recognised(findings=[finding("tag-other-scheme", where, id=tag[0])])
        recognised = self._at(tag[1]) if tag is not None else Recognised()
        if not recognised:
            recognised.findings.append(finding("tag-unknown", where, tag=written))
        return recognised

    def _at(self, place: Place) -> Recognised:
        """Return the sheet at a place that a tag gives; nothing if the scheme has no such place."""
        for first in self._scheme.recorded:
            if first.id == place.form == place.stage:
                shared = [
                    item
                    for item in self._scheme.recorded
                    if (item.form.file, item.form.sheet) == (first.form.file, first.form.sheet)
                ]
                return Recognised(adjustments=shared)
        entry = self._forms.entry(place)
        if entry is None or len(entry.form.named) != len(place.members):
            return Recognised()
        members = dict(zip(entry.form.named, place.members, strict=True))
        match, _unknown = self._forms.match(entry, members)
        return Recognised([match] if match is not None else [])

    def _unless_titled(
        self, sheet: Sheet, texts: Sequence[str], how: str, recognised: Recognised
    ) -> Recognised:
        """Return what a tag or a name tells of a sheet, unless its title or its sender disagrees."""
        for match in recognised.matches:
            titled = self._named_in(match.entry, texts) if match.members else None
            if titled is not None and titled.fixed != match.fixed:
                other = Recognised([titled]).title
                return _disagreement(sheet, (how, recognised.title), (_TITLE, other))
        bearers = self._bearers_in(texts)
        ours = [*(match.entry for match in recognised.matches), *recognised.adjustments]
        if not ours or not bearers or any(item in bearers for item in ours):
            return recognised
        return _disagreement(sheet, (how, recognised.title), (_TITLE, bearers[0].title))

    def _by_title(self, sheet: Sheet, texts: Sequence[str]) -> Recognised:
        """Recognise a sheet by the title that it bears, and by who sent it."""
        bearers = self._bearers_in(texts)
        entries = [item for item in bearers if isinstance(item, FormInPlan)]
        if not entries:
            adjustments = [item for item in bearers if isinstance(item, Recorded)]
            return Recognised(adjustments=adjustments)
        matches = [match for entry in entries if (match := self._named_in(entry, texts))]
        if len(matches) == 1:
            return Recognised(matches)
        where = Source(sheet.file, sheet.name)
        expected = Bilingual.listed(entry.expected_file for entry in entries)
        if len(entries) > 1:
            titles = [
                (entry.stage.title, self._scheme.group(entry.group).title, entry.title)
                for entry in entries
            ]
            forms = Bilingual.listed(
                Bilingual(*map(" ".join, zip(*parts, strict=True))) for parts in titles
            )
            problem = finding("sheet-title-ambiguous", where, forms=forms, expected=expected)
        else:
            [entry] = entries
            dimension = Bilingual.listed(map(entry.dimension_title, entry.form.named))
            params = {"form": entry.title, "dimension": dimension, "expected": expected}
            problem = finding("sheet-title-incomplete", where, **params)
        return Recognised(findings=[problem])

    def _bearers_in(self, texts: Sequence[str]) -> list[FormInPlan | Recorded]:
        """Return the forms and adjustments that bear the longest title among the texts."""
        titles = [title for text in texts for title in self._titles_in(text)]
        return self._bearers[max(titles, key=len)] if titles else []

    def _titles_in(self, text: str) -> list[str]:
        """Return the titles with which a text ends, with or without a bracket behind them."""
        if text not in self._titles:
            ends = (normalise(text), _BRACKET.sub("", normalise(text)))
            self._titles[text] = [
                title
                for title in self._bearers
                if len(title) >= _SHORTEST_TITLE and any(end.endswith(title) for end in ends)
            ]
        return self._titles[text]

    def _named_in(self, entry: FormInPlan, texts: Sequence[str]) -> SheetMatch | None:
        """Return the form with the members that texts name, None unless they name one of each."""
        members: dict[str, str] = {}
        for dimension in entry.form.named:
            names = self._forms.names(entry, dimension)
            if names is None:
                return None
            written = (part for text in texts for part in self._naming(text, entry, dimension))
            known = {names.match(part) for part in written} - {None}
            if len(known) != 1:
                return None
            members[dimension] = str(known.pop())
        return self._forms.match(entry, members)[0]

    def _naming(self, text: str, entry: FormInPlan, dimension: str) -> Iterator[str]:
        """Yield what a title has in brackets, and what stands behind a label of the dimension."""
        if not any(sign in text for sign in _NAMING_SIGNS):
            return
        bracket = _BRACKET.search(normalise(text)) if self._titles_in(text) else None
        if bracket:
            yield bracket[1]
        title = entry.dimension_title(dimension)
        labels = normalised((*self._scheme.reading.labels.sender, title.zh, title.en))
        for part in _BETWEEN_LABELS.split(text):
            label, colon, rest = normalise(part).partition(":")
            if colon and label in labels:
                yield rest
                yield _BRACKET.sub("", rest)

    def _find_other_year(self, sheet: Sheet, recognised: Recognised) -> None:
        """Find the years of which the title speaks; that the scheme does not is a finding."""
        rows = sheet.rows[:_TITLE_ROWS]
        texts = (cell for row in rows for cell in row if isinstance(cell, str))
        years = [year for text in texts for year in _YEAR.findall(text)]
        if self._years and years and not self._years.intersection(years):
            params = {"year": years[0], "years": ", ".join(sorted(self._years))}
            where = Source(sheet.file, sheet.name)
            recognised.findings.append(finding("sheet-other-year", where, **params))
        recognised.years = set(years)


def _years(scheme: Scheme) -> set[str]:
    """Return the years in a scheme's titles and in its stages' windows."""
    texts = (*scheme.title, *scheme.document.title)
    years = {year for text in texts for year in re.findall(r"20\d\d", text)}
    for stage in scheme.stages:
        years |= {str(stage.window.from_.year), str(stage.window.to.year)}
    return years


def _head_texts(sheet: Sheet) -> list[str]:
    """Return the texts of the first rows, and each label joined to the text in the cell behind it."""
    rows = [
        [cell for cell in row if cell and isinstance(cell, str)] for row in sheet.rows[:_HEAD_ROWS]
    ]
    short = (row for row in rows if len(row) <= _MOST_LABEL_CELLS)
    joined = [f"{label}:{text}" for row in short for label, text in pairwise(row)]
    return [text for row in rows for text in row] + joined


def _disagreement(
    sheet: Sheet, first: tuple[str, Bilingual], second: tuple[str, Bilingual]
) -> Recognised:
    """Return a sheet that is not read because it is called two things: how, and what."""
    params = {"first_word": first[0], "first": first[1]}
    params |= {"second_word": second[0], "second": second[1]}
    where = Source(sheet.file, sheet.name)
    return Recognised(findings=[finding("sheet-disagrees", where, **params)])
