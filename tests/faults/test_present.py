"""Row 66, and what else was there before us: named, answered, and never touched."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.cluster_site import ClusterSite
from tests.rows import CliRun, assert_explained, assert_found, assert_tolerated
from wizard.core.errors import ExitCode
from wizard.practice.machine import File
from wizard.practice.occupants import OCCUPANTS

FAILED, CHANGES = ExitCode.FAILED, ExitCode.PLAN_CHANGES


def occupy(site: ClusterSite, host: str, name: str) -> None:
    site.cluster.machines[host].occupants.add(name)


def vacate(site: ClusterSite, host: str, name: str) -> None:
    site.cluster.machines[host].occupants.discard(name)


def touched(site: ClusterSite) -> Callable[[], list[str]]:
    """Everything that was done to any host, our mark included."""
    return lambda: [
        f"{name} {one.script}" for name, machine in site.cluster.machines.items() for one in machine.ran
    ]


def there(site: ClusterSite, host: str) -> list[dict[str, Any]]:
    run = site.run("facts", "--json", host)
    found: list[dict[str, Any]] = json.loads(run.stdout)["hosts"][host]["already_there"]
    return found


# --- 66: busy ports


@pytest.mark.row("F", 66)
def test_row_f66_another_etcd_on_the_ports_of_the_witness(grown: ClusterSite) -> None:
    occupy(grown, "pi", "foreign-etcd")
    before = touched(grown)()
    for command in (("plan",), ("apply", "--plain", "--yes")):
        run = grown.run(*command)
        assert_explained(
            run,
            exit_code=FAILED,
            says=[
                "pi runs another etcd 3.6.14",
                "calls itself other",
                "/var/lib/other-etcd: 64.1 MB",
                "2380/tcp etcd",
            ],
            do="systemctl disable --now other-etcd.service",
            unchanged=touched(grown),
            before=before,
        )
    assert_found(
        grown.doctor(),
        "discover.etcd",
        says=["other-etcd.service"],
        fix="systemctl disable --now other-etcd.service",
        status="fail",
    )
    vacate(grown, "pi", "foreign-etcd")
    grown.applied()
    grown.content()


@pytest.mark.row("F", 66)
def test_row_f66_a_name_server_on_the_address_of_a_hypervisor(grown: ClusterSite) -> None:
    grown.applied()
    occupy(grown, "tower-a", "port-53-taken")
    says = ["dnsmasq has port 53 of tower-a", "/usr/sbin/dnsmasq, package dnsmasq-base"]
    assert_found(grown.doctor(), "discover.dns", says=says, fix="pkill -x dnsmasq", status="warn")
    assert_tolerated(grown.run("plan"), shows=["Nothing to do."])
    vacate(grown, "tower-a", "port-53-taken")
    grown.content()


@pytest.mark.row("F", 66)
def test_row_f66_the_stub_of_systemd_resolved_is_in_nobodys_way(grown: ClusterSite) -> None:
    grown.applied()
    tower = grown.cluster.machines["tower-a"]
    stub = 'udp   UNCONN 0  0  127.0.0.53%lo:53  0.0.0.0:*  users:(("systemd-resolve",pid=5,fd=1))'
    tower.sections["ports"] = (*tower.sections["ports"], stub)
    grown.content()
    assert_tolerated(grown.run("facts", "tower-a"), shows=["systemd-resolve has port 53", "stays as it is"])


# --- what else is there


@pytest.mark.parametrize(
    ("host", "name", "check", "says"),
    [
        ("tower-a", "microk8s-present", "discover.kubernetes", "snap microk8s v1.32.3 revision 8148"),
        ("pi", "microk8s-present", "discover.kubernetes", "wait for the same disk"),
        ("tower-b", "kubeadm-present", "discover.kubernetes", "Kubernetes v1.31.4 (kubeadm)"),
        ("tower-a", "swarm-present", "discover.swarm", "manager of a Docker Swarm"),
        ("tower-b", "foreign-etcd", "discover.etcd", "Our members live in guests"),
    ],
)
def test_what_does_not_meet_us_stays_and_is_warned_of(
    grown: ClusterSite, host: str, name: str, check: str, says: str
) -> None:
    grown.applied()
    occupy(grown, host, name)
    found = assert_found(grown.doctor(), check, says=[says], fix="", status="warn")
    assert found["host"] == host
    assert_tolerated(grown.run("plan"), shows=["Nothing to do."])
    before = touched(grown)()
    assert_tolerated(grown.apply())
    assert touched(grown)() == before
    vacate(grown, host, name)
    grown.content()


def test_a_control_plane_with_an_etcd_on_the_witness_is_refused(grown: ClusterSite) -> None:
    occupy(grown, "pi", "kubeadm-present")
    assert_explained(
        grown.apply(),
        exit_code=FAILED,
        says=["kubeadm", "etcd of its own"],
        do="systemctl disable --now kubelet",
        unchanged=touched(grown),
        before=[],
    )


@pytest.mark.parametrize("name", ["microk8s-present", "k3s-present", "kubeadm-present"])
def test_another_cluster_inside_a_guest_of_ours_is_refused(grown: ClusterSite, name: str) -> None:
    grown.applied()
    guest = next(one.name for one in grown.cluster.spec.machines)
    occupy(grown, guest, name)
    before = touched(grown)()
    for command in ("plan", "apply"):
        run = grown.run(command, *(("--plain", "--yes") if command == "apply" else ()))
        assert_explained(
            run, exit_code=FAILED, says=[guest], do="ssh root@", unchanged=touched(grown), before=before
        )
    assert_found(grown.doctor(), "discover.guest", says=[guest], fix="ssh root@", status="fail")
    vacate(grown, guest, name)
    grown.content()


def test_of_hosts_nobody_has_touched_nothing_is_said_and_they_are_asked_once(grown: ClusterSite) -> None:
    for machine in grown.cluster.machines.values():
        machine.requests = 0
    run = grown.run("facts", "--json")
    assert_tolerated(run)
    hosts = json.loads(run.stdout)["hosts"]
    assert {name: host["already_there"] for name, host in hosts.items()} == {name: [] for name in hosts}
    assert {grown.cluster.machines[name].requests for name in hosts} == {1}
    assert "already there" not in grown.run("facts").stdout


def test_a_member_of_ours_is_not_another_etcd(grown: ClusterSite) -> None:
    grown.applied()
    assert [one["kind"] for one in there(grown, "pi")] == ["earlier-run"]
    assert [one["reply"] for one in there(grown, "pi")] == ["resume"]
    base = next(
        path for path in grown.cluster.machines["pi"].files if path.endswith("/wizard") and "etcd" in path
    )
    files = grown.cluster.machines["pi"].files
    files[base] = File(re.sub(rb"lineage=\S+", b"lineage=of-another", files[base].content))
    assert "etcd" in [one["kind"] for one in there(grown, "pi")]


def test_facts_tell_the_way_out_of_microk8s_in_order(grown: ClusterSite) -> None:
    occupy(grown, "tower-a", "microk8s-present")
    run = grown.run("facts", "tower-a")
    assert_tolerated(run, shows=["already there", "16443/tcp kubelite", "dqlite nodes"])
    order = ["-objects.yaml", "-secrets.yaml", "dbctl backup", "--replicas=0", "-volumes.tar", "snap stop"]
    places = [run.stdout.index(word) for word in order]
    assert places == sorted(places)
    (one,) = there(grown, "tower-a")
    assert set(one) == KEYS
    assert (one["kind"], one["reply"], one["running"]) == ("microk8s", "migrate", True)


KEYS = {"kind", "host", "what", "evidence", "reply", "why", "steps", "source", "blocks", "running"}
"""A contract: programs read it."""


def test_a_mark_of_another_cluster_is_told_before_it_is_refused(grown: ClusterSite) -> None:
    tower = grown.cluster.machines["tower-a"]
    tower.files[tower.marker_path] = File(b"name=beach\nlineage=other\nserial=3\n")
    (one,) = there(grown, "tower-a")
    assert (one["kind"], one["reply"], one["blocks"]) == ("earlier-run", "refuse", "hosts")
    run: CliRun = grown.apply()
    assert_explained(
        run, exit_code=ExitCode.STATE, says=["another cluster"], unchanged=touched(grown), before=[]
    )


@pytest.mark.parametrize("name", OCCUPANTS)
def test_everything_that_can_live_on_a_host_is_found(grown: ClusterSite, name: str) -> None:
    occupy(grown, "tower-a", name)
    assert [one["kind"] for one in there(grown, "tower-a")] == [OCCUPANTS[name].kind]
    text = grown.run("facts", "tower-a").stdout
    assert "already there" in text
    assert all(one["reply"] in ("keep", "refuse", "migrate") for one in there(grown, "tower-a"))
