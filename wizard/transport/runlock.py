"""One operator at a time: the host's own kernel refuses the second, and lets go when the first one's link dies."""

from __future__ import annotations

import contextlib
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

from wizard.core.errors import LinkLostError, StateError, WizardError
from wizard.core.text import printable
from wizard.transport import wire
from wizard.transport.exchange import Exchange
from wizard.transport.session import GRACE_SECONDS, Session, watched

if TYPE_CHECKING:
    from wizard.transport.ssh_link import Link

BEAT_SECONDS = 15.0
"""How often the host hears from us."""

SILENCE_SECONDS = 75
"""After this long without a beat the host lets go: five beats, so that a short break costs nothing."""

TAKE_SECONDS = 30.0
"""For the host to answer whether the lock is ours."""


@dataclass(slots=True)
class RunLock:
    """A context manager that holds one host."""

    session: Session
    holder: str
    serial: int
    lineage: str
    _link: Link | None = None
    _exchange: Exchange | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> None:
        args = {
            "holder": printable(self.holder),
            "serial": str(self.serial),
            "lineage": self.lineage,
            "silence": str(SILENCE_SECONDS),
        }
        # Root's rights are settled first by a call that may be made twice.
        self.session.read(
            ("read/operation",), {"op": "none", "offset": "0", "max": "0", "wait": "0"}, TAKE_SECONDS
        )
        link = self._link = self.session.connect()
        nonce = wire.new_nonce()
        stdin = self.session.sudo.first_line(link.config.user)
        stdin += wire.request(wire.program_text(("lib/runlock",)), args, nonce)
        with watched(link, TAKE_SECONDS + GRACE_SECONDS), ExitStack() as stack:
            exchange = stack.enter_context(self.session.opened(link))
            self.session.start(link, exchange.channel)
            self.session.pump_until(
                exchange, stdin, time.monotonic() + TAKE_SECONDS, lambda out: _answered(bytes(out), nonce)
            )
            self._judge(bytes(exchange.stdout), bytes(exchange.stderr), nonce)
            self._exchange = exchange
            self._stack = stack.pop_all()
        threading.Thread(target=self._beat, name=f"lock-{self.session.host}", daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._exchange and self._link and self._link.alive:
            from paramiko import SSHException

            # The host is told, and waited for: the next operator may come at once.
            with contextlib.suppress(SSHException, EOFError, OSError):
                self._exchange.pump(b"", time.monotonic() + 5)
        self._exchange = None
        self._stack.close()

    def check(self) -> None:
        """Return where the lock is still held, or was not taken through us.

        Raises:
            LinkLostError: the host let go: another operator may be at work.
        """
        exchange = self._exchange
        if exchange is None or self._done.is_set():
            return
        if exchange.channel.closed or exchange.channel.eof_received or not (self._link and self._link.alive):
            raise LinkLostError(
                f"{self.session.host} is no longer held for this run.",
                where=f"{self.session.host} ({self.session.address})",
                why="The connection that held it broke, so another operator may be at work there.",
                do="run the same command again: it takes the lock anew",
                again="Running again is safe: finished changes are not repeated.",
            )

    def _beat(self) -> None:
        exchange = self._exchange
        while exchange and not self._done.wait(BEAT_SECONDS):
            try:
                exchange.channel.send(b"\n")
            except OSError:
                return

    def _judge(self, stdout: bytes, stderr: bytes, nonce: str) -> None:
        lines = _body(stdout, nonce).decode("utf-8", "replace").splitlines()
        word = lines[0] if lines else ""
        if word == "held":
            return
        told = dict(line.split("=", 1) for line in lines[1:] if "=" in line)
        raise self._refusal(word, {key: printable(value)[:200] for key, value in told.items()}, stderr)

    def _refusal(self, word: str, told: dict[str, str], stderr: bytes) -> WizardError:
        host, where = self.session.host, f"{self.session.host} ({self.session.address})"
        if word == "busy":
            who, since = told.get("holder", "somebody"), told.get("since", "unknown")
            return StateError(
                f"{host} is being worked on by somebody else.",
                where=where,
                why=f"Held by {who} since {since}. The host lets go when that run ends or its link dies.",
                do="wait for that run to end, or stop it there; then run the same command again",
            )
        if word == "foreign":
            return StateError(
                f"{host} belongs to another cluster.",
                where=where,
                why=f"Its marker names {told.get('name', 'another cluster')} with another lineage than our state.",
                do="use the state folder of that cluster (--dir DIR), or take the host out of this spec",
            )
        if word == "newer":
            return StateError(
                f"The state on this machine is older than {host} knows.",
                where=where,
                why=f"The host was last changed by serial {told.get('serial', '?')}, ours is {self.serial}.",
                do="use the newest state (was a backup restored?): wizard state path",
            )
        said = printable(wire.noise(stderr))
        return self.session.remote_error("cannot be locked for this run.", said or "It gave no reason.")


def _body(stdout: bytes, nonce: str) -> bytes:
    reply = wire.parse(stdout, b"", nonce)
    if reply:
        return reply.stdout
    start = wire.begun(stdout, nonce)
    return stdout[start:] if start is not None else b""


def _answered(stdout: bytes, nonce: str) -> bool:
    return wire.parse(stdout, b"", nonce) is not None or _body(stdout, nonce).startswith(b"held\n")
