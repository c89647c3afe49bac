"""Machines leave the spec: their nodes leave the cluster, never one that is alive, the only one of its role, or foreign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from steps.nodes import Nodes
from tests.practice import k3s_site as site
from tests.practice.cluster import Cluster, bad, built, without_proxy, yes
from tests.rows import assert_explained
from wizard.core.check import Finding, Status
from wizard.core.engine.apply import ApplyResult
from wizard.core.errors import ExitCode
from wizard.payload.k3s_config import MACHINE
from wizard.practice.k3s_process import cluster_of
from wizard.practice.k3s_state import Kubernetes, Node

STORY = (*site.STORY, Nodes())

WORKER_A = site.MORE.splitlines(keepends=True)[1].replace("worker-b", "worker-a").replace(".62", ".61")
"""A second worker, so that one may go."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxy(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    machines = site.MACHINES.replace("artifacts:", f"{WORKER_A.replace('tower-b', 'tower-a')}artifacts:")
    return built(Cluster.fresh(tmp_path_factory.mktemp("left"), machines=machines), steps=STORY)


@pytest.fixture
def done(whole: Cluster) -> Cluster:
    return whole.clone()


def without(cluster: Cluster, name: str) -> None:
    """Take a machine out of the spec."""
    kept = tuple(one for one in cluster.spec.machines if one.name != name)
    cluster.spec = replace(cluster.spec, machines=kept)


def nodes_of(cluster: Cluster) -> dict[str, Node]:
    return known_of(cluster).nodes


def known_of(cluster: Cluster) -> Kubernetes:
    found = cluster_of(cluster.world, cluster.machines["server-a"])
    assert found is not None
    return found


def apply(cluster: Cluster) -> ApplyResult:
    return cluster.session(steps=STORY).apply(yes)


def planned(cluster: Cluster) -> Mapping[str, tuple[str, ...]]:
    """What each change destroys, by `STEP/KEY`."""
    plan, _ = cluster.session(steps=STORY).plan()
    assert not plan.errors, plan.errors
    return {f"{step.step.id}/{one.key}": one.destroys for step in plan.steps for one in step.changes}


def told(cluster: Cluster) -> Finding:
    report = cluster.session(steps=STORY).doctor()
    (one,) = (one for one in report.findings if one.check == "nodes.left")
    return one


def test_the_node_of_a_machine_that_left_the_spec_goes_after_its_machine(done: Cluster) -> None:
    without(done, "worker-b")
    found = planned(done)
    assert list(found) == ["machines/remove:worker-b", "nodes/remove:worker-b"]
    assert found["nodes/remove:worker-b"] == (
        "worker-b: the node in the cluster, and the pods that are bound to it",
    )
    result = apply(done)
    assert result.status == "done", [error.what for error in result.errors] + bad(result.findings)
    assert "worker-b" not in nodes_of(done)
    assert planned(done) == {}
    assert told(done).status is Status.PASS


def test_a_machine_that_comes_back_into_the_spec_joins_as_a_new_one(done: Cluster) -> None:
    before, spec = done.picture(), done.spec
    without(done, "worker-b")
    assert apply(done).status == "done"
    done.spec = spec
    assert apply(done).status == "done"
    assert done.picture() == before


def test_doctor_warns_of_it_until_then(done: Cluster) -> None:
    without(done, "worker-b")
    found = told(done)
    assert (found.status, found.fix) == (Status.WARN, "wizard apply")
    assert found.detail.startswith("worker-b is a node of the cluster, and no longer in the spec.")


def test_a_node_that_somebody_else_added_is_only_told_of(done: Cluster) -> None:
    nodes_of(done)["laptop"] = Node("laptop", "10.213.99.77", "agent", "v1.36.4+k3s1", ready=True)
    assert planned(done) == {}
    found = told(done)
    assert found.status is Status.PASS
    assert "laptop was added by somebody else" in found.detail


def test_the_only_node_of_a_role_stays(done: Cluster) -> None:
    without(done, "storage-a")
    assert "nodes/remove:storage-a" not in planned(done)
    assert apply(done).status == "done"
    assert "storage-a" in nodes_of(done)
    found = told(done)
    assert found.status is Status.WARN
    assert found.evidence == "storage-a is the only storage node"
    assert "kubectl delete node storage-a" in found.fix


def test_a_node_whose_machine_lives_on_elsewhere_is_not_taken_out_of_the_cluster(
    done: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ours by its label, its machine is on a hypervisor that the spec does not know."""
    monkeypatch.setattr("steps.nodes_left.SILENT_SECONDS", 0.0)
    worker = {MACHINE: "worker-z", "node-role.kubernetes.io/worker": "true"}
    nodes_of(done)["worker-z"] = Node("worker-z", "10.213.99.77", "agent", "", worker, ready=True)
    assert list(planned(done)) == ["nodes/remove:worker-z"]
    result = apply(done)
    assert_explained(
        result.errors[0],
        exit_code=ExitCode.FAILED,
        says=["worker-z was not removed from the cluster: it is alive", "its machine runs somewhere"],
        do="kubectl drain worker-z",
    )
    assert "worker-z" in nodes_of(done)


def test_it_stays_while_no_other_of_its_role_is_ready(done: Cluster) -> None:
    without(done, "worker-b")
    assert "nodes/remove:worker-b" in planned(done)
    for name in ("worker-a", "worker-b"):
        done.machines[name].k3s.wanted = False
    session = replace(done.session(), steps=(Alone(),))
    result = session.apply(yes)
    assert [error.what for error in result.errors] == [
        "worker-b was not removed: no other worker node is ready."
    ]
    assert "worker-b" in nodes_of(done)


class Alone(Nodes):
    """The step by itself: what is below it is broken."""

    needs = ()
