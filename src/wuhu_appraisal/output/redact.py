"""What each audience is shown of a run: the same run with less in it, so none can be shown more.

The scheme declares who sees what (``scheme.confidentiality``). What is taken out is counted in a
finding where findings are shown, and a provisional run stays provisional.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from unicodedata import category

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import Bilingual, _
from wuhu_appraisal.model import (
    Absent,
    Applied,
    Block,
    InputFile,
    ScoreTable,
    StageTrace,
    Standing,
    Trace,
)
from wuhu_appraisal.names import normalise
from wuhu_appraisal.output.statistics import counted, veil
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Detail
from wuhu_appraisal.scheme.models import Plan, Scheme, Stage
from wuhu_appraisal.scheme.plan import Grain, PlannedStep, initial, planned
from wuhu_appraisal.scheme.rules import RollUp
from wuhu_appraisal.score.contributions import Contribution, contributions, telling_dimension
from wuhu_appraisal.workbooks.folder import DECISIONS, FROZEN

_SLICE = 1000
_RANKS, _SHORTEST = ("区", "县", "市"), 2
"""``normalise`` reads no more of a text than this."""


class Names:
    """Finds who else is named in a text that is meant for one unit.

    ``bodies`` are the unit's own, named as its sheets name them. Names are looked for without the
    prefixes and suffixes that the scheme lets go, so a word that merely holds one is taken for it.
    Without a unit everybody is somebody else; ``raters_alone`` looks for raters and nobody else.
    """

    def __init__(
        self,
        scheme: Scheme,
        unit: str = "",
        bodies: Sequence[str] = (),
        *,
        raters_alone: bool = False,
    ) -> None:
        raters = {name for item in scheme.raters for name in scheme.raters_of(item.id)}
        written = {name: [name] for name in raters}
        for item in scheme.all_units:
            if not raters_alone or item.name in raters:
                written[item.name] = [item.name, *item.written]
        full = {
            _folded(name) for whose, names in written.items() for name in names if whose != unit
        }
        own = {_folded(name) for name in written.get(unit, [unit])}
        self._others = {_bare(scheme, name) for name in full}
        self._own = own | {_bare(scheme, name) for name in own}
        self._own |= {_folded(body) for body in bodies} - full

    def named_in(self, text: str) -> bool:
        """Whether another unit or a rater is named, other than within one of the unit's own names."""
        folded = _folded(text)
        own = [place for name in self._own for place in _places(name, folded)]
        return any(
            not any(first <= start and end <= last for first, last in own)
            for name in self._others
            for start, end in _places(name, folded)
        )


@dataclass(frozen=True)
class Part:
    """One stage of the unit's group: its scores taken apart, and what may be told of them."""

    scheme: Scheme
    stage: Stage
    plan: Plan
    trace: StageTrace

    @cached_property
    def steps(self) -> Sequence[PlannedStep]:
        """The steps that the trace went through."""
        return planned(self.scheme, self.plan)

    @cached_property
    def grain(self) -> Grain:
        """The grain of the scores as read."""
        return initial(self.scheme, self.plan)

    @property
    def rated(self) -> bool:
        """Whether raters gave its scores."""
        return any(dimension.raters for dimension in self.plan.dimensions.values())

    @cached_property
    def telling(self) -> str | None:
        """The dimension by which it is told; None where it is told as a whole."""
        return None if self.rated else telling_dimension(self.plan, self.steps)

    def place(self, dimension: str) -> int:
        """Where a dimension's members stand in the keys of the scores."""
        return self.grain.dimensions.index(dimension)

    def scores(self, unit: str) -> list[Contribution]:
        """What counts in a unit's score."""
        return list(contributions(self.grain, self.steps, self.trace, unit))

    def blocks(self, unit: str) -> Iterator[Block]:
        """The rectangles of scores that a unit is in."""
        for block in self.trace.scores.blocks:
            named = (axis for axis in (block.rows, block.columns) if axis.dimension == "unit")
            if block.fixed.get("unit") == unit or any(unit in axis.members for axis in named):
                yield block

    def enough(self, unit: str) -> bool:
        """Whether a unit's score is made of as many raters' scores as it takes to tell it."""
        fewest = self.scheme.confidentiality.fewest_raters
        return all(
            self._raters(unit, name) >= fewest
            for name, dimension in self.plan.dimensions.items()
            if dimension.raters
        )

    def _raters(self, unit: str, dimension: str) -> int:
        place = self.place(dimension)
        middle = any(
            isinstance(step, RollUp) and step.roll_up == dimension and step.by == "median"
            for step in self.plan.steps
        )
        if not middle:
            return counted(self.scores(unit), place)
        return len(
            {
                key[place]
                for key, value in self.trace.scores.items()
                if key[0] == unit and not isinstance(value, Absent)
            }
        )


@dataclass(frozen=True)
class Told:
    """One unit's standing and all that it may be told by; ``of`` makes it."""

    result: Result
    group: str
    standing: Standing

    @classmethod
    def of(cls, result: Result, unit: str) -> "Told":
        """What a unit of the run may be told; KeyError if it is not in the result."""
        for group, standings in result.standings.items():
            for standing in standings:
                if standing.unit == unit:
                    return cls(result, group, standing)
        raise KeyError(unit)

    @property
    def unit(self) -> str:
        """The unit's name."""
        return self.standing.unit

    @property
    def traces(self) -> Trace:
        """How the finals of the unit's group came to be."""
        return self.result.traces[self.group]

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """The stages by their ids."""
        return {
            stage.id: Part(
                self.result.scheme, stage, stage.plans[self.group], self.traces.stages[stage.id]
            )
            for stage in self.result.scheme.stages
        }

    @cached_property
    def shares(self) -> Mapping[str, Fraction]:
        """The coefficient of each stage that counts in the unit's composite."""
        row = self.traces.composite.rows[(self.unit,)]
        return {
            stage: share
            for stage, share in zip(row.members, row.coefficients, strict=True)
            if share and self.standing.stages[stage] is not None
        }

    @cached_property
    def few(self) -> Sequence[str]:
        """The stages whose scores too few raters made."""
        return [stage for stage in self.shares if not self.parts[stage].enough(self.unit)]

    @cached_property
    def _veil(self) -> tuple[frozenset[str], bool]:
        if not self.few:
            return frozenset(), False
        scores: dict[str, Fraction] = {}
        for stage in self.shares:
            value = self.parts[stage].trace.value(self.unit)
            assert not isinstance(value, Absent | str), "a stage that counts has a number"
            scores[stage] = Fraction(value)
        return veil(self.shares, self.few, scores)

    @property
    def hidden(self) -> frozenset[str]:
        """The stages whose scores are withheld."""
        return self._veil[0]

    @cached_property
    def members(self) -> Mapping[str, "Told"]:
        """The units of the group by name, each as it would be told itself."""
        found = self.result.standings[self.group]
        return {item.unit: Told(self.result, self.group, item) for item in found}

    def open_to(self, stage: str) -> list[str]:
        """The units of the group from whom their score of the stage is not withheld."""
        return [unit for unit, other in self.members.items() if stage not in other.hidden]

    @property
    def company(self) -> frozenset[str]:
        """The stages whose scores are withheld for the sake of others."""
        return self.hidden.difference(self.few)

    @property
    def whole_hidden(self) -> bool:
        """Whether the composite and the final would tell a score that is withheld."""
        return self._veil[1]

    @property
    def open(self) -> Iterator[Part]:
        """The stages that count and are told."""
        return (self.parts[stage] for stage in self.shares if stage not in self.hidden)

    @cached_property
    def names(self) -> Names:
        """Who must not be named."""
        bodies: dict[str, None] = {}
        for part in self.parts.values():
            places = [part.place(name) for name, it in part.plan.dimensions.items() if it.open]
            keys = (key for key, _value in part.trace.scores.items() if key[0] == self.unit)
            bodies.update((key[place], None) for key in keys for place in places)
        return Names(self.result.scheme, self.unit, list(bodies))

    def text(self, text: str) -> str:
        """A text that someone wrote, or the sentence that it is withheld."""
        return _("A text that names others is withheld.") if self.names.named_in(text) else text

    def source(self, source: Source) -> str:
        """Where something stands; '' where that names others."""
        return "" if self.names.named_in(str(source)) else str(source)

    def concerns(self, item: Finding) -> bool:
        """Whether a finding is of the unit alone: of a sheet of its own, or of the unit by name."""
        here = (item.source.file, item.source.sheet) in self._sheets
        by_name = not item.source.file and item.params.get("unit") == self.unit
        return (here or by_name) and not self.names.named_in(item.message)

    @cached_property
    def _sheets(self) -> set[tuple[str, str]]:
        return {
            (block.file, block.sheet)
            for part in self.parts.values()
            if not part.rated
            for block in part.blocks(self.unit)
            if "unit" in block.fixed
        }


def _folded(text: str) -> str:
    """The text as names are compared: letters and digits alone, in one case; all of it, however long."""
    slices = range(0, len(text), _SLICE)
    plain = "".join(normalise(text[start : start + _SLICE]) for start in slices)
    return "".join(sign for sign in plain if category(sign)[0] not in "CMPZ").casefold()


def _bare(scheme: Scheme, name: str) -> str:
    """A folded name without prefix and suffix, as long as two characters are left."""
    for prefix in sorted(map(_folded, scheme.reading.name_prefixes), key=len, reverse=True):
        if name.startswith(prefix) and len(name) > len(prefix) + 1:
            name = name.removeprefix(prefix)
            break
    for suffix in sorted(map(_folded, scheme.reading.name_suffixes), key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix) + 1:
            name = name.removesuffix(suffix)
            break
    # In everyday writing a place goes without its rank: 弋江 for 弋江区.
    return name[:-1] if name[-1:] in _RANKS and len(name) > _SHORTEST else name


def _places(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a name stands in a text, each time with its end."""
    start = text.find(name) if name else -1
    while start >= 0:
        yield start, start + len(name)
        start = text.find(name, start + 1)


def rated_stages(scheme: Scheme) -> Iterator[tuple[Stage, str, Plan]]:
    """Yield every stage and group whose scores raters give, with the plan."""
    for stage in scheme.stages:
        for group, plan in stage.plans.items():
            if any(dimension.raters for dimension in plan.dimensions.values()):
                yield stage, group, plan


WHOLE = frozenset(Detail)
_BALLOTS_NAMED = frozenset({Detail.BALLOTS, Detail.RATERS})


def redacted(result: Result, audience: Audience, recipient: str = "") -> Result:
    """The run as an audience is told it; ``recipient`` is who gets the copy, and may be empty.

    What a unit is told of itself is the matter of ``report.feedback``; for ``Audience.UNIT`` this is
    what it sees beside that. Raises ValueError for what is less than the whole run already.
    """
    if result.copy.shows != WHOLE:
        raise ValueError("this edition lacks what another may show")
    shows = result.scheme.confidentiality.shown_to(audience)
    if Detail.RATERS not in shows:
        shows -= {Detail.BALLOTS}
    told = replace(result, copy=Copy(audience, recipient, result.id, shows))
    if Detail.BALLOTS not in shows:
        told = _fewest_heeded(_without_ballots(told), result)
    if Detail.FINDINGS not in shows:
        told = _without_findings(told)
    elif not shows >= _BALLOTS_NAMED:
        told = _Open(result).of(told)
    if Detail.SCORES not in shows:
        return _ranks_alone(told)
    return told


@dataclass(frozen=True)
class _Open:
    """What of a whole run can be told without telling who gave which ballot.

    Only what is known to be of something else is told: a file in which no ballot stands and scores
    or records do, a stage without raters, a text that names no rater.
    """

    result: Result

    def of(self, told: Result) -> Result:
        """``told`` with only these entries, and findings that count the others."""
        findings = [item for item in told.findings if self.finding(item)]
        kept = replace(
            told,
            findings=findings,
            ledger=[item for item in told.ledger if self._told(item.source, item.raw)],
            remarks=[item for item in told.remarks if self._told(item.source, item.text)],
            traces={
                group: replace(
                    traced,
                    stages={name: self._trace(trace) for name, trace in traced.stages.items()},
                )
                for group, traced in told.traces.items()
            },
            decisions=[item for item in told.decisions if self._decision(item)],
            sources=[item for item in told.sources if self._file(item)],
            standings={
                group: [_placed(item, self.files) for item in found]
                for group, found in told.standings.items()
            },
        )
        errors = len(told.missing) - len(kept.missing)
        others = sum(
            len(before) - len(behind)
            for before, behind in (
                (told.findings, kept.findings),
                (told.ledger, kept.ledger),
                (told.remarks, kept.remarks),
                (told.decisions, kept.decisions),
                (told.sources, kept.sources),
            )
        )
        counted = [(errors, Severity.ERROR), (others - errors, Severity.WARNING)]
        withheld = [_withheld(count, severity) for count, severity in counted if count]
        return replace(kept, findings=[*withheld, *findings])

    def finding(self, item: Finding) -> bool:
        """Whether a finding can be told."""
        if item.source.file:
            return self._told(item.source, _said(item))
        return item.params.get("stage") in self._stages or not self._names.named_in(_said(item))

    def _told(self, source: Source, text: str) -> bool:
        """Whether a text can be told that stands in a file, or was said of it."""
        return source.file in self.files and not self._names.named_in(text)

    def _trace(self, trace: StageTrace) -> StageTrace:
        """A stage's scores without the files of theirs that hold ballots too."""
        blocks = [
            replace(block, file=trace.stage, sheet="") if block.file in self._ballots else block
            for block in trace.scores.blocks
        ]
        return replace(trace, scores=replace(trace.scores, blocks=blocks))

    @cached_property
    def files(self) -> frozenset[str]:
        """The files with scores or records and without ballots."""
        records = {
            record.source.file
            for standings in self.result.standings.values()
            for item in standings
            for record in item.adjustments
        }
        return (self._scored(rated=False) | records) - self._ballots

    @cached_property
    def _ballots(self) -> frozenset[str]:
        return self._scored(rated=True)

    def _scored(self, *, rated: bool) -> frozenset[str]:
        """The files in which scores stand that raters gave, or others."""
        theirs = {(stage.id, group) for stage, group, _plan in rated_stages(self.result.scheme)}
        return frozenset(
            block.file
            for group, traced in self.result.traces.items()
            for stage, trace in traced.stages.items()
            if ((stage, group) in theirs) is rated
            for block in trace.scores.blocks
        )

    @cached_property
    def _stages(self) -> list[str | Bilingual]:
        """The titles of the stages in which nobody gives a ballot."""
        rated = {stage.id for stage, _group, _plan in rated_stages(self.result.scheme)}
        return [stage.title for stage in self.result.scheme.stages if stage.id not in rated]

    @cached_property
    def _names(self) -> Names:
        return Names(self.result.scheme, raters_alone=True)

    def _decision(self, item: Applied) -> bool:
        decision = item.decision
        text = "\n".join((decision.reason, decision.value or "", decision.was or ""))
        return self._told(Source(decision.file), text) and all(map(self.finding, item.covered))

    def _file(self, item: InputFile) -> bool:
        beside = item.file.rpartition("/")[2] in (FROZEN, DECISIONS)
        return item.file in self.files or beside


def _placed(item: Standing, files: frozenset[str]) -> Standing:
    """A standing whose records say where they stand in these files alone."""
    records = [
        record if record.source.file in files else replace(record, source=Source(""))
        for record in item.adjustments
    ]
    return replace(item, adjustments=records)


def _said(item: Finding) -> str:
    """A finding's particulars in all languages."""
    return "\n".join(
        f"{text.zh}\n{text.en}" if isinstance(text, Bilingual) else text
        for text in item.params.values()
    )


def _withheld(count: int, severity: Severity) -> Finding:
    return replace(finding("findings-withheld", count=count), severity=severity)


def _without_findings(result: Result) -> Result:
    """Nothing of what was found, read and decided but whether it stands in the way of a final result."""
    count = len(result.missing)
    return replace(
        result,
        findings=[_withheld(count, Severity.ERROR)] if count else [],
        ledger=(),
        remarks=(),
        decisions=(),
        sources=(),
        traces={},
        standings={
            group: [_placed(item, frozenset()) for item in found]
            for group, found in result.standings.items()
        },
    )


def _without_ballots(result: Result) -> Result:
    """The run without a score that a rater gave."""
    traces = dict(result.traces)
    for stage, group, _plan in rated_stages(result.scheme):
        trace = traces[group].stages[stage.id]
        bare = replace(trace, scores=ScoreTable(trace.scores.dimensions, ()), steps=())
        stages = {**traces[group].stages, stage.id: bare}
        traces[group] = replace(traces[group], stages=stages)
    return replace(result, traces=traces)


def _fewest_heeded(told: Result, result: Result) -> Result:
    """No stage's score, and nothing it could be worked out from, that too few raters made."""
    found = {
        group: [_with_enough(Told(result, group, item)) for item in standings]
        for group, standings in result.standings.items()
    }
    if found == dict(result.standings):
        return told
    rule = result.scheme.confidentiality
    note = _("'—' also stands for what is withheld, because fewer than {count} raters gave it.")
    cited = f" [{rule.clause}]" if rule.clause else ""
    notes = [note.format(count=rule.fewest_raters) + cited]
    return replace(told, standings=found, copy=replace(told.copy, notes=notes))


def _with_enough(told: Told) -> Standing:
    standing = told.standing
    if not told.few:
        return standing
    stages = {
        stage: None if stage in told.hidden else score for stage, score in standing.stages.items()
    }
    if told.whole_hidden:
        return replace(standing, stages=stages, composite=None, final=None)
    return replace(standing, stages=stages)


def _ranks_alone(result: Result) -> Result:
    """Who came where, and no number behind it."""
    return replace(
        result,
        standings={
            group: [
                Standing(
                    unit=item.unit,
                    rank=item.rank,
                    final=None,
                    composite=None,
                    stages=dict.fromkeys(item.stages),
                    points=None,
                    adjustments=[],
                )
                for item in found
            ]
            for group, found in result.standings.items()
        },
    )
