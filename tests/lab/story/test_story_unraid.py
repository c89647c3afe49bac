"""The Unraid-like host: no systemd, apt, Python or jq, a root in memory, and a marker that outlives a restart."""

from __future__ import annotations

import pytest

from tests.lab.story.operators import APPLY, Operator
from tests.lab.story.world import World, until

pytestmark = pytest.mark.lab

ABSENT = ("systemctl", "apt-get", "apt", "python3", "python", "jq", "sudo")


def test_the_marker_outlives_a_restart_of_a_host_whose_root_is_memory(
    world: World, operator: Operator
) -> None:
    lab = world.lab
    present = [tool for tool in ABSENT if lab.try_inside("tower-b", "sh", "-c", f"command -v {tool}") == 0]
    assert present == []
    operator.apply()
    before = world.seen("tower-b")
    assert before.marker["name"] == "lab" and before.operations
    lab.inside("tower-b", "touch", "/var/lib/story-root-is-memory")
    lab.reset("tower-b")
    assert lab.try_inside("tower-b", "test", "-e", "/var/lib/story-root-is-memory") == 1
    after = world.seen("tower-b")
    assert after.marker == before.marker
    assert after.operations == (), "/run was to be memory"
    assert lab.try_inside("tower-b", "test", "-e", "/var/lib/wizard") == 1, (
        "the marker lies in memory as well"
    )
    operator.run("plan", code=0)
    assert operator.run("doctor", "--json", code=0).document["verdict"] == "ok"


def test_a_host_that_loses_its_power_in_the_middle_of_an_operation(world: World, operator: Operator) -> None:
    """/run is memory: the host does not know the operation any more, so the wizard looks at what is there."""
    world.equip(5)
    running = operator.start(*APPLY)
    until(lambda: bool(world.seen("tower-b").effects), "the operation runs on tower-b")
    world.lab.fault("host-killed", "tower-b")
    assert world.lab.store.faults["tower-b"] == ["host-killed"]
    world.lab.mend("host-killed", "tower-b")
    assert world.seen("tower-b").marker == {}
    done = running.wait()
    if done.exit_code != 0:
        assert "Running again is safe" in done.stderr, done.stderr
        done, _ = operator.apply_when_free()
    assert done.exit_code == 0, done.stdout + done.stderr
    assert world.seen("tower-b").marker["name"] == "lab"
    operator.run("plan", code=0)
