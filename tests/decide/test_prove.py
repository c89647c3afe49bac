"""What each loss takes away, for how long, and which layouts are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.decide.homes import home, hypervisors, known, machine
from tests.facts.build import facts, pi_facts
from wizard.core.decide.layout import make_layout
from wizard.core.decide.prove import Loss, Proof, prove
from wizard.core.decide.prove_data import timer_sources
from wizard.core.decide.prove_services import Effect
from wizard.core.facts import (
    GIB,
    Container,
    Disk,
    Docker,
    Filesystem,
    Guest,
    HostFacts,
    Libvirt,
    Virtualisation,
    Volume,
)
from wizard.core.spec.model import (
    AppSpec,
    ClusterSpec,
    EtcdSpec,
    MachineSpec,
    StorageSpec,
    WaiverSpec,
)

TODAY = "2026-11-22"
SERVICES = [
    "etcd",
    "api",
    "vip",
    "dns",
    "load-balancer",
    "volume:mariadb",
    "volume:nextcloud",
    "app:metallb",
    "app:traefik",
    "app:redis",
    "app:mariadb",
    "app:nextcloud",
]


def proof(spec: ClusterSpec | None = None, **found: HostFacts) -> Proof:
    return prove(spec or home(), known(**found), TODAY)


def loss(found: Proof, *names: str) -> Loss:
    return next(one for one in found.losses if set(one.lost) == set(names))


def effect(found: Proof, service: str, *names: str) -> Effect:
    return next(one for one in loss(found, *names).effects if one.service == service)


def stopped(found: Proof, *names: str) -> set[str]:
    return {one.service for one in loss(found, *names).effects if not one.stays}


# --- the healthy homelab --------------------------------------------------------------------------------------


def test_every_service_is_judged_for_every_loss() -> None:
    for one in proof().losses:
        assert [effect.service for effect in one.effects] == SERVICES
        assert all(effect.why for effect in one.effects)
        assert all((effect.gap_seconds is None) is (not effect.stays) for effect in one.effects)


def test_no_single_loss_stops_anything_and_nothing_is_refused() -> None:
    found = proof()
    assert all(one.stays for loss in found.losses if len(loss.lost) == 1 for one in loss.effects)
    assert found.refused == ()
    assert found.accepted
    assert found.notes == ()


def test_what_can_be_lost() -> None:
    hosts = tuple(replace(host, circuit="left") for host in home().hosts)
    kinds: dict[str, list[str]] = {}
    for one in proof(home(hosts=hosts)).losses:
        kinds.setdefault(one.kind, []).append(", ".join(one.lost))
    assert kinds["host"] == ["tower-a", "tower-b", "pi"]
    assert len(kinds["machine"]) == 8
    assert "nvme0n1 of tower-a" in kinds["disk"]
    assert "mmcblk0 of pi" in kinds["disk"]
    assert kinds["network"] == ["network of tower-a", "network of tower-b", "network of pi"]
    assert kinds["circuit"] == ["circuit left"]
    assert kinds["array"] == ["array of tower-b"]
    carrying = 3 + 8 + 6 + 3 + 1 + 1 - 1  # every disk but the Pi's card, on which nothing of ours is
    assert len(kinds["pair"]) == carrying * (carrying - 1) // 2


@pytest.mark.parametrize(
    ("lost", "service", "gap"),
    [
        ("tower-a", "etcd", 5.0),
        ("tower-a", "api", 5.0),
        ("tower-a", "vip", 4),
        ("tower-a", "dns", 5),
        ("tower-a", "load-balancer", 10),
        ("tower-a", "volume:mariadb", 8),
        ("tower-a", "app:redis", 125.0),
        ("tower-a", "app:traefik", 10),
        ("pi", "etcd", 5.0),
        ("pi", "vip", 0),
        ("pi", "app:nextcloud", 0),
        ("server-a", "etcd", 0),
        ("server-a", "api", 4),
        ("storage-b", "volume:nextcloud", 8),
        ("storage-b", "app:nextcloud", 8),
        ("worker-b", "app:mariadb", 120),
        ("worker-b", "etcd", 0),
        ("array of tower-b", "dns", 5),
        ("network of tower-b", "dns", 5),
    ],
)
def test_gaps_come_from_the_timers(lost: str, service: str, gap: float) -> None:
    found = effect(proof(), service, lost)
    assert (found.stays, found.gap_seconds) == (True, gap)


def test_the_spec_own_election_time_goes_first() -> None:
    spec = home(etcd=EtcdSpec("3.6.14", 100, 1000))
    assert effect(proof(spec), "etcd", "pi").gap_seconds == 2


@pytest.mark.parametrize(
    ("lost", "gone"),
    [
        (("tower-a", "tower-b"), set(SERVICES)),
        (("tower-a", "pi"), {"etcd", "api", "app:redis", "app:mariadb", "app:nextcloud"}),
        (("etcd-a", "pi"), {"etcd", "api"}),
        (("server-a", "server-b"), {"api", "vip"}),
        (
            ("storage-a", "nvme0n1 of tower-b"),
            {"volume:mariadb", "volume:nextcloud", "app:mariadb", "app:nextcloud"},
        ),
        (
            ("worker-a", "worker-b"),
            {"load-balancer", "app:metallb", "app:traefik", "app:redis", "app:mariadb", "app:nextcloud"},
        ),
        (("worker-a", "storage-b"), set()),
        (
            ("network of tower-a", "network of pi"),
            {"etcd", "api", "app:redis", "app:mariadb", "app:nextcloud"},
        ),
    ],
)
def test_pairs(lost: tuple[str, str], gone: set[str]) -> None:
    assert stopped(proof(), *lost) == gone


def test_an_app_goes_on_without_the_api_while_its_worker_lives() -> None:
    found = effect(proof(), "app:redis", "etcd-a", "pi")
    assert found.stays
    assert "nothing can be moved meanwhile" in found.why


@pytest.mark.parametrize(
    ("service", "lost", "words"),
    [
        ("etcd", ("etcd-a", "pi"), "1 of 3 members are left, 2 are needed"),
        ("api", ("etcd-a", "pi"), "etcd has no majority"),
        ("vip", ("server-a", "server-b"), "no server is left"),
        ("app:redis", ("tower-a", "pi"), "without the API nothing is moved"),
        ("app:nextcloud", ("storage-a", "storage-b"), "app:mariadb stops"),
        ("app:mariadb", ("storage-a", "storage-b"), "all 2 copies may be on what is lost"),
        ("app:nextcloud", ("tower-a",), "it is moved to another worker"),
        (
            "app:nextcloud",
            ("storage-a",),
            "waits for app:mariadb: waits for volume:mariadb: 1 of 2 copies is left",
        ),
    ],
)
def test_reasons(service: str, lost: tuple[str, ...], words: str) -> None:
    assert words in effect(proof(), service, *lost).why


def test_the_smallest_cuts_are_told_once() -> None:
    cuts = proof().cuts
    assert {frozenset(one) for one in cuts["etcd"]} == {
        frozenset(pair) for pair in (("etcd-a", "etcd-b"), ("pi", "etcd-a"), ("pi", "etcd-b"))
    }
    assert {frozenset(one) for one in cuts["vip"]} == {frozenset(("server-a", "server-b"))}


# --- disks ----------------------------------------------------------------------------------------------------


def test_a_disk_takes_what_lies_on_it() -> None:
    found = proof()
    assert stopped(found, "nvme0n1 of tower-a", "nvme0n1 of tower-b") == stopped(
        found, "storage-a", "storage-b"
    )
    assert stopped(found, "sda of tower-a", "sda of tower-b") == set(SERVICES)


def on_usb(**changes: Any) -> HostFacts:  # noqa: ANN401 - fields of many types
    spaces = (
        Filesystem("/", size=60 * 10**9, disks=("mmcblk0",)),
        Filesystem("/mnt/ssd", size=10**12, disks=("sda",)),
    )
    return pi_facts(filesystems=spaces, **changes)


def test_the_witness_and_its_disks() -> None:
    """Its data on the SSD, its system on the card: either stops the member."""
    spec = home()
    spec = replace(spec, hosts=(*spec.hosts[:2], replace(spec.hosts[2], etcd_dir="/mnt/ssd/etcd")))
    found = proof(spec, pi=on_usb())
    for disk in ("sda of pi", "mmcblk0 of pi"):
        assert effect(found, "etcd", disk).why == "2 of 3 members are left, 2 are a majority"
        assert not effect(found, "etcd", disk, "etcd-a").stays


def mirrored(kind: str) -> HostFacts:
    disks = tuple(
        Disk(name, serial=name * 4, size=10**12, volumes=(Volume("md0", kind, mounts=("/",)),))
        for name in ("sda", "sdb")
    )
    return facts(
        disks=(*disks, facts().disks[1]), filesystems=(Filesystem("/", size=10**12, disks=("sda", "sdb")),)
    )


def test_one_half_of_a_mirror_takes_nothing_and_of_a_stripe_everything() -> None:
    spec = home()
    whole = proof(spec, tower_a=mirrored("raid1"))
    assert all(one.gap_seconds == 0 for one in loss(whole, "sda of tower-a").effects)
    assert not any("work together" in note for note in whole.notes)
    stripe = proof(spec, tower_a=mirrored("raid0"))
    assert loss(stripe, "sda of tower-a").effects == loss(stripe, "tower-a").effects
    assert any("sda, sdb of tower-a work together" in note for note in stripe.notes)


def test_disks_of_a_host_that_did_not_answer_are_named_as_not_known() -> None:
    spec = home(machines=make_layout(home(), known()).machines)
    found = prove(spec, {name: one for name, one in known().items() if name != "tower-b"}, TODAY)
    assert "tower-b could not be asked: what its disks take down is not known." in found.notes
    assert not any("of tower-b" in one.lost[0] for one in found.losses if one.kind == "disk")
    assert loss(found, "tower-b").effects


# --- weaker homelabs ------------------------------------------------------------------------------------------


def given(*machines: MachineSpec, **changes: Any) -> ClusterSpec:  # noqa: ANN401
    return home(machines=machines, **changes)


def pair(role: Any, first: int, **changes: Any) -> tuple[MachineSpec, ...]:  # noqa: ANN401
    return tuple(machine(f"{role}-{x}", f"tower-{x}", role, first + i, **changes) for i, x in enumerate("ab"))


def test_one_server_is_a_single_point() -> None:
    spec = given(*pair("etcd", 50), machine("server-a", "tower-a", "server", 52), *pair("worker", 54))
    assert {"api", "vip"} <= stopped(proof(spec), "server-a")
    assert effect(proof(spec), "vip", "server-a").why == "the only server is lost"


def test_what_is_missing_from_the_start_is_told() -> None:
    healthy = {one.service: one for one in proof(given(*pair("etcd", 50), *pair("server", 52))).healthy}
    assert not healthy["app:redis"].stays
    assert healthy["app:redis"].why == "no machine has the role worker"
    assert healthy["volume:mariadb"].why == "no machine has the role storage"
    assert healthy["etcd"].stays


def test_small_workers_cannot_take_over() -> None:
    small = pair("worker", 56, memory=5 * GIB // 2)
    spec = given(*pair("etcd", 50), *pair("server", 52), *pair("storage", 54), *small)
    found = effect(proof(spec), "app:nextcloud", "worker-a")
    assert (found.stays, found.why) == (False, "the workers that are left have no room for it")


def test_a_circuit_takes_all_its_hosts() -> None:
    hosts = home().hosts
    together = (hosts[0], replace(hosts[1], circuit="fuse 1"), replace(hosts[2], circuit="fuse 1"))
    found = proof(home(hosts=together))
    assert loss(found, "circuit fuse 1").effects == loss(found, "tower-b", "pi").effects
    apart = (replace(hosts[0], circuit="fuse 2"), *together[1:])
    assert loss(proof(home(hosts=apart)), "circuit fuse 2").effects == loss(found, "tower-a").effects


def test_with_three_hypervisors_two_copies_may_be_on_any_two() -> None:
    hosts = hypervisors(3)
    stores = [machine(f"storage-{x}", f"tower-{x}", "storage", 60 + i) for i, x in enumerate("abc")]
    found = prove(home(hosts=hosts, machines=(*pair("etcd", 50), *stores)), {}, TODAY)
    assert effect(found, "volume:mariadb", "storage-a").stays
    assert not effect(found, "volume:mariadb", "storage-a", "storage-c").stays


@pytest.mark.parametrize("kind", ["existing", "none"])
def test_volumes_that_are_not_ours_are_not_judged(kind: Any) -> None:  # noqa: ANN401
    spec = home(storage=StorageSpec(kind), apps=(AppSpec("redis"), AppSpec("mariadb", size=GIB)))
    found = proof(spec)
    assert not any(one.service.startswith("volume:") for one in found.healthy)
    assert any("not judged" in note for note in found.notes) is (kind == "existing")


# --- what is refused ------------------------------------------------------------------------------------------


def rules(found: Proof) -> list[str]:
    return [one.rule for one in found.refused]


def test_two_voters_on_one_hypervisor() -> None:
    spec = given(
        machine("etcd-a", "tower-a", "etcd", 50),
        machine("etcd-b", "tower-a", "etcd", 51),
        *pair("storage", 54),
    )
    found = proof(spec)
    assert rules(found) == ["two-voters-on-one-hypervisor"]
    assert "etcd-a and etcd-b are etcd members on one machine, tower-a" in found.refused[0].text
    assert not effect(found, "etcd", "tower-a").stays


@pytest.mark.parametrize(("count", "refused"), [(1, True), (2, False), (3, True), (4, False)])
def test_an_even_number_of_members(count: int, refused: bool) -> None:
    hosts = hypervisors(4)
    members = [machine(f"etcd-{x}", f"tower-{x}", "etcd", 50 + i) for i, x in enumerate("abcd"[:count])]
    found = prove(home(hosts=hosts, machines=tuple(members), apps=()), {}, TODAY)
    assert ("even-number-of-members" in rules(found)) is refused


@pytest.mark.parametrize(
    ("hosts", "replicas", "refused"),
    [("ab", 2, False), ("aa", 2, True), ("a", 2, True), ("aa", 1, False), ("ab", 3, True), ("", 2, False)],
)
def test_copies_in_one_zone(hosts: str, replicas: int, refused: bool) -> None:
    stores = [machine(f"storage-{i}", f"tower-{x}", "storage", 60 + i) for i, x in enumerate(hosts)]
    spec = given(*pair("etcd", 50), *stores, storage=StorageSpec(replicas=replicas))
    assert ("replicas-in-one-zone" in rules(proof(spec))) is refused
    without = replace(spec, apps=(AppSpec("redis"),))
    assert "replicas-in-one-zone" not in rules(proof(without))


def test_both_name_servers_on_one_host() -> None:
    """Two names of the spec that are one and the same machine."""
    twin = facts(host="tower-b", platform="libvirt")
    assert twin.machine_id == known()["tower-a"].machine_id
    found = proof(tower_b=twin)
    assert rules(found) == [
        "two-voters-on-one-hypervisor",
        "replicas-in-one-zone",
        "name-servers-on-one-host",
    ]
    assert stopped(found, "tower-a") == set(SERVICES) or stopped(found, "tower-b") == set(SERVICES)


def test_a_copied_machine_id_is_not_the_same_machine() -> None:
    assert proof(tower_b=facts(host="tower-b", boot_id="another")).refused == ()


def one_hypervisor() -> ClusterSpec:
    return home(
        hosts=(home().hosts[0], home().hosts[2]), machines=(machine("etcd-a", "tower-a", "etcd", 50),)
    )


def test_one_hypervisor_has_one_name_server() -> None:
    assert "name-servers-on-one-host" in rules(proof(one_hypervisor()))


INSIDE_KVM = Virtualisation("kvm")
WITH_PI = Libvirt(True, True, True, guests=(Guest("pi", "running"),))


@pytest.mark.parametrize(
    ("witness", "outer", "refused"),
    [
        (pi_facts(virtualisation=INSIDE_KVM), facts(libvirt=WITH_PI), True),
        (pi_facts(hostname="raspi", virtualisation=INSIDE_KVM), facts(libvirt=WITH_PI), True),
        (pi_facts(virtualisation=INSIDE_KVM), facts(), False),
        (pi_facts(), facts(libvirt=WITH_PI), False),
        (
            pi_facts(virtualisation=Virtualisation("docker", container=True)),
            facts(docker=Docker(True, True, True, containers=(Container("pi"),))),
            True,
        ),
        (
            pi_facts(virtualisation=Virtualisation("docker", container=True), boot_id="boot-a"),
            facts(),
            True,
        ),
        (
            pi_facts(virtualisation=Virtualisation("docker", container=True), boot_id="boot-a"),
            facts(virtualisation=Virtualisation("docker", container=True)),
            False,
        ),
    ],
    ids=["guest", "by-name", "elsewhere", "bare-metal", "container", "same-kernel", "lab"],
)
def test_a_witness_on_a_hypervisor(witness: HostFacts, outer: HostFacts, refused: bool) -> None:
    found = proof(pi=witness, tower_a=outer)
    assert ("witness-on-a-hypervisor" in rules(found)) is refused
    assert effect(found, "etcd", "tower-a").stays is not refused


def test_a_witness_in_a_machine_we_do_not_know_is_noted() -> None:
    found = proof(pi=pi_facts(virtualisation=INSIDE_KVM))
    assert found.refused == ()
    assert "The witness pi is a virtual machine (kvm): on which machine it runs is not known." in found.notes


# --- overrides ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "until", "accepted"),
    [
        ("prove.replicas-in-one-zone", "2026-11-22", True),
        ("prove.replicas-in-one-zone", "2026-11-21", False),
        ("prove.two-voters-on-one-hypervisor", "2027-01-01", False),
    ],
)
def test_an_override_is_a_waiver_that_names_the_rule_and_stays_visible(
    check: str, until: str, accepted: bool
) -> None:
    one_zone = (
        machine("storage-a", "tower-a", "storage", 60),
        machine("storage-b", "tower-a", "storage", 61),
    )
    waiver = WaiverSpec(check, "the second SSD is ordered", until)
    found = proof(given(*pair("etcd", 50), *one_zone, waivers=(waiver,)))
    assert rules(found) == ["replicas-in-one-zone"]
    assert found.accepted is accepted
    assert found.refused[0].overridden == ("the second SSD is ordered" if accepted else "")
    assert "check: prove.replicas-in-one-zone" in found.refused[0].override


@pytest.mark.parametrize("rule", ["two-voters-on-one-hypervisor", "even-number-of-members"])
def test_a_waiver_turns_the_error_of_check_into_a_warning(rule: str) -> None:
    machines = {
        "two-voters-on-one-hypervisor": (
            machine("etcd-a", "tower-a", "etcd", 50),
            machine("etcd-b", "tower-a", "etcd", 51),
        ),
        "even-number-of-members": (*pair("etcd", 50), machine("etcd-c", "tower-c", "etcd", 53)),
    }[rule]
    spec = home(machines=(*machines, *pair("server", 60)), hosts=hypervisors(3))
    levels = [one.level for one in spec.problems() if "etcd" in one.text]
    assert levels == ["error"]
    waived = replace(spec, waivers=(WaiverSpec(f"prove.{rule}", "a trial", "2027-01-01"),))
    assert [one.level for one in waived.problems() if "etcd" in one.text] == ["warning"]


def test_every_timer_has_a_source() -> None:
    assert len(timer_sources()) == 8
    assert all(timer_sources().values())


def test_without_facts_and_machines_there_is_only_the_witness() -> None:
    found = prove(home(), {}, TODAY)
    healthy = {one.service: one for one in found.healthy}
    assert not healthy["api"].stays
    assert healthy["etcd"].why == "the only member"
    assert [one.name for one in home().hosts] == [one.lost[0] for one in found.losses if one.kind == "host"]
