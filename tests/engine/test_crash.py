"""Killed at every point of an apply, at the hosts and at the state: the next run ends as an uninterrupted one."""

from __future__ import annotations

import os
import random
from contextlib import suppress

import pytest

from tests.engine.story import KillAt, Killed, Lab, yes

SCHEDULES = int(os.environ.get("WIZARD_SCHEDULES", "100"))
"""Seeded schedules of several kills and cut links in one install."""


def uninterrupted() -> dict[str, list[str]]:
    lab = Lab()
    lab.session().apply(yes)
    return lab.world()


def things_that_happen() -> int:
    lab = Lab()
    counter = KillAt(10**9)
    lab.hosts.faults.watch = counter
    lab.session().apply(yes)
    return counter.seen


def restart(lab: Lab) -> None:
    """What a new process finds: hosts without a lock holder, no faults."""
    lab.hosts.faults.watch = None
    for machine in lab.machines.values():
        machine.locked = False


@pytest.mark.parametrize("number", range(1, things_that_happen() + 1))
def test_killed_before_or_after_anything_a_host_does(number: int) -> None:
    lab = Lab()
    lab.hosts.faults.watch = KillAt(number)
    with pytest.raises(Killed):
        lab.session().apply(yes)
    restart(lab)
    assert lab.session().apply(yes).status == "done"
    assert lab.world() == uninterrupted()
    assert lab.twice() == []
    plan, _ = lab.session().plan()
    assert plan.changes == 0
    state = lab.memory.last
    assert state is not None
    assert not state.in_flight()


def test_killed_before_every_save_of_the_state() -> None:
    lab = Lab()
    lab.session().apply(yes)
    for number in range(len(lab.memory.saved)):
        again = Lab()
        again.memory.fail_at, again.memory.error = number, Killed()
        with pytest.raises(Killed):
            again.session().apply(yes)
        again.memory.error = None
        restart(again)
        assert again.session().apply(yes).status == "done"
        assert again.world() == uninterrupted()
        assert again.twice() == []


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_any_number_of_kills_and_cut_links(seed: int) -> None:
    chance = random.Random(seed)
    lab = Lab()
    for _ in range(chance.randint(1, 4)):
        lab.hosts.faults.watch = KillAt(chance.randint(1, 40))
        lab.hosts.faults.cut_before = [chance.choice(("do/toy", "do/marker", "read/toy"))] * chance.randint(
            0, 3
        )
        lab.hosts.faults.cut_after = [chance.choice(("do/toy", "do/marker"))] * chance.randint(0, 4)
        with suppress(Killed):
            lab.session().apply(yes)
        restart(lab)
    lab.hosts.faults.cut_before, lab.hosts.faults.cut_after = [], []
    assert lab.session().apply(yes).status == "done"
    assert lab.world() == uninterrupted()
    assert lab.twice() == []
