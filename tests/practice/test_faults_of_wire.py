"""What others do on the network, as faults of practice: what is seen, that it ends with the run, that the next is whole."""

from __future__ import annotations

import json

import pytest

from tests.practice.room import Room
from tests.rows import assert_explained, assert_tolerated
from wizard.core.errors import ExitCode
from wizard.core.faultnames import fault_texts
from wizard.practice.fault_list import known_faults
from wizard.practice.faults_of_wire import STRANGER, WIRE

TAKEN = {"foreign-address": "(api_vip) is answered by", "foreign-machine-address": "(etcd-b) is answered by"}
"""Those that stop a run before machines are made."""


def test_names_are_shared_with_the_lab() -> None:
    assert set(WIRE) <= set(known_faults())
    assert set(WIRE) - {"foreign-machine-address"} <= set(fault_texts("lab"))


@pytest.mark.parametrize("name", TAKEN)
def test_an_address_that_is_taken_stops_the_run_and_the_next_is_whole(room: Room, name: str) -> None:
    run = room.practice(faults=[name])
    assert_explained(run, exit_code=ExitCode.FAILED, says=[TAKEN[name], STRANGER], do="Find that device")
    assert not any(machine.domains for machine in room.world().machines.values())
    room.set_up()
    report = room.doctor(faults=[name])
    assert (report["verdict"], report["root_causes"]) == ("fail", ["machines.wire"])
    room.content()


def test_offers_and_routers_are_seen_by_layout_and_told_by_doctor_afterwards(room: Room) -> None:
    assert_tolerated(room.practice(faults=["rogue-dhcp", "vrrp-twice"]))
    run = room.practice("--", "layout", "--json", faults=["rogue-dhcp", "vrrp-twice"])
    document = json.loads(run.stdout)
    told = " ".join(one["text"] for one in document["problems"])
    assert "which is in network.load_balancer" in told
    assert "VRRP id 51 is led by" in told
    assert document["vrrp"]["router_id"] == 52
    report = room.doctor()
    assert report["verdict"] == "warn"
    warned = {one["id"] for one in report["findings"] if one["status"] == "warn"}
    assert warned == {"machines.offers", "machines.routers"}
    assert "just now" in next(one["evidence"] for one in report["findings"] if one["id"] == "machines.offers")
    assert room.practice("--", "layout").exit_code in (0, 1)
    room.content()
