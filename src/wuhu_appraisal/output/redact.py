"""Cut a result down to what an audience may see, before anything is rendered.

The scheme declares what each audience sees (``scheme.confidentiality``). A renderer gets the same
``Result`` with less in it, so that none can show more. What is left out where findings are shown is
counted in a finding, and a provisional result stays provisional.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import Bilingual, _
from wuhu_appraisal.model import Applied, InputFile, ScoreTable, Standing, StepTable, Trace
from wuhu_appraisal.output.unit_view import OtherNames, UnitView, unit_views
from wuhu_appraisal.result import Copy, Result
from wuhu_appraisal.scheme.audiences import Audience, Detail
from wuhu_appraisal.scheme.models import Plan
from wuhu_appraisal.workbooks.folder import DECISIONS, FROZEN

WHOLE = frozenset(Detail)


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
    copy = replace(result, copy=Copy(audience, recipient, result.id, shows))
    if Detail.RATERS not in shows:
        copy = _with_enough_raters(_without_raters(copy), result)
    if Detail.FINDINGS not in shows:
        copy = _without_findings(copy, len(result.missing))
    return copy if Detail.SCORES in shows else _ranks_only(copy)


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
    without raters, and no visible text names one of the ``raters``.
    """

    files: frozenset[str]
    stages: Sequence[Bilingual]
    raters: OtherNames

    @classmethod
    def of(cls, result: Result) -> "_Visible":
        """Return what of a whole result may be seen."""
        files: dict[bool, set[str]] = {True: set(), False: set()}
        for group, trace in result.traces.items():
            for stage in result.scheme.stages:
                blocks = trace.stages[stage.id].scores.blocks
                files[_rated(stage.plans[group])].update(block.file for block in blocks)
            for standing in result.standings[group]:
                files[False].update(record.source.file for record in standing.adjustments)
        stages = [
            stage.title
            for stage in result.scheme.stages
            if not any(map(_rated, stage.plans.values()))
        ]
        raters = OtherNames(result.scheme, raters_only=True)
        return cls(frozenset(files[False] - files[True]), stages, raters)

    def finding(self, item: Finding) -> bool:
        """Tell whether a finding may be seen."""
        texts = [
            f"{text.zh}\n{text.en}" if isinstance(text, Bilingual) else text
            for text in item.params.values()
        ]
        if item.source.file:
            return self._text(item.source.file, texts)
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


def _rated(plan: Plan) -> bool:
    return any(dimension.raters for dimension in plan.dimensions.values())


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
    """Return the standings with the places of those records that stand in some files."""

    def cut(item: Standing) -> Standing:
        records = [
            record if record.source.file in files else replace(record, source=Source(""))
            for record in item.adjustments
        ]
        return replace(item, adjustments=records)

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
            Standing(item.unit, item.rank, None, None, dict.fromkeys(item.stages), None, [])
            for item in of_group
        ]
        for group, of_group in result.standings.items()
    }
    return replace(result, standings=standings)
