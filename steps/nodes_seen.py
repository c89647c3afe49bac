"""The nodes and CoreDNS as the API has them, and what is wrong with their marks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steps.parse.nodes import DnsSeen, NodeSeen, PodSeen, parse_dns, parse_node, parse_pods
from wizard.core.context import Context
from wizard.core.dataclass import dataclass
from wizard.core.errors import HostError, RemoteError
from wizard.core.kubernetes import DEPLOYMENT, NODE, POD, ApiAbsentError, ApiReader
from wizard.core.spec.model import ClusterSpec, MachineSpec
from wizard.payload.k3s_config import ZONE
from wizard.payload.node_marks import (
    DNS,
    DNS_NAMESPACE,
    DNS_SELECTOR,
    OUR_TAINTS,
    Taint,
    our_labels,
    registered_labels,
    registered_taints,
    wanted_labels,
    wanted_taints,
)

SELECTOR = ",".join(f"{key}={value}" for key, value in DNS_SELECTOR.items())


@dataclass(frozen=True, slots=True)
class Marks:
    """What has to be changed on a node; nothing where it is as it shall be."""

    labels: Mapping[str, str | None]
    """Values by label; None = it has to go."""
    missing: tuple[Taint, ...] = ()
    extra: tuple[Taint, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.labels or self.missing or self.extra)

    def __str__(self) -> str:
        """One part a mark, as kubectl would be told: `zone=a`, `role-`."""
        labels = [f"{key}={value}" if value is not None else f"{key}-" for key, value in self.labels.items()]
        taints = [f"taint {taint}" for taint in self.missing] + [f"taint {taint}-" for taint in self.extra]
        return ", ".join([*labels, *taints])


def wrong_marks(spec: ClusterSpec, machine: MachineSpec, node: NodeSeen) -> Marks:
    """What has to be changed on a node.

    Args:
        spec: of the cluster.
        machine: its guest.
        node: as it is.
    """
    labels, taints = wanted_labels(spec, machine), wanted_taints(spec, machine)
    wrong: dict[str, str | None] = {
        key: value for key, value in labels.items() if node.labels.get(key) != value
    }
    wrong |= {key: None for key in our_labels(spec) if key in node.labels and key not in labels}
    return Marks(
        wrong,
        tuple(taint for taint in taints if taint not in node.taints),
        tuple(taint for taint in node.taints if taint.key in OUR_TAINTS and taint not in taints),
    )


def patch(node: NodeSeen, marks: Marks) -> Mapping[str, Any]:
    """The merge patch that mends a node; refused by the API when the node was changed since it was looked at.

    Args:
        node: as it is.
        marks: what has to be changed.
    """
    body: dict[str, Any] = {"metadata": {"resourceVersion": node.revision}}
    if marks.labels:
        body["metadata"]["labels"] = dict(marks.labels)
    if marks.missing or marks.extra:
        # A list is replaced as a whole: taints of the node controller stay in it.
        kept = [taint for taint in node.taints if taint not in marks.extra]
        body["spec"] = {"taints": [taint.document for taint in (*kept, *marks.missing)]}
    return body


def patch_to_cordon() -> Mapping[str, Any]:
    """The merge patch after which nothing new is put on a node."""
    return {"spec": {"unschedulable": True}}


def as_registered(machine: MachineSpec) -> NodeSeen:
    """A node as it will be when it registers."""
    return NodeSeen(machine.name, registered_labels(machine), registered_taints(machine))


def look(ctx: Context) -> Mapping[str, NodeSeen] | None:
    """The nodes the API has, by name; None where there is no cluster yet.

    Raises:
        HostError: the API does not answer, or no server can be asked for its kubeconfig.
        RemoteError: the API cannot tell.
    """
    if not _begun(ctx):
        return None
    try:
        return {one.name: parse_node(one) for one in ctx.kubernetes.list(NODE)}
    except ApiAbsentError:
        return None


def look_at_dns(api: ApiReader) -> DnsSeen | None:
    """K3s' Deployment of CoreDNS; None where K3s did not make it yet.

    Raises:
        HostError: the API does not answer.
        RemoteError: the API cannot tell.
    """
    found = api.get(DEPLOYMENT, DNS, DNS_NAMESPACE)
    return None if found is None else parse_dns(found)


def look_at_pods(api: ApiReader) -> tuple[PodSeen, ...]:
    """The pods of CoreDNS.

    Raises:
        HostError: the API does not answer.
        RemoteError: the API cannot tell.
    """
    return parse_pods(api.list(POD, DNS_NAMESPACE, selector=SELECTOR))


def zones(nodes: Mapping[str, NodeSeen], pods: tuple[PodSeen, ...]) -> tuple[str, ...]:
    """The zones in which a pod is ready, each once.

    Args:
        nodes: by name.
        pods: of CoreDNS.
    """
    found = (nodes[pod.node].labels.get(ZONE, "") for pod in pods if pod.ready and pod.node in nodes)
    return tuple(dict.fromkeys(zone for zone in found if zone))


def _begun(ctx: Context) -> bool:
    """Whether a server can have an API: a guest that is still to be made has none, and nobody waits for its answer."""
    return any(_may_run(ctx, one) for one in ctx.spec.servers())


def _may_run(ctx: Context, machine: MachineSpec) -> bool:
    try:
        return ctx.present(machine.name)
    except (HostError, RemoteError):
        return True
