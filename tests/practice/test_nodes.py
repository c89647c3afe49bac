"""Marks of nodes and CoreDNS over two zones on the simulated homelab: what is missing, what drifted, what is in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from steps.nodes import Nodes
from tests.practice.cluster import Cluster, bad, built, yes
from tests.practice.k3s_by_hand import BELOW, lay, start
from tests.practice.k3s_site import MACHINES, NODES
from wizard.core.check import Finding, Status
from wizard.core.kubernetes import NODE, Document, Kind, KubeObject, refused
from wizard.core.session import Session
from wizard.practice.etcd_process import settle
from wizard.practice.k3s_process import cluster_of
from wizard.practice.k3s_state import Kubernetes, Node
from wizard.practice.kube_api import PracticeApi

ZONE = "topology.kubernetes.io/zone"
LONGHORN = "node.longhorn.io/create-default-disk"
CONTROL_PLANE = "node-role.kubernetes.io/control-plane=true:NoSchedule"
STORAGE = "storage=longhorn:NoSchedule"


class Alone(Nodes):
    """The step by itself: what it needs is laid out by hand."""

    needs = ()


@dataclass
class Meddling(PracticeApi):
    """Somebody else changes a node between our look and our patch, so many times."""

    times: int = 0
    patched: list[str] = field(default_factory=list)

    def patch(self, kind: Kind, name: str, body: Document, namespace: str = "") -> KubeObject:
        self.patched.append(name)
        if self.times:
            self.times -= 1
            raise refused("server-a", f"PATCH {kind.path(namespace, name)}", 409, "Conflict", "modified")
        return PracticeApi.patch(self, kind, name, body, namespace)


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Guests and etcd, made by the wizard."""
    cluster = built(Cluster.fresh(tmp_path_factory.mktemp("nodes"), machines=MACHINES), steps=BELOW)
    # Only now: these hosts have no disk of its own for Longhorn, and would be refused.
    cluster.spec = replace(cluster.spec, storage=replace(cluster.spec.storage, kind="longhorn"))
    return cluster


@pytest.fixture
def blank(etcd: Cluster) -> Cluster:
    """The same, for one test alone."""
    return etcd.clone()


@pytest.fixture
def joined(blank: Cluster) -> Cluster:
    """With K3s on all of them, as it registers nodes."""
    for name in NODES:
        agent = not name.startswith("server")
        start(lay(blank, name, server=blank.machines["server-a"].address if agent else ""))
        known_of(blank).nodes[name].labels[ZONE] = f"tower-{name[-1]}"
    return blank


def known_of(cluster: Cluster) -> Kubernetes:
    found = cluster_of(cluster.world, cluster.machines["server-a"])
    assert found is not None
    return found


def nodes_of(cluster: Cluster) -> dict[str, Node]:
    return known_of(cluster).nodes


def session(cluster: Cluster, api: PracticeApi | None = None) -> Session:
    return replace(cluster.session(), steps=(Alone(),), kubernetes=api or PracticeApi(cluster.world))


def planned(cluster: Cluster) -> dict[str, str]:
    """Previews by key."""
    plan, _ = session(cluster).plan()
    assert not plan.errors
    return {change.key: change.preview for step in plan.steps for change in step.changes}


def applied(cluster: Cluster, api: PracticeApi | None = None) -> None:
    result = session(cluster, api).apply(yes)
    assert result.status == "done", [error.what for error in result.errors] + bad(result.findings)


def doctor(cluster: Cluster) -> dict[tuple[str, str], Finding]:
    return {(one.check, one.host): one for one in session(cluster).doctor().findings}


@pytest.fixture
def done(joined: Cluster) -> Cluster:
    applied(joined)
    return joined


def test_before_there_is_a_cluster_the_plan_shows_what_will_be_missing(blank: Cluster) -> None:
    assert planned(blank) == {
        "node:storage-a": f"node storage-a: node-role.kubernetes.io/storage=true, {LONGHORN}=true, taint {STORAGE}",
        "node:worker-b": "node worker-b: node-role.kubernetes.io/worker=true",
        "dns": f"deployment kube-system/coredns: replicas 2, no two in one {ZONE}",
    }


def test_what_a_node_that_registered_lacks_is_what_the_plan_had_shown(
    blank: Cluster, joined: Cluster
) -> None:
    assert planned(joined) == planned(blank)
    applied(joined)
    assert planned(joined) == {}
    nodes = nodes_of(joined)
    assert nodes["storage-a"].labels[LONGHORN] == "true"
    assert {name: node.taints for name, node in nodes.items()} == {
        "server-a": (CONTROL_PLANE,),
        "server-b": (CONTROL_PLANE,),
        "storage-a": (STORAGE,),
        "worker-b": (),
    }
    assert all(one.status is Status.PASS for one in doctor(joined).values())


def test_nothing_to_do_takes_two_calls_and_doctor_five(done: Cluster) -> None:
    api = PracticeApi(done.world)
    session(done, api).plan()
    assert api.calls == 2
    api = PracticeApi(done.world)
    session(done, api).doctor()
    assert api.calls == 5


@pytest.mark.parametrize(
    ("drift", "check", "evidence"),
    [
        (lambda node: node.labels.pop(ZONE), "nodes.labels", f"{ZONE}=tower-a"),
        (lambda node: node.labels.update({ZONE: "elsewhere"}), "nodes.labels", f"{ZONE}=tower-a"),
        (
            lambda node: node.labels.update({"node-role.kubernetes.io/worker": "true"}),
            "nodes.labels",
            "node-role.kubernetes.io/worker-",
        ),
        (lambda node: setattr(node, "taints", ()), "nodes.taints", f"taint {STORAGE}"),
        (
            lambda node: setattr(node, "taints", (STORAGE, "storage=longhorn:NoExecute")),
            "nodes.taints",
            "taint storage=longhorn:NoExecute-",
        ),
    ],
)
def test_drift_is_told_by_doctor_and_mended_through_the_api(
    done: Cluster, drift: Callable[[Node], Any], check: str, evidence: str
) -> None:
    drift(nodes_of(done)["storage-a"])
    found = doctor(done)[check, "storage-a"]
    assert (found.status, found.evidence, found.fix) == (Status.FAIL, evidence, "wizard apply")
    assert list(planned(done)) == ["node:storage-a"]
    applied(done)
    assert planned(done) == {}


def test_marks_of_others_stay(done: Cluster) -> None:
    node = nodes_of(done)["storage-a"]
    node.labels |= {"example.com/rack": "7"}
    node.taints = ("example.com/slow=yes:PreferNoSchedule",)
    applied(done)
    assert node.labels["example.com/rack"] == "7"
    assert set(node.taints) == {"example.com/slow=yes:PreferNoSchedule", STORAGE}


def test_a_node_that_is_changed_meanwhile_is_looked_at_anew(joined: Cluster) -> None:
    api = Meddling(joined.world, times=4)
    applied(joined, api)
    assert len(api.patched) == 2 + 4
    del nodes_of(joined)["worker-b"].labels["node-role.kubernetes.io/worker"]
    result = session(joined, Meddling(joined.world, times=5)).apply(yes)
    assert [error.what for error in result.errors] == ["The Kubernetes API did not do what was asked."]


def test_a_node_that_was_removed_by_hand_is_named(done: Cluster) -> None:
    PracticeApi(done.world).delete(NODE, "worker-b")
    found = doctor(done)["nodes.ready", "worker-b"]
    assert (found.status, found.detail) == (Status.FAIL, "worker-b is no node of the cluster.")
    result = session(done).apply(yes)
    assert [error.what for error in result.errors] == ["The cluster has no node worker-b."]


def test_coredns_that_was_scaled_down_is_mended(done: Cluster) -> None:
    known_of(done).objects.clear()
    found = doctor(done)["nodes.dns", ""]
    assert (found.status, found.fix) == (Status.FAIL, "wizard apply")
    assert "replicas 1 of 2" in found.evidence
    applied(done)
    assert doctor(done)["nodes.dns", ""].detail == "CoreDNS answers from tower-a and tower-b."


def test_a_zone_that_is_away_leaves_one_pod_and_is_a_warning(done: Cluster) -> None:
    for name in ("server-b", "worker-b"):
        done.machines[name].k3s.wanted = False
    found = doctor(done)
    assert found["nodes.dns", ""].status is Status.WARN
    assert found["nodes.ready", "worker-b"].status is Status.FAIL
    assert found["nodes.labels", "worker-b"].status is Status.PASS
    assert "Kubelet stopped posting node status." in found["nodes.ready", "worker-b"].evidence


def test_an_api_that_does_not_answer_is_told_once(done: Cluster) -> None:
    for member in ("etcd-b", "pi"):
        done.machines[member].etcd.wanted = False
    settle(done.world)
    found = doctor(done)
    api = found.pop(("nodes.api", ""))
    assert (api.status, api.explained_by) == (Status.SKIP, "k3s.running")
    assert {(one.status, one.explained_by) for one in found.values()} == {(Status.SKIP, "nodes.api")}
    plan, _ = session(done).plan()
    assert [error.what for error in plan.errors] == ["The Kubernetes API does not answer."]


def test_without_kubernetes_there_is_nothing_to_mark(blank: Cluster) -> None:
    spec = replace(blank.spec, k3s=replace(blank.spec.k3s, enabled=False))
    bare = replace(blank.session(spec), steps=(Alone(),))
    plan, _ = bare.plan()
    assert plan.changes == 0
    assert bare.check_ids() == []


def test_with_a_storage_class_of_the_owners_nothing_of_longhorn_is_marked(joined: Cluster) -> None:
    spec = replace(joined.spec, storage=replace(joined.spec.storage, kind="existing"))
    nodes_of(joined)["storage-a"].labels[LONGHORN] = "config"
    result = replace(session(joined), spec=spec).apply(yes)
    assert result.status == "done", bad(result.findings)
    node = nodes_of(joined)["storage-a"]
    assert (node.taints, node.labels[LONGHORN]) == ((), "config")
    assert node.labels["node-role.kubernetes.io/storage"] == "true"
