"""Asking the wire: what is asked of whom, what cannot be, and what is ours though it is moved, renamed or out of reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from steps.wire import ARP, hear, known_owners
from steps.wire_checks import answers, offers, routers, taken
from tests.facts.build import facts as plain_facts
from tests.practice.home import Home
from tests.steps.guests import ETCD_A, LINEAGE, MACHINES, Said, context, tower
from tests.steps.test_machines import plan_of, standing
from wizard.core.check import Finding, Status
from wizard.core.context import Context
from wizard.core.errors import UnreachableError
from wizard.core.facts import Nic
from wizard.core.measurements import MemoryMeasurements
from wizard.core.state import new_state
from wizard.payload.addresses import mac_address

GONE = UnreachableError("tower-b does not answer.", where="10.0.0.12", why="timed out", do="ping 10.0.0.12")


def test_both_hypervisors_are_asked_for_the_plan_on_the_bridge_of_the_lan() -> None:
    wire = hear(context(standing()), MACHINES)
    towers = ["tower-a", "tower-b"]
    assert [one.host for one in wire.arp] == [one.host for one in wire.dhcp] == towers
    assert [one.host for one in wire.vrrp] == towers
    assert set(wire.arp[0].asked) >= {
        "10.0.0.1",
        "10.0.0.13",
        *(one.address for one in MACHINES),
        "10.0.0.250",
    }
    assert wire.arp[1].own == ("10.0.0.12", "127.0.0.1")


def test_a_host_that_is_away_is_there_with_the_reason() -> None:
    wire = hear(context(standing(), known={"tower-b": GONE}), MACHINES)
    assert (wire.arp[1].asked, wire.arp[1].why) == ((), "it could not be asked (tower-b does not answer)")
    assert wire.dhcp[1].why == wire.vrrp[1].why == wire.arp[1].why


def test_a_host_without_an_address_of_the_lan_asks_nobody() -> None:
    elsewhere = tower("tower-b", Said(), nics=(Nic("eth0", addresses=("192.168.7.2/24",)),))
    (_, probe) = hear(context(standing(), known={"tower-b": elsewhere}), MACHINES, (ARP,)).arp
    assert probe.why == "no interface there has an address of 10.0.0.0/24"


def test_an_answer_that_is_not_whole_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.steps.guests.quiet_wire", lambda _: "== wire\n|nic=1\n== arp\n|tool=arping (iputils)\n"
    )
    (probe, _) = hear(context(standing()), MACHINES, (ARP,)).arp
    assert "ended with exit code 0 and no whole answer" in probe.why


def test_an_interface_that_went_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.steps.guests.quiet_wire", lambda _: "== wire\n|nic=0\n== end\n")
    (probe, _) = hear(context(standing()), MACHINES, (ARP,)).arp
    assert probe.why == "its interface br0 is gone"


# --- what is ours


def test_guests_with_our_mark_are_ours_and_what_was_not_made_is_nobodys() -> None:
    found = known_owners(context({"tower-a": Said().has(plan_of("etcd-a"))}), MACHINES)
    assert found.name(mac_address(LINEAGE, "etcd-a")) == "etcd-a"
    assert found.name(mac_address(LINEAGE, "etcd-b")) == ""
    assert found.name(plain_facts().nics[0].mac) == "tower-a"


def test_a_renamed_guest_is_still_ours() -> None:
    renamed = replace(ETCD_A, name="voter-a")
    found = known_owners(context(standing(), machines=(renamed, MACHINES[1])), (renamed, MACHINES[1]))
    assert found.name(mac_address(LINEAGE, "etcd-a")) == "etcd-a"


def test_guests_of_a_hypervisor_out_of_reach_may_run() -> None:
    found = known_owners(context(standing(), known={"tower-b": GONE}), MACHINES)
    assert found.name(mac_address(LINEAGE, "etcd-b")) == "etcd-b"
    unknown = known_owners(context({}, known={"tower-b": GONE}, state=new_state("home", "test")), MACHINES)
    assert {"tower-b", "etcd-b"} <= unknown.unknown


# --- checks


def answering(monkeypatch: pytest.MonkeyPatch, **macs: str) -> None:
    """These MACs answer at the addresses of these machines, and the router at its own."""
    where = {
        one.address: macs[one.name.replace("-", "_")]
        for one in MACHINES
        if one.name.replace("-", "_") in macs
    }

    def said(addresses: list[str]) -> str:
        known = {"10.0.0.1": "74:83:c2:00:00:01", **where}
        lines = [f"|answer={one} {known[one]}" for one in addresses if one in known]
        return "\n".join(
            [
                "== wire",
                "|nic=1",
                "== arp",
                "|tool=arping (iputils)",
                *lines,
                f"|asked={len(addresses)}",
                "== end",
            ]
        )

    monkeypatch.setattr("tests.steps.guests.quiet_wire", said)


@pytest.mark.parametrize("check", [taken, answers])
def test_a_quiet_wire_passes(check: Callable[[Context], Finding]) -> None:
    assert check(context({})).status is Status.PASS


def test_before_machines_are_made_only_what_is_not_ours_is_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renamed = (replace(ETCD_A, name="voter-a"), MACHINES[1])
    answering(monkeypatch, etcd_a=mac_address(LINEAGE, "etcd-a"))
    ctx = context(standing(), machines=renamed)
    assert taken(ctx).status is Status.PASS
    found = answers(ctx)
    assert (found.status, "answered by our etcd-a" in found.detail) == (Status.FAIL, True)


def test_a_stranger_at_a_machines_address_is_in_the_way_until_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, etcd_a="b8:27:eb:00:00:07")
    found = taken(context({}))
    assert found.status is Status.FAIL
    assert found.detail.startswith("10.0.0.31 (etcd-a) is answered by b8:27:eb:00:00:07 (Raspberry Pi)")
    assert found.evidence == "10.0.0.31 is at b8:27:eb:00:00:07"
    assert taken(context(standing())).status is Status.PASS
    assert answers(context(standing())).status is Status.FAIL


def test_what_one_of_them_cannot_ask_is_skipped_with_the_reason() -> None:
    found = answers(context(standing(), known={"tower-b": GONE}))
    assert found.status is Status.SKIP
    assert "tower-b: it could not be asked" in found.detail


@pytest.mark.parametrize(("check", "what"), [(offers, "DHCP"), (routers, "VRRP")])
def test_what_was_never_measured_is_no_pass(check: Callable[[Context], Finding], what: str) -> None:
    ctx = replace(context(standing()), measurements=MemoryMeasurements())
    found = check(ctx)
    assert (found.status, found.detail) == (Status.SKIP, f"{what}: not measured yet (wizard layout).")
    assert check(context(standing())).status is Status.PASS


def test_the_simulated_homelab_is_quiet(tmp_path: Path) -> None:
    home = Home.fresh(tmp_path / "key")
    wire = hear(home.session().context(), ())
    assert {probe.why for probe in wire.arp} == {""}
    assert {offer.server for probe in wire.dhcp for offer in probe.offers} == {home.spec.network.gateway}
