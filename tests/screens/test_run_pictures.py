"""How the screens from the review to doctor look, at the smallest size they are designed for and at a comfortable one.

The hosts are simulated and every clock stands still: two drawings of the same moment are the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.practice.cluster import MACHINES, cluster_text
from tests.screens.pictures import compare, compare_both
from tests.screens.runs import BEGAN, Gate, PractisedDesk, build, desk_with_answers
from tests.screens.walk import Walk, walk

PAGES = {"plan": "p", "failures": "f", "topology": "t"}
FEWER = "".join(row for row in MACHINES.splitlines(keepends=True) if "server-b" not in row)
SO_FAR = 95.0
"""Seconds after its beginning at which a run is looked at."""
BESIDE = ("packages", "k3s-programs")
"""Steps that go on beside etcd, one after the other as it happens."""
CLOCK = SimpleNamespace(now=BEGAN)
"""Of the screens. It stands at the beginning until a run stands still: what is drawn meanwhile would tell in the bar."""


@pytest.fixture(autouse=True)
def still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy of this machine, one time zone, a home of our own, and clocks that stand."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    CLOCK.now = BEGAN
    clock = SimpleNamespace(time=lambda: CLOCK.now, monotonic=time.monotonic)
    monkeypatch.setattr("screens.run.time", clock)
    monkeypatch.setattr("wizard.core.engine.journal.time", SimpleNamespace(time=lambda: BEGAN))
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def desk(tmp_path: Path) -> PractisedDesk:
    made = desk_with_answers(tmp_path)
    made.steady = True
    return made


def held(desk: PractisedDesk) -> Gate:
    """The run stands still where etcd is installed on the last of its members."""
    gate = Gate(lambda at, what: (at, what) == ("etcd-b", "do/etcd-install"))
    desk.cluster.hosts.faults.watch = gate
    return gate


async def into(person: Walk, gate: Gate) -> None:
    """To the middle of the run, and until everything that goes on beside it has ended."""
    await person.sees("changes, about")
    await person.press("ctrl+n")
    await person.until(gate.reached.is_set)

    def alone() -> bool:
        assert person.app.install is not None
        view = person.app.install.feed.view
        at_work = [one for step in view.steps for one in step.changes if one.status == "running"]
        steps = {step.id: step.status for step in view.steps}
        ended = {steps[name] for name in BESIDE} == {"done"}
        alone = list(steps.values()).count("running") == 1 and len(at_work) == 1
        return ended and alone and bool(at_work[0].waiting)

    await person.until(alone)
    CLOCK.now = BEGAN + SO_FAR
    assert person.app.install is not None
    feed = person.app.install.feed
    # How far the bar had come before the plan grew depends on which thread was first.
    feed.view = replace(feed.view, reached=0.0)
    person.app._tick()


async def over(person: Walk) -> None:
    """Until the run has ended."""
    await person.until(lambda: person.app.install is not None and not person.app.install.active)
    await person.until(lambda: not person.app.busy)


def test_every_page_of_the_review(desk: PractisedDesk) -> None:
    async def steps(person: Walk) -> None:
        await person.sees("changes, about")
        for page, key in PAGES.items():
            await person.press(key)
            await compare_both(person, f"review-{page}")

    walk(desk.folder, steps, desk=desk, place="review")


def test_what_would_be_destroyed(desk: PractisedDesk) -> None:
    build(desk)
    desk.spec.write_text(cluster_text(desk.folder / "key", machines=FEWER))

    async def steps(person: Walk) -> None:
        await person.sees("This destroys 2 things")
        await compare_both(person, "review-destroys")
        await person.press("ctrl+n")
        await person.sees("To go on, type server-b here:")
        await compare_both(person, "dialog-destroy")

    walk(desk.folder, steps, desk=desk, place="review")


def test_a_run_that_is_watched_stopped_and_resumed_to_its_end(desk: PractisedDesk) -> None:
    gate = held(desk)

    async def watched(person: Walk) -> None:
        await into(person, gate)
        await compare_both(person, "run")
        await person.pilot.press("t")
        await compare_both(person, "run-topology")
        await person.pilot.press("t", "ctrl+q")
        await person.sees("Leave now?")
        await person.still()
        compare(person.app, "dialog-quit-80x24")  # what lies below a dialog is drawn anew when it is gone
        await person.pilot.press("escape", "c")
        await person.sees("Stopping after this change")
        await compare_both(person, "run-stopping")
        gate.go_on.set()
        await over(person)
        await compare_both(person, "run-stopped")

    async def resumed(person: Walk) -> None:
        await person.sees("done and still true")
        await compare_both(person, "resume")
        await person.press("o")
        await compare_both(person, "dialog-over")
        await person.press("escape", "enter")
        await person.until(lambda: person.stage == "done")
        await compare_both(person, "done")
        await person.press("d")
        await person.sees("All is well.")
        await compare_both(person, "doctor")

    walk(desk.folder, watched, desk=desk, place="review")
    desk.cluster.restarted()
    walk(desk.folder, resumed, desk=desk)


def test_a_run_in_which_a_host_dies(desk: PractisedDesk) -> None:
    gate = held(desk)

    async def steps(person: Walk) -> None:
        await into(person, gate)
        desk.cluster.hosts.faults.dead.update({"tower-b", "etcd-b", "server-b"})
        gate.go_on.set()
        await over(person)
        await compare_both(person, "run-failed")

    walk(desk.folder, steps, desk=desk, place="review")


def test_doctor_names_the_one_cause_of_what_it_finds(desk: PractisedDesk) -> None:
    build(desk)
    desk.cluster.hosts.faults.dead.update({"tower-b", "etcd-b", "server-b"})

    async def steps(person: Walk) -> None:
        person.app.doctor()
        await person.sees("Something is wrong")
        await compare_both(person, "doctor-cause")
        await person.press("t")
        await compare_both(person, "doctor-topology")

    walk(desk.folder, steps, desk=desk)


def test_what_drifted_since_is_told_by_the_way_back(desk: PractisedDesk) -> None:
    gate = held(desk)

    async def stopped(person: Walk) -> None:
        await into(person, gate)
        await person.pilot.press("c")
        gate.go_on.set()
        await over(person)

    async def steps(person: Walk) -> None:
        await person.sees("done but drifted")
        await compare_both(person, "resume-drifted")

    walk(desk.folder, stopped, desk=desk, place="review")
    desk.cluster.restarted()
    desk.cluster.machines["etcd-a"].etcd.enabled = False
    walk(desk.folder, steps, desk=desk)
