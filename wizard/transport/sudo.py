"""Root's rights for a login that is not root: found out once per host, the password on stdin only."""

from __future__ import annotations

import threading
import time
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from wizard.core.dataclass import dataclass
from wizard.core.errors import PrivilegeError
from wizard.core.prompt import Prompter, SecretKind, SecretQuestion
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.core.typed import About, TypedSecrets
from wizard.transport import wire
from wizard.transport.credentials import Credentials

if TYPE_CHECKING:
    from wizard.transport.exchange import Exchange
    from wizard.transport.session import Session
    from wizard.transport.ssh_link import Link

VERIFY_SECONDS = 30.0
"""For the password check: PAM delays a wrong one by some seconds."""


class Rights(StrEnum):
    """How a login becomes root."""

    UNTRIED = "untried"
    NO_PASSWORD = "no password"  # noqa: S105 - not a password
    PASSWORD = "password"  # noqa: S105 - not a password


@dataclass(slots=True)
class Sudo:
    """What is known of sudo on one host.

    The first call tries `sudo -n`, which costs nothing where no password is needed. Where one is, it is proved in a
    call that carries the password and nothing else: a wrong one can then never make sudo swallow a program.
    """

    host: str
    prompter: Prompter
    credentials: Credentials
    typed: TypedSecrets
    _rights: Rights = Rights.UNTRIED
    _password: Secret | None = None
    _refusal: PrivilegeError | None = None
    _settling: threading.Lock = field(default_factory=threading.Lock)

    def command(self, user: str) -> str:
        """The command line for this login.

        Args:
            user: that is logged in.

        Raises:
            PrivilegeError: sudo refused before; a further try would only be counted against the user.
        """
        if user == "root":
            return wire.shell_command()
        if self._refusal:
            raise self._refusal
        return wire.sudo_command(password=self._rights is Rights.PASSWORD)

    def first_line(self, user: str) -> bytes:
        """What sudo reads before the program does.

        Args:
            user: that is logged in.
        """
        if user == "root" or self._password is None:
            return b""
        return self._password.reveal().encode() + b"\n"

    def settle(self, session: Session, link: Link, exchange: Exchange, nonce: str) -> bool:
        """After a call without an answer: find out whether sudo was the reason, and get the password.

        Args:
            session: to prove the password with.
            link: of the host.
            exchange: the call that got no answer.
            nonce: of that call.

        Returns:
            True where the call is worth making again.

        Raises:
            PrivilegeError: root's rights are not to be had.
        """
        user = link.config.user
        if user == "root" or wire.begun(bytes(exchange.stdout), nonce) is not None or not link.alive:
            return False
        said = wire.noise(exchange.stderr, exchange.stdout)
        if not _sudo_spoke(said):
            return False
        with self._settling:
            if self._rights is Rights.PASSWORD:
                return True
            if not _wants_password(said):
                raise self._refuse(link, said)
            self._prove(session, link)
            return True

    def _prove(self, session: Session, link: Link) -> None:
        password = self._ask(link)
        with session.opened(link) as exchange:
            exchange.channel.exec_command(wire.sudo_command(password=True))
            exchange.pump(password.reveal().encode() + b"\n", time.monotonic() + VERIFY_SECONDS)
            proved = (
                exchange.channel.exit_status_ready() and exchange.channel.recv_exit_status() == NO_PROGRAM
            )
        if not proved:
            self.typed.forget(_sudo_of(link))
            raise self._refuse(link, wire.noise(exchange.stderr, exchange.stdout))
        self._password, self._rights = password, Rights.PASSWORD

    def _ask(self, link: Link) -> Secret:
        user = link.config.user
        given = self.credentials.get(self.host, "sudo") or self.credentials.get(self.host, "password")
        if given:
            return given
        question = SecretQuestion(SecretKind.SUDO, self.host, f"sudo password of {user} on {self.host}")
        about = _sudo_of(link)
        with self.typed.asking():
            answer = self.typed.get(about) or self.typed.keep(about, self.prompter.secret(question))
        if answer is None:
            raise self._refuse(link, "a password is required, and none was given")
        return answer

    def _refuse(self, link: Link, said: str) -> PrivilegeError:
        why, do = explain(said, link.config.user)
        self._refusal = PrivilegeError(
            f"{link.config.user} does not become root on {self.host}.",
            where=f"{self.host} ({link.config.user}@{link.config.hostname})",
            why=f"{why} sudo said: {printable(said)}",
            do=do,
        )
        return self._refusal


def _sudo_of(link: Link) -> About:
    config = link.config
    return (SecretKind.SUDO, config.user, config.hostname, config.port)


NO_PROGRAM = 97
"""Exit status of the bootstrap, run as root and given no program: proof that the password was right."""


def _sudo_spoke(said: str) -> bool:
    return "sudo" in said.lower()


def _wants_password(said: str) -> bool:
    low = said.lower()
    return (
        "password is required" in low or "interactive authentication is required" in low
    ) and "tty" not in low


def explain(said: str, user: str) -> tuple[str, str]:
    """(why, do) for what sudo or sudo-rs said.

    Args:
        said: its words, in the C locale.
        user: that is logged in.
    """
    low = said.lower()
    if "tty" in low and ("must have a tty" in low or "requiretty" in low):
        return "It insists on a terminal.", f"as root: visudo, add the line: Defaults:{user} !requiretty"
    if (
        "not in the sudoers" in low
        or "may not run sudo" in low
        or "not allowed to" in low
        or "i'm sorry" in low
    ):
        return f"{user} is not allowed to use sudo.", f"as root: usermod -aG sudo {user} (on Red Hat: wheel)"
    if "expired" in low or "new password" in low:
        return f"The password of {user} has expired.", f"on the host, as {user}: passwd"
    if "none was given" in low:
        return (
            "A password is needed and there is none.",
            "run in a terminal, or with --credentials FILE (per host: sudo: ..)",
        )
    if (
        "try again" in low
        or "incorrect" in low
        or "no password was provided" in low
        or "authentication" in low
    ):
        return (
            "The sudo password is wrong.",
            f"on the host: sudo -k; sudo true (as {user}), to try it by hand",
        )
    if "not found" in low or "unknown command" in low or "no such file" in low:
        return "There is no sudo on it.", "log in as root (ssh.user: root), or as root: apt-get install sudo"
    return "sudo refuses.", f"on the host, as {user}: sudo true"
