"""The program's three streams: printing never fails, whatever the locale is and whoever has stopped reading."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, TextIO, cast

from wizard.core.errors import WizardError, render


def tell(text: str) -> None:
    """Say something on stderr, where somebody still listens.

    Args:
        text: made printable already.
    """
    # The reader or the terminal may be gone; RuntimeError: a signal came while just this stream was written to.
    with suppress(OSError, ValueError, RuntimeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def never_fail_to_print() -> None:
    """What the locale has no letters for comes out as `?`, and what is no text comes in as U+FFFD.

    A stream that was closed before we began (`2>&-`) is one that nobody reads, and has nothing to say.
    """
    sys.stdin = sys.stdin or _nobody("r")
    sys.stdout = sys.stdout or _nobody("w")
    sys.stderr = sys.stderr or _nobody("w")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _nobody(mode: str) -> TextIO:
    return cast("TextIO", Path(os.devnull).open(mode, encoding="utf-8"))


def flushed(code: int) -> int:
    """Print what is still held back, to whoever still reads.

    Args:
        code: of the command; a reader who left does not change it.

    Returns:
        The code.
    """
    try:
        sys.stdout.flush()
    except OSError:  # a pipe closed early, a terminal that is gone: Python would say so once more at its end
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def leave(code: int) -> NoReturn:
    """End at once: no thread is waited for that waits itself, for a host that is slow or for an answer.

    Everything is closed by now. Python would take the program to pieces, module by module: a tenth of a second.

    Args:
        code: the exit code.
    """
    if "wizard.front.terminal" in sys.modules:
        from wizard.front.terminal import restore_echo

        restore_echo()
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def tell_error(error: WizardError, *, before: str = "") -> None:
    """Tell an error on stderr; at a terminal its sentences are wrapped to the terminal's width.

    Args:
        error: what to tell.
        before: text in front, such as an empty line.
    """
    from shutil import get_terminal_size

    at_terminal = sys.stderr is not None and sys.stderr.isatty()
    tell(before + render(error, width=get_terminal_size().columns if at_terminal else 0))
