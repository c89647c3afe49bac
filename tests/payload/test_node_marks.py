"""Labels, taints and CoreDNS' rule as data."""

from __future__ import annotations

from dataclasses import replace

from tests.steps.etcd_world import wanted
from wizard.core.spec.model import MachineSpec
from wizard.payload.node_marks import (
    Taint,
    dns_document,
    dns_replicas,
    wanted_labels,
    wanted_taints,
)

SERVER_A = MachineSpec("server-a", "tower-a", "server", "10.0.0.41", 2, 1, 1)
SERVER_B = MachineSpec("server-b", "tower-b", "server", "10.0.0.42", 2, 1, 1)
STORAGE_A = MachineSpec("storage-a", "tower-a", "storage", "10.0.0.51", 2, 1, 1)
STORAGE_B = MachineSpec("storage-b", "tower-b", "storage", "10.0.0.52", 2, 1, 1)


def test_only_guests_of_kubernetes_are_nodes() -> None:
    spec = wanted()
    spec = replace(spec, machines=(*spec.machines, SERVER_A, STORAGE_A))
    assert spec.nodes() == (SERVER_A, STORAGE_A)
    assert replace(spec, k3s=replace(spec.k3s, enabled=False)).nodes() == ()
    assert replace(spec, machines=(STORAGE_A,)).nodes() == (), "there is no server"


def test_the_zone_of_a_node_is_the_hypervisor_it_dies_with() -> None:
    spec = wanted()
    assert wanted_labels(spec, SERVER_B)["topology.kubernetes.io/zone"] == "tower-b"
    assert wanted_labels(spec, SERVER_B)["node-role.kubernetes.io/control-plane"] == "true"


def test_longhorns_marks_come_with_longhorn_alone() -> None:
    spec = wanted()
    longhorn = replace(spec, storage=replace(spec.storage, kind="longhorn"))
    none = replace(spec, storage=replace(spec.storage, kind="none"))
    assert wanted_labels(longhorn, STORAGE_A)["node.longhorn.io/create-default-disk"] == "true"
    assert wanted_taints(longhorn, STORAGE_A) == (Taint("storage", "longhorn", "NoSchedule"),)
    assert "node.longhorn.io/create-default-disk" not in wanted_labels(none, STORAGE_A)
    assert wanted_taints(none, STORAGE_A) == ()


def test_coredns_runs_in_two_zones_where_two_can_carry_it() -> None:
    spec = replace(wanted(), storage=replace(wanted().storage, kind="longhorn"))
    assert dns_replicas(replace(spec, machines=(SERVER_A, SERVER_B))) == 2
    assert dns_replicas(replace(spec, machines=(SERVER_A, STORAGE_B))) == 1
    none = replace(spec, storage=replace(spec.storage, kind="none"))
    assert dns_replicas(replace(none, machines=(SERVER_A, STORAGE_B))) == 2


def test_what_is_applied_to_coredns_has_nothing_in_it_that_k3s_sets_itself() -> None:
    document = dns_document(2)
    assert set(document["spec"]) == {"replicas", "template"}
    assert set(document["spec"]["template"]["spec"]) == {"affinity"}


def test_a_taint_reads_as_kubectl_writes_it() -> None:
    assert str(Taint("a", "b", "NoSchedule")) == "a=b:NoSchedule"
    assert str(Taint("a", "", "NoExecute")) == "a:NoExecute"
    assert Taint("a", "", "NoExecute").document == {"key": "a", "effect": "NoExecute"}
