"""LibreOffice and the other programs that tests ask."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from helpers import TESTS
from wuhu_appraisal.workbooks.open import read_sheets

SAVED = TESTS / "written_by_others" / "libreoffice"


def absent(what: str) -> NoReturn:
    """Skip a test for want of a program, or fail it where the program must be there."""
    if os.environ.get("APPRAISE_REQUIRE_LIBREOFFICE"):
        pytest.fail(f"{what}, and is required here")
    pytest.skip(what)


def with_bridge(folders: str) -> str | None:
    """A Python in these folders that can import LibreOffice's bridge."""
    for name in ("python", "python3"):
        found = shutil.which(name, path=folders)
        if (
            found
            and subprocess.run([found, "-c", "import uno"], capture_output=True).returncode == 0
        ):
            return found
    return None


def program(name: str) -> str:
    """The path of another program that a test asks."""
    found = shutil.which(name)
    if found is None:
        absent(f"{name} was not found")
    return found


RECALCULATE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    '<item oor:path="/org.openoffice.Office.Calc/Formula/Load">'
    '<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>'
)
"""Without this LibreOffice keeps the values stored in a file instead of recalculating."""


def stage_files(form: str) -> Path:
    """The committed archive of the example as LibreOffice saved it in a format."""
    return SAVED / f"stage-files-{form.partition(':')[0]}.zip"


def assert_saved_alike(name: str, made: bytes) -> None:
    """Check that what LibreOffice has just saved reads as what is committed under a name.

    With APPRAISE_SAVE_AGAIN in the environment it is written there first, to be committed.
    """
    path = SAVED / name
    if os.environ.get("APPRAISE_SAVE_AGAIN"):
        path.write_bytes(made)
    assert read_sheets(name, made) == read_sheets(name, path.read_bytes())


def convert_all(
    soffice: str, folder: Path, paths: Sequence[Path], form: str, *, recalculate: bool = True
) -> Path:
    """Have LibreOffice load workbooks and save them in another format; the folder they are in."""
    profile = folder / "profile"
    settings = profile / "user" / "registrymodifications.xcu"
    settings.parent.mkdir(parents=True, exist_ok=True)
    if recalculate:
        settings.write_text(RECALCULATE, encoding="utf-8")
    out = folder / "converted"
    command = [soffice, f"-env:UserInstallation={profile.as_uri()}", "--headless"]
    command += ["--convert-to", form, "--outdir", str(out), *map(str, paths)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return out
