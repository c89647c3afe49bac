"""etcd as a process on simulated hosts: why it does not start, whom it finds, what its data belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from wizard.core.dataclass import dataclass
from wizard.core.secret import Secret
from wizard.payload.certificates import belongs, read_certificate, signed_by
from wizard.payload.etcd_guard import GUARD_SERVICE
from wizard.payload.etcd_guard import NAME as GUARD
from wizard.practice.etcd_cluster import EtcdCluster, Peer, new_cluster
from wizard.practice.machine import File, Machine
from wizard.practice.occupants import holds
from wizard.practice.world import World

CONFIG, RUNNING = "/etc/etcd/etcd.yml", "/run/etcd/etcd.yml"
PKI = "/etc/etcd/pki"
UNIT = "/etc/systemd/system/etcd.service"
BINARY = "/usr/local/bin/etcd"


@dataclass(frozen=True, slots=True)
class Config:
    """What a member was told."""

    name: str
    data: str
    peer: str
    client: str
    cluster: Mapping[str, str]
    """Name to peer URL."""
    token: str
    joining: bool


def read_config(machine: Machine, path: str = CONFIG) -> Config | None:
    """The configuration of a member, where there is one that can be read."""
    if path not in machine.files:
        return None
    return _parsed(machine.files[path].content)


@lru_cache(maxsize=256)
def _parsed(content: bytes) -> Config | None:
    import yaml

    found = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe one
    try:
        pairs = dict(part.split("=", 1) for part in found["initial-cluster"].split(","))
        return Config(
            found["name"],
            found["data-dir"],
            found["initial-advertise-peer-urls"],
            found["advertise-client-urls"],
            pairs,
            found["initial-cluster-token"],
            found["initial-cluster-state"] == "existing",
        )
    except (KeyError, TypeError, ValueError):
        return None


# --- data


def data_file(config: Config) -> str:
    """The file that says which cluster the data belongs to."""
    return f"{config.data}/member/snap/db"


def identity(machine: Machine, config: Config) -> tuple[int, int] | None:
    """Cluster and member that its data belongs to; None where there is no data."""
    found = machine.files.get(data_file(config))
    if found is None:
        return None
    kept = json.loads(found.content)
    return kept["cluster"], kept["member"]


def keep(machine: Machine, config: Config, cluster: int, member: int) -> None:
    """Begin a data directory."""
    text = json.dumps({"cluster": cluster, "member": member})
    machine.files[data_file(config)] = File(text.encode(), 0o600, "etcd:etcd", 25 * 2**20)


# --- starting


def settle(world: World) -> None:
    """Bring every member as far as it gets, then let each cluster elect its leader."""
    for _ in range(len(world.machines) + 1):
        before = _picture(world)
        for machine in world.machines.values():
            _advance(world, machine)
        for cluster in world.clusters.values():
            _gather(world, cluster)
        if _picture(world) == before:
            return


def _picture(world: World) -> list[object]:
    clusters = [
        (one.id, one.leader, one.running, sorted((m.id, m.name, m.learner) for m in one.members.values()))
        for one in world.clusters.values()
    ]
    return [clusters, [(one.etcd.ready, one.etcd.said) for one in world.machines.values()]]


def _advance(world: World, machine: Machine) -> None:
    unit = machine.etcd
    if not machine.alive or not unit.wanted:
        unit.ready = False
        machine.files.pop(RUNNING, None)
        return
    config = read_config(machine)
    unit.said = unit.broken or _obstacle(machine, config) or _begin(world, machine, config)
    if unit.said:
        unit.ready = False


def running(machine: Machine) -> bool:
    """Whether the process lives: it was started, and nothing keeps it from it."""
    return machine.alive and machine.etcd.wanted and not machine.etcd.said


def _obstacle(machine: Machine, config: Config | None) -> str:
    """Why systemd or etcd itself gives up at once; empty where nothing is in the way."""
    if UNIT not in machine.files or BINARY not in machine.files:
        return "etcd.service: Unit etcd.service not found."
    if config is None:
        return f"error verifying flags, open {CONFIG}: no such file or directory"
    base = config.data.removesuffix("/data")
    if f"{base}/wizard" not in machine.files:
        return "etcd.service: Control process exited, code=exited, status=1/FAILURE"
    return _no_room(machine, config) or _unreadable(machine)


def _no_room(machine: Machine, config: Config) -> str:
    """On the disk, or at its port."""
    if machine.is_full(data_file(config)):
        return f"open {config.data}/member/wal/0.tmp: no space left on device"
    if holds(machine, 2380):
        return f"listen tcp {machine.address}:2380: bind: address already in use"
    return ""


def _unreadable(machine: Machine) -> str:
    """What is wrong with its key and certificates."""
    for name in ("member.key", "member.crt", "ca.crt"):
        file = machine.files.get(f"{PKI}/{name}")
        if file is None:
            return f"open {PKI}/{name}: no such file or directory"
        if not _readable(file):
            return f"open {PKI}/{name}: permission denied"
    key, certificate = (_text(machine, name) for name in ("member.key", "member.crt"))
    if not _belongs(key, certificate):
        return "tls: private key does not match public key"
    return ""


def _readable(file: File) -> bool:
    """By the account etcd."""
    user, group = file.owner.split(":")
    return bool(
        file.mode & 0o004 or (user == "etcd" and file.mode & 0o400) or (group == "etcd" and file.mode & 0o040)
    )


def _begin(world: World, machine: Machine, config: Config | None) -> str:
    """Find the cluster; returns why that does not go."""
    assert config is not None
    if RUNNING not in machine.files:
        machine.files[RUNNING] = machine.files[CONFIG]
        machine.etcd.trusted = _text(machine, "ca.crt")
    config = read_config(machine, RUNNING) or config
    known = identity(machine, config)
    if known is not None:
        cluster = world.clusters.get(known[0])
        if cluster is not None and known[1] in cluster.removed:
            return "the member has been permanently removed from the cluster"
        return ""
    return _join(world, machine, config) if config.joining else _found(world, machine, config)


def _join(world: World, machine: Machine, config: Config) -> str:
    there = _clusters_at(world, machine, config)
    if not there:
        return "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs"
    listed = there[0].by_peer(config.peer)
    if listed is None:
        return "error validating peerURLs: member count is unequal"
    keep(machine, config, there[0].id, listed.id)
    return ""


def _found(world: World, machine: Machine, config: Config) -> str:
    cluster = new_cluster(config.token, list(config.cluster.values()))
    known = world.clusters.setdefault(cluster.id, cluster)
    own = known.by_peer(config.peer)
    if own is None or (own.client and _clusters_at(world, machine, config)):
        return f"member {own.id if own else 0:x} has already been bootstrapped"
    keep(machine, config, known.id, own.id)
    return ""


def _clusters_at(world: World, machine: Machine, config: Config) -> list[EtcdCluster]:
    """The clusters that its peers, as far as it reaches them, belong to and that have a leader."""
    found = []
    for url in config.cluster.values():
        other = world.at(_address(url))
        theirs = read_config(other) if other and other is not machine and running(other) else None
        known = identity(other, theirs) if other and theirs else None
        cluster = world.clusters.get(known[0]) if known else None
        if cluster and cluster.leader and other and connected(machine, other):
            found.append(cluster)
    return found


def _address(url: str) -> str:
    return url.removeprefix("https://").rsplit(":", 1)[0]


# --- together


def _gather(world: World, cluster: EtcdCluster) -> None:
    """Who runs and sees the others: the largest part of it decides."""
    there = {one.id: machine for machine, one in members_at(world, cluster)}
    groups = [frozenset(other for other in there if connected(there[one], there[other])) for one in there]
    cluster.settle(max(groups, key=len, default=frozenset()))
    if not cluster.leader:
        return
    for one in cluster.running:
        machine = there[one]
        config = read_config(machine, RUNNING)
        entry = cluster.members[one]
        machine.etcd.ready = True
        if config:
            entry.name, entry.client = config.name, config.client
    _take_back(cluster, there)


def _take_back(cluster: EtcdCluster, there: Mapping[int, Machine]) -> None:
    """The timers of the quick members look: one takes the lead from a witness that is named to it."""
    for one in sorted(cluster.running):
        machine, service = there[one], there[one].files.get(GUARD_SERVICE)
        if GUARD not in machine.timers or service is None or cluster.members[one].learner:
            continue
        leader = cluster.members[cluster.leader]
        if leader.client and leader.client in service.content.decode().split():
            cluster.hand_over(one)
            machine.guard_said = f"took the lead from {leader.client}"
        else:
            machine.guard_said = machine.guard_said or "no witness leads"


def members_at(world: World, cluster: EtcdCluster) -> list[tuple[Machine, Peer]]:
    """The machines whose running etcd is a member of this cluster."""
    found = []
    for machine in world.machines.values():
        config = read_config(machine, RUNNING) if running(machine) else None
        known = identity(machine, config) if config else None
        if known and known[0] == cluster.id and known[1] in cluster.members:
            found.append((machine, cluster.members[known[1]]))
    return found


def member_of(world: World, machine: Machine) -> tuple[EtcdCluster, Peer] | None:
    """The cluster a machine's running etcd belongs to, and its entry in the list."""
    config = read_config(machine, RUNNING) if running(machine) else None
    known = identity(machine, config) if config else None
    cluster = world.clusters.get(known[0]) if known else None
    if known is None or cluster is None or known[1] not in cluster.members:
        return None
    return cluster, cluster.members[known[1]]


# --- certificates


def connected(one: Machine, other: Machine) -> bool:
    """Whether two members take each other's certificates."""
    return one is other or (_accepts(one, other) and _accepts(other, one))


def _accepts(judge: Machine, shown: Machine) -> bool:
    authority, certificate = judge.etcd.trusted, _text(shown, "member.crt")
    found = read_certificate(certificate)
    if found is None or not _signed(certificate, authority):
        return False
    now = datetime.now(UTC) + timedelta(seconds=judge.skew)
    named = shown.address in found.addresses
    return found.server and found.client and named and found.begins <= now <= found.ends


def client_accepted(
    client: Machine,
    server: Machine,
    *,
    address: str,
    name: str = "doctor",
    paths: tuple[str, str, str] | None = None,
) -> str:
    """Why a client is not served; empty = it is.

    Args:
        client: whose etcdctl asks.
        server: that is asked.
        address: it is asked at.
        name: whose certificate it shows.
        paths: of the authority it trusts, its certificate and its key; None = as etcdctl has them on a member.
    """
    trusted, crt, key = paths or (f"{PKI}/ca.crt", f"{PKI}/{name}.crt", f"{PKI}/{name}.key")
    own, theirs = _content(client, crt), _text(server, "member.crt")
    if not _belongs(_content(client, key), own):
        return "tls: private key does not match public key"
    found, shown = read_certificate(own), read_certificate(theirs)
    now = datetime.now(UTC) + timedelta(seconds=server.skew)
    if shown is None or not _signed(theirs, _content(client, trusted)):
        return "x509: certificate signed by unknown authority"
    if address not in (*shown.addresses, *shown.names):
        return f"x509: certificate is valid for {', '.join(shown.addresses)}, not {address}"
    if not shown.begins <= now <= shown.ends:
        return "x509: certificate has expired or is not yet valid"
    if found is None or not _signed(own, server.etcd.trusted) or not found.client:
        return "remote error: tls: bad certificate"
    return "" if found.begins <= now <= found.ends else "remote error: tls: expired certificate"


def _text(machine: Machine, name: str) -> str:
    return _content(machine, f"{PKI}/{name}")


def _content(machine: Machine, path: str) -> str:
    found = machine.files.get(path)
    return found.content.decode() if found else ""


@lru_cache(maxsize=1024)
def _signed(pem: str, authority: str) -> bool:
    return signed_by(pem, authority)


@lru_cache(maxsize=256)
def _belongs(key: str, pem: str) -> bool:
    try:
        return belongs(Secret(key), pem)
    except ValueError:
        return False
