"""The certificates that a simulated cluster's servers and kubelets show: real ones, as doctor reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from wizard.core.secret import Secret
from wizard.payload.certificates import Pair, make_authority, make_member, read_certificate
from wizard.practice.k3s_state import Kubernetes
from wizard.practice.machine import File, Machine

DATA = "/var/lib/rancher/k3s"

RENEW_DAYS = 90
"""With less left a certificate is made anew when K3s starts (domain.md 1.2)."""


def certify_server(known: Kubernetes, machine: Machine, names: Sequence[str]) -> None:
    """Give a server the certificate its API shows.

    Args:
        known: the cluster.
        machine: the server.
        names: names and addresses that it is reached by besides its own.
    """
    tls = f"{DATA}/server/tls"
    _keep(machine, f"{tls}/server-ca.crt", _authority(known).certificate)
    _certify(known, machine, f"{tls}/serving-kube-apiserver.crt", names)


def certify_node(known: Kubernetes, machine: Machine) -> None:
    """Give a node the certificate its kubelet shows."""
    _keep(machine, f"{DATA}/agent/server-ca.crt", _authority(known).certificate)
    _certify(known, machine, f"{DATA}/agent/serving-kubelet.crt", ())


def _certify(known: Kubernetes, machine: Machine, path: str, names: Sequence[str]) -> None:
    now = datetime.now(UTC)
    there = machine.files.get(path)
    found = read_certificate(there.content.decode()) if there else None
    if found is not None and found.days_left(now) >= RENEW_DAYS:
        return
    addresses = [machine.address, "127.0.0.1", *(name for name in names if name[:1].isdecimal())]
    others = [machine.name, "kubernetes", *(name for name in names if not name[:1].isdecimal())]
    made = make_member(_authority(known), machine.name, addresses, others, now)
    _keep(machine, path, made.certificate)


def _authority(known: Kubernetes) -> Pair:
    if not known.server_ca:
        made = make_authority("k3s-server-ca", datetime.now(UTC))
        known.server_ca, known.server_ca_key = made.certificate, made.key.reveal()
    return Pair(Secret(known.server_ca_key), known.server_ca)


def _keep(machine: Machine, path: str, text: str) -> None:
    machine.files[path] = File(text.encode())
