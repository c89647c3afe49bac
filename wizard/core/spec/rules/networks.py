"""Networks: the LAN, pods, services and docker's own must not overlap and must be large enough (faults.md 28)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from wizard.core.spec.model import ClusterSpec, Problem

if TYPE_CHECKING:
    from ipaddress import IPv4Network

DOCKER_CIDR = "172.17.0.0/16"
"""Docker's default bridge on every hypervisor (docs.docker.com, bridge network)."""
LAN_PREFIXES = (8, 29)
"""Longest mask: two hypervisors, a Pi, gateway and VIP need a /29 at the least."""
SERVICE_PREFIXES = (12, 24)
"""kube-apiserver takes 20 bits of service addresses at most; K3s puts its DNS on the tenth, and apps need some."""
NODE_PREFIX = 24
"""Each node gets a /24 of the pod network (K3s and kube-controller-manager default)."""
NODES_PER_HYPERVISOR = 3
"""Server, storage and worker: the layout that is proposed."""


def network(text: str) -> IPv4Network | None:
    """The network a text names; None where it is not one (it was reported already)."""
    from ipaddress import IPv4Network

    try:
        return IPv4Network(text)
    except ValueError:
        return None


def network_rules(spec: ClusterSpec) -> Iterator[Problem]:
    """The networks of the spec against each other and against what must fit into them."""
    yield from _overlaps(spec)
    yield from _lan(spec)
    yield from _sizes(spec)
    yield from _domain(spec)


def _overlaps(spec: ClusterSpec) -> Iterator[Problem]:
    net = spec.network
    named = [
        (DOCKER_CIDR, "docker's own network", ""),
        (net.cidr, "the LAN", "network.cidr"),
        (net.pod_cidr, "the pod network", "network.pod_cidr"),
        (net.service_cidr, "the service network", "network.service_cidr"),
    ]
    for (text, name, _), (other_text, other_name, path) in combinations(named, 2):
        one, other = network(text), network(other_text)
        if one and other and one.overlaps(other):
            told = f"{other_text} ({other_name}) overlaps {text} ({name}): packets would go astray."
            yield Problem(path, told, _elsewhere(path))


def _elsewhere(path: str) -> str:
    if path == "network.cidr":
        return (
            "Move docker's default bridge (bip in daemon.json) or use another LAN: both hold these addresses."
        )
    default = "10.42.0.0/16" if path == "network.pod_cidr" else "10.43.0.0/16"
    return f"Take a private network that is used nowhere else, such as {default} or one near it."


def _lan(spec: ClusterSpec) -> Iterator[Problem]:
    lan = network(spec.network.cidr)
    if lan is None:
        return
    shortest, longest = LAN_PREFIXES
    if not shortest <= lan.prefixlen <= longest:
        text = f"A LAN of /{lan.prefixlen} cannot be meant: from /{shortest} to /{longest} is possible."
        yield Problem("network.cidr", text, "Look at a machine of the LAN: ip -4 addr")
    elif not lan.is_private:
        text = f"{lan} is not a private network: its addresses belong to somebody on the internet."
        hint = "Homes use 192.168.0.0/16, 10.0.0.0/8 or 172.16.0.0/12 (RFC 1918)."
        yield Problem("network.cidr", text, hint, level="warning")


def _sizes(spec: ClusterSpec) -> Iterator[Problem]:
    services, pods = network(spec.network.service_cidr), network(spec.network.pod_cidr)
    low, high = SERVICE_PREFIXES
    if services and not low <= services.prefixlen <= high:
        text = (
            f"A service network of /{services.prefixlen} does not work: from /{low} to /{high} is possible."
        )
        yield Problem("network.service_cidr", text, "Take 10.43.0.0/16, the default of K3s.")
    nodes = _nodes(spec)
    room = 2 ** (NODE_PREFIX - pods.prefixlen) if pods and pods.prefixlen <= NODE_PREFIX else 0
    if pods and room < max(nodes, 1):
        text = f"{pods} has room for {room} nodes (a /{NODE_PREFIX} each), and there are {nodes}."
        yield Problem("network.pod_cidr", text, "Take 10.42.0.0/16, the default of K3s.")


def _nodes(spec: ClusterSpec) -> int:
    """How many Kubernetes nodes there will be."""
    if spec.machines:
        return sum(machine.role != "etcd" for machine in spec.machines)
    return NODES_PER_HYPERVISOR * len(spec.hypervisors)


def _domain(spec: ClusterSpec) -> Iterator[Problem]:
    if f".{spec.network.domain}".endswith(".local"):
        text = "Names under .local are asked for by multicast (RFC 6762): many devices never ask our DNS for them."
        yield Problem(
            "network.domain", text, "Take home.arpa (RFC 8375) or a domain of yours.", level="warning"
        )
