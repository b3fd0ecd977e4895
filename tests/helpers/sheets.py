"""Builds what tests/bad_sheets says: a right input, and what each fixture changes in it.

The workbooks are written by other programs' libraries. What YAML cannot say, such as a damaged
file, is a small function here under a name.
"""

import errno
import fcntl
import io
import os
import shlex
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeAlias
from unittest import mock

import openpyxl
import xlsxwriter
import yaml
from click.testing import CliRunner
from msoffcrypto.format.ooxml import OOXMLFile
from openpyxl.utils import coordinate_to_tuple

from helpers import TESTS
from wuhu_appraisal import language as i18n
from wuhu_appraisal import load_scheme
from wuhu_appraisal.appraisal import ReadOptions, read_with_decisions, run_of
from wuhu_appraisal.cli import main
from wuhu_appraisal.findings import Finding, Source, codes, finding
from wuhu_appraisal.output import text as terminal

FOLDER = TESTS / "bad_sheets"
SHEET = "评分表"
PASSWORD = "考评2020"

Rows: TypeAlias = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Book:
    """A workbook with one sheet, and ``others`` by their names; every part is a change."""

    rows: Rows | None = None
    cells: Mapping[str, Any] = field(default_factory=dict)
    merged: Sequence[str] = ()
    hidden_rows: Sequence[int] = ()
    hidden_columns: Sequence[str] = ()
    filter: str = ""
    seen: str = "visible"
    others: Mapping[str, Rows] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """A cell that is more than its value: ``look`` is a format of XlsxWriter."""

    value: Any = None
    formula: str = ""
    look: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fixture:
    """What is changed in the right input, and where the finding of the file's name then stands."""

    situation: str
    at: str = ""
    scheme: Mapping[str, Any] = field(default_factory=dict)
    books: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[str] = ()
    paths: Sequence[str] = ("in",)
    password: str | None = None
    steps: Sequence[str | Mapping[str, str]] = ()
    also: Sequence[str] = ()


def load(path: Path) -> Fixture:
    """A fixture; the comment in its first line is its situation."""
    text = path.read_text(encoding="utf-8")
    return Fixture(text.partition("\n")[0].removeprefix("# "), **(yaml.safe_load(text) or {}))


def fixtures() -> dict[str, Fixture]:
    """Every fixture by its code."""
    return {path.stem: load(path) for path in sorted(FOLDER.glob("[a-z]*.yaml"))}


RIGHT = load(FOLDER / "_right.yaml")


def findings(fixture: Fixture, folder: Path) -> list[Finding]:
    """Build a fixture in an empty folder and find what is wrong with it."""
    with chdir(folder):
        write_scheme(fixture, Path("scheme.yaml"))
        write_input(fixture, Path("in"))
        if fixture.steps:
            return _commanded(fixture.steps)
        loaded = load_scheme("scheme.yaml")
        read_options = ReadOptions(password=fixture.password)
        read = read_with_decisions(loaded, fixture.paths, read_options)
        return list(run_of(loaded, *read).findings)


def write_scheme(fixture: Fixture, path: Path) -> None:
    scheme = deepcopy(_small_scheme())
    for keys, value in {**RIGHT.scheme, **fixture.scheme}.items():
        _put(scheme, keys.split("."), value)
    path.write_text(yaml.safe_dump(scheme, allow_unicode=True, sort_keys=False), encoding="utf-8")


@cache
def _small_scheme() -> Any:
    return yaml.safe_load((TESTS / "small_scheme.yaml").read_text(encoding="utf-8"))


def _put(data: Any, keys: Sequence[str], value: Any) -> None:
    """Set what the keys lead to. In a list a key is an entry's id or its number, from 0."""
    for key in keys[:-1]:
        data = data[_place(data, key)] if isinstance(data, list) else data.setdefault(key, {})
    if isinstance(data, list) and _place(data, keys[-1]) == len(data):
        data.append(None)
    data[_place(data, keys[-1]) if isinstance(data, list) else keys[-1]] = deepcopy(value)


def _place(entries: Sequence[Any], key: str) -> int:
    if key.isdecimal():
        return int(key)
    return next(place for place, entry in enumerate(entries) if entry["id"] == key)


def write_input(fixture: Fixture, folder: Path) -> None:
    books = {**RIGHT.books, **fixture.books}
    for name in books.keys() - set(fixture.absent):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(_book(name, fixture))
    for name, text in fixture.texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name, maker in fixture.made.items():
        MAKERS[maker](folder / name)


def _book(name: str, fixture: Fixture) -> bytes:
    if name not in fixture.books:
        return _right_book(name)
    rows = RIGHT.books.get(name, {}).get("rows", ())
    return _written(Book(**{"rows": rows, **fixture.books[name]}))


@cache
def _right_book(name: str) -> bytes:
    return _written(Book(**RIGHT.books[name]))


def _written(book: Book) -> bytes:
    made = io.BytesIO()
    options = {"default_date_format": "yyyy-mm-dd", "in_memory": True}
    with xlsxwriter.Workbook(made, options) as target:
        page = target.add_worksheet(SHEET)
        for row, contents in enumerate(book.rows or ()):
            for column, content in enumerate(contents):
                _write_cell(target, page, (row, column), Cell(content))
        for address, content in book.cells.items():
            cell = Cell(**content) if isinstance(content, dict) else Cell(content)
            _write_cell(target, page, (address,), cell)
        for area in book.merged:
            row, column = coordinate_to_tuple(area.partition(":")[0])
            page.merge_range(area, (book.rows or ())[row - 1][column - 1])
        _hide(page, book)
        for name, rows in book.others.items():
            other = target.add_worksheet(name)
            for row, contents in enumerate(rows):
                other.write_row(row, 0, contents)
            if book.seen != "visible":
                other.activate()
    return made.getvalue()


def _write_cell(target: Any, page: Any, at: tuple[Any, ...], cell: Cell) -> None:
    look = target.add_format(dict(cell.look)) if cell.look else None
    if cell.formula:
        page.write_formula(*at, cell.formula, look, cell.value)
    elif isinstance(cell.value, date):
        page.write_datetime(*at, cell.value, look)
    else:
        page.write(*at, cell.value, look)


def _hide(page: Any, book: Book) -> None:
    for row in book.hidden_rows:
        page.set_row(row - 1, options={"hidden": True})
    for column in book.hidden_columns:
        page.set_column(f"{column}:{column}", options={"hidden": True})
    if book.filter:
        page.autofilter(book.filter)
        page.filter_column(0, "x != 丙市")
    if book.seen == "hidden":
        page.hide()
    if book.seen == "very hidden":
        page.very_hidden()


def _cut_off(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _encrypted(path: Path) -> None:
    clear, made = io.BytesIO(path.read_bytes()), io.BytesIO()
    OOXMLFile(clear).encrypt(PASSWORD, made)
    path.write_bytes(made.getvalue())


def _never_calculated(path: Path) -> None:
    """Saved by a program that does not calculate: its formulas have no values."""
    openpyxl.load_workbook(path).save(path)


def _huge(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/media/image1.bmp", bytes(160_000_000))


def _binary(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.bin", b"")


def _replaced(path: Path, before: bytes, after: bytes) -> None:
    """Change what stands in the parts of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert any(before in content for content in parts.values())
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content.replace(before, after))


def _broken_sheet(path: Path) -> None:
    _replaced(path, b"</sheetData>", b"")


def _two_tables(path: Path) -> None:
    _replaced(path, b"</sheetData>", b"</sheetData><sheetData></sheetData>")


def _result_0_without_a_sign(path: Path) -> None:
    """Saved by a program that writes 0 for every formula and does not ask to calculate them."""
    _replaced(path, b' fullCalcOnLoad="1"', b"")


def _decimal_comma(path: Path) -> None:
    _replaced(path, b"<v>80.5</v>", b"<v>80,5</v>")


def _unreadable(path: Path) -> None:
    """A file that Linux lets nobody read from its beginning, whatever the permissions."""
    path.symlink_to("/proc/self/mem")


def _held_lock(path: Path) -> None:
    """Another run's lock. It ends with the file's being closed, so that is left to the process's end."""
    path.parent.mkdir()
    _HELD.append(path.open("w"))
    fcntl.flock(_HELD[-1], fcntl.LOCK_EX)


_HELD: list[IO[str]] = []


def _linked_folder(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.mkdir()
    path.symlink_to(elsewhere.resolve())


def _copy(path: Path) -> None:
    shutil.copy(path.with_stem(path.stem.partition(" ")[0]), path)


def _backup(path: Path) -> None:
    shutil.copytree(path.parent, path.parent.parent / path.name)
    shutil.move(path.parent.parent / path.name, path)


def _scheme_with_broken_notice(path: Path) -> None:
    path.mkdir()
    shutil.copy("scheme.yaml", path)
    (path / "notice.docx").write_text("通报", encoding="utf-8")


MAKERS: Mapping[str, Callable[[Path], None]] = {
    "cut off": _cut_off,
    "encrypted": _encrypted,
    "never calculated": _never_calculated,
    "huge": _huge,
    "a binary workbook": _binary,
    "broken sheet": _broken_sheet,
    "two tables": _two_tables,
    "result 0 without a sign": _result_0_without_a_sign,
    "a decimal comma": _decimal_comma,
    "unreadable": _unreadable,
    "a pipe": os.mkfifo,
    "a held lock": _held_lock,
    "a linked folder": _linked_folder,
    "an empty folder": Path.mkdir,
    "a copy": _copy,
    "a backup": _backup,
    "a scheme with a broken notice": _scheme_with_broken_notice,
}


def _commanded(steps: Sequence[str | Mapping[str, str]]) -> list[Finding]:
    """The findings that commands print; between them a text in a file may be replaced."""
    language = i18n.language()
    environment = {"APPRAISE_LANG": language, "APPRAISE_SCHEME": "scheme.yaml"}
    # What is generated from this must not change by the hour.
    environment["SOURCE_DATE_EPOCH"] = "1614556800"
    runner = CliRunner(env={**environment, "APPRAISE_PASSWORD": None})
    with _printed() as found, ExitStack() as held:
        for step in steps:
            if isinstance(step, str):
                runner.invoke(main, shlex.split(step)[1:], catch_exceptions=False)
            elif "open" in step:
                held.enter_context(_open_elsewhere(Path(step["open"])))
            else:
                path = Path(step["in"])
                text = path.read_text(encoding="utf-8")
                assert step["replace"] in text, step
                path.write_text(text.replace(step["replace"], step["by"]), encoding="utf-8")
    i18n.activate(language)
    return [*found, *_said_in_slips()]


@contextmanager
def _open_elsewhere(path: Path) -> Iterator[None]:
    """A spreadsheet program has the file open, as Windows then says of one that is to be replaced."""
    replace = Path.replace

    def refuse(source: Path, target: Path) -> Path:
        if Path(target).resolve() == path.resolve():
            raise PermissionError(errno.EACCES, "The process cannot access the file", str(target))
        return replace(source, target)

    with mock.patch.object(Path, "replace", refuse):
        yield


@contextmanager
def _printed() -> Iterator[list[Finding]]:
    """The findings that are printed meanwhile."""
    found: list[Finding] = []

    def keep(_console: object, items: Sequence[Finding], **_folded: bool) -> None:
        found.extend(items)

    with mock.patch.object(terminal, "print_findings", keep):
        yield found


def _said_in_slips() -> Iterator[Finding]:
    """The one code that is only written into slips and is no finding of a run."""
    code = "slip-without-sheets"
    for path in sorted(Path("slips").rglob("*.xlsx")):
        for sheet in openpyxl.load_workbook(path).worksheets:
            for cell in (cell for row in sheet.iter_rows() for cell in row):
                if cell.value == str(codes()[code].message):
                    yield finding(code, Source(path.as_posix(), sheet.title, cell.coordinate))
