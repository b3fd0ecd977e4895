"""The operations log as the commands use it: its options, its beginning and end, its events.

What writes it is ``cli.logs``, which is imported only where a log is asked for.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wuhu_appraisal.language import N_

if TYPE_CHECKING:
    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.result import Result

Function = TypeVar("Function", bound=Callable[..., Any])

_WRITER = "wuhu_appraisal.cli.logs"
_LEVELS = {"error": 40, "warning": 30}
"""A severity as one of the levels of ``logging``."""


def options(function: Function) -> Function:
    """The options that ask for the log."""
    from wuhu_appraisal.cli.frame import Option, remember

    verbose = click.option(
        "--verbose",
        cls=Option,
        is_flag=True,
        expose_value=False,
        callback=remember,
        help=N_("Tell on standard error what is done."),
    )
    file = click.option(
        "--log",
        cls=Option,
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        callback=remember,
        help=N_("Append to a file what is done, as JSON lines; with --verbose scores too."),
    )
    return verbose(file(function))


@contextmanager
def kept(arguments: Sequence[str]) -> Iterator[None]:
    """End the log of the command that runs within, if one is asked for, however it ends."""
    begun = time.monotonic()
    ended: BaseException | None = None
    try:
        yield
    except BaseException as error:
        ended = error
        raise
    finally:
        if any(word == "--verbose" or word.partition("=")[0] == "--log" for word in arguments):
            from wuhu_appraisal.cli import logs

            logs.end(arguments, begun, ended)


def start(context: click.Context) -> None:
    """Begin the log, if one is asked for, with what is called; exit with 1 if it cannot be kept."""
    from wuhu_appraisal.cli.frame import fail_to_write, remembered

    file, verbose = remembered("log"), bool(remembered("verbose"))
    if isinstance(context.command, click.Group) or not (file or verbose):
        return
    from wuhu_appraisal.cli import logs

    try:
        logs.begin(file, context.params, verbose=verbose)
    except OSError as error:
        fail_to_write(file, error)
    logs.say_start(context)


def log(event: str, level: int = 20, /, **fields: Any) -> None:
    """Log what a command does; see ``files.log``."""
    if _WRITER in sys.modules:
        from wuhu_appraisal import files

        files.log("wuhu_appraisal.cli", event, level, **fields)


def read(path: Path, content: bytes) -> None:
    """Log a file that was read whole and is no stage file."""
    if _WRITER in sys.modules:
        from wuhu_appraisal.workbooks.folder import sha256

        log("file.read", file=path, size=len(content), sha256=sha256(content))


def findings(found: "Sequence[Finding]") -> None:
    """Log findings: how many there are of each severity, then where each stands."""
    if _WRITER not in sys.modules:
        return
    from wuhu_appraisal.cli.frame import remembered

    # Somebody may have given the password itself in place of its file.
    given = map(remembered, ("password_file", "new_password_file"))
    hidden = {str(path) for path in given if path}
    counts = Counter(str(item.severity) for item in found)
    log("findings", **{severity: counts[severity] for severity in _LEVELS})
    for item in found:
        at = item.source
        log(
            "finding",
            _LEVELS[str(item.severity)],
            severity=item.severity,
            code=item.code,
            file="" if at.file in hidden else at.file,
            sheet=at.sheet,
            cell=at.cell,
            line=at.line or None,
            column=at.column or None,
            told={"message": item.message},
        )


def ranking(run: "Result") -> None:
    """Log what a run came to: its findings, its decisions, its groups and, as scores, its units."""
    findings(run.findings)
    log("decisions.applied", count=len(run.decisions))
    for group, found in run.standings.items():
        ranked = sum(item.rank is not None for item in found)
        units = [
            {"unit": item.unit, "final": item.final, "rank": item.rank, "composite": item.composite}
            for item in found
        ]
        log("group.ranked", group=group, units=len(found), ranked=ranked, told={"ranking": units})
