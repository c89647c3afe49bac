"""The lab's subnet: a private /24 that nothing on this machine uses or routes."""

from __future__ import annotations

import ipaddress
import json
import shutil

from wizard.lab.docker import LabError, docker, names, run

Net = ipaddress.IPv4Network

CANDIDATES = (
    "10.213.77.0/24",
    "10.198.41.0/24",
    "172.29.183.0/24",
    "192.168.237.0/24",
    "10.87.219.0/24",
    "172.23.148.0/24",
)
"""Private (RFC 1918) and away from what routers, VPNs and Docker take by default."""

SHORTEST = 8
"""Prefix length from which a route names a network of somebody's; RFC 1918's widest is 10.0.0.0/8."""


def choose(kept: str, lab: str) -> str:
    """The subnet to use: the one of the last time where it is still free, otherwise the first free candidate.

    Args:
        kept: the one of the last time; empty = none yet.
        lab: id of this lab, whose own network does not count as a collision.

    Raises:
        LabError: every candidate is in use elsewhere.
    """
    taken = used(lab)
    wanted = [kept] if kept else []
    for text in (*wanted, *CANDIDATES):
        if not _clash(text, taken):
            return text
    raise LabError(
        "Every subnet the lab could use is in use on this machine.",
        where="the lab's list of subnets",
        why="; ".join(f"{text} meets {_clash(text, taken)}" for text in CANDIDATES),
        do=(
            "ip -4 route",
            "docker network ls",
            "wizard lab up   (once one of the subnets named above is free)",
        ),
    )


def _clash(text: str, taken: dict[str, Net]) -> str:
    wanted = Net(text)
    return next((where for where, net in taken.items() if net.overlaps(wanted)), "")


def used(lab: str) -> dict[str, Net]:
    """Every network this machine has an address in, routes or keeps in Docker, by where it was seen."""
    found = _docker_networks(lab)
    if shutil.which("ip"):
        found.update(_routes(_own_bridge(lab)))
    return found


def _own_bridge(lab: str) -> str:
    return bridge(lab)


def bridge(lab: str) -> str:
    """Name of the lab's bridge on this machine (at most 15 characters)."""
    return f"wlab{lab}"


def _routes(own: str) -> dict[str, Net]:
    found = {}
    said = run(["ip", "-4", "-json", "route", "show", "table", "all"], timeout=10).out or "[]"
    for route in json.loads(said):
        net = _net(str(route.get("dst", "")))
        if net is not None and route.get("dev") != own:
            found[f"route {net} dev {route.get('dev', '?')}"] = net
    return found


def _net(text: str) -> Net | None:
    """The network of a route; None for a default route (halves of one, as some VPNs lay, included) and other text."""
    try:
        net = Net(text, strict=False)
    except ValueError:
        return None
    return net if net.prefixlen >= SHORTEST else None


def _docker_networks(lab: str) -> dict[str, Net]:
    ours = set(names("network", lab))
    found = {}
    every = docker("network", "ls", "--format", "{{.Name}}").split()
    others = [name for name in every if name not in ours]
    for network in json.loads(docker("network", "inspect", *others)) if others else []:
        for config in (network.get("IPAM") or {}).get("Config") or []:
            net = _net(str(config.get("Subnet", "")))
            if net is not None:
                found[f"docker network {network['Name']}"] = net
    return found


def confirm(subnet: str, lab: str) -> None:
    """Check that the way to the hosts is the lab's own bridge and nothing else.

    Raises:
        LabError: this machine would send packets for the lab elsewhere.
    """
    if not shutil.which("ip"):
        return
    address = str(Net(subnet)[11])
    said = run(["ip", "-4", "-json", "route", "get", address], timeout=10).out
    route = (json.loads(said or "[]") or [{}])[0]
    if route.get("dev") == bridge(lab) and "gateway" not in route:
        return
    raise LabError(
        "The way to the lab's subnet does not lead to the lab.",
        where=subnet,
        why=f"`ip route get {address}` answers dev {route.get('dev', '?')}, expected {bridge(lab)}",
        do=(f"ip route get {address}", "wizard lab down --purge", "wizard lab up"),
    )


def network_name(lab: str) -> str:
    """Name of the lab's Docker network."""
    return f"wlab-{lab}"
