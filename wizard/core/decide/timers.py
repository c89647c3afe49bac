"""How good a member's disk is, and which timers all members of etcd are given: pure functions of what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from wizard.core.dataclass import dataclass
from wizard.core.decide.witness_data import Verdict, witness_data
from wizard.core.spec.model import ClusterSpec

STEP_MS = 50
"""Timers that follow from round trips are rounded up to this, so that noise does not change them."""


@dataclass(frozen=True, slots=True)
class DiskSpeed:
    """How quickly the disk of one member syncs, as it was measured last."""

    member: str
    host: str
    """The machine it was measured on: the member itself, or its hypervisor while the guest is not there."""
    path: str
    """The folder it was measured in."""
    device: str = ""
    """What the folder lies on, for people."""
    method: str = ""
    """`fio`, or `dd` (weaker); empty = not measured."""
    p99_ms: float | None = None
    """99th percentile; None = not measured."""
    samples: int = 0
    note: str = ""
    """What a reader must know of this result."""
    measured_at: float = 0.0
    """Our clock, seconds since the epoch; 0 = never."""
    card: bool = False
    """It lies on an SD card or eMMC."""


@dataclass(frozen=True, slots=True)
class EtcdTimers:
    """The timers of every member, and why."""

    heartbeat_ms: int
    election_ms: int
    reason: str
    """A sentence without its full stop."""
    override: str = ""
    """The keys of the spec that go before what was measured; empty = none."""

    @property
    def words(self) -> str:
        """`250/2500 ms because ...`."""
        return f"{self.heartbeat_ms}/{self.election_ms} ms {self.reason}"


@dataclass(frozen=True, slots=True)
class EtcdSpeeds:
    """All that was measured about the members."""

    disks: tuple[DiskSpeed, ...] = ()
    round_trips: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Milliseconds, mean, by (from, to)."""

    def disk(self, member: str) -> DiskSpeed | None:
        """That of a member, where it was measured."""
        return next((one for one in self.disks if one.member == member and one.p99_ms is not None), None)


def verdict(speed: DiskSpeed, spec: ClusterSpec) -> Verdict:
    """How good a disk is; an SD card is refused whatever was measured.

    Args:
        speed: as measured.
        spec: whether it accepts a slow witness.
    """
    if speed.card:
        found: Verdict = "refused"
    elif speed.p99_ms is None:
        return "unknown"
    else:
        found = next(one.verdict for one in witness_data().speeds if speed.p99_ms <= one.up_to_ms)
    accepted = found == "refused" and spec.witness.accept_slow and is_witness(spec, speed.member)
    return "accepted" if accepted else found


def is_witness(spec: ClusterSpec, member: str) -> bool:
    """Whether a member is the witness."""
    return any(host.name == member for host in spec.witnesses)


def choose_timers(spec: ClusterSpec, speeds: EtcdSpeeds) -> EtcdTimers:
    """The timers of every member: those of the spec, else those that follow from the slowest disk and round trip.

    Args:
        spec: its members, and keys that go before what was measured.
        speeds: what was measured last.
    """
    derived = _derived([member.name for member in spec.etcd_members()], speeds)
    heartbeat, election = spec.etcd.heartbeat_ms, spec.etcd.election_ms
    keys = [
        f"etcd.{name}" for name, value in (("heartbeat_ms", heartbeat), ("election_ms", election)) if value
    ]
    if not keys:
        return derived
    beat = heartbeat or derived.heartbeat_ms
    return EtcdTimers(
        beat,
        election or max(derived.election_ms, _election(beat)),
        f"as {' and '.join(keys)} in the spec say{'s' if len(keys) == 1 else ''}; without: {derived.words}",
        " and ".join(keys),
    )


def _derived(members: Sequence[str], speeds: EtcdSpeeds) -> EtcdTimers:
    by_disk = _by_disk(members, speeds)
    (one, other), longest = max(
        ((pair, ms) for pair, ms in speeds.round_trips.items() if set(pair) <= set(members)),
        key=lambda found: found[1],
        default=(("", ""), 0.0),
    )
    beat = math.ceil(longest * witness_data().round_trip_factor / STEP_MS) * STEP_MS
    if beat <= by_disk.heartbeat_ms:
        return by_disk
    beat = min(beat, _most() // witness_data().election_factor)
    return EtcdTimers(
        beat, _election(beat), f"because a round trip from {one} to {other} takes {number(longest)} ms"
    )


def _by_disk(members: Sequence[str], speeds: EtcdSpeeds) -> EtcdTimers:
    data = witness_data()
    known = [(name, one.p99_ms) for name in members if (one := speeds.disk(name)) and one.p99_ms is not None]
    missing = [name for name in members if speeds.disk(name) is None]
    slowest, p99 = max(known, key=lambda found: found[1], default=("", 0.0))
    pace = next(one for one in data.paces if p99 <= one.up_to_ms)
    if missing and pace.heartbeat_ms <= data.unmeasured.heartbeat_ms:
        what = f"{' and '.join(missing)} {'was' if len(missing) == 1 else 'were'} not measured"
        usual = data.unmeasured
        return EtcdTimers(
            usual.heartbeat_ms,
            usual.election_ms,
            f"because {what if known else 'nothing was measured'} yet: safe for a slow disk on the Pi",
        )
    if pace is data.paces[0]:
        most = number(pace.up_to_ms)
        reason = f"because every disk syncs within {most} ms (the slowest, {slowest}: p99 {number(p99)} ms)"
        return EtcdTimers(pace.heartbeat_ms, pace.election_ms, reason)
    return EtcdTimers(
        pace.heartbeat_ms, pace.election_ms, f"because the p99 of {slowest} is {number(p99)} ms"
    )


def _election(heartbeat_ms: int) -> int:
    return min(heartbeat_ms * witness_data().election_factor, _most())


def _most() -> int:
    return witness_data().election_most_ms


def timed(spec: ClusterSpec, timers: EtcdTimers) -> ClusterSpec:
    """The spec with the timers that are in use, as if it named them.

    Args:
        spec: what is wanted.
        timers: as chosen for it.
    """
    etcd = replace(spec.etcd, heartbeat_ms=timers.heartbeat_ms, election_ms=timers.election_ms)
    return replace(spec, etcd=etcd)


def guarded(spec: ClusterSpec, speeds: EtcdSpeeds) -> tuple[str, ...]:
    """The witnesses that shall not lead: those whose disk was not measured to be good.

    Etcd knows no preference for a leader, and all writes go at the leader's pace (domain.md 2.3).

    Args:
        spec: what is wanted.
        speeds: what was measured last.
    """
    members = [member.name for member in spec.etcd_members()]
    return tuple(
        name
        for name in members
        if is_witness(spec, name)
        and ((one := speeds.disk(name)) is None or verdict(one, spec) != "good")
        and len(members) > 1
    )


def number(value: float) -> str:
    """A number of milliseconds as it is read best: `0.4`, `2.1`, `31`."""
    few = 10
    return f"{value:.1f}".removesuffix(".0") if value < few else f"{value:.0f}"
