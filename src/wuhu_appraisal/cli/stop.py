"""End a command in one line: after a signal, or where the system fails."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import Any, NoReturn

import click

from wuhu_appraisal.language import _

EXIT_FAILED = 1
EXIT_SIGNAL = 128
"""What shells add to a signal's number."""

_AGAIN = 0.02
"""The seconds after which a stop that got lost is asked for once more."""

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Ended(SystemExit):
    """The exit after the message; its context is what ended the command."""


class Stopped(BaseException):
    """A signal asks the command to stop; raised so that what is half done is tidied up."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def exit_cleanly(*, own_process: bool) -> Iterator[None]:
    """Print what ends the block, and exit: with 128 and the signal's number, or with 1.

    In a process of its own a signal that comes afterwards, while Python ends, just ends it.
    """
    usual = {number: signal.getsignal(number) for number in _SIGNALS}
    # A signal that is ignored stays ignored, as nohup and the shell's '&' ask for.
    caught = [number for number in _SIGNALS if usual[number] is not signal.SIG_IGN]
    asked: list[int] = []
    usual_hook = sys.unraisablehook

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        asked.append(number)
        raise Stopped(number)

    def again(lost: "sys.UnraisableHookArgs") -> None:
        # A library lets no error out of a call of its own: the stop is asked for once more.
        if isinstance(lost.exc_value, Stopped):
            Timer(_AGAIN, signal.raise_signal, [lost.exc_value.number]).start()
        else:
            usual_hook(lost)

    try:
        sys.unraisablehook = again
        try:
            _handle(caught, stop)
            yield
        except Exception:
            # A library that is not written in Python may put an error of its own in our place.
            if not asked:
                raise
            raise Stopped(asked[-1]) from None
    except Stopped as stopped:
        _handle(caught, signal.SIG_IGN)
        _exit(
            _("Stopped. Files that were already written are complete."),
            EXIT_SIGNAL + stopped.number,
        )
    except OSError as error:
        from wuhu_appraisal.workbooks.folder import shown

        problem = _(error.strerror or str(error))
        if isinstance(error.filename, str | bytes):
            problem = f"{shown(Path(os.fsdecode(error.filename)))}: {problem}"
        _exit(_("The system failed: {problem}").format(problem=problem), EXIT_FAILED)
    finally:
        sys.unraisablehook = usual_hook
        for number in caught:
            _handle([number], signal.SIG_DFL if own_process else usual[number])


def _handle(numbers: Sequence[signal.Signals], handler: Any) -> None:
    """Set the handler of signals; only a main thread may, and in any other nobody presses Ctrl-C."""
    with suppress(ValueError):
        for number in numbers:
            signal.signal(number, handler)


def _exit(text: str, code: int) -> NoReturn:
    """Print the text if there is a place to print it, empty the streams, and exit."""
    with suppress(OSError, ValueError):
        click.echo(text, err=True)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # Python would stumble on what is left in the stream.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
    raise Ended(code)
