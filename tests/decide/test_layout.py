"""Which machines are proposed, and when something is said not to fit."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any, Literal

import pytest

from tests.decide.homes import APPS, home, hypervisors, known, machine, sized
from tests.facts.build import facts, unraid_facts
from wizard.core.decide.layout import Layout, effective_machines, make_layout, propose
from wizard.core.decide.layout_data import ROLES, layout_data
from wizard.core.facts import GIB, Cpu, Disk, Guest, HostFacts, Libvirt, Memory
from wizard.core.spec import parse_spec
from wizard.core.spec.model import AddressRange, AppSpec, ClusterSpec, HostSpec, StorageSpec
from wizard.front.layout import machines_yaml

ROLE_NAMES = [f"{role}-{x}" for x in "ab" for role in ROLES]


def names(layout: Layout) -> list[str]:
    return [one.name for one in layout.machines]


def refusals(layout: Layout) -> str:
    return "\n".join(one.text for one in layout.problems if one.level == "refused")


def everything(layout: Layout) -> str:
    return "\n".join(f"{one.text} {one.do}" for one in layout.problems)


def test_a_healthy_homelab_gets_four_machines_on_each_hypervisor() -> None:
    layout = make_layout(home(), known())
    assert layout.proposed
    assert names(layout) == ROLE_NAMES
    assert layout.fits
    assert not layout.problems


def test_the_proposal_is_a_sound_spec() -> None:
    """The machines, written down and read again, are the same and bring no problem."""
    from wizard.core.spec import example_text

    spec, problems = parse_spec(example_text(), source="example")
    assert spec is not None
    assert not problems
    spec = replace(
        spec,
        hosts=tuple(replace(host, storage_disk="/dev/nvme0n1") for host in spec.hosts[:2]) + spec.hosts[2:],
    )
    machines = make_layout(spec, known()).machines
    text = f"{example_text()}\n" + "\n".join(machines_yaml(machines))
    again, problems = parse_spec(text, source="pasted")
    assert not problems
    assert again is not None
    assert again.machines == machines
    assert len(machines) == 8


def test_it_is_the_same_every_time_and_whatever_is_free() -> None:
    busy = replace(facts(), memory=Memory(32 * GIB, 3 * GIB, 0, 0))
    assert make_layout(home(), known()) == make_layout(home(), known())
    assert propose(home(), known(tower_a=busy)) == propose(home(), known())


def test_a_third_hypervisor_renames_and_renumbers_nothing() -> None:
    two = home(hosts=(*hypervisors(2)[:2], hypervisors(2)[-1]), storage=StorageSpec("none"), apps=())
    three = replace(two, hosts=hypervisors(3))
    found = {name: facts(host=name) for name in ("tower-a", "tower-b", "tower-c")}
    before, after = effective_machines(two, found), effective_machines(three, found)
    assert set(before) <= set(after)
    assert {one.host for one in after} == set(found)


def test_without_storage_the_other_machines_keep_their_addresses() -> None:
    with_storage = {one.name: one.address for one in make_layout(home(), known()).machines}
    without = make_layout(home(storage=StorageSpec("none"), apps=()), known())
    assert names(without) == [name for name in ROLE_NAMES if "storage" not in name]
    assert all(with_storage[one.name] == one.address for one in without.machines)


def test_the_machines_of_the_spec_go_before_a_proposal() -> None:
    ours = (machine("etcd-x", "tower-a", "etcd", 50),)
    spec = home(machines=ours)
    assert effective_machines(spec, known()) == ours
    assert not make_layout(spec, known()).proposed


def test_no_mac_is_made_up() -> None:
    assert all(one.mac is None for one in make_layout(home(), known()).machines)


def test_a_name_that_a_host_has_is_not_taken() -> None:
    spec = home()
    hosts = (replace(spec.hosts[0], name="worker-a"), *spec.hosts[1:])
    found = known() | {"worker-a": facts(host="worker-a")}
    layout = make_layout(replace(spec, hosts=hosts), found)
    assert "vm-worker-a" in names(layout)
    assert "worker-a" not in names(layout)


# --- addresses ------------------------------------------------------------------------------------------------


def test_addresses_avoid_everything_that_is_given_away() -> None:
    spec = home()
    network = replace(
        spec.network,
        dhcp=AddressRange("10.0.0.14", "10.0.0.20"),
        load_balancer=AddressRange("10.0.0.22", "10.0.0.24"),
        upstream_dns=("10.0.0.26",),
    )
    spec = replace(spec, network=network, dns=replace(spec.dns, records={"nas.home.arpa": "10.0.0.25"}))
    taken = [one.address for one in make_layout(spec, known()).machines]
    assert taken == ["10.0.0.21", *(f"10.0.0.{n}" for n in range(27, 34))]


def test_addresses_go_on_below_the_api_address_at_the_end_of_the_lan() -> None:
    spec = home()
    network = replace(
        spec.network,
        api_vip="10.0.0.253",
        gateway="10.0.0.254",
        load_balancer=AddressRange("10.0.0.1", "10.0.0.9"),
    )
    taken = [one.address for one in make_layout(replace(spec, network=network), known()).machines]
    assert taken[:2] == ["10.0.0.10", "10.0.0.14"]
    assert len(set(taken)) == 8


def test_a_full_lan_is_said() -> None:
    spec = home()
    network = replace(
        spec.network,
        dhcp=AddressRange("10.0.0.16", "10.0.0.200"),
        load_balancer=AddressRange("10.0.0.201", "10.0.0.249"),
    )
    spec = replace(spec, network=replace(network, cidr="10.0.0.0/24"))
    crowded = replace(spec, network=replace(spec.network, dhcp=AddressRange("10.0.0.14", "10.0.0.200")))
    records = {f"r{n}.home.arpa": f"10.0.0.{n}" for n in (*range(2, 10), *range(250, 255))}
    layout = make_layout(replace(crowded, dns=replace(spec.dns, records=records)), known())
    assert not layout.machines
    assert "no address left for etcd-a" in refusals(layout)
    assert not layout.fits


def test_every_address_is_listed_and_none_claims_to_be_checked() -> None:
    spec = home()
    layout = make_layout(spec, known())
    used = {one.address for one in layout.addresses}
    assert {spec.network.api_vip, *(host.address for host in spec.hosts)} <= used
    assert {one.address for one in layout.machines} <= used
    low, high = IPv4Address(spec.network.load_balancer.first), IPv4Address(spec.network.load_balancer.last)
    assert {str(IPv4Address(n)) for n in range(int(low), int(high) + 1)} <= used
    assert {one.probe for one in layout.addresses} == {"not-checked"}
    assert all(one.why for one in layout.addresses)


def test_a_huge_load_balancer_range_is_not_written_out() -> None:
    spec = home()
    network = replace(spec.network, cidr="10.0.0.0/8", load_balancer=AddressRange("10.8.0.0", "10.9.255.255"))
    layout = make_layout(replace(spec, network=network), known())
    assert layout.addresses[-1].address == "10.8.1.0-10.9.255.255"
    assert len(layout.addresses) < 300


# --- sizes ----------------------------------------------------------------------------------------------------


def memory_of(layout: Layout, name: str) -> int:
    return next(one.memory for one in layout.machines if one.name == name) // GIB


@pytest.mark.parametrize(
    ("gib", "etcd", "server", "storage", "worker"),
    [
        (64, 2, 4, 4, 16),
        (32, 2, 4, 4, 16),
        (24, 2, 4, 4, 11),
        (16, 2, 4, 4, 3),
        (12, 1, 3, 2, 3),
        (11, 1, 2, 2, 3),
    ],
)
def test_memory_is_shared_by_importance(gib: int, etcd: int, server: int, storage: int, worker: int) -> None:
    layout = make_layout(home(), known(tower_a=sized(facts(), gib)))
    given = [memory_of(layout, f"{role}-a") for role in ROLES]
    assert given == [etcd, server, storage, worker]
    assert layout.hosts[0].alone.ok


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 16])
@pytest.mark.parametrize("unraid", [False, True])
def test_a_proposal_never_gives_what_is_not_there(threads: int, unraid: bool) -> None:
    for gib in range(3, 70):
        never_more_than_there_is(gib, threads, unraid)


def never_more_than_there_is(gib: int, threads: int, unraid: bool) -> None:
    found = sized(known()["tower-b"] if unraid else facts(), gib, threads)
    layout = make_layout(home(), known(tower_a=found))
    here = [one for one in layout.machines if one.host == "tower-a"]
    overhead = layout_data().guest_overhead * len(here)
    reserved = layout.hosts[0].reserved
    assert reserved is not None
    assert sum(one.memory for one in here) + overhead + reserved <= gib * GIB or not here
    assert sum(one.cpus for one in here if one.role in ("etcd", "server")) <= threads
    missing = {role for role in ROLES if role not in {one.role for one in here}}
    said = refusals(layout)
    assert all(
        f"a {role} machine" in said or f"a {role} beside" in said or role == "etcd" for role in missing
    ), said


def test_a_host_too_small_keeps_what_matters_most_and_says_what_does_not_fit() -> None:
    layout = make_layout(home(), known(tower_a=sized(facts(), 7)))
    assert [one.role for one in layout.machines if one.host == "tower-a"] == ["etcd", "server"]
    assert "no room for a worker machine of 1 GiB: tower-a has 7 GiB of memory, 5 GiB beside" in refusals(
        layout
    )
    assert {one.machine for one in layout.problems} == {"worker-a", "storage-a"}
    assert layout.hosts[0].alone.wont_start == ("metallb", "traefik", "redis", "mariadb", "nextcloud")
    assert not layout.fits


def test_two_processors_are_shared_by_etcd_and_the_server_and_that_is_said() -> None:
    layout = make_layout(home(), known(tower_a=sized(facts(), 32, 2)))
    given = {one.role: one.cpus for one in layout.machines if one.host == "tower-a"}
    assert (given["etcd"], given["server"]) == (1, 1)
    assert "The server machine gets 1 of the 2 processors" in everything(layout)
    assert layout.fits


def test_unknown_memory_is_not_guessed() -> None:
    layout = make_layout(home(), known(tower_a=facts(memory=Memory())))
    assert {one.host for one in layout.machines} == {"tower-b"}
    assert "How much memory tower-a has is not known" in refusals(layout)
    assert "etcd would have 2 voters" in refusals(layout)


def test_a_host_that_did_not_answer_gets_nothing_and_the_others_what_they_would() -> None:
    both, one = make_layout(home(), known()), make_layout(home(), {"tower-b": known()["tower-b"]})
    assert [m for m in both.machines if m.host == "tower-b"] == list(one.machines)
    assert not one.fits


def test_unknown_processors_are_warned_of() -> None:
    layout = make_layout(home(), known(tower_a=facts(cpu=Cpu())))
    assert "How many processors tower-a has is not known" in everything(layout)
    assert names(layout) == ROLE_NAMES


# --- members and hosts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "etcd", "servers"), [(2, 2, 2), (3, 2, 3), (4, 4, 4), (5, 4, 4), (12, 4, 4)]
)
def test_the_voters_are_odd_whatever_the_number_of_hypervisors(count: int, etcd: int, servers: int) -> None:
    spec = home(hosts=hypervisors(count), storage=StorageSpec("none"), apps=())
    found = {host.name: facts(host=host.name) for host in spec.hypervisors}
    layout = make_layout(spec, found)
    roles = [one.role for one in layout.machines]
    assert (roles.count("etcd"), roles.count("server"), roles.count("worker")) == (etcd, servers, count)
    assert layout.fits


def test_a_small_third_hypervisor_is_passed_over_for_etcd() -> None:
    spec = home(hosts=hypervisors(3), storage=StorageSpec("none"), apps=())
    found = {host.name: facts(host=host.name) for host in spec.hypervisors}
    found["tower-a"] = sized(found["tower-a"], 2)
    layout = make_layout(spec, found)
    assert [one.host for one in layout.machines if one.role == "etcd"] == ["tower-b", "tower-c"]


# --- disks ----------------------------------------------------------------------------------------------------


def with_hosts(**changes: Any) -> ClusterSpec:  # noqa: ANN401 - fields of many types
    spec = home()
    return replace(spec, hosts=(replace(spec.hosts[0], **changes), *spec.hosts[1:]))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"storage_disk": None},
            "names no storage_disk, and the device of its guests' folder is etcd's (sda",
        ),
        ({"storage_disk": "/dev/disk/by-id/ata-NOBODY_0001"}, "shows no disk that is"),
        ({"storage_disk": "/dev/sda"}, "is to hold volumes and etcd's data both"),
        (
            {"storage_disk": "/dev/nvme0n1", "etcd_dir": "/mnt/nvme"},
            "is to hold volumes and etcd's data both",
        ),
    ],
)
def test_a_storage_machine_without_a_device_of_its_own_is_left_out(
    changes: dict[str, Any], words: str
) -> None:
    from wizard.core.facts import Filesystem

    found = facts(
        filesystems=(*facts().filesystems, Filesystem("/mnt/nvme", size=10**12, disks=("nvme0n1",)))
    )
    layout = make_layout(with_hosts(**changes), known(tower_a=found))
    assert "storage-a" not in names(layout)
    assert words in refusals(layout)
    assert layout.hosts[0].alone.wont_start == ("mariadb", "nextcloud")


def test_an_empty_disk_is_recommended_where_none_is_named() -> None:
    layout = make_layout(with_hosts(storage_disk=None), known())
    assert "nvme0n1 (WD Red SN700 1000GB, serial 22301L800123) is empty: name it" in everything(layout)


def test_without_an_empty_disk_one_is_to_be_bought() -> None:
    only = facts(disks=facts().disks[:1])
    layout = make_layout(with_hosts(storage_disk=None), known(tower_a=only))
    assert "Add an SSD for volumes" in everything(layout)


@pytest.mark.parametrize("path", ["/dev/nvme0n1", "/dev/disk/by-id/nvme-WD_Red_SN700_1000GB_22301L800123"])
def test_a_named_disk_is_given_whole(path: str) -> None:
    layout = make_layout(with_hosts(storage_disk=path), known())
    found = next(one for one in layout.machines if one.name == "storage-a")
    assert found.data_disk == 1000204886016 // GIB * GIB


def test_a_small_named_disk_is_refused() -> None:
    small = facts(disks=(facts().disks[0], Disk("nvme0n1", size=8 * GIB)))
    layout = make_layout(home(), known(tower_a=small))
    assert "smaller than 20 GiB" in refusals(layout)


def test_a_file_on_another_device_than_etcds_will_do() -> None:
    from wizard.core.facts import Filesystem

    found = facts(filesystems=(*facts().filesystems, Filesystem("/mnt/ssd", size=10**12, disks=("nvme0n1",))))
    layout = make_layout(with_hosts(storage_disk=None, etcd_dir="/mnt/ssd/etcd"), known(tower_a=found))
    storage = next(one for one in layout.machines if one.name == "storage-a")
    assert storage.data_disk is not None
    assert 210 * GIB < storage.data_disk < 490 * 10**9


def test_system_disks_shrink_on_a_small_file_system() -> None:
    small = replace(facts().filesystems[0], size=200 * GIB, free=150 * GIB)
    layout = make_layout(home(), known(tower_a=facts(filesystems=(small,))))
    assert [one.disk // GIB for one in layout.machines if one.host == "tower-a"] == [8, 12, 8, 16]
    assert layout.fits


def test_a_full_file_system_is_warned_of_until_guests_are_there() -> None:
    full = facts(filesystems=(replace(facts().filesystems[0], free=20 * GIB),))
    assert "take up to 138 GiB, and /var/lib/libvirt/images has 20 GiB free" in everything(
        make_layout(home(), known(tower_a=full))
    )
    filled = replace(full, libvirt=Libvirt(guests=(Guest("etcd-a"),)))
    assert not make_layout(home(), known(tower_a=filled)).problems


def test_guests_behind_the_array_are_warned_of() -> None:
    layout = make_layout(with_hosts(vm_dir="/mnt/user/domains"), known())
    assert "/mnt/user/domains: slow, and it may be the parity array" in everything(layout)
    assert "array" not in everything(make_layout(with_hosts(vm_dir="/mnt/users/domains"), known()))


# --- survivor capacity and overcommit ---------------------------------------------------------------------------


def four(host: str, first: int, **changes: Any) -> tuple[Any, ...]:  # noqa: ANN401 - fields of many types
    worker = {"memory": 4 * GIB, **changes}
    return (
        machine(f"etcd-{host[-1]}", host, "etcd", first),
        machine(f"server-{host[-1]}", host, "server", first + 1),
        machine(f"storage-{host[-1]}", host, "storage", first + 2, data_disk=400 * GIB),
        machine(f"worker-{host[-1]}", host, "worker", first + 3, **worker),
    )


@pytest.mark.parametrize(
    ("memory", "missing"),
    [
        (4 * GIB, ()),
        (3 * GIB, ()),
        (2 * GIB, ("nextcloud",)),
        (3 * GIB // 2, ("mariadb", "nextcloud")),
        (GIB, ("metallb", "traefik", "redis", "mariadb", "nextcloud")),
    ],
)
def test_a_worker_alone_carries_what_fits(memory: int, missing: tuple[str, ...]) -> None:
    spec = home(machines=(*four("tower-a", 50, memory=memory), *four("tower-b", 60)))
    a, b = make_layout(spec, known()).hosts
    assert a.alone.wont_start == missing
    assert a.alone.ok is (not missing)
    assert b.alone.ok


def test_an_app_does_not_start_without_what_it_needs() -> None:
    """MariaDB's volume does not fit: Nextcloud has room and memory, and still cannot work."""
    apps = tuple(replace(app, size=600 * GIB) if app.name == "mariadb" else app for app in APPS)
    spec = home(machines=(*four("tower-a", 50), *four("tower-b", 60)), apps=apps)
    host = make_layout(spec, known()).hosts[0]
    assert host.alone.wont_start == ("mariadb", "nextcloud")
    assert "nextcloud needs what does not start." in host.alone.reasons


@pytest.mark.parametrize(("role", "missing"), [("etcd", "etcd"), ("server", "server")])
def test_a_hypervisor_without_control_plane_is_not_enough(role: str, missing: str) -> None:
    machines = [one for one in (*four("tower-a", 50), *four("tower-b", 60)) if one.name != f"{role}-a"]
    a, b = make_layout(home(machines=tuple(machines)), known()).hosts
    assert a.alone.wont_start == (missing,)
    assert b.alone.ok


def test_an_unknown_app_is_counted_with_the_assumption() -> None:
    apps = tuple(AppSpec(f"own-{n}") for n in range(12))
    spec = home(machines=(*four("tower-a", 50), *four("tower-b", 60)), apps=apps)
    missing = make_layout(spec, known()).hosts[0].alone.wont_start
    assert missing == ("own-11",)


@pytest.mark.parametrize(
    ("role", "changes", "level", "words"),
    [
        (
            "etcd",
            {"memory": 30 * GIB},
            "refused",
            "take 32.2 GiB of memory; tower-a has 32 GiB, of which 3.2 GiB",
        ),
        ("server", {"cpus": 11}, "refused", "are given 13 processors and tower-a has 12"),
        ("worker", {"memory": 25 * GIB}, "warning", "Shrink the worker or the storage machine by 2.7 GiB"),
    ],
)
def test_overcommit_is_refused_for_the_control_plane_and_shown_for_the_rest(
    role: str, changes: dict[str, Any], level: str, words: str
) -> None:
    machines = [
        replace(one, **changes) if one.name == f"{role}-a" else one
        for one in (*four("tower-a", 50), *four("tower-b", 60))
    ]
    layout = make_layout(home(machines=tuple(machines)), known())
    assert [one.level for one in layout.problems] == [level]
    assert words in everything(layout)
    assert layout.fits is (level == "warning")


@pytest.mark.parametrize(
    ("disk", "kind", "refused"),
    [
        ("/dev/nvme0n1", "longhorn", False),
        (None, "longhorn", True),
        ("/dev/sda", "longhorn", True),
        (None, "none", False),
    ],
)
def test_given_machines_must_not_put_volumes_on_etcds_device(
    disk: str | None, kind: Literal["longhorn", "none"], refused: bool
) -> None:
    spec = replace(
        with_hosts(storage_disk=disk),
        machines=(*four("tower-a", 50), *four("tower-b", 60)),
        storage=StorageSpec(kind),
    )
    layout = make_layout(spec, known())
    assert (
        "sda (Samsung SSD 870 EVO 500GB, serial S62ANJ0R123456) of tower-a holds" in refusals(layout)
    ) is refused
    assert layout.fits is not refused


def test_a_host_without_facts_is_said_not_to_be_known() -> None:
    spec = home(machines=(*four("tower-a", 50), *four("tower-b", 60)))
    layout = make_layout(spec, {"tower-a": facts()})
    assert "tower-b could not be asked" in everything(layout)
    assert layout.hosts[1].memory is None


def test_every_figure_has_a_source() -> None:
    data = layout_data()
    assert data.reserve_source
    assert data.storage_source
    assert all(one.source for one in data.roles.values())
    assert all(one.source for one in data.requests.values())


def test_nothing_is_known_of_an_empty_host() -> None:
    bare = {name: HostFacts(name) for name in ("tower-a", "tower-b")}
    layout = make_layout(home(), bare)
    assert not layout.machines
    assert not layout.fits


def test_unraid_keeps_more_for_itself() -> None:
    layout = make_layout(home(), known(tower_a=sized(facts(), 16), tower_b=sized(unraid_facts(), 16)))
    assert [host.reserved for host in layout.hosts] == [2 * GIB, 4 * GIB]


def test_hosts_of_a_spec_are_looked_up_by_name() -> None:
    spec = home(hosts=(HostSpec("x", "hypervisor", "10.0.0.11"), *home().hosts[1:]))
    assert {one.host for one in make_layout(spec, known()).machines} == {"tower-b"}
