"""The byte stream to one host: a TCP connection, a channel of its jump host, or the user's ProxyCommand."""

from __future__ import annotations

import errno
import socket
import subprocess
import tempfile
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from wizard.core.errors import UnreachableError
from wizard.core.text import printable
from wizard.transport.ssh_config import HostConfig

if TYPE_CHECKING:
    from paramiko import Channel

    from wizard.transport.ssh_link import Link, Target

CONNECT_SECONDS = 10.0
"""For the TCP connection, unless ssh_config says otherwise."""

CHANNEL_SECONDS = 15.0
"""For a channel to be opened and a command to be accepted."""

ALIVE_SECONDS = 15
"""Silence after which the link is probed, unless ssh_config says otherwise."""

DEAD_SECONDS = 45
"""Time without any answer to a probe or to sent data after which the kernel gives the connection up."""


def open_socket(
    target: Target, config: HostConfig, through: Link | None
) -> tuple[socket.socket | Channel, Callable[[], None]]:
    """The byte stream to a host, and what must be called when it is no longer needed.

    Args:
        target: for messages.
        config: address, port, proxy.
        through: the link to the jump host, if there is one.

    Raises:
        UnreachableError: no such stream.
    """
    if through is not None:
        return _through(target, config, through), _nothing
    if config.proxy_command:
        return _proxied(config.proxy_command)
    try:
        sock = socket.create_connection(
            (config.hostname, config.port), config.connect_timeout or CONNECT_SECONDS
        )
    except (OSError, UnicodeError) as error:
        raise _unreachable(target, config, error) from error
    keep_alive(sock, *patience(config))
    return sock, _nothing


def patience(config: HostConfig) -> tuple[int, int]:
    """Seconds of silence until a link is probed, and until it counts as dead (ServerAliveInterval, -CountMax).

    Args:
        config: of the host.
    """
    if config.alive_interval:
        return config.alive_interval, config.alive_interval * config.alive_count
    return ALIVE_SECONDS, DEAD_SECONDS


def keep_alive(sock: socket.socket, alive: int, dead: int) -> None:
    """Have the kernel notice a dead link by itself, also while we only wait or while sent data stays unanswered.

    Args:
        sock: a connected TCP socket.
        alive: seconds of silence until it is probed, three times.
        dead: seconds without an answer until it is given up.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in (
        ("TCP_KEEPIDLE", alive),
        ("TCP_KEEPALIVE", alive),
        ("TCP_KEEPINTVL", max(1, (dead - alive) // 3)),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", dead * 1000),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _nothing() -> None:
    """Nothing is left to release."""


def _through(target: Target, config: HostConfig, through: Link) -> Channel:
    from paramiko import SSHException

    try:
        return through.tunnel((config.hostname, config.port))
    except (SSHException, EOFError, OSError) as error:
        raise UnreachableError(
            f"{target.name} cannot be reached through the jump host {through.host}.",
            where=f"{target.name} ({config.hostname} port {config.port})",
            why=f"The jump host lets us in, but says: {printable(str(error))}.",
            do=f"ssh -J {through.config.user}@{through.config.hostname}:{through.config.port} "
            f"-p {config.port} {config.user}@{config.hostname} true",
        ) from error


def _proxied(command: str) -> tuple[socket.socket, Callable[[], None]]:
    ours, theirs = socket.socketpair()
    errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
    process = subprocess.Popen(  # as ssh does: the user's own command line, run by the shell
        ["/bin/sh", "-c", f"exec {command}"],
        stdin=theirs.fileno(),
        stdout=theirs.fileno(),
        stderr=errors,
        start_new_session=True,
    )
    theirs.close()

    def release() -> None:
        ours.close()
        process.terminate()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        errors.close()

    return ours, release


def _unreachable(target: Target, config: HostConfig, error: Exception) -> UnreachableError:
    ping = f"ping -c 3 {config.hostname}"
    why, do = f"{printable(str(error))}.", ping
    if isinstance(error, (socket.gaierror, UnicodeError)):
        why, do = f"The name {printable(config.hostname)} is not known.", f"getent hosts {config.hostname}"
    elif isinstance(error, ConnectionRefusedError):
        why = f"Nothing listens on port {config.port}: SSH is off, on another port, or you are banned (fail2ban)."
        do = f"on the host: systemctl status ssh (Unraid: Settings, Management Access, Use SSH); {ping}"
    elif isinstance(error, OSError) and error.errno == errno.EHOSTUNREACH:
        why = "Nobody has this address on the LAN: the machine is off, unplugged, or has another address."
    elif isinstance(error, TimeoutError):
        why = "No answer: the machine is off, the address is wrong, or a firewall drops the packets."
    return UnreachableError(
        f"{target.name} cannot be reached.",
        where=f"{target.name} ({config.hostname} port {config.port})",
        why=why,
        do=do,
    )
