"""Every fault by name: what the person sees, that it ends with its run, and that the next run finishes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.practice.room import Room
from tests.rows import assert_explained, assert_tolerated
from wizard.core.errors import ExitCode
from wizard.core.faultnames import fault_texts
from wizard.practice.faults_of_backups import BACKUPS
from wizard.practice.faults_of_others import PLACES
from wizard.practice.faults_of_wire import WIRE

OK, FAILED, BAD_SPEC = ExitCode.OK, ExitCode.FAILED, ExitCode.BAD_SPEC
UNREACHABLE, STATE = ExitCode.UNREACHABLE, ExitCode.STATE


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, and what is seen of it."""

    name: str
    exit_code: ExitCode
    """Of `wizard practice --fault NAME` on hosts nobody has touched."""
    says: str
    """Words of the error, with the name of what it is about; of a fault that is no obstacle: empty."""
    root: str = ""
    """First or only root cause that doctor names on a homelab that is whole; empty = nothing is seen of it there."""
    host: str = ""
    """Whose finding that is."""
    verdict: str = "fail"


OWNER = "whoever has it"
"""Instead of a host: the server that has the address of the API. Both ask for it at the same time; either may be first."""

VIP = "192.168.10.20"

ROWS = (
    Row("host-killed", UNREACHABLE, "The link to tower-b broke: Make server-b", "hosts.reach", "tower-b"),
    Row("host-stopped", UNREACHABLE, "tower-b does not answer", "hosts.reach", "tower-b"),
    Row("host-restarts", OK, ""),
    Row("host-paused", UNREACHABLE, "takes the connection and says nothing", "hosts.reach", "tower-b"),
    Row("witness-killed", UNREACHABLE, "The link to pi broke: Start etcd on pi", "hosts.reach", "pi"),
    Row("link-cut", UNREACHABLE, "No route to host", "hosts.reach", "tower-b"),
    Row("link-drops-before", OK, ""),
    Row("link-drops-after", OK, ""),
    Row("link-slow", OK, ""),
    Row("link-delayed", OK, ""),
    Row("ssh-down", UNREACHABLE, "Connection refused on port 22 of 192.168.10.12", "hosts.reach", "tower-b"),
    Row("host-key-changed", UNREACHABLE, "The host key of tower-b has changed", "hosts.key", "tower-b"),
    Row("login-refused", UNREACHABLE, "pi does not let us in", "hosts.login", "pi"),
    Row("sudo-missing", UNREACHABLE, "The user on pi does not become root", "hosts.root", "pi"),
    Row("host-key-unknown", UNREACHABLE, "The host key of tower-a is not known", "hosts.key", "tower-a"),
    Row("key-passphrase", UNREACHABLE, "its passphrase was not given", "hosts.login", "tower-a"),
    Row("sudo-password", UNREACHABLE, "a password is required, and none was given", "hosts.root", "pi"),
    Row("two-operators", STATE, "Held by bert@desk pid 4711"),
    Row("clock-skewed", FAILED, "The clock of pi is off by 90.0 s", "discover.clocks"),
    Row("clock-lost", FAILED, "The clock of pi is off by 1095 days", "discover.clocks"),
    Row("clock-unkept", FAILED, "Nobody keeps the clock of pi", "discover.time", "pi"),
    Row("under-voltage", OK, "", "discover.power", "pi", "warn"),
    Row("disk-full", FAILED, "/mnt/vm on tower-b has only 0 MB free", "discover.space", "tower-b"),
    Row("disk-fills", FAILED, "/mnt/vm/domains/wizard-base is full"),
    Row("disk-read-only", FAILED, "/mnt/vm on tower-b is mounted read-only", "discover.space", "tower-b"),
    Row("disk-slow", FAILED, "The disk of pi takes", "etcd.fsync", "pi"),
    Row("usb-disk-gone", FAILED, "etcd's data on pi would lie on the SD card", "etcd.disk", "pi"),
    Row("array-stopped", FAILED, "The array of tower-a is not started", "discover.array", "tower-a"),
    Row("libvirt-off", FAILED, "libvirt on tower-b does not answer", "discover.libvirt", "tower-b"),
    Row("vm-service-off", FAILED, "VM service of tower-a is switched off", "discover.vm-service", "tower-a"),
    Row("docker-off", OK, "", "discover.docker", "tower-b", "warn"),
    Row("kvm-missing", FAILED, "tower-b has no /dev/kvm", "discover.virtualisation", "tower-b"),
    Row("bridge-missing", OK, "", "discover.bridge", "tower-b", "warn"),
    Row(
        "memory-short",
        BAD_SPEC,
        "etcd-b, server-b take 6.2 GiB of memory; tower-b has 6 GiB",
        "layout.machines",
    ),
    Row("machine-id-twice", FAILED, "tower-a and tower-b have the same machine id", "discover.identity"),
    Row("firewall-on", OK, "", "discover.firewall", "pi", "warn"),
    Row("port-taken", FAILED, "Port 2379 of pi is used by minio", "discover.ports", "pi", "warn"),
    Row("foreign-guest", FAILED, "the guest etcd-b on tower-b is not ours", "machines.running", "etcd-b"),
    Row("foreign-folder", FAILED, "the folder /mnt/vm/domains/etcd-b on tower-b is not ours"),
    Row("foreign-marker", STATE, "pi belongs to another cluster", "hosts.marker", "pi"),
    Row(
        "foreign-etcd-data",
        FAILED,
        "/mnt/usb/etcd/data on pi holds data of another cluster",
        "etcd.running",
        "pi",
    ),
    Row("image-truncated", FAILED, "The base image of the guests is not the file that was promised"),
    Row("etcd-truncated", FAILED, "The etcd archive is not the file that was promised"),
    Row(
        "guest-never-boots", FAILED, "etcd-b did not come up within 10 minutes", "machines.answers", "etcd-b"
    ),
    Row("guest-off", FAILED, "etcd-b does not run: shut off", "machines.running", "etcd-b"),
    Row(
        "guest-paused",
        FAILED,
        "etcd-b is paused: tower-b has no room left",
        "machines.running",
        "etcd-b",
    ),
    Row("autostart-off", FAILED, "etcd-b does not start with tower-b", "machines.autostart", "etcd-b"),
    Row(
        "packages-cut-off",
        FAILED,
        "The installation of packages on server-b was cut off",
        "packages.whole",
        "server-b",
    ),
    Row("dpkg-held", FAILED, "dpkg is held by process 812 (unattended-upgr)"),
    Row("member-fails-to-join", FAILED, "etcd on pi does not come up", "etcd.running", "pi"),
    Row("member-stopped", FAILED, "etcd on etcd-b does not come up", "etcd.running", "etcd-b"),
    Row("quorum-lost", UNREACHABLE, "pi does not answer", "etcd.quorum"),
    Row("database-full", FAILED, "database space exceeded", "etcd.alarm"),
    Row("certificate-expired", OK, "", "etcd.certificates", "etcd-b"),
    Row("api-port-taken", FAILED, "Port 6443 of server-b is used by nginx; K3s needs it"),
    Row("swap-on", OK, "", "k3s.swap", "server-b", "warn"),
    Row("vpn-overlaps", FAILED, "server-b reaches 10.43.0.0/24 by wg0; network.service_cidr is 10.43.0.0/16"),
    Row("address-off", FAILED, "The API does not answer at 192.168.10.20", "address.boot", "server-a"),
    Row(
        "address-twice",
        FAILED,
        "server-a and server-b have 192.168.10.20 at the same time",
        "address.one_owner",
    ),
    Row("address-owner-paused", FAILED, "server-", "machines.running", OWNER),
)


def test_every_fault_has_its_row() -> None:
    """What is there before us has its own in test_others.py, what is on the network in test_faults_of_wire.py,
    what is in the way of backups in test_faults_of_backups.py."""
    assert [row.name for row in ROWS] == [
        name for name in fault_texts("practice") if name not in (*PLACES, *WIRE, *BACKUPS)
    ]
    assert len(ROWS) >= 25


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_seen_while_it_is_set_up_and_that_the_next_run_finishes(room: Room, row: Row) -> None:
    run = room.practice(faults=[row.name])
    if row.says:
        assert_explained(run, exit_code=row.exit_code)
        assert row.says in run.stderr
        assert f"wizard practice --dir {room.folder}" in run.stderr or row.exit_code is STATE
    else:
        assert_tolerated(run)
    again = room.practice()
    assert again.exit_code == 0, again.stderr
    room.content()
    twice = {
        (name, one.op)
        for name, machine in room.world().machines.items()
        for one in machine.ran
        if sum(other.op == one.op for other in machine.ran) > 1
    }
    # A restarted host has forgotten what it did: it is asked again, and finds it done.
    assert twice == set() or row.name == "host-restarts", "an operation was carried out twice"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_doctor_says_of_it_and_that_it_leaves_no_trace(built: Room, row: Row) -> None:
    before, (owner,) = built.files(), (one.name for one in built.world().holders(VIP))
    report = built.doctor(faults=[row.name])
    assert built.files() == before, "doctor with a fault changed something"
    bad = [(one["id"], one["host"]) for one in report["findings"] if one["status"] in ("fail", "warn")]
    for one in report["findings"]:
        if one["status"] in ("fail", "warn") and not one["explained_by"]:
            told = {part: one[part].strip() for part in ("title", "detail", "evidence", "cause", "fix")}
            assert all(told.values()), "a person is told what, where it was seen, why, and what to do"
    if row.root:
        assert report["verdict"] == row.verdict
        assert row.root in report["root_causes"], (report["root_causes"], bad)
        assert (row.root, owner if row.host == OWNER else row.host) in bad
    else:
        assert (report["verdict"], bad) == ("ok", [])
    after = built.doctor()
    assert (after["verdict"], after["root_causes"]) == ("ok", [])


def test_several_faults_hold_together(built: Room) -> None:
    report = built.doctor(faults=["docker-off", "under-voltage", "docker-off"])
    assert set(report["root_causes"]) == {"discover.docker", "discover.power"}


def test_what_is_not_ours_is_as_it_was_after_every_run(room: Room) -> None:
    room.practice("--", "check")
    for name in ("foreign-guest", "foreign-folder", "foreign-marker", "foreign-etcd-data"):
        assert room.practice(faults=[name]).exit_code in (FAILED, STATE)
    assert not any(
        run.script.startswith("do/etcd") for one in room.world().machines.values() for run in one.ran
    )
    kept = [path for one in room.world().machines.values() for path in one.files]
    assert not [path for path in kept if path.endswith("vdisk1.img")], "the fault was kept"
