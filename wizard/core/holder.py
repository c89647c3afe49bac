"""Who holds a lock, as that wizard says of itself: on this machine's state, or on a host for a run."""

from __future__ import annotations

import os
import time
from datetime import datetime

from wizard.core.dataclass import dataclass
from wizard.core.filefaults import our_user


@dataclass(frozen=True, slots=True)
class Holder:
    """A wizard at work."""

    user: str
    machine: str
    pid: int
    since: float
    """Seconds since the epoch."""

    def __str__(self) -> str:
        """Who, for the operator on another machine: `anna@laptop pid 4711`. A host tells the time by its own clock."""
        return f"{self.user}@{self.machine} pid {self.pid}"

    def told(self) -> str:
        """As words: "ann@laptop, process 4242, since 2026-11-22 18:50:03"."""
        when = datetime.fromtimestamp(self.since).astimezone()
        return f"{self.user}@{self.machine}, process {self.pid}, since {when:%Y-%m-%d %H:%M:%S}"


def ourselves() -> Holder:
    """This process, from now on."""
    return Holder(our_user(), os.uname().nodename, os.getpid(), time.time())
