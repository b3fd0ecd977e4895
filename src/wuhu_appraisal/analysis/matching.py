"""Which unit of one result is which of another: by its names, or as a file says."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.names import NameIndex
from wuhu_appraisal.scheme.load import validate
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Model
from wuhu_appraisal.scheme.yaml_source import Path, parse


class Matches(Model):
    """What names do not say of the units of two results."""

    renamed: dict[str, str] = Field({}, description="the new name by the old one")
    merged: dict[str, list[str]] = Field({}, description="the old units by the new one")
    split: dict[str, list[str]] = Field({}, description="the new units by the old one")
    came: list[str] = Field([], description="new units that are no old one, whatever their name")
    went: list[str] = Field([], description="old units that are no new one, whatever their name")

    def named(self) -> Iterator[tuple[bool, str, Path]]:
        """Yield each name in the file, whether it is one of the new units, and its place."""
        for old, new in self.renamed.items():
            yield from ((False, old, ("renamed", old)), (True, new, ("renamed", old)))
        for key, of_new in (("merged", True), ("split", False)):
            for one, several in getattr(self, key).items():
                yield of_new, one, (key, one)
                for place, name in enumerate(several):
                    yield not of_new, name, (key, one, place)
        for key, of_new in (("came", True), ("went", False)):
            for place, name in enumerate(getattr(self, key)):
                yield of_new, name, (key, place)


NOTHING_SAID = Matches()


@dataclass(frozen=True, slots=True)
class Matched:
    """The units of two schemes: ``names`` has the new name of each unit, and rater, by the old one.

    ``merged`` and ``split`` are the old units and the new ones that they became; ``came`` are the
    new units that were none before, ``went`` the old ones that are none now.
    """

    names: Mapping[str, str]
    merged: Sequence[tuple[Sequence[str], Sequence[str]]]
    came: Sequence[str]
    went: Sequence[str]


def load_matches(
    name: str, content: bytes, old: Scheme, new: Scheme
) -> tuple[Matches, list[Finding]]:
    """Return what a file says of the units, by their names in the schemes, and what is wrong with it."""
    document = parse(name, content)
    matches, findings = validate(Matches, document)
    if matches is None:
        return NOTHING_SAID, findings
    known = old.unit_names(), new.unit_names()
    first: dict[tuple[bool, str], Source] = {}
    taken = {known[1].match(name) for name in matches.renamed.values()}
    for of_new, text, path in matches.named():
        place, unit = document.place(path), known[of_new].match(text)
        if unit is None:
            near = known[of_new].suggest(text)
            findings.append(finding("unit-unknown", place, name=text, suggestion=near))
        elif first.setdefault((of_new, unit), place) != place:
            findings.append(finding("match-twice", place, unit=unit, first=first[of_new, unit]))
        elif path[0] == "went" and unit in taken:
            # Its scores and those of the unit that took its name could not be told apart.
            findings.append(finding("match-twice", place, unit=unit, first=first[True, unit]))
    return (NOTHING_SAID if findings else _in_full(matches, *known)), findings


def _in_full(matches: Matches, old: NameIndex, new: NameIndex) -> Matches:
    """Return the matches with every name as its scheme has it."""

    def names(index: NameIndex, written: Iterable[str]) -> list[str]:
        return [index.match(name) or name for name in written]

    return Matches(
        renamed=dict(
            zip(names(old, matches.renamed), names(new, matches.renamed.values()), strict=True)
        ),
        merged={
            new.match(one) or one: names(old, several) for one, several in matches.merged.items()
        },
        split={
            old.match(one) or one: names(new, several) for one, several in matches.split.items()
        },
        came=names(new, matches.came),
        went=names(old, matches.went),
    )


def matched(old: Scheme, new: Scheme, matches: Matches = NOTHING_SAID) -> Matched:
    """Match units, and raters that are none, by their names, aliases and former names in either scheme.

    A name that leads to several units matches none of them.
    """
    joined = [
        *((tuple(several), (one,)) for one, several in matches.merged.items()),
        *(((one,), tuple(several)) for one, several in matches.split.items()),
    ]
    renamed = {
        **matches.renamed,
        **{a: b for (a, *more), (b, *others) in joined if not (more or others)},
    }
    joined = [pair for pair in joined if len(pair[0]) + len(pair[1]) > 2]
    units = [[unit.name for unit in scheme.all_units] for scheme in (old, new)]
    stated = [{name for pair in joined for name in pair[side]} for side in (0, 1)]
    said = stated[0] | {*renamed, *matches.went}, stated[1] | {*renamed.values(), *matches.came}
    free = [[name for name in units[side] if name not in said[side]] for side in (0, 1)]
    names = {**_by_name((old, new), *free), **renamed}
    raters = [
        [rater.name for raters in scheme.raters for rater in raters.names] for scheme in (old, new)
    ]
    known = stated[0] | set(names), stated[1] | set(names.values())
    alone = [[name for name in units[side] if name not in known[side]] for side in (0, 1)]
    return Matched({**_by_name((old, new), *raters), **names}, joined, alone[1], alone[0])


def _by_name(schemes: Sequence[Scheme], olds: Iterable[str], news: Iterable[str]) -> dict[str, str]:
    """Return the new name of each old one that leads to it, and to no other, in either scheme."""
    old, new = schemes
    olds, news = list(dict.fromkeys(olds)), list(dict.fromkeys(news))
    same = dict.fromkeys(name for name in olds if name in news)
    rest = [name for name in olds if name not in same], [name for name in news if name not in same]
    ways = [
        scheme.name_index({name: scheme.written[name] for name in names})
        for scheme, names in zip(schemes, rest, strict=True)
    ]
    pairs = {
        (name, there)
        for name in rest[0]
        for way in (name, *old.written[name])
        if (there := ways[1].match(way))
    }
    pairs |= {
        (there, name)
        for name in rest[1]
        for way in (name, *new.written[name])
        if (there := ways[0].match(way))
    }
    counts = [Counter(pair[side] for pair in pairs) for side in (0, 1)]
    one_to_one = {a: b for a, b in pairs if counts[0][a] == counts[1][b] == 1}
    return {**{name: name for name in same}, **one_to_one}
