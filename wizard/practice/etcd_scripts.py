"""What the scripts about etcd do on a simulated host."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator

from wizard.core.host import Args
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
from wizard.practice.machine import File, Machine
from wizard.practice.world import World

SHOWN = (CONFIG, RUNNING, f"{PKI}/ca.crt", f"{PKI}/member.crt", f"{PKI}/doctor.crt")
LISTED = (
    CONFIG,
    UNIT,
    *(f"{PKI}/{name}" for name in ("ca.crt", "member.crt", "member.key", "doctor.crt", "doctor.key")),
)

PACKAGED = 16
"""Patch of the etcd 3.5 that Debian 13 has."""

QUOTA = 2 * 1024**3
DB_BYTES = 25 * 2**20
FAST_FSYNC = (("0.001", 310), ("0.002", 402), ("0.004", 425), ("0.008", 427), ("0.016", 428), ("+Inf", 428))
"""Buckets of a good SSD."""


class EtcdError(Exception):
    """What etcdctl says instead of doing it."""


def _world(machine: Machine) -> World:
    assert machine.world is not None, f"{machine.name} stands alone"
    return machine.world


# --- the read


def etcd(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """read/etcd."""
    world = _world(machine)
    settle(world)
    if machine.etcd.said and machine.etcd.wanted:
        machine.etcd.restarts += 1
    base = args["base"]
    sections: Sections = [("binaries", list(_binaries(machine))), ("files", list(_files(machine)))]
    sections += [
        (f"file {path}", machine.files[path].content.decode().splitlines())
        for path in SHOWN
        if path in machine.files
    ]
    sections += [("unit", list(_unit(machine))), ("log", _log(machine)), ("data", list(_data(machine, base)))]
    sections += list(_cluster(machine))
    return Answer(text_of(sections))


def _binaries(machine: Machine) -> Iterator[str]:
    for name in ("etcd", "etcdctl"):
        found = machine.files.get(f"/usr/local/bin/{name}")
        if found:
            yield f"{name}={found.content.decode()}"
    if "etcd" in machine.users:
        yield "user=1"


def _files(machine: Machine) -> Iterator[str]:
    for path in LISTED:
        found = machine.files.get(path)
        if found:
            yield f"{hashlib.sha256(found.content).hexdigest()} {found.mode:o} {found.owner} {path}"


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
    yield "metrics", list(_metrics(machine))
    if errors:
        yield "errors", errors


def _own(machine: Machine) -> EtcdCluster:
    """The cluster as the member's own etcdctl sees it at 127.0.0.1."""
    refused = client_accepted(machine, machine, address="127.0.0.1")
    found = member_of(_world(machine), machine)
    if refused or found is None:
        said = f'transport: authentication handshake failed: {refused}"' if refused else "connection refused"
        raise EtcdError(
            f'Failed to get the status of endpoint https://127.0.0.1:2379 (context deadline exceeded): "{said}'
        )
    return found[0]


def _status(machine: Machine, cluster: EtcdCluster) -> object:
    found = member_of(_world(machine), machine)
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
    found = member_of(_world(machine), machine)
    cluster, own = (found[0], found[1]) if found else (None, None)
    leader = cluster.leader if cluster and own and own.id in cluster.running else 0
    yield f"etcd_server_has_leader {int(bool(leader))}"
    yield f"etcd_server_is_leader {int(bool(own and leader == own.id))}"
    yield f"etcd_server_is_learner {int(bool(own and own.learner))}"
    yield from ("etcd_server_leader_changes_seen_total 1", f"etcd_server_quota_backend_bytes {QUOTA:g}")
    yield from (
        f"etcd_mvcc_db_total_size_in_bytes {DB_BYTES:g}",
        f"etcd_mvcc_db_total_size_in_use_in_bytes {DB_BYTES // 2:g}",
    )


# --- changes to one member


def install(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-install: the archive of practice says on its first line what it holds."""
    archive, wanted = args["archive"], args["version"]
    machine.users.add("etcd")
    there = machine.files.get(BINARY)
    if there is None or there.content.decode() != wanted:
        found = machine.files.get(archive)
        if found is None:
            return Answer(f"there is no {archive}\n", 4)
        words = re.match(rb"practice artifact etcd (\S+) (\S+)\n", found.content)
        if machine.is_full("/usr/local/bin/x"):
            return Answer(
                f"tar: write error: No space left on device\nfree 0 KiB on /\ncannot unpack {archive}\n", 4
            )
        if not words:
            return Answer(f"gzip: stdin: not in gzip format\ncannot unpack {archive}\n", 4)
        if words[1].decode() != wanted:
            return Answer(f"{archive} holds etcd {words[1].decode()}, not {wanted}\n", 3)
        for name in ("etcdutl", "etcdctl", "etcd"):
            machine.files[f"/usr/local/bin/{name}"] = File(wanted.encode(), 0o755)
    machine.files.pop(archive, None)
    return Answer(f"etcd {wanted}\n")


def package(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-package: the distribution of the recorded hosts is Debian 13."""
    minor, patch = args["version"].rsplit(".", 1)
    if minor != "3.5" or int(patch) > PACKAGED:
        return Answer(
            f"the distribution has etcd 3.5.16; at least {args['version']} of the same minor is wanted\n", 3
        )
    machine.users.add("etcd")
    for name in ("etcdutl", "etcdctl", "etcd"):
        machine.files[f"/usr/local/bin/{name}"] = File(b"3.5.16", 0o755)
    return Answer("etcd 3.5.16\n")


def configure(machine: Machine, args: Args, payload: bytes) -> Answer:
    """do/etcd-configure: nothing is put in place before everything is here and the place is right."""
    base, text = args["base"], payload.decode()
    if not text.endswith("== end\n"):
        return Answer("the files did not arrive whole\n", 5)
    if args["root"] != "yes" and mount_of(machine, base)[0] == "/":
        return Answer(f"{base} lies on the root file system: the disk it belongs on is not mounted\n", 3)
    if _has_data(machine, base) and not _marked(machine, args):
        return Answer(f"{base}/data belongs to another cluster\n", 4)
    if "etcd" not in machine.users:
        return Answer("chown: invalid user: 'etcd:etcd'\n", 1)
    if machine.is_full(f"{base}/wizard"):
        return Answer("sh: write error: No space left on device\n", 1)
    mark = f"lineage={args['lineage']}\nmember={args['member']}\n"
    machine.files[f"{base}/wizard"] = File(mark.encode())
    said = ""
    for path, file in _bundled(text):
        same = machine.files.get(path) == file
        machine.files[path] = file
        said += f"{'same' if same else 'wrote'} {path}\n"
    return Answer(said)


def _bundled(text: str) -> Iterator[tuple[str, File]]:
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:-1]:
        head, *lines = part.splitlines()
        path, mode, owner = head.split(" ")
        content = "".join(f"{line[1:]}\n" for line in lines)
        yield path, File(content.encode(), int(mode, 8), owner)


def _has_data(machine: Machine, base: str) -> bool:
    return any(path.startswith(f"{base}/data/member/") for path in machine.files)


def _marked(machine: Machine, args: Args) -> bool:
    found = machine.files.get(f"{args['base']}/wizard")
    return found is not None and f"lineage={args['lineage']}\n".encode() in found.content


def start(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-start: does not wait for it."""
    world = _world(machine)
    settle(world)
    if args["others"] and (sick := _unhealthy(machine, args["others"].split(","))):
        told = f"{sick}\nanother member is not healthy: with this one down too there would be no quorum\n"
        return Answer(told, 3)
    unit = machine.etcd
    unit.enabled = True
    was_ready = unit.wanted and unit.ready
    if args["action"] == "restart" or not was_ready:
        unit.wanted, unit.ready, unit.restarts = True, False, 0
        machine.files.pop(RUNNING, None)
    settle(world)
    if args["action"] == "restart":
        return Answer("restarted\n")
    return Answer("running\n" if was_ready else "started\n")


def aside(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-aside: once an attempt."""
    base = args["base"]
    moved = machine.files.get(f"{base}/aside")
    inside = [path for path in machine.files if path.startswith(f"{base}/data/")]
    if not inside or (moved and moved.content.decode().strip() == args["attempt"]):
        return Answer("nothing\n")
    if not _marked(machine, args):
        return Answer(f"{base}/data belongs to another cluster\n", 4)
    machine.etcd.wanted = False
    for path in [path for path in machine.files if path.startswith(f"{base}/data.removed/")]:
        del machine.files[path]
    for path in inside:
        machine.files[path.replace(f"{base}/data/", f"{base}/data.removed/", 1)] = machine.files.pop(path)
    machine.files[f"{base}/aside"] = File(f"{args['attempt']}\n".encode())
    settle(_world(machine))
    return Answer("moved\n")


# --- changes to the cluster


def member(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-member: the list of members, changed on one of them."""
    world = _world(machine)
    settle(world)
    try:
        cluster = _asked(machine, args["others"].split(","), quorum=True)
    except EtcdError as error:
        return Answer(f"{error}\nthe list of members cannot be had\n", 3)
    found = next(
        (one for one in cluster.members.values() if one.name == args["name"] or one.peer == args["peer"]),
        None,
    )
    said: list[str] = []
    if args["action"] in ("promote", "update") and found is None:
        return Answer(f"{args['name']} is not in the list of members\n", 4)
    if args["action"] != "promote" and (sick := _unhealthy(machine, args["others"].split(","))):
        return Answer(f"{sick}\nanother member is not healthy: the list is left as it is\n", 3)
    if args["action"] == "replace":
        if found is not None and not found.learner and _unhealthy(machine, [args["client"]]):
            cluster.remove(found.id)
            said.append(f"removed {found.id:x}")
            found = None
        if found is None:
            found = cluster.add(args["peer"])
            said.append(f"added {found.id:x}")
        else:
            said.append(f"kept {found.id:x}")
    elif args["action"] == "promote":
        assert found is not None
        if found.learner and found.id not in cluster.running:
            return Answer("etcdserver: can only promote a learner member which is in sync with leader\n", 5)
        said.append(f"{'promoted' if found.learner else 'voter'} {found.id:x}")
        found.learner = False
    else:
        assert found is not None
        found.peer = args["peer"]
        said.append(f"updated {found.id:x}")
    settle(world)
    return Answer("".join(f"{line}\n" for line in (*said, f"id={found.id:x}")))


def prove(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-prove: put, get through every other one, delete."""
    settle(_world(machine))
    endpoints = args["endpoints"].split(",")
    for endpoint in endpoints:
        key = f"{args['key']}/{endpoint.rsplit('/', 1)[-1]}"
        try:
            cluster = _asked(machine, [endpoint], quorum=True)
        except EtcdError as error:
            return Answer(f"{error}\nwriting through {endpoint} failed\n", 3)
        if "NOSPACE" in cluster.alarms:
            return Answer(
                f"etcdserver: mvcc: database space exceeded\nwriting through {endpoint} failed\n", 3
            )
        cluster.keys[key] = "now"
        for reader in endpoints:
            try:
                other = _asked(machine, [reader], quorum=True)
            except EtcdError as error:
                del cluster.keys[key]
                return Answer(f"{error}\nreading through {reader} failed\n", 3)
            if other is not cluster:
                return Answer(f"\nreading through {reader} what was written through {endpoint} failed\n", 3)
        del cluster.keys[key]
        cluster.revision += 2
        cluster.writes += 1
    return Answer(f"proved {len(endpoints)} endpoints in 31 ms\n")


def _asked(machine: Machine, endpoints: list[str], *, quorum: bool) -> EtcdCluster:
    """The cluster behind the first endpoint that answers.

    Args:
        machine: whose etcdctl asks.
        endpoints: client URLs.
        quorum: the question takes one.

    Raises:
        EtcdError: none answers.
    """
    said = "context deadline exceeded"
    for url in endpoints:
        address = url.removeprefix("https://").rsplit(":", 1)[0]
        server = _world(machine).at(address)
        found = member_of(_world(machine), server) if server and server.etcd.ready else None
        refused = (
            client_accepted(machine, server, address=address) if server and found else "connection refused"
        )
        if found is None or refused:
            said = f"{url}: {refused}"
        elif quorum and (not found[0].leader or found[1].id not in found[0].running):
            said = "etcdserver: no leader"
        elif quorum and found[1].learner:
            said = "etcdserver: rpc not supported for learner"
        else:
            return found[0]
    raise EtcdError(f"Error: {said}")


def _unhealthy(machine: Machine, endpoints: list[str]) -> str:
    """What `etcdctl endpoint health` complains of; empty where all are healthy."""
    for url in endpoints:
        try:
            cluster = _asked(machine, [url], quorum=True)
        except EtcdError as error:
            return f"{url} is unhealthy: failed to commit proposal: {error}"
        if cluster.alarms:
            return f"{url} is unhealthy: failed to commit proposal: Active Alarm(s) {' '.join(sorted(cluster.alarms))}"
    return ""
