"""Files made to exhaust memory or time, as .ods, .xls and text."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import slow_but
from helpers.bombs import Bombs, assert_harmless
from helpers.packages import (
    CLOSED,
    DOCTYPES,
    DOCUMENT,
    ODS_ROWS,
    TABLE,
    XLS_BEGIN,
    Packed,
    biff,
    many,
    ods,
    xls,
)

BOMBS = Bombs()
bomb = BOMBS.bomb


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


QUICK = (
    "entities that unfold in content.xml",
    "2,000 old sheets that are one",
    "one quoted field of 19 MB",
)


@pytest.mark.parametrize("title", slow_but(BOMBS, *QUICK))
def test_a_bomb_in_another_format_is_refused_or_read_within_ten_seconds_and_500_megabytes(
    tmp_path: Path, title: str
) -> None:
    assert_harmless(tmp_path, *BOMBS[title])
