"""Which machines run where: the spec's own, or a proposal made from what the hosts are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from wizard.core.dataclass import dataclass
from wizard.core.decide.addresses import PlannedAddress, free_addresses, planned_addresses
from wizard.core.decide.approved import differences, with_approved
from wizard.core.decide.capacity import (
    Alone,
    LayoutProblem,
    alone,
    host_reserve,
    host_threads,
    overcommitted,
)
from wizard.core.decide.layout_data import ROLES, LayoutData, layout_data
from wizard.core.decide.layout_disks import disk_words, host_disks
from wizard.core.decide.layout_sizes import Sizing, can_carry_etcd, size_machines
from wizard.core.facts import HostFacts
from wizard.core.spec.model import ClusterSpec, HostSpec, MachineRole, MachineSpec
from wizard.core.state import ApprovedLayout

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
MOST_SERVERS = 4
"""Hypervisors that get a Kubernetes server; more of them only add load to etcd."""

Facts = Mapping[str, HostFacts]
"""Facts by the host's name; a host that did not answer is not in it."""


@dataclass(frozen=True, slots=True)
class HostLayout:
    """One hypervisor, what it has and what its machines are given."""

    name: str
    cpus: int | None
    """Processors as guests see them; None = unknown."""
    memory: int | None
    """Bytes; None = unknown."""
    reserved: int | None
    """Bytes left to the host itself."""
    given_cpus: int
    given_memory: int
    """Bytes given to machines, without what QEMU takes beside them."""
    alone: Alone


@dataclass(frozen=True, slots=True)
class Layout:
    """The machines, whether they fit, and every address."""

    proposed: bool
    """Now or in an earlier run; False: the machines are the spec's own."""
    machines: tuple[MachineSpec, ...]
    hosts: tuple[HostLayout, ...]
    addresses: tuple[PlannedAddress, ...]
    problems: tuple[LayoutProblem, ...]
    approved_at: float | None = None
    """When a proposal was agreed on, seconds since the epoch; its machines stay whatever becomes of the facts."""
    differs: tuple[str, ...] = ()
    """What a proposal made today would have otherwise, a sentence each."""

    @property
    def refused(self) -> tuple[LayoutProblem, ...]:
        """What keeps it from being built."""
        return tuple(one for one in self.problems if one.level == "refused")

    @property
    def fits(self) -> bool:
        """Nothing is refused and each hypervisor can carry alone what must survive."""
        return all(host.alone.ok for host in self.hosts) and not self.refused


def effective_machines(spec: ClusterSpec, facts: Facts) -> tuple[MachineSpec, ...]:
    """The machines that are known (the spec's, or those that were approved), else those of the proposal.

    A proposal has no machines for a hypervisor without facts: whoever acts on it asks that all are there first.

    Args:
        spec: what is wanted.
        facts: by host.
    """
    return propose(spec, facts)[0] if spec.propose and not spec.machines else spec.machines


def make_layout(spec: ClusterSpec, facts: Facts, approved: ApprovedLayout | None = None) -> Layout:
    """The machines of the spec or the proposal, judged.

    Args:
        spec: what is wanted.
        facts: by host.
        approved: the machines of the last apply, which stay where the spec names none.
    """
    if spec.propose and approved is not None:
        layout = make_layout(with_approved(spec, approved), facts)
        return replace(layout, approved_at=approved.at, differs=tuple(_differs(spec, facts, approved)))
    if spec.propose and not spec.machines:
        machines, problems = propose(spec, facts)
    else:
        machines, problems = spec.machines, _judge(spec, facts)
    hosts = tuple(_host(spec, host, facts.get(host.name), machines) for host in spec.hypervisors)
    return Layout(spec.propose, machines, hosts, planned_addresses(spec, machines), tuple(problems))


def _differs(spec: ClusterSpec, facts: Facts, approved: ApprovedLayout) -> Iterator[str]:
    if all(host.name in facts for host in spec.hypervisors):
        yield from differences(approved.machines, propose(spec, facts)[0])


def _judge(spec: ClusterSpec, facts: Facts) -> list[LayoutProblem]:
    data = layout_data()
    found: list[LayoutProblem] = []
    for host in spec.hypervisors:
        here = [machine for machine in spec.machines if machine.host == host.name]
        if host.name in facts:
            found += overcommitted(host.name, here, facts[host.name], data)
            found += _shared_device(spec, host, facts[host.name], here)
        else:
            text = f"{host.name} could not be asked: whether its machines fit is not known."
            found.append(LayoutProblem("warning", host.name, "", text, f"wizard facts {host.name}"))
    return found


def _shared_device(
    spec: ClusterSpec, host: HostSpec, facts: HostFacts, here: Sequence[MachineSpec]
) -> list[LayoutProblem]:
    """Copies of volumes on the device etcd writes to, as far as the facts tell."""
    stores = [machine.name for machine in here if machine.role == "storage"]
    if spec.storage.kind != "longhorn" or not stores or not any(one.role == "etcd" for one in here):
        return []
    disks = host_disks(host, facts)
    shared = [disk for disk in disks.etcd if disk in disks.storage]
    if not shared:
        return []
    what = f"{disk_words(shared[0])} of {host.name}"
    text = f"{what} holds volumes and etcd's data both: a rebuild would stop etcd (k3s#7612)."
    do = f"Give {host.name} a storage_disk, or an etcd_dir, on another device."
    return [LayoutProblem("refused", host.name, stores[0], text, do)]


def _host(
    spec: ClusterSpec, host: HostSpec, facts: HostFacts | None, machines: Sequence[MachineSpec]
) -> HostLayout:
    here = [machine for machine in machines if machine.host == host.name]
    known = facts is not None and facts.memory.total is not None
    return HostLayout(
        name=host.name,
        cpus=host_threads(facts) if facts else None,
        memory=facts.memory.total if facts else None,
        reserved=host_reserve(facts, layout_data()) if facts and known else None,
        given_cpus=sum(machine.cpus for machine in here),
        given_memory=sum(machine.memory for machine in here),
        alone=alone(spec, host.name, machines),
    )


def propose(spec: ClusterSpec, facts: Facts) -> tuple[tuple[MachineSpec, ...], list[LayoutProblem]]:
    """Machines for every hypervisor, in the order of the spec, and what does not fit.

    Args:
        spec: what is wanted; its own machines are not looked at.
        facts: by host.
    """
    data = layout_data()
    with_etcd = _etcd_hosts(spec, facts, data)
    problems: list[LayoutProblem] = []
    machines: list[MachineSpec] = []
    names = _Names(spec)
    addresses = free_addresses(spec, len(ROLES) * len(spec.hypervisors))
    for index, host in enumerate(spec.hypervisors):
        roles = _roles(spec, index, host.name in with_etcd)
        sizing = size_machines(spec, host, facts.get(host.name), roles, data)
        problems += [_by_name(problem, names, index) for problem in sizing.problems]
        slots = addresses[index * len(ROLES) : (index + 1) * len(ROLES)]
        machines += _machines(host, names, index, sizing, slots, problems)
    problems += _even(spec, machines)
    return tuple(machines), problems


def _etcd_hosts(spec: ClusterSpec, facts: Facts, data: LayoutData) -> set[str]:
    """The hypervisors that get an etcd member: an even number of them, since the witness is one more."""
    most = max(
        count for least, count in data.members if least <= max(len(spec.hypervisors), data.members[0][0])
    )
    able = [host.name for host in spec.hypervisors if can_carry_etcd(facts.get(host.name), data)][:most]
    return set(able if len(able) == 1 else able[: len(able) // 2 * 2])


def _roles(spec: ClusterSpec, index: int, etcd: bool) -> list[MachineRole]:
    wanted = {
        "etcd": etcd,
        "server": index < MOST_SERVERS,
        "storage": spec.storage.kind == "longhorn",
        "worker": True,
    }
    return [role for role in ROLES if wanted[role]]


def _machines(
    host: HostSpec,
    names: _Names,
    index: int,
    sizing: Sizing,
    slots: Sequence[str],
    problems: list[LayoutProblem],
) -> list[MachineSpec]:
    """Each role has its own slot among the host's addresses, whether the machine is there or not."""
    made = []
    for role, size in sizing.sizes.items():
        name, slot = names.of(role, index), ROLES.index(role)
        if slot >= len(slots):
            text = f"The LAN has no address left for {name} outside DHCP and the load balancer's range."
            do = "Shorten network.dhcp (at the router and in the spec), or network.load_balancer."
            problems.append(LayoutProblem("refused", host.name, name, text, do))
            continue
        made.append(
            MachineSpec(
                name,
                host.name,
                role,
                slots[slot],
                size.cpus,
                size.memory,
                size.disk,
                size.data_disk,
            )
        )
    return made


class _Names:
    """Names of machines: the role and a letter for the hypervisor's place in the spec."""

    def __init__(self, spec: ClusterSpec) -> None:
        self._taken = {host.name for host in spec.hosts}

    def of(self, role: MachineRole, index: int) -> str:
        """The name of a machine; one that a host has already is avoided."""
        first, second = divmod(index, len(ALPHABET))
        name = f"{role}-{ALPHABET[first - 1] if first else ''}{ALPHABET[second]}"
        return f"vm-{name}" if name in self._taken else name


def _by_name(problem: LayoutProblem, names: _Names, index: int) -> LayoutProblem:
    """Sizes are made by role; people know a machine by its name."""
    role = next((role for role in ROLES if role == problem.machine), None)
    return replace(problem, machine=names.of(role, index)) if role else problem


def _even(spec: ClusterSpec, machines: Sequence[MachineSpec]) -> list[LayoutProblem]:
    members = sum(machine.role == "etcd" for machine in machines)
    voters = members + len(spec.witnesses)
    if members and voters % 2:
        return []
    text = f"etcd would have {members + len(spec.witnesses)} voters: an odd number is needed, three at least."
    return [LayoutProblem("refused", "", "", text, "Two hypervisors must have room for an etcd member each.")]
