"""What `read/wire` says: who answered, what was offered, who speaks VRRP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from steps.parse.sections import Sections, split_sections
from steps.parse.values import number, pairs
from wizard.core.decide.wire import ArpProbe, DhcpProbe, Offer, Router, VrrpProbe

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")
_GROUPS = 255
_HEARD = re.compile(r"IP6? (\S+) > \S+: (?:VRRPv|CARPv)\S*.*?\b(?:vrid|vhid)[ =]([0-9]{1,3})\b(.*)")

NO_ARP = "none of arping, ping with ip was found there"
NO_DHCP = "none of dhcpcd, nmap (with timeout) was found there"
NO_VRRP = "no tcpdump (with timeout) was found there"


def whole(text: str) -> bool:
    """Whether an answer of the script came to its end.

    Args:
        text: as the script printed it.
    """
    sections = split_sections(text)
    return "wire" in sections and "end" in sections


def has_nic(text: str) -> bool:
    """Whether the interface that was named is there.

    Args:
        text: as the script printed it.
    """
    return "nic=1" in split_sections(text).lines("wire")


def arp_probe(text: str, host: str, at: float, asked: Sequence[str], own: Sequence[str]) -> ArpProbe:
    """Who answered. What no tool can vouch for was not asked.

    Args:
        text: as the script printed it.
        host: that said it.
        at: our clock, seconds since the epoch.
        asked: the addresses it was given.
        own: its own addresses.
    """
    sections = split_sections(text)
    lines = sections.lines("arp")
    tool = pairs(lines).get("tool", "")
    answers = tuple(_answers(lines))
    if not tool:
        return ArpProbe(host, at, own=tuple(own), why=NO_ARP)
    said = pairs(lines).get("said", "")
    if tool.startswith("arping"):
        complete = (number(pairs(lines).get("asked", "")) or 0) >= len(asked)
        sure = tuple(asked) if complete else ()
        why = "" if complete else said or "arping did not say that it asked"
    else:
        silent = [value for key, value in _values(lines) if key == "silent"]
        sure = (*silent, *(address for address, _ in answers))
        why = "the kernel did not ask, or knows an old answer only"
    return ArpProbe(host, at, tool, tuple(own), tuple(sorted(sure)), answers, why)


def _answers(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for key, value in _values(lines):
        address, _, mac = value.partition(" ")
        if key == "answer" and _ADDRESS.fullmatch(address) and _MAC.fullmatch(mac):
            yield address, mac


def _values(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Keys that come more than once."""
    for line in lines:
        key, sign, value = line.partition("=")
        if sign:
            yield key, value


def dhcp_probe(text: str, host: str, at: float) -> DhcpProbe:
    """What was offered.

    Args:
        text: as the script printed it.
        host: that said it.
        at: our clock, seconds since the epoch.
    """
    lines = split_sections(text).lines("dhcp")
    tool = pairs(lines).get("tool", "")
    if not tool:
        return DhcpProbe(host, at, why=NO_DHCP)
    offers, said = tuple(_offers(lines)), pairs(lines).get("said", "")
    # `silent` alone: a program that complains before its time is out (no carrier) has asked nobody.
    if offers or ("silent=1" in lines and not said):
        return DhcpProbe(host, at, tool, offers)
    return DhcpProbe(host, at, tool, why=said or f"{tool} said nothing")


def _offers(lines: Sequence[str]) -> Iterator[Offer]:
    """Of dhcpcd the server comes before or after the address, of nmap after it: one offer is between two addresses."""
    rows = [(key, value) for key, value in _values(lines) if _ADDRESS.fullmatch(value)]
    addresses = [value for key, value in rows if key == "offer"]
    servers = [value for key, value in rows if key == "server"]
    routers = [value for key, value in rows if key == "router"]
    for index, address in enumerate(addresses):
        server = servers[index] if index < len(servers) else ""
        router = routers[index] if index < len(routers) else ""
        yield Offer(address, server, router)


def vrrp_probe(text: str, host: str, at: float) -> VrrpProbe:
    """Who leads a group.

    Args:
        text: as the script printed it.
        host: that said it.
        at: our clock, seconds since the epoch.
    """
    sections: Sections = split_sections(text)
    lines = sections.lines("vrrp")
    tool = pairs(lines).get("tool", "")
    if not tool:
        return VrrpProbe(host, at, why=NO_VRRP)
    if "listened=1" not in lines:
        return VrrpProbe(host, at, tool, why=pairs(lines).get("said", "") or f"{tool} did not listen")
    heard = (_router(value) for key, value in _values(lines) if key == "heard")
    return VrrpProbe(host, at, tool, tuple(dict.fromkeys(one for one in heard if one)))


def _router(line: str) -> Router | None:
    """One line of tcpdump: `IP 10.0.0.2 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 100, ...`."""
    found = _HEARD.match(line)
    group = int(found[2]) if found else 0
    if found is None or not 1 <= group <= _GROUPS:
        return None
    priority = re.search(r"prio ([0-9]{1,3})\b", found[3])
    return Router(group, found[1], int(priority[1]) if priority else None)
