"""Which sheet is which form: by the tag of our templates, else by names, else by its title.

Two that disagree are a finding and the sheet is not read: which of them is right, a person says.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePath

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.names import normalise
from wuhu_appraisal.read.forms import FormIndex, FormInPlan, SheetMatch, described, places
from wuhu_appraisal.read.tags import parse, tag_in
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Adjustment
from wuhu_appraisal.workbooks.cell import Sheet

_HEAD_ROWS = 8
_SHORTEST = 5
"""A shorter title is too common a word to recognise a sheet by."""

_TITLE_ROWS, _FEW = 3, 6
_YEAR = re.compile(r"(20\d\d)年(?!\s*\d{1,2}\s*月)")
_APART = re.compile(r"\s{2,}")
_TELLING = ":：)）"
_BRACKET = re.compile(r"\(([^()]*)\)$")
_WORDS = {
    "tag": N_("the form's tag"),
    "name": N_("the name of the file and sheet"),
    "title": N_("the title in the sheet"),
}


@dataclass(slots=True)
class Recognised:
    """The forms and adjustments that a sheet is; ``looked_for`` where its file has a known name."""

    matches: list[SheetMatch] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    looked_for: bool = True

    @property
    def found(self) -> bool:
        """Whether the sheet is known for anything."""
        return bool(self.matches or self.adjustments)

    @property
    def identities(self) -> set[tuple[str, ...]]:
        """What tells two recognitions apart: form and named members, or the adjustment's sheet."""
        return {
            (m.entry.stage.id, m.entry.group, m.entry.form.id, *_named(m)) for m in self.matches
        } | {("adjustment", item.form.file, item.form.sheet) for item in self.adjustments}

    @property
    def title(self) -> Bilingual:
        """What the sheet was recognised as, in words."""
        titles = [
            _joined([m.entry.form.title, *(Bilingual(n, n) for n in _named(m))])
            for m in self.matches
        ]
        titles += [item.title for item in self.adjustments]
        return titles[0] if titles else Bilingual("", "")


class Recogniser:
    """Recognises the sheets of one scheme."""

    def __init__(self, scheme: Scheme, forms: FormIndex) -> None:
        self._scheme = scheme
        self._forms = forms
        self._titles: dict[str, list[str]] = {}
        self._years = _years(scheme)
        self._senders: dict[Bilingual, set[str]] = {}
        self._entitled: dict[str, list[FormInPlan | Adjustment]] = {}
        for entry in forms.entries:
            for title in {normalise(entry.form.title.zh), normalise(entry.form.title.en)}:
                self._entitled.setdefault(title, []).append(entry)
        for adjustment in scheme.adjustments:
            for title in {normalise(adjustment.title.zh), normalise(adjustment.title.en)}:
                self._entitled.setdefault(title, []).append(adjustment)

    def recognise(self, path: PurePath, grid: Sheet) -> Recognised:
        """What a sheet is, or why that cannot be said."""
        rows = _head(grid)
        head = [text for row in rows for text in row]
        # A label and what it labels may stand in two cells of a row.
        short = (row for row in rows if len(row) <= _FEW)
        head += [f"{label}:{text}" for row in short for label, text in pairwise(row)]
        written = tag_in(head)
        named = self._by_name(path, grid)
        if written is not None:
            tagged = self._held_against_title(grid, head, "tag", self._by_tag(written, grid))
            return self._dated(grid, _agreed(grid, ("tag", tagged), ("name", named)))
        if named.found:
            return self._dated(grid, self._held_against_title(grid, head, "name", named))
        entitled = self._by_title(grid, head, named)
        return self._dated(grid, named if named.findings and not entitled.found else entitled)

    def _dated(self, grid: Sheet, found: Recognised) -> Recognised:
        """With a word about a title that speaks of a year that the scheme knows nothing of."""
        if found.found and self._years:
            texts = (
                cell for row in grid.rows[:_TITLE_ROWS] for cell in row if isinstance(cell, str)
            )
            said = [year for text in texts for year in _YEAR.findall(text)]
            if said and not self._years.intersection(said):
                years = ", ".join(sorted(self._years))
                where = Source(grid.file, grid.name)
                found.findings.append(finding("sheet-other-year", where, year=said[0], years=years))
        return found

    def _by_name(self, path: PurePath, grid: Sheet) -> Recognised:
        """By the scheme's patterns over the path and the sheet's name."""
        known = [place for place in places(path, grid.name) if self._forms.knows_file(place[0])]
        found = Recognised(looked_for=bool(known))
        for place, sheet in known:
            matches, problems = self._forms.sheets(place, grid.file, sheet)
            adjustments = self._forms.adjustments(place, sheet)
            here = Recognised(matches, adjustments, problems)
            if here.found:
                return here
            found = found if found.findings else here
        return found

    def _by_tag(self, written: str, grid: Sheet) -> Recognised:
        where = Source(grid.file, grid.name)
        tag = parse(written)
        if tag is not None and tag.scheme != self._scheme.id:
            return Recognised(findings=[finding("tag-other-scheme", where, id=tag.scheme)])
        unknown = Recognised(findings=[finding("tag-unknown", where, tag=written)])
        if tag is None:
            return unknown
        sharing = [
            item
            for first in self._scheme.adjustments
            if first.id == tag.form == tag.stage
            for item in self._scheme.adjustments
            if (item.form.file, item.form.sheet) == (first.form.file, first.form.sheet)
        ]
        if sharing:
            return Recognised(adjustments=sharing)
        for entry in self._forms.entries:
            if (entry.stage.id, entry.group, entry.form.id) == (tag.stage, tag.group, tag.form):
                names = entry.form.named
                if len(names) != len(tag.members):
                    return unknown
                fixed = self._forms.fixed(entry, dict(zip(names, tag.members, strict=True)))
                return Recognised([SheetMatch(entry, fixed)]) if fixed is not None else unknown
        return unknown

    def _held_against_title(
        self, grid: Sheet, head: Sequence[str], word: str, named: Recognised
    ) -> Recognised:
        """What a tag or a name says a sheet is, unless its title or its sender says otherwise."""
        entitled = self._entitled_in(head)
        ours = [match.entry for match in named.matches]
        for match in named.matches:
            said = self._members(match.entry, head)
            fixed = self._forms.fixed(match.entry, said) if said else None
            if fixed is not None and fixed != match.fixed:
                other_member = Recognised([SheetMatch(match.entry, fixed)]).title
                problem = _disagreement(grid, (word, named.title), ("title", other_member))
                return Recognised(findings=[problem])
        if not entitled or any(item in entitled for item in (*ours, *named.adjustments)):
            return named
        other = entitled[0]
        title = other.title if isinstance(other, Adjustment) else other.form.title
        return Recognised(findings=[_disagreement(grid, (word, named.title), ("title", title))])

    def _by_title(self, grid: Sheet, head: Sequence[str], named: Recognised) -> Recognised:
        entitled = self._entitled_in(head)
        entries = [item for item in entitled if not isinstance(item, Adjustment)]
        if not entitled:
            return named
        if not entries:
            return Recognised(adjustments=[i for i in entitled if isinstance(i, Adjustment)])
        where = Source(grid.file, grid.name)
        complete: list[SheetMatch] = []
        for entry in entries:
            found = self._members(entry, head)
            fixed = self._forms.fixed(entry, found) if found is not None else None
            if fixed is not None:
                complete.append(SheetMatch(entry, fixed))
        if len(complete) == 1:
            return Recognised(complete)
        expected = _listed([described(entry.form.file, entry.plan) for entry in entries])
        if len(entries) > 1:
            forms = _listed(
                [
                    _joined(
                        [
                            entry.stage.title,
                            self._scheme.group(entry.group).title,
                            entry.form.title,
                        ]
                    )
                    for entry in entries
                ]
            )
            problem = finding("sheet-title-ambiguous", where, forms=forms, expected=expected)
            return Recognised(findings=[problem])
        [entry] = entries
        names = entry.form.named
        dimension = _listed([_dimension(entry, name) for name in names])
        params = {"form": entry.form.title, "dimension": dimension, "expected": expected}
        return Recognised(findings=[finding("sheet-title-incomplete", where, **params)])

    def _entitled_in(self, head: Sequence[str]) -> list[FormInPlan | Adjustment]:
        """The forms and adjustments whose title the sheet bears; the longest title counts."""
        titles = [title for text in head for title in self._titles_in(text)]
        return self._entitled[max(titles, key=len)] if titles else []

    def _titles_in(self, text: str) -> list[str]:
        if text not in self._titles:
            bare = normalise(text)
            without = _BRACKET.sub("", bare)
            self._titles[text] = [
                title
                for title in self._entitled
                if len(title) >= _SHORTEST and (bare.endswith(title) or without.endswith(title))
            ]
        return self._titles[text]

    def _members(self, entry: FormInPlan, head: Sequence[str]) -> dict[str, str] | None:
        """The members that a title names in brackets, or a label names; None if not all."""
        found: dict[str, str] = {}
        for name in entry.form.named:
            names = self._forms.names(entry, name)
            telling = (text for text in head if any(sign in text for sign in _TELLING))
            said = [part for text in telling for part in self._said(text, entry, name)]
            members = {names.match(part) for part in said} - {None} if names is not None else set()
            # Two that are named say as little as none.
            if len(members) != 1:
                return None
            found[name] = str(members.pop())
        return found

    def _said(self, text: str, entry: FormInPlan, dimension: str) -> Iterator[str]:
        """What a title holds in brackets, and what stands behind a label for a dimension."""
        bracket = _BRACKET.search(normalise(text)) if self._titles_in(text) else None
        if bracket:
            yield bracket[1]
        if ":" not in text and "：" not in text:
            return
        title = _dimension(entry, dimension)
        if title not in self._senders:
            words = (*self._scheme.reading.labels.sender, title.zh, title.en)
            self._senders[title] = set(map(normalise, words))
        labels = self._senders[title]
        for part in _APART.split(text):
            label, colon, rest = normalise(part).partition(":")
            if colon and label in labels:
                yield rest
                yield _BRACKET.sub("", rest)


def _years(scheme: Scheme) -> set[str]:
    """The years that a scheme's titles and its stages' windows speak of."""
    texts = (scheme.title, scheme.document.title)
    said = {year for text in texts for year in re.findall(r"20\d\d", f"{text.zh} {text.en}")}
    for stage in scheme.stages:
        said |= {str(stage.window.from_.year), str(stage.window.to.year)}
    return said


def _named(match: SheetMatch) -> tuple[str, ...]:
    return tuple(match.fixed[name] for name in match.entry.form.named if name in match.fixed)


def _head(grid: Sheet) -> list[list[str]]:
    """The texts of the rows above the scores."""
    return [
        [cell for cell in grid.rows[row] if cell and isinstance(cell, str)]
        for row in range(min(len(grid.rows), _HEAD_ROWS))
    ]


def _agreed(
    grid: Sheet, first: tuple[str, Recognised], second: tuple[str, Recognised]
) -> Recognised:
    """The first, unless the second says that the sheet is something else."""
    one, other = first[1], second[1]
    if not one.found or not other.found or one.identities & other.identities:
        return one
    return Recognised(
        findings=[_disagreement(grid, (first[0], one.title), (second[0], other.title))]
    )


def _disagreement(
    grid: Sheet, first: tuple[str, Bilingual], second: tuple[str, Bilingual]
) -> Finding:
    params: Mapping[str, object] = {
        "first_word": _WORDS[first[0]],
        "first": first[1],
        "second_word": _WORDS[second[0]],
        "second": second[1],
    }
    return finding("sheet-disagrees", Source(grid.file, grid.name), **params)


def _dimension(entry: FormInPlan, name: str) -> Bilingual:
    declared = entry.plan.dimensions.get(name)
    if declared is not None and declared.title is not None:
        return declared.title
    return Bilingual("单位", "unit") if name == "unit" else Bilingual(name, name)


def _joined(parts: Sequence[Bilingual]) -> Bilingual:
    return Bilingual(*(" ".join(side) for side in zip(*parts, strict=True)))


def _listed(parts: Sequence[Bilingual]) -> Bilingual:
    distinct = list(dict.fromkeys(parts))
    return Bilingual("、".join(p.zh for p in distinct), ", ".join(p.en for p in distinct))
