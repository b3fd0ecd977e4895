"""Of what is encrypted no copy in the clear is left, and LibreOffice opens it by its password."""

import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import docx
import olefile
import openpyxl
import pytest
from helpers import STAGE_FILES, TESTS
from helpers.watched import FOR_UNITS, PASSWORD, UNIT, Watched, watched

from wuhu_appraisal.encryption import is_encrypted
from wuhu_appraisal.result import Result

COMPUTE = ["compute", str(STAGE_FILES)]
REPORTS = [
    ["report"],
    ["report", "--unit", UNIT],
    ["report", "--format", "docx"],
    ["report", "--each-unit", "letters"],
]


@pytest.fixture(scope="module", params=[2, pytest.param(4, marks=pytest.mark.slow)])
def locked_up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Some or all of the reports, encrypted."""
    reports = REPORTS[: request.param]
    lines = [[*COMPUTE, "--encrypt-result"], *([*line, "--encrypt"] for line in reports)]
    folder = tmp_path_factory.mktemp("encrypted") / "all"
    # The result is sealed under the one and all reports under the other.
    first = watched(folder, lines[0], APPRAISE_PASSWORD=PASSWORD)
    secrets = {"APPRAISE_PASSWORD": PASSWORD, "APPRAISE_NEW_PASSWORD": FOR_UNITS}
    rest = watched(folder, *lines[1:], ["explain", UNIT], **secrets)
    return Watched(folder, first.written + rest.written)


@pytest.fixture(scope="module")
def in_the_clear(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return watched(tmp_path_factory.mktemp("clear") / "all", COMPUTE, *REPORTS[:3])


def needles(wuhu_run: Result) -> dict[str, bytes]:
    """What must not be found: the units' names and their numbers, as text in two encodings."""
    texts = set()
    for standings in wuhu_run.standings.values():
        for item in standings:
            numbers = (item.final, item.composite, *item.stages.values())
            texts |= {item.unit, *(format(number, "f") for number in numbers if number is not None)}
    long = {text for text in texts if len(text.encode()) > 4}
    assert len(long) > 100
    return {
        f"{text} in {encoding}": text.encode(encoding)
        for text in long
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")
    }


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, those of each member of a zip, and of each stream of a compound file."""
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from map(archive.read, archive.namelist())
    if olefile.isOleFile(str(path)):
        with olefile.OleFileIO(str(path)) as container:
            for name in container.listdir():
                yield container.openstream(name).read()


def holding(folder: Path, wanted: Mapping[str, bytes]) -> set[str]:
    """The files below a folder that hold any of the texts."""
    any_of = re.compile(b"|".join(map(re.escape, wanted.values())))
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(any_of.search(content) for content in contents(path))
    }


@pytest.mark.slow
def test_no_byte_of_any_file_holds_a_name_or_a_score(locked_up: Watched, wuhu_run: Result) -> None:
    files = [path for path in locked_up.folder.rglob("*") if path.is_file()]
    books = [path for path in files if path.suffix == ".xlsx"]
    assert len(books) == 2 + 54 * (locked_up.folder / "work" / "letters").exists()
    assert holding(locked_up.folder, needles(wuhu_run)) == set()


@pytest.mark.slow
def test_without_encryption_the_same_search_finds_every_file(
    in_the_clear: Watched, wuhu_run: Result
) -> None:
    assert holding(in_the_clear.folder, needles(wuhu_run)) == {
        f"work/results/{name}"
        for name in (
            "appraisal.json",
            "wuhu-2020.xlsx",
            "wuhu-2020.docx",
            f"wuhu-2020-{UNIT}.xlsx",
        )
    }


def test_nothing_was_written_on_the_way_but_what_became_the_encrypted_files(
    locked_up: Watched,
) -> None:
    files = {name for name in locked_up.written if not name.endswith("/")}
    assert {Path(name).name for name in files} <= {".appraise.lock"}
    left = [Path(name) for name in files if Path(name).exists()]
    assert [path for path in left if path.stat().st_size] == []
    folders = [name for name in locked_up.written if name.endswith("/")]
    assert any(name.endswith("/results/") for name in folders)
    assert [name for name in folders if ".appraise" in name] == []


@pytest.mark.slow
def test_without_encryption_a_working_folder_is_seen_on_the_way(in_the_clear: Watched) -> None:
    assert any(".appraise." in name for name in in_the_clear.written)


def outputs(folder: Path) -> dict[str, Path]:
    results = folder / "work" / "results"
    paths = {
        "xlsx": results / "wuhu-2020.xlsx",
        "unit": results / f"wuhu-2020-{UNIT}.xlsx",
        "docx": results / "wuhu-2020.docx",
    }
    for path in (folder / "work" / "letters").rglob(f"{UNIT}.xlsx"):
        paths["letter"] = path
    return {name: path for name, path in paths.items() if path.exists()}


def test_no_library_opens_an_encrypted_report(locked_up: Watched) -> None:
    paths = outputs(locked_up.folder)
    assert len(paths) in (2, 4)
    for path in paths.values():
        assert is_encrypted(path.read_bytes())
        assert not zipfile.is_zipfile(path)
        with pytest.raises(zipfile.BadZipFile):
            openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
        with pytest.raises(Exception, match=r"not a zip|Package not found"):
            docx.Document(str(path))


Opened = Callable[[Sequence[tuple[Path, str | None]]], list[str | None]]


@pytest.fixture
def office_opens(bridge: str, soffice: str, tmp_path: Path) -> Opened:
    """What LibreOffice reads in files that it is given with a password or without."""

    def opened(jobs: Sequence[tuple[Path, str | None]]) -> list[str | None]:
        path = tmp_path / "jobs.json"
        path.write_text(json.dumps([(str(file), secret) for file, secret in jobs]), "utf-8")
        script = TESTS / "helpers" / "open_encrypted.py"
        command = [bridge, str(script), soffice, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        answers: list[str | None] = json.loads(done.stdout)
        return answers

    return opened


@pytest.mark.slow
def test_libreoffice_opens_every_encrypted_report_with_the_password_alone(
    locked_up: Watched, office_opens: Opened
) -> None:
    files = outputs(locked_up.folder).values()
    said = office_opens([(path, secret) for path in files for secret in (FOR_UNITS, "other", None)])
    for right, wrong, none in zip(said[::3], said[1::3], said[2::3], strict=True):
        assert right is not None
        assert UNIT in right
        assert wrong is None
        assert none is None


@pytest.mark.slow
def test_libreoffice_converts_nothing_without_the_password(
    locked_up: Watched, convert: Callable[[Path, str], Path]
) -> None:
    for path in outputs(locked_up.folder).values():
        assert not convert(path, "pdf").exists()
