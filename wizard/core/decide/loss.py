"""What can be lost, and what goes down with it: hosts, guests, disks, networks, circuits, an array that is stopped.

Everything that can be up or down is one bit, so that two losses together are one `or`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Literal

from wizard.core.dataclass import dataclass
from wizard.core.decide.layout_disks import HostDisks, host_disks, survives_one
from wizard.core.facts import Disk, HostFacts
from wizard.core.spec.model import ClusterSpec, HostSpec, MachineSpec

Kind = Literal["host", "machine", "disk", "network", "circuit", "array"]
IN_CONTAINER = ("docker", "podman", "lxc", "lxc-libvirt", "systemd-nspawn", "container")
"""What a host inside a container says it runs in."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that can be lost."""

    name: str
    """`tower-a`, `etcd-a`, `sda of tower-a`, `network of tower-a`, `circuit fuse 1`, `array of tower-b`."""
    kind: Kind
    mask: int
    """The bits that go down with it."""


@dataclass(frozen=True, slots=True)
class World:
    """The bits of a cluster and what can be lost of it."""

    members: Mapping[str, int]
    """etcd's voters by name."""
    servers: Mapping[str, int]
    stores: Mapping[str, int]
    """Machines that hold copies of volumes."""
    workers: Mapping[str, int]
    dns: Mapping[str, int]
    """Name servers by the hypervisor they run on."""
    zone: Mapping[str, str]
    """The physical host under each of the above."""
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    """What could not be told."""


def carriers(spec: ClusterSpec, facts: Mapping[str, HostFacts]) -> dict[str, str]:
    """The hosts of the spec that are in truth a guest or container on another host of it, with that host.

    Args:
        spec: what is wanted.
        facts: by host.
    """
    found: dict[str, str] = {}
    for host in spec.hosts:
        inner = facts.get(host.name)
        others = [facts[one.name] for one in spec.hypervisors if one.name != host.name and one.name in facts]
        below = next((outer.host for outer in others if inner and _runs_on(host.name, inner, outer)), None)
        if below and found.get(below) != host.name:
            found[host.name] = below
    return found


def _runs_on(name: str, inner: HostFacts, outer: HostFacts) -> bool:
    if inner.machine_id and (inner.machine_id, inner.boot_id) == (outer.machine_id, outer.boot_id):
        return True
    inside, names = inner.virtualisation.inside, {name, inner.hostname}
    if inside in ("", "none"):
        return False
    if inside in IN_CONTAINER:
        shared = bool(inner.boot_id) and inner.boot_id == outer.boot_id and not outer.virtualisation.container
        return shared or any(one.name in names for one in outer.docker.containers)
    return any(guest.name in names for guest in outer.libvirt.guests)


def physical(host: str, on: Mapping[str, str]) -> str:
    """The host that is really there below a host."""
    seen = {host}
    while (below := on.get(host)) and below not in seen:
        host = below
        seen.add(host)
    return host


def world(spec: ClusterSpec, machines: Sequence[MachineSpec], facts: Mapping[str, HostFacts]) -> World:
    """Everything that is up, and everything that can be lost.

    Args:
        spec: what is wanted.
        machines: the spec's, or the proposal's.
        facts: by host; disks of a host without facts are not known.
    """
    return _Builder(spec, machines, facts).build()


class _Builder:
    """Gives each thing a bit, then gathers what goes down with what."""

    def __init__(
        self, spec: ClusterSpec, machines: Sequence[MachineSpec], facts: Mapping[str, HostFacts]
    ) -> None:
        self.spec, self.machines, self.facts = spec, machines, facts
        self.on = carriers(spec, facts)
        self.bits: dict[str, int] = {}
        for name in (*(m.name for m in machines), *(h.name for h in spec.witnesses)):
            self.bits[name] = 1 << len(self.bits)
        self.dns = {host.name: 1 << (len(self.bits) + i) for i, host in enumerate(spec.hypervisors)}
        self.notes: list[str] = []

    def build(self) -> World:
        witnesses = {host.name: self.bits[host.name] for host in self.spec.witnesses}
        return World(
            members=self._role("etcd") | witnesses,
            servers=self._role("server"),
            stores=self._role("storage"),
            workers=self._role("worker"),
            dns=self.dns,
            zone={one.name: physical(one.host, self.on) for one in self.machines}
            | {host.name: physical(host.name, self.on) for host in self.spec.hosts},
            parts=tuple(self._parts()),
            notes=tuple(self.notes),
        )

    def _role(self, role: str) -> dict[str, int]:
        return {one.name: self.bits[one.name] for one in self.machines if one.role == role}

    def _parts(self) -> Iterator[Part]:
        hosts = self.spec.hosts
        yield from (Part(host.name, "host", self._host(host.name)) for host in hosts)
        yield from (Part(one.name, "machine", self.bits[one.name]) for one in self.machines)
        yield from (part for host in hosts for part in self._disks(host))
        yield from (Part(f"network of {host.name}", "network", self._host(host.name)) for host in hosts)
        circuits = dict.fromkeys(host.circuit for host in hosts if host.circuit)
        for circuit in circuits:
            names = [host.name for host in hosts if host.circuit == circuit]
            yield Part(f"circuit {circuit}", "circuit", _union(map(self._host, names)))
        for host in self.spec.hypervisors:
            found = self.facts.get(host.name)
            if "unraid" in (host.platform, found.platform if found else None):
                yield Part(f"array of {host.name}", "array", self._host(host.name))

    def _host(self, name: str) -> int:
        """Everything on a host, and on the hosts that are guests of it."""
        inside = [host.name for host in self.spec.hosts if _lies_on(host.name, name, self.on)]
        return _union(self._own(one) for one in inside)

    def _own(self, host: str, role: str | None = None) -> int:
        machines = [one for one in self.machines if one.host == host and role in (None, one.role)]
        witness = self.bits.get(host, 0) if role in (None, "etcd") else 0
        return (
            _union(self.bits[one.name] for one in machines) | witness | (0 if role else self.dns.get(host, 0))
        )

    def _disks(self, host: HostSpec) -> Iterator[Part]:
        facts = self.facts.get(host.name)
        if facts is None:
            self.notes.append(f"{host.name} could not be asked: what its disks take down is not known.")
            return
        where = host_disks(host, facts)
        uses = self._uses(host, where)
        for disk in facts.disks:
            mask = _union(mask for disks, mask in uses if disk in disks and not survives_one(disks))
            yield Part(f"{disk.name} of {host.name}", "disk", mask)
        self._note_unknown(host, where)

    def _uses(self, host: HostSpec, where: HostDisks) -> list[tuple[tuple[Disk, ...], int]]:
        """Sets of disks, and what goes down where such a set is broken."""
        machines = self._own(host.name) & ~self.dns.get(host.name, 0) if host.role == "hypervisor" else 0
        return [
            (where.system, self._host(host.name)),
            (where.guests, machines),
            (where.etcd, self._own(host.name, "etcd")),
            (where.storage, self._own(host.name, "storage")),
            (where.containers, self.dns.get(host.name, 0)),
        ]

    def _note_unknown(self, host: HostSpec, where: HostDisks) -> None:
        asked = {
            "etcd's data": (where.etcd, self._own(host.name, "etcd")),
            "the volumes": (where.storage, self._own(host.name, "storage")),
            "docker's data": (where.containers, self.dns.get(host.name, 0)),
        }
        for what, (disks, mask) in asked.items():
            if not disks and mask:
                text = f"Which disk of {host.name} carries {what} is not known: its loss is not counted."
                self.notes.append(text)
        for disks, _ in self._uses(host, where):
            if len(disks) > 1 and not survives_one(disks):
                names = ", ".join(disk.name for disk in disks)
                text = f"{names} of {host.name} work together in a way we cannot see into: each counts as needed."
                if text not in self.notes:
                    self.notes.append(text)


def _lies_on(host: str, outer: str, on: Mapping[str, str]) -> bool:
    seen: set[str] = set()
    while host not in seen:
        if host == outer:
            return True
        seen.add(host)
        host = on.get(host, host)
    return False


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
