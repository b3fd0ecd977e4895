"""Record in frozen.yaml which files a stage had at its deadline, and find what changed since.

The file stands in the root of the folder of stage files. It is made for people and for version
control: one file a line, in a fixed order, and every earlier freezing is kept.
"""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import AfterValidator, Field

from wuhu_appraisal.files import FolderBusyError, locked, write_whole
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.model import InputFile
from wuhu_appraisal.scheme import yaml_source
from wuhu_appraisal.scheme.load import LoadedScheme, validate
from wuhu_appraisal.scheme.rules import Identifier, Localised, Model
from wuhu_appraisal.workbooks.folder import FROZEN, read_beside, shown

_HEAD = "# Which files each stage had at its deadline. Written by 'appraise freeze', read by 'compute'.\n"

_YAML_FINDINGS = {"yaml-syntax", "yaml-key-twice", "yaml-too-large"}
"""The findings about the text itself; every other one says that the record was changed."""

_TIME = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})"
)

log = logging.getLogger(__name__)


def moment(text: str) -> datetime:
    """Parse a time written as 2021-01-15T08:00:00+08:00. Raises ValueError for any other text."""
    if not _TIME.fullmatch(text):
        raise ValueError("not written as a time with its offset")
    return datetime.fromisoformat(text)


def present() -> datetime:
    """Return the local time with its offset, or the time that SOURCE_DATE_EPOCH sets, in UTC.

    A person who reads when something was frozen thinks in the time of the place.
    """
    # What is no time that a date can show is ignored.
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "")), UTC)
    return datetime.now(UTC).astimezone()


def is_to_come(at: datetime) -> bool:
    """Whether a time lies more than a day ahead, further than clocks and time zones differ."""
    return at - present() > timedelta(days=1)


def _past_moment(text: str) -> str:
    if is_to_come(moment(text)):
        raise ValueError("a time that is to come")
    return text


def _unique(key: str) -> AfterValidator:
    """Refuse two entries with the same value of an attribute."""

    def check(items: Sequence[Any]) -> Sequence[Any]:
        if len({getattr(item, key) for item in items}) < len(items):
            raise ValueError("two entries of one name")
        return items

    return AfterValidator(check)


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class FrozenFile(Model):
    """A file as it was: its path under the folder, '/' between parts, and its size in bytes."""

    file: Identifier
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256


class FrozenScheme(Model):
    """The scheme by which the files were recognised as a stage's."""

    id: Identifier
    sha256: Sha256


class Freezing(Model):
    """One freezing of a stage: when (ISO 8601 with offset), by whom, why, and its files by name."""

    at: Annotated[str, AfterValidator(_past_moment)]
    by: str
    reason: str
    scheme: FrozenScheme
    files: Annotated[list[FrozenFile], _unique("file")]


class FrozenStage(Model):
    """A stage or an adjustment, by its id, with its freezings in their order; the last one holds."""

    id: Identifier
    title: Localised
    freezings: Annotated[list[Freezing], Field(min_length=1)]

    @property
    def last(self) -> Freezing:
        """The freezing that holds."""
        return self.freezings[-1]


class Frozen(Model):
    """frozen.yaml: the stages in the order in which they were first frozen."""

    stages: Annotated[list[FrozenStage], _unique("id")]

    def stage(self, name: str) -> FrozenStage | None:
        """Return the stage or adjustment with this id; None if it was never frozen."""
        return next((item for item in self.stages if item.id == name), None)


class Change(StrEnum):
    """What became of a file, or of the scheme, since a freezing; the values are message ids."""

    CHANGED = N_("changed")
    CAME = N_("came since")
    GONE = N_("gone")
    SCHEME = N_("another scheme, or another state of it")


class Difference(NamedTuple):
    """One thing that changed since a freezing: SHA-256 in hex, '' where there is no file."""

    change: Change
    name: str
    was: str
    now: str


def load(folder: Path) -> tuple[Frozen | None, list[Finding]]:
    """Read a folder's frozen.yaml: None where there is none, or where findings say it is damaged."""
    name = shown(folder / FROZEN)
    content, refused = read_beside(folder / FROZEN, name)
    if content is None:
        return None, refused
    frozen, problems = validate(Frozen, yaml_source.parse(name, content))
    if frozen is not None and not frozen.stages:
        problems.append(finding("frozen-damaged", Source(name)))
    findings = [
        item if item.code in _YAML_FINDINGS else finding("frozen-damaged", item.source)
        for item in problems
    ]
    return (None if findings else frozen), findings


def save(folder: Path, before: Frozen | None, after: Frozen) -> None:
    """Write frozen.yaml; it holds its own history, so no earlier one is kept beside it.

    Raises FolderBusyError if it is no longer what was loaded as ``before``, else WriteError.
    """
    with locked(folder):
        if load(folder) != (before, []):
            raise FolderBusyError(folder)
        write_whole(folder / FROZEN, dump(after), keep=False)


def _files_of(stage: str, sources: Sequence[InputFile]) -> list[InputFile]:
    """Return the files that were read as a stage or adjustment, by name."""
    return sorted((item for item in sources if stage in item.stages), key=lambda item: item.file)


def freeze_stage(
    sources: Sequence[InputFile], sizes: Mapping[str, int], stage: str, **about: Any
) -> Freezing:
    """Return a freezing of the files that a stage has now.

    ``sizes`` has each file's size in bytes by its name; ``about`` is at, by, reason and scheme.
    """
    files = [
        FrozenFile(file=item.file, size=sizes[item.file], sha256=item.sha256)
        for item in _files_of(stage, sources)
    ]
    return Freezing(files=files, **about)


def differences(before: Freezing, after: Freezing) -> list[Difference]:
    """Return what differs in the second freezing: files by name, then the scheme."""
    was = {item.file: item.sha256 for item in before.files}
    now = {item.file: item.sha256 for item in after.files}
    rows = []
    for name in sorted({*was, *now}):
        old, new = was.get(name, ""), now.get(name, "")
        if old != new:
            change = Change.CHANGED if old and new else Change.CAME if new else Change.GONE
            rows.append(Difference(change, name, old, new))
    if before.scheme.sha256 != after.scheme.sha256:
        schemes = before.scheme.sha256, after.scheme.sha256
        rows.append(Difference(Change.SCHEME, after.scheme.id, *schemes))
    return rows


def with_freezing(frozen: Frozen, stage: str, title: Bilingual, freezing: Freezing) -> Frozen:
    """Return the record with one more freezing; the earlier ones of the stage stay."""
    known = frozen.stage(stage)
    freezings = [*(known.freezings if known else ()), freezing]
    entry = FrozenStage(id=stage, title=title, freezings=freezings)
    if known is None:
        return Frozen(stages=[*frozen.stages, entry])
    return Frozen(stages=[entry if item is known else item for item in frozen.stages])


def check_frozen(
    paths: Sequence[Path],
    sources: Sequence[InputFile],
    sizes: Mapping[str, int],
    loaded: LoadedScheme,
) -> tuple[Frozen | None, list[Finding]]:
    """Return a folder's frozen.yaml, and what changed in the folder after its stages were frozen.

    ``sources`` are the files read from it and ``sizes`` their sizes in bytes by name. Nothing is
    compared where ``paths`` are not one folder.
    """
    if len(paths) != 1 or not paths[0].is_dir():
        return None, []
    frozen, problems = load(paths[0])
    if frozen is None:
        return None, problems
    assert loaded.scheme is not None, "the sources were read by a scheme"
    record = Source(shown(paths[0] / FROZEN))
    known = {item.id for item in loaded.scheme.stages}
    known |= {item.id for item in loaded.scheme.recorded}
    # Files of a stage that the scheme does not have would not be seen.
    findings = [
        finding("frozen-stage-unknown", record, id=stage.id, at=stage.last.at, by=stage.last.by)
        for stage in frozen.stages
        if stage.id not in known
    ]
    digests = {item.file: item.sha256 for item in sources}
    files = [file for stage in frozen.stages for file in stage.last.files]
    # A size that a file with this digest does not have: somebody wrote the record by hand.
    if any(digests.get(it.file) == it.sha256 and sizes[it.file] != it.size for it in files):
        findings.append(finding("frozen-damaged", record))
    return frozen, [*findings, *compare(frozen, sources, loaded.sha256)]


def compare(frozen: Frozen, sources: Sequence[InputFile], scheme_sha256: str) -> list[Finding]:
    """Return what is not as it was frozen: files that changed, came or went, and another scheme."""
    findings: list[Finding] = []
    digests = {item.file: item.sha256 for item in sources}
    for stage in frozen.stages:
        last = stage.last
        about = {"stage": stage.title, "at": last.at, "by": last.by}
        was = {item.file: item.sha256 for item in last.files}
        for name, digest in was.items():
            # One that is there unchanged and is not read as the stage's has findings of its own.
            if name not in digests:
                findings.append(finding("frozen-file-gone", Source(name), **about))
            elif digests[name] != digest:
                sha256 = digests[name]
                findings.append(
                    finding("frozen-file-changed", Source(name), **about, sha256=sha256)
                )
        findings += [
            finding("frozen-file-came", Source(item.file), **about, sha256=item.sha256)
            for item in _files_of(stage.id, sources)
            if item.file not in was
        ]
        if scheme_sha256 != last.scheme.sha256:
            source = Source(FROZEN)
            findings.append(finding("frozen-scheme-differs", source, **about, id=last.scheme.id))
    log.info(
        N_("Compared with what was frozen: %(stages)s (differences: %(findings)s)"),
        {"stages": [item.id for item in frozen.stages], "findings": len(findings)},
        extra={"event": "freeze.checked"},
    )
    return findings


class _Dumper(yaml.SafeDumper):
    """Writes texts so that YAML 1.2 reads them as texts too."""


# Under YAML 1.1, for which PyYAML writes, 1e3 is a text; under 1.2 it is a number.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9.]+[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def dump(frozen: Frozen) -> bytes:
    """Return frozen.yaml as UTF-8 YAML 1.2, the same bytes for the same data."""
    # One line for each mapping that holds only texts and numbers: a file, a title, a scheme.
    text = yaml.dump(
        frozen.model_dump(),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=100_000,
        default_flow_style=None,
    )
    return (_HEAD + text).encode()
