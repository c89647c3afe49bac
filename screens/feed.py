"""Events on their way from the threads that work to the one that draws."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.core.events import Event

Listener = Callable[[Sequence["Event"]], None]
KEPT = 50_000
"""Events that may wait to be drawn; of more than that the oldest are only in the log on disk."""


class EventFeed:
    """A queue with many writers and one reader; the reader is woken once for however many came.

    Args:
        wake: called from the writer's thread when something waits; it must arrange for `drain` on the drawing thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._waiting: deque[Event] = deque(maxlen=KEPT)
        self._listeners: list[Listener] = []
        self._wake = wake
        self._woken = False
        self._guard = Lock()

    def put(self, event: Event) -> None:
        """Take an event, from any thread; never blocks for long. It is a `Sink`."""
        self._waiting.append(event)
        with self._guard:
            call, self._woken = not self._woken, True
        if call:
            self._wake()

    def listen(self, listener: Listener) -> None:
        """Have every batch of events handed over, on the drawing thread."""
        self._listeners.append(listener)

    def drain(self) -> None:
        """Hand what waits to the listeners; on the drawing thread only."""
        with self._guard:
            self._woken = False
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for listener in self._listeners if batch else ():
            listener(batch)
