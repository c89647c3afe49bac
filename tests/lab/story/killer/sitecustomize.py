"""Kills the wizard with SIGKILL at an exact save of its run state; Python loads this before anything of the wizard.

STORY_SAVES names a file that gets one byte per save. STORY_KILL is `before N` (the N-th save is complete in its
temporary file and not yet renamed into place) or `after N` (renamed, and nothing was done since).
"""

from __future__ import annotations

import os
import signal
import sys


class Killer:
    """Counts saves, and kills at the one it was told to."""

    def __init__(self) -> None:
        self.moment, _, number = os.environ.get("STORY_KILL", " 0").partition(" ")
        self.number = int(number)
        self.saves = os.environ.get("STORY_SAVES", "")
        self.seen = 0
        self.armed = False

    def hear(self, event: str, args: tuple[object, ...]) -> None:
        """Called by Python for every audited call, right before it."""
        if self.armed:
            self.kill()
        if event != "os.rename" or not str(args[1]).endswith("/state.json"):
            return
        self.seen += 1
        self.count()
        if self.seen == self.number:
            if self.moment == "before":
                self.kill()
            self.armed = True

    def kill(self) -> None:
        self.armed = False  # the kill is an audited call itself
        os.kill(os.getpid(), signal.SIGKILL)

    def count(self) -> None:
        if self.saves:
            descriptor = os.open(self.saves, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(descriptor, b".")
            os.close(descriptor)


sys.addaudithook(Killer().hear)
