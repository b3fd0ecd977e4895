"""The command line run in a process whose writing is watched."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wuhu_appraisal.encryption import decrypt

PASSWORD = "考评 2020"
FOR_UNITS = "各单位 2020"
UNIT = "镜湖区"


def code(content: bytes, password: str) -> str:
    """The code of the finding about an encrypted workbook that does not open."""
    given, found = decrypt("", content, password)
    assert given == content
    assert found is not None
    return found.code


# The commands, watched from outside

WATCHED = """
import json, os, sys
sys.dont_write_bytecode = True
written = []
moved = set()
def note(event, args):
    if event == "open" and not isinstance(args[0], int) and args[2] & (os.O_WRONLY | os.O_RDWR):
        written.append(os.fsdecode(args[0]))
    elif event in ("os.mkdir", "tempfile.mkdtemp"):
        written.append(os.fsdecode(args[0]) + "/")
    elif event == "os.rename":
        moved.add(os.fsdecode(args[0]))
sys.addaudithook(note)
from wuhu_appraisal.cli import main
try:
    main(sys.argv[2:])
finally:
    left = [name for name in written if name not in moved]
    with open(sys.argv[1], "w") as file:
        json.dump(left, file)
"""
"""Runs the command line and lists what it wrote to and made, but what became a file of ours."""


class Watched(NamedTuple):
    """A folder that holds all a command can reach, and what was written to on the way."""

    folder: Path
    written: list[str]


def watched(folder: Path, *lines: Sequence[str], **secrets: str) -> Watched:
    """Run commands in their own processes with home, temporary and working folder below one."""
    places = {name: folder / name.lower() for name in ("HOME", "TMPDIR", "WORK")}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "APPRAISE_LANG": "en",
        "HOME": str(places["HOME"]),
        "TMPDIR": str(places["TMPDIR"]),
        **secrets,
    }
    written: list[str] = []
    notes = folder.with_name(folder.name + ".json")
    for line in lines:
        command = [sys.executable, "-c", WATCHED, str(notes), *line]
        done = subprocess.run(
            command, cwd=places["WORK"], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        written += json.loads(notes.read_text(encoding="utf-8"))
    return Watched(folder, written)
