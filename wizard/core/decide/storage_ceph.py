"""Rules for CephFS with Rook: three storage hosts with raw devices, memory for each daemon, monitors that can vote."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.core.decide.storage_data import Requirement
from wizard.core.decide.storage_hosts import (
    GB,
    Home,
    Seen,
    content_text,
    disk_text,
    gib_text,
    names,
    raw_disks,
    unknown,
    usable,
)
from wizard.core.facts import GIB, HostFacts


def raw_device(home: Home, need: Requirement) -> Iterator[Seen]:
    """The raw device of each hypervisor; a witness runs no pods and so no storage."""
    least = need.numbers["gigabytes"] * GB
    for host, facts in home.looks():
        yield _raw(host.name, facts, least) if facts else unknown(host.name)


def _raw(host: str, facts: HostFacts, least: float) -> Seen:
    raw = raw_disks(facts, least)
    if raw is None:
        return Seen(None, "there is no lsblk on it, so it is not known whether a disk is empty", host)
    if raw:
        return Seen(True, disk_text(raw[0]), host)
    taken = [f"{disk.name} has {content_text(disk)}" for disk in facts.disks if usable(disk, least)]
    return Seen(False, f"none: {names(taken, 'no disk is large enough')}", host, f"One more SSD for {host}")


def raw_hosts(home: Home, need: Requirement) -> Iterator[Seen]:
    """How many hypervisors have one; those that could not be asked might."""
    looked = {seen.host: seen.met for seen in raw_device(home, need)}
    sure = sum(met is True for met in looked.values())
    perhaps = sum(met is None for met in looked.values())
    wanted = need.numbers["hosts"]
    met = True if sure >= wanted else None if sure + perhaps >= wanted else False
    more = f", {perhaps} not known" if perhaps else ""
    found = f"{sure} of {len(looked)} hypervisors{more} ({names(list(looked))})"
    short = max(0, int(wanted) - len(looked))
    do = f"{short} more hypervisor{'s' if short > 1 else ''} with a raw SSD" if short else "A raw SSD in each"
    yield Seen(met, found, do="" if met else do)


def raw_flash(home: Home, need: Requirement) -> Iterator[Seen]:
    """The raw devices are SSDs; a host without one has no row here."""
    for host, facts in home.looks():
        if facts is None:
            yield unknown(host.name)
            continue
        raw = raw_disks(facts, need.numbers["gigabytes"] * GB)
        if raw:
            yield _flash(host.name, raw[0].rotational, raw[0].name)


def _flash(host: str, rotational: bool | None, name: str) -> Seen:
    if rotational is None:
        return Seen(None, f"whether {name} rotates is not known", host)
    return Seen(not rotational, f"{name} {'rotates' if rotational else 'is an SSD'}", host)


def ceph_memory(home: Home, need: Requirement) -> Iterator[Seen]:
    """What one host with an OSD, a monitor, a manager and an MDS takes, against what is available there."""
    for host, facts in home.looks():
        if facts is None:
            yield unknown(host.name)
            continue
        available = facts.memory.available
        if available is None:
            yield Seen(None, "how much memory is available is not known", host.name)
            continue
        met = available >= need.numbers["advised"] * GIB
        enough = available >= need.numbers["least"] * GIB
        do = "" if met else f"More memory for {host.name}, or fewer guests on it"
        yield Seen(met, f"{gib_text(available)} available", host.name, do, "should" if enough else None)


def monitors(home: Home, need: Requirement) -> Iterator[Seen]:
    """Hosts that can run a monitor pod: an odd number of them, so that one may stop."""
    able = [host.name for host in home.spec.hypervisors]
    usable_count = len(able) if len(able) % 2 else len(able) - 1
    aside = [host.name for host in home.spec.witnesses]
    met = usable_count >= need.numbers["monitors"]
    more = f"; {names(aside)} only votes for etcd and runs no pods" if aside and not met else ""
    yield Seen(
        met, f"{len(able)} hosts for them ({names(able)}){more}", do="" if met else "A third hypervisor"
    )


def stretch_monitors(home: Home, need: Requirement) -> Iterator[Seen]:
    """Only told where there are too few hosts for the plain way."""
    hosts = home.spec.hosts
    if len(home.spec.hypervisors) < need.numbers["hosts"]:
        told = names([host.name for host in hosts])
        yield Seen(len(hosts) >= need.numbers["monitors"], f"{len(hosts)} hosts in all ({told})")


def stretch_copies(home: Home, need: Requirement) -> Iterator[Seen]:
    """Only told where there are too few hosts for the plain way: one host on each side then."""
    count = len(home.spec.hypervisors)
    if count < need.numbers["hosts"]:
        yield Seen(
            count >= need.numbers["copies"], f"{count} storage hosts in all, so 1 copy a site at the most"
        )
