"""What the answers on the wire mean: each verdict both ways."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest

from tests.decide.homes import home, known, machine
from wizard.core.decide.addresses import PlannedAddress, planned_addresses
from wizard.core.decide.layout import make_layout
from wizard.core.decide.vendors import vendor, vrrp_group
from wizard.core.decide.wire import (
    ArpProbe,
    DhcpProbe,
    Offer,
    Router,
    VrrpProbe,
    Wire,
    askable,
    lan_nic,
    own_addresses,
)
from wizard.core.decide.wire_addresses import address_problems, judge_addresses
from wizard.core.decide.wire_kept import last_wire, measurements_of
from wizard.core.decide.wire_offers import free_group, group_problems, offer_problems, taken_groups
from wizard.core.decide.wire_owners import Owners, owners
from wizard.core.decide.wire_verdict import groups, with_wire
from wizard.core.facts import Nic
from wizard.core.measurements import Measurement, MemoryMeasurements

GATEWAY, TOWER_A, TOWER_B, PI = "10.0.0.1", "10.0.0.11", "10.0.0.12", "10.0.0.13"
ETCD_A, SERVER_A, SERVER_B, VIP = "10.0.0.51", "10.0.0.61", "10.0.0.62", "10.0.0.10"
MAC_A, MAC_B, MAC_PI = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
MAC_SA, MAC_SB = "52:54:00:00:00:61", "52:54:00:00:00:62"
FOREIGN, ROUTER = "b8:27:eb:00:00:07", "74:83:c2:00:00:01"
TOWERS = ("tower-a", "tower-b")

MACHINES = (
    machine("etcd-a", "tower-a", "etcd", 51),
    machine("server-a", "tower-a", "server", 61),
    machine("server-b", "tower-b", "server", 62),
)
SPEC = home(machines=MACHINES)
OWNERS = Owners(
    {MAC_A: "tower-a", MAC_B: "tower-b", MAC_PI: "pi", MAC_SA: "server-a", MAC_SB: "server-b"},
    frozenset(),
    {one.name: one.role for one in MACHINES},
)
Answers = Iterable[tuple[str, str]]


def probe(host: str, answers: Answers, asked: Iterable[str], why: str = "") -> ArpProbe:
    own = TOWER_A if host == "tower-a" else TOWER_B
    return ArpProbe(host, 100.0, "arping (iputils)", (own,), tuple(asked), tuple(answers), why)


def judged(
    address: str,
    used_for: str,
    a: Answers = (),
    b: Answers = (),
    *,
    owned: Owners = OWNERS,
    probes: tuple[ArpProbe, ...] | None = None,
) -> PlannedAddress:
    seen = (probe("tower-a", a, [address]), probe("tower-b", b, [address])) if probes is None else probes
    return judge_addresses([PlannedAddress(address, used_for)], seen, TOWERS, owned)[0]


# --- who answers


@pytest.mark.parametrize(
    ("address", "used_for", "a", "b", "by"),
    [
        (TOWER_B, "tower-b", [MAC_B], [], "tower-b"),
        (PI, "pi", [MAC_PI], [MAC_PI], "pi"),
        (SERVER_A, "server-a", [], [MAC_SA], "server-a"),
        (VIP, "api_vip", [MAC_SB], [MAC_SB], "server-b"),
        ("10.0.0.245", "load_balancer", [MAC_SA], [MAC_SA], "server-a"),
        (GATEWAY, "gateway", [ROUTER], [ROUTER], "Ubiquiti"),
    ],
)
def test_our_own_answers_are_no_conflict(
    address: str, used_for: str, a: list[str], b: list[str], by: str
) -> None:
    one = judged(address, used_for, [(address, mac) for mac in a], [(address, mac) for mac in b])
    assert (one.probe, one.by, one.conflict, one.why) == ("used", by, "", "")


@pytest.mark.parametrize(
    ("address", "used_for", "a", "b", "says"),
    [
        (VIP, "api_vip", [FOREIGN], [FOREIGN], f"{FOREIGN} (Raspberry Pi), heard by tower-a and tower-b."),
        (VIP, "api_vip", [FOREIGN], [], f"{FOREIGN} (Raspberry Pi), heard by tower-a."),
        (
            VIP,
            "api_vip",
            [MAC_SA],
            [FOREIGN],
            f"{FOREIGN} (Raspberry Pi), heard by tower-b and by our server-a.",
        ),
        (VIP, "api_vip", [MAC_SA], [MAC_SB], "is held by server-a and server-b at the same time"),
        (VIP, "api_vip", [MAC_PI], [MAC_PI], "is answered by our pi"),
        (VIP, "api_vip", ["00:00:5e:00:01:33"], [], "00:00:5e:00:01:33 (VRRP)"),
        (ETCD_A, "etcd-a", [FOREIGN], [FOREIGN], "10.0.0.51 (etcd-a) is answered by b8:27:eb:00:00:07"),
        (ETCD_A, "etcd-a", [MAC_SB], [MAC_SB], "(etcd-a) is answered by our server-b"),
        (
            TOWER_B,
            "tower-b",
            [FOREIGN],
            [],
            f"{FOREIGN} (Raspberry Pi), heard by tower-a and by our tower-b.",
        ),
        (TOWER_B, "tower-b", [MAC_B, FOREIGN], [], "and by our tower-b"),
        ("10.0.0.245", "load_balancer", [FOREIGN], [], "(load_balancer) is answered by"),
        (
            GATEWAY,
            "gateway",
            [ROUTER, FOREIGN],
            [ROUTER],
            f"{ROUTER} (Ubiquiti), heard by tower-a and tower-b",
        ),
        (GATEWAY, "gateway", [ROUTER], [FOREIGN], f" and by {FOREIGN}"),
        (GATEWAY, "gateway", [MAC_PI], [MAC_PI], "is answered by our pi"),
    ],
)
def test_others_and_doubles_are_conflicts_with_their_names(
    address: str, used_for: str, a: list[str], b: list[str], says: str
) -> None:
    one = judged(address, used_for, [(address, mac) for mac in a], [(address, mac) for mac in b])
    assert one.probe == "used"
    assert says in one.conflict
    (problem,) = address_problems([one])
    assert problem.level == "refused"
    assert problem.text == one.conflict
    assert "MAC" in problem.do


def test_free_is_what_every_hypervisor_asked_for_in_vain() -> None:
    assert judged(VIP, "api_vip").probe == "free"


@pytest.mark.parametrize(
    ("probes", "why"),
    [
        ((), "tower-a was not asked yet; tower-b was not asked yet"),
        ((probe("tower-a", [], [VIP]),), "tower-b was not asked yet"),
        (
            (probe("tower-a", [], [VIP]), ArpProbe("tower-b", 1.0, why="no arping there")),
            "tower-b: no arping there",
        ),
        (
            (probe("tower-a", [], [VIP]), probe("tower-b", [], [])),
            "tower-b: not asked when the wire was measured last",
        ),
    ],
)
def test_silence_that_one_of_them_cannot_vouch_for_is_no_pass(probes: tuple[ArpProbe, ...], why: str) -> None:
    one = judged(VIP, "api_vip", probes=probes)
    assert (one.probe, one.why) == ("not-checked", why)
    assert list(address_problems([one])) == []


def test_an_answer_counts_though_the_other_could_not_ask() -> None:
    one = judged(VIP, "api_vip", probes=(probe("tower-a", [(VIP, FOREIGN)], [VIP]),))
    assert one.probe == "used" and one.conflict


def test_what_answers_for_a_host_we_cannot_ask_may_be_that_host() -> None:
    owned = replace(OWNERS, macs={MAC_A: "tower-a"}, unknown=frozenset({"pi"}))
    assert judged(PI, "pi", [(PI, FOREIGN)], [(PI, FOREIGN)], owned=owned).conflict == ""
    assert judged(PI, "pi", [(PI, FOREIGN)], [(PI, MAC_PI)], owned=owned).conflict
    assert judged(VIP, "api_vip", [(VIP, FOREIGN)], owned=owned).conflict


def test_the_rest_of_a_long_range_is_not_checked() -> None:
    one = judged("10.0.1.0-10.0.1.255", "load_balancer")
    assert (one.probe, one.why) == ("not-checked", "only the first addresses of a long range are asked")


def test_a_gateway_that_nobody_hears_is_a_warning() -> None:
    (problem,) = address_problems([judged(GATEWAY, "gateway")])
    assert (problem.level, "network.gateway" in problem.do) == ("warning", True)


# --- whose card


def test_owners_are_hosts_by_every_card_and_guests_that_were_made() -> None:
    facts = known()
    facts["tower-a"] = replace(
        facts["tower-a"], nics=(Nic("br0", mac=MAC_A.upper()), Nic("lo", mac="00:00:00:00:00:00"))
    )
    del facts["pi"]
    found = owners(SPEC, facts, MACHINES, {"server-a": MAC_SA.upper()})
    assert (found.name(MAC_A), found.name(MAC_SA), found.name("00:00:00:00:00:00")) == (
        "tower-a",
        "server-a",
        "",
    )
    assert found.unknown == {"pi"}
    assert owners(SPEC, {}, MACHINES, {"server-a": MAC_SA}).unknown == {
        *("tower-a", "tower-b", "pi"), *("etcd-a", "server-b"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mac", "who"),
    [
        ("52:54:00:aa:bb:cc", "QEMU/KVM"),
        ("02:42:0a:00:00:01", "Docker"),
        ("b8:27:eb:01:02:03", "Raspberry Pi"),
        ("00:11:32:01:02:03", "Synology"),
        ("00:00:5e:00:01:33", "VRRP"),
        ("06:01:02:03:04:05", "locally administered"),
        ("00:01:02:03:04:05", ""),
    ],
)
def test_vendors(mac: str, who: str) -> None:
    assert vendor(mac) == who


def test_groups_of_virtual_macs() -> None:
    assert vrrp_group("00:00:5e:00:01:33") == 51
    assert vrrp_group("00:00:5e:00:02:33") is None


# --- where and what is asked


@pytest.mark.parametrize(
    ("nics", "name"),
    [
        ((Nic("br0", addresses=("10.0.0.11/24",)), Nic("lo", addresses=("127.0.0.1/8",))), "br0"),
        (
            (Nic("eth1", addresses=("10.0.0.99/24",)), Nic("br0", addresses=("fe80::1/64", "10.0.0.11/24"))),
            "br0",
        ),
        ((Nic("eth1", addresses=("10.0.0.99/24",)), Nic("eth0", addresses=("192.168.7.1/24",))), "eth1"),
        ((Nic("eth0", addresses=("192.168.7.1/24",)), Nic("eth1")), None),
    ],
)
def test_the_interface_that_carries_the_lan(nics: tuple[Nic, ...], name: str | None) -> None:
    facts = replace(known()["tower-a"], nics=nics)
    found = lan_nic(SPEC, facts)
    assert (found.name if found else None) == name
    assert all(":" not in one for one in own_addresses(facts))


def test_only_addresses_of_the_lan_are_asked_for() -> None:
    wanted = [VIP, "192.168.1.1", VIP, "10.0.0.30-10.0.0.40", ETCD_A, "8.8.8.8"]
    assert list(askable(SPEC, wanted)) == [VIP, ETCD_A]
    plan = [one.address for one in planned_addresses(SPEC, MACHINES)]
    assert list(askable(SPEC, plan)) == plan
    assert plan[0] == GATEWAY


# --- offers


@pytest.mark.parametrize(
    ("offer", "level", "says", "do"),
    [
        ("10.0.0.150", None, "", ""),
        ("10.0.0.11", None, "", ""),
        (
            "10.0.0.245",
            "refused",
            "in network.load_balancer (10.0.0.240-10.0.0.250)",
            "set the range to 10.0.0.100-10.0.0.",
        ),
        (
            VIP,
            "refused",
            "which is the address of the Kubernetes API (network.api_vip)",
            "10.0.0.100-10.0.0.",
        ),
        (ETCD_A, "refused", "which is the address of etcd-a", "give etcd-a another address"),
        (TOWER_B, "refused", "which is the address of tower-b", "give tower-b another address"),
        ("10.0.0.90", "warning", "outside of network.dhcp (10.0.0.100-", "wizard check"),
        ("192.168.7.9", "warning", "not in 10.0.0.0/24", "switch it off"),
    ],
)
def test_offers(offer: str, level: str | None, says: str, do: str) -> None:
    heard = DhcpProbe("tower-a", 1.0, "dhcpcd", (Offer(offer, GATEWAY, GATEWAY),))
    found = list(offer_problems(SPEC, MACHINES, [heard]))
    assert [one.level for one in found] == ([level] if level else [])
    for one in found:
        assert says in one.text
        assert one.text.startswith(f"The DHCP server {GATEWAY} offered tower-a {offer}, which is")
        assert do in one.do


def test_two_servers_are_named() -> None:
    heard = [
        DhcpProbe("tower-a", 1.0, "dhcpcd", (Offer("10.0.0.150", GATEWAY),)),
        DhcpProbe("tower-b", 1.0, "dhcpcd", (Offer("10.0.0.151", "10.0.0.99"),)),
    ]
    (problem,) = offer_problems(SPEC, MACHINES, heard)
    assert (problem.level, problem.text) == (
        "warning",
        "There are 2 DHCP servers on the LAN: 10.0.0.1, 10.0.0.99.",
    )
    assert list(offer_problems(SPEC, MACHINES, heard[:1])) == []


# --- VRRP


def spoken(*routers: Router, answers: Answers = ()) -> Wire:
    return Wire((probe("tower-a", answers, []),), (), (VrrpProbe("tower-a", 1.0, "tcpdump", routers),))


@pytest.mark.parametrize(
    ("wire", "taken", "ours"),
    [
        (Wire(), set(), 51),
        (spoken(), set(), 51),
        (spoken(Router(51, "10.0.0.2")), {51}, 52),
        (spoken(Router(51, SERVER_A)), set(), 51),
        (spoken(Router(52, "10.0.0.2")), {52}, 51),
        (spoken(Router(51, "10.0.0.2"), answers=[(GATEWAY, "00:00:5e:00:01:34")]), {51, 52}, 53),
    ],
)
def test_ids_that_are_taken_are_avoided(wire: Wire, taken: set[int], ours: int) -> None:
    assert taken_groups(wire, [SERVER_A]) == taken
    found = groups(SPEC, MACHINES, wire)
    assert (set(found.taken), found.ours) == (taken, ours)


def test_the_last_id_that_is_left_is_found_and_none_is_said() -> None:
    assert free_group(set(range(1, 256)) - {7}) == 7
    assert free_group(range(51, 256)) == 1
    with pytest.raises(ValueError, match="every VRRP id"):
        free_group(range(1, 256))


def test_two_leaders_of_one_group_are_a_warning() -> None:
    wire = spoken(Router(51, "10.0.0.2", 100), Router(51, "10.0.0.3", 100), Router(60, "10.0.0.2"))
    (problem,) = group_problems(wire, [])
    assert problem.text == "VRRP id 51 is led by 10.0.0.2 and 10.0.0.3 at the same time."
    assert "ours takes 52" in problem.do
    assert list(group_problems(spoken(Router(51, "10.0.0.2"), Router(51, SERVER_A)), [SERVER_A])) == []


# --- the whole


def test_the_layout_is_refused_for_what_the_wire_says() -> None:
    layout = make_layout(SPEC, known())
    asked = [one.address for one in layout.addresses]
    quiet = Wire((probe("tower-a", [(GATEWAY, ROUTER)], asked), probe("tower-b", [(GATEWAY, ROUTER)], asked)))
    clean = with_wire(layout, SPEC, quiet, OWNERS)
    assert clean.problems == layout.problems
    assert {one.probe for one in clean.addresses} == {"free", "used"}
    loud = replace(quiet, arp=(probe("tower-a", [(VIP, FOREIGN)], asked), quiet.arp[1]))
    refused = with_wire(layout, SPEC, loud, OWNERS)
    assert not refused.fits
    assert [one.machine for one in refused.problems if one not in layout.problems] == ["api_vip"]
    assert with_wire(layout, SPEC, Wire(), OWNERS).addresses[0].probe == "not-checked"


# --- kept


WIRE = Wire(
    (probe("tower-a", [(VIP, FOREIGN)], [VIP, GATEWAY]), ArpProbe("tower-b", 2.0, why="away")),
    (
        DhcpProbe("tower-a", 1.0, "dhcpcd", (Offer("10.0.0.150", GATEWAY, GATEWAY),)),
        DhcpProbe("tower-b", 1.0),
    ),
    (VrrpProbe("tower-a", 1.0, "tcpdump", (Router(51, "10.0.0.2", 100), Router(52, "fe80::1"))),),
)


def test_what_was_heard_is_kept_and_read_back() -> None:
    memory = MemoryMeasurements()
    through = [replace(one, data=json.loads(json.dumps(one.data))) for one in measurements_of(WIRE)]
    memory.keep(through)
    assert last_wire(memory, TOWERS) == WIRE
    assert last_wire(MemoryMeasurements(), TOWERS) == Wire()


@pytest.mark.parametrize(
    "data", [{}, {"tool": "x"}, {"tool": 7, "offers": [], "why": ""}, {"tool": "", "offers": 5}]
)
def test_a_measurement_of_another_shape_counts_as_none(data: dict[str, object]) -> None:
    memory = MemoryMeasurements()
    memory.keep([Measurement(kind, "tower-a", 1.0, data) for kind in ("wire-arp", "wire-dhcp", "wire-vrrp")])
    assert last_wire(memory, TOWERS) == Wire()
