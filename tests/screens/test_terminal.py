"""A real terminal (tmux): start, resize, quit, and the signals of a terminal that goes away."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screens.terminal import Terminal
from wizard.core.draft import Draft
from wizard.core.drafts import DraftStore
from wizard.core.resources import asset_text

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


class Practising(Terminal):
    """A terminal in which the wizard practises."""

    @property
    def home(self) -> Path:
        """Where the practice homelab is kept."""
        return self.folder / "home"


@pytest.fixture
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practising]:
    # A socket's path may have a hundred characters or so.
    folder = tmp_path_factory.mktemp("t")
    words = [sys.executable, "-m", "wizard", "practice", "--dir", str(folder / "home"), "--speed", "5"]
    found = Practising(folder, words)
    found.home.mkdir(mode=0o700)
    yield found
    found.end()


def answered(terminal: Practising) -> None:
    """Every question was answered in an earlier sitting."""
    draft = Draft.read(asset_text("practice/cluster.yaml"), source="practice").at("review")
    DraftStore(terminal.home / "cluster.yaml").save(draft, draft.check())


def test_start_resize_and_quit_leave_the_terminal_as_it_was(terminal: Practising) -> None:
    terminal.begin()
    terminal.sees("A homelab that stays up")
    for width, height in ((120, 36), (59, 14), (200, 50), (80, 24)) * 3:
        terminal.tmux("resize-window", "-x", str(width), "-y", str(height))
    terminal.sees("A homelab that stays up")
    terminal.tmux("resize-window", "-x", "50", "-y", "12")
    terminal.sees("Make it larger")
    terminal.tmux("resize-window", "-x", "80", "-y", "24")
    terminal.sees("A homelab that stays up")
    terminal.keys("C-q")
    terminal.left(0)


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_screens_back(terminal: Practising) -> None:
    """As under make, the wizard is not alone in its job: all of it stops, or the shell would wait for the rest."""
    terminal.words = ["sh", "-c", f"{shlex.join(terminal.words)}; echo EXIT $?"]
    terminal.begin()
    terminal.sees("A homelab that stays up")
    terminal.keys("C-z")
    terminal.sees("Stopped")
    assert terminal.tmux("display", "-p", "#{alternate_on}#{mouse_any_flag}").strip() == "00"
    terminal.keys("clear; echo back-$((40+2))", "Enter")
    terminal.sees("back-42")
    terminal.keys("fg", "Enter")
    terminal.sees("A homelab that stays up")
    terminal.keys("C-q")
    terminal.left(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_goes_away_in_the_middle_leaves_a_run_that_goes_on(
    terminal: Practising, number: signal.Signals
) -> None:
    answered(terminal)
    terminal.begin()
    terminal.sees("Go on")
    terminal.keys("C-n")
    terminal.sees("changes, about")
    terminal.keys("C-n")
    terminal.sees("Building")
    os.kill(terminal.wizard(), number)
    terminal.left(128 + number)
    terminal.start()
    terminal.sees("Something is half done")
    terminal.sees("changes, about")
    terminal.keys("C-q")
    terminal.left(0)
