"""Detached signatures, checked by the programs that make them: ssh-keygen and gpg.

SSH signatures are those of ``ssh-keygen -Y sign -n appraise`` (OpenSSH's PROTOCOL.sshsig), OpenPGP
ones those of ``gpg --detach-sign`` (RFC 9580); docs/signing.md has the commands.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from wuhu_appraisal.findings import Finding, Source, finding
from wuhu_appraisal.i18n import N_

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
_BAD = ("BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG")
"""What gpg says of a signature that does not hold, or not any more (doc/DETAILS of GnuPG)."""


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
    no key outside it counts. ``signer`` names the one who must have signed: the principal, or the
    user id, its address or the fingerprint.
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
    command = ["-Y", "find-principals", "-f", str(signers), "-s", str(signature)]
    found = _run("ssh-keygen", command, b"")
    names = found.stdout.decode(errors="replace").splitlines()
    if found.returncode or not names:
        return _NOBODY
    name = signer or names[0]
    command = ["-Y", "verify", "-f", str(signers), "-I", name, "-n", NAMESPACE]
    found = _run("ssh-keygen", [*command, "-s", str(signature)], content)
    if found.returncode:
        return _OTHER if name in names else _NOBODY
    words = found.stdout.decode(errors="replace").split()
    return Signed(name, words[-1] if words else "")


def _gpg(content: bytes, signature: Path, signers: Path, signer: str) -> Signed | str:
    """Who signed, or the message id of what is wrong; the user's own keys are left alone."""
    with tempfile.TemporaryDirectory(prefix=".appraise.") as home:
        common = ["--homedir", home, "--batch", "--no-tty", "--no-auto-key-retrieve"]
        if _run("gpg", [*common, "--import", str(signers)], b"").returncode:
            raise _UncheckedError(_NO_KEYS)
        common += ["--trust-model", "always", "--status-fd", "1", "--verify"]
        found = _run("gpg", [*common, str(signature), "-"], content)
    said = [line.split()[1:] for line in found.stdout.decode(errors="replace").splitlines()]
    said = [words for words in said if words]
    states = [words[0] for words in said]
    if "NO_PUBKEY" in states:
        return _NOBODY
    good = [words for words in said if words[0] == "GOODSIG"]
    valid = [words[1] for words in said if words[0] == "VALIDSIG"]
    if found.returncode or not good or len(good) != len(valid) or set(states) & set(_BAD):
        return _OTHER
    for words, key in zip(good, valid, strict=True):
        name = " ".join(words[2:])
        if not signer or signer in (name, name.rpartition("<")[2].rstrip(">"), key):
            return Signed(name, key)
    return _NOBODY


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
