"""No command opens a connection: each is run where none can be opened."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import click
import pytest
from helpers import EXAMPLES, slow_but
from helpers.commands import CASES, IN, Words

from wuhu_appraisal.cli import main

GUARDED = """
import sys
def refuse(event, args):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")):
        raise RuntimeError("a connection was attempted: " + event)
sys.addaudithook(refuse)
"""
"""Python reports every socket before it is made, whatever module asks for it (PEP 578)."""

COMMANDS = GUARDED + "from wuhu_appraisal.cli import main\nmain(sys.argv[1:])"


def leaves(command: click.Command, path: Words = ()) -> Iterator[Words]:
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from leaves(child, (*path, name))
    else:
        yield path


@cache
def isolation() -> tuple[str, ...]:
    """What runs a command without any network at all, where the system lets us."""
    command = ("unshare", "-n")
    if shutil.which("unshare") is None:
        return ()
    return () if subprocess.run([*command, "true"], capture_output=True).returncode else command


def python(folder: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "APPRAISE_LANG": "en",
        "APPRAISE_SCHEME": "sichuan-2011",
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }
    command = [*isolation(), sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ready")
    shutil.copytree(EXAMPLES / "sichuan-2011", folder / IN)
    (folder / "secret").write_text("secret\n", encoding="utf-8")
    done = python(folder, COMMANDS, "compute", IN)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_command_has_a_case() -> None:
    assert set(leaves(main)) == set(CASES)


@pytest.mark.parametrize(
    "arguments",
    slow_but(
        [(*path, *more) for path, calls in CASES.items() for more in calls],
        *((*path, *calls[0]) for path, calls in CASES.items()),
    ),
    ids=" ".join,
)
def test_a_command_does_its_work_where_no_connection_can_be_opened(
    ready: Path, tmp_path: Path, arguments: Sequence[str]
) -> None:
    folder = shutil.copytree(ready, tmp_path / "here")
    done = python(folder, COMMANDS, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1')",
    ],
)
def test_an_attempt_would_be_seen(tmp_path: Path, attempt: str) -> None:
    done = python(tmp_path, GUARDED + attempt)
    assert done.returncode != 0
    assert "a connection was attempted" in done.stderr


def test_where_the_system_lets_us_there_is_no_network_at_all(tmp_path: Path) -> None:
    if not isolation():
        pytest.skip("this account may not take the network away from a process")
    attempt = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
    done = python(tmp_path, attempt + ".connect(('192.0.2.1', 9))")
    assert done.returncode != 0
    assert "unreachable" in done.stderr
