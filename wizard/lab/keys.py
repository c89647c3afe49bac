"""The lab's SSH keys: one for the person, one for each host, made once and kept until `down --purge`."""

from __future__ import annotations

import base64
import hashlib

from wizard.core.dataclass import dataclass
from wizard.lab.hosts import HOSTS
from wizard.lab.store import Store, write_private

USER_KEY = "lab_ed25519"
"""Of the person. A cluster that is named `lab` keeps its files in the lab's folder, its own `id_ed25519` among them."""

KNOWN_HOSTS = "known_hosts"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An Ed25519 key in OpenSSH's own format."""

    private: str
    public: str
    """`ssh-ed25519 AAAA...`, without comment."""

    @property
    def fingerprint(self) -> str:
        """As ssh prints it: `SHA256:...`."""
        return fingerprint(self.public)


def fingerprint(public: str) -> str:
    """The SHA256 fingerprint of an OpenSSH public key line, as ssh prints it."""
    blob = base64.b64decode(public.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _generate() -> KeyPair:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    return KeyPair(private.decode(), public.decode())


def key_pair(store: Store, name: str) -> KeyPair:
    """The key of that name in the lab's directory, made at first use (0600).

    Args:
        store: of the lab.
        name: file name of the private half; the public one has `.pub`.
    """
    private, public = store.path(name), store.path(f"{name}.pub")
    if private.exists() and public.exists():
        return KeyPair(private.read_text(), public.read_text().strip())
    made = _generate()
    write_private(public, f"{made.public}\n".encode())
    write_private(private, made.private.encode())
    return made


def host_key(store: Store, host: str) -> KeyPair:
    """The host key of one host."""
    return key_pair(store, f"host_{host}")


def write_known_hosts(store: Store, addresses: dict[str, str]) -> None:
    """Write the lab's own known_hosts: address and name of each host.

    Args:
        store: of the lab.
        addresses: by host name.
    """
    lines = [f"{addresses[host.name]},{host.name} {host_key(store, host.name).public}\n" for host in HOSTS]
    write_private(store.path(KNOWN_HOSTS), "".join(lines).encode())
