"""One authenticated connection to one host, over fabric with each of its unsafe defaults overridden.

fabric by itself accepts unknown and changed host keys, reads its own and ssh's configuration files, has no time-outs,
and its `run` reads our stdin. Here the host key goes through `Trust`, the log-in through `Login`, configuration is
given whole, and commands run on bare channels.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

from wizard.core.dataclass import dataclass
from wizard.core.errors import HostError, UnreachableError
from wizard.core.text import printable
from wizard.transport.ssh_auth import KeyRing, Login
from wizard.transport.ssh_config import HostConfig
from wizard.transport.ssh_socket import CHANNEL_SECONDS, CONNECT_SECONDS, open_socket, patience
from wizard.transport.ssh_trust import Trust

if TYPE_CHECKING:
    from fabric import Connection
    from paramiko import Channel, PKey, SSHClient, Transport

    from wizard.transport.ssh_transport import PromptTransport

BANNER_SECONDS = 15.0
"""For the server's first line: a busy server (MaxStartups) holds it back."""

AUTH_SECONDS = 60.0
"""For one answer while logging in: PAM may wait for a person with a token."""

ENDING_SECONDS = 0.5
"""For paramiko's thread to end after it closed the channels of a connection that broke: it has nothing left to do."""

CONNECT_TRIES = 4
"""Connections that are dropped before anything was proven (MaxStartups) are tried again; refused log-ins never."""

_KEX = (
    "curve25519-sha256@libssh.org",
    "mlkem768x25519-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
)
"""The quickest first; group14 is the oldest that is still considered sound (RFC 9142)."""

_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
_MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512")


@dataclass(frozen=True, slots=True)
class Target:
    """A host as the spec names it."""

    name: str
    address: str
    """Address, host name, or an alias of `~/.ssh/config`."""
    user: str | None = None
    port: int | None = None
    key: Path | None = None
    made_key: Callable[[], Path] | None = None
    """Of a machine that we made: lays out the cluster's own key and says where; instead of `key`."""


@dataclass(slots=True)
class Link:
    """A connection. Threads may run commands on it at the same time."""

    host: str
    config: HostConfig
    _connection: Connection
    _close_proxy: Callable[[], None]

    @property
    def alive(self) -> bool:
        """Whether the connection still stands as far as we know."""
        return bool(self._connection.is_connected)

    @property
    def ended(self) -> bool:
        """Whether the connection is gone, asked when a channel was closed.

        When a connection breaks, paramiko first closes its channels and then says so: its thread, which is at its end,
        is given a moment.
        """
        transport = self._connection.transport
        if transport is not None:
            transport.join(ENDING_SECONDS)
        return not self.alive

    def channel(self, timeout: float) -> Channel:
        """A new session channel.

        Args:
            timeout: seconds to wait for the host's answer.

        Raises:
            paramiko.SSHException: refused, or the link is gone.
        """
        channel: Channel = self._connection.transport.open_session(timeout=timeout)
        return channel

    def tunnel(self, address: tuple[str, int]) -> Channel:
        """A channel to an address as seen from this host: the way through a jump host.

        Args:
            address: host and port.

        Raises:
            paramiko.SSHException: refused, or the link is gone.
        """
        transport: Transport = self._connection.transport
        return transport.open_channel("direct-tcpip", address, ("127.0.0.1", 0), timeout=CHANNEL_SECONDS)

    def close(self) -> None:
        """Drop it, at once."""
        with contextlib.suppress(OSError, EOFError):
            self._connection.client.close()
        self._close_proxy()


@dataclass(slots=True)
class Connector:
    """Makes links; one for all hosts of a run."""

    trust: Trust
    ring: KeyRing

    def connect(self, target: Target, config: HostConfig, through: Link | None) -> Link:
        """Reach a host, check its key, log in.

        Args:
            target: whom.
            config: what ssh_config and the spec say of it.
            through: the link to its jump host, if it has one.

        Raises:
            HostError: in one of its kinds.
        """
        for attempt in range(1, CONNECT_TRIES + 1):
            questions = self.ring.typed.questions
            try:
                return self._once(target, config, through)
            except UnreachableError:
                # A host hangs up on whoever thinks for long (LoginGraceTime, mostly two minutes); what a person
                # answered is kept, and to compare a fingerprint they may have walked to the host's console.
                if attempt == CONNECT_TRIES or self.ring.typed.questions == questions:
                    raise
            except _DroppedEarlyError as drop:
                if attempt == CONNECT_TRIES:
                    raise _dropped(target, config, str(drop)) from drop
                # Doubling from half a second: sshd frees a slot as soon as another log-in ends.
                sleep(0.5 * 2 ** (attempt - 1))
        raise AssertionError("not reached")

    def _once(self, target: Target, config: HostConfig, through: Link | None) -> Link:
        sock, close_proxy = open_socket(target, config, through)
        try:
            connection = self._connection(target, config, sock)
            self._open(target, config, connection)
        except BaseException:
            with contextlib.suppress(OSError):
                sock.close()
            close_proxy()
            raise
        connection.transport.set_keepalive(patience(config)[0])
        return Link(target.name, config, connection, close_proxy)

    def _connection(self, target: Target, config: HostConfig, sock: Any) -> Connection:  # noqa: ANN401 - socket or channel
        logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
        transport = self._transport(config, sock)
        # Half of what fabric loads is needed by nobody here (invoke, unittest.mock, asyncio): the host works meanwhile.
        transport.begin()
        from fabric import Config, Connection
        from paramiko.config import SSHConfig

        connection = Connection(
            config.hostname,
            user=config.user,
            port=config.port,
            config=Config(lazy=True, ssh_config=SSHConfig()),
            connect_timeout=int(CONNECT_SECONDS),
            forward_agent=False,
            connect_kwargs={
                "sock": sock,
                "auth_strategy": Login(target.name, config, _key(target), self.ring),
                "transport_factory": lambda _sock, disabled_algorithms=None: transport,  # noqa: ARG005
                "banner_timeout": BANNER_SECONDS,
                "auth_timeout": AUTH_SECONDS,
                "channel_timeout": CHANNEL_SECONDS,
                "compress": False,
            },
        )
        connection.client.set_missing_host_key_policy(_policy(self.trust, target.name, config))
        return connection

    def _transport(self, config: HostConfig, sock: Any) -> PromptTransport:  # noqa: ANN401
        from wizard.transport.ssh_transport import PromptTransport

        known = [line.key_type for line in self.trust.known(config)]
        transport = PromptTransport(sock)
        transport.banner_timeout = BANNER_SECONDS
        options = transport.get_security_options()
        options.kex = _those(_KEX, options.kex)
        options.ciphers = _those(_CIPHERS, options.ciphers)
        options.digests = _those(_MACS, options.digests)
        options.key_types = _known_first(options.key_types, known)
        return transport

    def _open(self, target: Target, config: HostConfig, connection: Connection) -> None:
        from paramiko import SSHException

        try:
            connection.open()
        except HostError:
            connection.client.close()
            raise
        except (SSHException, EOFError, OSError) as error:
            early = _before_login(connection)
            connection.client.close()
            if early and _looks_dropped(error):
                raise _DroppedEarlyError(printable(str(error)) or "connection closed") from error
            raise _broken(target, config, error) from error


def _before_login(connection: Connection) -> bool:
    transport = connection.client.get_transport()
    return transport is None or not getattr(transport, "auth_handler", None)


def _looks_dropped(error: Exception) -> bool:
    """Whether the server closed the connection before its banner, as sshd does over MaxStartups."""
    text = str(error).lower()
    return isinstance(error, (EOFError, ConnectionResetError)) or ("banner" in text and "timed" not in text)


class _DroppedEarlyError(Exception):
    """The server hung up before the key exchange."""


def _policy(trust: Trust, name: str, config: HostConfig) -> Any:  # noqa: ANN401 - paramiko is not imported at load
    from paramiko import MissingHostKeyPolicy

    class Judge(MissingHostKeyPolicy):
        """Every key comes here, since the client itself knows none."""

        def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> None:
            trust.check(name, config, key.get_name(), key.asbytes())

    return Judge()


def _those(wanted: tuple[str, ...], there: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in wanted if name in there)


def _known_first(there: Sequence[str], known: list[str]) -> tuple[str, ...]:
    """Key types the host is known by first, so that a confirmed key is asked for and not another."""

    def rank(name: str) -> bool:
        return ("ssh-rsa" if name.startswith("rsa-sha2") else name) not in known

    return tuple(sorted(there, key=rank))


def _dropped(target: Target, config: HostConfig, said: str) -> UnreachableError:
    return UnreachableError(
        f"{target.name} closes every connection before the log-in.",
        where=f"{target.name} ({config.hostname} port {config.port})",
        why=f"{said}. It has too many open log-ins (MaxStartups), bans this address (fail2ban), "
        f"or port {config.port} is no SSH server. Tried {CONNECT_TRIES} times with growing pauses."
        + _proxy_note(config),
        do=(
            f"ssh -v -p {config.port} {config.user}@{config.hostname} true",
            "on the host, where fail2ban runs: fail2ban-client status sshd",
        ),
    )


def _proxy_note(config: HostConfig) -> str:
    return (
        f" The way leads through ProxyCommand: {printable(config.proxy_command)}"
        if config.proxy_command
        else ""
    )


def _broken(target: Target, config: HostConfig, error: Exception) -> UnreachableError:
    return UnreachableError(
        f"The SSH connection to {target.name} could not be set up.",
        where=f"{target.name} ({config.hostname} port {config.port})",
        why=f"{printable(str(error)) or 'The connection was closed.'}{_proxy_note(config)}",
        do=f"ssh -v -p {config.port} {config.user}@{config.hostname} true",
    )


def _key(target: Target) -> Path | None:
    """The key to log in with; that of a machine we made is laid out just now."""
    return target.made_key() if target.made_key else target.key
