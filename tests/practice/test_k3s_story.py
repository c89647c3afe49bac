"""K3s with the real steps: installed once, started in order, mended where it is not as it should be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from steps.discover import Discover
from steps.k3s_files import AGENT_TOKEN, TOKEN
from tests.practice import k3s_site as site
from tests.practice.cluster import SERVERS, Cluster, without_proxy, yes
from wizard.core.check import Finding, Status
from wizard.core.spec.model import K3sSpec
from wizard.payload import k3s_config as config
from wizard.payload.k3s_unit import BINARY, unit_path
from wizard.practice.k3s_process import nodes
from wizard.practice.machine import File, Machine

SERVING = "/var/lib/rancher/k3s/server/tls/serving-kube-apiserver.crt"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxy(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return site.made(tmp_path_factory.mktemp("k3s"))


@pytest.fixture
def done(whole: Cluster) -> Cluster:
    return whole.clone()


def ran(cluster: Cluster, guest: str) -> list[str]:
    """The scripts of K3s that were carried out on a guest."""
    return [one.script for one in cluster.machines[guest].ran if "k3s" in one.script]


# --- the whole


def test_every_node_is_ready_and_nothing_is_left_to_do(done: Cluster) -> None:
    there = {node.name: node for node in nodes(done.world)}
    assert set(there) == set(site.NODES)
    assert all(node.ready and node.version == "v1.36.4+k3s1" for node in there.values())
    assert {name: node.labels[config.ZONE] for name, node in there.items()} == {
        "server-a": "tower-a",
        "server-b": "tower-b",
        "storage-a": "tower-a",
        "worker-b": "tower-b",
    }
    assert {name for name, node in there.items() if config.CONTROL_PLANE in node.taints} == set(SERVERS)
    assert site.planned(done) == []
    assert site.failing(done) == set()
    for name in site.NODES:
        assert ran(done, name) == ["do/k3s-install", "do/k3s-configure", "do/k3s-start"]


def test_the_second_server_waits_for_the_first_and_agents_for_nobody_of_theirs(
    tmp_path: Path,
) -> None:
    cluster = site.fresh(tmp_path)
    plan, _ = cluster.session(steps=site.STORY).plan()
    changes = {f"{step.step.id}/{one.key}": one for step in plan.steps for one in step.changes}
    assert changes["k3s-servers/configure:server-a"].after == ("tokens",)
    assert "start:server-a" in changes["k3s-servers/configure:server-b"].after
    assert "start:server-a" in changes["k3s-servers/start:server-b"].after
    assert changes["k3s-agents/start:worker-b"].after == ("configure:worker-b",)
    shown = "\n".join(one.preview for one in changes.values())
    assert "datastore-endpoint" in shown and "token-file: /etc/homelab/k3s-token" in shown


def test_each_server_asks_its_own_member_of_etcd_first_and_the_witness_last(done: Cluster) -> None:
    def asked(name: str) -> list[str]:
        text = done.machines[name].files[config.CONFIG].content.decode()
        line = next(line for line in text.splitlines() if line.startswith("datastore-endpoint"))
        return [url.rsplit(".", 1)[-1] for url in line.split('"')[1].split(",")]

    assert asked("server-a") == ["31:2379", "32:2379", "13:2379"]
    assert asked("server-b") == ["32:2379", "31:2379", "13:2379"]


def test_tokens_and_keys_are_for_root_alone_and_agents_get_no_token_of_servers(done: Cluster) -> None:
    for name in site.NODES:
        files = done.machines[name].files
        secret = [
            path for path in (config.TOKEN, config.AGENT_TOKEN, config.KEY, config.CONFIG) if path in files
        ]
        assert all((files[path].mode, files[path].owner) == (0o600, "root:root") for path in secret)
        assert (config.TOKEN in files) == (name in SERVERS) == (config.KEY in files)
    tokens = [done.secrets.get(name) for name in (TOKEN, AGENT_TOKEN)]
    assert all(one is not None and len(one.reveal()) == 32 and "." not in one.reveal() for one in tokens)
    said = "\n".join(str(event) for event in done.events)
    assert all(one is not None and one.reveal() not in said for one in tokens)


def test_nothing_that_etcd_needs_lies_where_an_uninstall_of_k3s_would_take_it(done: Cluster) -> None:
    ours = [path for path in done.machines["server-a"].files if path.startswith("/etc/rancher/")]
    assert set(ours) == {config.CONFIG, "/etc/rancher/k3s/k3s.yaml", "/etc/rancher/node/password"}


# --- what is not wanted


def test_without_kubernetes_there_is_nothing_of_it(done: Cluster) -> None:
    done.spec = replace(done.spec, k3s=replace(done.spec.k3s, enabled=False))
    assert site.planned(done) == []
    assert site.looked_at(done) == []


# --- drift


def _stop(machine: Machine) -> None:
    machine.k3s.wanted = False


def _disable(machine: Machine) -> None:
    machine.k3s.enabled = False


def _edit(machine: Machine) -> None:
    machine.files[config.CONFIG] = File(machine.files[config.CONFIG].content + b"debug: true\n", 0o600)


def _open_up(machine: Machine) -> None:
    token = machine.files[config.AGENT_TOKEN]
    machine.files[config.AGENT_TOKEN] = File(token.content, 0o644)


def _other_program(machine: Machine) -> None:
    machine.files[BINARY] = File(b"#!/bin/sh\n# practice artifact k3s v1.36.4+k3s1 amd64\n", 0o755)


def _no_images(machine: Machine) -> None:
    for path in [path for path in machine.files if "/agent/images/" in path]:
        del machine.files[path]


@pytest.mark.parametrize(
    ("spoil", "check", "changes"),
    [
        (_stop, "k3s.running", ["start"]),
        (_disable, "k3s.boot", ["start"]),
        (_edit, "k3s.config", ["configure", "restart"]),
        (_open_up, "k3s.config", ["configure", "restart"]),
        (_other_program, "k3s.installed", ["install"]),
        (_no_images, "k3s.installed", ["install"]),
    ],
)
@pytest.mark.parametrize("name", ["server-b", "worker-b"])
def test_what_was_changed_by_hand_is_named_and_put_right(
    done: Cluster, name: str, spoil: Callable[[Machine], None], check: str, changes: list[str]
) -> None:
    before = done.picture()
    spoil(done.machines[name])
    finding = site.found(done, check, name)
    assert finding.status is Status.FAIL
    assert finding.evidence and finding.cause and finding.fix
    assert [one.rpartition("/")[2] for one in site.planned(done)] == [f"{verb}:{name}" for verb in changes]
    assert site.apply(done).status == "done"
    assert site.failing(done) == set() and site.planned(done) == []
    assert done.picture() == before


def test_a_process_that_was_not_started_anew_is_named_and_restarted(done: Cluster) -> None:
    done.machines["server-a"].k3s.config = "# of long ago\n"
    assert site.found(done, "k3s.config", "server-a").status is Status.FAIL
    assert site.planned(done) == ["k3s-servers/restart:server-a"]
    assert site.apply(done).status == "done"
    assert site.planned(done) == []


def test_another_role_takes_the_unit_of_the_old_one_away(done: Cluster) -> None:
    machine = done.machines["worker-b"]
    machine.files[unit_path("server")] = File(b"[Service]\n")
    assert "k3s-agents/configure:worker-b" in site.planned(done)
    assert site.apply(done).status == "done"
    assert unit_path("server") not in machine.files
    assert site.planned(done) == []


def test_an_upgrade_replaces_programs_then_servers_one_by_one_then_agents(done: Cluster) -> None:
    done.spec = replace(done.spec, k3s=K3sSpec("v1.36.5+k3s1"))
    planned = site.planned(done)
    assert planned[:4] == [f"k3s-programs/install:{name}" for name in site.NODES]
    servers = [one for one in planned if "servers/restart" in one]
    assert servers == ["k3s-servers/restart:server-a", "k3s-servers/restart:server-b"]
    assert site.apply(done).status == "done"
    assert {node.version for node in nodes(done.world)} == {"v1.36.5+k3s1"}
    assert site.planned(done) == [] and site.failing(done) == set()
    images = [path for path in done.machines["worker-b"].files if "/agent/images/" in path]
    assert len(images) == 1, "those of the old version are gone"


def test_a_changed_address_is_named_where_the_certificate_lacks_it(done: Cluster) -> None:
    network = replace(done.spec.network, api_vip="10.213.99.21")
    done.spec = replace(done.spec, network=network)
    finding = site.found(done, "k3s.certificates", "server-a")
    assert finding.status is Status.FAIL and "10.213.99.21" in finding.detail
    assert "k3s certificate rotate" in finding.fix


def test_a_server_without_etcd_says_so_and_comes_back_by_itself(done: Cluster) -> None:
    done.hosts.faults.dead.update({"pi", "tower-b"})
    finding = site.found(done, "k3s.running", "server-a")
    assert finding.status is Status.FAIL and "API is not ready" in finding.detail
    done.hosts.faults.dead.clear()
    done.world.restart("tower-b")
    assert site.failing(done) == set()


def test_a_node_of_another_cluster_is_named(done: Cluster) -> None:
    authority = "/var/lib/rancher/k3s/agent/server-ca.crt"
    done.machines["worker-b"].files[authority] = File(b"another\n")
    finding = site.found(done, "k3s.cluster")
    assert finding.status is Status.FAIL and "worker-b" in finding.detail
    assert f"mv {site_data()} {site_data()}.old" in finding.fix


def site_data() -> str:
    return "/var/lib/rancher/k3s"


def test_a_certificate_that_cannot_be_read_is_named(done: Cluster) -> None:
    done.machines["server-a"].files[SERVING] = File(b"torn\n")
    assert site.found(done, "k3s.certificates", "server-a").status is Status.FAIL


def test_a_guest_that_does_not_run_explains_its_checks(done: Cluster) -> None:
    tower = done.machines["tower-b"]
    tower.domains["worker-b"].state = "shut off"
    done.machines["worker-b"].up = False
    mine = [one for one in site.looked_at(done) if one.host == "worker-b"]
    assert mine and {one.explained_by for one in mine} == {"machines.running"}


def test_a_marked_node_that_runs_for_another_cluster_is_refused_before_anything_is_changed(
    done: Cluster,
) -> None:
    machine = done.machines["worker-b"]
    assert discovered(done, "worker-b").status is Status.PASS
    theirs = re.sub(r"https://[0-9.]+", "https://192.0.2.9", machine.k3s.config)
    machine.k3s.config = theirs
    machine.files[config.CONFIG] = File(theirs.encode())
    found = discovered(done, "worker-b")
    assert found.status is Status.FAIL and "192.0.2.9" in found.evidence
    result = done.session(steps=(Discover(), *site.STORY)).apply(yes)
    assert (result.status, result.changes) == ("failed", 0)


def discovered(cluster: Cluster, guest: str) -> Finding:
    """What is said of another cluster in a guest."""
    report = cluster.session(steps=(Discover(), *site.STORY)).doctor(["discover.guest"])
    (one,) = (finding for finding in report.findings if finding.host == guest)
    return one
