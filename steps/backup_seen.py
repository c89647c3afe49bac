"""The backup of etcd as it stands: each member that makes one, and each hypervisor that keeps those of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime, timedelta

from steps.etcd_seen import Place, places
from steps.parse.backup import BackupSeen, Kept, StoreSeen, parse_backup, parse_store
from steps.side_by_side import side_by_side
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.host import Args, ScriptResult
from wizard.core.spec.model import BackupSpec, ClusterSpec, HostSpec
from wizard.payload.etcd_backup import Store, made_at

STEP = "backup"
READ, READ_STORE = "read/backup", "read/backup-store"
READ_SECONDS = 60.0
"""Deadline of a read: a share that hangs is given up after ten seconds, each time it is touched."""


def wanted(spec: ClusterSpec) -> BackupSpec | None:
    """What the spec says of backups; None where there are to be none, and where Kubernetes writes nothing into etcd."""
    return spec.backup if spec.servers() else None


def making(spec: ClusterSpec) -> tuple[Place, ...]:
    """The members of etcd that make backups: all but the witness, which is slow."""
    return tuple(place for place in places(spec) if not place.witness)


def keeper_of(spec: ClusterSpec, place: Place) -> HostSpec:
    """The hypervisor that keeps a member's backups: never its own, which is lost together with it."""
    hypervisors = spec.hypervisors
    own = [host.name for host in hypervisors].index(place.host)
    return hypervisors[(own + 1) % len(hypervisors)]


def kept_by(spec: ClusterSpec, host: str) -> tuple[Place, ...]:
    """The members whose backups a hypervisor keeps."""
    return tuple(place for place in making(spec) if keeper_of(spec, place).name == host)


@dataclass(frozen=True, slots=True)
class Maker:
    """One member as it stands."""

    place: Place
    seen: BackupSeen = field(default_factory=BackupSeen)
    """Blank for a guest that is still to be made: that is how it will be."""
    known: bool = True
    """False where it could not be asked; then nothing is decided about it."""
    present: bool = True
    """It can be asked: a guest that runs."""

    @property
    def name(self) -> str:
        """Of the member and of its guest."""
        return self.place.name


@dataclass(frozen=True, slots=True)
class Keeper:
    """One hypervisor as it stands."""

    host: HostSpec
    store: Store
    seen: StoreSeen = field(default_factory=StoreSeen)
    known: bool = True
    """False where it could not be asked; then nothing is decided about it."""

    @property
    def name(self) -> str:
        """Of the hypervisor."""
        return self.host.name

    def of(self, member: str) -> list[tuple[datetime, Kept]]:
        """The backups of a member that lie here, the oldest first."""
        found = ((made_at(one.name, self.store.cluster, member), one) for one in self.seen.kept)
        return sorted(((at, one) for at, one in found if at is not None), key=lambda pair: pair[0])

    def age(self, at: datetime) -> timedelta:
        """How long ago that was by the clock of this host."""
        return self.seen.now - at if self.seen.now else timedelta()


def store_args(store: Store) -> Args:
    """The arguments of the read of a store, and of what is done to it."""
    return {
        "cluster": store.cluster,
        "user": store.user,
        "target": store.target,
        "folder": store.folder,
        "script": store.receiver,
    }


def look_at_maker(ctx: Context, place: Place) -> Maker:
    """One member as it stands; a guest that is still to be made is as a new one will be.

    Raises:
        HostError: it, or the hypervisor that knows whether it is there, cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    if not ctx.present(place.name):
        return Maker(place, known=ctx.guest(place.name) is None, present=False)
    return Maker(place, ctx.ask(place.name, READ, timeout=READ_SECONDS, parse=_backup))


def look_at_keeper(ctx: Context, host: HostSpec) -> Keeper:
    """One hypervisor as it stands.

    Raises:
        HostError: it cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    store = store_on(ctx.spec, host, unraid=ctx.facts(host.name).unraid is not None)
    return Keeper(
        host, store, ctx.ask(host.name, READ_STORE, store_args(store), timeout=READ_SECONDS, parse=_store)
    )


def store_on(spec: ClusterSpec, host: HostSpec, *, unraid: bool) -> Store:
    """Where a hypervisor keeps backups.

    Args:
        spec: what is wanted; one without backups names no folder, and only keys and scripts are looked for.
        host: the hypervisor.
        unraid: only its flash drive lasts.
    """
    target = spec.backup.target if spec.backup else ""
    return Store(target, spec.name, host.user or spec.ssh.user, host.address, host.port or 22, unraid)


def _backup(answer: ScriptResult) -> BackupSeen:
    return parse_backup(answer.stdout)


def _store(answer: ScriptResult) -> StoreSeen:
    return parse_store(answer.stdout)


def look_at_makers(ctx: Context, makers: Sequence[Place]) -> list[Maker]:
    """Several members, asked side by side; one that cannot be asked is known as such."""
    return side_by_side(makers, lambda one: look_at_maker(ctx, one), lambda one, _: Maker(one, known=False))


def look_at_keepers(ctx: Context, keepers: Sequence[HostSpec]) -> list[Keeper]:
    """Several hypervisors, asked side by side; one that cannot be asked is known as such."""

    def unknown(host: HostSpec, _error: object) -> Keeper:
        return Keeper(host, store_on(ctx.spec, host, unraid=False), known=False)

    return side_by_side(keepers, lambda host: look_at_keeper(ctx, host), unknown)
