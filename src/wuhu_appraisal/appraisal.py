"""The whole appraisal: read the workbooks, apply the decisions, score by the scheme, rank."""

import errno
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wuhu_appraisal.findings import Finding, Severity, Source, by_cause, by_place, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.model import Applied, ScoreTable, StageTrace, Trace
from wuhu_appraisal.names import nearest
from wuhu_appraisal.read.applicability import check_applicability, shares
from wuhu_appraisal.read.forms import FormInPlan, Place
from wuhu_appraisal.read.reading import Progress, Reading, read_files
from wuhu_appraisal.read.unread import Unread
from wuhu_appraisal.read.whole import of_the_whole, without_repeated
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.load import LoadedScheme, load_model
from wuhu_appraisal.scheme.models import Scheme, Stage
from wuhu_appraisal.score.checks import check_same_members, without_idle
from wuhu_appraisal.score.distances import check_stages
from wuhu_appraisal.score.ranking import finals, standings, tied
from wuhu_appraisal.score.steps import composites, evaluate
from wuhu_appraisal.store import versions
from wuhu_appraisal.workbooks.folder import not_applied, shown
from wuhu_appraisal.year import freeze
from wuhu_appraisal.year.decisions import DecidedInput, load_decisions
from wuhu_appraisal.year.expected import Submission, Template, submissions, templates

log = logging.getLogger(__name__)

_HIDDEN = {"sheet-hidden", "sheet-very-hidden", "rows-hidden", "rows-filtered", "columns-hidden"}
"""The findings about what a person does not see in a workbook."""

_UNRECOGNISED = {"file-unrecognised", "sheet-unrecognised"}

_ROWS = ("row-", "name-")
"""How the codes begin of what is wrong with a row's name."""

_NUMBERS = {"row-number-missing", "row-number-twice"}
_SAME_MEMBERS = {"member-not-here", "name-not-there"}

_BLANK = {"score-missing", "column-without-scores", "row-without-scores"}
"""The findings that a score is missing, at the first cell of those without one."""

_INCOMPLETE = {"stage-missing", "stage-missing-unit", "scores-missing"}
_FOR_LATER = {"scores-too-few", "final-missing"}
"""The findings that do not matter while sheets are still to come."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How the workbooks are read: a progress bar, a password, whether hidden cells are errors.

    ``decisions`` is False if decisions.yaml in the folders is not to be applied. ``origin`` says
    where the scheme came from, as a message id. ``names`` has the names by which a result knows
    files that have another one now (``verify.recorded_names``).
    """

    progress: Progress | None = None
    password: str | None = None
    strict_hidden: bool = False
    decisions: bool = True
    origin: str = N_("as the program was called with it")
    names: Mapping[str, str] = field(default_factory=dict)


def appraise(
    scheme: LoadedScheme | Scheme,
    paths: str | Path | Sequence[str | Path],
    options: ReadOptions = ReadOptions(),
) -> Result:
    """Read the workbooks under a path or several, score them by the scheme, and rank each group.

    The decisions in the folders' decisions.yaml are applied unless ``options`` leave them aside.
    Everything wrong with the input is a finding, and what can be computed without it is computed.
    The result of a scheme that was changed in Python has a hash of its own for the scheme's files.
    Raise ValueError, with the findings, if the scheme did not load or would not; raise
    FileNotFoundError for a path that is not there.
    """
    loaded = load_model(scheme) if isinstance(scheme, Scheme) else scheme
    if loaded.scheme is not None:
        # A copy that pydantic made is not checked, and keeps what it had looked up.
        again = load_model(loaded.scheme)
        findings = loaded.findings if again.scheme else again.findings
        loaded = replace(loaded, scheme=again.scheme, findings=findings)
    if loaded.scheme is None:
        problems = [item.message for item in loaded.findings if item.severity is Severity.ERROR]
        raise ValueError(f"the scheme has findings of severity error: {'; '.join(problems)}")
    paths = [paths] if isinstance(paths, str | Path) else paths
    for path in paths:
        if not os.path.lexists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    reading, decisions = read_with_decisions(loaded, paths, options)
    return run_of(loaded, reading, decisions)


def read_with_decisions(
    loaded: LoadedScheme,
    paths: Sequence[str | Path],
    options: ReadOptions = ReadOptions(),
) -> tuple[Reading, list[Applied]]:
    """Read all workbooks and the decisions about them. Raise ValueError if the scheme did not load."""
    if loaded.scheme is None:
        raise ValueError("the scheme has findings of severity error")
    folders = [Path(path) for path in paths]
    reading = read_sources(loaded.scheme, folders, options)
    frozen, changes = freeze.check_frozen(folders, reading.sources, reading.sizes, loaded)
    reading.frozen = {} if frozen is None else frozen.model_dump(mode="json")
    decisions, problems = load_decisions(folders if options.decisions else [])
    decisions = [_renamed(item, options.names) for item in decisions]
    reading.findings += [*changes, *problems, *not_applied(folders, decisions=options.decisions)]
    return reading, decisions


def _renamed(item: Applied, names: Mapping[str, str]) -> Applied:
    """Return a decision under the name that its file has in ``ReadOptions.names``."""
    file = item.decision.file
    return replace(item, decision=item.decision.model_copy(update={"file": names.get(file, file)}))


def run_of(loaded: LoadedScheme, reading: Reading, decisions: Sequence[Applied]) -> Result:
    """Apply the decisions to what was read, score it, and rank each group."""
    scheme = loaded.scheme
    assert scheme is not None, "read_with_decisions refuses a scheme that did not load"
    # A decision may be about one of these; once the scores are changed they are made again.
    before = list(_applicability(scheme, reading)) if decisions else []
    findings = [*reading.findings, *before]
    applied = DecidedInput(
        scheme, decisions, reading.blocks, reading.records, findings, reading.ledger
    )
    applied.change_scores()
    outdated = set(map(id, before))
    records, twice = without_repeated(scheme, applied.records, reading.stated)
    decided = replace(
        reading,
        blocks=applied.blocks,
        records=records,
        findings=[*(item for item in applied.findings if id(item) not in outdated), *twice],
        ledger=applied.ledger,
    )
    traces, findings = score(scheme, decided)
    explained = {item.stage for item in _standing(decided)}
    findings += [
        finding("adjustment-missing", adjustment=adjustment.title, expected=adjustment.form.file)
        for adjustment in scheme.adjustments
        if adjustment.if_absent == "error"
        and Place.of(adjustment) not in decided.sheets
        and adjustment.id not in explained
    ]
    ranked = {
        group: standings(
            scheme,
            trace.composite,
            trace.final,
            decided.records,
            tied(scheme, group, trace.tables),
        )
        for group, trace in traces.items()
    }
    aside = {item.decision.file for item in applied.applied if item.decision.decide == "set_aside"}
    findings = [*loaded.findings, *_all_findings(decided, findings)]
    return Result(
        scheme=scheme,
        scheme_sha256=loaded.sha256,
        computed_at=now(),
        standings=ranked,
        traces=traces,
        sources=decided.sources,
        findings=by_cause(of_the_whole(scheme, reading, applied.settle(findings), aside)),
        ledger=decided.ledger,
        remarks=decided.remarks,
        decisions=applied.applied,
        versions=versions(),
        frozen=decided.frozen,
    )


def read_sources(
    scheme: Scheme, paths: Sequence[Path], options: ReadOptions = ReadOptions()
) -> Reading:
    """Read and check every workbook; score nothing."""
    reading = read_files(scheme, paths, options.password, options.progress, options.names)
    reading.origin = options.origin
    reading.folder = ", ".join(map(shown, paths))
    books: list[Template] = []
    if any(item.code in _UNRECOGNISED for item in reading.findings):
        books, _problems = templates(scheme)
    for at, item in enumerate(reading.findings):
        strict = options.strict_hidden and item.code in _HIDDEN
        severity = "error" if strict else scheme.reading.severity(item.code)
        if severity is not None:
            item = replace(item, severity=Severity(severity))
        if item.code in _UNRECOGNISED and "suggestion" not in item.params:
            params = {**item.params, "suggestion": _nearest(item.source, books)}
            item = replace(item, params=params)
        reading.findings[at] = item
    return reading


def _nearest(source: Source, books: Sequence[Template]) -> str:
    """Return the expected sheet, or file without its ending, that is called most like a source."""
    if source.sheet:
        return nearest(source.sheet, [sheet.name for book in books for sheet in book.sheets])
    path = str(Path(source.file).with_suffix(""))
    return nearest(path, [str(book.path.with_suffix("")) for book in books])


def score(scheme: Scheme, reading: Reading) -> tuple[dict[str, Trace], list[Finding]]:
    """Put every stage of every group through its steps, then make composites and finals."""
    findings: list[Finding] = []
    traces: dict[str, Trace] = {}
    standing = _standing(reading)
    if scheme.composite.weights:
        counting, findings = without_idle(scheme, reading.blocks)
        registers, _idle = without_idle(scheme, reading.registers)
        reading = replace(reading, blocks=counting, registers=registers)
    for group in scheme.groups:
        stages: dict[str, StageTrace] = {}
        of_stages: dict[str, list[Finding]] = {}
        reported: set[tuple[str | Bilingual, str | Bilingual]] = set()
        explained = {
            stage.id: [
                item.members
                for item in standing
                if (item.stage, item.group) == (stage.id, group.id)
            ]
            for stage in scheme.stages
        }
        for stage in scheme.stages:
            blocks = reading.blocks.get((stage.id, group.id), [])
            due = scheme.units_of(stage, group.id)
            if due and not blocks and not explained[stage.id]:
                findings.append(_stage_missing(scheme, stage, group.id))
            lists = list(_lists_missing(scheme, stage, group.id, reading)) if blocks else []
            findings += [item for item, _facts in lists]
            explained[stage.id] += [members for _item, facts in lists for members in facts]
            table = ScoreTable(("unit", *stage.plans[group.id].dimensions), blocks)
            stages[stage.id], problems = evaluate(
                scheme, stage, group.id, table, explained[stage.id]
            )
            of_stages[stage.id] = problems
            applicable = list(check_applicability(scheme, stage, group.id, reading))
            emptied = [item for item in applicable if item.code == "not-applicable-all"]
            reported |= {(stage.title, item.params["unit"]) for item in emptied}
            # What has no score for want of items that apply is reported where it stands.
            findings += applicable
            findings += [
                item for item in problems if not (emptied and item.code == "scores-not-applicable")
            ]
            log.info(
                N_("Scored: %(stage)s, %(group)s (sheets: %(sheets)s)"),
                {"stage": stage.id, "group": group.id, "sheets": len(blocks)},
                extra={"event": "stage.scored"},
            )
        composite, problems = composites(scheme, group.id, stages, explained)
        findings += [
            item
            for item in problems
            if item.code != "stage-missing-unit"
            or (item.params["stage"], item.params["unit"]) not in reported
        ]
        findings += check_stages(scheme, group.id, stages, of_stages)
        final = finals(scheme, composite, reading.records)
        traces[group.id] = Trace(stages, composite, final)
    unread = {
        item.source.of_sheet
        for item in reading.findings
        if item.code.startswith(_ROWS) and item.severity is Severity.ERROR
    }
    findings += check_same_members(scheme, reading.blocks, unread)
    return traces, findings


def _lists_missing(
    scheme: Scheme, stage: Stage, group: str, reading: Reading
) -> Iterator[tuple[Finding, list[Mapping[str, str]]]]:
    """Yield a finding for each list of which no sheet came, with the facts that it should count."""
    plan = stage.plans[group]
    came = {(place.stage, place.group, place.form) for place in reading.sheets}
    for form in plan.forms:
        if form.list_ is not None and (stage.id, group, form.id) not in came:
            expected = FormInPlan(form, stage, group, plan).expected_file
            params = {"stage": stage.title, "form": form.title, "expected": expected}
            fixed = {key: it for key, it in form.fixed.items() if "{" not in it}
            dimension, facts = plan.indicator_dimension, scheme.items_of(plan, form)
            yield finding("list-missing", **params), [fixed | {dimension: it.id} for it in facts]


def check_sources(
    scheme: Scheme, paths: Sequence[str | Path], options: ReadOptions = ReadOptions()
) -> Reading:
    """Read the workbooks and find all that is wrong with them, but not what is still to come."""
    reading = read_sources(scheme, [Path(path) for path in paths], options)
    reading.records, twice = without_repeated(scheme, reading.records, reading.stated)
    reading.findings += twice
    _traces, findings = score(scheme, reading)
    reading.findings = [
        item
        for item in _all_findings(reading, findings)
        if item.code not in _FOR_LATER and (item.source.file or item.code not in _INCOMPLETE)
    ]
    reading.findings = by_cause(of_the_whole(scheme, reading, reading.findings))
    return reading


def submitted(
    scheme: Scheme, paths: Sequence[str | Path], options: ReadOptions = ReadOptions()
) -> tuple[list[Submission], list[Finding]]:
    """Return each expected sheet with the sheets that came for it, and what is wrong with the files."""
    reading = read_sources(scheme, [Path(path) for path in paths], options)
    findings = by_cause(of_the_whole(scheme, reading, reading.findings))
    return submissions(scheme, reading.sheets, shares(scheme, reading)), findings


def agreed_registers(
    scheme: Scheme, paths: Sequence[Path], options: ReadOptions = ReadOptions()
) -> tuple[Reading, list[Finding]]:
    """Read the registers that are whole, nothing else, and what is wrong with the others."""
    reading = read_sources(scheme, paths, options)
    reading.blocks = {}
    blocks = [block for group in reading.registers.values() for block in group]
    registers = {Source(block.file, block.sheet) for block in blocks}
    findings = [
        item
        for item in (*reading.findings, *_applicability(scheme, reading))
        if item.source.of_sheet in registers
    ]
    wrong = {item.source.of_sheet for item in findings if item.severity is Severity.ERROR}
    reading.registers = {
        key: [block for block in group if Source(block.file, block.sheet) not in wrong]
        for key, group in reading.registers.items()
    }
    return reading, by_place(findings)


def _applicability(scheme: Scheme, reading: Reading) -> Iterator[Finding]:
    for stage in scheme.stages:
        for group in stage.plans:
            yield from check_applicability(scheme, stage, group, reading)


def now() -> str:
    """Return the time as ``freeze.present`` has it, to the second (ISO 8601)."""
    return freeze.present().isoformat(timespec="seconds")


def _standing(reading: Reading) -> list[Unread]:
    """Return the scores that were not read, as far as an error that says so still stands."""
    errors = {
        (item.code, item.source) for item in reading.findings if item.severity is Severity.ERROR
    }
    return [item for item in reading.unread if (item.code, item.source) in errors]


def _all_findings(reading: Reading, findings: Sequence[Finding]) -> list[Finding]:
    """Return what reading and scoring found, without what only repeats another finding.

    That is a missing score whose cell is known to be wrong, or a sheet or line without scores that
    has such cells, and what running numbers tell of a member that is named.
    """
    wrong = {
        item.source
        for item in reading.findings
        if item.source.cell and item.severity is Severity.ERROR
    }
    wrong_sheets = {source.of_sheet for source in wrong}
    named = {
        sheet
        for item in findings
        if item.code in _SAME_MEMBERS
        for sheet in (str(item.source.of_sheet), str(item.params["other"]).rpartition(" › ")[0])
    }
    scored = [
        item
        for item in findings
        if not (item.code in _BLANK and item.source in wrong)
        and not (item.code == "sheet-no-rows" and item.source in wrong_sheets)
    ]
    return [
        item
        for item in (*reading.findings, *scored)
        if not (item.code in _NUMBERS and str(item.source.of_sheet) in named)
    ]


def _stage_missing(scheme: Scheme, stage: Stage, group: str) -> Finding:
    """Return the finding for a stage without any sheet for a group, with the files that are due."""
    plan = stage.plans[group]
    files = Bilingual.listed(
        FormInPlan(form, stage, group, plan).expected_file for form in plan.forms
    )
    title = scheme.group(group).title
    missing = finding("stage-missing", stage=stage.title, group=title, expected=files)
    allowed = scheme.composite.missing != "error"
    return replace(missing, severity=Severity.WARNING) if allowed else missing
