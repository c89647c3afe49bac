"""A real terminal (tmux): start, resize, quit, and the signals of a terminal that goes away."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wizard.core.draft import Draft
from wizard.core.drafts import DraftStore
from wizard.core.resources import asset_text

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


@dataclass(slots=True)
class Terminal:
    """A shell in a tmux of its own, 80x24, in which the wizard practises."""

    folder: Path

    def tmux(self, *words: str) -> str:
        socket = str(self.folder / "tmux")
        done = subprocess.run(["tmux", "-S", socket, *words], capture_output=True, text=True, check=False)
        return done.stdout

    def begin(self) -> None:
        env = "env -u NO_COLOR -u COLUMNS -u LINES TEXTUAL_ANIMATIONS=none"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", f"{env} sh")
        self.start()

    def start(self) -> None:
        wizard = shlex.join(
            [sys.executable, "-m", "wizard", "practice", "--dir", str(self.home), "--speed", "5"]
        )
        self.tmux("send-keys", "clear; " + wizard + "; echo EXIT $?", "Enter")

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def keys(self, *names: str) -> None:
        self.tmux("send-keys", *names)

    def text(self) -> str:
        return self.tmux("capture-pane", "-p")

    def until(self, holds: Callable[[], bool]) -> None:
        """Look again until something holds; the machine may be slow, so it is given long."""
        for _ in range(1200):
            if holds():
                return
            time.sleep(0.1)
        raise AssertionError(f"it never came to that; the terminal says:\n{self.text()}")

    def sees(self, words: str) -> None:
        self.until(lambda: words in self.text())

    def left(self, code: int) -> None:
        """The wizard has ended with a code, and the terminal is as it was: no alternate screen, an echoing shell."""
        self.sees(f"EXIT {code}")
        assert self.tmux("display", "-p", "#{alternate_on}").strip() == "0"
        self.keys("echo back-$((40+2))", "Enter")
        self.sees("back-42")

    def wizard(self) -> int:
        """The wizard's process."""
        shell = self.tmux("list-panes", "-F", "#{pane_pid}").strip()
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", shell], capture_output=True, text=True, check=True
        )
        return int(found.stdout.split()[0])


@pytest.fixture
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    # A socket's path may have a hundred characters or so.
    folder = tmp_path_factory.mktemp("t")
    found = Terminal(folder)
    found.home.mkdir(mode=0o700)
    yield found
    found.tmux("kill-server")


def answered(terminal: Terminal) -> None:
    """Every question was answered in an earlier sitting."""
    draft = Draft.read(asset_text("practice/cluster.yaml"), source="practice").at("review")
    DraftStore(terminal.home / "cluster.yaml").save(draft, draft.check())


def test_start_resize_and_quit_leave_the_terminal_as_it_was(terminal: Terminal) -> None:
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_goes_away_in_the_middle_leaves_a_run_that_goes_on(
    terminal: Terminal, number: signal.Signals
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
    terminal.sees("Still to do")
    terminal.keys("C-q")
    terminal.left(0)
