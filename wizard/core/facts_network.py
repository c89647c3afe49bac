"""What is known of a host's network. Part of `wizard.core.facts`."""

from __future__ import annotations

from wizard.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Nic:
    """A network interface."""

    name: str
    kind: str = ""
    """`ethernet`, `wifi`, `bridge`, `bond`, `vlan`, `tap`, `macvtap`, `virtual`, `loopback`."""
    mac: str = ""
    addresses: tuple[str, ...] = ()
    """With prefix length: `10.0.0.5/24`."""
    speed_mbit: int | None = None
    state: str = ""
    """`up`, `down`, `unknown` ..."""
    mtu: int | None = None
    master: str = ""
    """The bridge or bond it is part of."""


@dataclass(frozen=True, slots=True)
class Route:
    """The default route."""

    gateway: str
    nic: str


@dataclass(frozen=True, slots=True)
class Port:
    """Something that listens."""

    protocol: str
    """`tcp` or `udp`."""
    address: str
    """`0.0.0.0`, `::`, `127.0.0.53%lo` ..."""
    port: int
    process: str = ""
