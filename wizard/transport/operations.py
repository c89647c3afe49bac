"""Detached operations: begun once, watched over as many connections as it takes, never begun again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.errors import RESUMES, HostError, LinkLostError, RemoteError, UnreachableError
from wizard.core.host import OUTPUT_LIMIT, Args, Operation, OpStatus
from wizard.core.resources import asset_text
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.transport import wire
from wizard.transport.session import Session

POLL_SECONDS = 10
"""How long the host holds one answer back while nothing happens."""

POLL_MARGIN = 20.0
"""Seconds beyond that until a poll counts as lost."""

POLL_BYTES = 256 * 1024
"""Output taken per round trip."""

RECONNECT_SECONDS = 20.0
"""How long a broken link is tried again before the engine is told; the operation goes on meanwhile."""

_OP = re.compile(r"[a-z0-9][a-z0-9.-]{0,127}")
_TAIL_LINES = 5


@dataclass(frozen=True, slots=True)
class _Seen:
    status: OpStatus
    exit_code: int | None
    total: int
    chunk: bytes


@dataclass(slots=True)
class _Output:
    """What an operation printed, taken piece by piece."""

    on_line: Callable[[str], None] | None
    offset: int = 0
    kept: bytearray = field(default_factory=bytearray)
    _line: bytes = b""

    def take(self, chunk: bytes) -> None:
        self.offset += len(chunk)
        self.kept += chunk[: max(0, OUTPUT_LIMIT - len(self.kept))]
        if self.on_line is None:
            return
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            self.on_line(printable(wire.decode(line)))

    def finish(self) -> None:
        if self.on_line and self._line:
            self.on_line(printable(wire.decode(self._line)))

    @property
    def text(self) -> str:
        return wire.decode(bytes(self.kept))


def operation(session: Session, op: str) -> Operation:
    """Where an operation stands.

    Args:
        session: of the host.
        op: its id.

    Raises:
        HostError, RemoteError: as `Session.read`.
    """
    output = _Output(None)
    while True:
        seen = _poll(session, op, output.offset, wait=0)
        output.take(seen.chunk)
        if not seen.chunk or output.offset >= min(seen.total, OUTPUT_LIMIT):
            return Operation(op, seen.status, seen.exit_code, output.text)


def run_operation(
    session: Session,
    held: Callable[[], Session],
    script: str,
    args: Args,
    *,
    op: str,
    payload: bytes | Secret,
    timeout: float,
    on_line: Callable[[str], None] | None,
) -> Operation:
    """Begin an operation, unless it was begun before, and wait for its end.

    Args:
        session: of the host.
        held: gives the session over the connection that holds the host for this run.
        script: e.g. `do/marker`.
        args: single lines.
        op: its id.
        payload: what the script finds on stdin.
        timeout: seconds until we stop waiting.
        on_line: is called with each line it prints.

    Raises:
        LinkLostError: the link broke and did not come back, or nothing is known of the operation after it broke.
        RemoteError: still running at the deadline, exited non-zero, or was killed.
    """
    deadline = time.monotonic() + timeout
    output = _Output(on_line)
    holding = held()
    try:
        seen = _begin(holding, script, args, op, payload, timeout)
    except LinkLostError as lost:
        # It may have arrived or not. Only asking is safe: sent again, it could run twice after a reboot.
        seen = _poll_again(session, op, output, deadline, lost)
        if seen.status is OpStatus.ABSENT:
            raise
    while True:
        output.take(seen.chunk)
        if seen.status is not OpStatus.RUNNING and output.offset >= min(seen.total, OUTPUT_LIMIT):
            break
        if seen.status is OpStatus.RUNNING and time.monotonic() >= deadline:
            raise _still_running(session, script, op, timeout)
        seen = _poll_again(session, op, output, deadline, None)
    output.finish()
    return _ended(session, script, Operation(op, seen.status, seen.exit_code, output.text))


def _begin(
    session: Session, script: str, args: Args, op: str, payload: bytes | Secret, timeout: float
) -> _Seen:
    if not _OP.fullmatch(op):
        raise ValueError(f"operation id {op!r}")
    runner = asset_text("remote/lib/runner.sh").encode()
    program = wire.program_text((script,))
    content = payload.reveal().encode() if isinstance(payload, Secret) else payload
    given = wire.arg_lines(args) + content
    sizes = {"runner": str(len(runner)), "program": str(len(program)), "input": str(len(given))}
    reply = session.run(
        ("lib/start", "read/operation"),
        sizes | _poll_args(op, 0, min(POLL_SECONDS, int(timeout))),
        payload=runner + program + given,
        timeout=POLL_SECONDS + POLL_MARGIN + len(given) / 100_000,
    )
    return _parse(session, reply)


def _poll_args(op: str, offset: int, wait: int) -> dict[str, str]:
    return {"op": op, "offset": str(offset), "wait": str(wait), "max": str(POLL_BYTES)}


def _poll(session: Session, op: str, offset: int, *, wait: int) -> _Seen:
    args = _poll_args(op, offset, wait)
    return _parse(session, session.run(("read/operation",), args, timeout=wait + POLL_MARGIN))


def _poll_again(
    session: Session, op: str, output: _Output, deadline: float, lost: LinkLostError | None
) -> _Seen:
    """A poll that outlives short breaks of the link."""
    give_up = time.monotonic() + RECONNECT_SECONDS
    pause = 0.5
    while True:
        wait = max(0, min(POLL_SECONDS, int(deadline - time.monotonic())))
        try:
            return _poll(session, op, output.offset, wait=wait)
        except (LinkLostError, UnreachableError) as error:
            if time.monotonic() + pause >= give_up:
                raise _gone(session, op, lost or error) from error
        time.sleep(pause)
        pause *= 2


def _parse(session: Session, reply: wire.Reply) -> _Seen:
    said = printable(wire.decode(reply.stderr)).strip()
    if reply.exit_code:
        missing = "missing tool" in said
        raise session.remote_error(
            "cannot begin an operation.",
            f"{said or 'No reason was given.'} (exit code {reply.exit_code})",
            do="install util-linux (flock, setsid) and coreutils on it"
            if missing
            else "ssh to it: df -h /run; df -i /run",
        )
    head, _, chunk = reply.stdout.partition(b"\n")
    words = head.decode("ascii", "replace").split()
    try:
        status, code, total = words
        return _Seen(OpStatus(status), None if code == "-" else int(code), int(total), chunk)
    except ValueError as error:
        raise session.remote_error("answers what our script does not say.", wire.noise(head)) from error


def _ended(session: Session, script: str, done: Operation) -> Operation:
    if done.status is OpStatus.DONE and done.exit_code == 0:
        return done
    lines = [line for line in done.output.splitlines() if line.strip()][-_TAIL_LINES:]
    said = f" Its last words: {printable(' / '.join(lines))}" if lines else ""
    if done.status is OpStatus.DONE:
        what, why = f"failed at {script}.", f"The script ended with exit code {done.exit_code}.{said}"
    elif done.status is OpStatus.LOST:
        what, why = f"lost {script} on the way.", f"It was killed before it could write a result.{said}"
    else:
        what, why = f"knows nothing of {script}.", "It was restarted meanwhile: /run is memory."
    raise session.remote_error(what, why, again=RESUMES)


def _still_running(session: Session, script: str, op: str, timeout: float) -> RemoteError:
    return session.remote_error(
        f"is still busy with {script} after {timeout:.0f} seconds.",
        "It was not stopped and may still end well.",
        do=f"wait, then run the same command again; on the host: cat /run/wizard/op.{op}/output",
        again=RESUMES,
    )


def _gone(session: Session, op: str, error: HostError) -> LinkLostError:
    return LinkLostError(
        f"The connection to {session.host} broke while an operation ran there.",
        where=error.where,
        why=f"{error.what} {error.why} The operation {op} may go on without us.",
        do=f"ping -c 3 {session.address}; then run the same command again",
        again=RESUMES,
    )
