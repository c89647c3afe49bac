"""What `read/wire` says, taken apart: as real hosts said it, and as it goes wrong."""

from __future__ import annotations

import pytest

from steps.parse import wire
from tests.recordings.recording import load_all
from tests.recordings.wire_cases import NOBODY, OURS, STRANGER
from wizard.core.decide.wire import Offer, Router

RECORDINGS = load_all()
ASKED = (OURS, STRANGER, NOBODY)
MAC = "02:42:c6:33:64:14"


def text_of(case: str, host: str) -> str:
    return RECORDINGS[f"read-wire/{case}.{host}"].said.stdout


def answer(*lines: str) -> str:
    return "\n".join(["== wire", "|nic=1", *lines, "== end", ""])


@pytest.mark.parametrize("host", ["tower-a", "tower-b"])
def test_what_real_hosts_said(host: str) -> None:
    text = text_of("answered", host)
    assert wire.whole(text) and wire.has_nic(text)
    arp = wire.arp_probe(text, host, 1.0, ASKED, [OURS])
    assert (arp.tool, arp.answers, set(arp.asked)) == ("arping (iputils)", ((STRANGER, MAC),), set(ASKED))
    dhcp = wire.dhcp_probe(text, host, 1.0)
    assert (dhcp.tool, dhcp.why, len(dhcp.offers)) == ("dhcpcd", "", 1)
    assert dhcp.offers[0].server == STRANGER
    assert dhcp.offers[0].address.startswith("198.51.100.20")
    vrrp = wire.vrrp_probe(text, host, 1.0)
    if host == "tower-a":
        assert vrrp.routers == (Router(77, STRANGER, 100),)
    else:
        assert vrrp.why == wire.NO_VRRP


@pytest.mark.parametrize("host", ["tower-a", "tower-b"])
def test_a_silent_wire_is_known_to_be_silent(host: str) -> None:
    text = text_of("silent", host)
    arp = wire.arp_probe(text, host, 1.0, ASKED, [OURS])
    assert (arp.answers, set(arp.asked)) == ((), set(ASKED))
    dhcp = wire.dhcp_probe(text, host, 1.0)
    assert (dhcp.offers, dhcp.why) == ((), "")


@pytest.mark.parametrize("host", ["tower-a", "tower-b"])
def test_the_kernel_vouches_for_what_it_asked_only(host: str) -> None:
    arp = wire.arp_probe(text_of("kernel", host), host, 1.0, ASKED, [OURS])
    assert (arp.tool, arp.answers) == ("ping, ip neigh", ((STRANGER, MAC),))
    assert set(arp.asked) == {STRANGER, NOBODY}
    old = answer("== arp", "|tool=ping, ip neigh", f"|old={STRANGER} {MAC}", f"|silent={NOBODY}")
    arp = wire.arp_probe(old, host, 1.0, ASKED, [OURS])
    assert (arp.answers, arp.asked) == ((), (NOBODY,))
    assert "old answer" in arp.why


@pytest.mark.parametrize("host", ["tower-a", "tower-b"])
def test_without_tools_nothing_is_known_and_it_is_said(host: str) -> None:
    text = text_of("no-tools", host)
    arp = wire.arp_probe(text, host, 1.0, ASKED, [OURS])
    assert (arp.tool, arp.asked, arp.own, arp.why) == ("", (), (OURS,), wire.NO_ARP)
    assert wire.dhcp_probe(text, host, 1.0).why == wire.NO_DHCP
    assert wire.vrrp_probe(text, host, 1.0).why == wire.NO_VRRP


def test_an_interface_that_is_not_there() -> None:
    text = text_of("no-nic", "tower-a")
    assert wire.whole(text) and not wire.has_nic(text)
    assert not wire.whole(text.replace("== end", ""))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["|asked=2"], "arping did not say that it asked"),
        ([], "arping did not say that it asked"),
        (
            ["|said=arping: socket: Operation not permitted", "|asked=0"],
            "arping: socket: Operation not permitted",
        ),
    ],
)
def test_an_arping_that_did_not_ask_for_all_proves_nothing(lines: list[str], why: str) -> None:
    text = answer("== arp", "|tool=arping (iputils)", f"|answer={STRANGER} {MAC}", *lines)
    arp = wire.arp_probe(text, "tower-a", 1.0, ASKED, [])
    assert (arp.asked, arp.why) == ((), why)
    assert arp.answers == ((STRANGER, MAC),)


@pytest.mark.parametrize(
    "value", ["10.0.0.1", "10.0.0.1 nonsense", "x 02:42:c6:33:64:14", "10.0.0.1 02:42:c6:33:64:1G"]
)
def test_answers_that_are_none_are_left_out(value: str) -> None:
    text = answer("== arp", "|tool=arping (iputils)", f"|answer={value}", "|asked=3")
    assert wire.arp_probe(text, "tower-a", 1.0, ASKED, []).answers == ()


def test_two_answers_for_one_address_are_both_kept() -> None:
    both = (f"|answer={STRANGER} {MAC}", f"|answer={STRANGER} 02:00:00:00:00:02")
    text = answer("== arp", "|tool=arping (habets)", *both, "|asked=3")
    assert len(wire.arp_probe(text, "tower-a", 1.0, ASKED, []).answers) == 2


@pytest.mark.parametrize(
    ("lines", "offers", "why"),
    [
        (["|silent=1"], (), ""),
        (["|said=br0: waiting for carrier", "|silent=1"], (), "br0: waiting for carrier"),
        (["|said=dhcp: bind: Permission denied"], (), "dhcp: bind: Permission denied"),
        ([], (), "dhcpcd said nothing"),
        (["|offer=nonsense", "|silent=1"], (), ""),
        (["|offer=10.0.0.5"], (Offer("10.0.0.5"),), ""),
        (
            [
                "|offer=10.0.0.5",
                "|server=10.0.0.1",
                "|router=10.0.0.1",
                "|offer=10.0.0.6",
                "|server=10.0.0.9",
            ],
            (Offer("10.0.0.5", "10.0.0.1", "10.0.0.1"), Offer("10.0.0.6", "10.0.0.9")),
            "",
        ),
    ],
)
def test_offers(lines: list[str], offers: tuple[Offer, ...], why: str) -> None:
    found = wire.dhcp_probe(answer("== dhcp", "|tool=dhcpcd", *lines), "tower-a", 1.0)
    assert (found.offers, found.why) == (offers, why)


@pytest.mark.parametrize(
    ("line", "router"),
    [
        (
            "IP 10.0.0.2 > 224.0.0.18: VRRPv2, Advertisement, vrid 51, prio 100, authtype none, intvl 1s, length 20",
            Router(51, "10.0.0.2", 100),
        ),
        (
            "IP 10.0.0.2 > 224.0.0.18: VRRPv3, Advertisement, vrid 7, prio 254, intvl 100cs, length 12",
            Router(7, "10.0.0.2", 254),
        ),
        (
            "IP6 fe80::1 > ff02::12: VRRPv3, Advertisement, vrid 9, prio 1, intvl 100cs, length 24",
            Router(9, "fe80::1", 1),
        ),
        (
            "IP 10.0.0.2 > 224.0.0.18: CARPv2-advertise 36: vhid=3 advbase=1 advskew=0 authlen=7",
            Router(3, "10.0.0.2"),
        ),
        ("IP 10.0.0.2 > 224.0.0.18: VRRPv2, Advertisement, vrid 0, prio 100", None),
        ("IP 10.0.0.2 > 224.0.0.18: VRRPv2, Advertisement, vrid 300, prio 100", None),
        ("IP 10.0.0.2.1234 > 10.0.0.3.53: something with vrid 5", None),
    ],
)
def test_routers(line: str, router: Router | None) -> None:
    text = answer("== vrrp", "|tool=tcpdump", "|listened=1", f"|heard={line}", f"|heard={line}")
    assert wire.vrrp_probe(text, "tower-a", 1.0).routers == ((router,) if router else ())


def test_a_tcpdump_that_may_not_listen_has_heard_nothing() -> None:
    said = "|said=tcpdump: br0: You don't have permission to perform this capture on that device"
    found = wire.vrrp_probe(answer("== vrrp", "|tool=tcpdump", said), "tower-a", 1.0)
    assert (found.routers, "permission" in found.why) == ((), True)
