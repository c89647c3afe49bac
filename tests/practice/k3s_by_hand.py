"""K3s laid out and started on simulated hosts without the wizard's steps: what they would leave behind."""

from __future__ import annotations

import json

from steps import STEPS
from tests.practice.cluster import Cluster
from wizard.practice.etcd_process import CONFIG as ETCD_CONFIG
from wizard.practice.etcd_process import read_config
from wizard.practice.k3s_process import BINARY, CONFIG, UNITS, settle_k3s
from wizard.practice.machine import File, Machine

BELOW = tuple(step for step in STEPS if not step.id.startswith(("k3s-", "api-address", "nodes", "backup")))
"""The steps of the story that K3s stands on."""

VERSION = "v1.36.4+k3s1"
PKI = "/etc/homelab/pki"
TOKENS = {"k3s-token": "token-of-servers", "k3s-agent-token": "token-of-agents"}


def lay(cluster: Cluster, name: str, *, server: str = "", version: str = VERSION) -> Machine:
    """Put program, unit, tokens and configuration on a guest.

    Args:
        cluster: whose etcd is up.
        name: of the guest.
        server: address an agent asks first; empty = the guest is a server itself.
        version: of the program.
    """
    machine = cluster.machines[name]
    role = "agent" if server else "server"
    content = f"practice artifact k3s {version} amd64\n".encode() * 64
    machine.files[BINARY] = File(content, 0o755)
    machine.files[UNITS[role]] = File(b"[Service]\n")
    for file, secret in TOKENS.items():
        if role == "server" or file == "k3s-agent-token":
            machine.files[f"/etc/homelab/{file}"] = File(f"{secret}\n".encode(), 0o600)
    config = _agent(server) if server else _server(cluster, machine)
    config |= {
        "node-name": name,
        "node-ip": machine.address,
        "node-label": ["topology.kubernetes.io/zone=tower-a", f"homelab-wizard/machine={name}"],
    }
    machine.files[CONFIG] = File(json.dumps(config).encode(), 0o600)
    machine.k3s.role = role
    return machine


def start(machine: Machine) -> None:
    """Enable and start it; started anew it reads its files again."""
    unit = machine.k3s
    unit.enabled = unit.wanted = True
    unit.ready, unit.config = False, ""
    assert machine.world is not None
    settle_k3s(machine.world)


def _agent(server: str) -> dict[str, object]:
    return {"server": f"https://{server}:6443", "token-file": "/etc/homelab/k3s-agent-token"}


def _server(cluster: Cluster, machine: Machine) -> dict[str, object]:
    for name in ("ca.crt", "k3s.crt", "k3s.key"):
        secret = cluster.secrets.get(f"etcd/{name}")
        assert secret is not None, name
        machine.files[f"{PKI}/{name}"] = File(secret.reveal().encode(), 0o600)
    found = [read_config(one, ETCD_CONFIG) for one in cluster.machines.values()]
    return {
        "token-file": "/etc/homelab/k3s-token",
        "agent-token-file": "/etc/homelab/k3s-agent-token",
        "datastore-endpoint": ",".join(one.client for one in found if one is not None),
        "datastore-cafile": f"{PKI}/ca.crt",
        "datastore-certfile": f"{PKI}/k3s.crt",
        "datastore-keyfile": f"{PKI}/k3s.key",
        "node-taint": ["node-role.kubernetes.io/control-plane=true:NoSchedule"],
    }
