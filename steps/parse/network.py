"""Interfaces, addresses, routes, name servers, listening ports, packet filters."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

from steps.parse.sections import Sections
from steps.parse.services import is_running
from steps.parse.values import number, pairs, positive, truth
from wizard.core.facts import Firewall, Nic, Port, Route

_LOOPBACK = "772"
"""ARPHRD_LOOPBACK of the kernel's if_arp.h."""
_TCP_LISTEN = "0A"
"""TCP_LISTEN of the kernel's tcp_states.h, as /proc/net/tcp prints it."""
_UDP_UNCONNECTED = "07"
_PORTS = 65535
_GATEWAY_FLAG = 0x2
"""RTF_GATEWAY of the kernel's route.h."""


def nics(sections: Sections) -> tuple[Nic, ...]:
    """Every interface, loopback included."""
    addresses = _addresses(sections.lines("addresses"))
    found = []
    for line in sections.lines("nics"):
        name, *cells = line.split(" ")
        keys = pairs(cells)
        found.append(
            Nic(
                name=name,
                kind=_kind(name, keys),
                mac=keys.get("address", ""),
                addresses=tuple(addresses.get(name, ())),
                speed_mbit=positive(keys.get("speed", "")),
                state=keys.get("operstate", ""),
                mtu=positive(keys.get("mtu", "")),
                master=keys.get("master", ""),
            )
        )
    return tuple(found)


def _kind(name: str, keys: dict[str, str]) -> str:
    """What sort of interface it is; the kernel's own word (devtype) counts before the folders in /sys."""
    devtype = keys.get("devtype", "")
    if keys.get("type") == _LOOPBACK:
        return "loopback"
    if devtype == "wlan" or "wireless" in keys or "phy80211" in keys:
        return "wifi"
    if devtype in ("bridge", "bond", "vlan"):
        return devtype
    signs = {"bridge": "bridge", "bonding": "bond", "tun_flags": "tap", "macvtap": "macvtap"}
    found = next((kind for key, kind in signs.items() if key in keys), "")
    if found:
        return found
    # A container's end of a veth pair has no device behind it and is its only wire.
    wired = "device" in keys or re.fullmatch(r"(eth|en|lan)[a-z0-9]*", name)
    return "ethernet" if wired and keys.get("type") == "1" and not devtype else devtype or "virtual"


def _addresses(lines: tuple[str, ...]) -> dict[str, list[str]]:
    """Lines of `ip -o addr show`."""
    found: dict[str, list[str]] = {}
    for line in lines:
        match = re.match(r"[0-9]+: (\S+) +inet6? ([0-9a-fA-F.:]+(?:/[0-9]{1,3})?)", line)
        if match:
            found.setdefault(match[1].partition("@")[0], []).append(match[2])
    return found


def default_route(sections: Sections) -> Route | None:
    """The IPv4 default route with the smallest metric, out of /proc/net/route."""
    found: list[tuple[int, Route]] = []
    for line in sections.file("/proc/net/route"):
        cells = line.split()
        nic, destination, gateway, flags, _, _, metric, mask = (cells + [""] * 8)[:8]
        if destination == mask == "00000000" and re.fullmatch("[0-9A-Fa-f]{8}", gateway):
            via = re.fullmatch("[0-9A-Fa-f]{1,8}", flags) and int(flags, 16) & _GATEWAY_FLAG
            found.append((number(metric) or 0, Route(_little_endian(gateway) if via else "", nic)))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _little_endian(text: str) -> str:
    return str(IPv4Address(bytes.fromhex(text)[::-1]))


def dns(sections: Sections) -> tuple[str, ...]:
    """Name servers of /etc/resolv.conf, in order."""
    rows = [line.split() for line in sections.file("/etc/resolv.conf")]
    return tuple(row[1] for row in rows if row[:1] == ["nameserver"] and len(row) > 1)


def ports(sections: Sections) -> tuple[Port, ...]:
    """Everything that listens, by port; from ss, netstat, or the kernel's own tables."""
    found = [port for line in sections.lines("ports") if (port := _ss(line) or _netstat(line))]
    for protocol in ("tcp", "udp"):
        for table in (protocol, f"{protocol}6"):
            lines = sections.file(f"/proc/net/{table}")
            found += [port for line in lines if (port := _proc(protocol, line))]
    return tuple(sorted(set(found), key=lambda port: (port.port, port.protocol, port.address)))


def _ss(line: str) -> Port | None:
    match = re.match(r"(tcp|udp) +(?:LISTEN|UNCONN) +[0-9]+ +[0-9]+ +(\S+):([0-9]{1,5}) ", line)
    if not match or int(match[3]) > _PORTS:
        return None
    process = re.search(r'users:\(\("([^"]*)"', line)
    return Port(match[1], match[2].strip("[]"), int(match[3]), process[1] if process else "")


def _netstat(line: str) -> Port | None:
    match = re.match(
        r"(tcp|udp)6? +[0-9]+ +[0-9]+ +(\S+):([0-9]{1,5}) +\S+(?: +LISTEN)?(?: +([0-9]+/\S.*))?", line
    )
    if not match or int(match[3]) > _PORTS:
        return None
    process = (match[4] or "").partition("/")[2].split(" ")[0].rstrip(":")
    return Port(match[1], match[2], int(match[3]), process)


def _proc(protocol: str, line: str) -> Port | None:
    match = re.match(r" *[0-9]+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) ", line)
    if not match or match[3] != (_TCP_LISTEN if protocol == "tcp" else _UDP_UNCONNECTED):
        return None
    return Port(protocol, _address(match[1]), int(match[2], 16))


def _address(text: str) -> str:
    """The kernel prints addresses as 32-bit words in the machine's order, little-endian on all we support."""
    words = [bytes.fromhex(text[index : index + 8])[::-1] for index in range(0, len(text), 8)]
    raw = b"".join(words)
    return str(IPv4Address(raw)) if len(words) == 1 else str(IPv6Address(raw))


def firewall(sections: Sections) -> Firewall:
    """Whether ufw or firewalld is on, and whether nft drops what comes in by default."""
    ufw = truth(pairs(sections.file("/etc/ufw/ufw.conf")).get("ENABLED", "no"))
    return Firewall(ufw, is_running(sections, "firewalld"), _drops_input(sections.lines("nft")))


def _drops_input(lines: tuple[str, ...]) -> bool | None:
    """Lines of `nft list chains`; unknown where it said nothing or refused."""
    hooks = [line for line in lines if "hook input" in line]
    if not any(line.startswith("table") for line in lines):
        return None
    return any("policy drop" in line for line in hooks)
