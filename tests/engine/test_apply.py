"""Apply and plan on the simulated homelab."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from graphlib import CycleError

import pytest

from steps.hosts import Hosts
from tests.engine.story import TOY_HANDLERS, Closed, Here, Lab, Memory, Toy, yes
from tests.rows import assert_explained
from wizard.core.change import Change
from wizard.core.check import Check, Status, failed, skipped
from wizard.core.context import Context, Work
from wizard.core.engine.control import Control
from wizard.core.engine.order import in_order
from wizard.core.errors import ExitCode, HostKeyChangedError, StateError
from wizard.core.events import (
    ChangeFinished,
    ChangeProgress,
    ChangeStarted,
    Event,
    Note,
    StepFinished,
    StepStarted,
)
from wizard.core.host import ReadOnlyHost, ReadOnlyViolationError
from wizard.core.state import ChangeStatus, RunState, StepStatus
from wizard.core.step import Step
from wizard.practice.faults import Faults, link_lost
from wizard.practice.host import PracticeHost, fingerprint

ALL = 3 + 9
"""Markers and files of three hosts."""


def test_apply_then_plan_is_empty(lab: Lab) -> None:
    result = lab.session().apply(yes)
    assert (result.status, result.changes) == ("done", ALL)
    plan, left = lab.session().plan()
    assert plan.changes == 0
    assert len(left.holds) == ALL
    assert not (left.drifted or left.half or left.unstarted or left.answers)


def test_apply_again_runs_nothing_and_asks_each_host_little(lab: Lab) -> None:
    lab.session().apply(yes)
    for machine in lab.machines.values():
        machine.requests = 0
    saves = len(lab.memory.saved)
    result = lab.session().apply(yes)
    assert (result.status, result.changes) == ("done", 0)
    assert {machine.requests for machine in lab.machines.values()} == {1}
    assert len(lab.memory.saved) == saves, "nothing to do, yet the state was written"


def test_plan_and_doctor_write_nothing(lab: Lab) -> None:
    before = fingerprint(lab.machines)
    plan, _ = lab.session().plan()
    report = lab.session().doctor()
    assert plan.changes == ALL
    assert report.verdict == "fail"
    assert fingerprint(lab.machines) == before
    assert lab.memory.saved == []
    assert not any(machine.ran for machine in lab.machines.values())


def test_a_step_that_writes_while_planning_is_stopped() -> None:
    host = ReadOnlyHost(Lab().hosts["pi"])
    with pytest.raises(ReadOnlyViolationError):
        host.read("do/marker")
    for attribute in ("put", "do", "run_lock"):
        with pytest.raises(ReadOnlyViolationError):
            getattr(host, attribute)


def test_saying_no_changes_nothing(lab: Lab) -> None:
    before = fingerprint(lab.machines)
    result = lab.session().apply(lambda *_: False)
    assert result.stopped
    assert fingerprint(lab.machines) == before
    assert lab.memory.saved == []


def test_changes_of_a_host_keep_their_order(lab: Lab) -> None:
    lab.session().apply(yes)
    for name in lab.machines:
        started = [
            event.change for event in lab.events if isinstance(event, ChangeStarted) and event.host == name
        ]
        assert started == [f"{kind}:{name}" for kind in ("marker", "a", "b", "c")]


def test_hosts_are_worked_on_side_by_side(lab: Lab) -> None:
    together = threading.Barrier(3, timeout=10)

    class Meet(Step):
        id, title, summary = "meet", "Meet", "Needs all three at once"

        def changes(self, ctx: Context) -> Iterator[Change]:
            if not ctx.state.step("meet").changes:
                for host in ctx.spec.hosts:
                    yield Change(f"meet:{host.name}", host.name, "Meet", lambda _work: str(together.wait()))

    lab.steps = (Meet(),)
    assert lab.session().apply(yes).changes == 3


class Meets(Step):
    """Two of these only end when both are done at the same time."""

    title, summary = "Meets", "Meets another step"

    def __init__(self, name: str, together: threading.Barrier, *beside: str) -> None:
        self.id, self.beside, self.together = name, beside, together  # type: ignore[misc]

    def changes(self, ctx: Context) -> Iterator[Change]:
        if not ctx.state.step(self.id).changes:
            yield Change("meet", "pi", "Meet", lambda _work: str(self.together.wait()))


def test_steps_that_say_so_are_done_side_by_side(lab: Lab) -> None:
    together = threading.Barrier(2, timeout=10)
    lab.steps = (Meets("one", together), Meets("two", together, "one"))
    assert lab.session().apply(yes).changes == 2
    assert lab.session().plan()[0].changes == 0


def test_a_step_that_does_not_say_so_waits_its_turn(lab: Lab) -> None:
    lab.steps = (Meets("one", threading.Barrier(1)), Meets("two", threading.Barrier(1)))
    assert lab.session().apply(yes).changes == 2
    steps = [
        (type(event), event.step) for event in lab.events if isinstance(event, StepStarted | StepFinished)
    ]
    assert steps == [(what, step) for step in ("one", "two") for what in (StepStarted, StepFinished)]


def test_a_step_that_fails_keeps_back_neither_the_one_beside_it_nor_what_needs_only_that(lab: Lab) -> None:
    class Fails(Closed):
        id = "fails"

        def checks(self, ctx: Context) -> Iterator[Check]:
            yield Check("fails.after", "It holds", lambda _ctx: failed("It does not."))

        def changes(self, ctx: Context) -> Iterator[Change]:
            yield from ()

    class Beside(Toy):
        id, beside = "beside", ("fails",)

    class Needs(Toy):
        id, needs, files = "needs", ("fails",), ("d", "e", "f")

    lab.steps = (Here(), Hosts(), Fails(), Beside(), Needs())
    result = lab.session().apply(yes)
    assert sorted(result.failed) == ["fails", "needs"]
    for files in lab.world().values():
        assert {"/toy/a", "/toy/b", "/toy/c"} <= set(files)
        assert "/toy/d" not in files


def test_a_step_is_not_begun_beside_one_whose_checks_before_do_not_hold(lab: Lab) -> None:
    class Beside(Toy):
        id, beside = "beside", ("closed",)

    lab.steps = (Here(), Hosts(), Closed(), Beside())
    result = lab.session().apply(yes)
    assert result.failed == ["closed", "beside"]
    assert not any(path.startswith("/toy") for files in lab.world().values() for path in files)


def test_a_state_that_cannot_be_saved_stops_the_step_beside_it_too(lab: Lab) -> None:
    control = Control()

    class First(Step):
        id, title, summary = "first", "First", "Its first save fails"

        def changes(self, ctx: Context) -> Iterator[Change]:
            yield Change("never", "tower-a", "Never", lambda _work: "never")

    class Second(Step):
        id, title, summary, beside = "second", "Second", "Goes on until it is told to stop", ("first",)

        def changes(self, ctx: Context) -> Iterator[Change]:
            yield Change("waits", "pi", "Wait", lambda _work: str(control.stop.wait(10)))
            yield Change("after", "pi", "Never begun", lambda _work: "never")

    class Full(Memory):
        def save(self, state: RunState) -> None:
            if "never" in state.step("first").changes:
                raise StateError("full", where="x", why="No space left on device", do="x")
            Memory.save(self, state)

    lab.memory = Full()
    lab.steps = (First(), Second())
    with pytest.raises(StateError):
        lab.session(control).apply(yes)
    assert not any("after" in state.step("second").changes for state in lab.memory.saved)


def test_a_change_waits_for_those_it_names(lab: Lab) -> None:
    order: list[str] = []

    def note(name: str) -> Change:
        def do(_work: Work) -> str:
            order.append(name)
            return name

        after = {"first": ("last",), "middle": (), "last": ("middle",)}[name]
        return Change(
            name, {"first": "tower-a", "middle": "tower-b", "last": "pi"}[name], name, do, after=after
        )

    class Chain(Step):
        id, title, summary = "chain", "Chain", "Across hosts"

        def changes(self, ctx: Context) -> Iterator[Change]:
            yield from (note(name) for name in ("first", "middle", "last") if not order)

    lab.steps = (Chain(),)
    lab.session().apply(yes)
    assert order == ["middle", "last", "first"]


def test_one_failed_host_does_not_hide_the_others(lab: Lab) -> None:
    lab.hosts.faults.dead.add("tower-b")
    result = lab.session().apply(yes)
    assert result.status == "failed"
    assert lab.machines["tower-a"].marker()
    assert lab.machines["pi"].marker()
    assert [error.where for error in result.errors] == ["tower-b"]
    assert_explained(result.errors[0], exit_code=ExitCode.UNREACHABLE, says=["tower-b"])
    ends = {event.step: event.status for event in lab.events if isinstance(event, StepFinished)}
    assert ends == {"here": "done", "hosts": "failed", "toy": "blocked"}


def test_a_failed_change_keeps_back_what_follows_on_its_host_only(lab: Lab) -> None:
    lab.session().apply(yes)
    for machine in lab.machines.values():
        for file in ("a", "b", "b-half", "c"):
            del machine.files[f"/toy/{file}"]
    faults = lab.hosts.faults

    def pi_is_full(host: str, what: str) -> None:
        if host == "pi" and what == "do/toy":
            faults.fail["do/toy"] = (7, "no space left on device\n")
        else:
            faults.fail.pop("do/toy", None)

    faults.watch = pi_is_full
    result = lab.session().apply(yes)
    assert result.status == "failed"
    ends = {(event.change, event.status) for event in lab.events if isinstance(event, ChangeFinished)}
    assert ("c:tower-a", "done") in ends
    assert ("c:pi", "not-started") in ends
    record = lab.memory.saved[-1].step("toy").changes["a:pi"]
    assert record.status is ChangeStatus.FAILED
    assert "failed" in record.evidence


def test_a_fatal_check_keeps_the_changes_from_beginning(lab: Lab) -> None:
    lab.steps = (Closed(),)
    result = lab.session().apply(yes)
    assert result.status == "failed"
    assert result.changes == 0
    assert not any(machine.ran for machine in lab.machines.values())
    assert [item.status for item in result.findings] == [Status.FAIL]


def test_stop_finishes_what_runs_and_begins_nothing_new(lab: Lab) -> None:
    control = Control()
    lab.hosts.faults.watch = lambda _host, what: control.request() if what == "do/toy" else None
    result = lab.session(control).apply(yes)
    assert result.stopped
    state = lab.memory.saved[-1]
    assert not state.in_flight(), "what was begun must be finished and saved"
    assert state.step("toy").status is StepStatus.HALF_DONE
    lab.hosts.faults.watch = None
    assert lab.session().apply(yes).status == "done"
    assert lab.twice() == []


def test_a_link_that_breaks_is_taken_up_again(lab: Lab) -> None:
    lab.hosts.faults.cut_before = ["do/toy", "do/marker"]
    lab.hosts.faults.cut_after = ["do/toy", "do/marker"]
    result = lab.session().apply(yes)
    assert result.status == "done"
    assert lab.twice() == []
    said = [event.text for event in lab.events if isinstance(event, ChangeProgress)]
    assert any("the link to" in text and "trying again" in text for text in said)


def test_a_wish_to_stop_ends_the_tries_to_reach_a_host_again(lab: Lab) -> None:
    control = Control()
    lab.hosts.faults.cut_after = ["do/toy"] * 50
    tries: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, ChangeProgress) and "trying again" in event.text:
            tries.append(event.text)
            control.request()

    result = replace(lab.session(control), emit=tell, pauses=(3600.0,) * 50).apply(yes)
    assert result.stopped
    assert not result.failed
    assert 0 < len(tries) <= len(lab.machines)
    assert not control.detach.is_set()
    assert lab.memory.saved[-1].in_flight()
    lab.hosts.faults.cut_after = []
    assert lab.session().apply(yes).status == "done"
    assert lab.twice() == []


def test_a_link_that_stays_broken_leaves_a_state_that_says_so(lab: Lab) -> None:
    lab.hosts.faults.cut_after = ["do/toy"] * 50
    result = lab.session().apply(yes)
    assert result.status == "failed"
    assert lab.memory.saved[-1].in_flight()
    for error in result.errors:
        assert_explained(error, exit_code=ExitCode.UNREACHABLE, do="wizard apply")
    lab.hosts.faults.cut_after = []
    assert lab.session().apply(yes).status == "done"
    assert lab.twice() == []
    notes = [event.text for event in lab.events if isinstance(event, Note)]
    assert any("went on without us and was done" in text for text in notes)


def test_a_state_that_cannot_be_saved_stops_the_run_before_the_host_hears_of_it(lab: Lab) -> None:
    full = StateError(
        "The state could not be saved.", where="/state", why="no space: 0 bytes free", do="df -h"
    )
    for fail_at in range(1, 12):
        fresh = Lab()
        fresh.memory.fail_at, fresh.memory.error = fail_at, full
        with pytest.raises(StateError) as caught:
            fresh.session().apply(yes)
        assert_explained(caught.value, exit_code=ExitCode.STATE, says=["0 bytes free"])
        begun = {record.op for state in fresh.memory.saved for _, record in state.in_flight()}
        ran = {run.op.removesuffix("-2") for machine in fresh.machines.values() for run in machine.ran}
        assert ran <= begun, "an operation ran that no saved state knows of"


def test_another_clusters_host_is_refused(lab: Lab) -> None:
    lab.session().apply(yes)
    other = Lab(machines=lab.machines)
    before = fingerprint(lab.machines)
    for attempt in (other.session().plan, lambda: other.session().apply(yes)):
        with pytest.raises(StateError) as caught:
            attempt()
        assert_explained(caught.value, exit_code=ExitCode.STATE, says=["another cluster"])
    assert fingerprint(lab.machines) == before


def test_an_older_state_than_the_hosts_know_is_refused(lab: Lab) -> None:
    lab.session().apply(yes)
    old = lab.memory.saved[-1]
    del lab.machines["pi"].files["/toy/c"]
    lab.session().apply(yes)
    lab.memory.saved.append(old)
    with pytest.raises(StateError) as caught:
        lab.session().plan()
    assert_explained(caught.value, exit_code=ExitCode.STATE, says=["older"])


def test_a_second_operator_is_refused_by_the_host(lab: Lab) -> None:
    taken = lab.machines["tower-b"]
    taken.locked, taken.lock_holder = True, "bert@desk pid 7"
    before = fingerprint(lab.machines)
    with pytest.raises(StateError) as caught:
        lab.session().apply(yes)
    assert_explained(caught.value, exit_code=ExitCode.STATE, says=["bert@desk pid 7"])
    assert fingerprint(lab.machines) == before
    assert not lab.machines["tower-a"].locked, "the lock of the other hosts was kept"


def test_the_lock_is_taken_anew_when_the_link_breaks_before_a_change(lab: Lab) -> None:
    held: dict[str, list[bool]] = {name: [] for name in lab.machines}
    taken: list[str] = []

    def watch(host: str, what: str) -> None:
        if what == "run_lock":
            taken.append(host)
        if what.startswith("do/"):
            held[host].append(lab.machines[host].locked)

    lab.hosts.faults.watch = watch
    lab.hosts.faults.cut_before = ["do/marker", "do/toy"]
    lab.hosts.faults.cut_after = ["do/toy"]
    assert lab.session().apply(yes).status == "done"
    assert len(taken) == len(lab.machines) + 3
    assert all(all(seen) for seen in held.values()), "a change without the lock"
    assert lab.twice() == []
    assert not any(machine.locked for machine in lab.machines.values())


@pytest.mark.parametrize("cut", ["do/toy", "after do/toy"])
def test_a_host_somebody_else_takes_while_the_link_is_broken(lab: Lab, cut: str) -> None:
    machine = lab.machines["tower-b"]
    bert = ExitStack()
    broken: list[str] = []

    def watch(host: str, what: str) -> None:
        if (host, what) == ("tower-b", "run_lock") and machine.ran:
            other = PracticeHost(machine, Faults(), TOY_HANDLERS)
            bert.enter_context(other.run_lock("bert@desk pid 7", 1, machine.marker()["lineage"]))
            lab.hosts.faults.watch = None
        if (host, what) == ("tower-b", cut) and not broken:
            broken.append(host)
            raise link_lost(host)

    lab.hosts.faults.watch = watch
    with pytest.raises(StateError) as caught:
        lab.session().apply(yes)
    assert_explained(caught.value, exit_code=ExitCode.STATE, says=["bert@desk pid 7"])
    state = lab.memory.last
    assert state is not None
    assert state.step("toy").changes["a:tower-b"].status is ChangeStatus.IN_FLIGHT, "it may have been begun"
    assert len([run for run in machine.ran if run.script == "do/toy"]) == (cut == "after do/toy")
    bert.close()
    assert lab.session().apply(yes).status == "done"
    assert lab.twice() == []


def test_row_c48_a_name_that_leads_to_a_stranger_mid_change_leaves_it_open(lab: Lab) -> None:
    """The link breaks after the effect, and the name leads elsewhere when we come back: nobody knows how it ended."""
    stranger = HostKeyChangedError("another key", where="tower-b", why="not the confirmed one", do="look")

    def watch(host: str, what: str) -> None:
        if (host, what) == ("tower-b", "after do/toy"):
            lab.hosts.faults.cut_after.append("do/toy")
            lab.hosts.faults.refused["tower-b"] = stranger

    lab.hosts.faults.watch = watch
    result = lab.session().apply(yes)
    assert stranger in result.errors
    state = lab.memory.last
    assert state is not None
    assert state.step("toy").changes["a:tower-b"].status is ChangeStatus.IN_FLIGHT
    lab.hosts.faults.watch = None
    lab.hosts.faults.refused.clear()
    assert lab.session().apply(yes).status == "done"
    assert lab.twice() == []


def test_what_drifted_is_named_and_mended(lab: Lab) -> None:
    lab.session().apply(yes)
    del lab.machines["pi"].files["/toy/c"]
    _, left = lab.session().plan()
    assert left.drifted == ("Make c on pi",)
    lab.session().apply(yes)
    assert "/toy/c" in lab.machines["pi"].files


def test_steps_that_need_each_other_are_a_defect() -> None:
    class One(Step):
        id, title, summary, needs = "one", "One", "", ("two",)

    class Two(Step):
        id, title, summary, needs = "two", "Two", "", ("one",)

    with pytest.raises(CycleError):
        in_order([One(), Two()])


def test_a_defect_of_a_step_is_told_and_does_not_end_the_run(lab: Lab) -> None:
    class Broken(Step):
        id, title, summary = "broken", "Broken", "Divides by zero"

        def changes(self, ctx: Context) -> Iterator[Change]:
            yield Change("boom", "pi", "Divide", lambda _work: str(1 / 0))
            yield Change("fine", "tower-a", "Fine", lambda _work: "fine")

    lab.steps = (Broken(),)
    result = lab.session().apply(yes)
    assert result.changes == 1
    assert_explained(result.errors[0], exit_code=ExitCode.FAILED, says=["defect", "ZeroDivisionError"])


def test_a_step_that_failed_only_because_it_could_not_look_says_at_what(lab: Lab) -> None:
    class Blind(Step):
        id, title, summary = "blind", "Blind", "Cannot look"

        def checks(self, ctx: Context) -> Iterator[Check]:
            away = replace(skipped("Not checked: pi cannot be reached."), explained_by="hosts.reach")
            yield Check("blind.sees", "It sees pi", lambda _: away, host="pi")

    lab.steps = (Blind(),)
    result = lab.session().apply(yes)
    assert (result.status, result.errors) == ("failed", [])
    assert_explained(result.unmet[0], exit_code=ExitCode.FAILED, says=["pi cannot be reached", "blind.sees"])


def test_a_check_that_fails_for_what_an_earlier_step_looks_at_is_told_and_not_left_to_that_one(
    lab: Lab,
) -> None:
    class Deaf(Step):
        id, title, summary = "deaf", "Deaf", "Its machine was paused since the step before"

        def checks(self, ctx: Context) -> Iterator[Check]:
            silent = replace(failed("pi is not ready."), explained_by="machines.running")
            follows = replace(failed("pi has no labels."), explained_by="deaf.ready")
            yield Check("deaf.ready", "It answers", lambda _: silent, host="pi")
            yield Check("deaf.labels", "It is labelled", lambda _: follows, host="pi")

    lab.steps = (Deaf(),)
    result = lab.session().apply(yes)
    (error,) = result.unmet
    assert_explained(error, exit_code=ExitCode.FAILED, says=["pi is not ready", "deaf.ready"])


@pytest.mark.parametrize("shown", [True, False])
def test_what_was_found_to_be_destroyed_only_after_the_yes_is_not_destroyed(lab: Lab, *, shown: bool) -> None:
    asked: list[bool] = []
    lost: list[str] = []

    class Wipe(Step):
        id, title, summary = "wipe", "Wipe", "Finds a disk only once it was said yes"

        def changes(self, ctx: Context) -> Iterator[Change]:
            if asked or shown:
                yield Change("wipe", "", "Wipe sdb", _lose, destroys=("sdb of pi, 256 GB",))
            yield Change("else", "", "Something else", lambda _: "")

    def _lose(_: Work) -> str:
        lost.append("sdb")
        return ""

    def yes_to_that(*_: object) -> bool:
        asked.append(True)
        return True

    lab.steps = (Wipe(),)
    result = lab.session().apply(yes_to_that)
    assert (result.status, lost) == (("done", ["sdb"]) if shown else ("failed", []))
    if not shown:
        says = ["Wipe sdb", "sdb of pi, 256 GB", "found only since"]
        assert_explained(result.errors[0], exit_code=ExitCode.FAILED, says=says, do="wizard apply")


def test_answers_that_changed_since_are_named(lab: Lab) -> None:
    lab.session().apply(yes)
    lab.spec = replace(lab.spec, network=replace(lab.spec.network, gateway="192.168.10.2"))
    _, left = lab.session().plan()
    assert left.answers == (("network.gateway", "192.168.10.1", "192.168.10.2"),)
