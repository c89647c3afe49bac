"""Nothing is drawn while nothing changes: no timer polls, no cursor blinks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from textual.widget import Widget

from tests.screens.desk import PracticeDesk
from tests.screens.runs import Gate, desk_with_answers
from tests.screens.walk import Walk, walk

SOME_TICKS = 30


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every widget that asks to be drawn meanwhile."""
    asked: list[str] = []
    refresh = Widget.refresh

    def noted(self: Widget, *regions: object, **how: object) -> Widget:
        asked.append(repr(self))
        return refresh(self, *regions, **how)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Widget, "refresh", noted)
        yield asked


async def every_timer_rings(person: Walk) -> None:
    """As much as would happen in a few seconds: whatever rings by itself does so some times over."""
    for _ in range(SOME_TICKS):
        for one in (person.app, *person.app.screen_stack, *person.app.screen.query("*")):
            for timer in list(one._timers):
                if timer._repeat is None and timer._active.is_set():
                    await timer._tick(next_timer=0.0, count=1)
        await asyncio.sleep(0)
    await person.pilot.pause()


async def only_one_is_at_work(person: Walk, host: str) -> None:
    """The other hosts have gone as far as they can without this one, and that is drawn."""
    before: object = None
    while True:
        run = person.app.install
        assert run is not None
        now = ([change.host for _, change in run.feed.view.running], len(run.feed.log))
        if now == before and now[0] == [host]:
            return
        before = now
        await person.pilot.pause(0.5)


def test_the_first_screen_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(person: Walk) -> None:
        assert person.stage == "welcome"
        with counted(monkeypatch) as asked:
            await every_timer_rings(person)
        assert asked == []

    walk(tmp_path, steps, desk=PracticeDesk(tmp_path))


def test_a_run_that_waits_draws_nothing_until_something_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_with_answers(tmp_path)
    gate = Gate(lambda at, what: (at, what) == ("etcd-b", "do/etcd-install"))
    desk.cluster.hosts.faults.watch = gate

    async def steps(person: Walk) -> None:
        await person.sees("changes, about")
        await person.press("ctrl+n")
        await person.until(gate.reached.is_set)
        await only_one_is_at_work(person, "etcd-b")
        # The screen looks whenever it is asked, and sees the same moment: what it would say stays the same.
        still = SimpleNamespace(monotonic=count(10**9, 5).__next__, time=lambda: 1.0)
        monkeypatch.setattr("screens.run.time", still)
        person.app._tick()
        await person.pilot.pause(0.2)
        with counted(monkeypatch) as asked:
            await every_timer_rings(person)
        gate.go_on.set()
        assert asked == []
        await person.until(lambda: person.stage == "done")

    walk(tmp_path, steps, desk=desk, place="review")


def test_what_a_run_says_is_drawn_though_no_clock_rings(tmp_path: Path) -> None:
    desk = desk_with_answers(tmp_path)
    gate = Gate(lambda at, what: (at, what) == ("etcd-b", "do/etcd-install"))
    desk.cluster.hosts.faults.watch = gate

    async def steps(person: Walk) -> None:
        await person.sees("changes, about")
        await person.press("ctrl+n")
        await person.until(lambda: person.app._ticks is not None)
        clock = person.app._ticks
        assert clock is not None
        clock.stop()
        await person.until(gate.reached.is_set)
        run = person.app.install
        assert run is not None
        await person.until(lambda: any(change.host == "etcd-b" for _, change in run.feed.view.running))
        gate.go_on.set()
        await person.until(lambda: person.stage == "done")

    walk(tmp_path, steps, desk=desk, place="review")
