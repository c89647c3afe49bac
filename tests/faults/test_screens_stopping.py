"""Rows 14, 15 and 16 on the screens: a run that is stopped, hung up on, suspended or killed can be taken up again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.site import Site, Terminal, left_over, until
from tests.rows import CliRun, assert_tolerated
from wizard.core.draft import Draft
from wizard.core.drafts import DraftStore

NEXT, QUIT = "\x0e", "\x11"
"""Ctrl-N and Ctrl-Q."""


def building(site: Site) -> Terminal:
    """The screens in the middle of a run: each host has begun something, and none of it ends."""
    site.world.hold.touch()
    draft = Draft.read(site.spec.read_text(), source="site").at("review")
    DraftStore(site.spec).save(draft, draft.check())
    terminal = site.at_terminal("setup", TERM="xterm-256color", TEXTUAL_ANIMATIONS="none")
    terminal.read_until("Go on")
    terminal.type(NEXT)
    terminal.read_until("changes, about")
    terminal.type(NEXT)
    terminal.read_until("Building")
    site.begun()
    return terminal


def ended(terminal: Terminal, code: int) -> None:
    """It has ended, and nothing of it is left on the terminal."""
    run = terminal.read_all()
    assert left_over(run.stdout) == []
    before, _, after = run.stdout.rpartition("\x1b[?1049l")
    assert before
    assert_tolerated(CliRun(run.exit_code - code, after.split("\x1b")[0], ""))


def resumed(site: Site) -> None:
    """The screens say where it stands, and bring it to its end; nothing was carried out twice."""
    site.world.hold.unlink(missing_ok=True)
    terminal = site.at_terminal("setup", TERM="xterm-256color", TEXTUAL_ANIMATIONS="none")
    terminal.read_until("Something is half done")
    terminal.read_until("changes, about")
    terminal.type(NEXT)
    terminal.read_until("is built")
    terminal.type(QUIT)
    ended(terminal, 0)
    site.nothing_left()


@pytest.mark.row("A", 14)
def test_row_a14_stopped_on_the_screens_what_is_begun_is_finished(site: Site) -> None:
    terminal = building(site)
    terminal.type("c")
    terminal.read_until("Let go now")
    site.world.hold.unlink()
    terminal.read_until("Try again")
    terminal.type(QUIT)
    ended(terminal, 0)
    assert_tolerated(site.run("state", "show"), shows=["3 done"])
    site.nothing_left()


@pytest.mark.row("A", 14)
def test_row_a14_stopped_twice_on_the_screens_it_lets_go(site: Site) -> None:
    terminal = building(site)
    terminal.type("c")
    terminal.read_until("Let go now")
    terminal.type("c")
    terminal.read_until("Try again")
    assert site.world.hold.exists(), "nobody waited for the hosts"
    terminal.type(QUIT)
    ended(terminal, 0)
    assert_tolerated(site.run("state", "show"), shows=["3 in flight"])
    resumed(site)


@pytest.mark.row("A", 15)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_row_a15_the_screens_are_told_to_end_during_a_run(site: Site, number: signal.Signals) -> None:
    terminal = building(site)
    terminal.process.send_signal(number)
    ended(terminal, 128 + number)
    assert_tolerated(site.run("state", "show"), shows=["3 in flight"])
    resumed(site)


@pytest.mark.row("A", 15)
def test_row_a15_the_window_of_the_screens_is_closed_during_a_run(site: Site) -> None:
    terminal = building(site)
    terminal.close()
    site.terminals.clear()
    terminal.process.wait(30)
    assert_tolerated(site.run("state", "show"), shows=["3 in flight"])
    resumed(site)


@pytest.mark.row("A", 15)
def test_row_a15_the_window_is_closed_and_no_signal_tells(site: Site) -> None:
    terminal = site.at_a_silent_terminal("setup", TERM="xterm-256color", TEXTUAL_ANIMATIONS="none")
    terminal.read_until("Hosts")
    terminal.close()
    site.terminals.clear()
    assert_tolerated(CliRun(terminal.process.wait(30) - (128 + signal.SIGHUP), "", ""))


@pytest.mark.row("A", 15)
def test_row_a15_the_screens_are_suspended_during_a_run_and_woken(site: Site) -> None:
    terminal = building(site)
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.read_until("\x1b[?1049l")
    until(lambda: not terminal.read_waiting() and sleeps(terminal.process.pid))
    assert left_over(terminal.shown) == [], "the shell has its terminal back"
    site.world.hold.unlink()
    terminal.shown = ""
    terminal.process.send_signal(signal.SIGCONT)
    terminal.read_until("\x1b[?1049h")
    terminal.read_until("is built")
    terminal.type(QUIT)
    ended(terminal, 0)
    site.nothing_left()


@pytest.mark.row("A", 16)
def test_row_a16_the_screens_are_killed_during_a_run(site: Site) -> None:
    terminal = building(site)
    terminal.process.send_signal(signal.SIGKILL)
    terminal.read_all()
    resumed(site)


@pytest.mark.row("A", 17)
def test_row_a17_resize_storm_during_a_run(site: Site) -> None:
    """Two hundred sizes, too small ones among them, while hosts work; back at the old size all is there."""
    terminal = building(site)
    for number in range(200):
        terminal.resize(20 + number * 37 % 181, 5 + number * 13 % 56)
        terminal.read_waiting()
    terminal.resize(80, 24)
    terminal.shown = ""
    site.world.hold.unlink()
    terminal.read_until("is built")
    terminal.type(QUIT)
    ended(terminal, 0)
    site.nothing_left()


def sleeps(pid: int) -> bool:
    """Whether a process was stopped and not woken yet."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
