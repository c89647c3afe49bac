"""What the API says of nodes and of CoreDNS: JSON in, frozen data out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.core.kubernetes import KubeObject
from wizard.core.text import printable
from wizard.payload.node_marks import Taint


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node as the API has it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    ready: bool = False
    said: str = ""
    """Why it is not ready, in the kubelet's or the controller's words."""
    revision: str = ""
    """Of the object: a patch that names it is refused when somebody changed the object meanwhile."""


@dataclass(frozen=True, slots=True)
class PodSeen:
    """A pod as the API has it."""

    name: str
    node: str = ""
    """Empty = no node takes it."""
    ready: bool = False
    said: str = ""
    """Why it is not ready, or on no node."""


@dataclass(frozen=True, slots=True)
class DnsSeen:
    """K3s' Deployment of CoreDNS as far as it is ours."""

    replicas: int = 1
    apart: tuple[str, ...] = ()
    """Topology keys by which its pods must keep apart."""


def parse_node(found: KubeObject) -> NodeSeen:
    """A node."""
    taints = found.at("spec", "taints") or ()
    ready, said = _condition(found, "Ready")
    return NodeSeen(
        name=found.name,
        labels=found.labels,
        taints=tuple(Taint(one["key"], one.get("value", ""), one["effect"]) for one in taints),
        ready=ready,
        said=said,
        revision=str(found.at("metadata", "resourceVersion") or ""),
    )


def parse_pods(found: Iterable[KubeObject]) -> tuple[PodSeen, ...]:
    """Pods, without those that are being ended."""
    return tuple(_pod(one) for one in found if not one.at("metadata", "deletionTimestamp"))


def parse_dns(found: KubeObject) -> DnsSeen:
    """The Deployment of CoreDNS."""
    rules = found.at("spec", "template", "spec", "affinity", "podAntiAffinity") or {}
    terms = rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    replicas = found.at("spec", "replicas")
    return DnsSeen(
        1 if replicas is None else int(replicas), tuple(one.get("topologyKey", "") for one in terms)
    )


def _pod(found: KubeObject) -> PodSeen:
    ready, said = _condition(found, "Ready")
    _, unscheduled = _condition(found, "PodScheduled")
    return PodSeen(found.name, str(found.at("spec", "nodeName") or ""), ready, unscheduled or said)


def _condition(found: KubeObject, kind: str) -> tuple[bool, str]:
    """Whether a condition holds, and why not."""
    one = next((one for one in found.at("status", "conditions") or () if one.get("type") == kind), None)
    if one is None:
        return False, ""
    if one.get("status") == "True":
        return True, ""
    return False, printable(str(one.get("message") or one.get("reason") or ""))
