"""Devices on the lab's network that are no host of it: one with an address of ours, a DHCP server, two VRRP routers."""

from __future__ import annotations

from ipaddress import IPv4Address

from wizard.core.errors import UsageError
from wizard.core.resources import asset_text
from wizard.lab import containers, images, network
from wizard.lab.docker import LABEL, docker, try_docker
from wizard.lab.hosts import LabHost
from wizard.lab.store import Store

ADDRESS, DHCP, VRRP = "stranger", "dhcp", "vrrp"
"""What the containers' names end with."""

DHCP_LAST, VRRP_LAST = 251, 252
"""Last numbers of the addresses of the DHCP server and of the first router; no host, guest or range has them."""

API, POOL, GROUP = "api_vip", "load_balancer", "51"
"""What is meant where no value is given: as the lab's spec has it."""

GROUPS = 255
"""VRRP ids go from 1 to 255."""

_MAC = "b8:27:eb:00:00:%02x"
"""A Raspberry Pi's; the last byte is that of the address."""

_DNSMASQ = (
    "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=eth0", "--no-ping",
    "--leasefile-ro", "--dhcp-authoritative", "--user=root", "--log-facility=-",
)  # fmt: skip

_TWO_ROUTERS = """
ip address add "$2/24" dev eth0
python3 -c "$4" "$1" "$3" 100 &
exec python3 -c "$4" "$2" "$3" 100
"""


def _name(store: Store, host: LabHost, what: str) -> str:
    return f"{containers.container(store, host.name)}-{what}"


def _begin(store: Store, host: LabHost, what: str, address: IPv4Address, *command: str) -> None:
    """A container on the lab's own bridge, beside the hosts; nothing of it is reached from elsewhere."""
    try_docker("rm", "-f", _name(store, host, what))
    docker(
        "run", "-d", "--name", _name(store, host, what), "--label", f"{LABEL}={store.id}",
        "--network", network.network_name(store.id), "--ip", str(address),
        "--mac-address", _MAC % (int(address) & 0xFF), "--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW",
        images.tag("hypervisor"), *command,
    )  # fmt: skip


def take_address(store: Store, host: LabHost, value: str) -> None:
    """Somebody has an address of the lab's network; the API address unless told otherwise.

    Raises:
        UsageError: the value is no address of that network.
    """
    address = network.Net(store.subnet)[20] if value == API else _address(store, value)
    _begin(store, host, ADDRESS, address, "sleep", "infinity")


def leave_address(store: Store, host: LabHost, _value: str) -> None:
    """It is free again."""
    try_docker("rm", "-f", _name(store, host, ADDRESS))


def serve_dhcp(store: Store, host: LabHost, value: str) -> None:
    """A DHCP server gives out a range `A-B`; the load balancer's unless told otherwise.

    Raises:
        UsageError: the value is no range of that network.
    """
    net = network.Net(store.subnet)
    first, _, last = (f"{net[200]}-{net[219]}" if value == POOL else value).partition("-")
    span = f"--dhcp-range={_address(store, first)},{_address(store, last)},2m"
    _begin(store, host, DHCP, net[DHCP_LAST], *_DNSMASQ, span)


def stop_dhcp(store: Store, host: LabHost, _value: str) -> None:
    """Nobody offers anything any more."""
    try_docker("rm", "-f", _name(store, host, DHCP))


def lead_twice(store: Store, host: LabHost, value: str) -> None:
    """Two routers say at the same time that they lead a VRRP group.

    Raises:
        UsageError: the value is no id.
    """
    if not (value.isdecimal() and 1 <= int(value) <= GROUPS):
        raise _wrong(value, "a VRRP id, 1 to 255")
    net = network.Net(store.subnet)
    words = (str(net[VRRP_LAST]), str(net[VRRP_LAST + 1]), value, asset_text("lab/fault/vrrp.py"))
    _begin(store, host, VRRP, net[VRRP_LAST], "sh", "-c", _TWO_ROUTERS, "sh", *words)


def stop_leading(store: Store, host: LabHost, _value: str) -> None:
    """Nobody speaks VRRP any more."""
    try_docker("rm", "-f", _name(store, host, VRRP))


def drop(store: Store, host: LabHost) -> None:
    """Every stranger that was put beside a host."""
    for what in (ADDRESS, DHCP, VRRP):
        try_docker("rm", "-f", _name(store, host, what))


def _address(store: Store, text: str) -> IPv4Address:
    net = network.Net(store.subnet)
    try:
        found = IPv4Address(text.strip())
    except ValueError:
        raise _wrong(text, f"addresses of {net}") from None
    if found not in net:
        raise _wrong(text, f"addresses of {net}")
    return found


def _wrong(value: str, meaning: str) -> UsageError:
    return UsageError(
        f"--value {value!r} does not fit this fault.",
        where="--value",
        why=f"it takes {meaning}",
        do="wizard lab fault list",
    )
