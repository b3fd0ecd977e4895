"""What ends a command from outside is said in one line: a signal, or a system that fails."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from wuhu_appraisal.language import _

EXIT_FAILED = 1
EXIT_SIGNAL = 128
"""What shells add to a signal's number."""

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Ended(SystemExit):
    """The exit after what ended the work was said; its context is what did."""


class Stopped(BaseException):
    """A signal came that asks to stop. What is half done is tidied up on its way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def said(*, own_process: bool) -> Iterator[None]:
    """Say what ends the work within, and exit: with 128 and the signal's number, or with 1.

    In a process of its own a signal that comes afterwards, while Python ends, just ends it.
    """
    usual = {number: signal.getsignal(number) for number in _SIGNALS}
    # One that is ignored stays so, as nohup and the shell's '&' ask for.
    ours = [number for number in _SIGNALS if usual[number] is not signal.SIG_IGN]
    try:
        _heed(ours, _stop)
        yield
    except Stopped as stopped:
        _heed(ours, signal.SIG_IGN)
        _exit(_("Stopped. Files that were written before are whole."), EXIT_SIGNAL + stopped.number)
    except OSError as error:
        from wuhu_appraisal.workbooks.folder import shown

        problem = _(error.strerror or str(error))
        if isinstance(error.filename, str | bytes):
            problem = f"{shown(Path(os.fsdecode(error.filename)))}: {problem}"
        _exit(_("The system failed: {problem}").format(problem=problem), EXIT_FAILED)
    finally:
        for number in ours:
            _heed([number], signal.SIG_DFL if own_process else usual[number])


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


def _heed(numbers: Sequence[signal.Signals], what: Any) -> None:
    """Set what signals lead to; only a main thread may, and in any other nobody presses Ctrl-C."""
    with suppress(ValueError):
        for number in numbers:
            signal.signal(number, what)


def _exit(text: str, code: int) -> NoReturn:
    """Say it if there is still a place to say it, and leave nothing that Python could stumble on."""
    with suppress(OSError, ValueError):
        click.echo(text, err=True)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _silence(stream.fileno())
    raise Ended(code)


def _silence(handle: int) -> None:
    """What is still to be written to a stream that fails goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, handle)
    os.close(nowhere)
