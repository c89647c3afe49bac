"""The picture of the homelab: symbols with words, what a lost host takes with it, the quorum, and the width."""

from __future__ import annotations

import pytest

from tests.practice.cluster import MACHINES
from tests.specs import spec_text
from tests.view.events import BEGAN, run_ended
from wizard.core.check import Finding, Status
from wizard.core.events import (
    ChangeFinished,
    ChangeStarted,
    CheckFinished,
    Event,
    HostState,
    RunStarted,
    StepFinished,
    StepPlanned,
    StepStarted,
)
from wizard.core.spec import ClusterSpec, parse_spec
from wizard.core.view.progress import RunView, folded
from wizard.core.view.styled import plain, wide
from wizard.core.view.topology import Health, Topology, topology, topology_lines

STEPS = (("machines", "Machines"), ("etcd", "etcd"))


def spec() -> ClusterSpec:
    found, problems = parse_spec(spec_text(MACHINES), source="test")
    assert found is not None, problems
    return found


def picture(*events: Event, findings: tuple[Finding, ...] = ()) -> Topology:
    home = spec()
    began = RunStarted(at=BEGAN, command="apply", cluster="loop", steps=STEPS)
    return topology(home, home.machines, folded(RunView(), [began, *events]), findings)


def drawn(found: Topology, width: int = 80) -> str:
    return plain(topology_lines(found, width))


def finding(status: Status, host: str, step: str = "machines", check: str = "machines.runs") -> Finding:
    return Finding(status, "-", check=check, step=step, host=host)


def change(step: str, key: str, host: str, status: str) -> list[Event]:
    begin = ChangeStarted(step=step, change=key, host=host, summary=key)
    end = ChangeFinished(step=step, change=key, host=host, summary=key, status=status)
    return [begin] if status == "running" else [begin, end]


def health(found: Topology, name: str) -> Health:
    nodes = [node for place in found.places for node in (place.node, *place.guests)]
    return next(node.health for node in nodes if node.name == name)


def test_before_anything_is_done_every_machine_is_there_and_not_yet() -> None:
    home = spec()
    text = drawn(topology(home, home.machines))
    for name in ("tower-a", "tower-b", "pi", "etcd-a", "server-b"):
        assert name in text
    assert text.count("not yet") >= 7
    assert "not formed yet, 3 members planned" in text


def test_a_guest_is_planned_then_at_work_then_ok() -> None:
    rows = (("create:etcd-a", "tower-a", "Make", 1.0), ("boot:etcd-a", "tower-a", "Wait", 1.0))
    plan = StepPlanned(step="machines", changes=rows)
    assert health(picture(plan), "etcd-a") is Health.PLANNED
    running = change("machines", "create:etcd-a", "tower-a", "running")
    assert health(picture(plan, *running), "etcd-a") is Health.BUSY
    done = change("machines", "create:etcd-a", "tower-a", "done")
    assert health(picture(plan, *done), "etcd-a") is Health.BUSY, "it is made and does not answer yet"
    both = [*done, *change("machines", "boot:etcd-a", "tower-a", "done")]
    assert health(picture(plan, *both), "etcd-a") is Health.OK
    lost = [*done, *change("machines", "boot:etcd-a", "tower-a", "unknown")]
    assert health(picture(plan, *lost), "etcd-a") is Health.UNKNOWN


PLAN = (
    ("create:etcd-a", "tower-a", "Make", 1.0),
    ("boot:etcd-a", "etcd-a", "Wait", 1.0),
    ("create:server-a", "tower-a", "Make", 1.0),
    ("create:etcd-b", "tower-b", "Make", 1.0),
    ("boot:etcd-b", "etcd-b", "Wait", 1.0),
)


def ended(status: str, *events: Event) -> Topology:
    """A run that made tower-a's first guest, and then ended in some way."""
    plan = StepPlanned(step="machines", changes=PLAN)
    made = change("machines", "create:etcd-a", "tower-a", "done")
    return picture(plan, *made, *events, *([run_ended(9, status)] if status else []))


def test_once_a_run_has_ended_nothing_is_at_work_any_more() -> None:
    assert health(ended(""), "etcd-a") is Health.BUSY
    for status in ("failed", "stopped"):
        found = ended(status, *change("machines", "create:etcd-b", "tower-b", "failed"))
        assert health(found, "etcd-a") is Health.HALF
        assert health(found, "server-a") is Health.PLANNED
        assert health(found, "etcd-b") is Health.BAD
        assert "at work" not in drawn(found)
        assert found.quorum == (Health.PLANNED, "not formed yet, 3 members planned")


def test_a_change_whose_end_nobody_saw_is_not_known_once_the_run_has_ended() -> None:
    waits = change("machines", "boot:etcd-a", "etcd-a", "running")
    assert health(ended("", *waits), "etcd-a") is Health.BUSY
    assert health(ended("failed", *waits), "etcd-a") is Health.UNKNOWN


def test_what_was_kept_back_is_not_yet_and_beside_something_done_half_done() -> None:
    kept = [
        ChangeFinished(step="machines", change=key, host=host, summary="", status="not-started")
        for key, host, _, _ in PLAN[1:]
    ]
    found = ended("stopped", *kept)
    assert [health(found, name) for name in ("etcd-a", "server-a")] == [Health.HALF, Health.PLANNED]


def test_a_check_that_failed_in_a_run_that_has_ended_is_told_of_its_machine() -> None:
    done = change("machines", "boot:etcd-a", "etcd-a", "done")
    wrong = CheckFinished(finding=finding(Status.FAIL, "etcd-a", check="machines.clock"))
    assert health(ended("", *done, wrong), "etcd-a") is Health.OK
    assert health(ended("failed", *done, wrong), "etcd-a") is Health.BAD
    gone = CheckFinished(finding=finding(Status.FAIL, "tower-b", "hosts", "hosts.reach"))
    assert health(ended("failed", gone), "tower-b") is Health.AWAY


def test_members_that_were_set_up_before_the_run_ended_are_counted() -> None:
    rows = tuple((f"start:{name}", name, "Start", 1.0) for name in ("etcd-a", "etcd-b", "pi"))
    plan = StepPlanned(step="etcd", changes=rows)
    first = change("etcd", "start:pi", "pi", "done")
    assert picture(plan, *first).quorum == (Health.BUSY, "forming, 1 of 3 members vote")
    assert picture(plan, *first, run_ended(9, "stopped")).quorum == (Health.HALF, "1 of 3 members set up")


def test_what_was_there_already_is_ok_once_its_step_has_looked() -> None:
    looked = [
        StepStarted(step="machines", title="Machines"),
        StepFinished(step="machines", title="Machines", status="done"),
    ]
    assert health(picture(*looked), "etcd-a") is Health.OK


def test_a_host_that_dies_takes_its_guests_with_it_and_the_quorum_holds() -> None:
    wrong = (
        finding(Status.FAIL, "tower-a", "hosts", "hosts.reach"),
        finding(Status.PASS, "tower-b"),
        finding(Status.PASS, "pi", "etcd", "etcd.member"),
        finding(Status.PASS, "etcd-b", "etcd", "etcd.member"),
    )
    found = picture(findings=wrong)
    assert health(found, "etcd-a") is Health.AWAY
    assert health(found, "tower-b") is Health.OK
    assert found.quorum == (Health.WARN, "2 of 3 members vote: holds, one more loss stops it")


def test_without_a_majority_it_says_that_it_has_stopped() -> None:
    wrong = (
        finding(Status.FAIL, "tower-a", "hosts", "hosts.reach"),
        finding(Status.FAIL, "tower-b", "hosts", "hosts.reach"),
        finding(Status.PASS, "pi", "etcd", "etcd.member"),
    )
    health_of, text = picture(findings=wrong).quorum
    assert health_of is Health.BAD
    assert "STOPPED" in text


def test_all_members_voting() -> None:
    fine = tuple(finding(Status.PASS, name, "etcd", "etcd.member") for name in ("etcd-a", "etcd-b", "pi"))
    fine += (finding(Status.PASS, "tower-a"), finding(Status.PASS, "tower-b"))
    assert picture(findings=fine).quorum == (Health.OK, "3 of 3 members vote: holds, can lose 1")


def test_a_host_nobody_reached_is_no_answer_in_a_run() -> None:
    assert health(picture(HostState(host="tower-b", status="failed")), "tower-b") is Health.AWAY


@pytest.mark.parametrize("width", [24, 40, 56, 61, 80, 120, 200])
def test_it_fits_every_width_and_its_boxes_are_closed(width: int) -> None:
    lines = topology_lines(picture(), width)
    assert max(wide(one) for one in lines) <= width
    boxes = [plain([one]) for one in lines if plain([one])[0] in "┌│└"]
    assert len(boxes) >= 4
    assert all(text[-1] in "┐│┘" for text in boxes)


def test_where_no_box_fits_each_machine_is_a_line() -> None:
    text = drawn(picture(), 20)
    assert "─" not in text
    assert "  -- etcd-a    not.." in text
    assert "-- tower-a     not yet" in drawn(picture(), 22)
    assert max(len(row) for row in text.splitlines()) <= 20


def test_every_symbol_comes_with_its_word() -> None:
    assert len({(one.symbol, one.word) for one in Health}) == len(Health)
    assert all(one.word for one in Health)
