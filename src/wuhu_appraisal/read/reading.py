"""All workbooks at once: find them, recognise their sheets, read the scores and the records."""

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice, takewhile
from pathlib import Path, PurePath
from typing import Any, TypeAlias

from wuhu_appraisal.findings import Finding, Severity, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.model import Absent, Block, InputFile, LedgerEntry, Record, Remark
from wuhu_appraisal.read.forms import FormIndex, Place, SheetMatch
from wuhu_appraisal.read.lists import read_list
from wuhu_appraisal.read.recognise import Recognised, Recogniser
from wuhu_appraisal.read.records import read_records
from wuhu_appraisal.read.scores import ScoreReader
from wuhu_appraisal.read.sheet import SheetContent
from wuhu_appraisal.read.unread import Misnamed, Unread, absence_is_error, due, explained
from wuhu_appraisal.scheme.final import Adjustment
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.workbooks.cell import Sheet
from wuhu_appraisal.workbooks.folder import SourceFile, common_folder, find_files, sha256
from wuhu_appraisal.workbooks.open import read_sheets

log = logging.getLogger(__name__)

_OF_ONE_FORM = {
    "column-unknown",
    "name-unknown",
    "name-other-group",
    "row-passed-over",
    "total-differs",
    "average-differs",
    "rank-differs",
}
"""The findings that a sheet has as one form and not as another."""

Expected: TypeAlias = SheetMatch | Adjustment

_FEWEST_NUMBERS = 3
"""A sheet with fewer numbers holds no scores."""

Progress = Callable[[Iterable[SourceFile], int], Iterable[SourceFile]]
"""Wraps the files to be read, with their number, to show how far the work is."""


@dataclass(slots=True)
class Reading:
    """What was read: scores and registers by stage and group, records, findings, and the files.

    ``sheets`` has the sheets that came for each place, ``unread`` the scores whose findings say why
    they were not read, ``misnamed`` the names that stand where a member is lacking, ``inside`` how
    many sheets bear a date in their stage's window, ``titles`` the years in a sheet's title, and
    ``stated`` the number in the cell of each record. ``origin`` says where the scheme came from, as
    a message id, and ``folder`` what was read. ``paths`` and ``sizes``, in bytes, are those of the
    files that were read, by the names that people are shown. ``frozen`` is the record of what was
    frozen of them, as data; {} where there is none that applies.
    """

    blocks: dict[tuple[str, str], list[Block]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    sheets: dict[Place, list[Source]] = field(default_factory=dict)
    sources: list[InputFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    misnamed: list[Misnamed] = field(default_factory=list)
    inside: int = 0
    titles: dict[Source, set[str]] = field(default_factory=dict)
    stated: dict[Source, Decimal] = field(default_factory=dict)
    origin: str = ""
    folder: str = ""
    paths: dict[str, Path] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    frozen: Mapping[str, Any] = field(default_factory=dict)
    registers: dict[tuple[str, str], list[Block]] = field(default_factory=dict)

    def add(
        self, sheet: Sheet, place: Place, content: SheetContent, *, is_register: bool = False
    ) -> None:
        """Add what a sheet holds that is at this place of the scheme."""
        self.sheets.setdefault(place, []).append(Source(sheet.file, sheet.name))
        self.findings += content.findings
        self.unread += content.unread
        self.misnamed += content.misnamed
        self.inside += content.inside
        self.stated |= content.stated
        self.ledger += content.ledger
        self.remarks += content.remarks
        self.records += content.records
        if content.block is not None:
            blocks = self.registers if is_register else self.blocks
            blocks.setdefault((place.stage, place.group), []).append(content.block)

    def last_scores(self) -> int:
        """Return how many scores, not counting blanks, came from the file that was read last."""
        file = self.sources[-1].file
        ends = map(reversed, self.blocks.values())
        last = (takewhile(lambda block: block.file == file, end) for end in ends)
        rows = (row for blocks in last for block in blocks for row in block.values)
        return sum(value is not Absent.MISSING for row in rows for value in row)


def read_files(
    scheme: Scheme,
    paths: Sequence[Path],
    password: str | None,
    progress: Progress | None,
    names: Mapping[str, str],
) -> Reading:
    """Read and check every workbook under the paths; what cannot be read is a finding.

    ``names`` has other names for files, by their own ones, in the order in which they are read.
    """
    reader = _FileReader(scheme)
    files, findings = find_files(paths)
    if names:
        order = {name: place for place, name in enumerate(names)}
        files.sort(key=lambda file: order.get(file.name, len(order)))
        files = [replace(file, name=names.get(file.name, file.name)) for file in files]
    reading = Reading(findings=findings)
    for file in progress(files, len(files)) if progress else files:
        begun = time.monotonic()
        try:
            content = file.path.read_bytes()
        except OSError as error:
            problem = error.strerror or str(error)
            reading.findings.append(finding("file-unreadable", Source(file.name), problem=problem))
            reader.explains(file.path.absolute(), reading.findings[-1], reading)
            continue
        reading.paths[file.name], reading.sizes[file.name] = file.path, len(content)
        sheets, problems = read_sheets(file.name, content, password)
        reading.findings += problems
        for item in problems:
            reader.explains(file.path.absolute(), item, reading)
        stages = reader.read(file, sheets, reading)
        reading.sources.append(InputFile(file.name, sha256(content), stages))
        values = {
            "file": file.name,
            "size": len(content),
            "sha256": reading.sources[-1].sha256,
            "sheets": len(sheets),
            "scores": reading.last_scores() if log.isEnabledFor(logging.INFO) else 0,
            "seconds": round(time.monotonic() - begun, 3),
        }
        sentence = N_(
            "Read: %(file)s (bytes: %(size)s, sheets: %(sheets)s, scores: %(scores)s, "
            "seconds: %(seconds)s)"
        )
        log.info(sentence, values, extra={"event": "file.read"})
    reader.finish(paths, reading)
    return reading


class _FileReader:
    """Reads the files of one scheme."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._forms = FormIndex(scheme)
        self._recogniser = Recogniser(scheme, self._forms)
        self._scores = ScoreReader(scheme, self._forms)

    def finish(self, paths: Sequence[Path], reading: Reading) -> None:
        """Say once what is wrong with whole files and folders, and with a name in many places."""
        base = common_folder(paths) or Path()
        findings: list[Finding] = []
        for item in reading.findings:
            if item.code == "file-not-spreadsheet":
                item = self._stands_instead(base / item.source.file, item, reading)
            elif item.code == "file-name-unknown":
                self._misnamed_file(reading.paths[item.source.file].absolute(), item, reading)
            findings.append(item)
        reading.findings, unread = explained(self._scheme, reading.misnamed, findings)
        reading.unread += unread

    def _stands_instead(self, path: Path, item: Finding, reading: Reading) -> Finding:
        """Say of a file that is no workbook whose workbook is missing that has its name."""
        expected = self._forms.in_file(path.absolute())
        missing = [it for it in expected if self._is_due(it) and not self._came(it, reading)]
        if not missing:
            return item
        what = Bilingual.listed(map(_title, missing))
        instead = finding("file-instead", item.source, form=what, ending=path.suffix)
        reading.unread += _unread(instead, missing)
        return instead

    def _is_due(self, expected: Expected) -> bool:
        return isinstance(expected, SheetMatch) or expected.if_absent == "error"

    def _came(self, expected: Expected, reading: Reading) -> bool:
        if isinstance(expected, Adjustment):
            return Place.of(expected) in reading.sheets
        blocks = reading.blocks.get((expected.entry.stage.id, expected.entry.group), ())
        fixed = expected.fixed.items()
        return any(all(block.fixed.get(*pair) == pair[1] for pair in fixed) for block in blocks)

    def _misnamed_file(self, path: Path, item: Finding, reading: Reading) -> None:
        """Find which members lack a file, as whose a file was meant that has an unknown name."""
        for entry, known, dimension, name in self._forms.unknown_in(path):
            names = self._forms.names(entry, dimension)
            if names is None or name != item.params["name"]:
                continue
            blocks = reading.blocks.get((entry.stage.id, entry.group), ())
            present = {block.fixed.get(dimension) for block in blocks}
            members = due(self._scheme, entry, dimension, names.members)
            lacking = [member for member in members if member not in present]
            about = entry, known, dimension, lacking, names.suggest(name)
            reading.misnamed.append(Misnamed(item.code, item.source, name, *about))

    def read(self, file: SourceFile, sheets: Sequence[Sheet], reading: Reading) -> tuple[str, ...]:
        """Add a file's sheets to the reading; return the ids of its stages and adjustments."""
        path = _slashed(Path(os.path.abspath(file.path)))  # noqa: PTH100
        recognised = [self._recogniser.recognise(path, sheet) for sheet in sheets]
        pairs_of_sheets = zip(sheets, recognised, strict=True)
        contents = [list(self._contents(sheet, item)) for sheet, item in pairs_of_sheets]
        for pairs in contents:
            _leave_to_others([content for _place, content in pairs])
        filled = {place for pairs in contents for place, content in pairs if content.block}
        known_file = any(item.known_file for item in recognised)
        stages: dict[str, None] = {}
        nameless: list[Sheet] = []
        for sheet, item, pairs in zip(sheets, recognised, contents, strict=True):
            reading.findings += item.findings
            if item.years:
                reading.titles[Source(sheet.file, sheet.name)] = item.years
            for problem in item.findings:
                self.explains(path, problem, reading)
            unknown = known_file and not item and not item.findings
            for place, content in pairs:
                codes = {problem.code for problem in content.findings}
                if place in filled and codes == {"sheet-no-header"}:
                    # It was taken for the form because any sheet of its file is; another one is it.
                    unknown = True
                    continue
                entry = self._forms.entry(place)
                is_register = entry is not None and entry.is_register
                reading.add(sheet, place, content, is_register=is_register)
                if content.block is not None or not place.group:
                    stages[place.stage] = None
            if unknown:
                nameless.append(sheet)
        reading.findings += self._unrecognised(path, nameless, contents, reading)
        if sheets and not known_file:
            where, expected = Source(file.name), self._forms.expected_files()
            reading.findings.append(finding("file-unrecognised", where, expected=expected))
        return tuple(stages)

    def explains(self, path: PurePath, item: Finding, reading: Reading) -> None:
        """Note the scores that an error explains about a file or sheet which is not read."""
        if item.severity is Severity.ERROR and item.code != "file-name-unknown":
            sheet = item.source.sheet
            matches = self._forms.sheets(path, "", sheet)[0] if sheet else []
            reading.unread += _unread(item, matches or self._forms.in_file(path))

    def _unrecognised(
        self,
        path: PurePath,
        sheets: Sequence[Sheet],
        contents: Sequence[Sequence[tuple[Place, SheetContent]]],
        reading: Reading,
    ) -> Iterator[Finding]:
        """Yield a finding for each sheet of a known file whose name is not known.

        It is an error if the sheet holds numbers and the file lacks a sheet that is due.
        """
        came = {place for pairs in contents for place, _content in pairs}
        lacking = [
            match
            for match in (self._forms.in_file(path) if sheets else ())
            if isinstance(match, SheetMatch) and self._lacks(match, came)
        ]
        scored = [sheet for sheet in sheets if _holds_numbers(sheet)]
        for sheet in sheets:
            item = finding("sheet-unrecognised", Source(sheet.file, sheet.name))
            if sheet in scored and 0 < len(lacking) <= len(scored):
                params = {"suggestion": Bilingual.listed(map(_title, lacking))}
                item = replace(item, severity=Severity.ERROR, params=params)
                reading.unread += _unread(item, lacking)
            yield item

    def _lacks(self, match: SheetMatch, came: Set[Place]) -> bool:
        """Return whether a sheet that a file should hold is none of those that came in it."""
        entry, scheme = match.entry, self._scheme
        due = not entry.form.fixed or any(
            absence_is_error(scheme, entry, name) for name in entry.form.fixed
        )
        forms = {(place.stage, place.group, place.form) for place in came}
        return due and (entry.stage.id, entry.group, entry.form.id) not in forms

    def _contents(self, sheet: Sheet, item: Recognised) -> Iterator[tuple[Place, SheetContent]]:
        """Yield what a sheet holds as each form that it is, and as the records of its adjustments."""
        for match in item.matches:
            if match.entry.form.list_ is not None:
                yield match.place, read_list(self._scheme, self._forms, sheet, match)
                continue
            yield match.place, self._scores.read(sheet, match)
        if item.adjustments:
            content = read_records(self._scheme, item.adjustments, sheet)
            for adjustment in item.adjustments:
                yield Place.of(adjustment), content
                content = SheetContent()


def _leave_to_others(contents: Sequence[SheetContent]) -> None:
    """Where a sheet is several forms, leave out what one has wrong that another reads rightly.

    A total may be that of all forms together.
    """
    read = [content for content in contents if content.block is not None or content.records]
    if len(read) < 2:
        return
    places: dict[Source, list[Finding]] = {}
    for item in (item for content in read for item in content.findings):
        if item.code in _OF_ONE_FORM:
            places.setdefault(item.source, []).append(item)
    right = {
        source
        for source, items in places.items()
        if len(items) < len(read) or _is_total_of_all(items)
    }
    for content in read:
        content.findings = [
            item
            for item in content.findings
            if item.code not in _OF_ONE_FORM or item.source not in right
        ]
        # One cause is one finding.
        right |= {item.source for item in content.findings}


def _is_total_of_all(items: Sequence[Finding]) -> bool:
    computed = [str(item.params["computed"]) for item in items if item.code == "total-differs"]
    return len(computed) == len(items) and sum(map(Decimal, computed)) == Decimal(
        str(items[0].params["stated"])
    )


def _slashed(path: Path) -> Path:
    r"""Return the path with '/' for each \\: archives made on Windows are unpacked under such names."""
    return Path(str(path).replace("\\", "/"))


def _holds_numbers(sheet: Sheet) -> bool:
    numbers = (cell for row in sheet.rows for cell in row if isinstance(cell, int | float))
    return len(list(islice(numbers, _FEWEST_NUMBERS))) == _FEWEST_NUMBERS


def _title(expected: Expected) -> Bilingual:
    """Return what a form is called, with the members that it is about."""
    if isinstance(expected, Adjustment):
        return expected.title
    named = [expected.fixed.get(name, "") for name in expected.entry.form.named]
    return Bilingual(*(" ".join(filter(None, (text, *named))) for text in expected.entry.title))


def _unread(item: Finding, expected: Iterable[Expected]) -> Iterator[Unread]:
    """Yield the scores or the records of forms that a finding says are not read."""
    for it in expected:
        if isinstance(it, Adjustment):
            yield Unread(item.code, item.source, it.id, "", {})
        else:
            stage, group = it.entry.stage.id, it.entry.group
            yield Unread(item.code, item.source, stage, group, it.fixed)
