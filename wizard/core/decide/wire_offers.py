"""What DHCP servers offer against what the spec says of them, and which VRRP ids are taken on the LAN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from wizard.core.decide.capacity import LayoutProblem
from wizard.core.decide.vendors import vrrp_group
from wizard.core.decide.wire import DhcpProbe, Offer, Router, Wire
from wizard.core.spec.model import AddressRange, ClusterSpec, MachineSpec

FIRST_GROUP = 51
"""The VRRP id taken where nobody has it: what keepalived's own documentation uses in its examples."""
GROUPS = 255
"""Ids go from 1 to 255 (RFC 9568, section 5.2.3)."""


def offer_problems(
    spec: ClusterSpec, machines: Sequence[MachineSpec], probes: Iterable[DhcpProbe]
) -> Iterator[LayoutProblem]:
    """What is wrong about what was offered.

    Args:
        spec: names the DHCP range, the load balancer's range and every address.
        machines: the spec's, or the proposal's.
        probes: at most one of each hypervisor.
    """
    known = list(probes)
    for probe in known:
        for offer in probe.offers:
            yield from _offer_problem(spec, machines, probe.host, offer)
    yield from _two_servers(known)


def _offer_problem(
    spec: ClusterSpec, machines: Sequence[MachineSpec], host: str, offer: Offer
) -> Iterator[LayoutProblem]:
    """A reservation of the asking host's own address says nothing about the range."""
    net = spec.network
    if offer.address == spec.host(host).address:
        return
    who = f"The DHCP server {offer.server or '(it did not say which)'} offered {host} {offer.address}"
    if offer.address in net.load_balancer:
        text = f"{who}, which is in network.load_balancer ({net.load_balancer})."
        yield LayoutProblem("refused", host, "load_balancer", text, _end_before(spec, net.load_balancer))
    elif taken := _planned(spec, machines).get(offer.address):
        text = f"{who}, which is the address of {taken}."
        do = f"In the DHCP server's settings, give out {net.dhcp} only; or give {taken} another address."
        yield LayoutProblem("refused", host, taken, text, do)
    elif IPv4Address(offer.address) not in IPv4Network(net.cidr):
        text = f"{who}, which is not in {net.cidr}: there is a second network on the same wire."
        do = "Find that DHCP server and switch it off, or write the right network.cidr."
        yield LayoutProblem("warning", host, "", text, do)
    elif offer.address not in net.dhcp:
        text = f"{who}, which is outside of network.dhcp ({net.dhcp})."
        do = "Write the range it really gives out as network.dhcp and run `wizard check`, or change it there."
        yield LayoutProblem("warning", host, "", text, do)


def _end_before(spec: ClusterSpec, pool: AddressRange) -> str:
    """What to change in the router, with its numbers, or else in the spec."""
    return (
        f"In the DHCP server's settings (usually the router's), set the range to {spec.network.dhcp}, as "
        f"the spec says; it must not touch {pool}. Or name addresses it never gives out as "
        "network.load_balancer."
    )


def _two_servers(probes: Sequence[DhcpProbe]) -> Iterator[LayoutProblem]:
    servers = dict.fromkeys(offer.server for probe in probes for offer in probe.offers if offer.server)
    if len(servers) > 1:
        text = f"There are {len(servers)} DHCP servers on the LAN: {', '.join(servers)}."
        do = (
            "If one of them is not meant to be there, switch it off; two that agree on their ranges are fine."
        )
        yield LayoutProblem("warning", "", "", text, do)


def _planned(spec: ClusterSpec, machines: Sequence[MachineSpec]) -> dict[str, str]:
    """The name of whoever has an address for itself."""
    named = {
        spec.network.gateway: "the gateway",
        spec.network.api_vip: "the Kubernetes API (network.api_vip)",
    }
    named |= {host.address: host.name for host in spec.hosts}
    return named | {machine.address: machine.name for machine in machines}


def foreign_routers(wire: Wire, ours: Iterable[str]) -> tuple[Router, ...]:
    """Whoever leads a VRRP group and is not one of our machines, by id.

    Args:
        wire: as heard.
        ours: addresses of our hosts and machines.
    """
    known = set(ours)
    found = {router for probe in wire.vrrp for router in probe.routers if router.source not in known}
    return tuple(sorted(found, key=lambda router: (router.group, router.source)))


def taken_groups(wire: Wire, ours: Iterable[str]) -> frozenset[int]:
    """The VRRP ids somebody else uses: heard, or seen in a virtual MAC that answered.

    Args:
        wire: as heard.
        ours: addresses of our hosts and machines.
    """
    virtual = {vrrp_group(mac) for probe in wire.arp for _, mac in probe.answers}
    spoken = {router.group for router in foreign_routers(wire, ours)}
    return frozenset(spoken | {group for group in virtual if group is not None})


def free_group(taken: Iterable[int]) -> int:
    """The VRRP id for the API address: the usual one, or the next that nobody uses.

    Args:
        taken: ids that are in use.

    Raises:
        ValueError: all 255 are.
    """
    used: set[int] = set(taken)
    for number in range(GROUPS):
        group = (FIRST_GROUP - 1 + number) % GROUPS + 1
        if group not in used:
            return group
    raise ValueError("every VRRP id is in use")


def group_problems(wire: Wire, ours: Iterable[str]) -> Iterator[LayoutProblem]:
    """Groups two routers lead at once: two groups of one id, or one that fell apart.

    Args:
        wire: as heard.
        ours: addresses of our hosts and machines.
    """
    leaders: dict[int, dict[str, None]] = {}
    for router in foreign_routers(wire, ours):
        leaders.setdefault(router.group, {})[router.source] = None
    for group, sources in leaders.items():
        if len(sources) > 1:
            text = f"VRRP id {group} is led by {' and '.join(sources)} at the same time."
            do = (
                f"Give one of the two groups another id (virtual_router_id), or see why the two do not hear "
                f"each other; ours takes {free_group(taken_groups(wire, ours))}."
            )
            yield LayoutProblem("warning", "", "", text, do)
