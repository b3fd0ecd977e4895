"""What the commands that encrypt share: the options, the password, and what stands unencrypted."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.frame import OPENED, Function, Option, first_line, remember, remembered
from wuhu_appraisal.cli.passwords import taken_in
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.findings import Finding


def encrypting(flag: str, words: str) -> Callable[[Function], Function]:
    """The option that encrypts what is written, as ``encrypt``, and where its password comes from.

    ``words`` are the option's help, a message id.
    """

    def decorate(function: Function) -> Function:
        encrypt = click.option(flag, "encrypt", cls=Option, is_flag=True, help=words)
        file = click.option(
            "--new-password-file",
            cls=Option,
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=remember,
            help=N_(
                "A file whose first line is the password of what is written, where it is not that "
                "of what is opened; else APPRAISE_NEW_PASSWORD is used."
            ),
        )
        return encrypt(file(function))

    return decorate


def new_password(*, for_units: bool = False) -> str:
    """The password of what is written; a usage error if there is none that can serve.

    What goes back to units does not open with the result's own password: a unit would be given
    the scores of all.
    """
    from wuhu_appraisal.encryption import LONGEST_PASSWORD

    found = taken_in(_given())
    if not found:
        raise click.UsageError(
            _(
                "encryption takes a password that is not empty: --ask-password, --password-file or "
                "APPRAISE_PASSWORD"
            )
        )
    if len(found) > LONGEST_PASSWORD or not _is_text(found):
        text = _(
            "office programs take no password of over {count} characters, or of bytes that are no text"
        )
        raise click.UsageError(text.format(count=LONGEST_PASSWORD))
    if for_units and found == click.get_current_context().meta.get(OPENED):
        raise click.UsageError(
            _(
                "what goes back to units takes another password than the result: "
                "--new-password-file or APPRAISE_NEW_PASSWORD"
            )
        )
    logged.log("encryption.asked")
    return found


def _given() -> str | None:
    file = remembered("new_password_file")
    if file is not None:
        return first_line(file)
    if remembered("ask_password"):
        words, again = _("Password of what is written"), _("Repeat it")
        return str(click.prompt(words, hide_input=True, confirmation_prompt=again, err=True))
    new = os.environ.get("APPRAISE_NEW_PASSWORD")
    if new is not None:
        return new
    old = remembered("password_file")
    return os.environ.get("APPRAISE_PASSWORD") if old is None else first_line(old)


def _is_text(password: str) -> bool:
    """Whether the environment gave a text, and not bytes that are none."""
    try:
        password.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_copies(path: Path) -> "list[Finding]":
    """What stands unencrypted under a file's name, or under the numbers of its earlier versions."""
    from wuhu_appraisal.encryption import COMPOUND_FILE, is_sealed
    from wuhu_appraisal.findings import Source, finding

    named = re.compile(re.escape(path.stem) + r"(\.\d+)?" + re.escape(path.suffix))
    found = []
    for place in sorted(path.parent.iterdir()):
        if named.fullmatch(place.name) and place.is_file():
            with place.open("rb") as file:
                start = file.read(64)
            if not start.startswith(COMPOUND_FILE) and not is_sealed(start):
                found.append(finding("copy-unencrypted", Source(str(place))))
    return found


def say_plain_copies(paths: "list[Path]") -> None:
    """Print a warning for each file that stands unencrypted beside those just written."""
    found = [item for path in paths for item in plain_copies(path)]
    logged.log("encryption.checked", files=len(paths))
    logged.findings(found)
    if found:
        from wuhu_appraisal.cli.frame import print_findings

        print_findings(found, as_json=False)
