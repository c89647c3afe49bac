"""What the transport may have to ask a person, and who answers: a terminal, a dialog, or nobody."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from wizard.core.dataclass import dataclass
from wizard.core.secret import Secret


class SecretKind(StrEnum):
    """What is asked for."""

    PASSWORD = "password"  # noqa: S105 - not a password
    """The login password of a user on a host."""
    PASSPHRASE = "passphrase"  # noqa: S105 - not a password
    """What unlocks a private key on this machine."""
    SUDO = "sudo"
    """What sudo on a host wants from the user."""
    KEYBOARD_INTERACTIVE = "keyboard-interactive"
    """A question the host makes up itself, such as a one-time code."""


@dataclass(frozen=True, slots=True)
class HostKeyQuestion:
    """A host shows a key nobody has confirmed yet; the fingerprint is compared on the host's own screen."""

    host: str
    """Name in the spec, or of the jump host."""
    address: str
    """What we connected to, `name` or `[name]:port`, as it will stand in known_hosts."""
    key_type: str
    """`ssh-ed25519` and the like."""
    fingerprint: str
    """`SHA256:...`, as ssh and ssh-keygen print it."""
    same_as: tuple[str, ...] = ()
    """Other hosts of this run that showed the same key: a cloned system, or one machine under two names."""


@dataclass(frozen=True, slots=True)
class SecretQuestion:
    """A secret is needed to go on."""

    kind: SecretKind
    host: str
    """Name in the spec; for a passphrase the host that needed the key first."""
    prompt: str
    """A sentence to show, made printable already."""


class Prompter(Protocol):
    """Asks a person. Called from several threads, but never for two questions at a time."""

    def trust(self, question: HostKeyQuestion) -> bool:
        """Whether the person confirms that this is the host's key."""

    def secret(self, question: SecretQuestion) -> Secret | None:
        """The secret, or None where nobody can be asked or the person declined."""


class Silent:
    """Nobody is there: trusts nothing and knows nothing."""

    def trust(self, question: HostKeyQuestion) -> bool:
        """Always no."""
        return False

    def secret(self, question: SecretQuestion) -> Secret | None:
        """Always None."""
        return None
