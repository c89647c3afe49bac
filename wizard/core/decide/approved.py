"""The machines somebody said yes to, against what would be proposed today."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from wizard.core.decide.capacity import host_threads
from wizard.core.decide.layout_disks import vm_dir
from wizard.core.facts import HostFacts
from wizard.core.spec.machines import machine_document
from wizard.core.spec.model import ClusterSpec, HostSpec, MachineSpec
from wizard.core.state import ApprovedLayout


def with_approved(spec: ClusterSpec, approved: ApprovedLayout | None) -> ClusterSpec:
    """The spec with the machines of the last apply, where it names none: they are never moved by a change of facts.

    Args:
        spec: what is wanted.
        approved: as the run state has it.
    """
    if not spec.propose or approved is None:
        return spec
    return replace(spec, machines=approved.machines)


def layout_inputs(spec: ClusterSpec, facts: Mapping[str, HostFacts]) -> str:
    """A digest of what a proposal rests on: the answers, and of each hypervisor what does not change by itself.

    Args:
        spec: what is wanted; its machines are not looked at.
        facts: by host.

    Returns:
        16 hex digits.
    """
    answers = replace(spec, machines=(), waivers=()).flatten()
    hosts = {host.name: _lasting(host, facts.get(host.name)) for host in spec.hypervisors}
    text = json.dumps([answers, hosts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lasting(host: HostSpec, facts: HostFacts | None) -> object:
    """Memory, processors, disks, and the size of the file system of the guests: never what is free."""
    if facts is None:
        return None
    space = facts.filesystem(vm_dir(host, facts))
    disks = sorted((disk.name, disk.serial, disk.size or 0, bool(disk.rotational)) for disk in facts.disks)
    return [facts.platform, facts.memory.total, host_threads(facts), space.size if space else None, disks]


def differences(approved: Sequence[MachineSpec], fresh: Sequence[MachineSpec]) -> Iterator[str]:
    """What a proposal made today would have otherwise than what was approved, a sentence each.

    Args:
        approved: machines that stay as they are.
        fresh: of the proposal.
    """
    old, new = {one.name: one for one in approved}, {one.name: one for one in fresh}
    for name, machine in old.items():
        if name not in new:
            yield f"{name} would not be there."
        elif changed := [*_changed(machine, new[name])]:
            yield f"{name}: {', '.join(changed)}."
    yield from (f"{name} on {one.host} would be added." for name, one in new.items() if name not in old)


def _changed(then: MachineSpec, now: MachineSpec) -> Iterator[str]:
    old, new = machine_document(then), machine_document(now)
    for key in dict.fromkeys((*old, *new)):
        if key != "mac" and old.get(key) != new.get(key):
            yield f"{key} {new.get(key, 'none')} instead of {old.get(key, 'none')}"
