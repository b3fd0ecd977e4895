"""The package of an .xlsx (ECMA-376, part 2): find its parts, and write one with the same sheets."""

import re
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from posixpath import basename, dirname, normpath
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from wuhu_appraisal.workbooks.cell import TooLargeError

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT, _TRANSITIONAL = (
    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
)
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding=["']([\w.-]+)["'][^>]*\?>""")
_ENCODINGS = {
    "utf-16", "utf-16le", "utf-16be", "gbk", "gb2312", "gb18030", "big5", "iso-8859-1",
    "windows-1252",
}  # fmt: skip
HEAD = 2000
"""Where a part begins: its names of the format stand there."""

_MOST_TREE = 8_000_000


class Link(NamedTuple):
    """A link from one part to another."""

    id: str
    kind: str
    part: str


class Package:
    """The parts of a workbook, found whatever the case of their names and the slashes in them.

    Raise ValueError if two different parts have one name.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names: dict[str, str] = {}
        sums: dict[str, tuple[int, int]] = {}
        for item in archive.infolist():
            name = item.filename.replace("\\", "/").lstrip("/").lower()
            self._names[name] = item.filename
            if sums.setdefault(name, (item.CRC, item.file_size)) != (item.CRC, item.file_size):
                raise ValueError("two parts have one name")

    def read(self, part: str) -> bytes | None:
        """Return the content of a part in UTF-8, None where there is no such part."""
        name = self._names.get(part.lower()) or self._names.get(unquote(part).lower())
        return None if name is None else _in_utf8(self._archive.read(name))

    def links(self, part: str) -> tuple[Link, ...]:
        """Return the links from a part, '' for the package itself."""
        folder, name = dirname(part), basename(part)
        xml = self.read(f"{folder}/_rels/{name}.rels".lstrip("/"))
        return () if xml is None else _links(folder, xml)

    def workbook(self) -> tuple[str, bytes]:
        """Return the name and the content of the part that is the workbook, '' if there is none."""
        linked = [link.part for link in self.links("") if link.kind.endswith("/officeDocument")]
        for part in (*linked, "xl/workbook.xml", "xl/workbook.bin"):
            xml = self.read(part)
            if xml is not None and (part.endswith(".bin") or b"workbook" in xml[:HEAD]):
                return part, xml
        return "", b""


def _in_utf8(xml: bytes) -> bytes:
    if xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        declared = _ENCODING.match(xml.removeprefix(b"\xef\xbb\xbf"))
        encoding = declared[1].decode() if declared else "utf-8"
    if encoding.lower().replace("-", "") in ("utf8", "usascii", "ascii"):
        return xml
    if encoding.lower() not in _ENCODINGS:
        raise ValueError("no program writes this encoding")
    text = xml.decode(encoding).encode()
    declared = _ENCODING.match(text)
    return text[declared.end() :] if declared else text


def parse_xml(xml: bytes) -> Element:
    """Parse a part; a tree takes many times the size of its XML. Raises TooLargeError."""
    if len(xml) > _MOST_TREE:
        raise TooLargeError
    tree: Element = ElementTree.fromstring(xml)
    return tree


def transitional(xml: bytes) -> bytes:
    """Return the XML with the names of the usual form of the format instead of the strict one's."""
    return xml.replace(_STRICT, _TRANSITIONAL) if b"purl.oclc.org" in xml[:HEAD] else xml


@lru_cache(maxsize=64)
def _links(folder: str, xml: bytes) -> tuple[Link, ...]:
    """Return the links from a part in a folder, each once."""
    links: dict[Link, None] = {}
    for item in parse_xml(xml):
        target = item.get("Target", "").replace("\\", "/")
        part = target[1:] if target.startswith("/") else normpath(f"{folder}/{target}").lstrip("/")
        links[Link(item.get("Id", ""), item.get("Type", ""), part)] = None
    return tuple(links)


# --- The package that python-calamine reads

_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_LINKS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">%s'
_LINK = f'<Relationship Id="%s" Type="{_RELATIONS}/%s" Target="%s.xml"/>'
_BOOK = (
    f'<workbook xmlns="{MAIN[1:-1]}" xmlns:r="{_RELATIONS}">'
    '<workbookPr date1904="%d"/><sheets>%s</sheets></workbook>'
)


def write_part(archive: zipfile.ZipFile, name: str, *content: bytes) -> None:
    """Write a part, given in pieces."""
    with archive.open(zipfile.ZipInfo(name), "w") as part:
        for piece in content:
            part.write(piece)


def write_workbook(
    archive: zipfile.ZipFile,
    sheets: Iterable[str],
    since_1904: bool,
    shared: Mapping[str, bytes],
) -> None:
    """Write what python-calamine needs to find and read the sheets."""
    entries = "".join(f'<sheet name="{name}" sheetId="{name}" r:id="{name}"/>' for name in sheets)
    links = [_LINK % (name, "worksheet", name) for name in sheets]
    for name, content in shared.items():
        if content:
            write_part(archive, f"xl/{name}.xml", content)
            links.append(_LINK % (name, name, name))
    whole = _LINK % ("book", "officeDocument", "xl/workbook")
    for name, xml in {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _LINKS % whole + "</Relationships>",
        "xl/workbook.xml": _BOOK % (since_1904, entries),
        "xl/_rels/workbook.xml.rels": _LINKS % "".join(links) + "</Relationships>",
    }.items():
        write_part(archive, name, xml.encode())
