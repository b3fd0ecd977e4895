"""Files made to exhaust memory or time are refused or read within 10 seconds and 500 MB.

Each is small on disk, is built here, and is read by the command line in a process of its own whose
memory and time are limited, so that a failure ends that process and not the machine.
"""

import bz2
import io
import lzma
import os
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest
from test_intake import SMALL

SECONDS, MEGABYTES = 10, 500
LARGEST_FILE = 20_000_000
ADDRESS_SPACE, CPU = 1_500_000_000, 11

MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = b"http://schemas.openxmlformats.org/package/2006/relationships"
SHEET, STYLES, TEXTS = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml"
BOOK, LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
SHEET_LINKS = "xl/worksheets/_rels/sheet1.xml.rels"
NOTES, THREADS = "xl/comments1.xml", "xl/threadedComments/threadedComment1.xml"
HEAD = b'<worksheet xmlns="%s">' % MAIN
ROWS = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>单位</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>得分</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>甲市</t></is></c><c r="B2" s="1"><v>90</v></c></row>'
    '<row r="3"><c r="A3" t="inlineStr"><is><t>乙市</t></is></c><c r="B3"><v>80</v></c></row>'
).encode()


class Packed(NamedTuple):
    """A part of a zip as it is stored."""

    data: bytes
    size: int
    crc: int
    method: int = zipfile.ZIP_DEFLATED


Parts: TypeAlias = Mapping[str, bytes | Packed]


def repeated(before: bytes, piece: bytes, times: int, after: bytes) -> Packed:
    """Deflated bytes in which a piece of about a megabyte stands many times, compressed once."""
    crc = zlib.crc32(before)
    for each in repeat(piece, times):
        crc = zlib.crc32(each, crc)
    data = _deflated(before) + _deflated(piece) * times + _deflated(after, zlib.Z_FINISH)
    size = len(before) + len(piece) * times + len(after)
    return Packed(data, size, zlib.crc32(after, crc))


def many(before: bytes, piece: bytes, size: int, after: bytes) -> Packed:
    """Deflated bytes of about a size, filled with a short piece."""
    block = piece * max(1_000_000 // len(piece), 1)
    return repeated(before, block, max(size // len(block), 1), after)


def _deflated(data: bytes, end: int = zlib.Z_FULL_FLUSH) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush(end)


def pack(path: Path, parts: Iterable[tuple[str, bytes | Packed]]) -> None:
    """Write a zip."""
    body, directory, count = io.BytesIO(), io.BytesIO(), 0
    for name, part in parts:
        if isinstance(part, bytes):
            part = Packed(_deflated(part, zlib.Z_FINISH), len(part), zlib.crc32(part))
        start, written = body.tell(), name.encode()
        common = struct.pack(
            "<HHHHHIIIHH",
            *(20, 0x800, part.method, 0, 33, part.crc),
            *(len(part.data), part.size, len(written), 0),
        )
        body.write(b"PK\x03\x04" + common + written + part.data)
        more = struct.pack("<HHHII", 0, 0, 0, 0, start)
        directory.write(b"PK\x01\x02" + struct.pack("<H", 20) + common + more + written)
        count += 1
    at, size = body.tell(), directory.tell()
    ends = struct.pack("<HHHHIIH", 0, 0, count & 0xFFFF, count & 0xFFFF, size, at, 0)
    path.write_bytes(body.getvalue() + directory.getvalue() + b"PK\x05\x06" + ends)


def links(*targets: tuple[str, str]) -> bytes:
    """A part of relationships: each a type and a target."""
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS.decode()}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return b'<Relationships xmlns="%s">%s</Relationships>' % (PACKAGE, items.encode())


def xlsx(path: Path, changed: Parts) -> None:
    """A right ballot in which parts are changed or added."""
    pack(path, {**right(), **changed}.items())


def strict(part: bytes) -> bytes:
    """A part in the namespaces of ISO/IEC 29500 Strict."""
    strict = b"http://purl.oclc.org/ooxml/"
    part = part.replace(MAIN, strict + b"spreadsheetml/main")
    return part.replace(RELATIONS, strict + b"officeDocument/relationships")


def right() -> dict[str, bytes]:
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml."
    return {
        "[Content_Types].xml": (
            b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            b'<Default Extension="rels" '
            b'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            b'<Override PartName="/xl/workbook.xml" ContentType="%ssheet.main+xml"/>'
            b'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="%sworksheet+xml"/>'
            b"</Types>" % (kind, kind)
        ),
        "_rels/.rels": links(("officeDocument", "xl/workbook.xml")),
        BOOK: b'<workbook xmlns="%s" xmlns:r="%s"><sheets>'
        b'<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>' % (MAIN, RELATIONS),
        LINKS: links(
            ("worksheet", "worksheets/sheet1.xml"),
            ("styles", "styles.xml"),
            ("sharedStrings", "sharedStrings.xml"),
        ),
        STYLES: styles(),
        TEXTS: b'<sst xmlns="%s"/>' % MAIN,
        SHEET: HEAD + b"<sheetData>" + ROWS + b"</sheetData></worksheet>",
    }


def styles(formats: bytes = b"", xfs: bytes = b"<xf/><xf/>", fonts: bytes = b"<font/>") -> bytes:
    return (
        b'<styleSheet xmlns="%s"><numFmts>%s</numFmts><fonts>%s</fonts><fills><fill/></fills>'
        b"<cellXfs>%s</cellXfs></styleSheet>" % (MAIN, formats, fonts, xfs)
    )


def sheet(within: bytes = b"", behind: bytes = b"", rows: bytes = ROWS) -> bytes:
    """A ballot's sheet with more rows, and more behind them."""
    return HEAD + b"<sheetData>" + rows + within + b"</sheetData>" + behind + b"</worksheet>"


Bomb: TypeAlias = Callable[[Path], None]
BOMBS: dict[str, tuple[str, Bomb]] = {}


def bomb(title: str, ending: str = "xlsx") -> Callable[[Bomb], Bomb]:
    def keep(build: Bomb) -> Bomb:
        BOMBS[title] = ending, build
        return build

    return keep


def changed(title: str, make: Callable[[], Parts]) -> None:
    """An .xlsx with changed parts."""
    bomb(title)(lambda path: xlsx(path, make()))


# --- Archives ---------------------------------------------------------------------------------

changed("three thousand megabytes of zeros", lambda: {TEXTS: many(b"", b"\0", 3_000_000_000, b"")})
changed("a sheet of spaces", lambda: {SHEET: many(HEAD, b" ", 99_000_000, b"</worksheet>")})
changed("texts of spaces", lambda: {TEXTS: many(b"<sst>", b" ", 99_000_000, b"</sst>")})


@bomb("a directory that lies about sizes")
def _(path: Path) -> None:
    whole = many(HEAD, b" ", 900_000_000, b"</worksheet>")
    xlsx(path, {SHEET: whole._replace(size=1000)})


@bomb("two parts of one name")
def _(path: Path) -> None:
    xlsx(path, {})
    with zipfile.ZipFile(path) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    pack(path, [*parts, (SHEET, many(HEAD, b"<row/>", 90_000_000, b"</worksheet>"))])


@bomb("a part in bzip2")
def _(path: Path) -> None:
    data = bytes(1_000_000)
    xlsx(path, {TEXTS: Packed(bz2.compress(data) * 900, 900_000_000, 0, zipfile.ZIP_BZIP2)})


@bomb("a part in LZMA")
def _(path: Path) -> None:
    data = lzma.compress(bytes(1_000_000), lzma.FORMAT_ALONE)
    xlsx(path, {TEXTS: Packed(b"\x09\x04\x05\0" + data, 1_000_000, 0, zipfile.ZIP_LZMA)})


@bomb("a workbook in a workbook in a workbook")
def _(path: Path) -> None:
    inner = many(b"", b"\0", 90_000_000, b"")
    for _time in range(3):
        xlsx(path, {"xl/embeddings/book.xlsx": inner})
        inner = Packed(path.read_bytes(), path.stat().st_size, 0, zipfile.ZIP_STORED)
        inner = inner._replace(crc=zlib.crc32(inner.data))
    xlsx(path, {"xl/embeddings/book.xlsx": inner})


@bomb("sixty thousand parts")
def _(path: Path) -> None:
    xlsx(path, {f"xl/media/{number}": b"" for number in range(60_000)})


@bomb("parts that overlap")
def _(path: Path) -> None:
    xlsx(path, {SHEET: many(HEAD, b" ", 90_000_000, b"</worksheet>")})
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo(SHEET).header_offset
    content = bytearray(path.read_bytes())
    place = content.find(b"PK\x01\x02")
    while place >= 0:
        content[place + 42 : place + 46] = struct.pack("<I", at)
        place = content.find(b"PK\x01\x02", place + 1)
    path.write_bytes(content)


changed(
    "ten thousand sheets that are one part",
    lambda: {
        BOOK: b'<workbook xmlns="%s" xmlns:r="%s"><sheets>%s</sheets></workbook>'
        % (
            MAIN,
            RELATIONS,
            b"".join(
                b'<sheet name="S%d" sheetId="%d" r:id="rId1"/>' % (n, n) for n in range(10000)
            ),
        ),
        SHEET: many(
            HEAD + b"<sheetData>" + ROWS, b"<row/>", 20_000_000, b"</sheetData></worksheet>"
        ),
    },
)
changed(
    "five thousand links to one part of notes",
    lambda: {
        SHEET_LINKS: links(*repeat(("comments", "../comments1.xml"), 5000)),
        NOTES: many(
            b'<comments xmlns="%s"><commentList>' % MAIN,
            b'<comment ref="B2"><text><t>x</t></text></comment>',
            10_000_000,
            b"</commentList></comments>",
        ),
    },
)

# --- XML --------------------------------------------------------------------------------------

ROOTS = {
    BOOK: b"workbook",
    LINKS: b"Relationships",
    STYLES: b"styleSheet",
    TEXTS: b"sst",
    SHEET: b"worksheet",
    NOTES: b"comments",
    THREADS: b"ThreadedComments",
    SHEET_LINKS: b"Relationships",
}
NOTED = {SHEET_LINKS: links(("comments", "../comments1.xml"), ("threadedComment", f"/{THREADS}"))}
STRUCK = b"<si><r><rPr><strike/></rPr><t>x</t></r></si>"


def _laughing() -> bytes:
    lines = [b'<!ENTITY l0 "ha">']
    lines += [b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10)]
    return b"<!DOCTYPE x [" + b"".join(lines) + b"]>"


DOCTYPES = {
    "entities that unfold": (_laughing(), b"&l9;"),
    "one long entity used often": (
        b'<!DOCTYPE x [<!ENTITY l9 "' + b"x" * 100_000 + b'">]>',
        b"&l9;" * 20_000,
    ),
    "an external entity": (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///dev/zero">]>', b"&e;"),
    "a parameter entity": (
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///dev/zero"> %p; %p;]>',
        b"",
    ),
    "an external DTD": (b'<!DOCTYPE x SYSTEM "file:///dev/zero">', b""),
}


def _doctyped(part: str, doctype: bytes, text: bytes) -> Parts:
    inner = b"strike" + text
    if part == SHEET:
        rows = ROWS.replace("甲市".encode(), b"%s" % text)
        root = b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (MAIN, rows)
    else:
        root = b'<%s xmlns="%s">%s</%s>' % (ROOTS[part], MAIN, inner, ROOTS[part])
    return {**(NOTED if part in (NOTES, THREADS) else {}), part: doctype + root}


for _part in ROOTS:
    for _title, (_doctype, _text) in DOCTYPES.items():
        if _title == "entities that unfold" or _part in (TEXTS, SHEET):
            changed(
                f"{_title} in {_part}",
                partial(_doctyped, _part, _doctype, _text),
            )


def _filled(part: str, filling: Callable[[bytes, bytes], bytes | Packed]) -> Parts:
    """A part whose root has other content."""
    root = ROOTS[part]
    begin = b'<%s xmlns="%s">strike' % (root, MAIN)
    return {**(NOTED if part in (NOTES, THREADS) else {}), part: filling(begin, b"</%s>" % root)}


def _deep(begin: bytes, end: bytes) -> bytes:
    return begin + b"<a>" * 300_000 + b"</a>" * 300_000 + end


def _wide(begin: bytes, end: bytes) -> Packed:
    return many(begin, b"<a/>", 95_000_000, end)


for _part in (BOOK, STYLES, TEXTS, SHEET, NOTES, SHEET_LINKS):
    changed(f"300,000 levels in {_part}", partial(_filled, _part, _deep))
    changed(f"95 MB of elements in {_part}", partial(_filled, _part, _wide))

changed(
    "notes in notes in notes",
    lambda: {
        **NOTED,
        NOTES: b'<comments xmlns="%s">' % MAIN
        + b'<comment ref="B2"><t>x</t>' * 20_000
        + b"</comment>" * 20_000
        + b"</comments>",
    },
)
changed(
    "100,000 notes",
    lambda: {
        **NOTED,
        NOTES: b'<comments xmlns="%s">' % MAIN
        + b"".join(
            b'<comment ref="B%d"><text><t>note</t></text></comment>' % row
            for row in range(1, 100_001)
        )
        + b"</comments>",
    },
)
changed(
    "100,000 shared texts that are struck out",
    lambda: {TEXTS: b'<sst xmlns="%s">%s</sst>' % (MAIN, STRUCK * 100_000)},
)

# --- Sheets -----------------------------------------------------------------------------------


def merged(count: int, reference: bytes) -> bytes:
    return b"<mergeCells>" + b'<mergeCell ref="%s"/>' % reference * count + b"</mergeCells>"


changed(
    "100,000 merged cells, each the whole sheet",
    lambda: {SHEET: sheet(behind=merged(100_000, b"A1:XFD1048576"))},
)
changed(
    "a merged cell of a thousand million rows",
    lambda: {SHEET: sheet(behind=merged(1, b"B2:B9999999999"))},
)
changed(
    "100,000 hidden column ranges, each of all columns",
    lambda: {
        SHEET: HEAD
        + b"<cols>"
        + b'<col min="1" max="16384" hidden="1"/>' * 100_000
        + b"</cols>"
        + sheet()[len(HEAD) :]
    },
)
changed(
    "a hidden column range from far below the first",
    lambda: {
        SHEET: HEAD
        + b'<cols><col hidden="1" min="1" max="99999999999"/></cols>'
        + sheet()[len(HEAD) :]
    },
)
changed(
    "a million hidden rows",
    lambda: {SHEET: sheet(b"".join(b'<row r="%d" hidden="1"/>' % n for n in range(4, 1_000_000)))},
)
changed(
    "one row that is hidden two million times",
    lambda: {
        SHEET: many(
            HEAD + b"<sheetData>" + ROWS,
            b'<row r="3" hidden="1"/>',
            46_000_000,
            b"</sheetData></worksheet>",
        )
    },
)
changed(
    "a stray cell in the last place",
    lambda: {SHEET: sheet(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')},
)
FAR = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
changed(
    "a stray cell in the last place between single quotes",
    lambda: {SHEET: sheet(FAR.replace(b'"', b"'"))},
)
changed(
    "a stray cell in the last place without an address",
    lambda: {SHEET: sheet(b'<row r="1048576">' + b"<c><v>1</v></c>" * 16_384 + b"</row>")},
)
changed(
    "a stray cell in the last place of a strict workbook",
    lambda: {name: strict(part) for name, part in {**right(), SHEET: sheet(FAR)}.items()},
)


@bomb("a stray cell in the last place of a part in capitals")
def _(path: Path) -> None:
    parts = {**right(), SHEET: sheet(FAR)}
    pack(path, [(name.replace("sheet1", "SHEET1"), part) for name, part in parts.items()])


changed(
    "a column far beyond the last",
    lambda: {SHEET: sheet(b'<row r="4"><c r="ZZZZZZ4"><v>1</v></c></row>')},
)
changed(
    "a row far beyond the last",
    lambda: {SHEET: sheet(b'<row r="4294967295"><c r="A4294967295"><v>1</v></c></row>')},
)
changed(
    "a dimension of the whole sheet",
    lambda: {SHEET: HEAD + b'<dimension ref="A1:XFD1048576"/>' + sheet()[len(HEAD) :]},
)
changed(
    "an empty cell in the last place with a style",
    lambda: {SHEET: sheet(b'<row r="1048576"><c r="XFD1048576" s="1"/></row>')},
)
changed(
    "a hundred thousand cells in one place",
    lambda: {SHEET: sheet(b'<row r="4"><c r="A4" t="e"><v>#N/A</v></c></row>' * 100_000)},
)

# --- Searches that could go back and forth ----------------------------------------------------

RUN = 5_000_000
for _title, _start in {
    "cells that never close": b"<c ",
    "cells with an address that never close": b'<c r="A1">',
    "values that never close": b"<v ",
    "rows that never close": b"<row ",
    "columns that never close": b"<col ",
    "merged cells that never close": b"<mergeCell ",
    "prefixes that never end": b"<a",
}.items():
    changed(
        _title,
        lambda start=_start: {  # type: ignore[misc]
            SHEET: sheet(
                b'<row r="4" hidden="1"><c r="A99999" t="e"><f>1</f>'
                + start * 200_000
                + b' hidden="1"'
            )
        },
    )
for _title, _start in {
    "a cell": b'<c r="A4" t="e" x="',
    "a cell without an address": b'<c t="e" x="',
    "a row": b'<row hidden="1" x="',
    "a column": b'<col hidden="1" x="',
    "a merged cell": b'<mergeCell x="',
}.items():
    changed(
        f"an attribute of five megabytes in {_title}",
        lambda start=_start: {  # type: ignore[misc]
            SHEET: sheet(
                b'<row r="4"><c r="A99999"><v>1</v></c></row>'
                + start
                + b'"100001" ' * (RUN // 9)
                + b'"/>'
            )
        },
    )
changed(
    "five megabytes of numbers in a value",
    lambda: {SHEET: sheet(b'<row r="4"><c r="B4" s="1"><v>' + b"9" * RUN + b"</v></c></row>")},
)
changed(
    "an address of five megabytes",
    lambda: {SHEET: sheet(b'<row r="4"><c r="' + b"A" * RUN + b'1" t="e"><v>1</v></c></row>')},
)

# --- Styles and number formats ----------------------------------------------------------------


def formatted(code: bytes, rows: bytes = b"") -> Parts:
    written = b'<numFmt numFmtId="164" formatCode="%s"/>' % code
    xfs = b'<xf/><xf numFmtId="164"/>'
    return {STYLES: styles(written, xfs), SHEET: sheet(rows)}


for _title, _code in {
    "zeros behind the point": b"0." + b"0" * 300_000,
    "zeros": b"0" * 300_000,
    "commas": b"0" + b"," * 300_000,
    "percent signs": b"0" + b"%" * 300_000,
    "a fraction's digits": b"# ?/" + b"?" * 300_000,
    "an exponent's digits": b"0.0E+" + b"0" * 300_000,
    "semicolons": b"0" + b";" * 300_000,
    "brackets": b"[" * 300_000 + b"0",
    "quotes": b"&quot;" * 300_000 + b"0",
    "text": b"&quot;" + b"x" * 300_000 + b"&quot;0",
    "conditions": b"[&gt;1]" * 50_000 + b"0",
    "a condition's digits": b"[&gt;1" + b"0" * 300_000 + b"]0",
}.items():
    changed(f"a number format of 300,000 characters: {_title}", lambda code=_code: formatted(code))  # type: ignore[misc]

changed(
    "a number format of twenty megabytes",
    lambda: formatted(b"x" * 20_000_000),
)
changed(
    "a number format of a megabyte on 3,000 numbers",
    lambda: formatted(
        b"&quot;" + b"x" * 1_000_000 + b"&quot;0.0",
        b"".join(
            b'<row r="%d"><c r="D%d" s="1"><v>%d.25</v></c></row>' % (row, row, row)
            for row in range(4, 3004)
        ),
    ),
)
changed(
    "a number format that looks like a fraction of 5,000 digits",
    lambda: formatted(b"&quot;" + b"9" * 5000 + b" 1/2 &quot;;;"),
)
changed(
    "a number format that looks like a number with a huge exponent",
    lambda: formatted(b"0&quot;E999999999&quot;"),
)
changed(
    "a number format that looks like a number with an impossible exponent",
    lambda: formatted(b"0&quot;E99999999999999999999&quot;"),
)
changed(
    "a stated total that looks like a number with a huge exponent",
    lambda: {
        STYLES: styles(
            b'<numFmt numFmtId="164" formatCode="0&quot;E999999999&quot;"/>',
            b'<xf/><xf/><xf numFmtId="164"/>',
        ),
        SHEET: sheet(
            '<row r="4"><c r="A4" t="inlineStr"><is><t>平均</t></is></c>'
            '<c r="B4" s="2"><v>5</v></c></row>'.encode()
        ),
    },
)
changed(
    "100,000 number formats",
    lambda: {
        STYLES: styles(
            b"".join(
                b'<numFmt numFmtId="%d" formatCode="0.0&quot;%d&quot;"/>' % (n, n)
                for n in range(164, 100_164)
            ),
            b"".join(b'<xf numFmtId="%d"/>' % n for n in range(164, 100_164)),
        ),
        SHEET: many(
            HEAD + b"<sheetData>" + ROWS, b'<row r="4"/>', 30_000_000, b"</sheetData></worksheet>"
        ),
    },
)

# --- Texts ------------------------------------------------------------------------------------


def written(text: str, *more: str) -> Parts:
    """A ballot under a title, in which a text also stands as a header, a name and a score."""
    texts = [text, *more]
    cells = "".join(
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>{one}</t></is></c></row>'
        for row, one in enumerate(texts, 1)
    )
    head = (
        f'<row r="9"><c r="A9" t="inlineStr"><is><t>单位</t></is></c>'
        f'<c r="B9" t="inlineStr"><is><t>得分</t></is></c>'
        f'<c r="C9" t="inlineStr"><is><t>{text}</t></is></c></row>'
        f'<row r="10"><c r="A10" t="inlineStr"><is><t>甲市</t></is></c>'
        f'<c r="B10" t="inlineStr"><is><t>{text}</t></is></c>'
        f'<c r="C10" t="inlineStr"><is><t>{text}</t></is></c></row>'
        f'<row r="11"><c r="A11" t="inlineStr"><is><t>{text}</t></is></c>'
        f'<c r="B11"><v>5</v></c></row>'
    )
    return {SHEET: sheet(rows=(cells + head).encode())}


for _title, _unit in {
    "brackets": "(",
    "marks": "(5分",
    "digits": "1",
    "thousands": "1,000,",
    "date labels": "填表日期 ",
    "form labels": "表号:[",
    "numerals": "一百",
    "invisible marks": "\u200b",
    "signs that fold into eighteen": "\ufdfa",
    "combining marks": "\u0301\u0316",
    "colons": "单位:",
    "percent escapes": "表号:[%41",
}.items():
    changed(
        f"a megabyte of {_title} as a text",
        lambda unit=_unit: written(unit * (1_000_000 // len(unit.encode()))),  # type: ignore[misc]
    )

changed(
    "a text of 60 MB that folds into 18 times as much",
    lambda: {
        TEXTS: many(
            b'<sst xmlns="%s"><si><t>' % MAIN, "\ufdfa".encode(), 60_000_000, b"</t></si></sst>"
        ),
        SHEET: sheet(
            rows=ROWS.replace(b'r="A1" t="inlineStr"><is><t>', b'r="A1" t="s"><v>0</v><is><t>')
        ),
    },
)

# --- OpenDocument -----------------------------------------------------------------------------

SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{value}:1.0"'
    for name, value in {
        "office": "office",
        "table": "table",
        "text": "text",
        "style": "style",
    }.items()
)
DOCUMENT = f"<office:document-content {SPACES}>".encode()
TABLE = b'<office:body><office:spreadsheet><table:table table:name="S">'
CLOSED = b"</table:table></office:spreadsheet></office:body></office:document-content>"


def ods_row(*cells: str, attributes: str = "") -> bytes:
    texts = "".join(
        f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
        if cell.isdecimal()
        else f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p>'
        "</table:table-cell>"
        for cell in cells
    )
    return f"<table:table-row {attributes}>{texts}</table:table-row>".encode()


ODS_ROWS = ods_row("单位", "得分") + ods_row("甲市", "90") + ods_row("乙市", "80")


def ods(path: Path, content: bytes | Packed) -> None:
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        b'<manifest:file-entry manifest:full-path="/" manifest:media-type="%s"/>'
        b"</manifest:manifest>" % kind
    )
    stored = Packed(kind, len(kind), zlib.crc32(kind), zipfile.ZIP_STORED)
    pack(
        path,
        [("mimetype", stored), ("META-INF/manifest.xml", manifest), ("content.xml", content)],
    )


def opened(title: str, make: Callable[[], bytes | Packed]) -> None:
    """An .ods with the given content."""
    bomb(title, "ods")(lambda path: ods(path, make()))


def ods_sheet(more: bytes = b"", before: bytes = b"") -> bytes:
    return DOCUMENT + TABLE + before + ODS_ROWS + more + CLOSED


for _title, (_doctype, _text) in DOCTYPES.items():
    opened(
        f"{_title} in content.xml",
        lambda doctype=_doctype, text=_text: (
            doctype  # type: ignore[misc]
            + ods_sheet().replace("乙市".encode(), text)
        ),
    )
opened("300,000 levels in content.xml", lambda: ods_sheet(b"<a>" * 300_000 + b"</a>" * 300_000))
opened(
    "95 MB of elements in content.xml",
    lambda: many(DOCUMENT, b"<a/>", 95_000_000, TABLE + ODS_ROWS + CLOSED),
)
opened(
    "95 MB of elements in one row",
    lambda: many(
        DOCUMENT + TABLE + ODS_ROWS + b"<table:table-row>",
        b"<table:table-cell/>",
        95_000_000,
        b"</table:table-row>" + CLOSED,
    ),
)
opened(
    "a cell that spans a thousand million rows",
    lambda: ods_sheet().replace(
        b'<table:table-cell office:value-type="float"',
        b'<table:table-cell table:number-rows-spanned="999999999" office:value-type="float"',
    ),
)
opened(
    "hidden columns that repeat",
    lambda: ods_sheet(
        before=b'<table:table-column table:visibility="collapse" '
        b'table:number-columns-repeated="1000"/>' * 100_000
    ),
)
opened(
    "hidden rows that repeat",
    lambda: ods_sheet(
        b'<table:table-row table:visibility="collapse" table:number-rows-repeated="1000"/>'
        * 100_000
    ),
)
opened(
    "faults that repeat along rows and columns",
    lambda: ods_sheet(
        b'<table:table-row table:number-rows-repeated="1000">'
        b'<table:table-cell table:number-columns-repeated="1000" table:formula="of:=1"/>'
        b"</table:table-row>" * 100
    ),
)
opened(
    "numbers that repeat along rows and columns",
    lambda: ods_sheet(
        b'<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        b'table:number-columns-repeated="16000" office:value-type="float" office:value="1"/>'
        b"</table:table-row>"
    ),
)
opened(
    "repeats without end",
    lambda: ods_sheet(
        b'<table:table-row table:number-rows-repeated="99999999999999999999">'
        b'<table:table-cell table:number-columns-repeated="99999999999999999999" '
        b'office:value-type="float" office:value="1"/></table:table-row>'
    ),
)
opened(
    "50,000 column styles over 50,000 cells",
    lambda: ods_sheet(
        b'<table:table-row><table:table-cell office:value-type="float" office:value="1"/>'
        b"%s</table:table-row>"
        % (b'<table:table-cell office:value-type="float" office:value="1"/>' * 50_000),
        b'<table:table-column table:default-cell-style-name="a"/>' * 50_000,
    ),
)
opened(
    "tables in tables in tables",
    lambda: ods_sheet(
        b"<table:table-row><table:table-cell><table:table>" * 20_000
        + b"</table:table></table:table-cell></table:table-row>" * 20_000
    ),
)
opened(
    "rows in rows in rows",
    lambda: ods_sheet(b"<table:table-row>" * 100_000 + b"</table:table-row>" * 100_000),
)

# --- .xls -------------------------------------------------------------------------------------


def biff(kind: int, data: bytes = b"", size: int | None = None) -> bytes:
    return struct.pack("<HH", kind, len(data) if size is None else size) + data


def short_text(words: str) -> bytes:
    return struct.pack("<HB", len(words), 1) + words.encode("utf-16-le")


XLS_FONT = biff(0x31, struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + b"\1\0A")
XLS_STYLE = biff(0xE0, bytes(20))
XLS_ROWS = b"".join(
    biff(0x204, struct.pack("<HHH", row, column, 0) + short_text(words))
    for row, column, words in [(0, 0, "单位"), (0, 1, "得分"), (1, 0, "甲市"), (2, 0, "乙市")]
) + b"".join(
    biff(0x203, struct.pack("<HHHd", row, 1, 0, score)) for row, score in [(1, 90.0), (2, 80.0)]
)
XLS_BEGIN = struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)


def xls(
    path: Path, inside: bytes = b"", globally: bytes = b"", sheets: int = 1, rows: bytes = XLS_ROWS
) -> None:
    """A right ballot with more records in its sheet or its globals."""
    head = biff(0x809, XLS_BEGIN) + XLS_FONT * 5 + XLS_STYLE * 21
    names = [f"S{number}" for number in range(sheets)]
    size = sum(len(biff(0x85, bytes(8 + len(name)))) for name in names)
    start = len(head) + size + len(globally) + 4
    bounds = b"".join(
        biff(0x85, struct.pack("<IBBBB", start, 0, 0, len(name), 0) + name.encode())
        for name in names
    )
    sheet_begin = biff(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    body = sheet_begin + rows + inside + biff(0x0A)
    path.write_bytes(ole(head + bounds + globally + biff(0x0A) + body))


def ole(stream: bytes) -> bytes:
    """A compound file with one stream named Workbook."""
    stream = stream.ljust(4096, b"\0")
    count = -(-len(stream) // 512)
    tables = 1
    while tables * 128 < count + 1 + tables:
        tables += 1
    assert tables <= 109
    chain = [0xFFFFFFFD] * tables + [0xFFFFFFFE]
    first = tables + 1
    chain += [*range(first + 1, first + count), 0xFFFFFFFE]
    chain += [0xFFFFFFFF] * (tables * 128 - len(chain))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHHHIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, tables, tables)
    header += struct.pack("<IIIIII", 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", *range(tables), *[0xFFFFFFFF] * (109 - tables))

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        words = (name + "\0").encode("utf-16-le")
        head = words.ljust(64, b"\0") + struct.pack("<HBB", len(words), kind, 1)
        head += struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child) + bytes(36)
        return head + struct.pack("<III", start, size, 0)

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(
        "Workbook", 2, 0xFFFFFFFF, first, len(stream)
    )
    table = struct.pack(f"<{len(chain)}I", *chain)
    return header + table + folder.ljust(512, b"\0") + stream.ljust(count * 512, b"\0")


def old(title: str, build: Callable[[Path], None]) -> None:
    bomb(title, "xls")(build)


LINK_KIND = bytes.fromhex("D0C9EA79F9BACE118C8200AA004BA90B") + b"\2\0\0\0"
old(
    "links over all cells of an old sheet",
    lambda path: xls(
        path,
        biff(0x1B8, struct.pack("<HHHH", 0, 65535, 0, 255) + LINK_KIND + struct.pack("<I", 0)),
    ),
)
old(
    "2,000 old sheets that are one",
    lambda path: xls(path, biff(0x201, bytes(6)) * 20_000, sheets=2000),
)


@bomb("three million blank cells of an old sheet", "xls")
def _(path: Path) -> None:
    blanks = b"".join(
        biff(0xBE, struct.pack("<HH", row, 0) + bytes(512) + struct.pack("<H", 255))
        for row in range(4, 12_000)
    )
    xls(path, blanks)


@bomb("old names that double", "xls")
def _(path: Path) -> None:
    first = b"\x17\x08\0" + b"x" * 8
    names = [
        first,
        *(
            b"\x23" + struct.pack("<HH", n, 0) + b"\x23" + struct.pack("<HH", n, 0) + b"\x08"
            for n in range(1, 40)
        ),
    ]
    xls(
        path,
        globally=b"".join(
            biff(
                0x18,
                struct.pack("<HBBHHHBBBB", 0, 0, 1, len(code), 0, 0, 0, 0, 0, 0) + b"\0A" + code,
            )
            for code in names
        ),
    )


old(
    "a count of old texts that is absurd",
    lambda path: xls(
        path, globally=biff(0xFC, struct.pack("<II", 0xFFFFFFFF, 0x7FFFFFFF) + b"\1\0\0x")
    ),
)
old(
    "an old record that says it is huge",
    lambda path: xls(path, biff(0x204, struct.pack("<HHH", 4, 0, 0), 65535)),
)
old(
    "an old cell in the last place",
    lambda path: xls(path, biff(0x203, struct.pack("<HHHd", 65535, 255, 0, 1.0))),
)
old(
    "old merged cells, each the whole sheet",
    lambda path: xls(
        path,
        biff(0xE5, struct.pack("<H", 1000) + struct.pack("<HHHH", 0, 65535, 0, 255) * 1000) * 100,
    ),
)
old("old sheets that hold themselves", lambda path: xls(path, biff(0x809, XLS_BEGIN) * 50_000))


@bomb("a chain of sectors that never ends", "xls")
def _(path: Path) -> None:
    xls(path)
    content = bytearray(path.read_bytes())
    content[512 + 4 * 4 : 512 + 4 * 5] = struct.pack("<I", 2)
    path.write_bytes(content)


@bomb("a chain of sector tables that never ends", "xls")
def _(path: Path) -> None:
    xls(path)
    content = bytearray(path.read_bytes())
    content[68:76] = struct.pack("<II", 0, 0x7FFFFFFF)
    path.write_bytes(content)


@bomb("a count of sector tables that is absurd", "xls")
def _(path: Path) -> None:
    xls(path)
    content = bytearray(path.read_bytes())
    content[44:48] = struct.pack("<I", 0x7FFFFFFF)
    path.write_bytes(content)


# --- Text -------------------------------------------------------------------------------------


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def plain(title: str, make: Callable[[], bytes]) -> None:
    bomb(title, "csv")(lambda path: _write(path, make()))


TITLES = "单位,得分\n甲市,90\n乙市,80\n".encode()
plain("one field of 19 MB", lambda: TITLES + b"x" * 19_000_000)
plain("one quoted field of 19 MB", lambda: TITLES + b'"' + b"\n" * 19_000_000)
plain("five million short rows", lambda: TITLES + b"a,1\n" * 4_900_000)
plain("19 million empty rows", lambda: TITLES + b"\n" * 19_000_000)
plain("19 million empty rows of an old system", lambda: TITLES + b"\r" * 19_000_000)
plain("19 million delimiters", lambda: TITLES + b"," * 19_000_000)
plain("other delimiters", lambda: TITLES + b"a;" * 9_000_000)
plain("zero bytes", lambda: TITLES + bytes(19_000_000))
plain(
    "half of a pair in UTF-16",
    lambda: b"\xff\xfe" + "单位,得分\n甲市,".encode("utf-16-le") + b"\0\xd8",
)
plain("a number of 19 million digits", lambda: b"a,b\n" + TITLES + b"9" * 100_000 + b"\n")
plain("two million numbers", lambda: TITLES + b"1,2\n" * 990_000)
plain("signs that fold into eighteen", lambda: TITLES + "\ufdfa".encode() * 6_000_000)
plain(
    "many signs that fold into eighteen",
    lambda: TITLES + ("\ufdfa".encode() * 30_000 + b",1\n") * 200,
)


@pytest.mark.parametrize("title", BOMBS)
def test_a_bomb_is_refused_or_read_within_ten_seconds_and_500_megabytes(
    tmp_path: Path, title: str
) -> None:
    ending, build = BOMBS[title]
    path = tmp_path / "vote" / f"甲市.{ending}"
    path.parent.mkdir()
    build(path)
    assert path.stat().st_size <= LARGEST_FILE
    status, used, printed = validated(path)
    assert "Traceback" not in printed, printed[-2000:]
    assert "panicked at" not in printed, printed[-2000:]
    assert status in (0, 1), printed[-2000:]
    assert used.ru_maxrss / 1024 < MEGABYTES
    assert used.ru_utime + used.ru_stime < SECONDS


def validated(path: Path, *options: str) -> tuple[int, resource.struct_rusage, str]:
    """The exit code of ``appraise validate``, what it used, and what it printed."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))

    command = [sys.executable, "-m", "wuhu_appraisal", "--lang", "en", "validate", str(path)]
    said = path.parent.parent / "said"
    with said.open("wb") as stream:
        child = subprocess.Popen(
            [*command, "--scheme", str(SMALL), *options],
            stdout=stream,
            stderr=subprocess.STDOUT,
            preexec_fn=limit,
        )
        _pid, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, used, said.read_text(encoding="utf-8", errors="replace")


OVER = ROWS.replace(b"<v>90</v>", b"<v>900</v>")
SLIPS: dict[str, Callable[[], Parts]] = {
    "elements in a part that nothing else reads": lambda: {
        SHEET: sheet(rows=OVER),
        "docProps/custom.xml": many(b"<a>", b"<b/>", 48_000_000, b"</a>"),
    },
    "empty rows": lambda: {
        SHEET: many(
            HEAD + b"<sheetData>" + OVER, b'<row r="4"/>', 48_000_000, b"</sheetData></worksheet>"
        )
    },
    "900,000 cells": lambda: {
        SHEET: sheet(
            b"".join(
                b'<row r="%d">%s</row>' % (row, b"<c><v>5</v></c>" * 90) for row in range(4, 10_004)
            ),
            rows=OVER,
        )
    },
}


@pytest.mark.parametrize("title", SLIPS)
def test_a_slip_of_a_bomb_costs_no_more(tmp_path: Path, title: str) -> None:
    path = tmp_path / "vote" / "甲市.xlsx"
    path.parent.mkdir()
    xlsx(path, SLIPS[title]())
    status, used, printed = validated(path, "--slips", str(tmp_path / "slips"))
    assert status == 1, printed[-2000:]
    assert "Traceback" not in printed, printed[-2000:]
    assert used.ru_maxrss / 1024 < MEGABYTES
    assert used.ru_utime + used.ru_stime < SECONDS
