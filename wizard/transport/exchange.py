"""One command on one channel: bytes in, bytes out, with a deadline and a limit. Never touches our own stdin."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass

if TYPE_CHECKING:
    from paramiko import Channel

CHUNK = 64 * 1024
"""Bytes handed to the channel at a time: two of the largest packets sshd takes."""

STDERR_KEPT = 64 * 1024
"""Bytes of stderr kept; the rest is read and dropped, so that the far side never blocks on it."""

WINDOW_WAIT = 0.05
"""Seconds between looks at a full send window: the library has no event for its opening."""


class Ending(StrEnum):
    """Why the exchange is over."""

    CLOSED = "closed"
    """The far side closed the channel: the command ended, or the link broke (then the mark is missing)."""
    DEADLINE = "deadline"
    FLOOD = "flood"
    """More than the limit came."""
    ENOUGH = "enough"
    """`stop` said so; the channel is still open."""


@dataclass(slots=True)
class Exchange:
    """A running command."""

    channel: Channel
    limit: int
    """Bytes of stdout taken in all."""
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    sent: int = 0

    def pump(
        self,
        stdin: bytes,
        deadline: float,
        *,
        close_stdin: bool = True,
        on_sent: Callable[[int], None] | None = None,
        stop: Callable[[bytearray], bool] | None = None,
    ) -> Ending:
        """Send and receive until the command ends.

        Args:
            stdin: all that the command is given.
            deadline: `time.monotonic()` at which we give up.
            close_stdin: tell the far side that nothing follows.
            on_sent: is called with the bytes sent so far.
            stop: looks at stdout after each arrival and may end the waiting.

        Raises:
            OSError, EOFError, paramiko.SSHException: the link broke.
        """
        rest = memoryview(stdin)
        closed = not close_stdin
        while True:
            if not rest and not closed:
                self.channel.shutdown_write()
                closed = True
            took = self._receive()
            if stop and stop(self.stdout):
                return Ending.ENOUGH
            if len(self.stdout) > self.limit:
                return Ending.FLOOD
            if not took and self._over():
                return Ending.CLOSED
            if time.monotonic() >= deadline:
                return Ending.DEADLINE
            rest = self._send(rest, on_sent)
            if not took:
                self._wait(deadline, sending=bool(rest))

    def _receive(self) -> bool:
        took = False
        if self.channel.recv_ready():
            self.stdout += self.channel.recv(CHUNK)
            took = True
        if self.channel.recv_stderr_ready():
            data = self.channel.recv_stderr(CHUNK)
            self.stderr += data[: max(0, STDERR_KEPT - len(self.stderr))]
            took = True
        return took

    def _over(self) -> bool:
        """Both output streams have ended; nothing more will come, whether or not an exit status did."""
        channel = self.channel
        ended = bool(channel.closed or (channel.eof_received and channel.exit_status_ready()))
        return ended and not channel.recv_ready() and not channel.recv_stderr_ready()

    def _send(self, rest: memoryview, on_sent: Callable[[int], None] | None) -> memoryview:
        if not rest or not self.channel.send_ready():
            return rest
        try:
            count = self.channel.send(bytes(rest[:CHUNK]))
        except OSError:
            # The command no longer listens; what it said meanwhile is still to be read.
            if not self.channel.get_transport().is_active():
                raise
            return rest[len(rest) :]
        self.sent += count
        if on_sent:
            on_sent(self.sent)
        return rest[count:]

    def _wait(self, deadline: float, *, sending: bool) -> None:
        if sending and self.channel.send_ready():
            return
        left = max(0.0, deadline - time.monotonic())
        if self.channel.eof_received:
            # The descriptor stays readable from now on; only the exit status is missing.
            self.channel.status_event.wait(min(left, 0.5))
            return
        poller = select.poll()
        poller.register(self.channel.fileno(), select.POLLIN)
        # Half a second bounds how late a channel is noticed that ended without another byte.
        poller.poll(1000 * min(left, WINDOW_WAIT if sending else 0.5))
