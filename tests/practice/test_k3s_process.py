"""K3s on simulated hosts: it starts where a real one would, and says why where it would not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.practice.cluster import Cluster, built
from tests.practice.k3s_by_hand import BELOW, TOKENS, lay, start
from tests.practice.test_packages import MACHINES
from wizard.practice.boot import start as boot
from wizard.practice.codec import decode, encode
from wizard.practice.etcd_cluster import EtcdCluster
from wizard.practice.k3s_process import (
    BINARY,
    CONFIG,
    EMBEDDED,
    KUBECONFIG,
    UNITS,
    Node,
    api_up,
    cluster_of,
    nodes,
    settle_k3s,
)
from wizard.practice.machine import File, Machine


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Guests and etcd, made by the wizard."""
    return built(Cluster.fresh(tmp_path_factory.mktemp("k3s"), machines=MACHINES), steps=BELOW)


@pytest.fixture
def blank(etcd: Cluster) -> Cluster:
    """The same, for one test alone."""
    return etcd.clone()


@pytest.fixture
def one(blank: Cluster) -> Cluster:
    """With one server."""
    start(lay(blank, "server-a"))
    return blank


def said(machine: Machine) -> str:
    assert machine.world is not None
    settle_k3s(machine.world)
    return machine.k3s.said


def known(cluster: Cluster) -> dict[str, Node]:
    return {node.name: node for node in nodes(cluster.world)}


def rebuilt(cluster: Cluster, guest: str) -> None:
    """A guest is removed by hand and made anew by the wizard."""
    tower = cluster.machines[cluster.machines[guest].carrier]
    domain = tower.domains[guest]
    image = next(path for path in tower.files if path.endswith(f"/{guest}/system.qcow2"))
    tower.files[image] = File(cluster.world.new_disk().encode())
    domain.state = "shut off"
    assert boot(tower, domain) == ""


def test_the_first_server_begins_the_cluster(one: Cluster) -> None:
    server = one.machines["server-a"]
    assert (server.k3s.ready, server.k3s.said, server.k3s.version) == (True, "", "v1.36.4+k3s1")
    assert api_up(one.world, server)
    node = known(one)["server-a"]
    assert (node.ready, node.role, node.address) == (True, "server", server.address)
    assert node.labels["topology.kubernetes.io/zone"] == "tower-a"
    assert node.taints == ("node-role.kubernetes.io/control-plane=true:NoSchedule",)
    assert server.files[KUBECONFIG].mode == 0o600


def test_a_second_server_and_an_agent_join(one: Cluster) -> None:
    start(lay(one, "server-b"))
    start(lay(one, "storage-a", server=one.machines["server-a"].address))
    assert {name: node.ready for name, node in known(one).items()} == {
        "server-a": True, "server-b": True, "storage-a": True,
    }  # fmt: skip
    first, second = (cluster_of(one.world, one.machines[name]) for name in ("server-a", "server-b"))
    assert first is second


def test_no_server_no_api_and_no_nodes(blank: Cluster) -> None:
    assert not api_up(blank.world, blank.machines["server-a"])
    assert nodes(blank.world) == ()


def test_row_73_a_server_with_another_token_is_refused_by_what_lies_in_etcd(one: Cluster) -> None:
    second = lay(one, "server-b")
    second.files["/etc/homelab/k3s-token"] = File(b"another\n", 0o600)
    start(second)
    assert "encrypted with different token" in said(second)
    assert not api_up(one.world, second)
    second.files["/etc/homelab/k3s-token"] = File(TOKENS["k3s-token"].encode(), 0o600)
    assert said(second) == "", "systemd starts it again, and it reads its files anew"
    assert api_up(one.world, second)


def test_row_73_an_agent_with_a_wrong_token_waits_until_it_is_started_with_the_right_one(
    one: Cluster,
) -> None:
    agent = lay(one, "storage-a", server=one.machines["server-a"].address)
    agent.files["/etc/homelab/k3s-agent-token"] = File(b"wrong\n", 0o600)
    start(agent)
    assert "401 Unauthorized" in said(agent)
    assert "storage-a" not in known(one)
    agent.files["/etc/homelab/k3s-agent-token"] = File(TOKENS["k3s-agent-token"].encode(), 0o600)
    start(agent)
    assert known(one)["storage-a"].ready


def test_row_78_a_node_made_anew_is_turned_away_until_its_old_entry_is_deleted(one: Cluster) -> None:
    server = one.machines["server-a"].address
    start(lay(one, "storage-a", server=server))
    rebuilt(one, "storage-a")
    assert not one.machines["storage-a"].k3s.enabled, "a new disk knows of no K3s"
    start(lay(one, "storage-a", server=server))
    assert "Node password rejected" in said(one.machines["storage-a"])
    assert not known(one)["storage-a"].ready
    found = cluster_of(one.world, one.machines["server-a"])
    assert found is not None
    del found.nodes["storage-a"]
    assert said(one.machines["storage-a"]) == "", "an agent goes on asking"
    assert known(one)["storage-a"].ready


def _without(path: str) -> Callable[[Machine], object]:
    return lambda machine: machine.files.pop(path)


def _with(path: str, content: bytes) -> Callable[[Machine], object]:
    return lambda machine: machine.files.update({path: File(content)})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without(UNITS["server"]), "k3s.service not found"),
        (_without(BINARY), "Failed to locate executable"),
        (_with(BINARY, b"torn"), "Failed to locate executable"),
        (_without(CONFIG), "--datastore-endpoint"),
        (_with(CONFIG, b"}"), "--datastore-endpoint"),
        (_without("/etc/homelab/k3s-token"), "open /etc/homelab/k3s-token: no such file"),
        (_with("/etc/homelab/pki/k3s.key", b"torn"), "private key does not match"),
        (_with(f"{EMBEDDED}/name", b"x"), "managed database"),
        (lambda machine: machine.full.add("/var/lib/rancher"), "no space left on device"),
        (lambda machine: machine.occupants.add("k3s-present"), ":6443: bind: address already in use"),
        (lambda machine: setattr(machine.k3s, "broken", "illegal instruction"), "illegal instruction"),
    ],
)
def test_a_server_says_what_is_in_its_way(
    blank: Cluster, spoil: Callable[[Machine], object], words: str
) -> None:
    server = lay(blank, "server-a")
    spoil(server)
    start(server)
    assert words in said(server)
    assert not api_up(blank.world, server)
    assert not server.k3s.ready


def test_an_agent_asks_until_its_server_is_there(blank: Cluster) -> None:
    agent = lay(blank, "storage-a", server=blank.machines["server-a"].address)
    start(agent)
    assert "connection refused" in said(agent)
    start(lay(blank, "server-a"))
    assert said(agent) == ""
    assert known(blank)["storage-a"].ready


def test_without_a_quorum_of_etcd_there_is_no_api_and_with_one_it_is_back(one: Cluster) -> None:
    server = one.machines["server-a"]
    start(lay(one, "server-b"))
    one.hosts.faults.dead.update({"pi", "tower-b"})
    assert not api_up(one.world, server)
    assert nodes(one.world) == ()
    start(server)
    assert "context deadline exceeded" in said(server)
    one.hosts.faults.dead.clear()
    assert api_up(one.world, server)
    one.hosts.faults.dead.add("pi")
    assert api_up(one.world, server), "two of three are enough"


def test_a_node_whose_host_died_is_not_ready_and_comes_back_by_itself(one: Cluster) -> None:
    start(lay(one, "server-b"))
    one.hosts.faults.dead.add("tower-b")
    assert {name: node.ready for name, node in known(one).items()} == {"server-a": True, "server-b": False}
    one.hosts.faults.dead.clear()
    one.world.restart("tower-b")
    one.world.restart("tower-a")
    assert {name: node.ready for name, node in known(one).items()} == {"server-a": True, "server-b": True}


def test_what_is_stopped_and_not_enabled_stays_away(one: Cluster) -> None:
    server = one.machines["server-a"]
    server.k3s.enabled = server.k3s.wanted = False
    assert not api_up(one.world, server)
    server.reboot()
    assert not api_up(one.world, server)


def test_a_new_program_and_configuration_count_from_the_next_start(one: Cluster) -> None:
    server = lay(one, "server-a", version="v1.36.5+k3s1")
    config = json.loads(server.files[CONFIG].content)
    server.files[CONFIG] = File(json.dumps({**config, "node-taint": []}).encode(), 0o600)
    assert (known(one)["server-a"].version, server.k3s.version) == ("v1.36.4+k3s1", "v1.36.4+k3s1")
    assert server.k3s.config != server.files[CONFIG].content.decode()
    start(server)
    node = known(one)["server-a"]
    assert (node.version, server.k3s.version) == ("v1.36.5+k3s1", "v1.36.5+k3s1")
    assert node.taints, "labels and taints of the configuration count at registration only"


def test_what_the_servers_share_is_kept_as_json(one: Cluster) -> None:
    cluster = one.etcd()
    again = decode(EtcdCluster, json.loads(json.dumps(encode(cluster))))
    assert again == cluster
    kept = decode(Machine, json.loads(json.dumps(encode(one.machines["server-a"]))))
    assert kept.k3s == one.machines["server-a"].k3s
    assert replace(kept.k3s, ready=False) != kept.k3s
