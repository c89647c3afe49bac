"""Specs and facts for the decisions' tests: the healthy homelab, to be changed in the one place a test is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.facts.build import facts, pi_facts, spec, unraid_facts
from wizard.core.facts import GIB, Cpu, Filesystem, HostFacts, Memory
from wizard.core.spec.model import AppSpec, ClusterSpec, HostSpec, MachineRole, MachineSpec

APPS = (
    AppSpec("metallb"),
    AppSpec("traefik"),
    AppSpec("mariadb", size=10 * GIB),
    AppSpec("redis"),
    AppSpec("nextcloud", size=200 * GIB),
)


def home(**changes: Any) -> ClusterSpec:  # noqa: ANN401 - fields of many types
    """Two hypervisors with a disk for volumes each, a Pi, Nextcloud and what it needs; no machines."""
    plain = spec()
    hosts = tuple(
        replace(host, storage_disk="/dev/nvme0n1", vm_dir="/var/lib/libvirt/images")
        if host.role == "hypervisor"
        else host
        for host in plain.hosts
    )
    return replace(plain, **{"hosts": hosts, "apps": APPS, "propose": "machines" not in changes, **changes})


def known(**changes: HostFacts) -> dict[str, HostFacts]:
    """Facts of the three hosts, both hypervisors with a system disk and a free NVMe; by name with `_` for `-`."""
    space = Filesystem("/var", "/dev/sda2", "ext4", size=490 * 10**9, free=400 * 10**9, disks=("sda",))
    found = {
        "tower-a": facts(),
        "tower-b": unraid_facts(filesystems=(*unraid_facts().filesystems, space)),
        "pi": pi_facts(),
    }
    return found | {name.replace("_", "-"): one for name, one in changes.items()}


def sized(found: HostFacts, gib: int, threads: int = 12) -> HostFacts:
    """The host with this much memory and so many processors."""
    cpu = Cpu(found.cpu.model, max(threads // 2, 1), threads, found.cpu.extension)
    return replace(found, memory=Memory(gib * GIB, gib * GIB, 0, 0), cpu=cpu)


def machine(name: str, host: str, role: MachineRole, last: int, **changes: Any) -> MachineSpec:  # noqa: ANN401
    """A small machine with the address 10.0.0.LAST."""
    plain = MachineSpec(name, host, role, f"10.0.0.{last}", 2, 2 * GIB, 20 * GIB)
    return replace(plain, **changes)


def hypervisors(count: int) -> tuple[HostSpec, ...]:
    """So many hypervisors, tower-a to tower-l, and the Pi."""
    names = "abcdefghijkl"[:count]
    return (
        *(HostSpec(f"tower-{x}", "hypervisor", f"10.0.0.{30 + i}") for i, x in enumerate(names)),
        HostSpec("pi", "witness", "10.0.0.13"),
    )
