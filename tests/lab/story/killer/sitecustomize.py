"""Kills the wizard with SIGKILL at an exact save of its run state; Python loads this before anything of the wizard.

STORY_SAVES names a file that gets one byte per save. STORY_KILL is `before N` (the N-th save is complete in its
temporary file and not yet renamed into place) or `after N` (renamed, and nothing was done since), or
`during STEP/KEY SECONDS`: so long after that change went in flight.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path


class Killer:
    """Counts saves, and kills at the one it was told to."""

    def __init__(self) -> None:
        self.moment, _, when = os.environ.get("STORY_KILL", " 0").partition(" ")
        self.change, _, seconds = when.partition(" ")
        self.number = 0 if seconds else int(when)
        self.seconds = float(seconds or 0)
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
        if self.moment == "during" and self.begun(str(args[0])):
            self.moment = ""
            self.armed = not self.seconds
            if self.seconds:
                # Of its own accord: between two audited calls a wait for a host may take longer.
                threading.Timer(self.seconds, self.kill).start()
            return
        if self.seen == self.number:
            if self.moment == "before":
                self.kill()
            self.armed = True

    def begun(self, saved: str) -> bool:
        """Whether the change is in flight in what is being saved."""
        step, _, key = self.change.partition("/")
        steps = json.loads(Path(saved).read_bytes())["steps"]
        status = steps.get(step, {}).get("changes", {}).get(key, {}).get("status")
        return bool(status == "in flight")

    def kill(self) -> None:
        self.armed = False  # the kill is an audited call itself
        os.kill(os.getpid(), signal.SIGKILL)

    def count(self) -> None:
        if self.saves:
            descriptor = os.open(self.saves, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(descriptor, b".")
            os.close(descriptor)


sys.addaudithook(Killer().hear)
