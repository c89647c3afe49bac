"""kill -9, cut links and a hypervisor without power while guests are made and members join: run again, the end is the same.

These tests begin with bare hosts: they come after all that share the one cluster.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.lab.cluster.conftest import Cluster
from tests.lab.cluster.site import INSTALL_SECONDS, MEMBERS, TOWERS, Record, Site, failing, newcomer
from tests.lab.story.ending import result_of
from tests.lab.story.gate import Gate
from tests.lab.story.operators import APPLY, Operator, Running
from tests.lab.story.world import tell, until

pytestmark = pytest.mark.lab

MIB = 1 << 20
SEED = 20261123
CUT_AT, KILL_AT = 20 * MIB, 36 * MIB
"""Of the base image: when its link is cut, and when the wizard is killed."""

LOST = 14 * MIB
"""What two breaks may cost: buffers of sockets, and the other traffic of the host. To begin anew costs far more."""

POINTS = (("create:etcd-a", 3.0), ("boot:etcd-a", 3.0), ("install:pi", 3.0), ("start:etcd-b", 2.0))
"""A kill comes within so many seconds after the change began: a slow machine moves with its events."""

OTHERS = ("storage",)
"""Roles of the guests that the spec of these tests leaves out."""


@pytest.fixture
def bare(cluster: Cluster, tmp_path: Path) -> Iterator[Site]:
    """Hosts without a trace of the wizard, and a person who wants no guests for storage."""
    site = Site(cluster.lab, newcomer(cluster.lab, tmp_path / "operator", without=OTHERS))
    site.settle()
    site.wipe()
    for tower in TOWERS:
        site.run(tower, "count")
    yield site
    cluster.lab.mend_all()


@pytest.fixture
def gate(bare: Site) -> Iterator[Gate]:
    """The operator's only way to tower-a."""
    address = bare.address("tower-a")
    gate = Gate((address, 22))
    ssh = bare.operator.home / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "config").write_text(
        f"Host {address}\n  HostName 127.0.0.1\n  Port {gate.port}\n  HostKeyAlias {address}\n"
    )
    yield gate
    gate.close()


def begin(operator: Operator, change: str) -> tuple[Running, bool]:
    """Apply until a change begins; a host that is still held by a killed run is waited for.

    Returns:
        The run, and whether the change began before it ended.
    """
    until_then = time.monotonic() + 30
    while True:
        at = time.time()
        running = operator.start(*APPLY)
        until(
            partial(_begun_or_ended, operator, running, change, at),
            f"{change} begins",
            seconds=INSTALL_SECONDS,
            pause=0.01,
        )
        if running.alive:
            return running, True
        done = running.wait()
        if done.exit_code != 4 or "worked on by somebody else" not in done.stderr:
            assert done.exit_code == 0, done.stdout + done.stderr
            return running, False
        assert time.monotonic() < until_then, done.stderr


def _begun_or_ended(operator: Operator, running: Running, change: str, at: float) -> bool:
    begun = (event for event in operator.happened("change-started") if event["at"] >= at)
    return any(event["change"] == change for event in begun) or not running.alive


def finish(operator: Operator) -> None:
    """Apply to the end."""
    running, _ = begin(operator, "no change has this key")
    assert running.wait().exit_code == 0


def arrived(site: Site) -> int:
    """How much of the base image lies on tower-a, finished or not."""
    look = f"stat -c %s {site.vm_dir('tower-a')}/wizard-base/*.tar.gz {site.vm_dir('tower-a')}/wizard-base/.*.part"
    return max(
        (int(size) for size in site.shell("tower-a", f"{look} 2>/dev/null", ok=False).split()), default=0
    )


def of_members_only(kept: dict[str, Any]) -> dict[str, Any]:
    """A state without the guests these tests leave out."""
    result = result_of(kept)
    left_out = tuple(f"machines.{role}-" for role in OTHERS)
    result["answers"] = {
        key: value for key, value in result["answers"].items() if not key.startswith(left_out)
    }
    machines = result["layout"]["machines"]
    result["layout"]["machines"] = {
        name: machine for name, machine in machines.items() if machine["role"] not in OTHERS
    }
    for step in result["steps"].values():
        step["changes"] = {
            key: change
            for key, change in step["changes"].items()
            if not any(f":{role}-" in key for role in OTHERS)
        }
    return result


def expected_record(record: Record) -> Record:
    """What was done to a machine by the undisturbed run, without the guests these tests leave out."""
    kept = [
        {name: times for name, times in counted.items() if not any(f"{role}-" in name for role in OTHERS)}
        for counted in (record.operations, record.effects)
    ]
    return Record(type(record.operations)(kept[0]), type(record.effects)(kept[1]))


def assert_as_undisturbed(site: Site, cluster: Cluster, *, counted: bool = True) -> None:
    """The end is that of a run nobody disturbed; with `counted` every operation and effect came about once as well."""
    state = site.operator.state()
    assert of_members_only(state) == of_members_only(cluster.state)
    rows = [(one["name"], one.get("isLearner", False)) for one in site.members()]
    assert sorted(rows) == [(name, False) for name in MEMBERS]
    site.operator.run("plan", code=0)
    code, document = site.doctor()
    assert (code, document["root_causes"]) == (0, []), failing(document)
    if counted:
        for machine in (*site.lab.names, *(one.name for one in site.spec.machines)):
            assert site.record(machine) == expected_record(cluster.records[machine]), machine


def test_cut_and_killed_on_the_whole_way(cluster: Cluster, bare: Site, gate: Gate) -> None:
    dice = random.Random(SEED)
    operator = bare.operator
    gate.delay = 0.002
    running, begun = begin(operator, "image:tower-a")
    assert begun
    until(lambda: arrived(bare) >= CUT_AT, "a part of the base image is there", pause=0.0)
    gate.cut()
    there = arrived(bare)
    until(lambda: _noticed(operator, running), "the wizard notices the cut", seconds=60)
    gate.join()
    until(lambda: arrived(bare) >= KILL_AT or not running.alive, "the copy goes on", seconds=60, pause=0.0)
    assert running.kill(), running.err.read_text()
    left = arrived(bare)
    landed = [f"link cut at {there / MIB:.0f} MiB of the image, killed at {left / MIB:.0f} MiB"]
    gate.delay = 0.0

    for change, seconds in POINTS:
        running, begun = begin(operator, change)
        if begun:
            time.sleep(dice.uniform(0, seconds))
            was_alive = running.kill()
            landed.append(f"{change}: {_where(operator) if was_alive else 'it had ended'}")
    finish(operator)
    image = arrived(bare)
    assert gate.carried < image + LOST, (
        f"{gate.carried / MIB:.0f} MiB crossed the link for {image / MIB:.0f} MiB"
    )
    tell(
        f"seed {SEED}: "
        + "; ".join(landed)
        + f"; {gate.carried / MIB:.0f} MiB sent for {image / MIB:.0f} MiB"
    )
    assert len([place for place in landed if "running" in place]) >= 2, (
        "too few kills landed inside of a change"
    )
    assert_as_undisturbed(bare, cluster)


def _noticed(operator: Operator, running: Running) -> bool:
    reached = [event["status"] for event in operator.happened("host") if event["host"] == "tower-a"]
    return not running.alive or "failed" in reached


def _where(operator: Operator) -> str:
    """Where the last run was when it was killed."""
    events = operator.happened()
    start = max(number for number, event in enumerate(events) if event["event"] == "run-started")
    begun = {event["change"] for event in events[start:] if event["event"] == "change-started"}
    ended = {event["change"] for event in events[start:] if event["event"] == "change-finished"}
    return f"{len(begun - ended)} changes running, {len(ended)} done"


def test_a_hypervisor_without_power_in_the_middle(cluster: Cluster, bare: Site) -> None:
    """Its root is memory: what it knew of operations is gone, the guest comes back by itself."""
    running, begun = begin(bare.operator, "boot:etcd-b")
    assert begun
    cluster.lab.reset("tower-b")
    broken = running.wait(timeout=INSTALL_SECONDS)
    bare.settle()
    began = time.monotonic()
    finish(bare.operator)
    tell(
        f"tower-b off and on: that run ended with {broken.exit_code}, the next took {time.monotonic() - began:.0f} s"
    )
    assert_as_undisturbed(bare, cluster, counted=False)
