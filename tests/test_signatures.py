"""A signature holds for the bytes, the signer and the time that it was made for, and no others.

So does whatever else a stranger may hand in or ask for: a number without end in a result, a report
in the place of what it was made of.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from helpers import EXAMPLES, STAGE_FILES, Appraise
from helpers.office import program
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal import store as result
from wuhu_appraisal import store as stored
from wuhu_appraisal.numbers import exact_text, parse_exact
from wuhu_appraisal.verify.signatures import Signed, check

RESULT = b'{"format": 1}\r\n'
CHANGED = "the file was changed after it was signed"
NOBODY = "none of the signers"


def outcome(content: bytes, signature: Path, signers: Path, signer: str = "") -> Signed | str:
    """Who signed, or the words of the one finding."""
    signed, found = check(content, signature, signers, signer)
    if signed is not None:
        assert found == []
        return signed
    (one,) = found
    assert one.code == "signature-wrong"
    return one.message


# OpenSSH


class Ssh:
    """Signers with keys of their own in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.result = folder / "appraisal.json"
        self.result.write_bytes(RESULT)
        self.signers = folder / "allowed_signers"

    def _run(self, *arguments: str | Path) -> None:
        command = [program("ssh-keygen"), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True)

    def key(self, name: str) -> str:
        """A new key; its line in a file of signers without what stands before it."""
        path = self.folder / name
        self._run("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path)
        return path.with_suffix(".pub").read_text(encoding="utf-8").strip()

    def sign(self, name: str, namespace: str = "appraise") -> Path:
        self._run("-Y", "sign", "-n", namespace, "-f", self.folder / name, self.result)
        return self.result.with_name("appraisal.json.sig").rename(self.folder / f"{name}.sig")

    def let(self, *lines: str) -> None:
        self.signers.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def ssh(tmp_path: Path) -> Ssh:
    return Ssh(tmp_path)


def by(signed: Signed | str) -> str:
    return signed.signer if isinstance(signed, Signed) else signed


def test_an_ssh_signature_of_another_message_or_for_another_purpose_does_not_hold(
    ssh: Ssh,
) -> None:
    ssh.let("zhang@x " + ssh.key("zhang"))
    signature = ssh.sign("zhang")
    assert by(outcome(RESULT, signature, ssh.signers)) == "zhang@x"
    for other in (b"", RESULT.replace(b"\r", b""), RESULT + b"\n"):
        assert CHANGED in by(outcome(other, signature, ssh.signers))
    for namespace in ("file", "git", "appraise2"):
        signature = ssh.sign("zhang", namespace)
        said = by(outcome(RESULT, signature, ssh.signers, "zhang@x"))
        assert "another purpose" in said


def test_an_ssh_key_that_is_not_in_the_file_signs_for_nobody(ssh: Ssh) -> None:
    ssh.let("zhang@x " + ssh.key("zhang"))
    ssh.key("li")
    signature = ssh.sign("li")
    for signer in ("", "zhang@x", "li@x"):
        assert NOBODY in by(outcome(RESULT, signature, ssh.signers, signer))


@pytest.mark.parametrize(
    ("names", "signer", "said"),
    [
        ("zhang@x,office@x", "", "zhang@x"),
        ("zhang@x,office@x", "office@x", "office@x"),
        ("zhang@x,office@x", "li@x", NOBODY),
        ("!li@x,*@x", "", "*@x"),
        ("!li@x,*@x", "zhang@x", "zhang@x"),
        ("!li@x,*@x", "li@x", NOBODY),
        ('"Zhang San"', "", "Zhang San"),
    ],
)
def test_an_ssh_key_signs_for_each_name_on_its_line(
    ssh: Ssh, names: str, signer: str, said: str
) -> None:
    ssh.let("# who signs", "", f"{names} {ssh.key('zhang')}")
    assert said in by(outcome(RESULT, ssh.sign("zhang"), ssh.signers, signer))


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ('valid-before="20200101"', "key count today"),
        ('valid-after="20990101"', "key count today"),
        ('namespaces="file"', "key count for results"),
        ('valid-after="20200101",valid-before="20990101",namespaces="appraise"', "zhang@x"),
    ],
)
@pytest.mark.parametrize("signer", ["", "zhang@x"])
def test_an_ssh_key_counts_as_long_and_for_what_the_file_says(
    ssh: Ssh, option: str, said: str, signer: str
) -> None:
    key = ssh.key("zhang")
    signature = ssh.sign("zhang")
    ssh.let(f"zhang@x {option} {key}")
    found = by(outcome(RESULT, signature, ssh.signers, signer))
    assert said in found
    assert CHANGED not in found
    if isinstance(outcome(RESULT, signature, ssh.signers), str):
        # A line that lets the same key count stands behind it.
        ssh.let(f"zhang@x {option} {key}", f"office@x {key}")
        assert by(outcome(RESULT, signature, ssh.signers, "office@x")) == "office@x"


# OpenPGP


class Gpg:
    """A keyring of its own; a key is named by its address."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.result = folder / "appraisal.json"
        self.result.write_bytes(RESULT)

    def __call__(self, *arguments: str | Path) -> str:
        command = [program("gpg"), "--homedir", str(self.home), "--batch", "--quiet"]
        command += ["--pinentry-mode", "loopback", "--passphrase", ""]
        done = subprocess.run(
            [*command, *map(str, arguments)], check=True, capture_output=True, encoding="utf-8"
        )
        return done.stdout

    def key(self, user: str, *when: str, usage: str = "sign", until: str = "never") -> str:
        """A new key; its fingerprint."""
        self(*when, "--quick-generate-key", user, "ed25519", usage, until)
        return self.fingerprints("=" + user)[0]

    def fingerprints(self, user: str) -> list[str]:
        listed = self("--with-colons", "--list-keys", user)
        return re.findall("^fpr:+([0-9A-F]+):", listed, re.MULTILINE)

    def sign(self, key: str, name: str, *how: str) -> Path:
        signature = self.folder / name
        self("--local-user", key, "--output", signature, *how, "--detach-sign", self.result)
        return signature

    def export(self, *keys: str) -> Path:
        path = self.folder / "signers.asc"
        path.write_text(self("--armor", "--export", *keys), encoding="utf-8")
        return path


@pytest.fixture
def gpg(tmp_path: Path) -> Iterator[Gpg]:
    # Its agent's socket takes no long path.
    home = Path(tempfile.mkdtemp(prefix="gpg-", dir=os.path.realpath("/tmp")))
    yield Gpg(tmp_path, home)
    stop = [program("gpgconf"), "--homedir", str(home), "--kill", "all"]
    subprocess.run(stop, check=False)
    shutil.rmtree(home, ignore_errors=True)


LONG_AGO = ("--faked-system-time", "20200110T000000")


def test_who_signed_with_a_subkey_is_known_by_the_fingerprint_of_the_key(
    gpg: Gpg, appraise_cli: Appraise
) -> None:
    key = gpg.key("Zhang San <zs@x.example>", usage="cert")
    gpg("--quick-add-key", key, "ed25519", "sign", "never")
    other = gpg.key("Li Si <ls@x.example>")
    signature, signers = gpg.sign(key, "a.sig"), gpg.export()
    (_primary, subkey) = gpg.fingerprints(key)
    wanted = Signed("Zhang San <zs@x.example>", key)
    spaced = " ".join(key[at : at + 4] for at in range(0, 40, 4))
    for signer in ("", key, subkey, key.lower(), spaced, "zs@x.example"):
        assert outcome(RESULT, signature, signers, signer) == wanted
    for signer in (other, key[-16:], "ls@x.example"):
        assert NOBODY in by(outcome(RESULT, signature, signers, signer))
    command = ("verify", gpg.result, "--signature", signature, "--signers", signers)
    done = appraise_cli(*command, "--signer", key)
    assert done.exit_code == 0, done.output
    assert f"Signed by Zhang San <zs@x.example> with the key {key}" in done.output


def test_every_user_id_of_a_key_names_its_signer_but_one_that_was_revoked(gpg: Gpg) -> None:
    first, second, gone = (
        "Zhang: 100% \\ 张三 <zs@x.example>",
        "Office <go@x.example>",
        "ex@x.example",
    )
    key = gpg.key(first)
    gpg("--quick-add-uid", key, second)
    gpg("--quick-add-uid", key, gone)
    gpg("--quick-revoke-uid", key, gone)
    gpg("--quick-set-primary-uid", key, first)
    signature, signers = gpg.sign(key, "a.sig"), gpg.export()
    assert outcome(RESULT, signature, signers) == Signed(first, key)
    for signer in (first, "zs@x.example"):
        assert by(outcome(RESULT, signature, signers, signer)) == first
    for signer in (second, "go@x.example"):
        assert by(outcome(RESULT, signature, signers, signer)) == second
    for signer in (gone, "Office", "x.example", "%"):
        assert NOBODY in by(outcome(RESULT, signature, signers, signer))


def test_no_user_id_makes_a_key_pass_for_another(gpg: Gpg) -> None:
    zhang = gpg.key("Zhang San <zs@x.example>")
    line = f"[GNUPG:] VALIDSIG {zhang} 2020-01-01 1577836800 0 4 0 22 8 00 {zhang}"
    for end in ("\u2028", "\u0085"):
        li = gpg.key(f"Li{end}[GNUPG:] GOODSIG {zhang[-16:]} Zhang{end}{line}{end}")
        gpg("--quick-add-uid", li, zhang)
        signature, signers = gpg.sign(li, f"{ord(end)}.sig"), gpg.export()
        assert NOBODY in by(outcome(RESULT, signature, signers, zhang))
        found = outcome(RESULT, signature, signers, li)
        assert isinstance(found, Signed)
        assert found.key == li


def test_a_signature_of_the_text_alone_is_refused(gpg: Gpg) -> None:
    key = gpg.key("Zhang San <zs@x.example>")
    signature, signers = gpg.sign(key, "a.sig", "--textmode"), gpg.export()
    for content in (RESULT, RESULT.replace(b"\r", b"")):
        assert "the text alone" in by(outcome(content, signature, signers))


def test_a_signature_that_holds_what_it_signs_is_none_of_the_file(gpg: Gpg) -> None:
    gpg.key("Zhang San <zs@x.example>")
    whole = gpg.folder / "whole.gpg"
    gpg("--output", whole, "--sign", gpg.result)
    for content in (RESULT, b"other"):
        assert "does not hold" in by(outcome(content, whole, gpg.export()))


def _expired(gpg: Gpg) -> Path:
    key = gpg.key("Zhang San <zs@x.example>", *LONG_AGO)
    return gpg.sign(key, "a.sig", *LONG_AGO, "--default-sig-expire", "1w")


def _of_an_expired_key(gpg: Gpg) -> Path:
    key = gpg.key("Zhang San <zs@x.example>", *LONG_AGO, until="1w")
    return gpg.sign(key, "a.sig", *LONG_AGO)


def _of_a_revoked_key(gpg: Gpg) -> Path:
    key = gpg.key("Zhang San <zs@x.example>")
    signature = gpg.sign(key, "a.sig")
    made = gpg.home / "openpgp-revocs.d" / f"{key}.rev"
    revoked = gpg.folder / "revoked.asc"
    # A colon keeps it from being used unawares.
    text = made.read_text(encoding="utf-8")
    revoked.write_text(text.replace(":-----BEGIN", "-----BEGIN"), encoding="utf-8")
    gpg("--import", revoked)
    return signature


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (_expired, "does not hold: it held for a time only, which is over"),
        (_of_an_expired_key, "the signer's key held for a time only, which is over"),
        (_of_a_revoked_key, "the signer's key was revoked"),
    ],
)
def test_a_signature_that_held_once_is_told_from_a_changed_file(
    gpg: Gpg, made: Callable[[Gpg], Path], said: str
) -> None:
    signature = made(gpg)
    signers = gpg.export()
    assert said in by(outcome(RESULT, signature, signers))
    assert CHANGED in by(outcome(RESULT + b" ", signature, signers))


# Numbers that no result holds


@pytest.mark.parametrize(
    "text",
    [
        *("1e99999999", "1E+5", "-1e-99999999", "1/0", "1/00", "1/-2", "1.5/2", "+1", "1_000"),
        *(" 1", "1\n", ".5", "5.", "--1", "１", "NaN", "Infinity", "", "9" * 401, "0." + "9" * 401),
        *("1/" + "9" * 401, "1e" + "9" * 300),
    ],
)
def test_what_is_not_written_as_an_exact_number_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match="no exact number"):
        parse_exact(text)
    assert time.process_time() - started < 1


@given(st.fractions() | st.decimals(-1000, 1000, places=9).map(Fraction))
def test_every_exact_number_is_read_back(value: Fraction) -> None:
    assert parse_exact(exact_text(value)) == value


def test_a_result_with_a_number_without_end_is_unreadable_and_not_waited_for(
    appraise_cli: Appraise,
) -> None:
    loaded = load_scheme("sichuan-2011")
    folder = EXAMPLES / "sichuan-2011"
    whole = result.dump(appraise(loaded, [folder]))
    assert stored.load(whole, loaded, "")[1] == []

    def poisoned(value: str) -> Iterator[bytes]:
        for path in (
            ("blocks", 0, "values", 0, 0),
            ("steps", 0, 0, 1),
            ("steps", 0, 0, 2),
        ):
            data = json.loads(whole)
            place = next(iter(data["trace"].values()))["stages"]
            for part in (next(iter(place)), *path[:-1]):
                place = place[part]
            place[path[-1]] = value
            yield json.dumps(data).encode()

    started = time.process_time()
    for content in (*poisoned("1e99999999"), *poisoned("-1E-99999999")):
        (found,) = stored.load(content, loaded, "")[1]
        assert found.code == "result-unreadable"
    Path("bad.json").write_bytes(content)
    for command in (("verify", "bad.json", "--files", folder), ("explain", "成都市")):
        where = ("--result", "bad.json") if command[0] == "explain" else ()
        done = appraise_cli(*command, *where, "--scheme", "sichuan-2011")
        assert done.exit_code == 1
        assert "[result-unreadable]" in done.output
    assert time.process_time() - started < 20


# Where no report is written


@pytest.fixture
def computed(appraise_cli: Appraise, tmp_path: Path) -> Appraise:
    shutil.copytree(STAGE_FILES, tmp_path / "stage-files")
    assert appraise_cli("compute", "stage-files").exit_code == 0
    return appraise_cli


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


ROUND = "stage-files/日常测评/第1轮.xlsx"
STAND_THERE = "the stage files, or what was fixed or decided about them, stand there"


@pytest.mark.parametrize("about", ["frozen.yaml", "decisions.yaml"])
@pytest.mark.parametrize(
    "options",
    [
        ("--out", ROUND),
        ("--out", "stage-files/frozen.yaml"),
        ("--out", "stage-files/decisions.yaml"),
        ("--out", "stage-files/ranking.csv"),
        ("--out", "stage-files/new/ranking.csv"),
        ("--out", "link.csv"),
        ("--out", "linked/ranking.csv"),
        ("--out", "results/../stage-files/ranking.csv"),
        ("--each-unit", "stage-files"),
        ("--each-unit", "stage-files/feedback"),
    ],
)
def test_no_report_is_written_among_stage_files_that_were_fixed_or_decided_about(
    computed: Appraise, about: str, options: tuple[str, str]
) -> None:
    Path("stage-files", about).write_text("", encoding="utf-8")
    Path("link.csv").symlink_to(ROUND)
    Path("linked").symlink_to("stage-files/日常测评")
    before = state(Path())
    form = "docx" if options[0] == "--each-unit" else "csv"
    done = computed("report", "--format", form, *options)
    assert done.exit_code == 1
    assert f"[write-failed] the file cannot be written: {STAND_THERE}" in done.output
    assert state(Path()) == before


@pytest.mark.parametrize("name", [ROUND, "copy/第1轮.xlsx", "frozen.yaml", "decisions.yaml"])
def test_no_report_takes_the_place_of_what_it_was_made_of(computed: Appraise, name: str) -> None:
    Path("copy").mkdir()
    shutil.copy(ROUND, "copy")
    before = state(Path())
    done = computed("report", "--out", name)
    assert done.exit_code == 1
    assert STAND_THERE in done.output
    assert state(Path()) == before


def test_beside_a_result_a_report_is_written_even_below_the_stage_files(
    computed: Appraise,
) -> None:
    Path("stage-files/frozen.yaml").write_text("", encoding="utf-8")
    shutil.move("results", "stage-files/results")
    where = ("--result", "stage-files/results/appraisal.json")
    for options in ((), ("--out", "stage-files/results/csv/a.csv"), ("--unit", "镜湖区")):
        form = "docx" if "--unit" in options else "csv"
        done = computed("report", "--format", form, *where, *options)
        assert done.exit_code == 0, done.output


def test_what_is_no_place_for_a_file_is_not_taken_for_a_folder_that_is_busy(
    computed: Appraise,
) -> None:
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    Path("folder").mkdir()
    for name in ("pipe", "link", "folder", "/dev/null"):
        done = computed("report", "--format", "csv", "--out", name)
        assert done.exit_code == 1
        assert f"{name}  error [write-failed]" in done.output
        assert "a folder or a device stands in its place" in done.output


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_standard_output_is_no_place_for_a_report(computed: Appraise, form: str) -> None:
    command = [
        sys.executable,
        "-m",
        "wuhu_appraisal",
        "report",
        "--format",
        form,
        "--out",
        "/dev/stdout",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "a folder or a device stands in its place" in done.stderr
    assert done.stdout == ""
