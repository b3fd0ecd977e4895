"""The commands that take or ask for passwords."""

import io
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import docx
import msoffcrypto
import pytest
from click.testing import CliRunner
from helpers import EXAMPLES, ROOT, STAGE_FILES, Appraise
from helpers.commands import commands
from helpers.watched import FOR_UNITS, PASSWORD

from wuhu_appraisal.cli import main
from wuhu_appraisal.encryption import is_encrypted, is_sealed, seal

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
