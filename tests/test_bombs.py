"""Files made to exhaust memory or time are refused or read within 10 seconds and 500 MB.

Each is small on disk, is built here, and is read by the command line in a process of its own whose
memory and time are limited, so that a failure ends that process and not the machine.
"""

import bz2
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from itertools import repeat
from pathlib import Path

import pytest
from helpers import slow_but
from helpers.bombs import Bombs, assert_harmless, validated
from helpers.packages import (
    BOOK,
    DOCTYPES,
    HEAD,
    MAIN,
    NOTED,
    NOTES,
    RELATIONS,
    ROOTS,
    ROWS,
    SHEET,
    SHEET_LINKS,
    STYLES,
    TEXTS,
    THREADS,
    Packed,
    Parts,
    links,
    many,
    pack,
    right,
    sheet,
    strict,
    styles,
    xlsx,
)

BOMBS = Bombs()
bomb, changed = BOMBS.bomb, BOMBS.changed

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
STRUCK = b"<si><r><rPr><strike/></rPr><t>x</t></r></si>"


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

changed(
    "four million empty cells with addresses",
    lambda: {
        SHEET: many(
            HEAD + b"<sheetData>" + ROWS + b'<row r="4">',
            b'<c r="A4" s="1"/>',
            68_000_000,
            b"</row></sheetData></worksheet>",
        )
    },
)
changed(
    "two million cells of which each is the only one of its row",
    lambda: {
        SHEET: sheet(
            b"".join(
                b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(4, 900_000)
            )
        )
    },
)
changed(
    "100,000 array formulas, each over the whole sheet",
    lambda: {
        SHEET: sheet(
            b"".join(
                b'<row r="%d"><c r="A%d"><f t="array" ref="A1:XFD1048576">1</f><v>0</v></c></row>'
                % (n, n)
                for n in range(4, 100_004)
            )
        )
    },
)
changed(
    "900 array formulas over 500,000 cells",
    lambda: {
        SHEET: sheet(
            b"".join(
                b'<row r="%d"><c r="A%d">%s<v>7</v></c></row>'
                % (n, n, b'<f t="array" ref="B1:C%d">1</f>' % n if n < 904 else b"")
                for n in range(4, 500_004)
            )
        )
    },
)
changed(
    "a sheet of spaces in UTF-16",
    lambda: {SHEET: many(HEAD.decode().encode("utf-16"), b" \0", 99_000_000, b"")},
)
changed(
    "a sheet in an encoding that takes long to read",
    lambda: {
        SHEET: b'<?xml version="1.0" encoding="punycode"?>'
        + b"a" * 5_000_000
        + b"-"
        + b"a" * 5_000_000
    },
)
changed(
    "a sheet of one table in a table in a table",
    lambda: {SHEET: sheet(b'<row r="4">' + b"<sheetData>" * 200_000 + b"</row>")},
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
    "cells": b'<c r="A1">',
    "rows": b"<row ",
    "values": b"<v ",
}.items():
    changed(
        f"{_title} that never close, among signs that could close them",
        lambda start=_start: {  # type: ignore[misc]
            SHEET: sheet(
                b'<row r="4" hidden="1"><c r="A99999" t="e"><f>1</f><v>1</v></c></row>'
                + b"<c/>&gt;>/>" * 200_000
                + start * 200_000
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


QUICK = (
    "three thousand megabytes of zeros",
    "entities that unfold in xl/sharedStrings.xml",
    "100,000 number formats",
)


@pytest.mark.parametrize("title", slow_but(BOMBS, *QUICK))
def test_a_bomb_is_refused_or_read_within_ten_seconds_and_500_megabytes(
    tmp_path: Path, title: str
) -> None:
    assert_harmless(tmp_path, *BOMBS[title])


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


@pytest.mark.slow
@pytest.mark.parametrize("title", SLIPS)
def test_a_slip_of_a_bomb_costs_no_more(tmp_path: Path, title: str) -> None:
    path = tmp_path / "vote" / "甲市.xlsx"
    path.parent.mkdir()
    xlsx(path, SLIPS[title]())
    status, printed = validated(path, "--slips", str(tmp_path / "slips"))
    assert status == 1, printed
