"""What the commands share: translated help, common options, loading, printing, exit codes.

Only click is imported here; everything else is imported where it is needed, so that
``appraise --help`` and a mistyped option answer at once.
"""

import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from wuhu_appraisal import i18n
from wuhu_appraisal.i18n import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.report.view import Sheet
    from wuhu_appraisal.run import Run
    from wuhu_appraisal.scheme.load import LoadedScheme
    from wuhu_appraisal.scheme.models import Scheme

DEFAULT_SCHEME = "wuhu-2020"
RESULTS = Path("results")
EXIT_FINDINGS = 1

_OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
Function = TypeVar("Function", bound=Callable[..., Any])


class _Translated:
    """Shows a parameter's or command's help in the active language, not in the one at import."""

    _help: str | None = None

    @property
    def help(self) -> str | None:
        return _(self._help) if self._help else None

    @help.setter
    def help(self, text: str | None) -> None:
        self._help = text


class Option(_Translated, click.Option):
    """An option whose help is a message id."""


class Command(_Translated, click.Command):
    """A command whose help is a message id."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """See ``click.Command.get_help_option``, which keeps the words of its first use."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("Show this message and exit.")
        return option


class Group(Command, click.Group):
    """A group whose help is a message id; it chooses the language before anything is shown."""

    command_class = Command

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """See ``click.Group.main``."""
        arguments = sys.argv[1:] if args is None else list(args)
        i18n.activate(i18n.choose(arguments, os.environ))
        for stream in (sys.stdout, sys.stderr):
            # A console or a file in GBK lacks some signs; a sign less beats an error.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        return super().main(args, *more, **options)


class Count(click.IntRange):
    """A whole number from 0 up, whose name in messages is translated."""

    def __init__(self) -> None:
        super().__init__(min=0)

    @property
    def name(self) -> str:  # type: ignore[override]
        """What messages call it."""
        return _("whole number")


def _reading(function: Function) -> Function:
    """How workbooks are read; the command is given all of it as ``options``.

    A password never stands on the command line, where others see it.
    """

    @wraps(function)
    def called(
        *args: Any, ask_password: bool, password_file: Path | None, hidden: str, **named: Any
    ) -> Any:
        from wuhu_appraisal.pipeline import ReadOptions

        password = _password_from(ask_password, password_file)
        options = ReadOptions(progress, password, strict_hidden=hidden == "error")
        return function(*args, options=options, **named)

    for option in (
        click.option(
            "--hidden",
            cls=Option,
            type=click.Choice(["warning", "error"]),
            default="warning",
            show_default=True,
            help=N_("What hidden rows, columns and sheets are taken for; they are read."),
        ),
        click.option(
            "--ask-password",
            cls=Option,
            is_flag=True,
            help=N_("Ask for the password of encrypted workbooks; else APPRAISE_PASSWORD is used."),
        ),
        click.option(
            "--password-file",
            cls=Option,
            type=click.Path(path_type=Path),
            help=N_("A file whose first line is the password of encrypted workbooks."),
        ),
    ):
        called = option(called)
    return called  # type: ignore[return-value]


def _password_from(ask_password: bool, password_file: Path | None) -> str | None:
    """The password as the options and the environment give it; None where they give none."""
    from wuhu_appraisal.findings import Source, finding

    if ask_password:
        return str(click.prompt(_("Password"), hide_input=True, err=True))
    if password_file is None:
        return os.environ.get("APPRAISE_PASSWORD")
    try:
        return password_file.read_text(encoding="utf-8-sig").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        problem = getattr(error, "strerror", None) or type(error).__name__
        fail([finding("file-unreadable", Source(str(password_file)), problem=problem)])


def shared(*names: str) -> Callable[[Function], Function]:
    """The options that several commands have, by name; every command has --lang."""
    options = {
        "scheme": click.option(
            "--scheme",
            cls=Option,
            envvar="APPRAISE_SCHEME",
            default=DEFAULT_SCHEME,
            show_default=True,
            show_envvar=True,
            metavar="PATH",
            help=N_("A scheme's folder or file, or the name of one that comes with the program."),
        ),
        "lang": click.option(
            "--lang",
            cls=Option,
            type=click.Choice(sorted(i18n.LOCALES)),
            expose_value=False,
            help=N_("Language of all that is shown."),
        ),
        "reading": _reading,
        "result": click.option(
            "--result",
            cls=Option,
            type=click.Path(path_type=Path),
            default=RESULTS / "appraisal.json",
            show_default=True,
            help=N_("The result to read."),
        ),
        "json": click.option(
            "--json", "as_json", cls=Option, is_flag=True, help=N_("Print JSON instead of text.")
        ),
    }

    def decorate(function: Function) -> Function:
        for name in reversed([*names, "lang"]):
            function = options[name](function)
        return function

    return decorate


def scheme_or_exit(path: str) -> "LoadedScheme":
    """The scheme at the path; its findings and exit code 1 if it cannot be used."""
    from wuhu_appraisal.scheme.load import load_scheme

    loaded = load_scheme(path)
    if loaded.scheme is None:
        fail(loaded.findings)
    return loaded


def result_or_exit(path: Path, scheme: str) -> "Run":
    """The run that a result file holds; findings and exit code 1 if it cannot be read."""
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.report.stored import load

    loaded = scheme_or_exit(scheme)
    try:
        content = path.read_bytes()
    except OSError:
        fail([finding("result-not-found", Source(str(path)))])
    run, found = load(content, loaded, str(path))
    if run is None:
        fail(found)
    return run


def unit_or_exit(scheme: "Scheme", written: str) -> str:
    """The unit that a name stands for; a finding and exit code 1 if there is none."""
    from wuhu_appraisal.findings import finding

    names = scheme.unit_names()
    name = names.match(written)
    if name is None:
        fail([finding("unit-unknown", name=written, suggestion=names.suggest(written))])
    return name


def progress(items: Any, count: int, words: str = "") -> Any:
    """The items with a progress bar on a terminal, once the work takes over a second."""
    if not sys.stderr.isatty():
        yield from items
        return
    from wuhu_appraisal.report.terminal import with_progress

    yield from with_progress(items, count, words or _("Reading workbooks"))


def write(path: Path, content: bytes) -> Callable[[], None]:
    """Write a file whole; what it returns says so, and where an earlier file was kept."""
    from wuhu_appraisal.files import write_whole

    try:
        kept = write_whole(path, content)
    except OSError as error:
        fail_to_write(path, error)

    def say() -> None:
        if kept is not None:
            click.echo(_("The earlier file was kept as {path}").format(path=kept))
        click.echo(_("Written: {path}").format(path=path))

    return say


def fail_to_write(path: Path, error: OSError) -> NoReturn:
    """Say that a file could not be written, and exit with 1."""
    from wuhu_appraisal.findings import Source, finding

    problem = _(error.strerror or str(error))
    fail([finding("write-failed", Source(str(path)), problem=problem)])


def print_findings(found: "Sequence[Finding]", *, as_json: bool) -> None:
    """Print findings as text or as JSON on standard output."""
    if as_json:
        from wuhu_appraisal.report.result import finding_json

        print_json([finding_json(item) for item in found])
        return
    from wuhu_appraisal.report import terminal

    terminal.print_findings(terminal.console(sys.stdout), found)


def print_sheet(sheet: "Sheet") -> None:
    """Print a table on standard output."""
    from wuhu_appraisal.report import terminal

    terminal.print_sheet(terminal.console(sys.stdout), sheet)


def print_json(data: Any) -> None:
    """Print data as JSON that people can read."""
    import json

    # JSON leaves some signs as they are that a terminal obeys.
    text = json.dumps(data, ensure_ascii=False, indent=2)
    click.echo(_OBEYED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text))


def fail(found: "Sequence[Finding]") -> NoReturn:
    """Print findings on standard error and exit with 1."""
    from wuhu_appraisal.report import terminal

    terminal.print_findings(terminal.console(sys.stderr), found)
    sys.exit(EXIT_FINDINGS)


def exit_on_errors(found: "Sequence[Finding]") -> None:
    """Exit with 1 if a finding is an error."""
    from wuhu_appraisal.findings import has_errors

    if has_errors(found):
        sys.exit(EXIT_FINDINGS)
