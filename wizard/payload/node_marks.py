"""What nodes are marked with, and how CoreDNS is spread over them: labels, taints and manifests as data.

K3s sets labels and taints of its configuration only when a node registers, and a kubelet may not give itself a role
(domain.md 1.8): what is wanted later, or of roles, is written through the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wizard.core.dataclass import dataclass
from wizard.core.spec.model import ClusterSpec, MachineRole, MachineSpec
from wizard.payload.k3s_config import MACHINE, ZONE

ROLE = "node-role.kubernetes.io/"
"""What `kubectl get nodes` shows in its column of roles."""

LONGHORN = "node.longhorn.io/create-default-disk"
"""Where Longhorn makes disks; only read while a node has none (domain.md 3.2)."""

SHOWN_AS: Mapping[MachineRole, str] = {"server": "control-plane", "storage": "storage", "worker": "worker"}
"""Roles of guests that are nodes, by the name of the label."""

DNS, DNS_NAMESPACE = "coredns", "kube-system"
DNS_SELECTOR = {"k8s-app": "kube-dns"}
DNS_REPLICAS = 2


@dataclass(frozen=True, slots=True)
class Taint:
    """What keeps pods away that do not tolerate it."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"

    @property
    def document(self) -> dict[str, str]:
        """As the API has it."""
        return {"key": self.key, "effect": self.effect, **({"value": self.value} if self.value else {})}


CONTROL_PLANE = Taint(f"{ROLE}control-plane", "true", "NoSchedule")
"""Nothing but the control plane and what it needs runs on servers."""

STORAGE = Taint("storage", "longhorn", "NoSchedule")
"""Only Longhorn runs where the volumes are: a pod that eats a storage guest's memory would take volumes with it."""

OUR_TAINTS = (CONTROL_PLANE.key, STORAGE.key)


def wanted_labels(spec: ClusterSpec, machine: MachineSpec) -> Mapping[str, str]:
    """The labels a node shall have from us; every other of `our_labels` it shall not have.

    Args:
        spec: of the cluster.
        machine: the node's guest.
    """
    wanted = {ZONE: machine.host, MACHINE: machine.name, f"{ROLE}{SHOWN_AS[machine.role]}": "true"}
    if machine.role == "storage" and spec.storage.kind == "longhorn":
        wanted[LONGHORN] = "true"
    return wanted


def our_labels(spec: ClusterSpec) -> tuple[str, ...]:
    """The labels that nobody but us sets: where one is not wanted it is wrong.

    Longhorn's is among them only where Longhorn is ours: with a StorageClass of the owner's it may be theirs.
    """
    roles = tuple(f"{ROLE}{name}" for name in SHOWN_AS.values())
    return (*roles, LONGHORN) if spec.storage.kind == "longhorn" else roles


def wanted_taints(spec: ClusterSpec, machine: MachineSpec) -> tuple[Taint, ...]:
    """The taints a node shall have from us; no other of `OUR_TAINTS` shall it have.

    Args:
        spec: of the cluster.
        machine: the node's guest.
    """
    if machine.role == "server":
        return (CONTROL_PLANE,)
    return (STORAGE,) if machine.role == "storage" and spec.storage.kind == "longhorn" else ()


def registered_labels(machine: MachineSpec) -> Mapping[str, str]:
    """What a node that registers just now has: zone and machine from its configuration, a server its role from K3s."""
    role = {f"{ROLE}control-plane": "true"} if machine.role == "server" else {}
    return {ZONE: machine.host, MACHINE: machine.name, **role}


def registered_taints(machine: MachineSpec) -> tuple[Taint, ...]:
    """What a node that registers just now has, from its configuration."""
    return (CONTROL_PLANE,) if machine.role == "server" else ()


def dns_replicas(spec: ClusterSpec) -> int:
    """How many pods of CoreDNS there shall be: one a zone that can carry it, two at most."""
    return min(DNS_REPLICAS, len({one.host for one in spec.nodes() if not _tainted_for_longhorn(spec, one)}))


def _tainted_for_longhorn(spec: ClusterSpec, machine: MachineSpec) -> bool:
    return STORAGE in wanted_taints(spec, machine)


def apart() -> list[dict[str, Any]]:
    """The rule by which no two pods of CoreDNS are in one zone.

    It is required and not preferred: after a hypervisor was lost both would else stay together on the other for good.
    Until it is back the second pod waits, and the first answers.
    """
    return [{"labelSelector": {"matchLabels": dict(DNS_SELECTOR)}, "topologyKey": ZONE}]


def dns_document(replicas: int) -> Mapping[str, Any]:
    """What is ours of K3s' own Deployment of CoreDNS.

    K3s leaves both fields out of its manifest, so that they stay when it applies that again (domain.md 1.3).

    Args:
        replicas: how many pods.
    """
    spread = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": apart()}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": DNS, "namespace": DNS_NAMESPACE},
        "spec": {"replicas": replicas, "template": {"spec": {"affinity": spread}}},
    }
