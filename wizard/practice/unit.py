"""A unit of systemd on a simulated host."""

from __future__ import annotations

from wizard.core.dataclass import dataclass


@dataclass(slots=True)
class Unit:
    """What systemd knows of it, and what its process would say."""

    enabled: bool = False
    wanted: bool = False
    """Started and not stopped: systemd starts it again whenever it ends."""
    ready: bool = False
    """It told systemd that it is up."""
    said: str = ""
    """Why it is not up, as its log has it."""
    broken: str = ""
    """Why it ends at once whatever is done about it; empty = it does not."""
    restarts: int = 0
