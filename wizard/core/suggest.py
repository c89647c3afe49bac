"""Answers that what was seen of the hosts suggests; a person confirms or changes each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network

from wizard.core.draft import Draft
from wizard.core.facts import Disk, HostFacts
from wizard.core.spec.model import ClusterSpec, HostSpec

CHOOSABLE = ("longhorn", "existing", "none")
"""The ways to keep data that a spec may say; the others are judged for comparison."""
SMALLEST = 26
"""Prefix of the smallest LAN we suggest ranges for: 62 addresses hold three of them and some machines."""
DHCP_AT, BALANCER_AT, API_AT = (100, 199), (230, 250), 20
"""Where in 256 addresses the example has DHCP, the load balancer and the API address."""
ROOM = 32 * 10**9
"""Bytes a file system must have to be offered for guests."""
NO_PLACE = ("/boot", "/dev", "/run", "/proc", "/sys", "/etc", "/var/lib/docker", "/usr", "/lib")
"""Mounts of a system that hold nothing of ours."""


def suggest_network(draft: Draft, spec: ClusterSpec, facts: Mapping[str, HostFacts]) -> Draft:
    """The draft with the network's empty answers filled from what the hosts say; given ones are left alone.

    Args:
        draft: the answers.
        spec: what they mean, as far as they do.
        facts: by host.
    """
    lan = _network(draft.get("network.cidr")) or _seen_lan(spec, facts)
    if lan is None or lan.prefixlen > SMALLEST:
        return draft
    for key, value in _values(lan, spec, facts).items():
        if value and not draft.get(f"network.{key}"):
            draft = draft.put(f"network.{key}", value)
    return draft


def _seen_lan(spec: ClusterSpec, facts: Mapping[str, HostFacts]) -> IPv4Network | None:
    """The network of the interface by which we know a host."""
    for host in spec.hosts:
        nics = facts[host.name].nics if host.name in facts else ()
        for text in (text for nic in nics for text in nic.addresses if ":" not in text):
            interface = IPv4Interface(text)
            if str(interface.ip) == host.address and interface.network.prefixlen <= SMALLEST:
                return interface.network
    return None


def _values(lan: IPv4Network, spec: ClusterSpec, facts: Mapping[str, HostFacts]) -> dict[str, str]:
    hosts = {int(address) for host in spec.hosts if (address := _address(host.address))}
    gateway = _gateway(lan, facts)
    taken = hosts | ({int(IPv4Address(gateway))} if gateway else set())
    return {
        "cidr": str(lan),
        "gateway": gateway,
        "dhcp": _span(lan, *DHCP_AT, taken),
        "load_balancer": _span(lan, *BALANCER_AT, taken),
        "api_vip": _first_free(lan, taken),
    }


def _gateway(lan: IPv4Network, facts: Mapping[str, HostFacts]) -> str:
    routes = [one.default_route.gateway for one in facts.values() if one.default_route]
    inside = [gateway for gateway in routes if (found := _address(gateway)) and found in lan]
    return inside[0] if inside else str(lan.network_address + 1)


def _span(lan: IPv4Network, first: int, last: int, taken: Iterable[int]) -> str:
    """A range at the place it has in the example, in a LAN of any size; empty where somebody of ours is in it."""
    begin, end = (int(lan.network_address) + lan.num_addresses * at // 256 for at in (first, last))
    if any(begin <= one <= end for one in taken):
        return ""
    return f"{IPv4Address(begin)}-{IPv4Address(end)}"


def _first_free(lan: IPv4Network, taken: set[int]) -> str:
    begin = int(lan.network_address) + lan.num_addresses * API_AT // 256
    end = int(lan.network_address) + lan.num_addresses * DHCP_AT[0] // 256
    return next((str(IPv4Address(one)) for one in range(begin, end) if one not in taken), "")


def _network(text: str) -> IPv4Network | None:
    try:
        return IPv4Network(text) if text else None
    except ValueError:
        return None


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except AddressValueError:
        return None


def disk_path(disk: Disk) -> str:
    """The name of a disk that stays the same over reboots, as udev makes it from model and serial.

    Args:
        disk: as seen; without model or serial, or on another bus than SATA and NVMe, only its kernel name is known.
    """
    kind = {"sata": "ata", "nvme": "nvme"}.get(disk.transport)
    if kind and disk.model and disk.serial:
        return f"/dev/disk/by-id/{kind}-{disk.model.replace(' ', '_')}_{disk.serial.replace(' ', '_')}"
    return f"/dev/{disk.name}"


def storage_disks(facts: HostFacts) -> list[Disk]:
    """The disks of a host that could be given away: built in, writable, not the system's; empty ones first."""
    fitting = [
        disk
        for disk in facts.disks
        if not (disk.is_sd or disk.removable or disk.read_only or disk.transport == "usb")
        and disk.name != facts.root_device
        and "/" not in disk.all_mounts
    ]
    return sorted(fitting, key=lambda disk: (not disk.empty, bool(disk.rotational), -(disk.size or 0)))


def guest_folders(facts: HostFacts) -> list[str]:
    """Where guests, or etcd's data, could lie: mounted file systems with room, those on SSDs first."""
    found = [one for one in facts.filesystems if _holds_guests(one.mount) and (one.size or 0) >= ROOM]
    rotates = {
        one.mount: any(disk.rotational for disk in facts.disks_under(one.mount)) for one in found if one.disks
    }
    roomy = sorted(found, key=lambda one: (rotates.get(one.mount, True), -(one.free or 0)))
    return [one.mount for one in roomy if one.disks and not one.read_only]


def _holds_guests(mount: str) -> bool:
    return mount != "/" and not any(mount == place or mount.startswith(f"{place}/") for place in NO_PLACE)


def hypervisors_seen(
    spec: ClusterSpec, facts: Mapping[str, HostFacts]
) -> Iterator[tuple[int, HostSpec, HostFacts | None]]:
    """Each hypervisor with its number among the hosts and what is known of it."""
    for index, host in enumerate(spec.hosts):
        if host.role == "hypervisor":
            yield index, host, facts.get(host.name)
