"""Writing the operations log: a file of JSON lines, and what is told on standard error.

A line of the file is an object that begins with the keys HEAD; docs/logging.md has the rest.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from wuhu_appraisal import __version__
from wuhu_appraisal.appraisal import now
from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.proof import STAGE_FILES
from wuhu_appraisal.cli.sheets import within
from wuhu_appraisal.cli.stop import EXIT_FAILED, EXIT_SIGNAL, Ended, Stopped
from wuhu_appraisal.files import IN_USE, private_folder
from wuhu_appraisal.findings import Source
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.numbers import decimals
from wuhu_appraisal.output.tables import Column, show
from wuhu_appraisal.output.text import printable

HEAD = ("time", "level", "event", "appraise", "process")
"""The keys that every line begins with; ``appraise`` is the version of the program."""

SENTENCES: Mapping[str, Sequence[str]] = {
    "command.start": (
        N_("Begun: {command} {options} (appraise {version}, Python {python})"),
        N_("Begun (appraise {version}, Python {python})"),
    ),
    "command.end": (
        N_("Ended after {seconds} s with exit code {exit_code}: {error}"),
        N_("Ended after {seconds} s with exit code {exit_code}"),
    ),
    "scheme.read": (N_("Scheme: {scheme} (SHA-256: {sha256})"),),
    "file.read": (
        N_("Read: {file} (bytes: {size}, sheets: {sheets}, scores: {scores}, seconds: {seconds})"),
        N_("Read: {file} (bytes: {size})"),
    ),
    "file.written": (
        N_("Written: {file} (bytes: {size}); the earlier file was kept as {kept}"),
        N_("Written: {file} (bytes: {size})"),
    ),
    "stage.scored": (N_("Scored: {stage}, {group} (sheets: {sheets})"),),
    "findings": (N_("Findings of severity error: {error}, of severity warning: {warning}"),),
    "group.ranked": (N_("Ranked: {group} (units: {units}, with a rank: {ranked})"),),
    "freeze.checked": (
        N_("Held against what was frozen: {stages} (what is otherwise: {findings})"),
    ),
    "stage.frozen": (N_("Frozen: {stage} (files: {files})"),),
    "decisions.applied": (N_("Decisions applied: {count}"),),
    "decision.checked": (
        N_("Decision checked: {decide}, {place} (what speaks against it: {findings})"),
    ),
    "encryption.asked": (N_("What is written is encrypted."),),
    "encryption.checked": (N_("Looked for unencrypted copies (files: {files})"),),
    "result.opened": (N_("Opened with its password: {file}"),),
    "signature.checked": (N_("Signature checked: {file} (what speaks against it: {findings})"),),
    "verify.compared": (N_("Computed again and compared: {file} (differing: {findings})"),),
}
"""How an event is told: by the first of its message ids for which it has all fields."""

_SAID_OF_UNIT = N_("{unit}: final {final}, rank {rank}")
_PLAIN = {"scheme", "path", "file"}
"""The parameters that are texts and name neither a unit or a person nor what a cell holds."""

_LONGEST = 1 << 20
_LIBRARY = logging.getLogger("wuhu_appraisal")


class LogFile(logging.Handler):
    """Appends each record to a file as one line, in one call of write.

    With ``told`` what may hold scores is in it. The first write that fails is the last, and its
    error is kept. Raises OSError as ``_opened``.
    """

    def __init__(self, path: Path, *, told: bool) -> None:
        super().__init__()
        self.path, self.told = path, told
        self.problem: OSError | None = None
        self._handle = _opened(path)
        IN_USE.add(os.path.realpath(path))

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record."""
        if self.problem is not None:
            return
        content = (_line(record, told=self.told) + "\n").encode()
        try:
            written = os.write(self._handle, content)
        except OSError as error:
            self.problem = error
            return
        if written < len(content):
            self.problem = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            os.close(self._handle)
        IN_USE.discard(os.path.realpath(self.path))
        super().close()


class Telling(logging.Handler):
    """Tells each record on standard error, in the active language."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell a record."""
        # A progress bar puts itself in the place of sys.stderr, and these lines above itself.
        with suppress(OSError, ValueError):
            for line in _sentences(record):
                sys.stderr.write(printable(line) + "\n")
            sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class _Open:
    """A log that is kept: what writes it, and the level that the library's logger had."""

    handlers: Sequence[logging.Handler]
    level: int


_open: list[_Open] = []


def begin(file: Path | None, params: Mapping[str, Any], *, verbose: bool) -> None:
    """Keep a log from now on: in a file, on standard error, or both. Raises OSError.

    ``params`` are what the command is given: a folder that is read from takes no log.
    """
    handlers: list[logging.Handler] = []
    if file is not None:
        if within(file, _read_from(params)):
            raise OSError(errno.EINVAL, N_("it leads into a folder that is read"), str(file))
        handlers.append(LogFile(file, told=verbose))
    if verbose:
        handlers.append(Telling())
    _open.append(_Open(handlers, _LIBRARY.level))
    for handler in handlers:
        _LIBRARY.addHandler(handler)
    _LIBRARY.setLevel(logging.INFO)


def say_start(context: click.Context | None) -> None:
    """Log what is called; None where the arguments name nothing that can be."""
    python = platform.python_version()
    if context is None:
        logged.log("command.start", python=python)
        return
    told = {"options": _given(context, told=True)}
    given = _given(context, told=False)
    logged.log("command.start", command=_named(context), options=given, python=python, told=told)


def end(arguments: Sequence[str], begun: float, error: BaseException | None) -> None:
    """Log how the command ended, and keep no log any more; exit with 1 if it is not whole.

    ``begun`` is when, on the monotonic clock, and ``error`` what ended it.
    """
    code = _exit_code(error)
    if not _open and (code == click.UsageError.exit_code or code > EXIT_SIGNAL):
        # It ended before the options were read.
        with suppress(OSError):
            file, verbose = _asked(arguments)
            begin(file, {}, verbose=verbose)
            say_start(None)
    if not _open:
        return
    cause = _cause(error)
    seconds = time.monotonic() - begun
    level = logging.ERROR if code else logging.INFO
    told = {"traceback": _traceback(cause)}
    logged.log(
        "command.end", level, exit_code=code, seconds=seconds, error=_called(cause), told=told
    )
    kept = _open.pop()
    for handler in kept.handlers:
        _LIBRARY.removeHandler(handler)
        handler.close()
    _LIBRARY.setLevel(kept.level)
    failed = [item for item in kept.handlers if isinstance(item, LogFile) and item.problem]
    for item in failed:
        assert item.problem is not None
        text = _("The log could not be kept to its end: {path}: {problem}")
        problem = _(item.problem.strerror or str(item.problem))
        click.echo(printable(text.format(path=item.path, problem=problem)), err=True)
    if failed and not code:
        sys.exit(EXIT_FAILED)


def _opened(path: Path) -> int:
    """A handle that appends to a log, private if it is new.

    Raises OSError, also for what is no file, and for a file that is no log of ours.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, N_("a folder or a device stands in its place"), str(path))
    private_folder(path.parent)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
    if path.exists():
        with path.open("rb") as file:
            first = file.readline(_LONGEST)
            torn = bool(first) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
        if first and not _is_ours(first):
            problem = N_("what stands there is no log of this program")
            raise OSError(errno.EEXIST, problem, str(path))
        handle = os.open(path, flags)
        if torn:
            # A disk that was full has cut the last line short; it stays a line of its own.
            os.write(handle, b"\n")
        return handle
    return os.open(path, flags, 0o600)


def _is_ours(line: bytes) -> bool:
    """Whether a line is one of a log."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and tuple(data)[: len(HEAD)] == HEAD


def _line(record: logging.LogRecord, *, told: bool) -> str:
    """A record as JSON on one line, without signs that a terminal obeys."""
    moment = datetime.fromisoformat(now()).astimezone(UTC).isoformat()
    head = (moment, record.levelname.lower(), record.getMessage(), __version__, record.process)
    data = dict(zip(HEAD, head, strict=True)) | _fields(record, told=told)
    text = json.dumps(data, ensure_ascii=False, default=_text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def _fields(record: logging.LogRecord, *, told: bool) -> dict[str, Any]:
    """What a record tells, without what is not known of it."""
    fields: dict[str, Any] = dict(getattr(record, "fields", {}))
    more = fields.pop("told", {})
    fields |= more if told else {}
    rounded = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in fields.items()
    }
    return {name: value for name, value in rounded.items() if value is not None}


def _sentences(record: logging.LogRecord) -> Iterator[str]:
    """What a person reads of a record."""
    fields = _fields(record, told=True)
    event = record.getMessage()
    file, sheet, cell = (str(fields.get(part, "")) for part in ("file", "sheet", "cell"))
    place = str(Source(file, sheet, cell, fields.get("line", 0), fields.get("column", 0)))
    if event == "finding":
        words = {"error": _("error"), "warning": _("warning")}
        yield f"{place}  {words[fields['severity']]} [{fields['code']}] {fields['message']}"
        return
    texts = {name: _text(value) for name, value in fields.items()}
    texts |= {"place": place, "version": __version__}
    for sentence in SENTENCES[event]:
        with suppress(KeyError):
            yield _(sentence).format_map(texts)
            break
    for item in fields.get("ranking", ()):
        yield _(_SAID_OF_UNIT).format_map({name: _text(value) for name, value in item.items()})


def _text(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, dict):
        return " ".join(
            f"{name}={'…' if item is None else _text(item)}" for name, item in value.items()
        )
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    number = value if isinstance(value, Decimal) else None
    if value is None or number is not None:
        return show(number, Column("", "number", 0 if number is None else decimals(number)))
    return str(value)


def _named(context: click.Context) -> str:
    """The words that call a command, without the program's own."""
    names = [context.info_name or ""]
    while (parent := context.parent) is not None:
        names.append(parent.info_name or "")
        context = parent
    return " ".join(reversed(names[:-1]))


def _given(context: click.Context, *, told: bool) -> dict[str, Any]:
    """What the command line gives a command: without ``told`` only what is no name and no score.

    What is left out is None. So is always what click does not hand to the command, which are the
    language and the ways to a password. What the environment gives is not here at all.
    """
    given = {}
    for item in context.command.params:
        name = item.name or ""
        on_the_line = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if on_the_line and name not in ("log", "verbose"):
            plain = not isinstance(item.type, click.types.StringParamType) or name in _PLAIN
            value = context.params.get(name) if told or plain else None
            given[name] = list(map(str, value)) if isinstance(value, tuple) else value
    return given


def _read_from(params: Mapping[str, Any]) -> list[Path]:
    """The files and folders of input that a command is given."""
    files = params.get("files", ())
    path = params.get("path")
    return [
        *params.get("paths", ()),
        *(files if files or "files" not in params else [STAGE_FILES]),
        *([Path(params["scheme"])] if "scheme" in params else []),
        *([path] if isinstance(path, Path) else []),
    ]


def _asked(arguments: Sequence[str]) -> tuple[Path | None, bool]:
    """The log that arguments ask for which could not be read as a whole."""
    words = list(takewhile(lambda word: word != "--", arguments))
    file = None
    for word, following in pairwise([*words, ""]):
        name, sep, value = word.partition("=")
        if name == "--log":
            file = value if sep else following
    return (Path(file) if file else None), "--verbose" in words


def _exit_code(error: BaseException | None) -> int:
    """What the process ends with, as ``sys.exit`` and click have it."""
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        code = error.code
        return code if isinstance(code, int) else int(code is not None)
    return int(getattr(error, "exit_code", EXIT_FAILED))


def _cause(error: BaseException | None) -> BaseException | None:
    """What ended a command that nobody expected; None where it chose its exit code itself."""
    if isinstance(error, Ended):
        return error.__context__
    expected = SystemExit | click.ClickException | click.exceptions.Exit | click.Abort
    return None if isinstance(error, expected) else error


def _called(cause: BaseException | None) -> str | None:
    """The kind of what ended a command."""
    if isinstance(cause, Stopped):
        return signal.Signals(cause.number).name
    return type(cause).__name__ if cause else None


def _traceback(cause: BaseException | None) -> str | None:
    """Where an exception came from."""
    return "".join(traceback.format_exception(cause)) if isinstance(cause, Exception) else None
