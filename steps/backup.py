"""etcd is backed up on a schedule, from each quick member to the other hypervisor, with the token that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar

from steps import backup_checks as checks
from steps import backup_work as work
from steps.backup_files import READER, keys_missing, maker_flaw, store_flaw
from steps.backup_seen import (
    STEP,
    Keeper,
    Maker,
    keeper_of,
    kept_by,
    look_at_keepers,
    look_at_makers,
    making,
    wanted,
)
from wizard.core.change import Change
from wizard.core.check import Check, Finding, Level, When
from wizard.core.context import Context
from wizard.core.spec.model import BackupSpec, ClusterSpec
from wizard.core.state import ChangeStatus, RunState
from wizard.core.step import Step
from wizard.payload.etcd_backup import NAME, SCRIPT, SETTINGS

KEYS = "keys"
"""Key of the change that makes them."""


class Backup(Step):
    """Without it, a mistake that every member carries out is the end of the cluster; nothing where the spec wants none."""

    id = STEP
    title = "Backups"
    summary = "Scheduled snapshots of etcd with the cluster's token, encrypted, on the other hypervisor"
    needs: ClassVar[tuple[str, ...]] = ("etcd", "k3s-servers")

    def concerns(self, spec: ClusterSpec, state: RunState) -> bool:
        """Where backups are wanted, or once were."""
        return spec.backup is not None or bool(state.step(STEP).changes)

    def checks(self, ctx: Context) -> Iterator[Check]:
        """Before: the folder is there. After: each part works, and the newest backup of each member is young."""
        if wanted(ctx.spec) is None:
            return
        keepers = [host for host in ctx.spec.hypervisors if kept_by(ctx.spec, host.name)]
        for host in keepers:
            title = f"{host.name} has the folder that backups go to"
            run = partial(checks.target, host=host)
            yield Check(
                "backup.folder", title, run, When.BEFORE, Level.FATAL, host.name, timeout=checks.SECONDS
            )
            told = f"{host.name} takes in the backups of others"
            yield _after("backup.folder", told, partial(checks.folder, host=host), host.name)
        for place in making(ctx.spec):
            name = place.name
            for check, title, test in (
                ("backup.timer", f"{name} makes its backups on time", checks.timer),
                ("backup.failed", f"The last backup of {name} succeeded", checks.succeeded),
                ("backup.age", f"{name} has a young backup", checks.age),
            ):
                yield _after(check, title, partial(test, place=place), name)
        for host in keepers:
            title = f"{host.name} has room for the backups it shall keep"
            yield _after("backup.room", title, partial(checks.room, host=host), host.name)

    def changes(self, ctx: Context) -> Iterator[Change]:
        """What is missing, a first backup of each member last; without backups in the spec, what is left of them."""
        backup = wanted(ctx.spec)
        if backup is None:
            yield from _removals(ctx)
            return
        keepers = [host for host in ctx.spec.hypervisors if kept_by(ctx.spec, host.name)]
        makers, stores = look_at_makers(ctx, making(ctx.spec)), look_at_keepers(ctx, keepers)
        missing = keys_missing(ctx.secrets, ctx.spec)
        if missing and makers:
            yield _keys()
        after: tuple[str, ...] = (KEYS,) if missing else ()
        by_name = {one.name: one for one in stores if one.known}
        wrong = [one for one in by_name.values() if store_flaw(one, ctx.spec, ctx.secrets)]
        yield from (_admit(ctx, keeper, after) for keeper in wrong)
        for maker in makers:
            keeper = by_name.get(keeper_of(ctx.spec, maker.place).name)
            if maker.known and keeper is not None:
                mine = (*after, *([_store_key(keeper)] if keeper in wrong else ()))
                yield from _of_member(ctx, backup, maker, keeper, mine)


def _after(check: str, title: str, run: Callable[[Context], Finding], host: str) -> Check:
    return Check(check, title, run, host=host, timeout=checks.SECONDS)


def _keys() -> Change:
    return Change(
        key=KEYS,
        host="",
        summary="Make the key that reads backups, and for each member one that hands them in",
        preview=f"the first is shown by `wizard secret show {READER}`: keep a copy of it elsewhere, too",
        do=work.make_keys,
    )


def _store_key(keeper: Keeper) -> str:
    return f"store:{keeper.name}"


def _admit(ctx: Context, keeper: Keeper, after: tuple[str, ...]) -> Change:
    names = " and ".join(one.name for one in kept_by(ctx.spec, keeper.name))
    keep = ctx.spec.backup.keep if ctx.spec.backup else 0
    return Change(
        key=_store_key(keeper),
        host=keeper.name,
        summary=f"Let {names} hand in backups on {keeper.name}, and nothing else",
        preview=f"writes {keeper.store.receiver}\n"
        f"a line in authorized_keys of {keeper.store.user} for each, restricted to that script\n"
        f"the newest {keep} of each are kept in {keeper.store.folder}",
        weight=2.0,
        after=after,
        do=work.admit(keeper.store),
    )


def _of_member(
    ctx: Context, backup: BackupSpec, maker: Maker, keeper: Keeper, after: tuple[str, ...]
) -> Iterator[Change]:
    """Its timer, and a backup now where something was changed for it, there was none yet, or the last one failed."""
    changed = maker_flaw(maker, keeper, ctx.spec, backup, ctx.secrets)
    if changed:
        yield Change(
            key=f"timer:{maker.name}",
            host=maker.name,
            summary=f"Back up {maker.name} to {keeper.name} ({backup.schedule})",
            preview=f"writes {SCRIPT}, its units and /etc/homelab/{SETTINGS}\nsystemctl enable --now {NAME}.timer",
            weight=2.0,
            after=after,
            do=work.set_up(keeper.host, keeper.store),
        )
    if changed or after or maker.seen.trouble or not keeper.of(maker.name):
        yield Change(
            key=f"now:{maker.name}",
            host=maker.name,
            summary=f"Make a backup of {maker.name} now",
            preview=f"systemctl start {NAME}.service",
            weight=10.0,
            after=(*after, f"timer:{maker.name}") if changed else after,
            do=work.run_now(keeper.host),
        )


def _removals(ctx: Context) -> Iterator[Change]:
    """Timers and keys of a time when the spec had backups; whether there was one, our state tells."""
    members = [
        one for one in making(ctx.spec) if _left(ctx.state, f"timer:{one.name}", f"untimer:{one.name}")
    ]
    hosts = [
        one for one in ctx.spec.hypervisors if _left(ctx.state, f"store:{one.name}", f"unstore:{one.name}")
    ]
    makers, keepers = look_at_makers(ctx, members), look_at_keepers(ctx, hosts)
    timers = [maker for maker in makers if maker.known and maker.seen.present]
    for maker in timers:
        yield Change(
            key=f"untimer:{maker.name}",
            host=maker.name,
            summary=f"Stop backing up {maker.name}",
            preview=f"systemctl disable --now {NAME}.timer; its keys and its script are removed",
            do=work.take_away,
        )
    for keeper in keepers:
        if keeper.known and keeper.seen.present:
            yield _refuse(keeper, [f"untimer:{maker.name}" for maker in timers])


def _refuse(keeper: Keeper, after: Sequence[str]) -> Change:
    return Change(
        key=f"unstore:{keeper.name}",
        host=keeper.name,
        summary=f"Let nobody hand in backups on {keeper.name} any more; those that lie there stay",
        preview=f"removes {keeper.store.receiver} and its lines in authorized_keys of {keeper.store.user}",
        after=tuple(after),
        do=work.refuse(keeper.store),
    )


def _left(state: RunState, made: str, removed: str) -> bool:
    """Whether something was made, and not removed since."""
    changes = state.step(STEP).changes
    if made not in changes:
        return False
    ended = changes.get(removed)
    return ended is None or ended.status is not ChangeStatus.DONE or ended.at < changes[made].at
