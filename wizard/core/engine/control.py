"""How a person stops a run: after the current changes, or at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import field

from wizard.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Control:
    """Two switches that any thread may throw; the engine looks at them before each change and while it waits."""

    stop: threading.Event = field(default_factory=threading.Event)
    """Begin nothing new; what runs is finished and saved."""
    detach: threading.Event = field(default_factory=threading.Event)
    """Let go now: what runs on a host goes on there, and the next run asks what became of it."""
    clock: Callable[[], float] = time.monotonic
    """Seconds by which waits are counted; a simulated homelab has time of its own."""

    def request(self) -> None:
        """One press: stop after the current changes. A second press: detach."""
        if self.stop.is_set():
            self.detach.set()
        self.stop.set()

    def let_go(self) -> None:
        """Detach at once, as when the terminal is gone."""
        self.stop.set()
        self.detach.set()
