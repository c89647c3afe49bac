"""What keepalived is on a simulated host."""

from __future__ import annotations

from wizard.core.dataclass import dataclass


@dataclass(slots=True)
class KeepalivedProcess:
    """keepalived on one host, under systemd."""

    enabled: bool = False
    wanted: bool = False
    """Started and not stopped."""
    state: str = ""
    """`MASTER`, `BACKUP` or `FAULT`; empty = no process. One that is paused keeps what it was."""
    address: str = ""
    """That its configuration shares."""
    robbed: bool = False
    """Somebody took the address off its interface."""
    deaf: bool = False
    """Nothing of what the others say arrives."""
