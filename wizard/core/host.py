"""What the engine and the steps may ask of a host, whoever answers: SSH, the practice world or a recording.

A remote script is named by its path under `assets/remote` without `.sh`: `read/facts`, `do/marker`. Reads are one
round trip; a `do` script runs as a detached operation with an id, which outlives the link and the wizard.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

from wizard.core.dataclass import dataclass
from wizard.core.resources import asset_text
from wizard.core.secret import Secret

if TYPE_CHECKING:
    from wizard.core.spec.model import MachineSpec

OUTPUT_LIMIT = 4 * 1024 * 1024
"""Bytes kept of one script's stdout; more is an error, since no script of ours prints more than a few hundred KiB."""

READ_SECONDS = 30.0
"""Deadline of a read unless the caller knows better."""

Args = Mapping[str, str]
"""Arguments of a script by name: `[a-z][a-z0-9_]*` to one line of text. They travel on stdin, never in argv."""


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """What one script said."""

    exit_code: int
    stdout: str
    """Between the script's own begin and end marks: banners and noisy profiles are already gone."""
    stderr: str
    seconds: float
    """From the sending of the request over an open connection until the answer was whole."""
    at: float = 0.0
    """Our clock when the answer was whole, seconds since the epoch; 0 = just now."""


class OpStatus(StrEnum):
    """Where a detached operation stands, as the host knows it."""

    ABSENT = "absent"
    """Never claimed on this host (or the host was rebooted: `/run` is memory)."""
    RUNNING = "running"
    DONE = "done"
    """It has written its result."""
    LOST = "lost"
    """Claimed, no result and no process: the host was reset or the operation killed; look at the world."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A detached operation as last seen."""

    op: str
    status: OpStatus
    exit_code: int | None = None
    output: str = ""
    """Everything it printed (stdout and stderr in order), bounded."""


class Reader(Protocol):
    """The part of a host that cannot change it: what plan, facts and doctor are given."""

    @property
    def name(self) -> str:
        """The host's name in the spec."""

    @property
    def address(self) -> str:
        """What we connect to, for messages."""

    def read(self, script: str, args: Args | None = None, *, timeout: float = READ_SECONDS) -> ScriptResult:
        """Run one script under `read/` in one round trip.

        Raises:
            HostError: not reachable, not trusted, no rights.
            RemoteError: past its deadline, over `OUTPUT_LIMIT`, or it broke the framing.
            A script that runs and exits non-zero is a result, not an error.
        """

    def operation(self, op: str) -> Operation:
        """Where the detached operation `op` stands (a read)."""


class Host(Reader, Protocol):
    """A host that may be changed. Only `Change.do` gets one."""

    def do(
        self,
        script: str,
        args: Args | None = None,
        *,
        op: str,
        payload: bytes | Secret = b"",
        timeout: float,
        on_line: Callable[[str], None] | None = None,
    ) -> Operation:
        """Run one script under `do/` as the detached operation `op` and wait for its end.

        An `op` that was claimed before is never run again: it is re-attached to, and its result returned.

        Args:
            script: name under `assets/remote`, e.g. `do/marker`.
            args: single-line arguments.
            op: the operation's id, `[a-z0-9][a-z0-9.-]*`, unique per attempt of a change.
            payload: bytes the script reads from its stdin (file contents, secrets).
            timeout: seconds until we stop waiting; the operation itself goes on.
            on_line: is called with each line it prints, as it comes.

        Raises:
            LinkLostError: the link broke; `operation(op)` tells later what became of it.
            RemoteError: still running at the deadline, or it exited non-zero.
        """

    def put(
        self,
        content: bytes | Secret | Path,
        path: str,
        *,
        mode: int = 0o644,
        owner: str = "root:root",
        on_bytes: Callable[[int, int], None] | None = None,
    ) -> bool:
        """Make `path` hold `content` by temp file, digest check on the far side and rename; resumes a broken transfer.

        Args:
            content: what the file shall hold; a path names a file on this machine.
            path: absolute path on the host.
            mode: set before the content is visible.
            owner: `user:group`, set before the content is visible.
            on_bytes: is called with (bytes sent, bytes in all).

        Returns:
            False where the file already was just so.
        """

    def run_lock(self, holder: str, serial: int, lineage: str) -> AbstractContextManager[None]:
        """Hold this host for a whole run; the host itself lets go when the link dies.

        Args:
            holder: who holds it, for the other operator's message, e.g. `anna@laptop pid 4711`.
            serial: of the run state, written into the host's marker where there is one.
            lineage: of the run state; the marker of another lineage is left alone and refused.

        Raises:
            StateError: another operator holds it; the message names who and since when.
        """


class ReadOnlyHost:
    """Wraps a host so that anything but a read raises: what plan and doctor put into the context."""

    def __init__(self, host: Reader) -> None:
        self._host = host

    @property
    def name(self) -> str:
        """The host's name in the spec."""
        return self._host.name

    @property
    def address(self) -> str:
        """What we connect to."""
        return self._host.address

    def read(self, script: str, args: Args | None = None, *, timeout: float = READ_SECONDS) -> ScriptResult:
        """As `Reader.read`; refuses scripts that are not under `read/`."""
        if not script.startswith("read/"):
            self._refuse(script)
        return self._host.read(script, args, timeout=timeout)

    def operation(self, op: str) -> Operation:
        """As `Reader.operation`."""
        return self._host.operation(op)

    def _refuse(self, what: str) -> NoReturn:
        raise ReadOnlyViolationError(f"{what} on {self.name} during a pass that only reads")

    def __getattr__(self, attribute: str) -> NoReturn:
        self._refuse(attribute)


class ReadOnlyViolationError(RuntimeError):
    """A step tried to change a host while planning or checking: a defect of the step, not of the user."""


class Hosts(Protocol):
    """The hosts of a cluster by name; connections are made at first use and pooled."""

    def __getitem__(self, name: str) -> Host: ...

    def __iter__(self) -> Iterator[str]: ...

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """Take machines among the hosts that can be asked; those that are known already stay as they are.

        Args:
            machines: that were proposed or approved, and stand in no spec.
        """

    def close(self) -> None:
        """Drop every connection and release what hangs on them."""


USES = re.compile(r"^# uses (functions/[a-z-]+)$", re.MULTILINE)
"""A line of a script that names a file of functions."""


@cache
def script_text(script: str) -> str:
    """The text of a remote script, behind the functions it says it uses: `# uses functions/files`.

    Args:
        script: e.g. `read/facts`.
    """
    text = asset_text(f"remote/{script}.sh")
    return "".join([*(script_text(name) for name in USES.findall(text)), text])


@cache
def script_digest(script: str) -> str:
    """The first 16 hex digits of the sha256 of a remote script: what recordings are keyed by.

    Args:
        script: e.g. `read/facts`.
    """
    return hashlib.sha256(script_text(script).encode()).hexdigest()[:16]
