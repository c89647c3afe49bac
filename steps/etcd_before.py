"""What must hold before anything is done about etcd: without it, a change would break something or be in vain."""

from __future__ import annotations

from dataclasses import replace

from steps.discover import clocks_of
from steps.etcd_certificates import trusted
from steps.etcd_files import right_version
from steps.etcd_plan import survivors_missing
from steps.etcd_seen import Member, Place, look, look_at_all, names, packaged, places
from steps.host_checks import ETCD_PORTS, time_fix
from steps.login import login
from wizard.core.check import Finding, failed, passed, skipped
from wizard.core.context import Context
from wizard.core.errors import HostError, RemoteError
from wizard.core.facts import HostFacts
from wizard.core.packages import load_packages
from wizard.core.spec import ClusterSpec
from wizard.core.spec.values import ETCD_OLDEST
from wizard.payload.certificates import bundled
from wizard.payload.etcd_config import AUTHORITY
from wizard.payload.etcd_unit import UNIT


def ssh(spec: ClusterSpec, name: str) -> str:
    """How a command is given on a host or on a guest, as a person would type it."""
    machine = next((one for one in spec.machines if one.name == name), None)
    return f"ssh root@{machine.address}" if machine else login(spec, spec.host(name))


def clocks(ctx: Context) -> Finding:
    """Hosts and members tell the same time: a certificate made now must not begin in somebody's future (row 63).

    The clocks of other guests are checked by their own step: they may still be booting.
    """
    found = _facts_of_all(ctx)
    by_name = {facts.host: facts for facts in found}

    def fix(name: str) -> str:
        known = by_name.get(name)
        return time_fix(known, ssh(ctx.spec, name)) if known else "sudo timedatectl set-ntp true"

    return clocks_of(found, fix)


def _facts_of_all(ctx: Context) -> list[HostFacts]:
    found = []
    for name in dict.fromkeys(
        [host.name for host in ctx.spec.hosts] + [one.name for one in places(ctx.spec)]
    ):
        try:
            facts = ctx.try_facts(name) if ctx.present(name) else None
        except (HostError, RemoteError):
            continue
        if isinstance(facts, HostFacts):
            found.append(facts)
    return found


def disk(ctx: Context, place: Place) -> Finding:
    """Its data lies on a disk meant for it, which is mounted: never on an SD card (row 61)."""
    if not ctx.present(place.name):
        return blind(skipped(f"Not checked: {place.name} does not run."), "machines.running")
    member, facts = look(ctx, place), ctx.facts(place.name)
    data = member.seen.data
    under = facts.disks_under(place.base)
    cards = [one for one in under if one.is_sd]
    seen = f"{place.base} lies on {data.mount} ({data.source}): " + (
        ", ".join(f"{one.name} {one.model} {one.serial}".strip() for one in under) or "disk unknown"
    )
    if place.root_allowed:
        return passed(
            f"The data of {place.name} lies on {data.mount or '/'}, as the spec accepts.", evidence=seen
        )
    if cards:
        return failed(
            f"etcd's data on {place.name} would lie on the SD card {cards[0].model}.",
            evidence=seen,
            cause="An SD card is too slow for etcd and wears out from it.",
            fix="Put a USB SSD on it, mount it, and set hosts[].etcd_dir in cluster.yaml to a folder on it",
        )
    if data.root:
        return _not_mounted(ctx, place, seen)
    return passed(f"The data of {place.name} lies on {data.source}.", evidence=seen)


def _not_mounted(ctx: Context, place: Place, seen: str) -> Finding:
    if place.witness:
        return failed(
            f"etcd's data on {place.name} would lie on its system disk.",
            evidence=seen,
            cause="The disk that etcd_dir in the spec means is not mounted, or etcd_dir names none.",
            fix=f"{ssh(ctx.spec, place.name)} findmnt --target {place.base}",
        )
    return failed(
        f"The data disk of {place.name} is not mounted on {place.base}.",
        evidence=seen,
        cause="Its first boot did not end, or the disk was taken away.",
        fix=f"{ssh(ctx.spec, place.name)} mount {place.base}",
    )


def foreign(ctx: Context, place: Place) -> Finding:
    """Nobody else's etcd is on it: neither data of another cluster (row 69) nor a program on its ports (row 66)."""
    if not ctx.present(place.name):
        return blind(skipped(f"Not checked: {place.name} does not run."), "machines.running")
    member = look(ctx, place)
    return (
        _foreign_data(ctx, member)
        or _foreign_program(ctx, member)
        or passed(f"Nobody else's etcd is on {place.name}.")
    )


def _foreign_data(ctx: Context, member: Member) -> Finding | None:
    place, data = member.place, member.seen.data
    lineage = ctx.lineage_on(place.host)
    if data.state in ("member", "other") and (not lineage or data.marker != lineage):
        return failed(
            f"{place.base}/data on {place.name} holds data of another cluster.",
            evidence=f"mark beside it: {data.marker or 'none'}; ours: {lineage or 'not given yet'}",
            cause="An earlier etcd used this disk. The wizard never deletes what it did not make.",
            fix=f"{ssh(ctx.spec, place.name)} mv {place.base}/data {place.base}/data.old   # if nobody needs it",
        )
    cluster = look_at_all(ctx)
    status = member.seen.status
    if status and cluster.id and status.cluster != cluster.id:
        return failed(
            f"etcd on {place.name} is a cluster of its own.",
            evidence=f"its cluster id is {status.cluster}, that of the others {cluster.id}",
            cause="It was started while the others were not to be seen, or with data of another time.",
            fix=f"{ssh(ctx.spec, place.name)} systemctl stop etcd   # then move {place.base}/data away",
        )
    return None


def _foreign_program(ctx: Context, member: Member) -> Finding | None:
    name, unit = member.name, member.seen.unit
    up = unit.active in ("active", "activating", "reloading")
    login_ = ssh(ctx.spec, name)
    if up and unit.fragment != UNIT:
        return failed(
            f"An etcd that is not ours runs on {name}.",
            evidence=f"etcd.service comes from {unit.fragment or 'an unknown place'}",
            cause="It was installed by hand or by another program.",
            fix=f"{login_} systemctl disable --now etcd   # if nobody needs it",
        )
    busy = [] if up else [port for number in ETCD_PORTS for port in ctx.facts(name).listening(number)]
    if not busy:
        return None
    owner = busy[0].process or "a program that does not tell its name"
    cause = "K3s runs an etcd of its own there." if owner.startswith("k3s") else "It offers the same service."
    return failed(
        f"Port {busy[0].port} of {name} is used by {owner}.",
        evidence=", ".join(f"{port.address}:{port.port} {port.process}".strip() for port in busy),
        cause=cause,
        fix=f"{login_} ss -lntp",
    )


def version(ctx: Context) -> Finding:
    """The version asked for can be installed on every member beside what is there."""
    spec = ctx.spec
    wanted = _numbers(spec.etcd.version)
    if wanted < ETCD_OLDEST:
        return failed(
            f"etcd {spec.etcd.version} is too old.",
            evidence=f"etcd.version: {spec.etcd.version} in the spec",
            cause=f"The oldest that is installed is {'.'.join(map(str, ETCD_OLDEST))}, Debian 13's.",
            fix="Set etcd.version in cluster.yaml to 3.6.14",
        )
    members = [member for member in look_at_all(ctx).members if member.known]
    for member in members:
        there = _numbers(member.seen.status.version if member.seen.status else member.seen.version)
        if there and (there[:2] > wanted[:2] or wanted[:1] != there[:1] or wanted[1] - there[1] > 1):
            return failed(
                f"etcd on {member.name} cannot go from {'.'.join(map(str, there))} to {spec.etcd.version}.",
                evidence=f"installed: {member.seen.version}; wanted: {spec.etcd.version}",
                cause="etcd's data is only carried forward, one minor version at a time.",
                fix=f"Set etcd.version in cluster.yaml to one of {there[0]}.{there[1]} or the next minor",
            )
    return (
        _packages(ctx, members) if packaged(spec) else passed(f"etcd {spec.etcd.version} can be installed.")
    )


def _packages(ctx: Context, members: list[Member]) -> Finding:
    """Debian's etcd: the one of our artifacts will do, or what is installed already will."""
    wanted = ctx.spec.etcd.version
    ours = next(deb.version for deb in load_packages().debs.values() if deb.name == "etcd-server")
    lacking = [one.name for one in members if not right_version(one.seen.package, ctx.spec)]
    if right_version(ours, ctx.spec) or (members and not lacking):
        return passed(f"Debian has etcd {wanted} or a later one of its minor.")
    return failed(
        f"There is no package of etcd {wanted}.",
        evidence=f"Debian has etcd-server {ours}",
        cause="etcd 3.5 is only taken from Debian's packages.",
        fix="Set etcd.version in cluster.yaml to 3.6.14",
    )


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.partition("-")[0].partition("+")[0].split(".")
    return tuple(int(part) for part in parts if part.isdecimal())


def authority(ctx: Context) -> Finding:
    """The members trust the authority we have the key of; with a new one they would not know each other."""
    ours = set(bundled(trusted(ctx.secrets)))
    strangers = [
        member
        for member in look_at_all(ctx).members
        if (there := bundled(member.seen.texts.get(AUTHORITY, "")))
        and member.has_data
        and ours.isdisjoint(there)
    ]
    if not strangers:
        return passed("The members trust our authority, or have none yet.")
    return failed(
        f"{names(strangers)} trust{'s' if len(strangers) == 1 else ''} an authority we have no key of.",
        evidence=f"{AUTHORITY} differs from etcd/ca.crt among our secrets",
        cause="The file of secrets was lost, or is of another cluster.",
        fix="Put the right secrets.yaml back into the folder that `wizard state path` prints",
    )


def survivors(ctx: Context) -> Finding:
    """Enough members have their data; without a quorum of them only a snapshot helps."""
    cluster = look_at_all(ctx)
    if not survivors_missing(cluster, ctx.state):
        return passed("No quorum was lost for good.")
    left = [member for member in cluster.members if member.has_data or member.runs]
    gone = [member for member in cluster.members if member not in left]
    return failed(
        f"The data of {names(gone)} is gone: {len(left)} of {len(cluster.members)} members is no quorum.",
        evidence=", ".join(f"{one.name}: data {one.seen.data.state}" for one in cluster.members),
        cause="More members lost their disks at once than etcd can do without.",
        fix="Put a disk back, or restore a snapshot on every member: etcdutl snapshot restore (docs/etcd.md)",
    )


def blind(finding: Finding, cause: str) -> Finding:
    """A finding that could not be made because of what another check finds."""
    return replace(finding, explained_by=cause)
