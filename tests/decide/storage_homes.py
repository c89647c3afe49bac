"""Homelabs for the storage verdicts: one in which all is as it should be, to be changed in the place a case is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.facts.build import facts, pi_facts, spec
from wizard.core.decide.storage import Reason, StorageDecision, decide_storage
from wizard.core.decide.storage_data import StorageData
from wizard.core.facts import GIB, Disk, Filesystem, HostFacts, Memory, Nic, Route, Volume
from wizard.core.spec.model import AppSpec, ClusterSpec, HostSpec, StorageSpec

TB = 10**12


def system_disk(**changes: Any) -> Disk:  # noqa: ANN401 - fields of many types
    """The SSD the host runs from, and etcd's guest lies on."""
    root = Volume("nvme0n1p2", "part", 499 * 10**9, "ext4", mounts=("/",))
    made = Disk("nvme0n1", "Samsung SSD 980", "S649NX0", TB // 2, False, "nvme", volumes=(root,))
    return replace(made, **changes)


def data_disk(host: str, **changes: Any) -> Disk:  # noqa: ANN401
    """An empty SSD."""
    return replace(Disk("sda", "CT1000MX500SSD1", f"{host.upper()}-0001", TB, False, "sata"), **changes)


def network(mbit: int | None = 10_000, *more: Nic) -> tuple[Nic, ...]:
    """A bridge over one card."""
    bridge = Nic("br0", "bridge", addresses=("10.0.0.11/24",), speed_mbit=10_000, state="up")
    return (bridge, Nic("eno1", "ethernet", speed_mbit=mbit, state="up", master="br0"), *more)


def tower(name: str, **changes: Any) -> HostFacts:  # noqa: ANN401
    """A hypervisor with a second, empty SSD, 64 GiB and 10 GbE."""
    slash = Filesystem("/", "/dev/nvme0n1p2", "ext4", size=490 * 10**9, free=400 * 10**9, disks=("nvme0n1",))
    made = facts(
        host=name,
        hostname=name,
        memory=Memory(64 * GIB, 48 * GIB, 0, 0),
        disks=(system_disk(), data_disk(name)),
        root_device="nvme0n1",
        filesystems=(slash,),
        nics=network(),
        default_route=Route("10.0.0.1", "br0"),
    )
    return replace(made, **changes)


def pi(**changes: Any) -> HostFacts:  # noqa: ANN401
    """The witness, with room on its USB SSD."""
    usb = Filesystem("/mnt/usb", "/dev/sda1", "ext4", size=TB, free=TB // 2, disks=("sda",))
    return replace(pi_facts(filesystems=(usb,)), **changes)


@dataclass(frozen=True, slots=True)
class Site:
    """What is wanted and what is known."""

    spec: ClusterSpec
    facts: Mapping[str, HostFacts]

    def decided(self, data: StorageData | None = None) -> StorageDecision:
        return decide_storage(self.spec, self.facts, data)

    def told(self, requirement: str, data: StorageData | None = None) -> list[Reason]:
        """The reasons of one requirement."""
        kinds = self.decided(data).verdicts
        return [one for verdict in kinds for one in verdict.reasons if one.id == requirement]

    def met(self, requirement: str, data: StorageData | None = None) -> bool | None:
        """Whether it is met by all; False before unknown before True."""
        all_of_them = [one.met for one in self.told(requirement, data)]
        assert all_of_them, f"nothing was said about {requirement}"
        return False if False in all_of_them else None if None in all_of_them else True

    def with_facts(self, host: str, **changes: Any) -> Site:  # noqa: ANN401
        return Site(self.spec, {**self.facts, host: replace(self.facts[host], **changes)})

    def without(self, *hosts: str) -> Site:
        """These hosts could not be asked."""
        return Site(self.spec, {name: one for name, one in self.facts.items() if name not in hosts})

    def with_spec(self, **changes: Any) -> Site:  # noqa: ANN401
        return Site(replace(self.spec, **changes), self.facts)

    def with_storage(self, **changes: Any) -> Site:  # noqa: ANN401
        return self.with_spec(storage=replace(self.spec.storage, **changes))

    def with_host(self, name: str, **changes: Any) -> Site:  # noqa: ANN401
        hosts = tuple(replace(one, **changes) if one.name == name else one for one in self.spec.hosts)
        return self.with_spec(hosts=hosts)


def site(count: int = 2) -> Site:
    """So many hypervisors and a Pi, with nothing left to wish for."""
    towers = [f"tower-{letter}" for letter in "abcdefghijklmnop"[:count]]
    hosts = tuple(
        HostSpec(name, "hypervisor", f"10.0.0.{11 + index}", storage_disk=by_id(name))
        for index, name in enumerate(towers)
    )
    wanted = replace(
        spec((*hosts, HostSpec("pi", "witness", "10.0.0.99"))),
        storage=StorageSpec(backup_target="nfs://10.0.0.5/backups"),
        apps=(
            AppSpec("mariadb", size=10 * GIB),
            AppSpec("nextcloud", size=200 * GIB, host="cloud.home.arpa"),
            AppSpec("redis"),
        ),
    )
    return Site(wanted, {**{name: tower(name) for name in towers}, "pi": pi()})


def by_id(host: str) -> str:
    """The name udev gives the empty SSD of a hypervisor."""
    return f"/dev/disk/by-id/ata-CT1000MX500SSD1_{host.upper()}-0001"
