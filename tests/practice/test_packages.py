"""Debian packages of guests with the real step: brought once, mended where they are not whole, named by doctor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.practice.cluster import NET, Cluster, bad, built, without_proxy, yes
from tests.practice.test_cluster_story import failed, keys
from wizard.core.check import Status
from wizard.core.packages import load_packages
from wizard.practice.machine import Package
from wizard.practice.package_scripts import UNFINISHED, cut_off

ROLES = {
    "etcd-a": "etcd",
    "etcd-b": "etcd",
    "storage-a": "storage",
    "server-a": "server",
    "server-b": "server",
}
AGENT = {"libnuma1", "liburing2", "qemu-guest-agent"}
"""Of a virtual machine, with what it needs."""

GUEST, ROOT = "storage-a", "open-iscsi"
MACHINES = f"""
machines:
  - {{name: etcd-a, host: tower-a, role: etcd, address: {NET}.31, cpus: 1, memory: 1GiB, disk: 8GiB, data_disk: 2GiB}}
  - {{name: etcd-b, host: tower-b, role: etcd, address: {NET}.32, cpus: 1, memory: 1GiB, disk: 8GiB, data_disk: 2GiB}}
  - {{name: {GUEST}, host: tower-a, role: storage, address: {NET}.51, cpus: 1, memory: 2GiB, disk: 8GiB}}
  - {{name: server-a, host: tower-a, role: server, address: {NET}.41, cpus: 1, memory: 2GiB, disk: 8GiB}}
  - {{name: server-b, host: tower-b, role: server, address: {NET}.42, cpus: 1, memory: 2GiB, disk: 8GiB}}
artifacts: {{accept_built: true}}
"""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxy(monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Everything was made."""
    return built(Cluster.fresh(tmp_path_factory.mktemp("packages"), machines=MACHINES))


@pytest.fixture
def done(made: Cluster) -> Cluster:
    """The same, for one test alone."""
    return made.clone()


def closure(guest: str) -> dict[str, str]:
    known = load_packages()
    return {deb.name: deb.version for deb in known.closure(known.wanted(ROLES[guest], "kvm"), "amd64")}


def installed(cluster: Cluster, guest: str) -> dict[str, str]:
    found = cluster.machines[guest].packages
    assert all(one.state == "installed" for one in found.values())
    return {name: one.version for name, one in found.items()}


def test_each_role_is_given_its_own_and_etcds_guests_only_the_agent(done: Cluster) -> None:
    for guest in ROLES:
        assert installed(done, guest) == closure(guest)
        assert not [path for path in done.machines[guest].files if "wizard-packages" in path], (
            "the archive stays"
        )
    assert set(installed(done, "etcd-a")) == AGENT
    assert not done.machines["pi"].packages
    assert keys(done) == []


def test_containers_are_given_no_agent(tmp_path: Path) -> None:
    cluster = Cluster.fresh(tmp_path, machines=MACHINES, guests="lxc")
    plan = cluster.session().plan()[0]
    packages = [
        change for step in plan.steps for change in step.changes if change.key.startswith("packages:")
    ]
    assert [change.host for change in packages] == [GUEST, "server-a", "server-b"]
    assert not any("qemu-guest-agent" in change.preview for change in packages)


def test_an_agent_that_was_removed_from_etcds_guest_is_named_and_comes_back(done: Cluster) -> None:
    del done.machines["etcd-b"].packages["qemu-guest-agent"]
    finding = failed(done.session().doctor(), "packages.installed")["etcd-b"]
    assert (finding.detail, finding.fix) == ("etcd-b lacks qemu-guest-agent.", "wizard apply")
    assert keys(done) == ["packages:etcd-b"]
    assert done.session().apply(yes).status == "done"
    assert set(installed(done, "etcd-b")) == AGENT


def test_the_plan_names_packages_and_where_they_come_from(tmp_path: Path) -> None:
    plan, _ = Cluster.fresh(tmp_path, machines=MACHINES).session().plan()
    (change,) = (one for step in plan.steps for one in step.changes if one.key == f"packages:{GUEST}")
    names = closure(GUEST)
    assert change.summary == (
        f"Install open-iscsi, nfs-common, cryptsetup and 1 more on {GUEST} ({len(names)} packages, 2.9 MB)"
    )
    assert all(f"{name} {version}, built" in change.preview for name, version in names.items())
    assert "without a network" in change.preview
    assert not change.destroys


def removed(cluster: Cluster) -> None:
    del cluster.machines[GUEST].packages[ROOT]


def half_done(cluster: Cluster) -> None:
    cut_off(cluster.machines[GUEST], ROOT)


def masked(cluster: Cluster) -> None:
    """The power went after the last package and before the note of it was taken away."""
    half_done(cluster)
    cluster.machines[GUEST].packages[ROOT].state = "installed"


def older(cluster: Cluster) -> None:
    cluster.machines[GUEST].packages[ROOT] = Package("2.1.9-1")


@pytest.mark.parametrize(
    ("wreck", "check", "status", "says"),
    [
        (removed, "packages.installed", Status.FAIL, f"{GUEST} lacks {ROOT}."),
        (half_done, "packages.whole", Status.FAIL, f"The installation of packages on {GUEST} was cut off."),
        (masked, "packages.whole", Status.FAIL, f"The installation of packages on {GUEST} was cut off."),
        (older, "packages.version", Status.WARN, f"{GUEST} has an older {ROOT} than the wizard."),
    ],
)
def test_what_is_not_right_is_named_and_mended_once(
    done: Cluster, wreck: Callable[[Cluster], None], check: str, status: Status, says: str
) -> None:
    wreck(done)
    report = done.session().doctor()
    (finding,) = (item for item in report.findings if item.check == check and item.host == GUEST)
    assert (finding.status, finding.detail, finding.fix) == (status, says, "wizard apply")
    assert finding.evidence and finding.cause
    others = [
        item for item in report.findings if item.status in (Status.FAIL, Status.WARN) and item != finding
    ]
    assert others == []
    assert keys(done) == [f"packages:{GUEST}"]
    assert done.session().apply(yes).status == "done"
    assert installed(done, GUEST) == closure(GUEST)
    assert UNFINISHED not in done.machines[GUEST].files
    assert keys(done) == []
    assert done.session().doctor().verdict == "ok"


def test_only_what_is_missing_is_sent(done: Cluster) -> None:
    removed(done)
    (change,) = (change for step in done.session().plan()[0].steps for change in step.changes)
    assert change.summary == f"Install {ROOT} on {GUEST} (1 package, 0.3 MB)"


def test_a_later_version_of_the_distribution_is_welcome(done: Cluster) -> None:
    done.machines[GUEST].packages[ROOT] = Package("2.1.12-1")
    assert keys(done) == []
    assert done.session().doctor().verdict == "ok"


def test_somebody_elses_half_done_package_is_only_told(done: Cluster) -> None:
    """Row 61 and its neighbours: what is not ours is not mended unasked."""
    done.machines[GUEST].packages["vim"] = Package("9.1", "half-configured")
    finding = failed(done.session().doctor(), "packages.whole")
    assert finding == {}
    (told,) = (item for item in done.session().doctor().findings if item.status is Status.WARN)
    assert (told.check, told.evidence) == ("packages.whole", "vim is half-configured")
    assert told.fix == f"ssh root@{NET}.51 dpkg --configure -a"
    assert keys(done) == []


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda machine: setattr(machine, "dpkg_held", "process 812 (unattended-upgr)"), "unattended-upgr"),
        (lambda machine: machine.full.add("/usr"), "not enough room: free 0 KiB"),
    ],
)
def test_what_keeps_an_installation_from_its_end_is_named_and_the_next_run_finishes(
    done: Cluster, break_it: Callable[[object], None], says: str
) -> None:
    removed(done)
    machine = done.machines[GUEST]
    break_it(machine)
    result = done.session().apply(yes)
    assert result.status == "failed"
    (error,) = result.errors
    assert says in error.why + error.what, error
    machine.dpkg_held = ""
    machine.full.clear()
    assert done.session().apply(yes).status == "done"
    assert installed(done, GUEST) == closure(GUEST)


def test_etcd_of_the_distribution_comes_as_packages_to_all_three(tmp_path: Path) -> None:
    cluster = Cluster.fresh(tmp_path, machines=MACHINES)
    spec = replace(cluster.spec, etcd=replace(cluster.spec.etcd, version="3.5.16"))
    result = cluster.session(spec).apply(yes)
    assert result.status == "done", [error.what for error in result.errors] + bad(result.findings)
    for member in ("etcd-a", "etcd-b", "pi"):
        there = {name: version for name, version in installed(cluster, member).items() if name not in AGENT}
        assert there == {"etcd-server": "3.5.16-4", "etcd-client": "3.5.16-4"}
    assert cluster.session(spec).plan()[0].changes == 0
    assert cluster.session(spec).doctor().verdict == "ok"
