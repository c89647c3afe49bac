"""The lab's status and faults as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.lab import keys
from wizard.lab.artifacts import LOCK
from wizard.lab.lifecycle import HostStatus
from wizard.lab.spec import K3S_VERSION
from wizard.lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence


K3S = {
    "publisher": f"{K3S_VERSION}, its publisher's release",
    "built": f"{K3S_VERSION}, the lab's stand-in: Kubernetes from its sources behind K3s's outside; charts by the real "
    "helm-controller with a job image of the lab's (docs/lab.md)",
    "": "none; `wizard lab up` brings it, unless --no-kubernetes is given",
}
"""Which K3s the lab would install, by the origin in the lock of its artifacts."""


STORAGE = (
    "class lab: folders of one directory that all guests share stand in for Longhorn's volumes, and lab equipment lets "
    "the pods of dead nodes go as Longhorn's node-down policy does (docs/lab.md)"
)
"""What volumes are in a lab with Kubernetes."""


def k3s_origin(store: Store) -> str:
    """`publisher`, `built`, or nothing where the lab has no K3s."""
    if not store.artifacts:
        return ""
    try:
        listed = json.loads((Path(store.artifacts) / LOCK).read_text(encoding="utf-8"))["artifacts"]
    except (OSError, ValueError, KeyError):
        return ""
    return next((str(entry["origin"]) for entry in listed if entry["name"] == "k3s"), "")


def as_json(store: Store, hosts: Sequence[HostStatus]) -> str:
    """One JSON document: `{schema, dir, subnet, machine, k3s, storage, known_hosts, hosts: [...]}`."""
    document = {
        "schema": 1,
        "dir": str(store.root),
        "subnet": store.subnet,
        "machine": store.chose,
        "k3s": k3s_origin(store),
        "storage": STORAGE if k3s_origin(store) else "",
        "known_hosts": str(store.path(keys.KNOWN_HOSTS)),
        "hosts": [{**asdict(host), "key": str(store.path(keys.USER_KEY))} for host in hosts],
    }
    return json.dumps(document, indent=2) + "\n"


def as_text(store: Store, hosts: Sequence[HostStatus]) -> str:
    """One line a host, then what the machine allows."""
    lines = [
        f"{host.name:<8} {host.address:<15} {host.state:<8} {'ssh' if host.ssh else '-':<4} "
        f"{host.user:<5} {host.platform:<8} {host.fingerprint or '-'}"
        + (f"  faults: {', '.join(host.faults)}" if host.faults else "")
        for host in hosts
    ]
    if store.chose:
        lines.append(f"machine: {store.chose}")
        lines.append(f"k3s: {K3S[k3s_origin(store)]}")
        lines += [f"storage: {STORAGE}"] if k3s_origin(store) else []
    return "\n".join(lines) + "\n"


def faults(store: Store, host: str) -> str:
    """Every fault with its sentence; or those set on one host, one name a line."""
    from wizard.core.faultnames import fault_texts
    from wizard.lab.faults import known_host

    if host:
        known_host(host)
        return "".join(f"{name}\n" for name in store.faults.get(host, []))
    return "".join(f"{name:<17} {text}\n" for name, text in fault_texts("lab").items())
