"""Scheme and sources to a run: the only place that joins intake and scoring."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath

from wuhu_appraisal.findings import Finding, Severity, Source, by_place, finding
from wuhu_appraisal.i18n import Bilingual
from wuhu_appraisal.intake.forms import FormIndex, described, places, unrecognised
from wuhu_appraisal.intake.grid import SUFFIXES, Grid, read_grids
from wuhu_appraisal.intake.records import once_only, read_records
from wuhu_appraisal.intake.scores import SheetReader
from wuhu_appraisal.manifest import SourceFile, SourceRecord, find_files, sha256
from wuhu_appraisal.run import GroupTrace, Run
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scoring.evaluate import StageTrace, composites, evaluate
from wuhu_appraisal.scoring.rank import finals, standings
from wuhu_appraisal.submissions import Place, Submission, place_of, submissions
from wuhu_appraisal.table import Block, Record, ScoreTable

Progress = Callable[[Iterable[SourceFile], int], Iterable[SourceFile]]
"""Wraps the files to be read, with their number, to show how far the work is."""


@dataclass(slots=True)
class Intake:
    """All that was read: the rectangles of each stage and group, the records, what went in."""

    blocks: dict[tuple[str, str], list[Block]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    came: dict[Place, list[Source]] = field(default_factory=dict)
    sources: list[SourceRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def appraise(
    loaded: LoadedScheme,
    paths: Sequence[str | Path],
    progress: Progress | None = None,
    password: str | None = None,
) -> Run:
    """Read the workbooks under ``paths``, score them by the scheme, and rank each group.

    Raises ValueError if the scheme did not load; everything wrong with the input is a finding,
    and what can be computed without it is computed.
    """
    if loaded.scheme is None:
        raise ValueError("the scheme has findings of severity error")
    scheme = loaded.scheme
    intake = read_sources(scheme, [Path(path) for path in paths], progress, password)
    traces, findings = score(scheme, intake)
    findings += _absent_adjustments(scheme, intake)
    standing = {
        group: standings(scheme, trace.composite, trace.final, intake.records)
        for group, trace in traces.items()
    }
    findings = by_place([*loaded.findings, *intake.findings, *findings])
    return Run(
        scheme=scheme,
        scheme_sha256=loaded.sha256,
        computed_at=_now(),
        standings=standing,
        traces=traces,
        sources=intake.sources,
        findings=findings,
    )


def check_sources(
    scheme: Scheme,
    paths: Sequence[str | Path],
    progress: Progress | None = None,
    password: str | None = None,
) -> list[Finding]:
    """All that is wrong with the workbooks themselves; what has not come yet is no matter here."""
    intake = read_sources(scheme, [Path(path) for path in paths], progress, password)
    _traces, found = score(scheme, intake)
    waiting = {"stage-missing", "stage-missing-unit", "scores-missing"}
    later = {"scores-too-few", "final-missing"}
    here = [
        item
        for item in found
        if item.code not in later and (item.source.file or item.code not in waiting)
    ]
    return [*intake.findings, *here]


def submitted(
    scheme: Scheme,
    paths: Sequence[str | Path],
    progress: Progress | None = None,
    password: str | None = None,
) -> tuple[list[Submission], list[Finding]]:
    """What the scheme expects against what came, and what is wrong with the files themselves."""
    intake = read_sources(scheme, [Path(path) for path in paths], progress, password)
    return submissions(scheme, intake.came), intake.findings


def read_sources(
    scheme: Scheme,
    paths: Sequence[Path],
    progress: Progress | None = None,
    password: str | None = None,
) -> Intake:
    """Read and check every workbook; nothing is scored."""
    forms = FormIndex(scheme)
    reader = SheetReader(scheme, forms)
    files, found = find_files(paths, SUFFIXES)
    intake = Intake(findings=found)
    for file in progress(files, len(files)) if progress else files:
        try:
            content = file.path.read_bytes()
        except OSError as error:
            problem = error.strerror or str(error)
            intake.findings.append(finding("file-unreadable", Source(file.name), problem=problem))
            continue
        grids, problems = read_grids(file.name, content, password)
        intake.findings += problems
        stages = _read_file(scheme, forms, reader, file, grids, intake)
        intake.sources.append(SourceRecord(file.name, sha256(content), stages))
    intake.records, found = once_only(scheme, intake.records)
    intake.findings += found
    return intake


def score(scheme: Scheme, intake: Intake) -> tuple[dict[str, GroupTrace], list[Finding]]:
    """Every stage of every group through its steps, then composites and finals."""
    findings: list[Finding] = []
    traces: dict[str, GroupTrace] = {}
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
            findings += found
        composite, found = composites(scheme, group.id, stages)
        findings += found
        final = finals(scheme, composite, intake.records)
        traces[group.id] = GroupTrace(stages, composite, final)
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
    scheme: Scheme,
    forms: FormIndex,
    reader: SheetReader,
    file: SourceFile,
    grids: Sequence[Grid],
    intake: Intake,
) -> tuple[str, ...]:
    """Take in a file's sheets; returns the ids of the stages and adjustments found in it."""
    stages: dict[str, None] = {}
    known = False
    for grid in grids:
        candidates = places(file.path.absolute(), grid.sheet)
        named = [place for place in candidates if forms.knows_file(place[0])]
        fitting = [
            place
            for place in named
            if forms.sheets(place[0], grid.file, place[1])[0] or forms.adjustments(*place)
        ]
        known = known or bool(named)
        if named:
            path, sheet = next(iter([*fitting, *named]))
            found = _read_place(scheme, forms, reader, grid, path, sheet, intake)
            stages.update(dict.fromkeys(found or ()))
            if found is None:
                where = Source(grid.file, grid.sheet)
                intake.findings.append(finding("sheet-unrecognised", where))
    if grids and not known:
        intake.findings.append(unrecognised(file.name, forms))
    return tuple(stages)


def _read_place(
    scheme: Scheme,
    forms: FormIndex,
    reader: SheetReader,
    grid: Grid,
    path: PurePath,
    sheet: str,
    intake: Intake,
) -> list[str] | None:
    """Take in a sheet as what its place says it is; the stages and adjustments, None if nothing."""
    matches, problems = forms.sheets(path, grid.file, sheet)
    adjustments = forms.adjustments(path, sheet)
    intake.findings += problems
    stages: list[str] = []
    where = Source(grid.file, grid.sheet)
    for match in matches:
        place = place_of(match.entry.stage.id, match.entry.group, match.entry.form, match.fixed)
        intake.came.setdefault(place, []).append(where)
        block, found = reader.read(grid, match)
        intake.findings += found
        if block is not None:
            entry = match.entry
            intake.blocks.setdefault((entry.stage.id, entry.group), []).append(block)
            stages.append(entry.stage.id)
    if adjustments:
        records, found = read_records(scheme, adjustments, grid)
        intake.findings += found
        intake.records += records
        ids = [adjustment.id for adjustment in adjustments]
        for name in ids:
            intake.came.setdefault(Place(name, "", name), []).append(where)
        stages += ids
    return stages if matches or adjustments or problems else None


def _now() -> str:
    """The time in UTC, or the one that SOURCE_DATE_EPOCH fixes for reproducible results."""
    moment = datetime.now(UTC)
    # What is no time that a date can show is no request either.
    with suppress(ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "")), UTC)
    return moment.isoformat(timespec="seconds")
