"""Workbooks built byte by byte: zips, and the parts of .xlsx, .ods and .xls."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from itertools import repeat
from pathlib import Path
from typing import NamedTuple, TypeAlias

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
