"""One simulated host: what it is, what lies on it, what was run on it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from wizard.core.host import Operation

UNRAID_MARKER = "/boot/config/wizard/marker"
MARKER = "/var/lib/wizard/marker"


@dataclass(frozen=True, slots=True)
class File:
    """A file on a simulated host."""

    content: bytes
    mode: int = 0o644
    owner: str = "root:root"


@dataclass(frozen=True, slots=True)
class Execution:
    """A `do` script that was really run, not re-attached to."""

    script: str
    op: str
    args: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Machine:
    """A simulated host. What a real one keeps over a crash of the wizard is kept here: files and operations."""

    name: str
    address: str
    sections: dict[str, tuple[str, ...]]
    """The sections its facts script prints, as a real host printed them."""
    files: dict[str, File] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    ran: list[Execution] = field(default_factory=list)
    """Every execution of a `do` script, to prove that none happened twice."""
    requests: int = 0
    """Round trips it answered."""
    lock_holder: str = ""
    skew: float = 0.0
    """Seconds its clock is ahead of ours."""
    guard: threading.RLock = field(default_factory=threading.RLock)

    @property
    def unraid(self) -> bool:
        """Whether it keeps only /boot and the array over a reboot."""
        return "file /etc/unraid-version" in self.sections

    @property
    def marker_path(self) -> str:
        """Where the wizard's marker lies."""
        return UNRAID_MARKER if self.unraid else MARKER

    def marker(self) -> dict[str, str]:
        """The marker's lines as key and value; empty where there is none."""
        found = self.files.get(self.marker_path)
        lines = found.content.decode().splitlines() if found else []
        return dict(line.split("=", 1) for line in lines)


def read_sections(text: str) -> dict[str, tuple[str, ...]]:
    """A facts answer taken apart, so that single sections can be replaced.

    Args:
        text: as the script printed it.
    """
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if line.startswith("== "):
            current = sections.setdefault(line[3:], [])
        elif line.startswith("|"):
            current.append(line[1:])
    return {name: tuple(lines) for name, lines in sections.items()}


def write_sections(sections: dict[str, tuple[str, ...]]) -> str:
    """A facts answer put together again."""
    lines = [line for name, rows in sections.items() for line in (f"== {name}", *(f"|{row}" for row in rows))]
    return "\n".join(lines) + "\n"
