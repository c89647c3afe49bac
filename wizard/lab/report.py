"""The lab's status and faults as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from wizard.lab import keys
from wizard.lab.lifecycle import HostStatus
from wizard.lab.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence


def as_json(store: Store, hosts: Sequence[HostStatus]) -> str:
    """One JSON document: `{schema, dir, subnet, machine, known_hosts, hosts: [...]}`."""
    document = {
        "schema": 1,
        "dir": str(store.root),
        "subnet": store.subnet,
        "machine": store.chose,
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
    return "\n".join(lines) + "\n"


def faults(store: Store, host: str) -> str:
    """Every fault with its sentence; or those set on one host, one name a line."""
    from wizard.core.faultnames import fault_texts
    from wizard.lab.faults import known_host

    if host:
        known_host(host)
        return "".join(f"{name}\n" for name in store.faults.get(host, []))
    return "".join(f"{name:<17} {text}\n" for name, text in fault_texts("lab").items())
