"""What all commands share: translated help, the common options, printing, writing, exit codes.

Only click is imported here; everything else is imported where it is needed, so that
``appraise --help`` and a mistyped option answer at once.
"""

import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from wuhu_appraisal import language
from wuhu_appraisal.cli import stop
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.names import slashed

if TYPE_CHECKING:
    from logging import Logger

    from rich.console import Console

    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.output.tables import Table
    from wuhu_appraisal.result import Result

DEFAULT_SCHEME = "wuhu-2020"
RESULTS = Path("results")
STAGE_FILES = Path("stage-files")
EXIT_FINDINGS = 1

_TERMINAL_CONTROLS = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SENTENCE_END = re.compile(r"(?<=。)|(?<=\.)\s")
_INPUTS = ("paths", "files", "path", "scheme")
"""The parameters that name files and folders to read."""


class _Path(click.Path):
    r"""A path; one that is written with \\ is the same as with /, unless a file has it in its name."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See ``click.Path.convert``."""
        return super().convert(slashed(value) if isinstance(value, str) else value, param, ctx)


PATH: "click.Path" = _Path(path_type=Path)
Function = TypeVar("Function", bound=Callable[..., Any])
Item = TypeVar("Item")


class _Translated:
    """Show a parameter's or command's help in the active language, not in the one at import."""

    _help: str | None = None

    @property
    def help(self) -> str | None:
        return _(self._help) if self._help else None

    @help.setter
    def help(self, text: str | None) -> None:
        self._help = text


PLACEHOLDERS = (
    *(N_("OPTIONS"), N_("COMMAND"), N_("ARGS"), N_("PATHS"), N_("PATH"), N_("FOLDER"), N_("DIR")),
    *(N_("FILE"), N_("TEXT"), N_("NAME"), N_("CODE"), N_("STAGE"), N_("UNIT"), N_("TARGET")),
    N_("RESULT"),
    *(N_("OLD"), N_("NEW")),
)
"""The words that stand for a value in usages and in the lists of options."""


def _translated(placeholder: str) -> str:
    """Return what stands for a value, such as [OPTIONS] or PATHS..., in the active language."""
    return re.sub("[A-Z]{2,}", lambda word: _(word[0]), placeholder)


class Option(_Translated, click.Option):
    """An option whose help and whose placeholder for its value are message ids."""

    def make_metavar(self, ctx: click.Context) -> str:
        """See ``click.Parameter.make_metavar``."""
        return _translated(super().make_metavar(ctx))


class Argument(click.Argument):
    """An argument whose placeholder is a message id."""

    def make_metavar(self, ctx: click.Context) -> str:
        """See ``click.Argument.make_metavar``."""
        return _translated(super().make_metavar(ctx))


class Command(_Translated, click.Command):
    """A command whose help is a message id, with the options that every command has."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.params += _COMMON_OPTIONS

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """See ``click.Command.collect_usage_pieces``."""
        return [_translated(piece) for piece in super().collect_usage_pieces(ctx)]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """See ``click.Command.get_help_option``, which keeps the words of its first use."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("Show this message and exit.")
        return option

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence of the help, cut to ``limit`` columns.

        click knows neither that '。' ends a sentence nor that Chinese has no spaces to cut at.
        """
        from unicodedata import east_asian_width

        paragraph = " ".join((self.help or "").partition("\n\n")[0].split())
        sentence = _SENTENCE_END.split(paragraph, maxsplit=1)[0]
        columns = 0
        for place, char in enumerate(sentence):
            columns += 2 if east_asian_width(char) in "WF" else 1
            if columns > limit:
                return re.sub(r"[!-~]*.$", "", sentence[: place + 1]).rstrip() + "…"
        return sentence

    def invoke(self, ctx: click.Context) -> Any:
        """Start the log and run the command; what cannot be written is a finding and exit code 1."""
        try:
            self._start_log(ctx)
            return super().invoke(ctx)
        except OSError as error:
            from wuhu_appraisal.files import FileOpenError, FolderBusyError, WriteError
            from wuhu_appraisal.findings import Source, finding

            if not isinstance(error, WriteError):
                raise
            place = Source(str(error.filename))
            if isinstance(error, FolderBusyError):
                fail([finding("folder-busy", place)])
            if isinstance(error, FileOpenError):
                fail([finding("file-open", place)])
            fail([finding("write-failed", place, problem=_(str(error.strerror)))])

    def _start_log(self, ctx: click.Context) -> None:
        file, verbose = remembered("log"), bool(remembered("verbose"))
        if isinstance(self, click.Group) or not (file or verbose):
            return
        from wuhu_appraisal.cli import log

        inputs: list[Path] = []
        for name in _INPUTS:
            value = ctx.params.get(name, ())
            inputs += map(Path, value if isinstance(value, tuple) else [value])
        if ctx.params.get("files") == ():
            inputs.append(STAGE_FILES)
        log.begin(file, inputs, verbose=verbose)
        log.log_start(ctx)


class Group(Command, click.Group):
    """A group whose help is a message id; it chooses the language before anything is shown."""

    command_class = Command

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """See ``click.Group.main``."""
        arguments = sys.argv[1:] if args is None else list(args)
        language.activate(language.choose(arguments, os.environ))
        for stream in (sys.stdout, sys.stderr):
            # A console or a file in GBK lacks some signs; a sign less beats an error.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        begun = time.monotonic()
        try:
            with stop.exit_cleanly(own_process=args is None):
                return super().main(args, *more, **options)
        finally:
            if any(word == "--verbose" or word.partition("=")[0] == "--log" for word in arguments):
                from wuhu_appraisal.cli import log

                log.end(arguments, begun, sys.exception())


class Count(click.IntRange):
    """A whole number from 0 up, whose name in messages is translated."""

    def __init__(self) -> None:
        super().__init__(min=0)

    @property
    def name(self) -> str:  # type: ignore[override]
        """Return what messages call it."""
        return _("whole number")


def command(name: str | None = None, *, help: str) -> Callable[[Callable[..., Any]], Command]:  # noqa: A002
    """Make a function a command; ``help`` is a message id."""
    return click.command(name, cls=Command, help=help)


def argument(name: str, **settings: Any) -> Callable[[Function], Function]:
    """Add an argument whose placeholder is a message id."""
    return click.argument(name, cls=Argument, **settings)


def option(*names: str, **settings: Any) -> Callable[[Function], Function]:
    """Add an option whose help is a message id."""
    return click.option(*names, cls=Option, **settings)


def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep an option's value for ``remembered``, where a command does nothing with it itself."""
    # An option of the program stands where its command is not given it again.
    if value:
        context.meta[f"{__name__}.{parameter.name}"] = value


def remembered(name: str) -> Any:
    """Return the value of an option that was kept, by the name of its parameter, or None."""
    return click.get_current_context().meta.get(f"{__name__}.{name}")


_COMMON_OPTIONS: list[click.Parameter] = [
    Option(
        ["--lang"],
        type=click.Choice(sorted(language.LOCALES)),
        expose_value=False,
        help=N_("The language of the output."),
    ),
    Option(
        ["--verbose"],
        is_flag=True,
        expose_value=False,
        callback=remember,
        help=N_("Print each step on standard error."),
    ),
    Option(
        ["--log"],
        type=PATH,
        metavar="FILE",
        expose_value=False,
        callback=remember,
        help=N_("Append each step to a file, as JSON lines; with --verbose scores too."),
    ),
]
all_option = option(
    "--all",
    "folded",
    is_flag=True,
    expose_value=False,
    callback=lambda context, parameter, value: remember(context, parameter, not value),
    help=N_("Show every finding and every place, not only the first ones of each kind."),
)
json_option = option("--json", "as_json", is_flag=True, help=N_("Print JSON instead of text."))


def logger() -> "Logger":
    """Return the logger of the commands; ``logging`` is imported only now."""
    import logging

    return logging.getLogger("wuhu_appraisal.cli")


def console() -> "Console":
    """Return what prints on standard output."""
    from wuhu_appraisal.output import text

    return text.console(sys.stdout)


def print_findings(findings: "Sequence[Finding]", *, as_json: bool = False) -> None:
    """Print findings as text or as JSON on standard output."""
    if as_json:
        from wuhu_appraisal.store import finding_data

        print_json([finding_data(item) for item in findings])
        return
    from wuhu_appraisal.output import text

    text.print_findings(console(), findings, folded=bool(remembered("folded")))


def print_table(table: "Table") -> None:
    """Print a table on standard output."""
    from wuhu_appraisal.output import text

    text.print_table(console(), table)


def print_tables(result: "Result", tables: "Iterable[Table]") -> None:
    """Print what keeps a result from being final, then its tables."""
    from wuhu_appraisal.output.tables import banner
    from wuhu_appraisal.output.text import printable

    out = console()
    for line in banner(result):
        out.print(printable(line), markup=False, style="bold red")
    for table in tables:
        print_table(table)
        out.print()


def print_json(data: Any) -> None:
    """Print data as JSON that people can read, without signs that a terminal obeys."""
    import json

    text = json.dumps(data, ensure_ascii=False, indent=2)
    click.echo(_TERMINAL_CONTROLS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text))


def fail(findings: "Sequence[Finding]", *, private: bool = False) -> NoReturn:
    """Print findings on standard error, log them, and exit with 1.

    With ``private`` their places stand in no log.
    """
    from dataclasses import replace

    from wuhu_appraisal.cli.log import log_findings
    from wuhu_appraisal.findings import Source
    from wuhu_appraisal.output import text

    nowhere = Source("")
    log_findings([replace(item, source=nowhere) for item in findings] if private else findings)
    folded = bool(remembered("folded"))
    text.print_findings(text.console(sys.stderr), findings, folded=folded)
    sys.exit(EXIT_FINDINGS)


def fail_if_any(findings: "Sequence[Finding]") -> None:
    """Fail where there are findings."""
    if findings:
        fail(findings)


def exit_on_errors(findings: "Sequence[Finding]") -> None:
    """Log all findings of a command, and exit with 1 if one is an error."""
    from wuhu_appraisal.cli.log import log_findings
    from wuhu_appraisal.findings import has_errors

    log_findings(findings)
    if has_errors(findings):
        sys.exit(EXIT_FINDINGS)


def write(path: Path, content: bytes) -> str:
    """Write a file whole; return the lines that say so, and where an earlier file was kept.

    Raises WriteError.
    """
    from wuhu_appraisal.files import write_whole

    kept = write_whole(path, content)
    lines = [] if kept is None else [_("The earlier file was kept as {path}").format(path=kept)]
    return "\n".join([*lines, _("Written: {path}").format(path=path)])


def within(target: Path, folders: Iterable[Path]) -> bool:
    """Whether a file or folder would stand in or below one of the folders, links followed."""
    return any(target.resolve().is_relative_to(folder.resolve()) for folder in folders)


def progress(items: Iterable[Item], count: int, words: str = "") -> Iterator[Item]:
    """Yield the items with a progress bar on a terminal, once the work takes over a second."""
    if not sys.stderr.isatty():
        yield from items
        return
    from wuhu_appraisal.output.text import with_progress

    yield from with_progress(items, count, words or _("Reading workbooks"))
