"""How large the machines of one hypervisor are made, from its memory, processors and disks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.decide.capacity import LayoutProblem, gib, host_reserve, host_threads, worker_demand
from wizard.core.decide.layout_data import ROLES, LayoutData
from wizard.core.decide.layout_disks import disk_words, host_disks, named_disk, on_array, vm_dir
from wizard.core.facts import GIB, Disk, HostFacts
from wizard.core.spec.model import ClusterSpec, HostSpec, MachineRole

LEAST_THREADS = 2
"""One processor each for etcd and the server: less is lending what they must never lend."""
DISK_SHARE = 50
"""Percent of the guests' file system that their disks may take together: half is left to what else is there."""


@dataclass(frozen=True, slots=True)
class Size:
    """One machine's share; memory and disks in bytes."""

    cpus: int
    memory: int
    disk: int
    data_disk: int | None = None


@dataclass(slots=True)
class Sizing:
    """The machines of one hypervisor and what does not fit."""

    sizes: dict[MachineRole, Size] = field(default_factory=dict)
    problems: list[LayoutProblem] = field(default_factory=list)


def can_carry_etcd(facts: HostFacts | None, data: LayoutData) -> bool:
    """Whether a hypervisor has room for an etcd member at all."""
    if facts is None or facts.memory.total is None:
        return False
    room = facts.memory.total - host_reserve(facts, data) - data.guest_overhead
    return room >= data.roles["etcd"].least_memory


def size_machines(
    spec: ClusterSpec, host: HostSpec, facts: HostFacts | None, roles: Sequence[MachineRole], data: LayoutData
) -> Sizing:
    """Share a hypervisor among its machines; what finds no room is left out and named.

    Only what does not change when the machines are there counts (the memory there is, not what is free), so that
    the same hardware always gives the same machines.

    Args:
        spec: what is wanted.
        host: the hypervisor.
        facts: of it; None = it did not answer.
        roles: the machines it shall carry.
        data: the figures.
    """
    if facts is None or facts.memory.total is None:
        text = f"How much memory {host.name} has is not known, so nothing is proposed for it."
        return Sizing(problems=[LayoutProblem("refused", host.name, "", text, f"wizard facts {host.name}")])
    found = Sizing()
    memory = _memory(host, facts, roles, worker_demand(spec, data), data, found.problems)
    cpus = _cpus(host, facts, list(memory), data, found.problems)
    disks = _disks(host, facts, list(memory), data, found.problems)
    for role in [role for role in memory if role in cpus]:
        extra = data.roles[role].data_disk
        if role == "storage" and (extra := _storage_disk(spec, host, facts, data, found.problems)) is None:
            continue
        found.sizes[role] = Size(cpus[role], memory[role], disks[role], extra)
    return found


def _memory(
    host: HostSpec,
    facts: HostFacts,
    roles: Sequence[MachineRole],
    demand: int,
    data: LayoutData,
    problems: list[LayoutProblem],
) -> dict[MachineRole, int]:
    """Whole GiB for each role: the least of each first, then what the apps need, then more in the order of importance."""
    total, reserve = facts.memory.total or 0, host_reserve(facts, data)
    kept = [role for role in ROLES if role in roles]
    while kept and _least(kept, data) > total - reserve - len(kept) * data.guest_overhead:
        dropped = kept.pop()
        need, has = data.roles[dropped].least_memory, total - reserve
        text = (
            f"There is no room for a {dropped} machine of {gib(need)}: {host.name} has {gib(total)} of memory, "
            f"{gib(has)} beside the reserve for the host."
        )
        problems.append(LayoutProblem("refused", host.name, dropped, text, "Add memory, or a larger host."))
    given = {role: data.roles[role].least_memory for role in kept}
    left = (total - reserve - len(kept) * data.guest_overhead - sum(given.values())) // GIB * GIB
    for role, goal in _goals(kept, demand, data):
        more = min(max(goal - given[role], 0), left)
        given[role] += more
        left -= more
    return given


def _least(roles: Sequence[MachineRole], data: LayoutData) -> int:
    return sum(data.roles[role].least_memory for role in roles)


def _goals(roles: Sequence[MachineRole], demand: int, data: LayoutData) -> Iterator[tuple[MachineRole, int]]:
    enough = -(-demand // GIB) * GIB
    wanted = {role: data.roles[role].wanted_memory for role in roles}
    order: tuple[tuple[MachineRole, int | None], ...] = (
        ("worker", enough),
        ("server", None),
        ("etcd", None),
        ("storage", None),
        ("worker", None),
    )
    for role, goal in order:
        if role in wanted:
            yield role, wanted[role] if goal is None else goal


def _cpus(
    host: HostSpec,
    facts: HostFacts,
    roles: list[MachineRole],
    data: LayoutData,
    problems: list[LayoutProblem],
) -> dict[MachineRole, int]:
    """Processors for each role; etcd and the server together never get more than there are."""
    threads = host_threads(facts)
    wanted = {role: data.roles[role].wanted_cpus for role in roles}
    if threads is None:
        text = f"How many processors {host.name} has is not known: the usual number is proposed."
        problems.append(LayoutProblem("warning", host.name, "", text, f"wizard facts {host.name}"))
        return wanted
    given = {role: min(cpus, threads) for role, cpus in wanted.items()}
    if "etcd" in given and "server" in given and given["etcd"] + given["server"] > threads:
        if threads < LEAST_THREADS:
            del given["server"]
            text = f"{host.name} has one processor: there is none for a server beside etcd."
            problems.append(LayoutProblem("refused", host.name, "server", text, "Use a larger host."))
        else:
            given["etcd"] = max(1, threads - given["server"])
            given["server"] = threads - given["etcd"]
    problems += _too_few(host, threads, given, data)
    return given


def _too_few(
    host: HostSpec, threads: int, given: Mapping[MachineRole, int], data: LayoutData
) -> Iterator[LayoutProblem]:
    for role, cpus in given.items():
        least = data.roles[role].least_cpus
        if cpus < least:
            text = f"The {role} machine gets {cpus} of the {least} processors it should have: {host.name} has {threads}."
            yield LayoutProblem("warning", host.name, role, text, "It will be slow; a larger host is better.")


def _disks(
    host: HostSpec,
    facts: HostFacts,
    roles: list[MachineRole],
    data: LayoutData,
    problems: list[LayoutProblem],
) -> dict[MachineRole, int]:
    """The system disks: the wanted size, or the least one where the file system of the guests is small."""
    folder = vm_dir(host, facts)
    if on_array(folder):
        text = f"The guests of {host.name} would lie in {folder}: slow, and it may be the parity array."
        do = f"Name a folder on an SSD pool: vm_dir: /mnt/POOL/domains (host {host.name})."
        problems.append(LayoutProblem("warning", host.name, "", text, do))
    space = facts.filesystem(folder)
    wanted = {role: data.roles[role].wanted_disk for role in roles}
    if space is None or space.size is None or space.fstype == "rootfs":
        return wanted
    extra = sum(data.roles[role].data_disk or 0 for role in roles)
    least = {role: data.roles[role].least_disk for role in roles}
    given = wanted if sum(wanted.values()) + extra <= space.size * DISK_SHARE // 100 else least
    need, free = sum(given.values()) + extra, space.size if space.free is None else space.free
    if need > free and not facts.libvirt.guests:
        text = f"The disks of the machines take up to {gib(need)}, and {folder} has {gib(free)} free."
        do = f"Free space, or name a larger folder as vm_dir of {host.name}."
        problems.append(LayoutProblem("warning", host.name, "", text, do))
    return given


def _storage_disk(
    spec: ClusterSpec, host: HostSpec, facts: HostFacts, data: LayoutData, problems: list[LayoutProblem]
) -> int | None:
    """Bytes of the storage machine's data disk; None = there is no place for it that is not etcd's."""
    disks = host_disks(host, facts)
    shared = {disk.name for disk in disks.etcd} & {disk.name for disk in disks.storage}
    if host.storage_disk and host.guests != "lxc":
        disk = named_disk(host.storage_disk, facts)
        if problem := _unusable(host, disk, shared, data):
            problems.append(problem)
            return None
        return (disk.size or 0) // GIB * GIB if disk else None
    if shared or not disks.etcd:
        problems.append(_no_device(host, facts, disks.etcd))
        return None
    volumes = sum(app.size or 0 for app in spec.apps) * data.storage_room
    space = facts.filesystem(vm_dir(host, facts))
    most = (space.size or 0) * DISK_SHARE // 100 if space else 0
    size = min(max(volumes * 100 // (100 - data.storage_reserved_percent), data.least_storage_disk), most)
    return size // GIB * GIB or None


def _unusable(host: HostSpec, disk: Disk | None, shared: set[str], data: LayoutData) -> LayoutProblem | None:
    if disk is None:
        text = f"{host.name} shows no disk that is {host.storage_disk}."
        return LayoutProblem("refused", host.name, "storage", text, "ls -l /dev/disk/by-id")
    if disk.name in shared:
        text = f"{disk_words(disk)} is to hold volumes and etcd's data both: a rebuild would stop etcd (k3s#7612)."
        do = f"Give {host.name} an etcd_dir, or a storage_disk, on another device."
        return LayoutProblem("refused", host.name, "storage", text, do)
    if (disk.size or 0) < data.least_storage_disk:
        text = f"{disk_words(disk)} is smaller than {gib(data.least_storage_disk)}."
        return LayoutProblem("refused", host.name, "storage", text, "Name a larger disk as storage_disk.")
    return None


def _no_device(host: HostSpec, facts: HostFacts, etcd: tuple[Disk, ...]) -> LayoutProblem:
    """No storage_disk is named, and the guests' folder is on etcd's device or on one that is not known."""
    names = {disk.name for disk in etcd}
    free = [disk for disk in facts.disks if disk.empty and not disk.is_sd and disk.name not in names]
    best = max(free, key=lambda disk: (disk.rotational is False, disk.size or 0), default=None)
    where = f"etcd's ({disk_words(etcd[0])})" if etcd else "not known"
    text = f"{host.name} names no storage_disk, and the device of its guests' folder is {where}."
    if best is None:
        do = "Add an SSD for volumes and name it as storage_disk, or write storage: {kind: none}."
    else:
        find = f"ls -l /dev/disk/by-id | grep {best.name}$"
        do = f"{disk_words(best)} is empty: name it as storage_disk of {host.name} (there: {find})."
    return LayoutProblem("refused", host.name, "storage", text, do)
