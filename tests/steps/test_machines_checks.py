"""The checks of the step, each where it holds and where it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from steps.discover import Discover
from steps.machines import Machines
from tests.facts.build import facts, unraid_facts
from tests.steps.guests import (
    ETCD_A,
    ETCD_B,
    LINEAGE,
    STRANGER,
    Said,
    context,
    guest_facts,
    tower,
)
from tests.steps.test_machines import FOREIGN, plan_of, standing
from wizard.core.check import Finding, Level, Status, When
from wizard.core.context import Context
from wizard.core.engine.checks import Assertion, root_causes, run_checks
from wizard.core.errors import UnreachableError
from wizard.core.facts import (
    GIB,
    Clock,
    Cpu,
    Disk,
    Filesystem,
    HostFacts,
    Memory,
    Nic,
    Pool,
    Unraid,
    Virtualisation,
)

GONE = UnreachableError("etcd-a cannot be reached.", where="10.0.0.31", why="No answer.", do="ping 10.0.0.31")


def guests(**changes: HostFacts | UnreachableError) -> dict[str, Any]:
    """The facts of both guests, healthy unless given."""
    found: dict[str, Any] = {name: guest_facts(plan_of(name)) for name in ("etcd-a", "etcd-b")}
    return found | {key.replace("_", "-"): value for key, value in changes.items()}


def run(ctx: Context, when: When | None = None, only: tuple[str, str] | None = None) -> list[Finding]:
    checks = [check for check in Machines().checks(ctx) if when in (None, check.when)]
    checks = [check for check in checks if only in (None, (check.id, check.host))]
    told = [Assertion("machines", replace(check, retry=0.0)) for check in checks]
    return run_checks(told, ctx, lambda _event: None)


def one(check: str, host: str, ctx: Context) -> Finding:
    (found,) = run(ctx, only=(check, host))
    return found


def healthy() -> Context:
    said = standing()
    return context(said, known=guests())


def test_healthy_guests_pass_every_check() -> None:
    found = run(healthy())
    assert {item.status for item in found} == {Status.PASS}, [
        (item.check, item.detail) for item in found if item.status is not Status.PASS
    ]
    assert len(found) == 2 * 11 + 1 + 4 + 2 * 6


def test_without_machines_it_says_so_and_fails_nothing() -> None:
    (found,) = run(context({}, machines=()))
    assert found.status is Status.PASS
    assert "asks for no machines" in found.detail


def test_checks_are_listed_without_asking_a_host() -> None:
    ctx = healthy()
    ids = [(check.id, check.host) for check in Machines().checks(ctx)]
    assert len(set(ids)) == len(ids)
    assert not ctx.cache._kept


def before(host: str = "tower-a", **said: object) -> Said:
    made = Said()
    made.host |= said
    return made


SSD = Disk("nvme0n1", "SN700", "22301", 10**12, rotational=False)
DISK = Disk("sdb", "WD40EFRX", "WCC4E", 4 * 10**12, rotational=True)


def unraid(**changes: Any) -> HostFacts:  # noqa: ANN401 - fields of many types
    pools = (Pool("slow", mounted=True), Pool("cache", mounted=True))
    filesystems = (
        Filesystem("/", "rootfs", "rootfs"),
        Filesystem("/mnt/slow", "/dev/sdb1", "xfs", disks=("sdb",)),
        Filesystem("/mnt/cache", "/dev/nvme0n1p1", "btrfs", disks=("nvme0n1",)),
        Filesystem("/mnt/user", "shfs", "fuse.shfs"),
    )
    given = {
        "host": "tower-a",
        "hostname": "tower-a",
        "disks": (DISK, SSD),
        "filesystems": filesystems,
        "unraid": Unraid("7.3.2", "STARTED", True, True, True, True, True, pools, "br0"),
    }
    return unraid_facts(**{**given, **changes})


NO_POOL = Unraid("7.3.2", "STARTED", True, True, True, True, True, (), "br0")

PLACES = [
    ("machines.libvirt", Said(code=1), {}, {}, Status.FAIL, "does not answer"),
    ("machines.libvirt", Said(), {}, {"tools": frozenset()}, Status.FAIL, "qemu-img"),
    (
        "machines.driver",
        Said(),
        {},
        {"virtualisation": Virtualisation("none", kvm=False)},
        Status.FAIL,
        "/dev/kvm",
    ),
    (
        "machines.driver",
        Said(),
        {"guests": "qemu"},
        {"virtualisation": Virtualisation("none", kvm=False)},
        Status.PASS,
        "qemu",
    ),
    ("machines.bridge", Said(), {"bridge": "br9"}, {}, Status.FAIL, "br9"),
    (
        "machines.bridge",
        Said(),
        {},
        {"nics": (Nic("br0", "ethernet"),)},
        Status.WARN,
        "cannot reach each other",
    ),
    ("machines.bridge", Said(), {}, {"nics": (Nic("br0", "wifi"),)}, Status.FAIL, "Wi-Fi"),
    ("machines.space", before(free_kib=30 * 2**20), {}, {}, Status.PASS, "Room"),
    ("machines.space", before(free_kib=28 * 2**20), {}, {}, Status.FAIL, "29.0 GiB more are promised"),
    (
        "machines.memory",
        Said(),
        {},
        {"memory": Memory(2 * GIB, 2 * GIB)},
        Status.FAIL,
        "more memory than it has",
    ),
    ("machines.memory", Said(), {}, {"memory": Memory(8 * GIB, GIB)}, Status.WARN, "Other programs"),
    ("machines.memory", Said(), {}, {"memory": Memory()}, Status.SKIP, "not known"),
    (
        "machines.address",
        Said(neighbours=["10.0.0.31 0x1 0x2 AA:bb:cc:dd:ee:ff * br0"]),
        {},
        {},
        Status.WARN,
        "10.0.0.31",
    ),
    (
        "machines.address",
        Said(neighbours=["10.0.0.31 0x1 0x0 00:00:00:00:00:00 * br0", "garbage"]),
        {},
        {},
        Status.PASS,
        "",
    ),
]


@pytest.mark.parametrize(("check", "said", "host", "changes", "status", "text"), PLACES)
def test_what_a_hypervisor_must_be(
    check: str, said: Said, host: dict[str, Any], changes: dict[str, Any], status: Status, text: str
) -> None:
    ctx = context(
        {"tower-a": said}, hosts={"tower-a": host}, known={"tower-a": tower("tower-a", said, **changes)}
    )
    found = one(check, "tower-a", ctx)
    assert found.status is status, found
    assert text in found.detail + found.evidence
    if status is Status.FAIL:
        assert found.fix
        assert found.level is Level.FATAL


def test_without_kvm_the_way_out_is_told() -> None:
    known = {"tower-a": facts(virtualisation=Virtualisation("none", kvm=False), cpu=Cpu("i5", 4, 4))}
    found = one("machines.driver", "tower-a", context({}, known=known))
    assert "BIOS" in found.fix
    assert "guests: qemu" in found.fix


WHERE = [
    (None, unraid(), Status.PASS, "/mnt/cache/domains"),
    (None, unraid(unraid=NO_POOL), Status.FAIL, "no pool"),
    ("/mnt/slow/vm", unraid(), Status.WARN, "rotates"),
    ("/mnt/user/domains", unraid(), Status.WARN, "user shares"),
    ("/srv/vm", unraid(), Status.FAIL, "in memory"),
    (None, facts(), Status.PASS, "/var/lib/libvirt/images"),
]


@pytest.mark.parametrize(("vm_dir", "known", "status", "text"), WHERE)
def test_where_guests_lie(vm_dir: str | None, known: HostFacts, status: Status, text: str) -> None:
    ctx = context({}, hosts={"tower-a": {"vm_dir": vm_dir}}, known={"tower-a": known})
    found = one("machines.place", "tower-a", ctx)
    assert (found.status, text in found.detail) == (status, True), found


STORAGE = replace(ETCD_A, name="storage-a", role="storage", data_disk=None)

GIVEN = [
    (Disk("sdq", "WD", "S1", GIB), Status.PASS),
    (Disk("sdq", "WD", "S1", GIB, fstype="zfs_member"), Status.FAIL),
    (Disk("sdq", "WD", "S1", GIB, fstype="ext4", uuid="another"), Status.FAIL),
    (Disk("sdz", "WD", "S2", GIB), Status.SKIP),
]


@pytest.mark.parametrize(("disk", "status"), GIVEN)
def test_a_disk_that_carries_anything_is_not_given_away(disk: Disk, status: Status) -> None:
    known = {"tower-a": facts(disks=(disk,))}
    hosts = {"tower-a": {"storage_disk": "/dev/sdq"}}
    ctx = context({}, machines=(STORAGE, ETCD_B), hosts=hosts, known=known)
    assert one("machines.disk", "tower-a", ctx).status is status


def test_the_disk_given_before_is_known_again() -> None:
    uuid = plan_of("storage-a", (STORAGE, ETCD_B)).data_uuid
    known = {"tower-a": facts(disks=(Disk("sdq", "WD", "S1", GIB, fstype="ext4", uuid=uuid),))}
    hosts = {"tower-a": {"storage_disk": "/dev/disk/by-id/ata-WD_S1"}}
    ctx = context({}, machines=(STORAGE, ETCD_B), hosts=hosts, known=known)
    assert one("machines.disk", "tower-a", ctx).status is Status.PASS


@pytest.mark.parametrize("make", FOREIGN)
def test_foreign_things_of_a_machines_name_stop_the_step(make: object) -> None:
    assert callable(make)
    found = one("machines.foreign", "tower-a", context(standing() | {"tower-a": make()}))
    assert (found.status, found.level) == (Status.FAIL, Level.FATAL)
    assert "etcd-a" in found.detail
    assert "never touched" in found.cause


FIXED = [
    (replace(ETCD_A, address="10.0.0.99"), Status.FAIL, "10.0.0.31"),
    (replace(ETCD_A, role="storage"), Status.FAIL, "made for etcd"),
    (replace(ETCD_A, data_disk=None), Status.FAIL, "has a data disk"),
    (replace(ETCD_A, disk=10 * GIB), Status.WARN, "do not shrink"),
    (replace(ETCD_A, data_disk=4 * GIB), Status.WARN, "data disk of etcd-a has 8.0 GiB"),
]


@pytest.mark.parametrize(("machine", "status", "text"), FIXED)
def test_what_a_guest_cannot_become_is_said(machine: Any, status: Status, text: str) -> None:  # noqa: ANN401
    found = one("machines.fixed", "tower-a", context(standing(), machines=(machine, ETCD_B)))
    assert found.status is status
    assert text in found.detail


def test_another_folder_in_the_spec_moves_no_disks() -> None:
    found = one("machines.fixed", "tower-a", context(standing(), hosts={"tower-a": {"vm_dir": "/mnt/new"}}))
    assert found.status is Status.FAIL
    assert "lies in /srv/vm/etcd-a" in found.detail


def test_two_voters_are_never_removed_at_once() -> None:
    servers = (replace(ETCD_A, name="x-a", role="server"), replace(ETCD_B, name="x-b", role="server"))
    found = one("machines.removal", "", context(standing(), machines=servers))
    assert (found.status, found.level) == (Status.FAIL, Level.FATAL)
    assert "etcd-a on tower-a and etcd-b on tower-b" in found.detail
    kept = one("machines.removal", "", context(standing(), machines=(servers[0], ETCD_B)))
    assert kept.status is Status.PASS


def test_a_full_host_is_told_by_doctor_as_a_warning() -> None:
    said = standing()
    said["tower-a"].host["free_kib"] = 1024
    found = one("machines.room", "tower-a", context(said, known=guests()))
    assert (found.status, found.level) == (Status.WARN, Level.WARNING)


STATES = [
    ("shut off (destroyed)", "shut off (destroyed)", "wizard apply"),
    ("crashed (panicked)", "crashed", "wizard apply"),
    ("paused (I/O error)", "no room left", "resume etcd-a"),
    ("paused (user)", "paused (user)", "resume etcd-a"),
]


@pytest.mark.parametrize(("state", "text", "fix"), STATES)
def test_a_guest_that_does_not_run_is_the_one_cause_of_all_its_findings(
    state: str, text: str, fix: str
) -> None:
    said = standing() | {"tower-a": Said().has(plan_of("etcd-a"), state=state)}
    found = run(context(said, known=guests()), When.AFTER)
    assert root_causes(found) == ["machines.running"]
    (cause,) = [item for item in found if item.status is Status.FAIL]
    assert text in cause.detail
    assert state.partition(" (")[0] in cause.evidence
    assert fix in cause.fix
    skipped = [item for item in found if item.status is Status.SKIP]
    assert {item.explained_by for item in skipped} == {"machines.running"}


def test_a_guest_that_does_not_answer_is_one_cause_and_its_console_is_quoted() -> None:
    said = standing()
    said["tower-a"].consoles["etcd-a"] = "Kernel panic - not syncing\x1b[2J\u202e evil"
    found = run(context(said, known=guests(etcd_a=GONE)), When.AFTER)
    assert root_causes(found) == ["machines.answers"]
    (cause,) = [item for item in found if item.status is Status.FAIL]
    assert "Kernel panic - not syncing" in cause.evidence
    assert cause.evidence.isprintable()


def test_a_guest_that_is_starting_is_not_searched_for_other_clusters_and_hinders_nobody() -> None:
    """Explained by a check of a later step it would fail Discovery, and the step that waits for it would not begin."""
    ctx = context(standing(), known=guests(etcd_a=GONE))
    (check,) = (one for one in Discover().checks(ctx) if (one.id, one.host) == ("discover.guest", "etcd-a"))
    found = check.run(ctx)
    assert (found.status, found.explained_by) == (Status.SKIP, "")
    assert GONE.what in found.detail


def test_an_unreachable_hypervisor_explains_its_guests() -> None:
    away = UnreachableError("tower-a cannot be reached.", where="10.0.0.11", why="No answer.", do="ping")
    found = run(context(standing(), known=guests() | {"tower-a": away}), When.AFTER)
    theirs = [item for item in found if item.host in ("etcd-a", "tower-a")]
    assert {(item.status, item.explained_by) for item in theirs} == {(Status.SKIP, "hosts.reach")}


def test_a_guest_that_was_never_made_is_told_once() -> None:
    found = run(context({"tower-b": standing()["tower-b"]}, known=guests()), When.AFTER)
    (cause,) = [item for item in found if item.status is Status.FAIL]
    assert (cause.check, cause.fix) == ("machines.running", "wizard apply")
    assert cause.evidence == "guests on tower-a: none"


GUESTS = [
    ("machines.identity", {"hostname": "debian"}, Status.FAIL, "debian"),
    (
        "machines.identity",
        {"nics": (Nic("ens2", "ethernet", "", ("10.0.0.150/24",)),)},
        Status.FAIL,
        "10.0.0.150",
    ),
    ("machines.identity", {"machine_id": ""}, Status.FAIL, "no machine id"),
    ("machines.identity", {"machine_id": "tower-a".ljust(32, "0")}, Status.FAIL, "machine id of tower-a"),
    ("machines.clock", {"clock": Clock(1.0, 45.0, 0.1, True, "x")}, Status.FAIL, "off by"),
    ("machines.clock", {"clock": Clock(1.0, 3.0, 0.1, True, "x")}, Status.WARN, "off by"),
    ("machines.clock", {"clock": Clock(1.0, 0.0, 0.1, False, "")}, Status.WARN, "Nobody keeps"),
    ("machines.clock", {"clock": Clock()}, Status.SKIP, "did not tell"),
    ("machines.data", {"disks": (Disk("vda", serial="x"),)}, Status.FAIL, "is missing"),
    ("machines.data", {"disks": (Disk("vda"), Disk("vdb"))}, Status.FAIL, "could not be looked at"),
]


@pytest.mark.parametrize(("check", "changes", "status", "text"), GUESTS)
def test_who_a_guest_must_be(check: str, changes: dict[str, Any], status: Status, text: str) -> None:
    known = guests(etcd_a=guest_facts(plan_of("etcd-a"), **changes))
    found = one(check, "etcd-a", context(standing(), known=known))
    assert (found.status, text in found.detail) == (status, True), found


@pytest.mark.parametrize(
    ("changes", "text"),
    [({"mounts": ()}, "not mounted at /var/lib/etcd"), ({"uuid": "another"}, "another file system")],
)
def test_the_data_disk_is_judged_by_serial_uuid_and_place(changes: dict[str, Any], text: str) -> None:
    plan = plan_of("etcd-a")
    disks = tuple(replace(disk, **changes) for disk in guest_facts(plan).disks)
    known = guests(etcd_a=guest_facts(plan, disks=disks))
    found = one("machines.data", "etcd-a", context(standing(), known=known))
    assert found.status is Status.FAIL
    assert text in found.detail


def test_a_guest_of_another_cluster_is_not_asked_anything() -> None:
    """Its facts would raise: nobody is trusted on first use."""
    said = Said().has(plan_of("etcd-a"), owner=STRANGER)
    state, xml = said.domains["etcd-a"]
    said.domains["etcd-a"] = (state, xml.replace(LINEAGE, STRANGER))
    ctx = context({"tower-a": said, "tower-b": standing()["tower-b"]}, known={"etcd-b": guests()["etcd-b"]})
    found = run(ctx, When.AFTER)
    assert root_causes(found) == ["machines.running"]
    assert ("etcd-a",) not in ctx.cache._kept


def test_doctor_without_a_run_state_goes_by_the_hosts_markers() -> None:
    from wizard.core.facts import Marker
    from wizard.core.state import new_state

    said = standing()
    marked = {
        name: tower(name, said[name], marker=Marker("home", LINEAGE, 3)) for name in ("tower-a", "tower-b")
    }
    ctx = context(said, known=guests() | marked, state=new_state("home", "test"))
    assert {item.status for item in run(ctx, When.AFTER)} == {Status.PASS}
