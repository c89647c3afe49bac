"""What else is on the LAN of the simulated homelab: the router, and whoever a test or a fault puts there."""

from __future__ import annotations

from dataclasses import field

from wizard.core.dataclass import dataclass

ROUTER_MAC = "74:83:c2:10:00:01"
"""Of the gateway: a maker's, as in life."""


@dataclass(frozen=True, slots=True)
class Leader:
    """A router that leads a VRRP group."""

    group: int
    address: str
    priority: int = 100


@dataclass(slots=True)
class Lan:
    """Devices that are not ours. Each field may be changed while the world runs."""

    strangers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """MACs that answer at an address; two of them are two devices that both have it."""
    offers: list[tuple[str, str]] = field(default_factory=list)
    """(address, server) each DHCP server would give; the first one's answer comes first."""
    leaders: list[Leader] = field(default_factory=list)
    """Routers that speak VRRP."""
