"""What Ctrl-C, a closed terminal and a polite kill do to an apply."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wizard.front.streams import tell

if TYPE_CHECKING:
    from types import FrameType

    from wizard.core.session import Session


@contextmanager
def signals(session: Session) -> Iterator[Callable[[], bool]]:
    """What Ctrl-C, TERM and HUP do to an apply; yields what is called when the person said yes.

    Until then they end it, since nothing is begun. From then on Ctrl-C once = stop after the current changes;
    twice, TERM or HUP = let go at once.

    Args:
        session: of the run.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(f"The wizard was told to end ({signal.Signals(number).name}).")

    def pressed(_number: int, _frame: FrameType | None) -> None:
        session.control.request()
        if session.control.detach.is_set():
            tell("Letting go now: what runs on a host goes on there.")
        else:
            tell("Stopping after the current changes; Ctrl-C again lets go at once.")

    def gone(_number: int, _frame: FrameType | None) -> None:
        session.control.let_go()

    def begin() -> bool:
        for number in before:
            signal.signal(number, pressed if number is signal.SIGINT else gone)
        threading.Thread(target=_close_on_detach, args=(session,), daemon=True, name="detach").start()
        return True

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        yield begin
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _close_on_detach(session: Session) -> None:
    """Closing the connections is what ends a wait for a host; what runs there goes on."""
    session.control.detach.wait()
    session.hosts.close()
