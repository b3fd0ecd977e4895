"""The direction of imports: one way, from exact numbers up to the command line, without circles."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from helpers import ROOT, TESTS

SOURCE = ROOT / "src" / "wuhu_appraisal"
LAYERS = (
    {"numbers", "language"},
    {"names", "findings"},
    {"files", "encryption"},
    {"scheme", "workbooks"},
    {"model"},
    {"result"},
    {"read", "score"},
    {"store"},
    {"year"},
    {"appraisal"},
    {"analysis"},
    {"output"},
    {"verify"},
    {"cli"},
)
"""The rooms from the ground up: a room imports only from those before it."""

LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
    if path.parent != SOURCE or path.stem not in ("__init__", "__main__")
}


ASKED_FOR = {("result", "analysis")}
"""The room that gives the frames of another one, which it imports when it is asked for them."""


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """The modules of the package that a module imports, wherever in it, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            package, _dot, inner = name.partition(".")
            if package == "wuhu_appraisal" and inner:
                parent = inner.rpartition(".")[0]
                yield (inner if inner in MODULES else parent), node.lineno


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_rooms_below_its_own(name: str) -> None:
    room = name.partition(".")[0]
    for other, line in imported(MODULES[name]):
        below = other.partition(".")[0]
        if below and (room, below) not in ASKED_FOR:
            assert below == room or LEVEL[below] < LEVEL[room], f"line {line} imports {other}"


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle of imports, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        names: list[str] = error.args[1]
        return names
    return []


def test_no_circle_stands_between_modules_also_inside_a_room() -> None:
    graph = {
        name: {
            other
            for other, _line in imported(path)
            if other not in ("", name) and (name, other.partition(".")[0]) not in ASKED_FOR
        }
        for name, path in MODULES.items()
    }
    assert circle(graph) == []


def test_a_circle_would_be_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_every_room_has_its_layer() -> None:
    assert {name.partition(".")[0] for name in MODULES} == set(LEVEL)


def test_the_engine_names_no_city() -> None:
    for name, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if "芜湖" in line or "wuhu-2020" in line]
        # The command line has one default scheme.
        assert not lines or name == "cli.options", f"{path}: {lines}"


def test_no_test_file_imports_another_or_is_longer_than_800_lines() -> None:
    for path in sorted(TESTS.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 800, path
        for node in ast.walk(ast.parse(text)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.startswith(("test_", "conftest"))], path
