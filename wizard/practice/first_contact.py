"""What a simulated host asks of a person before it lets them in: to trust its key, a passphrase, a password.

The questions are the transport's own, so that dialogs and lines are met in practice as they are on real hosts. Any
answer is right: what is typed is looked at no further, and kept nowhere.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Sequence

from wizard.core.dataclass import dataclass
from wizard.core.errors import AuthError, HostKeyUnknownError, PrivilegeError, WizardError
from wizard.core.prompt import HostKeyQuestion, Prompter, SecretKind, SecretQuestion
from wizard.practice.machine import Machine

KEY = "~/.ssh/id_ed25519"
"""The key that is locked."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question."""

    about: str
    """It is asked once for this, whoever needs the answer."""
    put: Callable[[Prompter], bool]
    """Asks it, and says whether it was answered."""
    refused: WizardError
    """What is met where it was not."""


class FirstContact:
    """Asks before a host is spoken to, one question at a time.

    Args:
        prompter: the person.
        settled: what was answered before, by other sessions of the same wizard; it is added to.
    """

    def __init__(self, prompter: Prompter, settled: set[str]) -> None:
        self._prompter, self._settled = prompter, settled
        self._declined: set[str] = set()
        self._guard = threading.Lock()

    def settle(self, asks: Sequence[Ask]) -> None:
        """Have questions answered.

        Args:
            asks: of one host.

        Raises:
            HostError: one was declined, now or before in this session.
        """
        if not asks:
            return
        with self._guard:
            for one in asks:
                if one.about in self._settled:
                    continue
                if one.about in self._declined or not one.put(self._prompter):
                    self._declined.add(one.about)
                    raise one.refused
                self._settled.add(one.about)


def shown_key(host: str, seed: int, *, other: bool = False) -> str:
    """The fingerprint of a host's key, as ssh prints it.

    Args:
        host: its name.
        seed: of its homelab.
        other: the one it has after it was installed anew.
    """
    digest = hashlib.sha256(f"host key {seed} {host} {other}".encode()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def trust(host: Machine, seed: int) -> Ask:
    """To trust a host's key.

    Args:
        host: that shows it.
        seed: of its homelab.
    """
    shown = shown_key(host.name, seed)
    question = HostKeyQuestion(host.name, host.address, "ssh-ed25519", shown)
    error = HostKeyUnknownError(
        f"The host key of {host.name} is not known.",
        where=f"{host.name} ({host.address})",
        why=f"It offers ssh-ed25519 {shown} and nobody confirmed it (practice). Nothing was sent.",
        do=(
            "Compare with the fingerprint shown on the host's own screen: "
            "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
            "then run it again at a terminal, and confirm it",
        ),
    )
    return Ask(f"key of {host.name}", lambda prompter: prompter.trust(question), error)


def passphrase(host: Machine) -> Ask:
    """To unlock the key on this machine; for whichever host needs it first.

    Args:
        host: that is logged in to.
    """
    question = SecretQuestion(SecretKind.PASSPHRASE, host.name, f"Passphrase of {KEY}")
    error = AuthError(
        f"{host.name} does not let us in.",
        where=f"{host.name} (root@{host.address})",
        why=f"{KEY} is encrypted, and its passphrase was not given (practice).",
        do=f"ssh-add {KEY}",
    )
    return Ask("passphrase", lambda prompter: bool(prompter.secret(question)), error)


def sudo_password(host: Machine) -> Ask:
    """What sudo wants on a host.

    Args:
        host: where the user is not root.
    """
    question = SecretQuestion(SecretKind.SUDO, host.name, f"sudo password of pi on {host.name}")
    error = PrivilegeError(
        f"The user on {host.name} does not become root.",
        where=f"{host.name} (pi@{host.address})",
        why="sudo said: a password is required, and none was given (practice).",
        do="Run it again at a terminal, and type it.",
    )
    return Ask(f"sudo on {host.name}", lambda prompter: bool(prompter.secret(question)), error)
