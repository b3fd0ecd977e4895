"""YAML 1.2 (core schema) to plain data, with the line and column of every key and value.

PyYAML parses; only its YAML 1.1 notion of what a plain word means is replaced, because under 1.1
``7:2:1`` is a number of base 60 and ``no`` is false (YAML 1.2.2, section 10.3.2). Numbers keep
their decimals: a weight of 0.1 is one tenth.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.resolver import BaseResolver

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import _
from wuhu_appraisal.names import nearest

Path: TypeAlias = tuple[str | int, ...]

_SHORT = re.compile(r"^[-+]?[0-9.]+(?:[eE][-+]?[0-9]{1,3})?$")
MOST_DEEP = 50
MOST_NODES = 200_000
MOST_DIGITS = 30
"""What no scheme needs, and what a file made to exhaust the program would have."""

_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^[-+]?[0-9]+$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")


class _CoreResolver(BaseResolver):
    """The plain scalars of the core schema; everything else is text."""


for _tag, _pattern, _first in (
    ("null", _NULL, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
):
    _CoreResolver.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)


class _Loader(CParser, _CoreResolver):
    """PyYAML's C parser with the core schema's resolver; it only composes nodes."""

    def __init__(self, stream: bytes) -> None:
        CParser.__init__(self, stream)
        _CoreResolver.__init__(self)


@dataclass(slots=True)
class Document:
    """The plain data of one or more YAML files and where each path in it stands."""

    data: Any = None
    places: dict[Path, Source] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def place(self, path: Path) -> Source:
        """The source of the longest part of ``path`` that stands in a file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return Source("")


def parse(name: str, text: bytes) -> Document:
    """Parse one file. Broken syntax and duplicate keys are findings; ``data`` is None on broken syntax."""
    document = Document()
    loader = _Loader(text)
    try:
        if _is_too_large(text):
            document.findings.append(finding("yaml-too-large", Source(name)))
            return document
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Source(name, line=mark.line + 1, column=mark.column + 1) if mark else Source(name)
        document.findings.append(
            finding("yaml-syntax", where, problem=error.problem or error.context)
        )
        return document
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        document.findings.append(finding("yaml-syntax", Source(name), problem=error))
        return document
    finally:
        loader.dispose()
    if root is None:
        document.findings.append(finding("yaml-empty", Source(name)))
        return document
    document.places[()] = Source(name, line=1, column=1)
    try:
        document.data = _construct(name, root, (), document, frozenset())
    except _TooLargeError:
        document.findings = [finding("yaml-too-large", Source(name))]
    return document


class _TooLargeError(Exception):
    """What the aliases stand for nests too deep or has too many nodes."""


def _is_too_large(text: bytes) -> bool:
    """Whether a file as it is written nests too deep or has too many nodes.

    The parser's events tell it, which take no recursion and are not kept.
    """
    depth = nodes = 0
    loader = _Loader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            nodes += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            # A key is a node beside its value, and both have one place.
            if depth > MOST_DEEP or nodes > 2 * MOST_NODES:
                return True
    finally:
        loader.dispose()
    return False


def merge(documents: list[Document]) -> Document:
    """One document from files that each hold some of the top-level keys."""
    whole = Document(data={})
    for document in documents:
        whole.findings.extend(document.findings)
        if document.data is None:
            continue
        if not isinstance(document.data, dict):
            whole.findings.append(finding("scheme-not-mapping", document.place(())))
            continue
        for key, value in document.data.items():
            if key in whole.data:
                first = whole.place((key,))
                whole.findings.append(
                    finding("scheme-key-twice", document.place((key,)), key=key, first=first)
                )
                # The first counts, as its places do.
                continue
            whole.data[key] = value
        for path, place in document.places.items():
            whole.places.setdefault(path, place)
    if not all(isinstance(document.data, dict) for document in documents):
        # With a part unread, everything in it would be called missing.
        whole.data = None
    return whole


def _construct(
    name: str, node: yaml.Node, path: Path, document: Document, above: frozenset[int]
) -> Any:
    where = Source(name, line=node.start_mark.line + 1, column=node.start_mark.column + 1)
    document.places.setdefault(path, where)
    if len(document.places) > MOST_NODES or len(path) > MOST_DEEP:
        raise _TooLargeError
    if id(node) in above:
        document.findings.append(
            finding("yaml-syntax", where, problem=_("an alias that holds itself"))
        )
        return None
    above = above | {id(node)}
    if isinstance(node, yaml.ScalarNode):
        value = _scalar(node)
        if isinstance(value, Decimal) and (
            value.is_infinite() or abs(value.adjusted()) > MOST_DIGITS
        ):
            document.findings.append(finding("yaml-number", where, value=node.value[:40]))
            return None
        return value
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(name, item, (*path, index), document, above)
            for index, item in enumerate(node.value)
        ]
    found: dict[str, Any] = {}
    for key, place, value in _pairs(name, node, document):
        if key in found:
            first = document.place((*path, key))
            document.findings.append(finding("yaml-key-twice", place, key=key, first=first))
            continue
        document.places[(*path, key)] = place
        found[key] = _construct(name, value, (*path, key), document, above)
    return found


def _pairs(
    name: str, node: yaml.Node, document: Document
) -> Iterator[tuple[str, Source, yaml.Node]]:
    for key, value in node.value:
        place = Source(name, line=key.start_mark.line + 1, column=key.start_mark.column + 1)
        if isinstance(key, yaml.ScalarNode):
            yield str(key.value), place, value
        else:
            problem = _("a key that is a list or a mapping")
            document.findings.append(finding("yaml-syntax", place, problem=problem))


def _scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int" | "float" if _SHORT.match(text) and len(text) <= 2 * MOST_DIGITS:
            return Decimal(text)
        case "int" | "float":
            return Decimal("Infinity")
        case _:
            return text


def unknown_key(key: str, place: Source, known: list[str]) -> Finding:
    """The finding for a key that means nothing where it stands."""
    return finding(
        "scheme-key-unknown", place, key=key, suggestion=nearest(key, known), known=", ".join(known)
    )
