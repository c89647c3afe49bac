"""A homelab with nodes, and the steps that make a cluster of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from steps.api_address import ApiAddress
from steps.k3s_agents import K3sAgents
from steps.k3s_programs import K3sPrograms
from steps.k3s_servers import K3sServers
from tests.practice.cluster import NET, SERVERS, STEPS, Cluster, yes
from tests.practice.test_cluster_story import bad, without_proxy
from wizard.core.check import Finding, Status
from wizard.core.engine.apply import ApplyResult
from wizard.core.step import Step

AGENTS = ("storage-a", "worker-b")

NODES = (*SERVERS, *AGENTS)

MACHINES = f"""
machines:
  - {{name: etcd-a, host: tower-a, role: etcd, address: {NET}.31, cpus: 1, memory: 1GiB, disk: 8GiB, data_disk: 2GiB}}
  - {{name: etcd-b, host: tower-b, role: etcd, address: {NET}.32, cpus: 1, memory: 1GiB, disk: 8GiB, data_disk: 2GiB}}
  - {{name: server-a, host: tower-a, role: server, address: {NET}.41, cpus: 1, memory: 2GiB, disk: 8GiB}}
  - {{name: server-b, host: tower-b, role: server, address: {NET}.42, cpus: 1, memory: 2GiB, disk: 8GiB}}
  - {{name: storage-a, host: tower-a, role: storage, address: {NET}.51, cpus: 1, memory: 2GiB, disk: 8GiB}}
  - {{name: worker-b, host: tower-b, role: worker, address: {NET}.62, cpus: 1, memory: 2GiB, disk: 8GiB}}
artifacts: {{accept_built: true}}
"""


STORY: tuple[Step, ...] = (
    *(step for step in STEPS if not step.id.startswith(("k3s-", "api-address", "nodes"))),
    K3sPrograms(),
    K3sServers(),
    ApiAddress(),
    K3sAgents(),
)


def fresh(folder: Path) -> Cluster:
    """Hosts nobody has touched."""
    return Cluster.fresh(folder, machines=MACHINES)


def made(folder: Path) -> Cluster:
    """Everything was made by the wizard."""
    with pytest.MonkeyPatch.context() as patch:
        without_proxy(patch)
        cluster = fresh(folder)
        result = apply(cluster)
        assert result.status == "done", [error.what for error in result.errors] + bad(result.findings)
        return cluster


def apply(cluster: Cluster) -> ApplyResult:
    """The wizard, started anew, until it ends."""
    return cluster.session(steps=STORY).apply(yes)


def planned(cluster: Cluster) -> list[str]:
    """Keys of what is missing, `STEP/KEY`."""
    plan, _ = cluster.session(steps=STORY).plan()
    assert not plan.errors, plan.errors
    return [f"{step.step.id}/{change.key}" for step in plan.steps for change in step.changes]


def looked_at(cluster: Cluster, only: Sequence[str] = ("k3s",)) -> list[Finding]:
    """What doctor finds.

    Args:
        cluster: the homelab.
        only: beginnings of the ids of checks.
    """
    report = cluster.session(steps=STORY).doctor()
    return [one for one in report.findings if one.check.startswith(tuple(only))]


def found(cluster: Cluster, check: str, host: str = "") -> Finding:
    """The one finding of a check."""
    (one,) = (item for item in looked_at(cluster, (check,)) if item.host == host)
    return one


def failing(cluster: Cluster) -> set[tuple[str, str]]:
    """Check and host of everything about K3s that is not as it should be."""
    return {(one.check, one.host) for one in looked_at(cluster) if one.status in (Status.FAIL, Status.WARN)}
