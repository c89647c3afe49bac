"""A guest that comes back empty joins anew; on the way every private key is where it belongs and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from tests.lab.cluster.conftest import Cluster
from tests.lab.cluster.site import GUESTS, INSTALL_SECONDS, MEMBERS, SCRIPTS, TOWERS
from tests.lab.story.leaks import Canaries, watched
from tests.lab.story.operators import Done, Operator
from tests.lab.story.world import tell

pytestmark = pytest.mark.lab

LOST = "etcd-b"
TOWER = "tower-b"

EMPTY = dedent("""\
    set -e
    virsh -q -c lxc:/// destroy "$1"
    virsh -q -c lxc:/// undefine "$1"
    rm -rf "$2/$1"
    """)


def approved(operator: Operator) -> Done:
    """Apply at a terminal at which somebody says yes: an entry in etcd's list of members is lost, `--yes` is not enough."""
    near, far = pty.openpty()
    shown = operator.home / "shown"
    words = [sys.executable, "-m", "wizard", "apply", "--plain", "--dir", str(operator.folder)]
    words += ["--events", str(operator.events)]
    began = time.monotonic()
    with shown.open("wb") as said:
        process = subprocess.Popen(
            words, cwd=operator.home, env=operator.environment, stdin=far, stdout=said, stderr=far
        )
    os.close(far)
    os.write(near, b"yes\n")
    talk = b""
    with suppress(OSError):  # how a terminal tells that everybody has left
        while piece := os.read(near, 65536):
            talk += piece
    code = process.wait(timeout=INSTALL_SECONDS)
    os.close(near)
    done = Done(code, shown.read_text(), talk.decode(), time.monotonic() - began)
    assert done.exit_code == 0, done.stdout + done.stderr
    return done


def private_keys(folder: Path) -> Canaries:
    """Every private key the wizard made, as the lines of it that stand in nothing public."""
    known: dict[str, str] = yaml.safe_load((folder / "secrets.yaml").read_text())["secrets"]
    lines: dict[str, str] = {}
    for name, text in known.items():
        if "PRIVATE KEY" in text:
            body = text.strip().splitlines()[2:-2]
            lines |= {f"{name}#{number}": line for number, line in enumerate(body) if len(line) > 30}
    return Canaries(lines)


@pytest.fixture
def canaries(cluster: Cluster) -> Canaries:
    found = private_keys(cluster.operator.folder)
    names = {name.partition("#")[0] for name in found.secrets}
    wanted = {"ssh/key", "etcd/ca.key", "etcd/k3s.key", "etcd/doctor.key", "etcd/root.key"}
    wanted |= {f"etcd/{name}.key" for name in MEMBERS} | {f"host/{name}.key" for name in GUESTS}
    assert names == wanted
    return found


@pytest.fixture
def emptied(cluster: Cluster) -> Iterator[dict[str, int]]:
    """A member's guest is gone with its disks; the ids of the members before."""
    before = {str(one["name"]): int(one["ID"]) for one in cluster.members()}
    cluster.etcdctl("pi", "put", "/story/kept", "written before")
    cluster.inside(TOWER, "/bin/sh", "-s", LOST, cluster.vm_dir(TOWER), given=EMPTY.encode())
    yield before
    cluster.etcdctl("pi", "del", "/story/kept")


def test_a_rebuilt_member_joins_anew_and_no_key_is_seen(
    cluster: Cluster, canaries: Canaries, emptied: dict[str, int]
) -> None:
    planned = cluster.operator.run("plan", "--json", code=10).document
    keys = [change["key"] for step in planned["steps"] for change in step["changes"]]
    assert [f"create:{LOST}", f"boot:{LOST}", f"replace:{LOST}"] == [
        key for key in keys if key.split(":")[0] in ("create", "boot", "replace")
    ]
    with watched(canaries) as watch:
        done = approved(cluster.operator)
    assert f"destroys the entry {emptied[LOST]:x} of {LOST}" in done.stderr
    assert watch.found == set(), "a private key stood in the arguments or environment of a process"
    assert watch.rounds > 20

    after = {str(one["name"]): int(one["ID"]) for one in cluster.members()}
    assert after.keys() == emptied.keys()
    changed = {name for name in after if after[name] != emptied[name]}
    assert changed == {LOST}, "only the one that came back empty is a new member"
    assert not any(one.get("isLearner") for one in cluster.members()), "it was not promoted"
    assert cluster.etcdctl(LOST, "get", "/story/kept", "--print-value-only") == "written before\n"
    cluster.operator.run("plan", code=0)
    tell(
        f"rebuilt in {done.seconds:.0f} s; looked {watch.rounds} times at {len(watch.processes)} processes for "
        f"{len(canaries.secrets)} lines of private keys: none"
    )


def test_private_keys_lie_where_they_belong_and_nowhere_else(cluster: Cluster, canaries: Canaries) -> None:
    folder = cluster.operator.folder
    may = (folder / "secrets.yaml", folder / "id_ed25519")
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in may)
    assert canaries.in_folder(cluster.operator.home, but=may) == []
    assert {name.partition("#")[0] for name in canaries.names_in(may[1].read_bytes())} == {"ssh/key"}

    patterns = "".join(f"{line}\n" for line in canaries.secrets.values()).encode()
    with ThreadPoolExecutor(4) as pool:
        found = dict(
            zip(
                cluster.records,
                pool.map(lambda name: holders(cluster, name, patterns), cluster.records),
                strict=True,
            )
        )
    assert found == {name: expected(name) for name in cluster.records}

    for name, kept in (("ca.key", {"etcd/ca.key"}), ("ssh", {"ssh/key"}), ("k3s", {"etcd/k3s.key"})):
        lines = [line for key, line in canaries.secrets.items() if key.partition("#")[0] in kept]
        given = "".join(f"{line}\n" for line in lines).encode()
        assert all(holders(cluster, host, given) == [] for host in MEMBERS), f"{name} left this machine"


def holders(cluster: Cluster, machine: str, patterns: bytes) -> list[str]:
    script = (SCRIPTS / "holders.sh").read_text()
    places = [cluster.vm_dir(machine)] if machine in TOWERS else []
    said = cluster.inside(machine, "/bin/sh", "-c", script, "holders", *places, given=patterns)
    return sorted(said.splitlines())


CLIENTS = (("etcd", "member"), ("root", "doctor"), ("root", "root"))
"""Who owns which key on a member."""


def expected(machine: str) -> list[str]:
    """A guest has its host key, a member its own key and those of the clients doctor and root; each for its owner alone."""
    own = ["600 root /etc/ssh/ssh_host_ed25519_key"] if machine in GUESTS else []
    keys = [f"600 {owner} /etc/etcd/pki/{name}.key" for owner, name in CLIENTS] if machine in MEMBERS else []
    return sorted(own + keys)
