"""What the scripts that change etcd do on a simulated host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wizard.core.host import Args
from wizard.payload.etcd_config import CLIENT_PORT
from wizard.practice.answer import Answer
from wizard.practice.etcd_cluster import EtcdCluster
from wizard.practice.etcd_process import (
    BINARY,
    RUNNING,
    client_accepted,
    member_of,
    settle,
)
from wizard.practice.etcd_read import EtcdError, world_of
from wizard.practice.facts import mount_of
from wizard.practice.machine import File, Machine

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
    """do/etcd-package: the programs of the package, which do/packages installed."""
    there = machine.packages.get("etcd-server")
    if there is None:
        return Answer("the package etcd-server is not installed\n", 3)
    found = there.version.partition("-")[0]
    minor, patch = args["version"].rsplit(".", 1)
    if found.rpartition(".")[0] != minor or int(found.rpartition(".")[2]) < int(patch):
        return Answer(
            f"the distribution has etcd {found}; at least {args['version']} of the same minor is wanted\n", 3
        )
    machine.users.add("etcd")
    for name in ("etcdutl", "etcdctl", "etcd"):
        machine.files[f"/usr/local/bin/{name}"] = File(found.encode(), 0o755)
    return Answer(f"etcd {found}\n")


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
    for path, file in bundled(text):
        same = machine.files.get(path) == file
        machine.files[path] = file
        said += f"{'same' if same else 'wrote'} {path}\n"
    return Answer(said)


def bundled(text: str) -> Iterator[tuple[str, File]]:
    """The files of a payload, each with its path, see `wizard.payload.etcd_files.bundle`."""
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
    world = world_of(machine)
    settle(world)
    if args["others"] and (sick := _unhealthy(machine, args["others"].split(","))):
        told = f"{sick}\nanother member is not healthy: with this one down too there would be no quorum\n"
        return Answer(told, 3)
    unit = machine.etcd
    unit.enabled = True
    was_ready = unit.wanted and unit.ready
    told = (
        _hand_over(machine, args["others"].split(","))
        if args["action"] == "restart" and args["others"]
        else ""
    )
    if args["action"] == "restart" or not was_ready:
        unit.wanted, unit.ready, unit.restarts = True, False, 0
        machine.files.pop(RUNNING, None)
    settle(world)
    if args["action"] == "restart":
        return Answer(f"{told}restarted\n")
    return Answer("running\n" if was_ready else "started\n")


def _hand_over(machine: Machine, others: list[str]) -> str:
    """A leader that is about to be restarted gives the lead to the first that takes it."""
    found = member_of(world_of(machine), machine)
    if found is None or found[0].leader != found[1].id:
        return ""
    cluster = found[0]
    taker = next((one for url in others for one in cluster.members.values() if one.client == url), None)
    if taker is None:
        return ""
    cluster.hand_over(taker.id)
    return f"handed over to {taker.id:x}\n"


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
    settle(world_of(machine))
    return Answer("moved\n")


# --- changes to the cluster


def member(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-member: the list of members, changed on one of them."""
    world = world_of(machine)
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


def leave(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-leave: a member that is about to be removed is taken off the list."""
    world = world_of(machine)
    settle(world)
    try:
        cluster = _asked(machine, args["contacts"].split(","), quorum=True)
    except EtcdError as error:
        return Answer(f"{error}\nthe list of members cannot be had\n", 3)
    found = next((one for one in cluster.members.values() if one.name == args["name"]), None)
    if found is None:
        return Answer(f"{args['name']} is not in the list of members\n")
    others = [one.client for one in cluster.members.values() if one is not found and one.client]
    if sick := _unhealthy(machine, others):
        return Answer(f"{sick}\nanother member is not healthy: the list is left as it is\n", 3)
    cluster.remove(found.id)
    settle(world)
    return Answer(f"removed {found.id:x}\n")


def prove(machine: Machine, args: Args, _payload: bytes) -> Answer:
    """do/etcd-prove: put, get through every other one, delete."""
    settle(world_of(machine))
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


def auth(machine: Machine, _args: Args, _payload: bytes) -> Answer:
    """do/etcd-auth: roles by the names in certificates."""
    settle(world_of(machine))
    try:
        cluster = _asked(machine, [f"https://127.0.0.1:{CLIENT_PORT}"], quorum=True)
    except EtcdError as error:
        return Answer(f"{error}\nrole add root failed\n", 3)
    cluster.roles = True
    return Answer("root and k3s may do everything, doctor may only look\n")


def _asked(machine: Machine, endpoints: list[str], *, quorum: bool, name: str = "root") -> EtcdCluster:
    """The cluster behind the first endpoint that answers.

    Args:
        machine: whose etcdctl asks.
        endpoints: client URLs.
        quorum: the question takes one.
        name: whose certificate is shown.

    Raises:
        EtcdError: none answers.
    """
    said = "context deadline exceeded"
    for url in endpoints:
        address = url.removeprefix("https://").rsplit(":", 1)[0]
        there = machine if address == "127.0.0.1" else world_of(machine).at(address)
        server = there if url.endswith(f":{CLIENT_PORT}") else None
        found = member_of(world_of(machine), server) if server and server.etcd.ready else None
        refused = (
            client_accepted(machine, server, address=address, name=name)
            if server and found
            else "connection refused"
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
