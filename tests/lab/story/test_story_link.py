"""A link that breaks before, during and after the effect of a change: the end is the same, nothing is done twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.lab.story.ending import assert_as_if_nothing_happened, result_of
from tests.lab.story.gate import Gate
from tests.lab.story.operators import APPLY, Operator, Running
from tests.lab.story.world import Seen, World, tell, until

pytestmark = pytest.mark.lab

HOST = "tower-a"
EFFECT_SECONDS = 1.5
"""How long the effect lasts: the moments before and after it are told apart by far less."""


@pytest.fixture
def gate(world: World, operator: Operator) -> Iterator[Gate]:
    """The operator's only way to the host, by its ssh configuration; every answer takes a little."""
    address = world.lab.address(HOST)
    gate = Gate((address, 22), delay=0.05)
    ssh = operator.home / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "config").write_text(
        f"Host {address}\n  HostName 127.0.0.1\n  Port {gate.port}\n  HostKeyAlias {address}\n"
    )
    yield gate
    gate.close()


@dataclass(frozen=True)
class Moment:
    """When the link is cut, and what the host must look like then for the cut to count."""

    name: str

    def has_come(self, operator: Operator, seen: Seen) -> bool:
        begun = any(event["host"] == HOST for event in operator.happened("change-started"))
        return {
            "before": begun,
            "during": bool(seen.effects) and not seen.marker,
            "after": bool(seen.marker),
        }[self.name]

    def is_right(self, operator: Operator, seen: Seen) -> bool:
        told = any(event["host"] == HOST for event in operator.happened("change-finished"))
        found = (bool(seen.operations), bool(seen.marker), told)
        wanted = {"before": (False,) * 3, "during": (True, False, False), "after": (True, True, False)}
        return found == wanted[self.name]


@pytest.mark.parametrize("name", ["before", "during", "after"])
def test_cut_before_during_and_after_the_effect(
    world: World, operator: Operator, gate: Gate, name: str
) -> None:
    moment = Moment(name)
    world.equip(EFFECT_SECONDS)
    running = operator.start(*APPLY)
    if name == "before":
        until(lambda: moment.has_come(operator, NOTHING), "the change begins", pause=0.005)
    else:
        until(lambda: bool(world.seen(HOST).operations), "the operation is claimed")
        gate.delay = 4 * EFFECT_SECONDS  # the answer stays on the way
        until(lambda: moment.has_come(operator, world.seen(HOST)), "the moment", pause=0.0)
    gate.cut()
    assert moment.is_right(operator, world.seen(HOST)), world.seen(HOST)
    gate.delay = 0.0
    until(lambda: _noticed(operator, running), "the wizard notices")
    gate.join()
    done = running.wait()
    assert done.exit_code == 0, done.stdout + done.stderr
    tell(f"cut {name} the effect: the run ended with 0 after {done.seconds:.1f} s")
    _assert_ended_well(world, operator)


NOTHING = Seen({}, (), (), 0)


def _noticed(operator: Operator, running: Running) -> bool:
    """It looks for the host again, or has given up."""
    reached = [event["status"] for event in operator.happened("host") if event["host"] == HOST]
    return not running.alive or "failed" in reached


def _assert_ended_well(world: World, operator: Operator) -> None:
    expected = result_of(operator.state())
    assert {change["status"] for change in expected["steps"]["hosts"]["changes"].values()} == {"done"}
    assert_as_if_nothing_happened(world, operator, expected)


def test_the_cable_is_out_for_a_while(world: World, operator: Operator) -> None:
    """The lab's own fault: no end of the connection is told, packets just stop."""
    ssh = operator.home / ".ssh"
    ssh.mkdir(mode=0o700)
    # The dead link is noticed after 6 seconds of silence instead of 45: the same way, sooner.
    (ssh / "config").write_text("Host *\n  ServerAliveInterval 2\n  ServerAliveCountMax 3\n")
    world.equip(2 * EFFECT_SECONDS)
    running = operator.start(*APPLY)
    until(lambda: bool(world.seen("pi").effects), "the operation runs on the pi")
    world.lab.fault("link-cut", "pi")
    until(lambda: bool(world.seen("pi").marker), "the operation goes on without us")
    told = [event["host"] for event in operator.happened("change-finished")]
    assert "pi" not in told, "the cable was out too late"
    world.lab.mend("link-cut", "pi")
    done = running.wait()
    assert done.exit_code == 0, done.stdout + done.stderr
    tell(f"cable out during the effect: the run ended with 0 after {done.seconds:.1f} s")
    _assert_ended_well(world, operator)


def test_every_link_loses_packets(world: World, operator: Operator) -> None:
    """Five of a hundred, each way, on every host from beginning to end: slower, and nothing else."""
    world.equip()
    for host in world.lab.names:
        world.lab.fault("link-lossy", host)
    done = operator.run(*APPLY, code=0)
    tables = world.lab.inside("tower-a", "nft", "list", "table", "netdev", "lab_lossy")
    lost = sum(int(number) for number in re.findall(r"packets ([0-9]+)", tables))
    for host in world.lab.names:
        world.lab.mend("link-lossy", host)
    assert lost > 0, "nothing was lost"
    tell(f"5 % of all packets lost: done after {done.seconds:.1f} s, {lost} lost on tower-a alone")
    _assert_ended_well(world, operator)
