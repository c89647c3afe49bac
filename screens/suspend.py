"""Ctrl-Z: back to the shell for a while. `fg` brings the screens back; a run pauses with them."""

from __future__ import annotations

import os
import signal
from threading import Event

from textual.app import App


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
    woken = Event()
    with app.suspend():
        # Heard by Textual after the terminal is ours again, it would take the terminal a second time.
        before = signal.signal(signal.SIGCONT, lambda *_: woken.set())
        os.killpg(os.getpgrp(), signal.SIGSTOP)
        woken.wait()
        signal.signal(signal.SIGCONT, before)
