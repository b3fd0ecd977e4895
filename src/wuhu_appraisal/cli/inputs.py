"""What the commands read: their options, the passwords that open it, and what each is loaded as.

A function whose name ends in ``_or_exit`` prints its findings and exits with 1 where it fails.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from wuhu_appraisal.cli.options import (
    DEFAULT_SCHEME,
    PATH,
    RESULTS,
    Function,
    argument,
    fail,
    fail_if_any,
    logger,
    option,
    print_findings,
    progress,
    remember,
    remembered,
)
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.analysis.change import Comparison
    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.language import Bilingual
    from wuhu_appraisal.result import Result
    from wuhu_appraisal.scheme.load import LoadedScheme
    from wuhu_appraisal.scheme.models import Scheme

_OPENED = f"{__name__}.opened"
"""Where a context keeps the password that opened the result."""
_ORIGINS = {
    ParameterSource.COMMANDLINE: N_("given with --scheme"),
    ParameterSource.ENVIRONMENT: N_("given by APPRAISE_SCHEME"),
    ParameterSource.DEFAULT: N_("the default, as --scheme was not given"),
}
"""Where a scheme came from, as a finding says it."""
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LONGEST_LINE = 65_536
MaybePassword = TypeVar("MaybePassword", str, str | None)

paths_argument = argument("paths", nargs=-1, required=True, type=PATH)
scheme_argument = argument("path", default=DEFAULT_SCHEME, envvar="APPRAISE_SCHEME")
scheme_option = option(
    "--scheme",
    envvar="APPRAISE_SCHEME",
    default=DEFAULT_SCHEME,
    show_envvar=True,
    metavar="PATH",
    help=N_("A scheme's folder or file, or the name of one that comes with the program."),
)


def password_options(function: Function) -> Function:
    """Add the options for the password of what is opened; it never stands on the command line."""
    ask = option(
        "--ask-password",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help=N_("Ask for the password of encrypted files; otherwise APPRAISE_PASSWORD is used."),
    )
    file = option(
        "--password-file",
        type=PATH,
        expose_value=False,
        callback=remember,
        help=N_("A file whose first line is the password of encrypted files."),
    )
    return ask(file(function))


def result_options(function: Function) -> Function:
    """Add --result and the options for its password."""
    result = option(
        "--result", type=PATH, default=RESULTS / "appraisal.json", help=N_("The result to read.")
    )
    return result(password_options(function))


def reading_options(function: Function) -> Function:
    """Add the options for reading workbooks; the command gets them as ``read_options``."""

    @wraps(function)
    def called(*args: Any, hidden: str, **named: Any) -> Any:
        from wuhu_appraisal.appraisal import ReadOptions

        password = _password(_("Password of encrypted workbooks (Enter if none is)"))
        given = click.get_current_context().get_parameter_source("scheme")
        assert given is not None
        options = ReadOptions(
            progress,
            password,
            strict_hidden=hidden == "error",
            origin=_ORIGINS[given if given in _ORIGINS else ParameterSource.DEFAULT],
        )
        return function(*args, read_options=options, **named)

    hidden = option(
        "--hidden",
        type=click.Choice(["warning", "error"]),
        default="warning",
        help=N_("How to report hidden rows, columns and sheets; they are read in any case."),
    )
    return hidden(password_options(called))  # type: ignore[return-value]


def encryption_options(flag: str, words: str) -> Callable[[Function], Function]:
    """Add the option that encrypts what is written, as ``encrypt``, and that for its password.

    ``words`` are the flag's help, a message id.
    """
    encrypt = option(flag, "encrypt", is_flag=True, help=words)
    file = option(
        "--new-password-file",
        type=PATH,
        expose_value=False,
        callback=remember,
        help=N_(
            "A file whose first line is the password of what is written, where it is not that "
            "of what is opened; else APPRAISE_NEW_PASSWORD is used."
        ),
    )
    return lambda function: encrypt(file(function))


def scheme_or_exit(path: str) -> "LoadedScheme":
    """Load the scheme at the path."""
    from wuhu_appraisal.scheme.load import load_scheme

    loaded = load_scheme(path)
    if loaded.scheme is None:
        fail(loaded.findings)
    fields = {"scheme": loaded.scheme.id, "file": loaded.path, "sha256": loaded.sha256}
    sentence = N_("Scheme: %(scheme)s (SHA-256: %(sha256)s)")
    logger().info(sentence, fields, extra={"event": "scheme.read"})
    return loaded


def content_or_exit(path: Path) -> bytes:
    """Read a result or a report whole."""
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.workbooks.folder import sha256

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        fail([finding("result-not-found", Source(str(path)))])
    except OSError as error:
        fail([finding("file-unreadable", Source(str(path)), problem=error.strerror)])
    fields = {"file": path, "size": len(content), "sha256": sha256(content)}
    logger().info(N_("Read: %(file)s (bytes: %(size)s)"), fields, extra={"event": "file.read"})
    return content


def result_or_exit(path: Path, scheme: str, *, named: bool = False) -> "Result":
    """Load the result at the path, encrypted or not; an encrypted one is opened in memory.

    Where neither an argument (``named``) nor --result gives it, an encrypted result stands in for
    the plain one.
    """
    from wuhu_appraisal.encryption import is_sealed, unseal
    from wuhu_appraisal.store import load

    loaded = scheme_or_exit(scheme)
    source = click.get_current_context().get_parameter_source("result")
    if source is ParameterSource.DEFAULT and not named:
        path = default_result_or_exit(path)
    content = content_or_exit(path)
    if is_sealed(content):
        password = _password(_("Password of the result"))
        content, refused = unseal(str(path), content, password)
        fail_if_any([refused] if refused else [])
        sentence = N_("Opened with its password: %(file)s")
        logger().info(sentence, {"file": path}, extra={"event": "result.opened"})
        click.get_current_context().meta[_OPENED] = password
    result, findings = load(content, loaded, str(path))
    if result is None:
        fail(findings)
    return result


def since_options(function: Function) -> Function:
    """Add what else is needed of an older result that is compared with: its scheme, its units."""
    scheme = option(
        "--old-scheme",
        metavar="PATH",
        help=N_("The scheme of the old result, where it is another one than --scheme."),
    )
    file = option(
        "--matches",
        type=PATH,
        help=N_("A YAML file that says which units were renamed, merged or split, came or went."),
    )
    return scheme(file(function))


def comparison_or_exit(
    path: Path, scheme: str, new: "Result", matches: Path | None
) -> "Comparison":
    """Compare an older result, the file or a folder that holds it, with a new one."""
    from wuhu_appraisal.analysis.change import comparison
    from wuhu_appraisal.analysis.matching import load_matches

    old = result_or_exit(result_in_or_exit(path), scheme)
    if matches is None:
        return comparison(old, new)
    content = content_or_exit(matches)
    said, findings = load_matches(str(matches), content, old.scheme, new.scheme)
    fail_if_any(findings)
    return comparison(old, new, said)


def result_in_or_exit(path: Path) -> Path:
    """Return the result in a folder, or the file itself."""
    return default_result_or_exit(path / "appraisal.json") if path.is_dir() else path


def default_result_or_exit(path: Path) -> Path:
    """Return the result that is meant where none is named: the plain one, or the encrypted one.

    Where both are there it is unknown which is the newer.
    """
    from wuhu_appraisal.encryption import NAME
    from wuhu_appraisal.findings import Source, finding

    other = path.with_name(NAME)
    if other.exists() and path.exists():
        fail([finding("result-ambiguous", Source(str(path)), other=other)])
    return other if other.exists() else path


def unit_or_exit(scheme: "Scheme", written: str) -> str:
    """Return the unit that a name stands for."""
    from wuhu_appraisal.findings import finding

    names = scheme.unit_names()
    name = names.match(written)
    if name is None:
        fail([finding("unit-unknown", name=written, suggestion=names.suggest(written))])
    return name


def stages_or_exit(titles: "Mapping[str, Bilingual]", written: str) -> list[str]:
    """Return the ids of the stages that an id or a title stands for: several that share a title."""
    from wuhu_appraisal.findings import finding
    from wuhu_appraisal.names import nearest, normalise

    spellings = [
        (normalise(name).casefold(), name, stage)
        for stage, title in titles.items()
        for name in (stage, title.zh, title.en)
    ]
    wanted = normalise(written).casefold()
    ids = dict.fromkeys(stage for key, _name, stage in spellings if key == wanted)
    if not ids:
        near = nearest(wanted, [key for key, _name, _stage in spellings])
        suggestion = next((name for key, name, _stage in spellings if key == near), "")
        known = ", ".join(f"{stage} ({title})" for stage, title in titles.items())
        fail([finding("stage-unknown", name=written, known=known, suggestion=suggestion)])
    return [*ids]


def _password(question: str) -> str | None:
    """Return the password that the options and the environment give; None where they give none."""
    if remembered("ask_password"):
        answer = click.prompt(question, default="", hide_input=True, show_default=False, err=True)
        return normal_form(str(answer)) or None
    file = remembered("password_file")
    environment = os.environ.get("APPRAISE_PASSWORD")
    return normal_form(environment if file is None else _file_password(file))


def new_password(*, for_units: bool = False) -> str:
    """Return the password of what is written; a usage error if there is none that can serve.

    What goes back to units does not open with the result's own password: a unit would be given
    the scores of all.
    """
    from wuhu_appraisal.encryption import LONGEST_PASSWORD

    password = normal_form(_new_password())
    if not password:
        raise click.UsageError(
            _("encryption needs a password: --ask-password, --password-file or APPRAISE_PASSWORD")
        )
    # The environment may give bytes that are no text; they come as lone surrogates.
    if len(password) > LONGEST_PASSWORD or any("\ud800" <= char <= "\udfff" for char in password):
        text = _(
            "office programs accept passwords of at most {count} characters, and only valid text"
        )
        raise click.UsageError(text.format(count=LONGEST_PASSWORD))
    if for_units and password == click.get_current_context().meta.get(_OPENED):
        raise click.UsageError(
            _(
                "what goes back to units takes another password than the result: "
                "--new-password-file or APPRAISE_NEW_PASSWORD"
            )
        )
    logger().info(N_("Output is encrypted."), extra={"event": "encryption.asked"})
    return password


def _new_password() -> str | None:
    file = remembered("new_password_file")
    if file is not None:
        return _file_password(file)
    if remembered("ask_password"):
        question, again = _("Password of the output"), _("Repeat it")
        return str(click.prompt(question, hide_input=True, confirmation_prompt=again, err=True))
    new = os.environ.get("APPRAISE_NEW_PASSWORD")
    if new is not None:
        return new
    old = remembered("password_file")
    return os.environ.get("APPRAISE_PASSWORD") if old is None else _file_password(old)


def _file_password(path: Path) -> str:
    """Return the password that a file holds, or exit."""
    from wuhu_appraisal.findings import Source, finding

    # What a shell hands over as a file can be read only once.
    known = click.get_current_context().meta.setdefault(f"{__name__}.files", {})
    try:
        if path not in known:
            known[path] = first_line(path)
        return str(known[path])
    except (OSError, ValueError) as error:
        problem = _(getattr(error, "strerror", None) or str(error))
        # Somebody may have given the password itself in place of its file.
        fail([finding("file-unreadable", Source(str(path)), problem=problem)], private=True)


def normal_form(password: MaybePassword) -> MaybePassword:
    """Return the password in NFC: systems spell one accent in two ways, which look alike."""
    from unicodedata import normalize

    return password and normalize("NFC", password)


def first_line(path: Path) -> str:
    """Return the first line of a file in UTF-8, without its end: a line feed, a carriage return, or both.

    Raises OSError for a file that cannot be read, and ValueError with a message id for one that
    holds no text.
    """
    # A device has no end.
    with path.open("rb") as file:
        content = file.read(_LONGEST_LINE)
    if not content:
        raise ValueError(N_("it is empty"))
    with suppress(UnicodeDecodeError):
        line = _LINE_END.split(content, maxsplit=1)[0].decode("utf-8-sig")
        if "\0" not in line:
            return line
    raise ValueError(N_("it is not in UTF-8; save it so"))


def warn_of_plain_copies(paths: "Sequence[Path]") -> None:
    """Print a warning for each file that stands unencrypted beside those just written.

    An earlier version stands under the file's name and a number.
    """
    from wuhu_appraisal.cli.log import log_findings
    from wuhu_appraisal.encryption import COMPOUND_FILE, is_sealed
    from wuhu_appraisal.findings import Source, finding

    findings: list[Finding] = []
    for path in paths:
        versions = re.compile(re.escape(path.stem) + r"(\.\d+)?" + re.escape(path.suffix))
        for place in sorted(path.parent.iterdir()):
            if versions.fullmatch(place.name) and place.is_file():
                with place.open("rb") as file:
                    start = file.read(64)
                if not start.startswith(COMPOUND_FILE) and not is_sealed(start):
                    findings.append(finding("copy-unencrypted", Source(str(place))))
    sentence = N_("Searched for unencrypted copies (files: %(files)s)")
    logger().info(sentence, {"files": len(paths)}, extra={"event": "encryption.checked"})
    log_findings(findings)
    if findings:
        print_findings(findings)
