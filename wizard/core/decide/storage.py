"""Which way to keep data fits this homelab, with what each verdict rests on: a pure function of spec and facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from wizard.core.dataclass import dataclass
from wizard.core.decide import storage_ceph as ceph
from wizard.core.decide import storage_longhorn as longhorn
from wizard.core.decide import storage_shared as shared
from wizard.core.decide import storage_simple as simple
from wizard.core.decide.storage_data import (
    Candidate,
    Health,
    Level,
    Outcome,
    Requirement,
    StorageData,
    Story,
    storage_data,
)
from wizard.core.decide.storage_hosts import Home, Seen, names
from wizard.core.facts import HostFacts
from wizard.core.spec.model import ClusterSpec

Rule = Callable[[Home, Requirement], Iterable[Seen]]

_RULES: tuple[Rule, ...] = (
    simple.one_server,
    simple.databases,
    simple.backup_place,
    simple.gluster_copies,
    simple.gluster_arbiter,
    simple.gluster_space,
    simple.no_volumes,
    simple.class_named,
    simple.class_there,
    ceph.raw_device,
    ceph.raw_hosts,
    ceph.raw_flash,
    ceph.ceph_memory,
    ceph.monitors,
    ceph.stretch_monitors,
    ceph.stretch_copies,
    longhorn.zones,
    longhorn.replicas,
    longhorn.own_device,
    longhorn.named,
    longhorn.flash,
    longhorn.unused,
    longhorn.room,
    longhorn.storage_guests,
    longhorn.backup_target,
    shared.lan_speed,
    shared.lan_or_second,
    shared.guest_kernel,
    shared.guest_packages,
    shared.kubernetes,
    shared.maintained_driver,
    shared.maintained_project,
)
RULES: Mapping[str, Rule] = {rule.__name__: rule for rule in _RULES}
"""The rules by the name the data knows them by."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One requirement against one host, or against the homelab as a whole."""

    id: str
    requirement: str
    found: str
    met: bool | None
    """None = not known, which is never taken for met."""
    host: str
    """Empty = the homelab as a whole."""
    source: str
    level: Level
    do: str = ""

    @property
    def counts(self) -> bool:
        """It keeps the candidate from fitting."""
        return self.met is not True and self.level != "info"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out for one candidate."""

    kind: str
    title: str
    what: str
    verdict: Outcome
    summary: str
    reasons: tuple[Reason, ...]
    health: Health

    @property
    def refused(self) -> tuple[Reason, ...]:
        """What rejects it."""
        return tuple(one for one in self.reasons if one.met is False and one.level == "must")

    @property
    def conditions(self) -> tuple[Reason, ...]:
        """What keeps it from fitting without rejecting it: half met, or not known."""
        return tuple(one for one in self.reasons if one.counts and one not in self.refused)


@dataclass(frozen=True, slots=True)
class StorageDecision:
    """Every verdict, and what the spec chose."""

    chosen: str
    verdicts: tuple[Verdict, ...]
    warning: str
    """Where what was chosen is rejected: why, and what to do; else empty."""
    unknown: tuple[str, ...]
    """Hosts that could not be asked."""
    story: Story
    as_of: str
    """When the data on the projects was put together, ISO."""

    def verdict(self, kind: str) -> Verdict:
        """The verdict on one candidate.

        Raises:
            KeyError: there is no such candidate.
        """
        for one in self.verdicts:
            if one.kind == kind:
                return one
        raise KeyError(kind)


def decide_storage(
    spec: ClusterSpec, facts: Mapping[str, HostFacts], data: StorageData | None = None
) -> StorageDecision:
    """Hold every candidate's requirements against the homelab.

    Args:
        spec: what is wanted.
        facts: of the hosts that could be asked, by name.
        data: requirements and sources; those that come with the wizard where not given.
    """
    held = data or storage_data()
    verdicts = tuple(_verdict(Home(spec, facts, candidate)) for candidate in held.candidates)
    chosen = spec.storage.kind
    return StorageDecision(
        chosen=chosen,
        verdicts=verdicts,
        warning="".join(_warning(one) for one in verdicts if one.kind == chosen),
        unknown=tuple(host.name for host in spec.hosts if host.name not in facts),
        story=held.story,
        as_of=held.as_of,
    )


def _verdict(home: Home) -> Verdict:
    candidate = home.candidate
    reasons = tuple(_reasons(home))
    outcome = _outcome(reasons)
    return Verdict(
        kind=candidate.kind,
        title=candidate.title,
        what=candidate.what,
        verdict=outcome,
        summary=_summary(candidate, outcome, reasons),
        reasons=reasons,
        health=candidate.health,
    )


def _reasons(home: Home) -> Iterator[Reason]:
    for need in home.candidate.requirements:
        for seen in RULES[need.rule](home, need):
            level = need.level if need.level == "info" else seen.level or need.level
            yield Reason(need.id, need.sentence, seen.found, seen.met, seen.host, need.source, level, seen.do)


def _outcome(reasons: tuple[Reason, ...]) -> Outcome:
    """One `must` that is surely not met rejects; whatever else is not surely met is a condition."""
    if any(one.met is False and one.level == "must" for one in reasons):
        return "rejected"
    return "conditions" if any(one.counts for one in reasons) else "fits"


def _summary(candidate: Candidate, outcome: Outcome, reasons: tuple[Reason, ...]) -> str:
    hosts = dict.fromkeys(one.host for one in reasons if one.counts and one.met is None and one.host)
    missing = (
        f" Not everything is known of {names(list(hosts))}." if hosts and outcome == "conditions" else ""
    )
    return candidate.verdicts[outcome] + missing


def _warning(verdict: Verdict) -> str:
    if verdict.verdict != "rejected":
        return ""
    why = [f"{one.host}: {one.found}" if one.host else one.found for one in verdict.refused]
    ways = list(dict.fromkeys(one.do for one in verdict.refused if one.do))
    do = f" {'. '.join(ways)}." if ways else ""
    return f"The spec says {verdict.kind}, which is rejected here: {'; '.join(why)}.{do}"
