"""Scheme and sources to a run: the only place that joins intake and scoring."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from wuhu_appraisal.findings import Finding, Severity, Source, by_place, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.model import (
    Absent,
    Applied,
    Block,
    InputFile,
    LedgerEntry,
    Record,
    Remark,
    ScoreTable,
    StageTrace,
    Trace,
)
from wuhu_appraisal.names import nearest
from wuhu_appraisal.read.forms import FormIndex, described
from wuhu_appraisal.read.recognise import Recognised, Recogniser
from wuhu_appraisal.read.records import once_only, read_records
from wuhu_appraisal.read.scores import SheetReader, SheetScores
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.ranking import finals, standings
from wuhu_appraisal.score.steps import composites, evaluate
from wuhu_appraisal.store import versions
from wuhu_appraisal.workbooks.cell import Sheet
from wuhu_appraisal.workbooks.folder import SourceFile, find_files, not_applied, sha256
from wuhu_appraisal.workbooks.open import SUFFIXES, read_sheets
from wuhu_appraisal.year import freeze
from wuhu_appraisal.year.decisions import DecidedInput, load_decisions
from wuhu_appraisal.year.expected import (
    Place,
    Submission,
    Template,
    place_of,
    submissions,
    templates,
)

log = logging.getLogger(__name__)

Progress = Callable[[Iterable[SourceFile], int], Iterable[SourceFile]]
"""Wraps the files to be read, with their number, to show how far the work is."""


HIDDEN = {
    "sheet-hidden",
    "sheet-very-hidden",
    "rows-hidden",
    "rows-filtered",
    "columns-hidden",
}
"""The findings about what a person does not see."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How the workbooks are read: a progress bar, a password, whether hidden cells are errors.

    Without ``decisions`` the folders' decisions.yaml is left aside.
    """

    progress: Progress | None = None
    password: str | None = None
    strict_hidden: bool = False
    decisions: bool = True


@dataclass(slots=True)
class Intake:
    """All that was read: the rectangles of each stage and group, the records, what went in."""

    blocks: dict[tuple[str, str], list[Block]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    came: dict[Place, list[Source]] = field(default_factory=dict)
    sources: list[InputFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        findings: Sequence[Finding],
        ledger: Sequence[LedgerEntry],
        remarks: Sequence[Remark] = (),
    ) -> None:
        """Take in what is to be known of a sheet."""
        self.findings += findings
        self.ledger += ledger
        self.remarks += remarks

    def scores_of(self, file: str) -> int:
        """How many scores came from the file that was read last, the blank ones left out."""
        ends = map(reversed, self.blocks.values())
        last = (takewhile(lambda block: block.file == file, end) for end in ends)
        rows = (row for blocks in last for block in blocks for row in block.values)
        return sum(value is not Absent.MISSING for row in rows for value in row)


class _Readers:
    """What reads the sheets of one scheme."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self.forms = FormIndex(scheme)
        self.recogniser = Recogniser(scheme, self.forms)
        self.scores = SheetReader(scheme, self.forms)

    @cached_property
    def _expected(self) -> Sequence[Template]:
        """The workbooks that the scheme expects, for a guess at what one with another name may be."""
        return templates(self.scheme)[0]

    @property
    def expected_files(self) -> list[str]:
        """Their paths, without their endings."""
        return [str(item.path.with_suffix("")) for item in self._expected]

    @property
    def expected_sheets(self) -> list[str]:
        """The names of their sheets."""
        return [sheet.name for item in self._expected for sheet in item.sheets]


def appraise(
    loaded: LoadedScheme,
    paths: Sequence[str | Path],
    options: ReadOptions = ReadOptions(),
) -> Result:
    """Read the workbooks under ``paths``, score them by the scheme, and rank each group.

    The decisions in the folders' decisions.yaml are applied, unless ``options`` leave them aside.
    Raises ValueError if the scheme did not load; everything wrong with the input is a finding, and
    what can be computed without it is computed.
    """
    intake, taken = read_with_decisions(loaded, paths, options)
    return run_of(loaded, intake, taken)


def read_with_decisions(
    loaded: LoadedScheme,
    paths: Sequence[str | Path],
    options: ReadOptions = ReadOptions(),
) -> tuple[Intake, list[Applied]]:
    """What an appraisal starts from: all that was read, and what was decided about it.

    Raises ValueError if the scheme did not load.
    """
    if loaded.scheme is None:
        raise ValueError("the scheme has findings of severity error")
    found = [Path(path) for path in paths]
    intake = read_sources(loaded.scheme, found, options)
    intake.findings += freeze.check_frozen(found, intake.sources, intake.sizes, loaded)
    taken, problems = load_decisions(found if options.decisions else [])
    intake.findings += [*problems, *not_applied(found, decisions=options.decisions)]
    return intake, taken


def run_of(loaded: LoadedScheme, intake: Intake, taken: Sequence[Applied]) -> Result:
    """Score what was read, as the decisions have it; with none, as it was read."""
    scheme = loaded.scheme
    assert scheme is not None, "read_with_decisions refuses a scheme that did not load"
    decided = DecidedInput(
        scheme, taken, intake.blocks, intake.records, intake.findings, intake.ledger
    )
    decided.change_scores()
    intake = replace(
        intake,
        blocks=decided.blocks,
        records=decided.records,
        findings=decided.findings,
        ledger=decided.ledger,
    )
    traces, findings = score(scheme, intake)
    findings += _absent_adjustments(scheme, intake)
    standing = {
        group: standings(scheme, trace.composite, trace.final, intake.records)
        for group, trace in traces.items()
    }
    found = [*loaded.findings, *intake.findings, *_news(intake, findings)]
    findings = by_place(decided.settle(found))
    return Result(
        scheme=scheme,
        scheme_sha256=loaded.sha256,
        computed_at=now(),
        standings=standing,
        traces=traces,
        sources=intake.sources,
        findings=findings,
        ledger=intake.ledger,
        remarks=intake.remarks,
        decisions=decided.applied,
        versions=versions(),
    )


def check_sources(
    scheme: Scheme,
    paths: Sequence[str | Path],
    options: ReadOptions = ReadOptions(),
) -> Intake:
    """All that is wrong with the workbooks themselves; what has not come yet is no matter here."""
    intake = read_sources(scheme, [Path(path) for path in paths], options)
    _traces, found = score(scheme, intake)
    waiting = {"stage-missing", "stage-missing-unit", "scores-missing"}
    later = {"scores-too-few", "final-missing"}
    here = [
        item
        for item in found
        if item.code not in later and (item.source.file or item.code not in waiting)
    ]
    intake.findings += _news(intake, here)
    return intake


def _news(intake: Intake, found: Sequence[Finding]) -> list[Finding]:
    """The findings without those that call a score missing whose cell is known to be wrong."""
    wrong = {
        item.source
        for item in intake.findings
        if item.source.cell and item.severity is Severity.ERROR
    }
    return [item for item in found if item.code != "score-missing" or item.source not in wrong]


def submitted(
    scheme: Scheme,
    paths: Sequence[str | Path],
    options: ReadOptions = ReadOptions(),
) -> tuple[list[Submission], list[Finding]]:
    """What the scheme expects against what came, and what is wrong with the files themselves."""
    intake = read_sources(scheme, [Path(path) for path in paths], options)
    return submissions(scheme, intake.came), intake.findings


def read_sources(
    scheme: Scheme,
    paths: Sequence[Path],
    options: ReadOptions = ReadOptions(),
) -> Intake:
    """Read and check every workbook; nothing is scored."""
    reader = _Readers(scheme)
    progress = options.progress
    files, found = find_files(paths, SUFFIXES)
    intake = Intake(findings=found)
    for file in progress(files, len(files)) if progress else files:
        begun = time.monotonic()
        try:
            content = file.path.read_bytes()
        except OSError as error:
            problem = error.strerror or str(error)
            intake.findings.append(finding("file-unreadable", Source(file.name), problem=problem))
            continue
        intake.paths[file.name], intake.sizes[file.name] = file.path, len(content)
        grids, problems = read_sheets(file.name, content, options.password)
        intake.findings += problems
        stages = _read_file(reader, file, grids, intake)
        digest = sha256(content)
        intake.sources.append(InputFile(file.name, digest, stages))
        if log.isEnabledFor(logging.INFO):
            _log_file(file.name, content, len(grids), intake, time.monotonic() - begun)
    intake.records, found = once_only(scheme, intake.records)
    intake.findings = [_judged(scheme, item, options) for item in (*intake.findings, *found)]
    return intake


def _log_file(name: str, content: bytes, sheets: int, intake: Intake, seconds: float) -> None:
    """Log a file that was read."""
    log.info(
        N_(
            "Read: %(file)s (bytes: %(size)s, sheets: %(sheets)s, scores: %(scores)s, "
            "seconds: %(seconds)s)"
        ),
        {
            "file": name,
            "size": len(content),
            "sha256": sha256(content),
            "sheets": sheets,
            "scores": intake.scores_of(name),
            "seconds": round(seconds, 3),
        },
        extra={"event": "file.read"},
    )


def score(scheme: Scheme, intake: Intake) -> tuple[dict[str, Trace], list[Finding]]:
    """Every stage of every group through its steps, then composites and finals."""
    findings: list[Finding] = []
    traces: dict[str, Trace] = {}
    for group in scheme.groups:
        stages: dict[str, StageTrace] = {}
        for stage in scheme.stages:
            plan = stage.plans[group.id]
            blocks = intake.blocks.get((stage.id, group.id), [])
            scores = ScoreTable(("unit", *plan.dimensions), blocks)
            if not blocks:
                patterns = dict.fromkeys(described(form.file, plan) for form in plan.forms)
                expected = Bilingual(*(", ".join(side) for side in zip(*patterns, strict=True)))
                absent = finding(
                    "stage-missing",
                    stage=stage.title,
                    group=group.title,
                    expected=expected,
                )
                allowed = scheme.composite.missing != "error"
                findings.append(replace(absent, severity=Severity.WARNING) if allowed else absent)
            stages[stage.id], found = evaluate(scheme, stage, group.id, scores)
            log.info(
                N_("Scored: %(stage)s, %(group)s (sheets: %(sheets)s)"),
                {"stage": stage.id, "group": group.id, "sheets": len(blocks)},
                extra={"event": "stage.scored"},
            )
            findings += found
        composite, found = composites(scheme, group.id, stages)
        findings += found
        final = finals(scheme, composite, intake.records)
        traces[group.id] = Trace(stages, composite, final)
    return traces, findings


def _absent_adjustments(scheme: Scheme, intake: Intake) -> list[Finding]:
    """Adjustments of which no sheet came, where that does not mean that nobody has any."""
    return [
        finding("adjustment-missing", adjustment=adjustment.title, expected=adjustment.form.file)
        for adjustment in scheme.adjustments
        if adjustment.if_absent == "error"
        and Place(adjustment.id, "", adjustment.id) not in intake.came
    ]


def _read_file(
    reader: _Readers, file: SourceFile, grids: Sequence[Sheet], intake: Intake
) -> tuple[str, ...]:
    """Take in a file's sheets; returns the ids of the stages and adjustments found in it."""
    stages: dict[str, None] = {}
    path = file.path.absolute()
    found = [(grid, reader.recogniser.recognise(path, grid)) for grid in grids]
    read = [_read_scores(reader, grid, item) for grid, item in found]
    filled = {place for scores in read for place, sheet, _at in scores if sheet.block is not None}
    for (grid, item), scores in zip(found, read, strict=True):
        intake.findings += item.findings
        forms = [part for part in scores if not _no_form(part[1], part[0] in filled)]
        stages.update(dict.fromkeys(_take_scores(grid, forms, intake)))
        stages.update(dict.fromkeys(_read_records(reader, grid, item, intake)))
        unknown = not item.found and not item.findings and any(it.looked_for for _g, it in found)
        if unknown or len(forms) < len(scores):
            names = nearest(grid.name, reader.expected_sheets)
            where = Source(grid.file, grid.name)
            intake.findings.append(finding("sheet-unrecognised", where, suggestion=names))
    if grids and not any(item.looked_for for _grid, item in found):
        expected = reader.forms.expected_files()
        near = nearest(str(Path(file.name).with_suffix("")), reader.expected_files)
        where = Source(file.name)
        intake.findings.append(
            finding("file-unrecognised", where, expected=expected, suggestion=near)
        )
    return tuple(stages)


def _read_scores(
    reader: _Readers, grid: Sheet, recognised: Recognised
) -> list[tuple[Place, SheetScores, tuple[str, str]]]:
    """A sheet as each form that it was recognised as: its place, its scores, stage and group."""
    found = []
    for match in recognised.matches:
        entry = match.entry
        place = place_of(entry.stage.id, entry.group, entry.form, match.fixed)
        found.append((place, reader.scores.read(grid, match), (entry.stage.id, entry.group)))
    return found


def _no_form(sheet: SheetScores, filled: bool) -> bool:
    """Whether a sheet is only taken for a form because any sheet of its file is, and another is it."""
    return filled and {item.code for item in sheet.findings} == {"sheet-no-header"}


def _take_scores(
    grid: Sheet,
    scores: Sequence[tuple[Place, SheetScores, tuple[str, str]]],
    intake: Intake,
) -> Iterator[str]:
    """Take in a sheet's scores; the ids of their stages."""
    for place, sheet, at in scores:
        intake.came.setdefault(place, []).append(Source(grid.file, grid.name))
        intake.add(sheet.findings, sheet.ledger, sheet.remarks)
        if sheet.block is not None:
            intake.blocks.setdefault(at, []).append(sheet.block)
            yield at[0]


def _read_records(
    reader: _Readers, grid: Sheet, recognised: Recognised, intake: Intake
) -> Iterator[str]:
    """Take in a sheet's records; the ids of their adjustments."""
    if not recognised.adjustments:
        return
    records = read_records(reader.scheme, recognised.adjustments, grid)
    intake.add(records.findings, records.ledger)
    intake.records += records.records
    for item in recognised.adjustments:
        where = Source(grid.file, grid.name)
        intake.came.setdefault(Place(item.id, "", item.id), []).append(where)
        yield item.id


def _judged(scheme: Scheme, item: Finding, options: ReadOptions) -> Finding:
    """The finding with the severity that the scheme, or a strict office, gives it."""
    severity: str | None = scheme.reading.severities.get(item.code)  # type: ignore[call-overload]
    if options.strict_hidden and item.code in HIDDEN:
        severity = "error"
    return replace(item, severity=Severity(severity)) if severity else item


def now() -> str:
    """The time as ``freeze.present`` has it, to the second (ISO 8601)."""
    return freeze.present().isoformat(timespec="seconds")
