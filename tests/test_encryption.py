"""What is encrypted opens with its password and by nothing else, and leaves no copy in the clear."""

import hashlib
import hmac
import io
import itertools
import os
import re
import secrets
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msoffcrypto
import olefile
import openpyxl
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from helpers import STAGE_FILES, TESTS, slow_but
from helpers.office import SAVED
from helpers.watched import PASSWORD, code, watched
from msoffcrypto.exceptions import InvalidKeyError
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.method.container.ecma376_encrypted import ECMA376Encrypted
from msoffcrypto.method.ecma376_agile import ECMA376AgileEncryptionInfo
from python_calamine import CalamineError, load_workbook

from wuhu_appraisal import store as result
from wuhu_appraisal.encryption import decrypt, encrypt, is_sealed, seal, unseal
from wuhu_appraisal.result import Result


@pytest.fixture(scope="module")
def run(wuhu_run: Result) -> Result:
    return wuhu_run


# A sealed result


@cache
def sealed() -> bytes:
    """A small sealed result; deriving a key takes long, so it is made once."""
    return seal(b'{"format": 1}', PASSWORD)


def test_a_sealed_result_opens_with_its_password_and_is_the_same_to_the_byte(run: Result) -> None:
    content = result.dump(run)
    made = seal(content, PASSWORD)
    assert is_sealed(made)
    assert unseal("", made, PASSWORD) == (content, None)


def test_the_same_result_is_never_sealed_alike_twice() -> None:
    one, two = seal(b"{}", PASSWORD), seal(b"{}", PASSWORD)
    assert one[20:36] != two[20:36]
    assert one[36:48] != two[36:48]
    assert one[48:] != two[48:]


@pytest.mark.parametrize(
    "place", [16, 17, 18, 19, 20, 35, 36, 47, 48, 60, -17, -16, -1], ids="byte {}".format
)
def test_no_changed_byte_goes_unnoticed(place: int) -> None:
    made = bytearray(sealed())
    made[place] ^= 1
    content, found = unseal("", bytes(made), PASSWORD)
    assert content == b""
    assert found is not None
    assert found.code in ("result-not-opened", "result-unreadable")


def refused(content: bytes) -> str:
    """The code of the finding about a sealed result that gives nothing out."""
    clear, found = unseal("", content, PASSWORD)
    assert clear == b""
    assert found is not None
    return found.code


def test_what_is_cut_short_or_longer_is_refused() -> None:
    made = seal(b"", PASSWORD)
    assert {refused(made[:length]) for length in range(len(made))} == {"result-unreadable"}
    longer = sealed()
    assert refused(longer[:-1]) == "result-not-opened"
    assert refused(longer + b"\0") == "result-not-opened"
    assert refused(longer + longer) == "result-not-opened"


def test_no_changed_bit_before_the_salt_is_worth_deriving_a_key() -> None:
    made = sealed()
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
    made = sealed()
    assert refused(made[:17] + bytes(cost) + made[20:]) == "result-unreadable"


def test_what_stands_before_the_scores_tells_nothing_but_how_to_open_them() -> None:
    assert sealed()[:20] == b"appraise sealed\n\x01\x11\x08\x01"


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


@pytest.mark.parametrize("rows", slow_but([1, 100, 100_000], 1, 100))
def test_a_workbook_of_any_size_opens_with_its_password_and_is_the_same_to_the_byte(
    rows: int,
) -> None:
    content = spreadsheet(rows)
    file = msoffcrypto.OfficeFile(io.BytesIO(encrypt(content, PASSWORD)))
    file.load_key(password=PASSWORD, verify_password=True)
    clear = io.BytesIO()
    file.decrypt(clear, verify_integrity=True)
    assert clear.getvalue() == content


def test_a_wrong_password_opens_no_workbook() -> None:
    file = msoffcrypto.OfficeFile(io.BytesIO(encrypt(spreadsheet(1), PASSWORD)))
    with pytest.raises(InvalidKeyError):
        file.load_key(password=PASSWORD + " ", verify_password=True)


def test_the_encryption_is_aes_of_256_random_bits_and_a_slow_key() -> None:
    made = encrypt(spreadsheet(1), PASSWORD)
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
    files = [msoffcrypto.OfficeFile(io.BytesIO(encrypt(content, PASSWORD))) for _ in range(2)]
    for file in files:
        file.load_key(password=PASSWORD)
    for name in ("keyDataSalt", "passwordSalt", "encryptedKeyValue"):
        assert files[0].info[name] != files[1].info[name]
    assert files[0].secret_key != files[1].secret_key


@pytest.mark.parametrize("password", ["", "x" * 256])
def test_a_password_that_no_office_program_takes_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        encrypt(spreadsheet(1), password)


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
    return encrypt(content, PASSWORD)


AGILE = pytest.mark.parametrize("made_by", [ours, by_others, as_in_2010])


@AGILE
def test_what_came_encrypted_opens_with_its_password_alone(
    made_by: Callable[[bytes], bytes],
) -> None:
    content = spreadsheet(200)
    made = made_by(content)
    assert decrypt("", made, PASSWORD) == (content, None)
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


@pytest.fixture(
    scope="module", params=["as committed", pytest.param("anew", marks=pytest.mark.slow)]
)
def by_libreoffice(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The first round of the example as LibreOffice encrypts it, by the file's ending."""
    committed = {ending: SAVED / f"encrypted.{ending}" for ending in ("xlsx", "xls", "ods")}
    if request.param == "as committed":
        return committed
    folder = tmp_path_factory.mktemp("by-libreoffice")
    source = folder / "source.xlsx"
    shutil.copy(STAGE_FILES / ROUND, source)
    made = {ending: folder / path.name for ending, path in committed.items()}
    bridge, soffice = (request.getfixturevalue(name) for name in ("bridge", "soffice"))
    script = TESTS / "helpers" / "save_encrypted.py"
    command = [bridge, str(script), soffice, str(source), PASSWORD, *map(str, made.values())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    if os.environ.get("APPRAISE_SAVE_AGAIN"):
        for ending, path in made.items():
            shutil.copy(path, committed[ending])
    return made


ROUND = "日常测评/第1轮.xlsx"


@pytest.mark.parametrize("ending", ["xlsx", "xls"])
def test_what_libreoffice_encrypted_opens_with_its_password_alone(
    by_libreoffice: dict[str, Path], ending: str
) -> None:
    content = by_libreoffice[ending].read_bytes()
    clear, found = decrypt("", content, PASSWORD)
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
