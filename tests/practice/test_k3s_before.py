"""What is found on simulated guests before anything of K3s is installed, with what helps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from steps.k3s_before import Settled, after_checks, before_checks
from steps.k3s_seen import ours
from steps.parse.facts import read_facts
from tests.practice.cluster import NET, Cluster, built
from wizard.core.check import Finding, Level, Status, When
from wizard.core.context import Context, FactsCache
from wizard.core.engine.checks import Assertion, run_checks
from wizard.practice.facts import seen
from wizard.practice.machine import File, Machine

OTHER = "0c9d2f4e-7b1a-4f6e-8a53-6f1f6f0f7e21"


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Guests and etcd, made by the wizard; nothing of K3s is there."""
    cluster = Cluster.fresh(tmp_path_factory.mktemp("before"))
    cluster.spec = replace(cluster.spec, k3s=replace(cluster.spec.k3s, enabled=False))
    return built(cluster)


@pytest.fixture
def blank(guests: Cluster) -> Cluster:
    """The same, for one test alone."""
    return guests.clone()


def context(cluster: Cluster) -> Context:
    readers = {name: cluster.hosts[name] for name in cluster.hosts}
    return Context(
        cluster.spec, readers, cluster.states[-1], FactsCache(readers, read_facts), cluster.secrets
    )


def findings(cluster: Cluster, settled: Settled = ours) -> list[Finding]:
    nodes = [one for one in cluster.spec.machines if one.role == "server"]
    before = list(before_checks(nodes, settled))
    assert all(check.when is When.BEFORE and check.level is Level.FATAL for check in before)
    checks = [*before, *(check for check in after_checks(nodes) if check.level is Level.WARNING)]
    return run_checks(
        [Assertion("k3s-programs", check) for check in checks], context(cluster), lambda _event: None
    )


def wrong(cluster: Cluster) -> list[Finding]:
    return [one for one in findings(cluster) if one.status is not Status.PASS]


def test_new_guests_have_nothing_in_the_way(blank: Cluster) -> None:
    found = findings(blank)
    assert [one.detail for one in found if one.status is not Status.PASS] == []
    assert {one.host for one in found} == {"", "server-a", "server-b"}


def test_of_nodes_that_are_set_up_nothing_is_asked_but_the_facts(blank: Cluster) -> None:
    before = {name: machine.requests for name, machine in blank.machines.items()}
    assert {one.status for one in findings(blank, lambda _ctx, _node: True)} == {Status.PASS}
    after = {name: machine.requests for name, machine in blank.machines.items()}
    assert {name: after[name] - before[name] for name in ("server-a", "server-b")} == {
        "server-a": 1,
        "server-b": 1,
    }


def put(path: str, text: str = "") -> Callable[[Machine], None]:
    def wreck(machine: Machine) -> None:
        machine.files[path] = File(text.encode())

    return wreck


def link(machine: Machine) -> None:
    machine.links.add("vxlan.calico")


def listener(port: int, process: str) -> Callable[[Machine], None]:
    def wreck(machine: Machine) -> None:
        machine.listens[port] = process

    return wreck


def no_memory(machine: Machine) -> None:
    machine.cgroups = ("cpuset", "cpu", "pids")


def no_module(machine: Machine) -> None:
    machine.lacks.add("br_netfilter")


def vpn(machine: Machine) -> None:
    machine.routes = ("10.43.7.0/24 wg0",)


def swaps(machine: Machine) -> None:
    machine.swap = 2 * 1024 * 1024


def firewalled(machine: Machine) -> None:
    machine.sections["services"] = (*seen(machine)["services"], "process firewalld", "unit firewalld")


def fast(machine: Machine) -> None:
    machine.skew = 90.0


def nearly(machine: Machine) -> None:
    machine.skew = 5.0


def copied(machine: Machine) -> None:
    assert machine.world is not None
    other = machine.world.machines["server-a"]
    machine.sections["file /etc/machine-id"] = seen(other)["file /etc/machine-id"]


def renamed(machine: Machine) -> None:
    machine.sections["file /proc/sys/kernel/hostname"] = ("server-a",)


K3S = "/var/lib/rancher/k3s"
LOGIN = f"ssh root@{NET}.42"


@pytest.mark.parametrize(
    ("wreck", "check", "status", "says", "fix"),
    [
        (
            put(f"{K3S}/server/db/etcd/member/snap/db"),
            "k3s.leftovers",
            Status.FAIL,
            "has a datastore of its own",
            f"{LOGIN} mv {K3S}/server/db/etcd",
        ),
        (
            put(f"{K3S}/server/tls/server-ca.crt"),
            "k3s.leftovers",
            Status.FAIL,
            "node of another cluster",
            "make the guest",
        ),
        (
            put("/etc/kubernetes/kubelet.conf"),
            "k3s.leftovers",
            Status.FAIL,
            "/etc/kubernetes/kubelet.conf",
            "make the guest",
        ),
        (
            put("/snap/microk8s/current/meta/snap.yaml"),
            "k3s.leftovers",
            Status.FAIL,
            "/snap/microk8s/current",
            "ls -d",
        ),
        (
            put("/etc/homelab/k3s", f"lineage={OTHER}\nnode=server-b\n"),
            "k3s.leftovers",
            Status.FAIL,
            OTHER,
            "/etc/homelab/k3s",
        ),
        (
            put("/etc/cni/net.d/10-calico.conflist"),
            "k3s.leftovers",
            Status.FAIL,
            "Another network plugin",
            f"{LOGIN} rm /etc/cni/net.d/10-calico.conflist",
        ),
        (
            link,
            "k3s.leftovers",
            Status.FAIL,
            "interface vxlan.calico",
            f"{LOGIN} ip link delete vxlan.calico",
        ),
        (
            listener(6443, "nginx"),
            "k3s.ports",
            Status.FAIL,
            "Port 6443 of server-b is used by nginx",
            "ss -lntp",
        ),
        (listener(10250, "kubelet"), "k3s.ports", Status.FAIL, "10250", "ss -lntp"),
        (no_memory, "k3s.cgroups", Status.FAIL, "memory", "/boot/firmware/cmdline.txt"),
        (no_module, "k3s.modules", Status.FAIL, "br_netfilter", f"{LOGIN} reboot"),
        (vpn, "k3s.routes", Status.FAIL, "network.service_cidr is 10.43.0.0/16", "network.service_cidr"),
        (swaps, "k3s.swap", Status.WARN, "2048 MiB of swap", f"{LOGIN} swapoff -a"),
        (firewalled, "k3s.firewall", Status.WARN, "firewalld", "--add-source=10.42.0.0/16"),
        (fast, "k3s.clocks", Status.FAIL, "server-b is off by", LOGIN),
        (nearly, "k3s.clocks", Status.WARN, "server-b is off by", LOGIN),
        (
            copied,
            "k3s.identity",
            Status.FAIL,
            "server-a and server-b have the same machine id",
            "systemd-machine-id-setup",
        ),
        (renamed, "k3s.identity", Status.FAIL, "same host name", "hostnamectl set-hostname server-b"),
    ],
)
def test_what_is_in_the_way_is_named_with_what_helps(
    blank: Cluster, wreck: Callable[[Machine], None], check: str, status: Status, says: str, fix: str
) -> None:
    wreck(blank.machines["server-b"])
    (one,) = wrong(blank)
    assert (one.check, one.status) == (check, status)
    assert says in f"{one.detail} {one.evidence}"
    assert one.evidence and one.cause
    assert fix in one.fix


def test_what_our_own_unfinished_install_left_is_in_nobodys_way(blank: Cluster) -> None:
    machine = blank.machines["server-b"]
    put("/etc/homelab/k3s", f"lineage={blank.states[-1].lineage}\nnode=server-b\n")(machine)
    put(f"{K3S}/server/tls/server-ca.crt")(machine)
    listener(6443, "k3s-server")(machine)
    assert wrong(blank) == []


def test_a_guest_that_does_not_run_is_not_judged(blank: Cluster) -> None:
    blank.machines["tower-b"].domains["server-b"].state = "shut off"
    about = [one for one in findings(blank) if one.host == "server-b"]
    assert {(one.status, one.explained_by) for one in about} == {(Status.SKIP, "machines.running")}


@pytest.mark.parametrize(
    ("wreck", "check", "host", "status"),
    [
        (swaps, "k3s.swap", "server-b", Status.WARN),
        (firewalled, "k3s.firewall", "server-b", Status.WARN),
        (nearly, "k3s.clocks", "", Status.WARN),
        (fast, "k3s.clocks", "", Status.FAIL),
    ],
)
def test_what_may_come_back_is_told_by_doctor_of_nodes_that_are_set_up(
    blank: Cluster, wreck: Callable[[Machine], None], check: str, host: str, status: Status
) -> None:
    for machine in blank.machines.values():
        put("/etc/homelab/k3s", f"lineage={blank.states[-1].lineage}\nnode={machine.name}\n")(machine)
    nodes = [one for one in blank.spec.machines if one.role == "server"]
    checks = [Assertion("k3s-programs", one) for one in after_checks(nodes)]
    assert all(one.check.when is When.AFTER for one in checks)

    def told() -> list[tuple[str, str, Status]]:
        found = run_checks(checks, context(blank), lambda _event: None)
        return [(one.check, one.host, one.status) for one in found if one.status is not Status.PASS]

    assert told() == []
    wreck(blank.machines["server-b"])
    assert told() == [(check, host, status)]
