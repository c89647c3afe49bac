"""A homelab with nodes, and the steps that make a cluster of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from steps import STEPS
from tests.practice.cluster import MACHINES as FEWER
from tests.practice.cluster import NET, SERVERS, Cluster, built, yes
from tests.practice.k3s_by_hand import BELOW
from wizard.core.check import Finding, Status
from wizard.core.engine.apply import ApplyResult
from wizard.core.step import Step

AGENTS = ("storage-a", "worker-b")

NODES = (*SERVERS, *AGENTS)

MORE = f"""\
  - {{name: storage-a, host: tower-a, role: storage, address: {NET}.51, cpus: 1, memory: 2GiB, disk: 8GiB}}
  - {{name: worker-b, host: tower-b, role: worker, address: {NET}.62, cpus: 1, memory: 2GiB, disk: 8GiB}}
"""
MACHINES = FEWER.replace("artifacts:", f"{MORE}artifacts:")
"""The homelab's own, and an agent on each hypervisor."""

STORY: tuple[Step, ...] = (*BELOW, *(step for step in STEPS if step.id.startswith(("k3s-", "api-address"))))
"""All that is done on the nodes themselves."""


def fresh(folder: Path) -> Cluster:
    """Hosts nobody has touched."""
    return Cluster.fresh(folder, machines=MACHINES)


def made(folder: Path) -> Cluster:
    """Everything was made by the wizard."""
    return built(fresh(folder), steps=STORY)


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
