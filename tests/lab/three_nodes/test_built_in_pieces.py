"""Three nodes by a wizard that was killed at a change of every stage; then what is half there, or of another token."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.lab.cluster.site import failing
from tests.lab.kubernetes.nodes import READY_SECONDS, SERVERS
from tests.lab.story.world import tell, until
from tests.lab.three_nodes.conftest import MOMENTS, Moment, ThreeNodes

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not os.environ.get("WIZARD_LAB_SIX_NODES"),
        reason="WIZARD_LAB_SIX_NODES=1 asks for Kubernetes on guests",
    ),
]

AGENT = "worker-a"


SLOW_DISK = {"etcd.fsync"}
"""The check that a machine busy with other things may fail; it is not what is tested here."""


def unwell(cluster: ThreeNodes) -> list[tuple[str, str]]:
    """What doctor finds failing, and where."""
    _, document = cluster.site.doctor()
    return [one for one in failing(document) if one[0] not in SLOW_DISK]


def assert_whole(cluster: ThreeNodes) -> None:
    """All nodes are Ready, nothing is left to do, and doctor is content once every leader was elected again."""
    until(cluster.all_ready, "every node is Ready", seconds=READY_SECONDS, pause=1.0)
    plan = cluster.site.operator.run("plan", code=0)
    assert "Nothing to do" in plan.stdout
    until(lambda: not unwell(cluster), "doctor is content", seconds=READY_SECONDS, pause=2.0)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_the_wizard_was_killed_while_the_change_was_under_way(
    three_nodes: ThreeNodes, moment: Moment
) -> None:
    killed = next(one for one in three_nodes.killed if one.moment == moment)
    assert (killed.done.exit_code, killed.status) == (-9, "in flight"), killed.done.stderr


def test_the_end_is_that_of_a_run_that_nobody_disturbed(three_nodes: ThreeNodes) -> None:
    assert_whole(three_nodes)
    changes = [
        (step, key, change["status"])
        for step, record in three_nodes.site.operator.state()["steps"].items()
        for key, change in record.get("changes", {}).items()
    ]
    assert [one for one in changes if one[2] != "done"] == []
    keys = three_nodes.site.etcdctl("etcd-a", "get", "/bootstrap", "--prefix", "--keys-only").split()
    assert len(keys) == 1, "one cluster was begun, with one token"
    roles = {name_of(node): node["metadata"]["labels"] for node in three_nodes.items("nodes")}
    assert {name for name, labels in roles.items() if "node-role.kubernetes.io/control-plane" in labels} == {
        *SERVERS
    }
    assert roles[AGENT]["node-role.kubernetes.io/worker"] == "true"


def reasons(cluster: ThreeNodes) -> dict[str, str]:
    """Why K3s does not run, by node, as doctor tells it."""
    found = cluster.site.operator.run("doctor", "--json", "k3s.running").document["findings"]
    return {one["host"]: one["cause"] for one in found if one["status"] == "fail"}


def test_another_token_on_a_node_is_told_with_k3s_own_reason_and_put_right(three_nodes: ThreeNodes) -> None:
    site, server = three_nodes.site, SERVERS[1]
    wrong = {server: ("k3s", "k3s-token"), AGENT: ("k3s-agent", "k3s-agent-token")}
    for name, (unit, token) in wrong.items():
        site.shell(
            name, f"echo of-another-cluster >/etc/homelab/{token}; systemctl restart --no-block {unit}"
        )
    says = {server: "encrypted with different token", AGENT: "401 Unauthorized"}
    until(
        lambda: all(text in reasons(three_nodes).get(name, "") for name, text in says.items()),
        "doctor tells K3s' own reasons",
        seconds=READY_SECONDS,
        pause=1.0,
    )
    tell(f"another token: {reasons(three_nodes)}")
    tell(f"put right in {three_nodes.mend().seconds:.0f} s")
    assert_whole(three_nodes)


def test_what_is_half_installed_is_made_whole(three_nodes: ThreeNodes) -> None:
    """An agent's program without its unit, and a server's unit without its configuration."""
    site, server = three_nodes.site, SERVERS[1]
    unit = "/etc/systemd/system/k3s-agent.service"
    site.shell(AGENT, f"systemctl disable --now k3s-agent; rm {unit}; systemctl daemon-reload")
    site.shell(server, "systemctl stop k3s; rm /etc/rancher/k3s/config.yaml")
    tell(f"half installed: made whole in {three_nodes.mend().seconds:.0f} s")
    assert_whole(three_nodes)


def name_of(node: dict[str, Any]) -> str:
    return str(node["metadata"]["name"])
