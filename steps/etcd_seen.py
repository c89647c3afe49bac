"""The members of etcd as they stand: each asked once, and what they say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field

from steps.parse.etcd import EtcdSeen, Listed, parse_etcd
from steps.side_by_side import side_by_side
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.host import Args, ScriptResult
from wizard.core.spec.model import ClusterSpec, EtcdMember
from wizard.core.state import ChangeStatus, RunState
from wizard.payload.etcd_config import client_url, peer_url
from wizard.payload.guests import DATA_MOUNT

STEP = "etcd"
READ = "read/etcd"
READ_SECONDS = 60.0
"""Deadline of the one read: every question in it has its own, of a few seconds each."""

LOOKS = "reads"
"""What the doctor's certificate shall be able to do, as `read/etcd` words it."""

BY_STARTING = ("start:", "replace:", "promote:", "prove")
"""Changes that only end well when there is a quorum."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a member lives: itself, and the folder its data lies in."""

    name: str
    host: str
    """The machine it dies with."""
    address: str
    base: str
    witness: bool
    root_allowed: bool
    """Its data may lie on the file system of `/`: there is no other disk, and the spec accepts that."""

    @property
    def client(self) -> str:
        """Where clients reach it."""
        return client_url(self.address)

    @property
    def peer(self) -> str:
        """Where its peers reach it."""
        return peer_url(self.address)


def places(spec: ClusterSpec) -> tuple[Place, ...]:
    """Every member the spec names; none where the spec names no machines yet."""
    return tuple(_place(spec, member) for member in spec.etcd_members()) if spec.machines else ()


def place_of(spec: ClusterSpec, name: str) -> Place | None:
    """Where a host or guest keeps a member; None where it shall be none. A witness is one before there are machines."""
    return next((_place(spec, one) for one in spec.etcd_members() if one.name == name), None)


def _place(spec: ClusterSpec, member: EtcdMember) -> Place:
    if member.name != member.host:
        own_disk = spec.machine(member.name).data_disk is not None
        return Place(member.name, member.host, member.address, DATA_MOUNT["etcd"], False, not own_disk)
    base = spec.host(member.name).etcd_dir or DATA_MOUNT["etcd"]
    return Place(member.name, member.host, member.address, base, True, spec.witness.accept_slow)


def packaged(spec: ClusterSpec) -> bool:
    """Whether the version asked for is one that only distributions still carry (domain.md 2.1)."""
    return spec.etcd.version.startswith("3.5.")


def read_args(place: Place, *, package: bool = False, wait: int = 0) -> Args:
    """The arguments of the one read."""
    return {"base": place.base, "package": "yes" if package else "no", "wait": str(wait)}


@dataclass(frozen=True, slots=True)
class Member:
    """One member as it stands."""

    place: Place
    seen: EtcdSeen = field(default_factory=EtcdSeen)
    """Blank for a guest that is still to be made: that is how it will be."""
    known: bool = True
    """False where it could not be asked; then nothing is decided about it."""
    present: bool = True
    """It can be asked: a host, or a guest that runs."""

    @property
    def name(self) -> str:
        """Of the member, and of the host or guest changes are made on."""
        return self.place.name

    @property
    def has_data(self) -> bool:
        """It has been part of a cluster."""
        return self.seen.data.state == "member"

    @property
    def runs(self) -> bool:
        """It is up, as systemd sees it: it has had a quorum since it was started."""
        return self.seen.unit.active == "active"


@dataclass(frozen=True, slots=True)
class Cluster:
    """All members together."""

    members: tuple[Member, ...]

    @property
    def quorum(self) -> int:
        """How many must agree."""
        return len(self.members) // 2 + 1

    @property
    def answering(self) -> tuple[Member, ...]:
        """Those that run, answer clients and follow a leader."""
        return tuple(member for member in self.members if member.seen.answers)

    @property
    def live(self) -> bool:
        """It takes writes: a quorum of its members follows a leader of one and the same cluster."""
        return len(self.followers) >= self.quorum

    @property
    def id(self) -> str:
        """Of the cluster that most answering members are part of; empty = none answers."""
        ids = Counter(member.seen.status.cluster for member in self.answering if member.seen.status)
        return ids.most_common(1)[0][0] if ids else ""

    @property
    def followers(self) -> tuple[Member, ...]:
        """The answering members of that cluster which may vote."""
        return tuple(
            member
            for member in self.answering
            if (status := member.seen.status) and status.cluster == self.id and not status.learner
        )

    @property
    def formed(self) -> bool:
        """Some member has data: there is, or was, a cluster."""
        return any(member.has_data or member.runs for member in self.members)

    @property
    def listed(self) -> tuple[Listed, ...]:
        """The list of members as the cluster has it; empty where nobody can tell."""
        return next((one.seen.members for one in self.followers if one.seen.members), ())

    def entry(self, place: Place) -> Listed | None:
        """How a member is listed."""
        return next((one for one in self.listed if one.name == place.name or place.peer in one.peers), None)


def look(ctx: Context, place: Place) -> Member:
    """One member as it stands; a guest that is still to be made is as a new one will be.

    Raises:
        HostError: it, or the hypervisor that knows whether it is there, cannot be asked.
        RemoteError: it did not answer as our script does.
    """
    if not ctx.present(place.name):
        return Member(place, known=ctx.guest(place.name) is None, present=False)
    args = read_args(place, package=packaged(ctx.spec))
    return Member(place, ctx.ask(place.name, READ, args, timeout=READ_SECONDS, parse=_parsed))


def _parsed(answer: ScriptResult) -> EtcdSeen:
    return parse_etcd(answer.stdout)


def look_at_all(ctx: Context) -> Cluster:
    """Every member, asked side by side; one that cannot be asked is known as such."""
    return Cluster(
        tuple(
            side_by_side(
                places(ctx.spec), lambda place: look(ctx, place), lambda place, _: Member(place, known=False)
            )
        )
    )


def served(state: RunState) -> bool:
    """Whether, as far as we remember, the cluster ever had a quorum: then its data counts."""
    changes = state.step(STEP).changes.values()
    return any(one.status is ChangeStatus.DONE and one.key.startswith(BY_STARTING) for one in changes)


def names(members: Sequence[Member]) -> str:
    """For people: `etcd-a and pi`."""
    return " and ".join(member.name for member in members)


def quorum_risk(ctx: Context, names: Sequence[str]) -> str:
    """Why members must not be disturbed now: without one of them too few are left that agree. Empty = they may.

    One that does not follow the leader is no loss; of the others never are two away at a time.

    Args:
        ctx: this pass.
        names: of the members that would be restarted, replaced or shut down.
    """
    if not places(ctx.spec):
        return ""
    cluster = look_at_all(ctx)
    up = [one.name for one in cluster.followers]
    held = [name for name in names if name in up]
    if not held or len(up) - 1 >= cluster.quorum:
        return ""
    away = [one.name for one in cluster.members if one.name not in up]
    return (
        f"{held[0]} is one of the {len(up)} members that hold etcd's quorum ({cluster.quorum} of "
        f"{len(cluster.members)}): without it the cluster takes no changes. Mend {' and '.join(away)} first."
    )
