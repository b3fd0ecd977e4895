"""What is encrypted opens with its password and by nothing else, and leaves no copy in the clear."""

import hashlib
import hmac
import io
import itertools
import json
import os
import re
import secrets
import shlex
import shutil
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import docx
import msoffcrypto
import olefile
import openpyxl
import pytest
from click.testing import CliRunner
from conftest import EXAMPLES, ROOT, STAGE_FILES, Appraise
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from msoffcrypto.exceptions import InvalidKeyError
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.method.container.ecma376_encrypted import ECMA376Encrypted
from msoffcrypto.method.ecma376_agile import ECMA376AgileEncryptionInfo
from python_calamine import CalamineError, load_workbook
from test_docs import commands
from test_templates import _with_bridge

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal import store as result
from wuhu_appraisal.cli import main
from wuhu_appraisal.encryption import encrypted, is_encrypted, is_sealed, seal, unsealed
from wuhu_appraisal.result import Result
from wuhu_appraisal.workbooks.open import decrypted

PASSWORD = "考评 2020"
FOR_UNITS = "各单位 2020"
UNIT = "镜湖区"


@pytest.fixture(scope="module")
def run() -> Result:
    return appraise(load_scheme("wuhu-2020"), [STAGE_FILES])


# A sealed result


def test_a_sealed_result_opens_with_its_password_and_is_the_same_to_the_byte(run: Result) -> None:
    content = result.dump(run)
    made = seal(content, PASSWORD)
    assert is_sealed(made)
    assert unsealed("", made, PASSWORD) == (content, None)


def test_the_same_result_is_never_sealed_alike_twice() -> None:
    one, two = seal(b"{}", PASSWORD), seal(b"{}", PASSWORD)
    assert one[20:36] != two[20:36]
    assert one[36:48] != two[36:48]
    assert one[48:] != two[48:]


@pytest.mark.parametrize(
    "place", [16, 17, 18, 19, 20, 35, 36, 47, 48, 60, -17, -16, -1], ids="byte {}".format
)
def test_no_changed_byte_goes_unnoticed(place: int) -> None:
    made = bytearray(seal(b'{"format": 1}', PASSWORD))
    made[place] ^= 1
    content, found = unsealed("", bytes(made), PASSWORD)
    assert content == b""
    assert found is not None
    assert found.code in ("result-not-opened", "result-unreadable")


def refused(content: bytes) -> str:
    """The code of the finding about a sealed result that gives nothing out."""
    clear, found = unsealed("", content, PASSWORD)
    assert clear == b""
    assert found is not None
    return found.code


def test_what_is_cut_short_or_longer_is_refused() -> None:
    made = seal(b"", PASSWORD)
    assert {refused(made[:length]) for length in range(len(made))} == {"result-unreadable"}
    longer = seal(b'{"format": 1}', PASSWORD)
    assert refused(longer[:-1]) == "result-not-opened"
    assert refused(longer + b"\0") == "result-not-opened"
    assert refused(longer + longer) == "result-not-opened"


def test_no_changed_bit_before_the_salt_is_worth_deriving_a_key() -> None:
    made = seal(b"{}", PASSWORD)
    started = time.process_time()
    for place, bit in itertools.product(range(20), range(8)):
        changed = bytearray(made)
        changed[place] ^= 1 << bit
        assert refused(bytes(changed)) == "result-unreadable"
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "cost", [(17, 1, 1), (16, 1, 1), (40, 8, 1), (18, 8, 2), (17, 8, 2), (1, 1, 1), (255, 255, 255)]
)
def test_a_header_that_asks_for_any_other_work_is_refused_at_once(
    cost: tuple[int, int, int],
) -> None:
    made = seal(b"{}", PASSWORD)
    assert refused(made[:17] + bytes(cost) + made[20:]) == "result-unreadable"


def test_what_stands_before_the_scores_tells_nothing_but_how_to_open_them() -> None:
    assert seal(b"{}", PASSWORD)[:20] == b"appraise sealed\n\x01\x11\x08\x01"


def test_an_empty_password_seals_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        seal(b"{}", "")


# Workbooks and documents


def spreadsheet(rows: int) -> bytes:
    book, made = openpyxl.Workbook(), io.BytesIO()
    for number in range(rows):
        book.worksheets[0].append([os.urandom(9).hex(), number])
    book.save(made)
    return made.getvalue()


@pytest.mark.parametrize("rows", [1, 100, 100_000])
def test_a_workbook_of_any_size_opens_with_its_password_and_is_the_same_to_the_byte(
    rows: int,
) -> None:
    content = spreadsheet(rows)
    file = msoffcrypto.OfficeFile(io.BytesIO(encrypted(content, PASSWORD)))
    file.load_key(password=PASSWORD, verify_password=True)
    clear = io.BytesIO()
    file.decrypt(clear, verify_integrity=True)
    assert clear.getvalue() == content


def test_a_wrong_password_opens_no_workbook() -> None:
    file = msoffcrypto.OfficeFile(io.BytesIO(encrypted(spreadsheet(1), PASSWORD)))
    with pytest.raises(InvalidKeyError):
        file.load_key(password=PASSWORD + " ", verify_password=True)


def test_the_encryption_is_aes_of_256_random_bits_and_a_slow_key() -> None:
    made = encrypted(spreadsheet(1), PASSWORD)
    with olefile.OleFileIO(made) as container:
        about = container.openstream(["EncryptionInfo"]).read().decode("latin-1")  # type: ignore[list-item]
    assert about.startswith("\x04\x00\x04\x00")
    assert set(re.findall(r' keyBits="(\d+)"', about)) == {"256"}
    assert set(re.findall(r'cipherAlgorithm="(\w+)"', about)) == {"AES"}
    assert set(re.findall(r'hashAlgorithm="(\w+)"', about)) == {"SHA512"}
    assert re.findall(r'spinCount="(\d+)"', about) == ["100000"]
    file = msoffcrypto.OfficeFile(io.BytesIO(made))
    file.load_key(password=PASSWORD)
    # Bytes that are the same in every file would make half of the key known to all.
    assert len(file.secret_key) == 32
    assert len(set(file.secret_key[16:])) > 4


def test_no_two_files_share_a_key_or_a_salt() -> None:
    content = spreadsheet(1)
    files = [msoffcrypto.OfficeFile(io.BytesIO(encrypted(content, PASSWORD))) for _ in range(2)]
    for file in files:
        file.load_key(password=PASSWORD)
    for name in ("keyDataSalt", "passwordSalt", "encryptedKeyValue"):
        assert files[0].info[name] != files[1].info[name]
    assert files[0].secret_key != files[1].secret_key


@pytest.mark.parametrize("password", ["", "x" * 256])
def test_a_password_that_no_office_program_takes_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        encrypted(spreadsheet(1), password)


# What came encrypted


def by_others(content: bytes) -> bytes:
    """Encrypted by msoffcrypto-tool from end to end."""
    made = io.BytesIO()
    OOXMLFile(io.BytesIO(content)).encrypt(PASSWORD, made)
    return made.getvalue()


def as_in_2010(content: bytes) -> bytes:
    """Encrypted as Office 2010 does it: AES-128, and SHA-1, which fills no whole number of blocks."""
    about = ECMA376AgileEncryptionInfo()
    about.spinCount = 1000
    for part in (about.keyData, about.encryptedKey):
        part.hashName, part.hashSize, part.keyBits = "SHA1", 20, 128
        part.saltValue = secrets.token_bytes(16)
    key, start = secrets.token_bytes(16), about.keyData.saltValue

    def digest(*parts: bytes) -> bytes:
        return hashlib.sha1(b"".join(parts)).digest()

    def cipher(clear: bytes, key: bytes, start: bytes) -> bytes:
        padded = clear + bytes(-len(clear) % 16)
        machine = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
        return machine.update(padded) + machine.finalize()

    salt = about.encryptedKey.saltValue
    rounds = digest(salt, PASSWORD.encode("utf-16-le"))
    for number in range(about.spinCount):
        rounds = digest(struct.pack("<I", number), rounds)

    def under_password(clear: bytes, purpose: str) -> bytes:
        return cipher(clear, digest(rounds, bytes.fromhex(purpose))[:16], salt)

    verifier = secrets.token_bytes(16)
    about.encryptedVerifierHashInput = under_password(verifier, "fea7d2763b4b9e79")
    about.encryptedVerifierHashValue = under_password(digest(verifier), "d7aa0f6d3061344e")
    about.encryptedKeyValue = under_password(key, "146e0be7abacd0d6")
    package = struct.pack("<Q", len(content))
    for number, place in enumerate(range(0, len(content), 4096)):
        iv = digest(start, struct.pack("<I", number))[:16]
        package += cipher(content[place : place + 4096], key, iv)

    def under_key(clear: bytes, purpose: str) -> bytes:
        return cipher(clear, key, digest(start, bytes.fromhex(purpose))[:16])

    secret = secrets.token_bytes(20)
    about.encryptedHmacKey = under_key(secret, "5fb2ad010cb9e1f6")
    value = hmac.digest(secret, package, "sha1")
    about.encryptedHmacValue = under_key(value, "a0677f02b22c8433")
    info = about.getEncryptionDescriptorHeader() + about.toEncryptionDescriptor().encode()
    made = io.BytesIO()
    ECMA376Encrypted(package, info).write_to(made)
    return made.getvalue()


def ours(content: bytes) -> bytes:
    return encrypted(content, PASSWORD)


AGILE = pytest.mark.parametrize("made_by", [ours, by_others, as_in_2010])


def code(content: bytes, password: str) -> str:
    """The code of the finding about an encrypted workbook that does not open."""
    given, found = decrypted("", content, password)
    assert given == content
    assert found is not None
    return found.code


@AGILE
def test_what_came_encrypted_opens_with_its_password_alone(
    made_by: Callable[[bytes], bytes],
) -> None:
    content = spreadsheet(200)
    made = made_by(content)
    assert decrypted("", made, PASSWORD) == (content, None)
    for wrong in ("", PASSWORD + " ", "\udcff"):
        assert code(made, wrong) == "file-password-wrong"


def with_stream(content: bytes, name: str, changed: Callable[[bytes], bytes]) -> bytes:
    """A compound file with one of its streams changed."""
    file = io.BytesIO(content)
    with olefile.OleFileIO(file, write_mode=True) as container:
        before = container.openstream([name]).read()
        container.write_stream([name], changed(before))
    return file.getvalue()


@AGILE
@pytest.mark.parametrize("place", [0, 8, 5000, -1])
def test_a_byte_changed_in_an_encrypted_workbook_is_a_finding(
    made_by: Callable[[bytes], bytes], place: int
) -> None:
    def flipped(before: bytes) -> bytes:
        after = bytearray(before)
        after[place] ^= 1
        return bytes(after)

    changed = with_stream(made_by(spreadsheet(200)), "EncryptedPackage", flipped)
    assert code(changed, PASSWORD) == "file-damaged"


@AGILE
@pytest.mark.parametrize("name", ["encryptedHmacKey", "encryptedHmacValue"])
@pytest.mark.parametrize("value", ["", "AAAAAAAAAAAAAAAAAAAAAA==", "*"])
def test_a_workbook_whose_proof_of_being_whole_was_taken_away_is_a_finding(
    made_by: Callable[[bytes], bytes], name: str, value: str
) -> None:
    def without(before: bytes) -> bytes:
        text = before.decode("latin-1")
        return re.sub(f'{name}="[^"]+"', f'{name}="{value}"', text).ljust(len(text)).encode()

    changed = with_stream(made_by(spreadsheet(2)), "EncryptionInfo", without)
    assert code(changed, PASSWORD) == "file-damaged"


SAVE = """
import json, sys, tempfile
from pathlib import Path
import uno
from com.sun.star.beans import NamedValue, PropertyValue
sys.path.insert(0, sys.argv[1])
from fill_in import FILTERS, connected
program, source, password, *targets = sys.argv[2:]
with tempfile.TemporaryDirectory() as profile:
    process, desktop = connected(program, profile)
    try:
        hidden = PropertyValue(Name="Hidden", Value=True)
        book = desktop.loadComponentFromURL(Path(source).as_uri(), "_blank", 0, (hidden,))
        about = (NamedValue("OOXPassword", password), NamedValue("CryptoType", "Standard"))
        for target in targets:
            how = PropertyValue(Name="Password", Value=password)
            if target.endswith("xlsx"):
                given = uno.Any("[]com.sun.star.beans.NamedValue", about)
                how = PropertyValue(Name="EncryptionData", Value=given)
            name = PropertyValue(Name="FilterName", Value=FILTERS[target.rpartition(".")[2]])
            book.storeToURL(Path(target).as_uri(), (name, how))
        book.close(True)
    finally:
        desktop.terminate()
        process.wait(60)
"""
"""Has LibreOffice save a workbook under a password: run by a Python that has its bridge."""


@pytest.fixture(scope="module")
def bridge(soffice: str) -> str:
    """A Python that has LibreOffice's bridge."""
    beside = str(Path(soffice).resolve().parent)
    python = next(filter(None, map(_with_bridge, (beside, os.defpath))), None)
    if python is None:
        if os.environ.get("APPRAISE_REQUIRE_LIBREOFFICE"):
            pytest.fail("LibreOffice is required here and no Python with its bridge was found")
        pytest.skip("LibreOffice's bridge for Python is not installed")
    return python


@pytest.fixture(scope="module")
def by_libreoffice(
    bridge: str, soffice: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The first round of the example as LibreOffice encrypts it, by the file's ending."""
    folder = tmp_path_factory.mktemp("by-libreoffice")
    source = folder / "source.xlsx"
    shutil.copy(STAGE_FILES / ROUND, source)
    made = {ending: folder / f"saved.{ending}" for ending in ("xlsx", "xls")}
    command = [bridge, "-c", SAVE, str(Path(__file__).parent), soffice, str(source), PASSWORD]
    done = subprocess.run(
        [*command, *map(str, made.values())], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return made


ROUND = "日常测评/第1轮.xlsx"


@pytest.mark.parametrize("ending", ["xlsx", "xls"])
def test_what_libreoffice_encrypted_opens_with_its_password_alone(
    by_libreoffice: dict[str, Path], ending: str
) -> None:
    content = by_libreoffice[ending].read_bytes()
    clear, found = decrypted("", content, PASSWORD)
    assert found is None
    said = [cells(source) for source in (io.BytesIO(clear), STAGE_FILES / ROUND)]
    assert said[0] == said[1]
    assert code(content, "other") == "file-password-wrong"
    with pytest.raises(CalamineError):
        cells(io.BytesIO(content))


def cells(source: io.BytesIO | Path) -> list[list[list[object]]]:
    book = load_workbook(source)
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]  # type: ignore[misc]


@pytest.mark.parametrize("ending", ["xlsx", "xls"])
def test_no_copy_in_the_clear_of_an_encrypted_workbook_is_written_while_it_is_read(
    by_libreoffice: dict[str, Path], tmp_path: Path, ending: str
) -> None:
    files = tmp_path / "stage-files"
    shutil.copytree(STAGE_FILES, files)
    (files / ROUND).unlink()
    shutil.copy(by_libreoffice[ending], (files / ROUND).with_suffix(f".{ending}"))
    seen = watched(tmp_path / "all", ["compute", str(files)], APPRAISE_PASSWORD=PASSWORD)
    left = {Path(name).name for name in seen.written if name != os.devnull}
    assert left == {".appraise.lock", "results"}


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


COMPUTE = ["compute", str(STAGE_FILES)]
REPORTS = [
    ["report"],
    ["report", "--format", "docx"],
    ["report", "--unit", UNIT],
    ["report", "--each-unit", "letters"],
]


@pytest.fixture(scope="module")
def locked_up(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    lines = [[*COMPUTE, "--encrypt-result"], *([*line, "--encrypt"] for line in REPORTS)]
    folder = tmp_path_factory.mktemp("encrypted") / "all"
    # The result is sealed under the one and all reports under the other.
    first = watched(folder, lines[0], APPRAISE_PASSWORD=PASSWORD)
    secrets = {"APPRAISE_PASSWORD": PASSWORD, "APPRAISE_NEW_PASSWORD": FOR_UNITS}
    rest = watched(folder, *lines[1:], ["explain", UNIT], **secrets)
    return Watched(folder, first.written + rest.written)


@pytest.fixture(scope="module")
def in_the_clear(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return watched(tmp_path_factory.mktemp("clear") / "all", COMPUTE, *REPORTS[:3])


def needles(run: Result) -> dict[str, bytes]:
    """What must not be found: the units' names and their numbers, as text in two encodings."""
    texts = set()
    for standings in run.standings.values():
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


def test_no_byte_of_any_file_holds_a_name_or_a_score(locked_up: Watched, run: Result) -> None:
    files = [path for path in locked_up.folder.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".xlsx"]) == 2 + 54
    assert holding(locked_up.folder, needles(run)) == set()


def test_without_encryption_the_same_search_finds_every_file(
    in_the_clear: Watched, run: Result
) -> None:
    assert holding(in_the_clear.folder, needles(run)) == {
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


def test_without_encryption_a_working_folder_is_seen_on_the_way(in_the_clear: Watched) -> None:
    assert any(".appraise." in name for name in in_the_clear.written)


def outputs(folder: Path) -> dict[str, Path]:
    results = folder / "work" / "results"
    return {
        "xlsx": results / "wuhu-2020.xlsx",
        "docx": results / "wuhu-2020.docx",
        "unit": results / f"wuhu-2020-{UNIT}.xlsx",
        "letter": next((folder / "work" / "letters").rglob(f"{UNIT}.xlsx")),
    }


@pytest.mark.parametrize("name", ["xlsx", "docx", "unit", "letter"])
def test_no_library_opens_an_encrypted_report(locked_up: Watched, name: str) -> None:
    path = outputs(locked_up.folder)[name]
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
        script = Path(__file__).parent / "open_encrypted.py"
        command = [bridge, str(script), soffice, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        answers: list[str | None] = json.loads(done.stdout)
        return answers

    return opened


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


def test_libreoffice_converts_nothing_without_the_password(
    locked_up: Watched, convert: Callable[[Path, str], Path]
) -> None:
    for path in outputs(locked_up.folder).values():
        assert not convert(path, "pdf").exists()


# The commands, from inside


@pytest.fixture
def sealed(
    tmp_path: Path, appraise_cli: Appraise, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    for name in ("APPRAISE_PASSWORD", "APPRAISE_NEW_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "secret").write_text(PASSWORD + "\n", encoding="utf-8")
    done = appraise_cli(*SMALL, "--encrypt-result", "--password-file", "secret")
    assert done.exit_code == 0, done.output
    yield tmp_path / "results" / "appraisal.sealed"


SMALL = ("compute", EXAMPLES / "sichuan-2011", "--scheme", "sichuan-2011")
SCHEME = ("--scheme", "sichuan-2011")


def test_a_sealed_result_is_read_where_no_other_stands_and_by_whatever_name(
    sealed: Path, appraise_cli: Appraise
) -> None:
    assert not (sealed.parent / "appraisal.json").exists()
    key = ("--password-file", "secret")
    assert appraise_cli("explain", "成都市", *SCHEME, *key).exit_code == 0
    renamed = sealed.rename(sealed.with_name("any.thing"))
    for command in (("explain", "成都市"), ("report", "--format", "csv")):
        done = appraise_cli(*command, *SCHEME, "--result", renamed, *key)
        assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("given", "code"), [((), "result-sealed"), (("--password-file", "other"), "result-not-opened")]
)
def test_a_missing_or_wrong_password_is_a_finding(
    sealed: Path, appraise_cli: Appraise, given: tuple[str, ...], code: str
) -> None:
    Path("other").write_text("other", encoding="utf-8")
    done = appraise_cli("explain", "成都市", *SCHEME, *given)
    assert done.exit_code == 1
    assert f"results/appraisal.sealed  error [{code}]" in done.output


def test_two_results_are_not_taken_for_each_other(sealed: Path, appraise_cli: Appraise) -> None:
    assert appraise_cli(*SMALL).exit_code == 0
    assert "[result-ambiguous]" in appraise_cli("report", *SCHEME).output
    plain = ("--result", sealed.with_name("appraisal.json"))
    assert appraise_cli("report", *SCHEME, *plain).exit_code == 0


def test_every_plain_result_beside_a_new_sealed_one_is_named_and_left(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    texts = {"appraisal.json": b"old", "appraisal.1.json": b"older", "other.json": b"another's"}
    for name, content in texts.items():
        (results / name).write_bytes(content)
    (results / "appraisal.2.json").write_bytes(seal(b"{}", PASSWORD))
    Path("secret").write_text(PASSWORD, encoding="utf-8")
    done = appraise_cli(*SMALL, "--encrypt-result", "--password-file", "secret")
    assert done.exit_code == 0
    named = re.findall(r"^(\S+)  warning \[copy-unencrypted\]", done.output, re.MULTILINE)
    assert named == ["results/appraisal.1.json", "results/appraisal.json"]
    assert {name: (results / name).read_bytes() for name in texts} == texts


def test_an_earlier_plain_report_that_is_kept_is_named(
    sealed: Path, appraise_cli: Appraise
) -> None:
    command = ("report", *SCHEME, "--format", "docx", "--password-file", "secret")
    assert appraise_cli(*command).exit_code == 0
    done = appraise_cli(*command, "--encrypt")
    assert done.exit_code == 0
    kept = re.findall(r"^(\S+)  warning \[copy-unencrypted\]", done.output, re.MULTILINE)
    assert len(kept) == 1
    assert docx.Document(kept[0]).paragraphs
    assert is_encrypted(sealed.with_name("sichuan-2011.docx").read_bytes())


@pytest.mark.parametrize("form", ["csv", "json", "md"])
def test_what_no_office_program_could_open_again_is_not_encrypted(
    form: str, appraise_cli: Appraise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPRAISE_PASSWORD", PASSWORD)
    done = appraise_cli("report", "--encrypt", "--format", form)
    assert done.exit_code == 2
    assert "xlsx, docx" in done.output


@pytest.mark.parametrize("password", [None, "", "x" * 256, "\udcff"])
def test_without_a_usable_password_nothing_is_read_or_written(
    password: str | None, tmp_path: Path, appraise_cli: Appraise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APPRAISE_PASSWORD", raising=False)
    if password is not None:
        monkeypatch.setenv("APPRAISE_PASSWORD", password)
    done = appraise_cli(*SMALL, "--encrypt-result")
    assert done.exit_code == 2
    assert "password" in done.output
    assert not (tmp_path / "results").exists()


def test_a_password_file_without_a_password_is_refused(
    tmp_path: Path, appraise_cli: Appraise
) -> None:
    Path("empty").touch()
    Path("blank").write_text("\nsecond line\n", encoding="utf-8")
    for name, code in (("empty", 1), ("blank", 2), ("missing", 1)):
        done = appraise_cli(*SMALL, "--encrypt-result", "--password-file", name)
        assert done.exit_code == code, done.output
    assert not (tmp_path / "results").exists()


def test_a_new_password_is_asked_for_twice(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["report", *SCHEME, "--ask-password", "--encrypt", "--format", "docx"]
    made = sealed.with_name("sichuan-2011.docx")

    def answered(*lines: str) -> int:
        return CliRunner().invoke(main, command, input="\n".join(lines) + "\n").exit_code

    assert answered(PASSWORD, "one", "two") == 1
    assert not made.exists()
    assert answered(PASSWORD, "one", "one") == 0
    file = msoffcrypto.OfficeFile(io.BytesIO(made.read_bytes()))
    file.load_key(password="one", verify_password=True)


def test_what_goes_back_to_a_unit_never_opens_with_the_password_of_the_result(
    sealed: Path, appraise_cli: Appraise
) -> None:
    command = ("report", *SCHEME, "--encrypt", "--unit", "成都市", "--password-file", "secret")
    done = appraise_cli(*command)
    assert done.exit_code == 2
    assert "--new-password-file" in done.output
    Path("new").write_text(FOR_UNITS, encoding="utf-8")
    assert appraise_cli(*command, "--new-password-file", "new").exit_code == 0


def every_command(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from every_command(child, (*path, name))


def test_no_option_takes_a_password_on_the_command_line() -> None:
    taken = [
        (path, option.opts)
        for path, command in every_command(main)
        for option in command.params
        if isinstance(option, click.Option)
        and any("password" in name or name == "--protect-with" for name in option.opts)
        and not option.is_flag
        and not isinstance(option.type, click.Path)
    ]
    assert taken == []


# SECURITY.md


def test_the_commands_of_the_page_on_security_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    shutil.copytree(STAGE_FILES, tmp_path / "stage-files")
    monkeypatch.chdir(tmp_path)
    for name in ("password.txt", "unit.txt"):
        Path(name).write_text(f"the password in {name}\n", encoding="utf-8")
    lines = commands(text)
    assert len(lines) >= 4
    for line in lines:
        done = CliRunner().invoke(main, shlex.split(line, comments=True)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix in (".xlsx", ".docx", ".sealed", ".json"):
            content = path.read_bytes()
            inside = path.is_relative_to(tmp_path / "stage-files")
            assert inside or is_encrypted(content) or is_sealed(content), path
