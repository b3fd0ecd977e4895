"""Scores that were sent and not read: which ones a finding explains, so that none else is needed.

A name that the scheme does not know stands in the place of a member that its sheet lacks. What the
name stands for is a hint and never a reading.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from wuhu_appraisal.findings import QUOTED_NAME, Finding, Severity, Source
from wuhu_appraisal.read.forms import FormInPlan
from wuhu_appraisal.scheme.models import Scheme


@dataclass(frozen=True, slots=True)
class Unread:
    """The scores of these members in a stage and group; an adjustment's has its id and no group.

    ``code`` and ``source`` are those of the finding that says why they were not read.
    """

    code: str
    source: Source
    stage: str
    group: str
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Misnamed:
    """A name that a form does not know along a dimension, and the members that the form lacks there.

    ``nearest`` is the member that is called most like it, '' if none is.
    """

    code: str
    source: Source
    name: str
    entry: FormInPlan
    fixed: Mapping[str, str]
    dimension: str
    lacking: Sequence[str]
    nearest: str

    @property
    def sheet(self) -> tuple[str, ...]:
        """Return what the names in one row, or one column, of a sheet have in common."""
        entry = self.entry
        where = (self.source.file, self.source.sheet, self.dimension)
        return (*where, entry.stage.id, entry.group, entry.form.id)

    def unread(self, member: str) -> Unread:
        """Return the scores that stand under the name if it stands for the member."""
        members = {**self.fixed, self.dimension: member}
        return Unread(self.code, self.source, self.entry.stage.id, self.entry.group, members)


def absence_is_error(scheme: Scheme, entry: FormInPlan, dimension: str) -> bool:
    """Return whether a member without scores is an error by the step that takes the dimension away."""
    plan = entry.plan
    if dimension == "unit":
        first = plan.roll_ups[:1]
        return scheme.composite.missing == "error" or any(s.missing == "error" for s in first)
    return plan.missing_is_error(dimension)


def due(scheme: Scheme, entry: FormInPlan, dimension: str, members: Iterable[str]) -> list[str]:
    """Return the members of which scores are due: of the units those that the stage counts for."""
    if dimension != "unit":
        return list(members)
    return scheme.units_of(entry.stage, entry.group)


def explained(
    scheme: Scheme, misnamed: Sequence[Misnamed], findings: Iterable[Finding]
) -> tuple[list[Finding], list[Unread]]:
    """Return the findings with the member that each unknown name seems to mean, and what it explains.

    A column that is not known where one is due is no mere warning.
    """
    meant = _meant(misnamed)
    unread: list[Unread] = []
    places: set[tuple[str, Source]] = set()
    sheets: dict[tuple[str, ...], list[Misnamed]] = {}
    for item in misnamed:
        if item.lacking and absence_is_error(scheme, item.entry, item.dimension):
            sheets.setdefault(item.sheet, []).append(item)
    for items in sheets.values():
        pairs = list(_pairs(items, meant))
        unread += [item.unread(member) for item, member in pairs]
        if len(items) == len(pairs):
            # What is in the same order is a hint as well.
            meant |= {item.name: member for item, member in pairs if item.name not in meant}
        places |= {(item.code, item.source) for item, _member in pairs}
    titles = {
        item.name: scheme.title_of(item.entry.plan, item.dimension, member)
        for item in misnamed
        if (member := meant.get(item.name))
    }
    changed = []
    for finding in findings:
        name = finding.params.get(QUOTED_NAME.get(finding.code, ""))
        if name in titles:
            finding = replace(finding, params={**finding.params, "suggestion": titles[str(name)]})
        if (finding.code, finding.source) in places:
            finding = replace(finding, severity=Severity.ERROR)
        changed.append(finding)
    return changed, unread


def _meant(misnamed: Sequence[Misnamed]) -> dict[str, str]:
    """Return the member that every sheet with a name lacks: the most similar, or the only one left."""
    lacking: dict[str, Set[str]] = {}
    nearest = {item.name: item.nearest for item in misnamed}
    for item in misnamed:
        known = lacking.get(item.name)
        lacking[item.name] = set(item.lacking) if known is None else known & set(item.lacking)
    meant = {name: nearest[name] for name, some in lacking.items() if nearest[name] in some}
    taken = set(meant.values())
    for name, some in lacking.items():
        free = some - taken
        if name not in meant and len(free) == 1:
            meant[name] = next(iter(free))
    return meant


def _pairs(items: Sequence[Misnamed], meant: Mapping[str, str]) -> Iterator[tuple[Misnamed, str]]:
    """Yield the unknown names of a sheet with the lacking members that they stand in the place of."""
    left = list(items[0].lacking)
    nameless = []
    for item in items:
        member = meant.get(item.name, "")
        if member in left:
            left.remove(member)
            yield item, member
        else:
            nameless.append(item)
    if len(left) <= len(nameless):
        yield from zip(nameless, left, strict=False)
