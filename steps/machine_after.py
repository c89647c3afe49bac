"""What must hold of every guest once it is made, and whenever doctor looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median_low

from steps.discover import SKEW_ERROR, SKEW_WARNING
from steps.machine_plan import Place, look
from steps.machine_wait import state_text
from steps.parse.guest_details import Domain
from wizard.core.check import Finding, Level, failed, passed, skipped, told, warned
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.engine.checks import explains
from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import HostFacts
from wizard.core.spec.model import MachineSpec
from wizard.payload.guests import GuestPlan

Test = Callable[[Context, Place, GuestPlan], Finding]

CLOCK_RETRY = 30.0
"""Seconds a clock that was just set may take to agree: timesyncd asks its servers once the network is up."""

DATA_RETRY = 30.0
"""Seconds a guest may be too busy to tell of its disks: emulated ones are, right after their boot."""


@dataclass(frozen=True, slots=True)
class GuestCheck:
    """A check of one guest as data; `{name}` in the title is its name."""

    id: str
    title: str
    test: Test
    level: Level = Level.ERROR
    retry: float = 0.0


def check_guest(ctx: Context, name: str, test: Test) -> Finding:
    """Make a check of a guest; where its hypervisor cannot be asked, that is the cause.

    Args:
        ctx: this pass.
        name: of the machine.
        test: what is checked.
    """
    try:
        place = look(ctx, ctx.spec.machine(name).host)
    except HostError as error:
        return replace(skipped(f"Not checked: {error.what}"), explained_by=explains(error))
    except RemoteError as error:
        return replace(skipped(f"Not checked: {error.what}"), explained_by="discover.facts")
    if not place.seen.answers:
        return replace(skipped("Not checked: libvirt does not answer."), explained_by="discover.libvirt")
    plan = next(plan for plan in place.plans if plan.name == name)
    return test(ctx, place, plan)


def running(_ctx: Context, place: Place, plan: GuestPlan) -> Finding:
    """It is there, ours, and runs; why it does not is told."""
    domain = place.domain(plan.name)
    if domain is None:
        return failed(
            f"{plan.name} is not there.",
            evidence=_instead(place, plan),
            cause="It was not made yet, or somebody removed it.",
            fix="wizard apply",
        )
    if domain.state == "running":
        return passed(f"{plan.name} runs on {plan.host}.", evidence=state_text(domain))
    uri = "lxc:///" if plan.driver == "lxc" else "qemu:///system"
    if domain.state == "paused" and domain.reason == "I/O error":
        return failed(
            f"{plan.name} is paused: {plan.host} has no room left for its disk, or the disk fails.",
            evidence=state_text(domain),
            cause=f"{place.vm_dir} is full (ENOSPC), or gave an I/O error.",
            fix=f"on {plan.host}: df -h {place.vm_dir}; free space there, then: virsh -c {uri} resume {plan.name}",
        )
    paused = domain.state == "paused"
    return failed(
        f"{plan.name} does not run: {state_text(domain)}.",
        evidence="; ".join(filter(None, (f"virsh domstate: {state_text(domain)}", _last_line(domain)))),
        cause="Somebody paused it." if paused else "It was shut down, or crashed.",
        fix=f"on {plan.host}: virsh -c {uri} resume {plan.name}" if paused else "wizard apply",
    )


def _instead(place: Place, plan: GuestPlan) -> str:
    """What is there in the place of a guest."""
    if place.foreign(plan.name):
        return f"{place.foreign(plan.name)} is not ours"
    return f"guests on {plan.host}: {', '.join(sorted(place.seen.names)) or 'none'}"


def _last_line(domain: Domain) -> str:
    return domain.last_line and f"last console line: {domain.last_line}"


def autostart(_ctx: Context, place: Place, plan: GuestPlan) -> Finding:
    """It starts with its host."""
    domain = place.domain(plan.name)
    if domain is None:
        return _not_there(plan)
    if domain.autostart is None:
        return skipped("libvirt did not tell.")
    if domain.autostart:
        return passed(f"{plan.name} starts with {plan.host}.")
    return failed(
        f"{plan.name} does not start with {plan.host}: after a power cut it stays down.",
        evidence="virsh dominfo: Autostart: disable",
        cause="It was switched off by hand.",
        fix="wizard apply",
    )


def answers(ctx: Context, place: Place, plan: GuestPlan) -> Finding:
    """It lets us in with the keys it was given."""
    domain = place.domain(plan.name)
    if domain is None or domain.state != "running":
        return _not_there(plan)
    facts = ctx.try_facts(plan.name)
    if isinstance(facts, HostFacts):
        return passed(f"{plan.name} answered in {facts.seconds * 1000:.0f} ms.")
    found = told(facts)
    return replace(found, evidence="; ".join(filter(None, (found.evidence, _last_line(domain)))))


def identity(ctx: Context, place: Place, plan: GuestPlan) -> Finding:
    """It has its own name, its address, and a machine id nobody else has."""
    facts = _facts(ctx, place, plan)
    if isinstance(facts, Finding):
        return facts
    if facts.hostname != plan.name:
        return _other(plan, "is called", facts.hostname, f"hostnamectl set-hostname {plan.name}")
    addresses = [address for nic in facts.nics for address in nic.addresses]
    if not any(address.split("/")[0] == plan.address for address in addresses):
        return _other(plan, "has the addresses", ", ".join(addresses), "ip -brief address")
    twins = [other.host for other in _others(ctx, plan.name) if other.machine_id == facts.machine_id]
    if not facts.machine_id or twins:
        return failed(
            f"{plan.name} has {'the machine id of ' + twins[0] if twins else 'no machine id'}.",
            evidence=f"machine id {facts.machine_id or 'none'}",
            cause="One was copied from the other.",
            fix=f"ssh root@{plan.address} sh -c 'rm /etc/machine-id; systemd-machine-id-setup; reboot'",
        )
    return passed(f"{plan.name} at {plan.address}, with a machine id of its own.")


def _other(plan: GuestPlan, what: str, seen: str, command: str) -> Finding:
    return failed(
        f"What answers at {plan.address} {what} {seen or 'nothing'}, not {plan.name}.",
        evidence=seen or "nothing",
        cause="Its first boot did not read its settings, or somebody changed them.",
        fix=f"ssh root@{plan.address} {command}",
    )


def clock(ctx: Context, place: Place, plan: GuestPlan) -> Finding:
    """Its clock agrees with the others', and somebody keeps it."""
    facts = _facts(ctx, place, plan)
    if isinstance(facts, Finding):
        return facts
    offset = facts.clock.offset
    if offset is None:
        return skipped(f"{plan.name} did not tell its time.")
    others = [other.clock.offset for other in _others(ctx, plan.name) if other.clock.offset is not None]
    distance = max(0.0, abs(offset - median_low([*others, 0.0])) - (facts.clock.uncertainty or 0.0))
    fix = f"ssh root@{plan.address} timedatectl set-ntp true"
    if distance > SKEW_WARNING:
        make = failed if distance > SKEW_ERROR else warned
        return make(
            f"The clock of {plan.name} is off by {distance:.1f} s.",
            evidence=f"{offset:+.2f} s against this machine",
            cause="It was paused, or nobody keeps its clock.",
            fix=fix,
        )
    if facts.clock.synchronised is False:
        return warned(
            f"Nobody keeps the clock of {plan.name}.",
            evidence=f"{facts.clock.by or 'no time service'}: not synchronised",
            cause="It reaches no time server.",
            fix=fix,
        )
    return passed(f"{offset:+.2f} s against this machine.")


def data(ctx: Context, place: Place, plan: GuestPlan) -> Finding:
    """Its data disk is the one we gave it, carries the file system we made, and is mounted where it belongs."""
    if plan.data is None:
        return passed(f"{plan.name} has no data disk.")
    facts = _facts(ctx, place, plan)
    if isinstance(facts, Finding):
        return facts
    disk = next((disk for disk in facts.disks if disk.serial == plan.serial), None)
    seen = ", ".join(f"{one.name} ({one.serial or 'no serial'})" for one in facts.disks) or "no disks"
    if not any(one.serial or one.uuid or one.volumes for one in facts.disks):
        cause = "It is too busy: lsblk did not answer within four seconds."
        return _bad_data(plan, "could not be looked at", seen, cause, "lsblk -f")
    if disk is None:
        return _bad_data(plan, "is missing", seen, "It was detached.", f"virsh domblklist {plan.name}")
    if plan.mount in disk.mounts and disk.uuid == plan.data_uuid:
        return passed(f"{disk.name} at {plan.mount}.", evidence=f"serial {disk.serial}, UUID {disk.uuid}")
    if disk.uuid != plan.data_uuid:
        seen = f"{disk.name}: {disk.fstype or 'empty'} {disk.uuid}"
        cause = (
            "The disk was not empty when the guest first saw it, and we format no disk that carries anything."
        )
        return _bad_data(plan, "carries another file system than ours", seen, cause, "lsblk -f")
    seen = f"{disk.name} is mounted at {', '.join(disk.mounts) or 'nothing'}"
    return _bad_data(
        plan, f"is not mounted at {plan.mount}", seen, "Its mount failed.", f"mount {plan.mount}"
    )


def _bad_data(plan: GuestPlan, what: str, seen: str, cause: str, command: str) -> Finding:
    place = f"on {plan.host}: " if command.startswith("virsh") else f"ssh root@{plan.address} "
    return failed(f"The data disk of {plan.name} {what}.", evidence=seen, cause=cause, fix=place + command)


def _facts(ctx: Context, place: Place, plan: GuestPlan) -> HostFacts | Finding:
    """What the guest says of itself, or a finding that points at what keeps it from it."""
    domain = place.domain(plan.name)
    if domain is None or domain.state != "running":
        return _not_there(plan)
    facts = ctx.try_facts(plan.name)
    if isinstance(facts, HostFacts):
        return facts
    return replace(skipped(f"Not checked: {facts.what}"), explained_by="machines.answers")


def _not_there(plan: GuestPlan) -> Finding:
    return replace(skipped(f"Not checked: {plan.name} does not run."), explained_by="machines.running")


def _others(ctx: Context, name: str) -> Iterator[HostFacts]:
    """The facts of every host and of every other guest that gave them; one in its first boot is not asked."""
    for host in ctx.spec.hosts:
        facts = ctx.try_facts(host.name)
        if isinstance(facts, HostFacts):
            yield facts
    for machine in ctx.spec.machines:
        if machine.name != name and _up(ctx, machine):
            facts = ctx.try_facts(machine.name)
            if isinstance(facts, HostFacts):
                yield facts


def _up(ctx: Context, machine: MachineSpec) -> bool:
    """Whether a guest runs and its first boot was seen to its end: before that, asking it means to wait for it."""
    try:
        place = look(ctx, machine.host)
    except (HostError, RemoteError):
        return False
    domain, folder = place.domain(machine.name), place.folder(machine.name)
    return domain is not None and domain.state == "running" and folder is not None and folder.booted


GUEST_CHECKS = (
    GuestCheck("machines.running", "{name} runs", running),
    GuestCheck("machines.autostart", "{name} starts with its host", autostart),
    GuestCheck("machines.answers", "{name} lets us in", answers),
    GuestCheck("machines.identity", "{name} is who it shall be", identity),
    GuestCheck("machines.clock", "The clock of {name} agrees with the others", clock, retry=CLOCK_RETRY),
    GuestCheck("machines.data", "{name} has its data disk where it belongs", data, retry=DATA_RETRY),
)
"""What is asked of every guest."""
