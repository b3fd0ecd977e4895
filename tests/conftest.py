"""What the tests share: the bundled scheme, a small scheme to break, LibreOffice if it is here."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from helpers import EXAMPLES, STAGE_FILES, Appraise
from helpers.cells import Books
from helpers.office import SAVED, absent, assert_saved_alike, convert_all, with_bridge
from hypothesis import settings

from wuhu_appraisal import Result as Appraisal
from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal.cli import main
from wuhu_appraisal.scheme.models import Scheme

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
def wuhu_run(wuhu: Scheme) -> Appraisal:
    """The result of the example, computed once; no test changes it."""
    return appraise(load_scheme("wuhu-2020"), [STAGE_FILES])


@pytest.fixture(scope="session")
def sichuan_run() -> Appraisal:
    """The result of the example of Sichuan, computed once; no test changes it."""
    return appraise(load_scheme("sichuan-2011"), [EXAMPLES / "sichuan-2011"])


@pytest.fixture(scope="session")
def wuhu_json(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file that ``compute`` writes of the example."""
    out = tmp_path_factory.mktemp("wuhu")
    done = CliRunner().invoke(main, ["compute", str(STAGE_FILES), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return (out / "appraisal.json").read_bytes()


@pytest.fixture
def results(wuhu_json: bytes, tmp_path: Path) -> Path:
    """The folder of results in a test's own folder, as if the example had been computed there."""
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "appraisal.json").write_bytes(wuhu_json)
    return folder


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders that are still empty, one after another."""
    return (tmp_path_factory.mktemp("place") for _number in itertools.count())


@pytest.fixture(scope="session")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The sheets of tests/helpers/cells.py in every format, each written when it is first read."""
    return Books(tmp_path_factory.mktemp("cells"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which schemes are written, one over another."""
    return tmp_path_factory.mktemp("schemes")


@pytest.fixture(scope="session")
def bridge(soffice: str) -> str:
    """A Python that can speak to LibreOffice. Where it must be there, its absence is a failure."""
    beside = str(Path(soffice).resolve().parent)
    python = next(filter(None, map(with_bridge, (beside, os.defpath))), None)
    if python is None:
        absent("no Python with LibreOffice's bridge was found")
    return python


@pytest.fixture(scope="session")
def soffice() -> str:
    """LibreOffice's program. Where it must be there, its absence is a failure and not a skip."""
    program = shutil.which("soffice")
    if program is None:
        absent("soffice, LibreOffice's program, was not found")
    return program


@pytest.fixture
def convert(soffice: str, tmp_path: Path) -> Callable[[Path, str], Path]:
    """Have LibreOffice load a workbook, recalculate all of it, and save it in another format."""

    def run(path: Path, form: str) -> Path:
        out = convert_all(soffice, tmp_path, [path], form)
        return out / f"{path.stem}.{form.partition(':')[0]}"

    return run


@pytest.fixture(params=["as committed", pytest.param("anew", marks=pytest.mark.slow)])
def saved(request: pytest.FixtureRequest) -> Callable[[Path, str], bytes]:
    """A workbook as LibreOffice saves it: under a name among the committed files, or made anew."""

    def run(path: Path, name: str) -> bytes:
        if request.param == "as committed":
            return (SAVED / name).read_bytes()
        convert: Callable[[Path, str], Path] = request.getfixturevalue("convert")
        made = convert(path, name.rpartition(".")[2]).read_bytes()
        assert_saved_alike(name, made)
        return made

    return run
