"""The administrator's kubeconfig as K3s writes it: whom it trusts, and what it shows of itself."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from wizard.core.dataclass import dataclass
from wizard.core.kubernetes import API_PORT
from wizard.core.secret import Secret

if TYPE_CHECKING:
    from wizard.core.spec.model import MachineSpec

KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
"""Where K3s leaves it on a server, mode 0600; its server is 127.0.0.1, since it is written for whoever is there."""

_PEM = "-----BEGIN "


@dataclass(frozen=True, slots=True)
class Admin:
    """What it takes to ask the API as its administrator."""

    authority: str
    """Certificates of those who may sign for a server, PEM."""
    certificate: str
    """What we show, and those who signed it, PEM."""
    key: Secret
    """Belongs to the certificate, PEM."""

    @property
    def fingerprint(self) -> str:
        """Of the first authority, as people compare it: `SHA256:` and 16 hex digits."""
        return fingerprint(self.authority)


class AdminSource(Protocol):
    """Where the administrator's certificate comes from."""

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """As `Api.know`."""

    def current(self) -> Admin:
        """The one that is kept, or fetched from a server.

        Raises:
            ApiAbsentError: no server has one.
            HostError: no server can be asked.
        """

    def renewed(self) -> Admin:
        """One fetched from a server just now: the kept one was of no use.

        Raises:
            ApiAbsentError: no server has one.
            HostError: no server can be asked.
        """


class KubeconfigError(ValueError):
    """A text is not an administrator's kubeconfig; says why without quoting it."""


def read_admin(text: str) -> Admin:
    """Take an administrator's kubeconfig apart.

    Args:
        text: as it lies on a server.

    Raises:
        KubeconfigError: it is none.
    """
    import yaml

    try:
        # The base loader knows no types: whatever stands there is text.
        document = yaml.load(text, yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError):
        raise KubeconfigError("it is not YAML") from None
    cluster, user = _only(document, "clusters", "cluster"), _only(document, "users", "user")
    return Admin(
        _pem(cluster, "certificate-authority-data"),
        _pem(user, "client-certificate-data"),
        Secret(_pem(user, "client-key-data")),
    )


def write_admin(admin: Admin, server: str, name: str) -> dict[str, Any]:
    """A kubeconfig of one cluster, as kubectl reads it.

    Args:
        admin: of the cluster.
        server: `https://192.168.10.20:6443`.
        name: of the cluster, its user and its context.
    """
    trust = {"certificate-authority-data": encoded(admin.authority), "server": server}
    shown = {
        "client-certificate-data": encoded(admin.certificate),
        "client-key-data": encoded(admin.key.reveal()),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": trust}],
        "users": [{"name": name, "user": shown}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def api_url(address: str) -> str:
    """Where the API is asked at an address."""
    return f"https://{address}:{API_PORT}"


def encoded(pem: str) -> str:
    """A PEM text as kubeconfigs keep it."""
    return b64encode(pem.encode()).decode()


def fingerprint(pem: str) -> str:
    """What tells the first certificate of a text from every other: `SHA256:` and 16 hex digits; empty = it is none.

    Args:
        pem: one or more certificates.
    """
    inner = pem.partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END CERTIFICATE-----")[0]
    try:
        der = b64decode("".join(inner.split()), validate=True)
    except NotBase64:
        return ""
    return f"SHA256:{hashlib.sha256(der).hexdigest()[:16]}" if der else ""


def _only(document: object, many: str, one: str) -> dict[str, Any]:
    entries = document.get(many) if isinstance(document, dict) else None
    entry = entries[0] if isinstance(entries, list) and entries else None
    found = entry.get(one) if isinstance(entry, dict) else None
    if not isinstance(found, dict):
        raise KubeconfigError(f"it has no {many}")
    return found


def decoded(value: str, key: str) -> str:
    """A PEM text out of what a kubeconfig keeps.

    Args:
        value: base64.
        key: it stands under, for the message.

    Raises:
        KubeconfigError: it is none.
    """
    try:
        text = b64decode(value, validate=True).decode()
    except (NotBase64, UnicodeDecodeError):
        raise KubeconfigError(f"its {key} is not base64") from None
    if not text.lstrip().startswith(_PEM):
        raise KubeconfigError(f"its {key} is no PEM")
    return text


def _pem(entry: dict[str, Any], key: str) -> str:
    return decoded(str(entry.get(key, "")), key)
