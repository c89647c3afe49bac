"""What read/wire says on a simulated host: who of the world answers, which DHCP servers offer what, who speaks VRRP."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard.core.host import Args
from wizard.practice.answer import Answer
from wizard.practice.definition import read_definition
from wizard.practice.facts import seen
from wizard.practice.k3s_process import settle_k3s
from wizard.practice.machine import Machine, write_sections

UNTOLD = ("dhcpcd", "tcpdump")
"""Tools the facts do not tell of: hypervisors have them, but Unraid has no tcpdump."""


def wire(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """Each part that is wanted, by the tool that is found."""
    sections = seen(machine)
    if not any(line.startswith(f"{args['nic']} ") for line in sections.get("nics", ())):
        return Answer(write_sections({"wire": ("nic=0",), "end": ()}))
    parts = {"arp": _arp, "dhcp": _dhcp, "vrrp": _vrrp}
    found = {name: tuple(parts[name](machine, args)) for name in args["parts"].split()}
    return Answer(write_sections({"wire": ("nic=1",), **found, "end": ()}))


def _has(machine: Machine, tool: str) -> bool:
    if tool in machine.lacks or (tool == "tcpdump" and machine.unraid):
        return False
    return tool in UNTOLD or tool in seen(machine).get("tools", ())


def _arp(machine: Machine, args: Args) -> Iterator[str]:
    wanted = args["addresses"].split()
    if machine.world is not None:
        settle_k3s(machine.world)
    answers = [f"answer={address} {mac}" for address in wanted for mac in _macs(machine, address)]
    if _has(machine, "arping"):
        yield "tool=arping (iputils)"
        yield from answers
        yield f"asked={len(wanted)}"
    elif _has(machine, "ping") and _has(machine, "ip"):
        yield "tool=ping, ip neigh"
        # The kernel keeps one answer of an address, the last one.
        yield from {line.split()[0]: line for line in answers}.values()
        yield from (f"silent={address}" for address in wanted if _asks(machine, address))
    else:
        yield "tool="


def _asks(machine: Machine, address: str) -> bool:
    """Nobody answers, and the address is not the host's own: for that the kernel does not ask."""
    return not list(_macs(machine, address)) and address not in own_addresses(machine)


def _macs(machine: Machine, address: str) -> Iterator[str]:
    world = machine.world
    if world is None:
        return
    owners = dict.fromkeys(one.name for one in (world.at(address), *world.holders(address)) if one)
    for other in (world.machines[name] for name in owners):
        if other is not machine:
            yield mac_of(other, other.address)
    yield from world.lan.strangers.get(address, ())


def own_addresses(machine: Machine) -> dict[str, str]:
    """The interface by each IPv4 address of a host.

    Args:
        machine: a host.
    """
    rows = (re.match(r"[0-9]+: (\S+) +inet ([0-9.]+)", line) for line in seen(machine).get("addresses", ()))
    return {row[2]: row[1] for row in rows if row}


def mac_of(machine: Machine, address: str) -> str:
    """The MAC a host or guest answers with.

    Args:
        machine: that has the address.
        address: of it.
    """
    carrier = machine.world.machines.get(machine.carrier) if machine.world else None
    if carrier is not None:
        return read_definition(carrier.domains[machine.name].xml).mac
    nic = own_addresses(machine).get(address, "")
    line = next((row for row in machine.sections.get("nics", ()) if row.startswith(f"{nic} ")), "")
    found = re.search(r"address=(\S+)", line)
    return found[1] if found else "02:00:00:00:00:00"


def _dhcp(machine: Machine, _args: Args) -> Iterator[str]:
    if not _has(machine, "dhcpcd"):
        yield "tool="
        return
    yield "tool=dhcpcd"
    offers = machine.world.lan.offers if machine.world else []
    if not offers:
        yield "silent=1"
    for address, server in offers[:1]:
        yield from (f"server={server}", f"offer={address}", f"router={server}")


def _vrrp(machine: Machine, _args: Args) -> Iterator[str]:
    if not _has(machine, "tcpdump"):
        yield "tool="
        return
    yield "tool=tcpdump"
    yield "listened=1"
    for one in machine.world.lan.leaders if machine.world else []:
        yield (
            f"heard=IP {one.address} > 224.0.0.18: VRRPv2, Advertisement, vrid {one.group}, "
            f"prio {one.priority}, authtype none, intvl 1s, length 20"
        )
