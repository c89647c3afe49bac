"""SSH key pairs made here, so that no guest is ever trusted on first use."""

from __future__ import annotations

from wizard.core.secret import Secret


def key_pair(comment: str) -> tuple[Secret, Secret]:
    """A new ed25519 key pair.

    Args:
        comment: ends the public line.

    Returns:
        The private key as OpenSSH text, and the public one as one line.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = Ed25519PrivateKey.generate()
    private = Secret(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode())
    return private, Secret(f"{public_of(private)} {comment}")


def public_of(private: Secret) -> str:
    """The public part of a key, as the first two words of a line of authorized_keys.

    Args:
        private: OpenSSH text.

    Raises:
        ValueError: it is none.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    key = load_ssh_private_key(private.reveal().encode(), password=None).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
