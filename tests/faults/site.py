"""A person's machine with a spec on it: commands in this process, in another, and at a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.driver import World, composed
from tests.rows import CliRun
from tests.specs import loopback_home
from wizard import cli
from wizard.core.home import ClusterHome
from wizard.practice.faults import Faults

PATIENCE = 30.0
"""Seconds after which a thing that should have happened has not: only ever spent by a failing test."""

APPLY = ("apply", "--plain", "--yes")


@dataclass
class Site:
    """Where one person works, and the hosts they work on."""

    home: Path
    world_folder: Path
    capsys: pytest.CaptureFixture[str]
    faults: Faults = field(default_factory=Faults)
    skews: Mapping[str, float] = field(default_factory=dict)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    terminals: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spec = loopback_home(self.home)
        # The recorded hosts are containers, which have no KVM.
        self.spec.write_text(
            self.spec.read_text().replace("role: hypervisor,", "role: hypervisor, guests: lxc,")
        )
        self.world = World(self.world_folder)
        self.cluster = ClusterHome(self.home / ".local" / "state" / "homelab-wizard" / "loop")

    def run(self, *argv: str) -> CliRun:
        """A command in this process."""
        self.capsys.readouterr()
        with composed(self.world, self.faults, self.skews):
            code = cli.main(argv)
        out, err = self.capsys.readouterr()
        return CliRun(code, out, err)

    def applied(self) -> None:
        """Everything is done and saved."""
        run = self.run(*APPLY)
        assert run.exit_code == 0, run.stderr + run.stdout

    def command(self, *argv: str) -> list[str]:
        """The same as a program of its own."""
        return [sys.executable, "-m", "tests.faults.driver", str(self.world_folder), *argv]

    def env(self, **more: str) -> dict[str, str]:
        """Its environment. A terminal's size is what the terminal says: pytest's workers carry one in theirs."""
        ours = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        return {**ours, "PYTHONPATH": str(Path(__file__).parents[2]), **more}

    def start(self, *argv: str, **env: str) -> subprocess.Popen[bytes]:
        """The command as a program that goes on while the test does something."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            self.command(*argv),
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env=self.env(**env),
            cwd=self.home,
        )
        self.started.append(process)
        return process

    def finished(self, process: subprocess.Popen[bytes]) -> CliRun:
        """What it came to."""
        out, err = process.communicate(timeout=PATIENCE)
        return CliRun(process.returncode, out.decode(), err.decode())

    def whole(self, *argv: str, **env: str) -> CliRun:
        """Start it and wait for its end."""
        return self.finished(self.start(*argv, **env))

    def begun(self, times: int = 3) -> None:
        """Wait until so many operations were begun on the hosts."""
        until(lambda: sum(" begun " in line for line in self.world.happened) >= times)

    def at_terminal(self, *argv: str, size: tuple[int, int] = (80, 24), **env: str) -> Terminal:
        """The command at a terminal of its own, as its controlling one."""
        return self._at(["setsid", "--ctty", *self.command(*argv)], size, env)

    def at_a_silent_terminal(self, *argv: str, **env: str) -> Terminal:
        """The command at a terminal that sends it no signal."""
        return self._at(["setsid", *self.command(*argv)], (80, 24), env)

    def _at(self, command: list[str], size: tuple[int, int], env: dict[str, str]) -> Terminal:
        near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        process = subprocess.Popen(
            command,
            stdin=far,
            stdout=far,
            stderr=far,
            env=self.env(**env),
            cwd=self.home,
        )
        self.started.append(process)
        self.terminals.append(near)
        return Terminal(process, near, far)

    def end(self) -> None:
        """End what a failing test left."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait(5)
        for handle in self.terminals:
            with_closed(handle)

    def nothing_left(self) -> None:
        """The next run brings it to the end, each operation carried out exactly once; then there is nothing to do."""
        self.world.hold.unlink(missing_ok=True)
        self.applied()
        assert self.run("plan").exit_code == 0
        done = {host: [item.script for item in ran] for host, ran in self.world.ran().items()}
        assert done == {"tower-a": ["do/marker"], "tower-b": ["do/marker"], "pi": ["do/marker"]}


@dataclass
class Terminal:
    """A command at a terminal, seen from the other side of the glass."""

    process: subprocess.Popen[bytes]
    near: int
    far: int
    shown: str = ""

    def __post_init__(self) -> None:
        os.close(self.far)

    def read_until(self, word: str) -> str:
        """What is shown up to and with a word."""
        end = time.monotonic() + PATIENCE
        while word not in self.shown:
            assert self._take(end), f"{word!r} never came:\n{self.shown}"
        return self.shown

    def read_waiting(self) -> bool:
        """Take what was shown meanwhile, if anything was."""
        found = False
        while select.select([self.near], [], [], 0)[0] and self._take(time.monotonic()):
            found = True
        return found

    def read_all(self) -> CliRun:
        """Everything that is shown until the command ends."""
        end = time.monotonic() + PATIENCE
        while self._take(end):
            pass
        code = self.process.wait(PATIENCE)
        text = self.shown.replace("\r\n", "\n")
        return CliRun(code, text, text)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.near, text.encode())

    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        flags: int = termios.tcgetattr(self.near)[3]
        return bool(flags & termios.ECHO)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size."""
        fcntl.ioctl(self.near, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> None:
        """Close the window."""
        os.close(self.near)

    def _take(self, end: float) -> bool:
        ready, _, _ = select.select([self.near], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"nothing more came:\n{self.shown}"
        try:
            data = os.read(self.near, 65536)
        except OSError:  # Linux says EIO where the other side is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)


ESCAPE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")


def plain(text: str) -> bool:
    """Whether a text is nothing but text: no cursor is moved, nothing is coloured."""
    return not ESCAPE.search(text)


def until(holds: Callable[[], bool]) -> None:
    """Wait for a state of the world, failing when it does not come."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


MODE = re.compile(r"\x1b\[\?([0-9;]+)([hl])")
"""A terminal is told to begin or end a mode: another screen, reports of the mouse, a hidden cursor."""
USUAL = frozenset({"7", "25"})
"""Modes a shell's terminal is in: long lines are wrapped, the cursor is shown."""
KEYS_ASKED, KEYS_GIVEN_BACK = re.compile(r"\x1b\[>[0-9]+u"), re.compile(r"\x1b\[<u")
"""The keyboard is asked to report more, and to report as before."""


def left_over(shown: str) -> list[str]:
    """The modes in which a terminal was left, as the bytes it was sent have it; empty = as it was found.

    Args:
        shown: everything it was sent.
    """
    on = dict.fromkeys(USUAL, True)
    for numbers, word in MODE.findall(shown):
        on.update(dict.fromkeys(numbers.split(";"), word == "h"))
    left = sorted(number for number, holds in on.items() if holds != (number in USUAL))
    keys = len(KEYS_ASKED.findall(shown)) - len(KEYS_GIVEN_BACK.findall(shown))
    return left + ["keyboard"] * (keys > 0)


def with_closed(handle: int) -> None:
    """Close a handle that may be closed."""
    try:
        os.close(handle)
    except OSError:
        return


def under(mount: Sequence[str], command: Sequence[str]) -> list[str]:
    """A command in a mount namespace of its own, after mounting something there."""
    inside = f'{" ".join(mount)} && exec "$@"'
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", inside, "sh", *command]
