"""Which files a stage had at its deadline: frozen.yaml, and what has changed since.

The file stands in the root of the folder of stage files. It is made for people and for version
control: one file a line, in a fixed order, and every earlier freezing is kept.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import AfterValidator, Field

from wuhu_appraisal.files import log
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_, Bilingual
from wuhu_appraisal.model import InputFile
from wuhu_appraisal.scheme import yaml_source as yaml12
from wuhu_appraisal.scheme.load import LoadedScheme, validate
from wuhu_appraisal.scheme.rules import Identifier, Localised, Model
from wuhu_appraisal.workbooks.folder import FROZEN, read_beside, shown

_HEAD = "# Which files each stage had at its deadline. Written by 'appraise freeze', read by 'compute'.\n"

_SAID_AS_IT_IS = {"yaml-syntax", "yaml-key-twice", "yaml-too-large"}
"""What is wrong with the text itself is said so; all else is that the record was changed."""

_TIME = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


def moment(text: str) -> datetime:
    """A time written as 2021-01-15T08:00:00+08:00. Raises ValueError for any other text."""
    if not _TIME.fullmatch(text):
        raise ValueError("not written as a time with its offset")
    return datetime.fromisoformat(text)


def present() -> datetime:
    """The time here with its offset, or the one that SOURCE_DATE_EPOCH fixes, in UTC.

    A person who reads when something was fixed at its deadline thinks in the time of the place.
    """
    return fixed() or datetime.now(UTC).astimezone()


def fixed() -> datetime | None:
    """The time that SOURCE_DATE_EPOCH fixes, in UTC: the same output is wanted of the same input."""
    # What is no time that a date can show is no request either.
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "")), UTC)
    return None


def is_to_come(at: datetime) -> bool:
    """Whether a time lies more than a day ahead, further than clocks and time zones differ."""
    return at - present() > timedelta(days=1)


def _moment(text: str) -> str:
    if is_to_come(moment(text)):
        raise ValueError("a time that is to come")
    return text


def _each_once(items: Sequence[Any]) -> Sequence[Any]:
    if len({item.name for item in items}) < len(items):
        raise ValueError("two entries of one name")
    return items


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class FrozenFile(Model):
    """A file as it was: its path under the folder, '/' between parts, and its size in bytes."""

    file: Identifier
    size: Annotated[int, Field(ge=0)]
    sha256: Sha256

    @property
    def name(self) -> str:
        """By what it is known."""
        return self.file


class FrozenScheme(Model):
    """The scheme by which the files were known as a stage's."""

    id: Identifier
    sha256: Sha256


class Freezing(Model):
    """One freezing of a stage: when (ISO 8601 with offset), by whom, why, and its files by name."""

    at: Annotated[str, AfterValidator(_moment)]
    by: str
    reason: str
    scheme: FrozenScheme
    files: Annotated[list[FrozenFile], AfterValidator(_each_once)]


class FrozenStage(Model):
    """A stage or an adjustment, by its id, with its freezings in their order; the last one holds."""

    id: Identifier
    title: Localised
    freezings: Annotated[list[Freezing], Field(min_length=1)]

    @property
    def name(self) -> str:
        """By what it is known."""
        return self.id

    @property
    def last(self) -> Freezing:
        """The freezing that holds."""
        return self.freezings[-1]


class Frozen(Model):
    """frozen.yaml: the stages in the order in which they were first frozen."""

    stages: Annotated[list[FrozenStage], AfterValidator(_each_once)]

    def stage(self, name: str) -> FrozenStage | None:
        """The stage or adjustment with this id; None if it was never frozen."""
        return next((item for item in self.stages if item.id == name), None)


class Change(StrEnum):
    """What became of a file, or of the scheme, since a freezing; the values are message ids."""

    CHANGED = N_("changed")
    CAME = N_("came since")
    GONE = N_("gone")
    SCHEME = N_("another scheme, or another state of it")


class Difference(NamedTuple):
    """One thing that is not as it was: digests in hex, '' where there is no file."""

    change: Change
    name: str
    was: str
    now: str


def load(folder: Path) -> tuple[Frozen | None, list[Finding]]:
    """What is frozen in a folder: None where nothing is, or where findings say that it is damaged."""
    name = shown(folder / FROZEN)
    content, refused = read_beside(folder / FROZEN, name)
    if content is None:
        return None, refused
    frozen, found = validate(Frozen, yaml12.parse(name, content))
    if frozen is not None and not frozen.stages:
        found.append(finding("frozen-damaged", Source(name)))
    said = [
        item if item.code in _SAID_AS_IT_IS else finding("frozen-damaged", item.source)
        for item in found
    ]
    return (None if said else frozen), said


def files_of(stage: str, sources: Sequence[InputFile]) -> list[InputFile]:
    """The files that were read as a stage or adjustment, by name."""
    return sorted((item for item in sources if stage in item.stages), key=lambda item: item.file)


def fix(
    sources: Sequence[InputFile], sizes: Mapping[str, int], stage: str, **said: Any
) -> Freezing:
    """The files that are there now for a stage; ``said`` is at, by, reason and scheme.

    ``sizes`` has each file's size in bytes by its name.
    """
    files = [
        FrozenFile(file=item.file, size=sizes[item.file], sha256=item.sha256)
        for item in files_of(stage, sources)
    ]
    return Freezing(files=files, **said)


def differences(before: Freezing, after: Freezing) -> list[Difference]:
    """What is otherwise in the second: files by name, then the scheme."""
    was = {item.file: item.sha256 for item in before.files}
    now = {item.file: item.sha256 for item in after.files}
    found = [
        Difference(
            _change(was.get(name), now.get(name)), name, was.get(name, ""), now.get(name, "")
        )
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]
    if before.scheme.sha256 != after.scheme.sha256:
        old, new = before.scheme, after.scheme
        found.append(Difference(Change.SCHEME, new.id, old.sha256, new.sha256))
    return found


def holds(frozen: Frozen | None, stage: str, made: Freezing) -> bool:
    """Whether a stage is frozen just so already."""
    known = frozen.stage(stage) if frozen else None
    return known is not None and not differences(known.last, made)


def with_freezing(frozen: Frozen, stage: str, title: Bilingual, made: Freezing) -> Frozen:
    """What is frozen with one freezing more; the earlier ones of the stage stay."""
    known = frozen.stage(stage)
    entry = FrozenStage(
        id=stage, title=title, freezings=[*(known.freezings if known else ()), made]
    )
    if known is None:
        return Frozen(stages=[*frozen.stages, entry])
    return Frozen(stages=[entry if item is known else item for item in frozen.stages])


def since(
    paths: Sequence[Path],
    sources: Sequence[InputFile],
    sizes: Mapping[str, int],
    loaded: LoadedScheme,
) -> list[Finding]:
    """What changed in a folder of stage files, read as ``sources``, after its stages were frozen.

    ``sizes`` has each file's size in bytes by its name. Of ``paths`` that are not one folder
    nothing is compared.
    """
    if len(paths) != 1 or not paths[0].is_dir():
        return []
    frozen, problems = load(paths[0])
    if frozen is None:
        return problems
    where = Source(shown(paths[0] / FROZEN))
    found = [*_unknown(frozen, loaded, where), *_edited(frozen, sources, sizes, where)]
    return [*found, *compare(frozen, sources, loaded.sha256)]


def _unknown(frozen: Frozen, loaded: LoadedScheme, where: Source) -> Iterator[Finding]:
    """The stages that the scheme does not have: what came of them since would not be seen."""
    assert loaded.scheme is not None, "what was read was read by a scheme"
    known = {item.id for item in loaded.scheme.stages}
    known |= {item.id for item in loaded.scheme.adjustments}
    for stage in frozen.stages:
        if stage.id not in known:
            last = stage.last
            yield finding("frozen-stage-unknown", where, id=stage.id, at=last.at, by=last.by)


def _edited(
    frozen: Frozen, sources: Sequence[InputFile], sizes: Mapping[str, int], where: Source
) -> Iterator[Finding]:
    """A size that a file with this digest does not have: somebody wrote the record by hand."""
    digests = {item.file: item.sha256 for item in sources}
    files = [file for stage in frozen.stages for file in stage.last.files]
    if any(digests.get(it.file) == it.sha256 and sizes[it.file] != it.size for it in files):
        yield finding("frozen-damaged", where)


def compare(frozen: Frozen, sources: Sequence[InputFile], scheme_sha256: str) -> list[Finding]:
    """What is not as it was frozen: files that changed, came or went, and another scheme."""
    found = [item for stage in frozen.stages for item in _since(stage, sources, scheme_sha256)]
    log(__name__, "freeze.checked", stages=[item.id for item in frozen.stages], findings=len(found))
    return found


def _since(
    stage: FrozenStage, sources: Sequence[InputFile], scheme_sha256: str
) -> Iterator[Finding]:
    last = stage.last
    said = {"stage": stage.title, "at": last.at, "by": last.by}
    digests = {item.file: item.sha256 for item in sources}
    was = {item.file: item.sha256 for item in last.files}
    for name, digest in was.items():
        # One that is there unchanged and is not read as the stage's has findings of its own.
        if name not in digests:
            yield finding("frozen-file-gone", Source(name), **said)
        elif digests[name] != digest:
            yield finding("frozen-file-changed", Source(name), **said, sha256=digests[name])
    for item in files_of(stage.id, sources):
        if item.file not in was:
            yield finding("frozen-file-came", Source(item.file), **said, sha256=item.sha256)
    if scheme_sha256 != last.scheme.sha256:
        yield finding("frozen-scheme-differs", Source(FROZEN), **said, id=last.scheme.id)


def _change(was: str | None, now: str | None) -> Change:
    if was is None:
        return Change.CAME
    return Change.GONE if now is None else Change.CHANGED


class _Line(dict[str, Any]):
    """A mapping that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes texts so that YAML 1.2 reads them as texts too."""


_Dumper.add_representer(
    _Line,
    lambda dumper, data: dumper.represent_mapping(
        "tag:yaml.org,2002:map", data.items(), flow_style=True
    ),
)
# Under YAML 1.1, for which PyYAML writes, 1e3 is a text; under 1.2 it is a number.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9.]+[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def dump(frozen: Frozen) -> bytes:
    """frozen.yaml as UTF-8 YAML 1.2, the same bytes for the same data."""
    stages = [
        {
            "id": stage.id,
            "title": _Line(stage.title._asdict()),
            "freezings": [_freezing(item) for item in stage.freezings],
        }
        for stage in frozen.stages
    ]
    text = yaml.dump(
        {"stages": stages}, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=100_000
    )
    return (_HEAD + text).encode()


def _freezing(item: Freezing) -> dict[str, Any]:
    data = item.model_dump()
    data["scheme"] = _Line(data["scheme"])
    data["files"] = [_Line(file) for file in data["files"]]
    return data
