"""The operations log: JSON lines in a file, sentences on standard error.

Whoever logs passes ``logging`` a message id with %(name)s fields, the mapping of the fields, and
``extra``: the ``event``, and as ``private`` the fields that may hold a score, the name of a unit
or a person, or what a cell holds. docs/logging.md lists the events.
"""

import errno
import json
import logging
import os
import platform
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from wuhu_appraisal import __version__
from wuhu_appraisal.cli.stop import EXIT_FAILED, Ended, Stopped
from wuhu_appraisal.files import IN_USE, private_folder, write_errors
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.output.text import printable
from wuhu_appraisal.result import Result
from wuhu_appraisal.year.freeze import present

HEAD = ("time", "level", "event", "appraise", "process")
"""The keys that every line begins with; ``appraise`` is the version of the program."""

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING}
_PLAIN = {"scheme", "path", "file"}
"""The parameters that are texts and name neither a unit or a person nor what a cell holds."""
_LONGEST = 1 << 20

library = logging.getLogger("wuhu_appraisal")
log = logging.getLogger(__name__)
_handlers: list[logging.Handler] = []


class JsonLines(logging.Formatter):
    """A record as a JSON object on one line, without signs that a terminal obeys."""

    def __init__(self, *, private: bool) -> None:
        super().__init__()
        self.private = private

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the private fields if this log may hold them."""
        moment = present().astimezone(UTC).isoformat(timespec="seconds")
        event = getattr(record, "event", record.name)
        head = (moment, record.levelname.lower(), event, __version__, record.process)
        line = dict(zip(HEAD, head, strict=True)) | _fields(record, private=self.private)
        text = json.dumps(line, ensure_ascii=False, default=str)
        if text.isprintable():
            return text
        return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


class LogFile(logging.FileHandler):
    """Append to a log file; after the first error, which is kept, nothing more is written."""

    problem: OSError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record."""
        if self.problem is None:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as logging has it
        """Keep what the system says."""
        error = sys.exception()
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self.problem = error

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            super().close()
        IN_USE.discard(os.path.realpath(self.baseFilename))


class Sentences(logging.Handler):
    """Print each record on standard error as a sentence in the active language."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record with all its fields; its ``lines`` stand below the sentence."""
        fields = _fields(record, private=True)
        sentence = _(str(record.msg)) % {name: _readable(value) for name, value in fields.items()}
        # A progress bar replaces sys.stderr while it is shown.
        with suppress(OSError, ValueError):
            for line in (sentence, *getattr(record, "lines", ())):
                sys.stderr.write(printable(line) + "\n")
            sys.stderr.flush()


def begin(file: Path | None, inputs: Iterable[Path], *, verbose: bool) -> None:
    """Start the log: in a file, on standard error, or both.

    Raises WriteError for a file that cannot be kept, or that stands in one of the ``inputs``.
    """
    if file is not None:
        handler = _open(file, inputs)
        handler.setFormatter(JsonLines(private=verbose))
        _handlers.append(handler)
    if verbose:
        _handlers.append(Sentences())
    for each in _handlers:
        library.addHandler(each)
    library.setLevel(logging.INFO)


def log_start(context: click.Context | None) -> None:
    """Log what is called; None where the arguments name nothing that can be called."""
    python = platform.python_version()
    extra: dict[str, Any] = {"event": "command.start"}
    if context is None:
        log.info(N_("Begun (Python %(python)s)"), {"python": python}, extra=extra)
        return
    fields = {
        "command": context.command_path.partition(" ")[2],
        "options": _options(context, private=False),
        "python": python,
    }
    extra["private"] = {"options": _options(context, private=True)}
    log.info(N_("Begun: %(command)s %(options)s (Python %(python)s)"), fields, extra=extra)


def end(arguments: Sequence[str], begun: float, error: BaseException | None) -> None:
    """Log how the command ended, and end the log; exit with 1 instead of 0 if it is incomplete.

    ``begun`` is when, on the monotonic clock, and ``error`` what ended it.
    """
    code = _exit_code(error)
    if not _handlers and code not in (0, EXIT_FAILED):
        # It ended before the options were read.
        file, verbose = _options_of_log(arguments)
        with suppress(OSError):
            begin(file, (), verbose=verbose)
            log_start(None)
    if not _handlers:
        return
    cause = error.__context__ if isinstance(error, Ended) else error
    if isinstance(cause, SystemExit | click.ClickException | click.exceptions.Exit | click.Abort):
        cause = None
    name = type(cause).__name__ if cause else None
    name = signal.Signals(cause.number).name if isinstance(cause, Stopped) else name
    trace = traceback.format_exception(cause) if isinstance(cause, Exception) else []
    sentence = N_("Ended after %(seconds)s s with exit code %(exit_code)s")
    if name:
        sentence = N_("Ended after %(seconds)s s with exit code %(exit_code)s: %(error)s")
    fields = {"exit_code": code, "seconds": round(time.monotonic() - begun, 3), "error": name}
    extra = {"event": "command.end", "private": {"traceback": "".join(trace) or None}}
    log.log(logging.ERROR if code else logging.INFO, sentence, fields, extra=extra)
    library.setLevel(logging.NOTSET)
    while _handlers:
        handler = _handlers.pop()
        library.removeHandler(handler)
        handler.close()
        if isinstance(handler, LogFile) and handler.problem is not None:
            problem = _(handler.problem.strerror or str(handler.problem))
            path = os.path.relpath(handler.baseFilename)
            text = _("The log is incomplete: {path}: {problem}").format(path=path, problem=problem)
            click.echo(printable(text), err=True)
            if not code:
                sys.exit(EXIT_FAILED)


def log_findings(findings: Sequence[Finding]) -> None:
    """Log how many findings of each severity there are, then where each stands."""
    if not log.isEnabledFor(logging.INFO):
        return
    counts = Counter(str(item.severity) for item in findings)
    log.info(
        N_("Findings of severity error: %(error)s, of severity warning: %(warning)s"),
        {severity: counts[severity] for severity in _LEVELS},
        extra={"event": "findings"},
    )
    words = {"error": _("error"), "warning": _("warning")}
    for item in findings:
        at, severity = item.source, str(item.severity)
        fields = {
            "severity": severity,
            "code": item.code,
            "file": at.file,
            "sheet": at.sheet,
            "cell": at.cell,
            "line": at.line or None,
            "column": at.column or None,
        }
        private = {"message": item.message}
        sentence = f"{at}  {words[severity]} [{item.code}] {item.message}".replace("%", "%%")
        extra = {"event": "finding", "private": private}
        log.log(_LEVELS[severity], sentence, fields, extra=extra)


def log_result(result: Result) -> None:
    """Log a result: its findings, its decisions, its groups and, as private, its units."""
    log_findings(result.findings)
    log.info(
        N_("Decisions applied: %(count)s"),
        {"count": len(result.decisions)},
        extra={"event": "decisions.applied"},
    )
    for group, standings in result.standings.items():
        ranking = [
            {"unit": item.unit, "final": item.final, "rank": item.rank, "composite": item.composite}
            for item in standings
        ]
        line = _("{unit}: final {final}, rank {rank}")
        lines = [
            line.format(**{name: "–" if value is None else value for name, value in item.items()})
            for item in ranking
        ]
        ranked = sum(item.rank is not None for item in standings)
        log.info(
            N_("Ranked: %(group)s (units: %(units)s, with a rank: %(ranked)s)"),
            {"group": group, "units": len(standings), "ranked": ranked},
            extra={"event": "group.ranked", "private": {"ranking": ranking}, "lines": lines},
        )


def _open(path: Path, inputs: Iterable[Path]) -> LogFile:
    """Open a log to append to, private if it is new.

    Raises WriteError, also for a place in the ``inputs``, for what is no regular file, and for a
    file that is no log of this program.
    """
    with write_errors(path):
        if any(path.resolve().is_relative_to(folder.resolve()) for folder in inputs):
            raise OSError(errno.EINVAL, N_("it is in a folder that is read"))
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, N_("there is a folder or a device in its place"))
        private_folder(path.parent)
        first, last = b"", b"\n"
        if path.exists():
            with path.open("rb") as file:
                first = file.readline(_LONGEST)
                if first:
                    file.seek(-1, os.SEEK_END)
                    last = file.read(1)
        if first and not _is_log_line(first):
            raise OSError(errno.EEXIST, N_("the file there is not a log of this program"))
        path.touch(0o600)
        if last != b"\n":
            # A disk that was full has cut the last line short; it stays a line of its own.
            with path.open("ab") as file:
                file.write(b"\n")
        handler = LogFile(path, encoding="utf-8")
    IN_USE.add(os.path.realpath(path))
    return handler


def _is_log_line(line: bytes) -> bool:
    """Whether a line is one of a log."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and tuple(data)[: len(HEAD)] == HEAD


def _fields(record: logging.LogRecord, *, private: bool) -> dict[str, Any]:
    """Return a record's fields, without those that have no value."""
    fields = dict(record.args) if isinstance(record.args, Mapping) else {}
    if private:
        fields |= getattr(record, "private", {})
    return {name: value for name, value in fields.items() if value is not None}


def _readable(value: Any) -> str:
    """Return a field's value as a person reads it."""
    if isinstance(value, dict):
        return " ".join(
            f"{key}={'…' if item is None else _readable(item)}" for key, item in value.items()
        )
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _options(context: click.Context, *, private: bool) -> dict[str, Any]:
    """Return the options on the command line of a command with their values.

    Without ``private`` a value that may be a name or a score is None. So is always what click does
    not hand to the command: the language and the ways to a password.
    """
    options: dict[str, Any] = {}
    for item in context.command.params:
        name = item.name or ""
        on_the_line = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if on_the_line and name not in ("log", "verbose"):
            plain = not isinstance(item.type, click.types.StringParamType) or name in _PLAIN
            value = context.params.get(name) if private or plain else None
            options[name] = list(map(str, value)) if isinstance(value, tuple) else value
    return options


def _options_of_log(arguments: Sequence[str]) -> tuple[Path | None, bool]:
    """Return --log and --verbose of arguments that could not be read as a whole."""
    words = list(takewhile(lambda word: word != "--", arguments))
    file = ""
    for word, following in pairwise([*words, ""]):
        name, sep, value = word.partition("=")
        if name == "--log":
            file = value if sep else following
    return (Path(file) if file else None), "--verbose" in words


def _exit_code(error: BaseException | None) -> int:
    """Return what the process ends with, as ``sys.exit`` and click have it."""
    if error is None:
        return 0
    code = error.code if isinstance(error, SystemExit) else getattr(error, "exit_code", EXIT_FAILED)
    return code if isinstance(code, int) else int(code is not None)
