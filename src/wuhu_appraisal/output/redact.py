"""What an audience may see of a result, and what a unit may see of its own standing.

The scheme declares what each audience sees (``scheme.confidentiality``). A renderer gets the same
``Result`` with less in it, so that none can show more. What is left out where findings are shown is
counted in a finding, and a provisional result stays provisional.

Where raters' scores are not seen, a stage's score that fewer raters than
``confidentiality.fewest_raters`` made is withheld, and with it other stages that weigh as much, or
the composite less the others would be the score. A text that names others is withheld whole.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import PurePosixPath, PureWindowsPath
from unicodedata import category

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import Bilingual, _
from wuhu_appraisal.model import (
    Absent,
    Applied,
    Block,
    InputFile,
    ScoreTable,
    Standing,
    StepTable,
    Trace,
)
from wuhu_appraisal.names import normalise
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Detail
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import RollUp
from wuhu_appraisal.score.contributions import ScoredStage
from wuhu_appraisal.workbooks.folder import DECISIONS, FROZEN

WHOLE = frozenset(Detail)

_SLICE = 1000
"""``normalise`` reads no more of a text than this."""

_RANKS, _SHORTEST = ("区", "县", "市"), 2


class OtherNames:
    """Finds names of others in a text that is meant for one unit.

    Names are looked for without the prefixes and suffixes that the scheme lets go, so a word that
    merely holds a name counts as the name. ``bodies`` are the unit's own, named as its sheets name
    them. Without a unit everybody is another; with ``raters_only`` only raters are looked for.
    """

    def __init__(
        self,
        scheme: Scheme,
        unit: str = "",
        bodies: Sequence[str] = (),
        *,
        raters_only: bool = False,
    ) -> None:
        names = {name: [name, *written] for name, written in scheme.written.items()}
        if raters_only:
            raters = {name for item in scheme.raters for name in scheme.raters_of(item.id)}
            names = {name: written for name, written in names.items() if name in raters}
        others = {
            _letters(name) for owner, written in names.items() for name in written if owner != unit
        }
        own = {_letters(name) for name in names.get(unit, [unit])}
        self._others = {_shortest(scheme, name) for name in others}
        self._own = own | {_shortest(scheme, name) for name in own}
        self._own |= {_letters(body) for body in bodies} - others

    def named_in(self, text: str) -> bool:
        """Tell whether another is named, other than within one of the unit's own names."""
        letters = _letters(text)
        own = [span for name in self._own for span in _spans(name, letters)]
        return any(
            not any(first <= start and end <= last for first, last in own)
            for name in self._others
            for start, end in _spans(name, letters)
        )


def _letters(text: str) -> str:
    """Return the letters and digits of a text in one case, as names are compared."""
    slices = range(0, len(text), _SLICE)
    plain = "".join(normalise(text[start : start + _SLICE]) for start in slices)
    return "".join(char for char in plain if category(char)[0] not in "CMPZ").casefold()


def _shortest(scheme: Scheme, name: str) -> str:
    """Return a name without prefix, suffix and rank, with at least two characters."""
    for prefix in sorted(map(_letters, scheme.reading.name_prefixes), key=len, reverse=True):
        if name.startswith(prefix) and len(name) > len(prefix) + 1:
            name = name.removeprefix(prefix)
            break
    for suffix in sorted(map(_letters, scheme.reading.name_suffixes), key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix) + 1:
            name = name.removesuffix(suffix)
            break
    # In everyday writing a place goes without its rank: 弋江 for 弋江区.
    return name[:-1] if name[-1:] in _RANKS and len(name) > _SHORTEST else name


def _spans(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each place where a name stands in a text."""
    start = text.find(name) if name else -1
    while start >= 0:
        yield start, start + len(name)
        start = text.find(name, start + 1)


class StageView(ScoredStage):
    """A stage as a unit may see it."""

    @property
    def item_dimension(self) -> str:
        """The dimension by whose members the score may be taken apart; '' for a whole stage."""
        return "" if self.plan.rater_dimensions else self.main_dimension

    def own_scores(self, unit: str) -> ScoreTable:
        """Return the rectangles of scores that a unit is in."""

        def holds(block: Block) -> bool:
            return block.fixed.get("unit") == unit or any(
                axis.dimension == "unit" and unit in axis.members
                for axis in (block.rows, block.columns)
            )

        scores = self.trace.scores
        return ScoreTable(scores.dimensions, [item for item in scores.blocks if holds(item)])

    def has_enough_raters(self, unit: str) -> bool:
        """Tell whether at least ``fewest_raters`` raters made a unit's score.

        A median is made by all who gave a score, though only one or two of them count in it.
        """
        fewest = self.scheme.confidentiality.fewest_raters
        for dimension in self.plan.rater_dimensions:
            place = self.place(dimension)
            by_median = any(
                isinstance(step, RollUp) and step.roll_up == dimension and step.by == "median"
                for step in self.plan.steps
            )
            if by_median:
                scores = self.own_scores(unit).items()
            else:
                scores = ((item.key, item.value) for item in self.contributions(unit))
            raters = {
                key[place]
                for key, value in scores
                if key[0] == unit and not isinstance(value, Absent)
            }
            if len(raters) < fewest:
                return False
        return True


@dataclass(frozen=True, eq=False)
class UnitView:
    """The standing of one unit and what may be seen of it; ``peers`` are those of its group.

    ``shares`` has the coefficient of each stage that counts in the composite, ``few_raters`` the
    stages whose scores too few raters made, ``withheld`` all whose scores are withheld, and
    ``final_withheld`` says whether the composite and the final are.
    """

    result: Result
    group: str
    standing: Standing
    stages: Mapping[str, StageView]
    peers: Mapping[str, "UnitView"]
    shares: Mapping[str, Fraction]
    few_raters: Sequence[str]
    withheld: frozenset[str]
    final_withheld: bool

    @property
    def unit(self) -> str:
        """The unit's name."""
        return self.standing.unit

    @property
    def visible_stages(self) -> list[StageView]:
        """The stages that count and are not withheld."""
        return [self.stages[stage] for stage in self.shares if stage not in self.withheld]

    def visible_peers(self, stage: str) -> list[str]:
        """Return the units of the group whose score of a stage is not withheld."""
        return [unit for unit, view in self.peers.items() if stage not in view.withheld]

    @cached_property
    def others(self) -> OtherNames:
        """The names of others; the unit's own bodies are none, as its sheets name them."""
        bodies: dict[str, None] = {}
        for stage in self.stages.values():
            places = [
                stage.place(name) for name, item in stage.plan.dimensions.items() if item.open
            ]
            for key, _score in stage.own_scores(self.unit).items() if places else ():
                if key[0] == self.unit:
                    bodies.update((key[place], None) for place in places)
        return OtherNames(self.result.scheme, self.unit, list(bodies))

    def text(self, text: str) -> str:
        """Return a text from the input, or a sentence in its place where it names others."""
        return _("A text that names others is withheld.") if self.others.named_in(text) else text

    def source(self, source: Source) -> str:
        """Return a place as text; '' where it names others."""
        return "" if self.others.named_in(str(source)) else str(source)

    def concerns(self, item: Finding) -> bool:
        """Tell whether a finding is of the unit only: of its own sheet, or of no file but its name."""
        places = (item.source, *item.also)
        own = any((place.file, place.sheet) in self._own_sheets for place in places)
        by_name = not item.source.file and item.params.get("unit") == self.unit
        # The median that it names may be the score of a stage that is withheld.
        own = own and item.code != "stage-distant"
        return (own or by_name) and not self.others.named_in(item.message)

    @cached_property
    def _own_sheets(self) -> set[tuple[str, str]]:
        return {
            (block.file, block.sheet)
            for stage in self.stages.values()
            if not stage.plan.rater_dimensions
            for block in stage.own_scores(self.unit).blocks
            if "unit" in block.fixed
        }


def unit_views(result: Result, group: str) -> dict[str, UnitView]:
    """Return the view of each unit of a group, in the order of the standings."""
    trace = result.traces[group]
    stages = {
        stage.id: StageView(result.scheme, stage, group, trace.stages[stage.id])
        for stage in result.scheme.stages
    }
    views: dict[str, UnitView] = {}
    for standing in result.standings[group]:
        row = trace.composite.rows[(standing.unit,)]
        shares = {
            stage: share
            for stage, value, share in zip(row.members, row.values, row.coefficients, strict=True)
            if share and not isinstance(value, Absent | str)
        }
        few = [stage for stage in shares if not stages[stage].has_enough_raters(standing.unit)]
        withheld = withheld_stages(shares, few)
        own = {stage.id: stages[stage.id] for stage in result.scheme.stages_of(standing.unit)}
        views[standing.unit] = UnitView(result, group, standing, own, views, shares, few, *withheld)
    return views


def unit_view(result: Result, unit: str) -> UnitView:
    """Return the view of one unit. Raise KeyError if it is not in the result."""
    return unit_views(result, result.standing_of(unit)[0])[unit]


def withheld_stages(
    shares: Mapping[str, Fraction], few: Collection[str]
) -> tuple[frozenset[str], bool]:
    """Choose what to withhold with the stages ``few``; True as well for composite and final.

    The composite less the other stages would be the score, so the lightest of the others are
    withheld too, until they weigh together at least as much as it does. Where even all of them do
    not, the composite and the final are withheld. ``shares`` has the coefficient in the composite of
    every stage that counts in it.
    """
    withheld = set(few)
    heaviest = max((shares[stage] for stage in few), default=Fraction(0))
    company = Fraction(0)
    for stage in sorted(shares.keys() - withheld, key=lambda stage: (shares[stage], stage)):
        if company >= heaviest:
            break
        withheld.add(stage)
        company += shares[stage]
    return frozenset(withheld), company < heaviest


def redacted(result: Result, audience: Audience, recipient: str = "") -> Result:
    """Return the result with only what an audience may see; ``recipient`` may be empty.

    - Without ``raters`` there is no score that a rater gave, no stage score that too few raters made
      (``unit_views``), and no finding, decision or file but those that are known to be about
      something else (``_Visible``).
    - Without ``findings`` there are no findings, decisions, files and places, only the number of
      findings that prevent a final result.
    - Without ``scores`` there are only the ranks.

    For ``Audience.UNIT`` this is what a unit sees of the others; ``feedback`` makes what it gets
    about itself. Raise ValueError for a result that was cut down before.
    """
    if result.copy.shows != WHOLE:
        raise ValueError("this copy lacks what another audience may see")
    shows = result.scheme.confidentiality.shown_to(audience)
    copy = replace(result, copy=Copy(audience, recipient, result.id, shows), frozen={}, inputs=())
    if audience is not Audience.OFFICE:
        copy = replace(copy, findings=[_without_folders(item) for item in result.findings])
    if Detail.RATERS not in shows:
        copy = _with_enough_raters(_without_raters(copy), result)
    if Detail.FINDINGS not in shows:
        copy = _without_findings(copy, len(result.missing))
    return copy if Detail.SCORES in shows else _ranks_only(copy)


def _without_folders(item: Finding) -> Finding:
    """Leave out of a finding where on its computer a file stands that is not among those read."""
    file = item.source.file
    if not PureWindowsPath(file).root and not file.startswith("../"):
        return item
    params = {**item.params, "folder": "…"} if "folder" in item.params else item.params
    return replace(item, source=replace(item.source, file=PurePosixPath(file).name), params=params)


def _without_raters(result: Result) -> Result:
    """Leave out the scores that raters gave and what may be about them, and count the latter."""
    visible = _Visible.of(result)
    findings = [item for item in result.findings if visible.finding(item)]
    decisions = [item for item in result.decisions if visible.decision(item)]
    sources = [item for item in result.sources if visible.source(item)]
    errors = sum(item.severity is Severity.ERROR for item in findings)
    hidden_errors = len(result.missing) - errors
    hidden = sum(map(len, (result.findings, result.decisions, result.sources)))
    hidden -= len(findings) + len(decisions) + len(sources) + hidden_errors
    return replace(
        result,
        findings=[
            *_withheld(hidden_errors, Severity.ERROR),
            *_withheld(hidden, Severity.WARNING),
            *findings,
        ],
        ledger=(),
        remarks=(),
        decisions=decisions,
        sources=sources,
        traces={group: _cut(trace, visible.files) for group, trace in result.traces.items()},
        standings=_with_places(result.standings, visible.files),
    )


@dataclass(frozen=True)
class _Visible:
    """What is known to be about something else than raters' scores.

    ``files`` hold scores or records and no rater's score, ``stages`` are the titles of the stages
    without raters, ``rated`` says whether any stage has raters, and no visible text names one of
    the ``raters``.
    """

    files: frozenset[str]
    rated: bool
    stages: Sequence[Bilingual]
    raters: OtherNames

    @classmethod
    def of(cls, result: Result) -> "_Visible":
        """Return what of a whole result may be seen."""
        files: dict[bool, set[str]] = {True: set(), False: set()}
        for group, trace in result.traces.items():
            for stage in result.scheme.stages:
                blocks = trace.stages[stage.id].scores.blocks
                rated = bool(stage.plans[group].rater_dimensions)
                files[rated].update(block.file for block in blocks)
            for standing in result.standings[group]:
                files[False].update(record.source.file for record in standing.adjustments)
        stages = [
            stage.title
            for stage in result.scheme.stages
            if not any(plan.rater_dimensions for plan in stage.plans.values())
        ]
        raters = OtherNames(result.scheme, raters_only=True)
        return cls(frozenset(files[False] - files[True]), bool(files[True]), stages, raters)

    def finding(self, item: Finding) -> bool:
        """Tell whether a finding may be seen."""
        texts = [
            f"{text.zh}\n{text.en}" if isinstance(text, Bilingual) else text
            for text in item.params.values()
        ]
        # The median that it names may be the score of a stage with raters.
        if item.code == "stage-distant" and self.rated:
            return False
        if item.source.file:
            places = (item.source, *item.also)
            return all(self._text(place.file, texts) for place in places)
        named = self.raters.named_in("\n".join(texts))
        return item.params.get("stage") in self.stages or not named

    def decision(self, item: Applied) -> bool:
        """Tell whether a decision may be seen, with the findings that it settles."""
        decision = item.decision
        texts = (decision.reason, decision.value or "", decision.was or "")
        return self._text(decision.file, texts) and all(map(self.finding, item.covered))

    def source(self, item: InputFile) -> bool:
        """Tell whether a file may be seen."""
        return item.file in self.files or item.file.rpartition("/")[2] in (FROZEN, DECISIONS)

    def _text(self, file: str, texts: Sequence[str]) -> bool:
        return file in self.files and not self.raters.named_in("\n".join(texts))


def _withheld(count: int, severity: Severity) -> list[Finding]:
    """Return a finding that counts what is left out; none where nothing is."""
    if not count:
        return []
    return [replace(finding("findings-withheld", count=count), severity=severity)]


def _cut(trace: Trace, files: frozenset[str]) -> Trace:
    """Keep of a trace the scores in some files; no number of any step."""
    stages = {}
    for stage, of_stage in trace.stages.items():
        blocks = [block for block in of_stage.scores.blocks if block.file in files]
        scores = ScoreTable(of_stage.scores.dimensions, blocks)
        stages[stage] = replace(of_stage, scores=scores, steps=list(map(_emptied, of_stage.steps)))
    return Trace(stages, _emptied(trace.composite), _emptied(trace.final))


def _emptied(table: StepTable) -> StepTable:
    return StepTable(table.dimensions, {})


def _with_places(
    standings: Mapping[str, Sequence[Standing]], files: Collection[str]
) -> dict[str, list[Standing]]:
    """Return the standings with the places of records in some files, without what broke ties."""

    def cut(item: Standing) -> Standing:
        records = [
            record if record.source.file in files else replace(record, source=Source(""))
            for record in item.adjustments
        ]
        return replace(item, adjustments=records, ties=())

    return {group: list(map(cut, of_group)) for group, of_group in standings.items()}


def _with_enough_raters(copy: Result, result: Result) -> Result:
    """Leave out of a copy the stage scores of ``result`` that a unit's reader may not see."""
    standings: dict[str, list[Standing]] = {}
    withheld = False
    for group, of_group in copy.standings.items():
        views = unit_views(result, group)
        withheld = withheld or any(view.few_raters for view in views.values())
        standings[group] = [_cut_standing(item, views[item.unit]) for item in of_group]
    if not withheld:
        return copy
    rule = result.scheme.confidentiality
    note = _("'—' also marks scores that are withheld because fewer than {count} raters gave them.")
    clause = f" [{rule.clause}]" if rule.clause else ""
    notes = [note.format(count=rule.fewest_raters) + clause]
    return replace(copy, standings=standings, copy=replace(copy.copy, notes=notes))


def _cut_standing(standing: Standing, view: UnitView) -> Standing:
    stages = {**standing.stages, **dict.fromkeys(view.withheld)}
    if view.final_withheld:
        return replace(standing, stages=stages, composite=None, final=None)
    return replace(standing, stages=stages)


def _without_findings(result: Result, errors: int) -> Result:
    """Leave only the number of findings that prevent a final result."""
    return replace(
        result,
        findings=_withheld(errors, Severity.ERROR),
        ledger=(),
        remarks=(),
        decisions=(),
        sources=(),
        traces={},
        standings=_with_places(result.standings, ()),
    )


def _ranks_only(result: Result) -> Result:
    standings = {
        group: [
            Standing(
                item.unit,
                item.rank,
                None,
                None,
                dict.fromkeys(item.stages),
                None,
                [],
                item.class_id,
            )
            for item in of_group
        ]
        for group, of_group in result.standings.items()
    }
    return replace(result, standings=standings)
