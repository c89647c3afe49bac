"""What `wizard layout` prints of the wire."""

from __future__ import annotations

import pytest

from tests.decide.homes import home, known
from tests.decide.test_wire import FOREIGN, MACHINES, OWNERS, ROUTER, SPEC, VIP, probe
from wizard.core.decide.addresses import PlannedAddress
from wizard.core.decide.layout import make_layout
from wizard.core.decide.wire import ArpProbe, DhcpProbe, Offer, Router, VrrpProbe, Wire
from wizard.core.decide.wire_verdict import Groups, groups, with_wire
from wizard.front.layout import layout_json, layout_text
from wizard.front.layout_wire import address_rows

LAYOUT = make_layout(SPEC, known())
ASKED = [one.address for one in LAYOUT.addresses]
LOUD = Wire(
    (probe("tower-a", [("10.0.0.1", ROUTER), (VIP, FOREIGN)], ASKED), probe("tower-b", [], ASKED)),
    (
        DhcpProbe("tower-a", 100.0, "dhcpcd", (Offer("10.0.0.150", "10.0.0.1"),)),
        DhcpProbe("tower-b", 100.0, why="no tool"),
    ),
    (
        VrrpProbe("tower-a", 100.0, "tcpdump", (Router(51, "10.0.0.2"),)),
        VrrpProbe("tower-b", 100.0, why="no tcpdump"),
    ),
)


def text(wire: Wire, now: float = 100.0) -> str:
    layout = with_wire(LAYOUT, SPEC, wire, OWNERS)
    return layout_text("home", layout, wire, groups(SPEC, MACHINES, wire), now=now)


def test_the_table_names_who_answers_and_joins_what_is_the_same() -> None:
    lines = text(LOUD).splitlines()
    rows = [line.split() for line in lines]
    assert ["10.0.0.240-.250", "load_balancer", "free"] in rows
    assert ["10.0.0.1", "gateway", "in", "use", "74:83:c2:00:00:01", "(Ubiquiti)"] in rows
    assert f"{VIP} api_vip TAKEN {FOREIGN} (Raspberry Pi)".split() in rows
    assert max(map(len, lines)) <= 80


def test_what_was_measured_is_said_with_its_age_and_what_was_not_with_the_reason() -> None:
    said = " ".join(text(LOUD, now=7300.0).split())
    assert "Asked from tower-a by arping (iputils), from tower-b by arping (iputils), 2 hours ago." in said
    assert "DHCP: 10.0.0.1 offered tower-a 10.0.0.150. No lease was taken." in said
    assert "DHCP not checked from tower-b: no tool." in said
    assert (
        "VRRP: id 51 from 10.0.0.2. VRRP not checked from tower-b: no tcpdump. Id 52 is for the API" in said
    )
    assert f"{VIP} (api_vip) is answered by {FOREIGN} (Raspberry Pi), heard by tower-a." in said


def test_a_silent_wire() -> None:
    wire = Wire((), (DhcpProbe("tower-a", 1.0, "dhcpcd"),), (VrrpProbe("tower-a", 1.0, "tcpdump"),))
    said = " ".join(text(wire).split())
    assert "DHCP: nobody offered tower-a anything." in said
    assert "VRRP: tower-a heard nobody. Id 51 is for the API address." in said


def test_an_address_that_was_not_asked_for_is_never_free() -> None:
    wire = Wire((ArpProbe("tower-a", 1.0, why="none of arping, ping with ip was found there"),))
    said = " ".join(text(wire).split())
    assert "unchecked" in said
    assert "tower-a: none of arping, ping with ip was found there; tower-b was not asked yet." in said
    assert "Asked from" not in said


@pytest.mark.parametrize(
    ("addresses", "rows"),
    [
        (("10.0.0.240", "10.0.0.241"), ["10.0.0.240-.241"]),
        (("10.0.0.255", "10.0.1.0"), ["10.0.0.255-10.0.1.0"]),
        (("10.0.0.240",), ["10.0.0.240"]),
        (("10.0.0.240", "10.0.1.0-10.0.1.9"), ["10.0.0.240-10.0.1.9"]),
    ],
)
def test_spans(addresses: tuple[str, ...], rows: list[str]) -> None:
    planned = [PlannedAddress(address, "load_balancer", "free") for address in addresses]
    assert [row[0] for row in address_rows(planned)] == rows


def test_the_json_document_tells_of_the_wire() -> None:
    found = groups(SPEC, MACHINES, LOUD)
    document = layout_json("home", with_wire(LAYOUT, SPEC, LOUD, OWNERS), LOUD, found)
    assert document["probes"] == [
        {"host": host, "measured_at": 100.0, "tool": "arping (iputils)", "why": None}
        for host in ("tower-a", "tower-b")
    ]
    dhcp = document["dhcp"]
    assert isinstance(dhcp, list)
    assert (dhcp[0]["offers"][0]["address"], dhcp[1]["why"]) == ("10.0.0.150", "no tool")
    vrrp = document["vrrp"]
    assert isinstance(vrrp, dict)
    assert (vrrp["taken"], vrrp["router_id"]) == ([51], 52)


def test_without_probes_nothing_is_claimed() -> None:
    layout = make_layout(home(), known())
    said = layout_text("home", layout, Wire(), Groups((), (), 51))
    assert "VRRP" not in said
    assert "DHCP" not in said.replace("outside DHCP", "")
