"""What was there before us, as faults of practice: where, how a run with it ends, and that it ends with it."""

from __future__ import annotations

import pytest

from tests.practice.room import Room
from tests.rows import assert_explained, assert_tolerated
from wizard.core.errors import ExitCode
from wizard.core.faultnames import fault_texts
from wizard.practice.fault_list import known_faults
from wizard.practice.faults_of_others import PLACES
from wizard.practice.occupants import OCCUPANTS

REFUSED = {"k3s-present": "pi runs K3s", "foreign-etcd": "pi runs another etcd"}
"""Those that our etcd member on the Pi would meet."""


def test_everything_that_can_live_on_a_host_is_a_fault_of_practice_and_lab() -> None:
    assert set(PLACES) == set(OCCUPANTS)
    assert set(OCCUPANTS) <= set(known_faults())
    for place in ("practice", "lab"):
        assert set(OCCUPANTS) <= set(fault_texts(place))


@pytest.mark.parametrize("name", REFUSED)
def test_what_our_member_on_the_pi_would_meet_is_refused_and_the_next_run_is_whole(
    room: Room, name: str
) -> None:
    run = room.practice(faults=[name])
    assert_explained(run, exit_code=ExitCode.FAILED, says=[REFUSED[name]], do="systemctl disable --now")
    assert not any(machine.ran for machine in room.world().machines.values())
    room.set_up()
    assert not any(machine.occupants for machine in room.world().machines.values())
    report = room.doctor(faults=[name])
    assert report["verdict"] == "fail"
    assert "pi" in {one["host"] for one in report["findings"] if one["status"] == "fail"}
    room.content()


def test_what_meets_nobody_is_warned_of_for_one_run(room: Room) -> None:
    stay = sorted(set(PLACES) - set(REFUSED))
    assert_tolerated(room.practice(faults=stay), exit_code=ExitCode.OK)
    report = room.doctor(faults=stay)
    assert report["verdict"] == "warn"
    assert {one["id"] for one in report["findings"] if one["status"] == "warn"} == {
        "discover.kubernetes",
        "discover.swarm",
        "discover.dns",
    }
    assert report["root_causes"]
    assert_tolerated(
        room.practice("--", "facts", faults=stay), shows=["already there", "MicroK8s v1.32.3", "Docker Swarm"]
    )
    room.content()
