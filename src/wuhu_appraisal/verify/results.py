"""A result held against what its files and its scheme come to when they are computed again."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from wuhu_appraisal import language as i18n
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.model import Result
from wuhu_appraisal.scheme.load import LoadedScheme
from wuhu_appraisal.store import ResultJson, SourceFileJson, dump, load, parsed
from wuhu_appraisal.verify.facts import NUMBERS, Fact, Kind, Valued, facts

SCHEME, FILES = N_("scheme"), N_("files")
PROGRAM = "appraise"

_TOOL = re.compile(PROGRAM + r" (\d+(?:\.\d+)*(?:[a-z]+\d*)?(?:\.[a-z]+\d+)*)")
"""The program and its version as pyproject.toml has it (PEP 440, without a local part)."""

_INSIDE = {"result-inconsistent", "result-unreadable"}
"""What the reading of a result says of the result itself."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a comparison.

    ``counts`` has for each kind of thing, a message id, how many were compared and how many of
    them differ. ``versions`` has for the program, Python and the packages, by name, the version
    that made the result and the one of now, where these are two; where they are of ``PROGRAM``
    itself, the sentences of findings were not compared. ``resaved`` says that a workbook is not the
    very file that was made, so that its look was compared only in part.
    """

    findings: list[Finding]
    counts: Mapping[str, tuple[int, int]]
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    resaved: bool = False

    @property
    def numbers_differ(self) -> bool:
        """Whether any score, step, final, published number or rank is another one."""
        return any(self.counts[kind][1] for kind in NUMBERS if kind in self.counts)


def compare(content: bytes, loaded: LoadedScheme, again: Result, name: str) -> Compared:
    """Hold a result's bytes against a run of now: to the last digit, causes before effects."""
    try:
        recorded = parsed(content)
    except ValueError:
        return Compared(load(content, loaded, name)[1], {})
    if _TOOL.fullmatch(recorded.tool) is None:
        problem = f"tool: {recorded.tool}"
        return Compared([finding("result-unreadable", Source(name), problem=problem)], {})
    with speaking(_language(recorded, again)):
        now = ResultJson.model_validate_json(dump(again))
    found: list[Finding] = []
    counts: dict[str, tuple[int, int]] = {}
    _run, inside = load(content, loaded, name)
    found += [item for item in inside if item.code in _INSIDE]
    files = {item.file for item in (*recorded.sources, *now.sources)}
    for title, of_kind, count in (
        (SCHEME, list(_scheme(recorded, now, name)), 1),
        (FILES, list(_files(recorded, now)), len(files)),
    ):
        found += of_kind
        counts[title] = (count, len(of_kind))
    words = recorded.tool == now.tool
    was, is_now = (_numbered(facts(item, again.scheme, words=words)) for item in (recorded, now))
    differing = list(_differing(was, is_now, name))
    by_kind = Counter(fact.kind for fact, _nth in was.keys() | is_now.keys())
    wrong = Counter(kind for kind, _found in differing)
    counts |= {kind: (by_kind[kind], wrong[kind]) for kind in Kind if by_kind[kind]}
    found += [item for _kind, item in differing]
    return Compared(found, counts, _other_versions(recorded, now))


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language for a while."""
    usual = i18n.language()
    i18n.activate(language)
    try:
        yield
    finally:
        i18n.activate(usual)


def _language(recorded: ResultJson, again: Result) -> str:
    """The language whose words agree best with those of the result, the active one before others."""
    said = {recorded.scheme.title, *(item.title for item in recorded.groups)}
    said |= {item.message for item in recorded.findings}

    def agreeing(language: str) -> int:
        with speaking(language):
            now = {str(again.scheme.title), *(str(item.title) for item in again.scheme.groups)}
            now |= {item.message for item in again.findings}
        return len(said & now)

    return max(sorted(i18n.LOCALES, key=lambda item: item != i18n.language()), key=agreeing)


def _other_versions(recorded: ResultJson, now: ResultJson) -> dict[str, tuple[str, str]]:
    """What another version of made the result; of what either does not say the version, nothing."""
    was, is_now = (
        {**item.versions, PROGRAM: item.tool.removeprefix(f"{PROGRAM} ")}
        for item in (recorded, now)
    )
    pairs = {name: (version, is_now.get(name, "")) for name, version in was.items()}
    return {name: pair for name, pair in pairs.items() if all(pair) and pair[0] != pair[1]}


def _scheme(recorded: ResultJson, now: ResultJson, name: str) -> Iterator[Finding]:
    was, is_now = recorded.scheme, now.scheme
    if (was.id, was.sha256) != (is_now.id, is_now.sha256):
        said = {"recorded": f"{was.id} {was.sha256}", "found": f"{is_now.id} {is_now.sha256}"}
        yield finding("verify-scheme-differs", Source(name), **said)


def _files(recorded: ResultJson, now: ResultJson) -> Iterator[Finding]:
    """The files of the two, by name; what a file was read as is a part of what it was."""
    was, is_now = _by_name(recorded), _by_name(now)
    for key in sorted({*was, *is_now}):
        old, new = was.get(key), is_now.get(key)
        where = Source(key[0])
        if old is None and new is not None:
            yield finding("verify-source-came", where, found=new.sha256)
        elif old is not None and new is None:
            yield finding("verify-source-gone", where, recorded=old.sha256)
        elif old is not None and new is not None and old.sha256 != new.sha256:
            said = {"recorded": old.sha256, "found": new.sha256}
            yield finding("verify-source-changed", where, **said)
        elif old is not None and new is not None and old.stage != new.stage:
            said = {"what": _("read as"), "recorded": old.stage, "found": new.stage}
            yield finding("verify-differs", where, **said)


def _by_name(result: ResultJson) -> dict[tuple[str, int], SourceFileJson]:
    """The files by name; what is recorded twice is told apart by a number."""
    seen = Counter[str]()
    named = {}
    for item in result.sources:
        seen[item.file] += 1
        named[item.file, seen[item.file]] = item
    return named


def _numbered(found: Iterable[Valued]) -> dict[tuple[Fact, int], str]:
    """The facts with their values; what is there twice is told apart by a number."""
    seen: Counter[Fact] = Counter()
    numbered: dict[tuple[Fact, int], str] = {}
    for fact, value in found:
        seen[fact] += 1
        numbered[fact, seen[fact]] = value
    return numbered


def _differing(
    was: Mapping[tuple[Fact, int], str], now: Mapping[tuple[Fact, int], str], name: str
) -> Iterator[tuple[Kind, Finding]]:
    """The facts whose values differ, or that only one of the two has, by their kinds."""
    places = {kind: place for place, kind in enumerate(Kind)}
    keys = [key for key in {**was, **now} if was.get(key) != now.get(key)]
    for key in sorted(keys, key=lambda key: places[key[0].kind]):
        fact = key[0]
        said = {
            "what": fact.name,
            "recorded": _said(was.get(key)),
            "found": _said(now.get(key)),
        }
        source = fact.source if fact.source.file else Source(name)
        yield fact.kind, finding("verify-differs", source, **said)


def _said(value: str | None) -> str:
    if value is None:
        return _("nothing")
    return value or _("missing")
