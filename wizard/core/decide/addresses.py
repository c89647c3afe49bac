"""Addresses for machines that have none yet, and the list of every address the cluster uses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import chain, islice
from typing import Literal

from wizard.core.dataclass import dataclass
from wizard.core.spec.model import ClusterSpec, MachineSpec

LISTED = 256
"""Addresses of the load balancer's range that are listed one by one; what is behind them is one line."""
NO_PROBE = "the wire was not asked"
"""Why no address was probed."""


@dataclass(frozen=True, slots=True)
class PlannedAddress:
    """One address of the cluster and what is known of it on the wire."""

    address: str
    """An address; the last line of a long range of the load balancer is `A-B`."""
    used_for: str
    """A host, a machine, `gateway`, `api_vip` or `load_balancer`."""
    probe: Literal["free", "used", "not-checked"] = "not-checked"
    mac: str | None = None
    """Who answered."""
    by: str | None = None
    """What the one who answered is, where that is known."""
    why: str = NO_PROBE
    """Why it was not checked."""
    conflict: str = ""
    """What is wrong about who answers, as a sentence; empty = nothing, or nobody asked."""


def planned_addresses(spec: ClusterSpec, machines: tuple[MachineSpec, ...]) -> tuple[PlannedAddress, ...]:
    """Every address the cluster uses: gateway, hosts, machines, the API address, the load balancer's range.

    Args:
        spec: what is wanted.
        machines: the spec's, or the proposal's.
    """
    hosts = [PlannedAddress(host.address, host.name) for host in spec.hosts]
    guests = [PlannedAddress(machine.address, machine.name) for machine in machines]
    vip = PlannedAddress(spec.network.api_vip, "api_vip")
    gateway = PlannedAddress(spec.network.gateway, "gateway")
    return (gateway, *hosts, *guests, vip, *_load_balancer(spec))


def _load_balancer(spec: ClusterSpec) -> Iterator[PlannedAddress]:
    first = int(IPv4Address(spec.network.load_balancer.first))
    last = int(IPv4Address(spec.network.load_balancer.last))
    rest = first + LISTED
    for number in range(first, min(last + 1, rest)):
        yield PlannedAddress(str(IPv4Address(number)), "load_balancer")
    if last >= rest:
        yield PlannedAddress(f"{IPv4Address(rest)}-{IPv4Address(last)}", "load_balancer")


def free_addresses(spec: ClusterSpec, count: int) -> list[str]:
    """Addresses nobody else has by the spec: those behind the API address first, then from the LAN's beginning.

    The n-th one depends on nothing but the network, the hosts and the records of the spec, so that a machine keeps
    its address when another one is added behind it.

    Args:
        spec: what is wanted.
        count: how many at most.
    """
    lan = IPv4Network(spec.network.cidr)
    vip = int(IPv4Address(spec.network.api_vip))
    low, high = int(lan.network_address) + 1, int(lan.broadcast_address)
    order = chain(range(vip + 1, high), range(low, vip))
    taken, spans = _taken(spec), (spec.network.dhcp, spec.network.load_balancer)
    ranges = [(int(IPv4Address(span.first)), int(IPv4Address(span.last))) for span in spans]
    free = (n for n in order if n not in taken and not any(a <= n <= b for a, b in ranges))
    return [str(IPv4Address(number)) for number in islice(free, count)]


def _taken(spec: ClusterSpec) -> set[int]:
    named = [
        spec.network.gateway,
        spec.network.api_vip,
        *spec.network.upstream_dns,
        *spec.dns.records.values(),
        *(host.address for host in spec.hosts),
        *(app.address for app in spec.apps if app.address),
    ]
    return {int(IPv4Address(text)) for text in named}
