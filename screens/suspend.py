"""Ctrl-Z: back to the shell for a while. `fg` brings the screens back; a run pauses with them."""

from __future__ import annotations

import os
import signal
import time

from textual.app import App

LOOK_SECONDS = 0.02
"""How soon it is seen that the shell said go on. Nothing looks while the job is stopped."""


def has_shell() -> bool:
    """Whether a shell is there to return to: started as a job of its own, not in the place of the shell."""
    return hasattr(os, "getsid") and os.getpgrp() != os.getsid(0)


def suspend(app: App[int]) -> None:
    """Give the terminal back and stop, with everything that was started together with us, until the shell says go on.

    The whole job is stopped: under `make practice` the shell waits for make, and would wait for ever if make went on.

    Args:
        app: that draws on the terminal.

    Raises:
        SuspendNotSupported: what the app draws on is no terminal that could be given back.
    """
    woken: list[int] = []
    with app.suspend():
        # Heard by Textual after the terminal is ours again, it would take the terminal a second time.
        before = signal.signal(signal.SIGCONT, lambda number, _: woken.append(number))
        os.killpg(os.getpgrp(), signal.SIGSTOP)
        # The kernel may give the signal to another thread; Python tells this one between two steps, not in a wait.
        while not woken:
            time.sleep(LOOK_SECONDS)
        signal.signal(signal.SIGCONT, before)
