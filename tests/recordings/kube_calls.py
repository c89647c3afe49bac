"""The calls of the Kubernetes API that steps make, in one story: played on a real API server and on practice's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steps.nodes_seen import patch_to_cordon
from wizard.core.errors import WizardError
from wizard.core.kubernetes import DEPLOYMENT, NODE, POD, SECRET, Api, KubeObject
from wizard.payload.node_marks import dns_document
from wizard.payload.node_password import PASSWORDS, password_secret
from wizard.practice.k3s_state import Node

FILE = Path(__file__).parent / "kubernetes-api.json"
"""What a real API server answered: `WIZARD_RECORD=1 pytest -m lab tests/lab/kubernetes/test_api_recordings.py`."""

RECORD = "WIZARD_RECORD=1 pytest -m lab tests/lab/kubernetes/test_api_recordings.py"

NODES = ("server-a", "server-b", "storage-a")
LABELS = {
    "server-a": {"node-role.kubernetes.io/control-plane": "true", "topology.kubernetes.io/zone": "tower-a"},
    "server-b": {"node-role.kubernetes.io/control-plane": "true", "topology.kubernetes.io/zone": "tower-b"},
    "storage-a": {"topology.kubernetes.io/zone": "tower-a"},
}
TAINTS = {"server-a": ("node-role.kubernetes.io/control-plane=true:NoSchedule",)}
DNS = ("coredns", "kube-system")


def node_of(name: str) -> Node:
    """One of `NODES` as it stands before the first call."""
    taints = TAINTS.get(name, ())
    return Node(name, "192.0.2.1", "agent", "v1.36.4", dict(LABELS[name]), taints, "its own", ready=True)


def deployment(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What we apply to CoreDNS."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": DNS[0], "namespace": DNS[1]},
        "spec": dict(spec),
    }


def _labelled(api: Api) -> KubeObject:
    body = {"metadata": {"labels": {"node-role.kubernetes.io/storage": "true", "wrong": "yes"}}}
    return api.patch(NODE, "storage-a", body)


def _unlabelled(api: Api) -> KubeObject:
    return api.patch(NODE, "storage-a", {"metadata": {"labels": {"wrong": None}}})


def _tainted(api: Api) -> KubeObject:
    taints = [{"key": "storage", "value": "longhorn", "effect": "NoSchedule"}]
    return api.patch(NODE, "storage-a", {"spec": {"taints": taints}})


def _outdated(api: Api) -> KubeObject:
    return api.patch(NODE, "storage-a", {"metadata": {"resourceVersion": "1", "labels": {"late": "yes"}}})


def _twice_and_apart(api: Api) -> KubeObject:
    return api.apply(DEPLOYMENT, dns_document(2))


def _only_twice(api: Api) -> KubeObject:
    return api.apply(DEPLOYMENT, deployment({"replicas": 2}))


CALLS: tuple[tuple[str, Callable[[Api], object]], ...] = (
    ("ready", lambda api: api.ready().ok),
    ("version", lambda api: type(api.version()).__name__),
    ("nodes", lambda api: api.list(NODE)),
    ("one node", lambda api: api.get(NODE, "storage-a")),
    ("no node", lambda api: api.get(NODE, "worker-z")),
    ("label a node", _labelled),
    ("take a label off", _unlabelled),
    ("taint a node", _tainted),
    ("patch what was changed meanwhile", _outdated),
    (
        "patch what is not there",
        lambda api: api.patch(NODE, "worker-z", {"metadata": {"labels": {"a": "b"}}}),
    ),
    ("coredns", lambda api: api.get(DEPLOYMENT, *DNS)),
    ("coredns twice and apart", _twice_and_apart),
    ("coredns only twice", _only_twice),
    ("pods of coredns", lambda api: api.list(POD, DNS[1], selector="k8s-app=kube-dns")),
    ("let nothing new come to a node", lambda api: api.patch(NODE, "server-b", patch_to_cordon())),
    ("a node's password", lambda api: api.get(SECRET, password_secret("server-b"), PASSWORDS)),
    ("forget it", lambda api: api.delete(SECRET, password_secret("server-b"), PASSWORDS)),
    ("forget it again", lambda api: api.delete(SECRET, password_secret("server-b"), PASSWORDS)),
    ("remove a node", lambda api: api.delete(NODE, "server-b")),
    ("remove it again", lambda api: api.delete(NODE, "server-b")),
    ("nodes that are left", lambda api: [node.name for node in api.list(NODE)]),
)
"""In their order: each finds what those before it left."""


def played(api: Api) -> dict[str, list[str]]:
    """The shape of every answer.

    Args:
        api: of a cluster with `NODES`, their labels, taints and passwords, and CoreDNS as K3s brings it.
    """
    return {name: sorted(_shape(_answer(call, api))) for name, call in CALLS}


def _answer(call: Callable[[Api], object], api: Api) -> object:
    try:
        return call(api)
    except WizardError as error:
        return {"error": type(error).__name__, "status": error.why.rpartition(", ")[2].rstrip(")")}


@dataclass(frozen=True, slots=True)
class Fields:
    """Which values of objects count: the steps decide by them. Of the others only the type does."""

    names: tuple[str, ...] = (
        ".kind",
        ".apiVersion",
        ".metadata.name",
        ".metadata.labels.",
        ".spec.taints",
        ".spec.replicas",
        ".spec.template.spec.affinity.",
        ".status.conditions",
    )

    def count(self, path: str) -> bool:
        """Whether the value at a path does."""
        return path.startswith(self.names)


def _shape(answer: object) -> Iterator[str]:
    if isinstance(answer, tuple):
        for one in answer:
            yield from _rows(one.document if isinstance(one, KubeObject) else one, f"[{one.name}]")
    elif isinstance(answer, KubeObject):
        yield from _rows(answer.document, "")
    else:
        yield json.dumps(answer)


def _rows(value: object, path: str) -> Iterator[str]:
    bare = path[path.index("]") + 1 :] if path.startswith("[") else path
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _rows(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _rows(inner, path)
    elif value is not None:
        free = bare.endswith((".reason", ".message", ".lastHeartbeatTime", ".lastTransitionTime"))
        exact = Fields().count(bare) and not free
        yield f"{path} {json.dumps(value) if exact else type(value).__name__}"


def differences(real: Mapping[str, list[str]], simulated: Mapping[str, list[str]]) -> list[str]:
    """What the simulated one says that the real one does not, and what of the counting values it leaves out.

    A real object has many fields more: the steps do not look at them.

    Args:
        real: as recorded.
        simulated: as played.
    """
    found: list[str] = []
    for name, _ in CALLS:
        theirs, ours = set(real.get(name, ())), set(simulated.get(name, ()))
        found += [f"{name}: invented: {row}" for row in sorted(ours - theirs)]
        found += [f"{name}: left out: {row}" for row in sorted(theirs - ours) if _counts(row)]
    return found


def _counts(row: str) -> bool:
    path = row.partition(" ")[0]
    bare = path[path.index("]") + 1 :] if path.startswith("[") else path
    free = (".reason", ".message", ".lastHeartbeatTime", ".lastTransitionTime", ".timeAdded")
    return (not path.startswith((".", "[")) or Fields().count(bare)) and not bare.endswith(free)
