"""Encrypt and decrypt what the program reads and writes, in memory and under a password.

A result is sealed in a format of its own: AES-256-GCM with a key that scrypt derives from the
password. Workbooks and documents are encrypted as office programs do it, so that Excel, WPS and
LibreOffice ask for the password and open them: the agile encryption of [MS-OFFCRYPTO] 2.3.4.10
(ECMA-376 packages), AES-256 in CBC, the key from the password by SHA-512 100,000 times over, and an
HMAC over what is encrypted. A workbook that is read may have any encryption that msoffcrypto-tool
knows.
"""

import hashlib
import hmac
import io
import secrets
import struct
import sys
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import _

NAME = "appraisal.sealed"
"""The file name of a sealed result: not .json, because nothing that reads JSON can read it."""

LONGEST_PASSWORD = 255
"""The most characters that office programs let a person enter."""

COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an .xls begins, and every encrypted workbook or document ([MS-CFB] 2.2)."""

_KEY = 32

# --- Compound files and their records

_HEADER_SIZE, _HEADER_TABLES = 512, 109
_END_OF_CHAIN = 0xFFFFFFFE
_FILE_PASS, _GLOBALS_END = 0x2F, 0x0A


def open_compound(content: bytes) -> Any:
    """Open a compound file ([MS-CFB]) whose numbers are within the bounds of the file.

    Raises ValueError for an entry that is larger than the file, and for a damaged file whatever
    olefile comes upon.
    """
    # Imported here because few files are of the old format.
    from olefile import STGTY_ROOT, STGTY_STREAM, OleFileIO

    # The types of olefile leave out most of what it has.
    ole: Any = OleFileIO(io.BytesIO(_within_bounds(content)))
    for entry in filter(None, ole.direntries):
        if entry.entry_type in (STGTY_ROOT, STGTY_STREAM) and entry.size > len(content):
            raise ValueError("an entry is larger than the file")
    return ole


def _within_bounds(content: bytes) -> bytes:
    """Return a compound file with the numbers of its header corrected (2.2).

    olefile reads as many sectors as they say, although a chain may be a circle. Raises ValueError
    for a table of sectors that is longer than the file needs.
    """
    header = bytearray(content[:_HEADER_SIZE].ljust(_HEADER_SIZE, b"\0"))
    version, shift = (
        struct.unpack_from("<H", header, 26)[0],
        struct.unpack_from("<H", header, 30)[0],
    )
    if shift not in (9, 12):
        shift = 12 if version == 4 else 9
    struct.pack_into("<HH", header, 30, shift, 6)
    sectors = (len(content) >> shift) + 1
    tables = (sectors >> (shift - 2)) + 1
    said, mini, more = (struct.unpack_from("<I", header, at)[0] for at in (44, 64, 72))
    struct.pack_into("<I", header, 64, min(mini, sectors))
    if tables <= _HEADER_TABLES:
        struct.pack_into("<II", header, 68, _END_OF_CHAIN, 0)
    elif max(said, more) > 2 * tables:
        raise ValueError("the table of sectors is longer than the file")
    return bytes(header) + content[_HEADER_SIZE:]


def workbook_stream(ole: Any) -> bytes | None:
    """Return the records of an .xls; None if the compound file is another one.

    Raises ValueError if a sector is in the stream twice.
    """
    names = ("workbook", "book")
    streams = [entry for name in names for entry in ole.root.kids if entry.name.lower() == name]
    if not streams:
        return None
    stream: bytes = ole.openstream(streams[0].name).read()
    table, size = (
        (ole.minifat, ole.minisectorsize) if streams[0].is_minifat else (ole.fat, ole.sectorsize)
    )
    passed, sector = set(), streams[0].isectStart
    for _sector in range(-(-len(stream) // size)):
        if sector in passed:
            raise ValueError("the chain of sectors is a circle")
        passed.add(sector)
        sector = table[sector]
    return stream


def biff_records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, the place and the data of each record of an .xls ([MS-XLS] 2.1.4)."""
    at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        yield kind, at, stream[at + 4 : at + 4 + size]
        at += 4 + size


# --- Results

_MAGIC = b"appraise sealed\n\x01"
_HEADER = struct.Struct(">17s3B16s12s")
_COST = (17, 8, 1)
_SALT, _NONCE, _TAG = 16, 12, 16
_MOST = 2**31 - 1
"""The most bytes that the package cryptography encrypts or decrypts at once."""


def seal(content: bytes, password: str) -> bytes:
    """Encrypt a result under a password, with a salt and a nonce of its own.

    Deriving the key takes 128 MiB of memory. Raises ValueError for an empty password.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not password:
        raise ValueError("an empty password protects nothing")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    header = _HEADER.pack(_MAGIC, *_COST, salt, nonce)
    return header + AESGCM(_sealing_key(password, salt)).encrypt(nonce, content, header)


def is_sealed(content: bytes) -> bool:
    """Return whether a file begins as a sealed result of any version does."""
    return content.startswith(_MAGIC[:-1])


def unseal(name: str, content: bytes, password: str | None) -> tuple[bytes, Finding | None]:
    """Decrypt a result; a finding if the password is missing, or does not open it.

    A wrong password and a changed byte cannot be told apart: either way nothing is returned.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    whole = _HEADER.size + _TAG <= len(content) <= _MOST
    if whole and not content.startswith(_MAGIC):
        problem = _("it was sealed by another version of the program")
        return b"", finding("result-unreadable", Source(name), problem=problem)
    # Any other cost was never written, and could ask for memory or time without end.
    if not whole or not content.startswith(_MAGIC + bytes(_COST)):
        problem = _("it is cut short or was changed")
        return b"", finding("result-unreadable", Source(name), problem=problem)
    if not password:
        return b"", finding("result-sealed", Source(name))
    header = content[: _HEADER.size]
    *_start, salt, nonce = _HEADER.unpack(header)
    cipher = AESGCM(_sealing_key(password, salt))
    try:
        return cipher.decrypt(nonce, content[len(header) :], header), None
    except InvalidTag:
        return b"", finding("result-not-opened", Source(name))


def _sealing_key(password: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    logarithm, blocks, lanes = _COST
    derived = Scrypt(salt=salt, length=_KEY, n=2**logarithm, r=blocks, p=lanes)
    # A password of the environment may hold bytes that are no text.
    return derived.derive(password.encode("utf-8", "surrogateescape"))


# --- Workbooks and documents

_VERIFIER_INPUT = bytes.fromhex("fea7d2763b4b9e79")
_VERIFIER_HASH = bytes.fromhex("d7aa0f6d3061344e")
_PACKAGE_KEY = bytes.fromhex("146e0be7abacd0d6")
_HMAC_KEY = bytes.fromhex("5fb2ad010cb9e1f6")
_HMAC_VALUE = bytes.fromhex("a0677f02b22c8433")
"""What keys and initial values are derived with, each for its purpose (2.3.4.13, 2.3.4.14)."""

_MOST_ROUNDS = 1_000_000
"""Ten times as many as office programs use."""


class _WrongPasswordError(ValueError):
    """The password does not open the file, or the file is encrypted in a way that nothing opens."""


class _OlderError(ValueError):
    """The file is encrypted as Excel 5 and 95 did, which msoffcrypto-tool cannot decrypt."""


class _Memory:
    """Stands in for ``tempfile`` where msoffcrypto-tool decrypts the old formats into a file."""

    TemporaryFile = io.BytesIO


def encrypt(content: bytes, password: str) -> bytes:
    """Encrypt an .xlsx or .docx.

    Raises ValueError for a password that is empty or longer than LONGEST_PASSWORD.
    """
    from msoffcrypto.method.container.ecma376_encrypted import ECMA376Encrypted
    from msoffcrypto.method.ecma376_agile import ECMA376Agile

    if not 0 < len(password) <= LONGEST_PASSWORD:
        raise ValueError("office programs take passwords of 1 to 255 characters")
    about, _short = ECMA376Agile.generate_encryption_parameters(password)
    outer = about.encryptedKey
    # The library's own key has 16 random bytes and 16 that are always the same. An encrypted key
    # drawn at random stands for a key that is random in all its bytes.
    about.encryptedKeyValue = secrets.token_bytes(_KEY)
    derived_by = (outer.saltValue, outer.hashName, about.encryptedKeyValue, about.spinCount)
    key = ECMA376Agile.makekey_from_password(password, *derived_by, outer.keyBits)
    package = ECMA376Agile.encrypt_payload(
        io.BytesIO(content), about.keyData, key, about.keyData.saltValue
    )
    stream = ECMA376Agile.get_encryption_information(about, package, key)
    file = io.BytesIO()
    ECMA376Encrypted(package, stream).write_to(file)
    return file.getvalue()


def is_encrypted(content: bytes) -> bool:
    """Return whether a workbook or document needs a password before it can be read."""
    if not content.startswith(COMPOUND_FILE):
        return False
    try:
        with open_compound(content) as ole:
            if ole.exists("EncryptionInfo"):
                return True
            records = biff_records(workbook_stream(ole) or b"")
            head = takewhile(lambda record: record[0] != _GLOBALS_END, records)
            return any(kind == _FILE_PASS for kind, _at, _data in head)
    except Exception:
        # Damaged bytes make it raise whatever it comes upon; the reading will say so.
        return False


def decrypt(name: str, content: bytes, password: str | None) -> tuple[bytes, Finding | None]:
    """Decrypt a workbook or document ([MS-OFFCRYPTO]); one that is not encrypted stays as it is.

    A finding says that the password is missing or wrong, or that the file was changed or damaged.
    """
    if not is_encrypted(content):
        return content, None
    if password is None:
        return content, finding("file-protected", Source(name))
    try:
        return _decrypt(content, password), None
    except _WrongPasswordError:
        return content, finding("file-password-wrong", Source(name))
    except _OlderError:
        return content, finding("file-protected", Source(name))
    except Exception:
        return content, finding("file-damaged", Source(name))


def _decrypt(content: bytes, password: str) -> bytes:
    """Decrypt, and check the HMAC where there is one: the encryptions before the agile one have none.

    Raises _WrongPasswordError, _OlderError, ValueError for a file that was changed, and for a
    damaged one whatever msoffcrypto-tool comes upon.
    """
    # Imported here because few files are encrypted.
    import msoffcrypto
    from msoffcrypto.exceptions import DecryptionError, InvalidKeyError

    content = _within_bounds(content)
    with open_compound(content) as ole:
        if not any(map(ole.exists, ("EncryptionInfo", "Workbook"))):
            raise _OlderError
    office: Any = msoffcrypto.OfficeFile(io.BytesIO(content))
    kind = getattr(office, "type", "")
    try:
        if kind == "agile":
            office.load_key(secret_key=_package_key(office.info, password))
        else:
            options = {"verify_password": True} if kind == "standard" else {}
            office.load_key(password=password, **options)
    except (InvalidKeyError, DecryptionError, UnicodeEncodeError) as error:
        raise _WrongPasswordError from error
    if kind == "agile" and not _is_whole(office):
        raise ValueError("the file was changed after it was encrypted")
    clear = io.BytesIO()
    module: Any = sys.modules[type(office).__module__]
    if hasattr(module, "tempfile"):
        module.tempfile = _Memory
    office.decrypt(clear)
    return clear.getvalue()


# msoffcrypto-tool compares digests with their padding, for the password and for the HMAC, and so
# refuses what Office 2010 encrypts: SHA-1 fills no whole number of blocks.


def _package_key(about: dict[str, Any], password: str) -> bytes:
    """Return the key of the package ([MS-OFFCRYPTO] 2.3.4.13).

    Raises _WrongPasswordError, and ValueError for more rounds than any office program uses.
    """
    name = about["passwordHashAlgorithm"]
    salt = about["passwordSalt"]
    if about["spinValue"] > _MOST_ROUNDS:
        raise ValueError("deriving the key would take too long")
    rounds = _digest(name, salt + password.encode("utf-16-le"))
    for number in range(about["spinValue"]):
        rounds = _digest(name, struct.pack("<I", number) + rounds)

    def clear(part: str, purpose: bytes) -> bytes:
        key = _digest(name, rounds + purpose)[: about["passwordKeyBits"] // 8]
        return _decrypt_block(about[part], key, salt)

    expected = _digest(name, clear("encryptedVerifierHashInput", _VERIFIER_INPUT))
    if clear("encryptedVerifierHashValue", _VERIFIER_HASH)[: len(expected)] != expected:
        raise _WrongPasswordError
    return clear("encryptedKeyValue", _PACKAGE_KEY)


def _is_whole(office: Any) -> bool:
    """Return whether the HMAC is that of the encrypted package ([MS-OFFCRYPTO] 2.3.4.14)."""
    about = office.info
    name = about["keyDataHashAlgorithm"]

    def clear(part: str, purpose: bytes) -> bytes:
        start = _digest(name, about["keyDataSalt"] + purpose)[: about["keyDataBlockSize"]]
        return _decrypt_block(about[part], office.secret_key, start)

    with office.file.openstream("EncryptedPackage") as stream:
        package = stream.read()
    size = len(_digest(name, b""))
    key = clear("encryptedHmacKey", _HMAC_KEY)[:size]
    value = clear("encryptedHmacValue", _HMAC_VALUE)[:size]
    return hmac.compare_digest(value, hmac.digest(key, package, name))


def _digest(name: str, content: bytes) -> bytes:
    return hashlib.new(name, content).digest()


def _decrypt_block(content: bytes, key: bytes, start: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    decryptor = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    return decryptor.update(content) + decryptor.finalize()
