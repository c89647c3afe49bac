"""Two servers and four agents on guests of two hypervisors, on the etcd that the wizard made."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cluster.site import TOWERS, tower_of
from tests.lab.kubernetes.nodes import NODES, POD_SECONDS, READY_SECONDS, SERVERS, Kubernetes
from tests.lab.story.world import tell, until
from wizard.lab import charts

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not os.environ.get("WIZARD_LAB_SIX_NODES"), reason="WIZARD_LAB_SIX_NODES=1 asks for it"
    ),
]

GIB = 1024.0

CHART = Path(__file__).parent / "chart"

TALKERS: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "talk", "namespace": "default"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "talk"}},
        "template": {
            "metadata": {"labels": {"app": "talk"}},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": "topology.kubernetes.io/zone",
                        "whenUnsatisfiable": "DoNotSchedule",
                        "labelSelector": {"matchLabels": {"app": "talk"}},
                    }
                ],
                "containers": [
                    {
                        "name": "redis",
                        "image": "docker.io/library/redis:8.0",
                        "readinessProbe": {"exec": {"command": ["redis-cli", "ping"]}, "periodSeconds": 2},
                    }
                ],
            },
        },
    },
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "talk", "namespace": "default"},
    "spec": {"selector": {"app": "talk"}, "ports": [{"port": 6379}]},
}


@pytest.fixture(scope="module")
def cluster(six_nodes: Kubernetes) -> Kubernetes:
    return six_nodes


def test_six_nodes_are_ready(cluster: Kubernetes) -> None:
    tell(f"kubectl get nodes -o wide\n{cluster.kubectl('get', 'nodes', '-o', 'wide')}")
    tell(", ".join(f"{what} after {seconds:.0f} s" for what, seconds in cluster.times.items()))
    nodes = {node["metadata"]["name"]: node for node in cluster.items("nodes")}
    assert set(nodes) == set(NODES) == cluster.ready()
    for name, node in nodes.items():
        assert node["metadata"]["labels"]["topology.kubernetes.io/zone"] == tower_of(name)
        addresses = {one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP"}
        assert addresses == {cluster.site.address(name)}
        server = "node-role.kubernetes.io/control-plane" in node["metadata"]["labels"]
        assert server == (name in SERVERS)
    for asked in SERVERS:
        assert len(cluster.items("nodes", through=asked)) == len(NODES)


def test_six_nodes_fit_into_eight_gibibytes(cluster: Kubernetes) -> None:
    held = cluster.memory()
    tell(
        "MiB by node: "
        + ", ".join(f"{name} {mib:.0f}" for name, mib in held.items())
        + f"; {sum(held.values()):.0f}"
    )
    assert 0 < sum(held.values()) < 8 * GIB


@pytest.fixture(scope="module")
def talkers(cluster: Kubernetes) -> dict[str, dict[str, Any]]:
    """A pod on each hypervisor, by the hypervisor."""
    cluster.rolled_out("deployment", "coredns", "kube-system")
    cluster.apply(TALKERS, SERVICE)
    cluster.rolled_out("deployment", "talk", "default")
    pods = cluster.items("pods", "-l", "app=talk")
    return {tower_of(pod["spec"]["nodeName"]): pod for pod in pods}


def ask(cluster: Kubernetes, pod: str, host: str) -> str:
    words = ("timeout", "5", "redis-cli", "-h", host, "ping")
    return cluster.kubectl("exec", pod, "--", *words, ok=False).strip()


def test_pods_talk_across_hypervisors_and_through_a_service_by_its_name(
    cluster: Kubernetes, talkers: dict[str, dict[str, Any]]
) -> None:
    assert set(talkers) == set(TOWERS)
    for here, there in (TOWERS, TOWERS[::-1]):
        pod = talkers[here]["metadata"]["name"]
        assert ask(cluster, pod, talkers[there]["status"]["podIP"]) == "PONG"
        until(
            lambda: ask(cluster, pod, "talk.default.svc.cluster.local") == "PONG",  # noqa: B023
            f"a pod on {here} reaches the service by its name",
            seconds=60,
            pause=0.5,
        )


def release(cluster: Kubernetes) -> dict[str, str]:
    """The status of each revision of the chart's release, by its number."""
    found = cluster.items("secrets", "-n", "demo", "-l", "owner=helm,name=demo")
    return {one["metadata"]["labels"]["version"]: one["metadata"]["labels"]["status"] for one in found}


def told(cluster: Kubernetes) -> dict[str, str]:
    found = json.loads(
        cluster.kubectl("get", "configmap", "demo", "-n", "demo", "-o", "json", ok=False) or "{}"
    )
    data: dict[str, str] = found.get("data", {})
    return data


def asked_for(policy: str, values: str) -> dict[str, object]:
    packed = charts.packed("demo", CHART)
    more = {
        "targetNamespace": "demo",
        "createNamespace": True,
        "failurePolicy": policy,
        "valuesContent": values,
    }
    return charts.helm_chart("demo", "kube-system", packed, **more)


def config(policy: str) -> dict[str, Any]:
    """Its failure policy counts, not the HelmChart's; where it names none, the API server sets `reinstall`."""
    return {
        "apiVersion": "helm.cattle.io/v1",
        "kind": "HelmChartConfig",
        "metadata": {"name": "demo", "namespace": "kube-system"},
        "spec": {"valuesContent": "word: of the HelmChartConfig\n", "failurePolicy": policy},
    }


def test_a_chart_is_installed_upgraded_and_left_alone_when_it_fails(cluster: Kubernetes) -> None:
    cluster.apply(asked_for("abort", "word: of the HelmChart\n"))
    became(cluster, {"1": "deployed"})
    assert told(cluster) == {"word": "of the HelmChart", "other": "of the chart"}

    cluster.apply(config("abort"))
    became(cluster, {"1": "superseded", "2": "deployed"})
    assert told(cluster) == {"word": "of the HelmChartConfig", "other": "of the chart"}

    cluster.apply(asked_for("abort", "port: 99999\n"))
    became(cluster, {"1": "superseded", "2": "deployed", "3": "failed"})
    until(
        lambda: (
            "abort" in cluster.kubectl("logs", "-n", "kube-system", "-l", CHART_LABEL, "--tail=-1", ok=False)
        ),
        "the next job leaves the failed release to a person",
        seconds=POD_SECONDS,
        pause=1.0,
    )
    assert release(cluster)["3"] == "failed" and "4" not in release(cluster)

    cluster.apply(config("retry"), asked_for("retry", "port: 81\n"))
    until(
        lambda: release(cluster).get("4") == "deployed",
        "it is upgraded again",
        seconds=POD_SECONDS,
        pause=1.0,
    )

    cluster.kubectl("delete", "helmchart", "demo", "-n", "kube-system", "--timeout=100s")
    assert (release(cluster), told(cluster)) == ({}, {})


CHART_LABEL = "helmcharts.helm.cattle.io/chart=demo"


def became(cluster: Kubernetes, wanted: dict[str, str]) -> None:
    until(
        lambda: release(cluster) == wanted,
        f"the release becomes {wanted}; {release(cluster)}",
        seconds=POD_SECONDS,
        pause=1.0,
    )


def renewed(cluster: Kubernetes, since: datetime) -> set[str]:
    """The nodes whose kubelet has reported since then."""
    leases = cluster.items("leases", "-n", "kube-node-lease")
    return {
        one["metadata"]["name"] for one in leases if datetime.fromisoformat(one["spec"]["renewTime"]) > since
    }


def test_all_six_come_back_when_all_were_restarted(
    cluster: Kubernetes, talkers: dict[str, dict[str, Any]]
) -> None:
    began = time.monotonic()
    for name in NODES:
        cluster.site.virsh(tower_of(name), "destroy", name)
    off = datetime.now(UTC)
    for name in NODES:
        cluster.site.virsh(tower_of(name), "start", name)
    until(
        lambda: renewed(cluster, off) == set(NODES) and cluster.all_ready(),
        "six nodes are Ready again",
        seconds=READY_SECONDS,
        pause=1.0,
    )
    tell(f"all six guests cut off and started: Ready again after {time.monotonic() - began:.0f} s")
    pods = {pod["metadata"]["name"]: pod for pod in cluster.items("pods", "-l", "app=talk")}
    assert set(pods) >= {pod["metadata"]["name"] for pod in talkers.values()}
    until(
        lambda: all(
            ask(cluster, pod["metadata"]["name"], "talk.default.svc.cluster.local") == "PONG"
            for pod in talkers.values()
        ),
        "the pods answer each other again",
        seconds=POD_SECONDS,
        pause=1.0,
    )
