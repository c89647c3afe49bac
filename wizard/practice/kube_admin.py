"""The administrator's kubeconfig of a simulated cluster: a real certificate of an authority that nobody trusts."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from wizard.core.host import Args
from wizard.core.kubeconfig import KUBECONFIG, Admin, write_admin
from wizard.core.secret import Secret
from wizard.practice.answer import Answer
from wizard.practice.machine import Machine

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

BEGINS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)
"""The same cluster has the same certificates, whenever it is looked at."""


@lru_cache(maxsize=16)
def kubeconfig(authority: str) -> str:
    """What K3s writes for whoever is on a server.

    Args:
        authority: tells the cluster's authority from any other.
    """
    import yaml

    signer, key = _key(f"authority {authority}"), _key(f"administrator {authority}")
    issuer = "k3s-server-ca@1767225600"
    admin = Admin(
        _certificate(issuer, issuer, signer, signer, authority=True),
        _certificate("system:admin", issuer, key, signer, authority=False),
        Secret(_private(key)),
    )
    return yaml.safe_dump(write_admin(admin, "https://127.0.0.1:6443", "default"), sort_keys=False)


def admin_file(machine: Machine, _args: Args, _payload: bytes) -> Answer:
    """`read/k3s-admin`: the kubeconfig, where K3s ran on this host as a server."""
    found = machine.files.get(KUBECONFIG)
    if found is None:
        return Answer("== admin\n|there=no\n== end\n")
    rows = "".join(f"|{line}\n" for line in found.content.decode().splitlines())
    return Answer(f"== admin\n|there=yes\n== kubeconfig\n{rows}\n== end\n")


def _key(words: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(words.encode()).digest())


def _private(key: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization as form

    text = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return text.decode()


def _certificate(
    name: str, issuer: str, key: Ed25519PrivateKey, signer: Ed25519PrivateKey, *, authority: bool
) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import NameOID

    def named(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

    made = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(1 if authority else 2)
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(signer, None)
    )
    return made.public_bytes(Encoding.PEM).decode()
