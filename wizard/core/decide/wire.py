"""What the hypervisors heard on the LAN: who answers where, which DHCP servers offer what, who speaks VRRP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from wizard.core.dataclass import dataclass
from wizard.core.facts import HostFacts, Nic
from wizard.core.spec.model import ClusterSpec


@dataclass(frozen=True, slots=True)
class ArpProbe:
    """Whom one hypervisor found when it asked for addresses."""

    host: str
    measured_at: float
    """Our clock, seconds since the epoch."""
    tool: str = ""
    """What asked; empty = nothing did."""
    own: tuple[str, ...] = ()
    """Addresses of the hypervisor itself: it does not hear itself answer."""
    asked: tuple[str, ...] = ()
    """Addresses somebody would have answered for, had anybody had them."""
    answers: tuple[tuple[str, str], ...] = ()
    """(address, MAC in lower case)."""
    why: str = ""
    """Why an address that is not in `asked` was not asked for, as a clause."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a DHCP server would have given."""

    address: str
    server: str = ""
    router: str = ""


@dataclass(frozen=True, slots=True)
class DhcpProbe:
    """What one hypervisor was offered; no lease was taken."""

    host: str
    measured_at: float
    tool: str = ""
    offers: tuple[Offer, ...] = ()
    why: str = ""
    """Why nothing is known, as a clause; empty with no offers = nobody offered anything."""


@dataclass(frozen=True, slots=True)
class Router:
    """One who says that it leads a VRRP (or CARP) group."""

    group: int
    """1 to 255."""
    source: str
    """The address it speaks from."""
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class VrrpProbe:
    """Whom one hypervisor heard within some seconds."""

    host: str
    measured_at: float
    tool: str = ""
    routers: tuple[Router, ...] = ()
    why: str = ""
    """Why nobody listened, as a clause."""


@dataclass(frozen=True, slots=True)
class Wire:
    """What all hypervisors heard; one that was never asked is not in it."""

    arp: tuple[ArpProbe, ...] = ()
    dhcp: tuple[DhcpProbe, ...] = ()
    vrrp: tuple[VrrpProbe, ...] = ()


def lan_nic(spec: ClusterSpec, facts: HostFacts) -> Nic | None:
    """The interface of a host that carries the LAN: it has an address of it. The host's own address goes first.

    Args:
        spec: names the LAN and the host's address.
        facts: of the host.
    """
    lan = IPv4Network(spec.network.cidr)
    wanted = spec.host(facts.host).address
    carriers = [nic for nic in facts.nics if any(one in lan for one in _ipv4(nic))]
    return min(carriers, key=lambda nic: IPv4Address(wanted) not in _ipv4(nic), default=None)


def own_addresses(facts: HostFacts) -> tuple[str, ...]:
    """Every IPv4 address of a host.

    Args:
        facts: of the host.
    """
    return tuple(str(one) for nic in facts.nics for one in _ipv4(nic))


def _ipv4(nic: Nic) -> list[IPv4Address]:
    return [IPv4Address(text.partition("/")[0]) for text in nic.addresses if ":" not in text]


def askable(spec: ClusterSpec, addresses: Iterable[str]) -> Iterator[str]:
    """Single addresses of the LAN, each once: nothing else is ever asked for.

    Args:
        spec: names the LAN.
        addresses: as planned; a range `A-B` stands for more than is asked.
    """
    lan = IPv4Network(spec.network.cidr)
    for text in dict.fromkeys(addresses):
        if "-" not in text and IPv4Address(text) in lan:
            yield text
