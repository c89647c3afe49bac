"""The verdicts as a whole: which candidate fits which homelab, what is chosen, and that nothing unknown is ever met."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.decide.storage_homes import Site, data_disk, network, site, system_disk, tower
from wizard.core.decide.storage_data import StorageData, storage_data
from wizard.core.facts import GIB, HostFacts, Memory


def verdict(one: Site, kind: str, data: StorageData | None = None) -> str:
    return one.decided(data).verdict(kind).verdict


def one_disk(one: Site, *hosts: str) -> Site:
    """The same without a second disk in these hosts, and none named."""
    for host in hosts:
        one = one.with_facts(host, disks=(system_disk(),)).with_host(host, storage_disk=None)
    return one


def test_two_hypervisors_as_they_should_be() -> None:
    """The homelab of the README: Longhorn fits, the three others are rejected."""
    found = {one.kind: one.verdict for one in site().decided().verdicts}
    assert found == {
        "nfs": "rejected",
        "cephfs": "rejected",
        "glusterfs": "rejected",
        "longhorn": "fits",
        "none": "rejected",
        "existing": "conditions",
    }


def test_it_is_not_rigged_against_ceph() -> None:
    """Three hosts with 10 GbE, raw SSDs and enough memory: Ceph fits, and says nothing of stretch mode."""
    three = site(3)
    assert verdict(three, "cephfs") == "fits"
    assert not three.told("ceph.stretch-monitors")
    assert site().told("ceph.stretch-monitors")[0].met is False
    assert "4 copies" in site().told("ceph.stretch-copies")[0].requirement


def test_it_is_not_rigged_for_longhorn() -> None:
    """Without a second disk it is rejected, with what to buy for which host."""
    poor = one_disk(site(), "tower-b")
    assert verdict(poor, "longhorn") == "rejected"
    (why,) = poor.decided().verdict("longhorn").refused
    assert (why.host, why.id) == ("tower-b", "longhorn.device")
    assert "nvme0n1 has ext4 on /" in why.found
    assert "Buy an SSD of 1 TB or more for tower-b" in why.do


def looked_after(data: StorageData) -> StorageData:
    """The same data if somebody maintained GlusterFS and its driver."""
    candidates = [
        replace(one, health=replace(one.health, project=True, driver=True))
        if one.kind == "glusterfs"
        else one
        for one in data.candidates
    ]
    return replace(data, candidates=tuple(candidates))


def test_gluster_is_rejected_for_its_driver_alone() -> None:
    one = site()
    assert verdict(one, "glusterfs") == "rejected"
    assert [why.id for why in one.decided().verdict("glusterfs").refused] == ["gluster.driver"]
    assert verdict(one, "glusterfs", looked_after(storage_data())) == "fits"


CEPH: list[tuple[str, Callable[[Site], Site], str]] = [
    ("two hosts", lambda _one: site(2), "rejected"),
    ("1 GbE", lambda one: one.with_facts("tower-a", nics=network(1000)), "conditions"),
    ("100 Mbit/s", lambda one: one.with_facts("tower-a", nics=network(100)), "rejected"),
    ("speed not known", lambda one: one.with_facts("tower-a", nics=network(None)), "conditions"),
    (
        "a rotating disk",
        lambda one: one.with_facts("tower-a", disks=(data_disk("tower-a", rotational=True),)),
        "conditions",
    ),
    (
        "a file system on it",
        lambda one: one.with_facts("tower-a", disks=(data_disk("tower-a", fstype="zfs_member"),)),
        "rejected",
    ),
    (
        "too small a disk",
        lambda one: one.with_facts("tower-a", disks=(data_disk("tower-a", size=99 * 10**9),)),
        "rejected",
    ),
    ("12 GiB", lambda one: one.with_facts("tower-c", memory=Memory(32 * GIB, 12 * GIB)), "conditions"),
    ("8 GiB", lambda one: one.with_facts("tower-c", memory=Memory(16 * GIB, 8 * GIB)), "rejected"),
    ("a host that is not there", lambda one: one.without("tower-b"), "conditions"),
    ("no lsblk", lambda one: one.with_facts("tower-b", tools=frozenset({"sed"})), "conditions"),
    ("four hosts", lambda _one: site(4), "fits"),
    (
        "Kubernetes too new",
        lambda one: one.with_spec(k3s=replace(one.spec.k3s, version="v1.37.1+k3s1")),
        "conditions",
    ),
    (
        "Kubernetes too old",
        lambda one: one.with_spec(k3s=replace(one.spec.k3s, version="v1.30.9+k3s1")),
        "rejected",
    ),
]


@pytest.mark.parametrize(("change", "wanted"), [row[1:] for row in CEPH], ids=[row[0] for row in CEPH])
def test_ceph_on_three_hosts(change: Callable[[Site], Site], wanted: str) -> None:
    assert verdict(change(site(3)), "cephfs") == wanted


LONGHORN: list[tuple[str, Callable[[Site], Site], str]] = [
    ("one hypervisor", lambda _one: site(1), "rejected"),
    ("three copies on two", lambda one: one.with_storage(replicas=3), "rejected"),
    ("one copy", lambda one: one.with_storage(replicas=1), "conditions"),
    ("no second disk", lambda one: one_disk(one, "tower-a"), "rejected"),
    ("no second disk anywhere", lambda one: one_disk(one, "tower-a", "tower-b"), "rejected"),
    ("etcd on the same disk", lambda one: one.with_host("tower-a", storage_disk="/dev/nvme0n1"), "rejected"),
    ("a disk in use", lambda one: one.with_facts("tower-a", disks=in_use()), "rejected"),
    (
        "a disk that is not there",
        lambda one: one.with_host("tower-a", storage_disk="/dev/disk/by-id/wwn-0x5"),
        "conditions",
    ),
    ("no disk named", lambda one: one.with_host("tower-a", storage_disk=None), "conditions"),
    ("named by kernel name", lambda one: one.with_host("tower-a", storage_disk="/dev/sda"), "conditions"),
    (
        "a rotating disk",
        lambda one: one.with_facts("tower-a", disks=(system_disk(), data_disk("tower-a", rotational=True))),
        "conditions",
    ),
    (
        "something on it",
        lambda one: one.with_facts("tower-a", disks=(system_disk(), data_disk("tower-a", fstype="xfs"))),
        "conditions",
    ),
    (
        "too small",
        lambda one: one.with_facts("tower-a", disks=(system_disk(), data_disk("tower-a", size=200 * 10**9))),
        "conditions",
    ),
    ("8 GiB of memory", lambda one: one.with_facts("tower-a", memory=Memory(8 * GIB, 6 * GIB)), "conditions"),
    ("1 GbE", lambda one: one.with_facts("tower-a", nics=network(1000)), "conditions"),
    ("no backups", lambda one: one.with_storage(backup_target=None), "conditions"),
    ("a host that is not there", lambda one: one.without("tower-b"), "conditions"),
    ("nobody there", lambda one: one.without("tower-a", "tower-b", "pi"), "conditions"),
    ("containers for guests", lambda one: one.with_host("tower-a", guests="lxc"), "conditions"),
    ("the Pi is not there", lambda one: one.without("pi"), "fits"),
    ("three hypervisors", lambda _one: site(3), "fits"),
]


def in_use() -> tuple:  # type: ignore[type-arg]
    return (system_disk(), data_disk("tower-a", fstype="ext4", mounts=("/srv",)))


@pytest.mark.parametrize(
    ("change", "wanted"), [row[1:] for row in LONGHORN], ids=[row[0] for row in LONGHORN]
)
def test_longhorn_on_two_hosts(change: Callable[[Site], Site], wanted: str) -> None:
    assert verdict(change(site()), "longhorn") == wanted


@pytest.mark.parametrize("kind", ["nfs", "cephfs", "glusterfs", "longhorn"])
def test_what_is_not_known_is_never_met(kind: str) -> None:
    """With no host answering, whatever looks at a host says so, and no candidate fits."""
    nobody = site(3).without("tower-a", "tower-b", "tower-c", "pi").decided()
    found = nobody.verdict(kind)
    assert found.verdict != "fits"
    assert all(one.met is None or "nfs" in one.id or "arbiter" in one.id for one in found.reasons if one.host)
    assert nobody.unknown == ("tower-a", "tower-b", "tower-c", "pi")


def test_facts_full_of_holes_decide_nothing_and_break_nothing() -> None:
    bare = {name: HostFacts(name) for name in ("tower-a", "tower-b", "pi")}
    decided = Site(site().spec, bare).decided()
    assert decided.verdict("longhorn").verdict == "conditions"
    device = [one for one in decided.verdict("longhorn").reasons if one.id == "longhorn.device"]
    assert [one.met for one in device] == [None, None]


def test_what_is_chosen_is_what_the_spec_says_with_a_warning_where_it_is_rejected() -> None:
    assert (site().decided().chosen, site().decided().warning) == ("longhorn", "")
    poor = one_disk(site(), "tower-a").decided()
    assert poor.chosen == "longhorn"
    assert "rejected here: tower-a: no free disk" in poor.warning
    assert "Buy an SSD" in poor.warning
    none = site().with_storage(kind="none").decided()
    assert "mariadb and nextcloud keep data and cannot be installed" in none.warning


def test_without_storage() -> None:
    """It fits where nothing keeps data, and says what cannot be added."""
    bare = site().with_spec(apps=())
    assert verdict(bare, "none") == "fits"
    assert "nextcloud cannot be added later" in bare.told("none.apps")[0].found


def test_storage_that_is_there() -> None:
    existing = site().with_storage(kind="existing", storage_class="mine")
    assert verdict(existing, "existing") == "conditions"
    assert existing.met("existing.class") is True
    assert existing.met("existing.there") is None
    assert site().met("existing.class") is False


def test_twelve_hosts_are_decided_quickly(capsys: pytest.CaptureFixture[str]) -> None:
    many = site(11)
    many = Site(many.spec, {**many.facts, "tower-c": tower("tower-c", tools=frozenset())})
    storage_data()
    begun = time.perf_counter()
    decided = many.decided()
    with capsys.disabled():
        print(f"\nstorage, 12 hosts: {(time.perf_counter() - begun) * 1000:.1f} ms")  # noqa: T201
    assert len(decided.verdicts) == 6
