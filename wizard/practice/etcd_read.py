"""What read/etcd prints on a simulated host."""

from __future__ import annotations

import json
from collections.abc import Iterator

from wizard.core.host import Args
from wizard.payload.etcd_guard import GUARD_SCRIPT, GUARD_SERVICE, GUARD_TIMER
from wizard.payload.etcd_guard import NAME as GUARD
from wizard.practice.answer import Answer
from wizard.practice.etcd_cluster import EtcdCluster
from wizard.practice.etcd_process import (
    BINARY,
    CONFIG,
    PKI,
    RUNNING,
    UNIT,
    client_accepted,
    member_of,
    running,
    settle,
)
from wizard.practice.facts import mount_of
from wizard.practice.guest_scripts import Sections, space_of, text_of
from wizard.practice.machine import Machine
from wizard.practice.world import World

SHOWN = (CONFIG, RUNNING, f"{PKI}/ca.crt", f"{PKI}/member.crt", f"{PKI}/doctor.crt")
LISTED = (
    CONFIG,
    UNIT,
    *(
        f"{PKI}/{name}"
        for name in ("ca.crt", "member.crt", "member.key", "doctor.crt", "doctor.key", "root.crt", "root.key")
    ),
    GUARD_SCRIPT,
    GUARD_SERVICE,
    GUARD_TIMER,
)

QUOTA = 2 * 1024**3
DB_BYTES = 25 * 2**20
FAST_FSYNC = (("0.001", 310), ("0.002", 402), ("0.004", 425), ("0.008", 427), ("0.016", 428), ("+Inf", 428))
"""Buckets of a good SSD."""


class EtcdError(Exception):
    """What etcdctl says instead of doing it."""


def world_of(machine: Machine) -> World:
    """Where a machine stands; etcd is nothing for one that stands alone."""
    assert machine.world is not None, f"{machine.name} stands alone"
    return machine.world


def etcd(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/etcd."""
    world = world_of(machine)
    settle(world)
    if machine.etcd.said and machine.etcd.wanted:
        machine.etcd.restarts += 1
    base = args["base"]
    sections: Sections = [("binaries", list(_binaries(machine))), ("files", list(machine.listed(LISTED)))]
    sections += [
        (f"file {path}", machine.files[path].content.decode().splitlines())
        for path in SHOWN
        if path in machine.files
    ]
    sections += [("unit", list(_unit(machine))), ("log", _log(machine)), ("data", list(_data(machine, base)))]
    if GUARD_TIMER in machine.files:
        sections.append(("guard", list(_guard(machine))))
    sections += list(_cluster(machine))
    return Answer(text_of(sections))


def _binaries(machine: Machine) -> Iterator[str]:
    for name in ("etcd", "etcdctl"):
        found = machine.files.get(f"/usr/local/bin/{name}")
        if found:
            yield f"{name}={found.content.decode()}"
    if "etcd" in machine.users:
        yield "user=1"


def _state(machine: Machine) -> tuple[str, str]:
    unit = machine.etcd
    if not unit.wanted:
        return "inactive", "dead"
    if unit.said:
        return "activating", "auto-restart"
    return ("active", "running") if unit.ready else ("activating", "start")


def _unit(machine: Machine) -> Iterator[str]:
    active, sub = _state(machine)
    there = UNIT in machine.files
    yield f"LoadState={'loaded' if there else 'not-found'}"
    yield f"ActiveState={active}"
    yield f"SubState={sub}"
    yield f"Result={'exit-code' if machine.etcd.said else 'success'}"
    yield f"UnitFileState={'enabled' if machine.etcd.enabled else 'disabled' if there else ''}"
    yield f"NRestarts={machine.etcd.restarts}"
    yield f"MainPID={901 if running(machine) else 0}"
    yield f"FragmentPath={UNIT if there else ''}"
    yield from ("NeedDaemonReload=no", f"ExecMainStatus={1 if machine.etcd.said else 0}")


def _log(machine: Machine) -> list[str]:
    if not machine.etcd.wanted:
        return []
    if machine.etcd.said.startswith("etcd.service: "):
        return [machine.etcd.said]
    if machine.etcd.said:
        entry = {
            "level": "fatal",
            "ts": "2026-11-22T22:00:00.000Z",
            "msg": "discovery failed",
            "error": machine.etcd.said,
        }
        return [json.dumps(entry), "etcd.service: Main process exited, code=exited, status=1/FAILURE"]
    level, said = (
        ("info", "ready to serve client requests")
        if machine.etcd.ready
        else ("warn", "prober detected unhealthy status")
    )
    return [json.dumps({"level": level, "ts": "2026-11-22T22:00:00.000Z", "msg": said})]


def _data(machine: Machine, base: str) -> Iterator[str]:
    inside = [path for path in machine.files if path.startswith(f"{base}/data/")]
    member = any(path.startswith(f"{base}/data/member/") for path in inside)
    if member:
        yield from ("state=member", f"bytes={sum(machine.files[path].size for path in inside)}")
    else:
        yield f"state={'other' if inside else 'empty' if f'{base}/data' in machine.folders else 'absent'}"
    mark = machine.files.get(f"{base}/wizard")
    if mark:
        found = dict(line.split("=", 1) for line in mark.content.decode().splitlines())
        yield from (f"marker={found['lineage']}", f"marker_member={found['member']}")
    mount, source = mount_of(machine, base)
    if mount == "/":
        yield "root=1"
    _, size, free = space_of(machine, base)
    yield from (f"size={size * 1024}", f"free={0 if machine.is_full(f'{base}/x') else free * 1024}")
    yield from (f"source={source}", f"mount={mount}", f"fstab={'none' if mount == '/' else 'uuid'}")


def _guard(machine: Machine) -> Iterator[str]:
    on = GUARD in machine.timers
    yield from (
        f"ActiveState={'active' if on else 'inactive'}",
        f"UnitFileState={'enabled' if on else 'disabled'}",
    )
    yield from ("Result=success", "ExecMainStatus=0")
    if machine.guard_said:
        yield f"said={machine.guard_said}"


def _cluster(machine: Machine) -> Iterator[tuple[str, list[str]]]:
    if not running(machine):
        return
    errors = []
    if machine.etcd.ready:
        for name, tell in (("status", _status), ("members", _members)):
            try:
                yield name, [json.dumps(tell(machine, _own(machine)))]
            except EtcdError as error:
                errors.append(f"{name}: {error}")
        yield from _rights(machine)
    yield "metrics", list(_metrics(machine))
    if errors:
        yield "errors", errors


def _rights(machine: Machine) -> Iterator[tuple[str, list[str]]]:
    try:
        cluster = _own(machine)
    except EtcdError:
        return
    if cluster.leader:
        yield "rights", [f"doctor={'reads' if cluster.roles else 'everything'}"]


def _own(machine: Machine) -> EtcdCluster:
    """The cluster as the member's own etcdctl sees it at 127.0.0.1."""
    refused = client_accepted(machine, machine, address="127.0.0.1")
    found = member_of(world_of(machine), machine)
    if refused or found is None:
        said = f'transport: authentication handshake failed: {refused}"' if refused else "connection refused"
        raise EtcdError(
            f'Failed to get the status of endpoint https://127.0.0.1:2379 (context deadline exceeded): "{said}'
        )
    return found[0]


def _status(machine: Machine, cluster: EtcdCluster) -> object:
    found = member_of(world_of(machine), machine)
    assert found is not None
    own = found[1].id
    leader = cluster.leader if own in cluster.running else 0
    errors = [] if leader else ["etcdserver: no leader"]
    errors += [f"memberID:{own} alarm:{alarm} " for alarm in sorted(cluster.alarms)]
    header = {
        "cluster_id": cluster.id,
        "member_id": own,
        "revision": cluster.revision,
        "raft_term": cluster.term,
    }
    status: dict[str, object] = {"header": header, "version": machine.files[BINARY].content.decode()}
    status |= {
        "dbSize": DB_BYTES,
        "leader": leader,
        "raftIndex": cluster.revision + 8,
        "raftTerm": cluster.term,
    }
    status |= {
        "raftAppliedIndex": cluster.revision + 8,
        "dbSizeInUse": DB_BYTES // 2,
        "storageVersion": "3.6.0",
    }
    status |= {"dbSizeQuota": QUOTA}
    if found[1].learner:
        status["isLearner"] = True
    if errors:
        status["errors"] = errors
    return [{"Endpoint": "https://127.0.0.1:2379", "Status": status}]


def _members(_machine: Machine, cluster: EtcdCluster) -> object:
    rows = []
    for one in cluster.members.values():
        row: dict[str, object] = {
            "ID": one.id,
            "name": one.name,
            "peerURLs": [one.peer],
            "clientURLs": [one.client] if one.client else [],
        }
        if one.learner:
            row["isLearner"] = True
        rows.append(row)
    return {"header": {"cluster_id": cluster.id, "member_id": 0, "raft_term": cluster.term}, "members": rows}


def _metrics(machine: Machine) -> Iterator[str]:
    for what, factor in (("wal_fsync", 1), ("backend_commit", 1)):
        name = f"etcd_disk_{what}_duration_seconds"
        for bound, count in machine.etcd.fsync or FAST_FSYNC:
            yield f'{name}_bucket{{le="{bound}"}} {count * factor}'
        yield from (f"{name}_sum 0.41", f"{name}_count {(machine.etcd.fsync or FAST_FSYNC)[-1][1]}")
    found = member_of(world_of(machine), machine)
    cluster, own = (found[0], found[1]) if found else (None, None)
    leader = cluster.leader if cluster and own and own.id in cluster.running else 0
    yield f"etcd_server_has_leader {int(bool(leader))}"
    yield f"etcd_server_is_leader {int(bool(own and leader == own.id))}"
    yield f"etcd_server_is_learner {int(bool(own and own.learner))}"
    yield from ("etcd_server_leader_changes_seen_total 1", f"etcd_server_quota_backend_bytes {QUOTA:g}")
    yield from ("etcd_server_proposals_failed_total 0", "etcd_server_slow_apply_total 0")
    yield f'etcd_server_version{{server_version="{machine.files[BINARY].content.decode()}"}} 1'
    yield from (
        f"etcd_mvcc_db_total_size_in_bytes {DB_BYTES:g}",
        f"etcd_mvcc_db_total_size_in_use_in_bytes {DB_BYTES // 2:g}",
    )
