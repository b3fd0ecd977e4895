"""What the commands share: translated help, common options, loading, printing, exit codes.

Only click is imported here; everything else is imported where it is needed, so that
``appraise --help`` and a mistyped option answer at once.
"""

import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from click.core import ParameterSource

from wuhu_appraisal import language as i18n
from wuhu_appraisal.cli import logged, passwords, stop
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.output.tables import Table
    from wuhu_appraisal.result import Result
    from wuhu_appraisal.scheme.load import LoadedScheme
    from wuhu_appraisal.scheme.models import Scheme

DEFAULT_SCHEME = "wuhu-2020"
RESULTS = Path("results")
EXIT_FINDINGS = 1
OPENED = f"{__name__}.opened"
"""Where a context keeps the password that opened the result."""

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

    def invoke(self, ctx: click.Context) -> Any:
        """See ``click.Command.invoke``; what is called is logged first."""
        logged.start(ctx)
        return super().invoke(ctx)


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
        with logged.kept(arguments), stop.said(own_process=args is None):
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
    """How workbooks are read; the command is given all of it as ``options``."""

    @wraps(function)
    def called(*args: Any, hidden: str, **named: Any) -> Any:
        from wuhu_appraisal.appraisal import ReadOptions

        password = _password_from(_("Password of encrypted workbooks (Enter if none is)"))
        options = ReadOptions(progress, password, strict_hidden=hidden == "error")
        return function(*args, options=options, **named)

    hidden = click.option(
        "--hidden",
        cls=Option,
        type=click.Choice(["warning", "error"]),
        default="warning",
        show_default=True,
        help=N_("What hidden rows, columns and sheets are taken for; they are read."),
    )
    return hidden(called)  # type: ignore[return-value]


def _passwords(function: Function) -> Function:
    """Where the password of what is opened comes from; it never stands on the command line."""
    ask = click.option(
        "--ask-password",
        cls=Option,
        is_flag=True,
        expose_value=False,
        callback=remember,
        help=N_("Ask for the password of what is encrypted; else APPRAISE_PASSWORD is used."),
    )
    file = click.option(
        "--password-file",
        cls=Option,
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=remember,
        help=N_("A file whose first line is the password of what is encrypted."),
    )
    return ask(file(function))


def remember(context: click.Context, option: click.Parameter, value: Any) -> None:
    """Keep an option's value for ``remembered``, where a command does nothing with it itself."""
    # What is given to the program stands where nothing is given to its command.
    if value:
        context.meta[f"{__name__}.{option.name}"] = value


def remembered(name: str) -> Any:
    """The value of an option that is kept, by the name of its parameter; None if it has none."""
    return click.get_current_context().meta.get(f"{__name__}.{name}")


def _password_from(words: str) -> str | None:
    """The password as the options and the environment give it; None where they give none.

    ``words`` ask for it.
    """
    if remembered("ask_password"):
        asked = click.prompt(words, default="", hide_input=True, show_default=False, err=True)
        return passwords.taken_in(str(asked)) or None
    file = remembered("password_file")
    found = os.environ.get("APPRAISE_PASSWORD") if file is None else first_line(file)
    return passwords.taken_in(found)


def first_line(password_file: Path) -> str:
    """The password that a file holds; a finding and exit code 1 if it cannot be read."""
    from wuhu_appraisal.findings import Source, finding

    # What a shell hands over as a file can be read only once.
    known = click.get_current_context().meta.setdefault(f"{__name__}.files", {})
    try:
        if password_file not in known:
            known[password_file] = passwords.first_line(password_file)
        return str(known[password_file])
    except (OSError, ValueError) as error:
        problem = _(getattr(error, "strerror", None) or str(error))
        fail([finding("file-unreadable", Source(str(password_file)), problem=problem)])


def shared(*names: str) -> Callable[[Function], Function]:
    """The options that several commands have, by name; every command has --lang and the log's."""
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
        "passwords": _passwords,
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
        opening = ["passwords"] if {"reading", "result"} & {*names} else []
        function = logged.options(function)
        for name in reversed([*names, *opening, "lang"]):
            function = options[name](function)
        return function

    return decorate


def scheme_or_exit(path: str) -> "LoadedScheme":
    """The scheme at the path; its findings and exit code 1 if it cannot be used."""
    from wuhu_appraisal.scheme.load import load_scheme

    loaded = load_scheme(path)
    if loaded.scheme is None:
        fail(loaded.findings)
    logged.log("scheme.read", scheme=loaded.scheme.id, file=loaded.path, sha256=loaded.sha256)
    return loaded


def result_or_exit(path: Path, scheme: str) -> "Result":
    """The run that a result file holds; findings and exit code 1 if it cannot be read.

    What is sealed, its content says; it is opened in memory. Where --result is not given, the
    sealed result stands in for the plain one.
    """
    from wuhu_appraisal.encryption import is_sealed, unseal
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.store import load

    loaded = scheme_or_exit(scheme)
    if click.get_current_context().get_parameter_source("result") is ParameterSource.DEFAULT:
        path = standing(path)
    try:
        content = path.read_bytes()
    except OSError:
        fail([finding("result-not-found", Source(str(path)))])
    logged.read(path, content)
    if is_sealed(content):
        password = _password_from(_("Password of the result"))
        content, refused = unseal(str(path), content, password)
        if refused is not None:
            fail([refused])
        logged.log("result.opened", file=path)
        click.get_current_context().meta[OPENED] = password
    run, found = load(content, loaded, str(path))
    if run is None:
        fail(found)
    return run


def standing(path: Path) -> Path:
    """The result that is meant where none is named: the plain one at the path, or the sealed one.

    A finding and exit code 1 where both are there.
    """
    from wuhu_appraisal.encryption import NAME
    from wuhu_appraisal.findings import Source, finding

    other = path.with_name(NAME)
    if not other.exists():
        return path
    if path.exists():
        # The older of the two would make a report of numbers that nobody means any more.
        fail([finding("result-ambiguous", Source(str(path)), other=other)])
    return other


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
    from wuhu_appraisal.output.text import with_progress

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


@contextmanager
def locked(folder: Path, *, working: bool = False) -> Iterator[None]:
    """Keep other runs from a folder that is written to; exit with 1 if one is at work in it.

    With ``working`` temporary files of libraries stand in it too. Only taking the lock is caught
    here: what goes wrong with a file is said of that file.
    """
    from wuhu_appraisal import files

    with ExitStack() as held:
        try:
            held.enter_context(files.working_folder(folder) if working else files.locked(folder))
        except OSError as error:
            fail_to_write(folder, error)
        yield


def fail_to_write(path: Path, error: OSError) -> NoReturn:
    """Say that a file could not be written, and exit with 1."""
    from wuhu_appraisal.files import FolderBusyError
    from wuhu_appraisal.findings import Source, finding

    if isinstance(error, FolderBusyError):
        fail([finding("folder-busy", Source(str(error.filename)))])
    problem = _(error.strerror or str(error))
    fail([finding("write-failed", Source(str(path)), problem=problem)])


def print_findings(found: "Sequence[Finding]", *, as_json: bool) -> None:
    """Print findings as text or as JSON on standard output."""
    if as_json:
        from wuhu_appraisal.store import finding_data

        print_json([finding_data(item) for item in found])
        return
    from wuhu_appraisal.output import text as terminal

    terminal.print_findings(terminal.console(sys.stdout), found)


def print_sheet(sheet: "Table") -> None:
    """Print a table on standard output."""
    from wuhu_appraisal.output import text as terminal

    terminal.print_table(terminal.console(sys.stdout), sheet)


def print_json(data: Any) -> None:
    """Print data as JSON that people can read."""
    import json

    # JSON leaves some signs as they are that a terminal obeys.
    text = json.dumps(data, ensure_ascii=False, indent=2)
    click.echo(_OBEYED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text))


def fail(found: "Sequence[Finding]") -> NoReturn:
    """Print findings on standard error and exit with 1."""
    from wuhu_appraisal.output import text as terminal

    logged.findings(found)
    terminal.print_findings(terminal.console(sys.stderr), found)
    sys.exit(EXIT_FINDINGS)


def exit_on_errors(found: "Sequence[Finding]") -> None:
    """Log all findings of a command, and exit with 1 if one is an error."""
    from wuhu_appraisal.findings import has_errors

    logged.findings(found)
    if has_errors(found):
        sys.exit(EXIT_FINDINGS)
