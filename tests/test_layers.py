"""The direction of imports: one way, from the bottom to the command line."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import ROOT, TESTS

SOURCE = ROOT / "src" / "wuhu_appraisal"
LAYERS = (
    {"i18n"},
    {"codes", "names", "numbers"},
    {"findings", "tags"},
    {"table", "files", "ledger", "sealed", "office_encryption"},
    {"scheme"},
    {"intake", "scoring"},
    {"manifest", "submissions", "frames"},
    {"freeze"},
    {"decisions"},
    {"run"},
    {"report", "templates"},
    {"pipeline", "cases", "doctor"},
    {"verify"},
    {"cli"},
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
MODULES = sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom | ast.Import):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name}" for name in names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "wuhu_appraisal" and parts[1] in LEVEL:
                yield parts[1], node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_from_rooms_below_its_own(path: Path) -> None:
    room = room_of(path)
    if room in {"__init__", "__main__"}:
        return
    for other, line in imported_rooms(path):
        assert other == room or LEVEL[other] < LEVEL[room], f"line {line} imports {other}"


def test_every_room_has_its_level() -> None:
    rooms = {room_of(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms == set(LEVEL)


def test_the_engine_names_no_city() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        named = [line for line in text.splitlines() if "芜湖" in line or "wuhu-2020" in line]
        # The command line has one default scheme.
        assert not named or path.name == "frame.py", f"{path}: {named}"


def test_modules_stay_small() -> None:
    for path in MODULES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


HELPERS = TESTS / "helpers"
TEST_FILES = sorted(TESTS.glob("*.py"))


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield node.module or "."


@pytest.mark.parametrize(
    "path",
    [*TEST_FILES, *sorted(HELPERS.glob("*.py"))],
    ids=lambda path: path.relative_to(TESTS).as_posix(),
)
def test_nothing_is_imported_from_a_file_of_tests(path: Path) -> None:
    assert {file.stem for file in TEST_FILES} & set(imported_modules(path)) == set()


# These are rewritten as what they test is; then they are no longer named here.
STILL_LONG = {"test_verify.py"}


def test_files_of_tests_stay_readable() -> None:
    long = {
        path.name for path in TEST_FILES if len(path.read_text(encoding="utf-8").splitlines()) > 800
    }
    assert long <= STILL_LONG
