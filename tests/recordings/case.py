"""One situation on a host and what is asked in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.recordings.recording import Said
from tests.recordings.stage import OP, Stage
from wizard.core.errors import RemoteError
from wizard.core.host import Args

Play = Callable[[Stage], Said]

HOSTS = ("tower-a", "tower-b", "pi")
"""The lab's hosts: a case is played on each of them unless it names some."""

SECONDS = 20.0
"""Deadline of an operation that takes milliseconds."""

SECTIONED = (
    "read/facts",
    "read/guests",
    "read/guest-boot",
    "read/etcd",
    "read/witness",
    "read/present",
    "read/wire",
    "read/packages",
    "read/keepalived",
    "read/k3s-before",
    "read/k3s-admin",
    "read/k3s",
    "read/backup",
    "read/backup-store",
)
"""Scripts that answer in sections."""


@dataclass(frozen=True, slots=True)
class Case:
    """One situation, made from scratch, and the answer of one script in it."""

    script: str
    name: str
    play: Play
    hosts: tuple[str, ...] = HOSTS
    tool: bool = False
    """A tool of the host says in its own words, before our last line, what is wrong."""

    @property
    def sections(self) -> bool:
        """It is answered in sections."""
        return self.script in SECTIONED


def do(
    stage: Stage,
    args: Args,
    op: str = OP,
    script: str = "do/marker",
    *,
    payload: bytes = b"",
    seconds: float = SECONDS,
) -> Said:
    """Run a script as a detached operation; a failed one has an exit code as well."""
    try:
        done = stage.host.do(script, args, op=op, payload=payload, timeout=seconds)
    except RemoteError:
        done = stage.host.operation(op)
    assert done.exit_code is not None, done
    parts = (script, "lib/start", "lib/runner", "read/operation")
    return Said(parts, args, done.exit_code, done.output)
