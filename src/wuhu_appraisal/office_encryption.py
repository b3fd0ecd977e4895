"""Workbooks and documents encrypted as office programs do it, so that they open them again.

It is the agile encryption of [MS-OFFCRYPTO] 2.3.4.10 (ECMA-376 packages): AES-256 in CBC, the key
from the password by SHA-512 100,000 times over, and an HMAC over what is encrypted. Excel, WPS and
LibreOffice ask for the password and open it. msoffcrypto-tool does the work, in memory.
"""

import io
import secrets

LONGEST_PASSWORD = 255
"""The most characters that office programs let a person enter."""

_KEY = 32
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def encrypted(content: bytes, password: str) -> bytes:
    """An .xlsx or .docx that opens with the password alone.

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
    key = ECMA376Agile.makekey_from_password(
        password,
        outer.saltValue,
        outer.hashName,
        about.encryptedKeyValue,
        about.spinCount,
        outer.keyBits,
    )
    package = ECMA376Agile.encrypt_payload(
        io.BytesIO(content), about.keyData, key, about.keyData.saltValue
    )
    stream = ECMA376Agile.get_encryption_information(about, package, key)
    made = io.BytesIO()
    ECMA376Encrypted(package, stream).write_to(made)
    return made.getvalue()


def is_encrypted(content: bytes) -> bool:
    """Whether what was an .xlsx or .docx is one no longer: encrypted, they are compound files."""
    return content.startswith(_COMPOUND)
