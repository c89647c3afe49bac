"""The Kubernetes API of the simulated homelab: as a real one was recorded, and there only where a real one would be."""

from __future__ import annotations

import json

import pytest

from steps.kube_admin import KeptAdmin
from tests.practice.cluster import Cluster, built
from tests.practice.k3s_by_hand import BELOW, lay, start
from tests.practice.test_packages import MACHINES
from tests.recordings.kube_calls import (
    CALLS,
    FILE,
    NODES,
    RECORD,
    deployment,
    differences,
    node_of,
    played,
)
from tests.rows import assert_explained
from wizard.core.errors import ExitCode
from wizard.core.kubernetes import DEPLOYMENT, NODE, POD, ApiRefusedError, ApiUnreachableError
from wizard.core.secrets import MemorySecrets
from wizard.payload.certificates import read_certificate, signed_by
from wizard.payload.node_marks import dns_document
from wizard.practice.etcd_process import settle
from wizard.practice.k3s_process import cluster_of
from wizard.practice.k3s_state import Kubernetes
from wizard.practice.kube_api import PracticeApi
from wizard.practice.kube_merge import applied, merged


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Guests and etcd, made by the wizard."""
    return built(Cluster.fresh(tmp_path_factory.mktemp("api"), machines=MACHINES), steps=BELOW)


@pytest.fixture
def site(etcd: Cluster) -> Cluster:
    """With two servers, for one test alone."""
    cluster = etcd.clone()
    for server in ("server-a", "server-b"):
        start(lay(cluster, server))
    return cluster


def known_of(site: Cluster) -> Kubernetes:
    found = cluster_of(site.world, site.machines["server-a"])
    assert found is not None
    return found


def test_it_answers_as_a_real_one_was_recorded(site: Cluster) -> None:
    start(lay(site, "storage-a", server=site.machines["server-a"].address))
    known_of(site).nodes = {name: node_of(name) for name in NODES}
    recorded = json.loads(FILE.read_text())
    assert set(recorded) == {name for name, _ in CALLS}, RECORD
    assert differences(recorded, played(PracticeApi(site.world))) == []


def test_it_answers_while_one_server_runs(site: Cluster) -> None:
    api = PracticeApi(site.world)
    site.machines["server-a"].k3s.wanted = False
    assert api.version() == "v1.36.4+k3s1"
    assert [node.name for node in api.list(NODE)] == ["server-a", "server-b"]
    site.machines["server-b"].k3s.wanted = False
    with pytest.raises(ApiUnreachableError) as told:
        api.list(NODE)
    assert_explained(
        told.value, exit_code=ExitCode.UNREACHABLE, says=("connection refused",), do="wizard doctor"
    )


def test_it_does_not_answer_while_etcd_has_no_majority_and_returns_by_itself(site: Cluster) -> None:
    api = PracticeApi(site.world)
    for member in ("etcd-b", "pi"):
        site.machines[member].etcd.wanted = False
    settle(site.world)
    with pytest.raises(ApiUnreachableError, match="does not answer"):
        api.version()
    assert api.ready().failing == ("etcd",)
    site.machines["pi"].etcd.wanted = True
    settle(site.world)
    assert api.ready().ok


def test_a_node_that_fell_silent_is_told_so(site: Cluster) -> None:
    site.machines["server-b"].k3s.wanted = False
    found = PracticeApi(site.world).get(NODE, "server-b")
    assert found is not None
    assert found.at("status", "conditions")[0]["status"] == "Unknown"
    assert {one["key"] for one in found.at("spec", "taints")} >= {"node.kubernetes.io/unreachable"}


def test_nothing_is_written_where_etcd_has_no_room(site: Cluster) -> None:
    next(iter(site.world.clusters.values())).alarms.add("NOSPACE")
    with pytest.raises(ApiRefusedError, match="did not do") as told:
        PracticeApi(site.world).patch(NODE, "server-a", {"metadata": {"labels": {"a": "b"}}})
    assert "database space exceeded" in told.value.why
    assert "a" not in known_of(site).nodes["server-a"].labels


def test_pods_of_coredns_keep_apart_only_when_they_are_told_to(site: Cluster) -> None:
    nodes = known_of(site).nodes
    nodes["server-a"].labels["topology.kubernetes.io/zone"] = "tower-a"
    nodes["server-b"].labels["topology.kubernetes.io/zone"] = "tower-a"
    api = PracticeApi(site.world)
    api.apply(DEPLOYMENT, deployment({"replicas": 2}))
    pods = api.list(POD, "kube-system", selector="k8s-app=kube-dns")
    assert [pod.at("spec", "nodeName") for pod in pods] == ["server-a", "server-b"]
    api.apply(DEPLOYMENT, dns_document(2))
    pods = api.list(POD, "kube-system", selector="k8s-app=kube-dns")
    assert [pod.at("spec", "nodeName") for pod in pods] == ["server-a", None]


def test_the_administrators_kubeconfig_is_the_same_on_both_servers(site: Cluster) -> None:
    said: list[str] = []
    keepers = [
        KeptAdmin(site.hosts, MemorySecrets(), keep=True, say=said.append, servers=(name,))
        for name in ("server-a", "server-b")
    ]
    one, other = (keeper.current() for keeper in keepers)
    assert one == other
    assert said == []
    shown = read_certificate(one.certificate)
    assert shown is not None
    assert (shown.name, shown.issuer) == ("system:admin", "k3s-server-ca@1767225600")
    assert not signed_by(one.certificate, one.certificate)


def test_a_merge_patch_takes_away_what_is_null() -> None:
    assert merged({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None}, "d": [2]}) == {
        "a": {"c": 2},
        "d": [2],
    }


def test_applied_once_and_not_again_it_is_gone_but_what_others_set_stays() -> None:
    first = {"spec": {"a": {"x": 1}, "n": 2}}
    target = applied({"spec": {"a": {"y": 9}}}, first, {})
    assert target == {"spec": {"a": {"x": 1, "y": 9}, "n": 2}}
    assert applied(target, {"spec": {"n": 3}}, first) == {"spec": {"a": {"y": 9}, "n": 3}}
