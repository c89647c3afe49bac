"""Rules that more than one candidate is held to: network, kernel, Kubernetes, how its project is doing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from wizard.core.decide.storage_data import Requirement
from wizard.core.decide.storage_hosts import Home, Seen, lan_mbit, names, second_card, unknown
from wizard.core.facts import HostFacts
from wizard.core.spec.model import ClusterSpec, HostSpec
from wizard.core.spec.rules.services import WITH_VOLUMES

_MINOR = re.compile(r"v?1\.(\d+)\.")

IMAGE = "Debian 13's cloud image"
"""What guests are made from (assets/catalog.yaml)."""


def lan_speed(home: Home, need: Requirement) -> Iterator[Seen]:
    """The LAN's speed at each hypervisor; between the least and the advised it is a condition."""
    for host, facts in home.looks():
        yield _speed(host, facts, need) if facts else unknown(host.name)


def _speed(host: HostSpec, facts: HostFacts, need: Requirement) -> Seen:
    mbit = lan_mbit(facts)
    if mbit is None:
        return Seen(None, "the speed of its network card is not known", host.name, "wizard facts")
    told = f"{mbit / 1000:g} Gbit/s"
    do = f"A {need.numbers['advised']:g} Gbit/s card for {host.name}, and a switch to match"
    if mbit >= need.numbers["advised"] * 1000:
        return Seen(True, told, host.name)
    enough = mbit >= need.numbers["least"] * 1000
    return Seen(False, told, host.name, do, "should" if enough else None)


def lan_or_second(home: Home, need: Requirement) -> Iterator[Seen]:
    """A fast card, or a card of its own for the copies."""
    for host, facts in home.looks():
        if facts is None:
            yield unknown(host.name)
            continue
        seen = _speed(host, facts, need)
        other = second_card(facts)
        if seen.met is False and other:
            yield Seen(True, f"{seen.found}, and {other} is free for the copies", host.name)
        elif seen.met is False:
            do = f"A second card or a faster one in {host.name}; until then the copies are held back"
            yield Seen(False, f"{seen.found}, and no second card with a link", host.name, do)
        else:
            yield seen


def guest_kernel(home: Home, _need: Requirement) -> Iterator[Seen]:
    """What the guests' image is known to have; containers have the host's kernel, which was not asked."""
    for host, facts in home.looks():
        if host.guests == "lxc":
            yield Seen(
                None, "its guests are containers: the host's kernel counts, and was not asked", host.name
            )
        elif facts is None:
            yield unknown(host.name)
        elif facts.arch == "x86_64":
            yield Seen(True, f"{IMAGE} has them", host.name)
        else:
            yield Seen(None, f"{IMAGE} was looked at for x86_64 only, this is {facts.arch or '?'}", host.name)


def guest_packages(home: Home, _need: Requirement) -> Iterator[Seen]:
    """A package of the image's distribution; whether it runs is checked in each guest."""
    containers = [host.name for host in home.spec.hypervisors if host.guests == "lxc"]
    if containers:
        yield Seen(None, f"the guests of {names(containers)} are containers: iscsid in them is not known")
    else:
        yield Seen(
            True,
            "Debian 13, which guests are made from, has open-iscsi 2.1.11; each guest is checked once it runs",
        )


def kubernetes(home: Home, need: Requirement) -> Iterator[Seen]:
    """The minor version of the K3s that is asked for; newer than tested is not known."""
    version = home.spec.k3s.version
    found = _MINOR.match(version)
    minor = int(found[1]) if found else 0
    if not found:
        yield Seen(None, f"K3s {version} is not understood", do="Write a version such as v1.36.4+k3s1")
    elif minor < need.numbers["oldest"]:
        yield Seen(False, f"K3s {version} is older", do="Write a newer version under k3s.version")
    elif minor > need.numbers["newest"]:
        yield Seen(None, f"K3s {version} is newer than what it was tested with")
    else:
        yield Seen(True, f"K3s {version}")


def maintained_driver(home: Home, _need: Requirement) -> Iterator[Seen]:
    """What is known of who keeps the Kubernetes driver."""
    health = home.candidate.health
    yield Seen(health.driver, health.told("driver") or "not known")


def maintained_project(home: Home, _need: Requirement) -> Iterator[Seen]:
    """What is known of its releases."""
    health = home.candidate.health
    yield Seen(health.project, health.told("last release") or "not known")


def keepers(spec: ClusterSpec) -> tuple[str, ...]:
    """The apps of the spec that keep data on a volume."""
    return tuple(app.name for app in spec.apps if app.name in WITH_VOLUMES or app.size)


def target_address(spec: ClusterSpec) -> str:
    """The machine volume backups go to, if it is one on the network that is named by the target; else empty."""
    target = urlsplit(spec.storage.backup_target or "")
    return target.hostname or "" if target.scheme in ("nfs", "cifs") else ""


def host_at(spec: ClusterSpec, address: str) -> HostSpec | None:
    """The host of the spec with this address."""
    return next((host for host in spec.hosts if address and host.address == address), None)
