"""Scripts on one host: framing, root's rights and the meaning of what comes back instead of an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass
from wizard.core.errors import AuthError, HostError, LinkLostError, RemoteError
from wizard.core.host import OUTPUT_LIMIT, Args, ScriptResult
from wizard.core.text import printable
from wizard.transport import wire
from wizard.transport.exchange import Ending, Exchange
from wizard.transport.ssh_link import Link
from wizard.transport.ssh_socket import CHANNEL_SECONDS
from wizard.transport.sudo import Sudo

if TYPE_CHECKING:
    from paramiko import Channel

NOISE_LIMIT = 1024 * 1024
"""Bytes a host may print around an answer (banners, profiles) before we take it for endless."""

GRACE_SECONDS = 5.0
"""Past a deadline by this much, a call that hangs inside the library is freed by dropping the connection."""

CHANNELS = 8
"""Channels open at a time on one connection; sshd's MaxSessions default is 10."""


@dataclass(slots=True)
class Session:
    """Runs scripts on one host over its pooled connection."""

    host: str
    address: str
    connect: Callable[[], Link]
    """Gives the live link, making it where there is none."""
    sudo: Sudo
    _slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(CHANNELS))

    def read(self, scripts: tuple[str, ...], args: Args, timeout: float) -> ScriptResult:
        """Run something harmless; where the link breaks it is run once more over a new one.

        Args:
            scripts: under `assets/remote`.
            args: single lines.
            timeout: seconds in all, once the host is logged in to: what a person is asked before takes its time.

        Raises:
            HostError: not reachable, not trusted, no rights.
            RemoteError: past its deadline, over the limit, or not our protocol.
        """
        self.connect()
        deadline = time.monotonic() + timeout
        try:
            return self.call(scripts, args, timeout=timeout)
        except LinkLostError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            return self.call(scripts, args, timeout=left)

    def call(self, scripts: tuple[str, ...], args: Args, *, timeout: float) -> ScriptResult:
        """Run scripts as root, once, and return what they said as text.

        Args:
            scripts: names under `assets/remote`, run one after another as one program.
            args: single lines.
            timeout: seconds in all.

        Raises:
            HostError, RemoteError: as `read`.
        """
        reply = self.run(scripts, args, timeout=timeout)
        return ScriptResult(
            reply.exit_code,
            wire.decode(reply.stdout),
            wire.decode(reply.stderr),
            reply.seconds,
            time.time(),
        )

    def run(
        self,
        scripts: tuple[str, ...],
        args: Args,
        *,
        payload: bytes = b"",
        timeout: float,
        on_sent: Callable[[int], None] | None = None,
    ) -> wire.Reply:
        """As `call`, in bytes and with a payload.

        Args:
            scripts: as `call`.
            args: as `call`.
            payload: what the program finds on stdin.
            timeout: seconds in all.
            on_sent: is called with the payload bytes sent so far.

        Raises:
            HostError, RemoteError: as `read`.
        """
        link = self.connect()
        deadline = time.monotonic() + timeout
        nonce = wire.new_nonce()
        head = wire.request(wire.program_text(scripts), args, nonce)

        def sent(count: int) -> None:
            if on_sent:
                on_sent(max(0, count - len(head)))

        with watched(link, timeout + GRACE_SECONDS), self.opened(link, seconds=timeout) as exchange:
            self.start(link, exchange.channel)
            first = self.sudo.first_line(link.config.user)
            began = time.monotonic()
            ending, broke = self._pump(exchange, first + head + payload, deadline, nonce, sent)
            seconds = time.monotonic() - began
        reply = wire.parse(bytes(exchange.stdout), bytes(exchange.stderr), nonce)
        if reply is not None and ending is not Ending.FLOOD:
            return replace(reply, seconds=seconds)
        if broke is None and self.sudo.settle(self, link, exchange, nonce):
            return self.run(scripts, args, payload=payload, timeout=timeout, on_sent=on_sent)
        raise self._unanswered(link, exchange, ending, nonce, timeout) from broke

    def _pump(
        self, exchange: Exchange, stdin: bytes, deadline: float, nonce: str, sent: Callable[[int], None]
    ) -> tuple[Ending, Exception | None]:
        from paramiko import SSHException

        end, end_of_errors = f"\n{nonce} end ".encode(), f"{nonce} end\n".encode()

        def complete(stdout: bytearray) -> bool:
            return (
                stdout.endswith(b"\n")
                and stdout.rfind(end, -100) >= 0
                and exchange.stderr.endswith(end_of_errors)
            )

        try:
            return exchange.pump(stdin, deadline, on_sent=sent, stop=complete), None
        except (SSHException, EOFError, OSError) as error:
            return Ending.CLOSED, error

    def pump_until(
        self, exchange: Exchange, stdin: bytes, deadline: float, stop: Callable[[bytearray], bool]
    ) -> None:
        """Send and receive until `stop` or the end, leaving stdin open.

        Args:
            exchange: a started one.
            stdin: what is sent.
            deadline: `time.monotonic()` at which we give up.
            stop: looks at stdout.

        Raises:
            LinkLostError: the link broke.
        """
        from paramiko import SSHException

        try:
            exchange.pump(stdin, deadline, close_stdin=False, stop=stop)
        except (SSHException, EOFError, OSError) as error:
            raise self.lost(error) from error

    @contextmanager
    def opened(self, link: Link, *, seconds: float = CHANNEL_SECONDS) -> Iterator[Exchange]:
        """A channel with nothing running on it yet, closed afterwards.

        Args:
            link: to the host.
            seconds: how long we wait for the channel, at most `CHANNEL_SECONDS`.

        Raises:
            LinkLostError: the link broke.
            RemoteError: the host allows no more channels.
        """
        with self._slots:
            channel = self._channel(link, time.monotonic() + min(seconds, CHANNEL_SECONDS))
            try:
                yield Exchange(channel, OUTPUT_LIMIT + NOISE_LIMIT)
            finally:
                # Closing sends a message, which fails where the link is gone.
                with suppress(OSError, EOFError):
                    channel.close()

    def _channel(self, link: Link, deadline: float) -> Channel:
        from paramiko import SSHException

        while True:
            try:
                return link.channel(max(0.1, deadline - time.monotonic()))
            except (SSHException, EOFError, OSError) as error:
                if not link.alive:
                    raise self.lost(error) from error
                # MaxSessions may be lower than what we run at a time: another of our channels ends soon. The kind of
                # error says little: of several refusals at once, paramiko gives only one its own.
                if time.monotonic() >= deadline:
                    raise self._no_channel(link, str(error)) from error
                time.sleep(0.2)

    def start(self, link: Link, channel: Channel) -> None:
        """Have the constant command line run on a channel.

        Args:
            link: to the host.
            channel: nothing runs on it yet.

        Raises:
            LinkLostError: the link broke.
            AuthError: the host runs no commands for this user.
        """
        from paramiko import SSHException

        channel.settimeout(CHANNEL_SECONDS)
        try:
            channel.exec_command(self.sudo.command(link.config.user))
        except (SSHException, EOFError, OSError) as error:
            if not link.ended:
                raise self._unusable(link, f"It refuses to run commands: {error}") from error
            raise self.lost(error) from error

    def _unanswered(
        self, link: Link, exchange: Exchange, ending: Ending, nonce: str, timeout: float
    ) -> HostError | RemoteError:
        begun = wire.begun(bytes(exchange.stdout), nonce) is not None
        if ending is Ending.FLOOD:
            return self.remote_error(
                "sent far more than any script of ours prints.",
                f"More than {exchange.limit // 1024} KiB came, the rest was not read.",
            )
        if ending is Ending.DEADLINE:
            what = "The script ran on" if begun else "The shell did not get as far as our script"
            return self.remote_error(
                f"did not answer within {timeout:.0f} seconds.",
                f"{what}; the host may be overloaded, or its login profile waits for something.",
            )
        if link.ended:
            return self.lost(None)
        if begun:
            return self.remote_error(
                "broke off in the middle of an answer.", "The script's shell was killed."
            )
        said = printable(wire.noise(exchange.stdout, exchange.stderr))
        return self._unusable(link, said)

    def _unusable(self, link: Link, said: str) -> AuthError:
        why, do = _shell_trouble(said, f"{link.config.user}@{link.config.hostname}")
        return AuthError(
            f"{self.host} lets {link.config.user} in, but does not run commands for them.",
            where=f"{self.host} ({self.address})",
            why=f"{why} It said: {printable(said) or 'nothing'}",
            do=do,
        )

    def _no_channel(self, link: Link, said: str) -> RemoteError:
        return RemoteError(
            f"{self.host} opens no further channel on our connection.",
            where=f"{self.host} ({self.address})",
            why=f"{printable(said)}. MaxSessions in its sshd_config is below what a run needs (3).",
            do="on the host, in /etc/ssh/sshd_config: MaxSessions 10; then: systemctl reload ssh",
        )

    def lost(self, error: Exception | None) -> LinkLostError:
        """The link broke.

        Args:
            error: what the library said, if anything.
        """
        said = printable(str(error)) if error else ""
        return LinkLostError(
            f"The connection to {self.host} broke.",
            where=f"{self.host} ({self.address})",
            why=f"The host was switched off, or the network between is gone.{' ' + said if said else ''}",
            do=f"ping -c 3 {self.address}; then run the same command again",
            again="Running again is safe: what was begun on the host goes on there, and is looked at first.",
        )

    def remote_error(self, what: str, why: str, do: str = "", again: str = "") -> RemoteError:
        """An error about what the host did.

        Args:
            what: follows the host's name.
            why: the reason.
            do: the command that helps; empty = look at the host.
            again: empty = nothing was changed.
        """
        extra = {"again": again} if again else {}
        return RemoteError(
            f"{self.host} {what}",
            where=f"{self.host} ({self.address})",
            why=printable(why),
            do=do or f"ssh {self.address} uptime; then run the same command again",
            **extra,
        )


@contextmanager
def watched(link: Link, seconds: float) -> Iterator[None]:
    """Bounds what the library does not: a write into a link that is half open, a reply that never comes.

    Args:
        link: is dropped when the time is over.
        seconds: until then.
    """
    watchdog = threading.Timer(seconds, link.close)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _shell_trouble(said: str, login: str) -> tuple[str, str]:
    """(why, do) for an account whose shell never ran our program."""
    low = said.lower()
    if (
        "password change required" in low
        or "password has expired" in low
        or "must change your password" in low
    ):
        return "The password has expired: the host wants a new one first.", f"ssh -t {login} passwd"
    if "account has expired" in low or "account expired" in low:
        return "The account has expired.", f"on the host, as root: chage -E -1 {login.split('@', 1)[0]}"
    if "not available" in low or "nologin" in low:
        user = login.split("@", 1)[0]
        return "Its login shell is nologin.", f"on the host, as root: chsh -s /bin/sh {user}"
    if "sftp" in low:
        return "The account may only use SFTP.", "remove ForceCommand internal-sftp for it in sshd_config"
    return (
        "A forced command, an SFTP-only account or a login profile stands in the way.",
        f"ssh {login} true; look for command= in authorized_keys, ForceCommand and Match in sshd_config",
    )
