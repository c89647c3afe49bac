"""The stream of events folded into one picture: what runs, how far it is, how long it still takes."""

from __future__ import annotations

import threading

import pytest

from tests.view.events import (
    BEGAN,
    begun,
    check,
    ended,
    output,
    planned,
    run_ended,
    started,
    step_ended,
    waits,
)
from wizard.core.check import Status
from wizard.core.engine.plan import Plan
from wizard.core.events import HostState, Note, StepPlanned
from wizard.core.view.feed import KEPT_LINES, Feed, log_line
from wizard.core.view.progress import PRIOR_PACE, PRIOR_SECONDS, RunView, folded, problems


def seen(*events: object) -> RunView:
    return folded(RunView(), [*planned(), *events])  # type: ignore[list-item]


def test_a_run_that_begins_has_every_step_and_nothing_done() -> None:
    view = folded(RunView(), [started()])
    assert (view.status, [step.status for step in view.steps]) == ("running", ["not-begun", "not-begun"])
    assert view.fraction(BEGAN) == 0.0
    assert view.left(BEGAN) is None, "nothing is known to be missing yet"


def test_the_change_that_runs_says_what_it_waits_for() -> None:
    view = seen(begun(0, 2), waits(0, 3, "etcd-a answers on 22", 0.5))
    ((step, change),) = view.running
    assert (step.id, change.key, change.waiting) == ("machines", "create:etcd-a", "etcd-a answers on 22")
    assert change.share(BEGAN + 3) == 0.5


def test_weights_make_the_bar() -> None:
    view = seen(begun(0, 2), ended(0, 12))
    assert (view.done, view.total) == (1, 2)
    assert view.fraction(BEGAN + 12) == pytest.approx(0.25), "10 of 40 expected seconds"


def test_a_change_that_cannot_say_how_far_it_is_counts_by_the_clock_but_never_as_done() -> None:
    view = seen(begun(1, 0))
    assert view.fraction(BEGAN + 15) == pytest.approx(15 / 40)
    assert view.fraction(BEGAN + 4000) == pytest.approx(0.95 * 30 / 40)


def test_a_run_that_is_not_done_is_never_told_to_be() -> None:
    view = seen(begun(0, 2), ended(0, 12), begun(1, 12), ended(1, 40))
    assert view.fraction(BEGAN + 40) == pytest.approx(0.99)
    assert folded(view, [run_ended(41)]).fraction(BEGAN + 41) == 1.0


def test_the_bar_never_goes_back_when_the_plan_grows() -> None:
    view = seen(begun(0, 2), ended(0, 12))
    more = StepPlanned(at=BEGAN + 13, step="etcd", changes=(("install:pi", "pi", "Install etcd", 400.0),))
    assert folded(view, [more]).fraction(BEGAN + 13) == pytest.approx(0.25)


def test_the_time_left_follows_the_pace_that_is_seen() -> None:
    slow, fast = seen(begun(0, 0), ended(0, 100)), seen(begun(0, 0), ended(0, 2))
    of_slow, of_fast = slow.left(BEGAN + 100), fast.left(BEGAN + 2)
    assert of_slow is not None
    assert of_fast is not None
    assert of_slow > 2 * of_fast
    assert of_fast == pytest.approx(30 * (PRIOR_SECONDS * PRIOR_PACE + 2) / (PRIOR_SECONDS + 10))


def test_a_run_that_ended_is_whole_and_has_no_time_left() -> None:
    view = seen(begun(0, 2), ended(0, 3), begun(1, 2), ended(1, 9), step_ended(9), run_ended(10))
    assert (view.status, view.fraction(BEGAN + 999), view.left(BEGAN + 999)) == ("done", 1.0, None)
    assert view.elapsed(BEGAN + 999) == 10.0


@pytest.mark.parametrize("status", ["failed", "unknown"])
def test_what_went_wrong_last_is_at_hand(status: str) -> None:
    view = seen(begun(0, 2), ended(0, 5, status, "tower-a does not answer."))
    assert view.error == "tower-a does not answer."
    assert list(problems(view)) == ["tower-a does not answer."]
    blocked = folded(view, [step_ended(6, "blocked", "etcd")])
    assert blocked.error == "tower-a does not answer.", "the cause stays, not what follows from it"


def test_a_check_that_is_tried_again_is_waited_for_by_name_until_it_holds() -> None:
    view = seen(check(Status.WAITING, 3))
    assert [one.check for one in view.waits] == ["etcd.quorum"]
    assert seen(check(Status.WAITING, 3), check(Status.PASS, 4)).waits == ()
    assert seen(check(Status.WAITING, 3), step_ended(5, "failed", "etcd")).waits == ()


def test_a_failed_check_is_an_error_unless_another_explains_it() -> None:
    assert seen(check(Status.FAIL, 3)).error == "No leader."
    assert seen(check(Status.FAIL, 3, explained_by="hosts.reach")).error == ""


def test_a_change_no_plan_named_is_shown_too() -> None:
    view = folded(RunView(), [started(), waits(0, 3, "still running on tower-a since an earlier run")])
    assert view.steps[0].changes[0].waiting.startswith("still running")


def test_hosts_and_notes_are_kept() -> None:
    view = folded(RunView(), [HostState(host="pi", status="connected"), Note(text="a backup was made")])
    assert (view.hosts["pi"], view.notes) == ("connected", ("a backup was made",))


def test_a_flood_of_output_is_bounded_and_said_so() -> None:
    feed = Feed(kept=100)
    for number in range(5000):
        feed(output(f"line {number}", host="pi"))
    drained = feed.drain()
    assert len(drained.lines) == 101
    assert "(4900 more lines are in the log file only)" in drained.lines[0]
    assert drained.lines[-1].endswith("line 4999")
    assert not drained.changed, "output alone draws nothing but the log"
    assert feed.drain().lines == ()


def test_the_log_that_is_opened_later_has_the_last_lines_and_no_more() -> None:
    feed = Feed()
    for _ in range(6):
        for number in range(500):
            feed(output(f"line {number}"))
        feed.drain()
    assert len(feed.log) == KEPT_LINES


def test_nothing_but_output_is_ever_passed_over() -> None:
    feed = Feed(kept=1)

    def work() -> None:
        for number in range(200):
            feed(Note(text=f"note {number}"))
            feed(output("noise"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum("note" in text for text in feed.drain().lines) == 8 * 200


def test_whoever_draws_is_called_once_for_all_that_came_and_again_after_it_was_drained() -> None:
    calls: list[int] = []
    feed = Feed(wake=lambda: calls.append(len(calls)))
    for number in range(50):
        feed(output(f"line {number}"))
    feed(Note(text="a note"))
    assert len(calls) == 1
    feed.drain()
    assert len(calls) == 1
    feed.expect(Plan(()))
    feed(Note(text="another"))
    assert len(calls) == 2
    assert feed.drain().changed


def test_what_comes_while_it_is_drained_is_not_left_lying() -> None:
    called, over = threading.Event(), threading.Event()
    feed, drained = Feed(wake=called.set), list[str]()

    def draw() -> None:
        while not (over.is_set() and not called.is_set()):
            called.wait(1.0)
            called.clear()
            drained.extend(feed.drain().lines)

    drawer = threading.Thread(target=draw)
    drawer.start()
    for number in range(3000):
        feed(Note(text=f"note {number}"))
    over.set()
    called.set()
    drawer.join()
    assert len(drained) == 3000


def test_a_wait_that_only_counts_is_one_line_of_the_log() -> None:
    feed = Feed()
    for seconds in range(5):
        feed(waits(0, 3 + seconds, f"etcd-a answers on port 22 ({seconds} s)"))
    feed(waits(0, 9, "etcd-a shows the host key we gave it"))
    assert len(feed.drain().lines) == 2
    feed(waits(0, 10, "etcd-a shows the host key we gave it"))
    assert feed.drain().lines == ()


def test_a_line_of_the_log_cannot_move_the_cursor() -> None:
    assert "\x1b" not in log_line(output("\x1b[2Jgone"))
