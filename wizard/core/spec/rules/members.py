"""Hosts by role, etcd's voters and their timers, copies of data (faults.md 37)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wizard.core.spec.model import ClusterSpec, HostSpec, Problem, ProblemLevel

FEWEST_HYPERVISORS = 2
FEWEST_MEMBERS = 3
"""The smallest number of voters of which one may be lost."""
HEARTBEAT_MS, ELECTION_MS = 100, 1000
"""etcd's defaults (etcd.io, tuning)."""
ELECTION_FACTOR = 5
"""etcd refuses to start with an election timeout below five heartbeats (server/etcdmain, config check)."""
FOR_GUESTS = ("guests", "bridge", "vm_dir", "storage_disk")


def member_rules(spec: ClusterSpec) -> Iterator[Problem]:
    """Enough hosts of each role, each fit for it, and an odd number of voters on different machines."""
    if not any(_unknown(host.role) for host in spec.hosts):
        yield from _roles(spec)
        yield from _replicas(spec)
    for index, host in enumerate(spec.hosts):
        yield from _fit(f"hosts[{index}]", host)
    if spec.hosts and spec.machines and not any(_unknown(m.role) or not m.host for m in spec.machines):
        yield from _voters(spec)
        yield from _servers(spec)
    yield from _timers(spec)


def _unknown(role: str) -> bool:
    return not role


def _roles(spec: ClusterSpec) -> Iterator[Problem]:
    hypervisors, witnesses = len(spec.hypervisors), len(spec.witnesses)
    if hypervisors < FEWEST_HYPERVISORS:
        text = f"{_count(hypervisors, 'hypervisor')}: nothing could take over when one stops."
        yield Problem("hosts", text, "Name two hosts at least with role: hypervisor.")
    if witnesses == 0:
        text = "There is no witness: two hypervisors alone have no majority when one of them stops."
        yield Problem("hosts", text, "Name a third machine, such as a Raspberry Pi, with role: witness.")
    for index in [i for i, host in enumerate(spec.hosts) if host.role == "witness"][1:]:
        text = "This is a second witness: the cluster has exactly one."
        yield Problem(f"hosts[{index}].role", text, "Keep one host with role: witness.")


def _count(number: int, noun: str) -> str:
    return {0: f"There is no {noun}", 1: f"There is one {noun} only"}.get(number, f"{number} {noun}s")


def _fit(path: str, host: HostSpec) -> Iterator[Problem]:
    if host.role == "hypervisor" and host.platform == "pi":
        text = "A Raspberry Pi is the witness here; it is too small to carry the guests."
        yield Problem(f"{path}.platform", text, "Write role: witness, or another platform.")
    if host.role == "witness" and host.platform == "unraid":
        text = "Unraid has no service manager and keeps its root in memory: etcd cannot run on it directly."
        yield Problem(
            f"{path}.platform", text, "Take a Raspberry Pi or another Linux machine as the witness."
        )
    for key in FOR_GUESTS if host.role == "witness" else ():
        if getattr(host, key) not in (None, "auto"):
            text = f"{key} has no meaning for a witness: no guests run on it."
            yield Problem(f"{path}.{key}", text, f"Remove {key}.", level="warning")
    if host.storage_disk and host.storage_disk.startswith(("/dev/sd", "/dev/vd", "/dev/hd")):
        text = f"{host.storage_disk} may name another disk after the next start."
        hint = "Name it by its serial number: ls -l /dev/disk/by-id"
        yield Problem(f"{path}.storage_disk", text, hint, level="warning")


def _replicas(spec: ClusterSpec) -> Iterator[Problem]:
    replicas, hypervisors = spec.storage.replicas, len(spec.hypervisors)
    if spec.storage.kind != "longhorn":
        return
    enough = max(hypervisors, FEWEST_HYPERVISORS)  # fewer than two hypervisors is a problem of its own
    if replicas > enough:
        text = f"{replicas} copies of each volume need {replicas} hypervisors, and there are {hypervisors}."
        hint = f"Write at most {enough}: two copies on one host are one."
        yield Problem("storage.replicas", text, hint)
    elif replicas == 1:
        text = "With one copy a volume stops with its hypervisor, and is lost with its disk."
        yield Problem("storage.replicas", text, "Write replicas: 2.", level="warning")


def _level(spec: ClusterSpec, rule: str) -> ProblemLevel:
    """An error, unless a waiver names the rule of `wizard prove` that refuses it."""
    return "warning" if any(one.check == f"prove.{rule}" for one in spec.waivers) else "error"


def _voters(spec: ClusterSpec) -> Iterator[Problem]:
    members = spec.etcd_members()
    if len(members) < FEWEST_MEMBERS or len(members) % 2 == 0:
        text = f"etcd would have {_members(len(members))}: an odd number, three at least, is needed so that one may stop."
        hint = "One machine with role: etcd on each of two hypervisors, and the witness."
        level = _level(spec, "even-number-of-members") if len(members) >= FEWEST_MEMBERS else "error"
        yield Problem("machines", text, hint, level=level)
    for host, count in Counter(member.host for member in members).items():
        if count > 1:
            names = ", ".join(member.name for member in members if member.host == host)
            text = f"{names} are etcd members on one machine, {host}: they stop together and take the majority along."
            last = max(i for i, m in enumerate(spec.machines) if m.role == "etcd" and m.host == host)
            hint = "Put each etcd member on a host of its own."
            level = _level(spec, "two-voters-on-one-hypervisor")
            yield Problem(f"machines[{last}].host", text, hint, level=level)


def _members(number: int) -> str:
    return "one member" if number == 1 else f"{number} members"


def _servers(spec: ClusterSpec) -> Iterator[Problem]:
    if not any(machine.role == "server" for machine in spec.machines):
        text = "No machine has the role server: there would be no Kubernetes."
        yield Problem("machines", text, "Add one on each hypervisor, or leave machines out for a proposal.")


def _timers(spec: ClusterSpec) -> Iterator[Problem]:
    heartbeat = spec.etcd.heartbeat_ms or HEARTBEAT_MS
    election = spec.etcd.election_ms or ELECTION_MS
    if election < ELECTION_FACTOR * heartbeat:
        text = (
            f"The election time-out ({election} ms) is below {ELECTION_FACTOR} heartbeats of {heartbeat} ms."
        )
        key = "election_ms" if spec.etcd.election_ms else "heartbeat_ms"
        yield Problem(
            f"etcd.{key}",
            text,
            f"Write election_ms: {10 * heartbeat} (ten heartbeats); etcd refuses less than five.",
        )
