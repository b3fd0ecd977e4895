"""A decision added to decisions.yaml as text, so that what a person wrote there stays as it is."""

import re
from collections.abc import Sequence

import yaml

from wuhu_appraisal.decisions.models import Decision, Taken, parse
from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.i18n import N_
from wuhu_appraisal.scheme import yaml12

START = "decisions:\n"
_ENTRY = re.compile(r"^([ ]*)-[ ]", re.MULTILINE)
_NOTHING = re.compile(r"^decisions:[ ]*(?:\[[ ]*\]|~|null)?[ ]*(?=#|\r?$)", re.MULTILINE)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_ENDLESS = float("inf")
_MARK = "\ufeff"
"""What some editors put at the beginning of a file in UTF-8; it is no part of its text."""

_AS_NUMBERS = ("value", "was")


def entry(decision: Decision, indent: int = 2) -> str:
    """A decision as a list entry of YAML, one key a line; keys without a value are left out."""
    lines = [
        f"{name}: {_scalar(text, plain=name in _AS_NUMBERS)}"
        for name, text in decision.model_dump().items()
        if text or (name == "was" and text is not None)
    ]
    space = " " * indent
    return f"{space}- " + f"\n{space}  ".join(lines) + "\n"


def added(name: str, content: bytes | None, decision: Decision) -> tuple[bytes, list[Finding]]:
    """The file's new content with the decision behind those that stand there.

    Findings where it cannot be added without touching the rest; ``content`` is None if there is no
    file yet.
    """
    if content is None:
        return (START + entry(decision)).encode(), []
    before, problems = parse(name, content)
    if problems:
        return content, problems
    try:
        text = content.decode()
    except UnicodeDecodeError:
        said = N_("it is not in UTF-8; save it so, then add the decision again")
        return content, [_not_added(name, said)]
    mark = _MARK if text.startswith(_MARK) else ""
    text = text.removeprefix(_MARK)
    end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    if not before:
        text = _NOTHING.sub("decisions: ", text, count=1)
    here = _ENTRY.findall(text)
    indent = len(here[0]) if before and here else 2
    ending = "" if text.endswith("\n") else end
    new = (mark + text + ending + entry(decision, indent).replace("\n", end)).encode()
    after, problems = parse(name, new)
    if problems or _plainly(after) != [*_plainly(before), decision]:
        said = N_("another decision cannot be added below; write it in by hand")
        return content, [_not_added(name, said)]
    return new, []


def _not_added(name: str, said: str) -> Finding:
    return finding("decisions-unreadable", Source(name), problem_word=said)


def _plainly(taken: Sequence[Taken]) -> list[Decision]:
    return [item.decision for item in taken]


def _scalar(text: str, *, plain: bool) -> str:
    """A text on one line as YAML 1.2 reads it back; a number as it is where one is meant."""
    if plain and _NUMBER.fullmatch(text):
        return text
    dumped = yaml.safe_dump(text, allow_unicode=True, width=_ENDLESS).removesuffix("...\n")
    # PyYAML quotes what is no text under YAML 1.1, which is not all that is none under 1.2.
    if yaml12.parse("", f"key: {dumped}".encode()).data != {"key": text} or "\n" in dumped[:-1]:
        dumped = yaml.safe_dump(text, allow_unicode=True, width=_ENDLESS, default_style='"')
    return dumped.rstrip("\n")
