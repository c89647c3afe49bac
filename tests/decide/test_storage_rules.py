"""Each requirement both ways, what is said about it, and which host and number it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.decide.storage_homes import TB, Site, data_disk, network, site, system_disk, tower
from tests.facts.build import pi_facts
from wizard.core.decide.layout import make_layout
from wizard.core.decide.storage import RULES
from wizard.core.decide.storage_data import storage_data
from wizard.core.decide.storage_hosts import content_text, lan_mbit, names, raw_disks, second_card, size_text
from wizard.core.facts import GIB, Cpu, Disk, Filesystem, HostFacts, Marker, Memory, Nic, Volume
from wizard.core.spec.model import AppSpec, HostSpec, MachineSpec

Change = Callable[[Site], Site]


def same(one: Site) -> Site:
    return one


def facts_of(host: str, **changes: object) -> Change:
    return lambda one: one.with_facts(host, **changes)


def sda(**changes: object) -> Change:
    """The second disk of tower-a is another one."""
    return facts_of("tower-a", disks=(system_disk(), data_disk("tower-a", **changes)))


def host(name: str, **changes: object) -> Change:
    return lambda one: one.with_host(name, **changes)


def storage(**changes: object) -> Change:
    return lambda one: one.with_storage(**changes)


def k3s(version: str) -> Change:
    return lambda one: one.with_spec(k3s=replace(one.spec.k3s, version=version))


def machine(name: str, role: str, cpus: int = 4, memory: int = 4) -> MachineSpec:
    return MachineSpec(name, "tower-a", role, "10.0.0.30", cpus, memory * GIB, 20 * GIB)  # type: ignore[arg-type]


def machines(*made: MachineSpec) -> Change:
    return lambda one: one.with_spec(machines=made)


SECOND = Nic("eno2", "ethernet", speed_mbit=1000, state="up")
DOWN = Nic("eno2", "ethernet", state="down")
HAS_XFS = (system_disk(), data_disk("tower-a", fstype="xfs"))
OURS = Marker("home", "lineage", 3)
NO_WITNESS: Change = lambda one: one.with_spec(hosts=one.spec.hypervisors)  # noqa: E731

CASES: list[tuple[str, str, Change, bool | None, str]] = [
    ("nfs.survives", "never", same, False, "these hang: mariadb and nextcloud"),
    ("nfs.survives", "external", same, False, "10.0.0.5 serves"),
    ("nfs.survives", "ours", storage(backup_target="nfs://10.0.0.11/b"), False, "only copy"),
    ("nfs.locks", "database", same, False, "mariadb is asked for"),
    ("nfs.locks", "none", lambda one: one.with_spec(apps=()), True, "none is asked for"),
    ("nfs.kubernetes", "nonsense", k3s("latest"), None, "not understood"),
    ("nfs.kubernetes", "old", k3s("v1.20.1+k3s1"), False, "v1.20.1"),
    ("nfs.kubernetes", "new", same, True, "v1.36.4"),
    ("nfs.backup", "elsewhere", same, True, "nfs://10.0.0.5/backups"),
    ("nfs.backup", "on a hypervisor", storage(backup_target="nfs://10.0.0.11/b"), False, "is on tower-a"),
    ("nfs.backup", "bucket", storage(backup_target="s3://b@eu/"), True, "s3://"),
    ("nfs.backup", "none", storage(backup_target=None), None, "no target"),
    ("ceph.device", "raw", same, True, "sda (CT1000MX500SSD1, serial TOWER-A-0001, 1 TB)"),
    ("ceph.device", "taken", facts_of("tower-a", disks=HAS_XFS), False, "sda has xfs"),
    ("ceph.device", "no disks", facts_of("tower-a", disks=()), None, "lsblk"),
    ("ceph.hosts", "two", same, False, "2 of 2 hypervisors"),
    ("ceph.flash", "ssd", same, True, "sda is an SSD"),
    (
        "ceph.flash",
        "rotates",
        facts_of("tower-a", disks=(data_disk("tower-a", rotational=True),)),
        False,
        "sda rotates",
    ),
    (
        "ceph.flash",
        "not known",
        facts_of("tower-a", disks=(data_disk("tower-a", rotational=None),)),
        None,
        "not known",
    ),
    ("ceph.memory", "enough", same, True, "48.0 GiB available"),
    ("ceph.memory", "short", facts_of("tower-a", memory=Memory(16 * GIB, 10 * GIB)), False, "10.0 GiB"),
    ("ceph.memory", "not known", facts_of("tower-a", memory=Memory()), None, "not known"),
    ("ceph.network", "fast", same, True, "10 Gbit/s"),
    ("ceph.network", "slow", facts_of("tower-a", nics=network(2500)), False, "2.5 Gbit/s"),
    ("ceph.monitors", "two", same, False, "2 hosts for them (tower-a and tower-b); pi only votes"),
    ("ceph.stretch-monitors", "three hosts", same, False, "3 hosts in all"),
    ("ceph.stretch-copies", "two", same, False, "2 storage hosts in all"),
    ("ceph.kernel", "amd64", same, True, "cloud image"),
    ("ceph.kernel", "arm64", facts_of("tower-a", arch="aarch64"), None, "aarch64"),
    ("ceph.kubernetes", "tested", same, True, "v1.36.4"),
    ("ceph.kubernetes", "newer", k3s("v1.37.1+k3s1"), None, "newer than what it was tested with"),
    ("gluster.copies", "two", same, True, "tower-a and tower-b"),
    ("gluster.arbiter", "pi", same, True, "could be it"),
    ("gluster.arbiter", "nobody", NO_WITNESS, False, "no third host"),
    ("gluster.arbiter-space", "usb", same, True, "500 GB free on /mnt/usb"),
    ("gluster.arbiter-space", "SD only", lambda one: Site(one.spec, {**one.facts, "pi": sd_only()}), False, "SD card"),
    ("gluster.arbiter-space", "gone", lambda one: one.without("pi"), None, "could not be asked"),
    ("gluster.driver", "nobody", same, False, "heketi is archived"),
    ("gluster.project", "slow", same, False, "11.1"),
    ("longhorn.zones", "two", same, True, "2 (tower-a and tower-b)"),
    ("longhorn.replicas", "two", same, True, "2 copies"),
    ("longhorn.replicas", "one", storage(replicas=1), False, "1 copy"),
    ("longhorn.replicas", "three", storage(replicas=3), False, "3 copies, 2 hypervisors"),
    ("longhorn.device", "apart", same, True, "etcd writes to nvme0n1"),
    ("longhorn.device", "same", host("tower-a", storage_disk="/dev/nvme0n1"), False, "is the disk etcd writes to"),
    ("longhorn.device", "in use", sda(mounts=("/x",)), False, "mounted on /x"),
    ("longhorn.device", "gone", lambda one: one.without("tower-a"), None, "could not be asked"),
    ("longhorn.named", "by id", same, True, "/dev/disk/by-id/"),
    ("longhorn.named", "not", host("tower-a", storage_disk=None), False, "sda would do"),
    ("longhorn.named", "sda", host("tower-a", storage_disk="/dev/sda"), False, "/dev/sda"),
    ("longhorn.flash", "ssd", same, True, "is an SSD"),
    ("longhorn.flash", "rotates", sda(rotational=True), False, "rotates"),
    ("longhorn.unused", "empty", same, True, "sda is empty"),
    ("longhorn.unused", "foreign", facts_of("tower-a", disks=HAS_XFS), False, "sda has xfs"),
    ("longhorn.unused", "ours", facts_of("tower-a", disks=HAS_XFS, marker=OURS), True, "belongs to this cluster"),
    ("longhorn.unused", "another's", facts_of("tower-a", disks=HAS_XFS, marker=replace(OURS, name="x")), False, "xfs"),
    ("longhorn.unused", "no lsblk", facts_of("tower-a", tools=frozenset()), None, "no lsblk"),
    ("longhorn.room", "enough", same, True, "of volumes need 282 GB"),
    ("longhorn.room", "small", sda(size=TB // 4), False, "250 GB"),
    ("longhorn.room", "nothing asked", lambda one: one.with_spec(apps=(AppSpec("redis"),)), True, "no app says"),
    ("longhorn.nodes", "room", same, True, "64.0 GiB of memory and 12 threads"),
    ("longhorn.nodes", "small", facts_of("tower-a", memory=Memory(11 * GIB)), False, "11.0 GiB"),
    ("longhorn.nodes", "few threads", facts_of("tower-a", cpu=Cpu("i3", 2, 2)), False, "2 threads"),
    ("longhorn.nodes", "none named", machines(machine("worker-a", "worker")), False, "no storage guest"),
    ("longhorn.nodes", "not known", facts_of("tower-a", cpu=Cpu()), None, "not known"),
    ("longhorn.network", "fast", same, True, "10 Gbit/s"),
    ("longhorn.network", "slow", facts_of("tower-a", nics=network(1000)), False, "no second card"),
    ("longhorn.network", "second", facts_of("tower-a", nics=network(1000, SECOND)), True, "eno2 is free"),
    ("longhorn.network", "no link", facts_of("tower-a", nics=network(1000, DOWN)), False, "no second card"),
    ("longhorn.kernel", "image", same, True, "cloud image"),
    ("longhorn.kernel", "lxc", host("tower-a", guests="lxc"), None, "containers"),
    ("longhorn.iscsi", "package", same, True, "open-iscsi 2.1.11"),
    ("longhorn.iscsi", "lxc", host("tower-a", guests="lxc"), None, "the guests of tower-a are containers"),
    ("longhorn.backup", "there", same, True, "nfs://10.0.0.5/backups"),
    ("longhorn.backup", "none", storage(backup_target=None), False, "none is named"),
    ("longhorn.kubernetes", "tested", same, True, "v1.36.4"),
    ("longhorn.kubernetes", "old", k3s("v1.24.1+k3s1"), False, "older"),
    ("none.apps", "asked", same, False, "mariadb and nextcloud keep data"),
    ("none.apps", "one of ours", lambda one: one.with_spec(apps=(AppSpec("x", size=5),)), False, "x keeps data"),
    ("none.apps", "none", lambda one: one.with_spec(apps=(AppSpec("redis"),)), True, "none is asked for"),
    ("existing.class", "named", storage(storage_class="fast"), True, "fast"),
    ("existing.class", "not", same, False, "none is named"),
    ("existing.there", "never asked", same, None, "not asked"),
]  # fmt: skip
"""Requirement, case, change, whether it is met, words of what was found."""


def sd_only() -> HostFacts:
    slash = Filesystem("/", "/dev/mmcblk0p2", "ext4", size=6 * 10**10, free=5 * 10**10, disks=("mmcblk0",))
    return pi_facts(filesystems=(slash,))


@pytest.mark.parametrize(
    ("requirement", "case", "change", "met", "words"), CASES, ids=[f"{row[0]}:{row[1]}" for row in CASES]
)
def test_a_requirement(requirement: str, case: str, change: Change, met: bool | None, words: str) -> None:
    one = change(site())
    assert one.met(requirement) is met, case
    assert any(words in why.found for why in one.told(requirement)), [
        why.found for why in one.told(requirement)
    ]


def test_every_requirement_has_a_case_that_is_met_and_one_that_is_not() -> None:
    """But for those that cannot be otherwise: one server is one, and what is deprecated is; they are tested over data."""
    held = {need.id for candidate in storage_data().candidates for need in candidate.requirements}
    seen = {name: {met for requirement, _, _, met, _ in CASES if requirement == name} for name in held}
    three = {"ceph.hosts", "ceph.monitors", "ceph.stretch-monitors", "ceph.stretch-copies"}
    fixed = {
        "nfs.survives",
        "gluster.driver",
        "gluster.project",
        "gluster.copies",
        "longhorn.zones",
        "existing.there",
    }
    for name in held - three - fixed:
        assert True in seen[name], name
        assert seen[name] & {False, None}, name
    for name in fixed | three:
        assert seen[name], name


@pytest.mark.parametrize("requirement", ["ceph.hosts", "ceph.monitors"])
def test_three_hosts_have_what_two_have_not(requirement: str) -> None:
    assert site(2).met(requirement) is False
    assert site(3).met(requirement) is True


@pytest.mark.parametrize("requirement", ["gluster.copies", "longhorn.zones"])
def test_one_hypervisor_is_not_enough(requirement: str) -> None:
    assert site(1).met(requirement) is False


def test_hosts_that_could_not_be_asked_may_have_a_device() -> None:
    """Two of three are sure, the third is not known: neither met nor rejected; with two unknown of two, rejected."""
    assert site(3).without("tower-c").met("ceph.hosts") is None
    assert site(4).without("tower-c").met("ceph.hosts") is True
    assert site(2).without("tower-a", "tower-b").met("ceph.hosts") is False


def test_the_storage_guest_of_the_spec_is_measured() -> None:
    def looked(made: MachineSpec) -> list[bool | None]:
        found = machines(made)(site()).told("longhorn.nodes")
        return [why.met for why in found if why.host == "tower-a"]

    assert looked(machine("storage-a", "storage")) == [True]
    assert looked(machine("storage-a", "storage", cpus=2)) == [False]
    assert looked(machine("storage-a", "storage", memory=3)) == [False]


def test_every_rule_is_used_and_known() -> None:
    used = {need.rule for candidate in storage_data().candidates for need in candidate.requirements}
    assert used == set(RULES)


# --- which disk ------------------------------------------------------------------------------------------------


def device(one: Site, name: str = "tower-a") -> tuple[bool | None, str, str, str]:
    (why,) = [found for found in one.told("longhorn.device") if found.host == name]
    return why.met, why.level, why.found, why.do


def test_a_free_disk_is_offered_where_etcds_is_named() -> None:
    met, _, _, do = device(site().with_host("tower-a", storage_disk="/dev/nvme0n1"))
    assert met is False
    assert "Take sda (CT1000MX500SSD1, serial TOWER-A-0001, 1 TB), which is free" in do
    assert "ends in TOWER-A-0001" in do


def test_a_disk_to_free_is_named_with_what_is_on_it() -> None:
    media = data_disk(
        "tower-a",
        size=4 * TB,
        rotational=True,
        volumes=(Volume("sda1", "part", fstype="xfs", mounts=("/mnt/disk1",)),),
    )
    one = site().with_facts("tower-a", disks=(system_disk(), media)).with_host("tower-a", storage_disk=None)
    met, _, found, do = device(one)
    assert met is False
    assert "sda has xfs on /mnt/disk1" in found
    assert do.startswith(
        "Free sda (CT1000MX500SSD1, serial TOWER-A-0001, 4 TB) of xfs on /mnt/disk1, though it rotates"
    )
    assert "or buy an SSD of 1 TB or more for tower-a" in do


def test_what_a_host_boots_from_is_not_to_be_freed() -> None:
    flash = Disk(
        "sdz", "Cruzer Fit", "4C53", TB, volumes=(Volume("sdz1", "part", fstype="vfat", mounts=("/boot",)),)
    )
    one = site().with_facts("tower-a", disks=(system_disk(), flash)).with_host("tower-a", storage_disk=None)
    assert device(one)[3] == "Buy an SSD of 1 TB or more for tower-a"


def guests_elsewhere(etcd_dir: str | None) -> Site:
    """Guests on sda, which has a file system; the system on nvme0n1."""
    sda = data_disk("tower-a", fstype="ext4", mounts=("/mnt/vm",))
    mounts = (
        *tower("tower-a").filesystems,
        Filesystem("/mnt/vm", "/dev/sda", "ext4", size=TB, free=TB // 2, disks=("sda",)),
    )
    one = site().with_facts("tower-a", disks=(system_disk(), sda), filesystems=mounts)
    return one.with_host("tower-a", storage_disk=None, vm_dir="/mnt/vm", etcd_dir=etcd_dir)


def test_etcd_may_move_instead() -> None:
    met, _, _, do = device(guests_elsewhere(None))
    assert met is False
    assert "move etcd (etcd_dir: a folder below /, on nvme0n1)" in do.lower()


def test_beside_the_guests_is_no_obstacle_and_no_disk_of_its_own() -> None:
    """As the layout does it: with etcd elsewhere, volumes lie in a file in the guests' folder."""
    one = guests_elsewhere("/var/lib/etcd-guest")
    met, level, found, _ = device(one)
    assert (met, level) == (False, "should")
    assert "beside the guests on sda" in found
    assert one.decided().verdict("longhorn").verdict == "conditions"
    assert next(why.found for why in one.told("longhorn.room")).startswith("500 GB; the copies of")


def test_etcds_disk_behind_a_merged_view_is_not_known() -> None:
    """Unraid's /mnt/user may be any disk: never taken for another one."""
    one = site().with_facts("tower-a", filesystems=()).with_host("tower-a", vm_dir="/mnt/user/domains")
    met, _, found, do = device(one)
    assert met is None
    assert "/mnt/user/domains is not known" in found
    assert "/mnt/POOL/domains" in do


def test_raw_disks_are_ordered_and_barred() -> None:
    disks = (
        Disk("sdd", size=8 * TB, rotational=True),
        Disk("sdb", size=TB, rotational=False),
        Disk("sdc", size=2 * TB, rotational=False),
        Disk("mmcblk0", size=TB, is_sd=True),
        Disk("sde", size=TB, removable=True),
        Disk("sdf", size=TB, read_only=True),
        Disk("sdg", size=TB, mounts=("/x",)),
        Disk("sdh", size=50 * 10**9),
        Disk("sdi"),
    )
    raw = raw_disks(tower("a", disks=disks), 100 * 10**9)
    assert [disk.name for disk in raw or ()] == ["sdc", "sdb", "sdd"]


@pytest.mark.parametrize(
    ("disk", "told"),
    [
        (Disk("a", fstype="zfs_member"), "zfs_member"),
        (Disk("a", volumes=(Volume("a1", "part"),)), "partitions without a file system"),
        (Disk("a", fstype="ext4", mounts=("/x", "/y")), "ext4 on /x"),
    ],
)
def test_what_is_on_a_disk(disk: Disk, told: str) -> None:
    assert content_text(disk) == told


def test_the_speed_of_the_lan_is_that_of_the_cards() -> None:
    """A bridge says 10 Gbit/s whatever is below it."""
    assert lan_mbit(tower("a", nics=network(1000))) == 1000
    assert lan_mbit(tower("a", nics=network(None))) is None
    assert lan_mbit(tower("a", default_route=None)) is None
    assert second_card(tower("a", nics=network(1000, SECOND))) == "eno2"
    assert second_card(tower("a", nics=network(1000, replace(SECOND, master="br0")))) == ""


def test_numbers_in_words() -> None:
    assert [size_text(one) for one in (None, 64 * 10**9, 1500 * 10**9, 2 * TB)] == [
        "size unknown",
        "64 GB",
        "1.5 TB",
        "2 TB",
    ]
    assert [names(one) for one in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "none",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_a_third_hypervisor_may_be_the_arbiter() -> None:
    three = site(3)
    hosts: tuple[HostSpec, ...] = three.spec.hypervisors
    (why,) = three.with_spec(hosts=hosts).told("gluster.arbiter")
    assert (why.met, why.host) == (True, "tower-c")


def refused_by_layout(one: Site, name: str) -> bool:
    """Whether the layout finds no place for the copies on a hypervisor."""
    problems = make_layout(one.spec, one.facts).problems
    return any(
        found.host == name and found.machine.startswith("storage") and found.level == "refused"
        for found in problems
    )


@pytest.mark.parametrize(
    ("one", "place"),
    [
        (site(), True),
        (site().with_host("tower-a", storage_disk="/dev/sda"), True),
        (guests_elsewhere("/var/lib/etcd-guest"), True),
        (guests_elsewhere(None), False),
        (site().with_host("tower-a", storage_disk="/dev/nvme0n1"), False),
        (site().with_facts("tower-a", disks=(system_disk(),)).with_host("tower-a", storage_disk=None), False),
    ],
    ids=[
        "named",
        "by kernel name",
        "beside the guests",
        "etcd beside the guests",
        "etcd's own",
        "no second disk",
    ],
)
def test_the_layout_sees_the_same_disks(one: Site, place: bool) -> None:
    """What is rejected here has no place there; what is only to be named is a condition here and refused there."""
    met, level, _, _ = device(one)
    assert (met is not False or level != "must") is place
    assert refused_by_layout(one, "tower-a") is not place
