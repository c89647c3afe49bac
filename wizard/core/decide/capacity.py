"""Whether each hypervisor can carry alone what must survive, and whether it is given more than it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from wizard.core.dataclass import dataclass
from wizard.core.decide.layout_data import LayoutData, layout_data
from wizard.core.facts import GIB, HostFacts
from wizard.core.spec.model import AppSpec, ClusterSpec, MachineSpec
from wizard.core.spec.rules.services import NEEDS

CONTROL = ("etcd", "server")
"""Roles that are never given what is not there."""
PAIR = 2
"""Hypervisors of a homelab in which one alone is what remains after one loss."""


@dataclass(frozen=True, slots=True)
class LayoutProblem:
    """Something that does not fit."""

    level: Literal["refused", "warning"]
    host: str
    machine: str
    """Empty = the host as a whole."""
    text: str
    do: str
    """What to shrink, add or write."""


@dataclass(frozen=True, slots=True)
class Alone:
    """A hypervisor left alone with the witness."""

    ok: bool
    wont_start: tuple[str, ...] = ()
    """Apps, and `etcd` or `server` where the hypervisor has none."""
    reasons: tuple[str, ...] = ()
    """Why, and what to shrink or add; a sentence each."""


def host_reserve(facts: HostFacts, data: LayoutData) -> int:
    """Bytes of memory that are left to the host itself.

    Args:
        facts: of a hypervisor.
        data: the figures.
    """
    share = (facts.memory.total or 0) * data.reserve_percent // 100
    least = data.reserve_unraid if facts.platform == "unraid" else data.reserve_least
    return max(share, least)


def host_threads(facts: HostFacts) -> int | None:
    """How many processors guests can be given; None = unknown."""
    return facts.cpu.threads or facts.cpu.cores


def app_order(spec: ClusterSpec) -> list[AppSpec]:
    """The apps of the spec as they start: what others need comes first."""
    known = list(layout_data().requests)
    return sorted(spec.apps, key=lambda app: known.index(app.name) if app.name in known else len(known))


def node_overhead(spec: ClusterSpec, data: LayoutData) -> int:
    """Bytes of a worker's memory that no app gets."""
    longhorn = data.requests["longhorn"].memory if spec.storage.kind == "longhorn" else 0
    return data.requests["node"].memory + longhorn


def worker_demand(spec: ClusterSpec, data: LayoutData) -> int:
    """Bytes of memory with which one worker carries every app of the spec."""
    return node_overhead(spec, data) + sum(data.request(app.name).memory for app in spec.apps)


def not_placed(spec: ClusterSpec, workers: Sequence[int], data: LayoutData) -> list[str]:
    """The apps that find no room, in the order in which apps start.

    Args:
        spec: what is wanted.
        workers: memory of each living worker in bytes.
        data: the figures.
    """
    room = [memory - node_overhead(spec, data) for memory in workers]
    missing: list[str] = []
    for app in app_order(spec):
        wanted = data.request(app.name).memory
        place = next((i for i, free in enumerate(room) if free >= wanted), None)
        if place is None:
            missing.append(app.name)
        else:
            room[place] -= wanted
    return missing


def with_dependants(spec: ClusterSpec, missing: Sequence[str]) -> tuple[str, ...]:
    """The missing apps and those that cannot work without them, in the order in which apps start."""
    gone = set(missing)
    for app in app_order(spec):
        if gone.intersection(NEEDS.get(app.name, ())):
            gone.add(app.name)
    return tuple(app.name for app in app_order(spec) if app.name in gone)


def alone(spec: ClusterSpec, host: str, machines: Sequence[MachineSpec]) -> Alone:
    """What would not start if this hypervisor were the only one left.

    Args:
        spec: what is wanted.
        host: name of the hypervisor.
        machines: all of the cluster.
    """
    data = layout_data()
    here = [machine for machine in machines if machine.host == host]
    control = list(_control_missing(spec, here))
    memory, memory_reasons = _memory_missing(spec, host, here, data)
    volumes, volume_reasons = _volumes_missing(spec, host, here, data)
    apps = with_dependants(spec, [*memory, *volumes])
    reasons = [f"{host} has no machine with the role {role}." for role in control]
    late = [app for app in apps if app not in memory and app not in volumes]
    reasons += [*memory_reasons, *volume_reasons, *(f"{app} needs what does not start." for app in late)]
    return Alone(not control and not apps, (*control, *apps), tuple(reasons))


def _control_missing(spec: ClusterSpec, here: Sequence[MachineSpec]) -> Iterator[str]:
    """With more than two hypervisors one alone has no majority anyway: there only the room for apps is asked for."""
    if len(spec.hypervisors) == PAIR:
        yield from (role for role in CONTROL if not any(machine.role == role for machine in here))


def _memory_missing(
    spec: ClusterSpec, host: str, here: Sequence[MachineSpec], data: LayoutData
) -> tuple[list[str], list[str]]:
    workers = [machine for machine in here if machine.role == "worker"]
    missing = not_placed(spec, [worker.memory for worker in workers], data)
    if not missing:
        return [], []
    if not workers:
        return missing, [f"{host} has no machine with the role worker: apps run on workers."]
    short = sum(data.request(name).memory for name in missing)
    names = " and ".join(worker.name for worker in workers)
    text = f"The apps that do not fit ask for {gib(short)} of memory: give {names} so much more, or leave out an app."
    return missing, [text]


def _volumes_missing(
    spec: ClusterSpec, host: str, here: Sequence[MachineSpec], data: LayoutData
) -> tuple[list[str], list[str]]:
    wanted = [app for app in app_order(spec) if app.size]
    if spec.storage.kind != "longhorn" or not wanted:
        return [], []
    stores = [machine for machine in here if machine.role == "storage"]
    if not stores and len(spec.hypervisors) <= max(spec.storage.replicas, PAIR):
        names = [app.name for app in wanted]
        return names, [f"{host} has no machine with the role storage: it holds no copy of any volume."]
    sizes = [machine.data_disk for machine in stores]
    if not sizes or None in sizes or len(spec.hypervisors) > spec.storage.replicas:
        return [], []
    room = sum(size or 0 for size in sizes) * (100 - data.storage_reserved_percent) // 100
    return _too_large(wanted, room, " and ".join(machine.name for machine in stores))


def _too_large(wanted: Sequence[AppSpec], room: int, stores: str) -> tuple[list[str], list[str]]:
    left, missing = room, []
    for app in wanted:
        if (app.size or 0) <= left:
            left -= app.size or 0
        else:
            missing.append(app.name)
    asked = sum(app.size or 0 for app in wanted)
    text = f"The volumes ask for {gib(asked)} and {stores} can keep {gib(room)}: a larger data disk, or smaller volumes."
    return missing, [text] if missing else []


def overcommitted(
    host: str, machines: Sequence[MachineSpec], facts: HostFacts, data: LayoutData
) -> Iterator[LayoutProblem]:
    """What the machines of a host are given beyond what it has: refused for etcd and servers, shown for the rest.

    Args:
        host: name of the hypervisor.
        machines: of this host.
        facts: of it.
        data: the figures.
    """
    control = [machine for machine in machines if machine.role in CONTROL]
    names = ", ".join(machine.name for machine in control)
    threads, total = host_threads(facts), facts.memory.total
    asked = sum(machine.cpus for machine in control)
    if threads and asked > threads:
        text = f"{names} are given {asked} processors and {host} has {threads}."
        yield LayoutProblem("refused", host, "", text, f"Give them {threads} together, or use a larger host.")
    if total is None:
        return
    room = total - host_reserve(facts, data)
    needs, all_needs = _memory(control, data), _memory(machines, data)
    said = f"{host} has {gib(total)}, of which {gib(total - room)} are its own"
    if needs > room:
        text = f"{names} take {gib(needs)} of memory; {said}."
        yield LayoutProblem(
            "refused", host, "", text, "Shrink them: memory of etcd and servers is never lent."
        )
    elif all_needs > room:
        text = f"The machines take {gib(all_needs)} of memory; {said}."
        do = f"Shrink the worker or the storage machine by {gib(all_needs - room)}."
        yield LayoutProblem("warning", host, "", text, do)


def _memory(machines: Sequence[MachineSpec], data: LayoutData) -> int:
    return sum(machine.memory + data.guest_overhead for machine in machines)


def gib(count: int) -> str:
    """Bytes as GiB with one decimal, whole where it is whole."""
    return f"{count / GIB:.1f}".removesuffix(".0") + " GiB"
