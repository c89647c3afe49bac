"""`wizard witness`: the Pi judged, the disks of all members measured, and the timers that follow from them.

Measuring writes to the hosts for a few seconds, one member at a time, so that two of three are always undisturbed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from steps.etcd_seen import look_at_all
from steps.parse.witness import parse_fsync, parse_witness
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.decide.layout import effective_machines
from wizard.core.decide.layout_disks import ETCD_DIR, vm_dir
from wizard.core.decide.speeds import stamped, to_keep
from wizard.core.decide.timers import DiskSpeed, EtcdSpeeds, choose_timers
from wizard.core.decide.witness import DiskPath, Trait, judge_witness
from wizard.core.decide.witness_report import WitnessReport
from wizard.core.errors import HostError, RemoteError, WizardError
from wizard.core.facts import Disk, HostFacts
from wizard.core.host import Hosts
from wizard.core.session import Session
from wizard.core.spec.model import ClusterSpec, EtcdMember
from wizard.payload.guests import DATA_MOUNT

READ = "read/witness"
MEASURE = "do/witness-fsync"

READ_SECONDS = 60.0
"""Deadline of looking; every ping has its own, of a few seconds."""

WRITE_SECONDS = 8
"""How long one disk is written to at most: a slow one gives some eighty syncs in it, a quick one all of its 22 MB."""

MEASURE_SECONDS = 60.0
"""Deadline of measuring one disk. A card may hold back the last sync for many seconds."""

SYSFS = "/sys"

Talk = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a member's disk is measured."""

    member: str
    on: str
    """The host or guest that is asked."""
    address: str
    """Of that."""
    path: str
    note: str = ""
    """Why it is not the member's own folder."""


@dataclass(slots=True)
class _Look:
    """One pass over the members."""

    ctx: Context
    spec: ClusterSpec
    talk: Talk
    seen: dict[str, DiskPath] = field(default_factory=dict)
    disks: list[DiskSpeed] = field(default_factory=list)
    errors: list[WizardError] = field(default_factory=list)


def run_witness(session: Session, talk: Talk) -> WitnessReport:
    """Judge, measure, keep what was measured.

    The caller holds the run state, as `apply` does; the hosts are held here.

    Args:
        session: the cluster.
        talk: is told what is being waited for.

    Raises:
        StateError: another operator holds a host, or the result could not be saved.
    """
    ctx = session.facts()
    found = _facts(ctx)
    spec = replace(ctx.spec, machines=effective_machines(ctx.spec, found))
    look = _Look(ctx, spec, talk)
    look.errors += [one for host in spec.hosts if isinstance(one := ctx.try_facts(host.name), WizardError)]
    targets = [place for member in spec.etcd_members() if (place := _target(look, member, found))]
    for target in targets:
        _see(look, target, targets)
    with session.holding(list(found)) as hosts:
        for target in targets:
            look.disks.append(_measure(look, target, hosts))
    now = time.time()
    speeds = EtcdSpeeds(stamped(look.disks, now), _round_trips(look, targets))
    session.measurements.keep(to_keep(speeds, now))
    return WitnessReport(
        spec,
        now,
        speeds,
        choose_timers(spec, speeds),
        _traits(look, found),
        _leader(ctx),
        tuple(look.errors),
    )


def _facts(ctx: Context) -> dict[str, HostFacts]:
    found = {host.name: ctx.try_facts(host.name) for host in ctx.spec.hosts}
    return {name: one for name, one in found.items() if isinstance(one, HostFacts)}


def _target(look: _Look, member: EtcdMember, facts: Mapping[str, HostFacts]) -> Target | None:
    """The member's own folder, or that of its hypervisor while the guest is not there; None = neither answers."""
    if member.host not in facts:
        look.disks.append(
            _unmeasured(Target(member.name, member.host, "", ""), f"{member.host} does not answer")
        )
        return None
    if member.name == member.host:
        folder = look.spec.host(member.name).etcd_dir or ETCD_DIR
        return Target(member.name, member.name, member.address, folder)
    if look.ctx.spec.machines and look.ctx.present(member.name):
        return Target(member.name, member.name, member.address, DATA_MOUNT["etcd"])
    host = look.spec.host(member.host)
    folder = vm_dir(host, facts[host.name])
    if host.etcd_dir and host.guests != "lxc":
        folder = host.etcd_dir
    note = f"{member.name} is not there yet: measured where its disk will lie"
    return Target(member.name, host.name, host.address, folder, note)


def _see(look: _Look, target: Target, targets: Sequence[Target]) -> None:
    peers = ",".join(one.address for one in targets if one is not target)
    args = {"path": target.path, "peers": peers, "sys": SYSFS}
    try:
        answer = look.ctx.ask(target.on, READ, args, timeout=READ_SECONDS)
    except (HostError, RemoteError) as error:
        look.errors.append(error)
        return
    look.seen[target.member] = parse_witness(answer.stdout)


def _round_trips(look: _Look, targets: Sequence[Target]) -> dict[tuple[str, str], float]:
    return {
        (one.member, other.member): ms
        for one in targets
        for other in targets
        if one is not other
        and (seen := look.seen.get(one.member))
        and (ms := seen.round_trips.get(other.address)) is not None
    }


def _measure(look: _Look, target: Target, hosts: Hosts) -> DiskSpeed:
    seen, under = look.seen.get(target.member), _under(look, target)
    if seen is None:
        return _unmeasured(target, f"{target.on} does not answer")
    device = ", ".join(one.name for one in under) or seen.source
    blank = _unmeasured(target, target.note, device=device, card=any(one.is_sd for one in under))
    if blank.card and not look.spec.witness.accept_slow:
        return replace(blank, note="an SD card: not measured, since it would only wear it out")
    look.talk(
        f"measuring the disk of {target.member} in {target.path} on {target.on}: {WRITE_SECONDS} s at most"
    )
    args = {"path": target.path, "seconds": str(WRITE_SECONDS), "method": "auto"}
    op = f"witness.fsync-{target.member}.{secrets.token_hex(4)}"
    try:
        done = hosts[target.on].do(MEASURE, args, op=op, timeout=MEASURE_SECONDS)
    except (HostError, RemoteError) as error:
        look.errors.append(error)
        return replace(blank, note=error.what)
    found = parse_fsync(done.output)
    if found is None:
        return replace(blank, note="what was measured could not be read")
    weaker = "by dd, the weaker method: fio is not there" if found.method == "dd" else ""
    note = "; ".join(filter(None, [target.note, weaker]))
    return replace(blank, method=found.method, p99_ms=found.p99_ms, samples=found.samples, note=note)


def _under(look: _Look, target: Target) -> tuple[Disk, ...]:
    facts = look.ctx.try_facts(target.on)
    return facts.disks_under(target.path) if isinstance(facts, HostFacts) else ()


def _unmeasured(target: Target, note: str, *, device: str = "", card: bool = False) -> DiskSpeed:
    return DiskSpeed(target.member, target.on, target.path, device, note=note, card=card)


def _traits(look: _Look, facts: Mapping[str, HostFacts]) -> dict[str, tuple[Trait, ...]]:
    return {
        host.name: judge_witness(look.spec, host, facts[host.name], look.seen.get(host.name, DiskPath()))
        for host in look.spec.witnesses
        if host.name in facts
    }


def _leader(ctx: Context) -> str:
    """The member that leads, as its followers tell."""
    followers = look_at_all(ctx).followers
    leading = (
        one.name for one in followers if one.seen.status and one.seen.status.leader == one.seen.status.member
    )
    return next(leading, "")
