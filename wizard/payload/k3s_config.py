"""The configuration files of K3s (domain.md 1.2): what servers and agents are told, by file alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wizard.core.dataclass import dataclass

CONFIG = "/etc/rancher/k3s/config.yaml"
HOME = "/etc/homelab"
"""Where what K3s needs and must not lose lies: its uninstaller removes /etc/rancher/k3s with all that is in it."""

TOKEN, AGENT_TOKEN = f"{HOME}/k3s-token", f"{HOME}/k3s-agent-token"
AUTHORITY, CERTIFICATE, KEY = f"{HOME}/pki/etcd-ca.crt", f"{HOME}/pki/k3s.crt", f"{HOME}/pki/k3s.key"
MARK = f"{HOME}/k3s"
"""Says whose node this is: the cluster's lineage."""

API_PORT = 6443
ZONE = "topology.kubernetes.io/zone"
MACHINE = "homelab-wizard/machine"
"""Tells a node that the wizard made from one that somebody else added: the name of its machine."""

CONTROL_PLANE = "node-role.kubernetes.io/control-plane=true:NoSchedule"

FLANNEL = "host-gw"
"""All nodes are on one network, which the spec demands: packets of pods need no tunnel, and keep the whole MTU."""

NOT_WANTED = ("servicelb", "local-storage")
"""Parts of K3s in whose place others come: MetalLB, and a StorageClass whose volumes outlive their node."""

EVICT_SECONDS = 60
"""How long pods stay bound to a node that is gone; Kubernetes' own five minutes are long for a homelab of two hosts."""


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What every node is told."""

    name: str
    address: str
    zone: str
    """The hypervisor it dies with."""
    inputs: str
    """Digest of everything else that its process reads: with it the file is another one whenever any of that is."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What the servers are told beside that; but for the order of the members it is the same on all of them."""

    endpoints: tuple[str, ...]
    """Client URLs of etcd's members, the one on the same hypervisor first."""
    names: tuple[str, ...]
    """Names and addresses its certificate bears besides its own: those by which it is reached."""
    pods: str
    """CIDR of the pod network."""
    services: str
    """CIDR of the services."""
    disabled: tuple[str, ...] = NOT_WANTED


def api_name(domain: str) -> str:
    """The name of the API's address.

    Args:
        domain: of the network.
    """
    return f"api.{domain}"


def server_text(node: NodeConfig, server: ServerConfig) -> str:
    """config.yaml of a server."""
    toleration = "toleration-seconds"
    lines = [
        *_head(node),
        f"token-file: {TOKEN}",
        f"agent-token-file: {AGENT_TOKEN}",
        f'datastore-endpoint: "{",".join(server.endpoints)}"',
        f"datastore-cafile: {AUTHORITY}",
        f"datastore-certfile: {CERTIFICATE}",
        f"datastore-keyfile: {KEY}",
        *_listed("tls-san", server.names),
        f"cluster-cidr: {server.pods}",
        f"service-cidr: {server.services}",
        f"flannel-backend: {FLANNEL}",
        *_listed("disable", server.disabled),
        "secrets-encryption: true",
        *_listed("node-taint", [CONTROL_PLANE]),
        *_listed(
            "kube-apiserver-arg",
            [f"default-{why}-{toleration}={EVICT_SECONDS}" for why in ("not-ready", "unreachable")],
        ),
    ]
    return "\n".join(lines) + "\n"


def agent_text(node: NodeConfig, api: str) -> str:
    """config.yaml of an agent.

    Args:
        node: it.
        api: address it joins the cluster at; once joined it knows all servers itself.
    """
    lines = [*_head(node), f"server: https://{api}:{API_PORT}", f"token-file: {AGENT_TOKEN}"]
    return "\n".join(lines) + "\n"


def _head(node: NodeConfig) -> Iterator[str]:
    yield f"# Written by the homelab wizard; changes by hand are undone by its next apply. Inputs: {node.inputs}"
    yield f"node-name: {node.name}"
    yield f"node-ip: {node.address}"
    yield from _listed("node-label", [f"{ZONE}={node.zone}", f"{MACHINE}={node.name}"])


def _listed(key: str, values: Sequence[str]) -> Iterator[str]:
    yield f"{key}:"
    yield from (f'  - "{value}"' for value in values)
