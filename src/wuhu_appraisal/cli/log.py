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
import re
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from wuhu_appraisal import __version__
from wuhu_appraisal.cli.stop import EXIT_FAILED, Ended, Stopped
from wuhu_appraisal.files import IN_USE, private_folder, write_errors
from wuhu_appraisal.findings import Finding, unfolded
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.output.text import printable
from wuhu_appraisal.result import Result
from wuhu_appraisal.year.freeze import present

HEAD = ("time", "level", "event", "appraise", "process")
"""The keys that every line begins with; ``appraise`` is the version of the program."""

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING}
_PLAIN = {"scheme", "path", "file"}
"""The parameters that are texts and name neither a unit or a person nor what a cell holds."""
_LOG_LINE = re.compile(
    rb'\{"time": "[^"]+", "level": "\w+", "event": "[\w.]+", "appraise": "[^"]+", "process": \d+'
)

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
        return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


class LogFile(logging.FileHandler):
    """Append to a log file, and keep the last error of writing to it."""

    problem: BaseException | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - as logging has it
        """Keep what the system says."""
        self.problem = sys.exception()


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
    """Log what is called; None where the arguments name nothing that can be called.

    Of the options only those on the command line that click hands to the command are logged: no
    way to a password is. A text may be a name or a score, and so is private.
    """
    fields: dict[str, Any] = {"python": platform.python_version()}
    extra: dict[str, Any] = {"event": "command.start"}
    sentence = N_("Begun (Python %(python)s)")
    if context is not None:
        sentence = N_("Begun: %(command)s %(options)s (Python %(python)s)")
        values, public = {}, {}
        for item in context.command.params:
            name = item.name or ""
            on_the_line = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
            if on_the_line and name in context.params:
                values[name] = context.params[name]
                text = isinstance(item.type, click.types.StringParamType) and name not in _PLAIN
                public[name] = None if text else values[name]
        fields |= {"command": context.command_path.partition(" ")[2], "options": public}
        extra["private"] = {"options": values}
    log.info(sentence, fields, extra=extra)


def end(arguments: Sequence[str], begun: float, error: BaseException | None) -> None:
    """Log how the command ended, and end the log; exit with 1 instead of 0 if it is incomplete.

    ``begun`` is when, on the monotonic clock, and ``error`` what ended it.
    """
    code = 0 if error is None else EXIT_FAILED
    if isinstance(error, SystemExit):
        code = int(error.code or 0)
    if not _handlers and code not in (0, EXIT_FAILED):
        # It ended before the options were read.
        file, verbose = _options_of_log(arguments)
        with suppress(OSError):
            begin(file, (), verbose=verbose)
            log_start(None)
    if not _handlers:
        return
    cause = None if isinstance(error, SystemExit) else error
    cause = error.__context__ if isinstance(error, Ended) else cause
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
        # What a full disk did not take is written, and fails, once more.
        with suppress(OSError):
            handler.close()
        if not isinstance(handler, LogFile):
            continue
        IN_USE.discard(os.path.realpath(handler.baseFilename))
        if handler.problem is not None:
            problem = _(getattr(handler.problem, "strerror", None) or str(handler.problem))
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
    for item in unfolded(findings):
        severity = str(item.severity)
        place = {name: value or None for name, value in asdict(item.source).items()}
        fields = {"severity": severity, "code": item.code, **place}
        text = f"{item.source}  {words[severity]} [{item.code}] {item.message}"
        extra = {"event": "finding", "private": {"message": item.message}}
        log.log(_LEVELS[severity], text.replace("%", "%%"), fields, extra=extra)


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
        whole = True
        if path.exists() and path.stat().st_size:
            with path.open("rb") as file:
                if not _LOG_LINE.match(file.readline(1000)):
                    raise OSError(errno.EEXIST, N_("the file there is not a log of this program"))
                file.seek(-1, os.SEEK_END)
                whole = file.read() == b"\n"
        path.touch(0o600)
        if not whole:
            # A disk that was full has cut the last line short; it stays a line of its own.
            with path.open("ab") as file:
                file.write(b"\n")
        handler = LogFile(path, encoding="utf-8")
    IN_USE.add(os.path.realpath(path))
    return handler


def _fields(record: logging.LogRecord, *, private: bool) -> dict[str, Any]:
    """Return a record's fields, without those that have no value."""
    fields = dict(record.args) if isinstance(record.args, Mapping) else {}
    if private:
        fields |= getattr(record, "private", {})
    return {name: value for name, value in fields.items() if value is not None}


def _readable(value: Any) -> str:
    """Return a field's value as a person reads it."""
    if isinstance(value, dict):
        return " ".join(f"{name}={_readable(item)}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _options_of_log(arguments: Sequence[str]) -> tuple[Path | None, bool]:
    """Return --log and --verbose of arguments that could not be read as a whole."""
    words = list(takewhile(lambda word: word != "--", arguments))
    file = ""
    for word, following in pairwise([*words, ""]):
        name, sep, value = word.partition("=")
        if name == "--log":
            file = value if sep else following
    return (Path(file) if file else None), "--verbose" in words
