"""What must hold of the backups of etcd: each member makes them on time, and young ones lie on the other hypervisor."""

from __future__ import annotations

from datetime import timedelta

from steps.backup_files import READER, maker_flaw, store_flaw
from steps.backup_seen import (
    READ_SECONDS,
    Keeper,
    Maker,
    keeper_of,
    kept_by,
    look_at_keeper,
    look_at_maker,
    wanted,
)
from steps.etcd_before import blind, ssh
from steps.etcd_seen import Place
from wizard.core.check import Finding, failed, passed, skipped, warned
from wizard.core.context import Context
from wizard.core.decide.present_data import size_text
from wizard.core.errors import HostError, RemoteError
from wizard.core.measurements import age_words
from wizard.core.spec.model import BackupSpec, HostSpec
from wizard.payload.etcd_backup import NAME, SPREAD_SECONDS
from wizard.payload.schedule import longest_pause

SECONDS = READ_SECONDS + 10
"""A check may be the one that asks a member and a hypervisor first."""

PERIODS = 2
"""A backup that is older than so many pauses of the schedule is too old: one may be missed while a host restarts."""


def target(ctx: Context, *, host: HostSpec) -> Finding:
    """The folder is there, and lasts."""
    return _target(ctx, look_at_keeper(ctx, host)) or passed(f"{_wanted(ctx).target} is there.")


def _target(ctx: Context, keeper: Keeper) -> Finding | None:
    """What is wrong with the folder that the spec names; None where nothing is."""
    folder, login = keeper.store.target, ssh(ctx.spec, keeper.name)
    if not keeper.seen.target:
        return failed(
            f"{keeper.name} has no folder {folder}, where backups go.",
            evidence=f"backup.target: {folder}",
            cause="It was never made, or the share that is mounted there is not.",
            fix=f"{login} mkdir -p {folder}",
        )
    if keeper.seen.in_memory:
        return failed(
            f"{folder} on {keeper.name} is in memory: backups in it would be lost at the next restart.",
            evidence=f"file system {keeper.seen.filesystem}",
            cause="Unraid keeps only what lies on the array, a pool or the flash drive.",
            fix="Name a folder below /mnt/user in backup.target",
        )
    return None


def folder(ctx: Context, *, host: HostSpec) -> Finding:
    """Our folder is there, and the members whose backups it keeps may hand them in."""
    keeper = look_at_keeper(ctx, host)
    wrong = _target(ctx, keeper)
    if wrong is not None:
        return wrong
    flaw = store_flaw(keeper, ctx.spec, ctx.secrets)
    if flaw:
        return failed(
            f"{host.name} does not take in backups: {flaw}.",
            evidence=f"admitted: {', '.join(sorted(keeper.seen.admitted)) or 'nobody'}",
            cause="`wizard apply` was not run yet, or somebody changed it.",
            fix="wizard apply",
        )
    if not keeper.seen.folder:
        return failed(
            f"The folder {keeper.store.folder} on {host.name} is gone.",
            evidence=f"{keeper.store.target} is there, and empty of ours",
            cause="The share that is mounted there is not; or it is another disk now, and the folder must be made on it.",
            fix=f"{ssh(ctx.spec, host.name)} findmnt -T {keeper.store.target}\n"
            f"{ssh(ctx.spec, host.name)} mkdir -m 700 {keeper.store.folder}   # on another disk",
        )
    names = " and ".join(place.name for place in kept_by(ctx.spec, host.name))
    return passed(f"{names} may hand in backups, which lie in {keeper.store.folder}.")


def timer(ctx: Context, *, place: Place) -> Finding:
    """The member's script, keys and timer are as they shall be, and the timer runs."""
    maker = _maker(ctx, place)
    if isinstance(maker, Finding):
        return maker
    keeper = _keeper(ctx, place)
    if isinstance(keeper, Finding):
        return keeper
    flaw = maker_flaw(maker, keeper, ctx.spec, _wanted(ctx), ctx.secrets)
    if flaw:
        return failed(
            f"{place.name} makes no backups: {flaw}.",
            evidence=f"{NAME}.timer: {maker.seen.timer.active or 'unknown'}",
            cause="`wizard apply` was not run yet, or somebody changed it.",
            fix="wizard apply",
        )
    return passed(f"{place.name} is backed up to {keeper.name}: {_wanted(ctx).schedule}.")


def succeeded(ctx: Context, *, place: Place) -> Finding:
    """The last attempt ended well, or none was made yet."""
    maker = _maker(ctx, place)
    if isinstance(maker, Finding):
        return maker
    seen = maker.seen
    if not seen.trouble:
        return passed(f"The last one is {seen.last}." if seen.last else "None was made yet.")
    keeper = keeper_of(ctx.spec, place)
    finding = failed(
        f"The last backup of {place.name} failed.",
        evidence=seen.trouble,
        cause=f"What {NAME} says is above; it tries again when it is due.",
        fix=f"{ssh(ctx.spec, place.name)} systemctl start {NAME}   # tries again at once\n"
        f"{ssh(ctx.spec, place.name)} journalctl -u {NAME} -n 20",
    )
    return _explained(ctx, finding, keeper)


def _explained(ctx: Context, finding: Finding, keeper: HostSpec) -> Finding:
    """A hypervisor that is off or takes nothing in explains that a backup does not get there."""
    try:
        wrong = folder(ctx, host=keeper).fix
    except HostError:
        return blind(finding, "hosts.reach")
    except RemoteError:
        return finding
    return blind(finding, "backup.folder") if wrong else finding


def age(ctx: Context, *, place: Place) -> Finding:
    """The newest backup of a member, as it lies in the store, is not older than two pauses of the schedule."""
    keeper = _keeper(ctx, place)
    if isinstance(keeper, Finding):
        return keeper
    found, backup = keeper.of(place.name), _wanted(ctx)
    login = ssh(ctx.spec, place.name)
    if not found:
        finding = failed(
            f"There is no backup of {place.name}.",
            evidence=f"{keeper.name}, {keeper.store.folder}: none",
            cause="None was made yet, or the folder is not the one they went to.",
            fix="wizard apply",
        )
        return finding if keeper.seen.folder else blind(finding, "backup.folder")
    at, newest = found[-1]
    old = keeper.age(at)
    told = f"made {age_words(old.total_seconds())}, {size_text(newest.size) or f'{newest.size} bytes'}, on {keeper.name}"
    if old <= _allowed(backup):
        return passed(
            f"The newest backup of {place.name} was {told}; {len(found)} of {backup.keep} are kept.",
            evidence=f"{newest.name}; its key: wizard secret show {READER}",
        )
    finding = warned(
        f"The newest backup of {place.name} is too old: {told}.",
        evidence=f"{newest.name}; one is due {backup.schedule}",
        cause="Its timer was stopped, or each attempt since has failed.",
        fix=f"{login} systemctl start {NAME}   # makes one now",
    )
    return _aged(ctx, finding, place)


def _aged(ctx: Context, finding: Finding, place: Place) -> Finding:
    """A member that is off, or whose attempts fail, explains that its newest backup is old."""
    try:
        maker = look_at_maker(ctx, place)
    except (HostError, RemoteError):
        return blind(finding, "machines.answers")
    if not maker.present:
        return blind(finding, "machines.running")
    if maker.seen.timer.active != "active":
        return blind(finding, "backup.timer")
    return blind(finding, "backup.failed") if maker.seen.trouble else finding


def _allowed(backup: BackupSpec) -> timedelta:
    return PERIODS * timedelta(seconds=longest_pause(backup.schedule) + SPREAD_SECONDS)


def room(ctx: Context, *, host: HostSpec) -> Finding:
    """What shall be kept has room, each as large as the newest of its member."""
    keeper = look_at_keeper(ctx, host)
    seen, keep = keeper.seen, _wanted(ctx).keep
    if seen.free is None:
        return blind(skipped(f"Not checked: {keeper.store.target} is not there."), "backup.folder")
    needed = 0
    for place in kept_by(ctx.spec, host.name):
        found = keeper.of(place.name)
        # One more than are kept: the oldest goes when the newest is there.
        needed += (keep + 1 - len(found)) * found[-1][1].size if found else 0
    told = f"{size_text(seen.free) or '0 MB'} free of {size_text(seen.size)}"
    if seen.free < max(needed, 1):
        return warned(
            f"{keeper.store.target} on {host.name} has no room for all that shall be kept.",
            evidence=f"{told}; {keep} of each member take {size_text(needed) or 'less than 1 MB'} more",
            cause="The disk is small or full; when it is full, no backup is taken in any more.",
            fix=f"{ssh(ctx.spec, host.name)} du -xh -d 2 {keeper.store.target}",
        )
    return passed(f"{told}.")


def _maker(ctx: Context, place: Place) -> Maker | Finding:
    """The member, or that it does not run."""
    maker = look_at_maker(ctx, place)
    if maker.present:
        return maker
    return blind(skipped(f"Not checked: {place.name} does not run."), "machines.running")


def _keeper(ctx: Context, place: Place) -> Keeper | Finding:
    """The hypervisor that keeps a member's backups, or that it cannot be asked."""
    host = keeper_of(ctx.spec, place)
    try:
        return look_at_keeper(ctx, host)
    except HostError:
        return blind(skipped(f"Not checked: {host.name}, which keeps them, does not answer."), "hosts.reach")


def _wanted(ctx: Context) -> BackupSpec:
    found = wanted(ctx.spec)
    assert found is not None, "these checks are made where the spec wants backups"
    return found
