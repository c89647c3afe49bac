"""From the plan to what was built, by keyboard only: straight through, stopped, let go, killed, with a host that dies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from screens.app import TERMINATED, WizardApp
from screens.drawn import LogPane
from tests.practice.cluster import MACHINES, cluster_text, parsed
from tests.screens.runs import Gate, PractisedDesk, build, desk_with_answers
from tests.screens.walk import Walk, Walker, walk
from wizard.core.draft import Draft
from wizard.core.events import Output
from wizard.core.prompt import Silent
from wizard.core.state import ApprovedLayout
from wizard.core.view.run_text import Leaving

FEWER = "".join(row for row in MACHINES.splitlines(keepends=True) if "server-b" not in row)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def desk(tmp_path: Path) -> PractisedDesk:
    return desk_with_answers(tmp_path)


def go(desk: PractisedDesk, steps: Walker, *, place: str = "", size: tuple[int, int] = (80, 24)) -> WizardApp:
    return walk(desk.folder, steps, desk=desk, place=place, size=size)


CHANGES = 41
"""Of the whole install of this homelab."""


def hold(desk: PractisedDesk, script: str, host: str) -> Gate:
    gate = Gate(lambda at, what: (at, what) == (host, script))
    desk.cluster.hosts.faults.watch = gate
    return gate


async def built(person: Walk) -> None:
    """From the review to the run, and on to its end."""
    await person.sees("changes, about")
    await person.press("ctrl+n")
    await person.until(lambda: person.stage == "done")


async def into(person: Walk, gate: Gate) -> None:
    """From the review into the middle of the run."""
    await person.sees("changes, about")
    await person.press("ctrl+n")
    await person.until(gate.reached.is_set)
    assert person.stage == "run"


def keys(person: Walk) -> str:
    """The first of the keys in the footer, and what it does."""
    return "  ".join(person.text().splitlines()[-1].split("  ")[:1]).strip()


async def over(person: Walk) -> None:
    await person.until(lambda: person.app.install is not None and not person.app.install.active)
    await person.pilot.pause(0.1)


def whole(desk: PractisedDesk) -> None:
    """As an uninterrupted run leaves it: three members, nothing done twice."""
    cluster = desk.cluster
    assert len(cluster.etcd().voters) == 3
    assert cluster.twice() == []


def test_straight_through_from_the_plan_to_what_was_built_and_doctor(desk: PractisedDesk) -> None:
    async def steps(person: Walk) -> None:
        await person.sees("nothing destroyed")
        await person.press("f")
        assert "untouched" in person.text() or "lost" in person.text()
        await person.press("t")
        assert "not formed yet, 3 members planned" in person.text()
        await built(person)
        said = person.text()
        assert "loop is built · " in said
        assert "10.213.99.31" in said
        await person.press("d")
        await person.sees("All is well.")
        await person.press("escape")
        assert person.stage == "done"

    go(desk, steps, place="review")
    whole(desk)


def test_nothing_is_begun_before_the_person_says_so(desk: PractisedDesk) -> None:
    async def steps(person: Walk) -> None:
        await person.sees("changes, about")
        for _ in range(3):
            await person.press("enter")
        assert person.stage == "review"
        assert person.app.install is None

    go(desk, steps, place="review")
    assert not any(machine.ran for machine in desk.cluster.machines.values())


def test_stopped_after_the_current_change_and_resumed_by_the_next_start(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/etcd-install", "etcd-b")

    async def stop(person: Walk) -> None:
        await into(person, gate)
        assert keys(person) == "c Stop after this"
        await person.press("c")
        await person.sees("Stopping after this change")
        assert keys(person) == "c Let go now"
        assert "Waiting for this to end:" in person.text()
        gate.go_on.set()
        await over(person)
        assert "Stopped · " in person.text()
        assert "Going on is safe" in " ".join(person.text().split())

    go(desk, stop, place="review")
    desk.cluster.restarted()

    async def resume(person: Walk) -> None:
        assert person.stage == "resume"
        await person.sees("done and still true")
        assert "not started" in person.text()
        await person.press("enter")
        await person.until(lambda: person.stage == "done")

    go(desk, resume)
    whole(desk)


def test_the_plan_is_made_anew_once_a_run_has_ended(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/etcd-install", "etcd-b")

    async def steps(person: Walk) -> None:
        await person.sees(f"{CHANGES} changes, about")
        await into(person, gate)
        person.app.go("review")
        assert f"{CHANGES} changes, about" in person.text(), (
            "while it goes on, the plan is the one that is carried out"
        )
        person.app.go("run")
        await person.press("c")
        gate.go_on.set()
        await over(person)
        assert person.app.install is not None
        left = CHANGES - person.app.install.feed.view.done
        await person.press("ctrl+n")
        assert person.stage == "review"
        await person.sees("changes, about")
        assert f"{left} changes, about" in person.text()

    go(desk, steps, place="review")


def test_let_go_in_the_middle_and_resumed(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/etcd-start", "pi")

    async def let_go(person: Walk) -> None:
        await into(person, gate)
        await person.press("c", "c")
        await person.sees("Letting go")
        assert not keys(person).startswith("c "), "there is nothing more to ask for"
        assert person.app.install is not None
        assert person.app.install.leaving is Leaving.NOW
        gate.go_on.set()
        await over(person)

    go(desk, let_go, place="review")
    desk.cluster.restarted()

    async def resume(person: Walk) -> None:
        assert person.stage == "resume"
        await person.press("ctrl+n")
        await person.until(lambda: person.stage == "done")

    go(desk, resume)
    whole(desk)


def test_a_polite_kill_in_the_middle_leaves_a_state_that_resumes(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/guest-create", "tower-b")

    async def killed(person: Walk) -> None:
        await into(person, gate)
        person.app.end(TERMINATED)
        gate.go_on.set()

    app = go(desk, killed, place="review")
    assert app.return_code == TERMINATED
    assert app.settled()
    desk.cluster.restarted()

    async def resume(person: Walk) -> None:
        assert person.stage == "resume"
        await person.press("ctrl+n")
        await person.until(lambda: person.stage == "done")

    go(desk, resume)
    whole(desk)


def test_quitting_while_it_runs_asks_first_and_the_safe_answer_has_the_focus(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/etcd-install", "etcd-b")

    async def steps(person: Walk) -> None:
        await into(person, gate)
        await person.pilot.press("ctrl+q")
        await person.sees("Leave now?")
        await person.pilot.press("enter")
        await person.until(lambda: person.stage == "run")
        assert person.app.install is not None
        assert person.app.install.active
        gate.go_on.set()
        await person.until(lambda: person.stage == "done")

    go(desk, steps, place="review")


def test_the_run_goes_on_while_other_screens_are_looked_at(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/etcd-install", "etcd-b")

    async def steps(person: Walk) -> None:
        await into(person, gate)
        await person.pilot.press("escape")
        await person.until(lambda: person.stage == "review")
        await person.sees("To the run")
        await person.pilot.press("ctrl+n")
        await person.until(lambda: person.stage == "run")
        await person.pilot.press("f1")
        await person.sees("The run")
        await person.pilot.press("escape")
        await person.pilot.press("t")
        await person.sees("forming")
        gate.go_on.set()
        await person.until(lambda: person.stage == "done")

    go(desk, steps, place="review")


def test_a_host_that_dies_in_the_middle_is_named_by_the_run_and_by_doctor_and_trying_again_ends_well(
    desk: PractisedDesk,
) -> None:
    gate = hold(desk, "do/etcd-install", "etcd-b")
    faults = desk.cluster.hosts.faults

    async def steps(person: Walk) -> None:
        await into(person, gate)
        faults.dead.update({"tower-b", "etcd-b", "server-b"})
        gate.go_on.set()
        await over(person)
        said = person.text()
        assert "Not finished" in said
        assert "does not answer" in said or "broke" in said
        await person.press("d")
        await person.sees("tower-b does not answer.")
        assert "Something is wrong" in person.text()
        await person.press("escape")
        faults.dead.clear()
        faults.watch = None
        await person.press("ctrl+n")
        await person.until(lambda: person.stage == "review")
        await person.until(lambda: "still being made" not in person.text() and "changes," in person.text())
        await person.press("ctrl+n")
        await person.until(lambda: person.stage == "done")

    go(desk, steps, place="review")
    assert len(desk.cluster.etcd().voters) == 3


def test_the_log_follows_until_it_is_scrolled_and_again_from_its_end(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/etcd-install", "etcd-b")

    def say(person: Walk, text: str, times: int = 60) -> None:
        assert person.app.install is not None
        for number in range(times):
            person.app.install.feed(
                Output(step="etcd", change="x", host="pi", line=f"{text} {number} [red]x[/]")
            )

    async def steps(person: Walk) -> None:
        await into(person, gate)
        await person.pilot.press("l")
        say(person, "first")
        await person.sees("first 59 [red]x[/]")
        await person.pilot.press("pageup")
        pane = person.app.screen.query_one(LogPane)
        await person.until(lambda: not pane.is_vertical_scroll_end)
        before = pane.scroll_offset.y
        say(person, "second", 5)
        await person.until(lambda: any("second 4" in text for text in pane.lines))
        assert pane.scroll_offset.y == before
        await person.pilot.press("end")
        await person.sees("second 4")
        say(person, "third", 5)
        await person.sees("third 4")
        await person.pilot.press("l")
        assert not pane.display
        gate.go_on.set()
        await person.until(lambda: person.stage == "done")

    go(desk, steps, place="review")


def test_a_flood_of_output_is_bounded_and_keys_still_work(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/etcd-install", "etcd-b")

    async def steps(person: Walk) -> None:
        await into(person, gate)
        await person.pilot.press("l")
        assert person.app.install is not None
        for host in range(12):
            for number in range(1000):
                person.app.install.feed(
                    Output(step="etcd", change="x", host=f"h{host}", line=f"line {number}")
                )
        pane = person.app.screen.query_one(LogPane)
        await person.until(lambda: any("more lines are in the log file only" in row for row in pane.lines))
        await person.pilot.press("t")
        await person.sees("forming")
        assert pane.line_count <= 2001
        gate.go_on.set()
        await person.until(lambda: person.stage == "done")

    go(desk, steps, place="review")


def test_what_would_be_destroyed_is_typed_and_enter_alone_destroys_nothing(tmp_path: Path) -> None:
    desk = desk_with_answers(tmp_path)
    build(desk)
    desk.spec.write_text(cluster_text(desk.folder / "key", machines=FEWER))
    there = desk.cluster.machines["tower-b"].domains

    async def steps(person: Walk) -> None:
        await person.sees("This destroys 2 things")
        await person.press("ctrl+n")
        await person.sees("To go on, type server-b here:")
        await person.press("enter")
        assert (person.stage, person.app.install) == ("review", None)
        await person.press("ctrl+n")
        await person.press("shift+tab", *"wrong", "enter", "enter")
        assert (person.stage, person.app.install) == ("review", None)
        assert "server-b" in there
        await person.press("ctrl+n")
        await person.press("shift+tab", *"server", "minus", "b", "tab", "tab", "enter")
        await person.until(lambda: person.stage == "done")

    go(desk, steps, place="review")
    assert "server-b" not in there


def test_start_over_begins_the_questions_anew_and_deletes_nothing(desk: PractisedDesk) -> None:
    gate = hold(desk, "do/etcd-install", "etcd-b")

    async def stop(person: Walk) -> None:
        await into(person, gate)
        await person.press("c")
        gate.go_on.set()
        await over(person)

    go(desk, stop, place="review")
    desk.cluster.restarted()
    before, answers = dict(desk.cluster.machines["tower-a"].domains), desk.spec.read_text()

    async def start_over(person: Walk) -> None:
        await person.sees("done and still true")
        await person.press("o")
        await person.press("enter")
        assert person.stage == "resume", "the safe answer has the focus"
        await person.press("o", "tab", "enter")
        await person.until(lambda: person.stage == "hosts")

    go(desk, start_over)
    assert desk.cluster.machines["tower-a"].domains == before
    assert (desk.folder / "cluster.yaml.bak").read_text() == answers
    assert not desk.spec.exists()


def test_whoever_started_over_and_left_comes_back_to_the_new_answers_until_they_are_built(
    desk: PractisedDesk,
) -> None:
    gate, answers = hold(desk, "do/etcd-install", "etcd-b"), desk.spec.read_text()

    async def stop(person: Walk) -> None:
        await into(person, gate)
        await person.press("c")
        gate.go_on.set()
        await over(person)

    async def start_over(person: Walk) -> None:
        await person.sees("done and still true")
        await person.press("o", "tab", "enter")
        await person.until(lambda: person.stage == "hosts")
        person.app.replace(replace(Draft.read(answers, source="test"), anew=True))

    async def back_again(person: Walk) -> None:
        assert person.stage == "welcome"
        assert "Go on" in person.text()
        person.app.go("review")
        desk.cluster.hosts.faults.dead.add("tower-b")
        await person.until(lambda: "still being made" not in person.app.screen.refusal())  # type: ignore[attr-defined]
        person.app.build(frozenset())
        await over(person)

    async def left_again(person: Walk) -> None:
        assert person.stage == "resume"

    go(desk, stop, place="review")
    desk.cluster.restarted()
    go(desk, start_over)
    assert desk.spec.exists(), "sound at once: the mark alone says that they are new"
    go(desk, back_again)
    go(desk, left_again)


def test_machines_that_were_agreed_on_are_shown_whatever_the_hosts_are_like_now(tmp_path: Path) -> None:
    desk = desk_with_answers(tmp_path, "")
    spec, agreed = desk.cluster.spec, parsed(cluster_text(tmp_path / "key")).machines
    with desk.session(spec, prompter=Silent(), write=True) as session:
        session.saver.save(replace(session.state, layout=ApprovedLayout(agreed, 1_764_000_000.0, "")))

    async def steps(person: Walk) -> None:
        await person.sees("Agreed on 2025-11-24")
        said = person.text()
        assert "etcd-a      1 cpu    1G" in said
        assert "A proposal of today would differ:" in said
        await person.press("enter")
        await person.type("2")
        await person.press("tab")
        assert "Your own sizes." in person.text()

    go(desk, steps, place="machines", size=(120, 36))


def test_a_run_that_was_left_before_its_first_change_says_so(desk: PractisedDesk) -> None:
    with desk.session(desk.cluster.spec, prompter=Silent(), write=True) as session:
        session.saver.save(replace(session.state, serial=1))

    async def steps(person: Walk) -> None:
        assert person.stage == "resume"
        await person.sees("No change was begun yet.")

    go(desk, steps)
