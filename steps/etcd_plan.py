"""What is missing on the members, in an order that never takes a running cluster below its quorum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime

from steps import etcd_work as work
from steps.etcd_authority import SIGN, Stage, due
from steps.etcd_certificates import to_make, wanted_certificates
from steps.etcd_files import config_of, differing, outdated, right_version
from steps.etcd_guard import guard_changes, leading
from steps.etcd_seen import LOOKS, STEP, Cluster, Member, Place, packaged, served
from wizard.core.artifact import ARCH, Need
from wizard.core.change import Change
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.facts import HostFacts
from wizard.core.packages import load_packages
from wizard.core.spec import ClusterSpec
from wizard.core.state import ChangeStatus, RunState
from wizard.payload.etcd_config import AUTHORITY, PKI

CERTIFICATES = "certificates"
PROVE = "prove"
RIGHTS = "rights"


@dataclass(slots=True)
class Planner:
    """Finds the changes of one pass."""

    ctx: Context
    cluster: Cluster
    pace: str = ""
    """The timers in use and why, for those who read the plan."""
    renewed: frozenset[str] = frozenset()
    """Members whose certificate is made anew in this pass."""
    stage: Stage | None = None
    """Of the authority's renewal, done in this pass."""
    _made: list[Change] = field(default_factory=list)
    _first: tuple[str, ...] = ()
    """Changes on this machine that those of the members wait for."""

    def changes(self) -> list[Change]:
        """Everything that is missing, the proof last."""
        self._certificates()
        self._authority()
        self._first = self._keys()
        known = [member for member in self.cluster.members if member.known]
        resting = [member for member in known if not member.runs]
        for member in (one for one in resting if not self.joins(one)):
            self._member(member, after=())
        for member in (one for one in resting if self.joins(one)):
            self._member(member, after=self._keys())
        # One at a time, each only when the one before is back: at no moment is more than one of them away.
        # The leader comes last: it hands over to one that was restarted already, and the lead moves once.
        for member in sorted(
            (one for one in known if one.runs), key=lambda one: one == leading(self.cluster)
        ):
            self._member(member, after=self._keys())
        if needs_rights(self.cluster, self.ctx.state):
            self._made.append(_rights(self.cluster, self._keys()))
        self._made += guard_changes(self.ctx, self.cluster)
        if self._made or needs_proof(self.ctx.state):
            self._made.append(_prove(self.cluster, self._keys()))
        return self._made

    def _keys(self) -> tuple[str, ...]:
        return tuple(change.key for change in self._made)

    def _certificates(self) -> None:
        missing = list(to_make(self.ctx.secrets, self.ctx.spec, datetime.now(UTC)))
        if not missing:
            return
        self.renewed = frozenset(wanted.name for wanted, _ in missing)
        self._made.append(
            Change(
                key=CERTIFICATES,
                host="",
                summary=f"Make certificates for {', '.join(wanted.name for wanted, _ in missing)}",
                preview="\n".join(f"{wanted.name}: {reason}" for wanted, reason in missing),
                do=work.make_certificates,
            )
        )

    def _authority(self) -> None:
        """A stage of the authority's renewal; never beside certificates that are missing for another reason."""
        self.stage = None if self._made else due(self.ctx, self.cluster)
        if self.stage is None:
            return
        if self.stage.name == SIGN:
            self.renewed = frozenset(wanted.name for wanted in wanted_certificates(self.ctx.spec))
        self._made.append(self.stage.change)

    def joins(self, member: Member) -> bool:
        """Whether a member without data joins a cluster that is there, as opposed to forming it with the others."""
        if member.has_data:
            return self.removed(member)
        if self.cluster.live:
            entry = self.cluster.entry(member.place)
            return entry is None or entry.started or entry.learner
        return served(self.ctx.state) and self.cluster.formed

    def removed(self, member: Member) -> bool:
        """Whether a member's data is of an entry that was taken off the list: etcd refuses to start with it."""
        if member.runs or not self.cluster.live or not self.cluster.listed:
            return False
        return self.cluster.entry(member.place) is None or member.seen.expelled

    def _member(self, member: Member, after: tuple[str, ...]) -> None:
        own = list(self._of(member))
        if not own:
            return
        needs = tuple(dict.fromkeys([*self._first, *after]))
        # Programs do not wait for certificates; what disturbs a member does.
        undisturbing = own[0].key.startswith("install:") and not member.runs
        self._made += [
            change if index == 0 and undisturbing else replace(change, after=needs)
            for index, change in enumerate(own)
        ]

    def _of(self, member: Member) -> Iterator[Change]:
        place, others = member.place, self._others(member)
        lineage = self.ctx.lineage_on(place.host)
        old = installs(self.ctx, member)
        if old and not ahead(member):
            yield install_change(self.ctx, member)
        if self._moved(member):
            yield _address(member, others)
        paths = differing(member, self.ctx.spec, lineage, self.ctx.secrets, joining=self.joins(member))
        if place.name in self.renewed:
            paths += [f"{PKI}/member.crt"]
        turns = self.stage is not None and self.stage.name != SIGN
        if turns:
            paths += [AUTHORITY]
        if paths:
            yield self._configure(member, paths, lineage)
        if member.runs:
            if old or turns or outdated(member, self.ctx.spec, lineage, self.ctx.secrets):
                yield _restart(member, others)
            elif not member.seen.unit.enabled:
                yield _start(member)
            elif self._learns(member):
                yield _promote(member, others)
        else:
            yield from self._begin(member, others)

    def _configure(self, member: Member, paths: Sequence[str], lineage: str) -> Change:
        place, ctx, joining = member.place, self.ctx, self.joins(member)
        text = config_of(ctx.spec, place, lineage, ctx.secrets, joining=joining)
        pace = [f"heartbeat and election: {self.pace}"] if self.pace else []
        return Change(
            key=f"configure:{place.name}",
            host=place.name,
            summary=f"Set up etcd on {place.name}, its data in {place.base}/data",
            preview="\n".join([f"writes {', '.join(dict.fromkeys(paths))}", *pace, text]),
            weight=2.0,
            do=work.configure(place, joining=joining, etcd=ctx.spec.etcd),
        )

    def _others(self, member: Member) -> list[Member]:
        """All the others, those that answer first: each of them must be healthy before this one is disturbed."""
        others = [one for one in self.cluster.members if one.name != member.name]
        # Of these the quick ones come first: a leader hands over to the first that takes it.
        return sorted(others, key=lambda one: (one not in self.cluster.followers, one.place.witness))

    def _begin(self, member: Member, others: Sequence[Member]) -> Iterator[Change]:
        if self.joins(member):
            yield from self._replace(member)
        elif self._learns(member):
            yield _promote(member, others)
        elif member.has_data or self.cluster.live or not served(self.ctx.state):
            yield _start(member)

    def _replace(self, member: Member) -> Iterator[Change]:
        """Only with a quorum of others that have their data: those that answer, or will when they were started."""
        helpers = [
            one for one in self.cluster.members if one.name != member.name and (one.has_data or one.runs)
        ]
        if len(helpers) >= self.cluster.quorum:
            entry = self.cluster.entry(member.place)
            stale = entry.id if entry and not entry.learner else ""
            aside = member.has_data and self.removed(member)
            yield _replace(member, helpers, stale, aside=aside)

    def _learns(self, member: Member) -> bool:
        entry = self.cluster.entry(member.place)
        return entry is not None and entry.learner

    def _moved(self, member: Member) -> bool:
        entry = self.cluster.entry(member.place)
        return entry is not None and bool(entry.peers) and member.place.peer not in entry.peers


def survivors_missing(cluster: Cluster, state: RunState) -> bool:
    """Whether a cluster that once took writes has too few members left that have data, unknown ones counted in.

    To start empty members then would throw away what was agreed on.
    """
    if cluster.live or not served(state):
        return False
    left = sum(1 for one in cluster.members if one.has_data or one.runs or not one.known)
    return left < cluster.quorum


def needs_proof(state: RunState) -> bool:
    """Whether the proof was never made, or something was changed after it, as far as we remember."""
    records = state.step(STEP).changes
    proof = records.get(PROVE)
    if proof is None or proof.status is not ChangeStatus.DONE:
        return True
    return any(one.status is ChangeStatus.IN_FLIGHT or one.at > proof.at for one in records.values())


def needs_rights(cluster: Cluster, state: RunState) -> bool:
    """Whether clients may do more than they need; where no member can tell, what we remember."""
    told = {member.seen.rights for member in cluster.followers} - {""}
    if told:
        return told != {LOOKS}
    record = state.step(STEP).changes.get(RIGHTS)
    return record is None or record.status is not ChangeStatus.DONE


def ahead(member: Member) -> bool:
    """Whether a member gets its programs before its turn: it is a host of its own, and nothing runs there to disturb."""
    return member.place.witness and member.known and not member.runs


def installs(ctx: Context, member: Member) -> bool:
    """Whether its programs are missing or of another version."""
    return not right_version(member.seen.version, ctx.spec) or not member.seen.ctl_version


def install_change(ctx: Context, member: Member) -> Change:
    """Bring etcd's programs to a member.

    Args:
        ctx: this pass.
        member: as it stands.
    """
    version, name = ctx.spec.etcd.version, member.name
    arch = _arch(ctx, member)
    source = _package(ctx, arch) if packaged(ctx.spec) else ctx.artifacts.named("etcd", arch, version).label
    there = f" in place of {member.seen.version}" if member.seen.version else ""
    return Change(
        key=f"install:{name}",
        host=name,
        summary=f"Install etcd {version} on {name}{there}",
        preview=f"{source} -> /usr/local/bin/etcd, etcdctl, etcdutl",
        weight=15.0,
        do=work.install(arch),
        needs=needed_files(ctx.spec, arch),
    )


def needed_files(spec: ClusterSpec, arch: str) -> tuple[Need, ...]:
    """What etcd's programs come in: the release, or Debian's packages.

    Args:
        spec: says which version.
        arch: `amd64` or `arm64`.
    """
    if not packaged(spec):
        return (Need("etcd", arch, spec.etcd.version),)
    known = load_packages()
    return tuple(Need(deb.artifact, arch, deb.version) for deb in known.closure(known.etcd, arch))


def _package(ctx: Context, arch: str) -> str:
    known = load_packages()
    debs = known.closure(known.etcd, arch)
    found = (ctx.artifacts.named(deb.artifact, arch, deb.version) for deb in debs)
    return f"Debian's {', '.join(f'{deb.name} {one.version}' for deb, one in zip(debs, found, strict=True))}"


def _arch(ctx: Context, member: Member) -> str:
    """As publishers call it; a guest that is still to be made has its hypervisor's."""
    facts = ctx.try_facts(member.name if member.present else member.place.host)
    return ARCH.get(facts.arch, facts.arch) if isinstance(facts, HostFacts) else "amd64"


def _address(member: Member, others: Sequence[Member]) -> Change:
    return Change(
        key=f"address:{member.name}",
        host=member.name,
        summary=f"Tell the cluster that {member.name} is at {member.place.address} now",
        preview=f"etcdctl member update --peer-urls={member.place.peer}",
        weight=3.0,
        do=work.address(member.place, _places(others)),
    )


def _start(member: Member) -> Change:
    name = member.name
    return Change(
        key=f"start:{name}",
        host=name,
        summary=f"Start etcd on {name}, now and at every boot",
        preview="systemctl enable etcd\nsystemctl start --no-block etcd",
        weight=10.0,
        do=work.start(member.place),
    )


def _restart(member: Member, others: Sequence[Member]) -> Change:
    name = member.name
    return Change(
        key=f"restart:{name}",
        host=name,
        summary=f"Restart etcd on {name}, while the others are healthy",
        preview="systemctl restart --no-block etcd",
        weight=10.0,
        do=work.restart(member.place, _places(others)),
    )


def _promote(member: Member, others: Sequence[Member]) -> Change:
    name = member.name
    return Change(
        key=f"promote:{name}",
        host=name,
        summary=f"Let {name} vote, once it has caught up",
        preview="etcdctl member promote",
        weight=15.0,
        do=work.promote(member.place, _places(others)),
    )


def _replace(member: Member, others: Sequence[Member], entry: str, *, aside: bool) -> Change:
    name, place = member.name, member.place
    lost = (
        [f"the entry {entry} of {name} in etcd's list of members; its own data is gone already"]
        if entry
        else []
    )
    if aside:
        lost.append(f"{place.base}/data on {name}: data of before it was removed from the cluster")
    return Change(
        key=f"replace:{name}",
        host=name,
        summary=f"Let {name} join the cluster anew and copy its data from the others",
        preview=f"on {others[0].name}: etcdctl member remove, member add {name} --learner --peer-urls={place.peer}, "
        "start, member promote",
        destroys=tuple(lost),
        weight=30.0,
        do=work.replace(place, _places(others), aside=aside),
    )


def _rights(cluster: Cluster, after: tuple[str, ...]) -> Change:
    asked = next(iter(cluster.followers), cluster.members[0])
    return Change(
        key=RIGHTS,
        host=asked.name,
        summary="Let each client of etcd do no more than it needs: the doctor only looks",
        preview="etcdctl user add root, k3s (role root), doctor (no role)\netcdctl auth enable",
        weight=2.0,
        after=after,
        do=work.rights,
    )


def _prove(cluster: Cluster, after: tuple[str, ...]) -> Change:
    first = next((one for one in cluster.members if one.known), cluster.members[0])
    return Change(
        key=PROVE,
        host=first.name,
        summary="Prove that etcd takes writes through every member",
        preview="\n".join(
            f"etcdctl --endpoints={one.place.client} put, get, del /wizard/prove/..."
            for one in cluster.members
        ),
        weight=3.0,
        after=after,
        do=work.prove,
    )


def _places(members: Sequence[Member]) -> tuple[Place, ...]:
    return tuple(member.place for member in members)
