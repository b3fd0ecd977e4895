"""A result kept so that nobody reads it without the password, or changes it unnoticed.

The password becomes a key by scrypt (RFC 7914), the key encrypts and authenticates with AES-256 in
GCM (NIST SP 800-38D), both by the package cryptography. A file is a header and what GCM made; the
header says how the key was derived and is authenticated with the rest:

    17 bytes  ``appraise sealed``, a line feed, and the version of this layout, 1
     3 bytes  scrypt's cost: the logarithm of N to the base 2, r, p; in version 1 always 17, 8, 1
    16 bytes  scrypt's salt, random
    12 bytes  GCM's nonce, random
"""

import secrets
import struct

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.i18n import _

NAME = "appraisal.sealed"
"""What a sealed result is called: not .json, because nothing that reads JSON can read it."""

_MAGIC = b"appraise sealed\n\x01"
_HEADER = struct.Struct(">17s3B16s12s")
_COST = (17, 8, 1)
_KEY, _SALT, _NONCE, _TAG = 32, 16, 12, 16
_MOST = 2**31 - 1
"""The most bytes that the package cryptography encrypts or decrypts at once."""


def seal(content: bytes, password: str) -> bytes:
    """The content encrypted under the password, with a salt and a nonce of its own.

    Deriving the key takes 128 MiB of memory. Raises ValueError for an empty password.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not password:
        raise ValueError("an empty password protects nothing")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    header = _HEADER.pack(_MAGIC, *_COST, salt, nonce)
    return header + AESGCM(_key(password, salt)).encrypt(nonce, content, header)


def is_sealed(content: bytes) -> bool:
    """Whether a file is a sealed result of any version, by how it begins."""
    return content.startswith(_MAGIC[:-1])


def unsealed(name: str, content: bytes, password: str | None) -> tuple[bytes, Finding | None]:
    """The content in the clear; a finding where the password is missing or does not open it.

    A wrong password and a changed byte cannot be told apart: either way nothing is given out.
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
    try:
        return AESGCM(_key(password, salt)).decrypt(nonce, content[len(header) :], header), None
    except InvalidTag:
        return b"", finding("result-not-opened", Source(name))


def _key(password: str, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    logarithm, blocks, lanes = _COST
    derived = Scrypt(salt=salt, length=_KEY, n=2**logarithm, r=blocks, p=lanes)
    # A password of the environment may hold bytes that are no text.
    return derived.derive(password.encode("utf-8", "surrogateescape"))
