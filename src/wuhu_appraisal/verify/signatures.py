"""Detached signatures, checked by the programs that make them: ssh-keygen and gpg.

SSH signatures are those of ``ssh-keygen -Y sign -n appraise`` (OpenSSH's PROTOCOL.sshsig), OpenPGP
ones those of ``gpg --detach-sign`` (RFC 9580); docs/signing.md has the commands.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.language import N_

NAMESPACE = "appraise"

_SSH, _PGP = b"-----BEGIN SSH SIGNATURE-----", b"-----BEGIN PGP SIGNATURE-----"
_PACKET = 0x80
"""The bit that the first byte of every OpenPGP packet has (RFC 9580, 4.2)."""

_SECONDS = 60
_OTHER = N_("the file was changed after it was signed, or it is the signature of another file")
_NOBODY = N_("none of the signers that were given made it")
_NONE = N_("it is no signature that ssh-keygen or gpg makes")
_ABSENT = {
    "ssh-keygen": N_("the program ssh-keygen is not installed"),
    "gpg": N_("the program gpg is not installed"),
}
_LATE = N_("the program that checks it gave no answer")
_NO_KEYS = N_("the file of signers holds no key of the kind that the signature needs")
_UNKNOWN = N_("gpg does not know this kind of signature")
_PURPOSE = N_("it was made for another purpose than a result")
_NOT_FOR = N_("the file of signers does not let the signer's key count for results")
_TIME = N_("the file of signers does not let the signer's key count today")
_EXPIRED = N_("it held for a time only, which is over")
_KEY_EXPIRED = N_("the signer's key held for a time only, which is over")
_KEY_REVOKED = N_("the signer's key was revoked")
_TEXT = N_("it was made of the text alone, so it would hold with other line ends too")

_STATES = (
    ("NO_PUBKEY", _NOBODY),
    ("BADSIG", _OTHER),
    ("REVKEYSIG", _KEY_REVOKED),
    ("EXPKEYSIG", _KEY_EXPIRED),
    ("EXPSIG", _EXPIRED),
)
"""What gpg says of a signature that does not hold, or not any more (doc/DETAILS of GnuPG)."""

_SSH_SAYS = (
    (b"key has expired", _TIME),
    (b"key is not yet valid", _TIME),
    (b"not permitted for use in signature namespace", _NOT_FOR),
)
"""What ssh-keygen says of a key in the file of signers that does not count (sshsig.c of OpenSSH)."""

_STATUS = "[GNUPG:] "

_OF_BYTES = "00"
"""The class of a signature over a file byte for byte; 01 is one over text (RFC 9580, 5.2.1)."""

_FINGERPRINT = re.compile("[0-9A-F]{40}|[0-9A-F]{64}")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_NO_NAMES = frozenset("rei")
"""Marks of a user id that is revoked, expired or not its owner's (doc/DETAILS of GnuPG)."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed, and the fingerprint of the key."""

    signer: str
    key: str


class _UncheckedError(Exception):
    """The check could not be made; the argument is a message id."""


def check(
    content: bytes, signature: Path, signers: Path, signer: str = ""
) -> tuple[Signed | None, list[Finding]]:
    """Who signed the content, or a finding that says why nobody is known to have.

    ``signers`` is a file of allowed signers (ssh-keygen(1)), or of public keys that gpg exported;
    no key outside it counts. ``signer`` names the one who must have signed: the principal, or any
    user id of the key, the address in one, or the fingerprint of the key or the subkey that signed.
    """
    where = Source(str(signature))
    try:
        made = signature.read_bytes()
        signers.read_bytes()
    except OSError as error:
        missing = Source(str(error.filename))
        return None, [finding("file-unreadable", missing, problem=error.strerror)]
    is_ssh = made.lstrip().startswith(_SSH)
    if not is_ssh and not made.lstrip().startswith(_PGP) and not (made and made[0] & _PACKET):
        return None, [finding("signature-wrong", where, problem_word=_NONE)]
    checked = _ssh if is_ssh else _gpg
    try:
        signed = checked(content, signature.resolve(), signers.resolve(), signer)
    except _UncheckedError as error:
        return None, [finding("signature-unchecked", where, problem_word=error)]
    if isinstance(signed, str):
        return None, [finding("signature-wrong", where, problem_word=signed)]
    return signed, []


def _ssh(content: bytes, signature: Path, signers: Path, signer: str) -> Signed | str:
    """Who signed, or the message id of what is wrong."""
    common = ["-f", str(signers), "-s", str(signature)]
    found = _run("ssh-keygen", ["-Y", "find-principals", *common], b"")
    listed = _lines(found.stdout)
    # Of '!li,*' both are named, and the first is nobody's name.
    names = [signer] if signer else [name for name in listed if not name.startswith("!")]
    said = b"" if signer else found.stderr
    for name in names:
        command = ["-Y", "verify", "-I", name, "-n", NAMESPACE, *common]
        tried = _run("ssh-keygen", command, content)
        if not tried.returncode:
            words = tried.stdout.decode(errors="replace").split()
            return Signed(name, words[-1] if words else "")
        said += tried.stderr
    command = ["-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature)]
    held = _run("ssh-keygen", command, content)
    if listed and held.returncode:
        return _PURPOSE if b"namespace does not match" in held.stderr else _OTHER
    return next((problem for words, problem in _SSH_SAYS if words in said), _NOBODY)


def _gpg(content: bytes, signature: Path, signers: Path, signer: str) -> Signed | str:
    """Who signed, or the message id of what is wrong; the user's own keys are left alone."""
    with tempfile.TemporaryDirectory(prefix=".appraise.") as home:
        common = ["--homedir", home, "--batch", "--no-tty", "--no-auto-key-retrieve"]
        if _run("gpg", [*common, "--import", str(signers)], b"").returncode:
            raise _UncheckedError(_NO_KEYS)
        common += ["--trust-model", "always"]
        command = [*common, "--status-fd", "1", "--verify", str(signature), "-"]
        found = _run("gpg", command, content)
        listed = _run("gpg", [*common, "--with-colons", "--list-keys"], b"")
    said = [line.split()[1:] for line in _lines(found.stdout) if line.startswith(_STATUS)]
    states = [words[0] for words in said]
    for state, problem in _STATES:
        if state in states:
            return problem
    if "ERRSIG" in states:
        raise _UncheckedError(_UNKNOWN)
    valid = [words for words in said if words[0] == "VALIDSIG"]
    if found.returncode or not valid or states.count("GOODSIG") != len(valid):
        return _OTHER
    if any(words[9] != _OF_BYTES for words in valid):
        return _TEXT
    names = _user_ids(_lines(listed.stdout))
    return _who([(words[1], words[-1]) for words in valid], names, signer)


def _who(keys: Sequence[tuple[str, str]], names: dict[str, list[str]], signer: str) -> Signed | str:
    """Who of those that signed is meant; each is the key that did it, and the one it belongs to."""
    number = signer.replace(" ", "").upper()
    # A name that is another key's fingerprint is a deceit.
    by_name = _FINGERPRINT.fullmatch(number) is None
    for used, key in keys:
        known = names.get(key) or [""]
        if not signer or number in (used, key):
            return Signed(known[0], key)
        for name in known if by_name else []:
            if signer in (name, name.rpartition("<")[2].rstrip(">")):
                return Signed(name, key)
    return _NOBODY


def _user_ids(listed: Sequence[str]) -> dict[str, list[str]]:
    """The user ids that hold, by the fingerprint of their key, as gpg lists them with colons."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    is_key = False
    for line in listed:
        fields = line.split(":")
        if fields[0] in ("pub", "sub"):
            is_key = fields[0] == "pub"
        elif fields[0] == "fpr" and is_key:
            names = found.setdefault(fields[9], [])
        elif fields[0] == "uid" and not _NO_NAMES & {*fields[1]}:
            names.append(_ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), fields[9]))
    return found


def _lines(said: bytes) -> list[str]:
    """What a program said, line by line.

    A user id may hold other signs that end a line for Python, and behind them what looks as if the
    program had said it.
    """
    lines = said.decode(errors="replace").split("\n")
    return [line.rstrip("\r") for line in lines if line]


def _run(program: str, arguments: list[str], given: bytes) -> "subprocess.CompletedProcess[bytes]":
    """Run an installed program without a shell, in English, with ``given`` as its input."""
    found = shutil.which(program)
    if found is None:
        raise _UncheckedError(_ABSENT[program])
    environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C"}
    command = [str(Path(found).absolute()), *arguments]
    try:
        return subprocess.run(  # noqa: S603 - no shell, and each argument stands by itself
            command,
            input=given,
            capture_output=True,
            timeout=_SECONDS,
            env=environment,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        raise _UncheckedError(_LATE) from None
