"""A real terminal: a tmux of its own, driven by keys, read as a person reads it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOKS, PAUSE = 1200, 0.1
"""How often is looked again, and the seconds between: the machine may be slow, so what is waited for is given long."""
BEHIND_LABEL = 14
"""Columns from the line between the panes to the first letter of a field."""
TURNS = 20
"""Fields of a screen there may be, at most."""


@dataclass(slots=True)
class Terminal:
    """A shell in a tmux of its own, in which the wizard is started.

    Args:
        folder: of the tmux; short, since a socket's path may have a hundred characters or so.
        words: the wizard as it is called.
        size: columns and lines.
        env: what the shell knows besides what the tests' own environment says.
        cwd: where it is called.
    """

    folder: Path
    words: Sequence[str]
    size: tuple[int, int] = (80, 24)
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None

    def tmux(self, *words: str) -> str:
        """What a command of tmux says."""
        socket = str(self.folder / "tmux")
        environ = {
            name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")
        }
        environ |= {"TEXTUAL_ANIMATIONS": "none", **self.env}
        done = subprocess.run(
            ["tmux", "-S", socket, *words],
            capture_output=True,
            text=True,
            check=False,
            env=environ,
            cwd=self.cwd,
        )
        return done.stdout

    def begin(self) -> None:
        """Open the terminal, and start the wizard in it."""
        width, height = (str(number) for number in self.size)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "sh")
        self.start()

    def start(self, *more: str) -> None:
        """Start the wizard in the open terminal.

        Args:
            more: further words of the call.
        """
        self.keys(f"clear; {shlex.join([*self.words, *more])}; echo EXIT $?", "Enter")

    def end(self) -> None:
        """Close the terminal and whatever runs in it."""
        self.tmux("kill-server")

    def kill(self) -> None:
        """SIGKILL to the wizard: it gives nothing back, so the terminal is put right as a person does it."""
        os.kill(self.wizard(), signal.SIGKILL)
        self.keys("stty sane; tput rmcup; echo killed-$((40+2))", "C-j")
        self.sees("killed-42")

    # --- the keyboard -----------------------------------------------------------------------------------------

    def keys(self, *names: str) -> None:
        """Press keys, one after another."""
        self.tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type whatever it is, letter by letter."""
        self.tmux("send-keys", "-l", text)

    def fill(self, label: str, text: str, *, over: bool = False) -> None:
        """Go to a field of the screen by tab, and type into it.

        Args:
            label: in front of the field.
            text: what is typed.
            over: something stands there, and is taken away first.
        """
        for _ in range(TURNS):
            if self.line_of_cursor().startswith(label):
                if over:
                    self.keys("C-a", "C-k")
                    self.until(self._at_the_beginning)
                self.type(text)
                self.until(lambda: f"{label} {text[-16:]}" in " ".join(self.line_of_cursor().split()))
                return
            before = self.cursor()[1]
            self.keys("Tab")
            self.settled(before)
        raise AssertionError(f"there is no field {label!r}; the terminal says:\n{self.text()}")

    def patient(self, key: str, holds: Callable[[], bool]) -> None:
        """Press a key until something holds; what has the focus before it may take the first one.

        Args:
            key: its name.
            holds: what is to come of it.
        """
        for _ in range(TURNS):
            self.keys(key)
            for _ in range(40):
                if holds():
                    return
                time.sleep(0.05)
        raise AssertionError(f"{key} does nothing; the terminal says:\n{self.text()}")

    def _at_the_beginning(self) -> bool:
        """Letters that arrive together with a key that does something may overtake it."""
        column, row = self.cursor()
        start = self.text().split("\n")[row].find("│") + BEHIND_LABEL
        return start <= column <= start + 1

    def settled(self, before: int) -> None:
        """Wait until the cursor is on another line; on what has no cursor, for some seconds."""
        for _ in range(100):
            if self.cursor()[1] != before:
                return
            time.sleep(0.05)

    # --- what there is to see ---------------------------------------------------------------------------------

    def text(self) -> str:
        """What is on the screen now, as lines."""
        return self.tmux("capture-pane", "-p")

    def cursor(self) -> tuple[int, int]:
        """Column and line of the cursor, from 0."""
        column, _, row = self.tmux("display", "-p", "#{cursor_x} #{cursor_y}").strip().partition(" ")
        return int(column), int(row)

    def line_of_cursor(self) -> str:
        """The line of the middle pane that is typed into."""
        rows = self.text().split("\n")
        row = self.cursor()[1]
        panes = rows[row].split("│") if row < len(rows) else [""]
        return panes[min(1, len(panes) - 1)].strip()

    def until(self, holds: Callable[[], bool]) -> None:
        """Look again until something holds."""
        for _ in range(LOOKS):
            if holds():
                return
            time.sleep(PAUSE)
        raise AssertionError(f"it never came to that; the terminal says:\n{self.text()}")

    def sees(self, *words: str) -> str:
        """Wait until the screen says one of these. Returns which."""
        found: list[str] = []

        def says() -> bool:
            text = self.text()
            found.extend(one for one in words if one in text)
            return bool(found)

        self.until(says)
        return found[0]

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
