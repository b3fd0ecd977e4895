"""A result kept so that nobody reads it without the password, or changes it unnoticed.

The password becomes a key by scrypt (RFC 7914), the key encrypts and authenticates with AES-256 in
GCM (NIST SP 800-38D), both by the package cryptography. A file is a header and what GCM made; the
header says how the key was derived and is authenticated with the rest:

    17 bytes  ``appraise sealed``, a line feed, and the version of this layout, 1
     3 bytes  scrypt's cost: the logarithm of N to the base 2, r, p
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
_HIGHEST_COST = (18, 8, 2)
_KEY, _SALT, _NONCE, _TAG = 32, 16, 12, 16


def seal(content: bytes, password: str) -> bytes:
    """The content encrypted under the password, with a salt and a nonce of its own.

    Deriving the key takes 128 MiB of memory. Raises ValueError for an empty password.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not password:
        raise ValueError("an empty password protects nothing")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    header = _HEADER.pack(_MAGIC, *_COST, salt, nonce)
    return header + AESGCM(_key(password, salt, _COST)).encrypt(nonce, content, header)


def is_sealed(content: bytes) -> bool:
    """Whether a file is a sealed result of any version, by how it begins."""
    return content.startswith(_MAGIC[:-1])


def unsealed(name: str, content: bytes, password: str | None) -> tuple[bytes, Finding | None]:
    """The content in the clear; a finding where the password is missing or does not open it.

    A wrong password and a changed byte cannot be told apart: either way nothing is given out.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if not content.startswith(_MAGIC):
        problem = _("it was sealed by another version of the program")
        return b"", finding("result-unreadable", Source(name), problem=problem)
    header, cost, salt, nonce = _parts(content)
    if header is None:
        problem = _("it is cut short or was changed")
        return b"", finding("result-unreadable", Source(name), problem=problem)
    if not password:
        return b"", finding("result-sealed", Source(name))
    try:
        key = _key(password, salt, cost)
        return AESGCM(key).decrypt(nonce, content[len(header) :], header), None
    except InvalidTag:
        return b"", finding("result-not-opened", Source(name))


def _parts(content: bytes) -> tuple[bytes | None, tuple[int, int, int], bytes, bytes]:
    """The header and its parts; None for a header that is cut short or asks for too much work."""
    if len(content) < _HEADER.size + _TAG:
        return None, _COST, b"", b""
    _magic, cost, blocks, lanes, salt, nonce = _HEADER.unpack_from(content)
    asked = (cost, blocks, lanes)
    fits = all(0 < item <= most for item, most in zip(asked, _HIGHEST_COST, strict=True))
    return (content[: _HEADER.size] if fits else None), asked, salt, nonce


def _key(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    logarithm, blocks, lanes = cost
    derived = Scrypt(salt=salt, length=_KEY, n=2**logarithm, r=blocks, p=lanes)
    # A password of the environment may hold bytes that are no text.
    return derived.derive(password.encode("utf-8", "surrogateescape"))
