"""The parts of a workbook's file (ECMA-376, part 2), and whether every program finds the same ones.

Programs look a part up by its name, by its content type or by the relationship that leads to it. In
a file where these do not agree one program shows what another one does not see.
"""

import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from posixpath import dirname, normpath
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException, ElementTree

from wuhu_appraisal.language import N_

TYPES = "[Content_Types].xml"
FOREIGN = N_("a part or a link of a kind that is not made")
AMBIGUOUS = N_("what programs may read in different ways")

_OFFICE = "http://schemas.openxmlformats.org/officedocument/2006/relationships/"
_CORE = "relationships/metadata/core-properties"
_CHART = "http://schemas.microsoft.com/office/2011/relationships/"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_OPEN = "application/vnd.openxmlformats-officedocument."
_RELATIONSHIPS = "application/vnd.openxmlformats-package.relationships+xml"
_CONTENT = {
    "workbook": _SHEET + "sheet.main+xml",
    "worksheet": _SHEET + "worksheet+xml",
    "chartsheet": _SHEET + "chartsheet+xml",
    "styles": _SHEET + "styles+xml",
    "sharedstrings": _SHEET + "sharedStrings+xml",
    "calcchain": _SHEET + "calcChain+xml",
    "comments": _SHEET + "comments+xml",
    "printersettings": _SHEET + "printerSettings",
    "theme": _OPEN + "theme+xml",
    "drawing": _OPEN + "drawing+xml",
    "vmldrawing": _OPEN + "vmlDrawing",
    "chart": _OPEN + "drawingml.chart+xml",
    "chartstyle": "application/vnd.ms-office.chartstyle+xml",
    "chartcolorstyle": "application/vnd.ms-office.chartcolorstyle+xml",
    "core-properties": "application/vnd.openxmlformats-package.core-properties+xml",
    "extended-properties": _OPEN + "extended-properties+xml",
    "custom-properties": _OPEN + "custom-properties+xml",
}
"""The kinds of parts that the rendering has or that a program adds when it saves it, with the
content type of each. No macro, picture, embedded object, or link to another file is among them."""

_FROM: Mapping[str, Mapping[str, str]] = {
    "": {
        _OFFICE + "officedocument": "workbook",
        _OFFICE + "extended-properties": "extended-properties",
        _OFFICE + "custom-properties": "custom-properties",
        "http://schemas.openxmlformats.org/package/2006/" + _CORE: "core-properties",
        # As LibreOffice writes it.
        "http://schemas.openxmlformats.org/officedocument/2006/" + _CORE: "core-properties",
    },
    "workbook": {
        _OFFICE + kind: kind
        for kind in ("worksheet", "chartsheet", "styles", "theme", "sharedstrings", "calcchain")
    },
    "worksheet": {
        _OFFICE + kind: kind for kind in ("drawing", "vmldrawing", "comments", "printersettings")
    },
    "chartsheet": {_OFFICE + kind: kind for kind in ("drawing", "printersettings")},
    "drawing": {_OFFICE + "chart": "chart"},
    "chart": {_CHART + kind: kind for kind in ("chartstyle", "chartcolorstyle")},
}
"""What a part of each kind may lead to, by the type of the relationship in small letters."""

_SEVERAL = {"worksheet", "chartsheet", "chart"}
"""Of which kinds a part may lead to more than one."""

_END = b"PK\x05\x06"
_END_SIZE = 22
"""The end of a zip archive without a comment (APPNOTE.TXT 4.3.16)."""

_UNICODE_NAME = b"up"
"""The mark of an extra field that gives a member another name (APPNOTE.TXT 4.6.9)."""


class Odd(NamedTuple):
    """A part, or '' for the file as a whole, and the message id of what is wrong with it."""

    part: str
    problem: str


@dataclass(frozen=True, slots=True)
class Package:
    """The parts by their names, and the kind of each but for content types and relationships."""

    parts: Mapping[str, bytes]
    kinds: Mapping[str, str]

    def of(self, kind: str) -> list[str]:
        """The names of the parts of a kind."""
        return [name for name, found in self.kinds.items() if found == kind]


def tree(content: bytes) -> Any:
    """The root of a part's XML; ValueError if it is none, or declares entities or a DTD."""
    try:
        return ElementTree.fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError) as error:
        raise ValueError(str(error)) from error


def opened(content: bytes) -> tuple[Package, list[Odd]]:
    """The parts of a file, and what is odd about them. Raises ValueError for what is no zip archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            parts = {item.filename: archive.read(item) for item in members}
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, NotImplementedError) as error:
        raise ValueError(str(error)) from error
    odd = list(_members(content, members))
    walk = _Walk(parts)
    odd += walk.odd
    return Package(parts, walk.kinds), list(dict.fromkeys(odd))


def _members(content: bytes, members: list[zipfile.ZipInfo]) -> Iterator[Odd]:
    """What of the archive itself is read by some programs in another way than by zipfile."""
    begins = min((item.header_offset for item in members), default=0)
    if begins or not content[-_END_SIZE:].startswith(_END):
        yield Odd("", AMBIGUOUS)
    # A part is found whatever the case of its name (ECMA-376, part 2, 6.2.2.3).
    seen = Counter(item.filename.casefold() for item in members)
    for item in members:
        name = item.filename
        plain = name.isascii() and "\\" not in name and normpath(name) == name
        if seen[name.casefold()] > 1 or not plain or _UNICODE_NAME in item.extra:
            yield Odd(name, AMBIGUOUS)


class _Walk:
    """The parts that relationships lead to from the root of a package, each by one way alone."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self._parts = parts
        self.kinds: dict[str, str] = {}
        self.odd: list[Odd] = []
        self._types = self._content_types()
        used = {TYPES}
        waiting = [("", "")]
        while waiting:
            part, kind = waiting.pop()
            links = f"{dirname(part)}/_rels/{part.rpartition('/')[2]}.rels".removeprefix("/")
            if links in parts:
                used.add(links)
                waiting += self._linked(part, kind, links)
        self.odd += [Odd(name, FOREIGN) for name in parts if name not in used | self.kinds.keys()]
        books = [name for name, kind in self.kinds.items() if kind == "workbook"]
        if len(books) != 1:
            self.odd.append(Odd("", AMBIGUOUS))

    def _content_types(self) -> dict[str, str]:
        """The content type of each part."""
        overrides: dict[str, str] = {}
        defaults: dict[str, str] = {}
        for item in self._tree(TYPES):
            said = str(item.get("ContentType"))
            known, key = overrides, str(item.get("PartName")).removeprefix("/")
            if item.tag.endswith("}Default"):
                known, key = defaults, str(item.get("Extension")).casefold()
            elif key not in self._parts:
                self.odd.append(Odd(key, AMBIGUOUS))
            if known.setdefault(key, said) != said:
                self.odd.append(Odd(TYPES, AMBIGUOUS))
        ending = {name: name.rpartition(".")[2].casefold() for name in self._parts}
        return {name: overrides.get(name, defaults.get(ending[name], "")) for name in self._parts}

    def _linked(self, part: str, kind: str, links: str) -> Iterator[tuple[str, str]]:
        """The parts that a part leads to, with their kinds."""
        ids: Counter[str] = Counter()
        kinds: Counter[str] = Counter()
        if self._types[links] != _RELATIONSHIPS:
            self.odd.append(Odd(links, AMBIGUOUS))
        for link in self._tree(links):
            found = _FROM.get(kind, {}).get(str(link.get("Type")).lower())
            target = str(link.get("Target"))
            if found is None or link.get("TargetMode", "Internal") != "Internal":
                self.odd.append(Odd(links, FOREIGN))
                continue
            name = target[1:] if target.startswith("/") else normpath(f"{dirname(part)}/{target}")
            name = name.removeprefix("/")
            ids[str(link.get("Id"))] += 1
            kinds[found] += 1
            once = found in _SEVERAL or kinds[found] == 1
            if name not in self._parts or name in self.kinds:
                self.odd.append(Odd(name, AMBIGUOUS))
                continue
            if self._types[name] != _CONTENT[found]:
                self.odd.append(Odd(name, FOREIGN))
            elif ids[str(link.get("Id"))] > 1 or not once:
                self.odd.append(Odd(name, AMBIGUOUS))
            self.kinds[name] = found
            yield name, found

    def _tree(self, name: str) -> Any:
        try:
            return tree(self._parts.get(name, b""))
        except ValueError:
            self.odd.append(Odd(name, AMBIGUOUS))
            return ()
