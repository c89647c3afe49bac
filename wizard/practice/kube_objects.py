"""The objects of a simulated cluster as the Kubernetes API writes them: nodes, CoreDNS and its pods."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from wizard.core.resources import asset_text
from wizard.payload.node_password import PASSWORDS, password_secret
from wizard.practice.k3s_state import Kubernetes, Node

Document = dict[str, Any]

ZONE = "topology.kubernetes.io/zone"
DNS = "kube-system/coredns"
"""The Deployment K3s brings along, by namespace and name."""
_UNREACHABLE = "node.kubernetes.io/unreachable"


def node_document(node: Node) -> Document:
    """A node.

    Args:
        node: as K3s' servers know it.
    """
    taints = [_taint(text) for text in node.taints]
    if not node.ready:
        # The node controller adds them when the kubelet falls silent.
        taints += [{"key": _UNREACHABLE, "effect": effect} for effect in ("NoSchedule", "NoExecute")]
    status = "True" if node.ready else "Unknown"
    reason = "KubeletReady" if node.ready else "NodeStatusUnknown"
    said = "kubelet is posting ready status" if node.ready else "Kubelet stopped posting node status."
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "labels": dict(node.labels),
            "resourceVersion": _version([node.labels, list(node.taints)]),
        },
        "spec": {"taints": taints} if taints else {},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": node.address},
                {"type": "Hostname", "address": node.name},
            ],
            "conditions": [{"type": "Ready", "status": status, "reason": reason, "message": said}],
            "nodeInfo": {"kubeletVersion": node.version},
        },
    }


def take_node(node: Node, document: Mapping[str, Any]) -> None:
    """Let a node be as it was written.

    Args:
        node: that is changed.
        document: as the API has it now.
    """
    node.labels = dict(document["metadata"].get("labels", {}))
    found = document.get("spec", {}).get("taints") or []
    node.taints = tuple(_taint_text(one) for one in found if one["key"] != _UNREACHABLE)


def password_secrets(known: Kubernetes) -> list[Document]:
    """What K3s keeps of the passwords that nodes showed when they first came; never a password itself."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": password_secret(name), "namespace": PASSWORDS},
            "immutable": True,
            "type": "Opaque",
        }
        for name, node in sorted(known.nodes.items())
        if node.password
    ]


def forget_password(known: Kubernetes, secret: str) -> None:
    """A node may come with another password.

    Args:
        known: the cluster.
        secret: its name.
    """
    next(node for node in known.nodes.values() if password_secret(node.name) == secret).password = ""


def stored(known: Kubernetes, place: str) -> Document | None:
    """An object that lies in etcd as it was written; CoreDNS is there from the beginning.

    Args:
        known: the cluster.
        place: `namespace/name`.
    """
    if place == DNS and place not in known.objects:
        known.objects[place] = asset_text("practice/coredns.json")
    found = known.objects.get(place)
    return None if found is None else dict(json.loads(found))


def dns_pods(known: Kubernetes) -> list[Document]:
    """The pods of CoreDNS, on the nodes they may run on: as far apart as they are told to be, and no farther."""
    deployment = stored(known, DNS)
    if deployment is None:
        return []
    replicas: int = deployment["spec"].get("replicas", 1)
    taken: list[Node] = []
    for _ in range(replicas):
        fit = [node for node in _homes(known) if node not in taken and _apart(deployment, node, taken)]
        if fit:
            taken.append(fit[0])
    pods = [_pod(number, node) for number, node in enumerate(taken)]
    return pods + [_pod(number, None) for number in range(len(taken), replicas)]


def _homes(known: Kubernetes) -> list[Node]:
    """Nodes whose taints CoreDNS tolerates, by name."""
    tolerated = "node-role.kubernetes.io/control-plane"
    fit = (node for node in known.nodes.values() if node.ready)
    return sorted(
        (node for node in fit if all(taint.startswith(tolerated) for taint in node.taints)),
        key=lambda node: node.name,
    )


def _apart(deployment: Mapping[str, Any], node: Node, taken: Sequence[Node]) -> bool:
    rules = deployment["spec"]["template"]["spec"].get("affinity", {}).get("podAntiAffinity", {})
    keys = [one["topologyKey"] for one in rules.get("requiredDuringSchedulingIgnoredDuringExecution", ())]
    return not any(
        key in node.labels and node.labels[key] == one.labels.get(key) for key in keys for one in taken
    )


def _pod(number: int, node: Node | None) -> Document:
    name = f"coredns-{_version(['coredns', number])[:5]}"
    ready = "True" if node is not None else "False"
    labels = {"k8s-app": "kube-dns"}
    if node is not None and ZONE in node.labels:
        labels[ZONE] = node.labels[ZONE]  # the API copies it when a pod is bound to its node
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
        "spec": {"nodeName": node.name} if node is not None else {},
        "status": {
            "phase": "Running" if node is not None else "Pending",
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


def _taint(text: str) -> dict[str, str]:
    """A taint out of `key=value:Effect`."""
    pair, _, effect = text.rpartition(":")
    key, _, value = pair.partition("=")
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


def _taint_text(taint: Mapping[str, str]) -> str:
    return f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"


def _version(words: object) -> str:
    digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode()).digest()
    return str(int.from_bytes(digest[:4], "big"))
