"""Addresses against the LAN, its router's DHCP and the load balancer's range (faults.md 27 and 30)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from wizard.core.dataclass import dataclass
from wizard.core.spec.model import AddressRange, ClusterSpec, Problem
from wizard.core.spec.rules.networks import network


@dataclass(frozen=True, slots=True)
class Place:
    """An address of ours and where in the spec it stands."""

    path: str
    what: str
    address: IPv4Address


@dataclass(frozen=True, slots=True)
class Span:
    """A range of the spec, as addresses."""

    path: str
    what: str
    first: IPv4Address
    last: IPv4Address

    def holds(self, address: IPv4Address) -> bool:
        """Whether the address lies in it."""
        return self.first <= address <= self.last


def address_rules(spec: ClusterSpec) -> Iterator[Problem]:
    """Every address lies in the LAN, is free to be given, and nobody else gives it away."""
    lan, spans, places = network(spec.network.cidr), _spans(spec), list(_places(spec))
    if lan is not None:
        for place in places:
            yield from _in_lan(place, lan)
        for span in spans:
            yield from _span_in_lan(span, lan)
    for span in spans:
        yield from _inside(span, places)
    yield from _spans_apart(spans)
    yield from _traefik(spec, spans)
    yield from _dns_loop(spec)


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None


def _places(spec: ClusterSpec) -> Iterator[Place]:
    named = [
        ("network.gateway", "The gateway", spec.network.gateway),
        ("network.api_vip", "The API address", spec.network.api_vip),
        *((f"hosts[{i}].address", f"Host {h.name}", h.address) for i, h in enumerate(spec.hosts)),
        *((f"machines[{i}].address", f"Machine {m.name}", m.address) for i, m in enumerate(spec.machines)),
    ]
    for path, what, text in named:
        if (address := _address(text)) is not None:
            yield Place(path, what, address)


def _spans(spec: ClusterSpec) -> list[Span]:
    named = [("network.dhcp", "DHCP range", spec.network.dhcp)]
    named.append(("network.load_balancer", "load balancer's range", spec.network.load_balancer))
    return [span for path, what, wanted in named if (span := _span(path, what, wanted))]


def _span(path: str, what: str, wanted: AddressRange) -> Span | None:
    first, last = _address(wanted.first), _address(wanted.last)
    return Span(path, what, first, last) if first and last and first <= last else None


def _in_lan(place: Place, lan: IPv4Network) -> Iterator[Problem]:
    hosts = f"Take one from {lan.network_address + 1} to {lan.broadcast_address - 1}."
    said = f"{place.what} has {place.address}"
    if place.address not in lan:
        yield Problem(place.path, f"{said}, which is not in the LAN {lan}.", hosts)
    elif place.address == lan.network_address:
        yield Problem(place.path, f"{said}: that is the LAN's own address, not a machine's.", hosts)
    elif place.address == lan.broadcast_address:
        yield Problem(place.path, f"{said}: that is the LAN's broadcast address.", hosts)


def _span_in_lan(span: Span, lan: IPv4Network) -> Iterator[Problem]:
    outside = [end for end in (span.first, span.last) if end not in lan]
    edges = [end for end in (lan.network_address, lan.broadcast_address) if span.holds(end)]
    hint = f"Stay between {lan.network_address + 1} and {lan.broadcast_address - 1}."
    if outside:
        yield Problem(span.path, f"The {span.what} leaves the LAN {lan} with {outside[0]}.", hint)
    elif edges:
        text = f"The {span.what} contains {edges[0]}, which is the LAN's network or broadcast address."
        yield Problem(span.path, text, hint)


def _inside(span: Span, places: list[Place]) -> Iterator[Problem]:
    for place in places:
        if not span.holds(place.address):
            continue
        text = f"{place.what} has {place.address}, which lies in the {span.what} {span.first}-{span.last}."
        giver = "the router may give it to a phone" if span.path == "network.dhcp" else "a service may get it"
        if place.path == "network.gateway":
            yield Problem(span.path, text, "Shorten the range so that the gateway is outside.")
        else:
            yield Problem(place.path, f"{text[:-1]}: {giver}.", "Take another address, or shorten the range.")


def _spans_apart(spans: list[Span]) -> Iterator[Problem]:
    if len(spans) == 1 or not spans:
        return
    dhcp, pool = spans
    first, last = max(dhcp.first, pool.first), min(dhcp.last, pool.last)
    if first <= last:
        text = (
            f"The {pool.what} and the {dhcp.what} share {first}-{last}: the router may give these to a phone."
        )
        yield Problem(
            pool.path, text, "Shorten DHCP at the router and here, or move the load balancer's range."
        )


def _traefik(spec: ClusterSpec, spans: list[Span]) -> Iterator[Problem]:
    app = spec.app("traefik")
    address = _address(app.address or "") if app else None
    pool = next((span for span in spans if span.path == "network.load_balancer"), None)
    if address and pool and not pool.holds(address):
        text = f"{address} is not in the {pool.what} {pool.first}-{pool.last}: MetalLB cannot give it."
        yield Problem("apps.traefik.address", text, "Take one out of that range, or leave the key out.")


def _dns_loop(spec: ClusterSpec) -> Iterator[Problem]:
    ours = {host.address: host.name for host in spec.hypervisors if host.address}
    for index, server in enumerate(spec.network.upstream_dns):
        if server in ours:
            text = f"{server} is {ours[server]}, where our own DNS runs: questions would go round in circles."
            hint = "Name the router, or a public resolver such as 9.9.9.9."
            yield Problem(f"network.upstream_dns[{index}]", text, hint)
