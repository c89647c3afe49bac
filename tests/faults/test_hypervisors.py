"""Rows 51 to 60: hypervisors that cannot carry guests, or on which something else has their place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from steps import machine_changes
from steps.machine_wait import Watch, watch_of
from tests.faults.cluster_site import ClusterSite
from tests.practice.cluster import GUESTS, VM_DIRS
from tests.rows import assert_explained, assert_found, assert_tolerated
from wizard.core.context import Work
from wizard.core.errors import ExitCode
from wizard.payload.guests import GuestPlan
from wizard.practice.machine import Domain, File, Machine

FAILED = ExitCode.FAILED


def replaced(machine: Machine, section: str, old: str, new: str) -> None:
    """Something about a host is otherwise than it was recorded."""
    before = machine.sections[section]
    machine.sections[section] = tuple(
        line.replace(old, new) for line in before if line.replace(old, new) != ""
    )
    assert machine.sections[section] != before, f"{old!r} is not in {section}"


def refused(site: ClusterSite, *says: str, do: str) -> None:
    """An apply that makes no guest, and says why."""
    run = site.apply()
    assert_explained(run, exit_code=FAILED, says=says, do=do, unchanged=site.guests_and_etcd, before=[])
    assert not any(machine.domains for machine in site.cluster.machines.values())


# --- 51: libvirt, Unraid's array


@pytest.mark.row("D", 51)
def test_row_d51_libvirt_is_not_running(grown: ClusterSite) -> None:
    tower = grown.cluster.machines["tower-a"]
    replaced(tower, "services", "process libvirtd", "")
    replaced(tower, "host", "libvirt_socket=1", "")
    tower.sections["libvirt"] = ()
    refused(grown, "libvirt", "tower-a", do="systemctl")


@pytest.mark.row("D", 51)
def test_row_d51_unraids_array_is_stopped(grown: ClusterSite) -> None:
    replaced(grown.cluster.machines["tower-b"], "file /var/local/emhttp/var.ini", "STARTED", "STOPPED")
    refused(grown, "tower-b", "array", do="Start")


# --- 52: room


@pytest.mark.row("D", 52)
def test_row_d52_disks_are_promised_more_than_is_free(grown: ClusterSite) -> None:
    tower = grown.cluster.machines["tower-a"]
    lines = tower.sections["statfs"]
    tower.sections["statfs"] = tuple(
        "4096 240336058 2000000 2000000 61054976 61054964 /mnt/vm" if line.endswith("/mnt/vm") else line
        for line in lines
    )
    refused(grown, "tower-a", "do not fit", "7.6 GiB are free", do=f"df -h {VM_DIRS['tower-a']}")


@pytest.mark.row("D", 52)
def test_row_d52_no_byte_is_left_while_the_image_is_copied(grown: ClusterSite) -> None:
    tower = grown.cluster.machines["tower-a"]
    tower.folders.add(f"{VM_DIRS['tower-a']}/wizard-base")
    grown.cluster.hosts.faults.watch = lambda host, what: tower.full.update(
        {"/mnt/vm"} if (host, what) == ("tower-a", "put") else ()
    )
    run = grown.apply()
    assert_explained(run, exit_code=FAILED, says=["tower-a cannot store", "is full"], do="df -h")
    assert tower.domains == {}
    assert set(grown.cluster.machines["tower-b"].domains) == {"etcd-b", "server-b"}, (
        "the other hypervisor does not wait for it"
    )
    tower.full.clear()
    grown.cluster.hosts.faults.watch = None
    grown.applied()
    grown.content()


@pytest.mark.row("D", 52)
def test_row_d52_on_the_parity_array(grown: ClusterSite) -> None:
    grown.write(lambda text: text.replace(VM_DIRS["tower-b"], "/mnt/disk1/domains"))
    run = grown.apply()
    assert_tolerated(run, shows=["tower-b", "warn: /mnt/disk1/domains", "parity array"])


# --- 53: bridges


@pytest.mark.row("D", 53)
def test_row_d53_the_bridge_is_missing(grown: ClusterSite) -> None:
    grown.write(
        lambda text: text.replace(
            "name: tower-a, role: hypervisor,", "name: tower-a, role: hypervisor, bridge: br7,"
        )
    )
    refused(grown, "tower-a has no bridge br7", do="type bridge ifname br7")


@pytest.mark.row("D", 53)
def test_row_d53_the_lan_is_reached_by_wifi(grown: ClusterSite) -> None:
    tower = grown.cluster.machines["tower-a"]
    tower.sections["nics"] = tuple(
        line.replace(" bridge=1", "")
        .replace("devtype=bridge", "wireless=1 device=1 devtype=wlan")
        .replace(" master=br0", "")
        for line in tower.sections["nics"]
        if not line.startswith(("eth0", "docker0"))
    )
    refused(grown, "tower-a", "Wi-Fi", do="Connect it by cable")


# --- 54: hardware virtualisation


@pytest.mark.row("D", 54)
@pytest.mark.parametrize("guests", ["kvm", "auto"])
def test_row_d54_no_hardware_virtualisation(grown: ClusterSite, guests: str) -> None:
    grown.write(guests=guests)
    for tower in ("tower-a", "tower-b"):
        sections = grown.cluster.machines[tower].sections
        # Whether the machine they were recorded on has it is its own matter.
        sections["host"] = tuple(line for line in sections["host"] if line != "kvm=1")
        sections["file /proc/cpuinfo"] = tuple(
            line.replace(" vmx", "").replace(" svm", "") for line in sections["file /proc/cpuinfo"]
        )
    refused(grown, "tower-a", "no /dev/kvm", do="Switch on VT-x")


# --- 55: more promised than there is


@pytest.mark.row("D", 55)
def test_row_d55_more_memory_than_the_host_has(grown: ClusterSite) -> None:
    grown.write(
        lambda text: text.replace(
            "role: server, address: 10.213.99.41, cpus: 1, memory: 2GiB",
            "role: server, address: 10.213.99.41, cpus: 1, memory: 64GiB",
        )
    )
    refused(grown, "etcd-a, server-a take 65.", do="Shrink them")


# --- 56: somebody else's


def foreign_guest(site: ClusterSite) -> object:
    kept = Domain(
        "etcd-b", "qemu", "<domain type='kvm'>\n <name>etcd-b</name>\n</domain>", "running", "booted"
    )
    site.cluster.machines["tower-b"].domains["etcd-b"] = kept
    return lambda: replace(site.cluster.machines["tower-b"].domains["etcd-b"])


def foreign_folder(site: ClusterSite) -> object:
    path = f"{VM_DIRS['tower-b']}/etcd-b/vdisk1.img"
    site.cluster.machines["tower-b"].files[path] = File(b"holiday pictures")
    return lambda: {
        path: file for path, file in site.cluster.machines["tower-b"].files.items() if "etcd-b" in path
    }


@pytest.mark.row("D", 56)
@pytest.mark.parametrize("put", [foreign_guest, foreign_folder])
def test_row_d56_a_name_that_is_taken(
    grown: ClusterSite, put: Callable[[ClusterSite], Callable[[], object]]
) -> None:
    look = put(grown)
    before = look()
    run = grown.apply()
    assert_explained(
        run,
        exit_code=FAILED,
        says=["etcd-b", "tower-b", "not ours"],
        do="another name",
        unchanged=look,
        before=before,
    )
    assert grown.guests_and_etcd() == []


# --- 57: see tests/faults/test_images.py; 58: the first boot


class Soon:
    """A clock on which each look is a minute after the one before."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 60.0
        return self.now


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes pass in ten looks."""

    def watch(work: Work, plan: GuestPlan, base: str) -> Watch:
        made = watch_of(work, plan, base)
        made.clock = Soon()
        return made

    monkeypatch.setattr(machine_changes, "watch_of", watch)


@pytest.mark.row("D", 58)
@pytest.mark.usefixtures("impatient")
def test_row_d58_the_first_boot_never_ends(grown: ClusterSite) -> None:
    grown.cluster.world.hangs.add("etcd-b")
    run = grown.apply()
    says = [
        "etcd-b did not come up within 10 minutes",
        "the VM runs",
        "A start job is running for Wait for Network",
    ]
    assert_explained(run, exit_code=FAILED, says=says, do="virsh -c qemu:///system console etcd-b")
    grown.cluster.world.hangs.clear()
    grown.cluster.world.restart("tower-b")
    grown.applied()
    grown.content()


@pytest.mark.row("D", 58)
def test_row_d58_two_guests_with_one_machine_id(grown: ClusterSite) -> None:
    grown.applied()
    guests = [grown.cluster.machines[name] for name in ("etcd-a", "etcd-b")]
    for guest in guests:
        guest.sections["file /etc/machine-id"] = ("48b29b13be0c30cf375b317141f651f6",)
    found = assert_found(
        grown.doctor(),
        "machines.identity",
        says=["machine id of"],
        fix="systemd-machine-id-setup",
        status="fail",
    )
    assert found["host"] in GUESTS


# --- 59: after a reboot


@pytest.mark.row("D", 59)
def test_row_d59_a_guest_that_does_not_start_with_its_host(grown: ClusterSite) -> None:
    grown.applied()
    grown.cluster.machines["tower-b"].domains["etcd-b"].autostart = False
    assert_found(
        grown.doctor(), "machines.autostart", says=["etcd-b", "tower-b"], fix="wizard apply", status="fail"
    )
    grown.cluster.world.restart("tower-b")
    run = grown.doctor()
    assert_found(run, "machines.running", says=["etcd-b", "shut off"], fix="wizard apply", status="fail")
    assert json.loads(run.stdout)["root_causes"][0] in ("machines.running", "machines.autostart")
    grown.applied()
    grown.content()


@pytest.mark.row("D", 59)
def test_row_d59_both_hypervisors_restart_together(grown: ClusterSite) -> None:
    grown.applied()
    for name in ("tower-a", "tower-b"):
        grown.cluster.world.restart(name)
    assert_tolerated(grown.run("plan"), shows=["Nothing to do"])
    grown.content()


# --- 60: time, a full disk below a running guest


@pytest.mark.row("D", 60)
def test_row_d60_a_guest_is_paused_on_a_full_disk(grown: ClusterSite) -> None:
    grown.applied()
    domain = grown.cluster.machines["tower-b"].domains["etcd-b"]
    domain.state, domain.reason = "paused", "I/O error"
    run = grown.doctor()
    says = ["etcd-b is paused", "no room left", "tower-b"]
    assert_found(
        run, "machines.running", says=says, fix="virsh -c qemu:///system resume etcd-b", status="fail"
    )
    assert json.loads(run.stdout)["root_causes"] == ["machines.running"]


@pytest.mark.row("D", 60)
def test_row_d60_a_hypervisors_clock_drifts(grown: ClusterSite) -> None:
    grown.applied()
    grown.cluster.machines["tower-a"].skew = 45.0
    found = assert_found(
        grown.doctor(), "discover.clocks", says=["tower-a"], fix="chronyc makestep", status="fail"
    )
    assert "45" in found["detail"] + found["evidence"]
