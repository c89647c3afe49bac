"""The terminal is gone: heard even where no signal tells it."""

from __future__ import annotations

import select
from collections.abc import Callable
from threading import Thread


def watch_terminal(fileno: int, gone: Callable[[], None]) -> None:
    """Call back when the other side of a terminal is closed. A closed window sends SIGHUP to its own session only.

    Without it Textual's reader would be told "something to read" for ever, and find nothing.

    Args:
        fileno: of the terminal that is read.
        gone: called once, in a thread of its own, that waits without looking.
    """
    Thread(target=_wait, args=(fileno, gone), daemon=True, name="hang-up").start()


def _wait(fileno: int, gone: Callable[[], None]) -> None:
    poll = select.poll()
    # No event is asked for: what is wrong with a terminal is told unasked, what is typed is not.
    poll.register(fileno, 0)
    if any(event & select.POLLHUP for _, event in poll.poll()):
        gone()
