"""The calls of the wizard on a real API server; what practice's is compared with is recorded from it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from steps.nodes_seen import patch, wrong_marks
from steps.parse.nodes import NodeSeen, parse_node
from tests.engine.story import home_spec
from tests.lab.kubernetes.api_server import RealApi, real_api
from tests.recordings.kube_calls import CALLS, FILE, NODES, RECORD, differences, node_of, played
from wizard.core.kubernetes import DEPLOYMENT, MANAGER, NODE, SECRET, ApiRefusedError
from wizard.core.resources import asset_text
from wizard.core.spec.model import MachineSpec
from wizard.payload.node_password import PASSWORDS
from wizard.practice.k3s_state import Kubernetes, Node
from wizard.practice.kube_objects import DNS, dns_pods, node_document, password_secrets

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab")]

RECORDING = bool(os.environ.get("WIZARD_RECORD"))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealApi]:
    with real_api(tmp_path_factory.mktemp("api")) as found:
        yield found


def made(
    real: RealApi, path: str, document: Mapping[str, Any], method: str = "POST", content: str = ""
) -> None:
    """Make an object as a kubelet, a controller or K3s would: a step never does."""
    client = real.api._client(real.api.vip)
    client.call_api(
        path,
        method,
        header_params={"Accept": "application/json", "Content-Type": content or "application/json"},
        query_params=[("fieldManager", "deploy@server-a"), ("force", "true")] if "apply" in content else [],
        body=document,
        response_types_map={200: "object", 201: "object"},
    )


def furnished(real: RealApi) -> None:
    """Nodes and their passwords, CoreDNS as K3s applies it, and two pods of it."""
    nodes = [node_of(name) for name in NODES]
    for node in nodes:
        document = node_document(node)
        document["metadata"].pop("resourceVersion")
        made(real, "/api/v1/nodes", document)
        status = {"status": document["status"]}
        made(real, f"/api/v1/nodes/{node.name}/status", status, "PATCH", "application/merge-patch+json")
    for secret in password_secrets(_known(nodes)):
        made(real, SECRET.path(PASSWORDS), secret)
    coredns = json.loads(asset_text("practice/coredns.json"))
    coredns["spec"].pop("replicas")
    path = DEPLOYMENT.path("kube-system", "coredns")
    made(real, path, coredns, "PATCH", "application/apply-patch+yaml")
    twice = json.dumps({**coredns, "spec": {**coredns["spec"], "replicas": 2}})
    for pod in dns_pods(_known(nodes, {DNS: twice})):
        spec = coredns["spec"]["template"]["spec"]
        more = {"containers": spec["containers"], **pod["spec"]}
        made(real, "/api/v1/namespaces/kube-system/pods", {**pod, "spec": more})
        place = f"/api/v1/namespaces/kube-system/pods/{pod['metadata']['name']}/status"
        made(real, place, {"status": pod["status"]}, "PATCH", "application/merge-patch+json")


def _known(nodes: Sequence[Node], objects: dict[str, str] | None = None) -> Kubernetes:
    return Kubernetes("", "", "", {node.name: node for node in nodes}, objects or {})


def test_a_real_api_server_answers_as_recorded(real: RealApi) -> None:
    furnished(real)
    now = played(real.api)
    if RECORDING:
        FILE.write_text(json.dumps(now, indent=1) + "\n")
    known = json.loads(FILE.read_text())
    assert set(known) == {name for name, _ in CALLS}, RECORD
    assert not differences(known, now), RECORD
    assert not differences(now, known), RECORD


def test_what_we_apply_to_coredns_survives_that_k3s_applies_its_own_again(real: RealApi) -> None:
    coredns = json.loads(asset_text("practice/coredns.json"))
    coredns["spec"].pop("replicas")
    made(real, DEPLOYMENT.path("kube-system", "coredns"), coredns, "PATCH", "application/apply-patch+yaml")
    found = real.api.get(DEPLOYMENT, "coredns", "kube-system")
    assert found is not None
    assert found.at("spec", "replicas") == 2
    managers = {one["manager"] for one in found.at("metadata", "managedFields")}
    assert MANAGER in managers


def test_a_real_node_takes_the_marks_of_the_step_and_keeps_those_of_others(real: RealApi) -> None:
    machine = MachineSpec("storage-a", "tower-a", "storage", "192.0.2.51", 1, 1, 1)
    spec = replace(home_spec(), machines=(machine,))
    slow = [{"key": "example.com/slow", "effect": "PreferNoSchedule"}]
    real.api.patch(NODE, machine.name, {"spec": {"taints": slow}})
    before = _seen(real, machine)
    real.api.patch(NODE, machine.name, patch(before, wrong_marks(spec, machine, before)))
    after = _seen(real, machine)
    assert not wrong_marks(spec, machine, after)
    assert "example.com/slow" in {taint.key for taint in after.taints}
    with pytest.raises(ApiRefusedError) as told:
        real.api.patch(NODE, machine.name, patch(before, wrong_marks(spec, machine, before)))
    assert told.value.status == 409


def _seen(real: RealApi, machine: MachineSpec) -> NodeSeen:
    found = real.api.get(NODE, machine.name)
    assert found is not None
    return parse_node(found)
