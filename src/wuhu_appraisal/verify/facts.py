"""A result as single facts, each with a name by which two results are held against each other."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from wuhu_appraisal.findings import Source, column_letters
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.plan import planned
from wuhu_appraisal.store import (
    BlockJson,
    FinalJson,
    FindingJson,
    GroupJson,
    ResultJson,
    SourceJson,
    StageTraceJson,
    UnitJson,
)

NOTHING = "—"
"""What stands for a number that a provisional result does not have."""

_ELSEWHERE = {
    *("format", "tool", "versions", "computed_at", "secret", "scheme", "groups"),
    *("sources", "findings", "ledger", "remarks", "decisions", "trace"),
}


class Kind(StrEnum):
    """What a fact is about, causes before what follows from them; the values are message ids."""

    SCORE = N_("scores as read")
    RECORD = N_("records of adjustments")
    STEP = N_("numbers of the steps")
    EXACT = N_("exact composites and finals")
    PUBLISHED = N_("published numbers and ranks")
    FINDING = N_("findings")
    OTHER = N_("what else is recorded")


NUMBERS = (Kind.SCORE, Kind.RECORD, Kind.STEP, Kind.EXACT, Kind.PUBLISHED)
"""The kinds whose facts are numbers, or what they are made of."""


class Fact(NamedTuple):
    """By what a fact is known: its kind, a name in the active language, and the place it is from."""

    kind: Kind
    name: str
    source: Source = Source("")


Valued = tuple[Fact, str]
Called = Callable[[str, str], str]
"""What a member of a dimension is called."""


def facts(result: ResultJson, scheme: Scheme, *, words: bool) -> Iterator[Valued]:
    """Every fact of a result with its value as text; what is recorded twice comes twice.

    Without ``words`` the sentences of findings are left out: another version may say them otherwise.
    """
    yield Fact(Kind.OTHER, _("the scheme's title")), result.scheme.title
    titles = {stage.id: str(stage.title) for stage in scheme.stages}
    groups = {group.id: str(group.title) for group in scheme.groups}
    for group, trace in result.trace.items():
        for stage, found in trace.stages.items():
            where = f"{titles.get(stage, stage)}, {groups.get(group, group)}"
            called, dimensions = _called(scheme, stage, group)
            yield from _scores(where, found.blocks, called)
            yield from _steps(where, found, called, dimensions)
        yield from _exact(_("composite"), trace.composite)
        yield from _exact(_("final"), trace.final)
    for ranked in result.groups:
        yield from _published(ranked, groups.get(ranked.id, ranked.id), titles)
    yield from _findings(result.findings, words=words)
    for entry in result.ledger:
        name = _("how the cell was read")
        value = _text(entry.model_dump(exclude={"source"}))
        yield Fact(Kind.OTHER, name, _source(entry.source)), value
    for remark in result.remarks:
        yield Fact(Kind.OTHER, _("remark"), _source(remark.source)), f"{remark.kind}: {remark.text}"
    for decision in result.decisions:
        place = _source(decision.written)
        for key, value in decision.model_dump(exclude={"written"}).items():
            shown = value if words else _without_words(value)
            yield Fact(Kind.OTHER, f"decisions: {key}", place), _text(shown)
    for key, value in result.model_dump(mode="json", exclude=_ELSEWHERE).items():
        yield Fact(Kind.OTHER, key), _text(value)


def _called(scheme: Scheme, stage_id: str, group: str) -> tuple[Called, Sequence[Sequence[str]]]:
    """The names of a stage's members, and the dimensions that each step leaves."""
    stage = next((item for item in scheme.stages if item.id == stage_id), None)
    plan = stage.plans.get(group) if stage else None

    @cache
    def called(dimension: str, member: str) -> str:
        try:
            return str(scheme.title_of(plan, dimension, member)) if plan else member
        except LookupError:
            return member

    steps = planned(scheme, plan) if plan else ()
    return called, [step.after.dimensions for step in steps]


def _scores(where: str, blocks: Sequence[BlockJson], called: Called) -> Iterator[Valued]:
    """One fact a cell: what it is the score of, and the score."""
    for block in blocks:
        fixed = [called(name, member) for name, member in block.fixed.items()]
        rows, columns = block.rows, block.columns
        sides = _("{stage}: what stands in the rows and columns").format(stage=where)
        place = Source(block.file, block.sheet)
        yield Fact(Kind.OTHER, sides, place), f"{rows.dimension} × {columns.dimension}"
        across = [
            (called(columns.dimension, member), column_letters(position - 1))
            for member, position in zip(columns.members, columns.positions, strict=True)
        ]
        down = zip(rows.members, rows.positions, block.values, strict=True)
        for member, line, values in down:
            before = [*fixed, called(rows.dimension, member)]
            for (title, letters), value in zip(across, values, strict=True):
                of = " · ".join(filter(None, (*before, title)))
                source = Source(block.file, block.sheet, f"{letters}{line}")
                yield Fact(Kind.SCORE, f"{where}: {of}", source), value


def _steps(
    where: str, found: StageTraceJson, called: Called, dimensions: Sequence[Sequence[str]]
) -> Iterator[Valued]:
    for number, rows in enumerate(found.steps):
        names = dimensions[number] if number < len(dimensions) else ()
        for key, value, coefficients in rows:
            members = list(map(called, names, key)) if len(names) == len(key) else key
            of = " · ".join(members)
            name = _("{stage}, step {number}: {of}").format(stage=where, number=number + 1, of=of)
            yield Fact(Kind.STEP, name), value
            shares = coefficients if isinstance(coefficients, str) else ", ".join(coefficients)
            yield Fact(Kind.STEP, _("{name} (coefficients)").format(name=name)), shares


def _exact(title: str, rows: Sequence[FinalJson]) -> Iterator[Valued]:
    for row in rows:
        name = _("{unit}: {number}, exact").format(unit=row.unit, number=title)
        yield Fact(Kind.EXACT, name), row.value
        parts = zip(row.members, row.values, row.coefficients, strict=True)
        made = "; ".join(f"{member} {value} × {share}" for member, value, share in parts)
        yield Fact(Kind.EXACT, _("{name} (what it is made of)").format(name=name)), made


def _published(group: GroupJson, title: str, titles: Mapping[str, str]) -> Iterator[Valued]:
    for item in group.units:
        numbers = [
            (_("rank"), None if item.rank is None else str(item.rank)),
            (_("final"), item.final),
            (_("composite"), item.composite),
            (_("adjustments"), item.points),
            *((titles.get(stage, stage), value) for stage, value in item.stages.items()),
        ]
        for name, value in numbers:
            said = f"{item.unit} ({title}): {name}"
            yield Fact(Kind.PUBLISHED, said), NOTHING if value is None else value
        yield from _records(item)
    yield Fact(Kind.OTHER, _("{group}: the group's title").format(group=group.id)), group.title
    order = ", ".join(item.unit for item in group.units)
    yield Fact(Kind.PUBLISHED, _("{group}: the units in their order").format(group=title)), order


def _records(unit: UnitJson) -> Iterator[Valued]:
    for item in unit.adjustments:
        said = _("{unit}: {adjustment}").format(unit=unit.unit, adjustment=item.id)
        value = "; ".join((item.points, item.reason, item.evidence))
        yield Fact(Kind.RECORD, said, _source(item.source)), value


def _findings(found: Sequence[FindingJson], *, words: bool) -> Iterator[Valued]:
    """One fact a finding."""
    for item in found:
        name = f"{item.code} {_text(item.params)}" if item.params else item.code
        said = f"{item.severity}: {item.message} → {item.hint}" if words else item.severity
        yield Fact(Kind.FINDING, name, _source(item.source)), said


def _source(found: SourceJson) -> Source:
    return Source(**found.model_dump())


def _without_words(value: Any) -> Any:
    """The data without the sentences of findings."""
    if isinstance(value, list):
        return [_without_words(item) for item in value]
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key not in ("message", "hint")}
        return {key: _without_words(item) for key, item in kept.items()}
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
