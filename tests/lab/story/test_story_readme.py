"""The story of the README, command by command, and doctor with one host gone."""

from __future__ import annotations

import time

import pytest

from tests.lab.story.operators import Done, Operator
from tests.lab.story.world import World, tell

pytestmark = pytest.mark.lab

DOCTOR_SECONDS = 30.0
"""Within this doctor has its report although a host is gone: the connection's own deadline is 10 s."""


def test_facts_plan_apply_plan_apply_doctor(world: World, operator: Operator) -> None:
    world.equip()
    facts = operator.run("facts", code=0)
    assert all(host in facts.stdout for host in ("tower-a", "tower-b", "pi"))
    plan = operator.run("plan", "--json", code=10).document
    assert plan["changes"] == 3 and plan["unreachable"] == []
    applied = operator.apply()
    assert "3 changes done" in applied.stdout
    assert operator.run("plan", "--json", code=0).document["changes"] == 0

    before = world.look()
    began = len(operator.happened("change-started"))
    again = operator.apply()
    after = world.look()
    asked = {host: after[host].asked - before[host].asked for host in after}
    assert "0 changes done" in again.stdout
    assert len(operator.happened("change-started")) == began
    assert all(1 <= count <= 3 for count in asked.values()), asked
    assert {host: seen.effects for host, seen in after.items()} == {
        host: seen.effects for host, seen in before.items()
    }
    report = operator.run("doctor", "--json", code=0).document
    assert (report["verdict"], report["root_causes"]) == ("ok", [])
    tell(
        f"apply {applied.seconds:.1f} s; no-op apply {again.seconds:.1f} s, hosts asked {asked}; "
        f"doctor {report['counts']}"
    )


@pytest.mark.parametrize("fault", ["host-stopped", "ssh-down"])
def test_doctor_names_the_host_that_is_gone(world: World, operator: Operator, fault: str) -> None:
    lab = world.lab
    operator.apply()
    lab.fault(fault, "tower-b")
    done = operator.run("doctor", "--json", code=1)
    _names_tower_b(done)
    short = operator.run("doctor", "--short", code=1)
    assert short.stdout.splitlines()[2].startswith("xx tower-b"), short.stdout
    lab.mend(fault, "tower-b")
    began = time.monotonic()
    back = operator.run("doctor", "--json", "--wait", "30", code=0).document
    assert back["verdict"] == "ok"
    tell(f"{fault}: doctor in {done.seconds:.1f} s; ok {time.monotonic() - began:.1f} s after it was back")


def _names_tower_b(done: Done) -> None:
    assert done.seconds < DOCTOR_SECONDS
    report = done.document
    assert report["verdict"] == "fail"
    assert report["root_causes"] == ["hosts.reach"]
    causes = [item for item in report["findings"] if item["status"] == "fail"]
    assert [(item["id"], item["host"]) for item in causes] == [("hosts.reach", "tower-b")]
    assert causes[0]["fix"]
    of = {
        name: [item for item in report["findings"] if item["host"] == name]
        for name in ("tower-a", "tower-b", "pi")
    }
    others = [item for item in of["tower-b"] if item is not causes[0]]
    assert len(others) > 5
    assert {(item["status"], item["explained_by"]) for item in others} == {("skip", "hosts.reach")}
    for name in ("tower-a", "pi"):
        assert sum(item["status"] == "pass" for item in of[name]) > 5
        assert not any(item["status"] == "fail" or item["explained_by"] for item in of[name])
