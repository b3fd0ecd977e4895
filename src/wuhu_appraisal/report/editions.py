"""What each audience is shown of a run: the same run with less in it, so none can be shown more.

The scheme declares who sees what (``scheme.confidentiality``). What is taken out is counted in a
finding where findings are shown, and a provisional run stays provisional.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from wuhu_appraisal.decisions.models import Applied
from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.i18n import Bilingual, _
from wuhu_appraisal.manifest import DECISIONS, FROZEN, SourceRecord
from wuhu_appraisal.report.aliases import can_be_numbered, numbered, rated_stages
from wuhu_appraisal.report.discretion import Names, Told
from wuhu_appraisal.run import Edition, Run
from wuhu_appraisal.scheme.confidentiality import Audience, Detail
from wuhu_appraisal.scoring.evaluate import StageTrace
from wuhu_appraisal.scoring.rank import Standing
from wuhu_appraisal.table import ScoreTable

WHOLE = frozenset(Detail)
_BALLOTS_NAMED = frozenset({Detail.BALLOTS, Detail.RATERS})


def edition(run: Run, audience: Audience, recipient: str = "") -> Run:
    """The run as an audience is told it; ``recipient`` is who gets the copy, and may be empty.

    What a unit is told of itself is the matter of ``report.feedback``; for ``Audience.UNIT`` this is
    what it sees beside that. Raises ValueError for what is less than the whole run already.
    """
    if run.edition.shows != WHOLE:
        raise ValueError("this edition lacks what another may show")
    shows = run.scheme.confidentiality.shown_to(audience)
    telling = Detail.BALLOTS in shows and Detail.RATERS not in shows and not can_be_numbered(run)
    if telling:
        shows -= {Detail.BALLOTS}
    told = replace(run, edition=Edition(audience, recipient, run.id, shows))
    if Detail.BALLOTS not in shows:
        told = _fewest_heeded(_without_ballots(told), run)
    elif Detail.RATERS not in shows:
        told = numbered(told)
    if Detail.FINDINGS not in shows:
        told = _without_findings(told)
    elif not shows >= _BALLOTS_NAMED:
        told = _Open(run).of(told)
        if telling:
            told = replace(told, findings=[finding("ballots-withheld"), *told.findings])
    if Detail.SCORES not in shows:
        return _ranks_alone(told)
    return told


@dataclass(frozen=True)
class _Open:
    """What of a whole run can be told without telling who gave which ballot.

    Only what is known to be of something else is told: a file in which no ballot stands and scores
    or records do, a stage without raters, a text that names no rater.
    """

    run: Run

    def of(self, told: Run) -> Run:
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
        # A ballot that is told under a number is not withheld.
        told_as = self._ballots if Detail.BALLOTS in told.edition.shows else frozenset()
        files = [item for item in told.sources if item.file not in told_as]
        others = sum(
            len(before) - len(behind)
            for before, behind in (
                (told.findings, kept.findings),
                (told.ledger, kept.ledger),
                (told.remarks, kept.remarks),
                (told.decisions, kept.decisions),
                (files, kept.sources),
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
            for standings in self.run.standings.values()
            for item in standings
            for record in item.adjustments
        }
        return (self._scored(rated=False) | records) - self._ballots

    @cached_property
    def _ballots(self) -> frozenset[str]:
        return self._scored(rated=True)

    def _scored(self, *, rated: bool) -> frozenset[str]:
        """The files in which scores stand that raters gave, or others."""
        theirs = {(stage.id, group) for stage, group, _plan in rated_stages(self.run.scheme)}
        return frozenset(
            block.file
            for group, traced in self.run.traces.items()
            for stage, trace in traced.stages.items()
            if ((stage, group) in theirs) is rated
            for block in trace.scores.blocks
        )

    @cached_property
    def _stages(self) -> list[str | Bilingual]:
        """The titles of the stages in which nobody gives a ballot."""
        rated = {stage.id for stage, _group, _plan in rated_stages(self.run.scheme)}
        return [stage.title.pair for stage in self.run.scheme.stages if stage.id not in rated]

    @cached_property
    def _names(self) -> Names:
        return Names(self.run.scheme, raters_alone=True)

    def _decision(self, item: Applied) -> bool:
        decision = item.decision
        text = "\n".join((decision.reason, decision.value or "", decision.was or ""))
        return self._told(Source(decision.file), text) and all(map(self.finding, item.covered))

    def _file(self, item: SourceRecord) -> bool:
        # A ballot under a number has no hash.
        beside = item.file.rpartition("/")[2] in (FROZEN, DECISIONS)
        return item.file in self.files or not item.sha256 or beside


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


def _without_findings(run: Run) -> Run:
    """Nothing of what was found, read and decided but whether it stands in the way of a final result."""
    count = len(run.missing)
    return replace(
        run,
        findings=[_withheld(count, Severity.ERROR)] if count else [],
        ledger=(),
        remarks=(),
        decisions=(),
        sources=(),
        traces={},
        standings={
            group: [_placed(item, frozenset()) for item in found]
            for group, found in run.standings.items()
        },
    )


def _without_ballots(run: Run) -> Run:
    """The run without a score that a rater gave."""
    traces = dict(run.traces)
    for stage, group, _plan in rated_stages(run.scheme):
        trace = traces[group].stages[stage.id]
        bare = replace(trace, scores=ScoreTable(trace.scores.dimensions, ()), steps=())
        stages = {**traces[group].stages, stage.id: bare}
        traces[group] = replace(traces[group], stages=stages)
    return replace(run, traces=traces)


def _fewest_heeded(told: Run, run: Run) -> Run:
    """No stage's score, and nothing it could be worked out from, that too few raters made."""
    found = {
        group: [_with_enough(Told(run, group, item)) for item in standings]
        for group, standings in run.standings.items()
    }
    if found == dict(run.standings):
        return told
    rule = run.scheme.confidentiality
    note = _("'—' also stands for what is withheld, because fewer than {count} raters gave it.")
    cited = f" [{rule.clause}]" if rule.clause else ""
    notes = [note.format(count=rule.fewest_raters) + cited]
    return replace(told, standings=found, edition=replace(told.edition, notes=notes))


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


def _ranks_alone(run: Run) -> Run:
    """Who came where, and no number behind it."""
    return replace(
        run,
        standings={
            group: [
                Standing(
                    unit=item.unit,
                    rank=item.rank,
                    final=None,
                    composite=None,
                    stages=dict.fromkeys(item.stages),
                    points=Decimal(0),
                    adjustments=[],
                )
                for item in found
            ]
            for group, found in run.standings.items()
        },
    )
