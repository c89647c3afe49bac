"""Each member is lost in turn: doctor names it as the one root cause, writes go on, and the next apply brings it back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.lab.cluster.conftest import Cluster
from tests.lab.cluster.site import MEMBERS, SCRIPTS, failing, tower_of
from tests.lab.story.world import tell

pytestmark = pytest.mark.lab

GAP_MS = 30_000
"""The longest pause of writes that is taken: an election is over in 5 s, etcdctl gives up after 8, this machine is busy."""

KILL = """
kill -9 "$(systemctl show -p MainPID --value etcd.service)"
systemctl stop etcd.service
test "$(systemctl show -p MainPID --value etcd.service)" = 0
"""
"""Systemd would start it again at once."""


@dataclass
class Writes:
    """What a writer said at its end."""

    written: int = 0
    failed: int = 0
    longest: int = 0
    said: list[str] = field(default_factory=list)


@contextmanager
def writing(cluster: Cluster, members: tuple[str, ...]) -> Iterator[Writes]:
    """Write through these members for as long as the block lasts."""
    urls = ",".join(cluster.client(name) for name in members)
    script = (SCRIPTS / "writes.sh").read_text()
    command = cluster.command(members[0], "/bin/sh", "-c", script, "writes", urls)
    seen = Writes()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        try:
            yield seen
        finally:
            cluster.shell(members[0], "rm -f /run/story-writing")
            seen.said = writer.stdout.read().splitlines()
    found = re.fullmatch(r"written (\d+) failed (\d+) longest (\d+)", seen.said[-1])
    assert found, seen.said
    seen.written, seen.failed, seen.longest = (int(number) for number in found.groups())


@pytest.mark.parametrize(
    ("member", "how", "root"),
    [
        ("etcd-a", "guest destroyed", "machines.running"),
        ("etcd-b", "etcd killed", "etcd.running"),
        ("pi", "etcd killed", "etcd.running"),
    ],
)
def test_a_lost_member_is_named_and_writes_go_on(cluster: Cluster, member: str, how: str, root: str) -> None:
    others = tuple(name for name in MEMBERS if name != member)
    with writing(cluster, others) as writes:
        if how == "guest destroyed":
            cluster.virsh(tower_of(member), "destroy", member)
        else:
            cluster.shell(member, KILL)
        code, document = cluster.doctor()
        cluster.etcdctl(others[0], "put", "/story/lost", member, through=others)
        assert cluster.etcdctl(others[1], "get", "/story/lost", "--print-value-only") == f"{member}\n"
    assert (code, document["verdict"], document["root_causes"]) == (1, "fail", [root]), failing(document)
    roots = [item for item in document["findings"] if item["status"] == "fail" and not item["explained_by"]]
    assert [(item["id"], item["host"]) for item in roots] == [(root, member)]
    for part in ("detail", "evidence", "cause", "fix"):
        assert roots[0][part].strip(), f"nothing said about {part}: {roots[0]}"
    assert writes.written > 0 and writes.longest < GAP_MS, writes
    tell(
        f"{member}, {how}: named {root}; {writes.written} writes went on, {writes.failed} failed, "
        f"longest pause {writes.longest / 1000:.1f} s; {roots[0]['detail']}"
    )
    done = cluster.operator.apply()
    assert "etcd" in done.stderr + done.stdout
    assert cluster.etcdctl(member, "get", "/story/lost", "--print-value-only") == f"{member}\n"
    cluster.etcdctl(member, "del", "/story/lost")
    assert len(cluster.members()) == 3
