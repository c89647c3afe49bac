"""One operator at a time: the host's own kernel refuses the second, and lets go when the first one's link dies."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import field
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING

from wizard.core import refusals
from wizard.core.dataclass import dataclass
from wizard.core.errors import RESUMES, LinkLostError, WizardError
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

AGAIN_SECONDS = (0.1, 0.3)
"""Pauses between tries to get the lock back from our own connection, which the host may not know to be dead; after
them every second. A connection that was reset is gone within milliseconds."""


@dataclass(slots=True)
class RunLock:
    """A context manager that holds one host, and takes it anew where the connection that held it broke."""

    session: Session
    holder: str
    serial: int
    lineage: str
    tell: Callable[[str], None]
    """Is told when the lock was lost and when it is ours again."""
    _run: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Names this run to the host, which so knows us from the others when we come back."""
    _hold: _Hold | None = None
    _taken: bool = False
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> None:
        answer = self._ask(again=False)
        if isinstance(answer, _Refused):
            raise self._refusal(answer)
        self._hold, self._taken = answer, True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._taken = False
        if self._hold:
            self._hold.let_go()

    def ensure(self) -> Link | None:
        """The connection that holds the host, where it was taken through us; a lock that was lost is taken anew.

        What is begun over another connection might be begun without the lock.

        Raises:
            StateError: somebody else holds the host, or held it meanwhile, or it was given to another cluster.
            HostError: the host cannot be reached, so the lock cannot be had either.
        """
        with self._guard:
            if not self._taken:
                return None
            if self._hold and self._hold.stands:
                return self._hold.link
            if self._hold:
                self._hold.drop()
                self._hold = None
            self._hold = self._take_again()
            self.tell("is held for this run again: the connection that held it had broken")
            return self._hold.link

    def _take_again(self) -> _Hold:
        until = time.monotonic() + SILENCE_SECONDS + TAKE_SECONDS
        for tried in count():
            answer = self._ask(again=True)
            if isinstance(answer, _Hold):
                return answer
            if answer.word != "busy" or answer.told.get("run") != self._run:
                raise self._refusal(answer)
            # A link may be dead for us and alive for the host: it lets go of us when it has heard no beat for a while.
            if time.monotonic() >= until:
                raise self._still_ours()
            if tried == len(AGAIN_SECONDS):
                self.tell(f"still waits for the connection that broke, {SILENCE_SECONDS} s at the most")
            time.sleep(AGAIN_SECONDS[tried] if tried < len(AGAIN_SECONDS) else 1.0)
        raise AssertionError("not reached")

    def _ask(self, *, again: bool) -> _Hold | _Refused:
        args = {
            "holder": printable(self.holder),
            "serial": str(self.serial),
            "lineage": self.lineage,
            "silence": str(SILENCE_SECONDS),
            "run": self._run,
            "again": "yes" if again else "no",
        }
        # Root's rights are settled first by a call that may be made twice.
        self.session.read(
            ("read/operation",), {"op": "none", "offset": "0", "max": "0", "wait": "0"}, TAKE_SECONDS
        )
        link = self.session.connect()
        nonce = wire.new_nonce()
        stdin = self.session.sudo.first_line(link.config.user)
        stdin += wire.request(wire.program_text(("lib/runlock",)), args, nonce)
        with watched(link, TAKE_SECONDS + GRACE_SECONDS), ExitStack() as stack:
            exchange = stack.enter_context(self.session.opened(link))
            self.session.start(link, exchange.channel)
            self.session.pump_until(
                exchange, stdin, time.monotonic() + TAKE_SECONDS, lambda out: _answered(bytes(out), nonce)
            )
            refused = _refused(bytes(exchange.stdout), bytes(exchange.stderr), nonce)
            if refused and not refused.word and link.ended:
                raise self.session.lost(None)
            return refused or _Hold(self.session.host, link, exchange, stack.pop_all()).begin()

    def _refusal(self, answer: _Refused) -> WizardError:
        host, where = self.session.host, f"{self.session.host} ({self.session.address})"
        told = answer.told
        holder, since = told.get("holder", ""), told.get("since", "")
        if answer.word == "busy":
            return refusals.held(host, where, holder, since)
        if answer.word == "taken":
            return refusals.taken_meanwhile(host, where, holder, since)
        if answer.word == "foreign":
            marker, name = told.get("lineage", ""), told.get("name", "")
            return refusals.another_cluster(host, where, marker=marker, ours=self.lineage, name=name)
        if answer.word == "newer":
            return refusals.older_than_host(host, where, marker=told.get("serial", "?"), ours=self.serial)
        return self.session.remote_error(
            "cannot be locked for this run.", answer.noise or "It gave no reason."
        )

    def _still_ours(self) -> LinkLostError:
        return LinkLostError(
            f"{self.session.host} is no longer held for this run.",
            where=f"{self.session.host} ({self.session.address})",
            why="It still waits for our connection that broke, longer than it should.",
            do="wait two minutes, then run the same command again: it takes the lock anew",
            again=RESUMES,
        )


@dataclass(frozen=True, slots=True)
class _Refused:
    """The host's answer where the lock is not ours."""

    word: str
    told: Mapping[str, str]
    noise: str


@dataclass(slots=True)
class _Hold:
    """The lock while one connection holds it."""

    host: str
    link: Link
    exchange: Exchange
    stack: ExitStack
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def stands(self) -> bool:
        """Whether the host holds it for us, as far as we know."""
        channel = self.exchange.channel
        return not channel.closed and not channel.eof_received and self.link.alive

    def begin(self) -> _Hold:
        """Let the host hear from us from now on."""
        threading.Thread(target=self._beat, name=f"lock-{self.host}", daemon=True).start()
        return self

    def let_go(self) -> None:
        """Tell the host, and wait for it: the next operator may come at once."""
        self.done.set()
        if self.link.alive:
            from paramiko import SSHException

            with contextlib.suppress(SSHException, EOFError, OSError):
                self.exchange.pump(b"", time.monotonic() + 5)
        self.stack.close()

    def drop(self) -> None:
        """Forget it: it is lost."""
        self.done.set()
        self.stack.close()

    def _beat(self) -> None:
        while not self.done.wait(BEAT_SECONDS):
            try:
                self.exchange.channel.send(b"\n")
            except OSError:
                return


def _refused(stdout: bytes, stderr: bytes, nonce: str) -> _Refused | None:
    lines = _body(stdout, nonce).decode("utf-8", "replace").splitlines()
    word = lines[0] if lines else ""
    if word == "held":
        return None
    told = dict(line.split("=", 1) for line in lines[1:] if "=" in line)
    told = {key: printable(value)[:200] for key, value in told.items()}
    return _Refused(word, told, printable(wire.noise(stderr)))


def _body(stdout: bytes, nonce: str) -> bytes:
    reply = wire.parse(stdout, b"", nonce)
    if reply:
        return reply.stdout
    start = wire.begun(stdout, nonce)
    return stdout[start:] if start is not None else b""


def _answered(stdout: bytes, nonce: str) -> bool:
    return wire.parse(stdout, b"", nonce) is not None or _body(stdout, nonce).startswith(b"held\n")
