"""Read YAML 1.2 (core schema) into plain data, and find the line and column of any part of it.

PyYAML parses; only its YAML 1.1 rules for plain words are replaced, because under 1.1 ``7:2:1`` is
a number of base 60 and ``no`` is false (YAML 1.2.2, section 10.3.2). Numbers become Decimal, so
that a weight of 0.1 is one tenth.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import yaml

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_

Path: TypeAlias = tuple[str | int, ...]
"""The keys and list positions that lead from the top of the data to a part of it."""

MOST_DEEP = 50
MOST_NODES = 200_000
MOST_DIGITS = 30
"""Limits that no scheme reaches, against files that are made to exhaust memory or time."""


class _Loader(yaml.CBaseLoader):
    """PyYAML's C parser with the plain scalars of the core schema; everything else is text."""


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    (
        "float",
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


PROBLEMS = (
    N_("anchor value must contain alphanumerical characters only"),
    N_("anchor value must not be empty"),
    N_("block sequence entries are not allowed in this context"),
    N_("control characters are not allowed"),
    N_("could not find expected ':'"),
    N_("could not find expected directive name"),
    N_("did not find URI escaped octet"),
    N_("did not find expected '!'"),
    N_("did not find expected ',' or ']'"),
    N_("did not find expected ',' or a closing brace"),
    N_("did not find expected '-' indicator"),
    N_("did not find expected <document start>"),
    N_("did not find expected alphabetic or numeric character"),
    N_("did not find expected comment or line break"),
    N_("did not find expected digit or '.' character"),
    N_("did not find expected hexdecimal number"),
    N_("did not find expected key"),
    N_("did not find expected node content"),
    N_("did not find expected tag URI"),
    N_("did not find expected version number"),
    N_("did not find expected whitespace"),
    N_("did not find expected whitespace or line break"),
    N_("did not find the expected '>'"),
    N_("exceeded maximum nesting depth"),
    N_("found a tab character that violates indentation"),
    N_("found a tab character where an indentation space is expected"),
    N_("found an indentation indicator equal to 0"),
    N_("found character that cannot start any token"),
    N_("found duplicate %TAG directive"),
    N_("found duplicate %YAML directive"),
    N_("found extremely long version number"),
    N_("found incompatible YAML document"),
    N_("found invalid Unicode character escape code"),
    N_("found undefined tag handle"),
    N_("found unexpected ':'"),
    N_("found unexpected document indicator"),
    N_("found unexpected end of stream"),
    N_("found unexpected non-alphabetical character"),
    N_("found unknown directive name"),
    N_("found unknown escape character"),
    N_("found undefined alias"),
    N_("second occurrence"),
    N_("but found another document"),
    N_("incomplete UTF-16 character"),
    N_("incomplete UTF-8 octet sequence"),
    N_("invalid Unicode character"),
    N_("invalid leading UTF-8 octet"),
    N_("invalid trailing UTF-8 octet"),
    N_("invalid length of a UTF-8 sequence"),
    N_("unexpected low surrogate area"),
    N_("mapping keys are not allowed in this context"),
    N_("mapping values are not allowed in this context"),
    N_("tag handle must contain alphanumerical characters only"),
    N_("tag handle must end with '!'"),
    N_("tag handle must start with '!'"),
    N_("tag prefix must not be empty"),
)
"""What libyaml says of broken text, word for word, so that it is translated."""


@dataclass(slots=True)
class Document:
    """The plain data of one or more YAML files, with each file's name and root node."""

    data: Any = None
    findings: list[Finding] = field(default_factory=list)
    roots: list[tuple[str, yaml.Node]] = field(default_factory=list)

    def place(self, path: Path) -> Source:
        """The place of a part of the data; parts of ``path`` that are not in the file are skipped.

        A path may so lead to a key that is missing, or name a class as pydantic's locations do.
        """
        for name, root in self.roots:
            place = _inner(root, path[0]) if path else None
            if place is None:
                continue
            mark, node = place
            for part in path[1:]:
                mark, node = _inner(node, part) or (mark, node)
            return _source(name, mark)
        return Source(self.roots[0][0], line=1, column=1) if self.roots else Source("")


def _inner(node: yaml.Node, part: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    """The node at a key or position of another, and the mark where its key or itself begins."""
    if isinstance(node, yaml.MappingNode):
        named = ((key.start_mark, value) for key, value in node.value if key.value == part)
        return next(named, None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark, node.value[part]
    return None


def _source(name: str, mark: yaml.Mark) -> Source:
    return Source(name, line=mark.line + 1, column=mark.column + 1)


def parse(name: str, text: bytes) -> Document:
    """Parse one file. Broken syntax and duplicate keys are findings; ``data`` is None on broken syntax."""
    document = Document()
    try:
        _refuse_too_large(text)
        root = yaml.compose(text, Loader=_Loader)
        if root is None:
            document.findings.append(finding("yaml-empty", Source(name)))
        else:
            document.roots.append((name, root))
            document.data = _Builder(name, document.findings).build(root)
    except _TooLargeError:
        document.findings = [finding("yaml-too-large", Source(name))]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = _source(name, mark) if mark else Source(name)
        # A brace of its own is none of a message's placeholders.
        problem = (error.problem or error.context or "").replace("'}'", "a closing brace")
        document.findings.append(finding("yaml-syntax", where, problem_word=problem))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = getattr(error, "reason", None) or error
        document.findings.append(finding("yaml-syntax", Source(name), problem_word=reason))
    return document


class _TooLargeError(Exception):
    """A file nests too deep or has too many nodes, as written or with its aliases replaced."""


def _refuse_too_large(text: bytes) -> None:
    """Raise _TooLargeError before nodes are composed, which recurses and keeps all of them."""
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        nodes += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        # Twice, as each key of a mapping is a node beside its value.
        if depth > MOST_DEEP or nodes > 2 * MOST_NODES:
            raise _TooLargeError


class _Builder:
    """Builds plain data from the nodes of one file and adds findings for what is not plain data."""

    def __init__(self, name: str, findings: list[Finding]) -> None:
        self._name = name
        self._findings = findings
        self._nodes = 0

    def build(self, node: yaml.Node, parents: tuple[yaml.Node, ...] = ()) -> Any:
        """The data of a node below its ``parents``; None where a finding was added."""
        self._nodes += 1
        if self._nodes > MOST_NODES or len(parents) > MOST_DEEP:
            raise _TooLargeError
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if any(node is parent for parent in parents):
            self._add("yaml-syntax", node, problem_word=N_("an alias that holds itself"))
            return None
        parents = (*parents, node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, parents) for item in node.value]
        keys: dict[str, yaml.Node] = {}
        data: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._add("yaml-syntax", key, problem_word=N_("a key that is a list or a mapping"))
            elif key.value in keys:
                first = _source(self._name, keys[key.value].start_mark)
                self._add("yaml-key-twice", key, key=key.value, first=first)
            else:
                keys[key.value] = key
                data[key.value] = self.build(value, parents)
        return data

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = str(node.value)
        match node.tag.rpartition(":")[2]:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" | "float":
                number = _number(text)
                if number is None:
                    self._add("yaml-number", node, value=text[:40])
                return number
            case _:
                return text

    def _add(self, code: str, node: yaml.Node, **params: object) -> None:
        self._findings.append(finding(code, _source(self._name, node.start_mark), **params))


def _number(text: str) -> Decimal | None:
    """The exact number; None if it is too long, too large or too small for a scheme, or no number."""
    try:
        number = Decimal(text) if len(text) <= 2 * MOST_DIGITS else Decimal("NaN")
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS else None


def merge(documents: list[Document]) -> Document:
    """One document from files that each hold some of the top-level keys; of a key twice the first.

    ``data`` is None if any file could not be read: everything in it would be called missing.
    """
    whole = Document(data={})
    for document in documents:
        whole.findings.extend(document.findings)
        if not isinstance(document.data, dict):
            if document.data is not None:
                whole.findings.append(finding("scheme-not-mapping", document.place(())))
            continue
        for key, value in document.data.items():
            if key in whole.data:
                place, first = document.place((key,)), whole.place((key,))
                whole.findings.append(finding("scheme-key-twice", place, key=key, first=first))
            else:
                whole.data[key] = value
        whole.roots += document.roots
    if not all(isinstance(document.data, dict) for document in documents):
        whole.data = None
    return whole
