"""All workbooks at once: find them, recognise their sheets, read the scores and the records."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import takewhile
from pathlib import Path

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_
from wuhu_appraisal.model import Absent, Block, InputFile, LedgerEntry, Record, Remark
from wuhu_appraisal.read.forms import FormIndex, Place
from wuhu_appraisal.read.recognise import Recognised, Recogniser
from wuhu_appraisal.read.records import drop_repeated, drop_shared, read_records
from wuhu_appraisal.read.scores import ScoreReader
from wuhu_appraisal.read.sheet import SheetContent
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.workbooks.cell import Sheet
from wuhu_appraisal.workbooks.folder import SourceFile, find_files, sha256
from wuhu_appraisal.workbooks.open import read_sheets

log = logging.getLogger(__name__)

Progress = Callable[[Iterable[SourceFile], int], Iterable[SourceFile]]
"""Wraps the files to be read, with their number, to show how far the work is."""


@dataclass(slots=True)
class Reading:
    """What was read: scores and registers by stage and group, records, findings, and the files.

    ``sheets`` has the sheets that came for each place. ``paths`` and ``sizes``, in bytes, are those
    of the files that were read, by the names that people are shown.
    """

    blocks: dict[tuple[str, str], list[Block]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    sheets: dict[Place, list[Source]] = field(default_factory=dict)
    sources: list[InputFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    paths: dict[str, Path] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    registers: dict[tuple[str, str], list[Block]] = field(default_factory=dict)

    def add(
        self, sheet: Sheet, place: Place, content: SheetContent, *, is_register: bool = False
    ) -> None:
        """Add what a sheet holds that is at this place of the scheme."""
        self.sheets.setdefault(place, []).append(Source(sheet.file, sheet.name))
        self.findings += content.findings
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
) -> Reading:
    """Read and check every workbook under the paths; what cannot be read is a finding."""
    reader = _FileReader(scheme)
    files, findings = find_files(paths)
    reading = Reading(findings=findings)
    for file in progress(files, len(files)) if progress else files:
        begun = time.monotonic()
        try:
            content = file.path.read_bytes()
        except OSError as error:
            problem = error.strerror or str(error)
            reading.findings.append(finding("file-unreadable", Source(file.name), problem=problem))
            continue
        reading.paths[file.name], reading.sizes[file.name] = file.path, len(content)
        sheets, problems = read_sheets(file.name, content, password)
        reading.findings += problems
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
    reading.records, problems = drop_repeated(scheme, reading.records)
    reading.findings += problems
    reading.records, problems = drop_shared(scheme, reading.records, reader.stated)
    reading.findings += problems
    return reading


class _FileReader:
    """Reads the files of one scheme; ``stated`` has the number in the cell of each record."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._forms = FormIndex(scheme)
        self._recogniser = Recogniser(scheme, self._forms)
        self._scores = ScoreReader(scheme, self._forms)
        self.stated: dict[Source, Decimal] = {}

    def read(self, file: SourceFile, sheets: Sequence[Sheet], reading: Reading) -> tuple[str, ...]:
        """Add a file's sheets to the reading; return the ids of its stages and adjustments."""
        path = file.path.absolute()
        recognised = [self._recogniser.recognise(path, sheet) for sheet in sheets]
        pairs_of_sheets = zip(sheets, recognised, strict=True)
        contents = [list(self._contents(sheet, item)) for sheet, item in pairs_of_sheets]
        filled = {place for pairs in contents for place, content in pairs if content.block}
        known_file = any(item.known_file for item in recognised)
        stages: dict[str, None] = {}
        for sheet, item, pairs in zip(sheets, recognised, contents, strict=True):
            reading.findings += item.findings
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
                where = Source(sheet.file, sheet.name)
                reading.findings.append(finding("sheet-unrecognised", where))
        if sheets and not known_file:
            where, expected = Source(file.name), self._forms.expected_files()
            reading.findings.append(finding("file-unrecognised", where, expected=expected))
        return tuple(stages)

    def _contents(self, sheet: Sheet, item: Recognised) -> Iterator[tuple[Place, SheetContent]]:
        """Yield what a sheet holds as each form that it is, and as the records of its adjustments."""
        for match in item.matches:
            yield match.place, self._scores.read(sheet, match)
        if item.adjustments:
            content = read_records(self._scheme, item.adjustments, sheet)
            self.stated |= content.stated
            for adjustment in item.adjustments:
                yield Place.of(adjustment), content
                content = SheetContent()
