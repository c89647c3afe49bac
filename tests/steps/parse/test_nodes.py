"""What the API says of nodes and of CoreDNS, field by field."""

from __future__ import annotations

from typing import Any

from steps.parse.nodes import DnsSeen, parse_dns, parse_node, parse_pods
from wizard.core.kubernetes import KubeObject
from wizard.payload.node_marks import Taint


def condition(kind: str, status: str, **more: str) -> dict[str, str]:
    return {"type": kind, "status": status, **more}


def pod(name: str, **more: Any) -> KubeObject:  # noqa: ANN401 - JSON
    return KubeObject({"metadata": {"name": name}, **more})


def test_a_node_that_is_ready() -> None:
    found = parse_node(
        KubeObject(
            {
                "metadata": {"name": "storage-a", "resourceVersion": "7", "labels": {"a": "b"}},
                "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]},
                "status": {"conditions": [condition("MemoryPressure", "False"), condition("Ready", "True")]},
            }
        )
    )
    assert (found.name, found.revision, found.ready, found.said) == ("storage-a", "7", True, "")
    assert (found.labels, found.taints) == ({"a": "b"}, (Taint("k", "", "NoSchedule"),))


def test_a_node_says_why_it_is_not_ready_without_moving_the_cursor() -> None:
    conditions = [
        condition("Ready", "False", reason="KubeletNotReady", message="container \x1b[2Jruntime is down")
    ]
    found = parse_node(KubeObject({"metadata": {"name": "a"}, "status": {"conditions": conditions}}))
    assert not found.ready
    assert found.said.startswith("container ")
    assert "\x1b" not in found.said


def test_a_node_that_has_just_registered_says_nothing_yet() -> None:
    found = parse_node(KubeObject({"metadata": {"name": "a"}}))
    assert (found.ready, found.said, found.labels, found.taints) == (False, "", {}, ())


def test_pods_that_are_being_ended_do_not_count() -> None:
    ended = KubeObject({"metadata": {"name": "old", "deletionTimestamp": "2026-11-28T06:00:00Z"}})
    ready = pod("new", spec={"nodeName": "server-a"}, status={"conditions": [condition("Ready", "True")]})
    assert [one.name for one in parse_pods([ended, ready])] == ["new"]


def test_a_pod_no_node_takes_says_why() -> None:
    why = "0/6 nodes are available: 3 didn't match pod anti-affinity rules."
    (found,) = parse_pods(
        [pod("late", status={"conditions": [condition("PodScheduled", "False", message=why)]})]
    )
    assert (found.node, found.ready, found.said) == ("", False, why)


def test_of_coredns_the_number_and_the_rule() -> None:
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}
    spread = {"spec": {"replicas": 2, "template": {"spec": {"affinity": {"podAntiAffinity": rule}}}}}
    assert parse_dns(KubeObject(spread)) == DnsSeen(2, ("zone",))
    assert parse_dns(KubeObject({"spec": {"template": {}}})) == DnsSeen(1, ())
