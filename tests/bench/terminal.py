"""Programs on a terminal of their own (a pty), as a person's is, with keys pressed from outside."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.first_frame import MARK, RESULT
from tests.bench.measure import DEADLINE, clean_env
from tests.bench.report import ROOT


@dataclass(frozen=True, slots=True)
class OnTerminal:
    """A program that runs on a terminal."""

    process: subprocess.Popen[bytes]
    keyboard: int
    """What is written to it is typed."""

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.keyboard, keys)

    def ended(self) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(DEADLINE)


@contextmanager
def on_terminal(
    words: Sequence[str], folder: Path, size: tuple[int, int] = (80, 24), env: Mapping[str, str] | None = None
) -> Iterator[OnTerminal]:
    """Run a program on a terminal; it has ended when the block is left.

    Args:
        words: the command line.
        folder: where it runs.
        size: columns and rows.
        env: more environment variables.
    """
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    whole = clean_env(TERM="xterm-256color", PYTHONPATH=str(ROOT), **(env or {}))
    with subprocess.Popen(
        list(words), stdin=its, stdout=its, stderr=its, env=whole, cwd=folder, start_new_session=True
    ) as process:
        os.close(its)
        reader = threading.Thread(target=_read_all, args=(ours,))
        reader.start()
        try:
            yield OnTerminal(process, ours)
        finally:
            process.kill()
            process.wait()
            reader.join()
            os.close(ours)


def _read_all(terminal: int) -> None:
    """A terminal that nobody reads from would hold the program up."""
    try:
        while os.read(terminal, 1 << 16):
            pass
    except OSError:  # EIO: the program has ended
        return


def first_frame(words: Sequence[str], folder: Path, mark: str) -> float:
    """Run a Textual program until its first screen is drawn, and return the seconds of processor time it took.

    Args:
        words: the command line.
        folder: where it runs.
        mark: words of its first screen.
    """
    result = folder / "first-frame"
    result.unlink(missing_ok=True)
    driver = "tests.bench.first_frame:FirstFrameDriver"
    env = {"TEXTUAL_DRIVER": driver, MARK: mark, RESULT: str(result)}
    with on_terminal(words, folder, env=env) as running:
        assert running.ended() == 0
    return float(result.read_text())
