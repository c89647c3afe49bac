"""A run in words: what a person reads at any moment, at any width, and when it went wrong."""

from __future__ import annotations

import pytest

from tests.view.events import BEGAN, begun, check, ended, planned, run_ended, step_ended, waits
from wizard.core.check import Status
from wizard.core.errors import HostError
from wizard.core.events import Event, HostState, StepStarted
from wizard.core.view.progress import RunView, folded
from wizard.core.view.run_text import (
    Aim,
    Leaving,
    bar,
    current_lines,
    ending_lines,
    headline,
    leaving_lines,
    step_lines,
)
from wizard.core.view.styled import plain, wide


def seen(*events: Event) -> RunView:
    return folded(RunView(), [*planned(), *events])


def said(view: RunView, after: float = 10.0, leaving: Leaving = Leaving.NO) -> str:
    return plain([headline(view, BEGAN + after, leaving)])


def text(view: RunView, after: float = 10.0, width: int = 60, height: int = 14) -> str:
    return plain(current_lines(view, BEGAN + after, width, height))


def test_one_line_says_how_it_stands() -> None:
    assert said(seen(begun(0, 2), ended(0, 5))).startswith("Building · 1 of 2 · ")
    assert said(folded(RunView(), planned()[:1])).startswith("Looking at your hosts")
    assert said(seen(), leaving=Leaving.AFTER_THIS) == "Stopping after this change · 0 of 2"
    assert said(seen(begun(0, 2), ended(0, 5), run_ended(9, "stopped"))) == "Stopped · 1 of 2 done"
    assert said(seen(run_ended(9, "failed"))) == "Not finished · 0 of 2 done"
    assert said(seen(begun(0, 2), ended(0, 5), run_ended(9))) == "Built · 1 change in 9.0 s"
    assert said(RunView()) == "Nothing runs"


def test_a_repair_mends_and_has_mended() -> None:
    at_work, over = seen(begun(0, 2), ended(0, 5)), seen(begun(0, 2), ended(0, 5), run_ended(9))
    assert plain([headline(at_work, BEGAN + 10, aim=Aim.MEND)]).startswith("Mending · 1 of 2 · ")
    assert plain([headline(over, BEGAN + 10, aim=Aim.MEND)]) == "Mended · 1 change in 9.0 s"


@pytest.mark.parametrize("width", [20, 39, 80])
def test_the_bar_is_as_wide_as_asked_and_says_its_figure(width: int) -> None:
    half = bar(seen(begun(0, 2), ended(0, 5)), BEGAN + 9, width)
    assert wide(half) - width in (-1, 0)
    assert plain([half]).endswith(" 25%")
    assert plain([bar(seen(run_ended(9)), BEGAN + 9, width)]).endswith("100%")


def test_the_step_at_work_is_opened_and_names_what_it_waits_for() -> None:
    now = text(seen(begun(0, 2), ended(0, 5), begun(1, 3), waits(1, 4, "etcd-b answers on port 22")))
    assert ".. Machines" in now
    assert "ok tower-a    Make etcd-a" in now
    assert "waiting: etcd-b answers on port 22" in now
    assert "7.0 s" in now, "since it began"
    assert "-- etcd cluster" not in now, "it stands in the rail"


def leaves(view: RunView, leaving: Leaving = Leaving.AFTER_THIS, height: int = 14) -> str:
    return plain(leaving_lines(view, BEGAN + 10, 60, height, leaving))


def test_a_run_that_is_being_stopped_says_what_it_waits_for_and_what_the_key_does_now() -> None:
    one = leaves(seen(begun(0, 2), ended(0, 5), begun(1, 3), waits(1, 4, "etcd-b answers on port 22")))
    assert "Nothing more is begun. Waiting for this to end:" in one
    assert ".. tower-b    Make etcd-b" in one
    assert "waiting: etcd-b answers on port 22" in one
    assert "Make etcd-a" not in one, "it has ended"
    assert "Press c again to let go now" in one
    assert "Waiting for these 2 to end:" in leaves(seen(begun(0, 2), begun(1, 3)))
    assert "Waiting for the hosts to answer." in leaves(seen())


def test_where_there_is_little_room_what_the_key_does_is_said_all_the_same() -> None:
    told = leaves(seen(begun(0, 2), begun(1, 3), waits(1, 4, "etcd-b answers on port 22")), height=6)
    assert "Make etcd-a" in told
    assert "waiting" not in told
    assert told.count("\n") == 5
    assert "Press c again to let go now" in told


def test_a_run_that_lets_go_says_what_becomes_of_the_hosts() -> None:
    told = leaves(seen(begun(0, 2)), Leaving.NOW)
    assert "Waiting until what was begun is saved." in told
    assert "What runs on a host goes on there" in told
    assert "Press c" not in told


def test_a_check_that_does_not_hold_yet_is_named_too() -> None:
    found = seen(check(Status.WAITING, 3, step="machines"))
    assert "waiting: etcd has a leader: No leader." in text(found)


@pytest.mark.parametrize("width", [34, 39, 60, 100])
@pytest.mark.parametrize("height", [5, 8, 20])
def test_it_fits(width: int, height: int) -> None:
    long = waits(1, 4, "a very long name of something that is waited for " * 4)
    rows = current_lines(seen(begun(0, 2), begun(1, 3), long), BEGAN + 9, width, height)
    assert all(wide(one) <= width for one in rows)
    assert len(rows) <= max(height, 4)


def test_what_went_wrong_is_said_once_and_that_going_on_is_safe() -> None:
    view = seen(begun(0, 2), ended(0, 5, "failed", "tower-a does not answer."), step_ended(6, "failed"))
    told = plain(ending_lines(folded(view, [run_ended(7, "failed")]), 60))
    assert told.count("tower-a does not answer.") == 1
    assert "Going on is safe" in told
    error = HostError(
        "tower-a does not answer.", where="tower-a", why="Its power is off, it seems.", do=("Look at it.",)
    )
    told = plain(ending_lines(folded(view, [run_ended(7, "failed")]), 60, [error]))
    assert "\n   why Its power is off, it seems.\n   do Look at it.\n" in told
    assert ending_lines(seen(run_ended(9)), 60) == []
    assert "xx tower-a    Make etcd-a" in text(view)
    steps = plain(step_lines(view, 40)).splitlines()
    assert [one.split()[0] for one in steps] == ["xx", "--"]
    assert all(len(one) <= 40 for one in steps)


def test_what_could_not_be_looked_at_is_said_where_nothing_else_says_why_it_failed() -> None:
    away = {"detail": "Not checked: pi cannot be reached.", "explained_by": "hosts.reach"}
    unseen = check(Status.SKIP, 4, **away)
    blind = seen(unseen, step_ended(6, "failed"), run_ended(7, "failed"))
    assert "pi cannot be reached" in plain(ending_lines(blind, 60))
    known = seen(unseen, check(Status.FAIL, 5), step_ended(6, "failed"), run_ended(7, "failed"))
    told = plain(ending_lines(known, 60))
    assert "No leader." in told
    assert "pi cannot be reached" not in told


def test_steps_that_are_done_side_by_side_are_all_opened() -> None:
    both = seen(begun(0, 2), StepStarted(step="etcd", title="etcd cluster"), check(Status.WAITING, 3))
    told = plain(current_lines(both, BEGAN + 9, 60, 14))
    assert ".. Machines" in told
    assert ".. etcd cluster" in told
    assert "waiting: etcd has a leader" in told


def test_before_anything_is_known_the_hosts_that_are_looked_at_are_told() -> None:
    hosts = [HostState(host="pi", status="connecting"), HostState(host="tower-a", status="connected")]
    told = plain(current_lines(folded(RunView(), [*planned()[:1], *hosts]), BEGAN, 60, 14))
    assert told == ".. pi: connecting\nok tower-a: connected"
