"""What the tests share: the bundled scheme, a small scheme to break, LibreOffice if it is here."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import settings

from wuhu_appraisal import language as i18n
from wuhu_appraisal import load_scheme
from wuhu_appraisal.cli import main
from wuhu_appraisal.scheme.models import Scheme

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
STAGE_FILES = EXAMPLES / "stage-files"

Appraise = Callable[..., Result]

# How long an example takes says more of the machine than of the program.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    i18n.activate("en")
    yield
    i18n.activate("en")


@pytest.fixture(scope="session")
def wuhu() -> Scheme:
    loaded = load_scheme("wuhu-2020")
    assert loaded.scheme is not None, loaded.findings
    return loaded.scheme


@pytest.fixture
def appraise_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Appraise:
    """Run the command line in an empty folder, in English unless the arguments say otherwise."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APPRAISE_LANG", "en")
    monkeypatch.delenv("APPRAISE_SCHEME", raising=False)

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def soffice() -> str:
    """LibreOffice's program. Where it must be there, its absence is a failure and not a skip."""
    program = shutil.which("soffice")
    if program is None:
        if os.environ.get("APPRAISE_REQUIRE_LIBREOFFICE"):
            pytest.fail("LibreOffice is required here and soffice was not found")
        pytest.skip("LibreOffice is not installed: what it would recalculate is not checked")
    return program


RECALCULATE = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<oor:items xmlns:oor="http://openoffice.org/2001/registry">'
    '<item oor:path="/org.openoffice.Office.Calc/Formula/Load">'
    '<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>'
)
"""Without this LibreOffice keeps the values stored in a file instead of recalculating."""


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


@pytest.fixture
def convert(soffice: str, tmp_path: Path) -> Callable[[Path, str], Path]:
    """Have LibreOffice load a workbook, recalculate all of it, and save it in another format."""

    def run(path: Path, form: str) -> Path:
        out = convert_all(soffice, tmp_path, [path], form)
        return out / f"{path.stem}.{form.partition(':')[0]}"

    return run
