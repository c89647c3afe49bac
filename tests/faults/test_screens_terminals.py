"""Rows 15, 17 and 18 on the screens: terminals of every kind, taken away, and locales without the letters we need."""

from __future__ import annotations

import re
import signal

import pytest

from tests.faults.site import Site, Terminal, left_over, plain
from tests.rows import CliRun, assert_explained, assert_tolerated
from wizard.core.drafts import DraftStore
from wizard.core.errors import ExitCode

ESCAPES = re.compile(r"\x1b(\[[0-9;?<>=]*[a-zA-Z]|[=>])")
"""What a terminal is told beside the text: modes, colours, where the cursor goes."""
QUIT = "\x11"
"""Ctrl-Q."""
RESTORED = "\x1b[?1049l"
"""The terminal shows again what it showed before."""


def opened(site: Site, *, size: tuple[int, int] = (80, 24), shows: str = "Go on", **env: str) -> Terminal:
    """The screens at a terminal, drawn once."""
    terminal = site.at_terminal("setup", size=size, **{"TERM": "xterm-256color", **env})
    terminal.read_until(shows)
    return terminal


def left_well(site: Site, terminal: Terminal, code: int) -> None:
    """It ended as asked, the terminal is as it was, and the answers are kept."""
    drawn = terminal.read_all()
    assert drawn.exit_code == code
    assert left_over(drawn.stdout) == []
    before, restored, after = drawn.stdout.rpartition(RESTORED)
    assert restored
    assert "Traceback" not in before
    assert_tolerated(CliRun(0, ESCAPES.sub("", after), ""))
    found = DraftStore(site.spec).load()
    assert found.begun
    assert found.draft.get("name") == "loop"


@pytest.mark.row("A", 15)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_row_a15_the_screens_are_told_to_end(site: Site, number: signal.Signals, code: int) -> None:
    terminal = opened(site)
    terminal.process.send_signal(number)
    left_well(site, terminal, code)


@pytest.mark.row("A", 15)
def test_row_a15_the_window_of_the_screens_is_closed(site: Site) -> None:
    terminal = opened(site)
    terminal.close()
    code = terminal.process.wait(120)
    assert_tolerated(CliRun(0, f"ended with {code}", ""))
    assert DraftStore(site.spec).load().draft.get("name") == "loop"


@pytest.mark.row("A", 17)
@pytest.mark.parametrize("size", [(40, 10), (20, 5)])
def test_row_a17_screens_without_room_say_so_and_go_on(site: Site, size: tuple[int, int]) -> None:
    terminal = opened(site, size=size, shows="This")
    terminal.resize(80, 24)
    terminal.read_until("Go on")
    terminal.type(QUIT)
    left_well(site, terminal, 0)


@pytest.mark.row("A", 17)
def test_row_a17_resize_storm_on_the_screens(site: Site) -> None:
    terminal = opened(site)
    for columns in range(10, 200, 10):
        terminal.resize(columns, columns // 4)
    terminal.type(QUIT)
    left_well(site, terminal, 0)


@pytest.mark.row("A", 17)
def test_row_a17_screens_without_colour(site: Site) -> None:
    terminal = opened(site, NO_COLOR="1")
    terminal.type(QUIT)
    left_well(site, terminal, 0)


@pytest.mark.row("A", 17)
def test_row_a17_a_dumb_terminal_is_asked_in_lines(site: Site) -> None:
    terminal = site.at_terminal("setup", TERM="dumb")
    terminal.read_until("its name?")
    terminal.read_until("Answer [")
    terminal.type("\x04")
    run = terminal.read_all()
    assert plain(run.stderr), "no cursor is moved"
    assert_explained(run, exit_code=ExitCode.CANCELLED, says=["are kept"], do="same command again")


def test_plain_on_a_real_terminal_has_menus(site: Site) -> None:
    terminal = site.at_terminal("setup", "--plain", TERM="xterm-256color")
    terminal.read_until("its name?")
    terminal.read_until("Answer [")
    terminal.type("\r")
    terminal.read_until("the question before")
    terminal.type("\x03")
    run = terminal.read_all()
    assert run.exit_code == ExitCode.CANCELLED
    assert "Traceback" not in run.stderr
    assert DraftStore(site.spec).load().draft.place == "hosts"


@pytest.mark.row("A", 18)
@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_row_a18_screens_in_a_locale_without_letters(site: Site, locale: str) -> None:
    terminal = opened(site, LANG=locale, LC_ALL=locale)
    terminal.type(QUIT)
    left_well(site, terminal, 0)
