"""From nothing to three members on three machines by one command; then there is nothing to do, and looking is only that."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bench.phases import phases
from tests.lab.asked import REQUESTS, asked_by
from tests.lab.cluster.conftest import Cluster
from tests.lab.cluster.site import GUESTS, MEMBERS, TOWERS, failing
from tests.lab.story.world import tell

pytestmark = pytest.mark.lab


def test_three_started_members_on_three_machines(cluster: Cluster) -> None:
    listed = cluster.etcdctl("etcd-a", "member", "list")
    tell(f"etcdctl member list\n{listed}")
    rows = [line.split(", ") for line in listed.splitlines()]
    assert sorted((row[1], row[2]) for row in rows) == [("started", name) for name in MEMBERS]
    assert [row[-1] for row in rows] == ["false"] * 3, "somebody may not vote"
    addresses = {row[2]: row[4] for row in rows}
    assert addresses == {name: cluster.client(name) for name in MEMBERS}
    identities = {name: cluster.inside(name, "cat", "/etc/machine-id") for name in MEMBERS}
    assert len(set(identities.values())) == 3, identities
    assert all(cluster.inside(name, "cat", "/proc/sys/kernel/hostname").strip() == name for name in MEMBERS)
    for tower in TOWERS:
        wanted = sorted(name for name in GUESTS if name[-1] == tower[-1])
        assert sorted(cluster.virsh(tower, "list", "--name").split()) == wanted
        assert sorted(cluster.virsh(tower, "list", "--autostart", "--all", "--name").split()) == wanted


def test_each_member_serves_what_was_written_through_another(cluster: Cluster) -> None:
    for number, name in enumerate(MEMBERS):
        cluster.etcdctl(name, "put", "/story/key", f"by {name}")
        other = MEMBERS[(number + 1) % 3]
        assert cluster.etcdctl(other, "get", "/story/key", "--print-value-only") == f"by {name}\n"
    cluster.etcdctl("pi", "del", "/story/key")
    assert cluster.shell("pi", "df --output=target /mnt/usb/etcd/data | tail -1").strip() == "/mnt/usb"
    for guest in ("etcd-a", "etcd-b"):
        assert cluster.shell(guest, "df --output=source /var/lib/etcd/data | tail -1").strip() == "/dev/vdb"


def test_the_wizard_connected_to_nobody_but_the_hosts_and_guests(cluster: Cluster) -> None:
    """With `--artifacts`: all files were in the folder (issue 8, section 1)."""
    calls = [line.partition(" ") for line in cluster.connections.read_text().splitlines()]
    addresses = {cluster.address(name) for name in (*cluster.lab.names, *GUESTS)}
    reached = {ast.literal_eval(where) for call, _, where in calls if call != "socket.getaddrinfo"}
    assert {host for host, port, *_ in reached} == addresses
    assert {port for _, port, *_ in reached} == {22}
    looked_up = {ast.literal_eval(where) for call, _, where in calls if call == "socket.getaddrinfo"}
    assert looked_up <= addresses, "a name was looked up"


def test_the_base_image_crossed_each_link_once_and_each_operation_was_one(cluster: Cluster) -> None:
    events = cluster.operator.events.read_text().splitlines()
    tell(f"phases\n{phases(events).table()}")
    for machine, record in cluster.records.items():
        again = [op for op, times in record.operations.items() if times > 1]
        assert again == [], f"done twice on {machine}"
    for tower in TOWERS:
        seen = cluster.records[tower]
        assert seen.operations[f"machines.image-{tower}"] == 1
        for guest in (name for name in GUESTS if name[-1] == tower[-1]):
            assert (seen.effects[f"virsh define {guest}"], seen.effects[f"virsh start {guest}"]) == (1, 1)


def test_nothing_is_left_to_do_and_doctor_is_content(cluster: Cluster) -> None:
    plan = cluster.operator.run("plan", code=0)
    assert "Nothing to do" in plan.stdout
    code, document = cluster.doctor()
    assert (code, document["verdict"], document["root_causes"]) == (0, "ok", []), failing(document)


def test_an_apply_with_nothing_to_do_asks_everybody_three_times_at_most(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(cluster.operator.home))
    monkeypatch.chdir(cluster.operator.home)
    asked = asked_by("apply", "--yes", "--plain", "--dir", str(cluster.operator.folder))
    assert (asked.code, "0 changes done" in asked.said) == (0, True), asked.said
    tell(f"requests of an apply with nothing to do: {dict(asked.hosts)}")
    assert len(asked.hosts) == len(cluster.records), asked.hosts
    assert asked.most <= REQUESTS, asked.hosts


LOOKING = (("facts", "--json"), ("plan", "--json"), ("doctor", "--json"), ("state", "show"))


def test_looking_changes_nothing_on_hosts_and_guests(cluster: Cluster) -> None:
    untouched = everything(cluster)
    for tower in TOWERS:
        assert sum(f"lxc:/// etcd-{tower[-1]} " in line for line in untouched[tower]) > 20, (
            "no definition was seen"
        )
    for member in MEMBERS:
        assert any("/etc/etcd/pki/member.key" in line for line in untouched[member])
        assert any(f"{cluster.base(member)}/wizard" in line for line in untouched[member])
    for words in LOOKING:
        cluster.operator.run(*words, code=0)
    after = everything(cluster)
    changed = {name: sorted(set(untouched[name]) ^ set(after[name])) for name in untouched}
    assert {name: lines for name, lines in changed.items() if lines} == {}
    tell(f"looked at {sum(map(len, after.values()))} lines on {len(after)} machines; none was changed")


def everything(cluster: Cluster) -> dict[str, list[str]]:
    places = {name: cluster.vm_dir(name) for name in TOWERS} | {name: cluster.base(name) for name in MEMBERS}
    with ThreadPoolExecutor(4) as pool:
        look = pool.map(
            lambda name: cluster.run(name, "everything", *filter(None, [places.get(name, "")])),
            cluster.records,
        )
        return {name: text.splitlines() for name, text in zip(cluster.records, look, strict=True)}
